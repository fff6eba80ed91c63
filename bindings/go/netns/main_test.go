// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

func TestMain(m *testing.M) {
	if os.Getenv(onMainThread) != "" {
		os.Exit(runOnTheMainThread())
	}
	os.Exit(world.Main(m))
}

// must fails the test at the first error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create creates a namespace that is removed at the end of the test.
func create(t *testing.T, name string) *Namespace {
	t.Helper()
	n, err := Create(name, 0)
	must(t, err)
	t.Cleanup(func() {
		n.Close()
		must(t, Remove(name, RemoveMissingOK))
	})
	return n
}

// anonymous creates a namespace without a name.
func anonymous(t *testing.T) *Namespace {
	t.Helper()
	n, err := CreateAnonymous(0)
	must(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

// wants fails the test unless err is that errno with a message of the library.
func wants(t *testing.T, err error, errno syscall.Errno) {
	t.Helper()
	var failure *Error
	if !errors.Is(err, errno) || !errors.As(err, &failure) {
		t.Fatalf("%v (%T), not %v", err, err, errno)
	}
	if failure.Message == "" || failure.Message == errno.Error() {
		t.Fatalf("%v: says nothing more", err)
	}
}

// wantsBare fails the test unless err is the bare errno, as needed by err == syscall.ENOENT.
func wantsBare(t *testing.T, err error, errno syscall.Errno) {
	t.Helper()
	if err != errno {
		t.Errorf("%v (%T), not %v", err, err, errno)
	}
}

// isCurrent reports whether the calling thread is in n.
func isCurrent(t *testing.T, n *Namespace) bool {
	t.Helper()
	is, err := n.IsCurrent()
	if err != nil {
		t.Error(err)
	}
	return is
}
