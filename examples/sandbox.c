/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A network namespace with a veth pair, created, configured and used without any other program or library.
 *
 *     cc sandbox.c $(pkg-config --cflags --libs netns) -pthread
 *
 *      outside                             sandbox
 *      v0p0 192.168.1.1/24 ============== v0p1 192.168.1.2/24, 172.16.0.2
 *      172.16.0.2 via 192.168.1.2          default via 192.168.1.1
 *
 * It then sends an ICMP echo request and a megabyte over TCP to 172.16.0.2. "Outside" is a private network
 * namespace of this program, so nothing of it is visible on the host, and a plain user can run it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <libnetns/netns.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEGABYTE (1 << 20)
#define PATIENCE 5000 /* milliseconds */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Exits with the library's message, which says what failed and what to do about it. */
static int must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", netns_errmsg());
        exit(1);
    }
    return rc;
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die(path);
}

/* Enters private namespaces with an empty /run, in which a plain user is root. */
static void enter_a_private_world(void)
{
    int plain = geteuid() != 0;
    char users[64], groups[64];

    snprintf(users, sizeof users, "0 %u 1", geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", getegid());
    if (unshare((plain ? CLONE_NEWUSER : 0) | CLONE_NEWNET | CLONE_NEWNS) < 0)
        die("cannot create the namespaces; run this as root");
    if (plain) {
        write_to("/proc/self/setgroups", "deny");
        write_to("/proc/self/uid_map", users);
        write_to("/proc/self/gid_map", groups);
    }
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        die("mount /");
    if (mount("sandbox", "/run", "tmpfs", 0, "mode=755") < 0)
        die("mount /run");
}

/* NULL means the calling thread's network namespace: outside. */
static struct netns *set_up(void)
{
    struct netns *sandbox;

    must(netns_create("sandbox", NETNS_CREATE_LO_UP, &sandbox));
    must(netns_veth_add(NULL, "v0p0", sandbox, "v0p1"));

    must(netns_addr_add(NULL, "v0p0", "192.168.1.1/24"));
    must(netns_addr_add(sandbox, "v0p1", "192.168.1.2/24"));
    must(netns_addr_add(sandbox, "v0p1", "172.16.0.2"));

    must(netns_link_up(NULL, "v0p0"));
    must(netns_link_up(sandbox, "v0p1"));

    must(netns_route_add(NULL, "172.16.0.2", "192.168.1.2", NULL));
    must(netns_route_add(sandbox, "default", "192.168.1.1", NULL));
    return sandbox;
}

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

static void show(const char *where, const struct netns *ns)
{
    struct netns_link_snapshot *links;
    struct netns_addr_snapshot *addresses;
    struct netns_route_snapshot *routes;
    size_t i;

    must(netns_link_list(ns, 0, &links));
    must(netns_addr_list(ns, 0, &addresses));
    must(netns_route_list(ns, 0, &routes));
    printf("%s:\n", where);
    for (i = 0; i < netns_link_list_len(links); i++)
        printf("  link    %-5s %-4s MTU %u, %s\n", netns_link_list_name(links, i),
               or_none(netns_link_list_kind(links, i)), netns_link_list_mtu(links, i),
               netns_link_list_flags(links, i) & IFF_UP ? "up" : "down");
    for (i = 0; i < netns_addr_list_len(addresses); i++)
        if (netns_addr_list_family(addresses, i) == AF_INET)
            printf("  address %-5s %s/%u\n", netns_addr_list_ifname(addresses, i),
                   netns_addr_list_address(addresses, i), netns_addr_list_prefix(addresses, i));
    for (i = 0; i < netns_route_list_len(routes); i++)
        if (netns_route_list_family(routes, i) == AF_INET)
            printf("  route   %-5s %s via %s\n", netns_route_list_ifname(routes, i),
                   netns_route_list_dst(routes, i), or_none(netns_route_list_via(routes, i)));
    netns_link_list_free(links);
    netns_addr_list_free(addresses);
    netns_route_list_free(routes);
}

static struct sockaddr_in sandboxed(in_port_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, "172.16.0.2", &address.sin_addr);
    return address;
}

static uint16_t checksum(const void *data, size_t len)
{
    const uint16_t *words = data;
    uint32_t sum = 0;

    for (; len > 1; len -= 2)
        sum += *words++;
    sum = (sum >> 16) + (sum & 0xffff);
    return ~(sum + (sum >> 16));
}

static void ping(void)
{
    struct {
        struct icmphdr head;
        char text[8];
    } request = {.head = {.type = ICMP_ECHO, .un.echo.sequence = htons(1)}, .text = "libnetns"};
    struct {
        struct iphdr ip;
        struct icmphdr head;
        char text[8];
    } answer;
    struct sockaddr_in to = sandboxed(0);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    request.head.checksum = checksum(&request, sizeof request);
    if (fd < 0 || sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&to, sizeof to) < 0)
        die("ping");
    if (poll(&ready, 1, PATIENCE) <= 0 || recv(fd, &answer, sizeof answer, 0) != sizeof answer)
        die("no answer to the ping");
    if (answer.head.type != ICMP_ECHOREPLY || memcmp(answer.text, request.text, 8) != 0)
        die("a wrong answer to the ping");
    printf("ping: 172.16.0.2 answers\n");
    close(fd);
}

/* Returns byte i of the data, so that the receiver detects missing or misplaced bytes. */
static unsigned char pattern(size_t i)
{
    return i * 31 + (i >> 8);
}

/* Runs outside: connects to the sandbox and sends. */
static void *send_a_megabyte(void *arg)
{
    static unsigned char data[MEGABYTE];
    struct sockaddr_in to = sandboxed(7777);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t i, sent = 0;

    (void)arg;
    for (i = 0; i < sizeof data; i++)
        data[i] = pattern(i);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    while (sent < sizeof data) {
        ssize_t n = send(fd, data + sent, sizeof data - sent, MSG_NOSIGNAL);

        if (n < 0)
            die("send");
        sent += n;
    }
    close(fd);
    return NULL;
}

static size_t receive(int fd)
{
    unsigned char data[16384];
    size_t received = 0;
    ssize_t n, i;

    while ((n = recv(fd, data, sizeof data, 0)) > 0) {
        for (i = 0; i < n; i++, received++) {
            if (data[i] != pattern(received)) {
                fprintf(stderr, "byte %zu is wrong\n", received);
                exit(1);
            }
        }
    }
    if (n < 0)
        die("recv");
    return received;
}

static void transfer(const struct netns *sandbox)
{
    struct sockaddr_in at = sandboxed(7777);
    /* This thread stays outside; only the socket is in the sandbox. */
    int listener = must(netns_socket(sandbox, AF_INET, SOCK_STREAM, 0));
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    pthread_t sender;
    int fd;

    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1) < 0)
        die("listen");
    if (pthread_create(&sender, NULL, send_a_megabyte, NULL) != 0)
        die("pthread_create");
    if (poll(&ready, 1, PATIENCE) <= 0)
        die("no connection");
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        die("accept");
    if (receive(fd) != MEGABYTE) {
        fprintf(stderr, "less than was sent\n");
        exit(1);
    }
    pthread_join(sender, NULL);
    printf("TCP: a megabyte arrives at 172.16.0.2 as it was sent\n");
    close(fd);
    close(listener);
}

int main(void)
{
    struct netns *sandbox;

    enter_a_private_world();
    sandbox = set_up();
    ping();
    show("outside", NULL);
    show("sandbox", sandbox);
    transfer(sandbox);

    /* The kernel deletes the end in the namespace, and with it its peer. */
    must(netns_remove("sandbox", 0));
    netns_close(sandbox);
    printf("netns_remove: sandbox is gone, with both ends of the pair\n");
    return 0;
}
