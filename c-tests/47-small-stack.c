/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every function of the headers on a thread with the smallest possible stack (PTHREAD_STACK_MIN). */
#include "calls.h"
#include "fault.h"

#include <ctype.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>

/* The part of iproute2's struct that the library knows. */
struct rtnl_handle {
    int fd;
};

/* The size that the library supports. Some C libraries allow less, and glibc needs more on architectures
   with many registers. */
#define STACK 16384
#define GUARD 65536

/* --- which functions have been called ---------------------------------------------------------- */

static char called[16384] = " ";

static void note(const char *function)
{
    size_t length = strlen(called);

    MUST(length + strlen(function) + 2 < sizeof called ? 0 : -1);
    snprintf(called + length, sizeof called - length, "%s ", function);
}

static bool was_called(const char *function)
{
    char word[1100];

    snprintf(word, sizeof word, " %s ", function);
    return strstr(called, word);
}

/* "open_fd pidfd" is a call of netns_open_fd(). */
static void note_call(const struct call *call)
{
    char name[80];

    snprintf(name, sizeof name, "netns_%.*s", (int)strcspn(call->name, " "), call->name);
    note(name);
}

/* Checks every name in the header that precedes an argument list. */
static void all_were_called(const char *header)
{
    const char *given = getenv("NETNS_HEADERS");
    char path[PATH_MAX], line[1024];
    int functions = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", given ? given : "../include", header);
    file = fopen(path, "re");
    if (!CHECK(file != NULL))
        return;
    while (fgets(line, sizeof line, file)) {
        char *open = strchr(line, '('), *start = open;

        if (!open || line[0] == '#' || strspn(line, " ") != strspn(line, " /*"))
            continue;
        while (start > line && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
            start--;
        *open = '\0';
        if (!strstr(start, "netns_"))
            continue;
        functions++;
        check_at(was_called(start), __LINE__, "nothing calls %s()", start);
    }
    fclose(file);
    CHECK(functions > 3);
}

/* --- one call on a small stack ------------------------------------------------------------------ */

static size_t most;
static const char *most_of = "";

struct job {
    long (*make)(void);
    long rc;
};

static void *make_call(void *arg)
{
    struct job *job = arg;

    job->rc = job->make();
    return NULL;
}

/* On arm64 it is 128 KB, of which all but STACK is made inaccessible here. */
static size_t smallest_stack(void)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);

    return least > STACK ? (size_t)least : STACK;
}

/* A stack filled with a pattern, between inaccessible pages, so that leaving it ends the test. */
static long on_a_small_stack(const char *name, long (*make)(void))
{
    struct job job = {.make = make};
    size_t size = smallest_stack();
    char *memory = mmap(NULL, GUARD + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *stack = memory + GUARD + size - STACK;
    size_t untouched = 0;
    pthread_attr_t attributes;
    pthread_t thread;

    MUST(memory == MAP_FAILED ? -1 : 0);
    MUST(mprotect(stack, STACK, PROT_READ | PROT_WRITE));
    memset(stack, 0x5a, STACK);
    MUST(-pthread_attr_init(&attributes));
    MUST(-pthread_attr_setstack(&attributes, memory + GUARD, size));
    printf("# %s\n", name);
    fflush(stdout);
    threads_of_ours++;
    MUST(-pthread_create(&thread, &attributes, make_call, &job));
    MUST(-pthread_join(thread, NULL));
    threads_of_ours--;
    pthread_attr_destroy(&attributes);
    while (untouched < STACK && stack[untouched] == 0x5a)
        untouched++;
    if (STACK - untouched > most) {
        most = STACK - untouched;
        most_of = name;
    }
    munmap(memory, GUARD + size);
    return job.rc;
}

/* A thread that does nothing, to measure the C library's own use of the stack. */
static long do_nothing(void)
{
    return 0;
}

static void show_most(void)
{
    size_t thread;

    printf("#: at most %zu bytes of the stack, in %s\n", most, most_of);
    most = 0;
    on_a_small_stack("nothing", do_nothing);
    thread = most;
    printf("#: of which %zu are the C library's\n", thread);
}

static void need_small_stacks(void)
{
    if (under_valgrind())
        skip("valgrind takes some of the stack itself");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip("a sanitizer takes some of the stack itself");
#endif
}

/* --- every call ------------------------------------------------------------------------------- */

static void successful_calls_fit_on_small_stack(void)
{
    need_small_stacks();
    prepare_calls();
    for (size_t i = 0; i < CALLS; i++) {
        OK(on_a_small_stack(calls[i].name, calls[i].make));
        UNDO(&calls[i]);
    }
    show_most();
    end_calls();
}

/* With a message, which may be long. */
static void failing_calls_fit_on_small_stack(void)
{
    static const struct fault faults[] = {
        {.call = SYS_openat, .error = EMFILE}, {.call = SYS_socket, .error = EMFILE},
        {.call = SYS_setns, .error = EPERM},   {.call = SYS_unshare, .error = EPERM},
        {.call = SYS_name_to_handle_at, .error = ENOMEM},
    };

    need_small_stacks();
    prepare_calls();
    fflush(NULL);
    if (MUST(fork()) == 0) {
        install_faults(faults, sizeof faults / sizeof *faults);
        for (size_t i = 0; i < CALLS; i++)
            on_a_small_stack(calls[i].name, calls[i].make);
        show_most();
        exit(test_failures ? 1 : 0);
    }
    EQUAL(wait_for(-1), 0);
    netns_remove("green", 0);
    end_calls();
}

/* The longest path of a run directory. */
static char long_path[PATH_MAX - 8];

static long create_far_down(void)
{
    return netns_create_at(long_path, "blue", 0, NULL);
}

static long open_far_down(void)
{
    struct netns *ns = NULL;
    long rc = netns_open_at(long_path, "blue", 0, &ns);

    netns_close(ns);
    return rc;
}

static long remove_far_down(void)
{
    return netns_remove_at(long_path, "blue", 0);
}

static void longest_paths_fit_on_small_stack(void)
{
    int length = 0;

    need_small_stacks();
    length = sprintf(long_path, "/run/long");
    while (length < PATH_MAX - 300)
        length += sprintf(long_path + length, "/%0200d", length);
    OK(on_a_small_stack("create_at", create_far_down));
    OK(on_a_small_stack("open_at", open_far_down));
    OK(on_a_small_stack("remove_at", remove_far_down));
    show_most();
}

/* --- the others ------------------------------------------------------------------------------------ */

#define GET(function, ...) (note(#function), (void)function(__VA_ARGS__))

static long get_of_handle(void)
{
    GET(netns_fd, given.blue);
    GET(netns_name, given.blue);
    GET(netns_path, given.blue);
    GET(netns_inode, given.blue);
    GET(netns_device, given.blue);
    GET(netns_equal, given.blue, given.red);
    GET(netns_version);
    GET(netns_errmsg);
    GET(netns_close, NULL);
    /* Functions that calls.h uses in addition. */
    note("netns_enter");
    note("netns_leave");
    note("netns_monitor_open");
    note("netns_monitor_next");
    note("netns_monitor_close");
    return 0;
}

static long get_of_monitor(void)
{
    struct netns_monitor *monitor = NULL;
    int rc = netns_monitor_open(NULL, 0, &monitor);

    GET(netns_monitor_fd, monitor);
    netns_monitor_close(monitor);
    return rc;
}

static long get_of_names(void)
{
    struct netns_name_snapshot *list = NULL;
    int rc = netns_list(NETNS_LIST_STALE, &list);

    GET(netns_list_len, list);
    GET(netns_list_name, list, 0);
    GET(netns_list_inode, list, 0);
    GET(netns_list_cookie, list, 0);
    GET(netns_list_free, list);
    return rc;
}

static long get_of_holders(void)
{
    struct netns_holder_snapshot *list = NULL;
    int rc = netns_holder_list(given.blue, 0, &list);

    GET(netns_holder_list_len, list);
    GET(netns_holder_list_kind, list, 0);
    GET(netns_holder_list_pid, list, 0);
    GET(netns_holder_list_tid, list, 0);
    GET(netns_holder_list_fd, list, 0);
    GET(netns_holder_list_path, list, 0);
    GET(netns_holder_list_program, list, 0);
    GET(netns_holder_list_unseen, list);
    GET(netns_holder_list_free, list);
    return rc;
}

static long get_of_nsids(void)
{
    struct netns_nsid_snapshot *list = NULL;
    int rc = netns_nsid_list(NULL, given.blue, NETNS_NSID_NONE, 0, &list);

    GET(netns_nsid_list_len, list);
    GET(netns_nsid_list_id, list, 0);
    GET(netns_nsid_list_current, list, 0);
    GET(netns_nsid_list_name, list, 0);
    GET(netns_nsid_list_free, list);
    return rc;
}

static long get_of_links(void)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(given.blue, 0, &list);

    GET(netns_link_list_len, list);
    GET(netns_link_list_name, list, 0);
    GET(netns_link_list_index, list, 0);
    GET(netns_link_list_kind, list, 0);
    GET(netns_link_list_flags, list, 0);
    GET(netns_link_list_mtu, list, 0);
    GET(netns_link_list_state, list, 0);
    GET(netns_link_list_address, list, 0);
    GET(netns_link_list_master, list, 0);
    GET(netns_link_list_peer, list, 0);
    GET(netns_link_list_peer_nsid, list, 0);
    GET(netns_link_list_free, list);
    return rc;
}

static long get_of_addresses(void)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(given.blue, 0, &list);

    GET(netns_addr_list_len, list);
    GET(netns_addr_list_ifname, list, 0);
    GET(netns_addr_list_index, list, 0);
    GET(netns_addr_list_family, list, 0);
    GET(netns_addr_list_address, list, 0);
    GET(netns_addr_list_peer, list, 0);
    GET(netns_addr_list_broadcast, list, 0);
    GET(netns_addr_list_label, list, 0);
    GET(netns_addr_list_prefix, list, 0);
    GET(netns_addr_list_scope, list, 0);
    GET(netns_addr_list_flags, list, 0);
    GET(netns_addr_list_free, list);
    return rc;
}

static long get_of_routes(void)
{
    struct netns_route_snapshot *list = NULL;
    int rc = netns_route_list(given.blue, 0, &list);

    GET(netns_route_list_len, list);
    GET(netns_route_list_dst, list, 0);
    GET(netns_route_list_via, list, 0);
    GET(netns_route_list_ifname, list, 0);
    GET(netns_route_list_index, list, 0);
    GET(netns_route_list_family, list, 0);
    GET(netns_route_list_table, list, 0);
    GET(netns_route_list_protocol, list, 0);
    GET(netns_route_list_scope, list, 0);
    GET(netns_route_list_type, list, 0);
    GET(netns_route_list_metric, list, 0);
    GET(netns_route_list_free, list);
    return rc;
}

/* Each creates what the previous one needed. */
static long make_more_devices(void)
{
    int rc = netns_addr_add_flags(given.blue, "v0", "2001:db8::1/64", NETNS_ADDR_NODAD);

    note("netns_addr_add_flags");
    GET(netns_vlan_add, given.blue, "vlan", given.blue, "v0", 7);
    GET(netns_macvlan_add, given.blue, "macvlan", given.blue, "v0", "bridge");
    return rc == -EACCES || rc == -EOPNOTSUPP ? 0 : rc;
}

/* iproute2's helpers use static memory and print errors. */
static long ask_as_iproute2_does(void)
{
    struct rtnl_handle rtnl = {socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};

    GET(set_netns_id_from_name, &rtnl, "blue", 1234);
    GET(netns_id_from_name, &rtnl, "blue");
    GET(netns_name_from_id, 1234);
    return close(rtnl.fd);
}

static void remaining_functions_fit_on_small_stack(void)
{
    static const struct call others[] = {
        {"handle", get_of_handle, NULL},       {"monitor", get_of_monitor, NULL},
        {"names", get_of_names, NULL},         {"holders", get_of_holders, NULL},
        {"nsids", get_of_nsids, NULL},
        {"links", get_of_links, NULL},         {"addresses", get_of_addresses, NULL},
        {"routes", get_of_routes, NULL},       {"devices", make_more_devices, NULL},
        {"iproute2", ask_as_iproute2_does, NULL},
    };

    need_small_stacks();
    prepare_calls();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        OK(on_a_small_stack(others[i].name, others[i].make));
    show_most();
    end_calls();
    for (size_t i = 0; i < CALLS; i++)
        note_call(&calls[i]);
    all_were_called("netns.h");
    all_were_called("netns-iproute2.h");
}

int main(void)
{
    RUN(successful_calls_fit_on_small_stack);
    RUN(failing_calls_fit_on_small_stack);
    RUN(longest_paths_fit_on_small_stack);
    RUN(remaining_functions_fit_on_small_stack);
    return finish();
}
