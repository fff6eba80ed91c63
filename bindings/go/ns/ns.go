// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Package ns has the names of github.com/containernetworking/plugins/pkg/ns, with the same meaning, and
// takes nothing for a network namespace that is none: not every file of /proc, nor a namespace of
// another kind.
package ns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"github.com/libnetns/libnetns/bindings/go/netns"
)

// What statfs(2) says of a namespace's file on nsfs, and of one in /proc before Linux 3.19.
const (
	NSFS_MAGIC   = 0x6e736673
	PROCFS_MAGIC = 0x9fa0
)

// NetNS is a network namespace.
type NetNS interface {
	// Do calls toRun in the namespace and returns what it returns, or netns.ErrGoexit if it ended its
	// goroutine instead. toRun has a goroutine of its own, locked to its thread, which goes back afterwards
	// or ends; the caller stays where it is. Its argument is the caller's namespace, which is closed when
	// Do returns. Goroutines that toRun starts are not in the namespace, and it must not call
	// runtime.UnlockOSThread more often than runtime.LockOSThread. netns.Namespace.Run tells what toRun may
	// leave behind in its thread.
	Do(toRun func(NetNS) error) error

	// Set moves the calling thread into the namespace. The goroutine must be locked to it; Do sees to
	// that, and to the way back.
	Set() error

	// Path is where the namespace was opened.
	Path() string

	// Fd is a descriptor of the namespace, which lasts until Close.
	Fd() uintptr

	// Close ends the object. The namespace lives on as long as it has a name, another descriptor, a
	// socket or a thread in it.
	Close() error
}

// NSPathNotExistErr says that there is nothing at a path.
type NSPathNotExistErr struct{ err error }

func (e NSPathNotExistErr) Error() string { return message(e.err) }

// Unwrap returns the library's error, a *netns.Error.
func (e NSPathNotExistErr) Unwrap() error { return e.err }

// NSPathNotNSErr says that what is at a path is no network namespace.
type NSPathNotNSErr struct{ err error }

func (e NSPathNotNSErr) Error() string { return message(e.err) }

// Unwrap returns the library's error, a *netns.Error.
func (e NSPathNotNSErr) Unwrap() error { return e.err }

// message is for the errors that others make, which have none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

type netNS struct {
	ns   *netns.Namespace
	path string
}

// IsNSorErr returns nil if there is a network namespace at the path, otherwise an NSPathNotExistErr, an
// NSPathNotNSErr, or another failure to find out.
func IsNSorErr(nspath string) error {
	n, err := GetNS(nspath)
	if err != nil {
		return err
	}
	return n.Close()
}

// GetNS opens the network namespace at the path. Its errors are those of IsNSorErr.
func GetNS(nspath string) (NetNS, error) {
	n, err := netns.OpenPath(nspath)
	switch {
	case err == nil:
		return &netNS{n, nspath}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, NSPathNotExistErr{err}
	case errors.Is(err, syscall.ENOTTY):
		return nil, NSPathNotNSErr{err}
	}
	return nil, err
}

// GetCurrentNS opens the network namespace that the calling thread is in.
func GetCurrentNS() (NetNS, error) {
	// The path is that of the thread whose namespace it is.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n, err := netns.Current()
	if err != nil {
		return nil, err
	}
	return &netNS{n, fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())}, nil
}

// TempNetNS makes a network namespace without a name, which lasts until Close, or as long as there is a
// socket or a thread in it. Its path leads there until Close.
func TempNetNS() (NetNS, error) {
	n, err := netns.CreateAnonymous(0)
	if err != nil {
		return nil, err
	}
	return &netNS{n, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.Fd())}, nil
}

// WithNetNSPath calls toRun in the network namespace at the path; see NetNS.Do.
func WithNetNSPath(nspath string, toRun func(NetNS) error) error {
	n, err := GetNS(nspath)
	if err != nil {
		return err
	}
	defer n.Close()
	return n.Do(toRun)
}

func (n *netNS) Do(toRun func(NetNS) error) error {
	host, err := GetCurrentNS()
	if err != nil {
		return err
	}
	defer host.Close()
	return n.ns.Run(func() error { return toRun(host) })
}

func (n *netNS) Set() error { return n.ns.Setns() }

func (n *netNS) Path() string { return n.path }

func (n *netNS) Fd() uintptr { return uintptr(n.ns.Fd()) }

func (n *netNS) Close() error { return n.ns.Close() }
