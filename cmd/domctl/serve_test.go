package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"

	"domctl.dev/internal/gitops/config"
)

// TestConfigurationOnThePage is one that can be used as it stands there, alone and with
// each part that the page adds to it.
func TestConfigurationOnThePage(t *testing.T) {
	var whole map[string]any
	for _, name := range []string{"gitops", "page", "operations"} {
		page, err := os.ReadFile("../../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(page, -1)
		if len(blocks) == 0 {
			t.Fatalf("%s shows none", name)
		}
		for _, b := range blocks {
			text := b[1]
			var part map[string]any
			if err := yaml.Unmarshal(text, &part); err != nil {
				t.Fatal(err)
			}
			if _, own := part["work"]; own {
				whole = part
			} else if text, err = yaml.Marshal(joined(whole, part)); err != nil {
				t.Fatal(err)
			}
			if _, found := config.Check("serve.yaml", text, hasAll()); len(found) > 0 {
				t.Errorf("%s: %s\n%+v", name, text, found)
			}
		}
	}
}

// hasAll is a machine that has all that a file may name.
func hasAll() config.Here {
	return config.Here{Env: func(string) bool { return true }, File: func(string) error { return nil }}
}

// joined is whole with what part states.
func joined(whole, part map[string]any) map[string]any {
	out := maps.Clone(whole)
	for name, value := range part {
		below, ok := value.(map[string]any)
		if above, both := out[name].(map[string]any); ok && both {
			value = joined(above, below)
		}
		out[name] = value
	}
	return out
}

// deliver sends what Gitea does when something was pushed to main: "deliver LOG PATH
// SECRET" to where the log of a controller says that it listens, or "deliver LOG PATH -"
// or "deliver LOG PATH page", which only ask. The answer is printed
// after its status.
func deliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: deliver log path secret|-|page")
	}
	status, text, err := asked(ts.ReadFile(args[0]), args[1], args[2])
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s", status, text)
}

// asked delivers to where a log says that a controller listens; a secret of "-" only
// asks.
func asked(log, path, secret string) (status int, text string, err error) {
	what, method, body := "webhooks", http.MethodPost, `{"ref":"refs/heads/main","after":"`+strings.Repeat("a", 40)+`","repository":{"full_name":"acme/domino"}}`
	switch secret {
	case "-":
		what, method, body = "health", http.MethodGet, ""
	case "page":
		what, method, body = "page", http.MethodGet, ""
	}
	found := regexp.MustCompile(`for=` + what + ` at=(\S+)`).FindStringSubmatch(log)
	if found == nil {
		return 0, "", fmt.Errorf("it listens nowhere for %s", what)
	}
	r, err := http.NewRequest(method, "http://"+found[1]+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	r.Header.Set("X-Gitea-Event", "push")
	r.Header.Set("X-Gitea-Signature", hex.EncodeToString(m.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(said), err
}
