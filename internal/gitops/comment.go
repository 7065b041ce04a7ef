// Package gitops is domctl beside a forge: it says there what domctl plans (domctl
// comment in a CI job), and applies what a branch moves to (domctl serve). It consumes
// port.Forge; which forge it is, with which token, and how a deployment is opened, its
// callers say.
package gitops

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/internal/port"
)

// Comment is the one comment of domctl on a pull request about what Key names, a
// deployment. Text renders it in at most so many bytes; its first line is not the
// reader's to see.
type Comment struct {
	Repo string
	Pull int
	Key  string
	// Word is which of our comments about it this is; empty is the plan's.
	Word string
	Text func(limit int) string
}

// Posted says what became of a comment.
type Posted struct {
	ID               string
	Created, Updated bool // neither: it stood there as it is
	Folded           int  // older doubles that point to it
}

// marker is the first line of a comment of ours: a link that is defined and used
// nowhere, which all forges leave out of what they show; of HTML comments Bitbucket
// shows the text. The key is hashed, so that no name can end the line.
func marker(word, key string) string {
	sum := sha256.Sum256([]byte(key))
	return "[//]: # (" + word + " " + hex.EncodeToString(sum[:16]) + ")"
}

const (
	ours     = "domctl-plan"
	asks     = "domctl-asks"   // for approvals of what is merged
	answers  = "domctl-answer" // to a command; its key is that comment
	replaced = "domctl-replaced"
)

// Post updates the comment in place, or creates it. A comment is ours if our account
// wrote it and its first line is the marker; what others write, or quote, never is. Of
// several (two jobs raced) the oldest stays, and the others become one line each, as
// what they say is out of date: nobody should approve what stands there.
func (c Comment) Post(ctx context.Context, f port.Forge) (Posted, error) {
	body := c.body(f.MaxComment())
	mine, err := c.mine(ctx, f)
	if err != nil {
		return Posted{}, err
	}
	var p Posted
	if len(mine) > 0 {
		p, err = c.update(ctx, f, mine[0], body)
	}
	if err == nil && p.ID == "" {
		p.ID, err = f.Comment(ctx, c.Repo, c.Pull, body)
		p.Created = err == nil
	}
	if err != nil || len(mine) < 2 {
		return p, err
	}
	note := marker(replaced, c.Key) + "\n\nAnother comment of domctl says what is planned."
	for _, old := range mine[1:] {
		if err := f.EditComment(ctx, c.Repo, c.Pull, old.ID, note); err != nil && !errors.Is(err, port.ErrNotFound) {
			return p, fmt.Errorf("comment %s is a double of %s and stays: %w", old.ID, p.ID, err)
		}
		p.Folded++
	}
	return p, nil
}

// update answers no id when the comment was deleted meanwhile.
func (c Comment) update(ctx context.Context, f port.Forge, old port.Comment, body string) (Posted, error) {
	if same(old.Body, body) {
		return Posted{ID: old.ID}, nil
	}
	err := f.EditComment(ctx, c.Repo, c.Pull, old.ID, body)
	if errors.Is(err, port.ErrNotFound) {
		return Posted{}, nil
	}
	return Posted{ID: old.ID, Updated: err == nil}, err
}

// mine are our comments about the key, the oldest first.
func (c Comment) mine(ctx context.Context, f port.Forge) (mine []port.Comment, err error) {
	me, err := f.Me(ctx)
	if err != nil {
		return nil, err
	}
	if me == "" {
		return nil, errors.New("the forge does not say whose the token is")
	}
	all, err := f.Comments(ctx, c.Repo, c.Pull)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		first, _, _ := strings.Cut(one.Body, "\n")
		if one.Author == me && strings.TrimRight(first, "\r ") == marker(c.word(), c.Key) {
			mine = append(mine, one)
		}
	}
	return mine, nil
}

func (c Comment) word() string { return cmp.Or(c.Word, ours) }

func (c Comment) body(limit int) string {
	head := marker(c.word(), c.Key) + "\n\n"
	return head + c.Text(limit-len(head))
}

// same compares texts as forges keep them: some end lines in their own way, or leave
// blanks at the end out.
func same(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}
