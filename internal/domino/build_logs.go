package domino

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"domctl.dev/internal/port"
)

// The API tells nothing of what a build writes: the pages of Domino do, at two
// addresses of their own, which take the same key
// (github.com/dominodatalab/python-domino-environments calls them).

// page is the type of a page, of which 204 says that there is nothing on it.
const page = "text/html"

// logAddress is that of a build's log as a page links to it: the ids of the
// environment, the revision and the build.
var logAddress = regexp.MustCompile(`^/environments/([0-9a-f]{24})/revisions/([0-9a-f]{24})/build/([0-9A-Za-z_-]{1,64})/logs$`)

// GetBuildLog is GET /environments/{id}/revisions/{revision}/build/{build}/fetchBuildLogsSince,
// a table with a row for each line; 204 says that there are none. Of a page over 8 MiB the
// last lines are read.
func (c *Client) GetBuildLog(ctx context.Context, environment, revision string, since int64) ([]port.LogLine, error) {
	if err := known(environment, revision); err != nil {
		return nil, fmt.Errorf("revision %w", err)
	}
	build, err := c.build(ctx, environment, revision)
	if err != nil || build == "" {
		return nil, err
	}
	path := fmt.Sprintf("/environments/%s/revisions/%s/build/%s/fetchBuildLogsSince?sinceTimeNano=%d&tail=true", environment, revision, build, max(since, 0))
	answer, err := c.answer(ctx, http.MethodGet, path, page, nil)
	if err != nil {
		return nil, err
	}
	if len(answer) == mostAnswer { // it began earlier: with a whole row
		at := bytes.Index(answer, []byte("<tr"))
		answer = answer[max(at, 0):]
	}
	lines, err := logLines(string(answer))
	if err != nil {
		return nil, c.failed(path, err)
	}
	return slices.DeleteFunc(lines, func(l port.LogLine) bool { return l.At <= since }), nil
}

// build is the id of a revision's build, asked for once; "" where it has not begun
// (GET /environments/{id}/json/paged/{from}/{to}: by revision, newest first).
func (c *Client) build(ctx context.Context, environment, revision string) (string, error) {
	if id, known := c.builds.Load(revision); known {
		return id.(string), nil
	}
	seen := map[string]string{}
	for from := 0; from < mostListed; from += pageOf {
		var answer struct {
			Status map[string]string `json:"buildStatus"`
			Logs   map[string]string `json:"buildLogsUrl"`
		}
		path := fmt.Sprintf("/environments/%s/json/paged/%d/%d", environment, from, from+pageOf)
		if err := c.get(ctx, path, &answer); err != nil {
			return "", err
		}
		if answer.Status == nil || answer.Logs == nil || len(answer.Status) > mostListed {
			return "", c.failed(path, errForeign)
		}
		before := len(seen)
		maps.Copy(seen, answer.Status)
		at, begun := answer.Logs[revision]
		_, shown := answer.Status[revision]
		switch found := logAddress.FindStringSubmatch(at); {
		case begun && (found == nil || found[1] != environment || found[2] != revision):
			return "", c.failed(path, errForeign)
		case begun:
			c.builds.Store(revision, found[3])
			return found[3], nil
		case shown:
			return "", nil
		case len(seen) == before: // the list is over
			return "", c.failed(path, fmt.Errorf("it shows no revision %s: %w", revision, port.ErrNotFound))
		}
	}
	return "", c.failed("/environments/"+environment, errors.New("it has more than 10,000 revisions"))
}

// logLines reads the rows of the table. A page without any is another page.
func logLines(text string) (lines []port.LogLine, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var at int64 // of the row
	var line *strings.Builder
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if len(lines) == 0 || line != nil { // cut off
				return nil, errForeign
			}
			return lines, nil
		case html.TextToken:
			if line != nil {
				line.Write(z.Text())
			}
		case html.StartTagToken:
			t := z.Token()
			switch {
			case t.Data == "tr":
				at, err = strconv.ParseInt(attribute(t, "data-timenano"), 10, 64)
			case t.Data == "td" && slices.Contains(strings.Fields(attribute(t, "class")), "line"):
				if err != nil || at <= 0 {
					return nil, errForeign
				}
				line = &strings.Builder{}
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "td" && line != nil {
				lines = append(lines, port.LogLine{At: at, Text: strings.Trim(line.String(), "\r\n")})
				line = nil
			}
		}
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
