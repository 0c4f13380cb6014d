package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// keyBits is the size that the certificate standard asks for (CERT-01).
const keyBits = 2048

// stock makes a known number of keys ahead on all cores. Its workers start with the first draw and end
// by themselves when the number is reached.
type stock struct {
	size  int
	start sync.Once
	left  atomic.Int64
	made  chan drawn
}

type drawn struct {
	key *rsa.PrivateKey
	err error
}

func newStock(n int) *stock {
	s := &stock{size: max(n, 0), made: make(chan drawn, max(n, 0))}
	s.left.Store(int64(s.size))
	return s
}

func (s *stock) fill() {
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), s.size) {
		go func() {
			for next.Add(1) <= int64(s.size) {
				key, err := generate(keyBits)
				s.made <- drawn{key, err} // never blocks: the channel holds them all
			}
		}()
	}
}

// draw returns a key nobody else has.
func (s *stock) draw() (*rsa.PrivateKey, error) {
	s.start.Do(s.fill)
	if s.left.Add(-1) < 0 {
		return generate(keyBits)
	}
	d := <-s.made
	return d.key, d.err
}

func generate(bits int) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("generate RSA key: %w", err)
	}
	return key, nil
}
