// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Prints the TCP ports that programs listen on in every network namespace, with a name or without: `ss -ltn` of the
// whole system.
//
//     c++ -std=c++17 -o listeners listeners.cpp $(pkg-config --cflags --libs netns)
//     ./listeners
//
// Privilege: root, to see and to enter every namespace. A plain user is told which ones were left out.
// Cleanup: none; nothing is changed.

#include <libnetns/netns.hpp>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

namespace {

using ports = std::set<unsigned>;

// The state of a listening socket in /proc/net/tcp.
const std::string listening = "0A";

// Adds the listening ports that the file shows. It is one of the calling thread's network namespace, and lines are
// "sl local_address rem_address st ...", with addresses as ADDRESS:PORT in hexadecimal.
void read_ports(const char *path, ports &found)
{
    std::ifstream file(path);
    std::string line, number, local, remote, state;

    // No such file: the kernel has no IPv6. Any other failure must not look like "nobody listens".
    if (!file && (errno != ENOENT || std::string(path).back() != '6'))
        throw std::system_error(errno, std::generic_category(), path);
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream words(line);
        if (words >> number >> local >> remote >> state && state == listening)
            found.insert(static_cast<unsigned>(std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16)));
    }
    if (file.bad())
        throw std::system_error(EIO, std::generic_category(), path);
}

ports listening_ports()
{
    ports found;
    read_ports("/proc/thread-self/net/tcp", found);
    read_ports("/proc/thread-self/net/tcp6", found);
    return found;
}

libnetns::handle open(const libnetns::name_info &listed)
{
    if (listed.name().empty())
        return libnetns::handle::open_id(listed.inode(), listed.cookie());
    return libnetns::handle::open(listed.name());
}

std::string label(const libnetns::name_info &listed)
{
    if (listed.name().empty())
        return "net:[" + std::to_string(listed.inode()) + "]";
    return std::string(listed.name());
}

// Returns whether it could be looked at.
bool show(const libnetns::name_info &listed)
{
    try {
        // An exception in there would come out here, with the thread back at home.
        const ports found = open(listed).run(listening_ports);

        std::cout << label(listed) << ':';
        for (const unsigned port : found)
            std::cout << ' ' << port;
        std::cout << '\n';
        return true;
    } catch (const libnetns::error &e) {
        // A thread that could not come back must not go on.
        if (e.not_recoverable())
            throw;
        std::cerr << "listeners: " << e.what() << '\n';
        // One that has gone since the list was made is no failure.
        return e.code() == std::errc::no_such_file_or_directory || e.code().value() == ESTALE;
    }
}

} // namespace

int main(int argc, char **)
{
    if (argc > 1) {
        std::cerr << "usage: listeners\n";
        return 2;
    }
    try {
        bool is_whole = true;

        for (const auto &listed : libnetns::list_all())
            is_whole &= show(listed);
        return is_whole ? 0 : 1;
    } catch (const std::exception &e) {
        std::cerr << "listeners: " << e.what() << '\n';
        return 1;
    }
}
