//go:build wire

package wiretest_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"domctl.dev/internal/wiretest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// refused checks the code of an error that AWS answered.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		t.Fatalf("got %v, want the error %s", err, code)
	}
	if answered.ErrorCode() != code {
		t.Fatalf("got the error %s, want %s: %v", answered.ErrorCode(), code, err)
	}
}

// eventually polls a condition for ten seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	wiretest.Until(t, 10*time.Second, holds, func() string { return what })
}
