package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Age keeps data keys with age X25519 identities (https://age-encryption.org/v1):
// text is an identity file's, as age-keygen writes it. New keys are wrapped for
// the first identity; the others open what was sealed before a change of
// identity. No error repeats any of text.
func Age(text string) (Keeper, error) {
	parsed, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return nil, errors.New("the age identity cannot be read: give what stands in the file that age-keygen wrote, " +
			"or of it the line that begins with AGE-SECRET-KEY-1, and not the file's name")
	}
	first, ok := parsed[0].(*age.X25519Identity)
	if !ok {
		return nil, errors.New("the first age identity is not an X25519 one: make one with age-keygen")
	}
	return ageKeeper{first.Recipient(), parsed}, nil
}

type ageKeeper struct {
	recipient  age.Recipient
	identities []age.Identity
}

func (ageKeeper) Name() string { return "age" }

func (k ageKeeper) NewKey(context.Context) (key, wrapped []byte, err error) {
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails, says its documentation
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.recipient)
	if err == nil {
		_, err = w.Write(key)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("age cannot wrap a data key: %w", err)
	}
	return key, b.Bytes(), nil
}

func (k ageKeeper) OpenKey(_ context.Context, wrapped []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(wrapped), k.identities...)
	if err != nil {
		return nil, fmt.Errorf("%w: its data key is not for the age identity given, or was altered", ErrOpaque)
	}
	key, err := io.ReadAll(io.LimitReader(r, 33))
	if err != nil {
		return nil, fmt.Errorf("%w: its data key was altered", ErrOpaque)
	}
	return key, nil
}
