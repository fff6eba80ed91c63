/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the names of network namespaces as they are added and removed, from a libuv loop.
 *
 *     cc monitor-libuv.c $(pkg-config --cflags --libs netns libuv) -o monitor-libuv
 *     ./monitor-libuv             # until SIGINT or SIGTERM
 *
 * Privilege: none. Cleanup: none; it creates nothing.
 */
#include <inttypes.h>
#include <libnetns/netns.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define RETRY_MS 1000

struct watcher {
    struct netns_monitor *monitor;
    uv_poll_t ready;
    uv_timer_t retry;
    uv_signal_t interrupt, terminate;
};

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "monitor-libuv: %s: %s\n", what, uv_strerror(rc));
    exit(1);
}

static void on_retry(uv_timer_t *timer);

static void take_events(struct watcher *watcher)
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
        return;
    /* Out of descriptors or memory, for example. No event is lost, but none wakes the loop. */
    fprintf(stderr, "monitor-libuv: %s; trying again\n", netns_errmsg());
    check(uv_timer_start(&watcher->retry, on_retry, RETRY_MS, 0), "uv_timer_start");
}

static void on_retry(uv_timer_t *timer)
{
    take_events(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)events;
    check(status, "uv_poll");
    take_events(poll->data);
}

/* The loop ends when none of its handles is open. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct watcher *watcher = signal->data;

    (void)number;
    uv_close((uv_handle_t *)&watcher->ready, NULL);
    uv_close((uv_handle_t *)&watcher->retry, NULL);
    uv_close((uv_handle_t *)&watcher->interrupt, NULL);
    uv_close((uv_handle_t *)&watcher->terminate, NULL);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    struct watcher watcher;

    /* A line is complete when it is printed, also in a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* The names that exist come first, as if they had just been added. */
    if (netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &watcher.monitor) < 0) {
        fprintf(stderr, "monitor-libuv: %s\n", netns_errmsg());
        return 1;
    }
    check(uv_poll_init(loop, &watcher.ready, netns_monitor_fd(watcher.monitor)), "uv_poll_init");
    check(uv_timer_init(loop, &watcher.retry), "uv_timer_init");
    check(uv_signal_init(loop, &watcher.interrupt), "uv_signal_init");
    check(uv_signal_init(loop, &watcher.terminate), "uv_signal_init");
    watcher.ready.data = watcher.retry.data = &watcher;
    watcher.interrupt.data = watcher.terminate.data = &watcher;
    check(uv_signal_start(&watcher.interrupt, on_signal, SIGINT), "uv_signal_start");
    check(uv_signal_start(&watcher.terminate, on_signal, SIGTERM), "uv_signal_start");
    check(uv_poll_start(&watcher.ready, UV_READABLE, on_ready), "uv_poll_start");

    take_events(&watcher);
    uv_run(loop, UV_RUN_DEFAULT);

    netns_monitor_close(watcher.monitor);
    check(uv_loop_close(loop), "uv_loop_close");
    return 0;
}
