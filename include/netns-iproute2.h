/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The functions of iproute2's lib/namespace.c, under their own names. They behave as iproute2's do,
 * and print the same messages on stderr, each line with a single write(2); the comments below name
 * the differences. Like the rest of the library they are not cancellation points, except for what a
 * callback does. netns_errmsg() of netns.h describes their failures too.
 *
 * A program that is linked with lib/namespace.o links with -lnetns instead, with its sources
 * unchanged. To replace the namespace.h that they include as well, use a file of this single line:
 *
 *     #include <libnetns/netns-iproute2.h>
 *
 * (after libnetlink.h, if the program has it). In libnetns.a these functions are weak: a program
 * that defines some of them itself still links, and calls its own.
 *
 * The names are in /run/netns, which the message of netns_foreach() calls /var/run/netns, even in a
 * program that is built with another NETNS_RUN_DIR. Do not link an iproute2 that is built for another
 * run directory with this library: its add would create names in one directory, and its exec would
 * look for them in the other.
 *
 * This file is generated from the comments in src/iproute2.rs; do not edit it.
 */

#ifndef NETNS_IPROUTE2_H
#define NETNS_IPROUTE2_H

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The run directory: the same one as iproute2's /var/run/netns. */
#ifndef NETNS_RUN_DIR
#define NETNS_RUN_DIR "/run/netns"
#endif

/* In the network namespace NAME, files of /etc/netns/NAME replace those of /etc. */
#ifndef NETNS_ETC_DIR
#define NETNS_ETC_DIR "/etc/netns"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iproute2's connection to rtnetlink. This library only knows that it begins with int fd, a
 * NETLINK_ROUTE socket. iproute2's libnetlink.h defines the rest, which is neither read nor
 * written.
 */
struct rtnl_handle;

/**
 * Moves the calling thread to a network namespace for good, as `ip netns exec` does before it
 * executes the program. The thread gets a mount namespace of its own, which receives the mounts of
 * its parent and propagates none. In it, /sys shows the network namespace, and the files of
 * /etc/netns/NAME are bind-mounted over those of /etc.
 *
 * Unlike iproute2's, it keeps the file systems mounted below /sys (cgroups, bpf, tracefs ...),
 * keeps a read-only /sys read-only, does without /sys if there is none, and mounts over a symbolic
 * link in /etc itself, like netns_exec(). The thread's root and working directory become its own.
 *
 * netns  a name in NETNS_RUN_DIR, which may be a symbolic link. The string is not modified.
 *
 * Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
 * caller's own.
 *
 * Returns 0, after printing for each file that has no counterpart in /etc
 *   Bind /etc/netns/NAME/FILE -> /etc/FILE failed: ERROR
 * or -1 with errno set by the kernel, or to EINVAL if netns is NULL, after printing one of
 *   Cannot open network namespace "NAME": ERROR
 *   setting the network namespace "NAME" failed: ERROR
 *   unshare failed: ERROR
 *   "mount --make-rslave /" failed: ERROR
 *   mount of /sys failed: ERROR
 * After one of the last three the thread is in the network namespace and cannot switch back: end
 * it, as with iproute2. netns_exec() and netns_spawn() of netns.h leave no such thread.
 *
 * Since 1.0.
 */
int netns_switch(char *netns);

/**
 * Opens a network namespace.
 *
 * name  a name in NETNS_RUN_DIR, or a path if it contains a '/'. If that cannot be opened and name
 *       is the decimal ID of a process, opens that process's network namespace. Symbolic links are
 *       followed.
 *
 * Capabilities: none for a file that the caller may read; for the network namespace of a process
 * that the caller may not inspect, CAP_SYS_PTRACE over the process.
 *
 * Returns a descriptor, which the caller has to close(2), or -1 with errno as set by open(2),
 * EINVAL if name is NULL, or ENOMEM. Prints nothing. The file's type is not checked: setns(2)
 * fails with EINVAL for a file that is not a network namespace. Unlike iproute2's, the descriptor
 * is close-on-exec.
 *
 * Since 1.0.
 */
int netns_get_fd(const char *name);

/**
 * Calls func(nsname, arg) for each entry of NETNS_RUN_DIR except "." and "..", in directory order,
 * until func returns a value other than 0. An entry can be any file: netns_list() lists network
 * namespaces only.
 *
 * func  gets the names as they were when netns_foreach() was called. It may modify them, the
 *       directory and the calling thread. If it does not return (longjmp(3), pthread_exit(3), a
 *       C++ exception), the memory of the names is leaked, but no descriptor.
 * arg   passed to func.
 *
 * Capabilities: none.
 *
 * Returns 0, also if func ended the iteration or the directory does not exist; or -1 with errno as
 * set by opendir(3), after printing
 *   Failed to open directory /var/run/netns: ERROR
 * or -1 with errno set to EINVAL if func is NULL.
 *
 * Since 1.0.
 */
int netns_foreach(int (*func)(char *nsname, void *arg), void *arg);

/**
 * Returns the nsid that a socket's network namespace has assigned to another network namespace.
 *
 * rtnl  begins with the socket's descriptor, as iproute2's structure does. The call sends a
 *       request on it with a sequence number of its own, whether the socket is blocking or not,
 *       and discards unread messages. It does not read or write the rest of the structure.
 * name  as for netns_get_fd().
 *
 * Capabilities: as for netns_get_fd(), which can require CAP_SYS_PTRACE.
 *
 * Returns the nsid; or -1 if there is none, or if name cannot be opened, in which case errno says why; or -2
 * with errno set by the kernel, after printing one of
 *   Error: the kernel's extended ack message, if the socket has NETLINK_EXT_ACK.
 *   RTNETLINK answers: ERROR
 *   Cannot talk to rtnetlink: ERROR
 *   netlink receive error ERROR (ERRNO)
 * It prints nothing if a pointer is NULL (EINVAL).
 *
 * Since 1.0.
 */
int netns_id_from_name(struct rtnl_handle *rtnl,
                       const char *name);

/**
 * Assigns an nsid to a network namespace, in a socket's network namespace.
 *
 * rtnl, name  as for netns_id_from_name().
 * nsid        the nsid; with a negative value the kernel chooses one.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the socket's network namespace; and
 * as for netns_get_fd(), which can require CAP_SYS_PTRACE.
 *
 * Returns 0, or on failure what netns_id_from_name() does, after printing the same. -2 with errno
 * EEXIST: the network namespace has an nsid already, or this nsid is assigned to another one;
 * EPERM: a capability is missing (see Capabilities).
 *
 * Since 1.0.
 */
int set_netns_id_from_name(struct rtnl_handle *rtnl, const char *name, int nsid);

/**
 * Returns the name of the network namespace to which the calling thread's has assigned an nsid; of
 * several names, the first in directory order.
 *
 * Capabilities: none; without CAP_SYS_PTRACE over it, the network namespace of a process that the
 * caller may not inspect is skipped.
 *
 * Returns the name, which the caller has to free(3), or NULL, after printing what netns_foreach()
 * prints and, for each entry that is not a network namespace, what netns_id_from_name() prints for
 * the kernel's error; or
 *   Cannot open netlink socket: ERROR
 *
 * Since 1.0.
 */
char *netns_name_from_id(int32_t id);

#ifdef __cplusplus
}
#endif

#endif  /* NETNS_IPROUTE2_H */
