// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Namespace is a handle of a network namespace. The namespace lives at least as long as the handle, whatever
// happens to its name. Several goroutines may use a handle at the same time.
type Namespace struct {
	name, path string

	mu     sync.Mutex
	c      *C.struct_netns
	users  int
	closed bool

	home    sync.Once
	notHome error
}

// CreateFlags are the flags of Create.
type CreateFlags uint32

const (
	// CreateExistOK opens the namespace if the name exists.
	CreateExistOK CreateFlags = C.NETNS_CREATE_EXIST_OK
	// CreateLoUp sets the interface lo up.
	CreateLoUp CreateFlags = C.NETNS_CREATE_LO_UP
	// CreateNoWait makes Create fail with EAGAIN instead of waiting while another process holds the run
	// directory's lock or is creating the name.
	CreateNoWait CreateFlags = C.NETNS_CREATE_NOWAIT
)

// Create creates a namespace with a name in RunDir. It moves no goroutine into the namespace.
func Create(name string, flags CreateFlags) (*Namespace, error) {
	return RunDir.Create(name, flags)
}

// CreateAnonymous creates a namespace without a name. It lives as long as the handle and the sockets and
// threads in it.
func CreateAnonymous(flags CreateFlags) (*Namespace, error) {
	return open(func(out **C.struct_netns) C.int { return C.netns_create(nil, C.uint32_t(flags), out) })
}

// Open opens the namespace with this name in RunDir.
func Open(name string) (*Namespace, error) {
	return RunDir.Open(name)
}

// OpenPath opens the namespace at this path, such as /proc/PID/ns/net. Symbolic links are followed. The
// Namespace has a name if the path is RunDir or /var/run/netns, a slash, and a name.
func OpenPath(path string) (*Namespace, error) {
	if path == "" {
		return nil, &Error{Errno: syscall.ENOENT, Message: `open "": no such file or directory`}
	}
	p, err := text(asPath(path))
	if err != nil {
		return nil, err
	}
	n, err := open(func(out **C.struct_netns) C.int { return C.netns_open(p, 0, out) })
	if err != nil {
		return nil, err
	}
	n.path = path
	return n, nil
}

// asPath keeps the library from mistaking a file in the working directory for a name.
func asPath(path string) string {
	if strings.Contains(path, "/") {
		return path
	}
	return "./" + path
}

// OpenPid opens the namespace of a process or thread.
func OpenPid(pid int) (*Namespace, error) {
	if pid != int(C.pid_t(pid)) {
		return nil, invalid("open %d: invalid process ID", pid)
	}
	return open(func(out **C.struct_netns) C.int { return C.netns_open_pid(C.pid_t(pid), out) })
}

// OpenFd opens the namespace that a descriptor refers to: that of a namespace file, of a socket or of a
// pidfd. The caller keeps ownership of fd.
func OpenFd(fd int) (*Namespace, error) {
	if fd != int(C.int(fd)) {
		return nil, &Error{Errno: syscall.EBADF, Message: fmt.Sprintf("open descriptor %d: invalid descriptor", fd)}
	}
	return open(func(out **C.struct_netns) C.int { return C.netns_open_fd(C.int(fd), out) })
}

// OpenID opens the namespace with this inode number and, unless it is 0, this cookie, whether it has a name
// or not. It fails with ENOENT if the caller can see no such namespace, and with ESTALE if the one with this
// cookie no longer exists.
func OpenID(inode, cookie uint64) (*Namespace, error) {
	return open(func(out **C.struct_netns) C.int {
		return C.netns_open_id(C.uint64_t(inode), C.uint64_t(cookie), out)
	})
}

// Current opens the calling thread's namespace. The result is meaningful only while the goroutine is locked
// to its thread, as it is in Run.
func Current() (*Namespace, error) {
	return open(func(out **C.struct_netns) C.int { return C.netns_open_current(out) })
}

// Dup opens a second handle of the namespace, with the same name and path. Either may be closed first.
func (n *Namespace) Dup() (*Namespace, error) {
	c, err := n.acquire()
	if err != nil {
		return nil, err
	}
	defer n.release()
	copied, err := open(func(out **C.struct_netns) C.int { return C.netns_dup(c, out) })
	if err != nil {
		return nil, err
	}
	copied.path = n.path
	return copied, nil
}

// open returns a Namespace for the handle that f gets from the library.
func open(f func(out **C.struct_netns) C.int) (*Namespace, error) {
	var c *C.struct_netns
	if _, err := call(func() C.int { return f(&c) }); err != nil {
		return nil, err
	}
	n := &Namespace{c: c, name: C.GoString(C.netns_name(c)), path: C.GoString(C.netns_path(c))}
	runtime.SetFinalizer(n, (*Namespace).finalize)
	return n, nil
}

// finalize releases a handle that was not closed. No call can be using it, because release refers to it.
func (n *Namespace) finalize() {
	C.netns_close(n.c)
}

// Close closes the handle. It does not wait for calls that are using the handle, which run to completion. A
// second Close returns an error that is fs.ErrClosed.
func (n *Namespace) Close() error {
	if _, err := n.acquire(); err != nil {
		return err
	}
	n.mu.Lock()
	again := n.closed
	n.closed = true
	n.mu.Unlock()
	n.release()
	if again {
		return n.closedError()
	}
	return nil
}

// acquire keeps the handle from being released until release is called.
func (n *Namespace) acquire() (*C.struct_netns, error) {
	if n == nil {
		return nil, invalid("there is no namespace: the *Namespace is nil")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.c == nil {
		return nil, n.closedError()
	}
	n.users++
	return n.c, nil
}

func (n *Namespace) release() {
	n.mu.Lock()
	n.users--
	last := n.closed && n.users == 0
	n.mu.Unlock()
	if last {
		runtime.SetFinalizer(n, nil)
		C.netns_close(n.c)
	}
}

func (n *Namespace) closedError() error {
	return &Error{Errno: syscall.EBADF, Message: fmt.Sprintf("%v has been closed", n)}
}

// call is like the function call, and passes the handle to f.
func (n *Namespace) call(f func(c *C.struct_netns) C.int) (int, error) {
	c, err := n.acquire()
	if err != nil {
		return -1, err
	}
	defer n.release()
	return call(func() C.int { return f(c) })
}

// callWith is like call, with a second handle.
func (n *Namespace) callWith(other *Namespace, f func(c, other *C.struct_netns) C.int) (int, error) {
	o, err := other.acquire()
	if err != nil {
		return -1, err
	}
	defer other.release()
	return n.call(func(c *C.struct_netns) C.int { return f(c, o) })
}

// callWithPeer is like callWith, but nil is the calling thread's namespace.
func (n *Namespace) callWithPeer(peer *Namespace, f func(c, peer *C.struct_netns) C.int) (int, error) {
	if peer == nil {
		return n.call(func(c *C.struct_netns) C.int { return f(c, nil) })
	}
	return n.callWith(peer, f)
}

// Fd returns the handle's descriptor, or -1 if the handle is closed. The descriptor is close-on-exec and
// belongs to the handle. It is valid until Close, and as long as the Namespace is reachable
// (runtime.KeepAlive).
func (n *Namespace) Fd() int {
	fd, err := n.call(func(c *C.struct_netns) C.int { return C.netns_fd(c) })
	if err != nil {
		return -1
	}
	return fd
}

// Handle returns a new descriptor of the namespace, which the caller must Close.
func (n *Namespace) Handle() (NsHandle, error) {
	c, err := n.acquire()
	if err != nil {
		return None(), err
	}
	defer n.release()
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(C.netns_fd(c)), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return None(), &Error{Errno: errno, Message: fmt.Sprintf("%v: duplicate the descriptor: %v", n, errno)}
	}
	return NsHandle(fd), nil
}

// Name returns the name that the namespace was created with or opened by, or "" if there is none.
func (n *Namespace) Name() string {
	return n.name
}

// Path returns the path that the namespace was opened by, or the path of its name, or "" if there is none.
func (n *Namespace) Path() string {
	return n.path
}

// String returns a readable description.
func (n *Namespace) String() string {
	switch {
	case n == nil:
		return "no namespace"
	case n.name != "":
		return fmt.Sprintf("namespace %q", n.name)
	case n.path != "":
		return fmt.Sprintf("namespace at %q", n.path)
	}
	return "namespace without a name"
}

// Inode returns the number N of "net:[N]" in /proc/PID/ns/net, or 0 if the handle is closed. The number may
// be reused later, unlike Cookie.
func (n *Namespace) Inode() uint64 {
	return n.number(func(c *C.struct_netns) C.uint64_t { return C.netns_inode(c) })
}

// Device returns the device number that belongs to the inode number, or 0 if the handle is closed.
func (n *Namespace) Device() uint64 {
	return n.number(func(c *C.struct_netns) C.uint64_t { return C.netns_device(c) })
}

func (n *Namespace) number(f func(c *C.struct_netns) C.uint64_t) uint64 {
	c, err := n.acquire()
	if err != nil {
		return 0
	}
	defer n.release()
	return uint64(f(c))
}

// Cookie returns a number that identifies the namespace and is not reused until the next boot.
func (n *Namespace) Cookie() (uint64, error) {
	var cookie C.uint64_t
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_cookie(c, &cookie) })
	return uint64(cookie), err
}

// Equal reports whether two handles refer to the same namespace. A closed handle is equal to none.
func (n *Namespace) Equal(other *Namespace) bool {
	equal, err := n.callWith(other, func(c, o *C.struct_netns) C.int { return C.netns_equal(c, o) })
	return err == nil && equal == 1
}

// IsCurrent reports whether the calling thread is in the namespace.
func (n *Namespace) IsCurrent() (bool, error) {
	is, err := n.call(func(c *C.struct_netns) C.int { return C.netns_is_current(c) })
	return is == 1, err
}

// Attach gives the namespace an additional name in RunDir.
func (n *Namespace) Attach(name string) error {
	return RunDir.Attach(n, name)
}

// Names returns the names of the namespace in RunDir.
func (n *Namespace) Names() ([]string, error) {
	return RunDir.Names(n)
}
