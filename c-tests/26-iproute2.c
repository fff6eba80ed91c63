/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* iproute2's helpers under their own names: what they find, return and print. */
#include "exiting.h"
#include "privilege.h"
#include "stderr.h"
#include "test.h"

#include <libnetns/netns-iproute2.h>
#include <pthread.h>
#include <setjmp.h>

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* --- netns_get_fd ------------------------------------------------------------------------------ */

#define OPENS(text, inode) opens((text), (inode), __LINE__)

static void opens(const char *text, uint64_t inode, int line)
{
    int fd;

    listen_to_stderr();
    errno = ERRNO_UNTOUCHED;
    fd = netns_get_fd(text);
    check_at(fd >= 0, line, "%s: %s", text, strerror(errno));
    check_at(errno == ERRNO_UNTOUCHED, line, "errno is %d", errno);
    check_at(inode_of(fd) == inode, line, "%s is another namespace", text);
    check_at(fcntl(fd, F_GETFD) == FD_CLOEXEC, line, "not close-on-exec");
    same_at(said_on_stderr(), "", line, "stderr");
    close(fd);
}

static void get_fd_opens_name_path_or_pid(void)
{
    struct netns *ns = NULL;
    char text[64];
    pid_t child;

    OK(netns_create("blue", 0, &ns));
    child = start_in(ns);
    OPENS("blue", netns_inode(ns));
    OPENS("/run/netns/blue", netns_inode(ns));
    snprintf(text, sizeof text, "/proc/%d/ns/net", child);
    OPENS(text, netns_inode(ns));
    snprintf(text, sizeof text, "%d", child);
    OPENS(text, netns_inode(ns));
    MUST(chdir("/run"));
    OPENS("netns/blue", netns_inode(ns));
    stop(child);
    GIVES(-1, ENOENT, "", netns_get_fd(text));
    netns_close(ns);
}

static void get_fd_prefers_name_over_pid(void)
{
    struct netns *ns = NULL;
    char name[32];

    snprintf(name, sizeof name, "%d", getpid());
    OPENS(name, here());
    OK(netns_create(name, 0, &ns));
    OPENS(name, netns_inode(ns));
    netns_close(ns);
}

static void get_fd_opens_symlinks_and_other_files(void)
{
    int fd;

    MUST(symlink("/proc/thread-self/ns/net", "/run/netns/link"));
    OPENS("link", here());
    write_file("/run/netns/file", "", 0644);
    fd = MUST(netns_get_fd("file"));
    EQUAL(setns(fd, CLONE_NEWNET), -1);
    EQUAL(errno, EINVAL);
    close(fd);
    fd = MUST(netns_get_fd(""));
    close(fd);
}

static void get_fd_sets_errno_on_failure(void)
{
    char name[300];

    GIVES(-1, ENOENT, "", netns_get_fd("none"));
    MESSAGE_HAS("open \"none\": open /run/netns/none: No such file or directory");
    GIVES(-1, ENOENT, "", netns_get_fd("/none"));
    GIVES(-1, ENOENT, "", netns_get_fd("0"));
    GIVES(-1, ENOENT, "", netns_get_fd("2147483647"));
    MESSAGE_HAS("no network namespace has this name, and /proc shows no such process");
    GIVES(-1, ENOENT, "", netns_get_fd("99999999999999999999"));
    GIVES(-1, EINVAL, "", netns_get_fd(NULL));
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    GIVES(-1, ENAMETOOLONG, "", netns_get_fd(name));
    MUST(symlink("loop", "/run/netns/loop"));
    GIVES(-1, ELOOP, "", netns_get_fd("loop"));
    allow_descriptors(0);
    errno = 0;
    EQUAL(netns_get_fd("/proc/self/ns/net"), -1);
    EQUAL(errno, EMFILE);
    allow_descriptors(-1);
}

static int get_and_close(pid_t pid)
{
    char text[16];
    int fd;

    snprintf(text, sizeof text, "%d", pid);
    fd = netns_get_fd(text);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static void get_fd_of_exiting_process_never_fails_with_eacces(void)
{
    FAILS_WHEN_PROCESS_EXITS(get_and_close, ENOENT, ESRCH);
}

static void open_what_is_not_ours(void *arg)
{
    (void)arg;
    become_plain_user();
    GIVES(-1, EACCES, "", netns_get_fd("placeholder"));
}

static void get_fd_without_permission_fails_with_eacces(void)
{
    write_file("/run/netns/placeholder", "", 0);
    IN_CHILD(open_what_is_not_ours, NULL);
}

/* --- netns_foreach ------------------------------------------------------------------------------ */

#define MOST 64

struct seen {
    int count, stop_at, result;
    int descriptors;
    char names[MOST][256];
};

static int see(char *nsname, void *arg)
{
    struct seen *seen = arg;

    snprintf(seen->names[seen->count++ % MOST], sizeof seen->names[0], "%s", nsname);
    seen->descriptors = open_descriptors();
    /* The callback may overwrite the name. */
    memset(nsname, '\0', strlen(nsname));
    errno = EXDEV;
    return seen->count == seen->stop_at ? seen->result : 0;
}

static void foreach_visits_entries_in_directory_order(void)
{
    struct seen seen = {0};
    struct dirent *entry;
    int before, count = 0;
    DIR *dir;

    OK(netns_create("red", 0, NULL));
    OK(netns_create("blue", 0, NULL));
    write_file("/run/netns/file", "", 0644);
    write_file("/run/netns/.hidden", "", 0);
    MUST(mkdir("/run/netns/directory", 0755));
    MUST(symlink("nowhere", "/run/netns/link"));
    before = open_descriptors();
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
    EQUAL(seen.count, 6);
    /* stderr is being captured meanwhile. */
    CHECK(seen.descriptors <= before + 2);
    dir = opendir("/run/netns");
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            SAME(seen.names[count++], entry->d_name);
    EQUAL(count, 6);
    closedir(dir);
}

static void foreach_stops_at_nonzero_result(void)
{
    struct seen seen = {.stop_at = 2, .result = 7};

    OK(netns_create("a", 0, NULL));
    OK(netns_create("b", 0, NULL));
    OK(netns_create("c", 0, NULL));
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
    EQUAL(seen.count, 2);
    seen = (struct seen){.stop_at = 1, .result = -1};
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
    EQUAL(seen.count, 1);
}

static int remove_it(char *nsname, void *arg)
{
    char other[300];

    ++*(int *)arg;
    netns_remove(nsname, 0);
    snprintf(other, sizeof other, "new-%s", nsname);
    OK(netns_create(other, 0, NULL));
    return 0;
}

static void foreach_callback_may_add_and_remove_names(void)
{
    int count = 0;

    OK(netns_create("a", 0, NULL));
    OK(netns_create("b", 0, NULL));
    GIVES(0, 0, "", netns_foreach(remove_it, &count));
    EQUAL(count, 2);
    SAME(names(), "new-a new-b");
}

static void foreach_visits_thousands_of_names(void)
{
    enum { MANY = 3000 };
    struct seen seen = {0};
    char path[64];

    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "/run/netns/a-name-that-takes-some-room-%d", i);
        write_file(path, "", 0);
    }
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
    EQUAL(seen.count, MANY);
}

static void foreach_succeeds_without_run_directory(void)
{
    struct seen seen = {0};

    GIVES(0, 0, "", netns_foreach(see, &seen));
    EQUAL(seen.count, 0);
}

static void foreach_prints_error_if_directory_cannot_be_opened(void)
{
    struct seen seen = {0};

    write_file("/run/netns", "", 0644);
    GIVES(-1, ENOTDIR, "Failed to open directory /var/run/netns: Not a directory\n",
          netns_foreach(see, &seen));
    MESSAGE_HAS("list \"/run/netns\": open /run/netns: Not a directory");
    EQUAL(seen.count, 0);
    GIVES(-1, EINVAL, "", netns_foreach(NULL, NULL));
}

static void foreach_sets_errno_if_stderr_is_closed(void)
{
    struct seen seen = {0};

    write_file("/run/netns", "", 0644);
    MUST(close(2));
    errno = 0;
    EQUAL(netns_foreach(see, &seen), -1);
    EQUAL(errno, ENOTDIR);
    MUST(dup2(1, 2));
}

/* --- callbacks that do not return -------------------------------------------------------------- */

static jmp_buf before_the_jump;

static int jump(char *nsname, void *arg)
{
    (void)nsname;
    (void)arg;
    longjmp(before_the_jump, 1);
}

static void foreach_callback_may_longjmp(void)
{
    struct seen seen = {0};

    /* The names are leaked, as readdir(3)'s buffer would be. */
    if (under_valgrind())
        skip("it is a leak");
    OK(netns_create("blue", 0, NULL));
    for (volatile int i = 0; i < 3; i++)
        if (setjmp(before_the_jump) == 0) {
            netns_foreach(jump, NULL);
            CHECK(false);
        }
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
    EQUAL(seen.count, 1);
}

static int leave_thread(char *nsname, void *arg)
{
    (void)nsname;
    pthread_exit(arg);
}

static int wait_for_cancel(char *nsname, void *arg)
{
    (void)nsname;
    (void)arg;
    return pause();
}

static void *end_in_callback(void *arg)
{
    netns_foreach(leave_thread, arg);
    return NULL;
}

static void *be_cancelled_in_callback(void *arg)
{
    netns_foreach(wait_for_cancel, arg);
    return NULL;
}

static void foreach_callback_may_end_its_thread(void)
{
    struct seen seen = {0};
    pthread_t thread;
    void *result;

    if (under_valgrind())
        skip("it is a leak");
    OK(netns_create("blue", 0, NULL));
    EQUAL(pthread_create(&thread, NULL, end_in_callback, &test_failures), 0);
    pthread_join(thread, &result);
    CHECK(result == &test_failures);
    EQUAL(pthread_create(&thread, NULL, be_cancelled_in_callback, NULL), 0);
    sleep_ms(10);
    EQUAL(pthread_cancel(thread), 0);
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED);
    GIVES(0, EXDEV, "", netns_foreach(see, &seen));
}

static int end_process(char *nsname, void *arg)
{
    (void)nsname;
    (void)arg;
    exit(42);
}

static void foreach_callback_may_call_exit(void)
{
    pid_t pid;

    OK(netns_create("blue", 0, NULL));
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        netns_foreach(end_process, NULL);
        _exit(1);
    }
    EQUAL(wait_for(pid), 42);
}

int main(void)
{
    RUN(get_fd_opens_name_path_or_pid);
    RUN(get_fd_prefers_name_over_pid);
    RUN(get_fd_opens_symlinks_and_other_files);
    RUN(get_fd_sets_errno_on_failure);
    RUN(get_fd_of_exiting_process_never_fails_with_eacces);
    RUN(get_fd_without_permission_fails_with_eacces);

    RUN(foreach_visits_entries_in_directory_order);
    RUN(foreach_stops_at_nonzero_result);
    RUN(foreach_callback_may_add_and_remove_names);
    RUN(foreach_visits_thousands_of_names);
    RUN_WITHOUT_RUN_DIRECTORY(foreach_succeeds_without_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(foreach_prints_error_if_directory_cannot_be_opened);
    RUN_WITHOUT_RUN_DIRECTORY(foreach_sets_errno_if_stderr_is_closed);

    RUN(foreach_callback_may_longjmp);
    RUN(foreach_callback_may_end_its_thread);
    RUN(foreach_callback_may_call_exit);
    return finish();
}
