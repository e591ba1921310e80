package evaluate

import (
	"context"
	"fmt"
	"slices"

	"searchrl/interval"
	"searchrl/qa"
	"searchrl/retrieval"
)

// Cutoffs are the numbers of passages that recall is taken at: what an agent reads, and a little more.
var Cutoffs = []int{3, 10}

// Recall holds how often a searcher finds what a question needs, asked with the question's own text. Shares are in [0, 1]
// and belong to [Cutoffs].
type Recall struct {
	// Questions is the number of all; Answerable of those whose answer a passage can contain (not yes and no), Supported of
	// those that name passages which a person chose.
	Questions, Answerable, Supported int
	// Answer is the share of Answerable questions with an answer among the first passages (qa.Contains), title and text.
	// Any and All are the shares of Supported ones with one of their passages among the first, and with all of them. A passage
	// is known by its id, or by its title, normalised (qa.Normalize), where the data set gives no id.
	Answer, Any, All []Share
}

// Share is a share of questions with Wilson's interval.
type Share struct {
	Share float64
	CI    interval.Interval
}

// rank is the place of the last passage that was needed; beyond every cutoff if one was not found.
const notFound = int(^uint(0) >> 1)

// SearchRecall asks the searcher every question, in batches, and tells observe (may be nil) how many are done.
func SearchRecall(ctx context.Context, searcher retrieval.Searcher, questions []qa.Question, observe func(done int)) (*Recall, error) {
	r := &Recall{Questions: len(questions)}
	deepest := slices.Max(Cutoffs)
	var answer, first, last []int // ranks, from 1
	for done := 0; done < len(questions); {
		part := questions[done:min(done+defaultBatch, len(questions))]
		texts := make([]string, len(part))
		for i, q := range part {
			texts[i] = q.Text
		}
		found, err := searcher.Search(ctx, texts, deepest)
		if err == nil && len(found) != len(part) {
			err = fmt.Errorf("the searcher answered %d of %d queries", len(found), len(part))
		}
		if err != nil {
			return nil, fmt.Errorf("measuring recall, questions %d to %d of %d: %w", done+1, done+len(part), len(questions), err)
		}
		for i, q := range part {
			if !qa.IsVerdict(q.Answers) {
				answer = append(answer, answerRank(found[i], q.Answers))
			}
			if len(q.Supporting) > 0 && q.SupportKind != qa.DistantSupport {
				one, all := supportRanks(found[i], q.Supporting)
				first, last = append(first, one), append(last, all)
			}
		}
		done += len(part)
		if observe != nil {
			observe(done)
		}
	}
	r.Answerable, r.Supported = len(answer), len(first)
	r.Answer, r.Any, r.All = within(answer), within(first), within(last)
	return r, nil
}

// answerRank returns the rank of the first passage that contains an answer.
func answerRank(hits []retrieval.Hit, answers []string) int {
	for i, hit := range hits {
		if qa.Contains(hit.Title+"\n"+hit.Text, answers) {
			return i + 1
		}
	}
	return notFound
}

// supportRanks returns the ranks at which the first and the last of the passages are found.
func supportRanks(hits []retrieval.Hit, support []qa.Support) (first, last int) {
	first, last = notFound, 0
	for _, s := range support {
		rank := slices.IndexFunc(hits, func(h retrieval.Hit) bool {
			return h.ID == s.ID || s.ID == "" && s.Title != "" && qa.Normalize(h.Title) == qa.Normalize(s.Title)
		}) + 1
		if rank == 0 {
			rank = notFound
		}
		first, last = min(first, rank), max(last, rank)
	}
	return first, last
}

// within returns the share of ranks within each cutoff.
func within(ranks []int) []Share {
	shares := make([]Share, len(Cutoffs))
	for i, cutoff := range Cutoffs {
		n := 0
		for _, rank := range ranks {
			if rank <= cutoff {
				n++
			}
		}
		shares[i] = Share{float64(n) / float64(max(1, len(ranks))), interval.Wilson(n, len(ranks))}
	}
	return shares
}
