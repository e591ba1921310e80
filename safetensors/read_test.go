package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/internal/shared"
	"searchrl/safetensors"
)

// file puts a file together: the header's true length, the header, and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, n)...)
}

// claim is file with a wrong length of the header.
func claim(n uint64, header string) []byte {
	b := file(header, 0)
	binary.LittleEndian.PutUint64(b, n)
	return b
}

func entry(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"a":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

func two(a, b string) string {
	const t = `{"a":{"dtype":"U8","shape":[4],"data_offsets":%s},"b":{"dtype":"U8","shape":[4],"data_offsets":%s}}`
	return fmt.Sprintf(t, a, b)
}

var badFiles = []struct {
	name string
	file []byte
	want string
}{
	{"empty file", nil, "too short"},
	{"seven bytes", make([]byte, 7), "too short"},
	{"header of 2^60 bytes", claim(1<<60, "{}"), "longer than the limit"},
	{"header of 2^64-1 bytes", claim(math.MaxUint64, "{}"), "longer than the limit"},
	{"header just beyond the limit", claim(safetensors.MaxHeader+1, "{}"), "longer than the limit"},
	{"header longer than the file", claim(3, "{}"), "header of 3 bytes does not fit into a file of 10"},
	{"header of the limit, file short", claim(safetensors.MaxHeader, "{}"), "does not fit"},
	{"no header", claim(0, ""), "does not start with '{'"},
	{"not JSON", file("{nonsense}", 0), "not JSON"},
	{"binary", file("\x00\x01\x02\x03", 0), "does not start with '{'"},
	{"not UTF-8", file("{\"\xff\":1}", 0), "not valid UTF-8"},
	{"an array", file("[]", 0), "does not start with '{'"},
	{"space before the object", file(" {}", 0), "does not start with '{'"},
	{"null", file("null", 0), "does not start with '{'"},
	{"object cut short", file(`{"a":`, 0), "ends too early"},
	{"object not closed", file(`{`, 0), "ends too early"},
	{"two objects", file(`{}{}`, 0), "more than one JSON value"},
	{"text after the object", file(`{} x`, 0), "more than one JSON value"},
	{"nesting without end", file(`{"a":`+strings.Repeat("[", 1_000_000), 0), `tensor "a"`},
	{"deep nesting in the shape", file(`{"a":{"shape":`+strings.Repeat("[", 1_000_000), 0), `tensor "a": shape`},
	{"tensor is a number", file(`{"a":1}`, 0), `tensor "a"`},
	{"tensor is null", file(`{"a":null}`, 0), `tensor "a"`},
	{"no dtype", file(`{"a":{"shape":[],"data_offsets":[0,0]}}`, 0), "missing"},
	{"no shape", file(`{"a":{"dtype":"U8","data_offsets":[0,0]}}`, 0), "missing"},
	{"no offsets", file(`{"a":{"dtype":"U8","shape":[0]}}`, 0), "missing"},
	{"unknown key", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}`, 0), `x: unknown key`},
	{"unknown dtype", file(entry(`"F31"`, "[1]", "[0,4]"), 4), `unknown dtype "F31"`},
	{"dtype in lower case", file(entry(`"f32"`, "[1]", "[0,4]"), 4), `unknown dtype "f32"`},
	{"dtype is a number", file(entry(`32`, "[1]", "[0,4]"), 4), "dtype: 32 is not a string"},
	{"shape is a number", file(entry(`"U8"`, "1", "[0,1]"), 1), "shape: 1 where"},
	{"negative extent", file(entry(`"U8"`, "[-1]", "[0,1]"), 1), "not a whole number"},
	{"extent with a point", file(entry(`"U8"`, "[1.0]", "[0,1]"), 1), "not a whole number"},
	{"extent with an exponent", file(entry(`"U8"`, "[1e0]", "[0,1]"), 1), "not a whole number"},
	{"extent is a string", file(entry(`"U8"`, `["1"]`, "[0,1]"), 1), "not a whole number"},
	{"extent of 2^64", file(entry(`"U8"`, "[18446744073709551616]", "[0,1]"), 1), "not a whole number"},
	{"shape overflows", file(entry(`"U8"`, "[4294967296,4294967296]", "[0,0]"), 0), "overflows"},
	{"shape overflows before a zero", file(entry(`"U8"`, "[4294967296,4294967296,0]", "[0,0]"), 0), "overflows"},
	{"shape × dtype overflows", file(entry(`"F64"`, "[2305843009213693952]", "[0,0]"), 0), "overflows"},
	{"shape too large for the offsets", file(entry(`"F32"`, "[2]", "[0,4]"), 4), "takes 8 bytes"},
	{"shape too small for the offsets", file(entry(`"F32"`, "[]", "[0,8]"), 8), "takes 4 bytes"},
	{"one offset", file(entry(`"U8"`, "[0]", "[0]"), 0), "1 numbers"},
	{"three offsets", file(entry(`"U8"`, "[0]", "[0,0,0]"), 0), "3 numbers"},
	{"negative offset", file(entry(`"U8"`, "[1]", "[-1,0]"), 1), "not a whole number"},
	{"offsets the wrong way round", file(entry(`"U8"`, "[1]", "[1,0]"), 1), "wrong way round"},
	{"offsets beyond the file", file(entry(`"U8"`, "[4]", "[0,4]"), 3), "reach beyond the 3 bytes"},
	{"offsets of 2^62", file(entry(`"U8"`, "[4611686018427387904]", "[0,4611686018427387904]"), 3), "reach beyond"},
	{"offset of 2^64-1", file(entry(`"U8"`, "[1]", "[18446744073709551614,18446744073709551615]"), 3), "not a whole number"},
	{"same place", file(two("[0,4]", "[0,4]"), 4), "overlap"},
	{"overlap", file(two("[0,4]", "[3,7]"), 7), "overlap"},
	{"hole at the start", file(entry(`"U8"`, "[1]", "[1,2]"), 2), "hole of 1 bytes"},
	{"hole between", file(two("[0,4]", "[5,9]"), 9), "hole of 1 bytes"},
	{"rest at the end", file(two("[0,4]", "[4,8]"), 9), "1 bytes after the last tensor"},
	{"data without tensors", file("{}", 1), "1 bytes after the last tensor"},
	{"empty tensor within another", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}`, 4), "overlap"},
	{"tensor named twice", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `"a" appears twice`},
	{"tensor named twice by an escape", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `"a" appears twice`},
	{"dtype given twice", file(`{"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 0), `"dtype" appears twice`},
	{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), "appears twice"},
	{"metadata is a list", file(`{"__metadata__":[]}`, 0), "__metadata__"},
	{"metadata holds a number", file(`{"__metadata__":{"a":1}}`, 0), "1 is not a string"},
}

func TestBadFiles(t *testing.T) {
	for _, test := range badFiles {
		t.Run(test.name, func(t *testing.T) {
			_, err := safetensors.Read(bytes.NewReader(test.file), int64(len(test.file)))
			require.ErrorContains(t, err, test.want)
			require.Less(t, len(err.Error()), 500, "one clear line")
			require.NotContains(t, err.Error(), "\n")

			_, err = safetensors.Open(fstest.MapFS{"x.safetensors": {Data: test.file}}, "x.safetensors")
			require.ErrorContains(t, err, "x.safetensors: ")
			require.ErrorContains(t, err, test.want)
		})
	}
	t.Run("no such file", func(t *testing.T) {
		_, err := safetensors.Open(fstest.MapFS{}, "x.safetensors")
		require.ErrorIs(t, err, os.ErrNotExist)
		require.ErrorContains(t, err, "x.safetensors")
	})
	t.Run("a folder", func(t *testing.T) {
		_, err := safetensors.Open(os.DirFS(filepath.Dir(t.TempDir())), filepath.Base(t.TempDir()))
		require.ErrorContains(t, err, "not a regular file")
	})
}

// Every file that is cut short is refused, at whatever byte.
func TestTruncated(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, safetensors.Write(&b, sample(), nil))
	for n := range b.Len() {
		_, err := safetensors.Read(bytes.NewReader(b.Bytes()[:n]), int64(n))
		require.Error(t, err, "%d bytes", n)
	}
	// The reader may also be shorter than it says, as a file is that somebody truncates meanwhile.
	for n := range b.Len() {
		f, err := safetensors.Read(bytes.NewReader(b.Bytes()[:n]), int64(b.Len()))
		if err == nil {
			_, err = f.Tensor(slices.MaxFunc(f.Names(), func(a, b string) int {
				x, _ := f.Info(a)
				y, _ := f.Info(b)
				return int(x.End - y.End)
			}))
		}
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
	}
}

func TestGoodFiles(t *testing.T) {
	for _, test := range []struct {
		name  string
		file  []byte
		names []string
	}{
		{"nothing", file("{}", 0), nil},
		{"padding", file("{}      ", 0), nil},
		{"spaces and new lines within", file("{ \n\t}\r\n", 0), nil},
		{"metadata alone", file(`{"__metadata__":{"format":"pt"}}`, 0), nil},
		{"scalar", file(entry(`"F32"`, "[]", "[0,4]"), 4), []string{"a"}},
		{"no elements", file(entry(`"F32"`, "[3,0,5]", "[0,0]"), 0), []string{"a"}},
		{"empty name", file(strings.Replace(entry(`"U8"`, "[1]", "[0,1]"), `"a"`, `""`, 1), 1), []string{""}},
		{"out of order", file(two("[4,8]", "[0,4]"), 8), []string{"a", "b"}},
		{"two empty ones at the same place", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), []string{"a", "b"}},
		{"empty one between others", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"c":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), []string{"a", "b", "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := safetensors.Read(bytes.NewReader(test.file), int64(len(test.file)))
			require.NoError(t, err)
			require.Equal(t, test.names, f.Names())
			for _, name := range f.Names() {
				_, err := f.Tensor(name)
				require.NoError(t, err)
			}
			_, err = f.Tensor("missing")
			require.ErrorContains(t, err, `no tensor "missing"`)
			require.NoError(t, f.Close())
		})
	}
}

func sample() map[string]safetensors.Tensor {
	return map[string]safetensors.Tensor{
		"b":   safetensors.FromFloat32s([]int{2, 2}, []float32{1, 2, 3, 4}),
		"a":   {DType: safetensors.I64, Shape: []int{1}, Data: []byte{5, 0, 0, 0, 0, 0, 0, 0}},
		"c<>": {DType: safetensors.U8, Shape: []int{3}, Data: []byte{1, 2, 3}},
	}
}

// anyTensors draws tensors of any dtype and shape.
func anyTensors(t *rapid.T) map[string]safetensors.Tensor {
	sizes := map[string]int{
		"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
		"I32": 4, "U32": 4, "F32": 4, "C64": 8, "F64": 8, "I64": 8, "U64": 8,
	}
	tensors := map[string]safetensors.Tensor{}
	for range rapid.IntRange(0, 6).Draw(t, "tensors") {
		dtype := rapid.SampledFrom(slices.Sorted(maps.Keys(sizes))).Draw(t, "dtype")
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")
		n := sizes[dtype]
		for _, extent := range shape {
			n *= extent
		}
		name := rapid.StringN(0, 8, -1).Filter(func(s string) bool { return s != "__metadata__" }).Draw(t, "name")
		tensors[name] = safetensors.Tensor{DType: dtype, Shape: shape, Data: rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "data")}
	}
	return tensors
}

// What is written is read again, and the file does not depend on chance.
func TestWriteReadIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tensors := anyTensors(t)
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		var b, again bytes.Buffer
		require.NoError(t, safetensors.Write(&b, tensors, metadata))
		require.NoError(t, safetensors.Write(&again, tensors, metadata))
		require.Equal(t, b.Bytes(), again.Bytes())
		require.Zero(t, binary.LittleEndian.Uint64(b.Bytes())%8, "data are aligned")

		f, err := safetensors.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		require.NoError(t, err)
		require.Equal(t, metadata, f.Metadata())
		require.Equal(t, slices.Sorted(maps.Keys(tensors)), f.Names())
		for name, want := range tensors {
			got, err := f.Tensor(name)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func TestWriteRefusesWhatReadWould(t *testing.T) {
	for want, tensors := range map[string]map[string]safetensors.Tensor{
		"takes 4 bytes, found 3": {"a": {DType: "F32", Shape: []int{}, Data: make([]byte, 3)}},
		`unknown dtype "F4"`:     {"a": {DType: "F4", Shape: []int{2}, Data: make([]byte, 1)}},
		"negative extent":        {"a": {DType: "U8", Shape: []int{-1}}},
		"cannot be a tensor's":   {"__metadata__": {DType: "U8", Shape: []int{0}}},
		`"\xff" cannot be`:       {"\xff": {DType: "U8", Shape: []int{0}}},
	} {
		require.ErrorContains(t, safetensors.Write(io.Discard, tensors, nil), want)
	}
}

func TestConversions(t *testing.T) {
	half := func(bits ...uint16) []byte {
		var b []byte
		for _, v := range bits {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return b
	}
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		dtype string
		data  []byte
		want  []float32
	}{
		{"BF16", half(0x3f80, 0xc000, 0x0000, 0x7f80), []float32{1, -2, 0, inf}},
		{"F16", half(0x3c00, 0xc000, 0x0000, 0x7c00, 0xfc00, 0x7bff, 0x0400, 0x0001, 0x8001, 0x03ff, 0x3555),
			[]float32{1, -2, 0, inf, -inf, 65504, 0x1p-14, 0x1p-24, -0x1p-24, 0x3ffp-24, 0.333251953125}},
		{"F64", binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1)), []float32{0.1}},
	} {
		n := map[string]int{"F64": 8}[test.dtype]
		tensor := safetensors.Tensor{DType: test.dtype, Shape: []int{len(test.data) / max(n, 2)}, Data: test.data}
		got, err := tensor.Float32s()
		require.NoError(t, err)
		require.Equal(t, test.want, got, test.dtype)
	}
	nan, err := safetensors.Tensor{DType: "F16", Shape: []int{1}, Data: half(0x7e00)}.Float32s()
	require.NoError(t, err)
	require.True(t, math.IsNaN(float64(nan[0])))

	ints, err := safetensors.Tensor{DType: "I32", Shape: []int{2}, Data: []byte{255, 255, 255, 255, 7, 0, 0, 0}}.Ints()
	require.NoError(t, err)
	require.Equal(t, []int{-1, 7}, ints)
	wide, err := safetensors.FromFloat32s([]int{1}, []float32{0.5}).Float64s()
	require.NoError(t, err)
	require.Equal(t, []float64{0.5}, wide)

	_, err = safetensors.Tensor{DType: "I64", Shape: []int{0}}.Float32s()
	require.ErrorContains(t, err, "dtype I64")
	_, err = safetensors.Tensor{DType: "F32", Shape: []int{0}}.Ints()
	require.ErrorContains(t, err, "dtype F32")
	_, err = safetensors.Tensor{DType: "F32", Shape: []int{2}, Data: make([]byte, 4)}.Float32s()
	require.ErrorContains(t, err, "takes 8 bytes")
}

// Reading and writing again gives the same bytes as the reference implementation wrote.
func TestGoldenFilesAreReproduced(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(shared.Dir(t), "fixtures", "*", "*.safetensors"))
	require.NoError(t, err)
	if len(paths) == 0 {
		t.Skip("no safetensors files among the fixtures")
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		f, err := safetensors.Read(bytes.NewReader(content), int64(len(content)))
		require.NoError(t, err, path)
		tensors := map[string]safetensors.Tensor{}
		for _, name := range f.Names() {
			tensors[name], err = f.Tensor(name)
			require.NoError(t, err, path)
		}
		var b bytes.Buffer
		require.NoError(t, safetensors.Write(&b, tensors, f.Metadata()))
		require.True(t, bytes.Equal(content, b.Bytes()), path)
	}
}

// FuzzRead feeds anything; whatever is accepted can be read in full and written again to an equivalent file.
func FuzzRead(f *testing.F) {
	for _, test := range badFiles {
		if len(test.file) < 1000 {
			f.Add(test.file)
		}
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, sample(), map[string]string{"format": "pt"}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		in, err := safetensors.Read(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		tensors := map[string]safetensors.Tensor{}
		total := 0
		for _, name := range in.Names() {
			tensors[name], err = in.Tensor(name)
			require.NoError(t, err)
			total += len(tensors[name].Data)
		}
		require.LessOrEqual(t, total, len(content))
		var b bytes.Buffer
		require.NoError(t, safetensors.Write(&b, tensors, in.Metadata()))
		out, err := safetensors.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		require.NoError(t, err)
		require.Equal(t, in.Names(), out.Names())
		for name, want := range tensors {
			got, err := out.Tensor(name)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func Example() {
	var b bytes.Buffer
	tensors := map[string]safetensors.Tensor{"weight": safetensors.FromFloat32s([]int{2, 2}, []float32{1, 2, 3, 4})}
	if err := safetensors.Write(&b, tensors, map[string]string{"format": "pt"}); err != nil {
		fmt.Println(err)
		return
	}
	f, err := safetensors.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	weight, err := f.Tensor("weight")
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := weight.Float32s()
	fmt.Println(weight.DType, weight.Shape, values, err)
	// Output: F32 [2 2] [1 2 3 4] <nil>
}
