package sim

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/ensaio/ensaio/participants/corebank"
	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/platform"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/connector/httpcore"
)

// openCore opens the core bank and returns the bank's way to it: in this process, across the core's own
// HTTP port, or to a connector elsewhere.
func (e *Ecosystem) openCore(at *places, c *control, all []people.Person) (platform.Core, error) {
	bank, err := corebank.New(corebank.Config{Clock: e.clock, Seed: e.options.Seed, People: known(all), Dir: e.sub("core"), Brand: e.cast.bank.name, CNPJ: e.cast.bank.cnpj})
	if err != nil {
		return nil, err
	}
	e.closing("core bank", bank.Close)
	c.mount("core", bank.Control())
	e.net.serveMutual(at.core, e.secrets.others, e.secrets.authority.Roots(), bank.Handler())
	switch address := e.options.Core; {
	case address == "":
		return core{bank}, nil
	case address == "http":
		return httpcore.New(e.net.url(nameCore), e.net.endless(e.secrets.authority.Roots(), e.secrets.bankTransport)), nil
	default:
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("core %q: want \"http\" or the address of a connector, such as https://127.0.0.1:9443", address)
		}
		return httpcore.New(address, e.net.outward(e.secrets.authority.CAPEM(), e.secrets.bankTransport)), nil
	}
}

// core is the in-process adapter of the connector port: the same questions without the wire. The types
// of both sides are equal on purpose and converted one to one.
type core struct {
	bank *corebank.Bank
}

var (
	_ connector.Source    = core{}
	_ connector.Canceller = core{}
)

func (c core) Authenticate(ctx context.Context, username, password string) (connector.Customer, error) {
	who, err := c.bank.Authenticate(ctx, username, password)
	return customer(who), told(err)
}

func (c core) Find(ctx context.Context, cpf string) (connector.Customer, error) {
	who, err := c.bank.Find(ctx, cpf)
	return customer(who), told(err)
}

func (c core) List(ctx context.Context, q connector.Query) (connector.Page, error) {
	p, err := c.bank.List(ctx, corebank.Query(q))
	page := connector.Page{Records: make([]connector.Record, len(p.Records)), Total: p.Total}
	for i, r := range p.Records {
		page.Records[i] = connector.Record(r)
	}
	return page, told(err)
}

func (c core) Get(ctx context.Context, k connector.Key) (connector.Record, error) {
	r, err := c.bank.Get(ctx, corebank.Key(k))
	return connector.Record(r), told(err)
}

func (c core) Resolve(ctx context.Context, key string) (connector.PixKey, error) {
	k, err := c.bank.Resolve(ctx, key)
	return connector.PixKey{Key: k.Key, Owner: k.Owner, Document: k.Document, Account: connector.Account(k.Account)}, told(err)
}

func (c core) Foresee(ctx context.Context, o connector.Order) (connector.Verdict, error) {
	v, err := c.bank.Foresee(ctx, order(o))
	return connector.Verdict(v), told(err)
}

func (c core) Submit(ctx context.Context, o connector.Order) (connector.Receipt, error) {
	r, err := c.bank.Submit(ctx, order(o))
	return connector.Receipt(r), told(err)
}

func (c core) Cancel(ctx context.Context, id string) (connector.Receipt, error) {
	r, err := c.bank.Cancel(ctx, id)
	return connector.Receipt(r), told(err)
}

func (c core) Watch(ctx context.Context) (<-chan connector.Change, error) {
	in, err := c.bank.Watch(ctx)
	if err != nil {
		return nil, told(err)
	}
	out := make(chan connector.Change)
	go func() {
		defer close(out)
		for ch := range in {
			select {
			case out <- connector.Change{Order: ch.Order, Receipt: connector.Receipt(ch.Receipt)}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func order(o connector.Order) corebank.Order {
	return corebank.Order{ID: o.ID, Customer: o.Customer, Debtor: corebank.Account(o.Debtor), Creditor: corebank.Account(o.Creditor),
		CreditorDoc: o.CreditorDoc, CreditorName: o.CreditorName, Amount: o.Amount, Proxy: o.Proxy, EndToEndID: o.EndToEndID,
		Instrument: o.Instrument, Remittance: o.Remittance, Purpose: o.Purpose, Scheduled: o.Scheduled}
}

func customer(who corebank.Customer) connector.Customer {
	out := connector.Customer{Key: who.Key, Name: who.Name, CPF: who.CPF, Factors: who.Factors}
	for _, c := range who.Companies {
		out.Companies = append(out.Companies, connector.Company(c))
	}
	return out
}

func told(err error) error {
	switch {
	case errors.Is(err, corebank.ErrUnknown):
		return connector.ErrUnknown
	case errors.Is(err, corebank.ErrCredentials):
		return connector.ErrCredentials
	case errors.Is(err, corebank.ErrConflict):
		return connector.ErrConflict
	case errors.Is(err, corebank.ErrUnavailable):
		return connector.ErrUnavailable
	default:
		return err
	}
}

// known presents the invented people to the bank as its customers.
func known(all []people.Person) []corebank.Person {
	out := make([]corebank.Person, len(all))
	for i, p := range all {
		out[i] = corebank.Person{Key: p.Key, Name: p.Name, CPF: p.CPF, Birth: p.Birth, Email: p.Email, Phone: p.Phone,
			Username: p.Username, Password: p.Password, Partner: p.Partner}
		for _, t := range p.Traits {
			out[i].Traits = append(out[i].Traits, string(t))
		}
		for _, co := range p.Companies {
			out[i].Companies = append(out[i].Companies, corebank.Company(co))
		}
	}
	return out
}
