/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bare system calls, the baseline of all comparisons. Also prepares what the other workers need. */
#define _GNU_SOURCE
#include "loading.h"
#include "messages.h"
#include "scan.h"
#include "watching.h"
#include "worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int target;
/* Kept open, as by daemons that switch often, such as HAProxy. */
static int kept_home;
static int made[MOST];
/* The process in target. */
static pid_t its_guest;

static int open_home(void)
{
    return MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

static void go_home(int home)
{
    MUST(setns(home, CLONE_NEWNET));
    close(home);
}

/* --- create ------------------------------------------------------------------------------------- */

static void bind_to(const char *path, const char *source)
{
    MUST(close(MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0))));
    MUST(mount(source, path, "none", MS_BIND, NULL));
}

static void bind_current(int i)
{
    char path[64];

    path_of(path, i);
    bind_to(path, "/proc/thread-self/ns/net");
}

static void create(int i)
{
    int home = open_home();

    MUST(unshare(CLONE_NEWNET));
    bind_current(i);
    go_home(home);
}

static void *unshare_and_bind(void *arg)
{
    MUST(unshare(CLONE_NEWNET));
    bind_current(*(int *)arg);
    return NULL;
}

static void create_on_a_thread(int i)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, unshare_and_bind, &i);
    if (errno || (errno = pthread_join(thread, NULL)))
        die("pthread");
}

static void create_up(int i)
{
    int home = open_home();

    MUST(unshare(CLONE_NEWNET));
    set_lo_up();
    bind_current(i);
    go_home(home);
}

static void create_anonymous(int i)
{
    int home = open_home();

    MUST(unshare(CLONE_NEWNET));
    made[i] = open_home();
    go_home(home);
}

static void close_made(int i)
{
    close(made[i]);
}

/* --- names -------------------------------------------------------------------------------------- */

static void attach(int i)
{
    char path[64];

    path_of(path, i);
    bind_to(path, TARGET);
}

static void remove_name(int i)
{
    char path[64];

    path_of(path, i);
    MUST(umount2(path, MNT_DETACH));
    MUST(unlink(path));
}

static void open_name(int i)
{
    (void)i;
    MUST(close(MUST(open(TARGET, O_RDONLY | O_CLOEXEC))));
}

/* Returns the number of names, and the number of those of the namespace described by st. */
static int look_through(const struct stat *wanted, int *same)
{
    DIR *dir = opendir(RUN_DIR);
    struct dirent *entry;
    struct stat st;
    int count = 0;

    if (!dir)
        die(RUN_DIR);
    while ((entry = readdir(dir)))
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            count++;
            *same += wanted && st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev;
        }
    closedir(dir);
    return count;
}

static void list(int i)
{
    int same = 0;

    (void)i;
    counted = look_through(NULL, &same) - 2; /* . and .. */
}

static void identify(int i)
{
    char path[64];
    struct stat st;
    int same = 0;

    (void)i;
    sprintf(path, "/proc/%d/ns/net", its_guest);
    MUST(stat(path, &st));
    look_through(&st, &same);
    counted = same;
}

/* --- the thread --------------------------------------------------------------------------------- */

static void enter(int i)
{
    int home = open_home();

    (void)i;
    MUST(setns(target, CLONE_NEWNET));
    go_home(home);
}

static void enter_by_path(int i)
{
    int home = open_home(), fd = MUST(open(TARGET, O_RDONLY | O_CLOEXEC));

    (void)i;
    MUST(setns(fd, CLONE_NEWNET));
    go_home(home);
    close(fd);
}

static void run_from_home(int i)
{
    (void)i;
    MUST(setns(target, CLONE_NEWNET));
    MUST(setns(kept_home, CLONE_NEWNET));
}

/* As HAProxy's my_socketat() does. */
static void make_socket_from_home(int i)
{
    int fd;

    (void)i;
    MUST(setns(target, CLONE_NEWNET));
    fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(setns(kept_home, CLONE_NEWNET));
    close(fd);
}

/* Alternates between two values, so that each differs from the current one. */
static void set_sysctl(int i)
{
    int home = open_home(), fd;

    MUST(setns(target, CLONE_NEWNET));
    fd = MUST(open("/proc/sys/net/ipv4/ip_default_ttl", O_WRONLY | O_CLOEXEC));
    go_home(home);
    MUST(write(fd, i % 2 ? "64\n" : "63\n", 3));
    close(fd);
}

static int socket_in_target(int domain, int type, int protocol)
{
    int home = open_home(), fd;

    MUST(setns(target, CLONE_NEWNET));
    fd = MUST(socket(domain, type | SOCK_CLOEXEC, protocol));
    go_home(home);
    return fd;
}

static void make_socket(int i)
{
    (void)i;
    close(socket_in_target(AF_INET, SOCK_DGRAM, 0));
}

/* --- processes ---------------------------------------------------------------------------------- */

static void find_pids(int i)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    struct stat wanted, st;
    char path[300];

    (void)i;
    counted = 0;
    if (!dir)
        die("/proc");
    MUST(fstat(target, &wanted));
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        sprintf(path, "%s/ns/net", entry->d_name);
        counted += fstatat(dirfd(dir), path, &st, 0) == 0 && st.st_ino == wanted.st_ino &&
                   st.st_dev == wanted.st_dev;
    }
    closedir(dir);
}

static void find_holders(int i)
{
    struct scan scan = {.with_sockets = 1};
    socklen_t length = sizeof scan.cookie;
    int fd = socket_in_target(AF_UNIX, SOCK_DGRAM, 0);

    (void)i;
    MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &scan.cookie, &length));
    close(fd);
    MUST(fstat(target, &scan.wanted));
    scan_proc(&scan);
    counted = scan.found;
}

/* The names, and a scan for everything else. */
static void list_all(int i)
{
    struct scan scan = {0};

    list(i);
    MUST(fstat(target, &scan.wanted));
    scan_proc(&scan);
}

/* As ip(8) does for a program: the namespace's /sys, in a separate mount namespace. */
static void exec_true(void)
{
    if (setns(target, CLONE_NEWNET) == 0 && unshare(CLONE_NEWNS) == 0 &&
        mount("", "/", "none", MS_SLAVE | MS_REC, NULL) == 0) {
        umount2("/sys", MNT_DETACH);
        if (mount("target", "/sys", "sysfs", 0, NULL) == 0)
            execl("/bin/true", "true", NULL);
    }
    _exit(127);
}

static void wait_for(pid_t pid)
{
    int status;

    MUST(waitpid(pid, &status, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("/bin/true");
}

static void run_program(int i)
{
    pid_t pid = MUST(vfork());

    (void)i;
    if (pid == 0)
        exec_true();
    wait_for(pid);
}

static void start_true(int i)
{
    static char *const argv[] = {"true", NULL};
    pid_t pid;

    (void)i;
    errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
    if (errno)
        die("/bin/true");
    wait_for(pid);
}

/* --- netlink ------------------------------------------------------------------------------------ */

static void expect_id(int fd)
{
    counted = id_of(fd, target);
    close(fd);
}

static void get_id(int i)
{
    (void)i;
    expect_id(MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)));
}

static void get_id_elsewhere(int i)
{
    (void)i;
    expect_id(socket_in_target(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
}

static void set_up_sandbox(int i)
{
    static int outside = -1, inside, sandbox;

    (void)i;
    if (outside < 0) {
        int of_target = target;

        outside = socket_in_target(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
        sandbox = target = MUST(open(RUN_DIR "/sandbox", O_RDONLY | O_CLOEXEC));
        inside = socket_in_target(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
        target = of_target;
    }
    set_up_by_messages(outside, inside, sandbox);
}

/* Whichever worker has created it: deleting one end deletes the other. */
static void delete_veth(int i)
{
    int fd = socket_in_target(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    (void)i;
    delete_link(fd, "v0p0");
    close(fd);
}

/* --- the monitor -------------------------------------------------------------------------------- */

static int inotify;

static int take_inotify(void)
{
    return read_inotify(inotify);
}

static double told_by_inotify(int count, double (*tell)(const struct watcher *, int))
{
    struct watcher watcher = {.take = take_inotify, .order = ADD_FILE};
    double took;

    inotify = watcher.fd = watch_by_inotify();
    took = tell(&watcher, count);
    close(inotify);
    return took;
}

static double tell_one(int count)
{
    return told_by_inotify(count, time_events);
}

static double tell_pairs(int count)
{
    return told_by_inotify(count, time_pairs);
}

/* --- what the others need ----------------------------------------------------------------------- */

#define SLEEPERS 5000
/* The number of them in target. */
#define IN_TARGET 100
#define STACK 8192

static pid_t sleepers[SLEEPERS];

static int sleep_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return 0;
}

/* They share this process's memory, which makes them cheap. */
static void start_sleeper(int i)
{
    static char *stacks;
    int home, own;

    if (!stacks && !(stacks = malloc((size_t)SLEEPERS * STACK)))
        die("malloc");
    home = open_home();
    if (i < IN_TARGET)
        MUST(setns(target, CLONE_NEWNET));
    /* In its own namespace. */
    own = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    sleepers[i] = MUST(clone(sleep_for_ever, stacks + (size_t)(i + 1) * STACK, CLONE_VM | SIGCHLD, NULL));
    close(own);
    go_home(home);
}

static void end_sleeper(int i)
{
    kill(sleepers[i], SIGKILL);
    MUST(waitpid(sleepers[i], NULL, 0));
}

/* Namespaces that merely exist. */
static void make_other(int i)
{
    int home = open_home();
    char path[64];

    sprintf(path, RUN_DIR "/other%d", i);
    MUST(unshare(CLONE_NEWNET));
    bind_to(path, "/proc/thread-self/ns/net");
    go_home(home);
}

/* Creates only those that do not exist yet. */
static double make_others(int count)
{
    static int there;
    double start = nanoseconds();

    while (there < count)
        make_other(there++);
    return nanoseconds() - start;
}

static double start_guest(int count)
{
    int home = open_home();
    double start = nanoseconds();

    (void)count;
    MUST(setns(target, CLONE_NEWNET));
    counted = its_guest = MUST(fork());
    if (its_guest == 0) {
        close_standard_streams();
        sleep_for_ever(NULL);
    }
    go_home(home);
    return nanoseconds() - start;
}

/* Removes what a failed worker has left. */
static double clear(int count)
{
    double start = nanoseconds();
    char path[64];
    int i;

    for (i = 0; i < count; i++) {
        path_of(path, i);
        umount2(path, MNT_DETACH);
        unlink(path);
        told_path(path, i, 0);
        umount2(path, MNT_DETACH);
        unlink(path);
    }
    return nanoseconds() - start;
}

static double rest(int count)
{
    double start = nanoseconds();

    usleep(count * 1000);
    return nanoseconds() - start;
}

/* ------------------------------------------------------------------------------------------------ */

static const struct operation operations[] = {
    {"create", create, NULL, NULL},
    {"create-thread", create_on_a_thread, NULL, NULL},
    {"create-up", create_up, NULL, NULL},
    {"create-anonymous", create_anonymous, close_made, NULL},
    {"open", open_name, NULL, NULL},
    {"enter", enter, NULL, NULL},
    {"run", enter, NULL, NULL},
    {"run-path", enter_by_path, NULL, NULL},
    {"socket", make_socket, NULL, NULL},
    {"run-from", run_from_home, NULL, NULL},
    {"socket-from", make_socket_from_home, NULL, NULL},
    {"sysctl", set_sysctl, NULL, NULL},
    {"list", list, NULL, NULL},
    {"list-all", list_all, NULL, NULL},
    {"pids", find_pids, NULL, NULL},
    {"holders", find_holders, NULL, NULL},
    {"identify", identify, NULL, NULL},
    {"nsid", get_id, NULL, NULL},
    {"nsid-elsewhere", get_id_elsewhere, NULL, NULL},
    {"attach", attach, NULL, NULL},
    {"remove", remove_name, NULL, NULL},
    {"program", run_program, NULL, NULL},
    {"true", start_true, NULL, NULL},
    {"event", NULL, NULL, tell_one},
    {"pairs", NULL, NULL, tell_pairs},
    {"sandbox", set_up_sandbox, NULL, NULL},
    {"load", NULL, NULL, load_nothing},
    {"start-sleeper", start_sleeper, NULL, NULL},
    {"end-sleeper", end_sleeper, NULL, NULL},
    {"delete-veth", delete_veth, NULL, NULL},
    {"others", NULL, NULL, make_others},
    {"guest", NULL, NULL, start_guest},
    {"clear", NULL, NULL, clear},
    {"rest", NULL, NULL, rest},
    {0},
};

int main(void)
{
    target = MUST(open(TARGET, O_RDONLY | O_CLOEXEC));
    kept_home = open_home();
    return serve("C", operations);
}
