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
