package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// Bind holds a tree against what the deployment is bound to, and answers the tree with
// all of that in it. What the tree leaves open, the binding says; what it states
// otherwise is refused, as are references to secrets that it may not read: nothing
// outside was read until then.
func (d Deployment) Bind(name string, mode Mode, r compiler.Result) (compiler.Result, []schema.Finding) {
	dep := r.Desired.Deployment
	b := binding{name: name, at: dep.At}
	b.same("name", dep.Name, name)
	b.same("world", dep.World, d.World)
	dep.State = d.records()
	if d.World == "live" {
		b.live(d, dep)
		dep = d.as(mode, dep)
		dep.AWS.Account, dep.AWS.Region, dep.AWS.Profile = d.AWS.Account, d.AWS.Region, ""
		dep.Kubernetes.Context = d.Kubernetes.Context
		dep.AWS.Cluster = d.AWS.Cluster
		dep.Mongo.Database, dep.Mongo.Mapping = d.Mongo.Database, d.Mongo.Mapping.schema()
		dep.Instances = schema.ExecutorInstances(d.ExecutorInstances)
		dep.Domino = b.domino(d.Domino, dep.Domino)
		dep.Registries = b.registries(d, dep.Registries)
	}
	b.state(d, r.Desired.Deployment.State)
	b.silences(d, dep.Findings)
	for _, a := range schema.Addresses(r.Desired.Objects) {
		b.secrets(d, a, r.Desired.Objects[a])
	}
	r.Desired.Deployment = dep
	return r, schema.SortFindings(b.found)
}

// Folder is where the deployment stands in the tree.
func (d Deployment) Folder() string { return path.Clean(d.Dir) }

// records is the binding's state store in the schema's words.
func (d Deployment) records() schema.State {
	s := schema.State{File: d.State.File}
	if s3 := d.State.S3; s3 != nil {
		s.S3 = &schema.S3{Bucket: s3.Bucket, Prefix: s3.Prefix, KMSKey: s3.KMSKey, Region: s3.Region}
	}
	return s
}

// Schema is what is known of the deployment without any tree: who it is, where its
// records are, and as whom they are read.
func (d Deployment) Schema(name string, mode Mode) schema.Deployment {
	return d.as(mode, schema.Deployment{Name: name, World: d.World, AWS: schema.AWS{Account: d.AWS.Account, Region: d.AWS.Region},
		Kubernetes: schema.Kubernetes{Context: d.Kubernetes.Context}, Mongo: schema.Mongo{Database: d.Mongo.Database}, State: d.records()})
}

// Allows says whether the tree may hold a reference.
func (d Deployment) Allows(ref string) bool {
	scheme, name, _ := strings.Cut(ref, ":")
	if slices.Contains(strings.Split(name, "/"), "..") {
		return false // * would lead out of what the pattern names
	}
	for _, p := range d.Secrets {
		allowed, pattern, _ := strings.Cut(p, ":")
		if fits, err := path.Match(pattern, name); err == nil && fits && scheme == allowed {
			return true
		}
	}
	return false
}

// Secret refuses a reference that is not allowed; what the controller itself reads it
// reads by other ways.
func (d Deployment) Secret(ref string) error {
	if d.Allows(ref) {
		return nil
	}
	return fmt.Errorf("DC522: the controller's configuration does not let the tree read secret %s", ref)
}

type binding struct {
	name  string
	at    []schema.Position
	found []schema.Finding
}

func (b *binding) same(field, stated, bound string) {
	if stated == "" || stated == bound {
		return
	}
	b.found = append(b.found, schema.Finding{Code: "DC521", Severity: schema.Error, Positions: b.at,
		Message: fmt.Sprintf("deployment.%s is %q, and the controller binds %s to %q", field, stated, b.name, bound),
		Hint:    "correct it, or leave it out; a move is made in the controller's configuration first"})
}

// live compares what the tree states; a profile would choose credentials of the
// controller's, so that none may be stated.
func (b *binding) live(d Deployment, dep schema.Deployment) {
	b.same("aws.account", dep.AWS.Account, d.AWS.Account)
	b.same("aws.region", dep.AWS.Region, d.AWS.Region)
	b.same("mongo.database", dep.Mongo.Database, d.Mongo.Database)
	b.same("kubernetes.context", dep.Kubernetes.Context, d.Kubernetes.Context)
	b.same("aws.role", dep.AWS.Role, d.AWS.Role)
	b.same("aws.cluster", dep.AWS.Cluster, d.AWS.Cluster)
	b.same("mongo.uri", dep.Mongo.URI, d.Mongo.URI)
	if stated, bound := schema.JSON(dep.Mongo.Mapping).Text, schema.JSON(d.Mongo.Mapping.schema()).Text; stated != "{}" {
		b.same("mongo.mapping", stated, bound)
	}
	if stated, bound := schema.JSON(dep.Instances).Text, schema.JSON(schema.ExecutorInstances(d.ExecutorInstances)).Text; stated != "{}" {
		b.same("executorInstances", stated, bound)
	}
	if stated, bound := schema.JSON(dep.Mongo.Via).Text, schema.JSON(d.Mongo.Via.schema()).Text; stated != "{}" {
		b.same("mongo.via", stated, bound)
	}
}

func (v Via) schema() (out schema.Via) {
	if s := v.SSH; s != nil {
		out.SSH = &schema.ViaSSH{Address: s.Address, User: s.User, HostKeys: s.HostKeys, Key: s.Key}
	}
	if v.PortForward != nil {
		out.PortForward = &schema.PortForward{Namespace: v.PortForward.Namespace}
	}
	return out
}

func (m Mapping) schema() schema.Mapping {
	return schema.Mapping{HardwareTiers: schema.Collection(m.HardwareTiers), ExecutorGroups: schema.Collection(m.ExecutorGroups), Executors: schema.Collection(m.Executors)}
}

// registries are those that may be asked: of a tree that names none, all that are bound.
func (b *binding) registries(d Deployment, stated []schema.Registry) (may []schema.Registry) {
	for _, r := range stated {
		if slices.Contains(d.Registries, r.Host) {
			may = append(may, r)
			continue
		}
		b.same("registries", r.Host, schema.Listed(d.Registries, "or"))
	}
	for _, host := range d.Registries {
		if len(stated) == 0 {
			may = append(may, schema.Registry{Host: host})
		}
	}
	return may
}

// state compares buckets; a folder that a tree states is one beside its files, as
// people use it by hand, and is never used here.
func (b *binding) state(d Deployment, stated schema.State) {
	if stated.S3 == nil {
		return
	}
	bound := S3{}
	if d.State.S3 != nil {
		bound = *d.State.S3
	}
	b.same("state.s3.bucket", stated.S3.Bucket, bound.Bucket)
	b.same("state.s3.prefix", strings.Trim(stated.S3.Prefix, "/"), strings.Trim(bound.Prefix, "/"))
	b.same("state.s3.kmsKey", stated.S3.KMSKey, bound.KMSKey)
	b.same("state.s3.region", stated.S3.Region, bound.Region)
}

// silences refuses to turn off what a rule is about: without the finding nobody would be
// asked.
func (b *binding) silences(d Deployment, levels map[string]string) {
	for _, code := range schema.Sorted(levels) {
		at := slices.IndexFunc(d.Rules, func(r Rule) bool { return slices.Contains(r.When.Findings, code) })
		if at < 0 || levels[code] != "off" {
			continue
		}
		b.found = append(b.found, schema.Finding{Code: "DC525", Severity: schema.Error, Positions: b.at,
			Message: fmt.Sprintf("deployment.findings turns off %s, and rule %q of the controller asks for approvals where it is found", code, d.Rules[at].Name),
			Hint:    "leave it on, as a warning; who is asked is changed in the controller's configuration"})
	}
}

func (b *binding) secrets(d Deployment, a schema.Address, o schema.Object) {
	for _, field := range schema.Sorted(o.Fields) {
		v, ref := o.Fields[field], ""
		if v.Is == schema.Secret {
			ref = v.Text
		}
		if bake, ok := o.Bake(); ok && field == "bake" && bake.Connect.SSH != nil {
			ref = bake.Connect.SSH.KeyRef()
		}
		if ref == "" || d.Allows(ref) {
			continue
		}
		b.found = append(b.found, schema.Finding{Code: "DC522", Severity: schema.Error, Address: a, Positions: o.Positions(field),
			Message: fmt.Sprintf("the controller's configuration does not let %s read secret %s", b.name, ref),
			Hint:    "use a secret that it lists, or add this one to " + schema.JoinPath("deployments", b.name, "secrets") + " there"})
	}
}
