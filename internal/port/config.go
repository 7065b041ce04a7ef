package port

import "context"

// Setting is one record of Domino's central configuration. A value that Domino shows
// masked is "", and Masked; nobody learns it, and no call writes a mask.
type Setting struct {
	ID, Namespace, Key, Value string
	Masked                    bool
}

// CentralConfig is the part of Domino's REST API that keeps the central configuration.
// Errors of writes are as those of Tiers.
type CentralConfig interface {
	// ListSettings answers all records that the key may see.
	ListSettings(ctx context.Context) ([]Setting, error)
	// CreateSetting makes a record; Domino gives it its id.
	CreateSetting(ctx context.Context, namespace, key, value string) error
	// UpdateSetting reads a record whole and writes it whole with another value. matched
	// is false, and nothing written, where it is not of this namespace, key and value.
	UpdateSetting(ctx context.Context, was Setting, value string) (matched bool, err error)
	// DeleteSetting removes a record: its default holds.
	DeleteSetting(ctx context.Context, id string) error
}
