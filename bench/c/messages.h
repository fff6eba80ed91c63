/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A namespace's network and nsids, with bare netlink messages. */
#ifndef NETNS_BENCH_MESSAGES_H
#define NETNS_BENCH_MESSAGES_H

#include "sandbox.h"
#include "worker.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
    struct nlmsghdr head;
    char body[512];
};

static inline void begin(struct message *message, int type, int flags, const void *head, size_t len)
{
    memset(message, 0, sizeof message->head);
    message->head.nlmsg_type = type;
    message->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    message->head.nlmsg_len = NLMSG_LENGTH(len);
    memcpy(message->body, head, len);
}

/* The position of the next attribute. */
static inline char *end_of(struct message *message)
{
    return (char *)message + NLMSG_ALIGN(message->head.nlmsg_len);
}

static inline struct rtattr *put(struct message *message, int type, const void *data, size_t len)
{
    struct rtattr *attribute = (struct rtattr *)end_of(message);

    attribute->rta_type = type;
    attribute->rta_len = RTA_LENGTH(len);
    if (len > 0)
        memcpy(RTA_DATA(attribute), data, len);
    message->head.nlmsg_len = NLMSG_ALIGN(message->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

/* Returns the kernel's answer. */
static inline int ask(int fd, struct message *message)
{
    static uint32_t sequence;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char rest[1024];
    } answer;

    message->head.nlmsg_seq = ++sequence;
    MUST(sendto(fd, message, message->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel));
    MUST(recv(fd, &answer, sizeof answer, 0));
    if (answer.head.nlmsg_type != NLMSG_ERROR || answer.head.nlmsg_seq != sequence)
        die("an answer to another message");
    errno = -answer.error.error;
    return answer.error.error;
}

static inline void make_pair(int fd, int there)
{
    struct ifinfomsg head = {0};
    struct rtattr *info, *data, *peer;
    struct message message;

    begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    put(&message, IFLA_IFNAME, "v0p0", sizeof "v0p0");
    info = put(&message, IFLA_LINKINFO, NULL, 0);
    put(&message, IFLA_INFO_KIND, "veth", sizeof "veth");
    data = put(&message, IFLA_INFO_DATA, NULL, 0);
    peer = put(&message, VETH_INFO_PEER, &head, sizeof head);
    put(&message, IFLA_IFNAME, "v0p1", sizeof "v0p1");
    put(&message, IFLA_NET_NS_FD, &there, sizeof there);
    peer->rta_len = end_of(&message) - (char *)peer;
    data->rta_len = end_of(&message) - (char *)data;
    info->rta_len = end_of(&message) - (char *)info;
    MUST(ask(fd, &message));
}

/* The index of an interface, which any program that uses netlink must query. */
static inline unsigned index_of(int fd, const char *ifname)
{
    struct ifreq message = {.ifr_ifindex = 0};

    strcpy(message.ifr_name, ifname);
    MUST(ioctl(fd, SIOCGIFINDEX, &message));
    return message.ifr_ifindex;
}

static inline void add_address(int fd, const char *ifname, const char *text, int prefix)
{
    struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = prefix,
                             .ifa_index = index_of(fd, ifname)};
    struct message message;
    struct in_addr address;

    inet_pton(AF_INET, text, &address);
    begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    put(&message, IFA_LOCAL, &address, sizeof address);
    put(&message, IFA_ADDRESS, &address, sizeof address);
    MUST(ask(fd, &message));
}

static inline void change_link(int fd, const char *ifname, int type, unsigned flags)
{
    struct ifinfomsg head = {.ifi_flags = flags, .ifi_change = flags};
    struct message message;

    begin(&message, type, 0, &head, sizeof head);
    put(&message, IFLA_IFNAME, ifname, strlen(ifname) + 1);
    MUST(ask(fd, &message));
}

static inline void add_route(int fd, const char *to, const char *via)
{
    struct rtmsg head = {.rtm_family = AF_INET, .rtm_dst_len = to ? 32 : 0, .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST};
    struct message message;
    struct in_addr address;

    begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    if (to) {
        inet_pton(AF_INET, to, &address);
        put(&message, RTA_DST, &address, sizeof address);
    }
    inet_pton(AF_INET, via, &address);
    put(&message, RTA_GATEWAY, &address, sizeof address);
    MUST(ask(fd, &message));
}

static inline void delete_link(int fd, const char *ifname)
{
    change_link(fd, ifname, RTM_DELLINK, 0);
}

static inline void set_up_by_messages(int outside, int inside, int sandbox)
{
    make_pair(outside, sandbox);
    add_address(outside, "v0p0", OUTSIDE, 24);
    add_address(inside, "v0p1", INSIDE, 24);
    add_address(inside, "v0p1", FAR, 32);
    change_link(outside, "v0p0", RTM_SETLINK, IFF_UP);
    change_link(inside, "v0p1", RTM_SETLINK, IFF_UP);
    add_route(outside, FAR, INSIDE);
    add_route(inside, NULL, OUTSIDE);
}

/* As ifconfig(8) does. */
static inline void set_lo_up(void)
{
    int fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    MUST(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
}

/* The attribute that contains the nsid; the answer consists of a rtgenmsg and attributes. */
static inline int id_in(char *answer, ssize_t len)
{
    struct nlmsghdr *head = (struct nlmsghdr *)answer;
    struct rtattr *attribute;
    int left, id = -1;

    if (!NLMSG_OK(head, len) || head->nlmsg_type != RTM_NEWNSID)
        die("RTM_GETNSID");
    attribute = (struct rtattr *)(answer + NLMSG_SPACE(sizeof(struct rtgenmsg)));
    left = head->nlmsg_len - NLMSG_SPACE(sizeof(struct rtgenmsg));
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        if (attribute->rta_type == NETNSA_NSID)
            memcpy(&id, RTA_DATA(attribute), sizeof id);
    return id;
}

static inline int id_of(int fd, int ns)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg family;
        _Alignas(NLMSG_ALIGNTO) struct rtattr attribute;
        uint32_t fd;
    } request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETNSID, .nlmsg_flags = NLM_F_REQUEST},
        .attribute = {RTA_LENGTH(sizeof(uint32_t)), NETNSA_FD},
        .fd = ns,
    };
    _Alignas(struct nlmsghdr) char answer[8192];

    MUST(send(fd, &request, sizeof request, 0));
    return id_in(answer, MUST(recv(fd, answer, sizeof answer, 0)));
}

#endif
