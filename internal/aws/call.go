package aws

import (
	"context"
	"fmt"
	"slices"
)

// ask makes one API call with its deadline. name is the service and operation
// as IAM writes them ("ec2:DescribeImages").
func ask[In, Out, Opt any](ctx context.Context, c *Client, name string, op func(context.Context, *In, ...func(*Opt)) (*Out, error),
	in *In, options ...func(*Opt)) (*Out, error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, lastKey{}, new(error)), c.cfg.Timeout)
	defer cancel()
	out, err := op(ctx, in, options...)
	if err != nil {
		return nil, c.explain(ctx, name, err)
	}
	return out, nil
}

// pages reads every page. A token that comes again, or more pages than
// Config.MaxPages, is an error: an answer that never ends is not complete. So is an
// item without an id: nobody could say what it is, nor that it is there.
func pages[T any](c *Client, name string, id func(T) string, page func(token *string) (items []T, next *string, err error)) ([]T, error) {
	var all []T
	var token *string
	seen := map[string]bool{}
	for range c.cfg.MaxPages {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(items, func(item T) bool { return id(item) == "" }) {
			return nil, hollow(name, "an item without its id")
		}
		all = append(all, items...)
		if next == nil || *next == "" {
			return all, nil
		}
		if seen[*next] {
			return nil, fmt.Errorf("AWS %s: the page token of an earlier page comes again, so the answer is not complete; try again", name)
		}
		seen[*next] = true
		token = next
	}
	return nil, fmt.Errorf("AWS %s: the answer has more than %d pages", name, c.cfg.MaxPages)
}

// hollow is an answer that lacks what no answer of AWS lacks.
func hollow(name, what string) error {
	return fmt.Errorf("AWS %s: the answer holds %s; look at the endpoint that answers", name, what)
}

// batches reads items by name or id, at most size of them a call. A nil list is
// one call for all of them, an empty one none.
func batches[T any](ids []string, size int, read func(ids []string) ([]T, error)) ([]T, error) {
	if ids == nil {
		return read(nil)
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var all []T
	for batch := range slices.Chunk(slices.Compact(ids), size) {
		items, err := read(batch)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// pageSize is what to ask for of an API that allows most.
func (c *Client) pageSize(most int32) *int32 {
	if c.cfg.PageSize > 0 {
		most = min(most, c.cfg.PageSize)
	}
	return &most
}

// tagMap turns a service's list of tags into a map.
func tagMap[T any](tags []T, pair func(T) (key, value *string)) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		k, v := pair(t)
		m[str(k)] = str(v)
	}
	return m
}

// str is the string, "" for none.
func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// filled is the string, nil for "": APIs refuse an empty string where they take none.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// num is the number, 0 for none.
func num[N int32 | int64](n *N) int64 {
	if n == nil {
		return 0
	}
	return int64(*n)
}

// itself is the id of a name.
func itself(name string) string { return name }
