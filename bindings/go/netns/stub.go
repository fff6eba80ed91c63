// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !linux || !cgo

package netns

import "errors"

// ErrNotImplemented is what every function returns that returns an error, on systems other than Linux and in
// a program that is built without cgo.
var ErrNotImplemented = errors.New("network namespaces need Linux and a program that is built with cgo (CGO_ENABLED=1)")

// Setns would move the calling thread into a namespace of any kind.
//
// Deprecated: use Set, or unix.Setns of golang.org/x/sys.
func Setns(_ NsHandle, _ int) error {
	return ErrNotImplemented
}

// Set would move the calling thread into the namespace.
func Set(_ NsHandle) error {
	return ErrNotImplemented
}

// New would make a namespace, and move the calling thread into it.
func New() (NsHandle, error) {
	return None(), ErrNotImplemented
}

// NewNamed would make a namespace with a name, and move the calling thread into it.
func NewNamed(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// DeleteNamed would take a name away.
func DeleteNamed(_ string) error {
	return ErrNotImplemented
}

// Get would open the namespace that the calling thread is in.
func Get() (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromPath would open the namespace that is at the path.
func GetFromPath(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromName would open the namespace that has the name.
func GetFromName(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromPid would open the namespace that a process is in.
func GetFromPid(_ int) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromThread would open the namespace that a thread of a process is in.
func GetFromThread(_, _ int) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromDocker would open the namespace that a container is in.
func GetFromDocker(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}
