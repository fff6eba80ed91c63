// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package ns_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
	"github.com/libnetns/libnetns/bindings/go/netns"
	"github.com/libnetns/libnetns/bindings/go/ns"
)

func TestMain(m *testing.M) {
	os.Exit(world.Main(m))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func temporary(t *testing.T) ns.NetNS {
	t.Helper()
	n, err := ns.TempNetNS()
	must(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

// inode returns the inode of the namespace that the descriptor refers to.
func inode(t *testing.T, n ns.NetNS) uint64 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(n.Fd()), &stat); err != nil {
		t.Error(err)
	}
	return stat.Ino
}

// current returns the inode of the calling thread's namespace.
func current(t *testing.T) uint64 {
	t.Helper()
	n, err := ns.GetCurrentNS()
	if err != nil {
		t.Error(err)
		return 0
	}
	defer n.Close()
	return inode(t, n)
}

func TestDoRunsInNamespaceAndPassesHost(t *testing.T) {
	world.Guard(t)
	blue, red := temporary(t), temporary(t)
	home := current(t)
	must(t, blue.Do(func(host ns.NetNS) error {
		if current(t) != inode(t, blue) || inode(t, host) != home {
			t.Error("not in blue, or not from home")
		}
		return red.Do(func(host ns.NetNS) error {
			if current(t) != inode(t, red) || inode(t, host) != inode(t, blue) {
				t.Error("not in red, or not from blue")
			}
			return nil
		})
	}))
	if current(t) != home {
		t.Error("the caller was moved")
	}
}

func TestHostIsClosedAfterDo(t *testing.T) {
	world.Guard(t)
	blue := temporary(t)
	var host ns.NetNS
	must(t, blue.Do(func(h ns.NetNS) error {
		host = h
		return h.Do(func(ns.NetNS) error { return nil })
	}))
	if err := host.Set(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

func TestDoReturnsTheCallbacksError(t *testing.T) {
	world.Guard(t)
	blue := temporary(t)
	if err := blue.Do(func(ns.NetNS) error { return io.EOF }); err != io.EOF {
		t.Error(err)
	}
}

func TestNonNamespacePathReturnsNSPathNotNSErr(t *testing.T) {
	world.Guard(t)
	for _, path := range []string{"/proc/uptime", "/proc/self/ns/mnt", "/proc/self/ns/uts", "/dev/null", "/proc", "."} {
		for _, err := range []error{ns.IsNSorErr(path), open(path), ns.WithNetNSPath(path, nil)} {
			var none ns.NSPathNotNSErr
			if !errors.As(err, &none) || !errors.Is(err, syscall.ENOTTY) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v (%T)", path, err, err)
			}
		}
	}
}

func TestMissingPathReturnsNSPathNotExistErr(t *testing.T) {
	world.Guard(t)
	for _, path := range []string{"/nowhere", "", "nowhere", "/proc/4194305/ns/net"} {
		for _, err := range []error{ns.IsNSorErr(path), open(path), ns.WithNetNSPath(path, nil)} {
			var missing ns.NSPathNotExistErr
			if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v (%T)", path, err, err)
			}
		}
	}
}

func open(path string) error {
	_, err := ns.GetNS(path)
	return err
}

func TestOtherFailuresReturnNetnsError(t *testing.T) {
	world.Guard(t)
	var failure *netns.Error
	err := ns.IsNSorErr("/proc/uptime/x")
	if !errors.As(err, &failure) || failure.Errno != syscall.ENOTDIR {
		t.Errorf("%v (%T)", err, err)
	}
	if s := (ns.NSPathNotNSErr{}).Error() + (ns.NSPathNotExistErr{}).Error(); s != "" {
		t.Error(s)
	}
}

func TestPathIdentifiesNamespace(t *testing.T) {
	world.Guard(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := ns.GetCurrentNS()
	must(t, err)
	defer here.Close()
	if want := fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid()); here.Path() != want {
		t.Error(here.Path(), want)
	}
	blue := temporary(t)
	again, err := ns.GetNS(blue.Path())
	must(t, err)
	defer again.Close()
	if inode(t, again) != inode(t, blue) || again.Path() != blue.Path() {
		t.Error(again.Path(), blue.Path())
	}
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(blue.Path(), link))
	must(t, ns.WithNetNSPath(link, func(host ns.NetNS) error {
		if current(t) != inode(t, blue) || inode(t, host) != inode(t, here) {
			t.Error("not in blue, or not from here")
		}
		return nil
	}))
}

func TestClosedNamespaceFailsWithErrClosed(t *testing.T) {
	world.Guard(t)
	blue := temporary(t)
	must(t, blue.Close())
	for _, err := range []error{blue.Close(), blue.Set(), blue.Do(nil)} {
		if !errors.Is(err, fs.ErrClosed) || !errors.Is(err, syscall.EBADF) {
			t.Errorf("%v (%T)", err, err)
		}
	}
	if blue.Fd() != ^uintptr(0) || blue.Path() == "" {
		t.Error(blue.Fd(), blue.Path())
	}
}

func TestSetSwitchesThread(t *testing.T) {
	world.Guard(t)
	blue := temporary(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := blue.Set(); err != nil || current(t) != inode(t, blue) {
			t.Error("not in blue", err)
		}
	}()
	<-done
}

func TestManyGoroutinesSwitchConcurrently(t *testing.T) {
	world.Guard(t)
	blue, red := temporary(t), temporary(t)
	home := current(t)
	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		here, there := blue, red
		if i%2 == 0 {
			here, there = red, blue
		}
		group.Add(1)
		go func() {
			defer group.Done()
			err := here.Do(func(host ns.NetNS) error {
				if current(t) != inode(t, here) || inode(t, host) != home {
					t.Error("not here, or not from home")
				}
				return ns.WithNetNSPath(there.Path(), func(host ns.NetNS) error {
					if current(t) != inode(t, there) || inode(t, host) != inode(t, here) {
						t.Error("not there, or not from here")
					}
					return io.EOF
				})
			})
			if err != io.EOF {
				t.Error(err)
			}
		}()
	}
	group.Wait()
}

func TestGoexitInDoReturnsErrGoexit(t *testing.T) {
	world.Guard(t)
	err := temporary(t).Do(func(ns.NetNS) error {
		runtime.Goexit()
		return nil
	})
	if !errors.Is(err, netns.ErrGoexit) {
		t.Error(err)
	}
}
