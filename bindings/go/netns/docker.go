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

// The prefixes of a container's id in the name of its cgroup. The driver "cgroupfs" uses none.
var cgroupPrefixes = []string{"docker-", "nerdctl-", "cri-containerd-", ""}

// member is a process of a container.
type member struct {
	pid int
	// The container's full id.
	id string
	// The number of cgroups between the container's and the process's own, which is not 0 for containers in
	// the container and for the units of its service manager.
	depth int
	// The time when the process was started, in clock ticks since boot.
	started uint64
}

// before reports whether m is more likely than other to be the container's first process.
func (m member) before(other member) bool {
	if m.depth != other.depth {
		return m.depth < other.depth
	}
	if m.started != other.started {
		return m.started < other.started
	}
	return m.pid < other.pid
}

// containerProcess finds the first process of the container. It reads the cgroups of all processes, which
// look the same in both versions of cgroups and with every driver and nesting.
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
			Message: fmt.Sprintf("find container %q: no process has a control group with this container ID", id),
		}
	}
	return first.pid, nil
}

// memberOf reads the cgroups of a process. A process that has ended meanwhile belongs to no container.
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

// containerOf returns the full id in the name of a cgroup if the id begins with the given one.
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

// startOf reads the start time of a process: field 22 of /proc/PID/stat, which is the 20th after the
// program's name. The name is in parentheses and may itself contain parentheses.
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
