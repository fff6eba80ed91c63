/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "json.h"

#include <stdio.h>

void json_begin(struct json *json, bool pretty)
{
    *json = (struct json){.pretty = pretty};
    putchar('[');
}

void json_begin_object(struct json *json)
{
    if (json->objects++)
        putchar(',');
    else if (json->pretty)
        putchar(' ');
    putchar('{');
    json->members = 0;
}

static void put_key(struct json *json, const char *key)
{
    if (json->members++)
        putchar(',');
    printf(json->pretty ? "\n        \"%s\": " : "\"%s\":", key);
}

/* Bytes over 127 stay as they are: a name in UTF-8 is good JSON. */
static void put_escaped(unsigned char byte)
{
    static const char letters[] = "btn\0fr";

    if (byte == '"' || byte == '\\')
        printf("\\%c", byte);
    else if (byte >= '\b' && byte <= '\r' && letters[byte - '\b'])
        printf("\\%c", letters[byte - '\b']);
    else if (byte < ' ')
        printf("\\u%04x", byte);
    else
        putchar(byte);
}

void json_string(struct json *json, const char *key, const char *value)
{
    put_key(json, key);
    putchar('"');
    for (; *value; value++)
        put_escaped(*value);
    putchar('"');
}

void json_number(struct json *json, const char *key, int32_t value)
{
    put_key(json, key);
    printf("%d", value);
}

void json_end_object(struct json *json)
{
    fputs(json->pretty ? "\n    }" : "}", stdout);
}

void json_end(struct json *json)
{
    fputs(json->pretty ? " ]\n" : "]\n", stdout);
}
