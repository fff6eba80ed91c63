/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A run directory that others can write to. Whatever they put under a name between any two system calls of
 * the library, nothing outside is opened, changed, unmounted or created.
 */
#include "fault.h"
#include "steps.h"
#include "strangers.h"

/* --- every swap at every step ------------------------------------------------------------------- */

struct round {
    const struct operation *operation;
    const struct swap *swap;
    const char *rundir;
    int at, step;
    bool done;
    /* Whether the directory that the call works in was determined, and the name bound, before the swap. */
    bool settled, late, bound;
};

/* System calls that fail meanwhile, as on an older kernel. */
static const struct fault *faults;
static size_t fault_count;

/* Whether a string argument of the stopped call, which is in this process, ends in the name. */
static bool is_about_the_name(uint64_t address)
{
    const char *text = (const char *)(uintptr_t)address;
    size_t len = text ? strlen(text) : 0;

    return len >= 4 && strcmp(text + len - 4, "blue") == 0;
}

static bool settles(const struct operation *operation, const struct seccomp_data *data)
{
    if (operation->changes == CHANGES_WHAT_IT_LOOKS_AT)
        switch (data->nr) {
        case SYS_umount2:
            return is_about_the_name(data->args[0]);
        case SYS_openat:
        case SYS_statx:
        case SYS_newfstatat:
        case SYS_unlinkat:
        case SYS_name_to_handle_at:
            return is_about_the_name(data->args[1]);
        default:
            return false;
        }
    return data->nr == SYS_move_mount || data->nr == SYS_mount ||
           (data->nr == SYS_openat && data->args[2] & O_CREAT && is_about_the_name(data->args[1]));
}

static void swap_at_step(const struct seccomp_data *data, struct seccomp_notif_resp *response, void *arg)
{
    struct round *round = arg;
    int step = round->step++;

    (void)response;
    round->settled = round->settled || settles(round->operation, data);
    if (step < round->at && (data->nr == SYS_move_mount || data->nr == SYS_mount))
        round->bound = true;
    if (step != round->at)
        return;
    round->done = true;
    round->late = round->settled || round->operation->changes == NEVER_CHANGES;
    round->swap->make();
}

static int call_in_round(void *arg)
{
    const struct round *round = arg;
    uint64_t home = here();
    int rc, error;

    if (fault_count > 0)
        install_faults(faults, fault_count);
    rc = round->operation->call(round->rundir);
    error = errno;
    if (rc < 0) {
        EQUAL(error, -rc);
        CHECK(netns_errmsg()[0] && !strpbrk(netns_errmsg(), "\n\r"));
    }
    EQUAL(here(), home);
    errno = error;
    return rc;
}

static bool is_among(const int *errors, int error)
{
    for (; *errors; errors++)
        if (*errors == error)
            return true;
    return false;
}

/* Whether the call must create the name: the swap came too early to remove a finished one. */
static bool promises_a_name(const struct round *round)
{
    const struct operation *operation = round->operation;

    return operation->changes == CHANGES_WHAT_IT_MAKES && !round->bound && fault_count == 0 &&
           (operation->state == ABSENT || operation->state == STALE) &&
           round->swap < &swaps[FIRST_OF_DIRECTORY];
}

static void look_after(const struct round *round, int rc)
{
    bool fine = check_at(rc >= 0 || is_among(round->operation->errors, -rc), __LINE__, "%s",
                         rc < 0 ? strerrorname_np(-rc) : "");

    fine &= outside_is_as_it_was();
    if (round->late)
        fine &= evil_is_as_it_was();
    if (round->done && round->swap->stays_mounted && exists("/proc/self"))
        fine &= CHECK(mounts_at(NAME) >= 1);
    if (round->done && rc >= 0 && promises_a_name(round))
        fine &= CHECK(is_netns(NAME));
    check_at(fine, __LINE__, "%s (state %d) in %s, with %s before step %d", round->operation->name,
             round->operation->state, round->rundir, round->swap->name, round->at);
}

/* The state without the run directory, which each round creates anew. */
static struct state between_rounds(void)
{
    struct state state = state_now();

    state.files = 0;
    return state;
}

/* Unmounting waits for the kernel, which is slow on an emulated machine. */
#define SOME 5

static int rounds_run;

/* Makes one swap before every step of a call in turn; on an emulated machine before every seventh. */
static void swap_everywhere(const struct operation *operation, const struct swap *swap, const char *rundir)
{
    for (int at = 0; CHECK(at < 200); at += is_slow() ? 7 : 1) {
        struct round round = {.operation = operation, .swap = swap, .rundir = rundir, .at = at};
        struct state before = between_rounds(), after;
        int rc, failures = test_failures;

        make_run_directory(operation->state);
        rc = with_stops(steps_calls, STEPS_CALLS, call_in_round, &round, swap_at_step, &round);
        rounds_run++;
        look_after(&round, rc);
        clear_run_directory();
        after = between_rounds();
        check_at(after.mounts == before.mounts && after.descriptors == before.descriptors, __LINE__,
                 "%s with %s before step %d: mounts %d, %d, descriptors %d, %d", operation->name,
                 swap->name, at, before.mounts, after.mounts, before.descriptors, after.descriptors);
        /* One failure is enough. */
        if (!round.done || test_failures > failures)
            break;
    }
}

/* Makes every swap from the first one on in every call; on an emulated machine some of the swaps in each. */
static void swap_all(const char *rundir, int first)
{
    make_outside();
    for (int i = 0; i < OPERATIONS; i++)
        for (int j = first; j < SWAPS; j++) {
            bool waits = operations[i].call == call_create_or_open && swaps[j].is_placeholder;
            /* These calls follow a link to a namespace. */
            bool follows = (operations[i].call == call_open_path || operations[i].state == LINKED) &&
                           swaps[j].make == swap_for_a_link_to_a_namespace;

            if (!waits && !follows && (!is_slow() || (i + j) % SOME == 0))
                swap_everywhere(&operations[i], &swaps[j], rundir);
        }
    printf("#: %d swaps\n", rounds_run);
    CHECK(rounds_run > OPERATIONS * (SWAPS - first) / (is_slow() ? SOME : 1));
    forget_outside();
}

static void need_notifications(void)
{
    if (under_valgrind())
        skip("valgrind does not support seccomp(2)");
    if (geteuid() != 0 || mknod("/run/device", S_IFCHR | 0644, makedev(1, 3)) < 0)
        skip("needs real root");
    MUST(unlink("/run/device"));
}

static void swap_at_any_step_changes_nothing_outside_directory(void)
{
    need_notifications();
    swap_all(RUN_DIR, 0);
}

static void swapping_link_to_directory_changes_nothing_outside(void)
{
    need_notifications();
    swap_all(LINK, FIRST_OF_DIRECTORY);
}

static void swap_on_old_kernel_changes_nothing_outside_directory(void)
{
    static const struct fault old[] = {
        {SYS_open_tree, ENOSYS, 0, 0, 0},      {SYS_move_mount, ENOSYS, 0, 0, 0},
        {SYS_mount_setattr, ENOSYS, 0, 0, 0},  {SYS_statx, ENOSYS, 0, 0, 0},
        {SYS_name_to_handle_at, EPERM, 0, 0, 0},
    };

    need_notifications();
    faults = old;
    fault_count = sizeof old / sizeof *old;
    swap_all(RUN_DIR, 0);
}

/* Without /proc it is not certain which namespace is opened, but it is certain which mount is unmounted. */
static void swapping_directory_without_proc_changes_nothing_outside(void)
{
    need_notifications();
    proc = "/run/proc";
    MUST(mkdir(proc, 0755));
    MUST(mount("proc", proc, "proc", 0, NULL));
    MUST(mount("none", "/proc", "tmpfs", 0, NULL));
    swap_all(RUN_DIR, FIRST_OF_DIRECTORY);
    MUST(umount2("/proc", MNT_DETACH));
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(swap_at_any_step_changes_nothing_outside_directory);
    RUN_WITHOUT_RUN_DIRECTORY(swapping_link_to_directory_changes_nothing_outside);
    RUN_WITHOUT_RUN_DIRECTORY(swap_on_old_kernel_changes_nothing_outside_directory);
    RUN_WITHOUT_RUN_DIRECTORY(swapping_directory_without_proc_changes_nothing_outside);
    return finish();
}
