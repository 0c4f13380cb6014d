package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// API answers the operations of the consents API over an engine.
type API struct {
	engine  *Engine
	seams   *fault.Seams
	offered func(api string) bool
	find    Find
}

// Find looks a person up by CPF: nil when known, [connector.ErrUnknown] when surely not.
type Find func(ctx context.Context, cpf string) error

// NewAPI makes the consents API. offered tells which APIs the institution serves, by registry name; nil
// means all of the registry. find, when given, is asked for the dropReason of the metrics report and for
// nothing else: the answer never depends on it.
func NewAPI(e *Engine, offered func(api string) bool, find Find) *API {
	if offered == nil {
		all := map[string]bool{}
		for _, a := range spec.APIs() {
			all[a.Name] = true
		}
		offered = func(api string) bool { return all[api] }
	}
	return &API{engine: e, seams: e.seams, offered: offered, find: find}
}

// Handle answers one call of the consents API.
func (a *API) Handle(ctx context.Context, c *call.Call) (*call.Answer, error) {
	_, verb, _ := strings.Cut(c.Operation.ID, ".")
	if verb == "create" {
		return a.create(ctx, c)
	}
	found, ok := a.engine.Get(c.Params["consentId"])
	if !ok || found.Kind != Data {
		return nil, call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Consentimento não encontrado", "O consentimento informado não existe")
	}
	switch verb {
	case "read":
		return a.read(ctx, c, found)
	case "delete":
		return a.remove(ctx, c, found)
	case "extend":
		return a.extend(ctx, c, found)
	case "extensions":
		return a.extensions(ctx, c, found)
	}
	return nil, fmt.Errorf("consents: operation %s has no handler", c.Operation.ID)
}

func refuse(status int, code, title, detail string) error {
	return call.Refuse(status, code, title, detail)
}

func malformed(detail string) error {
	return refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", detail)
}

// parse reads the body. Members of no meaning to us are ignored.
func parse(c *call.Call) (request, error) {
	var body struct {
		Data *wireRequest `json:"data"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil || body.Data == nil {
		return request{}, malformed("O corpo não é um pedido de consentimento em JSON")
	}
	r := request{wire: body.Data, call: c, now: second(c.Now)}
	if at, err := time.Parse(call.TimeLayout, body.Data.Expires); err == nil {
		r.expires = &at
	}
	return r, nil
}

func (a *API) create(ctx context.Context, c *call.Call) (*call.Answer, error) {
	r, err := parse(c)
	if err != nil {
		return nil, err
	}
	if len(r.wire.Permissions) == 0 {
		return nil, malformed("permissions deve conter ao menos uma permissão")
	}
	r.grant(a.offered)
	if err := personRules.Check(ctx, a.seams, r); err != nil {
		return nil, err
	}
	if err := requestRules.Check(ctx, a.seams, r); err != nil {
		return nil, err
	}
	made, err := a.engine.Create(ctx, Consent{
		Kind: Data, ClientID: c.Client.ID, CPF: r.cpf(), CNPJ: r.cnpj(), Permissions: r.granted, Expires: r.expires,
	})
	if err != nil {
		return nil, err
	}
	a.expect(ctx, c, made.CPF)
	return call.JSON(http.StatusCreated, view(c, made, made.Permissions)), nil
}

// expect reports whether the person can be expected to log in (metrics platform, dropReason).
func (a *API) expect(ctx context.Context, c *call.Call, cpf string) {
	if a.find == nil {
		return
	}
	reason := "NONE"
	switch err := a.find(ctx, cpf); {
	case errors.Is(err, connector.ErrUnknown):
		reason = "NO_CREDENTIAL"
	case err != nil:
		reason = "CREDENTIAL_UNAVAILABLE"
	}
	if c.Report == nil {
		c.Report = map[string]string{}
	}
	c.Report["dropReason"] = reason
}

func (a *API) read(ctx context.Context, c *call.Call, found *Consent) (*call.Answer, error) {
	if err := ownerRules["read"].Check(ctx, a.seams, owned{c, found}); err != nil {
		return nil, err
	}
	v := view(c, found, found.Permissions)
	if r := found.Rejection; r != nil && found.Status == Rejected {
		v.Data.Rejection = &wireRejection{By: r.By}
		v.Data.Rejection.Reason.Code = r.Code
		v.Data.Rejection.Reason.Detail = r.Detail
	}
	return call.JSON(http.StatusOK, v), nil
}

func (a *API) remove(ctx context.Context, c *call.Call, found *Consent) (*call.Answer, error) {
	if err := ownerRules["delete"].Check(ctx, a.seams, owned{c, found}); err != nil {
		return nil, err
	}
	_, err := a.engine.Reject(ctx, found.ID, Rejection{By: "USER"}, "client:"+c.Client.ID, "api")
	if errors.Is(err, ErrState) {
		return nil, refuse(http.StatusUnprocessableEntity, "CONSENTIMENTO_EM_STATUS_REJEITADO", "Consentimento em status rejeitado", "O consentimento já está rejeitado")
	}
	if err != nil {
		return nil, err
	}
	return &call.Answer{Status: http.StatusNoContent}, nil
}

func (a *API) extend(ctx context.Context, c *call.Call, found *Consent) (*call.Answer, error) {
	r, err := parse(c)
	if err != nil {
		return nil, err
	}
	r.consent = found
	if err := personRules.Check(ctx, a.seams, r); err != nil {
		return nil, err
	}
	if err := extenderRules.Check(ctx, a.seams, r); err != nil {
		return nil, err
	}
	if !a.engine.May(found, eventExtend, found.Status) {
		return nil, notExtendable
	}
	if err := extensionRules.Check(ctx, a.seams, r); err != nil {
		return nil, err
	}
	extended, err := a.engine.Extend(ctx, found.ID, Extension{
		Expires: r.expires, CPF: r.cpf(),
		IP: clip(c.Request.Header.Get("x-fapi-customer-ip-address"), maxIP), UserAgent: clip(c.Request.Header.Get("x-customer-user-agent"), maxAgent),
	})
	if errors.Is(err, ErrState) {
		return nil, notExtendable
	}
	if err != nil {
		return nil, err
	}
	// The definition's answer knows every permission but this one.
	known := slices.DeleteFunc(slices.Clone(extended.Permissions), func(p string) bool { return p == "EXCHANGES_READ" })
	return call.JSON(http.StatusCreated, view(c, extended, known)), nil
}

var notExtendable = refuse(http.StatusUnprocessableEntity, "ESTADO_CONSENTIMENTO_INVALIDO", "Estado inválido do consentimento", "O estado do consentimento não permite a renovação")

func (a *API) extensions(ctx context.Context, c *call.Call, found *Consent) (*call.Answer, error) {
	if err := ownerRules["extensions"].Check(ctx, a.seams, owned{c, found}); err != nil {
		return nil, err
	}
	page, err := c.Paging(ctx, a.seams)
	if err != nil {
		return nil, err
	}
	total := len(found.Extensions)
	if err := page.Exists(ctx, a.seams, total); err != nil {
		return nil, err
	}
	items := []wireExtension{}
	for i := min(page.Offset(), total); i < min(page.Offset()+page.Size, total); i++ {
		x := found.Extensions[total-1-i] // newest first
		item := wireExtension{Expires: at(x.Expires), Previous: at(x.Previous), Requested: call.Time(x.Requested), IP: x.IP, UserAgent: x.UserAgent}
		item.LoggedUser.Document = document{x.CPF, "CPF"}
		items = append(items, item)
	}
	b, err := json.Marshal(items)
	if err != nil {
		return nil, fmt.Errorf("extensions: %w", err)
	}
	list := call.Listing{Page: page, Total: total, Totals: true, Last: true}
	b = append(append([]byte(`{"data":`), b...), `,"links":`...)
	b = append(c.AppendLinks(b, list), `,"meta":`...)
	b = append(c.AppendMeta(b, list), '}')
	return &call.Answer{Status: http.StatusOK, Body: b}, nil
}

// The published lengths of what an extension remembers of the caller.
const (
	maxIP    = 100
	maxAgent = 255
)

// clip keeps the first max characters.
func clip(s string, max int) string {
	for i := range s {
		if max == 0 {
			return s[:i]
		}
		max--
	}
	return s
}
