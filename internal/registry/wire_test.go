//go:build wire

package registry

import (
	"testing"

	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
)

func TestWireContract(t *testing.T) {
	worldtest.Run(t, func(t *testing.T) worldtest.World { return under(wiretest.Registry(t)) })
}
