package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // git's own
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// packing writes objects as git packs them.
type packing struct {
	bytes.Buffer
	t testing.TB
}

func newPacking(t testing.TB, objects uint32) *packing {
	p := &packing{t: t}
	p.WriteString("PACK")
	_ = binary.Write(p, binary.BigEndian, []uint32{2, objects})
	return p
}

// into puts the pack into a repository.
func (p *packing) into(r repo) {
	p.t.Helper()
	p.sum()
	f, err := os.CreateTemp(filepath.Join(r.dir, ".git/objects/pack"), "tmp_pack_")
	if err == nil {
		_, err = p.WriteTo(f)
	}
	if err == nil {
		err = keep(p.t.Context(), f, mostObjects)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// sum ends it.
func (p *packing) sum() {
	sum := sha1.Sum(p.Bytes()) //nolint:gosec // git's own
	p.Write(sum[:])
}

// count states how many objects there are, and ends it.
func (p *packing) count(objects uint32) {
	binary.BigEndian.PutUint32(p.Bytes()[8:], objects)
	p.sum()
}

// differs adds a difference to an object, of so many bytes: it makes one that begins with
// a byte of the base, and says no more.
func (p *packing) differs(base []byte, from, to, size int64) {
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(from)), uint64(to))
	head = append(head, 0x90, 1)
	size = max(size, int64(len(head)))
	p.header(7, size)
	p.Write(base)
	p.deflate(io.Discard, io.MultiReader(bytes.NewReader(head), io.LimitReader(nothings{}, size-int64(len(head)))))
}

// object adds an object and answers its id.
func (p *packing) object(kind string, number byte, size int64, content io.Reader) []byte {
	p.t.Helper()
	p.header(number, size)
	id := sha1.New() //nolint:gosec // git's own
	fmt.Fprintf(id, "%s %d\x00", kind, size)
	p.deflate(id, content)
	return id.Sum(nil)
}

func (p *packing) header(number byte, size int64) {
	head, rest := number<<4|byte(size&15), size>>4
	for rest > 0 {
		p.WriteByte(head | 0x80)
		head, rest = byte(rest&0x7f), rest>>7
	}
	p.WriteByte(head)
}

func (p *packing) deflate(also io.Writer, content io.Reader) {
	p.t.Helper()
	z, err := zlib.NewWriterLevel(p, zlib.BestSpeed)
	if err == nil {
		_, err = io.Copy(io.MultiWriter(z, also), content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

type nothings struct{}

func (nothings) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestFetchHugeObject: an object of 2 GB is fetched, and written, without ever being held.
func TestFetchHugeObject(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute; run without -short")
	}
	const size = 2 << 30
	p := newPacking(t, 3)
	blob := p.object("blob", 3, size, io.LimitReader(nothings{}, size))
	entry := "100644 huge\x00" + string(blob)
	tree := p.object("tree", 2, int64(len(entry)), strings.NewReader(entry))
	text := fmt.Sprintf("tree %x\nauthor A <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000\n\nx\n", tree)
	commit := fmt.Sprintf("%x", p.object("commit", 1, int64(len(text)), strings.NewReader(text)))
	from := newRepo(t)
	p.into(from)
	from.git("update-ref", "refs/heads/huge", commit)
	held, stop := watch()
	at, to := filepath.Join(t.TempDir(), "mirror"), t.TempDir()
	r, err := Remote{URL: "file://" + from.dir}.Fetch(t.Context(), at, "huge")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(t.Context(), commit, ".", to, Limits{}); err != nil {
		t.Fatal(err)
	}
	stop()
	if fi, err := os.Stat(filepath.Join(to, "huge")); err != nil || fi.Size() != size {
		t.Error(fi, err)
	}
	if most := held.Load(); most > 128<<20 {
		t.Errorf("%d MiB are held", most>>20)
	}
}

// watch watches how much is held at most.
func watch() (most *atomic.Uint64, stop func()) {
	runtime.GC()
	most, end, ended := new(atomic.Uint64), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return most, func() { close(end); <-ended }
}
