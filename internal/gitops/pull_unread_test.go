package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
)

// TestUnreadIsNotOver: pull requests that cannot be read, whatever a forge answers and for
// however long, are neither over nor forgotten; then all is as it was, without a word.
func TestUnreadIsNotOver(t *testing.T) {
	h := newHall(t)
	h.look()
	was, said := h.record(1), h.said(1)
	for _, err := range []error{fmt.Errorf("gitea: %w", port.ErrNotFound), fmt.Errorf("gitea: %w", port.ErrDenied), &port.Throttle{After: time.Hour}, errors.New("it answers 500"), context.DeadlineExceeded} {
		h.fault = func(string) error { return err }
		for range 3 { // also who starts then
			if _, got := h.at.Look(t.Context()); !errors.Is(got, err) {
				t.Errorf("%v, want %v", got, err)
			}
			h.at.Wait()
			h.restart()
			if err := h.machine.Clock.Sleep(t.Context(), 20*24*time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if now := h.record(1); now != was {
			t.Errorf("%v: %+v, was %+v", err, now, was)
		}
	}
	h.fault = nil
	h.count()
	h.look()
	h.look()
	if got := h.count(); got["Pulls"] != 2 || len(got) != 1 || h.record(1) != was || len(h.said(1)) != 1 || h.said(1)[0] != said[0] {
		t.Errorf("afterwards it asks %v: %+v, was %+v", got, h.record(1), was)
	}
}

// deaf is a forge that does not even answer when nobody waits any more.
type deaf struct {
	port.Forge
	until chan struct{}
}

func (d deaf) Pulls(context.Context, string) ([]port.Pull, error) {
	<-d.until
	return nil, errors.New("late")
}

// TestPullsEnd within the grace, whatever hangs.
func TestPullsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forge := deaf{until: make(chan struct{})}
		r := &gitops.Reception{Name: "domino", Repo: repo, Forge: forge, Now: time.Now, Random: func() string { return "x" }, Log: slog.New(slog.DiscardHandler)}
		c := &gitops.Controller{Receptions: []*gitops.Reception{r}, Poll: time.Minute, Grace: 20 * time.Second, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		at := time.Now()
		if err := c.Run(ctx); err == nil || time.Since(at) != 21*time.Second {
			t.Errorf("%v after %s", err, time.Since(at))
		}
		close(forge.until)
	})
}

// TestReadyWithoutADuty: a replica for which there is nothing to do is ready as soon as it
// knows who acts, and not before; one that is to end is not.
func TestReadyWithoutADuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := state.Memory()
		a := newReplica(t, "a", store, time.Second, git.ErrNoBranch)
		synctest.Wait()
		time.Sleep(time.Second)
		b := newReplica(t, "b", store, time.Second, git.ErrNoBranch)
		b.seat.off.Store(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if !a.Ready() || b.Ready() {
			t.Errorf("ready: %v and %v, which knows nobody", a.Ready(), b.Ready())
		}
		b.seat.off.Store(false)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if !b.Ready() || b.source.count() > 0 {
			t.Errorf("ready: %v, looked %d times", b.Ready(), b.source.count())
		}
		b.end()
		synctest.Wait()
		if b.Ready() {
			t.Error("it is ready while it ends")
		}
		<-b.ended
		a.end()
		<-a.ended
	})
}
