package schema

import (
	"strings"
	"testing"
	"time"
)

func window(days, from, to, zone string) Window {
	return Window{Days: strings.Fields(days), From: from, To: to, Timezone: zone}
}

// TestWindows by the clock on the wall, over nights, weeks, and nights on which
// clocks are moved.
func TestWindows(t *testing.T) {
	const ny = "America/New_York"
	night, day := window("sat", "22:00", "04:00", ny), window("mon wed", "09:00", "17:00", "UTC")
	gap := window("sun", "01:00", "02:30", ny)
	gapped := window("sun", "02:15", "05:00", ny)
	for _, c := range []struct {
		w         Window
		at, opens string // RFC 3339; opens "" while it is open
	}{
		{night, "2026-11-28T16:00:00-05:00", "2026-11-28T22:00:00-05:00"},
		{night, "2026-11-28T22:00:00-05:00", ""},
		{night, "2026-11-29T03:59:59-05:00", ""},
		{night, "2026-11-29T04:00:00-05:00", "2026-12-05T22:00:00-05:00"},
		{night, "2026-11-27T23:00:00-05:00", "2026-11-28T22:00:00-05:00"}, // a Friday night is none
		{night, "2026-11-29T06:30:00Z", ""},                               // Sunday in UTC, Saturday's night there
		{day, "2026-11-30T08:59:59Z", "2026-11-30T09:00:00Z"},
		{day, "2026-11-30T16:59:59Z", ""},
		{day, "2026-11-30T17:00:00Z", "2026-12-02T09:00:00Z"},
		{day, "2026-12-02T17:00:00Z", "2026-12-07T09:00:00Z"},
		// Clocks go from 02:00 to 03:00 on 2026-03-08: the window ends there.
		{gap, "2026-03-08T01:59:00-05:00", ""},
		{gap, "2026-03-08T03:00:00-04:00", "2026-03-15T01:00:00-04:00"},
		{gapped, "2026-03-08T01:59:00-05:00", "2026-03-08T03:00:00-04:00"},
		// Clocks go from 02:00 back to 01:00 on 2026-11-01: the hour is there twice.
		{gap, "2026-11-01T01:59:00-04:00", ""},
		{gap, "2026-11-01T01:00:00-05:00", ""},
		{gap, "2026-11-01T02:29:00-05:00", ""},
		{gap, "2026-11-01T00:59:00-04:00", "2026-11-01T01:00:00-04:00"},
		{night, "2026-03-08T03:30:00-04:00", ""},
		{night, "2026-03-08T04:00:00-04:00", "2026-03-14T22:00:00-04:00"},
		{window("sun mon tue wed thu fri sat", "22:00", "00:00", "UTC"), "2026-11-28T23:59:00Z", ""},
		{window("sun mon tue wed thu fri sat", "22:00", "00:00", "UTC"), "2026-11-29T00:00:00Z", "2026-11-29T22:00:00Z"},
		// Samoa had no 2011-12-30.
		{window("fri", "10:00", "12:00", "Pacific/Apia"), "2011-12-29T20:00:00-10:00", "2012-01-06T10:00:00+14:00"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		want := at
		if c.opens != "" {
			if want, err = time.Parse(time.RFC3339, c.opens); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.w.Opens(at); !got.Equal(want) {
			t.Errorf("%v at %s opens %s, want %s", c.w, c.at, got, want)
		}
		if fault := c.w.Fault(); fault != "" {
			t.Error(fault)
		}
	}
	if got := night.Opening(time.Date(2026, 12, 6, 3, 0, 0, 0, time.UTC)); got != "Sat 2026-12-05 22:00 "+ny {
		t.Error(got)
	}
}

// TestWindowsThatNeverOpen say why.
func TestWindowsThatNeverOpen(t *testing.T) {
	for says, w := range map[string]Window{
		"no day":       window("", "22:00", "04:00", "UTC"),
		"closes when":  window("sat", "22:00", "22:00", "UTC"),
		"no time zone": window("sat", "22:00", "04:00", "Mars/Olympus"),
		`"Local"`:      window("sat", "22:00", "04:00", "Local"),
		`"" is no`:     window("sat", "22:00", "04:00", ""),
		`"25:00"`:      window("sat", "25:00", "04:00", "UTC"),
		`"4"`:          window("sat", "22:00", "4", "UTC"),
	} {
		if got := w.Fault(); !strings.Contains(got, says) || !w.Opens(time.Date(2026, 11, 28, 22, 0, 0, 0, time.UTC)).IsZero() {
			t.Errorf("%v: %q", w, got)
		}
	}
}

func TestDurationsThatAreTooLong(t *testing.T) {
	for _, s := range []string{"65535w", "15250w65535d", "106751d25h", "9223372037s", "15250w2562047h"} {
		if d, err := ParseDuration(s); err == nil {
			t.Errorf("%s is read as %s", s, d)
		}
	}
}
