package gitops

import (
	"context"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Stage is how far the work for a commit has come.
type Stage string

// The stages.
const (
	Refused  Stage = "refused"  // it cannot be applied as things stand; looked at again
	Asked    Stage = "asked"    // its plan waits for approvals
	Applying Stage = "applying" // its plan is being applied, or is about to be
	Done     Stage = "done"
)

// Head is the commit that a controller worked on last.
type Head struct {
	Commit string `json:"commit"`
	Stage  Stage  `json:"stage"`
	Plan   string `json:"plan,omitempty"` // its id, which is the apply's
	Effect string `json:"effect,omitempty"`
	Why    string `json:"why,omitempty"`
	// Blocked are changes of the plan that an apply leaves out.
	Blocked int `json:"blocked,omitempty"`
	// Left are steps of an apply that somebody abandoned or took back; its commit is not
	// applied again.
	Left int `json:"left,omitempty"`
	// Pull is the pull request that a commit came by which is, or was, Asked about, and
	// PullHead that one's head, to both of which approvals bind; zero: it came by none.
	// Approvals is how many of the effect there were.
	Pull      int    `json:"pull,omitempty"`
	PullHead  string `json:"pullHead,omitempty"`
	Approvals int    `json:"heard,omitempty"`
	// From is the pull request that the commit came by, as far as is known. What people
	// say there is done until HeardOut, a while after the commit was.
	From     int       `json:"from,omitempty"`
	HeardOut time.Time `json:"heardOut,omitzero"`
	// Over is a pull request in which another commit was asked about.
	Over int `json:"over,omitempty"`
	// Back is the apply that the plan takes back. Redo says that the commit itself was not
	// done before that.
	Back string `json:"back,omitempty"`
	Redo bool   `json:"redo,omitempty"`
	// Since is the last commit of which nothing was left to do but what is blocked, and
	// Out what was; nil where it is saved: what it was before.
	Since string `json:"since,omitempty"`
	Out   *Out   `json:"out,omitempty"`
	// Tries counts looks that came to the same end, and Next is when the next is due.
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next,omitzero"`
	// Told says that the forge shows it.
	Told  bool   `json:"told,omitempty"`
	Nonce string `json:"nonce"` // lets no two bodies be alike
}

// ReadHead reads what a store's controller worked on last; there is false where none
// did.
func ReadHead(ctx context.Context, s applier.Store) (h Head, there bool, err error) {
	_, there, err = read(ctx, s, headKey, &h)
	return h, there, err
}

// backWhy says how a rollback ended.
func (h Head) backWhy() string {
	if h.Left > 0 {
		return "taken back, " + planner.Plural(h.Left, "step") + " left"
	}
	return "taken back"
}

// blocked adds to what was done that something was left out.
func (h Head) blocked(did string) string {
	if h.Blocked == 0 {
		return did
	}
	return did + ", " + planner.Plural(h.Blocked, "change") + " blocked"
}

// Status is what the commit shows.
func (h Head) Status(deployment string) port.CommitStatus {
	s := port.CommitStatus{Name: StatusName(deployment), State: port.CommitPending}
	switch {
	case h.Stage == Done && h.Blocked+h.Left == 0 && h.Back == "":
		s.State = port.CommitSuccess
	case h.Stage != Applying && h.Stage != Asked:
		s.State = port.CommitFailure
	}
	s.Text = statusText(h.Effect, h.Why)
	return s
}
