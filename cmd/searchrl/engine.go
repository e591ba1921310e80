package main

import (
	"searchrl/accel"
	"searchrl/experiment"
	"searchrl/model"
)

// backendNames is what --backend takes, for help texts.
const backendNames = accel.Accepted

// backendFlags say what computes.
type backendFlags struct {
	Backend string `default:"auto" help:"What computes: ${backends}."`
	Decoder string `default:"auto" enum:"auto,plain,compiled" help:"What samples: plain Go, the compiled program, or the faster of the two (auto)."`
}

// engine is an opened backend.
type engine struct {
	backend *accel.Backend
	decoder string
}

// open opens the backend and says which one it is.
func (f backendFlags) open(con *console) (*engine, error) {
	backend, err := accel.OpenWith(f.Backend, probing())
	if err != nil {
		return nil, unusable(err)
	}
	con.note("backend: %s", backend.Choice())
	return &engine{backend: backend, decoder: f.Decoder}, nil
}

// model puts a policy on the backend. The caller closes it.
func (e *engine) model(base experiment.Base) (*model.Model, error) {
	return model.New(e.backend, base.Config, base.Weights, base.Tokenizer, model.Options{Decoder: e.decoder})
}

func (e *engine) close() { e.backend.Close() }

// probeCmd is what this program runs itself as to try a plugin; see accel.Options.
type probeCmd struct {
	Plugin string `arg:"" help:"Path of the plugin."`
}

func (c *probeCmd) Run() error { return accel.Probe(c.Plugin) }
