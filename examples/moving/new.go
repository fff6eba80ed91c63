// SPDX-License-Identifier: MIT OR Apache-2.0

// A new namespace, and back.
package main

import "fmt"
import "runtime"
import "github.com/libnetns/libnetns/bindings/go/netns"

func main() {
	fmt.Println(netns.DeleteNamed("blue"))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, _ := netns.Get()
	blue, err := netns.NewNamed("blue")
	netns.Set(home)
	fmt.Println(err, blue.Close(), netns.DeleteNamed("blue"))
}
