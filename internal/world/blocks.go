package world

import (
	"encoding/json"
	"fmt"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// block is one block device mapping, as DescribeLaunchTemplateVersions has it;
// what domctl does not read of it stays as it is.
type block map[string]json.RawMessage

func (b block) device() (name string) {
	_ = json.Unmarshal(b["DeviceName"], &name)
	return name
}

// ebs is the part of a mapping that makes a volume; nil for other devices.
func (b block) ebs() (ebs map[string]json.RawMessage) {
	_ = json.Unmarshal(b["Ebs"], &ebs)
	return ebs
}

// restate is the block devices that a version with another image states: all of
// its source's, because EC2 drops their snapshots otherwise, but for the root
// device's snapshot: that is the old image's, and would start nodes from it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html
func (p *poolLowering) restate(id string, from planner.Raw, image schema.Value) (schema.Value, *schema.Finding) {
	var list, kept []block
	if text := from["blocks"].Str(); text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return from["blocks"], nil // none, or what the adapter refuses by name
	}
	after, was := p.v.raw[imageRef(image.Str())], p.v.raw[imageRef(from["image"].Str())]
	root, old := after["rootDevice"].Str(), was["rootDevice"].Str()
	var words []string
	for _, b := range list {
		isRoot := b.device() == root || b.device() == old
		if isRoot && root != "" && old != "" && root != old {
			return schema.Value{}, p.block("DC252", fmt.Sprintf("launch template %s states %s, and the root device of %s is %s, that of %s %s: the new image would get the volume that was meant for another device",
				id, b.device(), from["image"].Str(), old, image.Str(), root), "make a version with the root device of the new image by hand, or name an image with the same root device")
		}
		if b = p.rootless(b, isRoot); b != nil {
			kept = append(kept, b)
			words = append(words, b.words(isRoot))
		}
		p.small(id, b, isRoot, image, after)
	}
	if len(words) > 0 {
		p.findings = append(p.findings, schema.Finding{Code: "DC253", Severity: schema.Info, Address: p.change.Address, Positions: p.change.Positions,
			Message: "the new version of launch template " + id + " restates " + strings.Join(words, "; ")})
	}
	if len(kept) == 0 {
		return schema.JSON(""), nil
	}
	return schema.JSON(schema.JSON(kept).Text), nil
}

// rootless is a mapping without the old root's snapshot; nil when it states
// nothing else.
func (p *poolLowering) rootless(b block, isRoot bool) block {
	ebs := b.ebs()
	if _, pinned := ebs["SnapshotId"]; !isRoot || !pinned {
		return b
	}
	delete(ebs, "SnapshotId")
	if len(ebs) == 0 {
		return nil
	}
	out := block{}
	for k, v := range b {
		out[k] = v
	}
	out["Ebs"] = json.RawMessage(schema.JSON(ebs).Text)
	return out
}

// small warns of a root volume that the new image's content may not fit into:
// EC2 starts nothing with a volume smaller than its snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
func (p *poolLowering) small(id string, b block, isRoot bool, image schema.Value, after planner.Raw) {
	size, stated := schema.Value{Is: schema.Known, Text: string(b.ebs()["VolumeSize"])}.Float()
	if least, known := after["rootGiB"].Float(); isRoot && stated && known && size < least {
		p.findings = append(p.findings, schema.Finding{Code: "DC254", Severity: schema.Warning, Address: p.change.Address, Positions: p.change.Positions,
			Message: fmt.Sprintf("launch template %s states %v GiB for the root device %s, and %s has %v GiB there: nodes may not start", id, size, b.device(), image.Str(), least),
			Hint:    "make the volume at least as large in the launch template first"})
	}
}

// words are a mapping for people: "/dev/xvda (root, from the new image) 1000 GiB gp3".
func (b block) words(isRoot bool) string {
	ebs := b.ebs()
	text := func(name string) (s string) { _ = json.Unmarshal(ebs[name], &s); return s }
	out := b.device()
	switch snapshot := text("SnapshotId"); {
	case isRoot:
		out += " (root, content from the new image)"
	case snapshot != "":
		out += " from " + snapshot
	}
	if size := string(ebs["VolumeSize"]); size != "" {
		out += " " + size + " GiB"
	}
	if kind := text("VolumeType"); kind != "" {
		out += " " + kind
	}
	return out
}
