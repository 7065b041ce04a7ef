package sandbox

import (
	"context"
	"fmt"

	"domctl.dev/internal/port"
)

// DefaultEnvironment is the one that the file states, else the first there is.
func (w *World) DefaultEnvironment(ctx context.Context) (string, error) {
	return read(ctx, w, "DefaultEnvironment", func(s *state) (string, int, error) {
		if s.domino.Default != "" {
			return s.domino.Default, 1, nil
		}
		if c := s.mongo[environmentDocs]; c != nil && len(c.docs) > 0 {
			return textAt(c.docs[0].body, "_id"), 1, nil
		}
		return "", 0, fmt.Errorf("default environment: %w", port.ErrNotFound)
	})
}

// SetDefaultEnvironment takes an environment that is in use.
func (w *World) SetDefaultEnvironment(ctx context.Context, environment string) error {
	return effect(ctx, w, "SetDefaultEnvironment", func(s *state) (*state, error) {
		_, doc, err := s.environment(environment)
		if err != nil {
			return nil, err
		}
		if textAt(doc, "isArchived") == "true" {
			return nil, fmt.Errorf("environment %s is archived: %w", environment, port.ErrInvalid)
		}
		n := *s
		n.domino.Default = environment
		return &n, nil
	})
}
