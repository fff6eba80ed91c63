/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library beside the bare system calls for the same work. */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DIR_PATH "/run/netns"
#define LISTED 1200

static struct netns *target;
static int target_fd;

static void path_of(char *path, int i)
{
    sprintf(path, DIR_PATH "/bench%d", i);
}

static void name_of(char *name, int i)
{
    sprintf(name, "bench%d", i);
}

/* --- create and remove -------------------------------------------------------------------------- */

static void bind_bare(const char *source, int i)
{
    char path[64];

    path_of(path, i);
    MUST(close(MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0))));
    MUST(mount(source, path, "none", MS_BIND, NULL));
}

static void create_bare(int i)
{
    int home = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));

    MUST(unshare(CLONE_NEWNET));
    bind_bare("/proc/thread-self/ns/net", i);
    MUST(setns(home, CLONE_NEWNET));
    close(home);
}

static void *unshare_and_bind(void *arg)
{
    MUST(unshare(CLONE_NEWNET));
    bind_bare("/proc/thread-self/ns/net", *(int *)arg);
    return NULL;
}

static void create_on_a_thread(int i)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, unshare_and_bind, &i);
    if (errno || (errno = pthread_join(thread, NULL)))
        die("pthread");
}

static void create_by_library(int i)
{
    char name[32];

    name_of(name, i);
    MUST(netns_create(name, 0, NULL));
}

static void remove_bare(int i)
{
    char path[64];

    path_of(path, i);
    MUST(umount2(path, MNT_DETACH));
    MUST(unlink(path));
}

static void remove_by_library(int i)
{
    char name[32];

    name_of(name, i);
    MUST(netns_remove(name, 0));
}

static void remove_all(int count)
{
    int i;

    for (i = 0; i < count; i++)
        remove_bare(i);
}

/* Names of one namespace that lives on: what is timed is the name, not the namespace's end. */
static void attach_all(int count)
{
    int i;

    for (i = 0; i < count; i++) {
        char name[32];

        name_of(name, i);
        MUST(netns_attach(target, name, 0));
    }
}

/* --- open --------------------------------------------------------------------------------------- */

static void open_bare(int i)
{
    (void)i;
    MUST(close(MUST(open(DIR_PATH "/target", O_RDONLY | O_CLOEXEC))));
}

static void open_by_library(int i)
{
    struct netns *ns;

    (void)i;
    MUST(netns_open("target", 0, &ns));
    netns_close(ns);
}

/* --- the thread --------------------------------------------------------------------------------- */

static void enter_bare(int i)
{
    int home = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));

    (void)i;
    MUST(setns(target_fd, CLONE_NEWNET));
    MUST(setns(home, CLONE_NEWNET));
    close(home);
}

static void enter_by_library(int i)
{
    (void)i;
    MUST(netns_leave(MUST(netns_enter(target))));
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void run_by_library(int i)
{
    (void)i;
    MUST(netns_run(target, nothing, NULL, NULL));
}

static void socket_bare(int i)
{
    int home = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    int fd;

    (void)i;
    MUST(setns(target_fd, CLONE_NEWNET));
    fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    MUST(setns(home, CLONE_NEWNET));
    close(home);
    close(fd);
}

static void socket_by_library(int i)
{
    (void)i;
    close(MUST(netns_socket(target, AF_INET, SOCK_DGRAM, 0)));
}

/* --- list --------------------------------------------------------------------------------------- */

static void list_bare(int i)
{
    DIR *dir = opendir(DIR_PATH);
    struct dirent *entry;
    struct stat st;
    int count = 0;

    (void)i;
    if (!dir)
        die("opendir");
    while ((entry = readdir(dir)))
        count += fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    closedir(dir);
    if (count < LISTED)
        die("list");
}

static void list_by_library(int i)
{
    struct netns_list *list;

    (void)i;
    MUST(netns_list(0, &list));
    if (netns_list_len(list) < LISTED)
        die("netns_list");
    netns_list_free(list);
}

static int list_rows(const struct row *row)
{
    int missed;

    attach_all(LISTED);
    missed = run_row(row);
    remove_all(LISTED);
    return missed;
}

/* ------------------------------------------------------------------------------------------------ */

static const struct row create = {
    .name = "create", .rounds = 300, .batch = 8, .at_most = 1.10, .of_middle = 0.95,
    .ways = {{"bare calls", create_bare, remove_all, NULL},
             {"thread per create", create_on_a_thread, remove_all, NULL},
             {"libnetns", create_by_library, remove_all, NULL}},
};

static const struct row rows[] = {
    {.name = "open + close", .rounds = 400, .batch = 200, .at_most = 2.20,
     .ways = {{"bare calls", open_bare, NULL, NULL}, {"libnetns", open_by_library, NULL, NULL}}},
    {.name = "enter + leave", .rounds = 400, .batch = 200, .at_most = 1.25,
     .ways = {{"bare calls", enter_bare, NULL, NULL}, {"libnetns", enter_by_library, NULL, NULL}}},
    {.name = "run", .rounds = 400, .batch = 200, .at_most = 1.25,
     .ways = {{"bare calls", enter_bare, NULL, NULL}, {"libnetns", run_by_library, NULL, NULL}}},
    {.name = "socket", .rounds = 400, .batch = 200, .at_most = 1.35,
     .ways = {{"bare calls", socket_bare, NULL, NULL}, {"libnetns", socket_by_library, NULL, NULL}}},
    {.name = "remove", .rounds = 300, .batch = 32, .at_most = 1.50,
     .ways = {{"bare calls", remove_bare, NULL, attach_all},
              {"libnetns", remove_by_library, NULL, attach_all}}},
};

static const struct row list = {
    .name = "list of 1,200", .rounds = 200, .batch = 2, .at_most = 1.40,
    .ways = {{"readdir + fstatat", list_bare, NULL, NULL}, {"libnetns", list_by_library, NULL, NULL}},
};

static void enter_a_private_world(void)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    MUST(mount("bench", "/run", "tmpfs", 0, "mode=755"));
}

int main(void)
{
    struct utsname kernel;
    int missed = 0;
    size_t i;

    if (geteuid() != 0) {
        fprintf(stderr, "the benchmark makes network namespaces: run it as root\n");
        return 77;
    }
    enter_a_private_world();
    uname(&kernel);
    printf("libnetns %s on Linux %s; us per call; ratio to the first way of the row\n\n",
           netns_version(), kernel.release);
    MUST(netns_create("target", 0, &target));
    target_fd = netns_fd(target);

    print_header();
    missed += run_row(&create);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        missed += run_row(&rows[i]);
    missed += list_rows(&list);

    MUST(netns_remove("target", 0));
    netns_close(target);
    printf("\n%d goals missed\n", missed);
    return 0;
}
