package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPolicy: every answer of a guarded site says what a browser may do with it, also one
// that is refused, and allows no more than files of the page itself.
func TestPolicy(t *testing.T) {
	p := newPage(t, nil)
	_, here := openPage(t)
	seen := map[int]bool{}
	for where, site := range map[string]http.Handler{"page.example": p.site, "evil.example": p.site, "localhost": here} {
		for _, path := range []string{"/", "/rights", "/static/page.css", signIn, signedIn + "?error=x", "/none"} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
				r := httptest.NewRequest(method, path, nil)
				r.Host = where
				w := httptest.NewRecorder()
				site.ServeHTTP(w, r)
				seen[w.Code] = true
				h := w.Header()
				rules := map[string]string{}
				for _, one := range strings.Split(h.Get("Content-Security-Policy"), "; ") {
					name, value, _ := strings.Cut(one, " ")
					rules[name] = value
				}
				for name, want := range map[string]string{"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'self'", "script-src": "'self'"} {
					if rules[name] != want {
						t.Errorf("%s %s%s: %s is %q", method, where, path, name, rules[name])
					}
				}
				for name, value := range rules {
					if value != "'none'" && value != "'self'" {
						t.Errorf("%s %s%s: %s allows %q", method, where, path, name, value)
					}
				}
				if h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("Cache-Control") == "" || h.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s %s%s: %v", method, where, path, h)
				}
			}
		}
	}
	for _, code := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest} {
		if !seen[code] {
			t.Errorf("no answer was %d", code)
		}
	}
}
