package pcm

import (
	"regexp"
	"strings"
)

// obligation is one row of the additionalInfo tables: on these endpoints, for these methods and codes,
// and when these conditions hold, the field is owed with a value of this domain.
type obligation struct {
	field   string
	on      []string // endpoint strings; a trailing * stands for any continuation
	methods string
	codes   func(int) bool
	when    string // "field=A|B": only when another field holds one of the values
	server  bool   // owed by the SERVER instead of the CLIENT
	valid   func(raw) bool
}

// The code columns of the tables: "ok" is any code that is neither 4xx nor 5xx.
func anyCode(int) bool          { return true }
func okCode(c int) bool         { return c < 400 }
func failCode(c int) bool       { return c >= 400 }
func successCode(c int) bool    { return c >= 200 && c < 300 }
func notFourCode(c int) bool    { return c < 400 || c >= 500 }
func only(c int) func(int) bool { return func(got int) bool { return got == c } }

var (
	urn      = regexp.MustCompile(`^urn:[a-zA-Z0-9][a-zA-Z0-9\-]{0,31}:[a-zA-Z0-9()+,\-.:=@;$_!*'%/?#]+$`)
	day      = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	nature   = regexp.MustCompile(`^\d{4}$`)
	tokenTag = regexp.MustCompile(`^[A-Za-z0-9_-]{12}$`)
)

func oneOf(words string) func(raw) bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return func(v raw) bool { return set[string(v.bytes())] }
}

func matches(re *regexp.Regexp) func(raw) bool {
	return func(v raw) bool { return re.Match(v.bytes()) }
}
func filled(v raw) bool { return len(v.bytes()) > 0 }

// container accepts an object or array, or the text of one, as senders do both.
func container(v raw) bool {
	s := trim(v)
	if v.kind() == "string" {
		s = trim(v.bytes())
	}
	return len(s) > 1 && (s[0] == '{' || s[0] == '[')
}

// oneCode accepts the text of an array with exactly one code.
func oneCode(v raw) bool {
	s := trim(v)
	if v.kind() == "string" {
		s = trim(v.bytes())
	}
	if len(s) < 2 || s[0] != '[' {
		return false
	}
	n, sound := 0, true
	elements(s, func(e raw) { n++; sound = sound && len(e.bytes()) > 0 })
	return n == 1 && sound
}

func company(v raw) bool {
	s := trim(v)
	if v.kind() == "string" {
		s = trim(v.bytes())
	}
	if len(s) == 0 || s[0] != '{' {
		return false
	}
	var legal, size string
	members(s, func(k []byte, v raw) {
		switch string(k) {
		case "naturezaJuridica":
			legal = v.text()
		case "porteEmpresa":
			size = v.text()
		}
	})
	return nature.MatchString(legal) && strings.Contains("00 01 03 05", size) && len(size) == 2
}

var (
	truth     = oneOf("TRUE FALSE")
	person    = oneOf("PF PJ PESSOA_NATURAL PESSOA_JURIDICA")
	flow      = oneOf("CIBA_FLOW FIDO_FLOW HYBRID_FLOW")
	payKind   = oneOf("AUTOMATIC CHANGE IMMEDIATE RECURRENT SCHEDULED SWEEPING WITHDRAW")
	local     = oneOf("DICT INIC MANU QRDN QRES AUTO APDN APES")
	party     = oneOf("INICIADORA DETENTORA")
	cancelled = oneOf("CANCELADO_PENDENCIA CANCELADO_AGENDAMENTO CANCELADO_MULTIPLAS_ALCADAS")
	payState  = oneOf("AUTHORISED AWAITING_AUTHORISATION CONSUMED PARTIALLY_ACCEPTED REJECTED REVOKED ACCP ACPD ACSC CANC PDNG RCVD RJCT SCHD")
	drop      = oneOf("NONE NO_CREDENTIAL NO_AUTHORITY NO_AUTHORITY_PERSON_MISMATCH CREDENTIAL_UNAVAILABLE")
)

const ob = "/open-banking/"

var (
	dataReads = []string{
		ob + "accounts/*", ob + "credit-cards-accounts/*", ob + "customers/*", ob + "loans/*", ob + "financings/*", ob + "invoice-financings/*",
		ob + "unarranged-accounts-overdraft/*", ob + "bank-fixed-incomes/*", ob + "credit-fixed-incomes/*", ob + "funds/*", ob + "treasure-titles/*",
		ob + "variable-incomes/*", ob + "exchanges/*", ob + "resources/*",
	}
	consentNew = []string{ob + "consents/v3/consents"}
	consentOne = []string{ob + "consents/v3/consents/{consentId}"}
	consentAll = []string{ob + "consents/*"}

	payAll        = []string{ob + "payments/*"}
	payConsentNew = []string{ob + "payments/v5/consents"}
	payConsentOne = []string{ob + "payments/v5/consents/{consentId}"}
	payNew        = []string{ob + "payments/v5/pix/payments"}
	payOne        = []string{ob + "payments/v5/pix/payments/{paymentId}"}
	payBoth       = append(append([]string{}, payNew...), payOne...)
	payUnder      = append([]string{ob + "payments/v5/consents/{consentId}", ob + "payments/v5/consents/{consentId}/pix/payments"}, payBoth...)
	payTyped      = append(append([]string{}, payConsentNew...), payNew...)

	enrolAll  = []string{ob + "enrollments/*"}
	enrolNew  = []string{ob + "enrollments/v2/enrollments"}
	enrolBoth = append([]string{ob + "enrollments/v2/enrollments/{enrollmentId}"}, enrolNew...)
	autoAll   = []string{ob + "automatic-payments/*"}
	autoNew   = []string{ob + "automatic-payments/v2/recurring-consents"}
	autoUnder = []string{ob + "automatic-payments/v2/recurring-consents/{recurringConsentId}", ob + "automatic-payments/v2/pix/*"}

	registerNew = []string{"/register"}
	registerOne = []string{"/register/{clientId}"}
)

const rejected = "status=RJCT|REJECTED"

var obligations = []obligation{
	// Customer and transaction data, consents, resources.
	{"consentId", dataReads, "GET", anyCode, "", false, matches(urn)},
	{"consentId", consentAll, "POST", okCode, "", false, matches(urn)},
	{"consentId", consentAll, "GET DELETE", anyCode, "", false, matches(urn)},
	{"tokenId", append(append([]string{}, dataReads...), consentAll...), "GET POST DELETE", okCode, "", false, matches(tokenTag)},
	{"personType", consentNew, "POST", anyCode, "", false, person},
	{"companyProfileInfo", consentNew, "POST", anyCode, "personType=PJ|PESSOA_JURIDICA", false, company},
	{"status", consentOne, "GET", okCode, "", false, oneOf("AUTHORISED AWAITING_AUTHORISATION REJECTED")},
	{"journeyIsLinked", append(append([]string{}, consentNew...), consentOne...), "POST GET", anyCode, "", false, truth},
	{"journeyLinkId", append(append([]string{}, consentNew...), consentOne...), "POST GET", anyCode, "journeyIsLinked=TRUE", false, filled},
	{"statusSummary", []string{ob + "resources/*"}, "GET", only(200), "", false, container},
	{"dropReason", consentNew, "POST", notFourCode, "", true, drop},
	// Security.
	{"grantType", []string{"/token"}, "POST", anyCode, "", false, oneOf("AUTHORIZATION_CODE REFRESH_TOKEN CLIENT_CREDENTIALS")},
	{"tokenId", []string{"/token"}, "POST", only(200), "", false, matches(tokenTag)},
	{"webhookEnable", registerNew, "POST PUT", anyCode, "", false, truth},
	{"webhookEnable", registerOne, "PUT", anyCode, "", false, truth},
	// Payments.
	{"authorisationFlow", payBoth, "POST GET PATCH", anyCode, "", false, flow},
	{"authorisationFlowIntent", payConsentNew, "POST", anyCode, "", false, flow},
	{"cancellationReason", payOne, "GET PATCH", only(200), "status=CANC", false, cancelled},
	{"cancelledFrom", payOne, "GET PATCH", only(200), "status=CANC", false, party},
	{"companyProfileInfo", payConsentNew, "POST", anyCode, "personType=PJ|PESSOA_JURIDICA", false, company},
	{"consentId", payConsentNew, "POST", okCode, "", false, matches(urn)},
	{"consentId", payUnder, "GET PATCH POST", anyCode, "", false, matches(urn)},
	{"dropReason", payConsentNew, "POST", notFourCode, "", true, drop},
	{"errorCodes", payAll, "GET PATCH POST", failCode, "", false, oneCode},
	{"localInstrument", payConsentNew, "POST", anyCode, "", false, local},
	{"localInstrument", payOne, "GET PATCH", okCode, "", false, local},
	{"paymentDate", payConsentNew, "POST", only(201), "paymentType=IMMEDIATE", false, matches(day)},
	{"paymentSchedule", payConsentNew, "POST", only(201), "paymentType=SCHEDULED|RECURRENT", false, container},
	{"paymentList", payNew, "POST", only(201), "", false, container},
	{"paymentType", payTyped, "POST", anyCode, "", false, payKind},
	{"paymentType", payOne, "PATCH", anyCode, "", false, payKind},
	{"personType", payConsentNew, "POST", anyCode, "", false, person},
	{"rejectionReasonCode", append(append([]string{}, payConsentOne...), payOne...), "GET", okCode, rejected, false, filled},
	{"rejectionReasonDetail", append(append([]string{}, payConsentOne...), payOne...), "GET", okCode, rejected, false, filled},
	{"status", payAll, "GET PATCH POST", successCode, "", false, payState},
	{"tokenId", payAll, "GET PATCH POST", okCode, "", false, matches(tokenTag)},
	// Payments without redirection.
	{"enrollmentId", enrolNew, "POST", successCode, "", false, filled},
	{"errorCodes", enrolAll, "GET PATCH POST", failCode, "", false, oneCode},
	{"journeyIsLinked", enrolBoth, "POST GET", anyCode, "", false, truth},
	{"personType", enrolBoth, "POST GET", successCode, "", false, person},
	{"status", enrolBoth, "POST GET", successCode, "", false, oneOf("AWAITING_RISK_SIGNALS AWAITING_ACCOUNT_HOLDER_VALIDATION AWAITING_ENROLLMENT AUTHORISED REVOKED REJECTED")},
	{"tokenId", enrolAll, "GET PATCH POST", okCode, "", false, matches(tokenTag)},
	{"dropReason", enrolNew, "POST", notFourCode, "", true, drop},
	// Automatic payments.
	{"authorisationFlowIntent", autoNew, "POST", anyCode, "", false, flow},
	{"dropReason", autoNew, "POST", notFourCode, "", true, drop},
	{"errorCodes", autoAll, "GET PATCH POST", failCode, "", false, oneCode},
	{"recurringConsentId", autoNew, "POST", okCode, "", false, matches(urn)},
	{"recurringConsentId", autoUnder, "GET PATCH POST", anyCode, "", false, matches(urn)},
	{"status", autoAll, "GET PATCH POST", successCode, "", false, payState},
	{"tokenId", autoAll, "GET PATCH POST", okCode, "", false, matches(tokenTag)},
}

// owed holds the rows of each endpoint, role and method.
var owed = indexObligations()

type duty struct {
	endpoint uint16
	server   bool
	method   string
}

func indexObligations() map[duty][]*obligation {
	out := map[duty][]*obligation{}
	for i := range obligations {
		o := &obligations[i]
		for _, e := range endpoints.all[1:] {
			if !o.covers(e.name) {
				continue
			}
			for _, m := range strings.Fields(o.methods) {
				k := duty{e.number, o.server, m}
				out[k] = append(out[k], o)
			}
		}
	}
	return out
}

func (o *obligation) covers(name string) bool {
	for _, p := range o.on {
		if head, open := strings.CutSuffix(p, "*"); name == p || (open && strings.HasPrefix(name, head)) {
			return true
		}
	}
	return false
}

// info is additionalInfo taken apart, without copying.
type info struct {
	names  [][]byte
	values []raw
}

func (in *info) read(v raw) {
	in.names, in.values = in.names[:0], in.values[:0]
	if v.kind() == "object" {
		members(v, func(k []byte, v raw) { in.names, in.values = append(in.names, k), append(in.values, v) })
	}
}

func (in *info) get(name string) raw {
	for i := range in.names {
		if string(in.names[i]) == name {
			return in.values[i]
		}
	}
	return nil
}

// holds evaluates a condition of the form "field=A|B".
func (in *info) holds(when string) bool {
	field, values, _ := strings.Cut(when, "=")
	if field == "" {
		return true
	}
	got := in.get(field).bytes()
	for v := range strings.SplitSeq(values, "|") {
		if string(got) == v {
			return true
		}
	}
	return false
}

// owesContent says whether the tables ask for anything in this report's additionalInfo.
func (r *report) owesContent() bool {
	if r.endpoint == nil || r.server {
		return false
	}
	for _, o := range owed[duty{r.endpoint.number, false, r.method}] {
		if o.when == "" && o.codes(r.status) {
			return true
		}
	}
	return false
}

// Finding is a fault in the content of an accepted report: it becomes a ticket, not a discard.
type Finding struct {
	Field   string `json:"field"`
	Verdict string `json:"verdict"` // in the published words: "Nulo", "Vazio", "Invalido", …
}

// criticise compares an accepted report's additionalInfo with what is owed.
func (r *report) criticise() (found []Finding) {
	if r.endpoint == nil {
		return nil
	}
	for _, o := range owed[duty{r.endpoint.number, r.server, r.method}] {
		if !o.codes(r.status) || !r.info.holds(o.when) {
			continue
		}
		switch v := r.info.get(o.field); {
		case v.absent():
			found = append(found, Finding{o.field, "Nulo"})
		case v.kind() == "string" && len(v) == 2:
			found = append(found, Finding{o.field, "Vazio"})
		case !o.valid(v):
			found = append(found, Finding{o.field, "Invalido"})
		}
	}
	if r.endpoint.name == "/token" && !r.server && r.method == "POST" && r.status < 400 &&
		r.info.holds("grantType=AUTHORIZATION_CODE|REFRESH_TOKEN") && !filled(r.info.get("consentId")) && !filled(r.info.get("enrollmentId")) {
		found = append(found, Finding{"consentId", "Obrigatorio o preenchimento ou do consentId ou do enrollmentId"})
	}
	return found
}
