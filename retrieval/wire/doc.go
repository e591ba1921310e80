// Package wire is the /retrieve protocol of Search-R1 (search_r1/search/retrieval_server.py), which this project's server
// and client speak, and other trainers of search agents too:
//
//	POST /retrieve {"queries": ["…", …], "topk": 3, "return_scores": true}
//	→ {"result": [[{"document": {"id": "…", "contents": "\"Title\"\ntext"}, "score": 12.3}, …], …]}
//
// without scores, the inner items are the bare documents. Some clients send "query" instead of "queries", a text or a list;
// both are accepted. The released server fails without scores and takes topk 0 for its default; here both do what they say,
// so that 0 is refused.
package wire
