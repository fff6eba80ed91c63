/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the program around a call may have done, in addition to the kernel's failures: closed descriptors
 * that it does not know and opened its own under their numbers, in this thread's descriptor table or in a
 * table that only this thread uses; changed the process's credentials from another thread during the call;
 * and given the thread the smallest possible stack.
 */
#ifndef NETNS_FAULTS_SURROUNDINGS_H
#define NETNS_FAULTS_SURROUNDINGS_H

#include "scenario.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <ucontext.h>

static const char *const surroundings_texts[] = {
    [AS_USUAL] = "as usual",
    [NUMBERS_REUSED] = "the descriptors closed and their numbers reused",
    [OWN_TABLE] = "in a descriptor table of the thread's own, with the numbers reused",
    [CREDENTIALS_CHANGED] = "another thread calls setuid(2)",
};

/* --- the smallest stack ----------------------------------------------------------------------- */

/*
 * Less than PTHREAD_STACK_MIN, 16 KB, is usable: the C library keeps the thread's data and its
 * thread-local variables at the top. Every call of the fault tests must work with the rest.
 */
#define STACK_ROOM (12 * 1024)
#define GUARD_ROOM (64 * 1024)

static ucontext_t caller_context;

/* An overflow raises SIGSEGV. A context is used instead of a thread, because many checks concern the
   thread itself. */
static inline void on_small_stack(void (*function)(void))
{
    static ucontext_t context;
    char *room = mmap(NULL, GUARD_ROOM + STACK_ROOM, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    MUST(room == MAP_FAILED ? -1 : 0);
    MUST(mprotect(room + GUARD_ROOM, STACK_ROOM, PROT_READ | PROT_WRITE));
    MUST(getcontext(&context));
    context.uc_stack.ss_sp = room + GUARD_ROOM;
    context.uc_stack.ss_size = STACK_ROOM;
    context.uc_link = &caller_context;
    makecontext(&context, function, 0);
    MUST(swapcontext(&caller_context, &context));
    munmap(room, GUARD_ROOM + STACK_ROOM);
}

/* --- descriptors closed and reused ------------------------------------------------------------ */

/* What the program opens under a number that the library used. */
enum foreign_kind { STREAM, NETLINK_SOCKET, INOTIFY, FOREIGN_KINDS };

static enum foreign_kind foreign_kind;

#define MOST_FOREIGN 8

static struct foreign {
    int fd, peer;
    ino_t inode;
    /* Data that the program has not read yet. */
    long unread;
} foreign[MOST_FOREIGN];

static int foreign_count;

/* Whether it is of a kind that a handle or a monitor keeps. The caller's own descriptors are not replaced. */
static inline bool is_kept_by_library(int fd)
{
    char path[64], text[256] = "";
    int domain = 0;
    socklen_t length = sizeof domain;

    if (fd == descriptor || (blue && fd == netns_fd(blue)) || (red && fd == netns_fd(red)))
        return false;
    snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
    if (readlink(path, text, sizeof text - 1) < 0)
        return false;
    if (strcmp(text, "anon_inode:inotify") == 0 || strstr(text, "/mountinfo"))
        return true;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_NETLINK;
}

static inline long unread_in(int fd)
{
    int bytes = -1;

    if (foreign_kind == NETLINK_SOCKET)
        return recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    return ioctl(fd, FIONREAD, &bytes) < 0 ? -1 : bytes;
}

static inline int open_stream(int *peer)
{
    int ends[2];

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    MUST(write(ends[1], "theirs", 6));
    *peer = ends[1];
    return ends[0];
}

/* With an answer that the program has not read yet. */
static inline int open_netlink(void)
{
    struct { struct nlmsghdr head; struct ifinfomsg body; } request = {
        {sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {.ifi_family = AF_UNSPEC}};
    int fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

    MUST(send(fd, &request, sizeof request, 0));
    return fd;
}

/* With an event that the program has not read yet. */
static inline int open_inotify(void)
{
    int fd = MUST(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));

    write_file("/run/theirs", "", 0600);
    MUST(inotify_add_watch(fd, "/run/theirs", IN_ATTRIB));
    MUST(chmod("/run/theirs", 0644));
    return fd;
}

static inline int open_foreign(int *peer)
{
    *peer = -1;
    if (foreign_kind == STREAM)
        return open_stream(peer);
    return foreign_kind == NETLINK_SOCKET ? open_netlink() : open_inotify();
}

static inline void put_foreign_at(int fd)
{
    struct foreign *there = &foreign[foreign_count];
    struct stat st;
    int new;

    MUST(foreign_count < MOST_FOREIGN ? 0 : -1);
    new = open_foreign(&there->peer);
    MUST(dup3(new, fd, O_CLOEXEC));
    close(new);
    MUST(fstat(fd, &st));
    there->fd = fd;
    there->inode = st.st_ino;
    there->unread = unread_in(fd);
    foreign_count++;
}

static inline void talk_once(struct netns *ns)
{
    struct netns_link_snapshot *links = NULL;

    if (ns && netns_link_list(ns, 0, &links) == 0)
        netns_link_list_free(links);
}

/* Makes handles open the connections that they keep. */
static inline void make_talkative(void)
{
    talk_once(blue);
    talk_once(red);
}

static inline uint64_t kept_by_library(void)
{
    uint64_t set = 0;

    for (int fd = 3; fd < 64; fd++)
        if (is_kept_by_library(fd))
            set |= UINT64_C(1) << fd;
    return set;
}

static inline void reuse_numbers(uint64_t kept)
{
    for (int fd = 3; fd < 64; fd++)
        if (kept & UINT64_C(1) << fd)
            put_foreign_at(fd);
}

static inline void look_at_foreign(void)
{
    char byte;

    for (int i = 0; i < foreign_count; i++) {
        struct foreign *there = &foreign[i];
        struct stat st;

        if (fstat(there->fd, &st) < 0 || st.st_ino != there->inode) {
            problem("descriptor %d of the program was closed", there->fd);
            continue;
        }
        if (unread_in(there->fd) != there->unread)
            problem("descriptor %d of the program had %ld bytes to read, now %ld", there->fd,
                    there->unread, unread_in(there->fd));
        if (there->peer >= 0 && recv(there->peer, &byte, 1, MSG_DONTWAIT) != -1)
            problem("descriptor %d of the program was written to", there->fd);
    }
}

/* --- a separate descriptor table -------------------------------------------------------------- */

struct in_table {
    uint64_t kept;
    ino_t inodes[64];
    void (*function)(void);
};

static inline ino_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static inline void *work_in_own_table(void *arg)
{
    struct in_table *in = arg;

    MUST(unshare(CLONE_FILES));
    reuse_numbers(in->kept);
    in->function();
    look_at_foreign();
    return NULL;
}

/* Checks that the other threads' table is the same afterwards. */
static inline void in_own_table(void (*function)(void))
{
    struct in_table in = {.kept = kept_by_library(), .function = function};
    pthread_t thread;

    for (int fd = 0; fd < 64; fd++)
        in.inodes[fd] = inode_of(fd);
    threads_of_ours = 2;
    MUST(-pthread_create(&thread, NULL, work_in_own_table, &in));
    MUST(-pthread_join(thread, NULL));
    for (int fd = 0; fd < 64; fd++)
        if (in.inodes[fd] && inode_of(fd) != in.inodes[fd])
            problem("descriptor %d of the other threads was closed", fd);
}

/* --- credentials changed by another thread ---------------------------------------------------- */

/* The C library's setuid(2) applies to all threads: it sends each of them a signal and waits. */
static void *change_credentials(void *arg)
{
    (void)arg;
    outcome->changer = gettid();
    while (!outcome->change)
        sleep_ms(1);
    MUST(setuid(65534));
    outcome->changed = true;
    pause();
    return NULL;
}

/* Runs before the supervisor is started, so that this thread's calls are not reported to it. */
static inline void start_changer(void)
{
    pthread_t thread;

    threads_of_ours = 2;
    MUST(-pthread_create(&thread, NULL, change_credentials, NULL));
    while (!outcome->changer)
        sleep_ms(1);
}

/* The call unblocks the signal at its end. */
static inline void wait_for_changer(void)
{
    for (int i = 0; i < 5000 && outcome->change && !outcome->changed; i++)
        sleep_ms(1);
    if (outcome->change && !outcome->changed)
        problem("setuid(2) does not return");
}

#endif
