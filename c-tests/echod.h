/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Starts examples/echod for a test, and provides clients for it. */
#ifndef NETNS_TEST_ECHOD_H
#define NETNS_TEST_ECHOD_H

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define PORT 7007
#define PORT_TEXT "7007"
/* The timeout of every step, in ms. */
#define PATIENCE (20000 * slowness())

struct echod {
    pid_t pid;
    int out, err;
    /* Output that the test has not read yet. */
    char said[65536], complained[65536];
    size_t said_len, complained_len;
};

/* The path of a program of examples/. The Makefile passes the directory. */
static inline const char *example(const char *name)
{
    static char path[PATH_MAX];
    const char *dir = getenv("NETNS_EXAMPLES");

    snprintf(path, sizeof path, "%s/%s", dir ? dir : "../build/examples", name);
    return path;
}

#define MOST_WORDS 24

static inline void exec_echod(const char *const *wrapper, const char *const *options)
{
    const char *words[MOST_WORDS];
    int count = 0;

    /* A daemon that outlived its test would keep its namespaces alive. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(0);
    while (*wrapper)
        words[count++] = *wrapper++;
    words[count++] = example("echod");
    while (*options)
        words[count++] = *options++;
    words[count++] = PORT_TEXT;
    words[count] = NULL;
    execvp(words[0], (char *const *)words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    _exit(1);
}

/* Starts the daemon as the last arguments of another command. */
static inline void start_echod_under(struct echod *echod, const char *const *wrapper,
                                     const char *const *options)
{
    int out[2], err[2];

    memset(echod, 0, sizeof *echod);
    MUST(pipe2(out, O_CLOEXEC));
    MUST(pipe2(err, O_CLOEXEC));
    MUST(fcntl(out[0], F_SETFL, O_NONBLOCK));
    MUST(fcntl(err[0], F_SETFL, O_NONBLOCK));
    fflush(NULL);
    echod->pid = MUST(fork());
    if (echod->pid == 0) {
        MUST(dup2(out[1], STDOUT_FILENO));
        MUST(dup2(err[1], STDERR_FILENO));
        exec_echod(wrapper, options);
    }
    close(out[1]);
    close(err[1]);
    echod->out = out[0];
    echod->err = err[0];
}

/* Starts it, under valgrind if the test runs under valgrind, so that leaks are found. */
static inline void start_echod_with(struct echod *echod, const char *const *options)
{
    static const char *const valgrind[] = {
        "valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
        "--show-leak-kinds=definite,possible", "--errors-for-leak-kinds=definite,possible", NULL};

    start_echod_under(echod, valgrind + (under_valgrind() ? 0 : 6), options);
}

static inline void start_echod(struct echod *echod)
{
    const char *const no_options[] = {NULL};

    start_echod_with(echod, no_options);
}

/* Reads what is available. Returns false at the end of the output. */
static inline bool drain(int fd, char *text, size_t *len, size_t size)
{
    ssize_t got;

    while ((got = read(fd, text + *len, size - 1 - *len)) > 0)
        *len += got;
    text[*len] = '\0';
    return got < 0 && errno == EAGAIN;
}

/* Removes the first line from a text. Returns false if there is no complete line. */
static inline bool cut_line(char *text, size_t *len, char *line, size_t size)
{
    char *end = strchr(text, '\n');
    size_t taken;

    if (!end)
        return false;
    taken = end - text < (ssize_t)size ? (size_t)(end - text) : size - 1;
    memcpy(line, text, taken);
    line[taken] = '\0';
    *len -= end + 1 - text;
    memmove(text, end + 1, *len + 1);
    return true;
}

/* Waits for the daemon's next line on stdout, at most for `ms`. */
static inline bool next_line(struct echod *echod, char *line, size_t size, int ms)
{
    double end = seconds() + ms / 1000.0;

    for (;;) {
        struct pollfd fd = {.fd = echod->out, .events = POLLIN};
        int left = (int)((end - seconds()) * 1000);
        bool open = drain(echod->out, echod->said, &echod->said_len, sizeof echod->said);

        if (cut_line(echod->said, &echod->said_len, line, size))
            return true;
        if (!open || left < 0)
            return false;
        poll(&fd, 1, left + 1);
    }
}

/* Checks the next line. */
#define SAYS(echod, text) says_at((echod), (text), __LINE__)

static inline void says_at(struct echod *echod, const char *text, int line)
{
    char said[512] = "(nothing)";

    next_line(echod, said, sizeof said, PATIENCE);
    check_at(strcmp(said, text) == 0, line, "echod says \"%s\", not \"%s\"", said, text);
}

/* Waits until the daemon prints a line that contains this text on stderr. */
#define COMPLAINS(echod, text) complains_at((echod), (text), __LINE__)

static inline void complains_at(struct echod *echod, const char *text, int line)
{
    double end = seconds() + PATIENCE / 1000.0;
    char said[1024] = "";

    do {
        drain(echod->err, echod->complained, &echod->complained_len, sizeof echod->complained);
        if (cut_line(echod->complained, &echod->complained_len, said, sizeof said))
            break;
        sleep_ms(1);
    } while (seconds() < end);
    check_at(strstr(said, text) != NULL, line, "echod complains \"%s\", not of \"%s\"", said, text);
}

/* Stops the daemon with a signal and checks that it exits with 0 (99: valgrind has found an error) and has
   printed nothing more. */
#define STOP_ECHOD(echod, signal) stop_echod_at((echod), (signal), __LINE__)

static inline void stop_echod_at(struct echod *echod, int signal, int line)
{
    int status;

    MUST(kill(echod->pid, signal));
    status = wait_for(echod->pid);
    check_at(status == 0, line, "echod ended with status %d", status);
    drain(echod->err, echod->complained, &echod->complained_len, sizeof echod->complained);
    check_at(echod->complained_len == 0, line, "echod complained: %s", echod->complained);
    close(echod->out);
    close(echod->err);
}

static inline int descriptors_of(const struct echod *echod)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd", echod->pid);
    return files_in(path);
}

/* Limits the daemon to this many more descriptors than it has. */
static inline void allow_descriptors_of(const struct echod *echod, int more)
{
    struct rlimit limit;

    MUST(prlimit(echod->pid, RLIMIT_NOFILE, NULL, &limit));
    limit.rlim_cur = descriptors_of(echod) + more;
    MUST(prlimit(echod->pid, RLIMIT_NOFILE, &limit, NULL));
}

/* Waits until the daemon has noticed closed connections and has this many descriptors. */
#define HAS_DESCRIPTORS(echod, count) has_descriptors_at((echod), (count), __LINE__)

static inline void has_descriptors_at(const struct echod *echod, int count, int line)
{
    double end = seconds() + PATIENCE / 1000.0;

    while (descriptors_of(echod) != count && seconds() < end)
        sleep_ms(1);
    equal_at(descriptors_of(echod), count, line, "descriptors of echod");
}

/* The daemon's private memory, in kB. */
static inline long memory_of(const struct echod *echod)
{
    char path[64], line[256];
    long kilobytes = -1;
    FILE *file;

    /* It would be valgrind's memory, which grows with the code that is executed. valgrind finds leaks
       itself. */
    if (under_valgrind())
        return 0;
    snprintf(path, sizeof path, "/proc/%d/status", echod->pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return kilobytes;
}

/* --- talking to it ----------------------------------------------------------------------------- */

/* Builds the address from text, IPv4 or IPv6, and a port. */
static inline socklen_t
parse_address(const char *text, in_port_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    MUST(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? 0 : -1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof *v6;
}

/* A socket in the namespace with a timeout of PATIENCE. */
static inline int patient_socket(const struct netns *ns, int family, int type)
{
    struct timeval patience = {PATIENCE / 1000, 0};
    int fd = MUST(netns_socket(ns, family, type, 0));

    MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    return fd;
}

/* A socket in the namespace connected to the daemon at the address, or -1 if the connection is refused. */
static inline int dial(const struct netns *ns, int type, const char *text)
{
    struct sockaddr_storage address;
    socklen_t len = parse_address(text, PORT, &address);
    int fd = patient_socket(ns, address.ss_family, type);

    if (connect(fd, (struct sockaddr *)&address, len) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Fills a buffer with data that depends on the seed. */
static inline void fill(unsigned char *data, size_t len, unsigned seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        data[i] = state >> 56;
    }
}

static inline bool read_all(int fd, void *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = recv(fd, (char *)data + done, len - done, 0);

        if (got <= 0)
            return false;
        done += got;
    }
    return true;
}

/* Sends some bytes and checks that they are returned. */
#define ECHOES(fd, len) echoes_at((fd), (len), __LINE__)

static inline void echoes_at(int fd, size_t len, int line)
{
    static unsigned char sent[65536], got[65536];
    static unsigned seed;

    MUST(len <= sizeof sent ? 0 : -1);
    fill(sent, len, ++seed);
    memset(got, 0, len);
    if (check_at(send(fd, sent, len, MSG_NOSIGNAL) == (ssize_t)len, line, "send: %s",
                 strerror(errno)))
        check_at(read_all(fd, got, len) && memcmp(sent, got, len) == 0, line, "no echo: %s",
                 strerror(errno));
}

/* Checks both protocols and both address families. */
#define IS_SERVED(ns) is_served_at((ns), __LINE__)

static inline void is_served_at(const struct netns *ns, int line)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};

    for (int i = 0; i < 4; i++) {
        int fd = dial(ns, i & 1 ? SOCK_STREAM : SOCK_DGRAM, addresses[i >> 1]);

        if (!check_at(fd >= 0, line, "%s: %s", addresses[i >> 1], strerror(errno)))
            continue;
        echoes_at(fd, 100, line);
        close(fd);
    }
}

/* Checks that nothing listens there. */
#define IS_NOT_SERVED(ns) is_not_served_at((ns), __LINE__)

static inline void is_not_served_at(const struct netns *ns, int line)
{
    int fd = dial(ns, SOCK_STREAM, "127.0.0.1");

    check_at(fd < 0 && errno == ECONNREFUSED, line, "served: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    fd = dial(ns, SOCK_DGRAM, "127.0.0.1");
    check_at(send(fd, "", 1, 0) == 1 && recv(fd, &line, 1, 0) < 0 && errno == ECONNREFUSED, line,
             "served by UDP: %s", strerror(errno));
    close(fd);
}

/* Checks that the daemon has closed the connection. */
#define HAS_ENDED(fd) has_ended_at((fd), __LINE__)

static inline void has_ended_at(int fd, int line)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);

    check_at(got < 0 && errno == ECONNRESET, line, "not reset: %zd, %s", got, strerror(errno));
}

#endif
