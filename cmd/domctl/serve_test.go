package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"domctl.dev/internal/gitops"
)

// TestConfigurationOnThePage is one that can be used as it stands there.
func TestConfigurationOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(work:.*?)^```$").FindAllSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Fatal("the page shows none")
	}
	for _, b := range blocks {
		if _, found := gitops.Parse("serve.yaml", b[1]); len(found) > 0 {
			t.Errorf("%+v", found)
		}
	}
}

// deliver sends what Gitea does when something was pushed to main: "deliver LOG PATH
// SECRET" to where the log of a controller says that it listens, or "get LOG PATH",
// which only asks. The status of the answer is printed.
func deliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: deliver log path secret|-")
	}
	status, err := pushed(ts.ReadFile(args[0]), args[1], args[2])
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), status)
}

// pushed delivers to where a log says that a controller listens; a secret of "-" only
// asks.
func pushed(log, path, secret string) (status int, err error) {
	what, method, body := "webhooks", http.MethodPost, `{"ref":"refs/heads/main","after":"`+strings.Repeat("a", 40)+`","repository":{"full_name":"acme/domino"}}`
	if secret == "-" {
		what, method, body = "health", http.MethodGet, ""
	}
	found := regexp.MustCompile(`for=` + what + ` at=(\S+)`).FindStringSubmatch(log)
	if found == nil {
		return 0, fmt.Errorf("it listens nowhere for %s", what)
	}
	r, err := http.NewRequest(method, "http://"+found[1]+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	r.Header.Set("X-Gitea-Event", "push")
	r.Header.Set("X-Gitea-Signature", hex.EncodeToString(m.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
