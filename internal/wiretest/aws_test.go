//go:build wire

package wiretest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"domctl.dev/internal/aws/whole"
	"domctl.dev/internal/wiretest"
)

// cloud is an account and the SDK's clients of it, as the SDK ships them.
type cloud struct {
	*testing.T
	*wiretest.Account
	ec2 *ec2.Client
	asg *autoscaling.Client
	eks *eks.Client
	s3  *s3.Client
	ssm *ssm.Client
	sts *sts.Client
}

func newCloud(t *testing.T, a *wiretest.Account) cloud {
	t.Helper()
	config := aws.Config{
		Region:       a.Region,
		BaseEndpoint: aws.String(a.Endpoint),
		HTTPClient:   whole.Answers{HTTPClient: http.DefaultClient},
		Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: a.AccessKey, SecretAccessKey: a.SecretKey}, nil
		}),
	}
	return cloud{
		T: t, Account: a,
		ec2: ec2.NewFromConfig(config), asg: autoscaling.NewFromConfig(config),
		eks: eks.NewFromConfig(config), ssm: ssm.NewFromConfig(config), sts: sts.NewFromConfig(config),
		s3: s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// image makes an image to launch from.
func (c cloud) image(name string) *string {
	c.Helper()
	out, err := c.ec2.RegisterImage(c.Context(), &ec2.RegisterImageInput{Name: &name})
	must(c.T, err)
	return out.ImageId
}

func (c cloud) run(in ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	c.Helper()
	in.MinCount, in.MaxCount = aws.Int32(1), aws.Int32(1)
	return c.ec2.RunInstances(c.Context(), &in)
}

func (c cloud) instances() int {
	c.Helper()
	out, err := c.ec2.DescribeInstances(c.Context(), &ec2.DescribeInstancesInput{})
	must(c.T, err)
	return len(out.Reservations)
}

// template makes a launch template with its first version.
func (c cloud) template(name string, data types.RequestLaunchTemplateData) *string {
	c.Helper()
	in := &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: &data}
	out, err := c.ec2.CreateLaunchTemplate(c.Context(), in)
	must(c.T, err)
	return out.LaunchTemplate.LaunchTemplateId
}

// version adds a version to a template and gives its number.
func (c cloud) version(in ec2.CreateLaunchTemplateVersionInput) int64 {
	c.Helper()
	out, err := c.ec2.CreateLaunchTemplateVersion(c.Context(), &in)
	must(c.T, err)
	return aws.ToInt64(out.LaunchTemplateVersion.VersionNumber)
}

func (c cloud) versionData(template *string, number string) types.ResponseLaunchTemplateData {
	c.Helper()
	in := &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: template, Versions: []string{number}}
	out, err := c.ec2.DescribeLaunchTemplateVersions(c.Context(), in)
	must(c.T, err)
	return *out.LaunchTemplateVersions[0].LaunchTemplateData
}

func (c cloud) subnet() *string {
	c.Helper()
	out, err := c.ec2.DescribeSubnets(c.Context(), &ec2.DescribeSubnetsInput{})
	must(c.T, err)
	return out.Subnets[0].SubnetId
}

func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	one, other := newCloud(t, wiretest.AWS(t)), newCloud(t, wiretest.AWS(t))
	who, err := one.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	equal(t, *who.Account, one.ID)
	_, err = one.run(ec2.RunInstancesInput{ImageId: one.image("base")})
	must(t, err)
	equal(t, one.instances(), 1)
	equal(t, other.instances(), 0)
}

func TestEnvironmentOfAnAccount(t *testing.T) {
	account := wiretest.AWS(t)
	account.Setenv()
	config, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	who, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	equal(t, *who.Account, account.ID)
}

func TestPublicImageParameter(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	name := "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	out, err := c.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
	must(t, err)
	found, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*out.Parameter.Value}})
	must(t, err)
	equal(t, len(found.Images), 1)
}
