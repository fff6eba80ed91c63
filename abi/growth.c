/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program for scripts/check-abi-growth. Compiled with the current headers it is an older program; with
 * headers that add a member to both structs (GROWN) it is a newer one. It prints how the library handles
 * its structs.
 */
#include <libnetns/netns.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILL 0xa5

/* A struct of exactly its size, so that valgrind and the guard behind it detect writes beyond it. */
static struct netns_event *filled_event(void)
{
    unsigned char *bytes = malloc(sizeof(struct netns_event) + 64);
    struct netns_event *event = (struct netns_event *)bytes;

    if (!bytes)
        exit(1);
    memset(bytes, FILL, sizeof(struct netns_event) + 64);
    event->size = sizeof *event;
    return event;
}

static const char *guard(const struct netns_event *event)
{
    const unsigned char *behind = (const unsigned char *)(event + 1);
    int i;

    for (i = 0; i < 64; i++)
        if (behind[i] != FILL)
            return "overwritten";
    return "untouched";
}

static int spawn(const struct netns *ns, unsigned long long more)
{
    struct netns_spawn_options options = NETNS_SPAWN_OPTIONS_INIT;
    static char *argv[] = {"true", NULL};
    pid_t pid;
    int rc;

    options.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC;
#ifdef GROWN
    options.more = more;
#else
    (void)more;
#endif
    rc = netns_spawn(ns, &options, "true", argv, NULL, &pid);
    if (rc == 0)
        waitpid(pid, NULL, 0);
    return rc;
}

int main(void)
{
    struct netns_event *event = filled_event();
    struct netns_monitor *monitor;
    struct netns *ns;
    int rc;

    if (netns_create("blue", 0, &ns) < 0 ||
        netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &monitor) < 0) {
        puts(netns_errmsg());
        return 1;
    }
    rc = netns_monitor_next(monitor, event);
    printf("event %d: %u \"%s\" %s, behind it %s\n", rc, rc == 1 ? event->type : 0,
           rc == 1 ? event->name : netns_errmsg(),
           event->inode == netns_inode(ns) ? "of blue" : "of another", guard(event));
#ifdef GROWN
    printf("event's new member %llx\n", (unsigned long long)event->more);
#endif
    printf("spawn %d\n", spawn(ns, 0));
#ifdef GROWN
    printf("spawn with the new member %d\n", spawn(ns, 1));
#endif
    netns_monitor_close(monitor);
    netns_close(ns);
    free(event);
    return 0;
}
