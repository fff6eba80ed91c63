/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Declarations shared by the parts of the stress test. All state needed by more than one process is in one
 * piece of shared memory, which a killed process leaves as it is.
 */
#ifndef NETNS_STRESS_H
#define NETNS_STRESS_H

#include "../test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PROCESSES 32
#define THREADS 4
/* The number of processes of ip and netns at any moment. */
#define OUTSIDERS 6

/* The first names are created and removed by the library only, the others also by ip, which removes
 * whatever is under the name when its bind fails. */
#define OWN_NAMES 4
#define NAMES 8

/* --- operations: how often, how they ended, how they may end --------------------------------- */

enum operation {
    CREATE,
    CREATE_OR_OPEN,
    CREATE_ANONYMOUS,
    OPEN,
    OPEN_PID,
    OPEN_FD,
    OPEN_CURRENT,
    ATTACH,
    REMOVE,
    REMOVE_OR_NOT,
    LIST,
    LIST_STALE,
    NAMES_OF,
    MONITOR_OPEN,
    MONITOR_NEXT,
    SETNS,
    ENTER,
    LEAVE,
    GO_AND_RUN,
    SOCKET,
    COOKIE,
    IS_CURRENT,
    PIDS,
    NSID_GET,
    NSID_SET,
    SPAWN,
    LINK_LIST,
    OPERATIONS
};

#define ERRNOS 134

struct tally {
    atomic_ulong succeeded, failed[ERRNOS];
};

/* --- actors and names ------------------------------------------------------------------------ */

enum deed { MAKES, REMOVES, DEEDS };

/* A thread of the test, or a process of another program. Holds a name's number plus 1; 0: it does nothing. */
struct actor {
    atomic_int doing[DEEDS];
};

/* The last actor removes what is left. */
#define ACTORS (PROCESSES * THREADS + OUTSIDERS + 1)

/* What was known about a name at some moment. */
struct view {
    int name;
    unsigned begun[DEEDS];
    bool under_way[DEEDS];
};

struct shared {
    atomic_uint failures;
    struct tally tallies[OPERATIONS];
    struct actor actors[ACTORS];
    atomic_uint begun[DEEDS][NAMES];
    /* Processes that will be killed by their own timer. */
    atomic_bool doomed[PROCESSES];
    /* Set when the run directory is a shared mount point. */
    atomic_bool is_prepared;
    /* From Linux 6.18 on, a namespace can be distinguished from a later one with the same inode. */
    bool has_handles;
    /* If sysfs may be mounted, programs can be started with it. */
    bool can_mount_sys;
    /* Counts of names that were listed, reported by the monitor, or opened; of names that were being
     * removed; of stale names; and of namespaces that outlived their names. */
    atomic_ulong listed, told, told_gone, opened, removed_meanwhile, stale, outlived;
    /* Counts of processes that ended by themselves, and of processes of other programs. */
    atomic_ulong lives, programs;
    /* The processes that are running or have just ended. */
    atomic_int pids[PROCESSES + OUTSIDERS];
    bool has_ip;
    char tool[PATH_MAX];
};

extern struct shared *shared;

/* Reports a failure and counts it. */
__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);

/* documented.c: */
/* Checks that the header documents every errno that an operation may fail with here. */
void compare_rules_with(const char *path);
/* Counts how an operation ended; returns the result. */
long long ended(enum operation operation, long long rc);
void print_tallies(void);

/* deeds.c: */
const char *name_of(int name);
/* -1: not a name of this test. */
int number_of(const char *name);
void begin(struct actor *actor, enum deed deed, int name);
void end(struct actor *actor, enum deed deed);
/* The actor is dead. */
void forget(struct actor *actor);
struct view look_at(int name);
void look_at_all(struct view views[NAMES]);
/* Whether any actor may have done this to the name since the view was taken. */
bool may_have(const struct view *view, enum deed deed);
/* Checks that a name seen since the view was taken can be opened, unless an actor removes it. inode 0:
   any. */
void open_seen(const struct view *view, uint64_t inode);
/* Checks that the handle refers to a network namespace that can be used. */
void check_handle(const struct netns *ns);
void check_it_lives(const struct netns *ns);

/* splitmix64 */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline unsigned below(uint64_t *state, unsigned bound)
{
    return next_random(state) % bound;
}

/* worker.c: */
/* Runs one process; returns its exit status. */
int live(unsigned number, uint64_t seed);

/* outsider.c: other programs. */
struct outsider {
    pid_t pid;
    bool is_killed;
};
void start_outsider(unsigned number, struct outsider *outsider, uint64_t *random);
/* Handles the end of a process with this wait status. */
void outsider_ended(unsigned number, struct outsider *outsider, int status);

/* watch.c: checks the plausibility of a monitor's events. */
struct watch {
    struct netns_monitor *monitor;
    bool is_told[NAMES];
    /* Views of the names, taken before they were reported. */
    struct view views[NAMES];
};
bool watch_begin(struct watch *watch);
/* Reads the monitor's events. */
void watch_go_on(struct watch *watch);
/* Checks, after all changes have ended, that the events agree with the list. */
void watch_agrees_with_list(struct watch *watch);

/* aftermath.c: */
/* All processes are dead: the next process must be able to use what is left, and removes it. */
void clear_what_is_left(uint64_t seed);

#endif
