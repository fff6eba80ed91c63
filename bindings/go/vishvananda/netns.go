// SPDX-License-Identifier: MIT OR Apache-2.0

// Package netns has all that github.com/vishvananda/netns exports, under its path, by way of libnetns. A
// program gets it by a replace directive in its go.mod, and with it every package that imports the path,
// such as github.com/vishvananda/netlink: a handle of either package is one of the other.
package netns

import libnetns "github.com/libnetns/libnetns/bindings/go/netns"

// NsHandle is a descriptor of a network namespace.
type NsHandle = libnetns.NsHandle

// None is the handle of no namespace, which is not open.
func None() NsHandle {
	return libnetns.None()
}

// Setns moves the calling thread into a namespace of any kind.
//
// Deprecated: use Set, or unix.Setns of golang.org/x/sys.
func Setns(ns NsHandle, nstype int) error {
	return libnetns.Setns(ns, nstype)
}

// Set moves the calling thread into the namespace. The goroutine must be locked to it.
func Set(ns NsHandle) error {
	return libnetns.Set(ns)
}

// New makes a namespace, and moves the calling thread into it. The goroutine must be locked to it.
func New() (NsHandle, error) {
	return libnetns.New()
}

// NewNamed makes a namespace with a name, and moves the calling thread into it. The goroutine must be
// locked to it.
func NewNamed(name string) (NsHandle, error) {
	return libnetns.NewNamed(name)
}

// DeleteNamed takes a name away.
func DeleteNamed(name string) error {
	return libnetns.DeleteNamed(name)
}

// Get opens the namespace that the calling thread is in.
func Get() (NsHandle, error) {
	return libnetns.Get()
}

// GetFromPath opens the namespace that is at the path.
func GetFromPath(path string) (NsHandle, error) {
	return libnetns.GetFromPath(path)
}

// GetFromName opens the namespace that has the name.
func GetFromName(name string) (NsHandle, error) {
	return libnetns.GetFromName(name)
}

// GetFromPid opens the namespace that a process is in.
func GetFromPid(pid int) (NsHandle, error) {
	return libnetns.GetFromPid(pid)
}

// GetFromThread opens the namespace that a thread of a process is in.
func GetFromThread(pid, tid int) (NsHandle, error) {
	return libnetns.GetFromThread(pid, tid)
}

// GetFromDocker opens the namespace that a container is in.
func GetFromDocker(id string) (NsHandle, error) {
	return libnetns.GetFromDocker(id)
}
