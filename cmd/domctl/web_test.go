package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// browse opens the address that stands in a file, prints the page, tells how a second
// browser fares, and ends what serves it: "browse FILE".
func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: browse file")
	}
	at := regexp.MustCompile(`http://\S+`).FindString(ts.ReadFile(args[0]))
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	mine := &http.Client{Jar: jar}
	page := fetched(ts, mine, at)
	fmt.Fprintln(ts.Stdout(), page)
	fmt.Fprintln(ts.Stdout(), "second browser:", fetched(ts, http.DefaultClient, at))
	form := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		ts.Fatalf("no form in %s", page)
	}
	u, err := url.Parse(at)
	ts.Check(err)
	res, err := mine.PostForm("http://"+u.Host+"/end", url.Values{"csrf": {form[1]}})
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), "end:", res.Status)
	ts.Check(res.Body.Close())
}

func fetched(ts *testscript.TestScript, c *http.Client, at string) string {
	res, err := c.Get(at)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	return res.Status + "\n" + string(body)
}
