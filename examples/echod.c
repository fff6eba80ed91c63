/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A daemon that serves echo over TCP and UDP in every network namespace that has a name: one thread,
 * one epoll, no setns(2).
 *
 *     cc echod.c $(pkg-config --cflags --libs netns) -o echod
 *     echod 7
 *
 * The monitor tells of names as they come and go; netns_socket() opens a socket wherever it is
 * needed, and from then on a socket is a socket. What a daemon of this kind has to see to, besides:
 *
 *   - a namespace may have several names, and is served once, until the last of them has gone;
 *   - a namespace that has lost its names dies when nobody has a socket in it, so all are closed;
 *   - one that cannot be served is complained of, and the others are served;
 *   - a peer that sends and does not read is not read from, so that no memory piles up;
 *   - without descriptors it waits for some: a listener that stays ready would keep it spinning.
 *
 * On stdout it tells "serving NAME", "dropped NAME" ("." is the namespace it was started in) and,
 * when it has taken up what it found at the start, "ready".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
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
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How much of each thing is done before the others have their turn. */
#define TURN 64
/* How long to wait for descriptors or memory before trying again, in ms. */
#define PAUSE 100
#define BUCKETS 1024
/* What the namespace that we are started in is called: no other can be. */
#define HERE "."

/* --- what there is ---------------------------------------------------------------------------- */

/* Something that epoll watches. */
struct source {
    int fd; /* -1: closed, and events that epoll has told of it already mean nothing */
    void (*ready)(void *owner);
    void *owner;
};

/* What came, and where it goes back to. */
struct datagram {
    struct sockaddr_storage peer;
    socklen_t peer_len;
    size_t control_len, len;
    /* The address it was sent to, as a control message. */
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    char data[65536];
};

/* A namespace that is served. */
struct place {
    LIST_ENTRY(place) link;
    /* While a socket is in a namespace its inode is nobody else's, so no handle is kept for it. */
    uint64_t device, inode;
    int names;
    struct source listener, udp;
    bool paused;           /* the listener waits for descriptors */
    struct datagram *held; /* an answer for which the UDP socket had no room */
    LIST_HEAD(, connection) connections;
};

struct connection {
    LIST_ENTRY(connection) link;
    struct place *place;
    struct source source;
    size_t sent, len;
    char data[8192]; /* all that a connection ever costs */
};

struct name {
    LIST_ENTRY(name) link;
    struct place *place; /* NULL: it could not be served */
    bool again;          /* for want of descriptors or memory: worth another try */
    char text[256];
};

LIST_HEAD(places, place);
LIST_HEAD(connections, connection);
LIST_HEAD(names, name);

static struct places places[BUCKETS];
static struct names names[BUCKETS];
/* Closed, and freed when no event in hand can point at them any more. */
static struct places closed_places;
static struct connections closed_connections;
static size_t connections_open, connections_most;

static const char *rundir; /* NULL: the default */
static struct netns_monitor *monitor;
static struct source monitor_source, signal_source;
static in_port_t port; /* in network byte order */
static int epoll_fd;
static bool stopping, told_ready, told_of_failure;
/* When to try again what lacked descriptors or memory, in ms; 0: nothing did. */
static int64_t retry_at;

/* --- helpers ---------------------------------------------------------------------------------- */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The library's functions have said what failed, on what, and what to do about it. */
static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "echod: %s\n", netns_errmsg());
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/* Whether it is a shortage, which passes, and not a refusal. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == ENOSPC || error == EAGAIN;
}

static void try_again_later(void)
{
    if (!retry_at)
        retry_at = now_ms() + PAUSE;
}

/* A name is any bytes but '/', and must not make two lines of one. */
static void say(FILE *out, const char *what, const char *name, const char *rest)
{
    fputs(what, out);
    for (; *name; name++)
        putc((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name, out);
    fprintf(out, "%s\n", rest);
    /* For whoever reads through a pipe. */
    fflush(out);
}

/* Once for each name, however often it is tried again. */
static void complain(const struct name *name, const char *why)
{
    char rest[640];

    if (name->again)
        return;
    snprintf(rest, sizeof rest, " is not served: %s", why);
    say(stderr, "echod: ", name->text, rest);
}

static bool watch(struct source *source, void (*ready)(void *owner), void *owner)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    source->ready = ready;
    source->owner = owner;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

/* Cannot fail for a descriptor that is in the epoll: no memory is needed. */
static void wait_for(struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
        die("epoll_ctl");
}

/* Closing takes it out of the epoll too: no descriptor here has a duplicate. */
static void close_source(struct source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

/* --- TCP -------------------------------------------------------------------------------------- */

static void close_connection(struct connection *connection)
{
    close_source(&connection->source);
    connections_open--;
    LIST_REMOVE(connection, link);
    LIST_INSERT_HEAD(&closed_connections, connection, link);
}

/*
 * Without lingering, and whatever was not delivered is lost: else a peer that does not read would
 * keep the socket, and with it the namespace, for minutes after close(2).
 */
static void reset_connection(struct connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_connection(connection);
}

/* Sends what is left. False: not all went, and the connection waits or is closed. */
static bool send_rest(struct connection *connection)
{
    ssize_t sent = send(connection->source.fd, connection->data + connection->sent,
                        connection->len - connection->sent, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN) {
        close_connection(connection);
        return false;
    }
    if (sent > 0)
        connection->sent += sent;
    if (connection->sent == connection->len)
        return true;
    wait_for(&connection->source, EPOLLOUT);
    return false;
}

/* Reads only when all that was read before has gone out; the peer's window does the rest. */
static void connection_ready(void *owner)
{
    struct connection *connection = owner;
    ssize_t got;

    if (connection->sent < connection->len) {
        if (send_rest(connection))
            wait_for(&connection->source, EPOLLIN);
        return;
    }
    got = recv(connection->source.fd, connection->data, sizeof connection->data, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        /* The peer has said all, and all of it has gone out: what the kernel still has, it sends. */
        close_connection(connection);
        return;
    }
    connection->sent = 0;
    connection->len = got;
    send_rest(connection);
}

static void open_connection(struct place *place, int fd)
{
    struct connection *connection = malloc(sizeof *connection);

    if (!connection) {
        close(fd);
        return;
    }
    connection->place = place;
    connection->sent = connection->len = 0;
    connection->source.fd = fd;
    LIST_INSERT_HEAD(&place->connections, connection, link);
    connections_open++;
    if (!watch(&connection->source, connection_ready, connection))
        close_connection(connection);
}

/* The callers stay in the kernel's queue until there is room. */
static void pause_listener(struct place *place)
{
    place->paused = true;
    wait_for(&place->listener, 0);
    try_again_later();
}

static void listener_ready(void *owner)
{
    struct place *place = owner;

    for (int i = 0; i < TURN; i++) {
        int fd;

        if (connections_open >= connections_most) {
            pause_listener(place);
            return;
        }
        fd = accept4(place->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            open_connection(place, fd);
            continue;
        }
        /* For want of descriptors, mostly; whatever it is, it must not keep us spinning. */
        if (errno != EAGAIN)
            pause_listener(place);
        return;
    }
}

/* --- UDP -------------------------------------------------------------------------------------- */

/*
 * Makes of "was sent to this address, and came in there" what the answer needs: "from this address".
 * By which way it goes is for the routes to say, except where the address is the link's.
 */
static void turn_round(struct datagram *datagram)
{
    struct msghdr message = {.msg_control = datagram->control,
                             .msg_controllen = datagram->control_len};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);

    if (!control)
        return;
    if (control->cmsg_level == IPPROTO_IPV6) {
        struct in6_pktinfo info;

        memcpy(&info, CMSG_DATA(control), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(control), &info, sizeof info);
    } else {
        struct in_pktinfo info;

        memcpy(&info, CMSG_DATA(control), sizeof info);
        info.ipi_spec_dst = info.ipi_addr;
        info.ipi_ifindex = 0;
        memcpy(CMSG_DATA(control), &info, sizeof info);
    }
}

/* False: there is none by now. */
static bool receive_datagram(int fd, struct datagram *datagram)
{
    struct iovec data = {datagram->data, sizeof datagram->data};
    struct msghdr message = {
        .msg_name = &datagram->peer,
        .msg_namelen = sizeof datagram->peer,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = datagram->control,
        .msg_controllen = sizeof datagram->control,
    };
    ssize_t len = recvmsg(fd, &message, 0);

    if (len < 0)
        return false;
    datagram->peer_len = message.msg_namelen;
    datagram->control_len = message.msg_controllen;
    datagram->len = len;
    turn_round(datagram);
    return true;
}

/*
 * False: the socket has no room for it now. Any other failure is the datagram's, such as one that
 * was sent to a broadcast or multicast address, which the kernel lets nobody answer from.
 */
static bool send_datagram(int fd, struct datagram *datagram)
{
    struct iovec data = {datagram->data, datagram->len};
    struct msghdr message = {
        .msg_name = &datagram->peer,
        .msg_namelen = datagram->peer_len,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = datagram->control_len ? datagram->control : NULL,
        .msg_controllen = datagram->control_len,
    };

    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

/* Two servers of echo would go on for ever. */
static bool is_from_a_server(const struct datagram *datagram)
{
    if (datagram->peer.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&datagram->peer)->sin_port == port;
    return ((const struct sockaddr_in6 *)&datagram->peer)->sin6_port == port;
}

/* Keeps the answer until there is room, and reads no more till then. */
static void hold(struct place *place, const struct datagram *datagram)
{
    place->held = malloc(sizeof *datagram);
    /* Without memory it is lost, as a datagram may be. */
    if (!place->held)
        return;
    *place->held = *datagram;
    wait_for(&place->udp, EPOLLOUT);
}

static void udp_ready(void *owner)
{
    static struct datagram datagram;
    struct place *place = owner;

    if (place->held) {
        if (!send_datagram(place->udp.fd, place->held))
            return;
        free(place->held);
        place->held = NULL;
        wait_for(&place->udp, EPOLLIN);
    }
    for (int i = 0; i < TURN && !place->held; i++) {
        if (!receive_datagram(place->udp.fd, &datagram))
            return;
        if (!is_from_a_server(&datagram) && !send_datagram(place->udp.fd, &datagram))
            hold(place, &datagram);
    }
}

/* --- places ----------------------------------------------------------------------------------- */

static bool turn_on(int fd, int level, int option)
{
    const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

static bool set_options(int fd, int family, int type)
{
    const int off = 0;

    /* One socket for both families: IPv4 addresses are seen as ::ffff:a.b.c.d. */
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return false;
    if (type == SOCK_DGRAM && family == AF_INET6)
        return turn_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    if (type == SOCK_DGRAM)
        return turn_on(fd, IPPROTO_IP, IP_PKTINFO);
    /*
     * A restart must not wait until the old connections are forgotten. UDP has none, and there it
     * would let another program take the port away. Connections have the listener's options.
     */
    return turn_on(fd, SOL_SOCKET, SO_REUSEADDR) && turn_on(fd, SOL_SOCKET, SO_KEEPALIVE) &&
           turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

static bool bind_any(int fd, int family)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};

    if (family == AF_INET)
        return bind(fd, (const struct sockaddr *)&v4, sizeof v4) == 0;
    return bind(fd, (const struct sockaddr *)&v6, sizeof v6) == 0;
}

/* The socket opened in the namespace, at the port of every address; -1, with errno: it cannot be. */
static int open_socket(const struct netns *ns, const struct name *name, int type)
{
    int family = AF_INET6, fd, error;
    char why[64];

    fd = netns_socket(ns, family, type | SOCK_NONBLOCK, 0);
    if (fd == -EAFNOSUPPORT) {
        /* A kernel without IPv6. */
        family = AF_INET;
        fd = netns_socket(ns, family, type | SOCK_NONBLOCK, 0);
    }
    /* The thread is in there for good, and nothing that it goes on to do is where it should be. */
    if (fd == -ENOTRECOVERABLE)
        must(fd);
    if (fd < 0) {
        complain(name, netns_errmsg());
        return -1;
    }
    if (set_options(fd, family, type) && bind_any(fd, family) &&
        (type != SOCK_STREAM || listen(fd, SOMAXCONN) == 0))
        return fd;
    error = errno;
    snprintf(why, sizeof why, "%s: %s", type == SOCK_STREAM ? "TCP" : "UDP", strerror(error));
    complain(name, why);
    close(fd);
    errno = error;
    return -1;
}

static void close_place(struct place *place)
{
    while (!LIST_EMPTY(&place->connections))
        reset_connection(LIST_FIRST(&place->connections));
    close_source(&place->listener);
    close_source(&place->udp);
    free(place->held);
    place->held = NULL;
    LIST_REMOVE(place, link);
    LIST_INSERT_HEAD(&closed_places, place, link);
}

static struct places *bucket_of_place(const struct netns *ns)
{
    return &places[netns_inode(ns) % BUCKETS];
}

static struct place *find_place(const struct netns *ns)
{
    struct place *place;

    LIST_FOREACH(place, bucket_of_place(ns), link)
        if (place->inode == netns_inode(ns) && place->device == netns_device(ns))
            return place;
    return NULL;
}

/* NULL, with errno: it cannot be served. */
static struct place *open_place(const struct netns *ns, const struct name *name)
{
    struct place *place = calloc(1, sizeof *place);
    int error;

    if (!place) {
        complain(name, strerror(ENOMEM));
        return NULL;
    }
    place->device = netns_device(ns);
    place->inode = netns_inode(ns);
    LIST_INIT(&place->connections);
    LIST_INSERT_HEAD(bucket_of_place(ns), place, link);
    place->listener.fd = open_socket(ns, name, SOCK_STREAM);
    place->udp.fd = place->listener.fd < 0 ? -1 : open_socket(ns, name, SOCK_DGRAM);
    if (place->udp.fd >= 0) {
        if (watch(&place->listener, listener_ready, place) && watch(&place->udp, udp_ready, place))
            return place;
        complain(name, strerror(errno));
    }
    error = errno;
    close_place(place);
    errno = error;
    return NULL;
}

/* --- names ------------------------------------------------------------------------------------ */

static struct names *bucket_of_name(const char *text)
{
    /* FNV-1a. */
    uint32_t hash = 2166136261u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return &names[hash % BUCKETS];
}

static struct name *find_name(const char *text)
{
    struct name *name;

    LIST_FOREACH(name, bucket_of_name(text), link)
        if (strcmp(name->text, text) == 0)
            return name;
    return NULL;
}

/* The namespace of a name, or the one that we are in. 0, or -errno. */
static int open_namespace(const struct name *name, struct netns **ns)
{
    if (strcmp(name->text, HERE) == 0)
        return netns_open_current(ns);
    return netns_open_at(rundir, name->text, 0, ns);
}

/* One that cannot be opened or served does not keep us from the others. */
static void take_up(struct name *name)
{
    struct netns *ns = NULL;
    int error = -open_namespace(name, &ns);

    /* ENOENT: it has gone again, and the monitor is about to say so. */
    if (error && error != ENOENT)
        complain(name, netns_errmsg());
    if (!error) {
        name->place = find_place(ns);
        if (!name->place)
            name->place = open_place(ns, name);
        error = name->place ? 0 : errno;
    }
    netns_close(ns);
    name->again = is_shortage(error);
    if (name->again)
        try_again_later();
    if (!name->place)
        return;
    name->place->names++;
    say(stdout, "serving ", name->text, "");
}

static void add_name(struct name *name, const char *text)
{
    strcpy(name->text, text);
    LIST_INSERT_HEAD(bucket_of_name(text), name, link);
    take_up(name);
}

static void remove_name(struct name *name)
{
    if (name->place) {
        if (--name->place->names == 0)
            close_place(name->place);
        say(stdout, "dropped ", name->text, "");
    }
    LIST_REMOVE(name, link);
    free(name);
}

/* Takes one event: 1, 0 if there is none, -1 if there is one that cannot be had yet. */
static int next_event(void)
{
    /* Made before the event is taken, which is not told twice. */
    static struct name *spare;
    struct netns_event event = NETNS_EVENT_INIT;
    struct name *name;
    int rc;

    if (!spare)
        spare = calloc(1, sizeof *spare);
    rc = spare ? netns_monitor_next(monitor, &event) : -ENOMEM;
    if (rc < 0 && !told_of_failure)
        fprintf(stderr, "echod: %s; trying again\n", spare ? netns_errmsg() : strerror(-rc));
    told_of_failure = rc < 0;
    if (rc <= 0) {
        free(spare);
        spare = NULL;
        return rc;
    }
    name = find_name(event.name);
    if (event.type == NETNS_EVENT_ADD && !name) {
        add_name(spare, event.name);
        spare = NULL;
    } else if (event.type == NETNS_EVENT_REMOVE && name) {
        remove_name(name);
    }
    return 1;
}

/* What is left in it when the turn is over makes it ready again. */
static void monitor_ready(void *owner)
{
    int rc = 1;

    (void)owner;
    for (int i = 0; i < TURN && rc > 0; i++)
        rc = next_event();
    /* No event is lost by a failure, but the monitor does not tell when its cause is gone. */
    if (rc < 0)
        try_again_later();
    if (rc == 0 && !told_ready) {
        told_ready = true;
        say(stdout, "ready", "", "");
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

/* What lacked descriptors or memory has another try. */
static void try_again(void)
{
    retry_at = 0;
    monitor_ready(NULL);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct place *place;
        struct name *name;

        LIST_FOREACH(place, &places[i], link)
            if (place->paused) {
                place->paused = false;
                wait_for(&place->listener, EPOLLIN);
            }
        LIST_FOREACH(name, &names[i], link)
            if (name->again) {
                take_up(name);
                if (name->again)
                    return;
            }
    }
}

static void free_closed(void)
{
    while (!LIST_EMPTY(&closed_connections)) {
        struct connection *connection = LIST_FIRST(&closed_connections);

        LIST_REMOVE(connection, link);
        free(connection);
    }
    while (!LIST_EMPTY(&closed_places)) {
        struct place *place = LIST_FIRST(&closed_places);

        LIST_REMOVE(place, link);
        free(place);
    }
}

static int time_to_wait(void)
{
    int64_t left;

    if (!retry_at)
        return -1;
    left = retry_at - now_ms();
    return left > 0 ? (int)left : 0;
}

static void loop(void)
{
    struct epoll_event events[TURN];

    while (!stopping) {
        int count = epoll_wait(epoll_fd, events, TURN, time_to_wait());

        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;

            /* One that comes earlier in the batch may have closed it. */
            if (source->fd >= 0)
                source->ready(source->owner);
        }
        if (retry_at && now_ms() >= retry_at)
            try_again();
        free_closed();
    }
}

static void signal_ready(void *owner)
{
    (void)owner;
    stopping = true;
}

/* --- starting and stopping -------------------------------------------------------------------- */

static void open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        die("sigprocmask");
    signal_source.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_source.fd < 0 || !watch(&signal_source, signal_ready, NULL))
        die("signalfd");
    /* Whoever read what we tell may end before us. */
    signal(SIGPIPE, SIG_IGN);
}

/* As many descriptors as there may be; connections leave a quarter of them to namespaces. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
    connections_most = limit.rlim_cur / 4 * 3;
}

static void serve_here(void)
{
    struct name *name = calloc(1, sizeof *name);

    if (!name)
        die("calloc");
    add_name(name, HERE);
}

static void open_monitor(void)
{
    must(netns_monitor_open(rundir, NETNS_MONITOR_SNAPSHOT, &monitor));
    monitor_source.fd = netns_monitor_fd(monitor);
    if (!watch(&monitor_source, monitor_ready, NULL))
        die("epoll_ctl");
    /* Where nothing has a name yet, there is nothing to be told of it. */
    monitor_ready(NULL);
}

static void close_all(void)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (!LIST_EMPTY(&names[i]))
            remove_name(LIST_FIRST(&names[i]));
    free_closed();
    netns_monitor_close(monitor);
    close(signal_source.fd);
    close(epoll_fd);
}

static void usage(int status)
{
    fprintf(status ? stderr : stdout,
            "usage: echod [-H] [-d RUNDIR] PORT\n"
            "Serves echo at the TCP and UDP port in every network namespace that has a name.\n"
            "  -H, --here        also in the namespace that it is started in\n"
            "  -d, --dir RUNDIR  where the names are, instead of %s\n"
            "  -h, --help        this text\n",
            NETNS_RUN_DIR);
    exit(status);
}

static in_port_t parse_port(const char *text)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < 1 || number > 65535) {
        fprintf(stderr, "echod: \"%s\" is no port\n", text);
        usage(2);
    }
    return htons(number);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"here", no_argument, NULL, 'H'},
        {"dir", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool with_here = false;
    int option;

    while ((option = getopt_long(argc, argv, "Hd:h", options, NULL)) >= 0) {
        if (option == 'H')
            with_here = true;
        else if (option == 'd')
            rundir = optarg;
        else
            usage(option == 'h' ? 0 : 2);
    }
    if (optind != argc - 1)
        usage(2);
    port = parse_port(argv[optind]);

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    raise_limits();
    open_signals();
    if (with_here)
        serve_here();
    open_monitor();
    loop();
    close_all();
    return 0;
}
