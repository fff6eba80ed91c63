/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* First use: the run directory is created, mounted on itself once, and made shared. */
#include "test.h"

#define CREATORS 20

/* --- mountinfo -------------------------------------------------------------------------------- */

/* The peer group of the mount at path; 0: the mount is private, -1: there is no mount. */
static int peer_group(const char *path)
{
    FILE *file = fopen("/proc/thread-self/mountinfo", "re");
    char line[2 * PATH_MAX], at[PATH_MAX];
    int group = -1;

    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        const char *shared = strstr(line, " shared:");

        if (sscanf(line, "%*d %*d %*s %*s %4095s", at) == 1 && strcmp(at, path) == 0)
            group = shared ? atoi(shared + strlen(" shared:")) : 0;
    }
    fclose(file);
    return group;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* --- actions of other programs ---------------------------------------------------------------- */

/* Creates a name as CNI plugins and Docker do: a file on which a child's namespace is mounted. */
static void bind_as_others_do(const char *path)
{
    struct netns *ns = NULL;
    char source[64];
    pid_t child;

    write_file(path, "", 0644);
    MUST(netns_create(NULL, 0, &ns));
    child = start_in(ns);
    snprintf(source, sizeof source, "/proc/%d/ns/net", child);
    MUST(mount(source, path, "none", MS_BIND, "none"));
    stop(child);
    netns_close(ns);
}

static void two_names_in_a_plain_directory(void)
{
    MUST(mkdir("/run/netns", 0755));
    bind_as_others_do("/run/netns/old");
    bind_as_others_do("/run/netns/older");
}

static void check_that_two_old_names_can_be_removed(void)
{
    char before[64] = "", after[64] = "";

    MUST(readlink("/proc/thread-self/ns/mnt", before, sizeof before - 1));
    OK(netns_remove("old", 0));
    CHECK(!exists("/run/netns/old"));
    EQUAL(mounts_at("/run/netns/old"), 0);
    OK(netns_remove("older", 0));
    CHECK(!exists("/run/netns/older"));
    EQUAL(mounts_at("/run/netns/older"), 0);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    /* The call may have used a helper in another mount namespace. */
    MUST(readlink("/proc/thread-self/ns/mnt", after, sizeof after - 1));
    SAME(after, before);
    EQUAL(threads_left(), 1);
}

/* --- the directory ---------------------------------------------------------------------------- */

static void create_ignores_umask_for_new_run_directory(void)
{
    umask(077);
    OK(netns_create("blue", 0, NULL));
    EQUAL(mode_of("/run/netns"), 0755);
    EQUAL(umask(077), 077);
    SAME(names(), "blue");
}

static void attach_creates_and_mounts_run_directory(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    CHECK(!exists("/run/netns"));
    umask(077);
    OK(netns_attach(ns, "blue", 0));
    EQUAL(mode_of("/run/netns"), 0755);
    EQUAL(mounts_at("/run/netns"), 1);
    CHECK(peer_group("/run/netns") > 0);
    netns_close(ns);
}

static void list_open_and_remove_do_not_create_run_directory(void)
{
    SAME(names_in(NULL, 0), "");
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    FAILS(ENOENT, netns_open("blue", 0, &(struct netns *){NULL}));
    FAILS(ENOENT, netns_remove("blue", 0));
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    CHECK(!exists("/run/netns"));
}

static void rejected_create_leaves_no_run_directory(void)
{
    FAILS(EINVAL, netns_create("../blue", 0, NULL));
    FAILS(EINVAL, netns_create("blue", 1u << 31, NULL));
    CHECK(!exists("/run/netns"));
    EQUAL(mounts_at("/run/netns"), 0);
}

static void create_makes_custom_run_directory_and_parents(void)
{
    struct netns *ns = NULL;

    umask(077);
    OK(netns_create_at("/run/a/b/c", "blue", 0, &ns));
    SAME(netns_path(ns), "/run/a/b/c/blue");
    SAME(netns_name(ns), "blue");
    EQUAL(mode_of("/run/a/b/c"), 0755);
    EQUAL(mounts_at("/run/a/b/c"), 1);
    EQUAL(mounts_at("/run/a/b"), 0);
    CHECK(!exists("/run/netns"));
    SAME(names_in("/run/a/b/c", 0), "blue");
    netns_close(ns);
    OK(netns_remove_at("/run/a/b/c", "blue", 0));
    CHECK(exists("/run/a/b/c"));
}

static void calls_accept_run_directory_with_trailing_slash(void)
{
    struct netns *ns = NULL;

    OK(netns_create_at("/run/a/b/", "blue", 0, &ns));
    SAME(netns_path(ns), "/run/a/b/blue");
    EQUAL(mounts_at("/run/a/b"), 1);
    EQUAL(mounts_at("/run/a/b/blue"), 1);
    netns_close(ns);
    OK(netns_create_at("/run/a/b", "red", 0, NULL));
    EQUAL(mounts_at("/run/a/b"), 1);
    SAME(names_in("/run/a/b/", 0), "blue red");
    SAME(names_in("/run/a/b//", 0), "blue red");
    OK(netns_open_at("/run/a/b/", "red", 0, &ns));
    netns_close(ns);
    OK(netns_remove_at("/run/a/b/", "red", 0));
    CHECK(!exists("/run/a/b/red"));
}

static void run_directory_with_trailing_slash_ignores_umask(void)
{
    umask(077);
    OK(netns_create_at("/run/single/", "blue", 0, NULL));
    EQUAL(mode_of("/run/single"), 0755);
    OK(netns_create_at("/run/a/b/", "blue", 0, NULL));
    EQUAL(mode_of("/run/a/b"), 0755);
    OK(netns_create_at("/run/a/c//", "blue", 0, NULL));
    EQUAL(mode_of("/run/a/c"), 0755);
}

static void create_resolves_relative_run_directory_from_cwd(void)
{
    struct netns *ns = NULL, *again = NULL;

    MUST(chdir("/run"));
    OK(netns_create_at("mine/netns", "blue", 0, &ns));
    SAME(netns_path(ns), "mine/netns/blue");
    CHECK(is_netns("/run/mine/netns/blue"));
    EQUAL(mounts_at("/run/mine/netns"), 1);
    OK(netns_create_at("single", "red", 0, NULL));
    CHECK(is_netns("/run/single/red"));
    OK(netns_open(netns_path(ns), 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    netns_close(ns);
    netns_close(again);
    OK(netns_remove_at("mine/netns", "blue", 0));
    OK(netns_remove_at("./single", "red", 0));
    SAME(names_in("mine/netns", 0), "");
}

static void create_keeps_mode_of_existing_run_directory(void)
{
    MUST(mkdir("/run/netns", 0700));
    OK(netns_create("blue", 0, NULL));
    EQUAL(mode_of("/run/netns"), 0700);
    EQUAL(mounts_at("/run/netns"), 1);
    CHECK(peer_group("/run/netns") > 0);
    SAME(names(), "blue");
    OK(netns_remove("blue", 0));
}

static void file_as_run_directory_fails_with_enotdir(void)
{
    struct netns *ns = NULL;

    write_file("/run/file", "kept", 0644);
    FAILS(ENOTDIR, netns_create_at("/run/file", "blue", 0, NULL));
    MESSAGE_HAS("/run/file");
    FAILS(ENOTDIR, netns_create_at("/run/file/below", "blue", 0, NULL));
    FAILS(ENOTDIR, netns_remove_at("/run/file", "blue", 0));
    FAILS(ENOTDIR, netns_list_at("/run/file", 0, &(struct netns_name_snapshot *){NULL}));
    OK(netns_create(NULL, 0, &ns));
    FAILS(ENOTDIR, netns_attach_at("/run/file", ns, "blue", 0));
    netns_close(ns);
    EQUAL(mounts_at("/run/file"), 0);
}

/* --- the mount -------------------------------------------------------------------------------- */

static void create_mounts_run_directory_once_as_shared(void)
{
    int before = mounts_at(NULL);

    OK(netns_create("blue", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    EQUAL(mounts_at(NULL), before + 2);
    CHECK(peer_group("/run/netns") > 0);
}

static void later_creates_do_not_mount_run_directory_again(void)
{
    int before, group;

    OK(netns_create("blue", 0, NULL));
    before = mounts_at(NULL);
    group = peer_group("/run/netns");
    OK(netns_create("red", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at(NULL), before + 1);
    EQUAL(peer_group("/run/netns"), group);
    OK(netns_remove("red", 0));
    OK(netns_remove("blue", 0));
    EQUAL(mounts_at(NULL), before - 1);
    OK(netns_create("green", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
}

static void run_directory_under_shared_parent_has_own_peer_group(void)
{
    int before;

    MUST(mount("none", "/run", "none", MS_SHARED, "none"));
    before = mounts_at(NULL);
    OK(netns_create("blue", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
    /* If both mounts were in the parent's peer group, the mount of each name would propagate to the parent
       and exist twice. */
    EQUAL(mounts_at("/run/netns/blue"), 1);
    EQUAL(mounts_at(NULL), before + 2);
    CHECK(peer_group("/run") > 0);
    CHECK(peer_group("/run/netns") > 0);
    CHECK(peer_group("/run") != peer_group("/run/netns"));
    OK(netns_remove("blue", 0));
    EQUAL(mounts_at(NULL), before + 1);
}

static void create_makes_existing_private_mount_shared(void)
{
    MUST(mkdir("/run/netns", 0755));
    MUST(mount("netns-test", "/run/netns", "tmpfs", 0, "mode=711"));
    EQUAL(peer_group("/run/netns"), 0);
    OK(netns_create("blue", 0, NULL));
    CHECK(peer_group("/run/netns") > 0);
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mode_of("/run/netns"), 0711);
}

struct clone {
    unsigned long propagation; /* set by the clone on its copy of the mounts; 0: unchanged */
    int orders[2], answers[2];
};

/* Reports, each time it is asked, whether this mount namespace contains the name. */
static void see_the_name_come_and_go(void *arg)
{
    struct clone *clone = arg;
    char byte;

    close(clone->orders[1]);
    MUST(unshare(CLONE_NEWNS));
    if (clone->propagation)
        MUST(mount("none", "/", "none", MS_REC | clone->propagation, "none"));
    do {
        byte = is_netns("/run/netns/later") ? 'y' : exists("/run/netns/later") ? 'f' : 'n';
        MUST(write(clone->answers[1], &byte, 1));
    } while (read(clone->orders[0], &byte, 1) == 1);
}

static char next_answer(struct clone *clone)
{
    char answer = '?';

    MUST(read(clone->answers[0], &answer, 1));
    return answer;
}

static void check_that_a_clone_sees_names_come_and_go(unsigned long propagation)
{
    struct clone clone = {.propagation = propagation};
    pid_t child;

    MUST(pipe2(clone.orders, O_CLOEXEC));
    MUST(pipe2(clone.answers, O_CLOEXEC));
    OK(netns_create("first", 0, NULL));
    child = start_part(see_the_name_come_and_go, &clone);
    EQUAL(next_answer(&clone), 'n');
    OK(netns_create("later", 0, NULL));
    MUST(write(clone.orders[1], "", 1));
    EQUAL(next_answer(&clone), 'y');
    OK(netns_remove("later", 0));
    MUST(write(clone.orders[1], "", 1));
    EQUAL(next_answer(&clone), 'n');
    close(clone.orders[0]);
    close(clone.orders[1]);
    close(clone.answers[0]);
    close(clone.answers[1]);
    EQUAL(wait_for(child), 0);
}

static void new_mount_namespace_sees_names_added_and_removed(void)
{
    check_that_a_clone_sees_names_come_and_go(0);
}

static void slave_mount_namespace_sees_names_added_and_removed(void)
{
    check_that_a_clone_sees_names_come_and_go(MS_SLAVE);
}

/* --- existing names --------------------------------------------------------------------------- */

static void existing_names_stay_removable_after_first_create(void)
{
    struct netns *before = NULL, *after = NULL;

    two_names_in_a_plain_directory();
    OK(netns_open("old", 0, &before));
    EQUAL(mounts_at("/run/netns"), 0);
    OK(netns_create("new", 0, NULL));
    EQUAL(mounts_at("/run/netns"), 1);
    SAME(names(), "new old older");
    OK(netns_open("old", 0, &after));
    EQUAL(netns_equal(before, after), 1);
    EQUAL(mounts_at("/run/netns/old"), 1);
    EQUAL(mounts_at("/run/netns/older"), 1);
    netns_close(before);
    netns_close(after);
    OK(netns_remove("new", 0));
    check_that_two_old_names_can_be_removed();
}

static void existing_names_under_shared_parent_stay_removable(void)
{
    MUST(mount("none", "/run", "none", MS_SHARED, "none"));
    two_names_in_a_plain_directory();
    OK(netns_create("new", 0, NULL));
    SAME(names(), "new old older");
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/old"), 1);
    OK(netns_remove("new", 0));
    check_that_two_old_names_can_be_removed();
}

static void remove_accepts_names_in_unmounted_run_directory(void)
{
    two_names_in_a_plain_directory();
    SAME(names(), "old older");
    check_that_two_old_names_can_be_removed();
    EQUAL(mounts_at("/run/netns"), 0);
}

/* As iproute2 leaves it: each older name is mounted twice, and the lower mount cannot be reached. */
static void remove_unmounts_names_hidden_by_recursive_bind(void)
{
    two_names_in_a_plain_directory();
    MUST(mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, "none"));
    EQUAL(mounts_at("/run/netns/old"), 2);
    SAME(names(), "old older");
    check_that_two_old_names_can_be_removed();
    EQUAL(mounts_at("/run/netns"), 1);
}

static void remove_unmounts_names_hidden_by_nonrecursive_bind(void)
{
    two_names_in_a_plain_directory();
    MUST(mount("/run/netns", "/run/netns", "none", MS_BIND, "none"));
    EQUAL(mounts_at("/run/netns/old"), 1);
    SAME(names(), "");
    check_that_two_old_names_can_be_removed();
}

static void remove_of_hidden_name_keeps_other_names(void)
{
    int mounts;

    two_names_in_a_plain_directory();
    MUST(mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, "none"));
    OK(netns_create("new", 0, NULL));
    mounts = mounts_at(NULL);
    OK(netns_remove("old", 0));
    EQUAL(mounts_at(NULL), mounts - 2);
    SAME(names(), "new older");
    CHECK(is_netns("/run/netns/new"));
    CHECK(is_netns("/run/netns/older"));
    OK(netns_create("old", 0, NULL));
    SAME(names(), "new old older");
}

/* As left by `ip netns del`, which unmounts the upper mount and then fails to remove the busy file. The
 * mark makes the file stale immediately, as an age of ten seconds would. */
static void create_reuses_stale_name_over_hidden_mount(void)
{
    struct netns *ns = NULL;

    two_names_in_a_plain_directory();
    MUST(mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, "none"));
    MUST(umount2("/run/netns/old", MNT_DETACH));
    MUST(chmod("/run/netns/old", 01000));
    OK(netns_create("old", 0, &ns));
    CHECK(is_netns("/run/netns/old"));
    SAME(names(), "old older");
    OK(netns_remove("old", 0));
    CHECK(!exists("/run/netns/old"));
    EQUAL(mounts_at("/run/netns/old"), 0);
    netns_close(ns);
}

/* --- many at once ----------------------------------------------------------------------------- */

struct outcome {
    int64_t rc; /* as wide as the other, so that there is no padding */
    uint64_t inode;
};

struct race {
    const char *rundir;
    const char *name; /* NULL: each creator uses its own name */
    uint32_t flags;
    bool attach; /* namespaces created before the gate opened, so that all bind at once */
    int number, gate[2], outcomes[2];
};

static void create_when_the_gate_opens(void *arg)
{
    struct race *race = arg;
    struct outcome outcome = {0, 0};
    struct netns *ns = NULL;
    char own_name[32], byte;
    const char *name = race->name ? race->name : own_name;

    snprintf(own_name, sizeof own_name, "n%02d", race->number);
    close(race->gate[1]);
    if (race->attach)
        OK(netns_create(NULL, 0, &ns));
    /* Nothing is written: the read returns when the last writer has closed the pipe. */
    if (read(race->gate[0], &byte, 1) != 0)
        return;
    if (race->attach)
        outcome.rc = netns_attach_at(race->rundir, ns, name, 0);
    else
        outcome.rc = netns_create_at(race->rundir, name, race->flags, &ns);
    outcome.inode = netns_inode(ns);
    MUST(write(race->outcomes[1], &outcome, sizeof outcome));
    netns_close(ns);
}

static void run_race(struct race race, struct outcome *outcomes)
{
    pid_t children[CREATORS];

    MUST(pipe2(race.gate, O_CLOEXEC));
    MUST(pipe2(race.outcomes, O_CLOEXEC));
    for (race.number = 0; race.number < CREATORS; race.number++)
        children[race.number] = start_part(create_when_the_gate_opens, &race);
    close(race.outcomes[1]);
    close(race.gate[1]);
    close(race.gate[0]);
    for (int i = 0; i < CREATORS; i++) {
        EQUAL(read(race.outcomes[0], &outcomes[i], sizeof *outcomes), sizeof *outcomes);
        EQUAL(wait_for(children[i]), 0);
    }
    close(race.outcomes[0]);
}

static int how_many(const struct outcome *outcomes, int64_t rc)
{
    int count = 0;

    for (int i = 0; i < CREATORS; i++)
        count += outcomes[i].rc == rc;
    return count;
}

/* One such race may succeed by chance; each run directory has only one first use. */
static void check_races_for_names_of_their_own(bool attach)
{
    int rounds = is_slow() ? 2 : 10;

    for (int round = 0; round < rounds; round++) {
        struct outcome outcomes[CREATORS];
        struct netns_name_snapshot *list = NULL;
        int before = mounts_at(NULL);
        char rundir[32];

        snprintf(rundir, sizeof rundir, "/run/round%d", round);
        run_race((struct race){.rundir = rundir, .attach = attach}, outcomes);
        EQUAL(how_many(outcomes, 0), CREATORS);
        EQUAL(mounts_at(rundir), 1);
        EQUAL(mounts_at(NULL), before + 1 + CREATORS);
        CHECK(peer_group(rundir) > 0);
        OK(netns_list_at(rundir, NETNS_LIST_STALE, &list));
        EQUAL(netns_list_len(list), CREATORS);
        netns_list_free(list);
    }
}

static void concurrent_first_creates_mount_run_directory_once(void)
{
    check_races_for_names_of_their_own(false);
}

static void concurrent_first_attaches_mount_run_directory_once(void)
{
    check_races_for_names_of_their_own(true);
}

static void concurrent_attaches_under_shared_parent_mount_once(void)
{
    MUST(mount("none", "/run", "none", MS_SHARED, "none"));
    check_races_for_names_of_their_own(true);
}

static void concurrent_creates_of_one_name_succeed_once(void)
{
    struct outcome outcomes[CREATORS];

    run_race((struct race){.name = "blue"}, outcomes);
    EQUAL(how_many(outcomes, 0), 1);
    EQUAL(how_many(outcomes, -EEXIST), CREATORS - 1);
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
}

static void concurrent_exist_ok_creates_open_one_namespace(void)
{
    struct outcome outcomes[CREATORS];
    struct stat st;

    run_race((struct race){.name = "blue", .flags = NETNS_CREATE_EXIST_OK}, outcomes);
    EQUAL(how_many(outcomes, 0), CREATORS);
    MUST(stat("/run/netns/blue", &st));
    for (int i = 0; i < CREATORS; i++)
        EQUAL(outcomes[i].inode, st.st_ino);
    EQUAL(mounts_at("/run/netns"), 1);
    EQUAL(mounts_at("/run/netns/blue"), 1);
}

int main(void)
{
    RUN_WITHOUT_RUN_DIRECTORY(create_ignores_umask_for_new_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(attach_creates_and_mounts_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(list_open_and_remove_do_not_create_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(rejected_create_leaves_no_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(create_makes_custom_run_directory_and_parents);
    RUN_WITHOUT_RUN_DIRECTORY(calls_accept_run_directory_with_trailing_slash);
    RUN_WITHOUT_RUN_DIRECTORY(run_directory_with_trailing_slash_ignores_umask);
    RUN_WITHOUT_RUN_DIRECTORY(create_resolves_relative_run_directory_from_cwd);
    RUN_WITHOUT_RUN_DIRECTORY(create_keeps_mode_of_existing_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(file_as_run_directory_fails_with_enotdir);

    RUN_WITHOUT_RUN_DIRECTORY(create_mounts_run_directory_once_as_shared);
    RUN_WITHOUT_RUN_DIRECTORY(later_creates_do_not_mount_run_directory_again);
    RUN_WITHOUT_RUN_DIRECTORY(run_directory_under_shared_parent_has_own_peer_group);
    RUN_WITHOUT_RUN_DIRECTORY(create_makes_existing_private_mount_shared);
    RUN_WITHOUT_RUN_DIRECTORY(new_mount_namespace_sees_names_added_and_removed);
    RUN_WITHOUT_RUN_DIRECTORY(slave_mount_namespace_sees_names_added_and_removed);

    RUN_WITHOUT_RUN_DIRECTORY(existing_names_stay_removable_after_first_create);
    RUN_WITHOUT_RUN_DIRECTORY(existing_names_under_shared_parent_stay_removable);
    RUN_WITHOUT_RUN_DIRECTORY(remove_accepts_names_in_unmounted_run_directory);
    RUN_WITHOUT_RUN_DIRECTORY(remove_unmounts_names_hidden_by_recursive_bind);
    RUN_WITHOUT_RUN_DIRECTORY(remove_unmounts_names_hidden_by_nonrecursive_bind);
    RUN_WITHOUT_RUN_DIRECTORY(remove_of_hidden_name_keeps_other_names);
    RUN_WITHOUT_RUN_DIRECTORY(create_reuses_stale_name_over_hidden_mount);

    RUN_WITHOUT_RUN_DIRECTORY(concurrent_first_creates_mount_run_directory_once);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_first_attaches_mount_run_directory_once);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_attaches_under_shared_parent_mount_once);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_creates_of_one_name_succeed_once);
    RUN_WITHOUT_RUN_DIRECTORY(concurrent_exist_ok_creates_open_one_namespace);
    return finish();
}
