package compiler

import (
	"fmt"
	"strings"

	"domctl.dev/schema"
)

// Reference is the schema in Markdown, from the comments of its CUE files: for
// each root field every path, what it wants, and what it means.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Schema\n\nGenerated from `schema/*.cue` by `make generate`. Every field is optional unless it says *required*; what is not\n" +
		"stated is not managed. A field that admits `null` is unset outside by it; a setting, and a member of a map, that an\napply set is unset when it leaves the files. `<name>` stands for any name, `[]` for\neach element of a list.\n")
	rs := schemaRules()
	for _, root := range schema.Roots() {
		r := rs.of(root)
		fmt.Fprintf(&b, "\n## %s\n\n%s", root, paragraph(r.doc))
		if members := r.object().patterns; len(members) == 1 && len(r.object().members) == 0 {
			object := members[0].rule
			fmt.Fprintf(&b, "\n`%s: <name>:` %s", root, paragraph(object.doc))
			r = object
		}
		b.WriteString("\n| field | value | meaning |\n|---|---|---|\n")
		r.rows(&b, "")
	}
	return b.String()
}

// rows writes one line a field, structs before what is in them.
func (r *rule) rows(b *strings.Builder, prefix string) {
	o := r.object()
	if o == nil {
		return
	}
	for _, m := range o.members {
		m.row(b, prefix+m.name)
	}
	for _, m := range o.patterns {
		m.row(b, prefix+"<"+strings.ToLower(m.name)+">")
	}
}

func (m *member) row(b *strings.Builder, path string) {
	doc := cell(m.doc)
	if doc == "" {
		doc = cell(m.rule.doc)
	}
	if m.required {
		doc = "*required* " + doc
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", path, cell(m.rule.kind()), doc)
	below := m.rule
	for _, arm := range m.rule.alternatives() {
		if arm.list != nil {
			below, path = arm.list, path+"[]"
		}
	}
	if below.def != "#SecretRef" {
		below.rows(b, path+".")
	}
}

// kind names what a rule admits in a table: null included, bounds as they are.
func (r *rule) kind() string {
	want := r.want()
	for _, arm := range r.alternatives() {
		switch {
		case arm.basic == "null":
			want += ", `null`"
		case arm.open != nil && arm.def != "#SecretRef":
			want = strings.Replace(want, arm.noun(), "fields", 1)
		}
	}
	return want
}

// paragraph is a comment as running text.
func paragraph(doc string) string { return strings.Join(strings.Fields(doc), " ") + "\n" }

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

// FindingReference is every finding code in Markdown, as `domctl explain` tells
// them.
func FindingReference() string {
	var b strings.Builder
	b.WriteString("# Finding codes\n\nGenerated from `schema/codes_*.go` by `make generate`. Codes are stable; `domctl explain CODE` prints the same.\n")
	for _, c := range schema.Codes() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\n%s\n", c.Code, c.Title, c.Why, c.Do)
		if e := c.Example(); e != "" {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", e)
		}
	}
	return b.String()
}
