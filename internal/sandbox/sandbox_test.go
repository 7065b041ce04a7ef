package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

const small1 = `{
  "aws": {"account": "111122223333", "region": "us-west-2"},
  "mongo": {
    "tiers": [
      {"_id": "a", "name": "A", "cores": 3, "z": {"$numberLong": "5"}, "labels": {"example.com/x": "y", "k": "v"}, "empty": {}, "list": [1, {"b": 2.5, "a": null}]},
      {"_id": {"$oid": "0123456789ABCDEF01234567"}, "when": {"$date": "2026-03-31T12:00:00Z"}, "cost": 2.50}
    ]
  },
  "mine": {"kept":   true}
}
`

func open(t *testing.T, content string, o Options) (*World, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sandbox.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return w, path
}

func TestLeaves(t *testing.T) {
	w, _ := open(t, small1, Options{})
	docs, err := w.Find(context.Background(), port.Query{Collection: "tiers"})
	if err != nil {
		t.Fatal(err)
	}
	want := port.Document{
		"_id": `"a"`, "name": `"A"`, "cores": `{"$numberInt":"3"}`, "z": `{"$numberLong":"5"}`, `labels."example.com/x"`: `"y"`,
		"labels.k": `"v"`, "empty": `{}`, "list": `[{"$numberInt":"1"},{"a":null,"b":{"$numberDouble":"2.5"}}]`,
	}
	compare(t, docs[0], want)
	compare(t, docs[1], port.Document{
		"_id": `{"$oid":"0123456789abcdef01234567"}`, "when": `{"$date":{"$numberLong":"1774958400000"}}`, "cost": `{"$numberDouble":"2.5"}`,
	})
}

func compare(t *testing.T, got, want port.Document) {
	t.Helper()
	for p := range want {
		if got[p] != want[p] {
			t.Errorf("%s is %s, want %s", p, got[p], want[p])
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			t.Errorf("%s: %s is too much", p, got[p])
		}
	}
}

func TestWriteKeepsWhatItDoesNotTouch(t *testing.T) {
	w, path := open(t, small1, Options{})
	ok, err := w.UpdateOne(context.Background(), "tiers", port.Document{"_id": `"a"`, "cores": `{"$numberDouble":"3.0"}`, "gone": ""},
		port.Document{"cores": `{"$numberInt":"4"}`, "deep.er": `true`}, []string{"labels.k"})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{`"cores": 4`, `"deep": {"er": true}`, `"labels": {"example.com/x": "y"}`, `"cost": 2.50}`, `"mine": {"kept":   true}`} {
		if !strings.Contains(string(b), s) {
			t.Errorf("%s is missing in\n%s", s, b)
		}
	}
}

func TestKubernetesSecret(t *testing.T) {
	w, _ := open(t, `{"kubernetes": {"secrets": {"n/s": {"k": "v"}}}}`, Options{})
	if got, err := w.KubernetesSecret(t.Context(), "n/s/k"); got != "v" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	for _, name := range []string{"n/s/l", "n/t/k", "n/s", "k", ""} {
		if _, err := w.KubernetesSecret(t.Context(), name); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestMalformedFileIsNamedByPlace(t *testing.T) {
	for content, want := range map[string]string{
		"{\n  \"mongo\": {\"c\": [{\"_id\": 1,}]}}":           `2:29: expected a string in double quotes, found '}'`,
		`{"aws": {"account": "1", "imagez": {}}}`:             `1:26: aws has no field "imagez"`,
		`{"kubernetes": {"secrets": {"n/s": {"k": 1}}}}`:      `kubernetes.secrets takes a string, not a number`,
		`{"aws": {"account": 1}}`:                             `aws.account takes a string, not a number`,
		`{"mongo": {"c": [{"a": 1}]}}`:                        `1:18: a document needs an _id`,
		`{"mongo": {"c": [{"_id": {"$oid": "x"}}]}}`:          `$oid: "x" is not 24 hexadecimal digits`,
		`{"faults": [{"fault": "thunder"}]}`:                  `there is no fault "thunder"`,
		`{"faults": [{"fault": "hang", "call": "Describe"}]}`: `no call is named "Describe"`,
		`{"mongo": {"c": [{"_id": 1}, {"_id": 1.0}]}}`:        `stands twice in this collection`,
		`{"mongo": {"c": [{"_id": 1, "b": 1, "b": 2}]}}`:      `the field "b" stands twice in this document`,
		`{} {}`: `expected the end, found '{'`,
		`{"mongo": {"c": [{"_id": 9223372036854775808}]}}`:      `does not fit 64 bits`,
		`{"mongo": {"c": [{"_id": {"$date": "yesterday"}}]}}`:   `is not a time like`,
		`{"mongo": {"c": [{"_id": {"$numberInt": "2"}}, 5]}}`:   `a document needs an _id`,
		`{"mongo": {"c": [{"_id": {"$numberInt": 2147483648}]}`: `takes a string`,
	} {
		path := filepath.Join(t.TempDir(), "sandbox.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, Options{})
		var at *FileError
		if !errors.As(err, &at) || !strings.Contains(err.Error(), want) || at.File != path {
			t.Errorf("%s\n got %v\nwant %s", content, err, want)
		}
	}
}
