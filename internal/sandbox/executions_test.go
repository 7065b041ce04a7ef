package sandbox

import (
	"testing"
	"time"

	"domctl.dev/internal/worldtest"
)

// execution stands in the file as the contract has it.
func (c *seeder) execution(t *testing.T) {
	e := worldtest.ExecutionExample()
	as := execution{Kind: e.Kind, Owner: e.Owner, Project: e.Project, Queued: e.Queued.Format(time.RFC3339), Status: e.Status, Tier: e.Tier, Title: e.Title}
	for _, u := range e.Units {
		as.Units = append(as.Units, unit{ID: u.ID, Node: u.Node, Role: u.Role, Status: u.Status})
	}
	c.change(t, func(s *state) { s.domino.Executions = added(s.domino.Executions, e.ID, as) })
}

func (c *seeder) executor(t *testing.T, instance string) string {
	const id = "65f0000000000000000000e2"
	c.change(t, func(s *state) { s.domino.Executions = added(s.domino.Executions, id, execution{Executor: instance}) })
	return id
}
