// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

func TestErrorsWrapErrnoAndNameObject(t *testing.T) {
	_, err := Open("missing")
	wants(t, err, syscall.ENOENT)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"missing"`) {
		t.Error(err)
	}
	_, err = OpenPid(1 << 22)
	wants(t, err, syscall.ESRCH)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: exists", err)
	}
	_, err = OpenFd(1 << 20)
	wants(t, err, syscall.EBADF)
	if !errors.Is(err, fs.ErrClosed) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: is not closed", err)
	}
}

func TestErrorsSuggestGoFlags(t *testing.T) {
	world.Guard(t)
	create(t, "blue")
	for _, failed := range []struct {
		err   error
		hint  string
		hints bool
	}{
		{second(Create("blue", 0)), "; use CreateExistOK to open it", true},
		{second(Create("a/b", CreateExistOK)), "CreateExistOK", false},
		{Remove("missing", 0), "; use RemoveMissingOK to ignore that", true},
		{Remove("a/b", 0), "RemoveMissingOK", false},
	} {
		if failed.err == nil || strings.HasSuffix(failed.err.Error(), failed.hint) != failed.hints {
			t.Errorf("%v: %q: not %v", failed.err, failed.hint, failed.hints)
		}
	}
}

func TestStringsWithNulFailWithEINVAL(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	for _, err := range []error{
		second(Create("a\x00b", 0)),
		second(Dir("/run/a\x00b").Create("blue", 0)),
		second(Open("a\x00b")),
		second(OpenPath("/proc/self/ns/net\x00")),
		second(Dir("\x00").OpenMonitor(0)),
		second(blue.Spawn("true", []string{"true", "\x00"}, nil)),
		second(blue.Spawn("true", []string{"true"}, &SpawnAttr{Dir: "\x00"})),
		second(blue.Spawn("true", []string{"true"}, &SpawnAttr{Env: []string{"A=\x00"}})),
		Remove("a\x00b", 0),
		blue.Attach("a\x00b"),
		blue.LinkAdd("a\x00b", "bridge"),
		blue.LinkSetMaster("a", "a\x00b"),
		blue.RouteAdd("default", "\x00", ""),
	} {
		wants(t, err, syscall.EINVAL)
	}
}

func second[T any](_ T, err error) error {
	return err
}

func TestOutOfRangeNumbersAreRejected(t *testing.T) {
	blue := anonymous(t)
	wants(t, blue.LinkSetMTU("lo", -1), syscall.EINVAL)
	if strconv.IntSize == 32 {
		return
	}
	large := 1 << 16 << 16
	for _, err := range []error{
		second(OpenPid(large)),
		second(blue.SetNsid(blue, large)),
		second(blue.Nsids(large)),
		blue.LinkSetMTU("lo", large),
	} {
		wants(t, err, syscall.EINVAL)
	}
	wants(t, second(OpenFd(large)), syscall.EBADF)
}

func TestNilAndZeroNamespaceFailWithoutPanic(t *testing.T) {
	blue := anonymous(t)
	var none, zero *Namespace = nil, &Namespace{}
	wants(t, none.Close(), syscall.EINVAL)
	wants(t, zero.Close(), syscall.EBADF)
	wants(t, none.Run(nil), syscall.EINVAL)
	wants(t, blue.LinkMove("lo", none, ""), syscall.EINVAL)
	wants(t, blue.LinkMove("lo", zero, ""), syscall.EBADF)
	wants(t, blue.VethAdd("v0", zero, "v1"), syscall.EBADF)
	if none.Fd() != -1 || none.Inode() != 0 || blue.Equal(none) || none.Equal(blue) {
		t.Error("no namespace is one")
	}
}

func TestClosedNamespaceFailsWithEBADF(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	must(t, blue.Close())
	wants(t, blue.Close(), syscall.EBADF)
	wants(t, blue.Setns(), syscall.EBADF)
	wants(t, second(blue.Links()), syscall.EBADF)
	wants(t, second(blue.Handle()), syscall.EBADF)
	if err := blue.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if blue.Name() != "blue" || blue.Path() != "/run/netns/blue" {
		t.Error(blue.Name(), blue.Path())
	}
}

func TestCloseIsSafeDuringConcurrentUse(t *testing.T) {
	world.Guard(t)
	for i := 0; i < 50; i++ {
		blue := anonymous(t)
		var group sync.WaitGroup
		for j := 0; j < 4; j++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					if _, err := blue.Cookie(); err != nil {
						if !errors.Is(err, fs.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			}()
		}
		must(t, blue.Close())
		group.Wait()
	}
}

func TestDescriptorStaysOpenUntilCallsFinish(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	fd := blue.Fd()
	_, err := blue.acquire()
	must(t, err)
	must(t, blue.Close())
	if strings.Contains(NsHandle(fd).String(), "unknown") {
		t.Error("ended by Close")
	}
	blue.release()
	if !strings.Contains(NsHandle(fd).String(), "unknown") {
		t.Error("not ended")
	}
}

func TestRunCallbackMayCloseNamespace(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	must(t, blue.Run(blue.Close))
}

func TestFinalizerClosesUnreferencedNamespace(t *testing.T) {
	world.Guard(t)
	_, err := CreateAnonymous(0)
	must(t, err)
	// Guard waits for the finalizer.
	runtime.GC()
}

func TestIdentityMatchesStatAndCookie(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	same, err := Open("blue")
	must(t, err)
	defer same.Close()
	other := anonymous(t)
	if !blue.Equal(same) || blue.Equal(other) {
		t.Error("Equal is wrong")
	}
	var stat syscall.Stat_t
	must(t, syscall.Stat("/run/netns/blue", &stat))
	if blue.Inode() != stat.Ino || blue.Device() != uint64(stat.Dev) {
		t.Error(blue.Inode(), blue.Device(), stat)
	}
	mine, err := blue.Cookie()
	must(t, err)
	its, err := same.Cookie()
	must(t, err)
	if mine == 0 || mine != its {
		t.Error(mine, its)
	}
	if s := blue.String(); s != `namespace "blue"` {
		t.Error(s)
	}
}

func TestDupOutlivesOriginal(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	copied, err := blue.Dup()
	must(t, err)
	defer copied.Close()
	if copied.Name() != "blue" || copied.Path() != blue.Path() || copied.Fd() == blue.Fd() {
		t.Error(copied.Name(), copied.Path(), copied.Fd(), blue.Fd())
	}
	must(t, blue.Close())
	if links, err := copied.Links(); err != nil || len(links) != 1 {
		t.Error(links, err)
	}
	wants(t, second(blue.Dup()), syscall.EBADF)
}

func TestCustomRunDirectoryIsUsed(t *testing.T) {
	world.Guard(t)
	dir := Dir("/run/own/netns")
	blue, err := dir.Create("blue", CreateLoUp)
	must(t, err)
	defer blue.Close()
	if blue.Path() != "/run/own/netns/blue" {
		t.Error(blue.Path())
	}
	must(t, dir.Attach(blue, "green"))
	names, err := dir.Names(blue)
	must(t, err)
	if got := strings.Join(names, " "); got != "blue green" {
		t.Error(got)
	}
	entries, err := dir.List(0)
	must(t, err)
	if len(entries) != 2 || entries[0].Name != "blue" || entries[0].Inode != blue.Inode() {
		t.Error(entries)
	}
	wants(t, second(Open("blue")), syscall.ENOENT)
	must(t, dir.Remove("blue", 0))
	wants(t, dir.Remove("blue", 0), syscall.ENOENT)
	must(t, dir.Remove("green", 0))
	wants(t, second(Dir("").Create("blue", 0)), syscall.EINVAL)
}

func TestOpenRejectsPathsAndOpenPathAcceptsThem(t *testing.T) {
	world.Guard(t)
	create(t, "blue")
	for _, path := range []string{"blue", ""} {
		wants(t, second(OpenPath(path)), syscall.ENOENT)
	}
	for _, name := range []string{"/run/netns/blue", "../netns/blue", "./blue"} {
		wants(t, second(Open(name)), syscall.EINVAL)
	}
	from, err := os.Getwd()
	must(t, err)
	must(t, os.Chdir("/run/netns"))
	defer func() { must(t, os.Chdir(from)) }()
	n, err := OpenPath("blue")
	must(t, err)
	n.Close()
}

func TestPidsListsProcessesAndThreads(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	process, err := blue.Spawn("sleep", []string{"sleep", "60"}, &SpawnAttr{Flags: SpawnKeepSys | SpawnKeepEtc})
	must(t, err)
	pids, err := blue.Pids(0)
	must(t, err)
	if len(pids) != 1 || pids[0] != process.Pid {
		t.Error(pids, process.Pid)
	}
	must(t, process.Kill())
	_, err = process.Wait()
	must(t, err)
	must(t, blue.Run(func() error {
		tids, err := blue.Pids(PidsThreads)
		if len(tids) != 1 || tids[0] != syscall.Gettid() {
			t.Error(tids, syscall.Gettid())
		}
		return err
	}))
}

func TestSymlinksAreAcceptedAsNames(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	process, err := blue.Spawn("sleep", []string{"sleep", "60"}, &SpawnAttr{Flags: SpawnKeepSys | SpawnKeepEtc})
	must(t, err)
	must(t, os.Symlink("/proc/"+strconv.Itoa(process.Pid)+"/ns/net", "/run/netns/web"))
	web, err := Open("web")
	must(t, err)
	defer web.Close()
	if !web.Equal(blue) || web.Name() != "web" {
		t.Error(web.Name())
	}
	handle, err := GetFromName("web")
	must(t, err)
	must(t, handle.Close())
	wants(t, second(Create("web", 0)), syscall.EEXIST)
	wants(t, blue.Attach("web"), syscall.EEXIST)
	lists := func(flags ListFlags, want string) {
		t.Helper()
		entries, err := List(flags)
		must(t, err)
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	lists(0, "blue web")
	must(t, process.Kill())
	_, err = process.Wait()
	must(t, err)
	lists(0, "blue")
	lists(ListStale, "blue web")
	wants(t, second(Open("web")), syscall.ENOTTY)
	must(t, Remove("web", 0))
	lists(ListStale, "blue")
}

// etcOfItsOwn mounts a private /etc and creates a resolv.conf for blue.
func etcOfItsOwn(t *testing.T) {
	t.Helper()
	must(t, syscall.Mount("none", "/etc", "tmpfs", 0, ""))
	t.Cleanup(func() { must(t, syscall.Unmount("/etc", syscall.MNT_DETACH)) })
	must(t, os.MkdirAll("/etc/netns/blue", 0o755))
	must(t, os.WriteFile("/etc/netns/blue/resolv.conf", []byte("blue's"), 0o644))
}

func TestSpawnReportsSkippedEtcFile(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	etcOfItsOwn(t)
	said := ""
	attr := &SpawnAttr{Flags: SpawnKeepSys, LeftOut: func(message string) { said = message }}
	run := func() {
		process, err := blue.Spawn("true", []string{"true"}, attr)
		must(t, err)
		_, err = process.Wait()
		must(t, err)
	}
	run()
	if !strings.Contains(said, "skip the file for /etc/resolv.conf: No such file or directory (") {
		t.Error(said)
	}
	attr.Flags |= SpawnStrictEtc
	_, err := blue.Spawn("true", []string{"true"}, attr)
	wants(t, err, syscall.ENOENT)
	said = ""
	must(t, os.WriteFile("/etc/resolv.conf", nil, 0o644))
	run()
	attr.Flags = SpawnKeepSys
	run()
	if said != "" {
		t.Error(said)
	}
}

func TestSpawnPinEtcKeepsFileAfterTargetRemoval(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	etcOfItsOwn(t)
	must(t, os.WriteFile("/etc/resolv.conf", []byte("host's"), 0o644))
	stdin, in, err := os.Pipe()
	must(t, err)
	out, stdout, err := os.Pipe()
	must(t, err)
	attr := &SpawnAttr{Flags: SpawnKeepSys | SpawnPinEtc, Stdin: stdin, Stdout: stdout}
	process, err := blue.Spawn("sh", []string{"sh", "-c", "read line; cat /etc/resolv.conf"}, attr)
	stdin.Close()
	stdout.Close()
	if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EPERM) {
		t.Skip(err)
	}
	must(t, err)
	must(t, os.Remove("/etc/resolv.conf"))
	in.Close()
	text, err := io.ReadAll(out)
	must(t, err)
	out.Close()
	_, err = process.Wait()
	must(t, err)
	if string(text) != "blue's" {
		t.Errorf("%q", text)
	}
}

func TestPidsReturnsMoreThanFirstBufferHolds(t *testing.T) {
	blue := anonymous(t)
	quick := &SpawnAttr{Flags: SpawnKeepSys | SpawnKeepEtc}
	var started []*os.Process
	for i := 0; i < 70; i++ {
		process, err := blue.Spawn("sleep", []string{"sleep", "60"}, quick)
		must(t, err)
		started = append(started, process)
	}
	pids, err := blue.Pids(0)
	for _, process := range started {
		_ = process.Kill()
		_, _ = process.Wait()
	}
	must(t, err)
	if len(pids) != len(started) {
		t.Error(len(pids))
	}
}

func TestNsidsAreSetEnsuredAndListed(t *testing.T) {
	world.Guard(t)
	blue, red := create(t, "blue"), create(t, "red")
	wants(t, second(blue.NsidOf(red)), syscall.ENODATA)
	id, err := blue.SetNsid(red, 7)
	must(t, err)
	if id != 7 {
		t.Error(id)
	}
	id, err = red.SetNsid(blue, NsidAuto)
	must(t, err)
	if id != 0 {
		t.Error(id)
	}
	green := anonymous(t)
	for _, other := range []struct {
		*Namespace
		id int
	}{{red, 7}, {green, 0}, {green, 0}} {
		id, err := blue.EnsureNsid(other.Namespace)
		must(t, err)
		if id != other.id {
			t.Error(id, other.id)
		}
	}
	list, err := red.Nsids(NsidNone)
	must(t, err)
	if len(list) != 1 || list[0] != (Nsid{0, NsidNone, "blue"}) {
		t.Error(list)
	}
}

func TestLinksAddressesAndRoutesAreListed(t *testing.T) {
	world.Guard(t)
	blue, red := anonymous(t), anonymous(t)
	must(t, blue.VethAdd("v0", red, "v1"))
	must(t, blue.LinkUp("v0"))
	must(t, red.LinkUp("v1"))
	must(t, blue.AddrAdd("v0", "192.0.2.1/24", 0))
	must(t, blue.AddrAdd("v0", "2001:db8::1/64", AddrNoDAD))
	must(t, blue.RouteAdd("default", "192.0.2.2", ""))
	links, err := blue.Links()
	must(t, err)
	v0 := links[len(links)-1]
	if v0.Name != "v0" || v0.Kind != "veth" || v0.MTU != 1500 || v0.Flags&syscall.IFF_UP == 0 ||
		len(v0.Address) != 17 || v0.Peer == 0 || v0.PeerNsid < 0 {
		t.Errorf("%+v", v0)
	}
	addrs, err := blue.Addrs()
	must(t, err)
	if a := addrs[0]; a.Address != "192.0.2.1" || a.Prefix != 24 || a.Family != syscall.AF_INET ||
		a.Ifname != "v0" || a.Index != v0.Index || a.Label != "v0" {
		t.Errorf("%+v", a)
	}
	routes, err := blue.Routes(0)
	must(t, err)
	if r := routes[0]; r.Dst != "default" || r.Via != "192.0.2.2" || r.Ifname != "v0" ||
		r.Table != syscall.RT_TABLE_MAIN || r.Type != syscall.RTN_UNICAST {
		t.Errorf("%+v", r)
	}
	all, err := blue.Routes(RouteAllTables)
	must(t, err)
	if len(all) <= len(routes) {
		t.Error("the local table is missing")
	}
}

func TestNilPeerMeansCallingThreadsNamespace(t *testing.T) {
	world.Guard(t)
	blue, home := anonymous(t), anonymous(t)
	must(t, home.Run(func() error {
		if err := blue.VethAdd("v0", nil, "v1"); err != nil {
			return err
		}
		for _, err := range []error{blue.VlanAdd("v1.7", nil, "v1", 7), blue.MacvlanAdd("m0", nil, "v1", "bridge")} {
			// If the kernel supports cookies.
			if err != nil && !errors.Is(err, syscall.EOPNOTSUPP) {
				return err
			}
		}
		return nil
	}))
	links, err := home.Links()
	must(t, err)
	if len(links) != 2 || links[1].Name != "v1" {
		t.Error(links)
	}
	links, err = blue.Links()
	must(t, err)
	if len(links) < 2 || links[1].Name != "v0" {
		t.Error(links)
	}
}

func TestSpawnStartsProgramInNamespace(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	must(t, err)
	defer out.Close()
	process, err := blue.Spawn("sh", []string{"sh", "-c", "readlink /proc/self/ns/net; ls /sys/class/net; pwd; echo $A; exit 3"},
		&SpawnAttr{Stdout: out, Dir: "/proc", Env: append(os.Environ(), "A=b")})
	must(t, err)
	state, err := process.Wait()
	must(t, err)
	if state.ExitCode() != 3 {
		t.Error(state)
	}
	text, err := os.ReadFile(out.Name())
	must(t, err)
	if want := world.Link(t, "/proc/self/fd/"+itoa(blue.Fd())) + "\nlo\n/proc\nb\n"; string(text) != want {
		t.Errorf("%q, not %q", text, want)
	}
	wants(t, second(blue.Spawn("/nowhere/program", []string{"x"}, nil)), syscall.ENOENT)
	wants(t, second(blue.Spawn("true", nil, nil)), syscall.EINVAL)
	must(t, out.Close())
	wants(t, second(blue.Spawn("true", []string{"true"}, &SpawnAttr{Stdout: out})), syscall.EBADF)
	wants(t, second(blue.Spawn("true", []string{"true"}, &SpawnAttr{Flags: 1 << 30})), syscall.EINVAL)
}

func TestSpawnAppliesCredential(t *testing.T) {
	world.Guard(t)
	if ids, _ := os.ReadFile("/proc/self/uid_map"); os.Geteuid() != 0 || !strings.Contains(string(ids), "4294967295") {
		t.Skip("needs real root")
	}
	blue := create(t, "blue")
	for _, test := range []struct {
		credential *syscall.Credential
		want       string
	}{
		{&syscall.Credential{Uid: 12345, Gid: 23456, Groups: []uint32{7, 8}}, "12345\n23456\n23456 7 8\n"},
		{&syscall.Credential{Uid: 12345, Gid: 23456}, "12345\n23456\n23456\n"},
		{&syscall.Credential{Gid: 23456}, "0\n23456\n23456\n"},
	} {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		must(t, err)
		process, err := blue.Spawn("sh", []string{"sh", "-c", "id -u; id -g; id -G"},
			&SpawnAttr{Stdout: out, Credential: test.credential})
		must(t, err)
		_, err = process.Wait()
		must(t, err)
		must(t, out.Close())
		text, err := os.ReadFile(out.Name())
		must(t, err)
		if string(text) != test.want {
			t.Errorf("%+v: %q, not %q", test.credential, text, test.want)
		}
	}
	keeps, err := blue.Spawn("true", []string{"true"},
		&SpawnAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 23456, NoSetGroups: true}})
	must(t, err)
	_, err = keeps.Wait()
	must(t, err)
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700))
	wants(t, second(blue.Spawn("true", []string{"true"},
		&SpawnAttr{Dir: dir, Credential: &syscall.Credential{Uid: 12345, Gid: 23456}})), syscall.EACCES)
	wants(t, second(blue.Spawn("true", []string{"true"},
		&SpawnAttr{Credential: &syscall.Credential{Uid: 1<<32 - 1}})), syscall.EINVAL)
}

func TestSpawnSetsidCreatesSession(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	for _, own := range []bool{false, true} {
		process, err := blue.Spawn("sleep", []string{"sleep", "1000"}, &SpawnAttr{Setsid: own})
		must(t, err)
		session, _, errno := syscall.Syscall(syscall.SYS_GETSID, uintptr(process.Pid), 0, 0)
		if errno != 0 || (int(session) == process.Pid) != own {
			t.Errorf("session %d of %d: %v", session, process.Pid, errno)
		}
		must(t, process.Kill())
		_, err = process.Wait()
		must(t, err)
	}
}

func TestMonitorReportsEventsUntilClose(t *testing.T) {
	world.Guard(t)
	goroutines := runtime.NumGoroutine()
	create(t, "there")
	m, err := OpenMonitor(MonitorSnapshot)
	must(t, err)
	wantEvent(t, m, Event{Type: EventAdd, Name: "there"})
	blue := create(t, "blue")
	wantEvent(t, m, Event{Type: EventAdd, Name: "blue"})
	must(t, blue.Attach("green"))
	wantEvent(t, m, Event{Type: EventAdd, Name: "green"})
	must(t, Remove("green", 0))
	wantEvent(t, m, Event{Type: EventRemove, Name: "green"})
	must(t, m.Close())
	must(t, m.Close())
	must(t, m.Err())
	if event, open := <-m.Events(); open {
		t.Error("after Close:", event)
	}
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}

// wantEvent compares inode and cookie only if they are set in the wanted event.
func wantEvent(t *testing.T, m *Monitor, want Event) {
	t.Helper()
	select {
	case event, open := <-m.Events():
		if !open {
			t.Fatal("the monitor has ended:", m.Err())
		}
		if want.Inode == 0 {
			event.Inode, event.Cookie = 0, 0
		}
		if event != want {
			t.Fatalf("%v, not %v", event, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no %v", want)
	}
}

func TestMonitorEventHasInodeAndCookie(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	m, err := OpenMonitor(MonitorSnapshot)
	must(t, err)
	defer m.Close()
	event := <-m.Events()
	cookie, err := blue.Cookie()
	must(t, err)
	if event.Inode != blue.Inode() || (event.Cookie != 0 && event.Cookie != cookie) {
		t.Error(event, "of inode", blue.Inode(), "and cookie", cookie)
	}
	must(t, Remove("blue", 0))
	wantEvent(t, m, Event{EventRemove, "blue", event.Inode, event.Cookie})
}

func TestMonitorLosesNoEvents(t *testing.T) {
	world.Guard(t)
	world.EmptyRun(t)
	target := anonymous(t)
	m, err := OpenMonitor(0)
	must(t, err)
	defer m.Close()
	made := make(chan error)
	go func() {
		defer close(made)
		for i := 0; i < 300; i++ {
			if err := target.Attach("ns" + itoa(i)); err != nil {
				made <- err
				return
			}
		}
	}()
	// The order of the events is not specified.
	told := map[string]bool{}
	for len(told) < 300 {
		select {
		case event := <-m.Events():
			if event.Type != EventAdd || told[event.Name] {
				t.Fatal(event)
			}
			told[event.Name] = true
		case <-time.After(20 * time.Second):
			t.Fatal("lost: told are", len(told))
		}
	}
	must(t, <-made)
	for name := range told {
		must(t, Remove(name, 0))
		wantEvent(t, m, Event{Type: EventRemove, Name: name})
	}
}

func TestUnreadMonitorCanBeClosed(t *testing.T) {
	world.Guard(t)
	create(t, "blue")
	for i := 0; i < 20; i++ {
		m, err := OpenMonitor(MonitorSnapshot)
		must(t, err)
		must(t, m.Close())
	}
}

func TestOpenMonitorRejectsInvalidArguments(t *testing.T) {
	world.Guard(t)
	wants(t, second(OpenMonitor(1<<30)), syscall.EINVAL)
	wants(t, second(Dir("").OpenMonitor(0)), syscall.EINVAL)
}

func TestMonitorEndsWithErrAfterFailure(t *testing.T) {
	world.Guard(t)
	create(t, "there")
	m, err := OpenMonitor(0)
	must(t, err)
	defer m.Close()
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: limit.Max}))
	// The name itself needs no descriptor, but looking at it does.
	made := syscall.Mknod("/run/netns/placeholder", syscall.S_IFREG, 0)
	event, open := <-m.Events()
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	must(t, made)
	if open {
		t.Error(event)
	}
	wants(t, m.Err(), syscall.EMFILE)
	must(t, Remove("placeholder", 0))
}

func TestVersionIsNotEmpty(t *testing.T) {
	if Version() == "" {
		t.Error("none")
	}
}

func TestUnnamedNamespaceIsListedAndOpenedByID(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	must(t, RunDir.Attach(blue, "azure"))
	defer Remove("azure", 0)
	lost := anonymous(t)
	all, err := ListAll()
	if err != nil || all[0].Name != "azure" || all[0].Inode != blue.Inode() {
		t.Fatalf("%v, %v", all, err)
	}
	var found []Entry
	for _, each := range all {
		if each.Inode == lost.Inode() {
			found = append(found, each)
		}
	}
	if len(found) != 1 || found[0].Name != "" {
		t.Fatalf("%v", found)
	}
	same, err := OpenID(found[0].Inode, found[0].Cookie)
	if err != nil || !same.Equal(lost) {
		t.Fatalf("%v, %v", same, err)
	}
	defer same.Close()
	if found[0].Cookie != 0 {
		if cookie, err := lost.Cookie(); err != nil || cookie != found[0].Cookie {
			t.Errorf("%d, %v: not %d", cookie, err, found[0].Cookie)
		}
		_, err = OpenID(found[0].Inode, found[0].Cookie+1000000)
		wants(t, err, syscall.ESTALE)
	}
	_, err = OpenID(1, 0)
	wants(t, err, syscall.ENOENT)
	_, err = OpenID(0, 0)
	wants(t, err, syscall.EINVAL)
}

// settled ignores temporary holders: another test that lists every namespace opens each for a moment.
func settled(held []Holder) []Holder {
	kept := []Holder{}
	for _, holder := range held {
		if holder.Kind != HolderDescriptor || holder.Pid == os.Getpid() {
			kept = append(kept, holder)
		}
	}
	return kept
}

func TestHoldersListsSocketsAndMounts(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	fd, err := blue.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(t, err)
	defer syscall.Close(fd)
	held, unseen, err := blue.Holders()
	must(t, err)
	held = settled(held)
	if len(held) != 2 || held[0].Kind != HolderSocket || held[0].Pid != os.Getpid() || held[0].Fd != fd ||
		held[1].Kind != HolderMount || held[1].Path != "/run/netns/blue" || held[1].Fd != -1 {
		t.Errorf("%+v", held)
	}
	if held[0].Program == "" || held[0].Path != "" {
		t.Errorf("%+v", held[0])
	}
	// Which of them are set depends on the machine.
	if unseen&^(UnseenProcesses|UnseenHidden|UnseenSockets) != 0 {
		t.Errorf("not known: %x", unseen)
	}
	lost := anonymous(t)
	held, _, err = lost.Holders()
	if err != nil || len(settled(held)) != 0 {
		t.Errorf("%+v, %v", held, err)
	}
}
