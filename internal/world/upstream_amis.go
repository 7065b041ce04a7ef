package world

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// parameters reads all SSM parameters in one go, and the images they name in
// another.
func (u *updating) parameters(ctx context.Context, asked []schema.Address) error {
	var names []string
	for _, a := range asked {
		if n := u.desired.Objects[a].Fields["ssm"].Str(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	values, err := u.up.GetParameters(ctx, names)
	if err != nil {
		return fmt.Errorf("SSM parameters of %s: %w", listAddresses(asked), err)
	}
	var ids []string
	var errs []error
	for _, a := range asked {
		n := u.desired.Objects[a].Fields["ssm"].Str()
		switch id, there := values[n]; {
		case !there:
			errs = append(errs, fmt.Errorf("%s: there is no SSM parameter %s in this account and region", a, n))
		case !regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`).MatchString(id):
			errs = append(errs, fmt.Errorf("%s: the SSM parameter %s holds no image id", a, n))
		case !slices.Contains(ids, id):
			ids = append(ids, id)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	images, err := u.up.DescribeImages(ctx, port.ImageQuery{IDs: ids})
	if err != nil {
		return fmt.Errorf("images of %s: %w", listAddresses(asked), err)
	}
	for _, a := range asked {
		id := values[u.desired.Objects[a].Fields["ssm"].Str()]
		i := slices.IndexFunc(images, func(i port.Image) bool { return i.ID == id })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: the SSM parameter names %s, which is no image that this account can see", a, id))
			continue
		}
		u.found(a, images[i])
	}
	return errors.Join(errs...)
}

// find takes the newest available image that matches.
func (u *updating) find(ctx context.Context, a schema.Address, o schema.Object) error {
	q := port.ImageQuery{Owners: o.Fields["find.owners"].Strings(), Filters: map[string][]string{"state": {"available"}}}
	if len(q.Owners) == 0 {
		q.Owners = []string{"self"}
	}
	if n := o.Fields["find.name"].Str(); n != "" {
		q.Filters["name"] = []string{n}
	}
	for p, v := range o.Fields {
		if s := schema.SplitPath(p); len(s) == 3 && s[0] == "find" && s[1] == "filters" {
			q.Filters[s[2]] = v.Strings()
			if one := v.Str(); one != "" {
				q.Filters[s[2]] = []string{one}
			}
		}
	}
	images, err := u.up.DescribeImages(ctx, q)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	newest, err := newestOf(images)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	u.found(a, newest)
	return nil
}

// newestOf is the image made last; two made at once are not for domctl to choose
// between.
func newestOf(images []port.Image) (newest port.Image, err error) {
	var latest time.Time
	var tied []string
	for _, i := range images {
		at, err := time.Parse(time.RFC3339, i.Created)
		switch {
		case err != nil:
			return newest, fmt.Errorf("%s has no time of creation", i.ID)
		case newest.ID == "" || at.After(latest):
			newest, latest, tied = i, at, []string{i.ID}
		case at.Equal(latest):
			tied = append(tied, i.ID)
		}
	}
	switch {
	case len(tied) == 0:
		return newest, errors.New("no available image matches; loosen the filter, or check owners and region")
	case len(tied) > 1:
		slices.Sort(tied)
		return newest, fmt.Errorf("%s match and were made at the same moment; narrow the filter", strings.Join(tied, " and "))
	}
	return newest, nil
}

func (u *updating) found(a schema.Address, i port.Image) {
	u.mu.Lock()
	defer u.mu.Unlock()
	day, _, _ := strings.Cut(i.Created, "T")
	u.next.AMIs[a.Name] = schema.ResolvedAMI{Image: i.ID, Source: schema.AMISource(u.desired.Objects[a]), Name: i.Name, Created: day}
}
