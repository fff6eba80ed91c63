// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/containernetworking/plugins/pkg/testutils"
)

// serveCNI uses CNI plugins' pkg/ns; create and remove use its testutils, with generated names.
func serveCNI() {
	there := take(ns.GetNS(runDir + target))
	made := make([]ns.NetNS, most)
	serve(versionOf("github.com/containernetworking/plugins"), []operation{
		{name: "create",
			work: func(i int) { made[i] = take(testutils.NewNS()) },
			undo: func(i int) {
				must(made[i].Close())
				must(testutils.UnmountNS(made[i]))
			}},
		{name: "create-anonymous",
			work: func(i int) { made[i] = take(ns.TempNetNS()) },
			undo: func(i int) { must(made[i].Close()) }},
		{name: "open", work: func(int) { must(take(ns.GetNS(runDir + target)).Close()) }},
		{name: "run", work: func(int) { must(there.Do(func(ns.NetNS) error { return nil })) }},
		{name: "run-path", work: func(int) {
			must(ns.WithNetNSPath(runDir+target, func(ns.NetNS) error { return nil }))
		}},
		{name: "socket", work: func(int) {
			must(there.Do(func(ns.NetNS) error {
				makeSocket()
				return nil
			}))
		}},
		{name: "remove", work: func(i int) {
			named := take(ns.GetNS(runDir + nameOf(i)))
			must(named.Close())
			must(testutils.UnmountNS(named))
		}},
	})
}
