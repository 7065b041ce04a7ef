//go:build linux

package wiretest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Account is one AWS account on a moto server. Accounts share nothing but the
// names of S3 buckets, so tests side by side need one each.
type Account struct {
	Endpoint  string // http://host:port, for every service; S3 by path
	Region    string
	ID        string // twelve digits
	AccessKey string
	SecretKey string

	t       testing.TB
	control string // the server itself, also when Endpoint is a proxy
}

// Fault is how calls to an Account are made to fail. Of an empty Service or
// Action any is meant.
type Fault struct {
	Service string // as signed: ec2, autoscaling, eks, s3, ssm, sts
	Action  string // RunInstances
	// Error is the code answered. Disconnect resets the connection. Empty with
	// After it does so too; empty without, the call is only delayed.
	Error  string
	Status int           // HTTP status; 0: the one that belongs to Error
	Times  int           // how many calls; 0: one; below 0: all
	Delay  time.Duration // before the call is looked at
	After  bool          // the call takes effect first
}

// Call is one call that reached the server.
type Call struct {
	Account, Region, Service, Action string
	Role                             string         // ARN of whose session signed it; "": the account's own key
	Parameters                       map[string]any // as on the wire
	Status                           int            // HTTP status; 0: none was sent
	Fault                            string         // what Fail did to it
	Beside                           int            // calls of the account that were under way
}

// AWS gives an account of its own on this test process's moto.
func AWS(t testing.TB) *Account {
	t.Helper()
	return NewAccount(t, sharedAWS.get(t, awsProgram))
}

// NewAWS starts a moto that the test may stop, kill and restart; it forgets
// everything at a restart. NewAccount gives an account on it.
func NewAWS(t testing.TB) *Server {
	t.Helper()
	p, err := awsProgram()
	check(t, err)
	return launch(t, p)
}

// NewAccount gives an account that no other test has, on a server of NewAWS.
func NewAccount(t testing.TB, s *Server) *Account {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
	check(t, err)
	id := fmt.Sprint(n.Int64() + 100_000_000_000)
	at := "http://" + s.Addr
	// The launcher reads the account from the key: hack/wire/moto/accounts.py.
	return &Account{Endpoint: at, Region: "us-west-2", ID: id, AccessKey: "AKIAWIRE" + id, SecretKey: "wire", t: t, control: at}
}

// Via is the same account reached at another address, as by a Proxy.
func (a *Account) Via(addr string) *Account {
	other := *a
	other.Endpoint = "http://" + addr
	return &other
}

// Setenv points the AWS SDK's environment at the account, and away from
// everything else that could give it credentials.
func (a *Account) Setenv() {
	a.t.Helper()
	for name, value := range a.Env() {
		a.t.Setenv(name, value)
	}
}

// Env is what Setenv sets, for a child process.
func (a *Account) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":            a.Endpoint,
		"AWS_REGION":                  a.Region,
		"AWS_ACCESS_KEY_ID":           a.AccessKey,
		"AWS_SECRET_ACCESS_KEY":       a.SecretKey,
		"AWS_SESSION_TOKEN":           "",
		"AWS_PROFILE":                 "",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
}

// Fail makes calls of this account fail, after the faults asked for before.
func (a *Account) Fail(f Fault) {
	a.t.Helper()
	when, times := "before", f.Times
	if f.After {
		when = "after"
	}
	if times == 0 {
		times = 1
	}
	a.ask(http.MethodPost, "faults", map[string]any{
		"account": a.ID, "service": f.Service, "action": f.Action, "error": f.Error, "status": f.Status,
		"times": times, "delay_ms": f.Delay.Milliseconds(), "when": when,
	}, nil)
}

// Calls gives the calls of this account since its start or Reset, oldest first.
func (a *Account) Calls() []Call {
	a.t.Helper()
	var calls []Call
	a.ask(http.MethodGet, "calls?account="+a.ID, nil, &calls)
	return calls
}

// Reset forgets the account's calls and faults. What it holds stays.
func (a *Account) Reset() {
	a.t.Helper()
	a.ask(http.MethodPost, "reset?account="+a.ID, nil, nil)
}

func (a *Account) ask(method, verb string, body, answer any) {
	a.t.Helper()
	text, err := json.Marshal(body)
	check(a.t, err)
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.control+"/domctl/"+verb, bytes.NewReader(text))
	check(a.t, err)
	res, err := http.DefaultClient.Do(req)
	check(a.t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		a.t.Fatalf("%s /domctl/%s: %s", method, verb, res.Status)
	}
	if answer != nil {
		check(a.t, json.NewDecoder(res.Body).Decode(answer))
	}
}

func awsProgram() (program, error) {
	home, err := part("moto")
	if err != nil {
		return program{}, err
	}
	at, err := located()
	return program{
		name: "moto",
		argv: func(port string) []string {
			launcher := filepath.Join(at.root, "hack/wire/moto/serve.py")
			return []string{filepath.Join(home, "venv/bin/python"), launcher, "127.0.0.1", port}
		},
		// No byte code beside the launcher, which is in the tree.
		env:   []string{"PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"},
		ready: httpReady("/domctl/calls"),
	}, err
}
