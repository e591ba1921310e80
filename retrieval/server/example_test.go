package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"searchrl/retrieval"
	"searchrl/retrieval/server"
)

func Example() {
	index, err := retrieval.NewBM25([]retrieval.Document{
		{ID: "1", Title: "Ghent", Text: "Ghent is a city in East Flanders."},
		{ID: "2", Title: "Bruges", Text: "Bruges is a city in West Flanders."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := server.New(index, server.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx, listener) }()

	reply, err := http.Post("http://"+listener.Addr().String()+"/retrieve", "application/json",
		strings.NewReader(`{"queries": ["Where is Ghent?"], "topk": 1}`))
	if err == nil {
		body, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		fmt.Println(reply.StatusCode, string(body))
	}
	http.DefaultClient.CloseIdleConnections()
	stop() // requests under way are ended first
	fmt.Println(err, <-served)
	// Output:
	// 200 {"result":[[{"id":"1","contents":"\"Ghent\"\nGhent is a city in East Flanders."}]]}
	// <nil> <nil>
}
