/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A namespace without a name, opened by its inode and cookie. */
#include "elsewhere.h"
#include "fault.h"
#include "mover.h"
#include "privilege.h"

#include <linux/fuse.h>
#include <sys/un.h>

#define SO_NETNS_COOKIE 71
#define NS_GET_ID 0x8008b70du

static const struct fault
    no_handles = {.call = SYS_name_to_handle_at, .error = ENOSYS},
    no_open_by_handle = {.call = SYS_open_by_handle_at, .error = ENOSYS},
    no_listns = {.call = SYS_LISTNS, .error = ENOSYS},
    no_openat2 = {.call = SYS_openat2, .error = ENOSYS},
    no_id = {.call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u, .value = NS_GET_ID},
    no_cookie = {.call = SYS_getsockopt, .error = ENOPROTOOPT, .arg = 2, .mask = ~0u,
                 .value = SO_NETNS_COOKIE};

struct id {
    uint64_t inode, cookie;
};

static struct id id_of(const struct netns *ns)
{
    return (struct id){netns_inode(ns), COOKIE_OF(ns)};
}

/* Whether the kernel opens a namespace by its cookie (Linux 6.18), according to the kernel itself. */
static bool opens_by_cookie(void)
{
    struct {
        struct file_handle head;
        uint64_t cookie;
        uint32_t type, inode;
    } handle = {{.handle_bytes = 16, .handle_type = 0xf1}, UINT64_MAX, CLONE_NEWNET, 1};

    return open_by_handle_at(-10003 /* FD_NSFS_ROOT */, &handle.head, O_RDONLY) < 0 && errno == ESTALE;
}

/* Checks that it can be opened with both, and with the inode alone. */
static void opens(void *arg)
{
    const struct id *id = arg;
    struct netns *ns = NULL;

    OK(netns_open_id(id->inode, id->cookie, &ns));
    EQUAL(netns_inode(ns), id->inode);
    SAME(netns_name(ns), NULL);
    SAME(netns_path(ns), NULL);
    netns_close(ns);
    ns = NULL;
    OK(netns_open_id(id->inode, 0, &ns));
    EQUAL(netns_inode(ns), id->inode);
    netns_close(ns);
}

/* With the inode alone, the call finds nothing, or another namespace that has been assigned the number
   since; the cookie distinguishes them. */
static int open_by_inode(const struct id *id, struct netns **ns)
{
    int rc = netns_open_id(id->inode, 0, ns);

    if (rc < 0 || !id->cookie || COOKIE_OF(*ns) == id->cookie)
        return rc;
    netns_close(*ns);
    *ns = SENTINEL;
    errno = ENOENT;
    return -ENOENT;
}

static int open_by_both(const struct id *id, struct netns **ns)
{
    return netns_open_id(id->inode, id->cookie, ns);
}

/* Checks that a way to open it fails in the end. A process that has ended releases the namespace a moment after
   others see that it has ended, and a program that lists every namespace of the machine may briefly open it at
   any time. */
static void fails_at_last(int error, int (*open)(const struct id *, struct netns **), const struct id *id)
{
    struct netns *ns = SENTINEL;
    int rc = open(id, &ns);

    for (int tries = 1; rc == 0 && tries < 2000 * slowness(); tries++) {
        netns_close(ns);
        ns = SENTINEL;
        sleep_ms(1);
        rc = open(id, &ns);
    }
    EQUAL(rc, -error);
    EQUAL(errno, error);
    CHECK(ns == SENTINEL);
}

/* Checks that it is gone, with or without the cookie. */
static void is_gone(void *arg)
{
    const struct id *id = arg;

    fails_at_last(ENOENT, open_by_inode, id);
    fails_at_last(id->cookie && opens_by_cookie() ? ESTALE : ENOENT, open_by_both, id);
    MESSAGE_HAS("open net:[");
}

/* --- opened namespaces -------------------------------------------------------------------------- */

static void open_id_finds_current_and_named_namespaces(void)
{
    struct netns *home = NULL, *blue = NULL;
    struct id id;

    OK(netns_open_current(&home));
    id = id_of(home);
    opens(&id);
    OK(netns_create("blue", 0, &blue));
    id = id_of(blue);
    netns_close(blue);
    opens(&id);
    OK(netns_remove("blue", 0));
    is_gone(&id);
    netns_close(home);
}

static void attach_names_namespace_found_by_open_id(void)
{
    struct netns *lost = NULL, *found = NULL, *named = NULL;
    struct id id;
    int fd;

    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    fd = MUST(fcntl(netns_fd(lost), F_DUPFD_CLOEXEC, 0));
    netns_close(lost);
    opens(&id);
    OK(netns_open_id(id.inode, id.cookie, &found));
    close(fd);
    OK(netns_attach(found, "found", 0));
    netns_close(found);
    OK(netns_open("found", 0, &named));
    EQUAL(netns_inode(named), id.inode);
    EQUAL(COOKIE_OF(named), id.cookie);
    netns_close(named);
    opens(&id);
    OK(netns_remove("found", 0));
    is_gone(&id);
}

static void open_id_finds_namespace_of_single_thread(void)
{
    struct netns *lost = NULL;
    struct mover mover;
    struct id id;

    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    start_mover(&mover, lost, NULL, NULL);
    netns_close(lost);
    opens(&id);
    end_mover(&mover);
    EQUAL(threads_left(), 1);
    is_gone(&id);
}

static void open_id_finds_mount_in_other_mount_namespace(void)
{
    struct netns *lost = NULL;
    struct id id;
    pid_t pid;
    int go;

    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    pid = start_mounting(lost, false, &go);
    netns_close(lost);
    opens(&id);
    close(go);
    EQUAL(wait_for(pid), 0);
    is_gone(&id);
}

/* The kernel finds it by its cookie; from Linux 6.19 on, only while something other than a socket keeps
   it. */
static void open_id_finds_namespace_of_socket_in_flight(void)
{
    int pair[2], fd;
    struct netns *lost = NULL, *found = NULL;
    struct id id;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec text = {.iov_base = (char *)"x", .iov_len = 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};

    if (!opens_by_cookie() || kernel_is_at_least(6, 19))
        skip("only Linux 6.18 finds it");
    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    fd = OK(netns_socket(lost, AF_INET, SOCK_DGRAM, 0));
    netns_close(lost);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    MUST(sendmsg(pair[0], &message, 0));
    close(fd);
    OK(netns_open_id(id.inode, id.cookie, &found));
    EQUAL(netns_inode(found), id.inode);
    netns_close(found);
    close(pair[0]);
    close(pair[1]);
}

/* --- a namespace mounted on a file of a file server ----------------------------------------------- */

static void answer(int fuse, const struct fuse_in_header *request, const void *body, size_t size)
{
    struct {
        struct fuse_out_header head;
        char body[256];
    } reply = {{sizeof reply.head + size, body ? 0 : -ENOSYS, request->unique}, {0}};

    if (body)
        memcpy(reply.body, body, size);
    CHECK(write(fuse, &reply, reply.head.len) > 0);
}

/* A directory that contains a file of every name until it is unmounted. Reports each request for a file. */
static void serve(int fuse, int asked)
{
    static union {
        struct fuse_in_header head;
        char bytes[64 * 1024];
    } request;
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
    struct fuse_attr_out directory = {.attr = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 1}};
    struct fuse_entry_out file = {.nodeid = 2, .attr = {.ino = 2, .mode = S_IFREG | 0644, .nlink = 1}};

    while (read(fuse, &request, sizeof request) > 0) {
        if (request.head.opcode == FUSE_INIT) {
            answer(fuse, &request.head, &init, sizeof init);
        } else if (request.head.opcode == FUSE_GETATTR && request.head.nodeid == 1) {
            answer(fuse, &request.head, &directory, sizeof directory);
        } else if (request.head.opcode == FUSE_LOOKUP) {
            MUST(write(asked, "", 1));
            answer(fuse, &request.head, &file, sizeof file);
        } else {
            answer(fuse, &request.head, NULL, 0);
        }
    }
}

struct served {
    struct netns *ns;
    int fuse, asked, ready, go, not_ours;
};

static void mount_on_served_file_and_wait(void *arg)
{
    const struct served *served = arg;
    char byte, path[64], options[96];
    pid_t server;

    close(served->not_ours);
    world_without_run_directory();
    MUST(mkdir("/run/served", 0755));
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", served->fuse);
    MUST(mount("fuse", "/run/served", "fuse", 0, options));
    server = MUST(fork());
    if (server == 0) {
        netns_close(served->ns);
        serve(served->fuse, served->asked);
        _exit(test_failures ? 1 : 0);
    }
    close(served->fuse);
    snprintf(path, sizeof path, "/proc/self/fd/%d", netns_fd(served->ns));
    MUST(mount(path, "/run/served/file", "none", MS_BIND, NULL));
    netns_close(served->ns);
    MUST(write(served->ready, "", 1));
    EQUAL(read(served->go, &byte, 1), 0);
    MUST(umount2("/run/served/file", 0));
    MUST(umount2("/run/served", 0));
    EQUAL(wait_for(server), 0);
}

/* The number of requests to the server since the last call. */
static ssize_t times_asked(int asked)
{
    char bytes[64];
    ssize_t times = read(asked, bytes, sizeof bytes);

    return times < 0 && errno == EAGAIN ? 0 : times;
}

/* A server that never answers would block the call. */
static void open_id_searches_fuse_mounts_last(void)
{
    struct served served = {.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC)};
    int asked[2], ready[2], go[2];
    pid_t first, second;
    struct id id;
    char byte;

    if (served.fuse < 0)
        skip("no FUSE");
    MUST(pipe2(asked, O_CLOEXEC | O_NONBLOCK));
    MUST(pipe2(ready, O_CLOEXEC));
    MUST(pipe2(go, O_CLOEXEC));
    OK(netns_create(NULL, 0, &served.ns));
    id = (struct id){netns_inode(served.ns), 0};
    served.asked = asked[1];
    served.ready = ready[1];
    served.go = go[0];
    served.not_ours = go[1];
    first = start_part(mount_on_served_file_and_wait, &served);
    close(served.fuse);
    close(asked[1]);
    close(ready[1]);
    close(go[0]);
    EQUAL(read(ready[0], &byte, 1), 1);
    second = start_in(served.ns);
    netns_close(served.ns);
    CHECK(times_asked(asked[0]) > 0);
    opens(&id);
    EQUAL(times_asked(asked[0]), 0);
    stop(second);
    opens(&id);
    close(go[1]);
    EQUAL(wait_for(first), 0);
    is_gone(&id);
    close(asked[0]);
    close(ready[0]);
}

/* --- the proof ---------------------------------------------------------------------------------- */

static void another_cookie_is_estale(void *arg)
{
    const struct id *id = arg;
    struct netns *ns;

    FAILS_UNTOUCHED(ESTALE, ns, netns_open_id(id->inode, id->cookie + 1000000, &ns));
    MESSAGE_HAS("gone");
}

static void open_id_with_wrong_cookie_fails_with_estale(void)
{
    struct netns *blue = NULL, *red = NULL, *ns;
    struct id id;

    need_cookies();
    OK(netns_create("blue", 0, &blue));
    OK(netns_create("red", 0, &red));
    id = id_of(blue);
    another_cookie_is_estale(&id);
    FAILS_UNTOUCHED(ESTALE, ns, netns_open_id(netns_inode(blue), COOKIE_OF(red), &ns));
    netns_close(blue);
    netns_close(red);
}

/* No other holder is looked for where the kernel's answer is final. */
static void unknown_cookie_fails_with_estale_without_search(void)
{
    static const struct fault no_reading = {.call = SYS_getdents64, .error = EIO};
    struct netns *lost = NULL;
    struct stat user, pid;
    struct id id;

    need_cookies();
    if (!opens_by_cookie())
        skip("only Linux 6.18 opens a namespace by its cookie");
    MUST(stat("/proc/self/ns/user", &user));
    MUST(stat("/proc/self/ns/pid", &pid));
    if (user.st_ino != 0xeffffffd || pid.st_ino != 0xeffffffc || geteuid() != 0)
        skip("only root of the system may open every namespace");
    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    WITH_FAULTS(another_cookie_is_estale, &id, no_reading);
    netns_close(lost);
}

static void open_in_a_user_namespace(void *arg)
{
    enter_user_namespace(0);
    opens(arg);
}

static void open_in_a_pid_namespace(void *arg)
{
    if (unshare(CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(opens, arg);
}

/* The kernel may not open it for this caller, but the search finds the caller's descriptor. */
static void open_id_falls_back_to_search_if_kernel_refuses(void)
{
    struct netns *own = NULL;
    struct id id;

    need_cookies();
    if (!have_namespace_handles())
        skip("before Linux 6.18, the cookie can be read only from inside");
    OK(netns_create(NULL, 0, &own));
    id = id_of(own);
    IN_CHILD(open_in_a_user_namespace, &id);
    IN_CHILD(open_in_a_pid_namespace, &id);
    netns_close(own);
}

/* --- in other environments ---------------------------------------------------------------------- */

static void open_id_works_without_newer_system_calls(void)
{
    struct netns *lost = NULL;
    struct id id;
    pid_t pid;
    int go;

    need_cookies();
    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    WITH_FAULTS(opens, &id, no_handles);
    WITH_FAULTS(opens, &id, no_open_by_handle);
    WITH_FAULTS(opens, &id, no_handles, no_open_by_handle, no_id, no_listns);
    WITH_FAULTS(another_cookie_is_estale, &id, no_handles, no_open_by_handle, no_id, no_listns);
    pid = start_mounting(lost, false, &go);
    netns_close(lost);
    WITH_FAULTS(opens, &id, no_open_by_handle, no_listns);
    WITH_FAULTS(opens, &id, no_handles, no_open_by_handle, no_id, no_listns, no_openat2);
    close(go);
    EQUAL(wait_for(pid), 0);
}

static void cookies_are_asked_in_vain(void *arg)
{
    const struct id *id = arg;
    struct netns *ns;

    FAILS_UNTOUCHED(EOPNOTSUPP, ns, netns_open_id(id->inode, id->cookie, &ns));
}

static void open_id_without_cookie_support_fails_with_eopnotsupp(void)
{
    struct netns *home = NULL;
    struct id id;

    OK(netns_open_current(&home));
    id = (struct id){netns_inode(home), 12345};
    WITH_FAULTS(cookies_are_asked_in_vain, &id, no_handles, no_open_by_handle, no_id, no_cookie);
    netns_close(home);
}

static void look_without_proc(void *arg)
{
    struct id *ids = arg;
    struct netns *ns = NULL;

    MUST(unshare(CLONE_NEWNS));
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    if (have_cookies() && opens_by_cookie()) {
        OK(netns_open_id(ids[0].inode, ids[0].cookie, &ns));
        EQUAL(netns_inode(ns), ids[0].inode);
        netns_close(ns);
    }
    FAILS_UNTOUCHED(ENOENT, ns, netns_open_id(ids[1].inode, 0, &ns));
}

static void open_id_without_proc_works_with_cookie(void)
{
    struct netns *lost = NULL, *gone = NULL;
    struct id ids[2];

    OK(netns_create(NULL, 0, &lost));
    OK(netns_create(NULL, 0, &gone));
    ids[0] = id_of(lost);
    ids[1] = id_of(gone);
    netns_close(gone);
    IN_CHILD(look_without_proc, ids);
    netns_close(lost);
}

static void open_as_a_plain_user(void *arg)
{
    struct id *id = arg;
    struct netns *ns;

    become_plain_user();
    if (opens_by_cookie())
        FAILS_UNTOUCHED(ESTALE, ns, netns_open_id(id->inode, id->cookie, &ns));
    FAILS_UNTOUCHED(ENOENT, ns, netns_open_id(id->inode, 0, &ns));
    /* Its own descriptor of the other namespace leads to that one. */
    opens(&id[1]);
}

static void unprivileged_open_id_finds_only_accessible_namespaces(void)
{
    struct netns *lost = NULL, *own = NULL;
    struct id ids[2];
    pid_t pid;

    need_cookies();
    OK(netns_create(NULL, 0, &lost));
    OK(netns_create(NULL, 0, &own));
    ids[0] = id_of(lost);
    ids[1] = id_of(own);
    if (!have_namespace_handles())
        ids[1].cookie = 0;
    pid = start_in(lost);
    netns_close(lost);
    IN_CHILD(open_as_a_plain_user, ids);
    stop(pid);
    netns_close(own);
}

/* Before Linux 6.18 the cookie can be read only from inside. */
static void read_no_cookie(void *arg)
{
    const struct id *id = arg;
    struct netns *ns;

    drop_capability(CAP_SYS_ADMIN);
    FAILS_UNTOUCHED(EPERM, ns, netns_open_id(id->inode, id->cookie, &ns));
}

static void open_id_with_unreadable_cookie_fails_with_eperm(void)
{
    struct netns *lost = NULL;
    struct id id;

    need_cookies();
    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    WITH_FAULTS(read_no_cookie, &id, no_handles, no_open_by_handle, no_id, no_listns);
    netns_close(lost);
}

/* --- errors ------------------------------------------------------------------------------------- */

static void open_id_rejects_invalid_arguments(void)
{
    struct netns *ns;

    FAILS(EINVAL, netns_open_id(here(), 0, NULL));
    FAILS_UNTOUCHED(EINVAL, ns, netns_open_id(0, 0, &ns));
    MESSAGE_HAS("no inode given");
    FAILS_UNTOUCHED(EINVAL, ns, netns_open_id(0, 1, &ns));
}

static void open_id_with_unknown_inode_fails_with_enoent(void)
{
    static const uint64_t inodes[] = {1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
    struct stat mnt;
    struct netns *ns;

    for (size_t i = 0; i < sizeof inodes / sizeof *inodes; i++)
        FAILS_UNTOUCHED(ENOENT, ns, netns_open_id(inodes[i], 0, &ns));
    /* It is not found as another kind of namespace either. */
    MUST(stat("/proc/self/ns/mnt", &mnt));
    FAILS_UNTOUCHED(ENOENT, ns, netns_open_id(mnt.st_ino, 0, &ns));
}

static int open_once(struct id id)
{
    struct netns *ns = NULL;
    int rc = netns_open_id(id.inode, id.cookie, &ns);

    CHECK((rc < 0) == (ns == NULL));
    netns_close(ns);
    return rc;
}

static void open_id_without_descriptors_fails_with_emfile(void)
{
    struct netns *lost = NULL;
    struct id id;

    OK(netns_create(NULL, 0, &lost));
    id = id_of(lost);
    RUNS_OUT_OF_DESCRIPTORS(open_once(id));
    id.cookie = 0;
    RUNS_OUT_OF_DESCRIPTORS(open_once(id));
    netns_close(lost);
}

int main(void)
{
    RUN(open_id_finds_current_and_named_namespaces);
    RUN(attach_names_namespace_found_by_open_id);
    RUN(open_id_finds_namespace_of_single_thread);
    RUN(open_id_finds_mount_in_other_mount_namespace);
    RUN(open_id_finds_namespace_of_socket_in_flight);

    RUN(open_id_searches_fuse_mounts_last);

    RUN(open_id_with_wrong_cookie_fails_with_estale);
    RUN(unknown_cookie_fails_with_estale_without_search);
    RUN(open_id_falls_back_to_search_if_kernel_refuses);

    RUN(open_id_works_without_newer_system_calls);
    RUN(open_id_without_cookie_support_fails_with_eopnotsupp);
    RUN(open_id_without_proc_works_with_cookie);
    RUN(unprivileged_open_id_finds_only_accessible_namespaces);
    RUN(open_id_with_unreadable_cookie_fails_with_eperm);

    RUN(open_id_rejects_invalid_arguments);
    RUN(open_id_with_unknown_inode_fails_with_enoent);
    RUN(open_id_without_descriptors_fails_with_emfile);
    return finish();
}
