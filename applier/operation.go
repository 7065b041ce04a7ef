package applier

import (
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Operation is one row of the operation table: all there is to know of a Step.Op.
// internal/world has the rows of single calls, internal/bake, internal/build and
// internal/probe those of long operations; internal/engine puts them together.
type Operation struct {
	Executor
	// Undo takes back a step that made or deleted an object. nil: the step only
	// writes fields, which planner takes back, or is the way back itself.
	Undo func(planner.Done) []planner.Step
	// Again is what is done once what a step followed from is taken back: a roll goes to
	// the image that groups start from then; one that was not done lets go of the nodes of the
	// image that is taken back, and of no others. nil: nothing.
	Again func(s planner.Step, done bool) []planner.Step
	// Tool is what a person does it with, "mongosh", "aws", "kubectl" or "curl", and Command how: lines
	// that stop at what is not as the plan saw it.
	Tool    string
	Command func(Manual) string
	// Most are under way side by side, counted with all operations of the same Room; 0:
	// as many as there are.
	Most int
	Room string
	// Calls are the writes it makes outside: of AWS as IAM names them
	// ("ec2:ModifyLaunchTemplate"), of MongoDB and Domino as their ports do ("UpdateOne").
	Calls []string
}

// Operations is the table, by Step.Op.
type Operations map[string]Operation

// Manual is one step as a person would carry it out: outputs of done steps are
// filled in.
type Manual struct {
	Apply string
	Token string // of the step
	Step  planner.Step
	Pre   planner.Raw // what the object held before the apply; nil when that is not recorded
	Done  bool
	// Names are the variables in which the script keeps what steps give that are
	// not done, by step, and by output where a step gives a second one; this one's own too.
	Names map[string]string
}

// Variable is the name in which the script keeps an output; ok is false for any
// other value.
func (m Manual) Variable(v schema.Value) (name string, ok bool) {
	step, _, ok := planner.SplitOut(v)
	if name = m.Names[v.Text]; ok && name != "" {
		return name, true
	}
	return m.Names[step], ok
}
