package engine_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

const theTemplate = "i-0000000000000000a"

// person is somebody who works on the machine by hand.
func (r rig) person() *sandbox.World {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	must(r.t, err)
	return w
}

// template is the instance as it stands.
func (r rig) template() port.Instance {
	r.t.Helper()
	found, err := r.person().DescribeInstances(r.t.Context(), port.Select{IDs: []string{theTemplate}})
	must(r.t, err)
	return found[0]
}

// TestATemplateIsPutBack whatever goes wrong: as it was, or as somebody left it,
// without a tag, and never terminated. The way back leaves no image.
func TestATemplateIsPutBack(t *testing.T) {
	during := func(nth int, do func(rig) error) func(rig) sim.Gate {
		return func(r rig) sim.Gate {
			calls := 0
			return func(name string, phase sandbox.Phase) error {
				if name != "RunScript" || phase != sandbox.After {
					return nil
				}
				if calls++; calls != nth {
					return nil
				}
				return do(r)
			}
		}
	}
	stop := func(r rig) error { return r.person().StopInstance(t.Context(), theTemplate) }
	for name, c := range map[string]struct {
		disk   string             // of the template
		meet   func(rig) error    // somebody, between plan and apply
		gate   func(rig) sim.Gate // or while it runs
		fault  sandbox.Fault
		why    string
		stands string // the template in the end
	}{
		"never reachable":          {fault: sandbox.Fault{Fault: "unreachable", Call: "Reachable"}, why: "DC331: .*could not be reached for 15m", stands: "stopped"},
		"the disk is full":         {disk: `"commands": {"docker pull*": {"exit": 1, "stderr": "write /var/lib/docker: no space left on device\n"}}`, why: "DC331: .*image 1 of 2.*no space left on device", stands: "stopped"},
		"the image fails":          {fault: sandbox.Fault{Fault: "fails", Call: "CreateImage"}, why: "DC333", stands: "stopped"},
		"it cannot be started":     {fault: sandbox.Fault{Fault: "denied", Call: "StartInstance"}, why: "not allowed|denied|permission", stands: "stopped"},
		"started before the apply": {meet: func(r rig) error { return r.person().StartInstance(t.Context(), theTemplate) }, why: "DC347: .*is running, and was stopped", stands: "running"},
		"stopped while it works":   {gate: during(2, stop), why: "DC347: .*was stopped by someone", stands: "stopped"},
		"gone":                     {gate: during(2, func(r rig) error { return r.person().TerminateInstance(t.Context(), theTemplate) }), why: "DC347: .*gone|DC304: .*image moved", stands: "terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := templateFixture(t)
			f.content = bytes.Replace(f.content, []byte(`"state": "stopped"`), []byte(`"state": "stopped", "disk": {`+c.disk+`}`), 1)
			r := f.start(t)
			p := r.plan(f.after)
			if c.meet != nil {
				must(t, c.meet(r))
				must(t, r.Clock.Sleep(t.Context(), time.Minute))
			}
			o := sim.Options{Holder: "test"}
			if c.gate != nil {
				o.Gate = c.gate(r)
			}
			if c.fault.Fault != "" {
				o.Outside.Faults = []sandbox.Fault{c.fault}
			}
			e := must1(r.Process(t.Context(), f.after, o))(t)
			res, err := e.Apply(t.Context(), p)
			if err != nil || res.Outcome != applier.FailedOutcome || !matches(c.why, res.Why) {
				t.Fatalf("%+v, %v, want %s", res, err, c.why)
			}
			r.back(f, p.ID, sim.KillAfter(-1))
			must(t, r.Clock.Sleep(t.Context(), time.Minute))
			if i := r.template(); i.State != c.stands || len(i.Tags) != 1 && c.stands != "terminated" {
				t.Errorf("it is %s, tagged %v", i.State, i.Tags)
			}
			for _, effect := range r.Effects {
				if effect.Call == "TerminateInstance" && strings.Contains(effect.Args, theTemplate) {
					t.Errorf("%+v", effect)
				}
			}
			images := must1(r.person().DescribeImages(t.Context(), port.ImageQuery{Owners: []string{"self"}}))(t)
			if len(images) > 1 { // the one it was launched from
				t.Errorf("left %+v", images)
			}
		})
	}
}

// TestATemplateThatIsLent to another apply is left alone, and a plan says so.
func TestATemplateThatIsLent(t *testing.T) {
	f := templateFixture(t)
	r := f.start(t)
	p := r.plan(f.after)
	loan := "apply=20260301-100000-other token=0123 was=stopped since=2026-03-01T10:00:00Z"
	must(t, r.person().CreateTags(t.Context(), []string{theTemplate}, map[string]string{"domctl:borrowed": loan}))
	res, err := r.engine(f.after).Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || !matches("DC346: apply 20260301-100000-other", res.Why) {
		t.Fatalf("%+v, %v", res, err)
	}
	r.back(f, p.ID, sim.KillAfter(-1))
	if i := r.template(); i.Tags["domctl:borrowed"] != loan || i.State != "stopped" {
		t.Errorf("%+v", i)
	}
	says := func(finding schema.Finding) bool {
		return finding.Code == "DC230" && matches("20260301-100000-other works on", []string{finding.Message})
	}
	if again := r.plan(f.after); !slices.ContainsFunc(again.Findings, says) {
		t.Errorf("a plan does not say that it is lent: %+v", again.Findings)
	}
}

// TestATemplateThatTwoClaim: another apply that found the instance free too writes its
// claim after this one has looked at its own. It has the instance; this one has done
// nothing there, and does nothing.
func TestATemplateThatTwoClaim(t *testing.T) {
	for _, power := range []string{`"state": "stopped"`, `"launched": "2024-01-01T00:00:00Z"`} {
		f := templateFixture(t)
		f.content = bytes.Replace(f.content, []byte(`"state": "stopped"`), []byte(power), 1)
		r := f.start(t)
		p := r.plan(f.after)
		loan := "apply=20260301-100000-other token=0123 was=stopped since=2026-03-01T10:00:00Z"
		claimed, looks := false, 0
		gate := func(name string, phase sandbox.Phase) error {
			if phase != sandbox.After {
				return nil
			}
			if claimed = claimed || name == "CreateTags"; !claimed || name != "DescribeInstances" {
				return nil
			}
			if looks++; looks != 1 {
				return nil
			}
			return r.person().CreateTags(t.Context(), []string{theTemplate}, map[string]string{"domctl:borrowed": loan})
		}
		e := must1(r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate}))(t)
		res, err := e.Apply(t.Context(), p)
		if err != nil || res.Outcome != applier.FailedOutcome || !matches("DC346: apply 20260301-100000-other", res.Why) || looks == 0 {
			t.Fatalf("%+v, %v", res, err)
		}
		r.back(f, p.ID, sim.KillAfter(-1))
		for _, effect := range r.Effects {
			if slices.Contains([]string{"StartInstance", "StopInstance", "RunScript", "CreateImage", "DeleteTags"}, effect.Call) {
				t.Errorf("%+v", effect)
			}
		}
		if i := r.template(); i.Tags["domctl:borrowed"] != loan {
			t.Errorf("%+v", i)
		}
	}
}

func matches(pattern string, texts []string) bool {
	return slices.ContainsFunc(texts, regexp.MustCompile(pattern).MatchString)
}

func templateFixture(t *testing.T) fixture {
	t.Helper()
	all := fixtures(t)
	return all[slices.IndexFunc(all, func(f fixture) bool { return f.name == "template" })]
}
