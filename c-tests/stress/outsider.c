/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The processes of other programs in the run: ip, the tool netns, and processes that hold the lock. */
#include "stress.h"

/* Occasionally a process holds the directory's lock for longer than any caller waits. */
#define LONGEST_HOLD_MS 1300

static const struct {
    const char *verb;
    bool makes, removes;
    unsigned share;
} verbs[] = {
    /* An add that cannot bind removes whatever is under the name. */
    {"add", true, true, 4},
    {"delete", false, true, 3},
    {"exec", false, false, 2},
    {"list", false, false, 1},
};

static void hold_the_lock(long ms)
{
    int fd = open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        sleep_ms(ms);
    _exit(0);
}

static void
become(const char *program, bool is_ip, const char *verb, const char *name, bool is_slow)
{
    const char *arguments[8] = {program};
    int i = 1, null = open("/dev/null", O_RDWR);

    if (is_ip)
        arguments[i++] = "netns";
    arguments[i++] = verb;
    if (strcmp(verb, "list") != 0)
        arguments[i++] = name;
    /* For a while, with a copy of all mounts. */
    if (strcmp(verb, "exec") == 0) {
        arguments[i++] = is_slow ? "sleep" : "true";
        if (is_slow)
            arguments[i++] = "0.2";
    }
    if (is_slow)
        setpriority(PRIO_PROCESS, 0, 19);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    execvp(program, (char *const *)arguments);
    _exit(127);
}

static pid_t start(void)
{
    pid_t pid = MUST(fork());

    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

void start_outsider(unsigned number, struct outsider *outsider, uint64_t *random)
{
    struct actor *actor = &shared->actors[PROCESSES * THREADS + number];
    bool is_ip = shared->has_ip && below(random, 3);
    /* A slow tool holding the lock would leave the first mount of the directory to callers that continue
       without the lock. */
    bool is_slow = below(random, 3) == 0 && shared->is_prepared;
    unsigned pick = below(random, 10), i = 0;
    int name = is_ip ? OWN_NAMES + below(random, NAMES - OWN_NAMES) : below(random, NAMES);
    long ms = below(random, LONGEST_HOLD_MS);

    outsider->is_killed = false;
    if (below(random, 300) == 0 && shared->is_prepared) {
        outsider->pid = start();
        if (outsider->pid == 0)
            hold_the_lock(ms);
        return;
    }
    for (; pick >= verbs[i].share; i++)
        pick -= verbs[i].share;
    if (verbs[i].makes)
        begin(actor, MAKES, name);
    /* When the tool's add fails, it removes nothing. */
    if (verbs[i].removes && (is_ip || !verbs[i].makes))
        begin(actor, REMOVES, name);
    outsider->pid = start();
    if (outsider->pid == 0)
        become(is_ip ? "ip" : shared->tool, is_ip, verbs[i].verb, name_of(name), is_slow);
    shared->pids[PROCESSES + number] = outsider->pid;
}

void outsider_ended(unsigned number, struct outsider *outsider, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    forget(&shared->actors[PROCESSES * THREADS + number]);
    outsider->pid = 0;
    shared->programs++;
    if (WIFSIGNALED(status) && !(WTERMSIG(status) == SIGKILL && outsider->is_killed))
        wrong("another program was ended by signal %d", WTERMSIG(status));
    if (WIFEXITED(status) && code != 0 && code != 1 && code != 255)
        wrong("another program ended with status %d", code);
}
