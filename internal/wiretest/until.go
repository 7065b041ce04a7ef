//go:build linux

package wiretest

import (
	"testing"
	"time"
)

// Until waits until something is so, and answers how long that took. What is not so in time
// ends the test with what why says.
func Until(t testing.TB, within time.Duration, is func() bool, why func() string) time.Duration {
	t.Helper()
	begun := time.Now()
	for !is() {
		if time.Since(begun) > within {
			t.Fatalf("not within %s: %s", within, why())
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(begun)
}
