/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Observes the system calls of another process before the kernel executes them, and makes one of them fail
 * or kills the process instead. It uses a seccomp filter with SECCOMP_RET_USER_NOTIF, which can let a call
 * continue since Linux 5.5. strace could inject the same faults, but it identifies a call only by its
 * thread and number, so that a number can refer to calls of two threads; and it would have to be started
 * ten thousand times.
 */
#ifndef NETNS_FAULTS_SUPERVISOR_H
#define NETNS_FAULTS_SUPERVISOR_H

#include "../fault.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>

/* prctl(2) with this value marks where the library's call begins (1) and ends (2). */
#define MARK 0x6e65746eL

static inline void mark(long which)
{
    syscall(SYS_prctl, MARK, which, 0, 0, 0);
}

#define MOST_CALLS 1024
#define MOST_THREADS 16

/* Identifies a system call by its thread (in the order of their first calls) and its index among that
   thread's calls. */
struct place {
    int thread, index;
};

enum what { LET, FAIL, FAIL_FROM_HERE, KILL, KILL_PARENT, CHANGE_CREDENTIALS };

/* The call that is changed, and how. */
struct target {
    struct place place;
    enum what what;
    int error;
};

struct seen {
    struct place place;
    int number;
    /* Made by a child that has not executed its program yet. */
    bool by_child;
};

/* The result of one library call, in memory shared by all processes involved. */
struct outcome {
    struct seen calls[MOST_CALLS];
    int count;
    /* hit: the target was reached. strayed: a different call was found in its place. */
    bool hit, strayed;
    /* Descriptors left open by a close(2) that was made to fail; not a leak of the library. */
    int left_open;
    bool closed_twice;
    /* The thread that changes the credentials, whether it should do so, and whether it has. */
    pid_t changer;
    atomic_bool change, changed;
    /* Set when the call has returned. */
    bool returned;
    long long rc;
    int error;
    char message[512];
    char problems[4096];
};

static struct outcome *outcome;

__attribute__((format(printf, 1, 2))) static inline void problem(const char *format, ...)
{
    size_t used = strlen(outcome->problems);
    va_list args;

    va_start(args, format);
    used += vsnprintf(outcome->problems + used, sizeof outcome->problems - used, format, args);
    va_end(args);
    if (used + 2 < sizeof outcome->problems)
        strcpy(outcome->problems + used, "\n");
}

#define WANT(condition) ((condition) ? true : (problem("line %d: %s", __LINE__, #condition), false))

/*
 * Calls that concern memory and waiting are ignored: how often threads wait for each other varies between
 * runs, and 08-allocations.c makes every allocation fail.
 */
static const struct { const char *name; int number; } passed_over[] = {
    {"brk", SYS_brk},
    {"mmap", SYS_mmap},
    {"munmap", SYS_munmap},
    {"mremap", SYS_mremap},
    {"mprotect", SYS_mprotect},
    {"madvise", SYS_madvise},
    {"futex", SYS_futex},
    {"getrandom", SYS_getrandom},
    {"restart_syscall", SYS_restart_syscall},
    /* How often the parent checks whether a child has executed its program, where clone(2) does not wait. */
    {"waitid", SYS_waitid},
    {"clock_nanosleep", SYS_clock_nanosleep},
};

#define PASSED_OVER (sizeof passed_over / sizeof *passed_over)

static inline bool is_passed_over(int number)
{
    for (size_t i = 0; i < PASSED_OVER; i++)
        if (passed_over[i].number == number)
            return true;
    return false;
}

/* Calls that a kernel before Linux 5.2, or a filter, does not know. */
static const struct { const char *name; int number; } newer_calls[] = {
    {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},
    {"mount_setattr", SYS_mount_setattr},
    {"statx", SYS_statx},
    {"name_to_handle_at", SYS_name_to_handle_at},
    {"clone3", SYS_clone3},
    {"faccessat2", SYS_faccessat2},
    {"listmount", SYS_LISTMOUNT},
    {"statmount", SYS_STATMOUNT},
};

#define NEWER_CALLS (sizeof newer_calls / sizeof *newer_calls)

/* Whether all of these fail for every process in the world. */
static bool old_kernel;

/* Makes them fail for this process and its children. The supervisor does not see them. */
static inline void have_an_old_kernel(void)
{
    struct fault faults[NEWER_CALLS] = {0};

    for (size_t i = 0; i < NEWER_CALLS; i++) {
        faults[i].call = newer_calls[i].number;
        faults[i].error = ENOSYS;
    }
    install_faults(faults, NEWER_CALLS);
}

/* --- the supervised process ------------------------------------------------------------------- */

/* Makes every system call of this process visible to the supervisor; `line` transfers the listener's
   descriptor. */
static inline void be_supervised(int line)
{
    /* Except the call that sends the descriptor. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec byte = {"", 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control.room};
    int listener;

    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    listener = MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof listener),
                                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &listener, sizeof listener);
    MUST(sendmsg(line, &message, 0));
    close(listener);
    /* Keeps the number of open descriptors the same as under strace, which has one open there. */
    MUST(dup3(2, line, O_CLOEXEC));
}

/* --- the supervisor --------------------------------------------------------------------------- */

struct supervisor {
    int listener;
    pid_t subject;
    const struct target *target;
    /* What was recorded in the previous run, to recognize a call; NULL: this is the first run. */
    const struct outcome *known;
    bool between_marks;
    pid_t threads[MOST_THREADS];
    int calls[MOST_THREADS];
    int thread_count;
};

static inline int receive_listener(int line)
{
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {0};
    char byte;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control.room};
    int listener = -1;

    if (recvmsg(line, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen > 0)
        memcpy(&listener, CMSG_DATA(&control.header), sizeof listener);
    return listener;
}

static inline int thread_number(struct supervisor *by, pid_t thread)
{
    int i;

    for (i = 0; i < by->thread_count; i++)
        if (by->threads[i] == thread)
            return i;
    if (i == MOST_THREADS)
        return MOST_THREADS - 1;
    by->threads[by->thread_count++] = thread;
    return i;
}

static inline bool is_thread_of(pid_t process, pid_t thread)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d", process, thread);
    return exists(path);
}

/* The number of the system call at this place in the previous run; -1: there was none. */
static inline int known_number(const struct supervisor *by, struct place place)
{
    for (int i = 0; i < by->known->count; i++)
        if (by->known->calls[i].place.thread == place.thread &&
            by->known->calls[i].place.index == place.index)
            return by->known->calls[i].number;
    return -1;
}

static inline bool is_meant(const struct supervisor *by, struct place place, int number)
{
    const struct target *target = by->target;

    if (!target || place.thread != target->place.thread)
        return false;
    if (target->what == FAIL_FROM_HERE)
        return place.index >= target->place.index && number == known_number(by, target->place);
    return place.index == target->place.index;
}

/* Records a close(2) that was made to fail, and a second one of the same descriptor, which may belong to
   another file by then. */
static inline void note_close(const struct seccomp_notif *asked, bool fails, bool by_child)
{
    int fd = (int)asked->data.args[0];

    if (asked->data.nr != SYS_close || by_child)
        return;
    if (fails)
        outcome->left_open = fd;
    else if (fd == outcome->left_open)
        outcome->closed_twice = true;
}

/* SIGSETXID of glibc and of musl, as the bits of SigPnd. */
#define SETXID_SIGNALS (UINT64_C(1) << 32 | UINT64_C(1) << 33)

static inline bool is_signalled(pid_t process, pid_t thread)
{
    char path[64], line[256];
    unsigned long long pending = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%d/status", process, thread);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "SigPnd: %llx", &pending) == 1)
            break;
    if (file)
        fclose(file);
    return pending & SETXID_SIGNALS;
}

/* The other thread calls setuid(2) now. Its signal is pending for the calling thread or has interrupted
   it. If the calling thread holds a lock of the C library, in pthread_create(3), the signal is sent once
   the lock is released. */
static inline void let_credentials_change(struct supervisor *by, const struct seccomp_notif *asked)
{
    outcome->change = true;
    for (int i = 0; i < 200 && !outcome->changed; i++) {
        if (is_signalled(by->subject, asked->pid) ||
            ioctl(by->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked->id) < 0)
            return;
        sleep_ms(1);
    }
}

/* Whether the call gets an answer. Otherwise the process that made it has been killed. */
static inline bool judge(struct supervisor *by, const struct seccomp_notif *asked, int *error)
{
    int number = asked->data.nr;
    struct place place = {thread_number(by, asked->pid), 0};
    bool by_child = !is_thread_of(by->subject, asked->pid);
    enum what what;

    place.index = by->calls[place.thread]++;
    if (outcome->count < MOST_CALLS)
        outcome->calls[outcome->count++] = (struct seen){place, number, by_child};
    if (!is_meant(by, place, number)) {
        note_close(asked, false, by_child);
        return true;
    }
    if (by->target->what != FAIL_FROM_HERE && number != known_number(by, place)) {
        outcome->strayed = true;
        return true;
    }
    outcome->hit = true;
    what = by->target->what;
    if (what == CHANGE_CREDENTIALS) {
        let_credentials_change(by, asked);
        return true;
    }
    if (what == KILL || what == KILL_PARENT) {
        bool other = by_child && what == KILL_PARENT;

        kill(by_child && what == KILL ? (pid_t)asked->pid : by->subject, SIGKILL);
        return other;
    }
    *error = by->target->error;
    note_close(asked, true, by_child);
    return true;
}

static inline void answer_one(struct supervisor *by)
{
    struct seccomp_notif asked = {0};
    struct seccomp_notif_resp answer = {0};
    int error = 0;
    bool is_mark;

    /* The process may have been killed meanwhile. */
    if (ioctl(by->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return;
    is_mark = asked.data.nr == SYS_prctl && asked.data.args[0] == MARK;
    if (is_mark)
        by->between_marks = asked.data.args[1] == 1;
    else if (by->between_marks && !is_passed_over(asked.data.nr) && !judge(by, &asked, &error))
        return;
    answer.id = asked.id;
    answer.error = -error;
    answer.flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(by->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* The longest time without a system call, in milliseconds. */
#define LONGEST_SILENCE 60000

/*
 * Answers until no process is left. Returns the subject's wait status as of waitpid(2). Also waits for
 * children that it left behind.
 */
static inline int supervise(int listener, pid_t subject, const struct target *target,
                            const struct outcome *known)
{
    struct supervisor by = {.listener = listener, .subject = subject, .target = target,
                            .known = known};
    struct pollfd polled[] = {{.fd = listener, .events = POLLIN},
                              {.fd = MUST(syscall(SYS_pidfd_open, subject, 0)), .events = POLLIN}};
    int status = 0;

    thread_number(&by, subject);
    for (;;) {
        pid_t ended;
        int left = -1;

        if (poll(polled, 2, LONGEST_SILENCE) == 0) {
            problem("it hangs");
            kill(-1, SIGKILL);
        }
        if (polled[0].revents & POLLIN)
            answer_one(&by);
        while ((ended = waitpid(-1, &left, WNOHANG | __WALL)) > 0) {
            if (ended != subject)
                continue;
            status = left;
            polled[1].fd = -1;
        }
        if (polled[1].fd == -1 && !(polled[0].revents & POLLIN) && polled[0].revents)
            return status;
    }
}

#endif
