package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTune prints the time of a step for each row length.
func TestTune(t *testing.T) {
	if os.Getenv("TUNE") == "" {
		t.Skip()
	}
	batch := typicalBatch(rand.New(rand.NewPCG(1, 1)), 12, typical.VocabSize)
	for _, spec := range []string{"go", "xla:cpu"} {
		if os.Getenv("TUNE") != "all" && os.Getenv("TUNE") != spec {
			continue
		}
		for _, limit := range []int{192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192} {
			m := newModel(t, openBackend(t, spec), typical, Options{RowTokens: limit})
			m.cost = cost{row: 1e9, workers: 1}
			p, err := pack(batch.Trees, batch.Targets, m.cost, limit)
			require.NoError(t, err)
			var best time.Duration
			for i := range 4 {
				start := time.Now()
				_, err = m.Step(context.Background(), batch, surrogates[0], benchAdam)
				require.NoError(t, err)
				if d := time.Since(start); i == 1 || i > 1 && d < best {
					best = d
				}
			}
			fmt.Println(spec, limit, "rows", len(p.rows), "bucket", p.bucket, "computed", p.computed, "step", best, "cost", newCost(typical, "", m.opts.Workers).of(p)/1e9)
		}
	}
}
