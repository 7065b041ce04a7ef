package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestWhatToDoCanBeTyped parses every command that an explanation names.
func TestWhatToDoCanBeTyped(t *testing.T) {
	seen := 0
	for _, c := range schema.Codes() {
		for _, found := range regexp.MustCompile("`domctl ([^`]*)`").FindAllStringSubmatch(c.Why+" "+c.Do, -1) {
			seen++
			verb, args, err := newApp(strings.NewReader(""), io.Discard, io.Discard).root().Find(strings.Fields(found[1]))
			if err == nil {
				err = verb.ParseFlags(args)
			}
			if err == nil {
				err = verb.ValidateArgs(verb.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", c.Code, found[0], err)
			}
		}
	}
	if seen == 0 {
		t.Error("no command was found")
	}
}
