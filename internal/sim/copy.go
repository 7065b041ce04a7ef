package sim

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

// Copy is another machine that stands as this one does, at the same time by
// another clock; effects so far are not copied.
func (m *Machine) Copy(ctx context.Context, clock applier.Clock) (*Machine, error) {
	c, err := NewMachine(m.Box.Content(), clock)
	if err != nil {
		return nil, err
	}
	c.Secrets, c.ids = maps.Clone(m.Secrets), m.ids
	bodies := m.Store.Bodies()
	for _, key := range schema.Sorted(bodies) {
		if _, err := c.Store.PutIfNone(ctx, key, bodies[key]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// moments are times in names and fields that tell of no difference: those of an
// apply that began later, or waited.
var moments = regexp.MustCompile(`-\d{8}-\d{4}-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|"domctl:(?:ready|container)":"\d+s"`)

// timeless is a text without them: what was JSON stays it.
func timeless(text string) string {
	return moments.ReplaceAllStringFunc(text, func(moment string) string {
		if tag, _, ok := strings.Cut(moment, `":"`); ok {
			return tag + `":"…"`
		}
		return "…"
	})
}

// Told are the effects as text, sorted: what was written, and how often.
func (m *Machine) Told() (told []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.Effects {
		told = append(told, e.Call+" "+timeless(e.Args))
	}
	slices.Sort(told)
	return told
}
