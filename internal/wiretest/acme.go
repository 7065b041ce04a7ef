//go:build linux

package wiretest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"domctl.dev/internal/aws/whole"
)

// Acme is a small deployment that lives on the wire servers: tiers, settings and
// environments in MongoDB; two images, groups on a launch template (by $Default
// and by number), on a launch configuration and of EKS in AWS; a bucket and a
// key for the records. SDKs made it, no code of domctl.
type Acme struct {
	URI, Database    string
	Account          *Account
	Old, New         string // image ids
	Template, Pinned string // launch template ids; groups follow Template's default
	Bucket, Key      string
	DB               *mongo.Database
	EC2              *ec2.Client
	AutoScaling      *autoscaling.Client
	EKS              *eks.Client
}

// NewAcme seeds one in a database and an account of its own.
func NewAcme(t testing.TB) *Acme {
	t.Helper()
	a := &Acme{URI: Mongo(t), Database: Database(t), Account: AWS(t)}
	cfg := a.config(t)
	a.EC2, a.AutoScaling, a.EKS = ec2.NewFromConfig(cfg), autoscaling.NewFromConfig(cfg), eks.NewFromConfig(cfg)
	a.seedMongo(t)
	a.seedImages(t)
	a.seedGroups(t)
	a.seedNodeGroup(t)
	a.seedRecords(t, cfg)
	a.Account.Reset()
	return a
}

func (a *Acme) config(t testing.TB) aws.Config {
	t.Helper()
	env := a.Account.Env()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(a.Account.Region), config.WithBaseEndpoint(env["AWS_ENDPOINT_URL"]),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])))
	must(t, err)
	cfg.HTTPClient = whole.Answers{HTTPClient: http.DefaultClient} // not an option: AWS_CA_BUNDLE takes none but the SDK's own
	return cfg
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a *Acme) connect(t testing.TB) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(a.URI))
	must(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	a.DB = client.Database(a.Database)
}

func (a *Acme) seedMongo(t testing.TB) {
	t.Helper()
	a.connect(t)
	for collection, docs := range map[string][]string{
		"hardware_tier": {
			`{"_id":"small","name":"small","nodePool":"default","resources":{"cores":{"$numberDouble":"1.0"},"memory":{"value":{"$numberInt":"4"},"unit":"GiB"}},"flags":{"isDefault":true},"x":{"$numberLong":"7"}}`,
			`{"_id":"large","name":"large","nodePool":"default","resources":{"cores":{"$numberInt":"6"}},"flags":{"isDefault":false}}`,
		},
		"config": {
			`{"_id":{"$oid":"65a000000000000000000001"},"namespace":"common","key":"com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser","value":"25"}`,
			`{"_id":{"$oid":"65a000000000000000000002"},"namespace":"common","key":"com.cerebro.acme.token","value":"live-canary-of-the-token"}`,
		},
		"environments_v2":       {`{"_id":{"$oid":"65e000000000000000000001"},"name":"Spark","visibility":"Private","isArchived":false,"activeRevisionId":{"$oid":"65d000000000000000000001"}}`},
		"environment_revisions": {`{"_id":{"$oid":"65d000000000000000000001"},"environmentId":{"$oid":"65e000000000000000000001"},"metadata":{"number":{"$numberInt":"1"},"isBuilt":true}}`, `{"_id":{"$oid":"65d000000000000000000002"},"environmentId":{"$oid":"65e000000000000000000001"},"metadata":{"number":{"$numberInt":"2"},"isBuilt":true}}`},
	} {
		for _, d := range docs {
			var doc bson.D
			must(t, bson.UnmarshalExtJSON([]byte(d), true, &doc))
			_, err := a.DB.Collection(collection).InsertOne(context.Background(), doc)
			must(t, err)
		}
	}
}

func (a *Acme) seedImages(t testing.TB) {
	t.Helper()
	for name, id := range map[string]*string{"acme-old": &a.Old, "acme-new": &a.New} {
		out, err := a.EC2.RegisterImage(context.Background(), &ec2.RegisterImageInput{Name: &name, Architecture: "x86_64"})
		must(t, err)
		*id = *out.ImageId
	}
	for name, id := range map[string]*string{"acme-default": &a.Template, "acme-pinned": &a.Pinned} {
		data := &ec2types.RequestLaunchTemplateData{ImageId: &a.Old, InstanceType: "m5.2xlarge", KeyName: aws.String("ops"),
			BlockDeviceMappings: []ec2types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"),
				Ebs: &ec2types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(200), VolumeType: "gp3", DeleteOnTermination: aws.Bool(true)}}}}
		out, err := a.EC2.CreateLaunchTemplate(context.Background(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: data})
		must(t, err)
		*id = *out.LaunchTemplate.LaunchTemplateId
	}
}

func (a *Acme) seedGroups(t testing.TB) {
	t.Helper()
	_, err := a.AutoScaling.CreateLaunchConfiguration(context.Background(), &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("acme-lc"), ImageId: &a.Old, InstanceType: aws.String("m5.2xlarge")})
	must(t, Made(err))
	template := func(id, version string) *autoscaling.CreateAutoScalingGroupInput {
		return &autoscaling.CreateAutoScalingGroupInput{LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateId: &id, Version: &version}}
	}
	lc := &autoscaling.CreateAutoScalingGroupInput{LaunchConfigurationName: aws.String("acme-lc")}
	for name, in := range map[string]*autoscaling.CreateAutoScalingGroupInput{
		"acme-a": template(a.Template, "$Default"), "acme-b": template(a.Template, "$Default"), "acme-pinned": template(a.Pinned, "1"), "acme-lc-a": lc,
	} {
		in.AutoScalingGroupName, in.AvailabilityZones = &name, []string{a.Account.Region + "a"}
		in.MinSize, in.MaxSize, in.DesiredCapacity = aws.Int32(0), aws.Int32(2), aws.Int32(0)
		_, err := a.AutoScaling.CreateAutoScalingGroup(context.Background(), in)
		must(t, Made(err))
	}
}

func (a *Acme) seedNodeGroup(t testing.TB) {
	t.Helper()
	subnets, err := a.EC2.DescribeSubnets(context.Background(), &ec2.DescribeSubnetsInput{})
	must(t, err)
	in := []string{*subnets.Subnets[0].SubnetId}
	role := aws.String("arn:aws:iam::" + a.Account.ID + ":role/acme")
	_, err = a.EKS.CreateCluster(context.Background(), &eks.CreateClusterInput{Name: aws.String("acme"), RoleArn: role, ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: in}})
	must(t, err)
	_, err = a.EKS.CreateNodegroup(context.Background(), &eks.CreateNodegroupInput{ClusterName: aws.String("acme"), NodegroupName: aws.String("acme-managed"), NodeRole: role, Subnets: in,
		ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(0), MaxSize: aws.Int32(2), DesiredSize: aws.Int32(1)}})
	must(t, err)
}

// Made forgives that it was made before: the SDK repeats a call whose answer was
// cut off, and these names are of an account that nobody else has.
func Made(err error) error {
	var exists *astypes.AlreadyExistsFault
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func (a *Acme) seedRecords(t testing.TB, cfg aws.Config) {
	t.Helper()
	a.Bucket = "records-" + a.Account.ID
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := buckets.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &a.Bucket,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(a.Account.Region)}})
	must(t, err)
	key, err := kms.NewFromConfig(cfg).CreateKey(context.Background(), &kms.CreateKeyInput{})
	must(t, err)
	a.Key = *key.KeyMetadata.Arn
}

// Files are a CUE module with the deployment in folder acme, whose first plan
// changes every kind that domctl writes. The token's value comes from the
// environment variable ACME_TOKEN.
func (a *Acme) Files() map[string]string {
	return map[string]string{
		"cue.mod/module.cue": "module: \"acme.example\"\nlanguage: version: \"v0.17.0\"\n",
		"acme/acme.cue": fmt.Sprintf(`package domino

deployment: {
	name: "acme"
	aws: {account: %q, region: %q, cluster: "acme"}
	mongo: {database: %q, uri: secret: env: "DOMCTL_MONGO_URI"}
	state: s3: {bucket: %q, prefix: "acme", kmsKey: %q}
}
settings: maximumExecutionsPerUser: 30
settings: deployingStateTimeout:    "2h"
settings: raw: "com.cerebro.acme.token": secret: env: "ACME_TOKEN"
hardwareTiers: small: {nodePool: "main", cores: 2, coresLimit: 2, memory: "8GiB", memoryLimit: "8GiB", isDefault: true}
hardwareTiers: medium: {nodePool: "main", cores: 4, coresLimit: 4, memory: "16GiB", memoryLimit: "16GiB"}
environments: Spark: {visibility: "global", activeRevision: 2}
amis: new: {pin: {id: %q, reason: "tested"}, replaces: [%q]}
nodePools: main: {
	label: "default"
	groups: [{asg: "acme-a"}, {asg: "acme-b"}]
	ami: "new"
	size: max: 5
}
nodePools: pinned: {groups: [{asg: "acme-pinned"}], ami: "new"}
nodePools: copied: {groups: [{asg: "acme-lc-a"}], ami: "new"}
nodePools: managed: {groups: [{nodegroup: "acme-managed"}], size: max: 4}
`, a.Account.ID, a.Account.Region, a.Database, a.Bucket, a.Key, a.New, a.Old)}
}
