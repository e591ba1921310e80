//go:build !cgo

package accel

import (
	"errors"

	"github.com/gomlx/compute"
)

const builtWithXLA = false

var errNoCgo = errors.New("this program was built without cgo, so it holds the pure Go backend alone: " +
	"build it with CGO_ENABLED=1 and a C compiler to have XLA")

func openXLA(string, string) (compute.Backend, Info, error) { return nil, Info{}, errNoCgo }
