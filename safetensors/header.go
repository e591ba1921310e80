package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// metadataKey is the header's key that is no tensor.
const metadataKey = "__metadata__"

// parseHeader reads the JSON token by token: decoding into a map would let the last of two equal keys win silently.
func parseHeader(header []byte) (map[string]Info, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("header is not valid UTF-8")
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, errors.New("header does not start with '{'")
	}
	p := parser{json.NewDecoder(bytes.NewReader(header))}
	p.UseNumber()
	tensors := map[string]Info{}
	var metadata map[string]string
	err := p.object(func(name string) (err error) {
		if name == metadataKey {
			metadata, err = p.metadata()
			return err
		}
		tensors[name], err = p.tensor()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("header: more than one JSON value")
	}
	return tensors, metadata, nil
}

type parser struct{ *json.Decoder }

// object reads an object and calls member after each key, which must read the value. A doubled key is an error.
func (p parser) object(member func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.More() {
		token, err := p.next()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return fmt.Errorf("key %v is not a string", token)
		}
		if seen[key] {
			return fmt.Errorf("key %q appears twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

// tensor reads one tensor's entry and checks all that needs no other entry.
func (p parser) tensor() (Info, error) {
	var info Info
	var offsets []int64
	var haveType, haveShape bool
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			haveType = true
			info.DType, err = p.text()
		case "shape":
			haveShape = true
			var extents []int64
			extents, err = p.numbers()
			info.Shape = make([]int, len(extents))
			for i, v := range extents {
				if info.Shape[i] = int(v); int64(info.Shape[i]) != v {
					return fmt.Errorf("shape: extent %d is too large for this machine", v)
				}
			}
		case "data_offsets":
			offsets, err = p.numbers()
			if err == nil && len(offsets) != 2 {
				err = fmt.Errorf("%d numbers, want begin and end", len(offsets))
			}
		default:
			err = errors.New("unknown key")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return Info{}, err
	case !haveType || !haveShape || offsets == nil:
		return Info{}, errors.New("dtype, shape or data_offsets is missing")
	}
	info.Begin, info.End = offsets[0], offsets[1]
	want, err := byteLen(info.DType, info.Shape)
	switch {
	case err != nil:
		return Info{}, err
	case info.Begin > info.End:
		return Info{}, fmt.Errorf("offsets [%d, %d] are the wrong way round", info.Begin, info.End)
	case info.End-info.Begin != want:
		return Info{}, fmt.Errorf("%s of shape %v takes %d bytes, its offsets [%d, %d] span %d",
			info.DType, info.Shape, want, info.Begin, info.End, info.End-info.Begin)
	}
	return info, nil
}

func (p parser) metadata() (map[string]string, error) {
	m := map[string]string{}
	err := p.object(func(key string) (err error) {
		m[key], err = p.text()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", metadataKey, err)
	}
	return m, nil
}

// numbers reads an array of whole numbers in [0, 2⁶³).
func (p parser) numbers() ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	out := []int64{}
	for p.More() {
		token, err := p.next()
		if err != nil {
			return nil, err
		}
		number, _ := token.(json.Number)
		v, err := strconv.ParseUint(number.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%v is not a whole number in [0, 2^63)", token)
		}
		out = append(out, int64(v))
	}
	return out, p.delim(']')
}

func (p parser) text() (string, error) {
	token, err := p.next()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%v is not a string", token)
	}
	return s, nil
}

func (p parser) delim(want json.Delim) error {
	token, err := p.next()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v where %q was expected", token, want.String())
	}
	return nil
}

// next is Token with the end of the header as an error.
func (p parser) next() (json.Token, error) {
	token, err := p.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("JSON ends too early")
	}
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return token, nil
}
