package schema

import (
	"fmt"
	"strings"
)

// Loan says on an instance which step works on it, and how to put it back.
type Loan struct {
	Apply string
	Token string // of the step
	Was   string // its power state before: "stopped" or "running"
	Since string // RFC 3339
	Done  bool   // the work on it is done
}

// String is the loan as the value of a tag.
func (l Loan) String() string {
	s := fmt.Sprintf("apply=%s token=%s was=%s since=%s", l.Apply, l.Token, l.Was, l.Since)
	if l.Done {
		s += " done"
	}
	return s
}

// LoanOf reads the tag of an instance; ok is false for one that carries none. What
// a stranger wrote there is a loan of nobody known.
func LoanOf(tags map[string]string) (l Loan, ok bool) {
	text, ok := tags[TagBorrowed]
	into := map[string]*string{"apply": &l.Apply, "token": &l.Token, "was": &l.Was, "since": &l.Since}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		if field := into[key]; field != nil {
			*field = value
		}
		l.Done = l.Done || word == "done"
	}
	return l, ok
}
