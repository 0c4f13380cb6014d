package payment

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
)

// forgetful is a consent engine that cannot write down, once, that a consent was used.
type forgetful struct {
	Consents
	did atomic.Bool
}

func (f *forgetful) Consume(ctx context.Context, id string) (*consent.Consent, error) {
	if f.did.CompareAndSwap(false, true) {
		return nil, errors.New("the disk is full")
	}
	return f.Consents.Consume(ctx, id)
}

func TestAConsentThatCouldNotBeMarkedAsUsedStillPaysOnce(t *testing.T) {
	w := open(t)
	w.service.cfg.Consents = &forgetful{Consents: w.consents}
	c := w.authorised(nil)
	w.paid(c)
	if status(w, c.ID) != consent.Authorised {
		t.Fatal("the consent is to be left open")
	}
	if _, err := w.pay(c, "another key", w.items(c, nil)); code(err) != "422 CONSENTIMENTO_INVALIDO" || w.core.paid() != 1 {
		t.Errorf("%s, %d orders", code(err), w.core.paid())
	}

	w.service.cfg.Consents = &forgetful{Consents: w.consents}
	c = w.authorised(nil)
	p := w.paid(c)
	w.tell(p.ID, connector.Settled, settled)
	w.reopen()
	if got := status(w, c.ID); got != consent.Consumed {
		t.Errorf("after a restart the consent of a settled payment is %s", got)
	}
}

// meeting is a core that holds the first question until a second one was answered.
type meeting struct {
	*core
	asked atomic.Int32
	other func()
}

func (m *meeting) Foresee(ctx context.Context, o connector.Order) (connector.Verdict, error) {
	if m.asked.Add(1) == 1 {
		m.other()
	}
	return m.core.Foresee(ctx, o)
}

func TestWhatIsPaidOnceIsPaidOnceAtTheSameTimeToo(t *testing.T) {
	charge := byCode("QRDN", dynamicCode("u"), payload(nil))
	named := func(d doc) { d["transactionIdentification"] = strings.Repeat("T", 30) }
	for name, c := range map[string]struct {
		of   func(doc)
		item func(doc)
		same string // member the second payment takes from the first
		code string
	}{
		"one charge":     {charge, named, "", "422 DETALHE_PAGAMENTO_INVALIDO"},
		"one endToEndId": {nil, nil, "endToEndId", "422 PARAMETRO_INVALIDO"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			one, two := w.authorised(c.of), w.authorised(c.of)
			first, second := w.items(one, c.item), w.items(two, c.item)
			if c.same != "" {
				second[0].(doc)[c.same] = first[0].(doc)[c.same]
			}
			var late error
			key := "second"
			for w.stripe(key) == w.stripe("first") { // the second runs inside the first: it must not wait for its lock
				key += "x"
			}
			w.service.cfg.Core = &meeting{core: w.core, other: func() { _, late = w.pay(two, key, second) }}
			if _, err := w.pay(one, "first", first); err != nil {
				t.Error(err)
			}
			if code(late) != c.code || w.core.paid() != 1 {
				t.Errorf("%s, %d orders", code(late), w.core.paid())
			}
		})
	}
}

// hasty is a core at which somebody cancels while the order arrives.
type hasty struct {
	*core
	cancel func(id string)
}

func (h *hasty) Submit(ctx context.Context, o connector.Order) (connector.Receipt, error) {
	h.cancel(o.ID)
	return h.core.Submit(ctx, o)
}

func TestWhatIsBeingPaidIsNotCancelled(t *testing.T) {
	w := open(t)
	c := w.authorised(scheduled1("single", doc{"date": "2026-03-20"}))
	p := w.paid(c)
	w.until(p.ID, scheduled)
	e, _ := w.service.payments.find(p.ID)
	asked := w.clk.Now() // long before the day
	var late error
	w.service.cfg.Core = &hasty{w.core, func(string) { late = w.service.revoke(t.Context(), e, wish{now: asked}, "INICIADORA", "11144477735") }}
	w.service.fall(e)
	if code(late) != "422 "+notCancellable || w.core.paid() != 1 {
		t.Errorf("%s, %d orders, the payment is %s", code(late), w.core.paid(), e.now().Status)
	}
}
