/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Lends an interface to a named network namespace while a command runs in it, and takes it back
 * as it was: up, with its addresses and its routes through a gateway.
 *
 *     cc lend.c $(pkg-config --cflags --libs netns) -o lend
 *     sudo ip netns add lab && sudo ./lend eth1 lab tcpdump -i eth1; sudo ip netns delete lab
 *
 * Not restored: leased addresses (DHCP, SLAAC), metrics of routes. Privilege: CAP_SYS_ADMIN, CAP_NET_ADMIN.
 * Cleanup: none, also when the command fails or is interrupted; after SIGKILL, ip -n lab link set eth1 netns 1
 */
#include <libnetns/netns.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* What the interface loses when it moves, and the index that it has in these lists. */
static struct netns_link_snapshot *links;
static struct netns_addr_snapshot *addresses;
static struct netns_route_snapshot *routes;
static unsigned listed;
static volatile sig_atomic_t stop;

/* 0, or -1 after a message. */
static int try(int rc)
{
    if (rc < 0)
        fprintf(stderr, "lend: %s\n", netns_errmsg());
    return rc < 0 ? -1 : 0;
}

static int restore_routes(const char *ifname)
{
    int rc = 0;

    for (size_t i = 0; i < netns_route_list_len(routes); i++)
        if (netns_route_list_index(routes, i) == listed && netns_route_list_via(routes, i))
            rc |= try(netns_route_add(NULL, netns_route_list_dst(routes, i), netns_route_list_via(routes, i), ifname));
    return rc;
}

static int set_up(const struct netns *ns, const char *ifname)
{
    char cidr[64];
    int rc = 0;

    for (size_t i = 0; i < netns_addr_list_len(addresses); i++) {
        /* The kernel adds the link-local address itself when the interface comes up. */
        if (netns_addr_list_index(addresses, i) != listed || netns_addr_list_scope(addresses, i) == RT_SCOPE_LINK ||
            !(netns_addr_list_flags(addresses, i) & IFA_F_PERMANENT))
            continue;
        snprintf(cidr, sizeof cidr, "%s/%u", netns_addr_list_address(addresses, i), netns_addr_list_prefix(addresses, i));
        /* It was this interface's a moment ago: no other host needs to be asked for it. */
        rc |= try(netns_addr_add_flags(ns, ifname, cidr, NETNS_ADDR_NODAD));
    }
    for (size_t i = 0; i < netns_link_list_len(links); i++)
        if (netns_link_list_index(links, i) == listed && netns_link_list_flags(links, i) & IFF_UP)
            rc |= try(netns_link_up(ns, ifname));
    return ns ? rc : rc | restore_routes(ifname);
}

/* The terminal sends SIGINT and SIGQUIT to the command as well. Ignored, they would be ignored there, too. */
static void on_signal(int number)
{
    stop |= number == SIGTERM || number == SIGHUP;
}

/* Returns the command's exit status, or 1. */
static int run(const struct netns *ns, char **argv)
{
    sigset_t all, before;
    pid_t pid, ended;
    int status;

    if (try(netns_spawn(ns, NULL, argv[0], argv, NULL, &pid)) < 0)
        return 1;
    /* From here on signals are handled in sigsuspend(2) alone: none is missed, and none ends the taking back. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        if (stop)
            kill(pid, SIGTERM);
        sigsuspend(&before);
    }
    return ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD};
    struct sigaction handled = {.sa_handler = on_signal};
    struct netns *home, *ns;
    int status = 1;

    if (argc < 4 || (listed = if_nametoindex(argv[1])) == 0) {
        fprintf(stderr, argc < 4 ? "usage: lend IFNAME NAME COMMAND [ARGUMENT...]\n" : "lend: no such interface\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &handled, NULL);
    /* The open handle keeps the namespace, and the interface in it, even if the name is removed. */
    if (try(netns_open_current(&home)) < 0 || try(netns_open(argv[2], 0, &ns)) < 0 ||
        try(netns_link_list(NULL, 0, &links)) < 0 || try(netns_addr_list(NULL, 0, &addresses)) < 0 ||
        try(netns_route_list(NULL, 0, &routes)) < 0 || try(netns_link_move(NULL, argv[1], ns, NULL)) < 0)
        return 1;
    if (set_up(ns, argv[1]) == 0)
        status = run(ns, argv + 3);
    if (try(netns_link_move(ns, argv[1], home, NULL)) < 0 || set_up(NULL, argv[1]) < 0)
        status = 1;
    netns_route_list_free(routes);
    netns_addr_list_free(addresses);
    netns_link_list_free(links);
    netns_close(ns);
    netns_close(home);
    return status;
}
