package web

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// issuer is a provider whose answers a test can spoil. Whoever comes is signed in as ann.
type issuer struct {
	*httptest.Server
	t testing.TB

	mu    sync.Mutex
	keys  map[string]*rsa.PrivateKey
	kid   string // of the key that signs
	codes map[string]url.Values
	// token may change a token before it is signed, by "alg" in the head too.
	token func(head, claims map[string]any)
	// answer may change a redirect back.
	answer func(url.Values)
	// before may answer a request otherwise, and says whether it did.
	before func(http.ResponseWriter, *http.Request) bool
	now    func() time.Time
	asked  map[string]int
}

const clientSecret = "a-secret-of-the-client"

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t, keys: map[string]*rsa.PrivateKey{}, codes: map[string]url.Values{}, now: time.Now, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discover)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.exchange)
	mux.HandleFunc("GET /keys", i.jwks)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked[r.URL.Path]++
		if i.before == nil || !i.before(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(i.Close)
	i.rotate("one")
	return i
}

var testKeys = sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
	for n := range keys {
		keys[n], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return keys
})

// rotate signs by another key, and publishes only that one.
func (i *issuer) rotate(kid string) {
	i.kid, i.keys = kid, map[string]*rsa.PrivateKey{kid: testKeys()[len(kid)%3]}
}

func (i *issuer) discover(w http.ResponseWriter, _ *http.Request) {
	i.json(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}})
}

func (i *issuer) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

func (i *issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	var keys []map[string]string
	for kid, k := range i.keys {
		keys = append(keys, map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": encode(k.N.Bytes()), "e": encode(big.NewInt(int64(k.E)).Bytes())})
	}
	i.json(w, map[string]any{"keys": keys})
}

// authorize keeps to RFC 6749 and 7636: it leads back to the one address alone.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "domctl" || q.Get("redirect_uri") != "https://page.example/signed-in" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("nonce")) < 43 || len(q.Get("state")) < 43 {
		http.Error(w, "refused", http.StatusBadRequest)
		return
	}
	code := "code-" + strconv.Itoa(len(i.codes))
	i.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	if i.answer != nil {
		i.answer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (i *issuer) exchange(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	q, ok := i.codes[r.PostFormValue("code")]
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != "domctl" || secret != clientSecret || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") || encode(challenge[:]) != q.Get("code_challenge") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		i.json(w, map[string]any{"error": "invalid_grant", "error_description": secret})
		return
	}
	delete(i.codes, r.PostFormValue("code"))
	i.json(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3600, "id_token": i.sign(q.Get("nonce"))})
}

func (i *issuer) sign(nonce string) string {
	now := i.now()
	head := map[string]any{"alg": "RS256", "kid": i.kid}
	claims := map[string]any{"iss": i.URL, "aud": "domctl", "sub": "17", "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": "Ann", "email": "ann@acme.example", "groups": []string{"ops", "dev", "others"}}
	if i.token != nil {
		i.token(head, claims)
	}
	text := part(i.t, head) + "." + part(i.t, claims)
	switch head["alg"] {
	case "none":
		return text + "."
	case "HS256":
		m := hmac.New(sha256.New, []byte(clientSecret))
		m.Write([]byte(text))
		return text + "." + encode(m.Sum(nil))
	}
	sum := sha256.Sum256([]byte(text))
	key := i.keys[i.kid]
	if head["forged"] != nil {
		key = testKeys()[1]
	}
	b, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return text + "." + encode(b)
}

func part(t testing.TB, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return encode(b)
}
