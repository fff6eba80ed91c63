/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls that move the calling thread, and calls that query a namespace. */
#ifndef NETNS_FAULTS_THREADS_H
#define NETNS_FAULTS_THREADS_H

#include "names.h"

/* --- switching and returning ------------------------------------------------------------------ */

static long long go_one_way(void)
{
    return netns_setns(blue);
}

static long long move_with_mounts(void)
{
    return netns_setns_mounts(blue, 0);
}

static long long move_with_neither(void)
{
    return netns_setns_mounts(blue, NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC);
}

static long long enter(void)
{
    return netns_enter(blue);
}

static int token;

static void enter_before(void)
{
    token = MUST(netns_enter(blue));
}

static long long leave(void)
{
    return netns_leave(token);
}

static int give_inode(void *arg)
{
    int before = errno;

    /* This call may be the one that fails. */
    while ((*(uint64_t *)arg = here()) == 0)
        ;
    errno = before;
    return 42;
}

static uint64_t run_in;

static long long run(void)
{
    return netns_run(blue, give_inode, &run_in, &received.result);
}

static long long open_socket(void)
{
    return netns_socket(blue, AF_INET, SOCK_STREAM, 0);
}

static int ask_nothing(void *arg)
{
    *(uint64_t *)arg = home;
    return 42;
}

static long long run_here(void)
{
    return netns_run(NULL, ask_nothing, &run_in, &received.result);
}

static long long open_socket_here(void)
{
    return netns_socket(NULL, AF_INET, SOCK_STREAM, 0);
}

static void make_blue_and_keep_home(void)
{
    make_blue();
    MUST(netns_open_current(&red));
}

static long long run_from_home(void)
{
    return netns_run_from(red, blue, give_inode, &run_in, &received.result);
}

static long long open_socket_from_home(void)
{
    return netns_socket_from(red, blue, AF_INET, SOCK_STREAM, 0);
}

/* It has verified before that it can switch back. */
static void open_and_close_one(void)
{
    close(MUST(netns_socket_from(red, blue, AF_INET, SOCK_STREAM, 0)));
}

static void check_in_blue(bool done)
{
    WANT((here() == netns_inode(blue)) == done);
}

static void check_entered(bool done)
{
    check_in_blue(done);
    if (done) {
        WANT(netns_leave(rc) == 0);
        WANT(here() == home);
    }
}

/* After a failure, the token can be used again. */
static void check_left(bool done)
{
    if (!done)
        WANT(netns_leave(token) == 0);
    WANT(here() != netns_inode(blue));
}

static void check_run(bool done)
{
    WANT(run_in == (done || rc == -ENOTRECOVERABLE ? netns_inode(blue) : 0));
    if (done)
        WANT(received.result == 42);
}

static void check_run_here(bool done)
{
    WANT(run_in == (done ? home : 0));
    if (done)
        WANT(received.result == 42);
}

static void check_socket_here(bool done)
{
    struct netns *its = NULL;

    if (!done)
        return;
    WANT(netns_open_fd(rc, &its) == 0 && netns_inode(its) == home);
    netns_close(its);
    close(rc);
}

static void check_socket(bool done)
{
    struct netns *its = NULL;

    if (!done)
        return;
    WANT(netns_open_fd(rc, &its) == 0 && netns_equal(its, blue));
    netns_close(its);
    close(rc);
}

/* --- queries ---------------------------------------------------------------------------------- */

static long long ask_device_number(void)
{
    return netns_device(blue) ? 0 : 0;
}

static long long ask_cookie(void)
{
    return netns_cookie(blue, &received.cookie);
}

static long long ask_is_current(void)
{
    return netns_is_current(blue);
}

static void check_not_current(bool done)
{
    if (done)
        WANT(rc == 0);
}

static void check_current(bool done)
{
    if (done)
        WANT(rc == 1);
}

static void be_in_blue(void)
{
    MUST(netns_setns(blue));
}

static long long find_pids(void)
{
    return netns_pids(blue, 0, received.pids, 64);
}

static long long find_threads(void)
{
    return netns_pids(blue, NETNS_PIDS_THREADS, received.pids, 64);
}

static pid_t residents[2];

static void make_inhabited_blue(void)
{
    make_blue();
    for (size_t i = 0; i < 2; i++)
        residents[i] = start_in(blue);
}

static void check_residents(bool done)
{
    if (!done)
        return;
    WANT(rc == 2 && received.pids[0] == residents[0] && received.pids[1] == residents[1]);
}

static char value_read[64];

static long long read_sysctl(void)
{
    return netns_sysctl_get(blue, "net.ipv4.tcp_rmem", value_read, sizeof value_read);
}

static void check_read(bool done)
{
    WANT((value_read[0] != '\0') == done);
    if (done)
        WANT(rc == (long long)strlen(value_read));
}

static long long set_sysctl(void)
{
    return netns_sysctl_set(blue, "net.ipv4.ip_default_ttl", "77");
}

static void check_set(bool done)
{
    char value[8] = "";

    WANT(netns_sysctl_get(blue, "net.ipv4.ip_default_ttl", value, sizeof value) == 2);
    /* The value stays changed if the thread could not switch back. */
    if (rc != -ENOTRECOVERABLE)
        WANT((strcmp(value, "77") == 0) == done);
}

static const struct scenario thread_scenarios[] = {
    {"netns_setns", "", ONE_WAY, make_blue, NULL, go_one_way, check_in_blue},
    {"netns_setns_mounts", "", ONE_WAY, make_blue, NULL, move_with_mounts, check_in_blue},
    {"netns_setns_mounts", "rootless", ROOTLESS | ONE_WAY, make_blue, NULL, move_with_mounts, check_in_blue},
    {"netns_setns_mounts", "without /sys and /etc", ONE_WAY, make_blue, NULL, move_with_neither,
     check_in_blue},
    {"netns_enter", "", ONE_WAY, make_blue, NULL, enter, check_entered},
    {"netns_leave", "", ONE_WAY, make_blue, enter_before, leave, check_left},
    {"netns_run", "", 0, make_blue, NULL, run, check_run},
    {"netns_run", "where the thread is", MAKES_NO_CALL, NULL, NULL, run_here, check_run_here},
    {"netns_socket", "", 0, make_blue, NULL, open_socket, check_socket},
    {"netns_socket", "where the thread is", 0, NULL, NULL, open_socket_here, check_socket_here},
    {"netns_run_from", "", 0, make_blue_and_keep_home, NULL, run_from_home, check_run},
    {"netns_run_from", "again", 0, make_blue_and_keep_home, open_and_close_one, run_from_home, check_run},
    {"netns_socket_from", "", 0, make_blue_and_keep_home, NULL, open_socket_from_home, check_socket},
    {"netns_socket_from", "again", 0, make_blue_and_keep_home, open_and_close_one,
     open_socket_from_home, check_socket},
    {"netns_socket", "rootless", ROOTLESS, make_blue, NULL, open_socket, check_socket},
    {"netns_device", "", RETURNS_NOTHING, make_blue, NULL, ask_device_number, NULL},
    {"netns_cookie", "", 0, make_blue, NULL, ask_cookie, NULL},
    {"netns_is_current", "", 0, make_blue, NULL, ask_is_current, check_not_current},
    {"netns_is_current", "of where the thread is", 0, make_blue, be_in_blue, ask_is_current,
     check_current},
    {"netns_pids", "processes", 0, make_inhabited_blue, NULL, find_pids, check_residents},
    {"netns_pids", "threads", 0, make_inhabited_blue, NULL, find_threads, check_residents},
    {"netns_sysctl_get", "", 0, make_blue, NULL, read_sysctl, check_read},
    {"netns_sysctl_get", "rootless", ROOTLESS, make_blue, NULL, read_sysctl, check_read},
    {"netns_sysctl_set", "", 0, make_blue, NULL, set_sysctl, check_set},
    {"netns_sysctl_set", "rootless", ROOTLESS, make_blue, NULL, set_sysctl, check_set},
};

#endif
