package world

import (
	"encoding/json"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// script is a script of one tool in the making. A step of an operation that is
// not known here is told as one that nobody wrote a command for: a script that left
// it out in silence would go on without it.
type script struct {
	b                   strings.Builder
	tool, mark, unknown string
	names               map[string]string // by step that gives something and is not done
}

// Script writes the steps of one tool, "mongosh", "aws", "kubectl" or "curl", for a person, and
// counts them; ok is false for any other tool. What is done already is a comment.
func (w *World) Script(tool string, p planner.World, steps []applier.Manual) (text string, n int, ok bool) {
	s := script{tool: tool, names: map[string]string{}}
	switch tool {
	case "mongosh":
		s.mark, s.unknown = "// ", `throw new Error("domctl knows no command for this step");`
		s.mongosh(p)
	case "aws":
		s.mark, s.unknown = "# ", `echo "domctl knows no command for this step" >&2; exit 1`
		s.aws(p)
	case "kubectl":
		s.mark, s.unknown = "# ", `echo "domctl knows no command for this step" >&2; exit 1`
		s.kubectl(w.Deployment.Kubernetes)
	case "curl":
		s.mark, s.unknown = "# ", `echo "domctl knows no command for this step" >&2; exit 1`
		s.curl(w.Deployment.Domino, steps)
	default:
		return "", 0, false
	}
	table := w.Operations()
	for _, m := range steps {
		row, known := table[m.Step.Op]
		switch {
		case known && row.Tool != tool:
			continue
		case known && m.Step.Creates != "":
			s.names[m.Step.ID] = fmt.Sprintf("%s%d", m.Step.Creates, len(s.names)+1)
			if m.Step.Op == operation.CreateEnvironment {
				s.names[planner.OutOf(m.Step.ID, "revision").Text] = revisionOutput(s.names[m.Step.ID])
			}
		case known && m.Step.Op == operation.ActivateRevision: // a child is built on what it makes active
			s.names[m.Step.ID] = fmt.Sprintf("active%d", len(s.names)+1)
		}
		n++
		m.Names = s.names
		command := s.unknown
		if known {
			command = row.Command(m)
		}
		s.step(m, command)
	}
	return s.text(), n, true
}

// text of a script for mongosh holds nothing that a terminal acts on: what does
// stands in strings and comments alone, where an escape is as good. A shell's words
// are written by sh.
func (s *script) text() string {
	if s.tool != "mongosh" {
		return s.b.String()
	}
	lines := strings.Split(s.b.String(), "\n")
	for i, line := range lines {
		lines[i] = planner.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// step writes one step under its address, behind marks when it is done.
func (s *script) step(m applier.Manual, command string) {
	fmt.Fprintf(&s.b, "\n%s%s: %s %s", s.mark, planner.Printable(m.Step.Address.String()), m.Step.Op, planner.Printable(string(m.Step.Object)))
	if m.Done {
		s.b.WriteString(", done")
		command = s.mark + strings.ReplaceAll(command, "\n", "\n"+s.mark)
	}
	s.b.WriteString("\n" + command + "\n")
}

// mongosh begins a script for mongosh. Every write names the _id and what the plan
// saw; a secret is never in it.
func (s *script) mongosh(w planner.World) {
	fmt.Fprintf(&s.b, `// mongosh "$DOMCTL_MONGO_URI" --file THIS
db = db.getSiblingDB(%s);
const is = (n, what) => { if (n !== 1) throw new Error(what + " is not as the plan saw it; nothing from here on was written"); };
const none = (n, what) => is(n + 1, what);
const secret = (ref) => { throw new Error("put the value of " + ref + " in place of this call"); };
const doc = (d) => EJSON.deserialize(d, {relaxed: false});
`, js(w.Database))
}

// collection is how mongosh names the collection of a step's object.
func collection(m applier.Manual) string {
	return "db.getCollection(" + js(collectionOf(m.Step.Object)) + ")"
}

func insertCommand(m applier.Manual) string {
	on, what := collection(m), js(string(m.Step.Object))
	return fmt.Sprintf("none(%s.countDocuments(%s), %s);\n%s.insertOne(doc(%s), {writeConcern: {w: \"majority\"}});", on, absent(m), what, on, document(m))
}

func deleteCommand(m applier.Manual) string {
	return fmt.Sprintf("is(%s.deleteOne(%s, {writeConcern: {w: \"majority\"}}).deletedCount, %s);", collection(m), filter(m), js(string(m.Step.Object)))
}

func updateCommand(m applier.Manual) string {
	return fmt.Sprintf("is(%s.updateOne(%s, %s, {writeConcern: {w: \"majority\"}}).matchedCount, %s);", collection(m), filter(m), update(m), js(string(m.Step.Object)))
}

// absent is what no document may be when one is inserted.
func absent(m applier.Manual) string {
	if collectionOf(m.Step.Object) != configCollection {
		return jsDoc([]string{member("_id", m.Step.Writes["_id"])})
	}
	return jsDoc([]string{member("namespace", m.Step.Writes["namespace"]), member("key", m.Step.Writes["key"])})
}

// filter names the _id and the pre-image of each path the step expects. A
// pre-image that is a secret is left out, and said so.
func filter(m applier.Manual) string {
	id := m.Pre.At("_id")
	if id.Is != schema.Known {
		id = schema.Value{Is: schema.Known, Text: idJSON(m.Step.Object.ID())}
	}
	members := []string{member("_id", id)}
	for _, e := range m.Step.Expects {
		switch {
		case e.Ref != m.Step.Object || e.Path == "" || e.Path == "_id":
		case e.Value.Is == schema.Absent:
			members = append(members, js(e.Path)+`: {"$exists": false}`)
		case e.Value.Is == schema.Digest:
			members = append(members, "/* "+strings.ReplaceAll(e.Path, "*/", "")+" held a secret, which is not compared */")
		default:
			leaves := port.Document{}
			spread(leaves, e.Path, e.Value.Text)
			for _, p := range schema.Sorted(leaves) {
				members = append(members, member(p, schema.Value{Is: schema.Known, Text: leaves[p]}))
			}
		}
	}
	return "doc(" + jsDoc(members) + ")"
}

func update(m applier.Manual) string {
	var set, unset, parts []string
	for _, p := range schema.Sorted(m.Step.Writes) {
		if v := m.Step.Writes[p]; v.Is == schema.Absent {
			unset = append(unset, js(p)+`: ""`)
		} else {
			set = append(set, member(p, v))
		}
	}
	if len(set) > 0 {
		parts = append(parts, `"$set": `+jsDoc(set))
	}
	if len(unset) > 0 {
		parts = append(parts, `"$unset": `+jsDoc(unset))
	}
	return "doc(" + jsDoc(parts) + ")"
}

// document composes the whole document of an insert.
func document(m applier.Manual) string {
	raw := planner.Raw{}
	top := map[string]bool{}
	for p, v := range m.Step.Writes {
		if p != "" && v.Is != schema.Absent {
			raw[p], top[schema.SplitPath(p)[0]] = v, true
		}
	}
	members := []string{member("_id", raw["_id"])}
	delete(top, "_id")
	for _, name := range schema.Sorted(top) {
		members = append(members, member(name, raw.At(schema.JoinPath(name))))
	}
	return jsDoc(members)
}

func jsDoc(members []string) string { return "{" + strings.Join(members, ", ") + "}" }

func member(name string, v schema.Value) string { return js(name) + ": " + jsValue(v) }

// jsValue is a value in a script: Extended JSON, or where a secret comes from.
func jsValue(v schema.Value) string {
	switch env, ok := strings.CutPrefix(v.Text, "env:"); {
	case v.Is == schema.Secret && ok:
		return fmt.Sprintf("process.env[%s] ?? secret(%s)", js(env), js(v.Text))
	case v.Is == schema.Known && json.Valid([]byte(v.Text)):
		return v.Text
	default:
		return fmt.Sprintf("secret(%s)", js(string(v.Is)+" "+v.Text))
	}
}

func js(s string) string { return schema.JSON(s).Text }
