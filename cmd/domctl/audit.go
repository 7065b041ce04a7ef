package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// audit prints who did what, latest first, a line each.
func (a *app) audit(ctx context.Context, e *engine.Engine, o engine.HistoryOptions, asJSON bool) error {
	if o.Address != (schema.Address{}) {
		return errors.New("--audit is of the deployment as a whole; leave the address out")
	}
	said, err := gitops.Audit(ctx, e.Store)
	if err := a.warn(err, true); err != nil {
		return err
	}
	all, err := e.Audit(ctx, o.Since, said)
	if err := a.warn(err, len(all) > 0); err != nil {
		return err
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	for _, one := range all {
		if asJSON {
			err = enc.Encode(one)
		} else {
			_, err = fmt.Fprintln(a.stdout, auditLine(one))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func auditLine(one engine.Audited) string {
	words := []string{one.At.Format(time.RFC3339), one.Who, one.Did}
	for _, w := range []struct{ name, text string }{{"", one.Apply}, {"commit ", one.Commit[:min(len(one.Commit), 12)]}, {"effect ", one.Effect}, {"comment ", one.Comment}} {
		if w.text != "" {
			words = append(words, w.name+w.text)
		}
	}
	if one.Pull != 0 {
		words = append(words, fmt.Sprintf("pull request %d", one.Pull))
	}
	if one.Why != "" {
		words = append(words, one.Why)
	}
	return planner.Printable(strings.Join(words, "  "))
}
