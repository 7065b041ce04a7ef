package engine

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Images is what a forecast of pulls needs. It writes nothing.
type Images struct {
	Compiled compiler.Result
	Outside  port.Outside
	// Karpenter tells what its pools start nodes from; nil where no cluster is asked.
	Karpenter port.Karpenter
	Store     applier.Store
	Now       func() time.Time
	// Weights are "runs", counted over Window, or "even".
	Weights string
	Window  time.Duration
	// Disk is the size of a node's volume, bytes; 0 suggests nothing.
	Disk int64
	// Pools are those for which a choice of its own is suggested: patterns of
	// path.Match of labels, or names in the files.
	Pools    []string
	Progress func(done, total int) // of images asked for; may be nil
}

// KubeletShare is how full the kubelet lets the volume get before it removes
// images: what is cached must stay below (imageGCLowThresholdPercent, 80).
// https://kubernetes.io/docs/concepts/architecture/garbage-collection/
const KubeletShare = 80

// Forecast says what nodes pull. Partial means that images are missing from it,
// each with the reason; what is there is right as far as it goes.
type Forecast struct {
	Deployment string      `json:"deployment"`
	Platform   string      `json:"platform"`
	Engine     string      `json:"engine"`
	Weights    string      `json:"weights"`
	Since      string      `json:"since,omitempty"` // RFC 3339
	Images     []ImagePull `json:"images"`
	Suggested  *Suggestion `json:"suggested,omitempty"`
	// SuggestedByPool are choices for one pool each, by what ran there.
	SuggestedByPool []Suggestion `json:"suggestedByPool,omitempty"`
	AMIs            []AMIFill    `json:"amis,omitempty"`
	Partial         bool         `json:"partial"`
	// Findings are about what AMIs are to cache.
	Findings []schema.Finding `json:"findings,omitempty"`
}

// ImagePull is one image: Empty is what it costs a node that holds nothing.
type ImagePull struct {
	Name     string        `json:"name"`
	Address  string        `json:"address,omitempty"`
	Revision int64         `json:"revision,omitempty"`
	Active   bool          `json:"active,omitempty"`
	Image    string        `json:"image,omitempty"`
	Weight   int64         `json:"weight"`
	Runs     int64         `json:"runs"`
	Pinned   int64         `json:"pinnedProjects"`
	Problem  string        `json:"problem,omitempty"`
	Empty    *planner.Cost `json:"empty,omitempty"`
	Pools    []PoolPull    `json:"pools,omitempty"`

	content planner.Content
	used    world.UsedImage
}

// PoolPull is bytes to transfer on a new node of one pool: "" where no pool is
// known. nil is unknown: what is in today's image nobody knows until domctl
// baked it.
type PoolPull struct {
	Pool      string `json:"pool"`
	Runs      int64  `json:"runs"`
	Today     *int64 `json:"todayBytes"`
	Declared  *int64 `json:"declaredBytes"`
	Suggested *int64 `json:"suggestedBytes"`
}

// Suggestion is what to cache on a volume of Disk bytes. Saved is bytes times
// weights; no choice saves more than Most.
type Suggestion struct {
	Pool   string `json:"pool,omitempty"` // "": all of them
	Disk   int64  `json:"diskBytes"`
	Limit  int64  `json:"limitBytes"`
	Images []int  `json:"images"` // indices of the forecast's images
	// Weights are those of Images.
	Weights []int64      `json:"weights,omitempty"`
	Cost    planner.Cost `json:"cost"`
	Saved   int64        `json:"savedBytes"`
	Whole   int64        `json:"wholeBytes"` // pulled with nothing cached
	Most    int64        `json:"mostBytes"`
	Proven  bool         `json:"proven"`
}

// Forecast asks what is in use and of what layers it is, and reckons.
func (r Images) Forecast(ctx context.Context) (Forecast, error) {
	desired := r.Compiled.Desired
	w := &world.World{Outside: r.Outside, Karpenter: r.Karpenter, Deployment: desired.Deployment, Now: r.Now}
	if _, err := w.Identity(ctx); err != nil {
		return Forecast{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, r.Store, desired.Deployment.Name)
	if err != nil {
		return Forecast{}, err
	}
	pools, err := r.pools()
	if err != nil {
		return Forecast{}, err
	}
	since := r.Now().Add(-r.Window)
	used, stands, err := r.standing(ctx, w, applied, since)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Deployment: desired.Deployment.Name, Platform: world.Platform, Engine: string(engineOf(desired)), Weights: r.Weights, Images: []ImagePull{}}
	if r.Weights == "runs" {
		f.Since = since.UTC().Format(time.RFC3339)
	}
	today := stands.Todays()
	read, err := r.readAll(ctx, ctx, used, today)
	if err != nil {
		return Forecast{}, err
	}
	f.Images, f.Findings = append(f.Images, read.used...), stands.Findings
	f.reckon(desired, r.Disk, func(pool string) *planner.Disk {
		h, known := today[pool]
		return read.disk(h, known)
	})
	f.volumes(desired, stands)
	if err := f.suggestEach(pools, r.Pools, r.Disk, r.Weights == "even"); err != nil {
		return Forecast{}, err
	}
	f.Findings = schema.SortFindings(schema.Police(f.Findings, desired.Deployment.Findings))
	return f, nil
}

// standing reads what is in use, and what nodes start from.
func (r Images) standing(ctx context.Context, w *world.World, applied schema.Applied, since time.Time) (used []world.UsedImage, stands *world.View, err error) {
	desired := r.Compiled.Desired
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) { used, err = w.Images(within, desired, applied, since); return err })
	group.Go(func() (err error) { stands, err = w.LookStarts(within, desired, applied); return err })
	return used, stands, group.Wait()
}

// image weighs what is in use. A project that is pinned counts as one run more;
// nothing runs a base image itself.
func (r Images) image(u world.UsedImage) ImagePull {
	i := ImagePull{Name: u.Name, Revision: u.Revision, Active: u.Active, Image: u.Image, Runs: u.Runs, Pinned: u.Pinned, Problem: u.Missing, Weight: u.Runs + u.Pinned, used: u}
	if u.Address != (schema.Address{}) {
		i.Address = u.Address.String()
	}
	if r.Weights == "even" {
		i.Weight = 1
	}
	if u.Base {
		i.Weight = 0
	}
	return i
}

// read asks for the layers of all images at once; the registries' clients hold
// back. One that fails says so and takes no other down.
func (r Images) read(ctx context.Context, images []ImagePull) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := 0
	for i := range images {
		wg.Go(func() {
			if images[i].Problem == "" {
				images[i].content, images[i].Problem = r.layers(ctx, images[i].Image)
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; r.Progress != nil {
				r.Progress(done, len(images))
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (r Images) layers(ctx context.Context, image string) (c planner.Content, problem string) {
	m, err := r.Outside.Layers(ctx, image, world.Platform)
	if err != nil {
		return c, err.Error()
	}
	c.Config = m.Config
	for _, l := range m.Layers {
		c.Layers = append(c.Layers, planner.Layer{Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, Foreign: l.Foreign, Unpacked: l.Unpacked, Exact: l.Exact})
	}
	return c, ""
}

// engineOf is the engine of the nodes: that of the baked AMIs where they agree,
// else what the executors have.
func engineOf(d schema.Desired) planner.Engine {
	stated := map[string]bool{}
	for _, o := range d.Objects {
		if c := o.Cache(); c.Stated {
			stated[c.Runtime] = true
		}
	}
	if len(stated) == 1 {
		return planner.Engine(schema.Sorted(stated)[0])
	}
	if d.Deployment.Executors == "classic" {
		return planner.Docker
	}
	return planner.Containerd
}

// reckon fills in what each image costs.
func (f *Forecast) reckon(d schema.Desired, disk int64, today func(pool string) *planner.Disk) {
	var suggested *planner.Disk
	if disk > 0 {
		f.Suggested, suggested = f.suggest(disk, func(i ImagePull) int64 { return i.Weight })
	}
	declared := f.declared(d)
	none := planner.NewDisk(planner.Engine(f.Engine))
	for i := range f.Images {
		image := &f.Images[i]
		if image.Problem != "" {
			f.Partial = true
			continue
		}
		cost := none.Forecast(image.content)
		image.Empty = &cost
		pools := image.used.Pools
		if len(pools) == 0 {
			pools = map[string]int64{"": image.Runs}
		}
		for _, pool := range schema.Sorted(pools) {
			image.Pools = append(image.Pools, PoolPull{Pool: pool, Runs: pools[pool], Today: pulls(today(pool), image.content),
				Declared: pulls(declared(pool), image.content), Suggested: pulls(suggested, image.content)})
		}
	}
}

func pulls(d *planner.Disk, c planner.Content) *int64 {
	if d == nil {
		return nil
	}
	n := d.Forecast(c).Transfer
	return &n
}

// declared answers what a new node of a pool holds as the files have it: nil
// where its AMI is not baked, where its groups stand on several, or where an
// image that it caches is not known. A pool that is not known stands on the only
// baked AMI there is.
func (f *Forecast) declared(d schema.Desired) func(pool string) *planner.Disk {
	disks, baked := map[schema.Address]*planner.Disk{}, []schema.Address{}
	for _, a := range schema.Addresses(d.Objects) {
		if d.Objects[a].Cache().Stated {
			disks[a], baked = f.holding(a, d.Objects[a]), append(baked, a)
		}
	}
	labels := world.PoolLabels(d)
	return func(pool string) *planner.Disk {
		amis := baked
		if pool != "" {
			amis = world.PoolAMIs(d.Objects[labels[pool]])
		}
		if len(amis) != 1 {
			return nil
		}
		return disks[amis[0]]
	}
}

func (f Forecast) used() []world.UsedImage {
	used := make([]world.UsedImage, len(f.Images))
	for i := range f.Images {
		used[i] = f.Images[i].used
	}
	return used
}
