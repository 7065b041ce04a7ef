package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

const lockKey = "lock"

// Lock is the lease as it stands in the store.
type Lock struct {
	Holder string    `json:"holder"`
	Apply  string    `json:"apply"`
	Since  time.Time `json:"since"`
	Nonce  string    `json:"nonce"`
	Free   bool      `json:"free,omitempty"`
}

// ErrLocked is answered while another process holds the lock and moves.
var ErrLocked = errors.New("DC310: the deployment is locked")

// lease is a lock that this process holds.
type lease struct {
	a    *Applier
	mu   sync.Mutex
	lock Lock
	etag string
	at   time.Time // of the last renewal
}

// take waits at most one TTL: a lock whose etag stands still on our own clock
// has expired; one that moves belongs to someone alive.
func (a *Applier) take(ctx context.Context, apply string) (*lease, error) {
	mine := &lease{a: a, lock: Lock{Holder: a.Holder, Apply: apply, Since: a.Clock.Now().UTC(), Nonce: a.Nonce()}, at: a.Clock.Now()}
	body := []byte(schema.JSON(mine.lock).Text)
	var seen string
	var since time.Time
	for {
		cur, etag, err := a.ReadLock(ctx)
		switch {
		case err != nil:
			return nil, err
		case cur.Nonce == mine.lock.Nonce:
			mine.etag = etag
			return mine, nil
		case cur.Free:
		case a.dead(cur.Holder):
			err = a.fence(ctx, cur.Apply, apply)
		case seen == "":
			seen, since = etag, a.Clock.Now()
			a.report(Event{Kind: KindPaused, Why: fmt.Sprintf("%s holds the lock for apply %s since %s; waiting to see whether it moves", cur.Holder, cur.Apply, stamp(cur.Since))})
			continue
		case seen != etag:
			return nil, fmt.Errorf("%w by %s for apply %s since %s; wait for it, or see domctl lock show", ErrLocked, cur.Holder, cur.Apply, stamp(cur.Since))
		case a.Clock.Now().Sub(since) < a.TTL:
			if err := a.Clock.Sleep(ctx, a.TTL/8); err != nil {
				return nil, err
			}
			continue
		default:
			err = a.fence(ctx, cur.Apply, apply)
		}
		if err != nil {
			return nil, err
		}
		if err := a.swapLock(ctx, body, etag); err != nil {
			return nil, err
		}
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (a *Applier) dead(holder string) bool {
	if a.Alive == nil {
		return false
	}
	alive, known := a.Alive(holder)
	return known && !alive
}

// swapLock writes the lock; a lost race is no error, the next read tells.
func (a *Applier) swapLock(ctx context.Context, body []byte, etag string) error {
	var err error
	if etag == "" {
		_, err = a.Store.PutIfNone(ctx, lockKey, body)
	} else {
		_, err = a.Store.PutIfMatch(ctx, lockKey, body, etag)
	}
	if errors.Is(err, ErrExists) || errors.Is(err, ErrMoved) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// ReadLock answers a free Lock with etag "" when none was ever taken.
func (a *Applier) ReadLock(ctx context.Context) (l Lock, etag string, err error) {
	body, etag, err := a.Store.Get(ctx, lockKey)
	if errors.Is(err, ErrNoKey) {
		return Lock{Free: true}, "", nil
	}
	if err != nil {
		return l, "", fmt.Errorf("lock: %w", err)
	}
	if err := json.Unmarshal(body, &l); err != nil || l.Nonce == "" {
		return l, "", fmt.Errorf("DC315: the lock is torn or corrupt (%v); domctl lock break replaces it", err)
	}
	return l, etag, nil
}

// fence takes the next number of a stale holder's stream, so that its next
// begin, or its record 0, is refused. It comes before the lease is taken: a
// taker that dies in between leaves the stale stream closed.
func (a *Applier) fence(ctx context.Context, apply, mine string) error {
	for {
		j, err := a.load(ctx, apply)
		if errors.Is(err, ErrNoKey) {
			if apply == mine {
				return nil // our own record 0 will be the fence
			}
			j, err = a.stream(apply), nil
		}
		if err != nil {
			return err
		}
		if err := j.append(ctx, Record{Kind: KindFenced, Why: "the lease stood still"}); !errors.Is(err, ErrFenced) {
			return err
		}
	}
}

// BreakLock frees the lock whoever holds it, fencing the holder first.
func (a *Applier) BreakLock(ctx context.Context) (was Lock, err error) {
	was, etag, err := a.ReadLock(ctx)
	if err != nil || was.Free {
		return was, err
	}
	if err := a.fence(ctx, was.Apply, ""); err != nil {
		return was, err
	}
	free := Lock{Holder: a.Holder, Apply: was.Apply, Since: a.Clock.Now().UTC(), Nonce: a.Nonce(), Free: true}
	if _, err := a.Store.PutIfMatch(ctx, lockKey, []byte(schema.JSON(free).Text), etag); err != nil {
		return was, fmt.Errorf("lock: %w; it moved meanwhile: look again with domctl lock show", err)
	}
	return was, nil
}

// renew keeps the lease while there is progress: it is called between outside
// calls, each of which is bounded by Deadline, and writes once in a sixth of
// the TTL. A lease that someone took breaks the journal.
func (l *lease) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.a.Clock.Now().Sub(l.at) < l.a.TTL/6 {
		return nil
	}
	return l.write(ctx, false)
}

func (l *lease) release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(ctx, true)
}

func (l *lease) write(ctx context.Context, free bool) error {
	l.lock.Nonce, l.lock.Free = l.a.Nonce(), free
	body := []byte(schema.JSON(l.lock).Text)
	var err error
	for range 3 {
		now := l.a.Clock.Now()
		var etag string
		if etag, err = l.a.Store.PutIfMatch(ctx, lockKey, body, l.etag); err == nil {
			l.etag, l.at = etag, now
			return nil
		}
		cur, etag, readErr := l.a.ReadLock(ctx)
		switch {
		case readErr != nil:
			err = errors.Join(err, readErr)
		case cur.Nonce == l.lock.Nonce:
			l.etag, l.at = etag, now
			return nil
		case etag != l.etag:
			return fmt.Errorf("%w: %s has the lock", ErrFenced, cur.Holder)
		}
	}
	return fmt.Errorf("lock: %w", err)
}

// unreserved refuses a plan that needs an address which another open apply
// reserves.
func (r *run) unreserved(ctx context.Context, p *planner.Plan) error {
	keys, err := r.Store.List(ctx, "open/")
	if err != nil {
		return fmt.Errorf("open applies: %w", err)
	}
	for _, key := range keys {
		body, _, err := r.Store.Get(ctx, key)
		if errors.Is(err, ErrNoKey) {
			continue // ended meanwhile
		}
		other := map[schema.Address]bool{}
		if err == nil {
			err = json.Unmarshal(body, &other)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		for _, addr := range schema.Addresses(other) {
			if _, ok := p.Settle[addr]; ok && applyKey(key) != p.Restores {
				return fmt.Errorf("DC311: %s is reserved by apply %s, which is not finished; domctl apply --resume %[2]s goes on with it, --supersede %[2]s abandons it", addr, applyKey(key))
			}
		}
	}
	return nil
}

func applyKey(openKey string) string { return openKey[len("open/"):] }
