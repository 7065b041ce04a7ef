package config

import (
	"net/url"

	"domctl.dev/schema"
)

// Domino is schema.Domino: the address of its REST API, and a reference to an API key or
// to a token. Not stated, it is never asked, whatever a tree states.
type Domino struct {
	URL    string `yaml:"url"`
	APIKey string `yaml:"apiKey"`
	Token  string `yaml:"token"`
}

// domino compares what the tree states with what is bound: a key that is the
// controller's goes to no address that a tree chooses.
func (b *binding) domino(d Domino, stated schema.Domino) schema.Domino {
	if d == (Domino{}) {
		return schema.Domino{}
	}
	b.same("domino.url", stated.URL, d.URL)
	b.same("domino.apiKey", stated.APIKey, d.APIKey)
	b.same("domino.token", stated.Token, d.Token)
	return schema.Domino{URL: d.URL, APIKey: d.APIKey, Token: d.Token, Builds: stated.Builds, BuildTimeout: stated.BuildTimeout}
}

func (k checking) domino(at string, d Domino) {
	if d == (Domino{}) {
		return
	}
	if u, err := url.Parse(d.URL); k.need(at, "url", d.URL) && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		k.wrong(k.where(at+".url"), "", "%s.url is no address; write it as https://domino.acme.com", at)
	}
	if (d.APIKey == "") == (d.Token == "") {
		k.wrong(k.where(at), "", "%s states %s", at, schema.NotOne("apiKey", d.APIKey != "", "token", d.Token != ""))
	}
	for field, ref := range map[string]string{"apiKey": d.APIKey, "token": d.Token} {
		if ref != "" {
			k.reference(at+"."+field, ref)
		}
	}
}
