package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
)

const (
	userDocs         = "users"
	organizationDocs = "organizations"
)

// CreateEnvironment adds an environment whose first revision begins to build. Another
// one of the same name is no obstacle: whether Domino takes it is not documented, so
// that nothing may rest on it.
func (w *World) CreateEnvironment(ctx context.Context, e port.NewEnvironment) (string, error) {
	return making(ctx, w, "CreateEnvironment", func(s *state, fails string) (next *state, id string, err error) {
		owner := e.Owner
		if owner == "" {
			owner = s.idOf(cmp.Or(s.domino.User, "admin"))
		}
		if err := s.takes(e.Name, e.Visibility, owner, e.Owner != ""); err != nil {
			return nil, "", err
		}
		if e.First.Base, err = s.based(e.First); err != nil {
			return nil, "", err
		}
		count := 0
		if c := s.mongo[environmentDocs]; c != nil {
			count = len(c.docs)
		}
		day := w.opts.Clock().Truncate(24 * time.Hour) // so that ids are the same throughout one
		id = fmt.Sprintf("%08x", day.Unix()) + hashed("environment", e.Name, owner, strconv.Itoa(count))[len("sha256:"):][:16]
		d := port.Document{"_id": oid(id), "name": quote(e.Name), "description": quote(e.Description), "visibility": quote(e.Visibility), "isArchived": "false"}
		if owner != "" {
			d["ownerId"] = oid(owner)
		}
		key, body, err := build(environmentDocs, d)
		if err != nil {
			return nil, "", err
		}
		c := s.mongo[environmentDocs]
		if c == nil {
			c = newCollection()
		}
		r := revisionOf(e.First)
		r.Fails = fails
		next, _, err = w.revised(s.with(environmentDocs, c.inserted(key, body)), id, r)
		return next, id, err
	})
}

// takes refuses what Domino's form refuses: no name, a visibility that is none, an owner
// that is not there, and for an organization one that is none.
func (s *state) takes(name, visibility, owner string, stated bool) error {
	_, _, there := s.document(userDocs, owner)
	switch {
	case name == "":
		return fmt.Errorf("%w: an environment has a name", port.ErrInvalid)
	case !slices.Contains([]string{port.VisibilityPrivate, port.VisibilityOrganization, port.VisibilityGlobal}, visibility):
		return fmt.Errorf("%w: %q is no visibility", port.ErrInvalid, visibility)
	case stated && !there:
		return fmt.Errorf("%w: there is no user %s", port.ErrInvalid, owner)
	case visibility == port.VisibilityOrganization && !s.organization(owner):
		return fmt.Errorf("%w: %s is no organization", port.ErrInvalid, owner)
	}
	return nil
}

// idOf a user by login; "" for one that the file does not hold.
func (s *state) idOf(login string) string {
	c := s.mongo[userDocs]
	if c == nil {
		return ""
	}
	for _, d := range c.docs {
		if at, ok := d.body.at([]string{"loginId", "id"}); ok {
			if text, is := at.str(); is && text == login {
				return textAt(d.body, "_id")
			}
		}
	}
	return ""
}

// organization says of a user that an organization has it.
func (s *state) organization(user string) bool {
	c := s.mongo[organizationDocs]
	return c != nil && slices.ContainsFunc(c.docs, func(d *record) bool { return textAt(d.body, "organizationUserId") == user })
}

// ArchiveEnvironment hides an environment.
func (w *World) ArchiveEnvironment(ctx context.Context, environment string) error {
	return effect(ctx, w, "ArchiveEnvironment", func(s *state) (*state, error) {
		return s.changed(environment, port.Document{"isArchived": "true"})
	})
}

// ShareEnvironment sets an environment's visibility and owner.
func (w *World) ShareEnvironment(ctx context.Context, environment, visibility, owner string) error {
	return effect(ctx, w, "ShareEnvironment", func(s *state) (*state, error) {
		_, env, err := s.environment(environment)
		if err != nil {
			return nil, err
		}
		if err := s.takes("-", visibility, cmp.Or(owner, textAt(env, "ownerId")), owner != ""); err != nil {
			return nil, err
		}
		set := port.Document{"visibility": quote(visibility)}
		if owner != "" {
			set["ownerId"] = oid(owner)
		}
		return s.changed(environment, set)
	})
}

// changed is the state with some fields of an environment's document set; nil where they
// stand.
func (s *state) changed(environment string, set port.Document) (*state, error) {
	at, env, err := s.environment(environment)
	if err != nil {
		return nil, err
	}
	e, err := newEdit(set, nil)
	if err != nil {
		return nil, err
	}
	body, changed, err := e.apply(env)
	if err != nil || !changed {
		return nil, err
	}
	return s.with(environmentDocs, s.mongo[environmentDocs].replaced(at, body)), nil
}
