/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A worker performs one tool's operations at the driver's request. A line on stdin, "OPERATION COUNT", is
 * answered by a line on stdout: the nanoseconds for all COUNT operations, and optionally a second number
 * that is the operation's result. Preparation and cleanup are not timed.
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
/* The nsid of target, here and as seen from itself. */
#define NSID 7
/* The maximum number in one line. */
#define MOST 16384

struct operation {
    const char *name;
    /* Performs the operation once; i counts up from 0. */
    void (*work)(int i);
    /* Reverts it, for each i. */
    void (*undo)(int i);
    /* Used instead of both: performs everything and returns the nanoseconds. */
    double (*measure)(int count);
};

/* The second number of the answer; -1: none. */
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

/* Runs in a child: the other side must notice when the parent ends. */
static inline void close_standard_streams(void)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
}

/* The process in target. */
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

/* Announces the operations, then executes requests until the input ends. */
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
