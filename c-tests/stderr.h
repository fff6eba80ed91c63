/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Captures what a call prints on stderr. */
#ifndef NETNS_TEST_STDERR_H
#define NETNS_TEST_STDERR_H

#include "test.h"

#include <sys/mman.h>

static int stderr_proper = -1;

/* Starts capturing stderr. */
static inline void listen_to_stderr(void)
{
    int fd = MUST(memfd_create("stderr", MFD_CLOEXEC));

    stderr_proper = MUST(fcntl(2, F_DUPFD_CLOEXEC, 3));
    MUST(dup2(fd, 2));
    close(fd);
}

/* Returns what has been printed since, in a buffer that the next call overwrites. Leaves errno unchanged. */
static inline const char *said_on_stderr(void)
{
    static char text[65536];
    int saved = errno;
    ssize_t length = MUST(pread(2, text, sizeof text - 1, 0));

    text[length] = '\0';
    MUST(dup2(stderr_proper, 2));
    close(stderr_proper);
    errno = saved;
    return text;
}

/* Checks that the call returns this value and errno, and prints these lines. */
#define GIVES(value, error, lines, call)                                                      \
    do {                                                                                      \
        int given_, errno_;                                                                   \
                                                                                              \
        listen_to_stderr();                                                                   \
        errno = ERRNO_UNTOUCHED;                                                              \
        given_ = (call);                                                                      \
        errno_ = errno;                                                                       \
        same_at(said_on_stderr(), (lines), __LINE__, #call " on stderr");                     \
        equal_at(given_, (value), __LINE__, #call);                                           \
        equal_at(errno_, (error) ? (error) : ERRNO_UNTOUCHED, __LINE__, #call " sets errno"); \
    } while (0)

#endif
