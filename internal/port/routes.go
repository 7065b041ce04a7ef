package port

import "context"

// The routes that kinds are read from; Domino's two dialects have one each for hardware
// tiers.
const (
	PublicTiers   = "GET /api/hardwaretiers/v1/hardwaretiers"
	InternalTiers = "GET /v4/hardwareTier"
	ConfigList    = "GET /v4/admin/centralConfigSettings"
)

// Route is what Domino's API answers the key on one route: ErrNotFound where it has none
// such, ErrDenied where it is kept from the key.
type Route struct {
	Call string // one of the constants
	Err  error
}

// Routes tells which of them answer. Nothing is written.
type Routes interface {
	ProbeRoutes(ctx context.Context) []Route
}
