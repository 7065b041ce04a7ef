package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// RecordKind is what a record says happened.
type RecordKind string

// The kinds of records.
const (
	KindPlan   RecordKind = "plan"   // record 0: the plan
	KindPre    RecordKind = "pre"    // whole objects before the first write, and in the first the former entries
	KindBegin  RecordKind = "begin"  // a write is about to be made
	KindMissed RecordKind = "missed" // the outside answered that a begun write did not happen
	KindDone   RecordKind = "done"   // a step stands; its outputs
	KindUndone RecordKind = "undone" // nothing of a begun step stands
	// KindApproved: a person lets steps through; who, and which gates.
	KindApproved RecordKind = "approved"
	KindFailed   RecordKind = "failed"  // a segment ended with failed steps
	KindPaused   RecordKind = "paused"  // a segment ended with steps that wait
	KindRefused  RecordKind = "refused" // the apply ended before its first write
	KindFenced   RecordKind = "fenced"  // another process took the lease
	KindEnded    RecordKind = "ended"   // nothing is left to do
	KindWaiting  RecordKind = "waiting" // an Event and never a record: something takes its time
)

// Record is one entry of an apply's stream.
type Record struct {
	Kind    RecordKind                       `json:"kind"`
	At      time.Time                        `json:"at"`
	By      string                           `json:"by,omitempty"`
	Step    string                           `json:"step,omitempty"`
	Mark    string                           `json:"mark,omitempty"`
	Says    string                           `json:"says,omitempty"` // of a begin: Status.Says
	Why     string                           `json:"why,omitempty"`
	Failed  []string                         `json:"failed,omitempty"` // steps, in the record that ends a segment
	Place   int                              `json:"place,omitempty"`  // of the apply among all, in its first record
	Plan    *planner.Plan                    `json:"plan,omitempty"`
	Salt    string                           `json:"salt,omitempty"` // of the apply's tokens, beside its plan
	Pre     map[planner.Ref]planner.Raw      `json:"pre,omitempty"`
	Former  map[schema.Address]*schema.Entry `json:"former,omitempty"`
	Latches map[schema.Address]string        `json:"latches,omitempty"` // the former ones
	Outputs map[string]schema.Value          `json:"outputs,omitempty"`
	// Approval is that of KindApproved.
	Approval *Approval `json:"approval,omitempty"`
	// Digests are the keyed digests of the secrets that a begun write carries.
	Digests map[string]schema.Value `json:"digests,omitempty"`
}

// batch is one object of the store: records that became durable together.
type batch struct {
	Nonce   string   `json:"nonce"`
	Records []Record `json:"records"`
}

// ErrFenced is answered when another process wrote the next record: this one
// holds the lock no longer and must not write.
var ErrFenced = errors.New("DC313: another process took over this apply")

// journal is one apply's stream as this process knows it.
type journal struct {
	a       *Applier
	id      string
	plan    *planner.Plan
	salt    string    // of its tokens
	began   time.Time // when its first record was written
	mu      sync.Mutex
	next    int
	records []Record
	byStep  map[string][]Record
	pres    []Record // those of KindPre
	queue   []*entry
	writing bool
	err     error // sticky: after a failed append nothing more is begun
}

type entry struct {
	records []Record
	done    chan error
}

func (a *Applier) stream(id string) *journal {
	return &journal{a: a, id: id, byStep: map[string][]Record{}}
}

// keep takes durable records into what this process knows.
func (j *journal) keep(records []Record) {
	j.records = append(j.records, records...)
	for _, r := range records {
		if r.Step != "" {
			j.byStep[r.Step] = append(j.byStep[r.Step], r)
		}
		if r.Kind == KindPre {
			j.pres = append(j.pres, r)
		}
	}
}

func recordKey(id string, n int) string { return fmt.Sprintf("applies/%s/%06d", id, n) }

// load reads a stream; it answers ErrNoKey when there is none.
func (a *Applier) load(ctx context.Context, id string) (*journal, error) {
	keys, err := a.store().List(ctx, "applies/"+id+"/")
	if err != nil {
		return nil, fmt.Errorf("records of apply %s: %w", id, err)
	}
	if len(keys) == 0 {
		return nil, missing(id)
	}
	return a.journal(id, keys, a.batches(ctx, keys))
}

func missing(id string) error { return fmt.Errorf("DC314: there is no apply %s: %w", id, ErrNoKey) }

// journal puts a stream together from what was read of its keys.
func (a *Applier) journal(id string, keys []string, got map[string]read) (*journal, error) {
	j := a.stream(id)
	for i, key := range keys {
		if key != recordKey(id, i) {
			return nil, gap(id, key, i)
		}
		if err := got[key].err; err != nil {
			return nil, err
		}
		j.keep(got[key].Records)
	}
	j.next, j.plan, j.salt, j.began = len(keys), j.records[0].Plan, j.records[0].Salt, j.records[0].At // no plan: fenced before it began
	if j.plan == nil && slices.ContainsFunc(j.records, func(r Record) bool { return r.Kind != KindFenced }) {
		return nil, fmt.Errorf("%w: the records of apply %s do not begin with its plan; restore them from the store's versions", ErrTorn, id)
	}
	return j, nil
}

// gap says why a stream's i-th key is not the i-th record's.
func gap(id, key string, i int) error {
	if n, err := strconv.Atoi(path.Base(key)); err != nil || key != recordKey(id, n) {
		return fmt.Errorf("records of apply %s: %s %w: move it elsewhere", id, key, ErrForeign)
	}
	return fmt.Errorf("DC315: records of apply %s: %s is missing; restore it from the store's versions", id, recordKey(id, i))
}

func decodeBatch(key string, body []byte) (b batch, err error) {
	if err := json.Unmarshal(body, &b); err != nil || b.Nonce == "" || len(b.Records) == 0 {
		return batch{}, fmt.Errorf("%w: record %s (%v); restore it from the store's versions", ErrTorn, key, err)
	}
	return b, nil
}

// append is durable when it answers nil. Records of steps that run side by side
// are written together.
func (j *journal) append(ctx context.Context, records ...Record) error {
	for i := range records {
		records[i].At, records[i].By = j.a.Clock.Now().UTC(), j.a.Holder
	}
	e := &entry{records, make(chan error, 1)}
	j.mu.Lock()
	j.queue = append(j.queue, e)
	leader := !j.writing
	j.writing = true
	j.mu.Unlock()
	for leader {
		leader = j.flush(context.WithoutCancel(ctx))
	}
	return <-e.done
}

// flush writes what has queued up as one object and answers whether it must be
// called again.
func (j *journal) flush(ctx context.Context) (again bool) {
	j.mu.Lock()
	queue, err := j.queue, j.err
	j.queue = nil
	j.writing = len(queue) > 0
	j.mu.Unlock()
	if len(queue) == 0 {
		return false
	}
	b := batch{Nonce: j.a.Nonce()}
	for _, e := range queue {
		b.Records = append(b.Records, e.records...)
	}
	if err == nil {
		err = j.a.putRecord(ctx, recordKey(j.id, j.next), b)
	}
	j.mu.Lock()
	if j.err = err; err == nil {
		j.next++
		j.keep(b.Records)
	}
	j.mu.Unlock()
	for _, e := range queue {
		e.done <- err
	}
	return true
}

// putRecord writes one object of a stream. After an unclear answer it reads:
// the nonce tells whether the write was ours.
func (a *Applier) putRecord(ctx context.Context, key string, b batch) error {
	body := []byte(schema.JSON(b).Text)
	var err error
	for range 3 {
		if _, err = a.store().PutIfNone(ctx, key, body); err == nil {
			return nil
		}
		got, readErr := a.batch(ctx, key)
		switch {
		case readErr == nil && got.Nonce == b.Nonce:
			return nil
		case readErr == nil:
			return fmt.Errorf("%w (%s is its record); domctl history tells what it did", ErrFenced, key)
		case !errors.Is(readErr, ErrNoKey):
			return fmt.Errorf("record %s: %w", key, errors.Join(err, readErr))
		}
	}
	return fmt.Errorf("record %s: %w", key, err)
}

func (j *journal) broken() error { j.mu.Lock(); defer j.mu.Unlock(); return j.err }

// all is every record of the given kind and step; step "" is any.
func (j *journal) all(kind RecordKind, step string) (out []Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	from := j.records
	if step != "" {
		from = j.byStep[step]
	}
	for _, r := range from {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func (j *journal) has(kind RecordKind, step string) bool { return len(j.all(kind, step)) > 0 }

func (j *journal) done(step string) bool { _, ok := j.doneAs(step); return ok }

// doneAs is the record that says that a step stands.
func (j *journal) doneAs(step string) (Record, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.byStep[step] {
		if r.Kind == KindDone {
			return r, true
		}
	}
	return Record{}, false
}

// undecided says that a step was begun, and that no record tells what became of it.
func (j *journal) undecided(step string) bool {
	begun, _ := j.begun(step)
	return len(begun) > 0 && !j.done(step)
}

// over is how the apply ended, "" while the stream takes more segments.
func (j *journal) over() Outcome {
	switch {
	case j.has(KindEnded, ""):
		return EndedOutcome
	case j.has(KindRefused, ""):
		return RefusedOutcome
	}
	return ""
}

// ender is who ended the apply; "" while it has not ended.
func (j *journal) ender() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range slices.Backward(j.records) {
		if r.Kind == KindEnded {
			return r.By
		}
	}
	return ""
}

// begun counts by mark the begins of a step that may have taken effect: a missed
// takes back the one begin it answers, an undone all. With it come the digests
// of the last begin.
func (j *journal) begun(step string) (marks map[string]int, digests map[string]schema.Value) {
	marks = map[string]int{}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.byStep[step] {
		switch r.Kind {
		case KindBegin:
			marks[r.Mark]++
			digests = r.Digests
		case KindMissed:
			if marks[r.Mark]--; marks[r.Mark] <= 0 {
				delete(marks, r.Mark)
			}
		case KindUndone:
			clear(marks)
		}
	}
	return marks, digests
}

// pre is what an object held before the apply's first write to it; ok is false
// until that is recorded.
func (j *journal) pre(ref planner.Ref) (raw planner.Raw, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.pres {
		if raw, ok = r.Pre[ref]; ok {
			return raw, true
		}
	}
	return nil, false
}

// last is when the stream's last record was written.
func (j *journal) last() time.Time { return j.records[len(j.records)-1].At }
