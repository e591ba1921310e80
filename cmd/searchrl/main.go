// Command searchrl trains language models to reason with a search engine, compares the methods that do so, and shows
// what they do. Run it with --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUnusable = 2 // arguments or input that cannot be used
)

// cli is the command line; each command has its own file.
type cli struct {
	JSON    bool             `name:"json" help:"End with one JSON document as the last line on standard output."`
	Version kong.VersionFlag `help:"Print the version."`

	Train     trainCmd     `cmd:"" help:"Train a search agent and show how much better it got."`
	Compare   compareCmd   `cmd:"" help:"Train several methods on the same questions and compare them."`
	Eval      evalCmd      `cmd:"" help:"Measure a policy on questions."`
	Ask       askCmd       `cmd:"" help:"Ask one question and show every thought, query, document and the answer."`
	Index     indexCmd     `cmd:"" help:"Index passages, to be searched from the disk."`
	Serve     serveCmd     `cmd:"" help:"Serve an index or a corpus to Search-R1 style trainers (POST /retrieve)."`
	Bench     benchCmd     `cmd:"" help:"Measure speed."`
	Verify    verifyCmd    `cmd:"" help:"Check what this project claims about its estimators, and write a report."`
	Doctor    doctorCmd    `cmd:"" help:"Show which compute backends there are and how to install the others."`
	Warmstart warmstartCmd `cmd:"" help:"Make the embedded base policy again."`
	Probe     probeCmd     `cmd:"" hidden:"" help:"Try to load a backend plugin."`
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		// The last resort: a bug of ours, which should not look like a crash to who hits it.
		if fault := recover(); fault != nil {
			fmt.Fprintf(stderr, "searchrl: internal error: %v; please report it with the command line\n", fault)
			code = exitFailed
			if os.Getenv("SEARCHRL_TRACE") != "" {
				fmt.Fprintf(stderr, "%s", debug.Stack())
			}
		}
	}()

	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("searchrl"), kong.Writers(stdout, stderr),
		kong.Description("Reinforcement learning for language models that reason with a search engine.\n\n"+
			"Without further flags, train and ask use an embedded world with its own small policy."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"version": version(), "backends": backendNames, "methods": strings.Join(methodNames(), ", "),
			"warmstartSeed": warmstartSeed(), "judge_variables": judgeVariables},
		finiteNumbers(), kong.Exit(func(code int) { exited = code; panic(exitPanic{}) }))
	if err != nil {
		panic(err)
	}
	con := newConsole(stdout, stderr)
	command, err := parse(parser, args)
	if exited >= 0 { // --help and --version
		return exited
	}
	con.json = c.JSON
	if err != nil {
		return con.fail(unusable(fmt.Errorf("%w (see searchrl --help)", err)))
	}

	ctx, stop := interruptible(con)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(con)
	return con.fail(command.Run())
}

// finiteNumbers refuses NaN and infinities as the value of a flag: no setting means anything with them, and what a run was
// told could not be written down as JSON.
func finiteNumbers() kong.Option {
	float := kong.NewRegistry().RegisterDefaults().ForType(reflect.TypeFor[float64]())
	return kong.KindMapper(reflect.Float64, kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		if err := float.Decode(ctx, target); err != nil {
			return err
		}
		if x := target.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("expected a finite number but got %v", x)
		}
		return nil
	}))
}

// exitPanic unwinds kong's parser when a flag such as --help ends the program.
type exitPanic struct{}

func parse(parser *kong.Kong, args []string) (command *kong.Context, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			if _, ok := fault.(exitPanic); !ok {
				panic(fault)
			}
		}
	}()
	return parser.Parse(args)
}

// interruptible returns a context that the first Ctrl-C (or SIGTERM) ends; from then on the signals act as if nobody
// listened, so that a second one kills.
func interruptible(con *console) (context.Context, func()) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	forget := context.AfterFunc(ctx, func() {
		stop()
		con.note("stopping; what has been done is being written (once more to stop at once)")
	})
	return ctx, func() { forget(); stop() }
}

// unusableError marks an error that is the fault of arguments or input.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

// unusable marks err, unless it is nil, as the fault of arguments or input: exit code 2.
func unusable(err error) error {
	if err == nil {
		return nil
	}
	return unusableError{err}
}

// exitCode returns the exit code for a command that ended with err.
func exitCode(err error) int {
	var u unusableError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &u):
		return exitUnusable
	}
	return exitFailed
}

// version names the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, commit := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = " (" + s.Value[:min(12, len(s.Value))] + ")"
		}
	}
	if version == "" {
		version = "(devel)"
	}
	return "searchrl " + version + commit + " " + info.GoVersion
}
