package as

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// grantID names a grant.
type grantID [16]byte

// sealed is what an access token holds. From outside it is a nonce and noise (AS-TOK-05): it names the
// grant, and whether that lives is looked up on every use.
type sealed struct {
	nonce   [12]byte // also the token's own id
	expires int64    // Unix milliseconds
	grant   grantID  // zero for client credentials
	thumb   [sha256.Size]byte
	scopes  uint64
	client  string
}

// maxSealed bounds a token in base64; a longer one is none of ours.
const maxSealed = 512

var errSealed = errors.New("not a token of this server")

// sealer seals and opens access tokens with AES-256-GCM.
type sealer struct{ aead cipher.AEAD }

// scopeTable is sealed in with every token: the bits of a token mean nothing under another table, so a
// release that reorders the scopes refuses the tokens of the one before instead of misreading them.
var scopeTable = func() []byte {
	sum := sha256.Sum256([]byte(strings.Join(staticScopes, " ")))
	return sum[:]
}()

func (s *sealer) use(key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("sealing key: %w", err)
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return fmt.Errorf("sealing key: %w", err)
	}
	return nil
}

const sealedHead = 8 + 16 + sha256.Size + 8

func (s *sealer) seal(t sealed) string {
	_, _ = rand.Read(t.nonce[:]) // never fails: the runtime stops the program first
	plain := make([]byte, 0, sealedHead+len(t.client))
	plain = binary.BigEndian.AppendUint64(plain, uint64(t.expires)) // a moment after 1970
	plain = append(plain, t.grant[:]...)
	plain = append(plain, t.thumb[:]...)
	plain = binary.BigEndian.AppendUint64(plain, t.scopes)
	plain = append(plain, t.client...)
	out := s.aead.Seal(append(make([]byte, 0, 12+len(plain)+16), t.nonce[:]...), t.nonce[:], plain, scopeTable)
	return base64.RawURLEncoding.EncodeToString(out)
}

// open fills t from a token.
func (s *sealer) open(token string, t *sealed) error {
	if len(token) > maxSealed || len(token) < base64.RawURLEncoding.EncodedLen(12+sealedHead+16) {
		return errSealed
	}
	var room [maxSealed]byte
	raw := room[:base64.RawURLEncoding.DecodedLen(len(token))]
	n, err := base64.RawURLEncoding.Decode(raw, []byte(token))
	if err != nil {
		return errSealed
	}
	copy(t.nonce[:], raw[:12])
	plain, err := s.aead.Open(raw[12:12], raw[:12], raw[12:n], scopeTable)
	if err != nil || len(plain) < sealedHead {
		return errSealed
	}
	t.expires = int64(binary.BigEndian.Uint64(plain)) // sealed by us
	copy(t.grant[:], plain[8:24])
	copy(t.thumb[:], plain[24:24+sha256.Size])
	t.scopes = binary.BigEndian.Uint64(plain[24+sha256.Size:])
	t.client = string(plain[sealedHead:])
	return nil
}

// thumbOf is x5t#S256 of a certificate; nil has none.
func thumbOf(c *x509.Certificate) (thumb [sha256.Size]byte) {
	if c != nil {
		thumb = sha256.Sum256(c.Raw)
	}
	return thumb
}

// scopeBit is the bit of a static scope.
func scopeBit(scope string) (uint64, bool) {
	for i, s := range staticScopes {
		if s == scope {
			return 1 << i, true
		}
	}
	return 0, false
}

func scopeMask(scopes []string) (mask uint64) {
	for _, s := range scopes {
		bit, _ := scopeBit(s)
		mask |= bit
	}
	return mask
}

func scopesOf(mask uint64) []string {
	all := make([]string, 0, bits.OnesCount64(mask)+1)
	for i, s := range staticScopes {
		if mask&(1<<i) != 0 {
			all = append(all, s)
		}
	}
	return all
}

// access makes an access token and says how many seconds it lives (AS-TOK-03).
func (s *Server) access(clientID string, g *grant, mask uint64, c *x509.Certificate, now time.Time) (token string, seconds int) {
	life := s.seams.Lifetime("access_token", accessLife)
	t := sealed{expires: now.Add(life).UnixMilli(), thumb: thumbOf(c), scopes: mask, client: clientID}
	if g != nil {
		t.grant = g.id
	}
	return s.sealer.seal(t), int(life / time.Second)
}

// accessLife is how long an access token lives: between 300 and 900 seconds.
const accessLife = 900 * time.Second
