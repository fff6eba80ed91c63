/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Interfaces: created, changed, deleted and listed. */
#include "links.h"
#include "mover.h"

#include <linux/if.h>

#define MANY 1000
#define ROUNDS 200

static const char ADDRESS[] = "02:00:5e:10:00:01";

/* --- single interfaces ----------------------------------------------------------------------------- */

static void link_add_creates_interface_in_given_namespace(void)
{
    static const char *const kinds[] = {"bridge", "ifb"};
    struct netns *blue = NULL, *red = NULL;
    struct netns_link_snapshot *list = NULL;
    size_t i;

    leave_the_host();
    OK(netns_create("blue", 0, &blue));
    OK(netns_create("red", 0, &red));
    for (int k = 0; k < 2; k++) {
        need_kind(kinds[k]);
        OK(netns_link_add(blue, "d0", kinds[k]));
        CHECK(has_device(blue, "d0"));
        CHECK(!has_device(red, "d0"));
        CHECK(!has_device(NULL, "d0"));
        CHECK(!is_up(blue, "d0"));
        OK(netns_link_list(blue, 0, &list));
        i = find_device(list, "d0");
        SAME(netns_link_list_kind(list, i), kinds[k]);
        EQUAL(netns_link_list_index(list, i), index_of(blue, "d0"));
        netns_link_list_free(list);
        OK(netns_link_del(blue, "d0"));
        CHECK(!has_device(blue, "d0"));
    }
    OK(netns_link_add(NULL, "d0", "bridge"));
    CHECK(has_device(NULL, "d0"));
    EQUAL(devices_in(blue), 1);
    OK(netns_link_del(NULL, "d0"));
    close_pair(blue, red);
}

static void link_add_message_names_unsupported_kind(void)
{
    struct netns *ns = NULL;
    int rc;

    OK(netns_create("blue", 0, &ns));
    FAILS(EOPNOTSUPP, netns_link_add(ns, "d0", "nosuchkind"));
    MESSAGE_HAS("\"nosuchkind\"");
    MESSAGE_HAS("\"d0\"");
    MESSAGE_HAS("\"blue\"");
    MESSAGE_HAS("create the interface");
    rc = netns_link_add(ns, "d0", "dummy");
    if (rc < 0) {
        EQUAL(rc, -EOPNOTSUPP);
        MESSAGE_HAS("\"dummy\"");
    }
    EQUAL(has_device(ns, "d0"), rc == 0);
    netns_close(ns);
}

static void link_add_rejects_kinds_that_need_parameters(void)
{
    static const char *const kinds[][2] = {{"veth", "(a veth interface must be created as a pair"},
                                           {"macvlan", "(a macvlan must be created on a parent"},
                                           {"vlan", "(a VLAN must be created on a parent"}};
    struct netns *ns = NULL;
    int rc;

    OK(netns_create("blue", 0, &ns));
    for (int k = 0; k < 3; k++) {
        FAILS(EINVAL, netns_link_add(ns, "d0", kinds[k][0]));
        MESSAGE_HAS(kinds[k][1]);
    }
    /* A kind that needs parameters, if the kernel supports it. */
    rc = netns_link_add(ns, "d0", "vxlan");
    CHECK(rc == -EINVAL || rc == -EOPNOTSUPP);
    MESSAGE_HAS("\"vxlan\"");
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

static void link_add_message_does_not_call_tun_unsupported(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    FAILS(EOPNOTSUPP, netns_link_add(ns, "d0", "tun"));
    if (strstr(netns_errmsg(), "tun/tap creation"))
        MESSAGE_LACKS("does not support this kind");
    else
        printf("# no tun\n");
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

static void link_add_rejects_invalid_kind_strings(void)
{
    char kind[57] = "";
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    FAILS(EINVAL, netns_link_add(ns, "d0", NULL));
    MESSAGE_HAS("no kind given");
    FAILS(EINVAL, netns_link_add(ns, "d0", ""));
    memset(kind, 'k', 56);
    FAILS(EINVAL, netns_link_add(ns, "d0", kind));
    kind[55] = '\0';
    FAILS(EOPNOTSUPP, netns_link_add(ns, "d0", kind));
    MESSAGE_HAS(kind);
    FAILS(EOPNOTSUPP, netns_link_add(ns, "d0", "bri dge"));
    FAILS(EOPNOTSUPP, netns_link_add(ns, "d0", "bridge\n"));
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

static void link_add_of_existing_name_fails_with_eexist(void)
{
    struct netns *ns = NULL;

    need_kind("bridge");
    OK(netns_create("blue", 0, &ns));
    OK(netns_link_add(ns, "d0", "bridge"));
    FAILS(EEXIST, netns_link_add(ns, "d0", "bridge"));
    MESSAGE_HAS("\"d0\"");
    FAILS(EEXIST, netns_link_add(ns, "lo", "bridge"));
    EQUAL(devices_in(ns), 2);
    netns_close(ns);
}

/* --- names -------------------------------------------------------------------------------------- */

static void interface_calls_reject_invalid_names(void)
{
    struct netns *ns = NULL;

    leave_the_host();
    need_kind("bridge");
    OK(netns_create("blue", 0, &ns));
    OK(netns_link_add(ns, "a", "bridge"));
    REFUSES_BAD_NAMES(name, netns_link_add(ns, name, "bridge"));
    REFUSES_BAD_NAMES(name, netns_link_add(NULL, name, "bridge"));
    REFUSES_BAD_NAMES(name, netns_veth_add(ns, name, ns, "v1"));
    REFUSES_BAD_NAMES(name, netns_veth_add(ns, "v0", ns, name));
    REFUSES_BAD_NAMES(name, netns_veth_add(NULL, "v0", NULL, name));
    REFUSES_BAD_NAMES(name, netns_macvlan_add(ns, name, ns, "a", NULL));
    REFUSES_BAD_NAMES(name, netns_macvlan_add(ns, "m0", ns, name, NULL));
    REFUSES_BAD_NAMES(name, netns_vlan_add(ns, name, ns, "a", 7));
    REFUSES_BAD_NAMES(name, netns_vlan_add(ns, "vlan7", ns, name, 7));
    REFUSES_BAD_NAMES(name, netns_link_del(ns, name));
    REFUSES_BAD_NAMES(name, netns_link_up(ns, name));
    REFUSES_BAD_NAMES(name, netns_link_down(ns, name));
    REFUSES_BAD_NAMES(name, netns_link_set_mtu(ns, name, 1400));
    REFUSES_BAD_NAMES(name, netns_link_set_address(ns, name, ADDRESS));
    REFUSES_BAD_NAMES(name, netns_link_set_master(ns, name, "a"));
    FAILS(EINVAL, netns_link_set_master(ns, "a", ""));
    FAILS(EINVAL, netns_link_set_master(ns, "a", "a/b"));
    FAILS(ENAMETOOLONG, netns_link_set_master(ns, "a", TOO_LONG_IFNAME));
    EQUAL(devices_in(ns), 2);
    EQUAL(devices_in(NULL), 1);
    netns_close(ns);
}

static void interface_calls_accept_unusual_and_longest_names(void)
{
    static const char *const good[] = {"a", LONGEST_IFNAME, "...", "-", "a\"b", "eth0.7",
                                       "\xc3\xa4\xc3\xb6", "\x7f\x01"};
    struct netns *ns = NULL;

    need_kind("bridge");
    OK(netns_create("blue", 0, &ns));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        OK(netns_link_add(ns, good[i], "bridge"));
        CHECK(has_device(ns, good[i]));
        OK(netns_link_up(ns, good[i]));
        CHECK(is_up(ns, good[i]));
        OK(netns_link_del(ns, good[i]));
    }
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

static void missing_interface_fails_with_enodev(void)
{
    struct netns *ns = NULL;

    need_kind("bridge");
    OK(netns_create("blue", 0, &ns));
    OK(netns_link_add(ns, "br0", "bridge"));
    FAILS(ENODEV, netns_link_del(ns, "nosuch"));
    MESSAGE_HAS("\"nosuch\"");
    MESSAGE_HAS("no interface with this name");
    FAILS(ENODEV, netns_link_up(ns, "nosuch"));
    FAILS(ENODEV, netns_link_down(ns, "nosuch"));
    FAILS(ENODEV, netns_link_set_mtu(ns, "nosuch", 1400));
    FAILS(ENODEV, netns_link_set_address(ns, "nosuch", ADDRESS));
    FAILS(ENODEV, netns_link_set_master(ns, "nosuch", "br0"));
    FAILS(ENODEV, netns_link_set_master(ns, "nosuch", NULL));
    FAILS(ENODEV, netns_link_set_master(ns, "br0", "nosuch"));
    MESSAGE_HAS("\"nosuch\"");
    FAILS(ENODEV, netns_macvlan_add(ns, "m0", ns, "nosuch", NULL));
    MESSAGE_HAS("\"nosuch\"");
    FAILS(ENODEV, netns_vlan_add(ns, "vlan7", ns, "nosuch", 7));
    MESSAGE_HAS("\"nosuch\"");
    EQUAL(devices_in(ns), 2);
    netns_close(ns);
}

/* --- pairs -------------------------------------------------------------------------------------- */

/* Checks that v0 and v1 in these two namespaces are each other's peer. */
static void check_pair(const struct netns *blue, const struct netns *red)
{
    struct netns_link_snapshot *list = NULL;
    size_t i;

    OK(netns_link_list(blue, 0, &list));
    i = find_device(list, "v0");
    SAME(netns_link_list_kind(list, i), "veth");
    EQUAL(netns_link_list_peer(list, i), index_of(red, "v1"));
    if (blue == red)
        EQUAL(netns_link_list_peer_nsid(list, i), -1);
    else
        CHECK(netns_link_list_peer_nsid(list, i) >= 0);
    netns_link_list_free(list);
    OK(netns_link_list(red, 0, &list));
    i = find_device(list, "v1");
    SAME(netns_link_list_kind(list, i), "veth");
    EQUAL(netns_link_list_peer(list, i), index_of(blue, "v0"));
    netns_link_list_free(list);
}

static void veth_add_creates_each_end_in_its_namespace(void)
{
    struct netns *blue = NULL, *red = NULL;
    const struct netns *places[3];

    leave_the_host();
    need_veth();
    OK(netns_create("blue", 0, &blue));
    OK(netns_create("red", 0, &red));
    places[0] = NULL, places[1] = blue, places[2] = red;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            OK(netns_veth_add(places[a], "v0", places[b], "v1"));
            check_pair(places[a], places[b]);
            for (int i = 0; i < 3; i++) {
                EQUAL(has_device(places[i], "v0"), i == a);
                EQUAL(has_device(places[i], "v1"), i == b);
            }
            /* Whichever end is deleted, its peer is deleted too. */
            if (a < b)
                OK(netns_link_del(places[a], "v0"));
            else
                OK(netns_link_del(places[b], "v1"));
            for (int i = 0; i < 3; i++)
                EQUAL(devices_in(places[i]), 1);
        }
    close_pair(blue, red);
}

static void veth_ends_in_two_namespaces_may_share_a_name(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_veth();
    OK(netns_create("blue", 0, &blue));
    OK(netns_create("red", 0, &red));
    OK(netns_veth_add(blue, LONGEST_IFNAME, red, LONGEST_IFNAME));
    CHECK(has_device(blue, LONGEST_IFNAME));
    CHECK(has_device(red, LONGEST_IFNAME));
    FAILS(EEXIST, netns_veth_add(blue, "v0", blue, "v0"));
    EQUAL(devices_in(blue), 2);
    close_pair(blue, red);
}

static void failed_veth_add_creates_neither_end(void)
{
    struct netns *blue = NULL, *red = NULL;

    leave_the_host();
    make_pair(&blue, &red);
    FAILS(EEXIST, netns_veth_add(blue, "v0", red, "v2"));
    MESSAGE_HAS("\"v0\"");
    FAILS(EEXIST, netns_veth_add(blue, "v2", red, "v1"));
    MESSAGE_HAS("\"v1\"");
    FAILS(EEXIST, netns_veth_add(NULL, "v2", red, "v1"));
    FAILS(EEXIST, netns_veth_add(red, "v1", NULL, "v2"));
    FAILS(EEXIST, netns_veth_add(blue, "lo", red, "v2"));
    FAILS(EEXIST, netns_veth_add(blue, "v2", red, "lo"));
    FAILS(EINVAL, netns_veth_add(blue, "v2", red, "a/b"));
    FAILS(EINVAL, netns_veth_add(blue, "a/b", red, "v2"));
    FAILS(ENAMETOOLONG, netns_veth_add(blue, "v2", red, TOO_LONG_IFNAME));
    EQUAL(devices_in(blue), 2);
    EQUAL(devices_in(red), 2);
    EQUAL(devices_in(NULL), 1);
    check_pair(blue, red);
    close_pair(blue, red);
}

static void add_pairs_without_rights_over_one(void *arg)
{
    struct netns *theirs = arg, *ours = NULL;

    enter_user_namespace(CLONE_NEWNET);
    OK(netns_create(NULL, 0, &ours));
    FAILS(EPERM, netns_veth_add(ours, "v0", theirs, "v1"));
    MESSAGE_HAS("create the veth pair: Operation not permitted (needs CAP_NET_ADMIN over both namespaces)");
    FAILS(EPERM, netns_veth_add(NULL, "v0", theirs, "v1"));
    FAILS(EPERM, netns_veth_add(theirs, "v0", ours, "v1"));
    FAILS(EPERM, netns_veth_add(theirs, "v0", NULL, "v1"));
    EQUAL(devices_in(ours), 1);
    EQUAL(devices_in(NULL), 1);
    /* With privileges over both namespaces it works. */
    OK(netns_veth_add(ours, "v0", NULL, "v1"));
    check_pair(ours, NULL);
    netns_close(ours);
}

static void veth_add_needs_net_admin_over_both_namespaces(void)
{
    struct netns *ns = NULL;

    need_veth();
    OK(netns_create("blue", 0, &ns));
    IN_CHILD(add_pairs_without_rights_over_one, ns);
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

/* --- macvlans and VLANs ------------------------------------------------------------------------- */

static void macvlan_add_accepts_parent_in_another_namespace(void)
{
    static const char *const modes[] = {NULL, "private", "vepa", "bridge", "passthru"};
    struct netns *blue = NULL, *red = NULL;
    struct netns_link_snapshot *list = NULL;
    size_t i;
    int rc;

    need_macvlan();
    leave_the_host();
    make_pair(&blue, &red);
    for (int m = 0; m < 5; m++) {
        OK(netns_macvlan_add(red, "m0", blue, "v0", modes[m]));
        CHECK(has_device(red, "m0"));
        CHECK(!has_device(blue, "m0"));
        OK(netns_link_list(red, 0, &list));
        i = find_device(list, "m0");
        SAME(netns_link_list_kind(list, i), "macvlan");
        EQUAL(netns_link_list_peer(list, i), index_of(blue, "v0"));
        CHECK(netns_link_list_peer_nsid(list, i) >= 0);
        netns_link_list_free(list);
        OK(netns_link_del(red, "m0"));
    }
    OK(netns_macvlan_add(blue, "m0", blue, "v0", "bridge"));
    OK(netns_macvlan_add(NULL, "m1", blue, "v0", "bridge"));
    CHECK(has_device(NULL, "m1"));
    /* From Linux 6.15 on, a name in use in the parent's namespace is free in another namespace. */
    rc = netns_macvlan_add(red, "v0", blue, "v0", "bridge");
    CHECK(rc == 0 || (rc == -EEXIST && !kernel_is_at_least(6, 15)));
    EQUAL(has_device(red, "v0"), rc == 0);
    /* All of them are deleted with the parent. */
    OK(netns_link_del(blue, "v0"));
    CHECK(!has_device(blue, "m0") && !has_device(NULL, "m1") && !has_device(red, "v0"));
    close_pair(blue, red);
}

static void macvlan_add_rejects_unusable_name_parent_or_mode(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_macvlan();
    make_pair(&blue, &red);
    OK(netns_macvlan_add(blue, "m0", blue, "v0", "bridge"));
    FAILS(EEXIST, netns_macvlan_add(blue, "m0", blue, "v0", "bridge"));
    FAILS(EEXIST, netns_macvlan_add(red, "v1", blue, "v0", "bridge"));
    FAILS(ENODEV, netns_macvlan_add(red, "m1", blue, "v1", "bridge"));
    MESSAGE_HAS("\"v1\"");
    MESSAGE_HAS("(the parent's namespace has no interface with the parent's name)");
    FAILS(EINVAL, netns_macvlan_add(red, "m1", blue, "v0", "nosuch"));
    MESSAGE_HAS("must be private, vepa, bridge or passthru");
    FAILS(EINVAL, netns_macvlan_add(red, "m1", blue, "v0", ""));
    FAILS(EINVAL, netns_macvlan_add(red, "m1", blue, "lo", "bridge"));
    FAILS(EINVAL, netns_macvlan_add(red, "m1", blue, "v0", "passthru"));
    OK(netns_link_add(red, "br0", "bridge"));
    OK(netns_link_set_master(red, "v1", "br0"));
    FAILS(EBUSY, netns_macvlan_add(red, "m1", red, "v1", "bridge"));
    MESSAGE_HAS("\"v1\"");
    EQUAL(devices_in(red), 3);
    EQUAL(devices_in(blue), 3);
    close_pair(blue, red);
}

static void vlan_add_rejects_invalid_and_used_ids(void)
{
    struct netns *blue = NULL, *red = NULL;
    int rc;

    make_pair(&blue, &red);
    FAILS(EINVAL, netns_vlan_add(red, "vlan7", blue, "v0", 4095));
    MESSAGE_HAS("4094");
    FAILS(EINVAL, netns_vlan_add(red, "vlan7", blue, "v0", 65535));
    rc = netns_vlan_add(red, "vlan7", blue, "v0", 4094);
    if (rc < 0) {
        EQUAL(rc, -EOPNOTSUPP);
        MESSAGE_HAS("vlan");
        EQUAL(devices_in(red), 2);
    } else {
        CHECK(has_device(red, "vlan7"));
        FAILS(EEXIST, netns_vlan_add(red, "vlan7", blue, "v0", 7));
        FAILS(EEXIST, netns_vlan_add(red, "vlan8", blue, "v0", 4094));
        OK(netns_vlan_add(blue, "vlan0", blue, "v0", 0));
    }
    EQUAL(devices_in(blue), rc < 0 ? 2 : 3);
    close_pair(blue, red);
}

/* --- changes ------------------------------------------------------------------------------------ */

static void link_up_and_down_take_effect_and_are_idempotent(void)
{
    struct netns *ns = NULL;

    leave_the_host();
    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < 2; i++) {
        const struct netns *place = i ? NULL : ns;

        CHECK(!is_up(place, "lo"));
        OK(netns_link_up(place, "lo"));
        OK(netns_link_up(place, "lo"));
        CHECK(is_up(place, "lo"));
        OK(netns_link_down(place, "lo"));
        OK(netns_link_down(place, "lo"));
        CHECK(!is_up(place, "lo"));
    }
    netns_close(ns);
}

static void link_up_keeps_address_mtu_and_peer(void)
{
    struct netns *blue = NULL, *red = NULL;
    char before[18];

    make_pair(&blue, &red);
    snprintf(before, sizeof before, "%s", lladdr_of(blue, "v0"));
    OK(netns_link_set_mtu(blue, "v0", 1400));
    OK(netns_link_up(blue, "v0"));
    SAME(lladdr_of(blue, "v0"), before);
    EQUAL(mtu_of(blue, "v0"), 1400);
    CHECK(!is_up(red, "v1"));
    EQUAL(mtu_of(red, "v1"), 1500);
    close_pair(blue, red);
}

static void link_set_mtu_rejects_values_out_of_range(void)
{
    struct netns *blue = NULL, *red = NULL;

    make_pair(&blue, &red);
    OK(netns_link_set_mtu(blue, "v0", 68));
    EQUAL(mtu_of(blue, "v0"), 68);
    OK(netns_link_set_mtu(blue, "v0", 65535));
    EQUAL(mtu_of(blue, "v0"), 65535);
    FAILS(EINVAL, netns_link_set_mtu(blue, "v0", 67));
    /* The kernel's extended ack message. */
    MESSAGE_HAS("mtu less than device minimum");
    FAILS(EINVAL, netns_link_set_mtu(blue, "v0", 65536));
    MESSAGE_HAS("mtu greater than device maximum");
    FAILS(EINVAL, netns_link_set_mtu(blue, "v0", UINT32_MAX));
    FAILS(EINVAL, netns_link_set_mtu(blue, "v0", 0));
    EQUAL(mtu_of(blue, "v0"), 65535);
    close_pair(blue, red);
}

static void link_set_address_rejects_invalid_addresses(void)
{
    static const char *const bad[] = {"", ":", "02", "02:00", "02:00:5e:10:00", "02:00:5e:10:00:01:02",
                                      "02:00:5e:10:00:0g", "02-00-5e-10-00-01", "0200.5e10.0001",
                                      "02:00:5e:10:00:", "02:00:5e:10:00:001", " 02:00:5e:10:00:01",
                                      "02:00:5e:10:00:01\n"};
    struct netns *blue = NULL, *red = NULL;

    make_pair(&blue, &red);
    OK(netns_link_set_address(blue, "v0", ADDRESS));
    SAME(lladdr_of(blue, "v0"), ADDRESS);
    OK(netns_link_set_address(blue, "v0", "2:0:5E:10:0:2"));
    SAME(lladdr_of(blue, "v0"), "02:00:5e:10:00:02");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(EINVAL, netns_link_set_address(blue, "v0", bad[i]));
    FAILS(EINVAL, netns_link_set_address(blue, "v0", "02:00:5e:10:00:zz"));
    MESSAGE_HAS("02:00:5e:10:00:zz");
    FAILS(EINVAL, netns_link_set_address(blue, "v0", NULL));
    MESSAGE_HAS("no address given");
    FAILS(EADDRNOTAVAIL, netns_link_set_address(blue, "v0", "03:00:5e:10:00:01"));
    FAILS(EADDRNOTAVAIL, netns_link_set_address(blue, "v0", "ff:ff:ff:ff:ff:ff"));
    FAILS(EADDRNOTAVAIL, netns_link_set_address(blue, "v0", "00:00:00:00:00:00"));
    SAME(lladdr_of(blue, "v0"), "02:00:5e:10:00:02");
    /* A veth need not be down for this. */
    OK(netns_link_up(blue, "v0"));
    OK(netns_link_set_address(blue, "v0", ADDRESS));
    SAME(lladdr_of(blue, "v0"), ADDRESS);
    if (netns_link_add(blue, "ifb0", "ifb") == 0)
        FAILS(EOPNOTSUPP, netns_link_set_address(blue, "ifb0", ADDRESS));
    close_pair(blue, red);
}

static void macvlans_of_one_parent_cannot_share_an_address(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_macvlan();
    make_pair(&blue, &red);
    OK(netns_macvlan_add(blue, "m0", blue, "v0", "bridge"));
    OK(netns_macvlan_add(red, "m1", blue, "v0", "bridge"));
    OK(netns_link_up(blue, "v0"));
    OK(netns_link_up(blue, "m0"));
    OK(netns_link_up(red, "m1"));
    OK(netns_link_set_address(blue, "m0", ADDRESS));
    FAILS(EADDRINUSE, netns_link_set_address(red, "m1", ADDRESS));
    CHECK(strcmp(lladdr_of(red, "m1"), ADDRESS) != 0);
    close_pair(blue, red);
}

/* The name of an interface's master, in a buffer that the next call overwrites; "": none. */
static const char *master_of(const struct netns *ns, const char *ifname)
{
    static char name[16];
    struct netns_link_snapshot *list = NULL;
    uint32_t master;

    name[0] = '\0';
    OK(netns_link_list(ns, 0, &list));
    master = netns_link_list_master(list, find_device(list, ifname));
    for (size_t i = 0; master && i < netns_link_list_len(list); i++)
        if (netns_link_list_index(list, i) == master)
            snprintf(name, sizeof name, "%s", netns_link_list_name(list, i));
    netns_link_list_free(list);
    return name;
}

static void link_set_master_sets_replaces_and_clears_master(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_kind("bridge");
    make_pair(&blue, &red);
    OK(netns_link_add(blue, "br0", "bridge"));
    OK(netns_link_add(blue, "br1", "bridge"));
    SAME(master_of(blue, "v0"), "");
    OK(netns_link_set_master(blue, "v0", NULL));
    OK(netns_link_set_master(blue, "v0", "br0"));
    SAME(master_of(blue, "v0"), "br0");
    OK(netns_link_set_master(blue, "v0", "br0"));
    OK(netns_link_set_master(blue, "v0", "br1"));
    SAME(master_of(blue, "v0"), "br1");
    OK(netns_link_set_master(blue, "v0", NULL));
    SAME(master_of(blue, "v0"), "");
    close_pair(blue, red);
}

static void failed_link_set_master_keeps_old_master(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_kind("bridge");
    make_pair(&blue, &red);
    OK(netns_link_add(blue, "br0", "bridge"));
    OK(netns_link_add(blue, "br1", "bridge"));
    OK(netns_link_set_master(blue, "v0", "br0"));
    FAILS(EOPNOTSUPP, netns_link_set_master(blue, "v0", "lo"));
    SAME(master_of(blue, "v0"), "br0");
    FAILS(EOPNOTSUPP, netns_link_set_master(blue, "v0", "v0"));
    SAME(master_of(blue, "v0"), "br0");
    FAILS(ENODEV, netns_link_set_master(blue, "v0", "nosuch"));
    MESSAGE_HAS("(the namespace has no interface with the master's name)");
    SAME(master_of(blue, "v0"), "br0");
    /* The master must be in the same namespace. */
    OK(netns_link_add(red, "br2", "bridge"));
    FAILS(ENODEV, netns_link_set_master(blue, "v0", "br2"));
    FAILS(EINVAL, netns_link_set_master(blue, "lo", "br0"));
    FAILS(ELOOP, netns_link_set_master(blue, "br1", "br0"));
    MESSAGE_HAS("Can not enslave a bridge to a bridge");
    FAILS(ELOOP, netns_link_set_master(blue, "br0", "br0"));
    SAME(master_of(blue, "br1"), "");
    if (netns_macvlan_add(red, "m0", red, "v1", "bridge") == 0)
        FAILS(EBUSY, netns_link_set_master(red, "v1", "br2"));
    close_pair(blue, red);
}

static void link_del_of_lo_fails_with_eopnotsupp(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    FAILS(EOPNOTSUPP, netns_link_del(ns, "lo"));
    CHECK(has_device(ns, "lo"));
    netns_close(ns);
}

/* --- the list ----------------------------------------------------------------------------------- */

static void link_list_reports_interface_attributes(void)
{
    struct netns *blue = NULL, *red = NULL;
    struct netns_link_snapshot *list = NULL;
    struct ifreq answer;
    size_t i;
    /* The flags returned by ioctl(2), without those that the kernel sets some time after a change. */
    const unsigned settled = 0x7fff & ~IFF_RUNNING;

    need_kind("bridge");
    make_pair(&blue, &red);
    OK(netns_link_add(blue, "br0", "bridge"));
    OK(netns_link_set_master(blue, "v0", "br0"));
    OK(netns_link_set_address(blue, "v0", ADDRESS));
    OK(netns_link_set_mtu(blue, "v0", 1400));
    OK(netns_link_up(blue, "v0"));
    OK(netns_link_list(blue, 0, &list));
    EQUAL(netns_link_list_len(list), 3);
    for (i = 0; i < 3; i++) {
        const char *name = netns_link_list_name(list, i);

        EQUAL(netns_link_list_index(list, i), index_of(blue, name));
        EQUAL(netns_link_list_mtu(list, i), mtu_of(blue, name));
        SAME(netns_link_list_address(list, i), lladdr_of(blue, name));
        CHECK(ask_device(blue, name, SIOCGIFFLAGS, &answer));
        EQUAL(netns_link_list_flags(list, i) & settled, answer.ifr_flags & settled);
        CHECK(i == 0 || netns_link_list_index(list, i - 1) < netns_link_list_index(list, i));
    }
    i = find_device(list, "lo");
    SAME(netns_link_list_kind(list, i), NULL);
    SAME(netns_link_list_state(list, i), "down");
    SAME(netns_link_list_address(list, i), "00:00:00:00:00:00");
    EQUAL(netns_link_list_flags(list, i), IFF_LOOPBACK);
    EQUAL(netns_link_list_mtu(list, i), 65536);
    EQUAL(netns_link_list_peer(list, i), 0);
    EQUAL(netns_link_list_peer_nsid(list, i), -1);
    i = find_device(list, "v0");
    SAME(netns_link_list_kind(list, i), "veth");
    SAME(netns_link_list_address(list, i), ADDRESS);
    EQUAL(netns_link_list_mtu(list, i), 1400);
    EQUAL(netns_link_list_master(list, i), index_of(blue, "br0"));
    i = find_device(list, "br0");
    SAME(netns_link_list_kind(list, i), "bridge");
    EQUAL(netns_link_list_master(list, i), 0);
    netns_link_list_free(list);
    /* The list is a snapshot. */
    OK(netns_link_list(blue, 0, &list));
    OK(netns_link_del(blue, "v0"));
    EQUAL(netns_link_list_len(list), 3);
    SAME(netns_link_list_name(list, find_device(list, "v0")), "v0");
    netns_link_list_free(list);
    OK(netns_link_list(blue, 0, &list));
    EQUAL(netns_link_list_len(list), 2);
    netns_link_list_free(list);
    close_pair(blue, red);
}

static void link_list_reports_connected_veth_as_up(void)
{
    struct netns *blue = NULL, *red = NULL;
    struct netns_link_snapshot *list = NULL;
    size_t i;
    bool up = false;

    make_connected_pair(&blue, &red);
    /* The carrier is reported with a delay. */
    for (int tries = 0; tries < 500 && !up; tries++) {
        OK(netns_link_list(blue, 0, &list));
        i = find_device(list, "v0");
        up = strcmp(netns_link_list_state(list, i), "up") == 0;
        if (up) {
            CHECK(netns_link_list_flags(list, i) & IFF_UP);
            CHECK(netns_link_list_flags(list, i) & IFF_RUNNING);
        } else {
            sleep_ms(10);
        }
        netns_link_list_free(list);
    }
    CHECK(up);
    close_pair(blue, red);
}

static void check_past_the_end(const struct netns_link_snapshot *list, size_t i)
{
    SAME(netns_link_list_name(list, i), NULL);
    EQUAL(netns_link_list_index(list, i), 0);
    SAME(netns_link_list_kind(list, i), NULL);
    EQUAL(netns_link_list_mtu(list, i), 0);
    EQUAL(netns_link_list_flags(list, i), 0);
    SAME(netns_link_list_state(list, i), NULL);
    SAME(netns_link_list_address(list, i), NULL);
    EQUAL(netns_link_list_master(list, i), 0);
    EQUAL(netns_link_list_peer(list, i), 0);
    EQUAL(netns_link_list_peer_nsid(list, i), -1);
}

static void link_list_handles_invalid_flags_and_indices(void)
{
    struct netns_link_snapshot *list = (void *)&test_failures;
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    for (int bit = 0; bit < 32; bit++)
        FAILS(EINVAL, netns_link_list(ns, 1u << bit, &list));
    CHECK(list == (void *)&test_failures);
    FAILS(EINVAL, netns_link_list(ns, 0, NULL));
    OK(netns_link_list(ns, 0, &list));
    EQUAL(netns_link_list_len(list), 1);
    check_past_the_end(list, 1);
    check_past_the_end(list, SIZE_MAX);
    netns_link_list_free(list);
    EQUAL(netns_link_list_len(NULL), 0);
    check_past_the_end(NULL, 0);
    errno = ERRNO_UNTOUCHED;
    netns_link_list_free(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
    netns_close(ns);
}

static void link_list_reads_several_datagrams(void)
{
    struct netns *ns = NULL;
    struct netns_link_snapshot *list = NULL;
    int count = under_valgrind() ? MANY / 10 : MANY;
    char name[16];

    need_kind("ifb");
    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "many%d", i);
        OK(netns_link_add(ns, name, "ifb"));
    }
    OK(netns_link_list(ns, 0, &list));
    EQUAL(netns_link_list_len(list), count + 1);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "many%d", i);
        SAME(netns_link_list_name(list, i + 1), name);
        SAME(netns_link_list_kind(list, i + 1), "ifb");
        CHECK(netns_link_list_index(list, i) < netns_link_list_index(list, i + 1));
    }
    netns_link_list_free(list);
    netns_close(ns);
}

/* --- concurrent changes -------------------------------------------------------------------------- */

static void add_and_delete_another(const struct netns *ns, int i)
{
    char name[16];

    snprintf(name, sizeof name, "new%d", i % 7);
    OK(netns_link_add(ns, name, "ifb"));
    OK(netns_link_del(ns, name));
}

static int find_those_that_stay(const struct netns *ns, int staying)
{
    struct netns_link_snapshot *list = NULL;
    int found = 0, rc = netns_link_list(ns, 0, &list);
    char name[16];

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < netns_link_list_len(list); i++) {
        snprintf(name, sizeof name, "stay%d", found);
        found += strcmp(netns_link_list_name(list, i), name) == 0;
        CHECK(i == 0 || netns_link_list_index(list, i - 1) < netns_link_list_index(list, i));
    }
    EQUAL(found, staying);
    netns_link_list_free(list);
    return rc;
}

static void link_list_is_complete_during_concurrent_changes(void)
{
    int staying = is_slow() ? 50 : 300;
    struct netns *ns = NULL;
    char name[16];

    need_kind("ifb");
    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < staying; i++) {
        snprintf(name, sizeof name, "stay%d", i);
        OK(netns_link_add(ns, name, "ifb"));
    }
    look_meanwhile(ns, add_and_delete_another, find_those_that_stay, staying,
                   is_slow() ? 20 : ROUNDS);
    netns_close(ns);
}

struct worker {
    const struct netns *ns;
    const char *ifname;
    int rounds;
};

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < worker->rounds; i++) {
        struct netns_link_snapshot *list = NULL;
        unsigned mtu = 1000 + i % 400;

        OK(netns_link_set_mtu(worker->ns, worker->ifname, mtu));
        if (netns_link_list(worker->ns, 0, &list) == 0) {
            EQUAL(netns_link_list_mtu(list, find_device(list, worker->ifname)), mtu);
            netns_link_list_free(list);
        }
        FAILS(ENODEV, netns_link_up(worker->ns, "nosuch"));
        MESSAGE_HAS("\"nosuch\"");
    }
    return NULL;
}

/* Two threads use one handle at once: each gets the answers to its own requests. */
static void two_threads_may_use_one_handle_at_once(void)
{
    struct netns *ns = NULL;
    struct worker workers[2];
    pthread_t threads[2];

    need_veth();
    OK(netns_create("blue", 0, &ns));
    OK(netns_veth_add(ns, "v0", ns, "v1"));
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){ns, i ? "v1" : "v0", is_slow() ? 30 : 1000};
        MUST(-pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

static void work_in_a_child(void *arg)
{
    work(arg);
}

/* A child that has inherited the parent's connection does not get its answers either. */
static void a_child_may_use_its_parents_handle(void)
{
    struct netns *ns = NULL;
    struct worker ours, theirs;
    pid_t child;

    need_veth();
    OK(netns_create("blue", 0, &ns));
    OK(netns_veth_add(ns, "v0", ns, "v1"));
    ours = (struct worker){ns, "v0", is_slow() ? 30 : 500};
    theirs = (struct worker){ns, "v1", is_slow() ? 30 : 500};
    child = start_part(work_in_a_child, &theirs);
    work(&ours);
    EQUAL(wait_for(child), 0);
    work(&ours);
    netns_close(ns);
}

/* --- cost ---------------------------------------------------------------------------------------- */

static void use_without_going_there(void *arg)
{
    struct netns *ns = arg;
    int descriptors = open_descriptors();

    for (int i = 0; i < 10; i++) {
        OK(netns_link_up(ns, "lo"));
        OK(netns_addr_add(ns, "lo", "192.0.2.1/24"));
        OK(netns_addr_del(ns, "lo", "192.0.2.1/24"));
        EQUAL(devices_in(ns), 1);
    }
    EQUAL(open_descriptors(), descriptors);
}

static void later_calls_use_cached_socket_without_switching(void)
{
    static const struct fault no_switch[] = {{.call = SYS_setns, .error = EPERM},
                                             {.call = SYS_socket, .error = EMFILE}};
    struct netns *ns = NULL;
    int descriptors;

    OK(netns_create("blue", 0, &ns));
    descriptors = open_descriptors();
    FAILS(ENODEV, netns_link_up(ns, "nosuch"));
    EQUAL(open_descriptors(), descriptors + 1);
    with_faults(no_switch, 2, use_without_going_there, ns);
    netns_close(ns);
    EQUAL(open_descriptors(), descriptors - 1);
}

static void handle_and_cached_socket_are_close_on_exec(void)
{
    bool before[64];
    struct netns *ns = NULL;
    int opened = 0;

    for (int fd = 0; fd < 64; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    OK(netns_create("blue", 0, &ns));
    EQUAL(devices_in(ns), 1);
    for (int fd = 0; fd < 64; fd++)
        if (!before[fd] && fcntl(fd, F_GETFD) >= 0) {
            EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
            opened++;
        }
    EQUAL(opened, 2);
    netns_close(ns);
}

/* --- privileges ---------------------------------------------------------------------------------- */

static int add_bridge(const struct netns *ns)
{
    return netns_link_add(ns, "new0", "bridge");
}

static int add_veth(const struct netns *ns)
{
    return netns_veth_add(ns, "new0", ns, "new1");
}

static int add_macvlan(const struct netns *ns)
{
    return netns_macvlan_add(ns, "new0", ns, "v0", "bridge");
}

static int delete(const struct netns *ns)
{
    return netns_link_del(ns, "v0");
}

static int up(const struct netns *ns)
{
    return netns_link_up(ns, "v0");
}

static int down(const struct netns *ns)
{
    return netns_link_down(ns, "v0");
}

static int set_mtu(const struct netns *ns)
{
    return netns_link_set_mtu(ns, "v0", 1400);
}

static int set_address(const struct netns *ns)
{
    return netns_link_set_address(ns, "v0", ADDRESS);
}

static int set_master(const struct netns *ns)
{
    return netns_link_set_master(ns, "v0", "br0");
}

static int list(const struct netns *ns)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(ns, 0, &list);

    netns_link_list_free(list);
    return rc;
}

/* All except the last, which lists, change something. */
static request *const requests[] = {add_bridge, add_veth, add_macvlan, up, down,
                                    set_mtu, set_address, set_master, delete, list};

#define REQUESTS (sizeof requests / sizeof *requests)
#define CHANGES (REQUESTS - 1)

static void make_place(struct netns **ns)
{
    need_kind("bridge");
    need_veth();
    OK(netns_create("blue", 0, ns));
    OK(netns_veth_add(*ns, "v0", *ns, "v1"));
    OK(netns_link_add(*ns, "br0", "bridge"));
}

static void change_without_net_admin(void *arg)
{
    all_take_net_admin(requests, CHANGES, arg);
    EQUAL(devices_in(arg), 4);
}

static void interface_changes_without_net_admin_fail_with_eperm(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    IN_CHILD(change_without_net_admin, ns);
    /* Uses a connection that was opened without the capability. */
    CHECK(has_device(ns, "v0"));
    EQUAL(mtu_of(ns, "v0"), 1500);
    netns_close(ns);
}

/* The thread that opened the connection may have had fewer privileges than the one that uses it. */
static void cached_socket_checks_capabilities_of_each_caller(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    netns_close(ns);
    OK(netns_open("blue", 0, &ns));
    effective(CAP_NET_ADMIN, false);
    EQUAL(devices_in(ns), 4);
    FAILS(EPERM, netns_link_up(ns, "v0"));
    effective(CAP_NET_ADMIN, true);
    OK(netns_link_up(ns, "v0"));
    effective(CAP_NET_ADMIN, false);
    FAILS(EPERM, netns_link_down(ns, "v0"));
    effective(CAP_NET_ADMIN, true);
    CHECK(is_up(ns, "v0"));
    netns_close(ns);
}

static void use_without_sys_admin(void *arg)
{
    struct netns *used = arg, *fresh = NULL, *here = NULL;

    OK(netns_open("blue", 0, &fresh));
    EQUAL(devices_in(used), 4);
    drop_capability(CAP_SYS_ADMIN);
    /* The thread's own namespace requires no switch. */
    OK(netns_link_add(NULL, "new0", "bridge"));
    OK(netns_open_current(&here));
    OK(netns_link_up(here, "new0"));
    OK(netns_link_del(here, "new0"));
    netns_close(here);
    /* An existing connection requires none either. */
    OK(netns_link_set_mtu(used, "v0", 1400));
    /* Everything else does. */
    FAILS(EPERM, netns_link_set_mtu(fresh, "v0", 1300));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS(EPERM, list(fresh));
    netns_close(fresh);
}

static void only_switching_namespaces_needs_sys_admin(void)
{
    struct netns *ns = NULL;

    leave_the_host();
    make_place(&ns);
    IN_CHILD(use_without_sys_admin, ns);
    EQUAL(mtu_of(ns, "v0"), 1400);
    netns_close(ns);
}

static void work_where_no_way_leads_back(void *arg)
{
    struct netns *ns = NULL;
    uint64_t home = here();

    (void)arg;
    /* The thread stays in its parent's network namespace, over which it has no privileges. */
    enter_user_namespace(0);
    OK(netns_create(NULL, 0, &ns));
    OK(netns_veth_add(ns, "v0", ns, "v1"));
    OK(netns_link_up(ns, "v0"));
    CHECK(is_up(ns, "v0"));
    EQUAL(devices_in(ns), 3);
    FAILS(EPERM, netns_link_add(NULL, "new0", "bridge"));
    FAILS(EPERM, netns_veth_add(ns, "new0", NULL, "new1"));
    FAILS(EPERM, netns_veth_add(NULL, "new0", ns, "new1"));
    CHECK(!has_device(NULL, "new0") && !has_device(NULL, "new1"));
    EQUAL(devices_in(ns), 3);
    EQUAL(here(), home);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

static void interface_calls_work_if_thread_cannot_switch_back(void)
{
    need_veth();
    leave_the_host();
    IN_CHILD(work_where_no_way_leads_back, NULL);
}

static void work_as_root_of_a_user_namespace(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    become_plain_user();
    enter_user_namespace(CLONE_NEWNET);
    OK(netns_create(NULL, 0, &ns));
    OK(netns_veth_add(NULL, "v0", ns, "v1"));
    OK(netns_link_add(ns, "br0", "bridge"));
    OK(netns_link_set_master(ns, "v1", "br0"));
    OK(netns_link_set_mtu(ns, "v1", 1400));
    OK(netns_link_set_address(ns, "v1", ADDRESS));
    OK(netns_link_up(ns, "v1"));
    OK(netns_link_up(NULL, "v0"));
    CHECK(is_up(ns, "v1") && is_up(NULL, "v0"));
    SAME(master_of(ns, "v1"), "br0");
    OK(netns_link_del(NULL, "v0"));
    CHECK(!has_device(ns, "v1"));
    netns_close(ns);
}

static void interface_calls_work_in_unprivileged_user_namespace(void)
{
    need_kind("bridge");
    need_veth();
    IN_CHILD(work_as_root_of_a_user_namespace, NULL);
}

/* --- failures ------------------------------------------------------------------------------------ */

static void interface_calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    netns_close(ns);
    for (size_t i = 0; i < REQUESTS; i++) {
        request_runs_out_of_descriptors(requests[i]);
        OK(netns_open("blue", 0, &ns));
        /* Prepares the next attempt. */
        netns_link_del(ns, "new0");
        netns_close(ns);
    }
}

static void null_ns_calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *ns = NULL;

    leave_the_host();
    OK(netns_create("blue", 0, &ns));
    need_veth();
    RUNS_OUT_OF_DESCRIPTORS(netns_veth_add(NULL, "v0", ns, "v1"));
    RUNS_OUT_OF_DESCRIPTORS(netns_veth_add(ns, "v2", NULL, "v3"));
    RUNS_OUT_OF_DESCRIPTORS(netns_link_up(NULL, "v0"));
    RUNS_OUT_OF_DESCRIPTORS(list(NULL));
    EQUAL(devices_in(ns), 3);
    netns_close(ns);
}

static void calls_return_errno_of_failed_socket_call(void)
{
    static const int causes[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    struct netns *ns = NULL;

    make_place(&ns);
    netns_close(ns);
    OK(netns_open("blue", 0, &ns));
    for (size_t i = 0; i < REQUESTS; i++)
        for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
            fails_with_fault(requests[i], ns, SYS_socket, causes[c], causes[c], __LINE__);
    EQUAL(devices_in(ns), 4);
    netns_close(ns);
}

static void calls_return_errno_of_failed_sendto(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    all_fail_with_fault(requests, REQUESTS, SYS_sendto, ENOBUFS, __LINE__);
    all_fail_with_fault(requests, REQUESTS, SYS_sendto, ENOMEM, __LINE__);
    EQUAL(devices_in(ns), 4);
    netns_close(ns);
}

/* The kernel has executed the request by then, but no state of the library is left. */
static void calls_return_errno_of_failed_recvfrom(void)
{
    struct netns *ns = NULL;
    struct state before;

    make_place(&ns);
    before = state_now();
    all_fail_with_fault(requests, REQUESTS, SYS_recvfrom, ENOMEM, __LINE__);
    UNCHANGED_SINCE(before);
    netns_close(ns);
}

/* The kernel answers before send(2) returns, so a longer wait would be endless. */
static void missing_reply_fails_with_etimedout(void)
{
    /* Nothing can be read, and poll(2) returns after the timeout without an event. */
    static const struct fault faults[] = {
        {.call = SYS_recvfrom, .error = EAGAIN},
        {.call = SYS_ppoll, .error = 0, .arg = 1, .mask = ~0u, .value = 1},
#ifdef SYS_poll
        {.call = SYS_poll, .error = 0, .arg = 1, .mask = ~0u, .value = 1},
#endif
    };
    struct netns *ns = NULL, *other = NULL;

    make_place(&ns);
    OK(netns_open("blue", 0, &other));
    for (int i = 0; i < 2; i++) {
        struct attempt a = {.call = i ? down : list, .ns = other};
        int descriptors = open_descriptors();

        with_faults(faults, sizeof faults / sizeof *faults, attempt, &a);
        EQUAL(a.rc, -ETIMEDOUT);
        EQUAL(open_descriptors(), descriptors);
    }
    netns_close(other);
    netns_close(ns);
}

/* A connection on which an answer may still arrive is not used again. */
static void handle_works_after_failed_request(void)
{
    static const int calls[] = {SYS_socket, SYS_sendto, SYS_recvfrom};
    struct netns *ns = NULL;

    make_place(&ns);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
            struct fault fault = {.call = calls[i], .error = ENOMEM};
            struct attempt a = {.call = list, .ns = ns};

            with_faults(&fault, 1, attempt, &a);
            EQUAL(devices_in(ns), 4);
            FAILS(ENODEV, netns_link_up(ns, "nosuch"));
            OK(netns_link_set_mtu(ns, "v0", 1000 + i));
            EQUAL(mtu_of(ns, "v0"), 1000 + i);
        }
    }
    netns_close(ns);
}

static int opens(const struct netns *ns)
{
    struct netns *other = NULL;
    int rc = netns_open("blue", 0, &other);

    (void)ns;
    if (rc == 0)
        rc = up(other);
    netns_close(other);
    return rc;
}

static void calls_work_without_newer_netlink_socket_options(void)
{
    struct fault faults[] = {
        {.call = SYS_setsockopt, .error = ENOPROTOOPT, .arg = 2, .mask = ~0u, .value = 12},
        {.call = SYS_setsockopt, .error = ENOPROTOOPT, .arg = 2, .mask = ~0u, .value = 11},
        {.call = SYS_setsockopt, .error = ENOPROTOOPT, .arg = 2, .mask = ~0u, .value = 10},
    };
    struct netns *ns = NULL;
    struct attempt a = {.call = opens};

    make_place(&ns);
    with_faults(faults, 3, attempt, &a);
    EQUAL(a.rc, 0);
    CHECK(is_up(ns, "v0"));
    netns_close(ns);
}

int main(void)
{
    RUN(link_add_creates_interface_in_given_namespace);
    RUN(link_add_message_names_unsupported_kind);
    RUN(link_add_rejects_kinds_that_need_parameters);
    RUN(link_add_message_does_not_call_tun_unsupported);
    RUN(link_add_rejects_invalid_kind_strings);
    RUN(link_add_of_existing_name_fails_with_eexist);

    RUN(interface_calls_reject_invalid_names);
    RUN(interface_calls_accept_unusual_and_longest_names);
    RUN(missing_interface_fails_with_enodev);

    RUN(veth_add_creates_each_end_in_its_namespace);
    RUN(veth_ends_in_two_namespaces_may_share_a_name);
    RUN(failed_veth_add_creates_neither_end);
    RUN(veth_add_needs_net_admin_over_both_namespaces);

    RUN(macvlan_add_accepts_parent_in_another_namespace);
    RUN(macvlan_add_rejects_unusable_name_parent_or_mode);
    RUN(vlan_add_rejects_invalid_and_used_ids);

    RUN(link_up_and_down_take_effect_and_are_idempotent);
    RUN(link_up_keeps_address_mtu_and_peer);
    RUN(link_set_mtu_rejects_values_out_of_range);
    RUN(link_set_address_rejects_invalid_addresses);
    RUN(macvlans_of_one_parent_cannot_share_an_address);
    RUN(link_set_master_sets_replaces_and_clears_master);
    RUN(failed_link_set_master_keeps_old_master);
    RUN(link_del_of_lo_fails_with_eopnotsupp);

    RUN(link_list_reports_interface_attributes);
    RUN(link_list_reports_connected_veth_as_up);
    RUN(link_list_handles_invalid_flags_and_indices);
    RUN(link_list_reads_several_datagrams);

    RUN(link_list_is_complete_during_concurrent_changes);
    RUN(two_threads_may_use_one_handle_at_once);
    RUN(a_child_may_use_its_parents_handle);

    RUN(later_calls_use_cached_socket_without_switching);
    RUN(handle_and_cached_socket_are_close_on_exec);

    RUN(interface_changes_without_net_admin_fail_with_eperm);
    RUN(cached_socket_checks_capabilities_of_each_caller);
    RUN(only_switching_namespaces_needs_sys_admin);
    RUN(interface_calls_work_if_thread_cannot_switch_back);
    RUN(interface_calls_work_in_unprivileged_user_namespace);

    RUN(interface_calls_without_descriptors_fail_with_emfile);
    RUN(null_ns_calls_without_descriptors_fail_with_emfile);
    RUN(calls_return_errno_of_failed_socket_call);
    RUN(calls_return_errno_of_failed_sendto);
    RUN(calls_return_errno_of_failed_recvfrom);
    RUN(missing_reply_fails_with_etimedout);
    RUN(handle_works_after_failed_request);
    RUN(calls_work_without_newer_netlink_socket_options);
    return finish();
}
