/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that keeps a namespace alive only by a mount in its own mount namespace. */
#ifndef NETNS_TEST_ELSEWHERE_H
#define NETNS_TEST_ELSEWHERE_H

#include "test.h"

#define MOUNTED_AT "/run/two\nlines"

struct elsewhere {
    struct netns *ns;
    int ready, go, not_ours;
    bool in_chroot;
};

static inline void wait_outside(void *arg)
{
    struct elsewhere *other = arg;
    char byte;

    EQUAL(read(other->go, &byte, 1), 0);
}

static inline void mount_and_wait(void *arg)
{
    struct elsewhere *other = arg;
    char byte, path[64];

    close(other->not_ours);
    world_without_run_directory();
    write_file(MOUNTED_AT, "", 0644);
    snprintf(path, sizeof path, "/proc/self/fd/%d", netns_fd(other->ns));
    MUST(mount(path, MOUNTED_AT, "none", MS_BIND, NULL));
    netns_close(other->ns);
    /* There are two processes in that mount namespace, and the first does not see the mount. */
    if (other->in_chroot && start_part(wait_outside, other) > 0) {
        MUST(mkdir("/run/root", 0755));
        MUST(chroot("/run/root"));
        MUST(chdir("/"));
    }
    MUST(write(other->ready, "", 1));
    /* Waits until the other end is closed. */
    EQUAL(read(other->go, &byte, 1), 0);
    if (other->in_chroot)
        EQUAL(wait_for(-1), 0);
}

/*
 * Returns the process, which exits with status 0 when go is closed. in_chroot: the process itself does not
 * see the mount, but its child does.
 */
static inline pid_t start_mounting(struct netns *ns, bool in_chroot, int *go)
{
    int ready[2], going[2];
    struct elsewhere other;
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    MUST(pipe2(going, O_CLOEXEC));
    other = (struct elsewhere){.ns = ns, .ready = ready[1], .go = going[0], .not_ours = going[1],
                               .in_chroot = in_chroot};
    pid = start_part(mount_and_wait, &other);
    close(ready[1]);
    close(going[0]);
    EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *go = going[1];
    return pid;
}

#endif
