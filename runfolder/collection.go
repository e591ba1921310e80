package runfolder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// Collection is the folder of a job that is made of several runs and can be taken up again after it was stopped, in
// whatever way. Its config.json says what the job is. Only one process at a time has it open.
type Collection struct {
	dir         string
	fingerprint string
	resumed     bool
	lock        *flock.Flock
}

// lockFile is held while a collection is open. It stays behind, and means nothing then.
const lockFile = ".lock"

// Open opens the folder dir for the job that settings describe: a JSON object of everything that decides the outcome. An
// empty or missing folder becomes a new collection; one of the same settings is taken up again; any other is refused with an
// error that names what differs. about is written beside the settings and decides nothing.
func Open(dir string, settings, about any) (*Collection, error) {
	c, err := open(filepath.Clean(dir), settings, about)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	return c, nil
}

func open(dir string, settings, about any) (*Collection, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	existing, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := nothingElse(dir); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	c := &Collection{dir: dir, resumed: existing != nil}
	if c.fingerprint, err = fingerprint(settings); err != nil {
		return nil, err
	}
	if existing != nil {
		if err := sameSettings(existing, settings); err != nil {
			return nil, err
		}
	}
	if c.lock, err = lock(dir); err != nil || c.resumed {
		return c, err
	}
	err = c.WriteJSON(ConfigFile, map[string]any{"settings": settings, "about": about, "fingerprint": c.fingerprint})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// nothingElse refuses a folder that holds what is not ours. A process that was killed before it wrote config.json leaves
// the lock and temporary files.
func nothingElse(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != lockFile && !strings.HasPrefix(name, "."+ConfigFile) {
			return fmt.Errorf("it holds %s but no %s, so there is nothing to take up again; name another one, or remove it", name, ConfigFile)
		}
	}
	return nil
}

// fingerprint identifies settings.
func fingerprint(settings any) (string, error) {
	tree, err := generic(settings)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(tree) // with sorted keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12]), nil
}

// generic turns a value into maps, lists and scalars.
func generic(value any) (any, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing the settings: %w", err)
	}
	var tree any
	return tree, json.Unmarshal(data, &tree)
}

// sameSettings compares what config.json holds with settings.
func sameSettings(existing []byte, settings any) error {
	var config struct {
		Settings any `json:"settings"`
	}
	if err := json.Unmarshal(existing, &config); err != nil || config.Settings == nil {
		return fmt.Errorf("its %s is not that of a job that can be taken up again; name another folder", ConfigFile)
	}
	now, err := generic(settings)
	if err != nil {
		return err
	}
	return sameTrees(config.Settings, now)
}

// sameTrees reports the single settings in which two JSON documents differ.
func sameTrees(there, here any) error {
	before, after := map[string]string{}, map[string]string{}
	flatten("", there, before)
	flatten("", here, after)
	names := maps.Clone(before)
	maps.Copy(names, after)
	var differences []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was, is := before[name], after[name]; was != is {
			differences = append(differences, fmt.Sprintf("%s is %s here and was %s there", name, orNothing(is), orNothing(was)))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	const shown = 5
	if more := len(differences) - shown; more > 0 {
		differences = append(differences[:shown], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("it belongs to a job with other settings: %s; use those, or name another folder", strings.Join(differences, ", "))
}

// Setting is a setting by its path of keys, and its value as JSON.
type Setting struct{ Name, Value string }

// List returns the single settings of a JSON object, sorted by name.
func List(settings any) ([]Setting, error) {
	tree, err := generic(settings)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	flatten("", tree, values)
	var list []Setting
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, Setting{name, values[name]})
	}
	return list, nil
}

// flatten writes the scalars of tree into out by their paths.
func flatten(path string, tree any, out map[string]string) {
	join := func(key string) string { return strings.TrimPrefix(path+"."+key, ".") }
	switch value := tree.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(join(key), inner, out)
		}
	case []any:
		text, _ := json.Marshal(value) // of what came from JSON
		out[path] = string(text)
	default:
		text, _ := json.Marshal(value)
		out[path] = string(text)
	}
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// Dir returns the folder's path as it was given.
func (c *Collection) Dir() string { return c.dir }

// Path returns the path of a file within the folder.
func (c *Collection) Path(name string) string { return filepath.Join(c.dir, name) }

// Resumed reports whether the folder was there before.
func (c *Collection) Resumed() bool { return c.resumed }

// Fingerprint identifies the settings.
func (c *Collection) Fingerprint() string { return c.fingerprint }

// Close lets others open the folder.
func (c *Collection) Close() error { return c.lock.Unlock() }

// WriteJSON writes a JSON document into the folder, whole or not at all.
func (c *Collection) WriteJSON(name string, value any) error {
	return c.Write(name, func(w io.Writer) error { return encode(w, value) })
}

// Write makes a whole file in the folder.
func (c *Collection) Write(name string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(c.Path(name)), 0o755); err != nil {
		return fmt.Errorf("folder %s: %w", c.dir, err)
	}
	if err := WriteFile(c.Path(name), write); err != nil {
		return fmt.Errorf("folder %s: %w", c.dir, err)
	}
	return nil
}

// Run returns the folder of the run called name: a new one, after whatever an unfinished run of that name had left was
// removed. done is true, and the folder nil, if the run has ended: it has a result, which does not say that it was interrupted.
// A finished run of other settings is an error.
func (c *Collection) Run(name string, config any) (folder *Folder, done bool, err error) {
	dir := c.Path(name)
	if done, err = c.finished(dir); err != nil || done {
		return nil, done, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, false, fmt.Errorf("folder %s: removing what an unfinished run left: %w", c.dir, err)
	}
	folder, err = Create(dir, map[string]any{"fingerprint": c.fingerprint, "run": config})
	return folder, false, err
}

func (c *Collection) finished(dir string) (bool, error) {
	var result struct {
		Interrupted bool `json:"interrupted"`
	}
	if err := ReadJSON(filepath.Join(dir, ResultFile), &result); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if result.Interrupted {
		return false, nil
	}
	var config struct {
		Fingerprint string `json:"fingerprint"`
	}
	if err := ReadJSON(filepath.Join(dir, ConfigFile), &config); err != nil {
		return false, err
	}
	if config.Fingerprint != c.fingerprint {
		return false, fmt.Errorf("run folder %s: it belongs to a job with other settings (fingerprint %s, expected %s)", dir, config.Fingerprint, c.fingerprint)
	}
	return true, nil
}
