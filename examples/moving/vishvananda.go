// SPDX-License-Identifier: MIT OR Apache-2.0

// The namespaces of this thread and of a name, by vishvananda's package.
package main

import "fmt"
import "os"
import "github.com/vishvananda/netns"

func main() {
	home, err := netns.Get()
	fmt.Println(err, home.IsOpen())
	blue, err := netns.GetFromName("blue")
	fmt.Println(err, blue.Equal(home))
	_, err = netns.GetFromName("green")
	fmt.Println(os.IsNotExist(err))
	fmt.Println(blue.Close(), home.Close(), netns.DeleteNamed("blue"))
}
