/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs whose start fails at each of its steps, simulated old kernels, and many starts at once. */
#include "fault.h"
#include "program.h"

#include <stdatomic.h>
#include <sys/mman.h>

static char *const true_argv[] = {"true", NULL};

static struct netns *blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    return ns;
}

/* --- every step ------------------------------------------------------------------------------- */

#define EVERY_BIT (~0u)

/* A step that fails, and the message about it. */
struct step {
    struct fault fault;
    const char *text;
    /* Which of the two functions performs this step. */
    enum { BOTH, SPAWN_ONLY, EXEC_ONLY } by;
};

static const struct step steps[] = {
    {{SYS_statfs, EIO, 0, 0, 0}, "mount sysfs on /sys: Input/output error", BOTH},
    {{SYS_setns, EPERM, 0, 0, 0}, "setns: Operation not permitted (needs CAP_SYS_ADMIN", BOTH},
    {{SYS_unshare, EPERM, 0, 0, 0}, "unshare the mount namespace: Operation not permitted (needs", BOTH},
    {{SYS_unshare, ENOSPC, 0, 0, 0}, "/proc/sys/user/max_mnt_namespaces", BOTH},
    {{SYS_mount, EACCES, 3, MS_SLAVE, MS_SLAVE}, "mount --make-rslave /: Permission denied", BOTH},
    {{SYS_open_tree, EIO, 0, 0, 0}, "copy the mount /sys/fs/cgroup: Input/output error", BOTH},
    {{SYS_mount, EPERM, 3, EVERY_BIT, 0}, "that keeps the caller's /sys does not need one", BOTH},
    {{SYS_umount2, EPERM, 0, 0, 0}, "mount sysfs on /sys: Operation not permitted", BOTH},
    {{SYS_move_mount, ENOMEM, 0, 0, 0}, "mount sysfs on /sys: Cannot allocate memory", BOTH},
    {{SYS_open_tree, EIO, 2, AT_RECURSIVE, 0}, "open /etc/netns/blue/hosts: Input/output error", BOTH},
    {{SYS_chdir, EACCES, 0, 0, 0}, "chdir to /run: Permission denied", SPAWN_ONLY},
    {{SYS_dup2, EMFILE, 1, EVERY_BIT, 1}, "redirect standard output: Too many open files", SPAWN_ONLY},
    {{SYS_execve, EIO, 0, 0, 0}, "exec: Input/output error", BOTH},
    {{SYS_execve, EAGAIN, 0, 0, 0}, "exec: Resource temporarily unavailable", BOTH},
    {{SYS_clone, EAGAIN, 0, CLONE_VFORK, CLONE_VFORK}, "create a child process: Resource temporarily",
     SPAWN_ONLY},
    {{SYS_mmap, ENOMEM, 3, MAP_SHARED, MAP_SHARED}, "allocate memory: Cannot allocate memory", BOTH},
    {{SYS_clone, EAGAIN, 0, CLONE_THREAD, CLONE_THREAD}, "start a helper thread: Resource temporarily",
     EXEC_ONLY},
    {{SYS_setsid, EPERM, 0, 0, 0}, "setsid: Operation not permitted", SPAWN_ONLY},
};

static void a_mount_and_a_file(void)
{
    while (umount2("/sys", MNT_DETACH) == 0)
        ;
    if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
        skip("cannot mount a sysfs here");
    MUST(mount("kept", "/sys/fs/cgroup", "tmpfs", 0, NULL));
    write_file("/sys/fs/cgroup/kept", "kept", 0644);
    private_etc();
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
}

struct attempt {
    struct netns *ns;
    const struct step *step;
};

static void try_both(void *arg)
{
    const struct attempt *attempt = arg;
    struct netns_spawn_options *options = OPTIONS(STDIO(-1, 2, -1), .cwd = "/run");
    int error = attempt->step->fault.error;
    struct state before = state_now();
    uint64_t mounts = mount_namespace();
    pid_t pid = -42;

    options->flags |= NETNS_SPAWN_SETSID;
    if (attempt->step->by != EXEC_ONLY) {
        FAILS(error, netns_spawn(attempt->ns, options, "true", true_argv, NULL, &pid));
        MESSAGE_HAS(attempt->step->text);
        MESSAGE_HAS("spawn \"true\" in \"blue\": ");
    }
    EQUAL(pid, -42);
    if (attempt->step->by != SPAWN_ONLY) {
        FAILS(error, netns_exec(attempt->ns, "true", true_argv, NULL));
        MESSAGE_HAS(attempt->step->text);
        MESSAGE_HAS("exec \"true\" in \"blue\": ");
    }
    /* The process has two threads, including this one. */
    EQUAL(mount_namespace(), mounts);
    EQUAL(here(), before.netns);
    EQUAL(mounts_at(NULL), before.mounts);
    EQUAL(open_descriptors(), before.descriptors);
    CHILDLESS();
}

static void try_step(void *arg)
{
    struct attempt *attempt = arg;

    with_faults(&attempt->step->fault, 1, try_both, attempt);
    EQUAL(threads_left(), 1);
}

static void failed_spawn_and_exec_leave_nothing_behind(void)
{
    struct attempt attempt = {.ns = blue()};
    char before[PATH_MAX], after[PATH_MAX];

    if (under_valgrind())
        skip("valgrind could not go on without some of these calls");
    a_mount_and_a_file();
    MUST(chdir("/sys/class"));
    CHECK(getcwd(before, sizeof before));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        attempt.step = &steps[i];
        IN_CHILD(try_step, &attempt);
    }
    CHECK(getcwd(after, sizeof after));
    SAME(after, before);
    netns_close(attempt.ns);
}

static void try_exec_alone(void *arg)
{
    static const struct fault fault = {SYS_prctl, EPERM, 0, EVERY_BIT, PR_SET_PDEATHSIG};
    char *argv[] = {(char *)"true", NULL};

    MUST(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    install_faults(&fault, 1);
    FAILS(EPERM, netns_exec(arg, "true", argv, NULL));
    MESSAGE_HAS("set the parent-death signal: Operation not permitted");
}

static void exec_fails_if_pdeathsig_cannot_be_kept(void)
{
    struct netns *ns = blue();

    need_seccomp();
    if (under_valgrind())
        skip("valgrind could not go on without this call");
    IN_CHILD(try_exec_alone, ns);
    netns_close(ns);
}

/* --- a child that is killed ------------------------------------------------------------------- */

static void kill_at_exec(void)
{
    need_seccomp();
    end_at(SYS_execve, SECCOMP_RET_KILL_PROCESS);
}

static void spawn_what_is_killed(void *arg)
{
    struct state before = state_now();
    int32_t pidfd = -42;
    pid_t pid = -42;

    /*
     * Before Linux 5.16, a core dump kills all processes that share the memory, including the caller of
     * vfork(2), and SIGSYS dumps core.
     */
    if (!kernel_is_at_least(5, 16))
        MUST(prctl(PR_SET_DUMPABLE, 0));
    kill_at_exec();
    FAILS(ECANCELED, netns_spawn(arg, NULL, "true", true_argv, NULL, &pid));
    MESSAGE_HAS("wait for the program to start: Operation canceled");
    EQUAL(pid, -42);
    CHILDLESS();
    FAILS(ECANCELED, netns_spawn(arg, OPTIONS(.pidfd = &pidfd), "true", true_argv, NULL, NULL));
    EQUAL(pidfd, -42);
    CHILDLESS();
    UNCHANGED_SINCE(before);
}

static void spawn_fails_with_ecanceled_if_child_is_killed(void)
{
    struct netns *ns = blue();

    if (under_valgrind())
        skip("valgrind turns it into fork(2), and does not support pidfds");
    IN_CHILD(spawn_what_is_killed, ns);
    netns_close(ns);
}

/* --- simulated old kernels -------------------------------------------------------------------- */

static void start_all(void *arg)
{
    struct netns *ns = arg;

    SAME(SAID(ns, NULL, "ls /sys/class/net | grep -v bonding_masters; cat /sys/fs/cgroup/kept; echo; cat /etc/hosts"),
         "lo\nkept\nblue's hosts");
    EQUAL(NUMBER(ns, NULL, "grep -c ' / /sys/fs/cgroup ' /proc/self/mountinfo") >= 1, true);
}

static void start_with_faults(const struct fault *faults, size_t count)
{
    struct netns *ns = blue();

    a_mount_and_a_file();
    with_faults(faults, count, start_all, ns);
    netns_close(ns);
}

static void spawn_works_without_open_tree_and_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0},
                                          {SYS_statx, ENOSYS, 0, 0, 0}};

    start_with_faults(faults, sizeof faults / sizeof *faults);
}

static void spawn_works_without_listmount_and_statmount(void)
{
    static const struct fault old[] = {{SYS_LISTMOUNT, ENOSYS, 0, 0, 0},
                                       {SYS_STATMOUNT, ENOSYS, 0, 0, 0}};
    static const struct fault half[] = {{SYS_STATMOUNT, EPERM, 0, 0, 0}};

    start_with_faults(old, sizeof old / sizeof *old);
    netns_remove("blue", 0);
    start_with_faults(half, sizeof half / sizeof *half);
}

static void spawn_works_if_filter_forbids_open_tree_and_move_mount(void)
{
    static const struct fault faults[] = {{SYS_open_tree, EPERM, 0, 0, 0},
                                          {SYS_move_mount, EPERM, 0, 0, 0}};

    start_with_faults(faults, sizeof faults / sizeof *faults);
}

static void spawn_covers_sys_that_cannot_be_unmounted(void)
{
    /* What the kernel returns for a mount inherited by a user namespace, before one that was made in it. */
    static const struct fault faults[] = {{SYS_umount2, EINVAL, 0, 0, 0},
                                          {SYS_open_tree, ENOSYS, 0, 0, 0},
                                          {SYS_move_mount, ENOSYS, 0, 0, 0}};

    start_with_faults(faults, sizeof faults / sizeof *faults);
}

static void start_as_another_user(void *arg)
{
    const struct netns_spawn_options *options =
        OPTIONS(.flags = NETNS_SPAWN_USER, .uid = 12345, .gid = 23456);
    struct state before = state_now();
    pid_t pid = -42;

    SAME(SAID(arg, options, "id -u; id -g; cat /etc/hosts"), "12345\n23456\nblue's hosts");
    FAILS(ENOENT, netns_spawn(arg, options, "/nowhere/at-all", true_argv, NULL, &pid));
    EQUAL(pid, -42);
    CHILDLESS();
    EQUAL(open_descriptors(), before.descriptors);
    EQUAL(prctl(PR_GET_DUMPABLE), 1);
}

/* Before Linux 5.3, and where a filter forbids clone3: a fork for which the parent does not wait. */
static void spawn_as_another_user_works_without_clone3(void)
{
    static const struct fault old[] = {{SYS_clone3, ENOSYS, 0, 0, 0}},
                              filtered[] = {{SYS_clone3, EPERM, 0, 0, 0}};
    struct netns *ns = blue();

    if (geteuid() != 0)
        skip("needs root");
    private_etc();
    MUST(chmod("/etc/netns/blue", 0755));
    write_file("/etc/netns/blue/hosts", "blue's hosts", 0644);
    with_faults(old, 1, start_as_another_user, ns);
    with_faults(filtered, 1, start_as_another_user, ns);
    netns_close(ns);
}

/* --- many at once ----------------------------------------------------------------------------- */

#define SPAWNERS 6
#define EACH (is_slow() ? 8 : 40)

static atomic_bool done;
static atomic_int started, refused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Keeps the allocator and a lock busy. */
static void *make_work(void *arg)
{
    while (!done) {
        void *blocks[16];

        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < 16; i++)
            blocks[i] = malloc(1 << i);
        pthread_mutex_unlock(&lock);
        for (size_t i = 0; i < 16; i++)
            free(blocks[i]);
        setenv("BUSY", "yes", 1);
    }
    return arg;
}

static void *start_many(void *arg)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 3", NULL};
    char *envp[] = {(char *)"PATH=/bin:/usr/bin", NULL};
    pid_t pid;

    for (int i = 0; i < EACH; i++) {
        if (i % 4 == 3) {
            pid = -42;
            refused += netns_spawn(arg, NULL, "/nowhere/at-all", argv, envp, &pid) == -ENOENT &&
                       pid == -42;
            continue;
        }
        if (check_at(netns_spawn(arg, NULL, "sh", argv, envp, &pid) == 0, __LINE__, "%s",
                     netns_errmsg()))
            started += wait_for(pid) == 3;
    }
    return NULL;
}

static void spawn_works_from_many_threads_at_once(void)
{
    struct netns *ns = blue();
    pthread_t spawners[SPAWNERS], workers[2];
    struct state before = state_now();

    if (under_valgrind())
        skip("valgrind frees libc's own memory in a child that fails, under locks that others held");
    for (int i = 0; i < 2; i++)
        MUST(-pthread_create(&workers[i], NULL, make_work, NULL));
    for (int i = 0; i < SPAWNERS; i++)
        MUST(-pthread_create(&spawners[i], NULL, start_many, ns));
    for (int i = 0; i < SPAWNERS; i++)
        pthread_join(spawners[i], NULL);
    done = true;
    for (int i = 0; i < 2; i++)
        pthread_join(workers[i], NULL);
    EQUAL(started, SPAWNERS * EACH * 3 / 4);
    EQUAL(refused, SPAWNERS * EACH / 4);
    CHILDLESS();
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

static void *fork_and_hold(void *arg)
{
    /* A child that executes no program keeps the inherited descriptors open. */
    while (!done) {
        pid_t pid = MUST(fork());

        if (pid == 0) {
            pause();
            _exit(0);
        }
        pthread_mutex_lock(&lock);
        kill(pid, SIGKILL);
        pthread_mutex_unlock(&lock);
        wait_for(pid);
    }
    return arg;
}

static void concurrent_forks_do_not_block_spawn(void)
{
    struct netns *ns = blue();
    pthread_t forker;

    if (under_valgrind())
        skip("valgrind makes a fork of it, which has to wait");
    MUST(-pthread_create(&forker, NULL, fork_and_hold, NULL));
    for (int i = 0; i < (is_slow() ? 20 : 200); i++) {
        pid_t pid;

        /* The forked child ends only after this call has returned. */
        pthread_mutex_lock(&lock);
        OK(netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
        pthread_mutex_unlock(&lock);
        EQUAL(wait_for(pid), 0);
    }
    done = true;
    pthread_join(forker, NULL);
    netns_close(ns);
}

static pid_t main_process;
static atomic_int handled, misplaced;

static void handle(int signal)
{
    (void)signal;
    handled++;
    misplaced += getpid() != main_process;
}

static void *signal_the_group(void *arg)
{
    while (!done)
        MUST(kill(0, SIGWINCH));
    return arg;
}

static void child_of_spawn_runs_no_signal_handlers(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct netns *ns = blue();
    pthread_t sender;

    if (under_valgrind())
        skip("valgrind frees libc's own memory in a child that fails, under locks that others held");
    /* A harmless signal for every process that exists meanwhile. */
    MUST(setpgid(0, 0));
    main_process = getpid();
    MUST(sigaction(SIGWINCH, &action, NULL));
    MUST(-pthread_create(&sender, NULL, signal_the_group, NULL));
    for (int i = 0; i < (is_slow() ? 10 : 100); i++) {
        pid_t pid;

        OK(netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
        EQUAL(wait_for(pid), 0);
        FAILS(ENOENT, netns_spawn(ns, NULL, "/nowhere/at-all", true_argv, NULL, &pid));
    }
    done = true;
    pthread_join(sender, NULL);
    CHECK(handled > 0);
    EQUAL(misplaced, 0);
    netns_close(ns);
}

struct cancelled {
    struct netns *ns;
    pid_t pid;
};

static void *start_while_cancelled(void *arg)
{
    struct cancelled *cancelled = arg;

    pthread_cancel(pthread_self());
    if (netns_spawn(cancelled->ns, NULL, "true", true_argv, NULL, &cancelled->pid) != 0)
        cancelled->pid = -1;
    pthread_testcancel();
    cancelled->pid = -2;
    return NULL;
}

static void spawn_is_not_a_cancellation_point(void)
{
    struct cancelled cancelled = {.ns = blue()};
    pthread_t thread;
    void *result;

    MUST(-pthread_create(&thread, NULL, start_while_cancelled, &cancelled));
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED);
    CHECK(cancelled.pid > 0);
    EQUAL(wait_for(cancelled.pid), 0);
    netns_close(cancelled.ns);
}

int main(void)
{
    RUN(failed_spawn_and_exec_leave_nothing_behind);
    RUN(exec_fails_if_pdeathsig_cannot_be_kept);
    RUN(spawn_fails_with_ecanceled_if_child_is_killed);

    RUN(spawn_works_without_open_tree_and_move_mount);
    RUN(spawn_works_without_listmount_and_statmount);
    RUN(spawn_works_if_filter_forbids_open_tree_and_move_mount);
    RUN(spawn_covers_sys_that_cannot_be_unmounted);
    RUN(spawn_as_another_user_works_without_clone3);

    RUN(spawn_works_from_many_threads_at_once);
    RUN(concurrent_forks_do_not_block_spawn);
    RUN(child_of_spawn_runs_no_signal_handlers);
    RUN(spawn_is_not_a_cancellation_point);
    return finish();
}
