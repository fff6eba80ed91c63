/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looks a host name up as a named network namespace does: by its own nameserver, over its own network.
 *
 *     cc dns.c $(pkg-config --cflags --libs netns) -pthread -o dns
 *     sudo ./dns blue www.example.org       # /etc/netns/blue/resolv.conf names blue's nameserver
 *
 * getaddrinfo(3) reads /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf each time. In netns_run()
 * or after netns_enter() those are the host's, and only the packets go through the namespace:
 * mostly to a nameserver that cannot be reached from there. So a thread of its own moves into the
 * namespace by netns_setns_mounts(), which lays the files of /etc/netns/NAME over those of /etc for
 * this thread alone, looks the name up, and ends. /etc/resolv.conf has to exist, so that it can be
 * covered. What answers on a UNIX socket (nscd, nss-resolve) still does so from the host's network:
 * /etc/netns/NAME/nsswitch.conf with "hosts: files dns" leaves nss-resolve out.
 *
 * Privilege: CAP_SYS_ADMIN and CAP_SYS_CHROOT. Cleanup: none; it creates nothing.
 */
#include <errno.h>
#include <libnetns/netns.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
    const struct netns *ns;
    const char *host;
    struct addrinfo *found; /* NULL: see error */
    char error[512];
};

/* A thread of its own, which ends in the namespace: it cannot be moved back, nor need it be. */
static void *look_up(void *arg)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = arg;
    int rc;

    /* The lookup has no use for /sys, and a user namespace may not mount one. */
    if (netns_setns_mounts(lookup->ns, NETNS_SETNS_KEEP_SYS) < 0) {
        /* The message is the calling thread's, and gone when that ends. */
        snprintf(lookup->error, sizeof lookup->error, "%s", netns_errmsg());
        return NULL;
    }
    rc = getaddrinfo(lookup->host, NULL, &hints, &lookup->found);
    if (rc != 0) {
        lookup->found = NULL;
        snprintf(lookup->error, sizeof lookup->error, "%s: %s", lookup->host,
                 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    }
    return NULL;
}

/* 0, or -1 with the reason in lookup->error. */
static int look_up_in_a_thread(struct lookup *lookup)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, look_up, lookup);

    if (error) {
        snprintf(lookup->error, sizeof lookup->error, "start a thread: %s", strerror(error));
        return -1;
    }
    pthread_join(thread, NULL);
    return lookup->found ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct lookup lookup = {0};
    struct addrinfo *one;
    struct netns *ns;
    int rc;

    if (argc != 3) {
        fprintf(stderr, "usage: dns NAME HOST\n");
        return 2;
    }
    /* By its name: a handle that was opened otherwise has no /etc/netns/NAME. */
    if (netns_open(argv[1], 0, &ns) < 0) {
        fprintf(stderr, "dns: %s\n", netns_errmsg());
        return 1;
    }
    lookup.ns = ns;
    lookup.host = argv[2];
    rc = look_up_in_a_thread(&lookup);
    netns_close(ns);
    if (rc < 0) {
        fprintf(stderr, "dns: %s\n", lookup.error);
        return 1;
    }
    for (one = lookup.found; one; one = one->ai_next) {
        char address[NI_MAXHOST];

        if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0)
            printf("%s\n", address);
    }
    freeaddrinfo(lookup.found);
    return 0;
}
