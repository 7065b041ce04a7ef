package web

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{0: "just now", 44 * time.Second: "just now", 50 * time.Second: "1 min ago", 119 * time.Second: "1 min ago", 59 * time.Minute: "59 min ago", 47 * time.Hour: "47 h ago",
		48 * time.Hour: "2 days ago", 31 * 24 * time.Hour: "29 Oct 2026", -time.Second: "in a moment", -5 * time.Minute: "in 5 min", -50 * time.Hour: "in 2 days", -40 * 24 * time.Hour: "8 Jan 2027"} {
		if is := ago(now, now.Add(-d)); is != want {
			t.Errorf("%s: %q, not %q", d, is, want)
		}
	}
}
