/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Other processes change a run directory as fast as they can while it is used. */
#include "privilege.h"
#include "strangers.h"

/* The duration of one race, in seconds. */
#define RACE 1.5

/* Starts a process that makes these changes until it is killed. */
static pid_t start_stranger(void (*become)(void), int first, int last)
{
    pid_t pid = MUST(fork());
    unsigned state = 12345;

    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    racing = true;
    become();
    for (;;) {
        state = state * 1103515245 + 12345;
        swaps[first + (int)(state >> 16) % (last - first)].make();
        /* Moves the directory back, or there would be nothing left to change. */
        if (unlink(PARENT) == 0 || rmdir(PARENT) == 0)
            rename("/run/q", PARENT);
        if (unlink(LINK) == 0)
            symlink(RUN_DIR, LINK);
    }
}

static void stay_root(void)
{
}

/* Mounts of the others do not exist in this mount namespace, so files under them can be renamed and
   unlinked. */
static void become_root_elsewhere(void)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    while (umount2(RUN_DIR, MNT_DETACH) == 0)
        ;
}

static bool is_documented(const struct operation *operation, int error)
{
    for (const int *one = operation->errors; *one; one++)
        if (*one == error)
            return true;
    return false;
}

static void race(enum state_of_name state, void (*become)(void), int first, int last)
{
    unsigned calls = 0, succeeded = 0;
    struct state before;
    double start;
    pid_t pid;

    if (under_valgrind())
        skip("valgrind takes minutes for what it slows down on both sides");
    if (geteuid() != 0 || mknod("/run/device", S_IFCHR | 0644, makedev(1, 3)) < 0)
        skip("needs real root");
    make_outside();
    before = state_now();
    make_run_directory(state);
    pid = start_stranger(become, first, last);
    /* Each operation at least once, however slow the machine is. */
    for (start = seconds(); seconds() - start < RACE || calls < (succeeded ? 2 : 200) * OPERATIONS; calls++) {
        const struct operation *operation = &operations[calls % OPERATIONS];
        int rc;

        /* The first would wait for another program's empty file, the second follows links to namespaces. */
        if (operation->call == call_create_or_open || operation->call == call_open_path)
            continue;
        rc = operation->call(calls / OPERATIONS % 2 ? LINK : RUN_DIR);
        succeeded += rc >= 0 && operation->changes != NEVER_CHANGES;
        check_at(rc >= 0 || is_documented(operation, -rc), __LINE__, "%s: %s (%s)", operation->name,
                 rc < 0 ? strerrorname_np(-rc) : "", netns_errmsg());
        if (!outside_is_as_it_was())
            break;
    }
    stop(pid);
    CHECK(outside_is_as_it_was());
    printf("#: %u calls, of which %u succeeded\n", calls, succeeded);
    CHECK(succeeded > 0);
    /* Completes what a process was doing when it was stopped. */
    if (unlink(PARENT) == 0)
        rename("/run/q", PARENT);
    clear_run_directory();
    EQUAL(open_descriptors(), before.descriptors);
    EQUAL(mounts_at(NULL), before.mounts);
    EQUAL(here(), before.netns);
    EQUAL(threads_left(), before.threads);
    forget_outside();
}

static void race_with_root_in_same_mount_namespace_is_safe(void)
{
    race(ABSENT, stay_root, 0, FIRST_OF_DIRECTORY);
}

static void race_with_root_in_other_mount_namespace_is_safe(void)
{
    race(ABSENT, become_root_elsewhere, 0, FIRST_OF_DIRECTORY);
}

static void race_with_unprivileged_user_is_safe(void)
{
    race(ABSENT, become_plain_user, 0, FIRST_OF_DIRECTORY);
}

static void race_with_user_before_first_mount_is_safe(void)
{
    race(FRESH, become_plain_user, 0, FIRST_OF_DIRECTORY);
}

static void race_with_root_where_symlinks_are_followed_is_safe(void)
{
    /* A link to the outside namespace may be followed, which opens it; /proc/PID/ns/net is also a link. */
    race(LINKED, stay_root, BEHIND_A_LINK_TO_A_NAMESPACE, FIRST_OF_DIRECTORY);
}

static void race_with_directory_replacement_is_safe(void)
{
    race(ABSENT, stay_root, FIRST_OF_DIRECTORY, SWAPS);
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(race_with_root_in_same_mount_namespace_is_safe);
    RUN_WITHOUT_RUN_DIRECTORY(race_with_root_in_other_mount_namespace_is_safe);
    RUN_WITHOUT_RUN_DIRECTORY(race_with_unprivileged_user_is_safe);
    RUN_WITHOUT_RUN_DIRECTORY(race_with_user_before_first_mount_is_safe);
    RUN_WITHOUT_RUN_DIRECTORY(race_with_root_where_symlinks_are_followed_is_safe);
    RUN_WITHOUT_RUN_DIRECTORY(race_with_directory_replacement_is_safe);
    return finish();
}
