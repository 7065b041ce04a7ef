package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// patience is how long one look at a deployment's records may take.
const patience = 10 * time.Second

// mostOpen is how many open applies of a deployment are followed and shown.
const mostOpen = 8

// standing is how a deployment stands by its records.
type standing struct {
	At      time.Time // when they were read; zero: never yet
	Head    gitops.Head
	Freeze  applier.Freeze
	Open    []string // ids, latest first
	Latest  string   // the latest apply that settled something
	Seen    gitops.Drift
	Wish    gitops.Wish
	Pulls   []int  // that there are records of, the newest first
	Err     error  // why they could not be read last; the rest is older then
	Version string // another one whenever something else is there to show
	read    string // Version as it was read
	applies string // another one whenever there are more applies
}

// records read one deployment's. Whoever asks while a read runs gets its answer.
type records struct {
	Deployment
	now  func() time.Time
	once singleflight.Group

	mu       sync.Mutex
	last     standing
	tried    time.Time // when they were read last, or could not be
	ids      []string  // of applies, latest plan first
	listed   time.Time
	listedAt string // standing.applies at that time
	readers  map[string]*reader
	briefs   map[string]brief
	opened   applier.Store
	openedAt time.Time
}

// standing answers what was read no longer ago than age, or reads.
func (r *records) standing(ctx context.Context, age time.Duration) standing {
	r.mu.Lock()
	last, tried := r.last, r.tried
	r.mu.Unlock()
	if !tried.IsZero() && r.now().Sub(tried) < age {
		return last
	}
	done := r.once.DoChan("standing", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		s, err := r.look(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			s = r.last
			s.Err = err
			s.Version = digest(r.last.read, err.Error())
			r.opened = nil
		}
		r.last, r.tried = s, r.now()
		return s, nil
	})
	select {
	case got := <-done:
		s, _ := got.Val.(standing)
		return s
	case <-ctx.Done():
		last.Err = ctx.Err()
		return last
	}
}

// store opens the deployment's, whose clients are good for many reads. One that could not
// be read is opened anew, and so is one after minutes: what it is opened with may have
// changed.
func (r *records) store(ctx context.Context) (applier.Store, error) {
	const lasts = 5 * time.Minute
	r.mu.Lock()
	s, at := r.opened, r.openedAt
	r.mu.Unlock()
	if s != nil && r.now().Sub(at) < lasts {
		return s, nil
	}
	got, err, _ := r.once.Do("store", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		s, err := r.Records(ctx)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		r.mu.Lock()
		r.opened, r.openedAt = s, r.now()
		r.mu.Unlock()
		return s, nil
	})
	s, _ = got.(applier.Store)
	return s, err
}

func (r *records) look(ctx context.Context) (s standing, err error) {
	store, err := r.store(ctx)
	if err != nil {
		return s, err
	}
	s.At = r.now()
	var applied, counts string
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { s.Head, _, err = gitops.ReadHead(ctx, store); return err })
	group.Go(func() (err error) { s.Freeze, _, err = applier.ReadFreeze(ctx, store); return err })
	group.Go(func() (err error) { s.Latest, applied, err = applier.Latest(ctx, store, r.Name); return err })
	group.Go(func() (err error) { s.Seen, _, err = gitops.ReadDrift(ctx, store); return err })
	group.Go(func() (err error) { s.Wish, _, err = gitops.ReadWish(ctx, store); return err })
	group.Go(func() (err error) { s.Open, counts, err = open(ctx, store); return err })
	group.Go(func() (err error) { s.Pulls, err = newestPulls(ctx, store); return err })
	if err := group.Wait(); err != nil {
		return s, err
	}
	s.Version = digest(s.Head.Nonce, s.Freeze.Nonce, s.Seen.Nonce, s.Wish.Nonce, applied, counts, fmt.Sprint(s.Pulls), fmt.Sprint(s.Freeze.Holds(s.At)))
	s.read, s.applies = s.Version, digest(applied, strings.Join(s.Open, " "))
	return s, nil
}

// open are the applies that have not ended, and how many records they have by now.
func open(ctx context.Context, store applier.Store) (ids []string, counts string, err error) {
	keys, err := store.List(ctx, "open/")
	if err != nil {
		return nil, "", fmt.Errorf("open applies: %w", err)
	}
	slices.Reverse(keys)
	for _, key := range keys[:min(len(keys), mostOpen)] {
		id := strings.TrimPrefix(key, "open/")
		stream, err := store.List(ctx, "applies/"+id+"/")
		if err != nil {
			return nil, "", fmt.Errorf("records of apply %s: %w", id, err)
		}
		ids, counts = append(ids, id), counts+fmt.Sprintf("%s:%d ", id, len(stream))
	}
	return ids, counts + fmt.Sprint(len(keys)), nil
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}
