#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs in two network namespaces at once, from one asyncio event loop.

    unshare --map-root-user --mount --net python3 programs.py      # as any user
    python3 programs.py                                            # as root

The loop reads the output of each program, and another thread waits for it to end. Nothing awaits in
`with ns.entered():`, where the loop's other tasks would be in the namespace as well. Sysctls are
set directly, without a program.
"""

import asyncio
import subprocess

import libnetns


async def output_of(ns: libnetns.Namespace, *args: str) -> str:
    """Return the output of a program in a namespace."""
    loop = asyncio.get_running_loop()
    process = ns.spawn(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # The transport closes the pipe at the end of the output.
    await loop.connect_read_pipe(lambda: protocol, process.stdout)
    said = await reader.read()
    if await asyncio.to_thread(process.wait) != 0:
        raise subprocess.CalledProcessError(process.returncode, args)
    return said.decode().strip()


async def main() -> None:
    names = ("red", "blue")
    namespaces = [libnetns.create(name) for name in names]
    try:
        for ns in namespaces:
            ns.link_add(f"br-{ns.name}", "bridge")
        namespaces[0].set_sysctl("net.ipv4.ip_forward", 1)
        # Each program has its own /sys, which shows the interfaces of its namespace.
        said = await asyncio.gather(*[output_of(ns, "ls", "/sys/class/net") for ns in namespaces])
        for name, ns, devices in zip(names, namespaces, said):
            forwards = ns.sysctl("net.ipv4.ip_forward")
            print(f"{name}: {' '.join(devices.split())}, ip_forward {forwards}")
    finally:
        for name, ns in zip(names, namespaces):
            libnetns.remove(name)
            ns.close()


if __name__ == "__main__":
    asyncio.run(main())
