/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * usage: faults DOCUMENTED [SCENARIO]
 *
 * Makes every system call of every public function fail once in each way that it can, and kills the
 * process at each. Every call is made on the smallest stack, and again in each of the surroundings of
 * surroundings.h; names that look stale are live in another mount namespace. DOCUMENTED is the output of
 * documented.awk for the header. strace records the calls; a supervisor, which sees the same calls,
 * injects the faults (see supervisor.h). With SCENARIO, only scenarios whose names contain it are run.
 */
#include "expected.h"
#include "links.h"
#include "names.h"
#include "programs.h"
#include "surroundings.h"
#include "threads.h"

#include "../documented.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/personality.h>

/* --- all scenarios ---------------------------------------------------------------------------- */

#define COUNT(scenarios) (sizeof(scenarios) / sizeof *(scenarios))
#define SCENARIOS (COUNT(program_scenarios) + COUNT(name_scenarios) + COUNT(thread_scenarios) + \
                   COUNT(link_scenarios))

/* Long scenarios come first. */
static const struct scenario *scenario_at(size_t i)
{
    if (i < COUNT(program_scenarios))
        return &program_scenarios[i];
    i -= COUNT(program_scenarios);
    if (i < COUNT(name_scenarios))
        return &name_scenarios[i];
    i -= COUNT(name_scenarios);
    if (i < COUNT(thread_scenarios))
        return &thread_scenarios[i];
    return &link_scenarios[i - COUNT(thread_scenarios)];
}

static const char *title_of(const struct scenario *scenario)
{
    static char title[128];

    snprintf(title, sizeof title, "%s%s%s%s", scenario->function, *scenario->way ? ", " : "",
             scenario->way, old_kernel ? ", on an old kernel" : "");
    return title;
}

/* Counters shared by all workers. */
static struct totals {
    atomic_size_t next;
    atomic_long unable, calls, failures, kills, missed, surrounded, failed;
    /* On this kernel, and on a simulated old kernel. */
    atomic_int tried[200];
} *totals;

static long ways_tried(void)
{
    long count = 0;

    for (size_t i = 0; i < SCENARIOS; i++)
        count += totals->tried[i];
    return count;
}

/* The variants of a function are adjacent. */
static long functions_tried(void)
{
    const char *last = "";
    long count = 0;

    for (size_t i = 0; i < SCENARIOS; i++)
        if (totals->tried[i] && strcmp(scenario_at(i)->function, last) != 0) {
            last = scenario_at(i)->function;
            count++;
        }
    return count;
}

/* --- contents of the header ------------------------------------------------------------------- */

static const char *documented_path;

/* "*" stands for the errnos of another call. */
static bool is_documented(const char *function, int error)
{
    return is_named(function, strerrorname_np(error)) || is_named(function, "*");
}

/* --- one run ---------------------------------------------------------------------------------- */

/* The state after a successful run of the scenario. */
struct norm {
    int mounts_outside;
};

static const struct scenario *subject_of;

static bool is_of_monitor(const struct scenario *scenario)
{
    return strncmp(scenario->function, "netns_monitor", 13) == 0;
}

static void call_between_marks(void)
{
    mark(1);
    errno = ERRNO_UNTOUCHED;
    rc = subject_of->call();
    outcome->error = errno;
    mark(2);
}

static void call_and_look(void)
{
    struct before before;

    look_before(&before);
    on_small_stack(call_between_marks);
    outcome->rc = rc;
    outcome->returned = true;
    snprintf(outcome->message, sizeof outcome->message, "%s", rc < 0 ? netns_errmsg() : "");
    wait_for_changer();
    look_after(subject_of, &before);
}

/* What belongs to a thread is prepared by that thread; a monitor belongs to the other threads. */
static bool is_ready_in_own_table(const struct scenario *scenario)
{
    return surroundings == OWN_TABLE && !is_of_monitor(scenario);
}

static void call_in_own_table(void)
{
    if (subject_of->ready && is_ready_in_own_table(subject_of))
        subject_of->ready();
    call_and_look();
}

/* A negative line: there is no supervisor. */
static void be_the_subject(const struct scenario *scenario, int line)
{
    subject_of = scenario;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    MUST(dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 2));
    if (surroundings == CREDENTIALS_CHANGED)
        start_changer();
    if (scenario->ready && !is_ready_in_own_table(scenario))
        scenario->ready();
    if (surroundings == NUMBERS_REUSED || surroundings == OWN_TABLE)
        make_talkative();
    if (surroundings == NUMBERS_REUSED)
        reuse_numbers(kept_by_library());
    if (line >= 0)
        be_supervised(line);
    if (surroundings == OWN_TABLE)
        in_own_table(call_in_own_table);
    else
        call_and_look();
    if (surroundings == NUMBERS_REUSED)
        look_at_foreign();
    _exit(0);
}

/* Lists the existing names. */
static void names_left(char *text, size_t size, uint32_t flags)
{
    struct netns_name_snapshot *list = NULL;
    size_t used = 0;

    *text = '\0';
    if (netns_list_at(rundir, flags, &list) < 0)
        problem("%s", netns_errmsg());
    for (size_t i = 0; i < netns_list_len(list) && used < size; i++)
        used += snprintf(text + used, size - used, "%s ", netns_list_name(list, i));
    netns_list_free(list);
}

/* After a failure the names must be the same, except that a stale name that was in the way may be gone. */
static void look_at_names(const char *before, const char *stale_before)
{
    char names[512], stale[512], *name;

    names_left(names, sizeof names, 0);
    if (strcmp(names, before) != 0)
        problem("names before: %s after: %s", before, names);
    names_left(stale, sizeof stale, NETNS_LIST_STALE);
    for (name = strtok(stale, " "); name; name = strtok(NULL, " "))
        if (!strstr(stale_before, name))
            problem("%s is stale", name);
}

/* Checks that every listed name can be opened. */
static void listed_names_open(void)
{
    struct netns_name_snapshot *list = NULL;

    if (netns_list_at(rundir, 0, &list) < 0)
        problem("%s", netns_errmsg());
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (!can_open(netns_list_name(list, i)))
            problem("%s is listed, but %s", netns_list_name(list, i), netns_errmsg());
    netns_list_free(list);
}

static void nobody_has_the_lock(void)
{
    int fd = open(rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        problem("the run directory's lock: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

#define WORKS(call) ((call) >= 0 ? (void)0 : problem("the next process: %s", netns_errmsg()))

/* The next process's first operation on a name that may be left behind. */
static enum first { CREATES, ATTACHES, REMOVES, FIRSTS } first;

/* The operation succeeds, or the name exists already. */
static void takes(const char *name, int rc_)
{
    if (rc_ != -EEXIST || !can_open(name))
        WORKS(rc_);
}

static void begin_with(const char *name)
{
    if (first == CREATES) {
        takes(name, netns_create_at(rundir, name, 0, NULL));
    } else if (first == ATTACHES) {
        struct netns *ns = NULL;

        WORKS(netns_create(NULL, 0, &ns));
        takes(name, netns_attach_at(rundir, ns, name, 0));
        netns_close(ns);
    }
}

/* Checks that the next process can perform every operation on every name, whatever state the subject left. */
static void everything_works(void)
{
    static const char *const names[] = {"blue", "green", "stale", "old", "azure",
                                        "other", "anon", "link", "dangling"};
    struct netns *ns = NULL;

    /* The last names belong to another program that may still be creating them, or are symbolic links,
       which are never replaced. */
    for (size_t i = 0; i < sizeof names / sizeof *names - 3; i++)
        begin_with(names[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        WORKS(netns_remove_at(rundir, names[i], NETNS_REMOVE_MISSING_OK));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!ns)
            WORKS(netns_create_at(rundir, names[i], 0, &ns));
        else
            WORKS(netns_attach_at(rundir, ns, names[i], 0));
        if (!can_open(names[i]))
            problem("the next process: %s", netns_errmsg());
        WORKS(netns_remove_at(rundir, names[i], 0));
    }
    netns_close(ns);
}

static bool removes_names(const struct scenario *scenario)
{
    return strncmp(scenario->function, "netns_remove", 12) == 0;
}

/* Checks what the call has left behind. Runs in the process that created the world, after the subject has
   ended. */
static void look_around(const struct scenario *scenario, struct mounts before, const char *names,
                        const char *stale, struct norm *norm)
{
    struct mounts mounts = mounts_now();

    if (outcome->returned && outcome->rc < 0 && forgiven != HALF &&
        !(scenario->flags & READY_MAKES_NAMES)) {
        look_at_names(names, stale);
        if (mounts.inside != before.inside)
            problem("mounts in the run directory: %d, %d", before.inside, mounts.inside);
        /* The run directory is not removed again. */
        if (mounts.outside != before.outside && mounts.outside != norm->mounts_outside)
            problem("mounts: %d, %d", before.outside, mounts.outside);
    }
    if (elsewhere && !removes_names(scenario) && !is_live_elsewhere(NETNS_RUN_DIR "/stale"))
        problem("a name that is live in another mount namespace was destroyed");
    listed_names_open();
    nobody_has_the_lock();
    everything_works();
    if (files_in(rundir) > exists(NETNS_RUN_DIR "/stranger") && !(scenario->flags & IPROUTE2))
        problem("%d files are left", files_in(rundir));
    mounts = mounts_now();
    if (mounts.inside != 0)
        problem("mounts are left in the run directory: %d", mounts.inside);
    if (norm->mounts_outside < 0)
        norm->mounts_outside = mounts.outside;
    if (mounts.outside != norm->mounts_outside)
        problem("mounts are left: %d, not %d", mounts.outside, norm->mounts_outside);
}

/* Checks that the subject ended as expected. */
static void look_at_end(const struct target *target, int status)
{
    bool to_be_killed = target && (target->what == KILL || target->what == KILL_PARENT);

    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        problem("the subject ended with status %d", WEXITSTATUS(status));
    if (WIFSIGNALED(status) && !(to_be_killed && WTERMSIG(status) == SIGKILL))
        problem("the subject ended with signal %d", WTERMSIG(status));
}

static void run_in_world(const struct scenario *scenario, const struct target *target,
                         const struct outcome *known, struct norm *norm, bool supervised)
{
    char names[512], stale[512];
    struct mounts before;
    int line[2], status = 0;
    pid_t subject;

    make_world(scenario);
    before = mounts_now();
    names_left(names, sizeof names, 0);
    names_left(stale, sizeof stale, NETNS_LIST_STALE);
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line));
    fflush(NULL);
    subject = MUST(fork());
    if (subject == 0) {
        close(line[0]);
        be_the_subject(scenario, supervised ? line[1] : -1);
    }
    close(line[1]);
    if (supervised) {
        int listener = MUST(receive_listener(line[0]));

        status = supervise(listener, subject, target, known);
        close(listener);
    } else {
        waitpid(subject, &status, 0);
    }
    close(line[0]);
    look_at_end(target, status);
    netns_close(blue);
    netns_close(red);
    look_around(scenario, before, names, stale, norm);
}

static struct norm *norm;

/* Runs in its own world and stores the result in `outcome`. */
static void run_alone(const struct scenario *scenario, const struct target *target,
                const struct outcome *known, bool supervised)
{
    int status;
    pid_t pid;

    memset(outcome, 0, sizeof *outcome);
    outcome->left_open = -1;
    fflush(NULL);
    pid = MUST(syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    if (pid == 0) {
        run_in_world(scenario, target, known, norm, supervised);
        fflush(NULL);
        _exit(0);
    }
    status = wait_for(pid);
    if (status != 0)
        problem("the world ended with status %d", status);
}

/* --- a scenario ------------------------------------------------------------------------------- */

static char program[PATH_MAX];

static bool find_calls(size_t i, struct calls *calls)
{
    char log[PATH_MAX + 20], command[3 * PATH_MAX];
    bool found;

    snprintf(log, sizeof log, "%s.%d", documented_path, getpid());
    snprintf(command, sizeof command, "strace -f -qq -y -s 80 -o '%s' '%s' %s %zu", log, program,
             old_kernel ? "--find-old" : "--find", i);
    if (shell(command) != 0)
        problem("strace failed");
    found = read_log(log, scenario_at(i)->flags & BECOMES_PROGRAM, calls);
    unlink(log);
    return found;
}

static void report(const struct scenario *scenario, const struct call *call, const char *what)
{
    char text[8192];
    int length;

    totals->failed++;
    length = snprintf(text, sizeof text, "not ok: %s: thread %d: %s: %s\n%s", title_of(scenario),
                      call ? call->place.thread : 0, call ? call->text : "", what,
                      outcome->problems);
    if (outcome->returned && outcome->rc < 0)
        length += snprintf(text + length, sizeof text - length, "  (%s)\n", outcome->message);
    MUST(write(1, text, length));
}

/* A failure must be reported with the same errno or the expected one, and the header must document it. */
static void look_at_errno(const struct scenario *scenario, const struct call *call, enum what what,
                          int error)
{
    const struct expectation *row = expectation_of(scenario, call, error);
    int says = outcome->error;

    if (!outcome->returned || outcome->rc >= 0)
        return;
    if (says != fails_as_it_is(scenario->flags) && !strstr(outcome->message, strerror(says)) &&
        !strstr(outcome->message, strerror(error)) && says != ERRNO_UNTOUCHED)
        problem("the message does not say why");
    if (says != error && says != fails_as_it_is(scenario->flags) && !(row && row->says == says) &&
        !(what == FAIL_FROM_HERE && says == ENOTRECOVERABLE))
        problem("it says %s", strerrorname_np(says));
    /* Whatever else open(2), execve(2) or a driver may return: a signal may only delay a call. */
    if (says == EINTR)
        problem("EINTR comes out");
    if (!(scenario->flags & IPROUTE2) && !is_documented(scenario->function, says))
        problem("the header does not say %s", strerrorname_np(says));
}

static void try_one(const struct scenario *scenario, const struct call *call,
                    const struct outcome *known, enum what what, int error)
{
    const struct expectation *row = expectation_of(scenario, call, error);
    struct target target = {call->place, what, error};
    char words[80];

    forgiven = row ? row->forgiven : NOTHING;
    run_alone(scenario, &target, known, true);
    for (int again = 0; !outcome->hit && scenario->flags & LOOKS_AT_PROCESSES && again < 4; again++)
        run_alone(scenario, &target, known, true);
    if (!outcome->hit && scenario->flags & LOOKS_AT_PROCESSES) {
        totals->missed++;
        return;
    }
    /* The helper thread may have become the program before the first thread continues. */
    if ((!outcome->hit || outcome->strayed) &&
        !(scenario->flags & BECOMES_PROGRAM && call->place.thread == 0))
        problem("the call was not met again");
    if (what == KILL || what == KILL_PARENT) {
        totals->kills++;
        if (outcome->returned && outcome->rc < 0)
            look_at_errno(scenario, call, what, ECANCELED);
    } else {
        totals->failures++;
        look_at_errno(scenario, call, what, error);
    }
    snprintf(words, sizeof words, "%s%s", what == KILL ? "killed" : what == KILL_PARENT
             ? "the parent killed" : strerrorname_np(error), what == FAIL_FROM_HERE
             ? " from here on" : "");
    if (*outcome->problems)
        report(scenario, call, words);
}

static const struct seen *seen_at(const struct outcome *known, struct place place)
{
    for (int i = 0; i < known->count; i++)
        if (known->calls[i].place.thread == place.thread &&
            known->calls[i].place.index == place.index)
            return &known->calls[i];
    return NULL;
}

/* Compares the calls of the subject's first thread: a program that it starts is recorded by only one of
   strace and the supervisor. */
static bool are_the_same(const struct calls *calls, const struct outcome *known)
{
    int found = 0, seen = 0;

    for (int i = 0; i < calls->count; i++)
        found += calls->call[i].place.thread == 0;
    for (int i = 0; i < known->count; i++)
        seen += known->calls[i].place.thread == 0;
    if (found != seen)
        problem("strace sees %d calls, the supervisor %d", found, seen);
    return found == seen;
}

/* A killed call may leave something under the name. */
static bool changes_names(const struct scenario *scenario)
{
    return strncmp(scenario->function, "netns_create", 12) == 0 ||
           strncmp(scenario->function, "netns_attach", 12) == 0 ||
           removes_names(scenario);
}

static void try_call(const struct scenario *scenario, const struct call *call,
                     const struct outcome *known)
{
    const struct seen *seen = seen_at(known, call->place);
    const int *errors = errors_of(call);

    if (!seen || !errors) {
        problem(seen ? "nobody has said what it can fail with" : "the supervisor does not see it");
        report(scenario, call, "found");
        return;
    }
    totals->calls++;
    for (const int *error = errors; *error; error++)
        try_one(scenario, call, known, FAIL, *error);
    if (strcmp(call->name, "setns") == 0)
        try_one(scenario, call, known, FAIL_FROM_HERE, EPERM);
    for (first = CREATES; first < (changes_names(scenario) ? FIRSTS : CREATES + 1); first++)
        try_one(scenario, call, known, KILL, 0);
    first = CREATES;
    if (seen->by_child)
        try_one(scenario, call, known, KILL_PARENT, 0);
}

/* Root of a user namespace only, which may not do everything. */
static bool is_rootless;

/* Scenarios that need something that a kernel may lack: a kind of interface, cookies, nsids of a target. */
static bool may_be_lacking(const struct scenario *scenario)
{
    static const char *const functions[] = {"netns_link_add", "netns_veth_add", "netns_macvlan_add",
                                            "netns_vlan_add", "netns_cookie", "netns_nsid_list"};

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(scenario->function, functions[i]) == 0)
            return true;
    return false;
}

static bool cannot_run(const struct scenario *scenario)
{
    return outcome->returned && ((outcome->rc == -EOPNOTSUPP && may_be_lacking(scenario)) ||
                                 (is_rootless && outcome->rc == -EPERM));
}

/* --- in other environments -------------------------------------------------------------------- */

/* A handle must reopen its connection; a monitor has lost its descriptors and must report that. */
static void look_at_reuse(const struct scenario *scenario)
{
    int says = outcome->rc < 0 ? outcome->error : 0;

    if (outcome->returned && says != fails_as_it_is(scenario->flags) &&
        !(is_of_monitor(scenario) && says == EBADF))
        problem("it says %s", strerrorname_np(says));
}

static void try_reuse(const struct scenario *scenario, enum surroundings which)
{
    for (foreign_kind = 0; foreign_kind < FOREIGN_KINDS; foreign_kind++) {
        surroundings = which;
        forgiven = NOTHING;
        run_alone(scenario, NULL, NULL, false);
        surroundings = AS_USUAL;
        totals->surrounded++;
        look_at_reuse(scenario);
        if (*outcome->problems)
            report(scenario, NULL, surroundings_texts[which]);
    }
}

/* In a callback, and between enter and leave, the signal mask belongs to the program, which then
   determines how long setuid(2) in another thread has to wait. */
static bool is_away_by_itself(const struct scenario *scenario)
{
    return strcmp(scenario->function, "netns_run") == 0 ||
           strcmp(scenario->function, "netns_run_from") == 0 ||
           strcmp(scenario->function, "netns_leave") == 0;
}

/*
 * The capabilities disappear between two system calls. Half-done work cannot always be undone, but the
 * thread must be back in its namespace, and a privileged process must be able to remove what is left.
 */
static void try_credentials(const struct scenario *scenario, const struct call *call,
                            const struct outcome *known)
{
    struct target target = {call->place, CHANGE_CREDENTIALS, 0};

    const struct expectation *row = expectation_of(scenario, call, 0);

    surroundings = CREDENTIALS_CHANGED;
    forgiven = row && row->forgiven == STRANDED ? STRANDED : HALF;
    run_alone(scenario, &target, known, true);
    surroundings = AS_USUAL;
    totals->surrounded++;
    if (outcome->returned && outcome->rc < 0) {
        if (outcome->error == ENOTRECOVERABLE && !is_away_by_itself(scenario))
            problem("it strands the thread");
        if (!(scenario->flags & IPROUTE2) && !is_documented(scenario->function, outcome->error))
            problem("the header does not say %s", strerrorname_np(outcome->error));
    }
    if (*outcome->problems)
        report(scenario, call, surroundings_texts[CREDENTIALS_CHANGED]);
}

static void try_surroundings(const struct scenario *scenario, const struct calls *calls,
                             const struct outcome *known)
{
    /* iproute2's helpers keep no descriptors; the socket belongs to the program. */
    if (!(scenario->flags & IPROUTE2)) {
        try_reuse(scenario, NUMBERS_REUSED);
        try_reuse(scenario, OWN_TABLE);
    }
    /* In a user namespace with one mapped user there is no other user to become. */
    if (old_kernel || is_rootless || scenario->flags & ROOTLESS)
        return;
    for (int i = 0; i < calls->count; i++)
        if (calls->call[i].place.thread == 0)
            try_credentials(scenario, &calls->call[i], known);
}

/* --- all of a scenario ------------------------------------------------------------------------ */

static void try_scenario(size_t i)
{
    static struct calls calls;
    static struct outcome known;
    const struct scenario *scenario = scenario_at(i);

    norm->mounts_outside = -1;
    forgiven = NOTHING;
    run_alone(scenario, NULL, &known, true);
    if (cannot_run(scenario)) {
        printf("# %s: left out: %s\n", title_of(scenario), outcome->message);
        fflush(stdout);
        totals->unable++;
        return;
    }
    totals->tried[i]++;
    if (outcome->returned &&
        (outcome->rc < 0 ? outcome->error : 0) != fails_as_it_is(scenario->flags))
        problem("it fails as it is");
    known = *outcome;
    if (!find_calls(i, &calls))
        problem("strace saw nothing");
    if (scenario->flags & MAKES_NO_CALL && calls.count > 0)
        problem("it calls %s", calls.call[0].text);
    if (!(scenario->flags & BECOMES_PROGRAM) && !are_the_same(&calls, &known))
        problem("strace and the supervisor do not see the same");
    if (*outcome->problems) {
        report(scenario, NULL, "as it is");
        return;
    }
    for (int call = 0; call < calls.count; call++)
        try_call(scenario, &calls.call[call], &known);
    try_surroundings(scenario, &calls, &known);
}

/* --- the complete run ------------------------------------------------------------------------- */

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    MUST(memory == MAP_FAILED ? -1 : 0);
    return memory;
}

static void prepare_worker(void)
{
    outcome = shared(sizeof *outcome);
    norm = shared(sizeof *norm);
    norm->mounts_outside = -1;
    /* What the calls do to the thread's own namespace must not affect the machine's. */
    MUST(unshare(CLONE_NEWNET));
}

static int work(const char *which)
{
    size_t i;

    prepare_worker();
    while ((i = totals->next++) < 2 * SCENARIOS) {
        old_kernel = i >= SCENARIOS;
        i %= SCENARIOS;
        if (!which || strstr(title_of(scenario_at(i)), which))
            try_scenario(i);
    }
    return 0;
}

/* With the same addresses in every run, the arguments of the calls are the same. */
static void without_random_addresses(char **argv)
{
    int now = personality(0xffffffff);

    if (now & ADDR_NO_RANDOMIZE || personality(now | ADDR_NO_RANDOMIZE) < 0)
        return;
    execv("/proc/self/exe", argv);
}

static bool can_make_worlds(void)
{
    pid_t pid = MUST(fork());

    if (pid == 0) {
        if (geteuid() != 0)
            become_root_of_a_user_namespace();
        _exit(unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) < 0);
    }
    return wait_for(pid) == 0;
}

/* The reason why the tests cannot run here; NULL: they can. */
static const char *cannot_work(void)
{
    unsigned action = SECCOMP_RET_USER_NOTIF;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
        return "no SECCOMP_RET_USER_NOTIF";
    if (!can_make_worlds())
        return "cannot create namespaces";
    if (shell("strace -qq -o /dev/null true 2>/dev/null") != 0)
        return "no strace, or it may not trace";
    is_rootless = geteuid() != 0;
    if (is_rootless)
        become_root_of_a_user_namespace();
    return NULL;
}

int main(int argc, char **argv)
{
    /* Half of the time a run waits for the kernel to destroy its world. */
    long workers = 2 * sysconf(_SC_NPROCESSORS_ONLN);
    const char *why_not;

    without_random_addresses(argv);
    MUST(readlink("/proc/self/exe", program, sizeof program - 1));
    strcpy(self, program);
    if (argc == 3 && strcmp(argv[1], "--program") == 0)
        return be_the_program(argv[2]);
    if (argc == 3 && strncmp(argv[1], "--find", 6) == 0) {
        old_kernel = strcmp(argv[1], "--find-old") == 0;
        prepare_worker();
        run_alone(scenario_at(strtoul(argv[2], NULL, 10)), NULL, NULL, false);
        return 0;
    }
    MUST(argc >= 2 ? 0 : -1);
    documented_path = argv[1];
    read_documented(documented_path);
    why_not = cannot_work();
    if (why_not) {
        printf("faults: skipped, %s\n", why_not);
        return SKIPPED;
    }
    totals = shared(sizeof *totals);
    for (long i = 0; i < workers; i++)
        if (MUST(fork()) == 0)
            return work(argv[2]);
    for (long i = 0; i < workers; i++) {
        int status = -1;

        if (wait(&status) < 0 || status != 0) {
            printf("not ok: a worker ended with status %x\n", status);
            totals->failed++;
        }
    }
    printf("faults: %ld functions in %ld ways, %ld left out; %ld system calls found, %ld failures and "
           "%ld kills tried, %ld not met again among other processes, %ld times in other surroundings, %ld failed\n",
           functions_tried(), ways_tried(), totals->unable, totals->calls, totals->failures, totals->kills,
           totals->missed, totals->surrounded, totals->failed);
    /* Most of them are met. */
    return totals->failed || totals->missed * 10 > totals->failures || !totals->kills ? 1 : 0;
}
