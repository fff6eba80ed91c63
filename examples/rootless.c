/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A test lab without root: two hosts and a router between them, in a user namespace. A command, or a
 * shell, runs on the left host.
 *
 *     left 10.0.1.2/24 ==== 10.0.1.1 router 10.0.2.1 ==== right 10.0.2.2/24
 *
 *     cc rootless.c $(pkg-config --cflags --libs netns) -o rootless
 *     ./rootless ping -c 1 10.0.2.2
 *     ./rootless                  # a shell; in it, `ip netns exec right ...` runs on the right host
 *
 * Privilege: none, where plain users may create user namespaces; it works as root too. Cleanup: none;
 * all of it ends with the last process in it, and the host never sees it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libnetns/netns.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "rootless: %s\n", netns_errmsg());
    exit(1);
}

static void write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    /* The kernel takes a map in one write only. */
    if (fd < 0 || dprintf(fd, "%s", text) < 0 || close(fd) < 0)
        die(path);
}

/* Root over a user namespace, a network namespace and a mount namespace, and nothing else. */
static void become_root(void)
{
    char users[64], groups[64];

    snprintf(users, sizeof users, "0 %u 1", geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", getegid());
    /*
     * The network namespace is needed too: a thread can return only to one that it has CAP_SYS_ADMIN
     * over, which it does not have over the host's.
     */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) < 0)
        die("this system lets plain users create no user namespace");
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", users);
    write_to("/proc/self/gid_map", groups);
    /* The run directory is in /run, where the host's is not to be seen, nor ours by the host. */
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        die("make the mounts private");
    if (mount("lab", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
        die("mount /run");
}

static void cable(const struct netns *host, const char *address, const struct netns *router,
                  const char *port, const char *gateway)
{
    char cidr[32];

    must(netns_veth_add(host, "eth0", router, port));
    snprintf(cidr, sizeof cidr, "%s/24", address);
    must(netns_addr_add(host, "eth0", cidr));
    snprintf(cidr, sizeof cidr, "%s/24", gateway);
    must(netns_addr_add(router, port, cidr));
    must(netns_link_up(router, port));
    must(netns_link_up(host, "eth0"));
    must(netns_route_add(host, "default", gateway, NULL));
}

int main(int argc, char **argv)
{
    struct netns_spawn_options options = NETNS_SPAWN_OPTIONS_INIT;
    char *shell[] = {"sh", NULL}, **command = argc > 1 ? argv + 1 : shell;
    struct netns *left, *router, *right;
    int status;
    pid_t pid;

    become_root();
    must(netns_create("left", NETNS_CREATE_LO_UP, &left));
    must(netns_create("router", NETNS_CREATE_LO_UP, &router));
    must(netns_create("right", NETNS_CREATE_LO_UP, &right));
    cable(left, "10.0.1.2", router, "left", "10.0.1.1");
    cable(right, "10.0.2.2", router, "right", "10.0.2.1");
    must(netns_sysctl_set(router, "net.ipv4.ip_forward", "1"));

    /* In a container, a user namespace may not mount a /sys of its own. */
    options.flags = NETNS_SPAWN_KEEP_SYS;
    must(netns_spawn(left, &options, command[0], command, NULL, &pid));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    netns_close(right);
    netns_close(router);
    netns_close(left);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
