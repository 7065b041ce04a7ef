package config_test

import (
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/schema"
)

// TestBindModes: a plan is made as who the binding says, whatever the tree states.
func TestBindModes(t *testing.T) {
	d := config.Deployment{World: "live", AWS: config.AWS{Account: "1", Region: "r", Role: "applies", PlanRole: "plans"},
		Mongo: config.Mongo{Database: "domino", URI: "env:APPLIES", PlanURI: "env:PLANS"}, State: config.State{File: "/s"}, Registries: []string{"quay.io"}}
	alike := d
	alike.AWS.PlanRole, alike.Mongo.PlanURI = "", ""
	at := []schema.Position{{File: "prod/deployment.cue", Line: 3, Col: 1}}
	tree := compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", AWS: schema.AWS{Role: "applies"}, Mongo: schema.Mongo{URI: "env:APPLIES"}}}}
	for _, c := range []struct {
		of        config.Deployment
		mode      config.Mode
		role, uri string
	}{{d, config.ToPlan, "plans", "env:PLANS"}, {d, config.ToApply, "applies", "env:APPLIES"}, {alike, config.ToPlan, "applies", "env:APPLIES"}} {
		got, found := c.of.Bind("p", c.mode, tree)
		if dep := got.Desired.Deployment; len(found) > 0 || dep.AWS.Role != c.role || dep.Mongo.URI != c.uri {
			t.Errorf("%s: %+v %s", c.mode, dep, said(found))
		}
		if dep := c.of.Schema("p", c.mode); dep.AWS.Role != c.role || dep.Mongo.URI != c.uri {
			t.Errorf("%s: %+v", c.mode, dep)
		}
	}
	for _, wrong := range []schema.Deployment{{At: at, AWS: schema.AWS{Role: "plans"}}, {At: at, Mongo: schema.Mongo{URI: "env:PLANS"}}} {
		if _, found := d.Bind("p", config.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: wrong}}); !strings.Contains(said(found), "DC521") {
			t.Errorf("%+v is not refused: %s", wrong, said(found))
		}
	}
}
