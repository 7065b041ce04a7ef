// Command image packs domctl into a container image that holds nothing else: no shell, no
// package manager, no user who is root. It needs no container engine; what it writes,
// `docker load`, `podman load`, `ctr images import` and `crane push` take. The same tree
// makes the same image, bit by bit. `make image` runs it, from the module's root.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	arch := flag.String("arch", runtime.GOARCH, "amd64 or arm64")
	tag := flag.String("tag", "domctl:latest", "what the image is called where it is loaded")
	out := flag.String("o", "dist/domctl-image.tar", "file to write")
	flag.Parse()
	if err := write(*arch, *tag, *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func write(arch, tag, out string) error {
	ref, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	program, err := build(arch)
	if err != nil {
		return err
	}
	image, err := pack(arch, program)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if err := tarball.WriteToFile(out, ref, image); err != nil {
		return err
	}
	digest, err := image.Digest()
	fmt.Printf("%s: %s for linux/%s, %s, %d MB of program\n", out, tag, arch, digest, len(program)>>20)
	return err
}

// build makes the program without C, which needs no library where it runs.
func build(arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "domctl-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "domctl")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", at, "./cmd/domctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/domctl: %w", err)
	}
	return os.ReadFile(at)
}

// user is who runs in the image, as in Google's distroless images.
const user = 65532

// pack makes the image of one layer.
func pack(arch string, program []byte) (v1.Image, error) {
	files, err := layer(program)
	if err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{User: fmt.Sprintf("%d:%[1]d", user), Entrypoint: []string{"/domctl"}, WorkingDir: home, Env: []string{"HOME=" + home},
		Labels: map[string]string{"org.opencontainers.image.title": "domctl"}}
	return mutate.ConfigFile(image, config)
}

const home = "/var/lib/domctl"

// layer is a tar of all that the image holds. All files are root's, so that the program
// cannot change itself.
func layer(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	passwd := fmt.Sprintf("root:x:0:0:root:/:/none\ndomctl:x:%d:%[1]d:domctl:%s:/none\n", user, home)
	for _, f := range []struct {
		name string
		mode int64
		body []byte
	}{
		{"domctl", 0o755, program}, {"etc/", 0o755, nil}, {"etc/passwd", 0o444, []byte(passwd)}, {"etc/ssl/", 0o755, nil}, {"etc/ssl/certs/", 0o755, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o444, roots()}, {"tmp/", 0o1777, nil}, {"var/", 0o755, nil}, {"var/lib/", 0o755, nil}, {home[1:] + "/", 0o700, nil},
	} {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.body)), Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatUSTAR}
		if f.body == nil {
			h.Typeflag = tar.TypeDir
		}
		if f.name == home[1:]+"/" {
			h.Uid, h.Gid = user, user
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.body); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// roots are the authorities that Mozilla trusts, but for those it trusts within limits,
// which a file of certificates cannot say.
func roots() []byte {
	var b bytes.Buffer
	for r := range bundle.Roots() {
		if r.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate})
		}
	}
	return b.Bytes()
}
