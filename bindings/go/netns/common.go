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
// // What the calling thread shares with the program's main thread; -1 if it is unknown.
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

// common describes what all threads of a program share until one of them unshares it.
type common struct {
	// known is true if kcmp(2) determined the next two fields, which is much faster than reading /proc.
	known bool
	// These are true if the calling thread shares with the main thread its working and root directory and
	// umask, or its descriptor table. Threads that share their directories also share the mount namespace:
	// unshare(2) with CLONE_NEWNS unshares both, and setns(2) fails while the directories are shared.
	directories, descriptors bool
	// mounts is the mount namespace, unless known.
	mounts identity
}

// inCommon calls kcmp(2). Tests replace it.
var inCommon = func() (common, bool) {
	what := C.in_common()
	return common{true, what&C.DIRECTORIES != 0, what&C.DESCRIPTORS != 0, identity{}}, what >= 0
}

// commons returns the state of the calling thread.
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

// kept reports whether nothing has been unshared since before.
func (c common) kept(before common) bool {
	if c.known {
		return c.directories && c.descriptors
	}
	return c.mounts == before.mounts
}
