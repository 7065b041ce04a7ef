package planner

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// hostile is text that means something to a forge, a terminal or a reader.
func hostile() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"plain", "@acme/admins", "/merge", "/approve now", "domctl apply 0123", "a\ndomctl apply 0123", "a\r\n/close", "```", "~~~", "``````\n# heading",
		strings.Repeat("`", 90), "<script>alert(1)</script>", "<!-- -->", "<details>", "\x1b[31mred\x1b[0m", "\u202edesrever", "\u061cx", "\u2066x\u2069", "\u200b", "\U000e0041",
		"[x](javascript:alert(1))", "![x](https://evil.example/pixel)", "https://evil.example", "#12", "!12", "acme/other#1", "bad \xff\xfe utf-8", "\u2028", "a|b|c", "&lt;", "*bold* _it_",
		strings.Repeat("ä", 300), "\\", "\\`", "---", "===", "> quote", "    indented", "\t",
	})
}

func anyPlan(t *rapid.T) Plan {
	text := func(label string) string {
		return strings.Join(rapid.SliceOfN(hostile(), 1, 3).Draw(t, label), rapid.SampledFrom([]string{" ", "\n", ""}).Draw(t, label+" between"))
	}
	value := func(label string) schema.Value {
		switch rapid.IntRange(0, 4).Draw(t, label+" is") {
		case 0:
			return schema.Value{}
		case 1:
			return schema.JSON(strings.Repeat(text(label)+"\n", rapid.IntRange(1, 40).Draw(t, label+" lines")))
		case 2:
			return schema.Value{Is: schema.Ref, Text: "amis.gpu#image"}
		case 3:
			return schema.Value{Is: schema.Unset}
		}
		return schema.JSON(text(label))
	}
	change := func(i int, actions ...Action) Change {
		c := Change{Address: schema.Address{Kind: rapid.SampledFrom([]string{"hardwareTiers", "environments", "settings"}).Draw(t, "kind"), Name: fmt.Sprintf("n%d-%s", i, text("name"))},
			Action: rapid.SampledFrom(actions).Draw(t, "action"), Reason: text("reason"), Positions: []schema.Position{{File: text("file"), Line: i, Col: 1}}}
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			c.Fields = append(c.Fields, Diff{Path: rapid.SampledFrom([]string{"ami", "dockerfile", "scripts.preRun", "cores", "name", text("path")}).Draw(t, "field"), Before: value("before"), After: value("after")})
		}
		if rapid.IntRange(0, 9).Draw(t, "blocks") == 0 {
			c.Blocked = text("blocked")
		}
		return c
	}
	p := Plan{Deployment: text("deployment"), ID: text("id"), Effect: text("effect"), Source: Source{Commit: text("commit"), Dirty: true}}
	for i := range rapid.IntRange(0, 30).Draw(t, "changes") {
		p.Changes = append(p.Changes, change(i, ActionCreate, ActionUpdate, ActionArchive, ActionUnset, ActionAdopt, ActionRelease, ActionRestore))
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "drifts") {
		p.Drift = append(p.Drift, change(100+i, ActionDrift))
	}
	for i := range rapid.IntRange(0, 20).Draw(t, "findings") {
		p.Findings = append(p.Findings, schema.Finding{Code: "DC201", Severity: rapid.SampledFrom([]schema.Severity{schema.Error, schema.Warning, schema.Info}).Draw(t, "severity"),
			Address: schema.Address{Kind: "hardwareTiers", Name: text("about")}, Message: fmt.Sprintf("m%d %s", i, text("message")), Hint: text("hint")})
	}
	if rapid.Bool().Draw(t, "foretells") {
		p.Forecast = []Foretold{{AMI: schema.Address{Kind: "amis", Name: text("ami")}, Today: text("today"), Pulls: []Pull{{Image: text("image")}}}}
	}
	if rapid.Bool().Draw(t, "has a base") {
		b := Base{Ref: text("ref"), Commit: text("base commit"), Lacks: rapid.SampledFrom([]string{"", text("lacks")}).Draw(t, "lacks it")}
		for i, c := range p.Changes {
			switch i % 3 {
			case 0:
				b.Pending = append(b.Pending, c)
			default:
				b.Changes = append(b.Changes, c)
			}
		}
		p.Base = &b
	}
	p.summarise()
	return p
}

// TestAnyComment: whatever a plan holds, a comment fits, is text, keeps all that is not
// domctl's own in fences and code spans, and holds what must be seen or says how much
// of it is left out.
func TestAnyComment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t)
		limit := rapid.OneOf(rapid.IntRange(0, 9000), rapid.IntRange(9000, 70_000)).Draw(t, "limit")
		got := p.Comment(limit, rapid.SampledFrom([]string{"", "https://ci.example/job/1", "javascript:alert(1)", "https://ci.example/" + strings.Repeat("x", 5000), "https://ci.example/)<script>"}).Draw(t, "whole"))
		switch {
		case len(got) > max(limit, MinComment):
			t.Fatalf("%d bytes, the limit is %d", len(got), limit)
		case !utf8.ValidString(got):
			t.Fatal("no UTF-8")
		case regexp.MustCompile(`[\p{Cf}\p{Zl}\p{Zp}\x00-\x09\x0b-\x1f\x7f-\x{9f}]`).MatchString(got):
			t.Fatalf("it holds marks that nobody sees: %q", got)
		}
		outside, inside := outsideIn(t, got)
		tame(t, outside)
		for line := range strings.Lines(inside) {
			if strings.ContainsAny(line[:1], "/@>`d") {
				t.Fatalf("a line begins as a command would: %q", line)
			}
		}
		left := leftOutOf(t, outside)
		missing := 0
		for _, s := range p.blocks() {
			for _, piece := range s.pieces {
				if piece.rank < otherRank && !strings.Contains(inside, piece.min()) && !strings.Contains(inside, piece.full) {
					missing++
				}
			}
		}
		if missing != left {
			t.Fatalf("%d pieces that must be seen are missing, and the comment says %d:\n%s", missing, left, got)
		}
	})
}

// TestMustBeSeen: as long as what must be seen fits, none of it is left out.
func TestMustBeSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t)
		need := MinComment
		for _, s := range p.blocks() {
			for _, piece := range s.pieces {
				if piece.rank < otherRank {
					need += len(piece.min())
				}
			}
		}
		outside, _ := outsideIn(t, p.Comment(need, "https://ci.example/job/1"))
		if left := leftOutOf(t, outside); left > 0 {
			t.Fatalf("%d pieces that must be seen are left out of %d bytes, and fit", left, need)
		}
	})
}

// outsideIn reads fences as CommonMark does, and fails where one is not closed.
func outsideIn(t *rapid.T, comment string) (outside, inside string) {
	open := ""
	for line := range strings.Lines(comment) {
		trimmed := strings.TrimLeft(line, " ")
		run := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		fence := len(line)-len(trimmed) < 4 && len(run) >= 3
		switch rest := strings.TrimSpace(trimmed[len(run):]); {
		case open == "" && fence:
			open = run
		case open != "" && fence && len(run) >= len(open) && rest == "":
			open = ""
		case open != "":
			inside += line
		default:
			outside += line
		}
	}
	if open != "" {
		t.Fatalf("a fence is left open:\n%s", comment)
	}
	return outside, inside
}

// tame takes the code spans out and looks for what a forge would read.
func tame(t *rapid.T, outside string) {
	words := regexp.MustCompile("`[^`\n]+`").ReplaceAllString(outside, "CODE")
	words = regexp.MustCompile(`\[The whole plan\]\(<https://ci\.example/[^<>() ]*>\)`).ReplaceAllString(words, "LINK")
	for line := range strings.Lines(words) {
		if !regexp.MustCompile(`^(### domctl plan: CODE|[\w ,;.:'*]*|CODE|Changed outside .*|plan CODE, effect CODE, commit CODE and .*|Left out here.*(LINK|CODE) shows all\.)\n$`).MatchString(line) {
			t.Fatalf("outside of fences stands %q", line)
		}
	}
	if strings.ContainsAny(words, "@<>[]`\\") {
		t.Fatalf("outside of fences a forge reads something in %q", words)
	}
}

func leftOutOf(t *rapid.T, outside string) (n int) {
	if found := regexp.MustCompile(`\*\*(\d+) of the findings`).FindStringSubmatch(outside); found != nil {
		if _, err := fmt.Sscan(found[1], &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// TestCommentCuts: what is ordinary goes first, and a script is shown to its last line.
func TestCommentCuts(t *testing.T) {
	script := "RUN true " + strings.Repeat("x", 200) + " # and at the very end: curl evil\n"
	p := Plan{Deployment: "acme", ID: "id", Effect: "e", Changes: []Change{
		{Address: schema.Address{Kind: "environments", Name: "spark"}, Action: ActionUpdate, Reason: "files changed",
			Fields: []Diff{{Path: "dockerfile", Before: schema.JSON("FROM a\n"), After: schema.JSON("FROM a\n" + strings.Repeat(script, 20))}}},
		{Address: schema.Address{Kind: "settings", Name: "gone"}, Action: ActionUnset, Reason: "no longer in the files"},
	}}
	for i := range 500 {
		p.Changes = append(p.Changes, Change{Address: schema.Address{Kind: "hardwareTiers", Name: fmt.Sprintf("tier-%03d", i)}, Action: ActionUpdate, Reason: "files changed",
			Fields: []Diff{{Path: "cores", Before: schema.JSON(1), After: schema.JSON(2)}}})
	}
	p.summarise()
	got := p.Comment(12_000, "https://ci.example/job/1")
	if n := strings.Count(got, "and at the very end: curl evil"); n != 20 {
		t.Errorf("%d of 20 lines of the script are shown to their end", n)
	}
	for _, want := range []string{"- settings.gone  unset", "of the other changes", "[The whole plan](<https://ci.example/job/1>) shows all.", "501 to update, 1 to unset"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "must be seen") {
		t.Errorf("something that must be seen is left out:\n%s", got)
	}
}
