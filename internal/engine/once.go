package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// once is an outside as it stood at the first look: what was asked once is answered
// from memory, so that two plans rest on the same answers. Only what a look asks is
// remembered; a failed read is not.
type once struct {
	port.Outside
	*memory
}

// memory holds answers by question.
type memory struct {
	mu   sync.Mutex
	told map[string]*answer
}

type answer struct {
	mu    sync.Mutex
	known bool
	value any
}

func newMemory() *memory { return &memory{told: map[string]*answer{}} }

// recall answers a question, asking the first time.
func recall[T any](m *memory, ask func() (T, error), question ...any) (T, error) {
	key := fmt.Sprintf("%#v", question)
	m.mu.Lock()
	a, ok := m.told[key]
	if !ok {
		a = &answer{}
		m.told[key] = a
	}
	m.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.known {
		value, err := ask()
		if err != nil {
			return value, err
		}
		a.value, a.known = value, true
	}
	return a.value.(T), nil
}

// list is recall for lists, of which each asker gets its own.
func list[T any](m *memory, ask func() ([]T, error), question ...any) ([]T, error) {
	all, err := recall(m, ask, question...)
	return slices.Clone(all), err
}

// Database is port.Documents'.
func (o once) Database(ctx context.Context) (port.Database, error) {
	return recall(o.memory, func() (port.Database, error) { return o.Outside.Database(ctx) }, "Database")
}

// Find is port.Documents'.
func (o once) Find(ctx context.Context, q port.Query) ([]port.Document, error) {
	return list(o.memory, func() ([]port.Document, error) { return o.Outside.Find(ctx, q) }, "Find", q)
}

// Count is port.Documents'.
func (o once) Count(ctx context.Context, g port.Group) ([]port.Count, error) {
	return list(o.memory, func() ([]port.Count, error) { return o.Outside.Count(ctx, g) }, "Count", g)
}

// GetCallerIdentity is port.STS'.
func (o once) GetCallerIdentity(ctx context.Context) (port.Identity, error) {
	return recall(o.memory, func() (port.Identity, error) { return o.Outside.GetCallerIdentity(ctx) }, "GetCallerIdentity")
}

// In is port.EC2's.
func (o once) In(region string) port.Region {
	return onceRegion{o.Outside.In(region), o.memory, region}
}

// home is once for what other regions are asked too.
func (o once) home() onceRegion { return onceRegion{o.Outside, o.memory, ""} }

// DescribeImages is port.Region's.
func (o once) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	return o.home().DescribeImages(ctx, q)
}

// DescribeLaunchPermission is port.Region's.
func (o once) DescribeLaunchPermission(ctx context.Context, image string) (port.LaunchPermission, error) {
	return o.home().DescribeLaunchPermission(ctx, image)
}

// DescribeSnapshots is port.Region's.
func (o once) DescribeSnapshots(ctx context.Context, q port.Select) ([]port.Snapshot, error) {
	return o.home().DescribeSnapshots(ctx, q)
}

// DescribeInstances is port.Region's.
func (o once) DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error) {
	return o.home().DescribeInstances(ctx, q)
}

// DescribeLaunchTemplates is port.Region's.
func (o once) DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error) {
	return o.home().DescribeLaunchTemplates(ctx, ids)
}

// DescribeLaunchTemplateVersions is port.Region's.
func (o once) DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return o.home().DescribeLaunchTemplateVersions(ctx, template, numbers)
}

// DescribeDefaultVersions is port.Region's.
func (o once) DescribeDefaultVersions(ctx context.Context) ([]port.LaunchTemplateVersion, error) {
	return o.home().DescribeDefaultVersions(ctx)
}

// DescribeAutoScalingGroups is port.Region's.
func (o once) DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error) {
	return o.home().DescribeAutoScalingGroups(ctx, names)
}

// DescribeLaunchConfigurations is port.Region's.
func (o once) DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error) {
	return o.home().DescribeLaunchConfigurations(ctx, names)
}

// DescribeAutoScalingInstances is port.GroupInstances'.
func (o once) DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]port.GroupInstance, error) {
	return list(o.memory, func() ([]port.GroupInstance, error) { return o.Outside.DescribeAutoScalingInstances(ctx, groups) }, "DescribeAutoScalingInstances", groups)
}

// DescribeAlarms is port.CloudWatch's.
func (o once) DescribeAlarms(ctx context.Context, names []string) ([]port.Alarm, error) {
	return list(o.memory, func() ([]port.Alarm, error) { return o.Outside.DescribeAlarms(ctx, names) }, "DescribeAlarms", names)
}

// GetParameters is port.Region's.
func (o once) GetParameters(ctx context.Context, names []string) (map[string]string, error) {
	return o.home().GetParameters(ctx, names)
}

// DescribeInstanceTypes is port.EC2's.
func (o once) DescribeInstanceTypes(ctx context.Context, names []string) ([]port.InstanceType, error) {
	return list(o.memory, func() ([]port.InstanceType, error) { return o.Outside.DescribeInstanceTypes(ctx, names) }, "DescribeInstanceTypes", names)
}

// DescribeCluster is port.EKS'.
func (o once) DescribeCluster(ctx context.Context, name string) (port.Cluster, error) {
	return recall(o.memory, func() (port.Cluster, error) { return o.Outside.DescribeCluster(ctx, name) }, "DescribeCluster", name)
}

// ListNodegroups is port.EKS'.
func (o once) ListNodegroups(ctx context.Context, cluster string) ([]string, error) {
	return list(o.memory, func() ([]string, error) { return o.Outside.ListNodegroups(ctx, cluster) }, "ListNodegroups", cluster)
}

// DescribeNodegroup is port.EKS'.
func (o once) DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error) {
	return recall(o.memory, func() (port.NodeGroup, error) { return o.Outside.DescribeNodegroup(ctx, cluster, name) }, "DescribeNodegroup", cluster, name)
}

// Digests is port.Registry's.
func (o once) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	return recall(o.memory, func() (map[string]string, error) { return o.Outside.Digests(ctx, image, platforms) }, "Digests", image, platforms)
}

// Layers is port.Registry's.
func (o once) Layers(ctx context.Context, image, platform string) (port.Manifest, error) {
	return recall(o.memory, func() (port.Manifest, error) { return o.Outside.Layers(ctx, image, platform) }, "Layers", image, platform)
}

// lookOnce is the engine with a world that is looked at once, secrets and records
// of images with it.
func (e *Engine) lookOnce() *Engine {
	m, w, seeing := newMemory(), *e.world, *e
	w.Outside = once{e.Outside, m}
	if e.Domino != nil {
		w.Domino = onceDomino{e.Domino, m}
	}
	if e.world.Nodes != nil {
		w.Nodes = onceNodes{e.world.Nodes, m}
	}
	if w.Karpenter != nil {
		w.Karpenter = onceKarpenter{e.world.Karpenter, m}
	}
	w.Secret = func(ctx context.Context, ref string) (schema.Value, error) {
		return recall(m, func() (schema.Value, error) { return e.world.Secret(ctx, ref) }, "secret", ref)
	}
	w.Held = func(ctx context.Context, except string) (world.Held, error) {
		return recall(m, func() (world.Held, error) { return e.world.Held(ctx, except) }, "held", except)
	}
	seeing.world, seeing.Outside = &w, w.Outside
	return &seeing
}
