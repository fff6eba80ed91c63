/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Properties of real programs: set-user-ID, without descriptors 0, 1 and 2, with 100,000 descriptors. */
#include "calls.h"
#include "privilege.h"
#include "program.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/auxv.h>

extern char **environ;

/* --- the environment ---------------------------------------------------------------------------- */

/* Records which environment variables are read, also by the library: this function takes precedence over
   libc's. */
static bool listening;
static char asked_for[4096];

static char *look_up(const char *name)
{
    size_t length = strlen(name);

    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return NULL;
}

char *getenv(const char *name)
{
    if (listening)
        snprintf(asked_for + strlen(asked_for), sizeof asked_for - strlen(asked_for), "%s ", name);
    return look_up(name);
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}

static void library_reads_only_path_from_environment(void)
{
    prepare_calls();
    for (size_t i = 0; i < CALLS; i++) {
        bool program = strncmp(calls[i].name, "spawn", strlen("spawn")) == 0;

        asked_for[0] = '\0';
        listening = true;
        EQUAL(calls[i].make() >= 0, true);
        listening = false;
        check_at(strcmp(asked_for, program ? "PATH " : "") == 0, __LINE__, "%s asks for %s",
                 calls[i].name, asked_for);
        UNDO(&calls[i]);
    }
    end_calls();
}

/* --- set-user-ID root --------------------------------------------------------------------------- */

#define HOSTILE "/run/hostile"
#define SUID "/run/suid"

static char *const hostile_environment[] = {
    (char *)"PATH=" HOSTILE,
    (char *)"LD_PRELOAD=" HOSTILE "/library.so",
    (char *)"LD_LIBRARY_PATH=" HOSTILE,
    (char *)"LD_DEBUG=all",
    (char *)"LD_DEBUG_OUTPUT=" HOSTILE "/debug",
    (char *)"GLIBC_TUNABLES=glibc.rtld.optional_static_tls=1",
    (char *)"LOCPATH=" HOSTILE,
    (char *)"NLSPATH=" HOSTILE "/%N",
    (char *)"LANG=xx_XX.UTF-8",
    (char *)"TMPDIR=" HOSTILE,
    (char *)"HOME=" HOSTILE,
    (char *)"RUST_BACKTRACE=full",
    (char *)"RUST_LIB_BACKTRACE=1",
    (char *)"RUST_MIN_STACK=99999999999999999",
    (char *)"RUST_LOG=trace",
    (char *)"NETNS_RUN_DIR=" HOSTILE,
    (char *)"NETNS=hostile",
    NULL};

/* Runs set-user-ID, started by an unprivileged user. The exit status is its result, since it cannot print. */
static int serve_a_plain_user(void)
{
    static char *const argv[] = {(char *)"tool", NULL},
                       *const help[] = {(char *)"ldconfig", (char *)"--help", NULL};
    struct netns *ns = NULL, *missing = NULL;
    int null;
    pid_t pid;

    if (getuid() == 0 || geteuid() != 0 || !getauxval(AT_SECURE))
        return SKIPPED;
    if (netns_create("blue", NETNS_CREATE_LO_UP, &ns) < 0 || strcmp(netns_path(ns), "/run/netns/blue"))
        return 2;
    if (netns_open("missing", 0, &missing) != -ENOENT || netns_enter(NULL) != -EINVAL)
        return 3;
    close(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));
    if (netns_leave(netns_enter(ns)) < 0)
        return 4;
    if (netns_spawn(ns, NULL, "/bin/true", argv, NULL, &pid) < 0 || wait_for(pid) != 0)
        return 5;
    /* The caller's PATH contains a "tool", and a "true" that fails. */
    if (netns_spawn(ns, NULL, "tool", argv, NULL, &pid) != -ENOENT)
        return 6;
    if (netns_spawn(ns, NULL, "true", argv, NULL, &pid) < 0 || wait_for(pid) != 0)
        return 8;
    /* A program in /usr/sbin is also found. */
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (netns_spawn(ns, OPTIONS(STDIO(null, null, null)), "ldconfig", help, NULL, &pid) < 0 ||
        wait_for(pid) != 0)
        return 9;
    close(null);
    if (netns_remove("blue", 0) < 0)
        return 7;
    netns_close(ns);
    return 0;
}

static void start_as_a_plain_user(void *arg)
{
    static char *const argv[] = {(char *)SUID, (char *)"--set-user-ID", NULL};

    (void)arg;
    become_plain_user();
    MUST(dup2(MUST(open("/run/said", O_WRONLY | O_APPEND)), 1));
    MUST(dup2(1, 2));
    MUST(execve(SUID, argv, hostile_environment));
}

static void set_user_id_program_ignores_environment(void)
{
    int before;

    if (under_valgrind())
        skip("valgrind starts no set-user-ID program");
    MUST(mkdir(HOSTILE, 0777));
    write_file(HOSTILE "/tool", "#!/bin/sh\nexit 42\n", 0755);
    write_file(HOSTILE "/true", "#!/bin/sh\nexit 42\n", 0755);
    write_file("/run/said", "", 0);
    MUST(chmod("/run/said", 0666));
    EQUAL(shell("cp /proc/$PPID/exe " SUID " && chmod 4755 " SUID), 0);
    MUST(chmod(HOSTILE, 0777));
    before = files_in(HOSTILE);
    IN_CHILD(start_as_a_plain_user, NULL);
    EQUAL(files_in(HOSTILE), before);
    EQUAL(shell("test ! -s /run/said || { sed 's/^/# /' /run/said; false; }"), 0);
    SAME(names_in(NULL, NETNS_LIST_STALE), "");
}

/* --- without descriptors 0, 1 and 2 ------------------------------------------------------------- */

/* What a program that was started has as descriptors 0, 1 and 2. */
static int tell_descriptors(const char *path)
{
    FILE *file;
    char link[64], target[256];

    /* Before any other file is opened. */
    bool open[3] = {fcntl(0, F_GETFD) >= 0, fcntl(1, F_GETFD) >= 0, fcntl(2, F_GETFD) >= 0};

    file = fopen(path, "we");
    for (int fd = 0; fd < 3; fd++) {
        ssize_t length = 0;

        sprintf(link, "/proc/self/fd/%d", fd);
        if (open[fd])
            length = readlink(link, target, sizeof target - 1);
        fprintf(file, "%s%s", fd ? " " : "", open[fd] ? "" : "-");
        fwrite(target, 1, length > 0 ? length : 0, file);
    }
    return fclose(file);
}

/* Descriptors 0, 1 and 2 of a new program, as it reports them. */
static const char *descriptors_of(const struct netns *ns, const struct netns_spawn_options *options)
{
    static char *const argv[] = {(char *)"32-callers", (char *)"--descriptors", NULL};
    pid_t pid = -1;

    OK(netns_spawn(ns, options, "/proc/self/exe", argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    return text_of(MUST(open("/run/told", O_RDONLY | O_CLOEXEC)));
}

static void need_own_program(void)
{
    if (under_valgrind())
        skip("/proc/self/exe is valgrind");
}

/* Moves the test's own descriptors; failures are printed after they have been restored. */
static int close_stdio(void)
{
    int kept = MUST(fcntl(1, F_DUPFD_CLOEXEC, 50));

    fflush(stdout);
    close(0);
    close(1);
    close(2);
    return kept;
}

static void reopen_stdio(int kept)
{
    MUST(dup2(kept, 0));
    MUST(dup2(kept, 1));
    MUST(dup2(kept, 2));
    close(kept);
    clearerr(stdout);
}

static int open_to_write(const char *path)
{
    return MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void every_call_works_without_standard_descriptors(void)
{
    int kept = close_stdio();
    const char *failed = NULL;

    prepare_calls();
    for (size_t i = 0; i < CALLS && !failed; i++) {
        if (calls[i].make() < 0)
            failed = calls[i].name;
        else
            UNDO(&calls[i]);
    }
    end_calls();
    reopen_stdio(kept);
    check_at(!failed, __LINE__, "%s", failed);
}

static void program_does_not_inherit_library_descriptors(void)
{
    struct netns *first = NULL, *second = NULL, *third = NULL;
    char told[256], after[256];
    bool are_low;
    int kept, token;

    need_own_program();
    kept = close_stdio();
    MUST(netns_create("blue", 0, &first));
    MUST(netns_open("blue", 0, &second));
    MUST(netns_open("blue", 0, &third));
    token = MUST(netns_enter(first));
    /* All three belong to the library, in whichever order it opened them. */
    are_low = fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0;
    snprintf(told, sizeof told, "%s", descriptors_of(second, NULL));
    netns_close(first);
    /* The connection for interfaces takes the free number. */
    EQUAL(netns_link_up(second, "lo"), 0);
    snprintf(after, sizeof after, "%s", descriptors_of(second, NULL));
    netns_close(second);
    netns_close(third);
    MUST(netns_leave(token));
    reopen_stdio(kept);
    CHECK(are_low);
    SAME(after, "- - -");
    SAME(told, "- - -");
}

static void spawn_permutes_files_at_descriptors_0_to_2(void)
{
    char told[256], turned[256], half[256];
    struct netns *ns = NULL;
    int kept, failed, token;
    pid_t pid = -42;

    need_own_program();
    kept = close_stdio();
    EQUAL(open_to_write("/run/a"), 0);
    EQUAL(open_to_write("/run/b"), 1);
    EQUAL(open_to_write("/run/c"), 2);
    MUST(netns_create("blue", 0, &ns));
    snprintf(told, sizeof told, "%s", descriptors_of(ns, OPTIONS(STDIO(2, 0, 1))));
    snprintf(turned, sizeof turned, "%s", descriptors_of(ns, OPTIONS(STDIO(1, 0, 0))));
    netns_close(ns);
    ns = NULL;
    MUST(netns_open("blue", 0, &ns));
    close(1);
    /* The token's number is between those of the files. */
    token = MUST(netns_enter(ns));
    snprintf(half, sizeof half, "%s", descriptors_of(ns, OPTIONS(STDIO(2, 2, 0))));
    failed = netns_spawn(ns, OPTIONS(STDIO(2, 2, 0)), "/missing", true_argv, NULL, &pid);
    MUST(netns_leave(token));
    netns_close(ns);
    reopen_stdio(kept);
    EQUAL(token, 1);
    SAME(told, "/run/c /run/a /run/b");
    SAME(turned, "/run/b /run/a /run/a");
    SAME(half, "/run/c /run/c /run/a");
    EQUAL(failed, -ENOENT);
    EQUAL(pid, -42);
    CHILDLESS();
}

static void failing_calls_write_nothing_to_descriptors_0_to_2(void)
{
    int kept = close_stdio();
    struct netns *ns = NULL;
    struct netns_name_snapshot *list = NULL;
    pid_t pid;

    EQUAL(open_to_write("/run/a"), 0);
    EQUAL(open_to_write("/run/b"), 1);
    EQUAL(open_to_write("/run/c"), 2);
    EQUAL(netns_open("missing", 0, &ns), -ENOENT);
    EQUAL(netns_create("", 0, &ns), -EINVAL);
    EQUAL(netns_remove("missing", 0), -ENOENT);
    EQUAL(netns_list_at("/run/a", 0, &list), -ENOTDIR);
    EQUAL(netns_create("blue", 0, &ns), 0);
    EQUAL(netns_link_del(ns, "missing"), -ENODEV);
    EQUAL(netns_spawn(ns, NULL, "/missing", true_argv, NULL, &pid), -ENOENT);
    EQUAL(netns_exec(ns, "/missing", true_argv, NULL), -ENOENT);
    netns_close(ns);
    reopen_stdio(kept);
    EQUAL(shell("test ! -s /run/a && test ! -s /run/b && test ! -s /run/c"), 0);
}

/* --- with 100,000 descriptors ------------------------------------------------------------------- */

#define MANY 100000
#define SPARE 200 /* for the calls */

/* Makes any call that uses one of the program's many descriptors kill the process. */
static void guard_descriptors(unsigned from, unsigned to)
{
    static const unsigned calls[] = {SYS_close, SYS_read,  SYS_write,  SYS_fcntl,   SYS_ioctl, SYS_fstat,
                                     SYS_dup,   SYS_flock, SYS_openat, SYS_fstatfs, SYS_dup3};
    enum { COUNT = sizeof calls / sizeof *calls };
    struct sock_filter code[COUNT + 7] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) +
                                               (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, to, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, from, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = {COUNT + 7, code};

    for (unsigned char i = 0; i < COUNT; i++)
        code[i + 5] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], COUNT - i, 0);
    code[COUNT + 5] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[COUNT + 6] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

static void call_everything_among(const int *range)
{
    prepare_calls();
    CHECK(netns_fd(given.blue) >= range[1]);
    guard_descriptors(range[0], range[1]);
    for (size_t i = 0; i < CALLS; i++) {
        long rc = calls[i].make();

        if (check_at(rc >= 0, __LINE__, "%s: %ld (%s)", calls[i].name, rc, netns_errmsg()))
            UNDO(&calls[i]);
    }
    end_calls();
}

static void touch_one(void *arg)
{
    int *range = arg;

    guard_descriptors(range[0], range[1]);
    close(range[0]);
}

/* The number of descriptors that the process may have. Raises the limit to what is needed if that is
   allowed. */
static int most_descriptors(void)
{
    struct rlimit limit = {MANY + SPARE, MANY + SPARE};

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        MUST(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = limit.rlim_max;
        MUST(setrlimit(RLIMIT_NOFILE, &limit));
    }
    return limit.rlim_cur;
}

static void have_many_descriptors(void *arg)
{
    int most = most_descriptors() - SPARE, first = MUST(open("/dev/null", O_RDONLY)), last = first;
    int range[2];

    (void)arg;
    while (last < most)
        last = MUST(dup(first));
    range[0] = first;
    range[1] = last + 1;
    printf("#: %d descriptors\n", last);
    /* Checks that the guard works. */
    EQUAL(wait_for(start_part(touch_one, range)), 128 + SIGSYS);
    call_everything_among(range);
}

static void calls_touch_none_of_many_caller_descriptors(void)
{
    if (under_valgrind())
        skip("valgrind allows none so high");
    IN_CHILD(have_many_descriptors, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--set-user-ID") == 0)
        return serve_a_plain_user();
    if (argc > 1 && strcmp(argv[1], "--descriptors") == 0)
        return tell_descriptors("/run/told");
    RUN(library_reads_only_path_from_environment);
    RUN(set_user_id_program_ignores_environment);
    RUN(every_call_works_without_standard_descriptors);
    RUN(program_does_not_inherit_library_descriptors);
    RUN(spawn_permutes_files_at_descriptors_0_to_2);
    RUN(failing_calls_write_nothing_to_descriptors_0_to_2);
    RUN(calls_touch_none_of_many_caller_descriptors);
    return finish();
}
