// Package web is the page of domctl serve.
package web

import "net/http"

// Right is what somebody may do with a deployment.
type Right string

// The rights.
const (
	Look Right = "look" // see it, its plans, records and findings
	Act  Right = "act"  // have an apply taken back
)

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
