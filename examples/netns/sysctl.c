/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command sysctl: prints and sets sysctls of a network namespace as sysctl(8) does. */
#include "tool.h"
#include "json.h"
#include "text.h"

/* The number of bytes that memory is first allocated for. */
#define VALUE_AT_FIRST 4096

/* Returns the whole value, which the caller frees, or NULL after printing why it cannot be read. */
static char *read_value(const struct netns *ns, const char *key)
{
    size_t room = VALUE_AT_FIRST;
    char *value = NULL;

    for (;;) {
        char *more = realloc(value, room);
        ssize_t length = more ? netns_sysctl_get(ns, key, more, room) : -1;

        if (length >= 0 && (size_t)length < room)
            return more;
        if (length < 0) {
            if (more)
                library_complains();
            else
                complain(FAILED, "%s", strerror(ENOMEM));
            free(more ? more : value);
            return NULL;
        }
        value = more;
        room = (size_t)length + 1;
    }
}

static int print_value(const struct netns *ns, const char *key, struct json *json)
{
    char *value = read_value(ns, key);

    if (!value)
        return FAILED;
    if (options.json) {
        json_begin_object(json);
        json_string(json, "name", key);
        json_string(json, "value", value);
        json_end_object(json);
    } else {
        put_text(key, stdout);
        fputs(" = ", stdout);
        put_text(value, stdout);
        putchar('\n');
    }
    free(value);
    return DONE;
}

/* Prints or sets one sysctl: KEY or KEY=VALUE. */
static int do_one(const struct netns *ns, char *word, struct json *json)
{
    char *value = strchr(word, '=');

    if (!value)
        return print_value(ns, word, json);
    *value++ = '\0';
    return netns_sysctl_set(ns, word, value) < 0 ? library_complains() : DONE;
}

int sysctl(int argc, char **argv)
{
    struct json json;
    struct netns *ns;
    int i, rc, status = DONE;

    if (argc < 1)
        return complain(FAILED, "No netns name specified");
    if (argc < 2)
        return complain(FAILED, "No sysctl specified");
    rc = open_name_or_path(argv[0], &ns);
    if (rc < 0)
        return library_complains();
    if (options.json)
        json_begin(&json, options.pretty);
    for (i = 1; i < argc; i++)
        if (do_one(ns, argv[i], &json) != DONE)
            status = FAILED;
    if (options.json)
        json_end(&json);
    netns_close(ns);
    return status;
}
