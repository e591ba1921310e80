package dense

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"searchrl/retrieval/flat"
)

// BuildOptions change how vectors are built. The zero value is good.
type BuildOptions struct {
	Precision flat.Precision // default flat.F32
	// About is noted with the vectors beside what Open checks; flat.ReadAbout returns it.
	About     map[string]string
	ShardRows int // vectors in a file; 0 is the default of package flat
	Batch     int // passages encoded at a time; 0 means 1024
	// Progress, if not nil, is called after every batch with the number of passages done.
	Progress func(done, total int)
}

// Build encodes docs into the folder dir. A build that ends early, by an error or the context, keeps all whole batches; one that
// is killed, all whole files. The next one goes on from there, if encoder and passages are the same. A finished one is an error.
func Build(ctx context.Context, dir string, enc Encoder, docs Documents, opts BuildOptions) error {
	if opts.Precision == "" {
		opts.Precision = flat.F32
	}
	if opts.Batch <= 0 {
		opts.Batch = 1024
	}
	corpus, err := digest(docs)
	if err != nil {
		return fmt.Errorf("building vectors: %w", err)
	}
	about := maps.Clone(opts.About)
	if about == nil {
		about = map[string]string{}
	}
	about[aboutEncoder], about[aboutCorpus] = enc.Digest(), corpus
	b, err := flat.Create(dir, enc.Dim(), opts.Precision, about, opts.ShardRows)
	if err != nil {
		return err
	}
	if err := encode(ctx, b, enc, docs, opts); err != nil {
		return errors.Join(err, b.Flush())
	}
	return b.Close()
}

// encode adds what is not in the builder yet.
func encode(ctx context.Context, b *flat.Builder, enc Encoder, docs Documents, opts BuildOptions) error {
	total := docs.Len()
	for done := b.Rows(); done < total; done = b.Rows() {
		texts := make([]string, min(opts.Batch, total-done))
		for i := range texts {
			doc, err := docs.Document(done + i)
			if err != nil {
				return fmt.Errorf("building vectors: reading passage %d: %w", done+i, err)
			}
			texts[i] = Contents(doc)
		}
		vectors, err := enc.Passages(ctx, texts)
		if err != nil {
			return fmt.Errorf("building vectors: encoding passages %d to %d: %w", done, done+len(texts)-1, err)
		}
		if err := b.Add(vectors...); err != nil {
			return err
		}
		if opts.Progress != nil {
			opts.Progress(done+len(texts), total)
		}
	}
	return nil
}
