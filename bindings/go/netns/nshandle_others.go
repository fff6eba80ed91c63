// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !linux

package netns

// NsHandle is a descriptor of a network namespace, of which there are none on this system.
type NsHandle int

// None is the handle of no namespace, which is not open.
func None() NsHandle {
	return -1
}

// IsOpen tells whether the handle is one that has not been closed: it is not.
func (ns NsHandle) IsOpen() bool {
	return false
}

// Close does nothing.
func (ns *NsHandle) Close() error {
	return nil
}

// Equal tells whether two handles are of the same namespace: they are of none.
func (ns NsHandle) Equal(_ NsHandle) bool {
	return false
}

// String shows that there is none.
func (ns NsHandle) String() string {
	return "NS(none)"
}

// UniqueId shows that there is none.
func (ns NsHandle) UniqueId() string {
	return "NS(none)"
}
