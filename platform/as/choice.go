package as

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/sim/fault"
)

// choice is one account or card the customer can choose.
type choice struct {
	id        string
	view      screen.Account
	account   connector.Account // payments only
	unfit     string
	approvers []approver // others who must approve
}

type approver struct{ id, name string }

type choices []choice

// fit says whether there is anything to choose.
func (c choices) fit() bool {
	return slices.ContainsFunc(c, func(one choice) bool { return one.unfit == "" })
}

// all is what stands chosen when the page is shown.
func (c choices) all() []choice {
	var out []choice
	for _, one := range c {
		if one.view.Selected && one.unfit == "" {
			out = append(out, one)
		}
	}
	return out
}

// named picks the choices of a form. What was not offered is not picked.
func (c choices) named(ids []string) []choice {
	var out []choice
	for _, one := range c {
		if slices.Contains(ids, one.id) {
			out = append(out, one)
		}
	}
	return out
}

// approvers are all who must still approve, each once.
func (c choices) approvers() []string {
	var names []string
	for _, one := range c {
		for _, who := range one.approvers {
			if !slices.Contains(names, who.name) {
				names = append(names, who.name)
			}
		}
	}
	return names
}

// page of a list that is long enough for one person.
const manyRecords = 1000

// list asks the core for records of the customer.
func (s *Server) list(ctx context.Context, source, customer, parent string) ([]connector.Record, error) {
	q := connector.Query{Source: source, Customer: customer, Parent: parent, Limit: manyRecords}
	if s.seams.Bends() {
		v := &fault.Lookup{Source: source, Customer: customer, Parent: parent, PageSize: manyRecords}
		s.seams.Lookup(v)
		q.Customer, q.Parent = v.Customer, v.Parent
	}
	p, err := s.cfg.Source.List(ctx, q)
	if errors.Is(err, connector.ErrUnknown) {
		return nil, nil // the core has none of these
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", source, err)
	}
	return p.Records, nil
}

// chooseFrom lists what the customer can choose for this consent.
func (s *Server) chooseFrom(ctx context.Context, at *session, c *consent.Consent) (choices, error) {
	if c.Kind == consent.Payment {
		return s.debtors(ctx, at, c)
	}
	accounts, cards := screen.SelectsAccounts(c.Permissions)
	if !accounts && !cards {
		return nil, nil
	}
	held, err := s.list(ctx, "resources", at.owner(), "")
	if err != nil {
		return nil, err
	}
	details, err := s.details(ctx, at.owner(), accounts)
	if err != nil {
		return nil, err
	}
	var all choices
	for _, rec := range held {
		wanted := accounts && rec.Type == "ACCOUNT" || cards && rec.Type == "CREDIT_CARD_ACCOUNT"
		if !wanted {
			continue
		}
		one := choice{id: rec.ID, view: describe(rec, details[rec.ID])}
		one.view.Selected = true
		if one.approvers, err = s.approversOf(ctx, at, rec.ID); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// facts is what a page tells of an account or card, in the shapes of the data APIs.
type facts struct {
	Type       string `json:"type"`
	Branch     string `json:"branchCode"`
	Number     string `json:"number"`
	CheckDigit string `json:"checkDigit"`
	Name       string `json:"name"`
	BrandName  string `json:"brandName"`
}

func (s *Server) details(ctx context.Context, owner string, wanted bool) (map[string]facts, error) {
	if !wanted {
		return nil, nil
	}
	records, err := s.list(ctx, "accounts", owner, "")
	if err != nil {
		return nil, err
	}
	all := make(map[string]facts, len(records))
	for _, rec := range records {
		var d facts
		if json.Unmarshal(rec.Body, &d) == nil {
			all[rec.ID] = d
		}
	}
	return all, nil
}

var accountKinds = map[string]string{
	"CONTA_DEPOSITO_A_VISTA": "Conta corrente", "CONTA_POUPANCA": "Conta poupança", "CONTA_PAGAMENTO_PRE_PAGA": "Conta de pagamento",
	"CACC": "Conta corrente", "SVGS": "Conta poupança", "TRAN": "Conta de pagamento",
}

func describe(rec connector.Record, d facts) screen.Account {
	v := screen.Account{ID: rec.ID, Kind: accountKinds[d.Type], Branch: d.Branch, Number: d.Number}
	if d.CheckDigit != "" {
		v.Number += "-" + d.CheckDigit
	}
	switch {
	case rec.Type == "CREDIT_CARD_ACCOUNT":
		v.Kind = "Cartão de crédito " + d.Name
	case v.Kind == "":
		v.Kind = "Conta"
	}
	return v
}

// approversOf lists who else must approve the use of an account, or must sign for the company.
func (s *Server) approversOf(ctx context.Context, at *session, account string) ([]approver, error) {
	records, err := s.list(ctx, "approvers", at.owner(), account)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 && at.company != nil && !at.company.Alone {
		if records, err = s.list(ctx, "approvers", at.company.Key, ""); err != nil {
			return nil, err
		}
	}
	var all []approver
	for _, rec := range records {
		if rec.ID == at.customer.Key {
			continue
		}
		var who struct {
			Name string `json:"name"`
		}
		_ = json.Unmarshal(rec.Body, &who) // a name is a courtesy
		if who.Name == "" {
			who.Name = "outro aprovador"
		}
		all = append(all, approver{rec.ID, who.Name})
	}
	return all, nil
}

// debtors lists the accounts a payment can leave from. The one the initiator asked for stands chosen,
// else the first that can pay.
func (s *Server) debtors(ctx context.Context, at *session, c *consent.Consent) (choices, error) {
	records, err := s.list(ctx, "payment-accounts", at.owner(), "")
	if err != nil {
		return nil, err
	}
	wanted := wantedDebtor(c)
	var all choices
	selected := -1
	for _, rec := range records {
		one := choice{id: rec.ID}
		if err := json.Unmarshal(rec.Body, &one.account); err != nil {
			return nil, fmt.Errorf("account of the core: %w", err)
		}
		one.view = screen.Account{ID: rec.ID, Kind: accountKinds[one.account.Type], Branch: one.account.Issuer, Number: one.account.Number}
		if rec.Status != "" && rec.Status != "AVAILABLE" {
			one.unfit = "conta indisponível no momento"
		} else if one.view.Balance, err = s.balance(ctx, at.owner(), rec.ID); err != nil {
			return nil, err
		}
		one.view.Unfit = one.unfit
		if one.approvers, err = s.approversOf(ctx, at, rec.ID); err != nil {
			return nil, err
		}
		if one.unfit == "" && (selected < 0 || (wanted != nil && sameAccount(*wanted, one.account))) {
			selected = len(all)
		}
		all = append(all, one)
	}
	if selected >= 0 {
		all[selected].view.Selected = true
	}
	return all, nil
}

// balance is what an account holds, or "" when the core does not say.
func (s *Server) balance(ctx context.Context, owner, account string) (string, error) {
	rec, err := s.cfg.Source.Get(ctx, connector.Key{Source: "balances", Customer: owner, ID: account})
	if errors.Is(err, connector.ErrUnknown) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("balance: %w", err)
	}
	var b struct {
		Available struct {
			Amount string `json:"amount"`
		} `json:"availableAmount"`
	}
	if json.Unmarshal(rec.Body, &b) != nil {
		return "", nil
	}
	return b.Available.Amount, nil
}
