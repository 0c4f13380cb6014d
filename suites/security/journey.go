package security

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// permissions open a customer's accounts and their balances.
var permissions = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}

// journey is a data consent on its way through the redirect, one step at a time.
type journey struct {
	*check.Bench
	party   *check.Party
	person  *check.Person
	consent *tpp.Consent
	robot   *psu.Robot

	push   *tpp.Push
	answer *tpp.Answer
}

// begin creates a consent of a customer of its own.
func begin(b *check.Bench, p *check.Party) *journey { return beginFor(b, p, b.Person()) }

func beginFor(b *check.Bench, p *check.Party, who *check.Person) *journey {
	return &journey{Bench: b, party: p, person: who, consent: p.Consent(who, permissions), robot: b.Robot(who)}
}

// request is the sound pushed request, to be bent.
func (j *journey) request() *tpp.Push { return j.party.Push(j.consent) }

// pushes sends a request that must be accepted.
func (j *journey) pushes(p *tpp.Push) *tpp.Push {
	x := p.Send(j.Context())
	j.Expect(x, "pushed request").To(expect.Status(201))
	j.Expect(p.RequestURI, "request_uri").About(x).To(expect.Something())
	j.push = p
	return p
}

// comes sends the customer through the pages and expects a code at the redirect URI.
func (j *journey) comes() *tpp.Answer {
	a, err := j.push.Visit(j.Context(), j.robot)
	j.Given("a customer who comes back", err)
	j.answer = a
	if a.Code == "" {
		j.Fail("an authorization code", fmt.Sprintf("error %q (%s)", a.Error, a.Description))
	}
	return a
}

// code pushes the sound request and brings back a code.
func (j *journey) code(edits ...func(*tpp.Push)) *tpp.Answer {
	p := j.request()
	for _, edit := range edits {
		edit(p)
	}
	j.pushes(p)
	return j.comes()
}

// redemption is the sound token request for the code, to be bent.
func (j *journey) redemption() *tpp.TokenRequest {
	return j.party.RedeemRequest(j.party.Server, j.push, j.answer.Code)
}

// tokens goes all the way to the token answer.
func (j *journey) tokens(edits ...func(*tpp.Push)) *tpp.Exchange {
	j.code(edits...)
	x := j.redemption().Send(j.Context())
	j.Expect(x, "redeemed code").To(expect.Status(200))
	j.Expect(x).To(expect.JSON("access_token", expect.Something()))
	return x
}

// refreshToken goes all the way to a refresh token.
func (j *journey) refreshToken() string {
	x := j.tokens()
	j.Expect(x).To(expect.JSON("refresh_token", expect.Something()))
	return expect.Text(x, "refresh_token")
}

// reads calls for the accounts with an access token.
func (j *journey) reads(accessToken string) *tpp.APICall {
	return j.party.Call("accounts.list", nil).Token(accessToken).About(j.consent.ID)
}

// status reads the consent as it is now.
func (j *journey) status() string {
	x, err := j.party.ReadConsent(j.Context(), j.consent)
	j.Given("the consent to be read", err)
	return expect.Text(x, "data.status")
}

// Error codes that fit a fault of the request, whatever else it is.
var objectErrors = []string{"invalid_request_object", "invalid_request"}

// refuses expects that a bent request leads to no authorization: refused when pushed, with one of the
// codes, or at the authorization endpoint.
func (j *journey) refuses(p *tpp.Push, codes ...string) {
	x := p.Send(j.Context())
	if x.Err != nil || x.Status != 201 {
		j.Expect(x, "bent request").To(expect.OAuthErrorStatus([]int{400, 401, 403}, append(codes, objectErrors...)...))
		return
	}
	j.Step("accepted when pushed; the customer arrives")
	j.Expect(j.arrives(p.Authorize().URL()), "bent request").About(x).To(refusedOnArrival())
}

// refusesPush expects that a bent request is refused when it is pushed.
func (j *journey) refusesPush(p *tpp.Push, codes ...string) {
	j.Expect(p.Send(j.Context()), "bent request").To(expect.OAuthErrorStatus([]int{400, 401, 403}, append(codes, objectErrors...)...))
}

// arrival is how a visit ended.
type arrival struct {
	redirect *url.URL
	answer   *tpp.Answer
	err      error
}

// arrives sends the customer to any address.
func (j *journey) arrives(address string) arrival {
	redirect, err := j.robot.Visit(j.Context(), address)
	if check.Unreachable(err) {
		j.Given("the authorization endpoint", err)
	}
	return arrival{redirect, tpp.ReadAnswer(redirect), err}
}

// String says how it ended.
func (a arrival) String() string {
	var stopped *psu.Stopped
	switch {
	case errors.As(a.err, &stopped):
		return fmt.Sprintf("a page with status %d", stopped.Page.Status)
	case a.err != nil:
		return a.err.Error()
	case a.answer.Code != "":
		return "an authorization code"
	case a.answer.Error != "":
		return "error " + a.answer.Error + " at the redirect URI"
	}
	return "a redirect without code or error"
}

// refusedOnArrival expects an error page of the bank, or an error at the redirect URI; no code, no token.
func refusedOnArrival(codes ...string) expect.Matcher {
	expected := "no authorization: an error page, or an error at the redirect URI"
	return expect.That(expected, func(actual any) (string, bool) {
		a, ok := actual.(arrival)
		if !ok {
			return "no arrival", false
		}
		var stopped *psu.Stopped
		if errors.As(a.err, &stopped) {
			return a.String(), stopped.Page.Status < 500
		}
		if a.err != nil || a.answer.Error == "" || a.answer.Code != "" || a.answer.IDToken != "" || a.answer.Params.Has("access_token") {
			return a.String(), false
		}
		for _, c := range codes {
			if c == a.answer.Error {
				return a.String(), true
			}
		}
		return a.String(), len(codes) == 0
	})
}

// stoppedOnPage expects an error page of the bank and no redirect at all.
func stoppedOnPage() expect.Matcher {
	return expect.That("an error page of the bank, and no redirect", func(actual any) (string, bool) {
		a, ok := actual.(arrival)
		if !ok {
			return "no arrival", false
		}
		var stopped *psu.Stopped
		return a.String(), errors.As(a.err, &stopped) && stopped.Page.Status < 500
	})
}

// opens says whether an address still leads to the login. The customer leaves there: nothing is used up.
func (j *journey) opens(address string) bool {
	visitor := *j.robot
	visitor.LeaveAtLogin = true
	_, err := visitor.Visit(j.Context(), address)
	if check.Unreachable(err) {
		j.Given("the authorization endpoint", err)
	}
	return errors.Is(err, psu.ErrAbandoned)
}

// text reads a text member of an answer.
func text(x *tpp.Exchange, member string) string { return expect.Text(x, member) }

// scope replaces the words of a request's scope.
func scope(words ...string) func(*tpp.Push) {
	return func(p *tpp.Push) { p.Set("scope", strings.Join(words, " ")) }
}
