// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

import "syscall"

// The flags of clone(2) that vishvananda/netns exports.
//
// Deprecated: use those of package syscall.
const (
	CLONE_NEWUTS  = syscall.CLONE_NEWUTS
	CLONE_NEWIPC  = syscall.CLONE_NEWIPC
	CLONE_NEWUSER = syscall.CLONE_NEWUSER
	CLONE_NEWPID  = syscall.CLONE_NEWPID
	CLONE_NEWNET  = syscall.CLONE_NEWNET
	CLONE_IO      = syscall.CLONE_IO
)
