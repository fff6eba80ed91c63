/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the names of network namespaces as they are added and removed, from a libevent loop.
 *
 *     cc monitor-libevent.c $(pkg-config --cflags --libs netns libevent_core) -o monitor-libevent
 *     ./monitor-libevent          # until SIGINT or SIGTERM
 *
 * Privilege: none. Cleanup: none; it creates nothing.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <libnetns/netns.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct watcher {
    struct netns_monitor *monitor;
    struct event *retry;
};

static void *check(void *made)
{
    if (made)
        return made;
    fprintf(stderr, "monitor-libevent: libevent: out of memory or file descriptors\n");
    exit(1);
}

static void take_events(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval second = {.tv_sec = 1};
    struct netns_event event = NETNS_EVENT_INIT;
    struct watcher *watcher = arg;
    int rc;

    (void)fd;
    (void)what;
    while ((rc = netns_monitor_next(watcher->monitor, &event)) > 0) {
        if (event.type == NETNS_EVENT_ADD)
            printf("added %s %" PRIu64 "\n", event.name, event.inode);
        else if (event.type == NETNS_EVENT_REMOVE)
            printf("removed %s %" PRIu64 "\n", event.name, event.inode);
        /* A later version of the library may have other types of events: ignore them. */
    }
    if (rc == 0)
        return;
    /* Out of descriptors or memory, for example. No event is lost, but none wakes the loop. */
    fprintf(stderr, "monitor-libevent: %s; trying again\n", netns_errmsg());
    evtimer_add(watcher->retry, &second);
}

static void stop(evutil_socket_t signal, short what, void *base)
{
    (void)signal;
    (void)what;
    event_base_loopbreak(base);
}

int main(void)
{
    struct event_base *base = check(event_base_new());
    struct event *ready, *interrupt, *terminate;
    struct watcher watcher;

    /* A line is complete when it is printed, also in a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* The names that exist come first, as if they had just been added. */
    if (netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &watcher.monitor) < 0) {
        fprintf(stderr, "monitor-libevent: %s\n", netns_errmsg());
        return 1;
    }
    /* Level-triggered, libevent's default: EV_ET would need a read until EAGAIN. */
    ready = check(event_new(base, netns_monitor_fd(watcher.monitor), EV_READ | EV_PERSIST,
                            take_events, &watcher));
    watcher.retry = check(evtimer_new(base, take_events, &watcher));
    interrupt = check(evsignal_new(base, SIGINT, stop, base));
    terminate = check(evsignal_new(base, SIGTERM, stop, base));
    if (event_add(ready, NULL) < 0 || event_add(interrupt, NULL) < 0 ||
        event_add(terminate, NULL) < 0) {
        fprintf(stderr, "monitor-libevent: event_add failed\n");
        return 1;
    }

    take_events(-1, 0, &watcher);
    if (event_base_dispatch(base) < 0) {
        fprintf(stderr, "monitor-libevent: event_base_dispatch failed\n");
        return 1;
    }

    event_free(terminate);
    event_free(interrupt);
    event_free(watcher.retry);
    /* The event before the monitor: the descriptor must still be open when libevent lets go of it. */
    event_free(ready);
    netns_monitor_close(watcher.monitor);
    event_base_free(base);
    return 0;
}
