// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

// #cgo CFLAGS: -D_GNU_SOURCE
// #include <errno.h>
// #include <sched.h>
//
// static int set_namespace(int fd, int type)
// {
//     return setns(fd, type) < 0 ? errno : 0;
// }
import "C"

import (
	"fmt"
	"syscall"
)

// The flags of clone(2), as this package's namesake has them.
//
// Deprecated: syscall has them, too.
const (
	CLONE_NEWUTS  = syscall.CLONE_NEWUTS
	CLONE_NEWIPC  = syscall.CLONE_NEWIPC
	CLONE_NEWUSER = syscall.CLONE_NEWUSER
	CLONE_NEWPID  = syscall.CLONE_NEWPID
	CLONE_NEWNET  = syscall.CLONE_NEWNET
	CLONE_IO      = syscall.CLONE_IO
)

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

// Set moves the calling thread into the namespace. The goroutine must be locked to it.
func Set(ns NsHandle) error {
	n, err := OpenFd(int(ns))
	if err != nil {
		return err
	}
	defer n.Close()
	return n.Setns()
}

// New makes a namespace, and moves the calling thread into it. The goroutine must be locked to it. On
// failure the thread is where it was.
func New() (NsHandle, error) {
	n, err := CreateAnonymous(0)
	if err != nil {
		return None(), err
	}
	defer n.Close()
	return n.move()
}

// NewNamed makes a namespace with a name in RunDir, and moves the calling thread into it. The goroutine
// must be locked to it. On failure the thread is where it was, and no name is left.
func NewNamed(name string) (NsHandle, error) {
	n, err := Create(name, 0)
	if err != nil {
		return None(), err
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
		return None(), err
	}
	if err := n.Setns(); err != nil {
		handle.Close()
		return None(), err
	}
	return handle, nil
}

// DeleteNamed takes a name away from RunDir.
func DeleteNamed(name string) error {
	return Remove(name, 0)
}

// Get opens the namespace that the calling thread is in.
func Get() (NsHandle, error) {
	return handleOf(Current())
}

// GetFromPath opens the namespace that is at the path. What is no network namespace is refused.
func GetFromPath(path string) (NsHandle, error) {
	return handleOf(OpenPath(path))
}

// GetFromName opens the namespace that has the name in RunDir.
func GetFromName(name string) (NsHandle, error) {
	return handleOf(Open(name))
}

// GetFromPid opens the namespace that a process is in.
func GetFromPid(pid int) (NsHandle, error) {
	return handleOf(OpenPid(pid))
}

// GetFromThread opens the namespace that a thread of a process is in.
func GetFromThread(pid, tid int) (NsHandle, error) {
	return handleOf(OpenPath(fmt.Sprintf("/proc/%d/task/%d/ns/net", pid, tid)))
}

// GetFromDocker opens the namespace that a container is in. The beginning of its id will do where no
// other running container's id begins so.
func GetFromDocker(id string) (NsHandle, error) {
	pid, err := containerProcess("/proc", id)
	if err != nil {
		return None(), err
	}
	return GetFromPid(pid)
}

// handleOf ends n.
func handleOf(n *Namespace, err error) (NsHandle, error) {
	if err != nil {
		return None(), err
	}
	defer n.Close()
	return n.Handle()
}
