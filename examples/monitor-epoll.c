/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the names of network namespaces as they are added and removed, from an epoll(7) loop.
 *
 *     cc monitor-epoll.c $(pkg-config --cflags --libs netns) -o monitor-epoll
 *     ./monitor-epoll             # until SIGINT or SIGTERM
 *
 * Privilege: none. Cleanup: none; it creates nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <libnetns/netns.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RETRY_MS 1000

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "monitor-epoll: %s\n", netns_errmsg());
    exit(1);
}

/* Takes every event there is. Returns the timeout for epoll_wait(2). */
static int take_events(struct netns_monitor *monitor)
{
    struct netns_event event = NETNS_EVENT_INIT;
    int rc;

    while ((rc = netns_monitor_next(monitor, &event)) > 0) {
        if (event.type == NETNS_EVENT_ADD)
            printf("added %s %" PRIu64 "\n", event.name, event.inode);
        else if (event.type == NETNS_EVENT_REMOVE)
            printf("removed %s %" PRIu64 "\n", event.name, event.inode);
        /* A later version of the library may have other types of events: ignore them. */
    }
    if (rc == 0)
        return -1;
    /* Out of descriptors or memory, for example. No event is lost, but none wakes epoll_wait(2). */
    fprintf(stderr, "monitor-epoll: %s; trying again\n", netns_errmsg());
    return RETRY_MS;
}

static int open_signals(void)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        die("sigprocmask");
    fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd");
    return fd;
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

int main(void)
{
    struct netns_monitor *monitor;
    struct epoll_event ready;
    int epoll_fd, signal_fd, timeout;

    /* A line is complete when it is printed, also in a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* The names that exist come first, as if they had just been added. */
    must(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    signal_fd = open_signals();
    watch(epoll_fd, signal_fd);
    watch(epoll_fd, netns_monitor_fd(monitor));

    timeout = take_events(monitor);
    for (;;) {
        int count = epoll_wait(epoll_fd, &ready, 1, timeout);

        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        if (count > 0 && ready.data.fd == signal_fd)
            break;
        timeout = take_events(monitor);
    }

    close(signal_fd);
    close(epoll_fd);
    netns_monitor_close(monitor);
    return 0;
}
