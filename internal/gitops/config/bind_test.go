package config_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/schema"
)

// TestNoTreeChoosesWhatIsAsked: which fields of the database are written, which cluster
// and which registries are asked, the controller's file says.
func TestNoTreeChoosesWhatIsAsked(t *testing.T) {
	d := config.Deployment{World: "live", AWS: config.AWS{Account: "1", Region: "r", Cluster: "ours"}, Mongo: config.Mongo{Database: "domino", URI: "env:U"},
		State: config.State{File: "/s"}, Registries: []string{"quay.io"}}
	bind := func(dep schema.Deployment) (schema.Deployment, string) {
		dep.Name, dep.World = "p", "live"
		r, found := d.Bind("p", config.ToApply, compiler.Result{Desired: schema.Desired{Deployment: dep}})
		var said []string
		for _, f := range found {
			said = append(said, f.Code+" "+f.Message)
		}
		return r.Desired.Deployment, strings.Join(said, "\n")
	}
	users := schema.Mapping{HardwareTiers: schema.Collection{Collection: "users", Fields: map[string]string{"isVisible": "isAdmin"}}}
	got, said := bind(schema.Deployment{AWS: schema.AWS{Cluster: "theirs"}, Registries: []schema.Registry{{Host: "169.254.169.254:80"}, {Host: "quay.io"}}, Mongo: schema.Mongo{Mapping: users}})
	for _, want := range []string{"DC521 deployment.aws.cluster", "DC521 deployment.mongo.mapping", `DC521 deployment.registries is "169.254.169.254:80"`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if got.Mongo.Mapping.HardwareTiers.Collection != "" || got.AWS.Cluster != "ours" || len(got.Registries) != 1 || got.Registries[0].Host != "quay.io" {
		t.Errorf("%+v", got)
	}
	if got, said = bind(schema.Deployment{}); said != "" || len(got.Registries) != 1 {
		t.Errorf("%s: %+v", said, got)
	}
	d.Mongo.Mapping.HardwareTiers = config.Collection{Collection: "users", Fields: map[string]string{"isVisible": "isAdmin"}}
	if got, said = bind(schema.Deployment{Mongo: schema.Mongo{Mapping: users}}); said != "" || got.Mongo.Mapping.HardwareTiers.Collection != "users" {
		t.Errorf("%s: %+v", said, got)
	}
}

// TestNoTreeChoosesTheWay: through what MongoDB is reached, the controller's file says.
func TestNoTreeChoosesTheWay(t *testing.T) {
	ours := &config.ViaSSH{Address: "central.acme.com", User: "domctl", HostKeys: []string{"ssh-ed25519 AAAA"}, Key: "env:KEY"}
	stated := schema.Via{SSH: &schema.ViaSSH{Address: "central.acme.com", User: "domctl", HostKeys: []string{"ssh-ed25519 AAAA"}, Key: "env:KEY"}}
	theirs := schema.Via{SSH: &schema.ViaSSH{Address: "evil.example", User: "domctl", HostKeys: []string{"ssh-ed25519 AAAA"}, Key: "env:KEY"}}
	for _, c := range []struct {
		bound        config.Via
		tree         schema.Via
		refused, via bool
	}{
		{config.Via{}, schema.Via{}, false, false},
		{config.Via{}, theirs, true, false},
		{config.Via{}, schema.Via{PortForward: &schema.PortForward{Namespace: "kube-system"}}, true, false},
		{config.Via{SSH: ours}, schema.Via{}, false, true},
		{config.Via{SSH: ours}, stated, false, true},
		{config.Via{SSH: ours}, theirs, true, true},
	} {
		d := config.Deployment{World: "live", Mongo: config.Mongo{Via: c.bound}}
		r, found := d.Bind("p", config.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", Mongo: schema.Mongo{Via: c.tree}}}})
		via := r.Desired.Deployment.Mongo.Via
		if (len(found) == 1 && strings.HasPrefix(found[0].Message, "deployment.mongo.via is ")) != c.refused || (via.SSH != nil && via.SSH.Address == "central.acme.com") != c.via || via.PortForward != nil {
			t.Errorf("%+v: %v %+v", c, found, via)
		}
	}
}

// TestNoTreeChoosesWhereTheKeyGoes: the address of Domino and whose key it is are bound;
// where nothing is, nobody is asked.
func TestNoTreeChoosesWhereTheKeyGoes(t *testing.T) {
	d := config.Deployment{World: "live", Domino: config.Domino{URL: "https://domino.acme.example", APIKey: "env:KEY"}}
	bind := func(stated schema.Domino) (schema.Domino, string) {
		r, found := d.Bind("p", config.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", Domino: stated}}})
		var fields []string
		for _, f := range found {
			fields = append(fields, f.Code+" "+strings.Fields(f.Message)[0])
		}
		return r.Desired.Deployment.Domino, strings.Join(fields, " ")
	}
	ours := schema.Domino{URL: "https://domino.acme.example", APIKey: "env:KEY"}
	for said, stated := range map[string]schema.Domino{
		"":                              ours,
		"DC521 deployment.domino.url":   {URL: "https://evil.example", APIKey: "env:KEY"},
		"DC521 deployment.domino.token": {URL: ours.URL, Token: "env:KEY"},
		"DC521 deployment.domino.apiKey DC521 deployment.domino.url": {URL: "https://domino.acme.example.", APIKey: "env:HOME"},
	} {
		if got, found := bind(stated); got != ours || found != said {
			t.Errorf("%+v: %s, %+v", stated, found, got)
		}
	}
	d.Domino = config.Domino{}
	if got, found := bind(ours); got != (schema.Domino{}) || found != "" {
		t.Errorf("%s, %+v", found, got)
	}
}

// TestNoWayUpFromAPattern: a * stands for one name, and .. is none.
func TestNoWayUpFromAPattern(t *testing.T) {
	d := config.Deployment{Secrets: []string{"file:/run/secrets/*/*", "file:*/*", "ssm:/domino/*"}}
	for ref, want := range map[string]bool{"file:/run/secrets/../shadow": false, "file:../other": false, "file:a/..": false, "ssm:/domino/x": true, "ssm:/domino/x..y": true} {
		if d.Allows(ref) != want {
			t.Errorf("%s: %v", ref, !want)
		}
	}
}

// TestWhichInstancesAreExecutorsIsBound: they decide which machines a roll ends, so that a tree
// states none or the bound ones, and always gets these.
func TestWhichInstancesAreExecutorsIsBound(t *testing.T) {
	tags := map[string]string{"role": "executor"}
	for _, c := range []struct {
		bound   config.ExecutorInstances
		tree    schema.ExecutorInstances
		refused bool
	}{
		{config.ExecutorInstances{}, schema.ExecutorInstances{}, false},
		{config.ExecutorInstances{}, schema.ExecutorInstances{Tags: tags}, true},
		{config.ExecutorInstances{Tags: tags}, schema.ExecutorInstances{}, false},
		{config.ExecutorInstances{Tags: tags}, schema.ExecutorInstances{Tags: tags}, false},
		{config.ExecutorInstances{Tags: tags}, schema.ExecutorInstances{Tags: map[string]string{"role": "web"}}, true},
		{config.ExecutorInstances{Tags: tags, Tier: "tier"}, schema.ExecutorInstances{Tags: tags, Tier: "owner"}, true},
	} {
		d := config.Deployment{World: "live", ExecutorInstances: c.bound}
		r, found := d.Bind("prod", config.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "prod", World: "live", Instances: c.tree}}})
		refused := slices.ContainsFunc(found, func(f schema.Finding) bool { return strings.Contains(f.Message, "deployment.executorInstances") })
		if got := schema.JSON(r.Desired.Deployment.Instances); refused != c.refused || got != schema.JSON(schema.ExecutorInstances(c.bound)) {
			t.Errorf("%+v in %+v: %v, %s", c.tree, c.bound, found, got.Text)
		}
	}
}
