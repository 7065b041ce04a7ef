package planner

import (
	"fmt"
	"slices"

	"domctl.dev/schema"
)

// membership is a tier or a pool as one of the rollout of an image.
type membership struct{ member, of schema.Address }

// held are those whose image is held back, and why.
type held map[membership]schema.Finding

// behind holds back what the plan switches although somebody of an earlier wave
// neither stands on the image nor is switched to it before; more says that there was
// such a thing, so that the plan has to be made again.
func (m *maker) behind() (more bool) {
	switched := map[schema.Address][]string{}
	for _, c := range m.plan.Changes {
		for _, d := range c.Fields {
			if c.Blocked == "" {
				switched[c.Address] = append(switched[c.Address], d.Path)
			}
		}
	}
	for of, o := range m.in.Desired.Objects {
		waves := o.Rollout()
		if len(waves) == 0 {
			continue
		}
		var why *schema.Finding
		for n, members := range m.byWave(of, waves) {
			for _, a := range members {
				paths := m.in.Desired.Objects[a].UsesOf(of)
				if why != nil && slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(switched[a], p) }) {
					m.back[membership{a, of}], more = *why, true
				}
			}
			for i := 0; i < len(members) && why == nil; i++ {
				why = m.misses(membership{members[i], of}, n, switched[members[i]])
			}
		}
	}
	return more
}

// byWave are those that take an image, by the wave that names them; what none names
// comes last.
func (m *maker) byWave(of schema.Address, waves []schema.Wave) [][]schema.Address {
	out, named := make([][]schema.Address, len(waves)+1), map[schema.Address]bool{}
	for n, w := range waves {
		for _, a := range w.Members() {
			if !named[a] && len(m.in.Desired.Objects[a].UsesOf(of)) > 0 {
				named[a], out[n] = true, append(out[n], a)
			}
		}
	}
	for a, o := range m.in.Desired.Objects {
		if !named[a] && len(o.UsesOf(of)) > 0 {
			out[len(waves)] = append(out[len(waves)], a)
		}
	}
	return out
}

// misses says why a member neither stands on the image nor is switched to it by this
// plan; nil when it does or is.
func (m *maker) misses(who membership, n int, switched []string) *schema.Finding {
	a, o := who.member, m.in.Desired.Objects[who.member]
	for _, p := range o.UsesOf(who.of) {
		want, stands := m.referred(o.Fields[p]), m.in.Live.Objects[a].Fields[p]
		if slices.Contains(switched, p) || want.Is == schema.Known && want == stands {
			continue
		}
		why, hint := m.unswitched(a, p)
		return &schema.Finding{Code: "DC268", Severity: schema.Warning,
			Message: fmt.Sprintf("waits for wave %d of the rollout of %s: %s does not stand on the image, since it %s", n+1, who.of, a, why),
			Hint:    hint + ", or take " + a.String() + " out of the wave"}
	}
	return nil
}

// unswitched says why nothing is done about a field, and what could be.
func (m *maker) unswitched(a schema.Address, path string) (why, hint string) {
	switch {
	case m.excluded(a):
		return "is left out by --exclude", "plan it along"
	case !m.seen[a]:
		return "is left out by --target", "plan it along"
	case m.off[a]:
		return "was rolled back and stays off", "plan with --unlatch"
	}
	for _, c := range m.plan.Changes {
		if c.Address == a && c.Blocked != "" && (len(c.Fields) == 0 || slices.ContainsFunc(c.Fields, func(d Diff) bool { return d.Path == path })) {
			return "is blocked: " + c.Blocked, "see its own finding"
		}
	}
	return "is not switched by this plan", "see its own findings"
}

// waves takes out of a change the images that are held back.
func (t *threeWay) waves() {
	byEntry := map[schema.Address]*Left{}
	for _, d := range t.change.Fields {
		of, _, _ := t.at.Fields[d.Path].Target()
		why, is := t.m.back[membership{t.change.Address, of}]
		if !is {
			continue
		}
		if byEntry[of] == nil {
			why.Address = t.change.Address
			byEntry[of] = &Left{Why: why}
		}
		byEntry[of].Fields = append(byEntry[of].Fields, d.Path)
	}
	for _, of := range schema.Addresses(byEntry) {
		t.left = append(t.left, *byEntry[of])
	}
}

// wait leaves out what is held back; what was applied of it stays so.
func (m *maker) wait(c *Change, was *schema.Entry, entry *schema.Entry, left []Left) {
	m.leave(c, entry, left)
	if was == nil {
		return
	}
	for _, l := range left {
		for _, p := range l.Fields {
			if v, known := was.Fields[p]; known {
				entry.Fields[p] = v
			}
		}
	}
}
