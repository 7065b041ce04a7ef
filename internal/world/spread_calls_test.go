package world

import (
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func TestCommandsOfImagesElsewhere(t *testing.T) {
	names := map[string]string{"bake": "id1", "copy": "name2"}
	accounts := func(list ...string) schema.Value { return schema.JSON(list) }
	shared := func(object planner.Ref) planner.Step {
		return planner.Step{Object: object, Writes: map[string]schema.Value{"accounts": accounts("111122223333", "222233334444")},
			Expects: []planner.Expect{{Ref: object, Path: "accounts", Value: accounts("111122223333", "333344445555")}}}
	}
	gone := planner.Step{Object: copyRef("us-east-1", "ami-1"), Expects: []planner.Expect{{Ref: copyRef("us-east-1", "ami-1"), Path: "tags." + schema.JoinPath(schema.TagKey), Value: schema.JSON("abc")}}}
	copied := planner.Step{ID: "copy", Object: planner.OutRef("asg/config", "lc-domctl-", "bake", "id"),
		Args: map[string]schema.Value{"from": schema.JSON("lc")}, Writes: map[string]schema.Value{"image": planner.OutOf("bake", "id")}}
	for _, c := range []struct {
		command func(applier.Manual) string
		step    planner.Step
		want    []string
	}{
		{shareCommand, shared(permissionRef("us-east-1", "ami-1")), []string{"--region 'us-east-1' --image-id 'ami-1'", "Add=[{UserId=222233334444}],Remove=[{UserId=333344445555}]"}},
		{shareCommand, shared(planner.OutRef("ec2/permission", "us-east-1/", "bake", "id")), []string{`--region 'us-east-1' --image-id "$id1"`}},
		{deregisterCommand, gone, []string{"describe-images --region 'us-east-1'", "deregister-image --region 'us-east-1' --delete-associated-snapshots --image-id 'ami-1'"}},
		{copyCommand, copied, []string{`name2='lc-domctl-'"$id1"`, `jq --arg name "$name2" --arg image "$id1"`, "--launch-configuration-names 'lc'"}},
	} {
		text := c.command(applier.Manual{Step: c.step, Names: names})
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %s", text, want)
			}
		}
	}
}
