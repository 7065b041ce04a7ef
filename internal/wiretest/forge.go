//go:build linux

package wiretest

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// giteaConfig takes the folders of data and of the program, and SSH's port. Nothing is fetched from
// elsewhere, pages are for nobody, and passwords guard nothing, so their hash may be
// quick. Queues in memory are worked off at once.
// https://docs.gitea.com/administration/config-cheat-sheet
const giteaConfig = `WORK_PATH = %[1]s
[server]
HTTP_ADDR = 127.0.0.1
DOMAIN = 127.0.0.1
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_LISTEN_HOST = 127.0.0.1
SSH_PORT = %[3]s
SSH_SERVER_HOST_KEYS = %[1]s/host_key
LFS_START_SERVER = false
OFFLINE_MODE = true
STATIC_ROOT_PATH = %[2]s
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[repository]
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
PASSWORD_HASH_ALGO = pbkdf2$1$50
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
[queue]
TYPE = channel
[indexer]
ISSUE_INDEXER_TYPE = db
[session]
PROVIDER = memory
[cron]
ENABLED = false
[actions]
ENABLED = false
[packages]
ENABLED = false
[log]
LEVEL = Warn
`

// nobody is whom Gitea runs as where the test is root, as whom it refuses to.
const nobody = 65534

// Gitea is a forge with no repositories. Tests side by side keep to users of their own.
type Gitea struct {
	*Server
	Admin *ForgeUser // may do everything

	dir          string // program, configuration, data
	ssh, hostKey string // host:port on loopback, and what stands there
	users        atomic.Int64
}

// sharedForge takes some seconds to start, so a test process has one.
var sharedForge = sync.OnceValues(startForge)

// Forge gives this test process's forge.
func Forge(t testing.TB) *Gitea {
	t.Helper()
	g, err := sharedForge()
	check(t, err)
	showLog(t, g.Server)
	return g
}

// GiteaProgram is where Gitea is, and its STATIC_ROOT_PATH, to run one otherwise than Forge
// does.
func GiteaProgram(t testing.TB) (program, static string) {
	t.Helper()
	home, err := part("forge")
	check(t, err)
	return filepath.Join(home, "gitea"), home
}

func startForge() (*Gitea, error) {
	home, err := part("forge")
	if err != nil {
		return nil, err
	}
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	g := &Gitea{dir: dir}
	p, err := g.program(home)
	if err != nil {
		return nil, err
	}
	if g.Server, err = run(p); err != nil {
		return nil, err
	}
	g.Admin, err = g.enrolAdmin()
	return g, err
}

// program copies what is installed to where another user may read it.
func (g *Gitea) program(home string) (program, error) {
	static := filepath.Join(g.dir, "static")
	p := program{
		name:  "gitea",
		argv:  func(port string) []string { return g.command("web", "--port", port) },
		env:   []string{"HOME=" + g.dir, "GITEA_WORK_DIR=" + g.dir},
		ready: httpReady("/api/healthz"),
	}
	var err error
	if g.ssh, err = FreeAddr(); err != nil {
		return program{}, err
	}
	if g.hostKey, err = sshKey(filepath.Join(g.dir, "host_key")); err != nil {
		return program{}, err
	}
	_, port, _ := strings.Cut(g.ssh, ":")
	if err := os.WriteFile(filepath.Join(g.dir, "app.ini"), fmt.Appendf(nil, giteaConfig, g.dir, static, port), 0o600); err != nil {
		return program{}, err
	}
	if os.Getuid() == 0 {
		p.as = &syscall.Credential{Uid: nobody, Gid: nobody}
		for _, name := range []string{"", "host_key", "app.ini"} {
			if err := os.Chown(filepath.Join(g.dir, name), nobody, nobody); err != nil {
				return program{}, err
			}
		}
	}
	return p, linkTree(home, static)
}

func (g *Gitea) command(args ...string) []string {
	return append([]string{filepath.Join(g.dir, "static/gitea"), "--config", filepath.Join(g.dir, "app.ini")}, args...)
}

// linkTree makes to hold what from holds, by hard links where the file system lets it.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, within)
		if entry.IsDir() {
			return os.Mkdir(at, 0o755)
		}
		if os.Link(name, at) == nil {
			return nil
		}
		return copyFile(name, at)
	})
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o755)
}

// enrolAdmin makes the first user, as only Gitea's command line can.
func (g *Gitea) enrolAdmin() (*ForgeUser, error) {
	u := &ForgeUser{Name: "root", Password: "password-of-root", forge: g}
	argv := g.command("admin", "user", "create", "--admin", "--username", u.Name, "--password", u.Password, "--email", u.email(),
		"--access-token", "--access-token-name", "wire", "--access-token-scopes", "all")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), g.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: g.as}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gitea admin user create: %w\n%s", err, out)
	}
	words := strings.Fields(string(out))
	u.Token = words[len(words)-1]
	return u, nil
}

// URL is where the forge is, without a slash at its end.
func (g *Gitea) URL() string { return "http://" + g.Addr }
