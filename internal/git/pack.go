package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// Of what is fetched no more than this is held at once: go-git's own reading of a pack
// holds each object whole, so that a pack of two megabytes can take all memory there is.
const (
	mostHeld  = 256 << 20 // bytes of objects that others are differences to
	mostShape = 64 << 20  // bytes of a commit, a tree or a tag, which are read whole later
)

// pack is a fetched pack while it is written, and what its index says in the end.
type pack struct {
	ctx     context.Context
	file    *os.File
	scan    *packfile.Scanner
	index   idxfile.Writer
	objects []*packed
	byPlace map[int64]*packed
	waits   map[plumbing.Hash][]*packed // that are differences to an id
	held    int64
}

// packed is an object of a pack.
type packed struct {
	kind     plumbing.ObjectType // of one that is whole; else of its base, once that is known
	id       plumbing.Hash
	place    int64
	size     int64 // of its content, or of the difference
	crc      uint32
	differs  bool
	children []*packed // that are differences to it
}

// keep reads a pack that was written to a file, and gives it its index and its place in
// a folder of packs, if it states no more than so many objects. Without an error the file
// is moved.
func keep(ctx context.Context, file *os.File, most int) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p := &pack{ctx: ctx, file: file, scan: packfile.NewScanner(file), byPlace: map[int64]*packed{}, waits: map[plumbing.Hash][]*packed{}}
	sum, err := p.read(most)
	if err == nil {
		err = p.resolve()
	}
	if err != nil {
		return err
	}
	if err := p.index.OnHeader(uint32(len(p.objects))); err != nil {
		return err
	}
	for _, o := range p.objects {
		p.index.Add(o.id, uint64(o.place), o.crc)
	}
	if err := p.index.OnFooter(sum); err != nil {
		return err
	}
	index, err := p.index.Index()
	if err != nil {
		return err
	}
	dir := filepath.Dir(file.Name())
	to, err := os.CreateTemp(dir, "tmp_idx_")
	if err != nil {
		return err
	}
	_, err = idxfile.NewEncoder(to).Encode(index)
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	name := filepath.Join(dir, "pack-"+sum.String())
	if err := os.Rename(file.Name(), name+".pack"); err != nil {
		return err
	}
	return os.Rename(to.Name(), name+".idx") // what has an index is there
}

// read reads each object once, and holds none.
func (p *pack) read(most int) (sum plumbing.Hash, err error) {
	_, n, err := p.scan.Header()
	if err == nil && int64(n) > int64(most) {
		err = Unreadable{fmt.Sprintf("it holds %d objects that are new; at most %d are read", n, most)}
	}
	if err != nil {
		return sum, err
	}
	for range n {
		h, err := p.scan.NextObjectHeader()
		if err != nil {
			return sum, err
		}
		o := &packed{kind: h.Type, place: h.Offset, size: h.Length, differs: h.Type.IsDelta()}
		id := plumbing.NewHasher(h.Type, h.Length)
		size, crc, err := p.scan.NextObject(io.MultiWriter(patient{p.ctx}, id))
		switch {
		case err != nil:
			return sum, err
		case size != h.Length:
			return sum, fmt.Errorf("an object is not of the %d bytes that it states", h.Length)
		case !o.differs && h.Type != plumbing.BlobObject && size > mostShape:
			return sum, Unreadable{fmt.Sprintf("a %s is of %d MiB; at most %d are read", h.Type, size>>20, mostShape>>20)}
		}
		o.crc = crc
		switch h.Type {
		case plumbing.OFSDeltaObject:
			base := p.byPlace[h.OffsetReference]
			if base == nil {
				return sum, packfile.ErrMalformedPackFile
			}
			base.children = append(base.children, o)
		case plumbing.REFDeltaObject:
			p.waits[h.Reference] = append(p.waits[h.Reference], o)
		default:
			o.id = id.Sum()
		}
		p.objects, p.byPlace[o.place] = append(p.objects, o), o
	}
	return p.scan.Checksum()
}

// resolve finds out the ids of those that are differences.
func (p *pack) resolve() error {
	for _, o := range p.objects {
		if o.differs {
			continue
		}
		if p.adopt(o); len(o.children) == 0 {
			continue
		}
		if err := p.hold(o.size); err != nil {
			return err
		}
		content, err := p.content(o)
		if err == nil {
			err = p.descend(o, content)
		}
		if err != nil {
			return err
		}
	}
	for _, o := range p.objects {
		if o.id.IsZero() {
			return packfile.ErrReferenceDeltaNotFound
		}
	}
	return nil
}

// adopt gives an object those that wait for its id.
func (p *pack) adopt(o *packed) {
	o.children = append(o.children, p.waits[o.id]...)
	delete(p.waits, o.id)
}

// descend makes what is a difference to an object that is held, and to those, and lets
// go of each once the last was made.
func (p *pack) descend(o *packed, content []byte) error {
	type level struct {
		o       *packed
		content []byte
	}
	for path := []level{{o, content}}; len(path) > 0; {
		at := &path[len(path)-1]
		if len(at.o.children) == 0 {
			p.held -= int64(len(at.content))
			*at = level{} // which the array would hold on
			path = path[:len(path)-1]
			continue
		}
		child := at.o.children[0]
		at.o.children = at.o.children[1:]
		made, err := p.make(child, at.o.kind, at.content)
		if err != nil {
			return err
		}
		if len(at.o.children) == 0 {
			p.held -= int64(len(at.content))
			*at = level{}
			path = path[:len(path)-1]
		}
		path = append(path, level{child, made})
	}
	return nil
}

// make makes an object of a difference and what that is one to.
func (p *pack) make(o *packed, kind plumbing.ObjectType, base []byte) ([]byte, error) {
	if err := p.hold(o.size); err != nil {
		return nil, err
	}
	defer func() { p.held -= o.size }()
	delta, err := p.content(o)
	if err != nil {
		return nil, err
	}
	size, does, err := becomes(base, delta)
	if err == nil {
		err = p.hold(size)
	}
	if err == nil && kind != plumbing.BlobObject && size > mostShape {
		err = Unreadable{fmt.Sprintf("a %s is of %d MiB; at most %d are read", kind, size>>20, mostShape>>20)}
	}
	if err != nil {
		return nil, err
	}
	content, err := applied(base, does, size)
	if err != nil {
		return nil, err
	}
	o.kind, o.id = kind, plumbing.ComputeHash(kind, content)
	p.adopt(o)
	return content, p.ctx.Err()
}

// hold counts what is held.
func (p *pack) hold(size int64) error {
	if size < 0 || size > mostHeld-p.held {
		return Unreadable{fmt.Sprintf("it holds files of %d MiB that it states as differences to each other; at most %d MiB of such are read", size>>20, mostHeld>>20)}
	}
	p.held += size
	return nil
}

// content reads an object or a difference as it is packed.
func (p *pack) content(o *packed) ([]byte, error) {
	if _, err := p.scan.SeekObjectHeader(o.place); err != nil {
		return nil, err
	}
	r, err := p.scan.ReadObject()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content := make([]byte, o.size)
	_, err = io.ReadFull(r, content)
	return content, err
}

// becomes is the size of what a difference to a base makes, and how: it states the
// sizes of both first. https://git-scm.com/docs/pack-format.
func becomes(base, delta []byte) (size int64, does []byte, err error) {
	if len(delta) < 4 { // which git refuses
		return 0, nil, packfile.ErrInvalidDelta
	}
	for i := range 2 {
		size = 0
		for shift := 0; ; shift += 7 {
			if len(delta) == 0 || shift > 56 {
				return 0, nil, packfile.ErrInvalidDelta
			}
			b := delta[0]
			delta = delta[1:]
			size |= int64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
		if i == 0 && size != int64(len(base)) {
			return 0, nil, packfile.ErrInvalidDelta
		}
	}
	return size, delta, nil
}

// applied makes what a difference does of its base, in the room that it needs and no
// more: go-git's own takes up to three times that.
func applied(base, does []byte, size int64) ([]byte, error) {
	made := make([]byte, 0, size)
	for len(does) > 0 {
		var part []byte
		if part, does = next(base, does); len(part) == 0 || len(part) > cap(made)-len(made) {
			return nil, packfile.ErrInvalidDelta
		}
		made = append(made, part...)
	}
	if int64(len(made)) != size {
		return nil, packfile.ErrInvalidDelta
	}
	return made, nil
}

// next is what the first step of a difference adds, nothing where it is none.
func next(base, does []byte) (part, rest []byte) {
	step, does := does[0], does[1:]
	if step < 0x80 { // so many bytes that follow
		if int(step) > len(does) {
			return nil, nil
		}
		return does[:step], does[step:]
	}
	var from, n int64
	for bit := range 7 {
		if step&(1<<bit) == 0 {
			continue
		}
		if len(does) == 0 {
			return nil, nil
		}
		if b := int64(does[0]); bit < 4 {
			from |= b << (8 * bit)
		} else {
			n |= b << (8 * (bit - 4))
		}
		does = does[1:]
	}
	if n == 0 {
		n = 0x10000
	}
	if from+n > int64(len(base)) {
		return nil, nil
	}
	return base[from : from+n], does
}

// patient takes anything as long as there is time.
type patient struct{ ctx context.Context }

func (p patient) Write(b []byte) (int, error) { return len(b), p.ctx.Err() }
