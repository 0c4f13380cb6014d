package pki

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Identity is a certificate with its key. Chain begins with the certificate and ends below the root, as
// it is sent in a handshake (CERT-09).
type Identity struct {
	Certificate *x509.Certificate
	Chain       []*x509.Certificate
	Key         *rsa.PrivateKey
}

// TLS returns the identity as either end of a connection uses it.
func (i Identity) TLS() tls.Certificate {
	c := tls.Certificate{PrivateKey: i.Key, Leaf: i.Certificate}
	for _, cert := range i.Chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c
}

// CertPEM returns the chain in PEM, certificate first.
func (i Identity) CertPEM() []byte {
	var out []byte
	for _, c := range i.Chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// KeyPEM returns the private key in PEM (PKCS #8). It is a secret.
func (i Identity) KeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil // an RSA key always marshals; without a key there is nothing to write
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// parseIdentity reads a key followed by a chain of that length and holds them against each other.
func parseIdentity(text []byte, length int) (*Identity, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("want a private key first")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("private key: not RSA")
	}
	id := &Identity{Key: key}
	for block, rest = pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		id.Chain = append(id.Chain, cert)
	}
	if len(rest) > 0 || len(id.Chain) != length {
		return nil, errors.New("ends before its certificates do")
	}
	id.Certificate = id.Chain[0]
	if !key.PublicKey.Equal(id.Certificate.PublicKey) {
		return nil, errors.New("key and certificate do not belong together")
	}
	return id, nil
}
