package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"
)

// Write writes a file that holds the tensors. metadata may be nil; {"format": "pt"} is what PyTorch tools expect.
func Write(w io.Writer, tensors map[string]Tensor, metadata map[string]string) error {
	infos := make(map[string]Info, len(tensors))
	for name, t := range tensors {
		infos[name] = Info{DType: t.DType, Shape: t.Shape}
	}
	return WriteFunc(w, infos, metadata, func(name string) ([]byte, error) { return tensors[name].Data, nil })
}

// WriteFunc is [Write] for tensors that are not all in memory as bytes: data is asked for each tensor's bytes once, in the
// order of the file. The infos' offsets are ignored.
func WriteFunc(w io.Writer, infos map[string]Info, metadata map[string]string, data func(name string) ([]byte, error)) error {
	order := slices.SortedFunc(maps.Keys(infos), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(infos[b].DType), rank(infos[a].DType)), cmp.Compare(a, b))
	})
	header, lengths, err := makeHeader(order, infos, metadata)
	if err != nil {
		return fmt.Errorf("safetensors: writing the header: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("safetensors: writing the header: %w", err)
	}
	for i, name := range order {
		b, err := data(name)
		if err == nil && int64(len(b)) != lengths[i] {
			err = fmt.Errorf("%s of shape %v takes %d bytes, found %d", infos[name].DType, infos[name].Shape, lengths[i], len(b))
		}
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			return fmt.Errorf("safetensors: writing tensor %q: %w", name, err)
		}
	}
	return nil
}

// makeHeader returns the file's first bytes, up to the data, and each tensor's length.
func makeHeader(order []string, infos map[string]Info, metadata map[string]string) ([]byte, []int64, error) {
	b := make([]byte, 8, 1024)
	b = append(b, '{')
	if metadata != nil {
		b = appendText(b, metadataKey)
		b = append(b, ":{"...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, key), ':')
			b = appendText(b, metadata[key])
		}
		b = append(b, '}')
	}
	lengths := make([]int64, len(order))
	offset := int64(0)
	for i, name := range order {
		if name == metadataKey || !utf8.ValidString(name) {
			return nil, nil, fmt.Errorf("%q cannot be a tensor's name", name)
		}
		info := infos[name]
		n, err := byteLen(info.DType, info.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if offset+n < offset {
			return nil, nil, fmt.Errorf("tensor %q: the file would be longer than 2^63 bytes", name)
		}
		if len(b) > 9 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), `:{"dtype":`...)
		b = append(appendText(b, info.DType), `,"shape":[`...)
		for j, extent := range info.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = fmt.Append(b, extent)
		}
		b = fmt.Appendf(b, `],"data_offsets":[%d,%d]}`, offset, offset+n)
		lengths[i] = n
		offset += n
	}
	b = append(b, '}')
	for len(b)%8 != 0 { // the data start aligned
		b = append(b, ' ')
	}
	if len(b)-8 > MaxHeader {
		return nil, nil, fmt.Errorf("header of %d bytes is longer than the limit of %d", len(b)-8, MaxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, lengths, nil
}

// appendText appends s as a JSON string, without the escapes that only HTML needs.
func appendText(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string into a buffer: cannot fail
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
