// Package web is the page of domctl serve, and that of domctl plan --web: what is
// deployed, planned, under way and past. It is rendered here, works without
// JavaScript, and with it follows what happens by itself.
//
// All of it is read from the deployments' own records, so that every replica shows the
// same, and shows too what a laptop applied. No request reads AWS or a database. Who
// somebody is and what they may, its callers say (Site.Who, Site.Can, Site.Token).
package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// Site is the page of a controller.
type Site struct {
	Deployments []Deployment
	// Who looks, by the name that records hold; nil or "": nobody is signed in.
	Who func(context.Context) string
	// Can says whether who looks may do something with a deployment; nil: everybody may
	// do everything. It is asked again as long as a page is followed.
	Can func(ctx context.Context, deployment string, right Right) bool
	// Token is what a form must carry to be taken, in the field "csrf"; whoever serves
	// the site checks it. nil: no form is shown, as none would be taken.
	Token func(*http.Request) string
	// Rollback leaves the wish that an apply is taken back; gitops.ReadWish answers what
	// becomes of it, and a *gitops.Busy says what stands in the way. nil: the page only
	// names the command.
	Rollback func(ctx context.Context, deployment string, c gitops.Click) error
	// Random is a text that nobody had before, of letters and digits, by which a form that
	// is sent twice is known.
	Random func() string
	// SignOut is where a form that ends the session posts to; "": there is none.
	SignOut string
	Now     func() time.Time
	Log     *slog.Logger
}

// Right is what somebody may do with a deployment.
type Right string

// The rights.
const (
	Look Right = "look" // see it, its plans, records and findings
	Act  Right = "act"  // have an apply taken back
)

// Address is that of a deployment's page, below the one of the site.
func Address(site, deployment string) string {
	return strings.TrimSuffix(site, "/") + pathOf("deployments", deployment)
}

// Deployment is one that the page shows.
type Deployment struct {
	Name string
	// Records opens the deployment's state store; it is opened anew now and then, and its
	// clients must outlive the call's context.
	Records func(context.Context) (applier.Store, error)
	// Forge is where its files can be seen; the zero one is nowhere.
	Forge  Forge
	Branch string
	Dir    string // of the tree; "" is its top
}
