// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package ns_test

import (
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/libnetns/libnetns/bindings/go/ns"
)

// A plugin opens the container's namespace and configures it.
func Example() {
	container, err := ns.TempNetNS()
	if err != nil {
		log.Fatal(err)
	}
	defer container.Close()

	err = ns.WithNetNSPath(container.Path(), func(host ns.NetNS) error {
		interfaces, err := net.Interfaces()
		for _, i := range interfaces {
			fmt.Println(i.Name)
		}
		fmt.Println(host.Path() != container.Path())
		return err
	})
	fmt.Println(err)
	// Output:
	// lo
	// true
	// <nil>
}

func ExampleNetNS() {
	container, err := ns.TempNetNS()
	if err != nil {
		log.Fatal(err)
	}
	defer container.Close()

	err = container.Do(func(host ns.NetNS) error {
		// This goroutine is in the container's namespace, and switches to the host's for one call.
		return host.Do(func(ns.NetNS) error {
			return nil
		})
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleGetNS() {
	_, err := ns.GetNS("/var/run/netns/missing")
	var missing ns.NSPathNotExistErr
	fmt.Println(errors.As(err, &missing))

	// This is a namespace of another type.
	_, err = ns.GetNS("/proc/self/ns/mnt")
	var another ns.NSPathNotNSErr
	fmt.Println(errors.As(err, &another))
	// Output:
	// true
	// true
}
