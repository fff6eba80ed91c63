/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libnetns: Linux network namespaces, for C++17 and later. See netns(7), and docs/cpp.md for a guide.
 *
 *     #include <libnetns/netns.hpp>
 *
 *     auto blue = libnetns::handle::create("blue", NETNS_CREATE_LO_UP);
 *     libnetns::unique_fd server = blue.socket(AF_INET, SOCK_STREAM);
 *     for (const auto &link : blue.links())
 *         std::cout << link.name() << '\n';
 *
 * This header is a layer over <libnetns/netns.h>, with nothing else to link. The C++ namespace is `libnetns`, because
 * C++ allows no `namespace netns` beside C's `struct netns`. Names, arguments and flags follow the C functions, whose
 * manual pages describe them. A parameter `flags` that is omitted is 0.
 *
 * Errors. A function that fails throws libnetns::error, a std::system_error. A function that cannot fail is noexcept.
 * A caller that wants no exception calls the C function with handle::get(). If there is no memory for the error,
 * std::bad_alloc is thrown instead; if that error is ENOTRECOVERABLE, std::terminate() is called.
 *
 * Empty handles. A handle that was moved from is empty. The functions reject it with EINVAL. Where C takes NULL for the
 * calling thread's network namespace, C++ takes handle::current().
 *
 * Threads. What netns.h says of handles and other objects applies to their owners. This header keeps no other state.
 */

#ifndef NETNS_HPP
#define NETNS_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "netns.hpp needs C++17 or later; netns.h works with any C++"
#endif
#if !defined(__cpp_exceptions)
#error "netns.hpp reports failures by exceptions; without them (-fno-exceptions), use netns.h"
#endif

#include "netns.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// Linux network namespaces.
namespace libnetns {

/* --- Errors ---------------------------------------------------------------------------------- */

/// What a failed call throws. code() is the errno in std::generic_category(), so it compares with std::errc, and
/// what() is the line that netns_errmsg() gives, which has the text of the errno in it once. Since 1.0.
class [[gnu::visibility("default")]] error : public std::system_error {
public:
    /// An error with an errno and a message. Since 1.0.
    error(int number, const std::string &message)
        : std::system_error(std::error_code(number, std::generic_category())), message_(message)
    {
    }

    /// The message, such as `open "blue": open /run/netns/blue: No such file or directory`. Since 1.0.
    [[nodiscard]] const char *what() const noexcept override { return message_.what(); }

    /// Whether the calling thread could not switch back, and is in another network namespace now: ENOTRECOVERABLE.
    /// Such a thread must not go on with other work: end it, or the program. Since 1.0.
    [[nodiscard]] bool not_recoverable() const noexcept { return code().value() == ENOTRECOVERABLE; }

private:
    // Its copies cannot fail, as those of an exception must not; a std::string's can.
    std::runtime_error message_;
};

namespace detail {

// A thread in the wrong namespace must learn of that. An std::bad_alloc instead would hide it.
inline error stranded() noexcept
{
    try {
        return error(ENOTRECOVERABLE, netns_errmsg());
    } catch (...) {
        // noexcept does so as well, but before GCC 14 not always with the exception as the current one.
        std::terminate();
    }
}

// The library's last failure.
[[noreturn]] inline void fail(int number)
{
    if (number == ENOTRECOVERABLE)
        throw stranded();
    throw error(number, netns_errmsg());
}

// A failure of this header's own, in the form of the library's messages.
[[noreturn]] inline void fail(int number, const std::string &what, const char *advice)
{
    throw error(number, what + ": " + std::generic_category().message(number) + " (" + advice + ")");
}

inline int check(int result)
{
    if (result < 0)
        fail(-result);
    return result;
}

inline std::size_t check_size(ssize_t result)
{
    if (result < 0)
        fail(static_cast<int>(-result));
    return static_cast<std::size_t>(result);
}

inline std::string_view text(const char *text_or_null) noexcept
{
    return text_or_null ? std::string_view(text_or_null) : std::string_view();
}

inline const char *without_nul(const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        fail(EINVAL, "use \"" + std::string(text.c_str()) + "\": find the end of the text", "it has a NUL byte inside");
    return text.c_str();
}

// Keeps pthread_cancel(3) from taking effect: it unwinds the thread, and would end the program in a noexcept function.
class uncancelled {
public:
    uncancelled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    uncancelled(const uncancelled &) = delete;
    uncancelled &operator=(const uncancelled &) = delete;
    ~uncancelled() { ::pthread_setcancelstate(before_, &before_); }

private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

struct closer {
    void operator()(::netns *it) const noexcept { netns_close(it); }
    void operator()(netns_monitor *it) const noexcept { netns_monitor_close(it); }
    void operator()(netns_name_snapshot *it) const noexcept { netns_list_free(it); }
    void operator()(netns_holder_snapshot *it) const noexcept { netns_holder_list_free(it); }
    void operator()(netns_nsid_snapshot *it) const noexcept { netns_nsid_list_free(it); }
    void operator()(netns_link_snapshot *it) const noexcept { netns_link_list_free(it); }
    void operator()(netns_addr_snapshot *it) const noexcept { netns_addr_list_free(it); }
    void operator()(netns_route_snapshot *it) const noexcept { netns_route_list_free(it); }
};

template <class T> using owner = std::unique_ptr<T, closer>;

// What a C function gives through its last parameter.
template <class T, class Call> owner<T> made_by(const Call &call)
{
    T *out = nullptr;
    check(call(&out));
    return owner<T>(out);
}

// The base class of the elements of a list: a pointer to the list, which it does not keep alive, and an index.
template <class List> class element {
public:
    using list_type = List;

    element() noexcept = default;
    element(const List *list, std::size_t i) noexcept : list_(list), i_(i) {}

protected:
    const List *list_ = nullptr;
    std::size_t i_ = 0;
};

inline std::size_t length(const netns_name_snapshot *list) noexcept { return netns_list_len(list); }
inline std::size_t length(const netns_holder_snapshot *list) noexcept { return netns_holder_list_len(list); }
inline std::size_t length(const netns_nsid_snapshot *list) noexcept { return netns_nsid_list_len(list); }
inline std::size_t length(const netns_link_snapshot *list) noexcept { return netns_link_list_len(list); }
inline std::size_t length(const netns_addr_snapshot *list) noexcept { return netns_addr_list_len(list); }
inline std::size_t length(const netns_route_snapshot *list) noexcept { return netns_route_list_len(list); }

} // namespace detail

/// The version of the library that the program runs with, see netns_version(3). Since 1.0.
[[nodiscard]] inline std::string_view version() noexcept
{
    return netns_version();
}

/* --- Arguments and descriptors --------------------------------------------------------------- */

/// A text argument: a literal, a std::string, or a std::string_view, which is copied. nullptr is C's NULL. A
/// std::string or std::string_view with a NUL byte inside throws EINVAL. For parameters only. Since 1.0.
class c_string {
public:
    c_string(const char *text) noexcept : text_(text) {}
    c_string(const std::string &text) : text_(detail::without_nul(text)) {}
    c_string(std::string_view text) : copy_(text), text_(detail::without_nul(copy_)) {}
    c_string(const c_string &) = delete;
    c_string &operator=(const c_string &) = delete;
    ~c_string() = default;

    /// The text for C. Since 1.0.
    [[nodiscard]] const char *get() const noexcept { return text_; }

private:
    std::string copy_{};
    const char *text_;
};

/// Owns a descriptor, and closes it. Since 1.0.
class unique_fd {
public:
    unique_fd() noexcept = default;
    /// Takes ownership of a descriptor; -1 is none. Since 1.0.
    explicit unique_fd(int fd) noexcept : fd_(fd) {}
    unique_fd(unique_fd &&other) noexcept : fd_(other.release()) {}
    unique_fd &operator=(unique_fd &&other) noexcept
    {
        reset(other.release());
        return *this;
    }
    unique_fd(const unique_fd &) = delete;
    unique_fd &operator=(const unique_fd &) = delete;
    ~unique_fd() { reset(); }

    /// The descriptor, or -1. Since 1.0.
    [[nodiscard]] int get() const noexcept { return fd_; }
    /// Whether there is one. Since 1.0.
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Returns the descriptor, which the caller closes. Since 1.0.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    /// Closes the descriptor and takes ownership of another one. errno is not changed. Since 1.0.
    void reset(int fd = -1) noexcept
    {
        const detail::uncancelled here;
        const int old = std::exchange(fd_, fd);
        const int saved = errno;
        if (old >= 0)
            ::close(old);
        errno = saved;
    }

private:
    int fd_ = -1;
};

/* --- Snapshots ------------------------------------------------------------------------------- */

/// A list at one moment, which does not change: a random-access range, also of C++20. The elements are small
/// values that refer to the list: they, their texts and the iterators are good as long as it lives, wherever it
/// is moved. Texts are NUL-terminated; data() is nullptr where there is none. Since 1.0.
template <class Info> class snapshot {
public:
    using list_type = typename Info::list_type;
    using value_type = Info;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;

    /// A random-access iterator of C++20. In C++17's terms an input iterator, because its elements are values, not
    /// references. Since 1.0.
    class iterator {
        struct arrow {
            Info info;
            const Info *operator->() const noexcept { return &info; }
        };

    public:
        using iterator_concept = std::random_access_iterator_tag;
        using iterator_category = std::input_iterator_tag;
        using value_type = Info;
        using difference_type = std::ptrdiff_t;
        using reference = Info;
        using pointer = arrow;

        iterator() noexcept = default;
        iterator(const list_type *list, std::size_t i) noexcept : list_(list), i_(i) {}

        reference operator*() const noexcept { return Info(list_, i_); }
        pointer operator->() const noexcept { return arrow{**this}; }
        reference operator[](difference_type n) const noexcept { return *(*this + n); }

        iterator &operator+=(difference_type n) noexcept
        {
            i_ += static_cast<std::size_t>(n);
            return *this;
        }
        iterator &operator-=(difference_type n) noexcept
        {
            i_ -= static_cast<std::size_t>(n);
            return *this;
        }
        iterator &operator++() noexcept { return *this += 1; }
        iterator &operator--() noexcept { return *this -= 1; }
        iterator operator++(int) noexcept
        {
            const iterator old = *this;
            ++*this;
            return old;
        }
        iterator operator--(int) noexcept
        {
            const iterator old = *this;
            --*this;
            return old;
        }

        friend iterator operator+(iterator it, difference_type n) noexcept { return it += n; }
        friend iterator operator+(difference_type n, iterator it) noexcept { return it += n; }
        friend iterator operator-(iterator it, difference_type n) noexcept { return it -= n; }
        friend difference_type operator-(const iterator &a, const iterator &b) noexcept
        {
            return static_cast<difference_type>(a.i_ - b.i_);
        }
        friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.i_ == b.i_; }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.i_ != b.i_; }
        friend bool operator<(const iterator &a, const iterator &b) noexcept { return a.i_ < b.i_; }
        friend bool operator>(const iterator &a, const iterator &b) noexcept { return a.i_ > b.i_; }
        friend bool operator<=(const iterator &a, const iterator &b) noexcept { return a.i_ <= b.i_; }
        friend bool operator>=(const iterator &a, const iterator &b) noexcept { return a.i_ >= b.i_; }

    private:
        const list_type *list_ = nullptr;
        std::size_t i_ = 0;
    };
    using const_iterator = iterator;

    /// An empty list. Since 1.0.
    snapshot() noexcept = default;
    /// Takes ownership of a list of C's. Since 1.0.
    explicit snapshot(detail::owner<list_type> list) noexcept : list_(std::move(list)) {}

    /// How many there are. Since 1.0.
    [[nodiscard]] size_type size() const noexcept { return detail::length(list_.get()); }
    /// Whether there is none. Since 1.0.
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// The element at place i; past the end, one without texts, whose numbers are 0 (or -1, as netns.h says).
    /// Since 1.0.
    [[nodiscard]] Info operator[](size_type i) const noexcept { return Info(list_.get(), i); }
    /// Iterators. There are none of a temporary list, which they would outlive. Since 1.0.
    [[nodiscard]] iterator begin() const & noexcept { return iterator(list_.get(), 0); }
    [[nodiscard]] iterator end() const & noexcept { return iterator(list_.get(), size()); }
    iterator begin() const && = delete;
    iterator end() const && = delete;

    /// In a holder_list: what may refer to the namespace as well and could not be examined, see
    /// netns_holder_list_unseen() in netns_holder_list(3). Since 1.0.
    template <class List = list_type, class = std::enable_if_t<std::is_same_v<List, netns_holder_snapshot>>>
    [[nodiscard]] std::uint32_t unseen() const noexcept
    {
        return netns_holder_list_unseen(list_.get());
    }

    /// The list for C, still owned by this object. Since 1.0.
    [[nodiscard]] const list_type *get() const noexcept { return list_.get(); }

private:
    detail::owner<list_type> list_{};
};

/// A name in a run directory, or a namespace without one in list_all(). See netns_list(3) and netns_list_all(3).
/// Since 1.0.
class name_info : public detail::element<netns_name_snapshot> {
public:
    using element::element;

    /// The name; empty for a namespace that has none. Since 1.0.
    [[nodiscard]] std::string_view name() const noexcept { return detail::text(netns_list_name(list_, i_)); }
    /// The namespace's inode number; 0 for a stale name. Since 1.0.
    [[nodiscard]] std::uint64_t inode() const noexcept { return netns_list_inode(list_, i_); }
    /// Its cookie; 0 if it is not known. Since 1.0.
    [[nodiscard]] std::uint64_t cookie() const noexcept { return netns_list_cookie(list_, i_); }
};

/// What refers to a network namespace and keeps it alive. See netns_holder_list(3). Since 1.0.
class holder_info : public detail::element<netns_holder_snapshot> {
public:
    using element::element;

    /// NETNS_HOLDER_THREAD, _DESCRIPTOR, _SOCKET or _MOUNT; pass over others. Since 1.0.
    [[nodiscard]] int kind() const noexcept { return netns_holder_list_kind(list_, i_); }
    /// Its process; 0 for a socket that no process was found to have. Since 1.0.
    [[nodiscard]] pid_t pid() const noexcept { return netns_holder_list_pid(list_, i_); }
    /// Its thread. Since 1.0.
    [[nodiscard]] pid_t tid() const noexcept { return netns_holder_list_tid(list_, i_); }
    /// The descriptor's number in that process; -1 if it is none. Since 1.0.
    [[nodiscard]] int fd() const noexcept { return netns_holder_list_fd(list_, i_); }
    /// The mount point; empty if it is no mount. Since 1.0.
    [[nodiscard]] std::string_view path() const noexcept { return detail::text(netns_holder_list_path(list_, i_)); }
    /// The name of the program; empty if it is not known. Since 1.0.
    [[nodiscard]] std::string_view program() const noexcept
    {
        return detail::text(netns_holder_list_program(list_, i_));
    }
};

/// The nsid of a peer network namespace. See netns_nsid_list(3). Since 1.0.
class nsid_info : public detail::element<netns_nsid_snapshot> {
public:
    using element::element;

    /// The nsid. Since 1.0.
    [[nodiscard]] std::int32_t id() const noexcept { return netns_nsid_list_id(list_, i_); }
    /// In a list of a target's nsids: the nsid that the listed namespace has for the same peer, or NETNS_NSID_NONE.
    /// Since 1.0.
    [[nodiscard]] std::int32_t current() const noexcept { return netns_nsid_list_current(list_, i_); }
    /// A name of the namespace; empty if it has none. Since 1.0.
    [[nodiscard]] std::string_view name() const noexcept { return detail::text(netns_nsid_list_name(list_, i_)); }
};

/// An interface. See netns_link_list(3). Since 1.0.
class link_info : public detail::element<netns_link_snapshot> {
public:
    using element::element;

    /// Its name. Since 1.0.
    [[nodiscard]] std::string_view name() const noexcept { return detail::text(netns_link_list_name(list_, i_)); }
    /// Its index. Since 1.0.
    [[nodiscard]] std::uint32_t index() const noexcept { return netns_link_list_index(list_, i_); }
    /// Its kind, such as "veth"; empty for lo and hardware. Since 1.0.
    [[nodiscard]] std::string_view kind() const noexcept { return detail::text(netns_link_list_kind(list_, i_)); }
    /// The largest packet in bytes. Since 1.0.
    [[nodiscard]] std::uint32_t mtu() const noexcept { return netns_link_list_mtu(list_, i_); }
    /// IFF_UP and others of <net/if.h>. Since 1.0.
    [[nodiscard]] std::uint32_t flags() const noexcept { return netns_link_list_flags(list_, i_); }
    /// Its operational state, such as "up". Since 1.0.
    [[nodiscard]] std::string_view state() const noexcept { return detail::text(netns_link_list_state(list_, i_)); }
    /// Its link-layer address; empty if it has none. Since 1.0.
    [[nodiscard]] std::string_view address() const noexcept
    {
        return detail::text(netns_link_list_address(list_, i_));
    }
    /// The index of the bridge or the like that it is a port of, or 0. Since 1.0.
    [[nodiscard]] std::uint32_t master() const noexcept { return netns_link_list_master(list_, i_); }
    /// The index of a veth's peer, or of the interface that a macvlan or VLAN is on, or 0. Since 1.0.
    [[nodiscard]] std::uint32_t peer() const noexcept { return netns_link_list_peer(list_, i_); }
    /// The nsid of the namespace that peer() is an index in; -1 if it is the same one. Since 1.0.
    [[nodiscard]] std::int32_t peer_nsid() const noexcept { return netns_link_list_peer_nsid(list_, i_); }
};

/// An address of an interface. See netns_addr_list(3). Since 1.0.
class addr_info : public detail::element<netns_addr_snapshot> {
public:
    using element::element;

    /// The address, such as "192.0.2.1". Since 1.0.
    [[nodiscard]] std::string_view address() const noexcept
    {
        return detail::text(netns_addr_list_address(list_, i_));
    }
    /// The length of the prefix in bits. Since 1.0.
    [[nodiscard]] std::uint32_t prefix() const noexcept { return netns_addr_list_prefix(list_, i_); }
    /// AF_INET or AF_INET6. Since 1.0.
    [[nodiscard]] int family() const noexcept { return netns_addr_list_family(list_, i_); }
    /// The index of the interface. Since 1.0.
    [[nodiscard]] std::uint32_t index() const noexcept { return netns_addr_list_index(list_, i_); }
    /// The name of the interface; empty if it was deleted meanwhile. Since 1.0.
    [[nodiscard]] std::string_view ifname() const noexcept { return detail::text(netns_addr_list_ifname(list_, i_)); }
    /// RT_SCOPE_UNIVERSE (0) and others of <linux/rtnetlink.h>. Since 1.0.
    [[nodiscard]] std::uint32_t scope() const noexcept { return netns_addr_list_scope(list_, i_); }
    /// The label of an IPv4 address; empty if there is none. Since 1.0.
    [[nodiscard]] std::string_view label() const noexcept { return detail::text(netns_addr_list_label(list_, i_)); }
    /// IFA_F_PERMANENT and others of <linux/if_addr.h>. Since 1.0.
    [[nodiscard]] std::uint32_t flags() const noexcept { return netns_addr_list_flags(list_, i_); }
    /// The address of the other end; empty if there is none. Since 1.0.
    [[nodiscard]] std::string_view peer() const noexcept { return detail::text(netns_addr_list_peer(list_, i_)); }
    /// The broadcast address; empty if there is none. Since 1.0.
    [[nodiscard]] std::string_view broadcast() const noexcept
    {
        return detail::text(netns_addr_list_broadcast(list_, i_));
    }
};

/// A route. See netns_route_list(3). Since 1.0.
class route_info : public detail::element<netns_route_snapshot> {
public:
    using element::element;

    /// The destination, such as "192.0.2.0/24" or "default". Since 1.0.
    [[nodiscard]] std::string_view dst() const noexcept { return detail::text(netns_route_list_dst(list_, i_)); }
    /// AF_INET or AF_INET6. Since 1.0.
    [[nodiscard]] int family() const noexcept { return netns_route_list_family(list_, i_); }
    /// The gateway; empty if there is none. Since 1.0.
    [[nodiscard]] std::string_view via() const noexcept { return detail::text(netns_route_list_via(list_, i_)); }
    /// The index of the interface, or 0. Since 1.0.
    [[nodiscard]] std::uint32_t index() const noexcept { return netns_route_list_index(list_, i_); }
    /// The name of the interface; empty if there is none. Since 1.0.
    [[nodiscard]] std::string_view ifname() const noexcept { return detail::text(netns_route_list_ifname(list_, i_)); }
    /// The metric. Since 1.0.
    [[nodiscard]] std::uint32_t metric() const noexcept { return netns_route_list_metric(list_, i_); }
    /// The table: RT_TABLE_MAIN (254) and others of <linux/rtnetlink.h>. Since 1.0.
    [[nodiscard]] std::uint32_t table() const noexcept { return netns_route_list_table(list_, i_); }
    /// The origin of the route: RTPROT_KERNEL (2) and others of <linux/rtnetlink.h>. Since 1.0.
    [[nodiscard]] std::uint32_t protocol() const noexcept { return netns_route_list_protocol(list_, i_); }
    /// RT_SCOPE_UNIVERSE (0) and others of <linux/rtnetlink.h>. Since 1.0.
    [[nodiscard]] std::uint32_t scope() const noexcept { return netns_route_list_scope(list_, i_); }
    /// RTN_UNICAST (1) and others of <linux/rtnetlink.h>. Since 1.0.
    [[nodiscard]] std::uint32_t type() const noexcept { return netns_route_list_type(list_, i_); }
};

using name_list = snapshot<name_info>;
using holder_list = snapshot<holder_info>;
using nsid_list = snapshot<nsid_info>;
using link_list = snapshot<link_info>;
using addr_list = snapshot<addr_info>;
using route_list = snapshot<route_info>;

/// The names in NETNS_RUN_DIR. Throws error. See netns_list(3). Since 1.0.
[[nodiscard]] inline name_list list(std::uint32_t flags = 0)
{
    return name_list(detail::made_by<netns_name_snapshot>([&](auto out) { return netns_list(flags, out); }));
}

/// The names in another run directory. Throws error. See netns_list(3). Since 1.0.
[[nodiscard]] inline name_list list_at(const c_string &rundir, std::uint32_t flags = 0)
{
    return name_list(
        detail::made_by<netns_name_snapshot>([&](auto out) { return netns_list_at(rundir.get(), flags, out); }));
}

/// Every network namespace that the caller can find, with a name or without. Throws error. See
/// netns_list_all(3). Since 1.0.
[[nodiscard]] inline name_list list_all(std::uint32_t flags = 0)
{
    return name_list(detail::made_by<netns_name_snapshot>([&](auto out) { return netns_list_all(flags, out); }));
}

/* --- Programs -------------------------------------------------------------------------------- */

/// The user that a program runs as. Since 1.0.
struct spawn_user {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    /// The supplementary groups, and no others. Since 1.0.
    std::vector<std::uint32_t> groups{};
};

/// What handle::spawn() is to do otherwise. See netns_spawn(3). Since 1.0.
struct spawn_options {
    /// NETNS_SPAWN_KEEP_SYS, _KEEP_ETC, _SETSID, _STRICT_ETC, _TELL_ETC, _PIN_ETC; the others follow from the
    /// members. Since 1.0.
    std::uint32_t flags = 0;
    /// The descriptors that the program gets as 0, 1 and 2; the caller keeps them. -1: those of the caller.
    /// Since 1.0.
    int stdin_fd = -1;
    int stdout_fd = -1;
    int stderr_fd = -1;
    /// Whether the child has a pidfd, to poll for its end. Needs Linux 5.2. Since 1.0.
    bool pidfd = false;
    /// The working directory; empty: the caller's. Since 1.0.
    std::string cwd{};
    /// The user; none: the caller's. Since 1.0.
    std::optional<spawn_user> user{};
    /// The environment, as NAME=VALUE; none: the caller's. Since 1.0.
    std::optional<std::vector<std::string>> env{};
    /// The program; empty: the first argument. Since 1.0.
    std::string file{};
};

namespace detail {

// Pointers to texts, and a null pointer behind them, as C takes them. C does not write through them.
std::vector<char *> pointers_to(std::vector<std::string> &&texts) = delete;
inline std::vector<char *> pointers_to(const std::vector<std::string> &texts)
{
    std::vector<char *> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string &text : texts)
        pointers.push_back(const_cast<char *>(without_nul(text)));
    pointers.push_back(nullptr);
    return pointers;
}

inline std::vector<char *> pointers_to(const std::optional<std::vector<std::string>> &texts)
{
    return texts ? pointers_to(*texts) : std::vector<char *>();
}

} // namespace detail

/// A program that handle::spawn() has started, a child of this process. If neither wait() nor release() was called, the
/// destructor kills the program with SIGKILL and waits for it, so that no zombie is left; errno is not changed. Of all
/// functions here, only wait() is a cancellation point (pthread_cancel(3)). Since 1.0.
class child {
public:
    child() noexcept = default;
    /// Takes ownership of a process and its pidfd. Since 1.0.
    child(pid_t pid, unique_fd pidfd, int left_out = 0) noexcept
        : pid_(pid), pidfd_(std::move(pidfd)), left_out_(left_out)
    {
    }
    child(child &&other) noexcept
        : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), left_out_(other.left_out_)
    {
    }
    child &operator=(child &&other) noexcept
    {
        child taken(std::move(other));
        std::swap(pid_, taken.pid_);
        std::swap(pidfd_, taken.pidfd_);
        std::swap(left_out_, taken.left_out_);
        return *this;
    }
    child(const child &) = delete;
    child &operator=(const child &) = delete;
    ~child()
    {
        const detail::uncancelled here;
        const int saved = errno;
        // One that may not be killed, such as another user's, would be waited for without end.
        if (pid_ > 0 && is_there() && signal(SIGKILL) == 0)
            (void)reap();
        errno = saved;
    }

    /// The process ID; 0 if there is no program, or it was waited for. Since 1.0.
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// The pidfd, which this object closes; -1 without spawn_options::pidfd. Since 1.0.
    [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
    /// With NETNS_SPAWN_TELL_ETC: the number of files of /etc/netns/NAME that have nothing to cover. Since 1.0.
    [[nodiscard]] int left_out() const noexcept { return left_out_; }

    /// Waits for the end of the program, and returns its status as waitpid(2) does: for WIFEXITED, WEXITSTATUS
    /// and the like. Throws error: ECHILD if there is no program, or it was waited for elsewhere. Since 1.0.
    int wait()
    {
        const std::string what = about("wait for");
        const std::optional<int> status = pid_ > 0 ? reap() : std::nullopt;
        if (!status)
            detail::fail(ECHILD, what, "it was waited for already");
        pidfd_.reset();
        return *status;
    }

    /// Sends the program a signal. Throws error: ESRCH if there is no program. Since 1.0.
    void kill(int number)
    {
        if (pid_ <= 0 || signal(number) < 0)
            detail::fail(pid_ <= 0 ? ESRCH : errno, about("send a signal to"), "has it ended?");
    }

    /// Returns the process ID, for the caller to wait for. Closes the pidfd. Since 1.0.
    [[nodiscard]] pid_t release() noexcept
    {
        pidfd_.reset();
        return std::exchange(pid_, 0);
    }

private:
    // Whether the process ID is still that of this child, and no other process has got it.
    [[nodiscard]] bool is_there() const noexcept
    {
        const detail::uncancelled here;
        siginfo_t info;
        int result;
        do
            result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG);
        while (result < 0 && errno == EINTR);
        return result == 0;
    }

    int signal(int number) noexcept
    {
#if defined(SYS_pidfd_send_signal)
        if (pidfd_) {
            const long result = ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
            if (result == 0 || errno != ENOSYS)
                return static_cast<int>(result);
        }
#endif
        if (is_there())
            return ::kill(pid_, number);
        errno = ESRCH;
        return -1;
    }

    // Throws nothing, and is not noexcept, because waitpid(2) is a cancellation point.
    std::optional<int> reap()
    {
        int status = 0;
        pid_t found;
        do
            found = ::waitpid(pid_, &status, 0);
        while (found < 0 && errno == EINTR);
        pid_ = 0;
        return found > 0 ? std::optional<int>(status) : std::nullopt;
    }

    [[nodiscard]] std::string about(const char *verb) const
    {
        return std::string(verb) + " pid " + std::to_string(pid_) + ": find the child";
    }

    pid_t pid_ = 0;
    unique_fd pidfd_{};
    int left_out_ = 0;
};

/* --- Handles --------------------------------------------------------------------------------- */

class handle;

/// A visit of the calling thread to a network namespace, which ends with the scope. See netns_enter(3).
///
/// A visit can be neither copied nor moved, and belongs to the thread that started it. Visits nest, and end in the
/// reverse order. If the thread cannot switch back at the end of the scope, the destructor calls std::terminate() with
/// the error as the current exception, because a thread that continues in the wrong namespace uses the wrong network.
/// To end only the thread instead, call leave(), and release() if that throws. Since 1.0.
class [[nodiscard]] visit {
public:
    /// Moves the calling thread into the namespace. Throws error, and then the thread is where it was. Since 1.0.
    explicit visit(const handle &ns);
    visit(const visit &) = delete;
    visit &operator=(const visit &) = delete;
    /// Takes the thread back, or calls std::terminate(). errno is not changed. Since 1.0.
    ~visit()
    {
        const int saved = errno;
        try {
            leave();
        } catch (...) {
            // noexcept does so as well, but before GCC 14 not always with the error as the current exception.
            std::terminate();
        }
        errno = saved;
    }

    /// Takes the thread back now. Does nothing if it is back already. Throws error: ENOTRECOVERABLE if the kernel
    /// rejects that, EBADF if the program has closed the visit's descriptor, EINVAL on another thread. The visit
    /// has not ended then, and leave() may be called again. Since 1.0.
    void leave()
    {
        if (token_ < 0)
            return;
        if (!::pthread_equal(thread_, ::pthread_self()))
            detail::fail(EINVAL, "leave the namespace: check the thread", "another thread entered it");
        detail::check(netns_leave(token_));
        token_ = -1;
    }

    /// Whether the visit has not ended. Since 1.0.
    [[nodiscard]] bool is_active() const noexcept { return token_ >= 0; }

    /// Ends the visit and leaves the thread in the namespace. Returns the token, which the caller passes to
    /// netns_leave(3) or close(2). Since 1.0.
    [[nodiscard]] int release() noexcept { return std::exchange(token_, -1); }

private:
    int token_;
    pthread_t thread_;
};

namespace detail {

// A call of a C++ function by a C library, through which no exception may pass.
template <class Body> struct guarded_call {
    Body &body;
    std::exception_ptr thrown{};

    static int run(void *arg)
    {
        auto *self = static_cast<guarded_call *>(arg);
        try {
            self->body();
        } catch (...) {
            self->thrown = std::current_exception();
            // No exception of C++: pthread_exit(3), which has to go on, and takes the thread back on its way.
            if (!self->thrown)
                throw;
        }
        return 0;
    }
};

// Throws what the function threw, unless the thread could not switch back, which is worse.
inline void end_call(int result, const std::exception_ptr &thrown)
{
    if (result >= 0 && !thrown)
        return;
    if (!thrown)
        fail(-result);
    if (result >= 0)
        std::rethrow_exception(thrown);
    const error worse = stranded();
    try {
        std::rethrow_exception(thrown);
    } catch (...) {
        std::throw_with_nested(worse);
    }
}

template <class Go, class Body> void call_there(const Go &go, Body body)
{
    guarded_call<Body> call{body};
    const int result = go(&guarded_call<Body>::run, static_cast<void *>(&call));
    end_call(result, call.thrown);
}

// Calls the function by way of `go`, and gives what it returned.
template <class Result, class Go, class Function> Result result_there(const Go &go, const Function &function)
{
    if constexpr (std::is_void_v<Result>) {
        call_there(go, [&] { function(); });
    } else if constexpr (std::is_reference_v<Result>) {
        std::remove_reference_t<Result> *result = nullptr;
        call_there(go, [&] {
            Result got = function();
            result = std::addressof(got);
        });
        return static_cast<Result>(*result);
    } else {
        std::optional<std::remove_cv_t<Result>> result;
        call_there(go, [&] { result.emplace(function()); });
        return std::move(*result);
    }
}

} // namespace detail

/// Owns a handle of a network namespace. Move-only, and empty after a move. The functions that are not noexcept throw
/// error; EINVAL if the handle is empty. Since 1.0.
class handle {
public:
    /// An empty handle. Since 1.0.
    handle() noexcept = default;
    /// Takes ownership of a handle of C's; nullptr makes an empty one. Since 1.0.
    explicit handle(::netns *owned) noexcept : ns_(owned) {}

    /// The handle for C, still owned by this object; nullptr if it is empty. Since 1.0.
    [[nodiscard]] ::netns *get() const noexcept { return ns_.get(); }
    /// Returns the handle, which the caller passes to netns_close(3). Since 1.0.
    [[nodiscard]] ::netns *release() noexcept { return ns_.release(); }
    /// Releases the handle and takes ownership of another one. See netns_close(3). Since 1.0.
    void reset(::netns *owned = nullptr) noexcept { ns_.reset(owned); }
    /// Whether it is not empty. Since 1.0.
    [[nodiscard]] explicit operator bool() const noexcept { return ns_ != nullptr; }

    /* --- Lifecycle --- */

    /// Creates a namespace with a name, or opens it with NETNS_CREATE_EXIST_OK. See netns_create(3). Since 1.0.
    static handle create(const c_string &name, std::uint32_t flags = 0)
    {
        return made([&](auto out) { return netns_create(name.get(), flags, out); });
    }
    /// The same in another run directory. See netns_create(3). Since 1.0.
    static handle create_at(const c_string &rundir, const c_string &name, std::uint32_t flags = 0)
    {
        return made([&](auto out) { return netns_create_at(rundir.get(), name.get(), flags, out); });
    }
    /// Creates a namespace without a name. See netns_create(3). Since 1.0.
    [[nodiscard]] static handle create_anonymous(std::uint32_t flags = 0)
    {
        return made([&](auto out) { return netns_create(nullptr, flags, out); });
    }
    /// Opens a namespace by its name or, with a '/', its path. See netns_open(3). Since 1.0.
    [[nodiscard]] static handle open(const c_string &name, std::uint32_t flags = 0)
    {
        return made([&](auto out) { return netns_open(name.get(), flags, out); });
    }
    /// Opens a namespace by its name in another run directory. See netns_open(3). Since 1.0.
    [[nodiscard]] static handle open_at(const c_string &rundir, const c_string &name, std::uint32_t flags = 0)
    {
        return made([&](auto out) { return netns_open_at(rundir.get(), name.get(), flags, out); });
    }
    /// Opens the namespace of a process or thread. See netns_open(3). Since 1.0.
    [[nodiscard]] static handle open_pid(pid_t pid)
    {
        return made([&](auto out) { return netns_open_pid(pid, out); });
    }
    /// Opens the namespace that a descriptor, socket or pidfd refers to; the caller keeps fd. See
    /// netns_open(3). Since 1.0.
    [[nodiscard]] static handle open_fd(int fd)
    {
        return made([&](auto out) { return netns_open_fd(fd, out); });
    }
    /// Opens a namespace by inode number and cookie; a cookie of 0 is not known. See netns_open_id(3). Since 1.0.
    [[nodiscard]] static handle open_id(std::uint64_t inode, std::uint64_t cookie = 0)
    {
        return made([&](auto out) { return netns_open_id(inode, cookie, out); });
    }
    /// Opens the calling thread's namespace. See netns_open(3). Since 1.0.
    [[nodiscard]] static handle current()
    {
        return made([](auto out) { return netns_open_current(out); });
    }
    /// Makes a second handle of the same namespace. See netns_dup(3). Since 1.0.
    [[nodiscard]] handle dup() const
    {
        return made([&](auto out) { return netns_dup(must(), out); });
    }
    /// Gives the namespace one more name. See netns_attach(3). Since 1.0.
    void attach(const c_string &name, std::uint32_t flags = 0) const
    {
        detail::check(netns_attach(must(), name.get(), flags));
    }
    /// The same in another run directory. See netns_attach(3). Since 1.0.
    void attach_at(const c_string &rundir, const c_string &name, std::uint32_t flags = 0) const
    {
        detail::check(netns_attach_at(rundir.get(), must(), name.get(), flags));
    }
    /// Removes a name. The namespace stays while something else refers to it. See netns_remove(3). Since 1.0.
    static void remove(const c_string &name, std::uint32_t flags = 0)
    {
        detail::check(netns_remove(name.get(), flags));
    }
    /// The same in another run directory. See netns_remove(3). Since 1.0.
    static void remove_at(const c_string &rundir, const c_string &name, std::uint32_t flags = 0)
    {
        detail::check(netns_remove_at(rundir.get(), name.get(), flags));
    }

    /* --- Identity --- */

    /// The descriptor, which the handle closes; -1 if it is empty. See netns_fd(3). Since 1.0.
    [[nodiscard]] int fd() const noexcept { return ns_ ? netns_fd(get()) : -1; }
    /// The name; empty if it has none. Lives as long as the handle. See netns_fd(3). Since 1.0.
    [[nodiscard]] std::string_view name() const noexcept { return detail::text(netns_name(get())); }
    /// The path; empty if it has none. Lives as long as the handle. See netns_fd(3). Since 1.0.
    [[nodiscard]] std::string_view path() const noexcept { return detail::text(netns_path(get())); }
    /// The inode number; 0 if the handle is empty. See netns_fd(3). Since 1.0.
    [[nodiscard]] std::uint64_t inode() const noexcept { return netns_inode(get()); }
    /// The device number of the inode; 0 if the handle is empty. See netns_fd(3). Since 1.0.
    [[nodiscard]] std::uint64_t device() const noexcept { return netns_device(get()); }
    /// The cookie, which no other namespace gets until the next boot. See netns_cookie(3). Since 1.0.
    [[nodiscard]] std::uint64_t cookie() const
    {
        std::uint64_t found = 0;
        detail::check(netns_cookie(must(), &found));
        return found;
    }
    /// Whether the calling thread is in the namespace. See netns_equal(3). Since 1.0.
    [[nodiscard]] bool is_current() const { return detail::check(netns_is_current(must())) != 0; }
    /// Whether both are of the same namespace, or both are empty. See netns_equal(3). Since 1.0.
    friend bool operator==(const handle &a, const handle &b) noexcept
    {
        return a.get() == b.get() || netns_equal(a.get(), b.get()) != 0;
    }
    friend bool operator!=(const handle &a, const handle &b) noexcept { return !(a == b); }

    /* --- The calling thread --- */

    /// Moves the calling thread into the namespace, one way. See netns_setns(3). Since 1.0.
    void setns() const { detail::check(netns_setns(must())); }
    /// The same with a mount namespace of its own. See netns_setns_mounts(3). Since 1.0.
    void setns_mounts(std::uint32_t flags = 0) const { detail::check(netns_setns_mounts(must(), flags)); }
    /// Moves the calling thread into the namespace until the guard's scope ends. See netns_enter(3). Since 1.0.
    visit enter() const { return visit(*this); }

    /// Calls f(args...) with the calling thread in the namespace, takes it back, and returns what f returned. What f
    /// throws is thrown when the thread is back. Throws error as well: with ENOTRECOVERABLE, f was called and
    /// the thread could not switch back; what f threw is nested in it (std::rethrow_if_nested). f may end the thread by
    /// pthread_exit(3), and must not leave by longjmp(3). See netns_run(3). Since 1.0.
    template <class F, class... Args> std::invoke_result_t<F, Args...> run(F &&f, Args &&...args) const
    {
        const ::netns *ns = must();
        return detail::result_there<std::invoke_result_t<F, Args...>>(
            [ns](int (*call)(void *), void *arg) { return netns_run(ns, call, arg, nullptr); },
            [&]() -> decltype(auto) { return std::invoke(std::forward<F>(f), std::forward<Args>(args)...); });
    }
    /// The same for a thread whose own namespace is home, a handle of current(): nothing but two switches. The
    /// thread is in home afterwards. See netns_socket_from(3). Since 1.0.
    template <class F, class... Args>
    std::invoke_result_t<F, Args...> run_from(const handle &home, F &&f, Args &&...args) const
    {
        const ::netns *ns = must(), *from = home.must();
        return detail::result_there<std::invoke_result_t<F, Args...>>(
            [ns, from](int (*call)(void *), void *arg) { return netns_run_from(from, ns, call, arg, nullptr); },
            [&]() -> decltype(auto) { return std::invoke(std::forward<F>(f), std::forward<Args>(args)...); });
    }
    /// Opens a socket in the namespace, close-on-exec. See netns_socket(3). Since 1.0.
    [[nodiscard]] unique_fd socket(int domain, int type, int protocol = 0) const
    {
        return unique_fd(detail::check(netns_socket(must(), domain, type, protocol)));
    }
    /// The same for a thread whose own namespace is home. See netns_socket_from(3). Since 1.0.
    [[nodiscard]] unique_fd socket_from(const handle &home, int domain, int type, int protocol = 0) const
    {
        return unique_fd(detail::check(netns_socket_from(home.must(), must(), domain, type, protocol)));
    }

    /* --- Names, processes, holders, sysctls --- */

    /// The names that the namespace has in NETNS_RUN_DIR. See netns_names(3). Since 1.0.
    [[nodiscard]] name_list names(std::uint32_t flags = 0) const
    {
        return name_list(
            detail::made_by<netns_name_snapshot>([&](auto out) { return netns_names(must(), flags, out); }));
    }
    /// The same in another run directory. See netns_names(3). Since 1.0.
    [[nodiscard]] name_list names_at(const c_string &rundir, std::uint32_t flags = 0) const
    {
        return name_list(detail::made_by<netns_name_snapshot>(
            [&](auto out) { return netns_names_at(rundir.get(), must(), flags, out); }));
    }
    /// The processes in the namespace; with NETNS_PIDS_THREADS the threads. See netns_pids(3). Since 1.0.
    [[nodiscard]] std::vector<pid_t> pids(std::uint32_t flags = 0) const
    {
        std::vector<pid_t> found(32);
        for (;;) {
            const std::size_t room = found.size();
            const std::size_t count = detail::check_size(netns_pids(must(), flags, found.data(), room));
            if (count <= room) {
                found.resize(count);
                return found;
            }
            found.resize(count + count / 4);
        }
    }
    /// What refers to the namespace and keeps it alive. See netns_holder_list(3). Since 1.0.
    [[nodiscard]] holder_list holders(std::uint32_t flags = 0) const
    {
        return holder_list(
            detail::made_by<netns_holder_snapshot>([&](auto out) { return netns_holder_list(must(), flags, out); }));
    }
    /// The value of a sysctl, such as "net.ipv4.ip_forward". See netns_sysctl_get(3). Since 1.0.
    [[nodiscard]] std::string sysctl_get(const c_string &name) const
    {
        std::string value(128, '\0');
        for (;;) {
            const std::size_t length =
                detail::check_size(netns_sysctl_get(must(), name.get(), value.data(), value.size()));
            const bool is_whole = length < value.size();
            value.resize(is_whole ? length : length + 1);
            if (is_whole)
                return value;
        }
    }
    /// Sets a sysctl. See netns_sysctl_get(3). Since 1.0.
    void sysctl_set(const c_string &name, const c_string &value) const
    {
        detail::check(netns_sysctl_set(must(), name.get(), value.get()));
    }

    /* --- Nsids of peer network namespaces --- */

    /// The nsid of ns in this namespace; none if it has none (ENODATA). See netns_nsid_get(3). Since 1.0.
    [[nodiscard]] std::optional<std::int32_t> nsid_get(const handle &ns) const
    {
        const int result = netns_nsid_get(must(), ns.must());
        return result == -ENODATA ? std::nullopt : std::optional<std::int32_t>(detail::check(result));
    }
    /// Gives ns an nsid in this namespace, and returns it. See netns_nsid_get(3). Since 1.0.
    std::int32_t nsid_set(const handle &ns, std::int32_t nsid = NETNS_NSID_AUTO) const
    {
        return detail::check(netns_nsid_set(must(), ns.must(), nsid));
    }
    /// The nsid of ns in this namespace, a new one if it has none. See netns_nsid_get(3). Since 1.0.
    std::int32_t nsid_ensure(const handle &ns) const { return detail::check(netns_nsid_ensure(must(), ns.must())); }
    /// The nsids in this namespace or, with a target, those of the namespace that has this nsid here. See
    /// netns_nsid_list(3). Since 1.0.
    [[nodiscard]] nsid_list nsids(std::int32_t target = NETNS_NSID_NONE, std::uint32_t flags = 0) const
    {
        return nsids_at(nullptr, target, flags);
    }
    /// The same with the names of another run directory. See netns_nsid_list(3). Since 1.0.
    [[nodiscard]] nsid_list nsids_at(const c_string &rundir, std::int32_t target = NETNS_NSID_NONE,
                                     std::uint32_t flags = 0) const
    {
        return nsid_list(detail::made_by<netns_nsid_snapshot>(
            [&](auto out) { return netns_nsid_list(rundir.get(), must(), target, flags, out); }));
    }

    /* --- Interfaces, addresses, routes --- */

    /// Moves an interface to another namespace; nullptr keeps its name. See netns_link_move(3). Since 1.0.
    void link_move(const c_string &ifname, const handle &to, const c_string &newname = nullptr) const
    {
        detail::check(netns_link_move(must(), ifname.get(), to.must(), newname.get()));
    }
    /// Creates an interface of a kind that needs no parameters. See netns_link_add(3). Since 1.0.
    void link_add(const c_string &ifname, const c_string &kind) const
    {
        detail::check(netns_link_add(must(), ifname.get(), kind.get()));
    }
    /// Creates a veth pair, one end here and one in peer_ns. See netns_veth_add(3). Since 1.0.
    void veth_add(const c_string &ifname, const handle &peer_ns, const c_string &peer_ifname) const
    {
        detail::check(netns_veth_add(must(), ifname.get(), peer_ns.must(), peer_ifname.get()));
    }
    /// Creates a macvlan on an interface of parent_ns. See netns_macvlan_add(3). Since 1.0.
    void macvlan_add(const c_string &ifname, const handle &parent_ns, const c_string &parent,
                     const c_string &mode = nullptr) const
    {
        detail::check(netns_macvlan_add(must(), ifname.get(), parent_ns.must(), parent.get(), mode.get()));
    }
    /// Creates a VLAN interface on an interface of parent_ns. See netns_macvlan_add(3). Since 1.0.
    void vlan_add(const c_string &ifname, const handle &parent_ns, const c_string &parent, std::uint16_t id) const
    {
        detail::check(netns_vlan_add(must(), ifname.get(), parent_ns.must(), parent.get(), id));
    }
    /// Deletes an interface and, of a veth, its peer. See netns_link_add(3). Since 1.0.
    void link_del(const c_string &ifname) const { detail::check(netns_link_del(must(), ifname.get())); }
    /// Brings an interface up. See netns_link_up(3). Since 1.0.
    void link_up(const c_string &ifname) const { detail::check(netns_link_up(must(), ifname.get())); }
    /// Takes an interface down. See netns_link_up(3). Since 1.0.
    void link_down(const c_string &ifname) const { detail::check(netns_link_down(must(), ifname.get())); }
    /// Sets an interface's MTU. See netns_link_set_mtu(3). Since 1.0.
    void link_set_mtu(const c_string &ifname, std::uint32_t mtu) const
    {
        detail::check(netns_link_set_mtu(must(), ifname.get(), mtu));
    }
    /// Sets an interface's link-layer address. See netns_link_set_mtu(3). Since 1.0.
    void link_set_address(const c_string &ifname, const c_string &lladdr) const
    {
        detail::check(netns_link_set_address(must(), ifname.get(), lladdr.get()));
    }
    /// Makes an interface a port of a bridge or the like; nullptr removes it from there. See netns_link_set_mtu(3).
    /// Since 1.0.
    void link_set_master(const c_string &ifname, const c_string &master) const
    {
        detail::check(netns_link_set_master(must(), ifname.get(), master.get()));
    }
    /// The interfaces. See netns_link_list(3). Since 1.0.
    [[nodiscard]] link_list links(std::uint32_t flags = 0) const
    {
        return link_list(
            detail::made_by<netns_link_snapshot>([&](auto out) { return netns_link_list(must(), flags, out); }));
    }
    /// Gives an interface an address, such as "192.0.2.1/24"; flags may be NETNS_ADDR_NODAD. See
    /// netns_addr_add(3). Since 1.0.
    void addr_add(const c_string &ifname, const c_string &cidr, std::uint32_t flags = 0) const
    {
        detail::check(netns_addr_add_flags(must(), ifname.get(), cidr.get(), flags));
    }
    /// Deletes an address of an interface. See netns_addr_add(3). Since 1.0.
    void addr_del(const c_string &ifname, const c_string &cidr) const
    {
        detail::check(netns_addr_del(must(), ifname.get(), cidr.get()));
    }
    /// The addresses of all interfaces. See netns_addr_list(3). Since 1.0.
    [[nodiscard]] addr_list addrs(std::uint32_t flags = 0) const
    {
        return addr_list(
            detail::made_by<netns_addr_snapshot>([&](auto out) { return netns_addr_list(must(), flags, out); }));
    }
    /// Adds a route to the main table, by way of a gateway, an interface or both; nullptr is none. See
    /// netns_route_add(3). Since 1.0.
    void route_add(const c_string &dst, const c_string &via, const c_string &ifname = nullptr) const
    {
        detail::check(netns_route_add(must(), dst.get(), via.get(), ifname.get()));
    }
    /// Deletes a route of the main table. See netns_route_add(3). Since 1.0.
    void route_del(const c_string &dst, const c_string &via, const c_string &ifname = nullptr) const
    {
        detail::check(netns_route_del(must(), dst.get(), via.get(), ifname.get()));
    }
    /// The routes of the main table, or of all with NETNS_ROUTE_LIST_ALL_TABLES. See netns_route_list(3).
    /// Since 1.0.
    [[nodiscard]] route_list routes(std::uint32_t flags = 0) const
    {
        return route_list(
            detail::made_by<netns_route_snapshot>([&](auto out) { return netns_route_list(must(), flags, out); }));
    }

    /* --- Programs --- */

    /// Replaces the calling process by a program in the namespace, with the caller's environment or another one.
    /// Returns by throwing error alone. See netns_exec(3). Since 1.0.
    [[noreturn]] void exec(const std::vector<std::string> &argv,
                           const std::optional<std::vector<std::string>> &env = std::nullopt) const
    {
        const std::vector<char *> args = detail::pointers_to(argv);
        const std::vector<char *> envp = detail::pointers_to(env);
        detail::fail(-netns_exec(must(), args.front(), args.data(), env ? envp.data() : nullptr));
    }
    /// Starts a program in the namespace. See netns_spawn(3). Since 1.0.
    [[nodiscard]] child spawn(const std::vector<std::string> &argv, const spawn_options &options = {}) const
    {
        const std::vector<char *> args = detail::pointers_to(argv);
        const std::vector<char *> envp = detail::pointers_to(options.env);
        const c_string file(options.file), cwd(options.cwd);
        std::int32_t pidfd = -1;
        pid_t pid = 0;
        netns_spawn_options raw = NETNS_SPAWN_OPTIONS_INIT;

        raw.flags = options.flags | NETNS_SPAWN_STDIO | (options.user ? NETNS_SPAWN_USER : 0U);
        raw.stdin_fd = options.stdin_fd;
        raw.stdout_fd = options.stdout_fd;
        raw.stderr_fd = options.stderr_fd;
        raw.pidfd = options.pidfd ? &pidfd : nullptr;
        raw.cwd = options.cwd.empty() ? nullptr : cwd.get();
        if (options.user) {
            raw.uid = options.user->uid;
            raw.gid = options.user->gid;
            raw.groups = options.user->groups.data();
            raw.groups_len = options.user->groups.size();
        }
        const char *program = options.file.empty() ? args.front() : file.get();
        const int left_out = detail::check(
            netns_spawn(must(), &raw, program, args.data(), options.env ? envp.data() : nullptr, &pid));
        return child(pid, unique_fd(pidfd), left_out);
    }

private:
    friend class visit;

    template <class Call> static handle made(const Call &call)
    {
        return handle(detail::made_by<::netns>(call).release());
    }

    // Some functions of C take NULL for the calling thread's namespace.
    [[nodiscard]] ::netns *must() const
    {
        if (!ns_)
            detail::fail(EINVAL, "use (none): find the namespace", "the handle is empty, or was moved from");
        return get();
    }

    detail::owner<::netns> ns_{};
};

inline visit::visit(const handle &ns) : token_(detail::check(netns_enter(ns.must()))), thread_(::pthread_self())
{
}

/* --- Monitor --------------------------------------------------------------------------------- */

/// A name that was added or removed. See netns_monitor_open(3). Since 1.0.
class event {
public:
    explicit event(const netns_event &raw) noexcept : raw_(raw) {}

    /// NETNS_EVENT_ADD or NETNS_EVENT_REMOVE; pass over others. Since 1.0.
    [[nodiscard]] std::uint32_t type() const noexcept { return raw_.type; }
    /// Whether the name can be opened from now on. Since 1.0.
    [[nodiscard]] bool is_add() const noexcept { return raw_.type == NETNS_EVENT_ADD; }
    /// Whether the name was removed, or is another namespace's now. Since 1.0.
    [[nodiscard]] bool is_remove() const noexcept { return raw_.type == NETNS_EVENT_REMOVE; }
    /// The name, which lives as long as the event. Since 1.0.
    [[nodiscard]] std::string_view name() const noexcept { return raw_.name; }
    /// The inode number of its namespace. Since 1.0.
    [[nodiscard]] std::uint64_t inode() const noexcept { return raw_.inode; }
    /// The cookie of its namespace; 0 if it is not known. Since 1.0.
    [[nodiscard]] std::uint64_t cookie() const noexcept { return raw_.cookie; }

private:
    netns_event raw_;
};

/// Watches a run directory for names that are added and removed. Move-only, and empty after a move. See
/// netns_monitor_open(3). Since 1.0.
class monitor {
public:
    /// Watches NETNS_RUN_DIR. Throws error. Since 1.0.
    explicit monitor(std::uint32_t flags = 0) : monitor(nullptr, flags) {}
    /// Watches another run directory. Throws error. Since 1.0.
    explicit monitor(const c_string &rundir, std::uint32_t flags = 0)
        : monitor_(detail::made_by<netns_monitor>(
              [&](auto out) { return netns_monitor_open(rundir.get(), flags, out); }))
    {
    }

    /// The descriptor to poll for POLLIN, which the monitor closes. Throws error. Since 1.0.
    [[nodiscard]] int fd() const { return detail::check(netns_monitor_fd(get())); }
    /// The next event, or none; does not wait. Throws error, and then no event is lost.
    /// Since 1.0.
    [[nodiscard]] std::optional<event> next()
    {
        netns_event raw = NETNS_EVENT_INIT;
        return detail::check(netns_monitor_next(get(), &raw)) ? std::optional<event>(event(raw)) : std::nullopt;
    }
    /// The monitor for C, still owned by this object. Since 1.0.
    [[nodiscard]] netns_monitor *get() const noexcept { return monitor_.get(); }

private:
    detail::owner<netns_monitor> monitor_;
};

} // namespace libnetns

#endif // NETNS_HPP
