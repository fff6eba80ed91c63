/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The processes in a namespace. */
#include "mover.h"
#include "privilege.h"

#include <sys/socket.h>

#define CHILDREN 3
#define ROOM 4096
/* Marks elements that were not written. */
#define GUARD ((pid_t)-4242)

static pid_t found[ROOM];

/* Fills found and returns the count. Checks that it fits and that the ids are in ascending order. */
static ssize_t find(const struct netns *ns, uint32_t flags)
{
    ssize_t count = OK(netns_pids(ns, flags, found, ROOM));

    CHECK(count <= ROOM);
    for (ssize_t i = 1; i < count; i++)
        CHECK(found[i - 1] < found[i]);
    return count;
}

static bool has(ssize_t count, pid_t pid)
{
    for (ssize_t i = 0; i < count; i++)
        if (found[i] == pid)
            return true;
    return false;
}

/* --- processes in the namespace --------------------------------------------------------------- */

static void pids_returns_processes_in_ascending_order(void)
{
    struct netns *ns = NULL, *other = NULL;
    pid_t children[CHILDREN], elsewhere;
    ssize_t count;

    OK(netns_create("blue", 0, &ns));
    OK(netns_create("red", 0, &other));
    for (int i = 0; i < CHILDREN; i++)
        children[i] = start_in(ns);
    elsewhere = start_in(other);
    count = find(ns, 0);
    EQUAL(count, CHILDREN);
    for (int i = 0; i < CHILDREN; i++)
        CHECK(has(count, children[i]));
    count = find(other, 0);
    EQUAL(count, 1);
    EQUAL(found[0], elsewhere);
    for (int i = 0; i < CHILDREN; i++)
        stop(children[i]);
    stop(elsewhere);
    netns_close(ns);
    netns_close(other);
}

static void pids_of_empty_namespace_returns_0(void)
{
    struct netns *ns = NULL;
    int fd;

    OK(netns_create("blue", 0, &ns));
    EQUAL(find(ns, 0), 0);
    EQUAL(find(ns, NETNS_PIDS_THREADS), 0);
    /* A process that has only a handle or a socket is not in the namespace. */
    fd = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    EQUAL(find(ns, 0), 0);
    close(fd);
    netns_close(ns);
}

static void pids_of_current_namespace_includes_caller(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    CHECK(has(find(home, 0), getpid()));
    CHECK(has(find(home, NETNS_PIDS_THREADS), gettid()));
    netns_close(home);
}

static void pids_follows_process_that_calls_setns(void)
{
    struct netns *home = NULL, *ns = NULL;

    OK(netns_open_current(&home));
    OK(netns_create("blue", 0, &ns));
    OK(netns_setns(ns));
    EQUAL(find(ns, 0), 1);
    EQUAL(found[0], getpid());
    CHECK(!has(find(home, 0), getpid()));
    OK(netns_setns(home));
    EQUAL(find(ns, 0), 0);
    CHECK(has(find(home, 0), getpid()));
    netns_close(home);
    netns_close(ns);
}

static void pids_ignores_zombies_and_ended_processes(void)
{
    struct netns *ns = NULL;
    siginfo_t info;
    pid_t stays, ends;

    OK(netns_create("blue", 0, &ns));
    stays = start_in(ns);
    ends = start_in(ns);
    EQUAL(find(ns, 0), 2);
    /* Before it is waited for, it is a zombie, and in no namespace. */
    MUST(kill(ends, SIGKILL));
    MUST(waitid(P_PID, ends, &info, WEXITED | WNOWAIT));
    EQUAL(find(ns, 0), 1);
    EQUAL(found[0], stays);
    EQUAL(find(ns, NETNS_PIDS_THREADS), 1);
    wait_for(ends);
    EQUAL(find(ns, 0), 1);
    stop(stays);
    EQUAL(find(ns, 0), 0);
    netns_close(ns);
}

static void handles_of_same_namespace_return_same_pids(void)
{
    struct netns *ns = NULL, *same = NULL;
    pid_t child;

    OK(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    OK(netns_open_pid(child, &same));
    EQUAL(find(same, 0), 1);
    EQUAL(found[0], child);
    netns_close(same);
    OK(netns_attach(ns, "blue", 0));
    OK(netns_open("blue", 0, &same));
    OK(netns_remove("blue", 0));
    EQUAL(find(same, 0), 1);
    EQUAL(found[0], child);
    netns_close(same);
    stop(child);
    netns_close(ns);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void pids_reports_switched_thread_only_with_threads_flag(void)
{
    struct netns *home = NULL, *ns = NULL;
    struct mover mover;

    OK(netns_open_current(&home));
    OK(netns_create("blue", 0, &ns));
    start_mover(&mover, ns, NULL, NULL);
    EQUAL(find(ns, NETNS_PIDS_THREADS), 1);
    EQUAL(found[0], mover.tid);
    CHECK(mover.tid != getpid());
    /* Without the flag, a process counts as being in its main thread's namespace. */
    EQUAL(find(ns, 0), 0);
    CHECK(has(find(home, 0), getpid()));
    CHECK(!has(find(home, NETNS_PIDS_THREADS), mover.tid));
    end_mover(&mover);
    EQUAL(threads_left(), 1);
    EQUAL(find(ns, NETNS_PIDS_THREADS), 0);
    netns_close(home);
    netns_close(ns);
}

static void pids_threads_reports_each_thread_in_the_namespace(void)
{
    struct netns *ns = NULL, *home = NULL;
    struct mover stays, goes;
    ssize_t count;

    OK(netns_open_current(&home));
    OK(netns_create("blue", 0, &ns));
    OK(netns_setns(ns));
    start_mover(&stays, NULL, NULL, NULL);
    start_mover(&goes, home, NULL, NULL);
    EQUAL(find(ns, 0), 1);
    EQUAL(found[0], getpid());
    count = find(ns, NETNS_PIDS_THREADS);
    EQUAL(count, 2);
    CHECK(has(count, getpid()));
    CHECK(has(count, stays.tid));
    CHECK(has(find(home, NETNS_PIDS_THREADS), goes.tid));
    CHECK(!has(find(home, 0), goes.tid));
    end_mover(&stays);
    end_mover(&goes);
    OK(netns_setns(home));
    netns_close(home);
    netns_close(ns);
}

/* --- buffer sizes ----------------------------------------------------------------------------- */

static void pids_returns_full_count_if_buffer_is_too_small(void)
{
    struct netns *ns = NULL;
    pid_t children[CHILDREN], pids[CHILDREN + 1], all[CHILDREN];

    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < CHILDREN; i++)
        children[i] = start_in(ns);
    EQUAL(OK(netns_pids(ns, 0, NULL, 0)), CHILDREN);
    EQUAL(OK(netns_pids(ns, NETNS_PIDS_THREADS, NULL, 0)), CHILDREN);
    EQUAL(OK(netns_pids(ns, 0, all, CHILDREN)), CHILDREN);
    for (size_t cap = 0; cap <= CHILDREN + 1; cap++) {
        for (int i = 0; i <= CHILDREN; i++)
            pids[i] = GUARD;
        EQUAL(OK(netns_pids(ns, 0, pids, cap)), CHILDREN);
        for (size_t i = 0; i <= CHILDREN; i++)
            EQUAL(pids[i], i < cap && i < CHILDREN ? all[i] : GUARD);
    }
    for (int i = 0; i < CHILDREN; i++)
        stop(children[i]);
    netns_close(ns);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void invalid_arguments_fail_with_einval(void)
{
    struct netns *ns = NULL;
    pid_t pid = GUARD;

    OK(netns_open_current(&ns));
    FAILS(EINVAL, netns_pids(NULL, 0, &pid, 1));
    MESSAGE_HAS("no namespace given");
    FAILS(EINVAL, netns_pids(NULL, 0, NULL, 0));
    FAILS(EINVAL, netns_pids(ns, 0, NULL, 1));
    FAILS(EINVAL, netns_pids(ns, NETNS_PIDS_THREADS, NULL, SIZE_MAX));
    for (int bit = 0; bit < 32; bit++)
        if (1u << bit != NETNS_PIDS_THREADS) {
            FAILS(EINVAL, netns_pids(ns, 1u << bit, &pid, 1));
            FAILS(EINVAL, netns_pids(ns, 1u << bit | NETNS_PIDS_THREADS, &pid, 1));
        }
    EQUAL(pid, GUARD);
    netns_close(ns);
}

static void pids_without_descriptors_fails_with_emfile(void)
{
    struct netns *ns = NULL;
    pid_t child;

    OK(netns_create("blue", 0, &ns));
    child = start_in(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_pids(ns, 0, NULL, 0));
    RUNS_OUT_OF_DESCRIPTORS(netns_pids(ns, NETNS_PIDS_THREADS, NULL, 0));
    EQUAL(find(ns, NETNS_PIDS_THREADS), 1);
    stop(child);
    netns_close(ns);
}

static void look_without_proc(void *arg)
{
    MUST(unshare(CLONE_NEWNS));
    /* Mounts inherited by a user namespace cannot be unmounted. */
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    FAILS(ENOENT, netns_pids(arg, 0, NULL, 0));
    FAILS(ENOENT, netns_pids(arg, NETNS_PIDS_THREADS, NULL, 0));
}

static void pids_without_proc_fails_with_enoent(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    IN_CHILD(look_without_proc, home);
    netns_close(home);
}

static void look_with_a_foreign_proc(void *arg)
{
    struct netns *home = arg;
    pid_t pids[ROOM];

    FAILS(ENOENT, netns_pids(home, 0, pids, ROOM));
    MESSAGE_HAS("/proc belongs to another PID namespace");
    FAILS(ENOENT, netns_pids(home, NETNS_PIDS_THREADS, pids, ROOM));
}

static void look_from_inside(void *arg)
{
    look_with_a_foreign_proc(arg);
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        skip("cannot mount a procfs here");
    EQUAL(find(arg, 0), 1);
    EQUAL(found[0], getpid());
}

/* The mounted /proc is that of an inner PID namespace, which does not contain this process. */
static void look_from_outside(void *arg)
{
    int ready[2];
    pid_t inside;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    MUST(unshare(CLONE_NEWNS | CLONE_NEWPID));
    inside = MUST(fork());
    if (inside == 0) {
        MUST(write(ready[1], mount("proc", "/proc", "proc", 0, NULL) < 0 ? "-" : "+", 1));
        for (;;)
            pause();
    }
    MUST(read(ready[0], &byte, 1));
    if (byte == '+')
        look_with_a_foreign_proc(arg);
    MUST(umount2("/proc", MNT_DETACH));
    kill(inside, SIGKILL);
    wait_for(inside);
    if (byte != '+')
        skip("cannot mount a procfs here");
}

static void look_from_a_pid_namespace(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(look_from_inside, arg);
}

static void proc_of_another_pid_namespace_fails_with_enoent(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    IN_CHILD(look_from_a_pid_namespace, home);
    IN_CHILD(look_from_outside, home);
    netns_close(home);
}

static void look_as_a_plain_user(void *arg)
{
    struct netns *home = arg;
    ssize_t count;

    become_plain_user();
    count = find(home, 0);
    CHECK(has(count, getpid()));
    CHECK(!has(count, getppid()));
    CHECK(!has(find(home, NETNS_PIDS_THREADS), getppid()));
}

static void unprivileged_pids_omits_processes_of_other_users(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    IN_CHILD(look_as_a_plain_user, home);
    netns_close(home);
}

int main(void)
{
    RUN(pids_returns_processes_in_ascending_order);
    RUN(pids_of_empty_namespace_returns_0);
    RUN(pids_of_current_namespace_includes_caller);
    RUN(pids_follows_process_that_calls_setns);
    RUN(pids_ignores_zombies_and_ended_processes);
    RUN(handles_of_same_namespace_return_same_pids);

    RUN(pids_reports_switched_thread_only_with_threads_flag);
    RUN(pids_threads_reports_each_thread_in_the_namespace);

    RUN(pids_returns_full_count_if_buffer_is_too_small);

    RUN(invalid_arguments_fail_with_einval);
    RUN(pids_without_descriptors_fails_with_emfile);
    RUN(pids_without_proc_fails_with_enoent);
    RUN(proc_of_another_pid_namespace_fails_with_enoent);
    RUN(unprivileged_pids_omits_processes_of_other_users);
    return finish();
}
