package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/forge"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/metrics"
	"domctl.dev/internal/port"
	"domctl.dev/internal/secret"
	"domctl.dev/internal/web"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) serveVerb() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "serve FILE",
		Short: "Apply what branches move to",
		Long: `Runs until it is told to end, and keeps deployments at what their branches say:
whenever a branch stands on another commit, that commit is planned and applied, once,
and its status is set on the forge. What pull requests would do is planned, and shown
there. It looks now and then, and at once when a webhook says that something happened.

FILE, which lies outside all trees, binds each deployment to a repository, a branch,
an account, a database and records; a commit that names others is refused. After a
crash, or another start, it goes on with what was under way.`,
		Args: cobra.ExactArgs(1),
		Example: `  domctl serve --check serve.yaml
  domctl serve serve.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, warned, err := a.controllerConfig(args[0])
			if err != nil {
				return err
			}
			if check {
				if err := a.tellFindings(warned); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.stdout, "%s: %s of %s.\n", planner.Printable(args[0]), planner.Plural(len(c.Deployments), "deployment"), repositories(len(c.Repositories)))
				return err
			}
			return a.serve(cmd.Context(), c, warned)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "read the file, tell what is wrong with it and what it names that is not here, and end")
	return cmd
}

func repositories(n int) string {
	if n == 1 {
		return "1 repository"
	}
	return fmt.Sprintf("%d repositories", n)
}

// mostConfig is how large a controller's configuration may be, bytes.
const mostConfig = 1 << 20

// controllerConfig reads one; warned is what of it may not work.
func (a *app) controllerConfig(file string) (c config.Config, warned []schema.Finding, err error) {
	text, err := readRegular(file, mostConfig)
	if err != nil {
		return c, nil, fmt.Errorf("configuration %s cannot be read: %w", file, err)
	}
	c, found := config.Check(file, text, config.Here{Env: func(name string) bool { _, set := os.LookupEnv(name); return set }, File: readable})
	if schema.Failed(found) {
		return c, nil, a.refuse(found)
	}
	return c, found, nil
}

// serving is a controller with what it is made of.
type serving struct {
	*app
	config  config.Config
	secrets secret.Resolver
	clones  map[string]*gitops.Clone
	forges  map[string]port.Forge
}

// grace is how long applies have to write down how far they came.
const grace = 45 * time.Second

// stay has the collector keep memory near a limit, which short commands do without: that
// of GOMEMLIMIT, or 384 MiB, of which little lives at any moment.
func stay() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(384 << 20)
	}
}

func (a *app) serve(ctx context.Context, config config.Config, warned []schema.Finding) error {
	s := serving{a, config, secret.Resolver{Getenv: os.LookupEnv}, map[string]*gitops.Clone{}, map[string]port.Forge{}}
	trees, release, err := workIn(config.Work)
	if err != nil {
		return fmt.Errorf("work: %s: %w", config.Work, err)
	}
	defer release()
	stay()
	if err := s.open(trees); err != nil {
		return err
	}
	c := &gitops.Controller{Poll: config.Poll, Grace: grace, Log: a.logger(config.Log), Replica: s.replica()}
	for _, w := range warned {
		c.Log.Warn("the configuration names what is not there", "code", w.Code, "why", w.Message)
	}
	counts := metrics.New(buildInfo())
	counts.Knows(schema.Sorted(config.Deployments))
	observer, traced, err := s.observers(ctx, c.Log, counts)
	if err != nil {
		return err
	}
	defer traced()
	slots, looks := make(chan struct{}, config.Workers), make(chan struct{}, 1)
	for _, name := range schema.Sorted(config.Deployments) {
		d := s.desk(name, c.Log)
		d.Slots, d.Looks, d.Observer = slots, looks, observer
		c.Desks = append(c.Desks, d)
	}
	c.Receptions = s.receptions(c, trees, observer)
	var answers sync.WaitGroup
	defer answers.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hooks := gitops.Hooks{Takes: s.takes, Parse: s.parseHook, Named: s.named, Look: c.Look, Observer: observer, Log: c.Log, Now: time.Now}
	l := gitops.Listening{Log: c.Log, Failed: cancel, All: &answers}
	if err := errors.Join(l.Listen(ctx, "webhooks", config.Listen.Webhooks, hooks.Handler()), l.Listen(ctx, "health", config.Listen.Health, gitops.Health(c.Ready, counts.Handler())), s.page(ctx, l, c)); err != nil {
		return err
	}
	err = c.Run(ctx)
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		err = errors.Join(why, err)
	}
	c.Log.Info("ended")
	return err
}

// workIn takes a folder for this process alone, without the trees of one that was
// before.
func workIn(dir string) (trees string, release func(), err error) {
	trees = filepath.Join(dir, "trees")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, without(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, without(err)
	}
	if err = alone(lock); err == nil {
		err = errors.Join(os.RemoveAll(trees), os.Mkdir(trees, 0o700))
	}
	for _, name := range []string{"mirrors", "pulls", "logs"} {
		err = errors.Join(err, private(filepath.Join(dir, name)))
	}
	if err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return trees, func() { _, _ = os.RemoveAll(trees), lock.Close() }, nil // what is left the next start removes
}

// private makes a folder that nobody else on the machine looks into, whatever the one
// above it allows.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// open makes what deployments share; nothing is asked yet.
func (s serving) open(trees string) error {
	for name, r := range s.config.Repositories {
		s.clones[name] = &gitops.Clone{Dir: filepath.Join(s.config.Work, "mirrors", name), Room: trees, Now: time.Now, Remote: func() (git.Remote, error) { return s.remote(r) }}
	}
	for name, f := range s.config.Forges {
		opened, err := forge.Open(forge.Config{Kind: forge.Kind(f.Kind), URL: f.URL, User: f.User, Token: func() (string, error) { return s.text(f.Token) }})
		if err != nil {
			return fmt.Errorf("forge %s: %w", name, err)
		}
		s.forges[name] = opened
	}
	return nil
}

// text reads a secret of the controller's own.
func (s serving) text(ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	text, err := s.secrets.Text(context.Background(), ref)
	return strings.TrimSpace(text), err
}

// remote reads credentials anew for each fetch.
func (s serving) remote(r config.Repository) (m git.Remote, err error) {
	m = git.Remote{URL: r.URL, User: r.User, KnownHosts: r.KnownHosts}
	if m.Password, err = s.text(r.Password); err != nil {
		return m, err
	}
	key, err := s.text(r.Key)
	if err != nil {
		return m, err
	}
	if m.Key = []byte(key + "\n"); r.CA != "" {
		m.CA, err = readRegular(r.CA, mostConfig)
	}
	return m, err
}

func (s serving) desk(name string, log *slog.Logger) *gitops.Desk {
	of := s.config.Deployments[name]
	short := once(func(ref string) {
		log.Warn("a secret is too short to be hidden", "deployment", name, "code", "DC365", "secret", ref, "do", shortDo())
	})
	as := func(mode config.Mode) *bound {
		return &bound{of, name, mode, filepath.Join(s.config.Work, "logs", name), s.config.Deployments, gitops.Report(log.With("deployment", name)), short}
	}
	clone := s.clones[of.Repository]
	d := &gitops.Desk{Name: name, Bound: of, Source: clone.Of(of.Dir), Records: as(config.ToApply).records, Now: time.Now, Random: rand.Text,
		Open: func(ctx context.Context, t gitops.Tree, mode config.Mode) (*engine.Engine, func(), error) {
			return s.openBound(ctx, as(mode), clone.Dir, t)
		},
		Compile: func(ctx context.Context, t gitops.Tree, name string, evaluate bool) (gitops.Compiled, bool, error) {
			return s.compileBound(ctx, as(config.ToPlan), clone.Dir, t, name, evaluate)
		},
		Engine: func(ctx context.Context, t gitops.Tree, c gitops.Compiled) (*engine.Engine, func(), error) {
			return s.engineBound(ctx, as(config.ToPlan), t, c)
		}}
	d.Audiences = s.audiences(of)
	if c := s.config.Page; c.URL != "" {
		d.Page = web.Address(c.URL, name)
	}
	if r := s.config.Repositories[of.Repository]; r.Forge != "" {
		to := s.forges[r.Forge]
		d.Forge, d.Repo = to, r.Name
		d.Issues.Tracker, _ = to.(port.Tracker)
		d.Issues.Repo = r.Name
		d.Tell = func(ctx context.Context, commit string, status port.CommitStatus) error {
			return to.SetStatus(ctx, r.Name, commit, status)
		}
	}
	return d
}

// receptions are for the repositories that are on a forge. Each has a mirror of its own,
// so that nothing that a pull request brings holds up an apply.
func (s serving) receptions(c *gitops.Controller, trees string, observer gitops.Observer) (all []*gitops.Reception) {
	places := gitops.NewPlaces(s.config.Workers)
	for _, name := range schema.Sorted(s.config.Repositories) {
		of := s.config.Repositories[name]
		if of.Forge == "" {
			continue
		}
		r := &gitops.Reception{Name: name, Repo: of.Name, Forge: s.forges[of.Forge], Places: places, Room: trees, Shared: c.Replica != nil, Observer: observer, Now: time.Now, Random: rand.Text, Log: c.Log,
			Source: &gitops.Clone{Dir: filepath.Join(s.config.Work, "pulls", name), Room: trees, Now: time.Now, Remote: func() (git.Remote, error) { return s.remote(of) }}}
		for _, d := range c.Desks {
			if d.Bound.Repository == name {
				r.Desks = append(r.Desks, d)
			}
		}
		talk := &gitops.Talk{Forge: r.Forge, Repo: r.Repo, Desks: r.Desks, Replan: r.Replan, Wake: c.Wake, Observer: observer, Name: name, Now: time.Now, Sleep: port.Sleep}
		r.Converse = talk.Converse
		for _, d := range r.Desks {
			d.Await = func(pull int) { r.Await(d, pull) }
		}
		all = append(all, r)
	}
	return all
}

func (s serving) takes(repository string) bool {
	return s.config.Repositories[repository].Webhook != ""
}

func (s serving) parseHook(repository string, h map[string][]string, body []byte) ([]port.Hook, error) {
	r := s.config.Repositories[repository]
	key, err := s.text(r.Webhook)
	if err != nil {
		return nil, err
	}
	hooks, err := forge.ParseHook(forge.Kind(s.config.Forges[r.Forge].Kind), h, body, key)
	if errors.Is(err, forge.ErrHook) {
		err = errors.New("it is not signed with the secret that " + schema.JoinPath("repositories", repository, "webhook") + " names")
	}
	return hooks, err
}

// named is how the forge names a repository.
func (s serving) named(repository string) string { return s.config.Repositories[repository].Name }
