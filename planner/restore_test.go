package planner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// past is an outside at rest.
type past struct {
	raw   map[Ref]Raw
	undo  func(Done) ([]Step, error)
	uses  map[Ref][]Use
	kept  []Step
	loose []string
	hide  string // a path whose values may be secrets
}

// Again is of what "roll/" begins, and says whether it was done.
func (past) Again(s Step, done bool) []Step {
	if !strings.HasPrefix(s.ID, "roll/") {
		return nil
	}
	s.ID, s.After, s.Args = "undo/"+s.ID, nil, map[string]schema.Value{"done": schema.JSON(done)}
	return []Step{s}
}

func (p past) Raw(r Ref) Raw                    { return p.raw[r] }
func (p past) Same(want, got schema.Value) bool { return want == got }
func (p past) Undo(d Done) ([]Step, error)      { return p.undo(d) }
func (p past) Uses(r Ref) []Use                 { return p.uses[r] }
func (p past) Loose(Step, Raw) []string         { return p.loose }
func (p past) Keep(d Done) ([]Step, string)     { return p.kept, "it stays" }

func (p past) Shown(_ Ref, path string, stands schema.Value) schema.Value {
	if path == p.hide {
		return schema.Value{Is: schema.Digest, Text: "d"}
	}
	return stands
}

func update(object Ref, path string, before, after any) Done {
	s := Step{ID: "up/" + string(object) + "/" + path, Address: addr(tier), Op: "flat.write", Object: object, Guard: Conditional,
		Writes: map[string]schema.Value{path: schema.JSON(after)}, Expects: []Expect{{object, path, schema.JSON(before)}}}
	return Done{Step: s, Pre: Raw{path: schema.JSON(before)}}
}

func snapshot(done ...Done) Snapshot {
	return Snapshot{Apply: "a1", Deployment: "acme", Done: done, Former: map[schema.Address]*schema.Entry{addr(tier): nil},
		Latch: map[schema.Address]string{addr(tier): "c1"}}
}

func TestRestoreWritesWhatStoodBefore(t *testing.T) {
	o := Ref("flat/o#1")
	p, _, err := Restore(snapshot(update(o, "cores", 3, 4)), past{raw: map[Ref]Raw{o: {"cores": schema.JSON(4), "other": schema.JSON(9)}}}, Source{}, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 1 || p.Steps[0].Writes["cores"] != schema.JSON(3) || p.Steps[0].Expects[0].Value != schema.JSON(4) {
		t.Fatalf("%+v", p.Steps)
	}
	if e, ok := p.Settle[addr(tier)]; !ok || e != nil || p.Latch[addr(tier)] != "c1" {
		t.Error("the former entry and the latch belong to the plan")
	}
}

func TestRestoreOfWhatStandsAlreadyHasNoSteps(t *testing.T) {
	o := Ref("flat/o#1")
	p, _, err := Restore(snapshot(update(o, "cores", 3, 4)), past{raw: map[Ref]Raw{o: {"cores": schema.JSON(3)}}}, Source{}, "r1")
	if err != nil || len(p.Steps) != 0 || len(p.Changes) != 0 || p.Empty() {
		t.Fatalf("%v %+v", err, p)
	}
}

func TestRestoreNamesConflicts(t *testing.T) {
	o := Ref("flat/o#1")
	p, _, err := Restore(snapshot(update(o, "cores", 3, 4)), past{raw: map[Ref]Raw{o: {"cores": schema.JSON(7)}}}, Source{}, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Findings) != 1 || p.Findings[0].Code != "DC420" || !strings.Contains(p.Findings[0].Message, "cores was set to 4 and is 7") {
		t.Fatalf("%+v", p.Findings)
	}
	if p.Sealed().Verify() == nil {
		t.Error("a conflict forbids the apply")
	}
	p, _, err = Restore(snapshot(update(o, "cores", 3, 4)), past{raw: map[Ref]Raw{o: {"cores": schema.JSON("canary")}}, hide: "cores"}, Source{}, "r1")
	if err != nil || len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Message, "cores was set to 4 and is (secret)") || strings.Contains(schema.JSON(p).Text, "canary") {
		t.Errorf("a value that may be a secret: %+v %v", p, err)
	}
	p, _, err = Restore(snapshot(update(o, "cores", 3, 4)), past{raw: map[Ref]Raw{o: {"cores": schema.JSON(4)}}, hide: "cores"}, Source{}, "r1")
	if err != nil || p.Changes[0].Fields[0].Before != schema.JSON(4) {
		t.Errorf("a value that the apply stated: %+v %v", p.Changes, err)
	}
}

// TestRestoreGoesBackwards takes back two writes of one path: the first value
// stands at the end, and each step expects what the one before it leaves.
func TestRestoreGoesBackwards(t *testing.T) {
	o := Ref("flat/o#1")
	first, second := update(o, "cores", 3, 4), update(o, "cores", 4, 5)
	second.Step.ID += "/2"
	second.Step.After = []string{first.Step.ID}
	p, _, err := Restore(snapshot(first, second), past{raw: map[Ref]Raw{o: {"cores": schema.JSON(5)}}}, Source{}, "r1")
	if err != nil || len(p.Findings) > 0 {
		t.Fatal(err, p.Findings)
	}
	if p.Steps[0].Writes["cores"] != schema.JSON(4) || p.Steps[1].Writes["cores"] != schema.JSON(3) || p.Steps[1].After[0] != p.Steps[0].ID {
		t.Fatalf("%+v", p.Steps)
	}
}

func TestRestoreAsksHowToTakeBackWhatWasMade(t *testing.T) {
	o := Ref("flat/o#new")
	made := Done{Step: Step{ID: "in", Address: addr(tier), Op: "flat.insert", Object: o, Writes: map[string]schema.Value{"": Exists()}}}
	undo := func(d Done) ([]Step, error) {
		return []Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: "flat.delete", Object: o, Writes: map[string]schema.Value{"": {}}}}, nil
	}
	p, _, err := Restore(snapshot(made), past{raw: map[Ref]Raw{o: {"x": schema.JSON(1)}}, undo: undo}, Source{}, "r1")
	if err != nil || len(p.Steps) != 1 || p.Steps[0].Op != "flat.delete" {
		t.Fatalf("%v %+v", err, p.Steps)
	}
	never := func(Done) ([]Step, error) { return nil, errors.New("cannot") }
	if _, _, err := Restore(snapshot(made), past{undo: never}, Source{}, "r1"); err == nil {
		t.Error("what cannot be taken back is an error")
	}
}

func TestRawComposes(t *testing.T) {
	r := Raw{"a.b": schema.JSON(1), `a."x.y"`: schema.JSON("z"), "c": schema.JSON(2)}
	if got := r.At("a").Text; got != `{"b":1,"x.y":"z"}` {
		t.Error(got)
	}
	if Raw(nil).At("").Is != schema.Absent || r.At("") != Exists() || r.At("d").Is != schema.Absent {
		t.Error("presence")
	}
	w := r.With(map[string]schema.Value{"a": {Is: schema.Known, Text: `{"q":1}`}, "c": {}})
	if len(w) != 1 || w.At("a").Text != `{"q":1}` {
		t.Errorf("%v", w)
	}
	if r.With(map[string]schema.Value{"": {}}) != nil {
		t.Error("deleted")
	}
}

// TestRestoreLeavesWhatALaterApplySet: its former entry is not what stood before.
func TestRestoreLeavesWhatALaterApplySet(t *testing.T) {
	o := Ref("flat/o#1")
	s := snapshot(update(o, "cores", 3, 4))
	s.Later = map[schema.Address]string{addr(tier): "a2"}
	p, _, err := Restore(s, past{raw: map[Ref]Raw{o: {"cores": schema.JSON(5)}}}, Source{}, "r1")
	if err != nil || len(p.Steps) > 0 || len(p.Findings) != 1 || p.Findings[0].Code != "DC424" || !strings.Contains(p.Findings[0].Hint, "--to a2") {
		t.Fatalf("%v %+v", err, p)
	}
	if p.Sealed().Verify() == nil {
		t.Error("it forbids the apply")
	}
}

// TestRestoreKeepsWhatIsInUse, but for those that it switches away first.
func TestRestoreKeepsWhatIsInUse(t *testing.T) {
	made, group := Ref("flat/o#made"), Ref("flat/o#group")
	create := Done{Step: Step{ID: "make", Address: addr(tier), Op: "flat.insert", Object: made, Writes: map[string]schema.Value{"": Exists()}}}
	point := update(group, "uses", "old", "made")
	point.Step.After = []string{"make"}
	at := past{raw: map[Ref]Raw{made: {"x": schema.JSON(1)}, group: {"uses": schema.JSON("made")}}}
	at.undo = func(d Done) ([]Step, error) {
		return []Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: "flat.delete", Object: made, Writes: map[string]schema.Value{"": {}}}}, nil
	}
	own := Use{group, "uses", schema.JSON("made"), "the group names it"}
	for name, c := range map[string]struct {
		uses []Use
		done []Done
		want int // steps
	}{
		"switched away":       {[]Use{own}, []Done{create, point}, 2},
		"not in this plan":    {[]Use{own}, []Done{create}, 0},
		"another one, beside": {[]Use{own, {"flat/o#else", "uses", schema.JSON("made"), "else names it"}}, []Done{create, point}, 1},
		"a number of runs":    {[]Use{{Says: "2 runs name it"}}, []Done{create}, 0},
	} {
		at.uses = map[Ref][]Use{made: c.uses}
		p, _, err := Restore(snapshot(c.done...), at, Source{}, "r1")
		if err != nil || len(p.Steps) != c.want || len(p.Findings) != len(c.done)-c.want || p.Sealed().Verify() != nil {
			t.Errorf("%s: %v %+v %+v", name, err, p.Steps, p.Findings)
		}
		if e, settles := p.Settle[addr(tier)]; !settles || e != nil {
			t.Errorf("%s: the former entry belongs to the plan", name)
		}
	}
}

// TestRestoreLeavesWhatOthersSet, where they may: the rest is taken back all the same.
func TestRestoreLeavesWhatOthersSet(t *testing.T) {
	o := Ref("flat/o#1")
	d := update(o, "cores", 3, 4)
	d.Step.Writes["desired"], d.Pre["desired"] = schema.JSON(5), schema.JSON(2)
	for live, want := range map[int]int{1: 1, 5: 2} {
		p, _, err := Restore(snapshot(d), past{loose: []string{"desired"}, raw: map[Ref]Raw{o: {"cores": schema.JSON(4), "desired": schema.JSON(live)}}}, Source{}, "r1")
		if err != nil || len(p.Steps) != 1 || len(p.Steps[0].Writes) != want || len(p.Findings) != 2-want || p.Sealed().Verify() != nil {
			t.Errorf("%d: %+v %+v %v", live, p.Steps, p.Findings, err)
		}
	}
	only := update(o, "desired", 2, 5)
	p, _, err := Restore(snapshot(only), past{loose: []string{"desired"}, raw: map[Ref]Raw{o: {"desired": schema.JSON(1)}}}, Source{}, "r1")
	if err != nil || len(p.Steps) != 0 || len(p.Findings) != 1 || p.Findings[0].Code != "DC845" {
		t.Errorf("%+v %+v %v", p.Steps, p.Findings, err)
	}
}

// TestRestoreRollsWhatFollowed: of the rolls that an apply did not do, those are asked whose
// writes it had all done and that are taken back, in the order that the plan had.
func TestRestoreRollsWhatFollowed(t *testing.T) {
	shared, own := Ref("flat/shared#1"), Ref("flat/own#1")
	switched, other := update(shared, "default", 1, 2), update(own, "version", 1, 2)
	roll := func(id string, after ...string) Step {
		return Step{ID: "roll/" + id, Address: addr(tier), Op: "flat.roll", Object: Ref("flat/group#" + id), Guard: Absolute, After: after}
	}
	a, b := roll("a", switched.Step.ID), roll("b", "roll/a")
	other.Step.After = []string{"roll/b"}
	c := roll("c", "roll/b", other.Step.ID)
	ids := func(p Plan) (all []string) {
		for _, s := range p.Steps {
			all = append(all, s.ID+" "+s.Args["done"].Text+" after "+strings.Join(s.After, " "))
		}
		return all
	}
	stands := past{raw: map[Ref]Raw{shared: {"default": schema.JSON(2)}, own: {"version": schema.JSON(1)}}}
	back := "undo/" + switched.Step.ID
	for name, test := range map[string]struct {
		done []Done
		rest []Step
		want []string
	}{
		"none done":        {[]Done{switched}, []Step{a, b, other.Step, c}, []string{back + "  after ", "undo/roll/a false after " + back, "undo/roll/b false after undo/roll/a"}},
		"the first done":   {[]Done{switched, {Step: a}}, []Step{b, other.Step, c}, []string{back + "  after ", "undo/roll/a true after " + back, "undo/roll/b false after undo/roll/a"}},
		"found as it is":   {[]Done{switched, {Step: b}}, []Step{a, other.Step, c}, []string{back + "  after ", "undo/roll/a false after " + back, "undo/roll/b true after undo/roll/a"}},
		"nothing switched": {nil, []Step{switched.Step, a, b, other.Step, c}, nil},
	} {
		s := snapshot(test.done...)
		s.Rest = test.rest
		p, _, err := Restore(s, stands, Source{}, "r1")
		if got := ids(p); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, not %q: %v", name, got, test.want, err)
		}
	}
}
