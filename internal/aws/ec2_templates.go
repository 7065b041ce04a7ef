package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

const (
	describeTemplates = "ec2:DescribeLaunchTemplates"
	describeVersions  = "ec2:DescribeLaunchTemplateVersions"
	createVersion     = "ec2:CreateLaunchTemplateVersion"
	modifyTemplate    = "ec2:ModifyLaunchTemplate"
	deleteVersions    = "ec2:DeleteLaunchTemplateVersions"
)

// DescribeLaunchTemplates by id. The API fails on an unknown id and has no
// filter for ids, so that then all are read and the asked for kept.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
func (c *Client) DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error) {
	found, err := batches(ids, maxValues, func(ids []string) ([]types.LaunchTemplate, error) { return c.templates(ctx, ids) })
	if ids != nil && errors.Is(err, port.ErrNotFound) {
		found, err = c.templates(ctx, nil)
		found = slices.DeleteFunc(found, func(t types.LaunchTemplate) bool { return !slices.Contains(ids, str(t.LaunchTemplateId)) })
	}
	if err != nil {
		return nil, err
	}
	return templatesOf(found), nil
}

func templatesOf(found []types.LaunchTemplate) (all []port.LaunchTemplate) {
	for _, t := range found {
		all = append(all, port.LaunchTemplate{ID: str(t.LaunchTemplateId), Name: str(t.LaunchTemplateName),
			Default: num(t.DefaultVersionNumber), Latest: num(t.LatestVersionNumber), Tags: tagMap(t.Tags, ec2Tag)})
	}
	return all
}

func (c *Client) templates(ctx context.Context, ids []string) ([]types.LaunchTemplate, error) {
	in := &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: ids}
	if ids == nil {
		in.MaxResults = c.pageSize(200)
	}
	return pages(c, describeTemplates, func(t types.LaunchTemplate) string { return str(t.LaunchTemplateId) }, func(token *string) ([]types.LaunchTemplate, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, c, describeTemplates, c.ec2().DescribeLaunchTemplates, in)
		if err != nil {
			return nil, nil, err
		}
		return out.LaunchTemplates, out.NextToken, nil
	})
}

// DescribeLaunchTemplateVersions of one template. The API fails on an unknown
// number, so that then all versions are read and the asked for kept.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
func (c *Client) DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	var asked []string
	if numbers != nil {
		asked = []string{}
		for _, n := range numbers {
			asked = append(asked, *number(n))
		}
	}
	found, err := batches(asked, maxValues, func(numbers []string) ([]types.LaunchTemplateVersion, error) {
		return c.versions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &template, Versions: numbers})
	})
	if asked != nil && errors.Is(err, port.ErrNotFound) {
		found, err = c.versions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &template})
		found = slices.DeleteFunc(found, func(v types.LaunchTemplateVersion) bool { return !slices.Contains(numbers, num(v.VersionNumber)) })
	}
	if err != nil {
		return nil, err
	}
	return versionsOf(found)
}

// DescribeDefaultVersions reads every template's default and latest version,
// once where they are the same.
func (c *Client) DescribeDefaultVersions(ctx context.Context) ([]port.LaunchTemplateVersion, error) {
	found, err := c.versions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default", "$Latest"}})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	found = slices.DeleteFunc(found, func(v types.LaunchTemplateVersion) bool {
		key := fmt.Sprint(str(v.LaunchTemplateId), " ", num(v.VersionNumber))
		defer func() { seen[key] = true }()
		return seen[key]
	})
	return versionsOf(found)
}

func (c *Client) versions(ctx context.Context, in *ec2.DescribeLaunchTemplateVersionsInput) ([]types.LaunchTemplateVersion, error) {
	in.MaxResults = c.pageSize(200)
	return pages(c, describeVersions, numbered, func(token *string) ([]types.LaunchTemplateVersion, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, c, describeVersions, c.ec2().DescribeLaunchTemplateVersions, in)
		if err != nil {
			return nil, nil, err
		}
		return out.LaunchTemplateVersions, out.NextToken, nil
	})
}

// numbered is a version's number, "" for none.
func numbered(v types.LaunchTemplateVersion) string {
	if num(v.VersionNumber) == 0 {
		return ""
	}
	return *number(num(v.VersionNumber))
}

func versionsOf(found []types.LaunchTemplateVersion) (all []port.LaunchTemplateVersion, err error) {
	for _, v := range found {
		p := port.LaunchTemplateVersion{Template: str(v.LaunchTemplateId), Description: str(v.VersionDescription), Number: num(v.VersionNumber)}
		if d := v.LaunchTemplateData; d != nil {
			p.Image, p.InstanceType = str(d.ImageId), string(d.InstanceType)
			if p.Blocks, err = blocksText(d.BlockDeviceMappings); err != nil {
				return nil, err
			}
			p.LazyPull, p.CopiesCache = nodeConfig(str(d.UserData))
		}
		all = append(all, p)
	}
	return all, nil
}

// CreateLaunchTemplateVersion restates v.Blocks: EC2 inherits the source's
// mappings without their snapshots. What EC2 warns of goes to Config.Warn; the
// version is made all the same.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
func (c *Client) CreateLaunchTemplateVersion(ctx context.Context, v port.NewLaunchTemplateVersion) (int64, error) {
	mappings, err := blocksOf(v.Blocks)
	if err != nil {
		return 0, err
	}
	in := &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: &v.Template, ClientToken: filled(v.Token), VersionDescription: filled(v.Description),
		SourceVersion:      number(v.Source),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: filled(v.Image), BlockDeviceMappings: mappings}}
	out, err := ask(ctx, c, createVersion, c.ec2().CreateLaunchTemplateVersion, in, ec2Once)
	if err != nil {
		return 0, err
	}
	if out.LaunchTemplateVersion == nil || num(out.LaunchTemplateVersion.VersionNumber) == 0 {
		return 0, fmt.Errorf("AWS %s: the answer has no version number; look at launch template %s", createVersion, v.Template)
	}
	if out.Warning != nil && c.cfg.Warn != nil {
		for _, w := range out.Warning.Errors {
			c.cfg.Warn(createVersion, str(w.Code)+": "+str(w.Message))
		}
	}
	return num(out.LaunchTemplateVersion.VersionNumber), nil
}

// ModifyLaunchTemplate sets the default version.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyLaunchTemplate.html
func (c *Client) ModifyLaunchTemplate(ctx context.Context, template string, def int64) error {
	in := &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: &template, DefaultVersion: number(def)}
	_, err := ask(ctx, c, modifyTemplate, c.ec2().ModifyLaunchTemplate, in, ec2Once)
	return err
}

// DeleteLaunchTemplateVersion reads the answer's list of what was not deleted.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
func (c *Client) DeleteLaunchTemplateVersion(ctx context.Context, template string, n int64) error {
	in := &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: &template, Versions: []string{*number(n)}}
	out, err := ask(ctx, c, deleteVersions, c.ec2().DeleteLaunchTemplateVersions, in, ec2Once)
	if err != nil {
		return err
	}
	for _, kept := range out.UnsuccessfullyDeletedLaunchTemplateVersions {
		return keptVersion(template, n, kept.ResponseError)
	}
	return nil
}

func keptVersion(template string, n int64, why *types.ResponseError) error {
	code, text := "", ""
	if why != nil {
		code, text = string(why.Code), str(why.Message)
	}
	var is error
	switch {
	case unknown(code):
		is = port.ErrNotFound
	case strings.Contains(text, "default version"):
		is = port.ErrInUse
	}
	return told{fmt.Sprintf("AWS %s: version %d of %s stays: %s: %s", deleteVersions, n, template, code, text), is, code}
}
