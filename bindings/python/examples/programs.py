#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs in two network namespaces at once, from one asyncio event loop.

    unshare --map-root-user --mount --net python3 programs.py      # as anybody
    python3 programs.py                                            # as root

The loop reads what each program prints, and waits for its end on another thread. Nothing awaits in
`with ns.entered():`, where the loop's other tasks would be in the namespace as well. Sysctls are
set from here, without a program.
"""

import asyncio
import subprocess

import libnetns


async def output_of(ns: libnetns.Namespace, *args: str) -> str:
    """What a program in a namespace prints."""
    loop = asyncio.get_running_loop()
    process = ns.spawn(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # The transport closes the pipe when it has been read to its end.
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
        # Each has a /sys of its own, which shows the namespace's devices.
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
