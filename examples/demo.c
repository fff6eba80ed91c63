/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two network namespaces, one process, one address: the same server twice.
 *
 *     cc demo.c $(pkg-config --cflags --libs netns) -pthread
 *
 * Creates the namespaces "red" and "blue", listens on 127.0.0.1 port 7777 in both at once through
 * netns_socket(), connects to each, and removes them. Everything happens in a private mount namespace,
 * so nothing of it is visible on the host, and a plain user can run it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <libnetns/netns.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The same address in every namespace: 127.0.0.1, port 7777. */
static struct sockaddr_in address;

struct place {
    const char *name;
    struct netns *ns;
    int listener;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Exits with the library's message, which says what failed and what to do about it. */
static int must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", netns_errmsg());
        exit(1);
    }
    return rc;
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die(path);
}

/*
 * A plain user has to be root of a user namespace. It also owns a new network namespace, because a thread
 * can switch back only to a network namespace over which it has CAP_SYS_ADMIN.
 */
static void become_root_of_a_user_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        die("cannot create a user namespace; run the demo as root");
    write_to("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_to("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_to("/proc/self/gid_map", map);
}

/* Enters a private mount namespace with an empty /run. */
static void enter_a_private_world(void)
{
    if (geteuid() != 0)
        become_root_of_a_user_namespace();
    if (unshare(CLONE_NEWNS) < 0)
        die("unshare");
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        die("mount /");
    if (mount("demo", "/run", "tmpfs", 0, "mode=755") < 0)
        die("mount /run");
}

static void listen_in(struct place *place)
{
    /* The thread stays where it is; only the socket is in the namespace. */
    place->listener = must(netns_socket(place->ns, AF_INET, SOCK_STREAM, 0));
    if (bind(place->listener, (const struct sockaddr *)&address, sizeof address) < 0)
        die("bind");
    if (listen(place->listener, 8) < 0)
        die("listen");
}

/* One round of the server: answers each pending connection with the name of its namespace. */
static void serve_one(struct place *places, size_t count)
{
    struct pollfd ready[8];
    size_t i;

    for (i = 0; i < count; i++)
        ready[i] = (struct pollfd){.fd = places[i].listener, .events = POLLIN};
    if (poll(ready, count, 5000) <= 0)
        die("poll");
    for (i = 0; i < count; i++) {
        int caller;

        if (!(ready[i].revents & POLLIN))
            continue;
        caller = accept4(places[i].listener, NULL, NULL, SOCK_CLOEXEC);
        if (caller < 0)
            die("accept");
        dprintf(caller, "hello from %s", places[i].name);
        close(caller);
    }
}

static void talk_to(struct place *places, size_t count, struct place *place)
{
    char answer[64];
    ssize_t len;
    int caller = must(netns_socket(place->ns, AF_INET, SOCK_STREAM, 0));

    if (connect(caller, (const struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    serve_one(places, count);
    len = recv(caller, answer, sizeof answer, MSG_WAITALL);
    if (len < 0)
        die("recv");
    printf("  127.0.0.1:7777 in %-4s answers: %.*s\n", place->name, (int)len, answer);
    close(caller);
}

/* Runs in the namespace, on the calling thread. */
static int start_a_process_in_here(void *arg)
{
    pid_t *child = arg;

    *child = fork();
    if (*child < 0)
        return -1;
    if (*child == 0) {
        pause();
        _exit(0);
    }
    return 0;
}

static void show_pids(const struct place *place)
{
    pid_t child = -1, pids[16];
    ssize_t count;
    int result;

    must(netns_run(place->ns, start_a_process_in_here, &child, &result));
    if (result < 0)
        die("fork");
    count = must(netns_pids(place->ns, 0, pids, COUNT(pids)));
    printf("netns_pids: %zd process in %s%s\n", count, place->name,
           count == 1 && pids[0] == child ? ", the one that was started there" : "");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void show_list(void)
{
    struct netns_name_snapshot *list;
    size_t i;

    must(netns_list(0, &list));
    printf("netns_list: %zu names\n", netns_list_len(list));
    for (i = 0; i < netns_list_len(list); i++)
        printf("  %-4s inode %ju\n", netns_list_name(list, i),
               (uintmax_t)netns_list_inode(list, i));
    netns_list_free(list);
}

int main(void)
{
    struct place places[] = {{.name = "red"}, {.name = "blue"}};
    size_t i;

    address.sin_family = AF_INET;
    address.sin_port = htons(7777);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    enter_a_private_world();
    printf("libnetns %s: one process, one thread, two network namespaces\n\n", netns_version());

    for (i = 0; i < COUNT(places); i++) {
        must(netns_create(places[i].name, NETNS_CREATE_LO_UP, &places[i].ns));
        printf("netns_create: %s is %s, and lo is up in it\n", places[i].name,
               netns_path(places[i].ns));
    }
    show_list();

    for (i = 0; i < COUNT(places); i++) {
        uint64_t cookie;
        int rc = netns_cookie(places[i].ns, &cookie);

        /* There are no cookies before Linux 5.14. */
        if (rc == -EOPNOTSUPP)
            continue;
        must(rc);
        printf("netns_cookie: %ju is %s, and never another\n", (uintmax_t)cookie, places[i].name);
    }

    for (i = 0; i < COUNT(places); i++)
        listen_in(&places[i]);
    printf("netns_socket: listening on 127.0.0.1:7777 in both\n");
    for (i = 0; i < COUNT(places); i++)
        talk_to(places, COUNT(places), &places[i]);

    show_pids(&places[1]);

    for (i = 0; i < COUNT(places); i++) {
        must(netns_remove(places[i].name, 0));
        close(places[i].listener);
        netns_close(places[i].ns);
        printf("netns_remove: %s is gone\n", places[i].name);
    }
    if (netns_open("red", 0, &places[0].ns) < 0)
        printf("and an error says what it is about:\n  %s\n", netns_errmsg());
    return 0;
}
