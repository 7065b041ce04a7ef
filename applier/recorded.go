package applier

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// recordScheme is how a secret reference names what stands in records only.
const recordScheme = "record:"

// recordRef names what a path held before an apply:
// "record:<apply>/<ref>/<path>", each part escaped as in a URL.
func recordRef(apply string, ref planner.Ref, path string) schema.Value {
	return schema.Value{Is: schema.Secret, Text: recordScheme + url.PathEscape(apply) + "/" + url.PathEscape(string(ref)) + "/" + url.PathEscape(path)}
}

// IsRecorded says that a secret reference is Recorded's to resolve.
func IsRecorded(ref string) bool { return strings.HasPrefix(ref, recordScheme) }

// Recorded answers what a "record:" reference of a Snapshot stands for, as the
// outside's own text.
func (a *Applier) Recorded(ctx context.Context, ref string) (schema.Value, error) {
	id, object, path, err := splitRecordRef(ref)
	if err != nil {
		return schema.Value{}, err
	}
	pre, err := a.preOf(ctx, id, object)
	if err != nil {
		return schema.Value{}, err
	}
	v := pre.At(path)
	if v.Is != schema.Known {
		return schema.Value{}, fmt.Errorf("DC308: the records of apply %s hold no %s of %s; plan the rollback again", id, path, object)
	}
	return v, nil
}

// splitRecordRef takes apart what recordRef made.
func splitRecordRef(ref string) (apply string, object planner.Ref, path string, err error) {
	rest, ok := strings.CutPrefix(ref, recordScheme)
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		if parts[i], err = url.PathUnescape(p); err != nil {
			ok = false
		}
	}
	if !ok || len(parts) != 3 {
		return "", "", "", fmt.Errorf("DC308: %q names no record; plan the rollback again", ref)
	}
	return parts[0], planner.Ref(parts[1]), parts[2], nil
}

// preOf reads an apply's stream as far as the whole object; nil when that is not
// in it.
func (a *Applier) preOf(ctx context.Context, id string, object planner.Ref) (planner.Raw, error) {
	for n := 0; ; n++ {
		b, err := a.batch(ctx, recordKey(id, n))
		if n > 0 && errors.Is(err, ErrNoKey) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range b.Records {
			if raw, is := r.Pre[object]; is {
				return raw, nil
			}
		}
	}
}

// conceal keeps what may be a secret out of a snapshot: what a step wrote of one
// becomes the digest of its begin, what stood there a reference to the records.
func (s *snapshot) conceal(ctx context.Context, d planner.Done) (planner.Done, error) {
	_, digests := s.j.begun(d.Step.ID)
	writes := map[string]schema.Value{}
	for p, v := range d.Step.Writes {
		if digest, ok := digests[p]; ok {
			v = digest
		}
		writes[p] = v
	}
	d.Step.Writes = writes
	for _, p := range sensitive(d.Step, digests) {
		if d.Pre.At(p).Is != schema.Known {
			continue
		}
		ref := recordRef(s.j.id, d.Step.Object, p)
		digest, err := s.j.a.World.Digest(ctx, ref)
		if err != nil {
			return d, err
		}
		s.Digests[ref.Text] = digest
		d.Pre = d.Pre.With(map[string]schema.Value{p: ref})
	}
	return d, nil
}

// sensitive are the paths that a plan speaks of by digest, and those that take a
// secret.
func sensitive(step planner.Step, digests map[string]schema.Value) (paths []string) {
	for _, e := range step.Expects {
		if _, secret := digests[e.Path]; e.Ref == step.Object && (secret || e.Value.Is == schema.Digest) {
			paths = append(paths, e.Path)
		}
	}
	return paths
}
