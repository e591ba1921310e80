package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"

	"searchrl/checkpoint"
	"searchrl/experiment"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// policyFlags say which policy is meant.
type policyFlags struct {
	Level    string `default:"standard" enum:"standard,hard" help:"Level of the embedded world: standard or hard."`
	Strength string `default:"medium" enum:"medium,weak" help:"Strength of the embedded policy: medium, or weak (of the standard level only)."`
	Model    string `placeholder:"DIR" help:"Hugging Face folder of the policy, instead of the embedded one."`
	Protocol string `default:"auto" enum:"auto,tinyworld,search-r1,search-r1-chat" help:"How policy and environment talk: tinyworld, search-r1, search-r1-chat (in the chat template), or what suits the policy (auto)."`
}

// base reads the policy.
func (f policyFlags) base() (experiment.Base, error) {
	if f.Model == "" {
		if f.Strength == "weak" {
			files, err := tinyworld.WeakBase(tinyworld.Level(f.Level))
			if err != nil {
				return experiment.Base{}, unusable(err)
			}
			return readBase("embedded-weak", files)
		}
		files, err := tinyworld.Base(tinyworld.Level(f.Level))
		if err != nil {
			return experiment.Base{}, err
		}
		return readBase("embedded", files)
	}
	info, err := os.Stat(f.Model)
	switch {
	case err != nil:
		return experiment.Base{}, unusable(fmt.Errorf("model folder: %w", err))
	case !info.IsDir():
		return experiment.Base{}, unusable(fmt.Errorf("model folder: %s is no folder", f.Model))
	}
	return readBase(f.Model, os.DirFS(f.Model))
}

func readBase(name string, files fs.FS) (experiment.Base, error) {
	config, weights, err := checkpoint.Load(files)
	if err != nil {
		return experiment.Base{}, unusable(fmt.Errorf("model folder %s: %w", name, err))
	}
	tok, err := tokenizer.Load(files)
	if err != nil {
		return experiment.Base{}, unusable(fmt.Errorf("model folder %s: %w", name, err))
	}
	if tok.VocabSize() > config.VocabSize {
		return experiment.Base{}, unusable(fmt.Errorf("model folder %s: the tokenizer has %d tokens but the model only %d",
			name, tok.VocabSize(), config.VocabSize))
	}
	return experiment.Base{Name: name, Config: config, Weights: weights, Tokenizer: tok, Files: files}, nil
}

// worldPart returns n questions of one of the embedded worlds, with its encyclopaedia.
func worldPart(level string, split tinyworld.Split, number, n int) (experiment.Part, error) {
	if n > mostQuestions {
		return experiment.Part{}, unusable(fmt.Errorf("%d questions of the embedded world are asked for, expected %d at most", n, mostQuestions))
	}
	world, searcher, err := openWorld(level, split, number)
	if err != nil {
		return experiment.Part{}, err
	}
	questions := world.Questions(rand.New(rand.NewPCG(tinyworld.Seed(split, number), questionStream)), n)
	if len(questions) < n {
		return experiment.Part{}, unusable(fmt.Errorf("%d questions of the embedded world are asked for, it has %d", n, len(questions)))
	}
	return experiment.Part{Questions: questions, Searcher: searcher}, nil
}

// mostQuestions keeps the search for questions that are not alike short.
const mostQuestions = 3000

// openWorld draws one of the embedded worlds and indexes its encyclopaedia.
func openWorld(level string, split tinyworld.Split, number int) (*tinyworld.World, retrieval.Searcher, error) {
	world, err := tinyworld.New(tinyworld.Level(level), tinyworld.Seed(split, number))
	if err != nil {
		return nil, nil, err
	}
	index, err := retrieval.NewBM25(world.Documents())
	if err != nil {
		return nil, nil, fmt.Errorf("indexing the embedded world: %w", err)
	}
	return world, index, nil
}

// questionStream is the random stream that a world's questions are drawn from.
const questionStream = 1

// dataFlags name one's own questions and corpus, instead of the embedded world's.
type dataFlags struct {
	QuestionsFile string `placeholder:"FILE" help:"Questions (JSON lines, or the benchmarks' own files; plain or gzip), instead of the embedded world's."`
	searcherFlags
}

// own reports whether own data are named; it is an error to name half of them.
func (f dataFlags) own() (bool, error) {
	searcher, err := f.named()
	switch {
	case err != nil:
		return false, err
	case f.QuestionsFile == "" && !searcher:
		return false, nil
	case f.QuestionsFile == "":
		return false, unusable(errors.New("--corpus or --searcher is given without a questions file"))
	case !searcher:
		return false, unusable(errors.New("a questions file is given without --corpus or --searcher"))
	}
	return true, nil
}

// read reads the questions and indexes the corpus.
func (f dataFlags) read() (experiment.Part, error) {
	questions, err := qa.OpenQuestions(f.QuestionsFile)
	if err != nil {
		return experiment.Part{}, unusable(err)
	}
	if len(questions) == 0 {
		return experiment.Part{}, unusable(fmt.Errorf("%s holds no question", f.QuestionsFile))
	}
	searcher, err := f.openSearcher()
	if err != nil {
		return experiment.Part{}, err
	}
	return experiment.Part{Questions: questions, Searcher: searcher}, nil
}

// taskFlags say what is learned.
type taskFlags struct {
	policyFlags
	dataFlags
	TestFile      string `placeholder:"FILE" help:"Questions to evaluate on; without it, part of the questions file is kept for that."`
	TestQuestions int    `default:"300" help:"Questions to evaluate on."`
}

// trainQuestions is the number of questions drawn from the world that is trained in: more than a run uses by default.
const trainQuestions = 1200

// task makes the task; its test questions are never trained on.
func (f taskFlags) task() (*experiment.Task, error) {
	if f.TestQuestions < 1 {
		return nil, unusable(fmt.Errorf("--test-questions is %d, expected 1 or more", f.TestQuestions))
	}
	base, err := f.base()
	if err != nil {
		return nil, err
	}
	own, err := f.own()
	if err != nil {
		return nil, err
	}
	if own {
		return f.ownTask(base)
	}
	task := &experiment.Task{Name: "tinyworld/" + f.Level, Base: base, Protocol: f.protocol(base)}
	if task.Train, err = worldPart(f.Level, tinyworld.Train, 0, trainQuestions); err != nil {
		return nil, err
	}
	task.Test, err = worldPart(f.Level, tinyworld.Test, 0, f.TestQuestions)
	return task, err
}

func (f taskFlags) ownTask(base experiment.Base) (*experiment.Task, error) {
	part, err := f.read()
	if err != nil {
		return nil, err
	}
	task := &experiment.Task{Name: f.QuestionsFile, Base: base, Protocol: f.protocol(base), Train: part, Test: part}
	if f.TestFile != "" {
		if task.Test.Questions, err = qa.OpenQuestions(f.TestFile); err != nil {
			return nil, unusable(err)
		}
	} else {
		// A fixed fifth of the questions, spread over the file, is never trained on.
		task.Train.Questions, task.Test.Questions = nil, nil
		for i, q := range part.Questions {
			if i%5 == 4 {
				task.Test.Questions = append(task.Test.Questions, q)
			} else {
				task.Train.Questions = append(task.Train.Questions, q)
			}
		}
	}
	if len(task.Test.Questions) > f.TestQuestions {
		task.Test.Questions = task.Test.Questions[:f.TestQuestions]
	}
	if len(task.Test.Questions) == 0 {
		return nil, unusable(fmt.Errorf("%s: too few questions to keep some for the evaluation; name others with --test-file", f.QuestionsFile))
	}
	return task, nil
}

// protocol returns the agent protocol. The embedded policies and what was trained from them know their tags as tokens of
// their own, which is how auto tells them from other models.
func (f policyFlags) protocol(base experiment.Base) rollout.Protocol {
	embedded := f.Protocol == "tinyworld"
	if f.Protocol == "auto" {
		id, known := base.Tokenizer.ID(rollout.DefaultTags().Information.Open())
		embedded = known && base.Tokenizer.IsAdded(id)
	}
	if embedded {
		return tinyworld.Protocol(tinyworld.Level(f.Level))
	}
	p := rollout.SearchR1()
	p.Chat = f.Protocol == "search-r1-chat"
	if base.Config.MaxPositions > 0 { // a policy behind a server has its own limit
		p.MaxTokens = min(p.MaxTokens, base.Config.MaxPositions)
	}
	return p
}
