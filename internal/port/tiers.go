package port

import "context"

// TierList is all hardware tiers that a key may see, archived ones too. Lacks are the paths that
// the dialect which answered neither shows nor takes, with what is below them.
type TierList struct {
	Tiers []Document
	Lacks []string
}

// Tiers is the part of Domino's REST API that keeps hardware tiers. Whatever dialect
// answers, a tier has the names of the public one: "resources.memory.units",
// "flags.isArchived", "overProvisioning.fromTime"; its id stands in "_id". What is null
// is not there. ErrDenied, ErrThrottled, ErrNotFound, ErrState and ErrInvalid say that a
// write did nothing, any other error decides nothing.
type Tiers interface {
	// ListTiers reads the list whole: one that changes between its pages is read again.
	ListTiers(ctx context.Context) (TierList, error)
	// CreateTier makes a tier. ErrInvalid: Domino does not take it, as where it is not
	// whole or where its id is taken; archived tiers keep theirs.
	CreateTier(ctx context.Context, tier Document) error
	// UpdateTier reads a tier whole, sets and unsets paths, and writes it whole, with all
	// else as it stood, also what nobody knows here. matched is false, and nothing
	// written, where its updateTime is not at (a JSON string; "" of one that has none).
	UpdateTier(ctx context.Context, id, at string, set Document, unset []string) (matched bool, err error)
	// ArchiveTier hides a tier. No call brings it back.
	ArchiveTier(ctx context.Context, id string) error
}
