/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A JSON parser sufficient for the output of `ip -json`. The tree is overwritten by the next parse. */
#ifndef NETNS_TEST_JSON_H
#define NETNS_TEST_JSON_H

#include "test.h"

struct json {
    const char *key;  /* in an object */
    const char *text; /* of a string, number or word; NULL: it is an object or an array */
    struct json *child, *next;
};

#define MOST_JSON_NODES 65536

struct json_reader {
    struct json nodes[MOST_JSON_NODES];
    int used;
    char *at;
    bool broken;
};

static inline char json_next(struct json_reader *reader)
{
    while (*reader->at && strchr(" \t\r\n", *reader->at))
        reader->at++;
    return *reader->at;
}

/* Unescapes a quoted string in place. ip never prints \u. */
static inline const char *json_string(struct json_reader *reader)
{
    char *from = reader->at + 1, *to = from, *start = from;

    while (*from && *from != '"') {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from++;
    }
    reader->broken |= *from != '"';
    reader->at = from + (*from == '"');
    *to = '\0';
    return start;
}

static inline struct json *json_value(struct json_reader *reader);

static inline struct json *json_members(struct json_reader *reader, char end)
{
    struct json *first = NULL, **last = &first;

    reader->at++;
    while (!reader->broken && json_next(reader) != end) {
        const char *key = NULL;

        if (end == '}') {
            reader->broken |= *reader->at != '"';
            key = json_string(reader);
            reader->broken |= json_next(reader) != ':';
            reader->at += *reader->at == ':';
        }
        *last = json_value(reader);
        if (reader->broken)
            return first;
        (*last)->key = key;
        last = &(*last)->next;
        if (json_next(reader) == ',')
            reader->at++;
        else
            reader->broken |= *reader->at != end;
    }
    reader->at += *reader->at == end;
    return first;
}

static inline struct json *json_value(struct json_reader *reader)
{
    struct json *value = &reader->nodes[reader->used];
    char first = json_next(reader);

    if (++reader->used == MOST_JSON_NODES)
        reader->broken = true;
    if (reader->broken)
        return NULL;
    *value = (struct json){0};
    if (first == '{' || first == '[') {
        value->child = json_members(reader, first == '{' ? '}' : ']');
    } else if (first == '"') {
        value->text = json_string(reader);
    } else {
        static char words[MOST_JSON_NODES * 4];
        static size_t used;
        size_t len = strcspn(reader->at, ",]} \n");

        reader->broken |= len == 0;
        if (used + len + 1 > sizeof words)
            used = 0;
        memcpy(words + used, reader->at, len);
        words[used + len] = '\0';
        value->text = words + used;
        used += len + 1;
        reader->at += len;
    }
    return value;
}

/* Parses a text, which it overwrites. Returns NULL if the text is not JSON. */
static inline struct json *read_json(struct json_reader *reader, char *text)
{
    struct json *value;

    reader->used = 0;
    reader->at = text;
    reader->broken = false;
    value = json_value(reader);
    return reader->broken || json_next(reader) != '\0' ? NULL : value;
}

/* A member of an object, or NULL if there is no member of that name. */
static inline const struct json *json_get(const struct json *object, const char *key)
{
    const struct json *member;

    for (member = object ? object->child : NULL; member; member = member->next)
        if (member->key && strcmp(member->key, key) == 0)
            return member;
    return NULL;
}

static inline const char *json_text(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);

    return member ? member->text : NULL;
}

/* A number, quoted or not; 0 if the member does not exist. */
static inline long long json_number(const struct json *object, const char *key)
{
    const char *text = json_text(object, key);

    return text ? strtoll(text, NULL, 0) : 0;
}

/* Whether the member exists and is true. */
static inline bool json_true(const struct json *object, const char *key)
{
    const char *text = json_text(object, key);

    return text && strcmp(text, "true") == 0;
}

#endif
