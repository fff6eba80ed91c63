/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* usage: loader LIBRARY; prints the duration of dlopen in nanoseconds. */
#include "worker.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
    double start = nanoseconds();
    void *library = dlopen(argc > 1 ? argv[1] : NULL, RTLD_NOW);
    double end = nanoseconds();

    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    printf("%.0f\n", end - start);
    return 0;
}
