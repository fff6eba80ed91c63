// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// Link is an interface.
type Link struct {
	Name  string
	Index int
	// Kind is such as "veth" or "bridge"; "" for lo and interfaces of hardware.
	Kind string
	MTU  int
	// Flags is IFF_UP, IFF_RUNNING ... as syscall has them.
	Flags uint32
	// State is "up", "down", "unknown", "lowerlayerdown", "dormant", "notpresent" or "testing".
	State string
	// Address is the link-layer address, "" if there is none.
	Address string
	// Master is the index of the bridge or the like that it is a port of, 0 if of none.
	Master int
	// Peer is the index of a veth's other end, or of what a macvlan or VLAN is on; 0 if there is none.
	Peer int
	// PeerNsid is the id that the namespace has for the one that Peer is an index of; NsidNone if they
	// are one.
	PeerNsid int
}

// onLink calls f, which takes an interface and nothing else.
func (n *Namespace) onLink(ifname string, f func(c *C.struct_netns, ifname *C.char) C.int) error {
	t, err := text(ifname)
	if err != nil {
		return err
	}
	_, err = n.call(func(c *C.struct_netns) C.int { return f(c, t) })
	return err
}

// LinkAdd makes an interface of a kind that needs no parameters, such as "bridge".
func (n *Namespace) LinkAdd(ifname, kind string) error {
	k, err := text(kind)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_add(c, ifname, k)
	})
}

// VethAdd makes a veth pair, each end in its namespace from the beginning; both may be one. A nil peer is
// the namespace that the calling thread is in: the program's own, unless the goroutine is locked to a thread
// that went elsewhere.
func (n *Namespace) VethAdd(ifname string, peer *Namespace, peerIfname string) error {
	t, err := texts(ifname, peerIfname)
	if err != nil {
		return err
	}
	_, err = n.callWithPeer(peer, func(c, p *C.struct_netns) C.int { return C.netns_veth_add(c, t[0], p, t[1]) })
	return err
}

// MacvlanAdd makes a macvlan on an interface that may be in another namespace; nil is the one that the
// calling thread is in. mode is "private", "vepa", "bridge" or "passthru"; "" is the kernel's choice.
func (n *Namespace) MacvlanAdd(ifname string, parentNS *Namespace, parent, mode string) error {
	t, err := texts(ifname, parent)
	if err != nil {
		return err
	}
	m, err := optional(mode)
	if err != nil {
		return err
	}
	_, err = n.callWithPeer(parentNS, func(c, p *C.struct_netns) C.int {
		return C.netns_macvlan_add(c, t[0], p, t[1], m)
	})
	return err
}

// VlanAdd makes a VLAN interface with a tag on an interface that may be in another namespace; nil is the one
// that the calling thread is in.
func (n *Namespace) VlanAdd(ifname string, parentNS *Namespace, parent string, id uint16) error {
	t, err := texts(ifname, parent)
	if err != nil {
		return err
	}
	_, err = n.callWithPeer(parentNS, func(c, p *C.struct_netns) C.int {
		return C.netns_vlan_add(c, t[0], p, t[1], C.uint16_t(id))
	})
	return err
}

// LinkMove moves an interface to another namespace, and gives it a new name there unless newname is "".
func (n *Namespace) LinkMove(ifname string, to *Namespace, newname string) error {
	t, err := text(ifname)
	if err != nil {
		return err
	}
	renamed, err := optional(newname)
	if err != nil {
		return err
	}
	_, err = n.callWith(to, func(c, o *C.struct_netns) C.int { return C.netns_link_move(c, t, o, renamed) })
	return err
}

// LinkDel takes an interface away; a veth takes its other end along.
func (n *Namespace) LinkDel(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_del(c, ifname) })
}

// LinkUp brings an interface up.
func (n *Namespace) LinkUp(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_up(c, ifname) })
}

// LinkDown takes an interface down.
func (n *Namespace) LinkDown(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_down(c, ifname) })
}

// LinkSetMTU sets how many bytes a packet over an interface may have.
func (n *Namespace) LinkSetMTU(ifname string, mtu int) error {
	if int64(mtu) != int64(C.uint32_t(mtu)) {
		return invalid("MTU %d: out of range", mtu)
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_mtu(c, ifname, C.uint32_t(mtu))
	})
}

// LinkSetAddress sets an interface's link-layer address, such as "02:00:5e:10:00:01".
func (n *Namespace) LinkSetAddress(ifname, lladdr string) error {
	address, err := text(lladdr)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_address(c, ifname, address)
	})
}

// LinkSetMaster makes an interface a port of a bridge or the like; with "", no longer.
func (n *Namespace) LinkSetMaster(ifname, master string) error {
	m, err := optional(master)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_master(c, ifname, m)
	})
}

// Links lists the interfaces, by index.
func (n *Namespace) Links() ([]Link, error) {
	var list *C.struct_netns_link_snapshot
	if _, err := n.call(func(c *C.struct_netns) C.int { return C.netns_link_list(c, 0, &list) }); err != nil {
		return nil, err
	}
	defer C.netns_link_list_free(list)
	result := make([]Link, C.netns_link_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Link{
			Name:     C.GoString(C.netns_link_list_name(list, at)),
			Index:    int(C.netns_link_list_index(list, at)),
			Kind:     C.GoString(C.netns_link_list_kind(list, at)),
			MTU:      int(C.netns_link_list_mtu(list, at)),
			Flags:    uint32(C.netns_link_list_flags(list, at)),
			State:    C.GoString(C.netns_link_list_state(list, at)),
			Address:  C.GoString(C.netns_link_list_address(list, at)),
			Master:   int(C.netns_link_list_master(list, at)),
			Peer:     int(C.netns_link_list_peer(list, at)),
			PeerNsid: int(C.netns_link_list_peer_nsid(list, at)),
		}
	}
	return result, nil
}
