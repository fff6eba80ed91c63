/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every network namespace of the system, with or without a name. */
#include "elsewhere.h"
#include "fault.h"
#include "mover.h"
#include "passing.h"
#include "privilege.h"

static const struct fault
    no_handles = {.call = SYS_name_to_handle_at, .error = ENOSYS},
    no_open_by_handle = {.call = SYS_open_by_handle_at, .error = ENOSYS},
    no_listns = {.call = SYS_LISTNS, .error = ENOSYS},
    no_openat2 = {.call = SYS_openat2, .error = ENOSYS},
    no_kcmp = {.call = SYS_kcmp, .error = ENOSYS},
    no_statx = {.call = SYS_statx, .error = ENOSYS},
    statx_forbidden = {.call = SYS_statx, .error = EPERM};

static struct netns_name_snapshot *list_all(void)
{
    struct netns_name_snapshot *list = NULL;

    OK(netns_list_all(0, &list));
    return list;
}

#define NOWHERE ((size_t)-1)

/* The index of the namespace with this inode, which must be listed only once. */
static size_t place_of(const struct netns_name_snapshot *list, uint64_t inode)
{
    size_t found = NOWHERE;

    for (size_t i = 0; i < netns_list_len(list); i++)
        if (netns_list_inode(list, i) == inode) {
            CHECK(found == NOWHERE);
            found = i;
        }
    return found;
}

/* The name listed for the namespace; NULL: the namespace is not in the list. */
static const char *listed_as(const struct netns_name_snapshot *list, uint64_t inode)
{
    return netns_list_name(list, place_of(list, inode));
}

/* Checks that the namespace is listed with this name; NULL: it is not listed. */
#define FOUND_AS(name, ns_inode)                          \
    do {                                                  \
        struct netns_name_snapshot *list_ = list_all();   \
                                                          \
        SAME(listed_as(list_, (ns_inode)), (name));       \
        netns_list_free(list_);                           \
    } while (0)

/* What a thread or process kept is released a moment after others see that it has ended. */
static void goes(uint64_t inode, int line)
{
    const char *name = "";

    for (int tries = 0; name && tries < 2000 * slowness(); tries++) {
        struct netns_name_snapshot *list = list_all();

        name = listed_as(list, inode);
        netns_list_free(list);
        if (name)
            sleep_ms(1);
    }
    check_at(!name, line, "net:[%llu] is found still", (unsigned long long)inode);
}

#define GOES(inode) goes((inode), __LINE__)

/* --- listed namespaces -------------------------------------------------------------------------- */

static void list_all_returns_each_namespace_once_named_first(void)
{
    struct netns *blue = NULL, *red = NULL, *lost[3] = {NULL};
    struct netns_name_snapshot *list;
    size_t i, len;

    OK(netns_create("blue", 0, &blue));
    OK(netns_create("amber", 0, &red));
    OK(netns_attach(blue, "azure", 0));
    OK(netns_attach(blue, "zebra", 0));
    for (i = 0; i < 3; i++)
        OK(netns_create(NULL, 0, &lost[i]));
    list = list_all();
    len = netns_list_len(list);
    CHECK(len >= 6);
    SAME(netns_list_name(list, 0), "amber");
    EQUAL(netns_list_inode(list, 0), netns_inode(red));
    SAME(netns_list_name(list, 1), "azure");
    EQUAL(netns_list_inode(list, 1), netns_inode(blue));
    for (i = 2; i < len; i++) {
        SAME(netns_list_name(list, i), "");
        CHECK(netns_list_inode(list, i) != 0);
        if (i > 2)
            CHECK(netns_list_inode(list, i - 1) < netns_list_inode(list, i));
    }
    for (i = 0; i < 3; i++)
        SAME(listed_as(list, netns_inode(lost[i])), "");
    SAME(listed_as(list, here()), "");
    EQUAL(place_of(list, netns_inode(blue)), 1);
    netns_list_free(list);
    for (i = 0; i < 3; i++)
        netns_close(lost[i]);
    netns_close(blue);
    netns_close(red);
}

static void list_cookie_matches_cookie_of_namespace(void)
{
    struct netns *blue = NULL, *lost = NULL;
    struct netns_name_snapshot *list = NULL;

    need_cookies();
    OK(netns_create("blue", 0, &blue));
    OK(netns_create(NULL, 0, &lost));
    list = list_all();
    for (size_t i = 0; i < netns_list_len(list); i++) {
        uint64_t cookie = netns_list_cookie(list, i);

        /* Until Linux 6.18, reading it requires a socket in the namespace. */
        if (!have_namespace_handles())
            EQUAL(cookie, 0);
        else if (netns_list_inode(list, i) == netns_inode(blue))
            EQUAL(cookie, COOKIE_OF(blue));
        else if (netns_list_inode(list, i) == netns_inode(lost))
            EQUAL(cookie, COOKIE_OF(lost));
    }
    netns_list_free(list);
    list = NULL;
    OK(netns_list(0, &list));
    EQUAL(netns_list_cookie(list, 0), have_namespace_handles() ? COOKIE_OF(blue) : 0);
    EQUAL(netns_list_cookie(list, 1), 0);
    EQUAL(netns_list_cookie(NULL, 0), 0);
    netns_list_free(list);
    list = NULL;
    write_file("/run/netns/stale", "", 01000);
    MUST(chmod("/run/netns/stale", 01000));
    OK(netns_list(NETNS_LIST_STALE, &list));
    SAME(netns_list_name(list, 1), "stale");
    EQUAL(netns_list_cookie(list, 1), 0);
    netns_list_free(list);
    netns_close(blue);
    netns_close(lost);
}

static void list_all_finds_namespace_of_single_thread(void)
{
    struct netns *lost = NULL;
    struct mover mover;
    uint64_t inode;

    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    start_mover(&mover, lost, NULL, NULL);
    netns_close(lost);
    FOUND_AS("", inode);
    end_mover(&mover);
    EQUAL(threads_left(), 1);
    GOES(inode);
}

static void list_all_finds_namespace_mounted_outside_run_directory(void)
{
    struct netns *lost = NULL;
    char path[] = "/run/with blank\nand newline";
    uint64_t inode;

    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    write_file(path, "", 0644);
    OK(netns_attach_at("/run/mine", lost, "mine", 0));
    netns_close(lost);
    FOUND_AS("", inode);
    MUST(mount("/run/mine/mine", path, "none", MS_BIND, NULL));
    OK(netns_remove_at("/run/mine", "mine", 0));
    FOUND_AS("", inode);
    MUST(umount2(path, MNT_DETACH));
    GOES(inode);
}

/* Linux 5.6; valgrind does not support it. */
static bool have_openat2(void)
{
    return syscall(SYS_openat2, -1, NULL, NULL, 0) == 0 || errno != ENOSYS;
}

static void list_all_finds_mount_in_other_mount_namespace(void)
{
    struct netns_name_snapshot *list;
    struct netns *lost = NULL;
    const bool has_cookie = have_namespace_handles() && have_openat2();
    uint64_t inode, cookie;
    int go;
    pid_t pid;

    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    cookie = COOKIE_OF(lost);
    pid = start_mounting(lost, false, &go);
    netns_close(lost);
    list = list_all();
    /* A program that lists all namespaces at the same time opens the mount for a moment, and is then
       listed as its holder. */
    for (int tries = has_cookie ? 200 : 0; tries > 0 && netns_list_cookie(list, place_of(list, inode)) == 0; tries--) {
        netns_list_free(list);
        sleep_ms(1);
        list = list_all();
    }
    SAME(listed_as(list, inode), "");
    if (has_cookie)
        EQUAL(netns_list_cookie(list, place_of(list, inode)), cookie);
    netns_list_free(list);
    close(go);
    EQUAL(wait_for(pid), 0);
    GOES(inode);
}

static void list_all_finds_mount_hidden_from_chrooted_process(void)
{
    struct netns *lost = NULL;
    uint64_t inode;
    pid_t pid;
    int go;

    if (geteuid() != 0)
        skip("needs real root");
    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    pid = start_mounting(lost, true, &go);
    netns_close(lost);
    FOUND_AS("", inode);
    close(go);
    EQUAL(wait_for(pid), 0);
}

static void one_that_a_descriptor_in_a_private_table_keeps(void *arg)
{
    int *fd = arg;

    MUST(unshare(CLONE_FILES));
    *fd = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

static void list_all_finds_descriptor_in_private_table(void)
{
    struct netns *lost = NULL, *home = NULL;
    struct mover mover;
    uint64_t inode;
    int fd = -1;

    OK(netns_open_current(&home));
    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    OK(netns_setns(lost));
    start_mover(&mover, home, NULL, NULL);
    end_mover(&mover);
    start_mover(&mover, NULL, one_that_a_descriptor_in_a_private_table_keeps, &fd);
    OK(netns_setns(home));
    netns_close(lost);
    FOUND_AS("", inode);
    end_mover(&mover);
    EQUAL(threads_left(), 1);
    GOES(inode);
    netns_close(home);
}

static void list_all_ignores_other_namespace_types(void)
{
    struct netns_name_snapshot *list;
    struct stat mnt, pid;
    int fd;

    fd = MUST(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    MUST(fstat(fd, &mnt));
    MUST(stat("/proc/self/ns/pid", &pid));
    list = list_all();
    CHECK(place_of(list, mnt.st_ino) == NOWHERE);
    CHECK(place_of(list, pid.st_ino) == NOWHERE);
    netns_list_free(list);
    close(fd);
}

/* --- in other environments ---------------------------------------------------------------------- */

static void find_lost(void *arg)
{
    FOUND_AS("", *(uint64_t *)arg);
}

#define WITHOUT(...) WITH_FAULTS(find_lost, &inode, __VA_ARGS__)

static void list_all_works_without_newer_system_calls(void)
{
    struct netns *lost = NULL;
    uint64_t inode;
    int go;
    pid_t pid;

    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    WITHOUT(no_handles);
    WITHOUT(no_listns);
    WITHOUT(no_kcmp);
    WITHOUT(no_statx);
    pid = start_mounting(lost, false, &go);
    netns_close(lost);
    WITHOUT(no_openat2);
    WITHOUT(statx_forbidden, no_listns);
    WITHOUT(no_handles, no_open_by_handle, no_listns, no_openat2, no_kcmp, no_statx);
    close(go);
    EQUAL(wait_for(pid), 0);
}

static void look_without_proc(void *arg)
{
    struct netns_name_snapshot *list = NULL;

    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    if (umount2("/proc", MNT_DETACH) < 0)
        skip("/proc cannot be unmounted here");
    /* Where the kernel lists them, none is missing. */
    if (kernel_is_at_least(6, 19)) {
        OK(netns_list_all(0, &list));
        netns_list_free(list);
        return;
    }
    FAILS(ENOENT, netns_list_all(0, &list));
    CHECK(list == NULL);
}

static void list_all_without_proc_fails_before_linux_6_19(void)
{
    IN_CHILD(look_without_proc, NULL);
}

static void look_from_inside(void *arg)
{
    /* The outer namespace's /proc shows the same. */
    find_lost(arg);
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        skip("cannot mount a procfs here");
    /* No other process is in it; this process has the handle. */
    find_lost(arg);
}

static void look_from_a_pid_namespace(void *arg)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    IN_CHILD(look_from_inside, arg);
}

static void list_all_works_in_pid_namespace(void)
{
    struct netns *lost = NULL;
    uint64_t inode;

    OK(netns_create(NULL, 0, &lost));
    inode = netns_inode(lost);
    IN_CHILD(look_from_a_pid_namespace, &inode);
    netns_close(lost);
}

static void look_as_a_plain_user(void *arg)
{
    uint64_t *inodes = arg;

    become_plain_user();
    FOUND_AS("blue", inodes[0]);
    FOUND_AS(NULL, inodes[1]);
    FOUND_AS("", here());
}

static void list_all_without_privileges_returns_names_and_own(void)
{
    struct netns *blue = NULL, *lost = NULL;
    uint64_t inodes[2];
    pid_t pid;

    OK(netns_create("blue", 0, &blue));
    OK(netns_create(NULL, 0, &lost));
    inodes[0] = netns_inode(blue);
    inodes[1] = netns_inode(lost);
    pid = start_in(lost);
    netns_close(lost);
    IN_CHILD(look_as_a_plain_user, inodes);
    stop(pid);
    netns_close(blue);
}

static void live_in_a_namespace_of_its_own(void)
{
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (unshare(CLONE_NEWNET) == 0 && fd >= 0)
        close(fd);
}

static void list_all_tolerates_starting_and_ending_processes(void)
{
    int stop, rounds = is_slow() ? 5 : 50;
    struct netns *lost = NULL;
    pid_t pid;

    OK(netns_create(NULL, 0, &lost));
    pid = start_passing(live_in_a_namespace_of_its_own, &stop);
    for (int i = 0; i < rounds; i++)
        FOUND_AS("", netns_inode(lost));
    close(stop);
    EQUAL(wait_for(pid), 0);
    netns_close(lost);
}

/* --- errors ------------------------------------------------------------------------------------- */

static void list_all_rejects_invalid_arguments(void)
{
    struct netns_name_snapshot *list = NULL;

    FAILS(EINVAL, netns_list_all(0, NULL));
    MESSAGE_HAS("list all network namespaces: ");
    for (int bit = 0; bit < 32; bit++)
        FAILS(EINVAL, netns_list_all(1u << bit, &list));
    CHECK(list == NULL);
}

static void list_all_rejects_invalid_run_directory(void)
{
    struct netns_name_snapshot *list = NULL;

    MUST(umount2("/run/netns", MNT_DETACH));
    MUST(rmdir("/run/netns"));
    FOUND_AS("", here());
    MUST(symlink("netns", "/run/netns"));
    FAILS(ELOOP, netns_list_all(0, &list));
    MUST(unlink("/run/netns"));
    write_file("/run/netns", "", 0644);
    FAILS(ENOTDIR, netns_list_all(0, &list));
    MUST(unlink("/run/netns"));
    CHECK(list == NULL);
}

static void look_at_what_is_not_to_be_read(void *arg)
{
    struct netns_name_snapshot *list = NULL;

    (void)arg;
    become_plain_user();
    FAILS(EACCES, netns_list_all(0, &list));
    CHECK(list == NULL);
}

static void unreadable_run_directory_fails_with_eacces(void)
{
    MUST(chmod("/run/netns", 0700));
    IN_CHILD(look_at_what_is_not_to_be_read, NULL);
}

static int list_once(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list_all(0, &list);

    CHECK((rc < 0) == (list == NULL));
    netns_list_free(list);
    return rc;
}

static void list_all_without_descriptors_fails_with_emfile(void)
{
    struct netns *lost = NULL;

    OK(netns_create(NULL, 0, &lost));
    RUNS_OUT_OF_DESCRIPTORS(list_once());
    netns_close(lost);
}

int main(void)
{
    RUN(list_all_returns_each_namespace_once_named_first);
    RUN(list_cookie_matches_cookie_of_namespace);
    RUN(list_all_finds_namespace_of_single_thread);
    RUN(list_all_finds_namespace_mounted_outside_run_directory);
    RUN(list_all_finds_mount_in_other_mount_namespace);
    RUN(list_all_finds_mount_hidden_from_chrooted_process);
    RUN(list_all_finds_descriptor_in_private_table);
    RUN(list_all_ignores_other_namespace_types);

    RUN(list_all_works_without_newer_system_calls);
    RUN(list_all_without_proc_fails_before_linux_6_19);
    RUN(list_all_works_in_pid_namespace);
    RUN(list_all_without_privileges_returns_names_and_own);
    RUN(list_all_tolerates_starting_and_ending_processes);

    RUN(list_all_rejects_invalid_arguments);
    RUN(list_all_rejects_invalid_run_directory);
    RUN(unreadable_run_directory_fails_with_eacces);
    RUN(list_all_without_descriptors_fails_with_emfile);
    return finish();
}
