/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists: all names, and the names of one namespace. */
#include "fault.h"
#include "privilege.h"

#define SIZE(array) (sizeof(array) / sizeof *(array))

/* A value that a failing call must not overwrite. */
#define NO_LIST ((struct netns_name_snapshot *)&test_failures)

/* The index of a name in a list, or -1. */
static long place_of(const struct netns_name_snapshot *list, const char *name)
{
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (strcmp(netns_list_name(list, i), name) == 0)
            return (long)i;
    return -1;
}

static bool is_sorted(const struct netns_name_snapshot *list)
{
    /* strcmp(3) compares as unsigned char: bytewise, whatever the locale. */
    for (size_t i = 1; i < netns_list_len(list); i++)
        if (strcmp(netns_list_name(list, i - 1), netns_list_name(list, i)) >= 0)
            return false;
    return true;
}

/* --- contents of a list ----------------------------------------------------------------------- */

static void names_are_sorted_bytewise(void)
{
    static const char *const shuffled[] = {
        "b", "\xff", "Z", "aa", "_", "a", "\x80", "0", "ab", "B", "a b", "\xc3\xa9", "9", "~", "10",
        "a\n", "-", "A",
    };
    static const char *const sorted[] = {
        "-", "0", "10", "9", "A", "B", "Z", "_", "a", "a\n", "a b", "aa", "ab", "b", "~", "\x80",
        "\xc3\xa9", "\xff",
    };
    struct netns_name_snapshot *list = NULL;

    EQUAL(SIZE(shuffled), SIZE(sorted));
    for (size_t i = 0; i < SIZE(shuffled); i++)
        OK(netns_create(shuffled[i], 0, NULL));
    EQUAL(OK(netns_list(0, &list)), 0);
    EQUAL(netns_list_len(list), SIZE(sorted));
    for (size_t i = 0; i < SIZE(sorted); i++)
        SAME(netns_list_name(list, i), sorted[i]);
    netns_list_free(list);
}

static void list_returns_inode_of_each_name(void)
{
    static const char *const made[] = {"c", "a", "b"};
    struct netns *handles[SIZE(made)] = {NULL};
    struct netns_name_snapshot *list = NULL;

    for (size_t i = 0; i < SIZE(made); i++)
        OK(netns_create(made[i], 0, &handles[i]));
    OK(netns_list(0, &list));
    for (size_t i = 0; i < SIZE(made); i++) {
        char path[64];
        struct stat st;
        long place = place_of(list, made[i]);

        EQUAL(netns_list_inode(list, place), netns_inode(handles[i]));
        snprintf(path, sizeof path, "/run/netns/%s", made[i]);
        MUST(stat(path, &st));
        EQUAL(netns_list_inode(list, place), st.st_ino);
        netns_close(handles[i]);
    }
    netns_list_free(list);
}

static void index_past_end_returns_null_name_and_zero_inode(void)
{
    struct netns_name_snapshot *list = NULL;

    OK(netns_create("a", 0, NULL));
    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), 1);
    errno = ERRNO_UNTOUCHED;
    SAME(netns_list_name(list, 1), NULL);
    SAME(netns_list_name(list, SIZE_MAX), NULL);
    EQUAL(netns_list_inode(list, 1), 0);
    EQUAL(netns_list_inode(list, SIZE_MAX), 0);
    netns_list_free(list);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

static void null_list_is_treated_as_empty(void)
{
    errno = ERRNO_UNTOUCHED;
    EQUAL(netns_list_len(NULL), 0);
    SAME(netns_list_name(NULL, 0), NULL);
    EQUAL(netns_list_inode(NULL, 0), 0);
    netns_list_free(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
}

static void empty_run_directory_gives_empty_list(void)
{
    struct netns_name_snapshot *list = NULL;

    for (uint32_t flags = 0; flags <= NETNS_LIST_STALE; flags++) {
        OK(netns_list(flags, &list));
        CHECK(list != NULL);
        EQUAL(netns_list_len(list), 0);
        SAME(netns_list_name(list, 0), NULL);
        netns_list_free(list);
    }
}

static void missing_run_directory_gives_empty_list(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NULL;

    OK(netns_create(NULL, 0, &ns));
    for (uint32_t flags = 0; flags <= NETNS_LIST_STALE; flags++) {
        OK(netns_list(flags, &list));
        EQUAL(netns_list_len(list), 0);
        netns_list_free(list);
        OK(netns_list_at("/run/none/below", flags, &list));
        EQUAL(netns_list_len(list), 0);
        netns_list_free(list);
    }
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 0);
    netns_list_free(list);
    CHECK(!exists("/run/netns") && !exists("/run/none"));
    netns_close(ns);
}

static void list_ignores_later_changes(void)
{
    struct netns_name_snapshot *before = NULL;

    OK(netns_create("a", 0, NULL));
    OK(netns_create("b", 0, NULL));
    OK(netns_list(0, &before));
    OK(netns_remove("a", 0));
    OK(netns_create("c", 0, NULL));
    EQUAL(netns_list_len(before), 2);
    SAME(netns_list_name(before, 0), "a");
    SAME(netns_list_name(before, 1), "b");
    SAME(names(), "b c");
    netns_list_free(before);
}

static void list_covers_only_the_given_run_directory(void)
{
    OK(netns_create("a", 0, NULL));
    OK(netns_create_at("/run/mine", "b", 0, NULL));
    SAME(names(), "a");
    SAME(names_in("/run/netns", 0), "a");
    SAME(names_in("/run/mine", 0), "b");
    MUST(chdir("/run"));
    SAME(names_in("mine", 0), "b");
}

static void more_than_a_thousand_names_are_listed(void)
{
    int count = under_valgrind() ? 150 : 1200, spaces = 5;
    struct netns *handles[5] = {NULL};
    struct netns_name_snapshot *list = NULL;
    char name[128];

    for (int i = 0; i < spaces; i++)
        OK(netns_create(NULL, 0, &handles[i]));
    for (int i = 0; i < count; i++) {
        /* 7919 is prime, so each number occurs once and in no particular order. */
        int number = i * 7919 % count;

        snprintf(name, sizeof name, "a-name-that-takes-some-room-in-the-directory-%04d", number);
        MUST(netns_attach(handles[number % spaces], name, 0));
    }
    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), count);
    CHECK(is_sorted(list));
    for (int i = 0; i < count && i < (int)netns_list_len(list); i++) {
        snprintf(name, sizeof name, "a-name-that-takes-some-room-in-the-directory-%04d", i);
        SAME(netns_list_name(list, i), name);
        EQUAL(netns_list_inode(list, i), netns_inode(handles[i % spaces]));
    }
    netns_list_free(list);
    OK(netns_names(handles[2], 0, &list));
    EQUAL(netns_list_len(list), count / spaces);
    CHECK(is_sorted(list));
    EQUAL(netns_list_inode(list, 0), netns_inode(handles[2]));
    netns_list_free(list);
    for (int i = 0; i < spaces; i++)
        netns_close(handles[i]);
}

/* --- what is not listed ----------------------------------------------------------------------- */

static void list_ignores_files_that_are_not_network_namespaces(void)
{
    OK(netns_create("live", 0, NULL));
    write_file("/run/netns/file", "kept", 0644);
    MUST(mkdir("/run/netns/dir", 0755));
    MUST(mkfifo("/run/netns/fifo", 0666));
    write_file("/run/netns/uts", "", 0);
    MUST(mount("/proc/self/ns/uts", "/run/netns/uts", "none", MS_BIND, "none"));
    SAME(names(), "live");
    SAME(names_in(NULL, NETNS_LIST_STALE), "live");
}

/* 04-stale tests how a placeholder of another program becomes stale with age. */
static void stale_names_are_listed_only_with_list_stale(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;

    OK(netns_create("m", 0, &ns));
    write_file("/run/netns/z-ours", "", 0);
    MUST(chmod("/run/netns/z-ours", 01000));
    write_file("/run/netns/a-ours", "", 0);
    MUST(chmod("/run/netns/a-ours", 01000));
    write_file("/run/netns/young", "", 0);
    SAME(names(), "m");
    SAME(names_in(NULL, NETNS_LIST_STALE), "a-ours m z-ours");
    OK(netns_list(NETNS_LIST_STALE, &list));
    EQUAL(netns_list_inode(list, 0), 0);
    EQUAL(netns_list_inode(list, 1), netns_inode(ns));
    EQUAL(netns_list_inode(list, 2), 0);
    netns_list_free(list);
    /* Listing changes nothing. */
    CHECK(exists("/run/netns/a-ours") && exists("/run/netns/young"));
    OK(netns_remove("a-ours", 0));
    OK(netns_remove("z-ours", 0));
    SAME(names_in(NULL, NETNS_LIST_STALE), "m");
    netns_close(ns);
}

/* --- arguments and errors --------------------------------------------------------------------- */

static void list_and_names_reject_unknown_flags(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NO_LIST;

    OK(netns_create("live", 0, &ns));
    for (int bit = 0; bit < 32; bit++) {
        uint32_t flag = 1u << bit;

        if (flag != NETNS_LIST_STALE) {
            FAILS(EINVAL, netns_list(flag, &list));
            FAILS(EINVAL, netns_list_at("/run/netns", flag | NETNS_LIST_STALE, &list));
        }
        FAILS(EINVAL, netns_names(ns, flag, &list));
        FAILS(EINVAL, netns_names_at("/run/netns", ns, flag, &list));
    }
    CHECK(list == NO_LIST);
    netns_close(ns);
}

static void null_arguments_fail_with_einval(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NO_LIST;

    OK(netns_create("live", 0, &ns));
    FAILS(EINVAL, netns_list(0, NULL));
    FAILS(EINVAL, netns_list_at("/run/netns", 0, NULL));
    FAILS(EINVAL, netns_names(NULL, 0, &list));
    FAILS(EINVAL, netns_names(ns, 0, NULL));
    FAILS(EINVAL, netns_names_at("/run/netns", NULL, 0, &list));
    FAILS(EINVAL, netns_names_at("/run/netns", ns, 0, NULL));
    CHECK(list == NO_LIST);
    netns_close(ns);
}

static void file_as_run_directory_fails_with_enotdir(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NO_LIST;

    OK(netns_create(NULL, 0, &ns));
    write_file("/run/file", "kept", 0644);
    FAILS(ENOTDIR, netns_list_at("/run/file", 0, &list));
    MESSAGE_HAS("/run/file");
    FAILS(ENOTDIR, netns_list_at("/run/file", NETNS_LIST_STALE, &list));
    FAILS(ENOTDIR, netns_names_at("/run/file", ns, 0, &list));
    CHECK(list == NO_LIST);
    netns_close(ns);
}

static void list_a_closed_directory(void *arg)
{
    struct netns_name_snapshot *list = NO_LIST;

    become_plain_user();
    FAILS(EACCES, netns_list(0, &list));
    MESSAGE_HAS("/run/netns");
    FAILS(EACCES, netns_list(NETNS_LIST_STALE, &list));
    FAILS(EACCES, netns_names(arg, 0, &list));
    CHECK(list == NO_LIST);
}

static void unreadable_run_directory_fails_with_eacces(void)
{
    struct netns *ns = NULL;

    OK(netns_create("live", 0, &ns));
    MUST(chmod("/run/netns", 0700));
    IN_CHILD(list_a_closed_directory, ns);
    MUST(chmod("/run/netns", 0711));
    IN_CHILD(list_a_closed_directory, ns);
    netns_close(ns);
}

static void list_without_descriptors_fails_with_emfile(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NULL;

    OK(netns_create("live", 0, &ns));
    RUNS_OUT_OF_DESCRIPTORS(netns_list(0, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    RUNS_OUT_OF_DESCRIPTORS(netns_list(NETNS_LIST_STALE, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    RUNS_OUT_OF_DESCRIPTORS(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    netns_list_free(list);
    netns_close(ns);
}

/*
 * Before Linux 6.18 each name is opened to identify it. If no descriptor is available for a name, the call
 * must fail and not omit the name, even if one was available for the directory.
 */
static void list_fails_with_emfile_if_names_must_be_opened(void)
{
    const struct fault no_handles = {.call = SYS_name_to_handle_at, .error = EOPNOTSUPP};

    need_seccomp();
    install_faults(&no_handles, 1);
    list_without_descriptors_fails_with_emfile();
}

static void list_as_a_plain_user(void *arg)
{
    const struct netns *ns = arg;
    struct netns_name_snapshot *list = NULL;

    become_plain_user();
    SAME(names(), "a b");
    SAME(names_in(NULL, NETNS_LIST_STALE), "a b stale");
    OK(netns_list(0, &list));
    EQUAL(netns_list_inode(list, 0), netns_inode(ns));
    netns_list_free(list);
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "a");
    netns_list_free(list);
}

static void unprivileged_user_gets_the_same_list(void)
{
    struct netns *ns = NULL;

    OK(netns_create("a", 0, &ns));
    OK(netns_create("b", 0, NULL));
    write_file("/run/netns/stale", "", 0);
    MUST(chmod("/run/netns/stale", 01000));
    IN_CHILD(list_as_a_plain_user, ns);
    netns_close(ns);
}

/* --- the names of one namespace --------------------------------------------------------------- */

static void check_names_of(const struct netns *ns, const char *first, const char *second,
                           const char *third)
{
    struct netns_name_snapshot *list = NULL;

    OK(netns_names(ns, 0, &list));
    SAME(netns_list_name(list, 0), first);
    SAME(netns_list_name(list, 1), second);
    SAME(netns_list_name(list, 2), third);
    for (size_t i = 0; i < netns_list_len(list); i++)
        EQUAL(netns_list_inode(list, i), netns_inode(ns));
    netns_list_free(list);
}

static void names_returns_all_names_of_a_namespace(void)
{
    struct netns *none = NULL, *one = NULL, *three = NULL;

    OK(netns_create(NULL, 0, &none));
    OK(netns_create("m", 0, &one));
    OK(netns_create("z", 0, &three));
    OK(netns_attach(three, "a", 0));
    OK(netns_attach(three, "n", 0));
    check_names_of(none, NULL, NULL, NULL);
    check_names_of(one, "m", NULL, NULL);
    check_names_of(three, "a", "n", "z");
    OK(netns_remove("n", 0));
    check_names_of(three, "a", "z", NULL);
    netns_close(none);
    netns_close(one);
    netns_close(three);
}

static void names_returns_names_of_current_namespace(void)
{
    struct netns *home = NULL;

    OK(netns_create("other", 0, NULL));
    OK(netns_open_current(&home));
    check_names_of(home, NULL, NULL, NULL);
    OK(netns_attach(home, "home", 0));
    check_names_of(home, "home", NULL, NULL);
    netns_close(home);
}

static void names_at_searches_only_the_given_run_directory(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NULL;

    OK(netns_create_at("/run/mine", "theirs", 0, &ns));
    OK(netns_create("a", 0, NULL));
    check_names_of(ns, NULL, NULL, NULL);
    OK(netns_names_at("/run/mine", ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "theirs");
    netns_list_free(list);
    OK(netns_attach(ns, "ours", 0));
    check_names_of(ns, "ours", NULL, NULL);
    OK(netns_names_at(NULL, ns, 0, &list));
    SAME(netns_list_name(list, 0), "ours");
    netns_list_free(list);
    netns_close(ns);
}

/* --- concurrent changes ----------------------------------------------------------------------- */

#define STEADY 10

static void make_and_remove_over_and_over(void *arg)
{
    int rounds = *(int *)arg;
    char name[32];

    for (int i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, "passing%d", i % 7);
        OK(netns_create(name, 0, NULL));
        OK(netns_remove(name, 0));
    }
}

/* Checks that each permanent name is listed with its inode, and that the others are temporary ones. */
static void check_list_beside_changes(uint32_t flags, struct netns *const *steady)
{
    struct netns_name_snapshot *list = NULL;
    size_t passing = 0;

    OK(netns_list(flags, &list));
    CHECK(is_sorted(list));
    for (int i = 0; i < STEADY; i++) {
        char name[32];
        long place;

        snprintf(name, sizeof name, "steady%d", i);
        place = place_of(list, name);
        if (CHECK(place >= 0))
            EQUAL(netns_list_inode(list, place), netns_inode(steady[i]));
    }
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (strncmp(netns_list_name(list, i), "passing", strlen("passing")) == 0) {
            passing++;
            CHECK(netns_list_inode(list, i) != 0);
        }
    EQUAL(netns_list_len(list), STEADY + passing);
    netns_list_free(list);
}

static void list_during_changes_returns_all_permanent_names(void)
{
    int rounds = is_slow() ? 40 : 200, lists = 0, status;
    struct netns *steady[STEADY] = {NULL};
    char name[32];
    pid_t child;

    for (int i = 0; i < STEADY; i++) {
        snprintf(name, sizeof name, "steady%d", i);
        OK(netns_create(name, 0, &steady[i]));
    }
    child = start_part(make_and_remove_over_and_over, &rounds);
    while (waitpid(child, &status, WNOHANG) == 0) {
        check_list_beside_changes(0, steady);
        /* The library's own placeholders exist only while the lock is held, which this call also takes, so
           it never sees one. */
        check_list_beside_changes(NETNS_LIST_STALE, steady);
        lists++;
    }
    EQUAL(status, 0);
    CHECK(lists > 0);
    for (int i = 0; i < STEADY; i++)
        netns_close(steady[i]);
}

int main(void)
{
    RUN(names_are_sorted_bytewise);
    RUN(list_returns_inode_of_each_name);
    RUN(index_past_end_returns_null_name_and_zero_inode);
    RUN(null_list_is_treated_as_empty);
    RUN(empty_run_directory_gives_empty_list);
    RUN_WITHOUT_RUN_DIRECTORY(missing_run_directory_gives_empty_list);
    RUN(list_ignores_later_changes);
    RUN(list_covers_only_the_given_run_directory);
    RUN(more_than_a_thousand_names_are_listed);

    RUN(list_ignores_files_that_are_not_network_namespaces);
    RUN(stale_names_are_listed_only_with_list_stale);

    RUN(list_and_names_reject_unknown_flags);
    RUN(null_arguments_fail_with_einval);
    RUN(file_as_run_directory_fails_with_enotdir);
    RUN(unreadable_run_directory_fails_with_eacces);
    RUN(list_without_descriptors_fails_with_emfile);
    RUN(list_fails_with_emfile_if_names_must_be_opened);
    RUN(unprivileged_user_gets_the_same_list);

    RUN(names_returns_all_names_of_a_namespace);
    RUN(names_returns_names_of_current_namespace);
    RUN(names_at_searches_only_the_given_run_directory);

    RUN(list_during_changes_returns_all_permanent_names);
    return finish();
}
