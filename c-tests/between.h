/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What others do between two system calls of one function, at the very place. */
#ifndef NETNS_TEST_BETWEEN_H
#define NETNS_TEST_BETWEEN_H

#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define MOST_CALLS 4

struct between {
    /* These calls, up to a 0, are held while the body makes them ... */
    const int *calls;
    void (*body)(void);
    /* ... until this has been called, in a thread that is not held; nth: of its kind, from 1 on. */
    void (*act)(int call, int nth);
    atomic_int listener;
    atomic_bool is_over;
};

/* From here on these calls of the thread wait for whoever has the descriptor. */
static inline int hold_calls(const int *calls)
{
    struct sock_filter code[2 * MOST_CALLS + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = {1, code};

    for (; *calls; calls++) {
        code[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*calls, 0, 1);
        code[program.len++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   &program);
}

static inline void *run_between(void *arg)
{
    struct between *between = arg;
    int listener = hold_calls(between->calls);

    between->listener = listener < 0 ? -errno : listener;
    if (listener >= 0)
        between->body();
    between->is_over = true;
    return NULL;
}

static inline void let_one_call_go_on(struct between *between, int *times)
{
    struct seccomp_notif held = {.id = 0};
    struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    int which = 0, got;

    /* ENOENT: the thread has ended, which wakes up as well. */
    got = ioctl(between->listener, SECCOMP_IOCTL_NOTIF_RECV, &held);
    if (got < 0 && errno == ENOENT)
        return;
    MUST(got);
    while (between->calls[which] != held.data.nr)
        which++;
    between->act(held.data.nr, ++times[which]);
    answer.id = held.id;
    MUST(ioctl(between->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

/* Runs the body in a thread of its own, since a filter stays for good. */
static inline void
act_between(const int *calls, void (*body)(void), void (*act)(int call, int nth))
{
    struct between between = {.calls = calls, .body = body, .act = act};
    int times[MOST_CALLS] = {0};
    pthread_t thread;

    if (under_valgrind())
        skip("valgrind's own calls would be held too");
    threads_of_ours++;
    MUST(-pthread_create(&thread, NULL, run_between, &between));
    while (!between.is_over) {
        struct pollfd wait = {between.listener, POLLIN, 0};

        if (between.listener > 0 && poll(&wait, 1, 10) == 1 && wait.revents & POLLIN)
            let_one_call_go_on(&between, times);
    }
    MUST(-pthread_join(thread, NULL));
    threads_of_ours--;
    if (between.listener < 0)
        skip("calls cannot be held here (Linux before 5.5)");
    close(between.listener);
}

#endif
