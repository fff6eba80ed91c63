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

// bare converts an error of the library to the plain errno that vishvananda/netns returns. Comparisons with
// ==, os.IsNotExist, os.IsExist and os.IsPermission do not look into the errors of other packages.
// LastMessage returns the library's message.
func bare(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Errno
	}
	return err
}

// LastMessage returns the library's message for the last failed call on this thread: one line that names the
// object, the step that failed, the cause and, if known, the remedy. It is meant for the functions that
// return a plain syscall.Errno. The goroutine must have been locked to the thread (runtime.LockOSThread) when
// it called the function. An argument that contains a NUL does not reach the library and leaves the message
// unchanged.
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

// Set moves the calling thread into the namespace. The goroutine must be locked to its thread. Set fails with
// EINVAL if the descriptor does not refer to a network namespace.
func Set(ns NsHandle) error {
	n, err := OpenFd(int(ns))
	if err = bare(err); err == syscall.ENOTTY {
		// setns(2) reports EINVAL here.
		return syscall.EINVAL
	}
	if err != nil {
		return err
	}
	defer n.Close()
	return bare(n.Setns())
}

// New creates a namespace and moves the calling thread into it. The goroutine must be locked to its thread.
// If New fails, the thread stays where it was.
func New() (NsHandle, error) {
	n, err := CreateAnonymous(0)
	if err != nil {
		return None(), bare(err)
	}
	defer n.Close()
	return n.move()
}

// NewNamed creates a namespace with a name in RunDir and moves the calling thread into it. The goroutine must
// be locked to its thread. If NewNamed fails, the thread stays where it was, and no name is left behind. The
// error is an *os.PathError if the name exists.
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
		// Report the first failure.
		_ = Remove(name, RemoveMissingOK)
	}
	return handle, err
}

// move moves the calling thread into the namespace and returns a descriptor of it, or does neither.
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

// DeleteNamed removes a name from RunDir. It also removes a name on which no namespace is mounted, if that is
// an empty file, and fails with EINVAL if the file is not empty.
func DeleteNamed(name string) error {
	err := bare(Remove(name, 0))
	if err == syscall.ENOTTY {
		// umount2(2) reports EINVAL here.
		return syscall.EINVAL
	}
	return err
}

// Get opens the calling thread's namespace.
func Get() (NsHandle, error) {
	return handleOf(Current())
}

// GetFromPath opens the namespace at this path. It fails with ENOTTY if the file is not a network namespace.
func GetFromPath(path string) (NsHandle, error) {
	return handleOf(OpenPath(path))
}

// GetFromName opens the namespace with this name in RunDir.
func GetFromName(name string) (NsHandle, error) {
	return handleOf(Open(name))
}

// GetFromPid opens the namespace of a process. It fails with ENOENT if there is no such process, also for the
// id 0.
func GetFromPid(pid int) (NsHandle, error) {
	handle, err := handleOf(OpenPid(pid))
	switch err {
	case syscall.EINVAL, syscall.ESRCH:
		// open(2) reports ENOENT for /proc/PID/ns/net.
		return None(), syscall.ENOENT
	}
	return handle, err
}

// GetFromThread opens the namespace of a thread of a process.
func GetFromThread(pid, tid int) (NsHandle, error) {
	return handleOf(OpenPath(fmt.Sprintf("/proc/%d/task/%d/ns/net", pid, tid)))
}

// GetFromDocker opens the namespace of a container. A prefix of the container's id is sufficient if no other
// running container's id begins with it. The error is an *Error if there is no such container.
func GetFromDocker(id string) (NsHandle, error) {
	pid, err := containerProcess("/proc", id)
	if err != nil {
		return None(), err
	}
	return GetFromPid(pid)
}

// handleOf returns a handle of n and closes n.
func handleOf(n *Namespace, err error) (NsHandle, error) {
	if err != nil {
		return None(), bare(err)
	}
	defer n.Close()
	handle, err := n.Handle()
	return handle, bare(err)
}
