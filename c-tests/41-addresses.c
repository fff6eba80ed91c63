/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Addresses of interfaces: added, deleted and listed. */
#include "links.h"

#include <ctype.h>
#include <linux/if_addr.h>

#define MANY 2000
#define ROUNDS 150

/* The index of the entry with this address, or the list's length if there is none. */
static size_t find(const struct netns_addr_snapshot *list, const char *address)
{
    size_t i, len = netns_addr_list_len(list);

    for (i = 0; i < len && strcmp(netns_addr_list_address(list, i), address) != 0; i++)
        ;
    return i;
}

static bool has_address(const struct netns *ns, const char *address, unsigned prefix)
{
    struct netns_addr_snapshot *list = NULL;
    bool found = false;

    OK(netns_addr_list(ns, 0, &list));
    for (size_t i = 0; i < netns_addr_list_len(list); i++)
        found |= strcmp(netns_addr_list_address(list, i), address) == 0 &&
                 netns_addr_list_prefix(list, i) == prefix;
    netns_addr_list_free(list);
    return found;
}

/* Whether a socket in ns can be bound to the address, which is its purpose. */
static bool can_bind(const struct netns *ns, const char *address)
{
    struct sockaddr_storage at;
    socklen_t len = socket_address(address, 0, &at);
    int fd = datagram_socket(ns, at.ss_family);
    int rc = bind(fd, (struct sockaddr *)&at, len);

    if (rc < 0)
        check_at(errno == EADDRNOTAVAIL, __LINE__, "bind to %s: %s", address, strerror(errno));
    close(fd);
    return rc == 0;
}

/* --- adding and deleting ------------------------------------------------------------------------ */

static void added_address_is_bindable_until_deleted(void)
{
    struct netns *blue = NULL, *red = NULL;

    leave_the_host();
    make_pair(&blue, &red);
    /* Until a namespace has an address, its sockets can be bound to any address. */
    OK(netns_addr_add(blue, "lo", "127.0.0.1/8"));
    OK(netns_addr_add(red, "lo", "127.0.0.1/8"));
    OK(netns_addr_add(NULL, "lo", "127.0.0.1/8"));
    CHECK(!can_bind(blue, "192.0.2.1"));
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    CHECK(can_bind(blue, "192.0.2.1"));
    CHECK(!can_bind(red, "192.0.2.1"));
    CHECK(!can_bind(NULL, "192.0.2.1"));
    OK(netns_addr_add(NULL, "lo", "198.51.100.7"));
    CHECK(can_bind(NULL, "198.51.100.7"));
    CHECK(!can_bind(blue, "198.51.100.7"));
    OK(netns_addr_del(NULL, "lo", "198.51.100.7"));
    CHECK(!can_bind(NULL, "198.51.100.7"));
    OK(netns_addr_del(blue, "v0", "192.0.2.1/24"));
    CHECK(!can_bind(blue, "192.0.2.1"));
    EQUAL(addresses_in(blue), 1);
    close_pair(blue, red);
}

static void nodad_makes_ipv6_address_usable_at_once(void)
{
    struct netns *blue = NULL, *red = NULL;
    struct netns_addr_snapshot *list = NULL;
    size_t i;

    need_ipv6();
    make_connected_pair(&blue, &red);
    OK(netns_addr_add_flags(blue, "v0", "2001:db8::1/64", NETNS_ADDR_NODAD));
    CHECK(can_bind(blue, "2001:db8::1"));
    /* By default the kernel checks whether another host has the address. */
    OK(netns_addr_add(blue, "v0", "2001:db8::2/64"));
    CHECK(!can_bind(blue, "2001:db8::2"));
    OK(netns_addr_list(blue, 0, &list));
    i = find(list, "2001:db8::1");
    CHECK(!(netns_addr_list_flags(list, i) & IFA_F_TENTATIVE));
    CHECK(netns_addr_list_flags(list, i) & IFA_F_NODAD);
    i = find(list, "2001:db8::2");
    CHECK(netns_addr_list_flags(list, i) & IFA_F_TENTATIVE);
    CHECK(!(netns_addr_list_flags(list, i) & IFA_F_NODAD));
    netns_addr_list_free(list);
    /* The flag has no effect for IPv4. */
    OK(netns_addr_add_flags(blue, "v0", "192.0.2.77/24", NETNS_ADDR_NODAD));
    CHECK(can_bind(blue, "192.0.2.77"));
    OK(netns_addr_add_flags(blue, "v0", "192.0.2.78/24", 0));
    close_pair(blue, red);
}

static void addr_del_removes_only_exact_ipv4_match(void)
{
    struct netns *blue = NULL, *red = NULL;

    make_pair(&blue, &red);
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    OK(netns_addr_add(blue, "v0", "192.0.2.1/25"));
    OK(netns_addr_add(blue, "v0", "192.0.2.2/24"));
    OK(netns_addr_add(blue, "lo", "192.0.2.1/24"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "192.0.2.1"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "192.0.2.1/26"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "192.0.2.0/24"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "lo", "192.0.2.2/24"));
    EQUAL(addresses_in(blue), 4);
    OK(netns_addr_del(blue, "v0", "192.0.2.1/25"));
    EQUAL(addresses_in(blue), 3);
    CHECK(!has_address(blue, "192.0.2.1", 25));
    CHECK(has_address(blue, "192.0.2.1", 24));
    OK(netns_addr_del(blue, "v0", "192.0.2.1/24"));
    CHECK(has_address(blue, "192.0.2.1", 24)); /* lo's */
    OK(netns_addr_del(blue, "lo", "192.0.2.1/24"));
    CHECK(!has_address(blue, "192.0.2.1", 24));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "lo", "192.0.2.1/24"));
    close_pair(blue, red);
}

static void addr_del_removes_only_exact_ipv6_match(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_ipv6();
    make_pair(&blue, &red);
    OK(netns_addr_add_flags(blue, "v0", "2001:db8::1/64", NETNS_ADDR_NODAD));
    OK(netns_addr_add_flags(blue, "lo", "2001:db8::3", NETNS_ADDR_NODAD));
    CHECK(has_address(blue, "2001:db8::3", 128));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "2001:db8::1/65"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "2001:db8::1"));
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "lo", "2001:db8::1/64"));
    CHECK(has_address(blue, "2001:db8::1", 64));
    OK(netns_addr_del(blue, "v0", "2001:0DB8:0:0::1/64"));
    CHECK(!has_address(blue, "2001:db8::1", 64));
    OK(netns_addr_del(blue, "lo", "2001:db8::3/128"));
    EQUAL(addresses_in(blue), 0);
    close_pair(blue, red);
}

static void addr_add_of_existing_address_fails_with_eexist(void)
{
    struct netns *blue = NULL, *red = NULL;

    make_pair(&blue, &red);
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    FAILS(EEXIST, netns_addr_add(blue, "v0", "192.0.2.1/24"));
    MESSAGE_HAS("\"192.0.2.1/24\" on \"v0\" in \"blue\"");
    /* With another prefix length it is a different address. */
    OK(netns_addr_add(blue, "v0", "192.0.2.1/32"));
    FAILS(EEXIST, netns_addr_add(blue, "v0", "192.0.2.1"));
    OK(netns_addr_add(red, "v1", "192.0.2.1/24"));
    if (have_ipv6()) {
        OK(netns_addr_add(blue, "v0", "2001:db8::1/64"));
        FAILS(EEXIST, netns_addr_add(blue, "v0", "2001:db8::1/64"));
        /* An IPv6 address is the same with any prefix length. */
        FAILS(EEXIST, netns_addr_add(blue, "v0", "2001:db8::1/65"));
        FAILS(EEXIST, netns_addr_add_flags(blue, "v0", "2001:db8::1", NETNS_ADDR_NODAD));
        EQUAL(addresses_in(blue), 3);
    }
    close_pair(blue, red);
}

/* --- address formats ---------------------------------------------------------------------------- */

/* Other bytes are escaped in messages. */
static bool is_printable(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!isgraph((unsigned char)*at))
            return false;
    return *text;
}

static void addr_calls_reject_invalid_addresses(void)
{
    static const char *const bad[] = {
        "", " ", "/", "/24", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/-1", "192.0.2.1/+24",
        "192.0.2.1/24/24", "192.0.2.1/24 ", " 192.0.2.1/24", "192.0.2.1 /24", "192.0.2.1/ 24",
        "192.0.2.1/255.255.255.0", "192.0.2.1/256", "192.0.2.1/4294967320", "192.0.2.1/0x18",
        "192.0.2.256/24", "192.0.2/24", "192.0.2.1.1/24", "192.0.2.01/24", "192.000.2.1/24",
        "0xc0.0.2.1", "3221225985", "1", "a.b.c.d", "localhost", "default", "any", "192.0.2.1\n",
        "2001:db8::1/129", "2001:db8::1/", "2001:db8::1::/64", "2001:db8:1/64", "::1%lo", "fe80::1%v0/64",
        "12345::1", ":1", "1:2:3:4:5:6:7:8:9", "[::1]", "::ffff:192.0.2.256", "\xff\xfe", "192.0.2.1/\xff"};
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(EINVAL, netns_addr_add(ns, "lo", bad[i]));
        if (is_printable(bad[i]))
            MESSAGE_HAS(bad[i]);
        FAILS(EINVAL, netns_addr_del(ns, "lo", bad[i]));
        FAILS(EINVAL, netns_addr_add_flags(ns, "lo", bad[i], NETNS_ADDR_NODAD));
    }
    FAILS(EINVAL, netns_addr_add(ns, "lo", NULL));
    MESSAGE_HAS("no address given");
    FAILS(EINVAL, netns_addr_del(ns, "lo", NULL));
    EQUAL(addresses_in(ns), 0);
    netns_close(ns);
}

static void addr_calls_accept_equivalent_ipv6_notations(void)
{
    static const char *const spellings[][2] = {
        {"2001:DB8:0000:0000:0000:0000:0000:0001/64", "2001:db8::1"},
        {"2001:db8:0:0:1::/128", "2001:db8:0:0:1::"},
        {"2001:db8::192.0.2.1", "2001:db8::c000:201"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"fe80::7/10", "fe80::7"},
    };
    struct netns *ns = NULL;

    need_ipv6();
    OK(netns_create("blue", 0, &ns));
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct netns_addr_snapshot *list = NULL;

        OK(netns_addr_add(ns, "lo", spellings[i][0]));
        OK(netns_addr_list(ns, 0, &list));
        EQUAL(netns_addr_list_len(list), 1);
        SAME(netns_addr_list_address(list, 0), spellings[i][1]);
        netns_addr_list_free(list);
        OK(netns_addr_del(ns, "lo", spellings[i][0]));
    }
    EQUAL(addresses_in(ns), 0);
    netns_close(ns);
}

static void addr_add_accepts_prefix_lengths_from_0_to_full(void)
{
    struct netns *ns = NULL;
    char text[64];

    OK(netns_create("blue", 0, &ns));
    for (int len = 0; len <= 32; len += 4) {
        snprintf(text, sizeof text, "192.0.2.1/%d", len);
        OK(netns_addr_add(ns, "lo", text));
        CHECK(has_address(ns, "192.0.2.1", len));
        OK(netns_addr_del(ns, "lo", text));
    }
    for (int len = 0; have_ipv6() && len <= 128; len += 16) {
        snprintf(text, sizeof text, "2001:db8::1/%03d", len);
        OK(netns_addr_add(ns, "lo", text));
        CHECK(has_address(ns, "2001:db8::1", len));
        OK(netns_addr_del(ns, "lo", text));
    }
    EQUAL(addresses_in(ns), 0);
    netns_close(ns);
}

/* --- errors ------------------------------------------------------------------------------------- */

static void addr_calls_reject_invalid_interfaces_and_flags(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    REFUSES_BAD_NAMES(name, netns_addr_add(ns, name, "192.0.2.1/24"));
    REFUSES_BAD_NAMES(name, netns_addr_add_flags(ns, name, "192.0.2.1/24", 0));
    REFUSES_BAD_NAMES(name, netns_addr_del(ns, name, "192.0.2.1/24"));
    FAILS(ENODEV, netns_addr_add(ns, "nosuch", "192.0.2.1/24"));
    MESSAGE_HAS("\"nosuch\"");
    FAILS(ENODEV, netns_addr_add(ns, LONGEST_IFNAME, "2001:db8::1/64"));
    FAILS(ENODEV, netns_addr_del(ns, "nosuch", "192.0.2.1/24"));
    for (int bit = 0; bit < 32; bit++)
        if (1u << bit != NETNS_ADDR_NODAD)
            FAILS(EINVAL, netns_addr_add_flags(ns, "lo", "192.0.2.1/24", 1u << bit));
    EQUAL(addresses_in(ns), 0);
    netns_close(ns);
}

static void addr_add_reports_why_kernel_rejects_ipv6_address(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_ipv6();
    make_pair(&blue, &red);
    FAILS(EADDRNOTAVAIL, netns_addr_add(blue, "v0", "ff02::1234/64"));
    /* Before Linux 6.6 there is no message. */
    if (kernel_is_at_least(6, 6))
        MESSAGE_HAS("multicast");
    FAILS(EADDRNOTAVAIL, netns_addr_add(blue, "v0", "::"));
    FAILS(EADDRNOTAVAIL, netns_addr_add(blue, "v0", "::1"));
    MESSAGE_HAS("add the address: ");
    OK(netns_link_set_mtu(blue, "v0", 1279));
    FAILS(EINVAL, netns_addr_add(blue, "v0", "2001:db8::1/64"));
    OK(netns_link_set_mtu(blue, "v0", 1280));
    OK(netns_addr_add(blue, "v0", "2001:db8::1/64"));
    /* IPv4 has no such limits. */
    OK(netns_link_set_mtu(blue, "v0", 68));
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    close_pair(blue, red);
}

/* For IPv4 the kernel would report that it exists. */
static void addr_calls_reject_all_zero_addresses(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    FAILS(EADDRNOTAVAIL, netns_addr_add(ns, "lo", "0.0.0.0/8"));
    MESSAGE_HAS("all-zero address");
    FAILS(EADDRNOTAVAIL, netns_addr_add(ns, "lo", "0.0.0.0"));
    FAILS(EADDRNOTAVAIL, netns_addr_add_flags(ns, "lo", "::/64", NETNS_ADDR_NODAD));
    FAILS(EADDRNOTAVAIL, netns_addr_del(ns, "lo", "0.0.0.0/8"));
    EQUAL(addresses_in(ns), 0);
    netns_close(ns);
}

/* An interface with such a small MTU does not support IP. */
static void addr_calls_fail_if_mtu_is_too_small_for_ip(void)
{
    struct netns *blue = NULL, *red = NULL;

    make_pair(&blue, &red);
    if (have_ipv6()) {
        OK(netns_addr_add(blue, "v0", "2001:db8::1/64"));
        OK(netns_link_set_mtu(blue, "v0", 1279));
        FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "v0", "2001:db8::1/64"));
        FAILS(EINVAL, netns_addr_add(blue, "v0", "2001:db8::1/64"));
        MESSAGE_HAS("1280");
    }
    OK(netns_addr_add(blue, "lo", "192.0.2.1/24"));
    EQUAL(addresses_in(blue), 1);
    OK(netns_link_set_mtu(blue, "lo", 67));
    EQUAL(addresses_in(blue), 0);
    FAILS(EADDRNOTAVAIL, netns_addr_del(blue, "lo", "192.0.2.1/24"));
    FAILS(ENOBUFS, netns_addr_add(blue, "lo", "192.0.2.1/24"));
    MESSAGE_HAS("MTU");
    FAILS(ENODEV, netns_addr_del(blue, "nosuch", "192.0.2.1/24"));
    OK(netns_link_set_mtu(blue, "lo", 68));
    OK(netns_addr_add(blue, "lo", "192.0.2.1/24"));
    close_pair(blue, red);
}

static void addr_add_with_ipv6_disabled_fails_with_eacces(void)
{
    struct netns *blue = NULL, *red = NULL;

    need_ipv6();
    make_pair(&blue, &red);
    IN_CHILD(switch_ipv6_off, blue);
    FAILS(EACCES, netns_addr_add(blue, "v0", "2001:db8::1/64"));
    MESSAGE_HAS("disable_ipv6");
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    close_pair(blue, red);
}

/* --- the list ----------------------------------------------------------------------------------- */

static void addr_list_reports_address_attributes(void)
{
    struct netns *blue = NULL, *red = NULL;
    struct netns_addr_snapshot *list = NULL;
    size_t i;

    leave_the_host();
    make_pair(&blue, &red);
    OK(netns_link_up(blue, "lo"));
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    OK(netns_addr_add(blue, "v0", "169.254.3.4/16"));
    OK(netns_addr_list(blue, 0, &list));
    i = find(list, "192.0.2.1");
    EQUAL(netns_addr_list_family(list, i), AF_INET);
    EQUAL(netns_addr_list_prefix(list, i), 24);
    EQUAL(netns_addr_list_index(list, i), index_of(blue, "v0"));
    SAME(netns_addr_list_ifname(list, i), "v0");
    EQUAL(netns_addr_list_scope(list, i), RT_SCOPE_UNIVERSE);
    SAME(netns_addr_list_label(list, i), "v0");
    CHECK(netns_addr_list_flags(list, i) & IFA_F_PERMANENT);
    SAME(netns_addr_list_peer(list, i), NULL);
    SAME(netns_addr_list_broadcast(list, i), NULL);
    i = find(list, "127.0.0.1");
    SAME(netns_addr_list_ifname(list, i), "lo");
    EQUAL(netns_addr_list_scope(list, i), RT_SCOPE_HOST);
    EQUAL(netns_addr_list_prefix(list, i), 8);
    CHECK(find(list, "169.254.3.4") < netns_addr_list_len(list));
    if (have_ipv6()) {
        i = find(list, "::1");
        EQUAL(netns_addr_list_family(list, i), AF_INET6);
        EQUAL(netns_addr_list_prefix(list, i), 128);
        SAME(netns_addr_list_ifname(list, i), "lo");
        EQUAL(netns_addr_list_scope(list, i), RT_SCOPE_HOST);
        SAME(netns_addr_list_label(list, i), NULL);
        SAME(netns_addr_list_broadcast(list, i), NULL);
        /* IPv4 comes first. */
        EQUAL(i, 3);
    }
    netns_addr_list_free(list);
    /* The list is a snapshot. */
    OK(netns_addr_list(blue, 0, &list));
    OK(netns_addr_del(blue, "v0", "192.0.2.1/24"));
    CHECK(find(list, "192.0.2.1") < netns_addr_list_len(list));
    netns_addr_list_free(list);
    CHECK(!has_address(blue, "192.0.2.1", 24));
    EQUAL(addresses_in(NULL), 0);
    close_pair(blue, red);
}

static void addr_add_chooses_scope_from_address(void)
{
    struct netns *ns = NULL;
    struct netns_addr_snapshot *list = NULL;

    OK(netns_create("blue", 0, &ns));
    OK(netns_addr_add(ns, "lo", "127.0.0.9/8"));
    OK(netns_addr_add(ns, "lo", "192.0.2.1/24"));
    OK(netns_addr_list(ns, 0, &list));
    EQUAL(netns_addr_list_scope(list, find(list, "127.0.0.9")), RT_SCOPE_HOST);
    EQUAL(netns_addr_list_scope(list, find(list, "192.0.2.1")), RT_SCOPE_UNIVERSE);
    netns_addr_list_free(list);
    if (have_ipv6()) {
        OK(netns_addr_add(ns, "lo", "fe80::1/64"));
        OK(netns_addr_list(ns, 0, &list));
        EQUAL(netns_addr_list_scope(list, find(list, "fe80::1")), RT_SCOPE_LINK);
        netns_addr_list_free(list);
    }
    netns_close(ns);
}

static void check_past_the_end(const struct netns_addr_snapshot *list, size_t i)
{
    SAME(netns_addr_list_address(list, i), NULL);
    EQUAL(netns_addr_list_prefix(list, i), 0);
    EQUAL(netns_addr_list_family(list, i), 0);
    EQUAL(netns_addr_list_index(list, i), 0);
    SAME(netns_addr_list_ifname(list, i), NULL);
    EQUAL(netns_addr_list_scope(list, i), 0);
    SAME(netns_addr_list_label(list, i), NULL);
    EQUAL(netns_addr_list_flags(list, i), 0);
    SAME(netns_addr_list_peer(list, i), NULL);
    SAME(netns_addr_list_broadcast(list, i), NULL);
}

static void addr_list_handles_invalid_flags_and_indices(void)
{
    struct netns_addr_snapshot *list = (void *)&test_failures;
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    for (int bit = 0; bit < 32; bit++)
        FAILS(EINVAL, netns_addr_list(ns, 1u << bit, &list));
    CHECK(list == (void *)&test_failures);
    FAILS(EINVAL, netns_addr_list(ns, 0, NULL));
    OK(netns_addr_add(ns, "lo", "192.0.2.1/24"));
    OK(netns_addr_list(ns, 0, &list));
    EQUAL(netns_addr_list_len(list), 1);
    check_past_the_end(list, 1);
    check_past_the_end(list, SIZE_MAX);
    netns_addr_list_free(list);
    EQUAL(netns_addr_list_len(NULL), 0);
    check_past_the_end(NULL, 0);
    errno = ERRNO_UNTOUCHED;
    netns_addr_list_free(NULL);
    EQUAL(errno, ERRNO_UNTOUCHED);
    netns_close(ns);
}

/* The i-th of many addresses. */
static const char *one_of_many(int i)
{
    static char text[64];

    if (i % 2 && have_ipv6())
        snprintf(text, sizeof text, "2001:db8::%x/64", 0x1000 + i);
    else
        snprintf(text, sizeof text, "10.%d.%d.1/24", i / 250, i % 250);
    return text;
}

static size_t find_one_of_many(const struct netns_addr_snapshot *list, int i)
{
    char text[64];

    snprintf(text, sizeof text, "%s", one_of_many(i));
    *strchr(text, '/') = '\0';
    return find(list, text);
}

static void addr_list_reads_several_datagrams(void)
{
    struct netns *ns = NULL;
    struct netns_addr_snapshot *list = NULL;
    int count = under_valgrind() ? MANY / 10 : MANY;

    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < count; i++)
        OK(netns_addr_add_flags(ns, "lo", one_of_many(i), NETNS_ADDR_NODAD));
    OK(netns_addr_list(ns, 0, &list));
    EQUAL(netns_addr_list_len(list), count);
    for (int i = 0; i < count; i++) {
        size_t at = find_one_of_many(list, i);

        CHECK(at < netns_addr_list_len(list));
        SAME(netns_addr_list_ifname(list, at), "lo");
    }
    netns_addr_list_free(list);
    netns_close(ns);
}

static void add_and_delete_another(const struct netns *ns, int i)
{
    const char *text = i % 2 && have_ipv6() ? "2001:db8:1::1/64" : "198.51.100.1/24";

    OK(netns_addr_add_flags(ns, "lo", text, NETNS_ADDR_NODAD));
    OK(netns_addr_del(ns, "lo", text));
}

static int find_those_that_stay(const struct netns *ns, int staying)
{
    struct netns_addr_snapshot *list = NULL;
    int found = 0, rc = netns_addr_list(ns, 0, &list);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < netns_addr_list_len(list); i++) {
        const char *address = netns_addr_list_address(list, i);

        found += strncmp(address, "10.", 3) == 0 || strncmp(address, "2001:db8::", 10) == 0;
    }
    /* A duplicate would make the number too large, unless another entry were missing. */
    EQUAL(found, staying);
    for (int i = 0; i < staying; i += 97)
        CHECK(find_one_of_many(list, i) < netns_addr_list_len(list));
    netns_addr_list_free(list);
    return rc;
}

static void addr_list_is_complete_during_concurrent_changes(void)
{
    int staying = is_slow() ? 100 : 1000;
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    for (int i = 0; i < staying; i++)
        OK(netns_addr_add_flags(ns, "lo", one_of_many(i), NETNS_ADDR_NODAD));
    look_meanwhile(ns, add_and_delete_another, find_those_that_stay, staying,
                   is_slow() ? 10 : ROUNDS);
    netns_close(ns);
}

/* --- privileges and failures ----------------------------------------------------------------------- */

static int add(const struct netns *ns)
{
    return netns_addr_add(ns, "lo", "198.51.100.1/24");
}

static int del(const struct netns *ns)
{
    return netns_addr_del(ns, "lo", "192.0.2.1/24");
}

static int list_them(const struct netns *ns)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(ns, 0, &list);

    netns_addr_list_free(list);
    return rc;
}

/* All except the last, which lists, change something. */
static request *const requests[] = {add, del, list_them};

#define REQUESTS (sizeof requests / sizeof *requests)
#define CHANGES (REQUESTS - 1)

static void make_place(struct netns **ns)
{
    OK(netns_create("blue", 0, ns));
    OK(netns_addr_add(*ns, "lo", "192.0.2.1/24"));
}

static void change_without_net_admin(void *arg)
{
    all_take_net_admin(requests, CHANGES, arg);
    /* Listing needs only the privileges for entering the namespace. */
    EQUAL(addresses_in(arg), 1);
}

static void address_changes_without_net_admin_fail_with_eperm(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    IN_CHILD(change_without_net_admin, ns);
    netns_close(ns);
}

static void work_as_root_of_a_user_namespace(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    become_plain_user();
    enter_user_namespace(0);
    OK(netns_create(NULL, 0, &ns));
    OK(netns_addr_add(ns, "lo", "192.0.2.1/24"));
    CHECK(can_bind(ns, "192.0.2.1"));
    EQUAL(addresses_in(ns), 1);
    /* Nor in the host's namespace. */
    FAILS(EPERM, netns_addr_add(NULL, "lo", "192.0.2.1/24"));
    OK(netns_addr_del(ns, "lo", "192.0.2.1/24"));
    EQUAL(addresses_in(ns), 0);
    EQUAL(threads_left(), 1);
    netns_close(ns);
}

static void addr_calls_work_in_unprivileged_user_namespace(void)
{
    IN_CHILD(work_as_root_of_a_user_namespace, NULL);
}

static void addr_calls_without_descriptors_fail_with_emfile(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    for (size_t i = 0; i < REQUESTS; i++)
        request_runs_out_of_descriptors(requests[i]);
    netns_close(ns);
}

static void failed_socket_or_sendto_leaves_addresses_unchanged(void)
{
    struct netns *ns = NULL;

    make_place(&ns);
    all_fail_with_fault(requests, REQUESTS, SYS_socket, ENOBUFS, __LINE__);
    all_fail_with_fault(requests, REQUESTS, SYS_sendto, ENOBUFS, __LINE__);
    EQUAL(addresses_in(ns), 1);
    netns_close(ns);
}

int main(void)
{
    RUN(added_address_is_bindable_until_deleted);
    RUN(nodad_makes_ipv6_address_usable_at_once);
    RUN(addr_del_removes_only_exact_ipv4_match);
    RUN(addr_del_removes_only_exact_ipv6_match);
    RUN(addr_add_of_existing_address_fails_with_eexist);

    RUN(addr_calls_reject_invalid_addresses);
    RUN(addr_calls_accept_equivalent_ipv6_notations);
    RUN(addr_add_accepts_prefix_lengths_from_0_to_full);

    RUN(addr_calls_reject_invalid_interfaces_and_flags);
    RUN(addr_add_reports_why_kernel_rejects_ipv6_address);
    RUN(addr_calls_reject_all_zero_addresses);
    RUN(addr_calls_fail_if_mtu_is_too_small_for_ip);
    RUN(addr_add_with_ipv6_disabled_fails_with_eacces);

    RUN(addr_list_reports_address_attributes);
    RUN(addr_add_chooses_scope_from_address);
    RUN(addr_list_handles_invalid_flags_and_indices);
    RUN(addr_list_reads_several_datagrams);
    RUN(addr_list_is_complete_during_concurrent_changes);

    RUN(address_changes_without_net_admin_fail_with_eperm);
    RUN(addr_calls_work_in_unprivileged_user_namespace);
    RUN(addr_calls_without_descriptors_fail_with_emfile);
    RUN(failed_socket_or_sendto_leaves_addresses_unchanged);
    return finish();
}
