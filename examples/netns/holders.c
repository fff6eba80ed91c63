/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command holders: lists what keeps a network namespace alive. */
#include "tool.h"
#include "json.h"
#include "text.h"

#include <ctype.h>

static const char *kind_at(const struct netns_holder_snapshot *list, size_t i)
{
    switch (netns_holder_list_kind(list, i)) {
    case NETNS_HOLDER_THREAD:
        return "thread";
    case NETNS_HOLDER_DESCRIPTOR:
        return "descriptor";
    case NETNS_HOLDER_SOCKET:
        return "socket";
    case NETNS_HOLDER_MOUNT:
        return "mount";
    default:
        return "other";
    }
}

static void print_number(int32_t number, bool is_there)
{
    if (is_there)
        printf("%8d ", number);
    else
        printf("%8s ", "-");
}

static void print_table(const struct netns_holder_snapshot *list)
{
    size_t i, len = netns_holder_list_len(list);

    if (len > 0)
        puts("TYPE            PID      TID       FD PROGRAM");
    for (i = 0; i < len; i++) {
        const char *program = netns_holder_list_program(list, i);
        const char *path = netns_holder_list_path(list, i);
        int32_t pid = netns_holder_list_pid(list, i), fd = netns_holder_list_fd(list, i);

        printf("%-10s ", kind_at(list, i));
        print_number(pid, pid > 0);
        print_number(netns_holder_list_tid(list, i), pid > 0);
        print_number(fd, fd >= 0);
        put_text(program ? program : "-", stdout);
        if (path) {
            fputs(" on ", stdout);
            put_text(path, stdout);
        }
        putchar('\n');
    }
}

static void put_objects(struct json *json, const struct netns_holder_snapshot *list)
{
    size_t i, len = netns_holder_list_len(list);

    for (i = 0; i < len; i++) {
        const char *program = netns_holder_list_program(list, i);
        const char *path = netns_holder_list_path(list, i);

        json_begin_object(json);
        json_string(json, "type", kind_at(list, i));
        if (netns_holder_list_pid(list, i) > 0) {
            json_number(json, "pid", netns_holder_list_pid(list, i));
            json_number(json, "tid", netns_holder_list_tid(list, i));
        }
        if (netns_holder_list_fd(list, i) >= 0)
            json_number(json, "fd", netns_holder_list_fd(list, i));
        if (program)
            json_string(json, "program", program);
        if (path)
            json_string(json, "path", path);
        json_end_object(json);
    }
}

static void print_json(const struct netns_holder_snapshot *list)
{
    struct json json;

    json_begin(&json, options.pretty);
    put_objects(&json, list);
    json_end(&json);
}

/* Reports what could not be examined. */
static void tell_unseen(uint32_t unseen)
{
    if (unseen & NETNS_UNSEEN_PROCESSES)
        complain(DONE, "The list may be incomplete: some processes could not be examined (needs CAP_SYS_PTRACE)");
    if (unseen & NETNS_UNSEEN_HIDDEN)
        complain(DONE, "The list may be incomplete: /proc does not show all processes of the system");
    if (unseen & NETNS_UNSEEN_SOCKETS)
        complain(DONE, "The list may be incomplete: the network namespaces of some sockets could not be determined");
}

static int end_list(struct netns_holder_snapshot *list)
{
    /* Standard output before standard error. */
    fflush(stdout);
    tell_unseen(netns_holder_list_unseen(list));
    netns_holder_list_free(list);
    return DONE;
}

int print_holders(const struct netns *ns)
{
    struct netns_holder_snapshot *list;

    if (netns_holder_list(ns, 0, &list) < 0)
        return library_complains();
    if (options.json)
        print_json(list);
    else
        print_table(list);
    return end_list(list);
}

int put_holders(struct json *json, const char *name, const struct netns *ns)
{
    struct netns_holder_snapshot *list;
    struct json holders;

    if (netns_holder_list(ns, 0, &list) < 0)
        return library_complains();
    json_begin_object(json);
    json_name(json, name);
    json_begin_member(json, "holders", &holders);
    put_objects(&holders, list);
    json_end_member(&holders);
    json_end_object(json);
    return end_list(list);
}

bool parse_inode(const char *text, uint64_t *inode)
{
    bool is_link = strncmp(text, "net:[", 5) == 0;
    char *end;

    if (is_link)
        text += 5;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *inode = strtoull(text, &end, 10);
    return errno == 0 && *inode != 0 && strcmp(end, is_link ? "]" : "") == 0;
}

/* Tries a name first, then a process, then an inode number. */
static int open_any(const char *word, struct netns **ns)
{
    int32_t pid;
    uint64_t inode;
    int rc = open_name_or_path(word, ns);
    bool is_pid = parse_number(word, &pid) && pid > 0;

    if (rc == -ENOENT && is_pid)
        rc = netns_open_pid(pid, ns);
    if (rc != -ENOENT && rc != -ESRCH)
        return rc;
    if (parse_inode(word, &inode)) {
        rc = netns_open_id(inode, 0, ns);
        /* No process has a number this large, so the message is about the inode. */
        if (rc != -ENOENT || !is_pid)
            return rc;
    }
    /* Fail again, so that the message is about the name. */
    return open_name_or_path(word, ns);
}

int holders(int argc, char **argv)
{
    struct netns *ns;
    int status;

    if (argc < 1)
        return complain(FAILED, "No netns name specified");
    if (open_any(argv[0], &ns) < 0)
        return library_complains();
    status = print_holders(ns);
    netns_close(ns);
    return status;
}
