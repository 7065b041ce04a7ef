package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// shapes is the format of what --format json prints, described by docs/json.md and
// docs/json.schema.json; it grows when a reader of the former one would misread.
const shapes = 1

type checkShape struct {
	Format      int            `json:"format"`
	Deployments []checkedShape `json:"deployments"`
}

type checkedShape struct {
	Dir        string           `json:"dir"`
	Deployment string           `json:"deployment"`
	Valid      bool             `json:"valid"`
	Objects    int              `json:"objects"`
	Files      []string         `json:"files"`
	Findings   []schema.Finding `json:"findings"`
}

type changedShape struct {
	Format      int                 `json:"format"`
	Base        commitShape         `json:"base"`
	Head        commitShape         `json:"head"`
	Deployments []changedDeployment `json:"deployments"`
}

// commitShape is a commit, and the word it was named by; "" is the one that the work
// tree stands on.
type commitShape struct {
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit"`
}

// changedDeployment is one whose files differ. Valid is said of those that it has, or
// that it had where it was deleted; Files are those that differ.
type changedDeployment struct {
	Dir        string   `json:"dir"`
	Deployment string   `json:"deployment"`
	Status     string   `json:"status"`
	From       string   `json:"from,omitempty"`
	Valid      bool     `json:"valid"`
	Files      []string `json:"files"`
}

type historyShape struct {
	Format  int         `json:"format"`
	Applies []pastShape `json:"applies"`
}

// pastShape is an apply, and what of it was taken back since.
type pastShape struct {
	applyShape
	TakenBack []string         `json:"takenBack"`
	Left      []schema.Address `json:"left"`
}

type applyShape struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Outcome  string    `json:"outcome"` // "open" while it runs or was cut off
	Why      string    `json:"why,omitempty"`
	Restores string    `json:"restores,omitempty"`
	Planned  int       `json:"planned"`
	Done     int       `json:"done"`
}

type storyShape struct {
	Format  int           `json:"format"`
	Apply   applyShape    `json:"apply"`
	Plan    *planner.Plan `json:"plan"` // null for one that was fenced before it began
	Records []recordShape `json:"records"`
}

type recordShape struct {
	At   time.Time          `json:"at"`
	By   string             `json:"by"`
	Kind applier.RecordKind `json:"kind"`
	Step string             `json:"step,omitempty"`
	Mark string             `json:"mark,omitempty"`
	Says string             `json:"says,omitempty"`
	Why  string             `json:"why,omitempty"`
}

type pointsShape struct {
	Format        int         `json:"format"`
	RestorePoints []pastShape `json:"restorePoints"`
}

type standingsShape struct {
	Format int             `json:"format"`
	Apply  string          `json:"apply"`
	Before []standingShape `json:"before"`
}

type standingShape struct {
	Address schema.Address `json:"address"`
	Object  planner.Ref    `json:"object"`
	Path    string         `json:"path,omitempty"`
	Found   schema.Value   `json:"found"`
	Set     schema.Value   `json:"set"`
	Made    bool           `json:"made,omitempty"`
	Deleted bool           `json:"deleted,omitempty"`
	Final   string         `json:"final,omitempty"`
}

type lockShape struct {
	Format int        `json:"format"`
	Free   bool       `json:"free"`
	Holder string     `json:"holder,omitempty"`
	Apply  string     `json:"apply,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

func shapeOfApply(s applier.Summary) applyShape {
	shape := applyShape{ID: s.ID, At: s.At.UTC(), By: s.By, Outcome: string(s.Outcome), Why: s.Why, Done: s.Done}
	if s.Outcome == "" {
		shape.Outcome = "open"
	}
	if s.Plan != nil {
		shape.Restores, shape.Planned = s.Plan.Restores, len(s.Plan.Steps)
	}
	return shape
}

func shapesOfPast(history []engine.Past) []pastShape {
	out := []pastShape{}
	for _, p := range history {
		out = append(out, pastShape{shapeOfApply(p.Summary), append([]string{}, p.TakenBack...), append([]schema.Address{}, p.Left...)})
	}
	return out
}

func shapeOfStory(s applier.Summary) storyShape {
	shape := storyShape{Format: shapes, Apply: shapeOfApply(s), Plan: s.Plan, Records: []recordShape{}}
	for _, r := range s.Records {
		shape.Records = append(shape.Records, recordShape{At: r.At.UTC(), By: r.By, Kind: r.Kind, Step: r.Step, Mark: r.Mark, Says: r.Says, Why: r.Why})
	}
	return shape
}

func shapeOfStanding(id string, found []engine.Standing) standingsShape {
	shape := standingsShape{Format: shapes, Apply: id, Before: []standingShape{}}
	for _, s := range found {
		shape.Before = append(shape.Before, standingShape(s))
	}
	return shape
}

func shapeOfLock(l applier.Lock) lockShape {
	shape := lockShape{Format: shapes, Free: l.Free, Holder: l.Holder, Apply: l.Apply}
	if since := l.Since.UTC(); !l.Free {
		shape.Since = &since
		return shape
	}
	return lockShape{Format: shapes, Free: true}
}

// json prints a shape for programs.
func (a *app) json(shape any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(shape)
}

// format is one of the forms that a verb prints in.
type format struct {
	name string
	all  []string
}

// formatFlag adds --format to a verb; text is the first of its forms.
func formatFlag(cmd *cobra.Command, others ...string) *format {
	f := &format{"text", append([]string{"text"}, others...)}
	cmd.Flags().Var(f, "format", f.list())
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(f.all, cobra.ShellCompDirectiveNoFileComp))
	return f
}

func (f *format) list() string {
	last := len(f.all) - 1
	return strings.Join(f.all[:last], ", ") + " or " + f.all[last]
}

func (f *format) String() string { return f.name }

// Type names the flag's form in help.
func (f *format) Type() string { return "form" }

// Set takes one of the forms.
func (f *format) Set(name string) error {
	if !slices.Contains(f.all, name) {
		return errors.New("use " + f.list())
	}
	f.name = name
	return nil
}

// json says whether JSON is asked for.
func (f *format) json() bool { return f.name == "json" }
