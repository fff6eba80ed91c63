/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * setns, enter, leave and socket allocate nothing, whether they succeed or fail. A program of its
 * own, because its allocator takes the place of the one that valgrind watches.
 */
#include "test.h"

#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* How often the program has asked for memory, or given some back. */
static atomic_long calls;

/*
 * An allocator that never frees, because in a static program glibc's own cannot be called by
 * another name. Each block has its size before it.
 */
static _Alignas(64) unsigned char arena[32 << 20];
static atomic_size_t used;

static void *allocate(size_t alignment, size_t size)
{
    size_t need = (size + 15) / 16 * 16 + 2 * alignment;
    size_t start = atomic_fetch_add(&used, need), at;

    calls++;
    if (size > sizeof arena || start > sizeof arena - need) {
        errno = ENOMEM;
        return NULL;
    }
    at = (start + alignment + alignment - 1) / alignment * alignment;
    memcpy(arena + at - sizeof size, &size, sizeof size);
    return arena + at;
}

void *malloc(size_t size)
{
    return allocate(16, size);
}

void *calloc(size_t count, size_t size)
{
    /* The arena is zero, and nothing in it is used twice. */
    return size && count > SIZE_MAX / size ? NULL : allocate(16, count * size);
}

void *realloc(void *old, size_t size)
{
    void *new = allocate(16, size);
    size_t had = 0;

    if (old)
        memcpy(&had, (unsigned char *)old - sizeof had, sizeof had);
    if (new && old)
        memcpy(new, old, had < size ? had : size);
    return new;
}

void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment < 16 ? 16 : alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void free(void *block)
{
    if (block)
        calls++;
}

static void the_count_counts(void)
{
    long before = calls;
    struct netns *ns = NULL;

    OK(netns_create(NULL, 0, &ns));
    CHECK(calls > before);
    before = calls;
    netns_close(ns);
    CHECK(calls > before);
}

static void successes_allocate_nothing(void)
{
    struct netns *ns = NULL, *home = NULL;
    long before;
    int token, fd;

    MUST(netns_create("blue", 0, &ns));
    MUST(netns_open_current(&home));
    before = calls;
    token = netns_enter(ns);
    EQUAL(netns_leave(token), 0);
    fd = netns_socket(ns, AF_INET, SOCK_STREAM, 0);
    EQUAL(netns_setns(ns), 0);
    EQUAL(netns_setns(home), 0);
    EQUAL(calls, before);
    CHECK(token >= 0 && fd >= 0);
    close(fd);
    netns_close(home);
    netns_close(ns);
}

static void failures_allocate_nothing(void)
{
    struct netns *ns = NULL;
    struct rlimit limit, none;
    long before;
    int handle;

    MUST(netns_create("blue", 0, &ns));
    handle = netns_fd(ns);
    MUST(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 0;
    before = calls;
    EQUAL(netns_enter(NULL), -EINVAL);
    EQUAL(netns_setns(NULL), -EINVAL);
    EQUAL(netns_socket(NULL, AF_INET, SOCK_STREAM, 0), -EINVAL);
    EQUAL(netns_leave(-1), -EBADF);
    EQUAL(netns_leave(handle), -EINVAL);
    EQUAL(netns_socket(ns, 9999, SOCK_STREAM, 0), -EAFNOSUPPORT);
    MUST(setrlimit(RLIMIT_NOFILE, &none));
    EQUAL(netns_enter(ns), -EMFILE);
    EQUAL(netns_socket(ns, AF_INET, SOCK_STREAM, 0), -EMFILE);
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    EQUAL(calls, before);
    netns_close(ns);
}

/* Whether the library says why, and whether that allocates, are one question. */
static void explaining_allocates_nothing(void)
{
    long before;

    EQUAL(netns_leave(-1), -EBADF);
    before = calls;
    EQUAL(netns_leave(-1), -EBADF);
    CHECK(netns_errmsg()[0] != '\0');
    EQUAL(calls, before);
}

int main(void)
{
    if (under_valgrind())
        skip("valgrind puts its own allocator in the place of this one");
    RUN(the_count_counts);
    RUN(successes_allocate_nothing);
    RUN(failures_allocate_nothing);
    RUN(explaining_allocates_nothing);
    return finish();
}
