package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// What bounds a list: objects of a page, the bytes of one, pages, and how often it is
// begun anew. A pod takes some 10 KB, an object of etcd 1.5 MiB at most.
const (
	pageSize = 200
	maxPage  = 64 << 20
	maxPages = 1000
	maxLists = 3
)

// errExpired: the API server forgot the moment that a list goes on from, which it
// keeps for minutes.
var errExpired = errors.New("the list took longer than the API server remembers; run again when it is less busy")

// errUnserved: the API server serves no such kind of objects in this version.
var errUnserved = errors.New("it is not served")

// listed reads all objects of a kind at one moment, page by page; each page is bounded
// in time. A list that cannot go on is read again from the start.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func listed[T any](ctx context.Context, c *Client, kind string, query url.Values, path ...string) (all []T, err error) {
	for range maxLists {
		if all, err = pages[T](ctx, c, kind, query, path); !errors.Is(err, errExpired) {
			return all, err
		}
	}
	return nil, err
}

func pages[T any](ctx context.Context, c *Client, kind string, query url.Values, path []string) ([]T, error) {
	asked := url.Values{"limit": {strconv.Itoa(c.pageSize)}}
	maps.Copy(asked, query)
	var all []T
	for range maxPages {
		p, err := within(ctx, c, func(ctx context.Context, at cluster) (page[T], error) { return onePage[T](ctx, at, kind, asked, path) })
		if err != nil {
			return nil, err
		}
		if all = append(all, p.Items...); p.Metadata.Continue == "" {
			return all, nil
		}
		if p.Metadata.Continue == asked.Get("continue") {
			return nil, fmt.Errorf("a page of a %s goes on with itself: the list would never end", kind)
		}
		asked.Set("continue", p.Metadata.Continue)
	}
	return nil, fmt.Errorf("a %s of more than %d pages of %d is not believed", kind, maxPages, c.pageSize)
}

type page[T any] struct {
	Kind     string
	Metadata struct{ Continue string }
	Items    []T
}

func onePage[T any](ctx context.Context, at cluster, kind string, query url.Values, path []string) (p page[T], err error) {
	status, body, err := at.send(ctx, message{method: http.MethodGet, query: query, most: maxPage}, path...)
	switch {
	case err != nil:
		return p, at.unanswered(err)
	case status == http.StatusGone:
		return p, fmt.Errorf("%s: %w", at.where, errExpired)
	case status == http.StatusNotFound && path[0] == "apis":
		return p, errUnserved
	case status != http.StatusOK:
		return p, at.refused(status, body, "list "+path[len(path)-1])
	case len(body) >= maxPage:
		return p, fmt.Errorf("%s: a page of a %s is larger than %d MiB; look for what makes its objects so large", at.where, kind, maxPage>>20)
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Kind != kind {
		return p, at.stranger(status)
	}
	return p, nil
}
