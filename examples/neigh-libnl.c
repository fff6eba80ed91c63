/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints the neighbors (ARP and IPv6) of a named network namespace, by libnl: a netlink socket
 * belongs to the namespace that it was opened in, so the program need not go there.
 *
 *     cc neigh-libnl.c $(pkg-config --cflags --libs netns libnl-route-3.0) -o neigh-libnl
 *     sudo ./neigh-libnl blue
 *
 * Privilege: CAP_SYS_ADMIN, to open a socket in another namespace. Cleanup: none; it creates nothing.
 */
#include <libnetns/netns.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* libnl's errors are numbers of its own. */
static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "neigh-libnl: %s: %s\n", what, nl_geterror(rc));
    exit(1);
}

static int must(int rc)
{
    if (rc >= 0)
        return rc;
    fprintf(stderr, "neigh-libnl: %s\n", netns_errmsg());
    exit(1);
}

/* A libnl socket in the namespace, to be used instead of nl_socket_alloc() and nl_connect(). */
static struct nl_sock *open_socket(const struct netns *ns)
{
    struct sockaddr_nl any = {.nl_family = AF_NETLINK};
    int fd = must(netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    struct nl_sock *socket = nl_socket_alloc();

    if (!socket) {
        fprintf(stderr, "neigh-libnl: out of memory\n");
        exit(1);
    }
    /* The kernel chooses the port id; libnl asks for it, and expects it in every answer. */
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) {
        perror("neigh-libnl: bind");
        exit(1);
    }
    check(nl_socket_set_fd(socket, NETLINK_ROUTE, fd), "nl_socket_set_fd");
    return socket;
}

static void print_neighbor(struct nl_object *object, void *links)
{
    struct rtnl_neigh *neighbor = (struct rtnl_neigh *)object;
    struct nl_addr *destination = rtnl_neigh_get_dst(neighbor);
    struct nl_addr *address = rtnl_neigh_get_lladdr(neighbor);
    char ifname[64], to[128], at[128], state[64];

    if (!destination)
        return;
    /* The interface may have been created since the links were read. */
    if (!rtnl_link_i2name(links, rtnl_neigh_get_ifindex(neighbor), ifname, sizeof ifname))
        snprintf(ifname, sizeof ifname, "if%d", rtnl_neigh_get_ifindex(neighbor));
    printf("%s on %s is %s, %s\n", nl_addr2str(destination, to, sizeof to), ifname,
           address ? nl_addr2str(address, at, sizeof at) : "unknown",
           rtnl_neigh_state2str(rtnl_neigh_get_state(neighbor), state, sizeof state));
}

int main(int argc, char **argv)
{
    struct nl_cache *links, *neighbors;
    struct nl_sock *socket;
    struct netns *ns;

    if (argc != 2) {
        fprintf(stderr, "usage: neigh-libnl NAME\n");
        return 2;
    }
    must(netns_open(argv[1], 0, &ns));
    socket = open_socket(ns);
    /* The socket keeps the namespace: the handle is not needed any more. */
    netns_close(ns);
    check(rtnl_link_alloc_cache(socket, AF_UNSPEC, &links), "list the interfaces");
    check(rtnl_neigh_alloc_cache(socket, &neighbors), "list the neighbors");
    nl_cache_foreach(neighbors, print_neighbor, links);
    nl_cache_free(neighbors);
    nl_cache_free(links);
    /* Closes the descriptor too. */
    nl_socket_free(socket);
    return 0;
}
