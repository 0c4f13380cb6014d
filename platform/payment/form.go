package payment

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// field is one member of a message: whether it must be there when its parent is, and what it looks like.
type field struct {
	path     string
	required bool
	form     func(v any) bool
}

func object(v any) bool { _, ok := v.(map[string]any); return ok }

func pattern(expr string) func(any) bool {
	re := regexp.MustCompile(expr)
	return func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) }
}

func oneOf(values ...string) func(any) bool {
	return func(v any) bool { s, ok := v.(string); return ok && slices.Contains(values, s) }
}

func upTo(n int) func(any) bool {
	return func(v any) bool { s, ok := v.(string); return ok && utf8.RuneCountInString(s) <= n }
}

func date(v any) bool {
	s, _ := v.(string)
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func within(lo, hi int64) func(any) bool {
	return func(v any) bool {
		n, ok := v.(json.Number)
		i, err := n.Int64()
		return ok && err == nil && i >= lo && i <= hi
	}
}

func dates(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) >= 2 && len(list) <= 60 && !slices.ContainsFunc(list, func(d any) bool { return !date(d) })
}

var (
	amount      = pattern(`^\d{1,16}\.\d{2}$`)
	instruments = oneOf("MANU", "DICT", "INIC", "QRES", "QRDN", "APDN", "APES")
	branches    = []string{"single", "daily", "weekly", "monthly", "custom"}
	urn         = pattern(`^urn:[a-zA-Z0-9][a-zA-Z0-9-]{0,31}:[a-zA-Z0-9()+,\-.:=@;$_!*'%/?#]+$`)
)

func accountFields(path string, required bool) []field {
	return []field{
		{path, required, object},
		{path + ".ispb", true, pattern(`^[0-9A-Z]{8}$`)},
		{path + ".issuer", false, pattern(`^[0-9]{1,4}$`)},
		{path + ".number", true, pattern(`^[0-9]{1,20}$`)},
		{path + ".accountType", true, oneOf("CACC", "SVGS", "TRAN")},
	}
}

func documentFields(path string, required bool, number, rel string) []field {
	return []field{
		{path, required, object},
		{path + ".document", true, object},
		{path + ".document.identification", true, pattern(number)},
		{path + ".document.rel", true, oneOf(rel)},
	}
}

var consentFields = slices.Concat(
	documentFields("loggedUser", true, `^\d{11}$`, "CPF"),
	documentFields("businessEntity", false, `^[0-9A-Z]{12}[0-9]{2}$`, "CNPJ"),
	[]field{
		{"creditor", true, object},
		{"creditor.personType", true, oneOf("PESSOA_NATURAL", "PESSOA_JURIDICA")},
		{"creditor.cpfCnpj", true, pattern(`^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$`)},
		{"creditor.name", true, pattern(`^[\x{20}-\x{7E}\x{A1}-\x{FF}]{1,150}$`)},
		{"payment", true, object},
		{"payment.type", true, oneOf("PIX")},
		{"payment.purpose", true, oneOf("IMMEDIATE", "SINGLE_SCHEDULED", "RECURRENT_SCHEDULED", "WITHDRAW", "CHANGE")},
		{"payment.currency", true, pattern(`^[A-Z]{3}$`)},
		{"payment.amount", true, amount},
		{"payment.date", false, date},
		{"payment.ibgeTownCode", false, pattern(`^\d{7}$`)},
		{"payment.details", true, object},
		{"payment.details.localInstrument", true, instruments},
		{"payment.details.qrCode", false, upTo(512)},
		{"payment.details.proxy", false, upTo(77)},
		{"payment.details.payloadJWS", false, pattern(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)},
		{"payment.schedule", false, object},
		{"payment.schedule.additionalInformation", true, upTo(255)},
		{"payment.schedule.single", false, object},
		{"payment.schedule.single.date", true, date},
		{"payment.schedule.daily", false, object},
		{"payment.schedule.daily.startDate", true, date},
		{"payment.schedule.daily.quantity", true, within(2, 60)},
		{"payment.schedule.weekly", false, object},
		{"payment.schedule.weekly.dayOfWeek", true, oneOf(weekdays...)},
		{"payment.schedule.weekly.startDate", true, date},
		{"payment.schedule.weekly.quantity", true, within(2, 60)},
		{"payment.schedule.monthly", false, object},
		{"payment.schedule.monthly.dayOfMonth", true, within(1, 31)},
		{"payment.schedule.monthly.startDate", true, date},
		{"payment.schedule.monthly.quantity", true, within(2, 24)},
		{"payment.schedule.custom", false, object},
		{"payment.schedule.custom.dates", true, dates},
	},
	accountFields("payment.details.creditorAccount", true),
	accountFields("debtorAccount", false),
)

var itemFields = slices.Concat(
	[]field{
		{"endToEndId", true, pattern(`^E[0-9A-Z]{8}[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(2[0-3]|[01][0-9])[0-5][0-9][a-zA-Z0-9]{11}$`)},
		{"localInstrument", true, instruments},
		{"payment", true, object},
		{"payment.amount", true, amount},
		{"payment.currency", true, pattern(`^[A-Z]{3}$`)},
		{"cnpjInitiator", true, pattern(`^[0-9A-Z]{12}[0-9]{2}$`)},
		{"remittanceInformation", false, upTo(140)},
		{"qrCode", false, upTo(512)},
		{"proxy", false, upTo(77)},
		{"transactionIdentification", false, pattern(`^[a-zA-Z0-9]{1,35}$`)},
		{"authorisationFlow", false, oneOf("HYBRID_FLOW", "CIBA_FLOW", "FIDO_FLOW")},
		{"consentId", false, urn},
	},
	accountFields("creditorAccount", true),
)

// missing lists the required fields that are absent though their parent is there.
func missing(t tree, fields []field) []string {
	var out []string
	for _, f := range fields {
		if !f.required || t.has(f.path) {
			continue
		}
		parent, _, nested := cutLast(f.path)
		if v, ok := t.at(parent); !nested || ok && object(v) {
			out = append(out, f.path)
		}
	}
	return out
}

// malformed lists the fields that are there in another form.
func malformed(t tree, fields []field) []string {
	var out []string
	for _, f := range fields {
		if v, ok := t.at(f.path); ok && !f.form(v) {
			out = append(out, f.path)
		}
	}
	return out
}

func cutLast(path string) (parent, name string, nested bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// numbered puts the place of an item before the names of its fields.
func numbered(i int, names []string) []string {
	out := make([]string, len(names))
	for n, name := range names {
		out[n] = fmt.Sprintf("%d.%s", i, name)
	}
	return out
}
