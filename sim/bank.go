package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform"
	"github.com/ensaio/ensaio/platform/as"
	"github.com/ensaio/ensaio/platform/event"
	"github.com/ensaio/ensaio/platform/event/relay"
	"github.com/ensaio/ensaio/platform/gateway"
	reporter "github.com/ensaio/ensaio/platform/pcm"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// limits are those of the bank at the start. It is generous by the month, as the regulation allows: its
// quotas are minimums; and by the second, so that only an abuse meets that limit. The control port switches
// all of them.
var limits = gateway.Presets["generous"]

// openBank opens the reference institution: its records, its outbox, its servers and its reporter.
func (e *Ecosystem) openBank(ctx context.Context, at *places, c *control, source platform.Core) error {
	records, err := store.Open(ctx, e.records())
	if err != nil {
		return err
	}
	e.closing("records", records.Close)
	events, err := relay.Start(relay.Config{Store: records, Source: "urn:ensaio:bancoensaio", URL: e.options.Events, Dir: e.sub("events"), Log: e.log})
	if err != nil {
		return err
	}
	e.closing("events", events.Close)
	outbox, err := event.OpenOutbox(e.sub("outbox"))
	if err != nil {
		return err
	}
	e.closing("outbox", outbox.Close)
	messages, err := jose.FromCertificate(e.secrets.bankSeal.Key, "sig", e.secrets.bankSeal.Chain...)
	if err != nil {
		return err
	}
	var told platform.Outbox = outbox
	if e.options.Unreported {
		told = nil
	}
	bank, err := platform.New(ctx, platform.Config{
		Issuer: e.net.url(nameIssuer), MTLS: e.net.url(nameAuthTLS), API: e.net.url(nameAPI), Namespace: "bancoensaio",
		Organisation: as.Organisation{ID: e.cast.bank.id, Brand: e.cast.bank.name, ISPB: e.cast.bank.cnpj[:8]},
		IDTokens:     e.secrets.idToken, Encryption: e.secrets.requestObjects, Messages: messages,
		SSAIssuer: e.ssaIssuer, Keystore: e.directory.Keystore, Limits: limits, Brands: e.cast.brands(),
	}, platform.Ports{
		Clock: e.clock, Seed: e.options.Seed, Seams: e.board.Seams(), Roots: e.secrets.authority.Roots(),
		HTTP: e.net.client(e.secrets.authority.Roots()), Core: source, Store: records, Dir: e.sub("memory"), Outbox: told, Observe: e.answered(c), Log: e.log,
	})
	if err != nil {
		return err
	}
	e.closing("bank", bank.Close)
	e.forget = bank.AS.Forget
	api := hosts{nameIssuer: e.watch.of(roleAS, bank.Public()), nameAuthTLS: e.watch.of(roleAS, bank.MTLS()), nameAPI: e.watch.of(roleAPI, bank.API())}
	e.watch.figures.bank(bank)
	e.net.serveTLS(at.bank, e.secrets.bank, func(name string) bool { return name != nameIssuer }, e.shouting(api))
	c.mount("bank", bank.Control())

	dead, err := event.OpenOutbox(e.sub("dead-letters"))
	if err != nil {
		return err
	}
	e.closing("dead letters", dead.Close)
	clerk, err := reporter.Employ(ctx, reporter.Duties{Outbox: outbox, Store: records, Clock: e.clock, Organisation: bank.Organisation, Log: e.log,
		Stock: func(ends []time.Time) []spec.StockReport { return bank.Stock(e.cast.bank.id, ends) }})
	if err != nil {
		return err
	}
	e.closing("clerk", clerk.Close)
	r, err := reporter.New(reporter.Config{Outbox: outbox, Dead: dead, Before: clerk.Write, Clock: e.clock, Seed: e.options.Seed, Seams: e.board.Seams(),
		HTTP: e.net.client(e.secrets.authority.Roots(), e.secrets.bankTransport), API: e.net.url(namePCM),
		Token: e.net.url(namePCMAuth) + "/token/", ClientID: e.cast.bankSoftware, Log: e.log})
	if err != nil {
		return err
	}
	e.closing("reporter", r.Close)
	e.flush = r.Flush
	e.watch.figures.reporter(r)
	c.mount("reporter", reporting(r))
	return nil
}

// answered tells who wants to know of a call of the bank.
func (e *Ecosystem) answered(c *control) func(context.Context, gateway.Entry) {
	return func(ctx context.Context, x gateway.Entry) {
		e.watch.called(ctx, x)
		c.train.answered(x.Operation)
	}
}

func (e *Ecosystem) records() string {
	switch {
	case e.options.Database != "":
		return e.options.Database
	case e.options.Dir != "":
		return "sqlite:" + e.sub("bank.db")
	}
	return ""
}

// shouting tells every caller which defects are armed, unless a proof is under way in which no check may
// know.
func (e *Ecosystem) shouting(h http.Handler) http.Handler {
	if !e.options.Shout {
		return h
	}
	seams := e.board.Seams()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range seams.Armed() {
			w.Header().Add("X-Ofb-Simulator-Defect", name)
		}
		h.ServeHTTP(w, r)
	})
}

// reporting is the reporter's control surface: what waits and what came of it, and what an operator does.
func reporting(r *reporter.Reporter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, r.Stats()) })
	mux.HandleFunc("GET /dead", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, r.DeadLetters()) })
	mux.HandleFunc("GET /flaws", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, r.Flaws()) })
	mux.HandleFunc("POST /resend", func(w http.ResponseWriter, q *http.Request) {
		n, err := r.Resend(q.Context())
		if err != nil {
			say(w, http.StatusBadGateway, map[string]any{"resent": n, "error": err.Error()})
			return
		}
		say(w, http.StatusOK, map[string]int{"resent": n})
	})
	mux.HandleFunc("POST /amend/{report}", func(w http.ResponseWriter, q *http.Request) {
		var to reporter.Amendment
		if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, 4096)).Decode(&to); err != nil {
			say(w, http.StatusBadRequest, map[string]string{"error": "the body is no amendment: " + err.Error()})
			return
		}
		if err := r.Amend(q.Context(), q.PathValue("report"), to); err != nil {
			say(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /flush", func(w http.ResponseWriter, q *http.Request) {
		if err := r.Flush(q.Context()); err != nil {
			say(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		say(w, http.StatusOK, r.Stats())
	})
	return mux
}

// hosts sends a request to the handler of the name it was addressed to. That name must also be the one of
// the handshake, which decided whether a client certificate was asked for.
type hosts map[string]http.Handler

func (h hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.Host, ":")
	to := h[strings.ToLower(name)]
	if to == nil || r.TLS == nil || !strings.EqualFold(r.TLS.ServerName, name) {
		http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		return
	}
	to.ServeHTTP(w, r)
}
