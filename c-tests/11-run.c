/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* netns_run: a callback in a namespace, and every way in which it can end. */
#include "privilege.h"

#include <pthread.h>
#include <sys/socket.h>

/* State shared by a test and its callbacks. */
static struct netns *ns, *other;
static uint64_t home;
static int called;

static void begin(void)
{
    MUST(netns_create("blue", 0, &ns));
    MUST(netns_create(NULL, 0, &other));
    home = here();
}

static void end(void)
{
    EQUAL(here(), home);
    netns_close(ns);
    netns_close(other);
}

static int give(void *arg)
{
    called++;
    EQUAL(here(), netns_inode(ns));
    return *(int *)arg;
}

static void run_stores_callback_return_value(void)
{
    static const int values[] = {0, 1, -1, -EPERM, INT_MAX, INT_MIN};
    size_t i;
    int result;

    begin();
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        result = 4711;
        EQUAL(OK(netns_run(ns, give, (void *)&values[i], &result)), 0);
        EQUAL(result, values[i]);
        EQUAL(here(), home);
    }
    EQUAL(called, sizeof values / sizeof *values);
    end();
}

static void run_accepts_null_result(void)
{
    begin();
    EQUAL(OK(netns_run(ns, give, &(int){-5}, NULL)), 0);
    EQUAL(called, 1);
    end();
}

static void run_with_null_callback_fails_with_einval(void)
{
    int result = 4711;

    begin();
    FAILS(EINVAL, netns_run(NULL, NULL, NULL, &result));
    FAILS(EINVAL, netns_run(ns, NULL, NULL, &result));
    EQUAL(called, 0);
    EQUAL(result, 4711);
    end();
}

static int tell_where(void *place)
{
    called++;
    *(uint64_t *)place = here();
    return 7;
}

static int fail_with_errno(void *arg)
{
    (void)arg;
    return close(-1);
}

static void run_succeeds_and_keeps_errno_if_callback_fails(void)
{
    int result = 0;

    begin();
    errno = 0;
    EQUAL(netns_run(ns, fail_with_errno, NULL, &result), 0);
    EQUAL(result, -1);
    /* The caller must see the callback's errno. */
    EQUAL(errno, EBADF);
    SAME(netns_errmsg(), "");
    end();
}

static int run_in_other(void *arg)
{
    int result = 0, token;

    EQUAL(here(), netns_inode(ns));
    token = OK(netns_enter(other));
    OK(netns_run(ns, give, arg, &result));
    EQUAL(here(), netns_inode(other));
    OK(netns_leave(token));
    EQUAL(netns_run(other, fail_with_errno, NULL, &token), 0);
    EQUAL(here(), netns_inode(ns));
    return result;
}

static void run_calls_can_be_nested(void)
{
    int result = 0;

    begin();
    OK(netns_run(ns, give, &(int){1}, NULL));
    EQUAL(netns_run(ns, run_in_other, &(int){12}, &result), 0);
    EQUAL(result, 12);
    end();
}

static int go_elsewhere(void *arg)
{
    (void)arg;
    OK(netns_setns(other));
    EQUAL(here(), netns_inode(other));
    return 1;
}

static void run_restores_namespace_after_setns_in_callback(void)
{
    begin();
    OK(netns_run(ns, go_elsewhere, NULL, NULL));
    end();
}

static int enter_without_leaving(void *token)
{
    return *(int *)token = OK(netns_enter(other));
}

static void run_restores_namespace_after_enter_without_leave(void)
{
    int token = -1;

    begin();
    OK(netns_run(ns, enter_without_leaving, &token, NULL));
    EQUAL(here(), home);
    /* The token now belongs to the caller and leads back to the callback's namespace. */
    OK(netns_leave(token));
    EQUAL(here(), netns_inode(ns));
    MUST(setns(netns_fd(other), CLONE_NEWNET));
    home = netns_inode(other);
    end();
}

/* NULL stands for the thread's own namespace: the call does not switch, needs no capability, and does not
   switch back. */
static void run_with_null_namespace_does_not_switch(void)
{
    int result = 0, token;
    uint64_t place = 0;

    begin();
    EQUAL(OK(netns_run(NULL, tell_where, &place, &result)), 0);
    EQUAL(result, 7);
    EQUAL(place, home);
    token = OK(netns_enter(ns));
    OK(netns_run(NULL, give, &(int){1}, NULL));
    OK(netns_run(NULL, go_elsewhere, NULL, NULL));
    EQUAL(here(), netns_inode(other));
    OK(netns_leave(token));
    drop_capability(CAP_SYS_ADMIN);
    place = 0;
    OK(netns_run(NULL, tell_where, &place, NULL));
    EQUAL(place, home);
    end();
}

static int create_in_there(void *arg)
{
    struct netns **made = arg;

    OK(netns_create("green", NETNS_CREATE_LO_UP, made));
    EQUAL(here(), netns_inode(ns));
    CHECK(netns_inode(*made) != netns_inode(ns));
    return 0;
}

static void a_callback_may_call_the_library(void)
{
    struct netns *made = NULL;

    begin();
    OK(netns_run(ns, create_in_there, &made, NULL));
    SAME(names(), "blue green");
    OK(netns_run(made, go_elsewhere, NULL, NULL));
    netns_close(made);
    end();
}

static void run_accepts_current_namespace(void)
{
    struct netns *own = NULL;
    int result = 0;

    begin();
    OK(netns_open_current(&own));
    EQUAL(netns_run(own, fail_with_errno, NULL, &result), 0);
    EQUAL(result, -1);
    netns_close(own);
    end();
}

/* --- other ways to end ------------------------------------------------------------------------ */

static uint64_t cleaned_up_in;
static int value_of_thread;

static int end_the_thread(void *arg)
{
    (void)arg;
    EQUAL(here(), netns_inode(ns));
    pthread_exit(&value_of_thread);
}

static void clean_up(void *arg)
{
    (void)arg;
    cleaned_up_in = here();
}

static void *run_what_ends_the_thread(void *arg)
{
    pthread_cleanup_push(clean_up, NULL);
    /* Does not return; returning would fail this check. */
    CHECK(netns_run(ns, end_the_thread, NULL, NULL) > 0);
    pthread_cleanup_pop(0);
    return arg;
}

static void pthread_exit_in_callback_restores_namespace(void)
{
    pthread_t thread;
    void *result = NULL;
    int before;

    begin();
    before = open_descriptors();
    MUST(-pthread_create(&thread, NULL, run_what_ends_the_thread, NULL));
    MUST(-pthread_join(thread, &result));
    CHECK(result == &value_of_thread);
    /* The thread is switched back while it unwinds, so the caller's cleanup handler runs in its own
       namespace. */
    EQUAL(cleaned_up_in, home);
    EQUAL(open_descriptors(), before);
    EQUAL(threads_left(), 1);
    OK(netns_run(ns, give, &(int){1}, NULL));
    end();
}

static int drop_admin(void *arg)
{
    drop_capability(CAP_SYS_ADMIN);
    return *(int *)arg;
}

static void run_fails_with_enotrecoverable_if_capability_dropped(void)
{
    int result = 4711;

    begin();
    FAILS(ENOTRECOVERABLE, netns_run(ns, drop_admin, &(int){1}, &result));
    MESSAGE_HAS("setns back");
    MESSAGE_HAS("wrong namespace");
    EQUAL(result, 4711);
    EQUAL(here(), netns_inode(ns));
    home = netns_inode(ns);
    end();
}

static int close_the_handle(void *arg)
{
    netns_close(ns);
    ns = NULL;
    return *(int *)arg;
}

static void a_callback_may_close_the_handle(void)
{
    int result = 0;

    begin();
    OK(netns_run(ns, close_the_handle, &(int){7}, &result));
    EQUAL(result, 7);
    end();
}

static int close_and_drop_admin(void *arg)
{
    close_the_handle(arg);
    return drop_admin(arg);
}

static const char *in_the_way;

/* A program that closes unknown descriptors opens others under their numbers. */
static int take_the_way_back(void *number)
{
    MUST(close(*(int *)number));
    if (in_the_way)
        EQUAL(MUST(open(in_the_way, O_RDONLY | O_CLOEXEC)), *(int *)number);
    return 1;
}

/* The failure is reported, and the file that now has the number, even a namespace, is left alone. */
static void run_fails_with_enotrecoverable_if_return_fd_closed(void)
{
    static const char *const files[] = {NULL, "/dev/null", "/run/netns/red"};
    struct netns *own = NULL;

    begin();
    MUST(netns_attach(other, "red", 0));
    OK(netns_open_current(&own));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int number = MUST(dup(0)), result = 4711;

        close(number);
        in_the_way = files[i];
        FAILS(ENOTRECOVERABLE, netns_run(ns, take_the_way_back, &number, &result));
        MESSAGE_HAS("wrong namespace");
        EQUAL(result, 4711);
        EQUAL(here(), netns_inode(ns));
        EQUAL(close(number), in_the_way ? 0 : -1);
        MUST(setns(netns_fd(own), CLONE_NEWNET));
    }
    netns_close(own);
    end();
}

/* A handle may be closed while the thread is in its namespace; then the message must not mention it. */
static void enotrecoverable_message_omits_closed_handle(void)
{
    int result = 4711;

    begin();
    FAILS(ENOTRECOVERABLE, netns_run(ns, close_and_drop_admin, &(int){1}, &result));
    SAME(netns_errmsg(), "run: setns back to the original network namespace: Operation not permitted "
                         "(the thread is in the wrong namespace and must end; it may have lost CAP_SYS_ADMIN)");
    EQUAL(result, 4711);
    CHECK(here() != home);
    home = here();
    end();
}

static void leave_without_cap_sys_admin_keeps_token(void)
{
    int token;

    begin();
    token = OK(netns_enter(ns));
    drop_capability(CAP_SYS_ADMIN);
    FAILS(ENOTRECOVERABLE, netns_leave(token));
    EQUAL(here(), netns_inode(ns));
    EQUAL(fcntl(token, F_GETFD), FD_CLOEXEC);
    close(token);
    home = netns_inode(ns);
    end();
}

static int fork_in_there(void *arg)
{
    pid_t pid = MUST(fork());

    (void)arg;
    if (pid == 0)
        _exit(here() == netns_inode(ns) ? 7 : 1);
    return wait_for(pid);
}

static void a_callback_may_fork(void)
{
    int result = 0;

    begin();
    OK(netns_run(ns, fork_in_there, NULL, &result));
    EQUAL(result, 7);
    end();
}

/* --- state left in the namespace -------------------------------------------------------------- */

static int open_a_socket(void *arg)
{
    (void)arg;
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void socket_opened_in_callback_belongs_to_namespace(void)
{
    struct netns *of_socket = NULL;
    int fd = -1;

    begin();
    OK(netns_run(ns, open_a_socket, NULL, &fd));
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_equal(of_socket, ns), 1);
    netns_close(of_socket);
    close(fd);
    end();
}

static pthread_barrier_t returned;

static void *report_place(void *place)
{
    pthread_barrier_wait(&returned);
    *(uint64_t *)place = here();
    return NULL;
}

struct started {
    pthread_t thread;
    uint64_t place;
};

static int start_a_thread(void *arg)
{
    struct started *started = arg;

    return pthread_create(&started->thread, NULL, report_place, &started->place);
}

static void thread_started_in_callback_stays_in_namespace(void)
{
    struct started started = {0, 0};
    int result = -1;

    begin();
    MUST(-pthread_barrier_init(&returned, NULL, 2));
    OK(netns_run(ns, start_a_thread, &started, &result));
    EQUAL(result, 0);
    EQUAL(here(), home);
    pthread_barrier_wait(&returned);
    MUST(-pthread_join(started.thread, NULL));
    EQUAL(started.place, netns_inode(ns));
    pthread_barrier_destroy(&returned);
    end();
}

/* --- signals and descriptors of the caller ---------------------------------------------------- */

static int look_at_mask(void *arg)
{
    (void)arg;
    return pthread_sigmask(SIG_BLOCK, NULL, arg);
}

static void callback_has_signal_mask_of_caller(void)
{
    sigset_t one, during, after;
    int signal;

    begin();
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &one, NULL);
    OK(netns_run(ns, look_at_mask, &during, NULL));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (signal = 1; signal < 32; signal++) {
        EQUAL(sigismember(&during, signal), signal == SIGUSR1);
        EQUAL(sigismember(&after, signal), signal == SIGUSR1);
    }
    end();
}

static int use_up_descriptors(void *arg)
{
    (void)arg;
    allow_descriptors(0);
    return dup(0);
}

static void run_switches_back_without_free_descriptors(void)
{
    int result = 0;

    begin();
    EQUAL(netns_run(ns, use_up_descriptors, NULL, &result), 0);
    EQUAL(result, -1);
    EQUAL(here(), home);
    /* If there is no descriptor for the way back, the thread does not switch. */
    allow_descriptors(0);
    FAILS(EMFILE, netns_run(ns, give, &(int){1}, &result));
    MESSAGE_HAS("RLIMIT_NOFILE");
    EQUAL(called, 0);
    EQUAL(result, -1);
    allow_descriptors(-1);
    end();
}

int main(void)
{
    RUN(run_stores_callback_return_value);
    RUN(run_accepts_null_result);
    RUN(run_with_null_callback_fails_with_einval);
    RUN(run_with_null_namespace_does_not_switch);
    RUN(a_callback_may_close_the_handle);
    RUN(run_fails_with_enotrecoverable_if_return_fd_closed);
    RUN(run_succeeds_and_keeps_errno_if_callback_fails);
    RUN(run_calls_can_be_nested);
    RUN(run_restores_namespace_after_setns_in_callback);
    RUN(run_restores_namespace_after_enter_without_leave);
    RUN(a_callback_may_call_the_library);
    RUN(run_accepts_current_namespace);
    RUN(pthread_exit_in_callback_restores_namespace);
    RUN(run_fails_with_enotrecoverable_if_capability_dropped);
    RUN(enotrecoverable_message_omits_closed_handle);
    RUN(leave_without_cap_sys_admin_keeps_token);
    RUN(a_callback_may_fork);
    RUN(socket_opened_in_callback_belongs_to_namespace);
    RUN(thread_started_in_callback_stays_in_namespace);
    RUN(callback_has_signal_mask_of_caller);
    RUN(run_switches_back_without_free_descriptors);
    return finish();
}
