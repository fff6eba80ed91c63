/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An array of objects on stdout, laid out as `ip -json` and `ip -json -pretty` do. */
#ifndef NETNS_TOOL_JSON_H
#define NETNS_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json {
    bool pretty;
    /* How many objects there are so far, and members in the last one. */
    unsigned objects, members;
};

void json_begin(struct json *json, bool pretty);
void json_begin_object(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, int32_t value);
void json_end_object(struct json *json);
void json_end(struct json *json);

#endif
