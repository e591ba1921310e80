package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"searchrl/accel"
	"searchrl/encoder"
	"searchrl/retrieval"
	"searchrl/retrieval/dense"
	"searchrl/retrieval/flat"
	"searchrl/retrieval/hybrid"
	"searchrl/retrieval/index"
)

// denseFlags say how vectors of passages are made.
type denseFlags struct {
	Dense     string `placeholder:"MODEL" help:"Make vectors instead of a BM25 index, with the BERT encoder (E5, BGE, MiniLM) in this folder."`
	Passages  string `placeholder:"INDEX" help:"Make them of the passages of this index, instead of --corpus."`
	Precision string `default:"f32" enum:"f32,f16,int8" help:"How vectors are stored: f32, f16 (half the size) or int8 (a quarter)."`
	Prefixes  string `default:"auto" enum:"auto,none,e5,bge" help:"What goes before queries and passages: what the model's folder says (auto), none, or a family's."`
}

// What the folder of vectors notes for openVectors.
const (
	aboutModel    = "model"
	aboutPrefixes = "prefixes"
	aboutPassages = "passages"
)

// makeVectors encodes the passages.
func (f denseFlags) makeVectors(ctx context.Context, con *console, corpus, out string) error {
	if (corpus == "") == (f.Passages == "") || out == "" {
		return unusable(errors.New("--dense needs --out DIR and either --corpus FILE or --passages INDEX"))
	}
	about := map[string]string{aboutPrefixes: f.Prefixes}
	var err error
	if about[aboutModel], err = filepath.Abs(f.Dense); err != nil {
		return err
	}
	if about[aboutPassages], err = filepath.Abs(corpus + f.Passages); err != nil {
		return err
	}
	docs, err := openPassages(about[aboutPassages])
	if err != nil {
		return err
	}
	backend, enc, err := openEncoder(about[aboutModel], f.Prefixes)
	if err != nil {
		return err
	}
	defer backend.Close()
	defer enc.Close()
	con.note("encoding %s passages on %s", thousands(docs.Len()), backend)
	start, told := time.Now(), time.Now()
	err = dense.Build(ctx, out, enc, docs, dense.BuildOptions{Precision: flat.Precision(f.Precision), About: about, ShardRows: 1 << 14, Progress: func(done, total int) {
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			con.note("%s of %s passages, %.0f s", thousands(done), thousands(total), time.Since(start).Seconds())
		}
	}})
	if err != nil {
		if ctx.Err() == nil {
			err = unusable(err)
		}
		return err
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(con.text(), "%s vectors of %d elements in %s (%s); %.1f s\n", thousands(docs.Len()), enc.Dim(), out, f.Precision, seconds)
	return con.document(map[string]any{"vectors": docs.Len(), "dim": enc.Dim(), "precision": f.Precision, "seconds": seconds})
}

// openPassages opens passages by their number: an index's folder, or a corpus, which is read into memory.
func openPassages(path string) (dense.Documents, error) {
	if isFolder(path) {
		x, err := index.Open(path)
		return x, unusable(err)
	}
	docs, err := retrieval.OpenCorpus(path)
	if err != nil {
		return nil, unusable(err)
	}
	first := make(map[string]int, len(docs))
	for i, d := range docs {
		if j, seen := first[d.ID]; seen {
			return nil, unusable(fmt.Errorf("%s: passages %d and %d have the same id %q", path, j, i, d.ID))
		}
		first[d.ID] = i
	}
	return dense.Slice(docs), nil
}

// wordsOver returns a BM25 searcher of passages that openPassages gave: their index, or a new one in memory.
func wordsOver(docs dense.Documents, analysis string) (retrieval.Searcher, error) {
	if x, ok := docs.(*index.Index); ok {
		return x, nil
	}
	analyze, err := namedAnalyzer(analysis)
	if err != nil {
		return nil, err
	}
	x, err := retrieval.NewBM25(docs.(dense.Slice), retrieval.WithAnalyzer(analyze))
	return x, unusable(err)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// openEncoder opens the encoder on the processor, by XLA if it is installed: a graphics card's memory is the policy's.
func openEncoder(model, prefixes string) (*accel.Backend, *encoder.Encoder, error) {
	backend, err := accel.OpenWith(string(accel.XLACPU), probing())
	if err != nil {
		if backend, err = accel.Open(string(accel.Go)); err != nil {
			return nil, nil, err
		}
	}
	enc, err := encoder.Open(backend, os.DirFS(model), func(c *encoder.Config) {
		if prefixes != "auto" {
			c.QueryPrefix, c.PassagePrefix, _ = encoder.Prefixes(prefixes) // an enum of the command line
		}
	})
	if err != nil {
		backend.Close()
		return nil, nil, unusable(fmt.Errorf("%s: %w", model, err))
	}
	return backend, enc, nil
}

// openVectors opens the folder of vectors and its encoder; they stay open until the program ends. With fuse, BM25 over the
// same passages is joined to it by reciprocal-rank fusion: their index, or one in memory with that analysis.
func openVectors(dir string, fuse bool, analysis string) (retrieval.Searcher, error) {
	about, err := flat.ReadAbout(dir)
	if err != nil {
		return nil, unusable(err)
	}
	docs, err := openPassages(about[aboutPassages])
	if err != nil {
		return nil, err
	}
	backend, enc, err := openEncoder(about[aboutModel], about[aboutPrefixes])
	if err != nil {
		return nil, err
	}
	vectors, err := dense.Open(dir, enc, docs, flat.Options{Limit: accel.HostMemory().Available, Backend: backend})
	if err != nil {
		return nil, unusable(err)
	}
	if !fuse {
		return vectors, nil
	}
	words, err := wordsOver(docs, analysis)
	if err != nil {
		return nil, err
	}
	return hybrid.New(hybrid.Options{}, words, vectors)
}

// vectorsIdentity names what openVectors opens by its content.
func vectorsIdentity(dir string, fuse bool, analysis string) (string, error) {
	name, err := dense.Identity(dir)
	if err != nil || !fuse {
		return name, unusable(err)
	}
	about, err := flat.ReadAbout(dir)
	if err != nil {
		return "", unusable(err)
	}
	words := analysis
	if passages := about[aboutPassages]; isFolder(passages) {
		if words, err = indexIdentity(passages); err != nil {
			return "", unusable(err)
		}
	}
	return name + ", with BM25: " + words, nil
}
