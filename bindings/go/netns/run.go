// SPDX-License-Identifier: MIT OR Apache-2.0

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

// Run calls fn in the namespace and returns what fn returns. fn has a goroutine of its own, locked to
// its thread; the caller, which waits, stays where it is. Where fn ends with runtime.Goexit, as
// testing's FailNow does, the caller's goroutine ends, too. A panic is fn's own, and is not passed on.
//
// fn must not call runtime.UnlockOSThread more often than runtime.LockOSThread, and the goroutines that
// it starts are not in the namespace.
//
// Afterwards the thread goes back to where it was. If it cannot, since it has no capability over that
// place, it is given up together with the goroutine. Go cannot end the program's main thread: if fn drops
// capabilities of its thread, keep the main one for the main goroutine by runtime.LockOSThread in an
// init function.
func (n *Namespace) Run(fn func() error) error {
	v := visit{ns: n, fn: fn, done: make(chan struct{})}
	go v.run()
	<-v.done
	if v.exited {
		runtime.Goexit()
	}
	return v.err
}

// RunFrom does the same for a program that keeps its own namespace open: its thread needs neither /proc nor
// a descriptor to come back. home is what Current gave, once. The thread is in home afterwards, whether or not
// it was there before, which is not checked. Where it could not come back, fn is not called.
func (n *Namespace) RunFrom(home *Namespace, fn func() error) error {
	v := visit{ns: n, home: home, fn: fn, done: make(chan struct{})}
	go v.runFrom()
	<-v.done
	if v.exited {
		runtime.Goexit()
	}
	return v.err
}

// visit is one call of Run or RunFrom.
type visit struct {
	ns     *Namespace
	home   *Namespace
	fn     func() error
	done   chan struct{}
	err    error
	exited bool
}

// run has the goroutine for itself. The thread is unlocked only where it came from; a locked one ends
// with its goroutine.
func (v *visit) run() {
	defer close(v.done)
	runtime.LockOSThread()
	token, err := v.ns.enter()
	switch {
	case err == nil:
		defer comeBack(token)
		v.callback()
	case !errors.Is(err, syscall.EPERM):
		v.err = err
		runtime.UnlockOSThread()
	case isMainThread():
		// It does not end with its goroutine, and what /proc/PID/ns/net shows must not change: another
		// goroutine gets another thread as long as this one is locked.
		another := make(chan struct{})
		go func() {
			defer close(another)
			runtime.LockOSThread()
			v.oneWay()
		}()
		<-another
		runtime.UnlockOSThread()
	default:
		v.oneWay()
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

// runFrom has the goroutine for itself, too. It is netns_run_from in Go: where C called a function of Go's,
// runtime.Goexit in that would not take the thread back.
func (v *visit) runFrom() {
	defer close(v.done)
	runtime.LockOSThread()
	// What this needs, coming back will need.
	if v.err = v.home.Setns(); v.err == nil {
		v.err = v.ns.Setns()
	}
	if v.err != nil {
		runtime.UnlockOSThread()
		return
	}
	defer v.goHome()
	v.callback()
}

// goHome leaves the thread locked where it cannot: it ends with its goroutine.
func (v *visit) goHome() {
	if err := v.home.Setns(); err != nil {
		if v.err == nil {
			v.err = err
		}
		return
	}
	runtime.UnlockOSThread()
}

func (v *visit) callback() {
	v.exited = true
	v.err = v.fn()
	v.exited = false
}

func (n *Namespace) enter() (C.int, error) {
	token, err := n.call(func(c *C.struct_netns) C.int { return C.netns_enter(c) })
	return C.int(token), err
}

func comeBack(token C.int) {
	switch C.netns_leave(token) {
	case 0:
		runtime.UnlockOSThread()
	case -C.int(syscall.ENOTRECOVERABLE):
		// Nothing is lost but the thread; the token is still open.
		syscall.Close(int(token))
	}
	// Otherwise fn has closed the token, and with it the way back.
}

func isMainThread() bool {
	return syscall.Gettid() == os.Getpid()
}
