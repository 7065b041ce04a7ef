package schema

import (
	"cmp"
	"encoding/json"
	"strings"
)

// Bake is how an object of amis is made, as the files state it.
type Bake struct {
	From struct {
		Pool     string `json:"pool"`
		AMI      string `json:"ami"`
		Instance string `json:"instance"`
	} `json:"from"`
	Runtime     string `json:"runtime"` // "docker" or "containerd"
	Snapshotter string `json:"snapshotter"`
	Instance    struct {
		Type           string   `json:"type"`
		Subnet         string   `json:"subnet"`
		SecurityGroups []string `json:"securityGroups"`
		Profile        string   `json:"profile"`
		KeyPair        string   `json:"keyPair"`
	} `json:"instance"`
	Connect struct {
		SSM bool `json:"ssm"`
		SSH *SSH `json:"ssh"`
	} `json:"connect"`
	Volume struct {
		Size string `json:"size"`
		Type string `json:"type"`
	} `json:"volume"`
	GPU    *GPU `json:"gpu"`
	Verify struct {
		Probe *[]string `json:"probe"` // names of what is cached; nil means the first
	} `json:"verify"`
	Scripts      []string `json:"scripts"`
	ScriptsAfter []string `json:"scriptsAfter"`
	Salt         struct {
		Highstate string `json:"highstate"`
	} `json:"salt"`
}

// GPU is what an image for GPUs must hold.
type GPU struct {
	MinDriver string   `json:"minDriver,omitempty"` // "535.104"
	Scripts   []string `json:"scripts,omitempty"`   // that install driver and toolkit
}

// SSH is how commands reach an instance over SSH.
type SSH struct {
	User    string `json:"user"`
	Port    int    `json:"port"`
	Address string `json:"address"` // "private" or "public"
	Key     struct {
		Secret map[string]string `json:"secret"`
	} `json:"key"`
	HostKeys []string `json:"hostKeys"` // of from: instance
	Bastion  *struct {
		Address  string   `json:"address"`
		User     string   `json:"user"`
		HostKeys []string `json:"hostKeys"`
	} `json:"bastion"`
}

// KeyRef is the reference to the private key: "env:NAME", "" where none is stated.
func (s SSH) KeyRef() string {
	for source, name := range s.Key.Secret {
		return source + ":" + name
	}
	return ""
}

// Bake of an object of amis; ok is false for one that is not baked.
func (o Object) Bake() (b Bake, ok bool) {
	v := o.Fields["bake"]
	b, err := ParseBake(v.Text)
	return b, v.Is == Known && err == nil
}

// ParseBake reads how an image is made, as the files or a plan have it. A runtime that
// is not stated is containerd.
func ParseBake(text string) (b Bake, err error) {
	err = json.Unmarshal([]byte(text), &b)
	b.Runtime = cmp.Or(b.Runtime, "containerd")
	return b, err
}

// bakedBefore is the map by which *applied* remembers the images that an entry
// had baked: a Baked each, by the first digits of its content's digest.
const bakedBefore = "bakedBefore."

// Baked is an image that domctl made. Base is the root of it: the image that
// its builder started from, or what that one itself had been baked from.
type Baked struct {
	Image string `json:"image"`
	Base  string `json:"base"`
	Name  string `json:"name"`
	Key   string `json:"key"`
	At    string `json:"at"` // RFC 3339: when its apply began
}

// BakedBefore is where an applied entry holds an image of this content.
func BakedBefore(key string) string { return bakedBefore + key[:min(len(key), 8)] }

// Baked are the images that an applied entry of amis had made, the one that
// stands for it now included.
func (e Entry) Baked() (all []Baked) {
	for _, p := range Sorted(e.Fields) {
		var b Baked
		if strings.HasPrefix(p, bakedBefore) && json.Unmarshal([]byte(e.Fields[p].Text), &b) == nil {
			all = append(all, b)
		}
	}
	return all
}

// IsBakedBefore says of a field of an applied entry that it holds a Baked.
func IsBakedBefore(path string) bool { return strings.HasPrefix(path, bakedBefore) }

const content = "content."

// IsContent says of a field of amis that it is an input of a bake, which the world
// fills in.
func IsContent(path string) bool { return strings.HasPrefix(path, content) }

// Tags on what a bake makes. They count only on what this account owns, and
// beside a record.
const (
	TagDeployment = "domctl:deployment"
	TagAMI        = "domctl:ami"       // the name of the entry in files
	TagKey        = "domctl:key"       // of the content
	TagBase       = "domctl:base"      // the root image
	TagApply      = "domctl:apply"     // and
	TagToken      = "domctl:token"     // of the step that made it
	TagVerified   = "domctl:verified"  // "passed", or why not
	TagReady      = "domctl:ready"     // from launch until its engine answered: "31s"
	TagContainer  = "domctl:container" // and until the first container had started
	// TagBorrowed stands on an instance that is not domctl's, while an image is made
	// of it: a Loan. It carries none of the tags above.
	TagBorrowed = "domctl:borrowed"
	// TagKept stands on the instance of a failed bake that is left for people to look
	// at, until its apply is taken back.
	TagKept = "domctl:kept"
)

// Passed is the verdict on an image that is what it should be.
const Passed = "passed"
