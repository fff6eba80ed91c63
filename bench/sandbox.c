/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A namespace's network: a pair made, given addresses, brought up, given routes and deleted, beside the
 * same in bare netlink messages, by `ip -batch` and by pyroute2. The namespaces are there all the time,
 * and so are the sockets, where there are any.
 *
 * In deleting it the kernel waits for the rest of itself most of the time, whoever asks for it, so
 * the setting up is also timed alone. NETNS_PYTHON is a python3 that has pyroute2.
 */
#include "world.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define OUTSIDE "192.168.1.1"
#define INSIDE "192.168.1.2"
#define FAR "172.16.0.2"

static struct netns *sandbox;

/* --- the library -------------------------------------------------------------------------------- */

static void set_up_by_library(int i)
{
    (void)i;
    MUST(netns_veth_add(target, "v0p0", sandbox, "v0p1"));
    MUST(netns_addr_add(target, "v0p0", OUTSIDE "/24"));
    MUST(netns_addr_add(sandbox, "v0p1", INSIDE "/24"));
    MUST(netns_addr_add(sandbox, "v0p1", FAR));
    MUST(netns_link_up(target, "v0p0"));
    MUST(netns_link_up(sandbox, "v0p1"));
    MUST(netns_route_add(target, FAR, INSIDE, NULL));
    MUST(netns_route_add(sandbox, "default", OUTSIDE, NULL));
}

static void delete_it(int count)
{
    (void)count;
    MUST(netns_link_del(target, "v0p0"));
}

static void all_by_library(int i)
{
    set_up_by_library(i);
    delete_it(1);
}

/* --- bare messages ------------------------------------------------------------------------------ */

struct request {
    struct nlmsghdr head;
    char body[512];
};

/* A socket for each of the two, made there once. */
static int outside, inside;

static void begin(struct request *request, int type, int flags, const void *head, size_t len)
{
    memset(request, 0, sizeof request->head);
    request->head.nlmsg_type = type;
    request->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    request->head.nlmsg_len = NLMSG_LENGTH(len);
    memcpy(request->body, head, len);
}

/* Where the next attribute goes. */
static char *end_of(struct request *request)
{
    return (char *)request + NLMSG_ALIGN(request->head.nlmsg_len);
}

static struct rtattr *put(struct request *request, int type, const void *data, size_t len)
{
    struct rtattr *attribute = (struct rtattr *)end_of(request);

    attribute->rta_type = type;
    attribute->rta_len = RTA_LENGTH(len);
    if (len > 0)
        memcpy(RTA_DATA(attribute), data, len);
    request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

/* Gives what the kernel says. */
static int ask(int fd, struct request *request)
{
    static uint32_t sequence;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char rest[1024];
    } answer;

    request->head.nlmsg_seq = ++sequence;
    MUST(sendto(fd, request, request->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel));
    MUST(recv(fd, &answer, sizeof answer, 0));
    if (answer.head.nlmsg_type != NLMSG_ERROR || answer.head.nlmsg_seq != sequence)
        die("an answer to another request");
    errno = -answer.error.error;
    return answer.error.error;
}

static void make_pair_bare(void)
{
    struct ifinfomsg head = {0};
    struct rtattr *info, *data, *peer;
    struct request request;
    int there = netns_fd(sandbox);

    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    put(&request, IFLA_IFNAME, "v0p0", sizeof "v0p0");
    info = put(&request, IFLA_LINKINFO, NULL, 0);
    put(&request, IFLA_INFO_KIND, "veth", sizeof "veth");
    data = put(&request, IFLA_INFO_DATA, NULL, 0);
    peer = put(&request, VETH_INFO_PEER, &head, sizeof head);
    put(&request, IFLA_IFNAME, "v0p1", sizeof "v0p1");
    put(&request, IFLA_NET_NS_FD, &there, sizeof there);
    peer->rta_len = end_of(&request) - (char *)peer;
    data->rta_len = end_of(&request) - (char *)data;
    info->rta_len = end_of(&request) - (char *)info;
    MUST(ask(outside, &request));
}

/* The number of an interface, as any program that speaks netlink has to ask for it. */
static unsigned index_bare(int fd, const char *ifname)
{
    struct ifreq request = {.ifr_ifindex = 0};

    strcpy(request.ifr_name, ifname);
    MUST(ioctl(fd, SIOCGIFINDEX, &request));
    return request.ifr_ifindex;
}

static void add_address_bare(int fd, const char *ifname, const char *text, int prefix)
{
    struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = prefix,
                             .ifa_index = index_bare(fd, ifname)};
    struct request request;
    struct in_addr address;

    inet_pton(AF_INET, text, &address);
    begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    put(&request, IFA_LOCAL, &address, sizeof address);
    put(&request, IFA_ADDRESS, &address, sizeof address);
    MUST(ask(fd, &request));
}

static void link_bare(int fd, const char *ifname, int type, unsigned flags)
{
    struct ifinfomsg head = {.ifi_flags = flags, .ifi_change = flags};
    struct request request;

    begin(&request, type, 0, &head, sizeof head);
    put(&request, IFLA_IFNAME, ifname, strlen(ifname) + 1);
    MUST(ask(fd, &request));
}

static void add_route_bare(int fd, const char *to, const char *via)
{
    struct rtmsg head = {.rtm_family = AF_INET, .rtm_dst_len = to ? 32 : 0, .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST};
    struct request request;
    struct in_addr address;

    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head);
    if (to) {
        inet_pton(AF_INET, to, &address);
        put(&request, RTA_DST, &address, sizeof address);
    }
    inet_pton(AF_INET, via, &address);
    put(&request, RTA_GATEWAY, &address, sizeof address);
    MUST(ask(fd, &request));
}

static void set_up_by_messages(int i)
{
    (void)i;
    make_pair_bare();
    add_address_bare(outside, "v0p0", OUTSIDE, 24);
    add_address_bare(inside, "v0p1", INSIDE, 24);
    add_address_bare(inside, "v0p1", FAR, 32);
    link_bare(outside, "v0p0", RTM_SETLINK, IFF_UP);
    link_bare(inside, "v0p1", RTM_SETLINK, IFF_UP);
    add_route_bare(outside, FAR, INSIDE);
    add_route_bare(inside, NULL, OUTSIDE);
}

static void all_by_messages(int i)
{
    set_up_by_messages(i);
    link_bare(outside, "v0p0", RTM_DELLINK, 0);
}

/* --- ip -batch ------------------------------------------------------------------------------------ */

static const char first[] = "/run/first", second[] = "/run/second", deleting[] = "/run/deleting";

static void write_batch(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die(path);
}

#define SECOND                               \
    "addr add " INSIDE "/24 dev v0p1\n"      \
    "addr add " FAR "/32 dev v0p1\n"         \
    "link set v0p1 up\n"                     \
    "route add default via " OUTSIDE "\n"

static void write_batches(void)
{
    write_batch(first, "link add v0p0 type veth peer name v0p1 netns sandbox\n"
                       "addr add " OUTSIDE "/24 dev v0p0\n"
                       "link set v0p0 up\n"
                       "route add " FAR " via " INSIDE "\n");
    write_batch(second, SECOND);
    write_batch(deleting, SECOND "link del v0p1\n");
}

static int run_ip(const char *ns, const char *batch)
{
    const char *const argv[] = {"ip", "-n", ns, "-batch", batch, NULL};
    int status;
    pid_t pid;

    if (posix_spawnp(&pid, "ip", NULL, NULL, (char *const *)argv, environ) != 0)
        return -1;
    MUST(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Each process has one namespace. */
static void set_up_by_ip(int i)
{
    (void)i;
    if (run_ip("target", first) != 0 || run_ip("sandbox", second) != 0)
        die("ip -batch");
}

/* With either end goes the other. */
static void all_by_ip(int i)
{
    (void)i;
    if (run_ip("target", first) != 0 || run_ip("sandbox", deleting) != 0)
        die("ip -batch");
}

/* --- pyroute2 ------------------------------------------------------------------------------------- */

/* Measures itself: how long it takes to start is nobody's concern here. */
static const char script[] =
    "import sys, time\n"
    "from socket import AF_INET\n"
    "from pyroute2 import NetNS\n"
    "out, box = NetNS('target'), NetNS('sandbox')\n"
    "def set_up():\n"
    "    out.link('add', ifname='v0p0', kind='veth',\n"
    "             peer={'ifname': 'v0p1', 'net_ns_fd': 'sandbox'})\n"
    "    a = out.link_lookup(ifname='v0p0')[0]\n"
    "    b = box.link_lookup(ifname='v0p1')[0]\n"
    "    out.addr('add', index=a, address='" OUTSIDE "', prefixlen=24)\n"
    "    box.addr('add', index=b, address='" INSIDE "', prefixlen=24)\n"
    "    box.addr('add', index=b, address='" FAR "', prefixlen=32)\n"
    "    out.link('set', index=a, state='up')\n"
    "    box.link('set', index=b, state='up')\n"
    "    out.route('add', dst='" FAR "/32', gateway='" INSIDE "')\n"
    "    box.route('add', dst='default', gateway='" OUTSIDE "')\n"
    "    return a\n"
    "print('ready', flush=True)\n"
    "for line in sys.stdin:\n"
    "    start = time.perf_counter_ns()\n"
    "    link = set_up()\n"
    "    if line == 'all\\n':\n"
    "        out.link('del', index=link)\n"
    "    print(time.perf_counter_ns() - start, flush=True)\n";

static FILE *to_python, *from_python;
static pid_t python;

/* 0: there is no pyroute2. */
static int start_python(void)
{
    const char *program = getenv("NETNS_PYTHON");
    const char *const argv[] = {program ? program : "python3", "-c", script, NULL};
    posix_spawn_file_actions_t actions;
    int in[2], out[2];
    char line[64];

    MUST(pipe2(in, O_CLOEXEC));
    MUST(pipe2(out, O_CLOEXEC));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&python, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
        python = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_python = fdopen(in[1], "w");
    from_python = fdopen(out[0], "r");
    return python && fgets(line, sizeof line, from_python) && strcmp(line, "ready\n") == 0;
}

static void end_python(void)
{
    fclose(to_python);
    fclose(from_python);
    if (python)
        MUST(waitpid(python, NULL, 0));
}

static double ask_python(const char *what)
{
    char line[64];

    fputs(what, to_python);
    fflush(to_python);
    if (!fgets(line, sizeof line, from_python))
        die("pyroute2");
    return strtod(line, NULL);
}

static double set_up_by_python(int count)
{
    double took = ask_python("set up\n");

    delete_it(count);
    return took;
}

static double all_by_python(int count)
{
    (void)count;
    return ask_python("all\n");
}

/* -------------------------------------------------------------------------------------------------- */

static const struct row beside_messages[] = {
    {.name = "sandbox, set up", .rounds = 60, .batch = 1, .at_most = 1.25,
     .ways = {{.name = "bare messages", .work = set_up_by_messages, .undo = delete_it},
              {.name = "libnetns", .work = set_up_by_library, .undo = delete_it}}},
    {.name = "sandbox", .rounds = 60, .batch = 1, .at_most = 1.25,
     .ways = {{.name = "bare messages", .work = all_by_messages},
              {.name = "libnetns", .work = all_by_library}}},
};

static const struct row beside_ip[] = {
    {.name = "sandbox, set up", .rounds = 30, .batch = 1, .at_most = 1.00,
     .ways = {{.name = "ip -batch", .work = set_up_by_ip, .undo = delete_it},
              {.name = "libnetns", .work = set_up_by_library, .undo = delete_it}}},
    {.name = "sandbox", .rounds = 30, .batch = 1, .at_most = 1.00,
     .ways = {{.name = "ip -batch", .work = all_by_ip},
              {.name = "libnetns", .work = all_by_library}}},
};

static const struct row beside_python[] = {
    {.name = "sandbox, set up", .rounds = 30, .batch = 1, .at_most = 1.00,
     .ways = {{.name = "pyroute2", .measure = set_up_by_python, .undo = delete_it},
              {.name = "libnetns", .work = set_up_by_library, .undo = delete_it}}},
    {.name = "sandbox", .rounds = 30, .batch = 1, .at_most = 1.00,
     .ways = {{.name = "pyroute2", .measure = all_by_python},
              {.name = "libnetns", .work = all_by_library}}},
};

static int run_rows(const struct row rows[2])
{
    return run_row(&rows[0]) + run_row(&rows[1]);
}

int main(void)
{
    int missed = 0;

    enter_a_private_world();
    MUST(netns_create("sandbox", 0, &sandbox));
    outside = MUST(netns_socket(target, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    inside = MUST(netns_socket(sandbox, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    write_batches();
    print_header();
    missed += run_rows(beside_messages);
    if (run_ip("target", "/dev/null") == 0)
        missed += run_rows(beside_ip);
    else
        printf("no ip(8): left out\n");
    if (start_python())
        missed += run_rows(beside_python);
    else
        printf("no pyroute2: left out\n");
    end_python();
    close(outside);
    close(inside);
    MUST(netns_remove("sandbox", 0));
    netns_close(sandbox);
    leave_the_world();
    return print_missed(missed);
}
