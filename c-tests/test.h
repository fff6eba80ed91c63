/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every test program stands on: each test runs in a process and a private world of its own,
 * prints one TAP line, and fails when it leaks a descriptor. For C and for C++17.
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

/* The exit code of a test, and of a program, that cannot run here. */
#define SKIPPED 77

/*
 * How many times slower than a developer's machine this one is: NETNS_TEST_SLOWNESS of an emulated one,
 * whose bounds of time are that much wider.
 */
static inline int slowness(void)
{
    const char *text = getenv("NETNS_TEST_SLOWNESS");
    int factor = text ? atoi(text) : 1;

    return factor > 1 ? factor : 1;
}

/* How long one test may take, in seconds; valgrind takes its time. */
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

/* The condition holds. */
#define CHECK(condition) check_at((condition), __LINE__, "%s", #condition)

/* Two integers are equal. */
#define EQUAL(a, b) equal_at((long long)(a), (long long)(b), __LINE__, #a " == " #b)

static inline bool equal_at(long long a, long long b, int line, const char *text)
{
    return check_at(a == b, line, "%s: %lld, %lld", text, a, b);
}

/* Two strings are equal; NULL equals NULL only. */
#define SAME(a, b) same_at((a), (b), __LINE__, #a " is " #b)

static inline bool same_at(const char *a, const char *b, int line, const char *text)
{
    bool same = a && b ? strcmp(a, b) == 0 : a == b;

    return check_at(same, line, "%s: \"%s\", \"%s\"", text, a ? a : "(NULL)", b ? b : "(NULL)");
}

/* An errno that no call sets by itself. */
#define ERRNO_UNTOUCHED 4242

/* The call succeeds and leaves errno alone; gives what it returned. */
#define OK(call) (errno = ERRNO_UNTOUCHED, ok_at((long long)(call), __LINE__, #call))

static inline long long ok_at(long long rc, int line, const char *text)
{
    int saved = errno;

    check_at(rc >= 0, line, "%s returned %lld (%s)", text, rc, netns_errmsg());
    check_at(rc < 0 || saved == ERRNO_UNTOUCHED, line, "%s changed errno to %d", text, saved);
    return rc;
}

/* What no message has outside of quotes: words of C, and constants of the kernel's. */
static const char *const words_of_programs[] = {
    "netns_", "NETNS_", "CLONE_", "RTM_", " PR_", "(PR_", "NLM_", "IFLA_", " O_", "pass ", "sizeof", "struct ", "NULL", "->"};

/* What keeps a message from being `verb "object": step: reason (cause or remedy)`; NULL: it is. */
static inline const char *form_fault(const char *message)
{
    char bare[1024];
    size_t length = 0;
    bool quoted = false;

    /* Without what is in quotes, which is the caller's. */
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

/* The call fails with this errno: returned, in errno, and explained in a message of the one form. */
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

/* The last message contains the text. */
#define MESSAGE_HAS(text) \
    check_at(strstr(netns_errmsg(), (text)) != NULL, __LINE__, "\"%s\" in \"%s\"", (text), netns_errmsg())

/* The last message does not contain the text. */
#define MESSAGE_LACKS(text)                                                                    \
    check_at(!strstr(netns_errmsg(), (text)), __LINE__, "\"%s\" not wanted in \"%s\"", (text), \
             netns_errmsg())

/* A call of the test's own that must not fail; the test ends if it does. */
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

/* --- looking at the world ---------------------------------------------------------------------- */

/* How many files a directory has; -1: there is none. */
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

/* How many descriptors the process has open. */
static inline int open_descriptors(void)
{
    return files_in("/proc/self/fd") - 1; /* but for the directory itself */
}

/* How many threads a tool that the program is built with may have in it (scripts/test-sanitizers). */
#ifndef THREADS_OF_TOOL
#define THREADS_OF_TOOL 0
#endif

/* How many threads the process has. */
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

/* Whether the file is a network namespace, as setns(2) would find. */
static inline bool is_netns(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int type = fd < 0 ? -1 : (int)syscall(SYS_ioctl, fd, 0xb703 /* NS_GET_NSTYPE */);

    if (fd >= 0)
        close(fd);
    return type == CLONE_NEWNET;
}

/* How many mounts the calling thread's mount namespace has at this very path; NULL: altogether. */
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

/* The names that netns_list() gives, joined by spaces, in a buffer that the next call overwrites. */
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

/* --- making things ------------------------------------------------------------------------------ */

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

/* Runs a shell command; gives its exit status. */
static inline int shell(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for a child; gives its exit status, or 128 and its signal. */
static inline int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whether a tool is there to test against. */
static inline bool have(const char *tool)
{
    char command[256];

    snprintf(command, sizeof command, "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null 2>&1", tool);
    return shell(command) == 0;
}

/* Whether the program runs under valgrind, which knows no system calls of the last years. */
static inline bool under_valgrind(void)
{
    return getenv("NETNS_TEST_VALGRIND") != NULL;
}

/* Whether there is no time for many rounds: under valgrind, and on an emulated machine. */
static inline bool is_slow(void)
{
    return under_valgrind() || slowness() > 2;
}

/* What cannot be asked of a kernel is told by its version. */
static inline bool kernel_is_at_least(int major, int minor)
{
    struct utsname name;
    int has_major = 0, has_minor = 0;

    MUST(uname(&name));
    sscanf(name.release, "%d.%d", &has_major, &has_minor);
    return has_major > major || (has_major == major && has_minor >= minor);
}

/* Whether a namespace has a file handle, so that a name is known without being opened (Linux 6.18). */
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

/* Whether there is open_tree(2): Linux before 5.2 has none, and valgrind knows none. */
static inline bool have_open_tree(void)
{
    return syscall(SYS_open_tree, -1, "", 0) == 0 || errno != ENOSYS;
}

/* Whether mounts are made by descriptor, so that no path below /proc is needed (Linux 5.12). */
static inline bool have_mounts_by_descriptor(void)
{
    return have_open_tree() &&
           (syscall(SYS_move_mount, -1, "", -1, "", 0) == 0 || errno != ENOSYS) &&
           (syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS);
}

#define SO_NETNS_COOKIE_ 71 /* of Linux 5.14; glibc before 2.34 does not name it */

/* Whether the kernel gives namespaces cookies, as it says itself. */
static inline bool have_cookies(void)
{
    uint64_t cookie;
    socklen_t length = sizeof cookie;
    int fd = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bool there = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE_, &cookie, &length) == 0;

    close(fd);
    return there;
}

/* A namespace's cookie; 0 where there are none (before Linux 5.14), which the call says. */
#define COOKIE_OF(ns) cookie_at((ns), __LINE__)

static inline uint64_t cookie_at(const struct netns *ns, int line)
{
    uint64_t cookie = 0;
    int rc = netns_cookie(ns, &cookie);

    check_at(rc == -EOPNOTSUPP || (rc == 0 && cookie != 0), line, "cookie: %d (%s)", rc,
             rc < 0 ? netns_errmsg() : "0");
    return cookie;
}

/* --- the private world -------------------------------------------------------------------------- */

static inline void write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        _exit(SKIPPED);
    close(fd);
}

/* A plain user becomes root in a user namespace with a network namespace of its own. */
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

/* A private mount namespace with an empty tmpfs on /run, and no run directory in it. */
static inline void world_without_run_directory(void)
{
    if (geteuid() != 0)
        become_root_of_a_user_namespace();
    else if (unshare(CLONE_NEWNS) < 0)
        _exit(SKIPPED);
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    MUST(mount("netns-test", "/run", "tmpfs", 0, "mode=755"));
}

/* The same with a tmpfs on /run/netns. */
static inline void world(void)
{
    world_without_run_directory();
    MUST(mkdir("/run/netns", 0755));
    MUST(mount("netns-test", "/run/netns", "tmpfs", 0, "mode=755"));
}

/* --- running ------------------------------------------------------------------------------------ */

static int tests_run, tests_failed, tests_skipped;

/* Ends the test as one that cannot run here. */
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

/* Whether who runs the program has left this test out. */
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

/* Runs a test in a world with an empty run directory. */
#define RUN(test) run_test(#test, world, test)

/* Runs a test in a world without one. */
#define RUN_WITHOUT_RUN_DIRECTORY(test) run_test(#test, world_without_run_directory, test)

/* What main() returns. */
static inline int finish(void)
{
    printf("1..%d\n", tests_run);
    if (tests_failed)
        return 1;
    return tests_run > 0 && tests_skipped == tests_run ? SKIPPED : 0;
}

/* --- other processes and lesser rights -------------------------------------------------------- */

/* Starts a part of a test in a process of its own, which exits with 1 if something fails there. */
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

/* Runs a part of a test in a process of its own, which may give up or unshare what it likes. */
#define IN_CHILD(part, arg) in_child_at((part), (arg), __LINE__, #part)

static inline void in_child_at(void (*part)(void *arg), void *arg, int line, const char *text)
{
    int status = wait_for(start_part(part, arg));

    if (status == SKIPPED)
        exit(test_failures ? 1 : SKIPPED);
    check_at(status == 0, line, "%s ended with status %d", text, status);
}

/* A child that stays in a network namespace (NULL: its parent's) until stop() ends it. */
static inline pid_t start_in(const struct netns *ns)
{
    int ready[2];
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        /* One that outlived its test would keep the namespace for ever. */
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

/* Binds a namespace on a file after a while, as iproute2 does: in its own process, with no lock. */
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

/* A child that lets go of its parent's flock after a while: the lock is the open file's. */
static inline pid_t unlock_later(int fd, long ms)
{
    pid_t pid = MUST(fork());

    if (pid == 0) {
        sleep_ms(ms);
        _exit(flock(fd, LOCK_UN) == 0 ? 0 : 1);
    }
    return pid;
}

/* Lets the process open so many more descriptors and then none; less than 0: as many as ever. */
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

/* --- more to look at -------------------------------------------------------------------------- */

/* How many threads the test itself runs at the moment. */
static int threads_of_ours = 1;

/* How many threads are left. One that has been joined is seen in /proc for a moment yet. */
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

/* What no call writes to when it fails. */
#define SENTINEL ((struct netns *)&test_failures)

/* The call with this handle fails, and the handle is not written to. */
#define FAILS_UNTOUCHED(error, ns, call) \
    do {                                 \
        (ns) = SENTINEL;                 \
        FAILS(error, call);              \
        CHECK((ns) == SENTINEL);         \
    } while (0)

/* What a failed call leaves as it was. */
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

/* The call fails with EMFILE and leaves no trace while it lacks descriptors; then it succeeds. */
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
            /* Under valgrind open(2) makes the file first and is refused then. */               \
            if (!under_valgrind())                                                               \
                unchanged_at(before_, __LINE__);                                                 \
        }                                                                                        \
        check_at(rc_ >= 0, __LINE__, "%s never succeeded", #call);                               \
        check_at(more_ > 0, __LINE__, "%s needed no descriptor", #call);                         \
    } while (0)

#endif
