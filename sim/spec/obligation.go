package spec

// When says for which status codes an obligation holds.
type When string

// The kinds of status codes that obligations distinguish. The zero value means every code.
const (
	Always     When = ""
	Fine       When = "ok"  // neither 4xx nor 5xx
	Success    When = "2xx" // 200 to 299
	Exactly200 When = "200"
	Exactly201 When = "201"
	Failure    When = "4xx/5xx"
)

// Holds says whether the obligation is owed for that status code.
func (w When) Holds(status int) bool {
	switch w {
	case Fine:
		return status < 400
	case Success:
		return status >= 200 && status < 300
	case Exactly200:
		return status == 200
	case Exactly201:
		return status == 201
	case Failure:
		return status >= 400
	case Always:
		return true
	}
	return true
}

// Obligation is one member of additionalInfo that a report owes (PCM, additionalInfo tables, 2026C).
type Obligation struct {
	Field string
	Side  Side // "" is the client side
	When  When
	// If names the condition, where the member is not owed always; "" is always.
	If string
	// Values is the domain; nil is free text.
	Values []string
}

// By is the side that owes the member.
func (o Obligation) By() Side {
	if o.Side == "" {
		return ClientSide
	}
	return o.Side
}

// Domains of additionalInfo members.
var (
	flags              = []string{"TRUE", "FALSE"}
	personTypes        = []string{"PF", "PJ", "PESSOA_NATURAL", "PESSOA_JURIDICA"}
	dropReasons        = []string{"NONE", "NO_CREDENTIAL", "NO_AUTHORITY", "NO_AUTHORITY_PERSON_MISMATCH", "CREDENTIAL_UNAVAILABLE"}
	authorisationFlows = []string{"CIBA_FLOW", "FIDO_FLOW", "HYBRID_FLOW"}
	localInstruments   = []string{"DICT", "INIC", "MANU", "QRDN", "QRES", "AUTO", "APDN", "APES"}
	paymentTypes       = []string{"AUTOMATIC", "CHANGE", "IMMEDIATE", "RECURRENT", "SCHEDULED", "SWEEPING", "WITHDRAW"}
	consentStates      = []string{"AUTHORISED", "AWAITING_AUTHORISATION", "REJECTED"}
	payConsentStates   = []string{"AUTHORISED", "AWAITING_AUTHORISATION", "CONSUMED", "PARTIALLY_ACCEPTED", "REJECTED", "REVOKED"}
	paymentStates      = []string{"ACCP", "ACPD", "ACSC", "CANC", "PDNG", "RCVD", "RJCT", "SCHD"}
	cancelReasons      = []string{"CANCELADO_PENDENCIA", "CANCELADO_AGENDAMENTO", "CANCELADO_MULTIPLAS_ALCADAS"}
)

// Members that several operations owe.
var (
	owesConsent     = Obligation{Field: "consentId"}
	owesConsentFine = Obligation{Field: "consentId", When: Fine}
	owesToken       = Obligation{Field: "tokenId", When: Fine}
	owesPerson      = Obligation{Field: "personType", Values: personTypes}
	owesProfile     = Obligation{Field: "companyProfileInfo", If: "company"}
	owesDrop        = Obligation{Field: "dropReason", Side: ServerSide, Values: dropReasons}
	owesLinked      = Obligation{Field: "journeyIsLinked", Values: flags}
	owesLink        = Obligation{Field: "journeyLinkId", If: "linked"}
	owesErrors      = Obligation{Field: "errorCodes", When: Failure}
	owesFlow        = Obligation{Field: "authorisationFlow", Values: authorisationFlows}
	owesInstrument  = Obligation{Field: "localInstrument", When: Fine, Values: localInstruments}
	owesType        = Obligation{Field: "paymentType", Values: paymentTypes}
	owesPayState    = Obligation{Field: "status", When: Success, Values: paymentStates}
	owesPayConsent  = Obligation{Field: "status", When: Success, Values: payConsentStates}
	owesReason      = Obligation{Field: "rejectionReasonCode", When: Fine, If: "rejected"}
	owesDetail      = Obligation{Field: "rejectionReasonDetail", When: Fine, If: "rejected"}
	owesCancel      = Obligation{Field: "cancellationReason", When: Exactly200, If: "cancelled", Values: cancelReasons}
	owesCanceller   = Obligation{Field: "cancelledFrom", When: Exactly200, If: "cancelled", Values: []string{"INICIADORA", "DETENTORA"}}
)

// obligations of the operations that are no plain data reads, by id.
var obligations = map[string][]Obligation{
	"consents.create":     {owesConsentFine, owesToken, owesPerson, owesProfile, owesLinked, owesLink, owesDrop},
	"consents.read":       {owesConsent, owesToken, {Field: "status", When: Fine, Values: consentStates}, owesLinked, owesLink},
	"consents.delete":     {owesConsent, owesToken},
	"consents.extend":     {owesConsentFine, owesToken},
	"consents.extensions": {owesConsent, owesToken},
	"resources.list":      {owesConsent, owesToken, {Field: "statusSummary", When: Exactly200}},
	"payments.consent-create": {
		owesConsentFine, owesToken, owesErrors, owesPerson, owesProfile, owesType, owesPayConsent, owesDrop,
		{Field: "authorisationFlowIntent", Values: authorisationFlows},
		{Field: "localInstrument", Values: localInstruments},
		{Field: "paymentDate", When: Exactly201, If: "not scheduled"},
		{Field: "paymentSchedule", When: Exactly201, If: "scheduled"},
	},
	"payments.consent-read": {
		owesConsent, owesToken, owesErrors, owesPayConsent, owesReason, owesDetail,
		{Field: "webhookInteractionId", When: Fine, If: "after a webhook"},
	},
	"payments.consent-payments": {owesConsent, owesToken, owesErrors, owesPayState},
	"payments.consent-cancel":   {owesConsent, owesToken, owesErrors, owesPayState},
	"payments.create": {
		owesConsent, owesToken, owesErrors, owesFlow, owesType, owesPayState,
		{Field: "paymentList", When: Exactly201},
	},
	"payments.read":   {owesConsent, owesToken, owesErrors, owesFlow, owesInstrument, owesPayState, owesReason, owesDetail, owesCancel, owesCanceller},
	"payments.cancel": {owesConsent, owesToken, owesErrors, owesFlow, owesType, owesInstrument, owesPayState, owesCancel, owesCanceller},
}

// reads is what every plain data read owes.
var reads = []Obligation{owesConsent, owesToken}

// Owes lists the members of additionalInfo that reports of this operation owe, of both sides.
func (o *Operation) Owes() []Obligation {
	if list, ok := obligations[o.ID]; ok {
		return list
	}
	return reads
}

// owed names the members that the client side owes whatever the case.
func owed(o *Operation) []string {
	var names []string
	for _, ob := range o.Owes() {
		if ob.By() == ClientSide && ob.If == "" {
			names = append(names, ob.Field)
		}
	}
	return names
}
