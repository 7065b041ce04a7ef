package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// status of a revision's build, and whether its document says that it is built.
func (w *World) status(s *state, id string, doc value) (status string, err error) {
	r, known := s.domino.Revisions[id]
	switch built := textAt(doc, "metadata.isBuilt") == "true"; {
	case r.Killed:
		return port.BuildKilled, nil
	case known && r.Settles != "":
		if status, err = w.settled(port.BuildBuilding, r.Settles, port.BuildBuilding, port.BuildSucceeded); status == port.BuildSucceeded && r.Fails != "" {
			status = port.BuildFailed
		}
		return status, err
	case built:
		return port.BuildSucceeded, nil
	}
	return port.BuildFailed, nil
}

// built is the state with the documents of revisions whose build has ended as Domino
// writes them, and with what became of groups' instances.
func (w *World) built(s *state) *state {
	s = w.karpened(w.lived(s))
	for _, id := range schema.Sorted(s.domino.Revisions) {
		if s.domino.Revisions[id].Settles == "" {
			continue
		}
		at, doc, there := s.document(revisionDocs, id)
		if !there || textAt(doc, "metadata.isBuilt") == "true" {
			continue
		}
		if status, err := w.status(s, id, doc); err != nil || status != port.BuildSucceeded {
			continue
		}
		tag := fmt.Sprintf("%s-%d", textAt(doc, "environmentId"), numberOf(doc))
		e, err := newEdit(port.Document{"metadata.isBuilt": "true", "metadata.dockerImageName.repository": quote("domino-environment"),
			"metadata.dockerImageName.tag": quote(tag)}, nil)
		if err != nil {
			continue
		}
		if body, changed, err := e.apply(doc); err == nil && changed {
			s = s.with(revisionDocs, s.mongo[revisionDocs].replaced(at, body)).pushed("domino-environment:"+tag, s.domino.Revisions[id])
		}
	}
	return s
}

// GetBuild tells the status of a revision's build.
func (w *World) GetBuild(ctx context.Context, environment, id string) (port.Build, error) {
	return read(ctx, w, "GetBuild", func(s *state) (b port.Build, n int, err error) {
		doc, err := s.revision(environment, id)
		if err != nil {
			return b, 0, err
		}
		b.Status, err = w.status(s, id, doc)
		b.Tags = slices.Clone(s.domino.Revisions[id].Tags)
		return b, 1, err
	})
}

// breaks is an instruction that ends a build: RUN false, RUN exit 3.
var breaks = regexp.MustCompile(`(?m)^\s*RUN\s+(false|exit\s+[1-9]\d*)\s*$`)

// CancelBuild ends a build that is under way.
func (w *World) CancelBuild(ctx context.Context, environment, id string) error {
	return effect(ctx, w, "CancelBuild", func(s *state) (*state, error) {
		doc, err := s.revision(environment, id)
		if err != nil {
			return nil, err
		}
		if status, err := w.status(s, id, doc); err != nil || status != port.BuildBuilding {
			return nil, fmt.Errorf("revision %s is %s: %w", id, status, cmp.Or(err, port.ErrState))
		}
		r := s.domino.Revisions[id]
		r.Killed, r.Stopped = true, w.opts.Clock().UTC().Format(time.RFC3339)
		n := *s
		n.domino.Revisions = added(s.domino.Revisions, id, r)
		return &n, nil
	})
}
