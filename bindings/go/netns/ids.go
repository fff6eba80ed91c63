// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

const (
	// NsidAuto lets the kernel choose an nsid.
	NsidAuto = C.NETNS_NSID_AUTO
	// NsidNone means that there is no nsid.
	NsidNone = C.NETNS_NSID_NONE
)

// Nsid is the nsid that a namespace has assigned to another one.
type Nsid struct {
	ID int
	// Current is set in a list of a target's nsids. It is the nsid that the queried namespace has for the
	// same namespace, or NsidNone if it has none.
	Current int
	// Name is the first name of the other namespace in the run directory, or "" if it has none.
	Name string
}

// NsidOf returns the nsid that the namespace has assigned to another one. It fails with ENODATA if there is
// none.
func (n *Namespace) NsidOf(other *Namespace) (int, error) {
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_get(c, o) })
}

// SetNsid assigns an nsid to another namespace and returns it. The nsid stays assigned as long as both
// namespaces exist.
func (n *Namespace) SetNsid(other *Namespace, id int) (int, error) {
	if id != int(C.int32_t(id)) {
		return -1, invalid("id %d: out of range", id)
	}
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_set(c, o, C.int32_t(id)) })
}

// EnsureNsid returns the nsid that the namespace has assigned to another one. If there is none, the kernel
// assigns one.
func (n *Namespace) EnsureNsid(other *Namespace) (int, error) {
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_ensure(c, o) })
}

// Nsids returns the nsids that the namespace has assigned to others, in ascending order, with the names of
// those namespaces in RunDir. Unless target is NsidNone, it returns the nsids of the namespace to which it
// has assigned target.
func (n *Namespace) Nsids(target int) ([]Nsid, error) {
	return RunDir.Nsids(n, target)
}

// Nsids is like Namespace.Nsids, with the names in this directory.
func (d Dir) Nsids(n *Namespace, target int) ([]Nsid, error) {
	if target != int(C.int32_t(target)) {
		return nil, invalid("id %d: out of range", target)
	}
	dir, err := text(string(d))
	if err != nil {
		return nil, err
	}
	var list *C.struct_netns_nsid_snapshot
	_, err = n.call(func(c *C.struct_netns) C.int {
		return C.netns_nsid_list(dir, c, C.int32_t(target), 0, &list)
	})
	if err != nil {
		return nil, err
	}
	defer C.netns_nsid_list_free(list)
	result := make([]Nsid, C.netns_nsid_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Nsid{
			ID:      int(C.netns_nsid_list_id(list, at)),
			Current: int(C.netns_nsid_list_current(list, at)),
			Name:    C.GoString(C.netns_nsid_list_name(list, at)),
		}
	}
	return result, nil
}

// PidsFlags are the flags of Pids.
type PidsFlags uint32

// PidsThreads returns the thread IDs of all threads in the namespace.
const PidsThreads PidsFlags = C.NETNS_PIDS_THREADS

// More than nearly all systems run: a second scan of /proc would take as long as the first.
const pidsRoom = 16384

// Pids returns the processes whose main thread is in the namespace, in ascending order.
func (n *Namespace) Pids(flags PidsFlags) ([]int, error) {
	room := make([]C.pid_t, pidsRoom)
	for {
		count, err := n.call(func(c *C.struct_netns) C.int {
			return C.int(C.netns_pids(c, C.uint32_t(flags), &room[0], C.size_t(len(room))))
		})
		if err != nil {
			return nil, err
		}
		if count <= len(room) {
			return ints(room[:count]), nil
		}
		// More may have been started since.
		room = make([]C.pid_t, count+count/8)
	}
}

func ints(pids []C.pid_t) []int {
	result := make([]int, len(pids))
	for i, pid := range pids {
		result[i] = int(pid)
	}
	return result
}
