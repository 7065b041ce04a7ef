package web

import (
	"mime"
	"net/http"
)

// tokenField is where a form holds its token.
const tokenField = "csrf"

// mostForm is how large a form may be, bytes.
const mostForm = 64 << 10

// Token is what forms of who asks must hold: it is bound to the session, so that it is
// nobody else's, and over with it.
func (g *Guard) Token(r *http.Request) string {
	v, ok := visitOf(r.Context())
	if !ok {
		return ""
	}
	token, err := v.keys.sign(v.session.ID)
	if err != nil {
		return ""
	}
	return token
}

// reads says of a method that it changes nothing.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// wanted refuses what changes something and was not sent by a form of this page. That
// browsers say it comes from elsewhere is looked at before (http.CrossOriginProtection);
// the token holds where they say nothing.
func (g *Guard) wanted(w http.ResponseWriter, r *http.Request, v visit) bool {
	if reads(r.Method) {
		return true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		g.say(w, http.StatusUnsupportedMediaType, "Not a form", "Only forms of this page change something.")
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		g.say(w, http.StatusBadRequest, "Not read", "The form cannot be read. Go back, load the page again, and send it once more.")
		return false
	}
	if !v.keys.signed(v.session.ID, r.PostForm.Get(tokenField)) {
		g.say(w, http.StatusForbidden, "Not done", "The form is not of this session. Go back, load the page again, and send it once more.")
		return false
	}
	return true
}
