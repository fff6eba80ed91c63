/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Invalid and unusual names, and files under valid names that are not namespaces. */
#include "test.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* Whether the complete name is listed, not only a longer one that begins with it. */
static bool listed(const char *name)
{
    struct netns_name_snapshot *list = NULL;
    bool found = false;

    OK(netns_list(NETNS_LIST_STALE, &list));
    for (size_t i = 0; i < netns_list_len(list); i++)
        found |= strcmp(netns_list_name(list, i), name) == 0;
    netns_list_free(list);
    return found;
}

/* --- invalid names ---------------------------------------------------------------------------- */

static void calls_reject_invalid_names(void)
{
    static const char *const none[] = {
        "", ".", "..", "/", "//", "a/b", "/a", "a/", "../x", "./x", "x/..", "/etc/passwd",
        "../netns/live", "/run/netns/live", "live/", "live/.",
    };
    struct netns *live = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    before = state_now();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct netns *ns = SENTINEL;

        FAILS(EINVAL, netns_create(none[i], 0, &ns));
        FAILS(EINVAL, netns_create(none[i], NETNS_CREATE_EXIST_OK, &ns));
        FAILS(EINVAL, netns_create_at("/run/mine", none[i], 0, NULL));
        FAILS(EINVAL, netns_attach(live, none[i], 0));
        FAILS(EINVAL, netns_attach_at("/run/netns", live, none[i], 0));
        FAILS(EINVAL, netns_remove(none[i], 0));
        FAILS(EINVAL, netns_remove(none[i], NETNS_REMOVE_MISSING_OK));
        FAILS(EINVAL, netns_remove_at("/run", none[i], 0));
        FAILS(EINVAL, netns_open_at(NULL, none[i], 0, &ns));
        FAILS(EINVAL, netns_open_at("/run/netns", none[i], 0, &ns));
        if (!strchr(none[i], '/'))
            FAILS(EINVAL, netns_open(none[i], 0, &ns));
        MESSAGE_HAS("a name must not be empty");
        CHECK(ns == SENTINEL);
    }
    UNCHANGED_SINCE(before);
    CHECK(!exists("/run/mine") && !exists("/run/x"));
    CHECK(is_netns("/run/netns/live"));
    netns_close(live);
}

static void names_cannot_escape_run_directory(void)
{
    OK(netns_create_at("/run/other", "victim", 0, NULL));
    write_file("/run/plain", "", 0);
    FAILS(EINVAL, netns_remove("../other/victim", 0));
    FAILS(EINVAL, netns_remove("/run/other/victim", 0));
    FAILS(EINVAL, netns_remove("../plain", 0));
    FAILS(EINVAL, netns_create("../plain", NETNS_CREATE_EXIST_OK, NULL));
    CHECK(is_netns("/run/other/victim"));
    CHECK(exists("/run/plain") && !is_netns("/run/plain"));
}

/* --- unusual valid names ---------------------------------------------------------------------- */

static void calls_accept_and_return_unusual_names(void)
{
    char long_name[256];
    const char *const odd[] = {
        "-", "--help", "...", ".hidden", "a b", " ", "  lead", "trail  ", "a\nb", "\n", "\t",
        "\r\n", "a\\b", "\\040", "%s%n", "%d%s%s%s", "'", "\"", "$(id)", "`id`", ";", "*", "?",
        "[a]", "~", "\x7f", "\x01", "\x80", "\xff\xfe", "caf\xc3\xa9", "\xe2\x80\xae", "\xc3",
        "a:b", "#", "!",
        long_name,
    };
    struct netns *made, *opened;

    memset(long_name, '\xe9', 255);
    long_name[255] = '\0';
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct state before = state_now();
        char path[320];

        made = opened = NULL;
        snprintf(path, sizeof path, "/run/netns/%s", odd[i]);
        OK(netns_create(odd[i], 0, &made));
        SAME(netns_name(made), odd[i]);
        SAME(netns_path(made), path);
        CHECK(is_netns(path));
        CHECK(listed(odd[i]));
        FAILS(EEXIST, netns_create(odd[i], 0, NULL));
        OK(netns_open(odd[i], 0, &opened));
        EQUAL(netns_equal(made, opened), 1);
        SAME(netns_name(opened), odd[i]);
        netns_close(opened);
        OK(netns_open(path, 0, &opened));
        EQUAL(netns_equal(made, opened), 1);
        netns_close(opened);
        OK(netns_remove(odd[i], 0));
        CHECK(!exists(path));
        OK(netns_attach(made, odd[i], 0));
        CHECK(is_netns(path));
        OK(netns_remove(odd[i], 0));
        FAILS(ENOENT, netns_remove(odd[i], 0));
        netns_close(made);
        UNCHANGED_SINCE(before);
    }
}

static void similar_names_refer_to_different_namespaces(void)
{
    static const char *const odd[] = {"a", "a ", "a\n", "a\\", "A", "a\xff", "\xff"};
    struct netns *handles[sizeof odd / sizeof *odd] = {NULL};
    size_t count = sizeof odd / sizeof *odd;

    for (size_t i = 0; i < count; i++)
        OK(netns_create(odd[i], 0, &handles[i]));
    for (size_t i = 0; i < count; i++) {
        struct netns *found = NULL;

        OK(netns_open(odd[i], 0, &found));
        for (size_t j = 0; j < count; j++)
            EQUAL(netns_equal(found, handles[j]), i == j);
        netns_close(found);
    }
    for (size_t i = 0; i < count; i++) {
        OK(netns_remove(odd[i], 0));
        EQUAL(files_in("/run/netns"), count - i - 1);
        netns_close(handles[i]);
    }
}

/* --- other files under a name ----------------------------------------------------------------- */

/* Checks that whatever is at /run/netns/x is rejected, and that neither it nor anything else changes. */
static void check_that_x_is_a_stranger(const char *what)
{
    struct netns *ns = SENTINEL, *live = NULL;
    struct stat before, after;
    struct state state;

    OK(netns_create(NULL, 0, &live));
    MUST(lstat("/run/netns/x", &before));
    state = state_now();
    FAILS(ENOTTY, netns_open("x", 0, &ns));
    MESSAGE_HAS("open \"x\"");
    MESSAGE_HAS("not a network namespace");
    if (what)
        MESSAGE_HAS(what);
    FAILS(ENOTTY, netns_open_at("/run/netns", "x", 0, &ns));
    FAILS(EEXIST, netns_create("x", 0, &ns));
    FAILS(EEXIST, netns_create("x", NETNS_CREATE_LO_UP, &ns));
    FAILS(ENOTTY, netns_create("x", NETNS_CREATE_EXIST_OK, &ns));
    if (what)
        MESSAGE_HAS(what);
    FAILS(EEXIST, netns_attach(live, "x", 0));
    MESSAGE_HAS("attach \"x\"");
    FAILS(ENOTTY, netns_remove("x", 0));
    MESSAGE_HAS("remove \"x\"");
    if (what)
        MESSAGE_HAS(what);
    FAILS(ENOTTY, netns_remove("x", NETNS_REMOVE_MISSING_OK));
    CHECK(ns == SENTINEL);
    SAME(names(), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    UNCHANGED_SINCE(state);
    MUST(lstat("/run/netns/x", &after));
    EQUAL(after.st_dev, before.st_dev);
    EQUAL(after.st_ino, before.st_ino);
    EQUAL(after.st_mode, before.st_mode);
    EQUAL(after.st_size, before.st_size);
    EQUAL(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    netns_close(live);
}

static void calls_reject_directory_at_name(void)
{
    MUST(mkdir("/run/netns/x", 0755));
    check_that_x_is_a_stranger("a directory");
}

static void calls_reject_fifo_at_name_without_blocking(void)
{
    MUST(mkfifo("/run/netns/x", 0666));
    check_that_x_is_a_stranger("a fifo, socket or device");
}

static void calls_reject_socket_at_name(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/netns/x"};
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

    MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
    close(fd);
    check_that_x_is_a_stranger("a fifo, socket or device");
}

static void calls_reject_nonempty_file_at_name(void)
{
    write_file("/run/netns/x", "kept", 0644);
    check_that_x_is_a_stranger("a regular file");
}

static void calls_reject_nonempty_file_with_placeholder_mode(void)
{
    write_file("/run/netns/x", "kept", 0644);
    MUST(chmod("/run/netns/x", 01000));
    check_that_x_is_a_stranger("a regular file");
}

static void calls_reject_device_at_name(void)
{
    if (mknod("/run/netns/x", S_IFCHR | 0666, makedev(1, 3)) < 0)
        skip("no devices can be made here");
    check_that_x_is_a_stranger("a fifo, socket or device");
}

/* --- other mounts on a name ------------------------------------------------------------------- */

/* Checks that the mount on /run/netns/x is rejected and unchanged. */
static void check_that_the_mount_on_x_is_a_stranger(const char *what)
{
    check_that_x_is_a_stranger(what);
    EQUAL(mounts_at("/run/netns/x"), 1);
}

static void calls_reject_namespace_of_other_type_at_name(void)
{
    static const char *const kinds[] = {"uts", "ipc", "cgroup", "user", "pid"};

    write_file("/run/netns/x", "", 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char source[64];

        snprintf(source, sizeof source, "/proc/self/ns/%s", kinds[i]);
        MUST(mount(source, "/run/netns/x", "none", MS_BIND, "none"));
        check_that_the_mount_on_x_is_a_stranger("a namespace of another type");
        MUST(umount2("/run/netns/x", MNT_DETACH));
    }
}

static void calls_reject_empty_file_mounted_on_name(void)
{
    write_file("/run/precious", "", 0644);
    write_file("/run/netns/x", "", 0);
    MUST(mount("/run/precious", "/run/netns/x", "none", MS_BIND, "none"));
    check_that_the_mount_on_x_is_a_stranger(under_valgrind() ? NULL : "mounted");
    CHECK(exists("/run/precious"));
}

static void calls_reject_nonempty_file_mounted_on_name(void)
{
    write_file("/run/precious", "kept", 0644);
    write_file("/run/netns/x", "", 0);
    MUST(mount("/run/precious", "/run/netns/x", "none", MS_BIND, "none"));
    check_that_the_mount_on_x_is_a_stranger(NULL);
}

static void calls_reject_file_system_mounted_on_name(void)
{
    MUST(mkdir("/run/netns/x", 0755));
    MUST(mount("netns-test", "/run/netns/x", "tmpfs", 0, "mode=755"));
    check_that_the_mount_on_x_is_a_stranger(NULL);
}

static void calls_reject_proc_file_mounted_on_name(void)
{
    write_file("/run/netns/x", "", 0);
    MUST(mount("/proc/uptime", "/run/netns/x", "none", MS_BIND, "none"));
    check_that_the_mount_on_x_is_a_stranger(NULL);
}

static void calls_reject_name_covered_by_other_mount(void)
{
    struct netns *ns = NULL;

    OK(netns_create("x", 0, &ns));
    MUST(mount("/proc/self/ns/uts", "/run/netns/x", "none", MS_BIND, "none"));
    check_that_x_is_a_stranger("a namespace of another type");
    EQUAL(mounts_at("/run/netns/x"), 2);
    MUST(umount2("/run/netns/x", MNT_DETACH));
    SAME(names(), "x");
    OK(netns_remove("x", 0));
    netns_close(ns);
}

static void list_ignores_other_files_in_run_directory(void)
{
    MUST(mkdir("/run/netns/a", 0755));
    OK(netns_create("b", 0, NULL));
    MUST(mkfifo("/run/netns/c", 0644));
    OK(netns_create("d", 0, NULL));
    MUST(symlink("d", "/run/netns/e"));
    SAME(names(), "b d e");
    OK(netns_remove("b", 0));
    OK(netns_remove("d", 0));
    EQUAL(files_in("/run/netns"), 3);
}

/* --- the run directory itself ----------------------------------------------------------------- */

static void calls_follow_symlink_to_run_directory(void)
{
    struct netns *ns = NULL, *again = NULL;

    MUST(mkdir("/run/var", 0755));
    MUST(symlink("../netns", "/run/var/netns"));
    OK(netns_create_at("/run/var/netns", "blue", 0, &ns));
    SAME(netns_path(ns), "/run/var/netns/blue");
    SAME(names(), "blue");
    SAME(names_in("/run/var/netns", 0), "blue");
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    OK(netns_open("blue", 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    netns_close(again);
    OK(netns_open("/run/var/netns/blue", 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    netns_close(again);
    OK(netns_remove_at("/run/var/netns", "blue", 0));
    EQUAL(files_in("/run/netns"), 0);
    CHECK(exists("/run/var/netns"));
    netns_close(ns);
}

static void create_mounts_target_of_symlinked_run_directory(void)
{
    MUST(mkdir("/run/real", 0755));
    MUST(symlink("real", "/run/link"));
    OK(netns_create_at("/run/link", "blue", 0, NULL));
    EQUAL(mounts_at("/run/real"), 1);
    EQUAL(mounts_at("/run/real/blue"), 1);
    OK(netns_create_at("/run/link/", "red", 0, NULL));
    EQUAL(mounts_at("/run/real"), 1);
    SAME(names_in("/run/real", 0), "blue red");
    OK(netns_remove_at("/run/link", "blue", 0));
    OK(netns_remove_at("/run/real", "red", 0));
    EQUAL(files_in("/run/real"), 0);
}

/* --- messages --------------------------------------------------------------------------------- */

static void messages_escape_names_and_stay_on_one_line(void)
{
    /* FAILS checks that the message is one line. */
    FAILS(ENOENT, netns_open("a\nb", 0, &(struct netns *){NULL}));
    MESSAGE_HAS("open \"a\\x0ab\": open /run/netns/a\\x0ab: No such file or directory");
    FAILS(ENOENT, netns_remove("tab\there", 0));
    MESSAGE_HAS("remove \"tab\\x09here\"");
    FAILS(ENOENT, netns_remove("\xff", 0));
    MESSAGE_HAS("\\xff");
    FAILS(ENOENT, netns_remove("caf\xc3\xa9", 0));
    MESSAGE_HAS("\"caf\xc3\xa9\"");
    FAILS(ENOENT, netns_remove("%s%n", 0));
    MESSAGE_HAS("\"%s%n\"");
    FAILS(ENOENT, netns_remove_at("/run/a\nb", "blue", 0));
    MESSAGE_HAS("/run/a\\x0ab");
    FAILS(EINVAL, netns_remove("../x", 0));
    MESSAGE_HAS("remove \"../x\": invalid name: Invalid argument (a name must not be empty");
    FAILS(EINVAL, netns_create(NULL, 0, NULL));
    MESSAGE_HAS("create an anonymous namespace: check the arguments: Invalid argument");
    FAILS(EINVAL, netns_remove(NULL, 0));
    MESSAGE_HAS("remove (none): check the arguments: Invalid argument (no name given)");
}

static void message_with_long_name_keeps_cause(void)
{
    char name[256];

    memset(name, '\n', 255);
    name[255] = '\0';
    MUST(mkdir("/run/plain", 0755));
    FAILS(ENOENT, netns_remove_at("/run/plain", name, 0));
    MESSAGE_HAS("No such file or directory (");
    CHECK(strlen(netns_errmsg()) < 2048);
}

int main(void)
{
    RUN(calls_reject_invalid_names);
    RUN(names_cannot_escape_run_directory);
    RUN(calls_accept_and_return_unusual_names);
    RUN(similar_names_refer_to_different_namespaces);

    RUN(calls_reject_directory_at_name);
    RUN(calls_reject_fifo_at_name_without_blocking);
    RUN(calls_reject_socket_at_name);
    RUN(calls_reject_nonempty_file_at_name);
    RUN(calls_reject_nonempty_file_with_placeholder_mode);
    RUN(calls_reject_device_at_name);

    RUN(calls_reject_namespace_of_other_type_at_name);
    RUN(calls_reject_empty_file_mounted_on_name);
    RUN(calls_reject_nonempty_file_mounted_on_name);
    RUN(calls_reject_file_system_mounted_on_name);
    RUN(calls_reject_proc_file_mounted_on_name);
    RUN(calls_reject_name_covered_by_other_mount);
    RUN(list_ignores_other_files_in_run_directory);

    RUN(calls_follow_symlink_to_run_directory);
    RUN(create_mounts_target_of_symlinked_run_directory);

    RUN(messages_escape_names_and_stay_on_one_line);
    RUN(message_with_long_name_keeps_cause);
    return finish();
}
