/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every function in a chroot that contains little: without /proc, with a restricted /proc, or without
   /sys. */
#include "calls.h"
#include "fault.h"
#include "privilege.h"

/* --- the chroot --------------------------------------------------------------------------------- */

/* The real /proc, which the tests use to check what is left behind. */
static int proc = -1;

static int descriptors(void)
{
    int fd = MUST(openat(proc, "thread-self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), count = 0;
    DIR *dir = fdopendir(fd);

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static uint64_t home(void)
{
    struct stat st;

    return fstatat(proc, "thread-self/ns/net", &st, 0) == 0 ? st.st_ino : 0;
}

/* Enters a root directory that contains parts of the current one. */
static void enter_root(const char *const *parts)
{
    char from[64], to[64];

    proc = MUST(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(mkdir("/run/root", 0755));
    MUST(mount("root", "/run/root", "tmpfs", 0, "mode=755"));
    for (; *parts; parts++) {
        snprintf(from, sizeof from, "/%s", *parts);
        snprintf(to, sizeof to, "/run/root/%s", *parts);
        if (!exists(from))
            continue;
        MUST(mkdir(to, 0755));
        MUST(mount(from, to, "none", MS_BIND | MS_REC, NULL));
    }
    MUST(mkdir("/run/root/run", 0755));
    MUST(chroot("/run/root"));
    MUST(chdir("/"));
}

#define PROGRAMS "usr", "bin", "lib", "lib64", "etc", "dev"

static const char *const whole[] = {PROGRAMS, "sys", "proc", NULL},
                 *const without_sys[] = {PROGRAMS, "proc", NULL},
                 *const without_proc[] = {PROGRAMS, "sys", NULL}, *const bare[] = {PROGRAMS, NULL};

/* --- every function ----------------------------------------------------------------------------- */

/* The names of the calls that fail with ENOENT, in one text. */
/* Whether a text such as "pids, open_pid" contains exactly this name. */
static bool has_name(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = text; (at = strstr(at, name)); at += len)
        if ((at == text || (at - text > 1 && at[-2] == ',')) && (at[len] == ',' || !at[len]))
            return true;
    return false;
}

static void all_but(const char *failing)
{
    for (size_t i = 0; i < CALLS; i++) {
        int before;
        long rc;

        open_blue_and_far();
        before = descriptors();
        rc = calls[i].make();
        if (rc >= 0) {
            UNDO(&calls[i]);
            check_at(!has_name(failing, calls[i].name), __LINE__, "%s works", calls[i].name);
        } else {
            check_at(rc == -ENOENT && has_name(failing, calls[i].name), __LINE__, "%s: %ld (%s)",
                     calls[i].name, rc, netns_errmsg());
            /* The message of a call made in a child is not available here. */
            if (calls[i].make != call_exec && calls[i].make != call_switch &&
                calls[i].make != call_setns_mounts)
                MESSAGE_HAS("/proc");
        }
        open_blue_and_far();
        check_at(descriptors() == before, __LINE__, "%s: %d descriptors, %d", calls[i].name, before,
                 descriptors());
        check_at(home() == netns_inode(given.home), __LINE__, "%s: stranded", calls[i].name);
    }
}

struct place {
    const char *const *parts;
    const char *failing;
};

static void go_through_all(void *arg)
{
    const struct place *place = arg;

    enter_root(place->parts);
    prepare_calls();
    all_but(place->failing);
    end_calls();
}

static void every_call_works_in_full_chroot(void)
{
    IN_CHILD(go_through_all, &((struct place){whole, ""}));
}

static void every_call_works_without_sys(void)
{
    IN_CHILD(go_through_all, &((struct place){without_sys, ""}));
}

static void need_mounts_by_descriptor(void)
{
    if (!have_mounts_by_descriptor())
        skip("no mounts by descriptor, which came with Linux 5.12");
}

/* Whether a pidfd reports its process's namespaces (Linux 6.11). */
static bool have_namespaces_of_pidfds(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int ns = pidfd < 0 ? -1 : ioctl(pidfd, 0xff04 /* PIDFD_GET_NET_NAMESPACE */, 0);

    if (ns >= 0)
        close(ns);
    if (pidfd >= 0)
        close(pidfd);
    return ns >= 0;
}

/* Whether listmount(2) is available (Linux 6.8). */
static bool have_listmount(void)
{
    return syscall(SYS_LISTMOUNT, NULL, NULL, 0, 0) == 0 || errno != ENOSYS;
}

/* Whether the kernel lists namespaces (Linux 6.19). */
static bool have_listns(void)
{
    return syscall(SYS_LISTNS, NULL, NULL, 0, 0) == 0 || errno != ENOSYS;
}

/* What fails without /proc: only /proc lists the processes in a namespace, and older kernels need it for
   more. */
static const char *what_needs_proc(bool sys_is_there)
{
    static char text[192];

    snprintf(text, sizeof text, "holder_list, pids, pids threads, setns_mounts, sysctl_get, sysctl_set%s%s%s",
             have_listns() ? "" : ", list_all, open_id without cookie",
             sys_is_there && !have_listmount() ? ", spawn, spawn as a user, exec" : "",
             have_namespaces_of_pidfds() ? "" : ", open_pid, open_fd pidfd");
    return text;
}

static void only_calls_that_need_proc_fail_without_proc(void)
{
    need_mounts_by_descriptor();
    IN_CHILD(go_through_all, &((struct place){without_proc, what_needs_proc(true)}));
}

static void only_calls_that_need_proc_fail_without_sys_and_proc(void)
{
    need_mounts_by_descriptor();
    IN_CHILD(go_through_all, &((struct place){bare, what_needs_proc(false)}));
}

/* --- other uses of /proc ------------------------------------------------------------------------ */

static void open_what_only_proc_can_open_anew(void *arg)
{
    struct netns *ns = NULL, *opened = NULL;
    int path, token;

    (void)arg;
    enter_root(bare);
    MUST(netns_create(NULL, 0, &ns));
    token = MUST(netns_enter(ns));
    FAILS(ENOENT, netns_open_fd(token, &opened));
    MESSAGE_HAS("check that /proc is mounted");
    OK(netns_leave(token));
    path = MUST(open("/run", O_PATH | O_CLOEXEC));
    FAILS(ENOTTY, netns_open_fd(path, &opened));
    close(path);
    netns_close(ns);
}

static void open_fd_of_token_without_proc_fails_with_enoent(void)
{
    IN_CHILD(open_what_only_proc_can_open_anew, NULL);
}

static void monitor_a_name_in_the_making(void *arg)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;
    int before;

    (void)arg;
    enter_root(bare);
    MUST(netns_create("blue", 0, NULL));
    before = descriptors();
    write_file("/run/netns/red", "", 0);
    FAILS(ENOENT, netns_monitor_open(NULL, 0, &monitor));
    MESSAGE_HAS("check that /proc is mounted");
    EQUAL(descriptors(), before);
    MUST(unlink("/run/netns/red"));
    OK(netns_monitor_open(NULL, 0, &monitor));
    write_file("/run/netns/red", "", 0);
    FAILS(ENOENT, netns_monitor_next(monitor, &event));
    MESSAGE_HAS("check that /proc is mounted");
    MUST(unlink("/run/netns/red"));
    /* And it continues from there. */
    OK(netns_create("green", 0, NULL));
    EQUAL(OK(netns_monitor_next(monitor, &event)), 1);
    SAME(event.name, "green");
    EQUAL(OK(netns_monitor_next(monitor, &event)), 0);
    netns_monitor_close(monitor);
}

static void monitor_fails_without_proc_while_name_is_created(void)
{
    need_mounts_by_descriptor();
    IN_CHILD(monitor_a_name_in_the_making, NULL);
}

static void remove_from_a_read_only_directory(void *arg)
{
    (void)arg;
    enter_root(bare);
    MUST(netns_create("blue", 0, NULL));
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    FAILS(EROFS, netns_remove("blue", 0));
    CHECK(is_netns("/run/netns/blue"));
    SAME(names(), "blue");
}

static void remove_in_read_only_directory_fails_with_erofs(void)
{
    need_mounts_by_descriptor();
    IN_CHILD(remove_from_a_read_only_directory, NULL);
}

static void run_out_of_descriptors(void *arg)
{
    struct netns *ns = NULL, *opened = NULL;
    int more, rc = -1, token = -1;

    (void)arg;
    enter_root(bare);
    MUST(netns_create(NULL, 0, &ns));
    for (more = 0; more < 5 && rc < 0; more++) {
        allow_descriptors(more);
        rc = netns_open_current(&opened);
        allow_descriptors(-1);
        CHECK(rc == 0 || rc == -EMFILE);
    }
    EQUAL(rc, 0);
    for (more = 0; more < 5 && token < 0; more++) {
        allow_descriptors(more);
        token = netns_enter(ns);
        allow_descriptors(-1);
        CHECK(token >= 0 || token == -EMFILE);
    }
    OK(netns_leave(token));
    netns_close(opened);
    netns_close(ns);
}

static void calls_without_proc_and_descriptors_fail_with_emfile(void)
{
    IN_CHILD(run_out_of_descriptors, NULL);
}

/* --- without privilege -------------------------------------------------------------------------- */

static void ask_as_a_plain_user(void *arg)
{
    struct netns *current = NULL;
    int rc, more;

    (void)arg;
    enter_root(bare);
    become_plain_user();
    rc = netns_open_current(&current);
    if (rc == -ENOENT) {
        MESSAGE_HAS("check that /proc is mounted");
        skip("before Linux 6.11 a pidfd tells no namespace");
    }
    OK(rc);
    netns_close(current);
    for (more = 0, rc = -1; more < 5 && rc < 0; more++) {
        allow_descriptors(more);
        rc = netns_open_current(&current);
        allow_descriptors(-1);
        check_at(rc == 0 || rc == -EMFILE, __LINE__, "with %d: %d (%s)", more, rc, netns_errmsg());
    }
    EQUAL(netns_inode(current), home());
    EQUAL(OK(netns_is_current(current)), 1);
    FAILS(EPERM, netns_enter(current));
    netns_close(current);
}

static void open_current_works_unprivileged_without_proc(void)
{
    IN_CHILD(ask_as_a_plain_user, NULL);
}

/* --- a restricted /proc ------------------------------------------------------------------------- */

static void mount_less(const char *options)
{
    if (mount("proc", "/proc", "proc", 0, options) < 0)
        skip("this kernel's /proc cannot be told to show less");
}

struct less {
    const char *options, *failing;
};

static void go_through_all_with_less(void *arg)
{
    const struct less *less = arg;

    mount_less(less->options);
    proc = MUST(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    prepare_calls();
    all_but(less->failing);
    end_calls();
}

static void only_sysctl_calls_fail_with_proc_subset_pid(void)
{
    IN_CHILD(go_through_all_with_less, &((struct less){"subset=pid", "sysctl_get, sysctl_set"}));
}

static void every_call_works_with_proc_hidepid_2(void)
{
    IN_CHILD(go_through_all_with_less, &((struct less){"hidepid=2", ""}));
}

/* --- on a simulated old kernel ------------------------------------------------------------------ */

static const struct fault mounts_by_path[] = {{.call = SYS_open_tree, .error = ENOSYS},
                                              {.call = SYS_move_mount, .error = ENOSYS},
                                              {.call = SYS_mount_setattr, .error = ENOSYS},
                                              {.call = SYS_statx, .error = ENOSYS},
                                              {.call = SYS_pidfd_open, .error = ENOSYS}};

/* Without the newer calls, mounts are made with paths below /proc. */
static void live_on_an_old_kernel(void *arg)
{
    struct netns *anonymous = NULL, *opened = NULL;
    struct stat st;
    int token, fd;

    (void)arg;
    FAILS(ENOENT, netns_create("blue", 0, &opened));
    MESSAGE_HAS("before Linux 5.12 this needs /proc to be mounted");
    EQUAL(files_in("/run/netns"), 0);
    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &anonymous));
    FAILS(ENOENT, netns_attach(anonymous, "blue", 0));
    MESSAGE_HAS("before Linux 5.12 this needs /proc to be mounted");
    EQUAL(files_in("/run/netns"), 0);
    token = OK(netns_enter(anonymous));
    OK(netns_leave(token));
    fd = OK(netns_socket(anonymous, AF_INET, SOCK_DGRAM, 0));
    OK(netns_open_fd(fd, &opened));
    EQUAL(netns_equal(opened, anonymous), 1);
    close(fd);
    netns_close(opened);
    OK(netns_open_current(&opened));
    EQUAL(netns_inode(opened), home());
    netns_close(opened);
    FAILS(ENOENT, netns_open_pid(getpid(), &opened));
    MESSAGE_HAS("/proc is not mounted");
    OK(netns_link_up(anonymous, "lo"));
    netns_close(anonymous);
    /* Names are still identified and removed. */
    write_file("/run/netns/stale", "", 01000);
    SAME(names_in(NULL, NETNS_LIST_STALE), "stale");
    OK(netns_remove("stale", 0));
    CHECK(stat("/run/netns/stale", &st) < 0);
}

static void start_on_an_old_kernel(void *arg)
{
    (void)arg;
    enter_root(bare);
    MUST(mkdir("/run/netns", 0755));
    with_faults(mounts_by_path, sizeof mounts_by_path / sizeof *mounts_by_path,
                live_on_an_old_kernel, NULL);
}

static void creating_names_needs_proc_before_linux_5_12(void)
{
    IN_CHILD(start_on_an_old_kernel, NULL);
}

int main(void)
{
    RUN(every_call_works_in_full_chroot);
    RUN(every_call_works_without_sys);
    RUN(only_calls_that_need_proc_fail_without_proc);
    RUN(only_calls_that_need_proc_fail_without_sys_and_proc);
    RUN(open_fd_of_token_without_proc_fails_with_enoent);
    RUN(monitor_fails_without_proc_while_name_is_created);
    RUN(remove_in_read_only_directory_fails_with_erofs);
    RUN(calls_without_proc_and_descriptors_fail_with_emfile);
    RUN(open_current_works_unprivileged_without_proc);
    RUN(only_sysctl_calls_fail_with_proc_subset_pid);
    RUN(every_call_works_with_proc_hidepid_2);
    RUN(creating_names_needs_proc_before_linux_5_12);
    return finish();
}
