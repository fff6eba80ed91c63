// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build linux && cgo

package netns

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Cmd is a program to be started in a namespace. Its fields and methods are those of exec.Cmd with the same
// names. It cannot be used again after Start, Run, Output or CombinedOutput.
type Cmd struct {
	// Path is looked up in PATH unless it has a '/'; Args begins with the program's name.
	Path string
	Args []string
	// Env is the program's environment; nil is os.Environ().
	Env []string
	// Dir is its working directory, as it sees the file system; "" is the caller's.
	Dir string
	// Stdin, Stdout and Stderr are connected by a pipe, and copied by a goroutine until Wait, unless one is
	// an *os.File, which the program gets as it is. nil is /dev/null. If Stdout and Stderr are equal, the
	// program has one descriptor for both.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Flags, Credential and Setsid are as in SpawnAttr.
	Flags      SpawnFlags
	Credential *syscall.Credential
	Setsid     bool

	// Process is there after Start, ProcessState after Wait.
	Process      *os.Process
	ProcessState *os.ProcessState

	ns  *Namespace
	ctx context.Context
	// What the program gets, which is closed here when it has started, and the other ends.
	theirs, ours []*os.File
	copies       []func() error
	copied       chan error
	// Closed by Wait when the program has ended; then the context's error comes, if that killed it.
	exited chan struct{}
	killed chan error
}

// Command prepares a program to be started in the namespace, with a /sys that shows its devices and the
// files of /etc/netns/NAME over those of /etc, as Spawn starts it.
func (n *Namespace) Command(name string, arg ...string) *Cmd {
	return &Cmd{ns: n, ctx: context.Background(), Path: name, Args: append([]string{name}, arg...)}
}

// CommandContext is Command for a program that is killed when the context is done before it has ended.
func (n *Namespace) CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	c := n.Command(name, arg...)
	c.ctx = ctx
	return c
}

// String is for people to read.
func (c *Cmd) String() string {
	if len(c.Args) == 0 {
		return c.Path
	}
	return strings.Join(append([]string{c.Path}, c.Args[1:]...), " ")
}

// StdinPipe returns what is connected to the program's standard input. Wait closes it.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil {
		return nil, c.invalid("Stdin is set")
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = r
	c.expect(r, w)
	return w, nil
}

// StdoutPipe returns what is connected to the program's standard output. Read it to the end before Wait,
// which closes it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	return c.outputPipe(&c.Stdout, "Stdout")
}

// StderrPipe returns what is connected to the program's standard error. Read it to the end before Wait,
// which closes it.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	return c.outputPipe(&c.Stderr, "Stderr")
}

func (c *Cmd) outputPipe(stream *io.Writer, name string) (io.ReadCloser, error) {
	if *stream != nil {
		return nil, c.invalid(name + " is set")
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	*stream = w
	c.expect(w, r)
	return r, nil
}

func (c *Cmd) pipe() (r, w *os.File, err error) {
	if c.Process != nil {
		return nil, nil, c.invalid("already started")
	}
	return os.Pipe()
}

// expect keeps a descriptor that the program gets, and, unless nil, the other end of its pipe.
func (c *Cmd) expect(theirs, ours *os.File) {
	c.theirs = append(c.theirs, theirs)
	if ours != nil {
		c.ours = append(c.ours, ours)
	}
}

// Start starts the program, and returns when it runs.
func (c *Cmd) Start() error {
	if c.ns == nil {
		return invalid("a Cmd is made by Namespace.Command")
	}
	if c.Process != nil {
		return c.invalid("already started")
	}
	err := c.ctx.Err()
	if err == nil {
		err = c.spawn()
	}
	closeAll(c.theirs)
	c.theirs = nil
	if err != nil {
		closeAll(c.ours)
		c.ours = nil
		return err
	}
	c.copied = make(chan error, len(c.copies))
	for _, f := range c.copies {
		f := f
		go func() { c.copied <- f() }()
	}
	c.exited, c.killed = make(chan struct{}), make(chan error, 1)
	go c.watch()
	return nil
}

func (c *Cmd) spawn() error {
	attr := &SpawnAttr{Env: c.Env, Dir: c.Dir, Flags: c.Flags, Credential: c.Credential, Setsid: c.Setsid}
	var err error
	if attr.Stdin, err = c.input(); err != nil {
		return err
	}
	if attr.Stdout, err = c.output(c.Stdout); err != nil {
		return err
	}
	if attr.Stderr = attr.Stdout; c.Stderr == nil || !same(c.Stderr, c.Stdout) {
		if attr.Stderr, err = c.output(c.Stderr); err != nil {
			return err
		}
	}
	c.Process, err = c.ns.Spawn(c.Path, c.Args, attr)
	return err
}

// same compares two writers, of which one may be of a type that cannot be compared.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

func (c *Cmd) input() (*os.File, error) {
	if file, ok := c.Stdin.(*os.File); ok {
		return file, nil
	}
	if c.Stdin == nil {
		return c.null()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.expect(r, w)
	c.copies = append(c.copies, func() error {
		_, err := io.Copy(w, c.Stdin)
		if errors.Is(err, syscall.EPIPE) {
			// The program needs no more.
			err = nil
		}
		if closed := w.Close(); err == nil {
			err = closed
		}
		return err
	})
	return r, nil
}

func (c *Cmd) output(stream io.Writer) (*os.File, error) {
	if file, ok := stream.(*os.File); ok {
		return file, nil
	}
	if stream == nil {
		return c.null()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.expect(w, r)
	c.copies = append(c.copies, func() error {
		_, err := io.Copy(stream, r)
		// So that the program, if the stream takes no more, does not wait for ever.
		r.Close()
		return err
	})
	return w, nil
}

func (c *Cmd) null() (*os.File, error) {
	file, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		c.expect(file, nil)
	}
	return file, err
}

// watch kills the program when the context is done.
func (c *Cmd) watch() {
	select {
	case <-c.exited:
	case <-c.ctx.Done():
		if c.Process.Kill() == nil {
			c.killed <- c.ctx.Err()
		}
	}
	close(c.killed)
}

// Wait waits for the program to end, and for what it reads and writes to be copied. The error is an
// *exec.ExitError if the program failed, the context's if that killed it.
func (c *Cmd) Wait() error {
	if c.Process == nil {
		return c.invalid("not started")
	}
	if c.ProcessState != nil {
		return c.invalid("Wait was called before")
	}
	state, err := c.Process.Wait()
	close(c.exited)
	killed := <-c.killed
	copied := c.wait()
	closeAll(c.ours)
	if err != nil {
		return err
	}
	c.ProcessState = state
	switch {
	case state.Success():
		return copied
	case killed != nil:
		return killed
	}
	return &exec.ExitError{ProcessState: state}
}

// wait waits for the copies, and returns the first failure.
func (c *Cmd) wait() error {
	var first error
	for range c.copies {
		if err := <-c.copied; first == nil {
			first = err
		}
	}
	return first
}

// Run starts the program and waits for it to end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the program and returns its standard output. Unless Stderr is set, an *exec.ExitError has what
// it wrote there.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, c.invalid("Stdout is set")
	}
	var stdout, stderr bytes.Buffer
	c.Stdout = &stdout
	if c.Stderr == nil {
		c.Stderr = &stderr
	}
	err := c.Run()
	var failure *exec.ExitError
	if errors.As(err, &failure) {
		failure.Stderr = stderr.Bytes()
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the program and returns its standard output and standard error as they came.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, c.invalid("Stdout or Stderr is set")
	}
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	return both.Bytes(), err
}

func (c *Cmd) invalid(why string) error {
	return invalid("run %q: %s", c.Path, why)
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}
