package gitops

import (
	"context"
	"errors"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
)

// recordsSeat is a seat where there is no cluster: a record beside the deployment's
// others.
type recordsSeat struct {
	key    string
	open   func(context.Context) (applier.Store, error)
	random func() string
	store  applier.Store
}

// sat is a lease as it is recorded.
type sat struct {
	port.Lease
	Nonce string `json:"nonce"`
}

// RecordsSeat keeps the lease in a deployment's records: for the deployment where what
// is empty, else for what else one replica does.
func RecordsSeat(open func(context.Context) (applier.Store, error), what string, random func() string) Seat {
	return &recordsSeat{key: strings.TrimSuffix(actsKey+"-"+what, "-"), open: open, random: random}
}

// opened opens the records, if they are not.
func (r *recordsSeat) opened(ctx context.Context) (err error) {
	if r.store == nil {
		r.store, err = r.open(ctx)
	}
	return err
}

func (r *recordsSeat) Lease(ctx context.Context) (l port.Lease, err error) {
	if err := r.opened(ctx); err != nil {
		return l, err
	}
	var s sat
	etag, _, err := read(ctx, r.store, r.key, &s)
	if err != nil {
		r.store = nil // it is opened anew next time, with credentials that may be new
	}
	s.Version = etag
	return s.Lease, err
}

func (r *recordsSeat) SetLease(ctx context.Context, l port.Lease) (port.Lease, error) {
	if err := r.opened(ctx); err != nil { // a hint may follow a read that failed
		return l, err
	}
	etag, err := write(ctx, r.store, r.key, l.Version, sat{l, r.random()})
	if errors.Is(err, applier.ErrMoved) || errors.Is(err, applier.ErrExists) {
		err = port.ErrMoved
	}
	l.Version = etag
	return l, err
}
