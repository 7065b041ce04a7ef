//go:build wire

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/wiretest"
)

// TestLiveReviewAsksDomino: runs of the database are asked for at the address that the
// files state, with the key that they refer to, which is shown nowhere.
func TestLiveReviewAsksDomino(t *testing.T) {
	api := wiretest.Domino(t)
	a, dir := onWire(t)
	const key = "domino-canary-key"
	t.Setenv("DOMCTL_DOMINO_KEY", key)
	state := func(url string) {
		t.Helper()
		text := fmt.Sprintf("package domino\n\ndeployment: domino: {url: %q, apiKey: secret: env: \"DOMCTL_DOMINO_KEY\"}\n", url)
		if err := os.WriteFile(filepath.Join(dir, "domino.cue"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, run := range []string{
		`{"_id":{"$oid":"65f000000000000000000001"},"environmentId":{"$oid":"65e000000000000000000001"},"started":{"$date":"2026-03-02T09:00:00Z"}}`,
		`{"_id":{"$oid":"65f000000000000000000002"},"environmentId":{"$oid":"65e000000000000000000001"},"environmentRevisionId":{"$oid":"65d000000000000000000001"},"started":{"$date":"2026-03-03T09:00:00Z"}}`,
		`{"_id":"none of Domino's","environmentId":{"$oid":"65e000000000000000000001"},"started":{"$date":"2026-03-04T09:00:00Z"}}`,
	} {
		var doc bson.D
		if err := bson.UnmarshalExtJSON([]byte(run), false, &doc); err != nil {
			t.Fatal(err)
		}
		if _, err := a.DB.Collection("runs").InsertOne(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	before := database(t, a)
	state(api)
	if out := domctl(t, 0, "doctor", dir); !strings.Contains(out, "✓ Domino API: answers; the key is that of admin") || !strings.Contains(out, "✓ secret env:DOMCTL_DOMINO_KEY: can be read") {
		t.Error(out)
	}
	out := domctl(t, 1, "review", dir, "--window", "3650d") // the registry of its images is none
	for _, want := range []string{"2 of 2 runs, median 2m10s, worst 2m10s", "Domino was asked for 3 of the newest 3 runs and told the time of 2; 1 it does not know as jobs."} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}

	jobs := 0
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Domino-Api-Key") != key {
			t.Errorf("asked with %v", r.Header)
		}
		if strings.HasPrefix(r.URL.Path, "/v4/jobs") {
			jobs++ // of a run, though the key is refused
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, r.Header)
	}))
	defer refuses.Close()
	state(refuses.URL)
	out = domctl(t, 1, "review", dir, "--window", "3650d") + domctl(t, 1, "doctor", dir)
	for _, want := range []string{"told the time of 0; 3 could not be read.", "error: how long runs pulled: domino: GET " + refuses.URL + "/v4/users/self: access denied: it does not accept the key", "✗ Domino API: "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if jobs > 0 || strings.Contains(out, key) || strings.Contains(out, "Waited longer") {
		t.Errorf("asked of %d runs\n%s", jobs, out)
	}
	if after := database(t, a); after != before {
		t.Errorf("a review wrote: %s", after)
	}
}
