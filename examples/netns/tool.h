/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of the command netns(1) share. */
#ifndef NETNS_TOOL_H
#define NETNS_TOOL_H

#define _GNU_SOURCE
#include <errno.h>
#include <libnetns/netns.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The exit statuses of iproute2: of a failure, of a refusal by netlink, and of most wrong words. */
enum { DONE = 0, FAILED = 1, REFUSED = 2, MISUSED = 255 };

/* From the command line. */
struct options {
    bool all, json, pretty, force;
    /* Commands come from a file: whoever runs a program must come back. */
    bool batch;
};
extern struct options options;

/* Prints one line on stderr; gives back the status. */
__attribute__((format(printf, 2, 3))) int complain(int status, const char *format, ...);

/* Prints what the library says of its last failure, where iproute2 has no text for it. */
int library_complains(void);

/* Writes out what was printed. False: some of it is lost, which main() tells of in the end. */
bool flush_output(void);

/* Whether a word is an abbreviation of a name, or the name. Nothing abbreviates to "". */
bool abbreviates(const char *word, const char *name);

/* Reads a number of C's notations that fits an int32_t. */
bool parse_number(const char *text, int32_t *number);

/* netns_open_at() of a name in the run directory. With a '/' in it, it is none, and no path. */
int open_name(const char *name, struct netns **ns);

/*
 * Calls a function with each name in the run directory, whatever becomes of the ones before. Gives
 * the first status that is not DONE.
 */
int for_each_name(int (*call)(const char *name, void *arg), void *arg);

/* The verbs. argv has what follows the verb, and NULL. */
int add(int argc, char **argv);
int attach(int argc, char **argv);
int delete(int argc, char **argv);
int exec(int argc, char **argv);
int help(int argc, char **argv);
int identify(int argc, char **argv);
int list(int argc, char **argv);
int list_id(int argc, char **argv);
int monitor(int argc, char **argv);
int pids(int argc, char **argv);
int set(int argc, char **argv);

#endif
