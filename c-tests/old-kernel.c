/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 *
 * Runs a program as on an older kernel: newer system calls fail as they do where they are unknown. Only
 * the result of a call can be simulated. What an old kernel does differently without being asked (pidfds
 * without their own file system, statx without MOUNT_ROOT) cannot.
 *
 *   old-kernel LACK... -- PROGRAM ARGUMENTS    LACK is one of those below, or "all"
 *   old-kernel --list
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOL_NETLINK 270
#define NETLINK_GET_STRICT_CHK 12
#define SO_NETNS_COOKIE 71
#define PIDFD_THREAD 0200 /* O_EXCL */

/* The first system call with the same number on all architectures, pidfd_send_signal, was added in Linux
   5.1. */
#define FIRST_OF_5_1 424

/* Which calls fail: those numbered from `first` to `last`, if an argument is between `low` and `high`
   under `mask`. */
struct lack {
    const char *name;
    unsigned first, last;
    int error;
    unsigned argument, mask, low, high;
};

#define CALL(name, error) #name, SYS_##name, SYS_##name, (error), 0, 0, 0, 0
#define CALL_WITH(call, error, argument, mask, low, high) \
    SYS_##call, SYS_##call, (error), (argument), (mask), (low), (high)

static const struct lack lacks[] = {
    {"everything-of-5.1", FIRST_OF_5_1, 4095, ENOSYS, 0, 0, 0, 0},
    {CALL(pidfd_send_signal, ENOSYS)}, /* 5.1 */
    {CALL(open_tree, ENOSYS)},         /* 5.2 */
    {CALL(move_mount, ENOSYS)},        /* 5.2 */
    {CALL(clone3, ENOSYS)},            /* 5.3 */
    {CALL(pidfd_open, ENOSYS)},        /* 5.3 */
    {CALL(openat2, ENOSYS)},           /* 5.6 */
    {CALL(pidfd_getfd, ENOSYS)},       /* 5.6 */
    {CALL(faccessat2, ENOSYS)},        /* 5.8 */
    {CALL(close_range, ENOSYS)},       /* 5.9 */
    {CALL(mount_setattr, ENOSYS)},     /* 5.12 */
    /* 6.8, with statmount. The numbers are the same on all architectures; older headers lack them. */
    {"listmount", 457, 458, ENOSYS, 0, 0, 0, 0},
    /* 6.19, likewise. */
    {"listns", 470, 470, ENOSYS, 0, 0, 0, 0},
    /* 4.11, but it reports mount points only from 5.8 on. */
    {CALL(statx, ENOSYS)},
    /* nsfs has handles from 6.18 on. A kernel built without file handles has none at all. */
    {CALL(name_to_handle_at, EOPNOTSUPP)},
    {"file-handles", SYS_name_to_handle_at, SYS_open_by_handle_at, ENOSYS, 0, 0, 0, 0},
    /* 4.20 */
    {"strict-netlink", CALL_WITH(setsockopt, ENOPROTOOPT, 2, ~0u, NETLINK_GET_STRICT_CHK,
                                 NETLINK_GET_STRICT_CHK)},
    /* 5.14 */
    {"netns-cookie", CALL_WITH(getsockopt, ENOPROTOOPT, 2, ~0u, SO_NETNS_COOKIE, SO_NETNS_COOKIE)},
    /* 6.9 */
    {"pidfd-thread", CALL_WITH(pidfd_open, EINVAL, 1, PIDFD_THREAD, PIDFD_THREAD, PIDFD_THREAD)},
    /* 6.11: from PIDFD_GET_CGROUP_NAMESPACE on. */
    {"pidfd-ioctls", CALL_WITH(ioctl, ENOTTY, 1, 0xffff, 0xff01, 0xffff)},
    /* 6.11: those after NS_GET_OWNER_UID, including NS_GET_ID of 6.18. */
    {"nsfs-ioctls", CALL_WITH(ioctl, ENOTTY, 1, 0xffff, 0xb705, 0xb7ff)},
};

#define COUNT (sizeof lacks / sizeof *lacks)
#define INSTRUCTIONS 8 /* per lack */

static struct sock_filter code[COUNT * INSTRUCTIONS + 1];
static unsigned short used;

static void forbid(const struct lack *lack)
{
    /* The arguments are compared by their low half. */
    unsigned low = offsetof(struct seccomp_data, args) + 8 * lack->argument +
                   (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
    const struct sock_filter one[INSTRUCTIONS] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, lack->first, 0, 6),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, lack->last, 5, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, lack->mask),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, lack->low, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, lack->high, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)lack->error),
    };

    memcpy(code + used, one, sizeof one);
    used += INSTRUCTIONS;
}

static int forbid_by_name(const char *name)
{
    int found = 0;

    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(name, "all") == 0 || strcmp(name, lacks[i].name) == 0) {
            forbid(&lacks[i]);
            found = 1;
        }
    return found;
}

/* Without PR_SET_NO_NEW_PRIVS where the kernel allows that, so that set-user-ID programs keep working. */
static int install(void)
{
    struct sock_fprog program = {used, code};

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int main(int argc, char **argv)
{
    int i;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t lack = 0; lack < COUNT; lack++)
            puts(lacks[lack].name);
        puts("all");
        return 0;
    }
    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (used > (COUNT - 1) * INSTRUCTIONS || !forbid_by_name(argv[i])) {
            fprintf(stderr, "old-kernel: no such lack, or named twice: %s\n", argv[i]);
            return 2;
        }
    if (i + 1 >= argc) {
        fprintf(stderr, "usage: old-kernel LACK... -- PROGRAM ARGUMENTS\n");
        return 2;
    }
    code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (install() < 0) {
        perror("old-kernel: seccomp");
        return 77;
    }
    execvp(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return 127;
}
