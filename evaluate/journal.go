package evaluate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"searchrl/qa"
	"searchrl/rollout"
)

// Names within the folder of a journal.
const (
	TreesFile    = "trees.jsonl"  // every trajectory, in the order of the questions
	ProtocolFile = "protocol.txt" // the hash of what was asked, and how
	lockFile     = "eval.lock"    // held by the process that evaluates
)

// Journal keeps the tree of every question that was answered, so that an evaluation that was broken off goes on where it
// was. Not safe for concurrent use.
type Journal struct {
	file *os.File
	lock *flock.Flock
	done []Result
}

// OpenJournal opens the journal in folder dir, or begins one, for the evaluation of questions under the protocol of that
// hash. One that was begun under another, or with other questions, is refused, and so is one that another process has open.
// What a crash left of a line is dropped.
func OpenJournal(dir, hash string, questions []qa.Question) (*Journal, error) {
	j, err := openJournal(dir, hash, questions)
	if err != nil {
		return nil, fmt.Errorf("journal of the evaluation %s: %w", dir, err)
	}
	return j, nil
}

func openJournal(dir, hash string, questions []qa.Question) (j *Journal, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	if got, err := lock.TryLock(); err != nil {
		return nil, err
	} else if !got {
		return nil, errors.New("another evaluation writes it")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := compareProtocol(filepath.Join(dir, ProtocolFile), hash); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, TreesFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	if err := file.Truncate(int64(len(whole))); err != nil {
		return nil, err
	}
	if _, err := file.Seek(int64(len(whole)), io.SeekStart); err != nil {
		return nil, err
	}
	j = &Journal{file: file, lock: lock}
	for tree, err := range rollout.Trees(bytes.NewReader(whole), TreesFile) {
		if err != nil {
			return nil, err
		}
		n := len(j.done)
		if n >= len(questions) || tree.Question.ID != questions[n].ID || len(tree.Trajectories) != 1 {
			return nil, fmt.Errorf("its tree %d is of question %q, which is not question %d", n+1, tree.Question.ID, n+1)
		}
		j.done = append(j.done, Grade(tree, 0))
	}
	return j, nil
}

// compareProtocol compares the hash with the one that the file at path holds, which is made if it does not exist.
func compareProtocol(path, hash string) error {
	begun, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return renameio.WriteFile(path, []byte(hash+"\n"), 0o644, renameio.WithTempDir(filepath.Dir(path)))
	}
	if found := strings.TrimSpace(string(begun)); err == nil && found != hash {
		return fmt.Errorf("it was begun under protocol %.64s, and this is %s: name another folder, or evaluate as then", found, hash)
	}
	return err
}

// Done returns the results of the questions that are in the journal: the first ones.
func (j *Journal) Done() []Result { return j.done }

// Append adds trees and waits until they are on the disk.
func (j *Journal) Append(trees []*rollout.Tree) error {
	var lines bytes.Buffer
	for _, tree := range trees {
		if err := rollout.Write(&lines, tree); err != nil {
			return err
		}
	}
	if _, err := j.file.Write(lines.Bytes()); err != nil {
		return fmt.Errorf("journal of the evaluation: %w", err)
	}
	return j.file.Sync()
}

// Close ends the writing.
func (j *Journal) Close() error { return errors.Join(j.file.Close(), j.lock.Close()) }
