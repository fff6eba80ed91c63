/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a program sees of its namespace in the file system: /sys and /etc, but no mounts of other
   namespaces. */
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

/* The number of mounts at a path and below it. */
#define COUNT(place) \
    "cut -d' ' -f5 /proc/self/mountinfo | grep -c -e '^" place "$' -e '^" place "/'"

/* The same for the test itself. */
static int counted(const char *script)
{
    FILE *pipe = popen(script, "re");
    int count = -1;

    CHECK(fscanf(pipe, "%d", &count) == 1);
    pclose(pipe);
    return count;
}

/* A mount inherited by a user namespace cannot be unmounted. */
static void take_sys_off(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    exit(umount2("/sys", MNT_DETACH) < 0);
}

/* Whether the old /sys stays below the new one: if it cannot be unmounted, or open_tree(2) is not
   available. */
static bool old_stays(void)
{
    return !have_open_tree() || wait_for(start_part(take_sys_off, NULL)) != 0;
}

/* Waits for a program that must succeed. */
static void ends_well(pid_t pid)
{
    EQUAL(wait_for(pid), 0);
}

/* --- /sys ------------------------------------------------------------------------------------- */

/* A sysfs without mounts below it. */
static void bare_sys(unsigned long flags)
{
    while (umount2("/sys", MNT_DETACH) == 0)
        ;
    if (mount("sysfs", "/sys", "sysfs", flags, NULL) < 0)
        skip("cannot mount a sysfs here");
}

/* A sysfs with mounts in it, and mounts in those. */
static void crowded_sys(void)
{
    bare_sys(0);
    MUST(mount("one", "/sys/fs", "tmpfs", 0, NULL));
    MUST(mkdir("/sys/fs/in it", 0755));
    MUST(mount("two", "/sys/fs/in it", "tmpfs", 0, NULL));
    write_file("/sys/fs/in it/file", "two", 0644);
    MUST(mount("three", "/sys/kernel", "tmpfs", MS_RDONLY, NULL));
    MUST(mount("four", "/sys/kernel", "tmpfs", 0, NULL));
    write_file("/sys/kernel/file", "four", 0644);
}

static void sys_shows_namespace_and_keeps_submounts(void)
{
    struct netns *ns = blue();
    int before = counted(COUNT("/sys")), layers = old_stays() ? 2 : 1;

    SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters"), "lo");
    EQUAL(NUMBER(ns, NULL, COUNT("/sys")), layers * before);
    EQUAL(counted(COUNT("/sys")), before);
    netns_close(ns);
}

static void sys_keeps_nested_submounts(void)
{
    struct netns *ns = blue();
    int mounts, below_fs;

    crowded_sys();
    mounts = mounts_at(NULL);
    /* Without open_tree(2) the old mounts stay below. */
    below_fs = counted(COUNT("/sys/fs")) + (have_open_tree() ? 0 : 2);
    SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters; cat '/sys/fs/in it/file' "
                        "/sys/kernel/file"), "lo\ntwofour");
    EQUAL(NUMBER(ns, NULL, COUNT("/sys/fs")), below_fs);
    EQUAL(mounts_at(NULL), mounts);
    CHECK(exists("/sys/fs/in it/file"));
    netns_close(ns);
}

static void submount_without_directory_in_new_sysfs_is_dropped(void)
{
    struct netns *ns = blue();

    /* A device of this namespace, for which the namespace's sysfs has a directory. */
    MUST(unshare(CLONE_NEWNET));
    bare_sys(0);
    if (shell("PATH=$PATH:/usr/sbin:/sbin; add='ip link add name test0 type'\n"
              "$add dummy 2>/dev/null || $add bridge 2>/dev/null || $add veth 2>/dev/null") != 0)
        skip("no virtual devices");
    MUST(mount("one", "/sys/devices/virtual/net/test0", "tmpfs", 0, NULL));
    SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters; cd /sys/devices/virtual/net && ls"), "lo\nlo");
    EQUAL(mounts_at("/sys/devices/virtual/net/test0"), 1);
    netns_close(ns);
}

static void spawn_does_not_stack_sysfs_mounts(void)
{
    struct netns *ns = blue(), *home = NULL;
    int at_sys = mounts_at("/sys");

    if (old_stays())
        skip("the old one stays below");
    EQUAL(NUMBER(ns, NULL, "grep -c ' /sys ' /proc/self/mountinfo"), at_sys);
    /* It is the existing one. */
    OK(netns_open_current(&home));
    EQUAL(NUMBER(home, NULL, "grep -c ' /sys ' /proc/self/mountinfo"), at_sys);
    EQUAL(NUMBER(home, NULL, COUNT("/sys")), counted(COUNT("/sys")));
    netns_close(home);
    netns_close(ns);
}

/* Descriptors that the child opened and did not need had numbers that belong to other files in this
   process. */
static void spawn_in_current_namespace_keeps_pidfd_open(void)
{
    struct netns *home = NULL;
    int pidfd = -1;
    pid_t pid = -42;

    if (under_valgrind())
        skip("valgrind does not support pidfds");
    crowded_sys();
    OK(netns_open_current(&home));
    OK(netns_spawn(home, OPTIONS(.pidfd = &pidfd), "true", true_argv, NULL, &pid));
    EQUAL(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    ends_well(pid);
    close(pidfd);
    netns_close(home);
}

static void new_sysfs_keeps_mount_flags(void)
{
    struct netns *ns = blue();
    const char *line;

    bare_sys(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME);
    line = SAID(ns, NULL, "grep ' / /sys ' /proc/self/mountinfo | tail -n 1");
    CHECK(strstr(line, " /sys ro,nosuid,nodev,noexec,noatime "));
    EQUAL(NUMBER(ns, NULL, "ls /sys/class/net | grep -c lo"), 1);
    bare_sys(0);
    line = SAID(ns, NULL, "grep ' / /sys ' /proc/self/mountinfo | tail -n 1");
    CHECK(!strstr(line, " ro,"));
    netns_close(ns);
}

static void spawn_mounts_sysfs_if_none_was_mounted(void)
{
    struct netns *ns = blue();

    while (umount2("/sys", MNT_DETACH) == 0)
        ;
    if (exists("/sys/class"))
        skip("it stays");
    SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters"), "lo");
    netns_close(ns);
}

static void spawn_keeps_working_directory_in_submount_of_sys(void)
{
    struct netns *ns = blue();

    crowded_sys();
    MUST(chdir("/sys/fs/in it"));
    SAME(SAID(ns, NULL, "pwd -P; cat file; test . -ef '/sys/fs/in it' && echo the same"),
         "/sys/fs/in it\ntwothe same");
    netns_close(ns);
}

/* --- mounts of others ------------------------------------------------------------------------- */

static void mounts_propagate_to_program_but_not_back(void)
{
    char *argv[] = {"sh", "-c",
                    "mount -t tmpfs inside /run/a && read line && grep -c ' /run/b ' /proc/self/mountinfo",
                    NULL};
    struct netns *ns = blue();
    int in[2], out[2], mounts;
    pid_t pid;

    MUST(mount("none", "/", "none", MS_REC | MS_SHARED, NULL));
    MUST(mkdir("/run/a", 0755));
    MUST(mkdir("/run/b", 0755));
    mounts = mounts_at(NULL);
    MUST(pipe2(in, O_CLOEXEC));
    MUST(pipe2(out, O_CLOEXEC));
    OK(netns_spawn(ns, OPTIONS(STDIO(in[0], out[1], -1)), "sh", argv, NULL, &pid));
    close(in[0]);
    close(out[1]);
    EQUAL(mounts_at(NULL), mounts);
    MUST(mount("outside", "/run/b", "tmpfs", 0, NULL));
    MUST(write(in[1], "\n", 1));
    close(in[1]);
    SAME(text_of(out[0]), "1");
    ends_well(pid);
    EQUAL(mounts_at("/run/a"), 0);
    EQUAL(mounts_at(NULL), mounts + 1);
    netns_close(ns);
}

static void keep_sys_with_keep_etc_keeps_mount_namespace(void)
{
    struct netns *ns = blue();
    uint64_t home = mount_namespace();
    const char *inode = "stat -L -c %i /proc/self/ns/mnt";

    EQUAL(NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC), inode), home);
    CHECK(NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), inode) != home);
    CHECK(NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_ETC), inode) != home);
    netns_close(ns);
}

static void keep_sys_keeps_callers_sys(void)
{
    struct netns *ns = blue();

    crowded_sys();
    EQUAL(NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), COUNT("/sys")), counted(COUNT("/sys")));
    EQUAL(NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), "stat -c %d /sys"),
          NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC), "stat -c %d /sys"));
    CHECK(NUMBER(ns, NULL, "stat -c %d /sys") !=
          NUMBER(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), "stat -c %d /sys"));
    netns_close(ns);
}

/* --- a private root directory ----------------------------------------------------------------- */

/* Creates a root directory with programs in it, but without /sys. */
static void make_root(const char *root)
{
    static const char *const parts[] = {"usr", "bin", "lib", "lib64", "proc"};
    char from[64], to[64];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(from, sizeof from, "/%s", parts[i]);
        snprintf(to, sizeof to, "%s/%s", root, parts[i]);
        if (!exists(from))
            continue;
        MUST(mkdir(to, 0755));
        MUST(mount(from, to, "none", MS_BIND | MS_REC, NULL));
    }
}

static void start_without_sys(void *arg)
{
    make_root("/run/root");
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
    CHECK(!exists("/sys"));
    SAME(SAID(arg, NULL, "test ! -e /sys && pwd"), "/");
}

static void spawn_works_without_sys_directory(void)
{
    struct netns *ns = blue();

    MUST(mkdir("/run/root", 0755));
    MUST(mount("root", "/run/root", "tmpfs", 0, NULL));
    MUST(mkdir("/run/root/dev", 0755));
    IN_CHILD(start_without_sys, ns);
    netns_close(ns);
}

static void start_in_a_plain_directory(void *arg)
{
    struct netns *ns = arg;
    pid_t pid = -42;

    make_root("/run/root");
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
    FAILS(EINVAL, netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
    MESSAGE_HAS("mount --make-rslave /: Invalid argument (the root directory must be a mount point");
    EQUAL(pid, -42);
    CHILDLESS();
    FAILS(EINVAL, netns_exec(ns, "true", true_argv, NULL));
    MESSAGE_HAS("mount --make-rslave /");
    OK(netns_spawn(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC), "true",
                   true_argv, NULL, &pid));
    ends_well(pid);
}

static void spawn_fails_with_einval_if_root_is_not_a_mount_point(void)
{
    struct netns *ns = blue();

    MUST(mkdir("/run/root", 0755));
    IN_CHILD(start_in_a_plain_directory, ns);
    netns_close(ns);
}

static void start_without_proc(void *arg)
{
    pid_t pid = -42;

    MUST(unshare(CLONE_NEWNS));
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    if (netns_spawn(arg, NULL, "true", true_argv, NULL, &pid) == 0) {
        ends_well(pid);
        pid = -42;
        /* As before Linux 6.8. */
        need_seccomp();
        if (under_valgrind())
            skip("valgrind could not go on without this call");
        install_faults(&(struct fault){SYS_LISTMOUNT, ENOSYS, 0, 0, 0}, 1);
    }
    FAILS(ENOENT, netns_spawn(arg, NULL, "true", true_argv, NULL, &pid));
    MESSAGE_HAS("check that /proc is mounted");
    EQUAL(pid, -42);
    OK(netns_spawn(arg, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), "true", true_argv, NULL, &pid));
    ends_well(pid);
}

static void spawn_without_proc_and_listmount_fails_with_enoent(void)
{
    struct netns *ns = blue();

    IN_CHILD(start_without_proc, ns);
    netns_close(ns);
}

/* --- /etc ------------------------------------------------------------------------------------- */

static void files_in_etc_netns_cover_files_in_etc(void)
{
    struct netns *ns = blue();
    int mounts;

    private_etc();
    MUST(mkdir("/etc/dir", 0755));
    write_file("/etc/dir/file", "everybody's", 0644);
    MUST(mkdir("/etc/netns/blue/dir", 0755));
    write_file("/etc/netns/blue/dir/file", "blue's", 0644);
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
    mounts = mounts_at(NULL);
    SAME(SAID(ns, NULL, "cat /etc/hosts; echo; cat /etc/dir/file"), "blue's hosts\nblue's");
    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS), "cat /etc/hosts"), "blue's hosts");
    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_ETC), "cat /etc/hosts"), "everybody's hosts");
    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_ETC), "cat /etc/dir/file"), "everybody's");
    EQUAL(mounts_at(NULL), mounts);
    /* The working directory is the visible one. */
    MUST(chdir("/etc/dir"));
    SAME(SAID(ns, NULL, "cat file"), "blue's");
    netns_close(ns);
}

static void etc_netns_files_without_matching_target_are_ignored(void)
{
    struct netns *ns = blue();

    private_etc();
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
    write_file("/etc/netns/blue/missing", "blue's", 0644);
    MUST(mkdir("/etc/netns/blue/missing-directory", 0755));
    write_file("/etc/file", "a file", 0644);
    MUST(mkdir("/etc/netns/blue/file", 0755));
    MUST(mkdir("/etc/dir", 0755));
    write_file("/etc/netns/blue/dir", "blue's", 0644);
    MUST(symlink("/run/nowhere", "/etc/dangling"));
    MUST(mkdir("/etc/netns/blue/dangling", 0755));
    MUST(symlink("file", "/etc/link"));
    MUST(mkdir("/etc/netns/blue/link", 0755));
    MUST(symlink("/run/nowhere", "/etc/netns/blue/passwd"));
    write_file("/etc/passwd", "everybody's", 0644);
    SAME(SAID(ns, NULL, "cd /etc; cat hosts; echo; ls; cat link passwd; ls dir"),
         "blue's hosts\ndangling\ndir\nfile\nhosts\nlink\nnetns\npasswd\na fileeverybody's");
    CHECK(!exists("/etc/missing"));
    CHECK(!exists("/run/nowhere"));
    MUST(rename("/etc/netns/blue", "/etc/netns/red"));
    MUST(symlink("blue", "/etc/netns/blue"));
    SAME(SAID(ns, NULL, "cat /etc/passwd"), "everybody's");
    netns_close(ns);
}

#define HOSTS "everybody's resolver"
#define BLUES "blue's resolver"

/* Runs the script, which prints before and after the host has replaced its resolver's file. */
static const char *said_across_replacement(const struct netns *ns)
{
    char *argv[] = {"sh", "-c", "cat /etc/resolv.conf; echo; read line; cat /etc/resolv.conf", NULL};
    char line[sizeof BLUES];
    int in[2], out[2];
    const char *text;
    pid_t pid;

    MUST(pipe2(in, O_CLOEXEC));
    MUST(pipe2(out, O_CLOEXEC));
    OK(netns_spawn(ns, OPTIONS(STDIO(in[0], out[1], -1)), "sh", argv, NULL, &pid));
    close(in[0]);
    close(out[1]);
    /* It has read the first file. */
    for (size_t len = 0; len < sizeof line; len++)
        if (MUST(read(out[0], line + len, 1)) == 0 || line[len] == '\n')
            break;
    CHECK(strncmp(line, BLUES "\n", sizeof line) == 0);
    write_file("/run/resolve/new", HOSTS, 0644);
    MUST(rename("/run/resolve/new", "/run/resolve/stub"));
    MUST(write(in[1], "\n", 1));
    close(in[1]);
    text = text_of(out[0]);
    ends_well(pid);
    return text;
}

static void set_up_resolver(const char *link)
{
    MUST(mkdir("/run/resolve", 0755));
    write_file("/run/resolve/stub", HOSTS, 0644);
    MUST(symlink(link, "/etc/resolv.conf"));
}

static void cover_link(void *arg)
{
    struct netns *ns = blue();

    private_etc();
    set_up_resolver(arg);
    write_file("/run/blue", BLUES, 0644);
    MUST(symlink("/run/blue", "/etc/netns/blue/resolv.conf"));
    SAME(SAID(ns, NULL, "cat /etc/resolv.conf; echo; readlink /etc/resolv.conf; cat /run/resolve/stub"),
         BLUES "\n" HOSTS);
    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_KEEP_ETC), "cat /etc/resolv.conf"), HOSTS);
    SAME(said_across_replacement(ns), BLUES);
    MUST(unlink("/run/resolve/stub"));
    SAME(SAID(ns, NULL, "cat /etc/resolv.conf"), BLUES);
    SAME(said_across_replacement(ns), BLUES);
    CHECK(readlink("/etc/resolv.conf", (char[1]){0}, 1) == 1);
    netns_close(ns);
}

/* Resolvers replace the symlink's target; the kernel then unmounts what is mounted on the old one. */
static void symlink_in_etc_is_covered_not_its_target(void)
{
    cover_link("/run/resolve/stub");
}

static void relative_symlink_is_covered_not_its_target(void)
{
    cover_link("../run/resolve/stub");
}

static void first_symlink_of_chain_is_covered(void)
{
    MUST(symlink("/run/resolve/stub", "/run/first"));
    cover_link("/run/first");
}

static void symlink_is_covered_without_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0}};

    with_faults(faults, 2, cover_link, "/run/resolve/stub");
}

/* The filter knows neither of the two calls, which were added together. */
static void symlink_is_covered_if_filter_forbids_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, EPERM, 0, 0, 0}, {SYS_move_mount, EPERM, 0, 0, 0}};

    with_faults(faults, 2, cover_link, "/run/resolve/stub");
}

/* A directory cannot be mounted on a symlink. */
static void directory_covers_target_of_symlink(void)
{
    struct netns *ns = blue();

    private_etc();
    MUST(mkdir("/run/dir", 0755));
    write_file("/run/dir/file", "everybody's", 0644);
    MUST(symlink("/run/dir", "/etc/dir"));
    MUST(mkdir("/etc/netns/blue/dir", 0755));
    write_file("/etc/netns/blue/dir/file", "blue's", 0644);
    SAME(SAID(ns, NULL, "cat /etc/dir/file; cat /run/dir/file"), "blue'sblue's");
    netns_close(ns);
}

static void symlink_loop_in_etc_is_covered(void)
{
    struct netns *ns = blue();

    private_etc();
    MUST(symlink("loop", "/etc/loop"));
    write_file("/etc/netns/blue/loop", "blue's", 0644);
    SAME(SAID(ns, NULL, "cat /etc/loop"), "blue's");
    netns_close(ns);
}

static void etc_netns_files_apply_only_to_named_handles(void)
{
    struct netns *ns = blue(), *nameless = NULL, *elsewhere = NULL;

    private_etc();
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
    OK(netns_open_fd(netns_fd(ns), &nameless));
    SAME(SAID(nameless, NULL, "cat /etc/hosts"), "everybody's hosts");
    SAME(SAID(ns, NULL, "cat /etc/hosts"), "blue's hosts");
    OK(netns_create_at("/run/elsewhere", "blue", 0, &elsewhere));
    SAME(SAID(elsewhere, NULL, "cat /etc/hosts"), "blue's hosts");
    /* A file that is not a directory is ignored. */
    MUST(unlink("/etc/netns/blue/hosts"));
    MUST(rmdir("/etc/netns/blue"));
    write_file("/etc/netns/blue", "", 0644);
    SAME(SAID(ns, NULL, "cat /etc/hosts"), "everybody's hosts");
    netns_close(elsewhere);
    netns_close(nameless);
    netns_close(ns);
}

static void spawn_covers_hundreds_of_etc_files(void)
{
    struct netns *ns = blue();
    char path[64];

    private_etc();
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "/etc/number-%d", i);
        write_file(path, "", 0644);
        snprintf(path, sizeof path, "/etc/netns/blue/number-%d", i);
        write_file(path, "b", 0644);
    }
    EQUAL(NUMBER(ns, NULL, "cat /etc/number-* | wc -c"), 300);
    netns_close(ns);
}

/* --- fewer privileges ------------------------------------------------------------------------- */

static void start_in_a_user_namespace(int more)
{
    struct netns *ns = NULL;
    struct netns_spawn_options *keep = OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS);
    pid_t pid = -42;
    int rc;

    become_plain_user();
    enter_user_namespace_with_run_directory(more);
    OK(netns_create("blue", 0, &ns));
    EQUAL(NUMBER(ns, keep, "stat -L -c %i /proc/self/ns/net"), netns_inode(ns));
    rc = netns_spawn(ns, NULL, "true", true_argv, NULL, &pid);
    if (rc == -EPERM) {
        /* A container may hide a part of its sysfs. */
        MESSAGE_HAS("that keeps the caller's /sys does not need one");
        EQUAL(pid, -42);
        CHILDLESS();
    } else {
        EQUAL(rc, 0);
        ends_well(pid);
        SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters"), "lo");
        EQUAL(NUMBER(ns, NULL, "ls /sys/fs/cgroup | wc -l"), NUMBER(ns, keep, "ls /sys/fs/cgroup | wc -l"));
    }
    netns_close(ns);
}

static void spawn_works_in_user_namespace(void)
{
    start_in_a_user_namespace(0);
}

static void spawn_works_in_user_namespace_with_new_netns(void)
{
    start_in_a_user_namespace(CLONE_NEWNET);
}

static void start_as_a_plain_user(void *arg)
{
    pid_t pid = -42;

    become_plain_user();
    FAILS(EPERM, netns_spawn(arg, NULL, "true", true_argv, NULL, &pid));
    MESSAGE_HAS("spawn \"true\" in \"blue\": setns: Operation not permitted (needs CAP_SYS_ADMIN");
    EQUAL(pid, -42);
    CHILDLESS();
    FAILS(EPERM, netns_exec(arg, "true", true_argv, NULL));
}

static void unprivileged_spawn_and_exec_fail_with_eperm(void)
{
    struct netns *ns = blue();

    IN_CHILD(start_as_a_plain_user, ns);
    netns_close(ns);
}

static void start_with_hidden_files(void *arg)
{
    pid_t pid = -42;

    drop_capability(CAP_DAC_OVERRIDE);
    drop_capability(CAP_DAC_READ_SEARCH);
    FAILS(EACCES, netns_spawn(arg, NULL, "true", true_argv, NULL, &pid));
    MESSAGE_HAS("/etc/netns");
    EQUAL(pid, -42);
    OK(netns_spawn(arg, OPTIONS(.flags = NETNS_SPAWN_KEEP_ETC), "true", true_argv, NULL, &pid));
    ends_well(pid);
}

static void spawn_with_unreadable_etc_netns_fails_with_eacces(void)
{
    struct netns *ns = blue();

    private_etc();
    MUST(chmod("/etc/netns/blue", 0));
    IN_CHILD(start_with_hidden_files, ns);
    netns_close(ns);
}

int main(void)
{
    RUN(sys_shows_namespace_and_keeps_submounts);
    RUN(sys_keeps_nested_submounts);
    RUN(submount_without_directory_in_new_sysfs_is_dropped);
    RUN(spawn_does_not_stack_sysfs_mounts);
    RUN(spawn_in_current_namespace_keeps_pidfd_open);
    RUN(new_sysfs_keeps_mount_flags);
    RUN(spawn_mounts_sysfs_if_none_was_mounted);
    RUN(spawn_keeps_working_directory_in_submount_of_sys);

    RUN(mounts_propagate_to_program_but_not_back);
    RUN(keep_sys_with_keep_etc_keeps_mount_namespace);
    RUN(keep_sys_keeps_callers_sys);

    RUN(spawn_works_without_sys_directory);
    RUN(spawn_fails_with_einval_if_root_is_not_a_mount_point);
    RUN(spawn_without_proc_and_listmount_fails_with_enoent);

    RUN(files_in_etc_netns_cover_files_in_etc);
    RUN(etc_netns_files_without_matching_target_are_ignored);
    RUN(symlink_in_etc_is_covered_not_its_target);
    RUN(relative_symlink_is_covered_not_its_target);
    RUN(first_symlink_of_chain_is_covered);
    RUN(symlink_is_covered_without_move_mount);
    RUN(symlink_is_covered_if_filter_forbids_move_mount);
    RUN(directory_covers_target_of_symlink);
    RUN(symlink_loop_in_etc_is_covered);
    RUN(etc_netns_files_apply_only_to_named_handles);
    RUN(spawn_covers_hundreds_of_etc_files);

    RUN(spawn_works_in_user_namespace);
    RUN(spawn_works_in_user_namespace_with_new_netns);
    RUN(unprivileged_spawn_and_exec_fail_with_eperm);
    RUN(spawn_with_unreadable_etc_netns_fails_with_eacces);
    return finish();
}
