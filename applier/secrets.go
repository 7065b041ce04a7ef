package applier

import (
	"context"
	"fmt"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// resolvable resolves every secret of a plan once, and names all that cannot be had. A
// value is let go of: it is resolved again at the moment of the write.
func (r *run) resolvable(ctx context.Context, p *planner.Plan) error {
	tried := map[schema.Value]bool{}
	var lacking []error
	for _, s := range p.Steps {
		for _, path := range schema.Sorted(s.Writes) {
			v := s.Writes[path]
			if v.Is != schema.Secret || tried[v] {
				continue
			}
			tried[v] = true
			if _, err := r.digest(ctx, v); err != nil {
				lacking = append(lacking, fmt.Errorf("%s: %w", s.Address, err))
			}
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return &lackingSecrets{lacking}
}

// lackingSecrets are the secrets of a plan that cannot be had.
type lackingSecrets struct{ all []error }

func (l *lackingSecrets) Unwrap() []error { return l.all }

func (l *lackingSecrets) Error() string {
	const most = 30
	var texts []string
	for _, err := range l.all[:min(len(l.all), most)] {
		texts = append(texts, err.Error())
	}
	if more := len(l.all) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return "DC160: " + strings.Join(texts, "; ") + "; nothing was written, and the plan can still be applied"
}
