package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// console is where a command's output goes: results to standard output, everything else to standard error.
type console struct {
	stdout, stderr io.Writer
	json           bool // a JSON document is asked for
	documented     bool // it has been written
	bar            *bar // the one on the screen, or nil
	mutex          sync.Mutex
}

func newConsole(stdout, stderr io.Writer) *console { return &console{stdout: stdout, stderr: stderr} }

// text returns where text for people goes: with --json, standard output is left to the document.
func (c *console) text() io.Writer {
	if c.json {
		return c.stderr
	}
	return c.stdout
}

// document writes the JSON document, if one is asked for.
func (c *console) document(value any) error {
	if !c.json {
		return nil
	}
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing the JSON document: %w", err)
	}
	c.documented = true
	_, err = fmt.Fprintf(c.stdout, "%s\n", line)
	return err
}

// note writes one line to standard error, above a progress bar if there is one.
func (c *console) note(format string, args ...any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.bar != nil {
		c.bar.clear()
	}
	fmt.Fprintf(c.stderr, format+"\n", args...)
}

// fail reports how a command ended, in one line, and returns the exit code.
func (c *console) fail(err error) int {
	if err == nil {
		return exitDone
	}
	message := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
	if errors.Is(err, context.Canceled) {
		message = "interrupted: " + message
	}
	c.note("searchrl: %s", message)
	if !c.documented {
		if err := c.document(map[string]string{"error": message}); err != nil {
			c.note("searchrl: %v", err)
		}
	}
	return exitCode(err)
}

// terminal reports whether w is a terminal that understands colours.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Styles for text on a terminal, as SGR parameters.
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// styled returns a function that styles text for w, or leaves it alone where w is no terminal or NO_COLOR is set.
func styled(w io.Writer) func(style, text string) string {
	if !terminal(w) || os.Getenv("NO_COLOR") != "" {
		return func(_, text string) string { return text }
	}
	return func(style, text string) string { return "\x1b[" + style + "m" + text + "\x1b[0m" }
}
