/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commands list and list-id: the names, and the nsids that a namespace has assigned. */
#include "tool.h"
#include "json.h"
#include "text.h"

/* --- list -------------------------------------------------------------------------------------- */

/* The nsid of the namespace with this inode number. */
struct known_id {
    uint64_t inode;
    int32_t id;
};

struct known_ids {
    struct known_id *ids;
    size_t count;
};

static int compare_inodes(const void *a, const void *b)
{
    uint64_t left = ((const struct known_id *)a)->inode;
    uint64_t right = ((const struct known_id *)b)->inode;

    return (left > right) - (left < right);
}

/* Returns the inode number of a name in the sorted list, or 0 if it is not in the list. */
static uint64_t inode_of(const struct netns_name_snapshot *names, const char *name)
{
    size_t low = 0, high = netns_list_len(names);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(netns_list_name(names, middle), name);

        if (order == 0)
            return netns_list_inode(names, middle);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/*
 * One dump returns all nsids, and usually there are none; a query for each name takes three system calls.
 * The dump has one name for each nsid. The inode numbers show which other names the namespace has.
 */
static int find_ids(const struct netns_name_snapshot *names, struct known_ids *found)
{
    struct netns_nsid_snapshot *list;
    size_t i, len;

    *found = (struct known_ids){0};
    if (netns_nsid_list(options.rundir, NULL, NETNS_NSID_NONE, 0, &list) < 0)
        return library_complains();
    len = netns_nsid_list_len(list);
    if (len > 0)
        found->ids = calloc(len, sizeof *found->ids);
    if (len > 0 && !found->ids) {
        netns_nsid_list_free(list);
        return complain(FAILED, "%s", strerror(ENOMEM));
    }
    for (i = 0; i < len; i++) {
        const char *name = netns_nsid_list_name(list, i);
        uint64_t inode = name ? inode_of(names, name) : 0;

        if (inode != 0)
            found->ids[found->count++] =
                (struct known_id){.inode = inode, .id = netns_nsid_list_id(list, i)};
    }
    netns_nsid_list_free(list);
    if (found->count > 0)
        qsort(found->ids, found->count, sizeof *found->ids, compare_inodes);
    return DONE;
}

/* Returns -1 if it has none. */
static int32_t id_of(const struct known_ids *known, uint64_t inode)
{
    struct known_id wanted = {.inode = inode};
    const struct known_id *id;

    if (known->count == 0)
        return -1;
    id = bsearch(&wanted, known->ids, known->count, sizeof wanted, compare_inodes);
    return id ? id->id : -1;
}

static void print_names(const struct netns_name_snapshot *names, const struct known_ids *known)
{
    size_t i, len = netns_list_len(names);

    for (i = 0; i < len; i++) {
        int32_t id = id_of(known, netns_list_inode(names, i));

        put_text(netns_list_name(names, i), stdout);
        if (id >= 0)
            printf(" (id: %d)", id);
        putchar('\n');
    }
}

static void print_names_as_json(const struct netns_name_snapshot *names, const struct known_ids *known)
{
    size_t i, len = netns_list_len(names);
    struct json json;

    json_begin(&json, options.pretty);
    for (i = 0; i < len; i++) {
        int32_t id = id_of(known, netns_list_inode(names, i));

        json_begin_object(&json);
        json_name(&json, netns_list_name(names, i));
        if (id >= 0)
            json_number(&json, "id", id);
        json_end_object(&json);
    }
    json_end(&json);
}

/* Lists every namespace once, with its first name, if it has one. */
static int list_everything(void)
{
    struct netns_name_snapshot *all;
    size_t i, len;
    struct json json;

    if (netns_list_all(0, &all) < 0)
        return library_complains();
    len = netns_list_len(all);
    if (options.json)
        json_begin(&json, options.pretty);
    for (i = 0; i < len; i++) {
        const char *name = netns_list_name(all, i);

        if (!options.json) {
            printf("net:[%llu]%s", (unsigned long long)netns_list_inode(all, i), *name ? " " : "");
            put_text(name, stdout);
            putchar('\n');
            continue;
        }
        json_begin_object(&json);
        if (*name)
            json_name(&json, name);
        json_unsigned(&json, "inode", netns_list_inode(all, i));
        if (netns_list_cookie(all, i))
            json_unsigned(&json, "cookie", netns_list_cookie(all, i));
        json_end_object(&json);
    }
    if (options.json)
        json_end(&json);
    netns_list_free(all);
    return DONE;
}

int list(int argc, char **argv)
{
    struct netns_name_snapshot *names;
    struct known_ids known;
    int status;

    (void)argc;
    (void)argv;
    if (options.nameless && options.rundir)
        return complain(FAILED, "list -all always uses " NETNS_RUN_DIR "; do not combine it with -rundir");
    if (options.nameless)
        return list_everything();
    if (netns_list_at(options.rundir, 0, &names) < 0)
        return library_complains();
    /* Without nsids, the names are still useful. */
    status = find_ids(names, &known);
    if (options.json)
        print_names_as_json(names, &known);
    else
        print_names(names, &known);
    free(known.ids);
    netns_list_free(names);
    return status;
}

/* --- list-id ----------------------------------------------------------------------------------- */

/* Reads the number after the word `what`, which may be given once. */
static int read_id(const char *what, const char *word, int32_t *id)
{
    if (*id >= 0)
        return complain(MISUSED, "Error: duplicate \"%s\": \"%s\" is the second value.", what, what);
    if (!word)
        return complain(MISUSED, "Command line is not complete. Try option \"help\"");
    if (!parse_number(word, id))
        return complain(MISUSED, "Error: argument \"%s\" is wrong: \"%s\" value is invalid", word,
                        what);
    if (*id < 0)
        return complain(MISUSED, "Error: argument \"%s\" is wrong: \"%s\" value should be >= 0",
                        word, what);
    return DONE;
}

/* A line of list-id: an nsid, and the nsid that the current namespace has for the same namespace. */
struct entry {
    int32_t id, current;
    const char *name;
    /* Whether the nsid is a target's, so that current is valid. */
    bool targeted;
};

static struct entry entry_at(const struct netns_nsid_snapshot *list, size_t i, bool targeted)
{
    return (struct entry){.id = netns_nsid_list_id(list, i),
                          .current = netns_nsid_list_current(list, i),
                          .name = netns_nsid_list_name(list, i),
                          .targeted = targeted};
}

static void print_number(const char *what, int32_t id)
{
    if (id >= 0)
        printf("%s %d ", what, id);
    else
        printf("%s unassigned ", what);
}

static void print_entry(const struct entry *entry)
{
    print_number("nsid", entry->id);
    if (entry->targeted)
        print_number("current-nsid", entry->current);
    if (entry->name) {
        fputs("(iproute2 netns name: ", stdout);
        put_text(entry->name, stdout);
        putchar(')');
    }
    putchar('\n');
}

static void print_entry_as_json(struct json *json, const struct entry *entry)
{
    json_begin_object(json);
    if (entry->id >= 0)
        json_number(json, "nsid", entry->id);
    if (entry->targeted && entry->current >= 0)
        json_number(json, "current-nsid", entry->current);
    if (entry->name)
        json_name(json, entry->name);
    json_end_object(json);
}

/* Prints a list; NULL is an empty one. */
static void print_ids(const struct netns_nsid_snapshot *list, bool targeted)
{
    size_t i, len = netns_nsid_list_len(list);
    struct json json;

    if (options.json)
        json_begin(&json, options.pretty);
    for (i = 0; i < len; i++) {
        struct entry entry = entry_at(list, i, targeted);

        if (options.json)
            print_entry_as_json(&json, &entry);
        else
            print_entry(&entry);
    }
    if (options.json)
        json_end(&json);
}

static int list_all(int32_t target)
{
    struct netns_nsid_snapshot *list;
    int rc = netns_nsid_list(options.rundir, NULL, target, 0, &list);

    if (target >= 0 && (rc == -EINVAL || rc == -EACCES)) {
        print_ids(NULL, true);
        return complain(FAILED, "Error: Invalid target network namespace id.\nDump terminated");
    }
    if (rc < 0)
        return library_complains();
    print_ids(list, target >= 0);
    netns_nsid_list_free(list);
    return DONE;
}

/* Finds the nsid that the target has for the namespace with the nsid entry->current here. */
static int ask_target(int32_t target, struct entry *entry)
{
    struct netns_nsid_snapshot *list;
    int rc = netns_nsid_list(options.rundir, NULL, target, 0, &list);
    size_t i;

    if (rc == -EINVAL || rc == -EACCES)
        return complain(REFUSED, "Error: Target netns reference is invalid.");
    if (rc < 0)
        return library_complains();
    for (i = 0; i < netns_nsid_list_len(list); i++)
        if (netns_nsid_list_current(list, i) == entry->current)
            entry->id = netns_nsid_list_id(list, i);
    netns_nsid_list_free(list);
    return DONE;
}

/* Prints an entry of the current namespace's list, with the target's nsid if there is a target. */
static int list_entry(struct entry entry, int32_t target)
{
    struct json json;
    int status;

    if (target >= 0) {
        entry.current = entry.id;
        entry.id = NETNS_NSID_NONE;
        entry.targeted = true;
        status = ask_target(target, &entry);
        if (status != DONE)
            return status;
    }
    if (!options.json) {
        print_entry(&entry);
        return DONE;
    }
    json_begin(&json, options.pretty);
    print_entry_as_json(&json, &entry);
    json_end(&json);
    return DONE;
}

/* The wanted nsid is always the current namespace's, also if a target's nsid is to be printed. */
static int list_one(int32_t wanted, int32_t target)
{
    struct netns_nsid_snapshot *list;
    size_t i = 0, len;
    int status;

    if (netns_nsid_list(options.rundir, NULL, NETNS_NSID_NONE, 0, &list) < 0)
        return library_complains();
    len = netns_nsid_list_len(list);
    while (i < len && netns_nsid_list_id(list, i) != wanted)
        i++;
    if (i < len)
        status = list_entry(entry_at(list, i, false), target);
    else
        status = complain(REFUSED, "Error: Peer netns reference is invalid.");
    netns_nsid_list_free(list);
    return status;
}

int list_id(int argc, char **argv)
{
    int32_t target = NETNS_NSID_NONE, wanted = NETNS_NSID_NONE;
    int status;

    for (; argc > 0; argc -= 2, argv += 2) {
        if (strcmp(argv[0], "target-nsid") == 0)
            status = read_id("target-nsid", argv[1], &target);
        else if (strcmp(argv[0], "nsid") == 0)
            status = read_id("nsid", argv[1], &wanted);
        else
            status = misused("list-id");
        if (status != DONE)
            return status;
    }
    return wanted >= 0 ? list_one(wanted, target) : list_all(target);
}
