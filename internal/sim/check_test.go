package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// recordCache holds the store's records by key: they never change.
type recordCache map[string][]applier.Record

// stream is one apply's records, of all that is stored.
func (h *history) stream(bodies map[string][]byte, id string) (all []applier.Record) {
	for _, key := range schema.Sorted(bodies) {
		if !strings.HasPrefix(key, "applies/"+id+"/") {
			continue
		}
		if _, ok := h.records[key]; !ok {
			var b struct{ Records []applier.Record }
			if err := json.Unmarshal(bodies[key], &b); err != nil {
				h.violate(1, "record %s: %v", key, err)
			}
			h.records[key] = b.Records
		}
		all = append(all, h.records[key]...)
	}
	return all
}

// watch holds properties 1 and 3 at every write of an engine.
func (h *history) watch(e *engine.Engine) {
	find := e.Applier.Executor
	e.Applier.Executor = func(op string) (applier.Executor, bool) {
		ex, ok := find(op)
		return watched{ex, h, e.Holder}, ok
	}
}

type watched struct {
	applier.Executor
	h      *history
	holder string
}

func (w watched) Start(ctx context.Context, a applier.Attempt) error {
	bodies := w.h.Store.Bodies()
	w.h.mu.Lock()
	records := w.h.stream(bodies, a.Apply)
	w.h.mu.Unlock()
	begin := -1
	for i, r := range records {
		if r.Kind == applier.KindBegin && r.Step == a.Step.ID && r.Mark == a.Mark && r.By == w.holder {
			begin = i
		}
	}
	switch {
	case begin < 0:
		w.h.violate(1, "%s starts %s without a begin", w.holder, a.Step.ID)
	case slices.ContainsFunc(records[begin:], func(r applier.Record) bool { return r.Kind == applier.KindFenced }):
		w.h.violate(3, "%s starts %s after it was fenced", w.holder, a.Step.ID)
	}
	return w.Executor.Start(ctx, a)
}

const rounds = 6

// calm is what people do once nothing fails any longer.
func (h *history) calm(ctx context.Context) {
	e, err := h.Process(ctx, h.files, Options{Holder: "calm", Report: h.report})
	if err != nil {
		h.violate(5, "%v", err)
		return
	}
	h.watch(e)
	for range rounds {
		if h.goOn(ctx, e) {
			break
		}
	}
	if h.back && !h.disturbed() {
		h.allBack(ctx, e)
		return
	}
	for range rounds {
		p, err := e.Plan(ctx, engine.PlanOptions{Allow: []string{"archive"}, Unlatch: true})
		if err != nil {
			h.violate(5, "plan: %v", err)
			return
		}
		h.show(p)
		if p.Empty() {
			return
		}
		if err := h.carryOut(ctx, e, p); err != nil {
			if !h.named(err) {
				h.violate(5, "%v", err)
			}
			if schema.Failed(p.Findings) {
				return // a person is asked
			}
		}
	}
	h.violate(5, "the plan is not empty after %d rounds", rounds)
}

// goOn resumes what is open; what meets a conflict is abandoned.
func (h *history) goOn(ctx context.Context, e *engine.Engine) (done bool) {
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		h.violate(5, "%v", err)
	}
	for _, id := range open {
		res, err := e.Applier.Resume(ctx, id)
		if err == nil && (res.Outcome == applier.EndedOutcome || res.Outcome == applier.RefusedOutcome) {
			continue
		}
		err = errors.Join(err, errors.New(strings.Join(res.Why, "; ")))
		if !h.named(err) {
			h.violate(5, "resume %s: %s: %v", id, res.Outcome, err)
		}
		if res, err := e.Applier.Supersede(ctx, id); err != nil || res.Outcome != applier.EndedOutcome {
			h.violate(5, "supersede %s: %+v %v", id, res, err)
		}
	}
	return len(open) == 0
}

// named says that an error is a conflict, by name, with what someone did by hand
// or with what a plan saw of a read that lagged.
func (h *history) named(err error) bool {
	lagged := slices.ContainsFunc(h.faults, func(f fault) bool { return f.kind == "lag" })
	if strings.Contains(err.Error(), "in use") || strings.Contains(err.Error(), "DC311") {
		return true // a rollback out of turn, whose copies a later apply builds on; a reservation that came too late
	}
	if strings.Contains(err.Error(), "DC332") {
		return true // two bakes of one content that began in the same minute
	}
	return (h.disturbed() || lagged) && regexp.MustCompile(`DC(144|304|305|311)`).MatchString(err.Error())
}

// allBack is properties 6 and 7: all applies taken back, latest first, leave the
// world as it was, and their content stays off.
func (h *history) allBack(ctx context.Context, e *engine.Engine) {
	all, err := e.History(ctx, engine.HistoryOptions{})
	if err != nil {
		h.violate(6, "%v", err)
	}
	for _, s := range all {
		// Of what stood before, the rest goes too where a rollback began, one that was
		// abandoned within an address included.
		begun := slices.ContainsFunc(all, func(r engine.Past) bool { return r.Plan != nil && r.Plan.Restores == s.ID && len(r.Touched) > 0 })
		if s.By == "before" && begun {
			h.start, h.applied = h.origin, nothing
		} else if s.By == "before" {
			continue
		}
		if !s.RestorePoint() || s.Whole() {
			continue
		}
		if _, err := h.rollback(ctx, e, engine.RollbackOptions{To: s.ID}); err != nil {
			h.violate(6, "rollback of %s: %v", s.ID, err)
			return
		}
	}
	want, err := h.expected(ctx)
	got, gotErr := h.Managed()
	got, want = withoutNodes(h.withoutKept(got)), withoutNodes(want)
	if err := errors.Join(err, gotErr); err != nil || got != want {
		h.violate(6, "after all is taken back the world is\n%s\nand was\n%s\n%v", got, want, err)
	}
	if got := h.entries(ctx); got != h.applied {
		h.violate(6, "after all is taken back is applied\n%s\nand was\n%s", got, h.applied)
	}
	h.latched(ctx, e)
}

// withoutKept leaves out images that a rollback of a part said it keeps, since
// what was not taken back by then started from them.
func (h *history) withoutKept(world string) string {
	var all map[string]any
	if json.Unmarshal([]byte(world), &all) != nil {
		return world
	}
	cloud, _ := all["aws"].(map[string]any)
	images, _ := cloud["images"].(map[string]any)
	snapshots, _ := cloud["snapshots"].(map[string]any)
	for _, m := range regexp.MustCompile(`ec2/image#(ami-[0-9a-f]+), which the apply made, is in use and not deleted`).FindAllStringSubmatch(h.printed.String(), -1) {
		image, _ := images[m[1]].(map[string]any)
		of, _ := image["snapshots"].(map[string]any)
		for _, snapshot := range of {
			delete(snapshots, fmt.Sprint(snapshot))
		}
		delete(images, m[1])
	}
	if len(snapshots) == 0 {
		delete(cloud, "snapshots")
	}
	return schema.JSON(all).Text
}

// expected is the world before, with the edits that nobody minds.
func (h *history) expected(ctx context.Context) (string, error) {
	m, err := NewMachine([]byte(h.start), h.Clock)
	for _, kind := range h.edited {
		if err == nil {
			err = editBy(ctx, m, h.world, kind)
		}
	}
	if err != nil {
		return "", err
	}
	return m.Managed()
}

// latched holds property 7 of all that rollbacks took back. One of a part leaves
// out what it was not asked for, also where nothing of it was ever done. Under
// another name, or with another content, an address is not held.
func (h *history) latched(ctx context.Context, e *engine.Engine) {
	all, err := e.History(ctx, engine.HistoryOptions{})
	plans, off := map[string]*planner.Plan{}, map[string]bool{}
	for _, s := range all {
		if s.By != "before" && s.Whole() {
			plans[s.ID] = s.Plan
		}
	}
	for _, r := range all {
		if r.Plan == nil || plans[r.Plan.Restores] == nil || r.Outcome != applier.EndedOutcome {
			continue
		}
		taken := plans[r.Plan.Restores]
		for a := range r.Plan.Latch {
			for _, content := range append(strings.Fields(taken.Latch[a]), taken.Content[a]) {
				off[a.String()+" "+content] = true
			}
		}
	}
	p, planErr := e.Plan(ctx, engine.PlanOptions{Allow: []string{"archive"}})
	if err := errors.Join(err, planErr); err != nil {
		h.violate(7, "%v", err)
	}
	for _, c := range p.Changes {
		if off[c.Address.String()+" "+p.Content[c.Address]] {
			h.violate(7, "content that was rolled back is planned again: %+v", c)
		}
	}
	h.show(p)
}

// effects holds properties 1 and 3 for what took effect, early or late: the
// holder had announced it, and was not fenced by then, or the call had not yet
// reached the end of its window.
func (h *history) effects() {
	type begin struct{ at, fenced time.Time }
	begins := map[string][]*begin{}
	bodies := h.Store.Bodies()
	for _, id := range h.applies() {
		var open []*begin
		for _, r := range h.stream(bodies, id) {
			switch r.Kind {
			case applier.KindBegin:
				b := &begin{at: r.At}
				open, begins[r.By] = append(open, b), append(begins[r.By], b)
			case applier.KindFenced:
				for _, b := range open {
					b.fenced = r.At
				}
				open = nil
			}
		}
	}
	for _, e := range h.Effects {
		announced, in := false, false
		for _, b := range begins[e.By] {
			before := !b.at.After(e.At)
			announced = announced || before
			in = in || before && (b.fenced.IsZero() || e.At.Before(b.fenced) || e.At.Sub(b.at) <= window)
		}
		if !announced {
			h.violate(1, "%s by %s took effect without a begin", e.Call, e.By)
		} else if !in {
			h.violate(3, "%s by %s took effect after it was fenced", e.Call, e.By)
		}
	}
}

// check is what holds of every machine at rest.
func (h *history) check(ctx context.Context) {
	e, err := h.Process(ctx, h.files, Options{Holder: "check"})
	if err != nil {
		h.violate(5, "%v", err)
		return
	}
	began := time.Now()
	if _, err := e.Applier.Resume(ctx, "none"); !applier.IsMissing(err) {
		h.violate(5, "the lock cannot be taken: %v", err)
	}
	if waited := time.Since(began); waited > 150*time.Second {
		h.violate(5, "the lock was free after %s only", waited)
	}
	if open, err := e.Applier.OpenApplies(ctx); err != nil || len(open) > 0 {
		h.violate(5, "open: %v, %v", open, err)
	}
	if _, err := e.Applier.History(ctx); err != nil {
		h.violate(5, "the records cannot be read: %v", err)
	}
	h.once()
	h.effects()
	h.tell(ctx, e)
	want := strings.Count(h.content(), `"stays"`)
	edits := len(slices.DeleteFunc(slices.Clone(h.edited), func(kind string) bool { return edit{kind: kind}.disturbs() }))
	if !slices.Contains(h.edited, "removed") && want != edits {
		h.violate(6, "%d edits of what nobody manages, %d stand", edits, want)
	}
}

// once is property 2: nothing is made twice, and all that is made says by what.
func (h *history) once() {
	made := map[string]int{}
	for _, e := range h.Effects {
		if e.Call == "CreateLaunchTemplateVersion" {
			made[e.Args]++
		}
	}
	for args, n := range made {
		if n > 1 {
			h.violate(2, "%s was made %d times", args, n)
		}
	}
	var all struct {
		AWS struct {
			LaunchTemplates map[string]struct {
				Versions []struct {
					Number      int
					Description string
				}
			}
		}
		Mongo map[string][]map[string]any
	}
	if err := json.Unmarshal([]byte(h.content()), &all); err != nil {
		h.violate(2, "%v", err)
	}
	for id, t := range all.AWS.LaunchTemplates {
		for _, v := range t.Versions {
			if v.Number > 3 && !strings.HasPrefix(v.Description, "domctl ") || id == "lt-a" && v.Number == 2 && !strings.HasPrefix(v.Description, "domctl ") {
				h.violate(2, "version %d of %s says not who made it", v.Number, id)
			}
		}
	}
	for _, name := range []string{"hardware_tier", "config"} {
		seen := map[string]bool{}
		for _, d := range all.Mongo[name] {
			k := fmt.Sprint(d["name"], d["namespace"], d["key"])
			if seen[k] {
				h.violate(2, "%s holds %s twice", name, k)
			}
			seen[k] = true
		}
	}
}
