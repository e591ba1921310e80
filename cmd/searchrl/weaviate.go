package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"searchrl/retrieval"
	"searchrl/retrieval/weaviate"
)

// weaviateFlags say how passages get into a cluster.
type weaviateFlags struct {
	Weaviate string        `placeholder:"NAME@URL" help:"Import into this new collection of Weaviate instead of building an index, at one or more nodes: NAME@URL[,URL…]. --out is then a file that says how far the import is; with it an interrupted one goes on."`
	Shards   int           `default:"0" help:"Weaviate: parts that the passages are spread over; 0 means one for each node."`
	Replicas int           `default:"1" help:"Weaviate: copies of each part, on different nodes."`
	Settle   time.Duration `default:"90s" help:"Weaviate: how long to wait at the end, until the last passages can be found reliably; for a server with its own settings, 1.5 times its PERSISTENCE_MEMTABLES_FLUSH_DIRTY_AFTER_SECONDS."`
}

// fill makes the collection, unless the state file is there, and imports the corpus.
func (f weaviateFlags) fill(ctx context.Context, con *console, corpus, state string, k1, b float64) error {
	if corpus == "" || state == "" {
		return unusable(errors.New("--weaviate needs --corpus FILE, and --out FILE for how far the import is"))
	}
	client, name, err := dialWeaviate(f.Weaviate)
	if err != nil {
		return unusable(fmt.Errorf("--weaviate %s: %w", f.Weaviate, err))
	}
	defer client.Close()
	file, err := os.Open(corpus)
	if err != nil {
		return unusable(err)
	}
	defer file.Close()
	if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
		if err := client.CreateCollection(ctx, weaviate.Collection{Name: name, Shards: f.Shards, Replicas: f.Replicas, K1: k1, B: b}); err != nil {
			return unusable(err)
		}
	}
	start, told := time.Now(), time.Now()
	passages, sent := 0, start
	err = client.Import(ctx, name, retrieval.StreamCorpus(file, corpus), weaviate.ImportOptions{State: state, Settle: f.Settle, Progress: func(done int) {
		passages, sent = done, time.Now()
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			con.note("%s passages, %.0f s", thousands(done), time.Since(start).Seconds())
		}
	}})
	if err != nil {
		if ctx.Err() == nil {
			err = unusable(err)
		}
		return err
	}
	seconds := sent.Sub(start).Seconds()
	fmt.Fprintf(con.text(), "%s passages in %s; %.1f s, and %v until they were settled\n", thousands(passages), f.Weaviate, seconds, f.Settle)
	return con.document(map[string]any{"passages": passages, "seconds": seconds})
}

// openWeaviate opens NAME@URL[,URL…] to be searched by words.
func openWeaviate(where string) (retrieval.Searcher, error) {
	client, name, err := dialWeaviate(where)
	if err != nil {
		return nil, unusable(fmt.Errorf("--searcher weaviate:%s: %w", where, err))
	}
	return client.Words(name), nil
}

// dialWeaviate makes a client of NAME@URL[,URL…].
func dialWeaviate(where string) (client *weaviate.Client, collection string, err error) {
	collection, nodes, ok := strings.Cut(where, "@")
	if !ok {
		return nil, "", errors.New("expected COLLECTION@URL[,URL…]")
	}
	client, err = weaviate.NewClient(weaviate.Options{Nodes: strings.Split(nodes, ","), Token: os.Getenv("WEAVIATE_TOKEN")})
	return client, collection, err
}
