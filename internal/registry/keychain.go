package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// keychain asks Config.Login first, then Docker's keychain.
type keychain struct {
	own    func(ctx context.Context, host string, fresh bool) (user, password string, ok bool, err error)
	docker authn.Keychain
}

// resolve answers who a repository is asked as. Where our own credentials are not
// to be had, Docker's may be; without any, the reason is why.
func (k keychain) resolve(ctx context.Context, repo name.Repository, fresh bool) (authn.Authenticator, error) {
	var why error
	if k.own != nil {
		user, password, ok, err := k.own(ctx, repo.RegistryStr(), fresh)
		if ok && err == nil {
			return authn.FromConfig(authn.AuthConfig{Username: user, Password: password}), nil
		}
		why = err
	}
	auth, err := authn.Resolve(ctx, k.docker, repo)
	if err == nil && why != nil && auth == authn.Anonymous {
		return nil, told{fmt.Sprintf("no login for %s: %v", repo.RegistryStr(), why), why}
	}
	return auth, err
}

// knows says that Config.Login speaks for a host.
func (k keychain) knows(ctx context.Context, host string) bool {
	if k.own == nil {
		return false
	}
	_, _, ok, err := k.own(ctx, host, false)
	return ok && err == nil
}

// refused says that a registry did not take the credentials.
func refused(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}
