// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// Link is the state of an interface at one moment.
type Link struct {
	Name  string
	Index int
	// Kind is the kind, such as "veth" or "bridge"; it is "" for lo and for hardware interfaces.
	Kind string
	MTU  int
	// Flags are syscall.IFF_UP, IFF_RUNNING ...
	Flags uint32
	// State is "up", "down", "unknown", "lowerlayerdown", "dormant", "notpresent" or "testing".
	State string
	// Address is the link-layer address, or "" if there is none.
	Address string
	// Master is the index of the bridge or bond that the interface is a port of, or 0 if there is none.
	Master int
	// Peer is the index of the other end of a veth, or of the parent of a macvlan or VLAN; it is 0 if there
	// is none.
	Peer int
	// PeerNsid is the nsid of the namespace that the index Peer belongs to, or NsidNone if it is the same
	// namespace.
	PeerNsid int
}

// onLink calls f for an interface.
func (n *Namespace) onLink(ifname string, f func(c *C.struct_netns, ifname *C.char) C.int) error {
	t, err := text(ifname)
	if err != nil {
		return err
	}
	_, err = n.call(func(c *C.struct_netns) C.int { return f(c, t) })
	return err
}

// LinkAdd creates an interface of a kind that needs no parameters, such as "bridge".
func (n *Namespace) LinkAdd(ifname, kind string) error {
	k, err := text(kind)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_add(c, ifname, k)
	})
}

// VethAdd creates a veth pair. Each end is created in its namespace, and both may be in the same one. A nil
// peer is the calling thread's namespace: the program's own, unless the goroutine is locked to a thread that
// has switched to another one.
func (n *Namespace) VethAdd(ifname string, peer *Namespace, peerIfname string) error {
	t, err := texts(ifname, peerIfname)
	if err != nil {
		return err
	}
	_, err = n.callWithPeer(peer, func(c, p *C.struct_netns) C.int { return C.netns_veth_add(c, t[0], p, t[1]) })
	return err
}

// MacvlanAdd creates a macvlan on an interface that may be in another namespace; nil is the calling thread's
// namespace. mode is "private", "vepa", "bridge" or "passthru"; "" is the kernel's default.
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

// VlanAdd creates a VLAN interface with an id on an interface that may be in another namespace; nil is the
// calling thread's namespace.
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

// LinkMove moves an interface to another namespace and renames it to newname, unless that is "".
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

// LinkDel deletes an interface and, for a veth, its peer.
func (n *Namespace) LinkDel(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_del(c, ifname) })
}

// LinkUp sets an interface up.
func (n *Namespace) LinkUp(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_up(c, ifname) })
}

// LinkDown sets an interface down.
func (n *Namespace) LinkDown(ifname string) error {
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int { return C.netns_link_down(c, ifname) })
}

// LinkSetMTU sets the MTU of an interface in bytes.
func (n *Namespace) LinkSetMTU(ifname string, mtu int) error {
	if int64(mtu) != int64(C.uint32_t(mtu)) {
		return invalid("MTU %d: out of range", mtu)
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_mtu(c, ifname, C.uint32_t(mtu))
	})
}

// LinkSetAddress sets the link-layer address of an interface, such as "02:00:5e:10:00:01".
func (n *Namespace) LinkSetAddress(ifname, lladdr string) error {
	address, err := text(lladdr)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_address(c, ifname, address)
	})
}

// LinkSetMaster makes an interface a port of a bridge or bond; "" removes it from its bridge or bond.
func (n *Namespace) LinkSetMaster(ifname, master string) error {
	m, err := optional(master)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_link_set_master(c, ifname, m)
	})
}

// Links returns the interfaces, sorted by index.
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
