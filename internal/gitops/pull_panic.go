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
	about = append([]any{"repository", r.Name}, append(about, "error", err.Error())...)
	if p := (*panicked)(nil); errors.As(err, &p) {
		about = append(about, "stack", string(p.stack))
	}
	r.Log.Warn(what, about...)
}
