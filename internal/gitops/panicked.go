package gitops

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// panicked is a panic as an error: what one deployment's files or one comment cause must
// not end the others' work.
type panicked struct {
	why   any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprint("panicked: ", p.why) }

// guarded answers a panic as an error.
func guarded(do func() error) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = &panicked{why, debug.Stack()}
		}
	}()
	return do()
}

// warn logs what went wrong, and where, if that is for who wrote this program.
func (r *Reception) warn(what string, err error, about ...any) {
	r.Log.Warn(what, append(append([]any{"repository", r.Name}, about...), failure(err)...)...)
}

// failure is an error in a log, with the stack where it is a panic.
func failure(err error) []any {
	if p := (*panicked)(nil); errors.As(err, &p) {
		return []any{"error", err.Error(), "stack", string(p.stack)}
	}
	return []any{"error", err.Error()}
}
