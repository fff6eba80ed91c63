/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The capabilities that the header names: with these alone a call succeeds, and without any one of them it
   fails. */
#include "privilege.h"

#include <netinet/in.h>

#define BIT(capability) (1ULL << (capability))
#define SYS_ADMIN BIT(CAP_SYS_ADMIN)
#define NET_ADMIN BIT(CAP_NET_ADMIN)
#define SYS_CHROOT BIT(CAP_SYS_CHROOT)

/* What the calls work on. */
static struct netns *ns, *home;
static int socket_there;
static pid_t process_of_another_user;

/* --- the calls ---------------------------------------------------------------------------------- */

static int close_and_return(struct netns *opened, int rc)
{
    if (rc == 0)
        netns_close(opened);
    return rc;
}

static int close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static int create_named(void)
{
    return netns_create("new", 0, NULL);
}

static int create_anonymous(void)
{
    struct netns *opened = NULL;
    int rc = netns_create(NULL, 0, &opened);

    return close_and_return(opened, rc);
}

static int create_with_lo_up(void)
{
    return netns_create("new", NETNS_CREATE_LO_UP, NULL);
}

static int open_what_exists(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK, NULL);
}

static int bring_lo_up(void)
{
    return netns_create("blue", NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, NULL);
}

static int attach(void)
{
    return netns_attach(ns, "new", 0);
}

static int remove_live(void)
{
    return netns_remove("blue", 0);
}

static int remove_stale(void)
{
    return netns_remove("stale", 0);
}

static int remove_link(void)
{
    return netns_remove("link", 0);
}

static int list(void)
{
    struct netns_name_snapshot *names_there = NULL;
    int rc = netns_list(NETNS_LIST_STALE, &names_there);

    netns_list_free(names_there);
    return rc;
}

static int open_name(void)
{
    struct netns *opened = NULL;
    int rc = netns_open("blue", 0, &opened);

    return close_and_return(opened, rc);
}

static int open_process(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_pid(process_of_another_user, &opened);

    return close_and_return(opened, rc);
}

static int open_process_by_path(void)
{
    struct netns *opened = NULL;
    char path[64];
    int rc;

    snprintf(path, sizeof path, "/proc/%d/ns/net", process_of_another_user);
    rc = netns_open(path, 0, &opened);
    return close_and_return(opened, rc);
}

static int open_socket(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_fd(socket_there, &opened);

    return close_and_return(opened, rc);
}

static int open_current(void)
{
    struct netns *opened = NULL;
    int rc = netns_open_current(&opened);

    return close_and_return(opened, rc);
}

static int set(void)
{
    return netns_setns(ns);
}

static int set_with_mounts(void)
{
    return netns_setns_mounts(ns, 0);
}

static int set_and_keep_mounts(void)
{
    return netns_setns_mounts(ns, NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC);
}

static int enter_and_leave(void)
{
    int token = netns_enter(ns);

    return token < 0 ? token : netns_leave(token);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int run(void)
{
    return netns_run(ns, nothing, NULL, NULL);
}

static int run_here(void)
{
    return netns_run(NULL, nothing, NULL, NULL);
}

static int run_from(void)
{
    return netns_run_from(home, ns, nothing, NULL, NULL);
}

static int a_socket(void)
{
    return close_descriptor(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
}

static int a_raw_socket(void)
{
    return close_descriptor(netns_socket(ns, AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int a_raw_socket_here(void)
{
    return close_descriptor(netns_socket(NULL, AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int a_socket_from(void)
{
    return close_descriptor(netns_socket_from(home, ns, AF_INET, SOCK_DGRAM, 0));
}

static int bring_up(void)
{
    return netns_link_up(ns, "lo");
}

static int bring_up_here(void)
{
    return netns_link_up(NULL, "lo");
}

static int list_links(void)
{
    struct netns_link_snapshot *links = NULL;
    int rc = netns_link_list(ns, 0, &links);

    netns_link_list_free(links);
    return rc;
}

static int list_links_here(void)
{
    struct netns_link_snapshot *links = NULL;
    int rc = netns_link_list(NULL, 0, &links);

    netns_link_list_free(links);
    return rc;
}

/* --- what they require -------------------------------------------------------------------------- */

static const struct requirement {
    const char *function;
    const char *name;
    int (*call)(void);
    uint64_t needed;
    int error;
    bool is_here; /* the thread is in the namespace */
} requirements[] = {
    {"netns_create", "create", create_named, SYS_ADMIN, EPERM, false},
    {"netns_create", "create an anonymous one", create_anonymous, SYS_ADMIN, EPERM, false},
    {"netns_create", "create with lo up", create_with_lo_up, SYS_ADMIN | NET_ADMIN, EPERM, false},
    {"netns_create", "open what exists", open_what_exists, 0, 0, false},
    {"netns_create", "bring lo up in one", bring_lo_up, SYS_ADMIN | NET_ADMIN, EPERM, false},
    {"netns_attach", "attach", attach, SYS_ADMIN, EPERM, false},
    {"netns_remove", "remove a live name", remove_live, SYS_ADMIN, EPERM, false},
    {"netns_remove", "remove a stale name", remove_stale, 0, 0, false},
    {"netns_remove", "remove a symbolic link", remove_link, 0, 0, false},
    {"netns_list", "list", list, 0, 0, false},
    {"netns_open", "open by name", open_name, 0, 0, false},
    {"netns_open_pid", "open by process", open_process, BIT(CAP_SYS_PTRACE), EACCES, false},
    {"netns_open", "open by a process's path", open_process_by_path, BIT(CAP_SYS_PTRACE), EACCES, false},
    {"netns_open_fd", "open by socket", open_socket, NET_ADMIN, EPERM, false},
    {"netns_open_current", "open the current one", open_current, 0, 0, false},
    {"netns_setns", "set", set, SYS_ADMIN, EPERM, false},
    {"netns_setns_mounts", "set with mounts", set_with_mounts, SYS_ADMIN | SYS_CHROOT, EPERM, false},
    {"netns_setns_mounts", "set and keep the mounts", set_and_keep_mounts, SYS_ADMIN, EPERM, false},
    {"netns_enter", "enter and leave", enter_and_leave, SYS_ADMIN, EPERM, false},
    {"netns_run", "run", run, SYS_ADMIN, EPERM, false},
    {"netns_run", "run here", run_here, 0, 0, true},
    {"netns_run_from", "run from a home", run_from, SYS_ADMIN, EPERM, false},
    {"netns_socket", "open a socket", a_socket, SYS_ADMIN, EPERM, false},
    {"netns_socket", "open a raw socket", a_raw_socket, SYS_ADMIN | BIT(CAP_NET_RAW), EPERM, false},
    {"netns_socket", "open a raw socket here", a_raw_socket_here, BIT(CAP_NET_RAW), EPERM, true},
    {"netns_socket_from", "open a socket from a home", a_socket_from, SYS_ADMIN, EPERM, false},
    {"netns_link_up", "bring an interface up", bring_up, SYS_ADMIN | NET_ADMIN, EPERM, false},
    {"netns_link_up", "bring an interface up here", bring_up_here, NET_ADMIN, EPERM, true},
    {"netns_link_list", "list interfaces", list_links, SYS_ADMIN, EPERM, false},
    {"netns_link_list", "list interfaces here", list_links_here, 0, 0, true},
};

static const struct {
    int number;
    const char *name;
} capability_names[] = {
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},   {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_NET_RAW, "CAP_NET_RAW"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}, {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
};

struct attempt {
    const struct requirement *of;
    uint64_t capabilities;
    int error; /* 0: it succeeds */
};

/* In a child, whose parent cleans up. */
static void attempt(void *arg)
{
    const struct attempt *it = arg;
    int rc;

    if (it->of->is_here)
        MUST(netns_setns(ns));
    keep_capabilities(it->capabilities);
    rc = it->of->call();
    check_at(rc == -it->error, __LINE__, "%s with capabilities %#llx: %d (%s), not -%d", it->of->name,
             (unsigned long long)it->capabilities, rc, rc < 0 ? netns_errmsg() : "", it->error);
}

static void attempt_anew(const struct requirement *of, uint64_t capabilities, int error)
{
    struct attempt it = {of, capabilities, error};

    OK(netns_attach(ns, "blue", 0));
    write_file("/run/netns/stale", "", 01000);
    MUST(chmod("/run/netns/stale", 01000)); /* as this library marks its own, whatever the umask says */
    MUST(symlink("/run/netns/blue", "/run/netns/link"));
    IN_CHILD(attempt, &it);
    OK(netns_remove("blue", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("new", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("stale", NETNS_REMOVE_MISSING_OK));
    OK(netns_remove("link", NETNS_REMOVE_MISSING_OK));
}

static void live_as_another_user(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    become_plain_user();
    MUST(prctl(PR_SET_PDEATHSIG, SIGKILL)); /* a change of credentials clears it */
    MUST(write(ready, "", 1));
    for (;;)
        pause();
}

/* 0: there is none to be had, as in a user namespace with one user. */
static pid_t start_process_of_another_user(void)
{
    int ready[2];
    pid_t pid;
    char byte;
    bool started;

    MUST(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0)
        live_as_another_user(ready[1]);
    close(ready[1]);
    started = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!started)
        wait_for(pid);
    return started ? pid : 0;
}

static bool is_about_a_process(const struct requirement *requirement)
{
    return requirement->call == open_process || requirement->call == open_process_by_path;
}

static void each_call_needs_what_is_documented_and_no_more(void)
{
    process_of_another_user = start_process_of_another_user();
    OK(netns_open_current(&home));
    OK(netns_create(NULL, 0, &ns));
    socket_there = OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        const struct requirement *it = &requirements[i];

        if (is_about_a_process(it) && process_of_another_user == 0)
            continue;
        attempt_anew(it, it->needed, 0);
        for (int capability = 0; capability < 64; capability++)
            if (it->needed & BIT(capability))
                attempt_anew(it, ~BIT(capability), it->error);
    }
    close(socket_there);
    netns_close(ns);
    netns_close(home);
    if (process_of_another_user)
        stop(process_of_another_user);
}

/* --- what the header says ------------------------------------------------------------------------ */

static char header[1 << 18];

static void read_header(void)
{
    const char *given = getenv("NETNS_HEADERS");
    char path[PATH_MAX];
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "%s/netns.h", given ? given : "../include");
    file = fopen(path, "re");
    if (!file)
        skip("there is no netns.h to read: NETNS_HEADERS");
    length = fread(header, 1, sizeof header - 1, file);
    fclose(file);
    CHECK(length > 0 && length < sizeof header - 1);
}

/* The paragraph on capabilities in a function's comment, in a buffer that the next call overwrites. */
static const char *documented_capabilities(const char *function)
{
    static char paragraph[4096];
    char declaration[80];
    const char *start = NULL, *declared;
    size_t length;

    snprintf(declaration, sizeof declaration, "\nint %s(", function);
    declared = strstr(header, declaration);
    if (!declared)
        return "";
    for (const char *at = header; (at = strstr(at, "\n * Capabilities: ")) && at < declared; at++)
        start = at;
    /* The last one before the declaration may be another function's. */
    for (const char *at = header; start && (at = strstr(at, "\n/**\n")) && at < declared; at++)
        if (at > start)
            start = NULL;
    if (!start)
        return "";
    length = (size_t)(strstr(start, "\n *\n") - start);
    snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, start);
    return paragraph;
}

static void each_capability_is_documented(void)
{
    read_header();
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        const struct requirement *it = &requirements[i];
        const char *paragraph = documented_capabilities(it->function);

        check_at(*paragraph, __LINE__, "%s has no paragraph on capabilities", it->function);
        for (size_t j = 0; j < sizeof capability_names / sizeof *capability_names; j++)
            if (it->needed & BIT(capability_names[j].number))
                check_at(strstr(paragraph, capability_names[j].name) != NULL, __LINE__,
                         "%s does not say that it needs %s", it->function, capability_names[j].name);
    }
}

int main(void)
{
    RUN(each_capability_is_documented);
    RUN(each_call_needs_what_is_documented_and_no_more);
    return finish();
}
