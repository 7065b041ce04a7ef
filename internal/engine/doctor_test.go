package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// TestDoctorSideBySide: a part that waits holds up no other, and each failure
// says what to do about that one.
func TestDoctorSideBySide(t *testing.T) {
	f := fixtures(t)[0]
	file, err := sandbox.NewMemory("sandbox.json", f.content)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := file.Open(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	d := engine.Doctor{Compiled: f.after, Outside: outside, Store: state.Memory(),
		Secret: func(context.Context, string) (schema.Value, error) {
			select {
			case <-asked:
			default:
				close(asked)
			}
			return schema.JSON("x"), nil
		},
		Writes: func(ctx context.Context) map[string]error {
			select {
			case <-asked:
			case <-ctx.Done():
				t.Error("secrets wait for AWS")
			}
			return map[string]error{"ec2:A": fmt.Errorf("no: %w", port.ErrDenied), "ec2:B": errors.New("connection refused"),
				"ec2:C": fmt.Errorf("stop: %w", context.Canceled), "ec2:D": fmt.Errorf("slow: %w", context.DeadlineExceeded)}
		}}
	var got strings.Builder
	for _, c := range d.Probe(t.Context()) {
		if strings.HasPrefix(c.Name, "ec2:") && strings.HasSuffix(c.Name, "(apply)") {
			fmt.Fprintf(&got, "%s: %s: %s\n", c.Name, c.Detail, c.Do)
		}
	}
	want := `ec2:A (apply): no: ` + port.ErrDenied.Error() + `: give the permission; domctl doctor --policies prints what is needed
ec2:B (apply): connection refused: look at the message; run again once it is mended
ec2:C (apply): cancelled before it answered: run again, and let it end
ec2:D (apply): slow: context deadline exceeded: look whether it can be reached from here, then run again
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
