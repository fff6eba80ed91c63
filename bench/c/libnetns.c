/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library. `libnetns make` creates the permanent namespaces and exits. */
#define _GNU_SOURCE
#include "loading.h"
#include "sandbox.h"
#include "watching.h"
#include "worker.h"

#include <libnetns/netns.h>
#include <sys/socket.h>
#include <unistd.h>

static struct netns *target, *sandbox, *home;
static struct netns *made[MOST];

static void must_not_fail(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s\n", netns_errmsg());
    exit(1);
}

/* --- create ------------------------------------------------------------------------------------- */

static void create(int i)
{
    char name[32];

    name_of(name, i);
    must_not_fail(netns_create(name, 0, NULL));
}

static void create_up(int i)
{
    char name[32];

    name_of(name, i);
    must_not_fail(netns_create(name, NETNS_CREATE_LO_UP, NULL));
}

static void create_anonymous(int i)
{
    must_not_fail(netns_create(NULL, 0, &made[i]));
}

static void close_made(int i)
{
    netns_close(made[i]);
}

/* --- names -------------------------------------------------------------------------------------- */

static void attach(int i)
{
    char name[32];

    name_of(name, i);
    must_not_fail(netns_attach(target, name, 0));
}

static void remove_name(int i)
{
    char name[32];

    name_of(name, i);
    must_not_fail(netns_remove(name, 0));
}

static void open_name(int i)
{
    struct netns *ns;

    (void)i;
    must_not_fail(netns_open("target", 0, &ns));
    netns_close(ns);
}

static void list(int i)
{
    struct netns_name_snapshot *names;

    (void)i;
    must_not_fail(netns_list(0, &names));
    counted = netns_list_len(names);
    netns_list_free(names);
}

static void list_all(int i)
{
    struct netns_name_snapshot *all;

    (void)i;
    must_not_fail(netns_list_all(0, &all));
    counted = netns_list_len(all);
    netns_list_free(all);
}

static void identify(int i)
{
    struct netns_name_snapshot *names;
    struct netns *ns;

    (void)i;
    must_not_fail(netns_open_pid(guest(), &ns));
    must_not_fail(netns_names(ns, 0, &names));
    counted = netns_list_len(names);
    netns_list_free(names);
    netns_close(ns);
}

/* --- the thread --------------------------------------------------------------------------------- */

static void enter(int i)
{
    int token = netns_enter(target);

    (void)i;
    must_not_fail(token);
    must_not_fail(netns_leave(token));
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void run(int i)
{
    (void)i;
    must_not_fail(netns_run(target, nothing, NULL, NULL));
}

static void run_by_path(int i)
{
    struct netns *ns;

    (void)i;
    must_not_fail(netns_open(TARGET, 0, &ns));
    must_not_fail(netns_run(ns, nothing, NULL, NULL));
    netns_close(ns);
}

static void make_socket(int i)
{
    int fd = netns_socket(target, AF_INET, SOCK_DGRAM, 0);

    (void)i;
    must_not_fail(fd);
    close(fd);
}

static void run_from_home(int i)
{
    (void)i;
    must_not_fail(netns_run_from(home, target, nothing, NULL, NULL));
}

static void make_socket_from_home(int i)
{
    int fd = netns_socket_from(home, target, AF_INET, SOCK_STREAM, 0);

    (void)i;
    must_not_fail(fd);
    close(fd);
}

static void set_sysctl(int i)
{
    must_not_fail(netns_sysctl_set(target, "net.ipv4.ip_default_ttl", i % 2 ? "64" : "63"));
}

/* --- processes ---------------------------------------------------------------------------------- */

static void find_pids(int i)
{
    static pid_t pids[4096];

    (void)i;
    counted = netns_pids(target, 0, pids, sizeof pids / sizeof pids[0]);
    must_not_fail(counted);
}

static void find_holders(int i)
{
    struct netns_holder_snapshot *holders;

    (void)i;
    must_not_fail(netns_holder_list(target, 0, &holders));
    counted = netns_holder_list_len(holders);
    netns_holder_list_free(holders);
}

static void run_program(int i)
{
    static char *const argv[] = {"true", NULL};
    pid_t pid;
    int status;

    (void)i;
    must_not_fail(netns_spawn(target, NULL, "/bin/true", argv, NULL, &pid));
    MUST(waitpid(pid, &status, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("/bin/true");
}

/* --- netlink ------------------------------------------------------------------------------------ */

static void get_id(int i)
{
    (void)i;
    counted = netns_nsid_get(NULL, target);
    must_not_fail(counted);
}

static void get_id_elsewhere(int i)
{
    (void)i;
    counted = netns_nsid_get(target, target);
    must_not_fail(counted);
}

static void set_up_sandbox(int i)
{
    (void)i;
    must_not_fail(netns_veth_add(target, "v0p0", sandbox, "v0p1"));
    must_not_fail(netns_addr_add(target, "v0p0", OUTSIDE "/24"));
    must_not_fail(netns_addr_add(sandbox, "v0p1", INSIDE "/24"));
    must_not_fail(netns_addr_add(sandbox, "v0p1", FAR));
    must_not_fail(netns_link_up(target, "v0p0"));
    must_not_fail(netns_link_up(sandbox, "v0p1"));
    must_not_fail(netns_route_add(target, FAR, INSIDE, NULL));
    must_not_fail(netns_route_add(sandbox, "default", OUTSIDE, NULL));
}

/* --- the monitor -------------------------------------------------------------------------------- */

static struct netns_monitor *monitor;

static int take_events(void)
{
    struct netns_event event = {.size = sizeof event};
    int count = 0, rc;

    while ((rc = netns_monitor_next(monitor, &event)) > 0)
        count++;
    must_not_fail(rc);
    return count;
}

static double told_by_monitor(int count, double (*tell)(const struct watcher *, int))
{
    struct watcher watcher = {.take = take_events, .order = ADD_BIND};
    double took;

    must_not_fail(netns_monitor_open(NULL, 0, &monitor));
    watcher.fd = netns_monitor_fd(monitor);
    took = tell(&watcher, count);
    netns_monitor_close(monitor);
    return took;
}

static double tell_one(int count)
{
    return told_by_monitor(count, time_events);
}

static double tell_pairs(int count)
{
    return told_by_monitor(count, time_pairs);
}

static double load_library(int count)
{
    return load(getenv("NETNS_BENCH_LIBRARY"), count);
}

/* ------------------------------------------------------------------------------------------------ */

static const struct operation operations[] = {
    {"create", create, NULL, NULL},
    {"create-up", create_up, NULL, NULL},
    {"create-anonymous", create_anonymous, close_made, NULL},
    {"open", open_name, NULL, NULL},
    {"enter", enter, NULL, NULL},
    {"run", run, NULL, NULL},
    {"run-path", run_by_path, NULL, NULL},
    {"socket", make_socket, NULL, NULL},
    {"run-from", run_from_home, NULL, NULL},
    {"socket-from", make_socket_from_home, NULL, NULL},
    {"sysctl", set_sysctl, NULL, NULL},
    {"list", list, NULL, NULL},
    {"list-all", list_all, NULL, NULL},
    {"pids", find_pids, NULL, NULL},
    {"holders", find_holders, NULL, NULL},
    {"identify", identify, NULL, NULL},
    {"nsid", get_id, NULL, NULL},
    {"nsid-elsewhere", get_id_elsewhere, NULL, NULL},
    {"attach", attach, NULL, NULL},
    {"remove", remove_name, NULL, NULL},
    {"program", run_program, NULL, NULL},
    {"event", NULL, NULL, tell_one},
    {"pairs", NULL, NULL, tell_pairs},
    {"sandbox", set_up_sandbox, NULL, NULL},
    {"load", NULL, NULL, load_library},
    {0},
};

static int make(void)
{
    must_not_fail(netns_create("target", 0, &target));
    must_not_fail(netns_create("sandbox", 0, NULL));
    must_not_fail(netns_nsid_set(NULL, target, NSID));
    must_not_fail(netns_nsid_set(target, target, NSID));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "make") == 0)
        return make();
    must_not_fail(netns_open("target", 0, &target));
    must_not_fail(netns_open("sandbox", 0, &sandbox));
    must_not_fail(netns_open_current(&home));
    return serve(netns_version(), operations);
}
