package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/worldtest"
	"domctl.dev/schema"
)

// TestContract proves the whole contract, on a file and in memory.
func TestContract(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		worldtest.Run(t, func(t *testing.T) worldtest.World {
			c := &seeder{now: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}
			first, path := open(t, empty, c.options())
			second, err := Open(path, c.options())
			if err != nil {
				t.Fatal(err)
			}
			return c.world(first, second)
		})
	})
	t.Run("memory", func(t *testing.T) {
		worldtest.Run(t, func(t *testing.T) worldtest.World {
			c := &seeder{now: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}
			m, err := NewMemory("memory", []byte(empty))
			if err != nil {
				t.Fatal(err)
			}
			return c.world(view(t, m, c.options()), view(t, m, c.options()))
		})
	})
}

const empty = `{"aws": {"account": "111122223333", "region": "us-west-2"}, "database": {"name": "domino", "replicaSet": "rs0", "version": "6.0.14"}}`

func view(t *testing.T, m *Memory, o Options) *World {
	t.Helper()
	w, err := m.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// seeder puts things into a sandbox past its ports.
type seeder struct {
	w    *World
	now  time.Time
	made int
}

func (c *seeder) options() Options {
	pages := map[string]int{}
	for _, name := range Calls() {
		pages[name] = 2
	}
	return Options{Clock: func() time.Time { return c.now }, Settle: time.Minute, Pages: pages}
}

func (c *seeder) world(first, second *World) worldtest.World {
	c.w = first
	return worldtest.World{
		Documents: first, EC2: first, AutoScaling: first, EKS: first, SSM: first, CloudWatch: first, Shell: first, STS: first, Secrets: first, Registry: first, Domino: first, Nodes: first, Karpenter: first, Second: second,
		Want:   worldtest.Identity{Database: "domino", ReplicaSet: "rs0", Account: "111122223333", Region: "us-west-2"},
		Many:   5,
		Settle: func(*testing.T) { c.now = c.now.Add(time.Hour) },
		Break:  c.fail,
		Put: worldtest.Put{
			Volume: c.volume, Snapshot: c.snapshot, SecurityGroup: c.securityGroup, KeyPair: c.keyPair,
			Documents: c.documents, Stored: c.stored, Image: c.image, Template: c.template, InstanceType: c.instanceType,
			Configuration: c.configuration, Blocked: c.blocked, Group: c.group, NodeGroup: c.nodeGroup, Protected: c.protected, Suspended: c.suspended, Warm: c.warm, Alarm: c.alarm, Lacking: c.lacking, Parameter: c.parameter, Secret: c.secret, Pull: c.pull, Environment: c.environment, Tier: c.tier, Settings: c.settings, Project: c.project, Execution: c.execution, Executor: c.executor, RegistryImage: c.registryImage,
			Node: c.node, Pod: c.pod, Budget: c.budget, NodePool: c.nodePool, NodeClass: c.nodeClass, NodeClaim: c.nodeClaim,
		},
	}
}

func (c *seeder) change(t *testing.T, f func(*state)) {
	t.Helper()
	err := c.w.backing.update(context.Background(), func(s *state) (*state, error) {
		n, err := decode("seed", string(s.encode()))
		if err == nil {
			f(n)
		}
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *seeder) fail(t *testing.T, call string, how worldtest.Failure) {
	c.change(t, func(s *state) { s.faults = append(s.faults, Fault{Fault: string(how), Call: call}) })
}

func (c *seeder) documents(t *testing.T, collection string, docs ...string) {
	c.change(t, func(s *state) {
		in := s.mongo[collection]
		if in == nil {
			in = newCollection()
		}
		for _, text := range docs {
			v, err := parseValue(text)
			if err != nil {
				t.Fatal(err)
			}
			id, _ := v.get("_id")
			in = in.inserted(id.key(), v)
		}
		s.mongo[collection] = in
	})
}

func (c *seeder) stored(t *testing.T, collection, id string) string {
	s, err := c.w.backing.load()
	if err != nil {
		t.Fatal(err)
	}
	v, err := parseValue(id)
	if err != nil {
		t.Fatal(err)
	}
	in := s.mongo[collection]
	return string(ordered(in.docs[in.index[v.key()]].body, nil))
}

func (c *seeder) pull(t *testing.T, pull string) string {
	c.made++
	id := fmt.Sprintf("%024x", c.made)
	if pull != "2m10s" {
		pull = ""
	}
	c.change(t, func(s *state) { put(&s.domino.Pulls, id, pull) })
	return id
}

func (c *seeder) environment(t *testing.T, building bool) (environment, revision string) {
	c.made += 2
	environment, revision = fmt.Sprintf("%024x", c.made), fmt.Sprintf("%024x", c.made+1)
	c.documents(t, environmentDocs, fmt.Sprintf(`{"_id": %s, "activeRevisionId": %s}`, oid(environment), oid(revision)))
	c.documents(t, revisionDocs, fmt.Sprintf(`{"_id": %s, "environmentId": %s, "metadata": {"number": 1, "isBuilt": true, "created": {"$date": "2024-01-01T00:00:00Z"}}}`, oid(revision), oid(environment)))
	c.w.opts.Settle = 0
	if building {
		c.w.opts.Settle = time.Minute
	}
	return environment, revision
}

func (c *seeder) tier(t *testing.T) { c.documents(t, tierDocs, worldtest.TierExample) }

func (c *seeder) settings(t *testing.T) {
	for _, s := range worldtest.SettingExamples() {
		value := s.Value
		if s.Masked {
			value = "canary"
			c.change(t, func(of *state) { of.domino.Masks = append(of.domino.Masks, s.Key) })
		}
		c.documents(t, configDocs, fmt.Sprintf(`{"_id": %s, "namespace": %q, "key": %q, "value": %q}`, oid(s.ID), s.Namespace, s.Key, value))
	}
}

func (c *seeder) project(t *testing.T) (project, tier string) {
	project, tier = fmt.Sprintf("%024x", 0xfff0), "probed"
	c.documents(t, "projects", fmt.Sprintf(`{"_id": %s}`, oid(project)))
	c.documents(t, "hardware_tier", `{"_id": "probed", "flags": {"isArchived": false}}`)
	return project, tier
}

// ordered is canonical but for the order of fields.
func ordered(v value, b []byte) []byte {
	flip := func(v value, b []byte) []byte { return ordered(v, b) }
	switch v.kind {
	case document:
		return v.appendKids(b, '{', '}', flip)
	case array:
		return v.appendKids(b, '[', ']', flip)
	}
	return v.appendCanonical(b)
}

func (c *seeder) id(prefix string) string {
	c.made++
	return fmt.Sprintf("%s-%017x", prefix, c.made)
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

func (c *seeder) image(t *testing.T, i port.Image) string {
	id := c.id("ami")
	soon := c.now.Add(time.Minute).Format(time.RFC3339)
	c.change(t, func(s *state) {
		put(&s.aws.Images, id, image{Architecture: i.Architecture, Available: soon, Name: i.Name, Owner: i.Owner, State: i.State, Tags: i.Tags, RootDevice: i.RootDevice, RootGiB: i.RootGiB})
	})
	return id
}

func (c *seeder) volume(t *testing.T, v port.Volume) string {
	id := c.id("vol")
	c.change(t, func(s *state) { put(&s.aws.Volumes, id, volume{GiB: v.GiB, Tags: v.Tags}) })
	return id
}

func (c *seeder) snapshot(t *testing.T, v port.Snapshot) string {
	id := c.id("snap")
	c.change(t, func(s *state) {
		put(&s.aws.Snapshots, id, snapshot{GiB: v.GiB, Description: v.Description, Tags: v.Tags})
	})
	return id
}

func (c *seeder) securityGroup(t *testing.T, g port.SecurityGroup) string {
	id := c.id("sg")
	c.change(t, func(s *state) { put(&s.aws.SecurityGroups, id, securityGroup{Name: g.Name, Tags: g.Tags}) })
	return id
}

func (c *seeder) keyPair(t *testing.T, k port.KeyPair) string {
	id := c.id("key")
	c.change(t, func(s *state) { put(&s.aws.KeyPairs, id, keyPair{Name: k.Name, Tags: k.Tags}) })
	return id
}

func (c *seeder) template(t *testing.T, name string, versions ...port.LaunchTemplateVersion) string {
	id := c.id("lt")
	lt := launchTemplate{Name: name, Default: 1}
	for i, v := range versions {
		lt.Versions = append(lt.Versions, templateVersion{Number: int64(i) + 1, Image: v.Image, InstanceType: v.InstanceType,
			Description: v.Description, Blocks: json.RawMessage(v.Blocks)})
	}
	c.change(t, func(s *state) { put(&s.aws.LaunchTemplates, id, lt) })
	return id
}

func (c *seeder) instanceType(t *testing.T, i port.InstanceType) {
	c.change(t, func(s *state) {
		put(&s.aws.InstanceTypes, i.Name, instanceType{Architectures: i.Architectures, GPUName: i.GPUName, GPUs: i.GPUs, MemoryMiB: i.MemoryMiB, StoreGB: i.StoreGB, VCPUs: i.VCPUs})
	})
}

func (c *seeder) configuration(t *testing.T, l port.LaunchConfiguration) {
	c.change(t, func(s *state) {
		c := launchConfiguration{Image: l.Image, InstanceType: l.InstanceType}
		if l.Blocks != "" {
			c.Data = json.RawMessage(`{"BlockDeviceMappings":` + l.Blocks + `}`)
		}
		put(&s.aws.LaunchConfigurations, l.Name, c)
	})
}

func (c *seeder) blocked(t *testing.T, l port.LaunchConfiguration, snapshots map[string]string) {
	blocks := []any{}
	for _, device := range schema.Sorted(snapshots) {
		blocks = append(blocks, map[string]any{"DeviceName": device, "Ebs": map[string]any{"SnapshotId": snapshots[device]}})
	}
	c.change(t, func(s *state) {
		put(&s.aws.LaunchConfigurations, l.Name, launchConfiguration{Image: l.Image, InstanceType: l.InstanceType, Data: compact(map[string]any{"BlockDeviceMappings": blocks})})
	})
}

func (c *seeder) group(t *testing.T, g port.AutoScalingGroup) {
	c.change(t, func(s *state) {
		put(&s.aws.AutoScalingGroups, g.Name, group{
			Desired: g.Desired, InstanceTypes: g.InstanceTypes, LaunchConfiguration: g.LaunchConfiguration, Max: g.Max, Min: g.Min,
			Mixed: g.Mixed, Overrides: g.Overrides, Tags: g.Tags, Template: g.Template, Version: g.Version, Zones: g.Zones, Launches: true,
		})
	})
}

func (c *seeder) nodeGroup(t *testing.T, g port.NodeGroup) {
	c.change(t, func(s *state) {
		groups := s.aws.NodeGroups[g.Cluster]
		put(&groups, g.Name, nodeGroup{AMIType: g.AMIType, Desired: g.Desired, InstanceTypes: g.InstanceTypes, Labels: g.Labels, Taints: taintsOf(g.Taints), Max: g.Max, Min: g.Min,
			Template: g.Template, Version: g.Version, Groups: []string{"eks-" + g.Name}})
		put(&s.aws.AutoScalingGroups, "eks-"+g.Name, group{Launches: true, Desired: g.Desired, Max: g.Max, Min: g.Min, Template: g.Template, Version: fmt.Sprint(max(g.Version, 1))})
		put(&s.aws.NodeGroups, g.Cluster, groups)
		put(&s.aws.Clusters, g.Cluster, eksCluster{Version: "1.31"})
	})
}

func taintsOf(taints []port.Taint) (out []taint) {
	for _, t := range taints {
		out = append(out, taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
	}
	return out
}

func (c *seeder) protected(t *testing.T, group, instance string, on bool) {
	c.change(t, func(s *state) {
		*s = *c.w.built(s)
		g := s.aws.AutoScalingGroups[group]
		m := g.Members[instance]
		m.Protected = on
		g.Members[instance] = m
		s.aws.AutoScalingGroups[group] = g
	})
}

func (c *seeder) suspended(t *testing.T, group, process string) {
	c.change(t, func(s *state) {
		g := s.aws.AutoScalingGroups[group]
		g.SuspendedProcesses = append(g.SuspendedProcesses, process)
		s.aws.AutoScalingGroups[group] = g
	})
}

func (c *seeder) warm(t *testing.T, group string) {
	c.change(t, func(s *state) {
		g := s.aws.AutoScalingGroups[group]
		g.Warm = true
		s.aws.AutoScalingGroups[group] = g
	})
}

func (c *seeder) alarm(t *testing.T, a port.Alarm) {
	c.change(t, func(s *state) { put(&s.aws.Alarms, a.Name, alarm{Rings: a.Rings(), Reason: a.Reason}) })
}

func (c *seeder) lacking(t *testing.T, group string, room int64, code string) {
	c.change(t, func(s *state) {
		g := s.aws.AutoScalingGroups[group]
		g.Room, g.Lacks = &room, code
		s.aws.AutoScalingGroups[group] = g
	})
}

func (c *seeder) parameter(t *testing.T, name, v string) {
	c.change(t, func(s *state) { put(&s.aws.Parameters, name, v) })
}

func (c *seeder) secret(t *testing.T, name, v string) string {
	c.change(t, func(s *state) { put(&s.aws.Secrets, name, v) })
	return "arn:aws:secretsmanager:us-west-2:111122223333:secret:" + name + "-AbCdEf"
}

func (c *seeder) registryImage(t *testing.T, repository, tag string, platforms ...string) (string, map[string]string) {
	image, digests := "registry.example.com/"+repository+":"+tag, map[string]string{}
	for _, p := range platforms {
		digests[p] = hashed(image, p)
	}
	c.change(t, func(s *state) {
		put(&s.registry, image, digests)
		put(&s.layers, image, []layer{{Name: "base", Size: "30MiB", Unpacked: "80MiB"}, {Name: "own", Size: "1KiB", Compression: "zstd"}})
	})
	return image, digests
}

// karpenter changes what the file has of it.
func (c *seeder) karpenter(t *testing.T, f func(*karpenter)) {
	c.change(t, func(s *state) {
		if s.cluster.Karpenter == nil {
			s.cluster.Karpenter = &karpenter{Pools: map[string]nodePool{}, Classes: map[string]nodeClass{}, Claims: map[string]nodeClaim{}}
		}
		k := s.cluster.Karpenter
		if k.Pools == nil {
			k.Pools = map[string]nodePool{}
		}
		if k.Classes == nil {
			k.Classes = map[string]nodeClass{}
		}
		if k.Claims == nil {
			k.Claims = map[string]nodeClaim{}
		}
		f(k)
	})
}

func (c *seeder) nodePool(t *testing.T, p port.NodePool) {
	c.karpenter(t, func(k *karpenter) {
		of := nodePool{Class: p.Class, Labels: p.Labels, InstanceTypes: p.InstanceTypes, Zones: p.Zones, ExpireAfter: p.ExpireAfter, Consolidates: p.Consolidates, Empties: p.ConsolidateAfter}
		for _, b := range p.Budgets {
			of.Budgets = append(of.Budgets, json.RawMessage(b))
		}
		for r, limit := range p.Limits {
			if of.Limits == nil {
				of.Limits = map[string]json.RawMessage{}
			}
			of.Limits[r] = json.RawMessage(limit)
		}
		for _, x := range p.Taints {
			of.Taints = append(of.Taints, taint{Key: x.Key, Value: x.Value, Effect: x.Effect})
		}
		k.Pools[p.Name] = of
	})
}

func (c *seeder) nodeClass(t *testing.T, n port.NodeClass) {
	c.karpenter(t, func(k *karpenter) {
		k.Classes[n.Name] = nodeClass{Terms: json.RawMessage(n.Terms), Family: n.Family, Blocks: json.RawMessage(n.Blocks)}
	})
}

func (c *seeder) nodeClaim(t *testing.T, n port.NodeClaim) {
	c.karpenter(t, func(k *karpenter) {
		k.Claims[n.Name] = nodeClaim{Pool: n.Pool, Image: n.Image, Instance: n.Instance, Node: n.Node}
	})
}
