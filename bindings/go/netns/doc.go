// SPDX-License-Identifier: MIT OR Apache-2.0

// Package netns creates, opens, enters, lists, watches and configures Linux network namespaces, by means of
// the C library libnetns.
//
// It contains two APIs. The first is that of github.com/vishvananda/netns, with the same names and meaning:
// an NsHandle is a descriptor, and New, NewNamed and Set move the calling thread, so the goroutine must be
// locked to it (runtime.LockOSThread). The second is type Namespace, which needs no locking: Create creates a
// namespace and leaves the thread where it is, Run calls a function in the namespace, Socket opens a socket
// in it, and so on.
//
// # Threads
//
// The network namespace is a per-thread attribute, and Go moves goroutines between threads. Run takes care of
// this for the function that it calls, but not for the goroutines that the function starts: they run on other
// threads, in the program's own namespace. A socket stays in the namespace in which it was opened, whichever
// goroutine uses it.
//
// # Errors
//
// The functions and methods of the second API return an *Error. It unwraps to the errno, so errors.Is(err,
// fs.ErrNotExist) and errors.Is(err, syscall.EPERM) work; os.IsNotExist does not, because it examines only
// errors of package os. The text names the object, the step that failed, the cause and, if known, the remedy.
//
// The functions of the first API return the errors of vishvananda/netns: a syscall.Errno, or an *os.PathError
// if NewNamed finds that the name exists. So err == syscall.ENOENT, os.IsNotExist(err) and os.IsExist(err)
// work. LastMessage returns the text.
//
// ENOTRECOVERABLE means that a thread could not switch back to its original namespace, because it lost a
// capability meanwhile. The calling goroutine then stays locked to that thread, so that no other goroutine
// runs on it; when the goroutine ends, the thread ends as well. Run never leaves its caller in that state.
package netns
