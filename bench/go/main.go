// SPDX-License-Identifier: MIT OR Apache-2.0

// usage: go libnetns|vishvananda|cni; a worker as described in c/worker.h.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	target  = "target"
	sandbox = "sandbox"
	runDir  = "/var/run/netns/"
	// most is the maximum number in one line.
	most = 16384

	outside = "192.168.1.1"
	inside  = "192.168.1.2"
	far     = "172.16.0.2"
)

type operation struct {
	name string
	// work performs the operation once; i counts up from 0.
	work func(i int)
	// undo reverts it, for each i; nil if there is nothing to revert.
	undo func(i int)
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

func nameOf(i int) string {
	return "bench" + strconv.Itoa(i)
}

func guest() int {
	return take(strconv.Atoi(os.Getenv("NETNS_BENCH_GUEST")))
}

func makeSocket() {
	must(syscall.Close(take(syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0))))
}

// versionOf returns the version of a package that this program is built with.
func versionOf(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "?"
}

func (o operation) time(count int) time.Duration {
	start := time.Now()
	for i := 0; i < count; i++ {
		o.work(i)
	}
	took := time.Since(start)
	for i := 0; o.undo != nil && i < count; i++ {
		o.undo(i)
	}
	return took
}

// serve announces the operations, then executes requests until the input ends.
func serve(version string, operations []operation) {
	fmt.Print(version)
	known := map[string]operation{}
	for _, o := range operations {
		fmt.Print(" ", o.name)
		known[o.name] = o
	}
	fmt.Println()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		o, ok := known[words[0]]
		if !ok {
			log.Fatal("no such operation: ", words[0])
		}
		fmt.Println(o.time(take(strconv.Atoi(words[1]))).Nanoseconds())
	}
}

func main() {
	log.SetFlags(0)
	switch tool := os.Args[1]; tool {
	case "libnetns":
		serveLibnetns()
	case "vishvananda":
		serveVishvananda()
	case "cni":
		serveCNI()
	default:
		log.Fatal("usage: go libnetns|vishvananda|cni")
	}
}
