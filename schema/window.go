package schema

import (
	"fmt"
	"slices"
	"time"
)

// weekdays are the days of a window, as users write them.
func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// clock reads "22:00" as minutes since midnight.
func clock(text string) (minutes int, err error) {
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

// parsed is a window that can be asked.
type parsed struct {
	days     []string
	from, to int // minutes since midnight
	zone     *time.Location
}

func (w Window) parse() (p parsed, err error) {
	p.days = w.Days
	if p.from, err = clock(w.From); err == nil {
		p.to, err = clock(w.To)
	}
	if err != nil {
		return p, fmt.Errorf("its times are %q and %q; write them as 22:00", w.From, w.To)
	}
	if p.zone, err = time.LoadLocation(w.Timezone); err != nil || w.Timezone == "" || w.Timezone == "Local" {
		return p, fmt.Errorf("%q is no time zone; write one as America/New_York", w.Timezone)
	}
	return p, nil
}

// Fault says why a window never opens, or cannot be told to; "" when nothing is
// amiss.
func (w Window) Fault() string {
	p, err := w.parse()
	switch {
	case err != nil:
		return err.Error()
	case len(p.days) == 0:
		return "it opens on no day"
	case p.from == p.to:
		return "it closes when it opens, at " + w.From
	}
	return ""
}

// Opens says when a window is open next: t itself while it is. It goes by what a
// clock on the wall shows there, so that a night on which clocks move is longer
// or shorter. Zero: never, see Fault.
func (w Window) Opens(t time.Time) time.Time {
	p, err := w.parse()
	switch {
	case err != nil:
		return time.Time{}
	case p.open(t):
		return t
	}
	here := t.In(p.zone)
	const around = 2 * time.Hour // no clock is moved by more
	for day := range 9 {         // from today to this day next week, which may be skipped by a clock that moves
		at := time.Date(here.Year(), here.Month(), here.Day()+day, 0, p.from, 0, 0, p.zone)
		for m := at.Add(-around); !m.After(at.Add(around)); m = m.Add(time.Minute) {
			if m.After(t) && p.open(m) {
				return m
			}
		}
	}
	return time.Time{}
}

// open says whether the clock on the wall shows a time of the window.
func (p parsed) open(t time.Time) bool {
	here := t.In(p.zone)
	on := func(day time.Weekday) bool { return slices.Contains(p.days, weekdays()[day]) }
	now, today, yesterday := here.Hour()*60+here.Minute(), here.Weekday(), (here.Weekday()+6)%7
	if p.from < p.to {
		return on(today) && now >= p.from && now < p.to
	}
	return p.from > p.to && (on(today) && now >= p.from || on(yesterday) && now < p.to)
}

// Opening is a moment as people of the window's zone write it: "Sat 2026-03-07
// 22:00 America/New_York".
func (w Window) Opening(t time.Time) string {
	if zone, err := time.LoadLocation(w.Timezone); err == nil {
		t = t.In(zone)
	}
	return t.Format("Mon 2006-01-02 15:04 ") + w.Timezone
}

// windows checks that each window opens.
func (c *checker) windows() {
	for _, name := range Sorted(c.Deployment.Windows) {
		if fault := c.Deployment.Windows[name].Fault(); fault != "" && !c.broken[Address{}] {
			at := c.Deployment.WindowsAt[name]
			if len(at) == 0 {
				at = c.Deployment.At
			}
			c.add("DC115", Error, Address{}, at, "correct it, as in "+windowText(name, "America/New_York"), "window %s: %s", quoted(name), fault)
		}
	}
}

// windowHint names the window that is meant, or how one is stated.
func windowHint(name string, windows map[string]Window) string {
	if len(windows) > 0 {
		return DidYouMean(name, Sorted(windows))
	}
	return "state it: " + windowText(name, "UTC")
}

// windowText is a window as files state one.
func windowText(name, zone string) string {
	return fmt.Sprintf(`deployment: windows: %s: {days: ["sat"], from: "22:00", to: "04:00", timezone: %q}`, JoinPath(name), zone)
}
