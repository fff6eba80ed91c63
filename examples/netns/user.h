/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The user that a program is to run as. */
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
 * Looks up USER or USER:GROUP, each a name or a number, and the groups that the user is in. Gives an exit
 * status, and says what is wrong. user->groups is to be freed.
 */
int find_user(const char *words, struct user *user);

#endif
