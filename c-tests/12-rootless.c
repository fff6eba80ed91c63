/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Unprivileged users in user namespaces, and root with reduced capabilities. */
#include "privilege.h"
#include "steps.h"

#include <stddef.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* `unshare -Urm`: privileged over its mounts, but not over its network namespace. */
static void without_a_way_back(void)
{
    become_plain_user();
    enter_user_namespace_with_run_directory(0);
}

/* `unshare -Urmn`. */
static void with_a_way_back(void)
{
    become_plain_user();
    enter_user_namespace_with_run_directory(CLONE_NEWNET);
}

/* Checks that the thread and its process are as before the call. */
#define CHANGES_NOTHING(call) \
    do { \
        uint64_t home_ = here(); \
        int descriptors_ = open_descriptors(); \
\
        call; \
        EQUAL(here(), home_); \
        EQUAL(threads_left(), 1); \
        EQUAL(open_descriptors(), descriptors_); \
    } while (0)

static int never(void *called)
{
    *(bool *)called = true;
    return 0;
}

/* --- no way back ------------------------------------------------------------------------------ */

static void create_works_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL, *again = NULL, *anonymous = NULL;

    without_a_way_back();
    CHANGES_NOTHING(OK(netns_create("green", 0, NULL)));
    OK(netns_create("blue", NETNS_CREATE_LO_UP, &ns));
    CHECK(netns_inode(ns) != here());
    CHECK(is_netns("/run/netns/blue"));
    CHECK(lo_is_up(ns));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &again));
    EQUAL(netns_equal(ns, again), 1);
    OK(netns_create(NULL, 0, &anonymous));
    CHECK(!lo_is_up(anonymous));
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    SAME(names(), "blue green");
    netns_close(ns);
    netns_close(again);
    netns_close(anonymous);
}

static void exist_ok_brings_lo_up_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL;

    without_a_way_back();
    OK(netns_create("blue", 0, NULL));
    CHANGES_NOTHING(OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, NULL)));
    OK(netns_open("blue", 0, &ns));
    CHECK(lo_is_up(ns));
    netns_close(ns);
}

static void socket_works_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL, *of_socket = NULL;
    int fd;

    without_a_way_back();
    OK(netns_create(NULL, 0, &ns));
    CHANGES_NOTHING(close(OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0))));
    CHANGES_NOTHING(FAILS(EAFNOSUPPORT, netns_socket(ns, 9999, SOCK_STREAM, 0)));
    fd = OK(netns_socket(ns, AF_PACKET, SOCK_RAW, 0));
    OK(netns_open_fd(fd, &of_socket));
    EQUAL(netns_equal(of_socket, ns), 1);
    close(fd);
    netns_close(of_socket);
    netns_close(ns);
}

static void names_and_handles_work_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL, *opened = NULL;
    struct netns_name_snapshot *list = NULL;

    without_a_way_back();
    OK(netns_create(NULL, 0, &ns));
    CHANGES_NOTHING(OK(netns_attach(ns, "blue", 0)));
    OK(netns_attach(ns, "green", 0));
    OK(netns_open("blue", 0, &opened));
    EQUAL(netns_equal(ns, opened), 1);
    netns_close(opened);
    OK(netns_open_current(&opened));
    EQUAL(netns_inode(opened), here());
    EQUAL(OK(netns_is_current(opened)), 1);
    EQUAL(OK(netns_is_current(ns)), 0);
    COOKIE_OF(ns);
    SAME(names(), "blue green");
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 2);
    EQUAL(OK(netns_pids(ns, 0, NULL, 0)), 0);
    CHANGES_NOTHING(OK(netns_remove("blue", 0)));
    OK(netns_remove("green", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    netns_list_free(list);
    netns_close(opened);
    netns_close(ns);
}

static void enter_and_run_fail_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL;
    bool called = false;
    int result = 4711;

    without_a_way_back();
    OK(netns_create(NULL, 0, &ns));
    CHANGES_NOTHING(FAILS(EPERM, netns_enter(ns)));
    MESSAGE_HAS("switch back");
    MESSAGE_HAS("without return");
    CHANGES_NOTHING(FAILS(EPERM, netns_run(ns, never, &called, &result)));
    MESSAGE_HAS("without return");
    CHECK(!called);
    EQUAL(result, 4711);
    netns_close(ns);
}

static void *go_one_way(void *ns)
{
    OK(netns_setns(ns));
    EQUAL(here(), netns_inode(ns));
    EQUAL(OK(netns_is_current(ns)), 1);
    /* The thread is then in a namespace that it is privileged over, so it can always switch back. */
    OK(netns_leave(OK(netns_enter(ns))));
    return NULL;
}

static void setns_works_if_thread_cannot_switch_back(void)
{
    struct netns *ns = NULL;
    uint64_t home;
    pthread_t thread;

    without_a_way_back();
    home = here();
    OK(netns_create(NULL, 0, &ns));
    MUST(-pthread_create(&thread, NULL, go_one_way, ns));
    MUST(-pthread_join(thread, NULL));
    EQUAL(here(), home);
    netns_close(ns);
}

static void limit_processes(rlim_t limit)
{
    struct rlimit now;

    MUST(getrlimit(RLIMIT_NPROC, &now));
    now.rlim_cur = limit;
    MUST(setrlimit(RLIMIT_NPROC, &now));
}

static void create_and_socket_without_helper_thread_fail_with_eagain(void)
{
    struct netns *ns = NULL, *made = NULL;
    struct rlimit before;
    int mounts;

    without_a_way_back();
    OK(netns_create("blue", 0, &ns));
    mounts = mounts_at(NULL);
    MUST(getrlimit(RLIMIT_NPROC, &before));
    limit_processes(1);
    CHANGES_NOTHING(FAILS(EAGAIN, netns_create("green", 0, &made)));
    MESSAGE_HAS("helper thread");
    CHANGES_NOTHING(FAILS(EAGAIN, netns_create(NULL, 0, &made)));
    CHANGES_NOTHING(FAILS(EAGAIN, netns_socket(ns, AF_INET, SOCK_STREAM, 0)));
    MESSAGE_HAS("helper thread");
    CHECK(made == NULL);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    CHECK(!exists("/run/netns/green"));
    EQUAL(mounts_at(NULL), mounts);
    limit_processes(before.rlim_cur);
    OK(netns_create("green", 0, NULL));
    netns_close(ns);
}

static void first_create_works_if_thread_cannot_switch_back(void)
{
    become_plain_user();
    enter_user_namespace(0);
    MUST(mount("netns-test", "/run", "tmpfs", 0, "mode=755"));
    CHANGES_NOTHING(OK(netns_create("blue", 0, NULL)));
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    OK(netns_remove("blue", 0));
    EQUAL(mounts_at("/run/netns/blue"), 0);
}

/* --- a way back ------------------------------------------------------------------------------- */

static int give_place(void *place)
{
    *(uint64_t *)place = here();
    return 3;
}

static void calls_work_in_new_user_and_network_namespace(void)
{
    struct netns *ns = NULL;
    uint64_t home, place = 0;
    int token, result = 0;

    with_a_way_back();
    home = here();
    CHANGES_NOTHING(OK(netns_create("green", NETNS_CREATE_LO_UP, NULL)));
    OK(netns_create("blue", 0, &ns));
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    EQUAL(here(), home);
    OK(netns_run(ns, give_place, &place, &result));
    EQUAL(place, netns_inode(ns));
    EQUAL(result, 3);
    CHANGES_NOTHING(close(OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0))));
    OK(netns_attach(ns, "red", 0));
    SAME(names(), "blue green red");
    OK(netns_remove("blue", 0));
    OK(netns_remove("green", 0));
    OK(netns_remove("red", 0));
    netns_close(ns);
}

/* A handle of another user's namespace can be opened, but the namespace cannot be entered, nor a socket
   opened in it. */
static void namespace_of_another_user_opens_but_cannot_be_entered(void)
{
    struct netns *foreign = NULL, *opened = NULL;
    bool called = false;

    OK(netns_create("foreign", 0, &foreign));
    with_a_way_back();
    OK(netns_open_fd(netns_fd(foreign), &opened));
    EQUAL(netns_equal(foreign, opened), 1);
    CHANGES_NOTHING(FAILS(EPERM, netns_enter(opened)));
    MESSAGE_HAS("owns the target");
    CHANGES_NOTHING(FAILS(EPERM, netns_run(opened, never, &called, NULL)));
    CHANGES_NOTHING(FAILS(EPERM, netns_socket(opened, AF_INET, SOCK_STREAM, 0)));
    CHANGES_NOTHING(FAILS(EPERM, netns_setns(opened)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHECK(!called);
    netns_close(opened);
    netns_close(foreign);
}

/* --- an unprivileged user --------------------------------------------------------------------- */

static void unprivileged_user_can_list_and_open_but_not_modify(void)
{
    struct netns *ns = NULL, *made = NULL;

    OK(netns_create("blue", 0, NULL));
    become_plain_user();
    SAME(names(), "blue");
    OK(netns_open("blue", 0, &ns));
    CHANGES_NOTHING(FAILS(EPERM, netns_create(NULL, 0, &made)));
    MESSAGE_HAS("user namespace");
    CHANGES_NOTHING(FAILS(EPERM, netns_create("green", 0, &made)));
    CHANGES_NOTHING(FAILS(EPERM, netns_enter(ns)));
    CHANGES_NOTHING(FAILS(EPERM, netns_setns(ns)));
    CHANGES_NOTHING(FAILS(EPERM, netns_socket(ns, AF_INET, SOCK_STREAM, 0)));
    CHANGES_NOTHING(FAILS(EPERM, netns_remove("blue", 0)));
    CHECK(is_netns("/run/netns/blue"));
    SAME(names(), "blue");
    FAILS(EACCES, netns_open_pid(1, &made));
    MESSAGE_HAS("CAP_SYS_PTRACE");
    netns_close(ns);
}

static void unprivileged_user_cannot_remove_stale_name(void)
{
    write_file("/run/netns/blue", "", 01000);
    become_plain_user();
    FAILS(EACCES, netns_remove("blue", 0));
    MESSAGE_HAS("needs write permission in the directory");
    FAILS(ENOTTY, netns_open("blue", 0, &(struct netns *){NULL}));
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
}

/* --- root with reduced capabilities ----------------------------------------------------------- */

static void create_and_enter_without_cap_sys_admin_fail_with_eperm(void)
{
    struct netns *ns = NULL, *made = NULL;
    bool called = false;
    int mounts;

    OK(netns_create("blue", 0, &ns));
    mounts = mounts_at(NULL);
    drop_capability(CAP_SYS_ADMIN);
    CHANGES_NOTHING(FAILS(EPERM, netns_create("green", 0, &made)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHANGES_NOTHING(FAILS(EPERM, netns_create(NULL, 0, &made)));
    CHANGES_NOTHING(FAILS(EPERM, netns_enter(ns)));
    CHANGES_NOTHING(FAILS(EPERM, netns_run(ns, never, &called, NULL)));
    CHANGES_NOTHING(FAILS(EPERM, netns_setns(ns)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHANGES_NOTHING(FAILS(EPERM, netns_socket(ns, AF_INET, SOCK_STREAM, 0)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHANGES_NOTHING(FAILS(EPERM, netns_attach(ns, "green", 0)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHANGES_NOTHING(FAILS(EPERM, netns_remove("blue", 0)));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    CHECK(!called && made == NULL);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    CHECK(!exists("/run/netns/green"));
    EQUAL(mounts_at(NULL), mounts);
    OK(netns_open("blue", 0, &made));
    EQUAL(netns_equal(ns, made), 1);
    netns_close(made);
    netns_close(ns);
}

/* Removing an empty file needs no capability. */
/* --- cost of a rejected call ------------------------------------------------------------------- */

/* The system calls of a call that switches namespaces, and those that a helper thread would make. */
static const int calls_of_visits[] = {SYS_rt_sigprocmask, SYS_openat, SYS_capget, SYS_setns, SYS_unshare,
                                      SYS_socket, SYS_ioctl, SYS_close, SYS_clone, SYS_clone3};

static struct {
    int calls, threads;
} counted;

static void count(const struct seccomp_data *data, struct seccomp_notif_resp *response, void *arg)
{
    (void)response;
    (void)arg;
    counted.calls++;
    counted.threads += data->nr == SYS_clone || data->nr == SYS_clone3;
}

#define COUNTED(call) (counted.calls = counted.threads = 0, (call))

static void count_calls(int (*body)(void *), void *arg)
{
    with_stops(calls_of_visits, sizeof calls_of_visits / sizeof *calls_of_visits, body, arg, count, NULL);
}

static int be_refused(void *arg)
{
    struct netns *made = NULL;
    bool called = false;

    drop_capability(CAP_SYS_ADMIN);
    COUNTED(FAILS(EPERM, netns_socket(arg, AF_INET, SOCK_STREAM, 0)));
    MESSAGE_LACKS("back");
    /* The signal mask, opening the thread's own namespace, the refusal, finding its reason, and undoing
       all this. */
    CHECK(counted.calls <= 6);
    EQUAL(counted.threads, 0);
    COUNTED(FAILS(EPERM, netns_create(NULL, 0, &made)));
    CHECK(counted.calls <= 6);
    EQUAL(counted.threads, 0);
    COUNTED(FAILS(EPERM, netns_enter(arg)));
    MESSAGE_LACKS("back");
    CHECK(counted.calls <= 4);
    COUNTED(FAILS(EPERM, netns_run(arg, never, &called, NULL)));
    CHECK(counted.calls <= 4);
    COUNTED(FAILS(EPERM, netns_nsid_get(arg, arg)));
    EQUAL(counted.threads, 0);
    CHECK(!called);
    return 0;
}

static void calls_without_cap_sys_admin_start_no_helper_thread(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    count_calls(be_refused, ns);
    netns_close(ns);
}

static int visit_home(void *arg)
{
    COUNTED(FAILS(EPERM, netns_socket(arg, AF_INET, SOCK_STREAM, 0)));
    MESSAGE_HAS("owns the target");
    EQUAL(counted.threads, 0);
    return 0;
}

/* With the capability, but not over any namespace that a helper thread could enter. */
static void socket_outside_user_namespace_starts_no_helper_thread(void)
{
    struct netns *home = NULL;

    without_a_way_back();
    OK(netns_open_current(&home));
    count_calls(visit_home, home);
    netns_close(home);
}

static int visit_twice(void *arg)
{
    int token;

    COUNTED(close(OK(netns_socket(arg, AF_INET, SOCK_STREAM, 0))));
    /* Including the test's own close. */
    EQUAL(counted.calls, 9);
    COUNTED(token = OK(netns_enter(arg)));
    EQUAL(counted.calls, 3);
    COUNTED(OK(netns_leave(token)));
    EQUAL(counted.calls, 2);
    return 0;
}

static void privileged_calls_make_no_extra_system_calls(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    count_calls(visit_twice, ns);
    netns_close(ns);
}

static void root_without_cap_sys_admin_can_remove_stale_name(void)
{
    write_file("/run/netns/blue", "", 01000);
    drop_capability(CAP_SYS_ADMIN);
    OK(netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
}

/* lo belongs to the namespace, but bringing it up needs the capability. */
static void create_lo_up_without_cap_net_admin_fails_with_eperm(void)
{
    struct netns *ns = NULL;

    drop_capability(CAP_NET_ADMIN);
    CHANGES_NOTHING(FAILS(EPERM, netns_create("blue", NETNS_CREATE_LO_UP, &ns)));
    MESSAGE_HAS("CAP_NET_ADMIN");
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    CHECK(ns == NULL);
    OK(netns_create("blue", 0, &ns));
    netns_close(ns);
}

/* --- mounts of a more privileged mount namespace ---------------------------------------------- */

static void remove_rejects_name_created_outside_user_namespace(void)
{
    struct netns *ns = NULL;
    int mounts;

    OK(netns_create("blue", 0, NULL));
    mounts = mounts_at(NULL);
    /* The user still owns the directory; only the mount is out of reach. */
    enter_user_namespace(0);
    CHANGES_NOTHING(FAILS(EPERM, netns_remove("blue", 0)));
    MESSAGE_HAS("more privileged mount namespace");
    CHECK(is_netns("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 1);
    EQUAL(mounts_at(NULL), mounts);
    SAME(names(), "blue");
    OK(netns_open("blue", 0, &ns));
    netns_close(ns);
}

static void remove_accepts_name_created_inside_user_namespace(void)
{
    OK(netns_create("blue", 0, NULL));
    enter_user_namespace(0);
    OK(netns_create("green", 0, NULL));
    SAME(names(), "blue green");
    OK(netns_remove("green", 0));
    SAME(names(), "blue");
    CHECK(!exists("/run/netns/green"));
}

int main(void)
{
    RUN(create_works_if_thread_cannot_switch_back);
    RUN(exist_ok_brings_lo_up_if_thread_cannot_switch_back);
    RUN(socket_works_if_thread_cannot_switch_back);
    RUN(names_and_handles_work_if_thread_cannot_switch_back);
    RUN(enter_and_run_fail_if_thread_cannot_switch_back);
    RUN(setns_works_if_thread_cannot_switch_back);
    RUN(create_and_socket_without_helper_thread_fail_with_eagain);
    RUN_WITHOUT_RUN_DIRECTORY(first_create_works_if_thread_cannot_switch_back);
    RUN(calls_work_in_new_user_and_network_namespace);
    RUN(namespace_of_another_user_opens_but_cannot_be_entered);
    RUN(unprivileged_user_can_list_and_open_but_not_modify);
    RUN(unprivileged_user_cannot_remove_stale_name);
    RUN(create_and_enter_without_cap_sys_admin_fail_with_eperm);
    RUN(calls_without_cap_sys_admin_start_no_helper_thread);
    RUN(socket_outside_user_namespace_starts_no_helper_thread);
    RUN(privileged_calls_make_no_extra_system_calls);
    RUN(root_without_cap_sys_admin_can_remove_stale_name);
    RUN(create_lo_up_without_cap_net_admin_fails_with_eperm);
    RUN(remove_rejects_name_created_outside_user_namespace);
    RUN(remove_accepts_name_created_inside_user_namespace);
    return finish();
}
