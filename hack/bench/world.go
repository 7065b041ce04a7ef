package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// sandboxFor writes a sandbox in which every tier and environment of the
// deployment lives as the files state it, so that a plan compares everything.
func sandboxFor(ctx context.Context, root, dir string) error {
	res, err := compiler.Compile(ctx, compiler.Source{Root: root, Dir: "prod"})
	if err != nil {
		return err
	}
	if schema.Failed(res.Findings) {
		return fmt.Errorf("the generated files are not valid: %v", res.Findings[0])
	}
	mongo := map[string][]any{"hardware_tier": {}, "environments_v2": {}, "environment_revisions": {}, "users": {}}
	owners := map[string]any{}
	for i, a := range schema.Addresses(res.Desired.Objects) {
		switch o := res.Desired.Objects[a]; a.Kind {
		case "hardwareTiers":
			mongo["hardware_tier"] = append(mongo["hardware_tier"], tierDocument(a.Name, o))
		case "environments":
			owner := o.Fields["owner"].Str()
			if owners[owner] == nil {
				owners[owner] = oid(1<<20 + len(owners))
				mongo["users"] = append(mongo["users"], map[string]any{"_id": owners[owner], "loginId": map[string]string{"id": owner}})
			}
			mongo["environments_v2"] = append(mongo["environments_v2"], map[string]any{"_id": oid(i), "name": name(a, o), "ownerId": owners[owner],
				"description": o.Fields["description"].Str(), "visibility": title(o.Fields["visibility"].Str()), "isArchived": false})
		}
	}
	body, err := json.Marshal(map[string]any{"mongo": mongo, "aws": cloud()})
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, ".domctl", "sandbox.json"), string(body))
}

func name(a schema.Address, o schema.Object) string {
	if n := o.Fields["name"].Str(); n != "" {
		return n
	}
	return a.Name
}

func title(s string) string {
	if s == "" {
		return "Private"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func oid(i int) any { return map[string]string{"$oid": fmt.Sprintf("%024x", i+1)} }

func tierDocument(id string, o schema.Object) map[string]any {
	size := func(p string) any {
		s := o.Fields[p].Str()
		number := strings.TrimRight(s, "GiMB")
		return map[string]any{"value": json.Number(number), "unit": s[len(number):]}
	}
	number := func(p string) any { return json.RawMessage(o.Fields[p].Text) }
	doc := map[string]any{"_id": id, "name": name(schema.Address{Name: id}, o), "nodePool": "default", "centsPerMinute": number("centsPerMinute"),
		"resources": map[string]any{"cores": number("cores"), "coresLimit": number("coresLimit"), "memory": size("memory"), "memoryLimit": size("memoryLimit")}}
	return doc
}

// cloud is the AWS side that the generated node pool refers to.
func cloud() map[string]any {
	group := map[string]any{"min": 1, "max": 8, "desired": 1, "template": "lt-1", "version": "$Default"}
	return map[string]any{"account": "111122223333", "region": "us-west-2",
		"images":            map[string]any{"ami-0123456789abcdef0": map[string]any{"name": "node", "architecture": "x86_64"}},
		"launchTemplates":   map[string]any{"lt-1": map[string]any{"name": "node", "default": 1, "versions": []any{map[string]any{"number": 1, "image": "ami-0123456789abcdef0", "instanceType": "m6i.4xlarge"}}}},
		"autoScalingGroups": map[string]any{"acme-default-a": group, "acme-default-b": group}}
}
