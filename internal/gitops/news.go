package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
)

// Audience is a channel of a deployment, opened.
type Audience struct {
	Name   string
	Events []string // empty: all
	To     port.Notifier
}

func (a Audience) wants(e config.Event) bool {
	return e != "" && (len(a.Events) == 0 || slices.Contains(a.Events, string(e)))
}

// ledger is the record: by channel, and in it by what news are of, the last that was
// told.
type ledger struct {
	Channels map[string]map[string]string `json:"channels"`
	Nonce    string                       `json:"nonce"`
}

// news is one thing to tell, and what tells it from others of its sort. A quiet one,
// without an event, only takes the place of the one before, which is news again when it
// comes back.
type news struct {
	of, key string
	event   config.Event
	notice  port.Notice
}

// current is what the records have to tell.
func (d *Desk) current(ctx context.Context, s applier.Store) (all []news, err error) {
	name, h := d.Name, Head{}
	if _, _, err := read(ctx, s, headKey, &h); err != nil {
		return nil, err
	}
	if h.Commit != "" {
		event, key := h.event()
		all = append(all, news{"head", key, event, port.Notice{Deployment: name, What: string(event), Facts: []port.Fact{
			{Name: "commit", Text: fmt.Sprintf("%.12s", h.Commit)}, {Name: "plan", Text: h.Plan}, {Name: "effect", Text: h.Effect}, {Name: "why", Text: h.Why}}}})
	}
	f, _, err := applier.ReadFreeze(ctx, s)
	if err != nil {
		return nil, err
	}
	frozen := news{of: "freeze"}
	if f.Holds(d.Now()) {
		frozen = news{"freeze", f.String(), config.FrozenEvent, port.Notice{Deployment: name, What: "frozen", Facts: []port.Fact{{Name: "why", Text: f.String()}}}}
	}
	return append(all, frozen), nil
}

// event says what a head is news of. A failure is one however often it is tried and
// whatever it says, and so is a refusal; what is waited for may become another thing.
func (h Head) event() (e config.Event, key string) {
	key = h.Commit + " " + string(h.Stage)
	switch {
	case h.Stage == Done && h.Why == nothingToDo:
	case h.Stage == Done && h.Left > 0:
		return config.FailedEvent, key + " " + h.Plan
	case h.Stage == Done:
		return config.AppliedEvent, key + " " + h.Plan
	case h.Stage == Asked:
		return config.WaitsEvent, key + " " + h.Effect
	case h.Stage == Refused:
		return config.RefusedEvent, key + " " + h.Effect
	case strings.HasPrefix(h.Why, string(applier.FailedOutcome)):
		return config.FailedEvent, key + " " + h.Plan
	case strings.HasPrefix(h.Why, string(applier.PausedOutcome)) && !strings.Contains(h.Why, "interrupted"):
		return config.WaitsEvent, key + " " + h.Plan + " " + h.Why
	}
	return "", key
}

// publish answers how those who tell of Turns hear of one, which never waits, and what
// waits for them to end.
func (c *Controller) publish(ctx context.Context, d *Desk) (tell func(Turned, error), told func()) {
	if len(d.Audiences) == 0 {
		return func(Turned, error) {}, func() {}
	}
	turns := make(chan string, 1)
	var room sync.WaitGroup
	room.Go(func() { c.newsroom(ctx, d, turns) })
	return func(t Turned, err error) {
		select {
		case turns <- fmt.Sprint(t, err):
		default:
		}
	}, room.Wait
}

// newsroom tells a deployment's news beside its Turns, which never wait for it. A Turn
// that came out as the one before has none. What it had no time for is found in the
// records at the next look.
func (c *Controller) newsroom(ctx context.Context, d *Desk, turns <-chan string) {
	log, trouble, last := c.Log.With("deployment", d.Name), matter{}, ""
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-turns:
			if now == last {
				continue
			}
			err := d.announce(ctx, d.current)
			if err == nil {
				last = now
				trouble.over()
				continue
			}
			if ctx.Err() == nil && trouble.news(err.Error()) {
				log.Warn("somebody could not be told", "error", err.Error())
			}
		}
	}
}

// longestNews is how long telling all channels may take.
const longestNews = 2 * time.Minute

// announce tells each channel what it was not told yet of what the records say: a Turn
// may know less than another controller wrote meanwhile. That it is told is recorded
// before: who comes after a crash, or another replica, does not tell it twice. What
// certainly did not arrive is taken back from the record, and told at another look.
func (d *Desk) announce(ctx context.Context, current func(context.Context, applier.Store) ([]news, error)) error {
	ctx, cancel := context.WithTimeout(ctx, longestNews)
	defer cancel()
	var due map[string][]news
	err := d.amend(ctx, func(ctx context.Context, s applier.Store, h *ledger) (bool, error) {
		all, err := current(ctx, s)
		due = h.take(d.Audiences, all)
		return len(due) > 0, err
	})
	if err != nil {
		return err
	}
	var failed error
	back := map[string][]news{}
	for _, a := range d.Audiences {
		for _, n := range due[a.Name] {
			if !a.wants(n.event) {
				continue
			}
			err := d.send(ctx, a, n.notice)
			if err == nil {
				continue
			}
			failed = errors.Join(failed, fmt.Errorf("notify.%s: %w", a.Name, err))
			if !errors.Is(err, port.ErrLost) {
				back[a.Name] = append(back[a.Name], n)
			}
		}
	}
	if len(back) == 0 {
		return failed
	}
	late, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	return errors.Join(failed, d.amend(late, func(_ context.Context, _ applier.Store, h *ledger) (bool, error) { return h.giveBack(back), nil }))
}

// send tells one channel.
func (d *Desk) send(ctx context.Context, a Audience, n port.Notice) error {
	ctx, end := d.observe(ctx, NoticeWork, a.Name)
	err := a.To.Notify(ctx, n)
	switch {
	case err == nil:
		end("told")
	case errors.Is(err, port.ErrLost):
		end("lost")
	default:
		end("error")
	}
	return err
}

// amend replaces the record where there is something to change; whoever else writes it
// meanwhile has the word first.
func (d *Desk) amend(ctx context.Context, change func(context.Context, applier.Store, *ledger) (bool, error)) error {
	store, err := d.Records(ctx)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		h := ledger{Channels: map[string]map[string]string{}}
		etag, _, err := read(ctx, store, newsKey, &h)
		if err != nil {
			return err
		}
		changed, err := change(ctx, store, &h)
		if err != nil || !changed {
			return err
		}
		h.Nonce = d.Random()
		if _, err = write(ctx, store, newsKey, etag, h); !lost(err) || try == most {
			return err
		}
	}
}

// take notes all news as told, and answers those that were not.
func (h *ledger) take(to []Audience, all []news) (due map[string][]news) {
	due = map[string][]news{}
	for _, a := range to {
		if h.Channels[a.Name] == nil {
			h.Channels[a.Name] = map[string]string{}
		}
		for _, n := range all {
			if h.Channels[a.Name][n.of] != n.key {
				h.Channels[a.Name][n.of] = n.key
				due[a.Name] = append(due[a.Name], n)
			}
		}
	}
	return due
}

// giveBack notes news as not told, where they are still the last.
func (h *ledger) giveBack(all map[string][]news) (changed bool) {
	for channel, some := range all {
		for _, n := range some {
			if h.Channels[channel][n.of] == n.key {
				delete(h.Channels[channel], n.of)
				changed = true
			}
		}
	}
	return changed
}
