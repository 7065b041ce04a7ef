package aws

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"domctl.dev/internal/port"
)

// Scope narrows a policy to what one deployment has. Empty fields leave "*", or
// drop the calls that are never made without them.
type Scope struct {
	port.Identity
	Role, Cluster          string
	Bucket, Prefix, KMSKey string
	SecretParameters       bool // some secret is kept in SSM
	ManagedSecrets         bool // some secret is kept in Secrets Manager
	Bakes                  bool // some AMI is to be baked
	Rolls                  bool // some pool's nodes are to be replaced
	Alarms                 bool // alarms stop that
	Ends                   bool // some tier's executors are to be replaced
	Moves                  bool // some pool is to leave launch configurations
	Encrypts               bool // some copy of one is encrypted with a key of its own
	ECR                    bool // some registry is one of Amazon ECR
}

// statement is one of an IAM policy's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// Policy is the least IAM policy of a mode, as canonical JSON, generated from
// the calls that the adapter makes.
func Policy(mode Mode, s Scope) []byte {
	byResource := map[string][]string{}
	for _, p := range Permissions(mode) {
		if !s.makes(p) {
			continue
		}
		for i, action := range p.Actions {
			on := p.On
			if i > 0 { // what a call needs of other services is not on the call's own resource
				on = ""
			}
			resource := s.resource(on)
			if !slices.Contains(byResource[resource], action) {
				byResource[resource] = append(byResource[resource], action)
			}
		}
	}
	var resources []string
	for r := range byResource {
		resources = append(resources, r)
	}
	slices.Sort(resources)
	var statements []statement
	for i, r := range resources {
		slices.Sort(byResource[r])
		statements = append(statements, statement{Sid: "Domctl" + string(rune('A'+i)), Effect: "Allow", Action: byResource[r], Resource: strings.Fields(r)})
	}
	text, _ := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	return text
}

// makes says whether the deployment ever makes a call.
func (s Scope) makes(p Permission) bool {
	switch p.When {
	case "deployment.aws.role":
		return s.Role != ""
	case "deployment.aws.cluster":
		return s.Cluster != ""
	case "deployment.state.s3":
		return s.Bucket != ""
	case "deployment.state.s3.kmsKey":
		return s.KMSKey != ""
	case bakes:
		return s.Bakes
	case ends:
		return s.Ends
	case moves:
		return s.Moves
	case rolls:
		return s.Rolls
	case alarms:
		return s.Alarms
	case clusterRolls:
		return s.Rolls && s.Cluster != ""
	case encrypts:
		return s.Encrypts
	case registries:
		return s.ECR
	case "secret: ssm":
		return s.SecretParameters
	case "secret: secretsManager":
		return s.ManagedSecrets
	}
	return true
}

// resource is the ARN pattern of a kind of resource, or several with spaces
// between.
// https://docs.aws.amazon.com/service-authorization/latest/reference/
func (s Scope) resource(on string) string {
	place := cmp.Or(s.Region, "*") + ":" + cmp.Or(s.Account, "*")
	prefix := s.Prefix
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	switch on {
	case "role":
		return s.Role
	case "cluster":
		return "arn:aws:eks:" + place + ":cluster/" + s.Cluster
	case "nodegroup":
		return "arn:aws:eks:" + place + ":nodegroup/" + s.Cluster + "/*"
	case "parameter":
		return "arn:aws:ssm:" + place + ":parameter/*"
	case "secret":
		return "arn:aws:secretsmanager:" + place + ":secret:*"
	case "object":
		return "arn:aws:s3:::" + s.Bucket + "/" + prefix + "*"
	case "bucket":
		return "arn:aws:s3:::" + s.Bucket
	case "key":
		if strings.HasPrefix(s.KMSKey, "arn:") {
			return s.KMSKey
		}
		return "arn:aws:kms:" + place + ":key/*" // IAM matches no alias
	case "command":
		return "arn:aws:ssm:" + cmp.Or(s.Region, "*") + "::document/" + runShellScript + " arn:aws:ec2:" + place + ":instance/*"
	case "image", "snapshot":
		// EC2's images have no account in their ARN, and copies lie in other regions.
		return "arn:aws:ec2:*::" + on + "/*"
	case "launch-template", "instance", "volume", "security-group", "key-pair":
		return "arn:aws:ec2:" + place + ":" + on + "/*"
	case "launchConfiguration":
		return "arn:aws:autoscaling:" + place + ":launchConfiguration:*:launchConfigurationName/*"
	case "autoScalingGroup":
		return "arn:aws:autoscaling:" + place + ":autoScalingGroup:*:autoScalingGroupName/*"
	}
	return "*"
}
