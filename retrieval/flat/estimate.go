package flat

import (
	"fmt"
	"runtime"

	"searchrl/accel"
)

// Estimate returns the bytes that an index of so many vectors takes while it is searched: the vectors, twice where a
// backend on the processor keeps a copy of its own beside the mapped files, and the buffers of the products.
func Estimate(rows, dim int, p Precision, backend *accel.Backend) int64 {
	stored := int64(rows) * p.rowBytes(dim)
	if backend != nil && backend.Kind() == accel.XLACPU {
		stored *= 2
	}
	worker := int64(hostRows*dim+batchSize*deviceRows(dim)) * 4
	return stored + int64(max(2, runtime.GOMAXPROCS(0)))*worker
}

// checkLimit refuses an index that is estimated beyond the limit, and says what would fit.
func checkLimit(rows, dim int, p Precision, opts Options) error {
	need := Estimate(rows, dim, p, opts.Backend)
	if opts.Limit <= 0 || need <= opts.Limit {
		return nil
	}
	text := ""
	for _, other := range []Precision{F16, Int8} {
		if other.size() < p.size() {
			text += fmt.Sprintf("; in %s they would need %s", other, gigabytes(Estimate(rows, dim, other, opts.Backend)))
		}
	}
	return fmt.Errorf("flat: %d vectors of %d elements in %s need about %s of memory, the limit is %s%s",
		rows, dim, p, gigabytes(need), gigabytes(opts.Limit), text)
}

func gigabytes(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
