/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Short-lived children that are started and end continuously. */
#ifndef NETNS_TEST_PASSING_H
#define NETNS_TEST_PASSING_H

#include "test.h"

struct passing {
    void (*live)(void);
    int stopping[2];
};

static inline void come_and_go(void *arg)
{
    struct passing *passing = arg;
    char byte;

    close(passing->stopping[1]);
    MUST(fcntl(passing->stopping[0], F_SETFL, O_NONBLOCK));
    while (read(passing->stopping[0], &byte, 1) < 0) {
        pid_t pid = MUST(fork());

        if (pid == 0) {
            passing->live();
            _exit(0);
        }
        wait_for(pid);
    }
}

/* Returns the process that starts them one after the other. It exits with status 0 when stop is closed. */
static inline pid_t start_passing(void (*live)(void), int *stop)
{
    struct passing passing = {.live = live};
    pid_t pid;

    MUST(pipe2(passing.stopping, O_CLOEXEC));
    pid = start_part(come_and_go, &passing);
    close(passing.stopping[0]);
    *stop = passing.stopping[1];
    return pid;
}

#endif
