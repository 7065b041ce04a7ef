package compiler

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	cuecmd "cuelang.org/go/cmd/cue/cmd"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

var mutations = flag.Int("mutations", 300, "how many mutated trees TestDifferential compares")

// TestDifferential compares four ways to read the same files, mutated at
// random: with plain objects read apart, by the evaluator alone, from the cache,
// and by the cue command. Values and verdicts agree; a failing seed replays
// alone with -run TestDifferential/<seed>.
func TestDifferential(t *testing.T) {
	t.Setenv("CUE_REGISTRY", "none")
	t.Setenv("CUE_CACHE_DIR", t.TempDir())
	refused := 0
	for seed := range *mutations {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			files := mutate(rand.New(rand.NewPCG(uint64(seed), 7)))
			dir := t.TempDir()
			if err := gen.Write(dir, withVendored(files)); err != nil {
				t.Fatal(err)
			}
			src := Source{Root: dir, Dir: "prod", Cache: t.TempDir(), Program: "test"}
			got := compareModes(t, src)
			if !compareWithCue(t, filepath.Join(dir, "prod"), got) {
				refused++
			}
			if t.Failed() {
				for _, name := range schema.Sorted(files) {
					t.Logf("-- %s --\n%s", name, files[name])
				}
			}
		})
	}
	t.Logf("%d of %d trees refused", refused, *mutations)
	if *mutations >= 100 && (refused < *mutations/10 || refused > *mutations*9/10) {
		t.Errorf("%d of %d trees refused: the mutations are too tame or too wild to compare verdicts", refused, *mutations)
	}
}

// compareModes compiles apart, whole, into the cache and from it.
func compareModes(t *testing.T, src Source) Result {
	t.Helper()
	apart, err := compileHere(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	whole := newTree(os.DirFS(src.Root), src.Dir)
	whole.evaluateAll = true
	compareWhole(t, whole.compile(src), apart.result)
	for _, when := range []string{"stored", "cached"} {
		r, err := Compile(context.Background(), src)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, when, r, apart.result)
	}
	kept, _ := cacheOf(src)
	if _, hit := kept.load(whole); !hit {
		t.Error("the cache does not answer for the same files")
	}
	return apart.result
}

// compareWhole holds what the evaluator makes of all objects to what is made of
// plain ones without it. Where a package cannot be built CUE gives no object at
// all, so that only the errors are compared.
func compareWhole(t *testing.T, whole, apart Result) {
	t.Helper()
	if !cannotRead(apart) {
		equal(t, "evaluated whole", whole, apart)
		return
	}
	if g, w := list(reading(whole)), list(reading(apart)); g != w {
		t.Errorf("evaluated whole: findings\n got %s\nwant %s", g, w)
	}
}

func equal(t *testing.T, mode string, got, want Result) {
	t.Helper()
	for _, a := range schema.Addresses(want.Desired.Objects) {
		if g, w := got.Desired.Objects[a], want.Desired.Objects[a]; !reflect.DeepEqual(g, w) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", mode, a, g, w)
		}
	}
	for _, a := range schema.Addresses(got.Desired.Objects) {
		if _, ok := want.Desired.Objects[a]; !ok {
			t.Errorf("%s: %v is there", mode, a)
		}
	}
	if g, w := list(got.Findings), list(want.Findings); g != w {
		t.Errorf("%s: findings\n got %s\nwant %s", mode, g, w)
	}
	got.Findings, want.Findings, got.Desired.Objects, want.Desired.Objects = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", mode, got, want)
	}
}

// compareWithCue holds a result to what the cue command says; it is false when
// cue refuses the files.
func compareWithCue(t *testing.T, dir string, r Result) bool {
	t.Helper()
	_, refused := runCue(t, dir, "vet", "-c", ".:domino")
	if cannotRead(r) != (refused != nil) {
		t.Errorf("cue vet says %v, domctl says\n%s", refused, list(r.Findings))
	}
	if refused != nil || cannotRead(r) {
		return false
	}
	text, err := runCue(t, dir, "export", ".:domino")
	if err != nil {
		t.Fatal("cue export refuses what cue vet lets pass:", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	got, want := flatDesired(r.Desired), flatExport(plain)
	for _, at := range schema.Sorted(want) {
		if got[at] != want[at] {
			t.Errorf("%s: domctl has %s, cue export %s", at, got[at], want[at])
		}
	}
	for at := range got {
		if _, ok := want[at]; !ok {
			t.Errorf("%s: cue export does not have it, domctl has %s", at, got[at])
		}
	}
	return true
}

// reading are the errors that CUE should find too.
func reading(r Result) []schema.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f schema.Finding) bool {
		return f.Severity != schema.Error || f.Code > "DC100" || f.Code == codeUnknownRoot || f.Code == codeLeftOut
	})
}

func cannotRead(r Result) bool { return len(reading(r)) > 0 }

func runCue(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	t.Chdir(dir)
	c, err := cuecmd.New(args)
	if err != nil {
		t.Fatal(err)
	}
	var out, complaint bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&complaint)
	err = c.Run(context.Background())
	if err == nil && complaint.Len() > 0 {
		err = fmt.Errorf("%s", complaint.String())
	}
	return out.Bytes(), err
}

// flatDesired writes the stated fields of objects as cue export would.
func flatDesired(d schema.Desired) map[string]string {
	flat := map[string]string{}
	for a, o := range d.Objects {
		k, _ := schema.KindOf(a.Kind)
		for p, v := range o.Fields {
			f, _ := k.Field(p)
			if f.Computed || p == "label" && slices.Equal(o.At[p], o.At[""]) {
				continue // not stated: Spread adds it
			}
			text := v.Text
			switch v.Is {
			case schema.Unset:
				text = "null"
			case schema.Secret:
				source, where, _ := strings.Cut(v.Text, ":")
				text = schema.JSON(map[string]any{"secret": map[string]any{source: where}}).Text
			case schema.Ref:
				target, _, _ := v.Target()
				text = schema.JSON(target.Name).Text
			}
			flat[a.String()+"/"+p] = text
		}
	}
	return flat
}

// flatExport writes the same of cue export, through the kind table but none of
// the code that reads it.
func flatExport(plain map[string]any) map[string]string {
	flat := map[string]string{}
	for _, k := range schema.Kinds() {
		objects, _ := plain[k.Name].(map[string]any)
		for name, object := range objects {
			if k.Flat && name == "raw" {
				for key, v := range object.(map[string]any) {
					flat[k.Name+"."+k.Key([]string{name, key})+"/value"] = settingAsText(v)
				}
				continue
			}
			if k.Flat {
				flat[k.Name+"."+name+"/value"] = settingAsText(object)
				continue
			}
			flattenInto(flat, k, k.Name+"."+name+"/", nil, object)
		}
	}
	return flat
}

// settingAsText is a setting as Domino keeps it, in JSON.
func settingAsText(v any) string {
	switch x := v.(type) {
	case nil, map[string]any:
		return schema.JSON(x).Text
	case string:
		if d, err := schema.ParseDuration(x); err == nil {
			x = fmt.Sprint(int64(d.Seconds()))
		}
		return schema.JSON(x).Text
	}
	return schema.JSON(schema.JSON(v).Text).Text
}

func flattenInto(flat map[string]string, k schema.Kind, prefix string, path []string, v any) {
	p := schema.JoinPath(path...)
	if f, ok := k.Field(p); ok && len(path) > 0 {
		if !spreadAway(k, p) {
			flat[prefix+p] = canonical(f, v)
		}
		return
	}
	fields, _ := v.(map[string]any)
	for name, below := range fields {
		flattenInto(flat, k, prefix, append(path[:len(path):len(path)], name), below)
	}
}

// spreadAway are fields that Spread moves onto each group.
func spreadAway(k schema.Kind, path string) bool {
	return k.Name == "nodePools" && (path == "ami" || strings.HasPrefix(path, "size."))
}

func canonical(f schema.Field, v any) string {
	s, isText := v.(string)
	n, errBytes := schema.ParseBytes(s)
	d, errDuration := schema.ParseDuration(s)
	list, isList := v.([]any)
	switch {
	case isText && f.Type == schema.Bytes && errBytes == nil:
		v = schema.CanonicalBytes(n)
	case isText && f.Type == schema.Duration && errDuration == nil:
		v = schema.CanonicalDuration(d)
	case isList && f.Type == schema.Set:
		set := map[string]any{}
		for _, e := range list {
			set[schema.JSON(e).Text] = e
		}
		v = []any{}
		for _, text := range schema.Sorted(set) {
			v = append(v.([]any), set[text])
		}
	}
	return schema.JSON(v).Text
}

// withVendored adds the schema as `domctl schema vendor` writes it.
func withVendored(files map[string]string) map[string]string {
	all := maps.Clone(files)
	for name, text := range schema.Files() {
		all[vendorDir+"/"+name] = string(text)
	}
	all["prod/kinds.cue"] = string(schema.KindsFile())
	return all
}
