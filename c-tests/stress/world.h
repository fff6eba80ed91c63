/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A world in which every namespace can be counted. The kernel counts the network namespaces that a user
 * namespace owns, independently of others on the machine, and decrements the count when a namespace is
 * completely destroyed. The count cannot be read, but a limit can be set.
 */
#ifndef NETNS_STRESS_WORLD_H
#define NETNS_STRESS_WORLD_H

#include "../test.h"

/* The time that the kernel may take to destroy namespaces; a single worker thread destroys all of them. */
#define LONGEST_CLEANUP 600

#define LIMIT "/proc/sys/user/max_net_namespaces"

/* Negative: they cannot be counted here. */
static long namespaces_before = -1;

static inline bool set_limit(long limit)
{
    FILE *file = fopen(LIMIT, "we");
    bool is_set = file && fprintf(file, "%ld\n", limit) > 0;

    return file && fclose(file) == 0 && is_set;
}

/* Whether there are at most `count` namespaces. If so, one more is created temporarily. */
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

/* Whether a user namespace can be created and counts namespaces. */
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

/* Makes the caller root of a user namespace that owns what it creates. If that is impossible or not
 * requested, the caller remains the root user that it is. */
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

/* Waits until the kernel has destroyed all namespaces created in this world; returns how many are left. */
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
