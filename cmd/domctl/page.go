package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/web"
)

// page serves what people look at, to those who may.
func (s serving) page(ctx context.Context, l gitops.Listening, of *gitops.Controller) error {
	c := s.config.Page
	if s.config.Listen.Page == "" {
		return nil
	}
	guard, err := web.NewGuard(s.access(l.Log))
	if err != nil {
		return err
	}
	if c.TLS != nil {
		if l.TLS, err = web.TLS(c.TLS.Cert, c.TLS.Key); err != nil {
			return err
		}
	}
	site := web.Site{Who: guard.Who, Can: guard.Can, Token: guard.Token, Now: time.Now, Log: l.Log}
	if c.OIDC != nil {
		site.SignOut = web.SignOut
	}
	named := map[string]*gitops.Desk{}
	for _, d := range of.Desks {
		named[d.Name] = d
		r := s.config.Repositories[d.Bound.Repository]
		f := s.config.Forges[r.Forge]
		site.Deployments = append(site.Deployments, web.Deployment{Name: d.Name, Records: d.Records, Branch: d.Bound.Branch, Dir: d.Bound.Dir,
			Forge: web.Forge{Kind: f.Kind, URL: f.URL, Repository: r.Name}})
	}
	site.Random, site.Rollback = rand.Text, func(ctx context.Context, deployment string, click gitops.Click) error {
		d := named[deployment]
		err := d.TakeBack(ctx, click)
		if err == nil {
			of.Wake(d)
		}
		return err
	}
	return l.Listen(ctx, "page", s.config.Listen.Page, guard.Handler(site.Handler()))
}

// access is who may come to the page.
func (s serving) access(log *slog.Logger) web.Access {
	c := s.config.Page
	a := web.Access{URL: c.URL, Hosts: c.Hosts, Roles: web.Roles(c.Roles), Deployments: map[string]web.Roles{}, Now: time.Now, Random: rand.Reader, Log: log}
	if c.Key != "" {
		a.Key = func() (string, error) { return s.text(c.Key) }
	}
	if o := c.OIDC; o != nil {
		a.OIDC = &web.OIDC{Issuer: o.Issuer, Client: o.Client, Secret: func() (string, error) { return s.text(o.Secret) }, Scopes: o.Scopes, User: o.User, Groups: o.Groups}
	}
	for name, d := range s.config.Deployments {
		if d.Roles != nil {
			a.Deployments[name] = web.Roles(*d.Roles)
		}
	}
	return a
}
