package world

import (
	"encoding/json"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Manual is one step as a person would carry it out: outputs of done steps are
// filled in.
type Manual struct {
	Apply string
	Step  planner.Step
	Pre   planner.Raw // what the object held before the apply; nil when that is not recorded
	Done  bool
}

// Mongosh writes the steps on MongoDB as a script for mongosh. Every write names
// the _id and what the plan saw; a secret is never in it. What is done already
// is a comment.
func Mongosh(w planner.World, steps []Manual) (text string, n int) {
	var b strings.Builder
	fmt.Fprintf(&b, `// mongosh "$DOMCTL_MONGO_URI" --file THIS
db = db.getSiblingDB(%s);
const is = (n, what) => { if (n !== 1) throw new Error(what + " is not as the plan saw it; nothing from here on was written"); };
const none = (n, what) => is(n + 1, what);
const secret = (ref) => { throw new Error("put the value of " + ref + " in place of this call"); };
const doc = (d) => EJSON.deserialize(d, {relaxed: false});
`, js(w.Database))
	for _, m := range steps {
		if strings.HasPrefix(m.Step.Op, "mongo.") {
			n++
			m.comment(&b, "// ", m.mongosh())
		}
	}
	return b.String(), n
}

// comment writes one step under its address, behind marks when it is done.
func (m Manual) comment(b *strings.Builder, mark, command string) {
	fmt.Fprintf(b, "\n%s%s: %s %s", mark, planner.Printable(m.Step.Address.String()), m.Step.Op, planner.Printable(string(m.Step.Object)))
	if m.Done {
		b.WriteString(", done")
		command = mark + strings.ReplaceAll(command, "\n", "\n"+mark)
	}
	b.WriteString("\n" + command + "\n")
}

func (m Manual) mongosh() string {
	s := m.Step
	on := "db.getCollection(" + js(collectionOf(s.Object)) + ")"
	what := js(string(s.Object))
	switch s.Op {
	case "mongo.insert":
		return fmt.Sprintf("none(%s.countDocuments(%s), %s);\n%s.insertOne(doc(%s), {writeConcern: {w: \"majority\"}});", on, m.absent(), what, on, m.document())
	case "mongo.delete":
		return fmt.Sprintf("is(%s.deleteOne(%s, {writeConcern: {w: \"majority\"}}).deletedCount, %s);", on, m.filter(), what)
	}
	return fmt.Sprintf("is(%s.updateOne(%s, %s, {writeConcern: {w: \"majority\"}}).matchedCount, %s);", on, m.filter(), m.update(), what)
}

// absent is what no document may be when one is inserted.
func (m Manual) absent() string {
	if collectionOf(m.Step.Object) != configCollection {
		return jsDoc([]string{member("_id", m.Step.Writes["_id"])})
	}
	return jsDoc([]string{member("namespace", m.Step.Writes["namespace"]), member("key", m.Step.Writes["key"])})
}

// filter names the _id and the pre-image of each path the step expects. A
// pre-image that is a secret is left out, and said so.
func (m Manual) filter() string {
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

func (m Manual) update() string {
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
func (m Manual) document() string {
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

// AWS writes the steps on AWS as a shell script of the AWS CLI, which stops at
// the first thing that is not as the plan saw it. AWS itself has no conditional
// writes: what is read just before is all there is.
func AWS(w planner.World, steps []Manual) (text string, n int) {
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/sh
set -eu
export AWS_REGION=%s
is() { [ "$1" = "$2" ] || { echo "$3 is \"$1\", the plan saw \"$2\"; nothing from here on was done" >&2; exit 1; }; }
is "$(aws sts get-caller-identity --query Account --output text)" %s account
`, sh(w.Region), sh(w.Account))
	script := awsScript{version: map[string]string{}}
	for _, m := range steps {
		if command := script.command(m); command != "" {
			n++
			m.comment(&b, "# ", command)
		}
	}
	return b.String(), n
}

// awsScript names what steps that are not done will give.
type awsScript struct{ version map[string]string }

func (a *awsScript) command(m Manual) string {
	s, id := m.Step, m.Step.Object.ID()
	switch s.Op {
	case "ec2.CreateLaunchTemplateVersion":
		return a.createVersion(m)
	case "ec2.ModifyLaunchTemplate":
		return checkTemplate(s) + "aws ec2 modify-launch-template --launch-template-id " + sh(id) + " --default-version " + a.value(s.Writes["default"])
	case "ec2.DeleteLaunchTemplateVersion":
		t, n := cutID(id)
		return "aws ec2 delete-launch-template-versions --launch-template-id " + sh(t) + " --versions " + sh(n)
	case "autoscaling.CopyLaunchConfiguration":
		return copyCommand(s)
	case "autoscaling.DeleteLaunchConfiguration":
		return "aws autoscaling delete-launch-configuration --launch-configuration-name " + sh(id)
	case "autoscaling.UpdateAutoScalingGroup":
		return checkGroup(s) + "aws autoscaling update-auto-scaling-group --auto-scaling-group-name " + sh(id) + a.groupFlags(s)
	case "eks.UpdateNodegroupConfig":
		cluster, name := cutID(id)
		return "aws eks update-nodegroup-config --cluster-name " + sh(cluster) + " --nodegroup-name " + sh(name) +
			" --client-request-token " + sh(applier.Token(m.Apply, s.ID)) + " --scaling-config " + sh(scaling(s))
	}
	if strings.HasPrefix(s.Op, "mongo.") {
		return "" // mongosh's
	}
	return noCommand
}

// noCommand stands for a step that nobody wrote a command for: a script that left
// it out in silence would go on without it.
const noCommand = `echo "domctl knows no command for this step" >&2; exit 1`

// createVersion keeps the number in a variable for the steps that name it.
func (a *awsScript) createVersion(m Manual) string {
	s, id := m.Step, m.Step.Object.ID()
	name := fmt.Sprintf("version%d", len(a.version)+1)
	a.version[s.ID] = name
	data := map[string]any{"ImageId": s.Args["image"].Str()}
	if blocks := s.Args["blocks"].Str(); blocks != "" {
		data["BlockDeviceMappings"] = json.RawMessage(blocks)
	}
	source, token := s.Args["source"].Str(), applier.Token(m.Apply, s.ID)
	check := ""
	for _, e := range s.Expects {
		if _, n := cutID(e.Ref.ID()); e.Path == "image" {
			check = fmt.Sprintf("is \"$(aws ec2 describe-launch-template-versions --launch-template-id %s --versions %s --query 'LaunchTemplateVersions[0].LaunchTemplateData.ImageId' --output text)\" %s %s\n",
				sh(id), sh(n), sh(e.Value.Str()), sh(string(e.Ref)))
		}
	}
	return fmt.Sprintf("%s%s=$(aws ec2 create-launch-template-version --launch-template-id %s --source-version %s --client-token %s --version-description %s --launch-template-data %s --query LaunchTemplateVersion.VersionNumber --output text)",
		check, name, sh(id), sh(source), sh(token), sh("domctl "+token), sh(schema.JSON(data).Text))
}

// value is a literal, or the variable of the step that gives it.
func (a *awsScript) value(v schema.Value) string {
	if step, _, ok := planner.SplitOut(v); ok {
		return `"$` + a.version[step] + `"`
	}
	if s := v.Str(); s != "" {
		return sh(s)
	}
	return sh(v.Text)
}

func checkTemplate(s planner.Step) string {
	for _, e := range s.Expects {
		if e.Ref == s.Object && e.Path == "default" {
			return fmt.Sprintf("is \"$(aws ec2 describe-launch-templates --launch-template-ids %s --query 'LaunchTemplates[0].DefaultVersionNumber' --output text)\" %s %s\n",
				sh(s.Object.ID()), sh(e.Value.Str()), sh("the default version of "+s.Object.ID()))
		}
	}
	return ""
}

// checkGroup compares what decided the step with the group as it stands.
func checkGroup(s planner.Step) string {
	queries := map[string]string{"min": "MinSize", "max": "MaxSize", "desired": "DesiredCapacity", "launchConfiguration": "LaunchConfigurationName",
		"version": "LaunchTemplate.Version", "template": "LaunchTemplate.LaunchTemplateId"}
	var b strings.Builder
	for _, e := range s.Expects {
		q, ok := queries[e.Path]
		if !ok || e.Ref != s.Object {
			continue
		}
		want := e.Value.Text
		if text := e.Value.Str(); text != "" || want == `""` {
			want = text
		}
		fmt.Fprintf(&b, "is \"$(aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names %s --query 'AutoScalingGroups[0].%s' --output text)\" %s %s\n",
			sh(s.Object.ID()), q, sh(want), sh(e.Path+" of "+s.Object.ID()))
	}
	return b.String()
}

func (a *awsScript) groupFlags(s planner.Step) (flags string) {
	for _, f := range []struct{ path, flag string }{{"launchConfiguration", "--launch-configuration-name"}, {"min", "--min-size"},
		{"max", "--max-size"}, {"desired", "--desired-capacity"}} {
		if v, ok := s.Writes[f.path]; ok {
			flags += " " + f.flag + " " + a.value(v)
		}
	}
	if v, ok := s.Writes["version"]; ok {
		flags += " --launch-template LaunchTemplateId=" + sh(s.Args["template"].Str()) + ",Version=" + a.value(v)
	}
	return flags
}

// copyCommand reads and creates: AWS has no call that copies.
func copyCommand(s planner.Step) string {
	edit := fmt.Sprintf("del(.LaunchConfigurationARN, .CreatedTime) | .LaunchConfigurationName = %s | .ImageId = %s | with_entries(select(.value != \"\" and .value != []))",
		js(s.Object.ID()), s.Writes["image"].Text)
	return fmt.Sprintf("aws autoscaling describe-launch-configurations --launch-configuration-names %s --query 'LaunchConfigurations[0]' --output json |\n    jq %s > copy.json\naws autoscaling create-launch-configuration --cli-input-json file://copy.json\nrm copy.json",
		sh(s.Args["from"].Str()), sh(edit))
}

func scaling(s planner.Step) string {
	var parts []string
	for _, f := range []struct{ path, name string }{{"min", "minSize"}, {"max", "maxSize"}, {"desired", "desiredSize"}} {
		if v, ok := s.Writes[f.path]; ok {
			parts = append(parts, f.name+"="+v.Text)
		}
	}
	return strings.Join(parts, ",")
}

// sh quotes for a POSIX shell.
func sh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
