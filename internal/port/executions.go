package port

import (
	"context"
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

// Executions tells which runs are live and where.
type Executions interface {
	// ListExecutions are all that have not ended, by the admin's list; a key that may not
	// see all of them is ErrDenied.
	ListExecutions(ctx context.Context) ([]Execution, error)
}
