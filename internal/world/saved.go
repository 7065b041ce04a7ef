package world

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Makes answers planner.ErrAltered for a plan from a file that no plan made here
// is: with a step on a collection that the kind of its address does not write to,
// or one that changes a document without the condition of what the plan saw. Its
// hash says that it is as it was saved, not who made it.
func (w *World) Makes(p planner.Plan, d schema.Desired) error {
	rows, table := kinds(), w.Operations()
	for _, s := range p.Steps {
		document, is := strings.CutPrefix(s.Object.Type(), "mongo/")
		var writes map[string][]string
		if k := rows[s.Address.Kind]; k.documents != nil {
			_, writes = k.documents(w.Deployment)
		}
		why := ""
		switch row, known := table[s.Op]; {
		case !known:
			why = "is of no operation"
		case s.Op == operation.RollExecutors:
			why = w.rollsOthers(s, writes, w.executorsAll(d))
		case (row.Tool == "mongosh") != is:
			why = "has an operation for other objects"
		case !is && apiKind(s.Object.Type()) != "" && apiKind(s.Object.Type()) != s.Address.Kind:
			why = "is on what nothing of " + s.Address.Kind + " is written to"
		case !is && apiKind(s.Object.Type()) != "" && !conditioned(s):
			why = "changes an object without a condition"
		case !is:
		case writes[document] == nil:
			why = fmt.Sprintf("is on collection %s, which nothing of %s is written to", document, s.Address.Kind)
		case s.Guard != planner.Conditional && !slices.Contains(row.Calls, "InsertOne"):
			why = "changes a document without a condition"
		}
		if why != "" {
			return fmt.Errorf("%w (step %s %s)", planner.ErrAltered, planner.Printable(s.ID), planner.Printable(why))
		}
	}
	return nil
}

// rollsOthers says that a step which rolls executors is for others than the files say, or
// would write elsewhere.
func (w *World) rollsOthers(s planner.Step, writes map[string][]string, is schema.Executors) string {
	groups, _ := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	var e schema.Executors
	err := json.Unmarshal([]byte(s.Args["executors"].Text), &e)
	spared := !slices.ContainsFunc(is.Kept, func(name string) bool { return !slices.Contains(e.Kept, name) })
	is.Named, is.Alone, is.Kept = e.Named, e.Alone, e.Kept
	switch {
	case s.Object.Type() != "mongo/"+groups || writes[groups] == nil || len(s.Writes) > 0:
		return "has an operation for other objects"
	case err != nil || !spared || !reflect.DeepEqual(e, is) || len(is.Tags) == 0 || !slices.Contains(e.Named, idPlain(s.Object)):
		return "is for executors other than the files say"
	case !switchesBack(s, is.Image):
		return "has another write than the one that takes its switch back"
	}
	return ""
}

// switchesBack says that what a roll of executors would switch when it fails, if anything, is
// the image of its own executor group, at this path, to the one that it replaces.
func switchesBack(s planner.Step, path string) bool {
	stated := s.Args["switch"]
	if stated.Is == schema.Absent {
		return true
	}
	var back planner.Step
	err := json.Unmarshal([]byte(stated.Text), &back)
	return err == nil && back.Op == operation.UpdateDocument && back.Object == s.Object && back.Guard == planner.Conditional && len(back.Expects)+len(back.Args) == 0 &&
		reflect.DeepEqual(back.Writes, map[string]schema.Value{path: s.Args["from"]})
}

// apiKind is the kind whose objects Domino's API keeps under a type of refs; "" for any
// other type.
func apiKind(typ string) string {
	for name, k := range kinds() {
		if k.api != "" && k.api == typ {
			return name
		}
	}
	return ""
}

// conditioned says that a step expects something of each place that it writes; of an
// object that it makes or removes, anything.
func conditioned(s planner.Step) bool {
	if _, whole := s.Writes[""]; whole {
		return len(s.Expects) > 0
	}
	for p := range s.Writes {
		if !slices.ContainsFunc(s.Expects, func(e planner.Expect) bool { return e.Ref == s.Object && e.Path == p }) {
			return false
		}
	}
	return true
}
