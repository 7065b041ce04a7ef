package port

// Hook is what a forge's webhook says happened. It is a hint: what counts is read from
// the forge again, so that a doubled, late or replayed one costs a read.
type Hook struct {
	Kind HookKind
	// Delivery is the forge's id of the delivery; a repeated one has the same. It is
	// not covered by all forges' signatures: it may spare work, and decide nothing.
	Delivery string
	Repo     string // "acme/domino"
	Branch   string // of a push
	Commit   string // of a push: where the branch stands; empty: it was deleted
	Pull     int    // of all others
	Comment  string // id of the comment
}

// HookKind is what a webhook speaks of.
type HookKind string

// The kinds of webhooks that mean something here.
const (
	HookPush    HookKind = "push"
	HookPull    HookKind = "pull"    // opened, changed, closed or merged
	HookComment HookKind = "comment" // written or edited, on a pull request
)
