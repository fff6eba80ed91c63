/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A run directory that other processes write to: what they do in it, and what must not be touched
   meanwhile. */
#ifndef NETNS_TEST_STRANGERS_H
#define NETNS_TEST_STRANGERS_H

#include "test.h"

#include <sys/inotify.h>
#include <sys/sysmacros.h>

/* The run directory, inside a directory that can be renamed, and a link to it. */
#define PARENT "/run/p"
#define RUN_DIR PARENT "/d"
#define LINK "/run/l"
#define NAME RUN_DIR "/blue"

/* Where the run directory's path leads after an attack: a directory that contains the same name. */
#define EVIL "/run/evil"

/* --- files that must not be touched ------------------------------------------------------------ */

#define OUTSIDE "/run/outside"

static const char *const outside[] = {"ns", "file", "empty", "directory", "fifo", "device"};

#define OUTSIDE_COUNT (int)(sizeof outside / sizeof *outside)

/* Creating a link to it is harmless. */
#define HARM (IN_OPEN | IN_ACCESS | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE)

/* The namespace with a name outside the run directory, the namespace used inside it, and the inotify
   descriptor that reports harm. */
static struct netns *theirs, *ours;
static int harm;

/* The run directory below the file system mounted on it; it is on the same file system as OUTSIDE. */
static int below = -1;

/* Where the test itself finds /proc: the library may have to work without it. */
static const char *proc = "/proc";

static inline void bind_on(const char *source, const char *target)
{
    MUST(mount(source, target, "none", MS_BIND, NULL));
}

static inline void bind_namespace(const struct netns *ns, const char *target)
{
    char path[64];

    snprintf(path, sizeof path, "%s/self/fd/%d", proc, netns_fd(ns));
    bind_on(path, target);
}

/* Restores the state before a call, whatever the previous call did. */
static inline void make_evil(void)
{
    while (umount2(EVIL "/d", MNT_DETACH) == 0 || umount2(EVIL "/d/blue", MNT_DETACH) == 0)
        ;
    write_file(EVIL "/d/blue", "", 0644);
    bind_namespace(ours, EVIL "/d/blue");
}

static inline void make_outside(void)
{
    char path[64];

    MUST(mkdir(OUTSIDE, 0755));
    MUST(mkdir(OUTSIDE "/directory", 0755));
    write_file(OUTSIDE "/ns", "", 0644);
    write_file(OUTSIDE "/file", "text", 0644);
    write_file(OUTSIDE "/empty", "", 0644);
    MUST(mkfifo(OUTSIDE "/fifo", 0644));
    MUST(mknod(OUTSIDE "/device", S_IFCHR | 0644, makedev(1, 3)));
    MUST(mkdir(EVIL, 0755));
    MUST(mkdir(EVIL "/d", 0755));
    OK(netns_create(NULL, 0, &theirs));
    OK(netns_create(NULL, 0, &ours));
    /* The handle keeps a connection from its first request on. */
    OK(netns_nsid_set(ours, theirs, NETNS_NSID_AUTO));
    bind_namespace(theirs, OUTSIDE "/ns");
    make_evil();
    harm = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    MUST(inotify_add_watch(harm, OUTSIDE, HARM));
    for (int i = 0; i < OUTSIDE_COUNT; i++) {
        snprintf(path, sizeof path, OUTSIDE "/%s", outside[i]);
        /* A program that lists all namespaces of the machine opens this one, wherever it is mounted. What
         * the library opens is checked by check_not_theirs(). */
        MUST(inotify_add_watch(harm, path, i == 0 ? HARM & ~IN_OPEN : HARM));
    }
}

static inline void forget_outside(void)
{
    close(harm);
    netns_close(theirs);
    netns_close(ours);
}

static inline bool is_mount_of(const char *path, const struct netns *ns)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_ino == netns_inode(ns);
}

/* Whether nothing was opened, changed or created; prints what was. */
static inline bool is_unharmed(void)
{
    union {
        struct inotify_event first;
        char bytes[4096];
    } events;

    if (read(harm, events.bytes, sizeof events.bytes) < 0)
        return true;
    return check_at(false, __LINE__, "%s%s: events %x",
                    events.first.wd > 1 ? outside[events.first.wd - 2] : OUTSIDE,
                    events.first.len ? events.first.name : "", events.first.mask);
}

static inline bool outside_is_as_it_was(void)
{
    struct stat file, empty, directory, moved;

    return CHECK(is_mount_of(OUTSIDE "/ns", theirs)) & is_unharmed() &
           CHECK(lstat(OUTSIDE "/file", &file) == 0 && file.st_size == 4) &
           CHECK(lstat(OUTSIDE "/empty", &empty) == 0 && empty.st_size == 0) &
           CHECK(lstat(OUTSIDE "/directory", &directory) == 0 && directory.st_nlink == 2) &
           CHECK(lstat("/run/moved", &moved) < 0 || moved.st_dev == file.st_dev);
}

static inline bool evil_is_as_it_was(void)
{
    return CHECK(is_mount_of(EVIL "/d/blue", ours)) & CHECK(files_in(EVIL "/d") == 1) &
           CHECK(mounts_at(EVIL "/d") <= 0);
}

/* --- the run directory before a call -------------------------------------------------------------- */

/* LINKED: the name is a symbolic link, in a directory where links are followed. */
enum state_of_name { FRESH, ABSENT, LIVE, STACKED, STALE, LINKED };

static bool links_are_followed;

static inline void check_not_theirs(uint64_t inode)
{
    CHECK(links_are_followed || inode != netns_inode(theirs));
}

static inline void make_run_directory(enum state_of_name state)
{
    links_are_followed = state == LINKED;
    MUST(mkdir(PARENT, 0755));
    MUST(mkdir(RUN_DIR, 0700));
    if (state == LINKED) {
        MUST(chmod(RUN_DIR, 0755));
    } else {
        MUST(chmod(RUN_DIR, 01777));
        MUST(chown(RUN_DIR, 1234, 1234));
    }
    MUST(symlink(RUN_DIR, LINK));
    below = MUST(open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (state == FRESH)
        return;
    bind_on(RUN_DIR, RUN_DIR);
    MUST(mount("none", RUN_DIR, "none", MS_PRIVATE, NULL));
    MUST(mount("none", RUN_DIR, "none", MS_SHARED, NULL));
    if (state == STALE)
        MUST(close(MUST(openat(below, "blue", O_CREAT | O_EXCL | O_CLOEXEC, 01000))));
    if (state == LINKED)
        MUST(symlinkat(EVIL "/d/blue", below, "blue"));
    if (state == LIVE || state == STACKED) {
        write_file(NAME, "", 0444);
        for (int i = 0; i < (state == STACKED ? 3 : 1); i++)
            bind_namespace(ours, NAME);
    }
}

/* Mounts in the directory disappear with it. */
static inline void clear_run_directory(void)
{
    static const char *const names[] = {"blue", "d/blue", "d"};
    static const char *const parents[] = {PARENT, "/run/q"};
    char path[64];

    close(below);
    while (umount2(LINK, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    unlink(LINK "/blue");
    if (unlink(LINK) < 0)
        rmdir(LINK);
    unlink("/run/moved");
    unlink(PARENT);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "%s/%s", parents[i], names[j]);
            while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
                ;
        }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/d/blue", parents[i]);
        while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
            ;
        if (unlink(path) < 0)
            rmdir(path);
        snprintf(path, sizeof path, "%s/d", parents[i]);
        rmdir(path);
        rmdir(parents[i]);
    }
    make_evil();
}

/* --- actions of other processes ----------------------------------------------------------------- */

/* Whether others are changing the directory at the same time, so that an action may fail. */
static bool racing;

static inline void deed(long rc)
{
    if (!racing)
        MUST(rc);
}

static inline void deed_bind(const char *source, const char *target)
{
    struct stat st;

    /* mount(2) follows symbolic links. */
    if (!racing || (lstat(target, &st) == 0 && !S_ISLNK(st.st_mode)))
        deed(mount(source, target, "none", MS_BIND, NULL));
}

static inline void take_away(void)
{
    while (umount2(NAME, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    if (unlinkat(below, "blue", 0) < 0)
        unlinkat(below, "blue", AT_REMOVEDIR);
}

static inline void link_to(const char *target)
{
    take_away();
    deed(symlinkat(target, below, "blue"));
}

static inline void hard_link_to(const char *target)
{
    take_away();
    deed(linkat(AT_FDCWD, target, below, "blue", 0));
}

static inline void make_node(mode_t mode)
{
    take_away();
    deed(mknodat(below, "blue", mode, makedev(1, 3)));
}

static inline const char *own_namespace(const char *kind)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/self/ns/%s", proc, kind);
    return path;
}

static inline void mount_over(const char *source)
{
    take_away();
    deed(mknodat(below, "blue", S_IFREG | 0644, 0));
    deed_bind(source, NAME);
}

static inline void swap_for_a_link_to_a_file(void) { link_to(OUTSIDE "/file"); }
static inline void swap_for_a_link_to_an_empty_file(void) { link_to(OUTSIDE "/empty"); }
static inline void swap_for_a_link_to_a_namespace(void) { link_to(OUTSIDE "/ns"); }
static inline void swap_for_a_link_to_a_directory(void) { link_to(OUTSIDE "/directory"); }
static inline void swap_for_a_link_to_a_fifo(void) { link_to(OUTSIDE "/fifo"); }
static inline void swap_for_a_link_to_a_device(void) { link_to(OUTSIDE "/device"); }
static inline void swap_for_a_link_to_nothing(void) { link_to(OUTSIDE "/none"); }
static inline void swap_for_a_magic_link(void) { link_to("/proc/self/ns/net"); }
static inline void swap_for_a_hard_link_to_a_file(void) { hard_link_to(OUTSIDE "/file"); }
static inline void swap_for_a_hard_link_to_an_empty_file(void) { hard_link_to(OUTSIDE "/empty"); }
static inline void swap_for_a_hard_link_to_a_fifo(void) { hard_link_to(OUTSIDE "/fifo"); }
static inline void swap_for_a_hard_link_to_a_device(void) { hard_link_to(OUTSIDE "/device"); }
static inline void swap_for_a_fifo(void) { make_node(S_IFIFO | 0644); }
static inline void swap_for_a_device(void) { make_node(S_IFCHR | 0644); }
static inline void swap_for_a_socket(void) { make_node(S_IFSOCK | 0644); }
static inline void swap_for_another_namespace(void) { mount_over(own_namespace("net")); }
static inline void swap_for_a_namespace_of_another_kind(void) { mount_over(own_namespace("uts")); }
static inline void swap_for_a_mounted_file(void) { mount_over(OUTSIDE "/file"); }

static inline void swap_for_a_file_with_text(void)
{
    int fd;

    take_away();
    fd = openat(below, "blue", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    deed(fd);
    deed(write(fd, "text", 4));
    close(fd);
}

static inline void swap_for_a_directory(void)
{
    take_away();
    deed(mkdirat(below, "blue", 0755));
}

static inline void swap_for_a_mounted_directory(void)
{
    swap_for_a_directory();
    deed_bind(OUTSIDE "/directory", NAME);
}

static inline void mount_another_kind_on_top(void)
{
    struct stat st;

    /* mount(2) follows symbolic links. */
    if (fstatat(below, "blue", &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode))
        deed_bind(own_namespace("uts"), NAME);
}

static inline void move_out(void)
{
    while (umount2(NAME, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    renameat(below, "blue", AT_FDCWD, "/run/moved");
}

/* Replaces the directories on the way to the name, whichever path is used. */
static inline void replace_directory(void)
{
    deed(rename(PARENT, "/run/q"));
    deed(symlink(EVIL, PARENT));
    deed(unlink(LINK));
    deed(symlink(EVIL "/d", LINK));
}

static inline void take_away_and_replace_directory(void)
{
    take_away();
    replace_directory();
}

static inline void move_directory_away(void)
{
    deed(rename(PARENT, "/run/q"));
    deed(unlink(LINK));
}

static inline void put_a_fifo_for_the_directory(void)
{
    move_directory_away();
    deed(mkfifo(LINK, 0644));
    deed(mkfifo(PARENT, 0644));
}

struct swap {
    const char *name;
    void (*make)(void);
    /* What is mounted on the name from then on stays mounted, whichever call is made. */
    bool stays_mounted;
    /* An empty file of another program, for which EXIST_OK waits. */
    bool is_placeholder;
};

#define SWAP(function, ...) {#function, function, __VA_ARGS__}

static const struct swap swaps[] = {
    SWAP(take_away, false, false),
    SWAP(swap_for_a_link_to_a_file, false, false),
    SWAP(swap_for_a_link_to_an_empty_file, false, false),
    SWAP(swap_for_a_link_to_a_namespace, false, false),
    SWAP(swap_for_a_link_to_a_directory, false, false),
    SWAP(swap_for_a_link_to_a_fifo, false, false),
    SWAP(swap_for_a_link_to_a_device, false, false),
    SWAP(swap_for_a_link_to_nothing, false, false),
    SWAP(swap_for_a_magic_link, false, false),
    SWAP(swap_for_a_hard_link_to_a_file, false, false),
    SWAP(swap_for_a_hard_link_to_an_empty_file, false, true),
    SWAP(swap_for_a_hard_link_to_a_fifo, false, false),
    SWAP(swap_for_a_hard_link_to_a_device, false, false),
    SWAP(swap_for_a_fifo, false, false),
    SWAP(swap_for_a_device, false, false),
    SWAP(swap_for_a_socket, false, false),
    SWAP(swap_for_a_file_with_text, false, false),
    SWAP(swap_for_a_directory, false, false),
    SWAP(swap_for_a_mounted_directory, true, false),
    SWAP(swap_for_another_namespace, false, false),
    SWAP(swap_for_a_namespace_of_another_kind, true, false),
    SWAP(swap_for_a_mounted_file, true, false),
    SWAP(mount_another_kind_on_top, false, false),
    SWAP(move_out, false, false),
    SWAP(replace_directory, false, false),
    SWAP(take_away_and_replace_directory, false, false),
    SWAP(move_directory_away, false, false),
    SWAP(put_a_fifo_for_the_directory, false, false),
};

#define SWAPS (int)(sizeof swaps / sizeof *swaps)

/* The first swaps delete the name and create a link to a file, to an empty file or to a namespace. */
#define BEHIND_A_LINK_TO_A_NAMESPACE 4

/* The last swaps concern the directory. */
#define FIRST_OF_DIRECTORY (SWAPS - 4)

/* --- calls made meanwhile ----------------------------------------------------------------------- */

static inline int call_create(const char *rundir, uint32_t flags)
{
    struct netns *ns = NULL;
    int rc = netns_create_at(rundir, "blue", flags, &ns);

    check_not_theirs(netns_inode(ns));
    netns_close(ns);
    return rc;
}

static inline int call_create_new(const char *rundir) { return call_create(rundir, 0); }
static inline int call_create_or_open(const char *rundir) { return call_create(rundir, NETNS_CREATE_EXIST_OK); }
static inline int call_attach(const char *rundir) { return netns_attach_at(rundir, ours, "blue", 0); }
static inline int call_remove(const char *rundir) { return netns_remove_at(rundir, "blue", 0); }

static inline int call_open(const char *rundir)
{
    struct netns *ns = NULL;
    int rc = netns_open_at(rundir, "blue", 0, &ns);

    if (rc == 0)
        CHECK(netns_inode(ns) != 0);
    check_not_theirs(netns_inode(ns));
    netns_close(ns);
    return rc;
}

static inline int call_open_path(const char *rundir)
{
    struct netns *ns = NULL;
    char path[64];
    int rc;

    snprintf(path, sizeof path, "%s/blue", rundir);
    rc = netns_open(path, 0, &ns);
    netns_close(ns);
    return rc;
}

static inline int call_list(const char *rundir)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_at(rundir, 0, &list);

    for (size_t i = 0; i < netns_list_len(list); i++) {
        CHECK(netns_list_inode(list, i) != 0);
        check_not_theirs(netns_list_inode(list, i));
    }
    netns_list_free(list);
    return rc;
}

static inline int call_list_stale(const char *rundir)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_at(rundir, NETNS_LIST_STALE, &list);

    netns_list_free(list);
    return rc;
}

static inline int call_ids(const char *rundir)
{
    struct netns_nsid_snapshot *list = NULL;
    int rc = netns_nsid_list(rundir, ours, NETNS_NSID_NONE, 0, &list);

    netns_nsid_list_free(list);
    return rc;
}

static inline int call_monitor(const char *rundir)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;
    int rc = netns_monitor_open(rundir, NETNS_MONITOR_SNAPSHOT, &monitor);

    for (int i = 0; rc == 0 && i < 8 && (rc = netns_monitor_next(monitor, &event)) == 1; i++)
        rc = 0;
    netns_monitor_close(monitor);
    return rc;
}

struct operation {
    const char *name;
    int (*call)(const char *rundir);
    enum state_of_name state;
    /* The documented errnos. */
    int errors[12];
    /* The directory that the call works in is determined by its first mount or by the file it creates
     * (create, attach), or by its first lookup of the name (remove). Other calls change nothing. */
    enum { NEVER_CHANGES, CHANGES_WHAT_IT_MAKES, CHANGES_WHAT_IT_LOOKS_AT } changes;
};

#define CREATE_ERRORS {EEXIST, ENOTTY, ENOTDIR, ELOOP, ENOENT, EAGAIN, EACCES}
#define OPEN_ERRORS {ENOENT, ENOTTY, ENOTDIR, ELOOP, EACCES}

static const struct operation operations[] = {
    {"create", call_create_new, ABSENT, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"create", call_create_new, STALE, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"create", call_create_new, FRESH, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"create or open", call_create_or_open, LIVE, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"attach", call_attach, ABSENT, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"attach", call_attach, STALE, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"open", call_open, LIVE, OPEN_ERRORS, NEVER_CHANGES},
    {"open by path", call_open_path, LIVE, OPEN_ERRORS, NEVER_CHANGES},
    {"remove", call_remove, LIVE, {ENOENT, ENOTTY, EPERM, EACCES, ENOTDIR, ELOOP, EBUSY, EAGAIN}, CHANGES_WHAT_IT_LOOKS_AT},
    {"remove", call_remove, STACKED, {ENOENT, ENOTTY, EPERM, EACCES, ENOTDIR, ELOOP, EBUSY, EAGAIN}, CHANGES_WHAT_IT_LOOKS_AT},
    {"remove", call_remove, STALE, {ENOENT, ENOTTY, EPERM, EACCES, ENOTDIR, ELOOP, EBUSY, EAGAIN}, CHANGES_WHAT_IT_LOOKS_AT},
    {"create or open", call_create_or_open, LINKED, CREATE_ERRORS, CHANGES_WHAT_IT_MAKES},
    {"open", call_open, LINKED, OPEN_ERRORS, NEVER_CHANGES},
    {"remove", call_remove, LINKED, {ENOENT, ENOTTY, EPERM, EACCES, ENOTDIR, ELOOP, EBUSY, EAGAIN}, CHANGES_WHAT_IT_LOOKS_AT},
    {"list", call_list, LINKED, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"list stale", call_list_stale, LINKED, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"list ids", call_ids, LINKED, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"monitor", call_monitor, LINKED, {EACCES, ELOOP, EAGAIN}, NEVER_CHANGES},
    {"list", call_list, LIVE, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"list stale", call_list_stale, STALE, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"list ids", call_ids, LIVE, {ENOTDIR, ELOOP, EACCES}, NEVER_CHANGES},
    {"monitor", call_monitor, LIVE, {EACCES, ELOOP, EAGAIN}, NEVER_CHANGES},
};

#define OPERATIONS (int)(sizeof operations / sizeof *operations)

#endif
