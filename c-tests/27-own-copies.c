/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program with its own copies of iproute2's helpers links with the library and calls its own copies. */
#include "test.h"

#include <libnetns/netns-iproute2.h>

struct rtnl_handle {
    int fd;
};

int netns_switch(char *netns)
{
    return *netns + 1000;
}

int netns_get_fd(const char *name)
{
    return *name + 2000;
}

int netns_foreach(int (*func)(char *nsname, void *arg), void *arg)
{
    char own[] = "own";

    return func(own, arg) + 3000;
}

int netns_id_from_name(struct rtnl_handle *rtnl, const char *name)
{
    return rtnl->fd + *name + 4000;
}

int set_netns_id_from_name(struct rtnl_handle *rtnl, const char *name, int nsid)
{
    return rtnl->fd + *name + nsid + 5000;
}

char *netns_name_from_id(int32_t id)
{
    return id == 6000 ? strdup("own") : NULL;
}

static int count_own(char *nsname, void *arg)
{
    *(int *)arg += strcmp(nsname, "own") == 0;
    return 1;
}

static void program_calls_its_own_helpers(void)
{
    struct rtnl_handle rtnl = {100};
    char name[] = "\1", *own;
    int count = 0;

    EQUAL(netns_switch(name), 1001);
    EQUAL(netns_get_fd(name), 2001);
    EQUAL(netns_foreach(count_own, &count), 3001);
    EQUAL(count, 1);
    EQUAL(netns_id_from_name(&rtnl, name), 4101);
    EQUAL(set_netns_id_from_name(&rtnl, name, 10), 5111);
    own = netns_name_from_id(6000);
    SAME(own, "own");
    free(own);
}

static void library_does_not_call_helpers_of_program(void)
{
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NULL;

    OK(netns_create("blue", 0, &ns));
    OK(netns_names(ns, 0, &list));
    EQUAL(netns_list_len(list), 1);
    SAME(netns_list_name(list, 0), "blue");
    netns_list_free(list);
    netns_close(ns);
    SAME(names(), "blue");
    OK(netns_remove("blue", 0));
}

int main(void)
{
    RUN(program_calls_its_own_helpers);
    RUN(library_does_not_call_helpers_of_program);
    return finish();
}
