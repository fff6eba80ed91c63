/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command exec: runs a program in a namespace, replacing this process if nothing is left to do after it. */
#include "tool.h"
#include "text.h"
#include "user.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NETNS_ETC_DIR "/etc/netns"

/* A shell adds this to the number of the signal that terminated a program. */
#define SIGNALLED 128

/* A program and its options. */
struct program {
    char **argv;
    struct netns_spawn_options options;
};

/* Opens a name or path. If that fails, prints the message of `ip netns exec`. */
static int open_for_exec(const char *name, struct netns **ns)
{
    int rc = open_name_or_path(name, ns);

    if (rc == 0)
        return DONE;
    if (rc == -ENOTTY)
        return explain(SETNS_STEP, MISUSED, "setting the network namespace \"%s\" failed: %s", name,
                       strerror(EINVAL));
    return complain(MISUSED, "Cannot open network namespace \"%s\": %s", name, strerror(-rc));
}

/* The errno with which a file of /etc/netns/NAME cannot be mounted over that in /etc, or 0. */
static int no_cover(DIR *files, const char *file)
{
    char covered[sizeof "/etc/" + NAME_MAX];
    struct stat above, below;

    snprintf(covered, sizeof covered, "/etc/%s", file);
    if (fstatat(dirfd(files), file, &above, 0) < 0 || lstat(covered, &below) < 0)
        return errno;
    /* A symbolic link itself is covered, but not by a directory. */
    if (S_ISLNK(below.st_mode) && S_ISDIR(above.st_mode) && stat(covered, &below) < 0)
        return errno;
    return S_ISDIR(above.st_mode) == S_ISDIR(below.st_mode) ? 0 : ENOTDIR;
}

/* Reports each file of /etc/netns/NAME that the library skips, as iproute2 does. */
static void tell_of_uncovered(const struct netns *ns)
{
    const char *name = netns_name(ns);
    char path[sizeof NETNS_ETC_DIR "/" + NAME_MAX];
    struct dirent *entry;
    DIR *files;

    if (!name || options.keep_etc)
        return;
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

/* Prints why a program was not started: the setup or the execution failed. */
static int not_started(const char *name, const char *file, int error)
{
    switch (error) {
    case EPERM:
        return explain(SETNS_STEP, MISUSED, "setting the network namespace \"%s\" failed: %s", name,
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
        return explain(EXEC_STEP, FAILED, "exec of \"%s\" failed: %s", file, strerror(error));
    default:
        return library_complains();
    }
}

/* --- waiting for it ---------------------------------------------------------------------------- */

/* The process that signals are forwarded to; 0: not started yet, -1: terminated. */
static volatile sig_atomic_t running;
/* A signal that arrived before the process started, or 0. */
static volatile sig_atomic_t early;

static void pass_on(int number, siginfo_t *info, void *context)
{
    int error = errno;

    (void)context;
    /*
     * The program receives signals from the terminal itself. It also receives those sent to the process group,
     * which cannot be distinguished from those sent to this process alone: netns(1) says that they arrive twice.
     */
    if (info->si_code > 0)
        return;
    if (running > 0)
        kill(running, number);
    else
        early = number;
    errno = error;
}

/* Forwards signals to the program. Ignored signals stay ignored, also in the program. */
static void pass_signals_on(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
    size_t i;

    for (i = 0; i < COUNT(numbers); i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

/* Waits for a process, and returns its status as a shell does. */
static int wait_for(pid_t pid)
{
    siginfo_t end;
    int status;

    /* Until the process has been waited for, its ID is not reused. */
    while (waitid(P_PID, pid, &end, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    running = -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return complain(FAILED, "waitpid: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}

/* Runs a program and waits for it. */
static int run_and_wait(const char *name, const struct netns *ns, const struct program *program)
{
    char **argv = program->argv;
    pid_t pid;
    int rc;

    flush_output();
    tell_of_uncovered(ns);
    /*
     * If SIGCHLD was ignored when this process started, there would be no status to wait for. The program gets
     * the default action, too, because netns_spawn() passes on only which signals are ignored. See netns(1).
     */
    signal(SIGCHLD, SIG_DFL);
    rc = netns_spawn(ns, &program->options, argv[0], argv, NULL, &pid);
    if (rc < 0)
        return not_started(name, argv[0], -rc);
    running = pid;
    if (early)
        kill(pid, early);
    return wait_for(pid);
}

static int exec_in_each(const char *name, void *arg)
{
    struct netns *ns;
    int status;

    fputs("\nnetns: ", stdout);
    put_text(name, stdout);
    putchar('\n');
    flush_output();
    status = open_for_exec(name, &ns);
    if (status != DONE)
        return status;
    status = run_and_wait(name, ns, arg);
    netns_close(ns);
    return status;
}

/* --- the command ------------------------------------------------------------------------------- */

/* Runs a program in a namespace. Without options and outside of a batch, it replaces this process. */
static int exec_in(const char *name, const struct netns *ns, const struct program *program)
{
    char **argv = program->argv;

    if (!options.batch && program->options.flags == 0) {
        tell_of_uncovered(ns);
        return not_started(name, argv[0], -netns_exec(ns, argv[0], argv, NULL));
    }
    if (!options.batch)
        pass_signals_on();
    return run_and_wait(name, ns, program);
}

static int exec_as_told(const char *name, struct program *program)
{
    struct netns *ns;
    int status;

    if (!name)
        return for_each_name(exec_in_each, program);
    status = open_for_exec(name, &ns);
    if (status != DONE)
        return status;
    status = exec_in(name, ns, program);
    netns_close(ns);
    return status;
}

int exec(int argc, char **argv)
{
    struct program program = {.argv = argv + !options.all, .options = NETNS_SPAWN_OPTIONS_INIT};
    struct user user = {0};
    int status;

    if (argc < 1 && !options.all)
        return complain(FAILED, "No netns name specified");
    if (argc < (options.all ? 1 : 2))
        return complain(FAILED, "No command specified");
    program.options.flags = (options.keep_sys ? NETNS_SPAWN_KEEP_SYS : 0) |
                            (options.keep_etc ? NETNS_SPAWN_KEEP_ETC : 0) |
                            (options.pin_etc ? NETNS_SPAWN_PIN_ETC : 0) |
                            (options.user ? NETNS_SPAWN_USER : 0);
    status = options.user ? find_user(options.user, &user) : DONE;
    if (status == DONE) {
        program.options.uid = user.uid;
        program.options.gid = user.gid;
        program.options.groups = user.groups;
        program.options.groups_len = user.groups_len;
        status = exec_as_told(options.all ? NULL : argv[0], &program);
    }
    free(user.groups);
    return status;
}
