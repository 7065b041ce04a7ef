//go:build linux

package wiretest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Application makes one that people may sign in to with their account, and answers who
// it is to Gitea. It may be led back to those addresses alone.
func (u *ForgeUser) Application(t testing.TB, name string, back ...string) (client, secret string) {
	t.Helper()
	var made struct {
		Client string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	u.Do(t, http.MethodPost, "/user/applications/oauth2", jsonOf{"name": name, "redirect_uris": back, "confidential_client": true}, &made)
	return made.Client, made.Secret
}

// Organization makes one with a team, whose members the users are.
func (u *ForgeUser) Organization(t testing.TB, name, team string, members ...*ForgeUser) {
	t.Helper()
	u.Do(t, http.MethodPost, "/orgs", jsonOf{"username": name}, nil)
	var made struct{ ID int64 }
	u.Do(t, http.MethodPost, "/orgs/"+name+"/teams", jsonOf{"name": team, "permission": "read", "units": []string{"repo.code"}}, &made)
	for _, m := range members {
		u.Do(t, http.MethodPut, fmt.Sprintf("/teams/%d/members/%s", made.ID, m.Name), nil, nil)
	}
}

// SignIn does what the user would in a browser, with a client that keeps cookies: it goes
// to an address, gives Gitea's pages the name, the password and the consent that they ask
// for, and answers what stands at the end.
func (u *ForgeUser) SignIn(t testing.TB, browser *http.Client, address string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	check(t, err)
	req.Header.Set("Accept", "text/html")
	res, err := browser.Do(req)
	check(t, err)
	for range 5 {
		at := res.Request.URL
		if at.Host != u.forge.Addr {
			return res
		}
		action, fields := form(t, res)
		if action == "" {
			t.Fatalf("gitea shows no form at %s: %s", at, res.Status)
		}
		if fields.Has("user_name") {
			fields.Set("user_name", u.Name)
			fields.Set("password", u.Password)
		}
		if fields.Has("granted") {
			fields.Set("granted", "true")
		}
		to, err := at.Parse(action)
		check(t, err)
		res, err = browser.PostForm(to.String(), fields)
		check(t, err)
	}
	t.Fatalf("gitea asks on and on: %s", res.Request.URL)
	return nil
}

// form is the one of a page that is posted, and closes the page.
func form(t testing.TB, res *http.Response) (action string, fields url.Values) {
	t.Helper()
	page, err := html.Parse(res.Body)
	check(t, err)
	check(t, res.Body.Close())
	attr := func(n *html.Node, key string) string {
		for _, a := range n.Attr {
			if a.Key == key {
				return a.Val
			}
		}
		return ""
	}
	fields = url.Values{}
	for n := range page.Descendants() {
		switch n.Data {
		case "form":
			if strings.EqualFold(attr(n, "method"), "post") {
				action, fields = attr(n, "action"), url.Values{}
			}
		case "input", "button":
			if name := attr(n, "name"); name != "" {
				fields.Set(name, attr(n, "value"))
			}
		}
	}
	return action, fields
}
