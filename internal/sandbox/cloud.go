package sandbox

import "encoding/json"

// cloud is the file's "aws": one account in one region. Field order is the
// order in the file.
type cloud struct {
	Account              string                          `json:"account"`
	ARN                  string                          `json:"arn,omitempty"` // of the caller
	AutoScalingGroups    map[string]group                `json:"autoScalingGroups,omitempty"`
	Images               map[string]image                `json:"images,omitempty"` // by AMI id
	InstanceTypes        map[string]instanceType         `json:"instanceTypes,omitempty"`
	LaunchConfigurations map[string]launchConfiguration  `json:"launchConfigurations,omitempty"`
	LaunchTemplates      map[string]launchTemplate       `json:"launchTemplates,omitempty"` // by id
	NodeGroups           map[string]map[string]nodeGroup `json:"nodeGroups,omitempty"`      // by cluster and name
	Parameters           map[string]string               `json:"parameters,omitempty"`      // SSM
	Region               string                          `json:"region"`
	Secrets              map[string]string               `json:"secrets,omitempty"` // Secrets Manager, by name
	Tokens               map[string]token                `json:"tokens,omitempty"`  // idempotency tokens by call
}

// token remembers what an idempotency token was used for.
type token struct {
	Answer  string `json:"answer,omitempty"`
	Request string `json:"request"`
}

// image is an AMI. One that is pending becomes available at Available.
type image struct {
	Architecture string            `json:"architecture"`
	Available    string            `json:"available,omitempty"` // RFC 3339
	Created      string            `json:"created,omitempty"`   // RFC 3339
	Name         string            `json:"name"`
	Owner        string            `json:"owner,omitempty"`      // account; empty means this one
	OwnerAlias   string            `json:"ownerAlias,omitempty"` // "amazon"
	RootDevice   string            `json:"rootDevice,omitempty"` // empty means /dev/xvda
	RootGiB      int64             `json:"rootGiB,omitempty"`
	State        string            `json:"state,omitempty"` // empty means available
	Tags         map[string]string `json:"tags,omitempty"`
}

// instanceType is an EC2 instance type's capacity.
type instanceType struct {
	Architectures []string `json:"architectures"`
	GPUName       string   `json:"gpuName,omitempty"`
	GPUs          int64    `json:"gpus,omitempty"`
	MemoryMiB     int64    `json:"memoryMiB"`
	VCPUs         int64    `json:"vcpus"`
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
}

type launchConfiguration struct {
	Data         json.RawMessage `json:"data,omitempty"` // all else, copied as it stands
	Image        string          `json:"image"`
	InstanceType string          `json:"instanceType"`
}

// group is an Auto Scaling group. Instances, when left out, is Desired.
type group struct {
	Desired             int64             `json:"desired"`
	InstanceTypes       []string          `json:"instanceTypes,omitempty"` // overrides of a mixed policy
	Instances           *int64            `json:"instances,omitempty"`
	LaunchConfiguration string            `json:"launchConfiguration,omitempty"`
	Max                 int64             `json:"max"`
	Min                 int64             `json:"min"`
	Mixed               bool              `json:"mixed,omitempty"`
	SuspendedProcesses  []string          `json:"suspendedProcesses,omitempty"`
	Tags                map[string]string `json:"tags,omitempty"`
	Template            string            `json:"template,omitempty"` // launch template id
	Version             string            `json:"version,omitempty"`
	Zones               []string          `json:"zones,omitempty"`
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
	Template      string            `json:"template,omitempty"`
	Version       int64             `json:"version,omitempty"` // of the template
}
