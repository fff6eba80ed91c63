/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Errors of the kernel are returned with their errno and an explanation, and nothing is left behind. */
#include "fault.h"

#include <linux/sockios.h>
#include <sys/socket.h>

/* --- the calls, each of which returns the library's result ------------------------------------ */

static struct netns *ns;
static int a_socket;

/* What a failed call must not write to. */
static struct netns *made;
static struct netns_name_snapshot *listed;

static long long create(void)
{
    return netns_create("green", 0, &made);
}

static long long create_anonymous(void)
{
    return netns_create(NULL, 0, &made);
}

static long long create_lo_up(void)
{
    return netns_create("green", NETNS_CREATE_LO_UP, &made);
}

static long long create_or_open(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK, &made);
}

static long long create_over_stale(void)
{
    return netns_create("stale", 0, &made);
}

static long long attach(void)
{
    return netns_attach(ns, "green", 0);
}

static long long remove_name(void)
{
    return netns_remove("blue", 0);
}

static long long remove_stale(void)
{
    return netns_remove("stale", 0);
}

static long long open_name(void)
{
    return netns_open("blue", 0, &made);
}

static long long open_path(void)
{
    return netns_open("/run/netns/blue", 0, &made);
}

static long long open_pid(void)
{
    return netns_open_pid(getpid(), &made);
}

static long long open_handle(void)
{
    return netns_open_fd(netns_fd(ns), &made);
}

static long long open_socket(void)
{
    return netns_open_fd(a_socket, &made);
}

static long long open_current(void)
{
    return netns_open_current(&made);
}

static long long list(void)
{
    return netns_list(0, &listed);
}

static long long list_stale(void)
{
    return netns_list(NETNS_LIST_STALE, &listed);
}

static long long list_names(void)
{
    return netns_names(ns, 0, &listed);
}

static long long find_pids(void)
{
    return netns_pids(ns, 0, NULL, 0);
}

static long long find_threads(void)
{
    return netns_pids(ns, NETNS_PIDS_THREADS, NULL, 0);
}

static long long go_one_way(void)
{
    return netns_setns(ns);
}

static long long enter(void)
{
    return netns_enter(ns);
}

static int called;

static int count_call(void *arg)
{
    (void)arg;
    called++;
    return 0;
}

static long long run(void)
{
    return netns_run(ns, count_call, NULL, NULL);
}

static long long socket_in(void)
{
    return netns_socket(ns, AF_INET, SOCK_STREAM, 0);
}

#ifndef SYS_mkdir
#define SYS_mkdir SYS_mkdirat
#endif

/* --- injected faults -------------------------------------------------------------------------- */

#define ALWAYS(number, errno_) {.call = SYS_##number, .error = (errno_)}
#define WHERE(number, argument, bits, is, errno_) \
    {.call = SYS_##number, .error = (errno_), .arg = (argument), .mask = (bits), .value = (is)}

/* The calls of open(2) that are distinguished by their flags. */
#define HOME_FLAGS (O_APPEND | O_NONBLOCK)
#define OPEN(bits, is, errno_) WHERE(openat, 2, bits, is, errno_)
#define OPEN_HOME(errno_) OPEN(HOME_FLAGS, HOME_FLAGS, errno_)
#define OPEN_OWN(errno_) OPEN(HOME_FLAGS | O_DIRECTORY | O_CREAT | O_PATH, 0, errno_)
/* Where a file handle cannot be opened, the name is opened. */
#define OPEN_NAME(errno_) OPEN(HOME_FLAGS, O_NONBLOCK, errno_), NO_OPEN_BY_HANDLE
#define NO_OPEN_BY_HANDLE ALWAYS(open_by_handle_at, ENOSYS)
#define MAKE_FILE(errno_) OPEN(O_CREAT, O_CREAT, errno_)
#define OPEN_DIRECTORY(errno_) OPEN(O_DIRECTORY, O_DIRECTORY, errno_)
/* If a namespace cannot be opened below /proc, the library tries a socket and then a pidfd. */
#define ASK_SOCKET(errno_) WHERE(ioctl, 1, ~0u, SIOCGSKNS, errno_)
#define NO_OTHER_WAY(errno_) ASK_SOCKET(errno_), NO_PIDFD
#define BRING_UP(errno_) WHERE(ioctl, 1, ~0u, SIOCSIFFLAGS, errno_)
#define DUPLICATE(errno_) WHERE(fcntl, 1, ~0u, F_DUPFD_CLOEXEC, errno_)
#define UNSHARE(errno_) WHERE(unshare, 0, ~0u, CLONE_NEWNET, errno_)
#define BIND_BY_PATH(errno_) WHERE(mount, 3, MS_BIND, MS_BIND, errno_)
/* With either system call. */
#define MAKE_SHARED(errno_) \
    WHERE(mount, 3, MS_SHARED, MS_SHARED, errno_), ALWAYS(mount_setattr, errno_)
#define NO_PIDFD ALWAYS(pidfd_open, ENOSYS)
#define START_THREAD(errno_) ALWAYS(clone3, errno_), ALWAYS(clone, errno_)
/* As before Linux 6.18: a descriptor is identified with fstatfs(2) and an ioctl(2). */
#define NO_HANDLES ALWAYS(name_to_handle_at, EOPNOTSUPP)
#define ASK_KIND(errno_) WHERE(ioctl, 1, ~0u, 0xb703 /* NS_GET_NSTYPE */, errno_)

#define MOST_CAUSES 5

struct failure {
    const char *what;
    int error;
    long long (*call)(void);
    /* Text that the message must contain; NULL: nothing in particular. */
    const char *step, *remedy;
    struct fault faults[MOST_CAUSES];
};

/* The text of strerror(3) for the returned errno or, if the contract prescribes that errno, for its cause. */
static bool names_its_cause(const struct failure *failure)
{
    bool named = strstr(netns_errmsg(), strerror(failure->error)) != NULL;

    for (size_t i = 0; i < MOST_CAUSES && failure->faults[i].error; i++) {
        int cause = failure->faults[i].error;

        /* An errno without a name is reported as EIO. */
        named |= strstr(netns_errmsg(), strerror(strerrorname_np(cause) ? cause : EIO)) != NULL;
    }
    return named;
}

static void fails(void *arg)
{
    const struct failure *failure = arg;
    uint64_t home = here();
    int before = test_failures;

    made = NULL;
    listed = NULL;
    called = 0;
    FAILS(failure->error, failure->call());
    if (failure->step)
        MESSAGE_HAS(failure->step);
    if (failure->remedy)
        MESSAGE_HAS(failure->remedy);
    check_at(names_its_cause(failure), __LINE__, "no cause in \"%s\"", netns_errmsg());
    EQUAL(here(), home);
    EQUAL(called, 0);
    CHECK(made == NULL && listed == NULL);
    if (test_failures > before)
        printf("# that was: %s\n", failure->what);
}

static void each_fails(const struct failure *failures, size_t count)
{
    size_t i, faults, left_out = 0;

    need_seccomp();
    for (i = 0; i < count; i++) {
        struct state before = state_now();
        int failed = test_failures;

        for (faults = 0; faults < MOST_CAUSES && failures[i].faults[faults].error; faults++)
            ;
        if (!can_fail_here(failures[i].faults, faults)) {
            left_out++;
            continue;
        }
        with_faults(failures[i].faults, faults, fails, (void *)&failures[i]);
        UNCHANGED_SINCE(before);
        SAME(names(), "blue");
        SAME(names_in(NULL, NETNS_LIST_STALE), "blue stale");
        if (test_failures > failed)
            printf("# after: %s\n", failures[i].what);
    }
    if (left_out == count)
        skip("valgrind could not go on without these calls");
}

#define EACH_FAILS(failures) each_fails((failures), sizeof(failures) / sizeof *(failures))

/* Creates one name, and leaves another as a killed creator would. */
static void begin(void)
{
    MUST(netns_create("blue", 0, &ns));
    write_file("/run/netns/stale", "", 01000);
    a_socket = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
}

static void end(void)
{
    close(a_socket);
    netns_close(ns);
}

/* --- descriptors and memory ------------------------------------------------------------------- */

static void calls_report_emfile_enfile_and_enomem(void)
{
    static const struct { const char *name; long long (*call)(void); } calls[] = {
        {"create", create},
        {"create anonymous", create_anonymous},
        {"create or open", create_or_open},
        {"attach", attach},
        {"remove", remove_name},
        {"open name", open_name},
        {"open path", open_path},
        {"open pid", open_pid},
        {"open handle", open_handle},
        {"open socket", open_socket},
        {"open current", open_current},
        {"list", list},
        {"list stale", list_stale},
        {"names", list_names},
        {"pids", find_pids},
        {"threads", find_threads},
        {"enter", enter},
        {"run", run},
        {"socket", socket_in},
    };
    static const struct { int error; const char *remedy; } errors[] = {
        {EMFILE, "RLIMIT_NOFILE"}, {ENFILE, "file-max"}, {ENOMEM, NULL}};
    size_t i, j;

    begin();
    for (i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (j = 0; j < sizeof errors / sizeof *errors; j++) {
            int error = errors[j].error;
            const struct failure failure = {
                calls[i].name, error, calls[i].call, NULL, errors[j].remedy,
                {ALWAYS(openat, error), ALWAYS(pidfd_open, error), ASK_SOCKET(error),
                 DUPLICATE(error), NO_OPEN_BY_HANDLE}};

            each_fails(&failure, 1);
        }
    }
    end();
}

static void descriptor_shortage_midway_leaves_nothing_behind(void)
{
    /* Without file handles of namespaces (Linux 6.18), the file is opened to identify it. */
    const char *at_blue = have_namespace_handles() ? "open /run/netns/blue" : "stat /run/netns/blue";
    const struct failure failures[] = {
        {"file", EMFILE, create, "create /run/netns/green", "RLIMIT_NOFILE", {MAKE_FILE(EMFILE)}},
        {"file", ENFILE, attach, "create /run/netns/green", "file-max", {MAKE_FILE(ENFILE)}},
        {"file", ENOMEM, create, "create /run/netns/green", NULL, {MAKE_FILE(ENOMEM)}},
        {"way back", EMFILE, create, "calling thread's network namespace", "RLIMIT_NOFILE",
         {OPEN_HOME(EMFILE), NO_OTHER_WAY(EMFILE)}},
        {"way back", ENFILE, socket_in, "calling thread's network namespace", "file-max",
         {OPEN_HOME(ENFILE), NO_OTHER_WAY(ENFILE)}},
        {"way back", ENOMEM, enter, "calling thread's network namespace", NULL, {OPEN_HOME(ENOMEM), NO_OTHER_WAY(ENOMEM)}},
        {"way back", ENOMEM, run, "calling thread's network namespace", NULL, {OPEN_HOME(ENOMEM), NO_OTHER_WAY(ENOMEM)}},
        {"new one", EMFILE, create, "calling thread's network namespace", "RLIMIT_NOFILE",
         {OPEN_OWN(EMFILE), NO_OTHER_WAY(EMFILE)}},
        {"new one", ENFILE, create_anonymous, "calling thread's network namespace", "file-max",
         {OPEN_OWN(ENFILE), NO_OTHER_WAY(ENFILE)}},
        {"name", EMFILE, open_name, "open /run/netns/blue", "RLIMIT_NOFILE", {OPEN_NAME(EMFILE)}},
        {"name", ENFILE, create_or_open, at_blue, "file-max", {OPEN_NAME(ENFILE)}},
        {"tree", EMFILE, create, "bind on /run/netns/green", "RLIMIT_NOFILE",
         {ALWAYS(open_tree, EMFILE)}},
        {"tree", ENOMEM, attach, "bind on /run/netns/green", NULL, {ALWAYS(open_tree, ENOMEM)}},
        {"directory", ENOMEM, list, "open /run/netns", NULL, {OPEN_DIRECTORY(ENOMEM)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

/* --- namespaces and sockets ------------------------------------------------------------------- */

static void failed_create_leaves_nothing_behind(void)
{
    static const struct failure failures[] = {
        {"limit", ENOSPC, create, "unshare", "max_net_namespaces", {UNSHARE(ENOSPC)}},
        {"limit", ENOSPC, create_anonymous, "unshare", "max_net_namespaces", {UNSHARE(ENOSPC)}},
        {"right", EPERM, create, "unshare", "user namespace", {UNSHARE(EPERM)}},
        {"memory", ENOMEM, create, "unshare", NULL, {UNSHARE(ENOMEM)}},
        {"lo's socket", ENOMEM, create_lo_up, "bring lo up", NULL, {ALWAYS(socket, ENOMEM)}},
        {"lo's flags", EPERM, create_lo_up, "bring lo up", "CAP_NET_ADMIN", {BRING_UP(EPERM)}},
        /* A file that cannot be identified as a namespace is not given a name. */
        {"proof", ENOMEM, create, "/run/netns/green", NULL,
         {NO_HANDLES, ALWAYS(fstatfs, ENOMEM)}},
        {"proof", ENOMEM, create, "/run/netns/green", NULL, {NO_HANDLES, ASK_KIND(ENOMEM)}},
        {"proof", EIO, create_anonymous, NULL, NULL, {NO_HANDLES, ALWAYS(fstatfs, EIO)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

static void socket_setns_enter_and_run_return_kernel_errno(void)
{
    static const struct failure failures[] = {
        {"buffers", ENOBUFS, socket_in, "socket:", NULL, {ALWAYS(socket, ENOBUFS)}},
        {"memory", ENOMEM, socket_in, "socket:", NULL, {ALWAYS(socket, ENOMEM)}},
        {"right", EACCES, socket_in, "socket:", NULL, {ALWAYS(socket, EACCES)}},
        {"right", EPERM, socket_in, "socket:", NULL, {ALWAYS(socket, EPERM)}},
        {"limit", ENFILE, socket_in, "socket:", "file-max", {ALWAYS(socket, ENFILE)}},
        {"setns", EPERM, go_one_way, "setns", "CAP_SYS_ADMIN", {ALWAYS(setns, EPERM)}},
        {"setns", ENOMEM, go_one_way, "setns", NULL, {ALWAYS(setns, ENOMEM)}},
        {"setns", ENOMEM, socket_in, "switch back", NULL, {ALWAYS(setns, ENOMEM)}},
        {"setns", EPERM, enter, "switch back", "without return", {ALWAYS(setns, EPERM)}},
        {"setns", EPERM, run, "switch back", "without return", {ALWAYS(setns, EPERM)}},
        /* The helper thread tries again. */
        {"setns", EPERM, socket_in, "setns", "owns the target", {ALWAYS(setns, EPERM)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

static void failed_helper_thread_leaves_nothing_behind(void)
{
    static const struct failure failures[] = {
        {"thread", EAGAIN, create, "helper thread", NULL,
         {ALWAYS(setns, EPERM), START_THREAD(EAGAIN)}},
        {"thread", EAGAIN, create_anonymous, "helper thread", NULL,
         {ALWAYS(setns, EPERM), START_THREAD(EAGAIN)}},
        {"thread", EAGAIN, socket_in, "helper thread", NULL,
         {ALWAYS(setns, EPERM), START_THREAD(EAGAIN)}},
        /* A namespace that cannot be opened cannot be returned to either. */
        {"thread", EAGAIN, create, "helper thread", NULL,
         {OPEN_HOME(EACCES), NO_OTHER_WAY(EPERM), START_THREAD(EAGAIN)}},
        {"home", EPERM, enter, "calling thread's network namespace", NULL, {OPEN_HOME(EACCES), NO_OTHER_WAY(EPERM)}},
        {"home", EPERM, run, "calling thread's network namespace", NULL, {OPEN_HOME(ENOENT), NO_OTHER_WAY(EPERM)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

/* The kernel sometimes returns internal error numbers, and a filter may return any number up to 4095. */
static void unknown_errno_fails_with_eio(void)
{
    static const struct failure failures[] = {
        {"ENOTSUPP", EIO, socket_in, "socket:", NULL, {ALWAYS(socket, 524)}},
        {"EBADHANDLE", EIO, socket_in, "socket:", NULL, {ALWAYS(socket, 521)}},
        {"any", EIO, socket_in, "socket:", NULL, {ALWAYS(socket, 4094)}},
        {"ENOTSUPP", EIO, create, "unshare", NULL, {UNSHARE(524)}},
        {"EBADHANDLE", EIO, create_anonymous, "unshare", NULL, {UNSHARE(521)}},
        {"any", EIO, create_lo_up, "unshare", NULL, {UNSHARE(4094)}},
        {"file", EIO, create, "create /run/netns/green", NULL, {MAKE_FILE(524)}},
        {"move", EIO, create, "bind on", NULL, {ALWAYS(move_mount, 524)}},
        {"tree", EIO, attach, "bind on", NULL, {ALWAYS(open_tree, 521)}},
        {"thread", EAGAIN, create, "thread", NULL, {ALWAYS(setns, EPERM), START_THREAD(524)}},
        {"name", EIO, open_name, "open /run/netns/blue", NULL, {OPEN_NAME(524)}},
        {"path", EIO, open_path, "open /run/netns/blue", NULL, {OPEN_NAME(521)}},
        {"pid", EIO, open_pid, "network namespace", NULL, {NO_PIDFD, OPEN_NAME(524)}},
        {"handle", EIO, open_handle, "duplicate", NULL, {DUPLICATE(524)}},
        {"socket", EIO, open_socket, "network namespace", NULL, {ASK_SOCKET(524)}},
        {"current", EIO, open_current, "calling thread's network namespace", NULL, {OPEN_OWN(524), NO_OTHER_WAY(EPERM)}},
        {"setns", EIO, go_one_way, "setns", NULL, {ALWAYS(setns, 524)}},
        {"setns", EIO, enter, "switch back", NULL, {ALWAYS(setns, 521)}},
        {"setns", EIO, run, "switch back", NULL, {ALWAYS(setns, 4094)}},
        {"read", EIO, list, "read /run/netns", NULL, {ALWAYS(getdents64, 524)}},
        {"look", EIO, list_stale, "stat", NULL, {ALWAYS(statx, 521)}},
        {"read", EIO, find_pids, "read /proc", NULL, {ALWAYS(getdents64, 4094)}},
        {"mount", EIO, remove_name, "unmount /run/netns/blue", NULL, {ALWAYS(umount2, 524)}},
        {"file", EIO, remove_stale, "unlink /run/netns/stale", NULL, {ALWAYS(unlinkat, 521)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

/* --- opening ---------------------------------------------------------------------------------- */

static void failed_open_returns_errno_and_explains_cause(void)
{
    static const struct failure failures[] = {
        {"process", EACCES, open_pid, "network namespace", "CAP_SYS_PTRACE",
         {NO_PIDFD, OPEN_NAME(EACCES)}},
        {"process", ESRCH, open_pid, "network namespace", "ended", {NO_PIDFD, OPEN_NAME(ESRCH)}},
        {"path", EACCES, open_path, "open /run/netns/blue", "CAP_SYS_PTRACE", {OPEN_NAME(EACCES)}},
        {"path", ENOENT, open_path, "open /run/netns/blue", NULL, {OPEN_NAME(ENOENT)}},
        {"path", EIO, open_path, "open /run/netns/blue", NULL, {OPEN_NAME(EIO)}},
        {"name", ENOENT, open_name, "open /run/netns/blue", "no network namespace has this name", {OPEN_NAME(ENOENT)}},
        {"socket", EPERM, open_socket, "network namespace", "CAP_NET_ADMIN", {ASK_SOCKET(EPERM)}},
        {"handle", EMFILE, open_handle, "duplicate", "RLIMIT_NOFILE", {DUPLICATE(EMFILE)}},
        {"no /proc", ENOENT, open_current, "calling thread's network namespace", "/proc",
         {OPEN_OWN(ENOENT), NO_OTHER_WAY(EPERM)}},
        {"no /proc", ENOENT, find_pids, "read /proc", NULL, {OPEN_DIRECTORY(ENOENT)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

static void unreadable_directory_is_not_treated_as_empty(void)
{
    static const struct failure failures[] = {
        {"read", EIO, list, "read /run/netns", NULL, {ALWAYS(getdents64, EIO)}},
        {"read", ENOMEM, list_stale, "read /run/netns", NULL, {ALWAYS(getdents64, ENOMEM)}},
        {"read", EIO, list_names, "read /run/netns", NULL, {ALWAYS(getdents64, EIO)}},
        {"read", EIO, find_pids, "read /proc", NULL, {ALWAYS(getdents64, EIO)}},
        {"read", ENOMEM, find_threads, "read /proc", NULL, {ALWAYS(getdents64, ENOMEM)}},
        {"open", EACCES, list, "open /run/netns", NULL, {OPEN_DIRECTORY(EACCES)}},
        {"open", EACCES, list_stale, "open /run/netns", NULL, {OPEN_DIRECTORY(EACCES)}},
        {"open", EACCES, create, "open /run/netns", NULL, {OPEN_DIRECTORY(EACCES)}},
        {"look", EIO, remove_stale, "stat /run/netns/stale", NULL, {ALWAYS(statx, EIO)}},
        {"look", EIO, create_over_stale, "stat /run/netns/stale", NULL, {ALWAYS(statx, EIO)}},
        {"look", EIO, list_stale, "stat", NULL, {ALWAYS(statx, EIO)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

/* --- names ------------------------------------------------------------------------------------ */

static void failed_create_or_attach_leaves_no_file_or_mount(void)
{
    static const struct failure failures[] = {
        {"file", EACCES, create, "create /run/netns/green", "write permission", {MAKE_FILE(EACCES)}},
        {"file", EACCES, attach, "create /run/netns/green", "write permission", {MAKE_FILE(EACCES)}},
        {"file", EROFS, create, "create /run/netns/green", NULL, {MAKE_FILE(EROFS)}},
        {"file", EROFS, attach, "create /run/netns/green", NULL, {MAKE_FILE(EROFS)}},
        {"file", ENOSPC, create, "create /run/netns/green", NULL, {MAKE_FILE(ENOSPC)}},
        {"tree", EPERM, create, "bind on", "mount namespace",
         {ALWAYS(open_tree, EPERM), BIND_BY_PATH(EPERM)}},
        {"move", EPERM, create, "bind on", "mount namespace",
         {ALWAYS(move_mount, EPERM), BIND_BY_PATH(EPERM)}},
        {"move", EPERM, attach, "bind on", "mount namespace",
         {ALWAYS(move_mount, EPERM), BIND_BY_PATH(EPERM)}},
        {"move", ENOSPC, create, "bind on", "mount-max", {ALWAYS(move_mount, ENOSPC)}},
        {"move", ENOSPC, attach, "bind on", "mount-max", {ALWAYS(move_mount, ENOSPC)}},
        {"move", ENOMEM, create, "bind on", NULL, {ALWAYS(move_mount, ENOMEM)}},
        {"mount", EPERM, create, "bind on", "mount namespace",
         {ALWAYS(open_tree, ENOSYS), BIND_BY_PATH(EPERM)}},
        {"mount", ENOSPC, attach, "bind on", "mount-max",
         {ALWAYS(open_tree, ENOSYS), BIND_BY_PATH(ENOSPC)}},
        {"share", EPERM, create, "shared mount point of /run/netns", "mount namespace",
         {MAKE_SHARED(EPERM)}},
        {"share", EPERM, attach, "shared mount point of /run/netns", "mount namespace",
         {MAKE_SHARED(EPERM)}},
        {"stale", ENOSPC, create_over_stale, "bind on /run/netns/stale", "mount-max",
         {ALWAYS(open_tree, ENOSPC)}},
        {"stale", EMFILE, create_over_stale, "bind on /run/netns/stale", "RLIMIT_NOFILE",
         {ALWAYS(open_tree, EMFILE)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

static void failed_remove_keeps_name(void)
{
    static const struct failure failures[] = {
        {"mount", EPERM, remove_name, "unmount /run/netns/blue", "mount namespace",
         {ALWAYS(umount2, EPERM)}},
        {"mount", ENOMEM, remove_name, "unmount /run/netns/blue", NULL, {ALWAYS(umount2, ENOMEM)}},
        {"mount", EPERM, remove_name, "unmount /run/netns/blue", "more privileged",
         {ALWAYS(umount2, EINVAL)}},
        {"file", EROFS, remove_stale, "unlink /run/netns/stale", NULL, {ALWAYS(unlinkat, EROFS)}},
        {"file", EACCES, remove_stale, "unlink /run/netns/stale", "write permission",
         {ALWAYS(unlinkat, EACCES)}},
        {"file", EPERM, remove_stale, "unlink /run/netns/stale", "another user",
         {ALWAYS(unlinkat, EPERM)}},
    };

    begin();
    EACH_FAILS(failures);
    end();
}

static void cannot_unlink(void *arg)
{
    (void)arg;
    FAILS(EROFS, netns_remove("blue", 0));
    MESSAGE_HAS("unlink /run/netns/blue");
}

/* By then the namespace is unmounted and cannot be mounted again. What is left can be removed by any call. */
static void failed_unlink_leaves_stale_name(void)
{
    const struct fault faults[] = {ALWAYS(unlinkat, EROFS)};

    begin();
    with_faults(faults, 1, cannot_unlink, NULL);
    EQUAL(mounts_at("/run/netns/blue"), 0);
    SAME(names(), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue stale");
    OK(netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
    end();
}

static void works_without_locks(void *arg)
{
    (void)arg;
    OK(netns_create("green", 0, NULL));
    SAME(names(), "blue green");
    OK(netns_remove("green", 0));
    CHECK(!exists("/run/netns/green"));
}

static void create_and_remove_work_if_flock_fails(void)
{
    const struct fault faults[] = {ALWAYS(flock, ENOLCK)};

    begin();
    with_faults(faults, 1, works_without_locks, NULL);
    end();
}

/* --- first use -------------------------------------------------------------------------------- */

static void first_use_fails(void *arg)
{
    const struct failure *failure = arg;
    int before = test_failures;

    made = NULL;
    FAILS(failure->error, failure->call());
    MESSAGE_HAS(failure->step);
    if (failure->remedy)
        MESSAGE_HAS(failure->remedy);
    CHECK(made == NULL);
    if (test_failures > before)
        printf("# that was: %s\n", failure->what);
}

static void failed_run_directory_setup_leaves_no_mount(void)
{
    static const struct failure failures[] = {
        {"mkdir", EACCES, create, "mkdir", "write permission",
         {ALWAYS(mkdir, EACCES), ALWAYS(mkdirat, EACCES)}},
        {"mkdir", EROFS, create, "mkdir", NULL,
         {ALWAYS(mkdir, EROFS), ALWAYS(mkdirat, EROFS)}},
        {"mkdir", ENOSPC, create, "mkdir", NULL,
         {ALWAYS(mkdir, ENOSPC), ALWAYS(mkdirat, ENOSPC)}},
        {"tree", EPERM, create, "shared mount point", "mount namespace",
         {ALWAYS(open_tree, EPERM), BIND_BY_PATH(EPERM)}},
        {"tree", EMFILE, create, "shared mount point", "RLIMIT_NOFILE",
         {ALWAYS(open_tree, EMFILE)}},
        {"attributes", EPERM, create, "shared mount point", "mount namespace",
         {ALWAYS(mount_setattr, EPERM), BIND_BY_PATH(EPERM)}},
        {"move", ENOSPC, create, "shared mount point", "mount-max", {ALWAYS(move_mount, ENOSPC)}},
        {"mount", EPERM, create, "shared mount point", "mount namespace",
         {ALWAYS(open_tree, ENOSYS), BIND_BY_PATH(EPERM)}},
        {"private", EPERM, create, "shared mount point", "mount namespace",
         {ALWAYS(open_tree, ENOSYS), WHERE(mount, 3, MS_PRIVATE, MS_PRIVATE, EPERM)}},
        {"shared", ENOMEM, create, "shared mount point", NULL,
         {ALWAYS(open_tree, ENOSYS), MAKE_SHARED(ENOMEM)}},
    };
    size_t i, faults;

    need_seccomp();
    for (i = 0; i < sizeof failures / sizeof *failures; i++) {
        int mounts = mounts_at(NULL), failed = test_failures;

        for (faults = 0; faults < MOST_CAUSES && failures[i].faults[faults].error; faults++)
            ;
        /* Before Linux 5.12 the directory is mounted by path, without move_mount(2). */
        if (failures[i].faults[0].call == SYS_move_mount && !have_mounts_by_descriptor())
            continue;
        if (!can_fail_here(failures[i].faults, faults))
            continue;
        with_faults(failures[i].faults, faults, first_use_fails, (void *)&failures[i]);
        EQUAL(mounts_at(NULL), mounts);
        CHECK(files_in("/run/netns") <= 0);
        if (test_failures > failed)
            printf("# after: %s\n", failures[i].what);
    }
    /* The next call is not affected. */
    OK(netns_create("green", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/green"), 1);
}

int main(void)
{
    RUN(calls_report_emfile_enfile_and_enomem);
    RUN(descriptor_shortage_midway_leaves_nothing_behind);
    RUN(failed_create_leaves_nothing_behind);
    RUN(socket_setns_enter_and_run_return_kernel_errno);
    RUN(failed_helper_thread_leaves_nothing_behind);
    RUN(unknown_errno_fails_with_eio);
    RUN(failed_open_returns_errno_and_explains_cause);
    RUN(unreadable_directory_is_not_treated_as_empty);
    RUN(failed_create_or_attach_leaves_no_file_or_mount);
    RUN(failed_remove_keeps_name);
    RUN(failed_unlink_leaves_stale_name);
    RUN(create_and_remove_work_if_flock_fails);
    RUN_WITHOUT_RUN_DIRECTORY(failed_run_directory_setup_leaves_no_mount);
    return finish();
}
