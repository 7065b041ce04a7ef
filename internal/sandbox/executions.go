package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// execution is one that Domino's admin list has, beside the jobs that were started. One
// that ends does so at Ends, or with its machines.
type execution struct {
	Ends        string `json:"ends,omitempty"` // RFC 3339
	Environment string `json:"environment,omitempty"`
	Executor    string `json:"executor,omitempty"` // EC2 id, which its details have and the list has not
	Kind        string `json:"kind,omitempty"`     // "Batch" unless stated
	Lost        string `json:"lost,omitempty"`     // RFC 3339: when Karpenter ended a machine of it, before its end
	Owner       string `json:"owner,omitempty"`
	Project     string `json:"project,omitempty"` // "owner/name"
	Queued      string `json:"queued,omitempty"`  // RFC 3339
	Started     string `json:"started,omitempty"` // RFC 3339
	Status      string `json:"status,omitempty"`  // "Running" unless stated
	Tier        string `json:"tier,omitempty"`
	Title       string `json:"title,omitempty"`
	Units       []unit `json:"units,omitempty"`
	Why         string `json:"why,omitempty"`
}

// unit is one machine of an execution.
type unit struct {
	ID       string `json:"id,omitempty"`
	Instance string `json:"instance,omitempty"` // that the node is of
	Node     string `json:"node,omitempty"`
	Role     string `json:"role,omitempty"`   // "run" unless stated
	Status   string `json:"status,omitempty"` // "Running" unless stated
}

func (e execution) port(id string) (out port.Execution, err error) {
	out = port.Execution{ID: id, Title: e.Title, Kind: cmp.Or(e.Kind, "Batch"), Project: e.Project, Owner: e.Owner, Tier: e.Tier, Environment: e.Environment, Status: cmp.Or(e.Status, "Running"), Why: e.Why}
	for text, into := range map[*string]*time.Time{&e.Queued: &out.Queued, &e.Started: &out.Started} {
		if *text == "" {
			continue
		}
		if *into, err = time.Parse(time.RFC3339, *text); err != nil {
			return out, fmt.Errorf("domino.executions.%s: %q is not a time like 2026-03-31T12:00:00Z", id, *text)
		}
	}
	for _, u := range e.Units {
		out.Units = append(out.Units, port.ExecutionUnit{ID: u.ID, Role: cmp.Or(u.Role, "run"), Node: u.Node, Status: cmp.Or(u.Status, "Running")})
	}
	return out, nil
}

// ListExecutions are those of the file, and jobs that were started and have not ended.
func (w *World) ListExecutions(ctx context.Context) ([]port.Execution, error) {
	return read(ctx, w, "ListExecutions", func(s *state) ([]port.Execution, int, error) {
		out := []port.Execution{}
		for _, id := range schema.Sorted(s.domino.Executions) {
			e, err := s.domino.Executions[id].port(id)
			if err != nil {
				return nil, 0, err
			}
			if over, err := w.passed(s.domino.Executions[id].Ends); err != nil {
				return nil, 0, fmt.Errorf("domino.executions.%s: %w", id, err)
			} else if over || !w.killed(s, s.domino.Executions[id]).IsZero() {
				continue
			}
			out = append(out, e)
		}
		for _, id := range schema.Sorted(s.domino.Jobs) {
			j := s.domino.Jobs[id]
			as, err := w.jobOf(id, j)
			if err != nil {
				return nil, 0, err
			}
			if !as.Ended {
				out = append(out, port.Execution{ID: id, Title: j.Title, Kind: "Batch", Project: j.Project, Tier: j.Tier, Environment: j.Environment, Status: as.Status, Queued: as.Submitted, Started: as.Submitted})
			}
		}
		return out, len(out), nil
	})
}

// GetExecutor is the executor of an execution of the file; jobs that were started tell none.
func (w *World) GetExecutor(ctx context.Context, execution string) (string, error) {
	return read(ctx, w, "GetExecutor", func(s *state) (string, int, error) {
		e, known := s.domino.Executions[execution]
		if _, started := s.domino.Jobs[execution]; !known && !started {
			return "", 0, fmt.Errorf("job %s: %w", execution, port.ErrNotFound)
		}
		return e.Executor, 1, nil
	})
}
