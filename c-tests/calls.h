/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One call of every library function that can fail, for programs that test all of them. */
#ifndef NETNS_TEST_CALLS_H
#define NETNS_TEST_CALLS_H

#include "test.h"

#include <libnetns/netns-iproute2.h>
#include <sys/socket.h>

/* A run directory other than the default. */
#define MINE "/run/mine"

/* What the calls operate on, and what they have created. */
static struct {
    struct netns *home, *blue, *red, *far, *made;
    pid_t child, started;
    int socket, pidfd, null, fd;
} given;

/* A call returns 0 or more, or -errno. `undo` then reverts what the call has changed, if anything. */
struct call {
    const char *name;
    long (*make)(void);
    void (*undo)(void);
};

/* --- undoing ------------------------------------------------------------------------------------ */

static inline void close_made(void)
{
    netns_close(given.made);
    given.made = NULL;
}

static inline void close_fd(void)
{
    close(given.fd);
}

static inline void remove_green(void)
{
    close_made();
    OK(netns_remove("green", 0));
}

static inline void remove_my_green(void)
{
    OK(netns_remove_at(MINE, "green", 0));
}

static inline void make_red(void)
{
    netns_close(given.red);
    given.red = NULL;
    OK(netns_remove("red", NETNS_REMOVE_MISSING_OK));
    OK(netns_create("red", 0, &given.red));
}

static inline void make_my_red(void)
{
    OK(netns_create_at(MINE, "red", 0, NULL));
}

/* A name that is a symbolic link. */
static inline void link_to_blue(void)
{
    MUST(symlink(NETNS_RUN_DIR "/blue", MINE "/link"));
}

static inline void wait_for_started(void)
{
    EQUAL(wait_for(given.started), 0);
}

static inline void move_back(void)
{
    OK(netns_link_move(given.far, "moved", given.blue, NULL));
}

static inline void add_bridge(void)
{
    OK(netns_link_add(given.blue, "goes", "bridge"));
}

static inline void delete_bridge(void)
{
    OK(netns_link_del(given.blue, "new"));
}

static inline void free_port(void)
{
    OK(netns_link_set_master(given.blue, "moved", NULL));
}

static inline void delete_address(void)
{
    OK(netns_addr_del(given.blue, "v0", "198.51.100.1/32"));
}

static inline void add_address(void)
{
    OK(netns_addr_add(given.blue, "v0", "203.0.113.1/32"));
}

static inline void delete_route(void)
{
    OK(netns_route_del(given.blue, "198.51.100.0/24", NULL, "v0"));
}

static inline void add_route(void)
{
    OK(netns_route_add(given.blue, "203.0.113.0/24", NULL, "v0"));
}

/* --- calling ------------------------------------------------------------------------------------ */

static inline long call_create(void)
{
    return netns_create("green", NETNS_CREATE_LO_UP, &given.made);
}

static inline long call_create_anonymous(void)
{
    return netns_create(NULL, 0, &given.made);
}

static inline long call_create_existing(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &given.made);
}

/* As a user would: the call is repeated later if another process holds the lock. */
static inline long call_create_without_waiting(void)
{
    long rc = -EAGAIN;

    for (int tries = 0; tries < 1000 && rc == -EAGAIN; tries++) {
        rc = netns_create("green", NETNS_CREATE_NOWAIT, &given.made);
        if (rc == -EAGAIN)
            usleep(1000);
    }
    return rc;
}

static inline long call_create_at(void)
{
    return netns_create_at(MINE, "green", 0, NULL);
}

static inline long call_open(void)
{
    return netns_open("blue", 0, &given.made);
}

static inline long call_open_path(void)
{
    return netns_open("/run/netns/blue", 0, &given.made);
}

static inline long call_open_at(void)
{
    return netns_open_at(MINE, "red", 0, &given.made);
}

static inline long call_open_link(void)
{
    return netns_open_at(MINE, "link", 0, &given.made);
}

static inline long call_create_existing_link(void)
{
    return netns_create_at(MINE, "link", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &given.made);
}

static inline long call_remove_link(void)
{
    return netns_remove_at(MINE, "link", 0);
}

static inline long call_list_stale_at(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_at(MINE, NETNS_LIST_STALE, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_open_pid(void)
{
    return netns_open_pid(given.child, &given.made);
}

static inline long call_open_fd(void)
{
    return netns_open_fd(netns_fd(given.blue), &given.made);
}

static inline long call_open_socket(void)
{
    return netns_open_fd(given.socket, &given.made);
}

static inline long call_open_pidfd(void)
{
    /* On a kernel without pidfds there is none to open. */
    return netns_open_fd(given.pidfd < 0 ? given.socket : given.pidfd, &given.made);
}

static inline long call_open_current(void)
{
    return netns_open_current(&given.made);
}

static inline long call_open_id(void)
{
    uint64_t cookie = 0;

    if (netns_cookie(given.blue, &cookie) < 0)
        cookie = 0;
    return netns_open_id(netns_inode(given.blue), cookie, &given.made);
}

static inline long call_open_inode(void)
{
    return netns_open_id(netns_inode(given.blue), 0, &given.made);
}

static inline long call_dup(void)
{
    return netns_dup(given.blue, &given.made);
}

static inline long call_attach(void)
{
    return netns_attach(given.blue, "green", 0);
}

static inline long call_attach_at(void)
{
    return netns_attach_at(MINE, given.blue, "green", 0);
}

static inline long call_remove(void)
{
    return netns_remove("red", 0);
}

static inline long call_remove_at(void)
{
    return netns_remove_at(MINE, "red", 0);
}

static inline long call_cookie(void)
{
    uint64_t cookie;
    int rc = netns_cookie(given.blue, &cookie);

    return rc == -EOPNOTSUPP ? 0 : rc;
}

static inline long call_is_current(void)
{
    return netns_is_current(given.blue);
}

static inline long call_setns(void)
{
    return netns_setns(given.home);
}

/* For a call that cannot be undone. It runs in a child, whose exit status is the result. */
static inline long call_in_child(long (*make)(void))
{
    pid_t pid = fork();

    if (pid == 0)
        _exit((int)-make());
    return pid < 0 ? -errno : -wait_for(pid);
}

static inline long move_with_mounts(void)
{
    return netns_setns_mounts(given.blue, 0);
}

static inline long call_setns_mounts(void)
{
    return call_in_child(move_with_mounts);
}

static inline long call_enter_and_leave(void)
{
    int token = netns_enter(given.blue);

    return token < 0 ? token : netns_leave(token);
}

static inline int nothing_to_do(void *arg)
{
    (void)arg;
    return 0;
}

static inline long call_run(void)
{
    return netns_run(given.blue, nothing_to_do, NULL, NULL);
}

static inline long call_run_here(void)
{
    return netns_run(NULL, nothing_to_do, NULL, NULL);
}

static inline long call_socket(void)
{
    return given.fd = netns_socket(given.blue, AF_INET, SOCK_DGRAM, 0);
}

static inline long call_socket_here(void)
{
    return given.fd = netns_socket(NULL, AF_INET, SOCK_DGRAM, 0);
}

static inline long call_run_from(void)
{
    return netns_run_from(given.home, given.blue, nothing_to_do, NULL, NULL);
}

static inline long call_socket_from(void)
{
    return given.fd = netns_socket_from(given.home, given.blue, AF_INET, SOCK_DGRAM, 0);
}

static inline long call_list(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list(NETNS_LIST_STALE, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_list_at(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_at(MINE, 0, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_list_all(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_all(0, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_names(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_names(given.blue, 0, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_names_at(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_names_at(MINE, given.blue, 0, &list);

    netns_list_free(list);
    return rc;
}

static inline long call_holders(void)
{
    struct netns_holder_snapshot *list = NULL;
    int rc = netns_holder_list(given.blue, 0, &list);

    netns_holder_list_free(list);
    return rc;
}

static inline long call_pids(void)
{
    return netns_pids(given.blue, 0, NULL, 0);
}

static inline long call_pids_of_threads(void)
{
    return netns_pids(given.blue, NETNS_PIDS_THREADS, NULL, 0);
}

static inline long call_sysctl_get(void)
{
    return netns_sysctl_get(given.blue, "net.ipv4.ip_forward", NULL, 0);
}

static inline long call_sysctl_set(void)
{
    return netns_sysctl_set(given.blue, "net.ipv4.ip_forward", "0");
}

static inline long call_nsid_get(void)
{
    return netns_nsid_get(given.blue, given.far);
}

static inline long call_nsid_set(void)
{
    return netns_nsid_set(given.blue, given.red, NETNS_NSID_AUTO);
}

static inline long call_nsid_ensure(void)
{
    return netns_nsid_ensure(given.blue, given.red);
}

static inline long call_nsid_list(void)
{
    struct netns_nsid_snapshot *list = NULL;
    int rc = netns_nsid_list(NULL, given.blue, NETNS_NSID_NONE, 0, &list);

    netns_nsid_list_free(list);
    return rc;
}

static inline long call_link_move(void)
{
    return netns_link_move(given.blue, "moved", given.far, NULL);
}

static inline long call_monitor(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;
    int rc = netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor);

    while (rc >= 0 && (rc = netns_monitor_next(monitor, &event)) > 0)
        ;
    netns_monitor_close(monitor);
    return rc;
}

static char *const true_argv[] = {(char *)"true", NULL};

static inline long call_spawn(void)
{
    return netns_spawn(given.blue, NULL, "true", true_argv, NULL, &given.started);
}

static inline long call_spawn_plainly(void)
{
    struct netns_spawn_options options = {.size = sizeof options,
                                          .flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC};

    return netns_spawn(given.blue, &options, "true", true_argv, NULL, &given.started);
}

static inline long call_spawn_pinned(void)
{
    struct netns_spawn_options options = {
        .size = sizeof options,
        .flags = NETNS_SPAWN_STRICT_ETC | NETNS_SPAWN_TELL_ETC | NETNS_SPAWN_PIN_ETC};

    return netns_spawn(given.blue, &options, "true", true_argv, NULL, &given.started);
}

/* Switches to the same user ID. */
static inline long call_spawn_as_a_user(void)
{
    static const uint32_t groups[] = {0, 7};
    struct netns_spawn_options options = {
        .size = sizeof options, .cwd = "/", .stderr_fd = given.null, .uid = geteuid(), .gid = getegid(),
        .flags = NETNS_SPAWN_SETSID | NETNS_SPAWN_STDERR | (geteuid() ? 0 : NETNS_SPAWN_USER),
        .groups = geteuid() ? NULL : groups, .groups_len = geteuid() ? 0 : 2};

    return netns_spawn(given.blue, &options, "true", true_argv, NULL, &given.started);
}

static inline long become_true(void)
{
    return netns_exec(given.blue, "true", true_argv, NULL);
}

static inline long call_exec(void)
{
    return call_in_child(become_true);
}

static inline long switch_to_blue(void)
{
    static char blue[] = "blue";

    /* The call prints errors. */
    MUST(dup2(given.null, 2));
    return netns_switch(blue) < 0 ? -errno : 0;
}

static inline long call_switch(void)
{
    return call_in_child(switch_to_blue);
}

static inline long call_get_fd(void)
{
    given.fd = netns_get_fd("blue");
    return given.fd < 0 ? -errno : 0;
}

static inline int next_name(char *name, void *arg)
{
    (void)name;
    (void)arg;
    return 0;
}

static inline long call_foreach(void)
{
    return netns_foreach(next_name, NULL) < 0 ? -errno : 0;
}

static inline long call_link_add(void)
{
    return netns_link_add(given.blue, "new", "bridge");
}

static inline long call_veth_add(void)
{
    return netns_veth_add(given.blue, "new", given.far, "end");
}

static inline long call_link_del(void)
{
    return netns_link_del(given.blue, "goes");
}

static inline long call_link_up(void)
{
    return netns_link_up(given.blue, "v0");
}

static inline long call_link_down(void)
{
    return netns_link_down(given.blue, "goes");
}

static inline long call_link_set_mtu(void)
{
    return netns_link_set_mtu(given.blue, "v0", 1400);
}

static inline long call_link_set_address(void)
{
    return netns_link_set_address(given.blue, "goes", "02:00:5e:10:00:01");
}

static inline long call_link_set_master(void)
{
    return netns_link_set_master(given.blue, "moved", "goes");
}

static inline long call_link_list(void)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(given.blue, 0, &list);

    netns_link_list_free(list);
    return rc;
}

static inline long call_addr_add(void)
{
    return netns_addr_add(given.blue, "v0", "198.51.100.1/32");
}

static inline long call_addr_del(void)
{
    return netns_addr_del(given.blue, "v0", "203.0.113.1/32");
}

static inline long call_addr_list(void)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(given.blue, 0, &list);

    netns_addr_list_free(list);
    return rc;
}

static inline long call_route_add(void)
{
    return netns_route_add(given.blue, "198.51.100.0/24", NULL, "v0");
}

static inline long call_route_del(void)
{
    return netns_route_del(given.blue, "203.0.113.0/24", NULL, "v0");
}

static inline long call_route_list(void)
{
    struct netns_route_snapshot *list = NULL;
    int rc = netns_route_list(given.blue, 0, &list);

    netns_route_list_free(list);
    return rc;
}

static const struct call calls[] = {
    {"create", call_create, remove_green},
    {"create anonymous", call_create_anonymous, close_made},
    {"create existing", call_create_existing, close_made},
    {"create without waiting", call_create_without_waiting, remove_green},
    {"create_at", call_create_at, remove_my_green},
    {"open", call_open, close_made},
    {"open path", call_open_path, close_made},
    {"open_at", call_open_at, close_made},
    {"open a link", call_open_link, close_made},
    {"create an existing link", call_create_existing_link, close_made},
    {"remove a link", call_remove_link, link_to_blue},
    {"open_pid", call_open_pid, close_made},
    {"open_fd", call_open_fd, close_made},
    {"open_fd socket", call_open_socket, close_made},
    {"open_fd pidfd", call_open_pidfd, close_made},
    {"open_current", call_open_current, close_made},
    {"open_id", call_open_id, close_made},
    {"open_id without cookie", call_open_inode, close_made},
    {"dup", call_dup, close_made},
    {"attach", call_attach, remove_green},
    {"attach_at", call_attach_at, remove_my_green},
    {"remove", call_remove, make_red},
    {"remove_at", call_remove_at, make_my_red},
    {"cookie", call_cookie, NULL},
    {"is_current", call_is_current, NULL},
    {"setns", call_setns, NULL},
    {"setns_mounts", call_setns_mounts, NULL},
    {"enter and leave", call_enter_and_leave, NULL},
    {"run", call_run, NULL},
    {"run here", call_run_here, NULL},
    {"socket", call_socket, close_fd},
    {"socket here", call_socket_here, close_fd},
    {"run_from", call_run_from, NULL},
    {"socket_from", call_socket_from, close_fd},
    {"list", call_list, NULL},
    {"list_at", call_list_at, NULL},
    {"list_at stale", call_list_stale_at, NULL},
    {"list_all", call_list_all, NULL},
    {"names", call_names, NULL},
    {"names_at", call_names_at, NULL},
    {"holder_list", call_holders, NULL},
    {"pids", call_pids, NULL},
    {"pids threads", call_pids_of_threads, NULL},
    {"sysctl_get", call_sysctl_get, NULL},
    {"sysctl_set", call_sysctl_set, NULL},
    {"nsid_get", call_nsid_get, NULL},
    {"nsid_set", call_nsid_set, make_red},
    {"nsid_ensure", call_nsid_ensure, make_red},
    {"nsid_list", call_nsid_list, NULL},
    {"monitor", call_monitor, NULL},
    {"spawn", call_spawn, wait_for_started},
    {"spawn plainly", call_spawn_plainly, wait_for_started},
    {"spawn pinned", call_spawn_pinned, wait_for_started},
    {"spawn as a user", call_spawn_as_a_user, wait_for_started},
    {"exec", call_exec, NULL},
    {"switch", call_switch, NULL},
    {"get_fd", call_get_fd, close_fd},
    {"foreach", call_foreach, NULL},
    {"link_move", call_link_move, move_back},
    {"link_add", call_link_add, delete_bridge},
    {"veth_add", call_veth_add, delete_bridge},
    {"link_del", call_link_del, add_bridge},
    {"link_up", call_link_up, NULL},
    {"link_down", call_link_down, NULL},
    {"link_set_mtu", call_link_set_mtu, NULL},
    {"link_set_address", call_link_set_address, NULL},
    {"link_set_master", call_link_set_master, free_port},
    {"link_list", call_link_list, NULL},
    {"addr_add", call_addr_add, delete_address},
    {"addr_del", call_addr_del, add_address},
    {"addr_list", call_addr_list, NULL},
    {"route_add", call_route_add, delete_route},
    {"route_del", call_route_del, add_route},
    {"route_list", call_route_list, NULL},
};

#define CALLS (sizeof calls / sizeof *calls)

/* --- setup and teardown ------------------------------------------------------------------------- */

/* Handles as if just opened: without the rtnetlink connections that they keep. */
static inline void open_blue_and_far(void)
{
    netns_close(given.blue);
    netns_close(given.far);
    given.blue = given.far = NULL;
    MUST(netns_open("blue", 0, &given.blue));
    MUST(netns_open("far", 0, &given.far));
}

static inline void prepare_calls(void)
{
    given.fd = -1;
    given.null = MUST(open("/dev/null", O_WRONLY | O_CLOEXEC));
    MUST(netns_open_current(&given.home));
    MUST(netns_create("blue", NETNS_CREATE_LO_UP, NULL));
    MUST(netns_create("far", 0, NULL));
    open_blue_and_far();
    make_red();
    make_my_red();
    link_to_blue();
    given.child = start_in(given.blue);
    given.socket = MUST(netns_socket(given.blue, AF_INET, SOCK_DGRAM, 0));
    given.pidfd = (int)syscall(SYS_pidfd_open, given.child, 0);
    MUST(netns_nsid_set(given.blue, given.far, NETNS_NSID_AUTO));
    MUST(netns_veth_add(given.blue, "v0", given.blue, "moved"));
    MUST(netns_link_up(given.blue, "v0"));
    /* An interface loses its routes with its last address. */
    MUST(netns_addr_add(given.blue, "v0", "192.0.2.1/24"));
    add_bridge();
    add_address();
    add_route();
}

static inline void end_calls(void)
{
    stop(given.child);
    close(given.socket);
    close(given.null);
    if (given.pidfd >= 0)
        close(given.pidfd);
    netns_close(given.home);
    netns_close(given.blue);
    netns_close(given.red);
    netns_close(given.far);
    EQUAL(netns_remove_at(MINE, "red", 0), 0);
    EQUAL(netns_remove_at(MINE, "link", 0), 0);
    SAME(names(), "blue far red");
}

#define UNDO(call) \
    do {                  \
        if ((call)->undo) \
            (call)->undo(); \
    } while (0)

#endif
