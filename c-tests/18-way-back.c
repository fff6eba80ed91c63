/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Switching back from a namespace when setns(2) fails: before the thread switches, when it switches, and
 * when it switches back. The program's own setns replaces libc's, also for the library.
 */
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>

/* Which calls fail, counted from 1 on the thread that set the plan, and with which error. */
static struct {
    int from, to, error;
} plan;

static int setns_calls;

/* Calls of other threads are not affected: a helper thread is not part of the plan. */
static pthread_t planner;

int setns(int fd, int type)
{
    if (pthread_equal(pthread_self(), planner)) {
        setns_calls++;
        if (setns_calls >= plan.from && setns_calls <= plan.to) {
            errno = plan.error;
            return -1;
        }
    }
    return (int)syscall(SYS_setns, fd, type);
}

/* Makes the calls from the first to the last one fail; the others are executed. */
static void fail_calls(int from, int to, int error)
{
    planner = pthread_self();
    plan.from = from;
    plan.to = to;
    plan.error = error;
    setns_calls = 0;
}

static void fail_none(void)
{
    fail_calls(0, 0, 0);
}

#define FOREVER INT_MAX

/* The calls made for a temporary switch: the verification, the switch and the return. */
#define PROOF 1
#define THERE 2
#define BACK 3

/* A new namespace is entered with unshare(2). */
#define BACK_FROM_NEW 2

static struct netns *ns;
static uint64_t home;

static void begin(void)
{
    planner = pthread_self();
    MUST(netns_create("blue", 0, &ns));
    home = here();
    fail_none();
}

static void end(void)
{
    fail_none();
    EQUAL(here(), home);
    netns_close(ns);
}

/* Moves the thread back where the library could not. */
static void go_home(const struct netns *to)
{
    fail_none();
    EQUAL(setns(netns_fd(to), CLONE_NEWNET), 0);
}

static int count_call(void *count)
{
    ++*(int *)count;
    return 3;
}

static void library_calls_interposed_setns(void)
{
    begin();
    OK(netns_leave(OK(netns_enter(ns))));
    EQUAL(setns_calls, 3);
    fail_none();
    close(OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0)));
    EQUAL(setns_calls, 3);
    fail_none();
    OK(netns_create("green", 0, NULL));
    EQUAL(setns_calls, 2);
    end();
}

/* --- the proof -------------------------------------------------------------------------------- */

static void create_and_socket_use_helper_thread_if_setns_is_denied(void)
{
    struct netns *made = NULL, *of_socket = NULL;
    int fd;

    begin();
    fail_calls(PROOF, FOREVER, EPERM);
    OK(netns_create("green", NETNS_CREATE_LO_UP, &made));
    EQUAL(setns_calls, 1);
    EQUAL(here(), home);
    fail_calls(PROOF, FOREVER, EPERM);
    fd = OK(netns_socket(made, AF_INET, SOCK_STREAM, 0));
    EQUAL(setns_calls, 1);
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_equal(of_socket, made), 1);
    EQUAL(here(), home);
    EQUAL(threads_left(), 1);
    close(fd);
    netns_close(of_socket);
    netns_close(made);
    end();
}

static void enter_and_run_fail_with_eperm_if_setns_is_denied(void)
{
    int called = 0, result = 4711;

    begin();
    fail_calls(PROOF, FOREVER, EPERM);
    FAILS(EPERM, netns_enter(ns));
    MESSAGE_HAS("switch back");
    EQUAL(setns_calls, 1);
    fail_calls(PROOF, FOREVER, EPERM);
    FAILS(EPERM, netns_run(ns, count_call, &called, &result));
    MESSAGE_HAS("switch back");
    EQUAL(called, 0);
    EQUAL(result, 4711);
    end();
}

static void verification_error_other_than_eperm_is_returned(void)
{
    struct netns *made = NULL;
    struct state before;
    int called = 0;

    begin();
    before = state_now();
    fail_calls(PROOF, FOREVER, ENOMEM);
    FAILS(ENOMEM, netns_create("green", 0, &made));
    FAILS(ENOMEM, netns_create(NULL, 0, &made));
    FAILS(ENOMEM, netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    FAILS(ENOMEM, netns_enter(ns));
    FAILS(ENOMEM, netns_run(ns, count_call, &called, NULL));
    EQUAL(called, 0);
    CHECK(made == NULL);
    UNCHANGED_SINCE(before);
    end();
}

/* --- the switch ------------------------------------------------------------------------------- */

static void failed_switch_keeps_thread_in_its_namespace(void)
{
    static const int errors[] = {EPERM, ENOMEM};
    struct state before;
    int called = 0;
    size_t i;

    begin();
    before = state_now();
    for (i = 0; i < 2; i++) {
        fail_calls(THERE, FOREVER, errors[i]);
        FAILS(errors[i], netns_enter(ns));
        MESSAGE_HAS("setns");
        fail_calls(THERE, FOREVER, errors[i]);
        FAILS(errors[i], netns_run(ns, count_call, &called, NULL));
        fail_calls(THERE, FOREVER, errors[i]);
        FAILS(errors[i], netns_socket(ns, AF_INET, SOCK_STREAM, 0));
        fail_calls(1, FOREVER, errors[i]);
        FAILS(errors[i], netns_setns(ns));
        UNCHANGED_SINCE(before);
    }
    EQUAL(called, 0);
    end();
}

/* --- the way back ----------------------------------------------------------------------------- */

static void failed_leave_keeps_token_for_retry(void)
{
    static const int errors[] = {EPERM, ENOMEM};
    size_t i;
    int token;

    begin();
    for (i = 0; i < 2; i++) {
        fail_none();
        token = OK(netns_enter(ns));
        fail_calls(1, FOREVER, errors[i]);
        FAILS(ENOTRECOVERABLE, netns_leave(token));
        MESSAGE_HAS("wrong namespace");
        EQUAL(here(), netns_inode(ns));
        EQUAL(fcntl(token, F_GETFD), FD_CLOEXEC);
        fail_none();
        OK(netns_leave(token));
        EQUAL(here(), home);
        EQUAL(fcntl(token, F_GETFD), -1);
    }
    end();
}

static void run_that_cannot_switch_back_fails_with_enotrecoverable(void)
{
    struct netns *own = NULL;
    int called = 0, result = 4711, before;

    begin();
    OK(netns_open_current(&own));
    before = open_descriptors();
    fail_calls(BACK, FOREVER, EPERM);
    FAILS(ENOTRECOVERABLE, netns_run(ns, count_call, &called, &result));
    MESSAGE_HAS("setns back");
    MESSAGE_HAS("wrong namespace");
    EQUAL(called, 1);
    EQUAL(result, 4711);
    EQUAL(here(), netns_inode(ns));
    EQUAL(open_descriptors(), before);
    go_home(own);
    netns_close(own);
    end();
}

static void socket_that_cannot_switch_back_closes_its_socket(void)
{
    struct netns *own = NULL;
    int before;

    begin();
    OK(netns_open_current(&own));
    before = open_descriptors();
    fail_calls(BACK, FOREVER, EPERM);
    FAILS(ENOTRECOVERABLE, netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("wrong namespace");
    EQUAL(here(), netns_inode(ns));
    EQUAL(open_descriptors(), before);
    go_home(own);
    /* The thread's state is what matters, even if the socket could not be opened either. */
    fail_calls(BACK, FOREVER, EPERM);
    FAILS(ENOTRECOVERABLE, netns_socket(ns, 9999, SOCK_STREAM, 0));
    EQUAL(here(), netns_inode(ns));
    EQUAL(open_descriptors(), before);
    go_home(own);
    netns_close(own);
    end();
}

static void create_that_cannot_switch_back_leaves_no_name(void)
{
    struct netns *own = NULL, *made = NULL;
    struct state before;
    int i;

    begin();
    OK(netns_open_current(&own));
    before = state_now();
    for (i = 0; i < 3; i++) {
        fail_calls(BACK_FROM_NEW, FOREVER, EPERM);
        FAILS(ENOTRECOVERABLE, netns_create(i == 2 ? NULL : "green",
                                            i == 1 ? NETNS_CREATE_EXIST_OK : 0, &made));
        MESSAGE_HAS("setns back");
        MESSAGE_HAS("wrong namespace");
        CHECK(made == NULL);
        CHECK(here() != home && here() != netns_inode(ns));
        go_home(own);
        UNCHANGED_SINCE(before);
        SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    }
    netns_close(own);
    end();
}

/* Bringing lo up in an existing namespace also requires a switch. */
static void lo_up_that_cannot_switch_back_fails_with_enotrecoverable(void)
{
    struct netns *own = NULL, *opened = NULL;

    begin();
    OK(netns_open_current(&own));
    fail_calls(BACK, FOREVER, EPERM);
    FAILS(ENOTRECOVERABLE,
          netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &opened));
    CHECK(opened == NULL);
    EQUAL(here(), netns_inode(ns));
    go_home(own);
    netns_close(own);
    end();
}

static void failed_switch_back_is_retried(void)
{
    struct netns *made = NULL;
    int token, called = 0, result = 0;

    begin();
    fail_calls(BACK, BACK + 3, ENOMEM);
    close(OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0)));
    EQUAL(here(), home);
    fail_calls(BACK, BACK + 3, ENOMEM);
    OK(netns_run(ns, count_call, &called, &result));
    EQUAL(result, 3);
    EQUAL(here(), home);
    fail_calls(BACK_FROM_NEW, BACK_FROM_NEW + 3, ENOMEM);
    OK(netns_create("green", 0, &made));
    EQUAL(here(), home);
    fail_calls(BACK, BACK + 3, ENOMEM);
    token = OK(netns_enter(ns));
    OK(netns_leave(token));
    EQUAL(here(), home);
    netns_close(made);
    end();
}

static int fail_the_way_back(void *error)
{
    fail_calls(1, FOREVER, *(int *)error);
    return 0;
}

static void run_fails_with_enotrecoverable_if_callback_breaks_setns(void)
{
    struct netns *own = NULL;

    begin();
    OK(netns_open_current(&own));
    FAILS(ENOTRECOVERABLE, netns_run(ns, fail_the_way_back, &(int){EPERM}, NULL));
    EQUAL(here(), netns_inode(ns));
    go_home(own);
    netns_close(own);
    end();
}

/* A thread that ends in the wrong namespace does not affect the process. */
static void *end_in_the_wrong_place(void *arg)
{
    planner = pthread_self();
    fail_calls(BACK, FOREVER, EPERM);
    FAILS(ENOTRECOVERABLE, netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    EQUAL(here(), netns_inode(ns));
    return arg;
}

static void process_works_after_ending_thread_in_wrong_namespace(void)
{
    pthread_t thread;
    int before;

    begin();
    before = open_descriptors();
    MUST(-pthread_create(&thread, NULL, end_in_the_wrong_place, NULL));
    MUST(-pthread_join(thread, NULL));
    EQUAL(here(), home);
    EQUAL(open_descriptors(), before);
    fail_none();
    close(OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0)));
    end();
}

int main(void)
{
    RUN(library_calls_interposed_setns);
    RUN(create_and_socket_use_helper_thread_if_setns_is_denied);
    RUN(enter_and_run_fail_with_eperm_if_setns_is_denied);
    RUN(verification_error_other_than_eperm_is_returned);
    RUN(failed_switch_keeps_thread_in_its_namespace);
    RUN(failed_leave_keeps_token_for_retry);
    RUN(run_that_cannot_switch_back_fails_with_enotrecoverable);
    RUN(socket_that_cannot_switch_back_closes_its_socket);
    RUN(create_that_cannot_switch_back_leaves_no_name);
    RUN(lo_up_that_cannot_switch_back_fails_with_enotrecoverable);
    RUN(failed_switch_back_is_retried);
    RUN(run_fails_with_enotrecoverable_if_callback_breaks_setns);
    RUN(process_works_after_ending_thread_in_wrong_namespace);
    return finish();
}
