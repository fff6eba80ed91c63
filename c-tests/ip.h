/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs `ip netns` beside the library. */
#ifndef NETNS_TEST_IP_H
#define NETNS_TEST_IP_H

#include "test.h"

#include <spawn.h>

/* Finds ip(8), which may be only in root's PATH, and skips the test if it is not installed. */
static inline void need_ip(void)
{
    char path[PATH_MAX];

    if (!have("ip"))
        skip("no ip(8)");
    snprintf(path, sizeof path, "%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/usr/bin");
    setenv("PATH", path, 1);
}

/* Starts `ip netns VERB A B C`; the arguments end at the first NULL. Its output goes to out. */
static inline pid_t start_ip(int out, const char *verb, const char *a, const char *b, const char *c)
{
    const char *const argv[] = {"ip", "netns", verb, a, b, c, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (out < 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    error = posix_spawnp(&pid, "ip", &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    MUST(error ? -1 : 0);
    return pid;
}

/* Runs it and returns its exit status. */
static inline int ip_netns(const char *verb, const char *a, const char *b, const char *c)
{
    return wait_for(start_ip(-1, verb, a, b, c));
}

/* Runs it and returns its output with newlines replaced by spaces, valid until the next call. */
static inline const char *
ip_netns_says(const char *verb, const char *a, const char *b, const char *c)
{
    static char text[65536];
    ssize_t got, used = 0;
    int ends[2];
    pid_t pid;
    char *at;

    MUST(pipe2(ends, O_CLOEXEC));
    pid = start_ip(ends[1], verb, a, b, c);
    close(ends[1]);
    while ((got = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
        used += got;
    close(ends[0]);
    wait_for(pid);
    while (used > 0 && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    for (at = text; (at = strchr(at, '\n')); at++)
        *at = ' ';
    return text;
}

#endif
