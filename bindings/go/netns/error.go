// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"fmt"
	"io/fs"
	"syscall"
)

// Error is a failure of the library.
type Error struct {
	// Errno is what the function of the library, of which include/netns.h tells, returned.
	Errno syscall.Errno
	// Message is one line: the object, the step, the cause and, where known, the remedy.
	Message string
}

func (e *Error) Error() string {
	return e.Message
}

// Unwrap returns the errno.
func (e *Error) Unwrap() error {
	return e.Errno
}

// Is takes a process that has ended for one that does not exist, and a descriptor that is not open
// for a closed file, which the errnos alone do not say.
func (e *Error) Is(target error) bool {
	switch e.Errno {
	case syscall.ESRCH:
		return target == fs.ErrNotExist
	case syscall.EBADF:
		return target == fs.ErrClosed
	}
	return false
}

// invalid is a failure that need not trouble the library.
func invalid(format string, args ...any) error {
	return &Error{Errno: syscall.EINVAL, Message: fmt.Sprintf(format, args...)}
}
