package world

import (
	"context"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// What Domino's API does not answer is not known, and never taken for absent: it is held
// up, and everything else is planned.

// unread holds up an object that could not be read.
func (l *look) unread(a schema.Address, code, message, hint string) {
	l.view.Unread[a] = *blocked(code, a, message, hint, l.desired.Objects[a].Positions("")).Blocked
}

// unanswered holds up an object of which Domino's API did not tell something.
func (l *look) unanswered(a schema.Address, what string, err error) {
	l.unread(a, "DC119", strings.TrimSpace(what+" could not be read, so that nothing of it is planned: "+planner.Printable(err.Error())),
		"plan again once Domino's API answers; domctl doctor says what does. Everything else is planned without it")
}

// kindUnanswered holds up all that the files and the last apply speak of of a kind.
func (l *look) kindUnanswered(kind string, err error) {
	for _, a := range l.wanted(kind) {
		l.unanswered(a, "", err)
	}
}

// unasked says that nothing was found of a kind, say, since nobody answered.
func (f *finder) unasked(what string, err error) {
	if err != nil {
		f.say("DC119", schema.Warning, schema.Address{}, what+" could not be read, and was left out: "+planner.Printable(err.Error()),
			importAgain)
	}
}

const importAgain = "import again once Domino's API answers; domctl doctor says what does. Everything else was written without it"

// within asks Domino's API for a whole kind, and waits no longer than a plan can that goes
// on without it. The error is the context's own; unread says why nothing was answered.
func within(ctx context.Context, ask func(context.Context) error) (unread, err error) {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unread = ask(soon)
	return unread, ctx.Err()
}
