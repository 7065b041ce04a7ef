package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

// builds is how the builds of one environment go: how long they take ("2m"; the file's
// buildTime unless stated), why they fail, and what they write.
type builds struct {
	Time  string   `json:"time,omitempty"`
	Fails string   `json:"fails,omitempty"`
	Log   []string `json:"log,omitempty"`
}

// GetBuildLog is what a build has written by now: its lines are spread over its time.
// Of a revision that the API knows no build of there is none.
func (w *World) GetBuildLog(ctx context.Context, environment, id string, since int64) ([]port.LogLine, error) {
	return read(ctx, w, "GetBuildLog", func(s *state) (out []port.LogLine, n int, err error) {
		doc, err := s.revision(environment, id)
		r := s.domino.Revisions[id]
		if err != nil || r.Settles == "" {
			return nil, 0, err
		}
		status, err := w.status(s, id, doc)
		if err != nil {
			return nil, 0, err
		}
		ends, err := time.Parse(time.RFC3339, r.Settles)
		if err != nil {
			return nil, 0, err
		}
		began := ends
		for _, other := range s.revisions(environment) {
			if other.ID == id {
				began = other.Created
			}
		}
		texts := r.writes(status)
		for i, text := range texts {
			at := began.Add(ends.Sub(began) * time.Duration(i) / time.Duration(len(texts))).UnixNano()
			at = at/1000*1000 + int64(i) // each its own
			over := status != port.BuildBuilding
			if at > since && (over || at <= w.opts.Clock().UnixNano()) {
				out = append(out, port.LogLine{At: at, Text: text})
			}
		}
		return out, len(out), nil
	})
}

// writes are the lines of a build in a state, from its first to its last.
func (r revision) writes(status string) (lines []string) {
	if lines = append(lines, r.Log...); len(lines) == 0 {
		instructions := []string{"FROM " + cmp.Or(r.Image, r.Base, "the default image")}
		for line := range strings.Lines(strings.ReplaceAll(r.Dockerfile, "\\\n", " ")) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				instructions = append(instructions, line)
			}
		}
		for i, line := range instructions {
			lines = append(lines, fmt.Sprintf("Step %d/%d : %s", i+1, len(instructions), line))
		}
	}
	switch {
	case status == port.BuildFailed && r.Fails != "":
		lines = append(lines, r.Fails)
	case status == port.BuildKilled:
		lines = append(lines, "the build was cancelled")
	case status == port.BuildSucceeded:
		lines = append(lines, "Successfully built")
	}
	return lines
}
