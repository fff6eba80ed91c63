// SPDX-License-Identifier: MIT OR Apache-2.0

// The Go packages beside CNI's and vishvananda's, in one process: see bench.h for how.
package main

import (
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"time"

	cnins "github.com/containernetworking/plugins/pkg/ns"
	cnitest "github.com/containernetworking/plugins/pkg/testutils"
	vishvananda "github.com/vishvananda/netns"

	"github.com/libnetns/libnetns/bindings/go/netns"
	"github.com/libnetns/libnetns/bindings/go/ns"
	"github.com/libnetns/libnetns/bindings/go/testutils"
)

// way is one way to do a row's work, which undo, untimed, undoes.
type way struct {
	name string
	// The last way's share of this one's time at the most.
	atMost float64
	work   func(i int)
	undo   func(i int)
}

type row struct {
	name          string
	rounds, batch int
	// The calling goroutine is locked to its thread, as those of CNI's plugins are.
	locked bool
	ways   []way
}

// must ends the program at the first error.
func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func take[T any](value T, err error) T {
	must(err)
	return value
}

func (w way) time(batch int) float64 {
	start := time.Now()
	for i := 0; i < batch; i++ {
		w.work(i)
	}
	took := time.Since(start)
	if w.undo != nil {
		for i := 0; i < batch; i++ {
			w.undo(i)
		}
	}
	return float64(took.Nanoseconds()) / float64(batch)
}

func quantile(values []float64, share float64) float64 {
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[int(share*float64(len(sorted)-1)+0.5)]
}

// ratio is the median over the rounds of one way's time divided by another's in the same round.
func ratio(times [][]float64, a, b int) float64 {
	ratios := make([]float64, len(times[a]))
	for i := range ratios {
		ratios[i] = times[a][i] / times[b][i]
	}
	return quantile(ratios, 0.5)
}

// run times a row and prints it; it returns how many goals were missed.
func (r row) run() int {
	if r.locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	times := make([][]float64, len(r.ways))
	// The first rounds warm caches up, and count for nothing.
	for round := -2; round < r.rounds; round++ {
		// What one leaves for the kernel to clean up is paid by the next, which is any of the others.
		for _, which := range rand.Perm(len(r.ways)) {
			took := r.ways[which].time(r.batch)
			if round >= 0 {
				times[which] = append(times[which], took)
			}
		}
	}
	missed := 0
	for i, w := range r.ways {
		fmt.Printf("| %-18s | %-17s | %9.2f | %9.2f | %9.2f | %5.2f |", r.name, w.name, quantile(times[i], 0.5)/1e3,
			quantile(times[i], 0.1)/1e3, quantile(times[i], 0.9)/1e3, ratio(times, i, 0))
		if i == len(r.ways)-1 {
			missed = r.goals(times)
		} else {
			fmt.Println(" |")
		}
	}
	return missed
}

func (r row) goals(times [][]float64) int {
	missed, last := 0, len(r.ways)-1
	for i, w := range r.ways[:last] {
		measured := ratio(times, last, i)
		if i > 0 {
			fmt.Printf(" %.2f:", measured)
		}
		if measured <= w.atMost {
			fmt.Printf(" within %.2f of %s |", w.atMost, w.name)
			continue
		}
		missed++
		fmt.Printf(" ABOVE %.2f of %s ! |", w.atMost, w.name)
	}
	fmt.Println()
	return missed
}

const target = "/var/run/netns/target"

func doRow(name string, locked bool) row {
	theirs, ours := take(cnins.GetNS(target)), take(ns.GetNS(target))
	return row{name: name, rounds: 300, batch: 50, locked: locked, ways: []way{
		{name: "CNI", atMost: 1, work: func(int) { must(theirs.Do(func(cnins.NetNS) error { return nil })) }},
		{name: "libnetns", work: func(int) { must(ours.Do(func(ns.NetNS) error { return nil })) }},
	}}
}

func pathRow() row {
	return row{name: "WithNetNSPath", rounds: 300, batch: 50, ways: []way{
		{name: "CNI", atMost: 1, work: func(int) {
			must(cnins.WithNetNSPath(target, func(cnins.NetNS) error { return nil }))
		}},
		{name: "libnetns", work: func(int) {
			must(ns.WithNetNSPath(target, func(ns.NetNS) error { return nil }))
		}},
	}}
}

// createRow is of namespaces with a name, which the caller does not enter. vishvananda's way is the bare
// system calls, without a lock and without a look at what is there.
func createRow() row {
	const batch = 8
	theirs, ours := make([]cnins.NetNS, batch), make([]*netns.Namespace, batch)
	made := make([]vishvananda.NsHandle, batch)
	return row{name: "create", rounds: 200, batch: batch, locked: true, ways: []way{
		{name: "CNI NewNS", atMost: 1,
			work: func(i int) { theirs[i] = take(cnitest.NewNS()) },
			undo: func(i int) {
				must(theirs[i].Close())
				must(cnitest.UnmountNS(theirs[i]))
			}},
		{name: "vishvananda, back", atMost: 1.1,
			work: func(i int) {
				made[i] = backFrom(func() (vishvananda.NsHandle, error) { return vishvananda.NewNamed(nameOf(i)) })
			},
			undo: func(i int) {
				must(made[i].Close())
				must(vishvananda.DeleteNamed(nameOf(i)))
			}},
		{name: "libnetns",
			work: func(i int) { ours[i] = take(netns.Create(nameOf(i), 0)) },
			undo: func(i int) {
				must(ours[i].Close())
				must(netns.Remove(nameOf(i), 0))
			}},
	}}
}

// newNSRow is of the twins in testutils.
func newNSRow() row {
	const batch = 8
	theirs, ours := make([]cnins.NetNS, batch), make([]ns.NetNS, batch)
	return row{name: "NewNS", rounds: 200, batch: batch, locked: true, ways: []way{
		{name: "CNI", atMost: 1,
			work: func(i int) { theirs[i] = take(cnitest.NewNS()) },
			undo: func(i int) {
				must(theirs[i].Close())
				must(cnitest.UnmountNS(theirs[i]))
			}},
		{name: "libnetns",
			work: func(i int) { ours[i] = take(testutils.NewNS()) },
			undo: func(i int) {
				must(ours[i].Close())
				must(testutils.UnmountNS(ours[i]))
			}},
	}}
}

// backFrom is what its README does to be back afterwards.
func backFrom(create func() (vishvananda.NsHandle, error)) vishvananda.NsHandle {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home := take(vishvananda.Get())
	defer home.Close()
	made := take(create())
	must(vishvananda.Set(home))
	return made
}

func nameOf(i int) string {
	return fmt.Sprintf("bench%d", i)
}

// temporaryRow is of namespaces without a name.
func temporaryRow() row {
	const batch = 8
	theirs, ours := make([]cnins.NetNS, batch), make([]*netns.Namespace, batch)
	made := make([]vishvananda.NsHandle, batch)
	return row{name: "create, no name", rounds: 200, batch: batch, locked: true, ways: []way{
		{name: "CNI TempNetNS", atMost: 1,
			work: func(i int) { theirs[i] = take(cnins.TempNetNS()) },
			undo: func(i int) { must(theirs[i].Close()) }},
		{name: "vishvananda, back", atMost: 1.1,
			work: func(i int) { made[i] = backFrom(vishvananda.New) },
			undo: func(i int) { must(made[i].Close()) }},
		{name: "libnetns",
			work: func(i int) { ours[i] = take(netns.CreateAnonymous(0)) },
			undo: func(i int) { must(ours[i].Close()) }},
	}}
}

// newRow is of New itself, whose caller wants to be in there, and goes on from there.
func newRow() row {
	const batch = 8
	theirs, ours := make([]vishvananda.NsHandle, batch), make([]netns.NsHandle, batch)
	home := take(vishvananda.Get())
	back := func(i int) {
		if i == 0 {
			must(vishvananda.Set(home))
		}
	}
	return row{name: "New", rounds: 200, batch: batch, locked: true, ways: []way{
		{name: "vishvananda", atMost: 1.1,
			work: func(i int) { theirs[i] = take(vishvananda.New()) },
			undo: func(i int) {
				back(i)
				must(theirs[i].Close())
			}},
		{name: "libnetns",
			work: func(i int) { ours[i] = take(netns.New()) },
			undo: func(i int) {
				back(i)
				must(ours[i].Close())
			}},
	}}
}

func kernel() string {
	return strings.TrimSpace(string(take(os.ReadFile("/proc/sys/kernel/osrelease"))))
}

func main() {
	log.SetFlags(0)
	// What is made and removed is seen in this world alone.
	must(syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	must(syscall.Mount("bench", "/run", "tmpfs", 0, "mode=755"))
	there := take(netns.Create("target", 0))
	defer there.Close()
	fmt.Printf("libnetns %s by %s on Linux %s; us per call; ratio to the first way of the row\n\n",
		netns.Version(), runtime.Version(), kernel())
	fmt.Printf("| %-18s | %-17s | %9s | %9s | %9s | %5s | %s |\n", "row", "way", "median us", "p10 us", "p90 us", "ratio", "goal")
	fmt.Println("|---|---|---:|---:|---:|---:|---|")
	missed := 0
	for _, r := range []row{
		doRow("Do", false), doRow("Do, locked caller", true), pathRow(), newNSRow(), createRow(), temporaryRow(), newRow(),
	} {
		missed += r.run()
	}
	fmt.Printf("\n%d goals missed\n\n", missed)
}
