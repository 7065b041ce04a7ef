package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

const smallTier = `"hardware_tier": [{"_id": "small", "name": "Small", "resources": {"cores": {"$numberDouble": "2.0"}, "memory": {"value": 4, "unit": "GiB"}},
	"flags": {"isDefault": true, "isArchived": false}, "mine": {"$numberLong": "7"}, "centsPerMinute": 1.5,
	"podCustomization": {"additionalLabels": {"example.com/team": "a", "n": {"$numberLong": "3"}}},
	"overProvisioning": {"daysOfWeek": ["Monday", "Friday"], "fromTime": "08:00:00", "toTime": "18:00", "instances": null}}]`

func TestTiers(t *testing.T) {
	for name, c := range map[string]struct {
		live   string
		fields map[string]any
		want   string
	}{
		"as it is": {smallTier, map[string]any{"name": "Small", "cores": 2, "memory": "4GiB", "isDefault": true, "archived": false, "centsPerMinute": 1.5,
			"podCustomization.additionalLabels.\"example.com/team\"": "a", "overProvisioning.daysOfWeek": []string{"fri", "mon"},
			"overProvisioning.fromTime": "08:00", "overProvisioning.toTime": "18:00"}, ""},
		"number types stay":   {smallTier, map[string]any{"cores": 3, "centsPerMinute": 2}, `mongo.update mongo/hardware_tier#small centsPerMinute={"$numberDouble":"2.0"} resources.cores={"$numberDouble":"3.0"}`},
		"a size has its unit": {smallTier, map[string]any{"memory": "512MiB"}, `mongo.update mongo/hardware_tier#small resources.memory.unit="MiB" resources.memory.value={"$numberInt":"512"}`},
		"equal sizes":         {smallTier, map[string]any{"memory": "4GiB"}, ""},
		"a new size": {smallTier, map[string]any{"memoryLimit": "8GiB"},
			`mongo.update mongo/hardware_tier#small resources.memoryLimit={"unit":"GiB","value":{"$numberInt":"8"}}`},
		"units": {strings.ReplaceAll(smallTier, `"unit"`, `"units"`), map[string]any{"memory": "8GiB", "memoryLimit": "8GiB"},
			`mongo.update mongo/hardware_tier#small resources.memory.value={"$numberInt":"8"} resources.memoryLimit={"units":"GiB","value":{"$numberInt":"8"}}`},
		"null unsets":    {smallTier, map[string]any{"memory": nil, "centsPerMinute": nil}, `mongo.update mongo/hardware_tier#small centsPerMinute=absent resources.memory=absent`},
		"null and null":  {smallTier, map[string]any{"overProvisioning.instances": nil, "gpu.count": nil}, ""},
		"weekdays":       {smallTier, map[string]any{"overProvisioning.daysOfWeek": []string{"sun"}}, `mongo.update mongo/hardware_tier#small overProvisioning.daysOfWeek=["Sunday"]`},
		"times":          {smallTier, map[string]any{"overProvisioning.fromTime": "07:30", "overProvisioning.toTime": "19:00"}, `mongo.update mongo/hardware_tier#small overProvisioning.fromTime="07:30:00" overProvisioning.toTime="19:00"`},
		"keys with dots": {smallTier, map[string]any{"podCustomization.additionalLabels.\"example.com/x\"": "y"}, `mongo.update mongo/hardware_tier#small podCustomization.additionalLabels={"example.com/team":"a","example.com/x":"y","n":{"$numberLong":"3"}}`},
		"a key is unset": {smallTier, map[string]any{"podCustomization.additionalLabels.\"example.com/team\"": nil}, `mongo.update mongo/hardware_tier#small podCustomization.additionalLabels={"n":{"$numberLong":"3"}}`},
		"a parent is not there": {smallTier, map[string]any{"gpu.count": 1, "gpu.key": "nvidia.com/gpu", "enableSpotInstances": true},
			`mongo.update mongo/hardware_tier#small capacityTypeRestrictions={"enableSpotInstances":true} gpuConfiguration={"gpuKey":"nvidia.com/gpu","numberOfGpus":{"$numberInt":"1"}}`},
		"archived": {smallTier, map[string]any{"archived": true}, `mongo.update mongo/hardware_tier#small flags.isArchived=true`},
		"by name":  {strings.Replace(strings.Replace(smallTier, `"_id": "small"`, `"_id": "t1"`, 1), `"name": "Small"`, `"name": "small"`, 1), map[string]any{"cores": 4}, `mongo.update mongo/hardware_tier#t1 resources.cores={"$numberDouble":"4.0"}`},
		"new, in the form of its kin": {strings.Replace(smallTier, `"_id": "small"`, `"_id": "other"`, 1), map[string]any{"cores": 1, "memory": "1GiB", "tags": []string{"b"}},
			`mongo.insert mongo/hardware_tier#small =true _id="small" name="small" resources.cores={"$numberDouble":"1.0"} resources.memory.unit="GiB" resources.memory.value={"$numberInt":"1"} tags=["b"]`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.live, "")
			p := b.settled(object("hardwareTiers", "small", c.fields))
			if got := steps(p); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTiersThatNobodyCanTellApart(t *testing.T) {
	two := `"hardware_tier": [{"_id": "a", "name": "x"}, {"_id": "b", "name": "x"}]`
	for name, c := range map[string]struct {
		objects map[schema.Address]schema.Object
		want    []string
		steps   string
	}{
		"ambiguous":         {object("hardwareTiers", "x", map[string]any{"cores": 1}), []string{"DC140 hardwareTiers.x"}, ""},
		"id":                {object("hardwareTiers", "x", map[string]any{"id": "b", "cores": 1}), nil, `mongo.update mongo/hardware_tier#b resources={"cores":{"$numberInt":"1"}}`},
		"two for one":       {all(object("hardwareTiers", "p", map[string]any{"id": "b", "cores": 1}), object("hardwareTiers", "q", map[string]any{"id": "b", "cores": 1})), []string{"DC145 hardwareTiers.q"}, ""},
		"by what they show": {object("hardwareTiers", "y", map[string]any{"name": "x"}), []string{"DC140 hardwareTiers.y"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newBench(t, two, "").plan(c.objects)
			if got := findings(p); !slices.Equal(got, c.want) {
				t.Errorf("findings %v, want %v", got, c.want)
			}
			if c.want == nil && steps(p) != c.steps {
				t.Errorf("steps %s, want %s", steps(p), c.steps)
			}
		})
	}
}

func TestTiersOfAnotherShape(t *testing.T) {
	for live, want := range map[string]string{
		`{"_id": "x", "resources": {"cores": "two"}}`:                            "holds a string where a number is expected",
		`{"_id": "x", "resources": {"memory": 4}}`:                               "holds a number where {value, unit} is expected",
		`{"_id": "x", "resources": {"memory": {"value": {}}}}`:                   "resources.memory holds a document where {value, unit} is expected",
		`{"_id": "x", "resources": "small"}`:                                     "mongo/hardware_tier#x: resources holds a string where a document is expected",
		`{"_id": "x", "flags": [true]}`:                                          "mongo/hardware_tier#x: flags holds a list where a document is expected",
		`{"_id": "x", "podCustomization": {"$oid": "65f000000000000000000001"}}`: "podCustomization holds a string where a document is expected",
		`{"_id": "x", "gpuConfiguration": 0}`:                                    "gpuConfiguration holds a number where a document is expected",
		`{"_id": "x", "resources": {"memory": {"value": 4, "unit": "Gi"}}}`:      "is not a size",
		`{"_id": "x", "flags": {"isDefault": 1}}`:                                "holds a number where a truth value is expected",
		`{"_id": "x", "overProvisioning": {"daysOfWeek": ["Someday"]}}`:          "which is no weekday",
		`{"_id": "x", "podCustomization": {"additionalLabels": "a=b"}}`:          "holds a string where a document is expected",
		`{"_id": "x", "podCustomization": {"additionalLabels": {"$minKey": 1}}}`: "holds a $minKey where a document is expected",
		`{"_id": "x", "centsPerMinute": {"$numberDouble": "NaN"}, "tags": 1}`:    "where a number is expected",
	} {
		p := newBench(t, `"hardware_tier": [`+live+`]`, "").plan(object("hardwareTiers", "x", map[string]any{"name": "X"}))
		if !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC146" && strings.Contains(f.Message, want) }) {
			t.Errorf("%s: %+v", live, p.Findings)
		}
	}
}

func TestATierThatWent(t *testing.T) {
	b := newBench(t, `"hardware_tier": [{"_id": "t1", "name": "x"}, {"_id": "other"}]`, "")
	x := object("hardwareTiers", "x", map[string]any{"cores": 1})
	b.apply(x)
	if err := b.memory.Replace([]byte(strings.Replace(string(b.memory.Content()), `"t1"`, `"t2"`, 1))); err != nil {
		t.Fatal(err)
	}
	if got := findings(b.plan(x)); !slices.Equal(got, []string{"DC144 hardwareTiers.x"}) {
		t.Errorf("another one lives under its name: %v", got)
	}
	if err := b.memory.Replace([]byte(strings.Replace(string(b.memory.Content()), `"x"`, `"y"`, 1))); err != nil {
		t.Fatal(err)
	}
	if got := steps(b.plan(x)); !strings.HasPrefix(got, "mongo.insert mongo/hardware_tier#t1 ") {
		t.Errorf("it comes back as it was called: %s", got)
	}
}

func TestAMovedTierIsTheSame(t *testing.T) {
	b := newBench(t, `"hardware_tier": [{"_id": "t1", "name": "x"}]`, "")
	b.apply(object("hardwareTiers", "x", map[string]any{"cores": 1}))
	p := b.plan(object("hardwareTiers", "y", map[string]any{"cores": 1, "movedFrom": "x"}))
	if p.Changed() || p.Summary.Adopt != 1 || len(p.Findings) > 0 {
		t.Errorf("%+v %v", p.Changes, p.Findings)
	}
}

func TestASizeThatDominoCannotHold(t *testing.T) {
	p := newBench(t, smallTier, "").plan(object("hardwareTiers", "small", map[string]any{"memory": "1000B"}))
	if got := findings(p); !slices.Equal(got, []string{"DC248 hardwareTiers.small"}) || len(p.Steps) > 0 {
		t.Errorf("%v %s", got, steps(p))
	}
}

func TestArchivedWhenGone(t *testing.T) {
	b := newBench(t, smallTier, "")
	b.apply(object("hardwareTiers", "small", map[string]any{"cores": 2, "lifecycle.prune": true}))
	if got, want := steps(b.plan(nil)), `mongo.update mongo/hardware_tier#small flags.isArchived=true`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// classic is a deployment with executor groups: gpu stands on a special AMI.
const classic = `"hardware_tier": [{"_id": "small"}, {"_id": "gpu"}],
	"executor_group_configuration": [{"_id": {"$oid": "0123456789abcdef00000001"}, "hardwareTierId": "small", "executorImage": "ami-11111111", "x": 1},
		{"_id": {"$oid": "0123456789abcdef00000002"}, "hardwareTierId": "gpu", "executorImage": "ami-99999999"}]`

const classicImages = `"images": {"ami-11111111": {"name": "a", "architecture": "x86_64"}, "ami-22222222": {"name": "b", "architecture": "x86_64"},
	"ami-99999999": {"name": "c", "architecture": "x86_64"}, "ami-33333333": {"name": "d", "architecture": "x86_64", "state": "pending"}}`

func TestTheAMIOfAClassicTier(t *testing.T) {
	found := object("amis", "executor", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}})
	special := object("amis", "special", map[string]any{"pin.id": "ami-99999999", "pin.reason": "CUDA 9"})
	for name, c := range map[string]struct {
		objects  map[schema.Address]schema.Object
		steps    string
		findings []string
	}{
		"by _id": {all(found, object("hardwareTiers", "small", map[string]any{"ami": "@amis.executor#id"})),
			`mongo.update mongo/executor_group_configuration#{"$oid":"0123456789abcdef00000001"} executorImage="ami-22222222"`, nil},
		"nobody speaks of it": {all(found, object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.executor#id"})), "", []string{"DC232 hardwareTiers.gpu"}},
		"pinned":              {all(found, special, object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.executor#id"})), "", []string{"DC232 hardwareTiers.gpu"}},
		"pinned and listed": {all(object("amis", "executor", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-99999999"}}), special,
			object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.executor#id"})), "", []string{"DC232 hardwareTiers.gpu"}},
		"the rest goes on": {all(found, object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.executor#id", "cores": 3})),
			`mongo.update mongo/hardware_tier#gpu resources={"cores":{"$numberInt":"3"}}`, []string{"DC232 hardwareTiers.gpu"}},
		"stays on its pin": {all(special, object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.special#id"})), "", nil},
		"not available":    {all(found, object("hardwareTiers", "small", map[string]any{"ami": "ami-33333333"})), "", []string{"DC235 hardwareTiers.small"}},
		"not there":        {all(object("amis", "p", map[string]any{"pin.id": "ami-44444444", "pin.reason": "r"}), object("hardwareTiers", "small", map[string]any{"ami": "@amis.p#id"})), "", []string{"DC236 amis.p"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, classic, classicImages)
			b.deployment.Executors = "classic"
			p := b.plan(c.objects)
			if got := steps(p); got != c.steps {
				t.Errorf("steps\n%s\nwant\n%s", got, c.steps)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
		})
	}
}

func TestAnAMIThatWasAdoptedAsAPinStaysWhereItIs(t *testing.T) {
	b := newBench(t, classic, classicImages)
	b.deployment.Executors = "classic"
	special := object("amis", "special", map[string]any{"pin.id": "ami-99999999", "pin.reason": "CUDA 9"})
	b.apply(all(special, object("hardwareTiers", "gpu", map[string]any{"ami": "@amis.special#id"})))
	p := b.plan(all(special, object("hardwareTiers", "gpu", map[string]any{"ami": "ami-22222222"})))
	if len(p.Steps) > 0 || !slices.Contains(findings(p), "DC232 hardwareTiers.gpu") {
		t.Errorf("%s %v", steps(p), findings(p))
	}
}
