/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The system calls recorded by strace, and how each of them can fail. */
#ifndef NETNS_FAULTS_CALLS_H
#define NETNS_FAULTS_CALLS_H

#include "supervisor.h"

/* A system call as printed by strace. */
struct call {
    struct place place;
    char name[32];
    char text[200];
};

struct calls {
    struct call call[MOST_CALLS];
    int count, threads;
};

#define MOST_ERRORS 6

/*
 * How a call can fail, according to its manual page and the kernel. EPERM also represents seccomp filters
 * that do not know newer calls. The first matching line applies.
 */
static const struct {
    const char *name;
    /* Text that its arguments must contain; NULL: any arguments. */
    const char *with;
    int errors[MOST_ERRORS];
} failures[] = {
    {"openat", "O_CREAT", {EPERM, ENOMEM, EINTR, EMFILE, ENOSPC}},
    {"openat", "/task\"", {EPERM, ENOMEM, EINTR, EMFILE}},
    {"openat", "/fd\"", {EPERM, ENOMEM, EINTR, EMFILE}},
    {"openat", "/thread-self/mountinfo\"", {ENOMEM, EINTR, EMFILE}},
    {"openat", "/mountinfo\"", {EPERM, ENOMEM, EINTR, EMFILE}},
    {"openat", NULL, {ENOMEM, EINTR, EMFILE}},
    {"openat2", NULL, {EPERM, ENOMEM, EINTR, EMFILE}},
    {"close", NULL, {EINTR, ENOSPC}},
    {"mkdir", NULL, {EPERM, ENOMEM, EINTR, ENOSPC}},
    {"mkdirat", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"unlinkat", NULL, {EPERM, ENOMEM, EINTR, EBUSY}},
    {"faccessat", NULL, {EPERM, ENOMEM, EINTR}},
    {"faccessat2", NULL, {EPERM, ENOMEM, EINTR}},
    {"statx", NULL, {EPERM, ENOMEM, EINTR}},
    {"fstat", NULL, {ENOMEM, EINTR}},
    {"stat", NULL, {ENOMEM}},
    /* hidepid */
    {"newfstatat", "/ns/net", {EPERM, ENOMEM}},
    {"newfstatat", NULL, {ENOMEM, EINTR}},
    {"statfs", NULL, {ENOMEM, EINTR}},
    {"fstatfs", NULL, {ENOMEM, EINTR}},
    {"readlink", NULL, {EPERM, ENOMEM}},
    {"readlinkat", NULL, {EPERM, ENOMEM}},
    {"name_to_handle_at", NULL, {EPERM, ENOMEM, EINTR}},
    {"open_by_handle_at", NULL, {EPERM, ENOMEM, EMFILE}},
    {"getdents64", NULL, {ENOMEM, EINTR}},
    {"chdir", NULL, {EPERM, ENOMEM, EINTR}},
    {"fchdir", NULL, {EPERM, ENOMEM, EINTR}},
    {"chroot", NULL, {EPERM, ENOMEM, EINTR}},
    {"read", "<pipe:", {EINTR}},
    {"read", NULL, {ENOMEM, EINTR}},
    {"pread64", NULL, {ENOMEM, EINTR}},
    {"write", "<pipe:", {EINTR}},
    {"write", "/proc/sys/", {ENOMEM, EINTR}},
    {"write", NULL, {EINTR, ENOSPC}},
    {"writev", NULL, {EINTR, ENOSPC}},
    {"flock", NULL, {EINTR, ENOMEM}},
    {"fcntl", "F_DUPFD", {EMFILE, ENOMEM}},
    /* It cannot fail for an open descriptor. */
    {"fcntl", "F_GETFL", {0}},
    {"fcntl", "F_SETFL", {EPERM}},
    {"dup2", NULL, {EBUSY, EINTR, EMFILE}},
    {"dup3", NULL, {EBUSY, EINTR, EMFILE}},
    {"pipe2", NULL, {ENOMEM, EMFILE}},
    {"poll", NULL, {ENOMEM, EINTR}},
    {"ppoll", NULL, {ENOMEM, EINTR}},
    {"mount", "MS_BIND", {EPERM, ENOMEM, EINTR, ENOSPC}},
    {"mount", "MS_SLAVE", {EPERM, ENOMEM}},
    {"mount", "MS_PRIVATE", {EPERM, ENOMEM}},
    {"mount", "MS_SHARED", {EPERM, ENOMEM, ENOSPC}},
    /* EBUSY would mean that it is mounted there already. */
    {"mount", NULL, {EPERM, ENOMEM, EMFILE, ENOSPC}},
    {"umount2", "MNT_DETACH", {EPERM, ENOMEM}},
    {"umount2", NULL, {EPERM, ENOMEM, EBUSY}},
    {"open_tree", NULL, {EPERM, ENOMEM, EMFILE, ENOSPC}},
    {"move_mount", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"mount_setattr", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"setns", NULL, {EPERM, ENOMEM}},
    {"unshare", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"socket", NULL, {EPERM, ENOMEM, EMFILE}},
    {"getsockopt", NULL, {EPERM, ENOMEM}},
    {"setsockopt", NULL, {EPERM, ENOMEM}},
    {"sendto", NULL, {ENOMEM, EINTR}},
    {"recvfrom", NULL, {ENOMEM, EINTR}},
    {"ioctl", "SIOCGSKNS", {EPERM, ENOMEM, EMFILE}},
    {"ioctl", "IFFLAGS", {EPERM, ENOMEM}},
    {"ioctl", "NS_GET_USERNS", {ENOMEM, EMFILE}},
    /* It cannot fail for a namespace's descriptor. */
    {"ioctl", "NS_GET", {0}},
    {"ioctl", NULL, {EPERM, ENOMEM, EMFILE}},
    {"kcmp", NULL, {EPERM}},
    {"pidfd_getfd", NULL, {EPERM, ENOMEM, EMFILE}},
    {"pidfd_open", NULL, {EPERM, ENOMEM, EMFILE}},
    {"pidfd_send_signal", NULL, {EPERM, ENOMEM}},
    {"inotify_init1", NULL, {ENOMEM, EMFILE}},
    {"inotify_add_watch", NULL, {ENOMEM, EINTR, ENOSPC}},
    {"inotify_rm_watch", NULL, {EPERM}},
    {"timerfd_create", NULL, {ENOMEM, EMFILE}},
    /* They need no resources. */
    {"timerfd_settime", NULL, {0}},
    {"timerfd_gettime", NULL, {0}},
    {"epoll_wait", NULL, {EINTR}},
    {"utimensat", NULL, {EPERM, ENOMEM, EINTR, ENOSPC}},
    {"epoll_create1", NULL, {ENOMEM, EMFILE}},
    {"epoll_ctl", NULL, {ENOMEM, ENOSPC}},
    {"clone", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"clone3", NULL, {EPERM, ENOMEM, ENOSPC}},
    {"listmount", NULL, {EPERM, ENOMEM}},
    {"listns", NULL, {EPERM, ENOMEM}},
    {"statmount", NULL, {EPERM, ENOMEM}},
    {"setsid", NULL, {EPERM}},
    {"setgroups", NULL, {EPERM, ENOMEM}},
    {"setresgid", NULL, {EPERM, ENOMEM}},
    {"setresuid", NULL, {EPERM, ENOMEM}},
    {"sigaltstack", NULL, {EPERM, ENOMEM}},
    {"set_tid_address", NULL, {EPERM}},
    {"vfork", NULL, {EPERM, ENOMEM}},
    {"wait4", NULL, {EINTR}},
    {"execve", NULL, {EPERM, ENOMEM, EINTR, EMFILE}},
    {"prctl", NULL, {EPERM}},
    {"capget", NULL, {EPERM}},
    {"rt_sigaction", NULL, {EPERM}},
    {"rt_sigprocmask", NULL, {EPERM}},
};

/*
 * They cannot fail. The last two are made by the C library for a thread that it starts. Where the vDSO
 * cannot read the clock, as on an emulated machine, clock_gettime(2) is a system call.
 */
static const char *const unfailing[] = {
    "clock_gettime", "exit", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "umask",
    "rseq", "set_robust_list",
};

/* The errnos that the call can fail with, terminated by 0; NULL: the table has no entry. */
static inline const int *errors_of(const struct call *call)
{
    static const int none[1];

    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (strcmp(failures[i].name, call->name) == 0 &&
            (!failures[i].with || strstr(call->text, failures[i].with)))
            return failures[i].errors;
    for (size_t i = 0; i < sizeof unfailing / sizeof *unfailing; i++)
        if (strcmp(unfailing[i], call->name) == 0)
            return none;
    return NULL;
}

/* --- the output of strace --------------------------------------------------------------------- */

struct log {
    struct calls *calls;
    /* Threads by their IDs; 0: not one of the test's. */
    struct { pid_t pid; int thread; bool is_program; int calls; } seen[64];
    int seen_count;
    bool begun, ended;
};

static inline int seen_thread(struct log *log, pid_t pid)
{
    int i;

    for (i = 0; i < log->seen_count; i++)
        if (log->seen[i].pid == pid)
            return i;
    MUST(i < 64 ? 0 : -1);
    log->seen_count++;
    log->seen[i].pid = pid;
    /* A thread that first appears between the marks was started there. */
    log->seen[i].thread = log->begun ? log->calls->threads++ : -1;
    return i;
}

static inline bool name_is_passed_over(const char *name)
{
    for (size_t i = 0; i < PASSED_OVER; i++)
        if (strcmp(passed_over[i].name, name) == 0)
            return true;
    for (size_t i = 0; old_kernel && i < NEWER_CALLS; i++)
        if (strcmp(newer_calls[i].name, name) == 0)
            return true;
    return false;
}

/* Whether the line reports the start of a program; the following calls are the program's. */
static inline bool is_started(const char *text)
{
    size_t length = strlen(text);

    return strstr(text, "execve") && length > 4 && strcmp(text + length - 4, " = 0") == 0;
}

/* Older versions of strace have no names for calls of Linux 6.8 and later. */
static inline void name_newer_call(char *name)
{
    static const struct { const char *number, *name; } newer[] = {
        {"syscall_0x1c9", "statmount"}, {"syscall_0x1ca", "listmount"}, {"syscall_0x1d6", "listns"}};

    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (strcmp(name, newer[i].number) == 0)
            strcpy(name, newer[i].name);
}

/* Parses one line: the thread, and the call or how the thread ended. */
static inline void read_line(struct log *log, char *line, bool becomes_program)
{
    char *text = line;
    pid_t pid = strtol(line, &text, 10);
    struct call *call = &log->calls->call[log->calls->count];
    size_t length;
    int i;

    text += strspn(text, " ");
    text[strcspn(text, "\n")] = '\0';
    i = seen_thread(log, pid);
    if (strstr(text, "prctl(0x6e65746e")) {
        log->ended = log->begun;
        if (!log->begun)
            log->seen[i].thread = log->calls->threads++;
        log->begun = true;
        return;
    }
    length = strcspn(text, "(");
    if (!log->begun || log->ended || log->seen[i].thread < 0 || log->seen[i].is_program)
        return;
    if (is_started(text))
        log->seen[i].is_program = true;
    /* An execve(2) by a thread other than the first replaces all threads. */
    if (log->seen[i].is_program && becomes_program)
        log->ended = true;
    if (strchr("<+-", *text) || length >= sizeof call->name || text[length] != '(')
        return;
    memcpy(call->name, text, length);
    call->name[length] = '\0';
    name_newer_call(call->name);
    if (name_is_passed_over(call->name))
        return;
    call->place = (struct place){log->seen[i].thread, log->seen[i].calls++};
    snprintf(call->text, sizeof call->text, "%s", text);
    MUST(++log->calls->count < MOST_CALLS ? 0 : -1);
}

/* Reads the calls that the library made between the marks. Returns false if a mark is missing. */
static inline bool read_log(const char *path, bool becomes_program, struct calls *calls)
{
    struct log log = {.calls = calls};
    FILE *file = fopen(path, "re");
    char line[4096];

    memset(calls, 0, sizeof *calls);
    if (!file)
        return false;
    while (fgets(line, sizeof line, file))
        read_line(&log, line, becomes_program);
    fclose(file);
    return log.begun && log.ended;
}

#endif
