/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The errnos that operations may fail with under concurrent use, and a check that the header documents
   them. */
#include "stress.h"

#include "../documented.h"

#define FAILURES 3

struct rule {
    const char *text, *function;
    /* What is plausible when only other callers and SIGKILL interfere. */
    int errnos[FAILURES];
};

static const struct rule rules[OPERATIONS] = {
    [CREATE] = {"create", "netns_create", {EEXIST, EAGAIN}},
    [CREATE_OR_OPEN] = {"create, EXIST_OK", "netns_create", {EEXIST, EAGAIN}},
    [CREATE_ANONYMOUS] = {"create, anonymous", "netns_create", {0}},
    [OPEN] = {"open", "netns_open", {ENOENT, ENOTTY}},
    [OPEN_PID] = {"open_pid", "netns_open_pid", {ESRCH}},
    [OPEN_FD] = {"open_fd", "netns_open_fd", {0}},
    [OPEN_CURRENT] = {"open_current", "netns_open_current", {0}},
    [ATTACH] = {"attach", "netns_attach", {EEXIST, EAGAIN}},
    [REMOVE] = {"remove", "netns_remove", {ENOENT}},
    [REMOVE_OR_NOT] = {"remove, MISSING_OK", "netns_remove", {0}},
    [LIST] = {"list", "netns_list", {0}},
    [LIST_STALE] = {"list, STALE", "netns_list", {0}},
    [NAMES_OF] = {"names", "netns_names", {0}},
    [MONITOR_OPEN] = {"monitor_open", "netns_monitor_open", {0}},
    [MONITOR_NEXT] = {"monitor_next", "netns_monitor_next", {0}},
    [SETNS] = {"setns", "netns_setns", {0}},
    [ENTER] = {"enter", "netns_enter", {0}},
    [LEAVE] = {"leave", "netns_leave", {0}},
    [GO_AND_RUN] = {"run", "netns_run", {0}},
    [SOCKET] = {"socket", "netns_socket", {0}},
    [COOKIE] = {"cookie", "netns_cookie", {EOPNOTSUPP}},
    [IS_CURRENT] = {"is_current", "netns_is_current", {0}},
    [PIDS] = {"pids", "netns_pids", {0}},
    [NSID_GET] = {"nsid_get", "netns_nsid_get", {ENODATA}},
    [NSID_SET] = {"nsid_set", "netns_nsid_set", {EEXIST}},
    [SPAWN] = {"spawn", "netns_spawn", {0}},
    [LINK_LIST] = {"link_list", "netns_link_list", {0}},
};

/* --- the header ------------------------------------------------------------------------------ */

static bool is_documented(const char *function, int error)
{
    return is_named(function, strerrorname_np(error));
}

void compare_rules_with(const char *path)
{
    int errnos = 0;

    read_documented(path);
    for (int i = 0; i < OPERATIONS; i++) {
        if (!documented_errnos(rules[i].function))
            wrong("the header says nothing of %s()", rules[i].function);
        for (int j = 0; j < FAILURES && rules[i].errnos[j]; j++) {
            errnos++;
            if (!is_documented(rules[i].function, rules[i].errnos[j]))
                wrong("%s may fail with %s here, which %s() does not document", rules[i].text,
                      strerrorname_np(rules[i].errnos[j]), rules[i].function);
        }
    }
    /* A search that matches everything would match these. */
    if (is_documented("netns_create", EXDEV) || !is_documented("netns_names_at", EACCES))
        wrong("the header is not read as it should be");
    printf("%d operations, and the %d ways in which they may fail here, are as the header says\n",
           OPERATIONS, errnos);
}

/* --- counting -------------------------------------------------------------------------------- */

static bool is_allowed(enum operation operation, int error)
{
    for (int i = 0; i < FAILURES && rules[operation].errnos[i]; i++)
        if (rules[operation].errnos[i] == error)
            return true;
    return false;
}

long long ended(enum operation operation, long long rc)
{
    struct tally *tally = &shared->tallies[operation];
    int error = rc < 0 ? -rc : 0, saved = errno;

    if (rc >= 0) {
        tally->succeeded++;
        return rc;
    }
    if (error >= ERRNOS) {
        wrong("%s returned %lld", rules[operation].text, rc);
        return rc;
    }
    tally->failed[error]++;
    if (saved != error)
        wrong("%s returned -%s and set errno to %d", rules[operation].text, strerrorname_np(error),
              saved);
    if (!netns_errmsg()[0])
        wrong("%s failed without a message", rules[operation].text);
    if (!is_allowed(operation, error))
        wrong("%s failed with %s: %s", rules[operation].text, strerrorname_np(error),
              netns_errmsg());
    return rc;
}

void print_tallies(void)
{
    for (int i = 0; i < OPERATIONS; i++) {
        struct tally *tally = &shared->tallies[i];

        printf("  %-20s %9lu", rules[i].text, tally->succeeded);
        for (int error = 1; error < ERRNOS; error++)
            if (tally->failed[error])
                printf("  %s %lu", strerrorname_np(error), tally->failed[error]);
        printf("\n");
        /* Kernels before 5.14 have no cookies. */
        if (tally->succeeded == 0 && tally->failed[EOPNOTSUPP] == 0)
            wrong("%s never succeeded", rules[i].text);
        if (tally->failed[EAGAIN] > tally->succeeded / 100 + 2)
            wrong("%s gave up too often", rules[i].text);
    }
}
