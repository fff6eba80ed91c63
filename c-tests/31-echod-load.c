/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * examples/echod while namespaces are created and removed by the library and by the tools, with callers in
 * each: no echo is lost, and none comes from another namespace.
 */
#include "echod.h"
#include "ip.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* The number of messages in flight on each socket, which is less than its buffer holds. */
#define WINDOW 8
#define LONGEST 1400
/* All callers use the same addresses and, for UDP, the same port: only the namespace differs. */
#define CALLER_PORT 5555

/* Counters of all keepers. */
struct figures {
    atomic_ulong namespaces[3], echoes, bytes, lost, crossed, cut;
};

static struct figures *figures;

/* The programs that create and remove names. */
enum { BY_LIBRARY, BY_IP, BY_NETNS };

/* Runs `netns VERB NAME`, this project's tool; returns its exit status. */
static int run_netns(const char *verb, const char *name)
{
    char *const argv[] = {"netns", (char *)verb, (char *)name, NULL};
    pid_t pid = -1;

    MUST(-posix_spawn(&pid, example("netns"), NULL, NULL, argv, environ));
    return wait_for(pid);
}

static void make_by(int who, const char *name)
{
    if (who == BY_LIBRARY)
        OK(netns_create(name, 0, NULL));
    else if (who == BY_IP)
        EQUAL(ip_netns("add", name, NULL, NULL), 0);
    else
        EQUAL(run_netns("add", name), 0);
    figures->namespaces[who]++;
}

static void remove_by(int who, const char *name)
{
    if (who == BY_LIBRARY)
        OK(netns_remove(name, 0));
    else if (who == BY_IP)
        EQUAL(ip_netns("delete", name, NULL, NULL), 0);
    else
        EQUAL(run_netns("delete", name), 0);
}

/* --- a caller ---------------------------------------------------------------------------------- */

/* Identifies the namespace, the socket and the message; the rest is derived from these. */
struct head {
    uint64_t id;
    uint32_t socket, sequence, len, sum;
};

struct caller {
    uint64_t id; /* unique among the callers of all namespaces */
    int sockets[4];
    unsigned sequence;
};

static const int types[4] = {SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM};
static const char *const addresses[4] = {"127.0.0.1", "127.0.0.1", "::1", "::1"};

static size_t length_of(unsigned sequence)
{
    return sizeof(struct head) + sequence * 37 % (LONGEST - sizeof(struct head));
}

static void compose(unsigned char *message, uint64_t id, uint32_t socket, uint32_t sequence)
{
    size_t len = length_of(sequence);
    struct head head = {id, socket, sequence, len, (uint32_t)id ^ socket ^ sequence};

    fill(message, len, (unsigned)(id * 31 + socket * 7 + sequence));
    memcpy(message, &head, sizeof head);
}

/* Whether the data is exactly what was sent; if not, prints whose data it is. */
static bool is_right(const struct caller *caller, uint32_t socket, uint32_t sequence,
                     const unsigned char *got)
{
    static unsigned char sent[LONGEST];
    struct head head;

    compose(sent, caller->id, socket, sequence);
    if (memcmp(sent, got, length_of(sequence)) == 0)
        return true;
    memcpy(&head, got, sizeof head);
    check_at(false, __LINE__, "caller %ju, socket %u got for %u: caller %ju, socket %u, message %u",
             (uintmax_t)caller->id, socket, sequence, (uintmax_t)head.id, head.socket,
             head.sequence);
    return false;
}

static void count_echo(const struct caller *caller, uint32_t socket, uint32_t sequence,
                       const unsigned char *got)
{
    if (is_right(caller, socket, sequence, got))
        figures->echoes++;
    else
        figures->crossed++;
    figures->bytes += length_of(sequence);
}

static void receive_stream(struct caller *caller, int i)
{
    unsigned char got[LONGEST];

    for (unsigned n = 0; n < WINDOW; n++) {
        if (!read_all(caller->sockets[i], got, length_of(caller->sequence + n))) {
            figures->lost += WINDOW - n;
            check_at(false, __LINE__, "TCP: %s", strerror(errno));
            return;
        }
        count_echo(caller, i, caller->sequence + n, got);
    }
}

/* Datagrams may be reordered: each of the window arrives once, in any order. */
static void receive_datagrams(struct caller *caller, int i)
{
    unsigned char got[LONGEST + 1];
    unsigned seen = 0;

    for (unsigned n = 0; n < WINDOW; n++) {
        ssize_t len = recv(caller->sockets[i], got, sizeof got, 0);
        struct head head;
        unsigned place;

        if (len < 0) {
            figures->lost += WINDOW - n;
            check_at(false, __LINE__, "UDP: %s", strerror(errno));
            return;
        }
        memcpy(&head, got, sizeof head);
        place = head.sequence - caller->sequence;
        if (place >= WINDOW || seen & 1u << place || (size_t)len != length_of(head.sequence))
            place = n;
        seen |= 1u << place;
        count_echo(caller, i, caller->sequence + place, got);
    }
}

static void exchange(struct caller *caller)
{
    unsigned char message[LONGEST];
    int i;

    for (unsigned n = 0; n < WINDOW; n++)
        for (i = 0; i < 4; i++) {
            size_t len = length_of(caller->sequence + n);

            compose(message, caller->id, i, caller->sequence + n);
            CHECK(send(caller->sockets[i], message, len, MSG_NOSIGNAL) == (ssize_t)len);
        }
    for (i = 0; i < 4; i++)
        if (types[i] == SOCK_STREAM)
            receive_stream(caller, i);
        else
            receive_datagrams(caller, i);
    caller->sequence += WINDOW;
}

/* The daemon serves the namespace after the monitor has reported it; until then nothing listens. */
static int dial_until_served(const struct netns *ns, const char *address)
{
    double end = seconds() + PATIENCE / 1000.0;
    int fd;

    while ((fd = dial(ns, SOCK_STREAM, address)) < 0 && errno == ECONNREFUSED && seconds() < end)
        sleep_ms(1);
    CHECK(fd >= 0);
    return fd;
}

static int dial_from_the_port(const struct netns *ns, const char *text)
{
    struct sockaddr_storage own, address;
    socklen_t len = parse_address(text, CALLER_PORT, &own);
    int fd = patient_socket(ns, own.ss_family, SOCK_DGRAM);

    parse_address(text, PORT, &address);
    MUST(bind(fd, (struct sockaddr *)&own, len));
    MUST(connect(fd, (struct sockaddr *)&address, len));
    return fd;
}

static void call(struct caller *caller, const struct netns *ns)
{
    static unsigned callers;

    for (int i = 0; i < 4; i += 2)
        caller->sockets[i] = dial_until_served(ns, addresses[i]);
    /* The daemon opens the TCP socket before the UDP socket: after an echo, both are served. */
    if (!test_failures)
        ECHOES(caller->sockets[0], 1);
    for (int i = 1; i < 4; i += 2)
        caller->sockets[i] = dial_from_the_port(ns, addresses[i]);
    caller->id = ++callers;
    caller->sequence = callers * 1000;
}

static void hang_up(struct caller *caller)
{
    for (int i = 0; i < 4; i++)
        close(caller->sockets[i]);
}

/* The connections end with the name. */
static void is_cut_off(struct caller *caller)
{
    HAS_ENDED(caller->sockets[0]);
    HAS_ENDED(caller->sockets[2]);
    figures->cut += 2;
}

/* --- keepers ----------------------------------------------------------------------------------- */

struct keeper {
    int number, generations, exchanges;
};

/* One life of a name: created by one tool, used, and removed by another while callers are connected. */
static void live_once(const char *name, int maker, int remover, int exchanges)
{
    struct caller caller = {0};
    struct netns *ns = NULL;

    make_by(maker, name);
    OK(netns_create(name, NETNS_CREATE_EXIST_OK | NETNS_CREATE_LO_UP, &ns));
    if (test_failures)
        return;
    call(&caller, ns);
    for (int i = 0; i < exchanges && !test_failures; i++)
        exchange(&caller);
    remove_by(remover, name);
    if (!test_failures)
        is_cut_off(&caller);
    hang_up(&caller);
    netns_close(ns);
}

/* The same name repeatedly without a pause: the daemon must keep up. */
static void keep(void *arg)
{
    const struct keeper *keeper = arg;
    char name[20];
    int i;

    snprintf(name, sizeof name, "n%d", keeper->number);
    for (i = 0; i < keeper->generations && !test_failures; i++)
        live_once(name, (keeper->number + i) % 3, (keeper->number + i / 3) % 3, keeper->exchanges);
}

#define KEEPERS 6

/*
 * Starts all keepers and reads the daemon's output until all have ended and have been served; returns how
 * often a namespace was served.
 */
static int run_keepers(struct echod *echod, int keepers, int generations, int exchanges)
{
    struct keeper parts[KEEPERS];
    pid_t pids[KEEPERS];
    int balance = 0, served = 0, running = keepers, i;
    char line[512];

    for (i = 0; i < keepers; i++) {
        parts[i] = (struct keeper){i, generations, exchanges};
        pids[i] = start_part(keep, &parts[i]);
    }
    /* The output about the last ones may arrive after they have ended. */
    while (running > 0 || balance > 0 || served < keepers * generations) {
        bool heard = next_line(echod, line, sizeof line, running ? 20 : PATIENCE);

        if (heard && strncmp(line, "serving ", 8) == 0) {
            served++;
            balance++;
        } else if (heard) {
            balance--;
        } else if (!running) {
            CHECK(balance == 0);
            break;
        }
        for (i = 0; i < keepers; i++) {
            int status;

            if (pids[i] && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
                CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                pids[i] = 0;
                running--;
            }
        }
    }
    return served;
}

static void no_echo_is_lost_or_misrouted_during_add_and_remove(void)
{
    int keepers = is_slow() ? 2 : KEEPERS, generations = is_slow() ? 3 : 40;
    int exchanges = is_slow() ? 5 : 80;
    struct echod echod;
    int served, before;
    long memory;

    need_ip();
    figures = mmap(NULL, sizeof *figures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(figures == MAP_FAILED ? -1 : 0);
    start_echod(&echod);
    SAYS(&echod, "ready");
    before = descriptors_of(&echod);
    /* A first run as a warm-up: malloc(3) keeps memory that it has obtained from the kernel. */
    EQUAL(run_keepers(&echod, keepers, 2, exchanges), keepers * 2);
    HAS_DESCRIPTORS(&echod, before);
    memory = memory_of(&echod);

    served = run_keepers(&echod, keepers, generations, exchanges);
    EQUAL(served, keepers * generations);
    HAS_DESCRIPTORS(&echod, before);
    check_at(memory_of(&echod) <= memory + 128, __LINE__, "memory: %ld kB, %ld kB", memory,
             memory_of(&echod));
    EQUAL(figures->lost, 0);
    EQUAL(figures->crossed, 0);
    EQUAL(figures->echoes, 4ul * WINDOW * exchanges * keepers * (generations + 2));
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
    STOP_ECHOD(&echod, SIGTERM);
    printf("#: %d namespaces made (%lu by the library, %lu by ip, %lu by netns), %d at once: "
           "%lu echoes, %lu MB, %lu lost, %lu crossed; %lu connections ended with their namespace\n",
           keepers * (generations + 2), figures->namespaces[BY_LIBRARY], figures->namespaces[BY_IP],
           figures->namespaces[BY_NETNS], keepers, figures->echoes, figures->bytes >> 20,
           figures->lost, figures->crossed, figures->cut);
    munmap(figures, sizeof *figures);
}

/* --- many namespaces --------------------------------------------------------------------------- */

/* Sends a distinct payload through each of many namespaces that exist at once; all are dropped at the end. */
static void each_of_many_namespaces_echoes_its_own_data(void)
{
    int many = is_slow() ? 10 : 200, before, i;
    struct netns *all[200];
    struct echod echod;
    char line[512];
    int callers[200];

    start_echod(&echod);
    SAYS(&echod, "ready");
    before = descriptors_of(&echod);
    for (i = 0; i < many; i++) {
        snprintf(line, sizeof line, "n%d", i);
        OK(netns_create(line, NETNS_CREATE_LO_UP, &all[i]));
    }
    for (i = 0; i < many; i++)
        CHECK(next_line(&echod, line, sizeof line, PATIENCE) && strncmp(line, "serving ", 8) == 0);
    /* All send before any of them reads. */
    for (i = 0; i < many; i++) {
        callers[i] = dial_from_the_port(all[i], i % 2 ? "127.0.0.1" : "::1");
        MUST(send(callers[i], &i, sizeof i, 0));
    }
    for (i = 0; i < many; i++) {
        int got = -1;

        CHECK(read_all(callers[i], &got, sizeof got) && got == i);
        close(callers[i]);
        snprintf(line, sizeof line, "n%d", i);
        OK(netns_remove(line, 0));
        netns_close(all[i]);
    }
    for (i = 0; i < many; i++)
        CHECK(next_line(&echod, line, sizeof line, PATIENCE) && strncmp(line, "dropped ", 8) == 0);
    HAS_DESCRIPTORS(&echod, before);
    STOP_ECHOD(&echod, SIGTERM);
}

int main(void)
{
    RUN(no_echo_is_lost_or_misrouted_during_add_and_remove);
    RUN(each_of_many_namespaces_echoes_its_own_data);
    return finish();
}
