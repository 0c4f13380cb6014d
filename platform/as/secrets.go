package as

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/ensaio/ensaio/platform/store"
)

const kindSecret = "as-secret"

type keptSecret struct {
	Secret []byte `json:"secret"`
}

// loadSecrets loads or makes the key that seals access tokens and the one behind subjects, so that both
// outlive a restart.
func (s *Server) loadSecrets(ctx context.Context) error {
	found := map[string][]byte{}
	err := s.cfg.Store.Each(ctx, kindSecret, func(r store.Record) error {
		var k keptSecret
		if err := json.Unmarshal(r.Body, &k); err != nil || len(k.Secret) != 32 {
			return fmt.Errorf("secret %s: damaged", r.ID)
		}
		found[r.ID] = k.Secret
		return nil
	})
	if err != nil {
		return fmt.Errorf("load secrets: %w", err)
	}
	for _, name := range []string{"sealing", "subject"} {
		if found[name] != nil {
			continue
		}
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh) // never fails: the runtime stops the program first
		if err := s.cfg.Store.Commit(ctx, store.Put(kindSecret, name, keptSecret{fresh})); err != nil {
			return fmt.Errorf("keep secret %s: %w", name, err)
		}
		found[name] = fresh
	}
	s.subject = found["subject"]
	return s.sealer.use(found["sealing"])
}

// subjectOf is the sub of a customer: stable, the same for every client and consent, and not to be
// turned back (AS-IDT-08, AS-IDT-09).
func (s *Server) subjectOf(customer string) string {
	m := hmac.New(sha256.New, s.subject)
	m.Write([]byte(customer))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:24])
}
