package world

import (
	"cmp"
	"encoding/json"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// NodeVolume is the size of the volume that nodes of a group keep images on, bytes, and what
// states it, for people: "the launch template".
type NodeVolume struct {
	Pool  schema.Address
	Group string
	Bytes int64
	In    string
}

// NodeVolumes are those of the groups that are to start from an entry of amis, as far as
// what they start from states them: a volume takes its image's size otherwise.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html
func (v *View) NodeVolumes(ami schema.Address) (out []NodeVolume) {
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		for _, g := range o.Groups() {
			to, _, ok := o.Fields[strings.Join([]string{"groups", schema.JoinPath(g.Key()), "ami"}, ".")].Target()
			if !ok || to != ami {
				continue
			}
			group := v.raw[v.world.groupRefOf(g)]
			start, n := v.startOf(group), NodeVolume{Pool: a, Group: g.Key(), In: "the launch template"}
			root := v.raw[imageRef(start["image"].Str())]["rootDevice"].Str()
			if class := group["class"].Str(); class != "" {
				n.In = "EC2NodeClass " + class
				n.Bytes, _ = classVolume(start, root)
			} else {
				if group["template"].Str() == "" {
					n.In = "the launch configuration"
				}
				n.Bytes = rootSize(start["blocks"].Str(), root) << 30
			}
			if n.Bytes > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

// classVolume is the size of the volume on which an EC2NodeClass has images kept, bytes, and
// its device: what its mappings state, else without any what Karpenter takes for its family;
// 0 where the image alone tells.
// https://karpenter.sh/docs/concepts/nodeclasses/#specblockdevicemappings
func classVolume(class planner.Raw, root string) (bytes int64, device string) {
	const byDefault = 20 << 30
	var list []struct {
		DeviceName string
		RootVolume bool
		EBS        struct{ VolumeSize string }
	}
	if text := class["deviceMappings"].Text; text != "" && json.Unmarshal([]byte(text), &list) != nil {
		return 0, ""
	}
	own := map[string]string{"AL2": "/dev/xvda", "AL2023": "/dev/xvda", "Bottlerocket": "/dev/xvdb"}[classFamily(class)]
	if len(list) == 0 && own != "" {
		return byDefault, own
	}
	device = cmp.Or(own, root)
	for _, m := range list {
		if m.RootVolume {
			device = m.DeviceName
		}
	}
	for _, m := range list {
		if m.DeviceName == device {
			bytes, _ = schema.ParseBytes(m.EBS.VolumeSize + "B") // "100Gi" or "1T"
		}
	}
	return bytes, device
}

// rootSize is the GiB that block devices state for a root device, else for the only volume
// there is; 0 where they do not tell.
func rootSize(blocks, root string) (gib int64) {
	var list []block
	if json.Unmarshal([]byte(blocks), &list) != nil {
		return 0
	}
	for _, b := range list {
		size := int64(0)
		if _ = json.Unmarshal(b.ebs()["VolumeSize"], &size); b.device() == root || root == "" && len(list) == 1 {
			gib = size
		}
	}
	return gib
}
