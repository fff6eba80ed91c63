/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs in a namespace that replace the calling process. */
#include "fault.h"
#include "program.h"

#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>

/* A process that executes a program. */
struct becoming {
    const struct netns *ns;
    const char *file;
    char *const *argv, *const *envp;
    /* What it does first; NULL: nothing. */
    void (*prepare)(void);
    int output;
};

static void become(void *arg)
{
    const struct becoming *becoming = arg;

    if (becoming->prepare)
        becoming->prepare();
    MUST(dup2(becoming->output, 1));
    netns_exec(becoming->ns, becoming->file, (char *const *)becoming->argv,
               (char *const *)becoming->envp);
    printf("%s", netns_errmsg());
    exit(99);
}

/* The output of a process that executes a program. Checks that it exits with this status. */
static const char *becoming_says(struct becoming becoming, int expected, int line)
{
    const char *text;
    int ends[2], status;
    pid_t pid;

    MUST(pipe2(ends, O_CLOEXEC));
    becoming.output = ends[1];
    pid = start_part(become, &becoming);
    close(ends[1]);
    text = text_of(ends[0]);
    status = wait_for(pid);
    check_at(status == expected, line, "status %d: %s", status, text);
    return text;
}

/* The output of a shell script. */
#define BECOMES(namespace, script, ...)                                                          \
    becoming_says((struct becoming){.ns = (namespace), .file = "/bin/sh",                        \
                                    .argv = (char *[]){(char *)"sh", (char *)"-c",               \
                                                       (char *)(script), NULL}, __VA_ARGS__},    \
                  0, __LINE__)

static struct netns *blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    return ns;
}

/* --- success ---------------------------------------------------------------------------------- */

static void exec_runs_program_in_namespace(void)
{
    struct netns *ns = blue();
    char expected[64];

    snprintf(expected, sizeof expected, "net:[%llu]\nlo", (unsigned long long)netns_inode(ns));
    SAME(BECOMES(ns, "readlink /proc/$$/ns/net; ls /sys/class/net | grep -v bonding_masters"), expected);
    netns_close(ns);
}

static void say_pid(void *arg)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"echo $$ $PPID", NULL};
    struct netns *ns = arg;

    printf("%d %d ", getpid(), getppid());
    fflush(stdout);
    netns_exec(ns, "sh", argv, NULL);
    exit(99);
}

static void exec_keeps_pid_and_parent(void)
{
    struct netns *ns = blue();
    int ends[2], output = MUST(fcntl(1, F_DUPFD_CLOEXEC, 3)), numbers[4] = {0};
    const char *text;
    pid_t pid;

    MUST(pipe2(ends, O_CLOEXEC));
    MUST(dup2(ends[1], 1));
    close(ends[1]);
    pid = start_part(say_pid, ns);
    MUST(dup2(output, 1));
    close(output);
    text = text_of(ends[0]);
    EQUAL(wait_for(pid), 0);
    EQUAL(sscanf(text, "%d %d %d %d", &numbers[0], &numbers[1], &numbers[2], &numbers[3]), 4);
    EQUAL(numbers[0], pid);
    EQUAL(numbers[2], pid);
    EQUAL(numbers[1], numbers[3]);
    netns_close(ns);
}

static void arguments_and_environment_are_passed_on(void)
{
    char *argv[] = {(char *)"x", (char *)"-c", (char *)"echo $0,$1,$COLOUR", (char *)"zero",
                    (char *)"o n e", NULL};
    char *envp[] = {(char *)"COLOUR=envp", (char *)"PATH=/nowhere", NULL};
    struct netns *ns = blue();
    struct becoming becoming = {.ns = ns, .file = "sh", .argv = argv};

    MUST(setenv("COLOUR", "environ", 1));
    SAME(becoming_says(becoming, 0, __LINE__), "zero,o n e,environ");
    becoming.envp = envp;
    SAME(becoming_says(becoming, 0, __LINE__), "zero,o n e,envp");
    netns_close(ns);
}

static void ignore_and_block(void)
{
    sigset_t blocked;

    MUST(signal(SIGUSR2, SIG_IGN) == SIG_ERR ? -1 : 0);
    MUST(sigemptyset(&blocked));
    MUST(sigaddset(&blocked, SIGTERM));
    MUST(sigprocmask(SIG_SETMASK, &blocked, NULL));
}

static void signals_are_kept(const struct netns *ns, void (*ignore_and_block_them)(void))
{
    const char *text = BECOMES(ns, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status",
                               .prepare = ignore_and_block_them);

    CHECK(strstr(text, "SigBlk:\t0000000000004000"));
    CHECK(strtoull(strstr(text, "SigIgn:") + 8, NULL, 16) & 1ull << (SIGUSR2 - 1));
}

static void exec_keeps_blocked_and_ignored_signals(void)
{
    struct netns *ns = blue();

    signals_are_kept(ns, ignore_and_block);
    netns_close(ns);
}

static void set_what_exec_keeps(void)
{
    MUST(prctl(PR_SET_PDEATHSIG, SIGRTMIN + 5));
    MUST(prctl(PR_SET_TIMERSLACK, 123456));
    umask(0213);
    MUST(setpriority(PRIO_PROCESS, 0, 19));
}

static void exec_keeps_umask_nice_timer_slack_and_death_signal(void)
{
    struct netns *ns = blue();
    char *argv[] = {(char *)"/proc/self/exe", (char *)"what-is-kept", NULL};
    struct becoming becoming = {.ns = ns, .file = "/proc/self/exe", .argv = argv,
                                .prepare = set_what_exec_keeps};
    char expected[128];

    snprintf(expected, sizeof expected, "death signal %d, timer slack 123456, umask 213, nice 19",
             SIGRTMIN + 5);
    if (under_valgrind())
        skip("the program would be valgrind itself");
    SAME(becoming_says(becoming, 0, __LINE__), expected);
    netns_close(ns);
}

/* The program that the previous test executes. */
static int say_what_is_kept(void)
{
    int signal = -1;

    MUST(prctl(PR_GET_PDEATHSIG, &signal));
    printf("death signal %d, timer slack %d, umask %o, nice %d\n", signal,
           prctl(PR_GET_TIMERSLACK), umask(0), getpriority(PRIO_PROCESS, 0));
    return 0;
}

/* --- threads ---------------------------------------------------------------------------------- */

static pthread_barrier_t started;

static void *live_on(void *arg)
{
    pthread_barrier_wait(&started);
    for (;;)
        free(malloc(100));
    return arg;
}

static void start_threads(void)
{
    pthread_t thread;

    MUST(-pthread_barrier_init(&started, NULL, 4));
    for (int i = 0; i < 3; i++)
        MUST(-pthread_create(&thread, NULL, live_on, NULL));
    pthread_barrier_wait(&started);
}

static void exec_ends_other_threads(void)
{
    struct netns *ns = blue();

    SAME(BECOMES(ns, "ls /proc/$$/task | wc -l", .prepare = start_threads), "1");
    netns_close(ns);
}

static void *become_from_a_thread(void *arg)
{
    become(arg);
    return NULL;
}

static void start_one_that_becomes(void *arg)
{
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, become_from_a_thread, arg));
    for (;;)
        pause();
}

static void exec_works_outside_the_main_thread(void)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"echo $$", NULL};
    struct netns *ns = blue();
    struct becoming becoming = {.ns = ns, .file = "sh", .argv = argv};
    char expected[32];
    int ends[2];
    pid_t pid;

    MUST(pipe2(ends, O_CLOEXEC));
    becoming.output = ends[1];
    pid = start_part(start_one_that_becomes, &becoming);
    close(ends[1]);
    snprintf(expected, sizeof expected, "%d", pid);
    SAME(text_of(ends[0]), expected);
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

/* --- where clone(2) cannot create a thread ---------------------------------------------------- */

/* musl returns this from 1.2.5 on. A thread of pthread_create(3) has its own thread-local storage. */
static const struct fault no_bare_thread = {
    .call = SYS_clone,
    .error = EINVAL,
    .mask = CLONE_THREAD | CLONE_SETTLS,
    .value = CLONE_THREAD,
};

static void refuse_bare_threads(void)
{
    install_faults(&no_bare_thread, 1);
}

static void refuse_bare_threads_and_block(void)
{
    install_faults(&no_bare_thread, 1);
    ignore_and_block();
}

static void fail_with_a_thread_of_pthreads(void *arg)
{
    char *argv[] = {(char *)"x", NULL};
    struct state before = state_now();
    sigset_t mask[2];
    int state = -1;

    MUST(sigprocmask(SIG_SETMASK, NULL, &mask[0]));
    FAILS(ENOENT, netns_exec(arg, "/nowhere/at-all", argv, NULL));
    MESSAGE_HAS("exec \"/nowhere/at-all\" in \"blue\": exec: No such file or directory (");
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask[1]));
    CHECK(memcmp(&mask[0], &mask[1], _NSIG / 8) == 0);
    EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state), 0);
    EQUAL(state, PTHREAD_CANCEL_ENABLE);
    UNCHANGED_SINCE(before);
}

static void exec_falls_back_to_pthread_create_if_clone_fails(void)
{
    struct netns *ns = blue();

    need_seccomp();
    if (!can_fail_here(&no_bare_thread, 1))
        skip("valgrind makes threads in its own way");
    SAME(BECOMES(ns, "cat /proc/self/net/dev | grep -c :", .prepare = refuse_bare_threads), "1");
    signals_are_kept(ns, refuse_bare_threads_and_block);
    with_faults(&no_bare_thread, 1, fail_with_a_thread_of_pthreads, ns);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

/* Like an older kind of filter, which kills the thread that makes the call. */
static void end_threads_at_execve(void)
{
    end_at(SYS_execve, SECCOMP_RET_KILL_THREAD);
}

static void exec_fails_with_enotrecoverable_if_filter_kills_thread(void)
{
    struct netns *ns = blue();
    char *argv[] = {(char *)"true", NULL};
    struct becoming becoming = {.ns = ns, .file = "true", .argv = argv,
                                .prepare = end_threads_at_execve};

    need_seccomp();
    if (under_valgrind())
        skip("valgrind makes threads in its own way");
    CHECK(strstr(becoming_says(becoming, 99, __LINE__), "State not recoverable"));
    netns_close(ns);
}

/* --- in a child of vfork(2) ------------------------------------------------------------------- */

#define CHILDREN 64

/* The process's memory, in pages. */
static long pages(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long count = -1;

    CHECK(file && fscanf(file, "%ld", &count) == 1);
    fclose(file);
    return count;
}

/* Executes the program in a child that shares this process's memory until then; returns its exit status. */
static int exec_in_vfork(const struct netns *ns, const char *file)
{
    char *const argv[] = {(char *)"true", NULL};
    pid_t pid = vfork();

    if (pid == 0) {
        netns_exec(ns, file, argv, NULL);
        _exit(errno == ENOENT ? 44 : 99);
    }
    return wait_for(MUST(pid));
}

/* The threads that do this at once wait here until each has what it keeps: the memory of its last call,
   and malloc(3)'s per-thread memory. */
#define THREADS 4

static pthread_barrier_t all_have_begun;

static void use_vfork(const struct netns *ns, int threads)
{
    long before = -1;
    int state = -1;

    for (int i = 0; i < CHILDREN; i++) {
        EQUAL(exec_in_vfork(ns, "true"), 0);
        EQUAL(exec_in_vfork(ns, "/nowhere/at-all"), 44);
        if (i > 0)
            continue;
        if (threads > 1)
            pthread_barrier_wait(&all_have_begun);
        before = pages();
    }
    /* No more than the memory of the last call, which the next call frees. */
    CHECK(pages() <= before + 70 * threads);
    /* The thread's cancellation state is as before. */
    EQUAL(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state), 0);
    EQUAL(state, PTHREAD_CANCEL_ENABLE);
}

static void exec_in_vfork_child_leaks_nothing(void)
{
    struct netns *ns = blue();
    struct state before = state_now();
    sigset_t mask[2];

    if (under_valgrind())
        skip("valgrind makes a fork of it");
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask[0]));
    use_vfork(ns, 1);
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask[1]));
    CHECK(memcmp(&mask[0], &mask[1], _NSIG / 8) == 0);
    EQUAL(threads_left(), 1);
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

static void *use_vfork_in_a_thread(void *arg)
{
    use_vfork(arg, THREADS);
    return NULL;
}

/* Its other threads continue meanwhile. */
static void exec_works_in_vfork_children_of_concurrent_threads(void)
{
    struct netns *ns = blue();
    pthread_t threads[THREADS];

    if (under_valgrind())
        skip("valgrind makes a fork of it");
    MUST(-pthread_barrier_init(&all_have_begun, NULL, THREADS));
    for (int i = 0; i < THREADS; i++)
        MUST(-pthread_create(&threads[i], NULL, use_vfork_in_a_thread, ns));
    for (int i = 0; i < THREADS; i++)
        MUST(-pthread_join(threads[i], NULL));
    netns_close(ns);
}

/* --- small stacks ----------------------------------------------------------------------------- */

static void *start_with_little_stack(void *arg)
{
    struct netns_spawn_options *options =
        OPTIONS(.flags = NETNS_SPAWN_SETSID | (geteuid() ? 0 : NETNS_SPAWN_USER), .cwd = "/");
    char *argv[] = {(char *)"true", NULL};
    pid_t pid = -1, child;

    OK(netns_spawn(arg, NULL, "true", argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    OK(netns_spawn(arg, options, "true", argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    FAILS(ENOENT, netns_spawn(arg, NULL, "/nowhere/at-all", argv, NULL, &pid));
    FAILS(ENOENT, netns_exec(arg, "/nowhere/at-all", argv, NULL));
    EQUAL(OK(netns_pids(arg, 0, NULL, 0)), 0);
    EQUAL(OK(netns_pids(arg, NETNS_PIDS_THREADS, NULL, 0)), 0);
    child = MUST(fork());
    if (child == 0) {
        netns_exec(arg, "true", argv, NULL);
        _exit(99);
    }
    EQUAL(wait_for(child), 0);
    return NULL;
}

static void spawn_and_exec_work_with_minimal_stack(void)
{
    struct netns *ns = blue();
    pthread_attr_t attributes;
    pthread_t thread;

    if (under_valgrind())
        skip("valgrind needs more stack");
    MUST(-pthread_attr_init(&attributes));
    MUST(-pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN));
    MUST(-pthread_create(&thread, &attributes, start_with_little_stack, ns));
    MUST(-pthread_join(thread, NULL));
    netns_close(ns);
}

/* --- failure ---------------------------------------------------------------------------------- */

/* Checks that the call fails and changes nothing. */
#define CHANGES_NOTHING(error, ns, file, argv)                       \
    do {                                                             \
        struct state before_ = state_now();                          \
        uint64_t mounts_ = mount_namespace();                        \
        struct stat root_[2], cwd_[2];                               \
        sigset_t mask_[2];                                           \
                                                                     \
        MUST(stat("/", &root_[0]));                                  \
        MUST(stat(".", &cwd_[0]));                                   \
        MUST(sigprocmask(SIG_SETMASK, NULL, &mask_[0]));             \
        FAILS(error, netns_exec(ns, file, argv, NULL));              \
        UNCHANGED_SINCE(before_);                                    \
        EQUAL(mount_namespace(), mounts_);                           \
        MUST(stat("/", &root_[1]));                                  \
        MUST(stat(".", &cwd_[1]));                                   \
        MUST(sigprocmask(SIG_SETMASK, NULL, &mask_[1]));             \
        CHECK(memcmp(&mask_[0], &mask_[1], _NSIG / 8) == 0);         \
        EQUAL(root_[0].st_ino, root_[1].st_ino);                     \
        EQUAL(cwd_[0].st_ino, cwd_[1].st_ino);                       \
        CHILDLESS();                                                 \
    } while (0)

static void failed_exec_changes_nothing(void)
{
    char *argv[] = {(char *)"x", NULL};
    struct netns *ns = blue();

    MUST(chdir("/sys/class/net"));
    CHANGES_NOTHING(ENOENT, ns, "/nowhere/at-all", argv);
    MESSAGE_HAS("exec \"/nowhere/at-all\" in \"blue\": exec: No such file or directory (");
    MUST(chdir("/run"));
    MUST(setenv("PATH", "/bin:/usr/bin", 1));
    CHANGES_NOTHING(ENOENT, ns, "no-such-program", argv);
    CHANGES_NOTHING(EACCES, ns, "/run", argv);
    CHANGES_NOTHING(ENOTDIR, ns, "/proc/uptime/x", argv);
    write_file("/run/private", "echo", 0600);
    CHANGES_NOTHING(EACCES, ns, "/run/private", argv);
    netns_close(ns);
}

static void invalid_arguments_fail_with_einval(void)
{
    char *argv[] = {(char *)"x", NULL}, *none[] = {NULL};
    struct netns *ns = blue();

    CHANGES_NOTHING(EINVAL, NULL, "true", argv);
    MESSAGE_HAS("exec \"true\" in (none): check the arguments");
    CHANGES_NOTHING(EINVAL, ns, NULL, argv);
    MESSAGE_HAS("exec (none) in \"blue\": check the arguments");
    CHANGES_NOTHING(EINVAL, ns, "true", NULL);
    CHANGES_NOTHING(EINVAL, ns, "true", none);
    CHANGES_NOTHING(ENOENT, ns, "", argv);
    netns_close(ns);
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled++;
}

static void signals_during_exec_are_delivered(void)
{
    char *argv[] = {(char *)"x", NULL};
    struct netns *ns = blue();
    pid_t parent = getpid(), sender;
    int sent = 0;

    MUST(signal(SIGUSR1, handle) == SIG_ERR ? -1 : 0);
    fflush(NULL);
    sender = MUST(fork());
    if (sender == 0) {
        for (int i = 0; i < 200; i++) {
            kill(parent, SIGUSR1);
            sleep_ms(1);
        }
        _exit(0);
    }
    while (waitpid(sender, NULL, WNOHANG) == 0) {
        FAILS(ENOENT, netns_exec(ns, "/nowhere/at-all", argv, NULL));
        sent++;
    }
    CHECK(handled > 0 && sent > 0);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

static unsigned char signal_stack[65536];
static volatile sig_atomic_t elsewhere;

static void look_where_it_runs(int signal)
{
    unsigned char here;

    (void)signal;
    handled++;
    elsewhere += &here < signal_stack || &here >= signal_stack + sizeof signal_stack;
}

/* Whichever thread makes the call. */
static void signal_handlers_run_on_callers_signal_stack(void)
{
    struct sigaction action = {.sa_handler = look_where_it_runs, .sa_flags = SA_ONSTACK};
    stack_t own = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, after;
    char *argv[] = {(char *)"x", NULL};
    struct netns *ns = blue();
    pid_t test = getpid();

    MUST(sigaltstack(&own, NULL));
    MUST(sigaction(SIGUSR1, &action, NULL));
    for (int i = 0; i < 100; i++) {
        pid_t sender = MUST(fork());

        if (sender == 0) {
            kill(test, SIGUSR1);
            _exit(0);
        }
        FAILS(ENOENT, netns_exec(ns, "/nowhere/at-all", argv, NULL));
        wait_for(sender);
    }
    EQUAL(handled, 100);
    EQUAL(elsewhere, 0);
    MUST(sigaltstack(NULL, &after));
    CHECK(after.ss_sp == signal_stack && after.ss_flags == 0);
    netns_close(ns);
}

static void exec_without_descriptors_fails_with_emfile(void)
{
    char *argv[] = {(char *)"x", NULL};
    struct netns *ns = blue();
    int refused = 0;

    for (int more = 0; more < 12; more++) {
        struct state before = state_now();
        int rc;

        allow_descriptors(more);
        rc = netns_exec(ns, "/nowhere/at-all", argv, NULL);
        allow_descriptors(-1);
        CHECK(rc == -EMFILE || rc == -ENOENT);
        CHECK(rc != -EMFILE || strstr(netns_errmsg(), "RLIMIT_NOFILE"));
        refused += rc == -EMFILE;
        UNCHANGED_SINCE(before);
    }
    CHECK(refused > 0 && refused < 12);
    netns_close(ns);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "what-is-kept") == 0)
        return say_what_is_kept();
    RUN(exec_runs_program_in_namespace);
    RUN(exec_keeps_pid_and_parent);
    RUN(arguments_and_environment_are_passed_on);
    RUN(exec_keeps_blocked_and_ignored_signals);
    RUN(exec_keeps_umask_nice_timer_slack_and_death_signal);

    RUN(exec_ends_other_threads);
    RUN(exec_works_outside_the_main_thread);

    RUN(exec_falls_back_to_pthread_create_if_clone_fails);
    RUN(exec_fails_with_enotrecoverable_if_filter_kills_thread);

    RUN(exec_in_vfork_child_leaks_nothing);
    RUN(exec_works_in_vfork_children_of_concurrent_threads);

    RUN(spawn_and_exec_work_with_minimal_stack);

    RUN(failed_exec_changes_nothing);
    RUN(invalid_arguments_fail_with_einval);
    RUN(signals_during_exec_are_delivered);
    RUN(signal_handlers_run_on_callers_signal_stack);
    RUN(exec_without_descriptors_fails_with_emfile);
    return finish();
}
