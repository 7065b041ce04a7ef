package gitops

import "domctl.dev/planner"

// StatusName is under which name a deployment's status stands.
func StatusName(deployment string) string { return "domctl/" + planner.Printable(deployment) }
