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
	"testing"

	"github.com/libnetns/libnetns/bindings/go/internal/world"
)

func TestCommandRunsInNamespaceAndReturnsOutput(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	out, err := blue.Command("sh", "-c", "readlink /proc/self/ns/net; ls /sys/class/net").Output()
	must(t, err)
	if want := world.Link(t, "/proc/self/fd/"+itoa(blue.Fd())) + "\nlo\n"; string(out) != want {
		t.Errorf("%q, not %q", out, want)
	}
}

func TestCommandCopiesStandardStreams(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	// More than the capacity of a pipe.
	text := strings.Repeat("0123456789abcdef", 1<<14)
	var stdout, stderr bytes.Buffer
	c := blue.Command("sh", "-c", "tee /dev/stderr")
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(text), &stdout, &stderr
	must(t, c.Run())
	if stdout.String() != text || stderr.String() != text || !c.ProcessState.Success() {
		t.Error(stdout.Len(), stderr.Len(), c.ProcessState)
	}
	out, err := blue.Command("sh", "-c", "echo a; echo b >&2; echo c").CombinedOutput()
	if err != nil || string(out) != "a\nb\nc\n" {
		t.Errorf("%q, %v", out, err)
	}
	out, err = blue.Command("cat").CombinedOutput()
	if err != nil || len(out) != 0 {
		t.Errorf("%q, %v", out, err)
	}
	// The program does not read its input.
	c = blue.Command("true")
	c.Stdin = strings.NewReader(text)
	must(t, c.Run())
}

func TestCommandPipesCarryStandardStreams(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	c := blue.Command("sh", "-c", "read line; echo out $line; echo err $line >&2")
	c.Env = append(os.Environ(), "A=b")
	stdin, err := c.StdinPipe()
	must(t, err)
	stdout, err := c.StdoutPipe()
	must(t, err)
	stderr, err := c.StderrPipe()
	must(t, err)
	for _, err := range []error{second(c.StdinPipe()), second(c.StdoutPipe()), second(c.StderrPipe()), second(c.Output())} {
		wants(t, err, syscall.EINVAL)
	}
	must(t, c.Start())
	_, err = io.WriteString(stdin, "x\n")
	must(t, err)
	must(t, stdin.Close())
	for stream, want := range map[io.Reader]string{stdout: "out x\n", stderr: "err x\n"} {
		if text, err := io.ReadAll(stream); err != nil || string(text) != want {
			t.Errorf("%q, %v", text, err)
		}
	}
	wants(t, c.Start(), syscall.EINVAL)
	must(t, c.Wait())
	wants(t, c.Wait(), syscall.EINVAL)
}

func TestCommandReportsFailures(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	_, err := blue.Command("sh", "-c", "echo why >&2; exit 3").Output()
	var failure *exec.ExitError
	if !errors.As(err, &failure) || failure.ExitCode() != 3 || string(failure.Stderr) != "why\n" {
		t.Errorf("%v: %+v", err, failure)
	}
	c := blue.Command("/nowhere/program", "a", "b")
	if c.String() != "/nowhere/program a b" {
		t.Error(c)
	}
	_, err = c.StdoutPipe()
	must(t, err)
	wants(t, c.Run(), syscall.ENOENT)
	wants(t, c.Wait(), syscall.EINVAL)
	wants(t, (&Cmd{Path: "true"}).Start(), syscall.EINVAL)
	c = blue.Command("sh", "-c", "echo a")
	c.Stdout = full{}
	if err := c.Run(); err != io.ErrShortWrite {
		t.Error(err)
	}
}

// full is a writer that accepts no data and is not comparable.
type full []int

func (full) Write([]byte) (int, error) {
	return 0, io.ErrShortWrite
}

func TestCommandIsKilledWhenItsContextIsDone(t *testing.T) {
	world.Guard(t)
	blue := anonymous(t)
	ctx, cancel := context.WithCancel(context.Background())
	c := blue.CommandContext(ctx, "sleep", "1000")
	must(t, c.Start())
	cancel()
	if err := c.Wait(); err != context.Canceled {
		t.Error(err)
	}
	if err := blue.CommandContext(ctx, "true").Run(); err != context.Canceled {
		t.Error(err)
	}
}

func TestCommandReportsSkippedEtcFile(t *testing.T) {
	world.Guard(t)
	blue := create(t, "blue")
	etcOfItsOwn(t)
	said := ""
	run := func() {
		said = ""
		c := blue.Command("true")
		c.Flags, c.LeftOut = SpawnKeepSys, func(message string) { said = message }
		must(t, c.Start())
		must(t, c.Wait())
	}
	run()
	if !strings.Contains(said, "skip the file for /etc/resolv.conf: No such file or directory (") {
		t.Error(said)
	}
	must(t, os.WriteFile("/etc/resolv.conf", nil, 0o644))
	run()
	if said != "" {
		t.Error(said)
	}
}
