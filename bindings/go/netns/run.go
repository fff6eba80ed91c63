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

// Setns moves the calling thread into the namespace permanently. The goroutine must be locked to its thread
// (runtime.LockOSThread) and stay locked as long as the thread is in the namespace. Run does all of this.
func (n *Namespace) Setns() error {
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_setns(c) })
	return err
}

// SetnsFlags are the flags of SetnsMounts.
type SetnsFlags uint32

const (
	// SetnsKeepSys keeps the caller's /sys, which does not show the interfaces of the namespace.
	SetnsKeepSys SetnsFlags = C.NETNS_SETNS_KEEP_SYS
	// SetnsKeepEtc ignores the files of /etc/netns/NAME.
	SetnsKeepEtc SetnsFlags = C.NETNS_SETNS_KEEP_ETC
)

// SetnsMounts moves the calling thread into the namespace permanently, and into a new mount namespace that
// has the /sys and /etc of the network namespace, like that of a program started by Spawn. The goroutine must
// be locked to its thread and stay locked, so that no other goroutine runs on it. After an error other than
// ENOTRECOVERABLE the thread is in its original namespaces, but may have its own root and working directory:
// do not reuse it.
func (n *Namespace) SetnsMounts(flags SetnsFlags) error {
	_, err := n.call(func(c *C.struct_netns) C.int { return C.netns_setns_mounts(c, C.uint32_t(flags)) })
	return err
}

// Socket opens a socket in the namespace. It is close-on-exec and otherwise like one from syscall.Socket. The
// caller owns the descriptor, and can pass it to net.FileListener, net.FilePacketConn or net.FileConn by
// means of os.NewFile.
func (n *Namespace) Socket(domain, typ, proto int) (int, error) {
	return n.call(func(c *C.struct_netns) C.int {
		return C.netns_socket(c, C.int(domain), C.int(typ), C.int(proto))
	})
}

// SocketFrom is like Socket, but switches back to home, a handle of the program's own namespace that the
// caller keeps. It switches namespaces twice and needs neither /proc nor another descriptor. home is the
// result of one call of Current. The thread is in home afterwards; whether it was in home before is not
// checked.
func (n *Namespace) SocketFrom(home *Namespace, domain, typ, proto int) (int, error) {
	return home.callWith(n, func(home, c *C.struct_netns) C.int {
		return C.netns_socket_from(home, c, C.int(domain), C.int(typ), C.int(proto))
	})
}

// ErrGoexit is returned by Run if the function did not return but ended its goroutine.
var ErrGoexit = errors.New("the function ended its goroutine (runtime.Goexit; FailNow, Fatal or SkipNow of package testing)")

// Run calls fn in the namespace and returns its result. fn runs on a separate goroutine that is locked to its
// thread, which is never the program's main thread. The caller waits and stays in its own namespace. If fn
// ends its goroutine with runtime.Goexit, as FailNow of package testing does, Run returns ErrGoexit. A panic
// in fn is not recovered.
//
// fn must not call runtime.UnlockOSThread more often than runtime.LockOSThread. Goroutines that it starts are
// not in the namespace.
//
// Afterwards the thread switches back to its original namespace and is reused for other goroutines. The
// thread ends instead if it cannot switch back, because it no longer has the capability over that namespace,
// or if fn unshared something that all threads of a program share: the mount namespace, or the working
// directory, root directory and umask (CLONE_NEWNS, CLONE_FS), or the descriptor table (CLONE_FILES). If
// kcmp(2) is not available, only a change of the mount namespace is detected.
//
// Run does not detect other changes that fn makes to its thread: other namespaces (UTS, IPC, cgroup, PID,
// time), user and group IDs, capabilities, a seccomp filter, the signal mask, or scheduling attributes. A
// function that changes one of them and does not restore it must call runtime.LockOSThread once without
// runtime.UnlockOSThread; the thread then ends as well.
func (n *Namespace) Run(fn func() error) error {
	v := newVisit(n, fn)
	go v.run(v.enterAndLeave)
	return v.wait()
}

// RunFrom is like Run, but switches back to home, a handle of the program's own namespace that the caller
// keeps. The thread needs neither /proc nor a descriptor to switch back. home is the result of one call of
// Current outside of Run, and so refers to the namespace of the program's threads. RunFrom fails with EINVAL
// if it refers to another one, because the thread would stay there and other goroutines would run on it; this
// is checked once per home. If the thread could not switch back, fn is not called.
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
	// The token if the thread got its own descriptor table meanwhile, in which case the other threads must
	// still close it; otherwise -1.
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

// run executes way on the current goroutine. way unlocks the thread only if the thread is in its original
// state; a thread that stays locked ends with its goroutine.
func (v *visit) run(way func()) {
	defer close(v.done)
	runtime.LockOSThread()
	if !isMainThread() {
		way()
		return
	}
	// The main thread does not end with its goroutine, and the contents of /proc/PID must not change. While
	// this thread is locked, a new goroutine runs on another one.
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

// oneWay is used if the thread could not switch back. The thread stays locked, and ends.
func (v *visit) oneWay() {
	if v.err = v.ns.Setns(); v.err != nil {
		runtime.UnlockOSThread()
		return
	}
	v.callback()
}

// goAndGoHome is netns_run_from in Go. If C called the Go function, runtime.Goexit in it would skip the
// switch back.
func (v *visit) goAndGoHome() {
	before := commons()
	if v.err = v.home.checkHome(); v.err == nil {
		// This verifies that the thread will be able to switch back.
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

// checkHome rejects a home that is not the namespace of the calling thread, which stands for all of the
// program's threads. It accepts home if it cannot tell.
func (n *Namespace) checkHome() error {
	if n == nil {
		return nil
	}
	n.home.Do(func() {
		if is, err := n.IsCurrent(); err == nil && !is {
			n.notHome = invalid("%v is not the network namespace of the program's threads", n)
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
		// Only the thread is lost; the token is still open.
		syscall.Close(int(token))
	}
	// Any other failure means that fn closed the token, so the thread cannot switch back.
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
