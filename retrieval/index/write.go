package index

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"

	"searchrl/retrieval"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// output writes one data file and keeps its size and checksum.
type output struct {
	name string
	file *os.File
	buf  *bufio.Writer
	made File
}

func create(folder, name string) (*output, error) {
	file, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &output{name: name, file: file, buf: bufio.NewWriterSize(file, 1<<18)}, nil
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.made.Bytes += int64(len(p))
	o.made.CRC32C = crc32.Update(o.made.CRC32C, castagnoli, p)
	return o.buf.Write(p)
}

// finish waits until the file is on the disk, and enters it in the manifest.
func (o *output) finish(m *Manifest) error {
	if err := errors.Join(o.buf.Flush(), o.file.Sync()); err != nil {
		return err
	}
	m.Files[o.name] = o.made
	return nil
}

// tableEntry is the size of an entry of words.table.
const tableEntry = 32

// entry is one word of words.table.
type entry struct {
	at       uint64 // in words.bin
	length   uint32 // of the word, in bytes
	df       uint32
	postings uint64 // where they begin in postings.bin
	peak     float32
	crc      uint32 // of the postings
}

func (e entry) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, e.at)
	to = binary.LittleEndian.AppendUint32(to, e.length)
	to = binary.LittleEndian.AppendUint32(to, e.df)
	to = binary.LittleEndian.AppendUint64(to, e.postings)
	to = binary.LittleEndian.AppendUint32(to, math.Float32bits(e.peak))
	return binary.LittleEndian.AppendUint32(to, e.crc)
}

func readEntry(b []byte) entry {
	_ = b[tableEntry-1]
	return entry{
		at: binary.LittleEndian.Uint64(b), length: binary.LittleEndian.Uint32(b[8:]), df: binary.LittleEndian.Uint32(b[12:]),
		postings: binary.LittleEndian.Uint64(b[16:]), peak: math.Float32frombits(binary.LittleEndian.Uint32(b[24:])),
		crc: binary.LittleEndian.Uint32(b[28:]),
	}
}

// writeLists merges the runs into words and lists of gains.
func writeLists(ctx context.Context, r *runs, folder string, m *Manifest, lengths []uint32) (err error) {
	var outputs []*output
	defer func() {
		for _, o := range outputs {
			err = errors.Join(err, o.file.Close())
		}
	}()
	for _, name := range []string{wordsFile, tableFile, postingsFile} {
		o, err := create(folder, name)
		if err != nil {
			return err
		}
		outputs = append(outputs, o)
	}
	words, table, lists := outputs[0], outputs[1], outputs[2]
	formula := retrieval.Formula{K1: m.K1, B: m.B, Passages: m.Passages, Words: m.Words}
	var buf []byte
	err = r.merge(func(word string, postings []posting) error {
		if m.Distinct%everyN == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e := entry{at: uint64(words.made.Bytes), length: uint32(len(word)), df: uint32(len(postings)), postings: uint64(lists.made.Bytes)}
		buf = buf[:0]
		for _, p := range postings {
			buf = binary.LittleEndian.AppendUint32(buf, p.doc)
		}
		idf := formula.IDF(len(postings))
		for _, p := range postings {
			gain := formula.Gain(idf, int(p.tf), formula.Norm(int(lengths[p.doc])))
			e.peak = max(e.peak, gain)
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(gain))
		}
		e.crc = crc32.Checksum(buf, castagnoli)
		m.Distinct++
		m.Postings += len(postings)
		_, err1 := lists.Write(buf)
		_, err2 := words.Write([]byte(word))
		_, err3 := table.Write(e.append(nil))
		return errors.Join(err1, err2, err3)
	})
	for _, o := range outputs {
		if err == nil {
			err = o.finish(m)
		}
	}
	return err
}
