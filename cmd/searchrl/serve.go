package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"searchrl/retrieval/server"
)

// tokenVariable is the environment variable of the token that serve asks for and clients send: a flag would show in the
// list of processes.
const tokenVariable = "SEARCHRL_SEARCH_TOKEN"

// serveCmd offers a searcher to Search-R1 style trainers.
type serveCmd struct {
	searcherFlags
	Index      string `placeholder:"DIR" help:"The folder of an index; the same as --searcher."`
	Listen     string `default:"127.0.0.1:8000" help:"Address and port; port 0 takes a free one. Only this machine is served unless you say otherwise."`
	TopK       int    `name:"top-k" default:"3" help:"Passages for requests that name no topk."`
	MaxTopK    int    `default:"1000" help:"The largest topk that is taken."`
	MaxQueries int    `default:"4096" help:"Queries a request at most."`
	MaxBody    int64  `default:"16777216" help:"Bytes of a request at most."`
	Concurrent int    `default:"64" help:"Searches under way at most; others wait up to 10 s and are then sent away with 503."`
}

func (c *serveCmd) Help() string {
	return "POST /retrieve in Search-R1's format, GET /health, GET /metrics (Prometheus). If " + tokenVariable + " is set, clients must send it as a bearer token. " +
		"Ctrl-C ends the requests under way and then the server."
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	if c.Index != "" {
		if c.Searcher != "" {
			return unusable(fmt.Errorf("--index and --searcher are both given; expected one of them"))
		}
		c.Searcher = c.Index
	}
	named, err := c.named()
	if err != nil {
		return err
	}
	if !named {
		return unusable(fmt.Errorf("expected --index DIR, --corpus FILE or --searcher WHERE"))
	}
	options := server.DefaultOptions()
	options.Token = os.Getenv(tokenVariable)
	options.DefaultTopK, options.TopK, options.Queries = c.TopK, c.MaxTopK, c.MaxQueries
	options.Body, options.Concurrent = c.MaxBody, c.Concurrent
	searcher, err := c.openSearcher()
	if err != nil {
		return err
	}
	s, err := server.New(searcher, options)
	if err != nil {
		return unusable(err)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return unusable(fmt.Errorf("--listen %s: %w", c.Listen, err))
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && options.Token == "" {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			con.note("warning: %s may be reached from other machines, and %s is not set: everybody may search", c.Listen, tokenVariable)
		}
	}
	con.note("serving %s at http://%s/retrieve", c.where(), listener.Addr())
	return s.Serve(ctx, listener)
}
