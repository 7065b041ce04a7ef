package world_test

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

func TestWhatGroupsSayOfTheirNodes(t *testing.T) {
	const tags = `"k8s.io/cluster-autoscaler/node-template/`
	right := tags + `label/dominodatalab.com/node-pool": "p", ` + tags + `label/team": "a", ` + tags + `taint/gpu": "true:NoSchedule", ` + tags + `autoscaling-options/scaledownunneededtime": "20m0s"`
	stated := map[string]any{"labels.team": "a", "taints.gpu": "true:NoSchedule", "scaleDownDelay": "20m"}
	for name, c := range map[string]struct {
		tags string
		pool map[string]any
		want string // of one finding, "" for none
	}{
		"nothing is stated": {"", map[string]any{}, ""},
		"all as stated":     {right, stated, ""},
		"another value":     {strings.Replace(right, `"a"`, `"b"`, 1), stated, "label/team is b, the files say a"},
		"no tag":            {strings.Replace(right, "label/team", "label/other", 1), stated, "label/team is none, the files say a"},
		"no pool label":     {strings.Replace(right, "/node-pool", "/pool", 1), stated, "node-pool is none, the files say p"},
		"a taint more":      {right + ", " + tags + `taint/x": "y:NoExecute"`, stated, "taint/x is y:NoExecute, the files do not state it"},
		"another delay":     {strings.Replace(right, "20m0s", "1h", 1), stated, "scaledownunneededtime is 1h, the files say 20m"},
		"a delay alone":     {"", map[string]any{"scaleDownDelay": "10m"}, "scaledownunneededtime is none, the files say 10m"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", strings.Replace(poolAWS, `"lt": {`, `"lt": {"tags": {`+c.tags+`}, `, 1))
			pool := map[string]any{"groups": asg("lt")}
			for p, v := range c.pool {
				pool[p] = v
			}
			view, err := b.look(object("nodePools", "p", pool), schema.Applied{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range view.Findings {
				got = append(got, f.Code+" "+f.Message)
			}
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "DC807 Auto Scaling group lt says otherwise of its nodes: ") || !strings.HasSuffix(got[0], c.want)) {
				t.Errorf("%v, want %q", got, c.want)
			}
		})
	}
}

func TestLabelsOfAManagedNodeGroup(t *testing.T) {
	b := newBench(t, "", strings.Replace(poolAWS, `"managed": {`, `"managed": {"labels": {"team": "b", "dominodatalab.com/node-pool": "p"}, `, 1))
	pool := map[string]any{"groups": []schema.Group{{NodeGroup: "managed", Cluster: "acme"}}, "labels.team": "a"}
	view, err := b.look(object("nodePools", "p", pool), schema.Applied{})
	if err != nil {
		t.Fatal(err)
	}
	if len(view.Findings) != 1 || view.Findings[0].Message != "managed node group managed says otherwise of its nodes: team is b, the files say a" {
		t.Errorf("%+v", view.Findings)
	}
}
