package secret

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
)

func TestKnownIsHidden(t *testing.T) {
	env := map[string]string{"A": "hunter22", "LONG": "hunter22-and-more", "URI": "mongodb://domino:p%40ss-word@db:27017/domino", "PEM": "-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\n-----END KEY-----\n", "SHORT": "no"}
	r := Resolver{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, Known: &Known{}}
	for name := range env {
		if _, err := r.Resolve(context.Background(), "env:"+name); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"token hunter22, hunter22-and-more":    "token (secret), (secret)",
		"auth p@ss-word or p%40ss-word":        "auth (secret) or (secret)",
		"key AAAABBBBCCCCDDDD":                 "key (secret)",
		"no such file":                         "no such file",
		"hunter\x1b[0m22":                      "(secret)",
		"\x1b[31mred\x1b[0m":                   "\x1b[31mred\x1b[0m",
		"\x1b]0;title\x07hun\x1b(Bter22\x1b[K": "(secret)",
		"aHVudGVyMjI=":                         "(secret)I=", // what a neighbour might decide about stays
		"Basic " + base64.StdEncoding.EncodeToString([]byte("user:hunter22")):  "Basic dXNlcjp(secret)g==",
		"Basic " + base64.StdEncoding.EncodeToString([]byte("users:hunter22")): "Basic dXNlcnM6(secret)I=",
		"Basic " + base64.StdEncoding.EncodeToString([]byte("use:hunter22\n")): "Basic dXNlOm(secret)Cg==",
	} {
		if got := r.Known.Mask(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	if got := (*Known)(nil).Mask("as it is"); got != "as it is" || strings.Contains(got, "(") {
		t.Error(got)
	}
}

// TestShort: who asks hears of each reference whose value is not hidden, and never of
// the value.
func TestShort(t *testing.T) {
	env := map[string]string{"FOUR": "abcd", "FIVE": "abcde", "BLANKS": " abc \n", "EMPTY": "", "URI": "mongodb://domino:pw@db:27017/domino", "LONG": "mongodb://domino:a-password@db/domino", "BARE": "mongodb://domino@db/domino", "RUNES": "äö"}
	for name, want := range map[string]bool{"FOUR": true, "FIVE": false, "BLANKS": true, "EMPTY": false, "URI": true, "LONG": false, "BARE": false, "RUNES": true, "NONE": false} {
		var heard []string
		r := Resolver{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, Short: func(ref string) { heard = append(heard, ref) }}
		if _, err := r.Text(context.Background(), "env:"+name); (err != nil) != (name == "NONE") {
			t.Fatal(err)
		}
		if got := strings.Join(heard, " "); got != map[bool]string{true: "env:" + name}[want] {
			t.Errorf("%s: heard %q", name, got)
		}
	}
}
