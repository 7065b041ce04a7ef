package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"domctl.dev/internal/forge/forgetest"
)

// forgeCommand is a small forge for a script, in Gitea's shapes: "forge start" sets
// $FORGE; "forge say WHO TEXT" adds a comment to pull request 3, of which \n is a new
// line; "forge push COMMIT" moves its head; "forge fail STATUS N" answers N requests
// so; "forge show" prints what stands there; "forge event FILE" writes a job's event.
func forgeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: forge start|say|push|fail|show|event …")
	}
	if args[0] == "start" {
		startForge(ts)
		return
	}
	tea, ok := ts.Value("forge").(*forgetest.Tea)
	if !ok {
		ts.Fatalf("there is no forge: forge start")
	}
	switch args[0] {
	case "say":
		tea.Say(3, args[1], strings.ReplaceAll(args[2], `\n`, "\n"))
	case "push":
		tea.Push(3, args[1])
	case "fail":
		failForge(ts, tea, args[1], args[2])
	case "event":
		event, err := json.Marshal(map[string]any{"pull_request": map[string]any{"number": 3, "head": map[string]any{"sha": strings.Repeat("b", 40)}}})
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), event, 0o666))
	case "show":
		for _, c := range tea.Comments(3) {
			fmt.Fprintf(ts.Stdout(), "== %d by %s\n%s\n", c.ID, c.Author, strings.TrimSpace(c.Body))
		}
		for _, i := range tea.Issues() {
			fmt.Fprintf(ts.Stdout(), "== issue %d by %s, open %v: %s\n%s\n", i.Number, i.Author, i.Open, i.Title, strings.TrimSpace(i.Body))
		}
		for _, s := range tea.Statuses() {
			fmt.Fprintf(ts.Stdout(), "== status of %.4s: %s %s: %s %s\n", s.Commit, s.State, s.Context, s.Description, s.Target)
		}
	default:
		ts.Fatalf("unknown: forge %s", args[0])
	}
}

func startForge(ts *testscript.TestScript) {
	tea := forgetest.NewTea("acme/domino")
	server := httptest.NewServer(tea)
	ts.Defer(server.Close)
	ts.Setenv("FORGE", server.URL)
	ts.Value("values").(map[any]any)["forge"] = tea
}

func failForge(ts *testscript.TestScript, tea *forgetest.Tea, status, times string) {
	code, err := strconv.Atoi(status)
	ts.Check(err)
	left, err := strconv.Atoi(times)
	ts.Check(err)
	tea.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if left == 0 {
			return false
		}
		left--
		if code == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "0")
		}
		w.WriteHeader(code)
		token := regexp.MustCompile(`\S+$`).FindString(r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"message": "refused, %s"}`, token) // a forge that tells too much
		return true
	}
}
