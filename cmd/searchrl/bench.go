package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"searchrl/experiment"
	"searchrl/internal/memory"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/retrieval/client"
	"searchrl/retrieval/load"
	"searchrl/tinyworld"
)

// benchCmd measures speed.
type benchCmd struct {
	Retrieval benchRetrievalCmd `cmd:"" help:"Measure a searcher or a /retrieve server under load."`
	Policy    benchPolicyCmd    `cmd:"" help:"Measure sampling, scoring and training on each backend."`
}

// benchRetrievalCmd searches with many clients at once.
type benchRetrievalCmd struct {
	searcherFlags
	Questions string `placeholder:"FILE" help:"The queries: a question file's texts, asked from the first on and again until there were enough."`
	Clients   int    `default:"1" help:"Clients that search at once, each again as soon as it is answered."`
	Queries   int    `default:"10000" help:"Queries in all."`
	Batch     int    `default:"1" help:"Queries a search."`
	TopK      int    `name:"top-k" default:"3" help:"Passages a query."`
}

func (c *benchRetrievalCmd) Help() string {
	return "Without --questions and a searcher, the embedded world's are taken. Every query is asked once before the measurement begins. " +
		"A server is asked without cache and retries, so each failure counts; the memory is that of its process if it tells (GET /metrics), else of this one. " +
		"GOMAXPROCS=1 in the environment keeps a searcher in this process to one thread."
}

// benchedRetrieval is the JSON document of bench retrieval.
type benchedRetrieval struct {
	Searcher string `json:"searcher"`
	Clients  int    `json:"clients"`
	Batch    int    `json:"batch"`
	TopK     int    `json:"top_k"`
	load.Report
	// Memory is the resident size in MiB of the server or, if MemoryOf says "this process", of this one: at the start and at every
	// tenth of the searches; empty where the system does not tell.
	Memory   []float64 `json:"memory_mib"`
	MemoryOf string    `json:"memory_of"`
}

// Run measures and prints the figures. Searches that fail make it fail, after the figures.
func (c *benchRetrievalCmd) Run(ctx context.Context, con *console) error {
	part, err := c.part()
	if err != nil {
		return err
	}
	var texts []string
	for _, q := range part.Questions {
		texts = append(texts, q.Text)
	}
	o := load.Options{Clients: c.Clients, Queries: min(c.Queries, len(texts)), Batch: c.Batch, K: c.TopK}
	if warm, err := load.Run(ctx, part.Searcher, texts, o); err != nil {
		return unusable(err)
	} else if warm.Errors == warm.Searches {
		return fmt.Errorf("every search failed, the first with: %s", warm.FirstError)
	}
	result := benchedRetrieval{Searcher: c.where(), Clients: c.Clients, Batch: c.Batch, TopK: c.TopK, MemoryOf: "this process"}
	resident := memory.Resident
	if isURL(c.Searcher) {
		if _, ok := serverMemory(ctx, c.Searcher); ok {
			resident = func() (int64, bool) { return serverMemory(ctx, c.Searcher) }
			result.MemoryOf = "the server"
		}
	}
	bar := con.startBar("searching", (c.Queries-1)/c.Batch+1)
	const samples = 10
	o.Queries = c.Queries
	o.Observe = func(done, searches int) {
		bar.set(done, "")
		if len(result.Memory) > done*samples/searches {
			return
		}
		if bytes, ok := resident(); ok {
			result.Memory = append(result.Memory, float64(bytes)/(1<<20))
		}
	}
	report, err := load.Run(ctx, part.Searcher, texts, o)
	bar.stop()
	if err != nil {
		return err
	}
	result.Report = *report
	showRetrieval(con.text(), &result)
	if err := con.document(result); err != nil {
		return err
	}
	if report.Errors > 0 {
		return fmt.Errorf("%d of %d searches failed, the first with: %s", report.Errors, report.Searches, report.FirstError)
	}
	return nil
}

// part returns the queries and what searches.
func (c *benchRetrievalCmd) part() (experiment.Part, error) {
	if c.Clients < 1 || c.Queries < 1 || c.Batch < 1 || c.TopK < 1 {
		return experiment.Part{}, unusable(errors.New("--clients, --queries, --batch and --top-k: expected 1 or more each"))
	}
	data := dataFlags{QuestionsFile: c.Questions, searcherFlags: c.searcherFlags}
	own, err := data.own()
	switch {
	case err != nil:
		return experiment.Part{}, err
	case !own:
		return worldPart(string(tinyworld.Standard), tinyworld.Test, 0, worldQuestions)
	case !isURL(c.Searcher):
		return data.read()
	}
	part := experiment.Part{}
	if part.Questions, err = qa.OpenQuestions(c.Questions); err != nil {
		return part, unusable(err)
	}
	part.Searcher, err = c.bareClient()
	return part, err
}

// bareClient asks a server each time anew and once.
func (c *benchRetrievalCmd) bareClient() (retrieval.Searcher, error) {
	options := client.DefaultOptions(c.Searcher)
	options.Token = os.Getenv(tokenVariable)
	options.Cache, options.Retries, options.BreakerFailures = 0, 0, 1<<20
	options.Batch, options.Concurrency = c.Batch, c.Clients
	asking, err := client.New(options)
	return asking, unusable(err)
}

// serverMemory asks a server that has Prometheus metrics beside /retrieve for the resident size of its process.
func serverMemory(ctx context.Context, retrieve string) (int64, bool) {
	u, err := url.Parse(retrieve)
	if err != nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.ResolveReference(&url.URL{Path: "metrics"}).String(), nil)
	if err != nil {
		return 0, false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, false
	}
	_, rest, found := strings.Cut("\n"+string(text), "\nprocess_resident_memory_bytes ")
	line, _, _ := strings.Cut(rest, "\n")
	bytes, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	return int64(bytes), found && err == nil
}

// showRetrieval prints the figures.
func showRetrieval(w io.Writer, r *benchedRetrieval) {
	where := r.Searcher
	if where == "" {
		where = "the embedded world"
	}
	fmt.Fprintf(w, "\n%s queries of %s, %d a search, %d passages each; clients at once: %d.\n\n", thousands(r.Queries), where, r.Batch, r.TopK, r.Clients)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "  queries a second\t%.0f\n", r.PerSecond)
	if r.CPUSeconds > 0 {
		fmt.Fprintf(t, "  queries a second of this process's processor time\t%.0f\n", r.PerCPUSecond)
	}
	fmt.Fprintf(t, "  a search takes\tp50 %.3g ms, p90 %.3g, p99 %.3g, longest %.3g\n", r.Latency.P50, r.Latency.P90, r.Latency.P99, r.Latency.Max)
	fmt.Fprintf(t, "  failed\t%s of %s searches\n", thousands(r.Errors), thousands(r.Searches))
	if n := len(r.Memory); n > 0 {
		fmt.Fprintf(t, "  memory of %s\t%.1f MiB at the start, %.1f at the end\n", r.MemoryOf, r.Memory[0], r.Memory[n-1])
	}
	_ = t.Flush()
}
