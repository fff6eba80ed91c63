/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names hold any bytes: text tells characters from the rest, and shows names so that they do no harm. */
#ifndef NETNS_TOOL_TEXT_H
#define NETNS_TOOL_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* How many bytes the first character has in UTF-8, 1 to 4; 0: what is there is not UTF-8. */
size_t character_length(const char *text);

/*
 * Prints text: on a terminal with \xNN for each byte of a control character and each that is not UTF-8,
 * elsewhere as it is.
 */
void put_text(const char *text, FILE *file);

#endif
