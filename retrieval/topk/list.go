package topk

// List says which passages hold a word, in rising order, and what each of them gains from it. Docs and Gains are equally
// long; the package only reads them, so they may lie in a mapped file.
type List struct {
	Docs  []uint32  // each below the number of passages that the Scorer was made for
	Gains []float32 // > 0, finite
	Peak  float32   // the largest of Gains, or any bound above it
	// Outline, if not nil, is what Blocks.Outline gives. It saves a search to go through a long list.
	Outline *Outline
}

// clause is a distinct word of a query.
type clause struct {
	List
	times float64 // how often it stands in the query
}

// most returns the most that the clause adds to a passage.
func (c clause) most() float64 { return c.times * float64(c.Peak) }

// Query is a set of lists to add up. The zero value is an empty one.
type Query struct {
	clauses []clause
	place   map[uint32]int // number of a list → its place in clauses
}

// Add takes a list once more. number tells lists apart: lists added under one number are the same list.
func (q *Query) Add(number uint32, list List) {
	if q.Again(number) {
		return
	}
	if q.place == nil {
		q.place = make(map[uint32]int, 16)
	}
	q.place[number] = len(q.clauses)
	q.clauses = append(q.clauses, clause{list, 1})
}

// Again takes the list of that number once more if it was added before, and says whether it was.
func (q *Query) Again(number uint32) bool {
	i, known := q.place[number]
	if known {
		q.clauses[i].times++
	}
	return known
}

// Postings returns the number of postings in the query's lists.
func (q *Query) Postings() int {
	n := 0
	for _, c := range q.clauses {
		n += len(c.Docs)
	}
	return n
}
