package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"domctl.dev/applier"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/state"
)

// ageIdentity names the environment variable that holds the age identity which
// seals records where no KMS key does.
const ageIdentity = "DOMCTL_AGE_IDENTITY"

// store opens the records alone.
func (d *deployment) store(ctx context.Context) (applier.Store, error) {
	return d.storeBy(ctx, d.liveStore)
}

// lockStore opens what of the records is not sealed: who holds the lock can be
// told without the key.
func (d *deployment) lockStore(ctx context.Context) (applier.Store, error) {
	return d.storeBy(ctx, d.unsealed)
}

func (d *deployment) storeBy(ctx context.Context, live func(*aws.Client) (applier.Store, error)) (applier.Store, error) {
	dep := d.compiled.Desired.Deployment
	switch {
	case dep.World == "sandbox":
		return d.sandboxStore()
	case dep.State.S3 == nil:
		return live(nil)
	}
	cloud, err := aws.Open(ctx, aws.Config{Region: cmp.Or(dep.AWS.Region, dep.State.S3.Region), Profile: dep.AWS.Profile, Role: dep.AWS.Role})
	if err != nil {
		return nil, err
	}
	return live(cloud)
}

// sandboxStore keeps records in the clear: there is nothing in them but what
// stands in the file beside them.
func (d *deployment) sandboxStore() (applier.Store, error) {
	s := d.compiled.Desired.Deployment.State
	if s.S3 != nil {
		return nil, errors.New("the sandbox keeps its records in a folder; state: s3 is for the live world")
	}
	return state.File(d.stateFolder()), nil
}

// stateFolder is where records are that a folder keeps.
func (d *deployment) stateFolder() string {
	if d.bound != nil {
		return d.bound.State.File
	}
	return d.path(cmp.Or(d.compiled.Desired.Deployment.State.File, ".domctl/state"))
}

// unsealed is the store of a live deployment as it lies there; nil without the
// cloud that a bucket needs.
func (d *deployment) unsealed(cloud *aws.Client) (applier.Store, error) {
	dep := d.compiled.Desired.Deployment
	switch s := dep.State; {
	case s.S3 != nil && cloud == nil:
		return nil, nil
	case s.S3 != nil:
		return state.S3(cloud.Bucket(aws.BucketConfig{Bucket: s.S3.Bucket, Region: s.S3.Region, KMSKey: s.S3.KMSKey, Owner: dep.AWS.Account}), s.S3.Prefix), nil
	case os.Getenv("CI") != "":
		return nil, errors.New("DC510: records in a folder are gone with the CI job that wrote them; keep those of a live deployment in a bucket: deployment: state: s3: {…}")
	default:
		return state.File(d.stateFolder()), nil
	}
}

// liveStore seals the records of a live deployment, wherever they are kept: they
// hold what stood in Domino's database before each change. Only a bucket needs
// the cloud; without one, what needs it is left out: why there is none is told
// beside it.
func (d *deployment) liveStore(cloud *aws.Client) (applier.Store, error) {
	dep := d.compiled.Desired.Deployment
	store, err := d.unsealed(cloud)
	if err != nil {
		return nil, err
	}
	if s3 := dep.State.S3; s3 != nil && s3.KMSKey != "" {
		if cloud == nil {
			return nil, nil
		}
		return state.Sealed(store, cloud.Keeper(s3.KMSKey, dep.Name), dep.Name), nil
	}
	identity, ok := os.LookupEnv(ageIdentity)
	if !ok {
		return nil, fmt.Errorf("DC511: the records of a live deployment are sealed, and nothing says with what: state deployment.state.s3.kmsKey, or put an age identity (age-keygen writes one) into %s", ageIdentity)
	}
	keeper, err := state.Age(identity)
	if err != nil {
		return nil, fmt.Errorf("%s: %w, as in %[1]s=\"$(cat FILE)\"", ageIdentity, err)
	}
	return state.Sealed(store, keeper, dep.Name), nil
}
