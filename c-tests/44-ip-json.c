/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * `ip -json` reads what these calls set, and these lists contain what ip sets. After every change, both
 * list everything in the namespace and must agree.
 */
#include "ip.h"
#include "json.h"
#include "links.h"

#include <ctype.h>
#include <linux/if.h>
#include <linux/if_addr.h>

/* Carriers, link-local addresses and the like appear with a delay. */
#define TRIES 300

static struct netns *blue, *red;
static int configurations;

/* --- output of ip --------------------------------------------------------------------------------- */

static struct json_reader reader;
static char output[4 << 20];

/* Runs `ip -n blue -json ...` and parses the output. */
static const struct json *ip_says(const char *arguments)
{
    char command[256];
    size_t used = 0, got;
    struct json *value;
    FILE *pipe;

    snprintf(command, sizeof command, "ip -n blue -N -d -json %s", arguments);
    pipe = popen(command, "re");
    MUST(pipe ? 0 : -1);
    while ((got = fread(output + used, 1, sizeof output - 1 - used, pipe)) > 0)
        used += got;
    output[used] = '\0';
    check_at(pclose(pipe) == 0, __LINE__, "%s", command);
    value = read_json(&reader, used ? output : strcpy(output, "[]"));
    if (!value) {
        printf("# %s: no JSON\n", command);
        exit(1);
    }
    return value;
}

/* --- the comparison -------------------------------------------------------------------------------- */

/* The first difference found by a comparison; "": none. */
static char difference[512];

__attribute__((format(printf, 2, 3))) static void same(bool is, const char *format, ...)
{
    va_list args;

    if (is || difference[0])
        return;
    va_start(args, format);
    vsnprintf(difference, sizeof difference, format, args);
    va_end(args);
}

static void same_text(const char *what, const char *of, const char *theirs, const char *ours)
{
    bool is = theirs && ours ? strcmp(theirs, ours) == 0 : theirs == ours;

    same(is, "%s of %s: \"%s\" says ip, \"%s\" the list", what, of, theirs ? theirs : "(none)",
         ours ? ours : "(none)");
}

static void same_number(const char *what, const char *of, long long theirs, long long ours)
{
    same(theirs == ours, "%s of %s: %lld says ip, %lld the list", what, of, theirs, ours);
}

static void compare_flags(const struct json *link, const char *name, uint32_t flags)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {{"UP", IFF_UP}, {"BROADCAST", IFF_BROADCAST}, {"LOOPBACK", IFF_LOOPBACK},
                 {"POINTOPOINT", IFF_POINTOPOINT}, {"NOARP", IFF_NOARP}, {"PROMISC", IFF_PROMISC},
                 {"ALLMULTI", IFF_ALLMULTI}, {"MASTER", IFF_MASTER}, {"SLAVE", IFF_SLAVE},
                 {"MULTICAST", IFF_MULTICAST}, {"LOWER_UP", IFF_LOWER_UP}, {"DORMANT", IFF_DORMANT}};
    const struct json *theirs = json_get(link, "flags"), *flag;
    bool no_carrier = false;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool is = false;

        for (flag = theirs ? theirs->child : NULL; flag; flag = flag->next) {
            is |= strcmp(flag->text, known[i].name) == 0;
            no_carrier |= strcmp(flag->text, "NO-CARRIER") == 0;
        }
        same_number(known[i].name, name, is, (flags & known[i].bit) != 0);
    }
    same_number("NO-CARRIER", name, no_carrier, flags & IFF_UP && !(flags & IFF_RUNNING));
}

static uint32_t index_in(const struct netns_link_snapshot *list, const char *name)
{
    return name ? netns_link_list_index(list, find_device(list, name)) : 0;
}

static void compare_link(const struct json *link, const struct netns_link_snapshot *list, size_t i)
{
    const char *name = json_text(link, "ifname");
    const struct json *peer = json_get(link, "link_index");
    char state[32];
    size_t c;

    same_text("name", "a device", name, netns_link_list_name(list, i));
    if (difference[0])
        return;
    same_number("index", name, json_number(link, "ifindex"), netns_link_list_index(list, i));
    same_number("MTU", name, json_number(link, "mtu"), netns_link_list_mtu(list, i));
    same_text("kind", name, json_text(json_get(link, "linkinfo"), "info_kind"),
              netns_link_list_kind(list, i));
    same_text("address", name, json_text(link, "address"), netns_link_list_address(list, i));
    snprintf(state, sizeof state, "%s", netns_link_list_state(list, i));
    for (c = 0; state[c]; c++)
        state[c] = (char)toupper((unsigned char)state[c]);
    same_text("state", name, json_text(link, "operstate"), state);
    same_number("master", name, index_in(list, json_text(link, "master")),
                netns_link_list_master(list, i));
    same_number("peer", name,
                peer ? json_number(link, "link_index") : index_in(list, json_text(link, "link")),
                netns_link_list_peer(list, i));
    same_number("peer's nsid", name,
                json_get(link, "link_netnsid") ? json_number(link, "link_netnsid") : -1,
                netns_link_list_peer_nsid(list, i));
    compare_flags(link, name, netns_link_list_flags(list, i));
}

/* Its index in the list, or the list's length if it is not there. */
static size_t find_address(const struct json *address, long long index, const struct netns_addr_snapshot *list)
{
    const char *local = json_text(address, "local"), *peer = json_text(address, "address");
    size_t i, len = netns_addr_list_len(list);

    for (i = 0; i < len; i++) {
        const char *ours = netns_addr_list_peer(list, i);

        if (netns_addr_list_index(list, i) == index &&
            strcmp(netns_addr_list_address(list, i), local) == 0 &&
            netns_addr_list_prefix(list, i) == json_number(address, "prefixlen") &&
            (peer && ours ? strcmp(peer, ours) == 0 : !peer && !ours))
            break;
    }
    return i;
}

static void compare_address(const struct json *address, const struct json *link,
                            const struct netns_addr_snapshot *list)
{
    const char *local = json_text(address, "local");
    size_t i = find_address(address, json_number(link, "ifindex"), list);
    uint32_t flags = netns_addr_list_flags(list, i);
    bool v6 = strcmp(json_text(address, "family"), "inet6") == 0;

    same(i < netns_addr_list_len(list), "%s is not in the list", local);
    if (difference[0])
        return;
    same_number("family", local, v6 ? AF_INET6 : AF_INET, netns_addr_list_family(list, i));
    same_text("device", local, json_text(link, "ifname"), netns_addr_list_ifname(list, i));
    same_number("scope", local, json_number(address, "scope"), netns_addr_list_scope(list, i));
    same_text("label", local, json_text(address, "label"), netns_addr_list_label(list, i));
    same_text("broadcast", local, json_text(address, "broadcast"), netns_addr_list_broadcast(list, i));
    same_number("tentative", local, json_true(address, "tentative"), (flags & IFA_F_TENTATIVE) != 0);
    same_number("nodad", local, json_true(address, "nodad"), (flags & IFA_F_NODAD) != 0);
    same_number("dynamic", local, json_true(address, "dynamic"), !(flags & IFA_F_PERMANENT));
    if (!v6)
        same_number("secondary", local, json_true(address, "secondary"),
                    (flags & IFA_F_SECONDARY) != 0);
}

static void compare_links_and_addresses(void)
{
    const struct json *link = ip_says("addr show")->child;
    struct netns_link_snapshot *links = NULL;
    struct netns_addr_snapshot *addresses = NULL;
    size_t devices = 0, count = 0;

    OK(netns_link_list(blue, 0, &links));
    OK(netns_addr_list(blue, 0, &addresses));
    for (; link; link = link->next, devices++) {
        const struct json *info = json_get(link, "addr_info"), *address;

        compare_link(link, links, devices);
        for (address = info ? info->child : NULL; address; address = address->next, count++)
            compare_address(address, link, addresses);
    }
    same_number("devices", "blue", devices, netns_link_list_len(links));
    same_number("addresses", "blue", count, netns_addr_list_len(addresses));
    netns_link_list_free(links);
    netns_addr_list_free(addresses);
}

/* The destination as ip prints it: without the prefix length of a single address. */
static const char *without_full_length(const char *dst)
{
    static char text[64];
    char *slash;

    snprintf(text, sizeof text, "%s", dst ? dst : "(none)");
    slash = strchr(text, '/');
    if (slash && strcmp(slash, strchr(text, ':') ? "/128" : "/32") == 0)
        *slash = '\0';
    return text;
}

/* Compares one entry with the route, or with the next hop of a multipath route. */
static void compare_way(const struct json *route, const struct json *way,
                        const struct netns_route_snapshot *list, size_t i)
{
    const char *dst = json_text(route, "dst"), *gateway = json_text(way, "gateway");

    if (!gateway)
        gateway = json_text(json_get(way, "via"), "host");
    same_text("destination", "a route", dst, without_full_length(netns_route_list_dst(list, i)));
    if (difference[0])
        return;
    same_text("gateway", dst, gateway, netns_route_list_via(list, i));
    same_text("device", dst, json_text(way, "dev"), netns_route_list_ifname(list, i));
    same_number("metric", dst, json_number(route, "metric"), netns_route_list_metric(list, i));
    same_number("table", dst, json_number(route, "table"), netns_route_list_table(list, i));
    same_number("protocol", dst, json_number(route, "protocol"), netns_route_list_protocol(list, i));
    same_number("scope", dst, json_number(route, "scope"), netns_route_list_scope(list, i));
    same_number("type", dst, json_number(route, "type"), netns_route_list_type(list, i));
}

/* Compares the entries of one family, which are in the kernel's order in both; returns the end index. */
static size_t
compare_routes_from(const struct netns_route_snapshot *list, size_t i, const char *command, int family)
{
    const struct json *route;

    for (route = ip_says(command)->child; route; route = route->next) {
        const struct json *ways = json_get(route, "nexthops"), *way;

        if (!ways)
            compare_way(route, route, list, i++);
        for (way = ways ? ways->child : NULL; way; way = way->next)
            compare_way(route, way, list, i++);
        same_number("family", command, family, netns_route_list_family(list, i - 1));
    }
    return i;
}

static void compare_routes(void)
{
    struct netns_route_snapshot *list = NULL;
    size_t i;

    OK(netns_route_list(blue, NETNS_ROUTE_LIST_ALL_TABLES, &list));
    i = compare_routes_from(list, 0, "-4 route show table all", AF_INET);
    if (have_ipv6())
        i = compare_routes_from(list, i, "-6 route show table all", AF_INET6);
    same_number("routes", "blue", i, netns_route_list_len(list));
    netns_route_list_free(list);
}

/* Compares everything in both lists. */
static void compare(int line, const char *after)
{
    int tries = 0;

    configurations++;
    do {
        if (tries)
            sleep_ms(10);
        difference[0] = '\0';
        compare_links_and_addresses();
        compare_routes();
    } while (difference[0] && ++tries < TRIES);
    check_at(!difference[0], line, "%s: %s", after, difference);
}

/* Changes something with these calls. */
#define SET(call)                   \
    do {                            \
        OK(call);                   \
        compare(__LINE__, #call);   \
    } while (0)

/* Changes something with ip. */
#define IP(arguments) ip_sets((arguments), __LINE__)

static void ip_sets(const char *arguments, int line)
{
    char command[256];

    snprintf(command, sizeof command, "ip -n blue %s", arguments);
    check_at(shell(command) == 0, line, "%s", command);
    compare(line, command);
}

static void begin(void)
{
    need_ip();
    need_veth();
    need_kind("bridge");
    need_kind("ifb");
    if (shell("ip -json link show lo >/dev/null 2>&1") != 0)
        skip("an ip(8) without -json");
    OK(netns_create("blue", 0, &blue));
    OK(netns_create("red", 0, &red));
    configurations = 0;
    compare(__LINE__, "nothing");
}

static void end(const char *by, int at_least)
{
    printf("#: %d configurations made by %s are the same to both\n", configurations, by);
    CHECK(configurations >= at_least);
    close_pair(blue, red);
}

/* --- the tests ---------------------------------------------------------------------------------- */

static void ip_json_matches_lists_after_library_changes(void)
{
    begin();
    SET(netns_link_up(blue, "lo"));
    SET(netns_link_add(blue, "br0", "bridge"));
    SET(netns_link_add(blue, "ifb7", "ifb"));
    SET(netns_link_add(blue, LONGEST_IFNAME, "bridge"));
    SET(netns_link_del(blue, LONGEST_IFNAME));
    SET(netns_veth_add(blue, "v0", red, "v1"));
    SET(netns_veth_add(blue, "w0", blue, "w1"));
    SET(netns_veth_add(red, "x1", blue, "x0"));
    SET(netns_link_set_address(blue, "v0", "02:00:5e:10:00:01"));
    SET(netns_link_set_mtu(blue, "v0", 1400));
    SET(netns_link_set_mtu(blue, "lo", 1 << 20));
    SET(netns_link_set_master(blue, "w1", "br0"));
    SET(netns_link_up(blue, "br0"));
    SET(netns_link_up(blue, "w0"));
    SET(netns_link_up(blue, "w1"));
    SET(netns_link_up(blue, "v0"));
    SET(netns_link_up(red, "v1"));
    SET(netns_link_up(blue, "ifb7"));
    SET(netns_link_down(blue, "ifb7"));
    SET(netns_link_set_master(blue, "w1", NULL));
    SET(netns_link_set_master(blue, "x0", "br0"));
    if (netns_macvlan_add(blue, "m0", blue, "v0", "bridge") == 0) {
        compare(__LINE__, "a macvlan");
        SET(netns_macvlan_add(blue, "m1", red, "v1", "private"));
        SET(netns_link_up(blue, "m0"));
        SET(netns_link_del(blue, "m1"));
    }
    SET(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    SET(netns_addr_add(blue, "v0", "192.0.2.3/24"));
    SET(netns_addr_add(blue, "v0", "203.0.113.1"));
    SET(netns_addr_add(blue, "lo", "127.0.0.9/8"));
    SET(netns_addr_add(blue, "w0", "198.51.100.1/31"));
    SET(netns_addr_del(blue, "w0", "198.51.100.1/31"));
    SET(netns_route_add(blue, "10.0.0.0/8", "192.0.2.2", NULL));
    SET(netns_route_add(blue, "10.1.0.0/16", NULL, "v0"));
    SET(netns_route_add(blue, "10.2.3.4", "192.0.2.2", "v0"));
    SET(netns_route_add(blue, "default", "192.0.2.2", NULL));
    SET(netns_route_del(blue, "10.0.0.0/8", "192.0.2.2", NULL));
    SET(netns_route_del(blue, "default", NULL, "v0"));
    SET(netns_route_add(blue, "default", NULL, "v0"));
    if (have_ipv6()) {
        SET(netns_addr_add(blue, "v0", "2001:db8::1/64"));
        SET(netns_addr_add_flags(blue, "v0", "2001:db8::2/64", NETNS_ADDR_NODAD));
        SET(netns_addr_add_flags(blue, "lo", "2001:db8:7::1", NETNS_ADDR_NODAD));
        SET(netns_addr_add_flags(blue, "w0", "fe80::7/64", NETNS_ADDR_NODAD));
        SET(netns_route_add(blue, "2001:db8:1::/48", "2001:db8::9", NULL));
        SET(netns_route_add(blue, "2001:db8:2::/48", NULL, "v0"));
        SET(netns_route_add(blue, "2001:db8:3::7", "fe80::9", "v0"));
        SET(netns_route_add(blue, "default", "fe80::9", "v0"));
        SET(netns_route_add(blue, "10.3.0.0/16", "fe80::9", "v0"));
        SET(netns_route_del(blue, "2001:db8:2::/48", NULL, "v0"));
        SET(netns_addr_del(blue, "v0", "2001:db8::1/64"));
    }
    SET(netns_link_down(blue, "v0"));
    SET(netns_link_del(red, "x1"));
    SET(netns_link_del(blue, "v0"));
    end("these calls", 40);
}

static void ip_json_matches_lists_after_ip_changes(void)
{
    begin();
    IP("link set lo up");
    IP("link add br0 type bridge");
    IP("link add v0 type veth peer name v1 netns red");
    IP("link add w0 type veth peer name w1");
    IP("link set w0 master br0");
    IP("link set w0 mtu 1300 address 02:00:5e:10:00:07");
    IP("link set v0 up");
    shell("ip -n red link set v1 up");
    compare(__LINE__, "ip -n red link set v1 up");
    IP("link set w0 up");
    IP("link set w1 up promisc on");
    IP("link set w1 allmulticast on arp off");
    IP("link set br0 up multicast off");
    /* An interface that is up cannot be renamed before Linux 6.2. */
    IP("link set w1 down");
    IP("link set w1 name w1-renamed-long");
    IP("link set w1-renamed-long up");
    IP("link add ifb3 type ifb");
    IP("link set ifb3 up");
    IP("link set dev ifb3 alias 'an alias with \"quotes\"'");
    IP("addr add 192.0.2.1/24 brd + dev v0");
    IP("addr add 192.0.2.5/24 brd 192.0.2.255 label v0:five dev v0");
    IP("addr add 192.0.2.7 peer 203.0.113.9/32 dev v0");
    IP("addr add 192.0.2.7 peer 203.0.113.10/32 dev v0");
    IP("addr add 169.254.1.1/16 scope link dev w0");
    IP("addr add 10.5.0.1/24 scope 100 dev w0");
    IP("addr add 10.6.0.1/24 valid_lft 1000 preferred_lft 500 dev w0");
    IP("addr add 224.1.2.3/4 dev w0 autojoin");
    IP("addr del 192.0.2.5/24 dev v0");
    IP("route add 198.51.100.0/24 via 192.0.2.2");
    IP("route add 198.51.101.0/24 via 192.0.2.2 metric 77 proto static");
    IP("route add 198.51.101.0/24 via 192.0.2.3 metric 78 proto bird");
    IP("route add 198.51.102.0/24 dev v0 scope global proto 250");
    IP("route add 198.51.103.1 dev v0 scope link src 192.0.2.1");
    IP("route add blackhole 198.51.104.0/24");
    IP("route add prohibit 198.51.105.0/24 metric 4294967295");
    IP("route add unreachable 198.51.106.0/24");
    IP("route add throw 198.51.107.0/24 table 200");
    IP("route add 198.51.108.0/24 via 192.0.2.2 table 4000000000");
    IP("route add local 198.51.109.0/24 dev lo");
    IP("route add 198.51.110.0/24 nexthop via 192.0.2.2 nexthop via 192.0.2.3 weight 7");
    IP("route add 198.51.111.0/24 metric 9 nexthop dev v0 nexthop via 192.0.2.2 nexthop dev w0");
    IP("route add 198.51.112.0/24 via 192.0.2.77 dev v0 onlink mtu 1280 advmss 900");
    IP("route add default via 192.0.2.2");
    IP("route replace default via 192.0.2.3 metric 0");
    if (have_ipv6()) {
        IP("addr add 2001:db8::1/64 dev v0");
        IP("addr add 2001:db8::2/64 dev v0 nodad");
        IP("addr add 2001:db8::3 peer 2001:db8:9::3/128 dev v0 nodad");
        IP("addr add 2001:db8::4/64 dev v0 valid_lft 1000 preferred_lft 0");
        IP("-6 addr add fec0::1/10 dev w0 nodad");
        IP("-6 route add 2001:db8:1::/48 via 2001:db8::9");
        IP("-6 route add 2001:db8:2::/48 nexthop via 2001:db8::9 nexthop via 2001:db8::8 weight 3");
        IP("-6 route add 2001:db8:3::/48 dev v0 metric 5 proto static");
        IP("-6 route add blackhole 2001:db8:4::/48");
        IP("-6 route add unreachable 2001:db8:5::/48 table 300");
        IP("-6 route add default via fe80::1 dev v0");
        IP("route add 198.51.113.0/24 via inet6 fe80::1 dev v0");
        IP("route add 198.51.114.0/24 nexthop via inet6 fe80::1 dev v0 nexthop via 192.0.2.2");
    }
    IP("route flush 198.51.100.0/22");
    IP("link set v0 down");
    IP("link del w0");
    end("ip", 40);
}

/* One creates, the other deletes. */
static void ip_and_library_can_delete_each_others_objects(void)
{
    begin();
    IP("link add v0 type veth peer name v1 netns red");
    SET(netns_link_up(blue, "v0"));
    IP("addr add 192.0.2.1/24 brd + dev v0");
    IP("route add 198.51.100.0/24 via 192.0.2.2 metric 5 proto static");
    SET(netns_route_del(blue, "198.51.100.0/24", "192.0.2.2", "v0"));
    IP("route add blackhole 198.51.101.0/24");
    SET(netns_route_add(blue, "198.51.102.0/24", "192.0.2.2", NULL));
    IP("route del 198.51.102.0/24 via 192.0.2.2");
    SET(netns_addr_del(blue, "v0", "192.0.2.1/24"));
    SET(netns_addr_add(blue, "v0", "192.0.2.9/24"));
    IP("addr del 192.0.2.9/24 dev v0");
    if (have_ipv6()) {
        IP("-6 route add 2001:db8:1::/48 dev v0 metric 7");
        SET(netns_route_del(blue, "2001:db8:1::/48", NULL, "v0"));
        SET(netns_addr_add_flags(blue, "v0", "2001:db8::1/64", NETNS_ADDR_NODAD));
        IP("addr del 2001:db8::1/64 dev v0");
    }
    SET(netns_link_del(blue, "v0"));
    SET(netns_veth_add(blue, "v0", red, "v1"));
    IP("link del v0");
    end("either", 10);
}

/* The lists do not contain the mode. */
static void macvlan_add_sets_requested_mode(void)
{
    static const char *const modes[][2] = {{NULL, "vepa"}, {"private", "private"}, {"vepa", "vepa"},
                                           {"bridge", "bridge"}, {"passthru", "passthru"}};

    need_macvlan();
    begin();
    OK(netns_veth_add(blue, "v0", red, "v1"));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const struct json *info;

        SET(netns_macvlan_add(blue, "m0", red, "v1", modes[i][0]));
        info = json_get(ip_says("link show m0")->child, "linkinfo");
        SAME(json_text(info, "info_kind"), "macvlan");
        SAME(json_text(json_get(info, "info_data"), "mode"), modes[i][1]);
        OK(netns_link_del(blue, "m0"));
    }
    close_pair(blue, red);
}

int main(void)
{
    RUN(ip_json_matches_lists_after_library_changes);
    RUN(ip_json_matches_lists_after_ip_changes);
    RUN(ip_and_library_can_delete_each_others_objects);
    RUN(macvlan_add_sets_requested_mode);
    return finish();
}
