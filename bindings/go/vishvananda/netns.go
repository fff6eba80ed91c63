// SPDX-License-Identifier: MIT OR Apache-2.0

// Package netns exports everything that github.com/vishvananda/netns exports, under its import path, and is
// implemented by libnetns. A replace directive in a program's go.mod substitutes it, also for every package
// that imports that path, such as github.com/vishvananda/netlink. Handles of either package have the same
// type.
package netns

import libnetns "github.com/libnetns/libnetns/bindings/go/netns"

// NsHandle is a descriptor of a network namespace.
type NsHandle = libnetns.NsHandle

// None returns a handle that is not open.
func None() NsHandle {
	return libnetns.None()
}

// Setns moves the calling thread into a namespace of any kind.
//
// Deprecated: use Set, or unix.Setns of golang.org/x/sys.
func Setns(ns NsHandle, nstype int) error {
	return libnetns.Setns(ns, nstype)
}

// Set moves the calling thread into the namespace. The goroutine must be locked to its thread.
func Set(ns NsHandle) error {
	return libnetns.Set(ns)
}

// New creates a namespace and moves the calling thread into it. The goroutine must be locked to its thread.
func New() (NsHandle, error) {
	return libnetns.New()
}

// NewNamed creates a namespace with a name and moves the calling thread into it. The goroutine must be locked
// to its thread.
func NewNamed(name string) (NsHandle, error) {
	return libnetns.NewNamed(name)
}

// DeleteNamed removes a name.
func DeleteNamed(name string) error {
	return libnetns.DeleteNamed(name)
}

// Get opens the calling thread's namespace.
func Get() (NsHandle, error) {
	return libnetns.Get()
}

// GetFromPath opens the namespace at this path.
func GetFromPath(path string) (NsHandle, error) {
	return libnetns.GetFromPath(path)
}

// GetFromName opens the namespace with this name.
func GetFromName(name string) (NsHandle, error) {
	return libnetns.GetFromName(name)
}

// GetFromPid opens the namespace of a process.
func GetFromPid(pid int) (NsHandle, error) {
	return libnetns.GetFromPid(pid)
}

// GetFromThread opens the namespace of a thread of a process.
func GetFromThread(pid, tid int) (NsHandle, error) {
	return libnetns.GetFromThread(pid, tid)
}

// GetFromDocker opens the namespace of a container.
func GetFromDocker(id string) (NsHandle, error) {
	return libnetns.GetFromDocker(id)
}
