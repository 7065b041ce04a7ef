package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// rights is a site that says what who asks may do.
func rights(g *Guard) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rights", func(w http.ResponseWriter, r *http.Request) {
		words := []string{g.Who(r.Context())}
		for _, d := range []string{"prod", "quiet"} {
			words = append(words, d)
			for _, right := range []Right{Look, Act} {
				if g.Can(r.Context(), d, right) {
					words = append(words, string(right))
				}
			}
		}
		_, _ = io.WriteString(w, strings.Join(words, " "))
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, g.Token(r)) })
	mux.HandleFunc("POST /rights", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "changed") })
	return mux
}

func ask(t *testing.T, c *http.Client, at string) *http.Response {
	t.Helper()
	res, err := c.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return string(b)
}
