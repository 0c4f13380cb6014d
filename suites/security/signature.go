package security

import (
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// encryptionKey is the server's published key for request objects; without one encryption is not offered.
func encryptionKey(j *journey) jose.Key {
	if _, offered := j.party.Server.Document["request_object_encryption_alg_values_supported"]; !offered {
		j.Skip("the server does not offer encrypted request objects")
	}
	set, err := j.party.ServerKeys(j.Context(), j.party.Server)
	j.Given("the server's keys", err)
	key, ok := set.ForUse("enc")
	j.Expect(ok, "encryption key in the key set").To(expect.Equal(true))
	return key
}

// signatureChecks are about how the request object is signed and encrypted.
func signatureChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-025", Name: "par/rejects-weak-alg", Title: "A request object signed RS256 is refused",
			Rules: rules("AS-REQ-01/ps256", "CRYPT-01"), Official: official("ensure-signed-request-object-with-RS256-fails"),
			Why: "The profile allows PS256 alone.", Causes: causes("every algorithm of the library accepted"),
			Body: refused(alg("RS256"), signatureErrors...),
		},
		{
			ID: "SOP-026", Name: "par/rejects-alg-none", Title: "An unsigned request object is refused",
			Rules: rules("AS-REQ-01/not-unsigned"), Official: official("ensure-request-object-signature-algorithm-is-not-none"),
			Why: "Anybody can write one.", Causes: causes("alg taken from the header"),
			Body: refused(alg("none"), signatureErrors...),
		},
		{
			ID: "SOP-027", Name: "par/rejects-broken-signature", Title: "A request object whose signature does not verify is refused",
			Rules: rules("AS-REQ-01/signature"), Official: official("ensure-request-object-with-invalid-signature-fails"),
			Why: "It was changed after it was signed.", Causes: causes("claims read before the signature is checked, and used"),
			Body: refused(func(_ *journey, p *tpp.Push) { p.BreakSignature() }, signatureErrors...),
		},
		{
			ID: "SOP-028", Name: "par/rejects-foreign-signature", Title: "A request object signed by another client is refused", Needs: twoClients,
			Rules: rules("AS-REQ-01/client-key"), Official: official("ensure-matching-key-in-authorization-request"),
			Why: "Another participant of the directory is still somebody else.", Causes: causes("keys looked up in the whole directory instead of the client's set"),
			Body: refused(func(j *journey, p *tpp.Push) { p.SignedBy(j.Party(1).Config().Signing) }, signatureErrors...),
		},
		{
			ID: "SOX-016", Name: "par/requires-signed-object", Title: "Parameters pushed without a signed object are refused",
			Rules: rules("AS-REQ-01/has-request"),
			Why:   "Every parameter of the profile is signed.", Causes: causes("plain OAuth parameters accepted beside request objects"),
			Body: refused(func(_ *journey, p *tpp.Push) { p.Unsigned() }),
		},
		{
			ID: "SOX-017", Name: "par/accepts-encrypted-object", Title: "An encrypted request object is accepted with the algorithms of the profile, refused with others",
			Rules: rules("AS-REQ-17/algorithms", "AS-REQ-17/known-key", "CRYPT-02"),
			Why:   "A client may encrypt what it asks, and only strong encryption is worth the name.", Causes: causes("no decryption key published", "every algorithm of the library accepted"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				key := encryptionKey(j)
				stranger := key
				stranger.ID = "a-key-that-nobody-published"
				b.Step("encrypted for another key, RSA1_5, A128GCM")
				j.refuses(j.request().Encrypted(stranger))
				j.refuses(j.request().EncryptedAs("RSA1_5", jose.A256GCM, key))
				j.refuses(j.request().EncryptedAs(jose.RSAOAEP, "A128GCM", key))
				b.Step("RSA-OAEP and A256GCM")
				j.code(func(p *tpp.Push) { p.Encrypted(key) })
			},
		},
	}
}
