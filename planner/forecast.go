package planner

// Layer of an image on one platform. Sizes are bytes.
type Layer struct {
	Digest  string // of what is transferred, compressed
	DiffID  string // of what is unpacked
	Size    int64  // compressed
	Foreign bool   // not distributable: a node gets it from a URL of the manifest
	// Unpacked is the size of the unpacked layer as a tar, which is close to what
	// it fills on disk: exactly so if Exact, else at least so; 0 and not Exact is
	// not known.
	Unpacked int64
	Exact    bool
}

// Content is what one image consists of. Config is the digest of its
// configuration, which docker tells images by.
type Content struct {
	Config string
	Layers []Layer
}

// Engine is how a container engine keeps what it pulled.
type Engine string

// The engines. Each pulls layers in order, and what it holds spares a prefix of
// them: from the first layer that is missing, it transfers all, each digest once.
const (
	// Docker holds a layer if its chain is in the layer store and the digest was
	// pulled before (only then it knows the diffID): a zstd twin of a gzip layer
	// is transferred and then takes no place. An image whose configuration it
	// has is not transferred at all.
	// Source: moby/moby distribution/pull_v2.go pullSchema2Layers,
	// distribution/xfer/download.go Download, distribution/metadata.
	Docker Engine = "docker"
	// Containerd holds a layer if the snapshotter has its chain, whatever the
	// digest; blobs are dropped once unpacked (discard_unpacked_layers = true, as
	// on EKS's AL2023 images).
	// Source: containerd/containerd core/unpack/unpacker.go.
	Containerd Engine = "containerd"
	// ContainerdBlobs is containerd's own default: blobs stay in the content
	// store and fill the disk too; a layer whose digest is there is not
	// transferred, wherever in the order it stands.
	ContainerdBlobs Engine = "containerd-blobs"
)

// Cost is what a pull costs. Foreign is the part of Transfer that comes from
// other hosts than the registry. Disk is what is added on disk, at least; Exact
// says that it is known to the byte.
type Cost struct {
	Transfer int64 `json:"transferBytes"`
	Foreign  int64 `json:"foreignBytes,omitempty"`
	Disk     int64 `json:"diskBytesAtLeast"`
	Exact    bool  `json:"diskExact"`
}

// Disk is what a node's engine holds; make it with NewDisk.
type Disk struct {
	engine           Engine
	chains           map[stack]int // numbered from 1
	digests, configs map[string]bool
}

// stack is a layer on the chain below it, 0 for the first: two chains are one if
// all their layers are.
// https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
type stack struct {
	below  int
	diffID string
}

// NewDisk is an empty one.
func NewDisk(e Engine) *Disk {
	return &Disk{e, map[stack]int{}, map[string]bool{}, map[string]bool{}}
}

// Holds says how many layers of an image, from the first on, need no transfer.
func (d *Disk) Holds(c Content) int {
	if d.engine == Docker && c.Config != "" && d.configs[c.Config] {
		return len(c.Layers)
	}
	at := 0
	for i, l := range c.Layers {
		at = d.chains[stack{at, l.DiffID}]
		if at == 0 || d.engine == Docker && !d.digests[l.Digest] {
			return i
		}
	}
	return len(c.Layers)
}

// Forecast is what pulling an image would cost; nothing is pulled.
func (d *Disk) Forecast(c Content) Cost { return d.pull(c, false) }

// Pull is Forecast, after which the disk holds the image.
func (d *Disk) Pull(c Content) Cost { return d.pull(c, true) }

func (d *Disk) pull(c Content, keep bool) Cost {
	held, cost := d.Holds(c), Cost{Exact: true}
	fetched, at, missing := map[string]bool{}, 0, false
	for i, l := range c.Layers {
		blob := i >= held && !fetched[l.Digest] && (d.engine != ContainerdBlobs || !d.digests[l.Digest])
		if blob {
			fetched[l.Digest] = true
			cost.transfer(l, d.engine)
		}
		here := stack{at, l.DiffID}
		if at = d.chains[here]; at == 0 || missing {
			missing = true
			cost.unpack(l)
		}
		if keep {
			if at == 0 {
				at = len(d.chains) + 1
				d.chains[here] = at
			}
			d.digests[l.Digest] = d.digests[l.Digest] || i >= held
		}
	}
	if keep {
		d.configs[c.Config] = true
	}
	return cost
}

func (c *Cost) transfer(l Layer, e Engine) {
	c.Transfer += l.Size
	if l.Foreign {
		c.Foreign += l.Size
	}
	if e == ContainerdBlobs {
		c.Disk += l.Size
	}
}

func (c *Cost) unpack(l Layer) {
	c.Disk += l.Unpacked
	c.Exact = c.Exact && l.Exact
}

// Settle gives every layer the best of what is known of its unpacked size from
// its twins: layers of one diffID are the same bytes, however compressed.
func Settle(all []Content) {
	best := map[string]Layer{}
	for _, c := range all {
		for _, l := range c.Layers {
			if b := best[l.DiffID]; !b.Exact && (l.Exact || l.Unpacked > b.Unpacked) {
				best[l.DiffID] = l
			}
		}
	}
	for _, c := range all {
		for i, l := range c.Layers {
			if b, ok := best[l.DiffID]; ok {
				c.Layers[i].Unpacked, c.Layers[i].Exact = b.Unpacked, b.Exact
			}
		}
	}
}
