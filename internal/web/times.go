package web

import (
	"fmt"
	"html/template"
	"time"

	"domctl.dev/planner"
)

// at is a time for people, exact one to the second, full both, and stamp for programs.
func at(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04") + " UTC" }

func exact(t time.Time) string { return t.UTC().Format("2 Jan, 15:04:05") + " UTC" }

func full(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") + " UTC" }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ago is how far a time is from another one, in words; the script keeps to the same rule
// as time goes by.
func ago(now, t time.Time) string {
	d, words := now.Sub(t), "%s ago"
	if d < 0 {
		d, words = -d, "in %s"
	}
	switch {
	case d < 45*time.Second && words == "in %s":
		return "in a moment"
	case d < 45*time.Second:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf(words, fmt.Sprintf("%d min", max(int(d/time.Minute), 1)))
	case d < 48*time.Hour:
		return fmt.Sprintf(words, fmt.Sprintf("%d h", int(d/time.Hour)))
	case d < month:
		return fmt.Sprintf(words, fmt.Sprintf("%d days", int(d/(24*time.Hour))))
	}
	return t.UTC().Format("2 Jan 2006")
}

// month is from when on a time is better told by its date.
const month = 30 * 24 * time.Hour

// templates are all pages; a mistake in one is the program's, and told by its tests.
func templates(now func() time.Time) *template.Template {
	of := template.New("").Funcs(template.FuncMap{"at": at, "exact": exact, "full": full, "stamp": stamp, "near": func(t time.Time) bool { return now().Sub(t).Abs() < month },
		"now": func() string { return stamp(now()) }, "ago": func(t time.Time) string { return ago(now(), t) },
		"plural": func(n int, what string) string { return planner.Plural(n, what) }, "asset": asset, "lines": listOf, "empty": emptyOf})
	return template.Must(of.ParseFS(files, "templates/*.html"))
}
