package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/planner"
)

// Click is a rollback that somebody asks for on the page. Whoever calls has looked up
// that they may.
type Click struct {
	ID    string // however often it comes, it counts once
	Apply string // the one that is taken back
	User  string // who signed in
}

// Busy says that something else was asked for, which must come to its end first.
type Busy struct{ Wish }

// Error is for people.
func (b *Busy) Error() string {
	return fmt.Sprintf("%s asked for a %s, which is under way; ask again when it has come to its end", planner.Printable(b.User), b.Verb)
}

// TakeBack leaves an apply to be taken back to the deployment's own turns, which answer
// by ReadWish. A *Busy says that another wish stands in the way.
func (d *Desk) TakeBack(ctx context.Context, c Click) error {
	if c.ID == "" || c.Apply == "" || c.User == "" {
		return errors.New("it is not known who asks for what")
	}
	store, err := d.Records(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	for range most {
		var before Wish
		if _, there, err := read(ctx, store, clicksKey+url.PathEscape(c.ID), &before); err != nil || there {
			return err
		}
		w, etag, err := readWish(ctx, store)
		switch {
		case err != nil || w.Click == c.ID:
			return err
		case etag != "" && !w.Done:
			return &Busy{w}
		}
		w = Wish{Verb: RollbackVerb, User: c.User, Click: c.ID, Target: c.Apply, At: d.Now().UTC(), Nonce: d.Random()}
		if _, err = write(ctx, store, wishKey, etag, w); !lost(err) {
			return err
		}
	}
	return fmt.Errorf("record %s: %w", wishKey, applier.ErrMoved)
}

// ReadWish reads what was asked for last; there is false where nothing ever was.
func ReadWish(ctx context.Context, s applier.Store) (w Wish, there bool, err error) {
	w, etag, err := readWish(ctx, s)
	return w, etag != "", err
}

// clicked notes what was asked for before anything is done about it: over says that it
// was done already.
func (w *wished) clicked(ctx context.Context) (over bool, err error) {
	var before Wish
	_, there, err := read(ctx, w.store, clicksKey+url.PathEscape(w.Click), &before)
	if err != nil {
		return false, err
	}
	if there && before.Done {
		w.Wish = before
		return true, w.keep(ctx)
	}
	if !there {
		_, err = write(ctx, w.store, clicksKey+url.PathEscape(w.Click), "", w.Wish)
	}
	return false, err
}

// answered notes what became of it, then shows it.
func (w *wished) answered(ctx context.Context, text string) error {
	var before Wish
	key := clicksKey + url.PathEscape(w.Click)
	etag, there, err := read(ctx, w.store, key, &before)
	if err != nil {
		return err
	}
	w.Done, w.Said, w.Nonce = true, text, w.Random()
	if !there || !before.Done {
		if _, err := write(ctx, w.store, key, etag, w.Wish); err != nil {
			return err
		}
	}
	return w.keep(ctx)
}

// late is why a wish of the page is none: nobody expects it to be done by now.
func (w *wished) late() string {
	if w.Now().Sub(w.At) <= tooLate {
		return ""
	}
	return fmt.Sprintf("Nothing was taken back: it could not be begun within %s. If it is still wanted, ask again.", planner.Plural(int(tooLate/time.Minute), "minute"))
}

// pageRuled is why a rule keeps the page from taking something back: rules ask for accounts
// of the forge, and who signs in to the page is none that it knows.
func (w *wished) pageRuled(rules []config.Rule) string {
	how := "; take it back by hand, domctl rollback --to " + planner.Printable(w.Target)
	if w.Forge != nil {
		how = "; whoever approves there writes domctl rollback in its pull request, while it is the last apply, or takes it back by hand, domctl rollback --to " + planner.Printable(w.Target)
	}
	return "Nothing was taken back: the way back falls under rule " + planner.Printable(rules[0].Name) + ", which asks for people of the forge" + how + "."
}

// code is a name within an answer: Markdown for the forge, text for the page.
func (w *wished) code(text string) string {
	if w.Click != "" {
		return planner.Printable(text)
	}
	return planner.Code(text)
}
