package git

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func head(t *testing.T, r *Repository, branch string) string {
	t.Helper()
	c, err := r.Commit("refs/heads/" + branch)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFetch follows a branch through all that can become of it.
func TestFetch(t *testing.T) {
	from := newRepo(t)
	first := from.commit(map[string]string{"a.cue": "a: 1"})
	branch := from.git("rev-parse", "--abbrev-ref", "HEAD")
	remote, at := Remote{URL: "file://" + from.dir}, filepath.Join(t.TempDir(), "mirror")
	fetch := func() *Repository {
		t.Helper()
		r, err := remote.Fetch(t.Context(), at, branch)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := head(t, fetch(), branch); got != first {
		t.Fatalf("%s, want %s", got, first)
	}
	fetch() // again, with nothing new
	second := from.commit(map[string]string{"a.cue": "a: 2"})
	r := fetch()
	if got := head(t, r, branch); got != second {
		t.Fatalf("%s, want %s", got, second)
	}
	to := t.TempDir()
	if _, err := r.Write(t.Context(), second, ".", to, Limits{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(to, "a.cue")); string(b) != "a: 2" {
		t.Errorf("%q", b)
	}
	from.git("reset", "-q", "--hard", first) // and pushed by force
	third := from.commit(map[string]string{"a.cue": "a: 3"})
	if r = fetch(); head(t, r, branch) != third {
		t.Error("a branch that was pushed by force is not followed")
	}
	if b, err := r.MergeBase(t.Context(), second, third); err != nil || b != first {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := remote.Fetch(t.Context(), at, branch, "gone"); !errors.Is(err, ErrNoBranch) {
		t.Errorf("a branch that is not there: %v", err)
	}
	from.git("checkout", "-q", "-b", "other")
	from.git("branch", "-q", "-D", branch)
	if _, err := remote.Fetch(t.Context(), at, branch); !errors.Is(err, ErrNoBranch) {
		t.Errorf("a branch that was deleted: %v", err)
	}
	if r, err := open(at); err != nil || commits(r, branch) {
		t.Errorf("it stands still (%v)", err)
	}
	remote.URL += "-not-there"
	if _, err := remote.Fetch(t.Context(), at, branch); err == nil || errors.Is(err, ErrNoBranch) {
		t.Errorf("a repository that cannot be read: %v", err)
	}
}

func commits(r *Repository, branch string) bool {
	_, err := r.Commit("refs/heads/" + branch)
	return err == nil
}

// TestFetchIsBounded in bytes and in time, keeps no half packs, and joins them now and then.
func TestFetchIsBounded(t *testing.T) {
	from := newRepo(t)
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	from.commit(map[string]string{"large": string(noise)})
	branch := from.git("rev-parse", "--abbrev-ref", "HEAD")
	at := filepath.Join(t.TempDir(), "mirror")
	remote := Remote{URL: "file://" + from.dir, Bytes: 100 << 10}
	if _, err := remote.Fetch(t.Context(), at, branch); err == nil || !strings.Contains(err.Error(), "it holds more than 100 KiB that are new") {
		t.Errorf("a megabyte: %v", err)
	}
	remote.Bytes, remote.Objects = 0, 2
	var why Unreadable
	if _, err := remote.Fetch(t.Context(), at, branch); !errors.As(err, &why) || why.Why != "it holds 3 objects that are new; at most 2 are read" {
		t.Errorf("three objects: %v", err)
	}
	remote.Objects = 0
	remote.Time = time.Nanosecond
	if _, err := remote.Fetch(t.Context(), at, branch); err == nil || !strings.Contains(err.Error(), "it took longer than 1ns") {
		t.Errorf("a nanosecond: %v", err)
	}
	remote.Time = 0
	if _, err := remote.Fetch(t.Context(), at, branch); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(at, "objects", "pack", "tmp_*")); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
	for i := range mostPacks + 1 {
		if err := os.WriteFile(filepath.Join(at, "objects", "pack", fmt.Sprintf("pack-%040d.pack", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := remote.Fetch(t.Context(), at, branch); err != nil {
		t.Fatal(err)
	}
	if packs, _ := filepath.Glob(filepath.Join(at, "objects", "pack", "*.pack")); len(packs) != 1 {
		t.Errorf("packs: %d", len(packs))
	}
}

// TestFetchOverHTTPS speaks to git's own server, which asks for a password.
func TestFetchOverHTTPS(t *testing.T) {
	from := newRepo(t)
	want := from.commit(map[string]string{"a": "a"})
	branch := from.git("rev-parse", "--abbrev-ref", "HEAD")
	exe, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(exe)), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + from.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bot" || password != "sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	defer s.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	remote := Remote{URL: s.URL + "/.git", User: "bot", Password: "sesame", CA: ca}
	r, err := remote.Fetch(t.Context(), t.TempDir(), branch)
	if err != nil || head(t, r, branch) != want {
		t.Fatal(err)
	}
	remote.Password = "wrong-one"
	if _, err := remote.Fetch(t.Context(), t.TempDir(), branch); err == nil || strings.Contains(err.Error(), "wrong-one") {
		t.Errorf("a wrong password: %v", err)
	}
	remote.CA = nil
	if _, err := remote.Fetch(t.Context(), t.TempDir(), branch); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a stranger's certificate: %v", err)
	}
}

// TestHostKeys: a host that is not known, or has another key, is told nothing.
func TestHostKeys(t *testing.T) {
	_, host, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(host)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan string, 10)
	go sshServer(l, signer, asked)
	der, err := x509.MarshalPKCS8PrivateKey(host)
	if err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	remote := Remote{URL: "ssh://git@" + l.Addr().String() + "/acme/domino.git", Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), KnownHosts: known}
	name := "[127.0.0.1]:" + strings.TrimPrefix(l.Addr().String(), "127.0.0.1:")
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	stranger, err := ssh.NewSignerFromKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line    string
		reached bool
	}{{"", false}, {name + " " + string(ssh.MarshalAuthorizedKey(stranger.PublicKey())), false}, {name + " " + string(ssh.MarshalAuthorizedKey(signer.PublicKey())), true}} {
		if err := os.WriteFile(known, []byte(c.line), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := remote.Fetch(ctx, t.TempDir(), "main")
		cancel()
		if err == nil {
			t.Error("fetched from what is no git server")
		}
		if got := len(asked) > 0; got != c.reached {
			t.Errorf("with %q the host was told who comes: %v (%v)", c.line, got, err)
		}
	}
}

// sshServer takes every key, and every session ends.
func sshServer(l net.Listener, host ssh.Signer, asked chan<- string) {
	c := &ssh.ServerConfig{PublicKeyCallback: func(m ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) {
		asked <- m.User()
		return nil, nil
	}}
	c.AddHostKey(host)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if _, channels, requests, err := ssh.NewServerConn(conn, c); err == nil {
				go ssh.DiscardRequests(requests)
				for ch := range channels {
					_ = ch.Reject(ssh.Prohibited, "no")
				}
			}
		}()
	}
}

// TestHeads: all branches, and no other refs; of an empty repository there are none.
func TestHeads(t *testing.T) {
	from := newRepo(t)
	remote := Remote{URL: "file://" + from.dir}
	if all, err := remote.Heads(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
	first := from.commit(map[string]string{"a": "1"})
	from.git("branch", "some/other")
	from.git("tag", "v1")
	from.git("update-ref", "refs/pull/1/head", first)
	second := from.commit(map[string]string{"a": "2"})
	branch := from.git("rev-parse", "--abbrev-ref", "HEAD")
	if all, err := remote.Heads(t.Context()); err != nil || !maps.Equal(all, map[string]string{branch: second, "some/other": first}) {
		t.Errorf("%v, %v", all, err)
	}
	remote.Time = time.Nanosecond
	if _, err := remote.Heads(t.Context()); err == nil || !strings.Contains(err.Error(), "it took longer than 1ns") {
		t.Errorf("%v", err)
	}
	remote.URL += "/gone"
	if _, err := remote.Heads(t.Context()); err == nil {
		t.Error("a repository that is not there has branches")
	}
}
