/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that are symbolic links: they are followed if no other user could have created them, and rejected
   otherwise. */
#include "exiting.h"
#include "fault.h"
#include "privilege.h"
#include "program.h"

#include <poll.h>
#include <sys/sysmacros.h>

#define STRANGER 1234

/* A namespace with a process in it, and a link to that process's namespace. */
static struct netns *linked;
static pid_t inside;
static char target[64];

static void make_link(const char *name)
{
    OK(netns_create(NULL, 0, &linked));
    inside = start_in(linked);
    snprintf(target, sizeof target, "/proc/%d/ns/net", inside);
    MUST(symlink(target, name));
}

static void forget_link(void)
{
    stop(inside);
    netns_close(linked);
}

static bool is_link_to(const char *path, const char *text)
{
    char found[64] = "";

    return readlink(path, found, sizeof found - 1) > 0 && strcmp(found, text) == 0;
}

/* --- links that are names ---------------------------------------------------------------------- */

static void calls_follow_symlink_to_namespace(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns_nsid_snapshot *ids = NULL;
    struct netns *ns = NULL, *at = NULL;
    char text[64];
    pid_t pids[4];

    make_link("/run/netns/web");
    OK(netns_open("web", 0, &ns));
    EQUAL(netns_equal(ns, linked), 1);
    SAME(netns_name(ns), "web");
    SAME(netns_path(ns), "/run/netns/web");
    OK(netns_open_at("/run/netns", "web", 0, &at));
    EQUAL(netns_equal(at, linked), 1);

    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "web");
    EQUAL(netns_list_inode(list, 0), netns_inode(linked));
    netns_list_free(list);
    SAME(names_in(NULL, NETNS_LIST_STALE), "web");
    OK(netns_names(linked, 0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "web");
    netns_list_free(list);

    EQUAL(OK(netns_pids(ns, 0, pids, 4)), 1);
    EQUAL(pids[0], inside);
    OK(netns_nsid_set(at, ns, 7));
    OK(netns_nsid_list(NULL, at, NETNS_NSID_NONE, 0, &ids));
    EQUAL(netns_nsid_list_len(ids), 1);
    EQUAL(netns_nsid_list_id(ids, 0), 7);
    SAME(netns_nsid_list_name(ids, 0), "web");
    netns_nsid_list_free(ids);

    snprintf(text, sizeof text, "net:[%llu]", (unsigned long long)netns_inode(linked));
    SAME(SAID(ns, NULL, "readlink /proc/self/ns/net"), text);
    CHECK(is_link_to("/run/netns/web", target));
    netns_close(ns);
    netns_close(at);
    forget_link();
}

static void open_follows_symlinks_to_mounts_and_names(void)
{
    struct netns *made = NULL, *ns = NULL;
    static const char *const links[] = {"absolute", "beside", "twice"};

    OK(netns_create_at("/run/docker", "abc", 0, &made));
    OK(netns_attach(made, "blue", 0));
    MUST(symlink("/run/docker/abc", "/run/netns/absolute"));
    MUST(symlink("blue", "/run/netns/beside"));
    MUST(symlink("absolute", "/run/netns/twice"));
    SAME(names(), "absolute beside blue twice");
    for (int i = 0; i < 3; i++) {
        OK(netns_open(links[i], 0, &ns));
        EQUAL(netns_equal(ns, made), 1);
        SAME(netns_name(ns), links[i]);
        netns_close(ns);
    }
    netns_close(made);
}

static void create_and_attach_do_not_replace_symlink(void)
{
    struct netns *ns = SENTINEL;
    struct state before;

    make_link("/run/netns/web");
    before = state_now();
    FAILS(EEXIST, netns_create("web", 0, &ns));
    MESSAGE_HAS("the name is a symbolic link");
    FAILS(EEXIST, netns_create("web", NETNS_CREATE_NOWAIT, &ns));
    FAILS(EEXIST, netns_attach(linked, "web", 0));
    MESSAGE_HAS("the name is a symbolic link");
    CHECK(ns == SENTINEL);
    UNCHANGED_SINCE(before);
    OK(netns_create("web", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &ns));
    EQUAL(netns_equal(ns, linked), 1);
    CHECK(lo_is_up(linked));
    netns_close(ns);
    UNCHANGED_SINCE(before);
    CHECK(is_link_to("/run/netns/web", target));
    forget_link();
}

static void remove_unlinks_symlink_but_not_its_target(void)
{
    OK(netns_create("blue", 0, NULL));
    MUST(symlink("blue", "/run/netns/red"));
    make_link("/run/netns/web");
    OK(netns_remove("red", 0));
    OK(netns_remove("web", 0));
    SAME(names(), "blue");
    CHECK(is_netns("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 1);
    CHECK(is_netns(target));
    EQUAL(files_in("/run/netns"), 1);
    FAILS(ENOENT, netns_remove("red", 0));
    write_file("/run/precious", "kept", 0600);
    MUST(symlink("/run/precious", "/run/netns/red"));
    OK(netns_remove("red", NETNS_REMOVE_MISSING_OK));
    CHECK(exists("/run/precious"));
    forget_link();
}

static void open_link(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    OK(netns_open("web", 0, &ns));
    EQUAL(netns_equal(ns, linked), 1);
    netns_close(ns);
    SAME(names(), "web");
    FAILS(EEXIST, netns_create("web", 0, NULL));
    MUST(symlink("nowhere", "/run/netns/gone"));
    FAILS(ENOTTY, netns_open("gone", 0, &ns));
    SAME(names_in(NULL, NETNS_LIST_STALE), "gone web");
    OK(netns_remove("gone", 0));
}

static void open_follows_symlink_on_old_kernels(void)
{
    static const struct fault old[] = {
        {SYS_name_to_handle_at, EPERM, 0, 0, 0},
        {SYS_statx, ENOSYS, 0, 0, 0},
    };

    need_seccomp();
    make_link("/run/netns/web");
    with_faults(old, 2, open_link, NULL);
    forget_link();
}

static void fail_to_follow_link(void *arg)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *m = NULL;
    struct netns *ns = NULL;

    (void)arg;
    FAILS(EIO, netns_open("web", 0, &ns));
    MESSAGE_HAS("open \"web\": follow the symbolic link /run/netns/web");
    FAILS(EIO, netns_create("web", NETNS_CREATE_EXIST_OK, &ns));
    SAME(names(), "blue");
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &m));
    EQUAL(OK(netns_monitor_next(m, &event)), 1);
    SAME(event.name, "blue");
    EQUAL(OK(netns_monitor_next(m, &event)), 0);
    netns_monitor_close(m);
    OK(netns_remove("web", 0));
}

/* Like a link to a server that does not answer. */
static void unreadable_symlink_does_not_hide_other_names(void)
{
    static const struct fault fault = {SYS_readlinkat, EIO, 0, 0, 0};

    need_seccomp();
    OK(netns_create("blue", 0, NULL));
    make_link("/run/netns/web");
    with_faults(&fault, 1, fail_to_follow_link, NULL);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    forget_link();
}

static void open_and_list_without_descriptors_fail_with_emfile(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;

    make_link("/run/netns/web");
    RUNS_OUT_OF_DESCRIPTORS(netns_open("web", 0, &ns));
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_list(0, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    forget_link();
}

/* --- a link that does not lead to a network namespace -------------------------------------------- */

static void check_that_x_is_stale(void)
{
    struct netns *ns = SENTINEL, *live = NULL;
    struct netns_name_snapshot *list = NULL;
    struct state before;

    OK(netns_create(NULL, 0, &live));
    before = state_now();
    FAILS(ENOTTY, netns_open("x", 0, &ns));
    MESSAGE_HAS("a symbolic link that does not lead to a network namespace");
    FAILS(EEXIST, netns_create("x", 0, &ns));
    FAILS(ENOTTY, netns_create("x", NETNS_CREATE_EXIST_OK, &ns));
    MESSAGE_HAS("a symbolic link that does not lead to a network namespace");
    FAILS(EEXIST, netns_attach(live, "x", 0));
    CHECK(ns == SENTINEL);
    SAME(names(), "");
    OK(netns_list(NETNS_LIST_STALE, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "x");
    EQUAL(netns_list_inode(list, 0), 0);
    netns_list_free(list);
    UNCHANGED_SINCE(before);
    OK(netns_remove("x", 0));
    CHECK(!exists("/run/netns/x"));
    netns_close(live);
}

static void dangling_symlink_is_stale_and_creates_nothing(void)
{
    MUST(symlink("/run/made-through-a-link", "/run/netns/x"));
    check_that_x_is_stale();
    CHECK(!exists("/run/made-through-a-link"));
    MUST(symlink("x", "/run/netns/x"));
    check_that_x_is_stale();
}

static void symlink_to_other_file_is_stale_and_not_opened(void)
{
    struct stat before, after;

    write_file("/run/precious", "kept", 0600);
    MUST(mkfifo("/run/fifo", 0666));
    MUST(stat("/run/precious", &before));
    MUST(symlink("/run/precious", "/run/netns/x"));
    check_that_x_is_stale();
    MUST(symlink("/run/fifo", "/run/netns/x"));
    check_that_x_is_stale();
    MUST(symlink("/run", "/run/netns/x"));
    check_that_x_is_stale();
    MUST(symlink("/proc/self/ns/uts", "/run/netns/x"));
    check_that_x_is_stale();
    MUST(stat("/run/precious", &after));
    EQUAL(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    EQUAL(after.st_size, 4);
}

static void symlink_to_ended_process_is_stale(void)
{
    make_link("/run/netns/x");
    SAME(names(), "x");
    forget_link();
    check_that_x_is_stale();
}

/* --- links that are not followed ----------------------------------------------------------------- */

static void check_that_web_is_refused(const char *why)
{
    struct netns *ns = SENTINEL;
    struct state before = state_now();

    FAILS(ENOTTY, netns_open("web", 0, &ns));
    MESSAGE_HAS("open \"web\": identify /run/netns/web");
    MESSAGE_HAS(why);
    FAILS(EEXIST, netns_create("web", 0, &ns));
    FAILS(ENOTTY, netns_create("web", NETNS_CREATE_EXIST_OK, &ns));
    MESSAGE_HAS(why);
    FAILS(EEXIST, netns_attach(linked, "web", 0));
    FAILS(ENOTTY, netns_remove("web", NETNS_REMOVE_MISSING_OK));
    MESSAGE_HAS("remove \"web\"");
    MESSAGE_HAS(why);
    CHECK(ns == SENTINEL);
    SAME(names(), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    UNCHANGED_SINCE(before);
    CHECK(is_link_to("/run/netns/web", target));
    /* Opened by its path, the link is followed as by any open(2). */
    OK(netns_open("/run/netns/web", 0, &ns));
    netns_close(ns);
}

static int open_and_close_link(pid_t pid)
{
    struct netns *ns = NULL;
    int rc;

    snprintf(target, sizeof target, "/proc/%d/ns/net", pid);
    if (!is_link_to("/run/netns/web", target)) {
        unlink("/run/netns/web");
        MUST(symlink(target, "/run/netns/web"));
    }
    rc = netns_open("web", 0, &ns);
    netns_close(ns);
    return rc;
}

static void symlink_to_exiting_process_is_stale(void)
{
    FAILS_WHEN_PROCESS_EXITS(open_and_close_link, ENOTTY, ENOTTY);
}

static void calls_reject_symlinks_controlled_by_other_users(void)
{
    if (geteuid() != 0 || lchown("/run", 0, 0) < 0)
        skip("needs real root");
    make_link("/run/netns/web");
    MUST(chmod("/run/netns", 01777));
    check_that_web_is_refused("a directory that other users can write to");
    MUST(chmod("/run/netns", 0775));
    check_that_web_is_refused("a directory that other users can write to");
    MUST(chmod("/run/netns", 0755));
    if (lchown("/run/netns/web", STRANGER, STRANGER) < 0)
        skip("needs real root");
    check_that_web_is_refused("a symbolic link of another user");
    MUST(lchown("/run/netns/web", 0, 0));
    MUST(chown("/run/netns", STRANGER, STRANGER));
    check_that_web_is_refused("another user's directory");
    MUST(chown("/run/netns", 0, 0));
    SAME(names(), "web");
    forget_link();
}

static void use_links_as_a_plain_user(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    become_plain_user();
    /* A link of root in root's directory: what it leads to is a name. */
    SAME(names(), "mounted");
    OK(netns_open("mounted", 0, &ns));
    netns_close(ns);
    FAILS(EACCES, netns_open("hidden", 0, &ns));
    MESSAGE_HAS("follow the symbolic link /run/netns/hidden");
    MESSAGE_HAS("below /proc, needs CAP_SYS_PTRACE over the process");
    /* The user's own link in the user's own directory. */
    MUST(mkdir("/run/plain/d", 0755));
    MUST(symlink("/proc/self/ns/net", "/run/plain/d/own"));
    SAME(names_in("/run/plain/d", 0), "own");
    OK(netns_open_at("/run/plain/d", "own", 0, &ns));
    netns_close(ns);
    OK(netns_remove_at("/run/plain/d", "own", 0));
}

static void unprivileged_user_follows_accessible_symlinks(void)
{
    OK(netns_create_at("/run/other", "blue", 0, NULL));
    MUST(mkdir("/run/plain", 01777));
    MUST(chmod("/run/plain", 01777));
    make_link("/run/netns/hidden");
    MUST(symlink("/run/other/blue", "/run/netns/mounted"));
    IN_CHILD(use_links_as_a_plain_user, NULL);
    forget_link();
}

/* --- the monitor --------------------------------------------------------------------------------- */

static void tells_at(struct netns_monitor *m, uint32_t type, const char *name, uint64_t inode, int line)
{
    struct netns_event event = {.size = sizeof event};
    struct pollfd fd = {.fd = netns_monitor_fd(m), .events = POLLIN};
    int rc;

    while ((rc = (int)OK(netns_monitor_next(m, &event))) == 0)
        if (!check_at(poll(&fd, 1, 10000 * slowness()) == 1, line, "no event came for %s", name))
            return;
    check_at(rc == 1 && event.type == type && strcmp(event.name, name) == 0 && event.inode == inode, line,
             "event %u of \"%s\"", event.type, event.name);
}

#define TELLS(m, type, name, ns) tells_at((m), (type), (name), netns_inode(ns), __LINE__)

static void monitor_reports_added_replaced_and_removed_symlinks(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *m = NULL, *late = NULL;
    struct netns *other = NULL;

    OK(netns_create("other", 0, &other));
    OK(netns_monitor_open(NULL, 0, &m));
    make_link("/run/netns/web");
    TELLS(m, NETNS_EVENT_ADD, "web", linked);
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &late));
    OK(netns_remove("other", 0));
    TELLS(m, NETNS_EVENT_REMOVE, "other", other);
    OK(netns_attach(other, "other", 0));
    TELLS(m, NETNS_EVENT_ADD, "other", other);
    /* ln -sfn */
    MUST(symlink("other", "/run/netns/next"));
    TELLS(m, NETNS_EVENT_ADD, "next", other);
    MUST(rename("/run/netns/next", "/run/netns/web"));
    TELLS(m, NETNS_EVENT_REMOVE, "next", other);
    TELLS(m, NETNS_EVENT_REMOVE, "web", linked);
    TELLS(m, NETNS_EVENT_ADD, "web", other);
    OK(netns_remove("web", 0));
    TELLS(m, NETNS_EVENT_REMOVE, "web", other);
    /* A link to nothing is not a name. */
    MUST(symlink("nowhere", "/run/netns/gone"));
    OK(netns_attach(other, "last", 0));
    TELLS(m, NETNS_EVENT_ADD, "last", other);
    EQUAL(OK(netns_monitor_next(m, &event)), 0);
    netns_monitor_close(late);
    netns_monitor_close(m);
    netns_close(other);
    forget_link();
}

/* --- a link that is swapped meanwhile ------------------------------------------------------------ */

#define TURNS (is_slow() ? 400 : 20000)

/* Replaces the name atomically with one thing after the other, until it is killed. */
static pid_t start_swapping(void)
{
    static const char *const targets[] = {"/run/other/a", "/run/other/b", "/run/fifo", "/run/nowhere",
                                          "/run/other/forbidden"};
    pid_t pid = MUST(fork());

    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0;; i = (i + 1) % 5) {
        unlink("/run/netns/next");
        MUST(symlink(targets[i], "/run/netns/next"));
        /* The target of another user's link must never be opened. */
        if (i == 4)
            MUST(lchown("/run/netns/next", STRANGER, STRANGER));
        rename("/run/netns/next", "/run/netns/x");
    }
}

static void swapped_symlink_opens_only_allowed_targets(void)
{
    struct netns *a = NULL, *b = NULL, *forbidden = NULL;
    unsigned opened = 0, refused = 0;
    struct state before;
    pid_t pid;

    if (geteuid() != 0 || mknod("/run/device", S_IFCHR | 0644, makedev(1, 3)) < 0)
        skip("needs real root");
    OK(netns_create_at("/run/other", "a", 0, &a));
    OK(netns_create_at("/run/other", "b", 0, &b));
    OK(netns_create_at("/run/other", "forbidden", 0, &forbidden));
    MUST(mkfifo("/run/fifo", 0666));
    MUST(symlink("/run/other/a", "/run/netns/x"));
    before = state_now();
    pid = start_swapping();
    for (int i = 0; i < 100000 && (i < TURNS || opened == 0 || refused == 0); i++) {
        struct netns_name_snapshot *list = NULL;
        struct netns *ns = NULL;
        int rc = netns_open("x", 0, &ns);

        if (rc == 0) {
            opened++;
            CHECK(netns_equal(ns, a) == 1 || netns_equal(ns, b) == 1);
            netns_close(ns);
        } else {
            refused++;
            EQUAL(rc, -ENOTTY);
        }
        OK(netns_list(0, &list));
        for (size_t j = 0; j < netns_list_len(list); j++)
            CHECK(strcmp(netns_list_name(list, j), "x") != 0 || netns_list_inode(list, j) == netns_inode(a) ||
                  netns_list_inode(list, j) == netns_inode(b));
        netns_list_free(list);
    }
    stop(pid);
    unlink("/run/netns/next");
    printf("#: opened %u times, refused %u times\n", opened, refused);
    CHECK(opened > 0);
    CHECK(refused > 0);
    UNCHANGED_SINCE(before);
    netns_close(a);
    netns_close(b);
    netns_close(forbidden);
}

int main(void)
{
    RUN(calls_follow_symlink_to_namespace);
    RUN(open_follows_symlinks_to_mounts_and_names);
    RUN(create_and_attach_do_not_replace_symlink);
    RUN(remove_unlinks_symlink_but_not_its_target);
    RUN(open_follows_symlink_on_old_kernels);
    RUN(unreadable_symlink_does_not_hide_other_names);
    RUN(open_and_list_without_descriptors_fail_with_emfile);
    RUN(dangling_symlink_is_stale_and_creates_nothing);
    RUN(symlink_to_other_file_is_stale_and_not_opened);
    RUN(symlink_to_ended_process_is_stale);
    RUN(symlink_to_exiting_process_is_stale);
    RUN(calls_reject_symlinks_controlled_by_other_users);
    RUN(unprivileged_user_follows_accessible_symlinks);
    RUN(monitor_reports_added_replaced_and_removed_symlinks);
    RUN(swapped_symlink_opens_only_allowed_targets);
    return finish();
}
