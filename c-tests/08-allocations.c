/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * setns, enter, leave and socket allocate no memory, whether they succeed or fail, and an allocation of
 * any other call may fail. This is a separate program because its allocator replaces the one that valgrind
 * observes.
 */
#include "test.h"

#include <libnetns/netns-iproute2.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The number of allocations and frees made by the program. */
static atomic_long calls;

/*
 * An allocator that never frees, because a static program cannot call glibc's allocator under another
 * name. Each block is preceded by its size.
 */
static _Alignas(64) unsigned char arena[32 << 20];
static atomic_size_t used;

/* The process that may allocate (0: any), and the number of allocations by others, which share its memory. */
static atomic_int owner;
static atomic_long elsewhere;

/* The allocation that fails, counted from 1; 0: none. */
static atomic_long failing;

static void *allocate(size_t alignment, size_t size)
{
    size_t need = (size + 15) / 16 * 16 + 2 * alignment;
    size_t start = atomic_fetch_add(&used, need), at;

    calls++;
    elsewhere += owner && getpid() != owner;
    if (failing > 0 && --failing == 0) {
        errno = ENOMEM;
        return NULL;
    }
    if (size > sizeof arena || start > sizeof arena - need) {
        errno = ENOMEM;
        return NULL;
    }
    at = (start + alignment + alignment - 1) / alignment * alignment;
    memcpy(arena + at - sizeof size, &size, sizeof size);
    return arena + at;
}

void *malloc(size_t size)
{
    return allocate(16, size);
}

void *calloc(size_t count, size_t size)
{
    /* The arena is zero-filled, and no part of it is reused. */
    return size && count > SIZE_MAX / size ? NULL : allocate(16, count * size);
}

void *realloc(void *old, size_t size)
{
    void *new = allocate(16, size);
    size_t had = 0;

    if (old)
        memcpy(&had, (unsigned char *)old - sizeof had, sizeof had);
    if (new && old)
        memcpy(new, old, had < size ? had : size);
    return new;
}

void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment < 16 ? 16 : alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void free(void *block)
{
    if (block)
        calls++;
}

static void test_allocator_counts_allocations_and_frees(void)
{
    long before = calls;
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    CHECK(calls > before);
    before = calls;
    netns_close(ns);
    CHECK(calls > before);
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void successful_switches_and_sockets_do_not_allocate(void)
{
    struct netns *ns = NULL, *home = NULL;
    long before;
    int token, fd, from;

    MUST(netns_create("blue", 0, &ns));
    MUST(netns_open_current(&home));
    before = calls;
    token = netns_enter(ns);
    EQUAL(netns_leave(token), 0);
    fd = netns_socket(ns, AF_INET, SOCK_STREAM, 0);
    EQUAL(netns_setns(ns), 0);
    EQUAL(netns_setns(home), 0);
    EQUAL(netns_run(ns, do_nothing, NULL, NULL), 0);
    EQUAL(netns_run_from(home, ns, do_nothing, NULL, NULL), 0);
    from = netns_socket_from(home, ns, AF_INET, SOCK_STREAM, 0);
    EQUAL(calls, before);
    CHECK(token >= 0 && fd >= 0 && from >= 0);
    close(fd);
    close(from);
    netns_close(home);
    netns_close(ns);
}

static struct netns *ns_of_all;

static int make_anonymous(void)
{
    struct netns *ns = NULL;
    int rc = netns_create(NULL, 0, &ns);

    netns_close(ns);
    return rc;
}

static int make(void)
{
    return netns_create("green", 0, NULL);
}

static int make_in_a_new_directory(void)
{
    /* A helper thread creates the directory. */
    int rc = netns_create_at("/run/of-its-own", "green", 0, NULL);

    umount2("/run/of-its-own/green", MNT_DETACH);
    umount2("/run/of-its-own", MNT_DETACH);
    unlink("/run/of-its-own/green");
    rmdir("/run/of-its-own");
    return rc;
}

static int open_by_name(void)
{
    struct netns *ns = NULL;
    int rc = netns_open("blue", 0, &ns);

    netns_close(ns);
    return rc;
}

static int list_all(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list(NETNS_LIST_STALE, &list);

    netns_list_free(list);
    return rc;
}

static int find_names(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_names(ns_of_all, 0, &list);

    netns_list_free(list);
    return rc;
}

static int find_pids(void)
{
    return (int)netns_pids(ns_of_all, 0, NULL, 0);
}

static int follow(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;
    int rc = netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor), next = 0, again;

    if (rc == 0) {
        next = netns_monitor_next(monitor, &event);
        again = netns_monitor_next(monitor, &event);
        /* An event that could not be reported is reported once memory is available. */
        check_at(next == 1 || again == 1, __LINE__, "next: %d, then %d", next, again);
    }
    netns_monitor_close(monitor);
    return rc < 0 ? rc : next;
}

static int give_an_id(void)
{
    return netns_nsid_set(ns_of_all, ns_of_all, NETNS_NSID_AUTO);
}

static int list_ids(void)
{
    struct netns_nsid_snapshot *list = NULL;
    int rc = netns_nsid_list(NULL, ns_of_all, NETNS_NSID_NONE, 0, &list);

    netns_nsid_list_free(list);
    return rc;
}

static int rename_lo(void)
{
    return netns_link_move(ns_of_all, "lo", ns_of_all, "lo");
}

/* The part of iproute2's connection that other programs know. */
struct rtnl_handle {
    int fd;
};

#define ID_OF_ALL 5

static int open_as_iproute2_does(void)
{
    int fd = netns_get_fd("blue");

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int count_it(char *nsname, void *arg)
{
    (void)nsname;
    ++*(int *)arg;
    return 0;
}

static int list_as_iproute2_does(void)
{
    int count = 0;

    if (netns_foreach(count_it, &count) < 0)
        return -errno;
    EQUAL(count, 1);
    return 0;
}

static int ask_as_iproute2_does(void)
{
    struct rtnl_handle rtnl = {MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))};
    int id = netns_id_from_name(&rtnl, "blue"), error = errno;

    close(rtnl.fd);
    return id < 0 ? -error : 0;
}

static int find_as_iproute2_does(void)
{
    char *name = netns_name_from_id(ID_OF_ALL);

    if (!name)
        return -errno;
    SAME(name, "blue");
    free(name);
    return 0;
}

/* A name that has been added exists the next time. */
static int or_there_already(int rc)
{
    return rc == -EEXIST ? 0 : rc;
}

static int add_a_pair(void)
{
    int rc = netns_veth_add(NULL, "v0", ns_of_all, "v1");

    return rc == -EOPNOTSUPP ? 0 : or_there_already(rc);
}

static int bring_lo_up(void)
{
    return netns_link_up(NULL, "lo");
}

static int set_an_mtu(void)
{
    return netns_link_set_mtu(ns_of_all, "lo", 1400);
}

static int add_an_address(void)
{
    return or_there_already(netns_addr_add(NULL, "lo", "192.0.2.1/24"));
}

static int add_a_route(void)
{
    return or_there_already(netns_route_add(NULL, "198.51.100.0/24", "192.0.2.2", "lo"));
}

static int list_links(void)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(NULL, 0, &list);

    netns_link_list_free(list);
    return rc;
}

static int list_addresses(void)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(NULL, 0, &list);

    netns_addr_list_free(list);
    return rc;
}

static int list_routes(void)
{
    struct netns_route_snapshot *list = NULL;
    int rc = netns_route_list(NULL, NETNS_ROUTE_LIST_ALL_TABLES, &list);

    netns_route_list_free(list);
    return rc;
}

/* Starts a program that does not exist, after all the preparations. */
static int start_nothing(void)
{
    char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};
    pid_t pid;
    int rc = netns_spawn(ns_of_all, NULL, "no-such-program", argv, envp, &pid);

    return rc == -ENOENT ? 0 : rc;
}

static int become_nothing(void)
{
    char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};
    int rc = netns_exec(ns_of_all, "no-such-program", argv, envp);

    return rc == -ENOENT ? 0 : rc;
}

/* So that there is something to prepare for a program. PATH contains no directory that cannot be read. */
static void give_blue_a_file(void)
{
    MUST(setenv("PATH", "/bin:/usr/bin", 1));
    MUST(mount("netns-test", "/etc", "tmpfs", 0, NULL));
    MUST(mkdir("/etc/netns", 0755));
    MUST(mkdir("/etc/netns/blue", 0755));
    write_file("/etc/netns/blue/hosts", "", 0644);
    write_file("/etc/hosts", "", 0644);
}

/* A child that has not executed its program shares the memory, while the parent's other threads continue. */
static void spawned_child_does_not_allocate(void)
{
    char *argv[] = {(char *)"true", NULL};
    pid_t pid = 0;

    give_blue_a_file();
    MUST(chdir("/sys"));
    MUST(netns_create("blue", 0, &ns_of_all));
    owner = getpid();
    EQUAL(start_nothing(), 0);
    EQUAL(netns_spawn(ns_of_all, NULL, "true", argv, NULL, &pid), 0);
    EQUAL(wait_for(pid), 0);
    EQUAL(netns_spawn(ns_of_all, NULL, "/", argv, NULL, &pid), -EACCES);
    EQUAL(elsewhere, 0);
    /* An allocation by the child would be noticed. */
    pid = MUST(vfork());
    if (pid == 0) {
        void *volatile block = malloc(1);

        free(block);
        _exit(0);
    }
    EQUAL(wait_for(pid), 0);
    EQUAL(elsewhere, 1);
    netns_close(ns_of_all);
}

/* The process would not survive the test if anything aborted. */
static void calls_return_error_if_allocation_fails(void)
{
    static int (*const each[])(void) = {make_anonymous, make, make_in_a_new_directory,
                                        open_by_name, list_all, find_names, find_pids,
                                        follow, start_nothing, become_nothing, give_an_id, list_ids, rename_lo,
                                        open_as_iproute2_does, list_as_iproute2_does,
                                        ask_as_iproute2_does, find_as_iproute2_does,
                                        add_a_pair, bring_lo_up, set_an_mtu, add_an_address,
                                        add_a_route, list_links, list_addresses, list_routes};
    size_t i;

    give_blue_a_file();
    MUST(netns_create("blue", 0, &ns_of_all));
    MUST(unshare(CLONE_NEWNET));
    MUST(netns_nsid_set(NULL, ns_of_all, ID_OF_ALL));
    for (i = 0; i < sizeof each / sizeof *each; i++) {
        int failed = 0, rc = -1, nth;

        for (nth = 1; nth < 100; nth++) {
            failing = nth;
            rc = each[i]();
            if (failing > 0)
                break; /* It makes fewer allocations. */
            failed += rc < 0;
            /* pthread_create(3) reports EAGAIN if memory is short. */
            check_at(rc >= 0 || rc == -ENOMEM || rc == -EAGAIN, __LINE__, "call %zu, %d: %d", i,
                     nth, rc);
            netns_remove("green", NETNS_REMOVE_MISSING_OK);
        }
        failing = 0;
        check_at(rc >= 0 && failed > 0, __LINE__, "call %zu: %d, %d failed", i, rc, failed);
        netns_remove("green", NETNS_REMOVE_MISSING_OK);
        SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    }
    netns_close(ns_of_all);
}

/* Each call runs in its own process, since it cannot be undone. */
static void switch_fails_with_enomem_if_allocation_fails(void)
{
    int nth, status = 0;

    MUST(netns_create("blue", 0, NULL));
    fflush(NULL);
    for (nth = 1; nth < 100; nth++) {
        pid_t pid = MUST(fork());

        if (pid == 0) {
            char name[] = "blue";
            int rc;

            failing = nth;
            rc = netns_switch(name);
            if (failing > 0)
                _exit(rc);
            _exit(rc == -1 && errno == ENOMEM ? 1 : 2);
        }
        status = wait_for(pid);
        if (status != 1)
            break;
    }
    EQUAL(status, 0);
    CHECK(nth > 1);
}

static void failed_switches_and_sockets_do_not_allocate(void)
{
    struct netns *ns = NULL;
    struct rlimit limit, none;
    long before;
    int handle;

    MUST(netns_create("blue", 0, &ns));
    handle = netns_fd(ns);
    MUST(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 0;
    before = calls;
    EQUAL(netns_enter(NULL), -EINVAL);
    EQUAL(netns_setns(NULL), -EINVAL);
    EQUAL(netns_socket(NULL, 9999, SOCK_STREAM, 0), -EAFNOSUPPORT);
    EQUAL(netns_leave(-1), -EBADF);
    EQUAL(netns_leave(handle), -EINVAL);
    EQUAL(netns_socket(ns, 9999, SOCK_STREAM, 0), -EAFNOSUPPORT);
    MUST(setrlimit(RLIMIT_NOFILE, &none));
    EQUAL(netns_enter(ns), -EMFILE);
    EQUAL(netns_socket(ns, AF_INET, SOCK_STREAM, 0), -EMFILE);
    EQUAL(netns_socket_from(ns, ns, AF_INET, SOCK_STREAM, 0), -EMFILE);
    EQUAL(netns_socket_from(NULL, ns, AF_INET, SOCK_STREAM, 0), -EINVAL);
    EQUAL(netns_run_from(NULL, ns, do_nothing, NULL, NULL), -EINVAL);
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    EQUAL(calls, before);
    netns_close(ns);
}

/* The same test checks whether the library explains the failure and whether this allocates memory. */
static void error_message_does_not_allocate(void)
{
    long before;

    EQUAL(netns_leave(-1), -EBADF);
    before = calls;
    EQUAL(netns_leave(-1), -EBADF);
    CHECK(netns_errmsg()[0] != '\0');
    EQUAL(calls, before);
}

int main(void)
{
    if (under_valgrind())
        skip("valgrind puts its own allocator in the place of this one");
    RUN(test_allocator_counts_allocations_and_frees);
    RUN(successful_switches_and_sockets_do_not_allocate);
    RUN(failed_switches_and_sockets_do_not_allocate);
    RUN(calls_return_error_if_allocation_fails);
    RUN(spawned_child_does_not_allocate);
    RUN(switch_fails_with_enomem_if_allocation_fails);
    RUN(error_message_does_not_allocate);
    return finish();
}
