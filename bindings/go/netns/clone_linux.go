// SPDX-License-Identifier: MIT OR Apache-2.0

package netns

import "syscall"

// The flags of clone(2), as this package's namesake has them.
//
// Deprecated: syscall has them, too.
const (
	CLONE_NEWUTS  = syscall.CLONE_NEWUTS
	CLONE_NEWIPC  = syscall.CLONE_NEWIPC
	CLONE_NEWUSER = syscall.CLONE_NEWUSER
	CLONE_NEWPID  = syscall.CLONE_NEWPID
	CLONE_NEWNET  = syscall.CLONE_NEWNET
	CLONE_IO      = syscall.CLONE_IO
)
