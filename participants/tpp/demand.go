package tpp

import (
	"fmt"
	"slices"
)

// Demand is one thing that a sound client asks of a message, and that a saboteur can be told to ignore.
type Demand struct {
	ID       string // requirement id of the profile, and a slug
	Sentence string
}

// Demands lists everything this client demands, each of which [Config.Ignore] can name.
func Demands() []Demand { return slices.Clone(demands) }

var demands = []Demand{
	{"TPP-01/issuer-matches", "the discovery document's issuer is the address it was fetched from"},
	{"TPP-01/endpoints-present", "the endpoints the journey needs are announced, over https"},
	{"TPP-01/par-announced", "pushed requests are announced as required"},
	{"TPP-01/private-key-jwt", "private_key_jwt is announced"},
	{"TPP-02/fresh-jti", "every assertion and message has its own jti"},
	{"TPP-02/pkce", "the request carries a PKCE challenge"},
	{"TPP-03/essential-acr", "the request asks acr as an essential claim"},
	{"TPP-04/sends-interaction-id", "every call carries x-fapi-interaction-id"},
	{"TPP-04/fresh-interaction-id", "every call has an interaction id of its own"},
	{"TPP-04/echo-matches", "the answer echoes the interaction id of the request"},
	{"TPP-06/encrypted", "the id_token is encrypted with RSA-OAEP and A256GCM to the client's key"},
	{"TPP-06/no-key-headers", "the id_token's headers carry no keys or addresses of keys"},
	{"TPP-07/fragment", "the answer comes in the fragment"},
	{"TPP-07/state", "the state is the one sent"},
	{"TPP-07/signature", "the id_token is signed PS256 by a key of the server's set"},
	{"TPP-07/issuer", "iss is the server's issuer"},
	{"TPP-07/audience", "aud is the client alone"},
	{"TPP-07/authorised-party", "azp, when present, is the client"},
	{"TPP-07/not-expired", "exp has not passed"},
	{"TPP-07/fresh", "iat is recent and not in the future"},
	{"TPP-07/subject", "sub is present, and the same at both endpoints"},
	{"TPP-07/nonce", "nonce is the one sent"},
	{"TPP-07/c-hash", "c_hash fits the code"},
	{"TPP-07/s-hash", "s_hash fits the state"},
	{"TPP-07/at-hash", "at_hash, when present, fits the access token"},
	{"TPP-07/acr", "acr is loa2 or loa3"},
	{"TPP-07/token-type", "the token is a Bearer token"},
	{"TPP-10/signed", "answers of signed APIs are signed PS256 with a key of the institution in the directory"},
	{"TPP-10/issuer", "a signed answer's iss is the institution"},
	{"TPP-10/audience", "a signed answer's aud is the client's organisation"},
	{"TPP-10/fresh", "a signed answer's iat is within a minute"},
	{"TPP-10/jti", "a signed answer has a jti not seen before"},
	{"TPP-05/same-refresh-token", "a refresh does not bring another refresh token"},
}

// Refusal is the answer of a sound client to a message it must not accept.
type Refusal struct {
	Demand  string // id of the demand not met
	Subject string // what was examined: "id_token", "discovery", …
	Detail  string
}

// Error names the demand and what was found.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s refused (%s): %s", r.Subject, r.Demand, r.Detail)
}

func (c *Client) ignores(demand string) bool { return c.ignore[demand] }

// ledger collects the first demand not met.
type ledger struct {
	client  *Client
	subject string
	err     error
}

// demand notes a refusal unless met, already refused, or ignored by this client.
func (l *ledger) demand(id string, met bool, format string, args ...any) {
	if met || l.err != nil || l.client.ignores(id) {
		return
	}
	l.err = &Refusal{Demand: id, Subject: l.subject, Detail: fmt.Sprintf(format, args...)}
}
