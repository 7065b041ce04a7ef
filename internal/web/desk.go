package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// desk is a site with what it knows between requests.
type desk struct {
	*Site
	pages   *template.Template
	all     []*records // in the order of Site
	named   map[string]*records
	watched *watches
}

func (s *Site) desk() *desk {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	d := &desk{Site: s, pages: templates(s.Now), named: map[string]*records{}}
	for _, of := range s.Deployments {
		r := &records{Deployment: of, now: s.Now}
		d.all, d.named[of.Name] = append(d.all, r), r
	}
	d.watched = newWatches(d)
	return d
}

// emptyOf says why there is nothing, unless nobody looked yet.
func emptyOf(text string, at time.Time) any {
	return struct {
		Text string
		At   time.Time
	}{text, at}
}

// listOf are applies of a deployment, which links go to.
func listOf(url string, lines []line) any {
	return struct {
		URL   string
		Lines []line
	}{url, lines}
}

// asset is the address of a file of ours, which is another one once the file is.
func asset(name string) string {
	b, err := fs.ReadFile(files, "static/"+name)
	if err != nil {
		return "/static/" + name
	}
	sum := sha256.Sum256(b)
	return "/static/" + name + "?" + hex.EncodeToString(sum[:6])
}

// static serves style, script and picture.
func static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		b, err := fs.ReadFile(files, "static/"+name)
		if err != nil || strings.Contains(name, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		w.Header().Set("Cache-Control", "public, max-age=86400")
		_, _ = w.Write(b)
	})
}

// frame is what every page has.
type frame struct {
	Title   string // of the page
	Name    string // of its template
	Who     string
	SignOut string
	Token   string
	// Follow is the address of the page's stream; "" is none.
	Follow string
	// Say is what a screen reader is told when it changes.
	Say    string
	Crumbs []place
	Local  bool
	Body   any
}

func (d *desk) frame(r *http.Request, title, name string) frame {
	f := frame{Title: title, Name: name, Who: shown(d.who(r.Context())), SignOut: d.SignOut}
	if d.Token != nil {
		f.Token = d.Token(r)
	}
	return f
}

// write renders a page as a whole before the first byte goes out.
func (d *desk) write(w http.ResponseWriter, status int, f frame) {
	writePage(w, d.pages, status, f, d.Log)
}

func writePage(w http.ResponseWriter, pages *template.Template, status int, f frame, log *slog.Logger) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, "layout", f); err != nil {
		log.Error("page cannot be rendered", "page", f.Name, "error", err)
		http.Error(w, "the page cannot be shown; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String()))
}

// message is a page that says one thing.
type message struct {
	Heading, Text, URL, Link string
}

func (d *desk) say(w http.ResponseWriter, r *http.Request, status int, m message) {
	f := d.frame(r, m.Heading, "message")
	f.Body = m
	d.write(w, status, f)
}

func (d *desk) missing(w http.ResponseWriter, r *http.Request) {
	d.say(w, r, http.StatusNotFound, message{"Not here", "There is nothing at this address, or nothing that you may see.", "/", "All deployments"})
}

// of finds a deployment that who asks may see; what they may not is not there.
func (d *desk) of(ctx context.Context, name string) (*records, bool) {
	r, there := d.named[name]
	if !there || !d.can(ctx, name, Look) {
		return nil, false
	}
	return r, true
}
