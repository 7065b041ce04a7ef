package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// revision is what Domino's API knows of one beside its document: what it is built from,
// and how its build goes. One that has none of it is as its document says.
type revision struct {
	Settles string `json:"settles,omitempty"` // when its build ends, RFC 3339
	Fails   string `json:"fails,omitempty"`   // why it will have failed
	Killed  bool   `json:"killed,omitempty"`
	Stopped string `json:"stopped,omitempty"` // when it was killed, RFC 3339
	Trigger string `json:"trigger,omitempty"` // "base": Domino made it, because its base changed
	// Log is what the build writes before it ends; of one that has none, its instructions.
	Log []string `json:"log,omitempty"`

	Image           string            `json:"image,omitempty"`
	Base            string            `json:"base,omitempty"`   // a revision's id
	Follow          string            `json:"follow,omitempty"` // an environment's id
	Dockerfile      string            `json:"dockerfile,omitempty"`
	PreSetup        string            `json:"preSetup,omitempty"`
	PostSetup       string            `json:"postSetup,omitempty"`
	PreRun          string            `json:"preRun,omitempty"`
	PostRun         string            `json:"postRun,omitempty"`
	Tools           string            `json:"tools,omitempty"` // JSON
	Summary         string            `json:"summary,omitempty"`
	Variables       map[string]string `json:"variables,omitempty"`
	DockerArguments []string          `json:"dockerArguments,omitempty"`
	Clusters        []string          `json:"clusters,omitempty"`
	Tags            []string          `json:"tags,omitempty"`
	VPN             bool              `json:"vpn,omitempty"`
	SkipCache       bool              `json:"skipCache,omitempty"`
	Restricted      bool              `json:"restricted,omitempty"`
}

const (
	environmentDocs = "environments_v2"
	revisionDocs    = "environment_revisions"
)

func oid(id string) string { return `{"$oid":"` + id + `"}` }

// document of a collection by its ObjectId.
func (s *state) document(collection, id string) (at int, body value, ok bool) {
	c := s.mongo[collection]
	v, err := parseValue(oid(id))
	if c == nil || err != nil {
		return 0, value{}, false
	}
	at, ok = c.index[v.key()]
	if !ok {
		return 0, value{}, false
	}
	return at, c.docs[at].body, true
}

// textAt is the text of a leaf: digits of a number or an id, JSON of anything else.
func textAt(v value, path string) string {
	got, _ := v.at(schema.SplitPath(path))
	return got.text
}

func numberOf(doc value) int64 {
	n, _ := strconv.ParseInt(textAt(doc, "metadata.number"), 10, 64)
	return n
}

// environment answers ErrNotFound for one that is not there.
func (s *state) environment(id string) (at int, doc value, err error) {
	at, doc, ok := s.document(environmentDocs, id)
	if !ok {
		err = fmt.Errorf("environment %s: %w", id, port.ErrNotFound)
	}
	return at, doc, err
}

// revision of an environment; "" for of: of any.
func (s *state) revision(of, id string) (doc value, err error) {
	_, doc, ok := s.document(revisionDocs, id)
	if !ok || of != "" && textAt(doc, "environmentId") != of {
		err = fmt.Errorf("revision %s: %w", id, port.ErrNotFound)
	}
	return doc, err
}

// ListRevisions are the documents of an environment's revisions.
func (w *World) ListRevisions(ctx context.Context, environment string) ([]port.Revision, error) {
	return read(ctx, w, "ListRevisions", func(s *state) (out []port.Revision, n int, err error) {
		if _, _, err := s.environment(environment); err != nil {
			return nil, 0, err
		}
		out = s.revisions(environment)
		slices.SortStableFunc(out, func(a, b port.Revision) int { return cmp.Compare(b.Number, a.Number) })
		return out, len(out), nil
	})
}

func (s *state) revisions(environment string) (out []port.Revision) {
	c := s.mongo[revisionDocs]
	if c == nil {
		return nil
	}
	for _, d := range c.docs {
		if textAt(d.body, "environmentId") != environment {
			continue
		}
		r := port.Revision{ID: textAt(d.body, "_id"), Number: numberOf(d.body)}
		if at, ok := d.body.at([]string{"metadata", "created"}); ok && at.kind == date {
			ms, _ := strconv.ParseInt(at.text, 10, 64)
			r.Created = time.UnixMilli(ms).UTC()
		}
		out = append(out, r)
	}
	return out
}

// GetDefinition is what a revision is built from.
func (w *World) GetDefinition(ctx context.Context, id string) (port.Definition, error) {
	return read(ctx, w, "GetDefinition", func(s *state) (d port.Definition, n int, err error) {
		if _, err = s.revision("", id); err != nil {
			return d, 0, err
		}
		r := s.domino.Revisions[id]
		d = port.Definition{Image: r.Image, Base: r.Base, Follow: r.Follow, Dockerfile: r.Dockerfile, PreSetup: r.PreSetup, PostSetup: r.PostSetup, PreRun: r.PreRun, PostRun: r.PostRun,
			Tools: r.Tools, Summary: r.Summary, Variables: copied(r.Variables), DockerArguments: slices.Clone(r.DockerArguments), Clusters: slices.Clone(r.Clusters),
			VPN: r.VPN, Restricted: r.Restricted}
		if base, err := s.revision("", d.Base); err == nil {
			d.BaseOf, d.BaseNumber = textAt(base, "environmentId"), numberOf(base)
		}
		return d, 1, nil
	})
}

// CreateRevision adds a revision whose build ends after the file's build time.
func (w *World) CreateRevision(ctx context.Context, environment string, d port.Definition) (string, error) {
	return making(ctx, w, "CreateRevision", func(s *state, fails string) (*state, string, error) {
		_, _, err := s.environment(environment)
		if err == nil {
			d.Base, err = s.based(d)
		}
		if err != nil {
			return nil, "", err
		}
		r := revisionOf(d)
		r.Fails = fails
		return w.revised(s, environment, r)
	})
}

// revised is the state with the next revision of an environment, which begins to build.
func (w *World) revised(s *state, environment string, r revision) (*state, string, error) {
	of := s.domino.Builds[environment]
	takes, err := time.ParseDuration(cmp.Or(of.Time, s.domino.BuildTime, "0s"))
	if err != nil {
		return nil, "", err
	}
	if instruction := breaks.FindString(r.Dockerfile); instruction != "" && r.Fails == "" {
		r.Fails = fmt.Sprintf("the command %q returned a non-zero code", strings.TrimSpace(instruction))
	}
	r.Fails, r.Log = cmp.Or(r.Fails, of.Fails), of.Log
	number := int64(1)
	for _, other := range s.revisions(environment) {
		number = max(number, other.Number+1)
	}
	id := hashed("revision", environment, strconv.FormatInt(number, 10))[len("sha256:"):][:24]
	now := w.opts.Clock().UTC()
	r.Settles = now.Add(takes + w.opts.Settle).Format(time.RFC3339)
	next, err := s.withRevision(environment, id, number, now, r)
	return next, id, err
}

// based is the revision that a new one is built on: that which is active where it
// follows an environment.
func (s *state) based(d port.Definition) (string, error) {
	if d.Follow != "" {
		_, followed, err := s.environment(d.Follow)
		if err != nil {
			return "", fmt.Errorf("%w: %w", port.ErrInvalid, err)
		}
		return textAt(followed, "activeRevisionId"), nil
	}
	if d.Base == "" {
		return "", nil
	}
	if _, err := s.revision("", d.Base); err != nil {
		return "", fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	return d.Base, nil
}

func revisionOf(d port.Definition) revision {
	return revision{Image: d.Image, Base: d.Base, Follow: d.Follow, Dockerfile: d.Dockerfile, PreSetup: d.PreSetup, PostSetup: d.PostSetup, PreRun: d.PreRun, PostRun: d.PostRun,
		Tools: d.Tools, Summary: d.Summary, Variables: copied(d.Variables), DockerArguments: slices.Clone(d.DockerArguments), Clusters: slices.Clone(d.Clusters),
		Tags: slices.Clone(d.Tags), VPN: d.VPN, SkipCache: d.SkipCache, Restricted: d.Restricted}
}

func (s *state) withRevision(environment, id string, number int64, now time.Time, r revision) (*state, error) {
	key, body, err := build(revisionDocs, port.Document{"_id": oid(id), "environmentId": oid(environment), "metadata.number": strconv.FormatInt(number, 10),
		"metadata.created": fmt.Sprintf(`{"$date":{"$numberLong":"%d"}}`, now.UnixMilli()), "metadata.isBuilt": "false"})
	if err != nil {
		return nil, err
	}
	c := s.mongo[revisionDocs]
	if c == nil {
		c = newCollection()
	}
	n := s.with(revisionDocs, c.inserted(key, body))
	n.domino.Revisions = added(s.domino.Revisions, id, r)
	return n, nil
}

// SetActiveRevision takes a built revision of the environment.
func (w *World) SetActiveRevision(ctx context.Context, environment, id string) error {
	return effect(ctx, w, "SetActiveRevision", func(s *state) (*state, error) {
		at, env, err := s.environment(environment)
		if err != nil {
			return nil, err
		}
		doc, err := s.revision(environment, id)
		if err != nil {
			return nil, err
		}
		if status, err := w.status(s, id, doc); err != nil || status != port.BuildSucceeded {
			return nil, fmt.Errorf("revision %s is %s: %w", id, status, cmp.Or(err, port.ErrState))
		}
		e, err := newEdit(port.Document{"activeRevisionId": oid(id)}, nil)
		if err != nil {
			return nil, err
		}
		body, changed, err := e.apply(env)
		if err != nil || !changed {
			return nil, err
		}
		return w.cascade(s.with(environmentDocs, s.mongo[environmentDocs].replaced(at, body)), environment, id)
	})
}

// followers are the environments whose active revision follows another one's.
func (s *state) followers(environment string) (all []port.Follower) {
	c := s.mongo[environmentDocs]
	if c == nil {
		return nil
	}
	for _, d := range c.docs {
		if s.domino.Revisions[textAt(d.body, "activeRevisionId")].Follow == environment {
			name, _ := d.body.at([]string{"name"})
			text, _ := name.str()
			all = append(all, port.Follower{ID: textAt(d.body, "_id"), Name: text})
		}
	}
	slices.SortFunc(all, func(a, b port.Follower) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// ListFollowers of an environment.
func (w *World) ListFollowers(ctx context.Context, environment string) ([]port.Follower, error) {
	return read(ctx, w, "ListFollowers", func(s *state) ([]port.Follower, int, error) {
		if _, _, err := s.environment(environment); err != nil {
			return nil, 0, err
		}
		all := s.followers(environment)
		return all, len(all), nil
	})
}

// cascade builds the followers of an environment again, on its new active revision.
func (w *World) cascade(s *state, environment, active string) (*state, error) {
	for _, f := range s.followers(environment) {
		_, doc, err := s.environment(f.ID)
		if err != nil {
			return nil, err
		}
		r := s.domino.Revisions[textAt(doc, "activeRevisionId")]
		r.Base, r.Tags, r.Trigger = active, nil, "base"
		if s, _, err = w.revised(s, f.ID, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}
