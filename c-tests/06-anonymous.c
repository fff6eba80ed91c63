/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Namespaces without a name, and names that are attached later. */
#include "privilege.h"

#include <sys/socket.h>

/* The names of a namespace, separated by spaces. */
static const char *names_of(const char *rundir, const struct netns *ns)
{
    static char text[4096];
    struct netns_name_snapshot *list = NULL;
    size_t used = 0;

    text[0] = '\0';
    if (netns_names_at(rundir, ns, 0, &list) < 0)
        return netns_errmsg();
    for (size_t i = 0; i < netns_list_len(list) && used < sizeof text - 300; i++)
        used += sprintf(text + used, "%s%s", i ? " " : "", netns_list_name(list, i));
    netns_list_free(list);
    return text;
}

/* --- without a name --------------------------------------------------------------------------- */

static void anonymous_namespace_has_no_file_mount_or_name(void)
{
    struct state before = state_now();
    struct netns *ns = NULL;

    EQUAL(OK(netns_create(NULL, 0, &ns)), 0);
    CHECK(ns != NULL);
    SAME(netns_name(ns), NULL);
    SAME(netns_path(ns), NULL);
    CHECK(netns_inode(ns) != here());
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    SAME(names_of(NULL, ns), "");
    EQUAL(open_descriptors(), before.descriptors + 1);
    EQUAL(mounts_at(NULL), before.mounts);
    EQUAL(files_in("/run/netns"), 0);
    netns_close(ns);
    UNCHANGED_SINCE(before);
}

static void anonymous_create_makes_no_run_directory(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    netns_close(ns);
    OK(netns_create_at("/run/mine", NULL, 0, &ns));
    netns_close(ns);
    CHECK(!exists("/run/netns"));
    CHECK(!exists("/run/mine"));
}

static void anonymous_creates_return_different_namespaces(void)
{
    struct netns *a = NULL, *b = NULL;

    OK(netns_create(NULL, 0, &a));
    OK(netns_create(NULL, NETNS_CREATE_EXIST_OK, &b));
    EQUAL(netns_equal(a, b), 0);
    CHECK(netns_inode(a) != netns_inode(b));
    netns_close(a);
    netns_close(b);
}

static void anonymous_create_brings_lo_up_only_with_flag(void)
{
    struct netns *up = NULL, *down = NULL;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &up));
    OK(netns_create(NULL, 0, &down));
    EQUAL(lo_is_up(up), true);
    EQUAL(lo_is_up(down), false);
    netns_close(up);
    netns_close(down);
}

static void enter_and_socket_accept_anonymous_namespace(void)
{
    struct netns *ns = NULL, *of_socket = NULL;
    int token, fd;

    OK(netns_create(NULL, 0, &ns));
    token = OK(netns_enter(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    OK(netns_leave(token));
    EQUAL(OK(netns_is_current(ns)), 0);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_equal(ns, of_socket), 1);
    netns_close(of_socket);
    close(fd);
    netns_close(ns);
}

static void anonymous_create_without_out_fails_with_einval(void)
{
    struct state before = state_now();

    FAILS(EINVAL, netns_create(NULL, 0, NULL));
    FAILS(EINVAL, netns_create(NULL, NETNS_CREATE_LO_UP, NULL));
    MESSAGE_HAS("no name and no place for the handle given");
    UNCHANGED_SINCE(before);
}

/* --- lifetime --------------------------------------------------------------------------------- */

/* Allows the user namespace only one more network namespace, which shows when one has ended: the kernel
 * destroys a namespace asynchronously after its last user. */
static void allow_one_more_namespace(void)
{
    enter_user_namespace_with_run_directory(CLONE_NEWNET);
    write_map("/proc/sys/user/max_net_namespaces", "2");
}

/* Checks this while the one allowed namespace exists. */
static void there_is_no_room(int line)
{
    struct netns *ns = NULL;

    /* Long enough for a namespace that is destroyed by mistake. */
    sleep_ms(200);
    check_at(netns_create(NULL, 0, &ns) == -ENOSPC, line, "a namespace has ended too early");
    netns_close(ns);
}

#define THERE_IS_NO_ROOM() there_is_no_room(__LINE__)

/* Creates a namespace as soon as the previous one has ended. */
static struct netns *make_when_there_is_room(const char *name)
{
    struct netns *ns = NULL;
    int rc = -ENOSPC;

    for (int tries = 0; tries < 1000 && rc == -ENOSPC; tries++) {
        rc = netns_create(name, NETNS_CREATE_LO_UP, &ns);
        if (rc == -ENOSPC)
            sleep_ms(10);
    }
    /* The test cannot continue without it. */
    if (rc < 0) {
        printf("# %s\n", netns_errmsg());
        exit(1);
    }
    return ns;
}

static void hold_by_handles(void *arg)
{
    struct netns *ns, *second = NULL;
    int fd;

    (void)arg;
    allow_one_more_namespace();
    ns = make_when_there_is_room(NULL);
    OK(netns_open_fd(netns_fd(ns), &second));
    netns_close(ns);
    THERE_IS_NO_ROOM();
    netns_close(second);

    ns = make_when_there_is_room(NULL);
    fd = OK(netns_socket(ns, AF_UNIX, SOCK_DGRAM, 0));
    netns_close(ns);
    THERE_IS_NO_ROOM();
    close(fd);
    netns_close(make_when_there_is_room(NULL));
}

static void handle_or_socket_keeps_namespace_alive(void)
{
    IN_CHILD(hold_by_handles, NULL);
}

static void hold_by_a_name_or_a_process(void *arg)
{
    struct netns *ns;
    pid_t child;

    (void)arg;
    allow_one_more_namespace();
    ns = make_when_there_is_room(NULL);
    OK(netns_attach(ns, "a", 0));
    OK(netns_attach(ns, "b", 0));
    netns_close(ns);
    OK(netns_remove("a", 0));
    THERE_IS_NO_ROOM();
    OK(netns_remove("b", 0));

    ns = make_when_there_is_room(NULL);
    child = start_in(ns);
    netns_close(ns);
    THERE_IS_NO_ROOM();
    stop(child);
    netns_close(make_when_there_is_room(NULL));
}

static void name_or_process_keeps_namespace_alive(void)
{
    IN_CHILD(hold_by_a_name_or_a_process, NULL);
}

/* Whatever a failed or completed call kept of a namespace would occupy the only allowed place. */
static void make_and_end_one_after_the_other(void *arg)
{
    struct netns *ns;
    int token;

    (void)arg;
    allow_one_more_namespace();
    for (int i = 0; i < 3; i++) {
        ns = make_when_there_is_room("x");
        FAILS(EEXIST, netns_create("x", 0, NULL));
        FAILS(EEXIST, netns_attach(ns, "x", 0));
        token = OK(netns_enter(ns));
        OK(netns_leave(token));
        netns_close(ns);
        OK(netns_remove("x", 0));
    }
    netns_close(make_when_there_is_room(NULL));
}

static void calls_leak_no_reference_to_namespace(void)
{
    IN_CHILD(make_and_end_one_after_the_other, NULL);
}

/* --- a name attached later -------------------------------------------------------------------- */

static void attach_adds_name_to_anonymous_namespace(void)
{
    struct netns *ns = NULL, *found = NULL;

    OK(netns_create(NULL, 0, &ns));
    EQUAL(OK(netns_attach(ns, "blue", 0)), 0);
    SAME(netns_name(ns), NULL);
    SAME(netns_path(ns), NULL);
    SAME(names(), "blue");
    CHECK(is_netns("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 1);
    OK(netns_open("blue", 0, &found));
    EQUAL(netns_equal(ns, found), 1);
    SAME(netns_name(found), "blue");
    netns_close(found);
    netns_close(ns);
    OK(netns_open("blue", 0, &found));
    netns_close(found);
}

static void attach_adds_further_names_to_namespace(void)
{
    struct netns *ns = NULL, *other = NULL;

    OK(netns_create("m", 0, &ns));
    OK(netns_create("n", 0, &other));
    OK(netns_attach(ns, "z", 0));
    OK(netns_attach(ns, "A", 0));
    SAME(names_of(NULL, ns), "A m z");
    SAME(names_of(NULL, other), "n");
    SAME(names(), "A m n z");
    SAME(netns_name(ns), "m");
    OK(netns_remove("m", 0));
    SAME(names_of(NULL, ns), "A z");
    CHECK(is_netns("/run/netns/z"));
    OK(netns_remove("A", 0));
    OK(netns_remove("z", 0));
    SAME(names_of(NULL, ns), "");
    SAME(names(), "n");
    netns_close(ns);
    netns_close(other);
}

static void attach_accepts_namespace_of_calling_thread(void)
{
    struct netns *home = NULL, *found = NULL;

    OK(netns_open_current(&home));
    OK(netns_attach(home, "home", 0));
    OK(netns_open("home", 0, &found));
    EQUAL(OK(netns_is_current(found)), 1);
    EQUAL(netns_inode(found), here());
    SAME(names_of(NULL, home), "home");
    OK(netns_remove("home", 0));
    EQUAL(netns_inode(found), here());
    netns_close(home);
    netns_close(found);
}

static void attach_accepts_handles_from_every_open_call(void)
{
    struct netns *ns = NULL, *found = NULL;
    pid_t child;
    int fd;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    OK(netns_open_pid(child, &found));
    OK(netns_attach(found, "by-pid", 0));
    netns_close(found);
    OK(netns_open_fd(fd, &found));
    OK(netns_attach(found, "by-socket", 0));
    netns_close(found);
    OK(netns_open("/run/netns/by-pid", 0, &found));
    OK(netns_attach(found, "by-path", 0));
    netns_close(found);
    OK(netns_open("by-path", 0, &found));
    OK(netns_attach(found, "by-name", 0));
    netns_close(found);
    SAME(names_of(NULL, ns), "by-name by-path by-pid by-socket");
    close(fd);
    stop(child);
    netns_close(ns);
}

static void attach_creates_custom_run_directory(void)
{
    struct netns *ns = NULL, *found = NULL;

    OK(netns_create(NULL, 0, &ns));
    OK(netns_attach_at("/run/a/b", ns, "blue", 0));
    EQUAL(mounts_at("/run/a/b"), 1);
    EQUAL(mounts_at("/run/a/b/blue"), 1);
    SAME(names_of("/run/a/b", ns), "blue");
    SAME(names_of(NULL, ns), "");
    CHECK(!exists("/run/netns"));
    OK(netns_open_at("/run/a/b", "blue", 0, &found));
    EQUAL(netns_equal(ns, found), 1);
    SAME(netns_path(found), "/run/a/b/blue");
    netns_close(found);
    OK(netns_attach_at(NULL, ns, "red", 0));
    SAME(names_of(NULL, ns), "red");
    OK(netns_remove_at("/run/a/b", "blue", 0));
    SAME(names_of("/run/a/b", ns), "");
    CHECK(is_netns("/run/netns/red"));
    netns_close(ns);
}

/* --- what attach rejects ---------------------------------------------------------------------- */

static void rejected_attach_changes_nothing(void)
{
    struct netns *ns = NULL, *other = NULL;
    struct state before;
    char name[257];

    memset(name, 'n', 256);
    name[256] = '\0';
    OK(netns_create(NULL, 0, &ns));
    OK(netns_create("taken", 0, &other));
    MUST(symlink("taken", "/run/netns/link"));
    MUST(mkdir("/run/netns/dir", 0755));
    write_file("/run/netns/file", "kept", 0644);
    write_file("/run/netns/adder", "", 0);
    before = state_now();
    FAILS(EINVAL, netns_attach(NULL, "blue", 0));
    MESSAGE_HAS("no namespace given");
    FAILS(EINVAL, netns_attach(ns, NULL, 0));
    FAILS(EINVAL, netns_attach(ns, "", 0));
    FAILS(EINVAL, netns_attach(ns, "a/b", 0));
    FAILS(EINVAL, netns_attach(ns, "blue", NETNS_CREATE_EXIST_OK));
    FAILS(EINVAL, netns_attach_at("", ns, "blue", 0));
    FAILS(ENAMETOOLONG, netns_attach(ns, name, 0));
    FAILS(EEXIST, netns_attach(ns, "taken", 0));
    FAILS(EEXIST, netns_attach(other, "taken", 0));
    FAILS(EEXIST, netns_attach(ns, "link", 0));
    FAILS(EEXIST, netns_attach(ns, "dir", 0));
    FAILS(EEXIST, netns_attach(ns, "file", 0));
    /* A young empty file of another program, which is creating that name. */
    FAILS(EEXIST, netns_attach(ns, "adder", 0));
    FAILS(ENOTDIR, netns_attach_at("/run/netns/file", ns, "blue", 0));
    FAILS(ENOTDIR, netns_attach_at("/run/netns/file/below", ns, "blue", 0));
    UNCHANGED_SINCE(before);
    SAME(names(), "link taken");
    SAME(names_of(NULL, ns), "");
    netns_close(ns);
    netns_close(other);
}

static void attach_on_read_only_mount_fails_with_erofs(void)
{
    struct netns *ns = NULL;
    struct state before;

    OK(netns_create(NULL, 0, &ns));
    OK(netns_attach(ns, "first", 0));
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, "none"));
    before = state_now();
    FAILS(EROFS, netns_attach(ns, "blue", 0));
    MESSAGE_HAS("Read-only file system");
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

static void attach_without_cap_sys_admin(void *arg)
{
    struct netns *ns = arg;
    struct state before;

    drop_capability(CAP_SYS_ADMIN);
    before = state_now();
    FAILS(EPERM, netns_attach(ns, "blue", 0));
    MESSAGE_HAS("CAP_SYS_ADMIN over the mount namespace");
    FAILS(EPERM, netns_attach_at("/run/netns", ns, "blue", 0));
    FAILS(EEXIST, netns_attach(ns, "taken", 0));
    UNCHANGED_SINCE(before);
    FAILS(EPERM, netns_attach_at("/run/mine", ns, "blue", 0));
    CHECK(!exists("/run/mine/blue"));
    EQUAL(mounts_at(NULL), before.mounts);
    EQUAL(open_descriptors(), before.descriptors);
}

static void attach_without_cap_sys_admin_fails_with_eperm(void)
{
    struct netns *ns = NULL;

    OK(netns_create("taken", 0, &ns));
    IN_CHILD(attach_without_cap_sys_admin, ns);
    netns_close(ns);
}

static void calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    RUNS_OUT_OF_DESCRIPTORS(netns_attach(ns, "blue", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_create(NULL, 0, &ns));
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_create(NULL, NETNS_CREATE_LO_UP, &ns));
    EQUAL(lo_is_up(ns), true);
    netns_close(ns);
}

int main(void)
{
    RUN(anonymous_namespace_has_no_file_mount_or_name);
    RUN_WITHOUT_RUN_DIRECTORY(anonymous_create_makes_no_run_directory);
    RUN(anonymous_creates_return_different_namespaces);
    RUN(anonymous_create_brings_lo_up_only_with_flag);
    RUN(enter_and_socket_accept_anonymous_namespace);
    RUN(anonymous_create_without_out_fails_with_einval);

    RUN(handle_or_socket_keeps_namespace_alive);
    RUN(name_or_process_keeps_namespace_alive);
    RUN(calls_leak_no_reference_to_namespace);

    RUN(attach_adds_name_to_anonymous_namespace);
    RUN(attach_adds_further_names_to_namespace);
    RUN(attach_accepts_namespace_of_calling_thread);
    RUN(attach_accepts_handles_from_every_open_call);
    RUN_WITHOUT_RUN_DIRECTORY(attach_creates_custom_run_directory);

    RUN(rejected_attach_changes_nothing);
    RUN(attach_on_read_only_mount_fails_with_erofs);
    RUN(attach_without_cap_sys_admin_fails_with_eperm);
    RUN(calls_without_descriptors_fail_with_emfile);
    return finish();
}
