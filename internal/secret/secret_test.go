package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("canary\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Resolver{Dir: dir, Getenv: func(name string) (string, bool) { return "canary " + name, name == "A" },
		Sources: map[string]Source{"ssm": func(_ context.Context, name string) (string, error) {
			if name == "/there" {
				return "canary", nil
			}
			return "", errors.New("not found")
		}, "secretsManager": func(_ context.Context, name string) (string, error) {
			return map[string]string{"whole": "canary", "arn:aws:secretsmanager:us-west-2:1:secret:json-AbCdEf": `{"password": "canary", "port": 27017, "a#b": "c"}`}[name], nil
		}}}
	for ref, want := range map[string]string{"env:A": `"canary A"`, "file:s": `"canary"`, "file:" + filepath.Join(dir, "s"): `"canary"`, "ssm:/there": `"canary"`,
		"secretsManager:whole": `"canary"`,
		"secretsManager:arn:aws:secretsmanager:us-west-2:1:secret:json-AbCdEf#password": `"canary"`,
		"secretsManager:arn:aws:secretsmanager:us-west-2:1:secret:json-AbCdEf#port":     `"27017"`,
		"secretsManager:arn:aws:secretsmanager:us-west-2:1:secret:json-AbCdEf#a#b":      `"c"`} {
		if got, err := r.Resolve(t.Context(), ref); err != nil || got.Text != want {
			t.Errorf("%s: %v %v, want %s", ref, got, err, want)
		}
	}
	for ref, want := range map[string]string{
		"env:B": "B is not set in the shell, or the service, that domctl runs in", "file:none": "no such file", "ssm:/none": "secret ssm:/none: not found",
		"kubernetes:a/b/c": "this version of domctl cannot read it; keep it in one of: env, file, secretsManager, ssm", "odd": "cannot read it",
		"secretsManager:whole#password":                                             `it is no JSON object, so it has no key "password"`,
		"secretsManager:arn:aws:secretsmanager:us-west-2:1:secret:json-AbCdEf#none": `has no key "none"`,
	} {
		if _, err := r.Text(t.Context(), ref); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
	}
}
