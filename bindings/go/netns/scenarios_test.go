// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

// The scenarios, which the tests of C, Rust and Python also run. The file begins with a description.
const scenarioFile = "../../scenarios.txt"

// scenario is the state of a running scenario.
type scenario struct {
	handles  map[string]*Namespace
	monitors map[string]*watcher
	// The message of the last failure.
	message string
}

func TestScenarios(t *testing.T) {
	text, err := os.ReadFile(scenarioFile)
	must(t, err)
	parts := strings.Split("\n"+string(text), "\nscenario ")
	if len(parts) < 20 {
		t.Fatal("where are they?")
	}
	line := 1 + strings.Count(parts[0], "\n")
	for _, part := range parts[1:] {
		lines, first := strings.Split(part, "\n"), line
		t.Run(lines[0], func(t *testing.T) { play(t, lines[1:], first+1) })
		line += len(lines)
	}
}

func play(t *testing.T, lines []string, first int) {
	world.Guard(t)
	world.EmptyRun(t)
	s := &scenario{handles: map[string]*Namespace{}, monitors: map[string]*watcher{}}
	defer s.close()
	for i, line := range lines {
		if line == "" || line[0] == '#' {
			continue
		}
		call := strings.SplitN(strings.TrimPrefix(line, "? "), " -> ", 2)
		if len(call) != 2 {
			t.Fatalf("line %d: %q has no result", first+i, line)
		}
		got := s.result(strings.Split(call[0], " "))
		switch {
		case got == call[1]:
		case strings.HasPrefix(line, "? "):
			t.Skipf("line %d: %s -> %s: not with this kernel", first+i, call[0], got)
		default:
			t.Fatalf("line %d: %s -> %s, not %s (%s)", first+i, call[0], got, call[1], s.message)
		}
	}
}

func (s *scenario) close() {
	for _, n := range s.handles {
		n.Close()
	}
	for _, m := range s.monitors {
		m.close()
	}
}

// result is the expected result of a call in the file.
func (s *scenario) result(words []string) string {
	operation, known := operations[words[0]]
	if !known {
		return "an operation that is not known"
	}
	args := words[1:]
	for i, arg := range args {
		args[i] = meaning(arg)
	}
	got, err := operation(s, args)
	if err != nil {
		s.message = err.Error()
		return errnoName(err)
	}
	return got
}

// none is the meaning of "-".
const none = "-"

// meaning replaces the notation for a word that cannot be written in the file.
func meaning(word string) string {
	if word == "''" {
		return ""
	}
	if i := strings.LastIndexByte(word, '*'); i > 0 {
		if times, err := strconv.Atoi(word[i+1:]); err == nil {
			return strings.Repeat(word[:i], times)
		}
	}
	return word
}

// given returns "" for none, for functions whose argument is optional.
func given(word string) string {
	if word == none {
		return ""
	}
	return word
}

var errnoNames = map[syscall.Errno]string{
	syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL",
	syscall.EAFNOSUPPORT:  "EAFNOSUPPORT",
	syscall.EACCES:        "EACCES",
	syscall.EISDIR:        "EISDIR",
	syscall.EBADF:         "EBADF",
	syscall.EAGAIN:        "EAGAIN",
	syscall.EEXIST:        "EEXIST",
	syscall.EINVAL:        "EINVAL",
	syscall.ENAMETOOLONG:  "ENAMETOOLONG",
	syscall.ENETDOWN:      "ENETDOWN",
	syscall.ENETUNREACH:   "ENETUNREACH",
	syscall.ENODATA:       "ENODATA",
	syscall.ENODEV:        "ENODEV",
	syscall.ENOENT:        "ENOENT",
	syscall.ENOTTY:        "ENOTTY",
	syscall.EOPNOTSUPP:    "EOPNOTSUPP",
	syscall.EPERM:         "EPERM",
	syscall.ESRCH:         "ESRCH",
}

func errnoName(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	if name, known := errnoNames[errno]; known {
		return name
	}
	return strconv.Itoa(int(errno))
}

// flag parses the single flag of an operation.
func flag[F ~uint32](word, name string, value F) (F, error) {
	switch word {
	case none:
		return 0, nil
	case name:
		return value, nil
	}
	return 0, fmt.Errorf("no flag: %q", word)
}

func createFlag(word string) (CreateFlags, error) {
	switch word {
	case "exist_ok":
		return CreateExistOK, nil
	case "nowait":
		return CreateNoWait, nil
	}
	return flag(word, "lo_up", CreateLoUp)
}

func ok(err error) (string, error) {
	return "ok", err
}

func yes(is bool, err error) (string, error) {
	if is {
		return "1", err
	}
	return "0", err
}

func number(n int, err error) (string, error) {
	return strconv.Itoa(n), err
}

func list(words []string, err error) (string, error) {
	if len(words) == 0 {
		return none, err
	}
	return strings.Join(words, ","), err
}

func word(s string) (string, error) {
	if s == "" {
		return none, nil
	}
	return s, nil
}

// keep stores a handle, and closes an older one of the same name.
func (s *scenario) keep(name string, n *Namespace, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if name == none {
		return ok(n.Close())
	}
	if old := s.handles[name]; old != nil {
		old.Close()
	}
	s.handles[name] = n
	return "ok", nil
}

type operation func(s *scenario, args []string) (string, error)

var operations map[string]operation

func init() {
	operations = map[string]operation{
		"create": func(s *scenario, a []string) (string, error) {
			flags, err := createFlag(a[2])
			if err != nil {
				return "", err
			}
			if a[1] == none {
				n, err := CreateAnonymous(flags)
				return s.keep(a[0], n, err)
			}
			n, err := Create(a[1], flags)
			return s.keep(a[0], n, err)
		},
		"open": func(s *scenario, a []string) (string, error) {
			if strings.Contains(a[1], "/") {
				n, err := OpenPath(a[1])
				return s.keep(a[0], n, err)
			}
			n, err := Open(a[1])
			return s.keep(a[0], n, err)
		},
		"open_pid": func(s *scenario, a []string) (string, error) {
			pid := os.Getpid()
			if a[1] != "self" {
				pid = atoi(a[1])
			}
			n, err := OpenPid(pid)
			return s.keep(a[0], n, err)
		},
		"open_fd": func(s *scenario, a []string) (string, error) {
			file, err := os.Open(a[1])
			if err != nil {
				return "", err
			}
			defer file.Close()
			n, err := OpenFd(int(file.Fd()))
			return s.keep(a[0], n, err)
		},
		"open_fd_of": func(s *scenario, a []string) (string, error) {
			n, err := OpenFd(s.handles[a[1]].Fd())
			return s.keep(a[0], n, err)
		},
		"open_socket": func(s *scenario, a []string) (string, error) {
			n, err := s.socketIn(a[1], syscall.AF_INET, syscall.SOCK_DGRAM)
			return s.keep(a[0], n, err)
		},
		"open_id": func(s *scenario, a []string) (string, error) {
			// Before Linux 5.14 there is no cookie.
			cookie, _ := s.handles[a[1]].Cookie()
			n, err := OpenID(s.handles[a[1]].Inode(), cookie)
			return s.keep(a[0], n, err)
		},
		"current": func(s *scenario, a []string) (string, error) {
			n, err := Current()
			return s.keep(a[0], n, err)
		},
		"dup": func(s *scenario, a []string) (string, error) {
			n, err := s.handles[a[1]].Dup()
			return s.keep(a[0], n, err)
		},
		"close": func(s *scenario, a []string) (string, error) {
			n := s.handles[a[0]]
			delete(s.handles, a[0])
			return ok(n.Close())
		},
		"attach": func(s *scenario, a []string) (string, error) { return ok(s.handles[a[0]].Attach(a[1])) },
		"remove": func(s *scenario, a []string) (string, error) {
			flags, err := flag(a[1], "missing_ok", RemoveMissingOK)
			if err != nil {
				return "", err
			}
			return ok(Remove(a[0], flags))
		},
		"list": func(s *scenario, a []string) (string, error) {
			flags, err := flag(a[0], "stale", ListStale)
			if err != nil {
				return "", err
			}
			entries, err := List(flags)
			var names []string
			for _, entry := range entries {
				names = append(names, entry.Name)
			}
			return list(names, err)
		},
		"names": func(s *scenario, a []string) (string, error) { return list(s.handles[a[0]].Names()) },
		"name":  func(s *scenario, a []string) (string, error) { return word(s.handles[a[0]].Name()) },
		"path":  func(s *scenario, a []string) (string, error) { return word(s.handles[a[0]].Path()) },
		"equal": func(s *scenario, a []string) (string, error) {
			return yes(s.handles[a[0]].Equal(s.handles[a[1]]), nil)
		},
		"here": func(s *scenario, a []string) (string, error) { return yes(s.handles[a[0]].IsCurrent()) },
		"run": func(s *scenario, a []string) (string, error) {
			var is bool
			err := s.handles[a[0]].Run(func() (err error) {
				is, err = s.handles[a[1]].IsCurrent()
				return err
			})
			return yes(is, err)
		},
		"run_value": func(s *scenario, a []string) (string, error) {
			var value int
			err := s.handles[a[0]].Run(func() error {
				value = atoi(a[1])
				return nil
			})
			return number(value, err)
		},
		"socket": func(s *scenario, a []string) (string, error) {
			n, err := s.socketIn(a[0], domainOf(a[1]), typeOf(a[2]))
			return s.isOf(a[0], n, err)
		},
		"socket_from": func(s *scenario, a []string) (string, error) {
			fd, err := s.handles[a[0]].SocketFrom(s.handles[a[1]], domainOf(a[2]), typeOf(a[3]), 0)
			if err != nil {
				return "", err
			}
			defer syscall.Close(fd)
			n, err := OpenFd(fd)
			return s.isOf(a[0], n, err)
		},
		"run_from": func(s *scenario, a []string) (string, error) {
			var is bool
			err := s.handles[a[0]].RunFrom(s.handles[a[1]], func() (err error) {
				is, err = s.handles[a[2]].IsCurrent()
				return err
			})
			return yes(is, err)
		},
		"sysctl": func(s *scenario, a []string) (string, error) {
			return s.handles[a[0]].Sysctl(a[1])
		},
		"set_sysctl": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].SetSysctl(a[1], a[2]))
		},
		"holders": func(s *scenario, a []string) (string, error) {
			names := map[HolderKind]string{
				HolderThread: "thread", HolderDescriptor: "descriptor", HolderSocket: "socket", HolderMount: "mount",
			}
			found, _, err := s.handles[a[0]].Holders()
			kinds := []string{}
			for _, holder := range settled(found) {
				kinds = append(kinds, names[holder.Kind])
			}
			return list(kinds, err)
		},
		"found": func(s *scenario, a []string) (string, error) {
			all, err := ListAll()
			for _, entry := range all {
				if entry.Inode == s.handles[a[0]].Inode() {
					return word(entry.Name)
				}
			}
			return "missing", err
		},
		"pids": func(s *scenario, a []string) (string, error) {
			pids, err := s.handles[a[0]].Pids(0)
			return number(len(pids), err)
		},
		"nsid_get": func(s *scenario, a []string) (string, error) {
			return number(s.handles[a[0]].NsidOf(s.handles[a[1]]))
		},
		"nsid_ensure": func(s *scenario, a []string) (string, error) {
			return number(s.handles[a[0]].EnsureNsid(s.handles[a[1]]))
		},
		"nsid_set": func(s *scenario, a []string) (string, error) {
			id := NsidAuto
			if a[2] != "auto" {
				id = atoi(a[2])
			}
			return number(s.handles[a[0]].SetNsid(s.handles[a[1]], id))
		},
		"monitor": func(s *scenario, a []string) (string, error) {
			flags, err := flag(a[1], "snapshot", MonitorSnapshot)
			if err != nil {
				return "", err
			}
			w, err := RunDir.watch(flags)
			if err == nil {
				s.monitors[a[0]] = w
			}
			return ok(err)
		},
		"event": func(s *scenario, a []string) (string, error) {
			event, is, err := s.monitors[a[0]].next()
			if !is {
				return "none", err
			}
			return event.Type.String() + ":" + event.Name, err
		},
		"link_add": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].LinkAdd(a[1], a[2]))
		},
		"veth_add": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].VethAdd(a[1], s.handles[a[2]], a[3]))
		},
		"macvlan_add": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].MacvlanAdd(a[1], s.handles[a[2]], a[3], given(a[4])))
		},
		"vlan_add": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].VlanAdd(a[1], s.handles[a[2]], a[3], uint16(atoi(a[4]))))
		},
		"link_del":  func(s *scenario, a []string) (string, error) { return ok(s.handles[a[0]].LinkDel(a[1])) },
		"link_up":   func(s *scenario, a []string) (string, error) { return ok(s.handles[a[0]].LinkUp(a[1])) },
		"link_down": func(s *scenario, a []string) (string, error) { return ok(s.handles[a[0]].LinkDown(a[1])) },
		"link_set_mtu": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].LinkSetMTU(a[1], atoi(a[2])))
		},
		"link_set_address": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].LinkSetAddress(a[1], a[2]))
		},
		"link_set_master": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].LinkSetMaster(a[1], given(a[2])))
		},
		"link_move": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].LinkMove(a[1], s.handles[a[2]], given(a[3])))
		},
		"addr_add": func(s *scenario, a []string) (string, error) {
			flags, err := flag(a[3], "nodad", AddrNoDAD)
			if err != nil {
				return "", err
			}
			return ok(s.handles[a[0]].AddrAdd(a[1], a[2], flags))
		},
		"addr_del": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].AddrDel(a[1], a[2]))
		},
		"route_add": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].RouteAdd(a[1], given(a[2]), given(a[3])))
		},
		"route_del": func(s *scenario, a []string) (string, error) {
			return ok(s.handles[a[0]].RouteDel(a[1], given(a[2]), given(a[3])))
		},
		"links": func(s *scenario, a []string) (string, error) {
			links, err := s.handles[a[0]].Links()
			var names []string
			for _, link := range links {
				names = append(names, link.Name)
			}
			return list(names, err)
		},
		"link": func(s *scenario, a []string) (string, error) {
			links, err := s.handles[a[0]].Links()
			for _, link := range links {
				if link.Name == a[1] {
					return field(link, links, a[2])
				}
			}
			return "no such interface", err
		},
		"addrs": func(s *scenario, a []string) (string, error) {
			addrs, err := s.handles[a[0]].Addrs()
			var texts []string
			for _, addr := range addrs {
				if addr.Ifname == a[1] {
					texts = append(texts, fmt.Sprintf("%s/%d", addr.Address, addr.Prefix))
				}
			}
			return list(texts, err)
		},
		"routes": func(s *scenario, a []string) (string, error) {
			routes, err := s.handles[a[0]].Routes(0)
			var texts []string
			for _, route := range routes {
				if route.Ifname == a[1] && route.Family == syscall.AF_INET {
					texts = append(texts, route.Dst+via(route))
				}
			}
			return list(texts, err)
		},
		"file": func(s *scenario, a []string) (string, error) {
			return ok(os.WriteFile(a[0], []byte(given(a[1])), 0o644))
		},
		"stale": func(s *scenario, a []string) (string, error) {
			return ok(syscall.Mknod(a[0], syscall.S_IFREG|0o1000, 0))
		},
		"symlink": func(s *scenario, a []string) (string, error) { return ok(os.Symlink(a[1], a[0])) },
		"says":    func(s *scenario, a []string) (string, error) { return yes(strings.Contains(s.message, a[0]), nil) },
	}
}

// socketIn opens a socket in a namespace, and then the namespace of the socket.
// isOf reports whether n, which it closes, is the namespace with this name.
func (s *scenario) isOf(name string, n *Namespace, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer n.Close()
	if !n.Equal(s.handles[name]) {
		return "elsewhere", nil
	}
	return "ok", nil
}

func (s *scenario) socketIn(name string, domain, typ int) (*Namespace, error) {
	fd, err := s.handles[name].Socket(domain, typ, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	return OpenFd(fd)
}

func atoi(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	return n
}

func domainOf(word string) int {
	switch word {
	case "inet":
		return syscall.AF_INET
	case "inet6":
		return syscall.AF_INET6
	case "unix":
		return syscall.AF_UNIX
	}
	return atoi(word)
}

func typeOf(word string) int {
	if word == "dgram" {
		return syscall.SOCK_DGRAM
	}
	return syscall.SOCK_STREAM
}

func via(route Route) string {
	if route.Via == "" {
		return ""
	}
	return "@" + route.Via
}

func field(link Link, links []Link, name string) (string, error) {
	switch name {
	case "kind":
		return word(link.Kind)
	case "mtu":
		return number(link.MTU, nil)
	case "address":
		return word(link.Address)
	case "up":
		return yes(link.Flags&syscall.IFF_UP != 0, nil)
	case "master":
		i := sort.Search(len(links), func(i int) bool { return links[i].Index >= link.Master })
		if link.Master == 0 || i == len(links) {
			return none, nil
		}
		return links[i].Name, nil
	}
	return "no such field", nil
}
