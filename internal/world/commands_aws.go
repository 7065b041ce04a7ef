package world

import (
	"encoding/json"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// aws begins a shell script of the AWS CLI, which stops at the first thing that is
// not as the plan saw it. AWS itself has no conditional writes: what is read just
// before is all there is.
func (s *script) aws(w planner.World) {
	fmt.Fprintf(&s.b, `#!/bin/sh
set -eu
export AWS_REGION=%s
is() { [ "$1" = "$2" ] || { echo "$3 is \"$1\", the plan saw \"$2\"; nothing from here on was done" >&2; exit 1; }; }
is "$(aws sts get-caller-identity --query Account --output text)" %s account
`, sh(w.Region), sh(w.Account))
}

func modifyTemplateCommand(m applier.Manual) string {
	return checkTemplate(m.Step) + "aws ec2 modify-launch-template --launch-template-id " + sh(m.Step.Object.ID()) + " --default-version " + shellValue(m, m.Step.Writes["default"])
}

func deleteVersionCommand(m applier.Manual) string {
	t, n := cutID(m.Step.Object.ID())
	return "aws ec2 delete-launch-template-versions --launch-template-id " + sh(t) + " --versions " + sh(n)
}

func deleteConfigurationCommand(m applier.Manual) string {
	return "aws autoscaling delete-launch-configuration --launch-configuration-name " + sh(m.Step.Object.ID())
}

func updateGroupCommand(m applier.Manual) string {
	return checkGroup(m.Step) + "aws autoscaling update-auto-scaling-group --auto-scaling-group-name " + sh(m.Step.Object.ID()) + groupFlags(m)
}

// createVersionCommand keeps the number in a variable for the steps that name it.
func createVersionCommand(m applier.Manual) string {
	s, id := m.Step, m.Step.Object.ID()
	data := map[string]any{"ImageId": s.Args["image"].Str()}
	if blocks := s.Args["blocks"].Str(); blocks != "" {
		data["BlockDeviceMappings"] = json.RawMessage(blocks)
	}
	source, token := s.Args["source"].Str(), m.Token
	check := ""
	for _, e := range s.Expects {
		if _, n := cutID(e.Ref.ID()); e.Path == "image" {
			check = fmt.Sprintf("is \"$(aws ec2 describe-launch-template-versions --launch-template-id %s --versions %s --query 'LaunchTemplateVersions[0].LaunchTemplateData.ImageId' --output text)\" %s %s\n",
				sh(id), sh(n), sh(e.Value.Str()), sh(string(e.Ref)))
		}
	}
	return fmt.Sprintf("%s%s=$(aws ec2 create-launch-template-version --launch-template-id %s --source-version %s --client-token %s --version-description %s --launch-template-data %s --query LaunchTemplateVersion.VersionNumber --output text)",
		check, m.Names[s.ID], sh(id), sh(source), sh(token), sh("domctl "+token), sh(schema.JSON(data).Text))
}

// shellValue is a literal, or the variable of the step that gives it.
func shellValue(m applier.Manual, v schema.Value) string {
	if name, ok := m.Variable(v); ok {
		return `"$` + name + `"`
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
		if want == "" {
			want = "None" // as the CLI writes what is not there
		}
		fmt.Fprintf(&b, "is \"$(aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names %s --query 'AutoScalingGroups[0].%s' --output text)\" %s %s\n",
			sh(s.Object.ID()), q, sh(want), sh(e.Path+" of "+s.Object.ID()))
	}
	return b.String()
}

func groupFlags(m applier.Manual) (flags string) {
	s := m.Step
	for _, f := range []struct{ path, flag string }{{"launchConfiguration", "--launch-configuration-name"}, {"min", "--min-size"},
		{"max", "--max-size"}, {"desired", "--desired-capacity"}} {
		if v, ok := s.Writes[f.path]; ok && v.Text != `""` {
			flags += " " + f.flag + " " + shellValue(m, v)
		}
	}
	if v, ok := s.Writes["version"]; ok && v.Text != `""` {
		template, moves := s.Writes["template"]
		if !moves {
			template = s.Args["template"]
		}
		flags += " --launch-template LaunchTemplateId=" + shellValue(m, template) + ",Version=" + shellValue(m, v)
	}
	return flags
}

// copyCommand reads and creates: AWS has no call that copies. What is between
// holds user data, which may hold secrets: nobody else reads it, and it goes
// whatever happens.
func copyCommand(m applier.Manual) string {
	s := m.Step
	name, image := sh(s.Object.ID()), shellValue(m, s.Writes["image"])
	set := ""
	if out, waits := s.Object.Out(); waits {
		prefix, _, _ := strings.Cut(s.Object.ID(), "#")
		set = m.Names[s.ID] + "=" + sh(prefix) + shellValue(m, out) + "\n"
		name = `"$` + m.Names[s.ID] + `"`
	}
	edit := `del(.LaunchConfigurationARN, .CreatedTime) | .LaunchConfigurationName = $name | .ImageId = $image | with_entries(select(.value != "" and .value != []))`
	return set + fmt.Sprintf(`copy=$(umask 077; mktemp)
trap 'rm -f "$copy"' EXIT
trap 'exit 1' HUP INT TERM
aws autoscaling describe-launch-configurations --launch-configuration-names %s --query 'LaunchConfigurations[0]' --output json |
    jq --arg name %s --arg image %s %s > "$copy"
aws autoscaling create-launch-configuration --cli-input-json "file://$copy"
rm "$copy"`, sh(s.Args["from"].Str()), name, image, sh(edit))
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

// sh quotes for a POSIX shell. What a terminal would act on is printed by the
// shell from escapes, which takes line breaks off the end: those are quoted apart.
func sh(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	text := strings.TrimRight(s, "\n")
	var b strings.Builder
	for _, r := range text {
		if !strings.ContainsRune("'\\%\n", r) && !unprintable(r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	out := `"$(printf '` + b.String() + `')"`
	if text != s {
		out += "'" + s[len(text):] + "'"
	}
	return out
}

func unprintable(r rune) bool { return r != '\n' && planner.Printable(string(r)) != string(r) }
