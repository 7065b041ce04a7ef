package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"

	"domctl.dev/internal/git"
	"domctl.dev/internal/web"
	"domctl.dev/planner"
)

// showOnPage serves a plan to one browser of this machine until whoever looks is done,
// or the program is interrupted.
func (a *app) showOnPage(ctx context.Context, dir string, p planner.Plan) error {
	clone, within, err := git.Origin(dir)
	if err != nil {
		return err
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("--web: %w", err)
	}
	page := &web.Local{Plan: p, Forge: web.ForgeAt(clone), Dir: within, Host: at.Addr().String(), Token: rand.Text(), Cookie: rand.Text(), Form: rand.Text()}
	if _, err := fmt.Fprintf(a.stdout, "The plan is shown at %s\nThe address opens it once, in one browser. Ctrl-C ends it, and so does the button there.\n", page.Address()); err != nil {
		return errors.Join(err, at.Close())
	}
	return page.Serve(ctx, at)
}
