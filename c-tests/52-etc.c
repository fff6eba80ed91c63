/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files of /etc/netns/NAME that have nothing to cover, and files that must stay covered whatever the host
   does. */
#include "privilege.h"
#include "fault.h"
#include "program.h"

static char *const true_argv[] = {"true", NULL};

static struct netns *blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    return ns;
}

static void ends_well(pid_t pid)
{
    EQUAL(wait_for(pid), 0);
}

/* Starts a program that does nothing, with these flags; returns the call's result. */
static int started(const struct netns *ns, uint32_t flags)
{
    pid_t pid = -1;
    int rc = (int)OK(netns_spawn(ns, OPTIONS(.flags = flags), "true", true_argv, NULL, &pid));

    if (rc >= 0)
        ends_well(pid);
    return rc;
}

/* Checks that the program is not started. */
#define REFUSES(error, ns, wanted)                                                                  \
    do {                                                                                            \
        pid_t pid_ = -42;                                                                           \
        FAILS(error,                                                                                \
              netns_spawn(ns, OPTIONS(.flags = (wanted)), "true", true_argv, NULL, &pid_));         \
        EQUAL(pid_, -42);                                                                           \
        CHILDLESS();                                                                                \
    } while (0)

/* --- nothing to cover --------------------------------------------------------------------------- */

#define CREATE_IT                                                                                   \
    "No such file or directory (there is nothing to bind it on: create an empty file, or a "        \
    "directory if the one in /etc/netns is a directory)"

static void successful_spawn_message_names_skipped_file(void)
{
    struct netns *ns = blue();

    private_etc();
    write_file("/etc/netns/blue/resolv.conf", "blue's", 0644);
    EQUAL(started(ns, 0), 0);
    SAME(netns_errmsg(), "spawn \"true\" in \"blue\": skip the file for /etc/resolv.conf: " CREATE_IT);
    EQUAL(started(ns, NETNS_SPAWN_TELL_ETC), 1);
    /* The suggested remedy works. */
    write_file("/etc/resolv.conf", "", 0644);
    EQUAL(started(ns, NETNS_SPAWN_TELL_ETC), 0);
    SAME(SAID(ns, NULL, "cat /etc/resolv.conf"), "blue's");
    netns_close(ns);
}

static void spawn_without_skipped_files_keeps_old_message(void)
{
    struct netns *ns = blue(), *none = NULL;

    private_etc();
    write_file("/etc/netns/blue/hosts", "blue's", 0644);
    FAILS(ENOENT, netns_open("red", 0, &none));
    EQUAL(started(ns, 0), 0);
    EQUAL(started(ns, NETNS_SPAWN_TELL_ETC), 0);
    MESSAGE_HAS("open \"red\": ");
    write_file("/etc/netns/blue/missing", "", 0644);
    EQUAL(started(ns, NETNS_SPAWN_KEEP_ETC | NETNS_SPAWN_TELL_ETC), 0);
    MESSAGE_HAS("open \"red\": ");
    netns_close(ns);
}

/* Creates a file, and five that cover nothing, each for a different reason. */
static void make_misfits(void)
{
    private_etc();
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
    write_file("/etc/netns/blue/missing", "", 0644);
    write_file("/etc/file", "", 0644);
    MUST(mkdir("/etc/netns/blue/file", 0755));
    MUST(mkdir("/etc/dir", 0755));
    write_file("/etc/netns/blue/dir", "", 0644);
    write_file("/etc/passwd", "", 0644);
    MUST(symlink("/run/nowhere", "/etc/netns/blue/passwd"));
    write_file("/etc/group", "", 0644);
    MUST(symlink("group", "/etc/netns/blue/group"));
}

static void all_of_them_are_counted(void *arg)
{
    struct netns *ns = blue();

    (void)arg;
    make_misfits();
    EQUAL(started(ns, 0), 0);
    EQUAL(started(ns, NETNS_SPAWN_TELL_ETC), 5);
    MESSAGE_HAS("spawn \"true\" in \"blue\": skip ");
    SAME(SAID(ns, NULL, "cat /etc/hosts"), "blue's hosts");
    netns_close(ns);
}

static void tell_etc_returns_number_of_skipped_files(void)
{
    all_of_them_are_counted(NULL);
}

static void tell_etc_counts_skipped_files_without_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0}};

    with_faults(faults, 2, all_of_them_are_counted, NULL);
}

/* In this case the child has its own memory. */
static void spawn_as_user_reports_skipped_files(void)
{
    struct netns *ns = blue();
    pid_t pid = -1;

    private_etc();
    write_file("/etc/netns/blue/missing", "", 0644);
    EQUAL(OK(netns_spawn(ns, OPTIONS(.flags = NETNS_SPAWN_USER | NETNS_SPAWN_TELL_ETC, .uid = getuid(),
                                     .gid = getgid()),
                         "true", true_argv, NULL, &pid)), 1);
    ends_well(pid);
    MESSAGE_HAS("skip the file for /etc/missing: " CREATE_IT);
    netns_close(ns);
}

static void failed_spawn_reports_failure_not_skipped_file(void)
{
    struct netns *ns = blue();
    pid_t pid = -42;

    private_etc();
    write_file("/etc/netns/blue/missing", "", 0644);
    FAILS(ENOENT, netns_spawn(ns, NULL, "/nowhere/at-all", true_argv, NULL, &pid));
    MESSAGE_HAS("spawn \"/nowhere/at-all\" in \"blue\": exec: ");
    netns_close(ns);
}

/* --- strict ----------------------------------------------------------------------------------- */

static void strict_etc_without_mount_point_fails_with_enoent(void)
{
    struct netns *ns = blue();

    private_etc();
    write_file("/etc/netns/blue/resolv.conf", "blue's", 0644);
    REFUSES(ENOENT, ns, NETNS_SPAWN_STRICT_ETC);
    SAME(netns_errmsg(), "spawn \"true\" in \"blue\": bind on /etc/resolv.conf: " CREATE_IT);
    REFUSES(ENOENT, ns, NETNS_SPAWN_STRICT_ETC | NETNS_SPAWN_TELL_ETC);
    EQUAL(started(ns, NETNS_SPAWN_STRICT_ETC | NETNS_SPAWN_KEEP_ETC), 0);
    write_file("/etc/resolv.conf", "", 0644);
    EQUAL(started(ns, NETNS_SPAWN_STRICT_ETC), 0);
    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_STRICT_ETC), "cat /etc/resolv.conf"), "blue's");
    netns_close(ns);
}

static void a_link_to_nowhere_is_enoent(void *arg)
{
    struct netns *ns = arg;

    MUST(symlink("/run/nowhere", "/etc/netns/blue/hosts"));
    REFUSES(ENOENT, ns, NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("open /etc/netns/blue/hosts: No such file or directory (probably a dangling symbolic link");
    MUST(unlink("/etc/netns/blue/hosts"));
    MUST(symlink("hosts", "/etc/netns/blue/hosts"));
    REFUSES(ELOOP, ns, NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("open /etc/netns/blue/hosts: Too many levels of symbolic links (probably a dangling symbolic link");
    MUST(unlink("/etc/netns/blue/hosts"));
}

static void a_directory_against_a_file_is_enotdir(void *arg)
{
    struct netns *ns = arg;

    MUST(mkdir("/etc/netns/blue/hosts", 0755));
    REFUSES(ENOTDIR, ns, NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("bind on /etc/hosts: Not a directory (a file cannot be bound on a directory, nor a directory");
    MUST(rmdir("/etc/netns/blue/hosts"));
    write_file("/etc/netns/blue/hosts", "", 0644);
    MUST(unlink("/etc/hosts"));
    MUST(mkdir("/etc/hosts", 0755));
    REFUSES(ENOTDIR, ns, NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("bind on /etc/hosts: Not a directory (a file cannot be bound on a directory, nor a directory");
}

static void try_misfits(void *arg)
{
    private_etc();
    a_link_to_nowhere_is_enoent(arg);
    a_directory_against_a_file_is_enotdir(arg);
}

static void strict_etc_names_unusable_file_and_reason(void)
{
    struct netns *ns = blue();

    try_misfits(ns);
    netns_close(ns);
}

static void strict_etc_names_unusable_file_without_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0}};
    struct netns *ns = blue();

    with_faults(faults, 2, try_misfits, ns);
    netns_close(ns);
}

/* --- pinned ------------------------------------------------------------------------------------ */

#define PIN NETNS_SPAWN_PIN_ETC
#define PINNED OPTIONS(.flags = PIN)

#define HOSTS "everybody's resolver"
#define BLUES "blue's resolver"

static void try_overlay(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("netns-test", "/run", "tmpfs", 0, NULL));
    MUST(mkdir("/run/one", 0755));
    MUST(mkdir("/run/two", 0755));
    exit(mount("overlay", "/run/one", "overlay", MS_RDONLY, "lowerdir=/run/one:/run/two") < 0);
}

/* An /etc with files, if this kernel supports overlayfs. */
static void etc_to_be_pinned(void)
{
    if (wait_for(start_part(try_overlay, NULL)) != 0)
        skip("no overlayfs");
    private_etc();
    write_file("/etc/netns/blue/resolv.conf", BLUES, 0644);
}

/* The output of a script before and after the host has made a change. */
static const char *said_across(const struct netns *ns, uint32_t flags, const char *script,
                               void (*change)(void))
{
    char text[256], *argv[] = {(char *)"sh", (char *)"-c", text, NULL};
    struct netns_spawn_options options;
    static char said[1024];
    int in[2], out[2];
    size_t len = 0;
    pid_t pid = -1;

    snprintf(text, sizeof text, "%s; echo; read line; %s", script, script);
    MUST(pipe2(in, O_CLOEXEC));
    MUST(pipe2(out, O_CLOEXEC));
    options = *OPTIONS(STDIO(in[0], out[1], -1));
    options.flags |= flags;
    OK(netns_spawn(ns, &options, "sh", argv, NULL, &pid));
    close(in[0]);
    close(out[1]);
    while (len < sizeof said / 2 && read(out[0], said + len, 1) == 1 && said[len] != '\n')
        len++;
    change();
    MUST(write(in[1], "\n", 1));
    close(in[1]);
    snprintf(said + len, sizeof said - len, "|%.400s", text_of(out[0]));
    ends_well(pid);
    return said;
}

/* As resolvers and NetworkManager do it. */
static void replace_resolv_conf(void)
{
    write_file("/etc/new", HOSTS, 0644);
    MUST(rename("/etc/new", "/etc/resolv.conf"));
}

static void remove_resolv_conf(void)
{
    MUST(unlink("/etc/resolv.conf"));
}

static void remove_hostname(void)
{
    MUST(unlink("/run/hostname"));
    MUST(unlink("/run/resolv.conf"));
}

static void replace_by_a_link(void)
{
    write_file("/run/stub", HOSTS, 0644);
    MUST(symlink("/run/stub", "/etc/new"));
    MUST(rename("/etc/new", "/etc/resolv.conf"));
}

static void replace_link_and_target(void)
{
    replace_by_a_link();
    write_file("/run/new", HOSTS, 0644);
    MUST(rename("/run/new", "/run/stub"));
}

static const char look[] = "cat /etc/resolv.conf 2>&1 || true";

static void unpinned_file_is_uncovered_when_host_replaces_it(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    SAME(said_across(ns, 0, look, replace_resolv_conf), BLUES "|" HOSTS);
    netns_close(ns);
}

static void try_to_uncover(const char *link)
{
    void (*const changes[])(void) = {replace_resolv_conf, remove_resolv_conf, replace_by_a_link,
                                     replace_link_and_target};
    struct netns *ns = blue();

    etc_to_be_pinned();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        unlink("/etc/resolv.conf");
        if (link)
            MUST(symlink(link, "/etc/resolv.conf"));
        else
            write_file("/etc/resolv.conf", HOSTS, 0644);
        SAME(said_across(ns, PIN, look, changes[i]), BLUES "|" BLUES);
    }
    netns_close(ns);
}

static void pin_etc_keeps_regular_file_covered(void)
{
    try_to_uncover(NULL);
}

static void pin_etc_keeps_symlink_covered(void)
{
    write_file("/run/stub", HOSTS, 0644);
    try_to_uncover("/run/stub");
}

static void pin_etc_keeps_dangling_symlink_covered(void)
{
    try_to_uncover("/run/nowhere");
}

static void pin_everything(void *arg)
{
    struct netns *ns = blue();

    (void)arg;
    make_misfits();
    MUST(mkdir("/etc/other", 0755));
    write_file("/etc/other/file", "everybody's", 0644);
    MUST(mkdir("/etc/netns/blue/other", 0755));
    write_file("/etc/netns/blue/other/file", "blue's", 0644);
    MUST(mkdir("/run/dir", 0755));
    write_file("/run/dir/file", "everybody's", 0644);
    MUST(symlink("/run/dir", "/etc/linked"));
    MUST(mkdir("/etc/netns/blue/linked", 0755));
    write_file("/etc/netns/blue/linked/file", "blue's", 0644);
    MUST(symlink("/run/nowhere", "/etc/dangling"));
    write_file("/etc/netns/blue/dangling", "blue's", 0644);
    EQUAL(started(ns, PIN | NETNS_SPAWN_TELL_ETC), started(ns, NETNS_SPAWN_TELL_ETC));
    MESSAGE_HAS("skip ");
    SAME(SAID(ns, PINNED, "cd /etc; cat hosts; echo; cat other/file linked/file dangling"),
         "blue's hosts\nblue'sblue'sblue's");
    /* Everything else is unchanged, including the directory through which the overlay was created. */
    SAME(SAID(ns, PINNED, "cd /etc; ls; ls netns"),
         "dangling\ndir\nfile\ngroup\nhosts\nlinked\nnetns\nother\npasswd\nblue");
    SAME(SAID(ns, PINNED, "cat /etc/netns/blue/hosts"), "blue's hosts");
    netns_close(ns);
}

static void pin_etc_accepts_files_directories_and_symlinks(void)
{
    etc_to_be_pinned();
    MUST(umount2("/etc", MNT_DETACH));
    pin_everything(NULL);
}

static void pin_etc_works_without_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0}};

    etc_to_be_pinned();
    MUST(umount2("/etc", MNT_DETACH));
    with_faults(faults, 2, pin_everything, NULL);
}

static void strict_etc_applies_to_pinned_files(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    REFUSES(ENOENT, ns, PIN | NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("bind on /etc/resolv.conf: " CREATE_IT);
    write_file("/etc/resolv.conf", "", 0644);
    EQUAL(started(ns, PIN | NETNS_SPAWN_STRICT_ETC), 0);
    write_file("/etc/file", "", 0644);
    MUST(mkdir("/etc/netns/blue/file", 0755));
    REFUSES(ENOTDIR, ns, PIN | NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("bind on /etc/file: Not a directory");
    MUST(rmdir("/etc/netns/blue/file"));
    MUST(symlink("/run/nowhere", "/etc/netns/blue/file"));
    REFUSES(ENOENT, ns, PIN | NETNS_SPAWN_STRICT_ETC);
    MESSAGE_HAS("open /etc/netns/blue/file: ");
    netns_close(ns);
}

static void pinned_etc_is_read_only_except_bound_files(void)
{
    struct netns *ns = blue();
    int mounts;

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    mounts = mounts_at(NULL);
    SAME(SAID(ns, PINNED, "(: >/etc/new) 2>/dev/null || echo no; (: >>/etc/hosts) 2>/dev/null || echo no"),
         "no\nno");
    SAME(SAID(ns, PINNED, "echo more >>/etc/resolv.conf; cat /etc/netns/blue/resolv.conf"),
         BLUES "more");
    /* Nothing of it is visible to the host. */
    EQUAL(mounts_at(NULL), mounts);
    write_file("/etc/new", "", 0644);
    netns_close(ns);
}

static void pin_etc_does_nothing_without_files_to_bind(void)
{
    struct netns *ns = blue(), *nameless = NULL;

    private_etc();
    SAME(SAID(ns, PINNED, "echo new >/etc/new; cat /etc/hosts"), "everybody's hosts");
    CHECK(exists("/etc/new"));
    write_file("/etc/netns/blue/hosts", BLUES, 0644);
    SAME(SAID(ns, OPTIONS(.flags = PIN | NETNS_SPAWN_KEEP_ETC), "rm /etc/new; cat /etc/hosts"),
         "everybody's hosts");
    CHECK(!exists("/etc/new"));
    OK(netns_open_fd(netns_fd(ns), &nameless));
    SAME(SAID(nameless, PINNED, "cat /etc/hosts"), "everybody's hosts");
    netns_close(nameless);
    netns_close(ns);
}

/* As in containers, where three files in /etc are mounts. */
static void pin_etc_keeps_existing_mounts_below_etc(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", "", 0644);
    write_file("/etc/hostname", "", 0644);
    write_file("/run/hostname", "box", 0644);
    write_file("/run/resolv.conf", HOSTS, 0644);
    MUST(mount("/run/hostname", "/etc/hostname", "none", MS_BIND, NULL));
    MUST(mount("/run/resolv.conf", "/etc/resolv.conf", "none", MS_BIND, NULL));
    MUST(mkdir("/etc/dir", 0755));
    MUST(mount("netns-test", "/etc/dir", "tmpfs", 0, NULL));
    MUST(mkdir("/etc/dir/in it", 0755));
    MUST(mount("netns-test", "/etc/dir/in it", "tmpfs", 0, NULL));
    write_file("/etc/dir/in it/file", "inside", 0644);
    /* But not in a covered directory, nor on it. */
    MUST(mkdir("/etc/other", 0755));
    MUST(mount("netns-test", "/etc/other", "tmpfs", 0, NULL));
    MUST(mkdir("/etc/other/file", 0755));
    MUST(mkdir("/etc/third", 0755));
    MUST(mkdir("/etc/third/sub", 0755));
    MUST(mount("netns-test", "/etc/third/sub", "tmpfs", 0, NULL));
    write_file("/etc/third/sub/file", "", 0644);
    MUST(mkdir("/etc/netns/blue/other", 0755));
    MUST(mkdir("/etc/netns/blue/third", 0755));
    MUST(mkdir("/etc/netns/blue/third/sub", 0755));
    SAME(SAID(ns, NULL, "cd /etc; ls other third third/sub"), "other:\n\nthird:\nsub\n\nthird/sub:");
    SAME(SAID(ns, PINNED, "cd /etc; ls other third third/sub"), "other:\n\nthird:\nsub\n\nthird/sub:");
    SAME(SAID(ns, PINNED, "cd /etc; cat hostname; echo; cat resolv.conf; echo; cat 'dir/in it/file'"),
         "box\n" BLUES "\ninside");
    SAME(said_across(ns, PIN, "cat /etc/hostname /etc/resolv.conf", remove_hostname),
         "box" BLUES "|box" BLUES);
    netns_close(ns);
}

static void pin_etc_follows_symlink_at_etc_netns(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    MUST(mkdir("/run/elsewhere", 0755));
    write_file("/run/elsewhere/file", "there", 0644);
    MUST(rename("/etc/netns", "/etc/names"));
    MUST(mount("netns-test", "/run/elsewhere", "tmpfs", 0, NULL));
    MUST(mkdir("/run/elsewhere/blue", 0755));
    write_file("/run/elsewhere/blue/resolv.conf", BLUES, 0644);
    MUST(symlink("/run/elsewhere", "/etc/netns"));
    SAME(SAID(ns, PINNED, "cat /etc/resolv.conf; echo; ls /run/elsewhere"), BLUES "\nblue");
    netns_close(ns);
}

static void working_directory_in_etc_shows_pinned_files(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    MUST(chdir("/etc"));
    SAME(SAID(ns, PINNED, "cat resolv.conf"), BLUES);
    netns_close(ns);
}

static void pin_etc_binds_300_files(void)
{
    struct netns *ns = blue();
    char path[64];

    etc_to_be_pinned();
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "/etc/number-%d", i);
        write_file(path, "", 0644);
        snprintf(path, sizeof path, "/etc/netns/blue/number-%d", i);
        write_file(path, "b", 0644);
    }
    EQUAL(NUMBER(ns, PINNED, "cat /etc/number-* | wc -c"), 300);
    netns_close(ns);
}

/* --- where /etc cannot be pinned ----------------------------------------------------------------- */

static void pin_etc_on_nested_overlays_fails_with_einval(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    MUST(mkdir("/run/empty", 0755));
    MUST(mount("overlay", "/etc", "overlay", MS_RDONLY, "lowerdir=/etc:/run/empty"));
    SAME(SAID(ns, PINNED, "cat /etc/resolv.conf"), BLUES);
    MUST(mkdir("/run/none", 0755));
    MUST(mount("overlay", "/etc", "overlay", MS_RDONLY, "lowerdir=/etc:/run/none"));
    REFUSES(EINVAL, ns, PIN);
    MESSAGE_HAS("mount an overlay on /etc: Invalid argument (an overlay cannot be mounted on this directory");
    EQUAL(started(ns, 0), 0);
    netns_close(ns);
}

static void refuse_as_without_overlayfs(void *arg)
{
    REFUSES(ENODEV, arg, PIN | NETNS_SPAWN_KEEP_SYS);
    MESSAGE_HAS("mount an overlay on /etc: No such device (the kernel has no overlay file system");
}

static void refuse_as_before_linux_5_11(void *arg)
{
    REFUSES(EPERM, arg, PIN | NETNS_SPAWN_KEEP_SYS);
    MESSAGE_HAS("mount an overlay on /etc: Operation not permitted (in a user namespace, mounting an overlay "
                "needs Linux 5.11 or later)");
}

static void pin_etc_without_overlayfs_fails_with_enodev(void)
{
    static const struct fault fault = {SYS_mount, ENODEV, 3, MS_RDONLY, MS_RDONLY};
    struct netns *ns = blue();

    if (under_valgrind())
        skip("valgrind could not go on without this call");
    private_etc();
    write_file("/etc/netns/blue/hosts", BLUES, 0644);
    with_faults(&fault, 1, refuse_as_without_overlayfs, ns);
    netns_close(ns);
}

static void pin_etc_without_userns_overlays_fails_with_eperm(void)
{
    static const struct fault fault = {SYS_mount, EPERM, 3, MS_RDONLY, MS_RDONLY};
    struct netns *ns = blue();

    if (under_valgrind())
        skip("valgrind could not go on without this call");
    private_etc();
    write_file("/etc/netns/blue/hosts", BLUES, 0644);
    with_faults(&fault, 1, refuse_as_before_linux_5_11, ns);
    netns_close(ns);
}

static void pin_etc_works_in_user_namespace(void)
{
    struct netns *ns = NULL;
    pid_t pid = -42;
    int rc;

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    become_plain_user();
    enter_user_namespace_with_run_directory(0);
    OK(netns_create("blue", 0, &ns));
    rc = netns_spawn(ns, OPTIONS(.flags = PIN | NETNS_SPAWN_KEEP_SYS), "true", true_argv, NULL, &pid);
    if (rc == -EPERM) {
        CHECK(!kernel_is_at_least(5, 11));
        MESSAGE_HAS("in a user namespace, mounting an overlay needs Linux 5.11 or later");
        CHILDLESS();
    } else {
        EQUAL(rc, 0);
        ends_well(pid);
        SAME(SAID(ns, OPTIONS(.flags = PIN | NETNS_SPAWN_KEEP_SYS), "cat /etc/resolv.conf"), BLUES);
    }
    netns_close(ns);
}

/* A mount inherited by a user namespace hides something permanently. */
static void pin_etc_over_inherited_mounts_fails_with_einval(void)
{
    struct netns *ns = NULL;

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    write_file("/run/hosts", "other hosts", 0644);
    MUST(mount("/run/hosts", "/etc/hosts", "none", MS_BIND, NULL));
    become_plain_user();
    enter_user_namespace_with_run_directory(0);
    if (!kernel_is_at_least(5, 11))
        skip("no overlay in a user namespace");
    OK(netns_create("blue", 0, &ns));
    REFUSES(EINVAL, ns, PIN | NETNS_SPAWN_KEEP_SYS);
    MESSAGE_HAS("or have mounts that a user namespace cannot unmount");
    netns_close(ns);
}

static void pin_without_proc(void *arg)
{
    const uint32_t flags = PIN | NETNS_SPAWN_KEEP_SYS;
    pid_t pid = -42;

    MUST(unshare(CLONE_NEWNS));
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    if (netns_spawn(arg, OPTIONS(.flags = flags), "true", true_argv, NULL, &pid) == 0) {
        ends_well(pid);
        SAME(SAID(arg, OPTIONS(.flags = flags), "cat /etc/resolv.conf"), BLUES);
        /* As before Linux 6.8. */
        need_seccomp();
        if (under_valgrind())
            skip("valgrind could not go on without this call");
        install_faults(&(struct fault){SYS_LISTMOUNT, ENOSYS, 0, 0, 0}, 1);
    }
    REFUSES(ENOENT, arg, flags);
    MESSAGE_HAS("check that /proc is mounted");
}

static void pin_etc_without_proc_and_listmount_fails_with_enoent(void)
{
    struct netns *ns = blue();

    etc_to_be_pinned();
    write_file("/etc/resolv.conf", HOSTS, 0644);
    IN_CHILD(pin_without_proc, ns);
    netns_close(ns);
}

int main(void)
{
    RUN(successful_spawn_message_names_skipped_file);
    RUN(spawn_without_skipped_files_keeps_old_message);
    RUN(tell_etc_returns_number_of_skipped_files);
    RUN(tell_etc_counts_skipped_files_without_move_mount);
    RUN(spawn_as_user_reports_skipped_files);
    RUN(failed_spawn_reports_failure_not_skipped_file);

    RUN(strict_etc_without_mount_point_fails_with_enoent);
    RUN(strict_etc_names_unusable_file_and_reason);
    RUN(strict_etc_names_unusable_file_without_move_mount);

    RUN(unpinned_file_is_uncovered_when_host_replaces_it);
    RUN(pin_etc_keeps_regular_file_covered);
    RUN(pin_etc_keeps_symlink_covered);
    RUN(pin_etc_keeps_dangling_symlink_covered);
    RUN(pin_etc_accepts_files_directories_and_symlinks);
    RUN(pin_etc_works_without_move_mount);
    RUN(strict_etc_applies_to_pinned_files);
    RUN(pinned_etc_is_read_only_except_bound_files);
    RUN(pin_etc_does_nothing_without_files_to_bind);
    RUN(pin_etc_keeps_existing_mounts_below_etc);
    RUN(pin_etc_follows_symlink_at_etc_netns);
    RUN(working_directory_in_etc_shows_pinned_files);
    RUN(pin_etc_binds_300_files);

    RUN(pin_etc_on_nested_overlays_fails_with_einval);
    RUN(pin_etc_without_overlayfs_fails_with_enodev);
    RUN(pin_etc_without_userns_overlays_fails_with_eperm);
    RUN(pin_etc_works_in_user_namespace);
    RUN(pin_etc_over_inherited_mounts_fails_with_einval);
    RUN(pin_etc_without_proc_and_listmount_fails_with_enoent);
    return finish();
}
