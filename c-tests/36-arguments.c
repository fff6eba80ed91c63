/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every pointer argument NULL, every flag bit, every size of a structure, and strings of all kinds. The
 * header determines what must be tested: a function, pointer or flags argument without a row here fails.
 */
#include "test.h"

#include <ctype.h>
#include <libnetns/netns-iproute2.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* --- tested arguments --------------------------------------------------------------------------- */

#define MOST_FUNCTIONS 200
#define MOST_ARGUMENTS 8

/* A function of the header, or of a row here; for each argument, whether it must be tested. */
struct function {
    char name[64];
    bool arguments[MOST_ARGUMENTS];
};

struct functions {
    struct function all[MOST_FUNCTIONS];
    int count;
};

static struct function *function_of(struct functions *functions, const char *name)
{
    struct function *function = functions->all;

    for (; function < functions->all + functions->count; function++)
        if (strcmp(function->name, name) == 0)
            return function;
    MUST(functions->count < MOST_FUNCTIONS ? 0 : -1);
    functions->count++;
    snprintf(function->name, sizeof function->name, "%s", name);
    return function;
}

/* Records which of the comma-separated arguments contain the word. */
static void note(struct functions *functions, const char *name, const char *arguments, size_t len,
                 const char *word)
{
    struct function *function = function_of(functions, name);
    int depth = 0, at = 0;
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        char one[256];

        if (i < len && arguments[i] == '(')
            depth++;
        if (i < len && arguments[i] == ')')
            depth--;
        if (i < len && (arguments[i] != ',' || depth > 0))
            continue;
        snprintf(one, sizeof one, "%.*s", (int)(i - start), arguments + start);
        MUST(at < MOST_ARGUMENTS ? 0 : -1);
        function->arguments[at++] |= strstr(one, word) != NULL;
        start = i + 1;
    }
}

static struct functions tried;

/* Records a row: the arguments as they are written, including those that are NULL. */
static void row(const char *function, const char *arguments)
{
    note(&tried, function, arguments, strlen(arguments), "NULL");
    errno = ERRNO_UNTOUCHED;
}

/* NULL is rejected. */
#define REFUSED(error, function, ...) \
    (row(#function, #__VA_ARGS__), FAILS(error, function(__VA_ARGS__)))

/* NULL has a meaning. */
#define ALLOWED(function, ...) (row(#function, #__VA_ARGS__), OK(function(__VA_ARGS__)))

/* The same, unless the kernel does not support it. */
#define ALLOWED_IF_THERE_IS(function, ...)                          \
    (row(#function, #__VA_ARGS__),                                  \
     CHECK(function(__VA_ARGS__) == 0 || errno == EOPNOTSUPP))

/* The function cannot fail, and errno is unchanged. */
#define GIVES(value, function, ...)                                                   \
    (row(#function, #__VA_ARGS__), EQUAL((intptr_t)function(__VA_ARGS__), value), \
     EQUAL(errno, ERRNO_UNTOUCHED))

#define IGNORED(function, ...) \
    (row(#function, #__VA_ARGS__), function(__VA_ARGS__), EQUAL(errno, ERRNO_UNTOUCHED))

/* A helper of iproute2's, which returns a negative value and sets errno. */
#define REFUSED_PLAINLY(function, ...) \
    (row(#function, #__VA_ARGS__), CHECK(function(__VA_ARGS__) < 0), EQUAL(errno, EINVAL))

/* --- contents of the header --------------------------------------------------------------------- */

/* Reduces a header to its declarations: comments and preprocessor lines become blanks. */
static void strip(char *text)
{
    bool at_begin = true;

    while (*text) {
        char *end = text;

        if (strncmp(text, "/*", 2) == 0)
            end = strstr(text, "*/") + 2;
        else if (at_begin && *text == '#')
            do
                end = end + 1 + strcspn(end + 1, "\n");
            while (end[-1] == '\\');
        at_begin = *text == '\n' || (at_begin && *text == ' ');
        if (end == text)
            text++;
        else
            while (text < end)
                *text++ = ' ';
    }
}

/* Whether the header of this name was found and fits. */
static bool read_header(const char *name, char *text, size_t room)
{
    const char *given = getenv("NETNS_HEADERS");
    char path[PATH_MAX];
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", given ? given : "../include", name);
    file = fopen(path, "re");
    if (!file)
        return false;
    len = fread(text, 1, room - 1, file);
    fclose(file);
    text[len] = '\0';
    return len > 0 && len < room - 1;
}

/* The functions of a header, and which of their arguments contain the word in their declaration. */
static void declared(struct functions *functions, const char *header, const char *word)
{
    static char text[256 * 1024];
    char *statement, *rest = text;

    if (!CHECK(read_header(header, text, sizeof text)))
        return;
    strip(text);
    while ((statement = strsep(&rest, ";"))) {
        char *open = strchr(statement, '('), *close = strrchr(statement, ')'), *start = open;
        char name[64];

        if (!open)
            continue;
        while (start > statement && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
            start--;
        snprintf(name, sizeof name, "%.*s", (int)(open - start), start);
        note(functions, name, open + 1, close - open - 1, word);
    }
}

static void everything_was_tried(const char *header, const char *word)
{
    static struct functions wanted;

    wanted.count = 0;
    memset(&wanted, 0, sizeof wanted);
    declared(&wanted, header, word);
    CHECK(wanted.count > 5);
    for (int i = 0; i < wanted.count; i++) {
        const struct function *want = &wanted.all[i], *have = function_of(&tried, want->name);

        for (int at = 0; at < MOST_ARGUMENTS; at++)
            check_at(!want->arguments[at] || have->arguments[at], __LINE__,
                     "%s: argument %d of %s was not tried", word, at + 1, want->name);
    }
}

/* --- every pointer NULL ------------------------------------------------------------------------- */

/* Enters a new namespace, so that the tests change its lo and no other network. */
static struct netns *enter_new_namespace(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    OK(netns_setns(ns));
    return ns;
}

static int give_seven(void *arg)
{
    (void)arg;
    return 7;
}

static void lifecycle_without(struct netns *here_)
{
    struct netns *ns = NULL;

    ALLOWED(netns_create, NULL, 0, &ns);
    netns_close(ns);
    ALLOWED(netns_create, "blue", 0, NULL);
    REFUSED(EINVAL, netns_create, NULL, 0, NULL);
    ALLOWED(netns_create_at, NULL, "red", 0, NULL);
    ALLOWED(netns_create_at, "/run/other", NULL, 0, &ns);
    netns_close(ns);
    ns = NULL;
    REFUSED(EINVAL, netns_open, NULL, 0, &ns);
    REFUSED(EINVAL, netns_open, "blue", 0, NULL);
    REFUSED(EINVAL, netns_open_at, NULL, NULL, 0, &ns);
    REFUSED(EINVAL, netns_open_at, "/run/netns", "blue", 0, NULL);
    REFUSED(EINVAL, netns_open_pid, getpid(), NULL);
    REFUSED(EINVAL, netns_open_fd, netns_fd(here_), NULL);
    REFUSED(EINVAL, netns_open_current, NULL);
    REFUSED(EINVAL, netns_open_id, netns_inode(here_), 0, NULL);
    REFUSED(EINVAL, netns_dup, NULL, &ns);
    REFUSED(EINVAL, netns_dup, here_, NULL);
    CHECK(ns == NULL);
    IGNORED(netns_close, NULL);
    REFUSED(EINVAL, netns_attach, NULL, "green", 0);
    REFUSED(EINVAL, netns_attach, here_, NULL, 0);
    ALLOWED(netns_attach_at, NULL, here_, "green", 0);
    REFUSED(EINVAL, netns_attach_at, "/run/netns", NULL, "grey", 0);
    REFUSED(EINVAL, netns_attach_at, "/run/netns", here_, NULL, 0);
    SAME(names(), "blue green red");
    REFUSED(EINVAL, netns_remove, NULL, 0);
    ALLOWED(netns_remove_at, NULL, "green", 0);
    REFUSED(EINVAL, netns_remove_at, "/run/netns", NULL, NETNS_REMOVE_MISSING_OK);
    SAME(names(), "blue red");
}

static void handle_without(struct netns *ns)
{
    uint64_t cookie = 4242;
    int result = 0;

    REFUSED(EINVAL, netns_fd, NULL);
    GIVES(0, netns_name, NULL);
    GIVES(0, netns_path, NULL);
    GIVES(0, netns_inode, NULL);
    GIVES(0, netns_device, NULL);
    REFUSED(EINVAL, netns_cookie, NULL, &cookie);
    REFUSED(EINVAL, netns_cookie, ns, NULL);
    EQUAL(cookie, 4242);
    GIVES(0, netns_equal, NULL, ns);
    GIVES(0, netns_equal, ns, NULL);
    GIVES(0, netns_equal, NULL, NULL);
    REFUSED(EINVAL, netns_is_current, NULL);
    REFUSED(EINVAL, netns_setns, NULL);
    REFUSED(EINVAL, netns_setns_mounts, NULL, 0);
    REFUSED(EINVAL, netns_enter, NULL);
    REFUSED(EINVAL, netns_run, ns, NULL, &result, &result);
    REFUSED(EINVAL, netns_run, NULL, NULL, &result, &result);
    EQUAL(result, 0);
    ALLOWED(netns_run, ns, give_seven, NULL, NULL);
    ALLOWED(netns_run, NULL, give_seven, NULL, NULL);
    close(ALLOWED(netns_socket, NULL, AF_INET, SOCK_DGRAM, 0));
    REFUSED(EINVAL, netns_run_from, NULL, ns, give_seven, NULL, &result);
    REFUSED(EINVAL, netns_run_from, ns, ns, NULL, &result, &result);
    EQUAL(result, 0);
    ALLOWED(netns_run_from, NULL, NULL, give_seven, NULL, NULL);
    ALLOWED(netns_run_from, ns, ns, give_seven, NULL, NULL);
    REFUSED(EINVAL, netns_socket_from, NULL, ns, AF_INET, SOCK_DGRAM, 0);
    close(ALLOWED(netns_socket_from, NULL, NULL, AF_INET, SOCK_DGRAM, 0));
}

static void lists_without(struct netns *ns)
{
    struct netns_holder_snapshot *holders = NULL;
    struct netns_name_snapshot *list = NULL;
    pid_t pid = -1;

    REFUSED(EINVAL, netns_list, 0, NULL);
    REFUSED(EINVAL, netns_list_at, "/run/netns", 0, NULL);
    REFUSED(EINVAL, netns_list_all, 0, NULL);
    ALLOWED(netns_list_at, NULL, 0, &list);
    netns_list_free(list);
    list = NULL;
    GIVES(0, netns_list_len, NULL);
    GIVES(0, netns_list_name, NULL, 0);
    GIVES(0, netns_list_inode, NULL, 0);
    GIVES(0, netns_list_cookie, NULL, 0);
    IGNORED(netns_list_free, NULL);
    REFUSED(EINVAL, netns_names, NULL, 0, &list);
    REFUSED(EINVAL, netns_names, ns, 0, NULL);
    REFUSED(EINVAL, netns_names_at, "/run/netns", NULL, 0, &list);
    REFUSED(EINVAL, netns_names_at, "/run/netns", ns, 0, NULL);
    CHECK(list == NULL);
    ALLOWED(netns_names_at, NULL, ns, 0, &list);
    netns_list_free(list);
    REFUSED(EINVAL, netns_holder_list, NULL, 0, &holders);
    REFUSED(EINVAL, netns_holder_list, ns, 0, NULL);
    CHECK(holders == NULL);
    GIVES(0, netns_holder_list_len, NULL);
    GIVES(0, netns_holder_list_kind, NULL, 0);
    GIVES(0, netns_holder_list_pid, NULL, 0);
    GIVES(0, netns_holder_list_tid, NULL, 0);
    GIVES(-1, netns_holder_list_fd, NULL, 0);
    GIVES(0, netns_holder_list_path, NULL, 0);
    GIVES(0, netns_holder_list_program, NULL, 0);
    GIVES(0, netns_holder_list_unseen, NULL);
    IGNORED(netns_holder_list_free, NULL);
    REFUSED(EINVAL, netns_pids, NULL, 0, &pid, 1);
    REFUSED(EINVAL, netns_pids, ns, 0, NULL, 1);
    EQUAL(pid, -1);
    ALLOWED(netns_pids, ns, 0, NULL, 0);
}

static void sysctls_without(struct netns *ns)
{
    static const char name[] = "net.ipv4.ip_forward";
    char value[8] = "-";

    REFUSED(EINVAL, netns_sysctl_get, ns, NULL, value, sizeof value);
    REFUSED(EINVAL, netns_sysctl_get, ns, name, NULL, 1);
    SAME(value, "-");
    ALLOWED(netns_sysctl_get, ns, name, NULL, 0);
    ALLOWED(netns_sysctl_get, NULL, name, value, sizeof value);
    REFUSED(EINVAL, netns_sysctl_set, ns, NULL, "0");
    REFUSED(EINVAL, netns_sysctl_set, ns, name, NULL);
    ALLOWED(netns_sysctl_set, NULL, name, "0");
}

static void ids_without(struct netns *ns)
{
    struct netns_nsid_snapshot *list = NULL;

    REFUSED(EINVAL, netns_nsid_set, ns, NULL, 1);
    ALLOWED(netns_nsid_set, NULL, ns, NETNS_NSID_AUTO);
    REFUSED(EINVAL, netns_nsid_get, ns, NULL);
    ALLOWED(netns_nsid_get, NULL, ns);
    REFUSED(EINVAL, netns_nsid_ensure, ns, NULL);
    ALLOWED(netns_nsid_ensure, NULL, ns);
    REFUSED(EINVAL, netns_nsid_list, "/run/netns", ns, NETNS_NSID_NONE, 0, NULL);
    ALLOWED(netns_nsid_list, NULL, NULL, NETNS_NSID_NONE, 0, &list);
    EQUAL(netns_nsid_list_len(list), 1);
    netns_nsid_list_free(list);
    GIVES(0, netns_nsid_list_len, NULL);
    GIVES(NETNS_NSID_NONE, netns_nsid_list_id, NULL, 0);
    GIVES(NETNS_NSID_NONE, netns_nsid_list_current, NULL, 0);
    GIVES(0, netns_nsid_list_name, NULL, 0);
    IGNORED(netns_nsid_list_free, NULL);
}

static void links_without(struct netns *ns)
{
    struct netns *other = NULL;

    OK(netns_create(NULL, 0, &other));
    REFUSED(EINVAL, netns_link_add, ns, NULL, "dummy");
    REFUSED(EINVAL, netns_link_add, ns, "d0", NULL);
    ALLOWED_IF_THERE_IS(netns_link_add, NULL, "d0", "dummy");
    REFUSED(EINVAL, netns_veth_add, ns, NULL, ns, "v1");
    REFUSED(EINVAL, netns_veth_add, ns, "v0", ns, NULL);
    ALLOWED(netns_veth_add, NULL, "v0", NULL, "v1");
    REFUSED(EINVAL, netns_macvlan_add, ns, NULL, ns, "v0", NULL);
    REFUSED(EINVAL, netns_macvlan_add, ns, "m0", ns, NULL, NULL);
    ALLOWED_IF_THERE_IS(netns_macvlan_add, NULL, "m0", NULL, "v0", NULL);
    REFUSED(EINVAL, netns_vlan_add, ns, NULL, ns, "v0", 1);
    REFUSED(EINVAL, netns_vlan_add, ns, "l0", ns, NULL, 1);
    ALLOWED_IF_THERE_IS(netns_vlan_add, NULL, "l0", NULL, "v0", 1);
    REFUSED(EINVAL, netns_link_up, ns, NULL);
    ALLOWED(netns_link_up, NULL, "v0");
    REFUSED(EINVAL, netns_link_down, ns, NULL);
    ALLOWED(netns_link_down, NULL, "v0");
    REFUSED(EINVAL, netns_link_set_mtu, ns, NULL, 1400);
    ALLOWED(netns_link_set_mtu, NULL, "v1", 1400);
    REFUSED(EINVAL, netns_link_set_address, ns, NULL, "02:00:5e:10:00:01");
    REFUSED(EINVAL, netns_link_set_address, ns, "v1", NULL);
    ALLOWED(netns_link_set_address, NULL, "v1", "02:00:5e:10:00:01");
    REFUSED(EINVAL, netns_link_set_master, ns, NULL, "v0");
    ALLOWED(netns_link_set_master, NULL, "v1", NULL);
    REFUSED(EINVAL, netns_link_move, ns, NULL, other, "v2");
    REFUSED(EINVAL, netns_link_move, ns, "v1", NULL, "v2");
    ALLOWED(netns_link_move, NULL, "v1", other, NULL);
    REFUSED(EINVAL, netns_link_del, ns, NULL);
    ALLOWED(netns_link_del, NULL, "v0");
    netns_close(other);
}

static void link_lists_without(struct netns *ns)
{
    struct netns_link_snapshot *list = NULL;

    REFUSED(EINVAL, netns_link_list, ns, 0, NULL);
    ALLOWED(netns_link_list, NULL, 0, &list);
    netns_link_list_free(list);
    GIVES(0, netns_link_list_len, NULL);
    GIVES(0, netns_link_list_name, NULL, 0);
    GIVES(0, netns_link_list_index, NULL, 0);
    GIVES(0, netns_link_list_kind, NULL, 0);
    GIVES(0, netns_link_list_mtu, NULL, 0);
    GIVES(0, netns_link_list_flags, NULL, 0);
    GIVES(0, netns_link_list_state, NULL, 0);
    GIVES(0, netns_link_list_address, NULL, 0);
    GIVES(0, netns_link_list_master, NULL, 0);
    GIVES(0, netns_link_list_peer, NULL, 0);
    GIVES(-1, netns_link_list_peer_nsid, NULL, 0);
    IGNORED(netns_link_list_free, NULL);
}

static void addresses_without(struct netns *ns)
{
    struct netns_addr_snapshot *list = NULL;

    REFUSED(EINVAL, netns_addr_add, ns, NULL, "192.0.2.1/24");
    REFUSED(EINVAL, netns_addr_add, ns, "lo", NULL);
    ALLOWED(netns_addr_add, NULL, "lo", "192.0.2.1/24");
    REFUSED(EINVAL, netns_addr_add_flags, ns, NULL, "192.0.2.2/24", 0);
    REFUSED(EINVAL, netns_addr_add_flags, ns, "lo", NULL, 0);
    ALLOWED(netns_addr_add_flags, NULL, "lo", "192.0.2.2/24", 0);
    REFUSED(EINVAL, netns_addr_del, ns, NULL, "192.0.2.2/24");
    REFUSED(EINVAL, netns_addr_del, ns, "lo", NULL);
    ALLOWED(netns_addr_del, NULL, "lo", "192.0.2.2/24");
    REFUSED(EINVAL, netns_addr_list, ns, 0, NULL);
    ALLOWED(netns_addr_list, NULL, 0, &list);
    EQUAL(netns_addr_list_len(list), 1);
    netns_addr_list_free(list);
    GIVES(0, netns_addr_list_len, NULL);
    GIVES(0, netns_addr_list_address, NULL, 0);
    GIVES(0, netns_addr_list_prefix, NULL, 0);
    GIVES(0, netns_addr_list_family, NULL, 0);
    GIVES(0, netns_addr_list_index, NULL, 0);
    GIVES(0, netns_addr_list_ifname, NULL, 0);
    GIVES(0, netns_addr_list_scope, NULL, 0);
    GIVES(0, netns_addr_list_label, NULL, 0);
    GIVES(0, netns_addr_list_flags, NULL, 0);
    GIVES(0, netns_addr_list_peer, NULL, 0);
    GIVES(0, netns_addr_list_broadcast, NULL, 0);
    IGNORED(netns_addr_list_free, NULL);
}

/* lo already has 192.0.2.1/24. */
static void routes_without(struct netns *ns)
{
    struct netns_route_snapshot *list = NULL;

    OK(netns_link_up(ns, "lo"));
    REFUSED(EINVAL, netns_route_add, ns, NULL, "192.0.2.9", "lo");
    REFUSED(EINVAL, netns_route_add, ns, "198.51.100.0/24", NULL, NULL);
    ALLOWED(netns_route_add, NULL, "198.51.100.0/24", NULL, "lo");
    ALLOWED(netns_route_add, NULL, "203.0.113.0/24", "192.0.2.1", NULL);
    REFUSED(EINVAL, netns_route_del, ns, NULL, "192.0.2.9", "lo");
    REFUSED(EINVAL, netns_route_del, ns, "198.51.100.0/24", NULL, NULL);
    ALLOWED(netns_route_del, NULL, "198.51.100.0/24", NULL, "lo");
    REFUSED(EINVAL, netns_route_list, ns, 0, NULL);
    ALLOWED(netns_route_list, NULL, NETNS_ROUTE_LIST_ALL_TABLES, &list);
    CHECK(netns_route_list_len(list) > 0);
    netns_route_list_free(list);
    GIVES(0, netns_route_list_len, NULL);
    GIVES(0, netns_route_list_dst, NULL, 0);
    GIVES(0, netns_route_list_family, NULL, 0);
    GIVES(0, netns_route_list_via, NULL, 0);
    GIVES(0, netns_route_list_index, NULL, 0);
    GIVES(0, netns_route_list_ifname, NULL, 0);
    GIVES(0, netns_route_list_metric, NULL, 0);
    GIVES(0, netns_route_list_table, NULL, 0);
    GIVES(0, netns_route_list_protocol, NULL, 0);
    GIVES(0, netns_route_list_scope, NULL, 0);
    GIVES(0, netns_route_list_type, NULL, 0);
    IGNORED(netns_route_list_free, NULL);
}

static void monitor_without(void)
{
    struct netns_event event = {.size = sizeof event};
    struct netns_monitor *monitor = NULL;

    REFUSED(EINVAL, netns_monitor_open, "/run/netns", 0, NULL);
    ALLOWED(netns_monitor_open, NULL, 0, &monitor);
    REFUSED(EINVAL, netns_monitor_fd, NULL);
    REFUSED(EINVAL, netns_monitor_next, NULL, &event);
    REFUSED(EINVAL, netns_monitor_next, monitor, NULL);
    netns_monitor_close(monitor);
    IGNORED(netns_monitor_close, NULL);
}

static void programs_without(struct netns *ns)
{
    char *argv[] = {"none", NULL}, *envp[] = {NULL}, *nothing[] = {NULL};
    pid_t pid = -1;

    REFUSED(EINVAL, netns_exec, NULL, "/none", argv, envp);
    REFUSED(EINVAL, netns_exec, ns, NULL, argv, envp);
    REFUSED(EINVAL, netns_exec, ns, "/none", NULL, envp);
    FAILS(EINVAL, netns_exec(ns, "/none", nothing, envp));
    REFUSED(ENOENT, netns_exec, ns, "/none", argv, NULL);
    REFUSED(EINVAL, netns_spawn, NULL, NULL, "/none", argv, envp, &pid);
    REFUSED(EINVAL, netns_spawn, ns, NULL, NULL, argv, envp, &pid);
    REFUSED(EINVAL, netns_spawn, ns, NULL, "/none", NULL, envp, &pid);
    FAILS(EINVAL, netns_spawn(ns, NULL, "/none", nothing, envp, &pid));
    REFUSED(EINVAL, netns_spawn, ns, NULL, "/none", argv, envp, NULL);
    REFUSED(ENOENT, netns_spawn, ns, NULL, "/none", argv, NULL, &pid);
    EQUAL(pid, -1);
}

/* Begins like iproute2's struct rtnl_handle. */
struct connection {
    int fd;
};

static void iproute2_without(void)
{
    struct connection connection = {MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))};
    struct rtnl_handle *rtnl = (struct rtnl_handle *)&connection;

    REFUSED_PLAINLY(netns_switch, NULL);
    REFUSED_PLAINLY(netns_get_fd, NULL);
    REFUSED_PLAINLY(netns_foreach, NULL, NULL);
    REFUSED_PLAINLY(netns_id_from_name, NULL, "blue");
    REFUSED_PLAINLY(netns_id_from_name, rtnl, NULL);
    REFUSED_PLAINLY(set_netns_id_from_name, NULL, "blue", 1);
    REFUSED_PLAINLY(set_netns_id_from_name, rtnl, NULL, 1);
    close(connection.fd);
}

static void every_function_handles_null_pointers(void)
{
    struct netns *ns = enter_new_namespace();

    lifecycle_without(ns);
    handle_without(ns);
    lists_without(ns);
    sysctls_without(ns);
    ids_without(ns);
    links_without(ns);
    link_lists_without(ns);
    addresses_without(ns);
    routes_without(ns);
    monitor_without();
    programs_without(ns);
    iproute2_without();
    everything_was_tried("netns.h", "*");
    everything_was_tried("netns-iproute2.h", "*");
    netns_close(ns);
}

static void list_getters_return_nothing_past_the_end(void)
{
    static const size_t places[] = {1, 2, 1000, SIZE_MAX / 2, SIZE_MAX / 8 + 1, SIZE_MAX - 1, SIZE_MAX};
    struct netns *ns = enter_new_namespace();
    struct netns_route_snapshot *routes = NULL;
    struct netns_nsid_snapshot *ids = NULL;
    struct netns_addr_snapshot *addresses = NULL;
    struct netns_link_snapshot *links = NULL;
    struct netns_holder_snapshot *holders = NULL;
    struct netns_name_snapshot *list = NULL;

    OK(netns_create("blue", 0, NULL));
    OK(netns_link_up(ns, "lo"));
    OK(netns_addr_add(ns, "lo", "192.0.2.1/24"));
    OK(netns_route_add(ns, "198.51.100.0/24", NULL, "lo"));
    OK(netns_nsid_set(ns, ns, 0));
    OK(netns_list(0, &list));
    OK(netns_link_list(ns, 0, &links));
    OK(netns_addr_list(ns, 0, &addresses));
    OK(netns_route_list(ns, 0, &routes));
    OK(netns_nsid_list(NULL, ns, NETNS_NSID_NONE, 0, &ids));
    OK(netns_holder_list(ns, 0, &holders));
    EQUAL(netns_list_len(list), 1);
    EQUAL(netns_nsid_list_len(ids), 1);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        /* The lists that have more than one entry end here. */
        size_t at = places[i] < 1000 ? places[i] + 1000 : places[i];

        CHECK(!netns_list_name(list, places[i]) && !netns_list_inode(list, places[i]));
        EQUAL(netns_list_cookie(list, places[i]), 0);
        EQUAL(netns_holder_list_kind(holders, at), 0);
        EQUAL(netns_holder_list_pid(holders, at), 0);
        EQUAL(netns_holder_list_tid(holders, at), 0);
        EQUAL(netns_holder_list_fd(holders, at), -1);
        CHECK(!netns_holder_list_path(holders, at) && !netns_holder_list_program(holders, at));
        EQUAL(netns_nsid_list_id(ids, places[i]), NETNS_NSID_NONE);
        EQUAL(netns_nsid_list_current(ids, places[i]), NETNS_NSID_NONE);
        CHECK(!netns_nsid_list_name(ids, places[i]));
        CHECK(!netns_link_list_name(links, at) && !netns_link_list_kind(links, at));
        CHECK(!netns_link_list_state(links, at) && !netns_link_list_address(links, at));
        EQUAL(netns_link_list_peer_nsid(links, at), -1);
        CHECK(!netns_addr_list_address(addresses, at) && !netns_addr_list_ifname(addresses, at));
        EQUAL(netns_addr_list_prefix(addresses, at), 0);
        CHECK(!netns_route_list_dst(routes, at) && !netns_route_list_via(routes, at));
        EQUAL(netns_route_list_table(routes, at), 0);
    }
    netns_holder_list_free(holders);
    netns_nsid_list_free(ids);
    netns_route_list_free(routes);
    netns_addr_list_free(addresses);
    netns_link_list_free(links);
    netns_list_free(list);
    netns_close(ns);
}

/* --- every flag --------------------------------------------------------------------------------- */

/* A row: every unknown bit is rejected, alone and together with the known ones. */
#define UNKNOWN_REFUSED(known, function, ...)                                                   \
    do {                                                                                        \
        note(&tried, #function, #__VA_ARGS__, strlen(#__VA_ARGS__), "flags");                   \
        for (int bit = 0; bit < 32; bit++) {                                                    \
            uint32_t flags = 1u << bit;                                                         \
                                                                                                \
            if (flags & (known))                                                                \
                continue;                                                                       \
            FAILS(EINVAL, function(__VA_ARGS__));                                               \
            flags |= (known);                                                                   \
            FAILS(EINVAL, function(__VA_ARGS__));                                               \
        }                                                                                       \
    } while (0)

static void unknown_flags_are_rejected_without_effect(void)
{
    struct netns *ns = enter_new_namespace(), *out = SENTINEL;
    struct netns_name_snapshot *list = (struct netns_name_snapshot *)SENTINEL;
    struct netns_link_snapshot *links = (struct netns_link_snapshot *)SENTINEL;
    struct netns_addr_snapshot *addresses = (struct netns_addr_snapshot *)SENTINEL;
    struct netns_route_snapshot *routes = (struct netns_route_snapshot *)SENTINEL;
    struct netns_nsid_snapshot *ids = (struct netns_nsid_snapshot *)SENTINEL;
    struct netns_monitor *monitor = (struct netns_monitor *)SENTINEL;
    uint32_t create = NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP | NETNS_CREATE_NOWAIT;
    struct netns_holder_snapshot *holders = NULL;
    struct state before;
    pid_t pid = -1;

    OK(netns_create("blue", 0, NULL));
    /* The handle keeps a connection from its first request on. */
    OK(netns_link_down(ns, "lo"));
    before = state_now();
    UNKNOWN_REFUSED(create, netns_create, "red", flags, &out);
    UNKNOWN_REFUSED(create, netns_create_at, "/run/other", "red", flags, &out);
    UNKNOWN_REFUSED(0, netns_open, "blue", flags, &out);
    UNKNOWN_REFUSED(0, netns_open_at, NULL, "blue", flags, &out);
    UNKNOWN_REFUSED(0, netns_attach, ns, "red", flags);
    UNKNOWN_REFUSED(0, netns_attach_at, "/run/other", ns, "red", flags);
    UNKNOWN_REFUSED(NETNS_REMOVE_MISSING_OK, netns_remove, "blue", flags);
    UNKNOWN_REFUSED(NETNS_REMOVE_MISSING_OK, netns_remove_at, NULL, "blue", flags);
    UNKNOWN_REFUSED(NETNS_LIST_STALE, netns_list, flags, &list);
    UNKNOWN_REFUSED(NETNS_LIST_STALE, netns_list_at, NULL, flags, &list);
    UNKNOWN_REFUSED(0, netns_list_all, flags, &list);
    UNKNOWN_REFUSED(NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC, netns_setns_mounts, ns, flags);
    UNKNOWN_REFUSED(0, netns_names, ns, flags, &list);
    UNKNOWN_REFUSED(0, netns_names_at, NULL, ns, flags, &list);
    UNKNOWN_REFUSED(0, netns_holder_list, ns, flags, &holders);
    UNKNOWN_REFUSED(NETNS_PIDS_THREADS, netns_pids, ns, flags, &pid, 1);
    UNKNOWN_REFUSED(0, netns_nsid_list, NULL, ns, NETNS_NSID_NONE, flags, &ids);
    UNKNOWN_REFUSED(0, netns_link_list, ns, flags, &links);
    UNKNOWN_REFUSED(NETNS_ADDR_NODAD, netns_addr_add_flags, ns, "lo", "192.0.2.1/24", flags);
    UNKNOWN_REFUSED(0, netns_addr_list, ns, flags, &addresses);
    UNKNOWN_REFUSED(NETNS_ROUTE_LIST_ALL_TABLES, netns_route_list, ns, flags, &routes);
    UNKNOWN_REFUSED(NETNS_MONITOR_SNAPSHOT, netns_monitor_open, NULL, flags, &monitor);
    everything_was_tried("netns.h", "uint32_t flags");

    CHECK(out == SENTINEL && (void *)list == SENTINEL && (void *)links == SENTINEL);
    CHECK((void *)addresses == SENTINEL && (void *)routes == SENTINEL && (void *)ids == SENTINEL);
    CHECK((void *)monitor == SENTINEL);
    EQUAL(pid, -1);
    CHECK(!exists("/run/other"));
    SAME(names(), "blue");
    OK(netns_addr_list(ns, 0, &addresses));
    EQUAL(netns_addr_list_len(addresses), 0);
    netns_addr_list_free(addresses);
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

static void known_flags_can_be_combined(void)
{
    struct netns *ns = enter_new_namespace(), *blue = NULL;

    for (uint32_t flags = 0; flags <= (NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP); flags++) {
        OK(netns_create("blue", flags, &blue));
        EQUAL(lo_is_up(blue), (flags & NETNS_CREATE_LO_UP) != 0);
        if (flags & NETNS_CREATE_EXIST_OK)
            OK(netns_create("blue", flags, NULL));
        else
            FAILS(EEXIST, netns_create("blue", flags, NULL));
        netns_close(blue);
        OK(netns_remove("blue", flags & NETNS_REMOVE_MISSING_OK));
        FAILS(ENOENT, netns_remove("blue", 0));
        OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    }
    for (uint32_t flags = 0; flags <= 1; flags++) {
        struct netns_name_snapshot *list = NULL;
        struct netns_route_snapshot *routes = NULL;
        struct netns_monitor *monitor = NULL;

        OK(netns_list(flags, &list));
        OK(netns_route_list(ns, flags, &routes));
        OK(netns_monitor_open(NULL, flags, &monitor));
        OK(netns_pids(ns, flags, NULL, 0));
        OK(netns_addr_add_flags(ns, "lo", flags ? "192.0.2.1/24" : "2001:db8::1/64", flags));
        netns_list_free(list);
        netns_route_list_free(routes);
        netns_monitor_close(monitor);
    }
    netns_close(ns);
}

/* --- every size --------------------------------------------------------------------------------- */

#define FILL 0xa5

/* Two pages, of which the second cannot be accessed. */
struct guarded {
    unsigned char *page;
    size_t size;
};

static struct guarded make_guarded(void)
{
    size_t size = 4 * (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *page = mmap(NULL, size + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(page == MAP_FAILED ? -1 : 0);
    MUST(mprotect(page + size, sysconf(_SC_PAGESIZE), PROT_NONE));
    return (struct guarded){page, size};
}

/* This many bytes, ending right before the inaccessible page except for alignment. */
static void *at_the_end(const struct guarded *guarded, size_t size)
{
    if (size < sizeof(uint32_t))
        size = sizeof(uint32_t);
    memset(guarded->page, FILL, guarded->size);
    return guarded->page + guarded->size - (size + 7) / 8 * 8;
}

static bool all_are(unsigned char byte, const void *start, size_t size)
{
    const unsigned char *bytes = start;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

static void monitor_next_writes_event_up_to_its_size(void)
{
    static const uint32_t most = 4096, huge[] = {4097, 65536, INT32_MAX, UINT32_MAX};
    struct guarded guarded = make_guarded();
    struct netns_monitor *monitor = NULL;
    struct netns_event *event;

    OK(netns_create("blue", 0, NULL));
    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    for (uint32_t size = 0; size < sizeof *event; size++) {
        event = at_the_end(&guarded, size);
        event->size = size;
        FAILS(EINVAL, netns_monitor_next(monitor, event));
        EQUAL(event->size, size);
        CHECK(all_are(FILL, &event->size + 1,
                      guarded.page + guarded.size - (unsigned char *)(&event->size + 1)));
    }
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        event = at_the_end(&guarded, sizeof *event);
        event->size = huge[i];
        FAILS(E2BIG, netns_monitor_next(monitor, event));
        EQUAL(event->size, huge[i]);
        CHECK(all_are(FILL, &event->size + 1, sizeof *event - sizeof event->size));
    }
    /* An event that could not be reported is not lost, and larger structures are padded with zeroes. */
    for (uint32_t more = 0, size; more <= 64; more++) {
        size = more < 64 ? sizeof *event + more : most;
        event = at_the_end(&guarded, size);
        event->size = size;
        EQUAL(OK(netns_monitor_next(monitor, event)), 1);
        EQUAL(event->size, size);
        EQUAL(event->type, more % 2 ? NETNS_EVENT_REMOVE : NETNS_EVENT_ADD);
        SAME(event->name, "blue");
        CHECK(all_are(0, event + 1, size - sizeof *event));
        CHECK(all_are(FILL, (char *)event + size,
                      guarded.page + guarded.size - (unsigned char *)event - size));
        if (more % 2)
            OK(netns_create("blue", 0, NULL));
        else
            OK(netns_remove("blue", 0));
    }
    netns_monitor_close(monitor);
    MUST(munmap(guarded.page, guarded.size + sysconf(_SC_PAGESIZE)));
}

static char *no_program[] = {"none", NULL};

static void spawn_reads_options_up_to_their_size(void)
{
    /* The largest size that the library reads. */
    static const uint32_t most = 4096;
    static const uint32_t huge[] = {4097, 65536, INT32_MAX, UINT32_MAX};
    struct guarded guarded = make_guarded();
    struct netns_spawn_options *options;
    struct netns *ns = NULL;
    pid_t pid = -1;

    OK(netns_create(NULL, 0, &ns));
    for (uint32_t size = 0; size < sizeof *options; size++) {
        options = at_the_end(&guarded, size);
        options->size = size;
        FAILS(EINVAL, netns_spawn(ns, options, "/none", no_program, NULL, &pid));
        MESSAGE_HAS("the size of the options");
    }
    for (uint32_t more = 0; more <= 64; more++) {
        options = at_the_end(&guarded, sizeof *options + more);
        memset(options, 0, sizeof *options + more);
        options->size = sizeof *options + more;
        options->flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC;
        FAILS(ENOENT, netns_spawn(ns, options, "/none", no_program, NULL, &pid));
        for (uint32_t at = 0; at < more; at++) {
            ((char *)(options + 1))[at] = 1;
            FAILS(E2BIG, netns_spawn(ns, options, "/none", no_program, NULL, &pid));
            ((char *)(options + 1))[at] = 0;
        }
    }
    options = at_the_end(&guarded, most);
    memset(options, 0, most);
    options->size = most;
    FAILS(ENOENT, netns_spawn(ns, options, "/none", no_program, NULL, &pid));
    options = at_the_end(&guarded, sizeof *options);
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        options->size = huge[i];
        FAILS(E2BIG, netns_spawn(ns, options, "/none", no_program, NULL, &pid));
    }
    EQUAL(pid, -1);
    netns_close(ns);
    MUST(munmap(guarded.page, guarded.size + sysconf(_SC_PAGESIZE)));
}

static void spawn_rejects_unknown_and_combines_known_flags(void)
{
    const uint32_t about_etc = NETNS_SPAWN_STRICT_ETC | NETNS_SPAWN_TELL_ETC | NETNS_SPAWN_PIN_ETC;
    const uint32_t known = NETNS_SPAWN_STDIN | NETNS_SPAWN_STDOUT | NETNS_SPAWN_STDERR |
                           NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC | NETNS_SPAWN_USER |
                           NETNS_SPAWN_SETSID | about_etc;
    struct netns_spawn_options options = {
        .size = sizeof options, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
    char *argv[] = {"true", NULL};
    struct netns *ns = NULL;
    pid_t pid = -1;

    OK(netns_create(NULL, 0, &ns));
    for (int bit = 0; bit < 32; bit++) {
        if (1u << bit & known)
            continue;
        options.flags = 1u << bit;
        FAILS(EINVAL, netns_spawn(ns, &options, "true", argv, NULL, &pid));
        options.flags |= known;
        FAILS(EINVAL, netns_spawn(ns, &options, "true", argv, NULL, &pid));
    }
    EQUAL(pid, -1);
    /* The last three flags are tested all together or not at all. */
    for (uint32_t step = 0; step < 2 * NETNS_SPAWN_STRICT_ETC; step++) {
        uint32_t flags = step < NETNS_SPAWN_STRICT_ETC ? step : step | about_etc;

        options.flags = flags;
        if (netns_spawn(ns, &options, "true", argv, NULL, &pid) < 0) {
            /* A user namespace may not be allowed to mount sysfs. */
            EQUAL(errno, EPERM);
            CHECK(geteuid() != 0 || !(flags & NETNS_SPAWN_KEEP_SYS));
            continue;
        }
        EQUAL(wait_for(pid), 0);
    }
    netns_close(ns);
}

/* --- strings ------------------------------------------------------------------------------------ */

/* A byte repeated this many times; the next call overwrites the result. */
static const char *repeated(char byte, size_t len)
{
    static char text[1 << 20];

    memset(text, byte, len);
    text[len] = '\0';
    return text;
}

/* Checks that the message is one short line of UTF-8, in which other bytes are escaped. */
static void message_is_a_line(void)
{
    const char *message = netns_errmsg();

    CHECK(strlen(message) < 2048);
    for (; *message; message++)
        check_at((unsigned char)*message >= ' ' && *message != 0x7f, __LINE__, "\"%s\"",
                 netns_errmsg());
}

static void is_no_name(int error, const char *name)
{
    struct netns *ns = NULL, *out = SENTINEL;
    struct state before;

    OK(netns_open_current(&ns));
    before = state_now();
    FAILS(error, netns_create(name, 0, &out));
    message_is_a_line();
    FAILS(error, netns_create(name, NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &out));
    FAILS(error, netns_open_at(NULL, name, 0, &out));
    message_is_a_line();
    FAILS(error, netns_attach(ns, name, 0));
    message_is_a_line();
    FAILS(error, netns_remove(name, NETNS_REMOVE_MISSING_OK));
    message_is_a_line();
    CHECK(out == SENTINEL);
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

static void invalid_names_are_rejected(void)
{
    static const char *const invalid[] = {"", ".", "..", "/", "//", "a/b", "/a", "a/", "../a", "./a", "a/..",
                                          "\n/", "/run/netns/a"};
    static const size_t long_ones[] = {256, 257, 300, 320, 4095, 4096, 4097, 65536, (1 << 20) - 1};

    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        is_no_name(EINVAL, invalid[i]);
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        is_no_name(ENAMETOOLONG, repeated('n', long_ones[i]));
        is_no_name(ENAMETOOLONG, repeated('\n', long_ones[i]));
        is_no_name(ENAMETOOLONG, repeated('\xff', long_ones[i]));
    }
}

static void is_a_name(const char *name)
{
    struct netns *ns = NULL, *same = NULL;
    struct netns_name_snapshot *list = NULL;

    FAILS(ENOENT, netns_open_at(NULL, name, 0, &ns));
    message_is_a_line();
    FAILS(ENOENT, netns_remove(name, 0));
    message_is_a_line();
    OK(netns_create(name, 0, &ns));
    FAILS(EEXIST, netns_attach(ns, name, 0));
    message_is_a_line();
    SAME(netns_name(ns), name);
    OK(netns_open(name, 0, &same));
    EQUAL(netns_equal(ns, same), 1);
    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), name);
    netns_list_free(list);
    OK(netns_remove(name, 0));
    netns_close(ns);
    netns_close(same);
}

static void unusual_but_valid_names_are_accepted(void)
{
    static const char *const odd[] = {
        "...", "..a", " ", "-", "--help", "*", "~", "$(id)", "%s%n", "a b", "\\", "\"", "'", "\n", "\r\n", "\t", "\033[2J",
        "\x7f", "\xff", "\xc3\xa9", "\xc3", "\xe2\x80\xae", "\xc2\x85", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\\040", "net",
    };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        is_a_name(odd[i]);
    for (int byte = 1; byte < 256; byte++) {
        char name[] = {(char)byte, 'x', '\0'};

        if (byte != '/')
            is_a_name(name);
    }
    for (size_t len = 250; len <= 255; len++) {
        is_a_name(repeated('n', len));
        is_a_name(repeated('\n', len));
        is_a_name(repeated('\xff', len));
    }
}

static void run_directory_is_rejected_only_if_empty_or_too_long(void)
{
    static const char *const odd[] = {"/run/a\nb", "/run/\xff", "/run/ ", "/run/%s", "/run/x//", "/run//y/z/../w"};
    struct netns_monitor *monitor = (struct netns_monitor *)SENTINEL;
    struct netns_name_snapshot *list = (struct netns_name_snapshot *)SENTINEL;
    struct netns *home = NULL, *ns = SENTINEL;
    struct state before;

    OK(netns_open_current(&home));
    before = state_now();
    for (size_t len = 0; len < 100000; len = len ? len * 2 : PATH_MAX) {
        const char *rundir = repeated('d', len);
        int error = len ? ENAMETOOLONG : EINVAL;

        FAILS(error, netns_create_at(rundir, "blue", 0, &ns));
        message_is_a_line();
        FAILS(error, netns_open_at(rundir, "blue", 0, &ns));
        FAILS(error, netns_attach_at(rundir, home, "blue", 0));
        FAILS(error, netns_remove_at(rundir, "blue", NETNS_REMOVE_MISSING_OK));
        FAILS(error, netns_list_at(rundir, 0, &list));
        FAILS(error, netns_names_at(rundir, home, 0, &list));
        FAILS(error, netns_monitor_open(rundir, 0, &monitor));
        message_is_a_line();
    }
    CHECK(ns == SENTINEL && (void *)list == SENTINEL && (void *)monitor == SENTINEL);
    UNCHANGED_SINCE(before);
    MUST(mkdir("/run/y", 0755));
    MUST(mkdir("/run/y/z", 0755));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        FAILS(ENOENT, netns_remove_at(odd[i], "blue", 0));
        message_is_a_line();
        OK(netns_create_at(odd[i], "blue", 0, NULL));
        SAME(names_in(odd[i], 0), "blue");
        FAILS(ENOENT, netns_open_at(odd[i], "red", 0, &ns));
        message_is_a_line();
        OK(netns_remove_at(odd[i], "blue", 0));
    }
    netns_close(home);
}

static void open_rejects_invalid_paths(void)
{
    static const struct {
        const char *path;
        int error;
    } rows[] = {
        {"/", ENOTTY}, {"//", ENOTTY}, {"./", ENOTTY}, {"../", ENOTTY}, {"/dev/null", ENOTTY},
        {"/none\n/x", ENOENT}, {"/\xff\xff", ENOENT}, {"/run/netns/", ENOTTY},
        {"/dev/null/x", ENOTDIR}, {"/proc/self/ns/uts", ENOTTY}, {"/proc/self/fd/", ENOTTY},
    };
    struct netns *ns = SENTINEL;
    struct state before = state_now();
    char path[8192];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FAILS(rows[i].error, netns_open(rows[i].path, 0, &ns));
        message_is_a_line();
    }
    for (size_t len = PATH_MAX; len < sizeof path; len += 1000) {
        snprintf(path, sizeof path, "/%s", repeated('\t', len - 1));
        FAILS(ENAMETOOLONG, netns_open(path, 0, &ns));
        message_is_a_line();
    }
    CHECK(ns == SENTINEL);
    UNCHANGED_SINCE(before);
}

/* Checks that every function that takes an interface name rejects this one. */
static void is_no_interface(struct netns *ns, int error, const char *name)
{
    FAILS(error, netns_link_add(ns, name, "dummy"));
    message_is_a_line();
    FAILS(error, netns_veth_add(ns, name, ns, "v1"));
    FAILS(error, netns_veth_add(ns, "v0", ns, name));
    FAILS(error, netns_macvlan_add(ns, name, ns, "lo", NULL));
    FAILS(error, netns_macvlan_add(ns, "m0", ns, name, NULL));
    FAILS(error, netns_vlan_add(ns, name, ns, "lo", 1));
    FAILS(error, netns_vlan_add(ns, "l0", ns, name, 1));
    FAILS(error, netns_link_del(ns, name));
    FAILS(error, netns_link_up(ns, name));
    FAILS(error, netns_link_down(ns, name));
    FAILS(error, netns_link_set_mtu(ns, name, 1500));
    FAILS(error, netns_link_set_address(ns, name, "02:00:5e:10:00:01"));
    FAILS(error, netns_link_set_master(ns, name, NULL));
    FAILS(error, netns_link_set_master(ns, "lo", name));
    FAILS(error, netns_link_move(ns, name, ns, NULL));
    FAILS(error, netns_link_move(ns, "lo", ns, name));
    FAILS(error, netns_addr_add(ns, name, "192.0.2.1/24"));
    FAILS(error, netns_addr_del(ns, name, "192.0.2.1/24"));
    FAILS(error, netns_route_add(ns, "192.0.2.0/24", NULL, name));
    FAILS(error, netns_route_del(ns, "192.0.2.0/24", NULL, name));
    message_is_a_line();
}

static void invalid_interface_names_are_rejected(void)
{
    static const char *const invalid[] = {"", ".", "..", "/", "a/b", "a:1", "a b", " ", "\n", "\t", "a\r", "\xa0", "a%d",
                                          "all", "default"};
    struct netns *ns = enter_new_namespace();
    struct netns_link_snapshot *links = NULL;

    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        is_no_interface(ns, EINVAL, invalid[i]);
    for (size_t len = 16; len < 100000; len = len * 3 + 1) {
        is_no_interface(ns, ENAMETOOLONG, repeated('n', len));
        is_no_interface(ns, ENAMETOOLONG, repeated('\x01', len));
    }
    OK(netns_link_list(ns, 0, &links));
    CHECK(netns_link_list_len(links) >= 1);
    for (size_t i = 0; i < netns_link_list_len(links); i++)
        CHECK(strcmp(netns_link_list_name(links, i), "v0") && strcmp(netns_link_list_name(links, i), "v1"));
    netns_link_list_free(links);
    FAILS(ENODEV, netns_link_up(ns, "\x01\x7f\xff\x1b[2J"));
    message_is_a_line();
    OK(netns_veth_add(ns, "\xff\x01", ns, "123456789012345"));
    OK(netns_link_del(ns, "\xff\x01"));
    netns_close(ns);
}

static void invalid_addresses_are_rejected(void)
{
    static const char *const invalid[] = {
        "", " ", "/", "/24", "1", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/4294967296", "1.2.3.4/-1", "1.2.3.4/ 8",
        "1.2.3.4 ", "0x1.2.3.4", "1.2.3.4\n", "1.2.3.4/24/24", "1.2.3.256", "::/129", ":::", "fe80::1%lo", "\xff", "\n",
        "1::2::3", "[::1]", "1.2.3.4/1\xd9\xa0", "default ", "any",
    };
    static const char *const no_lladdr[] = {"", ":", "::", "0", "02:00:5e:10:00", "02:00:5e:10:00:01:02", "02-00-5e-10-00-01",
                                            "02:00:5e:10:00:0g", "02:00:5e:10:00:001", "\n", "\xff:0:0:0:0:0"};
    struct netns *ns = enter_new_namespace();

    OK(netns_veth_add(ns, "v0", ns, "v1"));
    for (size_t i = 0; i <= sizeof invalid / sizeof *invalid; i++) {
        const char *text = i < sizeof invalid / sizeof *invalid ? invalid[i] : repeated('1', 100000);

        FAILS(EINVAL, netns_addr_add(ns, "v0", text));
        message_is_a_line();
        FAILS(EINVAL, netns_addr_del(ns, "v0", text));
        FAILS(EINVAL, netns_route_add(ns, text, NULL, "v0"));
        message_is_a_line();
        FAILS(EINVAL, netns_route_add(ns, "default", text, "v0"));
        FAILS(EINVAL, netns_route_del(ns, text, NULL, "v0"));
        FAILS(EINVAL, netns_route_del(ns, "default", text, "v0"));
    }
    for (size_t i = 0; i <= sizeof no_lladdr / sizeof *no_lladdr; i++) {
        const char *text = i < sizeof no_lladdr / sizeof *no_lladdr ? no_lladdr[i] : repeated(':', 100000);

        FAILS(EINVAL, netns_link_set_address(ns, "v0", text));
        message_is_a_line();
    }
    FAILS(EINVAL, netns_macvlan_add(ns, "m0", ns, "v0", "\n"));
    message_is_a_line();
    FAILS(EINVAL, netns_link_add(ns, "d0", repeated('\n', 100)));
    message_is_a_line();
    netns_close(ns);
}

static void invalid_program_paths_are_rejected(void)
{
    struct netns *ns = NULL;
    pid_t pid = -1;

    OK(netns_create(NULL, 0, &ns));
    FAILS(ENOENT, netns_spawn(ns, NULL, "", no_program, NULL, &pid));
    FAILS(ENOENT, netns_spawn(ns, NULL, "none\n\x1b", no_program, NULL, &pid));
    message_is_a_line();
    FAILS(ENAMETOOLONG, netns_spawn(ns, NULL, repeated('/', 5000), no_program, NULL, &pid));
    FAILS(EACCES, netns_spawn(ns, NULL, "/", no_program, NULL, &pid));
    FAILS(ENOENT, netns_exec(ns, "\xff\n", no_program, NULL));
    message_is_a_line();
    EQUAL(pid, -1);
    netns_close(ns);
}

int main(void)
{
    RUN(every_function_handles_null_pointers);
    RUN(list_getters_return_nothing_past_the_end);
    RUN(unknown_flags_are_rejected_without_effect);
    RUN(known_flags_can_be_combined);
    RUN(monitor_next_writes_event_up_to_its_size);
    RUN(spawn_reads_options_up_to_their_size);
    RUN(spawn_rejects_unknown_and_combines_known_flags);
    RUN(invalid_names_are_rejected);
    RUN(unusual_but_valid_names_are_accepted);
    RUN(run_directory_is_rejected_only_if_empty_or_too_long);
    RUN(open_rejects_invalid_paths);
    RUN(invalid_interface_names_are_rejected);
    RUN(invalid_addresses_are_rejected);
    RUN(invalid_program_paths_are_rejected);
    return finish();
}
