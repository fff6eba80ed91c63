/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "text.h"

#include <stdbool.h>
#include <unistd.h>

/* The number of bytes of a character that begins with this byte, or 0 if none does. */
static size_t length_told_by(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t character_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i, length = length_told_by(bytes[0]);
    /* The valid range of the second byte: no overlong form, no surrogate, nothing above U+10FFFF. */
    unsigned char lowest = bytes[0] == 0xe0 ? 0xa0 : bytes[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char highest = bytes[0] == 0xed ? 0x9f : bytes[0] == 0xf4 ? 0x8f : 0xbf;

    for (i = 1; i < length; i++) {
        if (bytes[i] < lowest || bytes[i] > highest)
            return 0;
        lowest = 0x80;
        highest = 0xbf;
    }
    return length;
}

/* ASCII control characters, and U+0080 to U+009F, which some terminals obey as well. */
static bool is_control(const unsigned char *character)
{
    return character[0] < ' ' || character[0] == 0x7f ||
           (character[0] == 0xc2 && character[1] < 0xa0);
}

static void put_escaped(const char *text, FILE *file)
{
    while (*text) {
        const unsigned char *bytes = (const unsigned char *)text;
        size_t i, length = character_length(text);
        bool shown = length > 0 && !is_control(bytes);

        if (length == 0)
            length = 1;
        for (i = 0; i < length; i++)
            fprintf(file, shown ? "%c" : "\\x%02x", bytes[i]);
        text += length;
    }
}

void put_text(const char *text, FILE *file)
{
    if (isatty(fileno(file)))
        put_escaped(text, file);
    else
        fputs(text, file);
}
