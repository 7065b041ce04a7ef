package aws

import (
	"encoding/base64"
	"regexp"
)

// What nodeadm reads in a NodeConfig, YAML or JSON: whether images are pulled
// through SOCI, and whether containerd's folder moves to a RAID of the instance
// store.
// https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
var (
	fastPull = regexp.MustCompile(`(?m)^[^#\n]*\bFastImagePull"?\s*:\s*true\b`)
	raid     = regexp.MustCompile(`(?m)^[^#\n]*\bstrategy"?\s*:\s*"?RAID(0|10)\b`)
	disabled = regexp.MustCompile(`\bdisabledMounts"?\s*:(\s*\[[^\]]*|(\s*-\s*\w+)*\s*-\s*)"?\bContainerd\b`)
)

// nodeConfig tells two features from user data, in base64, of which nothing else
// leaves this package. What cannot be read tells nothing.
func nodeConfig(userData string) (lazyPull, copiesCache bool) {
	text, err := base64.StdEncoding.DecodeString(userData)
	if err != nil {
		return false, false
	}
	return fastPull.Match(text), raid.Match(text) && !disabled.Match(text)
}
