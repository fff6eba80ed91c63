/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One process of the run: its threads call the library at random. */
#include "stress.h"

#include <poll.h>

#define MOST_STEPS 60

/* The process's own namespace, and two more that all its threads use. */
static struct netns *home, *common[2];

struct thread {
    pthread_t id;
    struct actor *actor;
    atomic_bool *doomed;
    uint64_t random;
};

static const struct netns *any_common(struct thread *self)
{
    return common[below(&self->random, 2)];
}

/* --- creating and removing names ------------------------------------------------------------- */

/* A name that was just created, or found, opens as the same namespace unless an actor removes it. */
static void check_made(const struct view *view, const struct netns *ns)
{
    if (!netns_name(ns) || strcmp(netns_name(ns), name_of(view->name)) != 0)
        wrong("a handle that was made as %s has another name", name_of(view->name));
    check_handle(ns);
    open_seen(view, netns_inode(ns));
}

static void remove_one(struct thread *self, int name)
{
    bool may_be_missing = below(&self->random, 2);

    begin(self->actor, REMOVES, name);
    if (may_be_missing)
        ended(REMOVE_OR_NOT, netns_remove(name_of(name), NETNS_REMOVE_MISSING_OK));
    else
        ended(REMOVE, netns_remove(name_of(name), 0));
    end(self->actor, REMOVES);
}

/* A removed name is gone unless an actor creates it again; open handles remain valid. */
static void remove_opened(struct thread *self, int name, const struct netns *ns)
{
    struct view view = look_at(name);
    struct netns *again = NULL;

    remove_one(self, name);
    if (ended(OPEN, netns_open(name_of(name), 0, &again)) == 0 && !may_have(&view, MAKES))
        wrong("%s is still there after it was removed", name_of(name));
    netns_close(again);
    check_it_lives(ns);
    shared->outlived++;
}

static void make(struct thread *self)
{
    int name = below(&self->random, NAMES);
    uint32_t flags = below(&self->random, 4) ? 0 : NETNS_CREATE_LO_UP;
    bool wants_new = below(&self->random, 2);
    struct netns *ns = NULL;
    struct view view = look_at(name);
    int rc;

    begin(self->actor, MAKES, name);
    if (wants_new)
        rc = ended(CREATE, netns_create(name_of(name), flags, &ns));
    else
        rc = ended(CREATE_OR_OPEN,
                   netns_create(name_of(name), flags | NETNS_CREATE_EXIST_OK, &ns));
    end(self->actor, MAKES);
    if (rc < 0)
        return;
    /* A handle that was only opened does not need the mount point. */
    if (wants_new)
        shared->is_prepared = true;
    check_made(&view, ns);
    if (below(&self->random, 2))
        remove_opened(self, name, ns);
    netns_close(ns);
}

static void make_anonymous(struct thread *self)
{
    struct netns *ns = NULL;

    (void)self;
    if (ended(CREATE_ANONYMOUS, netns_create(NULL, 0, &ns)) < 0)
        return;
    check_handle(ns);
    check_it_lives(ns);
    netns_close(ns);
}

static void name_another(struct thread *self)
{
    int name = below(&self->random, NAMES);
    const struct netns *ns = any_common(self);
    struct view view = look_at(name);
    int rc;

    begin(self->actor, MAKES, name);
    rc = ended(ATTACH, netns_attach(ns, name_of(name), 0));
    end(self->actor, MAKES);
    if (rc == 0)
        open_seen(&view, netns_inode(ns));
}

static void open_and_remove(struct thread *self)
{
    int name = below(&self->random, NAMES);
    struct netns *ns = NULL;

    if (ended(OPEN, netns_open(name_of(name), 0, &ns)) < 0)
        return;
    check_handle(ns);
    if (below(&self->random, 2))
        remove_opened(self, name, ns);
    else
        check_it_lives(ns);
    netns_close(ns);
}

static void remove_any(struct thread *self)
{
    remove_one(self, below(&self->random, NAMES));
}

/* Creates and removes a name until a timer kills the whole process at an arbitrary point. */
static void die_at_work(struct thread *self)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec soon = {.it_value.tv_nsec = 1 + below(&self->random, 2000000)};
    int name = below(&self->random, NAMES);
    timer_t timer;

    *self->doomed = true;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
        timer_settime(timer, 0, &soon, NULL) < 0) {
        wrong("no timer: %s", strerror(errno));
        return;
    }
    for (;;) {
        begin(self->actor, MAKES, name);
        if (below(&self->random, 4))
            ended(CREATE, netns_create(name_of(name), 0, NULL));
        else
            ended(ATTACH, netns_attach(any_common(self), name_of(name), 0));
        end(self->actor, MAKES);
        remove_one(self, name);
    }
}

/* --- observed names -------------------------------------------------------------------------- */

/* A name that can be opened is listed, unless an actor removes it. */
static void find_in_list(const struct view *view, const struct netns_name_snapshot *list)
{
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (number_of(netns_list_name(list, i)) == view->name)
            return;
    if (!may_have(view, REMOVES))
        wrong("%s is there and not listed, and nobody removes it", name_of(view->name));
}

static void check_list(const struct netns_name_snapshot *list, const struct view *views)
{
    for (size_t i = 0; i < netns_list_len(list); i++) {
        const char *name = netns_list_name(list, i);
        int number = number_of(name);

        shared->listed++;
        if (i > 0 && strcmp(netns_list_name(list, i - 1), name) >= 0)
            wrong("a list is not sorted");
        if (number < 0)
            wrong("\"%s\" is listed, which nobody makes", name);
        else
            open_seen(&views[number], netns_list_inode(list, i));
    }
}

static void read_list(struct thread *self)
{
    int name = below(&self->random, NAMES);
    struct netns_name_snapshot *list = NULL;
    struct view views[NAMES];
    struct netns *ns = NULL;

    look_at_all(views);
    ended(OPEN, netns_open(name_of(name), 0, &ns));
    if (ended(LIST, netns_list(0, &list)) == 0) {
        check_list(list, views);
        if (ns)
            find_in_list(&views[name], list);
    }
    netns_list_free(list);
    netns_close(ns);
}

static void read_names(struct thread *self)
{
    const struct netns *ns = any_common(self);
    struct netns_name_snapshot *list = NULL;
    struct view views[NAMES];

    look_at_all(views);
    if (ended(NAMES_OF, netns_names(ns, 0, &list)) < 0)
        return;
    check_list(list, views);
    for (size_t i = 0; i < netns_list_len(list); i++)
        if (netns_list_inode(list, i) != netns_inode(ns))
            wrong("%s is listed as another's name", netns_list_name(list, i));
    netns_list_free(list);
}

static void read_stale(struct thread *self)
{
    struct netns_name_snapshot *list = NULL;

    (void)self;
    if (ended(LIST_STALE, netns_list(NETNS_LIST_STALE, &list)) < 0)
        return;
    for (size_t i = 0; i < netns_list_len(list); i++) {
        if (number_of(netns_list_name(list, i)) < 0)
            wrong("\"%s\" is listed, which nobody makes", netns_list_name(list, i));
        shared->stale += netns_list_inode(list, i) == 0;
    }
    netns_list_free(list);
}

static void follow_events(struct thread *self)
{
    double until = seconds() + below(&self->random, 100) / 1e3;
    struct watch watch;
    struct pollfd wait;

    if (!watch_begin(&watch))
        return;
    wait = (struct pollfd){netns_monitor_fd(watch.monitor), POLLIN, 0};
    do
        watch_go_on(&watch);
    while (seconds() < until && poll(&wait, 1, 10) >= 0);
    netns_monitor_close(watch.monitor);
}

/* --- the calling thread ---------------------------------------------------------------------- */

static void go_one_way(struct thread *self)
{
    const struct netns *ns = any_common(self);

    if (ended(SETNS, netns_setns(ns)) == 0 && here() != netns_inode(ns))
        wrong("setns led somewhere else");
    if (ended(IS_CURRENT, netns_is_current(ns)) != 1)
        wrong("the thread is not where it went");
    ended(SETNS, netns_setns(home));
}

static void go_and_leave(struct thread *self)
{
    const struct netns *ns = any_common(self);
    struct netns *current = NULL;
    int token = ended(ENTER, netns_enter(ns)), inner;

    if (token < 0)
        return;
    if (here() != netns_inode(ns))
        wrong("enter led somewhere else");
    inner = ended(ENTER, netns_enter(any_common(self)));
    if (inner >= 0)
        ended(LEAVE, netns_leave(inner));
    if (ended(OPEN_CURRENT, netns_open_current(&current)) == 0 && !netns_equal(current, ns))
        wrong("leave led somewhere else");
    netns_close(current);
    ended(LEAVE, netns_leave(token));
}

static void use_common(struct thread *self)
{
    const struct netns *ns = any_common(self);
    struct netns *same = NULL;
    int fd;

    check_it_lives(ns);
    fd = ended(SOCKET, netns_socket(ns, AF_UNIX, SOCK_STREAM, 0));
    if (fd < 0)
        return;
    if (ended(OPEN_FD, netns_open_fd(fd, &same)) == 0 && !netns_equal(same, ns))
        wrong("a socket's namespace is another one");
    netns_close(same);
    close(fd);
}

/* --- questions ------------------------------------------------------------------------------- */

static void ask_for_ids(struct thread *self)
{
    struct netns_link_snapshot *links = NULL;
    int given, told;

    given = ended(NSID_SET, netns_nsid_set(common[0], common[1], NETNS_NSID_AUTO));
    told = ended(NSID_GET, netns_nsid_get(common[0], common[1]));
    if (told < 0 || (given >= 0 && told != given))
        wrong("an id was given (%d) and is not told (%d)", given, told);
    if (ended(NSID_GET, netns_nsid_get(common[1], home)) >= 0)
        wrong("an id is told that nobody gave");
    if (ended(LINK_LIST, netns_link_list(any_common(self), 0, &links)) == 0 &&
        netns_link_list_len(links) < 1)
        wrong("a namespace has no lo");
    netns_link_list_free(links);
}

static void ask_for_processes(struct thread *self)
{
    pid_t pid = shared->pids[below(&self->random, PROCESSES + OUTSIDERS)];
    struct netns *ns = NULL;
    ssize_t count;

    if (pid > 0 && ended(OPEN_PID, netns_open_pid(pid, &ns)) == 0)
        check_handle(ns);
    netns_close(ns);
    if (below(&self->random, 4))
        return;
    count = ended(PIDS, netns_pids(home, NETNS_PIDS_THREADS, NULL, 0));
    if (count >= 0 && count < 1)
        wrong("nobody is at home");
}

static void start_a_program(struct thread *self)
{
    struct netns_spawn_options options = {.size = sizeof options};
    char *arguments[] = {"true", NULL};
    pid_t pid = -1;
    int status;

    if (!shared->can_mount_sys)
        options.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC;
    if (ended(SPAWN, netns_spawn(any_common(self), &options, "true", arguments, NULL, &pid)) < 0)
        return;
    status = wait_for(pid);
    if (status != 0)
        wrong("a program ended with status %d", status);
}

/* --- a life ---------------------------------------------------------------------------------- */

static const struct {
    void (*step)(struct thread *self);
    unsigned share;
} steps[] = {
    {make, 30},         {open_and_remove, 15}, {remove_any, 5},     {name_another, 8},
    {make_anonymous, 3}, {read_list, 10},      {read_names, 6},     {read_stale, 3},
    {follow_events, 3}, {go_one_way, 6},       {go_and_leave, 6},   {use_common, 6},
    {ask_for_ids, 4},   {ask_for_processes, 2}, {start_a_program, 1},
};

static void one_step(struct thread *self)
{
    unsigned all = 0, pick;
    size_t i = 0;

    for (size_t j = 0; j < sizeof steps / sizeof *steps; j++)
        all += steps[j].share;
    for (pick = below(&self->random, all); pick >= steps[i].share; i++)
        pick -= steps[i].share;
    steps[i].step(self);
    if (here() != netns_inode(home))
        wrong("step %zu left the thread in another namespace", i);
}

static void *live_a_thread(void *arg)
{
    struct thread *self = arg;
    unsigned count = below(&self->random, MOST_STEPS);

    for (unsigned i = 0; i < count && !shared->failures; i++)
        one_step(self);
    if (below(&self->random, 8) == 0)
        die_at_work(self);
    return NULL;
}

static void start_threads(struct thread *threads, unsigned number, uint64_t *random)
{
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){
            .actor = &shared->actors[number * THREADS + i],
            .doomed = &shared->doomed[number],
            .random = next_random(random),
        };
        MUST(-pthread_create(&threads[i].id, NULL, live_a_thread, &threads[i]));
    }
}

int live(unsigned number, uint64_t seed)
{
    int before = open_descriptors();
    struct thread threads[THREADS];
    uint64_t random = seed;

    /* Some processes have their own mount namespace, to which the mounts of others propagate. */
    if (number % 4 == 3 && shared->is_prepared)
        MUST(unshare(CLONE_NEWNS));
    if (ended(OPEN_CURRENT, netns_open_current(&home)) < 0)
        return 1;
    for (int i = 0; i < 2; i++)
        if (ended(CREATE_ANONYMOUS, netns_create(NULL, 0, &common[i])) < 0)
            return 1;
    start_threads(threads, number, &random);
    for (int i = 0; i < THREADS; i++)
        MUST(-pthread_join(threads[i].id, NULL));
    for (int i = 0; i < 2; i++)
        netns_close(common[i]);
    netns_close(home);
    if (open_descriptors() != before)
        wrong("descriptors: %d before, %d after", before, open_descriptors());
    if (threads_left() != 1)
        wrong("threads: %d left", threads_left());
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        wrong("a child is left");
    shared->lives++;
    return 0;
}
