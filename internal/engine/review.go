package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/sync/errgroup"

	"domctl.dev/compiler"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// ReviewOptions say how far back runs count, and where the files are.
type ReviewOptions struct {
	Window time.Duration
	// SlowPull is how long a run may wait for its images.
	SlowPull time.Duration
	// Read is the text of one of the deployment's files, as Compiled.Files names
	// them, and Name what a patch calls it.
	Read     func(file string) ([]byte, error)
	Name     func(file string) string
	Resolved string                // the file that `update` writes
	Progress func(done, total int) // of images asked for; may be nil
}

// Review is what a person looks at once a quarter: what is old, what is newer, and
// what nobody uses, and which runs waited long for their images. Unread says what
// could not be told; the rest is right.
type Review struct {
	Deployment string           `json:"deployment"`
	At         string           `json:"at"`    // RFC 3339, of now
	Since      string           `json:"since"` // RFC 3339, from when on runs count
	AMIs       []world.Aged     `json:"images"`
	Newer      []Newer          `json:"newer"`
	Unused     []Unused         `json:"unused"`
	Pulls      Pulls            `json:"pulls"`
	Drift      []planner.Change `json:"drift"`
	Unread     []string         `json:"unread"`
	Findings   []schema.Finding `json:"findings"`
	// Patch is a unified diff of the files that takes what is newer and leaves out
	// what is unused, where it says so; "" when there is nothing to take.
	Patch string `json:"patch"`
}

// Newer is something that upstream names otherwise than resolved.cue does.
type Newer struct {
	Address schema.Address `json:"address"`
	Before  string         `json:"before,omitempty"`
	After   string         `json:"after,omitempty"`
}

// Unused is an image that an AMI caches and that nobody ran. Patched says that the
// patch leaves it out: new nodes pull no byte more without it. Others share layers
// with what ran, or are not stated where they could be taken out by themselves.
type Unused struct {
	AMI     schema.Address `json:"ami"`
	Image   string         `json:"image"`
	Patched bool           `json:"patched"`

	list    []string
	element schema.Value
	idle    bool
}

// Due counts what asks for somebody.
func (r Review) Due() int {
	n := len(r.Newer) + len(r.Unused) + len(r.Drift)
	for _, a := range r.AMIs {
		if a.Due {
			n++
		}
	}
	for _, s := range r.Pulls.Slow {
		if s.Due() {
			n++
		}
	}
	return n
}

// Review reads what stands, upstream and what ran. It writes nothing.
func (e *Engine) Review(ctx context.Context, o ReviewOptions) (Review, error) {
	p, now, err := e.planned(ctx, PlanOptions{})
	if err != nil {
		return Review{}, err
	}
	at := e.Clock.Now().UTC()
	r := Review{Deployment: p.Deployment, At: at.Format(time.RFC3339), Since: at.Add(-o.Window).Format(time.RFC3339), AMIs: append([]world.Aged{}, now.view.Aged()...), Drift: p.Drift,
		Newer: []Newer{}, Unused: []Unused{}, Unread: []string{}}
	var newer Updated
	var ran Forecast
	var timed []timed
	var full []schema.Finding
	var noNewer, noRuns, noPulls, noPeaks error
	var group errgroup.Group
	group.Go(func() error { newer, noNewer = Update(ctx, e.Compiled, e.Outside, nil); return nil })
	group.Go(func() error {
		ran, noRuns = Images{Compiled: e.Compiled, Outside: e.Outside, Karpenter: e.Nodes, Store: e.Store, Now: e.Clock.Now, Weights: "runs", Window: o.Window, Progress: o.Progress}.Forecast(ctx)
		return nil
	})
	group.Go(func() error { r.Pulls, timed, noPulls = e.pulls(ctx, at.Add(-o.Window), o.SlowPull); return nil })
	group.Go(func() error { full, noPeaks = e.nearlyFull(ctx, o.Window); return nil })
	_ = group.Wait()
	if ctx.Err() != nil {
		return Review{}, ctx.Err()
	}
	for what, err := range map[string]error{"what is newer": noNewer, "what ran": noRuns, "how long runs pulled": noPulls, "how full pools were": noPeaks} {
		if err != nil {
			r.Unread = append(r.Unread, what+": "+err.Error())
		}
	}
	for _, i := range ran.Images {
		if i.Problem != "" {
			r.Unread = append(r.Unread, i.Title()+": "+i.Problem)
		}
	}
	slices.Sort(r.Unread)
	for _, m := range newer.Moves {
		r.Newer = append(r.Newer, Newer(m))
	}
	r.Unused = append(r.Unused, ran.unused(e.Compiled.Desired)...)
	r.Pulls.Slow = ran.slow(timed, o.SlowPull, now.view)
	r.Findings = append([]schema.Finding{}, schema.SortFindings(slices.Concat(p.Findings, ran.Findings, full, r.Pulls.findings(e.Compiled.Desired)))...)
	r.Patch, err = r.patch(e.Compiled.Files, newer.Text, o)
	return r, err
}

// unused are the cached images that nobody ran and no project is pinned to; of
// base images, which nothing runs by itself, those without which nothing more is
// pulled. Nothing is unused where nothing ran at all: then the window is wrong.
func (f Forecast) unused(d schema.Desired) (out []Unused) {
	all, ran := f.candidates()
	if !ran {
		return nil
	}
	for _, a := range schema.Addresses(d.Objects) {
		cache := d.Objects[a].Cache()
		places, ok := world.Cached(f.used(), cache)
		if !ok || !cache.Stated || slices.ContainsFunc(places, func(i int) bool { return f.Images[i].Problem != "" }) {
			continue
		}
		idle := idleTogether(planner.Engine(cache.Runtime), all, places)
		for _, i := range places {
			image := f.Images[i]
			leave := slices.Contains(idle, i)
			if !leave && (image.Weight > 0 || image.used.Base) {
				continue
			}
			u := Unused{AMI: a, Image: image.Title(), idle: leave}
			u.list, u.element = cache.Cached(a, image.used.Address, image.Revision, image.Active)
			out = append(out, u)
		}
	}
	return out
}

// idleTogether are cached images that nobody ran and that can go all at once: of
// two that hold the same, one stays.
func idleTogether(e planner.Engine, all []planner.Candidate, cached []int) (idle []int) {
	rest := slices.Clone(cached)
	for {
		next := planner.Idle(e, all, rest)
		i := slices.IndexFunc(next, func(i int) bool { return all[i].Weight == 0 })
		if i < 0 {
			return idle
		}
		idle = append(idle, next[i])
		rest = slices.DeleteFunc(rest, func(j int) bool { return j == next[i] })
	}
}

// candidates are all images with their weights; ran says that one has some.
func (f Forecast) candidates() (all []planner.Candidate, ran bool) {
	all = make([]planner.Candidate, len(f.Images))
	for i, image := range f.Images {
		all[i] = planner.Candidate{Content: image.content, Weight: image.Weight}
		ran = ran || image.Weight > 0
	}
	return all, ran
}

// patch takes what is newer and leaves out what is idle.
func (r *Review) patch(files []string, resolved []byte, o ReviewOptions) (string, error) {
	texts, before := map[string][]byte{}, map[string][]byte{}
	for _, file := range append(slices.Clone(files), o.Resolved) {
		text, err := o.Read(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		before[file], texts[file] = text, text
	}
	if resolved != nil {
		texts[o.Resolved] = resolved
	}
	for i, u := range r.Unused {
		if file, text := u.without(texts); u.idle && file != "" {
			texts[file], r.Unused[i].Patched = text, true
		}
	}
	var out []byte
	for _, file := range schema.Sorted(texts) {
		from := "a/" + o.Name(file)
		if before[file] == nil {
			from = "/dev/null"
		}
		out = append(out, diff.Diff(from, before[file], "b/"+o.Name(file), texts[file])...)
	}
	return string(out), nil
}

// without is the one file that states an unused image, without it; "" when none
// does, or several do.
func (u Unused) without(texts map[string][]byte) (file string, text []byte) {
	for _, name := range schema.Sorted(texts) {
		rest, ok, err := compiler.Without(name, texts[name], u.list, u.element)
		if err != nil || !ok {
			continue
		}
		if file != "" {
			return "", nil
		}
		file, text = name, rest
	}
	return file, text
}

// Line says of an entry how old its image is, and what was asked for.
func Line(a world.Aged) string {
	text := a.Image
	if text == "" {
		text = "no image"
	}
	if a.Days >= 0 {
		text += ", " + planner.Plural(a.Days, "day") + " old"
	} else if a.Image != "" {
		text += ", of unknown age"
	}
	if a.After != "" {
		text += ", review after " + a.After
	}
	if a.Reason != "" {
		text += fmt.Sprintf(", pinned (%s)", a.Reason)
	}
	if a.By != "" {
		text += ", look again by " + a.By
	}
	if a.Due {
		text += ": due"
	}
	return text
}
