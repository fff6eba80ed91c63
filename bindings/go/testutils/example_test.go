// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package testutils_test

import (
	"fmt"
	"log"

	"github.com/libnetns/libnetns/bindings/go/ns"
	"github.com/libnetns/libnetns/bindings/go/testutils"
)

// A test of a plugin creates a namespace with a name, and removes both afterwards.
func Example() {
	target, err := testutils.NewNS()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ns.IsNSorErr(target.Path()))

	fmt.Println(target.Close(), testutils.UnmountNS(target))
	// Output:
	// <nil>
	// <nil> <nil>
}
