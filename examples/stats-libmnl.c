/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the traffic of each interface in a named network namespace, by libmnl: a netlink socket
 * belongs to the namespace that it was opened in, so the program need not go there.
 *
 *     cc stats-libmnl.c $(pkg-config --cflags --libs netns libmnl) -o stats-libmnl
 *     sudo ./stats-libmnl blue
 *
 * Privilege: CAP_SYS_ADMIN, to open a socket in another namespace. Cleanup: none; it creates nothing.
 */
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <libnetns/netns.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int must(int rc)
{
    if (rc >= 0)
        return rc;
    fprintf(stderr, "stats-libmnl: %s\n", netns_errmsg());
    exit(1);
}

/* One attribute of an interface. */
static int take_attribute(const struct nlattr *attribute, void *arg)
{
    const struct nlattr **table = arg;

    /* A later kernel has attributes that this program does not know. */
    if (mnl_attr_type_valid(attribute, IFLA_MAX) > 0)
        table[mnl_attr_get_type(attribute)] = attribute;
    return MNL_CB_OK;
}

/* One interface. */
static int print_link(const struct nlmsghdr *message, void *arg)
{
    const struct nlattr *table[IFLA_MAX + 1] = {NULL};
    struct rtnl_link_stats64 stats;
    size_t len;

    (void)arg;
    if (mnl_attr_parse(message, sizeof(struct ifinfomsg), take_attribute, table) < 0)
        return MNL_CB_ERROR;
    if (!table[IFLA_IFNAME] || !table[IFLA_STATS64] ||
        mnl_attr_validate(table[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0)
        return MNL_CB_OK;
    /* Copied: an attribute is aligned to 4 bytes only. It is shorter on older kernels, longer on later ones. */
    len = mnl_attr_get_payload_len(table[IFLA_STATS64]);
    memset(&stats, 0, sizeof stats);
    memcpy(&stats, mnl_attr_get_payload(table[IFLA_STATS64]), len < sizeof stats ? len : sizeof stats);
    printf("%s received %" PRIu64 " sent %" PRIu64 "\n", mnl_attr_get_str(table[IFLA_IFNAME]),
           (uint64_t)stats.rx_packets, (uint64_t)stats.tx_packets);
    return MNL_CB_OK;
}

static struct mnl_socket *open_socket(const struct netns *ns)
{
    /* libmnl takes over a descriptor, and closes it in mnl_socket_close(). */
    struct mnl_socket *socket =
        mnl_socket_fdopen(must(netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)));

    if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
        die("libmnl");
    return socket;
}

static void request_links(struct mnl_socket *socket, uint32_t sequence)
{
    char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + NLMSG_ALIGN(sizeof(struct ifinfomsg))];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = RTM_GETLINK;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = sequence;
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
        die("send the request");
}

int main(int argc, char **argv)
{
    const uint32_t sequence = 1;
    struct mnl_socket *socket;
    char answer[32768]; /* what the kernel may put into one datagram of a dump */
    struct netns *ns;
    int rc = MNL_CB_OK;

    if (argc != 2) {
        fprintf(stderr, "usage: stats-libmnl NAME\n");
        return 2;
    }
    must(netns_open(argv[1], 0, &ns));
    socket = open_socket(ns);
    /* The socket keeps the namespace: the handle is not needed any more. */
    netns_close(ns);
    request_links(socket, sequence);
    while (rc > MNL_CB_STOP) {
        ssize_t len = mnl_socket_recvfrom(socket, answer, sizeof answer);

        rc = len < 0 ? -1 : mnl_cb_run(answer, len, sequence, mnl_socket_get_portid(socket), print_link, NULL);
    }
    if (rc < 0)
        die("read the answer");
    mnl_socket_close(socket);
    return 0;
}
