package engine

import (
	"fmt"
	"slices"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// AMIFill is what an AMI, as the files declare it, fills with what it caches.
// Volume and Limit are 0 where its volume is not stated.
type AMIFill struct {
	AMI    string       `json:"ami"`
	Images int          `json:"images"`
	Cost   planner.Cost `json:"cost"`
	Volume int64        `json:"volumeBytes,omitempty"`
	Limit  int64        `json:"limitBytes,omitempty"`
}

// kubeletLeaves is how much of a volume images may fill.
func kubeletLeaves(disk int64) int64 { return disk/100*KubeletShare + disk%100*KubeletShare/100 }

// manyBases is how many base images are too many to cache: Domino's page
// "Creating a new executor AMI" advises fewer than five.
const manyBases = 5

// holding is a disk with what an AMI caches; nil when some of it is not known.
func (f *Forecast) holding(a schema.Address, o schema.Object) *planner.Disk {
	c := o.Cache()
	if n := len(c.BaseImages); n >= manyBases {
		f.warn("DC262", a, o, "keep those that most runs share; domctl images suggest chooses", fmt.Sprintf("caches %d base images; fewer than %d are advised, since shared layers count", n, manyBases))
	}
	places, ok := world.Cached(f.used(), c)
	for _, i := range places {
		ok = ok && f.Images[i].Problem == ""
	}
	if !ok {
		return nil
	}
	fill := AMIFill{AMI: a.String(), Images: len(places), Cost: planner.Cost{Exact: true}, Volume: c.Volume, Limit: kubeletLeaves(c.Volume)}
	disk := planner.NewDisk(planner.Engine(c.Runtime))
	for _, i := range places {
		cost := disk.Pull(f.Images[i].content)
		fill.Cost = planner.Cost{Transfer: fill.Cost.Transfer + cost.Transfer, Foreign: fill.Cost.Foreign + cost.Foreign,
			Disk: fill.Cost.Disk + cost.Disk, Exact: fill.Cost.Exact && cost.Exact}
	}
	f.AMIs = append(f.AMIs, fill)
	if fill.Limit > 0 && fill.Cost.Disk > fill.Limit {
		f.warn("DC261", a, o, "cache less (domctl images suggest chooses), or state a larger bake.volume.size", fmt.Sprintf("what it caches fills at least %s, and the kubelet leaves %s of its volume of %s (%d %%)",
			schema.ShortBytes(fill.Cost.Disk), schema.ShortBytes(fill.Limit), schema.ShortBytes(fill.Volume), KubeletShare))
	}
	f.idle(a, o, planner.Engine(c.Runtime), places)
	return disk
}

// volumes compares what AMIs cache with the volumes of the groups that start from them;
// one that is as large as bake.volume.size was compared.
func (f *Forecast) volumes(d schema.Desired, stands *world.View) {
	for _, fill := range f.AMIs {
		a, _ := schema.ParseAddress(fill.AMI)
		for _, v := range stands.NodeVolumes(a) {
			if leaves := kubeletLeaves(v.Bytes); v.Bytes != fill.Volume && fill.Cost.Disk > leaves {
				f.warn("DC805", v.Pool, d.Objects[v.Pool], "make the volume larger in "+v.In+", or cache less", fmt.Sprintf("%s starts nodes with a volume of %s, of which the kubelet leaves %s (%d %%), and what %s caches fills at least %s",
					v.Group, schema.ShortBytes(v.Bytes), schema.ShortBytes(leaves), KubeletShare, fill.AMI, schema.ShortBytes(fill.Cost.Disk)))
			}
		}
	}
}

// idle warns of cached images that save nothing, unless nothing at all ran.
func (f *Forecast) idle(a schema.Address, o schema.Object, e planner.Engine, places []int) {
	all, ran := f.candidates()
	if !ran {
		return
	}
	idle := planner.Idle(e, all, places)
	f.strange(a, o, e, slices.DeleteFunc(slices.Clone(places), func(i int) bool { return slices.Contains(idle, i) }))
	for _, i := range idle {
		f.warn("DC263", a, o, "leave it out of bake.cache; domctl images looks further back with --window", fmt.Sprintf("caching %s saves nothing: with or without it, new nodes pull the same for what ran", f.Images[i].Title()))
	}
}

// fewShared is the share of an image's bytes, one in so many, that what ran must
// have in common with it; else it takes more place than it is worth.
const fewShared = 5

// strange tells of cached images that nobody runs by themselves and of which what
// ran has little.
func (f *Forecast) strange(a schema.Address, o schema.Object, e planner.Engine, places []int) {
	for _, i := range places {
		image := f.Images[i]
		if image.Weight > 0 {
			continue
		}
		alone, none := planner.NewDisk(e), planner.NewDisk(e)
		whole, shared := alone.Pull(image.content).Transfer, int64(0)
		for _, ran := range f.Images {
			if ran.Weight > 0 && ran.Problem == "" {
				shared = max(shared, none.Forecast(ran.content).Transfer-alone.Forecast(ran.content).Transfer)
			}
		}
		if shared < whole/fewShared {
			f.add(schema.Info, "DC283", a, o, "leave it out of bake.cache; domctl images suggest chooses what pays", fmt.Sprintf("caches %s, %s, of which what ran has %s at most", image.Title(), schema.ShortBytes(whole), schema.ShortBytes(shared)))
		}
	}
}

func (f *Forecast) warn(code string, a schema.Address, o schema.Object, hint, message string) {
	f.add(schema.Warning, code, a, o, hint, message)
}

func (f *Forecast) add(severity schema.Severity, code string, a schema.Address, o schema.Object, hint, message string) {
	f.Findings = append(f.Findings, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint, Positions: o.Positions("bake")})
}

// Title is an image as people name it.
func (i ImagePull) Title() string {
	if i.Revision == 0 {
		return i.Name
	}
	return fmt.Sprintf("%s revision %d", i.Name, i.Revision)
}
