package sandbox

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

// Fault is a failure on request: in the file under "faults", or in Options.
// It strikes calls whose name matches Call (a path.Match pattern: "Describe*";
// empty means all the fault can strike), skips the first After of them and then
// strikes Times times, 0 being always. Counting starts with each World.
type Fault struct {
	After  int    `json:"after,omitempty"`
	Call   string `json:"call,omitempty"`
	Delay  string `json:"delay,omitempty"`  // of slow: "2s"
	Fault  string `json:"fault"`            // its name, see Faults
	Region string `json:"region,omitempty"` // of calls for one region alone
	Times  int    `json:"times,omitempty"`
	Lag    int    `json:"writes,omitempty"` // of lag: how many writes are not seen yet
}

// Faults are the names a Fault may have, each with what the caller sees.
func Faults() map[string]string {
	return map[string]string{
		"denied":        "the credentials lack the permission (AccessDenied, Unauthorized, registry 401)",
		"throttled":     "still throttled after every retry (RequestLimitExceeded, registry 429)",
		"expired":       "the credentials have expired",
		"down":          "nobody answers: connection refused",
		"hang":          "no answer until the caller's deadline",
		"slow":          "the answer comes after delay",
		"lag":           "AWS and registry reads show the state before the last writes",
		"lost":          "the call takes effect and its answer is lost",
		"undeliverable": "a script is not run: the machine's agent does not fetch it",
		"timedOut":      "a script is ended at its timeout before it did anything",
		"fails":         "an image, instance, build or refresh is begun, and fails; an update of a node group cannot evict a pod",
		"unreachable":   "an instance that runs does not answer",
		"impostor":      "another machine answers at an instance's address, with a host key of its own",
		"partialPage":   "a read fails after its first page",
		"repeatedToken": "a read is given the same page token twice",
		"notPrimary":    "MongoDB: the server is not primary, nothing was written",
		"failover":      "MongoDB: the primary steps down once the write has taken effect",
		"readOnly":      "MongoDB: the user may not write",
	}
}

// check refuses a fault that would never strike as written.
func (f Fault) check() error {
	if _, ok := Faults()[f.Fault]; !ok {
		return fmt.Errorf("there is no fault %q; there are %s", f.Fault, strings.Join(sortedFaults(), ", "))
	}
	if _, err := path.Match(f.Call, ""); err != nil {
		return fmt.Errorf("fault %s: call %q is not a pattern", f.Fault, f.Call)
	}
	if _, err := time.ParseDuration(f.Delay); f.Fault == "slow" && err != nil {
		return fmt.Errorf(`fault slow: delay %q is not a time like "2s"`, f.Delay)
	}
	if f.Call != "" && !slices.ContainsFunc(Calls(), f.names) {
		return fmt.Errorf("fault %s: no call is named %q; there are %s", f.Fault, f.Call, strings.Join(Calls(), ", "))
	}
	return nil
}

func sortedFaults() (names []string) {
	for name := range Faults() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Calls are the names of all outside calls, as faults and hooks know them.
func Calls() []string {
	return []string{
		"ArchiveEnvironment", "ArchiveTier", "CancelBuild", "CancelInstanceRefresh", "CopyImage", "CopyLaunchConfiguration", "Count", "CreateEnvironment", "CreateImage", "CreateLaunchTemplate", "CreateLaunchTemplateVersion", "CreateRevision", "CreateSetting", "CreateTags", "CreateTier", "Database",
		"DeleteLaunchConfiguration", "DeleteLaunchTemplate", "DeleteLaunchTemplateVersion", "DeleteOne",
		"DeleteSetting", "DeleteSnapshot", "DeleteTags", "DeleteVolume", "DeregisterImage", "DescribeAutoScalingGroups", "DescribeAutoScalingInstances", "DescribeInstanceRefreshes", "DescribeUpdate", "DescribeAlarms", "DescribeCluster", "DescribeDefaultVersions",
		"DescribeImages", "DescribeInstanceTypes", "DescribeInstances", "DescribeKeyPairs", "DescribeLaunchConfigurations",
		"DescribeLaunchPermission", "DescribeLaunchTemplateVersions", "DescribeLaunchTemplates", "DescribeNodegroup",
		"DescribeSecurityGroups", "DescribeSnapshots", "DescribeVolumes", "Digests", "DisableImageDeprecation", "DominoUser",
		"EnableImageDeprecation", "EvictPod", "FailedActivities", "Find", "GetBuild", "GetBuildLog", "GetCallerIdentity", "GetConsoleOutput", "GetDefinition", "GetExecutor", "GetParameters", "GetSecretValue", "InsertOne", "KubernetesSecret",
		"Layers", "ListExecutions", "ListFollowers", "ListJobs", "ListNodegroups", "ListNodes", "ListPods", "ListRevisions", "ListSettings", "ListTiers", "ModifyLaunchPermission", "ModifyLaunchTemplate", "ProbeRoutes", "PullTime", "Reachable", "RunInstance", "RunScript", "SetActiveRevision", "ShareEnvironment", "StartInstance", "StartJob", "StopInstance", "StopJob",
		"DescribeInstanceTypeOfferings",
		"DefaultEnvironment", "SetCordoned", "SetDefaultEnvironment",
		"TerminateInstance", "UpdateAutoScalingGroup", "TagGroup", "UntagGroup", "UpdateNodegroupConfig", "UpdateOne", "UpdateSetting", "UpdateTier",
		"DeleteNodeClaim", "HoldDrift", "ListNodeClaims", "ListNodeClasses", "ListNodePools", "SetImageTerms", "SetLimits",
		"DescribeTemplatesNamed", "StartInstanceRefresh", "TerminateInstanceInGroup", "UpdateNodegroupVersion",
	}
}

func (f Fault) names(call string) bool {
	ok, _ := path.Match(f.Call, call)
	return ok || f.Call == ""
}

func (p *parser) faults(into *[]Fault) error {
	return p.array(func() error {
		start := p.i
		var f Fault
		if err := p.strict(&f, "faults[]"); err != nil {
			return err
		}
		if err := f.check(); err != nil {
			return p.fail(start, "%v", err)
		}
		*into = append(*into, f)
		return nil
	})
}

// strikes says which of the names a call of this sort can suffer.
func (c call) suffers(name string) bool {
	switch name {
	case "notPrimary":
		return c.mongo
	case "failover", "readOnly":
		return c.mongo && c.write
	case "partialPage", "repeatedToken":
		return !c.write
	case "lag":
		return !c.write && !c.mongo && !c.kubernetes()
	case "undeliverable", "timedOut":
		return c.name == "RunScript"
	case "unreachable":
		return c.name == "Reachable"
	case "impostor":
		return c.name == "Reachable" || c.name == "RunScript"
	case "fails":
		return slices.Contains([]string{"CopyImage", "CreateEnvironment", "CreateImage", "CreateRevision", "RunInstance", "StartInstanceRefresh", "StartJob", "UpdateNodegroupVersion"}, c.name)
	}
	return true
}

// suffer finds the faults that strike this call, counting each.
func (w *World) suffer(c call, place string, asked []Fault) (struck []Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range slices.Concat(w.opts.Faults, asked) {
		if !f.names(c.name) || !c.suffers(f.Fault) || f.Region != "" && f.Region != place {
			continue
		}
		n := w.struck[f]
		w.struck[f]++
		if n >= f.After && (f.Times == 0 || n < f.After+f.Times) {
			struck = append(struck, f)
		}
	}
	return struck
}

var errUnreachable = errors.New("the instance does not answer")

// before is what a fault does in place of the call.
func (f Fault) before(ctx context.Context, wait func(context.Context, time.Duration) error) error {
	switch f.Fault {
	case "denied", "readOnly":
		return port.ErrDenied
	case "throttled":
		return port.ErrThrottled
	case "expired":
		return errors.New("the security token included in the request is expired")
	case "unreachable":
		return errUnreachable
	case "impostor":
		return port.ErrHostKey
	case "down":
		return errors.New("connection refused")
	case "notPrimary":
		return port.ErrNotPrimary
	case "undeliverable":
		return port.ErrState
	case "timedOut":
		return port.ErrTimeout
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	case "slow":
		d, _ := time.ParseDuration(f.Delay)
		return wait(ctx, d)
	}
	return nil
}

// after is what a fault does to the answer of a call that took effect.
func (f Fault) after() error {
	switch f.Fault {
	case "lost":
		return fmt.Errorf("the connection was closed before the answer came: %w", port.ErrLost)
	case "failover":
		return errors.New("the primary stepped down before it answered")
	case "partialPage":
		return errors.New("the connection was closed after the first page")
	case "repeatedToken":
		return errors.New("the page token repeats: the answer would never end")
	}
	return nil
}
