package forge_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/port"
)

func open(t *testing.T, kind forge.Kind, url, token string) port.Forge {
	t.Helper()
	f, err := forge.Open(forge.Config{Kind: kind, URL: url, Token: func() (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTea runs the contract on the small forge of the tests, whose shapes are those of
// Gitea 1.26 (routers/api/v1 and modules/structs of its source).
func TestTea(t *testing.T) {
	tea := forgetest.NewTea("acme/domino")
	for n := 100; n < 160; n++ { // more than a page
		tea.AddPull(n, "ann", "change", strings.Repeat("d", 40))
	}
	s := httptest.NewServer(tea)
	defer s.Close()
	forgetest.Contract(t, forgetest.Subject{Forge: open(t, forge.Gitea, s.URL, "bot-token"), Other: open(t, forge.Gitea, s.URL, "ann-token"),
		Denied: open(t, forge.Gitea, s.URL, "wrong-token-0123"), Token: "wrong-token-0123",
		Repo: "acme/domino", User: "domctl-bot", Pull: 3, Author: "ann", Branch: "change", Base: "main", Commit: strings.Repeat("b", 40),
		Rights: map[string]port.Rights{"domctl-bot": port.AdminRights, "ann": port.WriteRights, "eve": port.ReadRights}})
	all, err := open(t, forge.Gitea, s.URL, "bot-token").Pulls(t.Context(), "acme/domino")
	if err != nil || len(all) != 61 {
		t.Errorf("%d pull requests, %v", len(all), err)
	}
}
