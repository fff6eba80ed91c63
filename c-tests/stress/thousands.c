/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Creates, lists, monitors, opens, attaches and removes thousands of namespaces at once, and checks that
 * everything is freed afterwards: names, mounts, files, descriptors, the process's memory and the kernel's.
 *
 *   thousands [COUNT]
 */
#include "world.h"

#include <malloc.h>
#include <sys/statfs.h>

/* Other processes on the machine also allocate and free memory, so the check must succeed in one of
 * several rounds; a leak would show in all of them. */
#define ROUNDS 4
#define LONGEST_WAIT 60

static int count = 10000;

/* --- current state --------------------------------------------------------------------------- */

/* Kilobytes used by the kernel itself. */
static long kernel_memory(void)
{
    static const char *const kinds[] = {"Slab:", "KernelStack:", "PageTables:", "VmallocUsed:",
                                        "Percpu:"};
    FILE *file = fopen("/proc/meminfo", "re");
    long sum = 0, kilobytes;
    char line[128], kind[64];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%63s %ld", kind, &kilobytes) == 2)
            for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                sum += strcmp(kind, kinds[i]) == 0 ? kilobytes : 0;
    if (file)
        fclose(file);
    return sum;
}

/* The number of kernel structures in use on the whole machine; 0: unknown. */
static long structures(void)
{
    FILE *file = fopen("/proc/slabinfo", "re");
    long active = 0;
    char line[512];

    while (file && active == 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "net_namespace %ld", &active) != 1)
            active = 0;
    if (file)
        fclose(file);
    return active;
}

struct inventory {
    int mounts, descriptors, threads;
    long files;
};

static struct inventory take_inventory(void)
{
    struct statfs fs = {.f_ffree = 0};

    MUST(statfs("/run/netns", &fs));
    return (struct inventory){
        .mounts = mounts_at(NULL),
        .descriptors = open_descriptors(),
        .threads = threads_left(),
        .files = fs.f_ffree,
    };
}

static void is_as_it_was(const struct inventory *before)
{
    struct inventory now = take_inventory();

    EQUAL(now.mounts, before->mounts);
    EQUAL(now.descriptors, before->descriptors);
    EQUAL(now.threads, before->threads);
    EQUAL(now.files, before->files);
}

/* --- operations ------------------------------------------------------------------------------ */

static const char *name(int i)
{
    static char text[16];

    snprintf(text, sizeof text, "n%06d", i);
    return text;
}

static double since;
static bool is_quiet;

/* The time since the last call, or since the clock was set. */
static void print_time(const char *what)
{
    double taken = seconds() - since;

    if (!is_quiet)
        printf("  %-9s %8.3f s, %8.2f us each\n", what, taken, taken * 1e6 / count);
    fflush(stdout);
    since = seconds();
}

static void create_all(void)
{
    for (int i = 0; i < count; i++)
        OK(netns_create(name(i), 0, NULL));
}

static void list_all(void)
{
    struct netns_name_snapshot *list = NULL;

    OK(netns_list(0, &list));
    EQUAL(netns_list_len(list), count);
    for (int i = 0; i < count; i++)
        SAME(netns_list_name(list, i), name(i));
    netns_list_free(list);
}

static void open_all(void)
{
    uint64_t last = 0, cookie = 0;

    for (int i = 0; i < count; i++) {
        struct netns *ns = NULL;

        OK(netns_open(name(i), 0, &ns));
        OK(netns_cookie(ns, &cookie));
        CHECK(cookie != last);
        last = cookie;
        netns_close(ns);
    }
}

static void find_names_of_one(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;

    OK(netns_open(name(count / 2), 0, &ns));
    OK(netns_attach(ns, "another", 0));
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 2);
    SAME(netns_list_name(list, 0), "another");
    SAME(netns_list_name(list, 1), name(count / 2));
    netns_list_free(list);
    OK(netns_remove("another", 0));
    netns_close(ns);
}

static void remove_all(void)
{
    for (int i = 0; i < count; i++)
        OK(netns_remove(name(i), 0));
}

/* Checks that every name is reported exactly once, as added or as removed. */
static void all_are_told(struct netns_monitor *monitor, uint32_t type)
{
    struct netns_event event = {.size = sizeof event};
    char *is_told = calloc(1, count);
    int told = 0;

    while (OK(netns_monitor_next(monitor, &event)) == 1) {
        int number = atoi(event.name + 1);

        EQUAL(event.type, type);
        if (!CHECK(event.name[0] == 'n' && number < count && !is_told[number]))
            break;
        is_told[number] = 1;
        told++;
    }
    EQUAL(told, count);
    free(is_told);
}

static void snapshot_tells_all(void)
{
    struct netns_monitor *monitor = NULL;

    OK(netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor));
    all_are_told(monitor, NETNS_EVENT_ADD);
    netns_monitor_close(monitor);
}

/* --- rounds ---------------------------------------------------------------------------------- */

/* The kernel's memory use before, with all namespaces, and after; and the process's. */
struct used {
    long before, most, after;
    long structures_before, structures_after;
    size_t heap_before, heap_after;
};

static bool is_given_back(const struct used *used)
{
    /* The kernel caches some empty pages. */
    return used->after - used->before <= (used->most - used->before) / 4 &&
           used->structures_after - used->structures_before <= count / 2;
}

static struct used one_round(void)
{
    struct inventory before = take_inventory();
    struct used used = {
        .before = kernel_memory(),
        .structures_before = structures(),
        .heap_before = mallinfo2().uordblks,
    };
    struct netns_monitor *monitor = NULL;
    double until;

    OK(netns_monitor_open(NULL, 0, &monitor));
    since = seconds();
    create_all();
    print_time("create");
    all_are_told(monitor, NETNS_EVENT_ADD);
    print_time("told");
    list_all();
    print_time("list");
    snapshot_tells_all();
    print_time("snapshot");
    open_all();
    print_time("open");
    find_names_of_one();
    print_time("names");
    used.most = kernel_memory();
    since = seconds();
    remove_all();
    print_time("remove");
    all_are_told(monitor, NETNS_EVENT_REMOVE);
    print_time("told");
    netns_monitor_close(monitor);
    EQUAL(namespaces_left(), 0);
    print_time("gone");
    is_as_it_was(&before);
    used.heap_after = mallinfo2().uordblks;
    until = seconds() + LONGEST_WAIT;
    do {
        sleep_ms(100);
        used.after = kernel_memory();
        used.structures_after = structures();
    } while (!is_given_back(&used) && seconds() < until);
    return used;
}

/* Makes the run directory a mount point and triggers allocations that happen only once. */
static void warm_up(void)
{
    int wanted = count;

    OK(netns_create("first", 0, NULL));
    OK(netns_remove("first", 0));
    count = 100;
    is_quiet = true;
    one_round();
    is_quiet = false;
    count = wanted;
}

/* malloc's per-thread caches count as used memory; without them the numbers are exact. */
static void do_without_malloc_cache(char **argv)
{
    if (getenv("GLIBC_TUNABLES"))
        return;
    MUST(setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1));
    MUST(execv("/proc/self/exe", argv));
}

int main(int argc, char **argv)
{
    struct used used = {.before = 0};
    bool is_back = false;

    do_without_malloc_cache(argv);
    if (argc > 1)
        count = atoi(argv[1]);
    if (count < 100 || count > 999999) {
        fprintf(stderr, "usage: thousands [COUNT, from 100 to 999999]\n");
        return 2;
    }
    enter_world(false);
    MUST(mkdir("/run/netns", 0755));
    warm_up();
    for (int i = 0; i < ROUNDS && !is_back && !test_failures; i++) {
        printf("%d namespaces\n", count);
        used = one_round();
        is_back = is_given_back(&used);
        printf("  the kernel's memory: %+ld kB with them, %+ld kB after; its structures: %+ld\n",
               used.most - used.before, used.after - used.before,
               used.structures_after - used.structures_before);
    }
    CHECK(is_back);
    EQUAL(used.heap_after, used.heap_before);
    printf("%d wrong\n", test_failures);
    return test_failures ? 1 : 0;
}
