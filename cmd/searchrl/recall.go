package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"searchrl/evaluate"
	"searchrl/interval"
)

// recallReport is the JSON document of eval --retrieval-only. Shares are in [0, 1], null where no question counts; the
// keys below them are numbers of passages.
type recallReport struct {
	Questions    int                          `json:"questions"`
	Answerable   int                          `json:"answerable"` // questions whose answer is not yes or no
	Supported    int                          `json:"supported"`  // questions with passages that a person chose
	AnswerRecall map[string]*float64          `json:"answer_recall"`
	AnswerCI     map[string]interval.Interval `json:"answer_recall_ci"`
	SupportAny   map[string]*float64          `json:"support_any"`
	SupportAll   map[string]*float64          `json:"support_all"`
	Searcher     string                       `json:"searcher"`
	Seconds      float64                      `json:"seconds"` // of searching and grading
}

// retrievalOnly measures the searcher alone.
func (c *evalCmd) retrievalOnly(ctx context.Context, con *console) error {
	data := dataFlags{QuestionsFile: c.Questions, searcherFlags: c.searcherFlags}
	own, err := data.own()
	if err != nil {
		return err
	}
	if !own {
		return unusable(errors.New("--retrieval-only: expected --questions FILE and --corpus or --searcher"))
	}
	part, err := data.read()
	if err != nil {
		return err
	}
	if c.limited() > 0 && c.limited() < len(part.Questions) {
		part.Questions = part.Questions[:c.limited()]
	}
	start := time.Now()
	bar := con.startBar("searching", len(part.Questions))
	recall, err := evaluate.SearchRecall(ctx, part.Searcher, part.Questions, func(done int) { bar.set(done, "") })
	bar.stop()
	if err != nil {
		return err
	}
	report := recallReport{Questions: recall.Questions, Answerable: recall.Answerable, Supported: recall.Supported,
		Searcher: c.where(), Seconds: time.Since(start).Seconds(), AnswerCI: map[string]interval.Interval{}}
	for i, cutoff := range evaluate.Cutoffs {
		report.AnswerCI[strconv.Itoa(cutoff)] = recall.Answer[i].CI
	}
	report.AnswerRecall = byCutoff(recall.Answer, recall.Answerable)
	report.SupportAny, report.SupportAll = byCutoff(recall.Any, recall.Supported), byCutoff(recall.All, recall.Supported)
	showRecall(con.text(), recall, c.Questions, c.where())
	return con.document(report)
}

func byCutoff(shares []evaluate.Share, questions int) map[string]*float64 {
	out := map[string]*float64{}
	for i, cutoff := range evaluate.Cutoffs {
		out[strconv.Itoa(cutoff)] = nil
		if questions > 0 {
			out[strconv.Itoa(cutoff)] = &shares[i].Share
		}
	}
	return out
}

// showRecall prints the figures.
func showRecall(w io.Writer, r *evaluate.Recall, questions, searcher string) {
	fmt.Fprintf(w, "\n%d questions of %s, each searched for as it is asked, in %s; 95 %% intervals.\n\n", r.Questions, questions, searcher)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprint(t, "among the first passages\tquestions")
	for _, cutoff := range evaluate.Cutoffs {
		fmt.Fprintf(t, "\t%d", cutoff)
	}
	fmt.Fprintln(t)
	for _, row := range []struct {
		name   string
		n      int
		shares []evaluate.Share
	}{{"an answer", r.Answerable, r.Answer}, {"a supporting passage", r.Supported, r.Any}, {"all supporting passages", r.Supported, r.All}} {
		if row.n == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%d", row.name, row.n)
		for i := range row.shares {
			fmt.Fprintf(t, "\t%s", share(&row.shares[i].Share, row.shares[i].CI))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
}
