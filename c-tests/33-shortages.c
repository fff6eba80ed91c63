/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every function when a resource is exhausted or an operation is forbidden: it reports the failure and
   leaves nothing behind. */
#include "calls.h"
#include "fault.h"
#include "privilege.h"

#include <sys/socket.h>

/* --- every function ----------------------------------------------------------------------------- */

static struct rlimit before;

static void limit(int resource, rlim_t to)
{
    struct rlimit limit;

    MUST(getrlimit(resource, &before));
    limit = before;
    limit.rlim_cur = to;
    MUST(setrlimit(resource, &limit));
}

/* Makes the call and returns whether it succeeded. Otherwise checks that it failed with one of two errnos
   and left nothing behind. */
static bool worked(const struct call *call, void (*harder)(void), void (*easier)(void), int error,
                   int other)
{
    struct state state;
    long rc;

    open_blue_and_far();
    state = state_now();
    harder();
    rc = call->make();
    easier();
    if (rc >= 0) {
        UNDO(call);
        return true;
    }
    if (!check_at(rc == -error || rc == -other, __LINE__, "%s: %ld (%s)", call->name, rc,
                  netns_errmsg()))
        return false;
    /* This also closes a connection that a handle has opened meanwhile. */
    open_blue_and_far();
    /* Under valgrind open(2) creates the file before it is refused. */
    if (!under_valgrind())
        unchanged_at(state, __LINE__);
    return false;
}

/* The number of calls that fail under the restriction. */
static int refused(void (*harder)(void), void (*easier)(void), int error, int other)
{
    int count = 0;

    for (size_t i = 0; i < CALLS && !test_failures; i++) {
        count += !worked(&calls[i], harder, easier, error, other);
        check_at(!test_failures, __LINE__, "that was %s", calls[i].name);
    }
    return count;
}

/* --- descriptors -------------------------------------------------------------------------------- */

static int more;

static void few_descriptors(void)
{
    allow_descriptors(more);
}

static void many_descriptors(void)
{
    allow_descriptors(-1);
}

static void calls_fail_with_emfile_until_descriptors_suffice(void)
{
    prepare_calls();
    for (size_t i = 0; i < CALLS && !test_failures; i++) {
        bool done = false;

        for (more = 0; more < 20 && !done && !test_failures; more++)
            done = worked(&calls[i], few_descriptors, many_descriptors, EMFILE, EMFILE);
        check_at(done, __LINE__, "%s does not work with %d descriptors", calls[i].name, more);
    }
    end_calls();
}

static void existing_handles_work_without_free_descriptors(void)
{
    uint64_t cookie, home = here();
    int token;

    prepare_calls();
    token = MUST(netns_enter(given.blue));
    /* A handle has a connection from its first request on. */
    OK(call_link_list());
    allow_descriptors(0);
    EQUAL(OK(netns_is_current(given.blue)), 1);
    OK(netns_leave(token));
    /* The token's former number is free now; occupy it. */
    MUST(dup2(netns_fd(given.blue), token));
    FAILS(EMFILE, netns_enter(given.blue));
    OK(netns_setns(given.blue));
    OK(netns_setns(given.home));
    SAME(netns_name(given.blue), "blue");
    SAME(netns_path(given.blue), "/run/netns/blue");
    CHECK(netns_inode(given.blue) != 0);
    CHECK(netns_device(given.blue) != 0);
    EQUAL(netns_equal(given.blue, given.home), 0);
    EQUAL(OK(netns_is_current(given.home)), 1);
    if (netns_cookie(given.blue, &cookie) < 0)
        CHECK(errno == EMFILE || errno == EOPNOTSUPP);
    OK(call_link_list());
    OK(call_link_set_mtu());
    OK(call_addr_list());
    OK(call_route_list());
    OK(call_nsid_get());
    netns_close(given.far);
    given.far = NULL;
    allow_descriptors(-1);
    close(token);
    EQUAL(here(), home);
    end_calls();
}

/* --- memory, processes -------------------------------------------------------------------------- */

static unsigned long pages(void)
{
    unsigned long count = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    MUST(file && fscanf(file, "%lu", &count) == 1 ? 0 : -1);
    fclose(file);
    return count;
}

/* Memory that malloc(3) had available, as a linked list. */
static void **taken;

static void no_memory(void)
{
    void **piece;

    limit(RLIMIT_AS, pages() * sysconf(_SC_PAGESIZE));
    for (size_t size = 65536; size >= sizeof *piece; size /= 2)
        while ((piece = malloc(size))) {
            *piece = taken;
            taken = piece;
        }
}

static void enough_memory(void)
{
    MUST(setrlimit(RLIMIT_AS, &before));
    while (taken) {
        void **next = *taken;

        free(taken);
        taken = next;
    }
}

static void calls_without_memory_work_or_fail_cleanly(void)
{
    if (under_valgrind())
        skip("valgrind needs some itself");
    prepare_calls();
    /* pthread_create(3) reports EAGAIN if there is no memory for a stack. */
    CHECK(refused(no_memory, enough_memory, ENOMEM, EAGAIN) > 0);
    end_calls();
}

static void no_processes(void)
{
    limit(RLIMIT_NPROC, 0);
}

static void enough_processes(void)
{
    MUST(setrlimit(RLIMIT_NPROC, &before));
}

static void run_out_of_processes(void *arg)
{
    (void)arg;
    become_plain_user();
    enter_user_namespace_with_run_directory(CLONE_NEWNET);
    prepare_calls();
    /* Programs, and a child that switches with its mounts; no other call needs a helper there. */
    EQUAL(refused(no_processes, enough_processes, EAGAIN, EAGAIN), 7);
    end_calls();
}

static void calls_that_need_a_process_fail_with_eagain(void)
{
    if (under_valgrind())
        skip("valgrind makes a fork of it");
    IN_CHILD(run_out_of_processes, NULL);
}

/* --- the file system ---------------------------------------------------------------------------- */

static void fill(const char *path)
{
    static const char block[4096];
    int fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

    while (write(fd, block, sizeof block) > 0)
        ;
    CHECK(errno == ENOSPC);
    close(fd);
}

static void create_on_full_disk_works_or_fails_with_enospc(void)
{
    struct netns *ns = NULL;
    int created, attached;

    MUST(mkdir("/run/full", 0755));
    MUST(mount("netns-test", "/run/full", "tmpfs", 0, "size=64k"));
    MUST(netns_create_at("/run/full", "first", 0, &ns));
    fill("/run/full/file");
    created = netns_create_at("/run/full", "second", 0, NULL);
    CHECK(created == 0 || created == -ENOSPC);
    attached = netns_attach_at("/run/full", ns, "third", 0);
    CHECK(attached == 0 || attached == -ENOSPC);
    EQUAL(files_in("/run/full"), 2 + !created + !attached);
    OK(netns_remove_at("/run/full", "first", 0));
    OK(netns_remove_at("/run/full", "second", created ? NETNS_REMOVE_MISSING_OK : 0));
    OK(netns_remove_at("/run/full", "third", attached ? NETNS_REMOVE_MISSING_OK : 0));
    EQUAL(files_in("/run/full"), 1);
    netns_close(ns);
}

static void create_without_inodes_fails_with_enospc(void)
{
    int mounts;

    MUST(mkdir("/run/full", 0755));
    MUST(mount("netns-test", "/run/full", "tmpfs", 0, "nr_inodes=1"));
    mounts = mounts_at(NULL);
    FAILS(ENOSPC, netns_create_at("/run/full/netns", "blue", 0, NULL));
    MESSAGE_HAS("mkdir /run/full/netns: No space left on device");
    EQUAL(files_in("/run/full"), 0);
    EQUAL(mounts_at(NULL), mounts);
}

static void read_only_run_directory_can_be_read_but_not_changed(void)
{
    struct netns *ns = NULL, *other = NULL;
    struct netns_monitor *monitor = NULL;
    struct netns_event event = {.size = sizeof event};
    struct netns_name_snapshot *list = NULL;

    MUST(netns_create("blue", 0, &ns));
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    FAILS(EROFS, netns_create("green", 0, &other));
    FAILS(EROFS, netns_create("green", NETNS_CREATE_EXIST_OK, &other));
    FAILS(EROFS, netns_attach(ns, "green", 0));
    FAILS(EROFS, netns_remove("blue", 0));
    FAILS(EEXIST, netns_create("blue", 0, &other));
    FAILS(ENOENT, netns_remove("green", 0));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &other));
    netns_close(other);
    OK(netns_open("blue", 0, &other));
    netns_close(other);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    SAME(event.name, "blue");
    netns_monitor_close(monitor);
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_BIND, NULL));
    OK(netns_remove("blue", 0));
    netns_close(ns);
}

static void create_on_read_only_file_system_fails_with_erofs(void)
{
    MUST(mkdir("/run/fixed", 0755));
    MUST(mount("netns-test", "/run/fixed", "tmpfs", MS_RDONLY, NULL));
    FAILS(EROFS, netns_create_at("/run/fixed/netns", "blue", 0, NULL));
    MESSAGE_HAS("mkdir /run/fixed/netns: Read-only file system");
    EQUAL(files_in("/run/fixed"), 0);
}

/* --- a sandbox that forbids setns --------------------------------------------------------------- */

static void nothing_changes(void)
{
}

static int token;

static void go_on_without_setns(void *arg)
{
    (void)arg;
    EQUAL(refused(nothing_changes, nothing_changes, EPERM, EPERM) > 0, true);
    /* A namespace is created on a thread that need not switch back. */
    EQUAL(call_create(), 0);
    remove_green();
    FAILS(EPERM, netns_enter(given.blue));
    MESSAGE_HAS("switch back");
    FAILS(EPERM, netns_run(given.blue, nothing_to_do, NULL, NULL));
    FAILS(EPERM, netns_setns(given.blue));
}

static void stay_away(void *arg)
{
    (void)arg;
    FAILS(ENOTRECOVERABLE, netns_leave(token));
    MESSAGE_HAS("the thread is in the wrong namespace");
    EQUAL(here(), netns_inode(given.blue));
    CHECK(fcntl(token, F_GETFD) >= 0);
}

static void no_call_moves_thread_if_setns_is_forbidden(void)
{
    const struct fault faults[] = {{.call = SYS_setns, .error = EPERM}};

    if (under_valgrind())
        skip("a child of a thread leaves what the other one has");
    prepare_calls();
    with_faults(faults, 1, go_on_without_setns, NULL);
    end_calls();
}

/* A thread starts in its creator's namespace. */
static void leave_with_setns_forbidden_fails_with_enotrecoverable(void)
{
    const struct fault faults[] = {{.call = SYS_setns, .error = EPERM}};
    uint64_t home = here();

    MUST(netns_create("blue", 0, &given.blue));
    token = MUST(netns_enter(given.blue));
    with_faults(faults, 1, stay_away, NULL);
    OK(netns_leave(token));
    EQUAL(here(), home);
    netns_close(given.blue);
}

int main(void)
{
    RUN(calls_fail_with_emfile_until_descriptors_suffice);
    RUN(existing_handles_work_without_free_descriptors);
    RUN(calls_without_memory_work_or_fail_cleanly);
    RUN(calls_that_need_a_process_fail_with_eagain);
    RUN(create_on_full_disk_works_or_fails_with_enospc);
    RUN(create_without_inodes_fails_with_enospc);
    RUN(read_only_run_directory_can_be_read_but_not_changed);
    RUN(create_on_read_only_file_system_fails_with_erofs);
    RUN(no_call_moves_thread_if_setns_is_forbidden);
    RUN(leave_with_setns_forbidden_fails_with_enotrecoverable);
    return finish();
}
