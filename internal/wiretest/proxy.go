//go:build linux

package wiretest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// FaultProxy forwards TCP connections to a server, and makes them fail as
// asked. Each fault holds for connections that are open and for later ones,
// beside those asked for before, until Heal.
type FaultProxy struct {
	Addr string // host:port to connect to

	t     testing.TB
	proxy *toxiproxy.Proxy
}

// Proxy starts a proxy before target, which is a host:port. It ends with the test.
func Proxy(t testing.TB, target string) *FaultProxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", target)
	check(t, p.Start())
	t.Cleanup(p.Stop)
	return &FaultProxy{Addr: p.Listen, t: t, proxy: p}
}

// Delay holds every answer back by d, at least.
func (p *FaultProxy) Delay(d time.Duration) {
	p.t.Helper()
	p.add("latency", "downstream", fmt.Sprintf(`{"latency": %d}`, d.Milliseconds()))
}

// Cut closes all connections and refuses new ones.
func (p *FaultProxy) Cut() {
	p.proxy.Stop()
}

// Blackhole keeps and accepts connections, passes no request on and never answers.
func (p *FaultProxy) Blackhole() {
	p.t.Helper()
	p.add("timeout", "upstream", `{"timeout": 0}`)
}

// CutAfterRequest passes requests on, and closes the connection in place of
// the first byte of an answer: the call took effect and nobody was told.
func (p *FaultProxy) CutAfterRequest() {
	p.t.Helper()
	p.add("limit_data", "downstream", `{"bytes": 0}`)
}

// Heal ends all faults, also a Cut.
func (p *FaultProxy) Heal() {
	p.t.Helper()
	p.proxy.Toxics.ResetToxics(p.t.Context())
	if !p.proxy.Enabled {
		check(p.t, p.proxy.Start())
	}
}

func (p *FaultProxy) add(kind, stream, attributes string) {
	p.t.Helper()
	toxic := fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": %s}`, kind, stream, attributes)
	_, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
	check(p.t, err)
}
