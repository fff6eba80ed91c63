/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Malformed answers of rtnetlink: each call ends soon with an errno, and the next call works. The test
 * answers the library's socket calls.
 */
#include "steps.h"

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* arm64 has only the newer call, which the C library uses. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif

static const int socket_calls[] = {SYS_sendto, SYS_recvfrom, SYS_poll};

#define SOCKET_CALLS (sizeof socket_calls / sizeof *socket_calls)

/* --- answers ---------------------------------------------------------------------------------- */

#define ROOM (256 * 1024)

/* The datagrams to be received; if endless, the last one is repeated. */
struct script {
    unsigned char bytes[ROOM];
    size_t sizes[64];
    size_t used, count, at;
    /* The index of the first datagram that answers the second request. */
    size_t second;
    bool endless;
    /* The request's sequence number and port, or values that another process would use. */
    uint32_t sequence_off, port;
    /* State of the current request. */
    uint32_t sequence;
    size_t asked, received;
};

/* The sequence number is inserted when the request is known. */
static void *add_message(struct script *script, uint16_t kind, uint16_t flags, const void *payload, size_t size)
{
    struct nlmsghdr head = {.nlmsg_len = NLMSG_HDRLEN + size, .nlmsg_type = kind, .nlmsg_flags = flags};
    unsigned char *start = script->bytes + script->used;

    MUST(script->used + NLMSG_ALIGN(head.nlmsg_len) < ROOM ? 0 : -1);
    memcpy(start, &head, sizeof head);
    memcpy(start + NLMSG_HDRLEN, payload, size);
    script->used += NLMSG_ALIGN(head.nlmsg_len);
    return start;
}

static size_t datagrams_size(const struct script *script)
{
    size_t size = 0;

    for (size_t i = 0; i < script->count; i++)
        size += script->sizes[i];
    return size;
}

static void end_datagram(struct script *script)
{
    script->sizes[script->count] = script->used - datagrams_size(script);
    script->count++;
}

static void add_datagram(struct script *script, uint16_t kind, uint16_t flags, const void *payload, size_t size)
{
    add_message(script, kind, flags, payload, size);
    end_datagram(script);
}

static void add_verdict(struct script *script, uint16_t kind, int error)
{
    struct nlmsgerr verdict = {.error = -error};

    add_datagram(script, kind, 0, &verdict, kind == NLMSG_DONE ? sizeof verdict.error : sizeof verdict);
}

/* --- simulating the kernel ---------------------------------------------------------------------- */

static void answer(struct seccomp_notif_resp *response, long value)
{
    response->flags = 0;
    response->val = value < 0 ? 0 : value;
    response->error = value < 0 ? (int)value : 0;
}

static void give_sender(const struct seccomp_data *data, uint32_t port)
{
    struct sockaddr_nl sender = {.nl_family = AF_NETLINK, .nl_pid = port};
    struct sockaddr *address = (struct sockaddr *)(uintptr_t)data->args[4];
    socklen_t *size = (socklen_t *)(uintptr_t)data->args[5];

    if (!address || !size)
        return;
    memcpy(address, &sender, *size < sizeof sender ? *size : sizeof sender);
    *size = sizeof sender;
}

/* Sets the number in each well-formed message of a datagram. */
static void number(struct script *script, unsigned char *bytes, size_t size)
{
    uint32_t sequence = script->sequence + script->sequence_off;
    size_t at = 0;

    while (at + sizeof(struct nlmsghdr) <= size) {
        struct nlmsghdr head;

        memcpy(&head, bytes + at, sizeof head);
        head.nlmsg_seq = sequence;
        memcpy(bytes + at, &head, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > size - at)
            break;
        at += NLMSG_ALIGN((size_t)head.nlmsg_len);
    }
}

static void receive(struct script *script, const struct seccomp_data *data, struct seccomp_notif_resp *response)
{
    unsigned char *room = (unsigned char *)(uintptr_t)data->args[1];
    size_t start = 0, size, copied;

    if (script->at >= script->count) {
        answer(response, -EAGAIN);
        return;
    }
    for (size_t i = 0; i < script->at; i++)
        start += script->sizes[i];
    size = script->sizes[script->at];
    number(script, script->bytes + start, size);
    copied = data->args[2] < size ? data->args[2] : size;
    memcpy(room, script->bytes + start, copied);
    give_sender(data, script->port);
    answer(response, (long)(data->args[3] & MSG_TRUNC ? size : copied));
    if (!(data->args[3] & MSG_PEEK)) {
        script->received++;
        script->at += !(script->endless && script->at == script->count - 1);
    }
}

static void answer_instead(const struct seccomp_data *data, struct seccomp_notif_resp *response, void *arg)
{
    struct script *script = arg;
    struct nlmsghdr head;

    switch (data->nr) {
    case SYS_sendto:
        memcpy(&head, (const void *)(uintptr_t)data->args[1], sizeof head);
        script->sequence = head.nlmsg_seq;
        script->at = script->asked++ ? script->second : 0;
        answer(response, (long)data->args[2]);
        break;
    case SYS_recvfrom:
        receive(script, data, response);
        break;
    default:
        /* Returns as after the timeout: nothing has arrived. */
        answer(response, 0);
    }
}

/* --- queries ------------------------------------------------------------------------------------ */

static struct netns *ns_;

static int ask_links(void *arg)
{
    struct netns_link_snapshot *list = NULL;
    int rc = netns_link_list(ns_, 0, &list);

    (void)arg;
    for (size_t i = 0; i < netns_link_list_len(list); i++)
        CHECK(strlen(netns_link_list_name(list, i)) < IFNAMSIZ);
    netns_link_list_free(list);
    return rc;
}

static int ask_addresses(void *arg)
{
    struct netns_addr_snapshot *list = NULL;
    int rc = netns_addr_list(ns_, 0, &list);

    (void)arg;
    for (size_t i = 0; i < netns_addr_list_len(list); i++)
        CHECK(strlen(netns_addr_list_address(list, i)) < 46);
    netns_addr_list_free(list);
    return rc;
}

static int ask_routes(void *arg)
{
    struct netns_route_snapshot *list = NULL;
    int rc = netns_route_list(ns_, NETNS_ROUTE_LIST_ALL_TABLES, &list);

    (void)arg;
    for (size_t i = 0; i < netns_route_list_len(list); i++)
        CHECK(strlen(netns_route_list_dst(list, i)) < 50);
    netns_route_list_free(list);
    return rc;
}

static int ask_ids(void *arg)
{
    struct netns_nsid_snapshot *list = NULL;
    int rc = netns_nsid_list(NULL, ns_, NETNS_NSID_NONE, 0, &list);

    (void)arg;
    netns_nsid_list_free(list);
    return rc;
}

static int ask_for_an_id(void *arg)
{
    (void)arg;
    return netns_nsid_get(ns_, ns_);
}

static int give_an_id(void *arg)
{
    (void)arg;
    return netns_nsid_set(ns_, ns_, NETNS_NSID_AUTO);
}

static int ensure_an_id(void *arg)
{
    (void)arg;
    return netns_nsid_ensure(ns_, ns_);
}

static int change_a_link(void *arg)
{
    (void)arg;
    return netns_link_up(ns_, "lo");
}

static int change_an_address(void *arg)
{
    (void)arg;
    return netns_addr_add(ns_, "lo", "192.0.2.1/24");
}

static int move_a_link(void *arg)
{
    (void)arg;
    return netns_link_move(ns_, "v0", ns_, "v1");
}

static int make_a_pair(void *arg)
{
    (void)arg;
    return netns_veth_add(ns_, "v0", ns_, "v1");
}

static const struct question {
    const char *name;
    int (*ask)(void *arg);
    uint16_t kind;
    size_t header;
    /* The first request expects only an acknowledgement. */
    bool changes;
} questions[] = {
    {"links", ask_links, RTM_NEWLINK, 16, false},
    {"addresses", ask_addresses, RTM_NEWADDR, 8, false},
    {"routes", ask_routes, RTM_NEWROUTE, 12, false},
    {"ids", ask_ids, RTM_NEWNSID, 4, false},
    {"an id", ask_for_an_id, RTM_NEWNSID, 4, false},
    {"a new id", give_an_id, RTM_NEWNSID, 4, true},
    {"a link up", change_a_link, RTM_NEWLINK, 16, true},
    {"an address", change_an_address, RTM_NEWADDR, 8, false},
    {"a link moved", move_a_link, RTM_NEWLINK, 16, false},
    {"a pair", make_a_pair, RTM_NEWLINK, 16, true},
};

#define QUESTIONS (int)(sizeof questions / sizeof *questions)

/* Checks that the call ends, with a plausible errno if it fails, and leaves a handle that works. */
static int try(const struct question *question, struct script *script)
{
    struct netns_link_snapshot *list = NULL;
    int descriptors = open_descriptors(), rc;

    script->at = script->asked = script->received = 0;
    rc = with_stops(socket_calls, SOCKET_CALLS, question->ask, NULL, answer_instead, script);
    check_at(rc != -ENOTRECOVERABLE && rc > -4096, __LINE__, "%s: %d", question->name, rc);
    CHECK(script->asked > 0);
    /* A connection in an undefined state is closed and replaced by a new one. */
    OK(netns_link_list(ns_, 0, &list));
    CHECK(netns_link_list_len(list) >= 1);
    SAME(netns_link_list_name(list, 0), "lo");
    netns_link_list_free(list);
    EQUAL(open_descriptors(), descriptors);
    return rc;
}

/* Asks every question with this script. */
#define ALL_SAY(error, script)                                                                     \
    do                                                                                             \
        for (int i_ = 0; i_ < QUESTIONS; i_++) {                                                   \
            int rc_ = try(&questions[i_], (script));                                               \
            check_at(rc_ == -(error), __LINE__, "%s: %d, not -%s", questions[i_].name, rc_,        \
                     strerrorname_np(error));                                                      \
        }                                                                                          \
    while (0)

static struct script *new_script(void)
{
    static struct script script;

    memset(&script, 0, sizeof script);
    return &script;
}

static void begin(void)
{
    struct netns_link_snapshot *list = NULL;

    if (under_valgrind())
        skip("valgrind does not support seccomp(2)");
    OK(netns_create(NULL, 0, &ns_));
    /* The handle keeps a connection from its first request on. */
    OK(netns_link_list(ns_, 0, &list));
    netns_link_list_free(list);
}

static void end(void)
{
    netns_close(ns_);
}

/* --- the tests ---------------------------------------------------------------------------------- */

static void error_reply_is_returned_as_errno(void)
{
    struct script *script;

    begin();
    script = new_script();
    add_verdict(script, NLMSG_ERROR, EXDEV);
    ALL_SAY(EXDEV, script);
    /* An error number that is not an errno, and one without a name. */
    script = new_script();
    add_verdict(script, NLMSG_ERROR, 4000);
    ALL_SAY(EIO, script);
    end();
}

static void truncated_reply_fails_with_ebadmsg(void)
{
    begin();
    for (size_t size = 1; size < NLMSG_HDRLEN + sizeof(int); size++) {
        struct script *script = new_script();

        add_verdict(script, NLMSG_ERROR, EXDEV);
        script->sizes[0] = size;
        ALL_SAY(EBADMSG, script);
    }
    for (size_t size = 0; size < sizeof(int); size++) {
        struct script *script = new_script();

        add_datagram(script, NLMSG_ERROR, 0, "\xff\xff\xff\xff", size);
        ALL_SAY(EBADMSG, script);
    }
    end();
}

static void invalid_message_length_fails_with_ebadmsg(void)
{
    static const uint32_t lies[] = {0, 1, 15, 37, 4096, INT32_MAX, UINT32_MAX - 3, UINT32_MAX};

    begin();
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct script *script = new_script();
        struct nlmsghdr head;

        add_verdict(script, NLMSG_ERROR, EXDEV);
        memcpy(&head, script->bytes, sizeof head);
        head.nlmsg_len = lies[i];
        memcpy(script->bytes, &head, sizeof head);
        ALL_SAY(EBADMSG, script);
    }
    end();
}

static void unsolicited_messages_are_ignored(void)
{
    struct ifinfomsg link = {.ifi_index = 7};

    begin();
    /* No further message follows. */
    for (int stranger = 0; stranger < 2; stranger++) {
        struct script *script = new_script();

        add_verdict(script, NLMSG_ERROR, EXDEV);
        if (stranger)
            script->port = 4242;
        else
            script->sequence_off = 1;
        ALL_SAY(ETIMEDOUT, script);
    }
    {
        struct script *script = new_script();

        add_datagram(script, RTM_NEWLINK, 0, &link, sizeof link);
        script->sequence_off = UINT32_MAX;
        ALL_SAY(ETIMEDOUT, script);
    }
    end();
}

static void flood_of_unsolicited_messages_fails_with_etimedout(void)
{
    struct script *script;

    begin();
    script = new_script();
    add_verdict(script, NLMSG_ERROR, EXDEV);
    script->port = 4242;
    script->endless = true;
    EQUAL(try(&questions[0], script), -ETIMEDOUT);
    CHECK(script->received > 1);
    script = new_script();
    add_verdict(script, NLMSG_ERROR, EXDEV);
    script->sequence_off = 1;
    script->endless = true;
    EQUAL(try(&questions[1], script), -ETIMEDOUT);
    CHECK(script->received > 1);
    end();
}

/* A message of the expected type that contains these attributes. */
static void add_attributes(struct script *script, const struct question *question, const void *attributes, size_t size)
{
    unsigned char payload[8192] = {AF_INET};

    MUST(question->header + size <= sizeof payload ? 0 : -1);
    memcpy(payload + question->header, attributes, size);
    add_message(script, question->kind, NLM_F_MULTI, payload, question->header + size);
}

static void calls_survive_malformed_attributes(void)
{
    static const uint16_t lengths[] = {0, 1, 3, 4, 5, 6, 7, 8, 12, 20, 68, 4096, 0x7fff, 0xfffc, 0xffff};

    begin();
    for (int i = 0; i < 4; i++)
        for (uint16_t kind = 0; kind < 64; kind += i == 3 ? 1 : 3)
            for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j += 1 + kind % 3) {
                struct script *script = new_script();
                uint16_t attributes[34];

                memset(attributes, 0xff, sizeof attributes);
                attributes[0] = lengths[j];
                attributes[1] = kind;
                add_attributes(script, &questions[i], attributes, sizeof attributes);
                add_verdict(script, NLMSG_DONE, 0);
                try(&questions[i], script);
            }
    end();
}

/* Attributes nested 1,000 deep. */
static void calls_survive_deeply_nested_attributes(void)
{
    static uint16_t nest[2000];
    static const uint16_t kinds[] = {IFLA_LINKINFO, RTA_MULTIPATH, IFLA_LINKINFO | NLA_F_NESTED, 1};

    begin();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int j = 0; j < 4; j++) {
            struct script *script = new_script();

            for (size_t at = 0; at < 2000; at += 2) {
                nest[at] = (uint16_t)(sizeof nest - at * 2);
                nest[at + 1] = kinds[i];
            }
            add_attributes(script, &questions[j], nest, sizeof nest);
            add_verdict(script, NLMSG_DONE, 0);
            try(&questions[j], script);
        }
    end();
}

static void list_fails_if_dump_ends_with_error(void)
{
    struct ifinfomsg link = {.ifi_index = 7};

    begin();
    for (int i = 0; i < 4; i++) {
        struct script *script = new_script();
        int rc;

        add_datagram(script, questions[i].kind, NLM_F_MULTI, &link, sizeof link);
        add_verdict(script, NLMSG_DONE, EMFILE);
        rc = try(&questions[i], script);
        check_at(rc == -EMFILE || rc == -EBADMSG, __LINE__, "%s: %d", questions[i].name, rc);
    }
    end();
}

static void list_fails_with_eagain_if_dump_is_always_interrupted(void)
{
    begin();
    for (int i = 0; i < 4; i++) {
        struct script *script = new_script();
        int error = 0;

        add_datagram(script, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, &error, sizeof error);
        EQUAL(try(&questions[i], script), -EAGAIN);
        CHECK(script->asked > 1 && script->asked < 100);
    }
    end();
}

/* An acknowledgement is never large: a large one is malformed, and the call does not wait for more. */
static void large_datagram_is_read_unless_ack_is_expected(void)
{
    static unsigned char rubbish[100000];

    begin();
    for (int i = 0; i < QUESTIONS; i++) {
        struct script *script = new_script();
        int rc;

        add_message(script, NLMSG_NOOP, 0, rubbish, sizeof rubbish);
        add_verdict(script, NLMSG_ERROR, EXDEV);
        rc = try(&questions[i], script);
        check_at(rc == (questions[i].changes ? -EMSGSIZE : -EXDEV), __LINE__, "%s: %d",
                 questions[i].name, rc);
    }
    end();
}

/* A test cannot create 2^31 namespaces to use up all nsids. */
static void nsid_exhaustion_is_reported_as_enospc(void)
{
    static const struct question ensure = {"an id in any case", ensure_an_id, RTM_NEWNSID, 4, false};
    static const struct question give = {"a new id", give_an_id, RTM_NEWNSID, 4, true};
    /* struct rtgenmsg with its padding, an attribute's header, and its value. */
    struct {
        uint32_t family;
        struct nlattr head;
        int id;
    } none = {AF_UNSPEC, {.nla_len = 8, .nla_type = NETNSA_NSID}, NETNSA_NSID_NOT_ASSIGNED};
    struct script *script;

    begin();
    script = new_script();
    add_datagram(script, RTM_NEWNSID, 0, &none, sizeof none);
    add_verdict(script, NLMSG_ERROR, ENOSPC);
    script->second = 1;
    EQUAL(try(&ensure, script), -ENOSPC);
    EQUAL(script->asked, 2);
    script = new_script();
    add_verdict(script, NLMSG_ERROR, ENOSPC);
    EQUAL(try(&give, script), -ENOSPC);
    end();
}

/* Random bytes, the same in each run. */
static void calls_survive_random_bytes(void)
{
    unsigned state = 12345;

    begin();
    for (int round = 0; round < 400; round++) {
        const struct question *question = &questions[round % QUESTIONS];
        struct script *script = new_script();
        unsigned char payload[200];

        for (size_t i = 0; i < sizeof payload; i++) {
            state = state * 1103515245 + 12345;
            payload[i] = round % 3 ? state >> 16 : (state >> 16) % 9;
        }
        add_message(script, question->kind, (uint16_t)state, payload, state >> 16 & 127);
        if (round % 5 == 0)
            memcpy(script->bytes, payload, sizeof payload);
        end_datagram(script);
        add_verdict(script, round % 2 ? NLMSG_DONE : NLMSG_ERROR, 0);
        try(question, script);
    }
    end();
}

int main(void)
{
    RUN(error_reply_is_returned_as_errno);
    RUN(truncated_reply_fails_with_ebadmsg);
    RUN(invalid_message_length_fails_with_ebadmsg);
    RUN(unsolicited_messages_are_ignored);
    RUN(flood_of_unsolicited_messages_fails_with_etimedout);
    RUN(calls_survive_malformed_attributes);
    RUN(calls_survive_deeply_nested_attributes);
    RUN(list_fails_if_dump_ends_with_error);
    RUN(list_fails_with_eagain_if_dump_is_always_interrupted);
    RUN(large_datagram_is_read_unless_ack_is_expected);
    RUN(nsid_exhaustion_is_reported_as_enospc);
    RUN(calls_survive_random_bytes);
    return finish();
}
