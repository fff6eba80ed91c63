/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Several ways to do the same work, timed against each other in one process: in every round each
 * way has its turn, and the order rotates, since what one leaves for the kernel to clean up is paid
 * by the next.
 */
#ifndef NETNS_BENCH_H
#define NETNS_BENCH_H

#include <errno.h>
#include <netns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_WAYS 4
#define MOST_ROUNDS 2000

struct way {
    const char *name;
    /* Does the work once; i counts up from 0 within a batch. */
    void (*work)(int i);
    /* Undoes a batch, untimed; NULL if there is nothing to undo. */
    void (*undo)(int count);
    /* Readies a batch, untimed; NULL if there is nothing to ready. */
    void (*ready)(int count);
    /* Instead of work: does a batch and tells how many nanoseconds one took. */
    double (*measure)(int count);
};

struct row {
    const char *name;
    int rounds;
    int batch;
    /* The last way's share of the first way's time at the most; 0 if there is no goal. */
    double at_most;
    /* The last way's share of the middle way's time at the most; 0 if there is no middle way. */
    double of_middle;
    struct way ways[MOST_WAYS];
};

static inline void die(const char *what)
{
    fprintf(stderr, "%s: %s (%s)\n", what, strerror(errno), netns_errmsg());
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

static inline double time_batch(const struct way *way, int batch)
{
    double start, end;
    int i;

    if (way->measure)
        return way->measure(batch);
    if (way->ready)
        way->ready(batch);
    start = nanoseconds();
    for (i = 0; i < batch; i++)
        way->work(i);
    end = nanoseconds();
    if (way->undo)
        way->undo(batch);
    return (end - start) / batch;
}

static inline int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The value below which this share of the sorted ones lie. */
static inline double quantile(const double *sorted, int count, double share)
{
    return sorted[(int)(share * (count - 1) + 0.5)];
}

/* The median over the rounds of one way's time divided by another's in the same round. */
static inline double ratio(double times[][MOST_ROUNDS], int a, int b, int rounds)
{
    static double ratios[MOST_ROUNDS];
    int i;

    for (i = 0; i < rounds; i++)
        ratios[i] = times[a][i] / times[b][i];
    qsort(ratios, rounds, sizeof ratios[0], ascending);
    return quantile(ratios, rounds, 0.5);
}

static inline void print_way(const struct row *row, int way, double times[][MOST_ROUNDS])
{
    static double sorted[MOST_ROUNDS];

    memcpy(sorted, times[way], row->rounds * sizeof sorted[0]);
    qsort(sorted, row->rounds, sizeof sorted[0], ascending);
    printf("| %-18s | %-17s | %9.2f | %9.2f | %9.2f | %5.2f |", row->name, row->ways[way].name,
           quantile(sorted, row->rounds, 0.5) / 1e3, quantile(sorted, row->rounds, 0.1) / 1e3,
           quantile(sorted, row->rounds, 0.9) / 1e3, ratio(times, way, 0, row->rounds));
}

static inline void print_goal(double measured, double goal, const char *beside)
{
    printf(" %s %.2f of %s%s |", measured <= goal ? "within" : "ABOVE", goal, beside,
           measured <= goal ? "" : " !");
}

static inline void print_header(void)
{
    printf("| %-18s | %-17s | %9s | %9s | %9s | %5s | %s |\n", "row", "way", "median us", "p10 us",
           "p90 us", "ratio", "goal");
    printf("|---|---|---:|---:|---:|---:|---|\n");
}

/* Times a row and prints it; returns how many goals were missed. */
static inline int run_row(const struct row *row)
{
    static double times[MOST_WAYS][MOST_ROUNDS];
    int ways = 0, missed = 0, round, turn, last;

    while (ways < MOST_WAYS && row->ways[ways].name)
        ways++;
    last = ways - 1;
    /* The first rounds warm caches up, and count for nothing. */
    for (round = -2; round < row->rounds; round++)
        for (turn = 0; turn < ways; turn++) {
            int way = (round + 2 + turn) % ways;
            double took = time_batch(&row->ways[way], row->batch);

            if (round >= 0)
                times[way][round] = took;
        }
    for (turn = 0; turn < ways; turn++) {
        print_way(row, turn, times);
        if (turn == last && row->at_most > 0) {
            double beside_bare = ratio(times, last, 0, row->rounds);

            print_goal(beside_bare, row->at_most, row->ways[0].name);
            missed += beside_bare > row->at_most;
        }
        if (turn == last && row->of_middle > 0) {
            double beside_middle = ratio(times, last, 1, row->rounds);

            printf(" %.2f:", beside_middle);
            print_goal(beside_middle, row->of_middle, row->ways[1].name);
            missed += beside_middle > row->of_middle;
        }
        printf("%s\n", turn == last && row->at_most > 0 ? "" : " |");
        fflush(stdout);
    }
    return missed;
}

#endif
