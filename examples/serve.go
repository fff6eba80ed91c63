// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Serve answers HTTP on one port in every network namespace that has a name. It follows names as they
// are added and removed.
//
//	go mod init serve && go mod tidy && go build    # pkg-config has to find netns.pc
//	sudo ./serve :8080                              # until SIGINT or SIGTERM
//	sudo ip netns exec blue curl http://127.0.0.1:8080
//
// Privilege: CAP_SYS_ADMIN. Cleanup: none; it creates no namespace.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/libnetns/libnetns/bindings/go/netns"
)

// daemon has a server for each name.
type daemon struct {
	address string
	servers map[string]*http.Server
}

// add starts the server of a namespace. Another name of a namespace that is served finds the port in use.
func (d *daemon) add(name string) error {
	ns, err := netns.Open(name)
	if err != nil {
		return err
	}
	// The listener keeps the namespace from now on.
	defer ns.Close()
	var listener net.Listener
	// Only this function runs in the namespace. A socket stays where it was opened, and what it accepts is
	// there too, so the server's goroutines may run on any thread.
	err = ns.Run(func() (err error) {
		listener, err = net.Listen("tcp", d.address)
		return err
	})
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "this is %s\n", name)
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	d.servers[name] = server
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("%s: %v", name, err)
		}
	}()
	return nil
}

// remove closes all sockets in the namespace: it can be freed only when none is left.
func (d *daemon) remove(name string) {
	if server := d.servers[name]; server != nil {
		server.Close()
		delete(d.servers, name)
	}
}

// run returns when ctx is done, or when names can no longer be watched.
func (d *daemon) run(ctx context.Context) error {
	monitor, err := netns.OpenMonitor(netns.MonitorSnapshot)
	if err != nil {
		return err
	}
	defer monitor.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-monitor.Events():
			switch {
			case !open:
				return monitor.Err()
			case event.Type == netns.EventRemove:
				d.remove(event.Name)
				fmt.Println("removed", event.Name)
			case event.Type == netns.EventAdd:
				// One namespace that cannot be served does not stop the others.
				if err := d.add(event.Name); err != nil {
					log.Print(err)
					continue
				}
				fmt.Println("serving", event.Name)
			}
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: serve ADDRESS")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	d := &daemon{address: os.Args[1], servers: map[string]*http.Server{}}
	if err := d.run(ctx); err != nil {
		log.Fatal(err)
	}
}
