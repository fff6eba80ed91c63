module github.com/vishvananda/netns

go 1.19

require github.com/libnetns/libnetns/bindings/go v1.0.0

replace github.com/libnetns/libnetns/bindings/go => ../
