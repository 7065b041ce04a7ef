package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"domctl.dev/schema"
)

// Foretold is what new nodes pull of the images in use once the plan bakes AMI,
// and before. It is for people: the applier never reads it, and a plan's effect
// does not cover it.
type Foretold struct {
	AMI schema.Address `json:"ami"`
	// Users are the pools and tiers that start from Today and are to start from
	// AMI; none while nothing names it.
	Users []schema.Address `json:"users"`
	Today string           `json:"today,omitempty"` // an image's id
	Pulls []Pull           `json:"pulls"`
}

// Pull is one image, in bytes that a new node transfers for it: Empty when it
// holds nothing. nil is unknown: nobody can tell what a hand-made image holds, and
// a registry that does not answer tells nothing either.
type Pull struct {
	Image   string `json:"image"`
	Runs    int64  `json:"runs"`
	Empty   *int64 `json:"emptyBytes"`
	Today   *int64 `json:"todayBytes"`
	Planned *int64 `json:"plannedBytes"`
}

// Foretell adds what new nodes will pull, and what was found on the way.
func (d *Draft) Foretell(all []Foretold, findings []schema.Finding) {
	d.plan.Forecast = all
	d.plan.Findings = append(d.plan.Findings, findings...)
}

// ForetoldDays is how far back runs count in a forecast.
const ForetoldDays = 30

// mostPulls is how many images are shown of each forecast; JSON has all.
const mostPulls = 8

// foretold renders the forecasts for people, a table each.
func (p Plan) foretold() string {
	var b strings.Builder
	for _, f := range p.Forecast {
		users := "nothing in the files starts from it"
		if len(f.Users) > 0 {
			users = Few(f.Users)
		}
		today := "today's image"
		if f.Today != "" {
			today = f.Today
		}
		fmt.Fprintf(&b, "New nodes pull, from %s → from %s as planned (%s):\n", Printable(today), Printable(f.AMI.String()), Printable(users))
		rows := slices.SortedStableFunc(slices.Values(f.Pulls), func(a, b Pull) int { return cmp.Compare(b.Runs, a.Runs) })
		shown := rows[:min(len(rows), mostPulls)]
		width := 0
		for _, r := range shown {
			width = max(width, utf8.RuneCountInString(clip(r.Image)))
		}
		for _, r := range shown {
			image := clip(r.Image)
			fmt.Fprintf(&b, "    %s%s  %s → %s, %s uncached, %s in %d days\n", image, strings.Repeat(" ", width-utf8.RuneCountInString(image)), pulled(r.Today), pulled(r.Planned), pulled(r.Empty), Plural(r.Runs, "run"), ForetoldDays)
		}
		if left := len(rows) - len(shown); left > 0 {
			fmt.Fprintf(&b, "    … %s; --format json has all\n", Plural(left, "more image"))
		}
		if len(rows) == 0 {
			b.WriteString("    no image is in use\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func pulled(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return schema.ShortBytes(*n)
}
