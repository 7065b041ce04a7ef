package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
)

// cut is a seat that cannot be reached while it is cut off; loses is one whose answers
// are lost.
type cut struct {
	gitops.Seat
	off, loses atomic.Bool
}

var errCut = errors.New("no route to host")

func (c *cut) Lease(ctx context.Context) (port.Lease, error) {
	if c.off.Load() {
		return port.Lease{}, errCut
	}
	return c.Seat.Lease(ctx)
}

func (c *cut) SetLease(ctx context.Context, l port.Lease) (port.Lease, error) {
	if c.off.Load() {
		return port.Lease{}, errCut
	}
	l, err := c.Seat.SetLease(ctx, l)
	if c.loses.Load() {
		return port.Lease{}, errCut
	}
	return l, err
}

// replica is a controller of one deployment among several.
type replica struct {
	*gitops.Controller
	source *still
	seat   *cut
	end    context.CancelFunc
	log    *bytes.Buffer
	ended  chan error
}

func newReplica(t *testing.T, name string, store applier.Store, poll time.Duration, err error) *replica {
	n := 0
	random := func() string { n++; return fmt.Sprint(name, n) }
	open := func(context.Context) (applier.Store, error) { return store, nil }
	r := &replica{source: &still{err: err}, seat: &cut{Seat: gitops.RecordsSeat(open, "", random)}, log: new(bytes.Buffer), ended: make(chan error)}
	r.Controller = &gitops.Controller{Desks: []*gitops.Desk{stillDesk("prod", r.source)}, Poll: poll, Grace: time.Second, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Replica: &gitops.Replica{Me: name, Term: 30 * time.Second, Seat: func(string) gitops.Seat { return r.seat }}}
	ctx, cancel := context.WithCancel(t.Context())
	r.end = cancel
	go func() { r.ended <- r.Run(ctx) }()
	return r
}

// looks says whether it looked at the deployment within a time.
func (r *replica) looks(d time.Duration) bool {
	before := r.source.count()
	time.Sleep(d)
	synctest.Wait()
	return r.source.count() > before
}

// TestReplicas: one looks, another when the first ends, is cut off, or dies; and the first
// ends before.
func TestReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := state.Memory()
		a := newReplica(t, "a", store, time.Second, git.ErrNoBranch)
		synctest.Wait()
		time.Sleep(time.Second)
		b := newReplica(t, "b", store, time.Second, git.ErrNoBranch)
		if !a.looks(2*time.Minute) || b.looks(2*time.Minute) {
			t.Error("not just the first looks")
		}
		if !a.Ready() || !b.Ready() {
			t.Errorf("ready: %v and %v", a.Ready(), b.Ready())
		}

		// One that cannot renew stops before the other may begin.
		a.seat.off.Store(true)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if a.looks(time.Second) || b.source.count() > 0 {
			t.Error("who is cut off goes on, or the other begins early")
		}
		if !b.looks(45*time.Second) || a.looks(time.Minute) {
			t.Error("the other does not take over")
		}
		a.seat.off.Store(false)
		if !b.looks(time.Minute) || a.looks(time.Minute) {
			t.Error("who comes back takes it away again")
		}

		// Answers that are lost take nothing from anybody.
		b.seat.loses.Store(true)
		if !b.looks(15*time.Second) || a.looks(time.Second) {
			t.Error("a lost answer is taken for a lost lease")
		}
		b.seat.loses.Store(false)
		if !b.looks(time.Minute) {
			t.Error("a lost answer is taken for a lost lease")
		}

		// Who ends leaves it to the other at once.
		b.end()
		if err := <-b.ended; err != nil {
			t.Error(err)
		}
		if !a.looks(12 * time.Second) {
			t.Error("the other waits for one that has ended")
		}
		a.end()
		<-a.ended
		for _, want := range []string{"msg=acts for=prod replica=a", "DC524: who acts cannot be told", "acts no longer", "another replica acts\" for=prod replica=b"} {
			if !strings.Contains(a.log.String(), want) {
				t.Errorf("%q is not in\n%s", want, a.log)
			}
		}
		if n := strings.Count(a.log.String(), "DC524"); n > 3 {
			t.Errorf("the same trouble is told %d times", n)
		}
	})
}

// TestHintsReachWhoActs: a webhook may come to any replica.
func TestHintsReachWhoActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := state.Memory()
		a := newReplica(t, "a", store, 24*time.Hour, git.ErrNoBranch)
		synctest.Wait()
		time.Sleep(time.Second)
		b := newReplica(t, "b", store, 24*time.Hour, git.ErrNoBranch)
		time.Sleep(time.Hour) // until looks that fail come rarely
		synctest.Wait()
		before := a.source.count()
		b.Look("domino", "main")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if a.source.count() != before+1 || b.source.count() > 0 {
			t.Errorf("looked %d times more, the other %d", a.source.count()-before, b.source.count())
		}
		a.end()
		<-a.ended
		b.end()
		<-b.ended
	})
}

// TestHintsKeepNoDeadReplica: who waits for another one's lease to stand still does not
// take its own hints for a sign of life.
func TestHintsKeepNoDeadReplica(t *testing.T) {
	for _, every := range []time.Duration{0, time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			store := state.Memory()
			a := newReplica(t, "a", store, time.Second, git.ErrNoBranch)
			synctest.Wait()
			time.Sleep(time.Second)
			b := newReplica(t, "b", store, time.Second, git.ErrNoBranch)
			time.Sleep(time.Minute)
			for at := time.Now(); every > 0 && time.Since(at) < 5*time.Minute; time.Sleep(every) {
				b.Look("domino", "main") // a webhook
			}
			if b.source.count() > 0 {
				t.Fatalf("with a hint every %s it takes the lease of one that lives", every)
			}
			a.seat.off.Store(true) // it was killed
			at := time.Now()
			for b.source.count() == 0 && time.Since(at) < time.Hour {
				if every > 0 {
					b.Look("domino", "main")
				}
				time.Sleep(max(every, time.Second))
				synctest.Wait()
			}
			if d := time.Since(at); d > 75*time.Second {
				t.Errorf("with a hint every %s nobody acts for %s", every, d)
			}
			a.end()
			<-a.ended
			b.end()
			<-b.ended
		})
	}
}
