package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"searchrl/judge/rubric"
)

// cache keeps readable replies on disk, one file each, named by the hash of what was asked. Files appear whole or not at
// all, so several processes can share a folder. A file that cannot be read, or that is not what was written, is a miss.
type cache struct{ dir string }

// entry is the content of a file: the reply and its hash, so that a changed digit is noticed.
type entry struct {
	Model string `json:"model"`
	Reply string `json:"reply"`
	Hash  string `json:"sha256"` // of key and reply
}

// maxEntry is the longest file that is read: a reply, each byte of it escaped.
const maxEntry = 6*rubric.MaxReply + 4096

// open makes the folder, and a file in it that does not stay.
func (c cache) open() error {
	if c.dir == "" {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("cache folder %s: %w", c.dir, err)
	}
	file, err := os.CreateTemp(c.dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("cache folder %s: %w", c.dir, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// cacheKey is the hash of all that a reply depends on: the model, what it is asked, and what its reply may be. Who serves the
// model is not among it.
func (o *Options) cacheKey(p rubric.Prompt) string {
	return hash(o.Model, p.System, p.User, fmt.Sprint(o.MaxTokens, o.PlainReplies))
}

func (c cache) path(key string) string { return filepath.Join(c.dir, key[:2], key+".json") }

func hash(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d\n%s\n", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// get returns the reply to what key stands for, which is about component.
func (c cache) get(key string, component rubric.Component) (rubric.Reply, bool) {
	if c.dir == "" {
		return rubric.Reply{}, false
	}
	file, err := os.Open(c.path(key))
	if err != nil {
		return rubric.Reply{}, false
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxEntry+1))
	var e entry
	if err != nil || len(data) > maxEntry || json.Unmarshal(data, &e) != nil || e.Hash != hash(key, e.Reply) {
		return rubric.Reply{}, false
	}
	reply, err := rubric.ParseReply(component, e.Reply)
	return reply, err == nil
}

// put stores a reply that rubric.ParseReply has read.
func (c cache) put(key, model, reply string) error {
	if c.dir == "" {
		return nil
	}
	data, err := json.Marshal(entry{Model: model, Reply: reply, Hash: hash(key, reply)})
	if err != nil {
		return fmt.Errorf("caching a reply: %w", err)
	}
	path := c.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("caching a reply: %w", err)
	}
	if err := renameio.WriteFile(path, append(data, '\n'), 0o644, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("caching a reply: %w", err)
	}
	return nil
}
