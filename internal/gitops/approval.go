package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
)

// Approval is one person's yes, said in one comment, to what a plan would do: to its
// effect, as merging this head of a pull request brings it.
type Approval struct {
	Effect  string    `json:"effect"`
	Pull    int       `json:"pull"`
	Head    string    `json:"head"` // the pull request's commit
	User    string    `json:"user"`
	Comment string    `json:"comment"` // its id
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	// Plan is the apply that it was taken for. It is free again only once that one can
	// never begin.
	Plan  string `json:"plan,omitempty"`
	Nonce string `json:"nonce"`

	key, etag string
}

// Used says what an apply was approved by, and who wrote what it did; it is written
// before the apply begins, where the deployment has rules.
type Used struct {
	Plan      string     `json:"plan"`
	Effect    string     `json:"effect"`
	Commit    string     `json:"commit"`
	Approvals []Approval `json:"approvals"`
	Rules     []string   `json:"rules"` // their names
	Writers   []string   `json:"writers,omitempty"`
	// Known says that nobody else wrote any of it.
	Known bool `json:"known,omitempty"`
}

func approvalKey(a Approval) string {
	return approvalsKey + a.Effect + "/" + url.PathEscape(config.Account(a.User)) + "/" + url.PathEscape(a.Comment)
}

// approve records an approval. The comment is what it is told by: whoever repeats it
// changes nothing, also if it was used meanwhile.
func approve(ctx context.Context, s applier.Store, a Approval) error {
	_, err := write(ctx, s, approvalKey(a), "", a)
	if errors.Is(err, applier.ErrExists) {
		return nil
	}
	return err
}

// approvals reads those below a key, in order.
func approvals(ctx context.Context, s applier.Store, below string) (all []Approval, err error) {
	keys, err := s.List(ctx, below)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	for _, key := range keys {
		var a Approval
		etag, there, err := read(ctx, s, key, &a)
		if err != nil {
			return nil, err
		}
		if a.key, a.etag = key, etag; there && key == approvalKey(a) {
			all = append(all, a)
		}
	}
	return all, nil
}

// standing are the approvals that an apply may take: of this pull request at this head,
// not over, not taken, still said, of people who may write there at this moment and had no part in
// what is approved. One a person.
func (t *turn) standing(ctx context.Context, effect string, from origin) (all []Approval, err error) {
	below := approvalsKey + effect + "/"
	if t.Bound.Approvals.OnChange == config.ApplyOnChange {
		below = approvalsKey
	}
	found, err := approvals(ctx, t.store, below)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	said, err := t.Forge.Comments(ctx, t.Repo, from.Pull.Number)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		same := slices.ContainsFunc(all, func(b Approval) bool { return config.Account(a.User) == config.Account(b.User) })
		if same || a.Pull != from.Pull.Number || a.Head != from.Pull.HeadCommit || !t.Now().Before(a.Expires) || from.wrote(a.User) || !a.stands(said) {
			continue
		}
		free, err := t.free(ctx, a)
		if err != nil {
			return nil, err
		}
		if !free {
			continue
		}
		may, err := t.mayWrite(ctx, a.User)
		if err != nil {
			return nil, err
		}
		if may {
			all = append(all, a)
		}
	}
	return all, nil
}

// stands says whether the comment is there as it was: whoever deletes or edits it takes
// the approval back.
func (a Approval) stands(said []port.Comment) bool {
	return slices.ContainsFunc(said, func(c port.Comment) bool {
		if c.ID != a.Comment || c.Edited || config.Account(c.Author) != config.Account(a.User) {
			return false
		}
		all := ReadCommands(c.Body)
		return len(all) == 1 && all[0].Verb == ApplyVerb && matches(a.Effect, all[0].Arg)
	})
}

// free says whether no apply took an approval, or one that never began and never will.
func (t *turn) free(ctx context.Context, a Approval) (bool, error) {
	if a.Plan == "" {
		return true, nil
	}
	s, err := t.engine.Applier.Summary(ctx, a.Plan)
	if applier.IsMissing(err) {
		return false, nil // it may be about to begin
	}
	return err == nil && s.Plan == nil, err
}

func (t *turn) mayWrite(ctx context.Context, user string) (bool, error) {
	rights, err := t.Forge.Rights(ctx, t.Repo, user)
	if errors.Is(err, port.ErrNotFound) {
		return false, nil // the account is gone
	}
	return rights >= port.WriteRights, err
}

// errSpent says that an approval is not as it was read.
var errSpent = errors.New("an approval was taken meanwhile")

// take gives approvals to an apply that is about to begin: each is one apply's alone
// before the first of its records stands.
func (t *turn) take(ctx context.Context, plan string, g granted, from origin) error {
	for i, a := range g.by {
		a.Plan, a.Nonce = plan, t.Random()
		if _, err := write(ctx, t.store, a.key, a.etag, a); errors.Is(err, applier.ErrMoved) || errors.Is(err, applier.ErrNoKey) {
			return errSpent
		} else if err != nil {
			return err
		}
		g.by[i] = a
	}
	u := Used{Plan: plan, Effect: g.effect, Commit: g.commit, Approvals: g.by, Writers: from.Writers, Known: !from.Unknown}
	for _, r := range g.rules {
		u.Rules = append(u.Rules, r.Name)
	}
	_, err := write(ctx, t.store, usedKey+plan, "", u)
	return err
}

// ReadUsed reads what an apply was approved by; there is false where the
// deployment had no rules.
func ReadUsed(ctx context.Context, s applier.Store, plan string) (u Used, there bool, err error) {
	_, there, err = read(ctx, s, usedKey+plan, &u)
	return u, there, err
}

// people are the accounts of approvals.
func people(all []Approval) (names []string) {
	for _, a := range all {
		names = append(names, a.User)
	}
	return names
}

// matches says whether what somebody wrote names an effect: it, or the beginning of it
// that is long enough not to be another's.
func matches(effect, written string) bool {
	return len(written) >= shortest && strings.HasPrefix(effect, strings.ToLower(written))
}

// shortest is how many digits of an effect must be written at least.
const shortest = 12
