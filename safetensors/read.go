package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// MaxHeader is the longest header that is read, in bytes: the limit of the reference implementation.
const MaxHeader = 100_000_000

// File is an open safetensors file whose header has been checked. It is safe for concurrent use if its reader is.
type File struct {
	r        io.ReaderAt
	close    func() error
	data     int64 // where the data section starts
	tensors  map[string]Info
	metadata map[string]string
}

// Read checks the header of the file of size bytes in r. Data are read when [File.Tensor] asks for them.
func Read(r io.ReaderAt, size int64) (*File, error) {
	f, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return f, nil
}

// Open opens the named file of fsys. Errors name the file. The caller closes it.
func Open(fsys fs.FS, name string) (*File, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f, err := fromFile(file)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, errors.Join(err, file.Close()))
	}
	f.close = file.Close
	return f, nil
}

func fromFile(file fs.File) (*File, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if r, ok := file.(io.ReaderAt); ok {
		return read(r, stat.Size())
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return read(bytes.NewReader(content), int64(len(content)))
}

// Close closes a file that [Open] opened; it does nothing after [Read].
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Names returns the tensors' names, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.tensors)) }

// Metadata returns the file's own remarks, such as {"format": "pt"}; nil if it has none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// DataStart returns where the data section starts in the file, in bytes: [Info].Begin and End count from there.
func (f *File) DataStart() int64 { return f.data }

// Info describes the named tensor without reading it.
func (f *File) Info(name string) (Info, bool) {
	info, ok := f.tensors[name]
	info.Shape = slices.Clone(info.Shape)
	return info, ok
}

// Tensor reads the named tensor.
func (f *File) Tensor(name string) (Tensor, error) {
	info, ok := f.Info(name)
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors: no tensor %q", name)
	}
	data := make([]byte, info.End-info.Begin)
	if err := readFull(f.r, data, f.data+info.Begin); err != nil {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q: reading its data: %w", name, err)
	}
	return Tensor{DType: info.DType, Shape: info.Shape, Data: data}, nil
}

func read(r io.ReaderAt, size int64) (*File, error) {
	if size < 8 {
		return nil, fmt.Errorf("file of %d bytes is too short to hold the header's length", size)
	}
	var prefix [8]byte
	if err := readFull(r, prefix[:], 0); err != nil {
		return nil, fmt.Errorf("reading the header's length: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n > MaxHeader:
		return nil, fmt.Errorf("header of %d bytes is longer than the limit of %d", n, MaxHeader)
	case int64(n) > size-8:
		return nil, fmt.Errorf("header of %d bytes does not fit into a file of %d", n, size)
	}
	header := make([]byte, n)
	if err := readFull(r, header, 8); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	tensors, metadata, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, data: 8 + int64(n), tensors: tensors, metadata: metadata}
	return f, checkCover(tensors, size-f.data)
}

// checkCover checks that the tensors lie back to back and fill the data section of the given length.
func checkCover(tensors map[string]Info, length int64) error {
	byPlace := slices.SortedFunc(maps.Keys(tensors), func(a, b string) int {
		x, y := tensors[a], tensors[b]
		if x.Begin != y.Begin {
			return cmp.Compare(x.Begin, y.Begin)
		}
		if x.End != y.End { // an empty tensor before the one that shares its begin
			return cmp.Compare(x.End, y.End)
		}
		return cmp.Compare(a, b)
	})
	end := int64(0)
	for _, name := range byPlace {
		info := tensors[name]
		switch {
		case info.End > length:
			return fmt.Errorf("tensor %q: offsets [%d, %d] reach beyond the %d bytes of data in the file", name, info.Begin, info.End, length)
		case info.Begin < end:
			return fmt.Errorf("tensor %q: offsets [%d, %d] overlap the tensor before it, which ends at %d", name, info.Begin, info.End, end)
		case info.Begin > end:
			return fmt.Errorf("tensor %q: hole of %d bytes before its offset %d", name, info.Begin-end, info.Begin)
		}
		end = info.End
	}
	if end != length {
		return fmt.Errorf("%d bytes after the last tensor", length-end)
	}
	return nil
}

// readFull fills b from offset; a file that ends before is an error.
func readFull(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
