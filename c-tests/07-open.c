/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All ways to open a namespace, and what is rejected. */
#include "exiting.h"
#include "fault.h"
#include "mover.h"
#include "privilege.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define SIZE(array) (sizeof(array) / sizeof *(array))

/* Checks that the handle refers to this namespace and has its own descriptor, which is close-on-exec;
   closes it. */
#define IS_OF(inode, opened) is_of_at((inode), (opened), __LINE__)

static void is_of_at(uint64_t inode, struct netns *opened, int line)
{
    struct stat st = {0};
    int flags;

    if (!check_at(opened != NULL, line, "no handle"))
        return;
    flags = fcntl(netns_fd(opened), F_GETFD);
    fstat(netns_fd(opened), &st);
    check_at(flags >= 0 && flags & FD_CLOEXEC, line, "the handle is not close-on-exec");
    check_at(netns_inode(opened) == inode, line, "it is net:[%llu], not net:[%llu]",
             (unsigned long long)netns_inode(opened), (unsigned long long)inode);
    check_at(st.st_ino == inode, line, "its descriptor is of another");
    check_at(syscall(SYS_ioctl, netns_fd(opened), 0xb703 /* NS_GET_NSTYPE */) == CLONE_NEWNET, line,
             "its descriptor is not of a network namespace");
    netns_close(opened);
}

/* --- by name and path ------------------------------------------------------------------------- */

static void open_accepts_name(void)
{
    struct netns *ns = NULL, *found = NULL;

    OK(netns_create("blue", 0, &ns));
    EQUAL(OK(netns_open("blue", 0, &found)), 0);
    SAME(netns_name(found), "blue");
    SAME(netns_path(found), "/run/netns/blue");
    IS_OF(netns_inode(ns), found);
    OK(netns_open_at("/run/netns", "blue", 0, &found));
    SAME(netns_name(found), "blue");
    SAME(netns_path(found), "/run/netns/blue");
    IS_OF(netns_inode(ns), found);
    netns_close(ns);
}

static void open_accepts_noncanonical_paths(void)
{
    static const char *const paths[] = {
        "/run//netns/./blue", "/run//netns/blue", "/run/netns//blue", "/run/./netns/blue", "./blue",
        "../netns/blue", "/run/link", "/proc/self/root/run/netns/blue", "/run/netns/../netns/blue",
    };
    struct netns *ns = NULL, *found = NULL;

    OK(netns_create("blue", 0, &ns));
    MUST(symlink("netns/blue", "/run/link"));
    MUST(chdir("/run/netns"));
    for (size_t i = 0; i < SIZE(paths); i++) {
        OK(netns_open(paths[i], 0, &found));
        SAME(netns_path(found), paths[i]);
        SAME(netns_name(found), NULL);
        IS_OF(netns_inode(ns), found);
    }
    netns_close(ns);
}

static void open_accepts_var_run_netns_path(void)
{
    struct netns *ns = NULL, *found = NULL;

    OK(netns_create("blue", 0, &ns));
    if (!exists("/var/run/netns/blue")) {
        netns_close(ns);
        skip("/var/run is not /run here");
    }
    OK(netns_open("/var/run/netns/blue", 0, &found));
    SAME(netns_path(found), "/var/run/netns/blue");
    IS_OF(netns_inode(ns), found);
    OK(netns_open_at("/var/run/netns", "blue", 0, &found));
    SAME(netns_path(found), "/var/run/netns/blue");
    SAME(netns_name(found), "blue");
    IS_OF(netns_inode(ns), found);
    netns_close(ns);
}

static void open_accepts_paths_under_proc(void)
{
    struct netns *ns = NULL, *found = NULL;
    char path[64];
    pid_t child;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    snprintf(path, sizeof path, "/proc/%d/ns/net", child);
    OK(netns_open(path, 0, &found));
    SAME(netns_path(found), path);
    SAME(netns_name(found), NULL);
    IS_OF(netns_inode(ns), found);
    OK(netns_open("/proc/self/ns/net", 0, &found));
    SAME(netns_path(found), "/proc/self/ns/net");
    IS_OF(here(), found);
    OK(netns_open("/proc/thread-self/ns/net", 0, &found));
    IS_OF(here(), found);
    snprintf(path, sizeof path, "/proc/self/fd/%d", netns_fd(ns));
    OK(netns_open(path, 0, &found));
    IS_OF(netns_inode(ns), found);
    stop(child);
    netns_close(ns);
}

static void open_of_other_file_fails_with_enotty(void)
{
    static const char *const paths[] = {
        "/run/plain", "/run/empty", "/run/", "/run/netns/", "/etc/passwd", "/proc/self/ns/mnt",
        "/proc/self/ns/user", "/proc/self/ns/pid", "/proc/self/ns/uts", "/proc/self/ns/ipc",
        "/proc/uptime", "/proc/self/status", "/dev/null", "/dev/zero", "/run/fifo",
    };
    struct netns *ns = SENTINEL;
    struct state before;

    write_file("/run/plain", "kept", 0644);
    write_file("/run/empty", "", 0644);
    MUST(mkfifo("/run/fifo", 0666));
    before = state_now();
    for (size_t i = 0; i < SIZE(paths); i++) {
        FAILS(ENOTTY, netns_open(paths[i], 0, &ns));
        MESSAGE_HAS(paths[i]);
        MESSAGE_HAS("not a network namespace");
        CHECK(ns == SENTINEL);
    }
    UNCHANGED_SINCE(before);
}

static void open_of_unusable_path_returns_kernel_errno(void)
{
    static char long_path[5000];
    struct netns *ns = SENTINEL;

    FAILS(ENOENT, netns_open("/run/netns/none", 0, &ns));
    FAILS(ENOENT, netns_open("./none", 0, &ns));
    FAILS(ENOENT, netns_open("/proc/self/ns/none", 0, &ns));
    write_file("/run/plain", "kept", 0644);
    FAILS(ENOTDIR, netns_open("/run/plain/below", 0, &ns));
    MUST(symlink("loop", "/run/loop"));
    FAILS(ELOOP, netns_open("/run/loop", 0, &ns));
    memset(long_path, '/', sizeof long_path - 1);
    FAILS(ENAMETOOLONG, netns_open(long_path, 0, &ns));
    memset(long_path, 'n', 300);
    FAILS(ENAMETOOLONG, netns_open(long_path, 0, &ns));
    CHECK(ns == SENTINEL);
}

static void a_plain_user_opens(void *arg)
{
    struct netns *ns, *live = arg, *found = NULL;

    become_plain_user();
    FAILS_UNTOUCHED(EACCES, ns, netns_open("/proc/1/ns/net", 0, &ns));
    MESSAGE_HAS("CAP_SYS_PTRACE");
    FAILS_UNTOUCHED(EACCES, ns, netns_open_pid(1, &ns));
    MESSAGE_HAS("CAP_SYS_PTRACE");
    /* A user who can look up the name can open it. */
    OK(netns_open("live", 0, &found));
    IS_OF(netns_inode(live), found);
    OK(netns_open("/run/netns/live", 0, &found));
    IS_OF(netns_inode(live), found);
    OK(netns_open_pid(getpid(), &found));
    IS_OF(here(), found);
    OK(netns_open_current(&found));
    IS_OF(here(), found);
    OK(netns_open_fd(netns_fd(live), &found));
    IS_OF(netns_inode(live), found);
    FAILS_UNTOUCHED(ENOTTY, ns, netns_open("closed", 0, &ns));
    FAILS_UNTOUCHED(ENOENT, ns, netns_open("none", 0, &ns));
}

static void unprivileged_caller_opens_accessible_namespaces(void)
{
    struct netns *live = NULL;

    OK(netns_create("live", 0, &live));
    /* Only root could open a file that is not a namespace yet. */
    write_file("/run/netns/closed", "", 0);
    IN_CHILD(a_plain_user_opens, live);
    netns_close(live);
}

/* --- by process ------------------------------------------------------------------------------- */

/* The path by which Docker and others refer to a name; netns_open() of "blue" gives the same name. */
static void open_by_path_in_run_directory_returns_name(void)
{
    static const char *const paths[] = {"/run/netns/blue", "/var/run/netns/blue"};
    struct netns *ns = NULL, *found = NULL;
    char longest[300];

    OK(netns_create("blue", 0, &ns));
    for (size_t i = 0; i < SIZE(paths); i++) {
        if (i == 1 && !is_netns(paths[i]))
            skip("/var/run is not /run here");
        OK(netns_open(paths[i], 0, &found));
        SAME(netns_name(found), "blue");
        SAME(netns_path(found), paths[i]);
        IS_OF(netns_inode(ns), found);
    }
    netns_close(ns);
    FAILS(ENOENT, netns_open("/run/netns/none", 0, &(struct netns *){NULL}));
    FAILS(ENOTTY, netns_open("/run/netns/", 0, &(struct netns *){NULL}));
    FAILS(ENOTTY, netns_open("/run/netns/.", 0, &(struct netns *){NULL}));
    FAILS(ENOTTY, netns_open("/run/netns/..", 0, &(struct netns *){NULL}));
    memset(longest, 0, sizeof longest);
    sprintf(longest, "/run/netns/%0256d", 0);
    FAILS(ENAMETOOLONG, netns_open(longest, 0, &(struct netns *){NULL}));
}

static void open_pid_accepts_process_id(void)
{
    struct netns *ns = NULL, *found = NULL;
    pid_t child;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    OK(netns_open_pid(child, &found));
    SAME(netns_name(found), NULL);
    SAME(netns_path(found), NULL);
    IS_OF(netns_inode(ns), found);
    OK(netns_open_pid(getpid(), &found));
    IS_OF(here(), found);
    stop(child);
    netns_close(ns);
}

static void open_pid_accepts_thread_id(void)
{
    struct netns *ns = NULL, *found = NULL;
    struct mover mover;

    OK(netns_create(NULL, 0, &ns));
    start_mover(&mover, ns, NULL, NULL);
    OK(netns_open_pid(mover.tid, &found));
    IS_OF(netns_inode(ns), found);
    OK(netns_open_pid(getpid(), &found));
    IS_OF(here(), found);
    CHECK(here() != netns_inode(ns));
    end_mover(&mover);
    netns_close(ns);
}

static void open_where_the_thread_is(void *arg)
{
    struct netns **current = arg;

    OK(netns_open_current(current));
}

static void open_current_opens_namespace_of_calling_thread(void)
{
    struct netns *ns = NULL, *theirs = NULL, *ours = NULL;
    struct mover mover;

    OK(netns_create(NULL, 0, &ns));
    start_mover(&mover, ns, open_where_the_thread_is, &theirs);
    SAME(netns_name(theirs), NULL);
    SAME(netns_path(theirs), NULL);
    IS_OF(netns_inode(ns), theirs);
    OK(netns_open_current(&ours));
    IS_OF(here(), ours);
    CHECK(here() != netns_inode(ns));
    end_mover(&mover);
    OK(netns_setns(ns));
    OK(netns_open_current(&ours));
    IS_OF(netns_inode(ns), ours);
    netns_close(ns);
}

/* A child that has ended but has not been waited for. */
static pid_t start_zombie(void)
{
    pid_t child = MUST(fork());
    siginfo_t info;

    if (child == 0)
        _exit(0);
    MUST(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    return child;
}

static void open_pid_rejects_missing_and_invalid_pids(void)
{
    struct netns *ns = SENTINEL;
    pid_t child = MUST(fork());

    if (child == 0)
        _exit(0);
    wait_for(child);
    FAILS(ESRCH, netns_open_pid(child, &ns));
    MESSAGE_HAS("the process does not exist or has ended");
    FAILS(ESRCH, netns_open_pid(INT_MAX, &ns));
    FAILS(EINVAL, netns_open_pid(0, &ns));
    FAILS(EINVAL, netns_open_pid(-1, &ns));
    FAILS(EINVAL, netns_open_pid(INT_MIN, &ns));
    FAILS(EINVAL, netns_open_pid(getpid(), NULL));
    child = start_zombie();
    FAILS(ESRCH, netns_open_pid(child, &ns));
    wait_for(child);
    CHECK(ns == SENTINEL);
}

#define PIDFD_GET_NET_NAMESPACE 0xff04u

/* Whether pidfds report their namespace without /proc (Linux 6.11). */
static bool pidfds_know_namespaces(void)
{
    int pidfd = syscall(SYS_pidfd_open, getpid(), 0), fd = -1;

    if (pidfd >= 0) {
        fd = syscall(SYS_ioctl, pidfd, PIDFD_GET_NET_NAMESPACE, 0);
        close(pidfd);
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Runs the part as process 1 of a new PID namespace, with the /proc of another one. */
struct renumbered {
    const struct netns *in;
    void (*part)(void *arg);
    void *arg;
};

static void go_and_do(void *arg)
{
    const struct renumbered *renumbered = arg;

    EQUAL(getpid(), 1);
    MUST(netns_setns(renumbered->in));
    renumbered->part(renumbered->arg);
}

static void renumber(void *arg)
{
    if (unshare(CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(go_and_do, arg);
}

/* In a network namespace other than that of /proc/1. */
static void do_renumbered(void (*part)(void *arg), void *arg)
{
    struct netns *ns = NULL;
    struct renumbered renumbered = {NULL, part, arg};

    OK(netns_create(NULL, 0, &ns));
    renumbered.in = ns;
    IN_CHILD(renumber, &renumbered);
    netns_close(ns);
}

static void open_oneself(void *arg)
{
    struct netns *found = NULL;

    (void)arg;
    OK(netns_open_pid(getpid(), &found));
    EQUAL(OK(netns_is_current(found)), 1);
    IS_OF(here(), found);
}

static int open_and_close_pid(pid_t pid)
{
    struct netns *ns = NULL;
    int rc = netns_open_pid(pid, &ns);

    netns_close(ns);
    return rc;
}

static int open_and_close_path(pid_t pid)
{
    struct netns *ns = NULL;
    char path[64];
    int rc;

    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    rc = netns_open(path, 0, &ns);
    netns_close(ns);
    return rc;
}

static void open_of_exiting_process_never_fails_with_eacces(void)
{
    FAILS_WHEN_PROCESS_EXITS(open_and_close_pid, ESRCH, ESRCH);
    FAILS_WHEN_PROCESS_EXITS(open_and_close_path, ENOENT, ESRCH);
}

static void open_pid_uses_pid_namespace_of_caller(void)
{
    if (!pidfds_know_namespaces())
        skip("before Linux 6.11 only /proc tells");
    do_renumbered(open_oneself, NULL);
}

static void find_no_proc_of_ones_own(void *arg)
{
    struct netns *ns = SENTINEL;

    install_faults(arg, 1);
    FAILS(ENOENT, netns_open_pid(getpid(), &ns));
    MESSAGE_HAS("/proc");
    MESSAGE_HAS("another PID namespace");
    CHECK(ns == SENTINEL);
}

/* -ENOENT: the number in that /proc would belong to another process. */
static void open_pid_without_pidfd_rejects_proc_of_other_pidns(void)
{
    struct fault no_pidfds = {.call = SYS_pidfd_open, .error = ENOSYS};
    struct fault no_namespaces = {.call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u,
                                  .value = PIDFD_GET_NET_NAMESPACE};

    need_seccomp();
    do_renumbered(find_no_proc_of_ones_own, &no_pidfds);
    do_renumbered(find_no_proc_of_ones_own, &no_namespaces);
}

/* --- by descriptor ---------------------------------------------------------------------------- */

/* Checks that the descriptor leads to the namespace and is unchanged. */
#define LEADS_TO(inode, fd) leads_to_at((inode), (fd), __LINE__)

static void leads_to_at(uint64_t inode, int fd, int line)
{
    int descriptor_flags = fcntl(fd, F_GETFD), status_flags = fcntl(fd, F_GETFL);
    struct netns *opened = NULL;
    int rc = netns_open_fd(fd, &opened);

    if (!check_at(rc == 0, line, "%s", netns_errmsg()))
        return;
    check_at(netns_fd(opened) != fd, line, "the handle has the caller's descriptor");
    check_at(netns_name(opened) == NULL && netns_path(opened) == NULL, line, "it has a name");
    is_of_at(inode, opened, line);
    check_at(fcntl(fd, F_GETFD) == descriptor_flags, line, "the descriptor's flags changed");
    check_at(fcntl(fd, F_GETFL) == status_flags, line, "the status flags changed");
}

static void open_fd_accepts_namespace_descriptor(void)
{
    struct netns *ns = NULL;
    int fd;

    OK(netns_create("blue", 0, &ns));
    LEADS_TO(netns_inode(ns), netns_fd(ns));
    fd = MUST(open("/run/netns/blue", O_RDONLY));
    LEADS_TO(netns_inode(ns), fd);
    close(fd);
    fd = MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    LEADS_TO(here(), fd);
    close(fd);
    netns_close(ns);
}

static void open_fd_accepts_o_path_descriptor(void)
{
    struct netns *ns = NULL, *found = NULL;
    uint64_t home = here();
    int fd, token;

    OK(netns_create("blue", 0, &ns));
    fd = MUST(open("/run/netns/blue", O_PATH | O_CLOEXEC));
    LEADS_TO(netns_inode(ns), fd);
    /* Such a descriptor cannot be used with setns(2), but the handle can. */
    OK(netns_open_fd(fd, &found));
    token = OK(netns_enter(found));
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    EQUAL(here(), home);
    netns_close(found);
    close(fd);
    fd = MUST(open("/proc/self/ns/net", O_PATH | O_CLOEXEC));
    LEADS_TO(here(), fd);
    close(fd);
    netns_close(ns);
}

static void open_fd_accepts_sockets(void)
{
    static const int kinds[][2] = {
        {AF_INET, SOCK_STREAM}, {AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_STREAM},
        {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM}, {AF_NETLINK, SOCK_RAW},
        {AF_PACKET, SOCK_RAW},
    };
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    for (size_t i = 0; i < SIZE(kinds); i++) {
        int fd = OK(netns_socket(ns, kinds[i][0], kinds[i][1], 0));

        LEADS_TO(netns_inode(ns), fd);
        close(fd);
        fd = MUST(socket(kinds[i][0], kinds[i][1], 0));
        LEADS_TO(here(), fd);
        close(fd);
    }
    netns_close(ns);
}

static void open_fd_of_socket_works_after_handle_is_closed(void)
{
    struct netns *ns = NULL, *found = NULL;
    uint64_t cookie;
    int fd;

    OK(netns_create(NULL, 0, &ns));
    cookie = COOKIE_OF(ns);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    netns_close(ns);
    OK(netns_open_fd(fd, &found));
    EQUAL(COOKIE_OF(found), cookie);
    close(fd);
    netns_close(found);
}

static int open_pidfd(pid_t pid)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0 && errno == ENOSYS)
        skip("there are no pidfds here");
    return MUST(fd);
}

static void open_fd_accepts_pidfd(void)
{
    struct netns *ns = NULL;
    pid_t child;
    int fd;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    fd = open_pidfd(child);
    LEADS_TO(netns_inode(ns), fd);
    close(fd);
    fd = open_pidfd(getpid());
    LEADS_TO(here(), fd);
    close(fd);
    stop(child);
    netns_close(ns);
}

static void pidfd_of_ended_process_fails_with_esrch(void)
{
    struct netns *ns = SENTINEL;
    pid_t child = start_zombie();
    int fd = open_pidfd(child);

    FAILS(ESRCH, netns_open_fd(fd, &ns));
    wait_for(child);
    FAILS(ESRCH, netns_open_fd(fd, &ns));
    MESSAGE_HAS("or has ended");
    CHECK(ns == SENTINEL);
    close(fd);
}

/* Checks that the descriptor is rejected and unchanged; closes it. */
#define LEADS_NOWHERE(fd) leads_nowhere_at((fd), __LINE__)

static void leads_nowhere_at(int fd, int line)
{
    int flags = MUST(fcntl(fd, F_GETFL));
    struct netns *ns = SENTINEL;

    fails_at(ENOTTY, (errno = ERRNO_UNTOUCHED, netns_open_fd(fd, &ns)), line, "netns_open_fd()");
    check_at(strstr(netns_errmsg(), "not a network namespace"), line, "\"%s\"", netns_errmsg());
    check_at(ns == SENTINEL, line, "the handle was written to");
    check_at(fcntl(fd, F_GETFL) == flags, line, "the descriptor is another");
    MUST(close(fd));
}

static void open_fd_of_other_file_fails_with_enotty(void)
{
    static const char *const paths[] = {
        "/run/plain", "/run", "/dev/null", "/proc/uptime", "/proc/self/ns/mnt",
        "/proc/self/ns/user", "/proc/self/ns/uts", "/proc/self/ns/pid", "/proc/self", "/etc/passwd",
    };
    int pipes[2];

    write_file("/run/plain", "kept", 0644);
    for (size_t i = 0; i < SIZE(paths); i++) {
        LEADS_NOWHERE(MUST(open(paths[i], O_RDONLY | O_CLOEXEC)));
        LEADS_NOWHERE(MUST(open(paths[i], O_PATH | O_CLOEXEC)));
    }
    MUST(pipe2(pipes, O_CLOEXEC));
    LEADS_NOWHERE(pipes[0]);
    LEADS_NOWHERE(pipes[1]);
    LEADS_NOWHERE(MUST(eventfd(0, EFD_CLOEXEC)));
    LEADS_NOWHERE(MUST(epoll_create1(EPOLL_CLOEXEC)));
    LEADS_NOWHERE(MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)));
}

static void open_fd_of_invalid_descriptor_fails_with_ebadf(void)
{
    struct netns *ns = SENTINEL;
    int fd = MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

    close(fd);
    FAILS(EBADF, netns_open_fd(fd, &ns));
    MESSAGE_HAS("descriptor");
    FAILS(EBADF, netns_open_fd(-1, &ns));
    FAILS(EBADF, netns_open_fd(-100 /* AT_FDCWD */, &ns));
    FAILS(EBADF, netns_open_fd(INT_MIN, &ns));
    /* valgrind warns about impossible descriptor numbers. */
    if (!under_valgrind())
        FAILS(EBADF, netns_open_fd(INT_MAX, &ns));
    CHECK(ns == SENTINEL);
}

static void null_out_fails_with_einval(void)
{
    int fd = MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    struct state before = state_now();

    FAILS(EINVAL, netns_open_fd(fd, NULL));
    FAILS(EINVAL, netns_open_current(NULL));
    FAILS(EINVAL, netns_open_pid(getpid(), NULL));
    FAILS(EINVAL, netns_open("/proc/self/ns/net", 0, NULL));
    UNCHANGED_SINCE(before);
    close(fd);
}

/* --- fewer privileges ------------------------------------------------------------------------- */

struct lent {
    int socket, pidfd;
};

static void open_what_was_lent(void *arg)
{
    const struct lent *lent = arg;
    struct netns *ns;

    become_plain_user();
    FAILS_UNTOUCHED(EPERM, ns, netns_open_fd(lent->socket, &ns));
    MESSAGE_HAS("CAP_NET_ADMIN");
    if (lent->pidfd >= 0) {
        FAILS_UNTOUCHED(EACCES, ns, netns_open_fd(lent->pidfd, &ns));
        MESSAGE_HAS("CAP_SYS_PTRACE");
    }
}

static void unprivileged_open_fd_rejects_socket_and_pidfd(void)
{
    struct lent lent;
    struct netns *ns = NULL;
    pid_t child;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    lent.socket = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    lent.pidfd = syscall(SYS_pidfd_open, child, 0);
    IN_CHILD(open_what_was_lent, &lent);
    close(lent.socket);
    if (lent.pidfd >= 0)
        close(lent.pidfd);
    stop(child);
    netns_close(ns);
}

static void open_without_descriptors_fails_with_emfile(void)
{
    struct netns *ns = NULL, *found = NULL;
    int socket, path;
    pid_t child;

    OK(netns_create("blue", 0, &ns));
    child = start_in(ns);
    path = MUST(open("/run/netns/blue", O_PATH | O_CLOEXEC));
    socket = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    RUNS_OUT_OF_DESCRIPTORS(netns_open("blue", 0, &found));
    IS_OF(netns_inode(ns), found);
    RUNS_OUT_OF_DESCRIPTORS(netns_open("/run/netns/blue", 0, &found));
    IS_OF(netns_inode(ns), found);
    RUNS_OUT_OF_DESCRIPTORS(netns_open_pid(child, &found));
    IS_OF(netns_inode(ns), found);
    RUNS_OUT_OF_DESCRIPTORS(netns_open_current(&found));
    IS_OF(here(), found);
    RUNS_OUT_OF_DESCRIPTORS(netns_open_fd(netns_fd(ns), &found));
    IS_OF(netns_inode(ns), found);
    RUNS_OUT_OF_DESCRIPTORS(netns_open_fd(path, &found));
    IS_OF(netns_inode(ns), found);
    /* valgrind does not track descriptors opened by an ioctl. */
    if (!under_valgrind()) {
        int pidfd = open_pidfd(child);

        RUNS_OUT_OF_DESCRIPTORS(netns_open_fd(socket, &found));
        IS_OF(netns_inode(ns), found);
        RUNS_OUT_OF_DESCRIPTORS(netns_open_fd(pidfd, &found));
        IS_OF(netns_inode(ns), found);
        close(pidfd);
    }
    close(socket);
    close(path);
    stop(child);
    netns_close(ns);
}

int main(void)
{
    RUN(open_accepts_name);
    RUN(open_accepts_noncanonical_paths);
    RUN(open_accepts_var_run_netns_path);
    RUN(open_accepts_paths_under_proc);
    RUN(open_of_other_file_fails_with_enotty);
    RUN(open_of_unusable_path_returns_kernel_errno);
    RUN(unprivileged_caller_opens_accessible_namespaces);

    RUN(open_by_path_in_run_directory_returns_name);
    RUN(open_pid_accepts_process_id);
    RUN(open_pid_accepts_thread_id);
    RUN(open_current_opens_namespace_of_calling_thread);
    RUN(open_pid_rejects_missing_and_invalid_pids);
    RUN(open_of_exiting_process_never_fails_with_eacces);
    RUN(open_pid_uses_pid_namespace_of_caller);
    RUN(open_pid_without_pidfd_rejects_proc_of_other_pidns);

    RUN(open_fd_accepts_namespace_descriptor);
    RUN(open_fd_accepts_o_path_descriptor);
    RUN(open_fd_accepts_sockets);
    RUN(open_fd_of_socket_works_after_handle_is_closed);
    RUN(open_fd_accepts_pidfd);
    RUN(pidfd_of_ended_process_fails_with_esrch);
    RUN(open_fd_of_other_file_fails_with_enotty);
    RUN(open_fd_of_invalid_descriptor_fails_with_ebadf);
    RUN(null_out_fails_with_einval);

    RUN(unprivileged_open_fd_rejects_socket_and_pidfd);
    RUN(open_without_descriptors_fails_with_emfile);
    return finish();
}
