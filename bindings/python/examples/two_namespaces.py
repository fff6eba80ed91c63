#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""One address in two network namespaces at once: an asyncio server in each, from one thread.

    unshare --map-root-user --mount --net python3 two_namespaces.py      # as any user
    python3 two_namespaces.py                                            # as root

Serves on 127.0.0.1 port 7777 in "red" and in "blue", and connects to each. The event loop does not
switch namespaces: a socket stays in the namespace that it was opened in. The same loop polls the
monitor's descriptor and prints the names that are added and removed.
"""

import asyncio
import socket

import libnetns

ADDRESS = ("127.0.0.1", 7777)


async def serve(ns: libnetns.Namespace, answer: str) -> asyncio.AbstractServer:
    """Listen in a namespace, and send the same answer to every client."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    listener = ns.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(ADDRESS)
    return await asyncio.start_server(talk, sock=listener)


async def ask(ns: libnetns.Namespace) -> str:
    """Return the answer of the server in a namespace."""
    client = ns.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ADDRESS)
    reader, writer = await asyncio.open_connection(sock=client)
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said.decode()


async def main() -> None:
    loop = asyncio.get_running_loop()
    with libnetns.Monitor() as monitor:

        def tell() -> None:
            for event in monitor.events():
                print(f"monitor: {event.type.name} {event.name}")

        loop.add_reader(monitor, tell)
        names = ("red", "blue")
        namespaces = [libnetns.create(name, lo_up=True) for name in names]
        try:
            servers = [await serve(ns, f"this is {ns.name}") for ns in namespaces]
            for ns in namespaces:
                print(f"{ADDRESS[0]}:{ADDRESS[1]} in {ns.name}: {await ask(ns)}")
            for server in servers:
                server.close()
        finally:
            for name, ns in zip(names, namespaces):
                libnetns.remove(name)
                ns.close()
        tell()
        loop.remove_reader(monitor)


if __name__ == "__main__":
    asyncio.run(main())
