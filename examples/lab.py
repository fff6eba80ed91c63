#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Unit tests of network code, each in a lab of its own: client and server, joined by a veth pair.

    unshare --map-root-user --net python3 lab.py     # as anybody
    sudo python3 lab.py                              # as root

Privilege: root over a network namespace, as above. Cleanup: none. The namespaces have no names, so
nothing is left of them when the test ends, also when it is killed.
"""

import socket
import threading
import unittest

import libnetns

SERVER = ("192.0.2.2", 7777)
# Nothing here takes longer, unless it is broken.
TIMEOUT = 10


class Lab(unittest.TestCase):
    """client 192.0.2.1/24 ==== 192.0.2.2/24 server"""

    def setUp(self) -> None:
        self.client = self.closed_at_the_end(libnetns.create(lo_up=True))
        self.server = self.closed_at_the_end(libnetns.create(lo_up=True))
        self.client.veth_add("eth0", self.server, "eth0")
        for ns, address in (self.client, "192.0.2.1/24"), (self.server, "192.0.2.2/24"):
            ns.addr_add("eth0", address)
            ns.link_up("eth0")

    def closed_at_the_end(self, ns: libnetns.Namespace) -> libnetns.Namespace:
        self.addCleanup(ns.close)
        return ns

    def listen(self) -> socket.socket:
        """A listener in the server's namespace. This thread stays where it is."""
        listener = self.server.socket()
        self.addCleanup(listener.close)
        listener.settimeout(TIMEOUT)
        listener.bind(SERVER)
        listener.listen()
        return listener

    def connect(self) -> socket.socket:
        """A connection from the client's namespace."""
        connection = self.client.socket()
        self.addCleanup(connection.close)
        connection.settimeout(TIMEOUT)
        connection.connect(SERVER)
        return connection

    def test_peers_see_each_others_address(self) -> None:
        listener, connection = self.listen(), self.connect()
        accepted, peer = listener.accept()
        self.addCleanup(accepted.close)
        self.assertEqual(connection.getpeername(), SERVER)
        self.assertEqual(peer[0], "192.0.2.1")

    def test_data_arrives_unchanged(self) -> None:
        listener, connection = self.listen(), self.connect()
        accepted, _ = listener.accept()
        self.addCleanup(accepted.close)
        sent = bytes(range(256)) * 4096
        # More than the socket buffers hold.
        sender = threading.Thread(target=lambda: (connection.sendall(sent), connection.close()))
        sender.start()
        got = b""
        while part := accepted.recv(65536):
            got += part
        sender.join()
        self.assertEqual(got, sent)

    def test_connect_without_listener_is_refused(self) -> None:
        with self.assertRaises(ConnectionRefusedError):
            self.connect()

    def test_connect_fails_when_link_is_down(self) -> None:
        self.listen()
        self.client.link_down("eth0")
        with self.assertRaisesRegex(OSError, "Network is unreachable"):
            self.connect()

    def test_sysctl_is_per_namespace(self) -> None:
        self.client.set_sysctl("net.ipv4.ip_default_ttl", 7)
        self.assertEqual(self.client.sysctl("net.ipv4.ip_default_ttl"), "7")
        self.assertNotEqual(self.server.sysctl("net.ipv4.ip_default_ttl"), "7")


if __name__ == "__main__":
    unittest.main()
