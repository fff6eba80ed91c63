/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library beside the bare system calls for the same work. */
#include "world.h"

#include <dirent.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTED 1200
#define NSID 7

static int target_fd;

/* --- create and remove -------------------------------------------------------------------------- */

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

static void remove_by_library(int i)
{
    char name[32];

    name_of(name, i);
    MUST(netns_remove(name, 0));
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

static int socket_in_target(int domain, int type, int protocol)
{
    int home = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    int fd;

    MUST(setns(target_fd, CLONE_NEWNET));
    fd = MUST(socket(domain, type | SOCK_CLOEXEC, protocol));
    MUST(setns(home, CLONE_NEWNET));
    close(home);
    return fd;
}

static void socket_bare(int i)
{
    (void)i;
    close(socket_in_target(AF_INET, SOCK_DGRAM, 0));
}

static void socket_by_library(int i)
{
    (void)i;
    close(MUST(netns_socket(target, AF_INET, SOCK_DGRAM, 0)));
}

/* --- ids ---------------------------------------------------------------------------------------- */

/* The attribute that has the id; the reply is a message with a rtgenmsg and attributes. */
static int nsid_in(char *reply, ssize_t len)
{
    struct nlmsghdr *head = (struct nlmsghdr *)reply;
    struct rtattr *attribute;
    int left, nsid = -1;

    if (!NLMSG_OK(head, len) || head->nlmsg_type != RTM_NEWNSID)
        die("RTM_GETNSID");
    attribute = (struct rtattr *)(reply + NLMSG_SPACE(sizeof(struct rtgenmsg)));
    left = head->nlmsg_len - NLMSG_SPACE(sizeof(struct rtgenmsg));
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        if (attribute->rta_type == NETNSA_NSID)
            memcpy(&nsid, RTA_DATA(attribute), sizeof nsid);
    return nsid;
}

static void ask_bare(int fd)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg family;
        _Alignas(NLMSG_ALIGNTO) struct rtattr attribute;
        uint32_t fd;
    } request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETNSID, .nlmsg_flags = NLM_F_REQUEST},
        .attribute = {RTA_LENGTH(sizeof(uint32_t)), NETNSA_FD},
        .fd = target_fd,
    };
    _Alignas(struct nlmsghdr) char reply[8192];

    MUST(send(fd, &request, sizeof request, 0));
    if (nsid_in(reply, MUST(recv(fd, reply, sizeof reply, 0))) != NSID)
        die("id");
    close(fd);
}

static void nsid_bare(int i)
{
    (void)i;
    ask_bare(MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)));
}

static void nsid_by_library(int i)
{
    (void)i;
    if (MUST(netns_nsid_get(NULL, target)) != NSID)
        die("netns_nsid_get");
}

static void nsid_elsewhere_bare(int i)
{
    (void)i;
    ask_bare(socket_in_target(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
}

static void nsid_elsewhere_by_library(int i)
{
    (void)i;
    if (MUST(netns_nsid_get(target, target)) != NSID)
        die("netns_nsid_get");
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
    {.name = "id", .rounds = 200, .batch = 200, .at_most = 1.50,
     .ways = {{.name = "bare netlink", .work = nsid_bare},
              {.name = "libnetns", .work = nsid_by_library}}},
    {.name = "id elsewhere", .rounds = 200, .batch = 200, .at_most = 1.00,
     .ways = {{.name = "bare netlink", .work = nsid_elsewhere_bare},
              {.name = "libnetns", .work = nsid_elsewhere_by_library}}},
    {.name = "remove", .rounds = 300, .batch = 32, .at_most = 1.50,
     .ways = {{"bare calls", remove_bare, NULL, attach_all},
              {"libnetns", remove_by_library, NULL, attach_all}}},
};

static const struct row list = {
    .name = "list of 1,200", .rounds = 200, .batch = 2, .at_most = 1.40,
    .ways = {{"readdir + fstatat", list_bare, NULL, NULL}, {"libnetns", list_by_library, NULL, NULL}},
};

/* --- among many others -------------------------------------------------------------------------- */

#define OTHERS 10000
#define FIRST_OTHER 1000000

static const struct row among_others[] = {
    {.name = "create, 10,000", .rounds = 60, .batch = 8, .at_most = 1.10, .of_middle = 0.95,
     .ways = {{.name = "bare calls", .work = create_bare, .undo = remove_all},
              {.name = "thread per create", .work = create_on_a_thread, .undo = remove_all},
              {.name = "libnetns", .work = create_by_library, .undo = remove_all}}},
    {.name = "open, 10,000", .rounds = 200, .batch = 200, .at_most = 2.20,
     .ways = {{.name = "bare calls", .work = open_bare},
              {.name = "libnetns", .work = open_by_library}}},
    {.name = "remove, 10,000", .rounds = 60, .batch = 32, .at_most = 1.50,
     .ways = {{.name = "bare calls", .work = remove_bare, .ready = attach_all},
              {.name = "libnetns", .work = remove_by_library, .ready = attach_all}}},
    {.name = "list of 10,000", .rounds = 30, .batch = 1, .at_most = 1.40,
     .ways = {{.name = "readdir + fstatat", .work = list_bare},
              {.name = "libnetns", .work = list_by_library}}},
};

static int rows_among_others(void)
{
    int missed = 0, i;

    for (i = 0; i < OTHERS; i++)
        attach(FIRST_OTHER + i);
    for (i = 0; i < (int)(sizeof among_others / sizeof among_others[0]); i++)
        missed += run_row(&among_others[i]);
    for (i = 0; i < OTHERS; i++)
        remove_bare(FIRST_OTHER + i);
    return missed;
}

/* ------------------------------------------------------------------------------------------------ */

int main(void)
{
    int missed = 0;
    size_t i;

    enter_a_private_world();
    print_kernel();
    target_fd = netns_fd(target);
    MUST(netns_nsid_set(NULL, target, NSID));
    MUST(netns_nsid_set(target, target, NSID));

    print_header();
    missed += run_row(&create);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        missed += run_row(&rows[i]);
    missed += list_rows(&list);
    missed += rows_among_others();
    leave_the_world();
    return print_missed(missed);
}
