// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// SpawnFlags are the flags of Spawn.
type SpawnFlags uint32

const (
	// SpawnKeepSys keeps the caller's /sys, which does not show the interfaces of the namespace.
	SpawnKeepSys SpawnFlags = C.NETNS_SPAWN_KEEP_SYS
	// SpawnKeepEtc ignores the files of /etc/netns/NAME.
	SpawnKeepEtc SpawnFlags = C.NETNS_SPAWN_KEEP_ETC
	// SpawnStrictEtc makes Spawn fail with ENOENT or ENOTDIR if a file of /etc/netns/NAME has no counterpart
	// in /etc.
	SpawnStrictEtc SpawnFlags = C.NETNS_SPAWN_STRICT_ETC
	// SpawnPinEtc keeps the files of /etc/netns/NAME in /etc even if the host replaces or removes the files
	// that they cover. /etc is then a read-only overlay; see netns_spawn(3) for its limits.
	SpawnPinEtc SpawnFlags = C.NETNS_SPAWN_PIN_ETC
)

// SpawnAttr contains optional attributes for Spawn.
type SpawnAttr struct {
	// Env is the program's environment. If it is nil, the program gets os.Environ().
	Env []string
	// Dir is the working directory, as the program sees the file system. If it is "", the program gets the
	// caller's.
	Dir string
	// Stdin, Stdout and Stderr become the program's descriptors 0, 1 and 2. If one is nil, the program gets
	// the caller's.
	Stdin, Stdout, Stderr *os.File
	Flags                 SpawnFlags
	// Credential is the user and groups that the program runs as. If it is nil, they are the caller's. Dir is
	// entered with the permissions of that user. NoSetGroups keeps the caller's groups.
	Credential *syscall.Credential
	// Setsid makes the program the leader of a new session.
	Setsid bool
	// LeftOut, if it is not nil, is called before Spawn returns if the program was started without a file of
	// /etc/netns/NAME that has no counterpart in /etc. The message names the first such file and the remedy.
	LeftOut func(message string)
}

// Spawn starts a program in the namespace and returns once it runs. The program gets a /sys that shows the
// namespace's interfaces and, if the Namespace has a name, the files of /etc/netns/NAME over those in /etc.
// file is looked up in PATH unless it contains a '/'. argv begins with the program's name. attr may be nil.
// The caller must Wait for the process or Release it.
//
// The program inherits this process's limit on open files, which Go raises at startup.
func (n *Namespace) Spawn(file string, argv []string, attr *SpawnAttr) (*os.Process, error) {
	if attr == nil {
		attr = &SpawnAttr{}
	}
	env := attr.Env
	if env == nil {
		env = os.Environ()
	}
	t, err := texts(file)
	if err != nil {
		return nil, err
	}
	var memory vectors
	defer memory.free()
	args, err := memory.vector(argv)
	if err != nil {
		return nil, err
	}
	vars, err := memory.vector(env)
	if err != nil {
		return nil, err
	}
	options, err := memory.options(attr)
	if err != nil {
		return nil, err
	}
	var pid C.pid_t
	// While this lock is held, no descriptor of this program is open but not yet close-on-exec.
	syscall.ForkLock.Lock()
	leftOut := ""
	_, err = n.call(func(c *C.struct_netns) C.int {
		rc := C.netns_spawn(c, options, t[0], args, vars, &pid)
		if rc > 0 {
			leftOut = C.GoString(C.netns_errmsg())
		}
		return rc
	})
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(attr)
	if err != nil {
		return nil, err
	}
	if leftOut != "" && attr.LeftOut != nil {
		attr.LeftOut(leftOut)
	}
	return os.FindProcess(int(pid))
}

// vectors manages memory allocated by C, since Go memory must not contain pointers that are passed to C.
type vectors struct {
	blocks []unsafe.Pointer
}

func (v *vectors) free() {
	for _, block := range v.blocks {
		C.free(block)
	}
}

func (v *vectors) text(s string) (*C.char, error) {
	if _, err := text(s); err != nil {
		return nil, err
	}
	t := C.CString(s)
	v.blocks = append(v.blocks, unsafe.Pointer(t))
	return t, nil
}

// vector returns a NULL-terminated array.
func (v *vectors) vector(strings []string) (**C.char, error) {
	// C.calloc never returns NULL: cgo ends the program if there is no memory, as Go does.
	block := C.calloc(C.size_t(len(strings)+1), C.size_t(unsafe.Sizeof((*C.char)(nil))))
	v.blocks = append(v.blocks, block)
	for i, s := range strings {
		t, err := v.text(s)
		if err != nil {
			return nil, err
		}
		*(**C.char)(unsafe.Add(block, uintptr(i)*unsafe.Sizeof(t))) = t
	}
	return (**C.char)(block), nil
}

func (v *vectors) options(attr *SpawnAttr) (*C.struct_netns_spawn_options, error) {
	options := &C.struct_netns_spawn_options{flags: C.uint32_t(attr.Flags) | C.NETNS_SPAWN_STDIO | C.NETNS_SPAWN_TELL_ETC}
	options.size = C.uint32_t(unsafe.Sizeof(*options))
	descriptors := []*C.int32_t{&options.stdin_fd, &options.stdout_fd, &options.stderr_fd}
	for i, file := range []*os.File{attr.Stdin, attr.Stdout, attr.Stderr} {
		*descriptors[i] = -1
		if file == nil {
			continue
		}
		// Fd returns -1 if the file is closed, which would otherwise mean the caller's descriptor.
		if *descriptors[i] = C.int32_t(file.Fd()); *descriptors[i] < 0 {
			return nil, &Error{Errno: syscall.EBADF, Message: fmt.Sprintf("spawn: %s is closed", file.Name())}
		}
	}
	if attr.Setsid {
		options.flags |= C.NETNS_SPAWN_SETSID
	}
	if err := v.credential(options, attr.Credential); err != nil {
		return nil, err
	}
	if attr.Dir == "" {
		return options, nil
	}
	dir, err := v.text(attr.Dir)
	options.cwd = dir
	return options, err
}

func (v *vectors) credential(options *C.struct_netns_spawn_options, credential *syscall.Credential) error {
	if credential == nil {
		return nil
	}
	groups := credential.Groups
	if credential.NoSetGroups {
		own, err := os.Getgroups()
		if err != nil {
			return err
		}
		groups = make([]uint32, len(own))
		for i, group := range own {
			groups[i] = uint32(group)
		}
	}
	options.flags |= C.NETNS_SPAWN_USER
	options.uid, options.gid = C.uint32_t(credential.Uid), C.uint32_t(credential.Gid)
	if len(groups) == 0 {
		return nil
	}
	block := C.calloc(C.size_t(len(groups)), C.size_t(unsafe.Sizeof(C.uint32_t(0))))
	v.blocks = append(v.blocks, block)
	copy(unsafe.Slice((*uint32)(block), len(groups)), groups)
	options.groups, options.groups_len = (*C.uint32_t)(block), C.size_t(len(groups))
	return nil
}
