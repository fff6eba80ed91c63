/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Makes system calls fail with a seccomp filter, as on an old kernel or when a resource is exhausted. */
#ifndef NETNS_TEST_FAULT_H
#define NETNS_TEST_FAULT_H

#include "test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

/* Linux 6.8; older headers lack them. */
#define SYS_STATMOUNT (SYS_clone3 - 435 + 457)
#define SYS_LISTMOUNT (SYS_clone3 - 435 + 458)
/* Linux 6.19. */
#define SYS_LISTNS (SYS_clone3 - 435 + 470)

/* Newer architectures, such as arm64, have only the newer call, and the C library uses that. */
#ifndef SYS_mkdir
#define SYS_mkdir SYS_mkdirat
#endif
#ifndef SYS_dup2
#define SYS_dup2 SYS_dup3
#endif
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif

/* A system call that fails: always, or only if argument `arg` has `value` in the bits of `mask`. */
struct fault {
    int call, error;
    int arg;
    uint32_t mask, value;
};

#define MOST_FAULTS 16

static inline void need_seccomp(void)
{
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
        skip("no seccomp");
}

/*
 * Whether these calls can be made to fail under valgrind. It needs some of them itself, and it does not
 * support recent ones, which fail in any case.
 */
static inline bool can_fail_here(const struct fault *faults, size_t count)
{
    static const int calls[] = {SYS_setns, SYS_unshare, SYS_mount, SYS_umount2, SYS_unlinkat,
                                SYS_flock, SYS_socket, SYS_name_to_handle_at, SYS_getsockopt,
                                SYS_open_by_handle_at,
                                SYS_mkdir, SYS_statx, SYS_sendto, SYS_recvfrom, SYS_setsockopt};
    size_t i, j;

    if (!under_valgrind())
        return true;
    for (i = 0; i < count; i++) {
        /* valgrind 3.19 reports ENOSYS for open_tree and everything newer. */
        if (faults[i].call >= SYS_open_tree && faults[i].error == ENOSYS)
            continue;
        for (j = 0; j < sizeof calls / sizeof *calls && calls[j] != faults[i].call; j++)
            ;
        if (j == sizeof calls / sizeof *calls)
            return false;
    }
    return true;
}

/* Makes the calls fail for the calling thread and for threads and children that it starts. */
static inline void install_faults(const struct fault *faults, size_t count)
{
    struct sock_filter code[6 * MOST_FAULTS + 1];
    struct sock_fprog program = {0, code};
    size_t i;

    MUST(count <= MOST_FAULTS ? 0 : -1);
    for (i = 0; i < count; i++) {
        const struct fault *fault = &faults[i];
        /* Arguments are 64 bits wide; only the low half is compared. */
        unsigned low = offsetof(struct seccomp_data, args) + 8u * fault->arg +
                       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
        struct sock_filter one[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)fault->call, 0, 4),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
            BPF_STMT(BPF_ALU | BPF_AND | BPF_K, fault->mask),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fault->value, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)fault->error),
        };

        memcpy(code + program.len, one, sizeof one);
        program.len += sizeof one / sizeof *one;
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
    /*
     * Checks that the filter works. The arguments are invalid, so that a call that is not filtered has no
     * effect, and valgrind does not execute it.
     */
    for (i = 0; i < count && !under_valgrind(); i++)
        if (faults[i].mask == 0)
            check_at(syscall(faults[i].call, -1L, -1L, -1L, -1L, -1L, -1L) == -1 &&
                         errno == faults[i].error, __LINE__, "system call %d: %s",
                     faults[i].call, strerror(errno));
}

/* Makes the call end the calling thread or process, depending on `action`. */
static inline void end_at(unsigned call, unsigned action)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

struct faulty {
    const struct fault *faults;
    size_t count;
    void (*body)(void *arg);
    void *arg;
};

static inline void *run_faulty(void *arg)
{
    struct faulty *faulty = arg;

    install_faults(faulty->faults, faulty->count);
    faulty->body(faulty->arg);
    return NULL;
}

/*
 * Calls the function while these system calls fail. The function runs on its own thread, since a seccomp
 * filter cannot be removed; so the caller can check the result without the faults.
 */
static inline void
with_faults(const struct fault *faults, size_t count, void (*body)(void *arg), void *arg)
{
    struct faulty faulty = {faults, count, body, arg};
    pthread_t thread;

    need_seccomp();
    if (!can_fail_here(faults, count))
        skip("valgrind could not go on without these calls");
    threads_of_ours++;
    MUST(-pthread_create(&thread, NULL, run_faulty, &faulty));
    MUST(-pthread_join(thread, NULL));
    threads_of_ours--;
}

/* The same, with the faults listed after the argument. */
#define WITH_FAULTS(body, arg, ...)                                               \
    do {                                                                          \
        const struct fault faults_[] = {__VA_ARGS__};                             \
                                                                                  \
        with_faults(faults_, sizeof faults_ / sizeof *faults_, (body), (arg));    \
    } while (0)

#endif
