// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

import (
	"fmt"
	"syscall"
)

// NsHandle is a descriptor of a network namespace.
type NsHandle int

const closedHandle NsHandle = -1

// None is the handle of no namespace, which is not open.
func None() NsHandle {
	return closedHandle
}

// IsOpen tells whether the handle is one that has not been closed.
func (ns NsHandle) IsOpen() bool {
	return ns != closedHandle
}

// Close closes the descriptor, and makes the handle None. Closing None is an error.
func (ns *NsHandle) Close() error {
	if err := syscall.Close(int(*ns)); err != nil {
		return err
	}
	*ns = closedHandle
	return nil
}

// identity is what tells one namespace from another as long as both live.
type identity struct{ device, inode uint64 }

func (ns NsHandle) identity() (identity, error) {
	var stat syscall.Stat_t
	err := syscall.Fstat(int(ns), &stat)
	// The types of the two differ from one architecture to the next.
	return identity{uint64(stat.Dev), uint64(stat.Ino)}, err
}

// Equal tells whether two handles are of the same namespace.
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

// String shows the descriptor, the device and the inode.
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

// UniqueId shows the device and the inode, which no other namespace has while this one lives.
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
