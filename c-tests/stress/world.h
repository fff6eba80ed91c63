/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A world in which every namespace can be counted. The kernel counts those that a user namespace
 * owns, whoever else makes some on the machine, and lets go of one when all of it is gone. It does
 * not tell the count, but refuses to make more than a limit.
 */
#ifndef NETNS_STRESS_WORLD_H
#define NETNS_STRESS_WORLD_H

#include "../test.h"

/* How long the kernel may take to take namespaces down; one worker does that for all. */
#define LONGEST_CLEANUP 600

#define LIMIT "/proc/sys/user/max_net_namespaces"

/* Less than 0: they cannot be counted here. */
static long namespaces_before = -1;

static inline bool set_limit(long limit)
{
    FILE *file = fopen(LIMIT, "we");
    bool is_set = file && fprintf(file, "%ld\n", limit) > 0;

    return file && fclose(file) == 0 && is_set;
}

/* Whether there are at most so many. Where there are, one more is made for a moment. */
static inline bool namespaces_are_at_most(long count)
{
    pid_t pid;
    int status;

    if (!set_limit(count + 1))
        return false;
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0)
        _exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
    status = wait_for(pid);
    MUST(set_limit(INT_MAX) ? 0 : -1);
    return status == 0;
}

/* Whether a user namespace may be made, and counts. */
static inline bool can_count(void)
{
    pid_t pid;

    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        become_root_of_a_user_namespace();
        _exit(set_limit(INT_MAX) && namespaces_are_at_most(1) ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

/* The caller becomes root of a user namespace that owns what it makes or, where that cannot be or
 * is not wanted, stays the root that it is. */
static inline void enter_world(bool stays_root)
{
    if (!stays_root && can_count()) {
        become_root_of_a_user_namespace();
        namespaces_before = 1;
    } else if (geteuid() == 0) {
        printf("namespaces are not counted\n");
    } else {
        printf("skipped: neither root nor allowed to make a user namespace\n");
        exit(SKIPPED);
    }
    world_without_run_directory();
}

/* Waits until the kernel has taken down all that were made in this world; how many are left. */
static inline long namespaces_left(void)
{
    double until = seconds() + LONGEST_CLEANUP;
    long low = namespaces_before, high = INT_MAX - 1;

    if (namespaces_before < 0)
        return 0;
    while (seconds() < until) {
        if (namespaces_are_at_most(namespaces_before))
            return 0;
        sleep_ms(20);
    }
    while (low < high) {
        long middle = low + (high - low) / 2;

        if (namespaces_are_at_most(middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low - namespaces_before;
}

#endif
