/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that keeps a namespace by nothing but a mount in a mount namespace of its own. */
#ifndef NETNS_TEST_ELSEWHERE_H
#define NETNS_TEST_ELSEWHERE_H

#include "test.h"

#define MOUNTED_AT "/run/two\nlines"

struct elsewhere {
    struct netns *ns;
    int ready, go, not_ours;
};

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
    MUST(write(other->ready, "", 1));
    EQUAL(read(other->go, &byte, 1), 0);
}

/* Gives the process, which ends with status 0 when go is closed. */
static inline pid_t start_mounting(struct netns *ns, int *go)
{
    int ready[2], going[2];
    struct elsewhere other;
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    MUST(pipe2(going, O_CLOEXEC));
    other = (struct elsewhere){.ns = ns, .ready = ready[1], .go = going[0], .not_ours = going[1]};
    pid = start_part(mount_and_wait, &other);
    close(ready[1]);
    close(going[0]);
    EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *go = going[1];
    return pid;
}

#endif
