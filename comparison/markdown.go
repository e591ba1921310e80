package comparison

import (
	"fmt"
	"io"
	"strings"

	"searchrl/report"
)

// MarkdownFile is the name of the tables as Markdown, to be taken into a document.
const MarkdownFile = "table.md"

// WriteMarkdown writes the page's tables, with the same numbers, as Markdown.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %d test questions, baseline %s; the base policy's EM is %s, its F1 %s, at %s searches a question.\n",
		len(t.Seeds), t.Base.Questions, t.Baseline, three(t.Base.EM), three(t.Base.F1), two(t.Base.Searches))
	for _, table := range []*report.Table{t.results(), t.cost(), t.hops()} {
		if table != nil {
			writeTable(&b, table)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeTable(b *strings.Builder, table *report.Table) {
	rule := "|"
	b.WriteString("\n|")
	for _, column := range table.Columns {
		fmt.Fprintf(b, " %s |", column.Title)
		rule += map[bool]string{true: "---:|", false: "---|"}[column.Number]
	}
	b.WriteString("\n" + rule + "\n")
	for _, row := range table.Rows {
		b.WriteString("|")
		for _, cell := range row.Cells {
			text := cell.Code + cell.Text
			if cell.Number != nil {
				text += cell.Number.Text
			}
			if cell.CI[0] != nil {
				text += fmt.Sprintf(" [%s, %s]", cell.CI[0].Text, cell.CI[1].Text)
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteString("\n")
	}
}
