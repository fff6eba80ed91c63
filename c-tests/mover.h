/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread that enters another namespace and stays there while other threads observe it. */
#ifndef NETNS_TEST_MOVER_H
#define NETNS_TEST_MOVER_H

#include "test.h"

#include <pthread.h>

struct mover {
    const struct netns *to; /* NULL: it stays where it is */
    void (*in_there)(void *arg);
    void *arg;
    pthread_t thread;
    pid_t tid;
    pthread_barrier_t moved, looked;
};

static inline void *move(void *arg)
{
    struct mover *mover = arg;

    if (mover->to)
        MUST(netns_setns(mover->to));
    mover->tid = gettid();
    if (mover->in_there)
        mover->in_there(mover->arg);
    pthread_barrier_wait(&mover->moved);
    pthread_barrier_wait(&mover->looked);
    return NULL;
}

/* Returns once the thread is in the namespace and has run the function that it was given (NULL: none). */
static inline void start_mover(struct mover *mover, const struct netns *to,
                               void (*in_there)(void *arg), void *arg)
{
    mover->to = to;
    mover->in_there = in_there;
    mover->arg = arg;
    pthread_barrier_init(&mover->moved, NULL, 2);
    pthread_barrier_init(&mover->looked, NULL, 2);
    MUST(-pthread_create(&mover->thread, NULL, move, mover));
    pthread_barrier_wait(&mover->moved);
}

static inline void end_mover(struct mover *mover)
{
    pthread_barrier_wait(&mover->looked);
    pthread_join(mover->thread, NULL);
    pthread_barrier_destroy(&mover->moved);
    pthread_barrier_destroy(&mover->looked);
}

#endif
