package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Issues are where a repository keeps its own.
type Issues struct {
	port.Tracker
	Repo string // its name there
}

// claimed is for how long an issue is one controller's to see to: longer than it takes.
const claimed = 5 * time.Minute

// track has the issue at the forge say what the record does: one is opened, changed, or
// closed. That somebody is at it is recorded before; whoever comes after a crash finds
// the issue by its first line.
func (d *Desk) track(ctx context.Context) error {
	if d.Issues.Tracker == nil || !slices.Contains(d.Bound.Drift.Tell, config.TellIssue) {
		return nil
	}
	store, err := d.Records(ctx)
	if err != nil {
		return err
	}
	var is Drift
	etag, _, err := read(ctx, store, driftKey, &is)
	if err != nil || is.Issued == is.Key || d.Now().Before(is.Claimed.Add(claimed)) {
		return err
	}
	is.Claimed, is.Nonce = d.Now().UTC(), d.Random()
	if etag, err = write(ctx, store, driftKey, etag, is); lost(err) {
		return nil // another one sees to it
	} else if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, claimed/2)
	defer cancel()
	if is.Issue, err = d.issue(within, is); err != nil {
		return fmt.Errorf("issue: %w", err)
	}
	is.Issued, is.Claimed, is.Nonce = is.Key, time.Time{}, d.Random()
	if _, err = write(ctx, store, driftKey, etag, is); lost(err) {
		return nil // the next look finds the issue
	}
	return err
}

// issue opens, changes or closes it, and answers its id while it is open.
func (d *Desk) issue(ctx context.Context, is Drift) (id string, err error) {
	all, err := d.Issues.OpenIssues(ctx, d.Issues.Repo)
	if err != nil {
		return "", err
	}
	mark := marker("domctl-drift", d.Name)
	title := planner.Printable(d.Name) + ": changed outside of domctl"
	body := mark + "\n\n" + is.body()
	i := slices.IndexFunc(all, func(i port.Issue) bool {
		first, _, _ := strings.Cut(i.Body, "\n")
		return strings.TrimRight(first, "\r ") == mark
	})
	switch {
	case i < 0 && is.Key == "":
		return "", nil
	case i < 0:
		return d.Issues.NewIssue(ctx, d.Issues.Repo, title, body)
	case is.Key == "":
		return "", d.Issues.EditIssue(ctx, d.Issues.Repo, all[i], false)
	}
	return all[i].ID, d.Issues.EditIssue(ctx, d.Issues.Repo, port.Issue{ID: all[i].ID, Title: title, Body: body}, true)
}

// body says what drifted, where no forge reads names as anything but text.
func (d Drift) body() string {
	const most = 40 // of its changes
	var b strings.Builder
	fmt.Fprintf(&b, "Somebody changed this since commit %.12s was applied; seen first %s.\n\n```\n", d.Commit, d.Since.Format(time.RFC3339))
	for _, c := range d.Changes[:min(len(d.Changes), most)] {
		line := fmt.Sprintf("%s  %s: %s", c.Address, c.Action, c.Reason)
		if len(c.Fields) > 0 {
			line += " (" + strings.Join(c.Fields[:min(len(c.Fields), 10)], ", ") + ")"
		}
		b.WriteString(strings.ReplaceAll(planner.Printable(line), "`", "'") + "\n")
	}
	if more := max(len(d.Changes)-most, 0) + d.More; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	b.WriteString("```\n\n`domctl plan` shows the values. The next apply puts it back, unless the files take it over. This is closed when all is as it was applied.\n")
	return b.String()
}
