// Package house holds the rules of the tree that no compiler checks: which
// package may import which, and that one folder alone knows each outside
// system's SDK. It has no code of its own; see its tests.
package house
