package state

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
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
	k := ageKeeper{recipient: first.Recipient()}
	for _, one := range parsed {
		if of, ok := one.(holder); ok {
			k.identities = append(k.identities, of)
		}
	}
	return k, nil
}

// holder is an identity that states its secret.
type holder interface {
	age.Identity
	fmt.Stringer
}

type ageKeeper struct {
	recipient  age.Recipient
	identities []holder
}

// derived is the data key of what is wrapped. The identity's secret is in it: whoever
// knows whom records are for could wrap keys too, and must not seal records.
func derived(seed []byte, by holder) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(by.String()), seed, "domctl state: data key", 32)
}

func (ageKeeper) Name() string { return "age" }

func (k ageKeeper) NewKey(context.Context) (key, wrapped []byte, err error) {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails, says its documentation
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.recipient)
	if err == nil {
		_, err = w.Write(seed)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		key, err = derived(seed, k.identities[0])
	}
	if err != nil {
		return nil, nil, fmt.Errorf("age cannot wrap a data key: %w", err)
	}
	return key, b.Bytes(), nil
}

func (k ageKeeper) OpenKey(_ context.Context, wrapped []byte) ([]byte, error) {
	for _, one := range k.identities {
		r, err := age.Decrypt(bytes.NewReader(wrapped), one)
		if err != nil {
			continue
		}
		seed, err := io.ReadAll(io.LimitReader(r, 33))
		if err != nil || len(seed) != 32 {
			return nil, fmt.Errorf("%w: its data key was altered", ErrOpaque)
		}
		return derived(seed, one)
	}
	return nil, fmt.Errorf("%w: its data key is not for the age identity given, or was altered", ErrOpaque)
}
