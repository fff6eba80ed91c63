/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The monitor beside inotify alone, which knows when a file is made, but not when it can be opened. */
#include "world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PAIRS 10000
/* When nothing has come for so long, in ms, what is missing is lost. */
#define PATIENCE 5000

static int inotify;
static struct netns_monitor *monitor;
static long events_seen, events_lost;

/* --- who makes names and removes them ----------------------------------------------------------- */

enum order { ADD_ALL = 1, REMOVE_ALL, ADD_FILE, ADD_BIND };

/* When what is waited for was begun. */
static double *begun;
static int orders[2];

static void take_a_rest(void)
{
    usleep(1000);
}

/* In two steps, with a rest between, after which whoever watches waits for the second. */
static void add_one(enum order order)
{
    char path[64];

    path_of(path, 0);
    take_a_rest();
    if (order == ADD_FILE)
        *begun = nanoseconds();
    MUST(close(MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0))));
    take_a_rest();
    if (order == ADD_BIND)
        *begun = nanoseconds();
    MUST(mount(DIR_PATH "/target", path, "none", MS_BIND, NULL));
}

static void carry_out(enum order order)
{
    int i;

    switch (order) {
    case ADD_ALL:
        for (i = 0; i < PAIRS; i++)
            bind_bare(DIR_PATH "/target", i);
        break;
    case REMOVE_ALL:
        remove_all(PAIRS);
        break;
    default:
        add_one(order);
    }
}

static pid_t start_maker(void)
{
    pid_t parent = getpid(), pid;
    enum order order;

    MUST(pipe(orders));
    begun = mmap(NULL, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (begun == MAP_FAILED)
        die("mmap");
    pid = MUST(fork());
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    close(orders[1]);
    while (read(orders[0], &order, sizeof order) == sizeof order)
        carry_out(order);
    _exit(0);
}

static void give(enum order order)
{
    MUST(write(orders[1], &order, sizeof order));
}

/* --- who watches -------------------------------------------------------------------------------- */

static int is_ready(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return MUST(poll(&ready, 1, PATIENCE));
}

/* How many events there are in one read. */
static int inotify_events(void)
{
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t len = read(inotify, buffer, sizeof buffer), at = 0;
    int count = 0;

    while (at < len) {
        at += sizeof(struct inotify_event) + ((struct inotify_event *)(buffer + at))->len;
        count++;
    }
    return count;
}

static int monitor_events(void)
{
    struct netns_event event = {.size = sizeof event};
    int count = 0;

    while (MUST(netns_monitor_next(monitor, &event)))
        count++;
    return count;
}

/* Waits for so many events; gives how many did not come. */
static int await(int fd, int (*take)(void), int count)
{
    while (count > 0 && is_ready(fd))
        count -= take();
    return count;
}

static void watch_by_inotify(void)
{
    inotify = MUST(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    MUST(inotify_add_watch(inotify, DIR_PATH, IN_CREATE | IN_DELETE));
}

static void watch_by_monitor(void)
{
    MUST(netns_monitor_open(NULL, 0, &monitor));
}

/* --- many pairs --------------------------------------------------------------------------------- */

/* All are added, and when all have been told, all are removed: each change lasts until it is seen. */
static double time_pairs(int fd, int (*take)(void), int *lost)
{
    double start = nanoseconds();

    give(ADD_ALL);
    *lost = await(fd, take, PAIRS);
    give(REMOVE_ALL);
    *lost += await(fd, take, PAIRS);
    return (nanoseconds() - start) / PAIRS;
}

static double pairs_by_inotify(int count)
{
    double took;
    int lost;

    (void)count;
    watch_by_inotify();
    took = time_pairs(inotify, inotify_events, &lost);
    close(inotify);
    return took;
}

static double pairs_by_monitor(int count)
{
    double took;
    int lost;

    (void)count;
    watch_by_monitor();
    took = time_pairs(netns_monitor_fd(monitor), monitor_events, &lost);
    netns_monitor_close(monitor);
    events_lost += lost;
    events_seen += 2 * PAIRS - lost;
    return took;
}

/* --- one event ---------------------------------------------------------------------------------- */

static double event_by_inotify(int count)
{
    double came;

    (void)count;
    watch_by_inotify();
    give(ADD_FILE);
    if (await(inotify, inotify_events, 1) > 0)
        die("inotify");
    came = nanoseconds();
    close(inotify);
    /* The bind is still to come. */
    usleep(3000);
    remove_bare(0);
    return came - *begun;
}

static double event_by_monitor(int count)
{
    double came;

    (void)count;
    watch_by_monitor();
    give(ADD_BIND);
    if (await(netns_monitor_fd(monitor), monitor_events, 1) > 0)
        die("monitor");
    came = nanoseconds();
    netns_monitor_close(monitor);
    remove_bare(0);
    return came - *begun;
}

/* ------------------------------------------------------------------------------------------------ */

static const struct row rows[] = {
    {.name = "10,000 pairs", .rounds = 5, .batch = PAIRS,
     .ways = {{.name = "inotify alone", .measure = pairs_by_inotify},
              {.name = "libnetns", .measure = pairs_by_monitor}}},
    {.name = "an event", .rounds = 300, .batch = 1,
     .ways = {{.name = "file to inotify", .measure = event_by_inotify},
              {.name = "bind to libnetns", .measure = event_by_monitor}}},
};

int main(void)
{
    int missed = 0;
    pid_t maker;

    enter_a_private_world();
    maker = start_maker();
    print_header();
    missed += run_row(&rows[0]);
    missed += run_row(&rows[1]);
    close(orders[1]);
    MUST(waitpid(maker, NULL, 0));
    printf("\n%ld events of the pairs seen, %ld lost\n", events_seen, events_lost);
    leave_the_world();
    return print_missed(missed + (events_lost > 0));
}
