//lint:file-ignore SA1019 the dialers of client-go have these types still.

package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/spdy"

	"domctl.dev/internal/port"
)

// Forward opens connections to pods of one namespace through the API server, each by a
// request of its own, without a port on this machine that others could use.
// https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
type Forward struct {
	*Client
	Namespace string
}

// Protocol and headers of its streams.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/client-go/tools/portforward/portforward.go
const (
	portForward = "portforward.k8s.io"
	mostError   = 4 << 10
)

// DialContext opens a connection to a pod, told by a name or an address as those in the
// cluster have it: "mongodb-0.mongodb.domino-platform.svc.cluster.local:27017" is a pod's,
// "mongodb.domino-platform:27017" a service's, of which a ready pod is taken.
func (f Forward) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no address with a port: %w", address, err)
	}
	return within(ctx, f.Client, func(ctx context.Context, at cluster) (net.Conn, error) {
		pod, number, err := f.locate(ctx, at, host, number)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", at.where, address, err)
		}
		conn, err := f.open(at, pod, number)
		if err != nil {
			return nil, f.unforwarded(ctx, at, err, pod)
		}
		if ctx.Err() != nil { // nobody waits for it any more
			_ = conn.Close()
			return nil, ctx.Err()
		}
		return conn, nil
	})
}

// Reachable asks whether these credentials let connections be forwarded.
func (f Forward) Reachable(ctx context.Context) error {
	for _, may := range [][2]string{{"get", "services"}, {"list", "pods"}, {"create", "pods/portforward"}} {
		if err := f.mayIn(ctx, f.Namespace, may[0], may[1]); err != nil {
			return err
		}
	}
	return nil
}

func (f Forward) open(at cluster, pod, number string) (net.Conn, error) {
	transport, upgrader, err := spdy.RoundTripperFor(at.config)
	if err != nil {
		return nil, err
	}
	to := at.base.JoinPath("api", "v1", "namespaces", f.Namespace, "pods", pod, "portforward")
	link, _, err := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, to).Dial(portForward)
	if err != nil {
		return nil, err
	}
	s, err := streams(link, number)
	if err != nil {
		_ = link.Close()
		return nil, err
	}
	return port.Piped(s), nil
}

// stream is what a pod sends and is sent; what fails behind it comes over another.
type stream struct {
	httpstream.Stream
	link   httpstream.Connection
	failed chan error // one, once the other stream has ended
}

func streams(link httpstream.Connection, number string) (*stream, error) {
	headers := http.Header{}
	headers.Set("port", number)
	headers.Set("requestID", "0")
	headers.Set("streamType", "error")
	failures, err := link.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // nothing is sent on it
	headers.Set("streamType", "data")
	data, err := link.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	s := &stream{data, link, make(chan error, 1)}
	go func() {
		text, err := io.ReadAll(io.LimitReader(failures, mostError))
		if text = bytes.TrimSpace(text); len(text) > 0 {
			err = errors.New(strings.Join(strings.Fields(string(text)), " "))
		}
		s.failed <- err
	}()
	return s, nil
}

// told is how long an end waits for its reason.
const told = time.Second

// Read tells why nothing comes any more, where the other side says so.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	if err == nil {
		return n, nil
	}
	wait := time.NewTimer(told)
	defer wait.Stop()
	select {
	case why := <-s.failed:
		if why != nil {
			return n, why
		}
	case <-s.link.CloseChan():
	case <-wait.C:
	}
	return n, err
}

// Close ends the request that the stream belongs to.
func (s *stream) Close() error {
	return errors.Join(s.Stream.Close(), s.link.Close())
}

// unforwarded explains why no connection to a pod came about. A refusal comes as a text
// alone, so what is allowed is asked.
func (f Forward) unforwarded(ctx context.Context, at cluster, err error, pod string) error {
	_, why, refused := strings.Cut(err.Error(), "unable to upgrade connection: ")
	if !refused {
		return at.unanswered(err)
	}
	if denied := f.Reachable(ctx); errors.Is(denied, port.ErrDenied) {
		return fmt.Errorf("%w; domctl doctor --policies prints the role that lets it", denied)
	}
	return fmt.Errorf("%s does not forward to pod %s/%s: %s; look whether the pod runs: %s", at.where, f.Namespace, pod, strings.Join(strings.Fields(why), " "), at.kubectl("-n", f.Namespace, "get pod", pod))
}

// locate finds the pod that a name or an address of the cluster means, and its port.
func (f Forward) locate(ctx context.Context, at cluster, host, number string) (pod, to string, err error) {
	if _, err := netip.ParseAddr(host); err == nil {
		pods, err := f.pods(ctx, at, url.Values{"fieldSelector": {"status.podIP=" + host}})
		if err == nil && len(pods) == 0 {
			err = fmt.Errorf("no pod in namespace %s has this address", f.Namespace)
		}
		if err != nil {
			return "", "", err
		}
		return pods[0].Metadata.Name, number, nil
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(host, ".")+".", ".svc.")
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	if namespace := labels[len(labels)-1]; len(labels) > 1 && namespace != f.Namespace {
		return "", "", fmt.Errorf("this is no host of namespace %s: name a service (mongodb.%[1]s) or a pod (mongodb-0.mongodb.%[1]s)", f.Namespace)
	}
	for _, label := range labels {
		if !named(label) {
			return "", "", errors.New("this is no name of Kubernetes")
		}
	}
	switch len(labels) {
	case 1, 2:
		return f.service(ctx, at, labels[0], number)
	case 3:
		return labels[0], number, nil
	}
	return "", "", errors.New("this is no name of a service or a pod")
}

func (f Forward) pods(ctx context.Context, at cluster, query url.Values) ([]backend, error) {
	p, err := onePage[backend](ctx, at, "PodList", query, []string{"api", "v1", "namespaces", f.Namespace, "pods"})
	return p.Items, err
}

// backend is what is read of a pod that connections go to.
type backend struct {
	Metadata metadata
	Spec     struct {
		Containers []struct {
			Ports []struct {
				Name          string
				ContainerPort int
			}
		}
	}
	Status struct{ Conditions []condition }
}

func (b backend) ready() bool {
	for _, c := range b.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True" && b.Metadata.DeletionTimestamp == nil
		}
	}
	return false
}

// service is the first ready pod behind a service, and the port that it has there.
// https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
func (f Forward) service(ctx context.Context, at cluster, name, number string) (pod, to string, err error) {
	status, body, err := at.call(ctx, http.MethodGet, nil, "api", "v1", "namespaces", f.Namespace, "services", name)
	if err != nil {
		return "", "", at.unanswered(err)
	}
	if status != http.StatusOK {
		return "", "", at.refused(status, body, "get services")
	}
	var service struct {
		Kind string
		Spec struct {
			Selector map[string]string
			Ports    []struct {
				Port       int
				TargetPort json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(body, &service); err != nil || service.Kind != "Service" {
		return "", "", at.stranger(status)
	}
	var selector []string
	for key, v := range service.Spec.Selector {
		selector = append(selector, key+"="+v)
	}
	if len(selector) == 0 {
		return "", "", errors.New("the service selects no pods; name a pod")
	}
	pods, err := f.pods(ctx, at, url.Values{"labelSelector": {strings.Join(selector, ",")}})
	if err != nil {
		return "", "", err
	}
	for _, p := range pods {
		if !p.ready() {
			continue
		}
		for _, has := range service.Spec.Ports {
			if fmt.Sprint(has.Port) == number {
				number = p.target(strings.Trim(string(has.TargetPort), `"`), number)
				break
			}
		}
		return p.Metadata.Name, number, nil
	}
	return "", "", fmt.Errorf("none of the service's %d pods is ready", len(pods))
}

// target is the number of a port that a service names.
func (b backend) target(port, otherwise string) string {
	for _, c := range b.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == port {
				return fmt.Sprint(p.ContainerPort)
			}
		}
	}
	if port == "" || port[0] < '0' || port[0] > '9' {
		return otherwise
	}
	return port
}
