//go:build linux

package wiretest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshKey writes a new private key, and answers the public one as authorized_keys has it.
func sshKey(name string) (public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return "", err
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line))), os.WriteFile(name, pem.EncodeToMemory(block), 0o600)
}

// Key makes a key that logs the user in over SSH, and answers the private one's file.
func (u *ForgeUser) Key(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "id_ed25519")
	public, err := sshKey(name)
	check(t, err)
	u.Do(t, http.MethodPost, "/user/keys", jsonOf{"title": t.Name(), "key": public}, nil)
	return name
}

// SSH is where git reaches the repository over SSH.
func (r *ForgeRepo) SSH() string {
	return fmt.Sprintf("ssh://git@%s/%s.git", r.Owner.forge.ssh, r.Name)
}

// KnownHosts is what a client's known_hosts says of the forge.
func (g *Gitea) KnownHosts() string {
	host, port, _ := strings.Cut(g.ssh, ":")
	return fmt.Sprintf("[%s]:%s %s\n", host, port, g.hostKey)
}
