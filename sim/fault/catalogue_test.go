package fault

import "testing"

func TestEveryNamedDefectBreaksOneThingAndNamesItsCheck(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Named() {
		if seen[d.Name] {
			t.Errorf("%s stands twice", d.Name)
		}
		seen[d.Name] = true
		if d.Symptom == "" || d.Rule == "" || d.Weight == "" || (len(d.CaughtBy) == 0) == (d.Profile == "") {
			t.Errorf("%s is incomplete", d.Name)
		}
		effects := 0
		for _, has := range []bool{d.OnRequest != nil, d.OnReply != nil, d.OnClaims != nil, d.OnTransition != nil, d.OnQuery != nil, d.OnReport != nil, d.OnDelivery != nil, d.OnLifetime != nil, d.OnServe != nil, d.OnLimit != nil, d.Kind == Off} {
			if has {
				effects++
			}
		}
		if effects != 1 {
			t.Errorf("%s has %d effects, want one", d.Name, effects)
		}
	}
}

func TestNothingArmedIsTheIdentity(t *testing.T) {
	for _, seams := range []*Seams{nil, NewBoard(Named()).Seams()} {
		if seams.Bends() || seams.Off("AS-REQ-03/has-exp") || seams.Armed() != nil {
			t.Error("an unarmed seam bends")
		}
		v := Transition{Machine: "code", Event: "redeem", From: "used", To: "used"}
		if seams.Transition(v) != v || seams.Lifetime("code", 60) != 60 {
			t.Error("an unarmed seam changes a value")
		}
		seams.Claims(&Claims{Kind: "id_token"})
	}
}

func TestAnArmedDefectActsUntilItIsDisarmed(t *testing.T) {
	b := NewBoard(Named())
	if err := b.Arm("idtoken/wrong-audience"); err != nil {
		t.Fatal(err)
	}
	c := &Claims{Kind: "id_token", At: "token", Header: map[string]any{}, Body: map[string]any{"aud": "me"}}
	b.Seams().Claims(c)
	if c.Body["aud"] == "me" {
		t.Error("the armed defect does nothing")
	}
	b.Disarm()
	c.Body["aud"] = "me"
	b.Seams().Claims(c)
	if c.Body["aud"] != "me" {
		t.Error("the disarmed defect still acts")
	}
}
