// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// Setns moves the calling thread into the namespace, one way. The goroutine must be locked to it
// (runtime.LockOSThread), and stay so for as long as the thread is there; Run sees to all of that.
func (n *Namespace) Setns() error {
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_setns(c) })
	return err
}

// SetnsFlags are for Namespace.SetnsMounts.
type SetnsFlags uint32

const (
	// SetnsKeepSys leaves /sys alone, which goes on showing the devices that it shows.
	SetnsKeepSys SetnsFlags = C.NETNS_SETNS_KEEP_SYS
	// SetnsKeepEtc leaves the files of /etc/netns/NAME alone.
	SetnsKeepEtc SetnsFlags = C.NETNS_SETNS_KEEP_ETC
)

// SetnsMounts moves the calling thread into the namespace, one way, with a mount namespace of its own in which
// /sys and /etc are the namespace's, as Spawn has it. The goroutine must be locked to the thread and stay so: no
// other one must find itself in there. After an error other than ENOTRECOVERABLE the thread is in the namespaces
// that it was in, but may have a root and working directory of its own: end it, too.
func (n *Namespace) SetnsMounts(flags SetnsFlags) error {
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_setns_mounts(c, C.uint32_t(flags)) })
	return err
}

// Socket opens a socket in the namespace, close-on-exec, as syscall.Socket does in the thread's. The
// descriptor is the caller's; net.FileListener, net.FilePacketConn and net.FileConn take it by way of
// os.NewFile.
func (n *Namespace) Socket(domain, typ, proto int) (int, error) {
	return n.call(func(c *C.struct_netns) C.int {
		return C.netns_socket(c, C.int(domain), C.int(typ), C.int(proto))
	})
}

// SocketFrom does the same for a program that keeps its own namespace open: two switches around the socket,
// without /proc and without another descriptor. home is what Current gave, once. The thread is in home
// afterwards, whether or not it was there before, which is not checked.
func (n *Namespace) SocketFrom(home *Namespace, domain, typ, proto int) (int, error) {
	return home.callWith(n, func(home, c *C.struct_netns) C.int {
		return C.netns_socket_from(home, c, C.int(domain), C.int(typ), C.int(proto))
	})
}

// ErrGoexit is what Run returns where the function did not return but ended its goroutine.
var ErrGoexit = errors.New("the function ended its goroutine (runtime.Goexit; FailNow, Fatal or SkipNow of package testing)")

// Run calls fn in the namespace and returns what fn returns. fn has a goroutine of its own, locked to
// its thread, which is not the program's main thread; the caller, which waits, stays where it is. Where fn
// ends its goroutine with runtime.Goexit, as testing's FailNow does, Run returns ErrGoexit. A panic is
// fn's own, and is not passed on.
//
// fn must not call runtime.UnlockOSThread more often than runtime.LockOSThread, and the goroutines that
// it starts are not in the namespace.
//
// Afterwards the thread goes back to the namespace that it came from, and other goroutines run on it. It
// ends instead if it cannot go back, since it has no capability over that namespace any more, or if fn
// has unshared what all threads of a program have in common: the mount namespace, the working directory,
// the root directory and the umask (CLONE_NEWNS, CLONE_FS), or the descriptors (CLONE_FILES). Where the
// kernel has no kcmp(2), or a filter forbids it, only another mount namespace is noticed.
//
// Run does not notice what else fn changes in its thread: other namespaces (UTS, IPC, cgroup, PID, time),
// user and group ids, capabilities, a seccomp filter, the signal mask, the scheduling. A function that
// changes one of those and does not undo it must call runtime.LockOSThread once without
// runtime.UnlockOSThread: then the thread ends, too.
func (n *Namespace) Run(fn func() error) error {
	v := newVisit(n, fn)
	go v.run(v.enterAndLeave)
	return v.wait()
}

// RunFrom does the same for a program that keeps its own namespace open: its thread needs neither /proc nor
// a descriptor to come back. home is what Current gave, once, outside of Run: the namespace of the program's
// threads. EINVAL: it is another one's, in which a thread would stay, and other goroutines run there. That is
// looked at once for each home. Where the thread could not come back, fn is not called.
func (n *Namespace) RunFrom(home *Namespace, fn func() error) error {
	v := newVisit(n, fn)
	v.home = home
	go v.run(v.goAndGoHome)
	return v.wait()
}

// visit is one call of Run or RunFrom.
type visit struct {
	ns   *Namespace
	home *Namespace
	fn   func() error
	done chan struct{}
	err  error
	// The token, which is still open for the other threads where the thread has a table of descriptors of
	// its own by now; or -1.
	stranded int
}

func newVisit(n *Namespace, fn func() error) *visit {
	return &visit{ns: n, fn: fn, stranded: -1, done: make(chan struct{})}
}

func (v *visit) wait() error {
	<-v.done
	if v.stranded >= 0 {
		syscall.Close(v.stranded)
	}
	return v.err
}

// run has the goroutine for itself. way unlocks the thread only where that is as it was before; a locked
// one ends with its goroutine.
func (v *visit) run(way func()) {
	defer close(v.done)
	runtime.LockOSThread()
	if !isMainThread() {
		way()
		return
	}
	// The main thread does not end with its goroutine, and what /proc/PID shows must not change: another
	// goroutine gets another thread as long as this one is locked.
	another := make(chan struct{})
	go func() {
		defer close(another)
		runtime.LockOSThread()
		way()
	}()
	<-another
	runtime.UnlockOSThread()
}

func (v *visit) enterAndLeave() {
	before := commons()
	token, err := v.ns.enter()
	switch {
	case err == nil:
		defer v.leave(token, before)
		v.callback()
	case errors.Is(err, syscall.EPERM):
		v.oneWay()
	default:
		v.err = err
		runtime.UnlockOSThread()
	}
}

// oneWay is for where there is no way back: the thread stays locked, and ends.
func (v *visit) oneWay() {
	if v.err = v.ns.Setns(); v.err != nil {
		runtime.UnlockOSThread()
		return
	}
	v.callback()
}

// goAndGoHome is netns_run_from in Go: where C called a function of Go's, runtime.Goexit in that would not
// take the thread back.
func (v *visit) goAndGoHome() {
	before := commons()
	if v.err = v.home.checkHome(); v.err == nil {
		// What this needs, coming back will need.
		v.err = v.home.Setns()
	}
	if v.err == nil {
		v.err = v.ns.Setns()
	}
	if v.err != nil {
		runtime.UnlockOSThread()
		return
	}
	defer v.goHome(before)
	v.callback()
}

// checkHome refuses a home that the calling thread, one of those that any goroutine gets, is not in. What cannot
// be found out is no reason.
func (n *Namespace) checkHome() error {
	if n == nil {
		return nil
	}
	n.home.Do(func() {
		if is, err := n.IsCurrent(); err == nil && !is {
			n.notHome = invalid("%v is not the one that the program's threads are in", n)
		}
	})
	return n.notHome
}

func (v *visit) goHome(before common) {
	if err := v.home.Setns(); err != nil {
		if v.err == nil {
			v.err = err
		}
		return
	}
	if commons().kept(before) {
		runtime.UnlockOSThread()
	}
}

func (v *visit) callback() {
	v.err = ErrGoexit
	v.err = v.fn()
}

func (n *Namespace) enter() (C.int, error) {
	token, err := n.call(func(c *C.struct_netns) C.int { return C.netns_enter(c) })
	return C.int(token), err
}

func (v *visit) leave(token C.int, before common) {
	rc := C.netns_leave(token)
	if rc == -C.int(syscall.ENOTRECOVERABLE) {
		// Nothing is lost but the thread; the token is still open.
		syscall.Close(int(token))
	}
	// Of any other failure the cause is that fn has closed the token, and with it the way back.
	if rc != 0 {
		return
	}
	after := commons()
	if after.known && before.descriptors && !after.descriptors {
		v.stranded = int(token)
	}
	if after.kept(before) {
		runtime.UnlockOSThread()
	}
}

func isMainThread() bool {
	return syscall.Gettid() == os.Getpid()
}
