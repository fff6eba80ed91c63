/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The run directory's lock. Any process that can read the directory can hold it, so the library waits for
 * one second and then continues without it.
 */
#include "ip.h"

#include <pthread.h>

/* The wait is one second. Only a hang takes longer than the upper bound. */
#define WAITED(start) \
    (CHECK(seconds() - (start) >= 0.9), CHECK(seconds() - (start) < 60))

/* Less than the second that a call without the lock waits. */
#define WITHOUT_A_WAIT 0.9

/* On a busy machine any measurement may be late, but not every time. */
#define TRIES 20

/* Holds the lock until the descriptor is closed, as flock(1) on the directory does. */
static int hold_lock(int how)
{
    int fd = MUST(open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    MUST(flock(fd, how));
    return fd;
}

/* Whether nothing holds the lock. */
static bool lock_is_free(void)
{
    int fd = MUST(open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;

    close(fd);
    return is_free;
}

/* Each call does its work after waiting for one second. */
static void goes_on_without(int how)
{
    struct netns *ns = NULL, *made = NULL;
    double start;
    int lock;

    OK(netns_create(NULL, 0, &ns));
    lock = hold_lock(how);
    start = seconds();
    OK(netns_create("blue", 0, &made));
    WAITED(start);
    CHECK(is_netns("/run/netns/blue"));
    start = seconds();
    OK(netns_attach(ns, "green", 0));
    WAITED(start);
    SAME(names(), "blue green");
    start = seconds();
    OK(netns_remove("blue", 0));
    WAITED(start);
    CHECK(!exists("/run/netns/blue"));
    SAME(names(), "green");
    close(lock);
    netns_close(made);
    netns_close(ns);
}

static void calls_ignore_shared_lock_after_one_second(void)
{
    goes_on_without(LOCK_SH);
}

static void calls_ignore_exclusive_lock_after_one_second(void)
{
    goes_on_without(LOCK_EX);
}

static void do_what_needs_no_lock(const struct netns *blue)
{
    struct netns *opened = NULL;
    struct netns_name_snapshot *list = NULL;

    SAME(names(), "blue");
    OK(netns_names(blue, 0, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    OK(netns_open("blue", 0, &opened));
    netns_close(opened);
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    FAILS(EEXIST, netns_attach(blue, "blue", 0));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &opened));
    EQUAL(netns_equal(blue, opened), 1);
    netns_close(opened);
    OK(netns_create(NULL, 0, &opened));
    netns_close(opened);
}

static void calls_that_need_no_lock_do_not_wait(void)
{
    double start, fastest = 60;
    struct netns *ns = NULL;
    int lock, tries;

    OK(netns_create("blue", 0, &ns));
    lock = hold_lock(LOCK_EX);
    for (tries = 0; tries < TRIES && fastest >= WITHOUT_A_WAIT; tries++) {
        start = seconds();
        do_what_needs_no_lock(ns);
        if (seconds() - start < fastest)
            fastest = seconds() - start;
    }
    CHECK(fastest < WITHOUT_A_WAIT);
    close(lock);
    netns_close(ns);
}

/* Only the lock distinguishes a leftover file from one that is in use at the moment. */
static void marked_placeholder_is_not_stale_while_lock_is_held(void)
{
    double start;
    int lock;

    write_file("/run/netns/blue", "", 01000);
    lock = hold_lock(LOCK_SH);
    start = seconds();
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    WAITED(start);
    start = seconds();
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    WAITED(start);
    CHECK(exists("/run/netns/blue"));
    close(lock);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    OK(netns_create("blue", 0, NULL));
    SAME(names(), "blue");
}

/*
 * Removing a marked file requires the lock, as the test above shows. So when the name exists, the lock has
 * been taken.
 */
static void create_takes_lock_when_released(void)
{
    int lock, tries, rc = -EEXIST;
    pid_t pid;

    write_file("/run/netns/blue", "", 01000);
    for (tries = 0; tries < TRIES && rc == -EEXIST; tries++) {
        lock = hold_lock(LOCK_EX);
        pid = unlock_later(lock, 200);
        rc = netns_create("blue", 0, NULL);
        EQUAL(wait_for(pid), 0);
        close(lock);
    }
    EQUAL(rc, 0);
    CHECK(is_netns("/run/netns/blue"));
}

static void give_up_at_once(int how)
{
    struct netns *ns = NULL, *none;
    struct state before;
    int lock;

    OK(netns_create("blue", NETNS_CREATE_NOWAIT, &ns));
    lock = hold_lock(how);
    before = state_now();
    FAILS_UNTOUCHED(EAGAIN, none, netns_create("red", NETNS_CREATE_NOWAIT, &none));
    MESSAGE_HAS("lock /run/netns");
    FAILS_UNTOUCHED(EAGAIN, none, netns_create_at("/run/netns", "red",
                    NETNS_CREATE_NOWAIT | NETNS_CREATE_EXIST_OK, &none));
    UNCHANGED_SINCE(before);
    /* For an existing name the lock is not needed. */
    FAILS_UNTOUCHED(EEXIST, none, netns_create("blue", NETNS_CREATE_NOWAIT, &none));
    OK(netns_create("blue", NETNS_CREATE_NOWAIT | NETNS_CREATE_EXIST_OK, &none));
    EQUAL(netns_equal(ns, none), 1);
    netns_close(none);
    OK(netns_create(NULL, NETNS_CREATE_NOWAIT, &none));
    netns_close(none);
    close(lock);
    OK(netns_create("red", NETNS_CREATE_NOWAIT, NULL));
    netns_close(ns);
}

/* flock(2) would be retried while the thread sleeps. */
static void create_nowait_fails_with_eagain_if_lock_is_held(void)
{
    double start, fastest = 60;
    int tries;

    for (tries = 0; tries < TRIES && fastest >= WITHOUT_A_WAIT; tries++) {
        start = seconds();
        give_up_at_once(tries % 2 ? LOCK_SH : LOCK_EX);
        OK(netns_remove("red", 0));
        OK(netns_remove("blue", 0));
        if (seconds() - start < fastest)
            fastest = seconds() - start;
    }
    CHECK(fastest < WITHOUT_A_WAIT);
    give_up_at_once(LOCK_SH);
}

static void create_nowait_fails_with_eagain_while_name_is_created(void)
{
    struct netns *none;
    double start, fastest = 60;
    int tries;

    write_file("/run/netns/blue", "", 0);
    for (tries = 0; tries < TRIES && fastest >= WITHOUT_A_WAIT; tries++) {
        start = seconds();
        FAILS_UNTOUCHED(EAGAIN, none, netns_create("blue", NETNS_CREATE_NOWAIT, &none));
        FAILS_UNTOUCHED(EAGAIN, none, netns_create("blue", NETNS_CREATE_NOWAIT | NETNS_CREATE_EXIST_OK, &none));
        MESSAGE_HAS("another process is creating this name");
        if (seconds() - start < fastest)
            fastest = seconds() - start;
    }
    CHECK(fastest < WITHOUT_A_WAIT);
    CHECK(exists("/run/netns/blue"));
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    /* A placeholder of this library, which its creator keeps locked while it works. */
    MUST(chmod("/run/netns/blue", 01000));
    {
        int fd = MUST(open("/run/netns/blue", O_RDONLY | O_CLOEXEC));

        MUST(flock(fd, LOCK_EX));
        FAILS_UNTOUCHED(EAGAIN, none, netns_create("blue", NETNS_CREATE_NOWAIT, &none));
        FAILS(EEXIST, netns_create("blue", 0, NULL));
        close(fd);
    }
    OK(netns_create("blue", NETNS_CREATE_NOWAIT, NULL));
}

/* Starts a child that holds the lock and is killed after a while. */
static pid_t start_holder(long ms)
{
    int ready[2];
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    pid = MUST(fork());
    if (pid == 0) {
        hold_lock(LOCK_EX);
        MUST(write(ready[1], "", 1));
        sleep_ms(ms);
        raise(SIGKILL);
    }
    MUST(read(ready[0], &byte, 1));
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void create_takes_lock_when_holder_is_killed(void)
{
    int tries, rc = -EEXIST;
    pid_t pid;

    write_file("/run/netns/blue", "", 01000);
    for (tries = 0; tries < TRIES && rc == -EEXIST; tries++) {
        pid = start_holder(200);
        rc = netns_create("blue", 0, NULL);
        EQUAL(wait_for(pid), 128 + SIGKILL);
    }
    EQUAL(rc, 0);
    CHECK(is_netns("/run/netns/blue"));
}

static void calls_release_the_lock(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    CHECK(lock_is_free());
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    CHECK(lock_is_free());
    OK(netns_attach(ns, "green", 0));
    CHECK(lock_is_free());
    FAILS(ENOENT, netns_remove("missing", 0));
    CHECK(lock_is_free());
    OK(netns_remove("blue", 0));
    CHECK(lock_is_free());
    SAME(names_in(NULL, NETNS_LIST_STALE), "green");
    CHECK(lock_is_free());
    netns_close(ns);
}

/* iproute2 waits for the lock indefinitely. */
static void create_does_not_block_concurrent_ip_netns_add(void)
{
    double start;
    pid_t ip;
    int lock;

    need_ip();
    lock = hold_lock(LOCK_SH);
    start = seconds();
    ip = start_ip(-1, "add", "green", NULL, NULL);
    OK(netns_create("blue", 0, NULL));
    WAITED(start);
    SAME(names(), "blue");
    close(lock);
    EQUAL(wait_for(ip), 0);
    SAME(names(), "blue green");
    EQUAL(mounts_at("/run/netns/blue"), 1);
    EQUAL(mounts_at("/run/netns/green"), 1);
}

#define CREATORS 8
#define ALL_NAMES "name-0 name-1 name-2 name-3 name-4 name-5 name-6 name-7 one"

static void *create_one(void *arg)
{
    char name[16];

    snprintf(name, sizeof name, "name-%d", (int)(intptr_t)arg);
    OK(netns_create(name, 0, NULL));
    return NULL;
}

static void *create_the_same(void *winners)
{
    int rc = netns_create("one", 0, NULL);

    CHECK(rc == 0 || rc == -EEXIST);
    if (rc == 0)
        __atomic_add_fetch((int *)winners, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* All of them have waited for one second and now work concurrently without any lock. */
static void concurrent_creates_work_without_the_lock(void)
{
    pthread_t threads[2 * CREATORS];
    int lock = hold_lock(LOCK_SH), winners = 0, i;
    double start = seconds();

    for (i = 0; i < CREATORS; i++)
        MUST(-pthread_create(&threads[i], NULL, create_one, (void *)(intptr_t)i));
    for (; i < 2 * CREATORS; i++)
        MUST(-pthread_create(&threads[i], NULL, create_the_same, &winners));
    for (i = 0; i < 2 * CREATORS; i++)
        MUST(-pthread_join(threads[i], NULL));
    WAITED(start);
    EQUAL(winners, 1);
    SAME(names(), ALL_NAMES);
    close(lock);
    SAME(names_in(NULL, NETNS_LIST_STALE), ALL_NAMES);
}

#define CHILDREN 60

static void *create_and_remove_until_told(void *arg)
{
    const bool *enough = arg;

    while (!__atomic_load_n(enough, __ATOMIC_SEQ_CST)) {
        OK(netns_create("blue", 0, NULL));
        OK(netns_remove("blue", 0));
    }
    return NULL;
}

/* If the lock were released only by close(2), a child forked meanwhile, which shares the open file
   description, would keep it held. */
static void child_forked_during_call_does_not_hold_lock(void)
{
    pid_t children[CHILDREN];
    bool enough = false;
    pthread_t creator;
    int i;

    MUST(-pthread_create(&creator, NULL, create_and_remove_until_told, &enough));
    for (i = 0; i < CHILDREN; i++) {
        /* At a different point within a call each time. */
        usleep(100 + i * 10);
        children[i] = MUST(fork());
        if (children[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
    }
    __atomic_store_n(&enough, true, __ATOMIC_SEQ_CST);
    MUST(-pthread_join(creator, NULL));
    CHECK(lock_is_free());
    /* This call takes the lock. */
    write_file("/run/netns/green", "", 01000);
    OK(netns_create("green", 0, NULL));
    for (i = 0; i < CHILDREN; i++)
        stop(children[i]);
    SAME(names_in(NULL, NETNS_LIST_STALE), "green");
}

int main(void)
{
    RUN(calls_ignore_shared_lock_after_one_second);
    RUN(calls_ignore_exclusive_lock_after_one_second);
    RUN(calls_that_need_no_lock_do_not_wait);
    RUN(marked_placeholder_is_not_stale_while_lock_is_held);
    RUN(create_takes_lock_when_released);
    RUN(create_takes_lock_when_holder_is_killed);
    RUN(create_nowait_fails_with_eagain_if_lock_is_held);
    RUN(create_nowait_fails_with_eagain_while_name_is_created);
    RUN(calls_release_the_lock);
    RUN(create_does_not_block_concurrent_ip_netns_add);
    RUN(concurrent_creates_work_without_the_lock);
    RUN(child_forked_during_call_does_not_hold_lock);
    return finish();
}
