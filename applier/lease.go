package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// ErrTorn is answered for a record that cannot be read.
var ErrTorn = errors.New("DC315: torn or corrupt")

// ErrLocked is answered while another process holds the lock and moves.
var ErrLocked = errors.New("DC310: the deployment is locked")

// lease is a lock that this process holds.
type lease struct {
	a    *Applier
	turn chan struct{} // held around a call of the store, where a mutex may not be
	lock Lock
	etag string
	at   time.Time // before the last renewal was sent
}

// taking is one try to take the lock.
type taking struct {
	*lease
	seen  string // etag of the lock of someone who may be alive
	since time.Time
}

// take waits at most one TTL: a lock whose etag stands still on our own clock
// has expired; one that moves belongs to someone alive. What a lock says about
// time is for people.
func (a *Applier) take(ctx context.Context, apply string) (*lease, error) {
	t := taking{lease: &lease{a: a, turn: make(chan struct{}, 1), lock: Lock{Holder: a.Holder, Apply: apply, Nonce: a.Nonce()}}}
	for {
		cur, etag, err := a.ReadLock(ctx)
		if err != nil {
			return nil, err
		}
		may, err := t.may(ctx, cur, etag)
		held := false
		if err == nil && may {
			held, err = t.swap(ctx, etag)
		}
		if err != nil {
			return nil, err
		}
		if held {
			return t.lease, nil
		}
	}
}

// may says whether the lock can be taken; its holder, if it has one, is fenced
// by then.
func (t *taking) may(ctx context.Context, cur Lock, etag string) (bool, error) {
	a := t.a
	switch {
	case cur.Free:
		return true, nil
	case a.dead(cur.Holder):
	case t.seen == "":
		t.seen, t.since = etag, a.wall().Now()
		a.report(Event{Kind: KindWaiting, Most: a.TTL, Why: fmt.Sprintf("%s holds the lock for apply %s since %s: it is taken over if it does not move", cur.Holder, cur.Apply, stamp(cur.Since))})
		return false, nil
	case t.seen != etag:
		return false, fmt.Errorf("%w by %s for apply %s since %s; wait for it, or see domctl lock show", ErrLocked, cur.Holder, cur.Apply, stamp(cur.Since))
	case a.wall().Now().Sub(t.since) < a.TTL:
		return false, a.wall().Sleep(ctx, min(a.TTL/8, 2*time.Second))
	}
	return true, a.fence(ctx, cur.Apply, t.lock.Apply)
}

// swap writes the lock as ours. A lost race is no error; after a lost answer a
// read tells.
func (t *taking) swap(ctx context.Context, etag string) (held bool, err error) {
	t.at = t.a.wall().Now()
	t.lock.Since = t.a.Clock.Now().UTC()
	body := []byte(schema.JSON(t.lock).Text)
	if etag == "" {
		t.etag, err = t.a.store().PutIfNone(ctx, lockKey, body)
	} else {
		t.etag, err = t.a.store().PutIfMatch(ctx, lockKey, body, etag)
	}
	if err == nil || errors.Is(err, ErrExists) || errors.Is(err, ErrMoved) {
		return err == nil, nil
	}
	for range 3 {
		cur, etag, readErr := t.a.ReadLock(context.WithoutCancel(ctx))
		if readErr == nil && cur.Nonce == t.lock.Nonce {
			t.etag = etag
			return true, nil
		}
		if readErr == nil {
			break
		}
	}
	return false, fmt.Errorf("lock: %w", err)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (a *Applier) dead(holder string) bool {
	if a.Alive == nil {
		return false
	}
	alive, known := a.Alive(holder)
	return known && !alive
}

// ReadLock answers a free Lock with etag "" when none was ever taken.
func (a *Applier) ReadLock(ctx context.Context) (l Lock, etag string, err error) {
	body, etag, err := a.store().Get(ctx, lockKey)
	if errors.Is(err, ErrNoKey) {
		return Lock{Free: true}, "", nil
	}
	if errors.Is(err, ErrDamaged) {
		return l, "", fmt.Errorf("%w: the lock (%w); domctl lock break replaces it", ErrTorn, err)
	}
	if err != nil {
		return l, "", fmt.Errorf("lock: %w", err)
	}
	if err := json.Unmarshal(body, &l); err != nil || l.Nonce == "" {
		return Lock{}, etag, fmt.Errorf("%w: the lock (%v); domctl lock break replaces it", ErrTorn, err)
	}
	return l, etag, nil
}

// fence takes the next number of a stale holder's stream, so that its next
// begin, or its record 0, is refused. It comes before the lease is taken: a
// taker that dies in between leaves the stale stream closed.
func (a *Applier) fence(ctx context.Context, apply, mine string) error {
	for {
		const why = "the lease stood still"
		j, err := a.load(ctx, apply)
		switch {
		case errors.Is(err, ErrNoKey) && apply == mine:
			return nil // our own record 0 will be the fence
		case errors.Is(err, ErrNoKey):
			err = a.fenceFirst(ctx, apply, why)
		case err == nil && j.over() == "":
			err = j.append(ctx, Record{Kind: KindFenced, Why: why})
		}
		if !errors.Is(err, ErrFenced) {
			return err
		}
	}
}

// fenceFirst takes the first number of a stream; ErrFenced: it has begun.
func (a *Applier) fenceFirst(ctx context.Context, apply, why string) error {
	place, err := a.place(ctx)
	if err != nil {
		return err
	}
	return a.stream(apply).append(ctx, Record{Kind: KindFenced, Place: place, Why: why})
}

// Never keeps an apply without records from beginning: whoever was about to begin it
// finds its stream closed. One that has begun stays as it is.
func (a *Applier) Never(ctx context.Context, id string) (err error) {
	l, err := a.take(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.release(context.WithoutCancel(ctx))) }()
	if _, err := a.load(ctx, id); !errors.Is(err, ErrNoKey) {
		return err
	}
	if err = a.fenceFirst(ctx, id, "it did not begin in time"); errors.Is(err, ErrFenced) {
		return nil // it began
	}
	return err
}

// BreakLock frees the lock whoever holds it, fencing the holder first. A lock
// that cannot be read names nobody: then every open apply is fenced.
func (a *Applier) BreakLock(ctx context.Context) (was Lock, err error) {
	was, etag, err := a.ReadLock(ctx)
	if errors.Is(err, ErrTorn) {
		return was, a.replaceLock(ctx)
	}
	if err != nil || was.Free {
		return was, err
	}
	if err := a.fence(ctx, was.Apply, ""); err != nil {
		return was, err
	}
	free := Lock{Holder: a.Holder, Apply: was.Apply, Since: a.Clock.Now().UTC(), Nonce: a.Nonce(), Free: true}
	if _, err := a.store().PutIfMatch(ctx, lockKey, []byte(schema.JSON(free).Text), etag); err != nil {
		return was, fmt.Errorf("lock: %w; it moved meanwhile: look again with domctl lock show", err)
	}
	return was, nil
}

// replaceLock removes a lock that nobody can read.
func (a *Applier) replaceLock(ctx context.Context) error {
	open, err := a.OpenApplies(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		if err := a.fence(ctx, id, ""); err != nil {
			return err
		}
	}
	if err := a.store().Delete(ctx, lockKey); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// renew keeps the lease while there is progress: it is called between outside
// calls, each of which is bounded by Deadline, and writes once in a sixth of
// the TTL. A lease that someone took breaks the journal.
func (l *lease) renew(ctx context.Context) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.a.wall().Now().Sub(l.at) < l.a.TTL/6 {
		return nil
	}
	return l.write(ctx, false)
}

// hold proves that the lease is still ours: a holder that stood still may have
// lost it, and what it was about to settle may have been taken back.
func (l *lease) hold(ctx context.Context) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return l.write(ctx, false)
}

// fresh says that a write sent by now has lost its effect, or shown it, before
// anyone can take the lease.
func (l *lease) fresh() bool {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return l.a.wall().Now().Sub(l.at) < l.a.TTL/2
}

func (l *lease) release(ctx context.Context) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return l.write(ctx, true)
}

func (l *lease) write(ctx context.Context, free bool) error {
	l.lock.Nonce, l.lock.Free = l.a.Nonce(), free
	body := []byte(schema.JSON(l.lock).Text)
	var err error
	for range 3 {
		now := l.a.wall().Now()
		var etag string
		if etag, err = l.a.store().PutIfMatch(ctx, lockKey, body, l.etag); err == nil {
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
			return fmt.Errorf("%w: %s has the lock; domctl history tells what it did", ErrFenced, cur.Holder)
		}
	}
	return fmt.Errorf("lock: %w", err)
}
