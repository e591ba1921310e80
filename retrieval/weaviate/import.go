package weaviate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"time"

	"github.com/google/renameio/v2"
	"github.com/google/uuid"

	"searchrl/retrieval"
)

// ImportOptions change an import. The zero value is good.
type ImportOptions struct {
	// State is the file that says how far the import is; it lets an interrupted one go on. Empty means none.
	State string
	// Batch is the number of passages in a request; 0 means 500.
	Batch int
	// Vectors, if not nil, makes the vectors of passages, all of one length.
	Vectors func(ctx context.Context, docs []retrieval.Document) ([][]float32, error)
	// Consistency is how many copies must have an object before it counts as written: ONE, QUORUM or ALL; empty means ALL,
	// for a search reads one copy of each shard, and whatever that misses is not found.
	Consistency string
	// Settle is how long Import waits at its end; 0 means [DefaultSettle], less than 0 not at all.
	Settle time.Duration
	// Progress, if not nil, is called after every batch with the number of passages done.
	Progress func(done int)
}

// DefaultSettle is what Weaviate needs to bring the last passages from memory to its files: PERSISTENCE_MEMTABLES_FLUSH_DIRTY_AFTER_SECONDS,
// 60 by default, and half as much again. Up to version 1.35.2 at least, a search by words leaves out good passages that are
// in memory still, without an error: as soon as it has k + 10 of them that share a word with the query, whatever comes later
// counts as worth nothing (https://github.com/weaviate/weaviate/pull/11780).
const DefaultSettle = 90 * time.Second

// state is the state file.
type state struct {
	Version    int    `json:"version"`
	Collection string `json:"collection"`
	Done       int    `json:"done"` // passages accepted, from the corpus's start
	Last       string `json:"last"` // id of the last of them
}

// object is a passage as Weaviate takes it.
type object struct {
	Class      string         `json:"class"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties"`
	Vector     []float32      `json:"vector,omitempty"`
}

// namespace is that of our object ids.
var namespace = uuid.MustParse("5a1c9a64-19d4-5c4e-9d0e-0f6f1b6a7f3d")

// ObjectID returns the id of the object that holds a passage in a collection: a version-5 UUID (RFC 9562) of both names.
func ObjectID(collection, passage string) string {
	return uuid.NewSHA1(namespace, []byte(collection+"\x00"+passage)).String()
}

// Import puts passages into a collection that is there. What is there already stays as it is or is replaced by the same.
// When it returns without an error, every passage was accepted and can be found.
func (c *Client) Import(ctx context.Context, collection string, docs iter.Seq2[retrieval.Document, error], opts ImportOptions) error {
	err := c.importAll(ctx, collection, docs, opts)
	if err == nil {
		err = settle(ctx, opts.Settle)
	}
	if err != nil {
		return fmt.Errorf("weaviate: importing into %s: %w", collection, err)
	}
	return nil
}

// settle waits.
func settle(ctx context.Context, pause time.Duration) error {
	if pause == 0 {
		pause = DefaultSettle
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting for Weaviate to write its files: %w", ctx.Err())
	case <-time.After(pause): // at once where it is below 0
		return nil
	}
}

func (c *Client) importAll(ctx context.Context, collection string, docs iter.Seq2[retrieval.Document, error], opts ImportOptions) error {
	if err := checkName(collection); err != nil {
		return err
	}
	if opts.Batch <= 0 {
		opts.Batch = 500
	}
	if opts.Consistency == "" {
		opts.Consistency = "ALL"
	}
	s, err := readState(opts.State, collection)
	if err != nil {
		return err
	}
	place := 0
	var batch []retrieval.Document
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := c.send(ctx, collection, s.Done, batch, opts); err != nil {
			return fmt.Errorf("passages %d to %d: %w", s.Done, s.Done+len(batch)-1, err)
		}
		s.Done, s.Last = s.Done+len(batch), batch[len(batch)-1].ID
		batch = batch[:0]
		if opts.Progress != nil {
			opts.Progress(s.Done)
		}
		return s.write(opts.State)
	}
	for doc, err := range docs {
		if err != nil {
			return err
		}
		if place++; place <= s.Done {
			if place == s.Done && doc.ID != s.Last {
				return fmt.Errorf("%s says that passage %d is %q, but it is %q: another corpus", opts.State, s.Done-1, s.Last, doc.ID)
			}
			continue
		}
		if batch = append(batch, doc); len(batch) == opts.Batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if place < s.Done {
		return fmt.Errorf("%s says that %d passages were imported, but there are %d: another corpus", opts.State, s.Done, place)
	}
	return flush()
}

// send imports one batch, of which first is the first passage's place, and checks that every object was accepted.
func (c *Client) send(ctx context.Context, collection string, first int, docs []retrieval.Document, opts ImportOptions) error {
	var vectors [][]float32
	if opts.Vectors != nil {
		var err error
		if vectors, err = opts.Vectors(ctx, docs); err != nil {
			return fmt.Errorf("making vectors: %w", err)
		}
		if len(vectors) != len(docs) {
			return fmt.Errorf("%d vectors for %d passages", len(vectors), len(docs))
		}
	}
	objects := make([]object, len(docs))
	passage := make(map[string]string, len(docs))
	for i, d := range docs {
		objects[i] = object{Class: collection, ID: ObjectID(collection, d.ID), Properties: map[string]any{
			propertyID: d.ID, propertyPlace: first + i, propertyTitle: d.Title, propertyContents: d.Title + "\n" + d.Text,
		}}
		if _, twice := passage[objects[i].ID]; twice {
			return fmt.Errorf("two passages have the id %q", d.ID)
		}
		passage[objects[i].ID] = d.ID
		if vectors != nil {
			objects[i].Vector = vectors[i]
		}
	}
	for try := 1; ; try++ {
		refused, err := c.put(ctx, objects, passage, opts.Consistency)
		if err == nil || len(refused) == 0 || try >= c.opts.Tries {
			return err
		}
		objects = refused // a copy may have been out of reach
		if err := c.wait(ctx, try); err != nil {
			return err
		}
	}
}

// put sends objects and takes what was accepted off passage. It returns the objects that were refused, with the reason of
// the first.
func (c *Client) put(ctx context.Context, objects []object, passage map[string]string, consistency string) (refused []object, err error) {
	var reply []struct {
		ID     string `json:"id"`
		Result struct {
			Status string `json:"status"`
			Errors *struct {
				Error []struct {
					Message string `json:"message"`
				} `json:"error"`
			} `json:"errors"`
		} `json:"result"`
	}
	path := "/v1/batch/objects?consistency_level=" + consistency
	if err := c.call(ctx, http.MethodPost, path, map[string]any{"objects": objects}, &reply); err != nil {
		return nil, err
	}
	reason := map[string]string{}
	for _, r := range reply {
		switch {
		case r.Result.Errors != nil && len(r.Result.Errors.Error) > 0:
			reason[r.ID] = shorten(r.Result.Errors.Error[0].Message)
		case r.Result.Status == "FAILED":
			reason[r.ID] = "no reason given"
		default:
			delete(passage, r.ID)
		}
	}
	for _, o := range objects {
		id, missing := passage[o.ID]
		if !missing {
			continue
		}
		why, ok := reason[o.ID]
		if !ok {
			why = "it is not in the reply"
		}
		if refused = append(refused, o); err == nil {
			err = fmt.Errorf("passage %q was refused: %s", id, why)
		}
	}
	return refused, err
}

func readState(path, collection string) (state, error) {
	fresh := state{Version: 1, Collection: collection}
	if path == "" {
		return fresh, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("reading the state: %w", err)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil || s.Version != 1 || s.Done < 0 {
		return state{}, fmt.Errorf("%s is not the state of an import", path)
	}
	if s.Collection != collection {
		return state{}, fmt.Errorf("%s is the state of an import into %s", path, s.Collection)
	}
	return s, nil
}

func (s state) write(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err == nil {
		err = renameio.WriteFile(path, append(text, '\n'), 0o666)
	}
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}
