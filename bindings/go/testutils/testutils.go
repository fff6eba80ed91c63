// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Package testutils creates network namespaces for tests. It has NewNS and UnmountNS of
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

// runDir returns /var/run/netns. In a user namespace in which that directory belongs to another user, it
// returns a directory below XDG_RUNTIME_DIR, if that is set.
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

// NewNS creates a network namespace with a unique name. It moves no goroutine into the namespace.
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
		// Report the first failure.
		_ = dir.Remove(name, 0)
	}
	return opened, err
}

// UnmountNS removes the namespace's name if NewNS created it.
func UnmountNS(n ns.NetNS) error {
	dir := runDir()
	if filepath.Dir(n.Path()) != string(dir) {
		return nil
	}
	return dir.Remove(filepath.Base(n.Path()), 0)
}
