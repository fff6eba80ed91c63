// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

// #include <libnetns/netns.h>
import "C"

import "syscall"

// Dir is a run directory, in which names are stored.
type Dir string

// RunDir is the default run directory, which is also accessible as /var/run/netns.
const RunDir Dir = C.NETNS_RUN_DIR

// ListFlags are the flags of List.
type ListFlags uint32

// ListStale includes stale names: empty files left by killed creators, names that are live in another mount
// namespace, and symbolic links that do not lead to a network namespace. Their inode is 0.
const ListStale ListFlags = C.NETNS_LIST_STALE

// RemoveFlags are the flags of Remove.
type RemoveFlags uint32

// RemoveMissingOK makes Remove succeed if the name does not exist.
const RemoveMissingOK RemoveFlags = C.NETNS_REMOVE_MISSING_OK

// Entry is an entry of a list.
type Entry struct {
	Name  string
	Inode uint64
	// Cookie is 0 if it is unknown, as before Linux 6.18.
	Cookie uint64
}

// List returns the names in RunDir that are network namespaces, sorted.
func List(flags ListFlags) ([]Entry, error) {
	return RunDir.List(flags)
}

// ListAll returns every network namespace of the system that the caller can find, each of them once.
// Namespaces with names in RunDir come first, sorted by their first name, then those without, sorted by inode
// number; the Name of the latter is "".
func ListAll() ([]Entry, error) {
	var list *C.struct_netns_name_snapshot
	if _, err := call(func() C.int { return C.netns_list_all(0, &list) }); err != nil {
		return nil, err
	}
	return entries(list), nil
}

// Remove removes a name from RunDir. The namespace lives as long as another name, a handle, a socket or a
// thread refers to it.
func Remove(name string, flags RemoveFlags) error {
	return RunDir.Remove(name, flags)
}

// Create is like the function Create, for this directory, which is created if it does not exist.
func (d Dir) Create(name string, flags CreateFlags) (*Namespace, error) {
	n, err := d.named(name, func(dir, name *C.char, out **C.struct_netns) C.int {
		return C.netns_create_at(dir, name, C.uint32_t(flags), out)
	})
	if flags&CreateExistOK == 0 {
		err = hint(err, syscall.EEXIST, "use CreateExistOK to open it")
	}
	return n, err
}

// Open is like the function Open, for this directory.
func (d Dir) Open(name string) (*Namespace, error) {
	return d.named(name, func(dir, name *C.char, out **C.struct_netns) C.int {
		return C.netns_open_at(dir, name, 0, out)
	})
}

func (d Dir) named(name string, f func(dir, name *C.char, out **C.struct_netns) C.int) (*Namespace, error) {
	t, err := texts(string(d), name)
	if err != nil {
		return nil, err
	}
	return open(func(out **C.struct_netns) C.int { return f(t[0], t[1], out) })
}

// Remove is like the function Remove, for this directory.
func (d Dir) Remove(name string, flags RemoveFlags) error {
	t, err := texts(string(d), name)
	if err != nil {
		return err
	}
	_, err = call(func() C.int { return C.netns_remove_at(t[0], t[1], C.uint32_t(flags)) })
	return hint(err, syscall.ENOENT, "use RemoveMissingOK to ignore that")
}

// Attach gives a namespace an additional name in this directory.
func (d Dir) Attach(n *Namespace, name string) error {
	t, err := texts(string(d), name)
	if err != nil {
		return err
	}
	_, err = n.call(func(c *C.struct_netns) C.int { return C.netns_attach_at(t[0], c, t[1], 0) })
	return err
}

// List is like the function List, for this directory.
func (d Dir) List(flags ListFlags) ([]Entry, error) {
	dir, err := text(string(d))
	if err != nil {
		return nil, err
	}
	var list *C.struct_netns_name_snapshot
	if _, err := call(func() C.int { return C.netns_list_at(dir, C.uint32_t(flags), &list) }); err != nil {
		return nil, err
	}
	return entries(list), nil
}

// Names returns the names of a namespace in this directory.
func (d Dir) Names(n *Namespace) ([]string, error) {
	dir, err := text(string(d))
	if err != nil {
		return nil, err
	}
	var list *C.struct_netns_name_snapshot
	_, err = n.call(func(c *C.struct_netns) C.int { return C.netns_names_at(dir, c, 0, &list) })
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries(list) {
		names = append(names, entry.Name)
	}
	return names, nil
}

// entries converts the list and frees it.
func entries(list *C.struct_netns_name_snapshot) []Entry {
	defer C.netns_list_free(list)
	result := make([]Entry, C.netns_list_len(list))
	for i := range result {
		at := C.size_t(i)
		result[i] = Entry{
			Name:   C.GoString(C.netns_list_name(list, at)),
			Inode:  uint64(C.netns_list_inode(list, at)),
			Cookie: uint64(C.netns_list_cookie(list, at)),
		}
	}
	return result
}
