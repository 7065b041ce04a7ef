package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"domctl.dev/applier"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/domino"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/mongo"
	"domctl.dev/internal/port"
	"domctl.dev/internal/registry"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/secret"
	"domctl.dev/internal/ssh"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

const sandboxFile = ".domctl/sandbox.json"

// wiring is a deployment's outside, opened, and what it is opened with.
type wiring struct {
	outside port.Outside
	clock   applier.Clock // the outside's
	store   applier.Store
	domino  port.Domino // nil: the files do not state it
	nodes   port.Grid   // nil: the files do not state that they are read
	secrets secret.Resolver
	way     way // to MongoDB
	// ssh opens a way to instances over SSH.
	ssh func(schema.SSH, []byte) (port.Shell, error)
	// writes tells by call whether AWS would allow what an apply writes.
	writes func(context.Context) map[string]error
}

// wire opens the world that the files name and the store of its records.
func (d *deployment) wire(ctx context.Context) (*wiring, error) {
	w := &wiring{clock: wallClock{}, secrets: secret.Resolver{Dir: d.dir, Getenv: os.LookupEnv, Known: &secret.Known{}, Short: d.short}}
	if d.compiled.Desired.Deployment.Findings["DC365"] == "off" {
		w.secrets.Short = nil
	}
	if d.compiled.Desired.Deployment.World == "sandbox" {
		return w, d.wireSandbox(w)
	}
	return w, d.wireLive(ctx, w)
}

// witness notes that records were written. Whatever an apply or a rollback does
// outside has one before it; the key alone, which a first plan makes, tells of
// nothing.
type witness struct {
	applier.Store
	wrote *atomic.Bool
}

func (w witness) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	if key != "key" {
		w.wrote.Store(true)
	}
	return w.Store.PutIfNone(ctx, key, body)
}

func (w witness) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	w.wrote.Store(true)
	return w.Store.PutIfMatch(ctx, key, body, etag)
}

func (w witness) Delete(ctx context.Context, key string) error {
	w.wrote.Store(true)
	return w.Store.Delete(ctx, key)
}

func (d *deployment) wireSandbox(w *wiring) error {
	store, err := d.sandboxStore()
	if err != nil {
		return err
	}
	outside, err := sandbox.Open(d.sandboxPath(), sandbox.Options{})
	if err != nil {
		return err
	}
	if _, own := outside.Speed(); own && d.bound != nil {
		return fmt.Errorf("the sandbox in %s has a clock of its own, and a controller goes by the wall; domctl sandbox reset takes it away", d.sandboxPath())
	}
	w.clock, w.outside, w.store, w.writes = outside, outside, store, dryRuns(outside, d.scope())
	if d.compiled.Desired.Deployment.Domino.URL != "" {
		w.domino = outside
	}
	if d.compiled.Desired.Deployment.Kubernetes.ReadsNodes() {
		w.nodes = outside
	}
	w.ssh = func(s schema.SSH, key []byte) (port.Shell, error) { // what is wrong with a key is found here too
		_, err := openSSH(s, key)
		return outside, err
	}
	w.secrets.Sources = map[string]secret.Source{"kubernetes": outside.KubernetesSecret, "ssm": func(ctx context.Context, name string) (string, error) {
		found, err := outside.GetParameters(ctx, []string{name})
		if value, ok := found[name]; ok || err != nil {
			return value, err
		}
		return "", port.ErrNotFound
	}, "secretsManager": outside.GetSecretValue}
	return nil
}

// dryRuns are what doctor shows of a live deployment, asked of the sandbox.
func dryRuns(outside *sandbox.World, s aws.Scope) func(context.Context) map[string]error {
	return func(ctx context.Context) map[string]error {
		verdicts := map[string]error{}
		for call, tried := range aws.Tried(s) {
			if verdicts[call] = engine.ErrUntried; tried {
				_, operation, _ := strings.Cut(call, ":")
				verdicts[call] = outside.DryRun(ctx, operation)
			}
		}
		return verdicts
	}
}

// wireLive opens everything, so that all that is missing is told at once.
func (d *deployment) wireLive(ctx context.Context, w *wiring) error {
	dep := d.compiled.Desired.Deployment
	cloud, noCloud := aws.Open(ctx, aws.Config{Region: dep.AWS.Region, Profile: dep.AWS.Profile, Role: dep.AWS.Role})
	cluster := kube.Open(kube.Config{Context: dep.Kubernetes.Context})
	if dep.Kubernetes.ReadsNodes() {
		w.nodes = cluster
	}
	w.secrets.Sources = map[string]secret.Source{"kubernetes": cluster.Secret}
	for scheme, read := range map[string]func(*aws.Client, context.Context, string) (string, error){"ssm": (*aws.Client).Secret, "secretsManager": (*aws.Client).GetSecretValue} {
		w.secrets.Sources[scheme] = func(ctx context.Context, name string) (string, error) {
			if noCloud != nil {
				return "", errors.New("AWS cannot be asked")
			}
			return read(cloud, ctx, name)
		}
	}
	to, noWay := d.way(ctx, w.secrets, cluster)
	w.way = to
	documents, noDocuments := d.documents(ctx, w.secrets, to)
	if noDocuments == nil {
		d.closes = append(d.closes, func() { _ = documents.Close(context.WithoutCancel(ctx)) })
	}
	var noStore error
	w.store, noStore = d.liveStore(cloud)
	noAPI := d.api(w)
	if err := errors.Join(noCloud, noWay, noDocuments, noStore, noAPI); err != nil {
		return err
	}
	w.outside = port.Parts{Documents: documents, STS: cloud, EC2: cloud, AutoScaling: cloud, EKS: cloud, SSM: cloud, CloudWatch: cloud, Shell: cloud, Registry: registry.New(d.registries(cloud))}
	w.ssh = openSSH
	w.writes = func(ctx context.Context) map[string]error {
		verdicts := cloud.Probe(ctx, aws.Apply, d.scope())
		for _, read := range aws.Permissions(aws.Plan) {
			delete(verdicts, read.Call)
		}
		for call, err := range verdicts {
			if errors.Is(err, aws.ErrUnprobed) {
				verdicts[call] = engine.ErrUntried
			}
		}
		return verdicts
	}
	return nil
}

func openSSH(s schema.SSH, key []byte) (port.Shell, error) {
	c := ssh.Config{User: s.User, Port: s.Port, Key: key}
	if b := s.Bastion; b != nil {
		c.Bastion = &ssh.Bastion{Address: b.Address, User: b.User, HostKeys: b.HostKeys}
	}
	return ssh.Open(c)
}

// documents is Domino's database, as who its URI says.
func (d *deployment) documents(ctx context.Context, secrets secret.Resolver, by way) (*mongo.Client, error) {
	dep := d.compiled.Desired.Deployment
	if dep.Mongo.URI == "" {
		return nil, errors.New("deployment.mongo.uri is not stated; write it as a reference: uri: secret: env: \"DOMCTL_MONGO_URI\"")
	}
	uri, err := secrets.Text(ctx, dep.Mongo.URI)
	if err != nil {
		return nil, fmt.Errorf("deployment.mongo.uri: %w", err)
	}
	return mongo.Open(uri, dep.Mongo.Database, mongo.Options{Dial: by.dial})
}

// api is Domino's REST API, where the deployment states it. The key is read when it is
// needed.
func (d *deployment) api(w *wiring) error {
	dep := d.compiled.Desired.Deployment.Domino
	if dep.URL == "" {
		return nil
	}
	read := func(ref string) func(context.Context) (string, error) {
		if ref == "" {
			return nil
		}
		return func(ctx context.Context) (string, error) { return w.secrets.Text(ctx, ref) }
	}
	client, err := domino.Open(domino.Config{URL: dep.URL, Key: read(dep.APIKey), Token: read(dep.Token)})
	if err == nil {
		w.domino = client
	}
	return err
}

// upstream opens what `update` asks, and no more: it needs no database.
func (d *deployment) upstream(ctx context.Context) (world.Upstream, error) {
	dep := d.compiled.Desired.Deployment
	if dep.World == "sandbox" {
		return sandbox.Open(d.path(sandboxFile), sandbox.Options{})
	}
	cloud, err := aws.Open(ctx, aws.Config{Region: dep.AWS.Region, Profile: dep.AWS.Profile, Role: dep.AWS.Role})
	return port.Parts{STS: cloud, EC2: cloud, SSM: cloud, Registry: registry.New(d.registries(cloud))}, err
}

// registries are the hosts that may be asked: those the deployment lists, else
// those of its own base images. What they said is kept beside compiled files. Those
// of Amazon ECR are asked as the deployment's role.
func (d *deployment) registries(cloud *aws.Client) registry.Config {
	desired := d.compiled.Desired
	c := registry.Config{OnNodes: map[string]string{}}
	if cloud != nil {
		c.Login = cloud.ECRLogin
	}
	if dir, err := os.UserCacheDir(); err == nil {
		c.Cache = filepath.Join(dir, "domctl", "registry")
	}
	for _, r := range desired.Deployment.Registries {
		c.Hosts = append(c.Hosts, r.Host)
		if r.OnNodes != nil {
			c.OnNodes[*r.OnNodes] = r.Host
		}
	}
	if len(c.Hosts) > 0 {
		return c
	}
	c.Hosts = registry.Hosts(world.BaseImages(desired))
	return c
}
