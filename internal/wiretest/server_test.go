//go:build wire

package wiretest_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// status asks for path with a short deadline; 0 is no answer.
func status(t *testing.T, addr, path string) int {
	t.Helper()
	client := http.Client{Timeout: 500 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + addr + path)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestRegistryKeepsAnImageOverARestart(t *testing.T) {
	t.Parallel()
	server := wiretest.NewRegistry(t)
	image, err := random.Image(1024, 3)
	must(t, err)
	name := server.Addr + "/base/ded:1"
	must(t, crane.Push(image, name))
	server.Kill()
	if _, err := crane.Digest(name); err == nil {
		t.Fatal("a killed registry answered")
	}
	server.Restart()
	got, err := crane.Digest(name)
	must(t, err)
	want, err := image.Digest()
	must(t, err)
	equal(t, got, want.String())
}

func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	server := wiretest.NewRegistry(t)
	equal(t, status(t, server.Addr, "/v2/"), http.StatusOK)
	server.Stop()
	equal(t, status(t, server.Addr, "/v2/"), 0)
	server.Cont()
	equal(t, status(t, server.Addr, "/v2/"), http.StatusOK)
}

func TestRestartKeepsTheAddress(t *testing.T) {
	t.Parallel()
	server := wiretest.NewAWS(t)
	before := server.Addr
	server.Stop()
	server.Restart()
	equal(t, server.Addr, before)
	equal(t, status(t, server.Addr, "/domctl/calls"), http.StatusOK)
}

// TestServersDieWithTheProcess runs this test binary again, which kills itself
// while its registry runs.
func TestServersDieWithTheProcess(t *testing.T) {
	if os.Getenv("WIRETEST_CHILD") != "" {
		os.Stdout.WriteString("addr=" + wiretest.NewRegistry(t).Addr + "\n")
		must(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
	}
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheProcess$")
	child.Env = append(os.Environ(), "WIRETEST_CHILD=1", "TMPDIR="+t.TempDir())
	out, err := child.Output()
	if err == nil {
		t.Fatal("the child did not die")
	}
	_, addr, found := strings.Cut(strings.TrimSpace(string(out)), "addr=")
	if !found {
		t.Fatalf("the child started no server: %s", out)
	}
	eventually(t, "the child's registry is gone", func() bool { return status(t, addr, "/v2/") == 0 })
}
