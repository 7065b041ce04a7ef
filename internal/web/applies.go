package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
)

// Bounds of what is kept of one deployment between requests.
const (
	mostReaders = 4     // applies whose records stay read
	mostBriefs  = 20000 // applies that are known by a line
	pageOf      = 25    // applies on a page of the history
)

// brief is an apply in a line. What is written of one never changes, so a brief is right
// as long as there are as many records.
type brief struct {
	ID, By, Why, Restores, Commit, Amount string
	At                                    time.Time
	Outcome                               applier.Outcome
	Done, Steps                           int
}

// reader reads the records of one apply, those that are there once.
type reader struct {
	applier *applier.Applier
	at      time.Time
	summary applier.Summary
}

func briefOf(s applier.Summary) brief {
	b := brief{ID: s.ID, By: s.By, Why: s.Why, At: s.At, Outcome: s.Outcome, Done: s.Done}
	if s.Plan != nil {
		b.Restores, b.Commit, b.Amount, b.Steps = s.Plan.Restores, s.Plan.Source.Commit, s.Plan.Amount(), len(s.Plan.Steps)
	}
	return b
}

// isID keeps what somebody writes into an address from naming other records.
func isID(id string) bool {
	return id != "" && len(id) <= 100 && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// errNone is answered for an apply that is not there.
var errNone = errors.New("there is no such apply")

// summary reads an apply's records; those who ask within a second share one read.
func (r *records) summary(ctx context.Context, id string) (applier.Summary, error) {
	if !isID(id) {
		return applier.Summary{}, errNone
	}
	got, err, _ := r.once.Do("apply "+id, func() (any, error) {
		of, err := r.reader(ctx, id)
		if err != nil {
			return nil, err
		}
		if now := r.now(); of.at.IsZero() || now.Sub(of.at) >= time.Second {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			if of.summary, err = of.applier.Summary(ctx, id); err != nil {
				return nil, err
			}
			of.at = now
		}
		return of.summary, nil
	})
	if applier.IsMissing(err) {
		return applier.Summary{}, errNone
	}
	s, _ := got.(applier.Summary)
	return s, err
}

// reader keeps those that were asked for last.
func (r *records) reader(ctx context.Context, id string) (*reader, error) {
	r.mu.Lock()
	of := r.readers[id]
	r.mu.Unlock()
	if of != nil {
		return of, nil
	}
	store, err := r.store(ctx)
	if err != nil {
		return nil, err
	}
	of = &reader{applier: reading(store, r.Name)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.readers) >= mostReaders || r.readers == nil {
		r.readers = map[string]*reader{}
	}
	r.readers[id] = of
	return of, nil
}

// reading is an applier that only reads.
func reading(store applier.Store, deployment string) *applier.Applier {
	return &applier.Applier{Store: store, Deployment: deployment, TTL: 3 * patience}
}

// listing are the ids of all applies, latest plan first. A store is listed anew once there
// are more: each takes its place among all in *applied* before its first record, and
// reserves after it.
func (r *records) listing(ctx context.Context) ([]string, error) {
	const age = 10 * time.Minute
	is := r.standing(ctx, fresh)
	r.mu.Lock()
	ids, listed, was := r.ids, r.listed, r.listedAt
	r.mu.Unlock()
	if is.Err == nil && !listed.IsZero() && was == is.applies && r.now().Sub(listed) < age {
		return ids, nil
	}
	got, err, _ := r.once.Do("listing", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*patience)
		defer cancel()
		store, err := r.store(ctx)
		if err != nil {
			return nil, err
		}
		keys, err := store.List(ctx, "applies/")
		if err != nil && !errors.Is(err, applier.ErrForeign) {
			return nil, fmt.Errorf("records: %w", err)
		}
		ids := make([]string, 0, len(keys)/3)
		for _, key := range keys {
			id, _, _ := strings.Cut(strings.TrimPrefix(key, "applies/"), "/")
			if isID(id) && (len(ids) == 0 || ids[len(ids)-1] != id) {
				ids = append(ids, id)
			}
		}
		slices.Reverse(ids)
		r.mu.Lock()
		r.ids, r.listed, r.listedAt = ids, r.now(), is.applies
		r.mu.Unlock()
		return ids, nil
	})
	ids, _ = got.([]string)
	return ids, err
}

// line is an apply in the history, or why it cannot be read.
type line struct {
	brief
	Err string
}

// page are the applies whose plans came before one ("" is the latest), and with which
// the page after and the one before it begin.
func (r *records) page(ctx context.Context, before string) (lines []line, older, newer string, more bool, err error) {
	ids, err := r.listing(ctx)
	if err != nil {
		return nil, "", "", false, err
	}
	from := 0
	if before != "" {
		from, _ = slices.BinarySearchFunc(ids, before, latestFirst)
		if from < len(ids) && ids[from] == before {
			from++
		}
	}
	if from > 0 {
		if i := from - pageOf - 1; i >= 0 {
			newer = ids[i]
		}
		more = true
	}
	ids = ids[from:]
	if len(ids) > pageOf {
		ids, older = ids[:pageOf], ids[pageOf-1]
	}
	return r.lines(ctx, ids), older, newer, more, nil
}

// running reads applies that have not ended, whose records grow.
func (r *records) running(ctx context.Context, ids []string) []line {
	lines := make([]line, len(ids))
	for i, id := range ids {
		s, err := r.summary(ctx, id)
		if lines[i].brief = briefOf(s); err != nil {
			lines[i].ID, lines[i].Err = id, shown(err.Error())
		}
	}
	return lines
}

// takenBack are the rollbacks of an apply among those that came next after it.
func (r *records) takenBack(ctx context.Context, id string) (by []string) {
	ids, err := r.listing(ctx)
	if err != nil {
		return nil // the list of all says so
	}
	at, there := slices.BinarySearchFunc(ids, id, latestFirst)
	if !there {
		return nil
	}
	for _, l := range r.lines(ctx, ids[max(at-pageOf, 0):at]) {
		if l.Restores == id && l.Done > 0 {
			by = append(by, l.ID)
		}
	}
	return by
}

func latestFirst(a, b string) int { return strings.Compare(b, a) }

// lines reads applies side by side, those that ended once.
func (r *records) lines(ctx context.Context, ids []string) []line {
	lines := make([]line, len(ids))
	var group errgroup.Group
	group.SetLimit(8)
	for i, id := range ids {
		group.Go(func() error {
			b, err := r.brief(ctx, id)
			if lines[i].brief = b; err != nil {
				lines[i].ID, lines[i].Err = id, shown(err.Error())
			}
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	return lines
}

func (r *records) brief(ctx context.Context, id string) (brief, error) {
	r.mu.Lock()
	b, known := r.briefs[id]
	r.mu.Unlock()
	if known {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	store, err := r.store(ctx)
	if err != nil {
		return b, err
	}
	s, err := reading(store, r.Name).Summary(ctx, id)
	if err != nil {
		return b, err
	}
	b = briefOf(s)
	if b.Outcome != applier.EndedOutcome && b.Outcome != applier.RefusedOutcome {
		return b, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.briefs) >= mostBriefs || r.briefs == nil {
		r.briefs = map[string]brief{}
	}
	r.briefs[id] = b
	return b, nil
}
