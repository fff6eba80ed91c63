/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Other processes bind, unbind and mount at the worst moment, between two system calls of a function. */
#include "between.h"
#include "fault.h"

#include <linux/sched.h>

#define PIDFD_GET_NET_NAMESPACE 0xff04u

/* The mode of the file that `ip netns add` creates before it binds. */
#define FOREIGN_MODE 0

static void bind_blue(void)
{
    MUST(mount("/proc/thread-self/ns/net", "/run/netns/blue", "none", MS_BIND, NULL));
}

static void unbind_blue(void)
{
    MUST(umount2("/run/netns/blue", MNT_DETACH));
}

/* --- bound and unbound during a look --------------------------------------------------------- */

static const int look_calls[] = {SYS_name_to_handle_at, SYS_statx, 0};

/* Counts the looks at the name. Before them, the library checks a descriptor of the name and looks at the
 * directory itself. */
static int looks = -1;

static void bind_between_looks(int call, int nth)
{
    /* The first look finds no namespace, the second a mount point, and the third no namespace. */
    (void)nth;
    looks += call == SYS_name_to_handle_at || looks > 0;
    if (looks == 2)
        bind_blue();
    if (looks == 3)
        unbind_blue();
}

static void remove_blue(void)
{
    OK(netns_remove("blue", 0));
}

static void remove_succeeds_if_name_is_bound_and_unbound_meanwhile(void)
{
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    act_between(look_calls, remove_blue, bind_between_looks);
    CHECK(!exists("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 0);
}

static void cover_between_looks(int call, int nth)
{
    (void)nth;
    looks += call == SYS_name_to_handle_at || looks > 0;
    if (looks == 2)
        MUST(mount("/proc/uptime", "/run/netns/blue", "none", MS_BIND, NULL));
}

static void fail_to_remove_blue(void)
{
    FAILS(ENOTTY, netns_remove("blue", 0));
    MESSAGE_HAS("something else is mounted on it");
}

static void remove_fails_with_enotty_on_concurrent_foreign_mount(void)
{
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    act_between(look_calls, fail_to_remove_blue, cover_between_looks);
    EQUAL(mounts_at("/run/netns/blue"), 1);
}

/* --- unbound, and bound again, while it is removed --------------------------------------------- */

static void unbind_first(int call, int nth)
{
    static bool is_unbound;

    if (call == SYS_umount2 && nth == 1) {
        unbind_blue();
        is_unbound = true;
    } else if (call == SYS_name_to_handle_at && is_unbound) {
        bind_blue();
        is_unbound = false;
    }
}

static void remove_retries_if_another_process_unmounts_first(void)
{
    static const int calls[] = {SYS_umount2, SYS_name_to_handle_at, 0};

    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    act_between(calls, remove_blue, unbind_first);
    CHECK(!exists("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 0);
}

static void rebind_before_each_unmount(int call, int nth)
{
    (void)call;
    (void)nth;
    unbind_blue();
    bind_blue();
}

static void bind_before_each_unlink(int call, int nth)
{
    (void)call;
    (void)nth;
    bind_blue();
}

static void fail_to_remove_blue_for_good(void)
{
    FAILS(EAGAIN, netns_remove("blue", 0));
    MESSAGE_HAS("other processes keep mounting on it");
}

static void remove_fails_with_eagain_if_name_keeps_being_bound(void)
{
    static const int calls[] = {SYS_unlinkat, 0};

    write_file("/run/netns/blue", "", FOREIGN_MODE);
    act_between(calls, fail_to_remove_blue_for_good, bind_before_each_unlink);
    EQUAL(mounts_at("/run/netns/blue"), 0);
    OK(netns_remove("blue", 0));
}

static void remove_fails_with_eagain_if_mount_keeps_being_replaced(void)
{
    static const int calls[] = {SYS_umount2, 0};

    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    act_between(calls, fail_to_remove_blue_for_good, rebind_before_each_unmount);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    OK(netns_remove("blue", 0));
}

static void stack_before_each_unmount(int call, int nth)
{
    (void)call;
    (void)nth;
    bind_blue();
    bind_blue();
    usleep(20 * 1000);
}

static void remove_fails_with_eagain_if_mounts_keep_piling_up(void)
{
    static const int calls[] = {SYS_umount2, 0};

    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    act_between(calls, fail_to_remove_blue_for_good, stack_before_each_unmount);
    CHECK(mounts_at("/run/netns/blue") > 16);
    OK(netns_remove("blue", 0));
}

static void take_a_while(int call, int nth)
{
    (void)call;
    (void)nth;
    usleep(60 * 1000);
}

static void remove_unmounts_large_stack_on_slow_machine(void)
{
    static const int calls[] = {SYS_umount2, 0};

    write_file("/run/netns/blue", "", FOREIGN_MODE);
    for (int i = 0; i < 24; i++)
        bind_blue();
    act_between(calls, remove_blue, take_a_while);
    CHECK(!exists("/run/netns/blue"));
}

/* --- something else is bound as soon as the name exists --------------------------------------- */

static void create_blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    EQUAL(mounts_at("/run/netns/blue"), 2);
    MUST(umount2("/run/netns/blue", MNT_DETACH));
    CHECK(is_netns("/run/netns/blue"));
    netns_close(ns);
}

static void cover_once_it_is_bound(int call, int nth)
{
    static bool is_covered;

    (void)call;
    (void)nth;
    if (is_covered || mounts_at("/run/netns/blue") == 0)
        return;
    MUST(mount("/proc/uptime", "/run/netns/blue", "none", MS_BIND, NULL));
    is_covered = true;
}

static void create_succeeds_if_name_is_covered_immediately(void)
{
    static const int calls[] = {SYS_name_to_handle_at, SYS_openat, 0};

    act_between(calls, create_blue, cover_once_it_is_bound);
    OK(netns_remove("blue", 0));
}

/* --- the run directory becomes a mount point meanwhile --------------------------------------- */

#ifdef SYS_poll
#define WAITS SYS_poll
#else
#define WAITS SYS_ppoll
#endif

static int waits;

static void create_or_open_blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    EQUAL(netns_inode(ns), here());
    netns_close(ns);
}

static void mount_directory_and_bind(int call, int nth)
{
    waits++;
    if (call != WAITS || nth != 1)
        return;
    /* As `ip netns add` of another name does. */
    MUST(mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, NULL));
    bind_blue();
}

static void waiting_create_finds_name_in_newly_mounted_directory(void)
{
    static const int calls[] = {WAITS, 0};

    MUST(mkdir("/run/netns", 0755));
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    act_between(calls, create_or_open_blue, mount_directory_and_bind);
    /* The next look finds the new mount. */
    EQUAL(waits, 1);
    SAME(names(), "blue");
}

/* As a process does that does not use the lock, in the directory that is about to be covered. */
static void bind_red_before_the_directory_is_covered(int call, int nth)
{
    (void)call;
    if (nth != 1)
        return;
    write_file("/run/netns/red", "", FOREIGN_MODE);
    MUST(mount("/proc/thread-self/ns/net", "/run/netns/red", "none", MS_BIND, NULL));
}

static void create_the_first(void)
{
    OK(netns_create("blue", 0, NULL));
}

static void create_keeps_name_bound_during_mount_of_directory(void)
{
    static const int calls[] = {SYS_move_mount, 0};

    MUST(mkdir("/run/netns", 0755));
    act_between(calls, create_the_first, bind_red_before_the_directory_is_covered);
    SAME(names(), "blue red");
    EQUAL(mounts_at("/run/netns/red"), 1);
    OK(netns_remove("red", 0));
    EQUAL(mounts_at("/run/netns/red"), 0);
}

/* The first call has the lock and is stopped for longer than the second waits for it. */
static void create_red_without_the_lock(int call, int nth)
{
    (void)call;
    if (nth == 1)
        OK(netns_create("red", 0, NULL));
}

static void concurrent_first_creates_do_not_hide_each_other(void)
{
    static const int calls[] = {SYS_move_mount, 0};

    MUST(mkdir("/run/netns", 0755));
    act_between(calls, create_the_first, create_red_without_the_lock);
    SAME(names(), "blue red");
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/red"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
}

/* --- and while it is listed -------------------------------------------------------------------- */

static void create_another(int call, int nth)
{
    /* The first create makes the directory a mount point, and unmounts the names in the directory below
       it. */
    if (call == SYS_getdents64 && nth == 1)
        OK(netns_create("red", 0, NULL));
}

static void list_blue(void)
{
    const char *listed = names();

    CHECK(strncmp(listed, "blue", 4) == 0);
}

static void list_keeps_name_while_directory_becomes_mount_point(void)
{
    static const int calls[] = {SYS_getdents64, 0};

    MUST(mkdir("/run/netns", 0755));
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    act_between(calls, list_blue, create_another);
    SAME(names(), "blue red");
}

static void create_blue_if_missing(void)
{
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, NULL));
}

static void take_directory_away(int call, int nth)
{
    if (call != WAITS || nth != 1)
        return;
    MUST(unlink("/run/netns/blue"));
    MUST(rmdir("/run/netns"));
}

static void waiting_create_recreates_removed_run_directory(void)
{
    static const int calls[] = {WAITS, 0};

    MUST(mkdir("/run/netns", 0755));
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    act_between(calls, create_blue_if_missing, take_directory_away);
    SAME(names(), "blue");
}

/* --- a process ends, and another one gets its number ------------------------------------------- */

static struct {
    pid_t pid;
    int pidfd, error;
} first;

/* Simulates a kernel whose pidfds can be identified only by their numbers, with a filter that does not
   allow them to be queried. */
static void open_the_first(void)
{
    const struct fault faults[] = {
        {.call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u,
         .value = PIDFD_GET_NET_NAMESPACE},
        {.call = SYS_pidfd_send_signal, .error = first.error},
    };
    struct netns *ns = NULL;

    install_faults(faults, 2);
    FAILS_UNTOUCHED(ESRCH, ns, netns_open_fd(first.pidfd, &ns));
}

static void replace_the_first(int call, int nth)
{
    pid_t number = first.pid;
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
    pid_t pid;

    /* The first open is that of fdinfo, which contains the number. */
    if (call != SYS_openat || nth != 2)
        return;
    stop(first.pid);
    pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    if (pid < 0)
        skip("no process can be given a number here");
    EQUAL(pid, number);
}

static void open_fd_of_pidfd_fails_with_esrch_if_pid_is_reused(void)
{
    static const int calls[] = {SYS_openat, 0}, errors[] = {ENOSYS, EPERM};
    struct netns *blue = NULL;

    OK(netns_create("blue", 0, &blue));
    for (size_t i = 0; i < 2; i++) {
        first.pid = start_in(blue);
        first.error = errors[i];
        first.pidfd = syscall(SYS_pidfd_open, first.pid, 0);
        if (first.pidfd < 0)
            skip("no pidfds");
        act_between(calls, open_the_first, replace_the_first);
        stop(first.pid);
        close(first.pidfd);
    }
    netns_close(blue);
}

/* --- and while a monitor looks ------------------------------------------------------------------ */

static struct netns_monitor *monitor;

static void create_at_the_first_look(int call, int nth)
{
    if (call == SYS_name_to_handle_at && nth == 1)
        OK(netns_create("red", 0, NULL));
}

static void take_what_is_told(void)
{
    struct netns_event event = {.size = sizeof event};

    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    EQUAL(event.type, NETNS_EVENT_ADD);
    SAME(event.name, "red");
    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
}

static void monitor_reports_no_remove_when_directory_is_mounted(void)
{
    static const int calls[] = {SYS_name_to_handle_at, 0};

    MUST(mkdir("/run/netns", 0755));
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    /* With a name being created, mounts are monitored from the first look on. */
    write_file("/run/netns/green", "", FOREIGN_MODE);
    OK(netns_monitor_open(NULL, 0, &monitor));
    /* This makes the monitor look at everything. */
    MUST(rename("/run/netns", "/run/elsewhere"));
    MUST(rename("/run/elsewhere", "/run/netns"));
    act_between(calls, take_what_is_told, create_at_the_first_look);
    netns_monitor_close(monitor);
}

static void monitor_fails_with_enomem_instead_of_reporting_remove(void)
{
    const struct fault fault = {.call = SYS_name_to_handle_at, .error = ENOMEM};
    struct netns_event event = {.size = sizeof event};

    MUST(mkdir("/run/netns", 0755));
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    bind_blue();
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
    /* This makes the monitor look at everything. */
    MUST(rename("/run/netns", "/run/elsewhere"));
    MUST(rename("/run/elsewhere", "/run/netns"));
    install_faults(&fault, 1);
    FAILS(ENOMEM, netns_monitor_next(monitor, &event));
    netns_monitor_close(monitor);
}

static void make_and_remove_red(int call, int nth)
{
    (void)call;
    (void)nth;
    write_file("/run/netns/red", "", FOREIGN_MODE);
    MUST(unlink("/run/netns/red"));
}

static void find_nothing(void)
{
    struct netns_event event = {.size = sizeof event};

    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
}

static bool is_ready(void)
{
    struct pollfd waiting = {.fd = netns_monitor_fd(monitor), .events = POLLIN};

    return MUST(poll(&waiting, 1, 0)) == 1;
}

static void monitor_next_returns_under_constant_name_changes(void)
{
    static const int calls[] = {SYS_openat, 0};
    struct netns_event event = {.size = sizeof event};

    OK(netns_monitor_open(NULL, 0, &monitor));
    make_and_remove_red(0, 0);
    act_between(calls, find_nothing, make_and_remove_red);
    CHECK(is_ready());
    find_nothing();
    CHECK(!is_ready());
    OK(netns_create("blue", 0, NULL));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    SAME(event.name, "blue");
    netns_monitor_close(monitor);
}

/* The number of reads of inotify, and the one at which the directory is replaced. */
static int reads, last_read;

static void replace_directory_at_last_read(const struct seccomp_data *data, struct seccomp_notif_resp *response,
                                           void *arg)
{
    char path[64], what[64] = "";

    (void)response;
    (void)arg;
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)data->args[0]);
    MUST(readlink(path, what, sizeof what - 1));
    if (!strstr(what, "inotify"))
        return;
    make_and_remove_red(0, 0);
    if (++reads != last_read)
        return;
    MUST(rename("/run/netns", "/run/elsewhere"));
    OK(netns_create("blue", 0, NULL));
}

static int take_blue_or_nothing(void *arg)
{
    struct netns_event event = {.size = sizeof event};
    int rc = OK(netns_monitor_next(monitor, &event));

    (void)arg;
    if (rc == 1)
        SAME(event.name, "blue");
    return rc;
}

static void monitor_notices_directory_replaced_during_last_read(void)
{
    static const int calls[] = {SYS_read};

    if (under_valgrind())
        skip("valgrind's own calls would be held too");
    MUST(mkdir("/run/netns", 0755));
    OK(netns_monitor_open(NULL, 0, &monitor));
    threads_of_ours++;
    EQUAL(with_stops(calls, 1, take_blue_or_nothing, NULL, replace_directory_at_last_read, NULL), 0);
    last_read = reads;
    reads = 0;
    EQUAL(with_stops(calls, 1, take_blue_or_nothing, NULL, replace_directory_at_last_read, NULL), 1);
    threads_of_ours--;
    EQUAL(take_blue_or_nothing(NULL), 0);
    CHECK(!is_ready());
    OK(netns_remove("blue", 0));
    CHECK(is_ready());
    netns_monitor_close(monitor);
}

/* --- a symbolic link that is swapped while it is followed ----------------------------------------- */

#define STRANGER 1234

static const int link_calls[] = {SYS_name_to_handle_at, SYS_openat, SYS_readlinkat,
                                 SYS_open_by_handle_at, 0};

/* The namespace that the name stands for, the call at which the link is swapped, and the number of calls
   made. */
static struct netns *meant;
static int swap_at, made;

static void link_blue(void)
{
    MUST(symlink("/run/other/meant", "/run/netns/blue"));
}

static void bind_meant(void)
{
    write_file("/run/netns/blue", "", FOREIGN_MODE);
    MUST(mount("/run/other/meant", "/run/netns/blue", "none", MS_BIND, NULL));
}

static void begin_links(void)
{
    OK(netns_create_at("/run/other", "meant", 0, &meant));
    OK(netns_create_at("/run/other", "forbidden", 0, NULL));
}

/* Whether there was a call at which it could be swapped. */
static bool swaps_at(int at, void (*body)(void), void (*act)(int call, int nth))
{
    swap_at = at;
    made = 0;
    act_between(link_calls, body, act);
    return made >= at;
}

static void let_a_stranger_have_it(int call, int nth)
{
    (void)call;
    (void)nth;
    if (++made != swap_at)
        return;
    MUST(symlink("/run/other/forbidden", "/run/netns/next"));
    MUST(lchown("/run/netns/next", STRANGER, STRANGER));
    MUST(rename("/run/netns/next", "/run/netns/blue"));
}

static int opened, refused;

static void open_what_is_meant(void)
{
    struct netns *ns = NULL;
    int rc = netns_open("blue", 0, &ns);

    if (rc < 0) {
        EQUAL(rc, -ENOTTY);
        MESSAGE_HAS("a symbolic link of another user");
        refused++;
        return;
    }
    EQUAL(netns_equal(ns, meant), 1);
    netns_close(ns);
    opened++;
}

static void open_rejects_symlink_swapped_in_by_another_user(void)
{
    int at = 0;
    bool is_done = false;

    begin_links();
    if (lchown("/run", STRANGER, STRANGER) < 0)
        skip("needs real root");
    MUST(lchown("/run", 0, 0));
    while (!is_done) {
        link_blue();
        is_done = !swaps_at(++at, open_what_is_meant, let_a_stranger_have_it);
        MUST(unlink("/run/netns/blue"));
    }
    printf("#: opened %d times, refused %d times\n", opened, refused);
    CHECK(opened > 1);
    CHECK(refused > 0);
    netns_close(meant);
}

static void put_a_namespace_for_it(int call, int nth)
{
    (void)call;
    (void)nth;
    if (++made != swap_at)
        return;
    MUST(unlink("/run/netns/blue"));
    bind_meant();
}

static void put_a_link_for_it(int call, int nth)
{
    (void)call;
    (void)nth;
    if (++made != swap_at)
        return;
    unbind_blue();
    MUST(unlink("/run/netns/blue"));
    link_blue();
}

static void must_open_blue(void)
{
    struct netns *ns = NULL;

    OK(netns_open("blue", 0, &ns));
    EQUAL(netns_equal(ns, meant), 1);
    netns_close(ns);
}

static void must_create_or_open_blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    EQUAL(netns_equal(ns, meant), 1);
    netns_close(ns);
}

static void must_list_blue(void)
{
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
}

/* For every observer, the name exists all the time. */
static void name_is_found_while_swapped_between_symlink_and_mount(void)
{
    void (*const bodies[])(void) = {must_open_blue, must_create_or_open_blue, must_list_blue};

    begin_links();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int at = 0;
        bool is_done = false;

        while (!is_done) {
            link_blue();
            is_done = !swaps_at(++at, bodies[i], put_a_namespace_for_it);
            OK(netns_remove("blue", 0));
            bind_meant();
            is_done = !swaps_at(at, bodies[i], put_a_link_for_it) && is_done;
            OK(netns_remove("blue", 0));
        }
        CHECK(at > 2);
    }
    CHECK(is_netns("/run/other/meant"));
    netns_close(meant);
}

int main(void)
{
    RUN(remove_succeeds_if_name_is_bound_and_unbound_meanwhile);
    RUN(remove_fails_with_enotty_on_concurrent_foreign_mount);
    RUN(remove_retries_if_another_process_unmounts_first);
    RUN(remove_fails_with_eagain_if_name_keeps_being_bound);
    RUN(remove_fails_with_eagain_if_mount_keeps_being_replaced);
    RUN(remove_fails_with_eagain_if_mounts_keep_piling_up);
    RUN(remove_unmounts_large_stack_on_slow_machine);
    RUN(create_succeeds_if_name_is_covered_immediately);
    RUN(monitor_next_returns_under_constant_name_changes);
    RUN(open_fd_of_pidfd_fails_with_esrch_if_pid_is_reused);
    RUN(open_rejects_symlink_swapped_in_by_another_user);
    RUN(name_is_found_while_swapped_between_symlink_and_mount);

    RUN_WITHOUT_RUN_DIRECTORY(
        waiting_create_finds_name_in_newly_mounted_directory);
    RUN_WITHOUT_RUN_DIRECTORY(
        waiting_create_recreates_removed_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(create_keeps_name_bound_during_mount_of_directory);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_first_creates_do_not_hide_each_other);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_notices_directory_replaced_during_last_read);
    RUN_WITHOUT_RUN_DIRECTORY(list_keeps_name_while_directory_becomes_mount_point);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_fails_with_enomem_instead_of_reporting_remove);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_reports_no_remove_when_directory_is_mounted);
    return finish();
}
