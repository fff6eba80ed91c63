/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Many processes in one run directory: processes of several threads that use all functions of the
 * library, and processes of ip and of netns, killed at random. What they observe must be consistent, and
 * when all are dead, nothing of theirs may be left.
 *
 *   stress [-r] [-t SECONDS] [-s SEED]
 *
 * -r  stay root instead of creating a user namespace, in which namespaces can be counted
 * With the same seed every process makes the same calls; their interleaving and the points at which they
 * are killed differ.
 */
#include "stress.h"
#include "world.h"

#include <poll.h>

/* The mean interval at which a random process is killed, in milliseconds. */
#define KILL_EVERY 20
/* After this many failures, further ones are not printed. */
#define MOST_FAILURES 20

struct shared *shared;

static struct worker {
    pid_t pid;
    unsigned life;
    bool is_killed;
} workers[PROCESSES];
static struct outsider outsiders[OUTSIDERS];
static unsigned long kills, own_kills;
static uint64_t seed;

void wrong(const char *format, ...)
{
    char line[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = snprintf(line, sizeof line, "WRONG: [%d] ", gettid());
    length += vsnprintf(line + length, sizeof line - length - 1, format, args);
    va_end(args);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    fflush(stdout);
    /* In a single write, so that lines of several processes do not mix. */
    if (shared->failures++ < MOST_FAILURES && write(STDOUT_FILENO, line, length) < 0)
        _exit(1);
}

/* --- processes ------------------------------------------------------------------------------- */

static void start_worker(unsigned number)
{
    struct worker *worker = &workers[number];
    uint64_t random = seed ^ (uint64_t)number << 48 ^ (uint64_t)++worker->life << 24;

    worker->is_killed = false;
    shared->doomed[number] = false;
    fflush(NULL);
    worker->pid = MUST(fork());
    if (worker->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(live(number, next_random(&random)));
    }
    shared->pids[number] = worker->pid;
}

static void worker_ended(unsigned number, int status)
{
    struct worker *worker = &workers[number];

    for (int i = 0; i < THREADS; i++)
        forget(&shared->actors[number * THREADS + i]);
    worker->pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
        (worker->is_killed || shared->doomed[number]))
        own_kills += !worker->is_killed;
    else if (status != 0)
        wrong("process %u ended with status %#x", number, status);
}

/* Waits for processes that have ended. Returns whether any are left. */
static bool reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < PROCESSES; i++)
            if (workers[i].pid == pid)
                worker_ended(i, status);
        for (unsigned i = 0; i < OUTSIDERS; i++)
            if (outsiders[i].pid == pid)
                outsider_ended(i, &outsiders[i], status);
    }
    return pid == 0;
}

static void start_whoever_is_missing(uint64_t *random)
{
    for (unsigned i = 0; i < PROCESSES; i++)
        if (!workers[i].pid)
            start_worker(i);
    for (unsigned i = 0; i < OUTSIDERS; i++)
        if (!outsiders[i].pid)
            start_outsider(i, &outsiders[i], random);
}

static void kill_one(unsigned number)
{
    pid_t pid;

    if (number < PROCESSES) {
        pid = workers[number].pid;
        workers[number].is_killed = true;
    } else {
        pid = outsiders[number - PROCESSES].pid;
        outsiders[number - PROCESSES].is_killed = true;
    }
    if (pid) {
        kills++;
        MUST(kill(pid, SIGKILL));
    }
}

static void kill_everybody(void)
{
    double until = seconds() + 60;

    for (unsigned i = 0; i < PROCESSES + OUTSIDERS; i++)
        kill_one(i);
    /* Orphans are reparented to this process and have nothing more to do. */
    while (reap() && seconds() < until)
        sleep_ms(1);
    if (reap())
        wrong("a process is left");
}

/* --- the run --------------------------------------------------------------------------------- */

/* Whether everything that the run must cover has happened at least once. */
static bool all_was_seen(void)
{
    return shared->listed && shared->told && shared->told_gone && shared->opened && shared->outlived &&
           shared->lives && kills && own_kills;
}

/* A slow machine gets up to four times as long to cover everything. */
static void run(double length, struct watch *watch)
{
    double began = seconds(), next_kill = began;
    uint64_t random = seed;

    while (seconds() < began + (all_was_seen() ? 1 : 4) * length && !shared->failures) {
        struct pollfd wait = {netns_monitor_fd(watch->monitor), POLLIN, 0};

        start_whoever_is_missing(&random);
        if (seconds() >= next_kill) {
            kill_one(below(&random, PROCESSES + OUTSIDERS));
            next_kill = seconds() + below(&random, 2 * KILL_EVERY) / 1e3;
        }
        poll(&wait, 1, 1);
        watch_go_on(watch);
        reap();
    }
}

static void clear_in_another_process(void)
{
    pid_t pid;

    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        clear_what_is_left(seed);
        exit(0);
    }
    if (wait_for(pid) != 0)
        wrong("the next process did not get through");
}

static void find_tools(void)
{
    const char *examples = getenv("NETNS_EXAMPLES");

    setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
    snprintf(shared->tool, sizeof shared->tool, "%s/netns", examples ? examples : ".");
    if (access(shared->tool, X_OK) < 0) {
        fprintf(stderr, "%s: %s\n", shared->tool, strerror(errno));
        exit(2);
    }
    shared->has_ip = have("ip");
    if (!shared->has_ip)
        printf("without ip, which is not here\n");
}

/* Names created by older programs, in a directory that is not a mount point. */
static void bind_older_names(void)
{
    char path[64];

    MUST(mkdir("/run/netns", 0755));
    for (int i = OWN_NAMES; i < NAMES; i++) {
        pid_t pid;

        snprintf(path, sizeof path, "/run/netns/%s", name_of(i));
        write_file(path, "", 0);
        pid = MUST(fork());
        if (pid == 0) {
            MUST(unshare(CLONE_NEWNET));
            MUST(mount("/proc/self/ns/net", path, "none", MS_BIND, NULL));
            _exit(0);
        }
        MUST(-wait_for(pid));
    }
}

/* A user namespace may not be allowed to mount sysfs, which a program started in a namespace needs. */
static bool may_mount_sys(void)
{
    pid_t pid;

    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        MUST(unshare(CLONE_NEWNET | CLONE_NEWNS));
        MUST(mount("none", "/", "none", MS_REC | MS_SLAVE, NULL));
        _exit(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

static bool has_handles(void)
{
    struct {
        struct file_handle handle;
        char bytes[MAX_HANDLE_SZ];
    } room = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount;

    return name_to_handle_at(AT_FDCWD, "/proc/self/ns/net", &room.handle, &mount,
                             AT_SYMLINK_FOLLOW) == 0;
}

static void print_figures(double length)
{
    unsigned long lives = 0;

    for (unsigned i = 0; i < PROCESSES; i++)
        lives += workers[i].life;
    printf("%.0f s: %lu processes of %d threads, of which %lu lived their lives; "
           "%lu of ip, netns and lock holders\n",
           length, lives, THREADS, shared->lives, shared->programs);
    printf("killed: %lu at random, %lu by themselves at work\n", kills, own_kills);
    print_tallies();
    printf("names: %lu listed and %lu told; %lu opened, %lu not for somebody removed them\n",
           shared->listed, shared->told, shared->opened, shared->removed_meanwhile);
    printf("%lu told to go, %lu seen stale; %lu namespaces outlived their names\n",
           shared->told_gone, shared->stale, shared->outlived);
    if (!all_was_seen())
        wrong("something was never seen");
}

/* Checks that everything is as before, except that the run directory is now a mount point. */
static void world_is_empty(int mounts, int descriptors)
{
    long left;
    int now = mounts_at(NULL);

    if (now != mounts + 1 || mounts_at("/run/netns") != 1)
        wrong("mounts: %d before, %d after", mounts, now);
    if (open_descriptors() != descriptors)
        wrong("descriptors: %d before, %d after", descriptors, open_descriptors());
    if (threads_running() != 1)
        wrong("threads: %d", threads_running());
    left = namespaces_left();
    if (left)
        wrong("%ld namespaces are left", left);
    printf("after: mounts %d + the run directory, descriptors %d, processes 0, names 0, "
           "namespaces %s\n", mounts, descriptors, namespaces_before < 0 ? "not counted" : "0");
}

int main(int argc, char **argv)
{
    int mounts, descriptors, option;
    double length = 60, began;
    bool stays_root = false;
    struct watch watch;

    seed = (uint64_t)time(NULL) << 16 ^ getpid();
    while ((option = getopt(argc, argv, "rt:s:")) != -1) {
        if (option == '?')
            return 2;
        if (option == 'r')
            stays_root = true;
        else if (option == 't')
            length = strtod(optarg, NULL);
        else
            seed = strtoull(optarg, NULL, 0);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    printf("seed %#llx\n", (unsigned long long)seed);
    compare_rules_with(NETNS_DOCUMENTED);
    find_tools();
    enter_world(stays_root);
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    shared->has_handles = has_handles();
    shared->can_mount_sys = may_mount_sys();
    mounts = mounts_at(NULL);
    descriptors = open_descriptors();

    bind_older_names();
    if (!watch_begin(&watch))
        return 1;
    began = seconds();
    run(length, &watch);
    kill_everybody();
    print_figures(seconds() - began);
    watch_agrees_with_list(&watch);
    clear_in_another_process();
    watch_agrees_with_list(&watch);
    netns_monitor_close(watch.monitor);
    world_is_empty(mounts, descriptors);
    printf("%u wrong (seed %#llx)\n", shared->failures, (unsigned long long)seed);
    return shared->failures ? 1 : 0;
}
