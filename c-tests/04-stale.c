/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names whose creator was killed, and names that another program is creating. */
#include "ip.h"

/* The age at which a placeholder of another program is stale, in seconds. */
#define STALE_AGE 10

/* The mode of a file left by the library when it is killed before the bind. */
#define OUR_MODE 01000

/* The mode of the file that `ip netns add` creates before it binds. */
#define FOREIGN_MODE 0

/* Creates an empty file and returns a descriptor, which shows whether the file has been unlinked. */
static int placeholder(const char *path, mode_t mode)
{
    int fd = MUST(open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    struct stat st;

    MUST(fstat(fd, &st));
    EQUAL(st.st_mode & 07777, mode);
    return fd;
}

/* Whether this file still has any name. Closes the descriptor. */
static bool still_linked(int fd)
{
    struct stat st;

    MUST(fstat(fd, &st));
    MUST(close(fd));
    return st.st_nlink > 0;
}

/* Checks that the handle refers to the namespace at the path. */
static bool is_at(const struct netns *ns, const char *path)
{
    struct stat st;

    return is_netns(path) && stat(path, &st) == 0 && st.st_ino == netns_inode(ns);
}

static void list_reports_stale_name_only_with_stale_flag(void)
{
    struct netns_name_snapshot *list = NULL;
    int fd = placeholder("/run/netns/blue", OUR_MODE);

    SAME(names(), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    OK(netns_list(NETNS_LIST_STALE, &list));
    EQUAL(netns_list_inode(list, 0), 0);
    netns_list_free(list);
    CHECK(still_linked(fd));
}

static void open_rejects_placeholder_file(void)
{
    int ours = placeholder("/run/netns/blue", OUR_MODE);
    int foreign = placeholder("/run/netns/red", FOREIGN_MODE);

    FAILS(ENOTTY, netns_open("blue", 0, &(struct netns *){NULL}));
    MESSAGE_HAS("not a network namespace");
    FAILS(ENOTTY, netns_open("red", 0, &(struct netns *){NULL}));
    CHECK(still_linked(ours));
    CHECK(still_linked(foreign));
}

static void create_reuses_stale_placeholder(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", OUR_MODE);

    OK(netns_create("blue", 0, &ns));
    CHECK(is_at(ns, "/run/netns/blue"));
    CHECK(still_linked(fd));
    EQUAL(mounts_at("/run/netns/blue"), 1);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    netns_close(ns);
}

static void exist_ok_reuses_stale_placeholder_without_waiting(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", OUR_MODE);
    double start = seconds();

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    CHECK(seconds() - start < STALE_AGE - 1);
    CHECK(is_at(ns, "/run/netns/blue"));
    CHECK(still_linked(fd));
    netns_close(ns);
}

static void attach_reuses_stale_placeholder(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", OUR_MODE);

    OK(netns_create(NULL, 0, &ns));
    OK(netns_attach(ns, "blue", 0));
    CHECK(is_at(ns, "/run/netns/blue"));
    CHECK(still_linked(fd));
    netns_close(ns);
}

static void remove_deletes_stale_placeholder(void)
{
    int fd = placeholder("/run/netns/blue", OUR_MODE);

    OK(netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
    CHECK(!still_linked(fd));
    FAILS(ENOENT, netns_remove("blue", 0));
}

static void create_and_attach_reject_name_being_created(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", FOREIGN_MODE);
    double start = seconds();

    OK(netns_create(NULL, 0, &ns));
    FAILS(EEXIST, netns_create("blue", 0, &(struct netns *){NULL}));
    MESSAGE_HAS("another process is creating this name");
    FAILS(EEXIST, netns_attach(ns, "blue", 0));
    /* Neither call waits for the other program. */
    CHECK(seconds() - start < STALE_AGE - 1);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    CHECK(still_linked(fd));
    netns_close(ns);
}

static void remove_deletes_name_being_created_without_waiting(void)
{
    int fd = placeholder("/run/netns/blue", FOREIGN_MODE);
    double start = seconds();

    OK(netns_remove("blue", 0));
    CHECK(seconds() - start < STALE_AGE - 1);
    CHECK(!exists("/run/netns/blue"));
    CHECK(!still_linked(fd));
}

static void exist_ok_waits_for_bind_and_opens_namespace(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", FOREIGN_MODE);
    double start = seconds();
    pid_t pid = bind_later("/run/netns/blue", 300);

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    CHECK(seconds() - start >= 0.29);
    CHECK(seconds() - start < STALE_AGE - 1);
    EQUAL(wait_for(pid), 0);
    CHECK(is_at(ns, "/run/netns/blue"));
    SAME(netns_name(ns), "blue");
    EQUAL(mounts_at("/run/netns/blue"), 1);
    CHECK(still_linked(fd));
    netns_close(ns);
}

static void exist_ok_creates_name_if_placeholder_is_unlinked(void)
{
    struct netns *ns = NULL;
    int fd = placeholder("/run/netns/blue", FOREIGN_MODE);
    double start = seconds();
    pid_t pid = MUST(fork());

    if (pid == 0) {
        sleep_ms(200);
        _exit(unlink("/run/netns/blue") == 0 ? 0 : 1);
    }
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    CHECK(seconds() - start >= 0.19);
    CHECK(seconds() - start < STALE_AGE - 1);
    EQUAL(wait_for(pid), 0);
    CHECK(is_at(ns, "/run/netns/blue"));
    CHECK(!still_linked(fd));
    netns_close(ns);
}

/* A child whose EXIST_OK call finds a placeholder that is never bound. */
static pid_t wait_for_what_never_comes(double made)
{
    struct netns *ns = NULL;
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    OK(netns_create("awaited", NETNS_CREATE_EXIST_OK, &ns));
    /* File times are coarse, so the wait may end a tick early. */
    CHECK(seconds() - made >= STALE_AGE - 0.1);
    CHECK(seconds() - made < STALE_AGE + 60);
    CHECK(is_at(ns, "/run/netns/awaited"));
    netns_close(ns);
    exit(test_failures ? 1 : 0);
}

/* A program that keeps its placeholder young for twice the time that a call waits. */
static pid_t keep_young(const char *path)
{
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 2 * STALE_AGE * 5; i++) {
        MUST(chmod(path, FOREIGN_MODE));
        sleep_ms(200);
    }
    _exit(0);
}

/* A child whose EXIST_OK call finds a placeholder that never becomes stale. */
static pid_t wait_for_what_stays_young(void)
{
    struct netns *ns = SENTINEL;
    double start = seconds();
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    FAILS(EEXIST, netns_create("young", NETNS_CREATE_EXIST_OK, &ns));
    MESSAGE_HAS("another process is creating this name");
    CHECK(seconds() - start >= STALE_AGE - 1);
    CHECK(seconds() - start < STALE_AGE + 60);
    CHECK(ns == SENTINEL);
    exit(test_failures ? 1 : 0);
}

/* A single test, because the age is measured by ctime, which cannot be set. */
static void placeholder_becomes_stale_after_ten_seconds(void)
{
    static const char *const all[] = {"attached", "awaited", "created", "exist-ok", "removed"};
    struct netns *ns = NULL, *other = NULL;
    char path[64];
    int fds[6], i;
    double made = seconds();
    pid_t child, owner, patient;

    fds[5] = placeholder("/run/netns/young", FOREIGN_MODE);
    owner = keep_young("/run/netns/young");
    patient = wait_for_what_stays_young();
    for (i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "/run/netns/%s", all[i]);
        fds[i] = placeholder(path, FOREIGN_MODE);
    }
    child = wait_for_what_never_comes(made);
    sleep_ms(5000);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    FAILS(EEXIST, netns_create("created", 0, &(struct netns *){NULL}));
    EQUAL(waitpid(child, NULL, WNOHANG), 0);
    EQUAL(wait_for(child), 0);
    while (seconds() - made < STALE_AGE + 0.1)
        sleep_ms(10);

    SAME(names(), "awaited");
    SAME(names_in(NULL, NETNS_LIST_STALE), "attached awaited created exist-ok removed");
    OK(netns_create("created", 0, &ns));
    CHECK(is_at(ns, "/run/netns/created"));
    OK(netns_attach(ns, "attached", 0));
    CHECK(is_at(ns, "/run/netns/attached"));
    OK(netns_create("exist-ok", NETNS_CREATE_EXIST_OK, &other));
    CHECK(is_at(other, "/run/netns/exist-ok"));
    OK(netns_remove("removed", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "attached awaited created exist-ok");
    /* All except the one that was removed have been reused for a bind. */
    for (i = 0; i < 4; i++)
        CHECK(still_linked(fds[i]));
    CHECK(!still_linked(fds[4]));
    EQUAL(wait_for(patient), 0);
    stop(owner);
    CHECK(still_linked(fds[5]));
    netns_close(ns);
    netns_close(other);
}

/* Creates and removes one name as fast as possible, until it is killed. */
static pid_t start_a_restless_creator(void)
{
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        if (netns_create("blue", 0, NULL) == 0)
            usleep(50);
        netns_remove("blue", 0);
    }
}

static void every_listed_name_opens(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;
    size_t i;

    OK(netns_list(0, &list));
    for (i = 0; i < netns_list_len(list); i++) {
        OK(netns_open(netns_list_name(list, i), 0, &ns));
        EQUAL(netns_inode(ns), netns_list_inode(list, i));
        netns_close(ns);
    }
    netns_list_free(list);
}

static void create_and_remove_work_after_creator_is_killed(void)
{
    int rounds = is_slow() ? 15 : 200, stale = 0, live = 0, i, rc;
    struct netns *ns;

    srand(1);
    for (i = 0; i < rounds && !test_failures; i++) {
        pid_t pid = start_a_restless_creator();

        usleep(under_valgrind() ? 200000 + rand() % 50000 : 1000 + rand() % 2000);
        kill(pid, SIGKILL);
        EQUAL(wait_for(pid), 128 + SIGKILL);
        every_listed_name_opens();
        ns = NULL;
        stale += exists("/run/netns/blue") && !is_netns("/run/netns/blue");
        rc = netns_create("blue", 0, &ns);
        if (rc == -EEXIST) {
            live++;
            OK(netns_open("blue", 0, &ns));
        } else {
            CHECK(rc == 0);
        }
        CHECK(is_at(ns, "/run/netns/blue"));
        netns_close(ns);
        OK(netns_remove("blue", 0));
        CHECK(!exists("/run/netns/blue"));
        EQUAL(mounts_at("/run/netns/blue"), 0);
    }
    printf("# %d rounds: %d left a live name, %d a stale one\n", i, live, stale);
}

static void create_and_ip_netns_add_never_both_succeed(void)
{
    int rounds = is_slow() ? 30 : 300, ours = 0, theirs = 0, i;

    need_ip();
    srand(2);
    for (i = 0; i < rounds && !test_failures; i++) {
        struct netns *ns = NULL;
        pid_t ip = start_ip(-1, "add", "blue", NULL, NULL);
        int rc, added;

        usleep(rand() % 3000);
        rc = netns_create("blue", 0, &ns);
        added = wait_for(ip);
        CHECK(rc == 0 || rc == -EEXIST);
        CHECK((rc == 0) == (added != 0));
        CHECK(is_netns("/run/netns/blue"));
        EQUAL(mounts_at("/run/netns/blue"), 1);
        if (rc == 0)
            CHECK(is_at(ns, "/run/netns/blue"));
        ours += rc == 0;
        theirs += added == 0;
        netns_close(ns);
        OK(netns_remove("blue", 0));
        EQUAL(mounts_at("/run/netns/blue"), 0);
    }
    printf("# %d rounds: the library won %d, ip %d\n", i, ours, theirs);
}

static void exist_ok_racing_ip_netns_add_yields_one_namespace(void)
{
    int rounds = is_slow() ? 30 : 300, both = 0, i;

    need_ip();
    srand(3);
    for (i = 0; i < rounds && !test_failures; i++) {
        struct netns *ns = NULL;
        pid_t ip = start_ip(-1, "add", "blue", NULL, NULL);

        usleep(rand() % 3000);
        OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
        both += wait_for(ip) == 0;
        CHECK(is_at(ns, "/run/netns/blue"));
        EQUAL(mounts_at("/run/netns/blue"), 1);
        netns_close(ns);
        OK(netns_remove("blue", 0));
    }
    printf("# %d rounds: ip made it in %d\n", i, both);
}

/* An adder whose file is removed meanwhile must fail and leave nothing half done. */
static void remove_racing_ip_netns_add_leaves_no_partial_name(void)
{
    int rounds = is_slow() ? 20 : 100, i;

    need_ip();
    srand(4);
    for (i = 0; i < rounds && !test_failures; i++) {
        pid_t ip = start_ip(-1, "add", "blue", NULL, NULL);

        usleep(rand() % 3000);
        OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
        wait_for(ip);
        CHECK(is_netns("/run/netns/blue") == (mounts_at("/run/netns/blue") == 1));
        CHECK(is_netns("/run/netns/blue") == exists("/run/netns/blue"));
        OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
        CHECK(!exists("/run/netns/blue"));
    }
}

/* Creates a name as iproute2 does, as fast as possible, while another process removes it. */
static pid_t start_a_restless_adder(void)
{
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = open("/run/netns/blue", O_RDONLY | O_CREAT | O_EXCL, 0);

        if (fd < 0)
            continue;
        close(fd);
        /* The name may be gone by now, which is fine. */
        mount("/proc/self/ns/net", "/run/netns/blue", "none", MS_BIND, NULL);
    }
}

/* The first look finds no namespace and the second a mount point, so the third finds a namespace. */
static void create_and_remove_accept_concurrently_bound_name(void)
{
    pid_t adder = start_a_restless_adder();
    double end = seconds() + (under_valgrind() ? 5 : 3);

    while (seconds() < end && !test_failures) {
        OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
        OK(netns_create("blue", NETNS_CREATE_EXIST_OK, NULL));
    }
    stop(adder);
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    EQUAL(mounts_at("/run/netns/blue"), 0);
}

int main(void)
{
    RUN(list_reports_stale_name_only_with_stale_flag);
    RUN(open_rejects_placeholder_file);
    RUN(create_reuses_stale_placeholder);
    RUN(exist_ok_reuses_stale_placeholder_without_waiting);
    RUN(attach_reuses_stale_placeholder);
    RUN(remove_deletes_stale_placeholder);
    RUN(create_and_attach_reject_name_being_created);
    RUN(remove_deletes_name_being_created_without_waiting);
    RUN(exist_ok_waits_for_bind_and_opens_namespace);
    RUN(exist_ok_creates_name_if_placeholder_is_unlinked);
    RUN(placeholder_becomes_stale_after_ten_seconds);
    RUN(create_and_remove_work_after_creator_is_killed);
    RUN(create_and_ip_netns_add_never_both_succeed);
    RUN(exist_ok_racing_ip_netns_add_yields_one_namespace);
    RUN(remove_racing_ip_netns_add_leaves_no_partial_name);
    RUN(create_and_remove_accept_concurrently_bound_name);
    return finish();
}
