package planner

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// flat is a View that writes every field of an address to one object.
type flat struct {
	block map[schema.Address]bool
	left  []Left
}

func unfelt(schema.Address) *Impact { return nil }

// planned is the whole plan of an input.
func planned(in Input) (Plan, error) {
	d, err := Make(in)
	return d.Plan(unfelt).Sealed(), err
}

// Same takes "hidden v" for the digest of v.
func (f flat) Same(want, got schema.Value) bool {
	return want == got || got.Is == schema.Digest && got.Text == "hidden "+want.Text
}

func (f flat) Lower(c Change) (Lowered, error) {
	if f.block[c.Address] {
		return Lowered{Blocked: &schema.Finding{Code: "DC230", Severity: schema.Warning, Address: c.Address, Message: "not yet"}}, nil
	}
	s := Step{ID: c.Address.String() + "/write", Address: c.Address, Op: "flat.write", Object: Ref("flat/o#" + c.Address.String()),
		Guard: Conditional, Writes: map[string]schema.Value{}}
	for _, d := range c.Fields {
		s.Writes[d.Path] = d.After
		s.Expects = append(s.Expects, Expect{s.Object, d.Path, d.Before})
	}
	out := Lowered{Steps: []Step{s}, ID: schema.JSON(c.Address.Name), Left: f.left}
	if c.Address.Kind == "amis" {
		out.Outputs = map[string]schema.Value{"image": OutOf(s.ID, "image")}
	}
	return out, nil
}

func addr(s string) schema.Address {
	a, err := schema.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

type fields map[string]any

func values(f fields) map[string]schema.Value {
	out := map[string]schema.Value{}
	for p, v := range f {
		if v, ok := v.(schema.Value); ok {
			out[p] = v
			continue
		}
		out[p] = schema.JSON(v)
	}
	return out
}

// situation is desired, applied and live by address.
type situation struct {
	desired, applied, live map[string]fields
	latched                map[string]bool
	block                  []string
	allow                  bool
	exclude                string
	sameID                 string // of every live object, when not its name
}

func (s situation) input() Input {
	in := Input{ID: "p", Allow: s.allow, View: flat{block: map[schema.Address]bool{}}}
	in.Desired = schema.Desired{Deployment: schema.Deployment{Name: "acme"}, Objects: map[schema.Address]schema.Object{}}
	in.Live = schema.Live{Objects: map[schema.Address]schema.Observed{}}
	in.Applied = schema.Applied{Entries: map[schema.Address]schema.Entry{}, Latches: map[schema.Address]string{}}
	for a, f := range s.desired {
		in.Desired.Objects[addr(a)] = schema.Object{Fields: values(f), At: map[string][]schema.Position{"": {{File: "a.cue", Line: 1, Col: 1}}}}
	}
	for a, f := range s.live {
		in.Live.Objects[addr(a)] = schema.Observed{ID: cmp.Or(s.sameID, addr(a).Name), Fields: values(f)}
	}
	for a, f := range s.applied {
		in.Applied.Entries[addr(a)] = schema.Entry{ID: schema.JSON(addr(a).Name), Fields: values(f)}
	}
	for a := range s.latched {
		in.Applied.Latches[addr(a)] = in.Desired.Contents()(addr(a))
	}
	if s.exclude != "" {
		in.Exclude = func(a schema.Address) bool { return a.String() == s.exclude }
	}
	for _, a := range s.block {
		in.View.(flat).block[addr(a)] = true
	}
	return in
}

func hidden(v any) schema.Value {
	return schema.Value{Is: schema.Digest, Text: "hidden " + schema.JSON(v).Text}
}

const tier = "hardwareTiers.small"

func TestMake(t *testing.T) {
	one := func(f fields) map[string]fields { return map[string]fields{tier: f} }
	cases := map[string]struct {
		situation
		want  string // changes as "action address: reason", one a line
		codes []string
		drift int
		steps int
	}{
		"nothing":          {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 4}), live: one(fields{"cores": 4})}},
		"create":           {situation: situation{desired: one(fields{"cores": 4})}, want: "create hardwareTiers.small: not there yet", steps: 1},
		"first apply":      {situation: situation{desired: one(fields{"cores": 4}), live: one(fields{"cores": 3})}, want: "update hardwareTiers.small: first apply of what is there", steps: 1},
		"files changed":    {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 3}), live: one(fields{"cores": 3})}, want: "update hardwareTiers.small: files changed", steps: 1},
		"drift":            {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 4}), live: one(fields{"cores": 3})}, want: "update hardwareTiers.small: changed outside since the last apply", steps: 1, drift: 1},
		"both":             {situation: situation{desired: one(fields{"cores": 5}), applied: one(fields{"cores": 4}), live: one(fields{"cores": 3})}, want: "update hardwareTiers.small: files changed, and changed outside", steps: 1, drift: 1},
		"hidden":           {situation: situation{desired: one(fields{"cores": 5}), applied: one(fields{"cores": 4}), live: one(fields{"cores": hidden(4)})}, want: "update hardwareTiers.small: files changed", steps: 1},
		"hidden and moved": {situation: situation{desired: one(fields{"cores": 5}), applied: one(fields{"cores": 4}), live: one(fields{"cores": hidden(3)})}, want: "update hardwareTiers.small: files changed, and changed outside", steps: 1, drift: 1},
		"drift to desired": {situation: situation{desired: one(fields{"cores": 5}), applied: one(fields{"cores": 4}), live: one(fields{"cores": 5})}, want: "adopt hardwareTiers.small: live is as desired, the last apply set something else", drift: 1},
		"not looked up":    {situation: situation{desired: map[string]fields{"baseImages.ded": {"image": "quay.io/acme/ded:1"}}, live: map[string]fields{"baseImages.ded": {"image": "quay.io/acme/ded:1"}}}},
		"adopt":            {situation: situation{desired: one(fields{"cores": 4}), live: one(fields{"cores": 4})}, want: "adopt hardwareTiers.small: live is as desired and was not known yet"},
		"gone outside":     {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 4})}, want: "create hardwareTiers.small: gone outside since the last apply", steps: 1},
		"null unsets":      {situation: situation{desired: one(fields{"cores": schema.Value{Is: schema.Unset}}), live: one(fields{"cores": 4})}, want: "update hardwareTiers.small: first apply of what is there", steps: 1},
		"a field let go":   {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 4, "name": "x"}), live: one(fields{"cores": 4, "name": "y"})}, want: "adopt hardwareTiers.small: live is as desired, the last apply set something else"},
		"a map's key unset": {situation: situation{desired: one(fields{"cores": 4}), applied: one(fields{"cores": 4, "podCustomization.additionalLabels.a": "1"}),
			live: one(fields{"cores": 4, "podCustomization.additionalLabels.a": "1"})}, want: "update hardwareTiers.small: files changed", steps: 1},
		"no longer desired":  {situation: situation{applied: one(fields{"cores": 4}), live: one(fields{"cores": 4})}, codes: []string{"DC221"}},
		"archive allowed":    {situation: situation{applied: one(fields{"cores": 4}), live: one(fields{"cores": 4}), allow: true}, want: "archive hardwareTiers.small: no longer in the files", steps: 1},
		"prune":              {situation: situation{applied: one(fields{"lifecycle.prune": true}), live: one(fields{})}, want: "archive hardwareTiers.small: no longer in the files", steps: 1},
		"protected":          {situation: situation{applied: one(fields{"lifecycle.protect": true}), live: one(fields{}), allow: true}, codes: []string{"DC222"}},
		"gone on both sides": {situation: situation{applied: one(fields{"cores": 4})}, want: "release hardwareTiers.small: no longer in the files, and not there any more"},
		"latched":            {situation: situation{desired: one(fields{"cores": 4}), live: one(fields{"cores": 3}), latched: map[string]bool{tier: true}}, codes: []string{"DC410"}},
		"blocked":            {situation: situation{desired: one(fields{"cores": 4}), block: []string{tier}}, want: "create hardwareTiers.small: not there yet [not yet]", codes: []string{"DC230"}},
		"waits for what is blocked": {situation: situation{desired: map[string]fields{"amis.gpu": {"ssm": "/x"}, "amis.two": {"image": schema.RefTo(addr("amis.gpu"), "image")}}, block: []string{"amis.gpu", "amis.two"}},
			want: "create amis.gpu: not there yet [not yet]\ncreate amis.two: not there yet [waits for amis.gpu, which is blocked]", codes: []string{"DC230"}},
		"waits for what was rolled back": {situation: situation{desired: map[string]fields{"amis.gpu": {"find.name": "x"}, "amis.two": {"image": schema.RefTo(addr("amis.gpu"), "image")}, "settings.x": {"value": "1"}}, latched: map[string]bool{"amis.gpu": true}},
			want: "create amis.two: not there yet [waits for amis.gpu, which was rolled back and stays off until its content changes, or with --unlatch]\ncreate settings.x: not there yet", codes: []string{"DC410", "DC240"}, steps: 1},
		"excluded, and referred to": {situation: situation{desired: map[string]fields{"environments.base": {"visibility": "global"}, "environments.top": {"x": schema.RefTo(addr("environments.base"), "id")}}, exclude: "environments.base",
			live: map[string]fields{"environments.base": {"id": "b", "visibility": "private"}, "environments.top": {"x": "a"}}}, want: "update environments.top: first apply of what is there", steps: 1},
		"excluded, and not there yet": {situation: situation{desired: map[string]fields{"environments.base": {"visibility": "global"}, "environments.top": {"x": schema.RefTo(addr("environments.base"), "id")}}, exclude: "environments.base"},
			want: "create environments.top: not there yet [waits for environments.base, which is excluded and not there yet]"},
		"excluded, and no longer desired": {situation: situation{applied: one(fields{"cores": 4}), live: one(fields{"cores": 4}), allow: true, exclude: tier}},
		"a setting unset":                 {situation: situation{applied: map[string]fields{"settings.x": {"value": "1"}}, live: map[string]fields{"settings.x": {"value": "1"}}}, want: "unset settings.x: no longer in the files", steps: 1, codes: []string{"DC240"}},
		"a pool released":                 {situation: situation{applied: map[string]fields{"nodePools.p": {"groups.a.ami": "ami-1"}}, live: map[string]fields{"nodePools.p": {"groups.a.ami": "ami-1"}}}, want: "release nodePools.p: no longer in the files; what stands outside is left alone"},
		"a swap of names": {situation: situation{desired: map[string]fields{"hardwareTiers.a": {"cores": 1, "movedFrom": "b"}, "hardwareTiers.b": {"cores": 2}},
			applied: map[string]fields{"hardwareTiers.a": {"cores": 1}, "hardwareTiers.b": {"cores": 2}}, live: map[string]fields{"hardwareTiers.a": {"cores": 1}, "hardwareTiers.b": {"cores": 2}}},
			codes: []string{"DC223"}},
		"one object under another name": {situation: situation{desired: map[string]fields{"hardwareTiers.new": {"cores": 4}}, applied: one(fields{"cores": 4}),
			live: map[string]fields{"hardwareTiers.new": {"cores": 4}, tier: {"cores": 4}}, allow: true, sameID: "small"},
			want: "adopt hardwareTiers.new: live is as desired and was not known yet\nrelease hardwareTiers.small: the same object is hardwareTiers.new in the files"},
		"renamed": {situation: situation{desired: map[string]fields{"hardwareTiers.new": {"cores": 4, "movedFrom": "small"}}, applied: one(fields{"cores": 4}),
			live: map[string]fields{"hardwareTiers.new": {"cores": 4}}}, want: "adopt hardwareTiers.new: renamed in the files"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := planned(c.input())
			if err != nil {
				t.Fatal(err)
			}
			if got := outline(p); got != c.want {
				t.Errorf("changes:\n%s\nwant:\n%s", got, c.want)
			}
			var codes []string
			for _, f := range p.Findings {
				codes = append(codes, f.Code)
			}
			if !slices.Equal(codes, c.codes) {
				t.Errorf("findings %v, want %v", codes, c.codes)
			}
			if len(p.Drift) != c.drift || len(p.Steps) != c.steps {
				t.Errorf("%d drifted, %d steps; want %d and %d", len(p.Drift), len(p.Steps), c.drift, c.steps)
			}
		})
	}
}

// TestWhatIsLeft stands beside what is done, and does not become applied.
func TestWhatIsLeft(t *testing.T) {
	in := situation{desired: map[string]fields{tier: {"cores": 4, "name": "s"}}, live: map[string]fields{tier: {"cores": 3}}}.input()
	in.View = flat{left: []Left{{[]string{"name"}, schema.Finding{Code: "DC239", Message: "of another owner"}}}}
	p, err := planned(in)
	want := "update hardwareTiers.small: first apply of what is there\nupdate hardwareTiers.small: first apply of what is there [of another owner]"
	if err != nil || outline(p) != want || len(p.Changes[0].Fields) != 1 || p.Changes[1].Fields[0].Path != "name" {
		t.Errorf("%v\n%s", err, outline(p))
	}
	if s := p.Summary; s.Update != 1 || s.Blocked != 1 || p.Stuck() || len(p.Settle[addr(tier)].Fields) != 1 {
		t.Errorf("%+v %+v", s, p.Settle[addr(tier)])
	}
	in.View = flat{left: []Left{{[]string{"name", "cores"}, schema.Finding{Code: "DC239", Message: "of another owner"}}}}
	if p, err := planned(in); err != nil || p.Summary.Update != 0 || p.Summary.Blocked != 1 || len(p.Settle) > 0 {
		t.Errorf("%v, %+v", err, p.Summary)
	}
}

func outline(p Plan) string {
	var lines []string
	for _, c := range p.Changes {
		line := string(c.Action) + " " + c.Address.String() + ": " + c.Reason
		if c.Blocked != "" {
			line += " [" + c.Blocked + "]"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestAgain applies a plan on paper: the second plan is empty.
func TestAgain(t *testing.T) {
	s := situation{desired: map[string]fields{tier: {"cores": 4, "name": "s"}, "settings.x": {"value": "1"}}, live: map[string]fields{tier: {"cores": 3}}}
	in := s.input()
	p, err := planned(in)
	if err != nil {
		t.Fatal(err)
	}
	for a, e := range p.Settle {
		in.Applied.Entries[a] = *e
		in.Live.Objects[a] = schema.Observed{ID: e.ID.Str(), Fields: e.Fields}
	}
	if again, err := planned(in); err != nil || !again.Empty() || again.Changed() {
		t.Fatalf("the second plan is not empty: %v\n%s", err, outline(again))
	}
}

func TestEffectBindsWhatWouldBeDone(t *testing.T) {
	base := situation{desired: map[string]fields{tier: {"cores": 4}}, live: map[string]fields{tier: {"cores": 3}}}
	first, _ := planned(base.input())
	same := base.input()
	same.ID, same.Source = "q", Source{Commit: strings.Repeat("a", 40)}
	second, _ := planned(same)
	if first.Effect != second.Effect || first.Hash == second.Hash {
		t.Error("id and commit change the hash and not the effect")
	}
	moved := base
	moved.live = map[string]fields{tier: {"cores": 2}}
	if third, _ := planned(moved.input()); third.Effect == first.Effect {
		t.Error("another pre-image is another effect")
	}
	for what, change := range map[string]func(*Plan){
		"lineage": func(p *Plan) { p.Lineage = "another" },
		"world":   func(p *Plan) { p.World.Account = "999999999999" },
		"former":  func(p *Plan) { p.Former = map[schema.Address]string{{Kind: "a", Name: "b"}: "another"} },
		"latch":   func(p *Plan) { p.Latch = map[schema.Address]string{{Kind: "a", Name: "b"}: "another"} },
		"settle":  func(p *Plan) { p.Settle = map[schema.Address]*schema.Entry{{Kind: "a", Name: "b"}: nil} },
		"gates":   func(p *Plan) { p.Steps = []Step{{Gates: []Gate{{Kind: "approval", Arg: "2"}}}} },
	} {
		p := first
		if change(&p); p.effect() == first.effect() {
			t.Errorf("another %s is another effect", what)
		}
	}
}

// TestAlteredByOneByte flips every byte of a plan file.
func TestAlteredByOneByte(t *testing.T) {
	p, _ := planned(situation{desired: map[string]fields{tier: {"cores": 4}}, live: map[string]fields{tier: {"cores": 3}}}.input())
	file := Encode(p)
	if _, err := Decode(file); err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if got, err := Decode(bad); err == nil && got.Verify() == nil {
			t.Fatalf("byte %d of %d altered and not noticed", i, len(file))
		}
	}
}

// TestForged plans have a hash, and are still not applied.
func TestForged(t *testing.T) {
	second := Step{ID: "second", Address: addr(tier)}
	for name, c := range map[string]struct {
		change func(*Plan)
		says   string // "" where it is one that could have been made
	}{
		"as made":          {func(p *Plan) { p.ID = "20260301-101500-k3v9w2m4q7x1" }, ""},
		"in order":         {func(p *Plan) { second.After = []string{p.Steps[0].ID}; p.Steps = append(p.Steps, second) }, ""},
		"no id":            {func(p *Plan) { p.ID = "" }, `"" is no id`},
		"another stream":   {func(p *Plan) { p.ID = "other/000001" }, `"other/000001" is no id`},
		"a folder":         {func(p *Plan) { p.ID = ".." }, `".." is no id`},
		"two of one name":  {func(p *Plan) { p.Steps = append(p.Steps, p.Steps[0]) }, "two steps are called hardwareTiers.small/write"},
		"a loop":           {func(p *Plan) { p.Steps[0].After = []string{p.Steps[0].ID} }, "is no step before it"},
		"after nothing":    {func(p *Plan) { p.Steps[0].After = []string{"x"} }, "comes after x"},
		"unshown":          {func(p *Plan) { p.Steps[0].Address = addr("hardwareTiers.large") }, "of hardwareTiers.large, which no change speaks of"},
		"unseen":           {func(p *Plan) { p.Steps[0].Guard, p.Steps[0].Expects = Conditional, nil }, "writes what it does not expect anything of"},
		"of another":       {func(p *Plan) { p.Steps[0].Guard, p.Steps[0].Object = Conditional, "mongo/users#admin" }, "writes what it does not expect anything of"},
		"shown as blocked": {func(p *Plan) { p.Changes[0].Blocked = "no" }, "of hardwareTiers.small, which no change speaks of"},
	} {
		p, err := planned(situation{desired: map[string]fields{tier: {"cores": 4}}}.input())
		if err != nil {
			t.Fatal(err)
		}
		c.change(&p)
		p.Effect = p.effect()
		p.Hash = p.hash()
		if err := p.Verify(); c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrAltered) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func FuzzDecode(f *testing.F) {
	p, _ := planned(situation{desired: map[string]fields{tier: {"cores": 4}}}.input())
	f.Add(Encode(p))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Decode(b); err == nil && !bytes.Equal(Encode(p), b) {
			t.Error("decoded what Encode did not write")
		}
	})
}

// TestLocalErrors hold up a plan that builds what they are about, and no other.
func TestLocalErrors(t *testing.T) {
	wrong := schema.Finding{Code: "DC701", Severity: schema.Error, Address: addr("environments.e"), Message: "FROM"}
	other := schema.Finding{Code: "DC103", Severity: schema.Error, Address: addr("environments.e"), Message: "x"}
	for name, c := range map[string]struct {
		live    fields
		blocked bool
		finding schema.Finding
		refused bool
	}{
		"it is built":        {fields{"name": "E", "dockerfile": "RUN a"}, false, wrong, true},
		"it is as it was":    {fields{"name": "E", "dockerfile": "FROM b"}, false, wrong, false},
		"its name changes":   {fields{"name": "F", "dockerfile": "FROM b"}, false, wrong, false},
		"it cannot be built": {fields{"name": "E", "dockerfile": "RUN a"}, true, wrong, false},
		"another error":      {fields{"name": "E", "dockerfile": "FROM b"}, false, other, true},
	} {
		e := addr("environments.e")
		in := Input{Desired: schema.Desired{Objects: map[schema.Address]schema.Object{e: {Fields: values(fields{"name": "E", "dockerfile": "FROM b"})}}},
			Live: schema.Live{Objects: map[schema.Address]schema.Observed{e: {ID: "1", Fields: values(c.live)}}}, View: flat{block: map[schema.Address]bool{e: c.blocked}}, Findings: []schema.Finding{c.finding}}
		p, err := planned(in)
		if err != nil || p.Refused() != c.refused || in.Findings[0].Severity != schema.Error {
			t.Errorf("%s: %+v, %v", name, p.Findings, err)
		}
	}
}
