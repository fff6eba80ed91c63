/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All processes have been killed at arbitrary points: the next process must be able to continue without an
   administrator's help. */
#include "stress.h"

struct left {
    bool is_there, is_live, is_stale, is_ours;
};

/* Inspects the run directory without using the library. */
static void see_what_is_left(struct left left[NAMES])
{
    char path[64];
    struct stat st;
    int count = 0;

    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "/run/netns/%s", name_of(i));
        left[i] = (struct left){.is_there = lstat(path, &st) == 0, .is_live = is_netns(path)};
        left[i].is_stale = left[i].is_there && !left[i].is_live;
        left[i].is_ours = left[i].is_stale && (st.st_mode & 07777) == 01000;
        if (left[i].is_stale && !(S_ISREG(st.st_mode) && st.st_size == 0))
            wrong("%s is neither a namespace nor an empty file", name_of(i));
        if (i < OWN_NAMES && left[i].is_stale && !left[i].is_ours)
            wrong("%s is an empty file that the library has not made", name_of(i));
        count += left[i].is_there;
    }
    if (files_in("/run/netns") != count)
        wrong("%d files in the run directory, of which %d have names of ours",
              files_in("/run/netns"), count);
}

static void list_is(const struct left left[NAMES], uint32_t flags)
{
    enum operation operation = flags ? LIST_STALE : LIST;
    bool is_listed[NAMES] = {false};
    struct netns_name_snapshot *list = NULL;

    if (ended(operation, netns_list(flags, &list)) < 0)
        return;
    for (size_t i = 0; i < netns_list_len(list); i++) {
        int name = number_of(netns_list_name(list, i));

        if (name < 0 || (netns_list_inode(list, i) != 0) != left[name].is_live)
            wrong("\"%s\" is listed as what it is not", netns_list_name(list, i));
        else
            is_listed[name] = true;
    }
    for (int i = 0; i < NAMES; i++)
        if ((left[i].is_live || (flags && left[i].is_ours)) && !is_listed[i])
            wrong("%s is there and not listed", name_of(i));
    netns_list_free(list);
}

/* Creates, opens or removes each name, and finally removes it. */
static void use_name(int name, const struct left *left, uint64_t *random)
{
    struct actor *actor = &shared->actors[ACTORS - 1];
    struct view view = look_at(name);
    struct netns *ns = NULL;

    /* A placeholder of ip that is not old enough can only be removed. */
    if (below(random, 2) && (!left->is_stale || left->is_ours)) {
        int rc;

        begin(actor, MAKES, name);
        rc = ended(CREATE, netns_create(name_of(name), 0, &ns));
        if (rc != (left->is_live ? -EEXIST : 0))
            wrong("create %s returned %d (%s)", name_of(name), rc, netns_errmsg());
        netns_close(ns);
        open_seen(&view, 0);
    } else if (left->is_live) {
        open_seen(&view, 0);
    }
    begin(actor, REMOVES, name);
    if (ended(REMOVE_OR_NOT, netns_remove(name_of(name), NETNS_REMOVE_MISSING_OK)) < 0)
        wrong("what is left of %s cannot be removed", name_of(name));
    if (ended(REMOVE, netns_remove(name_of(name), 0)) != -ENOENT)
        wrong("%s is still there after it was removed", name_of(name));
}

void clear_what_is_left(uint64_t seed)
{
    struct left left[NAMES];
    int live = 0, stale = 0;

    see_what_is_left(left);
    for (int i = 0; i < NAMES; i++) {
        live += left[i].is_live;
        stale += left[i].is_stale;
    }
    printf("left behind: %d namespaces, %d empty files\n", live, stale);
    list_is(left, 0);
    list_is(left, NETNS_LIST_STALE);
    for (int i = 0; i < NAMES; i++)
        use_name(i, &left[i], &seed);
    if (files_in("/run/netns") != 0)
        wrong("%d files are left in the run directory", files_in("/run/netns"));
}
