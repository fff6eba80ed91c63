// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// HolderKind is what keeps a namespace alive.
type HolderKind int

// The kinds of holders.
const (
	HolderThread     HolderKind = C.NETNS_HOLDER_THREAD
	HolderDescriptor HolderKind = C.NETNS_HOLDER_DESCRIPTOR
	HolderSocket     HolderKind = C.NETNS_HOLDER_SOCKET
	HolderMount      HolderKind = C.NETNS_HOLDER_MOUNT
)

// Holder is something that keeps a namespace alive.
type Holder struct {
	Kind HolderKind
	// Pid is 0 where no process is found to have the socket.
	Pid, Tid int
	// Fd is the number of a descriptor or socket in its process, and -1 otherwise.
	Fd int
	// Path is the mount point of a mount, as its process sees it.
	Path string
	// Program is what the thread runs, as /proc/PID/comm has it.
	Program string
}

// Unseen is what may keep a namespace as well, and could not be looked at.
type Unseen uint32

// What Unseen is a bitwise OR of.
const (
	// UnseenProcesses: a process that /proc shows is not the caller's to look at.
	UnseenProcesses Unseen = C.NETNS_UNSEEN_PROCESSES
	// UnseenHidden: there may be processes that /proc does not show.
	UnseenHidden Unseen = C.NETNS_UNSEEN_HIDDEN
	// UnseenSockets: not every socket could be asked for its namespace.
	UnseenSockets Unseen = C.NETNS_UNSEEN_SOCKETS
)

// Holders finds what keeps the namespace alive: threads in it, descriptors of it, sockets that live in it, and
// mounts of it, sorted by kind, then by process; and tells what could not be looked at.
func (n *Namespace) Holders() ([]Holder, Unseen, error) {
	var list *C.struct_netns_holder_snapshot
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_holder_list(c, 0, &list) })
	if err != nil {
		return nil, 0, err
	}
	defer C.netns_holder_list_free(list)
	result := make([]Holder, C.netns_holder_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Holder{
			Kind:    HolderKind(C.netns_holder_list_kind(list, at)),
			Pid:     int(C.netns_holder_list_pid(list, at)),
			Tid:     int(C.netns_holder_list_tid(list, at)),
			Fd:      int(C.netns_holder_list_fd(list, at)),
			Path:    C.GoString(C.netns_holder_list_path(list, at)),
			Program: C.GoString(C.netns_holder_list_program(list, at)),
		}
	}
	return result, Unseen(C.netns_holder_list_unseen(list)), nil
}
