//lint:file-ignore SA1019 the dialers of client-go have these types still.

// Package kubetest is a double of a kubelet's port-forward, for tests: an API server hands
// it connections to pods.
package kubetest

import (
	"fmt"
	"io"
	"net"
	"net/http"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
)

// Kubelet connects to an address in place of every pod's port. What it was asked for goes
// to asked: the kinds of the two streams, and the port.
func Kubelet(to string, asked func(streams string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
			return
		}
		streams := make(chan httpstream.Stream, 2)
		link := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
			streams <- s
			return nil
		})
		if link == nil {
			return
		}
		defer link.Close()
		failures, data := <-streams, <-streams
		asked(failures.Headers().Get("streamType") + " " + data.Headers().Get("streamType") + " " + data.Headers().Get("port"))
		c, err := net.Dial("tcp", to)
		if err != nil {
			fmt.Fprintf(failures, "an error occurred forwarding: %v", err)
			_ = failures.Close()
			_ = data.Close()
			<-link.CloseChan()
			return
		}
		defer c.Close()
		go func() { _, _ = io.Copy(c, data); _ = c.Close() }()
		_, _ = io.Copy(data, c)
	}
}
