module github.com/libnetns/libnetns/bench/go

go 1.24.2

require (
	github.com/containernetworking/plugins v1.9.1
	github.com/libnetns/libnetns/bindings/go v0.0.0
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
)

require (
	github.com/containernetworking/cni v1.3.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)

replace github.com/libnetns/libnetns/bindings/go => ../../bindings/go
