/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signals and cancellations that arrive during a call. */
#include "privilege.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

/* --- the calls, each of which restores the state ---------------------------------------------- */

static struct netns *ns;

static void create_named(void)
{
    OK(netns_create("green", 0, NULL));
    OK(netns_remove("green", 0));
}

static void create_or_open(void)
{
    struct netns *opened = NULL;

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &opened));
    netns_close(opened);
}

static void create_anonymous(void)
{
    struct netns *made = NULL;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &made));
    netns_close(made);
}

static void attach_and_remove(void)
{
    OK(netns_attach(ns, "green", 0));
    OK(netns_remove("green", 0));
}

static void open_socket(void)
{
    int fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));

    /* close(2) itself would be a cancellation point. */
    syscall(SYS_close, fd);
}

static void fail_to_open_socket(void)
{
    FAILS(EAFNOSUPPORT, netns_socket(ns, 9999, SOCK_DGRAM, 0));
}

static void open_every_way(void)
{
    struct netns *opened[4] = {NULL};
    int i;

    OK(netns_open("blue", 0, &opened[0]));
    OK(netns_open_pid(getpid(), &opened[1]));
    OK(netns_open_current(&opened[2]));
    OK(netns_open_fd(netns_fd(ns), &opened[3]));
    for (i = 0; i < 4; i++)
        netns_close(opened[i]);
}

static void list(void)
{
    struct netns_name_snapshot *names = NULL;

    OK(netns_list(0, &names));
    EQUAL(netns_list_len(names), 1);
    netns_list_free(names);
    OK(netns_list(NETNS_LIST_STALE, &names));
    EQUAL(netns_list_len(names), 1);
    netns_list_free(names);
    OK(netns_names(ns, 0, &names));
    EQUAL(netns_list_len(names), 1);
    netns_list_free(names);
}

static void look_at_processes(void)
{
    pid_t pids[4];

    OK(netns_pids(ns, 0, pids, 4));
    COOKIE_OF(ns);
    OK(netns_is_current(ns));
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"create and remove", create_named},
    {"create or open", create_or_open},
    {"create anonymous", create_anonymous},
    {"attach and remove", attach_and_remove},
    {"socket", open_socket},
    {"socket that fails", fail_to_open_socket},
    {"open", open_every_way},
    {"list", list},
    {"pids and cookie", look_at_processes},
};

#define CALLS (sizeof calls / sizeof *calls)

/* --- signals ---------------------------------------------------------------------------------- */

/* What the handler recorded: how often it ran, and how often on another thread or in another namespace. */
static struct {
    volatile uint64_t home;
    volatile pid_t thread;
    volatile long handled, away, elsewhere;
} seen;

static void on_signal(int signal)
{
    int saved = errno;

    (void)signal;
    seen.handled++;
    if (syscall(SYS_gettid) != seen.thread)
        seen.elsewhere++;
    else if (here() != seen.home)
        seen.away++;
    errno = saved;
}

static atomic_bool pester;
static pthread_t pestered;

/* Signals for one thread. The timer's signals are for the process, so that any thread may receive them. */
static void *send_signals(void *arg)
{
    while (pester) {
        pthread_kill(pestered, SIGUSR1);
        usleep(under_valgrind() ? 20000 : 70);
    }
    return arg;
}

static pthread_t pest;

static void start_signals(void)
{
    /*
     * Without SA_RESTART, so that a system call that the library does not protect fails with EINTR. Under
     * valgrind this would include calls that the kernel never interrupts, such as open(2) of a directory.
     */
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = under_valgrind() ? SA_RESTART : 0};
    struct itimerval often = {{0, under_valgrind() ? 20000 : 100}, {0, 1000}};
    sigset_t all, before;

    seen.home = here();
    seen.thread = (pid_t)syscall(SYS_gettid);
    seen.handled = seen.away = seen.elsewhere = 0;
    MUST(sigaction(SIGALRM, &action, NULL));
    MUST(sigaction(SIGUSR1, &action, NULL));
    pestered = pthread_self();
    pester = true;
    /* The sender inherits a full mask, so that it does not receive the timer's signals. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MUST(-pthread_create(&pest, NULL, send_signals, NULL));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    MUST(setitimer(ITIMER_REAL, &often, NULL));
}

static void stop_signals(void)
{
    MUST(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL));
    pester = false;
    MUST(-pthread_join(pest, NULL));
    /* The test harness also uses the alarm. */
    signal(SIGALRM, SIG_DFL);
    alarm(TEST_TIMEOUT);
}

/* The signals that the thread blocks, one bit each. */
static uint64_t blocked(void)
{
    uint64_t bits = 0;
    sigset_t mask;
    int signal;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    for (signal = 1; signal < 64; signal++)
        bits |= (uint64_t)(sigismember(&mask, signal) == 1) << signal;
    return bits;
}

/* Makes the calls, each for a short time, while signals arrive. */
static void under_fire(size_t from, size_t to)
{
    double length = under_valgrind() ? 1.5 : 0.25;
    uint64_t mask = blocked();
    size_t i;

    for (i = from; i < to; i++) {
        double end = seconds() + length, last = end + 60;

        start_signals();
        /* On a busy machine the sender may not have run yet. */
        while ((seconds() < end || (seen.handled < 10 && seconds() < last)) && !test_failures)
            calls[i].call();
        stop_signals();
        check_at(seen.handled >= 10, __LINE__, "%s: %ld signals", calls[i].name, seen.handled);
        check_at(seen.away == 0, __LINE__, "%s: %ld of %ld handlers ran in another namespace",
                 calls[i].name, seen.away, seen.handled);
        check_at(seen.elsewhere == 0, __LINE__, "%s: %ld handlers ran on another thread",
                 calls[i].name, seen.elsewhere);
        EQUAL(blocked(), mask);
        EQUAL(here(), seen.home);
    }
}

static void handlers_run_in_original_namespace_without_eintr(void)
{
    sigset_t one;

    MUST(netns_create("blue", 0, &ns));
    /* A non-empty mask, so that a mask that is cleared instead of restored is noticed. */
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    under_fire(0, CALLS);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    netns_close(ns);
}

static void helper_threads_run_no_signal_handlers(void)
{
    become_plain_user();
    enter_user_namespace_with_run_directory(0);
    MUST(netns_create("blue", 0, &ns));
    under_fire(0, CALLS);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    netns_close(ns);
}

static void calls_keep_blocked_signals_pending(void)
{
    sigset_t one;
    struct sigaction action = {.sa_handler = on_signal};

    MUST(netns_create("blue", 0, &ns));
    seen.home = here();
    seen.thread = (pid_t)syscall(SYS_gettid);
    MUST(sigaction(SIGUSR1, &action, NULL));
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    raise(SIGUSR1);
    open_socket();
    create_named();
    EQUAL(seen.handled, 0);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    EQUAL(seen.handled, 1);
    EQUAL(seen.away, 0);
    netns_close(ns);
}

/* As documented for netns_run(): a handler that runs during the callback runs in the namespace. */
static int raise_in_there(void *arg)
{
    raise(SIGUSR1);
    return *(int *)arg;
}

static void handlers_run_in_the_namespace_during_a_callback(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    int value = 7, result = 0;
    uint64_t mask = blocked();

    MUST(netns_create("blue", 0, &ns));
    seen.home = here();
    seen.thread = (pid_t)syscall(SYS_gettid);
    MUST(sigaction(SIGUSR1, &action, NULL));
    OK(netns_run(ns, raise_in_there, &value, &result));
    EQUAL(result, 7);
    EQUAL(seen.handled, 1);
    EQUAL(seen.away, 1);
    raise(SIGUSR1);
    EQUAL(seen.handled, 2);
    EQUAL(seen.away, 1);
    EQUAL(blocked(), mask);
    netns_close(ns);
}

/* Signals for the process, which any thread may receive, sent as fast as possible. */
static pid_t flood(void)
{
    pid_t parent = getpid(), pid = MUST(fork());

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        kill(parent, SIGUSR1);
        kill(parent, SIGALRM);
        kill(parent, SIGHUP);
        if (under_valgrind())
            usleep(5000);
    }
}

/* A mount below the directory's own mount is unmounted by a thread with its own mount namespace. */
static void remove_of_covered_name_runs_no_handler_on_helper(void)
{
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = under_valgrind() ? SA_RESTART : 0};
    int rounds = is_slow() ? 3 : 100, i;
    double last = seconds() + 60;
    pid_t sender;

    MUST(mkdir("/run/netns", 0755));
    seen.home = here();
    seen.thread = (pid_t)syscall(SYS_gettid);
    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(sigaction(SIGALRM, &action, NULL));
    MUST(sigaction(SIGHUP, &action, NULL));
    sender = flood();
    /* On a busy machine the sender may need more rounds. */
    for (i = 0; (i < rounds || (seen.handled < rounds && seconds() < last)) && !test_failures; i++) {
        write_file("/run/netns/blue", "", 0);
        MUST(mount("/proc/thread-self/ns/net", "/run/netns/blue", "none", MS_BIND, NULL));
        MUST(mount("/run/netns", "/run/netns", "none", MS_BIND, NULL));
        OK(netns_remove("blue", 0));
        CHECK(!exists("/run/netns/blue"));
        MUST(umount2("/run/netns", MNT_DETACH));
    }
    stop(sender);
    alarm(TEST_TIMEOUT);
    CHECK(seen.handled >= rounds);
    EQUAL(seen.elsewhere, 0);
    EQUAL(seen.away, 0);
}

static void exist_ok_wait_is_not_interrupted_by_signals(void)
{
    struct netns *opened = NULL;
    pid_t pid;

    write_file("/run/netns/red", "", 0);
    pid = bind_later("/run/netns/red", 300);
    start_signals();
    OK(netns_create("red", NETNS_CREATE_EXIST_OK, &opened));
    stop_signals();
    EQUAL(wait_for(pid), 0);
    EQUAL(seen.away, 0);
    CHECK(seen.handled >= 3);
    CHECK(is_netns("/run/netns/red"));
    netns_close(opened);
}

static void lock_wait_is_not_interrupted_by_signals(void)
{
    int fd = MUST(open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    pid_t pid;

    MUST(flock(fd, LOCK_EX));
    pid = unlock_later(fd, 300);
    start_signals();
    OK(netns_create("red", 0, NULL));
    stop_signals();
    EQUAL(wait_for(pid), 0);
    EQUAL(seen.away, 0);
    CHECK(seen.handled >= 3);
    SAME(names(), "red");
    close(fd);
}

/* --- cancellation ----------------------------------------------------------------------------- */

static volatile bool inside;
static volatile long done;

static void *call_until_cancelled(void *arg)
{
    void (*call)(void) = calls[(intptr_t)arg].call;

    for (;;) {
        inside = true;
        call();
        inside = false;
        done++;
        pthread_testcancel();
    }
    return NULL;
}

static void cancel_at_random_times(size_t i, int rounds)
{
    pthread_t thread;
    void *result;

    while (rounds-- > 0 && !test_failures) {
        done = 0;
        MUST(-pthread_create(&thread, NULL, call_until_cancelled, (void *)(intptr_t)i));
        usleep(rand() % (under_valgrind() ? 30000 : 2000));
        MUST(-pthread_cancel(thread));
        MUST(-pthread_join(thread, &result));
        CHECK(result == PTHREAD_CANCELED);
        check_at(!inside && done > 0, __LINE__, "%s ended half way", calls[i].name);
    }
}

static void cancelled_thread_completes_its_call(void)
{
    int descriptors, lock;
    size_t i;

    srand(5);
    MUST(netns_create("blue", 0, &ns));
    descriptors = open_descriptors();
    for (i = 0; i < CALLS; i++) {
        cancel_at_random_times(i, is_slow() ? 4 : 40);
        check_at(open_descriptors() == descriptors, __LINE__, "%s: descriptors", calls[i].name);
        SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
        EQUAL(threads_left(), 1);
    }
    /* Nothing holds the run directory's lock. */
    lock = MUST(open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EQUAL(flock(lock, LOCK_EX | LOCK_NB), 0);
    close(lock);
    netns_close(ns);
}

static void *call_everything(void *arg)
{
    int state = *(int *)arg, now = -1;
    struct netns *opened = NULL;
    size_t i;

    pthread_setcancelstate(state, NULL);
    /* A cancellation is always pending while the state is disabled. */
    if (state == PTHREAD_CANCEL_DISABLE)
        pthread_cancel(pthread_self());
    for (i = 0; i < CALLS; i++) {
        calls[i].call();
        pthread_setcancelstate(state, &now);
        check_at(now == state, __LINE__, "%s: cancel state %d", calls[i].name, now);
    }
    FAILS(EINVAL, netns_open("", 0, &opened));
    FAILS(EBADF, netns_leave(-1));
    FAILS(EINVAL, netns_run(ns, NULL, NULL, NULL));
    OK(netns_leave(OK(netns_enter(ns))));
    netns_close(NULL);
    pthread_setcancelstate(state, &now);
    EQUAL(now, state);
    return NULL;
}

static void calls_restore_cancel_state(void)
{
    static const int states[] = {PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DISABLE};
    pthread_t thread;
    void *result;
    size_t i;

    MUST(netns_create("blue", 0, &ns));
    for (i = 0; i < 2; i++) {
        MUST(-pthread_create(&thread, NULL, call_everything, (void *)&states[i]));
        MUST(-pthread_join(thread, &result));
        CHECK(result == NULL);
    }
    netns_close(ns);
}

static volatile bool callback_ended, run_returned, was_home;

static int be_cancelled(void *arg)
{
    pthread_cancel(pthread_self());
    pthread_testcancel();
    usleep(1000);
    callback_ended = true;
    return *(int *)arg;
}

static void *run_and_be_cancelled(void *arg)
{
    uint64_t home = here();
    int result = 0;

    if (netns_run(ns, be_cancelled, &(int){3}, &result) == 0 && result == 3)
        run_returned = true;
    was_home = here() == home;
    pthread_testcancel();
    return arg;
}

static void run_defers_cancellation_of_callback(void)
{
    int before;
    pthread_t thread;
    void *result;

    MUST(netns_create("blue", 0, &ns));
    before = open_descriptors();
    MUST(-pthread_create(&thread, NULL, run_and_be_cancelled, NULL));
    MUST(-pthread_join(thread, &result));
    CHECK(result == PTHREAD_CANCELED);
    CHECK(callback_ended);
    CHECK(run_returned);
    CHECK(was_home);
    EQUAL(open_descriptors(), before);
    netns_close(ns);
}

int main(void)
{
    RUN(handlers_run_in_original_namespace_without_eintr);
    RUN(helper_threads_run_no_signal_handlers);
    RUN(calls_keep_blocked_signals_pending);
    RUN(handlers_run_in_the_namespace_during_a_callback);
    RUN_WITHOUT_RUN_DIRECTORY(remove_of_covered_name_runs_no_handler_on_helper);
    RUN(exist_ok_wait_is_not_interrupted_by_signals);
    RUN(lock_wait_is_not_interrupted_by_signals);
    RUN(cancelled_thread_completes_its_call);
    RUN(calls_restore_cancel_state);
    RUN(run_defers_cancellation_of_callback);
    return finish();
}
