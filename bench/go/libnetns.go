// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"log"
	"syscall"

	"github.com/libnetns/libnetns/bindings/go/netns"
	"github.com/libnetns/libnetns/bindings/go/ns"
)

func serveLibnetns() {
	here, there, box := take(netns.Current()), take(netns.Open(target)), take(netns.Open(sandbox))
	made := make([]*netns.Namespace, most)
	closeMade := func(i int) { must(made[i].Close()) }
	serve(netns.Version(), []operation{
		{name: "create", undo: closeMade, work: func(i int) { made[i] = take(netns.Create(nameOf(i), 0)) }},
		{name: "create-up", undo: closeMade, work: func(i int) {
			made[i] = take(netns.Create(nameOf(i), netns.CreateLoUp))
		}},
		{name: "create-anonymous", undo: closeMade, work: func(i int) { made[i] = take(netns.CreateAnonymous(0)) }},
		{name: "open", work: func(int) { must(take(netns.Open(target)).Close()) }},
		{name: "run", work: func(int) { must(there.Run(func() error { return nil })) }},
		{name: "run-path", work: func(int) {
			must(ns.WithNetNSPath(runDir+target, func(ns.NetNS) error { return nil }))
		}},
		{name: "socket", work: func(int) {
			must(syscall.Close(take(there.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0))))
		}},
		{name: "list", work: func(int) { take(netns.List(0)) }},
		{name: "pids", work: func(int) { take(there.Pids(0)) }},
		{name: "identify", work: func(int) {
			its := take(netns.OpenPid(guest()))
			take(its.Names())
			must(its.Close())
		}},
		{name: "nsid", work: func(int) { take(here.NsidOf(there)) }},
		{name: "nsid-elsewhere", work: func(int) { take(there.NsidOf(there)) }},
		{name: "attach", work: func(i int) { must(there.Attach(nameOf(i))) }},
		{name: "remove", work: func(i int) { must(netns.Remove(nameOf(i), 0)) }},
		{name: "program", work: func(int) {
			process := take(there.Spawn("/bin/true", []string{"true"}, nil))
			if state := take(process.Wait()); !state.Success() {
				log.Fatal("/bin/true: ", state)
			}
		}},
		{name: "sandbox", work: func(int) {
			must(there.VethAdd("v0p0", box, "v0p1"))
			must(there.AddrAdd("v0p0", outside+"/24", 0))
			must(box.AddrAdd("v0p1", inside+"/24", 0))
			must(box.AddrAdd("v0p1", far, 0))
			must(there.LinkUp("v0p0"))
			must(box.LinkUp("v0p1"))
			must(there.RouteAdd(far, inside, ""))
			must(box.RouteAdd("default", outside, ""))
		}},
	})
}
