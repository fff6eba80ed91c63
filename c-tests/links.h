/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads interface state with ioctl(2). Helpers shared by the tests of interfaces, addresses and routes. */
#ifndef NETNS_TEST_LINKS_H
#define NETNS_TEST_LINKS_H

#include "fault.h"
#include "privilege.h"
#include "test.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* A name of the maximum length, and one that is a byte too long. */
#define LONGEST_IFNAME "d23456789012345"
#define TOO_LONG_IFNAME LONGEST_IFNAME "6"

/* --- sockets ------------------------------------------------------------------------------------ */

/* A datagram socket in ns (NULL: here). */
static inline int datagram_socket(const struct netns *ns, int domain)
{
    return MUST(ns ? netns_socket(ns, domain, SOCK_DGRAM, 0)
                   : socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* Builds the socket address of an IPv4 or IPv6 address and a port; returns its length. */
static inline socklen_t socket_address(const char *text, int port, struct sockaddr_storage *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return sizeof *in;
    }
    MUST(inet_pton(AF_INET6, text, &in6->sin6_addr) - 1);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    return sizeof *in6;
}

/* --- kernel state, read without netlink --------------------------------------------------------- */

/* Makes one ioctl(2) about an interface in ns (NULL: here). Returns false if the interface does not exist. */
static inline bool
ask_device(const struct netns *ns, const char *ifname, unsigned long what, struct ifreq *answer)
{
    int fd = datagram_socket(ns, AF_INET);
    bool there;

    memset(answer, 0, sizeof *answer);
    snprintf(answer->ifr_name, sizeof answer->ifr_name, "%s", ifname);
    there = ioctl(fd, what, answer) == 0;
    if (!there)
        check_at(errno == ENODEV, __LINE__, "ioctl %lx on %s: %s", what, ifname, strerror(errno));
    close(fd);
    return there;
}

/* The interface's index, or 0 if it does not exist. */
static inline unsigned index_of(const struct netns *ns, const char *ifname)
{
    struct ifreq answer;

    return ask_device(ns, ifname, SIOCGIFINDEX, &answer) ? answer.ifr_ifindex : 0;
}

static inline bool has_device(const struct netns *ns, const char *ifname)
{
    return index_of(ns, ifname) != 0;
}

static inline bool is_up(const struct netns *ns, const char *ifname)
{
    struct ifreq answer;

    return ask_device(ns, ifname, SIOCGIFFLAGS, &answer) && answer.ifr_flags & IFF_UP;
}

static inline int mtu_of(const struct netns *ns, const char *ifname)
{
    struct ifreq answer;

    return ask_device(ns, ifname, SIOCGIFMTU, &answer) ? answer.ifr_mtu : -1;
}

/* The interface's link-layer address, in a buffer that the next call overwrites. */
static inline const char *lladdr_of(const struct netns *ns, const char *ifname)
{
    static char text[18];
    struct ifreq answer;
    const unsigned char *b = (const unsigned char *)answer.ifr_hwaddr.sa_data;

    if (!ask_device(ns, ifname, SIOCGIFHWADDR, &answer))
        return NULL;
    snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return text;
}

/* The index in the list of the interface with this name, or the list's length if it is not there. */
static inline size_t find_device(const struct netns_link_snapshot *list, const char *ifname)
{
    size_t i, len = netns_link_list_len(list);

    for (i = 0; i < len && strcmp(netns_link_list_name(list, i), ifname) != 0; i++)
        ;
    return i;
}

/* The number of interfaces, including lo. */
static inline int devices_in(const struct netns *ns)
{
    struct netns_link_snapshot *list = NULL;
    int count;

    OK(netns_link_list(ns, 0, &list));
    count = (int)netns_link_list_len(list);
    netns_link_list_free(list);
    return count;
}

static inline int addresses_in(const struct netns *ns)
{
    struct netns_addr_snapshot *list = NULL;
    int count;

    OK(netns_addr_list(ns, 0, &list));
    count = (int)netns_addr_list_len(list);
    netns_addr_list_free(list);
    return count;
}

static inline int routes_in(const struct netns *ns)
{
    struct netns_route_snapshot *list = NULL;
    int count;

    OK(netns_route_list(ns, 0, &list));
    count = (int)netns_route_list_len(list);
    netns_route_list_free(list);
    return count;
}

/* --- test namespaces ---------------------------------------------------------------------------- */

/* Moves the calling thread from the host's network namespace to a new, empty one. */
static inline void leave_the_host(void)
{
    MUST(unshare(CLONE_NEWNET));
}

/* Without IPv6, the IPv6 part of a test is skipped. */
static inline bool have_ipv6(void)
{
    return access("/proc/net/if_inet6", F_OK) == 0;
}

static inline void need_ipv6(void)
{
    if (!have_ipv6())
        skip("no IPv6");
}

/* Whether an interface was created. Only one errno means that the kernel does not support the kind. */
static inline bool was_made(int rc)
{
    check_at(rc == 0 || rc == -EOPNOTSUPP, __LINE__, "%d: %s", rc, netns_errmsg());
    return rc == 0;
}

/* Whether the kernel supports this kind of interface, found by creating one in a temporary namespace. */
static inline bool have_kind(const char *kind)
{
    struct netns *ns = NULL;
    bool made;

    OK(netns_create(NULL, 0, &ns));
    made = was_made(netns_link_add(ns, "try0", kind));
    netns_close(ns);
    return made;
}

static inline void need_kind(const char *kind)
{
    if (!have_kind(kind)) {
        printf("# no %s\n", kind);
        skip("the kernel lacks a kind of device");
    }
}

static inline bool have_veth(void)
{
    struct netns *ns = NULL;
    bool made;

    OK(netns_create(NULL, 0, &ns));
    made = was_made(netns_veth_add(ns, "try0", ns, "try1"));
    netns_close(ns);
    return made;
}

static inline void need_veth(void)
{
    if (!have_veth())
        skip("the kernel has no veth");
}

static inline void need_macvlan(void)
{
    struct netns *ns = NULL;
    bool made;

    need_veth();
    OK(netns_create(NULL, 0, &ns));
    OK(netns_veth_add(ns, "try0", ns, "try1"));
    made = was_made(netns_macvlan_add(ns, "try2", ns, "try0", NULL));
    netns_close(ns);
    if (!made)
        skip("the kernel has no macvlan");
}

/* Disables IPv6 on v0 in the namespace arg. Runs in a child because the sysctls visible in /proc depend on
   the network namespace. */
static inline void switch_ipv6_off(void *arg)
{
    OK(netns_setns(arg));
    write_file("/proc/sys/net/ipv6/conf/v0/disable_ipv6", "1", 0);
}

/* Creates "blue" with v0 and "red" with v1, which form a veth pair. */
static inline void make_pair(struct netns **blue, struct netns **red)
{
    need_veth();
    OK(netns_create("blue", 0, blue));
    OK(netns_create("red", 0, red));
    OK(netns_veth_add(*blue, "v0", *red, "v1"));
}

/* The same, with v0 192.0.2.1/24 and v1 192.0.2.2/24, both up. */
static inline void make_connected_pair(struct netns **blue, struct netns **red)
{
    make_pair(blue, red);
    OK(netns_addr_add(*blue, "v0", "192.0.2.1/24"));
    OK(netns_addr_add(*red, "v1", "192.0.2.2/24"));
    OK(netns_link_up(*blue, "v0"));
    OK(netns_link_up(*red, "v1"));
}

static inline void close_pair(struct netns *blue, struct netns *red)
{
    netns_close(blue);
    netns_close(red);
}

/* --- names ------------------------------------------------------------------------------------- */

/* Names that no interface can have. */
static const char *const bad_ifnames[] = {NULL, "", ".", "..", "a/b", "/", "a b", " ", "a\tb",
                                          "a\nb", "a:b", "v0:1", ":", "v%d", "%", "\xa0", "all",
                                          "default"};

#define BAD_IFNAMES (sizeof bad_ifnames / sizeof *bad_ifnames)

/* Checks that a call rejects invalid interface names, with a message that contains the name. */
#define REFUSES_BAD_NAMES(name, call)                                                              \
    do {                                                                                           \
        const char *name;                                                                          \
        for (size_t i_ = 0; i_ < BAD_IFNAMES; i_++) {                                              \
            name = bad_ifnames[i_];                                                                \
            FAILS(EINVAL, call);                                                                   \
        }                                                                                          \
        name = TOO_LONG_IFNAME;                                                                    \
        FAILS(ENAMETOOLONG, call);                                                                 \
        MESSAGE_HAS(TOO_LONG_IFNAME);                                                              \
    } while (0)

/* --- calls that fail --------------------------------------------------------------------------- */

/* One of the calls, to be made in ns. */
typedef int request(const struct netns *ns);

/* The result of a request, for the caller of a part that ran on another thread. */
struct attempt {
    request *call;
    const struct netns *ns;
    int rc, error;
    char message[256];
};

static inline void attempt(void *arg)
{
    struct attempt *a = arg;

    errno = ERRNO_UNTOUCHED;
    a->rc = a->call(a->ns);
    a->error = errno;
    snprintf(a->message, sizeof a->message, "%s", a->rc < 0 ? netns_errmsg() : "");
}

/* Checks that the request fails with this errno while a system call fails with `cause`, and that it leaves
   nothing behind. */
static inline void
fails_with_fault(request *call, const struct netns *ns, int syscall, int cause, int error, int line)
{
    struct fault fault = {.call = syscall, .error = cause};
    struct attempt a = {.call = call, .ns = ns};
    struct state before = state_now();

    with_faults(&fault, 1, attempt, &a);
    check_at(a.rc == -error && a.error == error, line, "returned %d (%s), set errno to %d, not %s",
             a.rc, a.message, a.error, strerrorname_np(error));
    check_at(a.message[0] != '\0', line, "no message");
    unchanged_at(before, line);
}

/* The same for each of the requests, made with a handle of "blue" that has no connection yet. */
static inline void
all_fail_with_fault(request *const *calls, size_t count, int syscall, int error, int line)
{
    for (size_t i = 0; i < count; i++) {
        struct netns *ns = NULL;

        OK(netns_open("blue", 0, &ns));
        fails_with_fault(calls[i], ns, syscall, error, error, line);
        netns_close(ns);
    }
}

/* Checks that the request fails with EMFILE until enough descriptors are available, also with such a
   handle. */
static inline void request_runs_out_of_descriptors(request *call)
{
    struct netns *ns = NULL;

    OK(netns_open("blue", 0, &ns));
    RUNS_OUT_OF_DESCRIPTORS(call(ns));
    netns_close(ns);
}

/* Drops CAP_NET_ADMIN on the calling thread and checks that each of the requests fails and names the
   capability. */
static inline void all_take_net_admin(request *const *calls, size_t count, const struct netns *ns)
{
    drop_capability(CAP_NET_ADMIN);
    for (size_t i = 0; i < count; i++) {
        FAILS(EPERM, calls[i](ns));
        MESSAGE_HAS("CAP_NET_ADMIN");
    }
}

/* --- concurrent changes ------------------------------------------------------------------------ */

/* A function that creates and deletes something in ns, for the i-th time. */
struct changer {
    const struct netns *ns;
    void (*change)(const struct netns *ns, int i);
    int done; /* read and written atomically */
};

static inline void *come_and_go(void *arg)
{
    struct changer *changer = arg;

    for (int i = 0; i < 100000 && !__atomic_load_n(&changer->done, __ATOMIC_SEQ_CST); i++)
        changer->change(changer->ns, i);
    return NULL;
}

/*
 * Checks that `look`, which lists ns and returns the listing's result, finds everything that stays while
 * another thread creates and deletes something in ns. -EAGAIN is accepted, but not every time.
 */
static inline void
look_meanwhile(const struct netns *ns, void (*change)(const struct netns *ns, int i),
               int (*look)(const struct netns *ns, int staying), int staying, int rounds)
{
    struct changer changer = {.ns = ns, .change = change};
    pthread_t thread;
    int listed = 0;

    MUST(-pthread_create(&thread, NULL, come_and_go, &changer));
    for (int round = 0; round < rounds; round++) {
        int rc = look(ns, staying);

        if (rc < 0)
            EQUAL(rc, -EAGAIN);
        else
            listed++;
    }
    __atomic_store_n(&changer.done, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CHECK(listed > 0);
    EQUAL(threads_left(), 1);
}

#endif
