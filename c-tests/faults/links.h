/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Interfaces, addresses, routes and ids. */
#ifndef NETNS_FAULTS_LINKS_H
#define NETNS_FAULTS_LINKS_H

#include "../links.h"
#include "scenario.h"

/* The network before a call: a veth pair between blue and red, which is up and has an address. */
static void make_network(void)
{
    make_blue();
    make_red();
    MUST(netns_veth_add(blue, "veth", red, "peer"));
    MUST(netns_link_up(blue, "lo"));
    MUST(netns_link_up(blue, "veth"));
    MUST(netns_link_up(red, "peer"));
    MUST(netns_addr_add_flags(blue, "veth", "192.0.2.1/24", 0));
}

/* New handles without a connection to the kernel, so that the call opens it. */
static void make_network_anew(void)
{
    struct netns *again = NULL;

    make_network();
    MUST(netns_open_fd(netns_fd(blue), &again));
    netns_close(blue);
    blue = again;
    MUST(netns_open_fd(netns_fd(red), &again));
    netns_close(red);
    red = again;
}

static void make_port(void)
{
    make_network();
    MUST(netns_link_add(blue, "bridge", "bridge"));
    MUST(netns_link_add(blue, "other", "bridge"));
    MUST(netns_link_set_master(blue, "veth", "other"));
}

static void make_route(void)
{
    make_network();
    MUST(netns_route_add(blue, "198.51.100.0/24", "192.0.2.9", NULL));
}

/* --- the calls, and checks of their effects --------------------------------------------------- */

static long long add_link(void)
{
    return netns_link_add(blue, "new", "bridge");
}

static void check_new(bool done)
{
    WANT(has_device(blue, "new") == done);
}

static long long add_veth(void)
{
    return netns_veth_add(blue, "new", red, "newer");
}

static void check_both_ends(bool done)
{
    WANT(has_device(blue, "new") == done);
    WANT(has_device(red, "newer") == done);
}

static long long add_macvlan(void)
{
    return netns_macvlan_add(red, "new", blue, "veth", "bridge");
}

static long long add_vlan(void)
{
    return netns_vlan_add(red, "new", blue, "veth", 7);
}

static void check_new_in_red(bool done)
{
    WANT(has_device(red, "new") == done);
}

static long long delete_link(void)
{
    return netns_link_del(blue, "veth");
}

static void check_deleted(bool done)
{
    WANT(has_device(blue, "veth") != done);
}

static long long take_down(void)
{
    return netns_link_down(blue, "veth");
}

static void check_down(bool done)
{
    WANT(is_up(blue, "veth") != done);
}

static void make_network_down(void)
{
    make_network_anew();
    MUST(netns_link_down(blue, "veth"));
}

static long long bring_up(void)
{
    return netns_link_up(blue, "veth");
}

static void check_up(bool done)
{
    WANT(is_up(blue, "veth") == done);
}

static long long set_mtu(void)
{
    return netns_link_set_mtu(blue, "veth", 1400);
}

static void check_mtu(bool done)
{
    WANT((mtu_of(blue, "veth") == 1400) == done);
}

static long long set_address(void)
{
    return netns_link_set_address(blue, "veth", "02:00:5e:10:00:01");
}

static void check_address(bool done)
{
    WANT((strcmp(lladdr_of(blue, "veth"), "02:00:5e:10:00:01") == 0) == done);
}

static long long set_master(void)
{
    return netns_link_set_master(blue, "veth", "bridge");
}

static void check_master(bool done)
{
    struct netns_link_snapshot *links = NULL;
    unsigned bridge, other, master;

    WANT(netns_link_list(blue, 0, &links) == 0);
    bridge = netns_link_list_index(links, find_device(links, "bridge"));
    other = netns_link_list_index(links, find_device(links, "other"));
    master = netns_link_list_master(links, find_device(links, "veth"));
    WANT(master == (done ? bridge : other));
    netns_link_list_free(links);
}

static long long move_link(void)
{
    return netns_link_move(blue, "veth", red, NULL);
}

static long long move_and_rename(void)
{
    return netns_link_move(blue, "veth", red, "moved");
}

static void check_moved(bool done)
{
    WANT(has_device(blue, "veth") != done);
    WANT(has_device(red, "veth") == done);
}

static void check_renamed(bool done)
{
    WANT(has_device(blue, "veth") != done);
    WANT(has_device(red, "moved") == done);
    WANT(!has_device(red, "veth"));
}

static long long list_links(void)
{
    return netns_link_list(blue, 0, &received.links);
}

static void check_links(bool done)
{
    if (!done)
        return;
    WANT(find_device(received.links, "veth") < netns_link_list_len(received.links));
    WANT(find_device(received.links, "lo") < netns_link_list_len(received.links));
    netns_link_list_free(received.links);
}

static long long add_address(void)
{
    return netns_addr_add(blue, "veth", "203.0.113.1/24");
}

static long long add_address_without_check(void)
{
    return netns_addr_add_flags(blue, "veth", "203.0.113.1/24", NETNS_ADDR_NODAD);
}

static bool has_address(const char *address)
{
    struct netns_addr_snapshot *list = NULL;
    bool has = false;

    WANT(netns_addr_list(blue, 0, &list) == 0);
    for (size_t i = 0; i < netns_addr_list_len(list); i++)
        has |= strcmp(netns_addr_list_address(list, i), address) == 0;
    netns_addr_list_free(list);
    return has;
}

static void check_address_added(bool done)
{
    WANT(has_address("203.0.113.1") == done);
}

static long long delete_address(void)
{
    return netns_addr_del(blue, "veth", "192.0.2.1/24");
}

static void check_address_deleted(bool done)
{
    WANT(has_address("192.0.2.1") != done);
}

static long long list_addresses(void)
{
    return netns_addr_list(blue, 0, &received.addresses);
}

static void check_addresses(bool done)
{
    bool has = false;

    if (!done)
        return;
    for (size_t i = 0; i < netns_addr_list_len(received.addresses); i++) {
        has |= strcmp(netns_addr_list_address(received.addresses, i), "192.0.2.1") == 0;
        WANT(netns_addr_list_ifname(received.addresses, i) != NULL);
    }
    WANT(has);
    netns_addr_list_free(received.addresses);
}

static long long add_route(void)
{
    return netns_route_add(blue, "198.51.100.0/24", "192.0.2.9", "veth");
}

static bool has_route(void)
{
    struct netns_route_snapshot *list = NULL;
    bool has = false;

    WANT(netns_route_list(blue, 0, &list) == 0);
    for (size_t i = 0; i < netns_route_list_len(list); i++)
        has |= strcmp(netns_route_list_dst(list, i), "198.51.100.0/24") == 0;
    netns_route_list_free(list);
    return has;
}

static void check_route_added(bool done)
{
    WANT(has_route() == done);
}

static long long delete_route(void)
{
    return netns_route_del(blue, "198.51.100.0/24", NULL, "veth");
}

static void check_route_deleted(bool done)
{
    WANT(has_route() != done);
}

static long long list_routes(void)
{
    return netns_route_list(blue, 0, &received.routes);
}

static void check_routes(bool done)
{
    bool has = false;

    if (!done)
        return;
    for (size_t i = 0; i < netns_route_list_len(received.routes); i++)
        has |= strcmp(netns_route_list_dst(received.routes, i), "198.51.100.0/24") == 0;
    WANT(has);
    netns_route_list_free(received.routes);
}

/* --- nsids ------------------------------------------------------------------------------------ */

static void make_id(void)
{
    make_two();
    MUST(netns_nsid_set(blue, red, 7));
    MUST(netns_nsid_set(blue, blue, 8));
}

static long long get_id(void)
{
    return netns_nsid_get(blue, red);
}

static void check_id(bool done)
{
    if (done)
        WANT(rc == 7);
}

static long long set_id(void)
{
    return netns_nsid_set(blue, red, 7);
}

static void check_id_set(bool done)
{
    WANT(netns_nsid_get(blue, red) == (done ? 7 : -ENODATA));
}

static long long set_any_id(void)
{
    return netns_nsid_set(blue, red, NETNS_NSID_AUTO);
}

static void check_any_id_set(bool done)
{
    WANT(netns_nsid_get(blue, red) == (done ? rc : -ENODATA));
}

static long long ensure_id(void)
{
    return netns_nsid_ensure(blue, red);
}

static long long list_ids(void)
{
    return netns_nsid_list(NULL, blue, NETNS_NSID_NONE, 0, &received.ids);
}

static void check_ids(bool done)
{
    const char *name;

    if (!done)
        return;
    WANT(netns_nsid_list_len(received.ids) == 2);
    name = netns_nsid_list_name(received.ids, 1);
    WANT(name && strcmp(name, "blue") == 0);
    netns_nsid_list_free(received.ids);
}

/* The first of its names is a symbolic link. */
static void make_id_and_link(void)
{
    make_id();
    MUST(symlink("blue", NETNS_RUN_DIR "/azure"));
}

static void check_ids_of_link(bool done)
{
    const char *name;

    if (!done)
        return;
    name = netns_nsid_list_name(received.ids, 1);
    WANT(name && strcmp(name, "azure") == 0);
    netns_nsid_list_free(received.ids);
}

static long long list_ids_of_target(void)
{
    return netns_nsid_list(NULL, blue, 8, 0, &received.ids);
}

/* The nsids in blue, queried from blue itself. */
static void check_ids_of_target(bool done)
{
    if (!done)
        return;
    WANT(netns_nsid_list_len(received.ids) == 2);
    WANT(netns_nsid_list_current(received.ids, 0) == 7);
    netns_nsid_list_free(received.ids);
}

/* --- in the calling thread's namespace, and without a way back -------------------------------- */

static void go_to_blue(void)
{
    MUST(netns_setns(blue));
}

static long long add_link_here(void)
{
    return netns_link_add(NULL, "new", "bridge");
}

static long long add_veth_here(void)
{
    return netns_veth_add(NULL, "new", NULL, "newer");
}

static long long list_links_here(void)
{
    return netns_link_list(NULL, 0, &received.links);
}

static void check_pair_here(bool done)
{
    WANT(has_device(NULL, "new") == done);
    WANT(has_device(NULL, "newer") == done);
}

static long long add_route_of_ipv6(void)
{
    return netns_route_add(blue, "2001:db8:7::/48", NULL, "veth");
}

static long long list_every_route(void)
{
    return netns_route_list(blue, NETNS_ROUTE_LIST_ALL_TABLES, &received.routes);
}

/* --- read-only functions ---------------------------------------------------------------------- */

static void make_lists(void)
{
    make_route();
    MUST(netns_list(0, &received.list));
    MUST(netns_nsid_list(NULL, blue, NETNS_NSID_NONE, 0, &received.ids));
    MUST(netns_link_list(blue, 0, &received.links));
    MUST(netns_addr_list(blue, 0, &received.addresses));
    MUST(netns_route_list(blue, 0, &received.routes));
}

static bool read_handle(void)
{
    return netns_fd(blue) >= 0 && netns_name(blue) && netns_path(blue) && netns_inode(blue) &&
           !netns_equal(blue, red) && netns_version() && netns_errmsg();
}

static bool read_names_and_ids(void)
{
    return netns_list_len(received.list) == 1 && netns_list_name(received.list, 0) &&
           netns_list_inode(received.list, 0) == netns_inode(blue) &&
           netns_nsid_list_len(received.ids) > 0 && netns_nsid_list_id(received.ids, 0) >= 0 &&
           netns_nsid_list_current(received.ids, 0) == NETNS_NSID_NONE &&
           netns_nsid_list_name(received.ids, 99) == NULL;
}

static bool read_links(void)
{
    const struct netns_link_snapshot *list = received.links;
    size_t i = find_device(list, "veth");

    return netns_link_list_len(list) > 1 && netns_link_list_name(list, i) &&
           netns_link_list_index(list, i) && netns_link_list_kind(list, i) &&
           netns_link_list_mtu(list, i) && netns_link_list_flags(list, i) &&
           netns_link_list_state(list, i) && netns_link_list_address(list, i) &&
           netns_link_list_master(list, i) == 0 && netns_link_list_peer(list, i) &&
           netns_link_list_peer_nsid(list, i) >= 0;
}

static bool read_addresses(void)
{
    const struct netns_addr_snapshot *list = received.addresses;
    size_t i = 0;

    while (i < netns_addr_list_len(list) && strcmp(netns_addr_list_address(list, i), "192.0.2.1"))
        i++;
    return netns_addr_list_prefix(list, i) == 24 && netns_addr_list_family(list, i) == AF_INET &&
           netns_addr_list_index(list, i) && netns_addr_list_ifname(list, i) &&
           netns_addr_list_scope(list, i) == RT_SCOPE_UNIVERSE && netns_addr_list_label(list, i) &&
           netns_addr_list_flags(list, i) && !netns_addr_list_peer(list, i) &&
           !netns_addr_list_broadcast(list, 99);
}

static bool read_routes(void)
{
    const struct netns_route_snapshot *list = received.routes;
    size_t i = 0;

    while (i < netns_route_list_len(list) && !netns_route_list_via(list, i))
        i++;
    return netns_route_list_dst(list, i) && netns_route_list_family(list, i) == AF_INET &&
           netns_route_list_index(list, i) && netns_route_list_ifname(list, i) &&
           netns_route_list_metric(list, i) == 0 &&
           netns_route_list_table(list, i) == RT_TABLE_MAIN && netns_route_list_protocol(list, i) &&
           netns_route_list_scope(list, i) == RT_SCOPE_UNIVERSE &&
           netns_route_list_type(list, i) == RTN_UNICAST;
}

static long long read_everything(void)
{
    bool as_it_is = read_handle() && read_names_and_ids() && read_links() && read_addresses() &&
                    read_routes();

    netns_list_free(received.list);
    netns_nsid_list_free(received.ids);
    netns_link_list_free(received.links);
    netns_addr_list_free(received.addresses);
    netns_route_list_free(received.routes);
    return as_it_is ? 0 : -EIO;
}

static const struct scenario link_scenarios[] = {
    {"netns_fd", "and all the other functions that only read", MAKES_NO_CALL, make_lists, NULL,
     read_everything, NULL},
    {"netns_link_add", "", 0, make_network, NULL, add_link, check_new},
    {"netns_link_add", "here", 0, make_network, go_to_blue, add_link_here, check_new},
    {"netns_link_add", "rootless", ROOTLESS, make_network_anew, NULL, add_link, check_new},
    {"netns_link_add", "the handle's first request", 0, make_network_anew, NULL, add_link,
     check_new},
    {"netns_veth_add", "", 0, make_network_anew, NULL, add_veth, check_both_ends},
    {"netns_veth_add", "here", 0, make_network, go_to_blue, add_veth_here, check_pair_here},
    {"netns_macvlan_add", "", 0, make_network_anew, NULL, add_macvlan, check_new_in_red},
    {"netns_vlan_add", "", 0, make_network_anew, NULL, add_vlan, check_new_in_red},
    {"netns_link_del", "", 0, make_network_anew, NULL, delete_link, check_deleted},
    {"netns_link_up", "", 0, make_network_down, NULL, bring_up, check_up},
    {"netns_link_down", "", 0, make_network_anew, NULL, take_down, check_down},
    {"netns_link_set_mtu", "", 0, make_network_anew, NULL, set_mtu, check_mtu},
    {"netns_link_set_address", "", 0, make_network_anew, NULL, set_address, check_address},
    {"netns_link_set_master", "", 0, make_port, NULL, set_master, check_master},
    {"netns_link_move", "", 0, make_network_anew, NULL, move_link, check_moved},
    {"netns_link_move", "with a new name", 0, make_network_anew, NULL, move_and_rename,
     check_renamed},
    {"netns_link_list", "", 0, make_network_anew, NULL, list_links, check_links},
    {"netns_link_list", "here", 0, make_network, go_to_blue, list_links_here, check_links},
    {"netns_addr_add", "", 0, make_network_anew, NULL, add_address, check_address_added},
    {"netns_addr_add_flags", "", 0, make_network, NULL, add_address_without_check,
     check_address_added},
    {"netns_addr_del", "", 0, make_network_anew, NULL, delete_address, check_address_deleted},
    {"netns_addr_list", "", 0, make_network_anew, NULL, list_addresses, check_addresses},
    {"netns_route_add", "", 0, make_network_anew, NULL, add_route, check_route_added},
    {"netns_route_add", "of IPv6", 0, make_network_anew, NULL, add_route_of_ipv6, NULL},
    {"netns_route_del", "", 0, make_route, NULL, delete_route, check_route_deleted},
    {"netns_route_list", "", 0, make_route, NULL, list_routes, check_routes},
    {"netns_route_list", "of every table", 0, make_route, NULL, list_every_route, check_routes},
    {"netns_nsid_get", "", 0, make_id, NULL, get_id, check_id},
    {"netns_nsid_set", "", 0, make_two, NULL, set_id, check_id_set},
    {"netns_nsid_set", "any", 0, make_two, NULL, set_any_id, check_any_id_set},
    {"netns_nsid_ensure", "it has", 0, make_id, NULL, ensure_id, check_id},
    {"netns_nsid_ensure", "it gets", 0, make_two, NULL, ensure_id, check_any_id_set},
    {"netns_nsid_list", "", 0, make_id, NULL, list_ids, check_ids},
    {"netns_nsid_list", "of a symlink", 0, make_id_and_link, NULL, list_ids, check_ids_of_link},
    {"netns_nsid_list", "of a target", 0, make_id, NULL, list_ids_of_target, check_ids_of_target},
};

#endif
