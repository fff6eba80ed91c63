/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Moving interfaces between namespaces. */
#include "ip.h"
#include "mover.h"
#include "privilege.h"

#include <linux/if_tun.h>
#include <sys/socket.h>

/* Runs a shell command in a namespace; the test ends if it fails. */
static void in(const struct netns *ns, const char *command)
{
    pid_t pid;

    fflush(NULL);
    pid = MUST(fork());
    if (pid == 0) {
        MUST(netns_setns(ns));
        /* valgrind checks the test, not a shell. */
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (wait_for(pid) != 0) {
        printf("# %s\n", command);
        fflush(stdout);
        _exit(1);
    }
}

static struct netns *new_namespace(void)
{
    struct netns *ns = NULL;

    MUST(netns_create(NULL, 0, &ns));
    return ns;
}

/* A namespace that contains a veth pair, a and b. */
static struct netns *namespace_with_a_pair(void)
{
    struct netns *ns = new_namespace();

    need_ip();
    in(ns, "ip link add name a type veth peer name b");
    return ns;
}

/* The index of an interface, or 0 if it does not exist. */
static int index_in(const struct netns *ns, const char *name)
{
    struct ifreq request = {0};
    int fd = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0)), rc;

    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    rc = ioctl(fd, SIOCGIFINDEX, &request);
    close(fd);
    return rc == 0 ? request.ifr_ifindex : 0;
}

static bool is_up(const struct netns *ns, const char *name)
{
    struct ifreq request = {0};
    int fd = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0));

    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    MUST(ioctl(fd, SIOCGIFFLAGS, &request));
    close(fd);
    return request.ifr_flags & IFF_UP;
}

/* The number of interfaces. */
static int links_in(const struct netns *ns)
{
    struct ifreq request;
    int fd = MUST(netns_socket(ns, AF_INET, SOCK_DGRAM, 0)), count = 0;

    for (request.ifr_ifindex = 1; request.ifr_ifindex < 1000; request.ifr_ifindex++)
        count += ioctl(fd, SIOCGIFNAME, &request) == 0;
    close(fd);
    return count;
}

/* --- moving ------------------------------------------------------------------------------------ */

static void link_move_works_between_two_other_namespaces(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();
    uint64_t home = here();

    EQUAL(OK(netns_link_move(x, "a", y, NULL)), 0);
    EQUAL(index_in(x, "a"), 0);
    CHECK(index_in(y, "a") > 0);
    CHECK(index_in(x, "b") > 0);
    EQUAL(here(), home);
    EQUAL(OK(netns_link_move(y, "a", x, NULL)), 0);
    CHECK(index_in(x, "a") > 0);
    EQUAL(index_in(y, "a"), 0);
    netns_close(x);
    netns_close(y);
}

static void null_source_means_namespace_of_calling_thread(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace(), *home = NULL;

    OK(netns_setns(x));
    OK(netns_open_current(&home));
    EQUAL(OK(netns_link_move(NULL, "a", y, NULL)), 0);
    CHECK(index_in(y, "a") > 0);
    EQUAL(OK(netns_link_move(NULL, "b", y, "c")), 0);
    CHECK(index_in(y, "c") > 0);
    EQUAL(OK(netns_link_move(y, "a", home, "d")), 0);
    CHECK(index_in(x, "d") > 0);
    EQUAL(here(), netns_inode(x));
    EQUAL(links_in(x), 2);
    EQUAL(links_in(y), 2);
    netns_close(x);
    netns_close(y);
    netns_close(home);
}

static void link_move_renames_interface(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace(), *z = new_namespace();

    OK(netns_link_move(x, "a", y, "eth0"));
    CHECK(index_in(y, "eth0") > 0);
    EQUAL(index_in(y, "a"), 0);
    /* The old name is taken in the target namespace, and the new one in the source namespace. */
    in(x, "ip link add name eth0 type ifb && ip link add name eth1 type ifb");
    OK(netns_link_move(x, "eth0", y, "eth1"));
    CHECK(index_in(y, "eth1") > 0);
    CHECK(index_in(x, "eth1") > 0);
    OK(netns_link_move(x, "b", y, "fifteen-bytes-x"));
    CHECK(index_in(y, "fifteen-bytes-x") > 0);
    EQUAL(links_in(y), 4);
    /* The new name may be the same as the old one. */
    OK(netns_link_move(y, "eth1", z, "eth1"));
    netns_close(x);
    netns_close(y);
    netns_close(z);
}

static void link_move_sets_interface_down(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    in(x, "ip link set dev a up && ip link set dev b up && ip address add 192.0.2.1/24 dev a");
    OK(netns_link_move(x, "a", y, "c"));
    CHECK(!is_up(y, "c"));
    CHECK(is_up(x, "b"));
    netns_close(x);
    netns_close(y);
}

static void link_move_within_namespace_renames_interface(void)
{
    struct netns *x = namespace_with_a_pair();
    int index = index_in(x, "a");

    OK(netns_link_move(x, "a", x, NULL));
    OK(netns_link_move(x, "a", x, "a"));
    EQUAL(index_in(x, "a"), index);
    OK(netns_link_move(x, "a", x, "c"));
    EQUAL(index_in(x, "c"), index);
    EQUAL(index_in(x, "a"), 0);
    FAILS(EEXIST, netns_link_move(x, "c", x, "b"));
    EQUAL(index_in(x, "c"), index);
    in(x, "ip link set dev c up");
    if (kernel_is_at_least(6, 2))
        OK(netns_link_move(x, "c", x, "d"));
    else
        FAILS(EBUSY, netns_link_move(x, "c", x, "d"));
    CHECK(is_up(x, kernel_is_at_least(6, 2) ? "d" : "c"));
    OK(netns_setns(x));
    OK(netns_link_move(NULL, "b", x, "e"));
    CHECK(index_in(x, "e") > 0);
    netns_close(x);
}

/* Before Linux 6.6, except in some stable kernels, an interface loses its alternative names when it moves. */
static bool loses_alternative_names(const struct netns *moved_to, const char *name)
{
    if (kernel_is_at_least(6, 6) || index_in(moved_to, name) > 0)
        return false;
    printf("# this kernel has lost the alternative name on the way\n");
    return true;
}

static void link_move_accepts_and_keeps_alternative_name(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    in(x, "ip link property add dev a altname other");
    in(y, "ip link add name a type ifb");
    /* The kernel must not confuse the name that identifies the interface with its new name. */
    FAILS(EEXIST, netns_link_move(x, "other", y, NULL));
    CHECK(index_in(x, "a") > 0);
    in(y, "ip link delete dev a");
    OK(netns_link_move(x, "other", y, NULL));
    CHECK(index_in(y, "a") > 0);
    if (!loses_alternative_names(y, "other")) {
        EQUAL(index_in(y, "other"), index_in(y, "a"));
        /* It also prevents other interfaces from having that name. */
        in(x, "ip link add name c type ifb");
        FAILS(EEXIST, netns_link_move(x, "c", y, "other"));
        CHECK(index_in(x, "c") > 0);
    }
    netns_close(x);
    netns_close(y);
}

/* Like a physical interface, it belongs to an object that stays elsewhere. */
static void moved_tap_stays_attached_to_its_descriptor(void)
{
    struct netns *x = new_namespace(), *y = new_namespace();
    struct ifreq request = {.ifr_name = "tap0"};
    char frame[64] = {0};
    int token = MUST(netns_enter(x)), fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        skip("no /dev/net/tun");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    MUST(ioctl(fd, TUNSETIFF, &request));
    MUST(netns_leave(token));
    OK(netns_link_move(x, "tap0", y, "wire"));
    EQUAL(links_in(x), 1);
    CHECK(index_in(y, "wire") > 0);
    netns_close(x);
    need_ip();
    in(y, "ip link set dev wire up");
    EQUAL(write(fd, frame, sizeof frame), sizeof frame);
    close(fd);
    EQUAL(index_in(y, "wire"), 0);
    netns_close(y);
}

/* --- rejected calls ---------------------------------------------------------------------------- */

static void link_move_to_existing_name_fails_with_eexist(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();
    int index = index_in(x, "a");

    in(x, "ip link set dev a up && ip address add 192.0.2.1/24 dev a");
    in(y, "ip link add name a type ifb && ip link add name taken type ifb && ip link add name c type ifb");
    FAILS(EEXIST, netns_link_move(x, "a", y, NULL));
    MESSAGE_HAS("move interface \"a\" in net:[");
    MESSAGE_HAS("]: move the interface: File exists");
    /* The kernel's extended ack message; some earlier stable kernels also have it. */
    if (kernel_is_at_least(6, 15))
        MESSAGE_HAS("target netns");
    FAILS(EEXIST, netns_link_move(x, "a", y, "a"));
    FAILS(EEXIST, netns_link_move(x, "a", y, "taken"));
    MESSAGE_HAS("the new name");
    /* Where the kernel would move it first and then find that the name is taken. */
    in(y, "ip link delete dev a");
    FAILS(EEXIST, netns_link_move(x, "a", y, "taken"));
    FAILS(EEXIST, netns_link_move(x, "a", y, "lo"));
    EQUAL(index_in(x, "a"), index);
    CHECK(is_up(x, "a"));
    in(x, "ip address show dev a | grep -q 192.0.2.1");
    EQUAL(links_in(y), 3);
    netns_close(x);
    netns_close(y);
}

/* The alternative name moves along and prevents the interface itself from having it. */
static void new_name_equal_to_altname_fails_with_eexist(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();
    int index = index_in(x, "a");

    in(x, "ip link property add dev a altname other && ip link set dev a up");
    in(x, "ip address add 192.0.2.1/24 dev a");
    FAILS(EEXIST, netns_link_move(x, "a", y, "other"));
    MESSAGE_HAS("alternative name");
    FAILS(EEXIST, netns_link_move(x, "other", y, "other"));
    MESSAGE_HAS("alternative name");
    FAILS(EEXIST, netns_link_move(x, "a", x, "other"));
    EQUAL(index_in(x, "a"), index);
    /* It has not been moved there and back. */
    CHECK(is_up(x, "a"));
    in(x, "ip address show dev a | grep -q 192.0.2.1");
    /* Its real name is neither one of its alternative names nor another interface's name. */
    OK(netns_link_move(x, "other", y, "b"));
    if (!loses_alternative_names(y, "other")) {
        OK(netns_link_move(y, "other", x, "a"));
        OK(netns_link_move(x, "other", y, "a"));
        CHECK(index_in(y, "a") > 0);
    }
    netns_close(x);
    netns_close(y);
}

static void missing_interface_fails_with_enodev(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    FAILS(ENODEV, netns_link_move(y, "a", x, NULL));
    MESSAGE_HAS("look up the interface: No such device (the namespace has no interface with this name)");
    FAILS(ENODEV, netns_link_move(x, "c", y, "d"));
    FAILS(ENODEV, netns_link_move(x, "c", x, NULL));
    FAILS(ENODEV, netns_link_move(x, "fifteen-bytes-x", y, NULL));
    EQUAL(links_in(x), 3);
    EQUAL(links_in(y), 1);
    netns_close(x);
    netns_close(y);
}

static void link_move_rejects_invalid_names(void)
{
    static const char *const bad[] = {"", ".", "..", "/", "a/b", "a b", " a", "a\n", "a\t", "a\v",
                                      "a:1", "a%d", "%", "\xc3\xa0", "all", "default"};
    static const char *const long_names[] = {"sixteen-bytes-xx", "more-than-sixteen-bytes"};
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    in(x, "ip link set dev a up && ip address add 192.0.2.1/24 dev a");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(EINVAL, netns_link_move(x, bad[i], y, NULL));
        MESSAGE_HAS("invalid interface name: Invalid argument (a name ");
        FAILS(EINVAL, netns_link_move(x, "a", y, bad[i]));
    }
    for (size_t i = 0; i < sizeof long_names / sizeof *long_names; i++) {
        FAILS(ENAMETOOLONG, netns_link_move(x, long_names[i], y, NULL));
        MESSAGE_HAS("15 bytes");
        FAILS(ENAMETOOLONG, netns_link_move(x, "a", y, long_names[i]));
    }
    FAILS(EINVAL, netns_link_move(x, NULL, y, NULL));
    FAILS(EINVAL, netns_link_move(x, NULL, y, "c"));
    FAILS(EINVAL, netns_link_move(x, "a", NULL, NULL));
    MESSAGE_HAS("no target namespace given");
    FAILS(EINVAL, netns_link_move(NULL, "a", NULL, "c"));
    EQUAL(links_in(x), 3);
    /* It has not been moved there and back either. */
    CHECK(is_up(x, "a"));
    in(x, "ip address show dev a | grep -q 192.0.2.1");
    EQUAL(links_in(y), 1);
    netns_close(x);
    netns_close(y);
}

static void link_move_of_lo_or_bridge_fails_with_einval(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    in(x, "ip link add name br0 type bridge");
    FAILS(EINVAL, netns_link_move(x, "lo", y, "lo1"));
    MESSAGE_HAS("move the interface: Invalid argument");
    if (kernel_is_at_least(6, 15))
        MESSAGE_HAS("netns");
    FAILS(EINVAL, netns_link_move(x, "br0", y, NULL));
    EQUAL(links_in(x), 4);
    EQUAL(links_in(y), 1);
    netns_close(x);
    netns_close(y);
}

/* --- fewer privileges -------------------------------------------------------------------------- */

struct two {
    struct netns *x, *y;
};

static void move_without_net_admin(void *arg)
{
    struct two *two = arg;

    drop_capability(CAP_NET_ADMIN);
    FAILS(EPERM, netns_link_move(two->x, "a", two->y, NULL));
    MESSAGE_HAS("CAP_NET_ADMIN");
    FAILS(EPERM, netns_link_move(two->x, "a", two->y, "c"));
}

/* From the thread's own namespace, CAP_SYS_ADMIN is needed only for checking that a new name is free in the
   target. */
static void move_without_sys_admin(void *arg)
{
    struct two *two = arg;

    MUST(netns_setns(two->x));
    drop_capability(CAP_SYS_ADMIN);
    FAILS(EPERM, netns_link_move(NULL, "a", two->y, "c"));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    OK(netns_link_move(NULL, "a", two->y, NULL));
    OK(netns_link_move(NULL, "b", two->x, "c"));
    FAILS(EPERM, netns_link_move(two->y, "a", two->x, NULL));
    MESSAGE_HAS("CAP_SYS_ADMIN");
}

static void move_as_a_plain_user(void *arg)
{
    struct two *two = arg;
    struct netns *home = NULL;

    MUST(netns_setns(two->x));
    become_plain_user();
    OK(netns_open_current(&home));
    FAILS(EPERM, netns_link_move(NULL, "a", two->y, NULL));
    MESSAGE_HAS("CAP_NET_ADMIN");
    FAILS(EPERM, netns_link_move(home, "a", two->y, NULL));
    FAILS(EPERM, netns_link_move(two->y, "lo", two->x, NULL));
    MESSAGE_HAS("CAP_SYS_ADMIN");
    netns_close(home);
}

static void link_move_without_capabilities_fails_with_eperm(void)
{
    struct two two = {namespace_with_a_pair(), new_namespace()};

    IN_CHILD(move_without_net_admin, &two);
    IN_CHILD(move_as_a_plain_user, &two);
    EQUAL(links_in(two.x), 3);
    IN_CHILD(move_without_sys_admin, &two);
    EQUAL(links_in(two.x), 2);
    CHECK(index_in(two.x, "c") > 0);
    CHECK(index_in(two.y, "a") > 0);
    netns_close(two.x);
    netns_close(two.y);
}

static void move_in_a_user_namespace(void *arg)
{
    struct netns *outer = arg, *x = NULL, *y = NULL;

    enter_user_namespace_with_run_directory(0);
    OK(netns_create(NULL, 0, &x));
    OK(netns_create(NULL, 0, &y));
    in(x, "ip link add name a type veth peer name b");
    OK(netns_link_move(x, "a", y, "c"));
    EQUAL(links_in(x), 2);
    EQUAL(links_in(y), 2);
    /* Not to a namespace over which the user namespace has no privileges. */
    FAILS(EPERM, netns_link_move(x, "b", outer, NULL));
    MESSAGE_HAS("CAP_NET_ADMIN over both");
    FAILS(EPERM, netns_link_move(x, "b", outer, "d"));
    FAILS(EPERM, netns_link_move(NULL, "lo", x, "d"));
    EQUAL(threads_left(), 1);
    EQUAL(links_in(x), 2);
    netns_close(x);
    netns_close(y);
}

static void link_move_works_in_user_namespace(void)
{
    struct netns *outer = new_namespace();

    need_ip();
    IN_CHILD(move_in_a_user_namespace, outer);
    netns_close(outer);
}

/* --- many at once ------------------------------------------------------------------------------ */

static void come_and_go(void *arg)
{
    const struct netns *y = arg;

    in(y, "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do"
          " ip link add name taken type ifb; ip link delete dev taken; done");
}

/* Whichever of the two is first, the interface is in one of the namespaces and has one of its names. */
static void link_move_during_name_changes_loses_no_interface(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();
    pid_t other = start_part(come_and_go, y);
    int moved = 0, refused = 0;

    while (waitpid(other, NULL, WNOHANG) == 0) {
        int rc = netns_link_move(x, "a", y, "taken");

        if (rc == 0) {
            moved++;
            /* The other thread deletes the interface with this name, whoever created it. */
            if (netns_link_move(y, "taken", x, "a") < 0)
                in(x, "ip link show dev a || { ip link delete dev b; ip link add name a type veth peer name b; }"
                      " >/dev/null 2>&1");
        } else {
            refused++;
            EQUAL(rc, -EEXIST);
            if (!CHECK(index_in(x, "a") > 0))
                break;
        }
    }
    printf("# %d moved, %d refused\n", moved, refused);
    CHECK(moved + refused > 0);
    netns_close(x);
    netns_close(y);
}

struct shuttle {
    struct two two;
    const char *name;
    int failures;
};

static void *shuttle(void *arg)
{
    struct shuttle *shuttle = arg;

    for (int i = 0; i < (is_slow() ? 3 : 15); i++) {
        shuttle->failures += netns_link_move(shuttle->two.x, shuttle->name, shuttle->two.y, NULL) < 0;
        shuttle->failures += netns_link_move(shuttle->two.y, shuttle->name, shuttle->two.x,
                                             shuttle->name) < 0;
    }
    return NULL;
}

static void threads_can_move_interfaces_concurrently(void)
{
    struct two two = {namespace_with_a_pair(), new_namespace()};
    struct shuttle shuttles[] = {{two, "a", 0}, {two, "b", 0}, {two, "c", 0}};
    pthread_t threads[3];
    int before = open_descriptors();

    in(two.x, "ip link add name c type ifb");
    for (int i = 0; i < 3; i++)
        MUST(-pthread_create(&threads[i], NULL, shuttle, &shuttles[i]));
    for (int i = 0; i < 3; i++) {
        MUST(-pthread_join(threads[i], NULL));
        EQUAL(shuttles[i].failures, 0);
    }
    EQUAL(links_in(two.x), 4);
    /* One connection for each of the two. */
    EQUAL(open_descriptors(), before + 2);
    netns_close(two.x);
    netns_close(two.y);
}

static void link_move_without_descriptors_fails_with_emfile(void)
{
    struct netns *x = namespace_with_a_pair(), *y = new_namespace();

    /* A connection that a handle keeps is not a leak. */
    OK(netns_link_move(x, "a", x, NULL));
    RUNS_OUT_OF_DESCRIPTORS(netns_link_move(x, "a", y, "c"));
    EQUAL(links_in(x), 2);
    CHECK(index_in(y, "c") > 0);
    netns_close(x);
    netns_close(y);
}

int main(void)
{
    RUN(link_move_works_between_two_other_namespaces);
    RUN(null_source_means_namespace_of_calling_thread);
    RUN(link_move_renames_interface);
    RUN(link_move_sets_interface_down);
    RUN(link_move_within_namespace_renames_interface);
    RUN(link_move_accepts_and_keeps_alternative_name);
    RUN(moved_tap_stays_attached_to_its_descriptor);

    RUN(link_move_to_existing_name_fails_with_eexist);
    RUN(new_name_equal_to_altname_fails_with_eexist);
    RUN(missing_interface_fails_with_enodev);
    RUN(link_move_rejects_invalid_names);
    RUN(link_move_of_lo_or_bridge_fails_with_einval);

    RUN(link_move_without_capabilities_fails_with_eperm);
    RUN(link_move_works_in_user_namespace);

    RUN(link_move_during_name_changes_loses_no_interface);
    RUN(threads_can_move_interfaces_concurrently);
    RUN(link_move_without_descriptors_fails_with_emfile);
    return finish();
}
