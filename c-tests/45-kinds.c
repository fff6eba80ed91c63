/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kinds of interface that many kernels have only as modules, and their differences from a veth: those that
 * cannot be moved, those that leave something behind, and a physical one.
 */
#include "ip.h"
#include "links.h"
#include "program.h"

/*
 * Some tests, such as one that moves the host's network card, run only in a virtual machine that exists
 * for the tests, which scripts/kernels/init reports.
 */
static void need_a_machine(void)
{
    if (!getenv("NETNS_TEST_MACHINE"))
        skip("the host's own devices and control groups are left alone: make test-kernels runs it");
}

/* Two empty namespaces, on a kernel that supports this kind of interface, and with ip(8). */
static void two_with(const char *kind, struct netns **x, struct netns **y)
{
    need_ip();
    need_kind(kind);
    OK(netns_create("x", 0, x));
    OK(netns_create("y", 0, y));
}

/* --- creating and listing ---------------------------------------------------------------------- */

static void link_add_creates_kinds_without_parameters(void)
{
    static const char *const kinds[] = {"dummy", "bond", "wireguard", "ifb", "bridge"};
    struct netns *ns = NULL;

    OK(netns_create("x", 0, &ns));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct netns_link_snapshot *list = NULL;
        size_t at;

        if (!was_made(netns_link_add(ns, "d0", kinds[i])))
            continue;
        OK(netns_link_list(ns, 0, &list));
        at = find_device(list, "d0");
        SAME(netns_link_list_kind(list, at), kinds[i]);
        netns_link_list_free(list);
        OK(netns_link_del(ns, "d0"));
    }
    /* A bond does not create other interfaces. */
    EQUAL(devices_in(ns), 1);
    netns_close(ns);
}

/* Checks that a datagram sent from one namespace reaches the address in the other. */
static void reaches(const struct netns *from, const char *address, const struct netns *to)
{
    struct sockaddr_storage at;
    socklen_t len = socket_address(address, 7777, &at);
    int receiver = datagram_socket(to, AF_INET), sender = datagram_socket(from, AF_INET);
    struct timeval patience = {20 * slowness(), 0};
    char got[8] = "";

    MUST(setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    MUST(bind(receiver, (struct sockaddr *)&at, len));
    MUST(sendto(sender, "hello", 6, 0, (struct sockaddr *)&at, len));
    EQUAL(recv(receiver, got, sizeof got, 0), 6);
    SAME(got, "hello");
    close(sender);
    close(receiver);
}

/* VLAN 7 on each end of a veth pair, each in its own namespace. */
static void vlan_carries_traffic_between_namespaces(void)
{
    struct netns *blue = NULL, *red = NULL, *x = NULL, *y = NULL;

    make_pair(&blue, &red);
    OK(netns_create("x", 0, &x));
    OK(netns_create("y", 0, &y));
    if (!was_made(netns_vlan_add(x, "vlan7", blue, "v0", 7)))
        skip("the kernel has no VLANs");
    OK(netns_vlan_add(y, "vlan7", red, "v1", 7));
    OK(netns_link_up(blue, "v0"));
    OK(netns_link_up(red, "v1"));
    OK(netns_addr_add(x, "vlan7", "192.0.2.1/24"));
    OK(netns_addr_add(y, "vlan7", "192.0.2.2/24"));
    OK(netns_link_up(x, "vlan7"));
    OK(netns_link_up(y, "vlan7"));
    reaches(x, "192.0.2.2", y);
    reaches(y, "192.0.2.1", x);
    /* It is deleted with its parent. */
    OK(netns_link_del(blue, "v0"));
    CHECK(!has_device(x, "vlan7"));
    netns_close(x);
    netns_close(y);
    close_pair(blue, red);
}

/* --- moving ------------------------------------------------------------------------------------ */

static void link_move_rejects_bonds_and_detaches_bond_ports(void)
{
    struct netns *x = NULL, *y = NULL;
    struct netns_link_snapshot *list = NULL;

    two_with("bond", &x, &y);
    need_kind("dummy");
    OK(netns_link_add(x, "bond0", "bond"));
    OK(netns_link_add(x, "p0", "dummy"));
    OK(netns_link_add(x, "p1", "dummy"));
    OK(netns_link_set_master(x, "p0", "bond0"));
    OK(netns_link_set_master(x, "p1", "bond0"));
    FAILS(EINVAL, netns_link_move(x, "bond0", y, NULL));
    FAILS(EINVAL, netns_link_move(x, "bond0", y, "bond1"));
    CHECK(has_device(x, "bond0"));
    OK(netns_link_move(x, "p0", y, NULL));
    OK(netns_link_list(y, 0, &list));
    EQUAL(netns_link_list_master(list, find_device(list, "p0")), 0);
    netns_link_list_free(list);
    OK(netns_link_list(x, 0, &list));
    CHECK(netns_link_list_master(list, find_device(list, "p1")) == index_of(x, "bond0"));
    netns_link_list_free(list);
    /* Like any other interface, it can be renamed in its namespace. */
    OK(netns_link_move(x, "bond0", x, "bond1"));
    CHECK(has_device(x, "bond1"));
    netns_close(x);
    netns_close(y);
}

static void link_move_rejects_vrf(void)
{
    struct netns *x = NULL, *y = NULL;

    need_ip();
    OK(netns_create("x", 0, &x));
    OK(netns_create("y", 0, &y));
    if (SAID(x, NULL, "ip link add vrf0 type vrf table 10 2>&1 || :")[0] && !has_device(x, "vrf0"))
        skip("the kernel has no VRF");
    FAILS(EINVAL, netns_link_move(x, "vrf0", y, NULL));
    OK(netns_link_move(x, "vrf0", x, "vrf1"));
    CHECK(has_device(x, "vrf1"));
    netns_close(x);
    netns_close(y);
}

static void moved_ipvlan_keeps_working_until_parent_is_deleted(void)
{
    struct netns *blue = NULL, *red = NULL, *x = NULL;

    need_ip();
    make_connected_pair(&blue, &red);
    OK(netns_create("x", 0, &x));
    if (SAID(blue, NULL, "ip link add link v0 name i0 type ipvlan mode l2 2>&1 || :")[0] &&
        !has_device(blue, "i0"))
        skip("the kernel has no ipvlan");
    OK(netns_link_move(blue, "i0", x, "i1"));
    OK(netns_addr_add(x, "i1", "192.0.2.3/24"));
    OK(netns_link_up(x, "i1"));
    reaches(x, "192.0.2.2", red);
    /* It is deleted with its parent. */
    OK(netns_link_del(blue, "v0"));
    CHECK(!has_device(x, "i1"));
    netns_close(x);
    close_pair(blue, red);
}

/* An interface that moves loses its queueing disciplines. */
static void link_move_removes_queueing_disciplines(void)
{
    struct netns *x = NULL, *y = NULL;

    need_ip();
    if (!have("tc"))
        skip("no tc(8)");
    make_pair(&x, &y);
    if (SAID(x, NULL, "tc qdisc add dev v0 root netem delay 1ms 2>&1 || :")[0])
        skip("the kernel has no netem");
    CHECK(strstr(SAID(x, NULL, "tc qdisc show dev v0"), "netem") != NULL);
    OK(netns_link_move(x, "v0", y, NULL));
    CHECK(!strstr(SAID(y, NULL, "tc qdisc show dev v0"), "netem"));
    close_pair(x, y);
}

/* The number of IPv4 UDP sockets, including the kernel's own. */
static int udp_sockets_in(const struct netns *ns)
{
    return (int)NUMBER(ns, NULL, "grep -c : /proc/net/udp || :");
}

static bool is_running(const struct netns *ns, const char *ifname)
{
    struct ifreq answer;

    return ask_device(ns, ifname, SIOCGIFFLAGS, &answer) && answer.ifr_flags & IFF_RUNNING;
}

static void moved_wireguard_keeps_socket_in_old_namespace(void)
{
    struct netns *x = NULL, *y = NULL;
    int before_x, before_y;

    two_with("wireguard", &x, &y);
    before_x = udp_sockets_in(x);
    before_y = udp_sockets_in(y);
    OK(netns_link_add(x, "wg0", "wireguard"));
    OK(netns_link_move(x, "wg0", y, NULL));
    OK(netns_link_up(y, "wg0"));
    /* Encrypted traffic uses the namespace in which the interface was created, other traffic the one that
       it is in. */
    EQUAL(udp_sockets_in(x), before_x + 1);
    EQUAL(udp_sockets_in(y), before_y);
    OK(netns_link_down(y, "wg0"));
    EQUAL(udp_sockets_in(x), before_x);
    OK(netns_link_up(y, "wg0"));
    CHECK(is_running(y, "wg0"));
    /* The socket does not keep the namespace: it is closed with the namespace, and the interface stays
       without a socket. */
    OK(netns_remove("x", 0));
    netns_close(x);
    for (double end = seconds() + 30 * slowness(); is_running(y, "wg0") && seconds() < end;)
        sleep_ms(20);
    CHECK(!is_running(y, "wg0"));
    CHECK(has_device(y, "wg0"));
    EQUAL(udp_sockets_in(y), before_y);
    netns_close(y);
}

/* --- a physical interface ---------------------------------------------------------------------- */

/* The network card, which has no kind and is not lo. Returns its name, valid until the next call. */
static const char *network_card(void)
{
    static char name[IFNAMSIZ];
    struct netns_link_snapshot *list = NULL;

    name[0] = '\0';
    OK(netns_link_list(NULL, 0, &list));
    for (size_t i = 0; i < netns_link_list_len(list) && !name[0]; i++) {
        const char *kind = netns_link_list_kind(list, i);

        if ((!kind || !kind[0]) && strcmp(netns_link_list_name(list, i), "lo") != 0)
            snprintf(name, sizeof name, "%s", netns_link_list_name(list, i));
    }
    netns_link_list_free(list);
    if (!name[0])
        skip("there is no network card");
    return name;
}

/* The kernel destroys a namespace asynchronously after its last user has gone. */
static void await_device(const char *name)
{
    double end = seconds() + 30 * slowness();

    while (!has_device(NULL, name) && seconds() < end)
        sleep_ms(20);
    if (!CHECK(has_device(NULL, name)))
        printf("# %s has not come home\n", name);
}

static void network_card_returns_when_namespace_is_destroyed(void)
{
    struct netns *ns = NULL;
    char name[IFNAMSIZ];

    need_a_machine();
    snprintf(name, sizeof name, "%s", network_card());
    OK(netns_create("x", 0, &ns));
    OK(netns_link_move(NULL, name, ns, "wan0"));
    CHECK(has_device(ns, "wan0"));
    CHECK(!has_device(NULL, name));
    OK(netns_remove("x", 0));
    netns_close(ns);
    await_device("wan0");
    OK(netns_open_current(&ns));
    OK(netns_link_move(NULL, "wan0", ns, name));
    netns_close(ns);
}

/* Its name is then "dev" followed by its index. */
static void returning_network_card_is_renamed_if_name_is_taken(void)
{
    struct netns *ns = NULL;
    char name[IFNAMSIZ], other[IFNAMSIZ + 8];

    need_a_machine();
    need_kind("dummy");
    snprintf(name, sizeof name, "%s", network_card());
    OK(netns_create("x", 0, &ns));
    OK(netns_link_move(NULL, name, ns, NULL));
    snprintf(other, sizeof other, "dev%u", index_of(ns, name));
    OK(netns_link_add(NULL, name, "dummy"));
    OK(netns_remove("x", 0));
    netns_close(ns);
    await_device(other);
    CHECK(has_device(NULL, name));
    OK(netns_link_del(NULL, name));
    OK(netns_open_current(&ns));
    OK(netns_link_move(NULL, other, ns, name));
    netns_close(ns);
}

/* --- programs in a VRF ------------------------------------------------------------------------- */

static void need_vrf_exec(struct netns **ns)
{
    need_a_machine();
    need_ip();
    OK(netns_create("blue", NETNS_CREATE_LO_UP, ns));
    if (SAID(*ns, NULL, "ip link add vrf0 type vrf table 10 2>&1 && ip link set vrf0 up 2>&1 || :")[0])
        skip("the kernel has no VRF");
}

/* It needs /sys/fs/cgroup, which stays in the new /sys. */
static void ip_vrf_exec_works_inside_namespace(void)
{
    struct netns *ns = NULL;

    need_vrf_exec(&ns);
    SAME(SAID(ns, NULL, "ip vrf exec vrf0 sh -c 'ip vrf identify $$'"), "vrf0");
    SAME(SAID(ns, NULL, "ip vrf identify $$"), "");
    netns_close(ns);
}

/* Unlike `ip netns exec`, which removes a program from its VRF. */
static void netns_exec_keeps_vrf_of_program(void)
{
    const char *examples = getenv("NETNS_EXAMPLES");
    char command[PATH_MAX];
    struct netns *ns = NULL;

    need_vrf_exec(&ns);
    snprintf(command, sizeof command,
             "ip vrf exec vrf0 %s/netns exec blue sh -c 'ip vrf identify $$; grep -c /vrf/vrf0 /proc/$$/cgroup'",
             examples ? examples : "../build/examples");
    SAME(SAID(ns, NULL, command), "vrf0\n1");
    netns_close(ns);
}

int main(void)
{
    RUN(link_add_creates_kinds_without_parameters);
    RUN(vlan_carries_traffic_between_namespaces);

    RUN(link_move_rejects_bonds_and_detaches_bond_ports);
    RUN(link_move_rejects_vrf);
    RUN(moved_ipvlan_keeps_working_until_parent_is_deleted);
    RUN(link_move_removes_queueing_disciplines);
    RUN(moved_wireguard_keeps_socket_in_old_namespace);

    RUN(network_card_returns_when_namespace_is_destroyed);
    RUN(returning_network_card_is_renamed_if_name_is_taken);

    RUN(ip_vrf_exec_works_inside_namespace);
    RUN(netns_exec_keeps_vrf_of_program);
    return finish();
}
