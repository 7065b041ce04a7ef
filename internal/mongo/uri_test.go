package mongo

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// FuzzURI: whatever a URI asks for, what the package promises holds, and no
// message repeats its password.
func FuzzURI(f *testing.F) {
	f.Add("s3cr3t-pw", "127.0.0.1:27017", "readPreference=secondary&w=0&retryWrites=true&timeoutMS=1&readConcernLevel=local&journal=false")
	f.Add("s3cr3t-pw", "a,b:1/domino", "replicaSet=rs0&maxStalenessSeconds=90&readPreference=nearest&readPreferenceTags=dc:east&wtimeoutMS=1&w=1")
	f.Add("s3cr3t%2Fpw", "a", "authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:x&connectTimeoutMS=1&serverSelectionTimeoutMS=1")
	f.Add("s3cr3t/pw", "::1", "w=canary;unknown=1")
	f.Fuzz(func(t *testing.T, password, hosts, query string) {
		c, err := Open("mongodb://user:"+password+"@"+hosts+"/?"+query, "domino", Options{})
		if err != nil {
			t.Fatal(err)
		}
		o := c.settings()
		if err := o.Validate(); err != nil {
			// Shorter ones stand in messages by chance.
			if len(password) > 7 && !strings.Contains("mongodb://user:@"+hosts+"/?"+query, password) && strings.Contains(c.scrub(err.Error()), password) {
				t.Errorf("%q stands in %q", password, c.scrub(err.Error()))
			}
		}
		holdsItsPromises(t, c, o)
	})
}

func holdsItsPromises(t *testing.T, c *Client, o *options.ClientOptions) {
	t.Helper()
	switch {
	case o.ReadPreference.Mode() != readpref.PrimaryMode || len(o.ReadPreference.TagSets()) > 0:
		t.Errorf("reads go to %v", o.ReadPreference)
	case o.ReadConcern.Level != "majority":
		t.Errorf("reads are %q", o.ReadConcern.Level)
	case o.WriteConcern.W != "majority" || o.WriteConcern.Journal != nil:
		t.Errorf("writes wait for %v", o.WriteConcern)
	case o.RetryWrites == nil || *o.RetryWrites:
		t.Error("writes are repeated")
	case *o.Timeout != c.opts.Timeout || *o.ServerSelectionTimeout != c.opts.Select || *o.ConnectTimeout != c.opts.Select || c.opts.Timeout < time.Second:
		t.Errorf("a call ends after %s, %s, %s", *o.Timeout, *o.ServerSelectionTimeout, *o.ConnectTimeout)
	}
}

// TestShortPasswords are taken out where a message repeats the URI or quotes them,
// and not out of its words: a message with holes tells them.
func TestShortPasswords(t *testing.T) {
	for uri, texts := range map[string]map[string]string{
		"mongodb://u:p@h/": {
			"error parsing uri":                  "error parsing uri",
			`cannot use "p" of ://u:p@h`:         `cannot use *** of :***h`,
			"error parsing mongodb://u:p@h/ now": "error parsing *** now",
		},
		"mongodb://user:%2F@h/": {"error / of user:/@h": "error / of ***@h", `escape "%2F"`: "escape ***"},
		"mongodb://user:pass@h/": {
			"a pass of user": "a *** of user",
		},
		"mongodb://h/?tlsCertificateKeyFilePassword=ab": {"a table of tlsCertificateKeyFilePassword=ab": "a table of tlsCertificateKeyFilePassword***"},
	} {
		c, err := Open(uri, "domino", Options{})
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range texts {
			if got := c.scrub(text); got != want {
				t.Errorf("%s: %q becomes %q, want %q", uri, text, got, want)
			}
		}
	}
}
