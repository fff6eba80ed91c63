/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many threads, each in its own namespace, use each other's namespaces. */
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>

#define THREADS 32

static struct netns *homes[THREADS];
static struct netns *shared;
static pthread_barrier_t start;

static int rounds(void)
{
    return is_slow() ? 5 : 100;
}

/* Runs the function on every thread with its index. All start at the same time, and the call returns when
   all have ended. */
static void on_every_thread(void *(*function)(void *))
{
    pthread_t threads[THREADS];
    int i;
    uint64_t home = here();

    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++)
        MUST(-pthread_create(&threads[i], NULL, function, (void *)(intptr_t)i));
    for (i = 0; i < THREADS; i++)
        MUST(-pthread_join(threads[i], NULL));
    pthread_barrier_destroy(&start);
    EQUAL(threads_left(), 1);
    EQUAL(here(), home);
}

static int is_there(void *ns)
{
    return here() == netns_inode(ns);
}

static void visit(struct netns *other, uint64_t home)
{
    struct netns *of_socket = NULL;
    int token, fd, inside = 0;

    token = OK(netns_enter(other));
    EQUAL(here(), netns_inode(other));
    EQUAL(OK(netns_is_current(other)), 1);
    OK(netns_leave(token));
    EQUAL(here(), home);

    OK(netns_run(other, is_there, other, &inside));
    EQUAL(inside, 1);
    EQUAL(here(), home);

    fd = OK(netns_socket(other, AF_INET, SOCK_DGRAM, 0));
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_equal(of_socket, other), 1);
    EQUAL(here(), home);
    netns_close(of_socket);
    close(fd);
}

static bool is_listed(const char *name, uint64_t inode)
{
    struct netns_name_snapshot *list = NULL;
    bool found = false;
    size_t i;

    OK(netns_list(0, &list));
    for (i = 0; i < netns_list_len(list); i++)
        found |= !strcmp(netns_list_name(list, i), name) && netns_list_inode(list, i) == inode;
    netns_list_free(list);
    return found;
}

static void make_and_remove(int index, int round, uint64_t home)
{
    struct netns_name_snapshot *of_ns = NULL;
    struct netns *ns = NULL, *again = NULL;
    char name[32];

    snprintf(name, sizeof name, "thread-%d-%d", index, round);
    OK(netns_create(name, round % 2 ? NETNS_CREATE_LO_UP : 0, &ns));
    EQUAL(here(), home);
    OK(netns_open(name, 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    CHECK(is_listed(name, netns_inode(ns)));
    OK(netns_names(ns, 0, &of_ns));
    EQUAL(netns_list_len(of_ns), 1);
    SAME(netns_list_name(of_ns, 0), name);
    OK(netns_remove(name, 0));
    CHECK(!is_listed(name, netns_inode(ns)));
    EQUAL(here(), home);
    netns_list_free(of_ns);
    netns_close(again);
    netns_close(ns);
}

static void *about_and_home(void *arg)
{
    int index = (intptr_t)arg, round;
    uint64_t home = netns_inode(homes[index]);

    OK(netns_setns(homes[index]));
    pthread_barrier_wait(&start);
    for (round = 0; round < rounds() && !test_failures; round++) {
        visit(homes[(index + 1 + round) % THREADS], home);
        make_and_remove(index, round, home);
        EQUAL(OK(netns_is_current(homes[index])), 1);
    }
    EQUAL(here(), home);
    return NULL;
}

static void concurrent_calls_restore_namespace_of_each_thread(void)
{
    int before = mounts_at(NULL), i;

    for (i = 0; i < THREADS; i++)
        MUST(netns_create(NULL, 0, &homes[i]));
    on_every_thread(about_and_home);
    for (i = 0; i < THREADS; i++)
        netns_close(homes[i]);
    SAME(names(), "");
    EQUAL(mounts_at(NULL), before);
}

static void *with_the_shared_handle(void *arg)
{
    uint64_t home = here(), cookie = COOKIE_OF(shared);
    struct netns_name_snapshot *list = NULL;
    pid_t pids[8];
    int round;

    (void)arg;
    pthread_barrier_wait(&start);
    for (round = 0; round < rounds() && !test_failures; round++) {
        visit(shared, home);
        EQUAL(COOKIE_OF(shared), cookie);
        OK(netns_names(shared, 0, &list));
        EQUAL(netns_list_len(list), 1);
        netns_list_free(list);
        SAME(netns_name(shared), "shared");
        SAME(netns_path(shared), "/run/netns/shared");
        if (round % 10 == 0)
            OK(netns_pids(shared, NETNS_PIDS_THREADS, pids, 8));
    }
    EQUAL(here(), home);
    return NULL;
}

static void threads_can_share_one_handle(void)
{
    MUST(netns_create("shared", 0, &shared));
    on_every_thread(with_the_shared_handle);
    netns_close(shared);
}

static int winners;

static void *creates_the_one_name(void *arg)
{
    int rc;

    (void)arg;
    pthread_barrier_wait(&start);
    rc = netns_create("one", 0, NULL);
    CHECK(rc == 0 || rc == -EEXIST);
    if (rc == 0)
        __atomic_add_fetch(&winners, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void concurrent_creates_of_one_name_succeed_once(void)
{
    int i;

    for (i = 0; i < rounds() / 5; i++) {
        winners = 0;
        on_every_thread(creates_the_one_name);
        EQUAL(winners, 1);
        SAME(names_in(NULL, NETNS_LIST_STALE), "one");
        EQUAL(mounts_at("/run/netns/one"), 1);
        OK(netns_remove("one", 0));
    }
}

static void *creates_or_opens_the_one_name(void *arg)
{
    pthread_barrier_wait(&start);
    OK(netns_create("one", NETNS_CREATE_EXIST_OK, &homes[(intptr_t)arg]));
    return NULL;
}

static void exist_ok_returns_one_namespace_to_all_threads(void)
{
    int i, j;

    for (i = 0; i < rounds() / 5; i++) {
        on_every_thread(creates_or_opens_the_one_name);
        EQUAL(mounts_at("/run/netns/one"), 1);
        OK(netns_remove("one", 0));
        for (j = 0; j < THREADS; j++) {
            EQUAL(netns_inode(homes[j]), netns_inode(homes[0]));
            if (j > 0)
                netns_close(homes[j]);
        }
        netns_close(homes[0]);
    }
}

static void *makes_and_removes_what_all_do(void *arg)
{
    int round, rc;

    (void)arg;
    pthread_barrier_wait(&start);
    for (round = 0; round < rounds() / 5; round++) {
        rc = netns_create("one", 0, NULL);
        CHECK(rc == 0 || rc == -EEXIST);
        rc = netns_remove("one", 0);
        CHECK(rc == 0 || rc == -ENOENT);
    }
    return NULL;
}

static void concurrent_create_and_remove_leave_no_name(void)
{
    int before = mounts_at(NULL);

    on_every_thread(makes_and_removes_what_all_do);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    CHECK(!exists("/run/netns/one"));
    EQUAL(mounts_at(NULL), before);
}

static void *has_a_message_of_its_own(void *arg)
{
    char name[32];
    int round;

    pthread_barrier_wait(&start);
    SAME(netns_errmsg(), "");
    for (round = 0; round < rounds(); round++) {
        snprintf(name, sizeof name, "missing-%d-%d", (int)(intptr_t)arg, round);
        FAILS(ENOENT, netns_open(name, 0, &(struct netns *){NULL}));
        MESSAGE_HAS(name);
    }
    return NULL;
}

static void error_message_is_per_thread(void)
{
    on_every_thread(has_a_message_of_its_own);
    SAME(netns_errmsg(), "");
}

/* There, threads can be created only in a new process. */
static void first_create_after_unshare_pid_fails_with_eagain(void)
{
    struct netns *ns;

    if (unshare(CLONE_NEWPID) < 0)
        skip("this kernel makes no PID namespace");
    FAILS_UNTOUCHED(EAGAIN, ns, netns_create("blue", 0, &ns));
    CHECK(strstr(netns_errmsg(), "start a helper thread: Invalid argument (a process that has unshared"));
    SAME(names(), "");
}

int main(void)
{
    RUN(concurrent_calls_restore_namespace_of_each_thread);
    RUN(threads_can_share_one_handle);
    RUN(concurrent_creates_of_one_name_succeed_once);
    RUN(exist_ok_returns_one_namespace_to_all_threads);
    RUN(concurrent_create_and_remove_leave_no_name);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_creates_of_one_name_succeed_once);
    RUN(error_message_is_per_thread);
    RUN_WITHOUT_RUN_DIRECTORY(first_create_after_unshare_pid_fails_with_eagain);
    return finish();
}
