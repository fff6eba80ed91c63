/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The errnos that each function may fail with, read from the header by documented.awk. */
#ifndef NETNS_TEST_DOCUMENTED_H
#define NETNS_TEST_DOCUMENTED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ";function ERRNO ERRNO;function ERRNO;" */
static char documented[65536] = ";";

/* Ends the program if the file is empty, since every check would then succeed. */
static inline void read_documented(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(documented + 1, 1, sizeof documented - 2, file) : 0;

    if (length == 0) {
        perror(path);
        exit(2);
    }
    fclose(file);
    for (char *at = documented; (at = strchr(at, '\n'));)
        *at = ';';
}

/* Returns the text from the blank after the function's name, or NULL if the function documents no errno. */
static inline const char *documented_errnos(const char *function)
{
    char start[80];
    const char *line;

    snprintf(start, sizeof start, ";%s ", function);
    line = strstr(documented, start);
    return line ? line + strlen(start) - 1 : NULL;
}

static inline bool is_named(const char *function, const char *word)
{
    const char *line = documented_errnos(function);
    size_t length = line ? strcspn(line, ";") : 0, found;

    for (size_t at = 0; at < length; at += 1 + found) {
        found = strcspn(line + at + 1, " ;");
        if (found == strlen(word) && strncmp(line + at + 1, word, found) == 0)
            return true;
    }
    return false;
}

#endif
