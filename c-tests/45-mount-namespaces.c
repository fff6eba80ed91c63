/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A run directory shared by several mount namespaces, as by a container that has the host's directory
 * without mount propagation: a name that looks stale in one may be live in the other.
 */
#include "between.h"
#include "fault.h"

/* The age at which a placeholder of another program is stale, in seconds. */
#define STALE_AGE 10

/* The modes of the files that `ip netns add` and the library create before they bind. */
#define FOREIGN_MODE 0
#define OUR_MODE 01000

#define BLUE "/run/netns/blue"

/* The directory below the file system mounted on it: it contains the files, but none of the names is
   mounted. */
static void cut_off_the_run_directory(unsigned long propagation)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | propagation, NULL));
    while (umount2("/run/netns", MNT_DETACH) == 0)
        ;
}

/* Runs the part in a child that simulates a container. */
static void in_container_at(void (*part)(void *arg), void *arg, int line, const char *text)
{
    pid_t pid = MUST(fork());
    int status;

    if (pid == 0) {
        test_failures = 0;
        cut_off_the_run_directory(MS_PRIVATE);
        part(arg);
        exit(test_failures ? 1 : 0);
    }
    status = wait_for(pid);
    check_at(status == 0, line, "in a container: %s", text);
}

#define IN_CONTAINER(part, arg) in_container_at((part), (arg), __LINE__, #part)

/* Creates a name as `ip netns add` does, whose file is not marked as the library's. */
static void make_as_others_do(const char *path, const struct netns *ns)
{
    char source[64];

    write_file(path, "", FOREIGN_MODE);
    snprintf(source, sizeof source, "/proc/self/fd/%d", netns_fd(ns));
    MUST(mount(source, path, "none", MS_BIND, NULL));
}

/* Checks that the name still refers to its namespace and that its file has not been unlinked. */
static void is_live(const char *name, const struct netns *ns)
{
    struct netns *found = NULL;

    if (OK(netns_open(name, 0, &found)) == 0)
        EQUAL(netns_inode(found), netns_inode(ns));
    netns_close(found);
}

/* --- each call in a container, with a live name of the host ------------------------------------ */

static void create_blue(void *flags)
{
    struct netns *made = NULL, *again = NULL;

    SAME(names(), "");
    OK(netns_create("blue", (uint32_t)(uintptr_t)flags, &made));
    SAME(names(), "blue");
    EQUAL(mounts_at(BLUE), 1);
    OK(netns_open("blue", 0, &again));
    EQUAL(netns_equal(made, again), 1);
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    netns_close(made);
    netns_close(again);
}

static void attach_blue(void *arg)
{
    struct netns *own = NULL;

    (void)arg;
    OK(netns_open_current(&own));
    OK(netns_attach(own, "blue", 0));
    is_live("blue", own);
    netns_close(own);
}

static void look_at_blue(void *arg)
{
    struct netns *none = SENTINEL;

    (void)arg;
    SAME(names(), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    FAILS_UNTOUCHED(ENOTTY, none, netns_open("blue", 0, &none));
}

static void beside_what_the_library_made(void (*part)(void *arg), void *arg)
{
    struct netns *blue = NULL;
    struct state before;

    OK(netns_create("blue", 0, &blue));
    before = state_now();
    IN_CONTAINER(part, arg);
    UNCHANGED_SINCE(before);
    is_live("blue", blue);
    SAME(names(), "blue");
    EQUAL(mounts_at(BLUE), 1);
    netns_close(blue);
}

static void create_in_container_keeps_live_host_name(void)
{
    beside_what_the_library_made(create_blue, (void *)0);
}

static void exist_ok_in_container_keeps_live_host_name(void)
{
    beside_what_the_library_made(create_blue, (void *)(uintptr_t)NETNS_CREATE_EXIST_OK);
}

static void attach_in_container_keeps_live_host_name(void)
{
    beside_what_the_library_made(attach_blue, NULL);
}

static void list_and_open_in_container_keep_live_host_name(void)
{
    beside_what_the_library_made(look_at_blue, NULL);
}

static void create_over_what_others_made_long_ago(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    /* It is not replaced while it may be a name that is being created. */
    FAILS(EEXIST, netns_create("young", 0, NULL));
    OK(netns_create("old", 0, &ns));
    OK(netns_attach(ns, "old-too", 0));
    SAME(names(), "old old-too");
    netns_close(ns);
}

static void create_and_attach_keep_host_names_of_other_programs(void)
{
    static const char *const all[] = {"old", "old-too", "young"};
    struct netns *ns = NULL;
    char path[64];

    OK(netns_create("first", 0, &ns));
    OK(netns_remove("first", 0));
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            sleep_ms(STALE_AGE * 1000 + 100);
        snprintf(path, sizeof path, "/run/netns/%s", all[i]);
        make_as_others_do(path, ns);
    }
    IN_CONTAINER(create_over_what_others_made_long_ago, NULL);
    for (int i = 0; i < 3; i++)
        is_live(all[i], ns);
    SAME(names(), "old old-too young");
    netns_close(ns);
}

/* --- calls that fail there ---------------------------------------------------------------------- */

static const int bind_calls[] = {SYS_open_tree, SYS_move_mount, SYS_mount};

/* All calls that bind are refused: one way fails with `error`, after which the older way is tried only for
   some errors. */
static void fail_to_create(void *arg)
{
    int error = (int)(intptr_t)arg;
    struct netns *own = NULL, *none = SENTINEL;

    OK(netns_open_current(&own));
    FAILS_UNTOUCHED(error, none, netns_create("blue", 0, &none));
    FAILS_UNTOUCHED(error, none, netns_create("blue", NETNS_CREATE_EXIST_OK, &none));
    FAILS(error, netns_attach(own, "blue", 0));
    netns_close(own);
}

static void fail_to_bind(void *arg)
{
    struct fault faults[3];

    for (size_t i = 0; i < 3; i++)
        faults[i] = (struct fault){.call = bind_calls[i], .error = (int)(intptr_t)arg};
    with_faults(faults, 3, fail_to_create, arg);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    EQUAL(mounts_at("/run/netns"), 0);
    /* The same when the directory is a mount point and the name itself cannot be bound. */
    OK(netns_create("own", 0, NULL));
    with_faults(faults, 3, fail_to_create, arg);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue own");
    EQUAL(mounts_at("/run/netns"), 1);
    OK(netns_remove("own", 0));
}

static void failed_create_or_attach_unlinks_no_existing_file(void)
{
    static const int errors[] = {ENOSPC, EPERM, ENOMEM, EMFILE};
    struct netns *blue = NULL;

    if (under_valgrind())
        skip("valgrind needs the calls that fail");
    OK(netns_create("blue", 0, &blue));
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        IN_CONTAINER(fail_to_bind, (void *)(intptr_t)errors[i]);
        is_live("blue", blue);
    }
    netns_close(blue);
}

/* --- both at the same time ---------------------------------------------------------------------- */

#define ROUNDS 200

static void create_and_keep(void *arg)
{
    struct netns *blue = NULL;

    (void)arg;
    for (int i = 0; i < ROUNDS && !test_failures; i++) {
        char name[16];

        snprintf(name, sizeof name, "n%d", i);
        OK(netns_create(name, 0, &blue));
        is_live(name, blue);
        netns_close(blue);
    }
}

/* One creates files and the other replaces them, in an arbitrary order. */
static void two_mount_namespaces_can_create_same_names_at_once(void)
{
    struct netns *first = NULL;
    pid_t pid;

    OK(netns_create("first", 0, &first));
    pid = MUST(fork());
    if (pid == 0) {
        test_failures = 0;
        cut_off_the_run_directory(MS_PRIVATE);
        create_and_keep(NULL);
        exit(test_failures ? 1 : 0);
    }
    create_and_keep(NULL);
    EQUAL(wait_for(pid), 0);
    for (int i = 0; i < ROUNDS; i++) {
        char path[32];

        snprintf(path, sizeof path, "/run/netns/n%d", i);
        if (!CHECK(is_netns(path)))
            break;
        EQUAL(mounts_at(path), 1);
    }
    is_live("first", first);
    netns_close(first);
}

/* --- remove --------------------------------------------------------------------------------------- */

static void remove_blue(void *arg)
{
    (void)arg;
    SAME(names(), "");
    OK(netns_remove("blue", 0));
    FAILS(ENOENT, netns_remove("blue", 0));
}

/* As documented in the manual page: the file is the name for all mount namespaces that share the
   directory. */
static void remove_in_container_removes_name_on_host_too(void)
{
    struct netns *blue = NULL;

    OK(netns_create("blue", 0, &blue));
    IN_CONTAINER(remove_blue, NULL);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    EQUAL(mounts_at(BLUE), 0);
    FAILS(ENOENT, netns_remove("blue", 0));
    netns_close(blue);
}

static void wait_until_blue_is_gone(void *arg)
{
    int *ready = arg;
    char byte = 0;

    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
    CHECK(is_netns(BLUE));
    MUST(write(ready[1], &byte, 1));
    MUST(read(ready[2], &byte, 1));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    EQUAL(mounts_at(BLUE), 0);
}

/* In a mount namespace without propagation, the copy of the mount disappears with the file. */
static void remove_unmounts_copies_in_other_mount_namespaces(void)
{
    int pipes[4];
    char byte;
    pid_t pid;

    MUST(pipe2(pipes, O_CLOEXEC));
    MUST(pipe2(pipes + 2, O_CLOEXEC));
    OK(netns_create("blue", 0, NULL));
    pid = start_part(wait_until_blue_is_gone, pipes);
    MUST(read(pipes[0], &byte, 1));
    OK(netns_remove("blue", 0));
    MUST(write(pipes[3], "", 1));
    EQUAL(wait_for(pid), 0);
    for (int i = 0; i < 4; i++)
        close(pipes[i]);
}

/* --- with propagation ----------------------------------------------------------------------------- */

static void use_what_propagates(void *arg)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("none", "/", "none", MS_REC | (unsigned long)(uintptr_t)arg, NULL));
    SAME(names(), "blue");
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    OK(netns_create("red", 0, NULL));
    EQUAL(mounts_at("/run/netns/red"), 1);
}

static void mount_namespaces_with_propagation_share_names(void)
{
    OK(netns_create("blue", 0, NULL));
    IN_CHILD(use_what_propagates, (void *)(uintptr_t)MS_SHARED);
    SAME(names(), "blue red");
    EQUAL(mounts_at("/run/netns/red"), 1);
    OK(netns_remove("red", 0));
    OK(netns_remove("blue", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
}

/* A slave receives the host's mounts; the host does not receive the slave's. */
static void names_propagate_to_slave_but_not_back(void)
{
    struct netns *red = NULL;

    OK(netns_create("blue", 0, NULL));
    IN_CHILD(use_what_propagates, (void *)(uintptr_t)MS_SLAVE);
    SAME(names(), "blue");
    /* The mount namespace in which the name was live has ended. */
    OK(netns_create("red", 0, &red));
    is_live("red", red);
    netns_close(red);
}

/* --- chroot into another mount namespace ---------------------------------------------------------- */

static void fail_elsewhere(void *arg)
{
    struct netns *ns = NULL, *none;
    char root[32];

    snprintf(root, sizeof root, "/proc/%d/root", *(pid_t *)arg);
    OK(netns_open_current(&ns));
    MUST(chroot(root));
    MUST(chdir("/"));
    FAILS_UNTOUCHED(EPERM, none, netns_create("red", 0, &none));
    MESSAGE_HAS("another mount namespace");
    MESSAGE_LACKS("CAP_SYS_ADMIN");
    FAILS(EPERM, netns_attach(ns, "red", 0));
    MESSAGE_HAS("another mount namespace");
    netns_close(ns);
    if (exists(BLUE)) {
        SAME(names(), "blue");
        FAILS(EPERM, netns_remove("blue", 0));
        MESSAGE_HAS("another mount namespace");
        MESSAGE_LACKS("privileged");
        SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    } else {
        FAILS(ENOENT, netns_remove("blue", 0));
    }
}

/* Waits in its own mount namespace. */
static pid_t start_elsewhere(void)
{
    int ready[2];
    pid_t pid;
    char byte;

    MUST(pipe2(ready, O_CLOEXEC));
    pid = MUST(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        MUST(unshare(CLONE_NEWNS));
        MUST(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
        MUST(write(ready[1], "", 1));
        for (;;)
            pause();
    }
    MUST(read(ready[0], &byte, 1));
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void changes_in_other_mount_namespace_fail_with_eperm(void)
{
    pid_t pid;

    if (under_valgrind())
        skip("valgrind does not support open_tree(2)");
    MUST(mkdir("/run/netns", 0755));
    pid = start_elsewhere();
    IN_CHILD(fail_elsewhere, &pid);
    stop(pid);
    EQUAL(files_in("/run/netns"), 0);
    OK(netns_create("blue", 0, NULL));
    pid = start_elsewhere();
    IN_CHILD(fail_elsewhere, &pid);
    stop(pid);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
}

/* --- two calls that replace the same file ---------------------------------------------------------- */

static const char *contested;
static int won, lost, stops, stop_at;

static void take_contested(void)
{
    int rc = netns_create(contested, 0, NULL);

    CHECK(rc == 0 || rc == -EEXIST);
    __atomic_add_fetch(rc == 0 ? &won : &lost, 1, __ATOMIC_SEQ_CST);
}

/* The other process has waited for the directory's lock and continues without it. */
static void take_it_from_under_them(int call, int nth)
{
    (void)call;
    (void)nth;
    if (stops++ == stop_at)
        take_contested();
}

static void exactly_one_of_two_racing_creates_succeeds(void)
{
    static const int calls[][4] = {{SYS_flock, SYS_statx, SYS_open_tree}, {SYS_openat, SYS_move_mount}};
    enum { MOST = 40 };
    char names_of[MOST][16], path[64];
    int used = 0, i;
    bool came;

    OK(netns_create("first", 0, NULL));
    for (i = 0; i < MOST; i++) {
        snprintf(names_of[i], sizeof names_of[i], "n%d", i);
        snprintf(path, sizeof path, "/run/netns/n%d", i);
        write_file(path, "", FOREIGN_MODE);
    }
    sleep_ms(STALE_AGE * 1000 + 100);
    for (i = 0; i < 2; i++)
        for (stop_at = 0, came = true; came && used < MOST && !test_failures; stop_at++) {
            contested = names_of[used++];
            won = lost = stops = 0;
            act_between(calls[i], take_contested, take_it_from_under_them);
            came = stops > stop_at;
            EQUAL(won, 1);
            EQUAL(lost, came);
            snprintf(path, sizeof path, "/run/netns/%s", contested);
            EQUAL(mounts_at(path), 1);
        }
    CHECK(used > 8 && used < MOST);
    printf("#: %d places\n", used);
}

#define TAKERS 8

static void *take_in_thread(void *arg)
{
    (void)arg;
    take_contested();
    return NULL;
}

/* A reader holds the directory's lock, so only the lock on the file remains. */
static void one_of_many_creates_succeeds_without_directory_lock(void)
{
    enum { FILES = 4 };
    pthread_t threads[FILES][TAKERS];
    char path[64];
    int lock, i, j;

    OK(netns_create("first", 0, NULL));
    for (i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "/run/netns/n%d", i);
        write_file(path, "", i % 2 ? FOREIGN_MODE : OUR_MODE);
        MUST(chmod(path, i % 2 ? FOREIGN_MODE : OUR_MODE));
    }
    sleep_ms(STALE_AGE * 1000 + 100);
    lock = MUST(open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(flock(lock, LOCK_SH));
    for (i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "n%d", i);
        contested = path;
        won = lost = 0;
        for (j = 0; j < TAKERS; j++)
            MUST(-pthread_create(&threads[i][j], NULL, take_in_thread, NULL));
        for (j = 0; j < TAKERS; j++)
            MUST(-pthread_join(threads[i][j], NULL));
        EQUAL(won, 1);
        EQUAL(lost, TAKERS - 1);
        snprintf(path, sizeof path, "/run/netns/n%d", i);
        EQUAL(mounts_at(path), 1);
    }
    close(lock);
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(create_in_container_keeps_live_host_name);
    RUN_WITHOUT_RUN_DIRECTORY(exist_ok_in_container_keeps_live_host_name);
    RUN_WITHOUT_RUN_DIRECTORY(attach_in_container_keeps_live_host_name);
    RUN_WITHOUT_RUN_DIRECTORY(list_and_open_in_container_keep_live_host_name);
    RUN_WITHOUT_RUN_DIRECTORY(create_and_attach_keep_host_names_of_other_programs);
    RUN_WITHOUT_RUN_DIRECTORY(failed_create_or_attach_unlinks_no_existing_file);
    RUN_WITHOUT_RUN_DIRECTORY(two_mount_namespaces_can_create_same_names_at_once);
    RUN_WITHOUT_RUN_DIRECTORY(remove_in_container_removes_name_on_host_too);
    RUN_WITHOUT_RUN_DIRECTORY(remove_unmounts_copies_in_other_mount_namespaces);
    RUN_WITHOUT_RUN_DIRECTORY(mount_namespaces_with_propagation_share_names);
    RUN_WITHOUT_RUN_DIRECTORY(names_propagate_to_slave_but_not_back);
    RUN_WITHOUT_RUN_DIRECTORY(changes_in_other_mount_namespace_fail_with_eperm);
    RUN_WITHOUT_RUN_DIRECTORY(exactly_one_of_two_racing_creates_succeeds);
    RUN_WITHOUT_RUN_DIRECTORY(one_of_many_creates_succeeds_without_directory_lock);
    return finish();
}
