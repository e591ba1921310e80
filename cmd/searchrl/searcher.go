package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"searchrl/retrieval"
	"searchrl/retrieval/client"
	"searchrl/retrieval/index"
)

// searcherFlags name what searches, for every command that needs it.
type searcherFlags struct {
	Corpus   string `placeholder:"FILE" help:"Passages to search, as JSON lines, plain or gzip, indexed in memory."`
	Searcher string `placeholder:"WHERE" help:"What searches instead of --corpus: the folder of an index (see searchrl index), the URL of a /retrieve server, dense:DIR (vectors), hybrid:DIR (vectors and BM25), weaviate:COLLECTION@URL[,URL…]."`
	Analysis string `default:"bm25s" enum:"words,bm25s,standard,english" help:"How --corpus, or the corpus of hybrid:DIR, is split into words: bm25s (English stop words and single characters left out), words (nothing left out), standard or english (Lucene's; english stems)."`
}

// named reports whether a searcher is named; it is an error to name two.
func (f searcherFlags) named() (bool, error) {
	if f.Corpus != "" && f.Searcher != "" {
		return false, unusable(errors.New("--corpus and --searcher are both given; expected one of them"))
	}
	return f.Corpus != "" || f.Searcher != "", nil
}

// where names the searcher for people; "" for none.
func (f searcherFlags) where() string { return f.Corpus + f.Searcher }

// openSearcher opens what is named; it stays open until the program ends.
func (f searcherFlags) openSearcher() (retrieval.Searcher, error) {
	if f.Corpus != "" {
		return f.readCorpus()
	}
	if isURL(f.Searcher) {
		options := client.DefaultOptions(f.Searcher)
		options.Token = os.Getenv(tokenVariable)
		c, err := client.New(options)
		return c, unusable(err)
	}
	switch kind, where, _ := strings.Cut(f.Searcher, ":"); kind {
	case "dense", "hybrid":
		return openVectors(where, kind == "hybrid", f.Analysis)
	case "weaviate":
		return openWeaviate(where)
	}
	if info, err := os.Stat(f.Searcher); err != nil || !info.IsDir() {
		return nil, unusable(fmt.Errorf("--searcher %s: expected the folder of an index, dense:DIR, hybrid:DIR, weaviate:COLLECTION@URL, or a URL like http://127.0.0.1:8000/retrieve", f.Searcher))
	}
	x, err := index.Open(f.Searcher)
	if err != nil {
		return nil, unusable(err)
	}
	if x.Len() == 0 {
		return nil, unusable(fmt.Errorf("the index %s holds no passage", f.Searcher))
	}
	return x, nil
}

// identity names what searches by its content where that is at hand, else by its address; "" for the embedded world's.
func (f searcherFlags) identity() (string, error) {
	if f.Corpus != "" {
		file, err := os.Open(f.Corpus)
		if err != nil {
			return "", unusable(err)
		}
		defer file.Close()
		h := sha256.New()
		if _, err := io.Copy(h, file); err != nil {
			return "", unusable(err)
		}
		return fmt.Sprintf("%s %x", f.Analysis, h.Sum(nil)), nil
	}
	if kind, where, _ := strings.Cut(f.Searcher, ":"); kind == "dense" || kind == "hybrid" {
		return vectorsIdentity(where, kind == "hybrid", f.Analysis)
	}
	if isFolder(f.Searcher) {
		return indexIdentity(f.Searcher)
	}
	return f.Searcher, nil
}

// indexIdentity names an index by what was indexed and how; names of folders and corpora do not matter.
func indexIdentity(dir string) (string, error) {
	m, err := index.ReadManifest(dir)
	if err != nil {
		return "", unusable(err)
	}
	return fmt.Sprintf("%v %v %v %v", m.K1, m.B, m.Analysis, m.Files), nil
}

// readCorpus indexes the passages of the file in memory.
func (f searcherFlags) readCorpus() (*retrieval.BM25, error) {
	documents, err := retrieval.OpenCorpus(f.Corpus)
	if err != nil {
		return nil, unusable(err)
	}
	if len(documents) == 0 {
		return nil, unusable(fmt.Errorf("%s holds no passage", f.Corpus))
	}
	analyze, err := namedAnalyzer(f.Analysis)
	if err != nil {
		return nil, err
	}
	x, err := retrieval.NewBM25(documents, retrieval.WithAnalyzer(analyze))
	if err != nil {
		return nil, unusable(fmt.Errorf("%s: %w", f.Corpus, err))
	}
	return x, nil
}

func namedAnalyzer(name string) (retrieval.Analyzer, error) {
	analysis, err := retrieval.NamedAnalysis(name)
	if err != nil {
		return nil, unusable(err)
	}
	return analysis.Analyzer()
}

// isURL says whether a text names a server rather than a file.
func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}
