/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* `ip netns` lists, enters and deletes what the library creates, and vice versa. */
#include "ip.h"

/* Whether the text contains this line or word. */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    const char *at = text;

    for (; (at = strstr(at, word)); at++)
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

#define SAYS(text, word) says((text), (word), __LINE__)

static void says(const char *text, const char *word, int line)
{
    check_at(has_word(text, word), line, "\"%s\" in \"%s\"", word, text);
}

/* Whether a program that ip runs in the namespace is in the expected one. */
static bool ip_enters(const char *name, uint64_t inode)
{
    char place[64];

    snprintf(place, sizeof place, "net:[%llu]", (unsigned long long)inode);
    return has_word(ip_netns_says("exec", name, "readlink", "/proc/self/ns/net"), place);
}

static void ip_lists_enters_and_deletes_library_names(void)
{
    struct netns *ns = NULL, *opened = NULL;
    struct netns_name_snapshot *list = NULL;

    need_ip();
    OK(netns_create("blue", 0, &ns));
    OK(netns_attach(ns, "green", 0));
    SAYS(ip_netns_says("list", NULL, NULL, NULL), "blue");
    SAYS(ip_netns_says("list", NULL, NULL, NULL), "green");
    EQUAL(ip_netns("exec", "blue", "true", NULL), 0);
    EQUAL(ip_netns("exec", "blue", "false", NULL), 1);
    CHECK(ip_enters("blue", netns_inode(ns)));
    CHECK(ip_enters("green", netns_inode(ns)));
    EQUAL(ip_netns("add", "blue", NULL, NULL), 1);
    EQUAL(ip_netns("delete", "blue", NULL, NULL), 0);
    SAME(names_in(NULL, NETNS_LIST_STALE), "green");
    FAILS(ENOENT, netns_open("blue", 0, &opened));
    FAILS(ENOENT, netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
    /* The handle and the other name are unaffected. */
    OK(netns_open("green", 0, &opened));
    EQUAL(netns_equal(ns, opened), 1);
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    EQUAL(ip_netns("delete", "green", NULL, NULL), 0);
    SAME(names(), "");
    netns_list_free(list);
    netns_close(opened);
    netns_close(ns);
}

static void library_lists_enters_and_removes_ip_names(void)
{
    struct netns *ns = NULL, *again = NULL;
    uint64_t home = here();
    int token, fd;

    need_ip();
    EQUAL(ip_netns("add", "blue", NULL, NULL), 0);
    SAME(names(), "blue");
    OK(netns_open("blue", 0, &ns));
    CHECK(ip_enters("blue", netns_inode(ns)));
    FAILS(EEXIST, netns_create("blue", 0, NULL));
    OK(netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &again));
    EQUAL(netns_equal(ns, again), 1);
    CHECK(lo_is_up(ns));
    token = OK(netns_enter(ns));
    EQUAL(here(), netns_inode(ns));
    OK(netns_leave(token));
    EQUAL(here(), home);
    fd = OK(netns_socket(ns, AF_INET, SOCK_STREAM, 0));
    close(fd);
    OK(netns_attach(ns, "green", 0));
    OK(netns_remove("blue", 0));
    CHECK(!exists("/run/netns/blue"));
    EQUAL(mounts_at("/run/netns/blue"), 0);
    SAME(ip_netns_says("list", NULL, NULL, NULL), "green");
    OK(netns_remove("green", 0));
    SAME(ip_netns_says("list", NULL, NULL, NULL), "");
    netns_close(again);
    netns_close(ns);
}

/* The ids returned by netns_pids(), as `ip netns pids` prints them. */
static const char *pids_of(const struct netns *ns)
{
    static char text[1024];
    pid_t pids[16];
    ssize_t count = OK(netns_pids(ns, 0, pids, 16)), i;
    size_t used = 0;

    text[0] = '\0';
    for (i = 0; i < count && i < 16; i++)
        used += sprintf(text + used, "%s%d", i ? " " : "", pids[i]);
    return text;
}

static void ip_and_the_library_agree_on_processes_and_names(void)
{
    struct netns *ns = NULL, *opened = NULL;
    struct netns_name_snapshot *list = NULL;
    const char *identified;
    char pid[2][16];
    pid_t inside[2];
    int i;

    need_ip();
    OK(netns_create(NULL, 0, &ns));
    for (i = 0; i < 2; i++) {
        inside[i] = start_in(ns);
        snprintf(pid[i], sizeof pid[i], "%d", inside[i]);
    }
    SAME(ip_netns_says("identify", pid[0], NULL, NULL), "");
    EQUAL(ip_netns("attach", "blue", pid[0], NULL), 0);
    OK(netns_open("blue", 0, &opened));
    EQUAL(netns_equal(ns, opened), 1);
    SAME(ip_netns_says("identify", pid[0], NULL, NULL), "blue");
    OK(netns_attach(ns, "green", 0));
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 2);
    SAME(netns_list_name(list, 0), "blue");
    SAME(netns_list_name(list, 1), "green");
    /* If there are several names, iproute2 reports one of them. */
    identified = ip_netns_says("identify", pid[1], NULL, NULL);
    CHECK(!strcmp(identified, "blue") || !strcmp(identified, "green"));
    for (i = 0; i < 2; i++)
        SAYS(pids_of(ns), pid[i]);
    SAME(ip_netns_says("pids", "green", NULL, NULL), pids_of(ns));
    OK(netns_remove("blue", 0));
    SAME(ip_netns_says("identify", pid[0], NULL, NULL), "green");
    for (i = 0; i < 2; i++)
        stop(inside[i]);
    SAME(ip_netns_says("pids", "green", NULL, NULL), "");
    EQUAL(netns_pids(ns, 0, NULL, 0), 0);
    netns_list_free(list);
    netns_close(opened);
    netns_close(ns);
}

static void add_with(bool by_ip, const char *name)
{
    if (by_ip)
        EQUAL(ip_netns("add", name, NULL, NULL), 0);
    else
        OK(netns_create(name, 0, NULL));
}

static void remove_with(bool by_ip, const char *name)
{
    if (by_ip)
        EQUAL(ip_netns("delete", name, NULL, NULL), 0);
    else
        OK(netns_remove(name, 0));
}

/* Both handle each other's names in any order, and nothing accumulates. */
static void ip_and_library_add_and_remove_names_in_any_order(void)
{
    int rounds = is_slow() ? 12 : 50, before, i;
    char path[64], name[2][32];

    need_ip();
    srand(6);
    OK(netns_create("kept", 0, NULL));
    before = mounts_at(NULL);
    for (i = 0; i < rounds && !test_failures; i++) {
        int first = rand() % 2, j;

        for (j = 0; j < 2; j++) {
            snprintf(name[j], sizeof name[j], "name-%d-%d", i, j);
            add_with(rand() % 2, name[j]);
            snprintf(path, sizeof path, "/run/netns/%s", name[j]);
            CHECK(is_netns(path));
            EQUAL(mounts_at(path), 1);
            SAYS(names(), name[j]);
            SAYS(ip_netns_says("list", NULL, NULL, NULL), name[j]);
        }
        remove_with(rand() % 2, name[first]);
        CHECK(!has_word(names(), name[first]));
        CHECK(!has_word(ip_netns_says("list", NULL, NULL, NULL), name[first]));
        remove_with(rand() % 2, name[!first]);
        EQUAL(mounts_at(NULL), before);
        EQUAL(files_in("/run/netns"), 1);
    }
    SAME(names_in(NULL, NETNS_LIST_STALE), "kept");
}

/* If the parent is shared, every mount in the directory may appear in two places. */
static void share_run(void)
{
    MUST(mount("none", "/run", "none", MS_SHARED, NULL));
}

/* Each of the two adds a name and removes the other's. */
static void one_comes_first(bool ip_first)
{
    struct netns *ns = NULL;
    int directory;

    add_with(ip_first, "first");
    directory = mounts_at("/run/netns");
    CHECK(directory >= 1);
    add_with(!ip_first, "second");
    EQUAL(mounts_at("/run/netns"), directory);
    SAME(names(), "first second");
    OK(netns_open("second", 0, &ns));
    CHECK(ip_enters("second", netns_inode(ns)));
    netns_close(ns);
    remove_with(!ip_first, "first");
    EQUAL(mounts_at("/run/netns/first"), 0);
    CHECK(!exists("/run/netns/first"));
    remove_with(ip_first, "second");
    EQUAL(mounts_at("/run/netns/second"), 0);
    CHECK(!exists("/run/netns/second"));
    EQUAL(mounts_at("/run/netns"), directory);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
}

static void library_works_in_run_directory_created_by_ip(void)
{
    need_ip();
    one_comes_first(true);
}

static void ip_works_in_run_directory_created_by_library(void)
{
    need_ip();
    one_comes_first(false);
    EQUAL(mounts_at("/run/netns"), 1);
}

static void library_works_in_ip_directory_below_shared_mount(void)
{
    need_ip();
    share_run();
    one_comes_first(true);
}

static void ip_works_in_library_directory_below_shared_mount(void)
{
    need_ip();
    share_run();
    one_comes_first(false);
    EQUAL(mounts_at("/run/netns"), 1);
}

/* A program started by ip sees names that the library creates later, and no names that it has removed. */
static void name_changes_propagate_to_running_ip_netns_exec(void)
{
    char inside[2] = "";
    int go[2], answer[2];
    pid_t pid;

    need_ip();
    MUST(pipe2(go, O_CLOEXEC));
    MUST(pipe2(answer, O_CLOEXEC));
    OK(netns_create("blue", 0, NULL));
    pid = MUST(fork());
    if (pid == 0) {
        dup2(go[0], STDIN_FILENO);
        dup2(answer[1], STDOUT_FILENO);
        execlp("ip", "ip", "netns", "exec", "blue", "sh", "-c",
               "printf r; read x; test -e /run/netns/green && printf y || printf n;"
               "read x; test -e /run/netns/green && printf y || printf n", (char *)NULL);
        _exit(127);
    }
    EQUAL(read(answer[0], inside, 1), 1);
    SAME(inside, "r");
    OK(netns_create("green", 0, NULL));
    MUST(write(go[1], "\n", 1));
    EQUAL(read(answer[0], inside, 1), 1);
    SAME(inside, "y");
    /* The mount inside that namespace must not make the name busy. */
    OK(netns_remove("green", 0));
    MUST(write(go[1], "\n", 1));
    EQUAL(read(answer[0], inside, 1), 1);
    SAME(inside, "n");
    EQUAL(wait_for(pid), 0);
    close(go[0]);
    close(go[1]);
    close(answer[0]);
    close(answer[1]);
}

int main(void)
{
    RUN(ip_lists_enters_and_deletes_library_names);
    RUN(library_lists_enters_and_removes_ip_names);
    RUN(ip_and_the_library_agree_on_processes_and_names);
    RUN(ip_and_library_add_and_remove_names_in_any_order);
    RUN_WITHOUT_RUN_DIRECTORY(library_works_in_run_directory_created_by_ip);
    RUN_WITHOUT_RUN_DIRECTORY(ip_works_in_run_directory_created_by_library);
    RUN_WITHOUT_RUN_DIRECTORY(library_works_in_ip_directory_below_shared_mount);
    RUN_WITHOUT_RUN_DIRECTORY(ip_works_in_library_directory_below_shared_mount);
    RUN_WITHOUT_RUN_DIRECTORY(name_changes_propagate_to_running_ip_netns_exec);
    return finish();
}
