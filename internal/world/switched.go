package world

import (
	"context"
	"maps"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// readSwitched reads what a new launch template version is judged by beside the
// pool it is made for, where there is one to make: every group of the account,
// because the template's other followers get the image too, and the images that
// stand there, because their root devices are not restated.
func (l *look) readSwitched(ctx context.Context) error {
	templates, images := l.switched()
	if len(templates)+len(images) == 0 {
		return nil
	}
	var groups []port.AutoScalingGroup
	var standing map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) {
			if len(templates) > 0 {
				groups, err = l.Outside.DescribeAutoScalingGroups(ctx, nil)
			}
			return err
		},
		func() (err error) { standing, err = l.readImages(ctx, schema.Sorted(images)); return err })
	if err != nil {
		return err
	}
	maps.Copy(l.view.raw, standing)
	for _, g := range groups {
		for _, o := range append(g.Overrides, port.LaunchOverride{Template: g.Template, Version: g.Version}) {
			if key := followed(o.Template, o.Version); templates[o.Template] && o.Image == "" && (o.Version == "" || o.Version[0] == '$') && !slices.Contains(l.view.followers[key], g.Name) {
				l.view.followers[key] = append(l.view.followers[key], g.Name)
			}
		}
	}
	return nil
}

// switched are the launch templates that get a version, and the images that stand in
// them, and in launch configurations that groups leave.
func (l *look) switched() (templates, images map[string]bool) {
	templates, images = map[string]bool{}, map[string]bool{}
	for _, configs := range l.leaving() {
		for _, from := range configs {
			if stands := l.view.raw[configRef(from)]["image"].Str(); stands != "" {
				images[stands] = true
			}
		}
	}
	for _, a := range l.wanted("nodePools") {
		_, rolls := l.desired.Objects[a].Roll()
		for _, g := range l.desired.Objects[a].Groups() {
			group := l.view.raw[l.groupRefOf(g)]
			want, stands := l.wantedImage(a, g), l.view.imageOf(group)
			if t := group["template"].Str(); t != "" && (g.NodeGroup == "" || rolls) && want.Is != schema.Absent && want != stands {
				templates[t] = true
				if stands.Str() != "" {
					images[stands.Str()] = true
				}
			}
		}
	}
	return templates, images
}

// followed names what Auto Scaling groups follow: a template's default version,
// which one without a version does too, or its latest. A managed node group
// never follows: EKS keeps the version's number.
// https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
func followed(template, word string) string {
	if word == "" {
		word = "$Default"
	}
	return template + "/" + word
}

// otherFollowers are the followers that no group of the pool is.
func (p *poolLowering) otherFollowers(template, word string) (names []string) {
	own := map[string]bool{}
	for _, g := range p.o.Groups() {
		own[g.ASG] = true
	}
	for _, name := range p.v.followers[followed(template, word)] {
		if !own[name] {
			names = append(names, name)
		}
	}
	return names
}
