package worldtest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

const updateConfig = "EKS API Reference, UpdateNodegroupConfig"

func nodeGroupCases() []Case {
	return []Case{
		{Name: "NodeGroups/List", Source: "EKS API Reference, ListNodegroups", run: listNodeGroups},
		{Name: "Clusters/Describe", Source: "EKS API Reference, DescribeCluster", run: describeCluster},
		{Name: "NodeGroups/Describe", Source: "EKS API Reference, DescribeNodegroup", run: describeNodeGroup},
		{Name: "NodeGroups/Scale", Source: updateConfig + ", scalingConfig", run: scaleNodeGroup},
		{Name: "NodeGroups/ScaleRefused", Source: updateConfig + ", InvalidParameterException", run: scaleRefused},
		{Name: "NodeGroups/Labels", Source: updateConfig + ", labels, taints", run: labelNodeGroup},
		{Name: "NodeGroups/Token", Source: updateConfig + ", clientRequestToken", run: scaleToken},
	}
}

func putNodeGroup(t *testing.T, w World) {
	w.Put.NodeGroup(t, port.NodeGroup{Cluster: "acme", Name: "compute-a", AMIType: "AL2023_x86_64_STANDARD", Min: 1, Max: 4, Desired: 2,
		InstanceTypes: []string{"m6i.2xlarge"}, Labels: map[string]string{"dominodatalab.com/node-pool": "default"}})
}

func nodeGroup(t *testing.T, w World) port.NodeGroup {
	t.Helper()
	return value(w.EKS.DescribeNodegroup(background(), "acme", "compute-a"))(t)
}

func listNodeGroups(t *testing.T, w World) {
	putNodeGroup(t, w)
	if names := value(w.EKS.ListNodegroups(background(), "acme"))(t); fmt.Sprint(names) != "[compute-a]" {
		t.Errorf("node groups are %v", names)
	}
	if _, err := w.EKS.ListNodegroups(background(), "none"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("node groups of no cluster: %v, want ErrNotFound", err)
	}
}

func describeCluster(t *testing.T, w World) {
	putNodeGroup(t, w)
	if c := value(w.EKS.DescribeCluster(background(), "acme"))(t); c.Name != "acme" || c.Status != "ACTIVE" || !strings.HasPrefix(c.Version, "1.") {
		t.Errorf("cluster is %+v", c)
	}
	if _, err := w.EKS.DescribeCluster(background(), "none"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("no cluster: %v, want ErrNotFound", err)
	}
}

func describeNodeGroup(t *testing.T, w World) {
	putNodeGroup(t, w)
	g := nodeGroup(t, w)
	if g.Cluster != "acme" || g.Name != "compute-a" || g.Status != "ACTIVE" || g.Min != 1 || g.Max != 4 || g.Desired != 2 {
		t.Errorf("node group is %+v", g)
	}
	if fmt.Sprint(g.InstanceTypes) != "[m6i.2xlarge]" || g.Labels["dominodatalab.com/node-pool"] != "default" || g.AMIType != "AL2023_x86_64_STANDARD" {
		t.Errorf("node group is %+v", g)
	}
	for _, at := range [][2]string{{"acme", "none"}, {"none", "compute-a"}} {
		if _, err := w.EKS.DescribeNodegroup(background(), at[0], at[1]); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("node group %v: %v, want ErrNotFound", at, err)
		}
	}
}

// settled waits until the node group is ACTIVE, for at most as long as Settle.
func settledGroup(t *testing.T, w World) port.NodeGroup {
	t.Helper()
	if g := nodeGroup(t, w); g.Status == "ACTIVE" {
		return g
	}
	w.Settle(t)
	return nodeGroup(t, w)
}

func sizes(lo, hi, desired *int64) port.NodegroupConfig {
	return port.NodegroupConfig{Min: lo, Max: hi, Desired: desired}
}

func scaleNodeGroup(t *testing.T, w World) {
	putNodeGroup(t, w)
	hi, desired := int64(6), int64(5)
	must(t, w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", "t1", sizes(nil, &hi, &desired)))
	if g := settledGroup(t, w); g.Status != "ACTIVE" || g.Min != 1 || g.Max != 6 || g.Desired != 5 {
		t.Errorf("node group is %+v, want sizes 1, 6, 5", g)
	}
	if err := w.EKS.UpdateNodegroupConfig(background(), "acme", "none", "t2", sizes(nil, &hi, nil)); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("scaling what is missing: %v, want ErrNotFound", err)
	}
}

func scaleRefused(t *testing.T, w World) {
	putNodeGroup(t, w)
	zero, three, nine := int64(0), int64(3), int64(9)
	for i, s := range [][3]*int64{{&three, nil, nil}, {nil, nil, &nine}, {nil, nil, &zero}, {&nine, &three, &three}} {
		if err := w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", fmt.Sprint("t", i), sizes(s[0], s[1], s[2])); err == nil {
			t.Errorf("sizes %d were taken", i)
		}
	}
	if g := nodeGroup(t, w); g.Min != 1 || g.Max != 4 || g.Desired != 2 {
		t.Errorf("refused calls changed the node group to %+v", g)
	}
}

func scaleToken(t *testing.T, w World) {
	putNodeGroup(t, w)
	three, four := int64(3), int64(4)
	must(t, w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", "t1", sizes(nil, nil, &three)))
	settledGroup(t, w)
	must(t, w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", "t2", sizes(nil, nil, &four)))
	settledGroup(t, w)
	must(t, w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", "t1", sizes(nil, nil, &three)))
	if g := settledGroup(t, w); g.Desired != 4 {
		t.Errorf("desired size is %d: the repeated call took effect again", g.Desired)
	}
}

func secretCases() []Case {
	const source = "Secrets Manager API Reference, GetSecretValue"
	return []Case{
		{Name: "GetSecretValue/ByName", Source: source + ", SecretId", run: secretValue},
		{Name: "GetSecretValue/Missing", Source: source + ", ResourceNotFoundException", run: secretMissing},
	}
}

func secretValue(t *testing.T, w World) {
	arn := w.Put.Secret(t, "acme/domino", `{"password": "p"}`)
	w.Put.Secret(t, "acme/domino2", "x")
	for _, id := range []string{"acme/domino", arn} {
		if got := value(w.Secrets.GetSecretValue(background(), id))(t); got != `{"password": "p"}` {
			t.Errorf("%s is %q", id, got)
		}
	}
}

func secretMissing(t *testing.T, w World) {
	w.Put.Secret(t, "acme/domino", "p")
	for _, id := range []string{"acme", "acme/domino-none"} {
		if got, err := w.Secrets.GetSecretValue(background(), id); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s is %q, %v; want ErrNotFound", id, got, err)
		}
	}
}

func parameterCases() []Case {
	return []Case{{Name: "GetParameters/ByName", Source: "Systems Manager API Reference, GetParameters, InvalidParameters", run: parameters}}
}

func parameters(t *testing.T, w World) {
	w.Put.Parameter(t, "/acme/ami", "ami-0000000000000000a")
	w.Put.Parameter(t, "/acme/other", "x")
	got := value(w.SSM.GetParameters(background(), []string{"/acme/ami", "/acme/none"}))(t)
	if !maps.Equal(got, map[string]string{"/acme/ami": "ami-0000000000000000a"}) {
		t.Errorf("parameters are %v", got)
	}
	if got := value(w.SSM.GetParameters(background(), nil))(t); len(got) != 0 {
		t.Errorf("no names find %v", got)
	}
}

func identityCases() []Case {
	return []Case{{Name: "GetCallerIdentity/Account", Source: "STS API Reference, GetCallerIdentity", run: identity}}
}

func identity(t *testing.T, w World) {
	got := value(w.STS.GetCallerIdentity(background()))(t)
	if got.Account != w.Want.Account || got.Region != w.Want.Region || got.ARN == "" {
		t.Errorf("identity is %+v, want %+v", got, w.Want)
	}
}

func registryCases() []Case {
	return []Case{
		{Name: "Digests/Platforms", Source: "OCI Image Index Specification, platform", run: digests},
		{Name: "Digests/ByDigest", Source: "OCI Distribution Specification, Pulling manifests", run: digestsByDigest},
		{Name: "Digests/MissingTag", Source: "OCI Distribution Specification, Pulling manifests, 404", run: digestsMissing},
	}
}

func digests(t *testing.T, w World) {
	image, want := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64", "linux/arm64")
	if got := value(w.Registry.Digests(background(), image, nil))(t); !maps.Equal(got, want) {
		t.Errorf("digests are %v, want %v", got, want)
	}
	got := value(w.Registry.Digests(background(), image, []string{"linux/arm64", "linux/riscv64"}))(t)
	if !maps.Equal(got, map[string]string{"linux/arm64": want["linux/arm64"]}) {
		t.Errorf("digests are %v, want that of linux/arm64", got)
	}
}

func digestsByDigest(t *testing.T, w World) {
	image, want := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64")
	repository := image[:len(image)-len(":v1")]
	got := value(w.Registry.Digests(background(), repository+"@"+want["linux/amd64"], []string{"linux/amd64"}))(t)
	if !maps.Equal(got, want) {
		t.Errorf("digests are %v, want %v", got, want)
	}
}

func digestsMissing(t *testing.T, w World) {
	image, _ := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64")
	for _, missing := range []string{image + "-none", image[:len(image)-len("base:v1")] + "none:v1"} {
		if got, err := w.Registry.Digests(background(), missing, nil); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("digests of %s are %v, %v; want ErrNotFound", missing, got, err)
		}
	}
}

func layerCases() []Case {
	return []Case{
		{Name: "Layers/OfAPlatform", Source: "OCI Image Manifest Specification, layers; OCI Image Configuration, rootfs", run: layers},
		{Name: "Layers/ByDigest", Source: "OCI Distribution Specification, Pulling manifests", run: layersByDigest},
		{Name: "Layers/Missing", Source: "OCI Distribution Specification, Pulling manifests, 404", run: layersMissing},
	}
}

func layers(t *testing.T, w World) {
	image, digests := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64", "linux/arm64")
	for platform, digest := range digests {
		m := value(w.Registry.Layers(background(), image, platform))(t)
		if m.Digest != digest || !isDigest(m.Config) || len(m.Layers) == 0 {
			t.Fatalf("layers for %s are %+v, want those of %s", platform, m, digest)
		}
		for _, l := range m.Layers {
			if !isDigest(l.Digest) || !isDigest(l.DiffID) || l.MediaType == "" || l.Size <= 0 || l.Unpacked < l.Size || l.Foreign {
				t.Errorf("layer is %+v", l)
			}
		}
	}
}

func isDigest(s string) bool { return len(s) == 71 && s[:7] == "sha256:" }

func layersByDigest(t *testing.T, w World) {
	image, digests := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64")
	want := value(w.Registry.Layers(background(), image, "linux/amd64"))(t)
	repository := image[:len(image)-len(":v1")]
	got := value(w.Registry.Layers(background(), repository+"@"+digests["linux/amd64"], "linux/amd64"))(t)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("layers by digest are %+v, by tag %+v", got, want)
	}
}

func layersMissing(t *testing.T, w World) {
	image, _ := w.Put.RegistryImage(t, "acme/base", "v1", "linux/amd64")
	for _, c := range [][2]string{{image + "-none", "linux/amd64"}, {image, "linux/riscv64"}} {
		if got, err := w.Registry.Layers(background(), c[0], c[1]); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("layers of %s for %s are %+v, %v; want ErrNotFound", c[0], c[1], got, err)
		}
	}
}
