package tfvars

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want, fails string }{
		"in its place": {"a.tfvars", "# images\ngpu_ami  = \"ami-1\" # March\nother = [\n  \"gpu_ami = 1\",\n]\nmax = 3 // nodes\n",
			"# images\ngpu_ami  = \"ami-2\" # March\nother = [\n  \"gpu_ami = 1\",\n]\nmax = 4 // nodes\n", ""},
		"missing":          {"a.tfvars", "other = 1", "other = 1\ngpu_ami = \"ami-2\"\nmax = 4\n", ""},
		"empty":            {"a.tfvars", "", "gpu_ami = \"ami-2\"\nmax = 4\n", ""},
		"lines of Windows": {"a.tfvars", "max = 3\r\n", "max = 4\r\ngpu_ami = \"ami-2\"\r\n", ""},
		"in a heredoc":     {"a.tfvars", "x = <<-EOT\n  max = 1\n  EOT\nmax=3 /* n */\ngpu_ami = null\n", "x = <<-EOT\n  max = 1\n  EOT\nmax=4 /* n */\ngpu_ami = \"ami-2\"\n", ""},
		"in a comment":     {"a.tfvars", "/* max = 1\n*/ max = 3\n#gpu_ami = \"x\"\n", "/* max = 1\n*/ max = 4\n#gpu_ami = \"x\"\ngpu_ami = \"ami-2\"\n", ""},
		"in an object":     {"a.tfvars", "x = { max = 1, y = \"}\" }\nmax = 3\ngpu_ami = \"a\\\"b\"\n", "x = { max = 1, y = \"}\" }\nmax = 4\ngpu_ami = \"ami-2\"\n", ""},
		"no plain value":   {"a.tfvars", "max = 3\ngpu_ami = [\"ami-1\"]\n", "", "line 2: variable gpu_ami holds no plain text and no number"},
		"a template":       {"a.tfvars", "gpu_ami = \"${x}\"\n", "", "line 1: variable gpu_ami holds no plain text and no number"},
		"twice":            {"a.tfvars", "max = 3\nmax = 4\n", "", "line 2: variable max stands twice"},
		"no file of it":    {"a.tfvars", "resource \"x\" {\n}\n", "", `line 1: no = follows resource`},
		"a broken text":    {"a.tfvars", "max = \"3\n", "", "line 1: a text does not end on its line"},
		"JSON": {"a.tfvars.json", "{\n\t\"max\": 3,\n\t\"deep\": {\"gpu_ami\": 1}\n}\n",
			"{\n\t\"max\": 4,\n\t\"deep\": {\"gpu_ami\": 1},\n\t\"gpu_ami\": \"ami-2\"\n}\n", ""},
		"JSON on one line":    {"a.tfvars.json", `{"max": 3}`, `{"max": 4, "gpu_ami": "ami-2"}`, ""},
		"JSON without any":    {"a.tfvars.json", "{ }\n", "{\n  \"gpu_ami\": \"ami-2\"\n, \n  \"max\": 4}\n", "any"},
		"JSON, twice":         {"a.tfvars.json", `{"max": 3, "max": 4}`, "", "variable max stands twice"},
		"JSON, no object":     {"a.tfvars.json", `[]`, "", "it is no JSON object"},
		"JSON, something on":  {"a.tfvars.json", `{} {}`, "", "something follows the JSON object"},
		"JSON, no plain one":  {"a.tfvars.json", `{"max": [3]}`, "", "line 1: variable max holds no plain text and no number"},
		"JSON, with comments": {"a.tfvars.json", "{\n// max\n}", "", "it is no JSON: invalid character '/'"},
	} {
		t.Run(name, func(t *testing.T) {
			values := map[string]Value{"gpu_ami": `"ami-2"`, "max": "4"}
			got, err := Set(c.file, []byte(c.text), values)
			if c.fails == "any" { // only that it can be read again
				if again, err := Set(c.file, got, values); err != nil || !bytes.Equal(again, got) {
					t.Errorf("%s\n%s, %v", got, again, err)
				}
				return
			}
			if err != nil || c.fails != "" {
				if err == nil || err.Error() != c.fails {
					t.Errorf("%v, want %s", err, c.fails)
				}
				return
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestSetKeys of maps: what stands keeps its place, what is new comes first, and what is to go
// is refused where it stands.
func TestSetKeys(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want, fails string }{
		"in its place":        {"a.tfvars", "l = {\n  # ours\n  team = \"x\" # c\n  \"b/c\" = \"1\",\n  keep = 3\n}\n", "l = {\n  # ours\n  team = \"ml\" # c\n  \"b/c\" = \"${2}\",\n  keep = 3\n}\n", ""},
		"new":                 {"a.tfvars", "l = {\n  keep = \"3\"\n}\n", "l = {\n  \"b/c\" = \"${2}\",\n  \"team\" = \"ml\",\n  keep = \"3\"\n}\n", ""},
		"new on one line":     {"a.tfvars", "l = {keep = \"3\"}\n", "l = { \"b/c\" = \"${2}\", \"team\" = \"ml\",keep = \"3\"}\n", ""},
		"empty":               {"a.tfvars", "l = {\n}\n", "l = { \"b/c\" = \"${2}\", \"team\" = \"ml\" }\n", ""},
		"missing":             {"a.tfvars", "", "l = { \"b/c\" = \"${2}\", \"team\" = \"ml\" }\n", ""},
		"lines of Windows":    {"a.tfvars", "l = {\r\n\tkeep = \"3\"\r\n}\r\n", "l = {\r\n\t\"b/c\" = \"${2}\",\r\n\t\"team\" = \"ml\",\r\n\tkeep = \"3\"\r\n}\r\n", ""},
		"a key that goes":     {"a.tfvars", "x = 1\nl = {old = \"3\"}\n", "", "line 2: variable l holds the key \"old\", which is to go; take it out by hand"},
		"no map":              {"a.tfvars", "l = [1]\n", "", "variable l holds no plain map: line 1: no { begins it"},
		"a map of lists":      {"a.tfvars", "l = {\n a = [1]\n}\n", "", "variable l holds no plain map: line 2: key \"a\" holds no plain text"},
		"an expression":       {"a.tfvars", "l = {a = 1 + 2}\n", "", "variable l holds no plain map: line 1: more than plain text stands at key \"a\""},
		"a template":          {"a.tfvars", "l = {a = \"${x}\"}\n", "", "variable l holds no plain map: line 1: key \"a\" holds no plain text"},
		"a computed key":      {"a.tfvars", "l = {(a) = 1}\n", "", "variable l holds no plain map: line 1: no key stands here"},
		"twice":               {"a.tfvars", "l = {a = 1, \"a\" = 2}\n", "", "variable l holds no plain map: line 1: key \"a\" stands twice"},
		"a call":              {"a.tfvars", "l = {a = \"x\"}[\"a\"]\n", "", "variable l holds no plain map: line 1: no key stands here"},
		"JSON":                {"a.tfvars.json", "{\n  \"l\": {\n    \"keep\": \"3\", \"team\": \"x\"\n  }\n}\n", "{\n  \"l\": {\n    \"b/c\": \"${2}\",\n    \"keep\": \"3\", \"team\": \"ml\"\n  }\n}\n", ""},
		"JSON, empty":         {"a.tfvars.json", "{\"l\": {}}", "{\"l\": { \"b/c\": \"${2}\", \"team\": \"ml\" }}", ""},
		"JSON, missing":       {"a.tfvars.json", "{\"x\": 1}", "{\"x\": 1, \"l\": { \"b/c\": \"${2}\", \"team\": \"ml\" }}", ""},
		"JSON, one that goes": {"a.tfvars.json", "{\"l\": {\"old\": 1}}", "", "line 1: variable l holds the key \"old\", which is to go; take it out by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			values := map[string]Value{"l": `{"team": "ml", "b/c": "${2}", "old": null}`}
			got, err := Set(c.file, []byte(c.text), values)
			if err != nil || c.fails != "" {
				if err == nil || err.Error() != c.fails {
					t.Errorf("%v, want %s", err, c.fails)
				}
				return
			}
			want := c.want
			if c.file == "a.tfvars" {
				want = strings.ReplaceAll(want, "${", "$${")
			}
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if again, err := Set(c.file, got, values); err != nil || !bytes.Equal(again, got) {
				t.Errorf("a second time %s, %v", again, err)
			}
		})
	}
}

// FuzzSetKeys: what was set is read as a map of plain values again, the other keys have what
// they had, and a second time changes nothing.
func FuzzSetKeys(f *testing.F) {
	for _, seed := range []string{"l = {a = 1}\n", "l={\n \"a\"=\"x\",#c\n b:2\n}", `{"l": {"a": 1, "b": "2"}}`, `{"l":{}}`, "l = {/* c */ a = null /* d */ }", "l = {\r\n}", "l = { # a\n b = 1, }"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, asJSON bool) {
		file, read := "f.tfvars", readHCL
		if asJSON {
			file, read = "f.tfvars.json", readJSON
		}
		keys := func(text []byte) (out map[string]string) {
			all, err := read(text)
			if err != nil {
				return nil
			}
			for _, s := range all {
				if s.name != "l" {
					continue
				}
				in := text[s.from:s.to]
				entries, err := readKeys(in, !asJSON, 0)
				if err != nil {
					return nil
				}
				out = map[string]string{}
				for _, e := range entries {
					out[e.name] = string(in[e.from:e.to])
				}
			}
			return out
		}
		values := map[string]Value{"l": `{"a": "7", "n/w": "x"}`}
		before := keys([]byte(text))
		got, err := Set(file, []byte(text), values)
		if err != nil {
			return
		}
		after := keys(got)
		if after["a"] != `"7"` || after["n/w"] != `"x"` {
			t.Fatalf("%q became %q", text, got)
		}
		for key, was := range before {
			if key != "a" && key != "n/w" && after[key] != was {
				t.Fatalf("%s moved: %q became %q", key, text, got)
			}
		}
		if again, err := Set(file, got, values); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, then %q: %v", text, got, again, err)
		}
		if asJSON && !json.Valid(got) {
			t.Fatalf("%q became %q, which is no JSON", text, got)
		}
	})
}

// FuzzSet: what was set is read, a second time changes nothing, and not a byte beside the
// values moved.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"a = 1\n", "a = \"x\" # y\nb = [1,\n2]\n", "x = <<E\n${a}\nE\n", `{"a": 1, "b": {}}`, "{}", "/* */ a = \"%{if x}\"", "zz = 1\n# end  ", "# c\r\nzz  =  1 // d\r\n\r\na=2 /* e */\n", "{\n \"zz\" :  3 , \"a\":1}\n", "a = {b = \"${c[\"}\"]}\"}"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, asJSON bool) {
		file, read := "f.tfvars", readHCL
		if asJSON {
			file, read = "f.tfvars.json", readJSON
		}
		before, err := read([]byte(text))
		values := map[string]Value{"a": `"ami-${1}"`, "zz": "7"}
		got, failed := Set(file, []byte(text), values)
		if err != nil || failed != nil {
			return
		}
		after, err := read(got)
		if err != nil {
			t.Fatalf("%q became %q, which cannot be read: %v", text, got, err)
		}
		held := func(text []byte, spans []span) map[string]string {
			all := map[string]string{}
			for _, s := range spans {
				all[s.name] = string(text[s.from:s.to])
			}
			return all
		}
		was, is := held([]byte(text), before), held(got, after)
		if is["zz"] != "7" || is["a"] == "" {
			t.Fatalf("%q became %q", text, got)
		}
		for _, name := range slices.Sorted(maps.Keys(was)) {
			if _, set := values[name]; !set && was[name] != is[name] {
				t.Fatalf("%s moved: %q became %q", name, text, got)
			}
		}
		if again, err := Set(file, got, values); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, then %q: %v", text, got, again, err)
		}
		maps.DeleteFunc(values, func(name string, _ Value) bool { return was[name] == "" })
		if got, err = Set(file, []byte(text), values); err != nil {
			t.Fatal(err)
		}
		if after, err = read(got); err != nil {
			t.Fatal(err)
		}
		if before, after := beside([]byte(text), before, values), beside(got, after, values); before != after {
			t.Fatalf("%q became %q: beside the values stood %q, now %q", text, got, before, after)
		}
	})
}

// beside is a text without the values that are set.
func beside(text []byte, spans []span, values map[string]Value) (out string) {
	last := 0
	for _, s := range spans {
		if _, set := values[s.name]; set {
			out += string(text[last:s.from]) + "\x00"
			last = s.to
		}
	}
	return out + string(text[last:])
}
