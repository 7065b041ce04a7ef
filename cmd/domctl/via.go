package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/secret"
	"domctl.dev/internal/ssh"
)

// way is how MongoDB is reached; the zero value: directly. look is doctor's.
type way struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	look []engine.Reach
}

// way opens what deployment.mongo.via states. Nothing is asked of the network.
func (d *deployment) way(ctx context.Context, secrets secret.Resolver, cluster *kube.Client) (way, error) {
	switch via := d.compiled.Desired.Deployment.Mongo.Via; {
	case via.PortForward != nil:
		f := kube.Forward{Client: cluster, Namespace: via.PortForward.Namespace}
		return way{f.DialContext, []engine.Reach{{Name: "way to MongoDB by port-forward", Do: "look at deployment.kubernetes, and at deployment.mongo.via", Try: func(ctx context.Context) (string, error) {
			return "pods of namespace " + f.Namespace + " may be reached", f.Reachable(ctx)
		}}}}, nil
	case via.SSH != nil:
		c := ssh.TunnelConfig{Address: via.SSH.Address, User: via.SSH.User, HostKeys: via.SSH.HostKeys, Agent: os.Getenv("SSH_AUTH_SOCK"), Stated: "deployment.mongo.via.ssh"}
		if via.SSH.Key != "" {
			key, err := secrets.Text(ctx, via.SSH.Key)
			if err != nil {
				return way{}, fmt.Errorf("deployment.mongo.via.ssh.key: %w", err)
			}
			c.Key = []byte(key)
		}
		t, err := ssh.OpenTunnel(c)
		if err != nil {
			return way{}, err
		}
		d.closes = append(d.closes, func() { _ = t.Close() })
		return way{t.DialContext, []engine.Reach{{Name: "way to MongoDB by SSH", Do: "look at deployment.mongo.via.ssh", Try: func(ctx context.Context) (string, error) {
			return c.User + "@" + c.Address + " lets in", t.Reachable(ctx)
		}}}}, nil
	}
	return way{}, nil
}
