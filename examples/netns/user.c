/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tool.h"
#include "user.h"

#include <grp.h>
#include <pwd.h>

/* The number of groups that memory is first allocated for. */
#define GROUPS_AT_FIRST 64
/* The kernel's limit for a process: NGROUPS_MAX in include/uapi/linux/limits.h. */
#define MOST_GROUPS 65536

/* Reads a decimal ID. The highest number is invalid: it means "do not change" to setresuid(2). */
static bool parse_id(const char *digits, uint32_t *id)
{
    unsigned long long value;

    if (!*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 10)
        return false;
    value = strtoull(digits, NULL, 10);
    *id = (uint32_t)value;
    return value < UINT32_MAX;
}

/* Finds the groups of a user in the user database, including the primary one. */
static int find_groups(const char *name, struct user *user)
{
    int room;

    for (room = GROUPS_AT_FIRST; room <= MOST_GROUPS; room *= 2) {
        gid_t *groups = realloc(user->groups, room * sizeof *groups);

        if (!groups)
            return complain(FAILED, "%s", strerror(ENOMEM));
        user->groups = groups;
        user->groups_len = room;
        /* If there are more, glibc stores how many, but some C libraries do not. */
        if (getgrouplist(name, user->gid, user->groups, &user->groups_len) >= 0)
            return DONE;
    }
    return complain(FAILED, "The user %s is in more than %d groups", name, MOST_GROUPS);
}

static int find_group(const char *word, struct user *user)
{
    const struct group *group = getgrnam(word);

    if (group)
        user->gid = group->gr_gid;
    else if (!parse_id(word, &user->gid))
        return complain(MISUSED, "Unknown group \"%s\"", word);
    return DONE;
}

/* An ID that is not in the user database has only the group that was specified. */
static int find_both(const char *word, const char *group, struct user *user)
{
    const struct passwd *entry = getpwnam(word);
    int status = DONE;

    if (!entry && parse_id(word, &user->uid))
        entry = getpwuid(user->uid);
    else if (!entry)
        return complain(MISUSED, "Unknown user \"%s\"", word);
    if (!entry && !group)
        return complain(MISUSED, "The user %s is not in the user database: specify %s:GROUP", word, word);
    if (entry) {
        user->uid = entry->pw_uid;
        user->gid = entry->pw_gid;
    }
    if (group)
        status = find_group(group, user);
    return status == DONE && entry ? find_groups(entry->pw_name, user) : status;
}

int find_user(const char *words, struct user *user)
{
    const char *colon = strchr(words, ':');
    char *word = strndup(words, colon ? (size_t)(colon - words) : strlen(words));
    int status;

    *user = (struct user){0};
    if (!word)
        return complain(FAILED, "%s", strerror(ENOMEM));
    status = find_both(word, colon ? colon + 1 : NULL, user);
    free(word);
    return status;
}
