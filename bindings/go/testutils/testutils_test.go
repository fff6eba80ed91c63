// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package testutils

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
	"github.com/libnetns/libnetns/bindings/go/netns"
	"github.com/libnetns/libnetns/bindings/go/ns"
)

func TestMain(m *testing.M) {
	os.Exit(world.Main(m))
}

func TestNewNSCreatesAndUnmountNSRemoves(t *testing.T) {
	world.Guard(t)
	made, err := NewNS()
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if err := ns.IsNSorErr(made.Path()); err != nil || !strings.HasPrefix(made.Path(), "/var/run/netns/cnitest-") {
		t.Error(made.Path(), err)
	}
	entries, err := netns.List(0)
	if err != nil || len(entries) != 1 || "/var/run/netns/"+entries[0].Name != made.Path() {
		t.Error(entries, err)
	}
	if err := UnmountNS(made); err != nil {
		t.Error(err)
	}
	if err := UnmountNS(made); err == nil {
		t.Error("taken away twice")
	}
	if entries, err := netns.List(netns.ListStale); err != nil || len(entries) != 0 {
		t.Error(entries, err)
	}
}

func TestUnmountNSIgnoresUnnamedNamespace(t *testing.T) {
	world.Guard(t)
	here, err := ns.GetCurrentNS()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if err := UnmountNS(here); err != nil {
		t.Error(err)
	}
}

func TestNewNSAvoidsRunOfAnotherUser(t *testing.T) {
	world.Guard(t)
	own := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", own)
	if dir := runDir(); dir != "/var/run/netns" {
		t.Error(dir)
	}
	if err := os.Chown("/run", 1, 1); err != nil {
		t.Skip("there is no other user here:", err)
	}
	made, err := NewNS()
	chowned := os.Chown("/run", 0, 0)
	if err != nil || chowned != nil {
		t.Fatal(err, chowned)
	}
	defer made.Close()
	if !strings.HasPrefix(made.Path(), own+"/netns/") {
		t.Error(made.Path())
	}
	if err := netns.Dir(own+"/netns").Remove(made.Path()[len(own+"/netns/"):], 0); err != nil {
		t.Error(err)
	}
	// The run directory is a mount point, which would keep the temporary directory from being removed.
	if err := syscall.Unmount(own+"/netns", syscall.MNT_DETACH); err != nil {
		t.Error(err)
	}
}
