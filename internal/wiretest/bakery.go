//go:build linux

package wiretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"archive/tar"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Bakery is a small deployment whose instances are real: a base image, two
// environments built on it, a group on a launch template that starts nodes from
// Old. SDKs made it, no code of domctl.
type Bakery struct {
	*Acme
	Real  *Real
	Meter *Meter // the registry, as domctl and nodes name it
	ssm   *ssm.Client
}

// NewBakery seeds one on servers of its own.
func NewBakery(t testing.TB) *Bakery {
	t.Helper()
	real := NewReal(t)
	a := &Acme{URI: Mongo(t), Database: Database(t), Account: NewAccount(t, real.Server)}
	cfg := a.config(t)
	a.EC2, a.AutoScaling = ec2.NewFromConfig(cfg), autoscaling.NewFromConfig(cfg)
	b := &Bakery{Acme: a, Real: real, Meter: NewMeter(t, NewRegistry(t)), ssm: ssm.NewFromConfig(cfg)}
	a.seedImages(t)
	a.seedGroups(t)
	a.seedRecords(t, cfg)
	b.seedEnvironments(t)
	b.push(t)
	a.Account.Reset()
	return b
}

// Image is what nodes call one of the images: base, standard, spark, or broken, which
// has no program that it could run.
func (b *Bakery) Image(name string) string { return b.Meter.Addr + "/domino/" + name + ":1" }

func (b *Bakery) seedEnvironments(t testing.TB) {
	t.Helper()
	b.connect(t)
	for n, env := range []string{"standard", "spark"} {
		id := func(kind string) string { return fmt.Sprintf(`{"$oid":"65%s00000000000000000000%d"}`, kind, n+1) }
		repository, tag, _ := strings.Cut(b.Image(env)[len(b.Meter.Addr):], ":")
		for collection, doc := range map[string]string{
			"environments_v2": `{"_id":` + id("e") + `,"name":"` + env + `","visibility":"Global","isArchived":false,"activeRevisionId":` + id("d") + `}`,
			"environment_revisions": `{"_id":` + id("d") + `,"environmentId":` + id("e") + `,"metadata":{"number":{"$numberInt":"1"},"isBuilt":true,"dockerImageName":{"repository":"` +
				b.Meter.Addr + repository + `","tag":"` + tag + `"}}}`,
		} {
			var d bson.D
			must(t, bson.UnmarshalExtJSON([]byte(doc), true, &d))
			_, err := b.DB.Collection(collection).InsertOne(context.Background(), d)
			must(t, err)
		}
	}
}

// push makes the images and puts them into the registry: a base with a program
// that ends at once, and on it what each environment adds.
func (b *Bakery) push(t testing.TB) {
	t.Helper()
	base := on(t, empty.Image, map[string][]byte{"hello": hello(t), "base": noise(6 << 20)})
	broken, err := mutate.Config(base, v1.Config{Cmd: []string{"/nothing"}})
	must(t, err)
	for image, made := range map[string]v1.Image{
		"base":     base,
		"broken":   broken,
		"standard": on(t, base, map[string][]byte{"standard": noise(8 << 20)}),
		"spark":    on(t, base, map[string][]byte{"spark": noise(5 << 20)}),
	} {
		ref, err := name.ParseReference(b.Image(image))
		must(t, err)
		must(t, remote.Write(ref, made))
	}
}

// Copy gives an image another name in the registry.
func (b *Bakery) Copy(t testing.TB, from, to string) {
	t.Helper()
	source, err := name.ParseReference(b.Image(from))
	must(t, err)
	image, err := remote.Image(source)
	must(t, err)
	other, err := name.ParseReference(b.Image(to))
	must(t, err)
	must(t, remote.Write(other, image))
}

// on puts a layer of files on an image.
func on(t testing.TB, image v1.Image, files map[string][]byte) v1.Image {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for name, content := range files {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}))
		_, err := w.Write(content)
		must(t, err)
	}
	must(t, w.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
	must(t, err)
	image, err = mutate.AppendLayers(image, layer)
	must(t, err)
	config, err := image.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Cmd = "linux", "amd64", []string{"/hello"}
	image, err = mutate.ConfigFile(image, config)
	must(t, err)
	return image
}

func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails
	return b
}

// hello is a program without libraries.
func hello(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "hello.go"), []byte("package main\n\nfunc main() { println(\"hello\") }\n"), 0o600))
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", "hello", "hello.go")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "hello"))
	must(t, err)
	return text
}

// Files are a CUE module with the deployment in folder acme. standard is cached in
// the image that is baked, spark is not.
func (b *Bakery) Files() map[string]string {
	return map[string]string{
		"cue.mod/module.cue": "module: \"acme.example\"\nlanguage: version: \"v0.17.0\"\n",
		"acme/acme.cue": fmt.Sprintf(`package domino

deployment: {
	name: "acme"
	aws: {account: %q, region: %q, cluster: "acme"}
	mongo: {database: %q, uri: secret: env: "DOMCTL_MONGO_URI"}
	registries: [%q]
	state: s3: {bucket: %q, prefix: "acme", kmsKey: %q}
}
baseImages: base: image: %q
environments: standard: name: "standard"
environments: spark: name: "spark"
amis: executor: {
	replaces: [%q]
	bake: {
		from: pool: "main"
		runtime: "docker"
		connect: ssm: true
		scripts: ["echo tuned >/etc/tuned"]
		cache: {baseImages: ["base"], environments: standard: ["active"]}
	}
}
nodePools: main: {groups: [{asg: "acme-a"}, {asg: "acme-b"}], ami: "executor"}
`, b.Account.ID, b.Account.Region, b.Database, b.Meter.Addr, b.Bucket, b.Key, b.Image("base"), b.Old)}
}

// KeyPair makes an SSH key that instances know by the name, and gives its private
// half.
func (b *Bakery) KeyPair(t testing.TB, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	private, err := os.ReadFile(file)
	must(t, err)
	public, err := os.ReadFile(file + ".pub")
	must(t, err)
	_, err = b.EC2.ImportKeyPair(context.Background(), &ec2.ImportKeyPairInput{KeyName: &name, PublicKeyMaterial: public})
	must(t, err)
	return string(private)
}

// Start launches an instance of an image, as a group would, and waits until it
// runs. It ends with the test's servers.
func (b *Bakery) Start(t testing.TB, image string, how ...func(*ec2.RunInstancesInput)) string {
	t.Helper()
	one := int32(1)
	in := &ec2.RunInstancesInput{ImageId: &image, MinCount: &one, MaxCount: &one}
	for _, set := range how {
		set(in)
	}
	out, err := b.EC2.RunInstances(context.Background(), in)
	must(t, err)
	ids := []string{*out.Instances[0].InstanceId}
	must(t, ec2.NewInstanceRunningWaiter(b.EC2, func(o *ec2.InstanceRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	}).Wait(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute))
	return ids[0]
}

// Run runs a script on an instance, and gives what it prints; a script that
// fails ends the test.
func (b *Bakery) Run(t testing.TB, instance, script string) string {
	t.Helper()
	document := "AWS-RunShellScript"
	sent, err := b.ssm.SendCommand(context.Background(), &ssm.SendCommandInput{DocumentName: &document, InstanceIds: []string{instance},
		Parameters: map[string][]string{"commands": {script}}})
	must(t, err)
	out, err := ssm.NewCommandExecutedWaiter(b.ssm, func(o *ssm.CommandExecutedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	}).WaitForOutput(context.Background(), &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: &instance}, time.Minute)
	if err != nil {
		last, _ := b.ssm.GetCommandInvocation(context.Background(), &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: &instance})
		t.Fatalf("%s: %v\n%s: %s%s", instance, err, script, *last.StandardOutputContent, *last.StandardErrorContent)
	}
	return *out.StandardOutputContent
}

// Made gives every instance that there ever was.
func (b *Bakery) Made(t testing.TB) (made []ec2types.Instance) {
	t.Helper()
	out, err := b.EC2.DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{})
	must(t, err)
	for _, r := range out.Reservations {
		made = append(made, r.Instances...)
	}
	return made
}

// In gives the ids of the instances that are in one of the states.
func (b *Bakery) In(t testing.TB, states ...ec2types.InstanceStateName) (ids []string) {
	t.Helper()
	for _, i := range b.Made(t) {
		if slices.Contains(states, i.State.Name) {
			ids = append(ids, *i.InstanceId)
		}
	}
	return ids
}

// Left gives the ids of the instances that nobody terminated.
func (b *Bakery) Left(t testing.TB) []string {
	t.Helper()
	return b.In(t, ec2types.InstanceStateNamePending, ec2types.InstanceStateNameRunning, ec2types.InstanceStateNameStopping, ec2types.InstanceStateNameStopped)
}

// Tagged holds that all that a bake made says whose it is: instances and their
// volumes, images and their snapshots.
func (b *Bakery) Tagged(t testing.TB) {
	t.Helper()
	made := map[string][]ec2types.Tag{}
	for _, i := range b.Made(t) {
		made[*i.InstanceId] = i.Tags
	}
	volumes, err := b.EC2.DescribeVolumes(context.Background(), &ec2.DescribeVolumesInput{})
	must(t, err)
	for _, v := range volumes.Volumes {
		made[*v.VolumeId] = v.Tags
	}
	for _, i := range b.Baked(t) {
		made[*i.ImageId] = i.Tags
		for _, m := range i.BlockDeviceMappings {
			snapshots, err := b.EC2.DescribeSnapshots(context.Background(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*m.Ebs.SnapshotId}})
			must(t, err)
			made[*m.Ebs.SnapshotId] = snapshots.Snapshots[0].Tags
		}
	}
	for id, tags := range made {
		if !slices.ContainsFunc(tags, func(t ec2types.Tag) bool { return *t.Key == "domctl:deployment" && *t.Value == "acme" }) {
			t.Errorf("%s does not say whose it is: %d tags", id, len(tags))
		}
	}
}

// Baked gives the account's images other than those it was seeded with.
func (b *Bakery) Baked(t testing.TB) (images []ec2types.Image) {
	t.Helper()
	out, err := b.EC2.DescribeImages(context.Background(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	must(t, err)
	for _, i := range out.Images {
		if *i.ImageId != b.Old && *i.ImageId != b.New {
			images = append(images, i)
		}
	}
	return images
}

// End terminates an instance and waits until it is.
func (b *Bakery) End(t testing.TB, instance string) {
	t.Helper()
	ids := []string{instance}
	_, err := b.EC2.TerminateInstances(context.Background(), &ec2.TerminateInstancesInput{InstanceIds: ids})
	must(t, err)
	must(t, ec2.NewInstanceTerminatedWaiter(b.EC2, func(o *ec2.InstanceTerminatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	}).Wait(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute))
}

// Serving is the image that the groups' template starts nodes from by default.
func (b *Bakery) Serving(t testing.TB) string {
	t.Helper()
	out, err := b.EC2.DescribeLaunchTemplateVersions(context.Background(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &b.Template, Versions: []string{"$Default"}})
	must(t, err)
	return *out.LaunchTemplateVersions[0].LaunchTemplateData.ImageId
}
