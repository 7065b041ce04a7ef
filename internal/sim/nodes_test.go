package sim

import (
	"encoding/json"
	"slices"

	"domctl.dev/schema"
)

// withoutNodes has, in place of the instances of groups that launch, the images that they run
// and which of their nodes are cordoned: a roll and its way back end with other instances of
// the same. How many there are is whose who scales them. A managed node group goes back by a
// new version of its template, so that its image stands for that.
func withoutNodes(world string) string {
	var all map[string]any
	if json.Unmarshal([]byte(world), &all) != nil {
		return world
	}
	under := func(m map[string]any, key string) map[string]any { sub, _ := m[key].(map[string]any); return sub }
	cloud := under(all, "aws")
	instances, templates, nodes := under(cloud, "instances"), under(cloud, "launchTemplates"), under(under(all, "kubernetes"), "nodes")
	rolls := false
	for _, g := range under(cloud, "autoScalingGroups") {
		group := g.(map[string]any)
		if group["launches"] != true {
			continue
		}
		rolls = true
		var images, cordoned []string
		for id, m := range under(group, "members") {
			if state, _ := m.(map[string]any)["lifecycle"].(string); state == "" || state == "InService" {
				image, _ := under(instances, id)["image"].(string)
				images = append(images, image)
			}
			for name, n := range nodes {
				if n := n.(map[string]any); n["instance"] == id && n["cordoned"] == true {
					cordoned = append(cordoned, name)
				}
			}
		}
		slices.Sort(images)
		group["images"], group["cordoned"] = slices.Compact(images), len(cordoned)
		for _, key := range []string{"members", "at", "desired", "refreshes"} {
			delete(group, key)
		}
	}
	if !rolls {
		return world
	}
	for _, groups := range under(cloud, "nodeGroups") {
		for _, g := range groups.(map[string]any) {
			group := g.(map[string]any)
			template, _ := group["template"].(string)
			versions, _ := under(templates, template)["versions"].([]any)
			for _, v := range versions {
				if v := v.(map[string]any); v["number"] == group["version"] {
					group["image"] = v["image"]
				}
			}
			for _, key := range []string{"version", "release", "desired", "updates", "tokens"} {
				delete(group, key)
			}
			delete(templates, template)
			for _, below := range group["groups"].([]any) {
				delete(under(under(cloud, "autoScalingGroups"), below.(string)), "version")
			}
		}
	}
	delete(cloud, "instances")
	delete(all, "kubernetes")
	return schema.JSON(all).Text
}
