/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints JSON objects to stdout: an array in the layout of `ip -json` and `ip -json -pretty`, or one object
 * per line. The output is valid UTF-8.
 */
#ifndef NETNS_TOOL_JSON_H
#define NETNS_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json {
    bool pretty;
    /* The number of objects so far, and of members in the last one. */
    unsigned objects, members;
    /* The additional indentation of an array that is a member. */
    int indent;
};

void json_begin(struct json *json, bool pretty);
void json_begin_object(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
/*
 * The member "name". JSON cannot represent bytes that are not UTF-8: each is replaced by U+FFFD, and the
 * member "name-hex" contains all bytes of the name.
 */
void json_name(struct json *json, const char *name);
void json_number(struct json *json, const char *key, int32_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
/* Begins an array that is a member of the current object; json_end_member() ends it. */
void json_begin_member(struct json *json, const char *key, struct json *member);
void json_end_member(struct json *member);
void json_end_object(struct json *json);
void json_end(struct json *json);

#endif
