/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that was linked with iproute2's lib/namespace.c. */
#include "namespace.h"

#include <fcntl.h>
#include <stdio.h>

static int print_name(char *name, void *arg)
{
    (void)arg;
    puts(name);
    return 0;
}

int main(void)
{
    char name[] = "blue";

    if (netns_get_fd(name) < 0 || netns_foreach(print_name, NULL) < 0 || netns_switch(name) < 0)
        return 1;
    puts("switched");
    return 0;
}
