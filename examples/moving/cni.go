// SPDX-License-Identifier: MIT OR Apache-2.0

// What is in a namespace, by CNI's package.
package main

import "fmt"
import "net"
import "github.com/containernetworking/plugins/pkg/ns"

func main() {
	err := ns.WithNetNSPath("/var/run/netns/blue", func(host ns.NetNS) error {
		links, err := net.Interfaces()
		fmt.Println(len(links), links[0].Name)
		return err
	})
	fmt.Println(err)
}
