//go:build linux

package wiretest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// ForgeUser is an account of a Gitea. Its token may do all that the account may.
type ForgeUser struct {
	Name, Password, Token string

	forge *Gitea
}

func (u *ForgeUser) email() string { return u.Name + "@example.com" }

// User makes an account for the test: name and a number, since tests share the
// forge.
func (g *Gitea) User(t testing.TB, name string) *ForgeUser {
	t.Helper()
	u := &ForgeUser{Name: fmt.Sprintf("%s%d", name, g.users.Add(1)), forge: g}
	u.Password = "password-of-" + u.Name
	g.Admin.Do(t, http.MethodPost, "/admin/users", jsonOf{"username": u.Name, "email": u.email(), "password": u.Password, "must_change_password": false}, nil)
	var made struct{ SHA1 string }
	// With no token yet, it is known by its password.
	u.Do(t, http.MethodPost, "/users/"+u.Name+"/tokens", jsonOf{"name": "wire", "scopes": []string{"all"}}, &made)
	u.Token = made.SHA1
	return u
}

// jsonOf is the body of a call.
type jsonOf map[string]any

// Do calls Gitea's API as the user, at a path below /api/v1, and reads the answer
// into out, unless one of them is nil. A refusal ends the test.
// https://docs.gitea.com/api/1.26/
func (u *ForgeUser) Do(t testing.TB, method, path string, in, out any) {
	t.Helper()
	status, err := u.Ask(t.Context(), method, path, in, out)
	check(t, err)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s as %s: %d %s", method, path, u.Name, status, http.StatusText(status))
	}
}

// Ask is Do for a call that may be refused: it answers the status.
func (u *ForgeUser) Ask(ctx context.Context, method, path string, in, out any) (status int, err error) {
	body := []byte(nil)
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.forge.URL()+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if u.Token == "" {
		req.SetBasicAuth(u.Name, u.Password)
	} else {
		req.Header.Set("Authorization", "token "+u.Token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && out != nil && res.StatusCode < http.StatusMultipleChoices {
		err = json.Unmarshal(answer, out)
	}
	return res.StatusCode, err
}
