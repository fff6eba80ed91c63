/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several mounts on one name, and names that are removed while others still use their namespaces. */
#include "test.h"

#include <sys/socket.h>

/* Mounts the handle's namespace on path, on top of whatever is mounted there. */
static void stack(const struct netns *ns, const char *path)
{
    char source[64];

    snprintf(source, sizeof source, "/proc/self/fd/%d", netns_fd(ns));
    MUST(mount(source, path, "none", MS_BIND, "none"));
}

/* Mounts this many different namespaces on top of each other; returns a handle of the last. */
static struct netns *stack_many(const char *path, int count)
{
    struct netns *ns = NULL;

    for (int i = 0; i < count; i++) {
        netns_close(ns);
        MUST(netns_create(NULL, 0, &ns));
        stack(ns, path);
    }
    return ns;
}

/* --- stacks ----------------------------------------------------------------------------------- */

static void check_that_one_call_takes_off(int count)
{
    struct state before;
    struct netns *top, *found = NULL;
    struct netns_name_snapshot *list = NULL;

    MUST(netns_create("beside", 0, NULL));
    before = state_now();
    write_file("/run/netns/x", "", 0644);
    top = stack_many("/run/netns/x", count);
    EQUAL(mounts_at("/run/netns/x"), count);
    /* The name refers to the topmost namespace, and it is listed once. */
    OK(netns_open("x", 0, &found));
    EQUAL(netns_equal(found, top), 1);
    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), 2);
    SAME(netns_list_name(list, 1), "x");
    EQUAL(netns_list_inode(list, 1), netns_inode(top));
    netns_list_free(list);
    netns_close(found);
    netns_close(top);

    EQUAL(OK(netns_remove("x", 0)), 0);
    EQUAL(mounts_at("/run/netns/x"), 0);
    CHECK(!exists("/run/netns/x"));
    UNCHANGED_SINCE(before);
    FAILS(ENOENT, netns_remove("x", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "beside");
}

static void remove_unmounts_two_stacked_mounts(void)
{
    check_that_one_call_takes_off(2);
}

static void remove_unmounts_five_stacked_mounts(void)
{
    check_that_one_call_takes_off(5);
}

static void remove_unmounts_many_stacked_mounts(void)
{
    check_that_one_call_takes_off(is_slow() ? 30 : 200);
}

/* A copy is a peer of its original, so a mount on one of them appears on all: each bind doubles their
   number. */
static void remove_unmounts_name_bound_on_itself_repeatedly(void)
{
    struct netns *ns = NULL;

    OK(netns_create("x", 0, &ns));
    for (int i = 0; i < 7; i++)
        MUST(mount("/run/netns/x", "/run/netns/x", "none", MS_BIND, "none"));
    CHECK(mounts_at("/run/netns/x") > 7);
    OK(netns_remove("x", NETNS_REMOVE_MISSING_OK));
    EQUAL(mounts_at("/run/netns/x"), 0);
    EQUAL(files_in("/run/netns"), 0);
    netns_close(ns);
}

static void stacked_mounts_count_as_one_existing_name(void)
{
    struct netns *top, *found = NULL;

    write_file("/run/netns/x", "", 0644);
    top = stack_many("/run/netns/x", 3);
    FAILS(EEXIST, netns_create("x", 0, NULL));
    FAILS(EEXIST, netns_attach(top, "x", 0));
    OK(netns_create("x", NETNS_CREATE_EXIST_OK, &found));
    EQUAL(netns_equal(found, top), 1);
    EQUAL(mounts_at("/run/netns/x"), 3);
    netns_close(found);
    netns_close(top);
}

static void remove_keeps_stacked_name_in_other_run_directory(void)
{
    struct netns *a = NULL, *b = NULL;

    OK(netns_create(NULL, 0, &a));
    OK(netns_create(NULL, 0, &b));
    OK(netns_attach(a, "x", 0));
    OK(netns_attach_at("/run/other", b, "x", 0));
    stack(b, "/run/netns/x");
    stack(a, "/run/other/x");
    OK(netns_remove("x", 0));
    EQUAL(mounts_at("/run/netns/x"), 0);
    CHECK(!exists("/run/netns/x"));
    EQUAL(mounts_at("/run/other/x"), 2);
    SAME(names_in("/run/other", 0), "x");
    OK(netns_remove_at("/run/other", "x", 0));
    EQUAL(mounts_at("/run/other/x"), 0);
    EQUAL(files_in("/run/other"), 0);
    netns_close(a);
    netns_close(b);
}

/* The run directory is one peer group, so whatever is mounted in it appears in both places. */
static void remove_unmounts_name_in_every_run_directory_mount(void)
{
    struct netns *top;

    OK(netns_create("first", 0, NULL));
    MUST(mkdir("/run/again", 0755));
    MUST(mount("/run/netns", "/run/again", "none", MS_BIND, "none"));
    write_file("/run/netns/x", "", 0644);
    top = stack_many("/run/netns/x", 3);
    netns_close(top);
    EQUAL(mounts_at("/run/again/x"), 3);
    OK(netns_remove_at("/run/again", "x", 0));
    EQUAL(mounts_at("/run/netns/x"), 0);
    EQUAL(mounts_at("/run/again/x"), 0);
    CHECK(!exists("/run/netns/x"));
    SAME(names(), "first");
}

/* --- other mounts in a stack ------------------------------------------------------------------ */

static void remove_rejects_name_with_other_mount_on_top(void)
{
    struct netns *top;
    struct state before;

    write_file("/run/netns/x", "", 0644);
    top = stack_many("/run/netns/x", 2);
    MUST(mount("/proc/self/ns/uts", "/run/netns/x", "none", MS_BIND, "none"));
    before = state_now();
    FAILS(ENOTTY, netns_remove("x", 0));
    FAILS(ENOTTY, netns_remove("x", NETNS_REMOVE_MISSING_OK));
    MESSAGE_HAS("a namespace of another type");
    UNCHANGED_SINCE(before);
    EQUAL(mounts_at("/run/netns/x"), 3);
    MUST(umount2("/run/netns/x", MNT_DETACH));
    OK(netns_remove("x", 0));
    EQUAL(mounts_at("/run/netns/x"), 0);
    netns_close(top);
}

static void remove_keeps_other_mount_at_bottom_of_stack(void)
{
    struct netns *top;

    write_file("/run/netns/x", "", 0644);
    MUST(mount("/proc/self/ns/uts", "/run/netns/x", "none", MS_BIND, "none"));
    top = stack_many("/run/netns/x", 2);
    FAILS(ENOTTY, netns_remove("x", 0));
    EQUAL(mounts_at("/run/netns/x"), 1);
    CHECK(exists("/run/netns/x"));
    netns_close(top);
}

static void remove_keeps_nonempty_file_below_mount(void)
{
    struct netns *top;
    struct stat st;

    write_file("/run/netns/x", "kept", 0644);
    top = stack_many("/run/netns/x", 1);
    SAME(names(), "x");
    FAILS(ENOTTY, netns_remove("x", 0));
    EQUAL(mounts_at("/run/netns/x"), 0);
    MUST(stat("/run/netns/x", &st));
    EQUAL(st.st_size, 4);
    netns_close(top);
}

/* --- other users of the namespace ------------------------------------------------------------- */

struct elsewhere {
    int ready[2], removed[2];
};

/* Keeps copies of the mounts in a private mount namespace, to which the first one's changes do not
   propagate. */
static void watch_from_a_private_copy(void *arg)
{
    struct elsewhere *elsewhere = arg;
    char byte;

    close(elsewhere->removed[1]);
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, "none"));
    EQUAL(mounts_at("/run/netns/x"), 3);
    MUST(write(elsewhere->ready[1], "", 1));
    EQUAL(read(elsewhere->removed[0], &byte, 1), 0);
    CHECK(!exists("/run/netns/x"));
    EQUAL(mounts_at("/run/netns/x"), 0);
    SAME(names(), "beside");
}

static void remove_succeeds_if_other_mount_namespace_has_name(void)
{
    struct elsewhere elsewhere;
    pid_t child;
    char byte;

    OK(netns_create("beside", 0, NULL));
    write_file("/run/netns/x", "", 0644);
    netns_close(stack_many("/run/netns/x", 3));
    MUST(pipe2(elsewhere.ready, O_CLOEXEC));
    MUST(pipe2(elsewhere.removed, O_CLOEXEC));
    child = start_part(watch_from_a_private_copy, &elsewhere);
    close(elsewhere.ready[1]);
    EQUAL(read(elsewhere.ready[0], &byte, 1), 1);
    EQUAL(OK(netns_remove("x", 0)), 0);
    CHECK(!exists("/run/netns/x"));
    EQUAL(mounts_at("/run/netns/x"), 0);
    close(elsewhere.removed[1]);
    EQUAL(wait_for(child), 0);
    close(elsewhere.ready[0]);
    close(elsewhere.removed[0]);
}

static void remove_succeeds_while_process_is_in_namespace(void)
{
    struct netns *ns = NULL, *found = NULL;
    pid_t child;

    OK(netns_create("x", 0, &ns));
    child = start_in(ns);
    OK(netns_remove("x", 0));
    CHECK(!exists("/run/netns/x"));
    OK(netns_open_pid(child, &found));
    EQUAL(netns_equal(ns, found), 1);
    netns_close(found);
    netns_close(ns);
    /* Only the process keeps the namespace alive, and another name can be attached to it. */
    OK(netns_open_pid(child, &found));
    OK(netns_attach(found, "again", 0));
    stop(child);
    SAME(names(), "again");
    netns_close(found);
}

static void handle_works_after_its_name_is_removed(void)
{
    struct netns *ns = NULL, *again = NULL;
    uint64_t home = here(), cookie;
    int token, fd;

    OK(netns_create("x", NETNS_CREATE_LO_UP, &ns));
    cookie = COOKIE_OF(ns);
    OK(netns_remove("x", 0));
    SAME(netns_name(ns), "x");
    SAME(netns_path(ns), "/run/netns/x");
    EQUAL(OK(netns_is_current(ns)), 0);
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    OK(netns_leave(token));
    EQUAL(here(), home);
    fd = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    OK(netns_open_fd(fd, &again));
    EQUAL(netns_equal(ns, again), 1);
    close(fd);
    EQUAL(lo_is_up(ns), true);
    EQUAL(COOKIE_OF(ns), cookie);
    OK(netns_attach(ns, "y", 0));
    SAME(names(), "y");
    netns_close(again);
    netns_close(ns);
}

static void remove_succeeds_while_descriptors_are_open(void)
{
    int fd, path;

    OK(netns_create("x", 0, NULL));
    fd = MUST(open("/run/netns/x", O_RDONLY | O_CLOEXEC));
    path = MUST(open("/run/netns/x", O_PATH | O_CLOEXEC));
    OK(netns_remove("x", 0));
    EQUAL(mounts_at("/run/netns/x"), 0);
    CHECK(!exists("/run/netns/x"));
    close(fd);
    close(path);
}

int main(void)
{
    RUN(remove_unmounts_two_stacked_mounts);
    RUN(remove_unmounts_five_stacked_mounts);
    RUN(remove_unmounts_many_stacked_mounts);
    RUN(remove_unmounts_name_bound_on_itself_repeatedly);
    RUN(stacked_mounts_count_as_one_existing_name);
    RUN(remove_keeps_stacked_name_in_other_run_directory);
    RUN(remove_unmounts_name_in_every_run_directory_mount);

    RUN(remove_rejects_name_with_other_mount_on_top);
    RUN(remove_keeps_other_mount_at_bottom_of_stack);
    RUN(remove_keeps_nonempty_file_below_mount);

    RUN(remove_succeeds_if_other_mount_namespace_has_name);
    RUN(remove_succeeds_while_process_is_in_namespace);
    RUN(handle_works_after_its_name_is_removed);
    RUN(remove_succeeds_while_descriptors_are_open);
    return finish();
}
