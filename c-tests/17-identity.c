/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a handle reports about its namespace, what the library reports about itself, and the results for
   NULL. */
#include "mover.h"

#include <sys/socket.h>


/* --- fd, inode, device ------------------------------------------------------------------------ */

static void inode_and_device_match_stat(void)
{
    struct netns *ns = NULL;
    struct stat by_name, by_descriptor;

    OK(netns_create("blue", 0, &ns));
    MUST(stat("/run/netns/blue", &by_name));
    MUST(fstat(netns_fd(ns), &by_descriptor));
    EQUAL(netns_inode(ns), by_name.st_ino);
    EQUAL(netns_device(ns), by_name.st_dev);
    EQUAL(netns_inode(ns), by_descriptor.st_ino);
    EQUAL(netns_device(ns), by_descriptor.st_dev);
    CHECK(netns_inode(ns) != 0);
    CHECK(netns_device(ns) != 0);
    netns_close(ns);
}

static void inode_matches_proc_link(void)
{
    struct netns *ns = NULL;
    char link[64] = "", path[64], expected[64];

    OK(netns_create(NULL, 0, &ns));
    snprintf(path, sizeof path, "/proc/self/fd/%d", netns_fd(ns));
    snprintf(expected, sizeof expected, "net:[%llu]", (unsigned long long)netns_inode(ns));
    MUST(readlink(path, link, sizeof link - 1));
    SAME(link, expected);
    netns_close(ns);
}

static void fd_is_owned_by_handle_and_works_with_setns(void)
{
    struct netns *ns = NULL, *second = NULL;
    uint64_t home = here();
    int fd, back;

    OK(netns_create("blue", 0, &ns));
    OK(netns_open("blue", 0, &second));
    fd = OK(netns_fd(ns));
    CHECK(fd >= 0);
    EQUAL(netns_fd(ns), fd);
    CHECK(netns_fd(second) != fd);
    CHECK(MUST(fcntl(fd, F_GETFD)) & FD_CLOEXEC);
    back = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    MUST(setns(fd, CLONE_NEWNET));
    EQUAL(here(), netns_inode(ns));
    MUST(setns(back, CLONE_NEWNET));
    EQUAL(here(), home);
    close(back);
    netns_close(second);
    netns_close(ns);
    EQUAL(fcntl(fd, F_GETFD), -1);
}

static void close_does_not_change_errno(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    errno = ERRNO_UNTOUCHED;
    netns_close(ns);
    EQUAL(errno, ERRNO_UNTOUCHED);
    netns_close(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

/* --- name and path ---------------------------------------------------------------------------- */

static void name_and_path_match_how_handle_was_opened(void)
{
    struct netns *ns = NULL, *opened = NULL;

    OK(netns_create("blue", 0, &ns));
    errno = ERRNO_UNTOUCHED;
    SAME(netns_name(ns), "blue");
    SAME(netns_path(ns), "/run/netns/blue");
    EQUAL(errno, ERRNO_UNTOUCHED);
    CHECK(netns_name(ns) == netns_name(ns));
    OK(netns_open("/run/netns/blue", 0, &opened));
    SAME(netns_name(opened), "blue");
    SAME(netns_path(opened), "/run/netns/blue");
    netns_close(opened);
    OK(netns_open_fd(netns_fd(ns), &opened));
    SAME(netns_name(opened), NULL);
    SAME(netns_path(opened), NULL);
    netns_close(opened);
    netns_close(ns);
}

static void handle_copies_rundir_and_name(void)
{
    char rundir[] = "/run/mine", name[] = "blue";
    struct netns *ns = NULL;

    OK(netns_create_at(rundir, name, 0, &ns));
    memset(rundir, 'x', strlen(rundir));
    memset(name, 'x', strlen(name));
    SAME(netns_name(ns), "blue");
    SAME(netns_path(ns), "/run/mine/blue");
    netns_close(ns);
}

static void handle_keeps_name_after_remove(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    OK(netns_remove("blue", 0));
    OK(netns_attach(ns, "red", 0));
    SAME(netns_name(ns), "blue");
    SAME(netns_path(ns), "/run/netns/blue");
    netns_close(ns);
}

/* --- cookie ----------------------------------------------------------------------------------- */

static void cookie_matches_so_netns_cookie(void)
{
    static const int domains[] = {AF_INET, AF_UNIX};
    struct netns *ns = NULL;
    uint64_t cookie = 0;

    need_cookies();
    OK(netns_create("blue", 0, &ns));
    EQUAL(OK(netns_cookie(ns, &cookie)), 0);
    CHECK(cookie != 0);
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        uint64_t of_socket = 0;
        socklen_t length = sizeof of_socket;
        int fd = OK(netns_socket(ns, domains[i], SOCK_DGRAM, 0));

        MUST(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE_, &of_socket, &length));
        EQUAL(cookie, of_socket);
        close(fd);
    }
    netns_close(ns);
}

static void handles_of_same_namespace_have_same_cookie(void)
{
    struct netns *ns = NULL, *opened = NULL, *other = NULL;
    uint64_t first = 0, second = 0, third = 0;

    need_cookies();
    OK(netns_create("blue", 0, &ns));
    OK(netns_open("/run/netns/blue", 0, &opened));
    OK(netns_create("red", 0, &other));
    OK(netns_cookie(ns, &first));
    OK(netns_cookie(opened, &second));
    OK(netns_cookie(other, &third));
    EQUAL(first, second);
    CHECK(first != third);
    netns_close(ns);
    netns_close(opened);
    netns_close(other);
}

static void cookies_are_never_reused(void)
{
    static uint64_t cookies[300];
    int count = is_slow() ? 60 : 300;

    need_cookies();
    for (int i = 0; i < count; i++) {
        struct netns *ns = NULL;

        OK(netns_create(NULL, 0, &ns));
        OK(netns_cookie(ns, &cookies[i]));
        netns_close(ns);
        for (int j = 0; j < i; j++)
            CHECK(cookies[j] != cookies[i]);
    }
}

/* --- equal and is_current --------------------------------------------------------------------- */

static void handles_of_same_namespace_are_equal(void)
{
    struct netns *handles[7] = {NULL}, *other = NULL;
    int socket;
    pid_t child;

    OK(netns_create("blue", 0, &handles[0]));
    OK(netns_create("red", 0, &other));
    child = start_in(handles[0]);
    socket = OK(netns_socket(handles[0], AF_INET, SOCK_DGRAM, 0));
    OK(netns_open("blue", 0, &handles[1]));
    OK(netns_open("/run/netns/blue", 0, &handles[2]));
    OK(netns_open_pid(child, &handles[3]));
    OK(netns_open_fd(socket, &handles[4]));
    OK(netns_open_fd(netns_fd(handles[0]), &handles[5]));
    OK(netns_setns(handles[0]));
    OK(netns_open_current(&handles[6]));
    for (int i = 0; i < 7; i++) {
        for (int j = 0; j < 7; j++)
            EQUAL(netns_equal(handles[i], handles[j]), 1);
        EQUAL(netns_equal(handles[i], other), 0);
        EQUAL(netns_equal(other, handles[i]), 0);
        EQUAL(netns_inode(handles[i]), netns_inode(handles[0]));
        EQUAL(netns_device(handles[i]), netns_device(handles[0]));
    }
    for (int i = 0; i < 7; i++)
        netns_close(handles[i]);
    close(socket);
    stop(child);
    netns_close(other);
}

static void equal_returns_0_for_null(void)
{
    struct netns *ns = NULL;

    OK(netns_open_current(&ns));
    errno = ERRNO_UNTOUCHED;
    EQUAL(netns_equal(ns, NULL), 0);
    EQUAL(netns_equal(NULL, ns), 0);
    EQUAL(netns_equal(NULL, NULL), 0);
    EQUAL(errno, ERRNO_UNTOUCHED);
    netns_close(ns);
}

static void ask_in_there(void *arg)
{
    struct netns **handles = arg; /* of the thread's new and previous namespaces */

    EQUAL(OK(netns_is_current(handles[0])), 1);
    EQUAL(OK(netns_is_current(handles[1])), 0);
    OK(netns_setns(handles[1]));
    EQUAL(OK(netns_is_current(handles[0])), 0);
    EQUAL(OK(netns_is_current(handles[1])), 1);
    OK(netns_setns(handles[0]));
    EQUAL(OK(netns_is_current(handles[0])), 1);
}

static void is_current_checks_calling_thread(void)
{
    struct netns *handles[2] = {NULL};
    struct mover mover;

    OK(netns_create("blue", 0, &handles[0]));
    OK(netns_open_current(&handles[1]));
    EQUAL(OK(netns_is_current(handles[0])), 0);
    EQUAL(OK(netns_is_current(handles[1])), 1);
    start_mover(&mover, handles[0], ask_in_there, handles);
    EQUAL(OK(netns_is_current(handles[0])), 0);
    EQUAL(OK(netns_is_current(handles[1])), 1);
    end_mover(&mover);
    netns_close(handles[0]);
    netns_close(handles[1]);
}

/* --- NULL ------------------------------------------------------------------------------------- */

static void null_arguments_fail_with_einval(void)
{
    struct netns *ns = NULL;
    uint64_t cookie = 42;
    int result = 42;
    pid_t pid = 42;

    OK(netns_create("blue", 0, &ns));
    FAILS(EINVAL, netns_fd(NULL));
    FAILS(EINVAL, netns_cookie(NULL, &cookie));
    FAILS(EINVAL, netns_cookie(ns, NULL));
    FAILS(EINVAL, netns_cookie(NULL, NULL));
    FAILS(EINVAL, netns_is_current(NULL));
    FAILS(EINVAL, netns_setns(NULL));
    FAILS(EINVAL, netns_enter(NULL));
    FAILS(EINVAL, netns_run(NULL, NULL, NULL, &result));
    FAILS(EINVAL, netns_run(ns, NULL, NULL, &result));
    FAILS(EINVAL, netns_pids(NULL, 0, &pid, 1));
    FAILS(EINVAL, netns_create(NULL, 0, NULL));
    FAILS(EINVAL, netns_open(NULL, 0, &ns));
    FAILS(EINVAL, netns_open_pid(getpid(), NULL));
    FAILS(EINVAL, netns_open_fd(0, NULL));
    FAILS(EINVAL, netns_open_current(NULL));
    FAILS(EINVAL, netns_attach(NULL, NULL, 0));
    FAILS(EINVAL, netns_remove(NULL, 0));
    FAILS(EINVAL, netns_list(0, NULL));
    FAILS(EINVAL, netns_names(NULL, 0, NULL));
    EQUAL(cookie, 42);
    EQUAL(result, 42);
    EQUAL(pid, 42);
    netns_close(ns);
}

static void accessors_return_null_or_0_for_null(void)
{
    errno = ERRNO_UNTOUCHED;
    SAME(netns_name(NULL), NULL);
    SAME(netns_path(NULL), NULL);
    EQUAL(netns_inode(NULL), 0);
    EQUAL(netns_device(NULL), 0);
    EQUAL(netns_equal(NULL, NULL), 0);
    EQUAL(netns_list_len(NULL), 0);
    SAME(netns_list_name(NULL, 0), NULL);
    EQUAL(netns_list_inode(NULL, 0), 0);
    netns_list_free(NULL);
    netns_close(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

/* --- version and message ---------------------------------------------------------------------- */

static void library_and_header_versions_match(void)
{
    char text[64];

    errno = ERRNO_UNTOUCHED;
    SAME(netns_version(), NETNS_VERSION);
    EQUAL(errno, ERRNO_UNTOUCHED);
    snprintf(text, sizeof text, "%d.%d.%d", NETNS_VERSION_MAJOR, NETNS_VERSION_MINOR,
             NETNS_VERSION_PATCH);
    SAME(text, NETNS_VERSION);
    EQUAL(NETNS_VERSION_NUMBER, NETNS_VERSION_MAJOR * 0x10000 + NETNS_VERSION_MINOR * 0x100 +
                                    NETNS_VERSION_PATCH);
    CHECK(NETNS_VERSION_NUMBER >= 0x010000);
    SAME(NETNS_RUN_DIR, "/run/netns");
}

static void message_is_empty_before_first_failure(void)
{
    errno = ERRNO_UNTOUCHED;
    SAME(netns_errmsg(), "");
    OK(netns_create("blue", 0, NULL));
    SAME(netns_errmsg(), "");
}

static void message_is_kept_until_next_failure(void)
{
    const char *message;
    char copy[512];

    FAILS(ENOENT, netns_remove("blue", 0));
    message = netns_errmsg();
    MESSAGE_HAS("remove \"blue\"");
    snprintf(copy, sizeof copy, "%s", message);
    /* Neither reading the message nor a successful call changes it. */
    errno = ERRNO_UNTOUCHED;
    CHECK(netns_errmsg() == message);
    EQUAL(errno, ERRNO_UNTOUCHED);
    OK(netns_create("blue", 0, NULL));
    OK(netns_remove("blue", 0));
    netns_close(NULL);
    SAME(message, copy);
    FAILS(ENOENT, netns_remove("red", 0));
    MESSAGE_HAS("remove \"red\"");
    CHECK(!strstr(netns_errmsg(), "blue"));
}

static void fail_in_a_thread_of_ones_own(void *arg)
{
    (void)arg;
    SAME(netns_errmsg(), "");
    FAILS(ENOENT, netns_remove("theirs", 0));
    MESSAGE_HAS("theirs");
    CHECK(!strstr(netns_errmsg(), "ours"));
}

static void each_thread_has_its_own_message(void)
{
    struct mover first, second;

    FAILS(ENOENT, netns_remove("ours", 0));
    start_mover(&first, NULL, fail_in_a_thread_of_ones_own, NULL);
    start_mover(&second, NULL, fail_in_a_thread_of_ones_own, NULL);
    MESSAGE_HAS("ours");
    CHECK(!strstr(netns_errmsg(), "theirs"));
    end_mover(&first);
    end_mover(&second);
    MESSAGE_HAS("ours");
}

static void message_contains_strerror_text(void)
{
    char long_name[300];

    memset(long_name, 'n', 299);
    long_name[299] = '\0';
    FAILS(EINVAL, netns_fd(NULL));
    MESSAGE_HAS(strerror(EINVAL));
    FAILS(ENOENT, netns_remove("blue", 0));
    MESSAGE_HAS(strerror(ENOENT));
    FAILS(ENAMETOOLONG, netns_remove(long_name, 0));
    MESSAGE_HAS(strerror(ENAMETOOLONG));
    FAILS(EBADF, netns_leave(-1));
    MESSAGE_HAS(strerror(EBADF));
    FAILS(ESRCH, netns_open_pid(INT_MAX, &(struct netns *){NULL}));
    MESSAGE_HAS(strerror(ESRCH));
    OK(netns_create("blue", 0, NULL));
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    MESSAGE_HAS(strerror(EEXIST));
}

int main(void)
{
    RUN(inode_and_device_match_stat);
    RUN(inode_matches_proc_link);
    RUN(fd_is_owned_by_handle_and_works_with_setns);
    RUN(close_does_not_change_errno);

    RUN(name_and_path_match_how_handle_was_opened);
    RUN(handle_copies_rundir_and_name);
    RUN(handle_keeps_name_after_remove);

    RUN(cookie_matches_so_netns_cookie);
    RUN(handles_of_same_namespace_have_same_cookie);
    RUN(cookies_are_never_reused);

    RUN(handles_of_same_namespace_are_equal);
    RUN(equal_returns_0_for_null);
    RUN(is_current_checks_calling_thread);

    RUN(null_arguments_fail_with_einval);
    RUN(accessors_return_null_or_0_for_null);

    RUN(library_and_header_versions_match);
    RUN(message_is_empty_before_first_failure);
    RUN(message_is_kept_until_next_failure);
    RUN(each_thread_has_its_own_message);
    RUN(message_contains_strerror_text);
    return finish();
}
