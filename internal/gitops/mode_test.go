package gitops_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// modal is a desk of which an engine that is opened to plan may write nothing, neither
// outside nor into the records. It notes what was opened.
func (r *rig) modal(t *testing.T, kill *sim.Kill) (d *gitops.Desk, opened *[]gitops.Mode) {
	d, opened = r.desk(kill), new([]gitops.Mode)
	open := d.Open
	d.Open = func(ctx context.Context, tree gitops.Tree, mode gitops.Mode) (*engine.Engine, func(), error) {
		*opened = append(*opened, mode)
		if mode == gitops.ToPlan {
			writes := len(r.machine.Effects)
			e, shut, err := r.open(func(call string, phase sandbox.Phase) error {
				if strings.HasPrefix(call, "put") || strings.HasPrefix(call, "delete") {
					t.Errorf("an engine that was opened to plan: %s", call)
				}
				return nil
			})(ctx, tree, mode)
			return e, func() {
				if shut(); len(r.machine.Effects) != writes {
					t.Error("an engine that was opened to plan wrote")
				}
			}, err
		}
		return open(ctx, tree, mode)
	}
	return d, opened
}

// TestPlansWriteNothing: applies alone are opened as who may write, also where the
// records are new and a plan would make their key.
func TestPlansWriteNothing(t *testing.T) {
	r := newRig(t)
	turn := func(kill *sim.Kill, want ...gitops.Mode) (gitops.Turned, error) {
		t.Helper()
		d, opened := r.modal(t, kill)
		got, err := d.Turn(t.Context())
		if !slices.Equal(*opened, want) {
			t.Errorf("opened %s, want %s", *opened, want)
		}
		return got, err
	}
	done := func(want ...gitops.Mode) {
		t.Helper()
		if got, err := turn(sim.KillAfter(-1), want...); err != nil || got.Head.Stage != gitops.Done {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if err := r.machine.Store.Delete(t.Context(), engine.KeyRecord); err != nil {
		t.Fatal(err)
	}
	r.commit("modern-before")
	done(gitops.ToApply, gitops.ToPlan, gitops.ToApply)
	r.commit("modern-before", "package domino", "package domino // x")
	done(gitops.ToPlan)
	r.commit("modern")
	if _, err := turn(sim.KillAfter(60), gitops.ToPlan, gitops.ToApply); err == nil {
		t.Error("it was not killed")
	}
	done(gitops.ToApply)
}

// TestBindModes: a plan is made as who the binding says, whatever the tree states.
func TestBindModes(t *testing.T) {
	d := gitops.Deployment{World: "live", AWS: gitops.AWS{Account: "1", Region: "r", Role: "applies", PlanRole: "plans"},
		Mongo: gitops.Mongo{Database: "domino", URI: "env:APPLIES", PlanURI: "env:PLANS"}, State: gitops.State{File: "/s"}, Registries: []string{"quay.io"}}
	alike := d
	alike.AWS.PlanRole, alike.Mongo.PlanURI = "", ""
	at := []schema.Position{{File: "prod/deployment.cue", Line: 3, Col: 1}}
	tree := compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", AWS: schema.AWS{Role: "applies"}, Mongo: schema.Mongo{URI: "env:APPLIES"}}}}
	for _, c := range []struct {
		of        gitops.Deployment
		mode      gitops.Mode
		role, uri string
	}{{d, gitops.ToPlan, "plans", "env:PLANS"}, {d, gitops.ToApply, "applies", "env:APPLIES"}, {alike, gitops.ToPlan, "applies", "env:APPLIES"}} {
		got, found := c.of.Bind("p", c.mode, tree)
		if dep := got.Desired.Deployment; len(found) > 0 || dep.AWS.Role != c.role || dep.Mongo.URI != c.uri {
			t.Errorf("%s: %+v %s", c.mode, dep, said(found))
		}
		if dep := c.of.Schema("p", c.mode); dep.AWS.Role != c.role || dep.Mongo.URI != c.uri {
			t.Errorf("%s: %+v", c.mode, dep)
		}
	}
	for _, wrong := range []schema.Deployment{{At: at, AWS: schema.AWS{Role: "plans"}}, {At: at, Mongo: schema.Mongo{URI: "env:PLANS"}}} {
		if _, found := d.Bind("p", gitops.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: wrong}}); !strings.Contains(said(found), "DC521") {
			t.Errorf("%+v is not refused: %s", wrong, said(found))
		}
	}
}
