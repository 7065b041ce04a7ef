package port

import (
	"context"
	"strings"
	"time"
)

// Labels of the pods of Domino's executions.
const (
	ExecutionLabel = "dominodatalab.com/execution-id"
	WorkloadLabel  = "dominodatalab.com/workload-type"
)

// ExecutionList is the route of Domino's API that they are listed at.
const ExecutionList = "/v4/admin/executions"

// Execution is one run, workspace, app or model of Domino, with the machines it is on.
type Execution struct {
	ID, Title, Kind   string // Kind: "Batch", "Workspace", "App", "Model" …, as Domino says
	Project, Owner    string // by name, and login
	Tier, Environment string // ids
	Status            string
	Queued, Started   time.Time
	Units             []ExecutionUnit
	Why               string // what a waiting one waits for, as Domino explains it
}

// ExecutionUnit is one node of an execution: of a cluster, each worker is one.
type ExecutionUnit struct {
	ID, Role string // Role: "run", "spark-master", "ray-worker" …, as Domino says
	Node     string // computeNodeId: a Kubernetes node, or an EC2 id of a classic executor; "" while it waits
	Status   string
}

// Executor is an instance that Domino runs executions on, in a classic deployment, and what
// Domino's database knows of it as mapped.
type Executor struct {
	Instance
	Tier string // as a tag or a document names it: an id; "" where nobody tells
	// Document is the _id, Extended JSON, of the document that names the instance; "" where
	// none does. Flag is what stands there for its maintenance, "" for nothing.
	Document, Flag string
	Odd            string // why the document is not gone by; "" where it is
}

// Maintained says that Domino gives it no new runs.
func (e Executor) Maintained() bool { return e.Odd == "" && e.Flag == "true" }

// Nowhere says of an execution's status that it is on no machine yet: it waits in the queue.
// Of any other nobody knows but who names the machine.
func Nowhere(status string) bool { return strings.EqualFold(status, "queued") }

// Executions tells which runs are live and where.
type Executions interface {
	// ListExecutions are all that have not ended, by the admin's list; a key that may not
	// see all of them is ErrDenied.
	ListExecutions(ctx context.Context) ([]Execution, error)
	// GetExecutor is the EC2 id of the executor that a job is on, as its details have it;
	// "" where they say nothing of it. ErrNotFound for an execution that is no job, whatever
	// the id.
	GetExecutor(ctx context.Context, execution string) (instance string, err error)
}
