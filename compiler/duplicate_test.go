package compiler

import (
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// FuzzDuplicate: whatever a file holds beside an entry, it is CUE with the copy in it too,
// and says of everything else what it said.
func FuzzDuplicate(f *testing.F) {
	for _, text := range []string{
		"environments: a: {id: \"x\", name: \"A\", b: 1}\n",
		"environments: {\n\ta: {\n\t\t// doc\n\t\tid: \"x\" // end\n\n\t\tb: 1, c: 2\n\t\t// last\n\t}\n\n\tz: b: 2\n}\n",
		"environments: a: id: \"x\"\nenvironments: a: b: \"\"\"\n\tone\n\n\t\ttwo \\(c)\n\t\"\"\"\nc: 1\n",
		"environments: a: b: #\"\"\"\n\t\"\"\"\n\t\\(x)\n\t\"\"\"#\n",
		"environments: {a: {\n\tb: '''\n\t\tx\n\t\t''', name: \"é\"}, c: 1}\n",
		"environments: \"a\": {let x = 1, b: x, if x > 0 {c: x}, for i in [1, 2] {\"d\\(i)\": i}, ...}\n",
		"environments: a: {_x: 1, #y: 2, z?: int, [=~\"^q\"]: 3, (\"w\"): 4, name: string, name: \"A\"}\n",
		"x: {b: 1}\nenvironments: a: {x\n\tid: \"y\"}, environments: c: 1\n",
		"environments: a: { /* */ }\n", "environments: a: {}", "environments: a: {b: environments.a.c, c: 1}\r\n",
		"@extern(embed)\nenvironments: a: b: _ @embed(file=\"a/b\",type=text)\n", "environments: a: b: string @embed(file=c.a,type=text), environments: z: 1\n",
		"environments: {\n\ta: {b: 1}\n\t...\n}\n", "environments: a: {b: 1} & {c: 2}\n", "environments: a: X={b: 1}\n", "environments: a: [1]\n", "environments: a!: {b: 1}\n",
	} {
		f.Add(text)
	}
	a := schema.Address{Kind: "environments", Name: "a"}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parser.ParseFile("e.cue", text, parser.ParseComments); err != nil {
			return
		}
		c, err := Duplicate("e.cue", []byte(text), a, "a-2", []string{"id"}, map[string]string{"name": "The \"copy\"\n"})
		if err != nil {
			if !strings.Contains(err.Error(), "DC374") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if c.Copied == 0 {
			if string(c.Text) != text {
				t.Fatalf("nothing is copied, and %q is %q", text, c.Text)
			}
			return
		}
		if _, err := parser.ParseFile("e.cue", c.Text, parser.ParseComments); err != nil {
			t.Fatalf("%q\nis with the copy\n%q: %v", text, c.Text, err)
		}
		before, after := evaluated(text), evaluated(string(c.Text))
		if before.Err() != nil {
			return
		}
		was, is := before.LookupPath(cue.ParsePath("environments.a")), after.LookupPath(cue.ParsePath("environments.a"))
		if was.Validate(cue.Concrete(true)) == nil && !was.Equals(is) {
			t.Fatalf("%q\nis\n%q\nand the original %v, which was %v", text, c.Text, is, was)
		}
	})
}

func evaluated(text string) cue.Value {
	return cuecontext.New().CompileString(text)
}
