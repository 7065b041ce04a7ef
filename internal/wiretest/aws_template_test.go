//go:build wire

package wiretest_test

import (
	"fmt"
	"testing"

	"domctl.dev/internal/wiretest"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func disk(snapshot *string) []types.LaunchTemplateBlockDeviceMappingRequest {
	ebs := &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: snapshot, VolumeSize: aws.Int32(80), VolumeType: types.VolumeTypeGp3}
	return []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"), Ebs: ebs}}
}

func TestLaunchTemplateToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("gpu"), ClientToken: aws.String("apply-1-step-1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: c.image("base"), UserData: aws.String("IyE=")},
	}
	first, err := c.ec2.CreateLaunchTemplate(t.Context(), in)
	must(t, err)
	again, err := c.ec2.CreateLaunchTemplate(t.Context(), in)
	must(t, err)
	equal(t, *again.LaunchTemplate.LaunchTemplateId, *first.LaunchTemplate.LaunchTemplateId)
	in.LaunchTemplateData.UserData = nil
	_, err = c.ec2.CreateLaunchTemplate(t.Context(), in)
	refused(t, err, "IdempotentParameterMismatch")
}

func TestLaunchTemplateVersionToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: c.template("gpu", types.RequestLaunchTemplateData{ImageId: c.image("one")}),
		ClientToken:      aws.String("apply-1-step-1"), SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: c.image("two")},
	}
	equal(t, c.version(in), 2)
	equal(t, c.version(in), 2)
	in.LaunchTemplateData = &types.RequestLaunchTemplateData{ImageId: c.image("three")}
	_, err := c.ec2.CreateLaunchTemplateVersion(t.Context(), &in)
	refused(t, err, "IdempotentParameterMismatch")
	in.ClientToken = aws.String("apply-2-step-1")
	equal(t, c.version(in), 3)
}

func TestSourceVersionInherits(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.template("gpu", types.RequestLaunchTemplateData{
		ImageId: c.image("one"), InstanceType: types.InstanceTypeG52xlarge, UserData: aws.String("IyE="),
		BlockDeviceMappings: disk(aws.String("snap-1")),
	})
	from := func(source string, data types.RequestLaunchTemplateData) types.ResponseLaunchTemplateData {
		in := ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: &data, SourceVersion: &source}
		return c.versionData(template, fmt.Sprint(c.version(in)))
	}
	two := c.image("two")
	got := from("$Default", types.RequestLaunchTemplateData{ImageId: two})
	equal(t, *got.ImageId, *two)
	equal(t, got.InstanceType, types.InstanceTypeG52xlarge)
	equal(t, *got.UserData, "IyE=")
	equal(t, *got.BlockDeviceMappings[0].Ebs.VolumeSize, 80)
	equal(t, got.BlockDeviceMappings[0].Ebs.SnapshotId, nil)

	got = from("$Latest", types.RequestLaunchTemplateData{BlockDeviceMappings: disk(aws.String("snap-2"))})
	equal(t, *got.ImageId, *two)
	equal(t, *got.BlockDeviceMappings[0].Ebs.SnapshotId, "snap-2")

	got = from("2", types.RequestLaunchTemplateData{KeyName: aws.String("ops")})
	equal(t, *got.ImageId, *two)
	// The source stays as it was.
	equal(t, *c.versionData(template, "1").BlockDeviceMappings[0].Ebs.SnapshotId, "snap-1")
}

func TestWithoutSourceVersionNothingIsInherited(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.template("gpu", types.RequestLaunchTemplateData{ImageId: c.image("one"), InstanceType: types.InstanceTypeG52xlarge})
	data := &types.RequestLaunchTemplateData{ImageId: c.image("two")}
	c.version(ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: data})
	equal(t, c.versionData(template, "2").InstanceType, "")
	in := &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: data, SourceVersion: aws.String("9")}
	_, err := c.ec2.CreateLaunchTemplateVersion(t.Context(), in)
	refused(t, err, "InvalidLaunchTemplateId.VersionNotFound")
}

func TestTemplateWarnsOfAnImageThatIsNot(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.template("gpu", types.RequestLaunchTemplateData{ImageId: c.image("one")})
	out, err := c.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId:   template,
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String("ami-0123456789abcdef0")},
	})
	must(t, err)
	equal(t, *out.LaunchTemplateVersion.VersionNumber, 2)
	equal(t, *out.Warning.Errors[0].Code, "InvalidAMIID.NotFound")
}

func TestVersionNumbersAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	data := types.RequestLaunchTemplateData{ImageId: c.image("one")}
	template := c.template("gpu", data)
	in := ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: &data}
	equal(t, c.version(in), 2)
	equal(t, c.version(in), 3)
	deleted := c.deleteVersions(template, "2", "3")
	equal(t, len(deleted.SuccessfullyDeletedLaunchTemplateVersions), 2)
	equal(t, c.version(in), 4)
	deleted = c.deleteVersions(template, "1", "2")
	equal(t, len(deleted.SuccessfullyDeletedLaunchTemplateVersions), 0)
	codes := []string{}
	for _, kept := range deleted.UnsuccessfullyDeletedLaunchTemplateVersions {
		codes = append(codes, string(kept.ResponseError.Code))
	}
	equal(t, codes, []string{"unexpectedError", "launchTemplateVersionDoesNotExist"})
	_, err := c.ec2.ModifyLaunchTemplate(t.Context(), &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: template, DefaultVersion: aws.String("4")})
	must(t, err)
	equal(t, *c.versionData(template, "$Default").ImageId, *data.ImageId)
}

func (c cloud) deleteVersions(template *string, numbers ...string) *ec2.DeleteLaunchTemplateVersionsOutput {
	c.Helper()
	in := &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: template, Versions: numbers}
	out, err := c.ec2.DeleteLaunchTemplateVersions(c.Context(), in)
	must(c.T, err)
	return out
}

func TestLaunchTemplatesComeInPages(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	data := types.RequestLaunchTemplateData{ImageId: c.image("one")}
	for i := range 17 {
		c.template(fmt.Sprintf("pool-%d", i), data)
	}
	pages := ec2.NewDescribeLaunchTemplatesPaginator(c.ec2, &ec2.DescribeLaunchTemplatesInput{MaxResults: aws.Int32(5)})
	sizes := []int{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		sizes = append(sizes, len(page.LaunchTemplates))
	}
	equal(t, sizes, []int{5, 5, 5, 2})
	all, err := c.ec2.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{})
	must(t, err)
	equal(t, len(all.LaunchTemplates), 17)
}

func TestVersionsComeInPages(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	data := types.RequestLaunchTemplateData{ImageId: c.image("one")}
	template := c.template("gpu", data)
	for range 17 {
		c.version(ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: &data})
	}
	in := &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: template, MinVersion: aws.String("3"), MaxResults: aws.Int32(10)}
	pages, numbers := ec2.NewDescribeLaunchTemplateVersionsPaginator(c.ec2, in), []int64{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, v := range page.LaunchTemplateVersions {
			numbers = append(numbers, *v.VersionNumber)
		}
	}
	equal(t, len(numbers), 16)
	equal(t, numbers[0], 3)
}
