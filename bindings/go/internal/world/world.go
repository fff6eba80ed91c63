// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Package world runs tests in an isolated environment: a mount namespace with an empty /run, a network
// namespace and, for a plain user, a user namespace. Nothing in it is visible on the host.
package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kind is the kind of environment. The variable LIBNETNS_TEST_WORLD passes it to the process in it.
type Kind string

const (
	// Own is an environment in which tests have all privileges.
	Own Kind = "own"
	// Stranger is an environment whose user namespace does not own the network namespace that it starts in,
	// so that no thread can switch back to that one.
	Stranger Kind = "stranger"

	variable = "LIBNETNS_TEST_WORLD"
)

// Go cannot end the main thread together with a goroutine, so keep the tests off it.
func init() {
	runtime.LockOSThread()
}

// Here returns the kind of environment that the process is in, or "" before Main.
func Here() Kind {
	return Kind(os.Getenv(variable))
}

// Main is called by TestMain. It runs the tests in a new environment, and returns the exit status.
func Main(m *testing.M) int {
	if Here() == "" {
		return status(Command(Own, os.Args[1:]...))
	}
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "no world for the tests:", err)
		return 1
	}
	// This creates the poller's own descriptors.
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	return m.Run()
}

// Command returns a command that runs this program again, in a new environment.
func Command(kind Kind, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variable+"="+string(kind))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if kind == Own {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	}
	if kind == Stranger || os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

func status(cmd *exec.Cmd) int {
	err := cmd.Run()
	if cmd.ProcessState == nil && os.Geteuid() != 0 {
		fmt.Println("skipped: there are no user namespaces for users here:", err)
		return 0
	}
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

func furnish() error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return mountRun()
}

func mountRun() error {
	return syscall.Mount("none", "/run", "tmpfs", 0, "mode=755")
}

// EmptyRun mounts an empty /run for a test, and unmounts it with everything in it afterwards.
func EmptyRun(t *testing.T) {
	t.Helper()
	if err := mountRun(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount("/run", syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// places are attributes that a thread may have unshared, as files of /proc/self/task/TID.
var places = []string{"ns/net", "ns/mnt", "ns/uts", "cwd"}

// Guard fails a test that leaves a descriptor open, or that leaves a thread in a namespace or directory other
// than the program's.
func Guard(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	home := map[string]string{}
	for _, place := range places {
		home[place] = Link(t, "/proc/self/"+place)
	}
	t.Cleanup(func() {
		// A thread that is given up ends some time after its goroutine.
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			strays := elsewhere(t, home)
			left := strings.Join(descriptors(t), "\n")
			if len(strays) == 0 && left == strings.Join(before, "\n") {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("threads elsewhere: %v; descriptors before:\n%s\nand now:\n%s", strays, strings.Join(before, "\n"), left)
				return
			}
		}
	})
}

// Link reads a symbolic link.
func Link(t *testing.T, path string) string {
	t.Helper()
	target, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// elsewhere returns the threads that are not in their original place.
func elsewhere(t *testing.T, home map[string]string) []string {
	t.Helper()
	var strays []string
	for place, here := range home {
		paths, err := filepath.Glob("/proc/self/task/*/" + place)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			// The thread may have ended meanwhile.
			if there, err := os.Readlink(path); err == nil && there != here {
				strays = append(strays, path+" is "+there)
			}
		}
	}
	return strays
}

// descriptors returns the open descriptors and their files.
func descriptors(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, path := range paths {
		// The descriptor that Glob used to read the directory is closed by now.
		if target, err := os.Readlink(path); err == nil {
			open = append(open, filepath.Base(path)+" "+target)
		}
	}
	return open
}
