package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// amid is a machine whose store holds n applies, the last of which can be taken
// back: all but two are copies of the first under other names.
func (f fixture) amid(t *testing.T, n int) rig {
	t.Helper()
	r := f.start(t)
	bodies := r.Store.Bodies()
	for key, body := range bodies {
		parts := strings.Split(key, "/")
		if parts[0] != "applies" {
			continue
		}
		for i := range n - 2 {
			r.put(fmt.Sprintf("applies/%s-%04d/%s", parts[1], i, parts[2]), strings.ReplaceAll(string(body), parts[1], fmt.Sprintf("%s-%04d", parts[1], i)))
		}
	}
	var applied map[string]json.RawMessage
	if err := json.Unmarshal(bodies["applied"], &applied); err != nil {
		t.Fatal(err)
	}
	applied["place"] = json.RawMessage(fmt.Sprint(n))
	r.put("applied", schema.JSON(applied).Text)
	r.applyAll(f.after)
	return r
}

// records counts the objects below applies/.
func (r rig) records() (n int) {
	for key := range r.Store.Bodies() {
		if strings.HasPrefix(key, "applies/") {
			n++
		}
	}
	return n
}

// asked counts the calls of a store while do runs: those that read records, of
// which none may come twice, and the others.
func (r rig) asked(do func()) (records, others int) {
	r.t.Helper()
	before := len(r.Store.Calls())
	do()
	seen := map[string]bool{}
	for _, c := range r.Store.Calls()[before:] {
		if c.Op != "get" || !strings.HasPrefix(c.Key, "applies/") {
			others++
			continue
		}
		if records++; seen[c.Key] {
			r.t.Errorf("%s is read twice", c.Key)
		}
		seen[c.Key] = true
	}
	return records, others
}

// wayBack plans the way back from the last apply, as the verb does.
func (r rig) wayBack(e *engine.Engine) {
	r.t.Helper()
	ids, err := e.Rollbacks(r.t.Context(), engine.RollbackOptions{})
	if err != nil || len(ids) != 1 {
		r.t.Fatal(ids, err)
	}
	p, err := e.Rollback(r.t.Context(), ids[0], engine.RollbackOptions{})
	if err != nil || len(p.Steps) == 0 {
		r.t.Fatal(p.Steps, err)
	}
}

func (r rig) history(e *engine.Engine, want int) {
	r.t.Helper()
	all, err := e.History(r.t.Context(), engine.HistoryOptions{})
	if err != nil || len(all) != want || all[0].Outcome != applier.EndedOutcome {
		r.t.Fatal(len(all), err)
	}
}

// TestEveryRecordIsReadOnce: a history, and a rollback that needs it twice, ask
// for each record once, and for as much beside them however many applies there
// are; a plan asks for no record at all.
func TestEveryRecordIsReadOnce(t *testing.T) {
	f := fixtures(t)[1]
	type asked struct{ plan, history, back int }
	var few, many asked
	for n, others := range map[int]*asked{3: &few, 60: &many} {
		r := f.amid(t, n)
		whole := r.records()
		for verb, ask := range map[string]struct {
			do      func(*engine.Engine)
			records int
			others  *int
		}{
			"plan":     {func(*engine.Engine) { r.plan(f.after) }, 0, &others.plan},
			"history":  {func(e *engine.Engine) { r.history(e, n) }, whole, &others.history},
			"rollback": {r.wayBack, whole, &others.back},
		} {
			e := r.engine(f.after)
			var records int
			if records, *ask.others = r.asked(func() { ask.do(e) }); records != ask.records {
				t.Errorf("%s of %d applies reads %d records of %d", verb, n, records, ask.records)
			}
		}
	}
	if few != many {
		t.Errorf("beside records, the store is asked %+v times after 3 applies, %+v after 60", few, many)
	}
	t.Logf("%+v", few)
}

// TestRecordsAreReadSideBySide, on a store that takes its time.
func TestRecordsAreReadSideBySide(t *testing.T) {
	const applies, latency = 300, 5 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		f := fixtures(t)[1]
		r := f.amid(t, applies)
		r.Store.Before = func(state.Call) error { time.Sleep(latency); return nil }
		e := r.engine(f.after)
		began := time.Now()
		r.history(e, applies)
		one := time.Since(began)
		began = time.Now()
		r.wayBack(r.engine(f.after))
		back, oneByOne := time.Since(began), time.Duration(r.records())*latency
		t.Logf("%d records: history %s, rollback %s, one by one %s", r.records(), one, back, oneByOne)
		if one > oneByOne/10 || back > oneByOne/10 {
			t.Error("records are read one by one")
		}
	})
}

// TestAHistoryOfThousands: four times the applies take about four times as long;
// sixteen times would be a loop within a loop.
func TestAHistoryOfThousands(t *testing.T) {
	f := fixtures(t)[1]
	few, many := f.amid(t, 500), f.amid(t, 2000)
	for verb, do := range map[string]func(r rig, n int){
		"history":  func(r rig, n int) { r.history(r.engine(f.after), n) },
		"rollback": func(r rig, _ int) { r.wayBack(r.engine(f.after)) },
	} {
		var short, long time.Duration
		for range 4 { // whatever else the machine does, it lets one of them be
			short, long = fastest(3, func() { do(few, 500) }), fastest(3, func() { do(many, 2000) })
			if long <= 10*short {
				break
			}
		}
		t.Logf("%s: %s, %s", verb, short, long)
		if long > 10*short {
			t.Errorf("%s takes %s after 500 applies, %s after 2,000", verb, short, long)
		}
	}
}

// fastest is how long a run takes that nothing disturbs.
func fastest(of int, do func()) time.Duration {
	best := time.Hour
	for range of {
		began := time.Now()
		do()
		best = min(best, time.Since(began))
	}
	return best
}
