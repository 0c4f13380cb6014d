// Package corebank is the core system of Banco Ensaio: customers, accounts, double-entry books in
// centavos, Pix keys and the settlement of orders.
//
// It promises that the books sum to zero at every instant, that an order moves money once however often
// it is sent, that money set aside is either delivered or given back, and, with a directory, that all of
// it survives a kill. It knows nothing of consents, tokens or APIs; its records are in the newest shape
// of each API, encoded once.
//
// History before the books opened is invented from the seed and the calendar: each day nets to zero, so
// it never contradicts a balance, and a transaction keeps its id for ever.
//
// # Reserved amounts
//
// An amount decides the outcome of an order, for whoever rehearses refusals. The centavos choose the
// reason (see [Reasons]): 01 SALDO_INSUFICIENTE, 02 VALOR_ACIMA_LIMITE, 03 VALOR_INVALIDO,
// 04 COBRANCA_INVALIDA, 05 PAGAMENTO_RECUSADO_DETENTORA, 06 PAGAMENTO_RECUSADO_SPI,
// 07 DETALHE_PAGAMENTO_INVALIDO, 08 NAO_INFORMADO, 09 CONTA_NAO_PERMITE_PAGAMENTO, 10 QRCODE_INVALIDO,
// 11 FALHA_INFRAESTRUTURA, 12 …_SPI, 13 …_DICT, 14 …_ICP, 15 …_PSP_RECEBEDOR, 16 …_DETENTORA.
//
//	10421.NN  refused when foreseen: the consent is rejected
//	10422.NN  refused when submitted: the initiation is answered with an error
//	10423.NN  taken, then rejected in the course of settlement
//	10424.01  held until somebody releases, rejects or cancels it
//	10424.02  held for a while, then settled
//	10424.03  held for a while, then rejected with NAO_INFORMADO
//	10503.00  the core is not available
package corebank

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// Brasilia is the zone of every plain date. Brazil has no summer time since 2019.
var Brasilia = time.FixedZone("-03", -3*60*60)

// Config is what a bank is made of.
type Config struct {
	Clock  *clock.Clock
	Seed   clock.Seed
	People []Person
	// Dir keeps the books; "" keeps them in memory.
	Dir string
	// Step is the pause between two steps of a settlement; zero means 40 ms.
	Step time.Duration
	// Identity of the institution; empty fields take Banco Ensaio's.
	Brand, CNPJ, ISPB, Compe string
}

// Bank is a running core system.
type Bank struct {
	cfg Config

	mu       sync.RWMutex
	journal  *journal
	opened   time.Time
	people   map[string]*person  // by customer key
	login    map[string]*person  // by username
	byCPF    map[string]*person  // natural persons
	accounts map[string]*account // by id
	numbers  map[string]*account // by number with digit
	order    []*account          // in order of opening
	books    map[string]int64    // centavos of every book account; sums to zero
	keys     map[string]PixKey
	orders   map[string]*order
	spent    map[string]int64 // centavos ordered, by customer and Brasília date
	watchers map[*watcher]struct{}
	limits   Limits
	away     atomic.Bool // answers nobody: an outage switched on

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

// person is a natural or legal person with the records about them, encoded on first use.
type person struct {
	Person
	company  *Company
	owner    *Person // who acts for the company
	accounts []*account

	once    sync.Once
	records map[string]Record
}

// New opens a bank: its books from the directory, or new ones.
func New(cfg Config) (*Bank, error) {
	if cfg.Step == 0 {
		cfg.Step = 40 * time.Millisecond
	}
	for _, f := range []struct {
		field *string
		value string
	}{{&cfg.Brand, "Banco Ensaio (SIMULADOR)"}, {&cfg.CNPJ, "99999004000192"}, {&cfg.ISPB, "99999004"}, {&cfg.Compe, "999"}} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	b := &Bank{
		cfg: cfg, people: map[string]*person{}, login: map[string]*person{}, byCPF: map[string]*person{},
		accounts: map[string]*account{}, numbers: map[string]*account{}, books: map[string]int64{},
		keys: map[string]PixKey{}, orders: map[string]*order{}, spent: map[string]int64{},
		watchers: map[*watcher]struct{}{}, limits: usual,
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	j, past, err := openJournal(cfg.Dir)
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("open core bank: %w", err)
	}
	b.journal, b.opened = j, cfg.Clock.Now()
	if len(past) > 0 {
		b.opened = past[0].At
	} else if err := j.write(event{Kind: "open", At: b.opened}); err != nil {
		b.stop()
		return nil, fmt.Errorf("open core bank: %w", err)
	}
	b.admit()
	for _, e := range past {
		b.apply(e)
	}
	for _, o := range b.orders {
		if !final(o.state) && (o.state != Held || o.resumes()) {
			b.settle(o.ID)
		}
	}
	return b, nil
}

// Close ends every settlement under way where it stands; with a directory it goes on at the next New.
func (b *Bank) Close() error {
	b.mu.Lock()
	b.stop() // under the lock: whoever starts work looks at ctx there
	b.mu.Unlock()
	b.work.Wait()
	return b.journal.close()
}

// today is the Brasília date as a number, 20261122.
func today(t time.Time) int {
	y, m, d := t.In(Brasilia).Date()
	return y*10000 + int(m)*100 + d
}
