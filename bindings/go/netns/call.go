// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

/*
#cgo pkg-config: netns
#include <libnetns/netns.h>
*/
import "C"

import (
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Version returns the version of the loaded library, such as "1.0.0".
func Version() string {
	return C.GoString(C.netns_version())
}

// call calls f, which calls the library once, and turns a negative result into an error. The thread stays
// locked until the message, which is stored per thread, has been read.
func call(f func() C.int) (int, error) {
	runtime.LockOSThread()
	rc := f()
	if rc >= 0 {
		runtime.UnlockOSThread()
		return int(rc), nil
	}
	err := &Error{Errno: syscall.Errno(-rc), Message: C.GoString(C.netns_errmsg())}
	if err.Errno != syscall.ENOTRECOVERABLE {
		// After ENOTRECOVERABLE the thread may be in another namespace, so no other goroutine may run on it.
		runtime.UnlockOSThread()
	}
	return -1, err
}

// hint appends advice for Go programmers to a failure. The library's own messages are for users of every
// language.
func hint(err error, errno syscall.Errno, words string) error {
	if failure, ok := err.(*Error); ok && failure.Errno == errno {
		failure.Message += "; " + words
	}
	return err
}

// text converts a string for C. It is in Go's memory and valid for the call that it is passed to.
func text(s string) (*C.char, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, invalid("%q contains a NUL byte", s)
	}
	bytes := make([]byte, len(s)+1)
	copy(bytes, s)
	return (*C.char)(unsafe.Pointer(&bytes[0])), nil
}

// optional is text, but returns NULL for "".
func optional(s string) (*C.char, error) {
	if s == "" {
		return nil, nil
	}
	return text(s)
}

// texts converts several strings.
func texts(strings ...string) ([]*C.char, error) {
	result := make([]*C.char, len(strings))
	for i, s := range strings {
		t, err := text(s)
		if err != nil {
			return nil, err
		}
		result[i] = t
	}
	return result, nil
}
