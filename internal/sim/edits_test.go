package sim

import (
	"context"
	"errors"
	"fmt"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

// editBy changes the machine's world as a person or another tool does: at once,
// asking nobody.
func editBy(ctx context.Context, m *Machine, world, kind string) error {
	w, err := m.Box.Open(sandbox.Options{Clock: m.Clock.Now})
	if err != nil {
		return err
	}
	tier, size := `"t-small"`, int64(9)
	if world == "classic" {
		tier = `"small"`
	}
	set := func(collection, id, path, value string) error {
		_, err := w.UpdateOne(ctx, collection, port.Document{"_id": id}, port.Document{path: value}, nil)
		return err
	}
	switch {
	case world == "defaults" && kind == "tier":
		if err := w.SetDefaultEnvironment(ctx, "660000000000000000000001"); !errors.Is(err, port.ErrInvalid) { // which says that it is archived by then
			return err
		}
		return nil
	case world == "defaults" && kind == "size":
		return set("organizations", `{"$oid":"690000000000000000000001"}`, "defaultV2EnvironmentId", `{"$oid":"660000000000000000000001"}`)
	case world != "building":
	case kind == "tier": // the revision of old
		return w.SetActiveRevision(ctx, "660000000000000000000001", "670000000000000000000011")
	case kind == "size":
		_, err := w.CreateRevision(ctx, "660000000000000000000001", port.Definition{Dockerfile: "RUN by hand"})
		return err
	}
	switch kind {
	case "unmanaged-tier":
		return set("hardware_tier", tier, "byHand", `"stays"`)
	case "unmanaged-setting":
		return set("config", `{"$oid":"650000000000000000000002"}`, "byHand", `"stays"`)
	case "tier":
		return set("hardware_tier", tier, "resources.cores", `{"$numberInt":"7"}`)
	case "setting":
		return set("config", `{"$oid":"650000000000000000000001"}`, "value", `"77"`)
	case "environment":
		return set("environments_v2", `{"$oid":"660000000000000000000001"}`, "description", `"by hand"`)
	case "removed":
		_, err := w.DeleteOne(ctx, "hardware_tier", port.Document{"_id": tier})
		return err
	case "size":
		if world == "classic" {
			return nil
		}
		return w.UpdateAutoScalingGroup(ctx, port.GroupUpdate{Name: "numbered-a", Max: &size})
	}
	return fmt.Errorf("there is no edit %q", kind)
}
