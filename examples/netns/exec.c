/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* exec: a program in a namespace, in this process's place where nothing is left to do after it. */
#include "tool.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NETNS_ETC_DIR "/etc/netns"

/* What a shell adds to the number of the signal that ended a program. */
#define SIGNALLED 128

/* Opens a name, in exec's words if it cannot be had. */
static int open_for_exec(const char *name, struct netns **ns)
{
    int rc = open_name(name, ns);

    if (rc == 0)
        return DONE;
    if (rc == -ENOTTY)
        return complain(MISUSED, "setting the network namespace \"%s\" failed: %s", name,
                        strerror(EINVAL));
    return complain(MISUSED, "Cannot open network namespace \"%s\": %s", name, strerror(-rc));
}

/* Why a file of /etc/netns/NAME cannot cover the one of the same name in /etc; 0: it can. */
static int no_cover(DIR *files, const char *file)
{
    char covered[sizeof "/etc/" + NAME_MAX];
    struct stat above, below;

    snprintf(covered, sizeof covered, "/etc/%s", file);
    if (fstatat(dirfd(files), file, &above, 0) < 0 || stat(covered, &below) < 0)
        return errno;
    return S_ISDIR(above.st_mode) == S_ISDIR(below.st_mode) ? 0 : ENOTDIR;
}

/* Tells of each file of /etc/netns/NAME that the library leaves out, as iproute2 does. */
static void tell_of_uncovered(const char *name)
{
    char path[sizeof NETNS_ETC_DIR "/" + NAME_MAX];
    struct dirent *entry;
    DIR *files;

    snprintf(path, sizeof path, NETNS_ETC_DIR "/%s", name);
    files = opendir(path);
    if (!files)
        return;
    while ((entry = readdir(files))) {
        int error;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        error = no_cover(files, entry->d_name);
        if (error)
            complain(FAILED, "Bind %s/%s -> /etc/%s failed: %s", path, entry->d_name,
                     entry->d_name, strerror(error));
    }
    closedir(files);
}

/* Says why a program was not started: it cannot be run, or its surroundings not be made. */
static int not_started(const char *name, const char *file, int error)
{
    switch (error) {
    case EPERM:
        return complain(MISUSED, "setting the network namespace \"%s\" failed: %s", name,
                        strerror(error));
    case E2BIG:
    case EACCES:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case ENOEXEC:
    case ENOTDIR:
    case ETXTBSY:
        return complain(FAILED, "exec of \"%s\" failed: %s", file, strerror(error));
    default:
        return library_complains();
    }
}

/* Runs a program and waits for it. */
static int run_and_wait(const char *name, const struct netns *ns, char **argv)
{
    int rc, status;
    pid_t pid;

    flush_output();
    tell_of_uncovered(name);
    /* Where whoever started us has it ignored, there would be no status to wait for. */
    signal(SIGCHLD, SIG_DFL);
    rc = netns_spawn(ns, NULL, argv[0], argv, NULL, &pid);
    if (rc < 0)
        return not_started(name, argv[0], -rc);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return complain(FAILED, "waitpid: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}

static int exec_in_each(const char *name, void *arg)
{
    char **argv = arg;
    struct netns *ns;
    int status;

    printf("\nnetns: %s\n", name);
    flush_output();
    status = open_for_exec(name, &ns);
    if (status != DONE)
        return status;
    status = run_and_wait(name, ns, argv);
    netns_close(ns);
    return status;
}

int exec(int argc, char **argv)
{
    struct netns *ns;
    int rc, status;

    if (argc < 1 && !options.all)
        return complain(FAILED, "No netns name specified");
    if (argc < (options.all ? 1 : 2))
        return complain(FAILED, "No command specified");
    if (options.all)
        return for_each_name(exec_in_each, argv);
    status = open_for_exec(argv[0], &ns);
    if (status != DONE)
        return status;
    if (options.batch) {
        status = run_and_wait(argv[0], ns, argv + 1);
    } else {
        tell_of_uncovered(argv[0]);
        rc = netns_exec(ns, argv[1], argv + 1, NULL);
        status = not_started(argv[0], argv[1], -rc);
    }
    netns_close(ns);
    return status;
}
