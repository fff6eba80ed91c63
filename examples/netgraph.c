/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints a Graphviz graph of every network namespace with its interfaces and addresses, and of the veth
 * pairs, macvlans, VLANs and bridge ports that connect them.
 *
 *     cc netgraph.c $(pkg-config --cflags --libs netns)
 *     sudo ./netgraph | dot -Tsvg >netgraph.svg
 *
 * With -n it omits namespaces that have no name, except its own.
 *
 * It needs CAP_SYS_ADMIN to inspect the namespaces; one that it may not enter is reported on standard error and
 * omitted. Interfaces that are down are gray. Addresses of link scope, which every IPv6 interface has, are
 * omitted, and so is lo if it has only its usual addresses.
 */
#include <errno.h>
#include <libnetns/netns.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct place {
    struct netns *ns;
    char label[300];
    struct netns_link_snapshot *links;
    struct netns_addr_snapshot *addresses;
};

struct graph {
    struct place *places;
    size_t count;
};

static void complain(const char *label)
{
    fprintf(stderr, "netgraph: %s: %s\n", label, netns_errmsg());
}

/* Returns the number of bytes of the printable UTF-8 character that begins here, or 0 if there is none. */
static size_t character_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i, length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

    if (bytes[0] < ' ' || bytes[0] == 0x7f || (bytes[0] >= 0x80 && bytes[0] < 0xc2) || bytes[0] > 0xf4)
        return 0;
    for (i = 1; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* Prints text inside a quoted string of Graphviz. */
static void print_text(const char *text)
{
    size_t length;

    for (; *text; text += length ? length : 1) {
        length = character_length(text);
        if (length == 0)
            printf("\\\\x%02x", (unsigned char)*text);
        else
            printf("%s%.*s", *text == '"' || *text == '\\' ? "\\" : "", (int)length, text);
    }
}

/* --- what there is ------------------------------------------------------------------------------- */

/* Every namespace needs two descriptors. */
static void allow_many_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct place *find_known(const struct graph *graph, const struct netns *ns)
{
    for (size_t i = 0; i < graph->count; i++)
        if (netns_equal(graph->places[i].ns, ns) == 1)
            return &graph->places[i];
    return NULL;
}

/* Takes ownership of ns; adds it unless it is known already or cannot be inspected. */
static void add_place(struct graph *graph, struct netns *ns, const char *label, bool has_name)
{
    struct place *place = find_known(graph, ns);

    if (place) { /* this thread's own */
        if (has_name)
            snprintf(place->label, sizeof place->label, "%s (this namespace)", label);
        netns_close(ns);
        return;
    }
    place = &graph->places[graph->count];
    memset(place, 0, sizeof *place);
    place->ns = ns;
    snprintf(place->label, sizeof place->label, "%s", label);
    if (netns_link_list(ns, 0, &place->links) < 0 || netns_addr_list(ns, 0, &place->addresses) < 0) {
        complain(label);
        netns_link_list_free(place->links);
        netns_close(ns);
        return;
    }
    graph->count++;
}

static void add_found(struct graph *graph, const struct netns_name_snapshot *found, size_t i)
{
    const char *name = netns_list_name(found, i);
    char number[40];
    struct netns *ns;
    int rc;

    snprintf(number, sizeof number, "net:[%llu]", (unsigned long long)netns_list_inode(found, i));
    if (*name)
        rc = netns_open(name, 0, &ns);
    else
        rc = netns_open_id(netns_list_inode(found, i), netns_list_cookie(found, i), &ns);
    if (rc == 0)
        add_place(graph, ns, *name ? name : number, *name);
    else if (rc != -ENOENT && rc != -ESTALE) /* it may end meanwhile */
        complain(*name ? name : number);
}

/* The current namespace comes first, because most others are connected to it. */
static bool find_all(struct graph *graph, bool only_names)
{
    struct netns_name_snapshot *found;
    struct netns *own;
    size_t count;

    if (netns_list_all(0, &found) < 0 || netns_open_current(&own) < 0) {
        complain("namespaces");
        return false;
    }
    count = netns_list_len(found);
    graph->places = calloc(count + 1, sizeof *graph->places);
    if (!graph->places) {
        perror("netgraph");
        return false;
    }
    add_place(graph, own, "this namespace", false);
    for (size_t i = 0; i < count; i++)
        if (*netns_list_name(found, i) || !only_names)
            add_found(graph, found, i);
    netns_list_free(found);
    return true;
}

/* --- the nodes ------------------------------------------------------------------------------------ */

static bool has_index(const struct place *place, uint32_t index)
{
    for (size_t i = 0; i < netns_link_list_len(place->links); i++)
        if (netns_link_list_index(place->links, i) == index)
            return true;
    return false;
}

/* lo is shown only if it has addresses other than ::1 and 127.0.0.1. */
static bool is_worth_showing(const struct place *place, size_t link)
{
    uint32_t index = netns_link_list_index(place->links, link);

    if (!(netns_link_list_flags(place->links, link) & IFF_LOOPBACK))
        return true;
    for (size_t i = 0; i < netns_addr_list_len(place->addresses); i++)
        if (netns_addr_list_index(place->addresses, i) == index &&
            strcmp(netns_addr_list_address(place->addresses, i), "127.0.0.1") != 0 &&
            strcmp(netns_addr_list_address(place->addresses, i), "::1") != 0)
            return true;
    return false;
}

static void print_node(const struct place *place, size_t number, size_t link)
{
    uint32_t index = netns_link_list_index(place->links, link);
    const char *kind = netns_link_list_kind(place->links, link);

    printf("        n%zu_%u [label=\"", number, index);
    print_text(netns_link_list_name(place->links, link));
    if (kind)
        printf(" (%s)", kind);
    for (size_t i = 0; i < netns_addr_list_len(place->addresses); i++)
        if (netns_addr_list_index(place->addresses, i) == index &&
            netns_addr_list_scope(place->addresses, i) != RT_SCOPE_LINK)
            printf("\\n%s/%u", netns_addr_list_address(place->addresses, i),
                   netns_addr_list_prefix(place->addresses, i));
    printf("\"%s];\n", netns_link_list_flags(place->links, link) & IFF_UP ? "" : ", color=gray, fontcolor=gray");
}

static void print_place(const struct place *place, size_t number)
{
    printf("    subgraph cluster_%zu {\n        label=\"", number);
    print_text(place->label);
    /* Draw a namespace even if it has no interface to show. */
    printf("\";\n        n%zu_0 [style=invis, label=\"\", width=0, height=0, margin=0];\n", number);
    for (size_t i = 0; i < netns_link_list_len(place->links); i++)
        if (is_worth_showing(place, i))
            print_node(place, number, i);
    printf("    }\n");
}

/* --- the edges ------------------------------------------------------------------------------------ */

/* Returns the place that has this nsid in another one, or count. Nsids are queried, never assigned. */
static size_t find_place(const struct graph *graph, const struct place *from, int32_t nsid)
{
    for (size_t i = 0; i < graph->count; i++)
        if (&graph->places[i] != from && netns_nsid_get(from->ns, graph->places[i].ns) == nsid)
            return i;
    return graph->count;
}

static void print_peer(const struct graph *graph, size_t number, size_t link)
{
    const struct place *place = &graph->places[number];
    const char *kind = netns_link_list_kind(place->links, link);
    uint32_t index = netns_link_list_index(place->links, link), peer = netns_link_list_peer(place->links, link);
    int32_t nsid = netns_link_list_peer_nsid(place->links, link);
    size_t other = number;

    if (peer == 0)
        return;
    if (nsid >= 0)
        other = find_place(graph, place, nsid);
    /* Its namespace, or the interface itself, may be gone by now. */
    if (other == graph->count || !has_index(&graph->places[other], peer))
        return;
    /* Draw a veth pair once, although each end refers to the other. */
    if (kind && strcmp(kind, "veth") == 0) {
        if (other < number || (other == number && peer < index))
            return;
        printf("    n%zu_%u -- n%zu_%u;\n", number, index, other, peer);
    } else {
        printf("    n%zu_%u -- n%zu_%u [dir=forward, style=dashed, label=\"on\"];\n", number, index, other, peer);
    }
}

static void print_edges(const struct graph *graph, size_t number)
{
    const struct place *place = &graph->places[number];

    for (size_t i = 0; i < netns_link_list_len(place->links); i++) {
        uint32_t master = netns_link_list_master(place->links, i);

        if (has_index(place, master))
            printf("    n%zu_%u -- n%zu_%u [dir=forward, arrowhead=diamond];\n", number,
                   netns_link_list_index(place->links, i), number, master);
        print_peer(graph, number, i);
    }
}

static void print_graph(const struct graph *graph)
{
    printf("graph netns {\n    rankdir=LR;\n"
           "    node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\", fontsize=11];\n"
           "    graph [style=\"rounded,filled\", fillcolor=\"#f2f5f9\", color=\"#7a8ca3\", fontname=\"sans-serif\"];\n"
           "    edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (size_t i = 0; i < graph->count; i++)
        print_place(&graph->places[i], i);
    for (size_t i = 0; i < graph->count; i++)
        print_edges(graph, i);
    printf("}\n");
}

static void end_graph(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        netns_link_list_free(graph->places[i].links);
        netns_addr_list_free(graph->places[i].addresses);
        netns_close(graph->places[i].ns);
    }
    free(graph->places);
}

int main(int argc, char **argv)
{
    struct graph graph = {NULL, 0};
    bool only_names = argc == 2 && strcmp(argv[1], "-n") == 0;

    if (argc > 1 && !only_names) {
        fprintf(stderr, "usage: netgraph [-n] | dot -Tsvg >netgraph.svg\n"
                        "  -n  only namespaces that have a name, and this one\n");
        return 2;
    }
    allow_many_descriptors();
    if (!find_all(&graph, only_names))
        return 1;
    print_graph(&graph);
    end_graph(&graph);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("netgraph: standard output");
        return 1;
    }
    return 0;
}
