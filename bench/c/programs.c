/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* usage: programs ip|NETNS; measures ip(8) or the tool: each operation starts one or two processes. */
#define _GNU_SOURCE
#include "sandbox.h"
#include "watching.h"
#include "worker.h"

#include <spawn.h>

/* "ip netns", or this project's "netns". */
static const char *program;
static int is_ip;
static char guest_text[16];

/* --- processes ---------------------------------------------------------------------------------- */

static pid_t start(const char *const *argv, int output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    if (output < 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    errno = posix_spawnp(&pid, program, &actions, NULL, (char *const *)argv, environ);
    if (errno)
        die(program);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void run(const char *const *argv)
{
    pid_t pid = start(argv, -1);
    int status;

    MUST(waitpid(pid, &status, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die(argv[1]);
}

/* `ip netns A B C` or `netns A B C`. */
static void command(const char *a, const char *b, const char *c)
{
    const char *const argv[] = {"ip", "netns", a, b, c, NULL};

    run(is_ip ? argv : argv + 1);
}

/* --- operations --------------------------------------------------------------------------------- */

static void create(int i)
{
    char name[32];

    name_of(name, i);
    command("add", name, NULL);
}

static void create_up(int i)
{
    char name[32];
    const char *const argv[] = {"ip", "-n", name, "link", "set", "lo", "up", NULL};

    create(i);
    name_of(name, i);
    run(argv);
}

static void list(int i)
{
    (void)i;
    command("list", NULL, NULL);
}

static void find_pids(int i)
{
    (void)i;
    command("pids", "target", NULL);
}

static void identify(int i)
{
    (void)i;
    command("identify", guest_text, NULL);
}

static void attach(int i)
{
    char name[32];

    name_of(name, i);
    command("attach", name, guest_text);
}

static void remove_name(int i)
{
    char name[32];

    name_of(name, i);
    command("delete", name, NULL);
}

static void run_program(int i)
{
    (void)i;
    command("exec", "target", "/bin/true");
}

/* --- the sandbox: a process for each of the two namespaces -------------------------------------- */

#define FIRST "/run/first"
#define SECOND "/run/second"

static void write_batch(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die(path);
}

static void write_batches(void)
{
    write_batch(FIRST, "link add v0p0 type veth peer name v0p1 netns sandbox\n"
                       "addr add " OUTSIDE "/24 dev v0p0\n"
                       "link set v0p0 up\n"
                       "route add " FAR " via " INSIDE "\n");
    write_batch(SECOND, "addr add " INSIDE "/24 dev v0p1\n"
                        "addr add " FAR "/32 dev v0p1\n"
                        "link set v0p1 up\n"
                        "route add default via " OUTSIDE "\n");
}

static void set_up_sandbox(int i)
{
    static const char *const first[] = {"ip", "-n", "target", "-batch", FIRST, NULL};
    static const char *const second[] = {"ip", "-n", "sandbox", "-batch", SECOND, NULL};

    (void)i;
    run(first);
    run(second);
}

/* --- the monitor: a process that prints a line for each change ---------------------------------- */

static int lines;

/* Events of probes are ignored, however late they arrive. */
static int take_lines(void)
{
    char buffer[4096], *line, *rest = buffer;
    ssize_t len = read(lines, buffer, sizeof buffer - 1);
    int count = 0;

    if (len <= 0)
        return 0;
    buffer[len] = '\0';
    while ((line = strsep(&rest, "\n")))
        count += *line && !strstr(line, PROBE);
    return count;
}

/* It does not announce when it is ready: probes are created until one is reported. */
static void wait_until_it_watches(const struct watcher *watcher)
{
    struct pollfd ready = {.fd = watcher->fd, .events = POLLIN};
    int tries, told = 0;

    start_maker();
    for (tries = 0; !told && tries < 100; tries++) {
        order_and_wait(ADD_PROBE);
        told = MUST(poll(&ready, 1, 50));
        order_and_wait(REMOVE_PROBE);
    }
    if (!told)
        die("a monitor that tells of nothing");
}

/* ip(8) buffers its output unless it is a terminal. */
static int open_terminal(int *its_end)
{
    int fd = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));

    if (grantpt(fd) < 0 || unlockpt(fd) < 0)
        die("a terminal");
    *its_end = MUST(open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC));
    return fd;
}

static double tell_one(int count)
{
    static const char *const argv[] = {"ip", "netns", "monitor", NULL};
    struct watcher watcher = {.take = take_lines, .order = is_ip ? ADD_FILE : ADD_BIND};
    double took;
    int its_end;
    pid_t pid;

    lines = watcher.fd = open_terminal(&its_end);
    pid = start(is_ip ? argv : argv + 1, its_end);
    wait_until_it_watches(&watcher);
    took = time_events(&watcher, count);
    kill(pid, SIGKILL);
    MUST(waitpid(pid, NULL, 0));
    close(its_end);
    close(lines);
    return took;
}

/* ------------------------------------------------------------------------------------------------ */

/* The tool does not configure the network. */
#define OF_IP 2

static const struct operation operations[] = {
    {"create-up", create_up, NULL, NULL},
    {"sandbox", set_up_sandbox, NULL, NULL},
    {"create", create, NULL, NULL},
    {"list", list, NULL, NULL},
    {"pids", find_pids, NULL, NULL},
    {"identify", identify, NULL, NULL},
    {"attach", attach, NULL, NULL},
    {"remove", remove_name, NULL, NULL},
    {"program", run_program, NULL, NULL},
    {"event", NULL, NULL, tell_one},
    {0},
};

/* From "ip utility, iproute2-6.1.0, libbpf 1.1.2" or "netns, libnetns 1.0.0". */
static const char *version(void)
{
    static char line[256];
    const char *mark = is_ip ? "iproute2-" : "libnetns ";
    char command_line[4200], *text;
    FILE *output;

    snprintf(command_line, sizeof command_line, "%s -Version", program);
    output = popen(command_line, "r");
    if (!output || !fgets(line, sizeof line, output) || pclose(output) != 0)
        return NULL;
    text = strstr(line, mark);
    if (!text)
        return "?";
    text += strlen(mark);
    text[strcspn(text, ",\n")] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    const char *its_version;

    program = argc > 1 ? argv[1] : "ip";
    is_ip = strcmp(program, "ip") == 0;
    sprintf(guest_text, "%d", guest());
    its_version = version();
    if (!its_version)
        die(program);
    if (is_ip)
        write_batches();
    return serve(its_version, is_ip ? operations : operations + OF_IP);
}
