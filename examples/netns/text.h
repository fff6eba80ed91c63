/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names can contain any bytes: finds UTF-8 characters, and prints names safely on a terminal. */
#ifndef NETNS_TOOL_TEXT_H
#define NETNS_TOOL_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* The length of the first character in bytes, 1 to 4, or 0 if it is not UTF-8. */
size_t character_length(const char *text);

/*
 * Prints text: on a terminal with \xNN for each byte of a control character and each byte that is not UTF-8,
 * elsewhere unchanged.
 */
void put_text(const char *text, FILE *file);

#endif
