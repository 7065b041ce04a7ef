package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// app is what all verbs share: where they print, and how.
type app struct {
	stdin            *bufio.Reader
	terminal         bool // a person types into stdin
	stdout, stderr   io.Writer
	style, errorMark planner.Style // of stdout, of stderr
	noColour         bool
	recorded, begun  bool     // the plan is recorded; a step was begun
	told             []string // failures of steps that were printed as they happened
	limits           limits
	waits            *waits
	folder           string         // of the deployment, as it was typed
	commands         *regexp.Regexp // those that take it
	wrote            *atomic.Bool   // something was recorded
	logs             *engine.Logs   // of bakes and builds
	built            builtLines     // that were shown
	keep             bool           // leave the instances of bakes that fail
	lease            time.Duration  // of the lock; zero is the engine's own
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	w := &waits{out: stderr, width: func() int { return columns(stderr) }, now: time.Now}
	return &app{stdin: bufio.NewReader(stdin), terminal: isTerminal(stdin), stdout: w.before(stdout), stderr: w.before(stderr), waits: w, wrote: new(atomic.Bool), logs: new(engine.Logs)}
}

// patience is that of the adapters, rounded up.
const patience = "who does not answer is given up after a minute"

// doing names what the verb is at, for people who wait; bound says when a part of
// it that hangs is given up.
func (a *app) doing(what, bound string) {
	a.waits.begin(theVerb, what+"; "+bound, 0)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "domctl",
		Short: "Keep a Domino deployment's compute in CUE files",
		Long: `domctl keeps the compute environments, base images, hardware tiers, node pools,
executor AMIs and compute-grid settings of a Domino deployment on AWS in CUE
files. It compares them with what lives in MongoDB and AWS, shows a plan,
applies it with records and snapshots, and can take it back.

DIR is the deployment's folder; not stated, it is the one you are in.`,
		Example: `  domctl init prod
  domctl plan prod
  domctl apply prod
  domctl rollback prod`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			a.style, a.errorMark = planner.Style{Colour: a.colour(a.stdout)}, planner.Style{Colour: a.colour(a.stderr)}
			return emptyFlag(c)
		},
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.DisableSuggestions = true // known makes them
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	root.PersistentFlags().BoolVar(&a.noColour, "no-color", false, "print without colour (so does NO_COLOR)")
	a.limits.flags(root.PersistentFlags())
	root.AddCommand(a.initVerb(), a.checkVerb(), a.updateVerb(), a.importVerb(), a.doctorVerb(), a.imagesVerb(), a.capacityVerb(), a.queueVerb(), a.nodesVerb(), a.runsVerb(), a.amisVerb(), a.environmentsVerb(), a.gcVerb(), a.reviewVerb(), a.changedVerb(), a.planVerb(), a.worldVerb(), a.commentVerb(), a.applyVerb(), a.rollbackVerb(), a.snapshotsVerb(), a.historyVerb(), a.freezeVerb(), a.serveVerb(),
		a.lockVerb(), a.sandboxVerb(), a.schemaVerb(), a.explainVerb(), a.versionVerb(), a.referenceVerb())
	completionExamples(root)
	helpVerb(root)
	explainArgs(root)
	a.commands = commandsOf(root)
	a.complete(root)
	return root
}

// emptyFlag refuses a flag that was given and is empty: most often a shell's
// variable that is not set. An apply must not do more than was asked for because
// --plan "$PLAN" named no file.
func emptyFlag(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if err == nil && slices.Contains(values, "") {
			err = fmt.Errorf("--%s is empty; state it, or leave it out", f.Name)
		}
	})
	return err
}

// helpVerb is cobra's own, but for verbs that are not there.
func helpVerb(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Run, help.Example = nil, "  domctl help plan"
	help.RunE = func(_ *cobra.Command, args []string) error {
		c, _, err := root.Find(args)
		if err := cmp.Or(known(root, args), err); err != nil {
			return err
		}
		c.InitDefaultHelpFlag()
		return c.Help()
	}
}

// completionExamples gives cobra's own verb what every verb here has.
func completionExamples(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	lines := map[string]string{
		"completion": "  source <(domctl completion bash)",
		"bash":       "  source <(domctl completion bash)",
		"zsh":        "  domctl completion zsh > \"${fpath[1]}/_domctl\"",
		"fish":       "  domctl completion fish | source",
		"powershell": "  domctl completion powershell | Out-String | Invoke-Expression",
	}
	completion, _, _ := root.Find([]string{"completion"})
	completion.Example = lines["completion"]
	for _, shell := range completion.Commands() {
		shell.Example = lines[shell.Name()]
	}
}

// colour is for terminals only, and for people who want it.
func (a *app) colour(w io.Writer) bool {
	if y, ok := w.(yielding); ok {
		w = y.Writer
	}
	return isTerminal(w) && !a.noColour && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is how wide a terminal is on which a line can be taken back, else 0.
func columns(stream any) int {
	if !isTerminal(stream) || os.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(stream.(*os.File).Fd()))
	if err != nil || width == 0 {
		return 80
	}
	return width
}
