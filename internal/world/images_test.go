package world_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

const (
	envOID = `{"$oid": "65e0000000000000000000%02d"}`
	revOID = `{"$oid": "65d0000000000000000000%02d"}`
)

func revisionDoc(id, env int, rest string) string {
	return fmt.Sprintf(`{"_id": `+revOID+`, "environmentId": `+envOID+`, "metadata": {"number": %d%s}}`, id, env, id, rest)
}

func named(tag string) string {
	return `, "isBuilt": true, "dockerImageName": {"repository": "env", "tag": "` + tag + `"}`
}

func (b *bench) images(objects map[schema.Address]schema.Object) []world.UsedImage {
	b.t.Helper()
	w := &world.World{Outside: b.world, Deployment: b.deployment, Now: b.clock.Now}
	d := schema.Desired{Deployment: b.deployment, Objects: objects}
	used, err := w.Images(context.Background(), d, schema.Applied{}, b.clock.now.Add(-24*time.Hour))
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return used
}

// TestImagesInUse: active unless archived, ran in the window, pinned, cached by
// the files; never what was not built.
func TestImagesInUse(t *testing.T) {
	run := func(id int, env, rev, started, rest string) string {
		return fmt.Sprintf(`{"_id": %d, "environmentId": %s, "environmentRevisionId": %s, "started": {"$date": "%s"}%s}`, id, env, rev, started, rest)
	}
	oid := func(form string, n int) string { return fmt.Sprintf(form, n) }
	const now, old = "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"
	b := newBench(t, `"environments_v2": [
		{"_id": `+oid(envOID, 1)+`, "name": "one", "activeRevisionId": `+oid(revOID, 1)+`},
		{"_id": `+oid(envOID, 2)+`, "name": "two", "isArchived": true, "activeRevisionId": `+oid(revOID, 5)+`},
		{"_id": `+oid(envOID, 3)+`, "name": "three", "activeRevisionId": null}],
	"environment_revisions": [`+strings.Join([]string{
		revisionDoc(1, 1, named("a")), revisionDoc(2, 1, named("b")), revisionDoc(3, 1, `, "isBuilt": false, "dockerImageName": {"repository": "env", "tag": "c"}`),
		revisionDoc(4, 1, named("d")), revisionDoc(5, 2, named("e")), revisionDoc(6, 3, named("f")), revisionDoc(7, 3, `, "isBuilt": true`), revisionDoc(8, 3, named("h")),
	}, ",")+`],
	"projects": [{"_id": 1, "defaultEnvironmentRevisionSpec": "SomeRevision(65d000000000000000000006)"}, {"_id": 2, "defaultEnvironmentRevisionSpec": "SomeRevision(65d000000000000000000006)"},
		{"_id": 3, "defaultEnvironmentRevisionSpec": "ActiveRevision"}, {"_id": 4}],
	"runs": [`+strings.Join([]string{
		run(1, oid(envOID, 1), oid(revOID, 1), now, ""), run(2, oid(envOID, 1), `"65d000000000000000000001"`, now, ""), run(3, oid(envOID, 1), "null", now, ""),
		run(4, oid(envOID, 1), oid(revOID, 2), old, ""), run(5, oid(envOID, 1), oid(revOID, 3), now, ""), run(6, oid(envOID, 3), oid(revOID, 7), now, ""),
		run(7, oid(envOID, 3), "null", now, ""),
	}, ",")+`]`, "")
	var got []string
	for _, u := range b.images(all(object("environments", "one", nil),
		object("baseImages", "ded", map[string]any{"image": "quay.io/d/base:1", `digests."linux/amd64"`: "sha256:d"}), object("baseImages", "raw", map[string]any{"image": "quay.io/d/raw"}),
		object("amis", "x", map[string]any{"bake": map[string]any{"cache": map[string]any{"environments": map[string]any{"one": []any{"active", 4}}}}}))) {
		got = append(got, fmt.Sprintf("%s %s r%d %v %s runs %d pinned %d %s", u.Address, u.Name, u.Revision, u.Active, u.Image, u.Runs, u.Pinned, u.Missing))
	}
	want := []string{
		"environments.one one r4 false env:d runs 0 pinned 0 ",
		"environments.one one r1 true env:a runs 3 pinned 0 ",
		"deployment three r7 false  runs 1 pinned 0 its document names no image (metadata.dockerImageName)",
		"deployment three r6 false env:f runs 0 pinned 2 ",
		"baseImages.ded quay.io/d/base:1 r0 false quay.io/d/base@sha256:d runs 0 pinned 0 ",
		"baseImages.raw quay.io/d/raw r0 false  runs 0 pinned 0 it is not resolved for linux/amd64; run domctl update raw",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestImagesCostPages: the calls do not grow with environments.
func TestImagesCostPages(t *testing.T) {
	for _, n := range []int{1, 90} {
		var envs, revisions, runs []string
		for i := range n {
			envs = append(envs, fmt.Sprintf(`{"_id": `+envOID+`, "name": "e%d", "activeRevisionId": `+revOID+`}`, i, i, i))
			revisions = append(revisions, revisionDoc(i, i, named(fmt.Sprint(i))))
			runs = append(runs, fmt.Sprintf(`{"_id": %d, "environmentId": `+envOID+`, "environmentRevisionId": `+revOID+`, "tier": "small", "started": {"$date": "2026-03-01T00:00:00Z"}}`, i, i, i))
		}
		b := newBench(t, `"environments_v2": [`+strings.Join(envs, ",")+`], "environment_revisions": [`+strings.Join(revisions, ",")+`], "runs": [`+strings.Join(runs, ",")+`], "hardware_tier": [{"_id": "small", "nodePool": "cpu"}]`, "")
		b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "tier"}
		b.open(sandbox.Options{})
		used := b.images(nil)
		if len(used) != n || used[0].Pools["cpu"] != 1 {
			t.Errorf("%d environments: %+v", n, used)
		}
		if c := b.world.Counts(); c.Total() != 5 {
			t.Errorf("%d environments cost %d pages, want 5: environments, revisions, tiers, runs, projects: %v", n, c.Total(), c.Pages)
		}
	}
}
