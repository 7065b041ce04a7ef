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
		until := w.opts.Clock()
		if stopped, err := time.Parse(time.RFC3339, r.Stopped); err == nil {
			until = stopped
		}
		body, last := r.writes(status)
		line := func(i int, at time.Time, text string) {
			nano := at.UnixNano()/1000*1000 + int64(i) // each its own
			if nano > since && !at.After(until) {
				out = append(out, port.LogLine{At: nano, Text: text})
			}
		}
		for i, text := range body {
			line(i, began.Add(ends.Sub(began)*time.Duration(i)/time.Duration(len(body))), text)
		}
		if last != "" {
			line(len(body), ends, last)
		}
		return out, len(out), nil
	})
}

// writes are the lines of a build, and its last one in a state that is an end.
func (r revision) writes(status string) (lines []string, last string) {
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
	return lines, map[string]string{port.BuildFailed: r.Fails, port.BuildSucceeded: "Successfully built"}[status]
}
