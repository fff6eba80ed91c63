/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The exact text of messages: the call, its object, the step, the reason, and what to do about it. */
#include "links.h"

/* Checks that the call fails with this errno and this message. */
#define SAYS(error, text, call)        \
    do {                               \
        FAILS(error, call);            \
        SAME(netns_errmsg(), (text));  \
    } while (0)

/* The same, where the kernel may add its own text between the beginning and the end of the message. */
#define SAYS_WITH_KERNEL(error, begin, end, call) \
    do {                                          \
        FAILS(error, call);                       \
        says_at((begin), (end), __LINE__);        \
    } while (0)

static void says_at(const char *begin, const char *end, int line)
{
    const char *message = netns_errmsg();
    size_t length = strlen(message), tail = strlen(end);

    check_at(strncmp(message, begin, strlen(begin)) == 0, line, "\"%s\" does not begin with \"%s\"", message, begin);
    check_at(length >= tail && strcmp(message + length - tail, end) == 0, line, "\"%s\" does not end with \"%s\"",
             message, end);
}

static struct netns *blue, *red;

static void begin(void)
{
    MUST(netns_create("blue", 0, &blue));
    MUST(netns_create("red", 0, &red));
}

static void make_veth(void)
{
    if (!was_made(netns_veth_add(blue, "v0", red, "v1")))
        skip("no veth");
}

static void end(void)
{
    netns_close(blue);
    netns_close(red);
}

/* --- names -------------------------------------------------------------------------------------- */

static void message_explains_invalid_names_and_arguments(void)
{
    struct netns *ns = NULL;
    char name[257];

    begin();
    memset(name, 'n', 256);
    name[256] = '\0';
    SAYS(EINVAL, "create \"a/b\": invalid name: Invalid argument (a name must not be empty, \".\" or \"..\", or contain '/')",
         netns_create("a/b", 0, &ns));
    FAILS(ENAMETOOLONG, netns_create(name, 0, &ns));
    says_at("create \"nnn", "\": invalid name: File name too long (a name can have at most 255 bytes)", __LINE__);
    SAYS(EINVAL, "create \"a\": check the arguments: Invalid argument (unknown flag)", netns_create("a", 1u << 31, &ns));
    SAYS(EINVAL, "create \"a\": invalid run directory: Invalid argument (the path is empty)",
         netns_create_at("", "a", 0, &ns));
    SAYS(EINVAL, "remove (none): check the arguments: Invalid argument (no name given)", netns_remove(NULL, 0));
    SAYS(EINVAL,
         "create an anonymous namespace: check the arguments: Invalid argument "
         "(no name and no place for the handle given)",
         netns_create(NULL, 0, NULL));
    SAYS(EINVAL, "open \"blue\": check the arguments: Invalid argument (no place for the result given)",
         netns_open("blue", 0, NULL));
    end();
}

static void message_explains_names_in_use(void)
{
    struct netns *ns = NULL;

    begin();
    SAYS(EEXIST,
         "create \"blue\": create /run/netns/blue: File exists "
         "(the name is in use; remove it first or choose another name)",
         netns_create("blue", 0, &ns));
    SAYS(EEXIST,
         "attach \"red\": create /run/netns/red: File exists "
         "(the name is in use; remove it first or choose another name)",
         netns_attach(blue, "red", 0));
    MUST(mkdir("/run/netns/dir", 0755));
    SAYS(EEXIST, "attach \"dir\": create /run/netns/dir: File exists (a directory)", netns_attach(blue, "dir", 0));
    SAYS(ENOTTY, "remove \"dir\": identify /run/netns/dir: not a network namespace (a directory)", netns_remove("dir", 0));
    end();
}

static void message_explains_missing_names_and_paths(void)
{
    struct netns_name_snapshot *list = NULL;
    struct netns *ns = NULL;

    SAYS(ENOENT, "open \"green\": open /run/netns/green: No such file or directory (no network namespace has this name)",
         netns_open("green", 0, &ns));
    SAYS(ENOENT, "open \"/run/green\": open /run/green: No such file or directory", netns_open("/run/green", 0, &ns));
    SAYS(ENOENT,
         "open \"/proc/0/ns/net\": open /proc/0/ns/net: No such file or directory "
         "(the process has ended, or /proc is not mounted)",
         netns_open("/proc/0/ns/net", 0, &ns));
    SAYS(ENOTDIR, "list \"/dev/null\": open /dev/null: Not a directory (a component of the path is not a directory)",
         netns_list_at("/dev/null", 0, &list));
    SAYS(ENOTDIR, "open \"/dev/null/a\": open /dev/null/a: Not a directory (a component of the path is not a directory)",
         netns_open("/dev/null/a", 0, &ns));
}

static void message_explains_invalid_files_and_descriptors(void)
{
    struct netns *ns = NULL;
    int null = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
    int uts = MUST(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
    char text[200];

    SAYS(ENOTTY, "open \"/dev/null\": identify /dev/null: not a network namespace (not a namespace file)",
         netns_open("/dev/null", 0, &ns));
    SAYS(ENOTTY, "open \"/proc/self/ns/uts\": identify /proc/self/ns/uts: not a network namespace (a namespace of another type)",
         netns_open("/proc/self/ns/uts", 0, &ns));
    snprintf(text, sizeof text,
             "open descriptor %d: identify descriptor %d: not a network namespace "
             "(not a namespace file, socket or pidfd)",
             null, null);
    SAYS(ENOTTY, text, netns_open_fd(null, &ns));
    snprintf(text, sizeof text,
             "open descriptor %d: identify descriptor %d: not a network namespace (a namespace of another type)", uts,
             uts);
    SAYS(ENOTTY, text, netns_open_fd(uts, &ns));
    SAYS(EBADF, "open descriptor 999: identify descriptor 999: Bad file descriptor (the descriptor is not open)",
         netns_open_fd(999, &ns));
    SAYS(EINVAL, "open pid 0: invalid process ID: Invalid argument (a process ID must be greater than 0)",
         netns_open_pid(0, &ns));
    SAYS(EBADF, "leave descriptor 999: check the token: Bad file descriptor (the descriptor is not open)", netns_leave(999));
    snprintf(text, sizeof text,
             "leave descriptor %d: check the token: Invalid argument (not a token, or already used)", uts);
    SAYS(EINVAL, text, netns_leave(uts));
    close(null);
    close(uts);
}

/* --- sockets and nsids -------------------------------------------------------------------------- */

static void message_explains_socket_and_nsid_failures(void)
{
    begin();
    SAYS(EAFNOSUPPORT,
         "open a socket in \"blue\": socket: Address family not supported by protocol "
         "(the kernel lacks the address family or cannot load its module)",
         netns_socket(blue, AF_MAX + 50, SOCK_STREAM, 0));
    SAYS(ENODATA,
         "get the nsid of \"red\": look up the nsid: No data available "
         "(no nsid is assigned to it yet: assign one, or move an interface between the two namespaces)",
         netns_nsid_get(blue, red));
    EQUAL(OK(netns_nsid_set(blue, red, 5)), 5);
    SAYS_WITH_KERNEL(EEXIST, "assign an nsid to \"red\": assign the nsid: File exists",
                     " (the namespace already has an nsid, or another namespace has this one; an nsid cannot be changed)",
                     netns_nsid_set(blue, red, 6));
    SAYS(EINVAL, "assign an nsid to \"red\": invalid nsid: Invalid argument (an nsid must be 0 or greater)",
         netns_nsid_set(blue, red, -2));
    end();
}

/* --- interfaces --------------------------------------------------------------------------------- */

static void message_explains_failed_interface_creation(void)
{
    begin();
    make_veth();
    SAYS_WITH_KERNEL(EOPNOTSUPP, "add interface \"a\" of kind \"nosuchkind\" in \"blue\": create the interface: Operation not supported",
                     " (the kernel does not support this kind of interface, or its module is missing)",
                     netns_link_add(blue, "a", "nosuchkind"));
    SAYS(EINVAL,
         "add interface \"a\" of kind \"veth\" in \"blue\": invalid kind of interface: Invalid argument "
         "(a veth interface must be created as a pair, with its peer)",
         netns_link_add(blue, "a", "veth"));
    SAYS(EINVAL,
         "add interface \"a b\" of kind \"bridge\" in \"blue\": invalid interface name: Invalid argument "
         "(a name must not contain '/', ':', '%', white space or the byte 0xa0)",
         netns_link_add(blue, "a b", "bridge"));
    SAYS(ENAMETOOLONG,
         "add interface \"" TOO_LONG_IFNAME "\" of kind \"bridge\" in \"blue\": invalid interface name: File name too long "
         "(a name can have at most 15 bytes)",
         netns_link_add(blue, TOO_LONG_IFNAME, "bridge"));
    SAYS_WITH_KERNEL(EEXIST, "add veth \"v2\" with \"v1\" in \"blue\": create the veth pair: File exists",
                     " (one of the two namespaces already has an interface with that name)",
                     netns_veth_add(blue, "v2", red, "v1"));
    SAYS(EINVAL, "add vlan \"a\" on \"v0\" in \"blue\": invalid VLAN ID: Invalid argument (a VLAN ID must be 0 to 4094)",
         netns_vlan_add(blue, "a", blue, "v0", 4095));
    SAYS(EINVAL,
         "add macvlan \"a\" on \"v0\" in \"blue\": invalid macvlan mode: Invalid argument (the mode must be private, vepa, bridge or passthru)",
         netns_macvlan_add(blue, "a", blue, "v0", "none"));
    SAYS_WITH_KERNEL(ENODEV, "add vlan \"a\" on \"none\" in \"blue\": look up the interface: No such device",
                     " (the parent's namespace has no interface with the parent's name)",
                     netns_vlan_add(blue, "a", blue, "none", 1));
    SAYS_WITH_KERNEL(EOPNOTSUPP, "delete interface \"lo\" in \"blue\": delete the interface: Operation not supported",
                     " (lo and hardware interfaces cannot be deleted)", netns_link_del(blue, "lo"));
    end();
}

static void message_explains_failed_macvlan_creation(void)
{
    begin();
    make_veth();
    if (!was_made(netns_macvlan_add(blue, "m0", blue, "v0", "passthru")))
        skip("no macvlan");
    SAYS_WITH_KERNEL(EINVAL, "add macvlan \"m1\" on \"lo\" in \"blue\": create the macvlan: Invalid argument",
                     " (this kind of parent, such as lo, does not support macvlans, or the parent already has one in passthru mode)",
                     netns_macvlan_add(blue, "m1", blue, "lo", NULL));
    SAYS_WITH_KERNEL(EINVAL, "add macvlan \"m1\" on \"v0\" in \"blue\": create the macvlan: Invalid argument",
                     " (this kind of parent, such as lo, does not support macvlans, or the parent already has one in passthru mode)",
                     netns_macvlan_add(blue, "m1", blue, "v0", NULL));
    SAYS_WITH_KERNEL(EEXIST, "add macvlan \"m0\" on \"v0\" in \"blue\": create the macvlan: File exists",
                     " already has an interface with this name)", netns_macvlan_add(blue, "m0", blue, "v0", NULL));
    end();
}

static void message_explains_failed_link_set_master(void)
{
    begin();
    need_kind("bridge");
    OK(netns_link_add(blue, "br0", "bridge"));
    SAYS_WITH_KERNEL(EEXIST, "add interface \"br0\" of kind \"bridge\" in \"blue\": create the interface: File exists",
                     " (the namespace already has an interface with this name)", netns_link_add(blue, "br0", "bridge"));
    SAYS_WITH_KERNEL(EINVAL, "set the master of \"lo\" to \"br0\" in \"blue\": set the master: Invalid argument",
                     " (some interfaces, such as lo, cannot be a port)", netns_link_set_master(blue, "lo", "br0"));
    SAYS_WITH_KERNEL(ELOOP, "set the master of \"br0\" to \"br0\" in \"blue\": set the master: Too many levels of symbolic links",
                     " (a bridge cannot be a port of another bridge, and no interface can be a port of itself)",
                     netns_link_set_master(blue, "br0", "br0"));
    make_veth();
    SAYS_WITH_KERNEL(EOPNOTSUPP, "set the master of \"v0\" to \"lo\" in \"blue\": set the master: Operation not supported",
                     " (the master is not a bridge, bond or another kind that has ports)",
                     netns_link_set_master(blue, "v0", "lo"));
    end();
}

static void message_explains_failed_interface_changes(void)
{
    begin();
    make_veth();
    SAYS_WITH_KERNEL(EINVAL, "set the MTU of \"v0\" in \"blue\": set the MTU: Invalid argument",
                     " (the interface does not support this MTU; ip -d link shows minmtu and maxmtu)",
                     netns_link_set_mtu(blue, "v0", 1));
    SAYS_WITH_KERNEL(ENODEV, "set the MTU of \"v9\" in \"blue\": set the MTU: No such device",
                     " (the namespace has no interface with this name)", netns_link_set_mtu(blue, "v9", 1500));
    SAYS(EINVAL,
         "set the address of \"v0\" to \"zz\" in \"blue\": invalid link-layer address: Invalid argument "
         "(expected hexadecimal bytes separated by colons, such as 02:00:5e:10:00:01)",
         netns_link_set_address(blue, "v0", "zz"));
    SAYS(EINVAL,
         "set the address of \"v0\" to \"02:00\" in \"blue\": invalid link-layer address: Invalid argument "
         "(the interface's link-layer address has another length)",
         netns_link_set_address(blue, "v0", "02:00"));
    SAYS_WITH_KERNEL(EADDRNOTAVAIL,
                     "set the address of \"v0\" to \"01:00:5e:00:00:01\" in \"blue\": set the link-layer address: "
                     "Cannot assign requested address",
                     " (an interface cannot have a multicast or all-zero link-layer address)",
                     netns_link_set_address(blue, "v0", "01:00:5e:00:00:01"));
    SAYS_WITH_KERNEL(EINVAL, "move interface \"lo\" in \"blue\": move the interface: Invalid argument",
                     " (some interfaces, such as lo and bridges, cannot be moved)",
                     netns_link_move(blue, "lo", red, NULL));
    SAYS(EEXIST,
         "move interface \"v0\" as \"v1\" in \"blue\": move the interface: File exists "
         "(the target namespace already has an interface with the new name)",
         netns_link_move(blue, "v0", red, "v1"));
    end();
}

/* --- addresses and routes ----------------------------------------------------------------------- */

static void message_explains_failed_address_changes(void)
{
    begin();
    make_veth();
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    SAYS_WITH_KERNEL(EEXIST, "add address \"192.0.2.1/24\" on \"v0\" in \"blue\": add the address: File exists",
                     " (the interface already has this address)", netns_addr_add(blue, "v0", "192.0.2.1/24"));
    SAYS(EINVAL,
         "add address \"a\" on \"v0\" in \"blue\": invalid address: Invalid argument "
         "(expected an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1)",
         netns_addr_add(blue, "v0", "a"));
    SAYS(EINVAL,
         "add address \"192.0.2.1/33\" on \"v0\" in \"blue\": invalid address: Invalid argument "
         "(the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6)",
         netns_addr_add(blue, "v0", "192.0.2.1/33"));
    SAYS(EADDRNOTAVAIL,
         "add address \"0.0.0.0\" on \"v0\" in \"blue\": invalid address: Cannot assign requested address "
         "(an interface cannot have the all-zero address)",
         netns_addr_add(blue, "v0", "0.0.0.0"));
    SAYS_WITH_KERNEL(EADDRNOTAVAIL,
                     "delete address \"192.0.2.9/24\" on \"v0\" in \"blue\": delete the address: "
                     "Cannot assign requested address",
                     " (the interface does not have this address with this prefix length)",
                     netns_addr_del(blue, "v0", "192.0.2.9/24"));
    end();
}

static void message_explains_failed_route_changes(void)
{
    begin();
    make_veth();
    OK(netns_addr_add(blue, "v0", "192.0.2.1/24"));
    SAYS_WITH_KERNEL(ENETDOWN, "add route \"198.51.100.0/24\" on \"v0\" in \"blue\": add the route: Network is down",
                     " (bring the interface up first)", netns_route_add(blue, "198.51.100.0/24", NULL, "v0"));
    OK(netns_link_up(blue, "v0"));
    OK(netns_route_add(blue, "198.51.100.0/24", "192.0.2.2", NULL));
    SAYS_WITH_KERNEL(EEXIST, "add route \"198.51.100.0/24\" via \"192.0.2.2\" in \"blue\": add the route: File exists",
                     " (a route to this destination already exists)",
                     netns_route_add(blue, "198.51.100.0/24", "192.0.2.2", NULL));
    SAYS(EINVAL,
         "add route \"198.51.100.1/24\" on \"v0\" in \"blue\": invalid destination: Invalid argument "
         "(bits are set beyond the prefix length)",
         netns_route_add(blue, "198.51.100.1/24", NULL, "v0"));
    SAYS(EINVAL,
         "add route \"default\" via \"0.0.0.0\" in \"blue\": invalid gateway: Invalid argument "
         "(a gateway cannot have the all-zero address)",
         netns_route_add(blue, "default", "0.0.0.0", NULL));
    SAYS(EINVAL,
         "add route \"default\" in \"blue\": check the arguments: Invalid argument (a route needs a gateway or an interface)",
         netns_route_add(blue, "default", NULL, NULL));
    SAYS_WITH_KERNEL(ENETUNREACH, "add route \"default\" via \"203.0.113.1\" in \"blue\": add the route: Network is unreachable",
                     " (the gateway must be on the network of an interface that is up)",
                     netns_route_add(blue, "default", "203.0.113.1", NULL));
    SAYS_WITH_KERNEL(ESRCH, "delete route \"203.0.113.0/24\" on \"v0\" in \"blue\": delete the route: No such process",
                     " (the main table has no such route)", netns_route_del(blue, "203.0.113.0/24", NULL, "v0"));
    end();
}

/* --- programs ----------------------------------------------------------------------------------- */

static void message_explains_failed_spawn_and_exec(void)
{
    struct netns_spawn_options options = {.size = sizeof options, .cwd = "/run/none"};
    char *argv[] = {"true", NULL};
    pid_t pid;

    begin();
    SAYS(ENOENT,
         "spawn \"/run/none\" in \"blue\": exec: No such file or directory "
         "(the program, or the interpreter that it names, does not exist)",
         netns_spawn(blue, NULL, "/run/none", argv, NULL, &pid));
    SAYS(ENOENT,
         "spawn \"true\" in \"blue\": chdir to /run/none: No such file or directory "
         "(the directory does not exist below the program's root directory)",
         netns_spawn(blue, &options, "true", argv, NULL, &pid));
    SAYS(EINVAL, "spawn (none) in \"blue\": check the arguments: Invalid argument (no program given)",
         netns_spawn(blue, NULL, NULL, argv, NULL, &pid));
    SAYS(EINVAL, "exec \"true\" in (none): check the arguments: Invalid argument (no namespace given)",
         netns_exec(NULL, "true", argv, NULL));
    end();
}

int main(void)
{
    RUN(message_explains_invalid_names_and_arguments);
    RUN(message_explains_names_in_use);
    RUN(message_explains_missing_names_and_paths);
    RUN(message_explains_invalid_files_and_descriptors);
    RUN(message_explains_socket_and_nsid_failures);
    RUN(message_explains_failed_interface_creation);
    RUN(message_explains_failed_macvlan_creation);
    RUN(message_explains_failed_link_set_master);
    RUN(message_explains_failed_interface_changes);
    RUN(message_explains_failed_address_changes);
    RUN(message_explains_failed_route_changes);
    RUN(message_explains_failed_spawn_and_exec);
    return finish();
}
