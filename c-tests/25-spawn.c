/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs in a namespace, started as children. */
#include "privilege.h"
#include "program.h"

#include <poll.h>
#include <pthread.h>

static char *const true_argv[] = {"true", NULL};

/* A value that a failing call must not overwrite. */
#define GUARD ((pid_t)-4242)

/* A new namespace named blue. */
static struct netns *blue(void)
{
    struct netns *ns = NULL;

    OK(netns_create("blue", 0, &ns));
    return ns;
}

/* Checks that the call starts nothing: no child, no pid, no descriptor, no mount, and no message except
   the expected one. */
#define STARTS_NOTHING(error, ns, options, file, argv)               \
    do {                                                             \
        struct state before_ = state_now();                          \
        pid_t pid_ = GUARD;                                          \
                                                                     \
        FAILS(error, netns_spawn(ns, options, file, argv, NULL, &pid_)); \
        EQUAL(pid_, GUARD);                                          \
        CHILDLESS();                                                 \
        UNCHANGED_SINCE(before_);                                    \
    } while (0)

/* --- the program ------------------------------------------------------------------------------ */

static void program_runs_in_namespace_and_caller_stays(void)
{
    struct netns *ns = blue();
    uint64_t home = here(), mounts = mount_namespace();

    EQUAL(NUMBER(ns, NULL, "stat -L -c %i /proc/self/ns/net"), netns_inode(ns));
    CHECK(NUMBER(ns, NULL, "stat -L -c %i /proc/self/ns/mnt") != mounts);
    EQUAL(here(), home);
    EQUAL(mount_namespace(), mounts);
    CHILDLESS();
    netns_close(ns);
}

static volatile sig_atomic_t children_ended;

static void count_child(int signal)
{
    (void)signal;
    children_ended++;
}

static void program_can_be_waited_for_and_raises_sigchld(void)
{
    char *argv[] = {"sh", "-c", "exit 7", NULL};
    struct netns *ns = blue();
    struct sigaction action = {.sa_handler = count_child};
    siginfo_t info = {0};
    pid_t pid = 0;

    MUST(sigaction(SIGCHLD, &action, NULL));
    OK(netns_spawn(ns, NULL, "sh", argv, NULL, &pid));
    CHECK(pid > 0);
    while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    EQUAL(info.si_status, 7);
    EQUAL(wait_for(pid), 7);
    EQUAL(children_ended, 1);
    netns_close(ns);
}

static void child_is_reaped_automatically_if_sigchld_is_ignored(void)
{
    struct netns *ns = blue();
    pid_t pid = 0;

    MUST(signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -1 : 0);
    OK(netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
    EQUAL(waitpid(pid, NULL, 0), -1);
    EQUAL(errno, ECHILD);
    STARTS_NOTHING(ENOENT, ns, NULL, "/nowhere/at-all", true_argv);
    netns_close(ns);
}

static void spawn_passes_arguments_and_environment(void)
{
    char *argv[] = {"another name", "-c", "echo $0,$1,$#,$COLOUR", "zero", "o n e", NULL};
    char *envp[] = {"COLOUR=envp", "PATH=/nowhere", NULL}, *none[] = {NULL};
    struct netns *ns = blue();
    int ends[2];
    pid_t pid;

    MUST(setenv("COLOUR", "environ", 1));
    SAME(text_of(start_saying(ns, NULL, "sh", argv, &pid)), "zero,o n e,1,environ");
    EQUAL(wait_for(pid), 0);
    MUST(pipe2(ends, O_CLOEXEC));
    OK(netns_spawn(ns, OPTIONS(STDIO(-1, ends[1], -1)), "sh", argv, envp,
                   &pid));
    EQUAL(wait_for(pid), 0);
    OK(netns_spawn(ns, OPTIONS(STDIO(-1, ends[1], -1)), "sh", argv, none,
                   &pid));
    EQUAL(wait_for(pid), 0);
    close(ends[1]);
    SAME(text_of(ends[0]), "zero,o n e,1,envp\nzero,o n e,1,");
    netns_close(ns);
}

static void spawn_works_in_anonymous_namespace(void)
{
    struct netns *ns = NULL;

    OK(netns_create(NULL, NETNS_CREATE_LO_UP, &ns));
    EQUAL(NUMBER(ns, NULL, "stat -L -c %i /proc/self/ns/net"), netns_inode(ns));
    netns_close(ns);
}

/* --- PATH ------------------------------------------------------------------------------------- */

static void write_script(const char *path, const char *text, mode_t mode)
{
    write_file(path, text, mode);
    MUST(chmod(path, mode));
}

static void spawn_searches_callers_path(void)
{
    char *argv[] = {"tool", "one", NULL};
    struct netns *ns = blue();
    pid_t pid;

    MUST(mkdir("/run/a", 0755));
    MUST(mkdir("/run/b", 0755));
    MUST(setenv("PATH", "/run/none:/run/a:/run/b", 1));
    STARTS_NOTHING(ENOENT, ns, NULL, "tool", argv);
    /* A file that may not be executed is remembered, and the search continues. */
    write_script("/run/a/tool", "#!/bin/sh\necho a", 0644);
    STARTS_NOTHING(EACCES, ns, NULL, "tool", argv);
    write_script("/run/b/tool", "#!/bin/sh\necho b $1", 0755);
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "b one");
    EQUAL(wait_for(pid), 0);
    write_script("/run/a/tool", "#!/bin/sh\necho a $1", 0755);
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "a one");
    EQUAL(wait_for(pid), 0);
    /* A component that is not a directory is also skipped. */
    MUST(setenv("PATH", "/run/a/tool:/run/b", 1));
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "b one");
    EQUAL(wait_for(pid), 0);
    /* A missing interpreter. valgrind notices it too late, and the child dies. */
    write_script("/run/b/tool", "#!/run/none\n", 0755);
    STARTS_NOTHING(under_valgrind() ? ECANCELED : ENOENT, ns, NULL, "tool", argv);
    netns_close(ns);
}

static void empty_path_component_means_working_directory(void)
{
    char *argv[] = {"tool", NULL};
    struct netns *ns = blue();
    pid_t pid;

    MUST(mkdir("/run/a", 0755));
    write_script("/run/a/tool", "#!/bin/sh\necho here", 0755);
    MUST(chdir("/run/a"));
    MUST(setenv("PATH", "/run:", 1));
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "here");
    EQUAL(wait_for(pid), 0);
    MUST(setenv("PATH", "", 1));
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "here");
    EQUAL(wait_for(pid), 0);
    MUST(setenv("PATH", "/run", 1));
    STARTS_NOTHING(ENOENT, ns, NULL, "tool", argv);
    SAME(text_of(start_saying(ns, NULL, "./tool", argv, &pid)), "here");
    EQUAL(wait_for(pid), 0);
    MUST(unsetenv("PATH"));
    STARTS_NOTHING(ENOENT, ns, NULL, "tool", argv);
    OK(netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

static void script_without_shebang_is_run_by_sh(void)
{
    char *argv[] = {"tool", "one", "two", NULL}, *no_more[] = {"tool", NULL};
    struct netns *ns = blue();
    pid_t pid;

    MUST(mkdir("/run/a", 0755));
    write_script("/run/a/tool", "echo $0,$1,$2,$#", 0755);
    MUST(setenv("PATH", "/nowhere:/run/a", 1));
    SAME(text_of(start_saying(ns, NULL, "tool", argv, &pid)), "/run/a/tool,one,two,2");
    EQUAL(wait_for(pid), 0);
    SAME(text_of(start_saying(ns, NULL, "/run/a/tool", no_more, &pid)), "/run/a/tool,,,0");
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void spawn_redirects_standard_descriptors(void)
{
    char *argv[] = {"sh", "-c", "cat; echo wrong >&2", NULL};
    struct netns *ns = blue();
    int in[2], out[2], wrong[2];
    pid_t pid;

    MUST(pipe2(in, O_CLOEXEC));
    MUST(pipe2(out, O_CLOEXEC));
    MUST(pipe2(wrong, O_CLOEXEC));
    OK(netns_spawn(ns, OPTIONS(STDIO(in[0], out[1], wrong[1])), "sh", argv, NULL, &pid));
    MUST(write(in[1], "through", 7));
    close(in[0]);
    close(in[1]);
    close(out[1]);
    close(wrong[1]);
    SAME(text_of(out[0]), "through");
    SAME(text_of(wrong[0]), "wrong");
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

static void spawn_accepts_one_descriptor_for_all_stdio(void)
{
    char *argv[] = {"sh", "-c", "echo out; echo wrong >&2; echo in >&0", NULL};
    struct netns *ns = blue();
    int ends[2];
    pid_t pid;

    MUST(pipe2(ends, O_CLOEXEC));
    OK(netns_spawn(ns, OPTIONS(STDIO(ends[1], ends[1], ends[1])), "sh", argv, NULL, &pid));
    close(ends[1]);
    SAME(text_of(ends[0]), "out\nwrong\nin");
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

/* What descriptors 0, 1 and 2 are, reported through descriptor 9. */
static const char *tell_flagged(struct netns *ns, uint32_t flags, int in, int out, int error)
{
    const struct netns_spawn_options *options =
        OPTIONS(.flags = flags, .stdin_fd = in, .stdout_fd = out, .stderr_fd = error);
    char *argv[] = {"sh", "-c",
                    "(for fd in 0 1 2; do readlink /proc/$$/fd/$fd || echo none; done) >&9; exit", NULL};
    int ends[2], output;
    pid_t pid;

    MUST(pipe2(ends, O_CLOEXEC));
    output = MUST(fcntl(ends[0], F_DUPFD_CLOEXEC, 20));
    MUST(dup2(ends[1], 9));
    close(ends[0]);
    close(ends[1]);
    OK(netns_spawn(ns, options, "/bin/sh", argv, NULL, &pid));
    close(9);
    wait_for(pid);
    return text_of(output);
}

static const char *tell_stdio(struct netns *ns, int in, int out, int error)
{
    return tell_flagged(ns, NETNS_SPAWN_STDIO, in, out, error);
}

/* The three standard descriptors become distinguishable files. */
static void open_three(void)
{
    for (int fd = 0; fd < 3; fd++) {
        char path[] = "/run/n";
        int file;

        path[5] = '0' + fd;
        file = MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        if (file != fd) {
            MUST(dup3(file, fd, O_CLOEXEC));
            close(file);
        }
    }
}

#define TOLD(in, out, error, text) TOLD_WITH(NETNS_SPAWN_STDIO, in, out, error, text)

static void say_three(void *arg)
{
    struct netns *ns = arg;
    int output = MUST(fcntl(1, F_DUPFD_CLOEXEC, 30));

    open_three();
#define TOLD_WITH(flags, in, out, error, text) do { \
        const char *told_ = tell_flagged(ns, flags, in, out, error); \
        if (strcmp(told_, text) != 0) { \
            test_failures++; \
            dprintf(output, "# line %d: \"%s\", not \"%s\"\n", __LINE__, told_, text); \
        } \
    } while (0)
    TOLD(0, 1, 2, "/run/0\n/run/1\n/run/2");
    TOLD(1, 0, 2, "/run/1\n/run/0\n/run/2");
    TOLD(1, 2, 0, "/run/1\n/run/2\n/run/0");
    TOLD(2, 2, 2, "/run/2\n/run/2\n/run/2");
    TOLD(2, 0, 0, "/run/2\n/run/0\n/run/0");
    /* close-on-exec, and left unchanged */
    TOLD(-1, -1, -1, "none\nnone\nnone");
    TOLD(-1, 0, -1, "none\n/run/0\nnone");
    /* Each descriptor has its own flag; the values for the others need not be descriptors. */
    TOLD_WITH(0, 2, 0, 1, "none\nnone\nnone");
    TOLD_WITH(NETNS_SPAWN_STDIN, 2, -7, 0, "/run/2\nnone\nnone");
    TOLD_WITH(NETNS_SPAWN_STDOUT, 0, 2, 0, "none\n/run/2\nnone");
    TOLD_WITH(NETNS_SPAWN_STDERR, 0, 0, 1, "none\nnone\n/run/1");
    TOLD_WITH(NETNS_SPAWN_STDIN | NETNS_SPAWN_STDERR, 2, 777, 0, "/run/2\nnone\n/run/0");
#undef TOLD
#undef TOLD_WITH
    dup2(output, 1);
    close(output);
}

static void spawn_permutes_standard_descriptors(void)
{
    struct netns *ns = blue();

    IN_CHILD(say_three, ns);
    netns_close(ns);
}

static void spawn_with_all_closed(void *arg)
{
    int output = MUST(fcntl(1, F_DUPFD_CLOEXEC, 30)), file, failures = 0;
    struct netns *ns = arg;
    pid_t pid = GUARD;

    close(0);
    close(1);
    close(2);
    failures += strcmp(tell_stdio(ns, -1, -1, -1), "none\nnone\nnone") != 0;
    /* The library's own pipe has that number for a moment, but must not be used. */
    for (int fd = 0; fd < 3; fd++)
        failures += netns_spawn(ns, OPTIONS(STDIO(fd, -1, -1)), "true", true_argv, NULL, &pid) != -EBADF;
    failures += pid != GUARD;
    file = open("/run/file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    failures += file != 0 || strcmp(tell_stdio(ns, -1, 0, 0), "none\n/run/file\n/run/file") != 0;
    dup2(output, 1);
    close(output);
    EQUAL(failures, 0);
    CHILDLESS();
}

static void spawn_works_if_caller_has_no_standard_descriptors(void)
{
    struct netns *ns = blue();

    IN_CHILD(spawn_with_all_closed, ns);
    netns_close(ns);
}

static void program_inherits_only_descriptors_without_cloexec(void)
{
    struct netns *ns = blue();
    int kept = MUST(open("/dev/null", O_RDONLY)), inherited = 0;
    char *argv[] = {"sh", "-c", "exec ls /proc/self/fd", NULL};
    const char *text;
    char word[16];
    pid_t pid;

    for (int fd = 0; fd < 1024; fd++)
        inherited += fcntl(fd, F_GETFD) == 0;
    text = text_of(start_saying(ns, NULL, "/bin/sh", argv, &pid));
    EQUAL(wait_for(pid), 0);
    snprintf(word, sizeof word, "%d\n", kept);
    CHECK(strstr(text, word));
    /* One of them is the directory that ls reads. */
    for (; *text; text++)
        inherited -= *text == '\n';
    EQUAL(inherited, 0);
    close(kept);
    netns_close(ns);
}

/* Other threads may close and open descriptors: the call uses none of theirs. */
static void spawn_with_keep_flags_opens_no_descriptors(void)
{
    const struct netns_spawn_options *options =
        OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC);
    struct netns *ns = blue();
    pid_t pid = GUARD;

    allow_descriptors(0);
    OK(netns_spawn(ns, options, "true", true_argv, NULL, &pid));
    /* The program itself needs some. */
    wait_for(pid);
    FAILS(ENOENT, netns_spawn(ns, options, "/nowhere/at-all", true_argv, NULL, &pid));
    allow_descriptors(-1);
    netns_close(ns);
}

static void spawn_with_closed_descriptor_fails_with_ebadf(void)
{
    struct netns *ns = blue();

    STARTS_NOTHING(EBADF, ns, OPTIONS(STDIO(777, -1, -1)), "true", true_argv);
    MESSAGE_HAS("standard input: Bad file descriptor");
    STARTS_NOTHING(EBADF, ns, OPTIONS(STDIO(-1, -1, 777)), "true", true_argv);
    MESSAGE_HAS("redirect standard error");
    STARTS_NOTHING(EINVAL, ns, OPTIONS(STDIO(-1, -2, -1)), "true", true_argv);
    netns_close(ns);
}

/* --- the working directory -------------------------------------------------------------------- */

static void spawn_keeps_or_changes_working_directory(void)
{
    struct netns *ns = blue();

    MUST(mkdir("/run/a", 0755));
    MUST(mkdir("/run/a/b", 0755));
    MUST(chdir("/run/a"));
    SAME(SAID(ns, NULL, "pwd -P"), "/run/a");
    SAME(SAID(ns, OPTIONS(.cwd = "b"), "pwd -P"), "/run/a/b");
    SAME(SAID(ns, OPTIONS(.cwd = "/run"), "pwd -P"), "/run");
    SAME(SAID(ns, OPTIONS(.cwd = "/sys/class/net"), "ls | grep -v bonding_masters"), "lo");
    STARTS_NOTHING(ENOENT, ns, OPTIONS(.cwd = "/run/none"), "true", true_argv);
    MESSAGE_HAS("chdir to /run/none: No such file or directory");
    STARTS_NOTHING(ENOTDIR, ns, OPTIONS(.cwd = "/proc/uptime"), "true", true_argv);
    MUST(rmdir("/run/a/b"));
    netns_close(ns);
}

static void working_directory_below_sys_is_in_new_sysfs(void)
{
    struct netns *ns = blue();

    MUST(chdir("/sys/class/net"));
    SAME(SAID(ns, NULL, "pwd -P; ls; ls .."), SAID(ns, OPTIONS(.cwd = "/sys/class/net"), "pwd -P; ls; ls .."));
    MUST(chdir("/sys/kernel"));
    SAME(SAID(ns, NULL, "test . -ef /sys/kernel && pwd -P"), "/sys/kernel");
    netns_close(ns);
}

/* --- the user and the session ----------------------------------------------------------------- */

#define UID 12345
#define GID 23456

/* For OPTIONS(): the user of the program. */
#define USER(...) USER_WITH(0, __VA_ARGS__)
#define USER_WITH(more, ...) \
    .flags = NETNS_SPAWN_USER | (more), .uid = UID, .gid = GID, __VA_ARGS__

#define RIGHTS "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/$$/status | tr -s '\t ' ' '"

/* A user namespace may map only one user. */
static void need_root(void)
{
    FILE *file = fopen("/proc/self/uid_map", "re");
    unsigned count = 0;

    CHECK(file && fscanf(file, "%*u %*u %u", &count) == 1);
    fclose(file);
    if (geteuid() != 0 || count < 65536)
        skip("needs real root");
}

static void spawn_runs_program_as_another_user(void)
{
    static const uint32_t groups[] = {7, 0, 70000};
    const char *none = "Uid: 12345 12345 12345 12345\nGid: 23456 23456 23456 23456\nGroups: \n"
                       "CapEff: 0000000000000000";
    struct netns *ns = blue();
    uid_t uids[3];
    int files;

    need_root();
    MUST(setgroups(3, (gid_t[]){1, 2, 3}));
    SAME(SAID(ns, OPTIONS(USER(.groups = groups, .groups_len = 3)), RIGHTS),
         "Uid: 12345 12345 12345 12345\nGid: 23456 23456 23456 23456\nGroups: 0 7 70000 \n"
         "CapEff: 0000000000000000");
    SAME(SAID(ns, OPTIONS(USER(.groups = groups)), RIGHTS), none);
    SAME(SAID(ns, OPTIONS(USER(.groups = NULL)), RIGHTS), none);
    SAME(SAID(ns, OPTIONS(.uid = UID, .gid = GID), "id -u; id -g; id -G"), "0\n0\n0 1 2 3");
    /* The calling process is unchanged, and can be traced and dumped. */
    MUST(getresuid(&uids[0], &uids[1], &uids[2]));
    CHECK(uids[0] == 0 && uids[1] == 0 && uids[2] == 0);
    EQUAL(getgroups(0, NULL), 3);
    EQUAL(prctl(PR_GET_DUMPABLE), 1);
    files = open_descriptors();
    /* Everything else is done as root: the mounts are made, and the output arrives. */
    SAME(SAID(ns, OPTIONS(USER(.cwd = "/sys/class/net")), "ls | grep -v bonding_masters; id -u"), "lo\n12345");
    EQUAL(open_descriptors(), files);
    netns_close(ns);
}

static void spawn_as_user_checks_permissions_of_that_user(void)
{
    struct netns *ns = blue();

    need_root();
    MUST(mkdir("/run/private", 0700));
    STARTS_NOTHING(EACCES, ns, OPTIONS(USER(.cwd = "/run/private")), "true", true_argv);
    MESSAGE_HAS("chdir to /run/private: Permission denied");
    MUST(chown("/run/private", UID, GID));
    SAME(SAID(ns, OPTIONS(USER(.cwd = "/run/private")), "pwd"), "/run/private");
    write_script("/run/tool", "#!/bin/sh\n", 0700);
    STARTS_NOTHING(EACCES, ns, OPTIONS(USER(.pidfd = NULL)), "/run/tool", true_argv);
    netns_close(ns);
}

static void spawn_rejects_invalid_user_and_group_ids(void)
{
    static uint32_t groups[65537];
    struct netns *ns = blue();

    STARTS_NOTHING(EINVAL, ns, OPTIONS(.flags = NETNS_SPAWN_USER, .uid = -1u), "true", true_argv);
    MESSAGE_HAS("-1");
    STARTS_NOTHING(EINVAL, ns, OPTIONS(.flags = NETNS_SPAWN_USER, .gid = -1u), "true", true_argv);
    STARTS_NOTHING(EINVAL, ns, OPTIONS(USER(.groups_len = 1)), "true", true_argv);
    MESSAGE_HAS("no groups given");
    STARTS_NOTHING(EINVAL, ns, OPTIONS(USER(.groups = groups, .groups_len = 65537)), "true",
                   true_argv);
    MESSAGE_HAS("65536");
    groups[1] = -1u;
    STARTS_NOTHING(EINVAL, ns, OPTIONS(USER(.groups = groups, .groups_len = 2)), "true", true_argv);
    /* Without the flag these fields are ignored. */
    SAME(SAID(ns, OPTIONS(.uid = -1u, .gid = -1u, .groups_len = 9), "echo yes"), "yes");
    netns_close(ns);
}

static void start_without_setgid(void *arg)
{
    drop_capability(CAP_SETGID);
    STARTS_NOTHING(EPERM, arg, OPTIONS(USER(.pidfd = NULL)), "true", true_argv);
    MESSAGE_HAS("set the supplementary groups: Operation not permitted (needs CAP_SETGID");
}

static void start_without_setuid(void *arg)
{
    drop_capability(CAP_SETUID);
    STARTS_NOTHING(EPERM, arg, OPTIONS(USER(.pidfd = NULL)), "true", true_argv);
    MESSAGE_HAS("set the user ID: Operation not permitted (needs CAP_SETUID)");
}

static void start_with_few_ids(void *arg)
{
    struct netns_spawn_options *options =
        OPTIONS(USER_WITH(NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC, .pidfd = NULL));
    struct netns *ns = NULL;
    char gid_map[] = "23456 23456 1\n0 0 1\n";
    int parent[2], child[2];
    pid_t helper;
    char byte;

    (void)arg;
    MUST(pipe2(parent, O_CLOEXEC));
    MUST(pipe2(child, O_CLOEXEC));
    helper = MUST(fork());
    if (helper == 0) {
        /* Groups are mapped without disabling setgroups. */
        char path[64];

        MUST(read(child[0], &byte, 1));
        snprintf(path, sizeof path, "/proc/%d/gid_map", getppid());
        write_map(path, gid_map);
        snprintf(path, sizeof path, "/proc/%d/uid_map", getppid());
        write_map(path, "0 0 1");
        MUST(write(parent[1], "x", 1));
        _exit(0);
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        skip("no user namespaces");
    MUST(write(child[1], "x", 1));
    MUST(read(parent[0], &byte, 1));
    wait_for(helper);
    OK(netns_open_current(&ns));
    STARTS_NOTHING(EINVAL, ns, options, "true", true_argv);
    MESSAGE_HAS("set the user ID: Invalid argument (the user namespace does not map this user");
    options = OPTIONS(USER_WITH(NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC, .pidfd = NULL));
    options->gid = 5;
    STARTS_NOTHING(EINVAL, ns, options, "true", true_argv);
    MESSAGE_HAS("set the group ID: Invalid argument (the user namespace does not map this group");
    netns_close(ns);
}

static void start_where_setgroups_is_denied(void *arg)
{
    struct netns *ns = NULL;

    (void)arg;
    become_plain_user();
    enter_user_namespace(CLONE_NEWNET);
    OK(netns_open_current(&ns));
    STARTS_NOTHING(EPERM, ns, OPTIONS(.flags = NETNS_SPAWN_USER | NETNS_SPAWN_KEEP_SYS), "true",
                   true_argv);
    MESSAGE_HAS("/proc/PID/setgroups");
    netns_close(ns);
}

static void spawn_reports_cause_of_failed_user_change(void)
{
    struct netns *ns = blue();

    need_root();
    IN_CHILD(start_without_setgid, ns);
    IN_CHILD(start_without_setuid, ns);
    IN_CHILD(start_with_few_ids, ns);
    IN_CHILD(start_where_setgroups_is_denied, ns);
    netns_close(ns);
}

static void spawn_beyond_rlimit_nproc_fails_with_eagain(void)
{
    char *argv[] = {"sleep", "1000", NULL};
    struct rlimit before, none;
    struct netns *ns = blue();
    pid_t first = -1;

    need_root();
    OK(netns_spawn(ns, OPTIONS(USER(.pidfd = NULL)), "sleep", argv, NULL, &first));
    MUST(getrlimit(RLIMIT_NPROC, &before));
    none = before;
    none.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_NPROC, &none));
    FAILS(under_valgrind() ? ECANCELED : EAGAIN,
          netns_spawn(ns, OPTIONS(USER(.pidfd = NULL)), "true", true_argv, NULL, &(pid_t){0}));
    MUST(setrlimit(RLIMIT_NPROC, &before));
    if (!under_valgrind())
        MESSAGE_HAS("exec: Resource temporarily unavailable (the limit on processes, RLIMIT_NPROC");
    MUST(kill(first, SIGKILL));
    wait_for(first);
    CHILDLESS();
    netns_close(ns);
}

static void setsid_flag_starts_new_session(void)
{
    struct netns *ns = blue();
    const char *script = "read pid name state parent group session rest </proc/$$/stat;"
                         " test $pid = $session && echo own || echo $session";
    char ours[16];

    SAME(SAID(ns, OPTIONS(.flags = NETNS_SPAWN_SETSID), script), "own");
    snprintf(ours, sizeof ours, "%d", getsid(0));
    SAME(SAID(ns, NULL, script), ours);
    netns_close(ns);
}

/* --- signals ---------------------------------------------------------------------------------- */

/* A signal mask as shown by /proc/PID/status. */
static uint64_t signals(const char *status, const char *key)
{
    const char *line = strstr(status, key);

    return line ? strtoull(line + strlen(key), NULL, 16) : ~0ull;
}

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

static void spawn_keeps_signal_mask_and_resets_handlers(void)
{
    char *argv[] = {"cat", "/proc/self/status", NULL};
    struct sigaction handled = {.sa_handler = count_child};
    struct netns *ns = blue();
    sigset_t blocked, after;
    const char *status;
    pid_t pid;

    MUST(sigaction(SIGUSR1, &handled, NULL));
    MUST(sigaction(SIGRTMIN + 3, &handled, NULL));
    MUST(signal(SIGUSR2, SIG_IGN) == SIG_ERR ? -1 : 0);
    MUST(signal(SIGRTMAX - 1, SIG_IGN) == SIG_ERR ? -1 : 0);
    MUST(sigemptyset(&blocked));
    MUST(sigaddset(&blocked, SIGTERM));
    MUST(sigaddset(&blocked, SIGRTMIN + 1));
    MUST(sigprocmask(SIG_SETMASK, &blocked, NULL));
    status = text_of(start_saying(ns, NULL, "cat", argv, &pid));
    EQUAL(wait_for(pid), 0);
    EQUAL(signals(status, "SigBlk:"), bit(SIGTERM) | bit(SIGRTMIN + 1));
    EQUAL(signals(status, "SigIgn:") & bit(SIGUSR2), bit(SIGUSR2));
    EQUAL(signals(status, "SigIgn:") & bit(SIGRTMAX - 1), bit(SIGRTMAX - 1));
    EQUAL(signals(status, "SigIgn:") & (bit(SIGUSR1) | bit(SIGRTMIN + 3)), 0);
    EQUAL(signals(status, "SigCgt:"), 0);
    /* Nothing has changed in the calling thread. */
    MUST(sigprocmask(SIG_SETMASK, NULL, &after));
    CHECK(memcmp(&blocked, &after, _NSIG / 8) == 0);
    MUST(sigaction(SIGUSR1, NULL, &handled));
    CHECK(handled.sa_handler == count_child);
    netns_close(ns);
}

static void failed_spawn_raises_no_sigchld(void)
{
    struct sigaction action = {.sa_handler = count_child};
    struct netns *ns = blue();

    MUST(sigaction(SIGCHLD, &action, NULL));
    STARTS_NOTHING(ENOENT, ns, NULL, "/nowhere/at-all", true_argv);
    EQUAL(children_ended, 0);
    netns_close(ns);
}

/* --- pidfds ----------------------------------------------------------------------------------- */

static void spawn_returns_pidfd(void)
{
    struct netns *ns = blue();
    struct pollfd ended = {.events = POLLIN};
    siginfo_t info = {0};
    pid_t pid = GUARD;
    int32_t pidfd = -1;
    int rc;

    rc = netns_spawn(ns, OPTIONS(.pidfd = &pidfd), "true", true_argv, NULL, &pid);
    if (rc == -ENOSYS && under_valgrind())
        skip("valgrind turns it into fork(2), and does not support pidfds");
    EQUAL(rc, 0);
    EQUAL(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    ended.fd = pidfd;
    EQUAL(poll(&ended, 1, TEST_TIMEOUT * 1000), 1);
    EQUAL(waitid((idtype_t)3 /* P_PIDFD */, pidfd, &info, WEXITED), 0);
    EQUAL(info.si_pid, pid);
    close(pidfd);
    pidfd = -1;
    OK(netns_spawn(ns, OPTIONS(.pidfd = &pidfd), "true", true_argv, NULL, NULL));
    EQUAL(waitid((idtype_t)3, pidfd, &info, WEXITED), 0);
    close(pidfd);
    pidfd = -7;
    STARTS_NOTHING(ENOENT, ns, OPTIONS(.pidfd = &pidfd), "/nowhere/at-all", true_argv);
    EQUAL(pidfd, -7);
    netns_close(ns);
}

/* --- arguments -------------------------------------------------------------------------------- */

static void spawn_rejects_invalid_arguments(void)
{
    char *none[] = {NULL};
    struct netns *ns = blue();

    STARTS_NOTHING(EINVAL, NULL, NULL, "true", true_argv);
    MESSAGE_HAS("spawn \"true\" in (none): check the arguments");
    STARTS_NOTHING(EINVAL, ns, NULL, NULL, true_argv);
    MESSAGE_HAS("spawn (none) in \"blue\": check the arguments");
    STARTS_NOTHING(EINVAL, ns, NULL, "true", NULL);
    STARTS_NOTHING(EINVAL, ns, NULL, "true", none);
    FAILS(EINVAL, netns_spawn(ns, NULL, "true", true_argv, NULL, NULL));
    FAILS(EINVAL, netns_spawn(ns, OPTIONS(0), "true", true_argv, NULL, NULL));
    STARTS_NOTHING(ENOENT, ns, NULL, "", true_argv);
    for (int flag = 10; flag < 32; flag++)
        STARTS_NOTHING(EINVAL, ns, OPTIONS(.flags = 1u << flag), "true", true_argv);
    netns_close(ns);
}

static void spawn_rejects_short_or_unknown_options(void)
{
    struct {
        struct netns_spawn_options known;
        unsigned char later[4096];
    } options = {.known = *OPTIONS(0)};
    struct netns *ns = blue();
    pid_t pid;

    for (uint32_t size = 0; size < sizeof options.known; size++) {
        options.known.size = size;
        STARTS_NOTHING(EINVAL, ns, &options.known, "true", true_argv);
    }
    options.known.size = 4096;
    OK(netns_spawn(ns, &options.known, "true", true_argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    options.known.size = 4097;
    STARTS_NOTHING(E2BIG, ns, &options.known, "true", true_argv);
    options.later[7] = 1;
    options.known.size = sizeof options.known + 8;
    STARTS_NOTHING(E2BIG, ns, &options.known, "true", true_argv);
    MESSAGE_HAS("does not know");
    options.known.size = sizeof options.known + 7;
    OK(netns_spawn(ns, &options.known, "true", true_argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

static void spawn_returns_errno_of_execve(void)
{
    static char big[1 << 20];
    char *big_argv[] = {"true", big, NULL};
    struct netns *ns = blue();

    memset(big, 'x', sizeof big - 1);
    STARTS_NOTHING(under_valgrind() ? ECANCELED : E2BIG, ns, NULL, "true", big_argv);
    if (!under_valgrind())
        MESSAGE_HAS("spawn \"true\" in \"blue\": exec: Argument list too long");
    STARTS_NOTHING(EACCES, ns, NULL, "/", true_argv);
    STARTS_NOTHING(EACCES, ns, NULL, "/proc/self/status", true_argv);
    STARTS_NOTHING(ENOTDIR, ns, NULL, "/proc/self/status/x", true_argv);
    big[300] = '\0';
    STARTS_NOTHING(ENAMETOOLONG, ns, NULL, big, true_argv);
    MUST(symlink("loop", "/run/loop"));
    STARTS_NOTHING(ELOOP, ns, NULL, "/run/loop", true_argv);
    netns_close(ns);
}

static void spawn_without_descriptors_fails_with_emfile(void)
{
    struct netns *ns = blue();
    pid_t pid = 0;

    RUNS_OUT_OF_DESCRIPTORS(netns_spawn(ns, NULL, "true", true_argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    RUNS_OUT_OF_DESCRIPTORS(netns_spawn(ns, OPTIONS(STDIO(1, 2, 0)), "true", true_argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    netns_close(ns);
}

int main(void)
{
    RUN(program_runs_in_namespace_and_caller_stays);
    RUN(program_can_be_waited_for_and_raises_sigchld);
    RUN(child_is_reaped_automatically_if_sigchld_is_ignored);
    RUN(spawn_passes_arguments_and_environment);
    RUN(spawn_works_in_anonymous_namespace);

    RUN(spawn_searches_callers_path);
    RUN(empty_path_component_means_working_directory);
    RUN(script_without_shebang_is_run_by_sh);

    RUN(spawn_redirects_standard_descriptors);
    RUN(spawn_accepts_one_descriptor_for_all_stdio);
    RUN(spawn_permutes_standard_descriptors);
    RUN(spawn_works_if_caller_has_no_standard_descriptors);
    RUN(program_inherits_only_descriptors_without_cloexec);
    RUN(spawn_with_keep_flags_opens_no_descriptors);
    RUN(spawn_with_closed_descriptor_fails_with_ebadf);

    RUN(spawn_keeps_or_changes_working_directory);
    RUN(working_directory_below_sys_is_in_new_sysfs);

    RUN(spawn_runs_program_as_another_user);
    RUN(spawn_as_user_checks_permissions_of_that_user);
    RUN(spawn_rejects_invalid_user_and_group_ids);
    RUN(spawn_reports_cause_of_failed_user_change);
    RUN(spawn_beyond_rlimit_nproc_fails_with_eagain);
    RUN(setsid_flag_starts_new_session);

    RUN(spawn_keeps_signal_mask_and_resets_handlers);
    RUN(failed_spawn_raises_no_sigchld);

    RUN(spawn_returns_pidfd);

    RUN(spawn_rejects_invalid_arguments);
    RUN(spawn_rejects_short_or_unknown_options);
    RUN(spawn_returns_errno_of_execve);
    RUN(spawn_without_descriptors_fails_with_emfile);
    return finish();
}
