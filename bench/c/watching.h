/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Measures how long it takes until a monitor reports a name. Another process creates the name in two steps,
 * the file and then the bind, with a pause before each, so that the monitor is asleep at that time.
 */
#ifndef NETNS_BENCH_WATCHING_H
#define NETNS_BENCH_WATCHING_H

#include "worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* If nothing arrives for this long, in ms, after the last name was created, missing events are lost. */
#define PATIENCE 5000

/* ADD_FILE and ADD_BIND add one name; the measured event is the file or the bind. */
enum order { ADD_ALL = 1, REMOVE_ALL, ADD_FILE, ADD_BIND, ADD_PROBE, REMOVE_PROBE };

/* The name of a probe, whose event is not awaited. */
#define PROBE "probe"

struct watcher {
    int fd;
    /* Reads the available events without waiting; returns their number. */
    int (*take)(void);
    enum order order;
};

struct request {
    enum order order;
    int count;
};

/* The start time of the awaited change, and the process that makes it. */
static double *begun;
static volatile int *carried_out;
static int requests[2];
static pid_t maker;

static inline void told_path(char path[64], int i, int is_probe)
{
    sprintf(path, RUN_DIR "/%s%d", is_probe ? PROBE : "told", i);
}

static inline void add_name(int i, enum order order)
{
    char path[64];

    told_path(path, i, order == ADD_PROBE);
    if (order != ADD_ALL)
        usleep(1000);
    if (order == ADD_FILE)
        *begun = nanoseconds();
    MUST(close(MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0))));
    if (order != ADD_ALL)
        usleep(1000);
    if (order == ADD_BIND)
        *begun = nanoseconds();
    MUST(mount(TARGET, path, "none", MS_BIND, NULL));
}

static inline void take_name_away(int i, enum order order)
{
    char path[64];

    told_path(path, i, order == REMOVE_PROBE);
    MUST(umount2(path, MNT_DETACH));
    MUST(unlink(path));
}

static inline void carry_out(const struct request *request)
{
    int i;

    for (i = 0; i < request->count; i++)
        if (request->order == REMOVE_ALL || request->order == REMOVE_PROBE)
            take_name_away(i, request->order);
        else
            add_name(i, request->order);
    ++*carried_out;
}

static inline void start_maker(void)
{
    pid_t parent = getpid();
    struct request request;
    char *shared;

    if (begun)
        return;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
    begun = (double *)shared;
    carried_out = (volatile int *)(shared + 64);
    MUST(pipe2(requests, O_CLOEXEC));
    maker = MUST(fork());
    if (maker > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    close(requests[1]);
    close_standard_streams();
    while (read(requests[0], &request, sizeof request) == sizeof request)
        carry_out(&request);
    _exit(0);
}

static inline void order(enum order order, int count)
{
    struct request request = {order, count};

    start_maker();
    MUST(write(requests[1], &request, sizeof request));
}

/* On a busy machine the maker may also be slow. */
static inline int is_making(int ordered)
{
    if (waitpid(maker, NULL, WNOHANG) != 0)
        die("the maker of names has ended");
    return *carried_out < ordered;
}

/* Waits for `count` events of the last of these orders; returns how many are missing. */
static inline int await(const struct watcher *watcher, int count, int ordered)
{
    struct pollfd ready = {.fd = watcher->fd, .events = POLLIN};
    int was_making = 1;

    while (count > 0) {
        if (MUST(poll(&ready, 1, PATIENCE)))
            count -= watcher->take();
        else if (!was_making)
            break;
        else
            was_making = is_making(ordered);
    }
    return count;
}

/* Sends the order to the maker and waits until it is executed. */
static inline void order_and_wait(enum order what)
{
    int done = *carried_out;

    order(what, 1);
    while (*carried_out == done)
        usleep(100);
}

static inline double time_events(const struct watcher *watcher, int count)
{
    double took = 0;

    start_maker();
    while (count-- > 0) {
        int done = *carried_out;

        order(watcher->order, 1);
        if (await(watcher, 1, done + 1) > 0)
            die("an event that never comes");
        took += nanoseconds() - *begun;
        while (*carried_out == done)
            usleep(100);
        order(REMOVE_ALL, 1);
        if (await(watcher, 1, done + 2) > 0)
            die("a removal that is never told");
    }
    return took;
}

/* Adds all names and removes them after all have been reported: each change lasts until it is seen. */
static inline double time_pairs(const struct watcher *watcher, int count)
{
    double start, took;
    int done;

    start_maker();
    done = *carried_out;
    start = nanoseconds();
    order(ADD_ALL, count);
    counted = await(watcher, count, done + 1);
    order(REMOVE_ALL, count);
    counted += await(watcher, count, done + 2);
    took = nanoseconds() - start;
    while (is_making(done + 2))
        usleep(100);
    return took;
}

static inline int watch_by_inotify(void)
{
    int fd = MUST(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));

    MUST(inotify_add_watch(fd, RUN_DIR, IN_CREATE | IN_DELETE));
    return fd;
}

/* The number of events in one read. */
static inline int read_inotify(int fd)
{
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t len = read(fd, buffer, sizeof buffer), at = 0;
    int count = 0;

    while (at < len) {
        at += sizeof(struct inotify_event) + ((struct inotify_event *)(buffer + at))->len;
        count++;
    }
    return count;
}

#endif
