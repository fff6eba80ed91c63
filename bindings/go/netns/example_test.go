// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/libnetns/libnetns/bindings/go/netns"
)

// Two namespaces, a veth pair between them, and a connection from one to the other.
func Example() {
	blue, err := netns.Create("blue", netns.CreateLoUp)
	if err != nil {
		log.Fatal(err)
	}
	defer netns.Remove("blue", 0)
	defer blue.Close()
	red, err := netns.CreateAnonymous(0)
	if err != nil {
		log.Fatal(err)
	}
	defer red.Close()

	for _, err := range []error{
		blue.VethAdd("v0", red, "v1"),
		blue.AddrAdd("v0", "192.0.2.1/24", 0),
		red.AddrAdd("v1", "192.0.2.2/24", 0),
		blue.LinkUp("v0"),
		red.LinkUp("v1"),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}

	var listener net.Listener
	err = blue.Run(func() (err error) {
		listener, err = net.Listen("tcp", "192.0.2.1:8080")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	var caller net.Conn
	err = red.Run(func() (err error) {
		caller, err = net.Dial("tcp", "192.0.2.1:8080")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	defer caller.Close()
	called, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer called.Close()
	fmt.Println(caller.LocalAddr().(*net.TCPAddr).IP, "called", called.LocalAddr())
	// Output: 192.0.2.2 called 192.0.2.1:8080
}

// The callback runs in the namespace. The caller and its thread stay where they are.
func ExampleNamespace_Run() {
	blue, err := netns.CreateAnonymous(netns.CreateLoUp)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	err = blue.Run(func() error {
		interfaces, err := net.Interfaces()
		for _, i := range interfaces {
			fmt.Println(i.Name)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: lo
}

// Run does not detect all changes that a function makes to its thread. If the function leaves the thread
// locked, the thread ends and takes the changes with it.
func ExampleNamespace_Run_lock() {
	blue, err := netns.CreateAnonymous(0)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	err = blue.Run(func() error {
		runtime.LockOSThread()
		if err := syscall.Unshare(syscall.CLONE_NEWUTS); err != nil {
			return err
		}
		return syscall.Sethostname([]byte("blue"))
	})
	name, _ := os.Hostname()
	fmt.Println(name == "blue", err)
	// Output: false <nil>
}

// A socket that is created in the namespace stays there, whichever goroutine uses it.
func ExampleNamespace_Socket() {
	blue, err := netns.CreateAnonymous(netns.CreateLoUp)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	fd, err := blue.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close()
	conn, err := net.FilePacketConn(file)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.LocalAddr().Network())
	// Output: udp
}

func ExampleNamespace_Command() {
	blue, err := netns.CreateAnonymous(0)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	// The program's own /sys shows the interfaces of the namespace.
	out, err := blue.Command("ls", "/sys/class/net").Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// lo
	// <nil>
}

func ExampleCmd_StdinPipe() {
	blue, err := netns.CreateAnonymous(0)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	cat := blue.Command("cat")
	cat.Stdout = os.Stdout
	stdin, err := cat.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		log.Fatal(err)
	}
	io.WriteString(stdin, "written by another program\n")
	stdin.Close()
	if err := cat.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: written by another program
}

func ExampleNamespace_Spawn() {
	blue, err := netns.CreateAnonymous(0)
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()

	process, err := blue.Spawn("sh", []string{"sh", "-c", "exit 3"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	state, err := process.Wait()
	fmt.Println(state, err)
	// Output: exit status 3 <nil>
}

func ExampleOpenMonitor() {
	monitor, err := netns.OpenMonitor(0)
	if err != nil {
		log.Fatal(err)
	}
	defer monitor.Close()

	blue, err := netns.Create("blue", 0)
	if err != nil {
		log.Fatal(err)
	}
	defer netns.Remove("blue", 0)
	defer blue.Close()
	event := <-monitor.Events()
	fmt.Println(event.Type, event.Name)
	// Output: add blue
}

// An Error unwraps to an errno, and its message says what failed.
func ExampleError() {
	_, err := netns.Open("missing")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	var failure *netns.Error
	fmt.Println(errors.As(err, &failure), failure.Errno == syscall.ENOENT)
	fmt.Println(strings.Contains(err.Error(), `open "missing"`))
	// Output:
	// true
	// true true
	// true
}

// With the API of vishvananda/netns, a thread moves to the new namespace and back.
func ExampleNew() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := netns.Get()
	if err != nil {
		log.Fatal(err)
	}
	defer home.Close()

	blue, err := netns.New()
	if err != nil {
		log.Fatal(err)
	}
	defer blue.Close()
	here, err := netns.Get()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	fmt.Println(here.Equal(blue), here.Equal(home))

	fmt.Println(netns.Set(home))
	// Output:
	// true false
	// <nil>
}

// Errors are those of vishvananda/netns; LastMessage returns the full message.
func ExampleLastMessage() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, err := netns.GetFromName("missing")
	fmt.Println(os.IsNotExist(err), err == syscall.ENOENT)
	fmt.Println(strings.Contains(netns.LastMessage(), `open "missing"`))
	// Output:
	// true true
	// true
}
