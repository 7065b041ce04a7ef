package gitops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"domctl.dev/internal/port"
)

// Seat is the lease by which replicas agree on who acts.
type Seat interface {
	// Lease reads it; the zero value: there is none yet.
	Lease(ctx context.Context) (port.Lease, error)
	// SetLease replaces the version that the lease was read with; port.ErrMoved.
	SetLease(ctx context.Context, l port.Lease) (port.Lease, error)
}

// Replica is this process among several of one configuration. One acts for each
// deployment; what keeps two applies apart are the records, whoever acts.
type Replica struct {
	Me   string        // like no other's
	Term time.Duration // how long one that gives no sign of life still acts
	// Seat is the lease for a deployment, or for what else one replica does.
	Seat func(what string) Seat
}

// sitting is this replica at one seat.
type sitting struct {
	*Replica
	Seat
	log   *slog.Logger
	wake  chan struct{} // hints for who acts
	knows func()        // who acts is known
	lease port.Lease    // as it was read or written last
	at    time.Time     // before the last write that went through was sent
}

// seated does work while this replica acts for something. The context of the work ends
// when it no longer does; a call in flight is finished then.
func (c *Controller) seated(ctx context.Context, what string, wake chan struct{}, knows func(), work func(context.Context)) {
	if c.Replica == nil {
		work(ctx)
		return
	}
	s := sitting{Replica: c.Replica, Seat: c.Replica.Seat(what), log: c.Log.With("for", what), wake: wake, knows: knows}
	for s.take(ctx) {
		s.log.Info("acts", "replica", s.Me)
		inner, lose := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); work(inner) }()
		s.keep(ctx, done, lose)
		lose()
		<-done
	}
}

// take waits until this replica acts; false: the context ended before. A lease that
// stood still for its term on this process's own clock is nobody's any longer.
func (s *sitting) take(ctx context.Context) bool {
	var since time.Time
	seen, told, trouble := "", "", matter{}
	for ctx.Err() == nil {
		now := time.Now()
		err := s.read(ctx)
		if sign := s.sign(); err == nil && (sign != seen || since.IsZero()) {
			seen, since = sign, now
		}
		switch holder := s.lease.Holder; {
		case err != nil:
			s.tell(ctx, err, &trouble)
		case holder == "" || holder == s.Me || now.Sub(since) >= max(s.lease.Term, s.Term):
			if s.write(ctx, s.mine(now)) == nil {
				return true
			}
		default:
			if s.knows(); trouble.over() || holder != told {
				s.log.Info("another replica acts", "replica", holder)
			}
			told = holder
		}
		s.pause(ctx)
	}
	return false
}

// pause waits for the next look, and passes on meanwhile what is hinted to who acts.
func (s *sitting) pause(ctx context.Context) {
	timer := time.NewTimer(s.Term / 3)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.wake:
		if l := s.lease; l.Holder != "" {
			l.Hints++
			_ = s.write(ctx, l) // whoever acts looks anyway, only later
		}
	}
}

// sign is what the holder alone writes: who waits writes hints, and those are no sign
// of the holder's life.
func (s *sitting) sign() string {
	return fmt.Sprint(s.lease.Holder, " ", s.lease.Transitions, " ", s.lease.Renewed.UnixNano())
}

// mine is the lease with this replica as its holder.
func (s *sitting) mine(now time.Time) port.Lease {
	l := s.lease
	if l.Holder != s.Me {
		l.Transitions, l.Acquired = l.Transitions+1, now.UTC()
	}
	l.Holder, l.Term, l.Renewed = s.Me, s.Term, now.UTC()
	return l
}

// keep renews the lease until the work is done. Where another took it, or it cannot be
// renewed before another may, the work is told to end.
func (s *sitting) keep(ctx context.Context, done <-chan struct{}, lose func()) {
	on, trouble := context.WithoutCancel(ctx), matter{} // a call in flight is finished under the lease
	for {
		timer := time.NewTimer(s.Term / 3)
		select {
		case <-done:
			timer.Stop()
			l := s.lease
			l.Holder = ""
			_ = s.write(on, l) // others find it by its term else
			return
		case <-timer.C:
		}
		err := s.write(on, s.mine(time.Now()))
		if errors.Is(err, port.ErrMoved) {
			err = s.moved(on)
		}
		if err == nil {
			trouble.over()
			continue
		}
		s.tell(ctx, err, &trouble)
		if errors.Is(err, errTaken) || time.Since(s.at) >= s.Term*2/3 {
			s.log.Warn("acts no longer: another replica may", "error", err)
			lose()
			return
		}
	}
}

// errTaken says that another replica acts.
var errTaken = errors.New("another replica took the lease")

// moved looks who wrote the lease: another replica that hints at something, or one that
// took it.
func (s *sitting) moved(ctx context.Context) error {
	hints := s.lease.Hints
	if err := s.read(ctx); err != nil {
		return err
	}
	if s.lease.Holder != s.Me {
		return fmt.Errorf("%w: %s", errTaken, s.lease.Holder)
	}
	if s.lease.Hints != hints {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return s.write(ctx, s.mine(time.Now()))
}

// tell says why it is not known who acts.
func (s *sitting) tell(ctx context.Context, err error, trouble *matter) {
	if ctx.Err() == nil && !errors.Is(err, errTaken) && trouble.news(err.Error()) {
		s.log.Warn("DC524: who acts cannot be told, so this replica does not begin to", "error", err.Error())
	}
}

func (s *sitting) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Term/3)
	defer cancel()
	l, err := s.Lease(ctx)
	if err == nil {
		s.lease = l
	}
	return err
}

func (s *sitting) write(ctx context.Context, l port.Lease) error {
	ctx, cancel := context.WithTimeout(ctx, s.Term/3)
	defer cancel()
	at := time.Now()
	l, err := s.SetLease(ctx, l)
	if err == nil {
		s.lease, s.at = l, at
	}
	return err
}
