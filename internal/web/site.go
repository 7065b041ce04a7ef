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
	for _, r := range d.routes() {
		mux.HandleFunc(r.pattern, d.ruled(r))
	}
	mux.HandleFunc("/", d.missing)
	return guarded(mux)
}

// route is one of the site's, and the right that it needs on the {deployment} of its
// pattern. One of no deployment shows only what who asks may look at.
type route struct {
	pattern string
	needs   Right
	serve   http.HandlerFunc
}

func (d *desk) routes() []route {
	return []route{
		{"GET /{$}", "", d.overview},
		{"GET /deployments/{deployment}", Look, d.deployment},
		{"GET /deployments/{deployment}/history", Look, d.history},
		{"GET /deployments/{deployment}/plan", Look, d.headPlan},
		{"GET /deployments/{deployment}/pulls/{number}", Look, d.pullPlan},
		{"GET /deployments/{deployment}/applies/{apply}", Look, d.apply},
		{"GET /deployments/{deployment}/applies/{apply}/plan", Look, d.applyPlan},
		{"GET /deployments/{deployment}/applies/{apply}/rollback", Act, d.confirm},
		{"POST /deployments/{deployment}/applies/{apply}/rollback", Act, d.rollback},
		{"GET /events", "", d.events},
	}
}

// ruled serves a route to those with its right. A deployment that somebody may not look
// at is not there.
func (d *desk) ruled(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if name := req.PathValue("deployment"); r.needs != "" {
			if _, there := d.of(req.Context(), name); !there {
				d.missing(w, req)
				return
			}
			if !d.can(req.Context(), name, r.needs) {
				d.say(w, req, http.StatusForbidden, message{"Not allowed", "You may look at this deployment, and not change it.", pathOf("deployments", name), shown(name)})
				return
			}
		}
		r.serve(w, req)
	}
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
