// Package dense finds passages by meaning: an encoder makes a vector of each passage once, and of each query when it
// comes, and the passages whose vectors have the highest inner products with the query's are the answer.
//
//	err := dense.Build(ctx, "index", enc, docs, dense.BuildOptions{Precision: flat.F16})
//	searcher, err := dense.Open("index", enc, docs, flat.Options{})
//	hits, err := searcher.Search(ctx, []string{"Who founded Ghent University?"}, 3)
//
// The search compares with every vector (package flat), so what it finds is what the encoder says, nothing is lost to an
// approximate index. Vectors know which encoder and which passages they were made of; others are refused.
package dense
