package gitops

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Wish is an unlock or a rollback that somebody asked for, by a comment or on the page.
type Wish struct {
	Verb    Verb   `json:"verb"`
	User    string `json:"user"` // an account of the forge, or who signed in to the page
	Pull    int    `json:"pull,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Click is the id of what was asked for on the page; there is no comment then.
	Click string    `json:"click,omitempty"`
	At    time.Time `json:"at"`
	// Target is the apply that is abandoned or taken back, and Plan the apply that takes
	// back: chosen once, so that no repetition goes further.
	Target string `json:"target,omitempty"`
	Plan   string `json:"plan,omitempty"`
	Done   bool   `json:"done,omitempty"`
	Said   string `json:"said,omitempty"` // what was answered on the page
	Nonce  string `json:"nonce"`
}

// readWish reads the last one that there was.
func readWish(ctx context.Context, s applier.Store) (w Wish, etag string, err error) {
	etag, _, err = read(ctx, s, wishKey, &w)
	return w, etag, err
}

// wished is a turn's wish.
type wished struct {
	*turn
	Wish
	etag string
}

// grant does what was wished for, if anything was. What it answers is the end of it,
// for who asked; what is still under way is gone on with by the next turn.
func (t *turn) grant(ctx context.Context) error {
	w, etag, err := readWish(ctx, t.store)
	if err != nil || etag == "" || w.Done || w.Click == "" && t.Forge == nil {
		return err
	}
	g := &wished{t, w, etag}
	t.turned.Worked = true
	if w.Click != "" {
		if over, err := g.clicked(ctx); err != nil || over {
			return err
		}
	}
	text, err := g.unheard(ctx)
	switch {
	case err != nil || text != "":
	case w.Verb == UnlockVerb:
		text, err = g.unlock(ctx)
	case w.Plan != "" && t.head.Plan == w.Plan:
		text, err = g.goOnBack(ctx)
	default:
		text, err = g.back(ctx)
	}
	if err != nil || text == "" {
		return err
	}
	return g.end(ctx, text)
}

// unheard is why a wish is none, if it is none. One that has begun comes to its end.
func (w *wished) unheard(ctx context.Context) (why string, err error) {
	switch {
	case w.Wish.Plan != "":
		return "", nil
	case w.Click != "": // whoever may act there was asked when they did
		return w.late(), nil
	}
	may, err := w.mayWrite(ctx, w.User)
	if err == nil && !may {
		why = strangers(w.User)
	}
	return why, err
}

// end answers who asked, and makes room for the next wish.
func (w *wished) end(ctx context.Context, text string) error {
	if w.Click != "" {
		return w.answered(ctx, text)
	}
	if err := answer(ctx, w.Forge, w.Repo, w.Pull, w.Comment, text); err != nil {
		return err
	}
	if err := said(ctx, w.store, Said{Comment: w.Comment, User: w.User, Verb: w.Verb, At: w.Now().UTC(), Nonce: w.Random()}); err != nil {
		return err
	}
	w.Done = true
	return w.keep(ctx)
}

func (w *wished) keep(ctx context.Context) (err error) {
	w.Nonce = w.Random()
	w.etag, err = write(ctx, w.store, wishKey, w.etag, w.Wish)
	return err
}

// inHand opens an engine for what was worked on last.
func (w *wished) inHand(ctx context.Context) (e *engine.Engine, shut func(), err error) {
	commit := w.head.Commit
	if commit == "" {
		if commit, err = w.Source.Head(ctx, w.Bound.Branch); err != nil {
			return nil, func() {}, err
		}
	}
	return w.anyTree(ctx, commit)
}

// unlock abandons the one apply that has not ended.
func (w *wished) unlock(ctx context.Context) (string, error) {
	e, shut, err := w.inHand(ctx)
	defer shut()
	if err != nil {
		return w.refused(err)
	}
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		return w.refused(err)
	}
	switch {
	case w.Target != "" && !slices.Contains(open, w.Target): // it was abandoned before a crash, or ended
		return "Apply " + w.code(w.Target) + " has ended, and holds nothing.", nil
	case w.Target == "" && len(open) == 0:
		return "Nothing was done: every apply has ended, and nothing is held.", nil
	case w.Target == "" && len(open) > 1:
		return "Nothing was done: several applies have not ended; name one by hand, " + w.code("domctl apply --supersede APPLY") + ".", nil
	case w.Target == "":
		w.Target = open[0]
		if err := w.keep(ctx); err != nil {
			return "", err
		}
	}
	id := w.Target
	res, err := e.Applier.Supersede(ctx, id)
	if err != nil {
		return w.refused(err)
	}
	if res.Outcome != applier.EndedOutcome {
		return fmt.Sprintf("Apply %s was not abandoned: %s", w.code(id), w.code(schema.Listed(res.Why, "and"))), nil
	}
	return fmt.Sprintf("Apply %s was abandoned: %s done and %s not.", w.code(id), planner.Plural(res.Done, "step"), planner.Plural(res.Left, "step")), nil
}

// refused is what is answered of a command that cannot be done; what may pass is tried
// again.
func (w *wished) refused(err error) (string, error) {
	var invalid *engine.Invalid
	switch {
	case errors.Is(err, applier.ErrLocked), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "", err
	case errors.As(err, &invalid):
		return "Nothing was done: " + w.code(refusal(invalid.Findings)), nil
	case w.Now().Sub(w.At) < patience && !coded(err):
		return "", err
	}
	return "Nothing was done: " + w.code(err.Error()), nil
}

// patience is for how long a command is tried that fails for what may pass.
const patience = 15 * time.Minute

var codeBegins = regexp.MustCompile(`^DC[0-9]{3}: `)

// coded says that an error is one of domctl's own words, which stays so.
func coded(err error) bool { return codeBegins.MatchString(err.Error()) }

// back takes back the last apply.
func (w *wished) back(ctx context.Context) (string, error) {
	e, shut, err := w.inHand(ctx)
	defer shut()
	if err != nil {
		return w.refused(err)
	}
	if w.Target == "" {
		ids, err := e.Rollbacks(ctx, engine.RollbackOptions{})
		if err != nil {
			return w.refused(err)
		}
		w.Target = ids[0]
		if err := w.keep(ctx); err != nil {
			return "", err
		}
	}
	p, err := e.Rollback(ctx, w.Target, engine.RollbackOptions{})
	if err != nil {
		return w.refused(err)
	}
	switch {
	case p.Refused():
		return "Nothing was taken back: " + w.code(refusal(p.Findings)), nil
	case p.Empty():
		return "Of apply " + w.code(w.Target) + " nothing is there to take back.", nil
	}
	was, why, err := w.target(ctx, e)
	if why != "" || err != nil {
		return why, err
	}
	if why := w.mayTakeBack(p, was); why != "" {
		return why, nil
	}
	w.Plan = p.ID
	if err := w.keep(ctx); err != nil {
		return "", err
	}
	h := Head{Commit: w.head.Commit, Stage: Applying, Plan: p.ID, Effect: p.Effect, Back: w.Target, Why: "is taken back", Redo: w.head.Stage != Done && w.head.Stage != Applying || w.head.Redo}
	if h.Out = w.takenBack(p, was.from); !w.ruled() {
		h.Out = nil
	}
	if err := w.save(ctx, h); err != nil {
		return "", err
	}
	if err := w.used(ctx, p, was.from); err != nil {
		return "", err
	}
	res, err := e.Apply(ctx, p)
	if _, err := w.ended(ctx, res, err); err != nil {
		return "", err
	}
	return w.tookBack(), nil
}

// past is an apply that is taken back: what was planned, nil where that is not known, and
// who wrote it.
type past struct {
	plan *planner.Plan
	from origin
}

// target reads the apply that is taken back, as far as somebody needs that. why says that
// another pull request brought it than the one in which it was asked for: who writes a
// command in one means what that did.
func (w *wished) target(ctx context.Context, e *engine.Engine) (t past, why string, err error) {
	t.from.Unknown = true
	if !w.ruled() && w.Click != "" {
		return t, "", nil
	}
	s, err := e.Applier.Summary(ctx, w.Target)
	if err != nil {
		return t, "", err
	}
	var pulls []port.Pull
	if t.plan = s.Plan; s.Plan != nil {
		if pulls, err = w.merged(ctx, s.Plan.Source.Commit); err != nil {
			return t, "", err
		}
	}
	if w.Click == "" && len(pulls) > 0 && !slices.ContainsFunc(pulls, func(p port.Pull) bool { return p.Number == w.Pull }) {
		return t, fmt.Sprintf("Nothing was taken back: the last apply, %s, was of commit %s, which pull request %d brought. Write %s there, or %s by hand.",
			w.code(w.Target), w.code(s.Plan.Source.Commit), pulls[0].Number, w.code("domctl rollback"), w.code("domctl rollback --to "+w.Target)), nil
	}
	if !w.ruled() {
		return t, "", nil
	}
	u, _, err := ReadUsed(ctx, w.store, w.Target)
	if err != nil {
		return t, "", err
	}
	t.from = origin{Writers: u.Writers, Unknown: !u.Known}
	for _, pull := range pulls { // some may have pushed later
		t.from.add(pull)
	}
	return t, "", nil
}

// used notes whose work a rollback is: of those who wrote what it takes back, and of who
// asked for it.
func (w *wished) used(ctx context.Context, p planner.Plan, from origin) error {
	if len(w.Bound.Rules) == 0 {
		return nil
	}
	from.Writers = append(slices.Clone(from.Writers), config.Account(w.User))
	from.Unknown = from.Unknown || w.Click != "" // who signs in to the page is no account of the forge
	return w.take(ctx, p.ID, granted{effect: p.Effect, commit: w.head.Commit}, from)
}

// mayTakeBack holds who asked against the rules that the way back falls under. Their
// word is one approval, and counts as one of an apply's would.
func (w *wished) mayTakeBack(p planner.Plan, was past) (why string) {
	from, rules := was.from, w.Bound.NeedsBack(p, was.plan)
	if len(rules) == 0 {
		return ""
	}
	if w.Click != "" {
		return w.pageRuled(rules)
	}
	by := []string{w.User}
	if from.wrote(w.User) {
		by = nil
	}
	for _, r := range rules {
		if n := r.Missing(by, from.extra()); n > 0 {
			return fmt.Sprintf("Nothing was taken back: the way back falls under rule %s, and the word of %s leaves %s missing. %s by hand.",
				w.code(r.Name), w.code(w.User), planner.Plural(n, "approval"), w.otherwise(from))
		}
	}
	return ""
}

// otherwise says how else an apply is taken back.
func (w *wished) otherwise(from origin) string {
	by := "or " + w.code("domctl rollback --to "+w.Target)
	if from.Unknown {
		return "It is not known of all of it who wrote it, so one approval more is asked for, as any one person may have. Merge what undoes it, " + by
	}
	return "Somebody who did not write the change and whom the rule asks may say it, " + by
}

// goOnBack goes on with a rollback that was about to begin, or had begun.
func (w *wished) goOnBack(ctx context.Context) (string, error) {
	if w.head.Stage == Applying {
		if w.Now().Before(w.head.Next) {
			return "", nil
		}
		if _, err := w.goOn(ctx); err != nil {
			return "", err
		}
	}
	return w.tookBack(), nil
}

// tookBack says how a rollback ended; "": it did not yet.
func (w *wished) tookBack() string {
	switch {
	case w.head.Plan != w.Wish.Plan || w.head.Stage == Applying:
		return ""
	case w.head.Stage == Refused:
		return "Apply " + w.code(w.Target) + " was not taken back: " + w.code(w.head.Why)
	case w.head.Left > 0:
		return "Apply " + w.code(w.Target) + " was taken back in part: " + w.code(w.head.Why)
	}
	return fmt.Sprintf("Apply %s was taken back by %s, as %s asked. What was taken back stays off until the files change.", w.code(w.Target), w.code(w.Wish.Plan), w.code(w.User))
}
