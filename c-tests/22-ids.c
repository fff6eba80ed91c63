/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The nsids that a namespace assigns to others. */
#include "between.h"
#include "fault.h"
#include "ip.h"
#include "mover.h"
#include "privilege.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* Enough nsids for a list that needs more than one buffer of 32 KB. */
#define MANY 1500

static struct netns *new_namespace(const char *name)
{
    struct netns *ns = NULL;

    MUST(netns_create(name, 0, &ns));
    return ns;
}

/* --- one nsid ---------------------------------------------------------------------------------- */

static void nsid_get_fails_with_enodata_until_nsid_is_set(void)
{
    struct netns *within = new_namespace("within"), *ns = new_namespace("blue");

    FAILS(ENODATA, netns_nsid_get(within, ns));
    MESSAGE_HAS("get the nsid of \"blue\": ");
    MESSAGE_HAS("(no nsid is assigned to it yet");
    EQUAL(OK(netns_nsid_set(within, ns, 42)), 42);
    EQUAL(OK(netns_nsid_get(within, ns)), 42);
    /* The assignment is in one direction only. */
    FAILS(ENODATA, netns_nsid_get(ns, within));
    EQUAL(OK(netns_nsid_set(ns, within, 0)), 0);
    EQUAL(OK(netns_nsid_get(ns, within)), 0);
    EQUAL(OK(netns_nsid_get(within, ns)), 42);
    netns_close(ns);
    netns_close(within);
}

static void nsid_auto_assigns_lowest_free_nsid(void)
{
    struct netns *within = new_namespace(NULL), *ns[3];

    for (int i = 0; i < 3; i++)
        ns[i] = new_namespace(NULL);
    EQUAL(OK(netns_nsid_set(within, ns[0], 0)), 0);
    EQUAL(OK(netns_nsid_set(within, ns[1], 2)), 2);
    EQUAL(OK(netns_nsid_set(within, ns[2], NETNS_NSID_AUTO)), 1);
    EQUAL(OK(netns_nsid_get(within, ns[2])), 1);
    /* A namespace can also have an nsid in itself, and the largest value is valid. */
    EQUAL(OK(netns_nsid_set(within, within, INT_MAX)), INT_MAX);
    EQUAL(OK(netns_nsid_get(within, within)), INT_MAX);
    for (int i = 0; i < 3; i++)
        netns_close(ns[i]);
    netns_close(within);
}

static void nsid_ensure_returns_or_assigns_nsid(void)
{
    struct netns *within = new_namespace("within"), *ns = new_namespace("blue"), *other = new_namespace(NULL);

    OK(netns_nsid_set(within, ns, 42));
    EQUAL(OK(netns_nsid_ensure(within, ns)), 42);
    EQUAL(OK(netns_nsid_ensure(within, other)), 0);
    EQUAL(OK(netns_nsid_ensure(within, other)), 0);
    EQUAL(OK(netns_nsid_get(within, other)), 0);
    /* In one direction only; NULL stands for the thread's namespace. */
    FAILS(ENODATA, netns_nsid_get(other, within));
    OK(netns_setns(other));
    EQUAL(OK(netns_nsid_ensure(NULL, within)), 0);
    EQUAL(OK(netns_nsid_get(other, within)), 0);
    FAILS(EINVAL, netns_nsid_ensure(within, NULL));
    netns_close(ns);
    netns_close(other);
    netns_close(within);
}

static struct netns *raced_within, *raced_ns;
static int ensured;

static void ensure_raced(void)
{
    ensured = netns_nsid_ensure(raced_within, raced_ns);
}

/* After the first request has found no nsid, another process assigns one. */
static void give_before_the_second_request(int call, int nth)
{
    (void)call;
    if (nth == 2)
        EQUAL(OK(netns_nsid_set(raced_within, raced_ns, 17)), 17);
}

static void nsid_ensure_returns_nsid_set_concurrently(void)
{
    static const int calls[] = {SYS_sendto, 0};

    raced_within = new_namespace(NULL);
    raced_ns = new_namespace(NULL);
    act_between(calls, ensure_raced, give_before_the_second_request);
    EQUAL(ensured, 17);
    EQUAL(OK(netns_nsid_get(raced_within, raced_ns)), 17);
    netns_close(raced_within);
    netns_close(raced_ns);
}

static void null_means_namespace_of_calling_thread(void)
{
    struct netns *home = new_namespace(NULL), *ns = new_namespace(NULL), *same = NULL;

    OK(netns_setns(home));
    FAILS(ENODATA, netns_nsid_get(NULL, ns));
    EQUAL(OK(netns_nsid_set(NULL, ns, 7)), 7);
    EQUAL(OK(netns_nsid_get(NULL, ns)), 7);
    EQUAL(OK(netns_nsid_get(home, ns)), 7);
    OK(netns_open_current(&same));
    EQUAL(OK(netns_nsid_get(same, ns)), 7);
    netns_close(same);
    OK(netns_setns(ns));
    FAILS(ENODATA, netns_nsid_get(NULL, home));
    /* A handle reports on its own namespace wherever the thread is. */
    EQUAL(OK(netns_nsid_get(home, ns)), 7);
    netns_close(home);
    netns_close(ns);
}

static void ip_and_library_report_the_same_nsids(void)
{
    struct netns *ns = new_namespace("blue"), *home = new_namespace(NULL);

    need_ip();
    OK(netns_setns(home));
    EQUAL(ip_netns("set", "blue", "17", NULL), 0);
    EQUAL(OK(netns_nsid_get(NULL, ns)), 17);
    netns_close(ns);
    ns = new_namespace("red");
    OK(netns_nsid_set(NULL, ns, 18));
    SAME(ip_netns_says("list-id", NULL, NULL, NULL),
         "nsid 17 (iproute2 netns name: blue) nsid 18 (iproute2 netns name: red)");
    netns_close(ns);
    netns_close(home);
}

/* --- rejected calls ---------------------------------------------------------------------------- */

static void nsid_set_fails_with_eexist_if_assigned_or_in_use(void)
{
    struct netns *within = new_namespace(NULL), *a = new_namespace("a"), *b = new_namespace("b");

    EQUAL(OK(netns_nsid_set(within, a, 5)), 5);
    FAILS(EEXIST, netns_nsid_set(within, a, 6));
    MESSAGE_HAS("assign an nsid to \"a\": assign the nsid: File exists: Peer netns already has a nsid assigned");
    FAILS(EEXIST, netns_nsid_set(within, a, 5));
    FAILS(EEXIST, netns_nsid_set(within, a, NETNS_NSID_AUTO));
    FAILS(EEXIST, netns_nsid_set(within, b, 5));
    MESSAGE_HAS("assign an nsid to \"b\": assign the nsid: File exists: The specified nsid is already used");
    /* The failed request has assigned nothing, and its message does not appear in a later failure. */
    FAILS(ENODATA, netns_nsid_get(within, b));
    MESSAGE_LACKS("already used");
    EQUAL(OK(netns_nsid_get(within, a)), 5);
    netns_close(a);
    netns_close(b);
    netns_close(within);
}

static void invalid_arguments_fail_with_einval(void)
{
    struct netns *ns = new_namespace("blue");
    struct netns_nsid_snapshot *list = NULL;

    FAILS(EINVAL, netns_nsid_get(NULL, NULL));
    MESSAGE_HAS("no namespace given");
    FAILS(EINVAL, netns_nsid_get(ns, NULL));
    FAILS(EINVAL, netns_nsid_set(NULL, NULL, 1));
    FAILS(EINVAL, netns_nsid_set(ns, NULL, NETNS_NSID_AUTO));
    FAILS(EINVAL, netns_nsid_set(ns, ns, -2));
    MESSAGE_HAS("invalid nsid: Invalid argument (an nsid must be 0 or greater)");
    FAILS(EINVAL, netns_nsid_set(ns, ns, INT_MIN));
    for (int bit = 0; bit < 32; bit++)
        FAILS(EINVAL, netns_nsid_list(NULL, ns, NETNS_NSID_NONE, 1u << bit, &list));
    FAILS(EINVAL, netns_nsid_list(NULL, ns, NETNS_NSID_NONE, 0, NULL));
    FAILS(EINVAL, netns_nsid_list("", ns, NETNS_NSID_NONE, 0, &list));
    FAILS(EINVAL, netns_nsid_list(NULL, ns, -2, 0, &list));
    FAILS(EINVAL, netns_nsid_list(NULL, ns, 99, 0, &list));
    MESSAGE_HAS("list the nsids of \"blue\": list the nsids: Invalid argument: ");
    MESSAGE_HAS("target");
    CHECK(list == NULL);
    netns_close(ns);
}

/* --- the listing ------------------------------------------------------------------------------- */

static struct netns_nsid_snapshot *list_of(const char *rundir, const struct netns *within, int32_t target)
{
    struct netns_nsid_snapshot *list = NULL;

    OK(netns_nsid_list(rundir, within, target, 0, &list));
    return list;
}

static void nsid_list_returns_sorted_nsids_with_names(void)
{
    struct netns *within = new_namespace("within"), *blue = new_namespace("blue"),
                 *red = new_namespace("red"), *nameless = new_namespace(NULL);
    struct netns_nsid_snapshot *list;

    list = list_of(NULL, within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 0);
    netns_nsid_list_free(list);
    OK(netns_nsid_set(within, red, 1));
    OK(netns_nsid_set(within, nameless, 3));
    OK(netns_nsid_set(within, blue, 2));
    OK(netns_nsid_set(within, within, 4000));
    OK(netns_attach(blue, "a", 0));
    OK(netns_attach(blue, "z", 0));
    list = list_of(NULL, within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 4);
    EQUAL(netns_nsid_list_id(list, 0), 1);
    SAME(netns_nsid_list_name(list, 0), "red");
    EQUAL(netns_nsid_list_id(list, 1), 2);
    SAME(netns_nsid_list_name(list, 1), "a");
    EQUAL(netns_nsid_list_id(list, 2), 3);
    SAME(netns_nsid_list_name(list, 2), NULL);
    EQUAL(netns_nsid_list_id(list, 3), 4000);
    SAME(netns_nsid_list_name(list, 3), "within");
    for (int i = 0; i < 4; i++)
        EQUAL(netns_nsid_list_current(list, i), NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_id(list, 4), NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_current(list, 4), NETNS_NSID_NONE);
    SAME(netns_nsid_list_name(list, 4), NULL);
    EQUAL(netns_nsid_list_id(list, SIZE_MAX), NETNS_NSID_NONE);
    netns_nsid_list_free(list);
    netns_close(within);
    netns_close(blue);
    netns_close(red);
    netns_close(nameless);
}

static void null_nsid_list_is_treated_as_empty(void)
{
    errno = ERRNO_UNTOUCHED;
    EQUAL(netns_nsid_list_len(NULL), 0);
    EQUAL(netns_nsid_list_id(NULL, 0), NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_current(NULL, 0), NETNS_NSID_NONE);
    SAME(netns_nsid_list_name(NULL, 0), NULL);
    netns_nsid_list_free(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

static void nsid_list_of_target_returns_current_nsids(void)
{
    struct netns *within = new_namespace("within"), *target = new_namespace("target"),
                 *blue = new_namespace("blue"), *red = new_namespace("red");
    struct netns_nsid_snapshot *list;

    OK(netns_nsid_set(within, target, 10));
    OK(netns_nsid_set(within, blue, 11));
    OK(netns_nsid_set(target, blue, 0));
    OK(netns_nsid_set(target, red, 1));
    OK(netns_nsid_set(target, within, 2));
    OK(netns_nsid_set(target, target, 3));
    list = list_of(NULL, within, 10);
    EQUAL(netns_nsid_list_len(list), 4);
    for (int i = 0; i < 4; i++)
        EQUAL(netns_nsid_list_id(list, i), i);
    EQUAL(netns_nsid_list_current(list, 0), 11);
    SAME(netns_nsid_list_name(list, 0), "blue");
    EQUAL(netns_nsid_list_current(list, 1), NETNS_NSID_NONE);
    SAME(netns_nsid_list_name(list, 1), NULL);
    EQUAL(netns_nsid_list_current(list, 2), NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_current(list, 3), 10);
    SAME(netns_nsid_list_name(list, 3), "target");
    netns_nsid_list_free(list);
    netns_close(within);
    netns_close(target);
    netns_close(blue);
    netns_close(red);
}

static void nsid_list_uses_names_of_given_run_directory(void)
{
    struct netns *within = new_namespace("within"), *ns = NULL;
    struct netns_nsid_snapshot *list;

    OK(netns_create_at("/run/mine", "here", 0, &ns));
    OK(netns_nsid_set(within, ns, 0));
    list = list_of("/run/mine", within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    SAME(netns_nsid_list_name(list, 0), "here");
    netns_nsid_list_free(list);
    list = list_of(NULL, within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    SAME(netns_nsid_list_name(list, 0), NULL);
    netns_nsid_list_free(list);
    list = list_of("/run/none", within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    netns_nsid_list_free(list);
    /* A file that is not a namespace is not a name. */
    write_file("/run/mine/a", "", 0);
    write_file("/run/mine/b", "text", 0644);
    MUST(mkdir("/run/mine/c", 0755));
    MUST(mkfifo("/run/mine/d", 0644));
    MUST(symlink("nowhere", "/run/mine/e"));
    list = list_of("/run/mine", within, NETNS_NSID_NONE);
    SAME(netns_nsid_list_name(list, 0), "here");
    netns_nsid_list_free(list);
    MUST(symlink("here", "/run/mine/f"));
    list = list_of("/run/mine", within, NETNS_NSID_NONE);
    SAME(netns_nsid_list_name(list, 0), "f");
    netns_nsid_list_free(list);
    list = NULL;
    FAILS(ENOTDIR, netns_nsid_list("/run/mine/b", within, NETNS_NSID_NONE, 0, &list));
    MUST(symlink("loop", "/run/loop"));
    FAILS(ELOOP, netns_nsid_list("/run/loop", within, NETNS_NSID_NONE, 0, &list));
    CHECK(list == NULL);
    netns_close(within);
    netns_close(ns);
}

static void nsid_list_is_complete_across_netlink_buffers(void)
{
    struct netns *within = new_namespace(NULL), *ns[MANY];
    struct netns_nsid_snapshot *list;
    struct netns *far;
    int many = under_valgrind() ? 20 : MANY, at;

    allow_descriptors(MANY + 100);
    for (int i = 0; i < many; i++) {
        ns[i] = new_namespace(NULL);
        OK(netns_nsid_set(within, ns[i], 3 * i));
    }
    OK(netns_attach(ns[many / 2], "middle", 0));
    /* Linux 6.10 and later end a list at its first buffer, so the library must find this one in another
       way. */
    far = new_namespace("far");
    OK(netns_nsid_set(within, far, 2000000000));
    list = list_of(NULL, within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), many + 1);
    for (at = 0; at < many; at++)
        if (netns_nsid_list_id(list, at) != 3 * at)
            break;
    EQUAL(at, many);
    EQUAL(netns_nsid_list_id(list, many), 2000000000);
    SAME(netns_nsid_list_name(list, many), "far");
    SAME(netns_nsid_list_name(list, many / 2), "middle");
    SAME(netns_nsid_list_name(list, 0), NULL);
    netns_nsid_list_free(list);
    for (int i = 0; i < many; i++)
        netns_close(ns[i]);
    netns_close(far);
    netns_close(within);
    allow_descriptors(-1);
}

/* --- the connection that a handle keeps --------------------------------------------------------- */

static void handle_caches_one_rtnetlink_socket_until_close(void)
{
    struct netns *within = new_namespace(NULL), *ns = new_namespace(NULL);
    int before = open_descriptors();

    OK(netns_nsid_set(within, ns, 1));
    EQUAL(open_descriptors(), before + 1);
    for (int i = 0; i < 100; i++)
        EQUAL(OK(netns_nsid_get(within, ns)), 1);
    FAILS(EEXIST, netns_nsid_set(within, ns, 2));
    EQUAL(open_descriptors(), before + 1);
    /* The thread's own namespace has no handle that could keep a connection. */
    netns_nsid_get(NULL, ns);
    EQUAL(open_descriptors(), before + 1);
    netns_close(within);
    EQUAL(open_descriptors(), before - 1);
    netns_close(ns);
}

static void cached_rtnetlink_socket_is_close_on_exec(void)
{
    struct netns *within = new_namespace(NULL), *ns = new_namespace(NULL);
    DIR *dir;
    struct dirent *entry;
    int sockets = 0, fd;

    OK(netns_nsid_set(within, ns, 1));
    dir = opendir("/proc/self/fd");
    while ((entry = readdir(dir)) != NULL) {
        fd = atoi(entry->d_name);
        if (fd > 2 && fd != dirfd(dir) && fcntl(fd, F_GETFL) >= 0) {
            struct stat st;

            if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
                sockets++;
                EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
            }
        }
    }
    closedir(dir);
    EQUAL(sockets, 1);
    netns_close(within);
    netns_close(ns);
}

struct pair {
    struct netns *within, *ns;
};

/* Enough rounds for two processes to work at the same time. */
static int rounds(void)
{
    return is_slow() ? 200 : 20000;
}

static void use_in_a_child(void *arg)
{
    struct pair *pair = arg;
    int before = open_descriptors();

    for (int i = 0; i < rounds(); i++)
        EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
    /* The inherited connection has been closed and replaced by a new one. */
    EQUAL(open_descriptors(), before);
    netns_close(pair->within);
    EQUAL(open_descriptors(), before - 2);
}

static void parent_and_child_can_use_the_same_handle(void)
{
    struct pair pair = {new_namespace(NULL), new_namespace(NULL)};
    pid_t children[4];

    OK(netns_nsid_set(pair.within, pair.ns, 9));
    for (int i = 0; i < 4; i++)
        children[i] = start_part(use_in_a_child, &pair);
    for (int i = 0; i < rounds(); i++)
        EQUAL(OK(netns_nsid_get(pair.within, pair.ns)), 9);
    for (int i = 0; i < 4; i++)
        EQUAL(wait_for(children[i]), 0);
    EQUAL(OK(netns_nsid_get(pair.within, pair.ns)), 9);
    netns_close(pair.within);
    netns_close(pair.ns);
}

/* Two processes with the same number: each is the first of its PID namespace. */
static void use_as_the_first_process(void *arg)
{
    struct pair *pair = arg;
    pid_t child;

    EQUAL(getpid(), 1);
    EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
    MUST(unshare(CLONE_NEWPID));
    child = start_part(use_in_a_child, pair);
    for (int i = 0; i < rounds(); i++)
        EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
    EQUAL(wait_for(child), 0);
}

static void become_the_first_process(void *arg)
{
    if (unshare(CLONE_NEWPID) < 0)
        skip("no PID namespaces");
    EQUAL(wait_for(start_part(use_as_the_first_process, arg)), 0);
}

static void processes_with_same_pid_do_not_share_cached_socket(void)
{
    struct pair pair = {new_namespace(NULL), new_namespace(NULL)};

    OK(netns_nsid_set(pair.within, pair.ns, 9));
    IN_CHILD(become_the_first_process, &pair);
    netns_close(pair.within);
    netns_close(pair.ns);
}

#define OTHERS 20

/* Like a daemon that closes all descriptors that it does not know and opens its own. */
static void close_what_is_unknown(const struct pair *pair)
{
    for (int fd = 3; fd < 256; fd++)
        if (fd != netns_fd(pair->within) && fd != netns_fd(pair->ns))
            close(fd);
    for (int i = 0; i < OTHERS; i++)
        MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static int open_null_devices(void)
{
    struct stat null, st;
    int count = 0;

    MUST(stat("/dev/null", &null));
    for (int fd = 3; fd < 256; fd++)
        count += fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev;
    return count;
}

static void be_a_daemon(void *arg)
{
    struct pair *pair = arg;

    /* With the inherited connection, then with its own, and then with none. */
    for (int i = 0; i < 2; i++) {
        close_what_is_unknown(pair);
        EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
        EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
        EQUAL(open_null_devices(), OTHERS);
    }
    close_what_is_unknown(pair);
    netns_close(pair->within);
    EQUAL(open_null_devices(), OTHERS);
}

static void handle_keeps_files_that_reuse_its_socket_descriptor(void)
{
    struct pair pair = {new_namespace(NULL), new_namespace(NULL)};

    if (under_valgrind())
        skip("valgrind counts what stays open");
    OK(netns_nsid_set(pair.within, pair.ns, 9));
    IN_CHILD(be_a_daemon, &pair);
    EQUAL(OK(netns_nsid_get(pair.within, pair.ns)), 9);
    netns_close(pair.within);
    netns_close(pair.ns);
}

static void *use_many_times(void *arg)
{
    struct pair *pair = arg;
    int rounds = is_slow() ? 50 : 2000, wrong = 0;

    for (int i = 0; i < rounds; i++) {
        wrong += netns_nsid_get(pair->within, pair->ns) != 9;
        wrong += netns_nsid_set(pair->within, pair->ns, 9) != -EEXIST;
        wrong += strstr(netns_errmsg(), "already has a nsid") == NULL;
    }
    return wrong ? arg : NULL;
}

static void handle_works_in_concurrent_threads_and_forked_child(void)
{
    struct pair pair = {new_namespace(NULL), new_namespace(NULL)};
    pthread_t threads[4];
    void *failed;
    int before = open_descriptors();

    OK(netns_nsid_set(pair.within, pair.ns, 9));
    for (int i = 0; i < 4; i++)
        MUST(-pthread_create(&threads[i], NULL, use_many_times, &pair));
    /* Whatever the threads are doing, the child neither waits for them nor shares their connection. */
    for (int i = 0; i < (is_slow() ? 3 : 30); i++) {
        pid_t pid = MUST(fork());

        if (pid == 0) {
            /* valgrind reports memory that the other threads were using as lost, unless the child executes
               a program. */
            if (netns_nsid_get(pair.within, pair.ns) == 9)
                execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
            _exit(1);
        }
        EQUAL(wait_for(pid), 0);
    }
    for (int i = 0; i < 4; i++) {
        MUST(-pthread_join(threads[i], &failed));
        CHECK(failed == NULL);
    }
    EQUAL(open_descriptors(), before + 1);
    netns_close(pair.within);
    netns_close(pair.ns);
}

/* --- fewer privileges and failures -------------------------------------------------------------- */

static void ask_as_a_plain_user(void *arg)
{
    struct pair *pair = arg;
    struct netns *home = NULL;
    struct netns_nsid_snapshot *list = NULL;

    become_plain_user();
    OK(netns_open_current(&home));
    EQUAL(OK(netns_nsid_get(NULL, pair->ns)), 9);
    EQUAL(OK(netns_nsid_get(home, pair->ns)), 9);
    list = list_of(NULL, NULL, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    SAME(netns_nsid_list_name(list, 0), "blue");
    netns_nsid_list_free(list);
    list = list_of(NULL, home, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    netns_nsid_list_free(list);
    list = NULL;
    FAILS(EACCES, netns_nsid_list(NULL, NULL, 9, 0, &list));
    MESSAGE_HAS("CAP_NET_ADMIN");
    FAILS(EPERM, netns_nsid_set(NULL, pair->ns, 1));
    MESSAGE_HAS("CAP_NET_ADMIN");
    FAILS(EPERM, netns_nsid_set(home, pair->ns, 1));
    EQUAL(OK(netns_nsid_ensure(home, pair->ns)), 9);
    FAILS(EPERM, netns_nsid_ensure(home, home));
    MESSAGE_HAS("CAP_NET_ADMIN");
    FAILS(EPERM, netns_nsid_ensure(pair->ns, home));
    FAILS(EPERM, netns_nsid_get(pair->ns, home));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    netns_close(home);
}

static void unprivileged_user_can_query_current_namespace(void)
{
    struct pair pair = {new_namespace(NULL), new_namespace("blue")};

    OK(netns_setns(pair.within));
    OK(netns_nsid_set(NULL, pair.ns, 9));
    IN_CHILD(ask_as_a_plain_user, &pair);
    netns_close(pair.within);
    netns_close(pair.ns);
}

/* The kernel checks the credentials of the thread that opened the handle's socket, and the caller's. */
static void nsid_list_of_target_requires_cap_net_admin(void)
{
    struct pair pair = {new_namespace("within"), new_namespace("blue")};
    struct netns_nsid_snapshot *list = NULL;
    struct netns *fresh = NULL;

    OK(netns_nsid_set(pair.within, pair.ns, 9));
    netns_nsid_list_free(list_of(NULL, pair.within, 9));
    effective(CAP_NET_ADMIN, false);
    FAILS(EACCES, netns_nsid_list(NULL, pair.within, 9, 0, &list));
    OK(netns_open("within", 0, &fresh));
    EQUAL(OK(netns_nsid_get(fresh, pair.ns)), 9);
    effective(CAP_NET_ADMIN, true);
    netns_nsid_list_free(list_of(NULL, pair.within, 9));
    FAILS(EACCES, netns_nsid_list(NULL, fresh, 9, 0, &list));
    MESSAGE_HAS("CAP_NET_ADMIN");
    netns_close(fresh);
    netns_close(pair.within);
    netns_close(pair.ns);
}

static void ask_in_a_user_namespace(void *arg)
{
    struct netns *inner = NULL, *ns = NULL;

    (void)arg;
    /* The thread's namespace belongs to the parent's user namespace, so the thread itself could not switch
       back. */
    enter_user_namespace_with_run_directory(0);
    OK(netns_create(NULL, 0, &inner));
    OK(netns_create("blue", 0, &ns));
    EQUAL(OK(netns_nsid_set(inner, ns, 3)), 3);
    EQUAL(OK(netns_nsid_get(inner, ns)), 3);
    FAILS(EPERM, netns_nsid_set(NULL, ns, 3));
    EQUAL(threads_left(), 1);
    netns_close(inner);
    netns_close(ns);
}

static void nsid_calls_work_if_thread_cannot_switch_back(void)
{
    IN_CHILD(ask_in_a_user_namespace, NULL);
}

/* Linux before 4.20 checks requests less strictly and ignores that a target is queried. */
static void ask_an_old_kernel(void *arg)
{
    struct pair *pair = arg;
    struct netns_nsid_snapshot *list;

    EQUAL(OK(netns_nsid_set(pair->within, pair->ns, 9)), 9);
    EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
    list = list_of(NULL, pair->within, NETNS_NSID_NONE);
    EQUAL(netns_nsid_list_len(list), 1);
    SAME(netns_nsid_list_name(list, 0), "blue");
    netns_nsid_list_free(list);
    list = NULL;
    FAILS(EOPNOTSUPP, netns_nsid_list(NULL, pair->within, 9, 0, &list));
    MESSAGE_HAS("Linux 5.0");
    CHECK(list == NULL);
    EQUAL(OK(netns_nsid_get(pair->within, pair->ns)), 9);
}

static void nsid_list_of_target_fails_without_strict_checking(void)
{
    static const struct fault faults[] = {
        {SYS_setsockopt, ENOPROTOOPT, 2, UINT32_MAX, NETLINK_GET_STRICT_CHK},
    };
    struct pair pair = {new_namespace(NULL), new_namespace("blue")};

    with_faults(faults, 1, ask_an_old_kernel, &pair);
    netns_close(pair.within);
    netns_close(pair.ns);
}

static void nsid_calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *within = new_namespace("within"), *ns = new_namespace("blue");
    struct netns_nsid_snapshot *list = NULL;

    OK(netns_setns(within));
    OK(netns_nsid_set(NULL, ns, 1));
    RUNS_OUT_OF_DESCRIPTORS(netns_nsid_get(NULL, ns));
    OK(netns_nsid_get(within, ns));
    RUNS_OUT_OF_DESCRIPTORS(netns_nsid_list(NULL, within, NETNS_NSID_NONE, 0, &list));
    netns_nsid_list_free(list);
    netns_close(within);
    /* And a failed request keeps no connection. */
    MUST(netns_open("within", 0, &within));
    RUNS_OUT_OF_DESCRIPTORS(netns_nsid_get(within, ns));
    netns_close(within);
    netns_close(ns);
}

int main(void)
{
    RUN(nsid_get_fails_with_enodata_until_nsid_is_set);
    RUN(nsid_auto_assigns_lowest_free_nsid);
    RUN(nsid_ensure_returns_or_assigns_nsid);
    RUN(nsid_ensure_returns_nsid_set_concurrently);
    RUN(null_means_namespace_of_calling_thread);
    RUN(ip_and_library_report_the_same_nsids);

    RUN(nsid_set_fails_with_eexist_if_assigned_or_in_use);
    RUN(invalid_arguments_fail_with_einval);

    RUN(nsid_list_returns_sorted_nsids_with_names);
    RUN(null_nsid_list_is_treated_as_empty);
    RUN(nsid_list_of_target_returns_current_nsids);
    RUN(nsid_list_uses_names_of_given_run_directory);
    RUN(nsid_list_is_complete_across_netlink_buffers);

    RUN(handle_caches_one_rtnetlink_socket_until_close);
    RUN(cached_rtnetlink_socket_is_close_on_exec);
    RUN(parent_and_child_can_use_the_same_handle);
    RUN(processes_with_same_pid_do_not_share_cached_socket);
    RUN(handle_keeps_files_that_reuse_its_socket_descriptor);
    RUN(handle_works_in_concurrent_threads_and_forked_child);

    RUN(unprivileged_user_can_query_current_namespace);
    RUN(nsid_list_of_target_requires_cap_net_admin);
    RUN(nsid_calls_work_if_thread_cannot_switch_back);
    RUN(nsid_list_of_target_fails_without_strict_checking);
    RUN(nsid_calls_without_descriptors_fail_with_emfile);
    return finish();
}
