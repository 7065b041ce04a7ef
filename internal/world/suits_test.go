package world

import "testing"

// TestMinor reads the names of images as their makers write them, and no others.
func TestMinor(t *testing.T) {
	for name, want := range map[string]int{
		"amazon-eks-node-1.29-v20240202":                             29,
		"amazon-eks-gpu-node-1.28-v20240202":                         28,
		"amazon-eks-arm64-node-1.27-v20240202":                       27,
		"amazon-eks-node-al2023-x86_64-standard-1.31-v20250103":      31,
		"amazon-eks-node-al2023-x86_64-nvidia-560-1.31-v20250103":    31,
		"bottlerocket-aws-k8s-1.30-x86_64-v1.19.5-64049ba8":          30,
		"ubuntu-eks/k8s_1.29/images/hvm-ssd/ubuntu-22.04-amd64":      29,
		"domino-prod-executor-20260101-1.29":                         -1,
		"my-amazon-eks-node-1.29":                                    -1,
		"amazon-eks-node-latest":                                     -1,
		"ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-2024": -1,
		"": -1,
	} {
		if got := minor(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}
