// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

// Sysctl returns the value of a sysctl of the namespace, such as "net.ipv4.ip_forward", without the trailing
// newline. As in sysctl(8), a dot in an interface name is written as a slash if the separators are dots:
// "net.ipv4.conf.eth0/10.forwarding".
func (n *Namespace) Sysctl(name string) (string, error) {
	cname, err := text(name)
	if err != nil {
		return "", err
	}
	for room := 4096; ; {
		value := make([]C.char, room)
		length, err := n.call(func(c *C.struct_netns) C.int {
			return C.int(C.netns_sysctl_get(c, cname, &value[0], C.size_t(room)))
		})
		if err != nil {
			return "", err
		}
		if length < room {
			return C.GoStringN(&value[0], C.int(length)), nil
		}
		room = length + 1024
	}
}

// SetSysctl sets a sysctl of the namespace.
func (n *Namespace) SetSysctl(name, value string) error {
	strings, err := texts(name, value)
	if err != nil {
		return err
	}
	_, err = n.call(func(c *C.struct_netns) C.int {
		return C.netns_sysctl_set(c, strings[0], strings[1])
	})
	return err
}
