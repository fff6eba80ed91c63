/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opens namespaces of processes that exit. The kernel reports EACCES for a process that is released between two
   of its own steps. */
#ifndef NETNS_TEST_EXITING_H
#define NETNS_TEST_EXITING_H

#include "fault.h"

struct exiting {
    /* Opens the namespace of a process and closes it again. Returns 0 or a negative errno. */
    int (*open)(pid_t pid);
    /* The errnos with which it may fail when the process exits. */
    int errors[2];
    int line;
};

static inline void open_while_processes_exit(void *arg)
{
    const struct exiting *exiting = arg;
    int rounds = is_slow() ? 20 : 300;
    bool is_right = true;

    /* Children are released as soon as they exit. */
    MUST(signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -1 : 0);
    for (int i = 0; i < rounds && is_right; i++) {
        pid_t pid;
        int rc;

        fflush(NULL);
        pid = MUST(fork());
        if (pid == 0)
            _exit(0);
        while ((rc = exiting->open(pid)) == 0)
            ;
        is_right = rc == -exiting->errors[0] || rc == -exiting->errors[1];
        check_at(is_right, exiting->line, "%s: %s", strerrorname_np(-rc), netns_errmsg());
    }
}

static inline void open_without_pidfds_while_processes_exit(void *arg)
{
    static const struct fault no_pidfds[] = {{.call = SYS_pidfd_open, .error = ENOSYS}};

    need_seccomp();
    install_faults(no_pidfds, 1);
    open_while_processes_exit(arg);
}

/* Checks that opening fails with one of two errnos when the process exits, whether there are pidfds or not. */
#define FAILS_WHEN_PROCESS_EXITS(open, error, other)                                             \
    do {                                                                                         \
        struct exiting exiting_ = {open, {error, other}, __LINE__};                              \
                                                                                                 \
        IN_CHILD(open_while_processes_exit, &exiting_);                                          \
        IN_CHILD(open_without_pidfds_while_processes_exit, &exiting_);                           \
    } while (0)

#endif
