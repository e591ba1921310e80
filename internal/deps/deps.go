// Package deps holds the module list together while the packages are being written; deleted before release.
package deps

import (
	_ "github.com/alecthomas/kong"
	_ "github.com/gomlx/compute/gobackend"
	_ "github.com/gomlx/go-huggingface/tokenizers"
	_ "github.com/gomlx/go-huggingface/tokenizers/hftokenizer"
	_ "github.com/gomlx/go-xla/compute/xla"
	_ "github.com/gomlx/go-xla/pjrt"
	_ "github.com/gomlx/gomlx/core/graph"
	_ "github.com/gomlx/gomlx/core/tensors"
	_ "github.com/gomlx/gomlx/ml/model"
	_ "github.com/gomlx/gomlx/ml/train"
	_ "github.com/gomlx/gomlx/ml/train/optimizer"
	_ "github.com/google/renameio/v2"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/schollz/progressbar/v3"
	_ "github.com/stretchr/testify/require"
	_ "go.uber.org/goleak"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/term"
	_ "golang.org/x/text/unicode/norm"
	_ "gonum.org/v1/gonum/blas/blas32"
	_ "gonum.org/v1/gonum/stat"
	_ "pgregory.net/rapid"
)
