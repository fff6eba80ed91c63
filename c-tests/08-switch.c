/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calling thread switches to a namespace and back, and opens sockets in other namespaces. */
#include "privilege.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static struct netns *new_namespace(uint32_t flags)
{
    struct netns *ns = NULL;

    MUST(netns_create(NULL, flags, &ns));
    return ns;
}

static void enter_switches_and_leave_switches_back(void)
{
    struct netns *ns = new_namespace(0);
    uint64_t home = here();
    int token;

    EQUAL(OK(netns_is_current(ns)), 0);
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    EQUAL(OK(netns_leave(token)), 0);
    EQUAL(here(), home);
    EQUAL(OK(netns_is_current(ns)), 0);
    netns_close(ns);
}

static void enter_calls_can_be_nested(void)
{
    struct netns *a = new_namespace(0), *b = new_namespace(0);
    uint64_t home = here();
    int first, second, third;

    first = OK(netns_enter(a));
    second = OK(netns_enter(b));
    third = OK(netns_enter(a));
    EQUAL(here(), netns_inode(a));
    OK(netns_leave(third));
    EQUAL(here(), netns_inode(b));
    OK(netns_leave(second));
    EQUAL(here(), netns_inode(a));
    OK(netns_leave(first));
    EQUAL(here(), home);
    netns_close(a);
    netns_close(b);
}

static void token_is_cloexec_and_refers_to_original_namespace(void)
{
    struct netns *ns = new_namespace(0), *home = NULL, *from_token = NULL;
    int token;

    OK(netns_open_current(&home));
    token = OK(netns_enter(ns));
    EQUAL(fcntl(token, F_GETFD), FD_CLOEXEC);
    OK(netns_open_fd(token, &from_token));
    EQUAL(netns_equal(from_token, home), 1);
    OK(netns_leave(token));
    EQUAL(fcntl(token, F_GETFD), -1);
    netns_close(from_token);
    netns_close(home);
    netns_close(ns);
}

static void enter_accepts_current_namespace(void)
{
    struct netns *home = NULL;
    uint64_t before = here();
    int token;

    OK(netns_open_current(&home));
    token = OK(netns_enter(home));
    EQUAL(here(), before);
    OK(netns_leave(token));
    EQUAL(here(), before);
    netns_close(home);
}

static void leave_with_closed_descriptor_fails_with_ebadf(void)
{
    struct netns *ns = new_namespace(0);
    int token = OK(netns_enter(ns)), closed = MUST(dup(0));

    close(closed);
    FAILS(EBADF, netns_leave(-1));
    FAILS(EBADF, netns_leave(INT_MIN));
    FAILS(EBADF, netns_leave(INT_MAX));
    FAILS(EBADF, netns_leave(closed));
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    netns_close(ns);
}

/* Checks that the descriptor is rejected, stays open, and that the thread stays in its namespace. */
static void refused(int fd, int line)
{
    uint64_t before = here();
    int rc = netns_leave(fd);

    check_at(fd >= 0, line, "descriptor %d", fd);
    check_at(rc == -EINVAL && errno == EINVAL, line, "leave(%d): %d", fd, rc);
    check_at(strstr(netns_errmsg(), "not a token") != NULL, line, "\"%s\"", netns_errmsg());
    check_at(here() == before, line, "the thread has moved");
    check_at(fcntl(fd, F_GETFD) >= 0, line, "the descriptor is closed");
}

#define REFUSED(fd) refused((fd), __LINE__)

static void leave_with_other_descriptor_fails_with_einval(void)
{
    struct netns *ns = new_namespace(0), *other = new_namespace(0);
    int token = OK(netns_enter(ns)), fds[9];
    size_t i;

    write_file("/run/file", "", 0644);
    fds[0] = MUST(open("/run/file", O_RDONLY | O_CLOEXEC));
    /* The two flags that mark a token, on files that are not network namespaces. */
    fds[1] = MUST(open("/run/file", O_RDONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
    fds[2] = MUST(open("/proc/self/ns/mnt", O_RDONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
    fds[3] = MUST(open("/run", O_RDONLY | O_DIRECTORY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
    fds[4] = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    fds[5] = MUST(eventfd(0, EFD_CLOEXEC));
    fds[6] = MUST(open("/run/netns", O_PATH | O_CLOEXEC));
    fds[7] = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    fds[8] = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    for (i = 0; i < sizeof fds / sizeof *fds; i++) {
        REFUSED(fds[i]);
        close(fds[i]);
    }
    REFUSED(netns_fd(ns));
    REFUSED(netns_fd(other));
    REFUSED(STDIN_FILENO);
    OK(netns_leave(token));
    netns_close(ns);
    netns_close(other);
}

/* setns(2) also accepts a pidfd, so a process in another namespace must not be accepted as a way back. */
static void leave_rejects_pidfd_even_with_token_flags(void)
{
    struct netns *ns = new_namespace(0);
    pid_t pid = start_in(NULL);
    int token, plain, marked;

    plain = (int)syscall(SYS_pidfd_open, pid, 0);
    marked = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
    if (plain < 0 || marked < 0)
        skip("no pidfd_open");
    MUST(fcntl(marked, F_SETFL, O_APPEND | O_NONBLOCK));
    token = OK(netns_enter(ns));
    REFUSED(plain);
    REFUSED(marked);
    OK(netns_leave(token));
    close(plain);
    close(marked);
    stop(pid);
    netns_close(ns);
}

/* Conversely, a handle of the token's namespace must not become a token. */
static void leave_rejects_handle_opened_from_token(void)
{
    struct netns *ns = new_namespace(0), *from_token = NULL;
    int token = OK(netns_enter(ns));

    OK(netns_open_fd(token, &from_token));
    REFUSED(netns_fd(from_token));
    OK(netns_leave(token));
    REFUSED(netns_fd(from_token));
    netns_close(from_token);
    netns_close(ns);
}

static void second_leave_rejects_closed_or_reused_token(void)
{
    struct netns *ns = new_namespace(0);
    int token = OK(netns_enter(ns)), reused;
    uint64_t home;

    OK(netns_leave(token));
    home = here();
    FAILS(EBADF, netns_leave(token));
    EQUAL(here(), home);
    reused = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EQUAL(reused, token);
    REFUSED(reused);
    close(reused);
    netns_close(ns);
}

static void forked_child_can_leave_with_inherited_token(void)
{
    struct netns *ns = new_namespace(0);
    uint64_t home = here();
    int token = OK(netns_enter(ns));
    pid_t pid = MUST(fork());

    if (pid == 0) {
        EQUAL(here(), netns_inode(ns));
        OK(netns_leave(token));
        EQUAL(here(), home);
        netns_close(ns);
        exit(test_failures ? 1 : 0);
    }
    EQUAL(wait_for(pid), 0);
    /* The child's leave does not affect the parent. */
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    EQUAL(here(), home);
    netns_close(ns);
}

static void *goes_one_way(void *arg)
{
    struct netns *ns = arg;

    EQUAL(OK(netns_setns(ns)), 0);
    EQUAL(here(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    return NULL;
}

static void setns_switches_only_calling_thread(void)
{
    struct netns *ns = new_namespace(0);
    uint64_t home = here();
    pthread_t thread;

    EQUAL(pthread_create(&thread, NULL, goes_one_way, ns), 0);
    EQUAL(pthread_join(thread, NULL), 0);
    EQUAL(here(), home);
    EQUAL(OK(netns_is_current(ns)), 0);
    netns_close(ns);
}

static void null_handle_fails_with_einval(void)
{
    uint64_t home = here();

    FAILS(EINVAL, netns_setns(NULL));
    FAILS(EINVAL, netns_enter(NULL));
    FAILS(EINVAL, netns_is_current(NULL));
    EQUAL(here(), home);
}

static void enter_and_socket_without_fds_fail_with_emfile(void)
{
    struct netns *ns = new_namespace(0);
    uint64_t home = here();

    allow_descriptors(0);
    FAILS(EMFILE, netns_enter(ns));
    MESSAGE_HAS("RLIMIT_NOFILE");
    EQUAL(here(), home);
    FAILS(EMFILE, netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    MESSAGE_HAS("RLIMIT_NOFILE");
    EQUAL(here(), home);
    /* setns needs no descriptor. */
    OK(netns_is_current(ns));
    allow_descriptors(-1);
    netns_close(ns);
}

static void socket_failing_with_emfile_restores_namespace(void)
{
    struct netns *ns = new_namespace(0);
    bool one_too_many = false;
    uint64_t home = here();
    int more, fd = -1;

    for (more = 0; more < 8 && fd < 0; more++) {
        allow_descriptors(more);
        fd = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
        allow_descriptors(-1);
        EQUAL(here(), home);
        CHECK(fd >= 0 || fd == -EMFILE);
        /* The descriptor for the way back was available. */
        one_too_many |= fd < 0 && strstr(netns_errmsg(), "]: socket: ") != NULL;
    }
    CHECK(one_too_many);
    CHECK(fd >= 0);
    close(fd);
    netns_close(ns);
}

static void lives_in(int socket, const struct netns *ns, int line)
{
    struct netns *of_socket = NULL;
    int rc = netns_open_fd(socket, &of_socket);

    check_at(rc == 0, line, "netns_open_fd: %s", netns_errmsg());
    check_at(netns_equal(of_socket, ns) == 1, line, "the socket is elsewhere");
    netns_close(of_socket);
}

#define LIVES_IN(socket, ns) lives_in((socket), (ns), __LINE__)

/* NULL stands for the thread's own namespace, which needs no capability. */
static void socket_with_null_uses_namespace_of_calling_thread(void)
{
    struct netns *ns = new_namespace(0), *own = NULL;
    int fd, token;

    OK(netns_open_current(&own));
    fd = OK(netns_socket(NULL, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    LIVES_IN(fd, own);
    EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(fd);
    token = OK(netns_enter(ns));
    fd = OK(netns_socket(NULL, AF_INET, SOCK_STREAM, 0));
    LIVES_IN(fd, ns);
    close(fd);
    OK(netns_leave(token));
    FAILS(EAFNOSUPPORT, netns_socket(NULL, 9999, SOCK_STREAM, 0));
    allow_descriptors(0);
    FAILS(EMFILE, netns_socket(NULL, AF_INET, SOCK_STREAM, 0));
    allow_descriptors(-1);
    drop_capability(CAP_SYS_ADMIN);
    close(OK(netns_socket(NULL, AF_INET, SOCK_STREAM, 0)));
    netns_close(own);
    netns_close(ns);
}

static void socket_opens_every_family_in_namespace(void)
{
    static const struct { int domain, type, protocol; } kinds[] = {
        {AF_INET, SOCK_STREAM, 0},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDP},
        {AF_INET, SOCK_RAW, IPPROTO_ICMP},
        {AF_INET6, SOCK_STREAM, 0},
        {AF_INET6, SOCK_DGRAM, 0},
        {AF_UNIX, SOCK_STREAM, 0},
        {AF_UNIX, SOCK_SEQPACKET, 0},
        {AF_NETLINK, SOCK_RAW, 0},
        {AF_PACKET, SOCK_RAW, 0},
    };
    struct netns *ns = new_namespace(0);
    uint64_t home = here();
    size_t i;
    int fd;

    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fd = OK(netns_socket(ns, kinds[i].domain, kinds[i].type, kinds[i].protocol));
        LIVES_IN(fd, ns);
        EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
        EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        EQUAL(here(), home);
        close(fd);
    }
    netns_close(ns);
}

static void socket_accepts_sock_nonblock(void)
{
    struct netns *ns = new_namespace(0);
    int fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));

    EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    netns_close(ns);
}

static void socket_is_always_close_on_exec(void)
{
    static const int domains[] = {AF_INET, AF_UNIX}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    struct netns *ns = new_namespace(0);
    int i, fd;

    for (i = 0; i < 4; i++) {
        fd = OK(netns_socket(ns, domains[i / 2], types[i % 2], 0));
        EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
        fd = OK(netns_socket(ns, domains[i / 2], types[i % 2] | SOCK_CLOEXEC, 0));
        EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
    }
    netns_close(ns);
}

static void socket_keeps_namespace_after_close_and_remove(void)
{
    struct netns *ns = NULL, *of_socket = NULL;
    uint64_t inode;
    int fd;

    OK(netns_create("blue", 0, &ns));
    inode = netns_inode(ns);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    OK(netns_remove("blue", 0));
    netns_close(ns);
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_inode(of_socket), inode);
    netns_close(of_socket);
    close(fd);
}

static void socket_returns_errno_of_socket_system_call(void)
{
    static const struct { int domain, type, protocol, error; } wrong[] = {
        {9999, SOCK_STREAM, 0, EAFNOSUPPORT},
        {45, SOCK_STREAM, 0, EAFNOSUPPORT},
        {-1, SOCK_STREAM, 0, EAFNOSUPPORT},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT},
        {AF_INET, SOCK_SEQPACKET, 0, ESOCKTNOSUPPORT},
        {AF_UNIX, SOCK_RDM, 0, ESOCKTNOSUPPORT},
        {AF_INET, 15, 0, EINVAL},
        {AF_INET, SOCK_DGRAM | 1 << 28, 0, EINVAL},
        {AF_INET, SOCK_STREAM, -1, EINVAL},
    };
    struct netns *ns = new_namespace(0);
    uint64_t home = here();
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FAILS(wrong[i].error,
              netns_socket(ns, wrong[i].domain, wrong[i].type, wrong[i].protocol));
        MESSAGE_HAS("socket");
        EQUAL(here(), home);
    }
    netns_close(ns);
}

static const struct sockaddr_in service = {
    .sin_family = AF_INET, .sin_port = 0x901f /* 8080 */, .sin_addr.s_addr = 0x0100007f};

/* Sends a letter to the service in the namespace and returns the answer. */
static char ask_by_tcp(const struct netns *ns, int listener, char letter)
{
    int client = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0)), server;
    char got = 0;

    MUST(connect(client, (const struct sockaddr *)&service, sizeof service));
    server = MUST(accept(listener, NULL, NULL));
    EQUAL(write(client, &letter, 1), 1);
    EQUAL(read(server, &got, 1), 1);
    close(server);
    close(client);
    return got;
}

static void two_namespaces_can_serve_same_tcp_port(void)
{
    struct netns *ns[2];
    int listeners[2], i;

    for (i = 0; i < 2; i++) {
        ns[i] = new_namespace(NETNS_CREATE_LO_UP);
        listeners[i] = OK(netns_socket(ns[i], AF_INET, SOCK_STREAM, 0));
        MUST(bind(listeners[i], (const struct sockaddr *)&service, sizeof service));
        MUST(listen(listeners[i], 4));
    }
    EQUAL(ask_by_tcp(ns[0], listeners[0], 'a'), 'a');
    EQUAL(ask_by_tcp(ns[1], listeners[1], 'b'), 'b');
    for (i = 0; i < 2; i++) {
        close(listeners[i]);
        netns_close(ns[i]);
    }
}

static void datagrams_stay_in_their_namespace(void)
{
    struct netns *ns[2];
    int servers[2], client, i;
    char got = 0;

    for (i = 0; i < 2; i++) {
        ns[i] = new_namespace(NETNS_CREATE_LO_UP);
        servers[i] = OK(netns_socket(ns[i], AF_INET, SOCK_DGRAM, 0));
        MUST(bind(servers[i], (const struct sockaddr *)&service, sizeof service));
    }
    client = OK(netns_socket(ns[1], AF_INET, SOCK_DGRAM, 0));
    EQUAL(sendto(client, "x", 1, 0, (const struct sockaddr *)&service, sizeof service), 1);
    EQUAL(recv(servers[1], &got, 1, 0), 1);
    EQUAL(got, 'x');
    EQUAL(recv(servers[0], &got, 1, MSG_DONTWAIT), -1);
    EQUAL(errno, EAGAIN);
    close(client);
    for (i = 0; i < 2; i++) {
        close(servers[i]);
        netns_close(ns[i]);
    }
}

static void enter_works_after_name_is_removed(void)
{
    struct netns *ns = NULL;
    int token;

    OK(netns_create("blue", 0, &ns));
    OK(netns_remove("blue", 0));
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    netns_close(ns);
}

/* --- without /proc ---------------------------------------------------------------------------- */

/* The thread's namespace, as here() would return it. */
static uint64_t here_by_socket(void)
{
    int socket_here = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    int fd = MUST(ioctl(socket_here, SIOCGSKNS));
    struct stat st;

    MUST(fstat(fd, &st));
    close(fd);
    close(socket_here);
    return st.st_ino;
}

/* It would be a token if it had the marks, and leave would close it. */
static void is_no_token(const struct netns *ns, int line)
{
    uint64_t before = here_by_socket();
    int fd = netns_fd(ns), rc = netns_leave(fd);

    check_at(rc == -EINVAL && errno == EINVAL, line, "leave(%d): %d", fd, rc);
    check_at(fcntl(fd, F_GETFD) == FD_CLOEXEC, line, "the handle's descriptor is closed");
    check_at(here_by_socket() == before, line, "the thread has moved");
}

#define IS_NO_TOKEN(ns) is_no_token((ns), __LINE__)

static void cover_proc(void)
{
    MUST(mount("netns-test", "/proc", "tmpfs", 0, "mode=755"));
    CHECK(!exists("/proc/thread-self"));
}

static void uncover_proc(void)
{
    MUST(umount2("/proc", MNT_DETACH));
}

static void enter_and_leave_work_without_proc(void)
{
    struct netns *ns = NULL, *current = NULL;
    uint64_t home = here();
    int token, fd;

    cover_proc();
    OK(netns_open_current(&current));
    EQUAL(netns_inode(current), home);
    EQUAL(OK(netns_is_current(current)), 1);
    OK(netns_create(NULL, 0, &ns));
    EQUAL(here_by_socket(), home);
    token = OK(netns_enter(ns));
    EQUAL(here_by_socket(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    IS_NO_TOKEN(ns);
    IS_NO_TOKEN(current);
    EQUAL(OK(netns_leave(token)), 0);
    EQUAL(here_by_socket(), home);
    EQUAL(OK(netns_is_current(ns)), 0);
    IS_NO_TOKEN(ns);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    LIVES_IN(fd, ns);
    EQUAL(here_by_socket(), home);
    uncover_proc();
    EQUAL(here(), home);
    close(fd);
    netns_close(current);
    netns_close(ns);
}

static void create_and_remove_work_without_proc(void)
{
    struct netns *ns = NULL;
    uint64_t home = here();

    /* mount(2) needs a path below /proc for an open file, and valgrind does not support any other call. */
    if (!have_mounts_by_descriptor())
        skip("no mounts by descriptor, which came with Linux 5.12");
    cover_proc();
    OK(netns_create("blue", NETNS_CREATE_LO_UP, &ns));
    EQUAL(here_by_socket(), home);
    CHECK(is_netns("/run/netns/blue"));
    SAME(names(), "blue");
    IS_NO_TOKEN(ns);
    EQUAL(OK(netns_remove("blue", 0)), 0);
    CHECK(!exists("/run/netns/blue"));
    uncover_proc();
    EQUAL(mounts_at("/run/netns/blue"), 0);
    EQUAL(here(), home);
    netns_close(ns);
}

int main(void)
{
    RUN(enter_switches_and_leave_switches_back);
    RUN(enter_calls_can_be_nested);
    RUN(token_is_cloexec_and_refers_to_original_namespace);
    RUN(enter_accepts_current_namespace);
    RUN(leave_with_closed_descriptor_fails_with_ebadf);
    RUN(leave_with_other_descriptor_fails_with_einval);
    RUN(leave_rejects_pidfd_even_with_token_flags);
    RUN(leave_rejects_handle_opened_from_token);
    RUN(second_leave_rejects_closed_or_reused_token);
    RUN(forked_child_can_leave_with_inherited_token);
    RUN(setns_switches_only_calling_thread);
    RUN(null_handle_fails_with_einval);
    RUN(enter_and_socket_without_fds_fail_with_emfile);
    RUN(socket_failing_with_emfile_restores_namespace);
    RUN(socket_with_null_uses_namespace_of_calling_thread);
    RUN(socket_opens_every_family_in_namespace);
    RUN(socket_accepts_sock_nonblock);
    RUN(socket_is_always_close_on_exec);
    RUN(socket_keeps_namespace_after_close_and_remove);
    RUN(socket_returns_errno_of_socket_system_call);
    RUN(two_namespaces_can_serve_same_tcp_port);
    RUN(datagrams_stay_in_their_namespace);
    RUN(enter_works_after_name_is_removed);
    RUN(enter_and_leave_work_without_proc);
    RUN(create_and_remove_work_without_proc);
    return finish();
}
