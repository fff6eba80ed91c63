// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !linux

package netns

// NsHandle stands for a descriptor of a network namespace. This system has no network namespaces.
type NsHandle int

// None returns a handle that is not open.
func None() NsHandle {
	return -1
}

// IsOpen returns false on this system.
func (ns NsHandle) IsOpen() bool {
	return false
}

// Close does nothing on this system.
func (ns *NsHandle) Close() error {
	return nil
}

// Equal returns false on this system.
func (ns NsHandle) Equal(_ NsHandle) bool {
	return false
}

// String returns "NS(none)" on this system.
func (ns NsHandle) String() string {
	return "NS(none)"
}

// UniqueId returns "NS(none)" on this system.
func (ns NsHandle) UniqueId() string {
	return "NS(none)"
}
