/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* iproute2's helpers for nsids: they use the caller's socket, whatever messages are queued on it. */
#include "privilege.h"
#include "stderr.h"
#include "test.h"

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <libnetns/netns-iproute2.h>
#include <sys/socket.h>

/* Begins like iproute2's; the rest belongs to the program. */
struct rtnl_handle {
    int fd;
    unsigned char rest[64];
};

#define REST 0xa5

/* A socket in the thread's namespace that receives link notifications. texts: it also receives the
   kernel's error texts. */
static struct rtnl_handle open_rtnl(bool texts)
{
    struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    struct rtnl_handle rtnl;
    int on = texts;

    memset(&rtnl, REST, sizeof rtnl);
    rtnl.fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    MUST(bind(rtnl.fd, (struct sockaddr *)&local, sizeof local));
    MUST(setsockopt(rtnl.fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on));
    return rtnl;
}

/* Closes it after checking that nothing else was changed. */
#define CLOSE_RTNL(rtnl) close_rtnl((rtnl), __LINE__)

static void close_rtnl(struct rtnl_handle *rtnl, int line)
{
    char buffer[1];

    for (size_t i = 0; i < sizeof rtnl->rest; i++)
        check_at(rtnl->rest[i] == REST, line, "the handle was changed");
    check_at(recv(rtnl->fd, buffer, sizeof buffer, MSG_DONTWAIT) < 0 && errno == EAGAIN, line,
             "something is left to read");
    close(rtnl->fd);
}

/* Fills the socket's queue: whenever lo changes its state, listeners are notified. */
static void tell_of_links(const struct rtnl_handle *rtnl, int times)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

    for (int i = 0; i < times; i++) {
        request.ifr_flags = i % 2 ? 0 : IFF_UP;
        MUST(ioctl(fd, SIOCSIFFLAGS, &request));
    }
    close(fd);
    /* Otherwise the test would prove nothing. */
    CHECK(recv(rtnl->fd, NULL, 0, MSG_PEEK | MSG_DONTWAIT) == 0 || errno == ENOBUFS);
}

/* A namespace for the sockets that has no nsids yet and is not used by any other process. */
static void leave_home(void)
{
    MUST(unshare(CLONE_NEWNET));
}

static void nsids_are_assigned_and_looked_up(void)
{
    struct rtnl_handle rtnl;
    char *name;

    leave_home();
    rtnl = open_rtnl(true);
    OK(netns_create("blue", 0, NULL));
    OK(netns_create("red", 0, NULL));
    GIVES(-1, 0, "", netns_id_from_name(&rtnl, "blue"));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "blue"));
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "/run/netns/blue"));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "red", -1));
    CHECK(netns_id_from_name(&rtnl, "red") >= 0);
    name = netns_name_from_id(7);
    SAME(name, "blue");
    free(name);
    name = netns_name_from_id(netns_id_from_name(&rtnl, "red"));
    SAME(name, "red");
    free(name);
    CHECK(!netns_name_from_id(8));
    CHECK(!netns_name_from_id(-1));
    CLOSE_RTNL(&rtnl);
}

static void nsid_helpers_accept_pid(void)
{
    struct rtnl_handle rtnl;
    struct netns *ns = NULL;
    char text[32];
    pid_t child;

    leave_home();
    rtnl = open_rtnl(true);
    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    snprintf(text, sizeof text, "%d", child);
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, text, 3));
    GIVES(3, 0, "", netns_id_from_name(&rtnl, text));
    stop(child);
    netns_close(ns);
    CLOSE_RTNL(&rtnl);
}

static void nsid_helpers_query_namespace_of_socket(void)
{
    struct rtnl_handle there, here_;

    leave_home();
    there = open_rtnl(true);
    OK(netns_create("blue", 0, NULL));
    leave_home();
    here_ = open_rtnl(true);
    GIVES(0, 0, "", set_netns_id_from_name(&there, "blue", 7));
    GIVES(7, 0, "", netns_id_from_name(&there, "blue"));
    GIVES(-1, 0, "", netns_id_from_name(&here_, "blue"));
    CHECK(!netns_name_from_id(7));
    CLOSE_RTNL(&there);
    CLOSE_RTNL(&here_);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void nsid_helpers_print_errors_of_kernel(void)
{
    struct rtnl_handle rtnl, silent;

    leave_home();
    rtnl = open_rtnl(true);
    silent = open_rtnl(false);
    OK(netns_create("blue", 0, NULL));
    write_file("/run/netns/file", "", 0644);
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    GIVES(-2, EEXIST, "Error: Peer netns already has a nsid assigned.\n",
          set_netns_id_from_name(&rtnl, "blue", 8));
    MESSAGE_HAS("assign an nsid to \"blue\": assign the nsid: File exists: Peer netns already has a nsid");
    GIVES(-2, EEXIST, "RTNETLINK answers: File exists\n",
          set_netns_id_from_name(&silent, "blue", 8));
    GIVES(-2, EINVAL, "Error: Peer netns reference is invalid.\n",
          netns_id_from_name(&rtnl, "file"));
    GIVES(-2, EINVAL, "RTNETLINK answers: Invalid argument\n", netns_id_from_name(&silent, "file"));
    GIVES(7, 0, "", netns_id_from_name(&silent, "blue"));
    CLOSE_RTNL(&rtnl);
    CLOSE_RTNL(&silent);
}

static void failure_to_open_name_is_not_printed(void)
{
    struct rtnl_handle rtnl;

    leave_home();
    rtnl = open_rtnl(true);
    GIVES(-1, ENOENT, "", netns_id_from_name(&rtnl, "none"));
    GIVES(-1, ENOENT, "", set_netns_id_from_name(&rtnl, "none", 7));
    GIVES(-1, EINVAL, "", netns_id_from_name(&rtnl, NULL));
    GIVES(-1, EINVAL, "", set_netns_id_from_name(&rtnl, NULL, 7));
    CLOSE_RTNL(&rtnl);
}

static void set_as_a_plain_user(void *arg)
{
    become_plain_user();
    GIVES(-2, EPERM, "RTNETLINK answers: Operation not permitted\n",
          set_netns_id_from_name(arg, "blue", 7));
    GIVES(-1, 0, "", netns_id_from_name(arg, "blue"));
}

static void set_id_without_privilege_fails_with_eperm(void)
{
    struct rtnl_handle rtnl;

    leave_home();
    rtnl = open_rtnl(true);
    OK(netns_create("blue", 0, NULL));
    IN_CHILD(set_as_a_plain_user, &rtnl);
    CLOSE_RTNL(&rtnl);
}

static void nsid_helpers_reject_invalid_sockets(void)
{
    struct rtnl_handle rtnl = {.fd = -1};
    int pair[2];
    char byte;

    OK(netns_create("blue", 0, NULL));
    GIVES(-2, EBADF, "Cannot talk to rtnetlink: Bad file descriptor\n",
          netns_id_from_name(&rtnl, "blue"));
    rtnl.fd = 999;
    GIVES(-2, EBADF, "Cannot talk to rtnetlink: Bad file descriptor\n",
          set_netns_id_from_name(&rtnl, "blue", 7));
    rtnl.fd = MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
    GIVES(-2, ENOTSOCK, "Cannot talk to rtnetlink: Socket operation on non-socket\n",
          netns_id_from_name(&rtnl, "blue"));
    close(rtnl.fd);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    MUST(send(pair[0], "x", 1, 0));
    rtnl.fd = pair[1];
    GIVES(-2, EAFNOSUPPORT, "Cannot talk to rtnetlink: Address family not supported by protocol\n",
          netns_id_from_name(&rtnl, "blue"));
    EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
    close(pair[0]);
    close(pair[1]);
    GIVES(-1, EINVAL, "", netns_id_from_name(NULL, "blue"));
    GIVES(-1, EINVAL, "", set_netns_id_from_name(NULL, "blue", 7));
}

static void set_id_accepts_socket_opened_without_privilege(void)
{
    struct rtnl_handle rtnl;

    leave_home();
    OK(netns_create("blue", 0, NULL));
    if (seteuid(NOBODY) < 0)
        skip("needs real root");
    rtnl = open_rtnl(true);
    MUST(seteuid(0));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    CLOSE_RTNL(&rtnl);
}

/* --- a socket in use -------------------------------------------------------------------------- */

static void unread_messages_on_socket_are_ignored(void)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg body;
    } request = {
        .head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
                 .nlmsg_type = RTM_GETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                 .nlmsg_seq = 1},
    };
    struct rtnl_handle rtnl;

    leave_home();
    rtnl = open_rtnl(true);
    OK(netns_create("blue", 0, NULL));
    tell_of_links(&rtnl, 5);
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    tell_of_links(&rtnl, 5);
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "blue"));
    MUST(send(rtnl.fd, &request, sizeof request, 0));
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "blue"));
    GIVES(-2, EEXIST, "Error: Peer netns already has a nsid assigned.\n",
          set_netns_id_from_name(&rtnl, "blue", 8));
    CLOSE_RTNL(&rtnl);
}

static void nsid_helpers_accept_nonblocking_socket(void)
{
    struct rtnl_handle rtnl;

    leave_home();
    rtnl = open_rtnl(true);
    MUST(fcntl(rtnl.fd, F_SETFL, O_NONBLOCK));
    OK(netns_create("blue", 0, NULL));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    tell_of_links(&rtnl, 5);
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "blue"));
    EQUAL(fcntl(rtnl.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CLOSE_RTNL(&rtnl);
}

static void nsid_helpers_accept_overflowed_socket(void)
{
    struct rtnl_handle rtnl;
    int room = 1;

    leave_home();
    rtnl = open_rtnl(true);
    MUST(setsockopt(rtnl.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
    OK(netns_create("blue", 0, NULL));
    tell_of_links(&rtnl, 100);
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    tell_of_links(&rtnl, 100);
    GIVES(7, 0, "", netns_id_from_name(&rtnl, "blue"));
    CLOSE_RTNL(&rtnl);
}

/* --- netns_name_from_id ------------------------------------------------------------------------- */

static const char *name_of(int32_t id)
{
    static char text[256];
    char *name = netns_name_from_id(id);

    snprintf(text, sizeof text, "%s", name ? name : "none");
    free(name);
    return text;
}

#define NAMES(name, lines, call)                                          \
    do {                                                                  \
        listen_to_stderr();                                               \
        same_at((call), (name), __LINE__, #call);                         \
        same_at(said_on_stderr(), (lines), __LINE__, #call " on stderr"); \
    } while (0)

static void name_from_id_prints_error_for_non_namespace_file(void)
{
    struct rtnl_handle rtnl;

    leave_home();
    rtnl = open_rtnl(true);
    write_file("/run/netns/file", "", 0644);
    MUST(symlink("nowhere", "/run/netns/link"));
    NAMES("none", "Error: Peer netns reference is invalid.\n", name_of(7));
    MUST(unlink("/run/netns/file"));
    OK(netns_create("blue", 0, NULL));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "blue", 7));
    NAMES("blue", "", name_of(7));
    NAMES("none", "", name_of(6));
    CLOSE_RTNL(&rtnl);
}

static void name_from_id_finds_symlink_to_namespace(void)
{
    struct rtnl_handle rtnl;
    struct netns *ns = NULL;
    char path[64];
    pid_t child;

    leave_home();
    rtnl = open_rtnl(true);
    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    snprintf(path, sizeof path, "/proc/%d/ns/net", child);
    MUST(symlink(path, "/run/netns/link"));
    GIVES(0, 0, "", set_netns_id_from_name(&rtnl, "link", 7));
    NAMES("link", "", name_of(7));
    stop(child);
    netns_close(ns);
    CLOSE_RTNL(&rtnl);
}

static void name_from_id_without_run_directory_returns_null(void)
{
    NAMES("none", "", name_of(0));
    write_file("/run/netns", "", 0644);
    NAMES("none", "Failed to open directory /var/run/netns: Not a directory\n", name_of(0));
}

static void name_from_id_without_descriptors_fails_with_emfile(void)
{
    listen_to_stderr();
    allow_descriptors(0);
    CHECK(!netns_name_from_id(0));
    EQUAL(errno, EMFILE);
    allow_descriptors(-1);
    SAME(said_on_stderr(), "Cannot open netlink socket: Too many open files\n");
}

int main(void)
{
    RUN(nsids_are_assigned_and_looked_up);
    RUN(nsid_helpers_accept_pid);
    RUN(nsid_helpers_query_namespace_of_socket);

    RUN(nsid_helpers_print_errors_of_kernel);
    RUN(failure_to_open_name_is_not_printed);
    RUN(set_id_without_privilege_fails_with_eperm);
    RUN(nsid_helpers_reject_invalid_sockets);
    RUN(set_id_accepts_socket_opened_without_privilege);

    RUN(unread_messages_on_socket_are_ignored);
    RUN(nsid_helpers_accept_nonblocking_socket);
    RUN(nsid_helpers_accept_overflowed_socket);

    RUN(name_from_id_prints_error_for_non_namespace_file);
    RUN(name_from_id_finds_symlink_to_namespace);
    RUN_WITHOUT_RUN_DIRECTORY(name_from_id_without_run_directory_returns_null);
    RUN(name_from_id_without_descriptors_fails_with_emfile);
    return finish();
}
