package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"
)

// keyLife is how long a pagination key is good (operational limits page).
const keyLife = 60 * time.Minute

const keyMark = 16

// pager makes pagination keys: an expiry and a mark that binds it to the client, the consent, the path
// and the filters. The secret is the process's own: after a restart a key is simply no longer valid, which
// the standard allows.
//
// Keying a hash anew cost an eighth of a list's way through the gateway, so keyed hashes are used again.
type pager struct{ keyed *sync.Pool }

func newPager() (pager, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return pager{}, fmt.Errorf("pagination secret: %w", err)
	}
	return pager{&sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}, nil
}

// key returns the call's own pagination key and true when it is valid, else a new one and false.
func (p pager) key(x *exchange) (string, bool) {
	if sent := x.Query("pagination-key"); sent != "" {
		raw, err := base64.RawURLEncoding.DecodeString(sent)
		if err == nil && len(raw) == 8+keyMark && hmac.Equal(raw[8:], p.mark(x, raw[:8])) &&
			x.Now.Unix() < int64(binary.BigEndian.Uint64(raw)) {
			return sent, true
		}
	}
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+keyMark), uint64(x.Now.Add(keyLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, p.mark(x, raw)...)), false
}

func (p pager) mark(x *exchange, expiry []byte) []byte {
	h, _ := p.keyed.Get().(hash.Hash)
	defer p.keyed.Put(h)
	h.Reset()
	h.Write(expiry)
	filters := x.Filters()
	parts := []string{x.Client.ID, x.Token.ConsentID, x.request.URL.Path}
	if len(filters) > 0 {
		names := make([]string, 0, len(filters))
		for name := range filters {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			parts = append(parts, name, filters[name])
		}
	}
	for _, s := range parts {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return h.Sum(nil)[:keyMark]
}
