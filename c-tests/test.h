/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The base of every test program: each test runs in its own process with private namespaces, prints one
 * TAP line, and fails if it leaks a descriptor. Works in C and in C++17.
 */
#ifndef NETNS_TEST_H
#define NETNS_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <libnetns/netns.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Exit status of a test, or of a whole program, that cannot run here. */
#define SKIPPED 77

/*
 * How many times slower than a developer's machine this one is: NETNS_TEST_SLOWNESS, which is set on
 * emulated machines. Timeouts are multiplied by it.
 */
static inline int slowness(void)
{
    const char *text = getenv("NETNS_TEST_SLOWNESS");
    int factor = text ? atoi(text) : 1;

    return factor > 1 ? factor : 1;
}

/* The timeout of one test, in seconds. It allows for valgrind. */
#define TEST_TIMEOUT (300 * slowness())

/* --- checks ------------------------------------------------------------------------------------ */

static int test_failures;

__attribute__((format(printf, 3, 4))) static inline bool
check_at(bool ok, int line, const char *format, ...)
{
    va_list args;

    if (ok)
        return true;
    test_failures++;
    printf("# line %d: ", line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    return false;
}

/* Checks that the condition is true. */
#define CHECK(condition) check_at((condition), __LINE__, "%s", #condition)

/* Checks that two integers are equal. */
#define EQUAL(a, b) equal_at((long long)(a), (long long)(b), __LINE__, #a " == " #b)

static inline bool equal_at(long long a, long long b, int line, const char *text)
{
    return check_at(a == b, line, "%s: %lld, %lld", text, a, b);
}

/* Checks that two strings are equal. NULL is equal to NULL only. */
#define SAME(a, b) same_at((a), (b), __LINE__, #a " is " #b)

static inline bool same_at(const char *a, const char *b, int line, const char *text)
{
    bool same = a && b ? strcmp(a, b) == 0 : a == b;

    return check_at(same, line, "%s: \"%s\", \"%s\"", text, a ? a : "(NULL)", b ? b : "(NULL)");
}

/* An errno value that no call sets. */
#define ERRNO_UNTOUCHED 4242

/* Checks that the call succeeds and does not change errno; returns the call's result. */
#define OK(call) (errno = ERRNO_UNTOUCHED, ok_at((long long)(call), __LINE__, #call))

static inline long long ok_at(long long rc, int line, const char *text)
{
    int saved = errno;

    check_at(rc >= 0, line, "%s returned %lld (%s)", text, rc, netns_errmsg());
    check_at(rc < 0 || saved == ERRNO_UNTOUCHED, line, "%s changed errno to %d", text, saved);
    return rc;
}

/* Words that must not appear in a message outside quotes: C keywords and kernel constants. */
static const char *const words_of_programs[] = {
    "netns_", "NETNS_", "CLONE_", "RTM_", " PR_", "(PR_", "NLM_", "IFLA_", " O_", "pass ", "sizeof", "struct ", "NULL", "->"};

/* Returns what is wrong with a message that does not have the form `verb "object": step: reason (cause or
   remedy)`, or NULL if the form is correct. */
static inline const char *form_fault(const char *message)
{
    char bare[1024];
    size_t length = 0;
    bool quoted = false;

    /* Quoted text is skipped: it comes from the caller. */
    for (const char *at = message; *at && length < sizeof bare - 1; at++) {
        quoted ^= *at == '"';
        if (*at == '\n' || *at == '\r')
            return "a line's end";
        if (!quoted)
            bare[length++] = *at;
    }
    bare[length] = '\0';
    if (*message < 'a' || *message > 'z')
        return "no verb";
    if (!strstr(bare, ": ") || !strstr(strstr(bare, ": ") + 2, ": "))
        return "no step or no reason";
    for (size_t i = 0; i < sizeof words_of_programs / sizeof *words_of_programs; i++)
        if (strstr(bare, words_of_programs[i]))
            return words_of_programs[i];
    return NULL;
}

/* Checks that the call fails with this errno, both returned and in errno, and that its message has the
   documented form. */
#define FAILS(error, call) \
    (errno = ERRNO_UNTOUCHED, fails_at((error), (long long)(call), __LINE__, #call))

static inline bool fails_at(int error, long long rc, int line, const char *text)
{
    int saved = errno;
    const char *message = netns_errmsg();

    return check_at(rc == -error, line, "%s returned %lld (%s), not -%s", text, rc,
                    rc < 0 ? message : "", strerrorname_np(error)) &&
           check_at(saved == error, line, "%s set errno to %d", text, saved) &&
           check_at(!form_fault(message), line, "%s: message \"%s\": %s", text, message,
                    form_fault(message));
}

/* Checks that the last message contains the text. */
#define MESSAGE_HAS(text) \
    check_at(strstr(netns_errmsg(), (text)) != NULL, __LINE__, "\"%s\" in \"%s\"", (text), netns_errmsg())

/* Checks that the last message does not contain the text. */
#define MESSAGE_LACKS(text)                                                                    \
    check_at(!strstr(netns_errmsg(), (text)), __LINE__, "\"%s\" not wanted in \"%s\"", (text), \
             netns_errmsg())

/* A call made by the test itself that must succeed. If it fails, the test ends. */
#define MUST(call) must_at((long long)(call), __LINE__, #call)

static inline long long must_at(long long rc, int line, const char *text)
{
    if (rc < 0) {
        printf("# line %d: %s: %s\n", line, text, strerror(errno));
        fflush(stdout);
        _exit(1);
    }
    return rc;
}

/* --- the program itself ------------------------------------------------------------------------ */

/*
 * Closes what the program has inherited besides stdin, stdout and stderr. Tests that limit the number of
 * descriptors rely on the lowest ones being free.
 */
__attribute__((constructor)) static inline void close_inherited_descriptors(void)
{
    if (syscall(SYS_close_range, STDERR_FILENO + 1, 255, 0) == 0)
        return;
    /* Linux is older than 5.9. */
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
        close(fd);
}

/* --- inspecting the environment ---------------------------------------------------------------- */

/* The number of entries in a directory, or -1 if the directory does not exist. */
static inline int files_in(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

/* The number of descriptors that the process has open. */
static inline int open_descriptors(void)
{
    return files_in("/proc/self/fd") - 1; /* without the directory itself */
}

/* The number of threads that a tool built into the program may run (scripts/test-sanitizers). */
#ifndef THREADS_OF_TOOL
#define THREADS_OF_TOOL 0
#endif

/* The number of threads in the process. */
static inline int threads_running(void)
{
    int running = files_in("/proc/self/task") - THREADS_OF_TOOL;

    return THREADS_OF_TOOL && running < 1 ? 1 : running;
}

/* The inode of the calling thread's network namespace. */
static inline uint64_t here(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static inline bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* Whether setns(2) would accept the file as a network namespace. */
static inline bool is_netns(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int type = fd < 0 ? -1 : (int)syscall(SYS_ioctl, fd, 0xb703 /* NS_GET_NSTYPE */);

    if (fd >= 0)
        close(fd);
    return type == CLONE_NEWNET;
}

/* The number of mounts at exactly this path in the calling thread's mount namespace; for NULL, the number
   of all its mounts. */
static inline int mounts_at(const char *path)
{
    FILE *file = fopen("/proc/thread-self/mountinfo", "re");
    char line[2 * PATH_MAX], at[PATH_MAX];
    int count = 0;

    if (!file)
        return -1;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1)
            count += !path || strcmp(at, path) == 0;
    fclose(file);
    return count;
}

/* The names returned by netns_list(), separated by spaces, in a buffer that the next call overwrites. */
static inline const char *names_in(const char *rundir, uint32_t flags)
{
    static char text[65536];
    struct netns_name_snapshot *list = NULL;
    size_t i, used = 0;

    text[0] = '\0';
    if (netns_list_at(rundir, flags, &list) < 0)
        return netns_errmsg();
    for (i = 0; i < netns_list_len(list) && used < sizeof text - 300; i++)
        used += sprintf(text + used, "%s%s", i ? " " : "", netns_list_name(list, i));
    netns_list_free(list);
    return text;
}

static inline const char *names(void)
{
    return names_in(NULL, 0);
}

/* --- creating things ---------------------------------------------------------------------------- */

static inline void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));

    MUST(write(fd, text, strlen(text)));
    MUST(close(fd));
}

static inline void sleep_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
        ;
}

static inline double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* Runs a shell command and returns its exit status. */
static inline int shell(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for a child and returns its exit status, or 128 plus the signal that killed it. */
static inline int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whether a program that a test needs is installed. */
static inline bool have(const char *tool)
{
    char command[256];

    snprintf(command, sizeof command, "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null 2>&1", tool);
    return shell(command) == 0;
}

/* Whether the program runs under valgrind, which does not support recent system calls. */
static inline bool under_valgrind(void)
{
    return getenv("NETNS_TEST_VALGRIND") != NULL;
}

/* Whether the test should run fewer rounds: under valgrind, on an emulated machine, and in `make test`. */
static inline bool is_slow(void)
{
    return under_valgrind() || slowness() > 2 || getenv("NETNS_TEST_SHORT") != NULL;
}

/* For features that cannot be detected in any other way. */
static inline bool kernel_is_at_least(int major, int minor)
{
    struct utsname name;
    int has_major = 0, has_minor = 0;

    MUST(uname(&name));
    sscanf(name.release, "%d.%d", &has_major, &has_minor);
    return has_major > major || (has_major == major && has_minor >= minor);
}

/* Whether namespaces have file handles, which identify a name's namespace without opening it (Linux 6.18). */
static inline bool have_namespace_handles(void)
{
    union {
        struct file_handle head;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } handle;
    int mount_id;

    memset(&handle, 0, sizeof handle);
    handle.head.handle_bytes = MAX_HANDLE_SZ;
    return name_to_handle_at(AT_FDCWD, "/proc/self/ns/net", &handle.head, &mount_id,
                             AT_SYMLINK_FOLLOW) == 0;
}

/* Whether open_tree(2) is available: Linux before 5.2 does not have it, and valgrind does not support it. */
static inline bool have_open_tree(void)
{
    return syscall(SYS_open_tree, -1, "", 0) == 0 || errno != ENOSYS;
}

/* Whether mounts can be made by descriptor, so that no path below /proc is needed (Linux 5.12). */
static inline bool have_mounts_by_descriptor(void)
{
    return have_open_tree() &&
           (syscall(SYS_move_mount, -1, "", -1, "", 0) == 0 || errno != ENOSYS) &&
           (syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS);
}

#define SO_NETNS_COOKIE_ 71 /* since Linux 5.14; glibc defines it since 2.34 */

/* Whether the kernel supports namespace cookies, according to the kernel itself. */
static inline bool have_cookies(void)
{
    uint64_t cookie;
    socklen_t length = sizeof cookie;
    int fd = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bool there = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE_, &cookie, &length) == 0;

    close(fd);
    return there;
}

/* A namespace's cookie, or 0 where there are none (before Linux 5.14); then it also checks that the call
   reports this. */
#define COOKIE_OF(ns) cookie_at((ns), __LINE__)

static inline uint64_t cookie_at(const struct netns *ns, int line)
{
    uint64_t cookie = 0;
    int rc = netns_cookie(ns, &cookie);

    check_at(rc == -EOPNOTSUPP || (rc == 0 && cookie != 0), line, "cookie: %d (%s)", rc,
             rc < 0 ? netns_errmsg() : "0");
    return cookie;
}

/* --- the private environment -------------------------------------------------------------------- */

static inline void write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        _exit(SKIPPED);
    close(fd);
}

/* Without privileges, the process becomes root of a new user namespace with its own network namespace. */
static inline void become_root_of_a_user_namespace(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
        _exit(SKIPPED);
    write_map("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_map("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_map("/proc/self/gid_map", map);
}

/* Sets up a private mount namespace with an empty tmpfs on /run and no run directory. */
static inline void world_without_run_directory(void)
{
    if (geteuid() != 0)
        become_root_of_a_user_namespace();
    else if (unshare(CLONE_NEWNS) < 0)
        _exit(SKIPPED);
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    MUST(mount("netns-test", "/run", "tmpfs", 0, "mode=755"));
}

/* The same, with a tmpfs on /run/netns. */
static inline void world(void)
{
    world_without_run_directory();
    MUST(mkdir("/run/netns", 0755));
    MUST(mount("netns-test", "/run/netns", "tmpfs", 0, "mode=755"));
}

/* --- running ------------------------------------------------------------------------------------ */

static int tests_run, tests_failed, tests_skipped;

/* Ends the test as skipped. */
static inline void skip(const char *why)
{
    printf("# %s\n", why);
    fflush(stdout);
    exit(test_failures ? 1 : SKIPPED);
}

static inline void need_cookies(void)
{
    if (!have_cookies())
        skip("namespaces have no cookies before Linux 5.14");
}

/* Whether the user who started the program excluded this test. */
static inline bool is_left_out(const char *name)
{
    const char *rest = getenv("NETNS_TEST_LEAVE_OUT");
    size_t length = strlen(name);

    for (; rest && *rest; rest += strcspn(rest, " ")) {
        rest += strspn(rest, " ");
        if (strcspn(rest, " ") == length && strncmp(rest, name, length) == 0)
            return true;
    }
    return false;
}

static inline void run_test(const char *name, void (*enter)(void), void (*test)(void))
{
    int status;
    pid_t pid;

    if (is_left_out(name)) {
        tests_skipped++;
        printf("# left out: see old-kernels.skip\n");
        printf("ok %d - %s # SKIP\n", ++tests_run, name);
        return;
    }
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        int before;

        alarm(TEST_TIMEOUT);
        enter();
        before = open_descriptors();
        test();
        check_at(open_descriptors() == before, 0, "descriptors: %d before, %d after", before,
                 open_descriptors());
        exit(test_failures ? 1 : 0);
    }
    status = wait_for(pid);
    tests_run++;
    if (status == SKIPPED) {
        tests_skipped++;
        printf("ok %d - %s # SKIP\n", tests_run, name);
    } else {
        tests_failed += status != 0;
        if (status > 1)
            printf("# ended with status %d\n", status);
        printf("%s %d - %s\n", status ? "not ok" : "ok", tests_run, name);
    }
    fflush(stdout);
}

/* Runs a test with an empty run directory. */
#define RUN(test) run_test(#test, world, test)

/* Runs a test without a run directory. */
#define RUN_WITHOUT_RUN_DIRECTORY(test) run_test(#test, world_without_run_directory, test)

/* Returns the exit status for main(). */
static inline int finish(void)
{
    printf("1..%d\n", tests_run);
    if (tests_failed)
        return 1;
    return tests_run > 0 && tests_skipped == tests_run ? SKIPPED : 0;
}

/* --- other processes and fewer privileges ----------------------------------------------------- */

/* Starts a part of a test in its own process, which exits with 1 if a check fails there. */
static inline pid_t start_part(void (*part)(void *arg), void *arg)
{
    pid_t pid;

    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        alarm(TEST_TIMEOUT);
        test_failures = 0;
        part(arg);
        exit(test_failures ? 1 : 0);
    }
    return pid;
}

/* Runs a part of a test in its own process, where it may drop privileges or unshare namespaces. */
#define IN_CHILD(part, arg) in_child_at((part), (arg), __LINE__, #part)

static inline void in_child_at(void (*part)(void *arg), void *arg, int line, const char *text)
{
    int status = wait_for(start_part(part, arg));

    if (status == SKIPPED)
        exit(test_failures ? 1 : SKIPPED);
    check_at(status == 0, line, "%s ended with status %d", text, status);
}

/* Starts a child that stays in a network namespace (NULL: its parent's) until stop(). */
static inline pid_t start_in(const struct netns *ns)
{
    int ready[2];
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        /* A child that outlived its test would keep the namespace alive. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ns)
            MUST(netns_setns(ns));
        MUST(write(ready[1], "", 1));
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        check_at(false, __LINE__, "a child did not get into its namespace");
    close(ready[0]);
    return pid;
}

static inline void stop(pid_t pid)
{
    MUST(kill(pid, SIGKILL));
    wait_for(pid);
}

/* Binds a namespace on a file after a delay, as iproute2 does: in its own process and without a lock. */
static inline pid_t bind_later(const char *path, long ms)
{
    pid_t pid = MUST(fork());

    if (pid == 0) {
        sleep_ms(ms);
        MUST(unshare(CLONE_NEWNET));
        MUST(mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL));
        _exit(0);
    }
    return pid;
}

/* Starts a child that releases its parent's flock after a delay. The lock belongs to the open file
   description, which both share. */
static inline pid_t unlock_later(int fd, long ms)
{
    pid_t pid = MUST(fork());

    if (pid == 0) {
        sleep_ms(ms);
        _exit(flock(fd, LOCK_UN) == 0 ? 0 : 1);
    }
    return pid;
}

/* Limits the process to this many more descriptors; a negative number removes the limit. */
static inline void allow_descriptors(int more)
{
    static struct rlimit before;
    struct rlimit limit;
    int lowest;

    if (!before.rlim_max)
        MUST(getrlimit(RLIMIT_NOFILE, &before));
    MUST(setrlimit(RLIMIT_NOFILE, &before));
    if (more < 0)
        return;
    lowest = MUST(open("/", O_PATH | O_CLOEXEC));
    close(lowest);
    limit = before;
    limit.rlim_cur = lowest + more;
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
}

/* --- more checks of state --------------------------------------------------------------------- */

/* The number of threads that the test itself is running. */
static int threads_of_ours = 1;

/* The number of threads left. A thread that has been joined can remain visible in /proc for a moment. */
static inline int threads_left(void)
{
    for (int tries = 0; tries < 2000 * slowness() && threads_running() > threads_of_ours; tries++)
        sleep_ms(1);
    return threads_running();
}

/* Whether lo is up in a namespace. */
static inline bool lo_is_up(const struct netns *ns)
{
    struct ifreq request;
    int fd = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));

    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    MUST(ioctl(fd, SIOCGIFFLAGS, &request));
    close(fd);
    return request.ifr_flags & IFF_UP;
}

/* A value that a failing call must not overwrite. */
#define SENTINEL ((struct netns *)&test_failures)

/* Checks that the call with this handle argument fails and does not write to the handle. */
#define FAILS_UNTOUCHED(error, ns, call) \
    do {                                 \
        (ns) = SENTINEL;                 \
        FAILS(error, call);              \
        CHECK((ns) == SENTINEL);         \
    } while (0)

/* What a failed call must leave unchanged. */
struct state {
    int mounts, files, descriptors, threads;
    uint64_t netns;
};

static inline struct state state_now(void)
{
    struct state now = {mounts_at(NULL), files_in("/run/netns"), open_descriptors(), threads_left(), here()};

    return now;
}

#define UNCHANGED_SINCE(before) unchanged_at((before), __LINE__)

static inline void unchanged_at(struct state before, int line)
{
    struct state now = state_now();

    check_at(now.mounts == before.mounts, line, "mounts: %d, %d", before.mounts, now.mounts);
    check_at(now.files == before.files, line, "files: %d, %d", before.files, now.files);
    check_at(now.descriptors == before.descriptors, line, "descriptors: %d, %d",
             before.descriptors, now.descriptors);
    check_at(now.threads == before.threads, line, "threads: %d, %d", before.threads, now.threads);
    check_at(now.netns == before.netns, line, "the thread is in another namespace");
}

/* Checks that the call fails with EMFILE and leaves nothing behind while it lacks descriptors, and then
   succeeds. */
#define RUNS_OUT_OF_DESCRIPTORS(call)                                                            \
    do {                                                                                         \
        struct state before_ = state_now();                                                      \
        long long rc_ = -1;                                                                      \
        int more_;                                                                               \
                                                                                                 \
        for (more_ = 0; more_ < 20; more_++) {                                                   \
            allow_descriptors(more_);                                                            \
            errno = 0;                                                                           \
            rc_ = (call);                                                                        \
            allow_descriptors(-1);                                                               \
            if (rc_ >= 0)                                                                        \
                break;                                                                           \
            check_at(rc_ == -EMFILE, __LINE__, "%s returned %lld (%s)", #call, rc_,              \
                     netns_errmsg());                                                            \
            check_at(strstr(netns_errmsg(), "RLIMIT_NOFILE"), __LINE__, "\"%s\"",                \
                     netns_errmsg());                                                            \
            /* Under valgrind open(2) creates the file before it is refused. */                  \
            if (!under_valgrind())                                                               \
                unchanged_at(before_, __LINE__);                                                 \
        }                                                                                        \
        check_at(rc_ >= 0, __LINE__, "%s never succeeded", #call);                               \
        check_at(more_ > 0, __LINE__, "%s needed no descriptor", #call);                         \
    } while (0)

#endif
