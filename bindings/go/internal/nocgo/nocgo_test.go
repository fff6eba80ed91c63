// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && !cgo

// Package nocgo tests package netns in a program that is built without cgo.
package nocgo

import (
	"os"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/netns"
)

func TestFunctionsWithoutCgoReturnErrNotImplemented(t *testing.T) {
	for i, err := range []error{
		//lint:ignore SA1019 Programs that call it need it without cgo as well.
		netns.Setns(netns.None(), syscall.CLONE_NEWNET),
		netns.Set(netns.None()),
		netns.DeleteNamed("blue"),
		failure(netns.New()),
		failure(netns.NewNamed("blue")),
		failure(netns.Get()),
		failure(netns.GetFromPath("/proc/self/ns/net")),
		failure(netns.GetFromName("blue")),
		failure(netns.GetFromPid(os.Getpid())),
		failure(netns.GetFromThread(os.Getpid(), os.Getpid())),
		failure(netns.GetFromDocker("b1")),
	} {
		if err != netns.ErrNotImplemented {
			t.Error(i, err)
		}
	}
}

func failure(handle netns.NsHandle, err error) error {
	if handle.IsOpen() {
		return os.ErrInvalid
	}
	return err
}

func TestNsHandleWorksWithoutCgo(t *testing.T) {
	var handles [2]netns.NsHandle
	for i := range handles {
		file, err := os.Open("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		handles[i] = netns.NsHandle(file.Fd())
	}
	if !handles[0].IsOpen() || !handles[0].Equal(handles[1]) || handles[0].Equal(netns.None()) {
		t.Error(handles)
	}
	if id := handles[0].UniqueId(); id == "NS(unknown)" || id != handles[1].UniqueId() {
		t.Error(id)
	}
}
