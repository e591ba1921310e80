package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"searchrl/retrieval"
	"searchrl/retrieval/index"
)

// indexCmd builds an index of a corpus, of words or of vectors, here or in a cluster.
type indexCmd struct {
	Corpus   string  `placeholder:"FILE" help:"Passages as JSON lines, plain or gzip: {\"id\", \"contents\"} as wiki-18 has them, or {\"id\", \"title\", \"text\"}."`
	Out      string  `placeholder:"DIR" help:"Folder of the index: new, empty, or an index to replace."`
	Analysis string  `default:"bm25s" enum:"words,bm25s,standard,english" help:"How texts are split into words: bm25s (English stop words and single characters left out), words (nothing left out), standard or english (Lucene's; english stems)."`
	K1       float64 `name:"k1" default:"0.9" help:"How soon a repeated word stops adding to the score."`
	B        float64 `name:"b" default:"0.4" help:"The weight of a passage's length, 0 to 1."`
	Memory   int     `default:"256" help:"MiB that counting may take before it goes on on the disk."`
	denseFlags
	weaviateFlags
	Verify string `placeholder:"DIR" help:"Build nothing; read a whole index and say whether it is as it was written."`
}

func (c *indexCmd) Help() string {
	return "A crash during the build leaves the old index usable. Search it with --searcher DIR, or serve it with searchrl serve. " +
		"With --dense, vectors are made; an interrupted build goes on where it was. Search them with --searcher dense:DIR or hybrid:DIR. " +
		"With --weaviate, the passages go into a cluster; search them with --searcher weaviate:NAME@URL."
}

// indexed is the JSON document of index.
type indexed struct {
	index.Manifest
	Seconds float64 `json:"seconds"`
	Size    int64   `json:"bytes"`
}

// Run builds, or verifies.
func (c *indexCmd) Run(ctx context.Context, con *console) error {
	if c.Verify != "" {
		return c.verify(con)
	}
	if c.Dense != "" {
		return c.makeVectors(ctx, con, c.Corpus, c.Out)
	}
	if c.Weaviate != "" {
		return c.fill(ctx, con, c.Corpus, c.Out, c.K1, c.B)
	}
	if c.Passages != "" {
		return unusable(errors.New("--passages goes with --dense"))
	}
	if c.Corpus == "" || c.Out == "" {
		return unusable(errors.New("expected --corpus FILE and --out DIR"))
	}
	if c.Memory < 1 || c.Memory > 1<<20 {
		return unusable(fmt.Errorf("--memory is %d, expected 1 to %d MiB", c.Memory, 1<<20))
	}
	if _, err := os.Stat(c.Corpus); err != nil {
		return unusable(err)
	}
	analysis, err := retrieval.NamedAnalysis(c.Analysis)
	if err != nil {
		return unusable(err)
	}
	start := time.Now()
	m, err := index.Build(ctx, c.Corpus, c.Out, index.Options{K1: c.K1, B: c.B, Analysis: analysis, Memory: c.Memory << 20,
		Progress: func(passages int) {
			if passages%100_000 == 0 && passages > 0 {
				con.note("%s passages, %.0f s", thousands(passages), time.Since(start).Seconds())
			}
		}})
	if err != nil {
		if ctx.Err() == nil {
			err = unusable(err)
		}
		return err
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(con.text(), "%s passages, %s distinct words, %.1f MB in %s; %.1f s\n",
		thousands(m.Passages), thousands(m.Distinct), float64(m.Bytes())/1e6, c.Out, seconds)
	return con.document(indexed{*m, seconds, m.Bytes()})
}

func (c *indexCmd) verify(con *console) error {
	if err := index.Verify(c.Verify); err != nil {
		return unusable(err)
	}
	m, err := index.ReadManifest(c.Verify)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.text(), "%s: whole, %s passages\n", c.Verify, thousands(m.Passages))
	return con.document(indexed{*m, 0, m.Bytes()})
}
