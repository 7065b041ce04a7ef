// Package config is the file of domctl serve, which lies outside all trees: it says what a
// controller may do, and where. The package reads the file and tells all that is wrong with
// it, holds trees against what it binds them to, and says whose approvals plans need. It
// asks nobody and reads no other file.
package config

import (
	"time"

	"domctl.dev/schema"
)

// Config is what a controller may do, and where. It lies outside all trees: what it
// binds, no commit can change.
type Config struct {
	// Work is a folder of the controller's own for clones and logs, absolute.
	Work string `yaml:"work"`
	// Poll is how often each deployment is looked at without being told to; zero in
	// the file is a minute.
	Poll time.Duration `yaml:"poll"`
	// Workers is how many deployments are worked on side by side; zero is four.
	Workers      int                   `yaml:"workers"`
	Listen       Listen                `yaml:"listen"`
	Page         Page                  `yaml:"page"`
	Replicas     Replicas              `yaml:"replicas"`
	Forges       map[string]Forge      `yaml:"forges"`
	Repositories map[string]Repository `yaml:"repositories"`
	Deployments  map[string]Deployment `yaml:"deployments"` // by the name that its tree states
	Notify       map[string]Channel    `yaml:"notify"`
	Log          Log                   `yaml:"log"`
	Traces       Traces                `yaml:"traces"`
}

// Listen are the addresses that are served, "127.0.0.1:8080"; empty: none is.
type Listen struct {
	Webhooks string `yaml:"webhooks"` // what forges deliver
	Health   string `yaml:"health"`   // /healthz and /readyz
	Page     string `yaml:"page"`     // what people look at
}

// Forge is where repositories are, and as whom it is spoken to.
type Forge struct {
	Kind  string `yaml:"kind"` // github, gitlab, gitea or bitbucket
	URL   string `yaml:"url"`
	User  string `yaml:"user"`
	Token string `yaml:"token"` // reference
}

// Repository is one, and how it is fetched. Secrets are references, "env:NAME" or
// "file:/path", and are read anew whenever they are used.
type Repository struct {
	Forge string `yaml:"forge"` // one of Forges; empty: none is told anything
	Name  string `yaml:"name"`  // on the forge: "acme/domino"
	// URL is where it is cloned from: https, ssh or file.
	URL        string `yaml:"url"`
	User       string `yaml:"user"`       // of the URL's host; of https "git" where there is a password
	Password   string `yaml:"password"`   // reference: https
	Key        string `yaml:"key"`        // reference: ssh, a private key
	KnownHosts string `yaml:"knownHosts"` // ssh: a file as ssh keeps it
	CA         string `yaml:"ca"`         // https: a file of certificates to trust beside the system's
	Webhook    string `yaml:"webhook"`    // reference: what deliveries are signed with; empty: none is taken
}

// Deployment binds one deployment's tree to its outside.
type Deployment struct {
	Repository string     `yaml:"repository"`
	Branch     string     `yaml:"branch"`
	Dir        string     `yaml:"dir"`   // in the tree; empty is its top
	World      string     `yaml:"world"` // live or sandbox
	AWS        AWS        `yaml:"aws"`
	Kubernetes Kubernetes `yaml:"kubernetes"`
	Mongo      Mongo      `yaml:"mongo"`
	// ExecutorInstances are those of a classic deployment, stated where the files state them.
	ExecutorInstances ExecutorInstances `yaml:"executorInstances"`

	Domino  Domino `yaml:"domino"`
	State   State  `yaml:"state"`
	Sandbox string `yaml:"sandbox"` // of world sandbox: its file, absolute
	// Secrets are patterns of the references that the tree may hold: "ssm:/domino/*",
	// where * stops at a slash.
	Secrets []string `yaml:"secrets"`
	// Registries are the hosts that may be asked for images, of those that the tree
	// names. A live deployment states them.
	Registries []string `yaml:"registries"`
	// Archive lets what was applied and is no longer in the files be archived.
	Archive bool `yaml:"archive"`
	// Rules say which plans need approvals; none: all that is merged is applied.
	Rules     []Rule    `yaml:"rules"`
	Approvals Approvals `yaml:"approvals"`
	// Roles on the page, in place of those that Page has for all; nil: those.
	Roles *Roles `yaml:"roles"`
	// Notify are the channels, of Config.Notify, that are told what becomes of it.
	Notify []string `yaml:"notify"`
	Drift  Watch    `yaml:"drift"`
	// Recording is what pull requests of forks are planned from.
	Recording Recording `yaml:"recording"`
}

// AWS is where a live deployment is, and as whom it is asked.
type AWS struct {
	Account string `yaml:"account"`
	Region  string `yaml:"region"`
	Role    string `yaml:"role"` // to assume
	// PlanRole is assumed for plans, and Role then for applies alone; empty: Role.
	PlanRole string `yaml:"planRole"`
	Cluster  string `yaml:"cluster"`
}

// Kubernetes is the cluster that secrets are read from.
type Kubernetes struct {
	Context string `yaml:"context"`
}

// Mongo is Domino's database; URI is a reference, and so is PlanURI, by which plans read
// it; empty: URI.
type Mongo struct {
	Database string  `yaml:"database"`
	URI      string  `yaml:"uri"`
	PlanURI  string  `yaml:"planURI"`
	Mapping  Mapping `yaml:"mapping"`
	Via      Via     `yaml:"via"`
}

// Via is schema.Via: it decides who answers for the database, so that no tree may choose it.
type Via struct {
	SSH         *ViaSSH      `yaml:"ssh"`
	PortForward *PortForward `yaml:"portForward"`
}

// ViaSSH is schema.ViaSSH; Key is a reference.
type ViaSSH struct {
	Address  string   `yaml:"address"`
	User     string   `yaml:"user"`
	HostKeys []string `yaml:"hostKeys"`
	Key      string   `yaml:"key"`
}

// PortForward is schema.PortForward.
type PortForward struct {
	Namespace string `yaml:"namespace"`
}

// Mapping is schema.Mapping: it decides which fields of which collections are written,
// so that no tree may choose it.
type Mapping struct {
	HardwareTiers  Collection `yaml:"hardwareTiers"`
	ExecutorGroups Collection `yaml:"executorGroups"`
	Executors      Collection `yaml:"executors"`
}

// ExecutorInstances is schema.ExecutorInstances: it decides which instances a roll may end,
// so that no tree may choose it.
type ExecutorInstances struct {
	Tags map[string]string `yaml:"tags"`
	Tier string            `yaml:"tier"`
}

// Collection is schema.Collection.
type Collection struct {
	Collection string            `yaml:"collection"`
	Fields     map[string]string `yaml:"fields"`
}

// State is where the records are: one of the two.
type State struct {
	File string `yaml:"file"` // folder, absolute
	S3   *S3    `yaml:"s3"`
}

// S3 is schema.S3 in the controller's file.
type S3 struct {
	Bucket string `yaml:"bucket"`
	Prefix string `yaml:"prefix"`
	KMSKey string `yaml:"kmsKey"`
	Region string `yaml:"region"`
}

func parsed(file string, text []byte) (c Config, r reading) {
	r = reading{file: file, at: map[string]schema.Position{}, bad: map[string]bool{}}
	r.read(text, &c)
	if len(r.at) > 0 { // it is YAML
		k := checking{&r, &c}
		k.all()
	}
	if c.Poll == 0 {
		c.Poll = time.Minute
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	c.Page.fill()
	return c, r
}
