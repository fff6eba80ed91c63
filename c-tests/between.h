/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lets the test act between two given system calls of a function, as another process would. */
#ifndef NETNS_TEST_BETWEEN_H
#define NETNS_TEST_BETWEEN_H

#include "steps.h"

#define MOST_CALLS 4

struct between {
    /* These system calls, up to a 0, are held while the body makes them ... */
    const int *calls;
    void (*body)(void);
    /* ... until this function has been called, in a thread that is not held. nth counts the calls of that
       kind, from 1. */
    void (*act)(int call, int nth);
    int times[MOST_CALLS];
};

static inline int run_between(void *arg)
{
    const struct between *between = arg;

    between->body();
    return 0;
}

static inline void act_at_stop(const struct seccomp_data *data, struct seccomp_notif_resp *response,
                               void *arg)
{
    struct between *between = arg;
    int which = 0;

    (void)response;
    while (between->calls[which] != data->nr)
        which++;
    between->act(data->nr, ++between->times[which]);
}

/* Runs the body in its own thread, since a seccomp filter cannot be removed. */
static inline void
act_between(const int *calls, void (*body)(void), void (*act)(int call, int nth))
{
    struct between between = {.calls = calls, .body = body, .act = act};
    size_t count = 0;

    if (under_valgrind())
        skip("valgrind's own calls would be held too");
    while (calls[count])
        count++;
    MUST(count <= MOST_CALLS ? 0 : -1);
    threads_of_ours++;
    with_stops(calls, count, run_between, &between, act_at_stop, &between);
    threads_of_ours--;
}

#endif
