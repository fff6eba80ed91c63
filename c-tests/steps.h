/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread that is stopped before every system call of its that has to do with files, mounts and
 * namespaces, so that a stranger's deed can be put between any two of them (Linux 5.5).
 */
#ifndef NETNS_TEST_STEPS_H
#define NETNS_TEST_STEPS_H

#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>

static const int steps_calls[] = {
    SYS_openat,     SYS_openat2,   SYS_mkdirat,       SYS_unlinkat,         SYS_umount2,
    SYS_mount,      SYS_move_mount, SYS_open_tree,    SYS_mount_setattr,    SYS_name_to_handle_at,
    SYS_statx,      SYS_newfstatat, SYS_fstat,        SYS_fstatfs,          SYS_faccessat,
    SYS_faccessat2, SYS_flock,     SYS_getdents64,    SYS_inotify_add_watch, SYS_ioctl,
    SYS_setns,      SYS_unshare,   SYS_fchdir,        SYS_readlinkat,
#ifdef SYS_open
    SYS_open, SYS_mkdir, SYS_unlink, SYS_stat,
#endif
};

#define STEPS_CALLS (sizeof steps_calls / sizeof *steps_calls)

/* Stops the calling thread, and those that it starts, from now on; gives what tells of it. */
static inline int stop_at_calls(void)
{
    struct sock_filter code[STEPS_CALLS + 3];
    struct sock_fprog program = {0, code};

    code[program.len++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < STEPS_CALLS; i++)
        code[program.len++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)steps_calls[i], (unsigned char)(STEPS_CALLS - i), 0);
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

struct stepping {
    int (*call)(void *arg);
    void *arg;
    int rc, error;
    int listener;
    pthread_barrier_t ready;
};

static inline void *call_in_steps(void *arg)
{
    struct stepping *stepping = arg;

    stepping->listener = stop_at_calls();
    stepping->error = errno;
    pthread_barrier_wait(&stepping->ready);
    if (stepping->listener < 0)
        return NULL;
    stepping->rc = stepping->call(stepping->arg);
    stepping->error = errno;
    return NULL;
}

/* The first steps are those of glibc's thread, if it has any; then come the call's. */
struct step {
    int number;
    const struct seccomp_data *data;
};

/*
 * Calls a function in a thread of its own and `deed` before each step, counted from 0. Returns what
 * the function did, with errno as it left it; steps receives how many there were.
 */
static inline int in_steps(int (*call)(void *arg), void *arg, void (*deed)(const struct step *step, void *arg),
                           void *deed_arg, int *steps)
{
    struct stepping stepping = {.call = call, .arg = arg};
    struct seccomp_notif_resp response;
    struct seccomp_notif notice;
    pthread_t thread;

    *steps = 0;
    pthread_barrier_init(&stepping.ready, NULL, 2);
    MUST(-pthread_create(&thread, NULL, call_in_steps, &stepping));
    pthread_barrier_wait(&stepping.ready);
    while (stepping.listener >= 0) {
        struct pollfd waiting = {.fd = stepping.listener, .events = POLLIN};

        if (poll(&waiting, 1, -1) < 0)
            continue;
        /* Nobody is left who could be stopped. */
        if (!(waiting.revents & POLLIN))
            break;
        memset(&notice, 0, sizeof notice);
        if (ioctl(stepping.listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
            continue;
        deed(&(struct step){(*steps)++, &notice.data}, deed_arg);
        response = (struct seccomp_notif_resp){.id = notice.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        ioctl(stepping.listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
    MUST(-pthread_join(thread, NULL));
    pthread_barrier_destroy(&stepping.ready);
    if (stepping.listener < 0) {
        errno = stepping.error;
        skip("no seccomp notifications");
    }
    close(stepping.listener);
    errno = stepping.error;
    return stepping.rc;
}

#endif
