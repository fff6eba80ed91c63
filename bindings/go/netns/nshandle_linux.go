// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

import (
	"fmt"
	"syscall"
)

// NsHandle is a descriptor of a network namespace.
type NsHandle int

const closedHandle NsHandle = -1

// None returns a handle that is not open.
func None() NsHandle {
	return closedHandle
}

// IsOpen reports whether the handle is open.
func (ns NsHandle) IsOpen() bool {
	return ns != closedHandle
}

// Close closes the descriptor and sets the handle to None. Closing None is an error.
func (ns *NsHandle) Close() error {
	if err := syscall.Close(int(*ns)); err != nil {
		return err
	}
	*ns = closedHandle
	return nil
}

// identity distinguishes namespaces that exist at the same time.
type identity struct{ device, inode uint64 }

func (ns NsHandle) identity() (identity, error) {
	var stat syscall.Stat_t
	err := syscall.Fstat(int(ns), &stat)
	// The types of these fields depend on the architecture.
	return identity{uint64(stat.Dev), uint64(stat.Ino)}, err
}

// Equal reports whether two handles refer to the same namespace.
func (ns NsHandle) Equal(other NsHandle) bool {
	if ns == other {
		return true
	}
	mine, err := ns.identity()
	if err != nil {
		return false
	}
	its, err := other.identity()
	return err == nil && mine == its
}

// String returns the descriptor, the device and the inode.
func (ns NsHandle) String() string {
	if !ns.IsOpen() {
		return "NS(none)"
	}
	id, err := ns.identity()
	if err != nil {
		return fmt.Sprintf("NS(%d: unknown)", int(ns))
	}
	return fmt.Sprintf("NS(%d: %d, %d)", int(ns), id.device, id.inode)
}

// UniqueId returns the device and the inode, which identify the namespace as long as it exists.
func (ns NsHandle) UniqueId() string {
	if !ns.IsOpen() {
		return "NS(none)"
	}
	id, err := ns.identity()
	if err != nil {
		return "NS(unknown)"
	}
	return fmt.Sprintf("NS(%d:%d)", id.device, id.inode)
}
