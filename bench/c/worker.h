/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A worker does one tool's operations as the driver asks for them. A line on stdin, "OPERATION
 * COUNT", is answered by one on stdout: how many nanoseconds the work took, all COUNT of it, and
 * perhaps a second number that the operation is about. What is readied and undone is not timed.
 */
#ifndef NETNS_BENCH_WORKER_H
#define NETNS_BENCH_WORKER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUN_DIR "/run/netns"
#define TARGET RUN_DIR "/target"
/* What target's id is, here and as seen from itself. */
#define NSID 7
/* How many there are at the most in one line. */
#define MOST 16384

struct operation {
    const char *name;
    /* Does the work once; i counts up from 0. */
    void (*work)(int i);
    /* Undoes it, for each i. */
    void (*undo)(int i);
    /* Instead of both: does all of it and gives the nanoseconds. */
    double (*measure)(int count);
};

/* The second number of the answer; -1: there is none. */
static long counted;

static inline void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

#define MUST(call) must((long)(call), #call)

static inline long must(long rc, const char *what)
{
    if (rc < 0)
        die(what);
    return rc;
}

static inline double nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static inline void path_of(char path[64], int i)
{
    sprintf(path, RUN_DIR "/bench%d", i);
}

static inline void name_of(char name[32], int i)
{
    sprintf(name, "bench%d", i);
}

/* In a child, whose parent's end is to be seen at the other end. */
static inline void close_standard_streams(void)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
}

/* The process that lives in target. */
static inline int guest(void)
{
    const char *pid = getenv("NETNS_BENCH_GUEST");

    return pid ? atoi(pid) : 0;
}

static inline double time_all(const struct operation *operation, int count)
{
    double start, end;
    int i;

    if (operation->measure)
        return operation->measure(count);
    start = nanoseconds();
    for (i = 0; i < count; i++)
        operation->work(i);
    end = nanoseconds();
    for (i = 0; operation->undo && i < count; i++)
        operation->undo(i);
    return end - start;
}

static inline const struct operation *find(const struct operation *operations, const char *name)
{
    while (operations->name && strcmp(operations->name, name) != 0)
        operations++;
    if (!operations->name) {
        fprintf(stderr, "%s: no such operation\n", name);
        exit(1);
    }
    return operations;
}

/* Says what it can, then does what it is asked for until nobody asks. */
static inline int serve(const char *version, const struct operation *operations)
{
    const struct operation *operation;
    char name[32];
    int count;

    printf("%s", version);
    for (operation = operations; operation->name; operation++)
        printf(" %s", operation->name);
    printf("\n");
    fflush(stdout);
    while (scanf("%31s %d", name, &count) == 2) {
        double took;

        counted = -1;
        took = time_all(find(operations, name), count);
        if (counted < 0)
            printf("%.0f\n", took);
        else
            printf("%.0f %ld\n", took, counted);
        fflush(stdout);
    }
    return 0;
}

#endif
