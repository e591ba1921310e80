package accel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// probeTime bounds one probe. Loading a plugin takes well under a second on the CPU and a few on a GPU.
const probeTime = time.Minute

// Probe loads the plugin at an absolute path, starts it and stops it again. A program that sets Options.Probe calls it
// in the child process; see there.
func Probe(path string) error {
	b, err := Open("xla:" + path)
	if err != nil {
		return err
	}
	b.Close()
	return nil
}

// runProbe runs a probe command on a plugin and says how it failed.
func runProbe(command []string, path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	args := append(append([]string{}, command[1:]...), path)
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.WaitDelay = time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("plugin %s did not start within %v", path, probeTime)
	case !errors.As(err, &exit):
		return fmt.Errorf("probing plugin %s: %w", path, err)
	case exit.ExitCode() < 0 || strings.Contains(output.String(), "\ngoroutine "): // a signal, or Go's report of one
		return fmt.Errorf("plugin %s crashes when it is loaded (%v): %s", path, err, firstLines(output.String(), 2))
	}
	said := lastLine(output.String())
	if _, rest, ok := strings.Cut(said, "backend xla:"+path+": "); ok { // the error of Probe, after what the child put before it
		return errors.New(rest)
	}
	return fmt.Errorf("plugin %s cannot be used: %s", path, said)
}

// firstLines returns the first n lines of a text that are not empty, as one line.
func firstLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = oneLine(line); line != "" && len(lines) < n {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// lastLine returns the last line of a text that is not empty.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return oneLine(lines[len(lines)-1])
}
