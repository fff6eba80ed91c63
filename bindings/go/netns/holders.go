// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// HolderKind is the kind of object that keeps a namespace alive.
type HolderKind int

// The kinds of holders.
const (
	HolderThread     HolderKind = C.NETNS_HOLDER_THREAD
	HolderDescriptor HolderKind = C.NETNS_HOLDER_DESCRIPTOR
	HolderSocket     HolderKind = C.NETNS_HOLDER_SOCKET
	HolderMount      HolderKind = C.NETNS_HOLDER_MOUNT
)

// Holder is an object that keeps a namespace alive.
type Holder struct {
	Kind HolderKind
	// Pid is the process, or 0 if no process was found for the socket. Tid is the thread.
	Pid, Tid int
	// Fd is the number of a descriptor or socket in its process, or -1.
	Fd int
	// Path is the mount point of a mount, as its process sees it.
	Path string
	// Program is the name of the thread's program, from /proc/PID/comm.
	Program string
}

// Unseen reports holders that may exist but could not be inspected.
type Unseen uint32

// The bits of Unseen.
const (
	// UnseenProcesses means that at least one process in /proc could not be inspected for lack of privilege.
	UnseenProcesses Unseen = C.NETNS_UNSEEN_PROCESSES
	// UnseenHidden means that there may be processes that /proc does not show.
	UnseenHidden Unseen = C.NETNS_UNSEEN_HIDDEN
	// UnseenSockets means that the namespace of at least one socket could not be determined.
	UnseenSockets Unseen = C.NETNS_UNSEEN_SOCKETS
)

// Holders returns what keeps the namespace alive: its threads, its descriptors, its sockets and its mounts,
// sorted by kind, then by process. It also reports what could not be inspected.
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
