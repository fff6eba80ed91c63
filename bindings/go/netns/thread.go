// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #cgo CFLAGS: -D_GNU_SOURCE
// #include <errno.h>
// #include <sched.h>
// #include <libnetns/netns.h>
//
// static int set_namespace(int fd, int type)
// {
//     return setns(fd, type) < 0 ? errno : 0;
// }
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
)

// bare makes of the library's error what the functions of this package's namesake return, an errno and
// nothing else: comparisons with ==, os.IsNotExist, os.IsExist and os.IsPermission look into no other
// package's errors. What the library said is in LastMessage.
func bare(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Errno
	}
	return err
}

// LastMessage returns what the library said when a call on this thread failed last: one line with the
// object, the step, the cause and, where known, the remedy. It is for the functions that return a bare
// syscall.Errno; the goroutine must have been locked to the thread when it called one (runtime.LockOSThread).
// A text with a NUL in it does not get as far as the library, and leaves the message as it was.
func LastMessage() string {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return C.GoString(C.netns_errmsg())
}

// Setns moves the calling thread into a namespace of any kind.
//
// Deprecated: use Set, or unix.Setns of golang.org/x/sys.
func Setns(ns NsHandle, nstype int) error {
	if nstype == CLONE_NEWNET {
		return Set(ns)
	}
	if errno := syscall.Errno(C.set_namespace(C.int(ns), C.int(nstype))); errno != 0 {
		return errno
	}
	return nil
}

// Set moves the calling thread into the namespace. The goroutine must be locked to it. EINVAL: the
// descriptor is not that of a network namespace.
func Set(ns NsHandle) error {
	n, err := OpenFd(int(ns))
	if err = bare(err); err == syscall.ENOTTY {
		// What setns(2) says.
		return syscall.EINVAL
	}
	if err != nil {
		return err
	}
	defer n.Close()
	return bare(n.Setns())
}

// New makes a namespace, and moves the calling thread into it. The goroutine must be locked to it. On
// failure the thread is where it was.
func New() (NsHandle, error) {
	n, err := CreateAnonymous(0)
	if err != nil {
		return None(), bare(err)
	}
	defer n.Close()
	return n.move()
}

// NewNamed makes a namespace with a name in RunDir, and moves the calling thread into it. The goroutine
// must be locked to it. On failure the thread is where it was, and no name is left. The error is an
// *os.PathError if the name exists.
func NewNamed(name string) (NsHandle, error) {
	n, err := Create(name, 0)
	if errors.Is(err, syscall.EEXIST) {
		return None(), &fs.PathError{Op: "open", Path: string(RunDir) + "/" + name, Err: syscall.EEXIST}
	}
	if err != nil {
		return None(), bare(err)
	}
	defer n.Close()
	handle, err := n.move()
	if err != nil {
		// The first failure is the one to tell.
		_ = Remove(name, RemoveMissingOK)
	}
	return handle, err
}

// move moves the calling thread into the namespace and gives a descriptor of it, or does neither.
func (n *Namespace) move() (NsHandle, error) {
	handle, err := n.Handle()
	if err != nil {
		return None(), bare(err)
	}
	if err := n.Setns(); err != nil {
		handle.Close()
		return None(), bare(err)
	}
	return handle, nil
}

// DeleteNamed takes a name away from RunDir: also one on which no namespace is mounted (any more), if
// that is an empty file. EINVAL: it is a file with something in it.
func DeleteNamed(name string) error {
	err := bare(Remove(name, 0))
	if err == syscall.ENOTTY {
		// What umount2(2) says.
		return syscall.EINVAL
	}
	return err
}

// Get opens the namespace that the calling thread is in.
func Get() (NsHandle, error) {
	return handleOf(Current())
}

// GetFromPath opens the namespace that is at the path. ENOTTY: what is there is not a network namespace.
func GetFromPath(path string) (NsHandle, error) {
	return handleOf(OpenPath(path))
}

// GetFromName opens the namespace that has the name in RunDir.
func GetFromName(name string) (NsHandle, error) {
	return handleOf(Open(name))
}

// GetFromPid opens the namespace that a process is in. ENOENT: there is no such process, as there is none
// with an id of 0.
func GetFromPid(pid int) (NsHandle, error) {
	handle, err := handleOf(OpenPid(pid))
	switch err {
	case syscall.EINVAL, syscall.ESRCH:
		// What open(2) says of /proc/PID/ns/net.
		return None(), syscall.ENOENT
	}
	return handle, err
}

// GetFromThread opens the namespace that a thread of a process is in.
func GetFromThread(pid, tid int) (NsHandle, error) {
	return handleOf(OpenPath(fmt.Sprintf("/proc/%d/task/%d/ns/net", pid, tid)))
}

// GetFromDocker opens the namespace that a container is in. The beginning of its id will do where no
// other running container's id begins so. The error is an *Error if there is no such container.
func GetFromDocker(id string) (NsHandle, error) {
	pid, err := containerProcess("/proc", id)
	if err != nil {
		return None(), err
	}
	return GetFromPid(pid)
}

// handleOf closes n.
func handleOf(n *Namespace, err error) (NsHandle, error) {
	if err != nil {
		return None(), bare(err)
	}
	defer n.Close()
	handle, err := n.Handle()
	return handle, bare(err)
}
