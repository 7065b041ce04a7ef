package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"

	"domctl.dev/internal/port"
)

// cloud is the file's "aws": one account in one region. Field order is the
// order in the file.
type cloud struct {
	Account              string                          `json:"account"`
	ARN                  string                          `json:"arn,omitempty"` // of the caller
	Alarms               map[string]alarm                `json:"alarms,omitempty"`
	AutoScalingGroups    map[string]group                `json:"autoScalingGroups,omitempty"`
	Clusters             map[string]eksCluster           `json:"clusters,omitempty"` // of EKS
	Images               map[string]image                `json:"images,omitempty"`   // by AMI id
	InstanceTypes        map[string]instanceType         `json:"instanceTypes,omitempty"`
	Instances            map[string]instance             `json:"instances,omitempty"` // by id
	KeyPairs             map[string]keyPair              `json:"keyPairs,omitempty"`  // by id
	LaunchConfigurations map[string]launchConfiguration  `json:"launchConfigurations,omitempty"`
	LaunchTemplates      map[string]launchTemplate       `json:"launchTemplates,omitempty"` // by id
	Made                 int64                           `json:"made,omitempty"`            // resources that were given an id
	NodeGroups           map[string]map[string]nodeGroup `json:"nodeGroups,omitempty"`      // by cluster and name
	Parameters           map[string]string               `json:"parameters,omitempty"`      // SSM
	Region               string                          `json:"region"`
	Regions              map[string]regional             `json:"regions,omitempty"`        // the others
	Secrets              map[string]string               `json:"secrets,omitempty"`        // Secrets Manager, by name
	SecurityGroups       map[string]securityGroup        `json:"securityGroups,omitempty"` // by id
	Snapshots            map[string]snapshot             `json:"snapshots,omitempty"`      // by id
	Tokens               map[string]token                `json:"tokens,omitempty"`         // idempotency tokens by call
	Volumes              map[string]volume               `json:"volumes,omitempty"`        // by id
}

// token remembers what an idempotency token was used for.
type token struct {
	Answer  string `json:"answer,omitempty"`
	Request string `json:"request"`
}

// image is an AMI. One that is pending is available from Available on, or failed
// when Fails says why.
type image struct {
	Architecture string            `json:"architecture"`
	Available    string            `json:"available,omitempty"`  // RFC 3339
	Created      string            `json:"created,omitempty"`    // RFC 3339
	Deprecated   string            `json:"deprecated,omitempty"` // RFC 3339
	Description  string            `json:"description,omitempty"`
	Fails        string            `json:"fails,omitempty"`
	Instance     string            `json:"instance,omitempty"` // it was made from
	Launch       []string          `json:"launch,omitempty"`   // accounts that may launch it; "all"
	Disk         *disk             `json:"disk,omitempty"`     // what is on its disk
	Name         string            `json:"name"`
	Owner        string            `json:"owner,omitempty"`      // account; empty means this one
	OwnerAlias   string            `json:"ownerAlias,omitempty"` // "amazon"
	RootDevice   string            `json:"rootDevice,omitempty"` // empty means /dev/xvda
	RootGiB      int64             `json:"rootGiB,omitempty"`
	Snapshots    map[string]string `json:"snapshots,omitempty"` // device → snapshot
	Source       string            `json:"source,omitempty"`    // it is a copy of
	SourceRegion string            `json:"sourceRegion,omitempty"`
	State        string            `json:"state,omitempty"` // empty means available
	Tags         map[string]string `json:"tags,omitempty"`
}

// snapshot is one of a volume.
type snapshot struct {
	Created     string            `json:"created,omitempty"`
	Description string            `json:"description,omitempty"`
	GiB         int64             `json:"gib"`
	KMSKey      string            `json:"kmsKey,omitempty"`
	Settles     string            `json:"settles,omitempty"` // RFC 3339, when it is completed
	Tags        map[string]string `json:"tags,omitempty"`
	Volume      string            `json:"volume,omitempty"`
}

// instanceType is an EC2 instance type's capacity.
type instanceType struct {
	Architectures []string `json:"architectures"`
	GPUName       string   `json:"gpuName,omitempty"`
	GPUs          int64    `json:"gpus,omitempty"`
	MemoryMiB     int64    `json:"memoryMiB"`
	StoreGB       int64    `json:"storeGB,omitempty"` // of instance store
	VCPUs         int64    `json:"vcpus"`
	Zones         []string `json:"zones,omitempty"` // that offer it; left out: a, b and c of the region
}

// launchTemplate keeps Next so that the number of a deleted version is never
// given again.
type launchTemplate struct {
	Default  int64             `json:"default"`
	Name     string            `json:"name"`
	Next     int64             `json:"next,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Versions []templateVersion `json:"versions"`
}

// templateVersion is a version's data; Data is all that domctl neither reads
// nor writes, inherited as it stands.
type templateVersion struct {
	Blocks       json.RawMessage `json:"blocks,omitempty"` // BlockDeviceMappings
	Data         json.RawMessage `json:"data,omitempty"`
	Description  string          `json:"description,omitempty"`
	Image        string          `json:"image,omitempty"`
	InstanceType string          `json:"instanceType,omitempty"`
	Number       int64           `json:"number"`
	// What the user data configures of an EKS node.
	CopiesCache bool `json:"copiesCache,omitempty"`
	LazyPull    bool `json:"lazyPull,omitempty"`
}

// eksCluster is a cluster of EKS. One that the file knows by its node groups alone has no version.
type eksCluster struct {
	Status  string `json:"status,omitempty"` // not stated: ACTIVE
	Version string `json:"version,omitempty"`
}

type launchConfiguration struct {
	Data         json.RawMessage `json:"data,omitempty"` // all else, copied as it stands
	Image        string          `json:"image"`
	InstanceType string          `json:"instanceType"`
}

// group is an Auto Scaling group. One that Launches has Members; any other has a number
// of instances that nothing happens to: Instances, when left out Desired. A call that
// replaces instances makes it launch.
type group struct {
	At                  string                `json:"at,omitempty"` // RFC 3339, until when Members are told
	Desired             int64                 `json:"desired"`
	Failures            []failure             `json:"failures,omitempty"`      // launches that failed, the newest last
	InstanceTypes       []string              `json:"instanceTypes,omitempty"` // overrides of a mixed policy
	Instances           *int64                `json:"instances,omitempty"`
	Lacks               string                `json:"lacks,omitempty"` // why Room is all there is; empty means InsufficientInstanceCapacity
	Launches            bool                  `json:"launches,omitempty"`
	LaunchConfiguration string                `json:"launchConfiguration,omitempty"`
	Max                 int64                 `json:"max"`
	Members             map[string]member     `json:"members,omitempty"` // by instance id; none yet: as many as Instances
	Min                 int64                 `json:"min"`
	Mixed               bool                  `json:"mixed,omitempty"`
	Overrides           []port.LaunchOverride `json:"overrides,omitempty"` // those of the policy that launch from something else
	Refreshes           []refresh             `json:"refreshes,omitempty"` // the newest last
	Room                *int64                `json:"room,omitempty"`      // instances that EC2 has for it; not stated: any number
	SuspendedProcesses  []string              `json:"suspendedProcesses,omitempty"`
	Tags                map[string]string     `json:"tags,omitempty"`
	TagsKept            []string              `json:"tagsKept,omitempty"` // keys of those that instances do not get
	Takes               string                `json:"takes,omitempty"`    // an instance to come or to go: "90s"; empty means Options.Settle
	Template            string                `json:"template,omitempty"` // launch template id
	Version             string                `json:"version,omitempty"`
	Warm                bool                  `json:"warm,omitempty"` // it has a warm pool; nothing comes of it
	Zones               []string              `json:"zones,omitempty"`
}

// nodeGroup is an EKS managed node group. One that is UPDATING is ACTIVE from
// Active on.
type nodeGroup struct {
	Active        string            `json:"active,omitempty"` // RFC 3339
	AMIType       string            `json:"amiType,omitempty"`
	Desired       int64             `json:"desired"`
	Groups        []string          `json:"groups,omitempty"` // Auto Scaling groups
	InstanceTypes []string          `json:"instanceTypes,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Max           int64             `json:"max"`
	Min           int64             `json:"min"`
	Release       string            `json:"release,omitempty"`
	Status        string            `json:"status,omitempty"` // empty means ACTIVE
	Taints        []taint           `json:"taints,omitempty"`
	Template      string            `json:"template,omitempty"`
	Updates       []groupUpdate     `json:"updates,omitempty"` // of its version, the newest last
	Version       int64             `json:"version,omitempty"` // of the template
}

// made gives the next resource an id like EC2's: of its number, so that runs with
// the same clock end in the same file.
func (s *state) made(prefix string) (*state, string) {
	n := *s
	n.aws.Made++
	return &n, prefix + "-" + hashed(prefix, fmt.Sprint(n.aws.Made))[len("sha256:"):][:17]
}

// added is the map with another value for a key; the map itself stays.
func added[V any](m map[string]V, key string, v V) map[string]V {
	n := make(map[string]V, len(m)+1)
	maps.Copy(n, m)
	n[key] = v
	return n
}

func removed[V any](m map[string]V, key string) map[string]V {
	n := maps.Clone(m)
	delete(n, key)
	return n
}
