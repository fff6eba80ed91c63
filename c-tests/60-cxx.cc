/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* netns.hpp: what C++ has of the library. */
#include "privilege.h"

#include <libnetns/netns.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <pthread.h>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#if __cplusplus >= 202002L
#include <ranges>
#endif

using libnetns::error;
using libnetns::handle;

/* --- the switches that fail --------------------------------------------------------------------- */

static int switches;
/* The switch that fails, counted from 1, and all after it; 0: none. */
static int failing;

/* Takes the place of libc's, in the library too. */
extern "C" int setns(int fd, int type) noexcept
{
    switches++;
    if (failing && switches >= failing) {
        errno = EPERM;
        return -1;
    }
    return static_cast<int>(syscall(SYS_setns, fd, type));
}

static void fail_from(int first)
{
    failing = first;
    switches = 0;
}

/* --- memory that runs out ----------------------------------------------------------------------- */

static bool out_of_memory;

/* These take the place of libstdc++'s. GCC, where it inlines one of a pair alone, takes it for another allocator's. */
[[gnu::noinline]] void *operator new(std::size_t size)
{
    void *memory = out_of_memory ? nullptr : std::malloc(size ? size : 1);

    if (!memory)
        throw std::bad_alloc();
    return memory;
}

[[gnu::noinline]] void operator delete(void *memory) noexcept
{
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

/* valgrind puts operators of its own in the place of these. */
static bool memory_can_run_out()
{
    bool ran_out = false;

    out_of_memory = true;
    try {
        ::operator delete(::operator new(1));
    } catch (const std::bad_alloc &) {
        ran_out = true;
    }
    out_of_memory = false;
    return ran_out;
}

/* --- checks ------------------------------------------------------------------------------------- */

/* The call throws an error with this errno, and a message in the one form. */
#define THROWS(number, call) throws_at((number), [&] { (void)(call); }, __LINE__, #call)

template <class Call> static std::string throws_at(int number, const Call &call, int line, const char *text)
{
    try {
        call();
    } catch (const std::system_error &e) {
        const std::string what = e.what();

        check_at(e.code().value() == number && e.code().category() == std::generic_category(), line,
                 "%s threw %d (%s), not %d", text, e.code().value(), what.c_str(), number);
        check_at(!form_fault(what.c_str()), line, "%s: message \"%s\": %s", text, what.c_str(),
                 form_fault(what.c_str()));
        return what;
    }
    check_at(false, line, "%s threw nothing", text);
    return "";
}

static int times_in(const std::string &text, const std::string &part)
{
    int times = 0;

    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
        times++;
    return times;
}

template <class Range> static std::string joined(const Range &range)
{
    std::string all;

    for (const auto &each : range)
        all += (all.empty() ? "" : " ") + std::string(each.name());
    return all;
}

static uint64_t inode_of_socket(const libnetns::unique_fd &fd)
{
    return handle::open_fd(fd.get()).inode();
}

/* --- types -------------------------------------------------------------------------------------- */

template <class T>
constexpr bool is_move_only = !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
                              std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                              std::is_nothrow_destructible_v<T> && std::is_nothrow_swappable_v<T>;

static_assert(is_move_only<handle> && is_move_only<libnetns::monitor> && is_move_only<libnetns::child> &&
              is_move_only<libnetns::unique_fd>);
static_assert(is_move_only<libnetns::name_list> && is_move_only<libnetns::holder_list> &&
              is_move_only<libnetns::nsid_list> && is_move_only<libnetns::link_list> &&
              is_move_only<libnetns::addr_list> && is_move_only<libnetns::route_list>);
static_assert(sizeof(handle) == sizeof(void *));
/* It belongs to a scope and a thread. */
static_assert(!std::is_move_constructible_v<libnetns::visit> && !std::is_move_assignable_v<libnetns::visit> &&
              std::is_nothrow_destructible_v<libnetns::visit>);
/* An exception's copy must not throw another one. */
static_assert(std::is_nothrow_copy_constructible_v<error> && std::is_base_of_v<std::system_error, error>);

template class libnetns::snapshot<libnetns::name_info>;
template class libnetns::snapshot<libnetns::holder_info>;
template class libnetns::snapshot<libnetns::nsid_info>;
template class libnetns::snapshot<libnetns::link_info>;
template class libnetns::snapshot<libnetns::addr_info>;
template class libnetns::snapshot<libnetns::route_info>;

#if __cplusplus >= 202002L
static_assert(std::ranges::random_access_range<libnetns::link_list> &&
              std::ranges::sized_range<libnetns::link_list> && std::ranges::common_range<libnetns::link_list> &&
              std::ranges::viewable_range<libnetns::link_list &>);
static_assert(std::equality_comparable<handle>);
#endif

/* --- handles ------------------------------------------------------------------------------------ */

static void handle_move_transfers_ownership()
{
    handle blue = handle::create("blue", NETNS_CREATE_LO_UP);
    const uint64_t inode = blue.inode();
    handle moved = std::move(blue);
    handle *self = &moved;

    CHECK(!blue && moved && blue.get() == nullptr);
    EQUAL(moved.inode(), inode);
    moved = std::move(*self);
    CHECK(bool(moved));
    EQUAL(moved.inode(), inode);
    blue = std::move(moved);
    CHECK(!moved && blue);
    std::swap(blue, moved);
    CHECK(moved && !blue);

    struct netns *raw = moved.release();

    CHECK(!moved);
    blue.reset(raw);
    CHECK(blue.get() == raw);
    blue.reset();
    CHECK(!blue);
    EQUAL(netns_inode(handle(OK(netns_open("blue", 0, &raw)) == 0 ? raw : nullptr).get()), inode);
}

static void handles_of_same_namespace_compare_equal()
{
    const handle blue = handle::create("blue"), red = handle::create_anonymous(), again = handle::open("blue");

    CHECK(blue == again);
    CHECK(blue != red);
    CHECK(blue == blue.dup());
    CHECK(blue == handle::open_id(blue.inode()));
    CHECK(handle() == handle());
    CHECK(blue != handle());
    CHECK(handle::current().is_current());
    CHECK(!blue.is_current());
    CHECK(blue.name() == "blue" && blue.path() == "/run/netns/blue");
    CHECK(red.name().empty() && red.name().data() == nullptr && red.path().empty());
    EQUAL(blue.dup().device(), blue.device());
    CHECK(blue.fd() >= 0 && is_netns(("/proc/self/fd/" + std::to_string(blue.fd())).c_str()));
    CHECK(handle::open("/run/netns/blue") == blue);
    CHECK(handle::open_pid(getpid()) == handle::current());
    CHECK(handle::open_fd(blue.fd()) == blue);
    need_cookies();
    EQUAL(blue.cookie(), COOKIE_OF(again.get()));
    CHECK(handle::open_id(blue.inode(), blue.cookie()) == blue);
}

static void at_functions_use_given_run_directory()
{
    const handle blue = handle::create_at("/run/mine", "blue");

    CHECK(handle::open_at("/run/mine", "blue") == blue);
    blue.attach("here");
    blue.attach_at("/run/mine", "green");
    CHECK(joined(libnetns::list_at("/run/mine")) == "blue green");
    CHECK(joined(libnetns::list()) == "here");
    CHECK(joined(blue.names()) == "here");
    CHECK(joined(blue.names_at("/run/mine")) == "blue green");
    handle::remove_at("/run/mine", "green");
    handle::remove("here");
    handle::remove("here", NETNS_REMOVE_MISSING_OK);
    THROWS(ENOENT, (handle::remove("here"), 0));
    CHECK(libnetns::list().empty());
    CHECK(joined(libnetns::list_at("/run/mine")) == "blue");
}

static void names_accept_any_string_type_but_no_nul_byte()
{
    const std::string name = "blue";
    const std::string_view view = std::string_view("bluegreen").substr(0, 4);

    const handle blue = handle::create(name);

    CHECK(handle::open(view) == blue);
    CHECK(handle::open("blue") == blue);
    CHECK(joined(libnetns::list()) == "blue");
    /* C would end the name at its NUL byte, and open another one. */
    THROWS(EINVAL, handle::open(std::string("blue\0green", 10)));
    THROWS(EINVAL, handle::open(std::string_view("blue\0", 5)));
    THROWS(EINVAL, handle::open(nullptr));
}

/* Where C takes NULL for the calling thread's namespace. */
static void operations_reject_empty_handle_with_einval()
{
    const handle none;
    handle blue = handle::create("blue");
    const handle home = handle::current();
    int called = 0;
    auto call = [&] { called++; };

    THROWS(EINVAL, none.socket(AF_INET, SOCK_STREAM));
    THROWS(EINVAL, none.socket_from(home, AF_INET, SOCK_STREAM));
    THROWS(EINVAL, blue.socket_from(none, AF_INET, SOCK_STREAM));
    THROWS(EINVAL, none.run(call));
    THROWS(EINVAL, none.run_from(home, call));
    THROWS(EINVAL, blue.run_from(none, call));
    THROWS(EINVAL, none.enter());
    THROWS(EINVAL, none.links());
    THROWS(EINVAL, none.addrs());
    THROWS(EINVAL, none.routes());
    THROWS(EINVAL, none.link_up("lo"));
    THROWS(EINVAL, none.sysctl_get("net.ipv4.ip_forward"));
    THROWS(EINVAL, none.nsids());
    THROWS(EINVAL, none.nsid_get(blue));
    THROWS(EINVAL, blue.veth_add("v0", none, "v1"));
    THROWS(EINVAL, blue.macvlan_add("m0", none, "lo"));
    THROWS(EINVAL, blue.vlan_add("w0", none, "lo", 1));
    THROWS(EINVAL, none.dup());
    THROWS(EINVAL, none.setns());
    CHECK(none.fd() == -1 && none.inode() == 0 && none.name().empty());
    EQUAL(called, 0);
    EQUAL(blue.links().size(), 1);
}

/* --- errors ------------------------------------------------------------------------------------- */

static void error_what_equals_netns_errmsg()
{
    const std::string reason = strerror(ENOENT);

    try {
        (void)handle::open("blue");
        CHECK(false);
    } catch (const std::system_error &e) {
        EQUAL(times_in(e.what(), reason), 1);
        SAME(e.what(), netns_errmsg());
        CHECK(e.code() == std::errc::no_such_file_or_directory);
        EQUAL(e.code().value(), ENOENT);
    }
}

static void error_keeps_its_message_after_next_error()
{
    std::exception_ptr kept;

    try {
        (void)handle::open("blue");
    } catch (const error &e) {
        const error copy = e;

        THROWS(ENOENT, handle::open("red"));
        CHECK(times_in(copy.what(), "blue") > 0 && times_in(e.what(), "blue") > 0);
        CHECK(!e.not_recoverable());
        kept = std::make_exception_ptr(copy);
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::exception &e) {
        CHECK(times_in(e.what(), "blue") > 0 && times_in(e.what(), "red") == 0);
    }
}

/* --- in the namespace --------------------------------------------------------------------------- */

struct immovable {
    explicit immovable(int it) : number(it) {}
    immovable(const immovable &) = delete;
    immovable &operator=(const immovable &) = delete;
    int number;
};

static void run_returns_result_of_function()
{
    const handle blue = handle::create("blue"), home = handle::current();
    int number = 7;
    auto owned = std::make_unique<int>(3);
    std::vector<int> numbers = {1, 2, 3};

    EQUAL(blue.run([] { return here(); }), blue.inode());
    EQUAL(blue.run_from(home, [] { return here(); }), blue.inode());
    blue.run([&] { number++; });
    EQUAL(number, 8);
    CHECK(&blue.run([&]() -> int & { return number; }) == &number);
    CHECK(&blue.run([&]() -> const int & { return number; }) == &number);
    EQUAL(blue.run([](int a, int &b) { return a + b++; }, 1, number), 9);
    EQUAL(number, 9);
    /* Moved in, and out again. */
    owned = blue.run([](std::unique_ptr<int> it) { return it; }, std::move(owned));
    EQUAL(*owned, 3);
    owned = blue.run_from(home, [](std::unique_ptr<int> it) { return it; }, std::move(owned));
    EQUAL(*owned, 3);
    EQUAL(blue.run(&std::vector<int>::size, numbers), 3);
    EQUAL(blue.run([](const immovable &it) { return it.number; }, immovable(5)), 5);
    EQUAL(blue.run([&]() -> const std::vector<int> { return numbers; }).size(), 3);
    EQUAL(*blue.run([&]() -> std::unique_ptr<int> && { return std::move(owned); }), 3);
    CHECK(blue.run([&] { return handle::current(); }) == blue);
    EQUAL(here(), home.inode());
}

struct mine {
    int number;
};

static void run_rethrows_exception_of_function()
{
    const handle blue = handle::create("blue"), home = handle::current();

    for (int from = 0; from < 2; from++) {
        auto go = [&](auto call) { from ? blue.run_from(home, call) : blue.run(call); };
        auto number = std::make_shared<int>(7);
        int caught = 0;

        try {
            go([number] {
                EQUAL(number.use_count() > 1, true);
                throw mine{*number};
            });
        } catch (const mine &it) {
            caught = it.number;
        }
        EQUAL(caught, 7);
        EQUAL(here(), home.inode());
        /* What the stack had is gone. */
        EQUAL(number.use_count(), 1);
        THROWS(ENOENT, (go([] { (void)handle::open("red"); }), 0));
        EQUAL(here(), home.inode());
    }
}

static void run_can_be_nested()
{
    const handle blue = handle::create("blue"), red = handle::create("red");
    const uint64_t home = here();
    int caught = 0;

    blue.run([&] {
        try {
            red.run([&] {
                EQUAL(here(), red.inode());
                throw mine{1};
            });
        } catch (const mine &) {
            EQUAL(here(), blue.inode());
            caught++;
        }
    });
    EQUAL(caught, 1);
    EQUAL(here(), home);
}

static void run_does_not_call_function_if_switch_fails()
{
    const handle blue = handle::create("blue");
    int called = 0;

    fail_from(1);
    THROWS(EPERM, (blue.run([&] { called++; }), 0));
    fail_from(0);
    EQUAL(called, 0);
}

static void run_throws_enotrecoverable_if_switch_back_fails()
{
    const handle blue = handle::create("blue"), home = handle::current();
    int called = 0;

    try {
        blue.run([&] {
            called++;
            fail_from(1);
            throw mine{3};
        });
        CHECK(false);
    } catch (const error &e) {
        int nested = 0;

        fail_from(0);
        CHECK(e.not_recoverable());
        EQUAL(here(), blue.inode());
        try {
            std::rethrow_if_nested(e);
        } catch (const mine &it) {
            nested = it.number;
        }
        EQUAL(nested, 3);
    }
    EQUAL(called, 1);
    home.setns();
    THROWS(ENOTRECOVERABLE, (blue.run([&] { fail_from(1); }), 0));
    fail_from(0);
    home.setns();
}

struct witness {
    uint64_t *where;
    ~witness() { *where = here(); }
};

struct exiting {
    const handle *blue;
    uint64_t inside, outside;
};

static void *exit_in_there(void *arg)
{
    auto *it = static_cast<exiting *>(arg);
    witness outside{&it->outside};

    it->blue->run([it] {
        witness inside{&it->inside};

        pthread_exit(nullptr);
    });
    check_at(false, __LINE__, "the thread went on");
    return nullptr;
}

static void run_switches_back_if_function_exits_thread()
{
    const handle blue = handle::create("blue");
    exiting it = {&blue, 0, 0};
    pthread_t thread;

    MUST(-pthread_create(&thread, nullptr, exit_in_there, &it));
    MUST(-pthread_join(thread, nullptr));
    EQUAL(it.inside, blue.inode());
    EQUAL(it.outside, here());
}

static void visit_switches_back_at_end_of_scope()
{
    const handle blue = handle::create("blue"), red = handle::create("red");
    const uint64_t home = here();

    {
        libnetns::visit there(blue);

        EQUAL(here(), blue.inode());
        {
            const auto further = red.enter();

            EQUAL(here(), red.inode());
            CHECK(further.is_active());
        }
        EQUAL(here(), blue.inode());
        there.leave();
        EQUAL(here(), home);
        CHECK(!there.is_active());
        there.leave();
    }
    EQUAL(here(), home);
    try {
        const auto there = blue.enter();

        EQUAL(here(), blue.inode());
        throw mine{1};
    } catch (const mine &) {
        EQUAL(here(), home);
    }
    errno = ERRNO_UNTOUCHED;
    {
        const auto there = blue.enter();
    }
    EQUAL(errno, ERRNO_UNTOUCHED);
}

static void failed_leave_throws_and_can_be_retried()
{
    const handle blue = handle::create("blue");
    const uint64_t home = here();
    libnetns::visit there(blue);

    fail_from(1);
    THROWS(ENOTRECOVERABLE, (there.leave(), 0));
    CHECK(there.is_active());
    EQUAL(here(), blue.inode());
    fail_from(0);
    there.leave();
    EQUAL(here(), home);
}

static void visit_release_returns_token_for_netns_leave()
{
    const handle blue = handle::create("blue"), home = handle::current();
    int token = -1;

    {
        libnetns::visit there(blue);

        token = there.release();
        CHECK(token >= 0 && !there.is_active());
    }
    EQUAL(here(), blue.inode());
    OK(netns_leave(token));
    EQUAL(here(), home.inode());
}

static void leave_on_another_thread_throws_einval()
{
    const handle blue = handle::create("blue");
    const uint64_t home = here();
    libnetns::visit there(blue);
    uint64_t elsewhere = 0;

    std::thread([&] {
        THROWS(EINVAL, (there.leave(), 0));
        elsewhere = here();
    }).join();
    EQUAL(elsewhere, blue.inode());
    EQUAL(here(), blue.inode());
    there.leave();
    EQUAL(here(), home);
}

/* The status of a process that std::terminate() ended as it should: without an exit(3), for which valgrind would
   look for leaks while an exception is under way. */
#define TERMINATED (128 + SIGKILL)

static void expect_the_error()
{
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const error &e) {
        if (e.not_recoverable() && times_in(e.what(), "leave") > 0)
            raise(SIGKILL);
        _exit(1);
    } catch (...) {
        _exit(2);
    }
}

static void stay_and_throw(void *arg)
{
    const auto *blue = static_cast<const handle *>(arg);

    std::set_terminate(expect_the_error);
    try {
        const auto there = blue->enter();

        fail_from(1);
        throw mine{1};
    } catch (...) {
        /* In the wrong namespace. */
        _exit(3);
    }
}

static void stay(void *arg)
{
    const auto *blue = static_cast<const handle *>(arg);

    std::set_terminate(expect_the_error);
    {
        const auto there = blue->enter();

        fail_from(1);
    }
    _exit(3);
}

static void die_of_the_lack_of_memory()
{
    out_of_memory = false;
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const std::bad_alloc &) {
        raise(SIGKILL);
    } catch (...) {
    }
    _exit(1);
}

/* The error cannot be made, and what is thrown instead would not tell that the thread is elsewhere. */
static void stay_without_memory(void *arg)
{
    const auto *blue = static_cast<const handle *>(arg);

    std::set_terminate(die_of_the_lack_of_memory);
    try {
        blue->run([] {
            fail_from(1);
            out_of_memory = true;
        });
    } catch (...) {
        _exit(3);
    }
    _exit(4);
}

static void run_terminates_if_switch_back_fails_without_memory()
{
    handle blue = handle::create("blue");

    if (!memory_can_run_out())
        skip("another operator new");
    EQUAL(wait_for(start_part(stay_without_memory, &blue)), TERMINATED);
}

static void visit_destructor_terminates_if_switch_back_fails()
{
    handle blue = handle::create("blue");


    EQUAL(wait_for(start_part(stay, &blue)), TERMINATED);
    EQUAL(wait_for(start_part(stay_and_throw, &blue)), TERMINATED);
}

static void socket_is_opened_in_namespace_of_handle()
{
    const handle blue = handle::create("blue"), home = handle::current();
    libnetns::unique_fd one = blue.socket(AF_INET, SOCK_STREAM);
    libnetns::unique_fd two = blue.socket_from(home, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 17 /* UDP */);
    libnetns::unique_fd *self = &one;
    const int fd = two.get();

    EQUAL(inode_of_socket(one), blue.inode());
    EQUAL(inode_of_socket(two), blue.inode());
    EQUAL(here(), home.inode());
    one = std::move(*self);
    CHECK(bool(one));
    one = std::move(two);
    CHECK(one.get() == fd && !two);
    two.reset(one.release());
    CHECK(two.get() == fd && !one);
    THROWS(EAFNOSUPPORT, blue.socket(AF_MAX, SOCK_STREAM));
}

static void go_for_good(void *arg)
{
    const auto *blue = static_cast<const handle *>(arg);

    blue->setns();
    CHECK(blue->is_current());
    handle::current().setns_mounts(NETNS_SETNS_KEEP_SYS | NETNS_SETNS_KEEP_ETC);
    CHECK(blue->is_current());
}

static void setns_switches_thread_permanently()
{
    handle blue = handle::create("blue");

    IN_CHILD(go_for_good, &blue);
}

/* --- lists -------------------------------------------------------------------------------------- */

static void name_list_is_random_access_range()
{
    handle::create("blue");
    handle::create("green");
    handle::create("red");

    libnetns::name_list list = libnetns::list();
    const std::string_view first = list[0].name();
    auto it = list.begin();

    EQUAL(list.size(), 3);
    CHECK(!list.empty());
    CHECK(it->name() == "blue" && (*it).name() == "blue" && it[2].name() == "red");
    CHECK((it + 1)->name() == "green" && (1 + it)->name() == "green" && (list.end() - 1)->name() == "red");
    CHECK(it++->name() == "blue" && it->name() == "green" && (--it)->name() == "blue");
    it += 2;
    EQUAL(it - list.begin(), 2);
    CHECK(it-- > list.begin() && ++it == list.end() - 1);
    CHECK(++it == list.end() && list.begin() < it && it >= list.end() && it <= list.end() && it != list.begin());
    it -= 3;
    CHECK(it == list.begin());
    CHECK(std::any_of(list.begin(), list.end(), [](const auto &each) { return each.name() == "green"; }));
    EQUAL(std::distance(list.begin(), list.end()), 3);
    CHECK(list[1].inode() == handle::open("green").inode());
    CHECK(handle::open(list[2].name()).name() == "red");

    /* The texts stay where they are. */
    libnetns::name_list moved = std::move(list);

    CHECK(list.empty() && list.begin() == list.end());
    CHECK(moved[0].name().data() == first.data());
    CHECK(joined(moved) == "blue green red");
    /* Past the end there is nothing. */
    CHECK(moved[3].name().empty() && moved[3].inode() == 0 && moved[3].cookie() == 0);
    CHECK(libnetns::name_info().name().empty());
    CHECK(libnetns::name_list().empty());
#if __cplusplus >= 202002L
    auto long_ones = moved | std::views::filter([](const auto &each) { return each.name().size() > 3; }) |
                     std::views::transform(&libnetns::name_info::name);

    EQUAL(std::ranges::distance(long_ones), 2);
    CHECK(std::ranges::find(moved, "red", &libnetns::name_info::name) == moved.end() - 1);
    CHECK(std::ranges::lower_bound(moved, "c", {}, &libnetns::name_info::name)->name() == "green");
#endif
}

static void list_all_reports_named_and_unnamed_namespaces()
{
    const handle blue = handle::create("blue"), nameless = handle::create_anonymous();
    const libnetns::name_list all = libnetns::list_all();

    EQUAL(std::count_if(all.begin(), all.end(), [&](const auto &each) { return each.inode() == blue.inode(); }), 1);
    EQUAL(std::count_if(all.begin(), all.end(),
                        [&](const auto &each) { return each.inode() == nameless.inode() && each.name().empty(); }),
          1);
    /* Linux tells the cookie in a list from 6.18 on. */
    for (const auto &each : libnetns::list())
        CHECK(each.cookie() == 0 || each.cookie() == blue.cookie());
}

static void interfaces_are_created_configured_moved_and_deleted()
{
    const handle blue = handle::create("blue"), red = handle::create("red");

    blue.veth_add("v0", red, "v1");
    blue.link_add("br0", "bridge");
    blue.link_set_master("v0", "br0");
    blue.link_set_mtu("v0", 1400);
    blue.link_set_address("v0", "02:00:5e:10:00:01");
    blue.link_up("v0");
    {
        const libnetns::link_list links = blue.links();
        const auto v0 = std::find_if(links.begin(), links.end(), [](const auto &it) { return it.name() == "v0"; });
        const auto br0 = std::find_if(links.begin(), links.end(), [](const auto &it) { return it.name() == "br0"; });

        EQUAL(links.size(), 3);
        CHECK(links[0].name() == "lo" && links[0].kind().empty() && links[0].index() == 1);
        CHECK(v0 != links.end() && br0 != links.end());
        CHECK(v0->kind() == "veth" && v0->mtu() == 1400 && v0->address() == "02:00:5e:10:00:01");
        CHECK((v0->flags() & IFF_UP) && v0->master() == br0->index() && !v0->state().empty());
        CHECK(v0->peer() != 0 && blue.nsid_get(red) == v0->peer_nsid());
        CHECK(br0->peer_nsid() == -1 && br0->master() == 0);
    }
    blue.link_set_master("v0", nullptr);
    blue.link_down("v0");
    red.link_move("v1", blue, "moved");
    CHECK(joined(red.links()) == "lo");
    blue.link_move("moved", red);
    CHECK(joined(red.links()) == "lo moved");
    blue.link_del("v0");
    CHECK(joined(red.links()) == "lo");
    THROWS(ENODEV, (blue.link_up("v0"), 0));
    THROWS(EEXIST, (blue.link_add("br0", "bridge"), 0));
}

/* What the kernel may have been built without. */
template <class Call> static bool is_supported(const Call &call)
{
    try {
        call();
    } catch (const error &e) {
        CHECK(e.code() == std::errc::operation_not_supported);
        return false;
    }
    return true;
}

static void macvlan_and_vlan_accept_parent_in_other_namespace()
{
    const handle blue = handle::create("blue"), red = handle::create("red");

    blue.link_add("br0", "bridge");
    if (is_supported([&] { red.macvlan_add("m0", blue, "br0", "bridge"); }))
        CHECK(red.links()[red.links().size() - 1].kind() == "macvlan");
    if (is_supported([&] { red.vlan_add("w0", blue, "br0", 7); }))
        CHECK(red.links()[red.links().size() - 1].kind() == "vlan");
}

static void addresses_and_routes_are_added_and_listed()
{
    const handle blue = handle::create("blue", NETNS_CREATE_LO_UP);

    blue.veth_add("v0", blue, "v1");
    blue.addr_add("v0", "192.0.2.1/24");
    blue.addr_add("v0", "192.0.2.2/24", NETNS_ADDR_NODAD);
    blue.link_up("v0");
    blue.link_up("v1");
    blue.route_add("198.51.100.0/24", "192.0.2.9");
    blue.route_add("203.0.113.0/24", nullptr, "v0");
    {
        const libnetns::addr_list addrs = blue.addrs();
        const libnetns::route_list routes = blue.routes();
        const auto addr =
            std::find_if(addrs.begin(), addrs.end(), [](const auto &it) { return it.address() == "192.0.2.1"; });
        const auto route =
            std::find_if(routes.begin(), routes.end(), [](const auto &it) { return it.dst() == "198.51.100.0/24"; });

        CHECK(addr != addrs.end() && route != routes.end());
        CHECK(addr->prefix() == 24 && addr->family() == AF_INET && addr->ifname() == "v0" && addr->label() == "v0");
        CHECK(addr->scope() == 0 && addr->flags() != 0 && addr->peer().empty() && addr->broadcast().empty());
        CHECK(route->via() == "192.0.2.9" && route->ifname() == "v0" && route->family() == AF_INET);
        CHECK(route->table() == 254 && route->type() == 1 && route->scope() == 0 && route->metric() == 0);
        EQUAL(route->index(), addr->index());
        EQUAL(route->protocol(), 3 /* RTPROT_BOOT */);
        CHECK(blue.routes(NETNS_ROUTE_LIST_ALL_TABLES).size() > routes.size());
    }
    blue.route_del("203.0.113.0/24", nullptr, "v0");
    blue.route_del("198.51.100.0/24", "192.0.2.9");
    blue.addr_del("v0", "192.0.2.2/24");
    THROWS(ESRCH, (blue.route_del("203.0.113.0/24", nullptr, "v0"), 0));
    THROWS(EADDRNOTAVAIL, (blue.addr_del("v0", "192.0.2.2/24"), 0));
}

static void nsid_get_returns_assigned_nsid_or_nothing()
{
    const handle blue = handle::create("blue"), red = handle::create("red"), green = handle::create("green");

    CHECK(!blue.nsid_get(red));
    EQUAL(blue.nsid_set(red, 7), 7);
    CHECK(blue.nsid_get(red) == 7);
    EQUAL(blue.nsid_ensure(red), 7);
    CHECK(blue.nsid_set(green) >= 0);
    THROWS(EEXIST, (blue.nsid_set(red, 8), 0));

    const libnetns::nsid_list nsids = blue.nsids();
    const auto it = std::find_if(nsids.begin(), nsids.end(), [](const auto &each) { return each.id() == 7; });

    EQUAL(nsids.size(), 2);
    CHECK(it != nsids.end() && it->name() == "red" && it->current() == NETNS_NSID_NONE);
    CHECK(blue.nsids_at("/run/mine")[0].name().empty());
}

static void holders_and_pids_report_process_and_mount()
{
    const handle blue = handle::create("blue");
    const pid_t inside = start_in(blue.get());

    {
        const libnetns::holder_list holders = blue.holders();
        const auto thread = std::find_if(holders.begin(), holders.end(),
                                         [](const auto &it) { return it.kind() == NETNS_HOLDER_THREAD; });
        const auto mount = std::find_if(holders.begin(), holders.end(),
                                        [](const auto &it) { return it.kind() == NETNS_HOLDER_MOUNT; });

        CHECK(thread != holders.end() && thread->pid() == inside && thread->tid() == inside && thread->fd() == -1);
        CHECK(thread != holders.end() && thread->path().empty() && !thread->program().empty());
        CHECK(mount != holders.end() && mount->path() == "/run/netns/blue");
        EQUAL(holders.unseen(), netns_holder_list_unseen(holders.get()));
    }
    CHECK(blue.pids() == std::vector<pid_t>{inside});
    CHECK(blue.pids(NETNS_PIDS_THREADS) == std::vector<pid_t>{inside});
    stop(inside);
    CHECK(blue.pids().empty());
}

static void pids_returns_all_of_40_processes()
{
    const handle blue = handle::create("blue");
    std::vector<pid_t> inside;

    for (int i = 0; i < 40; i++)
        inside.push_back(start_in(blue.get()));
    std::sort(inside.begin(), inside.end());
    CHECK(blue.pids() == inside);
    for (pid_t pid : inside)
        stop(pid);
}

static void sysctls_are_read_and_written()
{
    const handle blue = handle::create("blue");
    std::string ports;

    blue.sysctl_set("net.ipv4.ip_forward", "1");
    CHECK(blue.sysctl_get("net.ipv4.ip_forward") == "1");
    CHECK(handle::create_anonymous().sysctl_get("net/ipv4/ip_forward") == "0");
    /* Longer than what is tried first. */
    for (int port = 1000; port < 1200; port += 2)
        ports += (ports.empty() ? "" : ",") + std::to_string(port);
    blue.sysctl_set("net.ipv4.ip_local_reserved_ports", ports);
    CHECK(blue.sysctl_get("net.ipv4.ip_local_reserved_ports") == ports);
    THROWS(ENOENT, blue.sysctl_get("net.no.such"));
    THROWS(EINVAL, (blue.sysctl_set("net.ipv4.ip_forward", "many"), 0));
}

static void monitor_reports_added_and_removed_names()
{
    handle::create("blue");

    libnetns::monitor monitor(NETNS_MONITOR_SNAPSHOT);
    auto event = monitor.next();

    CHECK(event && event->is_add() && !event->is_remove() && event->type() == NETNS_EVENT_ADD);
    CHECK(event && event->name() == "blue" && event->inode() == handle::open("blue").inode());
    CHECK(!monitor.next());
    handle::create("green");
    event = monitor.next();
    CHECK(event && event->is_add() && event->name() == "green");
    handle::remove("green");
    event = monitor.next();
    CHECK(event && event->is_remove() && event->name() == "green");
    CHECK(!monitor.next());
    CHECK(monitor.fd() >= 0);

    libnetns::monitor moved = std::move(monitor), other("/run/mine");

    THROWS(EINVAL, monitor.next());
    THROWS(EINVAL, monitor.fd());
    CHECK(!moved.next());
    handle::create_at("/run/mine", "red");
    event = other.next();
    CHECK(event && event->name() == "red" && !moved.next());
    need_cookies();
    CHECK(event->cookie() == 0 || event->cookie() == handle::open_at("/run/mine", "red").cookie());
}

/* --- programs ----------------------------------------------------------------------------------- */

struct pipe_ends {
    libnetns::unique_fd out, in;
    pipe_ends()
    {
        int fds[2];

        MUST(pipe2(fds, O_CLOEXEC));
        out.reset(fds[0]);
        in.reset(fds[1]);
    }
    std::string text()
    {
        std::string all;
        char some[256];
        ssize_t count;

        in.reset();
        while ((count = read(out.get(), some, sizeof some)) > 0)
            all.append(some, static_cast<std::size_t>(count));
        return all;
    }
};

static void spawn_runs_program_in_namespace_with_options()
{
    const handle blue = handle::create("blue");
    pipe_ends pipe;
    libnetns::spawn_options options;

    options.stdout_fd = pipe.in.get();
    options.cwd = "/run";
    options.env = std::vector<std::string>{"PATH=/usr/bin:/bin", "WHAT=this one"};
    options.flags = NETNS_SPAWN_KEEP_SYS | NETNS_SPAWN_KEEP_ETC;
    libnetns::child child =
        blue.spawn({"sh", "-c", "readlink /proc/self/ns/net; pwd; echo $WHAT; exit 3"}, options);
    CHECK(child.pid() > 0 && child.pidfd() == -1 && child.left_out() == 0);
    CHECK(pipe.text() == "net:[" + std::to_string(blue.inode()) + "]\n/run\nthis one\n");
    const int status = child.wait();
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    EQUAL(child.pid(), 0);
    THROWS(ECHILD, child.wait());
    THROWS(ESRCH, (child.kill(SIGTERM), 0));
    THROWS(ENOENT, blue.spawn({"no-such-program"}));
    THROWS(EINVAL, blue.spawn({}));
    THROWS(EINVAL, blue.spawn({std::string("tr\0ue", 5)}));
}

static void spawn_uses_given_user_and_executable()
{
    const handle blue = handle::create("blue");
    pipe_ends pipe;
    libnetns::spawn_options options;

    if (geteuid() != 0 || setgroups(0, nullptr) < 0)
        skip("needs real root");
    options.stdout_fd = pipe.in.get();
    options.file = "/bin/sh";
    options.user = libnetns::spawn_user{NOBODY, NOBODY, {1, 2}};
    libnetns::child child = blue.spawn({"another-name", "-c", "echo $0; id -u; id -G"}, options);
    CHECK(pipe.text() == "another-name\n65534\n65534 1 2\n");
    EQUAL(child.wait(), 0);
}

static bool is_our_child(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0;
}

static void child_is_killed_when_destroyed_or_overwritten()
{
    const handle blue = handle::create("blue");
    pid_t pid = 0, other = 0;

    {
        libnetns::child child = blue.spawn({"sleep", "1000"}), *self = &child;

        pid = child.pid();
        child = std::move(*self);
        EQUAL(child.pid(), pid);
        CHECK(is_our_child(pid));

        libnetns::child second = blue.spawn({"sleep", "1000"});

        other = second.pid();
        second = std::move(child);
        /* Neither was lost, and what was assigned to has ended. */
        CHECK(child.pid() == 0 && second.pid() == pid && !is_our_child(other) && is_our_child(pid));
    }
    CHECK(!is_our_child(pid));
}

static void child_can_be_released_or_killed()
{
    const handle blue = handle::create("blue");
    pid_t pid = 0;

    {
        libnetns::child child = blue.spawn({"sleep", "1000"});

        pid = child.release();
        EQUAL(child.pid(), 0);
    }
    CHECK(is_our_child(pid));
    stop(pid);

    libnetns::child child = blue.spawn({"sleep", "1000"});

    child.kill(SIGTERM);
    const int status = child.wait();
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

    /* One that somebody else has waited for is nobody's to kill. */
    libnetns::child lost = blue.spawn({"true"});

    wait_for(lost.pid());
    THROWS(ESRCH, (lost.kill(SIGTERM), 0));
    THROWS(ECHILD, lost.wait());
}

static void spawn_returns_pidfd_on_request()
{
    const handle blue = handle::create("blue");
    libnetns::spawn_options options;

    if (!libnetns::unique_fd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))))
        skip("no pidfds");
    options.pidfd = true;
    libnetns::child child = blue.spawn({"sleep", "1000"}, options);
    CHECK(child.pidfd() >= 0);
    EQUAL(handle::open_fd(child.pidfd()).inode(), blue.inode());
    child.kill(SIGTERM);
    const int status = child.wait();
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && child.pidfd() == -1);

    libnetns::child second = blue.spawn({"sleep", "1000"}, options);
}

static void *wait_for_the_child(void *child)
{
    try {
        (void)static_cast<libnetns::child *>(child)->wait();
    } catch (const error &) {
        check_at(false, __LINE__, "waiting failed");
    }
    return nullptr;
}

/* pthread_cancel(3) unwinds the thread, which ends the program if it passes a noexcept function. */
static void thread_waiting_for_child_can_be_cancelled()
{
    const handle blue = handle::create("blue");
    libnetns::child child = blue.spawn({"sleep", "1000"});
    const pid_t pid = child.pid();
    void *result = nullptr;
    pthread_t thread;

    MUST(-pthread_create(&thread, nullptr, wait_for_the_child, &child));
    MUST(-pthread_cancel(thread));
    MUST(-pthread_join(thread, &result));
    CHECK(result == PTHREAD_CANCELED);
    CHECK(child.pid() == pid && is_our_child(pid));
    child.kill(SIGTERM);
    CHECK(WIFSIGNALED(child.wait()));
}

static void *end_what_is_owned(void *child)
{
    pthread_cancel(pthread_self());
    {
        const libnetns::unique_fd fd(dup(STDERR_FILENO));
        const libnetns::child ended = std::move(*static_cast<libnetns::child *>(child));
        const handle nameless = handle::create_anonymous();

        errno = ERRNO_UNTOUCHED;
    }
    EQUAL(errno, ERRNO_UNTOUCHED);
    pthread_testcancel();
    return nullptr;
}

static void no_destructor_is_a_cancellation_point()
{
    const handle blue = handle::create("blue");
    libnetns::child child = blue.spawn({"sleep", "1000"}), gone = blue.spawn({"true"});
    const pid_t pid = child.pid();
    void *result = nullptr;
    pthread_t thread;

    wait_for(gone.pid());
    for (libnetns::child *each : {&child, &gone}) {
        MUST(-pthread_create(&thread, nullptr, end_what_is_owned, each));
        MUST(-pthread_join(thread, &result));
        CHECK(result == PTHREAD_CANCELED);
    }
    CHECK(!is_our_child(pid));
}

static void become_a_program(void *arg)
{
    const auto *blue = static_cast<const handle *>(arg);

    THROWS(ENOENT, (blue->exec({"no-such-program"}), 0));
    THROWS(EINVAL, (blue->exec({}), 0));
    blue->exec({"sh", "-c", "exec test $WHAT = this"}, std::vector<std::string>{"PATH=/usr/bin:/bin", "WHAT=this"});
}

static void exec_replaces_calling_process()
{
    handle blue = handle::create("blue");

    IN_CHILD(become_a_program, &blue);
}

static void version_equals_netns_version()
{
    CHECK(libnetns::version() == netns_version());
}

int main()
{
    RUN(handle_move_transfers_ownership);
    RUN(handles_of_same_namespace_compare_equal);
    RUN(at_functions_use_given_run_directory);
    RUN(names_accept_any_string_type_but_no_nul_byte);
    RUN(operations_reject_empty_handle_with_einval);
    RUN(error_what_equals_netns_errmsg);
    RUN(error_keeps_its_message_after_next_error);
    RUN(run_returns_result_of_function);
    RUN(run_rethrows_exception_of_function);
    RUN(run_can_be_nested);
    RUN(run_does_not_call_function_if_switch_fails);
    RUN(run_throws_enotrecoverable_if_switch_back_fails);
    RUN(run_switches_back_if_function_exits_thread);
    RUN(visit_switches_back_at_end_of_scope);
    RUN(failed_leave_throws_and_can_be_retried);
    RUN(visit_release_returns_token_for_netns_leave);
    RUN(leave_on_another_thread_throws_einval);
    RUN(visit_destructor_terminates_if_switch_back_fails);
    RUN(run_terminates_if_switch_back_fails_without_memory);
    RUN(socket_is_opened_in_namespace_of_handle);
    RUN(setns_switches_thread_permanently);
    RUN(name_list_is_random_access_range);
    RUN(list_all_reports_named_and_unnamed_namespaces);
    RUN(interfaces_are_created_configured_moved_and_deleted);
    RUN(macvlan_and_vlan_accept_parent_in_other_namespace);
    RUN(addresses_and_routes_are_added_and_listed);
    RUN(nsid_get_returns_assigned_nsid_or_nothing);
    RUN(holders_and_pids_report_process_and_mount);
    RUN(pids_returns_all_of_40_processes);
    RUN(sysctls_are_read_and_written);
    RUN(monitor_reports_added_and_removed_names);
    RUN(spawn_runs_program_in_namespace_with_options);
    RUN(spawn_uses_given_user_and_executable);
    RUN(child_is_killed_when_destroyed_or_overwritten);
    RUN(child_can_be_released_or_killed);
    RUN(spawn_returns_pidfd_on_request);
    RUN(thread_waiting_for_child_can_be_cancelled);
    RUN(no_destructor_is_a_cancellation_point);
    RUN(exec_replaces_calling_process);
    RUN(version_equals_netns_version);
    return finish();
}
