/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Looks up the user to run a program as. */
#ifndef NETNS_TOOL_USER_H
#define NETNS_TOOL_USER_H

#include <stdint.h>
#include <sys/types.h>

struct user {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    int groups_len;
};

/*
 * Looks up USER or USER:GROUP, each a name or a number, and the groups of the user. Returns an exit status,
 * and prints what failed. The caller frees user->groups.
 */
int find_user(const char *words, struct user *user);

#endif
