package main

import (
	"os"
	"strings"

	"searchrl/comparison"
	"searchrl/experiment"
	"searchrl/report"
	"searchrl/runfolder"
	"searchrl/tokenizer"
)

// pageInfo says on a page where its figures come from.
func pageInfo(task *experiment.Task, budget string, settings any) (comparison.Info, error) {
	info := comparison.Info{Program: version(), Command: commandLine(os.Args), Machine: machine(), Task: task.Name, Budget: budget,
		Pieces: func(ids []int) []string { return pieces(task.Base.Tokenizer, ids) }}
	list, err := runfolder.List(settings)
	for _, setting := range list {
		info.Settings = append(info.Settings, report.Setting{Name: setting.Name, Value: setting.Value, Code: true})
	}
	return info, err
}

// pieces returns the text of each token; a character that takes several tokens is the last one's.
func pieces(tok *tokenizer.Tokenizer, ids []int) []string {
	out := make([]string, len(ids))
	stream := tok.Stream()
	for i, id := range ids {
		out[i] = stream.Push(id)
	}
	if len(out) > 0 {
		out[len(out)-1] += stream.Flush()
	}
	return out
}

// commandLine writes arguments as a shell takes them.
func commandLine(args []string) string {
	words := []string{"searchrl"}
	for _, arg := range args[1:] {
		if arg == "" || strings.ContainsAny(arg, " '\"\\$`*?[]{}()<>|&;~#!\n\t") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
