/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* netns_sysctl_get and netns_sysctl_set: the sysctls of a namespace, used from another namespace. */
#include "fault.h"
#include "privilege.h"

#define FORWARD "net.ipv4.ip_forward"

static struct netns *blue, *red;

static void begin(void)
{
    MUST(netns_create("blue", 0, &blue));
    MUST(netns_create("red", 0, &red));
}

static void end(void)
{
    netns_close(blue);
    netns_close(red);
}

/* The value in a namespace, or the error message, in a buffer that the next call overwrites. */
static const char *value_of(const struct netns *ns, const char *name)
{
    static char value[1024];

    return netns_sysctl_get(ns, name, value, sizeof value) < 0 ? netns_errmsg() : value;
}

/* As a thread in the namespace sees it. */
struct look {
    const char *path;
    char text[128];
};

static int read_in_there(void *arg)
{
    struct look *look = arg;
    int fd = MUST(open(look->path, O_RDONLY | O_CLOEXEC));
    ssize_t length = MUST(read(fd, look->text, sizeof look->text - 1));

    look->text[length] = '\0';
    close(fd);
    return 0;
}

static const char *seen_in(const struct netns *ns, const char *path)
{
    static struct look look;

    look.path = path;
    OK(netns_run(ns, read_in_there, &look, NULL));
    return look.text;
}

/* --- values ------------------------------------------------------------------------------------- */

static void set_changes_only_the_given_namespace(void)
{
    begin();
    OK(netns_sysctl_set(blue, FORWARD, "1"));
    OK(netns_sysctl_set(red, FORWARD, "0"));
    SAME(value_of(blue, FORWARD), "1");
    SAME(value_of(red, FORWARD), "0");
    SAME(seen_in(blue, "/proc/sys/net/ipv4/ip_forward"), "1\n");
    SAME(seen_in(red, "/proc/sys/net/ipv4/ip_forward"), "0\n");
    end();
}

static void null_acts_on_calling_threads_namespace(void)
{
    begin();
    OK(netns_setns(blue));
    OK(netns_sysctl_set(NULL, FORWARD, "1"));
    SAME(value_of(NULL, FORWARD), "1");
    SAME(value_of(blue, FORWARD), "1");
    OK(netns_sysctl_set(red, FORWARD, "0"));
    SAME(value_of(NULL, FORWARD), "1");
    end();
}

static void get_returns_full_length_of_truncated_value(void)
{
    char value[64];

    begin();
    OK(netns_sysctl_set(blue, "net.ipv4.tcp_rmem", "4096 8192 16384"));
    memset(value, 'x', sizeof value);
    EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.tcp_rmem", value, sizeof value)), 15);
    SAME(value, "4096\t8192\t16384");
    EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.tcp_rmem", NULL, 0)), 15);
    memset(value, 'x', sizeof value);
    EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.tcp_rmem", value, 0)), 15);
    EQUAL(value[0], 'x');
    for (size_t size = 1; size < 20; size++) {
        memset(value, 'x', sizeof value);
        EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.tcp_rmem", value, size)), 15);
        EQUAL(strlen(value), size <= 15 ? size - 1 : 15);
        CHECK(strncmp(value, "4096\t8192\t16384", strlen(value)) == 0);
        EQUAL(value[size], 'x');
    }
    end();
}

static void get_and_set_accept_dots_and_slashes_in_names(void)
{
    static const char *const forms[] = {
        "net.ipv4.conf.v0/10.forwarding", "net/ipv4/conf/v0.10/forwarding"};

    begin();
    MUST(netns_link_add(blue, "v0.10", "bridge"));
    MUST(netns_sysctl_set(blue, FORWARD, "0"));
    for (size_t i = 0; i < 2; i++) {
        OK(netns_sysctl_set(blue, forms[i], "1"));
        SAME(value_of(blue, forms[!i]), "1");
        SAME(seen_in(blue, "/proc/sys/net/ipv4/conf/v0.10/forwarding"), "1\n");
        OK(netns_sysctl_set(blue, forms[i], "0"));
    }
    SAME(value_of(blue, "net/ipv4/ip_forward"), "0");
    FAILS(ENOENT, netns_sysctl_get(blue, "net.ipv4.conf.v0.10.forwarding", NULL, 0));
    MESSAGE_HAS("in an interface's name as a slash");
    end();
}

/* As sysctl(8) writes it: without a newline, nothing would be written. */
static void set_accepts_empty_value(void)
{
    begin();
    OK(netns_sysctl_set(blue, "net.ipv4.ip_local_reserved_ports", "8080,9000-9010"));
    SAME(value_of(blue, "net.ipv4.ip_local_reserved_ports"), "8080,9000-9010");
    OK(netns_sysctl_set(blue, "net.ipv4.ip_local_reserved_ports", ""));
    SAME(value_of(blue, "net.ipv4.ip_local_reserved_ports"), "");
    FAILS(EINVAL, netns_sysctl_set(blue, FORWARD, ""));
    OK(netns_sysctl_set(blue, FORWARD, "1\n"));
    SAME(value_of(blue, FORWARD), "1");
    end();
}

/* The kernel returns it to one read only, however few bytes that requests. */
static void get_returns_complete_long_value(void)
{
    static char ports[4095], value[8192];
    size_t length = 0;

    begin();
    for (int port = 10001; length + 6 < sizeof ports; port += 2)
        length += sprintf(ports + length, "%s%d", length ? "," : "", port);
    OK(netns_sysctl_set(blue, "net.ipv4.ip_local_reserved_ports", ports));
    EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.ip_local_reserved_ports", value, sizeof value)), length);
    SAME(value, ports);
    EQUAL(OK(netns_sysctl_get(blue, "net.ipv4.ip_local_reserved_ports", value, 8)), length);
    SAME(value, "10001,1");
    end();
}

static int reserve_many_more(void *arg)
{
    int fd = MUST(open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_WRONLY | O_CLOEXEC));
    char text[16];

    /* From the second write on, each adds to the existing value. */
    for (int port = 2; port < 20000; port += 2) {
        int length = sprintf(text, "%d\n", port);

        MUST(pwrite(fd, text, length, port > 2));
    }
    close(fd);
    *(int *)arg = 1;
    return 0;
}

static void get_returns_complete_value_longer_than_one_read(void)
{
    static char value[65536];
    int done = 0, ports = 0;
    ssize_t length;

    begin();
    OK(netns_run(blue, reserve_many_more, &done, NULL));
    length = OK(netns_sysctl_get(blue, "net.ipv4.ip_local_reserved_ports", value, sizeof value));
    EQUAL(length, strlen(value));
    for (const char *at = value; at; at = strchr(at, ','), at += !!at)
        ports++;
    if (ports == 1)
        skip("this kernel does not add to what is there");
    EQUAL(ports, 9999);
    end();
}

/* --- invalid names ---------------------------------------------------------------------------- */

static void get_and_set_reject_invalid_and_non_net_names(void)
{
    static const char *const none[] = {
        "", ".", "/", "..", "net.", "net/", ".net", "/net", "net..ipv4", "net//ipv4/ip_forward",
        "/proc/sys/net/ipv4/ip_forward", "net/../kernel/hostname", "net.//.kernel.hostname",
        "net/./ipv4/ip_forward", "net/ipv4/ip_forward/", "net.ipv4.//"};
    static const char *const elsewhere[] = {
        "kernel.hostname", "vm.swappiness", "vm/swappiness", "fs.file-max", "network.ipv4", "ipv4.ip_forward"};
    static char longest[300];
    char value[8] = "-";

    begin();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        FAILS(EINVAL, netns_sysctl_get(blue, none[i], value, sizeof value));
        MESSAGE_HAS("invalid sysctl");
        FAILS(EINVAL, netns_sysctl_set(blue, none[i], "1"));
    }
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        FAILS(ENOENT, netns_sysctl_get(blue, elsewhere[i], value, sizeof value));
        MESSAGE_HAS("only sysctls whose names begin with net");
        FAILS(ENOENT, netns_sysctl_set(blue, elsewhere[i], "1"));
        FAILS(ENOENT, netns_sysctl_set(NULL, elsewhere[i], "1"));
    }
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest, "net.", 4);
    FAILS(ENAMETOOLONG, netns_sysctl_get(blue, longest, value, sizeof value));
    FAILS(ENAMETOOLONG, netns_sysctl_set(blue, longest, "1"));
    longest[255] = '\0';
    FAILS(ENOENT, netns_sysctl_get(blue, longest, value, sizeof value));
    SAME(value, "-");
    end();
}

static void null_arguments_fail_with_einval(void)
{
    char value[8] = "-";

    begin();
    FAILS(EINVAL, netns_sysctl_get(blue, NULL, value, sizeof value));
    FAILS(EINVAL, netns_sysctl_get(blue, FORWARD, NULL, 1));
    FAILS(EINVAL, netns_sysctl_set(blue, NULL, "1"));
    FAILS(EINVAL, netns_sysctl_set(blue, FORWARD, NULL));
    SAME(value, "-");
    end();
}

/* System-wide sysctls below net exist in the initial namespace. Other namespaces do not have them or
   cannot write them. */
static void set_rejects_system_wide_sysctls(void)
{
    begin();
    FAILS(ENOENT, netns_sysctl_get(blue, "net.core.netdev_max_backlog", NULL, 0));
    MESSAGE_HAS("it may be system-wide");
    FAILS(ENOENT, netns_sysctl_set(blue, "net.core.netdev_max_backlog", "1000"));
    if (netns_sysctl_get(blue, "net.core.rmem_max", NULL, 0) >= 0) {
        FAILS(EACCES, netns_sysctl_set(blue, "net.core.rmem_max", "212992"));
        MESSAGE_HAS("does not allow this access in this namespace");
    }
    end();
}

/* --- errors of the kernel ------------------------------------------------------------------------ */

static void kernel_errors_are_returned_and_explained(void)
{
    char value[64] = "-";

    begin();
    FAILS(ENOENT, netns_sysctl_get(blue, "net.ipv4.no_such", value, sizeof value));
    FAILS(ENOENT, netns_sysctl_get(blue, "net.ipv4.conf.eth7.forwarding", value, sizeof value));
    MESSAGE_HAS("an interface that does not exist");
    FAILS(EISDIR, netns_sysctl_get(blue, "net.ipv4", value, sizeof value));
    FAILS(EISDIR, netns_sysctl_get(blue, "net", value, sizeof value));
    FAILS(EISDIR, netns_sysctl_set(blue, "net.ipv4", "1"));
    MESSAGE_HAS("directory of sysctls");
    FAILS(EACCES, netns_sysctl_get(blue, "net.ipv4.route.flush", value, sizeof value));
    OK(netns_sysctl_set(blue, "net.ipv4.route.flush", "1"));
    FAILS(EACCES, netns_sysctl_set(blue, "net.ipv4.tcp_available_congestion_control", "reno"));
    FAILS(EINVAL, netns_sysctl_set(blue, FORWARD, "yes"));
    MESSAGE_HAS("write the value: Invalid argument (the kernel rejected the value)");
    MESSAGE_HAS("set sysctl \"net.ipv4.ip_forward\" in \"blue\": ");
    FAILS(ENOENT, netns_sysctl_set(blue, "net.ipv4.tcp_congestion_control", "no-such"));
    MESSAGE_HAS("the kernel does not know");
    if (exists("/proc/sys/net/ipv6/conf/all/stable_secret")) {
        FAILS(EIO, netns_sysctl_get(blue, "net.ipv6.conf.all.stable_secret", value, sizeof value));
        MESSAGE_HAS("no value is set");
    }
    SAME(value, "-");
    end();
}

/* The kernel would use the beginning and report no error. */
static void partially_accepted_value_fails_with_einval(void)
{
    begin();
    OK(netns_sysctl_set(blue, FORWARD, "0"));
    FAILS(EINVAL, netns_sysctl_set(blue, FORWARD, "1 1"));
    MESSAGE_HAS("the beginning of the value");
    FAILS(EINVAL, netns_sysctl_set(blue, "net.ipv4.tcp_rmem", "4096 8192 16384 32768"));
    end();
}

static void set_with_too_long_value_fails_with_e2big(void)
{
    static char value[5000];

    begin();
    memset(value, ' ', sizeof value);
    value[0] = '1';
    value[4095] = '\0';
    FAILS(E2BIG, netns_sysctl_set(blue, FORWARD, value));
    MESSAGE_HAS("4094 bytes");
    value[4094] = '\0';
    OK(netns_sysctl_set(blue, FORWARD, value));
    SAME(value_of(blue, FORWARD), "1");
    end();
}

/* --- other /procs -------------------------------------------------------------------------------- */

static void forbid_writing(void *arg)
{
    (void)arg;
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("/proc/sys", "/proc/sys", "none", MS_BIND, NULL));
    MUST(mount("none", "/proc/sys", "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    FAILS(EROFS, netns_sysctl_set(blue, FORWARD, "1"));
    MESSAGE_HAS("mounted read-only");
    SAME(value_of(blue, FORWARD), "0");
}

static void set_on_read_only_proc_sys_fails_with_erofs(void)
{
    begin();
    OK(netns_sysctl_set(blue, FORWARD, "0"));
    IN_CHILD(forbid_writing, NULL);
    end();
}

static void cover_proc(void *arg)
{
    MUST(unshare(CLONE_NEWNS));
    MUST(mount("fake", "/proc", "tmpfs", 0, NULL));
    if (arg) {
        MUST(mkdir("/proc/sys", 0755));
        MUST(mkdir("/proc/sys/net", 0755));
        MUST(mkdir("/proc/sys/net/ipv4", 0755));
        write_file("/proc/sys/net/ipv4/ip_forward", "7\n", 0644);
        /* A fifo that no other process opens. */
        MUST(mkfifo("/proc/sys/net/ipv4/fifo", 0644));
        FAILS(ENOENT, netns_sysctl_get(NULL, "net.ipv4.fifo", NULL, 0));
    }
    FAILS(ENOENT, netns_sysctl_get(blue, FORWARD, NULL, 0));
    MESSAGE_HAS("check that /proc is mounted");
    FAILS(ENOENT, netns_sysctl_set(blue, FORWARD, "1"));
    MESSAGE_HAS("check that /proc is mounted");
}

static void missing_or_fake_proc_fails_with_enoent(void)
{
    begin();
    OK(netns_sysctl_set(blue, FORWARD, "0"));
    IN_CHILD(cover_proc, NULL);
    IN_CHILD(cover_proc, blue);
    SAME(value_of(blue, FORWARD), "0");
    end();
}

/* Its /proc numbers processes differently, but has the same sysctls. */
static void live_in_a_pid_namespace(void *arg)
{
    pid_t pid;

    (void)arg;
    MUST(unshare(CLONE_NEWPID));
    pid = MUST(fork());
    if (pid == 0) {
        OK(netns_sysctl_set(blue, FORWARD, "1"));
        SAME(value_of(blue, FORWARD), "1");
        _exit(test_failures != 0);
    }
    EQUAL(wait_for(pid), 0);
}

static void get_and_set_accept_proc_of_another_pid_namespace(void)
{
    begin();
    IN_CHILD(live_in_a_pid_namespace, NULL);
    SAME(value_of(blue, FORWARD), "1");
    end();
}

/* --- privileges ------------------------------------------------------------------------------------ */

static void be_nobody(void *arg)
{
    (void)arg;
    become_plain_user();
    FAILS(EPERM, netns_sysctl_get(blue, FORWARD, NULL, 0));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    FAILS(EPERM, netns_sysctl_set(blue, FORWARD, "1"));
    /* In its own namespace it may read but not write. */
    EQUAL(OK(netns_sysctl_get(NULL, FORWARD, NULL, 0)), 1);
    FAILS(EACCES, netns_sysctl_set(NULL, FORWARD, "1"));
    MESSAGE_HAS("CAP_NET_ADMIN");
}

static void unprivileged_user_can_only_read_own_namespace(void)
{
    begin();
    IN_CHILD(be_nobody, NULL);
    end();
}

/* A handle requires CAP_SYS_ADMIN even if the thread is in its namespace. */
static void set_without_capabilities(void *arg)
{
    char value[8];

    (void)arg;
    OK(netns_setns(blue));
    drop_capability(CAP_NET_ADMIN);
    if (kernel_is_at_least(5, 15)) {
        FAILS(EPERM, netns_sysctl_set(red, FORWARD, "1"));
        MESSAGE_HAS("write the value: Operation not permitted (needs CAP_NET_ADMIN over the namespace)");
    }
    drop_capability(CAP_SYS_ADMIN);
    EQUAL(OK(netns_sysctl_get(NULL, FORWARD, value, sizeof value)), 1);
    FAILS(EPERM, netns_sysctl_get(blue, FORWARD, value, sizeof value));
    MESSAGE_HAS("CAP_SYS_ADMIN");
}

static void handle_requires_cap_sys_admin_unlike_null(void)
{
    begin();
    IN_CHILD(set_without_capabilities, NULL);
    end();
}

/* It could not switch back, so a helper thread switches instead. */
static void live_in_a_user_namespace(void *arg)
{
    struct netns *own = NULL;
    uint64_t home = here();

    (void)arg;
    enter_user_namespace_with_run_directory(0);
    OK(netns_create(NULL, 0, &own));
    OK(netns_sysctl_set(own, FORWARD, "1"));
    SAME(value_of(own, FORWARD), "1");
    FAILS(EPERM, netns_sysctl_set(blue, FORWARD, "1"));
    EQUAL(here(), home);
    EQUAL(threads_left(), 1);
    netns_close(own);
}

static void user_namespace_root_sets_only_its_own_sysctls(void)
{
    begin();
    OK(netns_sysctl_set(blue, FORWARD, "0"));
    IN_CHILD(live_in_a_user_namespace, NULL);
    SAME(value_of(blue, FORWARD), "0");
    end();
}

static void get_and_set_without_descriptors_fail_with_emfile(void)
{
    begin();
    RUNS_OUT_OF_DESCRIPTORS(netns_sysctl_get(blue, FORWARD, NULL, 0));
    RUNS_OUT_OF_DESCRIPTORS(netns_sysctl_set(blue, FORWARD, "1"));
    end();
}

int main(void)
{
    RUN(set_changes_only_the_given_namespace);
    RUN(null_acts_on_calling_threads_namespace);
    RUN(get_returns_full_length_of_truncated_value);
    RUN(get_and_set_accept_dots_and_slashes_in_names);
    RUN(set_accepts_empty_value);
    RUN(get_returns_complete_long_value);
    RUN(get_returns_complete_value_longer_than_one_read);
    RUN(get_and_set_reject_invalid_and_non_net_names);
    RUN(null_arguments_fail_with_einval);
    RUN(set_rejects_system_wide_sysctls);
    RUN(kernel_errors_are_returned_and_explained);
    RUN(partially_accepted_value_fails_with_einval);
    RUN(set_with_too_long_value_fails_with_e2big);
    RUN(set_on_read_only_proc_sys_fails_with_erofs);
    RUN(missing_or_fake_proc_fails_with_enoent);
    RUN(get_and_set_accept_proc_of_another_pid_namespace);
    RUN(unprivileged_user_can_only_read_own_namespace);
    RUN(handle_requires_cap_sys_admin_unlike_null);
    RUN(user_namespace_root_sets_only_its_own_sysctls);
    RUN(get_and_set_without_descriptors_fail_with_emfile);
    return finish();
}
