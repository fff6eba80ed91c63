/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The capabilities documented in the header: with these alone a call succeeds, and without any one of them
   it fails. */
#include "privilege.h"

#include <netinet/in.h>
#include <sys/wait.h>

#define BIT(capability) (1ULL << (capability))
#define SYS_ADMIN BIT(CAP_SYS_ADMIN)
#define NET_ADMIN BIT(CAP_NET_ADMIN)
#define SYS_CHROOT BIT(CAP_SYS_CHROOT)
#define SETGID BIT(CAP_SETGID)
#define SETUID BIT(CAP_SETUID)

/* What the calls operate on. */
static struct netns *ns, *other, *home;
static int socket_there;
/* The nsid of other in ns. */
#define NSID 7
static pid_t process_of_another_user;

/* --- the calls ---------------------------------------------------------------------------------- */

static int close_and_return(struct netns *opened, int rc)
{
    if (rc == 0)
        netns_close(opened);
    return rc;
}

static int close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static int create_named(void)
{
    return netns_create("new", 0, NULL);
}

static int create_anonymous(void)
{
    struct netns *opened = NULL;
    int rc = netns_create(NULL, 0, &opened);

    return close_and_return(opened, rc);
}

static int create_with_lo_up(void)
{
    return netns_create("new", NETNS_CREATE_LO_UP, NULL);
}

static int open_what_exists(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK, NULL);
}

static int bring_lo_up(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, NULL);
}

static int attach(void)
{
    return netns_attach(ns, "new", 0);
}

static int remove_live(void)
{
    return netns_remove("blue", 0);
}

static int remove_stale(void)
{
    return netns_remove("stale", 0);
}

static int remove_link(void)
{
    return netns_remove("link", 0);
}

static int list(void)
{
    struct netns_name_snapshot *names_there = NULL;
    int rc = netns_list(NETNS_LIST_STALE, &names_there);

    netns_list_free(names_there);
    return rc;
}

static int open_name(void)
{
    struct netns *opened = NULL;
    int rc = netns_open("blue", 0, &opened);

    return close_and_return(opened, rc);
}

static int open_process(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_pid(process_of_another_user, &opened);

    return close_and_return(opened, rc);
}

static int open_process_by_path(void)
{
    struct netns *opened = NULL;
    char path[64];
    int rc;

    snprintf(path, sizeof path, "/proc/%d/ns/net", process_of_another_user);
    rc = netns_open(path, 0, &opened);
    return close_and_return(opened, rc);
}

static int open_socket(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_fd(socket_there, &opened);

    return close_and_return(opened, rc);
}

static int open_current(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_current(&opened);

    return close_and_return(opened, rc);
}

static int set(void)
{
    return netns_setns(ns);
}

static int set_with_mounts(void)
{
    return netns_setns_mounts(ns, 0);
}

static int set_and_keep_mounts(void)
{
    return netns_setns_mounts(ns, NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC);
}

static int enter_and_leave(void)
{
    int token = netns_enter(ns);

    return token < 0 ? token : netns_leave(token);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int run(void)
{
    return netns_run(ns, nothing, NULL, NULL);
}

static int run_here(void)
{
    return netns_run(NULL, nothing, NULL, NULL);
}

static int run_from(void)
{
    return netns_run_from(home, ns, nothing, NULL, NULL);
}

static int a_socket(void)
{
    return close_descriptor(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
}

static int a_raw_socket(void)
{
    return close_descriptor(netns_socket(ns, AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int a_raw_socket_here(void)
{
    return close_descriptor(netns_socket(NULL, AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int a_socket_from(void)
{
    return close_descriptor(netns_socket_from(home, ns, AF_INET, SOCK_DGRAM, 0));
}

static int bring_up(void)
{
    return netns_link_up(ns, "lo");
}

static int bring_up_here(void)
{
    return netns_link_up(NULL, "lo");
}

static int list_links(void)
{
    struct netns_link_snapshot *links = NULL;
    int rc = netns_link_list(ns, 0, &links);

    netns_link_list_free(links);
    return rc;
}

static int list_links_here(void)
{
    struct netns_link_snapshot *links = NULL;
    int rc = netns_link_list(NULL, 0, &links);

    netns_link_list_free(links);
    return rc;
}

/* If two errors can mean a missing capability, the one in the table. */
static int eperm_for_eacces(int rc)
{
    return rc == -EACCES ? -EPERM : rc;
}

static int add_link(void)
{
    return netns_link_add(ns, "new0", "bridge");
}

static int add_link_here(void)
{
    return netns_link_add(NULL, "new0", "bridge");
}

static int delete_link(void)
{
    return netns_link_del(ns, "moved");
}

static int add_veth(void)
{
    return netns_veth_add(ns, "new0", other, "new1");
}

static int add_veth_here(void)
{
    return netns_veth_add(NULL, "new0", other, "new1");
}

/* Also on a kernel without VLANs, which checks the capabilities first. */
static int add_vlan(void)
{
    int rc = netns_vlan_add(other, "new0", ns, "moved", 7);

    return rc == -EOPNOTSUPP ? 0 : rc;
}

static int add_vlan_here(void)
{
    int rc = netns_vlan_add(other, "new0", NULL, "moved", 7);

    return rc == -EOPNOTSUPP ? 0 : rc;
}

static int move(void)
{
    return netns_link_move(ns, "moved", other, NULL);
}

static int move_from_here(void)
{
    return netns_link_move(NULL, "moved", other, NULL);
}

static int move_and_rename(void)
{
    return netns_link_move(NULL, "moved", other, "new0");
}

static int add_and_delete_address(void)
{
    int rc = netns_addr_add(ns, "lo", "192.0.2.1/32");

    return rc < 0 ? rc : netns_addr_del(ns, "lo", "192.0.2.1/32");
}

static int list_addresses(void)
{
    struct netns_addr_snapshot *addresses = NULL;
    int rc = netns_addr_list(ns, 0, &addresses);

    netns_addr_list_free(addresses);
    return rc;
}

static int add_and_delete_route(void)
{
    int rc = netns_link_up(ns, "lo");

    if (rc == 0)
        rc = netns_route_add(ns, "198.51.100.0/24", NULL, "lo");
    return rc < 0 ? rc : netns_route_del(ns, "198.51.100.0/24", NULL, "lo");
}

static int list_routes(void)
{
    struct netns_route_snapshot *routes = NULL;
    int rc = netns_route_list(ns, 0, &routes);

    netns_route_list_free(routes);
    return rc;
}

static int get_nsid(void)
{
    int id = netns_nsid_get(ns, other);

    return id < 0 ? id : 0;
}

static int get_nsid_here(void)
{
    int id = netns_nsid_get(NULL, other);

    return id < 0 ? id : 0;
}

static int ensure_nsid(void)
{
    int id = netns_nsid_ensure(ns, other);

    return id < 0 ? id : 0;
}

/* It is set already; the kernel checks the capabilities first. */
static int set_nsid(void)
{
    int rc = netns_nsid_set(ns, other, NSID);

    return rc == -EEXIST ? 0 : rc;
}

static int list_nsids(void)
{
    struct netns_nsid_snapshot *ids = NULL;
    int rc = netns_nsid_list(NULL, ns, NETNS_NSID_NONE, 0, &ids);

    netns_nsid_list_free(ids);
    return rc;
}

static int list_nsids_of_a_target(void)
{
    struct netns_nsid_snapshot *ids = NULL;
    int rc = netns_nsid_list(NULL, ns, NSID, 0, &ids);

    netns_nsid_list_free(ids);
    return eperm_for_eacces(rc);
}

static int get_sysctl(void)
{
    return netns_sysctl_get(ns, "net.ipv4.ip_forward", NULL, 0) < 0 ? -errno : 0;
}

static int get_sysctl_here(void)
{
    return netns_sysctl_get(NULL, "net.ipv4.ip_forward", NULL, 0) < 0 ? -errno : 0;
}

/* EACCES: the user who runs this is not root in the initial user namespace. */
static int set_sysctl(void)
{
    return eperm_for_eacces(netns_sysctl_set(ns, "net.ipv4.ip_forward", "1"));
}

static int set_sysctl_here(void)
{
    return eperm_for_eacces(netns_sysctl_set(NULL, "net.ipv4.ip_forward", "1"));
}

static int find_processes(void)
{
    return netns_pids(ns, 0, NULL, 0) < 0 ? -errno : 0;
}

static int find_holders(void)
{
    struct netns_holder_snapshot *holders = NULL;
    int rc = netns_holder_list(ns, 0, &holders);

    netns_holder_list_free(holders);
    return rc;
}

static int monitor(void)
{
    struct netns_monitor *opened = NULL;
    int rc = netns_monitor_open(NULL, 0, &opened);

    netns_monitor_close(opened);
    return rc;
}

static int spawn_with(uint32_t flags)
{
    struct netns_spawn_options options = NETNS_SPAWN_OPTIONS_INIT;
    char *argv[] = {"true", NULL};
    pid_t pid;
    int rc;

    options.flags = flags;
    options.uid = options.gid = NOBODY;
    rc = netns_spawn(ns, &options, "true", argv, NULL, &pid);
    if (rc == 0)
        wait_for(pid);
    return rc;
}

static int spawn(void)
{
    return spawn_with(0);
}

static int spawn_and_keep_mounts(void)
{
    return spawn_with(NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC);
}

static int spawn_as_another_user(void)
{
    return spawn_with(NETNS_SPAWN_USER);
}

static int exec(void)
{
    char *argv[] = {"true", NULL};

    return netns_exec(ns, "true", argv, NULL);
}

/* --- requirements ------------------------------------------------------------------------------- */

/* The thread's namespace when it drops its capabilities. */
enum place {
    ELSEWHERE,
    HERE,     /* in the namespace */
    CONNECTED /* in another namespace, and the handle has its rtnetlink socket */
};

static const struct requirement {
    const char *function;
    const char *name;
    int (*call)(void);
    uint64_t needed;
    int error;
    enum place place;
} requirements[] = {
    {"netns_create", "create", create_named, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_create", "create an anonymous one", create_anonymous, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_create", "create with lo up", create_with_lo_up, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_create", "open what exists", open_what_exists, 0, 0, ELSEWHERE},
    {"netns_create", "bring lo up in one", bring_lo_up, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_attach", "attach", attach, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_remove", "remove a live name", remove_live, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_remove", "remove a stale name", remove_stale, 0, 0, ELSEWHERE},
    {"netns_remove", "remove a symbolic link", remove_link, 0, 0, ELSEWHERE},
    {"netns_list", "list", list, 0, 0, ELSEWHERE},
    {"netns_open", "open by name", open_name, 0, 0, ELSEWHERE},
    {"netns_open_pid", "open by process", open_process, BIT(CAP_SYS_PTRACE), EACCES, ELSEWHERE},
    {"netns_open", "open by a process's path", open_process_by_path, BIT(CAP_SYS_PTRACE), EACCES, ELSEWHERE},
    {"netns_open_fd", "open by socket", open_socket, NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_open_current", "open the current one", open_current, 0, 0, ELSEWHERE},
    {"netns_setns", "set", set, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_setns_mounts", "set with mounts", set_with_mounts, SYS_ADMIN | SYS_CHROOT, EPERM, ELSEWHERE},
    {"netns_setns_mounts", "set and keep the mounts", set_and_keep_mounts, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_enter", "enter and leave", enter_and_leave, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_run", "run", run, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_run", "run here", run_here, 0, 0, HERE},
    {"netns_run_from", "run from a home", run_from, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_socket", "open a socket", a_socket, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_socket", "open a raw socket", a_raw_socket, SYS_ADMIN | BIT(CAP_NET_RAW), EPERM, ELSEWHERE},
    {"netns_socket", "open a raw socket here", a_raw_socket_here, BIT(CAP_NET_RAW), EPERM, HERE},
    {"netns_socket_from", "open a socket from a home", a_socket_from, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_link_up", "bring an interface up", bring_up, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_link_up", "bring an interface up here", bring_up_here, NET_ADMIN, EPERM, HERE},
    {"netns_link_list", "list interfaces", list_links, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_link_list", "list interfaces here", list_links_here, 0, 0, HERE},
    {"netns_link_list", "list interfaces by the handle's socket", list_links, 0, 0, CONNECTED},
    {"netns_link_add", "create an interface", add_link, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_link_add", "create an interface here", add_link_here, NET_ADMIN, EPERM, HERE},
    {"netns_link_add", "create an interface by a handle of here", add_link, NET_ADMIN, EPERM, HERE},
    {"netns_link_add", "create an interface by the handle's socket", add_link, NET_ADMIN, EPERM, CONNECTED},
    {"netns_link_del", "delete an interface", delete_link, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_veth_add", "create a veth pair", add_veth, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_veth_add", "create a veth pair from here", add_veth_here, NET_ADMIN, EPERM, HERE},
    {"netns_vlan_add", "create a VLAN", add_vlan, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_vlan_add", "create a VLAN on a parent here", add_vlan_here, NET_ADMIN, EPERM, HERE},
    {"netns_link_move", "move an interface", move, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_link_move", "move an interface from here", move_from_here, NET_ADMIN, EPERM, HERE},
    {"netns_link_move", "rename an interface on its way", move_and_rename, SYS_ADMIN | NET_ADMIN, EPERM, HERE},
    {"netns_addr_add", "add an address", add_and_delete_address, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_addr_add", "add an address by the handle's socket", add_and_delete_address, NET_ADMIN, EPERM, CONNECTED},
    {"netns_addr_list", "list addresses", list_addresses, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_route_add", "add a route", add_and_delete_route, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_route_add", "add a route by the handle's socket", add_and_delete_route, NET_ADMIN, EPERM, CONNECTED},
    {"netns_route_list", "list routes", list_routes, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_nsid_get", "get an nsid", get_nsid, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_nsid_get", "get an nsid here", get_nsid_here, 0, 0, HERE},
    {"netns_nsid_get", "get an nsid by the handle's socket", get_nsid, 0, 0, CONNECTED},
    {"netns_nsid_ensure", "ensure an nsid that there is", ensure_nsid, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_nsid_set", "assign an nsid", set_nsid, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_nsid_set", "assign an nsid by the handle's socket", set_nsid, NET_ADMIN, EPERM, CONNECTED},
    {"netns_nsid_list", "list nsids", list_nsids, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_nsid_list", "list a target's nsids", list_nsids_of_a_target, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_sysctl_get", "get a sysctl", get_sysctl, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_sysctl_get", "get a sysctl here", get_sysctl_here, 0, 0, HERE},
    {"netns_sysctl_get", "get a sysctl although there is a socket", get_sysctl, SYS_ADMIN, EPERM, CONNECTED},
    {"netns_sysctl_set", "set a sysctl", set_sysctl, SYS_ADMIN | NET_ADMIN, EPERM, ELSEWHERE},
    {"netns_sysctl_set", "set a sysctl here", set_sysctl_here, NET_ADMIN, EPERM, HERE},
    {"netns_pids", "find the processes", find_processes, 0, 0, ELSEWHERE},
    {"netns_holder_list", "find what keeps it", find_holders, 0, 0, ELSEWHERE},
    {"netns_monitor_open", "monitor the run directory", monitor, 0, 0, ELSEWHERE},
    {"netns_spawn", "spawn", spawn, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_spawn", "spawn and keep the mounts", spawn_and_keep_mounts, SYS_ADMIN, EPERM, ELSEWHERE},
    {"netns_spawn", "spawn as another user", spawn_as_another_user, SYS_ADMIN | SETGID | SETUID, EPERM, ELSEWHERE},
    {"netns_exec", "exec", exec, SYS_ADMIN, EPERM, ELSEWHERE},
};

static const struct {
    int number;
    const char *name;
} capability_names[] = {
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},   {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_NET_RAW, "CAP_NET_RAW"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}, {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"}, {CAP_SETGID, "CAP_SETGID"},
    {CAP_SETUID, "CAP_SETUID"},
};

struct attempt {
    const struct requirement *of;
    uint64_t capabilities;
    int error; /* 0: the call succeeds */
};

/* Runs in a child; the parent cleans up. */
static void attempt(void *arg)
{
    const struct attempt *it = arg;
    int rc;

    if (it->of->place == HERE)
        MUST(netns_setns(ns));
    if (it->of->place == CONNECTED)
        MUST(list_links());
    keep_capabilities(it->capabilities);
    rc = it->of->call();
    check_at(rc == -it->error, __LINE__, "%s with capabilities %#llx: %d (%s), not -%d", it->of->name,
             (unsigned long long)it->capabilities, rc, rc < 0 ? netns_errmsg() : "", it->error);
}

static void delete_if_there(const struct netns *where, const char *name)
{
    int rc = netns_link_del(where, name);

    CHECK(rc == 0 || rc == -ENODEV);
}

static void attempt_anew(const struct requirement *of, uint64_t capabilities, int error)
{
    struct attempt it = {of, capabilities, error};

    OK(netns_attach(ns, "blue", 0));
    OK(netns_veth_add(ns, "moved", ns, "peer"));
    write_file("/run/netns/stale", "", 01000);
    MUST(chmod("/run/netns/stale", 01000)); /* the mark of this library's placeholders, whatever the umask is */
    MUST(symlink("/run/netns/blue", "/run/netns/link"));
    IN_CHILD(attempt, &it);
    delete_if_there(ns, "peer");
    delete_if_there(ns, "new0");
    delete_if_there(other, "new0");
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("new", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("stale", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("link", NETNS_REMOVE_MISSING_OK));
}

static void live_as_another_user(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    become_plain_user();
    MUST(prctl(PR_SET_PDEATHSIG, SIGKILL)); /* a change of credentials clears it */
    MUST(write(ready, "", 1));
    for (;;)
        pause();
}

/* 0: there is none, as in a user namespace with one user. */
static pid_t start_process_of_another_user(void)
{
    int ready[2];
    pid_t pid;
    char byte;
    bool started;

    MUST(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0)
        live_as_another_user(ready[1]);
    close(ready[1]);
    started = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!started)
        wait_for(pid);
    return started ? pid : 0;
}

/* Calls that need a second user. */
static bool is_about_another_user(const struct requirement *requirement)
{
    return requirement->call == open_process || requirement->call == open_process_by_path ||
           requirement->call == spawn_as_another_user;
}

/* Linux before 5.0 lists the nsids of no target. */
static bool kernel_lacks(const struct requirement *requirement)
{
    return requirement->call == list_nsids_of_a_target && list_nsids_of_a_target() == -EOPNOTSUPP;
}

/* Before Linux 5.15, root can set this sysctl without CAP_NET_ADMIN. */
static bool is_needed(const struct requirement *requirement, int capability)
{
    bool sets_sysctl = requirement->call == set_sysctl || requirement->call == set_sysctl_here;

    if (!(requirement->needed & BIT(capability)))
        return false;
    return !sets_sysctl || capability != CAP_NET_ADMIN || kernel_is_at_least(5, 15);
}

static void each_call_needs_exactly_documented_capabilities(void)
{
    process_of_another_user = start_process_of_another_user();
    OK(netns_open_current(&home));
    OK(netns_create(NULL, 0, &ns));
    OK(netns_create(NULL, 0, &other));
    OK(netns_nsid_set(ns, other, NSID));
    socket_there = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        const struct requirement *it = &requirements[i];

        if ((is_about_another_user(it) && process_of_another_user == 0) || kernel_lacks(it))
            continue;
        attempt_anew(it, it->needed, 0);
        for (int capability = 0; capability < 64; capability++)
            if (is_needed(it, capability))
                attempt_anew(it, ~BIT(capability), it->error);
    }
    close(socket_there);
    netns_close(ns);
    netns_close(other);
    netns_close(home);
    if (process_of_another_user)
        stop(process_of_another_user);
}

/* --- contents of the header ---------------------------------------------------------------------- */

static char header[1 << 18];

static void read_header(void)
{
    const char *given = getenv("NETNS_HEADERS");
    char path[PATH_MAX];
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "%s/netns.h", given ? given : "../include");
    file = fopen(path, "re");
    if (!file)
        skip("there is no netns.h to read: NETNS_HEADERS");
    length = fread(header, 1, sizeof header - 1, file);
    fclose(file);
    CHECK(length > 0 && length < sizeof header - 1);
}

/* The paragraph on capabilities in a function's comment, in a buffer that the next call overwrites. */
static const char *documented_capabilities(const char *function)
{
    static char paragraph[4096];
    char declaration[80];
    const char *start = NULL, *declared;
    size_t length;

    snprintf(declaration, sizeof declaration, "\nint %s(", function);
    declared = strstr(header, declaration);
    if (!declared) {
        snprintf(declaration, sizeof declaration, "\nssize_t %s(", function);
        declared = strstr(header, declaration);
    }
    if (!declared)
        return "";
    for (const char *at = header; (at = strstr(at, "\n * Capabilities: ")) && at < declared; at++)
        start = at;
    /* The last one before the declaration may belong to another function. */
    for (const char *at = header; start && (at = strstr(at, "\n/**\n")) && at < declared; at++)
        if (at > start)
            start = NULL;
    if (!start)
        return "";
    length = (size_t)(strstr(start, "\n *\n") - start);
    snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, start);
    return paragraph;
}

static void each_capability_is_documented(void)
{
    read_header();
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        const struct requirement *it = &requirements[i];
        const char *paragraph = documented_capabilities(it->function);

        check_at(*paragraph, __LINE__, "%s has no paragraph on capabilities", it->function);
        for (size_t j = 0; j < sizeof capability_names / sizeof *capability_names; j++)
            if (it->needed & BIT(capability_names[j].number))
                check_at(strstr(paragraph, capability_names[j].name) != NULL, __LINE__,
                         "%s does not say that it needs %s", it->function, capability_names[j].name);
    }
}

int main(void)
{
    RUN(each_capability_is_documented);
    RUN(each_call_needs_exactly_documented_capabilities);
    return finish();
}
