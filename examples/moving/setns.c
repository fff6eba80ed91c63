/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A server's socket in another namespace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    int home, fd;
    int sock = -1;

    home = open("/proc/self/ns/net", O_RDONLY);
    fd = open("/var/run/netns/blue", O_RDONLY);
    setns(fd, CLONE_NEWNET);
    sock = socket(AF_INET, SOCK_STREAM, 0);
    setns(home, CLONE_NEWNET);
    puts(sock < 0 ? "no socket" : "a socket");
    return sock < 0;
}
