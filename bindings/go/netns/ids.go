// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

const (
	// NsidAuto has the kernel pick an id.
	NsidAuto = C.NETNS_NSID_AUTO
	// NsidNone stands for no id.
	NsidNone = C.NETNS_NSID_NONE
)

// Nsid is an id that a namespace has for another one.
type Nsid struct {
	ID int
	// Current is what the namespace that was asked calls the same one, in a list of a target's ids;
	// NsidNone if it has no id for it.
	Current int
	// Name is the first of its names in the run directory, "" if there is none.
	Name string
}

// NsidOf returns the id that the namespace has for another one. ENODATA: it has none.
func (n *Namespace) NsidOf(other *Namespace) (int, error) {
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_get(c, o) })
}

// SetNsid gives another namespace an id in this one, which stays as long as both live, and returns it.
func (n *Namespace) SetNsid(other *Namespace, id int) (int, error) {
	if id != int(C.int32_t(id)) {
		return -1, invalid("id %d: out of range", id)
	}
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_set(c, o, C.int32_t(id)) })
}

// EnsureNsid returns the id that the namespace has for another one, which the kernel gives it if there
// is none.
func (n *Namespace) EnsureNsid(other *Namespace) (int, error) {
	return n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_nsid_ensure(c, o) })
}

// Nsids lists the ids that the namespace has for others, ascending, with their names in RunDir; or,
// unless target is NsidNone, those that the namespace has to which it gave the id target.
func (n *Namespace) Nsids(target int) ([]Nsid, error) {
	return RunDir.Nsids(n, target)
}

// Nsids is Namespace.Nsids with the names of this directory.
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

// PidsFlags is for Pids.
type PidsFlags uint32

// PidsThreads has every thread in the namespace counted, by its own id.
const PidsThreads PidsFlags = C.NETNS_PIDS_THREADS

// More than nearly all systems run: a second look at /proc would take as long as the first.
const pidsRoom = 16384

// Pids finds the processes whose main thread is in the namespace, ascending.
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
		// There may be some more by then.
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
