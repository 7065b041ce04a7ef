package schema

import (
	"cmp"
	"encoding/json"
	"time"
)

// Deployment says which Domino deployment the folder describes, where its
// outside is, and where its records are kept. Field comments stand in
// schema.cue, which users read.
type Deployment struct {
	Name       string             `json:"name"`
	World      string             `json:"world"`     // "sandbox" or "live"
	Executors  string             `json:"executors"` // "kubernetes" or "classic"
	Instances  ExecutorInstances  `json:"executorInstances,omitzero"`
	AWS        AWS                `json:"aws,omitzero"`
	Kubernetes Kubernetes         `json:"kubernetes,omitzero"`
	Mongo      Mongo              `json:"mongo,omitzero"`
	Domino     Domino             `json:"domino,omitzero"`
	Backends   Backends           `json:"backends,omitzero"`
	State      State              `json:"state,omitzero"`
	Windows    map[string]Window  `json:"windows,omitempty"`
	Registries []Registry         `json:"registries,omitempty"` // that may be asked
	Prices     map[string]float64 `json:"prices,omitempty"`     // instance type → US dollars per hour
	Findings   map[string]string  `json:"findings,omitempty"`   // code → error, warning, off
	At         []Position         `json:"at,omitempty"`
	// WindowsAt is where each window stands.
	WindowsAt map[string][]Position `json:"windowsAt,omitempty"`
}

// Registry is a host that may be asked for images. OnNodes is the host in names
// of images that it answers for; nil means Host.
type Registry struct {
	Host    string  `json:"host"`
	OnNodes *string `json:"onNodes,omitempty"`
}

// UnmarshalJSON reads a host alone too.
func (r *Registry) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &r.Host); err == nil {
		return nil
	}
	type plain Registry
	return json.Unmarshal(text, (*plain)(r))
}

// ExecutorInstances says which instances of EC2 are executors; without Tags nobody does.
type ExecutorInstances struct {
	Tags map[string]string `json:"tags,omitempty"`
	Tier string            `json:"tier,omitempty"` // key of a tag
}

// AWS names the account and region that everything in EC2, Auto Scaling, EKS
// and SSM must answer for.
type AWS struct {
	Account string `json:"account,omitempty"` // 12 digits
	Region  string `json:"region,omitempty"`
	Profile string `json:"profile,omitempty"`
	Role    string `json:"role,omitempty"` // ARN to assume
	Cluster string `json:"cluster,omitempty"`
}

// Kubernetes is the cluster that runs executions, and that secrets are read from.
type Kubernetes struct {
	Context string `json:"context,omitempty"` // of the kubeconfig
	Nodes   *bool  `json:"nodes,omitempty"`
}

// ReadsNodes says that nodes and their pods are asked for.
func (k Kubernetes) ReadsNodes() bool {
	if k.Nodes != nil {
		return *k.Nodes
	}
	return k.Context != ""
}

// Mongo is Domino's database.
type Mongo struct {
	Database   string  `json:"database,omitempty"`
	URI        string  `json:"uri,omitempty"` // a secret reference: "env:DOMCTL_MONGO_URI"
	ReplicaSet string  `json:"replicaSet,omitempty"`
	Via        Via     `json:"via,omitzero"`
	Mapping    Mapping `json:"mapping,omitzero"`
}

// Via is the way to MongoDB: at most one is set, none means directly.
type Via struct {
	SSH         *ViaSSH      `json:"ssh,omitempty"`
	PortForward *PortForward `json:"portForward,omitempty"`
}

// ViaSSH is an SSH server that connects to MongoDB.
type ViaSSH struct {
	Address  string   `json:"address"` // host, or host:port
	User     string   `json:"user"`
	HostKeys []string `json:"hostKeys"`
	Key      string   `json:"key,omitempty"` // a secret reference; "": the agent's
}

// PortForward leads through the Kubernetes API server to pods of a namespace.
type PortForward struct {
	Namespace string `json:"namespace"`
}

// KeyRef is the reference to the private key that the way takes, "" for none.
func (v Via) KeyRef() string {
	if v.SSH == nil {
		return ""
	}
	return v.SSH.Key
}

// Domino is its REST API, and as whom it is asked: one of two secret references.
// The zero value: it is not asked.
type Domino struct {
	URL    string `json:"url,omitempty"`
	APIKey string `json:"apiKey,omitempty"`
	Token  string `json:"token,omitempty"`
	Builds int    `json:"builds,omitempty"` // side by side; 0: not stated
	// BuildTimeout is how long one may take, as the files have it: "45m"; "" is not stated.
	BuildTimeout string `json:"buildTimeout,omitempty"`
}

// The bounds of BuildTimeout.
const (
	LeastBuildTimeout = time.Minute
	MostBuildTimeout  = 7 * 24 * time.Hour
)

// Timeout is how long a build may take; 0 where the files do not state it, or no time that
// can be meant.
func (d Domino) Timeout() time.Duration {
	t, err := ParseDuration(d.BuildTimeout)
	if err != nil || t < LeastBuildTimeout || t > MostBuildTimeout {
		return 0
	}
	return t
}

// Ref is the reference to its secret.
func (d Domino) Ref() string { return cmp.Or(d.APIKey, d.Token) }

// API is the backend of a kind that is read and written through Domino's REST API.
const API = "api"

// Backends says where objects of a kind live: API, or "mongo" and "" for Domino's
// database.
type Backends struct {
	HardwareTiers string `json:"hardwareTiers,omitempty"`
	Settings      string `json:"settings,omitempty"`
}

// API says that some kind is read and written through Domino's REST API.
func (b Backends) API() bool { return b.HardwareTiers == API || b.Settings == API }

// Mapping names what is not public in Domino's database. Empty means the
// documented default.
type Mapping struct {
	HardwareTiers  Collection `json:"hardwareTiers,omitzero"`
	ExecutorGroups Collection `json:"executorGroups,omitzero"`
	Executors      Collection `json:"executors,omitzero"` // no default stands for any of it
}

// Collection is a collection's name and where schema fields stand in its
// documents: field path → document path.
type Collection struct {
	Collection string            `json:"collection,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
}

// State is where records are kept; exactly one is set.
type State struct {
	File string `json:"file,omitempty"` // folder, relative to the deployment's
	S3   *S3    `json:"s3,omitempty"`
}

// S3 is a bucket and a prefix under which the records stand, sealed with the
// KMS key.
type S3 struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
	KMSKey string `json:"kmsKey,omitempty"`
	Region string `json:"region,omitempty"`
}

// Window is a span of the week in which gated steps may start.
type Window struct {
	Days     []string `json:"days"` // "mon" … "sun", the day From falls on
	From     string   `json:"from"` // "22:00"
	To       string   `json:"to"`   // earlier than From: the next morning
	Timezone string   `json:"timezone"`
}
