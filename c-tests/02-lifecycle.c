/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Create, open, list and remove: the life of a name, and each errno. */
#include "privilege.h"

static const char *long_name(size_t length)
{
    static char text[1024];

    memset(text, 'n', length);
    text[length] = '\0';
    return text;
}

/* --- the sample ------------------------------------------------------------------------------- */

static void name_exists_from_create_to_remove(void)
{
    struct netns *ns = NULL, *again = NULL;

    EQUAL(OK(netns_create("blue", 0, &ns)), 0);
    CHECK(is_netns("/run/netns/blue"));
    SAME(netns_name(ns), "blue");
    SAME(netns_path(ns), "/run/netns/blue");
    SAME(names(), "blue");
    EQUAL(OK(netns_open("blue", 0, &again)), 0);
    EQUAL(netns_equal(ns, again), 1);
    EQUAL(OK(netns_remove("blue", 0)), 0);
    CHECK(!exists("/run/netns/blue"));
    SAME(names(), "");
    FAILS(ENOENT, netns_open("blue", 0, &(struct netns *){NULL}));
    netns_close(ns);
    netns_close(again);
}

static void create_keeps_namespace_of_calling_thread(void)
{
    uint64_t home = here();
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    EQUAL(here(), home);
    CHECK(netns_inode(ns) != home);
    netns_close(ns);
}

/* --- create ----------------------------------------------------------------------------------- */

static void create_without_out_leaks_no_descriptor(void)
{
    int before = open_descriptors();

    OK(netns_create("blue", 0, NULL));
    OK(netns_create_at("/run/mine", "blue", 0, NULL));
    EQUAL(open_descriptors(), before);
    CHECK(is_netns("/run/netns/blue"));
    CHECK(is_netns("/run/mine/blue"));
}

static void null_run_directory_means_default(void)
{
    struct netns *ns = NULL, *again = NULL;

    OK(netns_create_at(NULL, "blue", 0, &ns));
    SAME(netns_path(ns), NETNS_RUN_DIR "/blue");
    OK(netns_open_at(NULL, "blue", 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    SAME(netns_path(again), NETNS_RUN_DIR "/blue");
    netns_close(ns);
    netns_close(again);
    OK(netns_remove_at(NULL, "blue", 0));
    CHECK(!exists("/run/netns/blue"));
}

static void run_directories_have_separate_names(void)
{
    struct netns *a = NULL, *b = NULL;

    OK(netns_create("blue", 0, &a));
    OK(netns_create_at("/run/mine", "blue", 0, &b));
    EQUAL(netns_equal(a, b), 0);
    OK(netns_remove("blue", 0));
    CHECK(is_netns("/run/mine/blue"));
    FAILS(ENOENT, netns_remove("blue", 0));
    netns_close(a);
    netns_close(b);
}

static void create_of_existing_name_fails_with_eexist(void)
{
    struct netns *first = NULL, *ns;
    struct stat st;
    struct state before;

    OK(netns_create("blue", 0, &first));
    before = state_now();
    FAILS_UNTOUCHED(EEXIST, ns, netns_create("blue", 0, &ns));
    MESSAGE_HAS("create \"blue\": create /run/netns/blue: File exists");
    FAILS(EEXIST, netns_create("blue", NETNS_CREATE_LO_UP, NULL));
    FAILS(EEXIST, netns_create_at("/run/netns", "blue", 0, NULL));
    UNCHANGED_SINCE(before);
    MUST(stat("/run/netns/blue", &st));
    EQUAL(st.st_ino, netns_inode(first));
    EQUAL(lo_is_up(first), false);
    netns_close(first);
}

static void exist_ok_creates_missing_and_opens_existing_name(void)
{
    struct netns *made = NULL, *found = NULL;
    int mounts;

    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &made));
    mounts = mounts_at(NULL);
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &found));
    EQUAL(mounts_at(NULL), mounts);
    EQUAL(netns_equal(made, found), 1);
    SAME(netns_name(found), "blue");
    SAME(netns_path(found), "/run/netns/blue");
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, NULL));
    EQUAL(mounts_at(NULL), mounts);
    netns_close(made);
    netns_close(found);
}

static void exist_ok_rejects_regular_file(void)
{
    struct netns *ns;
    struct state before;

    write_file("/run/netns/file", "kept", 0644);
    before = state_now();
    FAILS_UNTOUCHED(ENOTTY, ns, netns_create("file", NETNS_CREATE_EXIST_OK, &ns));
    MESSAGE_HAS("not a network namespace");
    FAILS_UNTOUCHED(EEXIST, ns, netns_create("file", 0, &ns));
    UNCHANGED_SINCE(before);
}

static void create_brings_lo_up_only_with_lo_up_flag(void)
{
    struct netns *up = NULL, *down = NULL;

    OK(netns_create("up", NETNS_CREATE_LO_UP, &up));
    OK(netns_create("down", 0, &down));
    EQUAL(lo_is_up(up), true);
    EQUAL(lo_is_up(down), false);
    netns_close(up);
    netns_close(down);
}

static void exist_ok_with_lo_up_brings_existing_lo_up(void)
{
    struct netns *made = NULL, *found = NULL;
    uint64_t home = here();

    OK(netns_create("blue", 0, &made));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK, &found));
    EQUAL(lo_is_up(made), false);
    netns_close(found);
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &found));
    EQUAL(netns_equal(made, found), 1);
    EQUAL(lo_is_up(made), true);
    netns_close(found);
    /* lo stays up, and an lo that is already up is not an error. */
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, NULL));
    EQUAL(lo_is_up(made), true);
    EQUAL(here(), home);
    netns_close(made);
}

/* --- arguments -------------------------------------------------------------------------------- */

static void calls_reject_unknown_flags(void)
{
    struct netns *ns, *live = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    before = state_now();
    for (int bit = 0; bit < 32; bit++) {
        uint32_t flag = 1u << bit;

        if (!(flag & (NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP | NETNS_CREATE_NOWAIT))) {
            FAILS_UNTOUCHED(EINVAL, ns, netns_create("blue", flag, &ns));
            FAILS_UNTOUCHED(EINVAL, ns, netns_create(NULL, flag, &ns));
            FAILS_UNTOUCHED(EINVAL, ns, netns_create_at(NULL, "blue", flag | 7, &ns));
        }
        FAILS_UNTOUCHED(EINVAL, ns, netns_open("live", flag, &ns));
        FAILS_UNTOUCHED(EINVAL, ns, netns_open("/run/netns/live", flag, &ns));
        FAILS_UNTOUCHED(EINVAL, ns, netns_open_at(NULL, "live", flag, &ns));
        FAILS(EINVAL, netns_attach(live, "blue", flag));
        FAILS(EINVAL, netns_attach_at(NULL, live, "blue", flag));
        if (flag != NETNS_REMOVE_MISSING_OK) {
            FAILS(EINVAL, netns_remove("live", flag));
            FAILS(EINVAL, netns_remove_at(NULL, "live", flag | NETNS_REMOVE_MISSING_OK));
        }
    }
    MESSAGE_HAS("flag");
    UNCHANGED_SINCE(before);
    SAME(names_in(NULL, NETNS_LIST_STALE), "live");
    netns_close(live);
}

static void null_arguments_fail_with_einval(void)
{
    struct netns *ns, *live = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    before = state_now();
    FAILS(EINVAL, netns_create(NULL, 0, NULL));
    FAILS(EINVAL, netns_create(NULL, NETNS_CREATE_EXIST_OK, NULL));
    FAILS(EINVAL, netns_create_at(NULL, NULL, 0, NULL));
    FAILS_UNTOUCHED(EINVAL, ns, netns_open(NULL, 0, &ns));
    FAILS_UNTOUCHED(EINVAL, ns, netns_open_at(NULL, NULL, 0, &ns));
    FAILS(EINVAL, netns_open("live", 0, NULL));
    FAILS(EINVAL, netns_open("/run/netns/live", 0, NULL));
    FAILS(EINVAL, netns_open_at(NULL, "live", 0, NULL));
    FAILS(EINVAL, netns_attach(NULL, "blue", 0));
    FAILS(EINVAL, netns_attach(live, NULL, 0));
    FAILS(EINVAL, netns_attach_at(NULL, NULL, NULL, 0));
    FAILS(EINVAL, netns_remove(NULL, 0));
    FAILS(EINVAL, netns_remove(NULL, NETNS_REMOVE_MISSING_OK));
    FAILS(EINVAL, netns_remove_at(NULL, NULL, 0));
    UNCHANGED_SINCE(before);
    netns_close(live);
    netns_close(NULL);
}

static void empty_run_directory_fails_with_einval(void)
{
    struct netns *ns, *live = NULL;
    struct netns_name_snapshot *list = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    before = state_now();
    FAILS_UNTOUCHED(EINVAL, ns, netns_create_at("", "blue", 0, &ns));
    FAILS_UNTOUCHED(EINVAL, ns, netns_create_at("", NULL, 0, &ns));
    FAILS_UNTOUCHED(EINVAL, ns, netns_open_at("", "live", 0, &ns));
    FAILS(EINVAL, netns_attach_at("", live, "blue", 0));
    FAILS(EINVAL, netns_remove_at("", "live", 0));
    FAILS(EINVAL, netns_remove_at("", "live", NETNS_REMOVE_MISSING_OK));
    FAILS(EINVAL, netns_list_at("", 0, &list));
    FAILS(EINVAL, netns_list_at("", NETNS_LIST_STALE, &list));
    FAILS(EINVAL, netns_names_at("", live, 0, &list));
    CHECK(list == NULL);
    UNCHANGED_SINCE(before);
    netns_close(live);
}

static void calls_accept_255_byte_name(void)
{
    const char *name = long_name(255);
    struct netns *ns = NULL, *again = NULL;

    OK(netns_create(name, 0, &ns));
    SAME(netns_name(ns), name);
    SAME(names(), name);
    OK(netns_open(name, 0, &again));
    EQUAL(netns_equal(ns, again), 1);
    FAILS(EEXIST, netns_attach(ns, name, 0));
    OK(netns_remove(name, 0));
    SAME(names(), "");
    OK(netns_attach(ns, name, 0));
    SAME(names(), name);
    OK(netns_remove(name, 0));
    EQUAL(files_in("/run/netns"), 0);
    netns_close(ns);
    netns_close(again);
}

static void names_over_255_bytes_fail_with_enametoolong(void)
{
    struct netns *ns, *live = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    before = state_now();
    for (size_t length = 256; length <= 1000; length += 372) {
        const char *name = long_name(length);

        FAILS_UNTOUCHED(ENAMETOOLONG, ns, netns_create(name, 0, &ns));
        FAILS_UNTOUCHED(ENAMETOOLONG, ns, netns_create(name, NETNS_CREATE_EXIST_OK, &ns));
        FAILS_UNTOUCHED(ENAMETOOLONG, ns, netns_open(name, 0, &ns));
        FAILS_UNTOUCHED(ENAMETOOLONG, ns, netns_open_at("/run/netns", name, 0, &ns));
        FAILS(ENAMETOOLONG, netns_attach(live, name, 0));
        FAILS(ENAMETOOLONG, netns_remove(name, 0));
        FAILS(ENAMETOOLONG, netns_remove(name, NETNS_REMOVE_MISSING_OK));
        MESSAGE_HAS("255 bytes");
    }
    UNCHANGED_SINCE(before);
    netns_close(live);
}

/* --- open and remove -------------------------------------------------------------------------- */

static void open_and_remove_of_missing_name_fail_with_enoent(void)
{
    struct netns *ns;

    FAILS_UNTOUCHED(ENOENT, ns, netns_open("blue", 0, &ns));
    MESSAGE_HAS("open \"blue\": open /run/netns/blue: No such file or directory");
    FAILS_UNTOUCHED(ENOENT, ns, netns_open_at("/run/none", "blue", 0, &ns));
    FAILS_UNTOUCHED(ENOENT, ns, netns_open("/run/netns/blue", 0, &ns));
    FAILS(ENOENT, netns_remove("blue", 0));
    MESSAGE_HAS("remove \"blue\"");
    MESSAGE_HAS("/run/netns/blue");
    FAILS(ENOENT, netns_remove_at("/run/none", "blue", 0));
    CHECK(!exists("/run/none"));
}

static void missing_ok_ignores_only_missing_names(void)
{
    write_file("/run/netns/file", "kept", 0644);
    OK(netns_create("blue", 0, NULL));
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    CHECK(!exists("/run/netns/blue"));
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove_at("/run/none", "blue", NETNS_REMOVE_MISSING_OK));
    CHECK(!exists("/run/none"));
    FAILS(ENOTTY, netns_remove("file", NETNS_REMOVE_MISSING_OK));
    FAILS(ENOTDIR, netns_remove_at("/run/netns/file", "blue", NETNS_REMOVE_MISSING_OK));
    CHECK(exists("/run/netns/file"));
}

static void recreated_name_refers_to_new_namespace(void)
{
    struct netns *first = NULL, *second = NULL;

    OK(netns_create("blue", 0, &first));
    OK(netns_remove("blue", 0));
    OK(netns_create("blue", 0, &second));
    EQUAL(netns_equal(first, second), 0);
    SAME(names(), "blue");
    netns_close(first);
    netns_close(second);
}

static void file_as_run_directory_fails_with_enotdir(void)
{
    struct netns *ns;

    write_file("/run/file", "kept", 0644);
    FAILS_UNTOUCHED(ENOTDIR, ns, netns_create_at("/run/file", "blue", 0, &ns));
    FAILS_UNTOUCHED(ENOTDIR, ns,
                    netns_create_at("/run/file", "blue", NETNS_CREATE_EXIST_OK, &ns));
    FAILS_UNTOUCHED(ENOTDIR, ns, netns_open_at("/run/file", "blue", 0, &ns));
    FAILS(ENOTDIR, netns_remove_at("/run/file", "blue", 0));
    EQUAL(mounts_at("/run/file"), 0);
}

static void removing_many_names_leaves_nothing_behind(void)
{
    int rounds = is_slow() ? 20 : 100;
    struct state before = state_now();
    char name[32];

    for (int i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, "n%d", i);
        OK(netns_create(name, 0, NULL));
    }
    EQUAL(files_in("/run/netns"), rounds);
    for (int i = rounds - 1; i >= 0; i--) {
        snprintf(name, sizeof name, "n%d", i);
        OK(netns_remove(name, 0));
    }
    UNCHANGED_SINCE(before);
}

/* Removes the name repeatedly while another process creates it. */
static pid_t start_a_restless_unlinker(void)
{
    pid_t pid = MUST(fork());

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        unlink("/run/netns/blue");
}

/* Between creating the file and binding on it, a process that does not take the lock can remove the file. */
static void create_racing_unlink_succeeds_or_returns_eagain(void)
{
    int rounds = is_slow() ? 100 : 2000, lost = 0, i, rc;
    struct state before = state_now();
    pid_t unlinker = start_a_restless_unlinker();

    for (i = 0; i < rounds && !test_failures; i++) {
        rc = netns_create("blue", 0, NULL);
        check_at(rc == 0 || rc == -EAGAIN, __LINE__, "create: %d (%s)", rc, netns_errmsg());
        lost += rc == -EAGAIN;
        if (rc == 0) {
            CHECK(is_netns("/run/netns/blue"));
            OK(netns_remove("blue", 0));
        }
    }
    stop(unlinker);
    UNCHANGED_SINCE(before);
    printf("# %d rounds: %d gave up\n", i, lost);
}

/* --- messages --------------------------------------------------------------------------------- */

static void messages_contain_strerror_text(void)
{
    struct netns *ns;

    FAILS_UNTOUCHED(EBADF, ns, netns_open_fd(-1, &ns));
    MESSAGE_HAS(strerror(EBADF));
    FAILS(EBADF, netns_leave(-1));
    MESSAGE_HAS(strerror(EBADF));
    write_file("/run/file", "kept", 0644);
    FAILS_UNTOUCHED(ENOTDIR, ns, netns_create_at("/run/file", "blue", 0, &ns));
    MESSAGE_HAS(strerror(ENOTDIR));
    MUST(symlink("loop", "/run/loop"));
    FAILS_UNTOUCHED(ELOOP, ns, netns_open("/run/loop", 0, &ns));
    MESSAGE_HAS(strerror(ELOOP));
    FAILS_UNTOUCHED(ENAMETOOLONG, ns, netns_open(long_name(256), 0, &ns));
    MESSAGE_HAS(strerror(ENAMETOOLONG));
    FAILS_UNTOUCHED(ESRCH, ns, netns_open_pid(INT_MAX, &ns));
    MESSAGE_HAS(strerror(ESRCH));
}

static void eexist_message_states_cause(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    FAILS(EEXIST, netns_attach(ns, "blue", 0));
    MESSAGE_HAS("attach \"blue\": create /run/netns/blue: File exists");
    MESSAGE_HAS("(the name is in use; remove it first or choose another name)");
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    MESSAGE_HAS("(the name is in use; remove it first or choose another name)");
    write_file("/run/netns/file", "kept", 0644);
    FAILS(EEXIST, netns_attach(ns, "file", 0));
    MESSAGE_HAS("(a regular file)");
    netns_close(ns);
}

static void eexist_message_reports_name_being_created(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    write_file("/run/netns/made", "", 0);
    FAILS(EEXIST, netns_attach(ns, "made", 0));
    MESSAGE_HAS("another process is creating this name");
    netns_close(ns);
}

static void enoent_message_distinguishes_path_from_name(void)
{
    struct netns *ns;

    FAILS_UNTOUCHED(ENOENT, ns, netns_open("/run/none", 0, &ns));
    MESSAGE_HAS("open \"/run/none\": open /run/none: No such file or directory");
    MESSAGE_LACKS("no network namespace has this name");
    FAILS_UNTOUCHED(ENOENT, ns, netns_open("/run/netns/none", 0, &ns));
    MESSAGE_LACKS("no network namespace has this name");
    FAILS_UNTOUCHED(ENOENT, ns, netns_open("none", 0, &ns));
    MESSAGE_HAS("no network namespace has this name");
}

/* --- restrictions of the environment ---------------------------------------------------------- */

static void create_and_attach_on_read_only_fs_fail_with_erofs(void)
{
    struct netns *ns, *live = NULL;
    struct state before;

    OK(netns_create("live", 0, &live));
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_RDONLY, "mode=755"));
    before = state_now();
    FAILS_UNTOUCHED(EROFS, ns, netns_create("blue", 0, &ns));
    FAILS_UNTOUCHED(EROFS, ns, netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    FAILS(EROFS, netns_attach(live, "blue", 0));
    FAILS(ENOENT, netns_remove("blue", 0));
    UNCHANGED_SINCE(before);
    OK(netns_create("live", NETNS_CREATE_EXIST_OK, &ns));
    EQUAL(netns_equal(ns, live), 1);
    netns_close(ns);
    netns_close(live);
}

static void remove_fails_with_erofs_and_keeps_name(void)
{
    OK(netns_create("live", 0, NULL));
    write_file("/run/netns/notes", "text", 0644);
    MUST(mount("none", "/run/netns", "none", MS_REMOUNT | MS_RDONLY, "mode=755"));
    /* The reason why it is not a name is more informative than the failed operation. */
    FAILS(ENOTTY, netns_remove("notes", 0));
    FAILS(EROFS, netns_remove("live", 0));
    FAILS(EROFS, netns_remove("live", NETNS_REMOVE_MISSING_OK));
    /* A name that cannot be removed completely is not removed partially. */
    SAME(names(), "live");
    CHECK(is_netns("/run/netns/live"));
}

static void a_plain_user_is_refused(void *arg)
{
    struct netns *ns, *live = arg;
    struct state before;

    become_plain_user();
    before = state_now();
    FAILS_UNTOUCHED(EPERM, ns, netns_create("blue", 0, &ns));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS_UNTOUCHED(EPERM, ns, netns_create(NULL, 0, &ns));
    FAILS(EPERM, netns_attach(live, "blue", 0));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS(EPERM, netns_remove("live", 0));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS(ENOENT, netns_remove("blue", 0));
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    FAILS_UNTOUCHED(EEXIST, ns, netns_create("live", 0, &ns));
    OK(netns_create("live", NETNS_CREATE_EXIST_OK, &ns));
    EQUAL(netns_equal(ns, live), 1);
    netns_close(ns);
    OK(netns_open("live", 0, &ns));
    EQUAL(netns_equal(ns, live), 1);
    netns_close(ns);
    UNCHANGED_SINCE(before);
}

static void changes_without_cap_sys_admin_fail_with_eperm(void)
{
    struct netns *live = NULL;

    OK(netns_create("live", 0, &live));
    IN_CHILD(a_plain_user_is_refused, live);
    SAME(names(), "live");
    /* Not even in a directory that belongs to the user. */
    MUST(chown("/run/netns", 65534, 65534));
    IN_CHILD(a_plain_user_is_refused, live);
    SAME(names(), "live");
    netns_close(live);
}

static void a_file_that_sticks_is_eperm(void *arg)
{
    (void)arg;
    drop_capability(CAP_FOWNER);
    FAILS(EPERM, netns_remove("sticks", 0));
    MESSAGE_HAS("its directory is sticky");
    /* Its owner can be seen only after the namespace has been unmounted. */
    CHECK(!is_netns("/run/netns/sticks"));
    CHECK(exists("/run/netns/sticks"));
}

static void remove_in_sticky_directory_needs_cap_fowner(void)
{
    if (geteuid() != 0 || chown("/run/netns", NOBODY, NOBODY) < 0)
        skip("needs real root");
    MUST(chmod("/run/netns", 01777));
    write_file("/run/netns/sticks", "", 0644);
    MUST(chown("/run/netns/sticks", NOBODY, NOBODY));
    MUST(mount("/proc/thread-self/ns/net", "/run/netns/sticks", "none", MS_BIND, NULL));
    IN_CHILD(a_file_that_sticks_is_eperm, NULL);
    OK(netns_remove("sticks", 0));
}

static void root_of_less_is_refused(void *arg)
{
    struct netns *ns, *own = NULL;
    struct state before;

    (void)arg;
    enter_user_namespace(CLONE_NEWNET);
    OK(netns_create(NULL, 0, &own));
    before = state_now();
    FAILS_UNTOUCHED(EACCES, ns, netns_create("blue", 0, &ns));
    MESSAGE_HAS("needs write permission in the directory");
    FAILS(EACCES, netns_create("blue", NETNS_CREATE_EXIST_OK, NULL));
    FAILS(EACCES, netns_attach(own, "blue", 0));
    FAILS(EACCES, netns_remove("stale", 0));
    /* Mounts inherited from a more privileged mount namespace cannot be unmounted. */
    FAILS(EPERM, netns_remove("live", 0));
    MESSAGE_HAS("more privileged mount namespace");
    UNCHANGED_SINCE(before);
    CHECK(is_netns("/run/netns/live"));
    netns_close(own);
}

static void run_directory_of_other_user_fails_with_eacces(void)
{
    OK(netns_create("live", 0, NULL));
    write_file("/run/netns/stale", "", 0);
    if (chown("/run/netns", 12345, 12345) < 0)
        skip("there is no second user here");
    IN_CHILD(root_of_less_is_refused, NULL);
    SAME(names(), "live");
    CHECK(exists("/run/netns/stale"));
}

static void one_that_may_not_be_searched_is_eacces(void *arg)
{
    struct netns *ns;

    (void)arg;
    become_plain_user();
    FAILS_UNTOUCHED(EACCES, ns, netns_open("live", 0, &ns));
    FAILS(EACCES, netns_remove("live", 0));
    FAILS(EACCES, netns_remove("live", NETNS_REMOVE_MISSING_OK));
    FAILS(EACCES, netns_create("live", 0, NULL));
}

static void unsearchable_run_directory_fails_with_eacces(void)
{
    OK(netns_create("live", 0, NULL));
    MUST(chmod("/run/netns", 0700));
    IN_CHILD(one_that_may_not_be_searched_is_eacces, NULL);
}

static void find_no_room_for_a_namespace(void *arg)
{
    struct netns *ns, *own = NULL;
    struct state before;

    (void)arg;
    enter_user_namespace(CLONE_NEWNET);
    MUST(mount("netns-test", "/run/netns", "tmpfs", 0, "mode=755"));
    OK(netns_create("live", 0, &own));
    write_map("/proc/sys/user/max_net_namespaces", "0");
    before = state_now();
    FAILS_UNTOUCHED(ENOSPC, ns, netns_create("blue", 0, &ns));
    MESSAGE_HAS("max_net_namespaces");
    FAILS_UNTOUCHED(ENOSPC, ns, netns_create(NULL, 0, &ns));
    FAILS(ENOSPC, netns_create_at("/run/mine", "blue", 0, NULL));
    CHECK(!exists("/run/mine"));
    UNCHANGED_SINCE(before);
    /* An existing name needs no space. */
    OK(netns_create("live", NETNS_CREATE_EXIST_OK, &ns));
    EQUAL(netns_equal(ns, own), 1);
    netns_close(ns);
    netns_close(own);
}

static void create_beyond_namespace_limit_fails_with_enospc(void)
{
    IN_CHILD(find_no_room_for_a_namespace, NULL);
}

static void create_on_full_file_system_fails_with_enospc(void)
{
    struct netns *ns, *live = NULL;
    int mounts;

    OK(netns_create("live", 0, &live));
    MUST(mkdir("/run/full", 0755));
    MUST(mount("netns-test", "/run/full", "tmpfs", 0, "nr_inodes=2"));
    OK(netns_create_at("/run/full", "first", 0, NULL));
    mounts = mounts_at(NULL);
    FAILS_UNTOUCHED(ENOSPC, ns, netns_create_at("/run/full", "second", 0, &ns));
    MESSAGE_HAS("/run/full/second");
    FAILS(ENOSPC, netns_attach_at("/run/full", live, "second", 0));
    EQUAL(files_in("/run/full"), 1);
    EQUAL(mounts_at(NULL), mounts);
    OK(netns_remove_at("/run/full", "first", 0));
    OK(netns_create_at("/run/full", "second", 0, NULL));
    netns_close(live);
}

static void calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *ns = NULL;

    RUNS_OUT_OF_DESCRIPTORS(netns_create("blue", 0, &ns));
    SAME(names_in(NULL, NETNS_LIST_STALE), "blue");
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_create("blue", NETNS_CREATE_EXIST_OK, &ns));
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(
        netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &ns));
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_create("red", NETNS_CREATE_LO_UP, NULL));
    RUNS_OUT_OF_DESCRIPTORS(netns_open("blue", 0, &ns));
    netns_close(ns);
    RUNS_OUT_OF_DESCRIPTORS(netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
    CHECK(is_netns("/run/netns/red"));
}

/* The run directory and its mount may stay: other processes may already be using them. */
static void first_create_without_descriptors_fails_with_emfile(void)
{
    int before = open_descriptors(), more, rc = -1;

    for (more = 0; more < 20 && rc < 0; more++) {
        allow_descriptors(more);
        rc = netns_create_at("/run/mine", "blue", 0, NULL);
        allow_descriptors(-1);
        if (rc < 0) {
            EQUAL(rc, -EMFILE);
            if (!under_valgrind())
                CHECK(files_in("/run/mine") <= 0);
        }
        CHECK(mounts_at("/run/mine") <= 1);
        EQUAL(open_descriptors(), before);
    }
    EQUAL(rc, 0);
    CHECK(more > 1);
    EQUAL(mounts_at("/run/mine"), 1);
    EQUAL(mounts_at("/run/mine/blue"), 1);
    SAME(names_in("/run/mine", NETNS_LIST_STALE), "blue");
}

int main(void)
{
    RUN(name_exists_from_create_to_remove);
    RUN(create_keeps_namespace_of_calling_thread);

    RUN(create_without_out_leaks_no_descriptor);
    RUN(null_run_directory_means_default);
    RUN(run_directories_have_separate_names);
    RUN(create_of_existing_name_fails_with_eexist);
    RUN(exist_ok_creates_missing_and_opens_existing_name);
    RUN(exist_ok_rejects_regular_file);
    RUN(create_brings_lo_up_only_with_lo_up_flag);
    RUN(exist_ok_with_lo_up_brings_existing_lo_up);

    RUN(calls_reject_unknown_flags);
    RUN(null_arguments_fail_with_einval);
    RUN(empty_run_directory_fails_with_einval);
    RUN(calls_accept_255_byte_name);
    RUN(names_over_255_bytes_fail_with_enametoolong);

    RUN(open_and_remove_of_missing_name_fail_with_enoent);
    RUN(missing_ok_ignores_only_missing_names);
    RUN(recreated_name_refers_to_new_namespace);
    RUN(file_as_run_directory_fails_with_enotdir);
    RUN(removing_many_names_leaves_nothing_behind);
    RUN(create_racing_unlink_succeeds_or_returns_eagain);

    RUN(messages_contain_strerror_text);
    RUN(eexist_message_states_cause);
    RUN(eexist_message_reports_name_being_created);
    RUN(enoent_message_distinguishes_path_from_name);

    RUN(create_and_attach_on_read_only_fs_fail_with_erofs);
    RUN(remove_fails_with_erofs_and_keeps_name);
    RUN(changes_without_cap_sys_admin_fail_with_eperm);
    RUN(run_directory_of_other_user_fails_with_eacces);
    RUN(remove_in_sticky_directory_needs_cap_fowner);
    RUN(unsearchable_run_directory_fails_with_eacces);
    RUN(create_beyond_namespace_limit_fails_with_enospc);
    RUN(create_on_full_file_system_fails_with_enospc);
    RUN(calls_without_descriptors_fail_with_emfile);
    RUN(first_create_without_descriptors_fails_with_emfile);
    return finish();
}
