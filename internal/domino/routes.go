package domino

import (
	"context"
	"sync"

	"domctl.dev/internal/port"
)

// ProbeRoutes asks each route once, side by side.
func (c *Client) ProbeRoutes(ctx context.Context) []port.Route {
	routes := []port.Route{{Call: port.PublicTiers}, {Call: port.InternalTiers}, {Call: port.ConfigList}}
	asks := []func() error{
		func() error { _, _, err := c.page(ctx, publicTiers(), 0); return err },
		func() error { _, err := c.listTiers(ctx, internalTiers()); return err },
		func() error { _, err := c.ListSettings(ctx); return err },
	}
	var wait sync.WaitGroup
	for i, ask := range asks {
		wait.Go(func() { routes[i].Err = ask() })
	}
	wait.Wait()
	return routes
}
