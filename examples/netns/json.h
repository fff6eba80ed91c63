/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Objects on stdout: an array of them, laid out as `ip -json` and `ip -json -pretty` do, or each on a
 * line of its own. What is printed is valid UTF-8.
 */
#ifndef NETNS_TOOL_JSON_H
#define NETNS_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json {
    bool pretty;
    /* The number of objects so far, and of members in the last one. */
    unsigned objects, members;
    /* The columns by which an array that is a member is indented further. */
    int indent;
};

void json_begin(struct json *json, bool pretty);
void json_begin_object(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
/*
 * The member "name". JSON has no word for bytes that are not UTF-8: each is shown as U+FFFD, and the
 * member "name-hex" has all bytes of the name.
 */
void json_name(struct json *json, const char *name);
void json_number(struct json *json, const char *key, int32_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
/* An array that is a member. It is complete after json_end_member(), and `json` continues. */
void json_begin_member(struct json *json, const char *key, struct json *member);
void json_end_member(struct json *member);
void json_end_object(struct json *json);
void json_end(struct json *json);

#endif
