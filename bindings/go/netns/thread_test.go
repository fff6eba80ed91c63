// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

var itoa = strconv.Itoa

// onAThread calls f on a thread that is not reused afterwards.
func onAThread(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	must(t, <-done)
}

func TestNewSwitchesThreadAndSetSwitchesBack(t *testing.T) {
	world.Guard(t)
	onAThread(t, newAndBack)
}

func newAndBack() error {
	home, err := Get()
	if err != nil {
		return err
	}
	defer home.Close()
	made, err := New()
	if err != nil {
		return err
	}
	defer made.Close()
	here, err := Get()
	if err != nil {
		return err
	}
	defer here.Close()
	if !here.Equal(made) || here.Equal(home) {
		return fmt.Errorf("in %v, not in %v", here, made)
	}
	if err := Set(home); err != nil {
		return err
	}
	back, err := Get()
	if err != nil {
		return err
	}
	defer back.Close()
	if !back.Equal(home) {
		return fmt.Errorf("in %v, not in %v", back, home)
	}
	return nil
}

func TestManyThreadsCreateNamespacesConcurrently(t *testing.T) {
	world.Guard(t)
	var group sync.WaitGroup
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread()
			if err := newAndBack(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
}

func TestNamedNamespaceIsCreatedFoundAndDeleted(t *testing.T) {
	world.Guard(t)
	onAThread(t, func() error {
		made, err := NewNamed("blue")
		if err != nil {
			return err
		}
		defer made.Close()
		_, again := NewNamed("blue")
		here, err := GetFromThread(os.Getpid(), syscall.Gettid())
		if err != nil {
			return err
		}
		defer here.Close()
		named, err := GetFromName("blue")
		if err != nil {
			return err
		}
		defer named.Close()
		if !here.Equal(made) || !named.Equal(made) || !errors.Is(again, fs.ErrExist) {
			return fmt.Errorf("%v, %v, %v, %v", here, named, made, again)
		}
		return nil
	})
	must(t, DeleteNamed("blue"))
	wantsBare(t, DeleteNamed("blue"), syscall.ENOENT)
	wantsBare(t, second(GetFromName("blue")), syscall.ENOENT)
}

func TestGetFromFunctionsOpenOrReturnErrno(t *testing.T) {
	world.Guard(t)
	mine, err := GetFromPid(os.Getpid())
	must(t, err)
	defer mine.Close()
	same, err := GetFromPath("/proc/self/ns/net")
	must(t, err)
	defer same.Close()
	if !mine.Equal(same) {
		t.Error(mine, same)
	}
	wantsBare(t, second(GetFromPath("/proc/uptime")), syscall.ENOTTY)
	wantsBare(t, second(GetFromPath("/proc/self/ns/mnt")), syscall.ENOTTY)
	wantsBare(t, second(GetFromName("../netns/x")), syscall.EINVAL)
	wantsBare(t, second(GetFromThread(1, os.Getpid())), syscall.ENOENT)
	for _, pid := range []int{0, -1, 1 << 22, -1 << 31} {
		wantsBare(t, second(GetFromPid(pid)), syscall.ENOENT)
	}
}

func TestSetRejectsInvalidHandles(t *testing.T) {
	world.Guard(t)
	file, err := os.Open("/proc/self/ns/mnt")
	must(t, err)
	defer file.Close()
	wantsBare(t, Set(NsHandle(file.Fd())), syscall.EINVAL)
	wantsBare(t, Set(None()), syscall.EBADF)
	wantsBare(t, Setns(None(), CLONE_NEWNET), syscall.EBADF)
	if err := Setns(None(), CLONE_NEWUTS); err != syscall.EBADF {
		t.Error(err)
	}
	onAThread(t, func() error {
		if err := syscall.Unshare(CLONE_NEWUTS); err != nil {
			return err
		}
		own, err := os.Open("/proc/thread-self/ns/uts")
		if err != nil {
			return err
		}
		defer own.Close()
		return Setns(NsHandle(own.Fd()), CLONE_NEWUTS)
	})
}

// How programs written before errors.Is check errors.
func TestErrorsMatchVishvanandaNetns(t *testing.T) {
	world.Guard(t)
	for _, err := range []error{
		second(GetFromName("missing")),
		second(GetFromPath("/nowhere")),
		second(GetFromPid(1 << 22)),
		DeleteNamed("missing"),
	} {
		if !os.IsNotExist(err) || err != syscall.ENOENT {
			t.Errorf("%v (%T)", err, err)
		}
	}
	create(t, "blue")
	_, err := NewNamed("blue")
	var failure *fs.PathError
	if !os.IsExist(err) || !errors.As(err, &failure) || failure.Path != "/run/netns/blue" || failure.Err != syscall.EEXIST {
		t.Errorf("%v (%T)", err, err)
	}
}

func TestMissingCapabilityReturnsBareEPERM(t *testing.T) {
	world.Guard(t)
	onAThread(t, func() error {
		home, err := Get()
		if err != nil {
			return err
		}
		defer home.Close()
		if err := dropCapabilities(); err != nil {
			return err
		}
		for _, err := range []error{Set(home), second(New()), second(NewNamed("blue"))} {
			if !os.IsPermission(err) || err != syscall.EPERM {
				t.Errorf("%v (%T)", err, err)
			}
		}
		return nil
	})
}

func TestLastMessageDescribesBareErrno(t *testing.T) {
	world.Guard(t)
	onAThread(t, func() error {
		wantsBare(t, second(GetFromName("missing")), syscall.ENOENT)
		if message := LastMessage(); !strings.Contains(message, `"missing"`) {
			return errors.New(message)
		}
		return nil
	})
}

func TestDeleteNamedRemovesEmptyFileOnly(t *testing.T) {
	world.Guard(t)
	create(t, "blue")
	must(t, os.WriteFile("/run/netns/empty", nil, 0o644))
	must(t, DeleteNamed("empty"))
	must(t, os.WriteFile("/run/netns/text", []byte("x"), 0o644))
	defer os.Remove("/run/netns/text")
	wantsBare(t, DeleteNamed("text"), syscall.EINVAL)
}

func TestNsHandleFormatsAndCloses(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	handle, err := blue.Handle()
	must(t, err)
	if want := fmt.Sprintf("NS(%d: %d, %d)", handle, blue.Device(), blue.Inode()); handle.String() != want {
		t.Error(handle, want)
	}
	if want := fmt.Sprintf("NS(%d:%d)", blue.Device(), blue.Inode()); handle.UniqueId() != want {
		t.Error(handle.UniqueId(), want)
	}
	if flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(handle), syscall.F_GETFD, 0); errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
		t.Error("not close-on-exec", errno)
	}
	copied := handle
	must(t, handle.Close())
	if handle.IsOpen() || handle != None() || handle.String() != "NS(none)" || handle.UniqueId() != "NS(none)" {
		t.Error(handle)
	}
	if copied.String() != fmt.Sprintf("NS(%d: unknown)", copied) || copied.UniqueId() != "NS(unknown)" || copied.Equal(0) || handle.Equal(copied) {
		t.Error(copied)
	}
	if err := handle.Close(); err != syscall.EBADF {
		t.Error(err)
	}
}

const (
	blueID  = "b100000000000000000000000000000000000000000000000000000000000000"
	greenID = "b200000000000000000000000000000000000000000000000000000000000000"
)

// processes creates a /proc with these control groups; the second number is a process's start time.
func processes(t *testing.T, groups map[[2]int]string) string {
	t.Helper()
	dir := t.TempDir()
	for process, group := range groups {
		own := filepath.Join(dir, itoa(process[0]))
		must(t, os.Mkdir(own, 0o755))
		must(t, os.WriteFile(filepath.Join(own, "cgroup"), []byte(group), 0o644))
		stat := fmt.Sprintf("%d (a) b (c) S%s %d 0", process[0], strings.Repeat(" 0", 18), process[1])
		must(t, os.WriteFile(filepath.Join(own, "stat"), []byte(stat), 0o644))
	}
	return dir
}

func TestContainersAreFoundByTheirControlGroups(t *testing.T) {
	inner := "0::/docker/" + blueID + "/docker/" + greenID + "\n"
	for name, test := range map[string]struct {
		groups map[[2]int]string
		id     string
		pid    int
		errno  syscall.Errno
	}{
		"cgroupfs":      {map[[2]int]string{{20, 5}: "0::/docker/" + blueID + "\n"}, "b1", 20, 0},
		"systemd":       {map[[2]int]string{{20, 5}: "0::/system.slice/docker-" + blueID + ".scope\n"}, blueID, 20, 0},
		"first version": {map[[2]int]string{{20, 5}: "5:cpu,cpuacct:/docker/" + blueID + "\n4:name=systemd:/\n"}, "b1", 20, 0},
		"kubernetes":    {map[[2]int]string{{20, 5}: "0::/kubepods.slice/kubepods-pod7.slice/cri-containerd-" + blueID + ".scope\n"}, "b1", 20, 0},
		"the first":     {map[[2]int]string{{20, 9}: "0::/docker/" + blueID + "\n", {30, 5}: "0::/docker/" + blueID + "\n"}, "b1", 30, 0},
		"an inner one":  {map[[2]int]string{{20, 5}: inner, {30, 9}: "0::/docker/" + blueID + "/init\n"}, "b1", 30, 0},
		"ambiguous":     {map[[2]int]string{{20, 5}: "0::/docker/" + blueID + "\n", {30, 5}: "0::/docker/" + greenID + "\n"}, "b", 0, syscall.EINVAL},
		"none":          {map[[2]int]string{{20, 5}: "0::/docker/" + blueID + "\n"}, "c", 0, syscall.ENOENT},
		"no id":         {map[[2]int]string{{20, 5}: "0::/\n"}, "", 0, syscall.EINVAL},
		"its monitor":   {map[[2]int]string{{20, 5}: "0::/libpod-conmon-" + blueID + ".scope\n"}, "b1", 0, syscall.ENOENT},
		"no container":  {map[[2]int]string{{20, 5}: "0::/docker/b1\nnonsense\n"}, "b1", 0, syscall.ENOENT},
	} {
		pid, err := containerProcess(processes(t, test.groups), test.id)
		if test.errno != 0 {
			wants(t, err, test.errno)
		} else if err != nil || pid != test.pid {
			t.Errorf("%s: %d, %v", name, pid, err)
		}
	}
}

// controlGroups is the mount point of cgroup2.
func controlGroups(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var stat syscall.Statfs_t
		if syscall.Statfs(path, &stat) == nil && stat.Type == 0x63677270 {
			return path
		}
	}
	t.Skip("control groups of the second version are not mounted here")
	return ""
}

func TestGetFromDockerOpensContainerNamespace(t *testing.T) {
	world.Guard(t)
	wants(t, second(GetFromDocker(blueID)), syscall.ENOENT)
	group := filepath.Join(controlGroups(t), "docker-"+blueID+".scope")
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skip("no control group may be made here:", err)
	}
	defer os.Remove(group)
	blue := anonymous(t)
	process, err := blue.Spawn("sleep", []string{"sleep", "60"}, &SpawnAttr{Flags: SpawnKeepSys | SpawnKeepEtc})
	must(t, err)
	defer func() {
		_ = process.Kill()
		_, _ = process.Wait()
	}()
	must(t, os.WriteFile(group+"/cgroup.procs", []byte(itoa(process.Pid)), 0))
	handle, err := GetFromDocker("b1")
	must(t, err)
	defer handle.Close()
	mine, err := blue.Handle()
	must(t, err)
	defer mine.Close()
	if !handle.Equal(mine) {
		t.Error(handle, mine)
	}
}
