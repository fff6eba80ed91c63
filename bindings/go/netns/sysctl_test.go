// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"strings"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

func TestSysctlActsInGivenNamespace(t *testing.T) {
	world.Guard(t)
	a, b := anonymous(t), anonymous(t)
	must(t, a.SetSysctl("net.ipv4.ip_forward", "1"))
	must(t, b.SetSysctl("net/ipv4/ip_forward", "0"))
	for ns, expected := range map[*Namespace]string{a: "1", b: "0"} {
		value, err := ns.Sysctl("net.ipv4.ip_forward")
		must(t, err)
		if value != expected {
			t.Errorf("%q, and not %q", value, expected)
		}
	}
}

func TestInvalidSysctlsFailWithErrno(t *testing.T) {
	world.Guard(t)
	a := anonymous(t)
	wants(t, a.SetSysctl("vm.swappiness", "1"), syscall.ENOENT)
	wants(t, a.SetSysctl("net.ipv4.no_such", "1"), syscall.ENOENT)
	wants(t, a.SetSysctl("net/../kernel/hostname", "x"), syscall.EINVAL)
	wants(t, a.SetSysctl("net.ipv4.ip_forward", "yes"), syscall.EINVAL)
	wants(t, a.SetSysctl("net.ipv4.ip_forward", "1\x00"), syscall.EINVAL)
	wants(t, a.SetSysctl("net.ipv4.ip_forward", strings.Repeat("1", 5000)), syscall.E2BIG)
	_, err := a.Sysctl("net.ipv4")
	wants(t, err, syscall.EISDIR)
}
