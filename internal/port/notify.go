package port

import "context"

// Notifier is where people are told what became of a deployment.
type Notifier interface {
	// Notify tells it once. ErrLost: whether it arrived is open. Any other error: it did
	// not arrive, and may be told again.
	Notify(ctx context.Context, n Notice) error
}

// Notice is one thing to tell. Its texts may hold whatever files, databases and clouds
// hold; who shows them sees to it that they are read as nothing but text.
type Notice struct {
	Deployment string
	What       string // what became of it, in our own words: "applied"
	Facts      []Fact
}

// Fact is something to know of it, by our name for it: "commit".
type Fact struct{ Name, Text string }
