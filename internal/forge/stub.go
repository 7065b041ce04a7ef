package forge

import (
	"domctl.dev/internal/port"
	"errors"
	"net/http"
	"net/url"
)

func openGitHub(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	return nil, errors.New("x")
}
func openGitLab(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	return nil, errors.New("x")
}
func openBitbucket(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	return nil, errors.New("x")
}
