/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs started in a namespace, and their output. */
#ifndef NETNS_TEST_PROGRAM_H
#define NETNS_TEST_PROGRAM_H

#include "test.h"

#define OPTIONS(...) \
    (&(struct netns_spawn_options){.size = sizeof(struct netns_spawn_options), __VA_ARGS__})

/* For OPTIONS(): the three descriptors. */
#define STDIO(in, out, error) \
    .flags = NETNS_SPAWN_STDIO, .stdin_fd = (in), .stdout_fd = (out), .stderr_fd = (error)

/* Everything that can be read from a descriptor, which is then closed. The next call overwrites the
   result. */
static inline const char *text_of(int fd)
{
    static char text[65536];
    size_t used = 0;
    ssize_t len;

    while ((len = read(fd, text + used, sizeof text - 1 - used)) != 0)
        if (len > 0)
            used += len;
        else if (errno != EINTR)
            break;
    close(fd);
    while (used > 0 && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    return text;
}

/* Starts a program whose output goes to a pipe; returns the pipe's other end. */
static inline int start_saying(const struct netns *ns, const struct netns_spawn_options *options,
                               const char *file, char *const argv[], pid_t *pid)
{
    struct netns_spawn_options with = options ? *options : *OPTIONS(0);
    int ends[2];

    MUST(pipe2(ends, O_CLOEXEC));
    with.flags |= NETNS_SPAWN_STDOUT;
    with.stdout_fd = ends[1];
    if (OK(netns_spawn(ns, &with, file, argv, NULL, pid)) < 0)
        *pid = -1;
    close(ends[1]);
    return ends[0];
}

/* The output of a shell script run in a namespace. */
#define SAID(ns, options, script) said_at((ns), (options), (script), __LINE__)

static inline const char *said_at(const struct netns *ns, const struct netns_spawn_options *options,
                                  const char *script, int line)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    const char *text;
    pid_t pid = -1;

    text = text_of(start_saying(ns, options, "/bin/sh", argv, &pid));
    if (pid > 0) {
        int status = wait_for(pid);

        check_at(status == 0, line, "%s: status %d", script, status);
    }
    return text;
}

/* The number printed by a shell script. */
#define NUMBER(ns, options, script) strtoull(said_at((ns), (options), (script), __LINE__), NULL, 10)

/* Identifies the mount namespace of the process. */
static inline uint64_t mount_namespace(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/mnt", &st) == 0 ? st.st_ino : 0;
}

/* Sets up a private /etc with the few files that the tests replace. */
static inline void private_etc(void)
{
    MUST(mount("netns-test", "/etc", "tmpfs", 0, "mode=755"));
    MUST(mkdir("/etc/netns", 0755));
    MUST(mkdir("/etc/netns/blue", 0755));
    write_file("/etc/hosts", "everybody's hosts", 0644);
}

/* Checks that there is no child left, running or zombie. */
#define CHILDLESS() check_at(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD, \
                             __LINE__, "a child is left")

#endif
