/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that are created, opened, attached, removed and listed. */
#ifndef NETNS_FAULTS_NAMES_H
#define NETNS_FAULTS_NAMES_H

#include "scenario.h"

static uint64_t blue_cookie;

/* A process whose descriptors are inspected; 0: there is none. */
static pid_t resident;

static bool can_open(const char *name)
{
    struct netns *ns = NULL;
    bool can = netns_open_at(rundir, name, 0, &ns) == 0;

    netns_close(ns);
    return can;
}

/* --- create ----------------------------------------------------------------------------------- */

static long long create(void)
{
    return netns_create("green", 0, &received.ns);
}

static long long create_without_waiting(void)
{
    return netns_create("green", NETNS_CREATE_NOWAIT, &received.ns);
}

static long long create_anon(void)
{
    return netns_create("anon", NETNS_CREATE_NOWAIT | NETNS_CREATE_EXIST_OK, &received.ns);
}

static long long create_lo_up(void)
{
    return netns_create("green", NETNS_CREATE_LO_UP, &received.ns);
}

static long long create_or_open(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &received.ns);
}

static long long create_without_handle(void)
{
    return netns_create("green", 0, NULL);
}

static long long create_anonymous(void)
{
    return netns_create(NULL, NETNS_CREATE_LO_UP, &received.ns);
}

static long long create_over_stale(void)
{
    return netns_create("stale", 0, &received.ns);
}

static long long create_blue(void)
{
    return netns_create("blue", 0, &received.ns);
}

static long long create_below_directories(void)
{
    return netns_create_at(rundir, "green", 0, &received.ns);
}

static void check_created(bool done)
{
    if (!done) {
        WANT(!can_open("green"));
        return;
    }
    WANT(can_open("green"));
    WANT(strcmp(netns_name(received.ns), "green") == 0);
    netns_close(received.ns);
}

static void check_lo_up(bool done)
{
    if (done) {
        WANT(lo_is_up(received.ns));
        netns_close(received.ns);
    }
}

static void check_or_opened(bool done)
{
    WANT(can_open("blue"));
    if (done)
        WANT(netns_equal(received.ns, blue));
    check_lo_up(done);
}

static void check_without_handle(bool done)
{
    WANT(can_open("green") == done);
}

static void check_stale_taken(bool done)
{
    WANT(can_open("stale") == done);
    close_received(done);
}

/* Stale files, one left by a killed creator of this library and one by another program's. */
static void leave_stale(void)
{
    write_file(NETNS_RUN_DIR "/stale", "", 01000);
}

/* A name that another program is creating at this moment. */
static void begin_anon(void)
{
    write_file(NETNS_RUN_DIR "/anon", "", 0);
}

static void in_a_deep_run_directory(void)
{
    rundir = "/run/of/mine";
}

/* A run directory that contains names but is not a mount point. */
static void in_a_plain_directory(void)
{
    rundir = "/run/mine";
    MUST(mkdir(rundir, 0755));
    make_red();
    write_file("/run/mine/old", "", 01000);
    MUST(mount("/proc/self/ns/net", "/run/mine/old", "none", MS_BIND, NULL));
}

/* --- attach ----------------------------------------------------------------------------------- */

static long long attach(void)
{
    return netns_attach(red, "green", 0);
}

static long long attach_blue(void)
{
    return netns_attach(red, "blue", 0);
}

static long long attach_over_stale(void)
{
    return netns_attach(red, "stale", 0);
}

static long long attach_at(void)
{
    return netns_attach_at(rundir, red, "green", 0);
}

static void red_and_stale(void)
{
    make_red();
    leave_stale();
}

static void red_and_a_deep_run_directory(void)
{
    make_red();
    in_a_deep_run_directory();
}

/* --- remove ----------------------------------------------------------------------------------- */

static long long remove_blue(void)
{
    return netns_remove("blue", 0);
}

static long long remove_missing(void)
{
    return netns_remove("green", NETNS_REMOVE_MISSING_OK);
}

static long long remove_stale(void)
{
    return netns_remove("stale", 0);
}

static long long remove_stranger(void)
{
    return netns_remove("stranger", 0);
}

static void put_stranger(void)
{
    MUST(mkdir(NETNS_RUN_DIR "/stranger", 0755));
}

static long long remove_old(void)
{
    return netns_remove_at(rundir, "old", 0);
}

/* A name whose removal was interrupted can be removed. */
static void check_blue_removed(bool done)
{
    if (done)
        WANT(!exists(NETNS_RUN_DIR "/blue"));
}

static void check_stale_removed(bool done)
{
    WANT(exists(NETNS_RUN_DIR "/stale") != done);
}

static void check_old_removed(bool done)
{
    if (done)
        WANT(!exists("/run/mine/old"));
}

static void stack_blue(void)
{
    make_blue();
    MUST(mount("/proc/self/ns/net", NETNS_RUN_DIR "/blue", "none", MS_BIND, NULL));
    MUST(mount(NETNS_RUN_DIR "/blue", NETNS_RUN_DIR "/blue", "none", MS_BIND, NULL));
}

/* A name whose mount is hidden by another mount of the directory. */
static void hide_old(void)
{
    in_a_plain_directory();
    MUST(mount("/run/mine", "/run/mine", "none", MS_BIND, NULL));
}

/* --- open ------------------------------------------------------------------------------------- */

static long long open_name(void)
{
    return netns_open("blue", 0, &received.ns);
}

static long long open_stale(void)
{
    return netns_open("stale", 0, &received.ns);
}

static long long open_path(void)
{
    return netns_open(NETNS_RUN_DIR "/blue", 0, &received.ns);
}

static long long open_at(void)
{
    return netns_open_at(rundir, "blue", 0, &received.ns);
}

static long long open_pid(void)
{
    return netns_open_pid(1, &received.ns);
}

static long long open_descriptor(void)
{
    return netns_open_fd(descriptor, &received.ns);
}

static long long open_current(void)
{
    return netns_open_current(&received.ns);
}

static long long open_id(void)
{
    return netns_open_id(netns_inode(blue), blue_cookie, &received.ns);
}

static long long open_inode(void)
{
    return netns_open_id(netns_inode(blue), 0, &received.ns);
}

static void make_known_blue(void)
{
    make_blue();
    /* Before Linux 5.14 there are no cookies. */
    if (netns_cookie(blue, &blue_cookie) < 0)
        blue_cookie = 0;
}

static long long duplicate(void)
{
    return netns_dup(blue, &received.ns);
}

static void check_is_blue(bool done)
{
    if (done) {
        WANT(netns_equal(received.ns, blue));
        netns_close(received.ns);
    }
}

static void check_is_home(bool done)
{
    if (done) {
        WANT(netns_inode(received.ns) == home);
        netns_close(received.ns);
    }
}

static void descriptor_of_a_namespace(void)
{
    make_blue();
    descriptor = MUST(fcntl(netns_fd(blue), F_DUPFD_CLOEXEC, 3));
}

static void descriptor_of_a_socket(void)
{
    make_blue();
    descriptor = MUST(netns_socket(blue, AF_INET, SOCK_DGRAM, 0));
}

static void descriptor_of_a_path(void)
{
    make_blue();
    descriptor = MUST(open(NETNS_RUN_DIR "/blue", O_PATH | O_CLOEXEC));
}

static void descriptor_of_a_process(void)
{
    descriptor = MUST(syscall(SYS_pidfd_open, 1, 0));
}

static long long close_blue(void)
{
    netns_close(blue);
    blue = NULL;
    return 0;
}

/* With the connection that it keeps. */
static void make_talkative_blue(void)
{
    struct netns_link_snapshot *links = NULL;

    make_blue();
    MUST(netns_link_list(blue, 0, &links));
    netns_link_list_free(links);
}

/* --- names that are symbolic links ------------------------------------------------------------- */

#define A_LINK NETNS_RUN_DIR "/link"

static void link_to_blue(void)
{
    make_blue();
    MUST(symlink("blue", A_LINK));
}

static void link_to_a_path(void)
{
    make_blue();
    MUST(netns_attach_at("/run/other", blue, "blue", 0));
    MUST(symlink("/run/other/blue", A_LINK));
}

static void link_to_nothing(void)
{
    make_red();
    MUST(symlink("nowhere", A_LINK));
}

static void several_links(void)
{
    link_to_blue();
    MUST(symlink("nowhere", NETNS_RUN_DIR "/dangling"));
}

static long long open_link(void)
{
    return netns_open("link", 0, &received.ns);
}

static long long create_link(void)
{
    return netns_create("link", 0, &received.ns);
}

static long long create_or_open_link(void)
{
    return netns_create("link", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &received.ns);
}

static long long attach_over_link(void)
{
    return netns_attach(red, "link", 0);
}

static long long remove_link(void)
{
    return netns_remove("link", 0);
}

static bool is_link(void)
{
    char text[64];

    return readlink(A_LINK, text, sizeof text) > 0;
}

static void check_link_opened(bool done)
{
    WANT(is_link());
    check_is_blue(done);
}

static void check_link_removed(bool done)
{
    WANT(is_link() != done);
    WANT(can_open("blue"));
}

static void check_link_left(bool done)
{
    WANT(!done);
    WANT(is_link());
    WANT(!exists(NETNS_RUN_DIR "/nowhere"));
}

/* --- lists ------------------------------------------------------------------------------------ */

static long long list(void)
{
    return netns_list(0, &received.list);
}

static long long list_stale(void)
{
    return netns_list(NETNS_LIST_STALE, &received.list);
}

static long long list_at(void)
{
    return netns_list_at(rundir, 0, &received.list);
}

static long long list_everything(void)
{
    return netns_list_all(0, &received.list);
}

/* The namespace with two names is listed once, and so is the one without a name. */
static void check_everything(bool done)
{
    bool has_home = false;

    if (!done)
        return;
    WANT(strcmp(netns_list_name(received.list, 0), "azure") == 0);
    WANT(netns_list_inode(received.list, 0) == netns_inode(blue));
    for (size_t i = 1; i < netns_list_len(received.list); i++) {
        WANT(strcmp(netns_list_name(received.list, i), "") == 0);
        WANT(netns_list_inode(received.list, i) != netns_inode(blue));
        WANT(netns_list_cookie(received.list, i) != netns_list_cookie(received.list, 0) ||
             !netns_list_cookie(received.list, i));
        has_home |= netns_list_inode(received.list, i) == home;
    }
    WANT(has_home);
    netns_list_free(received.list);
}

static long long list_holders(void)
{
    return netns_holder_list(blue, 0, &received.holders);
}

/* The mount of each name, and nothing else that is visible. */
static void check_holders(bool done)
{
    int mounts = 0, sockets = 0;

    if (!done)
        return;
    for (size_t i = 0; i < netns_holder_list_len(received.holders); i++) {
        sockets += netns_holder_list_kind(received.holders, i) == NETNS_HOLDER_SOCKET &&
                   netns_holder_list_pid(received.holders, i) == resident &&
                   netns_holder_list_fd(received.holders, i) == 0;
        WANT(netns_holder_list_fd(received.holders, i) != netns_fd(blue));
        /* A process that hides its descriptors is not reported as the owner of a socket. */
        if (netns_holder_list_pid(received.holders, i) == 0)
            continue;
        WANT(netns_holder_list_tid(received.holders, i) > 0);
        WANT(netns_holder_list_program(received.holders, i) != NULL);
        if (netns_holder_list_kind(received.holders, i) != NETNS_HOLDER_MOUNT)
            continue;
        mounts++;
        WANT(netns_holder_list_pid(received.holders, i) > 0);
        WANT(strncmp(netns_holder_list_path(received.holders, i), NETNS_RUN_DIR "/", 11) == 0);
    }
    WANT(mounts >= 2);
    WANT(sockets == 1);
    WANT(netns_holder_list_unseen(received.holders) < 8);
    netns_holder_list_free(received.holders);
}

static long long list_names(void)
{
    return netns_names(blue, 0, &received.list);
}

static long long list_names_at(void)
{
    return netns_names_at(rundir, blue, 0, &received.list);
}

static void has_names(const char *expected)
{
    char text[256] = "";

    for (size_t i = 0; i < netns_list_len(received.list); i++) {
        strcat(text, i ? " " : "");
        strcat(text, netns_list_name(received.list, i));
    }
    if (strcmp(text, expected) != 0)
        problem("it lists \"%s\", not \"%s\"", text, expected);
    netns_list_free(received.list);
}

static void check_both(bool done)
{
    if (done)
        has_names("azure blue");
}

static void check_three(bool done)
{
    if (done)
        has_names("azure blue stale");
}

/* A namespace with two names, one with one name, and a stale file of a killed creator. */
static void several_names(void)
{
    make_blue();
    MUST(netns_attach(blue, "azure", 0));
    leave_stale();
}

/* Hides the descriptors of other processes from this one: their number is different under the supervisor. */
static void hide_descriptors(void)
{
    DIR *dir;
    struct dirent *entry;
    char path[64];

    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    dir = opendir("/proc");
    while ((entry = readdir(dir))) {
        int pid = atoi(entry->d_name);

        snprintf(path, sizeof path, "/proc/%d/task/%d/fd", pid, pid);
        if (pid > 0 && pid != getpid() && pid != resident)
            MUST(mount("none", path, "tmpfs", 0, NULL));
    }
    closedir(dir);
}

/* The same for its own descriptors, which include sockets under strace, and others under the supervisor. */
static void hide_all_descriptors(void)
{
    char path[64];
    struct dirent *entry;
    DIR *dir;

    hide_descriptors();
    dir = opendir("/proc/self/task");
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof path, "/proc/self/task/%d/fd", atoi(entry->d_name));
        if (entry->d_name[0] != '.')
            MUST(mount("none", path, "tmpfs", 0, NULL));
    }
    closedir(dir);
}

/* A process that has nothing open except a socket in blue. */
static void several_names_and_a_resident(void)
{
    int ready[2];
    char byte;

    several_names();
    MUST(pipe2(ready, O_CLOEXEC));
    resident = MUST(fork());
    if (resident == 0) {
        int fd = MUST(netns_socket(blue, AF_INET, SOCK_DGRAM, 0));

        MUST(write(ready[1], "", 1));
        MUST(dup2(fd, 0));
        MUST(syscall(SYS_close_range, 1u, ~0u, 0u));
        for (;;)
            pause();
    }
    close(ready[1]);
    MUST(read(ready[0], &byte, 1) == 1 ? 0 : -1);
    /* Waits until the process has closed all other descriptors. */
    MUST(read(ready[0], &byte, 1) == 0 ? 0 : -1);
    close(ready[0]);
}

static void several_names_and_another(void)
{
    several_names();
    MUST(netns_create("other", 0, NULL));
}

static void check_linked(bool done)
{
    if (done)
        has_names("blue link");
}

static void check_linked_and_dangling(bool done)
{
    if (done)
        has_names("blue dangling link");
}

static const struct scenario name_scenarios[] = {
    {"netns_create", "named", 0, NULL, NULL, create, check_created},
    {"netns_create", "without waiting", 0, NULL, NULL, create_without_waiting, check_created},
    {"netns_create", "with lo up", 0, NULL, NULL, create_lo_up, check_lo_up},
    {"netns_create", "that exists", 0, make_blue, NULL, create_or_open, check_or_opened},
    {"netns_create", "without a handle", 0, NULL, NULL, create_without_handle,
     check_without_handle},
    {"netns_create", "anonymous", 0, NULL, NULL, create_anonymous, check_lo_up},
    {"netns_create", "over a stale name", 0, leave_stale, NULL, create_over_stale,
     check_stale_taken},
    {"netns_create", "the first", NO_RUN_DIRECTORY, NULL, NULL, create, check_created},
    {"netns_create", "rootless", ROOTLESS, NULL, NULL, create_lo_up, check_lo_up},
    {"netns_create", "anonymous, rootless", ROOTLESS, NULL, NULL, create_anonymous, check_lo_up},
    {"netns_create_at", "below directories to be made", 0, in_a_deep_run_directory, NULL,
     create_below_directories, check_created},
    {"netns_create_at", "in a directory with names", 0, in_a_plain_directory, NULL,
     create_below_directories, check_created},
    {"netns_attach", "", 0, make_red, NULL, attach, check_without_handle},
    {"netns_attach", "over a stale name", 0, red_and_stale, NULL, attach_over_stale, NULL},
    {"netns_attach_at", "below directories to be made", 0, red_and_a_deep_run_directory, NULL,
     attach_at, check_without_handle},
    {"netns_remove", "", 0, make_blue, NULL, remove_blue, check_blue_removed},
    {"netns_remove", "stacked", 0, stack_blue, NULL, remove_blue, check_blue_removed},
    {"netns_remove", "stale", 0, leave_stale, NULL, remove_stale, check_stale_removed},
    {"netns_remove", "missing", 0, NULL, NULL, remove_missing, NULL},
    {"netns_remove_at", "hidden", 0, hide_old, NULL, remove_old, check_old_removed},
    {"netns_open", "name", 0, make_blue, NULL, open_name, check_is_blue},
    {"netns_create", "that exists, refused", FAILS_AS_IT_IS(EEXIST), make_blue, NULL,
     create_blue, NULL},
    {"netns_create", "in the making, refused", FAILS_AS_IT_IS(EAGAIN), begin_anon, NULL,
     create_anon, NULL},
    {"netns_attach", "that exists, refused", FAILS_AS_IT_IS(EEXIST), make_two, NULL, attach_blue,
     NULL},
    {"netns_remove", "a stranger, refused", FAILS_AS_IT_IS(ENOTTY), put_stranger, NULL,
     remove_stranger, NULL},
    {"netns_open", "stale, refused", FAILS_AS_IT_IS(ENOTTY), leave_stale, NULL, open_stale, NULL},
    {"netns_open", "a symlink", 0, link_to_blue, NULL, open_link, check_link_opened},
    {"netns_open", "a symlink to a path", 0, link_to_a_path, NULL, open_link, check_link_opened},
    {"netns_open", "a stale symlink, refused", FAILS_AS_IT_IS(ENOTTY), link_to_nothing, NULL, open_link,
     check_link_left},
    {"netns_create", "a symlink that exists", 0, link_to_blue, NULL, create_or_open_link,
     check_link_opened},
    {"netns_create", "a stale symlink, refused", FAILS_AS_IT_IS(EEXIST), link_to_nothing, NULL,
     create_link, check_link_left},
    {"netns_create", "a stale symlink that exists, refused", FAILS_AS_IT_IS(ENOTTY), link_to_nothing, NULL,
     create_or_open_link, check_link_left},
    {"netns_attach", "a stale symlink, refused", FAILS_AS_IT_IS(EEXIST), link_to_nothing, NULL,
     attach_over_link, check_link_left},
    {"netns_remove", "a symlink", 0, link_to_blue, NULL, remove_link, check_link_removed},
    {"netns_open", "path", 0, make_blue, NULL, open_path, check_is_blue},
    {"netns_open_at", "", 0, make_blue, NULL, open_at, check_is_blue},
    {"netns_open_pid", "", 0, NULL, NULL, open_pid, check_is_home},
    {"netns_open_fd", "namespace", 0, descriptor_of_a_namespace, NULL, open_descriptor,
     check_is_blue},
    {"netns_open_fd", "socket", 0, descriptor_of_a_socket, NULL, open_descriptor, check_is_blue},
    {"netns_open_fd", "O_PATH", 0, descriptor_of_a_path, NULL, open_descriptor, check_is_blue},
    {"netns_open_fd", "pidfd", 0, descriptor_of_a_process, NULL, open_descriptor, check_is_home},
    {"netns_open_current", "", 0, NULL, NULL, open_current, check_is_home},
    {"netns_open_id", "", LOOKS_AT_PROCESSES, make_known_blue, hide_descriptors, open_id, check_is_blue},
    {"netns_open_id", "without a cookie", LOOKS_AT_PROCESSES, make_blue, hide_descriptors, open_inode,
     check_is_blue},
    {"netns_dup", "", 0, make_blue, NULL, duplicate, check_is_blue},
    {"netns_close", "", RETURNS_NOTHING, make_talkative_blue, NULL, close_blue, NULL},
    {"netns_list", "", 0, several_names, NULL, list, check_both},
    {"netns_list", "symlinks", 0, several_links, NULL, list, check_linked},
    {"netns_list", "stale symlinks", 0, several_links, NULL, list_stale, check_linked_and_dangling},
    {"netns_names", "symlinks", 0, several_links, NULL, list_names, check_linked},
    {"netns_list", "stale", 0, several_names, NULL, list_stale, check_three},
    {"netns_list_at", "", 0, several_names, NULL, list_at, check_both},
    {"netns_list_all", "", LOOKS_AT_PROCESSES, several_names, hide_descriptors, list_everything, check_everything},
    {"netns_holder_list", "", LOOKS_AT_PROCESSES, several_names_and_a_resident, hide_all_descriptors,
     list_holders, check_holders},
    {"netns_names", "", 0, several_names_and_another, NULL, list_names, check_both},
    {"netns_names_at", "", 0, several_names_and_another, NULL, list_names_at, check_both},
};

#endif
