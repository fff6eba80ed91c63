// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #cgo CFLAGS: -D_GNU_SOURCE
// #include <linux/kcmp.h>
// #include <sys/syscall.h>
// #include <unistd.h>
//
// enum { DIRECTORIES = 1, DESCRIPTORS = 2 };
//
// // What the calling thread and the program's main one have in common; -1: it cannot be found out.
// static int in_common(void)
// {
//     pid_t self = syscall(SYS_gettid), first = getpid();
//     long directories = syscall(SYS_kcmp, self, first, KCMP_FS, 0, 0);
//     long descriptors = syscall(SYS_kcmp, self, first, KCMP_FILES, 0, 0);
//
//     if (directories < 0 || descriptors < 0)
//         return -1;
//     return (directories == 0 ? DIRECTORIES : 0) | (descriptors == 0 ? DESCRIPTORS : 0);
// }
import "C"

import "syscall"

// common is what the threads of a program have in common as long as none unshares it.
type common struct {
	// Whether kcmp(2) told the next two, in a fraction of the time that a look at /proc takes.
	known bool
	// Whether the calling thread has this in common with the main one: the working and the root
	// directory, the umask and with them the mount namespace; and the table of descriptors. Threads with a
	// directory in common have the same mount namespace: with CLONE_NEWNS unshare(2) unshares both, and
	// setns(2) fails while they are in common.
	directories, descriptors bool
	// The mount namespace, unless known.
	mounts identity
}

// inCommon asks kcmp(2). Tests replace it.
var inCommon = func() (common, bool) {
	what := C.in_common()
	return common{true, what&C.DIRECTORIES != 0, what&C.DESCRIPTORS != 0, identity{}}, what >= 0
}

// commons is for the calling thread.
func commons() common {
	if c, known := inCommon(); known {
		return c
	}
	var stat syscall.Stat_t
	if syscall.Stat("/proc/thread-self/ns/mnt", &stat) != nil {
		return common{}
	}
	return common{mounts: identity{uint64(stat.Dev), uint64(stat.Ino)}}
}

// kept tells whether nothing was unshared since before.
func (c common) kept(before common) bool {
	if c.known {
		return c.directories && c.descriptors
	}
	return c.mounts == before.mounts
}
