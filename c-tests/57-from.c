/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* netns_socket_from and netns_run_from: for a thread whose own namespace the program keeps open. */
#include "fault.h"
#include "privilege.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* --- every switch that the library makes ------------------------------------------------------ */

static int switches;
/* The first switch that fails, counted from 1 (0: none), together with all that follow; and the errno. */
static int failing, failing_with;
/* The signals blocked at each of the first switches, according to the kernel. */
static uint64_t blocked[4];

static uint64_t blocked_signals(void)
{
    uint64_t mask = 0;

    MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask));
    return mask;
}

/* Replaces libc's function, also for the library. */
int setns(int fd, int type)
{
    if (switches < 4)
        blocked[switches] = blocked_signals();
    switches++;
    if (failing && switches >= failing) {
        errno = failing_with;
        return -1;
    }
    return (int)syscall(SYS_setns, fd, type);
}

static void fail_from(int first, int error)
{
    failing = first;
    failing_with = error;
    switches = 0;
}

/* --- the environment ---------------------------------------------------------------------------- */

static struct netns *ns, *home;
static uint64_t home_inode;
static int called;

static void begin(void)
{
    MUST(netns_create("blue", 0, &ns));
    MUST(netns_open_current(&home));
    home_inode = here();
    fail_from(0, 0);
}

static void end(void)
{
    EQUAL(here(), home_inode);
    netns_close(ns);
    netns_close(home);
}

static int count_call(void *arg)
{
    (void)arg;
    called++;
    EQUAL(here(), netns_inode(ns));
    return 7;
}

static int give_three(void *arg)
{
    (void)arg;
    return 3;
}

static uint64_t inode_of_socket(int fd)
{
    struct netns *its = NULL;
    uint64_t inode = 0;

    if (CHECK(fd >= 0) && OK(netns_open_fd(fd, &its)) == 0)
        inode = netns_inode(its);
    netns_close(its);
    return inode;
}

static void open_one(void)
{
    int fd = OK(netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));

    EQUAL(inode_of_socket(fd), netns_inode(ns));
    EQUAL(here(), home_inode);
    close(fd);
}

/* --- effects ------------------------------------------------------------------------------------ */

static void socket_from_opens_socket_in_ns_and_switches_back(void)
{
    static const struct { int domain, type, protocol; } sockets[] = {
        {AF_INET, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0},
        {AF_UNIX, SOCK_SEQPACKET, 0}, {AF_NETLINK, SOCK_RAW, 0}};

    begin();
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        int fd = OK(netns_socket_from(home, ns, sockets[i].domain, sockets[i].type, sockets[i].protocol));

        EQUAL(inode_of_socket(fd), netns_inode(ns));
        EQUAL(MUST(fcntl(fd, F_GETFD)), FD_CLOEXEC);
        EQUAL(!!(MUST(fcntl(fd, F_GETFL)) & O_NONBLOCK), !!(sockets[i].type & SOCK_NONBLOCK));
        EQUAL(here(), home_inode);
        close(fd);
    }
    end();
}

static void run_from_calls_function_in_ns_and_switches_back(void)
{
    int result = 0;

    begin();
    EQUAL(OK(netns_run_from(home, ns, count_call, NULL, &result)), 0);
    EQUAL(result, 7);
    EQUAL(here(), home_inode);
    OK(netns_run_from(home, ns, count_call, NULL, NULL));
    EQUAL(called, 2);
    end();
}

static int fail_with_errno(void *arg)
{
    (void)arg;
    return close(-1);
}

static void run_from_keeps_errno_of_function(void)
{
    int result = 0;

    begin();
    EQUAL(netns_run_from(home, ns, fail_with_errno, NULL, &result), 0);
    EQUAL(result, -1);
    EQUAL(errno, EBADF);
    end();
}

/* The first call verifies that the thread can switch back; from then on, two switches. */
static void calls_after_the_first_make_only_two_switches(void)
{
    begin();
    open_one();
    EQUAL(switches, 3);
    for (int i = 0; i < 3; i++) {
        switches = 0;
        open_one();
        EQUAL(switches, 2);
        switches = 0;
        OK(netns_run_from(home, ns, count_call, NULL, NULL));
        EQUAL(switches, 2);
    }
    end();
}

/* No descriptor either, except the socket itself. */
static void run_from_needs_no_descriptor_socket_from_needs_one(void)
{
    begin();
    allow_descriptors(0);
    OK(netns_run_from(home, ns, give_three, NULL, NULL));
    FAILS(EMFILE, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("RLIMIT_NOFILE");
    allow_descriptors(-1);
    allow_descriptors(1);
    close(OK(netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0)));
    allow_descriptors(-1);
    end();
}

static void work_in_a_bare_root(void *arg)
{
    (void)arg;
    MUST(mkdir("/run/root", 0755));
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
    CHECK(!exists("/proc"));
    for (int i = 0; i < 2; i++) {
        int fd = OK(netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));

        EQUAL(inode_of_socket(fd), netns_inode(ns));
        close(fd);
        OK(netns_run_from(home, ns, give_three, NULL, NULL));
    }
    EQUAL(netns_is_current(home), 1);
}

static void socket_from_and_run_from_work_without_proc(void)
{
    begin();
    IN_CHILD(work_in_a_bare_root, NULL);
    end();
}

static void calls_with_null_ns_do_not_switch(void)
{
    int result = 0, fd;

    begin();
    fd = OK(netns_socket_from(home, NULL, AF_INET, SOCK_STREAM, 0));
    EQUAL(inode_of_socket(fd), home_inode);
    close(fd);
    fd = OK(netns_socket_from(NULL, NULL, AF_INET, SOCK_STREAM, 0));
    EQUAL(inode_of_socket(fd), home_inode);
    close(fd);
    EQUAL(OK(netns_run_from(home, NULL, give_three, NULL, &result)), 0);
    EQUAL(result, 3);
    EQUAL(OK(netns_run_from(NULL, NULL, give_three, NULL, NULL)), 0);
    EQUAL(switches, 0);
    end();
}

static void calls_accept_home_as_target_namespace(void)
{
    int fd;

    begin();
    fd = OK(netns_socket_from(home, home, AF_INET, SOCK_STREAM, 0));
    EQUAL(inode_of_socket(fd), home_inode);
    close(fd);
    OK(netns_run_from(home, home, give_three, NULL, NULL));
    end();
}

/* The call does not check where the thread is: afterwards it is in `home`, as the header documents. */
static void calls_switch_to_home_even_if_started_elsewhere(void)
{
    struct netns *elsewhere = NULL;

    begin();
    MUST(netns_create(NULL, 0, &elsewhere));
    for (int i = 0; i < 2; i++) {
        MUST(netns_setns(elsewhere));
        open_one();
        MUST(netns_setns(elsewhere));
        OK(netns_run_from(home, ns, count_call, NULL, NULL));
        EQUAL(here(), home_inode);
    }
    netns_close(elsewhere);
    end();
}

/* --- rejected calls ----------------------------------------------------------------------------- */

static void null_home_or_function_fails_with_einval(void)
{
    int result = 4711;

    begin();
    FAILS(EINVAL, netns_socket_from(NULL, ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("to switch back to");
    FAILS(EINVAL, netns_run_from(NULL, ns, count_call, NULL, &result));
    MESSAGE_HAS("to switch back to");
    FAILS(EINVAL, netns_run_from(home, ns, NULL, NULL, &result));
    FAILS(EINVAL, netns_run_from(home, NULL, NULL, NULL, &result));
    EQUAL(called, 0);
    EQUAL(result, 4711);
    end();
}

static void socket_from_returns_errno_of_socket_call(void)
{
    begin();
    FAILS(EAFNOSUPPORT, netns_socket_from(home, ns, 9999, SOCK_STREAM, 0));
    EQUAL(here(), home_inode);
    FAILS(EPROTONOSUPPORT, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, IPPROTO_UDP));
    FAILS(ESOCKTNOSUPPORT, netns_socket_from(home, ns, AF_INET, 9, 0));
    FAILS(EINVAL, netns_socket_from(home, ns, AF_INET, -1, 0));
    FAILS(EAFNOSUPPORT, netns_socket_from(home, NULL, 9999, SOCK_STREAM, 0));
    end();
}

static void lack_a_capability(void *is_proven)
{
    if (is_proven)
        open_one();
    drop_capability(CAP_SYS_ADMIN);
    FAILS(EPERM, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("setns: ");
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS(EPERM, netns_run_from(home, ns, count_call, NULL, NULL));
    MESSAGE_HAS("setns: ");
    EQUAL(called, 0);
    EQUAL(here(), home_inode);
    close(OK(netns_socket_from(home, NULL, AF_INET, SOCK_STREAM, 0)));
}

static void calls_without_cap_sys_admin_fail_with_eperm(void)
{
    begin();
    IN_CHILD(lack_a_capability, NULL);
    IN_CHILD(lack_a_capability, home);
    end();
}

/* As after `unshare -Ur`: it could enter a namespace that it created, but not switch back. */
static void live_in_a_user_namespace(void *arg)
{
    struct netns *own = NULL;

    (void)arg;
    enter_user_namespace_with_run_directory(0);
    OK(netns_create(NULL, 0, &own));
    FAILS(EPERM, netns_socket_from(home, own, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("switch back");
    FAILS(EPERM, netns_run_from(home, own, count_call, NULL, NULL));
    MESSAGE_HAS("switch back");
    EQUAL(called, 0);
    EQUAL(here(), home_inode);
    /* This call still opens one, on another thread. */
    close(OK(netns_socket(own, AF_INET, SOCK_STREAM, 0)));
    netns_close(own);
}

static void calls_that_cannot_switch_back_fail_with_eperm(void)
{
    begin();
    IN_CHILD(live_in_a_user_namespace, NULL);
    end();
}

/* What has been verified in a process is verified again in its child, which may have fewer privileges. */
static void child_process_verifies_switch_back_again(void)
{
    begin();
    open_one();
    open_one();
    IN_CHILD(live_in_a_user_namespace, NULL);
    switches = 0;
    open_one();
    EQUAL(switches, 2);
    end();
}

/* --- switches that fail ------------------------------------------------------------------------- */

static void failed_verification_or_switch_returns_its_errno(void)
{
    begin();
    fail_from(1, EPERM);
    FAILS(EPERM, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("switch back");
    EQUAL(switches, 1);
    fail_from(1, ENOMEM);
    FAILS(ENOMEM, netns_run_from(home, ns, count_call, NULL, NULL));
    EQUAL(switches, 1);
    fail_from(2, ENOMEM);
    FAILS(ENOMEM, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));
    EQUAL(switches, 2);
    EQUAL(called, 0);
    fail_from(0, 0);
    open_one();
    end();
}

static void failed_switch_back_returns_enotrecoverable(void)
{
    int result = 4711;

    begin();
    fail_from(3, EPERM);
    FAILS(ENOTRECOVERABLE, netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0));
    MESSAGE_HAS("setns back");
    MESSAGE_HAS("wrong namespace");
    /* The switch is retried, in case memory is short only for a moment. */
    CHECK(switches > 3);
    EQUAL(here(), netns_inode(ns));
    MUST(syscall(SYS_setns, netns_fd(home), CLONE_NEWNET));
    fail_from(2, ENOMEM);
    FAILS(ENOTRECOVERABLE, netns_run_from(home, ns, count_call, NULL, &result));
    EQUAL(here(), netns_inode(ns));
    EQUAL(called, 1);
    EQUAL(result, 4711);
    MUST(syscall(SYS_setns, netns_fd(home), CLONE_NEWNET));
    fail_from(0, 0);
    open_one();
    end();
}

static int close_home(void *arg)
{
    (void)arg;
    MUST(close(netns_fd(home)));
    return 7;
}

static void run_from_fails_if_function_closes_home(void)
{
    int way_back, number;

    begin();
    number = netns_fd(home);
    way_back = MUST(fcntl(number, F_DUPFD_CLOEXEC, 100));
    FAILS(ENOTRECOVERABLE, netns_run_from(home, ns, close_home, NULL, NULL));
    MESSAGE_HAS("wrong namespace");
    EQUAL(here(), netns_inode(ns));
    /* Moved back to its number, for netns_close(). */
    EQUAL(MUST(fcntl(way_back, F_DUPFD_CLOEXEC, number)), number);
    close(way_back);
    MUST(setns(number, CLONE_NEWNET));
    end();
}

static int drop_admin(void *arg)
{
    drop_capability(CAP_SYS_ADMIN);
    return *(int *)arg;
}

static void run_what_drops_the_way_back(void *arg)
{
    FAILS(ENOTRECOVERABLE, netns_run_from(home, ns, drop_admin, &(int){1}, arg));
    MESSAGE_HAS("it may have lost CAP_SYS_ADMIN");
    EQUAL(here(), netns_inode(ns));
}

static void run_from_fails_if_function_drops_cap_sys_admin(void)
{
    begin();
    IN_CHILD(run_what_drops_the_way_back, NULL);
    end();
}

/* --- signals and threads ------------------------------------------------------------------------ */

#define EVERY_SIGNAL (~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1)))

/* No signal handler runs in the wrong namespace, and no setuid(2) of another thread removes the privilege
   to switch back. */
static void socket_from_blocks_all_signals_while_switched(void)
{
    uint64_t before;

    begin();
    before = blocked_signals();
    open_one();
    switches = 0;
    open_one();
    EQUAL(switches, 2);
    EQUAL(blocked[0] & EVERY_SIGNAL, EVERY_SIGNAL);
    EQUAL(blocked[1] & EVERY_SIGNAL, EVERY_SIGNAL);
    EQUAL(blocked_signals(), before);
    FAILS(EAFNOSUPPORT, netns_socket_from(home, ns, 9999, SOCK_STREAM, 0));
    EQUAL(blocked_signals(), before);
    end();
}

static int tell_blocked(void *place)
{
    *(uint64_t *)place = blocked_signals();
    return 0;
}

static void run_from_keeps_signal_mask_for_function(void)
{
    uint64_t there = 0;

    begin();
    OK(netns_run_from(home, ns, tell_blocked, &there, NULL));
    EQUAL(there, blocked_signals());
    end();
}

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
    CHECK(netns_run_from(home, ns, end_the_thread, NULL, NULL) > 0);
    pthread_cleanup_pop(0);
    return arg;
}

static void run_from_switches_back_if_function_exits_thread(void)
{
    pthread_t thread;
    void *result = NULL;

    begin();
    MUST(-pthread_create(&thread, NULL, run_what_ends_the_thread, NULL));
    MUST(-pthread_join(thread, &result));
    CHECK(result == &value_of_thread);
    EQUAL(cleaned_up_in, home_inode);
    EQUAL(threads_left(), 1);
    OK(netns_run_from(home, ns, count_call, NULL, NULL));
    end();
}

static int cancel_the_thread(void *arg)
{
    MUST(-pthread_cancel(pthread_self()));
    /* This would be a cancellation point if cancellation were enabled now. */
    sleep_ms(1);
    *(uint64_t *)arg = here();
    return 0;
}

static void *run_what_is_cancelled(void *arg)
{
    pthread_cleanup_push(clean_up, NULL);
    OK(netns_run_from(home, ns, cancel_the_thread, arg, NULL));
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return NULL;
}

static void run_from_defers_cancellation_until_switched_back(void)
{
    uint64_t went_on_in = 0;
    pthread_t thread;
    void *result = NULL;

    begin();
    MUST(-pthread_create(&thread, NULL, run_what_is_cancelled, &went_on_in));
    MUST(-pthread_join(thread, &result));
    CHECK(result == PTHREAD_CANCELED);
    EQUAL(went_on_in, netns_inode(ns));
    EQUAL(cleaned_up_in, home_inode);
    end();
}

/* The `from` namespace is the thread's current one. */
static int run_at_home(void *arg)
{
    (void)arg;
    EQUAL(OK(netns_run_from(ns, home, give_three, NULL, NULL)), 0);
    EQUAL(here(), netns_inode(ns));
    return 4;
}

static void run_from_can_be_nested(void)
{
    int result = 0;

    begin();
    OK(netns_run_from(home, ns, run_at_home, NULL, &result));
    EQUAL(result, 4);
    end();
}

static void *open_many(void *arg)
{
    for (int i = 0; i < (is_slow() ? 20 : 200); i++) {
        int fd = netns_socket_from(home, ns, AF_INET, SOCK_DGRAM, 0);

        if (!CHECK(fd >= 0))
            break;
        close(fd);
        CHECK(here() == home_inode);
    }
    return arg;
}

static void concurrent_threads_can_share_home_handle(void)
{
    pthread_t threads[4];

    begin();
    for (int i = 0; i < 4; i++)
        MUST(-pthread_create(&threads[i], NULL, open_many, NULL));
    for (int i = 0; i < 4; i++)
        MUST(-pthread_join(threads[i], NULL));
    end();
}

int main(void)
{
    RUN(socket_from_opens_socket_in_ns_and_switches_back);
    RUN(run_from_calls_function_in_ns_and_switches_back);
    RUN(run_from_keeps_errno_of_function);
    RUN(calls_after_the_first_make_only_two_switches);
    RUN(run_from_needs_no_descriptor_socket_from_needs_one);
    RUN(socket_from_and_run_from_work_without_proc);
    RUN(calls_with_null_ns_do_not_switch);
    RUN(calls_accept_home_as_target_namespace);
    RUN(calls_switch_to_home_even_if_started_elsewhere);
    RUN(null_home_or_function_fails_with_einval);
    RUN(socket_from_returns_errno_of_socket_call);
    RUN(calls_without_cap_sys_admin_fail_with_eperm);
    RUN(calls_that_cannot_switch_back_fail_with_eperm);
    RUN(child_process_verifies_switch_back_again);
    RUN(failed_verification_or_switch_returns_its_errno);
    RUN(failed_switch_back_returns_enotrecoverable);
    RUN(run_from_fails_if_function_closes_home);
    RUN(run_from_fails_if_function_drops_cap_sys_admin);
    RUN(socket_from_blocks_all_signals_while_switched);
    RUN(run_from_keeps_signal_mask_for_function);
    RUN(run_from_switches_back_if_function_exits_thread);
    RUN(run_from_defers_cancellation_until_switched_back);
    RUN(run_from_can_be_nested);
    RUN(concurrent_threads_can_share_home_handle);
    return finish();
}
