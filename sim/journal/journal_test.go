package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/journal"
)

const (
	id      = "d78fc4e5-37ca-4da3-adf2-9b082bf92280"
	another = "0aa5cc1e-2f5b-4c31-8b05-0c3b4dfe7f02"
	consent = "urn:bancoensaio:0123456789abcdef0123456789abcdef"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func open(cfg journal.Config) *journal.Journal {
	cfg.Clock = clock.Fixed(start)
	cfg.Sentences = map[string]string{"AS-REQ-03/has-exp": "A request object has exp."}
	return journal.New(cfg)
}

// serve plays one exchange.
func serve(j *journal.Journal, at time.Time, interaction, rule string, breach error) journal.Entry {
	ctx, x := journal.Begin(context.Background(), j)
	j.Verdict(ctx, "request object", "AS-REQ-03/has-exp", nil)
	j.Verdict(ctx, "request object", rule, breach)
	journal.Note(ctx, journal.Fact{Client: "aurora", Consent: consent})
	return x.End(journal.Entry{At: at, Role: "bank-as", Interaction: interaction, Operation: "par", Method: "POST", Endpoint: "/par", Status: 400, Duration: time.Millisecond, Rule: rule})
}

func TestAnExchangeIsFoundByWhateverIsKnownOfIt(t *testing.T) {
	j := open(journal.Config{})
	serve(j, start, id, "AS-REQ-03/not-expired", errors.New("exp has passed"))
	serve(j, start.Add(time.Minute), another, "AS-REQ-02/aud-issuer", nil)
	for name, c := range map[string]struct {
		q    journal.Query
		want []string
	}{
		"interaction":             {journal.Query{Interaction: strings.ToUpper(id)}, []string{id}},
		"consent":                 {journal.Query{Consent: consent}, []string{id, another}},
		"client":                  {journal.Query{Client: "aurora"}, []string{id, another}},
		"other client":            {journal.Query{Client: "boreal"}, nil},
		"rule":                    {journal.Query{Rule: "AS-REQ-02/aud-issuer"}, []string{another}},
		"requirement":             {journal.Query{Rule: "AS-REQ-03"}, []string{id, another}},
		"broken requirement":      {journal.Query{Rule: "AS-REQ-03", Broken: true}, []string{id}},
		"anything broken":         {journal.Query{Broken: true}, []string{id}},
		"since":                   {journal.Query{Since: start.Add(time.Second)}, []string{another}},
		"after":                   {journal.Query{After: 1}, []string{another}},
		"the newest":              {journal.Query{Limit: 1}, []string{another}},
		"role":                    {journal.Query{Role: "bank-api"}, nil},
		"a rule nobody asked for": {journal.Query{Rule: "AS-REQ"}, nil},
	} {
		var got []string
		for _, e := range j.Find(c.q) {
			got = append(got, e.Interaction)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	e := j.Find(journal.Query{Interaction: id})[0]
	want := journal.Entry{Seq: 1, At: start, Role: "bank-as", Interaction: id, Operation: "par", Method: "POST", Endpoint: "/par", Status: 400,
		Duration: time.Millisecond, Client: "aurora", Consent: consent, Rule: "AS-REQ-03/not-expired", Verdicts: []journal.Verdict{
			{Set: "request object", Rule: "AS-REQ-03/has-exp", Kept: true, Text: "A request object has exp."},
			{Set: "request object", Rule: "AS-REQ-03/not-expired", Text: "exp has passed"},
		}}
	if fmt.Sprint(e) != fmt.Sprint(want) {
		t.Errorf("%+v", e)
	}
}

func TestNothingSecretEnters(t *testing.T) {
	j := open(journal.Config{})
	const cpf, cnpj = "76109277673", "12ABC34501DE35"
	token := strings.Repeat("k3Y_", 12)
	jws := "eyJhbGciOiJQUzI1NiJ9.eyJjcGYiOiI3NjEwOTI3NzY3MyJ9.c2ln"
	for _, planted := range []string{cpf, "761.092.776-73", cnpj, token, jws, "Bearer " + token, "password=hunter2hunter2"} {
		ctx, x := journal.Begin(context.Background(), j)
		j.Verdict(ctx, "set", "RULE-1/x", errors.New("refused "+planted))
		journal.Note(ctx, journal.Fact{Client: planted, Consent: "urn:bancoensaio:" + planted, Rule: planted})
		x.End(journal.Entry{Interaction: planted, Method: planted, Operation: planted, Endpoint: "/accounts/" + planted, Role: planted})
		j.Append(journal.Entry{Client: planted, Verdicts: []journal.Verdict{{Set: "set", Rule: "RULE-1/x", Text: planted}}})
	}
	all := fmt.Sprint(j.Find(journal.Query{Limit: 1000}))
	for _, secret := range []string{cpf, "761.092.776-73", cnpj, token, "eyJ", "hunter2"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in the journal: %s", secret, all)
		}
	}
}

func TestOrdinaryIdsStayReadable(t *testing.T) {
	j := open(journal.Config{})
	in := journal.Entry{Role: "bank-api", Interaction: id, Operation: "accounts-v2.get-transactions-current", Method: "GET",
		Endpoint: "/open-banking/accounts/v2/accounts/{accountId}/transactions-current", Client: "00000000-1111-2222-3333-444444444444", Consent: "urn:banco-x:" + another}
	j.Append(in)
	got := j.Find(journal.Query{})[0]
	got.Seq, got.At, in.At = 0, start, start
	if fmt.Sprint(got) != fmt.Sprint(in) {
		t.Errorf("%+v", got)
	}
}

func TestItStaysWithinItsBounds(t *testing.T) {
	for name, cfg := range map[string]journal.Config{"entries": {Entries: 20}, "one": {Entries: 1}, "bytes": {Bytes: 8 << 10}} {
		j := open(cfg)
		for range 5000 {
			serve(j, start, id, "AS-REQ-02/aud-issuer", nil)
		}
		s := j.Stats()
		if s.Total != 5000 || s.Entries == 0 || cfg.Entries > 0 && s.Entries > cfg.Entries || cfg.Bytes > 0 && s.Bytes > cfg.Bytes {
			t.Errorf("%s: %+v", name, s)
		}
		last := j.Find(journal.Query{Limit: 1 << 20})
		if len(last) != s.Entries || last[len(last)-1].Seq != 5000 || last[0].Seq != uint64(5000-len(last)+1) {
			t.Errorf("%s: not the newest are kept: %d entries from %d", name, len(last), last[0].Seq)
		}
	}
}

func TestAVerdictWithoutAnExchangeStandsForItself(t *testing.T) {
	j := open(journal.Config{})
	ctx, x := journal.Begin(context.Background(), j)
	x.End(journal.Entry{Interaction: id})
	j.Verdict(ctx, "late", "PAY-1/late", nil) // the exchange is over
	j.Verdict(context.Background(), "alone", "PAY-2/alone", errors.New("no"))
	all := j.Find(journal.Query{})
	if len(all) != 3 || len(all[0].Verdicts) != 0 || all[1].Verdicts[0].Set != "late" || all[2].Rule != "PAY-2/alone" || !all[2].At.Equal(start) {
		t.Errorf("%+v", all)
	}
}

func TestOffIsNothingAtAll(t *testing.T) {
	var j *journal.Journal
	ctx, x := journal.Begin(context.Background(), j)
	j.Verdict(ctx, "set", "A/b", nil)
	journal.Note(ctx, journal.Fact{Rule: "A/b"})
	journal.Note(context.Background(), journal.Fact{Rule: "A/b"})
	if e := x.End(journal.Entry{Status: 400}); e.Rule != "A/b" {
		t.Errorf("what was noted is lost: %+v", e)
	}
	if j.Append(journal.Entry{}) != 0 || len(j.Find(journal.Query{})) != 0 || j.Stats() != (journal.Stats{}) {
		t.Error("a journal that is off holds something")
	}
	j.End()
}

func TestManyWriteWhileSomeRead(t *testing.T) {
	j := open(journal.Config{Entries: 100})
	var all, readers sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	readers.Go(func() {
		for last := uint64(0); j.Wait(ctx, last) == nil; {
			for _, e := range j.Find(journal.Query{After: last, Interaction: id}) {
				if e.Seq <= last || len(e.Verdicts) != 2 {
					t.Errorf("%+v", e)
				}
			}
			last = j.Last()
		}
	})
	for i := range 4 {
		all.Go(func() {
			for n := range 200 {
				serve(j, start, id, fmt.Sprintf("RULE-%d/%d", i, n), nil)
			}
		})
	}
	all.Wait()
	j.End()
	readers.Wait()
	if j.Last() != 800 || j.Wait(context.Background(), 0) == nil {
		t.Error(j.Stats())
	}
}

func TestALogIsRedactedAtTheDoor(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(journal.Log(&out, slog.LevelDebug)).With("cpf", "76109277673").WithGroup("g")
	log.Info("came from 761.092.776-73", "number", 76109277673, "error", fmt.Errorf("bearer %s", strings.Repeat("s", 50)),
		"any", map[string]string{"cnpj": "12ABC34501DE35"}, "password", "hunter2", "bytes", []byte("eyJhbGciOiJub25lIn0.e30."), "took", time.Second,
		"interaction", id, "consent", consent)
	for _, secret := range []string{"7610927767", "761.092", "12ABC", "hunter2", "eyJ", "ssssss"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, out.String())
		}
	}
	for _, kept := range []string{id, consent, `"level":"INFO"`, `"took":1000000000`} {
		if !strings.Contains(out.String(), kept) {
			t.Errorf("%q is missing: %s", kept, out.String())
		}
	}
}

// An exchange with the verdicts of an ordinary data read. The floor is 2 µs.
func BenchmarkExchange(b *testing.B) {
	j := open(journal.Config{})
	rules := make([]string, 24)
	for i := range rules {
		rules[i] = fmt.Sprintf("RS-TOK-%02d/some-sentence", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		ctx, x := journal.Begin(context.Background(), j)
		for _, r := range rules {
			j.Verdict(ctx, "grant and scope", r, nil)
		}
		x.End(journal.Entry{At: start, Role: "bank-api", Interaction: id, Operation: "accounts.getAccounts", Method: "GET",
			Endpoint: "/open-banking/accounts/v2/accounts", Status: 200, Duration: time.Millisecond, Client: another, Consent: consent})
	}
}

func BenchmarkFindOneOfMany(b *testing.B) {
	j := open(journal.Config{})
	for range 50000 {
		serve(j, start, another, "AS-REQ-02/aud-issuer", nil)
	}
	for b.Loop() {
		j.Find(journal.Query{Interaction: id})
	}
}
