// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// What stands before a container's id in the name of its control group. With "cgroupfs" as the driver
// it is nothing.
var cgroupPrefixes = []string{"docker-", "nerdctl-", "cri-containerd-", ""}

// member is a process of a container.
type member struct {
	pid int
	// The container's whole id.
	id string
	// How many control groups the process is in below the container's: containers in the container, or
	// its service manager's units.
	depth int
	// When the process was started, in clock ticks since boot.
	started uint64
}

// before tells whether m is rather the container's first process than other is.
func (m member) before(other member) bool {
	if m.depth != other.depth {
		return m.depth < other.depth
	}
	if m.started != other.started {
		return m.started < other.started
	}
	return m.pid < other.pid
}

// containerProcess finds the first process of the container by the control groups of all processes,
// which every version of control groups, and every driver and nesting, shows alike.
func containerProcess(procfs, id string) (int, error) {
	if id == "" {
		return 0, invalid("find container: the id is empty")
	}
	paths, err := filepath.Glob(filepath.Join(procfs, "[1-9]*", "cgroup"))
	if err != nil {
		return 0, err
	}
	var first *member
	for _, path := range paths {
		m, ok := memberOf(path, id)
		if !ok {
			continue
		}
		if first != nil && first.id != m.id {
			return 0, invalid("find container %q: more than one container's id begins so: %s, %s", id, first.id, m.id)
		}
		if first == nil || m.before(*first) {
			first = &m
		}
	}
	if first == nil {
		return 0, &Error{
			Errno:   syscall.ENOENT,
			Message: fmt.Sprintf("find container %q: no process is in a control group of such a container", id),
		}
	}
	return first.pid, nil
}

// memberOf reads a process's control groups. A process that ends meanwhile is none's.
func memberOf(path, id string) (member, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return member{}, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		// NUMBER:CONTROLLERS:PATH
		fields := strings.SplitN(line, ":", 3)
		if len(fields) < 3 {
			continue
		}
		groups := strings.Split(fields[2], "/")
		for i, group := range groups {
			whole, ok := containerOf(group, id)
			if !ok {
				continue
			}
			process := filepath.Dir(path)
			pid, err := strconv.Atoi(filepath.Base(process))
			if err != nil {
				return member{}, false
			}
			started, ok := startOf(process)
			return member{pid, whole, len(groups) - i, started}, ok
		}
	}
	return member{}, false
}

// containerOf gives the whole id that a control group's name has, if it begins with id.
func containerOf(group, id string) (string, bool) {
	group = strings.TrimSuffix(group, ".scope")
	for _, prefix := range cgroupPrefixes {
		whole := strings.TrimPrefix(group, prefix)
		if strings.HasPrefix(group, prefix) && strings.HasPrefix(whole, id) && isContainerID(whole) {
			return whole, true
		}
	}
	return "", false
}

func isContainerID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// startOf reads when a process was started: field 22 of stat, the 20th after the program's name, which
// stands in parentheses and may have any in it.
func startOf(process string) (uint64, bool) {
	text, err := os.ReadFile(filepath.Join(process, "stat"))
	if err != nil {
		return 0, false
	}
	rest := string(text)
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(fields) < 20 {
		return 0, false
	}
	started, err := strconv.ParseUint(fields[19], 10, 64)
	return started, err == nil
}
