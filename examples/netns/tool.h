/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shared by the parts of the command netns(1). */
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

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* iproute2's exit statuses: success, failure, rejection by netlink, and most invalid arguments. */
enum { DONE = 0, FAILED = 1, REFUSED = 2, MISUSED = 255 };

/* The options on the command line. */
struct options {
    bool all, json, pretty, force;
    /* Commands are read from a file, so that exec must not replace this process. */
    bool batch;
    /* The run directory, or NULL for NETNS_RUN_DIR. */
    const char *rundir;
    /* Options of the command. */
    bool exist_ok, lo_up, missing_ok, keep_sys, keep_etc, pin_etc, nameless, verbose;
    const char *user;
};
extern struct options options;

/* Prints one line to stderr, and returns the status. */
__attribute__((format(printf, 2, 3))) int complain(int status, const char *format, ...);

/* Prints the library's last message, for failures without a text in iproute2. */
int library_complains(void);

/*
 * Prints one line with iproute2's text, followed by the library's last message if the failed step is not the
 * one that the text is about. Returns the status.
 */
__attribute__((format(printf, 3, 4))) int explain(const char *step, int status, const char *format, ...);

/* Steps in the library's messages. */
#define CREATE_STEP ": create "
#define EXEC_STEP ": exec: "
#define MKDIR_STEP ": mkdir "
#define MOUNT_STEP ": make a shared mount point of "
#define OPEN_STEP ": open "
#define SETNS_STEP ": setns: "
#define UNLINK_STEP ": unlink "
#define UNSHARE_STEP ": unshare the network namespace: "

/* Flushes stdout. Fails if output was lost, which main() reports at the end. */
bool flush_output(void);

/* Whether a word is a name or an abbreviation of it. The empty word is not. */
bool abbreviates(const char *word, const char *name);

/* Reads a decimal, octal or hexadecimal number in C notation that fits an int32_t. */
bool parse_number(const char *text, int32_t *number);

/* netns_open_at() of a name in the run directory. A name with a '/' is invalid, not a path. */
int open_name(const char *name, struct netns **ns);

/* The same, or netns_open() of a path that begins with a '/'. */
int open_name_or_path(const char *word, struct netns **ns);

/* Prints what keeps a namespace alive, and on stderr what could not be examined. Returns an exit status. */
int print_holders(const struct netns *ns);

/* Prints the same as a JSON object with the name and an array "holders". */
struct json;
int put_holders(struct json *json, const char *name, const struct netns *ns);

/* Parses an inode number: N, or net:[N] as printed by readlink(1). */
bool parse_inode(const char *text, uint64_t *inode);

/* The run directory, for messages. */
const char *rundir(void);

/*
 * Calls a function with each name in the run directory, also after a failure. Returns the first status
 * that is not DONE.
 */
int for_each_name(int (*call)(const char *name, void *arg), void *arg);

/* Prints the usage of a command, or of netns if name is NULL, to stderr. Returns MISUSED. */
int misused(const char *name);

/* Runs one command with its arguments. The default command is list. */
int run(int argc, char **argv);

/* The commands. argv contains the arguments after the options of the command, and NULL. */
int add(int argc, char **argv);
int attach(int argc, char **argv);
int delete(int argc, char **argv);
int exec(int argc, char **argv);
int help(int argc, char **argv);
int holders(int argc, char **argv);
int identify(int argc, char **argv);
int list(int argc, char **argv);
int list_id(int argc, char **argv);
int monitor(int argc, char **argv);
int pids(int argc, char **argv);
int set(int argc, char **argv);
int sysctl(int argc, char **argv);

#endif
