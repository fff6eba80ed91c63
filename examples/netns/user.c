/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tool.h"
#include "user.h"

#include <grp.h>
#include <pwd.h>

/* Room for this many groups is made first. */
#define GROUPS_AT_FIRST 64
/* A process cannot be in more: NGROUPS_MAX in the kernel's include/uapi/linux/limits.h. */
#define MOST_GROUPS 65536

/* Reads an id in decimal. The highest number is none: it means "leave it as it is" to setresuid(2). */
static bool parse_id(const char *digits, uint32_t *id)
{
    unsigned long long value;

    if (!*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 10)
        return false;
    value = strtoull(digits, NULL, 10);
    *id = (uint32_t)value;
    return value < UINT32_MAX;
}

/* The groups that a user of the user database is in, the first one among them. */
static int find_groups(const char *name, struct user *user)
{
    int room;

    for (room = GROUPS_AT_FIRST; room <= MOST_GROUPS; room *= 2) {
        gid_t *groups = realloc(user->groups, room * sizeof *groups);

        if (!groups)
            return complain(FAILED, "%s", strerror(ENOMEM));
        user->groups = groups;
        user->groups_len = room;
        /* Where there are more, it says how many; but some C libraries do not. */
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
        return complain(MISUSED, "There is no group \"%s\"", word);
    return DONE;
}

/* An id that the user database does not have is in no group but the one that is told. */
static int find_both(const char *word, const char *group, struct user *user)
{
    const struct passwd *entry = getpwnam(word);
    int status = DONE;

    if (!entry && parse_id(word, &user->uid))
        entry = getpwuid(user->uid);
    else if (!entry)
        return complain(MISUSED, "There is no user \"%s\"", word);
    if (!entry && !group)
        return complain(MISUSED, "The user %s has no group: say %s:GROUP", word, word);
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
