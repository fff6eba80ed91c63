// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// AddrFlags are the flags of AddrAdd.
type AddrFlags uint32

// AddrNoDAD skips duplicate address detection, so that an IPv6 address can be used at once.
const AddrNoDAD AddrFlags = C.NETNS_ADDR_NODAD

// Addr is an IP address of an interface.
type Addr struct {
	// Address is the address, such as "192.0.2.1".
	Address string
	// Prefix is the prefix length in bits.
	Prefix int
	// Family is syscall.AF_INET or syscall.AF_INET6.
	Family int
	// Index and Ifname identify the interface.
	Index  int
	Ifname string
	// Scope is syscall.RT_SCOPE_UNIVERSE, RT_SCOPE_LINK ...
	Scope int
	// Label, Peer and Broadcast are "" if there is none.
	Label, Peer, Broadcast string
	// Flags are syscall.IFA_F_PERMANENT, IFA_F_TENTATIVE ...
	Flags uint32
}

// RouteFlags are the flags of Routes.
type RouteFlags uint32

// RouteAllTables returns the routes of every table, not only those of the main table.
const RouteAllTables RouteFlags = C.NETNS_ROUTE_LIST_ALL_TABLES

// Route is a route, or one nexthop of a multipath route.
type Route struct {
	// Dst is the destination, such as "192.0.2.0/24" or "default".
	Dst    string
	Family int
	// Via is the gateway, or "" if there is none.
	Via string
	// Index and Ifname identify the interface; they are 0 and "" if there is none.
	Index  int
	Ifname string
	Metric uint32
	// Table, Protocol, Scope and Type are syscall.RT_TABLE_MAIN, RTPROT_KERNEL, RT_SCOPE_UNIVERSE,
	// RTN_UNICAST ...
	Table, Protocol, Scope, Type int
}

// AddrAdd adds an address, such as "192.0.2.1/24" or "2001:db8::1/64", to an interface.
func (n *Namespace) AddrAdd(ifname, cidr string, flags AddrFlags) error {
	address, err := text(cidr)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_addr_add_flags(c, ifname, address, C.uint32_t(flags))
	})
}

// AddrDel deletes an address from an interface.
func (n *Namespace) AddrDel(ifname, cidr string) error {
	address, err := text(cidr)
	if err != nil {
		return err
	}
	return n.onLink(ifname, func(c *C.struct_netns, ifname *C.char) C.int {
		return C.netns_addr_del(c, ifname, address)
	})
}

// Addrs returns the IP addresses of all interfaces, IPv4 first.
func (n *Namespace) Addrs() ([]Addr, error) {
	var list *C.struct_netns_addr_snapshot
	if _, err := n.call(func(c *C.struct_netns) C.int { return C.netns_addr_list(c, 0, &list) }); err != nil {
		return nil, err
	}
	defer C.netns_addr_list_free(list)
	result := make([]Addr, C.netns_addr_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Addr{
			Address:   C.GoString(C.netns_addr_list_address(list, at)),
			Prefix:    int(C.netns_addr_list_prefix(list, at)),
			Family:    int(C.netns_addr_list_family(list, at)),
			Index:     int(C.netns_addr_list_index(list, at)),
			Ifname:    C.GoString(C.netns_addr_list_ifname(list, at)),
			Scope:     int(C.netns_addr_list_scope(list, at)),
			Label:     C.GoString(C.netns_addr_list_label(list, at)),
			Peer:      C.GoString(C.netns_addr_list_peer(list, at)),
			Broadcast: C.GoString(C.netns_addr_list_broadcast(list, at)),
			Flags:     uint32(C.netns_addr_list_flags(list, at)),
		}
	}
	return result, nil
}

// RouteAdd adds a route to the main table. dst is a network, an address, or "default". Either via, the
// gateway, or ifname may be "".
func (n *Namespace) RouteAdd(dst, via, ifname string) error {
	return n.onRoute(dst, via, ifname, func(c *C.struct_netns, dst, via, ifname *C.char) C.int {
		return C.netns_route_add(c, dst, via, ifname)
	})
}

// RouteDel deletes the first matching route from the main table.
func (n *Namespace) RouteDel(dst, via, ifname string) error {
	return n.onRoute(dst, via, ifname, func(c *C.struct_netns, dst, via, ifname *C.char) C.int {
		return C.netns_route_del(c, dst, via, ifname)
	})
}

func (n *Namespace) onRoute(dst, via, ifname string, f func(c *C.struct_netns, dst, via, ifname *C.char) C.int) error {
	to, err := text(dst)
	if err != nil {
		return err
	}
	gateway, err := optional(via)
	if err != nil {
		return err
	}
	link, err := optional(ifname)
	if err != nil {
		return err
	}
	_, err = n.call(func(c *C.struct_netns) C.int { return f(c, to, gateway, link) })
	return err
}

// Routes returns the routes of the main table, or of all tables, IPv4 first.
func (n *Namespace) Routes(flags RouteFlags) ([]Route, error) {
	var list *C.struct_netns_route_snapshot
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_route_list(c, C.uint32_t(flags), &list) })
	if err != nil {
		return nil, err
	}
	defer C.netns_route_list_free(list)
	result := make([]Route, C.netns_route_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Route{
			Dst:      C.GoString(C.netns_route_list_dst(list, at)),
			Family:   int(C.netns_route_list_family(list, at)),
			Via:      C.GoString(C.netns_route_list_via(list, at)),
			Index:    int(C.netns_route_list_index(list, at)),
			Ifname:   C.GoString(C.netns_route_list_ifname(list, at)),
			Metric:   uint32(C.netns_route_list_metric(list, at)),
			Table:    int(C.netns_route_list_table(list, at)),
			Protocol: int(C.netns_route_list_protocol(list, at)),
			Scope:    int(C.netns_route_list_scope(list, at)),
			Type:     int(C.netns_route_list_type(list, at)),
		}
	}
	return result, nil
}
