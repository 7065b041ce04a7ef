package port

import (
	"errors"
	"time"
)

// Lease says which of several processes acts. Its times are for people: whether its
// holder is alive is judged by its Version, which moves whenever the lease is written.
type Lease struct {
	Holder            string        // "": nobody
	Term              time.Duration // for how long a lease that stands still is its holder's, whole seconds
	Acquired, Renewed time.Time     // UTC
	Transitions       int           // of holders
	// Hints counts what others told the holder: that there may be something to do.
	Hints   int
	Version string // of what was read; "": there is none yet
}

// ErrMoved is answered where a lease is no longer the version that was read.
var ErrMoved = errors.New("somebody else wrote it meanwhile")
