package aws

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestECRLogin: one token a region, kept until shortly before it ends.
func TestECRLogin(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	asked := 0
	f := startFake(t, func(q request) (int, string) {
		if q.service != "ecr" || q.action != "GetAuthorizationToken" {
			return http.StatusBadRequest, `{"__type":"UnknownOperationException"}`
		}
		asked++
		token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:canary-%d", asked))
		return http.StatusOK, fmt.Sprintf(`{"authorizationData":[{"authorizationToken":%q,"expiresAt":%d}]}`, token, now.Add(12*time.Hour).Unix())
	})
	c := f.open(Config{Now: func() time.Time { return now }})
	ask := func(host string, fresh bool, want string, calls int) {
		t.Helper()
		user, password, ok, err := c.ECRLogin(t.Context(), host, fresh)
		if err != nil || ok != (want != "") || password != want || asked != calls || ok && user != "AWS" {
			t.Errorf("%s: %q %q %v %v, %d calls", host, user, password, ok, err, asked)
		}
	}
	const west, other, east = "111122223333.dkr.ecr.us-west-2.amazonaws.com", "444455556666.dkr.ecr.us-west-2.amazonaws.com", "111122223333.dkr.ecr.us-east-1.amazonaws.com"
	ask("quay.io", false, "", 0)
	ask("111122223333.dkr.ecr.us-west-2.amazonaws.com.evil.example", false, "", 0)
	ask("public.ecr.aws", false, "", 0)
	ask(west, false, "canary-1", 1)
	ask(other, false, "canary-1", 1)
	ask(east, false, "canary-2", 2)
	ask(west, true, "canary-3", 3)
	ask(west, false, "canary-3", 3)
	now = now.Add(11*time.Hour + 56*time.Minute)
	ask(west, false, "canary-4", 4)
}

// TestECRLoginSaysNoToken: not when it is refused, and not when what comes is none.
func TestECRLoginSaysNoToken(t *testing.T) {
	for _, answer := range []string{`{"authorizationData":[]}`, `{"authorizationData":[{"authorizationToken":"canary"}]}`,
		`{"authorizationData":[{"authorizationToken":"` + base64.StdEncoding.EncodeToString([]byte("canary")) + `"}]}`, `{}`} {
		f := startFake(t, func(request) (int, string) { return http.StatusOK, answer })
		_, password, ok, err := f.open(Config{}).ECRLogin(t.Context(), "111122223333.dkr.ecr.us-west-2.amazonaws.com", false)
		if err == nil || !ok || password != "" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q %v %v", answer, password, ok, err)
		}
	}
	f := startFake(t, func(request) (int, string) {
		return http.StatusBadRequest, `{"__type":"AccessDeniedException","message":"no"}`
	})
	if _, _, _, err := f.open(Config{}).ECRLogin(t.Context(), "111122223333.dkr.ecr.us-west-2.amazonaws.com", false); err == nil || !strings.Contains(err.Error(), "ecr:GetAuthorizationToken") {
		t.Error(err)
	}
}
