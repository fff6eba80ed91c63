# SPDX-License-Identifier: MIT OR Apache-2.0
"""An address in a namespace, and a program."""

from pyroute2 import NetNS, NSPopen, netns

netns.create("green")
with NetNS("green") as ns:
    ns.link("add", ifname="v0", kind="veth", peer={"ifname": "v1"})
    index = ns.link_lookup(ifname="v0")[0]
    ns.addr("add", index=index, address="192.0.2.1", prefixlen=24)
    ns.link("set", index=index, state="up")
    print([link.get_attr("IFLA_IFNAME") for link in ns.get_links()])
    print([address.get_attr("IFA_ADDRESS") for address in ns.get_addr(index=index, family=2)])
program = NSPopen("green", ["cat", "/proc/self/net/dev"], stdout=-1)
print("v0:" in program.communicate()[0].decode())
program.wait()
program.release()
print(sorted(netns.listnetns()))
netns.remove("green")
