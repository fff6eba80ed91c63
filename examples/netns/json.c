/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "json.h"
#include "text.h"

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
    if (json->pretty)
        printf("\n%*s\"%s\": ", json->indent + 8, "", key);
    else
        printf("\"%s\":", key);
}

static void put_ascii(unsigned char byte)
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

/* Returns whether all of the text is valid UTF-8. */
static bool put_string(const char *text)
{
    bool whole = true;

    while (*text) {
        size_t length = character_length(text);

        if (length == 1)
            put_ascii(*text);
        else if (length > 1)
            fwrite(text, 1, length, stdout);
        else
            fputs("\xef\xbf\xbd", stdout);
        whole = whole && length > 0;
        text += length > 0 ? length : 1;
    }
    return whole;
}

static bool put_member(struct json *json, const char *key, const char *value)
{
    bool whole;

    put_key(json, key);
    putchar('"');
    whole = put_string(value);
    putchar('"');
    return whole;
}

void json_string(struct json *json, const char *key, const char *value)
{
    put_member(json, key, value);
}

void json_name(struct json *json, const char *name)
{
    if (put_member(json, "name", name))
        return;
    put_key(json, "name-hex");
    putchar('"');
    for (; *name; name++)
        printf("%02x", (unsigned char)*name);
    putchar('"');
}

void json_number(struct json *json, const char *key, int32_t value)
{
    put_key(json, key);
    printf("%d", value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
    put_key(json, key);
    printf("%llu", (unsigned long long)value);
}

void json_begin_member(struct json *json, const char *key, struct json *member)
{
    put_key(json, key);
    json_begin(member, json->pretty);
    member->indent = json->indent + 8;
}

void json_end_member(struct json *member)
{
    fputs(member->pretty ? " ]" : "]", stdout);
}

void json_end_object(struct json *json)
{
    if (json->pretty)
        printf("\n%*s}", json->indent + 4, "");
    else
        putchar('}');
}

void json_end(struct json *json)
{
    json_end_member(json);
    putchar('\n');
}
