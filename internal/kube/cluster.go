package kube

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// cluster is where requests go. http brings the credentials along.
type cluster struct {
	where   string // for messages
	context string // of the kubeconfig; empty in a pod
	base    *url.URL
	http    *http.Client
	config  *rest.Config
}

// kubectl is how a person asks the same cluster.
func (c cluster) kubectl(words ...string) string {
	if c.context != "" {
		words = slices.Concat([]string{"--context", c.context}, words)
	}
	return "kubectl " + strings.Join(words, " ")
}

// locate finds the cluster as kubectl does: by KUBECONFIG, else ~/.kube/config,
// else as a pod of it.
// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
func locate(context string) (cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.Warner = func(error) {} // files that are missing are told below, if none is left
	files := strings.Join(rules.GetLoadingPrecedence(), ", ")
	config, err := rules.Load()
	if err != nil {
		return cluster{}, fmt.Errorf("the kubeconfig cannot be read: %w; correct it, or point KUBECONFIG elsewhere", err)
	}
	if len(config.Contexts) == 0 {
		return pod(files)
	}
	if context, err = choose(config.Contexts, context, files); err != nil {
		return cluster{}, err
	}
	client, err := clientcmd.NewNonInteractiveClientConfig(*config, context, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return cluster{}, fmt.Errorf("context %q of %s: %w; correct it, or write it anew (on EKS, aws eks update-kubeconfig)", context, files, err)
	}
	return connect(client, fmt.Sprintf("context %q", context), context)
}

// choose refuses to pick one of several: nothing later would tell that another
// deployment's secret was read.
func choose(contexts map[string]*api.Context, want, files string) (string, error) {
	names := slices.Sorted(maps.Keys(contexts))
	switch {
	case contexts[want] != nil:
		return want, nil
	case want != "":
		return "", fmt.Errorf("there is no context %q in %s (there are: %s); correct deployment.kubernetes.context, or add it (on EKS, aws eks update-kubeconfig --alias %s)", want, files, strings.Join(names, ", "), want)
	case len(names) == 1:
		return names[0], nil
	}
	return "", fmt.Errorf("%s has %d contexts (%s), and nothing says which cluster is this deployment's; state deployment.kubernetes.context", files, len(names), strings.Join(names, ", "))
}

// pod is the cluster that this runs in, by the service account of its pod.
func pod(files string) (cluster, error) {
	client, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		return cluster{}, fmt.Errorf("there is no kubeconfig with a context in %s, and this is no pod; make one (on EKS, aws eks update-kubeconfig), or point KUBECONFIG to it", files)
	}
	if err != nil {
		return cluster{}, fmt.Errorf("the pod's service account: %w; mount its token (automountServiceAccountToken), or set KUBECONFIG", err)
	}
	return connect(client, "the pod's own cluster", "")
}

func connect(config *rest.Config, where, context string) (cluster, error) {
	config.UserAgent = "domctl"
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return cluster{}, fmt.Errorf("%s: its server: %w; correct the kubeconfig", where, err)
	}
	where = fmt.Sprintf("%s (%s)", where, base)
	transport, err := rest.TransportFor(config)
	if err != nil {
		return cluster{}, fmt.Errorf("%s: %w; correct the kubeconfig", where, err)
	}
	// Credentials follow no redirect to another host.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return cluster{where, context, base, &http.Client{Transport: transport, CheckRedirect: stay}, config}, nil
}
