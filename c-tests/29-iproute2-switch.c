/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* iproute2's netns_switch: switches to a namespace with its /sys and /etc, without a way back. */
#include "fault.h"
#include "privilege.h"
#include "stderr.h"
#include "test.h"

#include <net/if.h>
#include <libnetns/netns-iproute2.h>
#include <pthread.h>

/* A directory that every sysfs contains, and a mount made there. */
#define BELOW_SYS "/sys/kernel"
#define MARK BELOW_SYS "/mark"

static uint64_t mount_namespace(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/mnt", &st) == 0 ? st.st_ino : 0;
}

static const char *line_of(const char *path)
{
    static char text[256];
    FILE *file = fopen(path, "re");

    text[0] = '\0';
    if (!file || !fgets(text, sizeof text, file))
        snprintf(text, sizeof text, "(%s)", strerror(errno));
    if (file)
        fclose(file);
    return text;
}

/* What the thread sees of the network in /sys. */
static bool sys_shows(const char *ifname)
{
    char path[64];

    snprintf(path, sizeof path, "/sys/class/net/%s", ifname);
    return exists(path);
}

/* Moves to a network namespace whose lo is up, with its own /sys. */
static void settle(void)
{
    struct netns *home = NULL;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &home));
    OK(netns_setns(home));
    netns_close(home);
    umount2("/sys", MNT_DETACH);
    MUST(mount("sysfs", "/sys", "sysfs", 0, NULL));
}

/* A private /etc with files for the namespace blue. */
static void own_etc(void)
{
    MUST(mount("netns-test", "/etc", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/etc/netns", 0755));
    MUST(mkdir("/etc/netns/blue", 0755));
    write_file("/etc/hosts", "everybody's", 0644);
    write_file("/etc/netns/blue/hosts", "blue's", 0644);
}

static char blue[] = "blue";

static void switch_enters_namespace_and_mounts_its_sys(void)
{
    struct netns *ns = NULL;
    uint64_t before = mount_namespace();
    char *flags;
    int mounts;

    settle();
    mounts = mounts_at("/sys");
    flags = strdup(line_of("/sys/class/net/lo/flags"));
    SAME(flags, "0x9\n");
    OK(netns_create(blue, 0, &ns));
    GIVES(0, 0, "", netns_switch(blue));
    EQUAL(here(), netns_inode(ns));
    CHECK(mount_namespace() != before);
    SAME(line_of("/sys/class/net/lo/flags"), "0x8\n");
    /* Without open_tree the old mount is covered. */
    EQUAL(mounts_at("/sys"), mounts + !have_open_tree());
    free(flags);
    netns_close(ns);
}

static void switch_keeps_mounts_below_sys(void)
{
    settle();
    MUST(mount("netns-test", BELOW_SYS, "tmpfs", 0, NULL));
    write_file(MARK, "mark", 0644);
    MUST(mkdir(BELOW_SYS "/inner", 0755));
    MUST(mount("netns-test", BELOW_SYS "/inner", "tmpfs", 0, NULL));
    write_file(BELOW_SYS "/inner/mark", "inner mark", 0644);
    OK(netns_create(blue, 0, NULL));
    GIVES(0, 0, "", netns_switch(blue));
    CHECK(sys_shows("lo"));
    SAME(line_of(MARK), "mark");
    SAME(line_of(BELOW_SYS "/inner/mark"), "inner mark");
}

static void switch_and_mount(void *arg)
{
    (void)arg;
    EQUAL(netns_switch(blue), 0);
    MUST(mount("netns-test", "/run/place", "tmpfs", 0, NULL));
    write_file("/run/place/mark", "", 0644);
    EQUAL(mounts_at("/run/place"), 1);
}

static void mounts_after_switch_do_not_propagate_back(void)
{
    struct state before;
    struct netns *ns = NULL;

    settle();
    MUST(mount("none", "/", "none", MS_REC | MS_SHARED, NULL));
    MUST(mkdir("/run/place", 0755));
    OK(netns_create(blue, 0, &ns));
    before = state_now();
    IN_CHILD(switch_and_mount, NULL);
    UNCHANGED_SINCE(before);
    CHECK(!exists("/run/place/mark"));
    netns_close(ns);
}

static void mount_when_told(void *arg)
{
    char byte;

    EQUAL(read(((int *)arg)[0], &byte, 1), 1);
    MUST(mount("netns-test", "/run/place", "tmpfs", 0, NULL));
}

static void switch_before_a_mount(void *arg)
{
    int ends[2];
    pid_t mounter;

    (void)arg;
    MUST(pipe2(ends, O_CLOEXEC));
    mounter = start_part(mount_when_told, ends);
    EQUAL(netns_switch(blue), 0);
    EQUAL(mounts_at("/run/place"), 0);
    EQUAL(write(ends[1], "", 1), 1);
    EQUAL(wait_for(mounter), 0);
    EQUAL(mounts_at("/run/place"), 1);
}

static void later_mounts_propagate_into_switched_process(void)
{
    struct netns *ns = NULL;

    settle();
    MUST(mount("none", "/", "none", MS_REC | MS_SHARED, NULL));
    MUST(mkdir("/run/place", 0755));
    OK(netns_create(blue, 0, &ns));
    IN_CHILD(switch_before_a_mount, NULL);
    netns_close(ns);
}

static void switch_covers_etc_with_files_of_etc_netns(void)
{
    struct netns *ns = NULL;

    settle();
    own_etc();
    MUST(mkdir("/etc/dir", 0755));
    MUST(mkdir("/etc/netns/blue/dir", 0755));
    write_file("/etc/netns/blue/dir/file", "inside", 0644);
    write_file("/run/resolv.conf", "everybody's", 0644);
    MUST(symlink("/run/resolv.conf", "/etc/resolv.conf"));
    write_file("/etc/netns/blue/resolv.conf", "blue's", 0644);
    OK(netns_create(blue, 0, &ns));
    GIVES(0, 0, "", netns_switch(blue));
    SAME(line_of("/etc/hosts"), "blue's");
    SAME(line_of("/etc/dir/file"), "inside");
    SAME(line_of("/etc/resolv.conf"), "blue's");
    netns_close(ns);
}

static void switch_prints_error_for_file_missing_in_etc(void)
{
    settle();
    own_etc();
    write_file("/etc/netns/blue/missing", "", 0644);
    OK(netns_create(blue, 0, NULL));
    GIVES(0, 0,
          "Bind /etc/netns/blue/missing -> /etc/missing failed: No such file or directory\n",
          netns_switch(blue));
    SAME(line_of("/etc/hosts"), "blue's");
}

static void switch_without_proc(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    /* Mounts inherited by a user namespace cannot be unmounted. */
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    GIVES(0, 0, "", netns_switch(blue));
    CHECK(sys_shows("lo"));
    SAME(line_of("/sys/class/net/lo/flags"), "0x8\n");
}

static void switch_works_without_proc(void)
{
    settle();
    OK(netns_create(blue, 0, NULL));
    IN_CHILD(switch_without_proc, NULL);
}

static void switch_without_sys(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    MUST(mkdir("/run/root", 0755));
    MUST(mount("root", "/run/root", "tmpfs", 0, NULL));
    MUST(mkdir("/run/root/run", 0755));
    MUST(mount("/run", "/run/root/run", "none", MS_BIND | MS_REC, NULL));
    MUST(chroot("/run/root"));
    GIVES(0, 0, "", netns_switch(blue));
    CHECK(!exists("/sys"));
}

static void switch_works_without_sys_directory(void)
{
    settle();
    OK(netns_create(blue, 0, NULL));
    IN_CHILD(switch_without_sys, NULL);
}

/* --- failures --------------------------------------------------------------------------------- */

static void switch_to_invalid_name_changes_nothing(void)
{
    uint64_t net = here(), mnt = mount_namespace();
    char none[] = "none", file[] = "file", nothing[] = "", path[] = "/proc/self/ns/net";

    write_file("/run/netns/file", "", 0644);
    GIVES(-1, ENOENT, "Cannot open network namespace \"none\": No such file or directory\n",
          netns_switch(none));
    MESSAGE_HAS("switch \"none\": open /run/netns/none: No such file or directory");
    GIVES(-1, EINVAL, "setting the network namespace \"file\" failed: Invalid argument\n",
          netns_switch(file));
    GIVES(-1, EINVAL, "setting the network namespace \"\" failed: Invalid argument\n",
          netns_switch(nothing));
    GIVES(-1, ENOENT,
          "Cannot open network namespace \"/proc/self/ns/net\": No such file or directory\n",
          netns_switch(path));
    GIVES(-1, EINVAL, "", netns_switch(NULL));
    EQUAL(here(), net);
    EQUAL(mount_namespace(), mnt);
}

static void switch_as_a_plain_user(void *arg)
{
    (void)arg;
    become_plain_user();
    GIVES(-1, EPERM, "setting the network namespace \"blue\" failed: Operation not permitted\n",
          netns_switch(blue));
}

static void switch_without_privilege_fails_with_eperm(void)
{
    OK(netns_create(blue, 0, NULL));
    IN_CHILD(switch_as_a_plain_user, NULL);
}

static void switch_in_vain(void *arg)
{
    static const char *const lines[] = {
        "unshare failed: No space left on device\n",
        "\"mount --make-rslave /\" failed: No space left on device\n",
        "mount of /sys failed: No space left on device\n",
    };
    static const struct fault faults[] = {
        {.call = SYS_unshare, .error = ENOSPC, .mask = CLONE_NEWNS, .value = CLONE_NEWNS},
        {.call = SYS_mount, .error = ENOSPC, .arg = 3, .mask = MS_SLAVE, .value = MS_SLAVE},
        {.call = SYS_mount, .error = ENOSPC, .arg = 3, .mask = MS_SLAVE, .value = 0},
    };
    int which = *(int *)arg;

    need_seccomp();
    if (!can_fail_here(faults + which, 1))
        skip("valgrind could not go on without this call");
    install_faults(faults + which, 1);
    GIVES(-1, ENOSPC, lines[which], netns_switch(blue));
}

static void switch_prints_which_step_failed(void)
{
    settle();
    OK(netns_create(blue, 0, NULL));
    for (int which = 0; which < 3; which++)
        IN_CHILD(switch_in_vain, &which);
}

/* --- one thread of several -------------------------------------------------------------------- */

static void *switch_alone(void *arg)
{
    EQUAL(netns_switch(blue), 0);
    *(uint64_t *)arg = here();
    return NULL;
}

static void switch_affects_only_calling_thread(void)
{
    struct netns *ns = NULL;
    uint64_t net, mnt, there = 0;
    pthread_t thread;

    settle();
    net = here();
    mnt = mount_namespace();
    OK(netns_create(blue, 0, &ns));
    EQUAL(pthread_create(&thread, NULL, switch_alone, &there), 0);
    pthread_join(thread, NULL);
    EQUAL(there, netns_inode(ns));
    EQUAL(here(), net);
    EQUAL(mount_namespace(), mnt);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

static void switch_follows_symlink_in_run_directory(void)
{
    struct netns *ns = NULL;
    char path[64], link[] = "link";
    pid_t child;

    settle();
    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    snprintf(path, sizeof path, "/proc/%d/ns/net", child);
    MUST(symlink(path, "/run/netns/link"));
    GIVES(0, 0, "", netns_switch(link));
    EQUAL(here(), netns_inode(ns));
    stop(child);
    netns_close(ns);
}

int main(void)
{
    RUN(switch_enters_namespace_and_mounts_its_sys);
    RUN(switch_keeps_mounts_below_sys);
    RUN(mounts_after_switch_do_not_propagate_back);
    RUN(later_mounts_propagate_into_switched_process);
    RUN(switch_covers_etc_with_files_of_etc_netns);
    RUN(switch_prints_error_for_file_missing_in_etc);
    RUN(switch_works_without_proc);
    RUN(switch_works_without_sys_directory);

    RUN(switch_to_invalid_name_changes_nothing);
    RUN(switch_without_privilege_fails_with_eperm);
    RUN(switch_prints_which_step_failed);

    RUN(switch_affects_only_calling_thread);
    RUN(switch_follows_symlink_in_run_directory);
    return finish();
}
