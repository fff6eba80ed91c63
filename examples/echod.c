/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A daemon that serves echo over TCP and UDP in every network namespace that has a name: one thread,
 * one epoll(7), and no setns(2) of its own. The monitor reports the names that are added and removed;
 * netns_socket() opens the sockets, which stay in their namespace.
 *
 *     cc echod.c $(pkg-config --cflags --libs netns) -o echod
 *     sudo ./echod 7              # until SIGINT or SIGTERM
 *
 * Beyond that, such a daemon has to handle
 *   - a namespace with several names: it is served once, until the last of them is removed;
 *   - a namespace without a name: it is freed only when no socket is left in it, so all are closed;
 *   - a namespace that cannot be served: it is reported, and the others are served;
 *   - a peer that sends and does not read: it is not read from, so that no memory piles up;
 *   - running out of descriptors: it waits and tries again, and does not spin.
 *
 * It prints "serving NAME", "dropped NAME" ("." is the namespace that it was started in) and "ready"
 * when it serves what there was at the start. Privilege: CAP_SYS_ADMIN, and CAP_NET_BIND_SERVICE for
 * a port below 1024. Cleanup: none; it creates no namespace.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <libnetns/netns.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RETRY_MS 100
/* What the namespace that the daemon is started in is called: no name can be that. */
#define HERE "."

/* What epoll(7) watches: the first member of what it belongs to, or one of its own. */
struct source {
    int fd; /* -1: none */
    void (*ready)(struct source *source);
    uint32_t events;
};

struct connection {
    struct source source;
    LIST_ENTRY(connection) link;
    size_t sent, len;
    char data[8192];
};

struct name {
    LIST_ENTRY(name) link;
    char text[256];
};

/* A namespace. No handle is kept: its sockets keep it, and with it its inode number. */
struct place {
    struct source tcp, udp;
    LIST_ENTRY(place) link;
    LIST_HEAD(, connection) connections;
    LIST_HEAD(, name) names; /* it is opened by the first, which is the latest */
    uint64_t inode;
    bool served, again; /* again: it lacks descriptors or memory, and is tried again */
};

/* A list will do for hundreds of namespaces. */
static LIST_HEAD(, place) places;
static long connections_open, connections_most;
static const char *rundir; /* NULL: the default */
static struct netns_monitor *monitor;
static in_port_t port; /* in network byte order */
static int epoll_fd;
static bool stopping, retrying;

/* A name may have any byte but '/' in it, and must not make two lines of one. */
static const char *shown(const char *name)
{
    static char text[256];
    size_t i;

    for (i = 0; name[i]; i++)
        text[i] = (unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i];
    text[i] = '\0';
    return text;
}

/* Once for each name, however often it is tried again. Returns the error. */
static int complain(const struct place *place, int error, const char *what, const char *why)
{
    /* ENOENT: the name is gone again, and the monitor is about to report that. */
    if (!place->again && error != ENOENT)
        warnx("%s is not served: %s%s", shown(LIST_FIRST(&place->names)->text), what, why);
    return error;
}

static void retry_later(void)
{
    const struct itimerval delay = {.it_value.tv_usec = RETRY_MS * 1000};

    if (!retrying && setitimer(ITIMER_REAL, &delay, NULL) < 0)
        err(1, "setitimer");
    retrying = true;
}

/* Adds a source to the epoll, or changes what it waits for, which cannot fail. */
static int watch(struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    int operation = source->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (source->events == events)
        return 0;
    source->events = events;
    return epoll_ctl(epoll_fd, operation, source->fd, &event);
}

static void close_connection(struct connection *connection)
{
    close(connection->source.fd);
    LIST_REMOVE(connection, link);
    free(connection);
    connections_open--;
}

/* Reads only when all that was read before is sent: the peer's window does the rest. */
static void connection_ready(struct source *source)
{
    struct connection *connection = (struct connection *)source;
    ssize_t n = 1;

    if (connection->sent == connection->len) {
        n = recv(source->fd, connection->data, sizeof connection->data, 0);
        connection->sent = 0;
        connection->len = n > 0 ? n : 0;
    }
    if (n > 0)
        n = send(source->fd, connection->data + connection->sent, connection->len - connection->sent, MSG_NOSIGNAL);
    /* When the peer has sent all, the kernel goes on sending what it still has. */
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        close_connection(connection);
        return;
    }
    connection->sent += n > 0 ? n : 0;
    watch(source, connection->sent < connection->len ? EPOLLOUT : EPOLLIN);
}

/* Edge-triggered: while there is no descriptor for a caller, it stays in the queue and wakes nobody. */
static void listener_ready(struct source *source)
{
    while (connections_open < connections_most) {
        int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct connection *connection;

        if (fd < 0 && errno == EAGAIN)
            return;
        if (fd < 0)
            break;
        connection = calloc(1, sizeof *connection);
        if (!connection)
            err(1, "calloc");
        connection->source = (struct source){fd, connection_ready, 0};
        LIST_INSERT_HEAD(&((struct place *)source)->connections, connection, link);
        connections_open++;
        if (watch(&connection->source, EPOLLIN) < 0)
            close_connection(connection);
    }
    retry_later();
}

/* A datagram leaves the kernel's queue when it is answered, so none is lost for want of room to send. */
static void udp_ready(struct source *source)
{
    static char data[65536];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct sockaddr_in6 peer; /* the port of an IPv4 address is in the same place */
    struct iovec iov = {data, sizeof data};
    struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &iov, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t len = recvmsg(source->fd, &message, MSG_PEEK);

    if (len < 0)
        return;
    iov.iov_len = len;
    /*
     * The control message goes back as it came: "to this address, by this interface" becomes "from" and
     * "by". Another server of echo is not answered: the two would never end. A datagram that cannot be
     * answered at all, such as one to a multicast address, is dropped.
     */
    if (peer.sin6_port != port && sendmsg(source->fd, &message, MSG_NOSIGNAL) < 0 && errno == EAGAIN) {
        watch(source, EPOLLOUT);
        return;
    }
    watch(source, EPOLLIN);
    recv(source->fd, NULL, 0, 0);
}

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* One IPv6 socket serves both families: IPv4 addresses look like ::ffff:a.b.c.d. */
static bool set_options(int fd, int family, int type)
{
    if (family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0))
        return false;
    if (type == SOCK_DGRAM)
        return family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    /* For UDP, SO_REUSEADDR would let another program take the port. Connections inherit all three. */
    return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* Returns 0, or an errno value. */
static int open_source(struct place *place, struct source *source, const struct netns *ns, int type)
{
    /* Of either family: family and port are in the same places, and zeros stand for any address. */
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = port};
    bool tcp = type == SOCK_STREAM;
    int fd = netns_socket(ns, AF_INET6, type | SOCK_NONBLOCK, 0);

    if (fd == -EAFNOSUPPORT)
        fd = netns_socket(ns, any.sin6_family = AF_INET, type | SOCK_NONBLOCK, 0);
    /* The thread is in the namespace for good: nothing that it does from here on would be right. */
    if (fd == -ENOTRECOVERABLE)
        errx(1, "%s", netns_errmsg());
    if (fd < 0)
        return complain(place, -fd, "", netns_errmsg());
    *source = (struct source){fd, tcp ? listener_ready : udp_ready, 0};
    if (set_options(fd, any.sin6_family, type) && bind(fd, (struct sockaddr *)&any, sizeof any) == 0 &&
        (!tcp || listen(fd, SOMAXCONN) == 0) && watch(source, tcp ? EPOLLIN | EPOLLET : EPOLLIN) == 0)
        return 0;
    return complain(place, errno, tcp ? "TCP: " : "UDP: ", strerror(errno));
}

static void close_sockets(struct place *place)
{
    const struct linger none = {.l_onoff = 1};

    while (!LIST_EMPTY(&place->connections)) {
        struct connection *connection = LIST_FIRST(&place->connections);

        /* A reset: a peer that does not read would else keep the namespace for minutes after close(2). */
        setsockopt(connection->source.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close_connection(connection);
    }
    if (place->tcp.fd >= 0)
        close(place->tcp.fd);
    if (place->udp.fd >= 0)
        close(place->udp.fd);
    place->tcp.fd = place->udp.fd = -1;
}

static int open_sockets(struct place *place)
{
    const char *name = LIST_FIRST(&place->names)->text;
    struct netns *ns = NULL;
    int rc = strcmp(name, HERE) ? netns_open_at(rundir, name, 0, &ns) : netns_open_current(&ns);
    int error = rc < 0 ? complain(place, -rc, "", netns_errmsg()) : 0;

    /* The name is another namespace's by now, and the monitor is about to report that. */
    if (!error && netns_inode(ns) != place->inode)
        error = ENOENT;
    if (!error)
        error = open_source(place, &place->tcp, ns, SOCK_STREAM);
    if (!error)
        error = open_source(place, &place->udp, ns, SOCK_DGRAM);
    if (error)
        close_sockets(place);
    netns_close(ns);
    return error;
}

static void serve(struct place *place)
{
    int error = place->served ? 0 : open_sockets(place);

    place->served = error == 0;
    place->again = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == ENOSPC;
    if (place->again)
        retry_later();
    if (place->served)
        printf("serving %s\n", shown(LIST_FIRST(&place->names)->text));
}

static struct place *find_place(uint64_t inode)
{
    struct place *place;

    LIST_FOREACH(place, &places, link)
        if (place->inode == inode)
            break;
    return place;
}

static void add_name(const char *text, uint64_t inode)
{
    struct place *place = find_place(inode);
    struct name *name = calloc(1, sizeof *name);

    if (!name || (!place && !(place = calloc(1, sizeof *place))))
        err(1, "calloc");
    if (place->inode == 0) {
        place->inode = inode;
        place->tcp.fd = place->udp.fd = -1;
        LIST_INSERT_HEAD(&places, place, link);
    }
    strcpy(name->text, text);
    LIST_INSERT_HEAD(&place->names, name, link);
    place->again = false;
    serve(place);
}

static void remove_name(const char *text, uint64_t inode)
{
    struct place *place = find_place(inode);
    struct name *name = NULL;

    if (place)
        LIST_FOREACH(name, &place->names, link)
            if (strcmp(name->text, text) == 0)
                break;
    if (!name)
        return;
    LIST_REMOVE(name, link);
    if (LIST_EMPTY(&place->names))
        close_sockets(place);
    if (place->served)
        printf("dropped %s\n", shown(name->text));
    free(name);
    if (!LIST_EMPTY(&place->names))
        return;
    LIST_REMOVE(place, link);
    free(place);
}

static void monitor_ready(struct source *source)
{
    static bool told, ready;
    struct netns_event event = NETNS_EVENT_INIT;
    int rc;

    (void)source;
    while ((rc = netns_monitor_next(monitor, &event)) > 0) {
        if (event.type == NETNS_EVENT_ADD)
            add_name(event.name, event.inode);
        else if (event.type == NETNS_EVENT_REMOVE)
            remove_name(event.name, event.inode);
    }
    /* A failure loses no event, but nothing wakes the daemon when its cause is gone. */
    if (rc < 0)
        retry_later();
    if (rc < 0 && !told)
        warnx("%s; trying again", netns_errmsg());
    if (rc == 0 && !ready)
        puts("ready");
    told = rc < 0;
    ready |= rc == 0;
}

static void signal_ready(struct source *source)
{
    struct signalfd_siginfo info;
    struct place *place;

    if (read(source->fd, &info, sizeof info) != sizeof info)
        return;
    stopping = info.ssi_signo != SIGALRM;
    if (stopping)
        return;
    retrying = false;
    monitor_ready(NULL);
    LIST_FOREACH(place, &places, link)
        if (place->served)
            listener_ready(&place->tcp);
        else if (place->again)
            serve(place);
}

int main(int argc, char **argv)
{
    static const char usage[] = "usage: echod [-H] [-d RUNDIR] PORT\n"
                                "-H: also in the namespace that it is started in\n"
                                "-d: the names are in RUNDIR, not in " NETNS_RUN_DIR "\n";
    struct source signals = {-1, signal_ready, 0}, changes = {-1, monitor_ready, 0};
    struct netns *here = NULL;
    struct epoll_event event;
    sigset_t blocked;
    int option;
    char *end;

    while ((option = getopt(argc, argv, "Hd:h")) >= 0) {
        if (option == 'H' && !here && netns_open_current(&here) < 0)
            errx(1, "%s", netns_errmsg());
        else if (option == 'd')
            rundir = optarg;
        else if (option != 'H')
            return fputs(usage, option == 'h' ? stdout : stderr), option == 'h' ? 0 : 2;
    }
    if (optind != argc - 1 || strtoul(argv[optind], &end, 10) - 1 >= 65535 || *end)
        return fputs(usage, stderr), 2;
    port = htons(strtoul(argv[optind], NULL, 10));
    /* The other descriptors are for namespaces. */
    connections_most = sysconf(_SC_OPEN_MAX) / 4 * 3;
    /* Lines, for what reads them through a pipe; it may end first. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
        err(1, "sigprocmask");
    signals.fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || signals.fd < 0 || watch(&signals, EPOLLIN) < 0)
        err(1, "epoll");
    if (here)
        add_name(HERE, netns_inode(here));
    netns_close(here);
    if (netns_monitor_open(rundir, NETNS_MONITOR_SNAPSHOT, &monitor) < 0)
        errx(1, "%s", netns_errmsg());
    changes.fd = netns_monitor_fd(monitor);
    if (watch(&changes, EPOLLIN) < 0)
        err(1, "epoll");
    monitor_ready(NULL);

    while (!stopping) {
        /* One event at a time: none is in hand for what another one's handler has closed. */
        int count = epoll_wait(epoll_fd, &event, 1, -1);

        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        if (count > 0)
            ((struct source *)event.data.ptr)->ready(event.data.ptr);
    }

    while (!LIST_EMPTY(&places))
        remove_name(LIST_FIRST(&LIST_FIRST(&places)->names)->text, LIST_FIRST(&places)->inode);
    netns_monitor_close(monitor);
    return 0;
}
