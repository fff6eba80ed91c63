// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// MonitorFlags are the flags of OpenMonitor.
type MonitorFlags uint32

// MonitorSnapshot reports the names that exist as EventAdd first.
const MonitorSnapshot MonitorFlags = C.NETNS_MONITOR_SNAPSHOT

// EventType is the type of an event.
type EventType uint32

const (
	// EventAdd means that the name can be opened from now on.
	EventAdd EventType = C.NETNS_EVENT_ADD
	// EventRemove means that the name was removed or now belongs to another namespace; in the latter case
	// EventAdd follows.
	EventRemove EventType = C.NETNS_EVENT_REMOVE
)

func (t EventType) String() string {
	switch t {
	case EventAdd:
		return "add"
	case EventRemove:
		return "remove"
	}
	return fmt.Sprintf("event %d", uint32(t))
}

// Event reports that a name was added or removed.
type Event struct {
	Type EventType
	Name string
	// Inode and Cookie identify the namespace that the name refers to or, after a removal, referred to.
	// Cookie is 0 if it is unknown, as before Linux 6.18.
	Inode, Cookie uint64
}

// Monitor watches a run directory for names that any process adds or removes. It waits with the runtime's
// poller and blocks no thread while nothing happens. Release it with Close.
type Monitor struct {
	events chan Event
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
	err    error
	// A duplicate of the descriptor, for the poller.
	file    *os.File
	watcher *watcher
}

// OpenMonitor watches RunDir.
func OpenMonitor(flags MonitorFlags) (*Monitor, error) {
	return RunDir.OpenMonitor(flags)
}

// OpenMonitor watches this directory, which need not exist yet.
func (d Dir) OpenMonitor(flags MonitorFlags) (*Monitor, error) {
	w, err := d.watch(flags)
	if err != nil {
		return nil, err
	}
	file, err := w.pollable()
	if err != nil {
		w.close()
		return nil, err
	}
	m := &Monitor{
		events:  make(chan Event),
		closed:  make(chan struct{}),
		done:    make(chan struct{}),
		file:    file,
		watcher: w,
	}
	go m.run()
	return m, nil
}

// Events returns the channel on which events are sent. It is closed by Close and after a failure, which Err
// returns.
func (m *Monitor) Events() <-chan Event {
	return m.events
}

// Err waits for the monitor to end, and returns the failure that ended it, or nil if it was closed.
func (m *Monitor) Err() error {
	<-m.done
	return m.err
}

// Close ends the monitor, and returns when its goroutine has ended. It may be called more than once.
func (m *Monitor) Close() error {
	m.once.Do(func() {
		close(m.closed)
		// This wakes the goroutine that waits for the descriptor.
		m.file.Close()
	})
	<-m.done
	return nil
}

func (m *Monitor) run() {
	defer close(m.done)
	defer close(m.events)
	defer m.watcher.close()
	defer m.file.Close()
	err := m.tell()
	select {
	case <-m.closed:
	default:
		m.err = err
	}
}

// tell returns an error, or nil after Close.
func (m *Monitor) tell() error {
	conn, err := m.file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	// Read calls the function whenever the descriptor may have become ready since the last call.
	err = conn.Read(func(uintptr) bool {
		failure = m.tellAll()
		return failure != nil
	})
	if failure != nil {
		return failure
	}
	return err
}

// tellAll sends all pending events: the poller wakes up only for events that arrive later.
func (m *Monitor) tellAll() error {
	for {
		event, ok, err := m.watcher.next()
		if err != nil || !ok {
			return err
		}
		select {
		case m.events <- event:
		case <-m.closed:
			return fs.ErrClosed
		}
	}
}

// watcher is the library's monitor.
type watcher struct {
	c *C.struct_netns_monitor
}

func (d Dir) watch(flags MonitorFlags) (*watcher, error) {
	dir, err := text(string(d))
	if err != nil {
		return nil, err
	}
	w := &watcher{}
	_, err = call(func() C.int { return C.netns_monitor_open(dir, C.uint32_t(flags), &w.c) })
	if err != nil {
		return nil, err
	}
	return w, nil
}

// next returns the next event, or false if there is none now.
func (w *watcher) next() (Event, bool, error) {
	var event C.struct_netns_event
	event.size = C.uint32_t(unsafe.Sizeof(event))
	got, err := call(func() C.int { return C.netns_monitor_next(w.c, &event) })
	if err != nil || got == 0 {
		return Event{}, false, err
	}
	return Event{
		Type:   EventType(event._type),
		Name:   C.GoString(&event.name[0]),
		Inode:  uint64(event.inode),
		Cookie: uint64(event.cookie),
	}, true, nil
}

// pollable returns a descriptor that the runtime's poller can wait for.
func (w *watcher) pollable() (*os.File, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(C.netns_monitor_fd(w.c)), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, &Error{Errno: errno, Message: fmt.Sprintf("monitor: duplicate the descriptor: %v", errno)}
	}
	// os.NewFile registers only non-blocking descriptors with the poller.
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		syscall.Close(int(fd))
		return nil, err
	}
	return os.NewFile(fd, "netns monitor"), nil
}

func (w *watcher) close() {
	C.netns_monitor_close(w.c)
}
