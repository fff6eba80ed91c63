/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stops a thread before its system calls (Linux 5.5), so that the test can act between any two of them as
 * another process would, or answer a call itself. The thread shares the test's memory.
 */
#ifndef NETNS_TEST_STEPS_H
#define NETNS_TEST_STEPS_H

#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

/* The system calls that concern files, mounts and namespaces. */
static const int steps_calls[] = {
    SYS_openat,     SYS_openat2,   SYS_mkdirat,       SYS_unlinkat,         SYS_umount2,
    SYS_mount,      SYS_move_mount, SYS_open_tree,    SYS_mount_setattr,    SYS_name_to_handle_at,
    SYS_statx,      SYS_newfstatat, SYS_fstat,        SYS_fstatfs,          SYS_faccessat,
    SYS_faccessat2, SYS_flock,     SYS_getdents64,    SYS_inotify_add_watch, SYS_ioctl,
    SYS_setns,      SYS_unshare,   SYS_fchdir,        SYS_readlinkat,
    SYS_open_by_handle_at,
#ifdef SYS_open
    SYS_open, SYS_mkdir, SYS_unlink, SYS_stat,
#endif
};

#define STEPS_CALLS (sizeof steps_calls / sizeof *steps_calls)

/* Makes the calling thread, and those that it starts, stop at these calls. Returns the descriptor that
   reports the stops. */
static inline int stop_at_calls(const int *calls, size_t count)
{
    struct sock_filter code[STEPS_CALLS + 3];
    struct sock_fprog program = {0, code};

    code[program.len++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++)
        code[program.len++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], (unsigned char)(count - i), 0);
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

struct stopping {
    const int *calls;
    size_t count;
    int (*call)(void *arg);
    void *arg;
    int rc, error;
    atomic_bool is_over;
    int listener;
    pthread_barrier_t ready;
};

static inline void *call_with_stops(void *arg)
{
    struct stopping *stopping = arg;

    stopping->listener = stop_at_calls(stopping->calls, stopping->count);
    pthread_barrier_wait(&stopping->ready);
    if (stopping->listener < 0)
        return NULL;
    stopping->rc = stopping->call(stopping->arg);
    stopping->error = errno;
    stopping->is_over = true;
    return NULL;
}

/* Called at each stop. The system call is executed unless the response says otherwise. */
typedef void at_stop(const struct seccomp_data *data, struct seccomp_notif_resp *response, void *arg);

/* Fails only if the stopped call has ended, through a signal or with its thread. */
static inline int ioctl_at_stop(int listener, unsigned long request, void *what)
{
    int rc = ioctl(listener, request, what);

    return rc < 0 && (errno == ENOENT || errno == EINTR) ? rc : MUST(rc);
}

/*
 * Calls a function in its own thread, which is stopped at these system calls. Returns what the function
 * returned, with its errno.
 */
static inline int with_stops(const int *calls, size_t count, int (*call)(void *arg), void *arg, at_stop *at,
                             void *at_arg)
{
    struct stopping stopping = {.calls = calls, .count = count, .call = call, .arg = arg};
    struct seccomp_notif_resp response;
    struct seccomp_notif notice;
    pthread_t thread;

    pthread_barrier_init(&stopping.ready, NULL, 2);
    MUST(-pthread_create(&thread, NULL, call_with_stops, &stopping));
    pthread_barrier_wait(&stopping.ready);
    while (stopping.listener >= 0) {
        struct pollfd waiting = {.fd = stopping.listener, .events = POLLIN};
        bool is_over = stopping.is_over;
        int ready = poll(&waiting, 1, 10);

        /* No thread is left that could be stopped. The listener itself reports this from Linux 5.9 on. */
        if (ready == 0 && is_over)
            break;
        if (ready <= 0)
            continue;
        if (!(waiting.revents & POLLIN))
            break;
        memset(&notice, 0, sizeof notice);
        if (ioctl_at_stop(stopping.listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
            continue;
        response =
            (struct seccomp_notif_resp){.id = notice.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        at(&notice.data, &response, at_arg);
        while (ioctl_at_stop(stopping.listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 &&
               errno == EINTR)
            ;
    }
    MUST(-pthread_join(thread, NULL));
    pthread_barrier_destroy(&stopping.ready);
    if (stopping.listener < 0)
        skip("no seccomp notifications");
    close(stopping.listener);
    errno = stopping.error;
    return stopping.rc;
}

#endif
