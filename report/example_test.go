package report_test

import (
	"fmt"
	"strings"

	"searchrl/report"
)

func ExamplePage() {
	page := report.Page{Title: "Two & two", Sections: []report.Section{{Title: "Sum", Table: &report.Table{
		Columns: []report.Column{{Title: "what"}, {Title: "result", Number: true}},
		Rows:    []report.Row{{Cells: []report.Cell{{Text: "<2 and 2>"}, {Number: &report.Number{Key: "sum", Text: "4"}}}}},
	}}}}
	var b strings.Builder
	if err := page.Write(&b); err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "<h1>") || strings.HasPrefix(line, "<td") {
			fmt.Print(line)
		}
	}
	// Output:
	// <h1>Two &amp; two</h1>
	// <td class="">&lt;2 and 2&gt;</td>
	// <td data-label="result" class="n"><span data-key="sum">4</span></td>
}
