/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The tool beside ip(8): whole processes, from before they are started until they have ended. */
#include "world.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/wait.h>

#define LISTED 10000

/* Where the tool is. */
static char tool[PATH_MAX];
static posix_spawn_file_actions_t quietly;

/* Gives the exit status. */
static int spawn(const char *path, const char *const *argv)
{
    int status;
    pid_t pid;

    errno = posix_spawnp(&pid, path, &quietly, NULL, (char *const *)argv, environ);
    if (errno)
        die(path);
    MUST(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void run_ip(const char *verb, const char *name)
{
    const char *const argv[] = {"ip", "netns", verb, name, NULL};

    if (spawn("ip", argv) != 0)
        die("ip netns");
}

static void run_netns(const char *verb, const char *name)
{
    const char *const argv[] = {"netns", verb, name, NULL};

    if (spawn(tool, argv) != 0)
        die("netns");
}

static void list_by_ip(int i)
{
    (void)i;
    run_ip("list", NULL);
}

static void list_by_netns(int i)
{
    (void)i;
    run_netns("list", NULL);
}

static void add_by_ip(int i)
{
    char name[32];

    name_of(name, i);
    run_ip("add", name);
}

static void add_by_netns(int i)
{
    char name[32];

    name_of(name, i);
    run_netns("add", name);
}

static void delete_by_ip(int i)
{
    char name[32];

    name_of(name, i);
    run_ip("delete", name);
}

static void delete_by_netns(int i)
{
    char name[32];

    name_of(name, i);
    run_netns("delete", name);
}

static const struct row rows[] = {
    {.name = "netns add", .rounds = 100, .batch = 8, .at_most = 1.00,
     .ways = {{.name = "ip netns add", .work = add_by_ip, .undo = remove_all},
              {.name = "netns add", .work = add_by_netns, .undo = remove_all}}},
    {.name = "netns delete", .rounds = 100, .batch = 16, .at_most = 1.00,
     .ways = {{.name = "ip netns delete", .work = delete_by_ip, .ready = attach_all},
              {.name = "netns delete", .work = delete_by_netns, .ready = attach_all}}},
};

static const struct row list = {
    .name = "netns list, 10,000", .rounds = 20, .batch = 1, .at_most = 0.50,
    .ways = {{.name = "ip netns list", .work = list_by_ip},
             {.name = "netns list", .work = list_by_netns}},
};

/* False: not both tools are there. */
static int find_tools(void)
{
    const char *const argv[] = {"ip", "-Version", NULL};
    const char *examples = getenv("NETNS_EXAMPLES"), *path = getenv("PATH");
    char longer[PATH_MAX];
    pid_t pid;

    snprintf(longer, sizeof longer, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    setenv("PATH", longer, 1);
    snprintf(tool, sizeof tool, "%s/netns", examples ? examples : ".");
    if (access(tool, X_OK) < 0)
        return 0;
    if (posix_spawnp(&pid, "ip", &quietly, NULL, (char *const *)argv, environ) != 0)
        return 0;
    return MUST(waitpid(pid, NULL, 0)) > 0;
}

int main(void)
{
    int missed = 0;
    size_t i;

    posix_spawn_file_actions_init(&quietly);
    posix_spawn_file_actions_addopen(&quietly, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!find_tools()) {
        printf("no ip(8), or no %s: left out\n", tool);
        return 0;
    }
    enter_a_private_world();
    print_header();
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        missed += run_row(&rows[i]);
    attach_all(LISTED);
    missed += run_row(&list);
    remove_all(LISTED);
    leave_the_world();
    posix_spawn_file_actions_destroy(&quietly);
    return print_missed(missed);
}
