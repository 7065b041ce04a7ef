package main

import (
	"archive/tar"
	"crypto/x509"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// held are the files of an image, by name.
func held(t *testing.T, image v1.Image) map[string]*tar.Header {
	t.Helper()
	files, all := mutate.Extract(image), map[string]*tar.Header{}
	defer files.Close()
	r := tar.NewReader(files)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = h
	}
}

// TestImage: it holds the program, certificates, a name for who runs, and two folders;
// nobody but root could change the program, and nobody is root.
func TestImage(t *testing.T) {
	image, err := pack("amd64", []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("domctl:test")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, tag, image); err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(file, &tag)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n, h := range held(t, read) {
		names = append(names, n)
		mine := n == "var/lib/domctl/" || n == "var/lib/domctl"
		if (h.Uid == 0) == mine || h.Mode&0o22 != 0 && h.Mode != 0o1777 || h.Mode&0o6000 != 0 {
			t.Errorf("%s is of %d, mode %o", n, h.Uid, h.Mode)
		}
	}
	slices.Sort(names)
	for i := range names {
		names[i] = filepath.Clean(names[i])
	}
	if want := []string{"domctl", "etc", "etc/passwd", "etc/ssl", "etc/ssl/certs", "etc/ssl/certs/ca-certificates.crt", "tmp", "var", "var/lib", "var/lib/domctl"}; !slices.Equal(names, want) {
		t.Errorf("it holds %q", names)
	}
	c, err := read.ConfigFile()
	if err != nil || c.Config.User != "65532:65532" || !slices.Equal(c.Config.Entrypoint, []string{"/domctl"}) || len(c.Config.Cmd) > 0 || c.OS != "linux" || c.Architecture != "amd64" {
		t.Errorf("%+v, %v", c, err)
	}
	again, err := pack("amd64", []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	one, errOne := image.Digest()
	two, errTwo := again.Digest()
	if one != two || errOne != nil || errTwo != nil {
		t.Errorf("the same program makes %s and %s", one, two)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(roots()) {
		t.Error("no authority is trusted")
	}
}
