/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libnetns: Linux network namespaces, for C (C89 and later) and C++. See netns(7).
 *
 *     #include <libnetns/netns.h>
 *
 * Errors. A function that can fail returns an int or a ssize_t: a value that is not negative on
 * success, and -errno on failure. On failure errno has the same value, and netns_errmsg() describes
 * in one line what failed and what to do about it. On success errno is not changed. Arguments that
 * receive a result are written on success only. No function fails with EINTR: an interrupted system
 * call is restarted. A bug in the library returns -ENOTRECOVERABLE.
 *
 * Side effects. Every descriptor is close-on-exec. No function prints, exits, forks (except
 * netns_spawn()), leaves a thread behind (some start a helper thread and wait for it), installs a
 * signal handler, or changes the environment or the working directory.
 *
 * Threads. All functions may be called from any thread, and none from a signal handler. A handle may
 * be used by several threads at once, but not while one of them releases it. No function is a
 * cancellation point; as with nearly every function, a thread that calls one must not have
 * asynchronous cancellation enabled.
 *
 * Structures. A structure that the caller passes begins with its size and is initialized with
 * NETNS_..._INIT; later versions add members at its end. All other types are opaque.
 *
 * Handles. A handle holds an open descriptor of its network namespace. If the program has closed it,
 * or the calling thread has a descriptor table that lacks it, every call that uses the network
 * namespace fails with -EBADF.
 *
 * Capabilities. Each function's comment says which capabilities it requires, and in which user
 * namespace. A network or mount namespace is owned by the user namespace in which it was created,
 * see user_namespaces(7).
 *
 * This file is generated from the comments in src/; do not edit it.
 */

#ifndef NETNS_H
#define NETNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The version of this header; netns_version() returns the version of the library. */
#define NETNS_VERSION "1.0.0"
#define NETNS_VERSION_MAJOR 1
#define NETNS_VERSION_MINOR 0
#define NETNS_VERSION_PATCH 0
/* To compare with in the preprocessor: 0xMMmmpp. */
#define NETNS_VERSION_NUMBER \
    ((NETNS_VERSION_MAJOR << 16) | (NETNS_VERSION_MINOR << 8) | NETNS_VERSION_PATCH)

/* The default run directory, which contains the names; /var/run/netns is the same directory. The
   macro is also defined by iproute2's namespace.h. */
#ifndef NETNS_RUN_DIR
#define NETNS_RUN_DIR "/run/netns"
#endif

/* The compiler warns if the result of a function declared with this macro is ignored. To disable these
   warnings, define it as empty before including this header. */
#ifndef NETNS_NODISCARD
#if defined(__cplusplus) && __cplusplus >= 201703L
#define NETNS_NODISCARD [[nodiscard]]
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define NETNS_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define NETNS_NODISCARD __attribute__((__warn_unused_result__))
#else
#define NETNS_NODISCARD
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Types ----------------------------------------------------------------------------------- */

/**
 * A network namespace: an open descriptor, and the name and path that it was opened by. It is
 * immutable, may be used from any thread and from several at once, and keeps the network namespace
 * alive, whatever happens to its name. Release it with netns_close().
 *
 * It holds one descriptor, netns_fd(). The first call that needs rtnetlink in the network
 * namespace (nsids, interfaces, addresses, routes) opens a second one, an rtnetlink socket; after
 * fork(2), a child opens a socket of its own. Both are close-on-exec. The program may close the
 * socket between two calls, as daemons do that close every descriptor they do not know: the
 * library uses or closes a descriptor as the socket only if its SO_COOKIE proves that it is.
 * netns_fd() must stay open, also in a thread that has a descriptor table of its own (unshare(2)
 * with CLONE_FILES) and uses the handle. netns_close() closes whichever of the two the calling
 * thread's table has, and no other file. Since 1.0.
 */
struct netns;

/**
 * A snapshot of the addresses of a network namespace's interfaces. It does not change. Free it
 * with netns_addr_list_free(). Since 1.0.
 */
struct netns_addr_snapshot;

/**
 * A snapshot of what keeps a network namespace alive. It does not change. Free it with
 * netns_holder_list_free(). Since 1.0.
 */
struct netns_holder_snapshot;

/**
 * A snapshot of the interfaces of a network namespace, sorted by index. It does not change. Free
 * it with netns_link_list_free(). Since 1.0.
 */
struct netns_link_snapshot;

/**
 * Watches a run directory for names added and removed. It holds an epoll(7), an inotify(7) and a
 * timerfd_create(2) descriptor, and two of /proc/PID/mountinfo while another program is creating a
 * name. Release it with netns_monitor_close(). Since 1.0.
 */
struct netns_monitor;

/**
 * A snapshot of the names in a run directory, sorted bytewise. It does not change. Free it with
 * netns_list_free(). Since 1.0.
 */
struct netns_name_snapshot;

/**
 * A snapshot of the nsids that a network namespace has assigned to peer network namespaces, in
 * ascending order. It does not change. Free it with netns_nsid_list_free(). Since 1.0.
 */
struct netns_nsid_snapshot;

/**
 * A snapshot of the routes of a network namespace. It does not change. Free it with
 * netns_route_list_free(). Since 1.0.
 */
struct netns_route_snapshot;

/* --- Lifecycle ------------------------------------------------------------------------------- */

/**
 * For netns_create(): if the name exists, open it instead of failing.
 */
#define NETNS_CREATE_EXIST_OK 1

/**
 * For netns_create(): the loopback interface is up when the call returns.
 */
#define NETNS_CREATE_LO_UP 2

/**
 * For netns_create(): do not wait for another process; fail with EAGAIN instead.
 */
#define NETNS_CREATE_NOWAIT 4

/**
 * For netns_remove(): succeed if the name does not exist.
 */
#define NETNS_REMOVE_MISSING_OK 1

/**
 * Creates a network namespace and, unless name is NULL, binds it to that name in NETNS_RUN_DIR.
 * The name appears only when it can be opened. A stale name is taken over.
 *
 * name   at most 255 bytes, without '/', and neither "." nor "..". NULL creates an anonymous
 *        network namespace, which lives as long as its handle, a socket in it or a thread in it.
 * flags  0, or a bitwise OR of:
 *        NETNS_CREATE_EXIST_OK: if the name exists, open it. If another process is creating it,
 *        wait until it can be opened, at most 10 seconds.
 *        NETNS_CREATE_LO_UP: bring up lo.
 *        NETNS_CREATE_NOWAIT: do not wait. The call fails with EAGAIN if another process holds the
 *        run directory's lock or is creating the name, with and without NETNS_CREATE_EXIST_OK.
 * out    receives a handle; release it with netns_close(). May be NULL if name is not.
 *
 * The calling thread's network namespace does not change: the call switches it to the new network
 * namespace and back. If the thread could not switch back (in a user namespace that does not own
 * the thread's network namespace, for example), a helper thread does the work, and has ended when
 * the call returns.
 *
 * The run directory is created if it does not exist, and made a shared mount point. If another
 * process holds its flock(2) lock, the call waits for it at most one second, and then continues
 * without it.
 *
 * An empty file on which nothing is mounted in this mount namespace counts as a stale name:
 * immediately if this library created the file, after 10 seconds if another program did. Its
 * creator was killed, or the name is live in another mount namespace that has the same directory
 * without mount propagation to this one, as in a container with the host's /run/netns. The new
 * network namespace is bound on that very file, so a name in another mount namespace is not
 * affected. A file that has several links, or that belongs to a user other than root, the caller
 * and the directory's owner, is not taken over.
 *
 * A symbolic link is never taken over, and its target is never created: the call fails with
 * EEXIST, even if the link is stale. With NETNS_CREATE_EXIST_OK it opens the network namespace
 * that the link leads to if netns_open() follows the link, and fails with ENOTTY if the link is
 * stale.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, to create the network namespace,
 * and in the user namespace that owns the mount namespace, to bind the name. With
 * NETNS_CREATE_LO_UP also CAP_NET_ADMIN in the user namespace that owns the network namespace. To
 * open an existing name with NETNS_CREATE_EXIST_OK: none, unless NETNS_CREATE_LO_UP is set, which
 * then requires what netns_socket() requires, and CAP_NET_ADMIN.
 *
 * Returns 0, or
 *   -EINVAL     name is invalid, a flag is unknown, or both name and out are NULL
 *   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
 *   -EEXIST     the name exists, or another process is creating it, or its file cannot be taken
 *               over
 *   -ENOTTY     with NETNS_CREATE_EXIST_OK: the name exists and is not a network namespace
 *   -EPERM      a capability is missing (see Capabilities), or the run directory belongs to
 *               another mount namespace, as after chroot(2) into one
 *   -EACCES     the run directory belongs to another user
 *   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or is a dangling symbolic
 *               link
 *   -ENOENT     also, before Linux 5.12: /proc is not mounted
 *   -EROFS      the run directory is on a read-only file system
 *   -ENOSPC     the limit on network namespaces or mounts is reached, or the file system is full
 *   -EAGAIN     cannot start a helper thread; or other processes keep creating and removing the
 *               name or the run directory; or, with NETNS_CREATE_NOWAIT, the call would have to
 *               wait for another process
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in the network namespace
 * On failure, no name, mount or descriptor is left behind.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_create(const char *name, uint32_t flags, struct netns **out);

/**
 * netns_create() in a custom run directory.
 *
 * rundir  created, with its parents, if it does not exist, and made a shared mount point. It
 *         should be on a local file system. A relative path is relative to the working directory,
 *         now and when the path that netns_path() returns is used. NULL means NETNS_RUN_DIR.
 *
 * Capabilities: as for netns_create().
 *
 * Returns what netns_create() returns; -EINVAL also if rundir is empty. Since 1.0.
 */
NETNS_NODISCARD
int netns_create_at(const char *rundir,
                    const char *name,
                    uint32_t flags,
                    struct netns **out);

/**
 * Opens a network namespace by its name in NETNS_RUN_DIR or, if name contains a '/', by its path.
 *
 * name   a name, or the path of any file that is a network namespace, such as /proc/PID/ns/net.
 *        Symbolic links in a path are followed. The handle has a name if the path is "/run/netns/"
 *        or "/var/run/netns/" followed by a name, spelled exactly so.
 * flags  0.
 * out    receives a handle; release it with netns_close().
 *
 * A name may be a symbolic link to a network namespace, such as /proc/PID/ns/net. It is followed
 * if the link and the run directory belong to root or the caller, and nobody else can write to the
 * directory. Otherwise the call fails with ENOTTY. A link that leads to no network namespace is a
 * stale name.
 *
 * Capabilities: none; read permission on the file is enough. For /proc/PID/ns/net, what
 * netns_open_pid() requires: CAP_SYS_PTRACE for another user's process. Entering the network
 * namespace requires more, see netns_setns().
 *
 * Returns 0, or
 *   -EINVAL     name is invalid, flags is not 0, or a pointer is NULL
 *   -ENAMETOOLONG  the name is longer than 255 bytes, or the path than 4095
 *   -ENOENT     the name or path does not exist
 *   -ENOTTY     not a network namespace: a regular file, a directory, a namespace of another type,
 *               a symbolic link that leads to none or is not followed, or a name whose creator has
 *               not finished or was killed
 *   -ENOTDIR, -ELOOP  a path component is not a directory, or there are too many symbolic links
 *   -EACCES     no permission to open the path, or the target of a link; for /proc/PID/ns/net,
 *               CAP_SYS_PTRACE is missing
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 * or another errno of open(2) for the path, or for the target of a link.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open(const char *name, uint32_t flags, struct netns **out);

/**
 * netns_open() by name in a custom run directory.
 *
 * rundir  NULL means NETNS_RUN_DIR.
 * name    a name; one that contains a '/' is invalid.
 *
 * Capabilities: as for netns_open().
 *
 * Returns what netns_open() returns, or
 *   -EINVAL     also: rundir is empty
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open_at(const char *rundir,
                  const char *name,
                  uint32_t flags,
                  struct netns **out);

/**
 * Opens the network namespace of a process or thread.
 *
 * pid  as returned by getpid(2) or gettid(2), greater than 0.
 * out  receives a handle; release it with netns_close(). It has no name and no path.
 *
 * Capabilities: CAP_SYS_PTRACE in the process's user namespace for a process of another user, or
 * one with more capabilities than the caller; otherwise none. The access mode is
 * PTRACE_MODE_READ_FSCREDS, see ptrace(2).
 *
 * Returns 0, or
 *   -EINVAL     pid is not greater than 0, or out is NULL
 *   -ESRCH      no such process or thread, or it has ended
 *   -EACCES     the caller may not inspect the process: CAP_SYS_PTRACE is missing
 *   -ENOENT     before Linux 6.11: /proc is not mounted, or belongs to another PID namespace
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open_pid(pid_t pid, struct netns **out);

/**
 * Opens the network namespace that a file descriptor refers to: a descriptor of the network
 * namespace itself, a socket in it, or a pidfd of a process in it.
 *
 * fd   is not changed and stays open; the handle has a descriptor of its own.
 * out  receives a handle; release it with netns_close(). It has no name and no path.
 *
 * Capabilities: none for a descriptor of the network namespace. For a socket: CAP_NET_ADMIN in the
 * user namespace that owns its network namespace. For a pidfd, what netns_open_pid() requires:
 * CAP_SYS_PTRACE for another user's process.
 *
 * Returns 0, or
 *   -EBADF      fd is not open, or is a socket or pidfd opened with O_PATH
 *   -EINVAL     out is NULL
 *   -ENOTTY     fd is none of the three
 *   -ESRCH      the pidfd's process has ended
 *   -ENOENT     /proc is not mounted, and fd is a token of netns_enter(), was opened with O_PATH
 *               or, before Linux 6.11, is a pidfd
 *   -EPERM      fd is a socket, and CAP_NET_ADMIN is missing
 *   -EACCES     fd is a pidfd, and CAP_SYS_PTRACE is missing
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open_fd(int fd, struct netns **out);

/**
 * Opens the calling thread's network namespace.
 *
 * out  receives a handle; release it with netns_close(). It has no name and no path.
 *
 * Capabilities: none if /proc is mounted, or on Linux 6.11 and later. Otherwise CAP_NET_ADMIN in
 * the user namespace that owns the network namespace.
 *
 * Returns 0, or
 *   -EINVAL     out is NULL
 *   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN is missing
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open_current(struct netns **out);

/**
 * Opens a network namespace by its inode number and cookie, as netns_list_all() lists them,
 * whether it has a name or not. On Linux 6.18 and later, one system call opens it by its cookie,
 * even if only a socket in flight between two processes refers to it. Otherwise the call searches
 * the threads, open descriptors and mounts that the caller's /proc shows, as netns_list_all()
 * does.
 *
 * inode   as returned by netns_inode(), not 0.
 * cookie  as returned by netns_cookie(); the network namespace that is opened has this cookie. 0
 *         means that it is not known: the call opens whichever network namespace has the inode
 *         number now, and the kernel may have assigned that to another one.
 * out     receives a handle; release it with netns_close(). It has no name and no path.
 *
 * Capabilities: to open it by its cookie with one system call, CAP_SYS_ADMIN in the user namespace
 * that owns the network namespace; before Linux 6.18, to read the cookie, what netns_socket()
 * requires. To search the processes of other users, CAP_SYS_PTRACE in their user namespaces.
 *
 * Returns 0, or
 *   -EINVAL     inode is 0, or out is NULL
 *   -ENOENT     no network namespace that the caller may inspect has this inode number, or /proc
 *               is not mounted
 *   -ESTALE     a cookie is given, and that network namespace is gone; or the caller has no
 *               CAP_SYS_ADMIN over it and may inspect nothing that refers to it, which the kernel
 *               does not tell apart
 *   -EPERM      a cookie is given, and the network namespace's cannot be read, see netns_cookie()
 *   -EOPNOTSUPP a cookie is given, and the kernel has none: it is older than Linux 5.14
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOBUFS, -EAGAIN, -ENOTRECOVERABLE  before Linux 6.18, with a cookie: as for netns_cookie()
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_open_id(uint64_t inode, uint64_t cookie, struct netns **out);

/**
 * Duplicates a handle: the new one has the same name and path, and descriptors of its own. Either
 * may be closed first.
 *
 * out  receives a handle; release it with netns_close().
 *
 * Returns 0, or
 *   -EINVAL     a pointer is NULL
 *   -EBADF      the program has closed netns_fd(), or the calling thread's descriptor table lacks
 *               it
 *   -EMFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_dup(const struct netns *ns, struct netns **out);

/**
 * Releases a handle and closes its descriptors. The network namespace lives on as long as it has a
 * name, another handle, a socket or a thread in it. NULL is allowed. errno is not changed.
 * Since 1.0.
 */
void netns_close(struct netns *ns);

/**
 * Gives a network namespace one more name in NETNS_RUN_DIR, whoever created it and however it was
 * opened.
 *
 * ns     is not changed: netns_name() returns what it did before.
 * name   as for netns_create().
 * flags  0.
 *
 * The run directory is created and locked, and a stale name is taken over, as by netns_create().
 *
 * Capabilities: CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
 *
 * Returns 0, or
 *   -EINVAL     name is invalid, flags is not 0, or a pointer is NULL
 *   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
 *   -EEXIST     the name exists, or another process is creating it, or its file cannot be taken
 *               over
 *   -EPERM      CAP_SYS_ADMIN is missing, or the run directory belongs to another mount namespace
 *   -EACCES     the run directory belongs to another user
 *   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or is a dangling symbolic
 *               link
 *   -ENOENT     also, before Linux 5.12: /proc is not mounted
 *   -EROFS      the run directory is on a read-only file system
 *   -ENOSPC     the limit on mounts is reached, or the file system is full
 *   -EAGAIN     cannot start the helper thread that creates the run directory; or other processes
 *               keep creating and removing the name or the run directory
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 * On failure, no name, mount or descriptor is left behind.
 *
 * Since 1.0.
 */
int netns_attach(const struct netns *ns, const char *name, uint32_t flags);

/**
 * netns_attach() in a custom run directory, which is created as by netns_create_at(). NULL means
 * NETNS_RUN_DIR.
 *
 * Capabilities: as for netns_attach().
 *
 * Returns what netns_attach() returns; -EINVAL also if rundir is empty. Since 1.0.
 */
int netns_attach_at(const char *rundir, const struct netns *ns, const char *name, uint32_t flags);

/**
 * Removes a name from NETNS_RUN_DIR: every mount on it, however many are stacked, and its file; or
 * the empty file of a stale name, or of a creator that has not finished. The network namespace
 * lives on as long as it has another name, a handle, a socket or a thread in it. The call waits
 * for the run directory's lock as netns_create() does.
 *
 * flags  NETNS_REMOVE_MISSING_OK: succeed if the name does not exist.
 *
 * All mount namespaces that have the directory share the file: when it is unlinked, the kernel
 * unmounts what is mounted on it in all of them. The name is then gone there, too, including one
 * that is stale here and live there.
 *
 * If the name is a symbolic link, only the link is unlinked; its target is left alone. A link that
 * netns_open() does not follow is left alone, and the call fails with ENOTTY.
 *
 * Capabilities: CAP_SYS_ADMIN in the user namespace that owns the mount namespace, to unmount. For
 * a stale name or a symbolic link: none; write permission on the run directory is enough.
 *
 * Returns 0, or
 *   -EINVAL     name is invalid or NULL, or a flag is unknown
 *   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
 *   -ENOENT     the name does not exist
 *   -ENOTTY     not the name of a network namespace: it is left alone; or a network namespace is
 *               mounted on top of something else, which is left alone after the network
 *               namespace's mounts are removed
 *   -EPERM      CAP_SYS_ADMIN is missing, or the mount belongs to a more privileged mount
 *               namespace, or to another one than the calling thread's
 *   -EPERM      also: the file or its directory is immutable, or it is another user's in a sticky
 *               directory; its mounts have been removed
 *   -EACCES     the run directory belongs to another user
 *   -ENOTDIR, -ELOOP  the run directory is not a directory
 *   -EROFS      the run directory is on a read-only file system
 *   -EBUSY      a mount on it is hidden by another mount, and cannot be reached
 *   -EAGAIN, -ENOSPC  cannot start the helper thread that uncovers such a mount, or create its
 *               mount namespace
 *   -EAGAIN     also: other processes keep creating and removing the run directory, or mounting on
 *               the name
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
int netns_remove(const char *name, uint32_t flags);

/**
 * netns_remove() in a custom run directory. The directory is not removed. NULL means
 * NETNS_RUN_DIR.
 *
 * Capabilities: as for netns_remove().
 *
 * Returns what netns_remove() returns; -EINVAL also if rundir is empty. Since 1.0.
 */
int netns_remove_at(const char *rundir, const char *name, uint32_t flags);

/* --- Identity -------------------------------------------------------------------------------- */

/**
 * Returns the handle's descriptor. It is close-on-exec, and can be passed to setns(2) or used as
 * /proc/self/fd/N. It belongs to the handle: do not close it, and do not use it after
 * netns_close().
 *
 * Returns the descriptor, or
 *   -EINVAL     ns is NULL
 *
 * Since 1.0.
 */
int netns_fd(const struct netns *ns);

/**
 * Returns the name that the network namespace was created with or opened by, even if that name has
 * been removed or reused since. The string is valid until the handle is released.
 *
 * Returns NULL if there is no name: the network namespace is anonymous, or was opened by a path
 * that is not that of a name (see netns_open()), by process, by descriptor or as the calling
 * thread's own; or if ns is NULL. Since 1.0.
 */
const char *netns_name(const struct netns *ns);

/**
 * Returns the path that the network namespace was opened by, or that of its name. The string is
 * valid until the handle is released.
 *
 * Returns NULL if there is no path: the network namespace is anonymous, or was opened by process,
 * by descriptor or as the calling thread's own; or if ns is NULL. Since 1.0.
 */
const char *netns_path(const struct netns *ns);

/**
 * Returns the inode number of the network namespace: the N of net:[N], as readlink(1) shows it for
 * /proc/PID/ns/net. Once the network namespace is gone, another one may get the number; a cookie,
 * see netns_cookie(), is not reused.
 *
 * Returns 0 if ns is NULL. Since 1.0.
 */
uint64_t netns_inode(const struct netns *ns);

/**
 * Returns the device number that goes with the inode number, in the format of st_dev in stat(2).
 *
 * Returns 0 if ns is NULL. Since 1.0.
 */
uint64_t netns_device(const struct netns *ns);

/**
 * Gets the cookie of a network namespace, a number that the kernel assigns to no other one until
 * the next boot. It is the value of the socket option SO_NETNS_COOKIE.
 *
 * cookie  receives the cookie.
 *
 * Capabilities: none on Linux 6.18 and later. Before that, the call opens a socket in the network
 * namespace, which requires what netns_socket() requires: CAP_SYS_ADMIN in the caller's own user
 * namespace and in the one that owns the network namespace.
 *
 * Returns 0, or
 *   -EINVAL     a pointer is NULL
 *   -EOPNOTSUPP the kernel has no cookies: it is older than Linux 5.14
 * and before Linux 6.18
 *   -EPERM      CAP_SYS_ADMIN to enter the network namespace is missing
 *   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
 *   -EAGAIN, -ENOTRECOVERABLE  as for netns_socket()
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_cookie(const struct netns *ns, uint64_t *cookie);

/**
 * Compares two handles.
 *
 * Returns 1 if they refer to the same network namespace, and 0 if not, or if one of them is NULL.
 * Since 1.0.
 */
int netns_equal(const struct netns *a, const struct netns *b);

/**
 * Tests whether the calling thread is in the network namespace.
 *
 * Capabilities: as for netns_open_current(): none if /proc is mounted, or on Linux 6.11 and later;
 * otherwise CAP_NET_ADMIN in the user namespace that owns the calling thread's network namespace.
 *
 * Returns 1 if it is, 0 if not, or
 *   -EINVAL     ns is NULL
 *   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN is missing
 *   -EMFILE, -ENFILE, -ENOMEM  /proc is not mounted, and out of file descriptors or memory
 *
 * Since 1.0.
 */
int netns_is_current(const struct netns *ns);

/* --- The calling thread ---------------------------------------------------------------------- */

/**
 * For netns_setns_mounts(): leave /sys alone; it still shows the interfaces that it showed before.
 */
#define NETNS_SETNS_KEEP_SYS 1

/**
 * For netns_setns_mounts(): leave /etc alone; the files of /etc/netns/NAME are not used.
 */
#define NETNS_SETNS_KEEP_ETC 2

/**
 * Moves the calling thread to the network namespace, one way. Sockets that it opens and threads
 * that it starts from then on are in ns; the process's other threads, and sockets that are open
 * already, stay where they are.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
 * owns ns.
 *
 * Returns 0, or
 *   -EINVAL     ns is NULL
 *   -EPERM      CAP_SYS_ADMIN is missing, in one of the two user namespaces
 *   -ENOMEM     out of memory
 * On failure, the calling thread is where it was. Allocates no memory.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_setns(const struct netns *ns);

/**
 * Moves the calling thread to the network namespace, one way, and to a mount namespace of its own,
 * in which /sys shows the network namespace's interfaces and the files of /etc/netns/NAME cover
 * those in /etc, as netns_exec() arranges it for a program. For a daemon that works in ns from
 * then on. The thread's root and working directory are the same directories in the new mount
 * namespace, and are no longer shared: another thread's chdir(2) does not affect them. The
 * process's other threads stay where they are; threads that the calling thread starts from then on
 * are where it is.
 *
 * flags  0, or a bitwise OR of NETNS_SETNS_KEEP_SYS and NETNS_SETNS_KEEP_ETC. With both, the call
 *        is netns_setns(), and the mount namespace stays the same.
 *
 * A helper thread prepares the mount namespace, and the calling thread joins it when it is
 * complete.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
 * owns ns, and CAP_SYS_CHROOT in the caller's own user namespace. With both flags, what
 * netns_setns() requires.
 *
 * Returns 0, or
 *   -EINVAL     ns is NULL, or a flag is unknown; also: the root directory is not a mount point,
 *               as may be the case after chroot(2)
 *   -ENOENT     /proc is not mounted
 *   -EACCES     no permission to read /etc/netns/NAME, or to search the working directory
 *   -EPERM      a capability is missing (see Capabilities), or the user namespace may not mount a
 *               sysfs
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOSPC     the limit on mount namespaces or on mounts is reached
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  the calling thread joined the mount namespace in part only, and cannot
 *               switch back
 * and, for a file of /etc/netns/NAME, another errno of mount(2). After any failure other than
 * -ENOTRECOVERABLE the calling thread is in the namespaces that it was in. Its root and working
 * directory may be its own by then, no longer shared with other threads.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_setns_mounts(const struct netns *ns, uint32_t flags);

/**
 * Moves the calling thread to the network namespace until netns_leave(). Sockets that it opens and
 * threads that it starts in between stay in ns. Calls nest: leave in reverse order.
 *
 * In between, nothing is blocked: a signal handler may run in ns, and setuid(2), setresuid(2) and
 * similar calls in another thread take CAP_SYS_ADMIN from this one, too, which then cannot switch
 * back. Calls that switch internally, such as netns_socket(), hold off both.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
 * ns and, to switch back, in the one that owns the calling thread's current network namespace.
 * Before Linux 6.11, if /proc is not mounted, also CAP_NET_ADMIN in the latter.
 *
 * Returns a token for netns_leave(): a close-on-exec descriptor of the network namespace that the
 * calling thread was in, open with O_APPEND and O_NONBLOCK, by which netns_leave() recognizes it.
 * Or
 *   -EINVAL     ns is NULL
 *   -EPERM      a capability is missing (see Capabilities), to enter or to switch back.
 *               netns_setns() in a thread that ends in ns requires less
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 * On failure, the calling thread is where it was. Allocates no memory.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_enter(const struct netns *ns);

/**
 * Moves the calling thread back to where it was when netns_enter() returned token, and closes the
 * token. A token belongs to the thread that received it, and to a child of fork(2): in another
 * thread, it would move that thread to the first one's network namespace. A descriptor that is not
 * a token, because its number has been reused since the token was closed, is rejected and stays
 * open.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the one that owns the
 * network namespace to return to, as netns_enter() has verified.
 *
 * Returns 0, or
 *   -EBADF      token is not open; the calling thread is where it was
 *   -EINVAL     token was not returned by netns_enter(); the calling thread is where it was
 *   -ENOTRECOVERABLE  cannot switch the calling thread back, because it has lost CAP_SYS_ADMIN
 *               since: it is left in the network namespace that it entered, and the token is still
 *               open
 * Allocates no memory.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_leave(int token);

/**
 * Calls func(arg) with the calling thread in the network namespace, and switches it back.
 *
 * ns      NULL means the calling thread's: func is called and nothing else, and if func switches,
 *         the thread stays there. func may release the handle.
 * func    runs in the calling thread with its signal mask, so signal handlers may run in ns, too.
 *         Threads that it starts stay in ns. pthread_cancel(3) takes effect after netns_run() has
 *         returned. pthread_exit(3) switches the thread back first; longjmp(3) and C++ exceptions
 *         out of func do not, and are not allowed. errno is as func left it. The thread switches
 *         back by one of the process's descriptors: func must not close descriptors that it does
 *         not know.
 * arg     is passed to func.
 * result  receives what func returned. May be NULL.
 *
 * Capabilities: as for netns_enter(): CAP_SYS_ADMIN in the caller's own user namespace, in the
 * user namespace that owns ns, and in the one that owns the calling thread's current network
 * namespace. Before Linux 6.11, if /proc is not mounted, also CAP_NET_ADMIN in the latter. None if
 * ns is NULL.
 *
 * Returns 0, whatever func returned, or
 *   -EINVAL     func is NULL
 *   -EPERM      a capability is missing (see Capabilities), to enter or to switch back; func was
 *               not called
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory; func was not called
 *   -ENOTRECOVERABLE  func was called, but the calling thread cannot be switched back: it is left
 *               where func ended. func has dropped a capability or closed the descriptor to switch
 *               back by, or another thread has called setuid(2)
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_run(const struct netns *ns,
              int (*func)(void *arg),
              void *arg,
              int *result);

/**
 * netns_run() for a thread whose own network namespace the caller keeps open: calls setns(2), func
 * and setns(2) only. It needs no /proc, opens no descriptor and allocates no memory. For daemons
 * that switch often.
 *
 * home                   the network namespace that the calling thread is in, from
 *                        netns_open_current(). The thread is in home afterwards; whether it was
 *                        there before is not checked. func closes neither home nor its descriptor.
 *                        May be NULL if ns is NULL.
 * ns, func, arg, result  as for netns_run().
 *
 * The first call with a handle as home also verifies that a thread can switch to it. That holds
 * for all threads of the process. A process that has changed its user namespace since has to open
 * home again.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
 * ns, and in the one that owns home. None if ns is NULL.
 *
 * Returns 0, whatever func returned, or
 *   -EINVAL     func is NULL, or home is NULL and ns is not
 *   -EPERM      CAP_SYS_ADMIN is missing, in one of the three user namespaces; func was not called
 *   -ENOMEM     out of memory; func was not called
 *   -ENOTRECOVERABLE  func was called, but the calling thread cannot be switched back: it is left
 *               where func ended. func has dropped a capability, another thread has called
 *               setuid(2), or home was closed
 * After any other failure, the calling thread is where it was, provided that this was home.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_run_from(const struct netns *home,
                   const struct netns *ns,
                   int (*func)(void *arg),
                   void *arg,
                   int *result);

/**
 * Opens a socket in the network namespace, as socket(2) does, with close-on-exec set. The socket
 * stays in ns, whichever thread uses it; the calling thread stays where it is.
 *
 * ns                      the network namespace to open the socket in; NULL means the calling
 *                         thread's.
 * domain, type, protocol  as for socket(2); type may include SOCK_NONBLOCK.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
 * owns ns; none if ns is NULL. For a raw or packet socket also CAP_NET_RAW in the user namespace
 * that owns the network namespace, see raw(7) and packet(7).
 *
 * Returns the socket, which the caller has to close(2), or
 *   -EINVAL     as for socket(2)
 *   -EPERM, -EACCES  a capability is missing (see Capabilities), or this type of socket is not
 *               permitted
 *   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as for socket(2)
 *   -EAGAIN     cannot start a helper thread, where one is needed (see netns_create())
 *   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * Allocates no memory, unless it needs the helper thread.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_socket(const struct netns *ns, int domain, int type, int protocol);

/**
 * netns_socket() for a thread whose own network namespace the caller keeps open: calls setns(2),
 * socket(2) and setns(2) only, with all signals blocked. It needs no /proc, opens no other
 * descriptor and allocates no memory. For daemons that open a socket per connection, and for those
 * in a chroot(2).
 *
 * home                        the network namespace that the calling thread is in, from
 *                             netns_open_current(). The thread is in home afterwards; whether it
 *                             was there before is not checked. May be NULL if ns is NULL.
 * ns, domain, type, protocol  as for netns_socket().
 *
 * The first call with a handle as home also verifies that a thread can switch to it. That holds
 * for all threads of the process. A process that has changed its user namespace since has to open
 * home again.
 *
 * Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
 * ns, and in the one that owns home; none if ns is NULL. For a raw or packet socket also
 * CAP_NET_RAW in the user namespace that owns the network namespace.
 *
 * Returns the socket, which the caller has to close(2), or
 *   -EINVAL     as for socket(2); or home is NULL and ns is not
 *   -EPERM, -EACCES  a capability is missing (see Capabilities), or this type of socket is not
 *               permitted
 *   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as for socket(2)
 *   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns. home may have been
 *               closed
 * After any other failure, the calling thread is where it was, provided that this was home.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_socket_from(const struct netns *home,
                      const struct netns *ns,
                      int domain,
                      int type,
                      int protocol);

/* --- Listing --------------------------------------------------------------------------------- */

/**
 * For netns_list(): list stale names, too.
 */
#define NETNS_LIST_STALE 1

/**
 * Lists the names in NETNS_RUN_DIR that are network namespaces at the time of the call, sorted
 * bytewise. A run directory that does not exist has no names. A symbolic link to a network
 * namespace is a name if netns_open() follows it.
 *
 * flags  NETNS_LIST_STALE: list stale names, too, with the inode number 0. netns_create() takes
 *        them over and netns_remove() removes them. One of them may be a live name in another
 *        mount namespace, see netns_create(). A symbolic link that leads to no network namespace
 *        is a stale name, which netns_create() does not take over. If another process holds the
 *        run directory's flock(2) lock, the call waits for it, at most one second.
 * out    receives the list; free it with netns_list_free().
 *
 * Capabilities: none; read permission on the run directory is enough.
 *
 * Returns 0, or
 *   -EINVAL     a flag is unknown, or out is NULL
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
 *   -EACCES     no permission to read the run directory
 *   -EAGAIN     with NETNS_LIST_STALE: other processes keep replacing the run directory
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_list(uint32_t flags, struct netns_name_snapshot **out);

/**
 * netns_list() for a custom run directory. NULL means NETNS_RUN_DIR.
 *
 * Returns what netns_list() returns; -EINVAL also if rundir is empty. Since 1.0.
 */
NETNS_NODISCARD
int netns_list_at(const char *rundir,
                  uint32_t flags,
                  struct netns_name_snapshot **out);

/**
 * Lists every network namespace of the system that the caller can find, with and without a name.
 * It finds those of the names in NETNS_RUN_DIR, and those of threads, open descriptors, and mounts
 * in any mount namespace that has a process, as /proc shows them. On Linux 6.19 and later, it also
 * finds those that the kernel lists itself (listns(2)).
 *
 * Each network namespace is listed once. Those with a name in NETNS_RUN_DIR come first, under the
 * first of their names, sorted bytewise; then those without a name, sorted by inode number, for
 * which netns_list_name() returns an empty string. netns_list_inode() and netns_list_cookie()
 * identify them, and netns_open_id() opens them.
 *
 * What the caller may not inspect is omitted: processes of other users without CAP_SYS_PTRACE,
 * processes that /proc does not show, and, unless the kernel lists it, a network namespace that
 * only a socket refers to.
 *
 * flags  0.
 * out    receives the list; free it with netns_list_free().
 *
 * Capabilities: none for what the caller may inspect. CAP_SYS_PTRACE, in the process's user
 * namespace, for what other users' processes refer to; on Linux 6.19 and later, CAP_SYS_ADMIN in
 * the user namespace that owns it for a network namespace that only the kernel lists.
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, or out is NULL
 *   -ENOENT     /proc is not mounted, and the kernel does not list the network namespaces itself
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
 *   -EACCES     no permission to read the run directory or /proc
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_list_all(uint32_t flags, struct netns_name_snapshot **out);

/**
 * Returns the number of entries of a list, and 0 if list is NULL. Since 1.0.
 */
size_t netns_list_len(const struct netns_name_snapshot *list);

/**
 * Returns the name at index i, counted from 0. The string is valid until the list is freed.
 *
 * Returns NULL if i is past the end, or list is NULL. Since 1.0.
 */
const char *netns_list_name(const struct netns_name_snapshot *list, size_t i);

/**
 * Returns the inode number of the network namespace at index i, as netns_inode() does.
 *
 * Returns 0 for a stale name, or if i is past the end, or list is NULL. Since 1.0.
 */
uint64_t netns_list_inode(const struct netns_name_snapshot *list, size_t i);

/**
 * Returns the cookie of the network namespace at index i, see netns_cookie(). Linux 6.18 and later
 * report it when the list is read.
 *
 * Returns 0 if the cookie is not known: on older kernels, for a stale name, if i is past the end,
 * or if list is NULL; in a list of netns_list_all(), also for a network namespace of which the
 * caller can see only a mount. Since 1.0.
 */
uint64_t netns_list_cookie(const struct netns_name_snapshot *list, size_t i);

/**
 * Frees a list. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_list_free(struct netns_name_snapshot *list);

/**
 * Lists the names of one network namespace in NETNS_RUN_DIR, sorted bytewise. It may have none.
 *
 * flags  0.
 * out    receives the list; free it with netns_list_free().
 *
 * Capabilities: none; read permission on the run directory is enough.
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, or a pointer is NULL
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
 *   -EACCES     no permission to read the run directory
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_names(const struct netns *ns,
                uint32_t flags,
                struct netns_name_snapshot **out);

/**
 * netns_names() for a custom run directory. NULL means NETNS_RUN_DIR.
 *
 * Returns what netns_names() returns; -EINVAL also if rundir is empty. Since 1.0.
 */
NETNS_NODISCARD
int netns_names_at(const char *rundir,
                   const struct netns *ns,
                   uint32_t flags,
                   struct netns_name_snapshot **out);

/* --- Processes ------------------------------------------------------------------------------- */

/**
 * For netns_pids(): list every thread, by its thread ID.
 */
#define NETNS_PIDS_THREADS 1

/**
 * Lists the processes whose main thread is in a network namespace, as the caller's /proc shows
 * them. Processes that the caller has no permission to inspect are left out.
 *
 * ns     the network namespace.
 * flags  0, or NETNS_PIDS_THREADS: list every thread in the network namespace, by its thread ID,
 *        whatever network namespace its main thread is in.
 * pids   receives the first cap IDs in ascending order; may be NULL if cap is 0.
 * cap    the number of elements of pids.
 *
 * Capabilities: none to see the processes that the caller may inspect (PTRACE_MODE_READ, see
 * ptrace(2)); CAP_SYS_PTRACE to see the others, such as those of other users.
 *
 * Returns the number of IDs found; if that is greater than cap, enlarge pids and call again. Or
 *   -EINVAL     ns is NULL, a flag is unknown, or pids is NULL and cap is not 0
 *   -ENOENT     /proc is not mounted, or belongs to another PID namespace
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *
 * Since 1.0.
 */
NETNS_NODISCARD
ssize_t netns_pids(const struct netns *ns, uint32_t flags, pid_t *pids, size_t cap);

/* --- What refers to a network namespace ------------------------------------------------------ */

/**
 * For netns_holder_list_kind(): a thread in the network namespace.
 */
#define NETNS_HOLDER_THREAD 1

/**
 * For netns_holder_list_kind(): an open file descriptor of the network namespace.
 */
#define NETNS_HOLDER_DESCRIPTOR 2

/**
 * For netns_holder_list_kind(): a socket in the network namespace, or an open /dev/net/tun, which
 * has one.
 */
#define NETNS_HOLDER_SOCKET 3

/**
 * For netns_holder_list_kind(): a bind mount of the network namespace.
 */
#define NETNS_HOLDER_MOUNT 4

/**
 * For netns_holder_list_unseen(): the caller has no permission to inspect a process that /proc
 * shows.
 */
#define NETNS_UNSEEN_PROCESSES 1

/**
 * For netns_holder_list_unseen(): there may be processes that the caller's /proc does not show.
 */
#define NETNS_UNSEEN_HIDDEN 2

/**
 * For netns_holder_list_unseen(): the network namespace of some socket could not be determined.
 */
#define NETNS_UNSEEN_SOCKETS 4

/**
 * Lists what keeps a network namespace alive: the threads in it, its open file descriptors, the
 * sockets in it, and its bind mounts in any mount namespace that has a process. The list is sorted
 * by kind, then by process. The file descriptor and the rtnetlink socket of the handle ns itself
 * are not listed.
 *
 * ns     the network namespace.
 * flags  0.
 * out    receives the list; free it with netns_holder_list_free().
 *
 * To find out which network namespace a socket is in, the library duplicates the socket for a
 * moment (pidfd_getfd(2), Linux 5.6). If its process closes it in that moment, the library's
 * close(2) is the last one. A socket without a process is listed with process 0: it is in flight
 * between two processes, or it is a connection that is closed but not finished, or not accepted
 * yet, or it belongs to the kernel, as a tunnel's does.
 *
 * netns_holder_list_unseen() says whether something could not be seen. Only root in the initial
 * PID namespace sees everything. Never listed are bind mounts in mount namespaces that have no
 * process, and references that the kernel holds without an open file.
 *
 * Capabilities: none to see what the caller may inspect. To see everything: CAP_SYS_PTRACE over
 * every process; CAP_SYS_ADMIN in the user namespace that owns the network namespace and in the
 * caller's own, to list its sockets; and CAP_NET_ADMIN in the user namespace that owns the network
 * namespace of an open /dev/net/tun or, before Linux 5.14, of a socket.
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, or a pointer is NULL
 *   -ENOENT     /proc is not mounted, or belongs to another PID namespace
 *   -EACCES     the caller has no permission to read /proc
 *   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_holder_list(const struct netns *ns,
                      uint32_t flags,
                      struct netns_holder_snapshot **out);

/**
 * Returns the number of holders in a list; 0 if list is NULL. Since 1.0.
 */
size_t netns_holder_list_len(const struct netns_holder_snapshot *list);

/**
 * Returns the kind of the i-th holder: NETNS_HOLDER_THREAD, NETNS_HOLDER_DESCRIPTOR,
 * NETNS_HOLDER_SOCKET or NETNS_HOLDER_MOUNT. Later versions may add kinds; ignore unknown ones.
 *
 * Returns 0 if i is out of range, or if list is NULL. Since 1.0.
 */
int netns_holder_list_kind(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns the process ID of the i-th holder; for a bind mount, that of a process in the mount
 * namespace that has it.
 *
 * Returns 0 for a socket without a process, if i is out of range, or if list is NULL. Since 1.0.
 */
pid_t netns_holder_list_pid(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns the thread ID of the i-th holder: the thread that is in the network namespace; for a
 * file descriptor or socket, a thread whose descriptor table has it; for a bind mount, a thread in
 * the mount namespace that has it.
 *
 * Returns 0 where netns_holder_list_pid() does. Since 1.0.
 */
pid_t netns_holder_list_tid(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns the descriptor number, in its process, of the file descriptor or socket that is the i-th
 * holder.
 *
 * Returns -1 if there is none, as for a thread, a bind mount and a socket without a process; if i
 * is out of range; or if list is NULL. Since 1.0.
 */
int netns_holder_list_fd(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns the mount point of the bind mount that is the i-th holder, as its process sees it. The
 * string is valid until netns_holder_list_free().
 *
 * Returns NULL if the holder is of another kind, if i is out of range, or if list is NULL.
 * Since 1.0.
 */
const char *netns_holder_list_path(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns the name of the program that the thread of the i-th holder runs, as in /proc/PID/comm.
 * The string is valid until netns_holder_list_free().
 *
 * Returns NULL if the name is not known, if i is out of range, or if list is NULL. Since 1.0.
 */
const char *netns_holder_list_program(const struct netns_holder_snapshot *list, size_t i);

/**
 * Returns what could not be seen and may also keep the network namespace alive: a bitwise OR of
 * NETNS_UNSEEN_PROCESSES, NETNS_UNSEEN_HIDDEN and NETNS_UNSEEN_SOCKETS.
 *
 * Returns 0 if nothing that the call looks for was hidden from it, or if list is NULL. Since 1.0.
 */
uint32_t netns_holder_list_unseen(const struct netns_holder_snapshot *list);

/**
 * Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_holder_list_free(struct netns_holder_snapshot *list);

/* --- Sysctls --------------------------------------------------------------------------------- */

/**
 * Reads a sysctl of a network namespace, such as net.ipv4.ip_forward. The calling thread's network
 * namespace does not change.
 *
 * ns     the network namespace to act in; NULL means the calling thread's.
 * name   as for sysctl(8): "net.ipv4.ip_forward" or "net/ipv4/ip_forward". Write a dot in an
 *        interface's name as a slash if dots separate ("net.ipv4.conf.eth0/10.forwarding"), and as
 *        it is if slashes do ("net/ipv4/conf/eth0.10/forwarding"). The name has to begin with net,
 *        because other sysctls do not belong to a network namespace. The initial network namespace
 *        also has system-wide sysctls under net; in others they are missing or read-only.
 * value  receives the value without the trailing newline, truncated to fit, and a terminating NUL;
 *        may be NULL if size is 0.
 * size   the size of value in bytes.
 *
 * Capabilities: none if ns is NULL, except what the sysctl itself requires. With a handle, even of
 * the calling thread's network namespace: CAP_SYS_ADMIN, in the user namespace that owns the
 * network namespace and in the caller's own.
 *
 * Returns the length of the whole value without the NUL; if that is not less than size, the value
 * was truncated. Or
 *   -EINVAL     name is NULL or not the name of a sysctl, or value is NULL and size is not 0
 *   -ENAMETOOLONG  name is longer than 255 bytes
 *   -ENOENT     the network namespace has no such sysctl, name does not begin with net, or /proc
 *               or /proc/sys is not mounted
 *   -EISDIR     name names a directory of sysctls, such as "net.ipv4"
 *   -EACCES     the sysctl cannot be read, or not by the caller
 *   -EIO        the sysctl has no value yet, such as net.ipv6.conf.all.stable_secret
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
NETNS_NODISCARD
ssize_t netns_sysctl_get(const struct netns *ns,
                         const char *name,
                         char *value,
                         size_t size);

/**
 * Sets a sysctl of a network namespace. The calling thread's network namespace does not change.
 *
 * ns, name  as for netns_sysctl_get().
 * value     the value, written with a trailing newline in a single write(2).
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace; root in the
 * initial user namespace can set without it the sysctls that do not check for it themselves, as
 * net.ipv4.ip_forward does since Linux 5.15. With a handle, even of the calling thread's network
 * namespace, also CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
 * caller's own.
 *
 * Returns 0, or
 *   -EINVAL     name or value is NULL, name is not the name of a sysctl, or the kernel rejects the
 *               value. If only the beginning of the value is valid, the kernel may have stored
 *               that
 *   -E2BIG      value is longer than 4094 bytes
 *   -ENAMETOOLONG, -ENOENT, -EISDIR  as for netns_sysctl_get(); -ENOENT also if what the value
 *               names does not exist
 *   -EACCES     the sysctl cannot be written, or not in this network namespace, or not by the
 *               caller
 *   -EROFS      /proc/sys is mounted read-only, as in containers
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns, and the value may
 *               be set
 * or another errno of write(2) for the value.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_sysctl_set(const struct netns *ns, const char *name, const char *value);

/* --- Nsids of peer network namespaces -------------------------------------------------------- */

/**
 * For netns_nsid_set(): let the kernel choose the lowest free nsid.
 */
#define NETNS_NSID_AUTO (-1)

/**
 * For netns_nsid_list(): no target. Also returned instead of an nsid where there is none.
 */
#define NETNS_NSID_NONE (-1)

/**
 * Returns the nsid assigned to a peer network namespace: the number that the kernel shows in its
 * place, such as the link-netnsid of a veth whose peer is in it.
 *
 * within  the network namespace that the nsid is valid in; NULL means the calling thread's.
 * ns      the peer network namespace.
 *
 * The first call with a handle as within opens an rtnetlink socket in its network namespace (see
 * netns_link_add()).
 *
 * Capabilities: none if within is the calling thread's network namespace. Opening the rtnetlink
 * socket of within in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
 * in the caller's own (see netns_link_add()).
 *
 * Returns the nsid, which is 0 or greater, or
 *   -EINVAL     ns is NULL
 *   -ENODATA    ns has no nsid in within. netns_nsid_set() assigns one; the kernel does when an
 *               interface is moved to ns or has its peer there
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
 *
 * Since 1.0.
 */
int netns_nsid_get(const struct netns *within, const struct netns *ns);

/**
 * Assigns an nsid to a peer network namespace. The nsid lasts as long as both network namespaces;
 * it cannot be changed or deleted.
 *
 * within  the network namespace that the nsid is valid in; NULL means the calling thread's.
 * ns      the peer network namespace.
 * nsid    0 or greater, or NETNS_NSID_AUTO.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace of within.
 * Opening the rtnetlink socket of within in a network namespace that the calling thread is not in
 * also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns the nsid, or
 *   -EINVAL     ns is NULL, or nsid is less than NETNS_NSID_AUTO
 *   -EEXIST     ns has an nsid already, or nsid is assigned to another network namespace: the
 *               kernel's extended ack message in netns_errmsg() says which
 *   -EPERM      a capability is missing (see Capabilities)
 *   -ENOSPC     no nsid is free
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
 *
 * Since 1.0.
 */
int netns_nsid_set(const struct netns *within, const struct netns *ns, int32_t nsid);

/**
 * Returns the nsid assigned to a peer network namespace; if there is none, the kernel assigns the
 * lowest free one. Concurrent callers get the same nsid.
 *
 * within  the network namespace that the nsid is valid in; NULL means the calling thread's.
 * ns      the peer network namespace.
 *
 * Capabilities: none if ns has an nsid; CAP_NET_ADMIN in the user namespace that owns the network
 * namespace of within to assign one. Opening the rtnetlink socket of within in a network namespace
 * that the calling thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns the nsid, which is 0 or greater, or
 *   -EINVAL     ns is NULL
 *   -EPERM      a capability is missing (see Capabilities)
 *   -ENOSPC     ns has no nsid, and none is free
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
 *
 * Since 1.0.
 */
int netns_nsid_ensure(const struct netns *within, const struct netns *ns);

/**
 * Lists the nsids that a network namespace has assigned to its peers, in ascending order, with the
 * names of the peers.
 *
 * rundir  the run directory to look for names in, if there is an nsid; NULL means NETNS_RUN_DIR. A
 *         directory that does not exist contains no names.
 * within  the network namespace whose nsids to list; NULL means the calling thread's.
 * target  NETNS_NSID_NONE, or an nsid in within: then the call lists the nsids of the network
 *         namespace with that nsid, as seen from within.
 * flags   0.
 * out     receives the list; free it with netns_nsid_list_free().
 *
 * The call takes about 4 us for each name in rundir, unless there is no nsid to find a name for,
 * and more with thousands of nsids, because the kernel walks through them for each name.
 *
 * Linux from 6.10 to at least 6.18 lists no more than about 1,150 nsids, the lowest ones, and no
 * more than about 900 of a target. Above that, the call finds the nsids of network namespaces with
 * a name in rundir, and those that follow them without a gap greater than 64; none of a target.
 *
 * Capabilities: none to list the nsids of the calling thread's network namespace. Opening the
 * rtnetlink socket of within in another one requires CAP_SYS_ADMIN, in the user namespace that
 * owns it and in the caller's own (see netns_link_add()). With a target, the calling thread, and
 * the thread that opened the socket when it did so, need CAP_NET_ADMIN in the user namespace that
 * owns the target.
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, rundir is empty, target is less than NETNS_NSID_NONE or is not an
 *               nsid in within, or out is NULL
 *   -EACCES     the caller has no permission to read rundir, or has no CAP_NET_ADMIN over the
 *               target (see Capabilities)
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EOPNOTSUPP the kernel cannot list the nsids of a target: it is older than Linux 5.0
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
 *   -EAGAIN     the nsids change faster than the kernel can list them; or cannot start a helper
 *               thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_nsid_list(const char *rundir,
                    const struct netns *within,
                    int32_t target,
                    uint32_t flags,
                    struct netns_nsid_snapshot **out);

/**
 * Returns the number of nsids in a list; 0 if list is NULL. Since 1.0.
 */
size_t netns_nsid_list_len(const struct netns_nsid_snapshot *list);

/**
 * Returns the i-th nsid, counting from 0; NETNS_NSID_NONE if i is out of range, or if list is
 * NULL. Since 1.0.
 */
int32_t netns_nsid_list_id(const struct netns_nsid_snapshot *list, size_t i);

/**
 * For a list of a target's nsids: returns the nsid that the network namespace with the i-th nsid
 * has in within.
 *
 * Returns NETNS_NSID_NONE if it has none there, if the list is not one of a target's nsids, if i
 * is out of range, or if list is NULL. Since 1.0.
 */
int32_t netns_nsid_list_current(const struct netns_nsid_snapshot *list, size_t i);

/**
 * Returns the name of the network namespace with the i-th nsid; of several names, the first
 * bytewise. The string is valid until netns_nsid_list_free(). In a list of a target's nsids, only
 * network namespaces that have an nsid in within have names.
 *
 * Returns NULL if there is no name, if i is out of range, or if list is NULL. Since 1.0.
 */
const char *netns_nsid_list_name(const struct netns_nsid_snapshot *list, size_t i);

/**
 * Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_nsid_list_free(struct netns_nsid_snapshot *list);

/* --- Interfaces ------------------------------------------------------------------------------ */

/**
 * Moves an interface to another network namespace and, if newname is given, renames it there.
 *
 * from     the network namespace that the interface is in; NULL means the calling thread's.
 * ifname   the interface's name, or one of its alternative names.
 * to       the network namespace to move it to; netns_open_current() opens the calling thread's.
 *          If the interface is in it already, it is only renamed.
 * newname  the new name; NULL keeps the name.
 *
 * After a move the interface is down, has lost its addresses and routes, and may have another
 * index. When a network namespace ends, its physical interfaces return to the initial network
 * namespace and its virtual interfaces are deleted.
 *
 * The first call with a handle opens an rtnetlink socket in its network namespace; for to, only if
 * newname is not NULL. The handle keeps the socket until netns_close().
 *
 * Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
 * the rtnetlink socket of from, and of to if newname is not NULL, in a network namespace that the
 * calling thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname or to is NULL; a name is empty, ".", "..", "all" or "default", or contains
 *               '/', ':', '%', white space or the byte 0xa0; or the interface cannot leave its
 *               network namespace (lo, a bridge ...): netns_errmsg() has the kernel's extended ack
 *               message
 *   -ENAMETOOLONG  a name is longer than 15 bytes
 *   -ENODEV     from has no interface of that name
 *   -EEXIST     to has another interface of the name that this one keeps or is to get, or newname
 *               is an alternative name of this interface
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EBUSY      the interface is in use, or, before Linux 6.2, is in to already and up
 *   -EOPNOTSUPP the driver does not support the move
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in from or to
 * On failure the interface is in from under its old name. It is otherwise unchanged, except if
 * another program created an interface named newname in to during the call: then it was moved
 * there and back, and has lost its addresses.
 *
 * Since 1.0.
 */
int netns_link_move(const struct netns *from,
                    const char *ifname,
                    const struct netns *to,
                    const char *newname);

/**
 * Creates an interface of a kind that takes no parameters, such as "bridge", "ifb" or "dummy". The
 * new interface is down.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the new interface's name, 1 to 15 bytes.
 * kind    as in `ip link add type KIND`. "veth", "macvlan" and "vlan" are rejected: use
 *         netns_veth_add(), netns_macvlan_add() or netns_vlan_add().
 *
 * The first call with a handle, of this function or of any below that acts on interfaces,
 * addresses or routes, opens an rtnetlink socket in its network namespace. The handle keeps the
 * socket until netns_close(), and later calls use it without a switch. In a child of fork(2), the
 * first call opens a socket of the child's own.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. A call that
 * has to open the rtnetlink socket in a network namespace that the calling thread is not in also
 * requires CAP_SYS_ADMIN, in that user namespace and in the caller's own. Usually that is only the
 * first call with a handle; a call also opens a socket while another thread uses the handle's.
 *
 * Returns 0, or
 *   -EINVAL     a pointer other than ns is NULL, ifname is an invalid name (see
 *               netns_link_move()), or kind is empty, longer than 55 bytes or takes parameters:
 *               "veth", "macvlan" and "vlan" have functions of their own
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -EEXIST     ns has an interface of that name
 *   -EOPNOTSUPP the kernel does not support this kind of interface, or cannot load its module
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * or another errno of the kind's driver.
 *
 * Since 1.0.
 */
int netns_link_add(const struct netns *ns, const char *ifname, const char *kind);

/**
 * Creates a veth pair. Each end is created in its own network namespace, by a single request to
 * the kernel: on failure neither exists. Both ends are down.
 *
 * ns, ifname            the network namespace and the name of one end; NULL for ns means the
 *                       calling thread's.
 * peer_ns, peer_ifname  the same for its peer. Both may be in one network namespace.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
 * the rtnetlink socket of ns (never that of peer_ns) in a network namespace that the calling
 * thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     a name is NULL or invalid (see netns_link_move())
 *   -ENAMETOOLONG  a name is longer than 15 bytes
 *   -EEXIST     one of the network namespaces has an interface of the name that its end is to get
 *   -EOPNOTSUPP the kernel does not support veth
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_veth_add(const struct netns *ns,
                   const char *ifname,
                   const struct netns *peer_ns,
                   const char *peer_ifname);

/**
 * Creates a macvlan: an interface with a link-layer address of its own on top of a parent
 * interface, which may be in another network namespace. The new interface is down.
 *
 * ns, ifname         the network namespace to create it in, and its name; NULL for ns means the
 *                    calling thread's.
 * parent_ns, parent  the network namespace and the name of the parent interface; NULL for
 *                    parent_ns means the calling thread's.
 * mode               "private", "vepa", "bridge" or "passthru": how macvlans of the same parent
 *                    communicate. NULL selects the kernel's default, "vepa", in which they
 *                    communicate only if an external switch reflects the frames. "bridge" suits
 *                    most uses.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
 * the rtnetlink socket of parent_ns (never that of ns) in a network namespace that the calling
 * thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     a name is NULL or invalid (see netns_link_move()); mode is unknown; or the parent
 *               supports no macvlan, as lo does not, or no other beside one in "passthru" mode
 *   -ENAMETOOLONG  a name is longer than 15 bytes
 *   -ENODEV     parent_ns has no interface of the parent's name
 *   -EEXIST     ns has an interface of that name, or, before Linux 6.15, parent_ns has
 *   -EBUSY      the parent is in use otherwise, for example as a port of a bridge
 *   -EOPNOTSUPP the kernel does not support macvlan
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in parent_ns
 *
 * Since 1.0.
 */
int netns_macvlan_add(const struct netns *ns,
                      const char *ifname,
                      const struct netns *parent_ns,
                      const char *parent,
                      const char *mode);

/**
 * Creates a VLAN interface (IEEE 802.1Q), which sends and receives the frames of a parent
 * interface that carry one tag. The parent may be in another network namespace. The new interface
 * is down.
 *
 * ns, ifname         the network namespace to create it in, and its name; NULL for ns means the
 *                    calling thread's.
 * parent_ns, parent  the network namespace and the name of the parent interface; NULL for
 *                    parent_ns means the calling thread's.
 * id                 the VLAN ID, 0 to 4094.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
 * the rtnetlink socket of parent_ns (never that of ns) in a network namespace that the calling
 * thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     a name is NULL or invalid (see netns_link_move()), or id is greater than 4094
 *   -ENAMETOOLONG  a name is longer than 15 bytes
 *   -ENODEV     parent_ns has no interface of the parent's name
 *   -EEXIST     ns has an interface of that name, or, before Linux 6.15, parent_ns has; or the
 *               parent has a VLAN of that id
 *   -EOPNOTSUPP the kernel does not support VLANs, or the parent does not
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in parent_ns
 *
 * Since 1.0.
 */
int netns_vlan_add(const struct netns *ns,
                   const char *ifname,
                   const struct netns *parent_ns,
                   const char *parent,
                   uint16_t id);

/**
 * Deletes an interface; of a veth pair also its peer, in whatever network namespace that is.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname is NULL or an invalid name (see netns_link_move())
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -EOPNOTSUPP the interface cannot be deleted: lo, or a hardware interface
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_link_del(const struct netns *ns, const char *ifname);

/**
 * Brings an interface up. One that is up already stays up.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname is NULL or an invalid name (see netns_link_move())
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -ENETDOWN   the interface is a VLAN, and its parent is down
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * or another errno of the interface's driver.
 *
 * Since 1.0.
 */
int netns_link_up(const struct netns *ns, const char *ifname);

/**
 * Brings an interface down. The kernel removes its IPv6 addresses and the routes through it. One
 * that is down already stays down.
 *
 * ns, ifname  as for netns_link_up().
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or what netns_link_up() returns. Since 1.0.
 */
int netns_link_down(const struct netns *ns, const char *ifname);

/**
 * Sets an interface's MTU, the size in bytes of the largest packet that it transmits. With an MTU
 * below 1280 the interface loses its IPv6 addresses, below 68 its IPv4 addresses too.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 * mtu     the MTU.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname is NULL or an invalid name (see netns_link_move()), or the interface does
 *               not support this MTU
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -ERANGE     the interface is a VLAN, and its parent's MTU is smaller
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * or another errno of the interface's driver.
 *
 * Since 1.0.
 */
int netns_link_set_mtu(const struct netns *ns, const char *ifname, uint32_t mtu);

/**
 * Sets an interface's link-layer address.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 * lladdr  hexadecimal bytes separated by colons, such as "02:00:5e:10:00:01".
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname is NULL or an invalid name (see netns_link_move()), or lladdr is NULL, not
 *               a link-layer address, or not as long as the interface's
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -EADDRNOTAVAIL  no interface may have this address: it is multicast or all zeros
 *   -EADDRINUSE the interface is a macvlan, and another macvlan of its parent has the address
 *   -EBUSY      the interface has to be down for this
 *   -EOPNOTSUPP the address of an interface of this kind cannot be set
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_link_set_address(const struct netns *ns, const char *ifname, const char *lladdr);

/**
 * Makes an interface a port of a bridge, a bond or another master in the same network namespace. A
 * port of another master leaves that one first; if the new master rejects it, the library puts it
 * back.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 * master  the master's name; NULL makes the interface leave its master, if it has one.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname is NULL, a name is invalid (see netns_link_move()), or the interface cannot
 *               be a port, as lo cannot
 *   -ENAMETOOLONG  a name is longer than 15 bytes
 *   -ENODEV     ns has no interface of one of the names
 *   -EBUSY      the interface is in use otherwise, for example as the parent of a macvlan
 *   -ELOOP      the interface is a bridge, which cannot be a port of another bridge
 *   -EOPNOTSUPP master cannot have ports
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_link_set_master(const struct netns *ns, const char *ifname, const char *master);

/**
 * Lists the interfaces of a network namespace, sorted by index. The list is consistent: if
 * interfaces change while the kernel reports them, the library asks again.
 *
 * ns     the network namespace to act in; NULL means the calling thread's.
 * flags  0; no flag is defined.
 * out    receives the list; free it with netns_link_list_free().
 *
 * Capabilities: none to list the calling thread's network namespace. Opening the handle's
 * rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
 * in the caller's own (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, or out is NULL
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     the interfaces change faster than the kernel can list them; or cannot start a
 *               helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_link_list(const struct netns *ns,
                    uint32_t flags,
                    struct netns_link_snapshot **out);

/**
 * Returns the number of interfaces in a list; 0 if list is NULL. Since 1.0.
 */
size_t netns_link_list_len(const struct netns_link_snapshot *list);

/**
 * Returns the name of the i-th interface; NULL if i is out of range. Like all strings of a list,
 * it is valid until netns_link_list_free(). Since 1.0.
 */
const char *netns_link_list_name(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's index; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_link_list_index(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's kind, such as "veth" or "bridge"; NULL for lo and hardware
 * interfaces, or if i is out of range. Since 1.0.
 */
const char *netns_link_list_kind(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's MTU in bytes; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_link_list_mtu(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's flags, a bitwise OR of IFF_UP, IFF_RUNNING, IFF_LOOPBACK ... of
 * <net/if.h>; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_link_list_flags(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's operational state: "up", "down", "unknown", "lowerlayerdown",
 * "dormant", "notpresent" or "testing"; NULL if i is out of range. Since 1.0.
 */
const char *netns_link_list_state(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the i-th interface's link-layer address, such as "02:00:5e:10:00:01"; NULL if it has
 * none, or if i is out of range. Since 1.0.
 */
const char *netns_link_list_address(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the index of the bridge, bond or other master that the i-th interface is a port of; 0 if
 * it is not a port, or if i is out of range. Since 1.0.
 */
uint32_t netns_link_list_master(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the index of the i-th interface's peer, if it is a veth, or of its parent, if it is a
 * macvlan or VLAN; 0 if there is none, or if i is out of range. Since 1.0.
 */
uint32_t netns_link_list_peer(const struct netns_link_snapshot *list, size_t i);

/**
 * Returns the nsid (see netns_nsid_get()), in the listed network namespace, of the one that
 * contains the interface of netns_link_list_peer(); -1 if they are the same network namespace, if
 * there is no peer, or if i is out of range. Since 1.0.
 */
int32_t netns_link_list_peer_nsid(const struct netns_link_snapshot *list, size_t i);

/**
 * Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_link_list_free(struct netns_link_snapshot *list);

/* --- Addresses ------------------------------------------------------------------------------- */

/**
 * For netns_addr_add_flags(): make an IPv6 address usable at once. Without it, the kernel first
 * spends a second or two on duplicate address detection.
 */
#define NETNS_ADDR_NODAD 1

/**
 * Adds an IP address to an interface: netns_addr_add_flags() without flags.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 * cidr    the address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64". Without a
 *         prefix length, the address alone (/32, /128).
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname or cidr is NULL, ifname is an invalid name (see netns_link_move()), cidr is
 *               not an address, or it is an IPv6 address and the interface's MTU is below 1280,
 *               the least that IPv6 requires
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -EEXIST     the interface has this address already; an IPv6 address, with any prefix length
 *   -EACCES     IPv6 is disabled on the interface
 *   -EADDRNOTAVAIL  the interface cannot have this address: "0.0.0.0", "::", an IPv6 multicast
 *               address, or "::1" on an interface other than lo
 *   -EOPNOTSUPP the kernel does not support IPv6
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -ENOBUFS    also, for an IPv4 address: the interface's MTU is below 68, the least that IPv4
 *               requires
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_addr_add(const struct netns *ns, const char *ifname, const char *cidr);

/**
 * Adds an IP address to an interface.
 *
 * ns, ifname, cidr  as for netns_addr_add().
 * flags             0 or NETNS_ADDR_NODAD, which has no effect for IPv4.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     also: a flag is unknown
 * and what netns_addr_add() returns. Since 1.0.
 */
int netns_addr_add_flags(const struct netns *ns,
                         const char *ifname,
                         const char *cidr,
                         uint32_t flags);

/**
 * Deletes an address from an interface. Deleting the primary address of an IPv4 network also
 * deletes its secondary addresses, unless net.ipv4.conf.IFNAME.promote_secondaries is set.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * ifname  the interface's name.
 * cidr    the address as it was added, with the same prefix length. An address that another
 *         program added together with a peer address is not found.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     ifname or cidr is NULL, ifname is an invalid name (see netns_link_move()), or cidr
 *               is not an address
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -EADDRNOTAVAIL  the interface does not have this address
 *   -EOPNOTSUPP the kernel does not support IPv6
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_addr_del(const struct netns *ns, const char *ifname, const char *cidr);

/**
 * Lists the IP addresses of the interfaces of a network namespace: IPv4 before IPv6, grouped by
 * interface. The list is consistent: if addresses change while the kernel reports them, the
 * library asks again.
 *
 * ns     the network namespace to act in; NULL means the calling thread's.
 * flags  0; no flag is defined.
 * out    receives the list; free it with netns_addr_list_free().
 *
 * Capabilities: none to list the calling thread's network namespace. Opening the handle's
 * rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
 * in the caller's own (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     flags is not 0, or out is NULL
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     the addresses change faster than the kernel can list them; or cannot start a
 *               helper thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_addr_list(const struct netns *ns,
                    uint32_t flags,
                    struct netns_addr_snapshot **out);

/**
 * Returns the number of addresses in a list; 0 if list is NULL. Since 1.0.
 */
size_t netns_addr_list_len(const struct netns_addr_snapshot *list);

/**
 * Returns the i-th address as a string, such as "192.0.2.1"; NULL if i is out of range. Like all
 * strings of a list, it is valid until netns_addr_list_free(). Since 1.0.
 */
const char *netns_addr_list_address(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the i-th address's prefix length in bits; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_addr_list_prefix(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the i-th address's family, AF_INET or AF_INET6; 0 if i is out of range. Since 1.0.
 */
int netns_addr_list_family(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the index of the interface that has the i-th address; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_addr_list_index(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the name of the interface that has the i-th address; NULL if the interface was deleted
 * while the list was made, or if i is out of range. Since 1.0.
 */
const char *netns_addr_list_ifname(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the i-th address's scope: RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK, RT_SCOPE_HOST ... of
 * <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_addr_list_scope(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the i-th address's label, which IPv4 addresses have: the interface's name, optionally
 * followed by a colon and more; NULL if there is none, or if i is out of range. Since 1.0.
 */
const char *netns_addr_list_label(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the i-th address's flags, a bitwise OR of IFA_F_PERMANENT, IFA_F_TENTATIVE ... of
 * <linux/if_addr.h>; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_addr_list_flags(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the peer address of the i-th address, if it is a point-to-point address; NULL if there
 * is none, or if i is out of range. Since 1.0.
 */
const char *netns_addr_list_peer(const struct netns_addr_snapshot *list, size_t i);

/**
 * Returns the broadcast address of the i-th address's network; NULL if there is none, or if i is
 * out of range. Since 1.0.
 */
const char *netns_addr_list_broadcast(const struct netns_addr_snapshot *list, size_t i);

/**
 * Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_addr_list_free(struct netns_addr_snapshot *list);

/* --- Routes ---------------------------------------------------------------------------------- */

/**
 * For netns_route_list(): list the routes of all tables, not only those of the main table.
 */
#define NETNS_ROUTE_LIST_ALL_TABLES 1

/**
 * Adds a route to the main table.
 *
 * ns      the network namespace to act in; NULL means the calling thread's.
 * dst     the destination: a network ("192.0.2.0/24"), a host ("192.0.2.1", "2001:db8::1") or
 *         "default", which is IPv6 if via is, and IPv4 otherwise.
 * via     the gateway's address; NULL: the destination is on the interface's own link. An IPv4
 *         route may have an IPv6 gateway since Linux 5.2; older kernels add it without the gateway
 *         and report success.
 * ifname  the interface's name; NULL: the interface through which the gateway is reached. Either
 *         via or ifname is required.
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     dst is NULL; via and ifname are both NULL; dst or via is not an address; ifname is
 *               an invalid name; dst has bits beyond its prefix length; or via cannot be the
 *               gateway of such a route, as "0.0.0.0" and "::" never can
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name, or its MTU is too small: below 68, or for IPv6
 *               below 1280
 *   -EEXIST     there is a route to dst already
 *   -EACCES     IPv6 is disabled on the interface
 *   -ENETUNREACH  the gateway cannot be reached directly: the interface needs an address in the
 *               gateway's network, and has to be up
 *   -EHOSTUNREACH  the same for an IPv6 gateway
 *   -ENETDOWN   the interface is down
 *   -EOPNOTSUPP, -EAFNOSUPPORT  the kernel does not support IPv6
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_route_add(const struct netns *ns, const char *dst, const char *via, const char *ifname);

/**
 * Deletes a route from the main table: the first one that matches the arguments, whichever program
 * added it.
 *
 * ns, dst, via, ifname  as for netns_route_add().
 *
 * Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
 * handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
 * CAP_SYS_ADMIN (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     as for netns_route_add()
 *   -ENAMETOOLONG  ifname is longer than 15 bytes
 *   -ENODEV     ns has no interface of that name
 *   -ESRCH      no route matches
 *   -EOPNOTSUPP the kernel does not support IPv6
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -EAGAIN     cannot start a helper thread (see netns_create())
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 *
 * Since 1.0.
 */
int netns_route_del(const struct netns *ns, const char *dst, const char *via, const char *ifname);

/**
 * Lists the routes of a network namespace: IPv4 before IPv6, in the kernel's order. A multipath
 * route has an entry for each nexthop. The list is consistent: if routes change while the kernel
 * reports them, the library asks again; but if an IPv6 route is deleted meanwhile, Linux may skip
 * another one without reporting it.
 *
 * ns     the network namespace to act in; NULL means the calling thread's.
 * flags  0 for the main table, or NETNS_ROUTE_LIST_ALL_TABLES.
 * out    receives the list; free it with netns_route_list_free().
 *
 * Capabilities: none to list the calling thread's network namespace. Opening the handle's
 * rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
 * in the caller's own (see netns_link_add()).
 *
 * Returns 0, or
 *   -EINVAL     a flag is unknown, or out is NULL
 *   -EPERM      a capability is missing (see Capabilities)
 *   -EAGAIN     the routes change faster than the kernel can list them; or cannot start a helper
 *               thread (see netns_create())
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
 *   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
 *   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_route_list(const struct netns *ns,
                     uint32_t flags,
                     struct netns_route_snapshot **out);

/**
 * Returns the number of routes in a list; 0 if list is NULL. Since 1.0.
 */
size_t netns_route_list_len(const struct netns_route_snapshot *list);

/**
 * Returns the i-th route's destination, such as "192.0.2.0/24" or "default"; NULL if i is out of
 * range. Like all strings of a list, it is valid until netns_route_list_free(). Since 1.0.
 */
const char *netns_route_list_dst(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the i-th route's family, AF_INET or AF_INET6; 0 if i is out of range. Since 1.0.
 */
int netns_route_list_family(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the address of the i-th route's gateway; NULL if there is none, or if i is out of range.
 * Since 1.0.
 */
const char *netns_route_list_via(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the index of the i-th route's interface; 0 if there is none, or if i is out of range.
 * Since 1.0.
 */
uint32_t netns_route_list_index(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the name of the i-th route's interface; NULL if there is none, if it was deleted while
 * the list was made, or if i is out of range. Since 1.0.
 */
const char *netns_route_list_ifname(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the i-th route's metric; of several routes to one destination, the lowest metric wins. 0
 * if i is out of range. Since 1.0.
 */
uint32_t netns_route_list_metric(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the i-th route's table: RT_TABLE_MAIN (254), RT_TABLE_LOCAL (255) ... of
 * <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_route_list_table(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the i-th route's origin: RTPROT_KERNEL (2), RTPROT_BOOT (3) ... of <linux/rtnetlink.h>;
 * 0 if i is out of range. Since 1.0.
 */
uint32_t netns_route_list_protocol(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the scope of the i-th route's destination: RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK ... of
 * <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
 */
uint32_t netns_route_list_scope(const struct netns_route_snapshot *list, size_t i);

/**
 * Returns the i-th route's type: RTN_UNICAST (1), RTN_BLACKHOLE ... of <linux/rtnetlink.h>; 0 if i
 * is out of range. Since 1.0.
 */
uint32_t netns_route_list_type(const struct netns_route_snapshot *list, size_t i);

/**
 * Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_route_list_free(struct netns_route_snapshot *list);

/* --- Monitor --------------------------------------------------------------------------------- */

/**
 * For netns_monitor_open(): report the names that exist first, as NETNS_EVENT_ADD.
 */
#define NETNS_MONITOR_SNAPSHOT 1

/**
 * A name was added: it can be opened.
 */
#define NETNS_EVENT_ADD 1

/**
 * A name that could be opened was removed, or now belongs to another network namespace; in that
 * case NETNS_EVENT_ADD follows.
 */
#define NETNS_EVENT_REMOVE 2

/**
 * What netns_monitor_next() reports. Initialize it with NETNS_EVENT_INIT: size has to be
 * sizeof(struct netns_event) at each call. Later versions may add members at the end. A library
 * older than the header sets members that it does not know to zero.
 */
struct netns_event {
    /**
     * The size of the structure that the caller was compiled with.
     */
    uint32_t size;
    /**
     * NETNS_EVENT_ADD or NETNS_EVENT_REMOVE. Later versions may add others; ignore unknown ones.
     */
    uint32_t type;
    /**
     * The name, NUL-terminated.
     */
    char name[256];
    /**
     * The inode number of the network namespace that the name now belongs to, or belonged to until
     * it was removed; see netns_inode().
     */
    uint64_t inode;
    /**
     * Its cookie, see netns_cookie(); 0 if it is not known, as before Linux 6.18.
     */
    uint64_t cookie;
};

/**
 * Initializes a struct netns_event: size is set, all other members are zero.
 */
#define NETNS_EVENT_INIT \
    { sizeof(struct netns_event), 0, { 0 }, 0, 0 }

/**
 * Watches a run directory for names that are added or removed, by any program.
 *
 * rundir  the run directory; NULL means NETNS_RUN_DIR. It does not have to exist, and may be
 *         deleted and created again. If it, or a directory above it, is a file, the monitor treats
 *         it as not existing.
 * flags   0, or NETNS_MONITOR_SNAPSHOT: report the names that exist first. Without the flag, only
 *         changes from now on are reported.
 * out     receives a monitor; release it with netns_monitor_close().
 *
 * A monitor may be used from any thread. After fork(2), either the parent or the child may use it,
 * not both; and the child only if no other thread was in netns_monitor_next(). It sees the mounts
 * of the thread that calls netns_monitor_next().
 *
 * The library verifies the monitor's descriptors before each use and before closing them. If the
 * program has closed one of them, or the calling thread has a descriptor table of its own without
 * them (see unshare(2)), calls fail with EBADF, and another file that has the same number is not
 * affected.
 *
 * A change that does not create, delete or touch a file is reported only with the next change of
 * the same name: a name that is unmounted but not deleted, a network namespace mounted on top of
 * another one, a network namespace that another program binds on a file older than 10 seconds
 * (netns_create() and netns_attach() touch the file), a file system mounted over the run
 * directory, and the renaming of a directory above its parent. While a file that another program
 * created is younger than 10 seconds, each mount and unmount makes the monitor ready.
 *
 * Capabilities: none.
 *
 * Returns 0, or
 *   -EINVAL     a flag is unknown, rundir is empty, or out is NULL
 *   -EACCES     the caller has no permission to read the run directory, or a directory above it
 *   -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
 *   -EAGAIN     other processes keep replacing the run directory
 *   -ENOENT     /proc is not mounted, and another program is creating a name
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  out of file descriptors, memory or inotify watches
 * On failure *out is not changed.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_monitor_open(const char *rundir,
                       uint32_t flags,
                       struct netns_monitor **out);

/**
 * Returns the monitor's descriptor, for poll(2) with POLLIN or epoll(7) with EPOLLIN,
 * level-triggered. When it is ready, call netns_monitor_next() until it returns 0. It may be ready
 * without an event. The descriptor belongs to the monitor; do not close it.
 *
 * Returns the descriptor, or
 *   -EINVAL     m is NULL
 *   -EBADF      the monitor's descriptors were closed, or the calling thread does not share them
 *   -ENOMEM, -ENOSPC  another file is open under the number of one of them, and memory or the
 *               limit on epoll watches does not suffice to find that out
 *
 * Since 1.0.
 */
int netns_monitor_fd(const struct netns_monitor *m);

/**
 * Returns the next event without waiting for one. NETNS_EVENT_ADD is reported for a name only
 * while it is a live network namespace, and NETNS_EVENT_REMOVE only after NETNS_EVENT_ADD. A name
 * that was added and removed, or removed and added unchanged, before the monitor could look at it
 * is not reported.
 *
 * m   the monitor.
 * ev  its size has to be set; receives the event.
 *
 * Returns 1 if there was an event, 0 if there is none at the moment, or
 *   -EINVAL     a pointer is NULL, or ev->size is too small
 *   -E2BIG      ev->size is greater than 4096
 *   -EBADF      the monitor's descriptors were closed, or the calling thread does not share them
 *   -EACCES     the caller no longer has permission to read the run directory
 *   -ELOOP, -ENAMETOOLONG  the run directory's path now contains dangling symbolic links
 *   -EAGAIN     other processes keep replacing the run directory
 *   -ENOENT     /proc is not mounted, and another program is creating a name
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  out of file descriptors, memory or inotify watches
 * A failure loses no event, but does not make the descriptor ready either: call again when its
 * cause is gone.
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_monitor_next(struct netns_monitor *m, struct netns_event *ev);

/**
 * Releases a monitor and closes those of its descriptors that it can verify to be its own. The
 * epoll descriptor is what verifies the others: if the program has closed that one, the others
 * stay open. NULL is allowed. errno is not changed. Since 1.0.
 */
void netns_monitor_close(struct netns_monitor *m);

/* --- Programs -------------------------------------------------------------------------------- */

/**
 * For netns_spawn(): stdin_fd is valid.
 */
#define NETNS_SPAWN_STDIN 1

/**
 * For netns_spawn(): stdout_fd is valid.
 */
#define NETNS_SPAWN_STDOUT 2

/**
 * For netns_spawn(): stderr_fd is valid.
 */
#define NETNS_SPAWN_STDERR 4

/**
 * For netns_spawn(): all three are valid. NETNS_SPAWN_STDIN | NETNS_SPAWN_STDOUT |
 * NETNS_SPAWN_STDERR.
 */
#define NETNS_SPAWN_STDIO 7

/**
 * For netns_spawn(): leave /sys as it is; it keeps showing the interfaces of the caller's network
 * namespace.
 */
#define NETNS_SPAWN_KEEP_SYS 8

/**
 * For netns_spawn(): do not mount the files of /etc/netns/NAME over those of /etc.
 * NETNS_SPAWN_STRICT_ETC, NETNS_SPAWN_TELL_ETC and NETNS_SPAWN_PIN_ETC then have no effect.
 */
#define NETNS_SPAWN_KEEP_ETC 16

/**
 * For netns_spawn(): run the program as uid, gid and groups.
 */
#define NETNS_SPAWN_USER 32

/**
 * For netns_spawn(): make the program the leader of a new session, as setsid(2) does.
 */
#define NETNS_SPAWN_SETSID 64

/**
 * For netns_spawn(): fail if a file of /etc/netns/NAME has no counterpart in /etc.
 */
#define NETNS_SPAWN_STRICT_ETC 128

/**
 * For netns_spawn(): return the number of files of /etc/netns/NAME that have no counterpart in
 * /etc.
 */
#define NETNS_SPAWN_TELL_ETC 256

/**
 * For netns_spawn(): keep the files of /etc/netns/NAME mounted over those of /etc even if the host
 * replaces or deletes the latter.
 */
#define NETNS_SPAWN_PIN_ETC 512

/**
 * Options of netns_spawn(). Initialize it with NETNS_SPAWN_OPTIONS_INIT, which sets size to
 * sizeof(struct netns_spawn_options) and all other members to zero. Later versions may add members
 * at the end, for which zero means the previous behavior. Since 1.0.
 */
struct netns_spawn_options {
    /**
     * The size of the structure that the caller was compiled with.
     */
    uint32_t size;
    /**
     * 0, or a bitwise OR of NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT, NETNS_SPAWN_STDERR,
     * NETNS_SPAWN_STDIO, NETNS_SPAWN_KEEP_SYS, NETNS_SPAWN_KEEP_ETC, NETNS_SPAWN_USER,
     * NETNS_SPAWN_SETSID, NETNS_SPAWN_STRICT_ETC, NETNS_SPAWN_TELL_ETC, NETNS_SPAWN_PIN_ETC.
     */
    uint32_t flags;
    /**
     * With NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT and NETNS_SPAWN_STDERR: the descriptors that
     * become the program's 0, 1 and 2. They may be the same one, or each other's number; the
     * caller still owns them. Without the flag, or with -1, the program inherits the caller's.
     */
    int32_t stdin_fd;
    int32_t stdout_fd;
    int32_t stderr_fd;
    /**
     * If not NULL, receives a pidfd of the program, which the caller has to close(2).
     */
    int32_t *pidfd;
    /**
     * The program's working directory, looked up in the program's mount namespace and with its
     * user's permissions; NULL means the caller's.
     */
    const char *cwd;
    /**
     * With NETNS_SPAWN_USER: the program's real, effective and saved user ID.
     */
    uint32_t uid;
    /**
     * With NETNS_SPAWN_USER: its group ID.
     */
    uint32_t gid;
    /**
     * With NETNS_SPAWN_USER: its only supplementary groups, groups_len of them; NULL and 0 for
     * none.
     */
    const uint32_t *groups;
    size_t groups_len;
};

/**
 * Initializes a struct netns_spawn_options: size is set, all other members are zero.
 */
#define NETNS_SPAWN_OPTIONS_INIT \
    { sizeof(struct netns_spawn_options), 0, 0, 0, 0, NULL, NULL, 0, 0, NULL, 0 }

/**
 * Executes a program in a network namespace, in place of the calling process, like `ip netns
 * exec`. Returns only on failure; then the network namespace, mounts, root and working directory
 * of every thread are unchanged.
 *
 * ns    the network namespace.
 * file  looked up in the caller's PATH like execvp(3) does, unless it contains a '/'. In
 *       secure-execution mode (in a set-user-ID program, for example; see secure_getenv(3)), PATH
 *       is not trusted, and the call searches /bin, /usr/bin, /sbin and /usr/sbin. /bin/sh runs a
 *       script without a "#!" line. The library reads no other environment variable.
 * argv  the program's arguments, starting with argv[0] and ending with NULL.
 * envp  its environment, ending with NULL; NULL means the caller's, environ, which no other thread
 *       may change during the call.
 *
 * The program has a mount namespace of its own, which receives the mounts that are made outside
 * later and propagates none. In it
 *   - /sys is a new sysfs that shows the interfaces of the network namespace. It is read-only,
 *     nosuid, nodev or noexec if the old one was. File systems mounted below the old /sys (cgroup,
 *     tracefs, bpf ...) are mounted there again, unless the new one has no such directory. If
 *     there is no /sys, none is mounted.
 *   - each file and directory of /etc/netns/NAME is bind-mounted over its counterpart, the one of
 *     the same name in /etc, if the handle has a name (netns_name()). If the counterpart is a
 *     symbolic link, even a dangling one, the file is mounted over the link itself: the program
 *     keeps seeing it when the host replaces the file that /etc/resolv.conf leads to, as resolvers
 *     do. The target of the link stays visible under its own path. A directory cannot be mounted
 *     over a link, and is mounted over the link's target. Symbolic links in /etc/netns/NAME are
 *     followed. A file is left out if it has no counterpart: /etc has no file of that name, or one
 *     of the two is a directory and the other is not. netns_exec() cannot report that, because it
 *     does not return; netns_spawn() does. If the host itself replaces /etc/resolv.conf, link or
 *     file, with rename(2), or deletes it, the kernel unmounts what is mounted over it, unless
 *     netns_spawn() is called with NETNS_SPAWN_PIN_ETC.
 *
 * The working directory is the caller's; if it is below /sys or /etc, its path is looked up again,
 * and it stays as it was if that fails. Everything else is as execve(2) leaves it: signal mask,
 * ignored signals, open descriptors, credentials, limits. But the program does not get what a
 * scheduling policy with SCHED_RESET_ON_FORK denies to children, nor a blocked signal that is
 * pending for the calling thread only, as after raise(3).
 *
 * A helper thread does the work, and execve(2) ends all other threads. Until then, signal handlers
 * may run on the helper thread, in the network namespace, on the calling thread's alternate stack
 * (sigaltstack(2)) or on one of 192 KB.
 *
 * A child of vfork(2) may call netns_exec(), netns_errmsg() and _exit(2), but no other function of
 * this library. The memory that the call allocates stays allocated in the parent until its thread
 * calls netns_exec() again, in another such child for example: about 256 KB of address space for
 * each thread that has done so, even after the thread has ended. With musl 1.2.5 or later, such a
 * child may not call netns_exec() either: the helper thread is created with pthread_create(3)
 * there, and the parent would take it for its own.
 *
 * Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
 * caller's own.
 *
 * Does not return, or returns
 *   -EINVAL     ns, file or argv is NULL, or argv is empty; the root directory is not a mount
 *               point, as after chroot(2); or as for execve(2)
 *   -ENOENT     there is no such program in PATH, or its interpreter does not exist; also, before
 *               Linux 6.8: /proc is not mounted, and /sys exists
 *   -EACCES     the caller has no permission to execute the file, or to read /etc/netns/NAME
 *   -EPERM      a capability is missing (see Capabilities); the caller's user namespace may not
 *               mount a sysfs; or as for execve(2)
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is not the path of a program
 *   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be executed
 *   -E2BIG      argv and envp are too large
 *   -EAGAIN     cannot start a helper thread, or the limit on processes is reached
 *   -ENOSPC     the limit on mount namespaces or on mounts is reached
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 *   -ENOTRECOVERABLE  a seccomp filter killed the helper thread instead of failing its system call
 * or another errno of execve(2) or, for a file of /etc/netns/NAME, of mount(2).
 *
 * Since 1.0.
 */
int netns_exec(const struct netns *ns, const char *file, char *const *argv, char *const *envp);

/**
 * Starts a program in a network namespace as a child of the calling process, like posix_spawn(3),
 * and returns when the child has executed it. What the program sees of /sys and /etc is as for
 * netns_exec(), except as options say.
 *
 * ns                the network namespace.
 * options           NULL: as for netns_exec(). With both NETNS_SPAWN_KEEP_SYS and
 *                   NETNS_SPAWN_KEEP_ETC the program has no mount namespace of its own, and what
 *                   it mounts is visible outside.
 * file, argv, envp  as for netns_exec().
 * pid               receives the child's process ID; wait for it, as after fork(2). May be NULL if
 *                   options->pidfd is not.
 *
 * With NETNS_SPAWN_USER, the program runs as options->uid, options->gid and options->groups. The
 * child sets everything up with the caller's permissions, except that it enters options->cwd and
 * looks up and executes the program with the user's own. setresuid(2) determines what becomes of
 * capabilities, the parent-death signal and the rest. The child then has a copy of the caller's
 * memory, which makes it slower to start from a large process. With NETNS_SPAWN_SETSID, the
 * program has a session of its own and no controlling terminal.
 *
 * If a file of /etc/netns/NAME has no counterpart in /etc, the program starts without it. Although
 * the call succeeds, netns_errmsg() then names the first such file and says what to do. With
 * NETNS_SPAWN_TELL_ETC, the call also returns the number of such files; with
 * NETNS_SPAWN_STRICT_ETC, it fails instead.
 *
 * With NETNS_SPAWN_PIN_ETC, and if /etc/netns/NAME has files, /etc is a read-only overlay of the
 * host's /etc. The files, and what was mounted below /etc, are mounted on that overlay, so they
 * stay in place whatever the host replaces or deletes in its /etc. If the host replaces or deletes
 * another file, the program may see the old one, the new one or none. It does not see what the
 * host mounts below /etc later. This requires overlayfs, and in a user namespace Linux 5.11 or
 * later.
 *
 * The program starts with the calling thread's signal mask, scheduling and (without
 * NETNS_SPAWN_USER) credentials. A signal that has a handler gets its default action; an ignored
 * one stays ignored. Descriptors that are not close-on-exec are inherited. Handlers of
 * pthread_atfork(3) do not run.
 *
 * The calling thread waits until the program is executed, as after vfork(2); other threads keep
 * running. If the child fails, the call reaps it, and no SIGCHLD is sent.
 *
 * Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
 * caller's own. With NETNS_SPAWN_USER also CAP_SETGID and CAP_SETUID in the caller's own.
 *
 * Returns 0, or with NETNS_SPAWN_TELL_ETC the number of files without a counterpart; or, and then
 * there is no child,
 *   -EINVAL     ns, file or argv is NULL; argv is empty; pid and options->pidfd are both NULL;
 *               options->size is too small; a flag is unknown; a descriptor is less than -1; a
 *               user or group ID is -1 or not mapped in the user namespace; options->groups is
 *               NULL and options->groups_len is not 0, or there are more than 65536 groups; with
 *               NETNS_SPAWN_PIN_ETC, /etc cannot be the lower layer of an overlay, as it already
 *               lies in two stacked overlays; the root directory is not a mount point, as after
 *               chroot(2); or as for execve(2)
 *   -E2BIG      options has members that this version does not know, and they are not zero; or
 *               argv and envp are too large
 *   -EBADF      one of the three descriptors is not open
 *   -ENOENT     there is no such program in PATH, or its interpreter does not exist; options->cwd
 *               does not exist; with NETNS_SPAWN_STRICT_ETC, a file has no counterpart in /etc, or
 *               is a dangling symbolic link; before Linux 6.8: /proc is not mounted, and /sys
 *               exists and NETNS_SPAWN_KEEP_SYS is not set, or NETNS_SPAWN_PIN_ETC is set
 *   -EACCES     no permission to execute the file, to enter options->cwd, or to read
 *               /etc/netns/NAME
 *   -EPERM      a capability is missing (see Capabilities); the caller's user namespace may not
 *               mount a sysfs (NETNS_SPAWN_KEEP_SYS avoids that), or, before Linux 5.11, an
 *               overlay; with NETNS_SPAWN_USER, the user namespace denies setgroups(2); or as for
 *               execve(2)
 *   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is not the path of a program, or options->cwd
 *               not that of a directory; with NETNS_SPAWN_STRICT_ETC, ENOTDIR: only one of a file
 *               and its counterpart is a directory, and ELOOP: symbolic links form a loop
 *   -ENODEV     with NETNS_SPAWN_PIN_ETC: the kernel does not support overlayfs
 *   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be executed
 *   -EAGAIN     the limit on processes is reached, the caller's or that of options->uid
 *   -ENOSPC     the limit on mount namespaces or on mounts is reached
 *   -ENOSYS     options->pidfd is not NULL, and the kernel is older than Linux 5.2
 *   -ECANCELED  a signal killed the child before it executed the program
 *   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
 * or another errno of clone(2), execve(2) or, for a file of /etc/netns/NAME, mount(2).
 *
 * Since 1.0.
 */
NETNS_NODISCARD
int netns_spawn(const struct netns *ns,
                const struct netns_spawn_options *options,
                const char *file,
                char *const *argv,
                char *const *envp,
                pid_t *pid);

/* --- Version and errors ---------------------------------------------------------------------- */

/**
 * Returns the version of the library that the program is running with, such as "1.0.0".
 * NETNS_VERSION is the version of the header that it was compiled with. Since 1.0.
 */
const char *netns_version(void);

/**
 * Returns the calling thread's last failure as one line of UTF-8 without a newline, in the form
 *
 *   VERB "OBJECT": STEP: REASON (CAUSE OR REMEDY)
 *   open "blue": open /run/netns/blue: No such file or directory (no network namespace has this name)
 *
 * VERB is what the call was to do, and OBJECT what to do it to; for interfaces, addresses, routes
 * and programs, "in" and the network namespace follow. A process is shown as pid N, a descriptor
 * as descriptor N, a network namespace without a name as net:[INODE], and an argument that was
 * NULL as (none). STEP is the part of the call that failed; an invalid argument has a step of its
 * own, such as "invalid name". REASON is what strerror(3) returns for the errno of the failed
 * system call, which is not always the one that the call returns, or "not a network namespace" for
 * ENOTTY. If the kernel explains a failure itself, as rtnetlink does in an extended ack message, a
 * colon and its text follow. The parentheses are omitted if no cause or remedy is known.
 *
 * The message is written for operators. It names files, limits, capabilities and system calls, but
 * no function or constant of this header, so programs in any language can show it unchanged. Its
 * wording may change in any release. Control characters and quotes in names are shown as \xNN, and
 * the middle of a very long name is omitted. If the library was loaded with dlopen(3), glibc
 * allocates 2 KB for the message at a thread's first failure, and terminates the program if there
 * is no memory for that.
 *
 * One call sets the message although it succeeds: netns_spawn(), if it has started the program
 * without a file of /etc/netns/NAME. The failure is then that the file does not cover anything,
 * and the VERB is that of the call:
 *
 *   spawn "dig" in "blue": skip the file for /etc/resolv.conf: No such file or directory (there is
 *   nothing to bind it on: ...)
 *
 * Returns "" before the first failure, and never NULL. The string belongs to the library, and
 * stays the same until the thread's next failure. errno is not changed. Since 1.0.
 */
const char *netns_errmsg(void);

#ifdef __cplusplus
}
#endif

#endif  /* NETNS_H */
