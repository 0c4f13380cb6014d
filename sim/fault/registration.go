package fault

// The area of dynamic registration and management (DCR-, DCM-).
var registration = []Defect{
	{Name: "dcr/prefers-request-over-statement", Kind: Mutate, Rule: "DCR-09", Weight: Major,
		Symptom: "conflicting metadata is taken from the request", CaughtBy: []string{"dcr/statement-takes-precedence"},
		OnClaims: claims(set("client_name", "Nome vindo do pedido"), "registration")},
	{Name: "dcr/rotates-registration-token", Kind: Mutate, Rule: "DCM-02", Weight: Major,
		Symptom: "the registration token changes after a read or an update", CaughtBy: []string{"dcr/registration-token-is-stable"},
		OnClaims: claims(set("registration_access_token", "another-token-that-was-never-issued-before"), "registration", "read", "update")},
	{Name: "dcr/delete-without-effect", Kind: State, Rule: "DCM-06", Weight: Critical,
		Symptom: "a deleted client still obtains tokens", CaughtBy: []string{"dcr/deleted-client-is-refused"},
		OnTransition: step("client", "delete", stay)},
	{Name: "dcr/answers-without-registration-uri", Kind: Mutate, Rule: "DCR-16", Weight: Major,
		Symptom: "registration answers without registration_client_uri", CaughtBy: []string{"dcr/registers-and-authorises"},
		OnClaims: claims(drop("registration_client_uri"), "registration")},
	{Name: "dcr/registers-with-200", Kind: Mutate, Rule: "DCR-16", Weight: Minor,
		Symptom: "registration is answered 200 instead of 201", CaughtBy: []string{"dcr/registers-and-authorises"},
		OnReply: reply(func(r *Reply) {
			if r.Status == 201 {
				r.Status = 200
			}
		}, "register", "registration.create")},
	{Name: "dcr/registers-twice", Kind: State, Rule: "DCR-15", Weight: Major,
		Symptom: "a second registration of one software statement succeeds", CaughtBy: []string{"dcr/one-registration-per-statement"},
		OnTransition: step("client", "register", allow(""))},
	{Name: "dcr/update-loses-consents", Kind: State, Rule: "DCM-09", Weight: Major,
		Symptom: "after an update, active consents stop working", CaughtBy: []string{"dcr/update-keeps-consents"},
		OnTransition: step("client", "update", func(t *Transition) { t.To = "deleted" })},
}
