package schema

// What those who use an object must do about its change; of nodes that a plan replaces,
// planner says more.
const (
	newNodes      = "Nothing ends because of the nodes: those that run stay, and new ones start otherwise. A first start on a new node may take longer."
	newRevision   = "Workspaces that run keep the revision they started with: stop and start them to work in the new one."
	noEnvironment = "Choose another environment in place of one that is archived, where projects, jobs, apps or models use it."
	newSize       = "What runs keeps its size: stop and start it to get the new one."
	noTier        = "Choose another hardware tier in place of one that is archived."
)
