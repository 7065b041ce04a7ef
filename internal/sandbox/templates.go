package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

func copied(m map[string]string) map[string]string { return maps.Clone(m) }

// DescribeLaunchTemplates leaves unknown ids out.
func (w *World) DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error) {
	return read(ctx, w, "DescribeLaunchTemplates", func(s *state) (out []port.LaunchTemplate, n int, _ error) {
		for _, id := range chosen(ids, s.aws.LaunchTemplates) {
			t := s.aws.LaunchTemplates[id]
			out = append(out, port.LaunchTemplate{ID: id, Name: t.Name, Default: t.Default, Latest: t.latest(), Tags: copied(t.Tags)})
		}
		return out, max(len(out), len(ids)), nil
	})
}

// latest is the highest number there is.
func (t launchTemplate) latest() (n int64) {
	for _, v := range t.Versions {
		n = max(n, v.Number)
	}
	return n
}

func (t launchTemplate) version(number int64) (templateVersion, bool) {
	i := slices.IndexFunc(t.Versions, func(v templateVersion) bool { return v.Number == number })
	if i < 0 {
		return templateVersion{}, false
	}
	return t.Versions[i], true
}

func (v templateVersion) port(template string) port.LaunchTemplateVersion {
	return port.LaunchTemplateVersion{Template: template, Description: v.Description, Number: v.Number, Image: v.Image,
		InstanceType: v.InstanceType, Blocks: canonicalJSON(v.Blocks), LazyPull: v.LazyPull, CopiesCache: v.CopiesCache}
}

// canonicalJSON sorts keys, drops white space and keeps numbers as they stand.
func canonicalJSON(raw json.RawMessage) string {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return ""
	}
	return schema.JSON(v).Text
}

func (s *state) template(id string) (launchTemplate, error) {
	t, ok := s.aws.LaunchTemplates[id]
	if !ok {
		return t, fmt.Errorf("launch template %s: %w", id, port.ErrNotFound)
	}
	return t, nil
}

// DescribeLaunchTemplateVersions leaves unknown numbers out; an unknown
// template is ErrNotFound.
func (w *World) DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return read(ctx, w, "DescribeLaunchTemplateVersions", func(s *state) (out []port.LaunchTemplateVersion, n int, _ error) {
		t, err := s.template(template)
		if err != nil {
			return nil, 0, err
		}
		for _, v := range t.Versions {
			if numbers == nil || slices.Contains(numbers, v.Number) {
				out = append(out, v.port(template))
			}
		}
		return out, max(len(out), len(numbers)), nil
	})
}

// DescribeDefaultVersions answers each version once, by template id.
func (w *World) DescribeDefaultVersions(ctx context.Context) ([]port.LaunchTemplateVersion, error) {
	return read(ctx, w, "DescribeDefaultVersions", func(s *state) (out []port.LaunchTemplateVersion, n int, _ error) {
		for _, id := range schema.Sorted(s.aws.LaunchTemplates) {
			t := s.aws.LaunchTemplates[id]
			for _, v := range t.Versions {
				if v.Number == t.Default || v.Number == t.latest() {
					out = append(out, v.port(id))
				}
			}
		}
		return out, len(out), nil
	})
}

// CreateLaunchTemplateVersion inherits what Source has and v does not state.
// Block devices that are not restated lose their snapshots (EC2 API Reference,
// CreateLaunchTemplateVersion, SourceVersion).
func (w *World) CreateLaunchTemplateVersion(ctx context.Context, v port.NewLaunchTemplateVersion) (int64, error) {
	return write(ctx, w, "CreateLaunchTemplateVersion", func(s *state) (*state, int64, error) {
		request := v
		request.Token = ""
		answer, used, err := s.used("CreateLaunchTemplateVersion", v.Token, request)
		if err != nil || used {
			n, _ := strconv.ParseInt(answer, 10, 64)
			return nil, n, err
		}
		t, err := s.template(v.Template)
		if err != nil {
			return nil, 0, err
		}
		source, ok := t.version(v.Source)
		if !ok {
			return nil, 0, fmt.Errorf("version %d of %s: %w", v.Source, v.Template, port.ErrNotFound)
		}
		made, err := source.derived(v, max(t.Next, t.latest()+1))
		if err != nil {
			return nil, 0, err
		}
		t.Versions = append(slices.Clone(t.Versions), made)
		t.Next = made.Number + 1
		return s.withTemplate(v.Template, t).using("CreateLaunchTemplateVersion", v.Token, request, fmt.Sprint(made.Number)), made.Number, nil
	})
}

func (v templateVersion) derived(from port.NewLaunchTemplateVersion, number int64) (templateVersion, error) {
	v.Number, v.Description = number, from.Description
	if from.Image != "" {
		v.Image = from.Image
	}
	if from.Blocks == "" {
		v.Blocks = withoutSnapshots(v.Blocks)
		return v, nil
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(from.Blocks), &list); err != nil {
		return v, fmt.Errorf("block device mappings: %w", err)
	}
	v.Blocks = json.RawMessage(from.Blocks)
	return v, nil
}

func withoutSnapshots(blocks json.RawMessage) json.RawMessage {
	var list []map[string]json.RawMessage
	if json.Unmarshal(blocks, &list) != nil {
		return blocks
	}
	for _, b := range list {
		var ebs map[string]json.RawMessage
		if json.Unmarshal(b["Ebs"], &ebs) == nil {
			delete(ebs, "SnapshotId")
			b["Ebs"] = compact(ebs)
		}
	}
	return compact(list)
}

// ModifyLaunchTemplate makes another version the default.
func (w *World) ModifyLaunchTemplate(ctx context.Context, template string, def int64) error {
	return effect(ctx, w, "ModifyLaunchTemplate", func(s *state) (*state, error) {
		t, err := s.template(template)
		if err != nil {
			return nil, err
		}
		if _, ok := t.version(def); !ok {
			return nil, fmt.Errorf("version %d of %s: %w", def, template, port.ErrNotFound)
		}
		t.Default = def
		return s.withTemplate(template, t), nil
	})
}

// DeleteLaunchTemplateVersion refuses the default version (EC2 User Guide,
// "Delete a launch template version"); its number is never given again.
func (w *World) DeleteLaunchTemplateVersion(ctx context.Context, template string, number int64) error {
	return effect(ctx, w, "DeleteLaunchTemplateVersion", func(s *state) (*state, error) {
		t, err := s.template(template)
		if err != nil {
			return nil, err
		}
		if _, ok := t.version(number); !ok {
			return nil, fmt.Errorf("version %d of %s: %w", number, template, port.ErrNotFound)
		}
		if number == t.Default {
			return nil, fmt.Errorf("version %d of %s is its default version: %w", number, template, port.ErrInUse)
		}
		t.Next = max(t.Next, t.latest()+1)
		t.Versions = slices.DeleteFunc(slices.Clone(t.Versions), func(v templateVersion) bool { return v.Number == number })
		return s.withTemplate(template, t), nil
	})
}

func (s *state) withTemplate(id string, t launchTemplate) *state {
	n := *s
	n.aws.LaunchTemplates = maps.Clone(s.aws.LaunchTemplates)
	n.aws.LaunchTemplates[id] = t
	return &n
}

// used looks an idempotency token up: the answer it was given, or ErrMismatch
// when the request was another ("Ensuring idempotency in Amazon EC2 API
// requests").
func (s *state) used(call, tok string, request any) (answer string, used bool, err error) {
	was, ok := s.aws.Tokens[call+" "+tok]
	if tok == "" || !ok {
		return "", false, nil
	}
	if was.Request != digest(request) {
		return "", true, fmt.Errorf("token %s: %w", tok, port.ErrMismatch)
	}
	return was.Answer, true, nil
}

func (s *state) using(call, tok string, request any, answer string) *state {
	if tok == "" {
		return s
	}
	n := *s
	n.aws.Tokens = maps.Clone(s.aws.Tokens)
	if n.aws.Tokens == nil {
		n.aws.Tokens = map[string]token{}
	}
	n.aws.Tokens[call+" "+tok] = token{Answer: answer, Request: digest(request)}
	return &n
}

func digest(v any) string { return schema.DigestOf(v) }
