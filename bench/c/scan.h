/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Scans /proc with bare calls for the threads, descriptors, sockets and mounts of one namespace. */
#ifndef NETNS_BENCH_SCAN_H
#define NETNS_BENCH_SCAN_H

#include "worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct scan {
    struct stat wanted;
    unsigned long long cookie;
    /* Whether the namespaces of sockets are queried. */
    int with_sockets;
    long found;
};

/* Mount namespaces, each as seen from a root directory, whose mountinfo has been read. */
struct view {
    ino_t mounts, root;
};
static struct view views[64];
static int view_count;

static inline DIR *open_below(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? NULL : fdopendir(fd);
}

static inline int is_number(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static inline void scan_socket(struct scan *scan, int pidfd, int number)
{
    unsigned long long cookie = 0;
    socklen_t length = sizeof cookie;
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

    if (fd < 0)
        return;
    scan->found += getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 && cookie == scan->cookie;
    close(fd);
}

static inline void scan_descriptors(struct scan *scan, int task, const char *tid)
{
    struct dirent *entry;
    struct stat st;
    char path[300];
    int pidfd = -1;
    DIR *dir;

    snprintf(path, sizeof path, "%s/fd", tid);
    if (!(dir = open_below(task, path)))
        return;
    while ((entry = readdir(dir))) {
        if (!is_number(entry) || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0)
            continue;
        scan->found += st.st_ino == scan->wanted.st_ino && st.st_dev == scan->wanted.st_dev;
        if (!scan->with_sockets || !S_ISSOCK(st.st_mode))
            continue;
        if (pidfd < 0)
            pidfd = (int)syscall(SYS_pidfd_open, atoi(tid), 0);
        scan_socket(scan, pidfd, atoi(entry->d_name));
    }
    if (pidfd >= 0)
        close(pidfd);
    closedir(dir);
}

static inline void scan_mountinfo(struct scan *scan, int task, const char *tid)
{
    static char text[8 << 20];
    char path[300], root[64], *at = text;
    size_t used = 0;
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "%s/mountinfo", tid);
    fd = openat(task, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((len = read(fd, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)len;
    close(fd);
    text[used] = '\0';
    snprintf(root, sizeof root, " net:[%lu] ", (unsigned long)scan->wanted.st_ino);
    while ((at = strstr(at, root))) {
        scan->found++;
        at++;
    }
}

static inline void scan_mounts(struct scan *scan, int task, const char *tid)
{
    struct stat mounts, root;
    char path[300];
    int i;

    snprintf(path, sizeof path, "%s/ns/mnt", tid);
    if (fstatat(task, path, &mounts, 0) < 0)
        return;
    snprintf(path, sizeof path, "%s/root", tid);
    if (fstatat(task, path, &root, 0) < 0)
        return;
    for (i = 0; i < view_count; i++)
        if (views[i].mounts == mounts.st_ino && views[i].root == root.st_ino)
            return;
    if (view_count < (int)(sizeof views / sizeof *views))
        views[view_count++] = (struct view){mounts.st_ino, root.st_ino};
    scan_mountinfo(scan, task, tid);
}

static inline void scan_process(struct scan *scan, int proc, const char *pid)
{
    struct dirent *entry;
    struct stat st;
    char path[300];
    DIR *task;

    snprintf(path, sizeof path, "%s/task", pid);
    if (!(task = open_below(proc, path)))
        return;
    while ((entry = readdir(task))) {
        if (!is_number(entry))
            continue;
        snprintf(path, sizeof path, "%s/ns/net", entry->d_name);
        scan->found += fstatat(dirfd(task), path, &st, 0) == 0 && st.st_ino == scan->wanted.st_ino &&
                       st.st_dev == scan->wanted.st_dev;
        scan_mounts(scan, dirfd(task), entry->d_name);
        scan_descriptors(scan, dirfd(task), entry->d_name);
    }
    closedir(task);
}

static inline void scan_proc(struct scan *scan)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (!proc)
        die("/proc");
    view_count = 0;
    while ((entry = readdir(proc)))
        if (is_number(entry))
            scan_process(scan, dirfd(proc), entry->d_name);
    closedir(proc);
}

#endif
