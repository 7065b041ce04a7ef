package metrics_test

import (
	"flag"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/scrape.txt")

// TestScrape: testdata/scrape.txt holds the series that a controller serves; hack/promql
// runs the dashboard's and the alerts' queries on them.
func TestScrape(t *testing.T) {
	w := httptest.NewRecorder()
	busy().Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var kept strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		text := strings.TrimPrefix(line, "# TYPE ")
		if strings.HasPrefix(text, "domctl_") || strings.HasPrefix(text, "go_goroutines ") || strings.HasPrefix(text, "process_resident_memory_bytes ") {
			kept.WriteString(line)
		}
	}
	const at = "testdata/scrape.txt"
	if *update {
		if err := os.WriteFile(at, []byte(kept.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if series(string(was)) != series(kept.String()) {
		t.Errorf("other series are served than %s holds: go test ./internal/metrics -update", at)
	}
}

// series are the lines without the values, which no two runs have alike.
func series(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line[:strings.LastIndex(line, " ")] + "\n")
	}
	return b.String()
}
