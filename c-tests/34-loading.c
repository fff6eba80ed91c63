/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library is loaded and unloaded while threads use it, and processes fork during its calls. */
#include "calls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/auxv.h>

/* --- fork in a multithreaded program ------------------------------------------------------------ */

static atomic_bool go, over;

/* The very first call into the library, made a short delay after the other threads start. */
static void *make_the_first_call(void *arg)
{
    const int *delay = arg;

    while (!go)
        ;
    for (volatile int i = 0; i < *delay; i++)
        ;
    netns_close(NULL);
    return NULL;
}

static void fork_during_the_first_call(void *arg)
{
    pthread_t thread;
    pid_t child;

    MUST(-pthread_create(&thread, NULL, make_the_first_call, arg));
    sched_yield();
    go = true;
    child = MUST(fork());
    if (child == 0) {
        /* A lock held by another thread at the time of the fork would never be released. */
        alarm(30);
        netns_close(NULL);
        _exit(0);
    }
    EQUAL(wait_for(child), 0);
    MUST(-pthread_join(thread, NULL));
}

static void child_forked_during_first_call_does_not_deadlock(void)
{
    int rounds = is_slow() ? 10 : 500;

    for (int round = 0; round < rounds && !test_failures; round++) {
        int delay = round * 37 % 40000;

        IN_CHILD(fork_during_the_first_call, &delay);
    }
}

static void *keep_calling(void *arg)
{
    char *name = arg;

    while (!over) {
        struct netns *ns = NULL;

        OK(netns_create(name, 0, &ns));
        OK(call_link_list());
        OK(call_enter_and_leave());
        OK(call_list());
        OK(netns_remove(name, 0));
        netns_close(ns);
    }
    return NULL;
}

/* Everything that the parent can do, with the handles that its threads are using. */
static void call_everything(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < CALLS; i++) {
        long rc = calls[i].make();

        if (check_at(rc >= 0, __LINE__, "%s: %ld (%s)", calls[i].name, rc, netns_errmsg()))
            UNDO(&calls[i]);
    }
    EQUAL(here(), netns_inode(given.home));
}

static void child_of_multithreaded_process_can_make_every_call(void)
{
    static char names[4][8];
    pthread_t threads[4];
    int i;

    if (under_valgrind())
        skip("to valgrind the child has lost what the threads had");
    prepare_calls();
    for (i = 0; i < 4; i++) {
        sprintf(names[i], "thread%d", i);
        MUST(-pthread_create(&threads[i], NULL, keep_calling, names[i]));
    }
    for (i = 0; i < 20 && !test_failures; i++)
        IN_CHILD(call_everything, NULL);
    over = true;
    for (i = 0; i < 4; i++)
        MUST(-pthread_join(threads[i], NULL));
    end_calls();
}

/* --- a library that is loaded and unloaded ------------------------------------------------------ */

#define COPY "/run/copy.so"

/* The functions of a loaded copy that are called. */
struct copy {
    void *library;
    int (*create)(const char *, uint32_t, struct netns **);
    int (*open)(const char *, uint32_t, struct netns **);
    int (*socket)(const struct netns *, int, int, int);
    void (*close)(struct netns *);
    const char *(*errmsg)(void);
};

/* A copy of the shared library, because the one that the program is linked with is never unloaded. */
static void copy_library(void)
{
    const char *headers = getenv("NETNS_HEADERS");
    char command[PATH_MAX + 64];

    if (!getauxval(AT_BASE))
        skip("a static program loads none");
    if (!headers)
        skip("NETNS_HEADERS does not say where the library is");
    snprintf(command, sizeof command, "cp -L '%s/../../lib/libnetns.so.1' " COPY, headers);
    EQUAL(shell(command), 0);
}

static bool load(struct copy *copy)
{
    copy->library = dlopen(COPY, RTLD_NOW | RTLD_LOCAL);
    if (!check_at(copy->library != NULL, __LINE__, "%s", copy->library ? "" : dlerror()))
        return false;
    *(void **)&copy->create = dlsym(copy->library, "netns_create");
    *(void **)&copy->open = dlsym(copy->library, "netns_open");
    *(void **)&copy->socket = dlsym(copy->library, "netns_socket");
    *(void **)&copy->close = dlsym(copy->library, "netns_close");
    *(void **)&copy->errmsg = dlsym(copy->library, "netns_errmsg");
    return CHECK(copy->create && copy->open && copy->socket && copy->close && copy->errmsg);
}

/* Makes a successful and a failing call, so that the thread has a message. */
static void use(const struct copy *copy)
{
    struct netns *ns = NULL;

    EQUAL(copy->create(NULL, 0, &ns), 0);
    close(copy->socket(ns, AF_INET, SOCK_DGRAM, 0));
    copy->close(ns);
    EQUAL(copy->open("missing", 0, &ns), -ENOENT);
    CHECK(strstr(copy->errmsg(), "missing"));
}

static bool is_loaded(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[2 * PATH_MAX];
    bool found = false;

    while (fgets(line, sizeof line, maps))
        found |= strstr(line, COPY) != NULL;
    fclose(maps);
    return found;
}

static long resident_kilobytes(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    long size = -1;

    while (fgets(line, sizeof line, status))
        sscanf(line, "VmRSS: %ld", &size);
    fclose(status);
    return size;
}

#define LOADERS 8

static pthread_barrier_t loaders;

static int loads(void)
{
    return is_slow() ? 3 : 1008 / LOADERS / 2;
}

static void *come_and_go(void *arg)
{
    long *grown = arg;

    for (int half = 0; half < 2; half++) {
        pthread_barrier_wait(&loaders);
        if (half == 1 && grown)
            *grown = -resident_kilobytes();
        for (int i = 0; i < loads() && !test_failures; i++) {
            struct copy copy;

            if (!load(&copy))
                break;
            use(&copy);
            EQUAL(dlclose(copy.library), 0);
        }
    }
    pthread_barrier_wait(&loaders);
    if (grown)
        *grown += resident_kilobytes();
    return NULL;
}

static void library_can_be_loaded_and_unloaded_by_many_threads(void)
{
    pthread_t threads[LOADERS];
    long grown = 0;
    int i;

    copy_library();
    MUST(-pthread_barrier_init(&loaders, NULL, LOADERS));
    for (i = 0; i < LOADERS; i++)
        MUST(-pthread_create(&threads[i], NULL, come_and_go, i ? NULL : &grown));
    for (i = 0; i < LOADERS; i++)
        MUST(-pthread_join(threads[i], NULL));
    CHECK(!is_loaded());
    printf("#: %d loads, %ld kB more resident after the second half of them\n",
           2 * LOADERS * loads(), grown);
    /* 16 kB leaked by each load would add up to that. */
    if (!under_valgrind())
        CHECK(grown < 8000);
}

/* --- a thread that outlives the library --------------------------------------------------------- */

static struct copy borrowed;
static pthread_barrier_t used, unloaded;

static void *use_and_outlive(void *arg)
{
    (void)arg;
    use(&borrowed);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    /* The library's per-thread data is freed now, without the library. */
    return NULL;
}

static void thread_can_end_after_library_was_unloaded(void)
{
    pthread_t threads[LOADERS];

    copy_library();
    MUST(-pthread_barrier_init(&used, NULL, LOADERS + 1));
    MUST(-pthread_barrier_init(&unloaded, NULL, LOADERS + 1));
    if (!load(&borrowed))
        return;
    for (int i = 0; i < LOADERS; i++)
        MUST(-pthread_create(&threads[i], NULL, use_and_outlive, NULL));
    pthread_barrier_wait(&used);
    EQUAL(dlclose(borrowed.library), 0);
    CHECK(!is_loaded());
    pthread_barrier_wait(&unloaded);
    for (int i = 0; i < LOADERS; i++)
        MUST(-pthread_join(threads[i], NULL));
    /* And it can be loaded again. */
    if (load(&borrowed))
        use(&borrowed);
    dlclose(borrowed.library);
}

int main(void)
{
    RUN(child_forked_during_first_call_does_not_deadlock);
    RUN(child_of_multithreaded_process_can_make_every_call);
    RUN(library_can_be_loaded_and_unloaded_by_many_threads);
    RUN(thread_can_end_after_library_was_unloaded);
    return finish();
}
