/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the benchmarks run: a private mount namespace with one network namespace that has a name. */
#ifndef NETNS_BENCH_WORLD_H
#define NETNS_BENCH_WORLD_H

#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DIR_PATH "/run/netns"

/* The one that is there all the time, as "target". */
static struct netns *target;

static inline void path_of(char *path, int i)
{
    sprintf(path, DIR_PATH "/bench%d", i);
}

static inline void name_of(char *name, int i)
{
    sprintf(name, "bench%d", i);
}

/* Names of one namespace that lives on: what is timed is the name, not the namespace's end. */
static inline void attach(int i)
{
    char name[32];

    name_of(name, i);
    MUST(netns_attach(target, name, 0));
}

static inline void attach_all(int count)
{
    int i;

    for (i = 0; i < count; i++)
        attach(i);
}

static inline void bind_bare(const char *source, int i)
{
    char path[64];

    path_of(path, i);
    MUST(close(MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0))));
    MUST(mount(source, path, "none", MS_BIND, NULL));
}

static inline void remove_bare(int i)
{
    char path[64];

    path_of(path, i);
    MUST(umount2(path, MNT_DETACH));
    MUST(unlink(path));
}

static inline void remove_all(int count)
{
    int i;

    for (i = 0; i < count; i++)
        remove_bare(i);
}

/* Nothing of what happens from here on is seen on the host. */
static inline void enter_a_private_world(void)
{
    if (geteuid() != 0) {
        fprintf(stderr, "the benchmark makes network namespaces: run it as root\n");
        exit(77);
    }
    MUST(unshare(CLONE_NEWNS | CLONE_NEWNET));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    MUST(mount("bench", "/run", "tmpfs", 0, "mode=755"));
    MUST(netns_create("target", 0, &target));
}

static inline void leave_the_world(void)
{
    MUST(netns_remove("target", 0));
    netns_close(target);
}

static inline void print_kernel(void)
{
    struct utsname kernel;

    uname(&kernel);
    printf("libnetns %s on Linux %s; us per call; ratio to the first way of the row\n\n",
           netns_version(), kernel.release);
}

/* What main() returns: a goal that is missed is shown, and no failure. */
static inline int print_missed(int missed)
{
    printf("\n%d goals missed\n\n", missed);
    return 0;
}

#endif
