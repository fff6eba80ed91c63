/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the names of network namespaces as they are added and removed, from an sd-event(3) loop.
 *
 *     cc monitor-sd-event.c $(pkg-config --cflags --libs netns libsystemd) -o monitor-sd-event
 *     ./monitor-sd-event          # until SIGINT or SIGTERM
 *
 * Privilege: none. Cleanup: none; it creates nothing.
 */
#include <inttypes.h>
#include <libnetns/netns.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#define RETRY_USEC 1000000

struct watcher {
    struct netns_monitor *monitor;
    sd_event_source *retry;
};

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "monitor-sd-event: %s: %s\n", what, strerror(-rc));
    exit(1);
}

/* A negative return value would disable the event source. */
static int take_events(struct watcher *watcher)
{
    struct netns_event event = NETNS_EVENT_INIT;
    int rc;

    while ((rc = netns_monitor_next(watcher->monitor, &event)) > 0) {
        if (event.type == NETNS_EVENT_ADD)
            printf("added %s %" PRIu64 "\n", event.name, event.inode);
        else if (event.type == NETNS_EVENT_REMOVE)
            printf("removed %s %" PRIu64 "\n", event.name, event.inode);
        /* A later version of the library may have other types of events: ignore them. */
    }
    if (rc == 0)
        return 0;
    /* Out of descriptors or memory, for example. No event is lost, but none wakes the loop. */
    fprintf(stderr, "monitor-sd-event: %s; trying again\n", netns_errmsg());
    check(sd_event_source_set_time_relative(watcher->retry, RETRY_USEC), "set the timer");
    check(sd_event_source_set_enabled(watcher->retry, SD_EVENT_ONESHOT), "start the timer");
    return 0;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *watcher)
{
    (void)source;
    (void)fd;
    (void)events;
    return take_events(watcher);
}

static int on_retry(sd_event_source *source, uint64_t now, void *watcher)
{
    (void)source;
    (void)now;
    return take_events(watcher);
}

int main(void)
{
    struct watcher watcher = {0};
    sd_event_source *ready = NULL;
    sd_event *loop = NULL;
    sigset_t signals;

    /* A line is complete when it is printed, also in a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* The names that exist come first, as if they had just been added. */
    if (netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &watcher.monitor) < 0) {
        fprintf(stderr, "monitor-sd-event: %s\n", netns_errmsg());
        return 1;
    }
    /* sd_event_add_signal() wants its signals blocked; without a handler they end the loop. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        perror("sigprocmask");
        return 1;
    }
    check(sd_event_default(&loop), "sd_event_default");
    check(sd_event_add_signal(loop, NULL, SIGINT, NULL, NULL), "sd_event_add_signal");
    check(sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL), "sd_event_add_signal");
    check(sd_event_add_time_relative(loop, &watcher.retry, CLOCK_MONOTONIC, 0, 0, on_retry, &watcher),
          "sd_event_add_time_relative");
    check(sd_event_add_io(loop, &ready, netns_monitor_fd(watcher.monitor), EPOLLIN, on_ready, &watcher),
          "sd_event_add_io");

    /* The timer fires once at once, which takes the first events. */
    check(sd_event_loop(loop), "sd_event_loop");

    sd_event_source_unref(watcher.retry);
    /* The source before the monitor: its descriptor must still be open when the loop lets go of it. */
    sd_event_source_unref(ready);
    netns_monitor_close(watcher.monitor);
    sd_event_unref(loop);
    return 0;
}
