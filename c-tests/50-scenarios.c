/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs bindings/scenarios.txt, which describes its own syntax. Rust, Python and Go run the same file. */
#include "test.h"

#include <sys/socket.h>

/* The file's path relative to the directory in which the tests run. */
#define SCENARIOS "../bindings/scenarios.txt"

#define MOST_WORDS 8
#define MOST_HANDLES 8
#define MOST_TEXT 65536

/* --- arguments and words ----------------------------------------------------------------------- */

/* Converts a word to an argument: "-" is NULL, '' the empty string, x*300 is 300 times x. */
static const char *text(const char *word)
{
    static char texts[MOST_WORDS][4096];
    static unsigned next;
    char *repeated = texts[next++ % MOST_WORDS], letter;
    int count = 0;

    if (strcmp(word, "-") == 0)
        return NULL;
    if (strcmp(word, "''") == 0)
        return "";
    if (sscanf(word, "%c*%d", &letter, &count) != 2 || count < 0 || count >= 4096)
        return word;
    memset(repeated, letter, count);
    repeated[count] = '\0';
    return repeated;
}

struct name {
    const char *word;
    int value;
};

/* The value of a word in a table; a number stands for itself. The table ends with a NULL name. */
static int value_of(const struct name *table, const char *word)
{
    for (; table->word; table++)
        if (strcmp(table->word, word) == 0)
            return table->value;
    return atoi(word);
}

static const struct name create_flags[] = {
    {"exist_ok", NETNS_CREATE_EXIST_OK}, {"lo_up", NETNS_CREATE_LO_UP}, {"nowait", NETNS_CREATE_NOWAIT}, {NULL, 0}};
static const struct name remove_flags[] = {{"missing_ok", NETNS_REMOVE_MISSING_OK}, {NULL, 0}};
static const struct name list_flags[] = {{"stale", NETNS_LIST_STALE}, {NULL, 0}};
static const struct name monitor_flags[] = {{"snapshot", NETNS_MONITOR_SNAPSHOT}, {NULL, 0}};
static const struct name addr_flags[] = {{"nodad", NETNS_ADDR_NODAD}, {NULL, 0}};
static const struct name ids[] = {{"auto", NETNS_NSID_AUTO}, {NULL, 0}};
static const struct name domains[] = {
    {"inet", AF_INET}, {"inet6", AF_INET6}, {"unix", AF_UNIX}, {NULL, 0}};
static const struct name types[] = {{"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}, {NULL, 0}};

/* --- handles ----------------------------------------------------------------------------------- */

/* Identified by its name in the file, which is kept in the line that created it. */
struct handle {
    char name[16];
    struct netns *ns;
    struct netns_monitor *monitor;
};

static struct handle handles[MOST_HANDLES];

/* The handle of this name, or a new one. */
static struct handle *handle(const char *name)
{
    struct handle *at = handles;

    while (at < handles + MOST_HANDLES && at->name[0] && strcmp(at->name, name) != 0)
        at++;
    MUST(at < handles + MOST_HANDLES && strlen(name) < sizeof at->name ? 0 : -1);
    strcpy(at->name, name);
    return at;
}

static struct netns *ns_of(const char *name)
{
    return strcmp(name, "-") == 0 ? NULL : handle(name)->ns;
}

/* Where a call stores the handle that it creates, under a name that is not in use. */
static struct netns **new_handle(const char *name)
{
    struct handle *at = handle(name);

    netns_close(at->ns);
    at->ns = NULL;
    return &at->ns;
}

static void end_handles(void)
{
    for (struct handle *at = handles; at < handles + MOST_HANDLES; at++) {
        netns_close(at->ns);
        netns_monitor_close(at->monitor);
    }
    memset(handles, 0, sizeof handles);
}

/* --- results ----------------------------------------------------------------------------------- */

/* The result of a call, as written in the file. */
static char result[MOST_TEXT];

static void say(const char *word)
{
    snprintf(result, sizeof result, "%s", word ? word : "-");
}

static void say_number(long long number)
{
    if (number < 0)
        say(strerrorname_np((int)-number));
    else
        snprintf(result, sizeof result, "%lld", number);
}

static void say_ok(long long rc)
{
    if (rc < 0)
        say_number(rc);
    else
        say("ok");
}

/* Appends to a list; the first item replaces the empty result. */
static void add(const char *item, const char *mark, const char *more)
{
    size_t used = strlen(result);

    snprintf(result + used, sizeof result - used, "%s%s%s%s", used ? "," : "", item, mark, more);
}

static void end_list(void)
{
    if (!result[0])
        say(NULL);
}

/* --- the calls: each with the words of its line ------------------------------------------------- */

static void create(char **w)
{
    struct netns **out = strcmp(w[0], "-") == 0 ? NULL : new_handle(w[0]);

    say_ok(netns_create(text(w[1]), value_of(create_flags, w[2]), out));
}

static void open_name(char **w)
{
    say_ok(netns_open(text(w[1]), 0, new_handle(w[0])));
}

static void open_pid(char **w)
{
    const struct name self[] = {{"self", getpid()}, {NULL, 0}};

    say_ok(netns_open_pid(value_of(self, w[1]), new_handle(w[0])));
}

static void open_fd_and_close(const char *name, int fd)
{
    say_ok(netns_open_fd(fd, new_handle(name)));
    close(fd);
}

static void open_fd(char **w)
{
    open_fd_and_close(w[0], MUST(open(w[1], O_RDONLY | O_CLOEXEC)));
}

static void open_fd_of(char **w)
{
    say_ok(netns_open_fd(netns_fd(ns_of(w[1])), new_handle(w[0])));
}

static void open_id(char **w)
{
    struct netns *ns = ns_of(w[1]);
    uint64_t cookie = 0;

    /* Before Linux 5.14 there is none. */
    (void)!netns_cookie(ns, &cookie);
    say_ok(netns_open_id(netns_inode(ns), cookie, new_handle(w[0])));
}

static void open_socket(char **w)
{
    open_fd_and_close(w[0], MUST(netns_socket(ns_of(w[1]), AF_INET, SOCK_DGRAM, 0)));
}

/* It may be its own duplicate. */
static void duplicate(char **w)
{
    struct netns *copy = NULL;
    int rc = netns_dup(ns_of(w[1]), &copy);

    say_ok(rc);
    if (rc == 0)
        *new_handle(w[0]) = copy;
}

static void current(char **w)
{
    say_ok(netns_open_current(new_handle(w[0])));
}

static void close_handle(char **w)
{
    new_handle(w[0]);
    say("ok");
}

static void attach(char **w)
{
    say_ok(netns_attach(ns_of(w[0]), text(w[1]), 0));
}

static void remove_name(char **w)
{
    say_ok(netns_remove(text(w[0]), value_of(remove_flags, w[1])));
}

static void say_list(int rc, struct netns_name_snapshot *list)
{
    if (rc < 0) {
        say_number(rc);
        return;
    }
    for (size_t i = 0; i < netns_list_len(list); i++)
        add(netns_list_name(list, i), "", "");
    end_list();
    netns_list_free(list);
}

static void list(char **w)
{
    struct netns_name_snapshot *found = NULL;
    int rc = netns_list(value_of(list_flags, w[0]), &found);

    say_list(rc, found);
}

static void names_of(char **w)
{
    struct netns_name_snapshot *found = NULL;
    int rc = netns_names(ns_of(w[0]), 0, &found);

    say_list(rc, found);
}

static void name(char **w)
{
    say(netns_name(ns_of(w[0])));
}

static void path(char **w)
{
    say(netns_path(ns_of(w[0])));
}

static void equal(char **w)
{
    say_number(netns_equal(ns_of(w[0]), ns_of(w[1])));
}

static void is_here(char **w)
{
    say_number(netns_is_current(ns_of(w[0])));
}

/* A callback in a namespace: it reports where it is, and cannot fail. */
static int is_there(void *ns)
{
    return netns_is_current(ns);
}

static int give_back(void *number)
{
    return *(int *)number;
}

static void run_in(const struct netns *ns, int (*func)(void *), void *arg)
{
    int given = 0, rc = netns_run(ns, func, arg, &given);

    if (rc < 0)
        say_number(rc);
    else
        snprintf(result, sizeof result, "%d", given);
}

static void run(char **w)
{
    run_in(ns_of(w[0]), is_there, ns_of(w[1]));
}

static void run_value(char **w)
{
    int number = atoi(w[1]);

    run_in(ns_of(w[0]), give_back, &number);
}

/* fd is the call's result. */
static void say_of_socket(const struct netns *ns, int fd)
{
    struct netns *of_socket = NULL;

    if (fd < 0) {
        say_number(fd);
        return;
    }
    MUST(netns_open_fd(fd, &of_socket));
    say(netns_equal(ns, of_socket) ? "ok" : "elsewhere");
    netns_close(of_socket);
    close(fd);
}

static void socket_in(char **w)
{
    const struct netns *ns = ns_of(w[0]);

    say_of_socket(ns, netns_socket(ns, value_of(domains, w[1]), value_of(types, w[2]), 0));
}

static void socket_from(char **w)
{
    const struct netns *ns = ns_of(w[0]), *home = ns_of(w[1]);

    say_of_socket(ns, netns_socket_from(home, ns, value_of(domains, w[2]), value_of(types, w[3]), 0));
}

static void run_from(char **w)
{
    int given = 0, rc = netns_run_from(ns_of(w[1]), ns_of(w[0]), is_there, ns_of(w[2]), &given);

    say_number(rc < 0 ? rc : given);
}

static void sysctl_of(char **w)
{
    char value[64];
    ssize_t rc = netns_sysctl_get(ns_of(w[0]), text(w[1]), value, sizeof value);

    if (rc < 0)
        say_number(rc);
    else
        say(value);
}

static void set_sysctl(char **w)
{
    say_ok(netns_sysctl_set(ns_of(w[0]), text(w[1]), text(w[2])));
}

static void holders(char **w)
{
    static const char *const kinds[] = {"none", "thread", "descriptor", "socket", "mount"};
    struct netns_holder_snapshot *list;
    int rc = netns_holder_list(ns_of(w[0]), 0, &list);

    if (rc < 0) {
        say_number(rc);
        return;
    }
    result[0] = '\0';
    for (size_t i = 0; i < netns_holder_list_len(list); i++) {
        int kind = netns_holder_list_kind(list, i);

        /* Another test that lists every namespace has each open for a moment. */
        if (kind != NETNS_HOLDER_DESCRIPTOR || netns_holder_list_pid(list, i) == getpid())
            add(kinds[kind], "", "");
    }
    end_list();
    netns_holder_list_free(list);
}

static void found(char **w)
{
    struct netns_name_snapshot *list;
    int rc = netns_list_all(0, &list);

    if (rc < 0) {
        say_number(rc);
        return;
    }
    say("missing");
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (netns_list_inode(list, i) == netns_inode(ns_of(w[0])))
            say(*netns_list_name(list, i) ? netns_list_name(list, i) : NULL);
    netns_list_free(list);
}

static void pids(char **w)
{
    say_number(netns_pids(ns_of(w[0]), 0, NULL, 0));
}

static void nsid_get(char **w)
{
    say_number(netns_nsid_get(ns_of(w[0]), ns_of(w[1])));
}

static void nsid_ensure(char **w)
{
    say_number(netns_nsid_ensure(ns_of(w[0]), ns_of(w[1])));
}

static void nsid_set(char **w)
{
    say_number(netns_nsid_set(ns_of(w[0]), ns_of(w[1]), value_of(ids, w[2])));
}

static void monitor(char **w)
{
    say_ok(netns_monitor_open(NULL, value_of(monitor_flags, w[1]), &handle(w[0])->monitor));
}

static void event(char **w)
{
    struct netns_event ev = {.size = sizeof ev};
    int rc = netns_monitor_next(handle(w[0])->monitor, &ev);

    if (rc < 0)
        say_number(rc);
    else if (rc == 0)
        say("none");
    else
        add(ev.type == NETNS_EVENT_ADD ? "add" : "remove", ":", ev.name);
}

/* --- the network -------------------------------------------------------------------------------- */

static void link_add(char **w)
{
    say_ok(netns_link_add(ns_of(w[0]), text(w[1]), text(w[2])));
}

static void veth_add(char **w)
{
    say_ok(netns_veth_add(ns_of(w[0]), text(w[1]), ns_of(w[2]), text(w[3])));
}

static void macvlan_add(char **w)
{
    say_ok(netns_macvlan_add(ns_of(w[0]), text(w[1]), ns_of(w[2]), text(w[3]), text(w[4])));
}

static void vlan_add(char **w)
{
    say_ok(netns_vlan_add(ns_of(w[0]), text(w[1]), ns_of(w[2]), text(w[3]), atoi(w[4])));
}

static void link_del(char **w)
{
    say_ok(netns_link_del(ns_of(w[0]), text(w[1])));
}

static void link_up(char **w)
{
    say_ok(netns_link_up(ns_of(w[0]), text(w[1])));
}

static void link_down(char **w)
{
    say_ok(netns_link_down(ns_of(w[0]), text(w[1])));
}

static void link_set_mtu(char **w)
{
    say_ok(netns_link_set_mtu(ns_of(w[0]), text(w[1]), atoi(w[2])));
}

static void link_set_address(char **w)
{
    say_ok(netns_link_set_address(ns_of(w[0]), text(w[1]), text(w[2])));
}

static void link_set_master(char **w)
{
    say_ok(netns_link_set_master(ns_of(w[0]), text(w[1]), text(w[2])));
}

static void link_move(char **w)
{
    say_ok(netns_link_move(ns_of(w[0]), text(w[1]), ns_of(w[2]), text(w[3])));
}

static void addr_add(char **w)
{
    say_ok(netns_addr_add_flags(ns_of(w[0]), text(w[1]), text(w[2]), value_of(addr_flags, w[3])));
}

static void addr_del(char **w)
{
    say_ok(netns_addr_del(ns_of(w[0]), text(w[1]), text(w[2])));
}

static void route_add(char **w)
{
    say_ok(netns_route_add(ns_of(w[0]), text(w[1]), text(w[2]), text(w[3])));
}

static void route_del(char **w)
{
    say_ok(netns_route_del(ns_of(w[0]), text(w[1]), text(w[2]), text(w[3])));
}

static void links(char **w)
{
    struct netns_link_snapshot *found = NULL;

    MUST(netns_link_list(ns_of(w[0]), 0, &found));
    for (size_t i = 0; i < netns_link_list_len(found); i++)
        add(netns_link_list_name(found, i), "", "");
    end_list();
    netns_link_list_free(found);
}

static const char *name_of_index(const struct netns_link_snapshot *found, uint32_t index)
{
    for (size_t i = 0; i < netns_link_list_len(found); i++)
        if (netns_link_list_index(found, i) == index)
            return netns_link_list_name(found, i);
    return NULL;
}

static void say_field(const struct netns_link_snapshot *found, size_t i, const char *field)
{
    if (strcmp(field, "kind") == 0)
        say(netns_link_list_kind(found, i));
    else if (strcmp(field, "address") == 0)
        say(netns_link_list_address(found, i));
    else if (strcmp(field, "mtu") == 0)
        say_number(netns_link_list_mtu(found, i));
    else if (strcmp(field, "up") == 0)
        say_number((netns_link_list_flags(found, i) & IFF_UP) != 0);
    else if (strcmp(field, "master") == 0)
        say(name_of_index(found, netns_link_list_master(found, i)));
}

static void link_field(char **w)
{
    struct netns_link_snapshot *found = NULL;
    size_t i = 0;

    MUST(netns_link_list(ns_of(w[0]), 0, &found));
    while (i < netns_link_list_len(found) && strcmp(netns_link_list_name(found, i), w[1]) != 0)
        i++;
    if (i < netns_link_list_len(found))
        say_field(found, i, w[2]);
    netns_link_list_free(found);
}

static void addrs(char **w)
{
    struct netns_addr_snapshot *found = NULL;
    char prefix[16];

    MUST(netns_addr_list(ns_of(w[0]), 0, &found));
    for (size_t i = 0; i < netns_addr_list_len(found); i++) {
        snprintf(prefix, sizeof prefix, "%u", netns_addr_list_prefix(found, i));
        if (strcmp(netns_addr_list_ifname(found, i), w[1]) == 0)
            add(netns_addr_list_address(found, i), "/", prefix);
    }
    end_list();
    netns_addr_list_free(found);
}

static void routes(char **w)
{
    struct netns_route_snapshot *found = NULL;

    MUST(netns_route_list(ns_of(w[0]), 0, &found));
    for (size_t i = 0; i < netns_route_list_len(found); i++) {
        const char *ifname = netns_route_list_ifname(found, i), *via = netns_route_list_via(found, i);

        if (netns_route_list_family(found, i) == AF_INET && ifname && strcmp(ifname, w[1]) == 0)
            add(netns_route_list_dst(found, i), via ? "@" : "", via ? via : "");
    }
    end_list();
    netns_route_list_free(found);
}

/* --- files and words ---------------------------------------------------------------------------- */

static void file(char **w)
{
    write_file(w[0], text(w[1]) ? w[1] : "", 0644);
    say("ok");
}

static void stale(char **w)
{
    write_file(w[0], "", 0);
    MUST(chmod(w[0], 01000));
    say("ok");
}

static void make_symlink(char **w)
{
    MUST(symlink(w[1], w[0]));
    say("ok");
}

static void says(char **w)
{
    say_number(strstr(netns_errmsg(), w[0]) != NULL);
}

/* --- the file ----------------------------------------------------------------------------------- */

static const struct operation {
    const char *name;
    int words;
    void (*call)(char **words);
} operations[] = {
    {"create", 3, create},                     {"open", 2, open_name},
    {"open_pid", 2, open_pid},                 {"open_fd", 2, open_fd},
    {"open_fd_of", 2, open_fd_of},             {"open_socket", 2, open_socket},
    {"holders", 1, holders},                  {"found", 1, found},
    {"open_id", 2, open_id},
    {"current", 1, current},                   {"close", 1, close_handle},
    {"attach", 2, attach},                     {"remove", 2, remove_name},
    {"list", 1, list},                         {"names", 1, names_of},
    {"name", 1, name},                         {"path", 1, path},
    {"equal", 2, equal},                       {"here", 1, is_here},
    {"run", 2, run},                           {"run_value", 2, run_value},
    {"socket", 3, socket_in},                  {"pids", 1, pids},
    {"socket_from", 4, socket_from},           {"run_from", 3, run_from},
    {"sysctl", 2, sysctl_of},                  {"set_sysctl", 3, set_sysctl},
    {"nsid_get", 2, nsid_get},                 {"nsid_set", 3, nsid_set},
    {"nsid_ensure", 2, nsid_ensure},           {"dup", 2, duplicate},
    {"monitor", 2, monitor},                   {"event", 1, event},
    {"link_add", 3, link_add},                 {"veth_add", 4, veth_add},
    {"macvlan_add", 5, macvlan_add},           {"vlan_add", 5, vlan_add},
    {"link_del", 2, link_del},                 {"link_up", 2, link_up},
    {"link_down", 2, link_down},               {"link_set_mtu", 3, link_set_mtu},
    {"link_set_address", 3, link_set_address}, {"link_set_master", 3, link_set_master},
    {"link_move", 4, link_move},               {"addr_add", 4, addr_add},
    {"addr_del", 3, addr_del},                 {"route_add", 4, route_add},
    {"route_del", 4, route_del},               {"links", 1, links},
    {"link", 3, link_field},                   {"addrs", 2, addrs},
    {"routes", 2, routes},                     {"file", 2, file},
    {"stale", 1, stale},                       {"symlink", 2, make_symlink},
    {"says", 1, says},
};

/* Calls the operation; returns whether there is one of this name with this number of words. */
static bool call(char **words, int count)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(operations[i].name, words[0]) == 0 && operations[i].words == count - 1) {
            result[0] = '\0';
            operations[i].call(words + 1);
            return true;
        }
    return false;
}

/* Runs one line, which it splits; returns false if the rest must be skipped. */
static bool run_line(char *line, int number)
{
    bool may_differ = strncmp(line, "? ", 2) == 0;
    char *wanted = strstr(line, " -> "), *words[MOST_WORDS], *word;
    int count = 0;

    if (!check_at(wanted, number, "no result"))
        return true;
    *wanted = '\0';
    wanted += strlen(" -> ");
    for (word = strtok(line + (may_differ ? 2 : 0), " "); word && count < MOST_WORDS; word = strtok(NULL, " "))
        words[count++] = word;
    if (!check_at(count > 0 && call(words, count), number, "no such operation"))
        return true;
    if (may_differ && strcmp(result, wanted) != 0)
        return false;
    check_at(strcmp(result, wanted) == 0, number, "%s gave %s, not %s (%s)", words[0], result, wanted,
             netns_errmsg());
    return true;
}

static FILE *scenarios;
static int line_number;

/* The next line that is not empty or a comment, without its newline. */
static bool next_line(char *line, size_t size)
{
    while (fgets(line, size, scenarios)) {
        line_number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#')
            return true;
    }
    return false;
}

static bool begins_scenario(const char *line)
{
    return strncmp(line, "scenario ", 9) == 0;
}

/* Runs in a child, which continues reading where its parent is. */
static void run_scenario(void)
{
    char line[4096];
    bool goes_on = true;

    while (goes_on && next_line(line, sizeof line) && !begins_scenario(line))
        goes_on = run_line(line, line_number);
    end_handles();
    if (!goes_on)
        skip("the kernel lacks something");
}

int main(void)
{
    char line[4096];
    long after;

    scenarios = fopen(SCENARIOS, "re");
    if (!scenarios) {
        perror(SCENARIOS);
        return 1;
    }
    while (next_line(line, sizeof line)) {
        if (!begins_scenario(line))
            continue;
        after = ftell(scenarios);
        run_test(line + 9, world, run_scenario);
        MUST(fseek(scenarios, after, SEEK_SET));
    }
    fclose(scenarios);
    return finish();
}
