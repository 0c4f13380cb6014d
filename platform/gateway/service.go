package gateway

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// public says whether the operation asks for neither certificate nor token.
func (x *exchange) public() bool { return x.Operation != nil && x.Operation.Grant == spec.Public }

// recognise learns who calls where nobody has to say so: calls of public operations, and calls that are
// turned away before they were proved. A certificate of nobody's is as good as none.
func (x *exchange) recognise(ctx context.Context) {
	if x.Operation == nil || x.Operation.API.OpenData || x.request.TLS == nil || len(x.request.TLS.PeerCertificates) == 0 {
		return
	}
	x.chain = x.request.TLS.PeerCertificates
	_ = x.judge(ctx)
}

// organisation is the caller's, "" when it is unknown or cannot be told.
func (x *exchange) organisation() string {
	org := ""
	switch {
	case x.Client != nil:
		org = x.Client.OrganisationID
	case x.Certificate != nil:
		org, _ = trust.CertificateIDs(x.Certificate)
	}
	if !plain(org) {
		return ""
	}
	return org
}

// address is the caller's IP address, "" when it is unknown.
func (x *exchange) address() string {
	host, _, err := net.SplitHostPort(x.request.RemoteAddr)
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return ""
	}
	return host
}

// guard asks whoever watches over the institution's service whether, and when, the call is answered.
func (x *exchange) guard(ctx context.Context) error {
	g := x.gateway
	if g.cfg.Guard == nil {
		return nil
	}
	refused, wait := g.cfg.Guard(x.Operation, x.started)
	if wait > 0 {
		if err := g.cfg.Clock.SleepUntil(ctx, x.started.Add(wait)); err != nil {
			return err
		}
	}
	if refused != nil {
		x.recognise(ctx)
		return refused
	}
	return nil
}

// bendService lets the call pass the service seam.
func (x *exchange) bendService(ctx context.Context) error {
	g := x.gateway
	v := &fault.Serve{Operation: x.Operation.ID, Class: string(x.Operation.Class), At: x.started, Number: g.bent.Add(1), Second: g.limit.pulse.in(x.started)}
	if x.Client != nil {
		v.Consents = g.cfg.Active(x.Client.ID)
	}
	g.cfg.Seams.Serve(v)
	if v.Delay > 0 {
		if err := g.cfg.Clock.Sleep(ctx, v.Delay); err != nil {
			return err
		}
	}
	switch v.Status {
	case 0:
		return nil
	case overloaded.Status:
		return overloaded
	case http.StatusServiceUnavailable:
		return unavailable
	case http.StatusGatewayTimeout:
		return timedOut
	}
	return call.Refuse(v.Status, "ERRO_INTERNO", "Erro interno", "Ocorreu um erro inesperado")
}
