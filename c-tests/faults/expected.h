/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The expected results of calls in which one system call has failed, where they differ from the default:
 * the same errno or a success, with nothing left behind.
 */
#ifndef NETNS_FAULTS_EXPECTED_H
#define NETNS_FAULTS_EXPECTED_H

#include "calls.h"
#include "scenario.h"

struct expectation {
    /* Function: NULL for any, or a name, which a ", " and a variant may follow. System call: NULL for any.
       Arguments: NULL for any, or text that they must contain. */
    const char *function, *call, *with;
    /* The errno of the system call (0: any), and the errno that the function reports (0: the same). */
    int error, says;
    /* LESS: a successful call may do less. HALF: a failed call may leave the work half done. STRANDED: it
       may leave the thread in the namespace. */
    int forgiven;
    const char *why;
};

#define OF_PIDFD "_IOC(_IOC_NONE, 0xff"

static const struct expectation expectations[] = {
    {"netns_spawn", "clone3", NULL, 0, 0, NOTHING, "it is a process that cannot be started"},
    {NULL, "clone3", NULL, 0, EAGAIN, NOTHING, "a helper thread that cannot be started is EAGAIN"},
    {NULL, "clone", "CLONE_THREAD", 0, EAGAIN, NOTHING, "the same"},
    {"netns_open_pid", "ioctl", OF_PIDFD, EPERM, EACCES, NOTHING,
     "a process that is not ours to look at is EACCES, however it was asked for"},
    {"netns_open_fd", "ioctl", OF_PIDFD, EPERM, EACCES, NOTHING, "the same"},
    {"netns_pids", "newfstatat", NULL, EPERM, 0, LESS,
     "a process that is not ours to look at (hidepid) is left out, as the header says"},
    {"netns_pids", "openat", "/task\"", EPERM, 0, LESS, "the same of its threads"},
    {"netns_list_all", NULL, NULL, EPERM, 0, LESS,
     "what is not ours to look at is left out, as the header says"},
    {"netns_open_id", NULL, NULL, EPERM, 0, LESS, "the same"},
    {"netns_holder_list", NULL, NULL, EPERM, 0, LESS, "the same, and it says so"},
    {"netns_remove", "unlinkat", NULL, EPERM, 0, HALF,
     "whether the file may be unlinked is asked before; where it may not be after all (an append-only "
     "directory) the name is stale, and whoever may clears it"},
    {"netns_remove, stacked", "umount2", NULL, EPERM, 0, HALF,
     "of a stack of mounts the first has come off; the others are the next call's to take off"},
    {"netns_nsid_list", "setsockopt", "STRICT_CHK", 0, EOPNOTSUPP, NOTHING,
     "an option that is refused is one that the kernel does not have"},
    {"netns_list", "readlinkat", NULL, EPERM, 0, LESS, "a link that may not be read is not ours to see"},
    {"netns_names", "readlinkat", NULL, EPERM, 0, LESS, "the same"},
    {"netns_nsid_list", "readlinkat", NULL, EPERM, 0, LESS, "the same"},
    {"netns_monitor_next", "readlinkat", NULL, EPERM, 0, LESS, "the same"},
    {"netns_foreach", "getdents64", NULL, 0, 0, LESS,
     "it gives the names as far as the directory can be read, as iproute2's does"},
    {"netns_name_from_id", "getdents64", NULL, 0, ERRNO_UNTOUCHED, NOTHING, "the same"},
    {"netns_name_from_id", "openat", NULL, 0, ERRNO_UNTOUCHED, NOTHING,
     "it passes over a name that it cannot open, as iproute2's does"},
    {"netns_switch", NULL, NULL, 0, 0, STRANDED,
     "it is one way from the setns on, as iproute2's is, and the header says so"},
};

static inline bool is_of(const struct scenario *scenario, const char *function)
{
    size_t length = strlen(scenario->function);

    if (strncmp(function, scenario->function, length) != 0)
        return false;
    return !function[length] ||
           (strncmp(function + length, ", ", 2) == 0 && strcmp(function + length + 2, scenario->way) == 0);
}

/* The row that applies to a scenario's system call that fails with this errno, or NULL. */
static inline const struct expectation *
expectation_of(const struct scenario *scenario, const struct call *call, int error)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct expectation *row = &expectations[i];

        if ((!row->function || is_of(scenario, row->function)) &&
            (!row->call || strcmp(row->call, call->name) == 0) &&
            (!row->with || strstr(call->text, row->with)) && (!row->error || row->error == error))
            return row;
    }
    return NULL;
}

#endif
