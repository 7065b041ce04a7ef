// Package worldtest is the contract of the ports: what every implementation of
// the outside does, case by case, each with the page of the real API's
// reference that says so.
//
// The sandbox, internal/mongo, internal/aws and internal/registry run it, the
// adapters against servers that speak the real wire protocols. An
// implementation that cannot prove a case says why, and the reason stands in
// the test log; the sandbox proves all.
package worldtest

import (
	"context"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

// World is one empty outside under test, as far as an implementation has it:
// cases of a port that is nil are not run.
type World struct {
	Documents   port.Documents
	EC2         port.EC2
	AutoScaling port.AutoScaling
	EKS         port.EKS
	SSM         port.SSM
	CloudWatch  port.CloudWatch
	Shell       port.Shell // on the instances of EC2
	STS         port.STS
	Secrets     port.Secrets
	Registry    port.Registry
	Domino      port.Domino
	Nodes       port.Nodes
	Karpenter   port.Karpenter

	// Second is another client of the same database; nil means Documents.
	Second port.Documents
	// Want is who the world says it is.
	Want Identity
	// Many objects fill more than one page of every read.
	Many int
	// Put makes what cases start from.
	Put Put
	// Settle lets time pass until what is pending is done.
	Settle func(t *testing.T)
	// Break makes the next answers to a call fail as named. nil when the
	// implementation has no way to; its cases are then unproven by name.
	Break func(t *testing.T, call string, how Failure)

	// Unproven holds for the name of a case why it cannot be shown here, and
	// how it could be.
	Unproven map[string]string
}

// Identity is what Database and GetCallerIdentity must answer.
type Identity struct{ Database, ReplicaSet, Account, Region string }

// Failure is a way for a call to fail.
type Failure string

// The failures.
const (
	Denied        Failure = "denied"        // the credentials lack the permission
	Throttled     Failure = "throttled"     // every retry is throttled
	PartialPage   Failure = "partialPage"   // the second page fails
	RepeatedToken Failure = "repeatedToken" // the second page names itself as the next
)

// Put seeds the outside, past the ports.
type Put struct {
	// Documents inserts documents in Extended JSON, fields in their order.
	Documents func(t *testing.T, collection string, docs ...string)
	// Stored is the canonical Extended JSON of the one document with the _id
	// (canonical too), fields in the order in which they are stored.
	Stored func(t *testing.T, collection, id string) string

	// Image registers an AMI of this account and answers its id.
	Image func(t *testing.T, i port.Image) string
	// Template makes a launch template with versions 1, 2, …, the first being
	// the default, and answers its id. Blocks are restated as they stand.
	Template func(t *testing.T, name string, versions ...port.LaunchTemplateVersion) string
	// InstanceType sees to it that the type exists; its capacity is the real one.
	InstanceType func(t *testing.T, i port.InstanceType)
	// Volume, Snapshot, SecurityGroup and KeyPair make one with its tags, and answer its id.
	Volume        func(t *testing.T, v port.Volume) string
	Snapshot      func(t *testing.T, s port.Snapshot) string
	SecurityGroup func(t *testing.T, g port.SecurityGroup) string
	KeyPair       func(t *testing.T, k port.KeyPair) string
	// Configuration makes a launch configuration.
	Configuration func(t *testing.T, c port.LaunchConfiguration)
	// Blocked makes one with a volume of a snapshot for each device.
	Blocked func(t *testing.T, c port.LaunchConfiguration, snapshots map[string]string)
	// Group makes an Auto Scaling group.
	Group func(t *testing.T, g port.AutoScalingGroup)
	// NodeGroup makes a managed node group, and its cluster if need be.
	NodeGroup func(t *testing.T, g port.NodeGroup)
	// Protected sets an instance's protection from scale-in, Suspended a process of a group;
	// Warm gives a group a warm pool.
	Protected func(t *testing.T, group, instance string, on bool)
	Suspended func(t *testing.T, group, process string)
	Warm      func(t *testing.T, group string)
	// Alarm makes an alarm of CloudWatch in a state.
	Alarm func(t *testing.T, a port.Alarm)
	// Lacking has EC2 hold so many instances for a group and no more, for the reason of code.
	Lacking func(t *testing.T, group string, room int64, code string)
	// Parameter sets an SSM parameter.
	Parameter func(t *testing.T, name, value string)
	// Pull makes a job of Domino that waited so long for its images: 2m10s, or one of
	// "pulling", "failed", "none", of which no time is told. It answers the job's id.
	Pull func(t *testing.T, pull string) string
	// Environment makes an environment of Domino whose revision 1 is built and active,
	// and answers the ids of both. It builds at once, or, where building is stated, until
	// time passes.
	Environment func(t *testing.T, building bool) (environment, revision string)
	// Tier makes the hardware tier TierExample, and Settings SettingExamples.
	Tier, Settings func(t *testing.T)
	// Project makes a project of Domino and a hardware tier, and answers their ids.
	Project func(t *testing.T) (project, tier string)
	// Execution makes ExecutionExample, and no other that is live.
	Execution func(t *testing.T)
	// Executor makes a job whose details name this instance, or none; it answers the job's id.
	Executor func(t *testing.T, instance string) string
	// Secret makes a secret in Secrets Manager and answers its ARN.
	Secret func(t *testing.T, name, value string) (arn string)
	// Node, Pod and Budget make one in Kubernetes, and wait until the cluster knows of it. A
	// pod that runs is ready; what a node and a pod are given by the cluster is not stated.
	Node   func(t *testing.T, n port.Node)
	Pod    func(t *testing.T, p port.Pod)
	Budget func(t *testing.T, b Budget)
	// NodePool, NodeClass and NodeClaim make one of Karpenter's; what it and the cluster tell
	// is not stated.
	NodePool  func(t *testing.T, p port.NodePool)
	NodeClass func(t *testing.T, c port.NodeClass)
	NodeClaim func(t *testing.T, c port.NodeClaim)
	// RegistryImage pushes an image with the platforms under repository:tag and
	// answers how a client names it, and its digests by platform.
	RegistryImage func(t *testing.T, repository, tag string, platforms ...string) (image string, digests map[string]string)
}

// Case is one sentence of the contract.
type Case struct {
	Name string
	// Source is the page of the reference that states it.
	Source string
	has    func(World) bool
	run    func(t *testing.T, w World)
}

// Cases of all ports, in the order in which they run.
func Cases() (cases []Case) {
	add := func(has func(World) bool, group []Case) {
		for _, c := range group {
			c.has = has
			cases = append(cases, c)
		}
	}
	documents := func(w World) bool { return w.Documents != nil }
	add(documents, findCases())
	add(documents, typeCases())
	add(documents, writeCases())
	add(documents, refusedCases())
	add(func(w World) bool { return w.EC2 != nil }, append(imageCases(), offeringCases()...))
	add(func(w World) bool { return w.EC2 != nil }, templateCases())
	add(func(w World) bool { return w.EC2 != nil }, instanceCases())
	add(func(w World) bool { return w.EC2 != nil }, leftoverCases())
	add(func(w World) bool { return w.EC2 != nil }, bakeCases())
	add(func(w World) bool { return w.Shell != nil }, shellCases())
	add(func(w World) bool { return w.AutoScaling != nil }, configurationCases())
	add(func(w World) bool { return w.AutoScaling != nil && w.EC2 != nil }, groupCases())
	add(func(w World) bool { return w.AutoScaling != nil && w.EC2 != nil }, slices.Concat(groupInstanceCases(), instanceRefreshCases()))
	add(func(w World) bool { return w.AutoScaling != nil && w.EC2 != nil }, madeTemplateCases())
	add(func(w World) bool { return w.AutoScaling != nil && w.EC2 != nil && w.SSM != nil }, regionCases())
	add(func(w World) bool { return w.EKS != nil }, nodeGroupCases())
	add(func(w World) bool { return w.EKS != nil && w.AutoScaling != nil && w.EC2 != nil }, groupVersionCases())
	add(func(w World) bool { return w.SSM != nil }, parameterCases())
	add(func(w World) bool { return w.CloudWatch != nil }, alarmCases())
	add(func(w World) bool { return w.Secrets != nil }, secretCases())
	add(func(w World) bool { return w.STS != nil }, identityCases())
	add(func(w World) bool { return w.Registry != nil }, registryCases())
	add(func(w World) bool { return w.Registry != nil }, layerCases())
	add(func(w World) bool { return w.Domino != nil }, dominoCases())
	add(func(w World) bool { return w.Domino != nil }, kindCases())
	add(func(w World) bool { return w.Domino != nil }, jobCases())
	add(func(w World) bool { return w.Domino != nil }, executionCases())
	add(func(w World) bool { return w.Nodes != nil }, nodeCases())
	add(func(w World) bool { return w.Karpenter != nil }, karpenterCases())
	return append(cases, pageCases()...)
}

// Run proves every case of the ports that open's worlds have, each on a fresh
// one.
func Run(t *testing.T, open func(t *testing.T) World) {
	names := map[string]bool{}
	ports := open(t)
	for _, c := range Cases() {
		if !c.has(ports) {
			continue
		}
		if names[c.Name] {
			t.Errorf("two cases are named %s", c.Name)
		}
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			w := open(t)
			for name := range w.Unproven {
				if !known(name) {
					t.Errorf("unproven %q is no case", name)
				}
			}
			c.prove(t, w)
		})
	}
}

func known(name string) bool {
	for _, c := range Cases() {
		if c.Name == name {
			return true
		}
	}
	return false
}

func (c Case) prove(t *testing.T, w World) {
	if why := w.Unproven[c.Name]; why != "" {
		t.Skipf("unproven here (%s): %s", c.Source, why)
	}
	t.Logf("source: %s", c.Source)
	c.run(t, w)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// value fails the test on an error and is the answer otherwise.
func value[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func background() context.Context { return context.Background() }
