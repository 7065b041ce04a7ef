package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// bubble is the time of a synctest.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) Sleep(ctx context.Context, d time.Duration) error { return port.Sleep(ctx, d) }

// mortal is a process that dies, or stands still, whenever it is told to.
type mortal struct {
	mu    sync.Mutex
	left  int           // sides of calls that it lives on for; negative: it lives
	fatal string        // a call that it does not live to make
	stood chan struct{} // closed when it goes on; nil: it runs
}

// Gate is what all its calls pass.
func (m *mortal) Gate(call string, _ sandbox.Phase) error {
	m.mu.Lock()
	stood := m.stood
	m.mu.Unlock()
	if stood != nil {
		<-stood
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fatal != "" && call == m.fatal {
		m.left = 0
	}
	if m.left == 0 {
		return sim.ErrKilled
	}
	if m.left > 0 {
		m.left--
	}
	return nil
}

// dies lets it make so many sides of calls more.
func (m *mortal) dies(after int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = after
}

func (m *mortal) diesAt(call string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fatal = call
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left == 0
}

// stops stands still until goesOn is called.
func (m *mortal) stops() (goesOn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stood = make(chan struct{})
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		close(m.stood)
		m.stood = nil
	}
}

// duty is what replicas share: the outside, the records, a repository, a forge.
type duty struct {
	rig
	*board
	first string // the commit that is applied
	n     int
}

// newDuty is made within a bubble.
func newDuty(t *testing.T) *duty {
	r := newRig(t)
	r.machine.Clock = bubble{}
	d := &duty{rig: r, first: r.commit("modern-before")}
	r.turn()
	d.board = newBoard(r)
	d.at = time.Now()
	return d
}

// proc is a replica: a controller with a mirror, a forge and seats of its own.
type proc struct {
	*gitops.Controller
	*mortal
	name  string
	heard *ear
	seats map[string]*cut
	log   bytes.Buffer
	end   func() // waits for its end
}

// ear hears how work went: how often each kind ended how, and of what.
type ear struct {
	mu  sync.Mutex
	all map[string]int
}

func (e *ear) Begin(ctx context.Context, w gitops.Work) (context.Context, func(string)) {
	return ctx, func(outcome string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.all == nil {
			e.all = map[string]int{}
		}
		e.all[strings.Join(strings.Fields(fmt.Sprintln(w.Kind, w.Deployment, w.Repository, w.Name, outcome)), " ")]++
	}
}

func (e *ear) Stands(string, gitops.Turned, time.Time, error) {}

func (e *ear) Drifted(string, gitops.Drift) {}

// replica makes one, which run starts.
func (d *duty) replica() *proc {
	d.n++
	p := &proc{mortal: &mortal{left: -1}, heard: &ear{}, name: fmt.Sprint("r", d.n), seats: map[string]*cut{}}
	log := slog.New(slog.NewTextHandler(&p.log, nil))
	forge := gatedForge{d.board, p.Gate}
	r := d.reception(forge, p.mortal, &p.log)
	mirror := func(name string) *gitops.Clone {
		return &gitops.Clone{Dir: filepath.Join(d.t.TempDir(), name), Remote: func() (git.Remote, error) { return git.Remote{URL: "file://" + d.repo}, nil }}
	}
	clone, desk := mirror("branch"), r.Desks[0]
	r.Source, r.Shared, r.Now, r.Log = mirror("pulls"), true, time.Now, log
	desk.Source, desk.Now = gated{clone.Of(desk.Bound.Dir), p.Gate}, time.Now
	desk.Bound.Rules, desk.Bound.Repository = []config.Rule{anyRule}, r.Name
	desk.Forge, desk.Repo = forge, r.Repo
	desk.Tell = func(ctx context.Context, commit string, s port.CommitStatus) error {
		return forge.SetStatus(ctx, r.Repo, commit, s)
	}
	desk.Observer, r.Observer = p.heard, p.heard
	desk.Await = func(pull int) { r.Await(desk, pull) }
	p.Controller = &gitops.Controller{Desks: r.Desks, Receptions: []*gitops.Reception{r}, Poll: time.Minute, Grace: time.Minute, Log: log}
	talk := &gitops.Talk{Forge: forge, Repo: r.Repo, Desks: r.Desks, Replan: r.Replan, Wake: p.Wake, Observer: p.heard, Name: r.Name, Now: time.Now, Sleep: bubble{}.Sleep}
	r.Converse = talk.Converse
	var n atomic.Int64
	desk.Random = func() string { return fmt.Sprint(p.name, "-", n.Add(1)) }
	open := func(context.Context) (applier.Store, error) { return sim.Gated(d.machine.Store, p.Gate, bubble{}), nil }
	for what, key := range map[string]string{desk.Name: "", "pulls-" + r.Name: "pulls-" + r.Name} {
		p.seats[what] = &cut{Seat: gitops.RecordsSeat(open, key, desk.Random)}
	}
	p.Replica = &gitops.Replica{Me: p.name, Term: 30 * time.Second, Seat: func(what string) gitops.Seat { return p.seats[what] }}
	return p
}

func (p *proc) run(ctx context.Context) *proc {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.end = func() { cancel(); <-ended }
	return p
}

// branch opens a pull request of a deployment of the simulation's.
func (d *duty) branch(number int, edits ...string) (commit string) {
	d.git("checkout", "-q", "-f", "-B", fmt.Sprint("work", number), "main")
	commit = d.rig.commit("modern", edits...)
	d.propose(number, fmt.Sprint("work", number))
	return commit
}

// merge brings a pull request's head to the branch.
func (d *duty) merge(number int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.pulls[number]
	d.git("update-ref", "refs/heads/main", p.HeadCommit)
	p.State, p.MergeCommit, p.UpdatedAt = port.PullMerged, p.HeadCommit, time.Now()
}

// says writes somebody's comment.
func (d *duty) says(number int, user, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.comments[number] = append(d.comments[number], port.Comment{ID: fmt.Sprint(d.last), Author: user, Body: text, CreatedAt: time.Now().Truncate(time.Second)})
	d.pulls[number].UpdatedAt = time.Now()
}

// plans are the comments that show a plan, and answers those to what people said.
func (d *duty) plans(number int) (plans, answers []string) {
	for _, text := range d.said(number) {
		switch first, rest, _ := strings.Cut(text, "\n\n"); {
		case strings.HasPrefix(first, "[//]: # (domctl-plan "):
			plans = append(plans, rest)
		case strings.HasPrefix(first, "[//]: # (domctl-answer "):
			answers = append(answers, rest)
		}
	}
	return plans, answers
}

func (d *duty) record(number int) gitops.PullPlan {
	rec, _, err := gitops.ReadPullPlan(d.t.Context(), d.machine.Store, number)
	if err != nil {
		d.t.Fatal(err)
	}
	return rec
}

func (d *duty) head() gitops.Head {
	h, _, err := gitops.ReadHead(d.t.Context(), d.machine.Store)
	if err != nil {
		d.t.Fatal(err)
	}
	return h
}

// wait lets time pass.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestSharedDuties: one replica plans pull requests and hears what people say there, for
// a deployment that another one acts for.
func TestSharedDuties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t)
		a, b := d.replica(), d.replica()
		a.seats["sim-modern"].off.Store(true)
		a.run(t.Context())
		wait(time.Second)
		b.run(t.Context())
		wait(time.Second)
		a.seats["sim-modern"].off.Store(false)

		second := d.branch(1)
		wait(2 * time.Minute)
		rec := d.record(1)
		if plans, _ := d.plans(1); len(plans) != 1 || !strings.Contains(plans[0], rec.Effect) || !rec.Told || !slices.Equal(d.shown(second), []string{"pending", "success"}) {
			t.Fatalf("%q, %q, %+v\n%s\n%s", plans, d.shown(second), rec, &a.log, &b.log)
		}
		d.says(1, "bob", "domctl apply "+rec.Effect)
		wait(2 * time.Minute)
		d.merge(1)
		a.Look("domino", "main") // which is passed on
		wait(time.Minute)
		if _, answers := d.plans(1); len(answers) != 1 || !strings.HasPrefix(answers[0], "`bob` approved") || d.head().Stage != gitops.Done || d.head().Commit != second {
			t.Fatalf("%q, %+v\n%s\n%s", answers, d.head(), &a.log, &b.log)
		}

		// It is merged before anybody approved: who acts waits, and the other one hears it.
		third := d.branch(2, "cores: 2", "cores: 3")
		wait(2 * time.Minute)
		d.merge(2)
		wait(2 * time.Minute)
		if h := d.head(); h.Stage != gitops.Asked || h.Pull != 2 {
			t.Fatalf("%+v\n%s\n%s", h, &a.log, &b.log)
		}
		wait(time.Hour)
		d.says(2, "bob", "domctl apply "+d.head().Effect)
		wait(2 * time.Minute)
		if h := d.head(); h.Stage != gitops.Done || h.Commit != third {
			t.Fatalf("%+v\n%s\n%s", h, &a.log, &b.log)
		}
		if strings.Contains(a.log.String(), "acts for=sim-modern") || strings.Contains(b.log.String(), "acts for=pulls-domino") || strings.Count(b.log.String(), "why=applied") != 2 {
			t.Errorf("not each did its part:\n%s\n%s", &a.log, &b.log)
		}
		a.end()
		b.end()
		for what, want := range map[string][2]int{"act sim-modern over": {0, 1}, "pull plan sim-modern ok": {2, 0}, "pull queue sim-modern free": {4, 0}, "command domino apply done": {2, 0}, "apply sim-modern ended": {0, 2}} {
			if got := [2]int{a.heard.all[what], b.heard.all[what]}; got != want {
				t.Errorf("%s: %v times, want %v", what, got, want)
			}
		}
		for _, what := range []string{"pulls domino ok", "review domino ok", "conversation domino ok"} {
			if a.heard.all[what] == 0 || b.heard.all[what] > 0 {
				t.Errorf("%s: %v", what, a.heard.all)
			}
		}
		if applied := d.applied(); !slices.Equal(applied, []string{d.first, second, third}) {
			t.Errorf("applied %s", applied)
		}
	})
}

// TestSeatsMove: who dies, or loses its seats, is followed by the other, and takes nothing
// away when it comes back; what it remembers is not believed when it is its turn again.
func TestSeatsMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuty(t)
		a := d.replica().run(t.Context())
		wait(time.Second)
		b := d.replica().run(t.Context())
		planned := d.branch(1)
		wait(2 * time.Minute)
		shown := func(what string, by *proc) {
			t.Helper()
			rec := d.record(1)
			plans, _ := d.plans(1)
			if len(plans) != 1 || !rec.Told || !strings.Contains(plans[0], rec.Plan) || rec.Head != d.pulls[1].HeadCommit {
				t.Errorf("%s: %q, %+v", what, plans, rec)
			}
			for _, other := range []*proc{a, b} {
				if acts := strings.LastIndex(other.log.String(), "msg=acts for=pulls-domino") > strings.LastIndex(other.log.String(), "acts no longer"); acts != (other == by) && !other.dead() {
					t.Errorf("%s: %s acts: %v\n%s", what, other.name, acts, &other.log)
				}
			}
		}
		shown("at first", a)

		// Cut off from the leases, it ends before the other begins; back again, it waits.
		cutOff := func(p *proc, off bool) {
			for _, s := range p.seats {
				s.off.Store(off)
			}
		}
		cutOff(a, true)
		d.branch(1, "cores: 2", "cores: 3")
		wait(2 * time.Minute)
		cutOff(a, false)
		wait(time.Minute)
		shown("another took over", b)

		// What the other finds meanwhile, and does not put right, is seen by who follows it.
		desk := b.Desks[0]
		open := desk.Engine
		desk.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
			return nil, func() {}, errors.New("MongoDB cannot be reached")
		}
		d.git("checkout", "-q", "-f", "-B", "work1", planned) // as a has shown it
		d.propose(1, "work1")
		wait(2 * time.Minute)
		if rec := d.record(1); rec.Told || !strings.Contains(rec.Why, "MongoDB cannot be reached") {
			t.Errorf("%+v", rec)
		}
		cutOff(b, true)
		wait(2 * time.Minute)
		desk.Engine = open
		shown("back again", a)

		// Who dies is followed, too, and its successor finds all in the records.
		a.dies(0)
		cutOff(b, false)
		head := d.branch(1, "cores: 2", "cores: 4")
		wait(2 * time.Minute)
		shown("one died", b)
		d.says(1, "bob", "domctl apply "+d.record(1).Effect)
		wait(2 * time.Minute)
		d.merge(1)
		b.diesAt("UpdateOne") // in the midst of the apply
		wait(2 * time.Minute)
		if h := d.head(); !b.dead() || h.Stage != gitops.Applying || h.Commit != head {
			t.Errorf("it is over before it died: %+v", h)
		}
		a.end()
		b.end()
		c := d.replica().run(t.Context())
		wait(10 * time.Minute)
		if h := d.head(); h.Stage != gitops.Done || h.Commit != head {
			t.Errorf("%+v\n%s", h, &c.log)
		}
		c.end()
		if applied := d.applied(); !slices.Equal(applied, []string{d.first, head}) {
			t.Errorf("applied %s", applied)
		}
	})
}
