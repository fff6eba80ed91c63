/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Simulates old kernels: everything works without the system calls added since Linux 4.19. */
#include "fault.h"

#include <sys/socket.h>

#define NS_GET_ID 0x8008b70du
#define PIDFD_GET_NET_NAMESPACE 0xff04u
#define SO_NETNS_COOKIE 71

static const struct fault
    no_handles = {.call = SYS_name_to_handle_at, .error = ENOSYS},
    no_open_tree = {.call = SYS_open_tree, .error = ENOSYS},
    no_move_mount = {.call = SYS_move_mount, .error = ENOSYS},
    no_mount_setattr = {.call = SYS_mount_setattr, .error = ENOSYS},
    no_statx = {.call = SYS_statx, .error = ENOSYS},
    no_pidfd_open = {.call = SYS_pidfd_open, .error = ENOSYS},
    no_clone3 = {.call = SYS_clone3, .error = ENOSYS},
    no_id = {.call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u, .value = NS_GET_ID},
    no_pidfd_namespace = {.call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u,
                          .value = PIDFD_GET_NET_NAMESPACE},
    no_cookie = {.call = SYS_getsockopt, .error = ENOPROTOOPT, .arg = 2, .mask = ~0u,
                 .value = SO_NETNS_COOKIE};

/* What the calls under faults cannot create themselves. */
static struct {
    struct netns *home;
    pid_t child;
    int pidfd;
} given;

static void same_namespace(struct netns **opened, const struct netns *ns, int line)
{
    check_at(netns_equal(*opened, ns) == 1, line, "not the same namespace");
    netns_close(*opened);
    *opened = NULL;
}

/* Checks that both are the same namespace; closes the first. */
#define SAME_NAMESPACE(opened, ns) same_namespace(&(opened), (ns), __LINE__)

static void create_and_open(void)
{
    struct netns *ns = NULL, *opened = NULL, *anonymous = NULL;
    uint64_t home = here();

    OK(netns_create("blue", NETNS_CREATE_LO_UP, &ns));
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    CHECK(is_netns("/run/netns/blue"));
    CHECK(lo_is_up(ns));
    EQUAL(here(), home);
    FAILS(EEXIST, netns_create("blue", 0, &opened));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &opened));
    SAME_NAMESPACE(opened, ns);
    OK(netns_create(NULL, 0, &anonymous));
    EQUAL(netns_equal(anonymous, ns), 0);
    netns_close(anonymous);
    OK(netns_open("blue", 0, &opened));
    SAME_NAMESPACE(opened, ns);
    OK(netns_open("/run/netns/blue", 0, &opened));
    SAME_NAMESPACE(opened, ns);
    OK(netns_open_pid(given.child, &opened));
    SAME_NAMESPACE(opened, given.home);
    if (given.pidfd >= 0) {
        OK(netns_open_fd(given.pidfd, &opened));
        SAME_NAMESPACE(opened, given.home);
    }
    OK(netns_open_fd(netns_fd(ns), &opened));
    SAME_NAMESPACE(opened, ns);
    OK(netns_open_current(&opened));
    SAME_NAMESPACE(opened, given.home);
    netns_close(ns);
}

static void refuse_what_is_none(void)
{
    struct netns *opened = NULL;
    int fd;

    write_file("/run/netns/file", "text", 0644);
    FAILS(ENOTTY, netns_open("file", 0, &opened));
    FAILS(ENOTTY, netns_create("file", NETNS_CREATE_EXIST_OK, &opened));
    FAILS(ENOTTY, netns_remove("file", 0));
    FAILS(ENOTTY, netns_open("/proc/self/ns/mnt", 0, &opened));
    fd = MUST(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    FAILS(ENOTTY, netns_open_fd(fd, &opened));
    close(fd);
    FAILS(ENOENT, netns_open("missing", 0, &opened));
    /* A name of another kind of namespace. */
    write_file("/run/netns/mount", "", 0);
    MUST(mount("/proc/self/ns/uts", "/run/netns/mount", "none", MS_BIND, NULL));
    FAILS(ENOTTY, netns_open("mount", 0, &opened));
    FAILS(ENOTTY, netns_remove("mount", 0));
    SAME(names(), "blue");
    MUST(umount2("/run/netns/mount", MNT_DETACH));
    MUST(unlink("/run/netns/mount"));
    MUST(unlink("/run/netns/file"));
}

static void go_there_and_back(void)
{
    struct netns *ns = NULL, *of_socket = NULL;
    uint64_t home = here();
    int fd, token;

    OK(netns_open("blue", 0, &ns));
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    OK(netns_leave(token));
    EQUAL(here(), home);
    fd = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    OK(netns_open_fd(fd, &of_socket));
    SAME_NAMESPACE(of_socket, ns);
    close(fd);
    netns_close(ns);
}

static void name_list_and_remove(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;
    pid_t inside;

    OK(netns_open("blue", 0, &ns));
    OK(netns_attach(ns, "green", 0));
    SAME(names(), "blue green");
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 2);
    EQUAL(netns_list_inode(list, 1), netns_inode(ns));
    netns_list_free(list);
    inside = start_in(ns);
    EQUAL(OK(netns_pids(ns, NETNS_PIDS_THREADS, &given.child, 0)), 1);
    stop(inside);
    /* Bound on top of itself. */
    MUST(mount("/run/netns/green", "/run/netns/green", "none", MS_BIND, NULL));
    MUST(mount("/run/netns/green", "/run/netns/green", "none", MS_BIND, NULL));
    CHECK(mounts_at("/run/netns/green") >= 3);
    SAME(names(), "blue green");
    OK(netns_remove("green", 0));
    EQUAL(mounts_at("/run/netns/green"), 0);
    CHECK(!exists("/run/netns/green"));
    netns_close(ns);
}

static void clear_what_is_stale(void)
{
    write_file("/run/netns/old", "", 01000);
    write_file("/run/netns/young", "", 0);
    SAME(names(), "blue");
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue old");
    OK(netns_create("old", 0, NULL));
    FAILS(EEXIST, netns_create("young", 0, NULL));
    SAME(names(), "blue old");
    OK(netns_remove("young", 0));
    OK(netns_remove("old", 0));
}

static void round_trip(void *arg)
{
    int before = mounts_at(NULL);

    (void)arg;
    create_and_open();
    refuse_what_is_none();
    go_there_and_back();
    name_list_and_remove();
    clear_what_is_stale();
    OK(netns_remove("blue", 0));
    FAILS(ENOENT, netns_remove("blue", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    /* Only the run directory's own mount is left. */
    EQUAL(mounts_at(NULL), before + 1);
}

/* The complete life cycle from first use on, below a shared mount, which is the most difficult case. */
static void round_trip_without(const struct fault *faults, size_t count)
{
    need_seccomp();
    MUST(mount("none", "/run", "none", MS_SHARED, NULL));
    OK(netns_open_current(&given.home));
    given.child = start_in(NULL);
    given.pidfd = (int)syscall(SYS_pidfd_open, given.child, 0);
    /* On a kernel that lacks them anyway, or under valgrind, everything else must work as well. */
    with_faults(faults, count, round_trip, NULL);
    EQUAL(threads_left(), 1);
    if (given.pidfd >= 0)
        close(given.pidfd);
    stop(given.child);
    netns_close(given.home);
}

#define WITHOUT(...) \
    round_trip_without((const struct fault[]){__VA_ARGS__}, \
                       sizeof((const struct fault[]){__VA_ARGS__}) / sizeof(struct fault))

static void everything_works_on_this_kernel(void)
{
    round_trip_without(NULL, 0);
}

static void everything_works_without_file_handles(void)
{
    WITHOUT(no_handles);
}

static void everything_works_without_open_tree(void)
{
    WITHOUT(no_open_tree);
}

static void everything_works_without_move_mount(void)
{
    WITHOUT(no_move_mount);
}

static void everything_works_without_mount_setattr(void)
{
    WITHOUT(no_mount_setattr);
}

static void everything_works_without_statx(void)
{
    WITHOUT(no_statx);
}

static void everything_works_without_pidfds(void)
{
    WITHOUT(no_pidfd_open, no_pidfd_namespace);
}

static void everything_works_without_pidfd_get_net_namespace(void)
{
    WITHOUT(no_pidfd_namespace);
}

static void everything_works_without_any_newer_system_call(void)
{
    WITHOUT(no_handles, no_open_tree, no_move_mount, no_mount_setattr, no_statx, no_pidfd_open,
            no_clone3, no_id, no_pidfd_namespace, no_cookie);
}

/* What container filters return for unknown system calls. */
static void everything_works_if_filter_returns_eperm(void)
{
    WITHOUT({.call = SYS_name_to_handle_at, .error = EPERM}, {.call = SYS_statx, .error = EPERM},
            {.call = SYS_pidfd_open, .error = EPERM}, {.call = SYS_clone3, .error = ENOSYS});
}

static void everything_works_if_filter_rejects_new_mount_calls(void)
{
    WITHOUT({.call = SYS_open_tree, .error = EPERM}, {.call = SYS_move_mount, .error = EPERM},
            {.call = SYS_mount_setattr, .error = EPERM});
}

/* --- first use without descriptors ------------------------------------------------------------ */

static void create_at_last(void *arg)
{
    int more, rc = -1;

    (void)arg;
    for (more = 0; more < 20 && rc < 0; more++) {
        allow_descriptors(more);
        rc = netns_create("blue", 0, NULL);
        allow_descriptors(-1);
        CHECK(rc == 0 || rc == -EMFILE);
    }
    EQUAL(rc, 0);
    CHECK(more > 1);
}

/* A half-prepared run directory would be its parent's peer, and each name in it would be mounted twice. */
static void failed_first_create_leaves_no_partial_run_directory(void)
{
    const struct fault faults[] = {no_open_tree, no_move_mount, no_mount_setattr};

    need_seccomp();
    MUST(mount("none", "/run", "none", MS_SHARED, NULL));
    with_faults(faults, 3, create_at_last, NULL);
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
}

/* --- mounts of other programs ----------------------------------------------------------------- */

static void refuse_and_leave_alone(const char *name)
{
    struct netns *ns = NULL;
    char path[64];

    snprintf(path, sizeof path, "/run/netns/%s", name);
    FAILS(ENOTTY, netns_remove(name, 0));
    FAILS(ENOTTY, netns_remove(name, NETNS_REMOVE_MISSING_OK));
    FAILS(EEXIST, netns_create(name, 0, &ns));
    FAILS(ENOTTY, netns_create(name, NETNS_CREATE_EXIST_OK, &ns));
    FAILS(EEXIST, netns_attach(given.home, name, 0));
    CHECK(ns == NULL);
    EQUAL(mounts_at(path), 1);
    CHECK(exists(path));
}

static void refuse_what_is_mounted(void *arg)
{
    (void)arg;
    refuse_and_leave_alone("young");
    refuse_and_leave_alone("marked");
    refuse_and_leave_alone("uts");
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
}

/* For stat(2), the first two look like the empty files that a creator has before it binds or leaves
   behind. */
static void mount_what_is_no_network_namespace(void)
{
    write_file("/run/netns/young", "", 0);
    write_file("/run/netns/marked", "", 0);
    write_file("/run/netns/uts", "", 0);
    write_file("/run/empty", "", 0);
    write_file("/run/empty-and-marked", "", 01000);
    MUST(mount("/run/empty", "/run/netns/young", "none", MS_BIND, NULL));
    MUST(mount("/run/empty-and-marked", "/run/netns/marked", "none", MS_BIND, NULL));
    MUST(mount("/proc/self/ns/uts", "/run/netns/uts", "none", MS_BIND, NULL));
}

static void create_and_remove_reject_mounts_of_other_programs(void)
{
    const struct fault faults[] = {no_statx, no_handles};

    need_seccomp();
    OK(netns_open_current(&given.home));
    mount_what_is_no_network_namespace();
    with_faults(faults, 0, refuse_what_is_mounted, NULL);
    with_faults(faults, 1, refuse_what_is_mounted, NULL);
    with_faults(faults, 2, refuse_what_is_mounted, NULL);
    netns_close(given.home);
}

/* --- cookies ---------------------------------------------------------------------------------- */

static struct netns *with_cookie;
static uint64_t cookie;

static void has_its_cookie(void *arg)
{
    struct netns *opened = NULL;
    uint64_t got = 0;

    (void)arg;
    OK(netns_open_fd(netns_fd(with_cookie), &opened));
    OK(netns_cookie(opened, &got));
    EQUAL(got, cookie);
    netns_close(opened);
}

static void has_no_cookie(void *arg)
{
    struct netns *opened = NULL;
    uint64_t got = 4711, home = here();

    (void)arg;
    OK(netns_open_fd(netns_fd(with_cookie), &opened));
    FAILS(EOPNOTSUPP, netns_cookie(opened, &got));
    MESSAGE_HAS("5.14");
    EQUAL(got, 4711);
    EQUAL(here(), home);
    netns_close(opened);
}

static void cookie_is_the_same_with_every_fallback(void)
{
    const struct fault faults[] = {no_handles, no_id};

    need_cookies();
    need_seccomp();
    OK(netns_create(NULL, 0, &with_cookie));
    OK(netns_cookie(with_cookie, &cookie));
    CHECK(cookie != 0);
    with_faults(faults, 0, has_its_cookie, NULL);
    with_faults(faults, 1, has_its_cookie, NULL);
    with_faults(faults, 2, has_its_cookie, NULL);
    netns_close(with_cookie);
}

static void cookie_fails_with_eopnotsupp_before_linux_5_14(void)
{
    const struct fault faults[] = {no_handles, no_id, no_cookie};

    need_seccomp();
    OK(netns_create(NULL, 0, &with_cookie));
    with_faults(faults, 3, has_no_cookie, NULL);
    netns_close(with_cookie);
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_on_this_kernel);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_file_handles);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_open_tree);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_move_mount);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_mount_setattr);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_statx);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_pidfds);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_pidfd_get_net_namespace);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_without_any_newer_system_call);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_if_filter_returns_eperm);
    RUN_WITHOUT_RUN_DIRECTORY(everything_works_if_filter_rejects_new_mount_calls);
    RUN_WITHOUT_RUN_DIRECTORY(failed_first_create_leaves_no_partial_run_directory);
    RUN(create_and_remove_reject_mounts_of_other_programs);
    RUN(cookie_is_the_same_with_every_fallback);
    RUN(cookie_fails_with_eopnotsupp_before_linux_5_14);
    return finish();
}
