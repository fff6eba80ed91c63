/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Records which actor creates or removes which name. This distinguishes a name that has been removed from
 * one that was shown too early or lost.
 */
#include "stress.h"

static const char *const names_used[NAMES] = {"own-0", "own-1", "own-2", "own-3",
                                              "any-0", "any-1", "any-2", "any-3"};

const char *name_of(int name)
{
    return names_used[name];
}

int number_of(const char *name)
{
    for (int i = 0; i < NAMES; i++)
        if (strcmp(name, names_used[i]) == 0)
            return i;
    return -1;
}

/* The order matters: an observer that looks before an effect either finds the actor working or sees the
 * count change. */

void begin(struct actor *actor, enum deed deed, int name)
{
    actor->doing[deed] = name + 1;
    shared->begun[deed][name]++;
}

void end(struct actor *actor, enum deed deed)
{
    actor->doing[deed] = 0;
}

void forget(struct actor *actor)
{
    for (int deed = 0; deed < DEEDS; deed++)
        actor->doing[deed] = 0;
}

struct view look_at(int name)
{
    struct view view = {.name = name};

    for (int deed = 0; deed < DEEDS; deed++) {
        view.begun[deed] = shared->begun[deed][name];
        for (int i = 0; i < ACTORS && !view.under_way[deed]; i++)
            view.under_way[deed] = shared->actors[i].doing[deed] == name + 1;
    }
    return view;
}

void look_at_all(struct view views[NAMES])
{
    for (int i = 0; i < NAMES; i++)
        views[i] = look_at(i);
}

bool may_have(const struct view *view, enum deed deed)
{
    return view->under_way[deed] || shared->begun[deed][view->name] != view->begun[deed];
}

/* --- names and handles ----------------------------------------------------------------------- */

void open_seen(const struct view *view, uint64_t inode)
{
    const char *name = name_of(view->name);
    struct netns *ns = NULL;

    if (ended(OPEN, netns_open(name, 0, &ns)) < 0) {
        if (!may_have(view, REMOVES))
            wrong("%s was seen and does not open, and nobody removes it: %s", name,
                  netns_errmsg());
        shared->removed_meanwhile++;
        return;
    }
    shared->opened++;
    if (inode && netns_inode(ns) != inode && !may_have(view, REMOVES))
        wrong("%s is another namespace than was seen, and nobody removes it", name);
    check_handle(ns);
    netns_close(ns);
}

void check_handle(const struct netns *ns)
{
    struct stat st;
    int fd = netns_fd(ns);

    if (fd < 0 || fstat(fd, &st) < 0)
        wrong("a handle has no descriptor");
    else if (syscall(SYS_ioctl, fd, 0xb703 /* NS_GET_NSTYPE */) != CLONE_NEWNET)
        wrong("a handle is not that of a network namespace");
    else if (st.st_ino != netns_inode(ns))
        wrong("a handle has another inode than its descriptor");
}

static int stand_in(void *ns)
{
    return here() == netns_inode(ns);
}

/* Before Linux 5.14 neither has a cookie. */
static void check_cookie(const struct netns *ns, int fd)
{
    uint64_t cookie = 0, expected = 0;
    socklen_t size = sizeof cookie;
    bool is_told = getsockopt(fd, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &size) == 0;

    if (ended(COOKIE, netns_cookie(ns, &expected)) == -EOPNOTSUPP ? is_told : cookie != expected)
        wrong("a socket is in another namespace than it was to be");
}

void check_it_lives(const struct netns *ns)
{
    int fd = ended(SOCKET, netns_socket(ns, AF_INET, SOCK_DGRAM, 0)), is_there = -1;

    if (fd >= 0) {
        check_cookie(ns, fd);
        close(fd);
    }
    if (ended(GO_AND_RUN, netns_run(ns, stand_in, (void *)ns, &is_there)) == 0 && is_there != 1)
        wrong("a callback ran in another namespace than it was to be");
}
