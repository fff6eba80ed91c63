/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Finding the processes of a namespace among many, beside a bare loop over /proc. */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* How many there are, and how many of them are in the namespace. */
#define PROCESSES 5000
#define INSIDE 100

static int sleep_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return 0;
}

/* They share our memory, which makes them cheap. They end with their pid namespace, as we do. */
static void start_sleepers(int count)
{
    const size_t stack = 8192;
    int i;

    for (i = 0; i < count; i++) {
        char *bottom = malloc(stack);

        if (!bottom)
            die("malloc");
        MUST(clone(sleep_for_ever, bottom + stack, CLONE_VM | SIGCHLD, NULL));
    }
}

static void find_bare(int i)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    char path[300];
    struct stat st;
    int found = 0;

    (void)i;
    if (!dir)
        die("/proc");
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        sprintf(path, "%s/ns/net", entry->d_name);
        found += fstatat(dirfd(dir), path, &st, 0) == 0 && st.st_ino == netns_inode(target) &&
                 st.st_dev == netns_device(target);
    }
    closedir(dir);
    if (found != INSIDE)
        die("stat");
}

static void find_by_library(int i)
{
    static pid_t pids[INSIDE];

    (void)i;
    if (MUST(netns_pids(target, 0, pids, INSIDE)) != INSIDE)
        die("netns_pids");
}

static const struct row pids = {
    .name = "pids of 5,000", .rounds = 60, .batch = 1, .at_most = 1.30,
    .ways = {{.name = "readdir + stat", .work = find_bare},
             {.name = "libnetns", .work = find_by_library}},
};

/* The first process of its pid namespace: when it ends, all that it has started end. */
static int run_inside(void)
{
    int token;

    MUST(mount("proc", "/proc", "proc", 0, NULL));
    token = MUST(netns_enter(target));
    start_sleepers(INSIDE);
    MUST(netns_leave(token));
    start_sleepers(PROCESSES - INSIDE);
    print_header();
    return print_missed(run_row(&pids));
}

int main(void)
{
    int status;
    pid_t pid;

    enter_a_private_world();
    MUST(unshare(CLONE_NEWPID));
    pid = MUST(fork());
    if (pid == 0) {
        status = run_inside();
        fflush(stdout);
        _exit(status);
    }
    MUST(waitpid(pid, &status, 0));
    leave_the_world();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
