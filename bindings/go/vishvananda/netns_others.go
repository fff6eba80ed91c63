// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build !linux

package netns

import libnetns "github.com/libnetns/libnetns/bindings/go/netns"

// ErrNotImplemented is returned by every function that returns an error.
var ErrNotImplemented = libnetns.ErrNotImplemented
