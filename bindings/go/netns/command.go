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
// names. It cannot be reused after calling Start, Run, Output or CombinedOutput.
type Cmd struct {
	// Path is the program's file, which is looked up in PATH unless it contains a '/'. Args begins with the
	// program's name.
	Path string
	Args []string
	// Env is the program's environment. If it is nil, the program gets os.Environ().
	Env []string
	// Dir is the working directory, as the program sees the file system. If it is "", the program gets the
	// caller's.
	Dir string
	// Stdin, Stdout and Stderr are connected to the program by pipes, and goroutines copy the data until
	// Wait. An *os.File is passed to the program directly, and nil is /dev/null. If Stdout and Stderr are
	// equal, the program gets one descriptor for both.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Flags, Credential and Setsid have the same meaning as in SpawnAttr.
	Flags      SpawnFlags
	Credential *syscall.Credential
	Setsid     bool
	// LeftOut has the same meaning as in SpawnAttr. Start calls it before it returns.
	LeftOut func(message string)

	// Process is set by Start, ProcessState by Wait.
	Process      *os.Process
	ProcessState *os.ProcessState

	ns  *Namespace
	ctx context.Context
	// The files that the program inherits, which are closed here once it has started, and the other ends of
	// the pipes.
	theirs, ours []*os.File
	copies       []func() error
	copied       chan error
	// exited is closed by Wait when the program has ended. killed then receives the context's error if the
	// context killed the program.
	exited chan struct{}
	killed chan error
}

// Command returns a Cmd that starts a program in the namespace like Spawn, with a /sys that shows the
// namespace's interfaces and with the files of /etc/netns/NAME over those in /etc.
func (n *Namespace) Command(name string, arg ...string) *Cmd {
	return &Cmd{ns: n, ctx: context.Background(), Path: name, Args: append([]string{name}, arg...)}
}

// CommandContext is like Command, but kills the program if the context is done before the program has ended.
func (n *Namespace) CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	c := n.Command(name, arg...)
	c.ctx = ctx
	return c
}

// String returns the command line in a readable form.
func (c *Cmd) String() string {
	if len(c.Args) == 0 {
		return c.Path
	}
	return strings.Join(append([]string{c.Path}, c.Args[1:]...), " ")
}

// StdinPipe returns a pipe that is connected to the program's standard input. Wait closes it.
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

// StdoutPipe returns a pipe that is connected to the program's standard output. Read it to the end before
// calling Wait, which closes it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	return c.outputPipe(&c.Stdout, "Stdout")
}

// StderrPipe returns a pipe that is connected to the program's standard error. Read it to the end before
// calling Wait, which closes it.
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

// expect records a file that the program inherits and, unless it is nil, the other end of its pipe.
func (c *Cmd) expect(theirs, ours *os.File) {
	c.theirs = append(c.theirs, theirs)
	if ours != nil {
		c.ours = append(c.ours, ours)
	}
}

// Start starts the program and returns once it runs.
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
	attr := &SpawnAttr{Env: c.Env, Dir: c.Dir, Flags: c.Flags, Credential: c.Credential, Setsid: c.Setsid,
		LeftOut: c.LeftOut}
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

// same compares two writers, whose types need not be comparable.
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
			// The program closed its standard input.
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
		// If the stream rejects the output, closing the pipe keeps the program from blocking forever.
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

// Wait waits until the program has ended and its input and output have been copied. The error is an
// *exec.ExitError if the program failed, and the context's error if the context killed it.
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

// wait waits for the copying goroutines and returns their first error.
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

// Output runs the program and returns its standard output. If Stderr is not set, an *exec.ExitError contains
// the program's standard error.
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

// CombinedOutput runs the program and returns its standard output and standard error in the order in which
// they were written.
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
