// Package server offers any [retrieval.Searcher] over HTTP in Search-R1's protocol (package wire):
//
//	POST /retrieve   searches
//	GET  /health     200 with the number of requests under way; 503 while the server drains
//	GET  /metrics    Prometheus
//
// It is made to face careless and hostile clients: bodies, numbers of queries, topk and requests under way are bounded
// ([Options]), slow clients are cut off, a panic costs one request, and with a token set, nobody without it is searched for
// (compared in constant time). What is refused is answered by a status and {"error": "…"}: 400 for a request that cannot
// be understood, 401, 404, 405, 413, and 503 with Retry-After when too much is under way. No CORS headers, no profiler.
//
// [Server.Serve] drains when its context ends: it takes no new connections, and ends the requests under way.
package server
