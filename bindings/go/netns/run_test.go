// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

const onMainThread = "LIBNETNS_TEST_ON_MAIN_THREAD"

func TestRunSwitchesFunctionButNotCaller(t *testing.T) {
	world.Guard(t)
	blue, red := anonymous(t), anonymous(t)
	must(t, blue.Run(func() error {
		if !isCurrent(t, blue) {
			t.Error("not in blue")
		}
		return red.Run(func() error {
			if !isCurrent(t, red) {
				t.Error("not in red")
			}
			return nil
		})
	}))
	if isCurrent(t, blue) || isCurrent(t, red) {
		t.Error("the caller was moved")
	}
}

func TestRunReturnsErrorOfFunction(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	if err := blue.Run(func() error { return io.EOF }); err != io.EOF {
		t.Error(err)
	}
}

func TestRunOnClosedNamespaceDoesNotCallFunction(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.Close())
	err := blue.Run(func() error {
		t.Error("called")
		return nil
	})
	wants(t, err, syscall.EBADF)
}

func TestGoexitInFunctionReturnsErrGoexit(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	home, err := Current()
	must(t, err)
	defer home.Close()
	ends := func() error {
		runtime.Goexit()
		return nil
	}
	for _, err := range []error{blue.Run(ends), blue.RunFrom(home, ends)} {
		if !errors.Is(err, ErrGoexit) {
			t.Error(err)
		}
	}
}

// Guard checks the threads' namespaces afterwards, and the open descriptors.
func TestRunDiscardsThreadAfterUnshare(t *testing.T) {
	for name, unshared := range map[string]func() error{
		"mounts":      func() error { return syscall.Unshare(syscall.CLONE_NEWNS) },
		"descriptors": func() error { return syscall.Unshare(syscall.CLONE_FILES) },
		"directory":   unshareDirectory,
	} {
		t.Run(name, func(t *testing.T) {
			world.Guard(t)
			blue := anonymous(t)
			home, err := Current()
			must(t, err)
			defer home.Close()
			for i := 0; i < 11; i++ {
				must(t, blue.Run(unshared))
				must(t, blue.RunFrom(home, unshared))
			}
		})
	}
}

func TestRunDetectsMountNamespaceChangeWithoutKcmp(t *testing.T) {
	asked := inCommon
	inCommon = func() (common, bool) { return common{}, false }
	defer func() { inCommon = asked }()
	world.Guard(t)
	blue := anonymous(t)
	for i := 0; i < 11; i++ {
		must(t, blue.Run(func() error { return syscall.Unshare(syscall.CLONE_NEWNS) }))
	}
}

// As if the function installed a filter that forbids kcmp(2): the thread ends, and its token, which is
// closed already, is not closed again.
func TestRunClosesTheTokenOnce(t *testing.T) {
	asked := inCommon
	defer func() { inCommon = asked }()
	world.Guard(t)
	blue := anonymous(t)
	v := newVisit(blue, func() error {
		inCommon = func() (common, bool) { return common{}, false }
		return nil
	})
	go v.run(v.enterAndLeave)
	must(t, v.wait())
	if v.stranded != -1 {
		t.Error(v.stranded)
	}
}

// unshareDirectory changes the working directory of the calling thread only.
func unshareDirectory() error {
	if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
		return err
	}
	path := []byte("/proc\x00")
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(&path[0])), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func TestRunKeepsUnchangedThread(t *testing.T) {
	world.Guard(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := commons()
	if !c.known {
		t.Skip("no kcmp(2) here")
	}
	if !c.kept(c) {
		t.Errorf("%+v", c)
	}
}

func TestRunSucceedsIfFunctionSwitchesNamespace(t *testing.T) {
	world.Guard(t)
	blue, red := anonymous(t), anonymous(t)
	must(t, blue.Run(red.Setns))
}

func TestRunSucceedsIfFunctionLocksThread(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.Run(func() error {
		runtime.LockOSThread()
		return syscall.Unshare(syscall.CLONE_NEWUTS)
	}))
}

// Guard checks that the thread has ended and that the token is closed.
func TestRunDiscardsThreadThatCannotSwitchBack(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.Run(dropCapabilities))
	if isCurrent(t, blue) {
		t.Error("the caller has that thread")
	}
	must(t, blue.Run(func() error { return nil }))
}

func TestRunDiscardsThreadWithClosedToken(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.Run(func() error {
		home := world.Link(t, "/proc/self/ns/net")
		for fd := 0; fd < 1024; fd++ {
			// This program has no other descriptor of home.
			if target, err := os.Readlink("/proc/self/fd/" + itoa(fd)); err == nil && target == home {
				return syscall.Close(fd)
			}
		}
		return errors.New("there is no token")
	}))
	if isCurrent(t, blue) {
		t.Error("the caller has that thread")
	}
}

// dropCapabilities affects only the calling thread.
func dropCapabilities() error {
	header := struct {
		version uint32
		pid     int32
	}{version: 0x20080522}
	var none [2]struct{ effective, permitted, inheritable uint32 }
	_, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func TestRunWorksWithoutRightToSwitchBack(t *testing.T) {
	if world.Here() != world.Stranger {
		again(t, world.Stranger)
		return
	}
	world.Guard(t)
	blue := create(t, "blue")
	if _, err := blue.enter(); !errors.Is(err, syscall.EPERM) {
		t.Fatalf("there is a way back: %v", err)
	}
	for i := 0; i < 20; i++ {
		must(t, blue.Run(func() error {
			if !isCurrent(t, blue) {
				t.Error("not in blue")
			}
			return nil
		}))
	}
	fd, err := blue.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(t, err)
	syscall.Close(fd)
}

// again runs the test in a new process with these namespaces.
func again(t *testing.T, kind world.Kind, environment ...string) {
	t.Helper()
	cmd := world.Command(kind, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(cmd.Env, environment...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Skip("no user namespaces here:", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestRunNeverSwitchesMainThread(t *testing.T) {
	again(t, world.Stranger, onMainThread+"=1")
	again(t, world.Own, onMainThread+"=1")
}

// runOnTheMainThread runs in a separate process, whose main thread must not switch namespaces, even if the
// call begins on it.
func runOnTheMainThread() int {
	blue, err := CreateAnonymous(0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer blue.Close()
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil || !isMainThread() {
		fmt.Println("not on the main thread", err)
		return 1
	}
	v := newVisit(blue, nil)
	v.fn = func() error {
		if is, err := blue.IsCurrent(); err != nil || !is || isMainThread() {
			return fmt.Errorf("is in blue: %v (%v); is the main thread: %v", is, err, isMainThread())
		}
		return io.EOF
	}
	v.run(v.enterAndLeave)
	if there, err := os.Readlink("/proc/self/ns/net"); v.err != io.EOF || there != home {
		fmt.Println(v.err, err, there)
		return 1
	}
	return 0
}

func TestSocketOpensInNamespace(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	fd, err := blue.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	must(t, err)
	defer syscall.Close(fd)
	where, err := OpenFd(fd)
	must(t, err)
	defer where.Close()
	if !where.Equal(blue) {
		t.Error("the socket is elsewhere")
	}
	_, err = blue.Socket(999, syscall.SOCK_STREAM, 0)
	wants(t, err, syscall.EAFNOSUPPORT)
}

// If a goroutine ends while it is locked to its thread, the thread ends too.
func TestSetnsMountsSwitchesSysUnlessKeepSys(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.LinkAdd("only-here", "bridge"))
	seen := func() bool {
		_, err := os.Stat("/sys/class/net/only-here")
		return err == nil
	}
	for _, flags := range []SetnsFlags{0, SetnsKeepSys} {
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			err := blue.SetnsMounts(flags)
			if err == nil && seen() != (flags == 0) {
				err = errors.New("/sys is another one's")
			}
			done <- err
		}()
		must(t, <-done)
	}
	if seen() || isCurrent(t, blue) {
		t.Error("the caller was moved")
	}
	wants(t, blue.SetnsMounts(1<<31), syscall.EINVAL)
}

func TestRunFromAndSocketFromReturnToHome(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	home, err := Current()
	must(t, err)
	defer home.Close()
	fd, err := blue.SocketFrom(home, syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(t, err)
	defer syscall.Close(fd)
	where, err := OpenFd(fd)
	must(t, err)
	defer where.Close()
	if !where.Equal(blue) || !isCurrent(t, home) {
		t.Error("the socket or the thread is elsewhere")
	}
	_, err = blue.SocketFrom(home, 999, syscall.SOCK_STREAM, 0)
	wants(t, err, syscall.EAFNOSUPPORT)
	err = blue.RunFrom(home, func() error {
		if !isCurrent(t, blue) {
			t.Error("not in blue")
		}
		return io.EOF
	})
	if err != io.EOF || !isCurrent(t, home) {
		t.Error(err)
	}
}

func TestRunFromDiscardsThreadThatCannotSwitchBack(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	home, err := Current()
	must(t, err)
	defer home.Close()
	wants(t, blue.RunFrom(home, dropCapabilities), syscall.EPERM)
	if isCurrent(t, blue) {
		t.Error("the caller has that thread")
	}
	must(t, blue.RunFrom(home, func() error { return nil }))
}

// Guard checks that no thread is left in blue.
func TestRunFromRejectsHomeThreadIsNotIn(t *testing.T) {
	world.Guard(t)
	blue, red := anonymous(t), anonymous(t)
	for i := 0; i < 5; i++ {
		must(t, blue.Run(func() error {
			home, err := Current()
			must(t, err)
			defer home.Close()
			wants(t, red.RunFrom(home, func() error {
				t.Error("called")
				return nil
			}), syscall.EINVAL)
			return nil
		}))
	}
}

func TestRunFromAndSocketFromRejectClosedHome(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	home, err := Current()
	must(t, err)
	must(t, home.Close())
	wants(t, blue.RunFrom(home, func() error {
		t.Error("called")
		return nil
	}), syscall.EBADF)
	_, err = blue.SocketFrom(home, syscall.AF_INET, syscall.SOCK_STREAM, 0)
	wants(t, err, syscall.EBADF)
}

func TestManyGoroutinesSwitchConcurrently(t *testing.T) {
	world.Guard(t)
	places := []*Namespace{anonymous(t), anonymous(t), anonymous(t), anonymous(t)}
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := 0; i < 200; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			<-start
			if err := useThem(places[i%4], places[(i+1)%4], fmt.Sprintf("ns%d", i)); err != nil {
				t.Error(err)
			}
		}()
	}
	close(start)
	group.Wait()
	names, err := List(0)
	must(t, err)
	if len(names) != 0 {
		t.Error("names are left:", names)
	}
}

// useThem is run by each of the goroutines.
func useThem(here, there *Namespace, name string) error {
	err := here.Run(func() error {
		if is, err := here.IsCurrent(); err != nil || !is {
			return fmt.Errorf("%s: not here: %v", name, err)
		}
		return there.Run(func() error {
			if is, err := there.IsCurrent(); err != nil || !is {
				return fmt.Errorf("%s: not there: %v", name, err)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	own, err := Create(name, CreateLoUp)
	if err != nil {
		return err
	}
	defer own.Close()
	fd, err := own.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	// Each failure has the message of its own call.
	_, err = Open(name + "-missing")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `"`+name+`-missing"`) {
		return fmt.Errorf("%s: %v", name, err)
	}
	return Remove(name, 0)
}
