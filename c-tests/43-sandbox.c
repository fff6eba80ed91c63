/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A namespace with a network, as examples/sandbox.c creates it, from the first call to the state after the
 * last: with these calls only, without starting a process.
 */
#include "links.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>

#define MEGABYTE (1 << 20)
#define PATIENCE (20000 * slowness()) /* milliseconds */
#define PORT 7777

/* One of the two address families to do everything with. */
struct plan {
    int family;
    const char *outside, *inside; /* of the veth pair, with the prefix length */
    const char *far;              /* the sandbox's second address, not on the link */
    const char *gateway_out, *gateway_in;
};

static const struct plan v4 = {AF_INET,      "192.168.1.1/24", "192.168.1.2/24",
                               "172.16.0.2", "192.168.1.1",    "192.168.1.2"};
static const struct plan v6 = {AF_INET6,       "2001:db8:1::1/64", "2001:db8:1::2/64",
                               "2001:db8:2::2", "2001:db8:1::1",    "2001:db8:1::2"};

static void set_up(const struct plan *plan, struct netns **sandbox)
{
    OK(netns_create("sandbox", NETNS_CREATE_LO_UP, sandbox));
    OK(netns_veth_add(NULL, "v0p0", *sandbox, "v0p1"));
    OK(netns_addr_add_flags(NULL, "v0p0", plan->outside, NETNS_ADDR_NODAD));
    OK(netns_addr_add_flags(*sandbox, "v0p1", plan->inside, NETNS_ADDR_NODAD));
    OK(netns_addr_add_flags(*sandbox, "v0p1", plan->far, NETNS_ADDR_NODAD));
    OK(netns_link_up(NULL, "v0p0"));
    OK(netns_link_up(*sandbox, "v0p1"));
    OK(netns_route_add(NULL, plan->far, plan->gateway_in, NULL));
    OK(netns_route_add(*sandbox, "default", plan->gateway_out, NULL));
}

/* --- echo --------------------------------------------------------------------------------------- */

struct echo {
    uint8_t type, code;
    uint16_t checksum, id, sequence;
    char text[8];
};

static uint16_t checksum(const void *data, size_t len)
{
    const uint16_t *words = data;
    uint32_t sum = 0;

    for (; len > 1; len -= 2)
        sum += *words++;
    sum = (sum >> 16) + (sum & 0xffff);
    return ~(sum + (sum >> 16));
}

/* Waits for the answer and ignores other packets. */
static bool answered(int fd, const struct plan *plan, const struct echo *request)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    uint8_t wanted = plan->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
    double until = seconds() + PATIENCE / 1e3;
    unsigned char packet[512];
    struct echo answer;

    while (seconds() < until && poll(&ready, 1, PATIENCE) > 0) {
        ssize_t len = recv(fd, packet, sizeof packet, 0);
        size_t head = plan->family == AF_INET ? (packet[0] & 15) * 4u : 0;

        if (len != (ssize_t)(head + sizeof answer))
            continue;
        memcpy(&answer, packet + head, sizeof answer);
        if (answer.type == wanted && answer.sequence == request->sequence)
            return memcmp(answer.text, request->text, sizeof answer.text) == 0;
    }
    return false;
}

static void check_echo(const struct plan *plan)
{
    struct echo request = {.type = plan->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
                           .id = htons(4242), .text = "sandboxe"};
    struct sockaddr_storage to;
    socklen_t len = socket_address(plan->far, 0, &to);
    int fd = MUST(socket(plan->family, SOCK_RAW | SOCK_CLOEXEC,
                         plan->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6));

    for (int i = 1; i <= 3; i++) {
        request.sequence = htons(i);
        request.checksum = 0;
        /* The kernel computes the checksum of ICMPv6. */
        if (plan->family == AF_INET)
            request.checksum = checksum(&request, sizeof request);
        EQUAL(MUST(sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&to, len)),
              sizeof request);
        CHECK(answered(fd, plan, &request));
    }
    close(fd);
}

/* --- a transfer --------------------------------------------------------------------------------- */

/* Byte i of the transmitted data, so that the receiver notices missing or misplaced bytes. */
static unsigned char pattern(size_t i)
{
    return i * 31 + (i >> 8);
}

/* Runs on its own thread outside: connects to the sandbox and sends. */
static void *send_a_megabyte(void *arg)
{
    static unsigned char data[MEGABYTE];
    const struct plan *plan = arg;
    struct sockaddr_storage to;
    socklen_t len = socket_address(plan->far, PORT, &to);
    int fd = MUST(socket(plan->family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    size_t i, sent = 0;

    for (i = 0; i < sizeof data; i++)
        data[i] = pattern(i);
    MUST(connect(fd, (struct sockaddr *)&to, len));
    while (sent < sizeof data)
        sent += MUST(send(fd, data + sent, sizeof data - sent, MSG_NOSIGNAL));
    close(fd);
    return NULL;
}

static void check_transfer(const struct plan *plan, const struct netns *sandbox)
{
    struct sockaddr_storage at;
    socklen_t len = socket_address(plan->far, PORT, &at);
    int listener = OK(netns_socket(sandbox, plan->family, SOCK_STREAM, 0)), fd;
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    size_t received = 0, wrong = 0;
    unsigned char data[16384];
    pthread_t sender;
    ssize_t n;

    MUST(bind(listener, (struct sockaddr *)&at, len));
    MUST(listen(listener, 1));
    MUST(-pthread_create(&sender, NULL, send_a_megabyte, (void *)plan));
    CHECK(poll(&ready, 1, PATIENCE) > 0);
    fd = MUST(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    while ((n = recv(fd, data, sizeof data, 0)) > 0)
        for (ssize_t i = 0; i < n; i++, received++)
            wrong += data[i] != pattern(received);
    EQUAL(n, 0);
    EQUAL(received, MEGABYTE);
    EQUAL(wrong, 0);
    pthread_join(sender, NULL);
    close(fd);
    close(listener);
    EQUAL(threads_left(), 1);
}

/* --- the tests ---------------------------------------------------------------------------------- */

static void check_lists(const struct plan *plan, const struct netns *sandbox)
{
    struct netns_addr_snapshot *addresses = NULL;
    struct netns_route_snapshot *routes = NULL;
    int far = 0, by_gateway = 0;

    OK(netns_addr_list(sandbox, 0, &addresses));
    for (size_t i = 0; i < netns_addr_list_len(addresses); i++)
        far += strcmp(netns_addr_list_address(addresses, i), plan->far) == 0 &&
               strcmp(netns_addr_list_ifname(addresses, i), "v0p1") == 0;
    EQUAL(far, 1);
    netns_addr_list_free(addresses);
    OK(netns_route_list(sandbox, 0, &routes));
    for (size_t i = 0; i < netns_route_list_len(routes); i++) {
        const char *via = netns_route_list_via(routes, i);

        by_gateway += strcmp(netns_route_list_dst(routes, i), "default") == 0 && via &&
                      strcmp(via, plan->gateway_out) == 0;
    }
    EQUAL(by_gateway, 1);
    netns_route_list_free(routes);
}

/* The kernel destroys a namespace asynchronously. */
static bool goes_away(const char *ifname)
{
    double until = seconds() + PATIENCE / 1e3;

    while (has_device(NULL, ifname) && seconds() < until)
        sleep_ms(5);
    return !has_device(NULL, ifname);
}

static void live_and_die(const struct plan *plan)
{
    struct netns *sandbox = NULL;
    uint64_t home;

    leave_the_host();
    need_veth();
    OK(netns_link_up(NULL, "lo"));
    home = here();
    set_up(plan, &sandbox);
    EQUAL(here(), home);
    check_lists(plan, sandbox);
    check_echo(plan);
    check_transfer(plan, sandbox);

    OK(netns_remove("sandbox", 0));
    SAME(names(), "");
    /* The handle keeps the namespace and its network alive. */
    check_echo(plan);
    netns_close(sandbox);
    CHECK(goes_away("v0p0"));
    EQUAL(routes_in(NULL), 0);
}

static void sandbox_is_reachable_over_ipv4(void)
{
    live_and_die(&v4);
}

static void sandbox_is_reachable_over_ipv6(void)
{
    need_ipv6();
    live_and_die(&v6);
}

static void a_plain_user_may_have_one(void *arg)
{
    (void)arg;
    become_plain_user();
    enter_user_namespace_with_run_directory(CLONE_NEWNET);
    live_and_die(&v4);
}

static void unprivileged_user_can_create_sandbox(void)
{
    IN_CHILD(a_plain_user_may_have_one, NULL);
}

static void sandbox_setup_can_be_undone_step_by_step(void)
{
    struct netns *sandbox = NULL;
    int devices, addresses;

    leave_the_host();
    need_veth();
    OK(netns_link_up(NULL, "lo"));
    OK(netns_create("sandbox", NETNS_CREATE_LO_UP, &sandbox));
    devices = devices_in(NULL), addresses = addresses_in(NULL);
    netns_close(sandbox);
    OK(netns_remove("sandbox", 0));

    set_up(&v4, &sandbox);
    OK(netns_route_del(sandbox, "default", v4.gateway_out, NULL));
    OK(netns_route_del(NULL, v4.far, v4.gateway_in, NULL));
    OK(netns_addr_del(sandbox, "v0p1", v4.far));
    OK(netns_addr_del(sandbox, "v0p1", v4.inside));
    OK(netns_addr_del(NULL, "v0p0", v4.outside));
    OK(netns_link_down(sandbox, "v0p1"));
    OK(netns_link_down(NULL, "v0p0"));
    OK(netns_link_del(NULL, "v0p0"));
    EQUAL(devices_in(NULL), devices);
    EQUAL(devices_in(sandbox), devices);
    EQUAL(addresses_in(NULL), addresses);
    EQUAL(addresses_in(sandbox), addresses);
    EQUAL(routes_in(NULL), 0);
    EQUAL(routes_in(sandbox), 0);
    netns_close(sandbox);
    OK(netns_remove("sandbox", 0));
}

/* Each is reached by its own address, and disappears with its last user. */
static void many_sandboxes_are_reachable_independently(void)
{
    enum { COUNT = 20 };
    struct netns *sandboxes[COUNT];
    char outside[16], address[32];

    leave_the_host();
    need_veth();
    for (int i = 0; i < COUNT; i++) {
        snprintf(outside, sizeof outside, "out%d", i);
        OK(netns_create(NULL, NETNS_CREATE_LO_UP, &sandboxes[i]));
        OK(netns_veth_add(NULL, outside, sandboxes[i], "eth0"));
        snprintf(address, sizeof address, "10.0.%d.1/24", i);
        OK(netns_addr_add(NULL, outside, address));
        snprintf(address, sizeof address, "10.0.%d.2/24", i);
        OK(netns_addr_add(sandboxes[i], "eth0", address));
        OK(netns_link_up(NULL, outside));
        OK(netns_link_up(sandboxes[i], "eth0"));
        snprintf(address, sizeof address, "10.0.%d.1", i);
        OK(netns_route_add(sandboxes[i], "default", address, NULL));
    }
    for (int i = 0; i < COUNT; i++) {
        struct plan plan = {.family = AF_INET, .far = address};

        snprintf(address, sizeof address, "10.0.%d.2", i);
        check_echo(&plan);
        check_transfer(&plan, sandboxes[i]);
    }
    for (int i = 0; i < COUNT; i++)
        netns_close(sandboxes[i]);
    for (int i = 0; i < COUNT; i++) {
        snprintf(outside, sizeof outside, "out%d", i);
        CHECK(goes_away(outside));
    }
}

int main(void)
{
    RUN(sandbox_is_reachable_over_ipv4);
    RUN(sandbox_is_reachable_over_ipv6);
    RUN(unprivileged_user_can_create_sandbox);
    RUN(sandbox_setup_can_be_undone_step_by_step);
    RUN(many_sandboxes_are_reachable_independently);
    return finish();
}
