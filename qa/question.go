package qa

// Question is one question with every answer that counts as right.
type Question struct {
	// ID names the question within its file; unique there.
	ID string `json:"id"`
	// Text is the question as a person would ask it.
	Text string `json:"question"`
	// Answers holds the gold answer and its aliases; at least one.
	Answers []string `json:"golden_answers"`
	// Source names the benchmark the question comes from ("" if unknown).
	Source string `json:"source,omitempty"`
	// Supporting lists the passages that the answer rests on, in the order of the reasoning where it is known.
	Supporting []Support `json:"supporting,omitempty"`
	// SupportKind says how Supporting came about, "" if unknown; [DistantSupport] is what no person labelled.
	SupportKind string `json:"support_kind,omitempty"`
	// Keys holds, for each fact that must be found, the wordings of a query for it; in the order of the reasoning where it is
	// known.
	Keys [][]string `json:"keys,omitempty"`
	// Hops counts the facts that must be combined; 0 if unknown.
	Hops int `json:"hops,omitempty"`
}

// DistantSupport is the SupportKind of passages that were retrieved and happen to contain an answer.
const DistantSupport = "distant"

// Support is one passage that a question's answer rests on.
type Support struct {
	// ID is that of the corpus; "" where the data set gives none, and then the title names the passage.
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}
