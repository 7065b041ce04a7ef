package world

import "context"

// lookBaseImages reads nothing: a base image is what resolved.cue holds, and
// `domctl update` alone asks the registry. What the files state is what lives.
func lookBaseImages(_ context.Context, l *look) error {
	for _, a := range l.wanted("baseImages") {
		o, ok := l.desired.Objects[a]
		if !ok {
			continue
		}
		seen := observedOf(a.Name)
		for p, v := range o.Fields {
			if p == "image" || len(p) > len("digests.") && p[:len("digests.")] == "digests." {
				seen.Fields[p] = v
			}
		}
		l.observe(a, "", seen)
	}
	return nil
}
