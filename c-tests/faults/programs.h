/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs, the monitor, and iproute2's helper functions. */
#ifndef NETNS_FAULTS_PROGRAMS_H
#define NETNS_FAULTS_PROGRAMS_H

#include "links.h"

#include <libnetns/netns-iproute2.h>

/* --- programs --------------------------------------------------------------------------------- */

/* The path of this program, which reports by its exit status whether it is in the expected namespace. */
static char self[PATH_MAX];
static char inode_text[32];
static char *program_argv[] = {self, (char *)"--program", inode_text, NULL};

static int be_the_program(const char *inode)
{
    bool at_home = strtoull(inode, NULL, 10) == here();
    char hosts[16] = "";
    FILE *file = fopen("/etc/hosts", "re");

    if (!file || !fgets(hosts, sizeof hosts, file))
        return 2;
    fclose(file);
    if (!at_home)
        return 3;
    if (strcmp(hosts, "blue's") != 0)
        return 4;
    return exists("/sys/class/net/mark") && exists("/sys/kernel/mark") ? 0 : 5;
}

/* A namespace with files in /etc/netns, an interface, and a mount below /sys. */
static void make_furnished_blue(void)
{
    MUST(mount("sysfs", "/sys", "sysfs", 0, NULL));
    MUST(mount("netns-test", "/sys/kernel", "tmpfs", 0, "mode=755"));
    write_file("/sys/kernel/mark", "", 0644);
    MUST(mount("netns-test", "/etc", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/etc/netns", 0755));
    MUST(mkdir("/etc/netns/blue", 0755));
    write_file("/etc/netns/blue/hosts", "blue's", 0644);
    write_file("/run/hosts", "everybody's", 0644);
    MUST(symlink("/run/hosts", "/etc/hosts"));
    make_blue();
    MUST(netns_link_add(blue, "mark", "bridge"));
    snprintf(inode_text, sizeof inode_text, "%llu", (unsigned long long)netns_inode(blue));
}

static long long exec_program(void)
{
    return netns_exec(blue, self, program_argv, NULL);
}

static long long spawn_program(void)
{
    return netns_spawn(blue, NULL, self, program_argv, NULL, &received.pid);
}

static long long spawn_with_options(void)
{
    struct netns_spawn_options options = {
        .size = sizeof options, .flags = NETNS_SPAWN_STDIO, .stdin_fd = -1, .stdout_fd = 2,
        .stderr_fd = 1, .pidfd = &received.pidfd, .cwd = "/etc"};

    return netns_spawn(blue, &options, self, program_argv, NULL, &received.pid);
}

/* For a pinned /etc, with a mount in /etc that must stay. */
static void make_pinned_blue(void)
{
    make_furnished_blue();
    write_file("/etc/hostname", "", 0644);
    write_file("/run/hostname", "box", 0644);
    MUST(mount("/run/hostname", "/etc/hostname", "none", MS_BIND, NULL));
}

static long long spawn_pinned(void)
{
    struct netns_spawn_options options = {
        .size = sizeof options, .flags = NETNS_SPAWN_STRICT_ETC | NETNS_SPAWN_PIN_ETC};

    return netns_spawn(blue, &options, self, program_argv, NULL, &received.pid);
}

/* With a file that has nothing to cover. */
static void make_misfitting_blue(void)
{
    make_furnished_blue();
    write_file("/etc/netns/blue/missing", "", 0644);
}

static long long spawn_telling(void)
{
    struct netns_spawn_options options = {.size = sizeof options, .flags = NETNS_SPAWN_TELL_ETC};

    return netns_spawn(blue, &options, self, program_argv, NULL, &received.pid);
}

static long long spawn_strictly(void)
{
    struct netns_spawn_options options = {.size = sizeof options, .flags = NETNS_SPAWN_STRICT_ETC};

    return netns_spawn(blue, &options, self, program_argv, NULL, &received.pid);
}

/* Switches to the same user ID; the only descriptor passed is standard error. */
static long long spawn_as_a_user(void)
{
    static const uint32_t groups[] = {0, 7};
    struct netns_spawn_options options = {
        .size = sizeof options, .flags = NETNS_SPAWN_USER | NETNS_SPAWN_SETSID | NETNS_SPAWN_STDERR,
        .stderr_fd = 1, .pidfd = &received.pidfd, .groups = groups, .groups_len = 2};

    return netns_spawn(blue, &options, self, program_argv, NULL, &received.pid);
}

static long long exec_nothing(void)
{
    return netns_exec(blue, "/nowhere/at-all", program_argv, NULL);
}

static long long spawn_nothing(void)
{
    return netns_spawn(blue, NULL, "/nowhere/at-all", program_argv, NULL, &received.pid);
}

/* Searches PATH, whose first directory does not contain the program; in the caller's mount namespace. */
static long long spawn_from_path(void)
{
    struct netns_spawn_options options = {
        .size = sizeof options, .flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC};
    char *argv[] = {(char *)"true", NULL};

    return netns_spawn(blue, &options, "true", argv, NULL, &received.pid);
}

static void set_path(void)
{
    MUST(setenv("PATH", "/nowhere:/bin:/usr/bin", 1));
}

static void check_program(bool done)
{
    if (done)
        WANT(wait_for(received.pid) == 0);
}

static void check_program_and_count(bool done)
{
    check_program(done);
    if (done)
        WANT(rc == 1 && strstr(netns_errmsg(), "skip the file for /etc/missing"));
}

static void check_program_and_pidfd(bool done)
{
    check_program(done);
    if (done)
        close(received.pidfd);
}

/* --- the monitor ------------------------------------------------------------------------------ */

static long long open_monitor(void)
{
    return netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &received.monitor);
}

static int next_event(struct netns_monitor *from, struct netns_event *event)
{
    *event = (struct netns_event){.size = sizeof *event};
    return netns_monitor_next(from, event);
}

static void check_monitor(bool done)
{
    struct netns_event event;

    if (!done)
        return;
    WANT(next_event(received.monitor, &event) == 1 && strcmp(event.name, "blue") == 0);
    WANT(next_event(received.monitor, &event) == 0);
    netns_monitor_close(received.monitor);
}

static long long open_idle_monitor(void)
{
    return netns_monitor_open(NULL, 0, &received.monitor);
}

static void check_idle_monitor(bool done)
{
    struct netns_event event;

    if (!done)
        return;
    WANT(next_event(received.monitor, &event) == 0);
    netns_monitor_close(received.monitor);
}

/* A name, and a file that may still be bound. */
static void begin_to_watch(void)
{
    MUST(netns_monitor_open(NULL, 0, &monitor));
    write_file(NETNS_RUN_DIR "/anon", "", 0);
    MUST(netns_attach(blue, "green", 0));
    received.event.size = sizeof received.event;
}

static long long take_event(void)
{
    return netns_monitor_next(monitor, &received.event);
}

/* A failed call loses no event. */
static void check_event(bool done)
{
    if (!done)
        WANT(next_event(monitor, &received.event) == 1);
    WANT(received.event.type == NETNS_EVENT_ADD && strcmp(received.event.name, "green") == 0);
    WANT(next_event(monitor, &received.event) == 0);
}

static void begin_to_watch_a_link(void)
{
    MUST(netns_monitor_open(NULL, 0, &monitor));
    MUST(symlink("blue", NETNS_RUN_DIR "/green"));
    received.event.size = sizeof received.event;
}

static void begin_to_watch_nothing(void)
{
    MUST(netns_monitor_open(NULL, 0, &monitor));
    MUST(umount2(NETNS_RUN_DIR, MNT_DETACH));
    received.event.size = sizeof received.event;
}

static long long tell_descriptor(void)
{
    return netns_monitor_fd(monitor);
}

static long long close_monitor(void)
{
    netns_monitor_close(monitor);
    monitor = NULL;
    return 0;
}

static void check_removal(bool done)
{
    if (!done)
        WANT(next_event(monitor, &received.event) == 1);
    WANT(received.event.type == NETNS_EVENT_REMOVE && strcmp(received.event.name, "blue") == 0);
    WANT(next_event(monitor, &received.event) == 0);
}

/* --- iproute2's helpers ----------------------------------------------------------------------- */

/* Begins like iproute2's struct. */
static struct { int fd; char rest[64]; } connection;

static struct rtnl_handle *handle(void)
{
    return (struct rtnl_handle *)(void *)&connection;
}

static char blue_name[] = "blue";

static long long helper_switch(void)
{
    return netns_switch(blue_name);
}

static long long helper_get_fd(void)
{
    return netns_get_fd("blue");
}

static int count_name(char *name, void *arg)
{
    *(int *)arg += strcmp(name, "blue") == 0 || strcmp(name, "azure") == 0;
    return 0;
}

static long long helper_foreach(void)
{
    return netns_foreach(count_name, &received.result);
}

static long long helper_id(void)
{
    return netns_id_from_name(handle(), "blue");
}

static long long helper_set_id(void)
{
    return set_netns_id_from_name(handle(), "blue", 7);
}

static long long helper_name(void)
{
    received.text = netns_name_from_id(7);
    return received.text ? 0 : -1;
}

static void check_fd(bool done)
{
    if (done) {
        struct stat st;

        WANT(fstat(rc, &st) == 0 && st.st_ino == netns_inode(blue));
        close(rc);
    }
}

static void check_count(bool done)
{
    if (done)
        WANT(received.result == 2);
}

static void check_helper_id(bool done)
{
    if (done)
        WANT(rc == 7);
    close(connection.fd);
}

static void check_helper_set(bool done)
{
    WANT(netns_nsid_get(NULL, blue) == (done ? 7 : -ENODATA));
    close(connection.fd);
}

static void check_name(bool done)
{
    if (done)
        WANT(strcmp(received.text, "blue") == 0);
    free(received.text);
}

static void check_switched(bool done)
{
    if (done) {
        WANT(here() == netns_inode(blue));
        WANT(exists("/sys/class/net/mark") && exists("/sys/kernel/mark"));
    }
}

/* Moves the thread to a namespace that no other process uses, with no nsids assigned. */
static void be_elsewhere(void)
{
    MUST(unshare(CLONE_NEWNET));
    connection.fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static void be_elsewhere_with_id(void)
{
    be_elsewhere();
    MUST(netns_nsid_set(NULL, blue, 7));
}

static void make_blue_and_azure(void)
{
    make_blue();
    MUST(netns_create("azure", 0, NULL));
}

static const struct scenario program_scenarios[] = {
    {"netns_exec", "", BECOMES_PROGRAM, make_furnished_blue, NULL, exec_program, NULL},
    {"netns_spawn", "", 0, make_furnished_blue, NULL, spawn_program, check_program},
    {"netns_spawn", "with options", 0, make_furnished_blue, NULL, spawn_with_options,
     check_program_and_pidfd},
    {"netns_spawn", "as a user", 0, make_furnished_blue, NULL, spawn_as_a_user,
     check_program_and_pidfd},
    {"netns_spawn", "pinned", 0, make_pinned_blue, NULL, spawn_pinned, check_program},
    {"netns_spawn", "without a file", 0, make_misfitting_blue, NULL, spawn_telling,
     check_program_and_count},
    {"netns_spawn", "strictly", FAILS_AS_IT_IS(ENOENT), make_misfitting_blue, NULL, spawn_strictly,
     NULL},
    {"netns_spawn", "from PATH, with what the caller mounted", 0, make_blue, set_path,
     spawn_from_path,
     check_program},
    {"netns_exec", "no such program", FAILS_AS_IT_IS(ENOENT), make_furnished_blue, NULL,
     exec_nothing,
     NULL},
    {"netns_spawn", "no such program", FAILS_AS_IT_IS(ENOENT), make_furnished_blue, NULL,
     spawn_nothing,
     NULL},
    {"netns_monitor_open", "", 0, make_blue, NULL, open_monitor, check_monitor},
    {"netns_monitor_open", "without a run directory", NO_RUN_DIRECTORY, NULL, NULL,
     open_idle_monitor, check_idle_monitor},
    {"netns_monitor_next", "", READY_MAKES_NAMES, make_blue, begin_to_watch, take_event,
     check_event},
    {"netns_monitor_next", "of a symlink", READY_MAKES_NAMES, make_blue, begin_to_watch_a_link,
     take_event, check_event},
    {"netns_monitor_next", "of another directory", READY_MAKES_NAMES, make_blue,
     begin_to_watch_nothing, take_event,
     check_removal},
    {"netns_monitor_fd", "", READY_MAKES_NAMES, make_blue, begin_to_watch, tell_descriptor, NULL},
    {"netns_monitor_close", "", RETURNS_NOTHING, make_blue, begin_to_watch, close_monitor, NULL},
    {"netns_switch", "", IPROUTE2 | ONE_WAY, make_furnished_blue, NULL, helper_switch,
     check_switched},
    {"netns_get_fd", "", IPROUTE2, make_blue, NULL, helper_get_fd, check_fd},
    {"netns_foreach", "", IPROUTE2, make_blue_and_azure, NULL, helper_foreach, check_count},
    {"netns_id_from_name", "", IPROUTE2, make_blue, be_elsewhere_with_id, helper_id,
     check_helper_id},
    {"set_netns_id_from_name", "", IPROUTE2, make_blue, be_elsewhere, helper_set_id,
     check_helper_set},
    {"netns_name_from_id", "", IPROUTE2, make_blue_and_azure, be_elsewhere_with_id, helper_name,
     check_name},
};

#endif
