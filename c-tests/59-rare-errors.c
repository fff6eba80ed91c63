/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Documented errors that occur only in unusual circumstances. */
#include "fault.h"

#define PIDFD_GET_NET_NAMESPACE 0xff04u

/* --- a name whose mount cannot be reached ------------------------------------------------------- */

/* A root directory that is not a mount point. It contains a stale name that is kept by a mount hidden
   below another. */
static void enter_a_root_with_a_hidden_mount(void)
{
    MUST(mkdir("/run/root", 0755));
    MUST(mkdir("/run/root/proc", 0755));
    MUST(mkdir("/run/root/names", 0755));
    MUST(mount("/proc", "/run/root/proc", "none", MS_BIND | MS_REC, NULL));
    write_file("/run/root/names/blue", "", 0600);
    /* The mark of the library's own placeholders, which makes it stale immediately. */
    MUST(chmod("/run/root/names/blue", S_ISVTX));
    MUST(mount("/proc/self/ns/net", "/run/root/names/blue", "none", MS_BIND, NULL));
    MUST(mount("/run/root/names", "/run/root/names", "none", MS_BIND, NULL));
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
}

static void remove_of_name_with_hidden_mount_fails_with_ebusy(void)
{
    struct netns *home = NULL;

    OK(netns_open_current(&home));
    enter_a_root_with_a_hidden_mount();
    FAILS(EBUSY, netns_remove_at("/names", "blue", 0));
    MESSAGE_HAS("hidden by another mount");
    EQUAL(files_in("/names"), 1);
    OK(netns_attach_at("/names", home, "red", 0));
    SAME(names_in("/names", NETNS_LIST_STALE), "blue red");
    /* This does not prevent a bind on the file. */
    OK(netns_attach_at("/names", home, "blue", 0));
    SAME(names_in("/names", 0), "blue red");
    netns_close(home);
}

/* --- a run directory that is replaced at every look ----------------------------------------------- */

static void lock_what_changes_all_the_time(void *arg)
{
    struct netns_name_snapshot *list;

    FAILS(EAGAIN, netns_list(NETNS_LIST_STALE, &list));
    MESSAGE_HAS("keep replacing it");
    FAILS(EAGAIN, netns_remove("blue", 0));
    FAILS(EAGAIN, netns_attach(arg, "red", 0));
}

static void calls_fail_with_eagain_if_directory_keeps_changing(void)
{
#ifdef SYS_newfstatat
    /* Without these calls, the locked directory cannot be distinguished from the one that the path leads
       to. */
    static const struct fault faults[] = {
        {.call = SYS_statx, .error = ENOSYS},
        {.call = SYS_fstat, .error = EIO},
        /* What newer C libraries use for fstat(2), with AT_EMPTY_PATH. */
        {.call = SYS_newfstatat, .error = EIO, .arg = 3, .mask = 0x1000, .value = 0x1000},
    };
    struct netns *ns = NULL;
    struct state before;

    OK(netns_create("blue", 0, &ns));
    before = state_now();
    with_faults(faults, sizeof faults / sizeof *faults, lock_what_changes_all_the_time, ns);
    UNCHANGED_SINCE(before);
    SAME(names(), "blue");
    netns_close(ns);
#else
    (void)lock_what_changes_all_the_time;
    skip("fstat(2) goes by other names here");
#endif
}

/* --- without /proc ----------------------------------------------------------------------------- */

static void hide_proc(void)
{
    MUST(mount("netns-test", "/proc", "tmpfs", 0, "mode=755"));
}

static void show_proc(void)
{
    MUST(umount2("/proc", MNT_DETACH));
}

static void is_current_needs_descriptor_without_proc(void)
{
    struct netns *home = NULL;

    if (under_valgrind())
        skip("valgrind sees that there is no such file before it sees that there is no descriptor");
    OK(netns_open_current(&home));
    allow_descriptors(0);
    EQUAL(OK(netns_is_current(home)), 1);
    allow_descriptors(-1);
    hide_proc();
    allow_descriptors(0);
    FAILS(EMFILE, netns_is_current(home));
    allow_descriptors(-1);
    EQUAL(OK(netns_is_current(home)), 1);
    show_proc();
    netns_close(home);
}

static void monitor_without_proc_fails_on_placeholder_file(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = (struct netns_monitor *)&test_failures;

    write_file("/run/netns/blue", "", 0);
    hide_proc();
    FAILS(ENOENT, netns_monitor_open(NULL, 0, &monitor));
    CHECK(monitor == (struct netns_monitor *)&test_failures);
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    FAILS(ENOENT, netns_monitor_next(monitor, &event));
    show_proc();
    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
    netns_monitor_close(monitor);
    OK(netns_monitor_open(NULL, 0, &monitor));
    netns_monitor_close(monitor);
}

static void open_a_pidfd_without_proc(void *arg)
{
    struct netns *ns = NULL;
    int *pidfd = arg;

    OK(netns_open_fd(*pidfd, &ns));
    netns_close(ns);
    hide_proc();
    FAILS_UNTOUCHED(ENOENT, ns, netns_open_fd(*pidfd, &ns));
    show_proc();
}

static void open_fd_of_pidfd_needs_proc_on_old_kernels(void)
{
    static const struct fault no_ioctl = {
        .call = SYS_ioctl, .error = ENOTTY, .arg = 1, .mask = ~0u,
        .value = PIDFD_GET_NET_NAMESPACE};
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (pidfd < 0)
        skip("no pidfds");
    with_faults(&no_ioctl, 1, open_a_pidfd_without_proc, &pidfd);
    close(pidfd);
}

/* --- a run directory that becomes a link ---------------------------------------------------------- */

static void monitor_fails_if_directory_becomes_invalid_symlink(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;
    char longest[300];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    MUST(mkdir("/run/names", 0755));
    OK(netns_monitor_open("/run/names", 0, &monitor));
    MUST(rmdir("/run/names"));
    MUST(symlink("names", "/run/names"));
    FAILS(ELOOP, netns_monitor_next(monitor, &event));
    FAILS(ELOOP, netns_monitor_next(monitor, &event));
    MUST(unlink("/run/names"));
    MUST(symlink(longest, "/run/names"));
    FAILS(ENAMETOOLONG, netns_monitor_next(monitor, &event));
    MUST(unlink("/run/names"));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
    OK(netns_create_at("/run/names", "blue", 0, NULL));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    SAME(event.name, "blue");
    netns_monitor_close(monitor);
}

int main(void)
{
    RUN(remove_of_name_with_hidden_mount_fails_with_ebusy);
    RUN(calls_fail_with_eagain_if_directory_keeps_changing);

    RUN(is_current_needs_descriptor_without_proc);
    RUN(monitor_without_proc_fails_on_placeholder_file);
    RUN(open_fd_of_pidfd_needs_proc_on_old_kernels);

    RUN(monitor_fails_if_directory_becomes_invalid_symlink);
    return finish();
}
