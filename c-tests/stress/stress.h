/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the parts of the stress test know of each other. Everything that more than one process has
 * to know lies in one shared piece of memory, which a killed process leaves as it is.
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
/* Processes of ip and of netns at any moment. */
#define OUTSIDERS 6

/* The first names are made and removed by the library alone, the others by ip too: that one, when
 * it fails to bind, removes whatever has the name by then. */
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

/* --- who does what to which name ------------------------------------------------------------- */

enum deed { MAKES, REMOVES, DEEDS };

/* One thread, or one process of another program. A name's number and 1; 0: it does nothing. */
struct actor {
    atomic_int doing[DEEDS];
};

/* The last one clears what is left. */
#define ACTORS (PROCESSES * THREADS + OUTSIDERS + 1)

/* What was known of a name at some moment. */
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
    /* A process that is about to be killed by a timer of its own. */
    atomic_bool doomed[PROCESSES];
    /* The run directory is a shared mount point by now. */
    atomic_bool is_prepared;
    /* From Linux 6.18 on a namespace is known from one that got its inode. */
    bool has_handles;
    /* Where sysfs may be mounted, a program may be started with it. */
    bool can_mount_sys;
    /* Names that were listed or told, those that opened, those that somebody was removing, stale
     * ones, and namespaces that outlived their names. */
    atomic_ulong listed, told, told_gone, opened, removed_meanwhile, stale, outlived;
    /* Processes that ended by themselves, and those of other programs. */
    atomic_ulong lives, programs;
    /* Of those that run, or did a moment ago. */
    atomic_int pids[PROCESSES + OUTSIDERS];
    bool has_ip;
    char tool[PATH_MAX];
};

extern struct shared *shared;

/* Says what is wrong, and counts it. */
__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);

/* documented.c: */
/* Sees to it that the header documents every errno that an operation may fail with here. */
void compare_rules_with(const char *path);
/* Counts how an operation ended; gives the result. */
long long ended(enum operation operation, long long rc);
void print_tallies(void);

/* deeds.c: */
const char *name_of(int name);
/* -1: none of ours. */
int number_of(const char *name);
void begin(struct actor *actor, enum deed deed, int name);
void end(struct actor *actor, enum deed deed);
/* The actor is dead. */
void forget(struct actor *actor);
struct view look_at(int name);
void look_at_all(struct view views[NAMES]);
/* Whether anybody may have done this to the name since the view was taken. */
bool may_have(const struct view *view, enum deed deed);
/* The name was seen in this view's time: it opens, unless somebody removes it. inode 0: any. */
void open_seen(const struct view *view, uint64_t inode);
/* The handle is that of a network namespace, and one can work in it. */
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
/* The life of one process; gives its exit status. */
int live(unsigned number, uint64_t seed);

/* outsider.c: other programs. */
struct outsider {
    pid_t pid;
    bool is_killed;
};
void start_outsider(unsigned number, struct outsider *outsider, uint64_t *random);
/* It has ended with this status of waitpid(2). */
void outsider_ended(unsigned number, struct outsider *outsider, int status);

/* watch.c: what a monitor tells, and whether that can be. */
struct watch {
    struct netns_monitor *monitor;
    bool is_told[NAMES];
    /* Of the names that are told, from before they were. */
    struct view views[NAMES];
};
bool watch_begin(struct watch *watch);
/* Takes what the monitor has to say. */
void watch_go_on(struct watch *watch);
/* Nobody changes anything any more: what was told is what there is. */
void watch_agrees_with_list(struct watch *watch);

/* aftermath.c: */
/* Everybody is dead: the next process finds what is left usable, and clears it. */
void clear_what_is_left(uint64_t seed);

#endif
