// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"net"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// backFrom does the work on a locked thread and switches back, as in the package's README.
func backFrom(work func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home := take(netns.Get())
	work()
	must(netns.Set(home))
	must(home.Close())
}

func network(address string, bits int) *net.IPNet {
	return &net.IPNet{IP: net.ParseIP(address).To4(), Mask: net.CIDRMask(bits, 32)}
}

// setUpSandbox uses handles with permanently open sockets.
func setUpSandbox(there, box *netlink.Handle, boxNs netns.NsHandle) {
	must(there.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: "v0p0"},
		PeerName:      "v0p1",
		PeerNamespace: netlink.NsFd(boxNs),
	}))
	a, b := take(there.LinkByName("v0p0")), take(box.LinkByName("v0p1"))
	must(there.AddrAdd(a, &netlink.Addr{IPNet: network(outside, 24)}))
	must(box.AddrAdd(b, &netlink.Addr{IPNet: network(inside, 24)}))
	must(box.AddrAdd(b, &netlink.Addr{IPNet: network(far, 32)}))
	must(there.LinkSetUp(a))
	must(box.LinkSetUp(b))
	must(there.RouteAdd(&netlink.Route{Dst: network(far, 32), Gw: net.ParseIP(inside)}))
	must(box.RouteAdd(&netlink.Route{Gw: net.ParseIP(outside)}))
}

// serveVishvananda uses netns, and netlink for queries and setup.
func serveVishvananda() {
	there, box := take(netns.GetFromName(target)), take(netns.GetFromName(sandbox))
	here, atTarget, atBox := take(netlink.NewHandle()), take(netlink.NewHandleAt(there)), take(netlink.NewHandleAt(box))
	made := make([]netns.NsHandle, most)
	closeMade := func(i int) { must(made[i].Close()) }
	serve(versionOf("github.com/vishvananda/netns"), []operation{
		{name: "create", undo: closeMade, work: func(i int) {
			backFrom(func() { made[i] = take(netns.NewNamed(nameOf(i))) })
		}},
		{name: "create-up", undo: closeMade, work: func(i int) {
			backFrom(func() {
				made[i] = take(netns.NewNamed(nameOf(i)))
				must(netlink.LinkSetUp(take(netlink.LinkByName("lo"))))
			})
		}},
		{name: "create-anonymous", undo: closeMade, work: func(i int) {
			backFrom(func() { made[i] = take(netns.New()) })
		}},
		{name: "open", work: func(int) {
			handle := take(netns.GetFromName(target))
			must(handle.Close())
		}},
		{name: "enter", work: func(int) { backFrom(func() { must(netns.Set(there)) }) }},
		{name: "socket", work: func(int) {
			backFrom(func() {
				must(netns.Set(there))
				makeSocket()
			})
		}},
		{name: "nsid", work: func(int) { take(here.GetNetNsIdByFd(int(there))) }},
		{name: "nsid-elsewhere", work: func(int) { take(atTarget.GetNetNsIdByFd(int(there))) }},
		{name: "remove", work: func(i int) { must(netns.DeleteNamed(nameOf(i))) }},
		{name: "sandbox", work: func(int) { setUpSandbox(atTarget, atBox, box) }},
	})
}
