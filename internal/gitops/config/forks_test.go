package config_test

import (
	"strings"
	"testing"
	"time"
)

// TestRecordingConfig: where forks are planned from is a file of the repository.
func TestRecordingConfig(t *testing.T) {
	const with = "    recording: {file: prod/world.json, last: 2d}\n"
	for _, c := range []struct{ text, want string }{
		{with, ""},
		{"    recording: {file: world.json}\n", ""},
		{"    recording: prod/world.json\n", "24:16: deployments.prod.recording is a text, not a mapping ()"},
		{"    recording: {last: 2d}\n", "24:5: deployments.prod.recording.file is not stated ()"},
		{"    recording: {}\n", "24:5: deployments.prod.recording.file is not stated ()"},
		{"    recording: {file: prod/world.json, at: head}\n", `24:40: deployments.prod.recording.at is not known (did you mean "last"?)`},
		{strings.Replace(with, "prod/", "../", 1), "24:17: deployments.prod.recording.file is no path of the repository (write it as seen from the top of the repository: prod/world.json)"},
		{strings.Replace(with, "prod/", "/srv/", 1), "24:17: deployments.prod.recording.file is no path of the repository (write it as seen from the top of the repository: prod/world.json)"},
		{strings.Replace(with, "prod/", "prod//", 1), "24:17: deployments.prod.recording.file is no path of the repository (write it as seen from the top of the repository: prod/world.json)"},
		{strings.Replace(with, "2d", "30m", 1), "24:40: deployments.prod.recording.last is not between 1h and 90d ()"},
		{strings.Replace(with, "2d", "91d", 1), "24:40: deployments.prod.recording.last is not between 1h and 90d ()"},
		{strings.Replace(with, "2d", "0s", 1), "24:40: deployments.prod.recording.last is not between 1h and 90d ()"},
		{strings.Replace(with, "2d", "long", 1), "24:46: deployments.prod.recording.last is no duration; write it as 30s, 5m, 2h or 7d ()"},
	} {
		parsed, found := parse("s.yaml", []byte(strings.Replace(whole, "  try:\n", c.text+"  try:\n", 1)))
		want := c.want
		if want != "" {
			want = "DC520 s.yaml:" + want
		}
		if got := strings.TrimSpace(said(found)); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", c.text, got, want)
		}
		if r := parsed.Deployments["prod"].Recording; c.text == with && (r.File != "prod/world.json" || r.Last != 48*time.Hour) {
			t.Errorf("%+v", r)
		}
	}
	bare := strings.NewReplacer("    forge: acme\n    name: acme/domino\n", "", "    webhook: env:HOOK_SECRET\n", "", "  try:\n", with+"  try:\n").Replace(whole)
	if _, found := parse("s.yaml", []byte(bare)); !strings.Contains(said(found), "deployments.prod.recording is for pull requests, and its repository has no forge (state repositories.domino.forge)") {
		t.Error(said(found))
	}
}
