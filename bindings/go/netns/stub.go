// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !linux || !cgo

package netns

import "errors"

// ErrNotImplemented is returned by every function that returns an error, on systems other than Linux and in
// programs that are built without cgo.
var ErrNotImplemented = errors.New("network namespaces need Linux and a program that is built with cgo (CGO_ENABLED=1)")

// Setns returns ErrNotImplemented.
//
// Deprecated: use Set, or unix.Setns of golang.org/x/sys.
func Setns(_ NsHandle, _ int) error {
	return ErrNotImplemented
}

// Set returns ErrNotImplemented.
func Set(_ NsHandle) error {
	return ErrNotImplemented
}

// New returns ErrNotImplemented.
func New() (NsHandle, error) {
	return None(), ErrNotImplemented
}

// NewNamed returns ErrNotImplemented.
func NewNamed(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// DeleteNamed returns ErrNotImplemented.
func DeleteNamed(_ string) error {
	return ErrNotImplemented
}

// Get returns ErrNotImplemented.
func Get() (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromPath returns ErrNotImplemented.
func GetFromPath(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromName returns ErrNotImplemented.
func GetFromName(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromPid returns ErrNotImplemented.
func GetFromPid(_ int) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromThread returns ErrNotImplemented.
func GetFromThread(_, _ int) (NsHandle, error) {
	return None(), ErrNotImplemented
}

// GetFromDocker returns ErrNotImplemented.
func GetFromDocker(_ string) (NsHandle, error) {
	return None(), ErrNotImplemented
}
