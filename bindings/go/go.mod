module github.com/libnetns/libnetns/bindings/go

go 1.19
