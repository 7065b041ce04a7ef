package world

import (
	"encoding/json"
	"strings"

	"domctl.dev/schema"
)

// NodeVolume is the size of the root volume that a group's launch template states, bytes.
type NodeVolume struct {
	Pool  schema.Address
	Group string
	Bytes int64
}

// NodeVolumes are those of the groups that are to start from an entry of amis, as far as
// their templates state them: a volume takes its image's size otherwise.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html
func (v *View) NodeVolumes(ami schema.Address) (out []NodeVolume) {
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		for _, g := range o.Groups() {
			to, _, ok := o.Fields[strings.Join([]string{"groups", schema.JoinPath(g.Key()), "ami"}, ".")].Target()
			if !ok || to != ami {
				continue
			}
			start := v.startOf(v.raw[v.world.groupRefOf(g)])
			if gib := rootSize(start["blocks"].Str(), v.raw[imageRef(start["image"].Str())]["rootDevice"].Str()); gib > 0 {
				out = append(out, NodeVolume{a, g.Key(), gib << 30})
			}
		}
	}
	return out
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
