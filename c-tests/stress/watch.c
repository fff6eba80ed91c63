/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Checks the plausibility of a monitor's events. */
#include "stress.h"

bool watch_begin(struct watch *watch)
{
    *watch = (struct watch){.monitor = NULL};
    return ended(MONITOR_OPEN,
                 netns_monitor_open(NULL, NETNS_MONITOR_SNAPSHOT, &watch->monitor)) == 0;
}

static void has_come(struct watch *watch, int name, const struct view *before)
{
    shared->told++;
    if (watch->is_told[name])
        wrong("%s is told to come twice", name_of(name));
    watch->is_told[name] = true;
    watch->views[name] = *before;
    open_seen(before, 0);
}

static void has_gone(struct watch *watch, int name)
{
    shared->told_gone++;
    if (!watch->is_told[name])
        wrong("%s is told to go, and was not told to come", name_of(name));
    /* A monitor that cannot distinguish namespaces reports every possible change. */
    else if (shared->has_handles && !may_have(&watch->views[name], REMOVES))
        wrong("%s is told to go, and nobody removes it", name_of(name));
    watch->is_told[name] = false;
}

void watch_go_on(struct watch *watch)
{
    struct netns_event event = {.size = sizeof event};
    struct view before[NAMES];

    for (;;) {
        int name;

        look_at_all(before);
        if (ended(MONITOR_NEXT, netns_monitor_next(watch->monitor, &event)) <= 0)
            return;
        name = number_of(event.name);
        if (name < 0)
            wrong("\"%s\" is told of, which nobody makes", event.name);
        else if (event.type == NETNS_EVENT_ADD)
            has_come(watch, name, &before[name]);
        else
            has_gone(watch, name);
    }
}

/* A process killed between unmount and unlink leaves a state that a monitor notices only with the next
 * change. */
static bool is_left_unmounted(int name)
{
    char path[64];

    snprintf(path, sizeof path, "/run/netns/%s", name_of(name));
    return exists(path) && !is_netns(path);
}

void watch_agrees_with_list(struct watch *watch)
{
    bool is_listed[NAMES] = {false};
    struct netns_name_snapshot *list = NULL;

    watch_go_on(watch);
    if (ended(LIST, netns_list(0, &list)) < 0)
        return;
    for (size_t i = 0; i < netns_list_len(list); i++)
        is_listed[number_of(netns_list_name(list, i))] = true;
    for (int i = 0; i < NAMES; i++)
        if (is_listed[i] && !watch->is_told[i])
            wrong("%s is there, and the monitor has not told of it", name_of(i));
        else if (!is_listed[i] && watch->is_told[i] && !is_left_unmounted(i))
            wrong("%s is gone, and the monitor has not told of it", name_of(i));
    netns_list_free(list);
}
