package port

// Hook is what a forge's webhook says happened. It is a hint: what counts is read from
// the forge again, so that a doubled, late or replayed one costs a read.
type Hook struct {
	Repo   string // "acme/domino"
	Branch string // that was pushed or deleted; empty: it is about a pull request
}
