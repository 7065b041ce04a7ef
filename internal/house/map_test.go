package house

import (
	"os"
	"strings"
	"testing"
)

// TestTheMapHasEveryRoom holds README's map to the folders there are.
func TestTheMapHasEveryRoom(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, house, _ := strings.Cut(string(readme), "## The house")
	house, _, _ = strings.Cut(house, "## Tests")
	rooms, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		if !strings.Contains(house, " "+r.Name()+"/") {
			t.Errorf("internal/%s is not on README's map", r.Name())
		}
	}
}
