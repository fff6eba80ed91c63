// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

// Two serves one address in two network namespaces at once, and connects to each server from its namespace.
// To run it as a plain user:
//
//	unshare --map-root-user --net --mount two
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/libnetns/libnetns/bindings/go/netns"
)

const address = "127.0.0.1:8080"

func main() {
	if err := demonstrate("blue", "red"); err != nil {
		log.Fatal(err)
	}
}

func demonstrate(names ...string) error {
	places := map[string]*netns.Namespace{}
	for _, name := range names {
		ns, err := netns.CreateAnonymous(netns.CreateLoUp)
		if err != nil {
			return err
		}
		defer ns.Close()
		stop, err := serve(ns, name)
		if err != nil {
			return err
		}
		defer stop()
		places[name] = ns
	}
	// Both servers now listen on the same address.
	for _, name := range names {
		answer, err := ask(places[name])
		if err != nil {
			return err
		}
		fmt.Printf("http://%s in %s: %s\n", address, name, answer)
	}
	return nil
}

// serve listens in the namespace. The server's goroutines may then run on any thread: a socket stays in the
// namespace in which it was opened, and so do the connections that it accepts.
func serve(ns *netns.Namespace, name string) (stop func() error, err error) {
	var listener net.Listener
	err = ns.Run(func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "this is %s", name)
	})}
	go server.Serve(listener)
	return server.Close, nil
}

// ask connects in the namespace. The address is numeric because the resolver uses goroutines of its own,
// which are not in the namespace.
func ask(ns *netns.Namespace) (string, error) {
	var conn net.Conn
	err := ns.Run(func() (err error) {
		conn, err = net.Dial("tcp", address)
		return err
	})
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}}
	response, err := client.Get("http://" + address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
