/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libnetns in place of iproute2's lib/namespace.c: its functions under their own names. They behave
 * as iproute2's do, and print on stderr what those print, each line with one write(2); each says
 * where it differs. Like all of the library they are no cancellation points, but for what a callback
 * does. netns_errmsg() of netns.h tells of their failures too.
 *
 * A program that was linked with lib/namespace.o is linked with -lnetns instead, and its sources stay
 * as they are. Where the file namespace.h that they include is to go as well, one of a single line
 * does in its place:
 *
 *     #include <libnetns/netns-iproute2.h>
 *
 * (after libnetlink.h, if the program has it). In libnetns.a these functions are weak: a program
 * that defines some of them itself links all the same, and calls its own.
 *
 * The names are in /run/netns, which netns_foreach() calls /var/run/netns, also in a program that is
 * built with another NETNS_RUN_DIR. An iproute2 that is built for another directory keeps its own
 * lib/namespace.c: its add would make names in one directory, and its exec look in the other.
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

/* The same directory as iproute2's /var/run/netns. */
#ifndef NETNS_RUN_DIR
#define NETNS_RUN_DIR "/run/netns"
#endif

/* Files of /etc/netns/NAME stand in for those of /etc in the namespace NAME. */
#ifndef NETNS_ETC_DIR
#define NETNS_ETC_DIR "/etc/netns"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * iproute2's connection, of which only what it begins with is known here: int fd, a socket of
 * NETLINK_ROUTE. libnetlink.h of iproute2 says what more there is; none of it is read or written.
 */
struct rtnl_handle;

/**
 * Takes the calling thread into a namespace, one way, as `ip netns exec` does before it becomes the
 * program: into a mount namespace of its own, which sees what its parent mounts and shows it nothing,
 * with a /sys of the network namespace, and with what is in /etc/netns/NAME over what is in /etc.
 * Unlike with iproute2, what is mounted below /sys (cgroups, bpf, tracefs ...) stays, a /sys that
 * was read-only stays so, where there is no /sys it is done without, and a symbolic link in /etc is
 * covered itself, as by netns_exec(). The thread's root and working directory become its own.
 *
 * netns  a name in NETNS_RUN_DIR, which may be a symbolic link. It is not changed.
 *
 * Returns 0, after printing for each file that has no place in /etc
 *   Bind /etc/netns/NAME/FILE -> /etc/FILE failed: ERROR
 * or -1 with errno as the kernel has it, or EINVAL if netns is NULL, after printing one of
 *   Cannot open network namespace "NAME": ERROR
 *   setting the network namespace "NAME" failed: ERROR
 *   unshare failed: ERROR
 *   "mount --make-rslave /" failed: ERROR
 *   mount of /sys failed: ERROR
 * After one of the last three the thread is in the namespace and has no way back: end it, as with
 * iproute2. netns_exec() and netns_spawn() of netns.h leave no thread like that.
 *
 * Since 1.0.
 */
int netns_switch(char *netns);

/**
 * Opens a network namespace.
 *
 * name  without a '/' a name in NETNS_RUN_DIR, with one a path. If that cannot be opened and name is
 *       the decimal number of a process, that process's namespace. Symbolic links are followed.
 *
 * Returns a descriptor, which is yours to close(2), or -1 with errno as open(2) has it, EINVAL if
 * name is NULL, ENOMEM. Prints nothing. What was opened is not looked at: setns(2) says EINVAL of
 * what is no network namespace. Close-on-exec, which iproute2's is not.
 *
 * Since 1.0.
 */
int netns_get_fd(const char *name);

/**
 * Calls func(nsname, arg) for each entry of NETNS_RUN_DIR but "." and "..", in the directory's own
 * order, until func returns something else than 0. An entry may be anything: netns_list() knows
 * which are namespaces.
 *
 * func    gets names as they were when netns_foreach() was called, and may do to them, to the
 *         directory and to the thread what it likes. What it does not return from (longjmp(3),
 *         pthread_exit(3), a C++ exception) costs the memory of the names, and no descriptor.
 * arg     is passed to func.
 *
 * Returns 0, also if func ended it or the directory does not exist, or -1 with errno as opendir(3)
 * has it, after printing
 *   Failed to open directory /var/run/netns: ERROR
 * or EINVAL if func is NULL.
 *
 * Since 1.0.
 */
int netns_foreach(int (*func)(char *nsname, void *arg), void *arg);

/**
 * Tells the id that the namespace of a socket has for another namespace.
 *
 * rtnl  begins with the socket's descriptor, as iproute2's does. The request goes out by it, with a
 *       sequence number of its own, whether it waits or not; what lies unread in it is thrown away.
 *       Nothing else of the structure is read or written.
 * name  as for netns_get_fd().
 *
 * Returns the id; or -1 if there is none, or if name cannot be opened, which errno tells; or -2 with
 * errno as the kernel has it, after printing one of
 *   Error: the kernel's own words, if the socket has NETLINK_EXT_ACK.
 *   RTNETLINK answers: ERROR
 *   Cannot talk to rtnetlink: ERROR
 *   netlink receive error ERROR (ERRNO)
 * It prints nothing where a pointer is NULL (EINVAL).
 *
 * Since 1.0.
 */
int netns_id_from_name(struct rtnl_handle *rtnl,
                       const char *name);

/**
 * Gives a namespace an id in the namespace of a socket.
 *
 * rtnl, name  as for netns_id_from_name().
 * nsid        the id; a negative one lets the kernel pick.
 *
 * Returns 0, or what netns_id_from_name() does for a failure, after printing what that prints. -2
 * with errno EEXIST: it has an id already, or another namespace has this one; EPERM: CAP_NET_ADMIN
 * is missing.
 *
 * Since 1.0.
 */
int set_netns_id_from_name(struct rtnl_handle *rtnl, const char *name, int nsid);

/**
 * Finds the name of the namespace that the calling thread's namespace has this id for: of several
 * names the first in the directory's order.
 *
 * Returns the name, which is yours to free(3), or NULL, after printing what netns_foreach() and, for
 * each entry that the kernel has no id of because it is no namespace, netns_id_from_name() print; or
 *   Cannot open netlink socket: ERROR
 *
 * Since 1.0.
 */
char *netns_name_from_id(int32_t id);

#ifdef __cplusplus
}
#endif

#endif  /* NETNS_IPROUTE2_H */
