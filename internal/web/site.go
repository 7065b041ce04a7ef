package web

import (
	"context"
	"net/http"
	"strings"
)

// Handler serves the page. What it answers is nobody's but who asked, says where
// scripts, styles and pictures may come from (here), and frames nowhere. What only
// reads is GET; callers put a check of the token before what posts.
func (s *Site) Handler() http.Handler {
	d := s.desk()
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("GET /{$}", d.overview)
	mux.HandleFunc("GET /deployments/{deployment}", d.deployment)
	mux.HandleFunc("GET /deployments/{deployment}/history", d.history)
	mux.HandleFunc("GET /deployments/{deployment}/plan", d.headPlan)
	mux.HandleFunc("GET /deployments/{deployment}/pulls/{number}", d.pullPlan)
	mux.HandleFunc("GET /deployments/{deployment}/applies/{apply}", d.apply)
	mux.HandleFunc("GET /deployments/{deployment}/applies/{apply}/plan", d.applyPlan)
	mux.HandleFunc("POST /deployments/{deployment}/applies/{apply}/rollback", d.rollback)
	mux.HandleFunc("GET /events", d.events)
	mux.HandleFunc("/", d.missing)
	return guarded(mux)
}

// guarded puts before every answer what a browser must know of it.
func guarded(next http.Handler) http.Handler {
	policy := strings.Join([]string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "img-src 'self'", "font-src 'self'",
		"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // with none at all, a form of ours would come from "null"
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (s *Site) can(ctx context.Context, deployment string, right Right) bool {
	return s.Can == nil || s.Can(ctx, deployment, right)
}

func (s *Site) who(ctx context.Context) string {
	if s.Who == nil {
		return ""
	}
	return s.Who(ctx)
}
