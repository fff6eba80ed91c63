/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library verifies a descriptor that a handle keeps before it uses or closes it: the program may have
 * closed it since, and a thread may have another file under its number. */
#include "links.h"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* No descriptor of these tests has a number above this. */
#define HIGHEST 256

static int list_links(const struct netns *ns)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(ns, 0, &list);

    netns_link_list_free(list);
    return rc;
}

static bool has_link(const struct netns *ns, const char *ifname)
{
    struct ifreq answer;

    return ask_device(ns, ifname, SIOCGIFINDEX, &answer);
}

static uint64_t cookie_of_socket(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;

    MUST(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
    return cookie;
}

static bool is_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int sockets_open(void)
{
    int count = 0;

    for (int fd = 3; fd < HIGHEST; fd++)
        count += is_socket(fd);
    return count;
}

/* The number of the only open socket. */
static int only_socket(void)
{
    int fd = 3;

    EQUAL(sockets_open(), 1);
    while (fd < HIGHEST && !is_socket(fd))
        fd++;
    return fd;
}

/* A handle that keeps a connection, and the connection's number. */
struct kept {
    struct netns *ns;
    int number;
};

static struct kept new_kept(void)
{
    struct kept kept = {NULL, -1};

    MUST(netns_create(NULL, 0, &kept.ns));
    OK(list_links(kept.ns));
    kept.number = only_socket();
    return kept;
}

/* Moves a descriptor that the program opens to that number. */
static int put_under(int number, int fd)
{
    MUST(dup3(fd, number, O_CLOEXEC));
    close(fd);
    return number;
}

/* An rtnetlink socket that receives notifications, as programs use it. */
static int listening_netlink_socket(int number)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

    MUST(bind(fd, (void *)&address, sizeof address));
    return put_under(number, fd);
}

/* Checks that it was neither used for a request nor closed. */
static void is_untouched(int fd)
{
    struct sockaddr_nl address = {0};
    socklen_t len = sizeof address;
    char byte;

    EQUAL(getsockname(fd, (void *)&address, &len), 0);
    EQUAL(address.nl_groups, RTMGRP_LINK);
    EQUAL(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    EQUAL(errno, EAGAIN);
}

/* --- closed by the program, and the number used again ----------------------------------------------- */

struct tcp {
    int number, peer;
};

/* With an owner for its signals, as in many programs. */
static struct tcp connection_under(int number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct tcp tcp;
    int listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    MUST(bind(listener, (void *)&address, len));
    MUST(listen(listener, 1));
    MUST(getsockname(listener, (void *)&address, &len));
    MUST(connect(fd, (void *)&address, len));
    MUST(fcntl(fd, F_SETOWN, getpid()));
    tcp.peer = MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    tcp.number = put_under(number, fd);
    close(listener);
    MUST(write(tcp.peer, "HELLO", 5));
    return tcp;
}

static void tcp_socket_under_reused_number_is_left_untouched(void)
{
    struct netns *here = NULL;
    struct kept kept;
    struct tcp tcp;
    char text[16] = "";

    /* With lo up. */
    MUST(netns_create(NULL, NETNS_CREATE_LO_UP, &here));
    OK(netns_setns(here));
    kept = new_kept();
    tcp = connection_under(kept.number);
    for (int i = 0; i < 3; i++)
        OK(list_links(kept.ns));
    netns_close(kept.ns);
    EQUAL(recv(tcp.peer, text, sizeof text, MSG_DONTWAIT), -1);
    EQUAL(errno, EAGAIN);
    EQUAL(recv(tcp.number, text, sizeof text, 0), 5);
    SAME(text, "HELLO");
    close(tcp.number);
    close(tcp.peer);
    netns_close(here);
}

static void handle_does_not_use_cached_socket_of_another_handle(void)
{
    struct kept a = new_kept();
    struct netns *b = NULL;

    MUST(netns_create(NULL, 0, &b));
    close(a.number);
    /* Its connection gets the same number. */
    OK(list_links(b));
    EQUAL(only_socket(), a.number);
    OK(netns_link_add(a.ns, "for-a", "bridge"));
    CHECK(has_link(a.ns, "for-a"));
    CHECK(!has_link(b, "for-a"));
    /* From now on each has its own. */
    EQUAL(sockets_open(), 2);
    OK(list_links(b));
    OK(netns_link_del(a.ns, "for-a"));
    EQUAL(sockets_open(), 2);
    netns_close(a.ns);
    EQUAL(only_socket(), a.number);
    OK(list_links(b));
    netns_close(b);
    EQUAL(sockets_open(), 0);
}

static void closed_cached_socket_is_replaced_every_time(void)
{
    struct kept kept = new_kept();
    int before = open_descriptors();

    for (int i = 0; i < 50; i++) {
        close(kept.number);
        OK(list_links(kept.ns));
        EQUAL(only_socket(), kept.number);
        EQUAL(open_descriptors(), before);
    }
    netns_close(kept.ns);
}

static void use_in_a_child_that_closes(void *arg)
{
    struct kept *kept = arg;

    listening_netlink_socket(kept->number);
    OK(list_links(kept->ns));
    is_untouched(kept->number);
    EQUAL(sockets_open(), 2);
    netns_close(kept->ns);
    is_untouched(kept->number);
    EQUAL(only_socket(), kept->number);
    close(kept->number);
}

static void close_in_a_child_that_closes(void *arg)
{
    struct kept *kept = arg;

    listening_netlink_socket(kept->number);
    netns_close(kept->ns);
    is_untouched(kept->number);
    close(kept->number);
}

static void netlink_socket_of_child_under_reused_number_is_untouched(void)
{
    struct kept kept = new_kept();

    IN_CHILD(use_in_a_child_that_closes, &kept);
    IN_CHILD(close_in_a_child_that_closes, &kept);
    OK(list_links(kept.ns));
    EQUAL(only_socket(), kept.number);
    netns_close(kept.ns);
}

/* --- separate descriptor tables --------------------------------------------------------------------- */

static pthread_barrier_t turn;

/* Runs body in a thread, and waits for it. */
static void in_thread(void *(*body)(void *arg), void *arg)
{
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, body, arg));
    MUST(-pthread_join(thread, NULL));
}

static void *keep_with_own_table(void *arg)
{
    struct kept *kept = arg;

    MUST(unshare(CLONE_FILES));
    OK(list_links(kept->ns));
    kept->number = only_socket();
    return NULL;
}

static void cached_socket_of_other_descriptor_table_is_not_used(void)
{
    struct kept kept = {NULL, -1};

    MUST(netns_create(NULL, 0, &kept.ns));
    in_thread(keep_with_own_table, &kept);
    EQUAL(sockets_open(), 0);
    listening_netlink_socket(kept.number);
    OK(list_links(kept.ns));
    is_untouched(kept.number);
    netns_close(kept.ns);
    is_untouched(kept.number);
    EQUAL(only_socket(), kept.number);
    close(kept.number);
}

/* Two threads alternate, each with its own descriptor table: both get their answers, and neither leaks
 * sockets into the other's table. */
static void *use_by_turns(void *arg)
{
    MUST(unshare(CLONE_FILES));
    /* So that the number differs there. */
    put_under(HIGHEST, MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)));
    for (int fd = netns_fd(arg) + 1; fd < netns_fd(arg) + 5; fd++)
        MUST(dup3(HIGHEST, fd, O_CLOEXEC));
    for (int i = 0; i < 20; i++) {
        pthread_barrier_wait(&turn);
        OK(list_links(arg));
        CHECK(sockets_open() <= 1);
        pthread_barrier_wait(&turn);
    }
    return NULL;
}

static void threads_with_own_descriptor_tables_leak_no_sockets(void)
{
    struct netns *ns = NULL;
    pthread_t thread;

    MUST(netns_create(NULL, 0, &ns));
    MUST(-pthread_barrier_init(&turn, NULL, 2));
    MUST(-pthread_create(&thread, NULL, use_by_turns, ns));
    for (int i = 0; i < 20; i++) {
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        OK(list_links(ns));
        CHECK(sockets_open() <= 1);
    }
    MUST(-pthread_join(thread, NULL));
    netns_close(ns);
    EQUAL(sockets_open(), 0);
}

static void *use_at_once(void *arg)
{
    MUST(unshare(CLONE_FILES));
    pthread_barrier_wait(&turn);
    for (int i = 0; i < (is_slow() ? 20 : 1000); i++)
        OK(list_links(arg));
    EQUAL(sockets_open() <= 1, true);
    return NULL;
}

static void threads_with_own_descriptor_tables_can_share_handle(void)
{
    struct kept kept = new_kept();
    pthread_t threads[4];

    MUST(-pthread_barrier_init(&turn, NULL, 4));
    for (int i = 0; i < 4; i++)
        MUST(-pthread_create(&threads[i], NULL, use_at_once, kept.ns));
    for (int i = 0; i < 4; i++)
        MUST(-pthread_join(threads[i], NULL));
    EQUAL(only_socket(), kept.number);
    netns_close(kept.ns);
}

/* In its table both numbers refer to other files. */
static void *close_in_the_wrong_table(void *arg)
{
    struct kept *kept = arg;
    int handle = netns_fd(kept->ns);

    MUST(unshare(CLONE_FILES));
    put_under(handle, MUST(open("/dev/null", O_RDWR | O_CLOEXEC)));
    listening_netlink_socket(kept->number);
    OK(list_links(NULL));
    is_untouched(kept->number);
    netns_close(kept->ns);
    is_untouched(kept->number);
    EQUAL(write(handle, "x", 1), 1);
    return NULL;
}

static void netns_close_in_other_descriptor_table_closes_nothing(void)
{
    struct kept kept = new_kept();
    int handle = netns_fd(kept.ns);

    in_thread(close_in_the_wrong_table, &kept);
    /* The connection here is no longer used, but it has not been changed. */
    EQUAL(only_socket(), kept.number);
    EQUAL(fcntl(handle, F_GETFD), FD_CLOEXEC);
    close(kept.number);
    close(handle);
}

static void *use_once(void *arg)
{
    OK(list_links(arg));
    return NULL;
}

/* A thread that did not open the connection finds it closed. The table is identified by the thread that
 * opened it, if the kernel reports that; otherwise the thread opens a connection for each call. */
static void *close_and_use(void *arg)
{
    struct kept *kept = arg;

    close(kept->number);
    for (int i = 0; i < 3; i++)
        OK(list_links(kept->ns));
    return NULL;
}

static void other_thread_replaces_closed_cached_socket(void)
{
    struct kept kept = new_kept();

    in_thread(close_and_use, &kept);
    EQUAL(sockets_open() <= 1, true);
    /* The thread that opened it has ended. */
    in_thread(use_once, kept.ns);
    OK(list_links(kept.ns));
    netns_close(kept.ns);
    EQUAL(sockets_open(), 0);
}

static void use_without_kcmp(void *arg)
{
    struct kept *kept = arg;

    close_and_use(kept);
    EQUAL(sockets_open(), 0);
}

static void without_kcmp_each_call_opens_its_own_socket(void)
{
    static const struct fault faults[] = {{SYS_kcmp, EPERM, 0, 0, 0}};
    struct kept kept = new_kept();

    with_faults(faults, 1, use_without_kcmp, &kept);
    OK(list_links(kept.ns));
    EQUAL(only_socket(), kept.number);
    netns_close(kept.ns);
}

/* --- a second handle ---------------------------------------------------------------------------------- */

static void dup_returns_independent_handle_to_same_namespace(void)
{
    struct netns *ns = NULL, *path = NULL, *copy = NULL, *nameless = NULL;
    uint64_t cookie, own;
    struct stat st;

    OK(netns_create_at("/run/mine", "blue", 0, &ns));
    OK(list_links(ns));
    OK(netns_dup(ns, &copy));
    SAME(netns_name(copy), "blue");
    SAME(netns_path(copy), "/run/mine/blue");
    CHECK(netns_name(copy) != netns_name(ns));
    EQUAL(netns_equal(ns, copy), 1);
    EQUAL(netns_inode(copy), netns_inode(ns));
    CHECK(netns_fd(copy) != netns_fd(ns));
    EQUAL(fcntl(netns_fd(copy), F_GETFD), FD_CLOEXEC);
    /* With its own connection. */
    EQUAL(sockets_open(), 1);
    OK(list_links(copy));
    EQUAL(sockets_open(), 2);
    own = COOKIE_OF(ns);
    netns_close(ns);
    EQUAL(sockets_open(), 1);
    OK(netns_remove_at("/run/mine", "blue", 0));
    OK(list_links(copy));
    cookie = COOKIE_OF(copy);
    EQUAL(cookie, own);
    MUST(fstat(netns_fd(copy), &st));
    EQUAL(st.st_ino, netns_inode(copy));
    netns_close(copy);

    OK(netns_open("/proc/self/ns/net", 0, &path));
    OK(netns_dup(path, &copy));
    SAME(netns_name(copy), NULL);
    SAME(netns_path(copy), "/proc/self/ns/net");
    netns_close(path);
    netns_close(copy);

    OK(netns_create(NULL, 0, &nameless));
    OK(netns_dup(nameless, &copy));
    SAME(netns_name(copy), NULL);
    SAME(netns_path(copy), NULL);
    RUNS_OUT_OF_DESCRIPTORS(netns_dup(nameless, &path));
    netns_close(path);
    netns_close(copy);
    netns_close(nameless);
}

static void dup_of_closed_descriptor_fails_with_ebadf(void)
{
    struct netns *ns = NULL, *copy = SENTINEL;
    int number;

    MUST(netns_create(NULL, 0, &ns));
    number = netns_fd(ns);
    close(number);
    FAILS(EBADF, netns_dup(ns, &copy));
    put_under(number, MUST(open("/dev/null", O_RDWR | O_CLOEXEC)));
    FAILS(EBADF, netns_dup(ns, &copy));
    CHECK(copy == SENTINEL);
    netns_close(ns);
    EQUAL(write(number, "x", 1), 1);
    close(number);
}

/* --- the descriptor of the handle itself -------------------------------------------------------------- */

static int add_one(void *arg)
{
    ++*(int *)arg;
    return 0;
}

/* The way back gets its number, so setns(2) to it would succeed. */
static void calls_on_closed_descriptor_fail_with_ebadf(void)
{
    struct netns *here = NULL, *ns = NULL;
    int fillers[HIGHEST], count = 0, calls = 0;
    char value[8];

    /* If the switch goes wrong, it affects this namespace. */
    OK(netns_create(NULL, 0, &here));
    OK(netns_setns(here));
    OK(netns_create(NULL, 0, &ns));
    /* It is the lowest free number. */
    do
        fillers[count] = MUST(dup(STDOUT_FILENO));
    while (fillers[count++] < netns_fd(ns));
    MUST(close(netns_fd(ns)));
    FAILS(EBADF, netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    FAILS(EBADF, netns_enter(ns));
    MESSAGE_HAS("setns: Bad file descriptor (the program has closed the descriptor");
    FAILS(EBADF, netns_run(ns, add_one, &calls, NULL));
    EQUAL(calls, 0);
    FAILS(EBADF, netns_sysctl_get(ns, "net.ipv4.ip_forward", value, sizeof value));
    FAILS(EBADF, netns_sysctl_set(ns, "net.ipv4.ip_forward", "1"));
    FAILS(EBADF, netns_link_add(ns, "stray", "bridge"));
    CHECK(!has_link(NULL, "stray"));
    netns_close(ns);
    netns_close(here);
    while (count > 0)
        close(fillers[--count]);
}

/* --- memory that is shared or copied ---------------------------------------------------------------- */

/* A child of vfork(2) shares the parent's memory but has its own table, which contains the same
   connection. */
static void vfork_child_keeps_cached_socket_of_parent(void)
{
    static struct kept kept;
    static volatile int rc;
    uint64_t cookie;
    pid_t child;

    if (under_valgrind())
        skip("to valgrind vfork is fork");
    kept = new_kept();
    cookie = cookie_of_socket(kept.number);
    child = vfork();
    if (child == 0) {
        rc = list_links(kept.ns);
        _exit(0);
    }
    EQUAL(wait_for(MUST(child)), 0);
    EQUAL(rc, 0);
    OK(list_links(kept.ns));
    EQUAL(only_socket(), kept.number);
    EQUAL(cookie_of_socket(kept.number), cookie);
    netns_close(kept.ns);
    EQUAL(sockets_open(), 0);
}

static void use_what_cannot_be_kept(void *arg)
{
    OK(list_links(arg));
    OK(list_links(arg));
    EQUAL(sockets_open(), 0);
}

static void without_wipeonfork_no_socket_is_cached(void)
{
    static const struct fault faults[] = {{SYS_madvise, EINVAL, 2, UINT32_MAX, MADV_WIPEONFORK}};
    struct netns *ns = NULL;

    MUST(netns_create(NULL, 0, &ns));
    with_faults(faults, 1, use_what_cannot_be_kept, ns);
    netns_close(ns);
}

/* Before Linux 5.3, two namespaces may assign the same cookies. */
static void use_on_an_old_kernel(void *arg)
{
    struct netns *ns = arg;
    int number;

    OK(list_links(ns));
    number = only_socket();
    OK(list_links(ns));
    EQUAL(only_socket(), number);
    listening_netlink_socket(number);
    OK(list_links(ns));
    is_untouched(number);
    netns_close(ns);
    is_untouched(number);
    close(number);
}

static void without_netns_cookie_inode_identifies_cached_socket(void)
{
    static const struct fault faults[] = {
        {SYS_getsockopt, ENOPROTOOPT, 2, UINT32_MAX, SO_NETNS_COOKIE},
    };
    struct netns *ns = NULL;

    MUST(netns_create(NULL, 0, &ns));
    with_faults(faults, 1, use_on_an_old_kernel, ns);
}

/* --- cost of a request ------------------------------------------------------------------------------ */

static struct netns *within, *other;

static int get_id(void)
{
    return netns_nsid_get(within, other);
}

static int ensure_id(void)
{
    return netns_nsid_ensure(within, other);
}

static int get_id_here(void)
{
    return netns_nsid_get(NULL, other);
}

static int list_links_within(void)
{
    return list_links(within);
}

static int up_and_again(void)
{
    return netns_link_up(within, "lo");
}

static int add_link(void)
{
    return netns_link_add(within, "d0", "bridge");
}

static int add_veth(void)
{
    return netns_veth_add(within, "v0", within, "v1");
}

static int add_address(void)
{
    return netns_addr_add(within, "lo", "192.0.2.1/24");
}

static int list_addresses(void)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(within, 0, &list);

    netns_addr_list_free(list);
    return rc;
}

static int add_route(void)
{
    return netns_route_add(within, "198.51.100.0/24", NULL, "lo");
}

static int list_routes(void)
{
    struct netns_route_snapshot *list = NULL;
    int rc = netns_route_list(within, 0, &list);

    netns_route_list_free(list);
    return rc;
}

/* One system call to verify that the connection is the handle's, and two for each request; a list needs
   one more. */
static const struct cost {
    const char *name;
    int (*call)(void);
    int most, looks;
} costs[] = {
    {"nsid_get", get_id, 3, 1},
    {"nsid_ensure", ensure_id, 3, 1},
    {"nsid_get, here", get_id_here, 5, 1},
    {"link_list", list_links_within, 4, 1},
    {"link_up", up_and_again, 3, 1},
    {"link_add", add_link, 3, 1},
    {"veth_add", add_veth, 3, 1},
    /* The interface is identified by its index. */
    {"addr_add", add_address, 5, 1},
    {"route_add", add_route, 5, 1},
    /* Includes the interfaces' names. Older kernels, such as 6.1, end a dump in a separate datagram. */
    {"addr_list", list_addresses, 8, 2},
    {"route_list", list_routes, 8, 2},
};

static void call_between_marks(const struct cost *cost)
{
    int rc;

    OK(list_links_within());
    MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    raise(SIGSTOP);
    getppid();
    rc = cost->call();
    getppid();
    _exit(rc < 0 || test_failures);
}

/* System calls for memory are made irregularly; reading the clock is a system call where the vDSO does not
   support it, as in QEMU. */
static bool is_aside(uint64_t call)
{
    return call == SYS_brk || call == SYS_mmap || call == SYS_munmap || call == SYS_madvise ||
           call == SYS_clock_gettime;
}

static int calls_of(const struct cost *cost)
{
    struct __ptrace_syscall_info info;
    int status, marks = 0, calls = 0;
    pid_t child = MUST(fork());

    if (child == 0)
        call_between_marks(cost);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            if (info.entry.nr == SYS_getppid)
                marks++;
            else if (marks == 1 && !is_aside(info.entry.nr))
                calls++;
        }
        /* Without it, stops for system calls cannot be distinguished from others. */
        ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD);
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    }
    check_at(WIFEXITED(status) && WEXITSTATUS(status) == 0, __LINE__, "%s ends with %d", cost->name, status);
    return marks == 2 ? calls : -1;
}

/* Before Linux 5.14 the socket's inode is also read each time. */
static int looks_more(void)
{
    int fd = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    uint64_t cookie;
    socklen_t len = sizeof cookie;
    int rc = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);

    close(fd);
    return rc < 0;
}

static void requests_do_not_exceed_system_call_limits(void)
{
    int more = looks_more();

    if (under_valgrind())
        skip("valgrind's own calls would be counted too");
    MUST(netns_create(NULL, 0, &within));
    MUST(netns_create(NULL, 0, &other));
    OK(netns_link_up(within, "lo"));
    OK(netns_nsid_set(within, other, 1));
    MUST(netns_setns(within));
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        int calls = calls_of(&costs[i]);

        if (calls < 0)
            skip("no PTRACE_GET_SYSCALL_INFO");
        check_at(calls <= costs[i].most + more * costs[i].looks, __LINE__, "%s: %d system calls", costs[i].name, calls);
    }
    netns_close(within);
    netns_close(other);
}

int main(void)
{
    RUN(tcp_socket_under_reused_number_is_left_untouched);
    RUN(handle_does_not_use_cached_socket_of_another_handle);
    RUN(closed_cached_socket_is_replaced_every_time);
    RUN(netlink_socket_of_child_under_reused_number_is_untouched);

    RUN(cached_socket_of_other_descriptor_table_is_not_used);
    RUN(threads_with_own_descriptor_tables_leak_no_sockets);
    RUN(threads_with_own_descriptor_tables_can_share_handle);
    RUN(netns_close_in_other_descriptor_table_closes_nothing);
    RUN(other_thread_replaces_closed_cached_socket);
    RUN(without_kcmp_each_call_opens_its_own_socket);

    RUN(dup_returns_independent_handle_to_same_namespace);
    RUN(dup_of_closed_descriptor_fails_with_ebadf);

    RUN(calls_on_closed_descriptor_fail_with_ebadf);

    RUN(vfork_child_keeps_cached_socket_of_parent);
    RUN(without_wipeonfork_no_socket_is_cached);
    RUN(without_netns_cookie_inode_identifies_cached_socket);

    RUN(requests_do_not_exceed_system_call_limits);
    return finish();
}
