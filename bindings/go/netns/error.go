// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"fmt"
	"io/fs"
	"syscall"
)

// Error is a failure reported by the library.
type Error struct {
	// Errno is the errno that the library function returned; include/netns.h documents it.
	Errno syscall.Errno
	// Message is one line that names the object, the step that failed, the cause and, if known, the remedy.
	Message string
}

func (e *Error) Error() string {
	return e.Message
}

// Unwrap returns the errno.
func (e *Error) Unwrap() error {
	return e.Errno
}

// Is reports that ESRCH (the process has ended) is fs.ErrNotExist and that EBADF (the descriptor is not open)
// is fs.ErrClosed, which the errnos themselves do not.
func (e *Error) Is(target error) bool {
	switch e.Errno {
	case syscall.ESRCH:
		return target == fs.ErrNotExist
	case syscall.EBADF:
		return target == fs.ErrClosed
	}
	return false
}

// invalid returns an EINVAL error for a mistake that is found without calling the library.
func invalid(format string, args ...any) error {
	return &Error{Errno: syscall.EINVAL, Message: fmt.Sprintf(format, args...)}
}
