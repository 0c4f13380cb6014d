package tpp

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The record types of TLS 1.2 that matter here.
const (
	recordCipherChange = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordHeader       = 5
	helloDone          = 14
)

// ErrNoTLS12 says that a server cannot be asked to renegotiate, since it does not speak TLS 1.2.
var ErrNoTLS12 = errors.New("the server does not speak TLS 1.2 with a suite of the profile")

// Renegotiates says whether the server takes up a second handshake inside a connection (TLS-02). The
// library's client never asks for one; so after its handshake a ClientHello is written under the keys of
// the connection by hand, bound to it as RFC 5746 demands. Silence and a closed connection are a refusal.
func (p *Probe) Renegotiates(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, p.client.cfg.Timeout)
	defer cancel()
	raw, err := p.client.dial(ctx, "tcp", p.host)
	if err != nil {
		return false, err
	}
	defer func() { _ = raw.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(deadline)
	}
	tap := &tapped{Conn: raw}
	var log bytes.Buffer
	t := p.client.tls(p.cert)
	t.ServerName = (&url.URL{Host: p.host}).Hostname()
	t.MinVersion, t.MaxVersion, t.KeyLogWriter = tls.VersionTLS12, tls.VersionTLS12, &log
	conn := tls.Client(tap, t)
	if err := conn.HandshakeContext(ctx); err != nil {
		if strings.Contains(err.Error(), "remote error") {
			return false, ErrNoTLS12
		}
		return false, err
	}
	record, err := tap.secondHello(conn.ConnectionState().CipherSuite, t.ServerName, log.String())
	if err != nil {
		return false, err
	}
	if _, err := raw.Write(record); err != nil {
		return false, nil //nolint:nilerr // closed on us: a refusal
	}
	patience, done := context.WithTimeout(ctx, 2*time.Second)
	defer done()
	context.AfterFunc(patience, func() { _ = raw.Close() })
	for {
		head := make([]byte, recordHeader)
		if _, err := io.ReadFull(raw, head); err != nil {
			return false, nil //nolint:nilerr // silence, or closed on us: a refusal
		}
		switch head[0] {
		case recordHandshake:
			return true, nil
		case recordAlert:
			return false, nil
		}
		if _, err := io.CopyN(io.Discard, raw, int64(binary.BigEndian.Uint16(head[3:]))); err != nil {
			return false, nil //nolint:nilerr // closed on us: a refusal
		}
	}
}

// tapped keeps what passes through a connection.
type tapped struct {
	net.Conn
	mu        sync.Mutex
	sent, got bytes.Buffer
}

func (t *tapped) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent.Write(b[:n])
	return n, err
}

func (t *tapped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got.Write(b[:n])
	return n, err
}

// handshakes lists the handshake messages of one direction that went unencrypted, whole.
func handshakes(stream []byte) [][]byte {
	var plain []byte
	for len(stream) >= recordHeader && stream[0] != recordCipherChange {
		n := recordHeader + int(binary.BigEndian.Uint16(stream[3:]))
		if len(stream) < n {
			break
		}
		if stream[0] == recordHandshake {
			plain = append(plain, stream[recordHeader:n]...)
		}
		stream = stream[n:]
	}
	var all [][]byte
	for len(plain) >= 4 {
		n := 4 + (int(plain[1])<<16 | int(plain[2])<<8 | int(plain[3]))
		if len(plain) < n {
			break
		}
		all, plain = append(all, plain[:n]), plain[n:]
	}
	return all
}

// secondHello makes the encrypted record of a further ClientHello.
func (t *tapped) secondHello(suite uint16, name, keyLog string) ([]byte, error) {
	t.mu.Lock()
	mine, theirs := handshakes(t.sent.Bytes()), handshakes(t.got.Bytes())
	t.mu.Unlock()
	fields := strings.Fields(keyLog)
	if len(mine) < 2 || len(theirs) < 2 || len(mine[0]) < 38 || len(theirs[0]) < 38 || len(fields) != 3 || fields[0] != "CLIENT_RANDOM" {
		return nil, errors.New("renegotiate: the handshake cannot be followed")
	}
	master, err := hex.DecodeString(fields[2])
	if err != nil {
		return nil, fmt.Errorf("renegotiate: %w", err)
	}
	newHash, keySize := sha256.New, 16
	if suite == tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 {
		newHash, keySize = sha512.New384, 32
	}
	transcript := newHash()
	transcript.Write(mine[0])
	for _, m := range theirs {
		transcript.Write(m)
		if m[0] == helloDone {
			break
		}
	}
	for _, m := range mine[1:] {
		transcript.Write(m)
	}
	proof := prf(newHash, master, "client finished", transcript.Sum(nil), 12)
	keys := prf(newHash, master, "key expansion", append(append([]byte{}, theirs[0][6:38]...), mine[0][6:38]...), 2*keySize+8)
	return sealRecord(keys[:keySize], keys[2*keySize:2*keySize+4], clientHello(suite, name, proof))
}

// sealRecord encrypts a handshake record, the second that this side sends under the keys.
func sealRecord(key, salt, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("renegotiate: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("renegotiate: %w", err)
	}
	sequence := []byte{0, 0, 0, 0, 0, 0, 0, 1}
	about := binary.BigEndian.AppendUint16(append(append([]byte{}, sequence...), recordHandshake, 3, 3), uint16(len(plain))) // a few hundred bytes
	sealed := aead.Seal(nil, append(append([]byte{}, salt...), sequence...), plain, about)
	out := binary.BigEndian.AppendUint16([]byte{recordHandshake, 3, 3}, uint16(len(sequence)+len(sealed))) // a few hundred bytes
	return append(append(out, sequence...), sealed...), nil
}

// clientHello makes a ClientHello of one suite that continues a connection.
func clientHello(suite uint16, name string, proof []byte) []byte {
	sized := func(width int, b []byte) []byte {
		n := binary.BigEndian.AppendUint32(nil, uint32(len(b))) // a few hundred bytes
		return append(n[4-width:], b...)
	}
	extension := func(kind uint16, body []byte) []byte {
		return append(binary.BigEndian.AppendUint16(nil, kind), sized(2, body)...)
	}
	var extensions []byte
	for _, e := range [][]byte{
		extension(0, sized(2, append([]byte{0}, sized(2, []byte(name))...))),
		extension(10, sized(2, []byte{0, 29, 0, 23})),
		extension(11, []byte{1, 0}),
		extension(13, sized(2, []byte{8, 4, 8, 5, 4, 1, 5, 1})),
		extension(23, nil), // extended master secret, as in the first hello
		extension(0xff01, sized(1, proof)),
	} {
		extensions = append(extensions, e...)
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails since Go 1.24
	body := append([]byte{3, 3}, random...)
	body = append(body, 0)
	body = append(body, sized(2, binary.BigEndian.AppendUint16(nil, suite))...)
	body = append(body, 1, 0)
	body = append(body, sized(2, extensions)...)
	return append([]byte{1}, sized(3, body)...)
}

// prf is the pseudorandom function of TLS 1.2 (RFC 5246 5).
func prf(newHash func() hash.Hash, secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(newHash, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var out []byte
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}
