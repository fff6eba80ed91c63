// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

import libnetns "github.com/libnetns/libnetns/bindings/go/netns"

// The flags of clone(2).
//
// Deprecated: use those of golang.org/x/sys/unix.
const (
	CLONE_NEWUTS  = libnetns.CLONE_NEWUTS
	CLONE_NEWIPC  = libnetns.CLONE_NEWIPC
	CLONE_NEWUSER = libnetns.CLONE_NEWUSER
	CLONE_NEWPID  = libnetns.CLONE_NEWPID
	CLONE_NEWNET  = libnetns.CLONE_NEWNET
	CLONE_IO      = libnetns.CLONE_IO
)
