package gitops

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
)

// Talk does what comments on pull requests of a repository ask for. A command counts
// when somebody wrote it who may write to the repository: both it and that right are
// read twice, some time apart, as a forge may not say that a text was changed at once.
type Talk struct {
	Forge port.Forge
	Repo  string
	Desks []*Desk // of the repository
	// Replan plans a pull request anew for a deployment; nil: it cannot.
	Replan func(ctx context.Context, d *Desk, pull int) error
	// Wake says that a deployment has something to do; nil: it will see.
	Wake     func(*Desk)
	Observer Observer // hears how commands go; may be nil
	Name     string   // of the repository in the configuration, for the observer
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error

	mu   sync.Mutex
	done map[string]time.Time // comments that need no look, and when that was found
	seen map[string]firstRead // those that are young or hold a command
}

// firstRead is what a comment said when it was read first.
type firstRead struct {
	sum [sha256.Size]byte
	at  time.Time
}

const (
	// betweenReadings is how long lies between two readings of a command.
	betweenReadings = 3 * time.Second
	// young is how long a comment's text is remembered, to see that it changes.
	young = 10 * time.Minute
	// tooLate is how old a command other than an approval may be when it is first seen.
	tooLate = time.Hour
)

// Said is a record of a command that was done, or that was not one.
type Said struct {
	Comment string    `json:"comment"`
	User    string    `json:"user"`
	Verb    Verb      `json:"verb"`
	At      time.Time `json:"at"`
	Nonce   string    `json:"nonce"`
}

// Converse reads a pull request's conversation, and does the commands in it that were
// not done yet, oldest first. It may be ended at any moment, and be called however
// often, side by side for several; what it fails at it does again. ErrUnderWay says that
// something is left.
func (t *Talk) Converse(ctx context.Context, pull port.Pull) error {
	me, err := t.Forge.Me(ctx)
	if err != nil {
		return err
	}
	all, err := t.commands(ctx, me, pull.Number)
	if err != nil || len(all) == 0 {
		return err
	}
	parts, err := t.parts(ctx, pull)
	if err != nil || len(parts) == 0 {
		return err
	}
	if all, err = t.undone(ctx, parts, all); err != nil || len(all) == 0 {
		return err
	}
	before, err := t.rightsOf(ctx, all)
	if err != nil {
		return err
	}
	if err := t.Sleep(ctx, betweenReadings); err != nil {
		return err
	}
	if all, err = t.commands(ctx, me, pull.Number); err != nil {
		return err
	}
	var failed error
	for _, c := range all {
		rights, there := before[c.ID]
		done := false
		if there {
			done, err = t.obey(ctx, pull.Number, parts, c, rights)
		}
		if failed = errors.Join(failed, err); done {
			t.over(c)
		} else if failed == nil {
			failed = ErrUnderWay
		}
	}
	return failed
}

// rightsOf are what the authors of comments may do, by comment.
func (t *Talk) rightsOf(ctx context.Context, all []port.Comment) (map[string]port.Rights, error) {
	people, out := map[string]port.Rights{}, map[string]port.Rights{}
	for _, c := range all {
		rights, there := people[config.Account(c.Author)]
		if !there {
			var err error
			if rights, err = t.rights(ctx, c.Author); err != nil {
				return nil, err
			}
			people[config.Account(c.Author)] = rights
		}
		out[c.ID] = rights
	}
	return out, nil
}

// over notes that nobody needs to look at a comment again.
func (t *Talk) over(c port.Comment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dismiss(c)
}

func (t *Talk) dismiss(c port.Comment) {
	t.done[c.ID] = t.Now()
	delete(t.seen, c.ID)
	const most = 10_000 // the records know the others
	if len(t.done) > most {
		maps.DeleteFunc(t.done, func(_ string, at time.Time) bool { return t.Now().Sub(at) > 24*time.Hour })
	}
}

// commands reads the conversation, and answers the comments that hold a command and were
// not done yet. One that changed is none.
func (t *Talk) commands(ctx context.Context, me string, number int) (out []port.Comment, err error) {
	all, err := t.Forge.Comments(ctx, t.Repo, number)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		t.done, t.seen = map[string]time.Time{}, map[string]firstRead{}
	}
	for _, c := range all {
		if _, done := t.done[c.ID]; done || config.Account(c.Author) == config.Account(me) || c.Author == "" {
			continue
		}
		says := len(ReadCommands(c.Body)) > 0
		sum := sha256.Sum256([]byte(c.Body))
		was, there := t.seen[c.ID]
		switch {
		case c.Edited && says, there && was.sum != sum:
			t.dismiss(c)
			continue
		case !there && (says || t.Now().Sub(c.CreatedAt) < young):
			t.seen[c.ID] = firstRead{sum, t.Now()}
		case there && !says && t.Now().Sub(was.at) > young:
			delete(t.seen, c.ID)
		}
		if says {
			out = append(out, c)
		}
	}
	return out, nil
}

// undone leaves out what the records say was done.
func (t *Talk) undone(ctx context.Context, parts []part, all []port.Comment) (out []port.Comment, err error) {
	for _, c := range all {
		done := false
		for _, p := range parts {
			var s Said
			_, there, err := read(ctx, p.store, commentsKey+url.PathEscape(c.ID), &s)
			if err != nil {
				return nil, err
			}
			done = done || there
		}
		if done {
			t.over(c)
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// part is a deployment that a pull request touches.
type part struct {
	desk  *Desk
	store applier.Store
	plan  PullPlan // of the pull request; zero: there is none
	head  Head
}

// parts are the deployments of which something was planned for the pull request, in
// the order of their names.
func (t *Talk) parts(ctx context.Context, pull port.Pull) (all []part, err error) {
	for _, d := range t.Desks {
		if d.Bound.Branch != pull.Base {
			continue
		}
		p := part{desk: d}
		if p.store, err = d.Records(ctx); err != nil {
			return nil, fmt.Errorf("%s: state: %w", d.Name, err)
		}
		var there bool
		if p.plan, there, err = ReadPullPlan(ctx, p.store, pull.Number); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		if _, _, err = read(ctx, p.store, headKey, &p.head); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		if there || p.asked(pull.Number) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b part) int { return strings.Compare(a.desk.Name, b.desk.Name) })
	return all, nil
}

// asked says that the pull request is merged, and waits for approvals.
func (p part) asked(pull int) bool { return p.head.Stage == Asked && p.head.Pull == pull }

// obey does one comment's command, and tells how that went.
func (t *Talk) obey(ctx context.Context, number int, parts []part, c port.Comment, before port.Rights) (done bool, err error) {
	ctx, end := observe(ctx, t.Observer, Work{Kind: CommandWork, Name: string(ReadCommands(c.Body)[0].Verb), Repository: t.Name})
	outcome := "error"
	defer func() { end(outcome) }()
	done, stranger, err := t.one(ctx, number, parts, c, before)
	switch {
	case err != nil:
	case !done:
		outcome = "waits"
	case stranger:
		outcome = "stranger"
	default:
		outcome = "done"
	}
	return done, err
}

// one does one comment's command; done: nobody needs to look at it again.
func (t *Talk) one(ctx context.Context, number int, parts []part, c port.Comment, before port.Rights) (done, stranger bool, err error) {
	for _, p := range parts {
		if w, _, err := readWish(ctx, p.store); err != nil || w.Comment == c.ID && !w.Done {
			return false, false, err // it is under way
		}
	}
	rights, err := t.rights(ctx, c.Author)
	if err != nil {
		return false, false, err
	}
	pull, err := t.Forge.Pull(ctx, t.Repo, number)
	if err != nil {
		return false, false, err
	}
	s := saying{Talk: t, pull: pull, parts: parts, comment: c, at: parts[0]}
	if stranger = min(rights, before) < port.WriteRights; stranger {
		s.answer, s.key = strangers(c.Author), "stranger "+config.Account(c.Author)
	} else if err := s.do(ctx); err != nil {
		return false, false, err
	}
	if s.pending {
		return false, false, nil
	}
	err = s.end(ctx)
	return err == nil, stranger, err
}

func (t *Talk) rights(ctx context.Context, user string) (port.Rights, error) {
	r, err := t.Forge.Rights(ctx, t.Repo, user)
	if errors.Is(err, port.ErrNotFound) {
		return port.NoRights, nil
	}
	return r, err
}

// end answers a command, and records that it was done.
func (s *saying) end(ctx context.Context) error {
	if s.answer != "" {
		if err := answer(ctx, s.Forge, s.Repo, s.pull.Number, s.key, s.answer); err != nil {
			return err
		}
	}
	return said(ctx, s.at.store, Said{Comment: s.comment.ID, User: s.comment.Author, Verb: s.command.Verb, At: s.Now().UTC(), Nonce: s.at.desk.Random()})
}

// answer writes one comment of ours about another, once.
func answer(ctx context.Context, f port.Forge, repo string, pull int, key, text string) error {
	c := Comment{Repo: repo, Pull: pull, Key: key, Word: answers, Text: func(int) string { return text + "\n" }}
	_, err := c.Post(ctx, f)
	return err
}

// said records that a comment was done.
func said(ctx context.Context, s applier.Store, one Said) error {
	_, err := write(ctx, s, commentsKey+url.PathEscape(one.Comment), "", one)
	if errors.Is(err, applier.ErrExists) {
		return nil
	}
	return err
}
