/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* netns_setns_mounts: a thread switches permanently, with the /sys and /etc of the namespace. */
#include "fault.h"
#include "privilege.h"

#include <pthread.h>

/* --- calls of the calling thread that fail ---------------------------------------------------- */

/* The thread, which of its calls of a function fail, counted from 1 (0: none), and the errno. */
static struct plan {
    int at, to, error, calls;
} setns_plan, chroot_plan, fchdir_plan;
static pthread_t planner;

static bool fails(struct plan *plan)
{
    if (!plan->at || !pthread_equal(pthread_self(), planner))
        return false;
    plan->calls++;
    if (plan->calls < plan->at || plan->calls > plan->to)
        return false;
    errno = plan->error;
    return true;
}

/* They replace libc's functions, also for the library. */
int setns(int fd, int type)
{
    return fails(&setns_plan) ? -1 : (int)syscall(SYS_setns, fd, type);
}

int chroot(const char *path)
{
    return fails(&chroot_plan) ? -1 : (int)syscall(SYS_chroot, path);
}

int fchdir(int fd)
{
    return fails(&fchdir_plan) ? -1 : (int)syscall(SYS_fchdir, fd);
}

#define FOREVER INT_MAX

/* --- the environment ---------------------------------------------------------------------------- */

static struct netns *ns;

/* blue has an interface that no other namespace has, and files for /etc. */
static void begin(void)
{
    planner = pthread_self();
    MUST(mount("etc", "/etc", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/etc/netns", 0755));
    MUST(mkdir("/etc/netns/blue", 0755));
    write_file("/etc/hosts", "outside\n", 0644);
    write_file("/etc/netns/blue/hosts", "blue\n", 0644);
    MUST(netns_create("blue", 0, &ns));
    MUST(netns_link_add(ns, "only-here", "bridge"));
}

static void end(void)
{
    netns_close(ns);
}

static uint64_t mounts_here(void)
{
    struct stat st;

    MUST(stat("/proc/thread-self/ns/mnt", &st));
    return st.st_ino;
}

static const char *hosts(void)
{
    static char text[64];
    int fd = MUST(open("/etc/hosts", O_RDONLY | O_CLOEXEC));
    ssize_t length = MUST(read(fd, text, sizeof text - 1));

    text[length] = '\0';
    close(fd);
    return text;
}

/* Whether the thread sees blue's view of the file system. */
static bool sys_is_blue_s(void)
{
    return exists("/sys/class/net/only-here");
}

/* Everything that determines where a thread is. */
struct whereabouts {
    uint64_t netns, mounts, root, directory;
    int sys, mounted;
    char path[PATH_MAX], hosts[64];
};

static struct whereabouts whereabouts(void)
{
    struct whereabouts now;
    struct stat st;

    memset(&now, 0, sizeof now);
    now.netns = here();
    now.mounts = mounts_here();
    MUST(stat("/", &st));
    now.root = st.st_ino;
    MUST(stat(".", &st));
    now.directory = st.st_ino;
    now.sys = sys_is_blue_s();
    now.mounted = mounts_at(NULL);
    MUST(getcwd(now.path, sizeof now.path) ? 0 : -1);
    strcpy(now.hosts, hosts());
    return now;
}

#define STAYS(before) stays_at((before), __LINE__)

static void stays_at(const struct whereabouts *before, int line)
{
    struct whereabouts now = whereabouts();

    check_at(now.netns == before->netns, line, "it is in another network namespace");
    check_at(now.mounts == before->mounts, line, "it is in another mount namespace");
    check_at(now.root == before->root, line, "it has another root");
    check_at(memcmp(&now, before, sizeof now) == 0, line, "%s, %s, %d mounts, %s, %d mounts",
             before->path, now.path, before->mounted, now.hosts, now.mounted);
}

/* --- effects -------------------------------------------------------------------------------------- */

static void move_with_all(void *arg)
{
    struct whereabouts before = whereabouts();

    (void)arg;
    EQUAL(OK(netns_setns_mounts(ns, 0)), 0);
    EQUAL(here(), netns_inode(ns));
    CHECK(mounts_here() != before.mounts);
    CHECK(sys_is_blue_s());
    SAME(hosts(), "blue\n");
    EQUAL(threads_left(), 1);
    /* And so does a child that it starts. */
    EQUAL(shell("test -e /sys/class/net/only-here && grep -q blue /etc/hosts"), 0);
}

static void setns_mounts_switches_netns_sys_and_etc(void)
{
    begin();
    IN_CHILD(move_with_all, NULL);
    EQUAL(sys_is_blue_s(), false);
    SAME(hosts(), "outside\n");
    end();
}

static void move_twice(void *arg)
{
    struct netns *other = NULL;

    (void)arg;
    MUST(netns_create("red", 0, &other));
    OK(netns_setns_mounts(ns, 0));
    OK(netns_setns_mounts(other, 0));
    EQUAL(here(), netns_inode(other));
    EQUAL(sys_is_blue_s(), false);
    OK(netns_setns_mounts(ns, 0));
    CHECK(sys_is_blue_s());
    netns_close(other);
    OK(netns_remove("red", 0));
}

static void setns_mounts_can_be_called_repeatedly(void)
{
    begin();
    IN_CHILD(move_twice, NULL);
    end();
}

static void *move_a_thread(void *arg)
{
    char path[64];

    OK(netns_setns_mounts(ns, 0));
    EQUAL(here(), netns_inode(ns));
    CHECK(sys_is_blue_s());
    SAME(hosts(), "blue\n");
    SAME(getcwd(path, sizeof path), "/run");
    MUST(chdir("/etc"));
    return arg;
}

static void setns_mounts_does_not_affect_other_threads(void)
{
    struct whereabouts before;
    pthread_t thread;

    begin();
    MUST(chdir("/run"));
    before = whereabouts();
    MUST(-pthread_create(&thread, NULL, move_a_thread, NULL));
    MUST(-pthread_join(thread, NULL));
    EQUAL(threads_left(), 1);
    STAYS(&before);
    end();
}

struct keeping {
    uint32_t flags;
    bool sys, etc, mounts;
};

static void keep(void *arg)
{
    const struct keeping *keeping = arg;
    uint64_t before = mounts_here();

    OK(netns_setns_mounts(ns, keeping->flags));
    EQUAL(here(), netns_inode(ns));
    EQUAL(sys_is_blue_s(), keeping->sys);
    SAME(hosts(), keeping->etc ? "blue\n" : "outside\n");
    EQUAL(mounts_here() != before, keeping->mounts);
}

static void keep_flags_leave_sys_or_etc_unchanged(void)
{
    begin();
    IN_CHILD(keep, &((struct keeping){NETNS_SETNS_KEEP_SYS, false, true, true}));
    IN_CHILD(keep, &((struct keeping){NETNS_SETNS_KEEP_ETC, true, false, true}));
    IN_CHILD(keep, &((struct keeping){NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC, false, false, false}));
    end();
}

static void make_mounts(void *arg)
{
    (void)arg;
    OK(netns_setns_mounts(ns, 0));
    MUST(mkdir("/run/inside", 0755));
    MUST(mount("inside", "/run/inside", "tmpfs", 0, NULL));
    write_file("/run/inside/file", "", 0644);
    /* Mounts made outside propagate to it. */
    MUST(open("/run/ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    for (int tries = 0; tries < 10000 && !exists("/run/outside/file"); tries++)
        sleep_ms(1);
    CHECK(exists("/run/outside/file"));
}

static void mounts_propagate_in_but_not_out(void)
{
    pid_t pid;

    begin();
    MUST(mount("none", "/run", "none", MS_SHARED, NULL));
    MUST(mkdir("/run/outside", 0755));
    pid = start_part(make_mounts, NULL);
    for (int tries = 0; tries < 10000 && !exists("/run/ready"); tries++)
        sleep_ms(1);
    MUST(mount("outside", "/run/outside", "tmpfs", 0, NULL));
    write_file("/run/outside/file", "", 0644);
    EQUAL(wait_for(pid), 0);
    CHECK(exists("/run/inside"));
    CHECK(!exists("/run/inside/file"));
    end();
}

/* --- root and working directory ------------------------------------------------------------------- */

static void move_in_a_chroot(void *arg)
{
    struct whereabouts before;

    (void)arg;
    MUST(mkdir("/run/root", 0755));
    MUST(mount("/", "/run/root", "none", MS_BIND | MS_REC, NULL));
    MUST(chroot("/run/root"));
    MUST(mkdir("/run/deep", 0755));
    MUST(chdir("/run/deep"));
    before = whereabouts();
    OK(netns_setns_mounts(ns, 0));
    EQUAL(whereabouts().root, before.root);
    EQUAL(whereabouts().directory, before.directory);
    SAME(whereabouts().path, "/run/deep");
    CHECK(sys_is_blue_s());
    SAME(hosts(), "blue\n");
    /* It is confined as before: a mount in the outer root is not visible. */
    CHECK(!exists("/run/root/run"));
}

static void setns_mounts_keeps_chroot_and_working_directory(void)
{
    begin();
    IN_CHILD(move_in_a_chroot, NULL);
    end();
}

static void move_from_below_sys(void *arg)
{
    char path[64];

    (void)arg;
    MUST(chdir("/sys/class/net"));
    OK(netns_setns_mounts(ns, 0));
    SAME(getcwd(path, sizeof path), "/sys/class/net");
    CHECK(exists("only-here"));
}

static void setns_mounts_reopens_working_directory_below_sys(void)
{
    begin();
    IN_CHILD(move_from_below_sys, NULL);
    end();
}

static void move_from_a_removed_directory(void *arg)
{
    struct stat before, after;

    (void)arg;
    MUST(mkdir("/run/gone", 0755));
    MUST(chdir("/run/gone"));
    MUST(rmdir("/run/gone"));
    MUST(stat(".", &before));
    OK(netns_setns_mounts(ns, 0));
    MUST(stat(".", &after));
    EQUAL(before.st_ino, after.st_ino);
    EQUAL(here(), netns_inode(ns));
}

static void setns_mounts_keeps_removed_working_directory(void)
{
    begin();
    IN_CHILD(move_from_a_removed_directory, NULL);
    end();
}

/* --- failures --------------------------------------------------------------------------------------- */

static void null_handle_or_unknown_flags_fail_with_einval(void)
{
    struct whereabouts before;

    begin();
    before = whereabouts();
    FAILS(EINVAL, netns_setns_mounts(NULL, 0));
    FAILS(EINVAL, netns_setns_mounts(ns, 4));
    FAILS(EINVAL, netns_setns_mounts(ns, UINT32_MAX));
    STAYS(&before);
    end();
}

static void lack(void *capability)
{
    struct whereabouts before = whereabouts();

    drop_capability(*(int *)capability);
    FAILS(EPERM, netns_setns_mounts(ns, 0));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    STAYS(&before);
}

static void setns_mounts_without_capability_fails_with_eperm(void)
{
    begin();
    IN_CHILD(lack, &(int){CAP_SYS_ADMIN});
    IN_CHILD(lack, &(int){CAP_SYS_CHROOT});
    end();
}

/* Like a chroot that is not a mount point. */
static void live_in_a_plain_root(void *arg)
{
    (void)arg;
    MUST(mkdir("/run/plain", 0755));
    MUST(mkdir("/run/plain/proc", 0755));
    MUST(mount("/proc", "/run/plain/proc", "none", MS_BIND | MS_REC, NULL));
    MUST(chroot("/run/plain"));
    MUST(chdir("/"));
    FAILS(EINVAL, netns_setns_mounts(ns, 0));
    MESSAGE_HAS("the root directory must be a mount point");
    CHECK(here() != netns_inode(ns));
    CHECK(exists("/proc/self"));
    CHECK(!exists("/run"));
}

static void root_not_a_mount_point_fails_with_einval(void)
{
    begin();
    IN_CHILD(live_in_a_plain_root, NULL);
    end();
}

static void live_without_proc(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/proc", "tmpfs", 0, NULL));
    FAILS(ENOENT, netns_setns_mounts(ns, NETNS_SETNS_KEEP_SYS));
    MESSAGE_HAS("check that /proc is mounted");
    SAME(hosts(), "outside\n");
    OK(netns_setns_mounts(ns, NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC));
}

static void setns_mounts_without_proc_fails_with_enoent(void)
{
    begin();
    IN_CHILD(live_without_proc, NULL);
    end();
}

static void run_out_of_descriptors(void *arg)
{
    (void)arg;
    RUNS_OUT_OF_DESCRIPTORS(netns_setns_mounts(ns, 0));
    EQUAL(here(), netns_inode(ns));
}

static void setns_mounts_without_descriptors_fails_with_emfile(void)
{
    begin();
    IN_CHILD(run_out_of_descriptors, NULL);
    end();
}

/* The calls that the calling thread makes itself after the mount namespace has been created: to enter it,
   its root and the working directory in it, and the network namespace. */
static const struct last_step {
    struct plan *plan;
    int at;
    const char *words;
} last_steps[] = {
    {&setns_plan, 1, "join the new mount namespace"},
    {&fchdir_plan, 1, "set the root directory"},
    {&chroot_plan, 1, "set the root directory"},
    {&fchdir_plan, 2, "set the working directory"},
    {&setns_plan, 2, ": setns: "},
};

static void fail_late(void *arg)
{
    const struct last_step *step = arg;
    struct whereabouts before;

    MUST(mkdir("/run/here", 0755));
    MUST(chdir("/run/here"));
    before = whereabouts();
    *step->plan = (struct plan){step->at, step->at, EPERM, 0};
    FAILS(EPERM, netns_setns_mounts(ns, 0));
    MESSAGE_HAS(step->words);
    step->plan->at = 0;
    STAYS(&before);
    EQUAL(threads_left(), 1);
    /* If memory is short, the step is retried. */
    *step->plan = (struct plan){step->at, step->at, ENOMEM, 0};
    OK(netns_setns_mounts(ns, 0));
    EQUAL(here(), netns_inode(ns));
    CHECK(sys_is_blue_s());
}

static void setns_mounts_restores_thread_if_late_step_fails(void)
{
    begin();
    for (size_t i = 0; i < sizeof last_steps / sizeof *last_steps; i++) {
        IN_CHILD(fail_late, (void *)&last_steps[i]);
        MUST(rmdir("/run/here"));
    }
    end();
}

static void fail_for_good(void *arg)
{
    uint64_t mounts = mounts_here();

    (void)arg;
    setns_plan = (struct plan){2, FOREVER, EPERM, 0};
    FAILS(ENOTRECOVERABLE, netns_setns_mounts(ns, 0));
    MESSAGE_HAS("setns back");
    CHECK(mounts_here() != mounts);
}

static void setns_mounts_returns_enotrecoverable_if_undo_fails(void)
{
    begin();
    IN_CHILD(fail_for_good, NULL);
    end();
}

/* --- in a user namespace --------------------------------------------------------------------------- */

static void live_in_a_user_namespace(void *arg)
{
    struct netns *own = NULL;
    uint64_t mounts;

    (void)arg;
    enter_user_namespace_with_run_directory(0);
    MUST(netns_create("own", 0, &own));
    MUST(netns_link_add(own, "only-here", "bridge"));
    mounts = mounts_here();
    OK(netns_setns_mounts(own, 0));
    EQUAL(here(), netns_inode(own));
    CHECK(sys_is_blue_s());
    CHECK(mounts_here() != mounts);
    FAILS(EPERM, netns_setns_mounts(ns, 0));
    EQUAL(here(), netns_inode(own));
    netns_close(own);
}

static void user_namespace_root_can_switch_only_to_own_netns(void)
{
    begin();
    IN_CHILD(live_in_a_user_namespace, NULL);
    end();
}

int main(void)
{
    RUN(setns_mounts_switches_netns_sys_and_etc);
    RUN(setns_mounts_can_be_called_repeatedly);
    RUN(setns_mounts_does_not_affect_other_threads);
    RUN(keep_flags_leave_sys_or_etc_unchanged);
    RUN(mounts_propagate_in_but_not_out);
    RUN(setns_mounts_keeps_chroot_and_working_directory);
    RUN(setns_mounts_reopens_working_directory_below_sys);
    RUN(setns_mounts_keeps_removed_working_directory);
    RUN(null_handle_or_unknown_flags_fail_with_einval);
    RUN(setns_mounts_without_capability_fails_with_eperm);
    RUN(root_not_a_mount_point_fails_with_einval);
    RUN(setns_mounts_without_proc_fails_with_enoent);
    RUN(setns_mounts_without_descriptors_fails_with_emfile);
    RUN(setns_mounts_restores_thread_if_late_step_fails);
    RUN(setns_mounts_returns_enotrecoverable_if_undo_fails);
    RUN(user_namespace_root_can_switch_only_to_own_netns);
    return finish();
}
