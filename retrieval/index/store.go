package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"slices"

	"searchrl/retrieval"
)

// store writes the passages, and sees that their ids are there and differ.
type store struct {
	passages, offsets *output
	seed              maphash.Seed
	ids               []idHash
	buf               []byte
}

// idHash is the hash of a passage's id.
type idHash struct {
	hash uint64
	doc  uint32
}

func newStore(folder string) (*store, error) {
	passages, err := create(folder, passagesFile)
	if err != nil {
		return nil, err
	}
	offsets, err := create(folder, offsetsFile)
	if err != nil {
		return nil, errors.Join(err, passages.file.Close())
	}
	return &store{passages: passages, offsets: offsets, seed: maphash.MakeSeed()}, nil
}

func (s *store) add(doc retrieval.Document) error {
	if doc.ID == "" {
		return fmt.Errorf("passage %d has no id", len(s.ids))
	}
	s.ids = append(s.ids, idHash{maphash.String(s.seed, doc.ID), uint32(len(s.ids))})
	if err := s.offset(); err != nil {
		return err
	}
	s.buf = appendPassage(s.buf[:0], doc)
	_, err := s.passages.Write(s.buf)
	return err
}

// offset writes where the next passage begins.
func (s *store) offset() error {
	_, err := s.offsets.Write(binary.LittleEndian.AppendUint64(nil, uint64(s.passages.made.Bytes)))
	return err
}

// finish completes both files and looks for ids that stand twice.
func (s *store) finish(m *Manifest) error {
	if err := s.offset(); err != nil {
		return err
	}
	if err := errors.Join(s.passages.finish(m), s.offsets.finish(m)); err != nil {
		return err
	}
	slices.SortFunc(s.ids, func(a, b idHash) int {
		switch {
		case a.hash != b.hash && a.hash < b.hash || a.hash == b.hash && a.doc < b.doc:
			return -1
		}
		return 1
	})
	for i := 1; i < len(s.ids); i++ {
		for j := i - 1; j >= 0 && s.ids[j].hash == s.ids[i].hash; j-- { // nearly always the very same id
			a, errA := s.read(s.ids[j].doc)
			b, errB := s.read(s.ids[i].doc)
			if err := errors.Join(errA, errB); err != nil {
				return err
			}
			if a.ID == b.ID {
				return fmt.Errorf("passages %d and %d have the same id %q", s.ids[j].doc, s.ids[i].doc, a.ID)
			}
		}
	}
	return nil
}

// read reads a passage back from the finished files.
func (s *store) read(doc uint32) (retrieval.Document, error) {
	var bounds [16]byte
	if _, err := s.offsets.file.ReadAt(bounds[:], 8*int64(doc)); err != nil {
		return retrieval.Document{}, err
	}
	from, to := binary.LittleEndian.Uint64(bounds[:]), binary.LittleEndian.Uint64(bounds[8:])
	record := make([]byte, to-from)
	if _, err := s.passages.file.ReadAt(record, int64(from)); err != nil {
		return retrieval.Document{}, err
	}
	return parsePassage(record)
}

func (s *store) close() error { return errors.Join(s.passages.file.Close(), s.offsets.file.Close()) }

// appendPassage writes a record of passages.bin.
func appendPassage(to []byte, doc retrieval.Document) []byte {
	begin := len(to)
	for _, text := range []string{doc.ID, doc.Title, doc.Text} {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(to[begin:], castagnoli))
}

// errDamaged says that bytes on the disk are not those that were written.
var errDamaged = errors.New("the file is damaged (its checksum differs); build the index again")

// parsePassage reads a whole record of passages.bin. The strings are copies.
func parsePassage(record []byte) (retrieval.Document, error) {
	if len(record) < 4 {
		return retrieval.Document{}, errDamaged
	}
	body := record[:len(record)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(record[len(body):]) {
		return retrieval.Document{}, errDamaged
	}
	var texts [3]string
	for i := range texts {
		n, size := binary.Uvarint(body)
		if size <= 0 || n > uint64(len(body)-size) {
			return retrieval.Document{}, errDamaged
		}
		texts[i] = string(body[size : size+int(n)])
		body = body[size+int(n):]
	}
	if len(body) > 0 {
		return retrieval.Document{}, errDamaged
	}
	return retrieval.Document{ID: texts[0], Title: texts[1], Text: texts[2]}, nil
}
