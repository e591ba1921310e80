package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/shared"
)

func qwen(b *testing.B) *Tokenizer {
	b.Helper()
	tok, err := Load(os.DirFS(filepath.Join(shared.Dir(b), "fixtures", "qwen2.5-tokenizer")))
	require.NoError(b, err)
	return tok
}

var prose = strings.Repeat("Ambergate was founded in 1987 by the engineers of a small company near the river; its present owner, "+
	"Tessaly Orne, bought it for $12.5 million. It's said that she'd never visited the town before.\n", 20)

func BenchmarkLoadQwen25(b *testing.B) {
	for b.Loop() {
		qwen(b)
	}
}

func BenchmarkEncode(b *testing.B) {
	tok := qwen(b)
	tokens := 0
	b.SetBytes(int64(len(prose)))
	for b.Loop() {
		tokens += len(tok.Encode(prose))
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

func BenchmarkDecode(b *testing.B) {
	tok := qwen(b)
	ids := tok.Encode(prose)
	tokens := 0
	for b.Loop() {
		tok.Decode(ids)
		tokens += len(ids)
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

func BenchmarkStream(b *testing.B) {
	tok := qwen(b)
	ids := tok.Encode(prose)
	tokens := 0
	for b.Loop() {
		stream := tok.Stream()
		for _, id := range ids {
			stream.Push(id)
		}
		tokens += len(ids)
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
