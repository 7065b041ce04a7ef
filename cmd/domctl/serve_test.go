package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
	for _, name := range []string{"gitops", "operations"} {
		page, err := os.ReadFile("../../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?ms)^```yaml\n(work:.*?)^```$").FindAllSubmatch(page, -1)
		if len(blocks) == 0 {
			t.Fatalf("%s shows none", name)
		}
		for _, b := range blocks {
			if _, found := gitops.Parse("serve.yaml", b[1]); len(found) > 0 {
				t.Errorf("%s: %+v", name, found)
			}
		}
	}
}

// deliver sends what Gitea does when something was pushed to main: "deliver LOG PATH
// SECRET" to where the log of a controller says that it listens, or "get LOG PATH",
// which only asks. The answer is printed after its status.
func deliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: deliver log path secret|-")
	}
	what := "webhooks"
	if args[2] == "-" {
		what = "health"
	}
	found := regexp.MustCompile(`for=` + what + ` at=(\S+)`).FindStringSubmatch(ts.ReadFile(args[0]))
	if found == nil {
		ts.Fatalf("%s: it listens nowhere for %s", args[0], what)
	}
	method, body := http.MethodGet, ""
	if what == "webhooks" {
		method, body = http.MethodPost, `{"ref":"refs/heads/main","after":"`+strings.Repeat("a", 40)+`","repository":{"full_name":"acme/domino"}}`
	}
	r, err := http.NewRequest(method, "http://"+found[1]+args[1], strings.NewReader(body))
	ts.Check(err)
	m := hmac.New(sha256.New, []byte(args[2]))
	m.Write([]byte(body))
	r.Header.Set("X-Gitea-Event", "push")
	r.Header.Set("X-Gitea-Signature", hex.EncodeToString(m.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), answer.StatusCode)
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
	ts.Check(answer.Body.Close())
}
