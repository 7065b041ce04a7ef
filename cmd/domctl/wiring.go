package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"domctl.dev/applier"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/mongo"
	"domctl.dev/internal/port"
	"domctl.dev/internal/registry"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/secret"
	"domctl.dev/internal/state"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

const sandboxFile = ".domctl/sandbox.json"

// ageIdentity names the environment variable that holds the age identity which
// seals records where no KMS key does.
const ageIdentity = "DOMCTL_AGE_IDENTITY"

// wiring is a deployment's outside, opened, and what it is opened with.
type wiring struct {
	outside port.Outside
	store   applier.Store
	secrets secret.Resolver
	// writes tells by call whether AWS would allow what an apply writes; nil in
	// the sandbox.
	writes func(context.Context) map[string]error
}

// wire opens the world that the files name and the store of its records.
func (d *deployment) wire(ctx context.Context) (*wiring, error) {
	w := &wiring{secrets: secret.Resolver{Dir: d.dir, Getenv: os.LookupEnv}}
	if d.compiled.Desired.Deployment.World == "sandbox" {
		return w, d.wireSandbox(w)
	}
	return w, d.wireLive(ctx, w)
}

// wireSandbox keeps records in the clear: there is nothing in them but what
// stands in the file beside them.
func (d *deployment) wireSandbox(w *wiring) error {
	s := d.compiled.Desired.Deployment.State
	if s.S3 != nil {
		return errors.New("the sandbox keeps its records in a folder; state: s3 is for the live world")
	}
	outside, err := sandbox.Open(d.path(sandboxFile), sandbox.Options{})
	if err != nil {
		return err
	}
	w.outside, w.store = outside, state.File(d.path(cmp.Or(s.File, ".domctl/state")))
	w.secrets.Sources = map[string]secret.Source{"kubernetes": outside.KubernetesSecret, "ssm": func(ctx context.Context, name string) (string, error) {
		found, err := outside.GetParameters(ctx, []string{name})
		if value, ok := found[name]; ok || err != nil {
			return value, err
		}
		return "", port.ErrNotFound
	}, "secretsManager": outside.GetSecretValue}
	return nil
}

func (d *deployment) wireLive(ctx context.Context, w *wiring) error {
	dep := d.compiled.Desired.Deployment
	cloud, err := aws.Open(ctx, aws.Config{Region: dep.AWS.Region, Profile: dep.AWS.Profile, Role: dep.AWS.Role})
	if err != nil {
		return err
	}
	w.secrets.Sources = map[string]secret.Source{"ssm": cloud.Secret, "secretsManager": cloud.GetSecretValue,
		"kubernetes": kube.Open(kube.Config{Context: dep.Kubernetes.Context}).Secret}
	if dep.Mongo.URI == "" {
		return errors.New("deployment.mongo.uri is not stated; write it as a reference: uri: secret: env: \"DOMCTL_MONGO_URI\"")
	}
	uri, err := w.secrets.Text(ctx, dep.Mongo.URI)
	if err != nil {
		return fmt.Errorf("deployment.mongo.uri: %w", err)
	}
	documents, err := mongo.Open(uri, cmp.Or(dep.Mongo.Database, "domino"), mongo.Options{})
	if err != nil {
		return err
	}
	w.outside = port.Parts{Documents: documents, STS: cloud, EC2: cloud, AutoScaling: cloud, EKS: cloud, SSM: cloud, Registry: registry.New(d.registries())}
	w.writes = func(ctx context.Context) map[string]error {
		verdicts := cloud.Probe(ctx, aws.Apply, dep.AWS.Cluster)
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
	w.store, err = d.liveStore(cloud)
	return err
}

// upstream opens what `update` asks, and no more: it needs no database.
func (d *deployment) upstream(ctx context.Context) (world.Upstream, error) {
	dep := d.compiled.Desired.Deployment
	if dep.World == "sandbox" {
		return sandbox.Open(d.path(sandboxFile), sandbox.Options{})
	}
	cloud, err := aws.Open(ctx, aws.Config{Region: dep.AWS.Region, Profile: dep.AWS.Profile, Role: dep.AWS.Role})
	return port.Parts{STS: cloud, EC2: cloud, SSM: cloud, Registry: registry.New(d.registries())}, err
}

// registries are the hosts that may be asked: those the deployment lists, else
// those of its own base images. What they said is kept beside compiled files.
func (d *deployment) registries() registry.Config {
	desired := d.compiled.Desired
	c := registry.Config{OnNodes: map[string]string{}}
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
	var images []string
	for _, a := range schema.Addresses(desired.Objects) {
		if image := desired.Objects[a].Fields["image"].Str(); a.Kind == "baseImages" && image != "" {
			images = append(images, image)
		}
	}
	c.Hosts = registry.Hosts(images)
	return c
}

// liveStore seals the records of a live deployment, wherever they are kept: they
// hold what stood in Domino's database before each change.
func (d *deployment) liveStore(cloud *aws.Client) (applier.Store, error) {
	dep := d.compiled.Desired.Deployment
	var store applier.Store
	switch s := dep.State; {
	case s.S3 != nil:
		store = state.S3(cloud.Bucket(aws.BucketConfig{Bucket: s.S3.Bucket, Region: s.S3.Region, KMSKey: s.S3.KMSKey, Owner: dep.AWS.Account}), s.S3.Prefix)
		if s.S3.KMSKey != "" {
			return state.Sealed(store, cloud.Keeper(s.S3.KMSKey, dep.Name), dep.Name), nil
		}
	case os.Getenv("CI") != "":
		return nil, errors.New("DC510: records in a folder are gone with the CI job that wrote them; keep those of a live deployment in a bucket: deployment: state: s3: {…}")
	default:
		store = state.File(d.path(cmp.Or(s.File, ".domctl/state")))
	}
	identity, ok := os.LookupEnv(ageIdentity)
	if !ok {
		return nil, fmt.Errorf("DC511: the records of a live deployment are sealed, and nothing says with what: state deployment.state.s3.kmsKey, or put an age identity (age-keygen writes one) into %s", ageIdentity)
	}
	keeper, err := state.Age(identity)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ageIdentity, err)
	}
	return state.Sealed(store, keeper, dep.Name), nil
}
