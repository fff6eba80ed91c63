/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A scenario is one library call in a world created for it. A process that is pid 1 of its own pid
 * namespace creates the world, and its child, the subject, makes the call. What the call leaves behind is
 * checked by the subject, if it is still alive, and by its parent, which acts as the next process:
 * everything must work for it.
 */
#ifndef NETNS_FAULTS_SCENARIO_H
#define NETNS_FAULTS_SCENARIO_H

#include "../privilege.h"
#include "supervisor.h"

/* What the program has done around the call: see surroundings.h. */
enum surroundings { AS_USUAL, NUMBERS_REUSED, OWN_TABLE, CREDENTIALS_CHANGED };

static enum surroundings surroundings;

/* Properties of a scenario, used by the common checks. */
enum {
    /* The run directory does not exist yet. */
    NO_RUN_DIRECTORY = 1,
    /* As after `unshare -Urm`: the thread cannot switch back to its namespace. */
    ROOTLESS = 2,
    /* A successful call executes another program and does not return. */
    BECOMES_PROGRAM = 4,
    /* One of iproute2's helpers, which reports a failure as -1, -2 or NULL and in errno. */
    IPROUTE2 = 8,
    /* A success leaves the thread in the namespace. */
    ONE_WAY = 16,
    /* The call cannot fail and returns nothing. */
    RETURNS_NOTHING = 32,
    /* `ready` creates names, so the names before the call differ from those before the subject. */
    READY_MAKES_NAMES = 64,
    /* The call makes no system call. */
    MAKES_NO_CALL = 128,
    /* It looks at every process of the machine, of which there may be one more or less the next time. */
    LOOKS_AT_PROCESSES = 256,
};

/* The call fails with this errno even if no system call is made to fail. */
#define FAILS_AS_IT_IS(error) ((unsigned)(error) << 16)

static inline int fails_as_it_is(unsigned flags)
{
    return flags >> 16;
}

struct scenario {
    /* A function of netns.h, and the variant that is tested. */
    const char *function, *way;
    unsigned flags;
    /* Runs in the world before the subject is forked. */
    void (*prepare)(void);
    /* Runs in the subject before the call, for state that belongs to a thread. */
    void (*ready)(void);
    long long (*call)(void);
    /* Runs in the subject after the call. Checks that either all of the work is done or none of it, and
       frees what was received. */
    void (*check)(bool done);
};

/* What is accepted in a run because of an entry in expected.h. */
enum { NOTHING, LESS, HALF, STRANDED };

static int forgiven;

/* The run directory of the call, where every scenario's names are. */
static const char *rundir = NETNS_RUN_DIR;

/* Handles that prepare() may create, and other state that it may need. */
static struct netns *blue, *red;
static int descriptor = -1;

/* The results of calls. A failed call must not write to any of them. */
static struct received {
    struct netns *ns;
    struct netns_name_snapshot *list;
    struct netns_holder_snapshot *holders;
    struct netns_nsid_snapshot *ids;
    struct netns_link_snapshot *links;
    struct netns_addr_snapshot *addresses;
    struct netns_route_snapshot *routes;
    struct netns_monitor *monitor;
    struct netns_event event;
    uint64_t cookie;
    int32_t pidfd;
    pid_t pid, pids[64];
    int result;
    char *text;
} received;

/* The result of the call, and the namespace that it was made in and the monitor that it was made with. */
static long long rc;
static uint64_t home;
static struct netns_monitor *monitor;

static inline uint64_t in_mounts(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/mnt", &st) == 0 ? st.st_ino : 0;
}

/* --- the environment -------------------------------------------------------------------------- */

/* A process in another mount namespace that shares the run directory, as a container may share the host's;
   0: not needed. */
static pid_t elsewhere;

/* Makes a name that looks stale here live in that mount namespace. */
static inline void live_elsewhere(const char *path)
{
    int ready[2];
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    elsewhere = MUST(fork());
    if (elsewhere == 0) {
        close(ready[0]);
        MUST(unshare(CLONE_NEWNS));
        MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
        MUST(mount("/proc/self/ns/net", path, "none", MS_BIND, NULL));
        MUST(write(ready[1], "", 1));
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    MUST(read(ready[0], &byte, 1) == 1 ? 0 : -1);
    close(ready[0]);
}

static inline bool is_live_elsewhere(const char *path)
{
    char mountinfo[64], line[2 * PATH_MAX], at[PATH_MAX];
    bool found = false;
    FILE *file;

    snprintf(mountinfo, sizeof mountinfo, "/proc/%d/mountinfo", elsewhere);
    file = fopen(mountinfo, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1 && strcmp(at, path) == 0;
    if (file)
        fclose(file);
    return found;
}

static inline void make_world(const struct scenario *scenario)
{
    MUST(getpid() == 1 ? 0 : -1);
    alarm(TEST_TIMEOUT);
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    MUST(mount("proc", "/proc", "proc", 0, NULL));
    if (old_kernel)
        have_an_old_kernel();
    if (scenario->flags & ROOTLESS)
        enter_user_namespace(0);
    MUST(mount("netns-test", "/run", "tmpfs", 0, "mode=755"));
    if (!(scenario->flags & NO_RUN_DIRECTORY)) {
        MUST(mkdir(NETNS_RUN_DIR, 0755));
        MUST(mount("netns-test", NETNS_RUN_DIR, "tmpfs", 0, "mode=755"));
    }
    if (scenario->prepare)
        scenario->prepare();
    if (exists(NETNS_RUN_DIR "/stale"))
        live_elsewhere(NETNS_RUN_DIR "/stale");
}

/* The number of mounts in the run directory, and outside it. */
struct mounts {
    int inside, outside;
};

static inline struct mounts mounts_now(void)
{
    FILE *file = fopen("/proc/thread-self/mountinfo", "re");
    struct mounts mounts = {0, 0};
    char line[2 * PATH_MAX], at[PATH_MAX];
    size_t length = strlen(rundir);

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1) {
            bool inside = strncmp(at, rundir, length) == 0 && at[length] == '/';

            mounts.inside += inside;
            mounts.outside += !inside;
        }
    if (file)
        fclose(file);
    return mounts;
}

/* --- the subject ------------------------------------------------------------------------------ */

/* The open descriptors as bits, without the one used for listing them. */
static inline uint64_t descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    uint64_t set = 0;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && atoi(entry->d_name) < 64)
            set |= UINT64_C(1) << atoi(entry->d_name);
    if (dir) {
        set &= ~(UINT64_C(1) << dirfd(dir));
        closedir(dir);
    }
    return set;
}

struct before {
    uint64_t descriptors, netns, mounts;
    sigset_t mask;
    char cwd[256];
    int way_home;
    struct received received;
};

static inline void look_before(struct before *before)
{
    memset(before, 0, sizeof *before);
    before->way_home = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    before->descriptors = descriptors();
    before->netns = home = here();
    before->mounts = in_mounts();
    MUST(sigprocmask(SIG_SETMASK, NULL, &before->mask));
    MUST(getcwd(before->cwd, sizeof before->cwd) ? 0 : -1);
    before->received = received;
}

/* Checks the report of a failed call: the errno in both places, and a message of one line. */
static inline void look_at_words(const struct scenario *scenario)
{
    const char *message = outcome->message;

    if (!(scenario->flags & IPROUTE2))
        WANT(outcome->error == -rc);
    /* Nothing was found, and nothing failed. */
    if (scenario->flags & IPROUTE2 && outcome->error == ERRNO_UNTOUCHED)
        return;
    if (!*message || strpbrk(message, "\n\r") || !strstr(message, ": "))
        problem("message \"%s\"", message);
}

static inline void check_work(const struct scenario *scenario, bool done)
{
    size_t before = strlen(outcome->problems);

    scenario->check(done);
    if (done && forgiven == LESS)
        outcome->problems[before] = '\0';
}

/* Not without the capabilities needed for the checks, and not with a monitor that has lost its
   descriptors. */
static inline bool can_check(bool done)
{
    return surroundings != CREDENTIALS_CHANGED && (done || surroundings == AS_USUAL);
}

static inline void no_child_is_left(void)
{
    if (waitpid(-1, NULL, __WALL | WNOHANG) != -1 || errno != ECHILD)
        problem("a child is left");
}

static inline void look_after(const struct scenario *scenario, struct before *before)
{
    bool done = rc >= 0;
    /* Of the two namespaces, only the return to the mount namespace failed. */
    bool lost_mounts = rc == -ENOTRECOVERABLE && strcmp(scenario->function, "netns_setns_mounts") == 0;
    char cwd[256] = "";
    sigset_t mask = {0};
    uint64_t now;

    if (!done && memcmp(&received, &before->received, sizeof received) != 0)
        problem("it failed, and has written to what a success would");
    if (!done)
        look_at_words(scenario);
    else if (outcome->error != ERRNO_UNTOUCHED && !(scenario->flags & RETURNS_NOTHING))
        problem("a success has changed errno to %d", outcome->error);
    /* If the thread is in another namespace, the call must report that. */
    if (rc == -ENOTRECOVERABLE)
        WANT((here() == before->netns) == (strcmp(scenario->function, "netns_leave") == 0 || lost_mounts));
    else if (!(done && scenario->flags & ONE_WAY) && forgiven != STRANDED && here() != before->netns)
        problem("the thread is in another namespace");
    if (rc == -ENOTRECOVERABLE && !lost_mounts && surroundings != CREDENTIALS_CHANGED)
        MUST(setns(before->way_home, CLONE_NEWNET));
    if (!(scenario->flags & IPROUTE2) && !(done && scenario->flags & ONE_WAY) && !lost_mounts &&
        in_mounts() != before->mounts)
        problem("the thread is in another mount namespace");
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask));
    if (memcmp(&mask, &before->mask, sizeof mask) != 0)
        problem("the signal mask is another one");
    if (!lost_mounts && (!getcwd(cwd, sizeof cwd) || strcmp(cwd, before->cwd) != 0))
        problem("the working directory is %s", cwd);
    if (threads_left() != threads_of_ours)
        problem("%d threads", threads_left());
    if (scenario->check && can_check(done))
        check_work(scenario, done);
    if (can_check(done) || !done)
        no_child_is_left();
    if (outcome->closed_twice)
        problem("it closed a descriptor twice");
    netns_monitor_close(monitor);
    netns_close(blue);
    netns_close(red);
    now = descriptors();
    if (outcome->left_open >= 0)
        now &= ~(UINT64_C(1) << outcome->left_open);
    if (now & ~before->descriptors && (can_check(done) || !done))
        problem("descriptors are left: %llx", (unsigned long long)(now & ~before->descriptors));
    if (descriptor >= 0 && descriptor != outcome->left_open && !(now & UINT64_C(1) << descriptor))
        problem("the caller's descriptor was closed");
}

/* --- common code of the scenarios ------------------------------------------------------------- */

static inline void close_received(bool done)
{
    if (done)
        netns_close(received.ns);
}

static inline void make_blue(void)
{
    MUST(netns_create("blue", 0, &blue));
}

static inline void make_red(void)
{
    MUST(netns_create(NULL, 0, &red));
}

static void make_two(void)
{
    make_blue();
    make_red();
}

#endif
