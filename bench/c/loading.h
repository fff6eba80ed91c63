/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Measures dlopen in a process that has not loaded the library yet, so in a new process each time. */
#ifndef NETNS_BENCH_LOADING_H
#define NETNS_BENCH_LOADING_H

#include "worker.h"

/* loader is the program of loader.c, which prints the nanoseconds. */
static inline double load(const char *library, int count)
{
    const char *loader = getenv("NETNS_BENCH_LOADER");
    char command[4200];
    double took = 0;

    snprintf(command, sizeof command, "exec %s %s", loader, library);
    while (count-- > 0) {
        FILE *output = popen(command, "r");
        double one;

        if (!output || fscanf(output, "%lf", &one) != 1 || pclose(output) != 0)
            die(command);
        took += one;
    }
    return took;
}

/* A library that contains one empty function. */
static inline double load_nothing(int count)
{
    return load(getenv("NETNS_BENCH_NOTHING"), count);
}

#endif
