package gitops_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// modal is a desk of which an engine that is opened to plan may write nothing, neither
// outside nor into the records. It notes what was opened.
func (r *rig) modal(t *testing.T, kill *sim.Kill) (d *gitops.Desk, opened *[]config.Mode) {
	d, opened = r.desk(kill), new([]config.Mode)
	open := d.Open
	d.Open = func(ctx context.Context, tree gitops.Tree, mode config.Mode) (*engine.Engine, func(), error) {
		*opened = append(*opened, mode)
		if mode == config.ToPlan {
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
	turn := func(kill *sim.Kill, want ...config.Mode) (gitops.Turned, error) {
		t.Helper()
		d, opened := r.modal(t, kill)
		got, err := d.Turn(t.Context())
		if !slices.Equal(*opened, want) {
			t.Errorf("opened %s, want %s", *opened, want)
		}
		return got, err
	}
	done := func(want ...config.Mode) {
		t.Helper()
		if got, err := turn(sim.KillAfter(-1), want...); err != nil || got.Head.Stage != gitops.Done {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if err := r.machine.Store.Delete(t.Context(), engine.KeyRecord); err != nil {
		t.Fatal(err)
	}
	r.commit("modern-before")
	done(config.ToApply, config.ToPlan, config.ToApply)
	r.commit("modern-before", "package domino", "package domino // x")
	done(config.ToPlan)
	r.commit("modern")
	if _, err := turn(sim.KillAfter(60), config.ToPlan, config.ToApply); err == nil {
		t.Error("it was not killed")
	}
	done(config.ToApply)
}
