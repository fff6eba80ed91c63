/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* examples/echod serves every named namespace, stops serving it when the name is removed, and survives
   failures. */
#include "echod.h"
#include "fault.h"
#include "ip.h"

/* A namespace in which lo is up. */
static struct netns *make(const char *name)
{
    struct netns *ns = NULL;

    MUST(netns_create(name, NETNS_CREATE_LO_UP, &ns));
    return ns;
}

/* Starts it and waits until it serves all existing namespaces. */
static void start_until_ready(struct echod *echod)
{
    char line[512] = "";

    start_echod(echod);
    while (strcmp(line, "ready") != 0)
        if (!CHECK(next_line(echod, line, sizeof line, PATIENCE)))
            break;
}

/* --- names are added and removed -------------------------------------------------------------- */

static void echod_serves_namespace_until_name_is_removed(void)
{
    struct netns *blue = make("blue"), *red;
    struct echod echod;
    int before;

    start_echod(&echod);
    SAYS(&echod, "serving blue");
    SAYS(&echod, "ready");
    before = descriptors_of(&echod);
    IS_SERVED(blue);
    red = make("red");
    SAYS(&echod, "serving red");
    IS_SERVED(red);
    IS_SERVED(blue);
    OK(netns_remove("red", 0));
    SAYS(&echod, "dropped red");
    IS_NOT_SERVED(red);
    IS_SERVED(blue);
    HAS_DESCRIPTORS(&echod, before);
    STOP_ECHOD(&echod, SIGTERM);
    IS_NOT_SERVED(blue);
    netns_close(blue);
    netns_close(red);
}

static void restarted_echod_serves_existing_namespaces(void)
{
    struct netns *blue = make("blue"), *red = make("red");
    int caller = -1;

    for (int round = 0; round < 3; round++) {
        struct echod echod;

        start_echod(&echod);
        /* A snapshot has no particular order. */
        for (int i = 0; i < 2; i++) {
            char line[512] = "";

            CHECK(next_line(&echod, line, sizeof line, PATIENCE));
            CHECK(strcmp(line, "serving blue") == 0 || strcmp(line, "serving red") == 0);
        }
        SAYS(&echod, "ready");
        IS_SERVED(blue);
        IS_SERVED(red);
        /* A connection to the old daemon does not prevent a new daemon from starting. */
        if (caller >= 0)
            close(caller);
        caller = dial(blue, SOCK_STREAM, "127.0.0.1");
        ECHOES(caller, 10);
        STOP_ECHOD(&echod, round % 2 ? SIGINT : SIGTERM);
        HAS_ENDED(caller);
    }
    close(caller);
    netns_close(blue);
    netns_close(red);
}

static void echod_starts_without_run_directory(void)
{
    struct echod echod;
    struct netns *blue;

    CHECK(!exists("/run/netns"));
    start_until_ready(&echod);
    blue = make("blue");
    SAYS(&echod, "serving blue");
    IS_SERVED(blue);
    OK(netns_remove("blue", 0));
    SAYS(&echod, "dropped blue");
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

static void echod_uses_only_given_run_directory(void)
{
    const char *const options[] = {"-d", "/run/mine", NULL};
    struct netns *mine = NULL, *other = make("other");
    struct echod echod;

    start_echod_with(&echod, options);
    SAYS(&echod, "ready");
    OK(netns_create_at("/run/mine", "blue", NETNS_CREATE_LO_UP, &mine));
    SAYS(&echod, "serving blue");
    IS_SERVED(mine);
    IS_NOT_SERVED(other);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(mine);
    netns_close(other);
}

static void echod_serves_its_own_namespace_on_request(void)
{
    const char *const options[] = {"-H", NULL};
    struct netns *home = NULL, *anonymous = NULL;
    struct echod echod;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &anonymous));
    MUST(netns_setns(anonymous));
    OK(netns_open_current(&home));
    start_echod_with(&echod, options);
    SAYS(&echod, "serving .");
    SAYS(&echod, "ready");
    IS_SERVED(home);
    /* This is one more name of the namespace, and not the last. */
    OK(netns_attach(home, "home", 0));
    SAYS(&echod, "serving home");
    OK(netns_remove("home", 0));
    SAYS(&echod, "dropped home");
    IS_SERVED(home);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(home);
    netns_close(anonymous);
}

static void namespace_is_served_until_its_last_name_is_removed(void)
{
    struct netns *blue = make("blue");
    struct echod echod;
    int before, caller;

    start_until_ready(&echod);
    before = descriptors_of(&echod);
    caller = dial(blue, SOCK_STREAM, "::1");
    ECHOES(caller, 10);
    OK(netns_attach(blue, "azure", 0));
    SAYS(&echod, "serving azure");
    OK(netns_remove("blue", 0));
    SAYS(&echod, "dropped blue");
    ECHOES(caller, 10);
    IS_SERVED(blue);
    HAS_DESCRIPTORS(&echod, before + 1);
    OK(netns_remove("azure", 0));
    SAYS(&echod, "dropped azure");
    HAS_ENDED(caller);
    IS_NOT_SERVED(blue);
    close(caller);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

static void echod_serves_new_namespace_of_replaced_name(void)
{
    struct netns *old = make("blue"), *new;
    struct echod echod;

    start_until_ready(&echod);
    MUST(kill(echod.pid, SIGSTOP));
    OK(netns_remove("blue", 0));
    new = make("blue");
    MUST(kill(echod.pid, SIGCONT));
    SAYS(&echod, "dropped blue");
    SAYS(&echod, "serving blue");
    IS_SERVED(new);
    IS_NOT_SERVED(old);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(old);
    netns_close(new);
}

static void newline_in_name_is_printed_as_question_mark(void)
{
    struct netns *ns = make("two\nlines");
    struct echod echod;

    start_echod(&echod);
    SAYS(&echod, "serving two?lines");
    SAYS(&echod, "ready");
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(ns);
}

/* --- a namespace dies -------------------------------------------------------------------------- */

/* Whether a namespace has this interface. */
static bool has_device(const struct netns *ns, const char *name)
{
    struct ifreq request = {0};
    int fd = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    int rc;

    strcpy(request.ifr_name, name);
    rc = ioctl(fd, SIOCGIFINDEX, &request);
    close(fd);
    return rc == 0;
}

/* Connects two namespaces with a veth pair: 10.0.0.1 in hub, 10.0.0.2 in blue. */
static void join_hub_and_blue(void)
{
    need_ip();
    if (shell("ip -n hub link add v0 type veth peer name v1 netns blue") != 0)
        skip("no veth");
    EQUAL(shell("ip -n hub addr add 10.0.0.1/24 dev v0 && ip -n hub link set v0 up"), 0);
    EQUAL(shell("ip -n blue addr add 10.0.0.2/24 dev v1 && ip -n blue link set v1 up"), 0);
}

/* The kernel deletes the veth when the namespace at its other end is destroyed. */
static void blue_is_dead(const struct netns *hub)
{
    double end = seconds() + PATIENCE / 1000.0;

    while (has_device(hub, "v0") && seconds() < end)
        sleep_ms(1);
    CHECK(!has_device(hub, "v0"));
}

static void namespace_without_clients_is_destroyed_on_removal(void)
{
    struct netns *hub = make("hub"), *blue = make("blue");
    struct echod echod;

    join_hub_and_blue();
    start_until_ready(&echod);
    IS_SERVED(blue);
    netns_close(blue);
    OK(netns_remove("blue", 0));
    SAYS(&echod, "dropped blue");
    blue_is_dead(hub);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(hub);
}

/* Sends until all buffers on the way are full and stay full for a while. */
static size_t send_all_it_takes(int fd)
{
    static char much[65536];
    size_t sent = 0;
    int idle = 0;

    while (idle < 20) {
        ssize_t some = send(fd, much, sizeof much, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (some > 0) {
            sent += some;
            idle = 0;
            continue;
        }
        if (!CHECK(errno == EAGAIN))
            break;
        idle++;
        sleep_ms(10);
    }
    return sent;
}

static void stalled_client_does_not_keep_namespace_alive(void)
{
    struct netns *hub = make("hub"), *blue = make("blue");
    struct echod echod;
    int reader, deaf;

    join_hub_and_blue();
    netns_close(blue);
    start_until_ready(&echod);
    reader = dial(hub, SOCK_STREAM, "10.0.0.2");
    ECHOES(reader, 1000);
    deaf = dial(hub, SOCK_STREAM, "10.0.0.2");
    CHECK(send_all_it_takes(deaf) > 0);
    OK(netns_remove("blue", 0));
    SAYS(&echod, "dropped blue");
    blue_is_dead(hub);
    HAS_ENDED(reader);
    close(reader);
    close(deaf);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(hub);
}

/* --- clients ----------------------------------------------------------------------------------- */

static void stalled_client_uses_little_memory_and_blocks_no_other(void)
{
    struct netns *blue = make("blue");
    struct echod echod;
    long before;
    size_t sent;
    int deaf;

    start_until_ready(&echod);
    IS_SERVED(blue);
    before = memory_of(&echod);
    deaf = dial(blue, SOCK_STREAM, "127.0.0.1");
    sent = send_all_it_takes(deaf);
    CHECK(sent > 100000);
    IS_SERVED(blue);
    check_at(memory_of(&echod) < before + 256, __LINE__, "memory: %ld kB, %ld kB", before,
             memory_of(&echod));
    /* When the client finally reads, nothing has been lost. */
    MUST(shutdown(deaf, SHUT_WR));
    while (sent > 0) {
        static char data[65536];
        ssize_t got = recv(deaf, data, sizeof data, 0);

        if (!CHECK(got > 0 && (size_t)got <= sent))
            break;
        sent -= got;
    }
    EQUAL(recv(deaf, &sent, 1, 0), 0);
    close(deaf);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

/* Sends a part of the data if there is space, and shuts down sending after the last byte. */
static size_t send_some(int fd, const unsigned char *data, size_t len)
{
    ssize_t sent = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent == (ssize_t)len)
        MUST(shutdown(fd, SHUT_WR));
    return sent > 0 ? sent : 0;
}

static void half_closed_client_receives_all_data_and_eof(void)
{
    static unsigned char sent[1 << 20], got[1 << 20];
    struct netns *blue = make("blue");
    size_t in = 0, out = 0;
    struct echod echod;
    ssize_t some = 1;
    int fd;

    start_until_ready(&echod);
    fd = dial(blue, SOCK_STREAM, "::1");
    fill(sent, sizeof sent, 1);
    while (in < sizeof got && some > 0) {
        if (out < sizeof sent)
            out += send_some(fd, sent + out, sizeof sent - out);
        some = recv(fd, got + in, sizeof got - in, 0);
        in += some > 0 ? some : 0;
    }
    EQUAL(in, sizeof got);
    CHECK(memcmp(sent, got, sizeof sent) == 0);
    EQUAL(recv(fd, got, 1, 0), 0);
    close(fd);
    /* A client that sends nothing also receives the end of the connection. */
    fd = dial(blue, SOCK_STREAM, "::1");
    MUST(shutdown(fd, SHUT_WR));
    EQUAL(recv(fd, got, 1, 0), 0);
    close(fd);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

static void datagrams_of_any_size_are_echoed(void)
{
    struct netns *blue = make("blue");
    struct echod echod;
    char byte;
    int fd;

    start_until_ready(&echod);
    fd = dial(blue, SOCK_DGRAM, "127.0.0.1");
    ECHOES(fd, 1);
    ECHOES(fd, 9000);
    ECHOES(fd, 65507);
    EQUAL(send(fd, "", 0, 0), 0);
    EQUAL(recv(fd, &byte, 1, 0), 0);
    close(fd);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

/* Every second datagram does not fit at first: it is kept and sent later. */
static void datagram_echo_is_retried_after_eagain(void)
{
    const char *const strace[] = {"strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=sendmsg",
                                  "-e", "inject=sendmsg:error=EAGAIN:when=1+2", NULL};
    const char *const no_options[] = {NULL};
    struct netns *blue = make("blue");
    struct echod echod;
    int fd;

    if (!have("strace"))
        skip("no strace");
    start_echod_under(&echod, strace, no_options);
    SAYS(&echod, "serving blue");
    SAYS(&echod, "ready");
    fd = dial(blue, SOCK_DGRAM, "::1");
    for (int i = 0; i < 4; i++)
        MUST(send(fd, &i, sizeof i, 0));
    for (int i = 0; i < 4; i++) {
        int got = -1;

        CHECK(read_all(fd, &got, sizeof got));
        EQUAL(got, i);
    }
    /* A datagram that is kept when the namespace disappears is dropped. */
    MUST(kill(echod.pid, SIGSTOP));
    MUST(send(fd, "x", 1, 0));
    OK(netns_remove("blue", 0));
    MUST(kill(echod.pid, SIGCONT));
    SAYS(&echod, "dropped blue");
    close(fd);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

/* A connected socket receives only from the address that it is connected to. */
static void reply_source_is_destination_of_request(void)
{
    struct netns *blue = make("blue");
    struct echod echod;
    int fd;

    need_ip();
    EQUAL(shell("ip -n blue addr add fd00::2/128 dev lo nodad"), 0);
    EQUAL(shell("ip -n blue addr add 10.1.2.3/32 dev lo"), 0);
    start_until_ready(&echod);
    for (int i = 0; i < 4; i++) {
        fd = dial(blue, SOCK_DGRAM,
                  (const char *const[]){"127.0.0.2", "127.1.2.3", "10.1.2.3", "fd00::2"}[i]);
        ECHOES(fd, 100);
        close(fd);
    }
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

/* Whether a datagram from the hub's port is answered. */
static bool is_answered_at(const struct netns *hub, in_port_t port)
{
    struct sockaddr_storage address;
    socklen_t len = parse_address("10.0.0.1", port, &address);
    int asking = MUST(netns_socket(hub, AF_INET, SOCK_DGRAM, 0));
    int other = dial(hub, SOCK_DGRAM, "10.0.0.2");
    char byte;
    bool answered;

    MUST(bind(asking, (struct sockaddr *)&address, len));
    len = parse_address("10.0.0.2", PORT, &address);
    MUST(connect(asking, (struct sockaddr *)&address, len));
    /* Answers arrive in the order of the requests: when the third has arrived, so has the first. */
    ECHOES(other, 1);
    MUST(send(asking, "x", 1, 0));
    ECHOES(other, 1);
    answered = recv(asking, &byte, 1, MSG_DONTWAIT) == 1;
    close(asking);
    close(other);
    return answered;
}

static void datagram_from_echo_port_is_not_answered(void)
{
    struct netns *hub = make("hub"), *blue = make("blue");
    struct echod echod;

    join_hub_and_blue();
    OK(netns_remove("hub", 0));
    start_until_ready(&echod);
    CHECK(is_answered_at(hub, PORT + 1));
    CHECK(!is_answered_at(hub, PORT));
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(hub);
    netns_close(blue);
}

/* --- failures ---------------------------------------------------------------------------------- */

/* The daemon's processor time, in ticks. */
static long ticks_of(const struct echod *echod)
{
    long user = 0, system = 0;
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", echod->pid);
    file = fopen(path, "re");
    MUST(file && fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
                        &user, &system) == 2 ? 0 : -1);
    fclose(file);
    return user + system;
}

/* The number of callers that have received an echo. */
static int answered(const int *callers, int count)
{
    int answers = 0;
    char byte;

    for (int i = 0; i < count; i++)
        answers += callers[i] >= 0 && recv(callers[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
    return answers;
}

/* Starts it with a limit on its descriptors. */
static void start_with_descriptors(struct echod *echod, const char *most)
{
    const char *const shell[] = {"sh", "-c", "ulimit -n \"$0\" && exec \"$@\"", most, NULL};
    const char *const no_options[] = {NULL};

    start_echod_under(echod, shell, no_options);
}

#define CALLERS 80

static void echod_without_descriptors_waits_without_spinning(void)
{
    struct netns *blue = make("blue"), *red;
    double end = seconds() + PATIENCE / 1000.0;
    int callers[CALLERS], i;
    struct echod echod;
    long before;

    start_with_descriptors(&echod, "64");
    SAYS(&echod, "serving blue");
    SAYS(&echod, "ready");
    for (i = 0; i < CALLERS; i++) {
        callers[i] = dial(blue, SOCK_STREAM, "127.0.0.1");
        MUST(send(callers[i], "x", 1, MSG_NOSIGNAL));
    }
    /* Three quarters are for connections. */
    while (answered(callers, CALLERS) < 48 && seconds() < end)
        sleep_ms(1);
    before = ticks_of(&echod);
    sleep_ms(500);
    EQUAL(answered(callers, CALLERS), 48);
    /* A busy loop would use all of the 50 ticks. */
    check_at(ticks_of(&echod) - before < 10, __LINE__, "%ld ticks", ticks_of(&echod) - before);
    /* Namespaces are still added and removed. */
    red = make("red");
    SAYS(&echod, "serving red");
    OK(netns_remove("red", 0));
    SAYS(&echod, "dropped red");
    netns_close(red);
    /* The waiting callers are served when others leave. */
    for (i = 0; i < CALLERS; i++) {
        char byte;

        CHECK(read_all(callers[i], &byte, 1) && byte == 'x');
        close(callers[i]);
    }
    IS_SERVED(blue);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
}

static void namespace_is_served_once_descriptors_are_free(void)
{
    struct echod echod;
    char name[20], line[512];
    int served = 0, i;

    start_with_descriptors(&echod, "20");
    SAYS(&echod, "ready");
    for (i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "n%d", i);
        netns_close(make(name));
    }
    COMPLAINS(&echod, "Too many open files");
    /* The waiting namespaces are served when others disappear. */
    while (served < 10 && CHECK(next_line(&echod, line, sizeof line, PATIENCE))) {
        if (strncmp(line, "serving ", 8) != 0)
            continue;
        served++;
        OK(netns_remove(line + 8, 0));
    }
    EQUAL(served, 10);
    /* The message appears once for each one that had to wait, not once for each attempt. */
    drain(echod.err, echod.complained, &echod.complained_len, sizeof echod.complained);
    for (i = 0; cut_line(echod.complained, &echod.complained_len, line, sizeof line); i++)
        ;
    CHECK(i < 12);
    STOP_ECHOD(&echod, SIGTERM);
}

/* Waits for a complaint with this in it. The monitor may lack descriptors as well, and complain before. */
static bool complains_at_last(struct echod *echod, const char *text)
{
    double end = seconds() + PATIENCE / 1000.0;
    char line[1024] = "";

    while (!strstr(line, text) && seconds() < end) {
        drain(echod->err, echod->complained, &echod->complained_len, sizeof echod->complained);
        if (!cut_line(echod->complained, &echod->complained_len, line, sizeof line))
            sleep_ms(1);
    }
    return strstr(line, text) != NULL;
}

static void waiting_namespace_is_served_by_remaining_name(void)
{
    const char *const nothing[] = {NULL};
    struct netns *blue = NULL, *red = make("red");
    struct echod echod;
    char line[512] = "";

    /* Not under valgrind, which has descriptors of its own. */
    start_echod_under(&echod, nothing, nothing);
    SAYS(&echod, "serving red");
    SAYS(&echod, "ready");
    /* Serving blue takes four: two sockets, a handle and the way back. Removing red frees two. */
    allow_descriptors_of(&echod, 3);
    blue = make("blue");
    CHECK(complains_at_last(&echod, "blue is not served: "));
    OK(netns_attach(blue, "azure", 0));
    CHECK(complains_at_last(&echod, "azure is not served: "));
    /* The name that it was last tried by. */
    OK(netns_remove("azure", 0));
    OK(netns_remove("red", 0));
    SAYS(&echod, "dropped red");
    CHECK(next_line(&echod, line, sizeof line, PATIENCE));
    SAME(line, "serving blue");
    IS_SERVED(blue);
    drain(echod.err, echod.complained, &echod.complained_len, sizeof echod.complained);
    echod.complained_len = 0;
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
    netns_close(red);
}

static void unservable_namespace_does_not_affect_others(void)
{
    struct netns *blue = make("blue"), *red;
    struct sockaddr_storage address;
    socklen_t len = parse_address("127.0.0.1", PORT, &address);
    int taken = MUST(netns_socket(blue, AF_INET, SOCK_STREAM, 0)), before;
    struct echod echod;

    MUST(bind(taken, (struct sockaddr *)&address, len));
    MUST(listen(taken, 1));
    start_echod(&echod);
    SAYS(&echod, "ready");
    COMPLAINS(&echod, "blue is not served: TCP: Address already in use");
    before = descriptors_of(&echod);
    red = make("red");
    SAYS(&echod, "serving red");
    IS_SERVED(red);
    OK(netns_remove("red", 0));
    SAYS(&echod, "dropped red");
    HAS_DESCRIPTORS(&echod, before);
    close(taken);
    /* The same for UDP: nothing is left of it. */
    taken = MUST(netns_socket(blue, AF_INET, SOCK_DGRAM, 0));
    MUST(bind(taken, (struct sockaddr *)&address, len));
    OK(netns_attach(blue, "azure", 0));
    COMPLAINS(&echod, "azure is not served: UDP: Address already in use");
    HAS_DESCRIPTORS(&echod, before);
    close(taken);
    STOP_ECHOD(&echod, SIGTERM);
    netns_close(blue);
    netns_close(red);
}

static void serve_without_ipv6(void *arg)
{
    static const struct fault no_ipv6[] = {
        {.call = SYS_socket, .error = EAFNOSUPPORT, .arg = 0, .mask = ~0u, .value = AF_INET6},
    };
    struct netns *blue = arg;
    struct echod echod;
    int fd;

    need_seccomp();
    install_faults(no_ipv6, 1);
    start_until_ready(&echod);
    for (int i = 0; i < 2; i++) {
        fd = dial(blue, i ? SOCK_STREAM : SOCK_DGRAM, "127.0.0.2");
        ECHOES(fd, 100);
        close(fd);
    }
    STOP_ECHOD(&echod, SIGTERM);
}

static void echod_works_without_ipv6(void)
{
    struct netns *blue = make("blue");

    IN_CHILD(serve_without_ipv6, blue);
    netns_close(blue);
}

static int run_echod(const char *arguments)
{
    char command[PATH_MAX + 100];

    snprintf(command, sizeof command, "'%s' %s >/dev/null 2>&1", example("echod"), arguments);
    return shell(command);
}

static void echod_rejects_invalid_arguments(void)
{
    EQUAL(run_echod("-h"), 0);
    EQUAL(run_echod(""), 2);
    EQUAL(run_echod("0"), 2);
    EQUAL(run_echod("65536"), 2);
    EQUAL(run_echod("7x"), 2);
    EQUAL(run_echod("7 7"), 2);
    EQUAL(run_echod("-x 7"), 2);
    EQUAL(run_echod("-d '' 7"), 1);
}

int main(void)
{
    RUN(echod_serves_namespace_until_name_is_removed);
    RUN(restarted_echod_serves_existing_namespaces);
    RUN_WITHOUT_RUN_DIRECTORY(echod_starts_without_run_directory);
    RUN(echod_uses_only_given_run_directory);
    RUN(echod_serves_its_own_namespace_on_request);
    RUN(namespace_is_served_until_its_last_name_is_removed);
    RUN(echod_serves_new_namespace_of_replaced_name);
    RUN(newline_in_name_is_printed_as_question_mark);

    RUN(namespace_without_clients_is_destroyed_on_removal);
    RUN(stalled_client_does_not_keep_namespace_alive);

    RUN(stalled_client_uses_little_memory_and_blocks_no_other);
    RUN(half_closed_client_receives_all_data_and_eof);
    RUN(datagrams_of_any_size_are_echoed);
    RUN(datagram_echo_is_retried_after_eagain);
    RUN(reply_source_is_destination_of_request);
    RUN(datagram_from_echo_port_is_not_answered);

    RUN(echod_without_descriptors_waits_without_spinning);
    RUN(namespace_is_served_once_descriptors_are_free);
    RUN(waiting_namespace_is_served_by_remaining_name);
    RUN(unservable_namespace_does_not_affect_others);
    RUN(echod_works_without_ipv6);
    RUN(echod_rejects_invalid_arguments);
    return finish();
}
