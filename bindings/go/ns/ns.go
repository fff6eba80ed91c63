// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Package ns has the API of github.com/containernetworking/plugins/pkg/ns, with the same names and meaning.
// Unlike the original, it rejects files that are not network namespaces, such as other files in /proc and
// namespaces of other types.
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

// The values that statfs(2) returns for a namespace file on nsfs, and for one in /proc before Linux 3.19.
const (
	NSFS_MAGIC   = 0x6e736673
	PROCFS_MAGIC = 0x9fa0
)

// NetNS is a network namespace.
type NetNS interface {
	// Do calls toRun in the namespace and returns its result, or netns.ErrGoexit if toRun ended its goroutine
	// instead. toRun runs on a separate goroutine that is locked to its thread; the thread switches back
	// afterwards, or ends. The caller stays in its own namespace, which is the argument of toRun and is
	// closed when Do returns. Goroutines that toRun starts are not in the namespace, and it must not call
	// runtime.UnlockOSThread more often than runtime.LockOSThread. See netns.Namespace.Run for the changes
	// that toRun may make to its thread.
	Do(toRun func(NetNS) error) error

	// Set moves the calling thread into the namespace. The goroutine must be locked to its thread. Do takes
	// care of that, and of switching back.
	Set() error

	// Path returns the path by which the namespace was opened.
	Path() string

	// Fd returns a descriptor of the namespace, which is valid until Close.
	Fd() uintptr

	// Close closes the handle. The namespace lives as long as a name, another descriptor, a socket or a
	// thread refers to it.
	Close() error
}

// NSPathNotExistErr means that there is no file at a path.
type NSPathNotExistErr struct{ err error }

func (e NSPathNotExistErr) Error() string { return message(e.err) }

// Unwrap returns the library's error, a *netns.Error.
func (e NSPathNotExistErr) Unwrap() error { return e.err }

// NSPathNotNSErr means that the file at a path is not a network namespace.
type NSPathNotNSErr struct{ err error }

func (e NSPathNotNSErr) Error() string { return message(e.err) }

// Unwrap returns the library's error, a *netns.Error.
func (e NSPathNotNSErr) Unwrap() error { return e.err }

// message accepts nil, because other packages can create these errors without an inner one.
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

// IsNSorErr returns nil if there is a network namespace at the path; otherwise it returns an
// NSPathNotExistErr, an NSPathNotNSErr, or the failure that kept it from finding out.
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

// GetCurrentNS opens the calling thread's network namespace.
func GetCurrentNS() (NetNS, error) {
	// The path must name the thread whose namespace was opened.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n, err := netns.Current()
	if err != nil {
		return nil, err
	}
	return &netNS{n, fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())}, nil
}

// TempNetNS creates a network namespace without a name. It lives until Close, or as long as there is a socket
// or a thread in it. Its path is valid until Close.
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
