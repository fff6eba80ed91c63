/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The monitor reports every added and removed name exactly once, and nothing else. */
#include "fault.h"
#include "ip.h"
#include "privilege.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>

/* The timeout for an event, and how long the test waits to verify that there is none, in ms. */
#define PATIENCE (10000 * slowness())
#define QUIET 200
#define SOME_QUIET 20

#define ADD NETNS_EVENT_ADD
#define REMOVE NETNS_EVENT_REMOVE

/* --- a monitor and its events ----------------------------------------------------------------- */

static struct netns_monitor *watch_at(const char *rundir, uint32_t flags)
{
    struct netns_monitor *m = NULL;

    OK(netns_monitor_open(rundir, flags, &m));
    return MUST(m ? 0 : -1), m;
}

static struct netns_monitor *watch(uint32_t flags)
{
    return watch_at(NULL, flags);
}

static bool is_ready(struct netns_monitor *m, int ms)
{
    struct pollfd fd = {.fd = netns_monitor_fd(m), .events = POLLIN};

    return poll(&fd, 1, ms) == 1 && fd.revents == POLLIN;
}

static int take(struct netns_monitor *m, struct netns_event *ev)
{
    ev->size = sizeof *ev;
    return OK(netns_monitor_next(m, ev));
}

/* Waits for the next event, which the descriptor must announce. Returns false after the timeout. */
static bool await_event(struct netns_monitor *m, struct netns_event *ev, int ms)
{
    double end = seconds() + ms / 1000.0;
    int left = ms;

    do {
        if (!is_ready(m, left))
            return false;
        if (take(m, ev) == 1)
            return true;
        left = (int)((end - seconds()) * 1000);
    } while (left > 0);
    return false;
}

#define TELLS(m, type, name) tells_at((m), (type), (name), __LINE__)

static void tells_at(struct netns_monitor *m, uint32_t type, const char *name, int line)
{
    struct netns_event ev;

    if (!check_at(await_event(m, &ev, PATIENCE), line, "no event came for %s", name))
        return;
    check_at(ev.type == type && strcmp(ev.name, name) == 0, line,
             "event %u of \"%s\", not %u of \"%s\"", ev.type, ev.name, type, name);
}

/* Checks that there is no event and that the descriptor is not ready without reason, except once at the
   beginning. */
#define IS_QUIET(m) is_quiet_at((m), __LINE__)

static void is_quiet_at(struct netns_monitor *m, int line)
{
    struct netns_event ev;
    int wakes = 0;

    do {
        if (!check_at(take(m, &ev) == 0, line, "event %u of \"%s\"", ev.type, ev.name))
            return;
    } while (is_ready(m, SOME_QUIET) && ++wakes < 3);
    check_at(wakes < 2, line, "ready for nothing again and again");
}

/* Whether a name is reported without using a descriptor, and with its cookie (Linux 6.18). */
static bool have_handles(void)
{
    union { struct file_handle head; char space[sizeof(struct file_handle) + 128]; } handle;
    int mount_id, fd = MUST(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)), rc;

    handle.head.handle_bytes = 128;
    rc = name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH);
    close(fd);
    return rc == 0;
}

/* --- collected events ------------------------------------------------------------------------- */

struct told {
    int count, adds, removes;
    struct { char name[20]; bool live; } names[400];
};

static void note(struct told *told, const struct netns_event *ev)
{
    int i;

    for (i = 0; i < told->count && strcmp(told->names[i].name, ev->name); i++)
        ;
    if (i == told->count) {
        MUST(i < 400 && strlen(ev->name) < 20 ? 0 : -1);
        strcpy(told->names[i].name, ev->name);
        told->count++;
    }
    check_at(told->names[i].live == (ev->type == REMOVE), 0, "\"%s\" is told twice: %u", ev->name,
             ev->type);
    told->names[i].live = ev->type == ADD;
    told->adds += ev->type == ADD;
    told->removes += ev->type == REMOVE;
}

/* Reads events until none arrives for a while. */
static void follow(struct netns_monitor *m, struct told *told, int ms)
{
    struct netns_event ev;

    while (await_event(m, &ev, ms))
        note(told, &ev);
}

static int live_names(const struct told *told)
{
    int i, live = 0;

    for (i = 0; i < told->count; i++)
        live += told->names[i].live;
    return live;
}

/* Checks that the reported names are those that exist. */
static void is_what_is_listed(const struct told *told)
{
    struct netns_name_snapshot *list = NULL;
    int found = 0, i;
    size_t j;

    OK(netns_list(0, &list));
    for (i = 0; i < told->count; i++)
        for (j = 0; told->names[i].live && j < netns_list_len(list); j++)
            found += strcmp(told->names[i].name, netns_list_name(list, j)) == 0;
    EQUAL(found, netns_list_len(list));
    EQUAL(live_names(told), netns_list_len(list));
    netns_list_free(list);
}

/* --- names created without the library -------------------------------------------------------- */

/* Binds the process's own namespace, as a program that does not use the library would. */
static void bind_name(const char *path)
{
    write_file(path, "", 0);
    MUST(mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL));
}

static void unbind_name(const char *path)
{
    MUST(umount2(path, MNT_DETACH));
    MUST(unlink(path));
}

static void create(const char *name)
{
    OK(netns_create(name, 0, NULL));
}

static void erase(const char *name)
{
    OK(netns_remove(name, 0));
}

/* Creates and deletes more files than the inotify queue holds. */
static void overflow(const char *dir)
{
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    int most = 0, i;
    char path[64];

    MUST(file && fscanf(file, "%d", &most) == 1 ? 0 : -1);
    fclose(file);
    if (most > 1000000)
        skip("inotify keeps very many events here");
    for (i = 0; i < most / 2 + 100; i++) {
        snprintf(path, sizeof path, "%s/plain%d", dir, i);
        MUST(close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644))));
        MUST(unlink(path));
    }
}

/* --- what there is, and what changes ---------------------------------------------------------- */

static void snapshot_reports_existing_names_as_added(void)
{
    struct told told = {0};
    struct netns_monitor *m;

    create("blue");
    create("red");
    write_file("/run/netns/stale", "", 01000);
    m = watch(NETNS_MONITOR_SNAPSHOT);
    create("green");
    follow(m, &told, QUIET);
    EQUAL(told.adds, 3);
    EQUAL(told.removes, 0);
    is_what_is_listed(&told);
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void monitor_without_snapshot_reports_only_changes(void)
{
    struct netns_monitor *m;

    create("blue");
    m = watch(0);
    IS_QUIET(m);
    create("red");
    TELLS(m, ADD, "red");
    IS_QUIET(m);
    erase("blue");
    TELLS(m, REMOVE, "blue");
    erase("red");
    TELLS(m, REMOVE, "red");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void make_and_remove(void *arg)
{
    char name[20];
    int i;

    (void)arg;
    for (i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "n%d", i);
        create(name);
        if (i % 3 == 0)
            erase(name);
    }
}

/* The monitor is opened while names are added and removed: it reports the existing names and the changes,
   without gaps or duplicates. */
static void snapshot_during_changes_has_no_gaps_or_duplicates(void)
{
    int rounds = is_slow() ? 2 : 10, round, i;
    char name[20];

    for (round = 0; round < rounds && !test_failures; round++) {
        pid_t pid = start_part(make_and_remove, NULL);
        struct told told = {0};
        struct netns_monitor *m;

        usleep(2000 * round);
        m = watch(NETNS_MONITOR_SNAPSHOT);
        while (waitpid(pid, NULL, WNOHANG) == 0)
            follow(m, &told, 1);
        follow(m, &told, 50);
        is_what_is_listed(&told);
        EQUAL(live_names(&told), 40);
        netns_monitor_close(m);
        for (i = 0; i < 60; i++) {
            snprintf(name, sizeof name, "n%d", i);
            OK(netns_remove(name, NETNS_REMOVE_MISSING_OK));
        }
    }
}

static void ip_makes_names(void *count)
{
    char name[20];
    int i;

    for (i = 0; i < *(int *)count; i++) {
        snprintf(name, sizeof name, "ip%d", i);
        EQUAL(ip_netns("add", name, NULL, NULL), 0);
    }
}

static void ip_deletes_names(void *count)
{
    char name[20];
    int i;

    for (i = 0; i < *(int *)count; i++) {
        snprintf(name, sizeof name, "ip%d", i);
        EQUAL(ip_netns("delete", name, NULL, NULL), 0);
    }
}

static void names_added_by_ip_can_be_opened_when_reported(void)
{
    int count = is_slow() ? 50 : 300, i;
    struct told told = {0};
    struct netns_monitor *m;
    struct netns_event ev;
    struct netns *ns;
    pid_t pid;

    need_ip();
    m = watch(0);
    pid = start_part(ip_makes_names, &count);
    for (i = 0; i < count && CHECK(await_event(m, &ev, PATIENCE)); i++) {
        ns = NULL;
        OK(netns_open(ev.name, 0, &ns));
        netns_close(ns);
        note(&told, &ev);
    }
    EQUAL(wait_for(pid), 0);
    EQUAL(told.adds, count);
    is_what_is_listed(&told);
    pid = start_part(ip_deletes_names, &count);
    for (i = 0; i < count && CHECK(await_event(m, &ev, PATIENCE)); i++)
        note(&told, &ev);
    EQUAL(wait_for(pid), 0);
    EQUAL(told.removes, count);
    EQUAL(live_names(&told), 0);
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void two_monitors_work_independently(void)
{
    struct netns_monitor *a = watch(0), *b = watch(0);

    create("blue");
    TELLS(a, ADD, "blue");
    erase("blue");
    TELLS(a, REMOVE, "blue");
    IS_QUIET(a);
    netns_monitor_close(a);
    create("red");
    TELLS(b, ADD, "red");
    IS_QUIET(b);
    netns_monitor_close(b);
}

/* --- the directory ---------------------------------------------------------------------------- */

static void takes_the_directory_away(const char *dir)
{
    umount2(dir, MNT_DETACH);
    MUST(rmdir(dir));
}

static void monitor_follows_creation_and_removal_of_directory(void)
{
    struct netns_monitor *m = watch(NETNS_MONITOR_SNAPSHOT);
    int i;

    IS_QUIET(m);
    for (i = 0; i < 3; i++) {
        create("blue");
        TELLS(m, ADD, "blue");
        erase("blue");
        TELLS(m, REMOVE, "blue");
        takes_the_directory_away("/run/netns");
        IS_QUIET(m);
    }
    netns_monitor_close(m);
}

static void may_be_made_with_its_parents(const char *rundir, const char *middle, const char *top)
{
    struct netns_monitor *m = watch_at(rundir, 0);
    int i;

    for (i = 0; i < 3; i++) {
        IS_QUIET(m);
        OK(netns_create_at(rundir, "blue", 0, NULL));
        TELLS(m, ADD, "blue");
        IS_QUIET(m);
        OK(netns_remove_at(rundir, "blue", 0));
        /* Between two reads all of it disappears; once it also reappears. */
        takes_the_directory_away(rundir);
        MUST(rmdir(middle));
        MUST(rmdir(top));
        if (i == 1) {
            OK(netns_create_at(rundir, "red", 0, NULL));
            TELLS(m, REMOVE, "blue");
            TELLS(m, ADD, "red");
            OK(netns_remove_at(rundir, "red", 0));
            TELLS(m, REMOVE, "red");
        } else {
            TELLS(m, REMOVE, "blue");
        }
        if (i == 1) {
            takes_the_directory_away(rundir);
            MUST(rmdir(middle));
            MUST(rmdir(top));
        }
    }
    netns_monitor_close(m);
}

static void monitor_follows_directory_created_with_parents(void)
{
    may_be_made_with_its_parents("/run/a/b/netns", "/run/a/b", "/run/a");
    may_be_made_with_its_parents("/run//a/b///netns//", "/run/a/b", "/run/a");
}

static void monitor_accepts_relative_run_directory(void)
{
    int home = MUST(open(".", O_PATH | O_CLOEXEC));
    struct netns_monitor *m;

    MUST(chdir("/run"));
    may_be_made_with_its_parents("a/b/netns", "a/b", "a");
    m = watch_at("one", 0);
    OK(netns_create_at("one", "blue", 0, NULL));
    TELLS(m, ADD, "blue");
    netns_monitor_close(m);
    MUST(fchdir(home));
    close(home);
}

static void names_of_renamed_directory_are_reported_as_removed(void)
{
    struct netns_monitor *m;
    struct told told = {0};

    MUST(mkdir("/run/plain", 0755));
    bind_name("/run/plain/blue");
    m = watch_at("/run/plain", NETNS_MONITOR_SNAPSHOT);
    TELLS(m, ADD, "blue");
    MUST(rename("/run/plain", "/run/other"));
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    bind_name("/run/other/red");
    MUST(mkdir("/run/plain", 0755));
    bind_name("/run/plain/green");
    TELLS(m, ADD, "green");
    IS_QUIET(m);
    unbind_name("/run/plain/green");
    TELLS(m, REMOVE, "green");
    /* The old directory returns to its place. */
    MUST(rename("/run/plain", "/run/third"));
    MUST(rename("/run/other", "/run/plain"));
    follow(m, &told, QUIET);
    EQUAL(told.adds, 2);
    unbind_name("/run/plain/blue");
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void names_of_unmounted_directory_are_reported_as_removed(void)
{
    struct netns_monitor *m = watch(0);

    create("blue");
    TELLS(m, ADD, "blue");
    MUST(umount2("/run/netns", MNT_DETACH));
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    create("red");
    TELLS(m, ADD, "red");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void monitor_follows_file_replaced_by_directory_symlink(void)
{
    struct netns_monitor *m;

    write_file("/run/netns", "", 0644);
    m = watch(0);
    IS_QUIET(m);
    MUST(unlink("/run/netns"));
    MUST(mkdir("/run/other", 0755));
    bind_name("/run/other/blue");
    MUST(symlink("other", "/run/netns"));
    TELLS(m, ADD, "blue");
    bind_name("/run/other/red");
    TELLS(m, ADD, "red");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void monitor_follows_mount_over_plain_directory(void)
{
    struct netns_monitor *m;

    MUST(mkdir("/run/netns", 0755));
    bind_name("/run/netns/old");
    EQUAL(mounts_at("/run/netns"), 0);
    m = watch(NETNS_MONITOR_SNAPSHOT);
    TELLS(m, ADD, "old");
    create("new");
    EQUAL(mounts_at("/run/netns"), 1);
    TELLS(m, ADD, "new");
    IS_QUIET(m);
    erase("old");
    TELLS(m, REMOVE, "old");
    create("newer");
    TELLS(m, ADD, "newer");
    erase("new");
    TELLS(m, REMOVE, "new");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* --- files that are not names, or not yet ----------------------------------------------------- */

static void monitor_ignores_files_that_are_not_network_namespaces(void)
{
    struct netns_monitor *m = watch(0);

    write_file("/run/netns/plain", "text", 0644);
    MUST(mkdir("/run/netns/directory", 0755));
    MUST(mkfifo("/run/netns/fifo", 0644));
    MUST(symlink("nowhere", "/run/netns/link"));
    write_file("/run/netns/uts", "", 0644);
    MUST(mount("/proc/self/ns/uts", "/run/netns/uts", "none", MS_BIND, NULL));
    write_file("/run/netns/ours", "", 01000);
    write_file("/run/netns/foreign", "", 0);
    IS_QUIET(m);
    MUST(rename("/run/netns/plain", "/run/netns/renamed"));
    MUST(rename("/run/netns/ours", "/run/netns/theirs"));
    MUST(unlink("/run/netns/renamed"));
    MUST(unlink("/run/netns/fifo"));
    MUST(unlink("/run/netns/link"));
    MUST(unlink("/run/netns/foreign"));
    MUST(rmdir("/run/netns/directory"));
    unbind_name("/run/netns/uts");
    IS_QUIET(m);
    erase("theirs");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void placeholder_is_reported_when_bound(void)
{
    struct netns_monitor *m = watch(0);
    double start;
    pid_t pid;

    write_file("/run/netns/blue", "", 0);
    IS_QUIET(m);
    start = seconds();
    pid = bind_later("/run/netns/blue", 300);
    TELLS(m, ADD, "blue");
    CHECK(seconds() - start >= 0.29);
    EQUAL(wait_for(pid), 0);
    IS_QUIET(m);
    erase("blue");
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* One was there before the monitor was opened; another waits together with a second file. */
static void two_placeholders_are_reported_as_each_is_bound(void)
{
    struct netns_monitor *m;
    int descriptors;

    write_file("/run/netns/a", "", 0);
    write_file("/run/netns/b", "", 0);
    m = watch(0);
    IS_QUIET(m);
    descriptors = open_descriptors();
    MUST(mount("/proc/self/ns/net", "/run/netns/b", "none", MS_BIND, NULL));
    TELLS(m, ADD, "b");
    IS_QUIET(m);
    /* An unrelated mount. */
    MUST(mkdir("/run/elsewhere", 0755));
    MUST(mount("netns-test", "/run/elsewhere", "tmpfs", 0, NULL));
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/a", "none", MS_BIND, NULL));
    TELLS(m, ADD, "a");
    IS_QUIET(m);
    /* While no name is being created, mounts do not wake the monitor. */
    EQUAL(open_descriptors(), descriptors - 2);
    MUST(umount2("/run/elsewhere", MNT_DETACH));
    CHECK(!is_ready(m, QUIET));
    netns_monitor_close(m);
}

/* A script hears of its own changes in order. */
static void names_are_reported_in_order_of_binding(void)
{
    struct netns_monitor *m = watch(0);

    write_file("/run/netns/first", "", 0);
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/first", "none", MS_BIND, NULL));
    bind_name("/run/netns/second");
    TELLS(m, ADD, "first");
    TELLS(m, ADD, "second");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void monitor_follows_replaced_renamed_or_removed_placeholder(void)
{
    struct netns_monitor *m = watch(0);

    write_file("/run/netns/blue", "", 01000);
    IS_QUIET(m);
    create("blue");
    TELLS(m, ADD, "blue");
    IS_QUIET(m);
    write_file("/run/netns/red", "", 0);
    IS_QUIET(m);
    MUST(rename("/run/netns/red", "/run/netns/green"));
    MUST(mount("/proc/self/ns/net", "/run/netns/green", "none", MS_BIND, NULL));
    TELLS(m, ADD, "green");
    IS_QUIET(m);
    write_file("/run/netns/white", "", 0);
    IS_QUIET(m);
    MUST(rename("/run/netns/white", "/run/netns/black"));
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/black", "none", MS_BIND, NULL));
    TELLS(m, ADD, "black");
    write_file("/run/netns/none", "", 0);
    IS_QUIET(m);
    MUST(unlink("/run/netns/none"));
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* Whether inotify reports a change of a file's attributes, which the library causes after a bind. */
static void a_bind_is_announced(void *arg)
{
    int fd = MUST(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    union { struct inotify_event event; char space[4096]; } got;
    struct netns *ns = NULL;

    (void)arg;
    OK(netns_create("first", 0, &ns));
    write_file("/run/netns/ours", "", 01000);
    MUST(inotify_add_watch(fd, "/run/netns", IN_ATTRIB));
    OK(netns_create("new", 0, NULL));
    CHECK(read(fd, &got, sizeof got) > 0);
    SAME(got.event.name, "new");
    OK(netns_create("ours", 0, NULL));
    CHECK(read(fd, &got, sizeof got) > 0);
    SAME(got.event.name, "ours");
    OK(netns_attach(ns, "more", 0));
    CHECK(read(fd, &got, sizeof got) > 0);
    SAME(got.event.name, "more");
    netns_close(ns);
    erase("first");
    erase("new");
    erase("ours");
    erase("more");
    close(fd);
}

static void create_and_attach_raise_inotify_attrib_event(void)
{
    static const struct fault fault = {.call = SYS_utimensat, .error = EPERM};

    a_bind_is_announced(NULL);
    with_faults(&fault, 1, a_bind_is_announced, NULL);
}

/* --- which namespace it is ------------------------------------------------------------------- */

#define TELLS_OF(m, type, name, inode, cookie) \
    tells_of_at((m), (type), (name), (inode), (cookie), __LINE__)

static void tells_of_at(struct netns_monitor *m, uint32_t type, const char *name, uint64_t inode,
                        uint64_t cookie, int line)
{
    struct netns_event ev;

    if (!check_at(await_event(m, &ev, PATIENCE), line, "no event came for %s", name))
        return;
    check_at(ev.type == type && strcmp(ev.name, name) == 0, line, "event %u of \"%s\"", ev.type, ev.name);
    check_at(ev.inode == inode, line, "inode %ju, not %ju", (uintmax_t)ev.inode, (uintmax_t)inode);
    check_at(ev.cookie == cookie, line, "cookie %ju, not %ju", (uintmax_t)ev.cookie, (uintmax_t)cookie);
}

/* The cookie as events report it. */
static uint64_t told_cookie(const struct netns *ns)
{
    uint64_t cookie = 0;

    if (have_handles())
        OK(netns_cookie(ns, &cookie));
    return cookie;
}

static void events_carry_inode_and_cookie_of_namespace(void)
{
    struct netns_monitor *m = watch(0);
    struct netns *old = NULL, *new = NULL, *first;
    uint64_t cookies[2];

    OK(netns_create("blue", 0, &old));
    cookies[0] = told_cookie(old);
    TELLS_OF(m, ADD, "blue", netns_inode(old), cookies[0]);
    OK(netns_attach(old, "red", 0));
    TELLS_OF(m, ADD, "red", netns_inode(old), cookies[0]);
    erase("red");
    TELLS_OF(m, REMOVE, "red", netns_inode(old), cookies[0]);
    /* Replaced between two looks. Both exist, so their inodes differ. */
    erase("blue");
    OK(netns_create("blue", 0, &new));
    cookies[1] = told_cookie(new);
    CHECK(netns_inode(old) != netns_inode(new));
    CHECK(!cookies[0] || cookies[0] != cookies[1]);
    TELLS_OF(m, REMOVE, "blue", netns_inode(old), cookies[0]);
    TELLS_OF(m, ADD, "blue", netns_inode(new), cookies[1]);
    netns_monitor_close(m);
    m = watch(NETNS_MONITOR_SNAPSHOT);
    TELLS_OF(m, ADD, "blue", netns_inode(new), cookies[1]);
    /* When the name has disappeared, it is reported with its last namespace. */
    first = new;
    erase("blue");
    TELLS_OF(m, REMOVE, "blue", netns_inode(first), cookies[1]);
    netns_close(new);
    netns_close(old);
    netns_monitor_close(m);
}

/* --- cost ------------------------------------------------------------------------------------- */

/* How often the monitor became ready while something that is not a name was mounted and unmounted. */
static int wakes_by_mounts(struct netns_monitor *m, int count)
{
    struct netns_event ev;
    int wakes = 0, i;

    for (i = 0; i < count; i++) {
        MUST(mount("netns-test", "/run/elsewhere", "tmpfs", 0, NULL));
        MUST(umount2("/run/elsewhere", MNT_DETACH));
        if (!is_ready(m, 0))
            continue;
        wakes++;
        EQUAL(take(m, &ev), 0);
    }
    return wakes;
}

/* The age at which a placeholder of another program is stale, in seconds. */
#define STALE_AGE 10

static void mounts_do_not_wake_monitor_without_pending_names(void)
{
    struct netns_monitor *m;

    MUST(mkdir("/run/elsewhere", 0755));
    write_file("/run/netns/ours", "", 01000);
    m = watch(0);
    IS_QUIET(m);
    EQUAL(wakes_by_mounts(m, 200), 0);
    write_file("/run/netns/foreign", "", 0);
    IS_QUIET(m);
    CHECK(wakes_by_mounts(m, 5) > 0);
    sleep_ms(STALE_AGE * 1000 + 100);
    /* The look that finds it stale is the last one. */
    CHECK(wakes_by_mounts(m, 1) <= 1);
    EQUAL(wakes_by_mounts(m, 200), 0);
    /* A program that replaces it is noticed nevertheless. */
    create("foreign");
    TELLS(m, ADD, "foreign");
    create("ours");
    TELLS(m, ADD, "ours");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* The number of system calls that a part of a test makes in a child. */
static long system_calls_of(void (*part)(void *arg), void *arg)
{
    pid_t pid = MUST(fork());
    long stops = 0;
    int status;

    if (pid == 0) {
        MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
        raise(SIGSTOP);
        part(arg);
        _exit(test_failures > 0);
    }
    MUST(waitpid(pid, &status, 0));
    for (; WIFSTOPPED(status); stops++) {
        MUST(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
        MUST(waitpid(pid, &status, 0));
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return stops / 2;
}

static void make_a_file(void *m)
{
    struct netns_event ev;

    write_file("/run/netns/change", "", 0);
    EQUAL(take(m, &ev), 0);
    MUST(unlink("/run/netns/change"));
    EQUAL(take(m, &ev), 0);
}

static void make_a_name(void *m)
{
    struct netns_event ev;

    create("change");
    EQUAL(take(m, &ev), 1);
    EQUAL(take(m, &ev), 0);
    erase("change");
    EQUAL(take(m, &ev), 1);
    EQUAL(take(m, &ev), 0);
}

/* The number of system calls for `change` and a look at it, beside this many files that have not been
   bound yet. */
static long cost_beside(int count, mode_t mode, void (*change)(void *arg))
{
    struct netns_monitor *m;
    struct netns_event ev;
    char path[64];
    long calls;
    int i;

    for (i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/run/netns/left%d", i);
        write_file(path, "", mode);
    }
    m = watch(0);
    EQUAL(take(m, &ev), 0);
    change(m);
    calls = system_calls_of(change, m);
    netns_monitor_close(m);
    for (i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/run/netns/left%d", i);
        MUST(unlink(path));
    }
    return calls;
}

static void cost_of_change_does_not_depend_on_leftover_files(void)
{
    long few, many;

    if (under_valgrind())
        skip("counts valgrind's system calls as well");
    create("first");
    few = cost_beside(1, 01000, make_a_name);
    many = cost_beside(1000, 01000, make_a_name);
    EQUAL(few, many);
    few = cost_beside(1, 0, make_a_file);
    many = cost_beside(1000, 0, make_a_file);
    EQUAL(few, many);
}

/* --- descriptors ------------------------------------------------------------------------------ */

#define MOST_DESCRIPTORS 64

/* The descriptors that are open now and were not before, and their number. */
static int new_descriptors(const bool *before, int *fds)
{
    int fd, count = 0;

    for (fd = 0; fd < MOST_DESCRIPTORS; fd++)
        if (!before[fd] && fcntl(fd, F_GETFD) >= 0)
            fds[count++] = fd;
    return count;
}

static void see_descriptors(bool *seen)
{
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
        seen[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* A monitor that has all the descriptors that it can have. */
static struct netns_monitor *watch_with_all(int *fds, int *count)
{
    bool before[MOST_DESCRIPTORS];
    struct netns_monitor *m;

    see_descriptors(before);
    m = watch(0);
    IS_QUIET(m);
    *count = new_descriptors(before, fds);
    EQUAL(*count, 5);
    return m;
}

static void is_foreign(struct netns_monitor *m)
{
    struct netns_event ev = {.size = sizeof ev}, before = ev;

    FAILS(EBADF, netns_monitor_next(m, &ev));
    CHECK(memcmp(&ev, &before, sizeof ev) == 0);
}

/* A descriptor number belongs to another file: a pipe with a byte in it, which must not be read, or a file
 * of the same kind. */
static void next_with_replaced_descriptor_fails_with_ebadf(void)
{
    int fds[MOST_DESCRIPTORS], others[MOST_DESCRIPTORS], pipe_fds[2], count, other_count, i;
    struct netns_monitor *m, *other;
    struct epoll_event event;
    struct netns_event ev;
    char byte;

    create("first");
    write_file("/run/netns/waits", "", 0);
    other = watch_with_all(others, &other_count);
    MUST(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK));
    MUST(write(pipe_fds[1], "x", 1));
    m = watch_with_all(fds, &count);
    for (i = 0; i < count; i++) {
        int kept = MUST(fcntl(fds[i], F_DUPFD_CLOEXEC, 0));

        MUST(dup2(pipe_fds[0], fds[i]));
        is_foreign(m);
        MUST(dup2(others[i], fds[i]));
        is_foreign(m);
        MUST(close(fds[i]));
        is_foreign(m);
        /* Restores the monitor's descriptor. */
        MUST(dup2(kept, fds[i]));
        MUST(close(kept));
        EQUAL(take(m, &ev), 0);
    }
    EQUAL(read(pipe_fds[0], &byte, 1), 1);
    /* The borrowed descriptor has not been changed. */
    EQUAL(epoll_wait(netns_monitor_fd(other), &event, 1, 0), 0);
    create("blue");
    TELLS(other, ADD, "blue");
    IS_QUIET(other);
    TELLS(m, ADD, "blue");
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/waits", "none", MS_BIND, NULL));
    TELLS(other, ADD, "waits");
    TELLS(m, ADD, "waits");
    netns_monitor_close(m);
    netns_monitor_close(other);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* Like a daemon that closes unknown descriptors and opens others. */
static void monitor_close_keeps_files_that_reuse_descriptors(void)
{
    int fds[MOST_DESCRIPTORS], count, i, descriptors, null;
    struct netns_monitor *m;

    write_file("/run/netns/waits", "", 0);
    m = watch_with_all(fds, &count);
    MUST(null = open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (i = 0; i < count; i++)
        MUST(dup2(null, fds[i]));
    MUST(close(null));
    descriptors = open_descriptors();
    FAILS(EBADF, netns_monitor_fd(m));
    MESSAGE_HAS("monitor \"/run/netns\": ");
    is_foreign(m);
    netns_monitor_close(m);
    EQUAL(open_descriptors(), descriptors);
    for (i = 0; i < count; i++)
        MUST(close(fds[i]));
}

static void *use_in_a_table_of_its_own(void *m)
{
    struct netns_event ev;
    int fd;

    /* The numbers that are open now mean the same in both tables. */
    MUST(unshare(CLONE_FILES));
    create("blue");
    EQUAL(take(m, &ev), 1);
    SAME(ev.name, "blue");
    fd = netns_monitor_fd(m);
    for (int other = 3; other < MOST_DESCRIPTORS; other++)
        close(other);
    FAILS(EBADF, netns_monitor_fd(m));
    is_foreign(m);
    EQUAL(MUST(epoll_create1(EPOLL_CLOEXEC)), 3);
    MUST(dup2(3, fd));
    is_foreign(m);
    return NULL;
}

static void monitor_works_in_thread_with_unshared_descriptors(void)
{
    struct netns_monitor *m = watch(0);
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, use_in_a_table_of_its_own, m));
    MUST(-pthread_join(thread, NULL));
    create("red");
    TELLS(m, ADD, "red");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* --- between two reads ------------------------------------------------------------------------ */

static void monitor_reports_recreated_name_as_remove_then_add(void)
{
    struct netns_monitor *m = watch(0);

    create("blue");
    TELLS(m, ADD, "blue");
    erase("blue");
    create("blue");
    TELLS(m, REMOVE, "blue");
    TELLS(m, ADD, "blue");
    IS_QUIET(m);
    erase("blue");
    create("blue");
    erase("blue");
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    create("blue");
    erase("blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void reattached_name_reports_remove_and_add_or_nothing(void)
{
    struct netns_monitor *m = watch(0);
    struct netns_event ev;
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    TELLS(m, ADD, "blue");
    erase("blue");
    OK(netns_attach(ns, "blue", 0));
    if (await_event(m, &ev, QUIET)) {
        EQUAL(ev.type, REMOVE);
        TELLS(m, ADD, "blue");
    }
    IS_QUIET(m);
    erase("blue");
    TELLS(m, REMOVE, "blue");
    netns_close(ns);
    netns_monitor_close(m);
}

/* Without cookies, and possibly with the same inode, the monitor must remember that the name was removed. */
static void follow_without_handles(void *arg)
{
    (void)arg;
    monitor_reports_recreated_name_as_remove_then_add();
    reattached_name_reports_remove_and_add_or_nothing();
}

static void recreated_names_are_reported_without_file_handles(void)
{
    static const struct fault faults[] = {{.call = SYS_name_to_handle_at, .error = ENOSYS}};

    with_faults(faults, 1, follow_without_handles, NULL);
}

static void monitor_reports_difference_after_queue_overflow(void)
{
    struct netns_monitor *m;
    struct told told = {0};

    create("gone");
    create("stays");
    create("remade");
    m = watch(NETNS_MONITOR_SNAPSHOT);
    follow(m, &told, QUIET);
    EQUAL(told.adds, 3);
    overflow("/run/netns");
    erase("gone");
    erase("remade");
    create("remade");
    create("new");
    overflow("/run/netns");
    write_file("/run/netns/waits", "", 0);
    follow(m, &told, QUIET);
    EQUAL(told.adds, 5);
    EQUAL(told.removes, 2);
    is_what_is_listed(&told);
    MUST(mount("/proc/self/ns/net", "/run/netns/waits", "none", MS_BIND, NULL));
    TELLS(m, ADD, "waits");
    create("newer");
    TELLS(m, ADD, "newer");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* The event that reports this is among those that were lost. */
static void monitor_follows_replaced_directory_after_overflow(void)
{
    struct netns_monitor *m;

    MUST(mkdir("/run/plain", 0755));
    bind_name("/run/plain/blue");
    m = watch_at("/run/plain", NETNS_MONITOR_SNAPSHOT);
    TELLS(m, ADD, "blue");
    overflow("/run/plain");
    MUST(rename("/run/plain", "/run/other"));
    MUST(mkdir("/run/plain", 0755));
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    bind_name("/run/plain/red");
    TELLS(m, ADD, "red");
    overflow("/run/plain");
    unbind_name("/run/plain/red");
    MUST(rmdir("/run/plain"));
    TELLS(m, REMOVE, "red");
    IS_QUIET(m);
    MUST(mkdir("/run/plain", 0755));
    bind_name("/run/plain/green");
    TELLS(m, ADD, "green");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* --- event loops, processes and threads ------------------------------------------------------- */

static void epoll_is_ready_while_events_are_pending(void)
{
    int epoll = MUST(epoll_create1(EPOLL_CLOEXEC)), i;
    struct epoll_event event = {.events = EPOLLIN};
    struct netns_monitor *m;
    struct netns_event ev;

    create("a");
    create("b");
    create("c");
    m = watch(NETNS_MONITOR_SNAPSHOT);
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, netns_monitor_fd(m), &event));
    /* The snapshot also wakes the loop, which may read one event each time. */
    for (i = 0; i < 3; i++) {
        EQUAL(epoll_wait(epoll, &event, 1, PATIENCE), 1);
        EQUAL(epoll_wait(epoll, &event, 1, PATIENCE), 1);
        EQUAL(take(m, &ev), 1);
    }
    IS_QUIET(m);
    EQUAL(epoll_wait(epoll, &event, 1, QUIET), 0);
    erase("a");
    erase("b");
    create("a");
    for (i = 0; i < 3; i++) {
        EQUAL(epoll_wait(epoll, &event, 1, PATIENCE), 1);
        EQUAL(take(m, &ev), 1);
    }
    IS_QUIET(m);
    write_file("/run/netns/waits", "", 0);
    EQUAL(epoll_wait(epoll, &event, 1, PATIENCE), 1);
    IS_QUIET(m);
    EQUAL(epoll_wait(epoll, &event, 1, QUIET), 0);
    MUST(mount("/proc/self/ns/net", "/run/netns/waits", "none", MS_BIND, NULL));
    EQUAL(epoll_wait(epoll, &event, 1, PATIENCE), 1);
    EQUAL(take(m, &ev), 1);
    SAME(ev.name, "waits");
    IS_QUIET(m);
    EQUAL(epoll_wait(epoll, &event, 1, QUIET), 0);
    netns_monitor_close(m);
    close(epoll);
}

/* Event loops query readiness several times: adding a descriptor to an epoll, re-arming it, or nesting
   epolls queries it each time. */
static void monitor_stays_ready_across_repeated_polls(void)
{
    int inner = MUST(epoll_create1(EPOLL_CLOEXEC)), outer = MUST(epoll_create1(EPOLL_CLOEXEC)), i;
    struct epoll_event event = {.events = EPOLLIN}, once = {.events = EPOLLIN | EPOLLONESHOT};
    struct netns_monitor *m;
    struct pollfd fd;

    write_file("/run/netns/polled", "", 0);
    write_file("/run/netns/added", "", 0);
    write_file("/run/netns/armed", "", 0);
    write_file("/run/netns/nested", "", 0);
    m = watch(0);
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/polled", "none", MS_BIND, NULL));
    for (i = 0; i < 3; i++)
        CHECK(is_ready(m, 0));
    TELLS(m, ADD, "polled");
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/added", "none", MS_BIND, NULL));
    MUST(epoll_ctl(inner, EPOLL_CTL_ADD, netns_monitor_fd(m), &once));
    EQUAL(epoll_wait(inner, &event, 1, 0), 1);
    TELLS(m, ADD, "added");
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/armed", "none", MS_BIND, NULL));
    once.events = EPOLLIN | EPOLLONESHOT;
    MUST(epoll_ctl(inner, EPOLL_CTL_MOD, netns_monitor_fd(m), &once));
    EQUAL(epoll_wait(inner, &event, 1, 0), 1);
    TELLS(m, ADD, "armed");
    IS_QUIET(m);
    event.events = once.events = EPOLLIN;
    MUST(epoll_ctl(inner, EPOLL_CTL_MOD, netns_monitor_fd(m), &once));
    MUST(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    MUST(mount("/proc/self/ns/net", "/run/netns/nested", "none", MS_BIND, NULL));
    fd = (struct pollfd){.fd = outer, .events = POLLIN};
    EQUAL(poll(&fd, 1, 0), 1);
    EQUAL(epoll_wait(outer, &event, 1, 0), 1);
    EQUAL(epoll_wait(inner, &event, 1, 0), 1);
    TELLS(m, ADD, "nested");
    IS_QUIET(m);
    EQUAL(epoll_wait(outer, &event, 1, QUIET), 0);
    netns_monitor_close(m);
    close(inner);
    close(outer);
}

static void watch_as_plain_user(void *arg)
{
    struct netns_monitor *m;
    struct netns *ns = NULL;
    int *go = arg;

    become_plain_user();
    m = watch(NETNS_MONITOR_SNAPSHOT);
    TELLS(m, ADD, "old");
    IS_QUIET(m);
    MUST(write(go[1], "", 1));
    TELLS(m, ADD, "blue");
    OK(netns_open("blue", 0, &ns));
    netns_close(ns);
    TELLS(m, REMOVE, "old");
    TELLS(m, ADD, "red");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void unprivileged_user_can_monitor_names(void)
{
    int go[2], status;
    pid_t pid;
    char byte;

    create("old");
    MUST(pipe2(go, O_CLOEXEC));
    pid = start_part(watch_as_plain_user, go);
    close(go[1]);
    if (read(go[0], &byte, 1) == 1) {
        create("blue");
        sleep_ms(50);
        erase("old");
        sleep_ms(50);
        write_file("/run/netns/red", "", 0);
        sleep_ms(50);
        MUST(mount("/proc/self/ns/net", "/run/netns/red", "none", MS_BIND, NULL));
    }
    close(go[0]);
    status = wait_for(pid);
    if (status == SKIPPED)
        skip("needs real root");
    EQUAL(status, 0);
}

#define THREADS 8
#define SHARED_NAMES 64

struct shared {
    struct netns_monitor *m;
    atomic_int adds[SHARED_NAMES], removes[SHARED_NAMES], events;
    atomic_bool ends;
};

static void *take_with_others(void *arg)
{
    struct shared *shared = arg;
    struct netns_event ev = {.size = sizeof ev};
    int rc;

    while (!shared->ends) {
        struct pollfd fd = {.fd = netns_monitor_fd(shared->m), .events = POLLIN};

        poll(&fd, 1, 20);
        while ((rc = netns_monitor_next(shared->m, &ev)) == 1) {
            int i = atoi(ev.name + 1) % SHARED_NAMES;

            atomic_fetch_add(ev.type == ADD ? &shared->adds[i] : &shared->removes[i], 1);
            shared->events++;
        }
        if (rc < 0)
            shared->ends = true;
    }
    return NULL;
}

static void wait_for_events(struct shared *shared, int count)
{
    double end = seconds() + PATIENCE / 1000;

    while (shared->events < count && seconds() < end)
        sleep_ms(1);
    sleep_ms(50);
    EQUAL(shared->events, count);
}

static void each_event_is_returned_to_exactly_one_thread(void)
{
    static struct shared shared;
    pthread_t threads[THREADS];
    char name[20];
    int i;

    shared.m = watch(0);
    for (i = 0; i < THREADS; i++)
        MUST(-pthread_create(&threads[i], NULL, take_with_others, &shared));
    for (i = 0; i < SHARED_NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        create(name);
    }
    wait_for_events(&shared, SHARED_NAMES);
    for (i = 0; i < SHARED_NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        erase(name);
    }
    wait_for_events(&shared, 2 * SHARED_NAMES);
    CHECK(!shared.ends);
    shared.ends = true;
    for (i = 0; i < THREADS; i++)
        MUST(-pthread_join(threads[i], NULL));
    for (i = 0; i < SHARED_NAMES; i++) {
        EQUAL(shared.adds[i], 1);
        EQUAL(shared.removes[i], 1);
    }
    netns_monitor_close(shared.m);
}

static void use_and_close(void *m)
{
    create("blue");
    TELLS(m, ADD, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void only_close(void *m)
{
    netns_monitor_close(m);
}

static void forked_child_can_use_or_close_monitor(void)
{
    struct netns_monitor *m = watch(0);

    IN_CHILD(use_and_close, m);
    netns_monitor_close(m);
    write_file("/run/netns/red", "", 0);
    m = watch(0);
    IN_CHILD(only_close, m);
    create("green");
    TELLS(m, ADD, "green");
    MUST(mount("/proc/self/ns/net", "/run/netns/red", "none", MS_BIND, NULL));
    TELLS(m, ADD, "red");
    erase("blue");
    TELLS(m, REMOVE, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

/* --- failures --------------------------------------------------------------------------------- */

#define NO_MONITOR ((struct netns_monitor *)&test_failures)

static void invalid_arguments_are_rejected(void)
{
    struct netns_monitor *m = NO_MONITOR;
    static const char zeroes[64];
    struct { struct netns_event ev; char after[sizeof zeroes]; } big, before;
    int bit;

    for (bit = 1; bit < 32; bit++)
        FAILS(EINVAL, netns_monitor_open(NULL, 1u << bit, &m));
    FAILS(EINVAL, netns_monitor_open("", 0, &m));
    FAILS(EINVAL, netns_monitor_open(NULL, 0, NULL));
    FAILS(EINVAL, netns_monitor_fd(NULL));
    CHECK(m == NO_MONITOR);

    m = watch(0);
    create("blue");
    memset(&big, 0x5a, sizeof big);
    for (bit = 0; bit < 3; bit++) {
        static const uint32_t sizes[] = {0, 4, sizeof(struct netns_event) - 1};

        big.ev.size = sizes[bit];
        before = big;
        FAILS(EINVAL, netns_monitor_next(m, &big.ev));
        CHECK(memcmp(&big, &before, sizeof big) == 0);
    }
    FAILS(EINVAL, netns_monitor_next(m, NULL));
    big.ev.size = sizeof big;
    FAILS(EINVAL, netns_monitor_next(NULL, &big.ev));
    big.ev.size = 4097;
    before = big;
    FAILS(E2BIG, netns_monitor_next(m, &big.ev));
    CHECK(memcmp(&big, &before, sizeof big) == 0);
    big.ev.size = sizeof big;
    /* A later version's structure is larger: fields unknown to this version are zero. */
    EQUAL(OK(netns_monitor_next(m, &big.ev)), 1);
    EQUAL(big.ev.size, sizeof big);
    EQUAL(big.ev.type, ADD);
    SAME(big.ev.name, "blue");
    CHECK(memcmp(big.after, zeroes, sizeof zeroes) == 0);
    before = big;
    EQUAL(OK(netns_monitor_next(m, &big.ev)), 0);
    CHECK(memcmp(&big, &before, sizeof big) == 0);
    netns_monitor_close(m);
    errno = ERRNO_UNTOUCHED;
    netns_monitor_close(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

static void event_contains_complete_255_byte_name(void)
{
    struct netns_monitor *m = watch(0);
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    create(name);
    TELLS(m, ADD, name);
    erase(name);
    TELLS(m, REMOVE, name);
    netns_monitor_close(m);
}

/* The other side of a pair of pipes: writes a byte and waits for one. */
static void say(const int *ends)
{
    MUST(write(ends[1], "", 1));
}

static void hear(const int *ends)
{
    char byte;

    MUST(read(ends[0], &byte, 1) == 1 ? 0 : -1);
}

static void lose_the_right_to_read(void *arg)
{
    int (*pipes)[2] = arg;
    struct netns_monitor *m = NO_MONITOR;
    struct netns_event ev = {.size = sizeof ev}, before = ev;

    become_plain_user();
    FAILS(EACCES, netns_monitor_open("/run/closed", 0, &m));
    FAILS(EACCES, netns_monitor_open("/run/closed/netns", 0, &m));
    CHECK(m == NO_MONITOR);
    m = watch(0);
    say(pipes[0]);
    hear(pipes[1]);
    CHECK(is_ready(m, PATIENCE));
    FAILS(EACCES, netns_monitor_next(m, &ev));
    FAILS(EACCES, netns_monitor_next(m, &ev));
    CHECK(memcmp(&ev, &before, sizeof ev) == 0);
    /* A caller that cannot solve the problem is not woken continuously. */
    CHECK(!is_ready(m, QUIET));
    say(pipes[0]);
    hear(pipes[1]);
    EQUAL(take(m, &ev), 1);
    SAME(ev.name, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void unreadable_directory_fails_with_eacces(void)
{
    int pipes[2][2], status;
    pid_t pid;

    MUST(mkdir("/run/closed", 0700));
    MUST(pipe2(pipes[0], O_CLOEXEC));
    MUST(pipe2(pipes[1], O_CLOEXEC));
    pid = start_part(lose_the_right_to_read, pipes);
    close(pipes[0][1]);
    if (read(pipes[0][0], &(char){0}, 1) == 1) {
        create("blue");
        MUST(chmod("/run/netns", 0700));
        say(pipes[1]);
        hear(pipes[0]);
        MUST(chmod("/run/netns", 0755));
        say(pipes[1]);
    }
    status = wait_for(pid);
    close(pipes[0][0]);
    close(pipes[1][0]);
    close(pipes[1][1]);
    if (status == SKIPPED)
        skip("needs real root");
    EQUAL(status, 0);
}

static struct netns_monitor *opened;

static long long open_one(void)
{
    opened = NO_MONITOR;
    return netns_monitor_open(NULL, 0, &opened);
}

static void monitor_open_without_descriptors_fails_with_emfile(void)
{
    write_file("/run/netns/waits", "", 0);
    RUNS_OUT_OF_DESCRIPTORS(open_one());
    CHECK(opened != NO_MONITOR);
    MUST(mount("/proc/self/ns/net", "/run/netns/waits", "none", MS_BIND, NULL));
    TELLS(opened, ADD, "waits");
    netns_monitor_close(opened);
}

static void next_without_descriptors_loses_no_event(void)
{
    struct netns_event ev = {.size = sizeof ev}, before = ev;
    struct netns_monitor *m = watch(0);
    bool needs_none = have_handles();
    struct state state = state_now();
    int more;

    create("blue");
    allow_descriptors(0);
    if (needs_none) {
        EQUAL(take(m, &ev), 1);
    } else {
        FAILS(EMFILE, netns_monitor_next(m, &ev));
        FAILS(EMFILE, netns_monitor_next(m, &ev));
        CHECK(memcmp(&ev, &before, sizeof ev) == 0);
        allow_descriptors(-1);
        EQUAL(take(m, &ev), 1);
    }
    allow_descriptors(-1);
    EQUAL(open_descriptors(), state.descriptors);
    SAME(ev.name, "blue");
    IS_QUIET(m);

    /* Waiting for the bind needs two more descriptors, which may be missing at first. */
    write_file("/run/netns/red", "", 0);
    for (more = 0; more < 3; more++) {
        allow_descriptors(more);
        FAILS(EMFILE, netns_monitor_next(m, &ev));
        FAILS(EMFILE, netns_monitor_next(m, &ev));
        allow_descriptors(-1);
        EQUAL(open_descriptors(), state.descriptors);
    }
    IS_QUIET(m);
    MUST(mount("/proc/self/ns/net", "/run/netns/red", "none", MS_BIND, NULL));
    TELLS(m, ADD, "red");

    /* This also makes the monitor look at everything. */
    overflow("/run/netns");
    erase("blue");
    allow_descriptors(0);
    FAILS(EMFILE, netns_monitor_next(m, &ev));
    allow_descriptors(-1);
    EQUAL(take(m, &ev), 1);
    EQUAL(ev.type, REMOVE);
    SAME(ev.name, "blue");
    IS_QUIET(m);
    netns_monitor_close(m);
}

static void open_fails(void *error)
{
    struct netns_monitor *m = NO_MONITOR;

    FAILS(*(int *)error, netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &m));
    CHECK(m == NO_MONITOR);
}

static void monitor_open_returns_kernel_errno(void)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOSPC};
    static const int calls[] = {SYS_epoll_create1, SYS_epoll_ctl, SYS_inotify_init1,
                                SYS_inotify_add_watch, SYS_openat, SYS_getdents64};
    struct state before;
    size_t i, j;

    need_seccomp();
    create("blue");
    before = state_now();
    for (i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (j = 0; j < sizeof errors / sizeof *errors; j++) {
            struct fault fault = {.call = calls[i], .error = errors[j]};

            with_faults(&fault, 1, open_fails, (void *)&errors[j]);
            UNCHANGED_SINCE(before);
        }
    }
}

struct refused {
    struct netns_monitor *m;
    int error;
};

static void next_fails(void *arg)
{
    struct refused *refused = arg;
    struct netns_event ev = {.size = sizeof ev}, before = ev;

    FAILS(refused->error, netns_monitor_next(refused->m, &ev));
    FAILS(refused->error, netns_monitor_next(refused->m, &ev));
    CHECK(memcmp(&ev, &before, sizeof ev) == 0);
}

static void next_returns_kernel_errno_and_loses_no_event(void)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOSPC};
    static const int calls[] = {SYS_openat, SYS_inotify_add_watch, SYS_getdents64};
    struct netns_monitor *m;
    struct state before;
    size_t i, j;

    need_seccomp();
    MUST(umount2("/run/netns", MNT_DETACH));
    MUST(rmdir("/run/netns"));
    m = watch(0);
    before = state_now();
    for (i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (j = 0; j < sizeof errors / sizeof *errors; j++) {
            struct fault fault = {.call = calls[i], .error = errors[j]};
            struct refused refused = {m, errors[j]};

            create("blue");
            with_faults(&fault, 1, next_fails, &refused);
            EQUAL(open_descriptors(), before.descriptors);
            /* The descriptor need not be ready now: a caller whose call failed calls again. */
            EQUAL(take(m, &(struct netns_event){0}), 1);
            IS_QUIET(m);
            erase("blue");
            TELLS(m, REMOVE, "blue");
            takes_the_directory_away("/run/netns");
            IS_QUIET(m);
        }
    }
    netns_monitor_close(m);
}

static void descriptors_are_closed_on_exec(void)
{
    struct netns_monitor *m;
    bool open_before[100];
    int fd, seen = 0;

    write_file("/run/netns/waits", "", 0);
    for (fd = 0; fd < 100; fd++)
        open_before[fd] = fcntl(fd, F_GETFD) >= 0;
    m = watch(0);
    for (fd = 0; fd < 100; fd++) {
        int flags = fcntl(fd, F_GETFD);

        if (open_before[fd] || flags < 0)
            continue;
        seen++;
        CHECK(flags & FD_CLOEXEC);
    }
    /* At least an epoll, an inotify and, for the name being created, mountinfo. */
    CHECK(seen >= 3);
    netns_monitor_close(m);
}

/* --- many namespaces -------------------------------------------------------------------------- */

struct pairs {
    struct netns *ns;
    int count;
    sem_t told;
    atomic_bool failed;
};

/* A name is removed as soon as it was reported, and the next one is added without waiting for that. */
static void *make_pairs(void *arg)
{
    struct pairs *pairs = arg;
    struct timespec end;
    char name[20];
    int i;

    for (i = 0; i < pairs->count && !pairs->failed; i++) {
        snprintf(name, sizeof name, "n%d", i % 300);
        if (netns_attach(pairs->ns, name, 0) < 0)
            pairs->failed = true;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += PATIENCE / 1000;
        if (sem_timedwait(&pairs->told, &end) < 0 || netns_remove(name, 0) < 0)
            pairs->failed = true;
    }
    return NULL;
}

static void monitor_loses_none_of_10000_add_remove_pairs(void)
{
    struct pairs pairs = {.count = is_slow() ? 300 : 10000};
    struct netns_monitor *m = watch(0);
    struct told told = {0};
    struct netns_event ev;
    double start = seconds();
    pthread_t thread;

    OK(netns_create(NULL, 0, &pairs.ns));
    MUST(sem_init(&pairs.told, 0, 0));
    MUST(-pthread_create(&thread, NULL, make_pairs, &pairs));
    while (told.removes < pairs.count && !test_failures && CHECK(await_event(m, &ev, PATIENCE))) {
        note(&told, &ev);
        if (ev.type == ADD)
            sem_post(&pairs.told);
    }
    MUST(-pthread_join(thread, NULL));
    CHECK(!pairs.failed);
    EQUAL(told.adds, pairs.count);
    EQUAL(told.removes, pairs.count);
    IS_QUIET(m);
    printf("# %d pairs in %.1f s\n", pairs.count, seconds() - start);
    sem_destroy(&pairs.told);
    netns_close(pairs.ns);
    netns_monitor_close(m);
}

static void churn(void *seed)
{
    double end = seconds() + 2;
    unsigned state = *(unsigned *)seed;
    char name[8];

    while (seconds() < end) {
        int rc;

        snprintf(name, sizeof name, "n%d", rand_r(&state) % 8);
        if (rand_r(&state) % 2) {
            rc = netns_create(name, 0, NULL);
            CHECK(rc == 0 || rc == -EEXIST || rc == -EAGAIN);
        } else {
            rc = netns_remove(name, 0);
            CHECK(rc == 0 || rc == -ENOENT);
        }
    }
}

static void events_of_concurrent_changes_are_complete_and_ordered(void)
{
    unsigned seeds[3] = {1, 2, 3};
    struct netns_monitor *m = watch(NETNS_MONITOR_SNAPSHOT);
    struct told told = {0};
    double end = seconds() + 2.5;
    pid_t pids[3];
    int i;

    for (i = 0; i < 3; i++)
        pids[i] = start_part(churn, &seeds[i]);
    while (seconds() < end)
        follow(m, &told, 10);
    for (i = 0; i < 3; i++)
        EQUAL(wait_for(pids[i]), 0);
    follow(m, &told, QUIET);
    /* valgrind on a busy machine may get through only a few. */
    CHECK(told.adds > (is_slow() ? 0 : 20) && told.removes > (is_slow() ? 0 : 20));
    is_what_is_listed(&told);
    IS_QUIET(m);
    printf("# %d events\n", told.adds + told.removes);
    netns_monitor_close(m);
}

int main(void)
{
    RUN(snapshot_reports_existing_names_as_added);
    RUN(monitor_without_snapshot_reports_only_changes);
    RUN(snapshot_during_changes_has_no_gaps_or_duplicates);
    RUN(names_added_by_ip_can_be_opened_when_reported);
    RUN(two_monitors_work_independently);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_follows_creation_and_removal_of_directory);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_follows_directory_created_with_parents);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_accepts_relative_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(names_of_renamed_directory_are_reported_as_removed);
    RUN(names_of_unmounted_directory_are_reported_as_removed);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_follows_file_replaced_by_directory_symlink);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_follows_mount_over_plain_directory);
    RUN(monitor_ignores_files_that_are_not_network_namespaces);
    RUN(placeholder_is_reported_when_bound);
    RUN(two_placeholders_are_reported_as_each_is_bound);
    RUN(names_are_reported_in_order_of_binding);
    RUN(create_and_attach_raise_inotify_attrib_event);
    RUN(events_carry_inode_and_cookie_of_namespace);
    RUN(mounts_do_not_wake_monitor_without_pending_names);
    RUN(cost_of_change_does_not_depend_on_leftover_files);
    RUN(next_with_replaced_descriptor_fails_with_ebadf);
    RUN(monitor_close_keeps_files_that_reuse_descriptors);
    RUN(monitor_works_in_thread_with_unshared_descriptors);
    RUN(monitor_follows_replaced_renamed_or_removed_placeholder);
    RUN(monitor_reports_recreated_name_as_remove_then_add);
    RUN(reattached_name_reports_remove_and_add_or_nothing);
    RUN(recreated_names_are_reported_without_file_handles);
    RUN(monitor_reports_difference_after_queue_overflow);
    RUN_WITHOUT_RUN_DIRECTORY(monitor_follows_replaced_directory_after_overflow);
    RUN(epoll_is_ready_while_events_are_pending);
    RUN(monitor_stays_ready_across_repeated_polls);
    RUN(unprivileged_user_can_monitor_names);
    RUN(each_event_is_returned_to_exactly_one_thread);
    RUN(forked_child_can_use_or_close_monitor);
    RUN(invalid_arguments_are_rejected);
    RUN(event_contains_complete_255_byte_name);
    RUN(unreadable_directory_fails_with_eacces);
    RUN(monitor_open_without_descriptors_fails_with_emfile);
    RUN(next_without_descriptors_loses_no_event);
    RUN(monitor_open_returns_kernel_errno);
    RUN(next_returns_kernel_errno_and_loses_no_event);
    RUN(descriptors_are_closed_on_exec);
    RUN(monitor_loses_none_of_10000_add_remove_pairs);
    RUN(events_of_concurrent_changes_are_complete_and_ordered);
    return finish();
}
