/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Create, open, list, remove: the life of a name. */
#include "test.h"

static void a_name_lives_from_create_to_remove(void)
{
    struct netns *ns = NULL, *again = NULL;

    EQUAL(OK(netns_create("blue", 0, &ns)), 0);
    CHECK(is_netns("/run/netns/blue"));
    SAME(netns_name(ns), "blue");
    SAME(netns_path(ns), "/run/netns/blue");
    SAME(names(), "blue");
    EQUAL(OK(netns_open("blue", 0, &again)), 0);
    EQUAL(netns_equal(ns, again), 1);
    EQUAL(OK(netns_remove("blue", 0)), 0);
    CHECK(!exists("/run/netns/blue"));
    SAME(names(), "");
    FAILS(ENOENT, netns_open("blue", 0, &(struct netns *){NULL}));
    netns_close(ns);
    netns_close(again);
}

static void the_thread_stays_where_it_is(void)
{
    uint64_t home = here();
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    EQUAL(here(), home);
    CHECK(netns_inode(ns) != home);
    netns_close(ns);
}

int main(void)
{
    RUN(a_name_lives_from_create_to_remove);
    RUN(the_thread_stays_where_it_is);
    return finish();
}
