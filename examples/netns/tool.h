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

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The exit statuses of iproute2: of a failure, of a refusal by netlink, and of most wrong words. */
enum { DONE = 0, FAILED = 1, REFUSED = 2, MISUSED = 255 };

/* From the command line. */
struct options {
    bool all, json, pretty, force;
    /* Commands come from a file: whoever runs a program must come back. */
    bool batch;
    /* Where the names are; NULL: in NETNS_RUN_DIR. */
    const char *rundir;
    /* Those of the command that is run. */
    bool exist_ok, lo_up, missing_ok, keep_sys, keep_etc, pin_etc, nameless, verbose;
    const char *user;
};
extern struct options options;

/* Prints one line on stderr; gives back the status. */
__attribute__((format(printf, 2, 3))) int complain(int status, const char *format, ...);

/* Prints what the library says of its last failure, where iproute2 has no text for it. */
int library_complains(void);

/*
 * Prints one line in iproute2's words, and then what the library says of its last failure if that was in
 * another step than the one that the words are about. Gives back the status.
 */
__attribute__((format(printf, 3, 4))) int explain(const char *step, int status, const char *format, ...);

/* How the library's messages call a step. */
#define CREATE_STEP ": create "
#define EXEC_STEP ": exec: "
#define MKDIR_STEP ": mkdir "
#define MOUNT_STEP ": make a shared mount point of "
#define OPEN_STEP ": open "
#define SETNS_STEP ": setns: "
#define UNLINK_STEP ": unlink "
#define UNSHARE_STEP ": unshare the network namespace: "

/* Writes out what was printed. False: some of it is lost, which main() tells of in the end. */
bool flush_output(void);

/* Whether a word is an abbreviation of a name, or the name. Nothing abbreviates to "". */
bool abbreviates(const char *word, const char *name);

/* Reads a number of C's notations that fits an int32_t. */
bool parse_number(const char *text, int32_t *number);

/* netns_open_at() of a name in the run directory. With a '/' in it, it is none, and no path. */
int open_name(const char *name, struct netns **ns);

/* The same, or netns_open() of what begins with a '/'. */
int open_name_or_path(const char *word, struct netns **ns);

/* Prints what keeps a namespace alive, and on stderr what could not be looked at. Gives an exit status. */
int print_holders(const struct netns *ns);

/* The same as an object with the name and an array "holders", in an array of these. */
struct json;
int put_holders(struct json *json, const char *name, const struct netns *ns);

/* Reads an inode number: N, or net:[N] as readlink(1) prints it. */
bool parse_inode(const char *text, uint64_t *inode);

/* The run directory, for messages. */
const char *rundir(void);

/*
 * Calls a function with each name in the run directory, whatever becomes of the ones before. Gives
 * the first status that is not DONE.
 */
int for_each_name(int (*call)(const char *name, void *arg), void *arg);

/* Prints on stderr how a command is used, or netns if it is NULL. Gives MISUSED. */
int misused(const char *name);

/* Runs one command with its words; without any, list. */
int run(int argc, char **argv);

/* The commands. argv has what follows the command and its options, and NULL. */
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
