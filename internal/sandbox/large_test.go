package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"domctl.dev/internal/port"
)

// large is a file of n objects as a deployment has them: four fifths
// environments with two revisions each, one fifth hardware tiers.
func large(n int) string {
	var tiers, environments, revisions []string
	for i := range n / 5 {
		tiers = append(tiers, fmt.Sprintf(`{"_id": "tier-%d", "name": "Tier %d", "nodePool": "default", "resources": {"cores": 3.5, "coresLimit": 4,
          "memory": {"value": 12, "unit": "GiB"}, "memoryLimit": {"value": 12, "unit": "GiB"}}, "flags": {"isDefault": false, "isVisible": true, "isArchived": false},
          "centsPerMinute": 2.5, "overProvisioning": {"instances": 0, "daysOfWeek": []}, "creationTime": {"$date": "2025-01-01T00:00:00Z"}}`, i, i))
	}
	for i := range n - n/5 {
		id := fmt.Sprintf("%024x", i+1)
		environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "%s"}, "name": "Environment %d", "ownerId": {"$oid": "aaaaaaaaaaaaaaaaaaaaaaaa"},
          "description": "A compute environment of the data science team", "visibility": "Global", "isArchived": false, "activeRevisionId": {"$oid": "b%s"}}`, id, i, id[1:]))
		for r := range 2 {
			revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "%s%s"}, "environmentId": {"$oid": "%s"}, "metadata": {"number": %d, "isBuilt": true,
            "created": {"$date": "2025-01-01T00:00:00Z"}, "dockerImageName": {"repository": "domino/environment", "tag": "%s-%d"}}}`, string(rune('b'+r)), id[1:], id, r+1, id, r+1))
		}
	}
	return `{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {"hardware_tier": [` + strings.Join(tiers, ",\n") +
		`], "environments_v2": [` + strings.Join(environments, ",\n") + `], "environment_revisions": [` + strings.Join(revisions, ",\n") + `]}}`
}

// planReads are the reads of a plan, side by side.
func planReads(w *World) error {
	queries := []port.Query{
		{Collection: "hardware_tier"}, {Collection: "environments_v2"}, {Collection: "config"},
		{Collection: "environment_revisions", Fields: []string{"environmentId", "metadata.number", "metadata.isBuilt"}},
	}
	errs := make([]error, len(queries))
	var all sync.WaitGroup
	for i, q := range queries {
		all.Go(func() { _, errs[i] = w.Find(context.Background(), q) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestPlanParsesTheFileOnceAndReadsByPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.json")
	pages := map[int]int{}
	for _, n := range []int{100, 10_000} {
		if err := os.WriteFile(path, []byte(large(n)), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := planReads(w); err != nil {
			t.Fatal(err)
		}
		c := w.Counts()
		if c.Parses != 1 || c.Calls["Find"] != 4 {
			t.Errorf("%d objects: %+v", n, c)
		}
		pages[n] = c.Total()
	}
	if pages[100] != 4 || pages[10_000] != 2+8+1+16 {
		t.Errorf("pages are %v", pages)
	}
}

func BenchmarkPlanReads(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "sandbox.json")
			if err := os.WriteFile(path, []byte(large(n)), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				w, err := Open(path, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := planReads(w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "sandbox.json")
	if err := os.WriteFile(path, []byte(large(10_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "sandbox.json")
	if err := os.WriteFile(path, []byte(large(10_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	w, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		_, err := w.UpdateOne(context.Background(), "hardware_tier", port.Document{"_id": `"tier-7"`}, port.Document{"n": number(fmt.Sprint(i))}, nil)
		if err != nil {
			b.Fatal(err)
		}
	}
}
