// SPDX-License-Identifier: MIT OR Apache-2.0

// Package netns works with Linux network namespaces by way of libnetns.
//
// It has two faces. One has the names of github.com/vishvananda/netns, with the same meaning: an
// NsHandle is a descriptor, and New, NewNamed and Set move the calling thread, which must be locked
// (runtime.LockOSThread). The other is a Namespace, which needs no locking: Create makes one and
// leaves the thread where it is, Run calls a function in it, Socket opens a socket in it, and so on.
//
// # Threads
//
// A network namespace belongs to a thread, and Go moves goroutines between threads. Run takes care of
// that for the function that it calls, but not for the goroutines which that function starts: they
// run on other threads, in the program's own namespace. A socket stays where it was opened, whichever
// goroutine uses it.
//
// # Errors
//
// A function or method of the second face returns an *Error. It unwraps to the errno, so
// errors.Is(err, fs.ErrNotExist) and errors.Is(err, syscall.EPERM) work; os.IsNotExist, which looks
// through no error but os's own, does not. Its text names the object, the step, the cause and, where
// known, the remedy.
//
// A function of the first face returns what its namesake does: a syscall.Errno, or an *os.PathError where
// NewNamed finds the name taken. So err == syscall.ENOENT, os.IsNotExist(err) and os.IsExist(err) work;
// LastMessage has the text.
//
// ENOTRECOVERABLE says that a thread could not go back to where it came from: it lost a capability
// on the way. The calling goroutine then stays locked to that thread, so that no other one gets it;
// end it, and the thread goes as well. Run never leaves its caller in that state.
package netns
