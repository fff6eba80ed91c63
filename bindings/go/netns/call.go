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

// Version is the version of the library that the program runs with, such as "1.0.0".
func Version() string {
	return C.GoString(C.netns_version())
}

// call makes an error of what f returns below zero. f calls the library once. The thread is locked
// until the message is read, which is the thread's own.
func call(f func() C.int) (int, error) {
	runtime.LockOSThread()
	rc := f()
	if rc >= 0 {
		runtime.UnlockOSThread()
		return int(rc), nil
	}
	err := &Error{Errno: syscall.Errno(-rc), Message: C.GoString(C.netns_errmsg())}
	if err.Errno != syscall.ENOTRECOVERABLE {
		// Otherwise the thread may be in another namespace, where no other goroutine must find itself.
		runtime.UnlockOSThread()
	}
	return -1, err
}

// hint adds what Go has for a failure, as the library's own message is for users of every language.
func hint(err error, errno syscall.Errno, words string) error {
	if failure, ok := err.(*Error); ok && failure.Errno == errno {
		failure.Message += "; " + words
	}
	return err
}

// text is a string for C, in memory of Go's that lives for the call that it is passed to.
func text(s string) (*C.char, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, invalid("%q has a NUL in it", s)
	}
	bytes := make([]byte, len(s)+1)
	copy(bytes, s)
	return (*C.char)(unsafe.Pointer(&bytes[0])), nil
}

// optional is text, or NULL for "".
func optional(s string) (*C.char, error) {
	if s == "" {
		return nil, nil
	}
	return text(s)
}

// texts turns several strings at once.
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
