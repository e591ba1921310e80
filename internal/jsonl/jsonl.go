// Package jsonl reads files of one JSON document a line, plain or gzip, line by line. [Reader.Peek] tells other files, which
// [Reader.Read] then hands out as they are.
package jsonl

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxLine is the longest line accepted, in bytes: far above any real record, and low enough that a hostile file
// cannot fill the memory.
const MaxLine = 64 << 20

// Reader hands out the lines of a stream.
type Reader struct {
	name string
	buf  *bufio.Reader
	gz   bool
	line []byte
	n    int
}

// NewReader returns a reader of r's lines; name stands for r in errors. Gzip is recognised by its first two bytes, and a
// UTF-8 byte order mark is skipped.
func NewReader(r io.Reader, name string) (*Reader, error) {
	buf := bufio.NewReaderSize(r, 1<<16)
	head, err := buf.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	gz := bytes.Equal(head, []byte{0x1f, 0x8b})
	if gz {
		unpacked, err := gzip.NewReader(buf)
		if err != nil {
			return nil, fmt.Errorf("reading %s as gzip: %w", name, err)
		}
		buf = bufio.NewReaderSize(unpacked, 1<<16)
	}
	if bom, err := buf.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = buf.Discard(3)
	}
	return &Reader{name: name, buf: buf, gz: gz}, nil
}

// Next returns the next line that is not blank, without its end, and io.EOF after the last one. The line is valid until
// the next call.
func (r *Reader) Next() ([]byte, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	r.n++
	for {
		part, err := r.buf.ReadSlice('\n')
		if len(r.line)+len(part) > MaxLine {
			return nil, r.Errorf("longer than %d bytes", MaxLine)
		}
		r.line = append(r.line, part...)
		switch {
		case err == nil:
			return r.line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(r.line) > 0: //nolint:errorlint // a cut-off gzip stream is io.ErrUnexpectedEOF
			return r.line, nil
		case err == io.EOF: //nolint:errorlint // as above
			return nil, io.EOF
		case r.gz:
			return nil, r.Errorf("the gzip stream is damaged or cut off: %w", err)
		default:
			return nil, r.Errorf("reading: %w", err)
		}
	}
}

// Peek returns up to n of the bytes that come next, fewer where the stream ends, and leaves them to be read. n is at most 64
// KiB.
func (r *Reader) Peek(n int) []byte {
	next, _ := r.buf.Peek(n) // whoever reads on meets the error
	return next
}

// Read implements io.Reader: it hands out what comes next as bytes, for files that turn out to be no lines. Use it or Next,
// not both; Line does not count what it hands out.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.buf.Read(p)
	switch {
	case err == nil || err == io.EOF: //nolint:errorlint // a cut-off gzip stream is io.ErrUnexpectedEOF
		return n, err
	case r.gz:
		return n, fmt.Errorf("the gzip stream is damaged or cut off: %w", err)
	}
	return n, fmt.Errorf("reading: %w", err)
}

// Name returns what stands for the stream in errors.
func (r *Reader) Name() string { return r.name }

// Line returns the number of the line that Next returned last, from 1.
func (r *Reader) Line() int { return r.n }

// Errorf formats an error about the current line and names its file and number.
func (r *Reader) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s line %d: %w", r.name, r.n, fmt.Errorf(format, args...))
}

// Open opens the file at path for [NewReader]; the caller closes the second result.
func Open(path string) (*Reader, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err // names the path
	}
	r, err := NewReader(f, path)
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return r, f, nil
}
