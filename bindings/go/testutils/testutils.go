// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Package testutils makes network namespaces for tests: NewNS and UnmountNS of
// github.com/containernetworking/plugins/pkg/testutils.
package testutils

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/libnetns/libnetns/bindings/go/netns"
	"github.com/libnetns/libnetns/bindings/go/ns"
)

// runDir is /var/run/netns; in a user namespace, where that is another user's, it is below
// XDG_RUNTIME_DIR if that is set.
func runDir() netns.Dir {
	if own := os.Getenv("XDG_RUNTIME_DIR"); own != "" && !mine("/var/run") {
		return netns.Dir(filepath.Join(own, "netns"))
	}
	return "/var/run/netns"
}

func mine(path string) bool {
	var stat syscall.Stat_t
	return syscall.Stat(path, &stat) != nil || int(stat.Uid) == os.Geteuid()
}

// NewNS makes a network namespace with a name that no other has. No goroutine is moved into it.
func NewNS() (ns.NetNS, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	dir, name := runDir(), fmt.Sprintf("cnitest-%x", random)
	n, err := dir.Create(name, 0)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	opened, err := ns.GetNS(n.Path())
	if err != nil {
		// The first failure is the one to tell.
		_ = dir.Remove(name, 0)
	}
	return opened, err
}

// UnmountNS takes the namespace's name away, if it is one of those that NewNS gives.
func UnmountNS(n ns.NetNS) error {
	dir := runDir()
	if filepath.Dir(n.Path()) != string(dir) {
		return nil
	}
	return dir.Remove(filepath.Base(n.Path()), 0)
}
