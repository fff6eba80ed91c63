/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commands add, attach, delete, set, identify, pids and monitor. */
#include "tool.h"
#include "json.h"
#include "text.h"

#include <poll.h>
#include <unistd.h>

/* The number of process IDs that memory is first allocated for. */
#define PIDS_AT_FIRST 1024

/* --- add, attach, delete ----------------------------------------------------------------------- */

/*
 * Prints why a name could not be created, with iproute2's text for the step if it has one. The steps are:
 * create, lock and mount the run directory, create the file, create the namespace.
 */
static int not_made(const char *name, int error)
{
    switch (error) {
    case EEXIST:
    case EROFS:
        return explain(CREATE_STEP, FAILED, "Cannot create namespace file \"%s/%s\": %s", rundir(),
                       name, strerror(error));
    case EINVAL:
        return complain(MISUSED, "Invalid netns name \"%s\"", name);
    case EACCES:
    case EPERM:
        if (access(rundir(), F_OK) < 0)
            return explain(MKDIR_STEP, FAILED, "mkdir %s failed: %s", rundir(), strerror(EACCES));
        return explain(MOUNT_STEP, FAILED, "mount --make-shared %s failed: %s", rundir(),
                       strerror(EPERM));
    case ENOTDIR:
    case ELOOP:
    case ENOENT:
        return explain(OPEN_STEP, FAILED, "Cannot open netns runtime directory \"%s\": %s", rundir(),
                       strerror(error));
    case ENOSPC:
        return explain(UNSHARE_STEP, FAILED, "Failed to create a new network namespace \"%s\": %s",
                       name, strerror(error));
    default:
        return library_complains();
    }
}

int add(int argc, char **argv)
{
    uint32_t flags = (options.exist_ok ? NETNS_CREATE_EXIST_OK : 0) |
                     (options.lo_up ? NETNS_CREATE_LO_UP : 0);
    int rc;

    if (argc < 1)
        return complain(FAILED, "No netns name specified");
    rc = netns_create_at(options.rundir, argv[0], flags, NULL);
    return rc < 0 ? not_made(argv[0], -rc) : DONE;
}

/* As iproute2 does, reports an unavailable name before a problem with the process. */
static int no_process(const char *name, int32_t pid, int error)
{
    struct netns *ns;
    int rc = open_name(name, &ns);

    if (rc == 0) {
        netns_close(ns);
        return complain(FAILED, "Cannot create namespace file \"%s/%s\": %s", rundir(), name,
                        strerror(EEXIST));
    }
    if (rc == -EINVAL || rc == -ENOTDIR)
        return not_made(name, -rc);
    return complain(FAILED, "Bind /proc/%d/ns/net -> %s/%s failed: %s", pid, rundir(), name,
                    strerror(error));
}

/* Attaches a name by inode number, for a namespace without a name. */
static int attach_inode(const char *name, const char *word)
{
    struct netns *ns;
    uint64_t inode;
    int rc;

    if (!word)
        return complain(FAILED, "No inode specified");
    if (!parse_inode(word, &inode))
        return complain(FAILED, "Invalid inode: %s", word);
    if (netns_open_id(inode, 0, &ns) < 0)
        return library_complains();
    rc = netns_attach_at(options.rundir, ns, name, 0);
    netns_close(ns);
    return rc < 0 ? not_made(name, -rc) : DONE;
}

int attach(int argc, char **argv)
{
    struct netns *ns;
    int32_t pid;
    int rc;

    if (argc < 2)
        return complain(FAILED, "No netns name and PID specified");
    if (strcmp(argv[1], "-inode") == 0)
        return attach_inode(argv[0], argv[2]);
    if (argc > 2)
        return complain(FAILED, "extra arguments specified");
    if (!parse_number(argv[1], &pid) || pid == 0)
        return complain(FAILED, "Invalid PID: %s", argv[1]);
    rc = netns_open_pid(pid, &ns);
    if (rc < 0)
        return no_process(argv[0], pid, rc == -ESRCH || rc == -EINVAL ? ENOENT : -rc);
    rc = netns_attach_at(options.rundir, ns, argv[0], 0);
    netns_close(ns);
    return rc < 0 ? not_made(argv[0], -rc) : DONE;
}

/* Prints what keeps the namespace of a removed name alive. json may be NULL. */
static int tell_what_is_left(struct json *json, const char *name, const struct netns *ns)
{
    if (json)
        return put_holders(json, name, ns);
    put_text(name, stdout);
    puts(" removed; what keeps its network namespace alive:");
    return print_holders(ns);
}

static int delete_one(const char *name, void *arg)
{
    struct netns *ns = NULL;
    int rc, status = DONE;

    /* A name that cannot be opened has no namespace to report on. */
    if (options.verbose && open_name(name, &ns) < 0)
        ns = NULL;
    rc = netns_remove_at(options.rundir, name, options.missing_ok ? NETNS_REMOVE_MISSING_OK : 0);
    if (rc == 0 && ns)
        status = tell_what_is_left(arg, name, ns);
    netns_close(ns);
    if (rc == 0)
        return status;
    if (rc == -EINVAL)
        return complain(MISUSED, "Invalid netns name \"%s\"", name);
    if (rc == -ENOTTY)
        return library_complains();
    /* An unprivileged user may lack write permission in the directory. */
    if (rc == -EPERM && access(rundir(), W_OK) < 0)
        rc = -errno;
    if (rc == -ENOENT || rc == -ENOTDIR)
        return complain(FAILED, "Cannot remove namespace file \"%s/%s\": %s", rundir(), name,
                        strerror(-rc));
    return explain(UNLINK_STEP, FAILED, "Cannot remove namespace file \"%s/%s\": %s", rundir(), name,
                   strerror(-rc));
}

int delete(int argc, char **argv)
{
    struct json list, *json = options.verbose && options.json ? &list : NULL;
    int status;

    if (argc < 1 && !options.all)
        return complain(FAILED, "No netns name specified");
    if (json)
        json_begin(json, options.pretty);
    status = options.all ? for_each_name(delete_one, json) : delete_one(argv[0], json);
    if (json)
        json_end(json);
    return status;
}

/* --- set --------------------------------------------------------------------------------------- */

/* Opens the namespace of a process, given as the name of its directory in /proc. */
static int open_process(const char *digits, struct netns **ns)
{
    char spelt[sizeof "2147483648"];
    int32_t pid;

    if (!parse_number(digits, &pid))
        return -ESRCH;
    snprintf(spelt, sizeof spelt, "%d", pid);
    return strcmp(spelt, digits) == 0 ? netns_open_pid(pid, ns) : -ESRCH;
}

/* Reads an id, or "auto". */
static int read_nsid(const char *word, int32_t *nsid)
{
    if (strcmp(word, "auto") == 0) {
        *nsid = NETNS_NSID_AUTO;
        return DONE;
    }
    if (!parse_number(word, nsid))
        return complain(MISUSED, "Error: argument \"%s\" is wrong: Invalid \"netnsid\" value", word);
    if (*nsid < 0)
        return complain(MISUSED, "Error: argument \"%s\" is wrong: \"netnsid\" value should be >= 0",
                        word);
    return DONE;
}

/* Prints the kernel's text: the namespace has an nsid already, or another namespace has this one. */
static int id_not_set(const struct netns *ns, int error)
{
    if (error != EEXIST)
        return complain(REFUSED, "RTNETLINK answers: %s", strerror(error));
    if (netns_nsid_get(NULL, ns) >= 0)
        return complain(REFUSED, "Error: Peer netns already has a nsid assigned.");
    return complain(REFUSED, "Error: The specified nsid is already used.");
}

/* Tries a name first, as iproute2 7.1 does. Returns the name's error if there is no such process either. */
static int open_name_or_process(const char *word, struct netns **ns)
{
    int process, rc = open_name_or_path(word, ns);

    if (rc != -ENOENT)
        return rc;
    process = open_process(word, ns);
    return process == -ESRCH || process == -EINVAL ? rc : process;
}

int set(int argc, char **argv)
{
    struct netns *ns;
    int32_t nsid;
    int rc, status;

    if (argc < 1)
        return complain(FAILED, "No netns name specified");
    if (argc < 2)
        return complain(FAILED, "No nsid specified");
    status = read_nsid(argv[1], &nsid);
    if (status != DONE)
        return status;
    rc = open_name_or_process(argv[0], &ns);
    if (rc == -ENOTTY)
        return complain(REFUSED, "Error: Peer netns reference is invalid.");
    if (rc < 0)
        return complain(FAILED, "Cannot open network namespace \"%s\": %s", argv[0], strerror(-rc));
    rc = netns_nsid_set(NULL, ns, nsid);
    status = rc < 0 ? id_not_set(ns, -rc) : DONE;
    netns_close(ns);
    return status;
}

/* --- identify, pids ---------------------------------------------------------------------------- */

static void print_names_as_json(const struct netns_name_snapshot *names)
{
    size_t i, len = netns_list_len(names);
    struct json json;

    json_begin(&json, options.pretty);
    for (i = 0; i < len; i++) {
        json_begin_object(&json);
        json_name(&json, netns_list_name(names, i));
        json_end_object(&json);
    }
    json_end(&json);
}

static void print_names(const struct netns_name_snapshot *names)
{
    size_t i, len = netns_list_len(names);

    for (i = 0; i < len; i++) {
        put_text(netns_list_name(names, i), stdout);
        putchar('\n');
    }
    /* As iproute2 does, print an empty line if there is no name. */
    if (len == 0)
        puts("");
}

static int print_names_of(const struct netns *ns)
{
    struct netns_name_snapshot *names;
    int rc = netns_names_at(options.rundir, ns, 0, &names);

    if (rc < 0)
        return complain(FAILED, "Failed to open directory %s:%s", rundir(), strerror(-rc));
    if (options.json)
        print_names_as_json(names);
    else
        print_names(names);
    netns_list_free(names);
    return DONE;
}

int identify(int argc, char **argv)
{
    struct netns *ns;
    int rc, status;

    if (argc == 1 && argv[0][strspn(argv[0], "0123456789")])
        return complain(FAILED, "Specified string '%s' is not a pid", argv[0]);
    rc = argc == 1 ? open_process(argv[0], &ns) : netns_open_current(&ns);
    if (rc == -ESRCH || rc == -EINVAL)
        rc = -ENOENT;
    if (rc < 0)
        return complain(FAILED, "Cannot open network namespace: %s", strerror(-rc));
    status = print_names_of(ns);
    netns_close(ns);
    return status;
}

/* Finds all processes in a namespace. Returns their number or -errno; the caller frees *pids. */
static ssize_t find_pids(const struct netns *ns, pid_t **pids)
{
    size_t room = 0;
    ssize_t count = PIDS_AT_FIRST;

    *pids = NULL;
    while (count >= 0 && (size_t)count > room) {
        pid_t *more = realloc(*pids, count * sizeof *more);

        if (!more)
            return -ENOMEM;
        *pids = more;
        room = count;
        count = netns_pids(ns, 0, more, room);
    }
    return count;
}

static void print_pids_as_json(const pid_t *pids, ssize_t count)
{
    struct json json;
    ssize_t i;

    json_begin(&json, options.pretty);
    for (i = 0; i < count; i++) {
        json_begin_object(&json);
        json_number(&json, "pid", pids[i]);
        json_end_object(&json);
    }
    json_end(&json);
}

static int print_pids(const struct netns *ns)
{
    pid_t *found;
    ssize_t i, count = find_pids(ns, &found);

    if (count >= 0 && options.json)
        print_pids_as_json(found, count);
    else
        for (i = 0; i < count; i++)
            printf("%d\n", found[i]);
    free(found);
    return count < 0 ? complain(FAILED, "Open of /proc failed: %s", strerror(-count)) : DONE;
}

int pids(int argc, char **argv)
{
    struct netns *ns;
    int rc, status;

    if (argc < 1)
        return complain(FAILED, "No netns name specified");
    rc = open_name_or_path(argv[0], &ns);
    if (rc == -ENOTTY)
        return library_complains();
    if (rc < 0)
        return complain(FAILED, "Cannot open network namespace: %s", strerror(-rc));
    status = print_pids(ns);
    netns_close(ns);
    return status;
}

/* --- monitor ----------------------------------------------------------------------------------- */

static void print_event(const char *what, const char *name)
{
    printf("%s ", what);
    put_text(name, stdout);
    putchar('\n');
}

/* One object per line, because the list does not end. */
static void print_event_as_json(const char *what, const char *name)
{
    struct json json = {0};

    json_begin_object(&json);
    json_string(&json, "event", what);
    json_name(&json, name);
    json_end_object(&json);
    putchar('\n');
}

/* Prints the pending events, and flushes them, so that a pipe gets each event at once. */
static int print_events(struct netns_monitor *monitor)
{
    struct netns_event event = NETNS_EVENT_INIT;
    int rc;

    while ((rc = netns_monitor_next(monitor, &event)) > 0) {
        const char *what = event.type == NETNS_EVENT_ADD      ? "add"
                           : event.type == NETNS_EVENT_REMOVE ? "delete"
                                                              : NULL;

        if (what && options.json)
            print_event_as_json(what, event.name);
        else if (what)
            print_event(what, event.name);
    }
    if (rc < 0)
        return library_complains();
    return flush_output() ? DONE : FAILED;
}

int monitor(int argc, char **argv)
{
    struct netns_monitor *monitor;
    struct pollfd ready;
    int status;

    (void)argc;
    (void)argv;
    if (netns_monitor_open(options.rundir, 0, &monitor) < 0)
        return library_complains();
    ready = (struct pollfd){.fd = netns_monitor_fd(monitor), .events = POLLIN};
    do {
        poll(&ready, 1, -1);
        status = print_events(monitor);
    } while (status == DONE);
    netns_monitor_close(monitor);
    return status;
}
