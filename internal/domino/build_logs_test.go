package domino

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// summary is the page of revisions with the address of the build's log.
func summary(at string) string {
	return fmt.Sprintf(`{"buildStatus": {%q: "Building"}, "buildLogsUrl": {%q: %q}}`, rev, rev, at)
}

const buildAddress = "/environments/" + env + "/revisions/" + rev + "/build/b-1/logs"

func rows(texts ...string) string {
	var b strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&b, "<tr class=\"x\" data-timeNano=\"%d\">\n<td class=\"time\">12:00</td><td class=\"line stdout\">%s</td></tr>\n", 10*(i+1), text)
	}
	return b.String()
}

// TestBuildLog: what a page shows is text, whatever it holds; where the log is, is asked
// once, and a page that is another one is no log.
func TestBuildLog(t *testing.T) {
	foreign := "not what Domino's API documents"
	for name, c := range map[string]struct {
		summary, table string
		code           int
		want           string
	}{
		"lines":            {summary(buildAddress), rows("Step 1/2", "a &lt;b&gt; &amp;amp; <span style='color:red'>c</span>"), 200, "[{20 a <b> &amp; c}]"},
		"none so far":      {summary(buildAddress), "", 204, "[]"},
		"nothing":          {summary(buildAddress), " \n", 200, "[]"},
		"not begun":        {fmt.Sprintf(`{"buildStatus": {%q: "Queued"}, "buildLogsUrl": {}}`, rev), "", 200, "[]"},
		"no such":          {`{"buildStatus": {}, "buildLogsUrl": {}}`, "", 200, "shows no revision"},
		"another page":     {summary(buildAddress), "<html><body><form>Log in</form></body></html>", 200, foreign},
		"without times":    {summary(buildAddress), "<tr><td class=line>x</td></tr>", 200, foreign},
		"cut off":          {summary(buildAddress), rows("one") + `<tr data-timeNano="99"><td class="line">tw`, 200, foreign},
		"leads away":       {summary("https://evil.example/environments/x/logs"), "", 200, foreign},
		"another's":        {summary("/environments/" + rev + "/revisions/" + env + "/build/b-1/logs"), "", 200, foreign},
		"climbs":           {summary("/environments/" + env + "/revisions/" + rev + "/build/../../x/logs"), "", 200, foreign},
		"no summary":       {`{}`, "", 200, foreign},
		"denied":           {summary(buildAddress), "", 403, "may not see this"},
		"gone":             {summary(buildAddress), "", 404, "404"},
		"a page to log in": {summary(buildAddress), "", 302, "sends on"},
	} {
		pages := 0
		client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/json/paged/") {
				if pages++; r.URL.Path != "/environments/"+env+"/json/paged/0/100" {
					t.Errorf("%s: %s", name, r.URL.Path)
				}
				_, _ = io.WriteString(w, c.summary)
				return
			}
			if got := r.URL.RequestURI(); got != strings.Replace(buildAddress, "/logs", "/fetchBuildLogsSince?sinceTimeNano=10&tail=true", 1) || r.Header.Get("Accept") != "text/html" {
				t.Errorf("%s: %s", name, got)
			}
			w.WriteHeader(c.code)
			_, _ = io.WriteString(w, c.table)
		})
		for range 2 {
			lines, err := client.GetBuildLog(t.Context(), env, rev, 10)
			if said := fmt.Sprint(lines); err == nil && said != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %s, %v, want %s", name, said, err, c.want)
			}
			if errors.Is(err, port.ErrNotFound) != (name == "no such" || name == "gone") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if begun := strings.Contains(c.summary, "b-1") && !strings.Contains(c.want, foreign); begun && pages != 1 {
			t.Errorf("%s: asked %d times where the log is", name, pages)
		}
	}
}

// TestALargeBuildLog is read from its end.
func TestALargeBuildLog(t *testing.T) {
	client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/json/paged/") {
			_, _ = io.WriteString(w, summary(buildAddress))
			return
		}
		for n := range 150_000 {
			fmt.Fprintf(w, "<tr data-timeNano=\"%d\"><td class=\"line\">%s %d</td></tr>\n", n+1, strings.Repeat("x", 100), n)
		}
	})
	lines, err := client.GetBuildLog(t.Context(), env, rev, 0)
	if err != nil || len(lines) < 40_000 || len(lines) > 100_000 || lines[len(lines)-1].At != 150_000 || !strings.HasPrefix(lines[0].Text, "xxx") || len(lines[0].Text) < 100 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// FuzzBuildLog: whatever a page holds, its lines have times, and are of one line each.
func FuzzBuildLog(f *testing.F) {
	f.Add(rows("one", "two"))
	f.Add("<td class=line>")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := logLines(text)
		for _, l := range lines {
			if err != nil || l.At <= 0 {
				t.Errorf("%+v, %v", l, err)
			}
		}
	})
}
