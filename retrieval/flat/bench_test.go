//go:build unix

package flat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"searchrl/accel"
)

// BenchmarkSearch measures 55,160 vectors of 384 elements, k = 10. "one/matvec" is the yardstick: one query at a time by a
// matrix–vector product over all vectors in float32, and a scan for the best, on one core. queries/s is the figure to
// compare on an idle machine, cpu-ms/query (processor time of all cores) on a busy one.
func BenchmarkSearch(b *testing.B) {
	const n, d, k = 55160, 384, 10
	rng := rand.New(rand.NewPCG(1, 2))
	vectors, queries := gaussian(rng, n, d), gaussian(rng, batchSize, d)
	report := func(b *testing.B, queries int, start time.Duration) {
		n := float64(queries) * float64(b.N)
		b.ReportMetric(n/b.Elapsed().Seconds(), "queries/s")
		b.ReportMetric((processorTime(b)-start).Seconds()*1000/n, "cpu-ms/query")
	}
	b.Run("one/matvec", func(b *testing.B) {
		var all []float32
		for _, v := range vectors {
			all = append(all, v...)
		}
		scores := make([]float32, n)
		start := processorTime(b)
		for i := 0; b.Loop(); i++ {
			blas32.Gemv(blas.NoTrans, 1, blas32.General{Rows: n, Cols: d, Stride: d, Data: all},
				blas32.Vector{N: d, Inc: 1, Data: queries[i%batchSize]}, 0, blas32.Vector{N: n, Inc: 1, Data: scores})
			best := newNominees(k, 0)
			offer([]*nominees{best}, 0, scores, 1)
			best.settle(func(row int) float64 { return float64(scores[row]) })
		}
		report(b, 1, start)
	})
	for _, spec := range []string{"go", "xla:cpu"} {
		for _, p := range precisions {
			backend, err := accel.Open(spec)
			if err != nil {
				b.Logf("%s: %v", spec, err)
				continue
			}
			x, err := New(vectors, p, Options{Backend: backend})
			if err != nil {
				b.Fatal(err)
			}
			for _, batch := range []int{1, 8, batchSize} {
				b.Run(fmt.Sprintf("%s/%s/%d", spec, p, batch), func(b *testing.B) {
					if _, err := x.Search(context.Background(), queries[:batch], k); err != nil { // compiles the program
						b.Fatal(err)
					}
					start := processorTime(b)
					for i := 0; b.Loop(); i++ {
						at := i * batch % batchSize
						if _, err := x.Search(context.Background(), queries[at:at+batch], k); err != nil {
							b.Fatal(err)
						}
					}
					report(b, batch, start)
				})
			}
			_ = x.Close()
			backend.Close()
		}
	}
}

// processorTime is what the process has used of all cores.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
