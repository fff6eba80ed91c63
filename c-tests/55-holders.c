/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The list of what keeps a namespace alive. */
#include "elsewhere.h"
#include "fault.h"
#include "mover.h"
#include "passing.h"
#include "privilege.h"

#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static const struct fault
    no_handles = {.call = SYS_name_to_handle_at, .error = ENOSYS},
    no_getfd = {.call = SYS_pidfd_getfd, .error = ENOSYS},
    no_kcmp = {.call = SYS_kcmp, .error = ENOSYS},
    no_statx = {.call = SYS_statx, .error = ENOSYS},
    /* The length of a request for TCP, UDP or raw sockets. A kernel without raw_diag reports this error. */
    no_inet_diag = {.call = SYS_sendto, .error = ENOENT, .arg = 2, .mask = ~0u,
                    .value = sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req_v2)};

static struct netns_holder_snapshot *holders_of(const struct netns *ns)
{
    struct netns_holder_snapshot *list = NULL;

    OK(netns_holder_list(ns, 0, &list));
    return list;
}

/*
 * Waits until the list has this many entries. Programs that run at the same time may inspect every
 * namespace of the machine, as netgraph does, and hold it meanwhile.
 */
static struct netns_holder_snapshot *settled(const struct netns *ns, size_t number)
{
    struct netns_holder_snapshot *list = holders_of(ns);

    for (int tries = 0; tries < 200 * slowness() && netns_holder_list_len(list) != number; tries++) {
        netns_holder_list_free(list);
        sleep_ms(1);
        list = holders_of(ns);
    }
    return list;
}

#define ANY (-42)

/* The number of holders of a kind in a process, filtered by thread and by number. */
static int count(const struct netns_holder_snapshot *list, int kind, pid_t pid, pid_t tid, int fd)
{
    int found = 0;

    for (size_t i = 0; i < netns_holder_list_len(list); i++)
        found += netns_holder_list_kind(list, i) == kind && netns_holder_list_pid(list, i) == pid &&
                 (tid == ANY || netns_holder_list_tid(list, i) == tid) &&
                 (fd == ANY || netns_holder_list_fd(list, i) == fd);
    return found;
}

/* Checks the total number, and that these are the ones. */
#define HELD(ns, number)                                                                  \
    do {                                                                                  \
        struct netns_holder_snapshot *list_ = settled(ns, number);                        \
                                                                                          \
        if (!EQUAL(netns_holder_list_len(list_), number))                                 \
            show(list_);                                                                  \
        netns_holder_list_free(list_);                                                    \
    } while (0)

static void show(const struct netns_holder_snapshot *list)
{
    for (size_t i = 0; i < netns_holder_list_len(list); i++)
        printf("#   kind %d pid %d tid %d fd %d path %s program %s\n", netns_holder_list_kind(list, i),
               netns_holder_list_pid(list, i), netns_holder_list_tid(list, i),
               netns_holder_list_fd(list, i),
               netns_holder_list_path(list, i) ? netns_holder_list_path(list, i) : "-",
               netns_holder_list_program(list, i) ? netns_holder_list_program(list, i) : "-");
}

/* --- each kind ---------------------------------------------------------------------------------- */

static void list_omits_handle_and_its_rtnetlink_socket(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    HELD(ns, 0);
    /* The connection that the handle keeps for its requests does not count either. */
    OK(netns_link_up(ns, "lo"));
    HELD(ns, 0);
    netns_close(ns);
}

static void list_reports_threads_with_pid_tid_and_program(void)
{
    struct netns *ns = NULL;
    struct netns_holder_snapshot *list;
    struct mover mover;
    pid_t child;

    MUST(prctl(PR_SET_NAME, "a\nb c"));
    OK(netns_create(NULL, 0, &ns));
    start_mover(&mover, ns, NULL, NULL);
    child = start_in(ns);
    list = settled(ns, 3);
    EQUAL(count(list, NETNS_HOLDER_THREAD, getpid(), mover.tid, -1), 1);
    EQUAL(count(list, NETNS_HOLDER_THREAD, getpid(), getpid(), -1), 0);
    EQUAL(count(list, NETNS_HOLDER_THREAD, child, child, -1), 1);
    /* The child has a copy of the handle's descriptor. */
    EQUAL(count(list, NETNS_HOLDER_DESCRIPTOR, child, child, netns_fd(ns)), 1);
    EQUAL(count(list, NETNS_HOLDER_DESCRIPTOR, getpid(), ANY, ANY), 0);
    EQUAL(netns_holder_list_len(list), 3);
    SAME(netns_holder_list_program(list, 0), "a\nb c");
    SAME(netns_holder_list_path(list, 0), NULL);
    netns_holder_list_free(list);
    stop(child);
    end_mover(&mover);
    EQUAL(threads_left(), 1);
    HELD(ns, 0);
    netns_close(ns);
}

static void list_reports_descriptors_by_number(void)
{
    struct netns *ns = NULL, *same = NULL;
    struct netns_holder_snapshot *list;
    int own, path;

    OK(netns_create("blue", 0, &ns));
    OK(netns_dup(ns, &same));
    own = MUST(open("/run/netns/blue", O_RDONLY | O_CLOEXEC));
    path = MUST(open("/run/netns/blue", O_PATH | O_CLOEXEC));
    OK(netns_remove("blue", 0));
    list = settled(ns, 3);
    EQUAL(count(list, NETNS_HOLDER_DESCRIPTOR, getpid(), getpid(), own), 1);
    EQUAL(count(list, NETNS_HOLDER_DESCRIPTOR, getpid(), getpid(), path), 1);
    EQUAL(count(list, NETNS_HOLDER_DESCRIPTOR, getpid(), getpid(), netns_fd(same)), 1);
    EQUAL(netns_holder_list_len(list), 3);
    netns_holder_list_free(list);
    close(own);
    close(path);
    netns_close(same);
    HELD(ns, 0);
    netns_close(ns);
}

/* Whether the namespace of any socket can be queried: this needs pidfd_getfd(2), which was added in Linux
   5.6. */
static bool can_ask_sockets(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, STDOUT_FILENO, 0);

    if (fd >= 0)
        close(fd);
    if (pidfd >= 0)
        close(pidfd);
    return fd >= 0;
}

static void need_to_ask_sockets(void)
{
    if (!can_ask_sockets())
        skip("not every socket can be asked before Linux 5.6");
}

/* --- sockets ------------------------------------------------------------------------------------ */

static const struct {
    int domain, type, protocol;
} socket_kinds[] = {
    {AF_INET, SOCK_STREAM, 0},  {AF_INET, SOCK_DGRAM, 0}, {AF_INET6, SOCK_STREAM, 0},
    {AF_INET6, SOCK_DGRAM, 0},  {AF_UNIX, SOCK_STREAM, 0}, {AF_UNIX, SOCK_DGRAM, 0},
    {AF_NETLINK, SOCK_RAW, 0},  {AF_INET, SOCK_RAW, 1},    {AF_PACKET, SOCK_RAW, 0},
};

#define SOCKETS (sizeof socket_kinds / sizeof *socket_kinds)

static void list_reports_inet_unix_netlink_and_packet_sockets(void)
{
    struct netns *ns = NULL;
    struct netns_holder_snapshot *list;
    int fds[SOCKETS], elsewhere, there = 0;

    need_to_ask_sockets();
    OK(netns_create(NULL, 0, &ns));
    for (size_t i = 0; i < SOCKETS; i++) {
        fds[i] = netns_socket(ns, socket_kinds[i].domain, socket_kinds[i].type, socket_kinds[i].protocol);
        there += fds[i] >= 0;
    }
    elsewhere = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    list = settled(ns, there);
    for (size_t i = 0; i < SOCKETS; i++)
        if (fds[i] >= 0)
            check_at(count(list, NETNS_HOLDER_SOCKET, getpid(), getpid(), fds[i]) == 1, __LINE__,
                     "socket %d %d", socket_kinds[i].domain, socket_kinds[i].type);
    if (!EQUAL(netns_holder_list_len(list), there))
        show(list);
    netns_holder_list_free(list);
    for (size_t i = 0; i < SOCKETS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    close(elsewhere);
    HELD(ns, 0);
    netns_close(ns);
}

static void list_reports_in_flight_socket_without_process(void)
{
    int pair[2], fd;
    struct netns *ns = NULL;
    struct netns_holder_snapshot *list;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec text = {.iov_base = (char *)"x", .iov_len = 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};

    OK(netns_create(NULL, 0, &ns));
    fd = OK(netns_socket(ns, AF_UNIX, SOCK_DGRAM, 0));
    MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    MUST(sendmsg(pair[0], &message, 0));
    list = settled(ns, 1);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), getpid(), fd), 1);
    EQUAL(netns_holder_list_len(list), 1);
    netns_holder_list_free(list);
    close(fd);
    list = settled(ns, 1);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, 0, 0, -1), 1);
    EQUAL(netns_holder_list_len(list), 1);
    SAME(netns_holder_list_program(list, 0), NULL);
    netns_holder_list_free(list);
    close(pair[0]);
    close(pair[1]);
    HELD(ns, 0);
    netns_close(ns);
}

/* A TCP connection of a namespace with itself. */
struct connection {
    int listener, client, server;
};

static struct connection connect_in(const struct netns *ns)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct connection it;

    it.listener = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    MUST(bind(it.listener, (struct sockaddr *)&address, sizeof address));
    MUST(listen(it.listener, 1));
    MUST(getsockname(it.listener, (struct sockaddr *)&address, &length));
    it.client = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    MUST(connect(it.client, (struct sockaddr *)&address, sizeof address));
    it.server = MUST(accept4(it.listener, NULL, NULL, SOCK_CLOEXEC));
    return it;
}

/* Checks that inspecting a connection has no effect on it. */
static void listing_keeps_connections_and_file_locks(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, asked;
    struct netns *ns = NULL;
    struct connection connection;
    int file;
    char byte = 'x';
    pid_t pid;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &ns));
    connection = connect_in(ns);
    /* A lock of this process on a file that a child also has open. */
    write_file("/run/locked", "text", 0644);
    file = MUST(open("/run/locked", O_RDWR | O_CLOEXEC));
    MUST(fcntl(file, F_SETLK, &lock));
    pid = start_in(NULL);
    for (int i = 0; i < 20; i++) {
        struct netns_holder_snapshot *list = holders_of(ns);

        EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, connection.client), 1);
        EQUAL(count(list, NETNS_HOLDER_SOCKET, pid, ANY, connection.client), 1);
        netns_holder_list_free(list);
        EQUAL(write(connection.client, &byte, 1), 1);
        EQUAL(read(connection.server, &byte, 1), 1);
    }
    stop(pid);
    pid = MUST(fork());
    if (pid == 0) {
        asked = lock;
        _exit(fcntl(file, F_GETLK, &asked) == 0 && asked.l_type == F_WRLCK ? 0 : 1);
    }
    EQUAL(wait_for(pid), 0);
    close(file);
    close(connection.listener);
    close(connection.server);
    /* The other end is notified immediately: nothing keeps the connection open. */
    EQUAL(read(connection.client, &byte, 1), 0);
    close(connection.client);
    netns_close(ns);
}

/* The number of TCP sockets that the kernel lists in this state without an inode, and with this timer. */
static int closed_sockets(const struct netns *ns, int state, int timer)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {{.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                 {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u}};
    union {
        struct nlmsghdr header;
        char bytes[16 * 1024];
    } reply;
    int found = 0, fd = OK(netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));

    MUST(send(fd, &request, sizeof request, 0));
    for (;;) {
        ssize_t left = MUST(recv(fd, &reply, sizeof reply, 0));

        for (struct nlmsghdr *it = &reply.header; NLMSG_OK(it, left); it = NLMSG_NEXT(it, left)) {
            const struct inet_diag_msg *socket = NLMSG_DATA(it);

            if (it->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
                EQUAL(it->nlmsg_type, NLMSG_DONE);
                close(fd);
                return found;
            }
            found += socket->idiag_state == state && socket->idiag_timer == timer &&
                     socket->idiag_inode == 0;
        }
    }
}

/* Closes the end of a connection that then waits for the other end, with the kernel's full state of the socket
   or the short form, which does not keep the namespace alive. */
static void close_one_end(const char *seconds, int timer, int holders)
{
    struct netns_holder_snapshot *list;
    struct netns *ns = NULL;
    struct connection connection;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &ns));
    if (netns_sysctl_set(ns, "net.ipv4.tcp_fin_timeout", seconds) == -ENOENT)
        skip("on old kernels, namespaces share one tcp_fin_timeout");
    connection = connect_in(ns);
    close(connection.listener);
    close(connection.client);
    for (int tries = 0; tries < 200 * slowness() && !closed_sockets(ns, TCP_FIN_WAIT2, timer); tries++)
        sleep_ms(1);
    EQUAL(closed_sockets(ns, TCP_FIN_WAIT2, timer), 1);
    list = settled(ns, 1 + holders);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), getpid(), connection.server), 1);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, 0, 0, -1), holders);
    if (!EQUAL(netns_holder_list_len(list), 1 + holders))
        show(list);
    netns_holder_list_free(list);
    close(connection.server);
    HELD(ns, 0);
    netns_close(ns);
}

static void list_reports_closed_tcp_socket_that_holds_namespace(void)
{
    /* TCP_TIMEWAIT_LEN: up to this timeout, FIN_WAIT2 has the short form (tcp_rcv_state_process). */
    close_one_end("60", 3, 0);
    close_one_end("61", 2, 1);
}

static void look_at_a_name(void *arg)
{
    struct netns_holder_snapshot *list = NULL;
    int name;

    if (netns_holder_list(arg, 0, &list) < 0)
        skip("a standard stream of the test is a socket");
    netns_holder_list_free(list);
    name = MUST(open("/run/socket", O_PATH | O_CLOEXEC));
    list = holders_of(arg);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, name), 0);
    netns_holder_list_free(list);
    close(name);
}

static void look_at_a_name_and_fail_to_ask(void *arg)
{
    static const struct fault no_descriptor = {.call = SYS_pidfd_getfd, .error = EMFILE};

    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        skip("no proc of one's own here");
    WITH_FAULTS(look_at_a_name, arg, no_descriptor);
}

static void look_at_a_name_alone(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no pid namespaces");
    IN_CHILD(look_at_a_name_and_fail_to_ask, arg);
}

/* The file that bind(2) creates for a unix(7) socket is not a socket that can be queried. */
static void list_ignores_o_path_descriptor_of_unix_socket_file(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/socket"};
    int bound = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct netns *ns = NULL;

    MUST(bind(bound, (struct sockaddr *)&name, sizeof name));
    close(bound);
    OK(netns_create(NULL, 0, &ns));
    IN_CHILD(look_at_a_name_alone, ns);
    netns_close(ns);
}

static void find_without_inet_diag(void *arg)
{
    struct netns_holder_snapshot *list = settled(arg, 1);

    /* A process has it; one without a process would not have been found. */
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, ANY), 1);
    EQUAL(netns_holder_list_len(list), 1);
    CHECK(netns_holder_list_unseen(list) & NETNS_UNSEEN_SOCKETS);
    netns_holder_list_free(list);
}

static void list_reports_sockets_missing_from_sock_diag(void)
{
    struct netns *ns = NULL;
    int raw;

    need_to_ask_sockets();
    OK(netns_create(NULL, 0, &ns));
    raw = OK(netns_socket(ns, AF_INET, SOCK_RAW, IPPROTO_ICMP));
    WITH_FAULTS(find_without_inet_diag, ns, no_inet_diag);
    close(raw);
    netns_close(ns);
}

static void list_reports_open_tun_device_as_socket(void)
{
    struct netns *home = NULL, *ns = NULL;
    struct netns_holder_snapshot *list;
    struct stat st;
    int fd;

    need_to_ask_sockets();
    OK(netns_open_current(&home));
    OK(netns_create(NULL, 0, &ns));
    OK(netns_setns(ns));
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    OK(netns_setns(home));
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_rdev != makedev(10, 200))
        skip("no /dev/net/tun");
    list = settled(ns, 1);
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), getpid(), fd), 1);
    EQUAL(netns_holder_list_len(list), 1);
    netns_holder_list_free(list);
    close(fd);
    HELD(ns, 0);
    netns_close(ns);
    netns_close(home);
}

/* --- mounts ------------------------------------------------------------------------------------- */

static void list_reports_mounts_in_all_mount_namespaces(void)
{
    struct netns_holder_snapshot *list;
    struct netns *ns = NULL;
    pid_t pid;
    int go;

    OK(netns_create("blue", 0, &ns));
    pid = start_mounting(ns, false, &go);
    list = settled(ns, 3);
    /* It also has a copy of the name, below what it has mounted on /run. */
    EQUAL(netns_holder_list_len(list), 3);
    EQUAL(count(list, NETNS_HOLDER_MOUNT, getpid(), ANY, -1), 1);
    EQUAL(count(list, NETNS_HOLDER_MOUNT, pid, pid, -1), 2);
    SAME(netns_holder_list_path(list, 0), "/run/netns/blue");
    SAME(netns_holder_list_path(list, 1), "/run/netns/blue");
    SAME(netns_holder_list_path(list, 2), MOUNTED_AT);
    netns_holder_list_free(list);
    close(go);
    EQUAL(wait_for(pid), 0);
    HELD(ns, 1);
    OK(netns_remove("blue", 0));
    HELD(ns, 0);
    netns_close(ns);
}

static void list_is_sorted_by_kind_and_pid(void)
{
    struct netns_holder_snapshot *list;
    struct netns *ns = NULL;
    pid_t children[3];
    int fd;

    OK(netns_create("blue", 0, &ns));
    fd = OK(netns_socket(ns, AF_UNIX, SOCK_DGRAM, 0));
    for (int i = 0; i < 3; i++)
        children[i] = start_in(ns);
    list = settled(ns, 3 + 3 + 4 + 1);
    EQUAL(netns_holder_list_len(list), 3 + 3 + 4 + 1);
    for (size_t i = 1; i < netns_holder_list_len(list); i++) {
        int before = netns_holder_list_kind(list, i - 1), kind = netns_holder_list_kind(list, i);

        CHECK(before <= kind);
        CHECK(before < kind || netns_holder_list_pid(list, i - 1) <= netns_holder_list_pid(list, i));
    }
    netns_holder_list_free(list);
    for (int i = 0; i < 3; i++)
        stop(children[i]);
    close(fd);
    netns_close(ns);
}

/* --- incomplete results ------------------------------------------------------------------------- */

static void look_as_a_plain_user(void *arg)
{
    struct netns_holder_snapshot *list;
    uint32_t unseen;

    become_plain_user();
    list = holders_of(arg);
    unseen = netns_holder_list_unseen(list);
    CHECK(unseen & NETNS_UNSEEN_PROCESSES);
    CHECK(unseen & NETNS_UNSEEN_SOCKETS);
    EQUAL(count(list, NETNS_HOLDER_THREAD, getppid(), ANY, ANY), 0);
    netns_holder_list_free(list);
}

static void unprivileged_list_sets_unseen_processes_and_sockets(void)
{
    struct netns *ns = NULL;
    pid_t pid;

    OK(netns_create(NULL, 0, &ns));
    pid = start_in(ns);
    IN_CHILD(look_as_a_plain_user, ns);
    stop(pid);
    netns_close(ns);
}

static void look_under_hidepid(void *arg)
{
    struct netns_holder_snapshot *list;

    MUST(unshare(CLONE_NEWNS));
    if (mount("proc", "/proc", "proc", 0, "hidepid=2") < 0 &&
        mount(NULL, "/proc", NULL, MS_REMOUNT, "hidepid=2") < 0)
        skip("no hidepid");
    become_plain_user();
    list = holders_of(arg);
    CHECK(netns_holder_list_unseen(list) & NETNS_UNSEEN_HIDDEN);
    netns_holder_list_free(list);
}

static void look_from_a_pid_namespace(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(look_under_hidepid, arg);
}

static void mount_proc(void)
{
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        skip("cannot mount a procfs here");
}

static void look_at_all_there_is(void *arg)
{
    struct netns_holder_snapshot *list;

    mount_proc();
    list = holders_of(arg);
    /* No existing process is hidden; others may exist outside. The kernel may not list sockets of every
     * kind. */
    EQUAL(netns_holder_list_unseen(list) & ~NETNS_UNSEEN_SOCKETS, NETNS_UNSEEN_HIDDEN);
    netns_holder_list_free(list);
}

static void look_alone(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(look_at_all_there_is, arg);
}

/* The root of a bind mount of / is the same directory as /, with different mounts below it. */
static void list_reports_mount_visible_only_from_another_root(void)
{
    struct netns_holder_snapshot *list;
    struct netns *ns = NULL;
    struct statx root;
    pid_t pid;

    if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root) < 0 || !(root.stx_mask & STATX_MNT_ID))
        skip("mounts have no ids in statx(2) before Linux 5.8");
    OK(netns_create("blue", 0, &ns));
    MUST(mkdir("/run/root", 0755));
    MUST(mount("/", "/run/root", "none", MS_BIND, NULL));
    if (mount("/proc", "/run/root/proc", "none", MS_BIND | MS_REC, NULL) < 0)
        skip("/proc cannot be mounted elsewhere");
    pid = start_in(NULL);
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
    list = holders_of(ns);
    EQUAL(count(list, NETNS_HOLDER_MOUNT, pid, ANY, -1), 1);
    netns_holder_list_free(list);
    stop(pid);
    netns_close(ns);
}

struct forgery {
    const struct netns *ns;
    pid_t victim;
    uint32_t inode;
};

/* Sends forged copies of the kernel's socket list to the socket that the victim uses for its request. */
static void forge_answers(void *arg)
{
    const struct forgery *forgery = arg;
    struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)forgery->victim};
    struct {
        struct nlmsghdr header;
        struct inet_diag_msg socket;
    } message = {.header = {.nlmsg_len = sizeof message, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_MULTI}};
    int fd = MUST(netns_socket(forgery->ns, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));

    message.socket.idiag_family = AF_INET;
    message.socket.idiag_state = 1;
    message.socket.idiag_inode = forgery->inode;
    for (;;)
        (void)!sendto(fd, &message, sizeof message, 0, (struct sockaddr *)&to, sizeof to);
}

static void list_ignores_forged_sock_diag_replies(void)
{
    int home = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct forgery forgery = {.victim = getpid()};
    struct netns *ns = NULL;
    struct stat st;
    pid_t pid;

    OK(netns_create(NULL, 0, &ns));
    MUST(fstat(home, &st));
    forgery.ns = ns;
    forgery.inode = (uint32_t)st.st_ino;
    pid = start_part(forge_answers, &forgery);
    for (int i = 0; i < (is_slow() ? 5 : 200); i++) {
        struct netns_holder_snapshot *list = holders_of(ns);

        EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, home), 0);
        netns_holder_list_free(list);
    }
    stop(pid);
    close(home);
    netns_close(ns);
}

static void list_in_pid_namespace_sets_unseen_hidden_not_processes(void)
{
    struct netns *ns = NULL;

    need_to_ask_sockets();
    OK(netns_create(NULL, 0, &ns));
    IN_CHILD(look_alone, ns);
    netns_close(ns);
}

static void exit_at_once(void)
{
}

static void look_while_processes_exit(void *arg)
{
    int stop, rounds = is_slow() ? 5 : 100;
    pid_t pid;

    mount_proc();
    pid = start_passing(exit_at_once, &stop);
    for (int i = 0; i < rounds; i++) {
        struct netns_holder_snapshot *list = holders_of(arg);

        EQUAL(netns_holder_list_unseen(list) & NETNS_UNSEEN_PROCESSES, 0);
        netns_holder_list_free(list);
    }
    close(stop);
    EQUAL(wait_for(pid), 0);
}

static void look_at_zombies(void *arg)
{
    struct netns_holder_snapshot *list;
    siginfo_t end;
    pid_t pids[2];

    mount_proc();
    for (int i = 0; i < 2; i++) {
        pids[i] = MUST(fork());
        if (pids[i] == 0) {
            /* The kernel still knows it when the process has no memory any more. */
            MUST(prctl(PR_SET_DUMPABLE, i));
            _exit(0);
        }
        MUST(waitid(P_PID, pids[i], &end, WEXITED | WNOWAIT));
    }
    list = holders_of(arg);
    EQUAL(netns_holder_list_unseen(list) & NETNS_UNSEEN_PROCESSES, 0);
    netns_holder_list_free(list);
    for (int i = 0; i < 2; i++)
        EQUAL(wait_for(pids[i]), 0);
}

/* The kernel gives the files of an exiting process in /proc to root. */
static void look_at_own_zombies(void *arg)
{
    become_plain_user();
    enter_user_namespace(CLONE_NEWPID);
    IN_CHILD(look_at_zombies, arg);
}

static void look_while_own_processes_exit(void *arg)
{
    become_plain_user();
    enter_user_namespace(CLONE_NEWPID);
    IN_CHILD(look_while_processes_exit, arg);
}

static void exiting_processes_do_not_set_unseen_processes(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    IN_CHILD(look_at_own_zombies, ns);
    IN_CHILD(look_while_own_processes_exit, ns);
    netns_close(ns);
}

static void list_under_hidepid_sets_unseen_hidden(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    IN_CHILD(look_from_a_pid_namespace, ns);
    netns_close(ns);
}

static void find_nothing_but_bound(void *arg)
{
    struct netns_holder_snapshot *list = holders_of(arg);

    /* The kernel's list contains the one and not the other, which the result reports as possibly missing. */
    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, ANY), 1);
    CHECK(netns_holder_list_unseen(list) & NETNS_UNSEEN_SOCKETS);
    netns_holder_list_free(list);
}

static void find_as_ever(void *arg)
{
    struct netns_holder_snapshot *list = settled(arg, 3);

    EQUAL(count(list, NETNS_HOLDER_SOCKET, getpid(), ANY, ANY), 2);
    EQUAL(count(list, NETNS_HOLDER_MOUNT, getpid(), ANY, ANY), 1);
    EQUAL(netns_holder_list_len(list), 3);
    netns_holder_list_free(list);
}

static void list_on_older_kernels_is_complete_or_sets_unseen(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct netns *ns = NULL;
    int bound, unbound;

    need_to_ask_sockets();
    OK(netns_create("blue", NETNS_CREATE_LO_UP, &ns));
    bound = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    MUST(bind(bound, (struct sockaddr *)&any, sizeof any));
    unbound = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    WITH_FAULTS(find_as_ever, ns, no_handles);
    WITH_FAULTS(find_as_ever, ns, no_kcmp);
    WITH_FAULTS(find_as_ever, ns, no_statx);
    WITH_FAULTS(find_nothing_but_bound, ns, no_getfd);
    close(bound);
    close(unbound);
    netns_close(ns);
}

static void live_with_a_socket(void)
{
    close(socket(AF_INET, SOCK_STREAM, 0));
}

static void list_tolerates_processes_that_start_and_exit(void)
{
    int stop, rounds = is_slow() ? 5 : 50;
    struct netns_holder_snapshot *list;
    struct netns *ns = NULL;
    uint32_t unseen;
    pid_t pid;

    OK(netns_create("blue", 0, &ns));
    list = settled(ns, 1);
    unseen = netns_holder_list_unseen(list);
    netns_holder_list_free(list);
    /* The processes do not inherit the handle. */
    netns_close(ns);
    pid = start_passing(live_with_a_socket, &stop);
    OK(netns_open("blue", 0, &ns));
    for (int i = 0; i < rounds; i++) {
        list = settled(ns, 1);
        EQUAL(netns_holder_list_len(list), 1);
        EQUAL(netns_holder_list_unseen(list), unseen);
        netns_holder_list_free(list);
    }
    close(stop);
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

/* --- errors ------------------------------------------------------------------------------------- */

static void invalid_arguments_fail_with_einval(void)
{
    struct netns_holder_snapshot *list = NULL;
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    FAILS(EINVAL, netns_holder_list(NULL, 0, &list));
    MESSAGE_HAS("find the holders of");
    FAILS(EINVAL, netns_holder_list(home, 0, NULL));
    for (int bit = 0; bit < 32; bit++)
        FAILS(EINVAL, netns_holder_list(home, 1u << bit, &list));
    CHECK(list == NULL);
    netns_close(home);
}

static void look_without_proc(void *arg)
{
    struct netns_holder_snapshot *list = NULL;

    MUST(unshare(CLONE_NEWNS));
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    FAILS(ENOENT, netns_holder_list(arg, 0, &list));
    CHECK(list == NULL);
}

static void look_with_a_foreign_proc(void *arg)
{
    struct netns_holder_snapshot *list = NULL;

    FAILS(ENOENT, netns_holder_list(arg, 0, &list));
    MESSAGE_HAS("/proc belongs to another PID namespace");
    CHECK(list == NULL);
}

static void look_with_the_outer_proc(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(look_with_a_foreign_proc, arg);
}

static void list_without_matching_proc_fails_with_enoent(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    IN_CHILD(look_without_proc, home);
    IN_CHILD(look_with_the_outer_proc, home);
    netns_close(home);
}

static int list_once(const struct netns *ns)
{
    struct netns_holder_snapshot *list = NULL;
    int rc = netns_holder_list(ns, 0, &list);

    CHECK((rc < 0) == (list == NULL));
    netns_holder_list_free(list);
    return rc;
}

static void list_without_descriptors_fails_with_emfile(void)
{
    struct netns *ns = NULL;
    pid_t pid;

    OK(netns_create("blue", 0, &ns));
    pid = start_in(ns);
    RUNS_OUT_OF_DESCRIPTORS(list_once(ns));
    stop(pid);
    netns_close(ns);
}

int main(void)
{
    RUN(list_omits_handle_and_its_rtnetlink_socket);
    RUN(list_reports_threads_with_pid_tid_and_program);
    RUN(list_reports_descriptors_by_number);

    RUN(list_reports_inet_unix_netlink_and_packet_sockets);
    RUN(list_reports_in_flight_socket_without_process);
    RUN(listing_keeps_connections_and_file_locks);
    RUN(list_reports_closed_tcp_socket_that_holds_namespace);
    RUN(list_ignores_o_path_descriptor_of_unix_socket_file);
    RUN(list_reports_sockets_missing_from_sock_diag);
    RUN(list_reports_open_tun_device_as_socket);

    RUN(list_reports_mounts_in_all_mount_namespaces);
    RUN(list_is_sorted_by_kind_and_pid);

    RUN(unprivileged_list_sets_unseen_processes_and_sockets);
    RUN(list_under_hidepid_sets_unseen_hidden);
    RUN(list_reports_mount_visible_only_from_another_root);
    RUN(list_ignores_forged_sock_diag_replies);
    RUN(list_in_pid_namespace_sets_unseen_hidden_not_processes);
    RUN(exiting_processes_do_not_set_unseen_processes);
    RUN(list_on_older_kernels_is_complete_or_sets_unseen);
    RUN(list_tolerates_processes_that_start_and_exit);

    RUN(invalid_arguments_fail_with_einval);
    RUN(list_without_matching_proc_fails_with_enoent);
    RUN(list_without_descriptors_fails_with_emfile);
    return finish();
}
