/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What another thread can do to a thread that is in another namespace during a call. Most importantly,
 * setuid(2) and similar functions change the credentials of every thread, using a signal of the C library.
 */
#include "privilege.h"

#include <aio.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct netns *ns;
static uint64_t home;

/* Calls that temporarily switch namespaces. */
static void visit(void)
{
    struct netns *made = NULL;

    close(OK(netns_socket(ns, AF_INET, SOCK_DGRAM, 0)));
    EQUAL(here(), home);
    OK(netns_create(NULL, 0, &made));
    EQUAL(here(), home);
    netns_close(made);
}

/* --- credentials that another thread gives up ------------------------------------------------- */

static int by_setuid(void)
{
    return setuid(NOBODY);
}

static int by_setresuid(void)
{
    return setresuid(NOBODY, NOBODY, NOBODY);
}

static int by_setreuid(void)
{
    return setreuid(NOBODY, NOBODY);
}

static int by_seteuid(void)
{
    return seteuid(NOBODY);
}

/* As a daemon does it. */
static int by_all_of_them(void)
{
    return setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 ? -1 : setuid(NOBODY);
}

static int (*const drops[])(void) = {by_setuid, by_setresuid, by_setreuid, by_seteuid, by_all_of_them};

static atomic_int opened;

/* Ends when the capability is gone; the errno is the result. */
static void *open_sockets(void *arg)
{
    int fd;

    while ((fd = netns_socket(ns, AF_INET, SOCK_STREAM, 0)) >= 0) {
        close(fd);
        opened++;
    }
    EQUAL(here(), home);
    *(int *)arg = -fd;
    return arg;
}

static void drop_while_sockets_are_opened(void *arg)
{
    int error = 0, delay = rand() % 1000;
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, open_sockets, &error));
    while (opened == 0)
        sched_yield();
    usleep((useconds_t)delay);
    EQUAL(drops[*(size_t *)arg](), 0);
    MUST(-pthread_join(thread, NULL));
    /* Not ENOTRECOVERABLE. */
    EQUAL(error, EPERM);
}

static void calls_switch_back_when_other_thread_drops_privileges(void)
{
    int rounds = is_slow() ? 2 : 40;

    if (setgroups(0, NULL) < 0)
        skip("needs real root");
    srand(7);
    MUST(netns_create(NULL, 0, &ns));
    home = here();
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        for (int round = 0; round < rounds && !test_failures; round++) {
            /* Each child uses a different delay. */
            rand();
            IN_CHILD(drop_while_sockets_are_opened, &i);
        }
    netns_close(ns);
}

/* --- everything else that reaches other threads -------------------------------------------------- */

static pthread_t visitor;
static atomic_long handled_away;

static void on_signal(int signal)
{
    int saved = errno;

    (void)signal;
    handled_away += here() != home;
    errno = saved;
}

static void change_group(void)
{
    EQUAL(setresgid(getgid(), getgid(), getgid()), 0);
}

static void change_user(void)
{
    EQUAL(setresuid(getuid(), getuid(), getuid()), 0);
}

static void change_groups(void)
{
    gid_t groups[64];
    int count = getgroups(64, groups);

    /* EPERM if a user namespace denies it. */
    CHECK(setgroups(count < 0 ? 0 : (size_t)count, groups) == 0 || errno == EPERM);
}

static void send_a_signal(void)
{
    EQUAL(pthread_kill(visitor, SIGUSR1), 0);
    EQUAL(kill(getpid(), SIGUSR1), 0);
}

static void name_the_thread(void)
{
    EQUAL(pthread_setname_np(visitor, "visitor"), 0);
}

static void flush_pipelines(void)
{
    /* MEMBARRIER_CMD_GLOBAL; it fails on a kernel without it. */
    syscall(SYS_membarrier, 1, 0);
}

static void lock_memory(void)
{
    /* This may exceed the limit. */
    if (mlockall(MCL_CURRENT) == 0)
        munlockall();
}

static void load_a_library(void)
{
    void *library;

    /* In a static program this would load a second C library, which hangs with these threads. */
    if (!getauxval(AT_BASE))
        return;
    library = dlopen("libm.so.6", RTLD_NOW);
    if (library)
        dlclose(library);
}

static void *do_nothing(void *arg)
{
    return arg;
}

static void start_a_thread(void)
{
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, do_nothing, NULL));
    MUST(-pthread_join(thread, NULL));
}

static void *wait_to_be_cancelled(void *type)
{
    pthread_setcanceltype(*(int *)type, NULL);
    for (;;)
        sleep_ms(1000);
    return NULL;
}

static void cancel_a_thread(void)
{
    static int types[] = {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS};
    pthread_t thread;

    for (int i = 0; i < 2; i++) {
        MUST(-pthread_create(&thread, NULL, wait_to_be_cancelled, &types[i]));
        MUST(-pthread_cancel(thread));
        MUST(-pthread_join(thread, NULL));
    }
}

static atomic_long expired, expired_away;

static void on_expiry(union sigval value)
{
    (void)value;
    expired++;
    expired_away += here() != home;
}

static void let_a_timer_expire(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_expiry};
    struct itimerspec soon = {{0, 0}, {0, 1}};
    long before = expired;
    timer_t timer;

    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &soon, NULL));
    while (expired == before)
        sleep_ms(1);
    MUST(timer_delete(timer));
}

static void write_in_the_background(void)
{
    static int file;
    struct aiocb block = {.aio_buf = "x", .aio_nbytes = 1};
    const struct aiocb *blocks[] = {&block};

    if (!file)
        file = MUST(memfd_create("netns-test", MFD_CLOEXEC));
    block.aio_fildes = file;
    block.aio_sigevent.sigev_notify = SIGEV_THREAD;
    block.aio_sigevent.sigev_notify_function = on_expiry;
    MUST(aio_write(&block));
    while (aio_error(&block) == EINPROGRESS)
        aio_suspend(blocks, 1, NULL);
    EQUAL(aio_return(&block), 1);
}

static const struct {
    const char *name;
    void (*once)(void);
} pests[] = {
    {"setresgid", change_group},  {"setresuid", change_user},      {"setgroups", change_groups},
    {"kill", send_a_signal},      {"setname", name_the_thread},    {"membarrier", flush_pipelines},
    {"mlockall", lock_memory},    {"dlopen", load_a_library},      {"pthread_create", start_a_thread},
    {"cancel", cancel_a_thread},  {"timer", let_a_timer_expire},   {"aio", write_in_the_background},
};

#define PESTS (sizeof pests / sizeof *pests)

/*
 * glibc 2.36 itself hangs if a thread is cancelled asynchronously while another one changes the
 * credentials, so these two are not combined.
 */
static const struct mixture {
    bool credentials, cancellations;
} mixtures[] = {{true, false}, {false, true}};

static bool belongs_to(const struct mixture *mixture, size_t i)
{
    if (pests[i].once == cancel_a_thread)
        return mixture->cancellations;
    if (pests[i].once == change_group || pests[i].once == change_user || pests[i].once == change_groups)
        return mixture->credentials;
    /* libc keeps the threads of these two, which valgrind reports as leaks. */
    return !under_valgrind() || (pests[i].once != let_a_timer_expire &&
                                 pests[i].once != write_in_the_background);
}

static atomic_long pestered[PESTS];
static atomic_bool is_over;

static void *pester(void *arg)
{
    intptr_t i = (intptr_t)arg;

    while (!is_over) {
        pests[i].once();
        pestered[i]++;
        /* Without a pause some would starve the others: libc's lock on all threads is not fair. */
        sleep_ms(under_valgrind() ? 5 : 1);
    }
    return NULL;
}

/* Runs everything in a mixture at the same time, until each has run often enough. */
static void visit_among(void *arg)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    long enough = is_slow() ? 3 : 100;
    double last = seconds() + 120 * slowness();
    pthread_t threads[PESTS];
    bool is_enough = false;

    home = here();
    visitor = pthread_self();
    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(netns_create(NULL, 0, &ns));
    for (size_t i = 0; i < PESTS; i++)
        if (belongs_to(arg, i))
            MUST(-pthread_create(&threads[i], NULL, pester, (void *)(intptr_t)i));
    while (!is_enough && seconds() < last && !test_failures) {
        visit();
        is_enough = true;
        for (size_t i = 0; i < PESTS; i++)
            is_enough = is_enough && (!belongs_to(arg, i) || pestered[i] >= enough);
    }
    is_over = true;
    for (size_t i = 0; i < PESTS; i++) {
        if (!belongs_to(arg, i))
            continue;
        MUST(-pthread_join(threads[i], NULL));
        check_at(pestered[i] > 0, __LINE__, "%s: not once", pests[i].name);
    }
    EQUAL(handled_away, 0);
    EQUAL(expired_away, 0);
    netns_close(ns);
}

static void visit_among_all(void)
{
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++)
        IN_CHILD(visit_among, (void *)&mixtures[i]);
}

static void switching_calls_tolerate_actions_of_other_threads(void)
{
    visit_among_all();
}

/* A helper thread starts and ends while others wait for all existing threads. */
static void helper_thread_tolerates_actions_of_other_threads(void)
{
    enter_user_namespace_with_run_directory(0);
    visit_among_all();
}

/* --- the signal mask ------------------------------------------------------------------------------ */

/* The kernel's mask: libc hides the signals that it reserves. */
static uint64_t mask_of_kernel(void)
{
    uint64_t mask = 0;

    MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask));
    return mask;
}

static void set_mask_of_kernel(uint64_t mask)
{
    MUST(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask));
}

static int tell_the_mask(void *mask)
{
    *(uint64_t *)mask = mask_of_kernel();
    return 0;
}

/* What a program blocks when it starts. */
static uint64_t mask_of_program(void)
{
    static const char file[] = "/run/mask";
    /* A shell would first unblock everything. */
    char *const argv[] = {"cp", "/proc/self/status", "/run/mask", NULL};
    struct netns_spawn_options options = {
        .size = sizeof options,
        .flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC,
    };
    unsigned long long mask = 0;
    pid_t pid = -1;
    char line[256];
    FILE *stream;

    OK(netns_spawn(ns, &options, "cp", argv, NULL, &pid));
    EQUAL(wait_for(pid), 0);
    stream = fopen(file, "re");
    if (!CHECK(stream != NULL))
        return 0;
    while (fgets(line, sizeof line, stream))
        sscanf(line, "SigBlk: %llx", &mask);
    fclose(stream);
    return mask;
}

#define BIT(signal) (UINT64_C(1) << ((signal) - 1))

static void keep_the_mask(void)
{
    /* An empty mask, two of the program's signals, and glibc's two reserved signals, which only a system
       call can block. */
    static const uint64_t masks[] = {0, BIT(SIGUSR2) | BIT(64), BIT(SIGUSR1) | BIT(32) | BIT(33)};

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        uint64_t inside = 0;

        set_mask_of_kernel(masks[i]);
        visit();
        EQUAL(mask_of_kernel(), masks[i]);
        FAILS(EAFNOSUPPORT, netns_socket(ns, 9999, SOCK_STREAM, 0));
        EQUAL(mask_of_kernel(), masks[i]);
        if (netns_run(ns, tell_the_mask, &inside, NULL) == 0)
            EQUAL(inside, masks[i]);
        EQUAL(mask_of_kernel(), masks[i]);
        EQUAL(mask_of_program(), masks[i]);
        EQUAL(mask_of_kernel(), masks[i]);
    }
}

static void calls_and_programs_keep_signal_mask(void)
{
    MUST(netns_create(NULL, 0, &ns));
    home = here();
    keep_the_mask();
    netns_close(ns);
}

static void calls_with_helper_thread_keep_signal_mask(void)
{
    enter_user_namespace_with_run_directory(0);
    MUST(netns_create(NULL, 0, &ns));
    home = here();
    keep_the_mask();
    netns_close(ns);
}

int main(void)
{
    RUN(calls_switch_back_when_other_thread_drops_privileges);
    RUN(switching_calls_tolerate_actions_of_other_threads);
    RUN(helper_thread_tolerates_actions_of_other_threads);
    RUN(calls_and_programs_keep_signal_mask);
    RUN(calls_with_helper_thread_keep_signal_mask);
    return finish();
}
