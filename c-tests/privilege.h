/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Drops privileges irrevocably on the calling thread. */
#ifndef NETNS_TEST_PRIVILEGE_H
#define NETNS_TEST_PRIVILEGE_H

#include "test.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>

/* An unprivileged user of the machine. */
#define NOBODY 65534

/* Drops one capability irrevocably, on the calling thread only. */
static inline void drop_capability(int capability)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    MUST(syscall(SYS_capget, &head, data));
    data[capability / 32].effective &= ~(1u << capability % 32);
    data[capability / 32].permitted &= ~(1u << capability % 32);
    MUST(syscall(SYS_capset, &head, data));
}

/* Gives up every capability that is not among these, for good, on the calling thread only. */
static inline void keep_capabilities(uint64_t these)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    MUST(syscall(SYS_capget, &head, data));
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(these >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    MUST(syscall(SYS_capset, &head, data));
}

/* Takes a capability out of effect, or puts it back into effect. */
static inline void effective(int capability, bool on)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    MUST(syscall(SYS_capget, &head, data));
    data[capability / 32].effective &= ~(1u << capability % 32);
    if (on)
        data[capability / 32].effective |= 1u << capability % 32;
    MUST(syscall(SYS_capset, &head, data));
}

/* The process becomes an unprivileged user's that may still write its own ID maps. */
static inline void become_plain_user(void)
{
    /* In a user namespace with only one mapped user there is no other user to become. */
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0)
        skip("needs real root");
    MUST(setresuid(NOBODY, NOBODY, NOBODY));
    MUST(prctl(PR_SET_DUMPABLE, 1));
}

/* Like `unshare -Urm`, with further namespaces if requested: the process becomes root of a new user
   namespace. */
static inline void enter_user_namespace(int more)
{
    char uid_map[64], gid_map[64];

    snprintf(uid_map, sizeof uid_map, "0 %u 1", geteuid());
    snprintf(gid_map, sizeof gid_map, "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more) < 0)
        skip("no user namespaces");
    write_map("/proc/self/setgroups", "deny");
    write_map("/proc/self/uid_map", uid_map);
    write_map("/proc/self/gid_map", gid_map);
}

/* The same, with an empty run directory. */
static inline void enter_user_namespace_with_run_directory(int more)
{
    enter_user_namespace(more);
    MUST(mount("netns-test", "/run", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/run/netns", 0755));
    MUST(mount("netns-test", "/run/netns", "tmpfs", 0, "mode=755"));
}

#endif
