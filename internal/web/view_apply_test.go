package web

import (
	"strings"
	"testing"
	"testing/quick"
	"time"
	"unicode"
	"unicode/utf8"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// story is a stream of records about steps a, b, c and d.
func story(kinds ...applier.Record) applier.Summary {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	p := planner.Plan{ID: "20260301-100000-k3v9w2m4q7x1", Deployment: "sim-modern"}
	for _, id := range []string{"a", "b", "c", "d"} {
		p.Steps = append(p.Steps, planner.Step{ID: id, Address: schema.Address{Kind: "settings", Name: id}, Op: "mongo.update", Object: "mongo/config#" + planner.Ref(id),
			Writes: map[string]schema.Value{"value": schema.JSON("new-" + id)}, Expects: []planner.Expect{{Ref: "mongo/config#" + planner.Ref(id), Path: "value", Value: schema.JSON("old-" + id)}}})
	}
	s := applier.Summary{ID: p.ID, At: at, By: "ada", Plan: &p, Records: []applier.Record{{Kind: applier.KindPlan, At: at, By: "ada", Plan: &p}}}
	for i, r := range kinds {
		r.At = at.Add(time.Duration(i+1) * 90 * time.Second)
		s.Records = append(s.Records, r)
		switch r.Kind {
		case applier.KindDone:
			s.Done++
		case applier.KindFailed, applier.KindPaused, applier.KindEnded:
			s.Outcome = applier.Outcome(r.Kind)
		case applier.KindBegin:
			s.Outcome = ""
		}
	}
	return s
}

// TestSteps follow the records.
func TestSteps(t *testing.T) {
	begin := func(id string) applier.Record { return applier.Record{Kind: applier.KindBegin, Step: id} }
	done := func(id string) applier.Record { return applier.Record{Kind: applier.KindDone, Step: id} }
	for name, c := range map[string]struct {
		records []applier.Record
		states  string
	}{
		"begun":         {[]applier.Record{begin("a")}, "under way, to do, to do, to do"},
		"goes on":       {[]applier.Record{begin("a"), done("a"), done("b"), begin("c")}, "done, done, under way, to do"},
		"missed":        {[]applier.Record{begin("a"), {Kind: applier.KindMissed, Step: "a", Why: "throttled"}}, "to do, to do, to do, to do"},
		"failed":        {[]applier.Record{begin("a"), done("a"), begin("b"), {Kind: applier.KindFailed, Failed: []string{"b"}}}, "done, failed, not done, not done"},
		"resumed":       {[]applier.Record{begin("b"), {Kind: applier.KindFailed, Failed: []string{"b"}}, begin("b"), done("b"), begin("a")}, "under way, done, to do, to do"},
		"paused":        {[]applier.Record{begin("a"), done("a"), begin("b"), {Kind: applier.KindPaused, Why: "window"}}, "done, under way, waits, waits"},
		"undone":        {[]applier.Record{begin("a"), {Kind: applier.KindUndone, Step: "a"}, {Kind: applier.KindEnded}}, "undone, not done, not done, not done"},
		"undecided":     {[]applier.Record{begin("a"), {Kind: applier.KindEnded}}, "undecided, not done, not done, not done"},
		"of no step":    {[]applier.Record{begin("z"), done("z"), {Kind: applier.KindFailed, Failed: []string{"z"}}}, "not done, not done, not done, not done"},
		"stood already": {[]applier.Record{done("a"), done("b"), done("c"), done("d"), {Kind: applier.KindEnded}}, "done, done, done, done"},
	} {
		v := applyOf(story(c.records...), Deployment{}, 0)
		var states []string
		for _, s := range v.Steps {
			states = append(states, s.State)
		}
		if got := strings.Join(states, ", "); got != c.states {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestMarks are shown in words where the records have them.
func TestMarks(t *testing.T) {
	for _, r := range []applier.Record{{Mark: "cordon i-1", Says: "cordons ip-1 (i-1)"}, {Mark: "cordons ip-1 (i-1)"}} {
		r.Kind, r.Step = applier.KindBegin, "a"
		if got := applyOf(story(r), Deployment{}, 0).Steps[0].Mark; got != "cordons ip-1 (i-1)" {
			t.Errorf("%+v: %q", r, got)
		}
	}
}

// TestOutcomes: records alone do not tell an apply that waits from one that was left, so that
// neither is called paused.
func TestOutcomes(t *testing.T) {
	var b strings.Builder
	if err := templates(time.Now).ExecuteTemplate(&b, "outcome", "paused"); err != nil || !strings.HasSuffix(b.String(), "waits</span>") {
		t.Errorf("%s, %v", b.String(), err)
	}
}

// TestBack is of what was begun and done, the last first, and of nothing that stood.
func TestBack(t *testing.T) {
	s := story(applier.Record{Kind: applier.KindDone, Step: "a"}, applier.Record{Kind: applier.KindBegin, Step: "b"}, applier.Record{Kind: applier.KindDone, Step: "b"},
		applier.Record{Kind: applier.KindBegin, Step: "c"}, applier.Record{Kind: applier.KindDone, Step: "c"}, applier.Record{Kind: applier.KindBegin, Step: "d"})
	s.Plan.Steps[1].Irreversible = "nobody knows what it held"
	all, left := backOf(s)
	if len(all) != 2 || left != 0 || all[0].Address != "settings.c" || all[0].Set != "new-c" || all[0].Found != "old-c" || all[1].Does != "stays as it is: nobody knows what it held" {
		t.Errorf("%+v, %d", all, left)
	}
}

// TestShown lets nothing through that moves a cursor or turns text around.
func TestShown(t *testing.T) {
	if err := quick.Check(func(s string) bool {
		got := shown(s)
		return utf8.ValidString(got) && !strings.ContainsFunc(got, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) })
	}, nil); err != nil {
		t.Error(err)
	}
	long := shown(strings.Repeat("é", mostText))
	if len(long) > mostText+50 || !strings.HasSuffix(long, "bytes more)") || !utf8.ValidString(long) {
		t.Errorf("%d bytes", len(long))
	}
	if got := shown("a\xffb"); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
}
