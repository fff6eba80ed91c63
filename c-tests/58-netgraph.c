/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* examples/netgraph.c: the graph of connected namespaces. */
#include "links.h"
#include "program.h"

static const char *netgraph(void)
{
    static char path[PATH_MAX];
    const char *directory = getenv("NETNS_EXAMPLES");

    if (!directory)
        skip("NETNS_EXAMPLES is not set");
    snprintf(path, sizeof path, "%s/netgraph", directory);
    if (access(path, X_OK) < 0)
        skip("netgraph has not been built");
    return path;
}

/* Its output with these words appended to the command, run from the thread's own namespace. */
static const char *graph(const char *words)
{
    struct netns *own = NULL;
    char script[PATH_MAX + 64];
    const char *said;

    snprintf(script, sizeof script, "'%s' %s", netgraph(), words);
    OK(netns_open_current(&own));
    said = SAID(own, OPTIONS(.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC), script);
    netns_close(own);
    return said;
}

#define SAYS(said, ...) says_at((said), __LINE__, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static void says_at(const char *said, int line, const char *format, ...)
{
    char wanted[512];
    va_list words;

    va_start(words, format);
    vsnprintf(wanted, sizeof wanted, format, words);
    va_end(words);
    check_at(strstr(said, wanted), line, "\"%s\" in:\n%s", wanted, said);
}

/* This namespace is number 0, followed by the named ones. */
static void graph_shows_interfaces_and_their_connections(void)
{
    struct netns *blue = NULL, *green = NULL, *red = NULL;
    const char *said;
    unsigned v0, v1, br0, mv;

    need_kind("bridge");
    need_macvlan();
    make_pair(&blue, &red);
    OK(netns_create("green", 0, &green));
    OK(netns_link_add(blue, "br0", "bridge"));
    OK(netns_link_set_master(blue, "v0", "br0"));
    OK(netns_macvlan_add(green, "mv", red, "v1", "bridge"));
    OK(netns_veth_add(green, "x0", green, "x1"));
    OK(netns_addr_add(red, "v1", "192.0.2.1/24"));
    OK(netns_link_up(red, "v1"));
    said = graph("-n");
    v0 = index_of(blue, "v0"), v1 = index_of(red, "v1");
    br0 = index_of(blue, "br0"), mv = index_of(green, "mv");
    SAYS(said, "label=\"this namespace\"");
    SAYS(said, "subgraph cluster_1 {\n        label=\"blue\"");
    SAYS(said, "subgraph cluster_2 {\n        label=\"green\"");
    SAYS(said, "subgraph cluster_3 {\n        label=\"red\"");
    SAYS(said, "n1_%u [label=\"v0 (veth)\", color=gray, fontcolor=gray];", v0);
    SAYS(said, "n3_%u [label=\"v1 (veth)\\n192.0.2.1/24\"];", v1);
    SAYS(said, "n1_%u -- n3_%u;", v0, v1);
    SAYS(said, "n1_%u -- n1_%u [dir=forward, arrowhead=diamond];", v0, br0);
    SAYS(said, "n2_%u -- n3_%u [dir=forward, style=dashed, label=\"on\"];", mv, v1);
    SAYS(said, "n2_%u -- n2_%u;", index_of(green, "x0") < index_of(green, "x1") ? index_of(green, "x0") : index_of(green, "x1"),
         index_of(green, "x0") < index_of(green, "x1") ? index_of(green, "x1") : index_of(green, "x0"));
    /* Nothing is printed about lo. */
    CHECK(!strstr(said, "\"lo"));
    netns_close(green);
    close_pair(blue, red);
}

static void graph_labels_current_namespace_with_its_name(void)
{
    struct netns *own = NULL;

    OK(netns_open_current(&own));
    OK(netns_attach(own, "home", 0));
    SAYS(graph("-n"), "label=\"home (this namespace)\"");
    netns_close(own);
}

static void graph_escapes_names_for_graphviz(void)
{
    OK(netns_create("a\"b\\c\nd\xff\xc3\xa9", 0, NULL));
    SAYS(graph("-n"), "label=\"a\\\"b\\\\c\\\\x0ad\\\\xff\xc3\xa9\";");
}

static void graph_labels_unnamed_namespace_with_inode_number(void)
{
    struct netns *ns = NULL;
    char words[64];

    OK(netns_create(NULL, 0, &ns));
    /* All other namespaces of the machine are listed as well, which may be thousands. */
    snprintf(words, sizeof words, "| grep -c 'label=\"net:.%llu.\"'", (unsigned long long)netns_inode(ns));
    SAME(graph(words), "1");
    snprintf(words, sizeof words, "net:[%llu]", (unsigned long long)netns_inode(ns));
    CHECK(!strstr(graph("-n"), words));
    netns_close(ns);
}

static void graphviz_dot_renders_graph(void)
{
    struct netns *blue = NULL, *red = NULL;
    char script[PATH_MAX + 64];

    if (!have("dot"))
        skip("there is no dot");
    make_pair(&blue, &red);
    snprintf(script, sizeof script, "'%s' -n | dot -Tsvg | grep -c '<svg'", netgraph());
    EQUAL(shell(script), 0);
    close_pair(blue, red);
}

int main(void)
{
    RUN(graph_shows_interfaces_and_their_connections);
    RUN(graph_labels_current_namespace_with_its_name);
    RUN(graph_escapes_names_for_graphviz);
    RUN(graph_labels_unnamed_namespace_with_inode_number);
    RUN(graphviz_dot_renders_graph);
    return finish();
}
