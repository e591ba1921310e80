package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar is a progress bar on a terminal; elsewhere it shows nothing, and lines take its place.
type bar struct {
	con     *console
	bar     *progressbar.ProgressBar // nil where standard error is no terminal
	title   string
	total   int
	already int // units that were done before it started
	started time.Time
}

// startBar puts a bar of total units on the screen; stop takes it off.
func (c *console) startBar(title string, total int) *bar {
	b := &bar{con: c, title: title, total: total, started: time.Now()}
	if terminal(c.stderr) {
		b.bar = newBar(c.stderr, total, title)
		c.mutex.Lock()
		c.bar = b
		c.mutex.Unlock()
	}
	return b
}

func newBar(w io.Writer, total int, title string) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionSetWidth(barWidth(w)),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(false), // it looks at the last moments only; steps differ too much
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}),
	)
}

// barWidth leaves the longest description room on the line.
func barWidth(w io.Writer) int {
	const description, least, most = 85, 4, 20
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return min(max(columns-description, least), most)
		}
	}
	return most
}

// set moves the bar to done units and shows text after its title.
func (b *bar) set(done int, format string, args ...any) {
	if b.bar == nil {
		return
	}
	b.bar.Describe(strings.TrimSpace(b.title + " " + fmt.Sprintf(format, args...) + b.left(done)))
	_ = b.bar.Set(done)
}

// left says how long the rest will take if it goes on as so far.
func (b *bar) left(done int) string {
	if done <= b.already || done >= b.total {
		return ""
	}
	left := time.Duration(float64(time.Since(b.started)) / float64(done-b.already) * float64(b.total-done))
	return "  " + left.Round(time.Second).String() + " left"
}

// line writes a line where there is no terminal; on one, the bar says it.
func (b *bar) line(format string, args ...any) {
	if b.bar == nil {
		b.con.note(format, args...)
	}
}

// clear takes the bar off the screen until it is set again.
func (b *bar) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

// stop takes the bar off the screen.
func (b *bar) stop() {
	b.con.mutex.Lock()
	defer b.con.mutex.Unlock()
	b.clear()
	b.con.bar = nil
}
