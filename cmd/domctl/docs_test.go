package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/examples"
	"domctl.dev/schema"
)

// TestDocs runs the console blocks of the pages as a reader would, each page in
// an empty folder, and compares what they show. A line "…" stands for any lines.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the pages are for a POSIX shell; run the tests where sh is on the path")
	}
	for _, page := range []string{"README.md", "docs/tutorial.md", "docs/state-store.md", "docs/when-it-goes-wrong.md", "docs/images.md", "docs/amis.md", "docs/gitops.md", "docs/operations.md", "docs/environments.md", "docs/domino-api.md", "docs/node-pools.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			runPage(t, filepath.Join("../..", page))
		})
	}
}

func runPage(t *testing.T, page string) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{t: t, dir: t.TempDir(), want: &masker{}, got: &masker{}, here: strings.NewReplacer(), page: strings.NewReplacer()}
	r.follow(page, string(text))
}

// follow runs the console blocks of a page, and writes the files that it tells to write.
func (r *reader) follow(page, text string) {
	fence := regexp.MustCompile("(?ms)^```console\n(.*?)^```$|^Write `([^`]+)`[^`:]*:\n\n```\\w+\n(.*?)^```$")
	if !fence.MatchString(text) {
		r.t.Fatalf("%s shows no console", page)
	}
	shown := fence.ReplaceAllStringFunc(text, func(block string) string {
		parts := fence.FindStringSubmatch(block)
		if parts[2] != "" {
			r.write(parts[2], parts[3])
			return block
		}
		return "```console\n" + r.block(parts[1]) + "```"
	})
	switch {
	case r.stale == "":
	case !*update:
		r.t.Errorf("%s\ngo test ./cmd/domctl -update rewrites the page", r.stale)
	case os.WriteFile(page, []byte(shown), 0o666) != nil:
		r.t.Errorf("%s cannot be written", page)
	}
}

// reader follows a page.
type reader struct {
	t         *testing.T
	dir       string
	want, got *masker
	stale     string // the first place where the page shows something else
	// here puts this run's folder and ports in the place of the page's, page undoes it.
	here, page *strings.Replacer
}

// write makes a file that the page tells to write.
func (r *reader) write(name, text string) {
	at := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o777), os.WriteFile(at, []byte(r.here.Replace(text)), 0o666)); err != nil {
		r.t.Fatal(err)
	}
}

// block runs the commands of one block and answers it as it is.
func (r *reader) block(text string) string {
	var out strings.Builder
	for _, part := range regexp.MustCompile(`(?m)^\$ `).Split(text, -1)[1:] {
		command, want, _ := strings.Cut(part, "\n")
		got := r.run(command)
		switch right := same(r.want.mask(want), r.got.mask(got)); {
		case !right && r.stale == "":
			r.stale = fmt.Sprintf("$ %s\nshows:\n%s\nthe page has:\n%s", command, got, want)
		case right: // but for what differs from run to run
			got = want
		}
		fmt.Fprintf(&out, "$ %s\n%s", command, anyone(r.asOnPage(got)))
	}
	return out.String()
}

// asOnPage keeps the ids that the page has, so that what did not change stays.
func (r *reader) asOnPage(got string) string {
	for i, id := range r.got.ids[:min(len(r.got.ids), len(r.want.ids))] {
		got = strings.ReplaceAll(got, id, r.want.ids[i])
	}
	return got
}

// anyone puts a made-up person in the place of whoever runs the tests.
func anyone(text string) string {
	const ada = "ada@laptop pid 4711"
	who := regexp.MustCompile(`\S+@\S+ pid \d+`)
	width := len(who.FindString(text))
	text = who.ReplaceAllString(text, ada)
	if width == 0 {
		return text
	}
	return regexp.MustCompile(`BY +`).ReplaceAllStringFunc(text, func(by string) string {
		return "BY" + strings.Repeat(" ", max(len(by)-2+len(ada)-width, 2))
	})
}

// run does one command line; only cd lasts longer than that.
func (r *reader) run(command string) string {
	if dir, ok := strings.CutPrefix(command, "cd "); ok {
		r.dir = filepath.Join(r.dir, dir)
		return ""
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", r.here.Replace(command))
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, &out, &out
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("$ %s: %v\n%s", command, err, out.String())
	}
	return r.page.Replace(out.String())
}

func same(want, got string) bool {
	parts := strings.Split(want, "…\n")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, "(.*\n)?") + `\z`).MatchString(got)
}

// TestDemo runs make demo's script, twice: nothing of the first stays.
func TestDemo(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("hack/demo.sh is for bash; run the tests where bash is on the path")
	}
	domctl, err := exec.LookPath("domctl")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		cmd := exec.Command("bash", "../../hack/demo.sh")
		cmd.Env = append(os.Environ(), "DOMCTL="+domctl)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{"acme-prod: nothing to do.", "value  100 → 30", "Taken back: 1 step", "Taken back: 7 steps",
			"in wave 1 of the rollout", "in wave 2 of the rollout", "passed ready=", "approves amis.executor rollout 2", "made by the apply: deleted",
			"the end of 2 runs", "✓ nodePools.compute: roll.group acme-compute-b", "Taken back: 4 steps"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("the demo does not show %q:\n%s", want, out)
			}
		}
		if fates := regexp.MustCompile(`ended by itself|killed`).FindAllString(string(out), -1); len(fates) < 7 || slices.Contains(fates, "killed") {
			t.Errorf("the runs of the demo: %q\n%s", fates, out)
		}
	}
}

// TestReference: the pages in docs/commands are those of these commands.
func TestReference(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "commands")
	if code := run([]string{"reference", dir}, strings.NewReader(""), os.Stdout, os.Stderr); code != 0 {
		t.Fatalf("reference: exit code %d", code)
	}
	made, committed := readPages(t, dir), readPages(t, "../../docs/commands")
	for name, text := range made {
		if committed[name] != text {
			t.Errorf("docs/commands/%s is out of date; make generate writes it", name)
		}
	}
	for name := range committed {
		if _, ok := made[name]; !ok {
			t.Errorf("docs/commands/%s is of no command; make generate removes it", name)
		}
	}
}

func readPages(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s holds no pages (%v); make generate writes them", dir, err)
	}
	pages := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(name)] = string(text)
	}
	return pages
}

// TestHelp: every command says in its help what it does, and how it is used.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	n := 0
	visit = func(c *cobra.Command) {
		n++
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s: its help has no description or no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  domctl ") && !strings.HasPrefix(line, "  source <(domctl ") {
				t.Errorf("%s: %q is no example", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			if sub.Name() != "help" {
				visit(sub)
			}
		}
	}
	visit(newApp(strings.NewReader(""), os.Stdout, os.Stderr).root())
	if n < 20 {
		t.Errorf("only %d commands were found", n)
	}
}

// TestPagesHold: the codes that pages speak of are explained, and their links
// lead to a page that is there, and to a heading of it.
func TestPagesHold(t *testing.T) {
	codes := map[string]bool{}
	for _, c := range schema.Codes() {
		codes[c.Code] = true
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 8 {
		t.Fatalf("only %d pages were found (%v)", len(pages), err)
	}
	for _, page := range append(pages, "../../README.md", "../../examples/README.md", "../../docs/decisions/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile(`\bDC\d{3}\b`).FindAllString(string(text), -1) {
			if !codes[code] {
				t.Errorf("%s speaks of %s, which domctl explain does not know", page, code)
			}
		}
		for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
			followLink(t, page, link[1])
		}
	}
}

func followLink(t *testing.T, page, link string) {
	t.Helper()
	if strings.Contains(link, "://") {
		return
	}
	name, heading, _ := strings.Cut(link, "#")
	at := page
	if name != "" {
		at = filepath.Join(filepath.Dir(page), name)
	}
	if fi, err := os.Stat(at); err != nil || fi.IsDir() {
		if err != nil || heading != "" {
			t.Errorf("%s: the link %s leads nowhere", page, link)
		}
		return
	}
	if heading == "" {
		return
	}
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		slug := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(line[1]), "")
		if strings.ReplaceAll(slug, " ", "-") == heading {
			return
		}
	}
	t.Errorf("%s: the link %s leads to no heading", page, link)
}

// TestExamplesHold: what domctl explain shows can be written, and can be run.
func TestExamplesHold(t *testing.T) {
	n := 0
	for _, c := range schema.Codes() {
		cue := ""
		for line := range strings.Lines(c.Example()) {
			words := strings.Fields(line)
			if words[0] != "domctl" {
				cue += line
				continue
			}
			verb, args, err := newApp(strings.NewReader(""), io.Discard, io.Discard).root().Find(words[1:])
			if err == nil {
				err = verb.ParseFlags(args)
			}
			if err == nil {
				err = verb.ValidateArgs(verb.Flags().Args())
			}
			if err != nil || !verb.Runnable() {
				t.Errorf("%s: %s cannot be run: %v", c.Code, line, err)
			}
		}
		if n += len(c.Example()); cue != "" {
			t.Run(c.Code, func(t *testing.T) { checkExample(t, cue) })
		}
	}
	if n == 0 {
		t.Error("no code has an example")
	}
}

// TestFilesOfPages: what the guide to images shows of files can be written.
func TestFilesOfPages(t *testing.T) {
	page, err := os.ReadFile("../../docs/amis.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```cue\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	for _, b := range blocks {
		checkExample(t, strings.TrimPrefix(b[1], "package domino\n"))
	}
	if len(blocks) < 5 {
		t.Errorf("only %d blocks were found", len(blocks))
	}
}

// checkExample adds it to a deployment: nothing of it is unknown or misshapen.
func checkExample(t *testing.T, cue string) {
	dir := t.TempDir()
	if code := run([]string{"init", dir, "--example", "empty"}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
		t.Fatalf("init: exit code %d", code)
	}
	if err := os.WriteFile(filepath.Join(dir, "example.cue"), []byte("package domino\n\n"+cue), 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	run([]string{"check", dir}, strings.NewReader(""), &out, &out)
	if wrong := regexp.MustCompile(`DC00\d|DC11[56]`).FindString(out.String()); wrong != "" {
		t.Errorf("%s\n%s", cue, out.String())
	}
}

// TestTheRealThing: what the empty example and the tutorial show of a live
// deployment is one text, and it is valid.
func TestTheRealThing(t *testing.T) {
	e, err := examples.Get("empty")
	if err != nil {
		t.Fatal(err)
	}
	var cue strings.Builder
	for _, line := range regexp.MustCompile(`(?m)^//\t(.*\n)`).FindAllStringSubmatch(string(e.Files["deployment.cue"]), -1) {
		cue.WriteString(line[1])
	}
	page, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil || !strings.Contains(string(page), "```cue\n"+cue.String()+"```\n") {
		t.Errorf("the tutorial shows another text, %v:\n%s", err, cue.String())
	}
	dir := t.TempDir()
	run([]string{"init", dir, "--example", "empty"}, strings.NewReader(""), io.Discard, io.Discard)
	if err := os.WriteFile(filepath.Join(dir, "deployment.cue"), []byte("package domino\n\n"+cue.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run([]string{"check", dir}, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
