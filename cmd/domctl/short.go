package main

import (
	"fmt"
	"sync"

	"domctl.dev/internal/secret"
)

// tooShort says once of each reference that what it leads to is too short to be hidden.
// It is said to who runs domctl, and stands in no plan: others read those.
func (a *app) tooShort() func(ref string) {
	return once(func(ref string) {
		a.tell("warning", fmt.Sprintf("DC365: secret %s leads to fewer than %d bytes, or to a password of fewer: logs of builds and bakes are shown without hiding it\nhint: %s", ref, secret.Least, shortDo()))
	})
}

func shortDo() string {
	return "put a longer one where the reference leads; where it is no secret, state the value itself"
}

// once passes each text on the first time.
func once(f func(string)) func(string) {
	var told sync.Map
	return func(text string) {
		if _, before := told.LoadOrStore(text, true); !before {
			f(text)
		}
	}
}
