/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A failed create or attach leaves the run directory as it was: no name, and not mounted on itself. */
#include "steps.h"

#define DIR "/run/mine"
#define BLUE DIR "/blue"

static struct netns *own;

static int create_blue(void *arg)
{
    (void)arg;
    return netns_create_at(DIR, "blue", 0, NULL);
}

static int attach_blue(void *arg)
{
    (void)arg;
    return netns_attach_at(DIR, own, "blue", 0);
}

static int (*const makers[])(void *arg) = {create_blue, attach_blue};

#define MAKERS (sizeof makers / sizeof *makers)

static void make_directory(void)
{
    MUST(mkdir(DIR, 0755));
    OK(netns_open_current(&own));
}

/* --- a file system without space ---------------------------------------------------------------- */

static void create_on_read_only_file_system_leaves_nothing(void)
{
    MUST(mkdir("/run/fs", 0755));
    MUST(mount("netns-test", "/run/fs", "tmpfs", 0, NULL));
    MUST(mkdir("/run/fs/d", 0755));
    MUST(mount(NULL, "/run/fs", "none", MS_REMOUNT | MS_RDONLY, NULL));
    FAILS(EROFS, netns_create_at("/run/fs/d", "blue", 0, NULL));
    EQUAL(mounts_at("/run/fs/d"), 0);
    EQUAL(files_in("/run/fs/d"), 0);
}

static void create_on_full_file_system_leaves_nothing(void)
{
    MUST(mkdir("/run/fs", 0755));
    MUST(mount("netns-test", "/run/fs", "tmpfs", 0, "nr_inodes=2"));
    MUST(mkdir("/run/fs/d", 0755));
    FAILS(ENOSPC, netns_create_at("/run/fs/d", "blue", 0, NULL));
    EQUAL(mounts_at("/run/fs/d"), 0);
    EQUAL(files_in("/run/fs/d"), 0);
}

static void create_and_attach_over_regular_file_leave_no_mount(void)
{
    make_directory();
    write_file(BLUE, "text", 0600);
    for (size_t i = 0; i < MAKERS; i++)
        FAILS(EEXIST, makers[i](NULL));
    EQUAL(mounts_at(DIR), 0);
    netns_close(own);
}

static void attach_without_descriptors_leaves_nothing(void)
{
    struct netns *blue = NULL;

    if (under_valgrind())
        skip("valgrind has descriptors of its own");
    make_directory();
    for (int more = 0; more < 12; more++) {
        pid_t pid = MUST(fork());

        if (pid == 0) {
            allow_descriptors(more);
            _exit(netns_attach_at(DIR, own, "blue", 0) == 0 ? 0 : 1);
        }
        if (wait_for(pid) == 0)
            break;
        EQUAL(mounts_at(DIR), 0);
        EQUAL(files_in(DIR), 0);
    }
    OK(netns_open_at(DIR, "blue", 0, &blue));
    EQUAL(netns_equal(own, blue), 1);
    netns_close(blue);
    netns_close(own);
}

/* --- each system call fails once ------------------------------------------------------------------ */

struct once {
    int at, error, step;
    /* What another process does before the call that fails, delayed until the first call after the mount. */
    void (*act)(void);
    bool is_mounted;
};

/* The calls that unmount again, and those that verify that a handle's descriptor may be closed. */
static bool undoes(const struct seccomp_data *data)
{
    return data->nr == SYS_umount2 || data->nr == SYS_fstat ||
           (data->nr == SYS_newfstatat && data->args[3] & AT_EMPTY_PATH);
}

static void fail_once(const struct seccomp_data *data, struct seccomp_notif_resp *response, void *arg)
{
    struct once *once = arg;

    if (once->act && !once->is_mounted) {
        /* The next call finds the directory mounted on itself. */
        once->is_mounted = mounts_at(DIR) > 0;
        if (!once->is_mounted)
            return;
        once->act();
    }
    if (once->step++ != once->at || undoes(data))
        return;
    response->flags = 0;
    response->error = -once->error;
}

/* Makes the call fail at each of its system calls in turn, until there are no more. Returns the number of
   failures. */
static int fail_everywhere(int error, void (*act)(void), void (*look)(int rc))
{
    int failed = 0;

    for (size_t i = 0; i < MAKERS; i++)
        for (int at = 0; CHECK(at < 200) && !test_failures; at++) {
            struct once once = {.at = at, .error = error, .act = act};
            int rc = with_stops(steps_calls, STEPS_CALLS, makers[i], NULL, fail_once, &once);

            look(rc);
            if (rc < 0) {
                failed++;
                if (!CHECK(files_in(DIR) == (act ? 1 : 0)))
                    printf("# step %d of %zu, %s: %s\n", at, i, strerrorname_np(error), netns_errmsg());
            } else {
                OK(netns_remove_at(DIR, "blue", 0));
            }
            while (umount2(DIR "/red", MNT_DETACH) == 0 || umount2(DIR, MNT_DETACH) == 0)
                ;
            unlink(DIR "/red");
            if (once.step <= at)
                break;
        }
    return failed;
}

static void nothing_is_mounted(int rc)
{
    EQUAL(mounts_at(DIR), rc < 0 ? 0 : 1);
}

static void any_failed_system_call_leaves_no_mount_or_file(void)
{
    static const int errors[] = {EPERM, ENOMEM, EMFILE, ENOSPC, EACCES, EROFS};

    if (under_valgrind())
        skip("valgrind does not support seccomp(2)");
    make_directory();
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        int failed = fail_everywhere(errors[i], NULL, nothing_is_mounted);

        printf("#: %s: %d calls failed\n", strerrorname_np(errors[i]), failed);
        CHECK(failed > 5);
    }
    netns_close(own);
}

/* --- names of other processes ----------------------------------------------------------------------- */

static void bind_red(void)
{
    write_file(DIR "/red", "", 0);
    MUST(mount("/proc/self/ns/net", DIR "/red", "none", MS_BIND, NULL));
}

static void red_is_there_once(int rc)
{
    (void)rc;
    CHECK(is_netns(DIR "/red"));
    EQUAL(mounts_at(DIR "/red"), 1);
    EQUAL(mounts_at(DIR), 1);
}

static void failed_call_keeps_name_bound_concurrently(void)
{
    if (under_valgrind())
        skip("valgrind does not support seccomp(2)");
    make_directory();
    CHECK(fail_everywhere(EMFILE, bind_red, red_is_there_once) > 3);
    netns_close(own);
}

/* They are in both mounts until the call ends, and in one afterwards. */
static void failed_attach_keeps_existing_name(void)
{
    struct once once = {.error = EMFILE};
    int failed = 0;

    if (under_valgrind())
        skip("valgrind does not support seccomp(2)");
    make_directory();
    for (once.at = 0; CHECK(once.at < 200) && !test_failures; once.at++) {
        int rc;

        bind_red();
        once.step = 0;
        rc = with_stops(steps_calls, STEPS_CALLS, attach_blue, NULL, fail_once, &once);
        CHECK(is_netns(DIR "/red"));
        if (rc < 0) {
            EQUAL(mounts_at(DIR "/red"), 1);
            failed++;
        } else {
            /* The lower mount may not have been unmounted, which is not a failure. */
            CHECK(mounts_at(DIR "/red") <= 2);
            OK(netns_remove_at(DIR, "blue", 0));
        }
        OK(netns_remove_at(DIR, "red", 0));
        EQUAL(files_in(DIR), 0);
        while (umount2(DIR, MNT_DETACH) == 0)
            ;
        if (once.step <= once.at)
            break;
    }
    CHECK(failed > 10);
    netns_close(own);
}

static void failed_create_and_attach_keep_existing_mount(void)
{
    make_directory();
    MUST(mount(DIR, DIR, "none", MS_BIND, NULL));
    write_file(BLUE, "text", 0600);
    for (size_t i = 0; i < MAKERS; i++)
        FAILS(EEXIST, makers[i](NULL));
    MUST(unlink(BLUE));
    MUST(mount(NULL, DIR, "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    for (size_t i = 0; i < MAKERS; i++)
        FAILS(EROFS, makers[i](NULL));
    EQUAL(mounts_at(DIR), 1);
    netns_close(own);
}

#define CREATORS 8

static void *fail_in_thread(void *arg)
{
    char name[16];

    snprintf(name, sizeof name, "n%d", (int)(intptr_t)arg);
    FAILS(EROFS, netns_create_at("/run/fs/d", name, 0, NULL));
    return NULL;
}

static void concurrent_failed_creates_leave_no_mount(void)
{
    pthread_t threads[CREATORS];

    if (under_valgrind())
        skip("valgrind needs the calls that fail");
    MUST(mkdir("/run/fs", 0755));
    MUST(mount("netns-test", "/run/fs", "tmpfs", 0, NULL));
    MUST(mkdir("/run/fs/d", 0755));
    MUST(mount(NULL, "/run/fs", "none", MS_REMOUNT | MS_RDONLY, NULL));
    for (int i = 0; i < CREATORS; i++)
        MUST(-pthread_create(&threads[i], NULL, fail_in_thread, (void *)(intptr_t)i));
    for (int i = 0; i < CREATORS; i++)
        MUST(-pthread_join(threads[i], NULL));
    EQUAL(mounts_at("/run/fs/d"), 0);
}

/* The kernel returns EINVAL for a mount on a file from which another process unmounts something at that moment. */
static void create_retries_move_mount_after_einval(void)
{
    const char *examples = getenv("NETNS_EXAMPLES");
    struct netns *ns = NULL;
    char script[PATH_MAX + 256];

    if (under_valgrind())
        skip("valgrind");
    if (!have("strace"))
        skip("no strace");
    if (!examples)
        skip("NETNS_EXAMPLES is not set");
    if (!have_open_tree())
        skip("there is no move_mount(2), so the mount is made by path");
    /* The run directory is a mount point by then. */
    OK(netns_create("red", 0, NULL));
    snprintf(script, sizeof script,
             "strace -qq -o /run/trace -e trace=move_mount -e inject=move_mount:error=EINVAL:when=1..3 '%s/netns' add blue",
             examples);
    EQUAL(shell(script), 0);
    EQUAL(shell("test $(grep -c INJECTED /run/trace) = 3"), 0);
    OK(netns_open("blue", 0, &ns));
    netns_close(ns);
    snprintf(script, sizeof script,
             "strace -qq -o /dev/null -e trace=move_mount -e inject=move_mount:error=EINVAL '%s/netns' add green", examples);
    CHECK(shell(script) != 0);
    CHECK(!exists("/run/netns/green"));
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(create_on_read_only_file_system_leaves_nothing);
    RUN_WITHOUT_RUN_DIRECTORY(create_on_full_file_system_leaves_nothing);
    RUN_WITHOUT_RUN_DIRECTORY(create_and_attach_over_regular_file_leave_no_mount);
    RUN_WITHOUT_RUN_DIRECTORY(attach_without_descriptors_leaves_nothing);
    RUN_WITHOUT_RUN_DIRECTORY(any_failed_system_call_leaves_no_mount_or_file);
    RUN_WITHOUT_RUN_DIRECTORY(failed_call_keeps_name_bound_concurrently);
    RUN_WITHOUT_RUN_DIRECTORY(failed_attach_keeps_existing_name);
    RUN_WITHOUT_RUN_DIRECTORY(failed_create_and_attach_keep_existing_mount);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_failed_creates_leave_no_mount);
    RUN_WITHOUT_RUN_DIRECTORY(create_retries_move_mount_after_einval);
    return finish();
}
