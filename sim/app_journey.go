package sim

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/sim/spec"
)

// journey is one sharing of data or one payment of a visit, from the form to its end. Its lock is held
// while a page of it is made.
type journey struct {
	id, bank, party string
	began           time.Time

	mu       sync.Mutex
	client   *tpp.Client
	server   *tpp.Server
	consent  *tpp.Consent
	push     *tpp.Push
	leaving  string // where the customer was sent
	returned bool
	grant    *tpp.Grant
	trouble  *trouble
	state    *tpp.Exchange // the consent as last read
	read     time.Time     // when what is shown was read

	// Data.
	purpose  string
	holder   string
	accounts []sharedAccount

	// Payment.
	order   *tpp.Order
	payment *tpp.Payment

	telling sync.Mutex
	story   []*tpp.Exchange
}

// maxStory bounds what is kept of a journey: a payment that is watched for long is polled many times.
const maxStory = 200

// record keeps an exchange for the story, without its secrets.
func (j *journey) record(e *tpp.Exchange) {
	j.telling.Lock()
	defer j.telling.Unlock()
	if len(j.story) < maxStory {
		j.story = append(j.story, e.Redacted())
	}
}

// told is the story so far.
func (j *journey) told() []*tpp.Exchange {
	j.telling.Lock()
	defer j.telling.Unlock()
	return slices.Clone(j.story)
}

func (j *journey) path() string { return "/jornada/" + j.id }

// fails ends the journey with what went wrong.
func (j *journey) fails(err error) {
	t := j.explain(err)
	j.trouble = &t
}

// reread reads the consent again. What it last said stays when it cannot be read.
func (j *journey) reread(ctx context.Context) {
	if e, err := j.client.ReadConsent(ctx, j.consent); err == nil {
		j.state = e
	}
}

// sharedAccount is an account as its holder shared it.
type sharedAccount struct {
	ID, Name, Number, Brand string
	Balance, Blocked        string
	Pending                 bool // the other holder has not agreed yet
	Movements               []movement
}

type movement struct{ Day, What, Amount, Sign string }

var accountKinds = map[string]string{
	"CONTA_DEPOSITO_A_VISTA": "Conta corrente", "CONTA_POUPANCA": "Conta poupança", "CONTA_PAGAMENTO_PRE_PAGA": "Conta de pagamento",
}

// shown is how many movements of an account a page shows.
const shown = 5

// readData reads what was shared, as far as the consent goes.
func (j *journey) readData(ctx context.Context) error {
	j.accounts, j.read = nil, j.client.Config().Clock.Now()
	if j.has("CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ") {
		e, err := j.client.Read(ctx, j.grant, spec.Find("customers.personal-identifications"), nil, nil)
		if err != nil {
			return err
		}
		j.holder = e.Text("data.0.civilName")
	}
	if j.has("CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ") {
		e, err := j.client.Read(ctx, j.grant, spec.Find("customers.business-identifications"), nil, nil)
		if err != nil {
			return err
		}
		j.holder = e.Text("data.0.companyName")
	}
	resources, err := j.client.Resources(ctx, j.grant)
	if err != nil {
		return err
	}
	if j.has("ACCOUNTS_READ") {
		if err := j.readAccounts(ctx); err != nil {
			return err
		}
	}
	for _, r := range resources {
		if r["type"] == "ACCOUNT" && r["status"] == "PENDING_AUTHORISATION" {
			id, _ := r["resourceId"].(string)
			j.accounts = append(j.accounts, sharedAccount{ID: id, Name: "Conta com mais de um titular", Pending: true})
		}
	}
	return nil
}

func (j *journey) readAccounts(ctx context.Context) error {
	list, err := j.client.Accounts(ctx, j.grant)
	if err != nil {
		return err
	}
	for _, one := range list {
		text := func(name string) string { s, _ := one[name].(string); return s }
		a := sharedAccount{ID: text("accountId"), Name: accountKinds[text("type")], Number: text("number"), Brand: text("brandName")}
		if a.Name == "" {
			a.Name = "Conta"
		}
		if d := text("checkDigit"); d != "" {
			a.Number += "-" + d
		}
		if code := text("branchCode"); code != "" {
			a.Number = "agência " + code + " · conta " + a.Number
		}
		at := map[string]string{"accountId": a.ID}
		if j.has("ACCOUNTS_BALANCES_READ") {
			e, err := j.client.Read(ctx, j.grant, spec.Find("accounts.balances"), at, nil)
			if err != nil {
				return err
			}
			a.Balance, a.Blocked = e.Text("data.availableAmount.amount"), e.Text("data.blockedAmount.amount")
		}
		if j.has("ACCOUNTS_TRANSACTIONS_READ") {
			e, err := j.client.Read(ctx, j.grant, spec.Find("accounts.transactions-current"), at, url.Values{"page-size": {"25"}})
			if err != nil {
				return err
			}
			a.Movements = movements(e)
		}
		j.accounts = append(j.accounts, a)
	}
	return nil
}

func movements(e *tpp.Exchange) []movement {
	items, _ := e.Field("data").([]any)
	var all []movement
	for _, item := range items {
		m, _ := item.(map[string]any)
		name, _ := m["transactionName"].(string)
		amount, _ := m["transactionAmount"].(map[string]any)
		value, _ := amount["amount"].(string)
		at, _ := m["transactionDateTime"].(string)
		one := movement{What: name, Amount: screen.Money(value), Sign: "+"}
		if when, err := time.Parse(time.RFC3339, at); err == nil {
			one.Day = when.In(brasilia).Format("02/01")
		}
		if m["creditDebitType"] == "DEBITO" {
			one.Sign = "−"
		}
		if all = append(all, one); len(all) == shown {
			break
		}
	}
	return all
}

// has says whether the consent that was given reaches a permission.
func (j *journey) has(permission string) bool { return slices.Contains(j.permissions(), permission) }

// permissions are those of the consent as last read, which may be fewer than were asked.
func (j *journey) permissions() []string {
	if j.consent == nil {
		return nil
	}
	if j.state != nil {
		items, _ := j.state.Field("data.permissions").([]any)
		var all []string
		for _, item := range items {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return j.consent.Permissions
}

// status is the consent's, as last read.
func (j *journey) status() string {
	switch {
	case j.consent == nil:
		return ""
	case j.state != nil:
		return j.state.Text("data.status")
	}
	return j.consent.Status
}

// initiate pays, once every approver has agreed.
func (j *journey) initiate(ctx context.Context) error {
	if j.payment != nil || j.status() != "AUTHORISED" {
		return nil
	}
	var err error
	j.payment, err = j.client.CreatePayment(ctx, j.grant, *j.order)
	return err
}

// follow brings a payment that has not ended up to date.
func (j *journey) follow(ctx context.Context) error {
	if j.payment == nil {
		j.reread(ctx)
		if j.status() == "REJECTED" {
			return errors.New("the consent was rejected")
		}
		return j.initiate(ctx)
	}
	for i, id := range j.payment.IDs {
		if slices.Contains(tpp.Final, j.payment.Statuses[i]) {
			continue
		}
		e, err := j.client.ReadPayment(ctx, j.consent, id)
		if err != nil {
			return err
		}
		j.payment.Exchange, j.payment.Statuses[i] = e, e.Text("data.status")
	}
	return nil
}

// ended says whether a payment will not change any more by itself.
func (j *journey) ended() bool {
	return j.payment != nil && !slices.ContainsFunc(j.payment.Statuses, func(s string) bool { return !slices.Contains(tpp.Final, s) })
}
