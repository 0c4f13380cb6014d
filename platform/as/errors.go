package as

import (
	"errors"
	"net/http"

	"github.com/ensaio/ensaio/sim/rule"
)

// Error is a refusal as RFC 6749 5.2, RFC 7591 3.2.2 and RFC 9126 2.3 write it. Its words are fixed
// sentences: nothing of the request or of the server is in them.
type Error struct {
	Status int    `json:"-"`
	Code   string `json:"error"`
	Detail string `json:"error_description,omitempty"`
}

// Error makes it an error.
func (e *Error) Error() string { return e.Code + ": " + e.Detail }

func invalidRequest(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_request", detail}
}
func invalidObject(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_request_object", detail}
}
func invalidScope(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_scope", detail}
}
func invalidGrant(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_grant", detail}
}
func invalidClient(detail string) *Error {
	return &Error{http.StatusUnauthorized, "invalid_client", detail}
}
func invalidToken(detail string) *Error {
	return &Error{http.StatusUnauthorized, "invalid_token", detail}
}
func invalidMetadata(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_client_metadata", detail}
}
func invalidRedirect(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_redirect_uri", detail}
}
func invalidStatement(detail string) *Error {
	return &Error{http.StatusBadRequest, "invalid_software_statement", detail}
}
func unapproved(detail string) *Error {
	return &Error{http.StatusBadRequest, "unapproved_software_statement", detail}
}

var (
	errServer = &Error{http.StatusInternalServerError, "server_error", "the request could not be completed"}
	errBusy   = &Error{http.StatusServiceUnavailable, "temporarily_unavailable", "try again later"}
	errFull   = &Error{529, "temporarily_unavailable", "too many requests in this second"}
	errMethod = &Error{http.StatusMethodNotAllowed, "invalid_request", "method not allowed"}
	errPath   = &Error{http.StatusNotFound, "invalid_request", "no such endpoint"}
)

// refusal is the error to answer for err: itself when it is one of ours, else one that tells nothing.
func refusal(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return errServer
}

// breached names the rule behind a refusal for the log, or "".
func breached(err error) string { return rule.Of(err) }
