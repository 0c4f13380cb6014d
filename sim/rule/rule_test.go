package rule_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

var errOdd, errBig = errors.New("odd"), errors.New("big")

var numbers = rule.NewSet("numbers",
	rule.Rule[int]{ID: "N-01/even", Text: "The number is even.", Weight: fault.Major, Check: func(_ context.Context, n int) error {
		if n%2 != 0 {
			return errOdd
		}
		return nil
	}},
	rule.Rule[int]{ID: "N-02/small", Text: "The number is below ten.", Weight: fault.Minor, Check: func(_ context.Context, n int) error {
		if n >= 10 {
			return errBig
		}
		return nil
	}},
)

func TestTheFirstBreachWinsAndNamesItsRule(t *testing.T) {
	var seams *fault.Seams
	err := numbers.Check(t.Context(), seams, 11)
	if !errors.Is(err, errOdd) || rule.Of(err) != "N-01/even" {
		t.Fatalf("got %v by %s", err, rule.Of(err))
	}
	if all := numbers.CheckAll(t.Context(), seams, 11); len(all) != 2 {
		t.Fatalf("got %v", all)
	}
	if err := numbers.Check(t.Context(), seams, 4); err != nil {
		t.Fatal(err)
	}
}

func TestARuleSwitchedOffIsNotEnforcedAndBackOnIs(t *testing.T) {
	board := fault.NewBoard([]fault.Defect{{Name: "numbers/accepts-odd", Kind: fault.Off, Rule: "N-01/even", Weight: fault.Major}})
	if err := board.Arm("off:N-01/even"); err != nil {
		t.Fatal(err)
	}
	if err := numbers.Check(t.Context(), board.Seams(), 3); err != nil {
		t.Fatalf("the rule is off, yet %v", err)
	}
	if got := board.Seams().Armed(); len(got) != 1 || got[0] != "numbers/accepts-odd" {
		t.Fatalf("armed: %v", got)
	}
	board.Disarm("numbers/accepts-odd")
	if err := numbers.Check(t.Context(), board.Seams(), 3); err == nil {
		t.Fatal("the rule is on again, yet nothing was said")
	}
}

func TestEveryVerdictIsTraced(t *testing.T) {
	seams := &fault.Seams{}
	var heard []string
	seams.Trace(func(_ context.Context, set, id string, breach error) {
		heard = append(heard, set+" "+id)
		if id == "N-02/small" && breach == nil {
			t.Error("the breach is lost")
		}
	})
	_ = numbers.Check(t.Context(), seams, 12)
	if len(heard) != 2 {
		t.Fatalf("heard %v", heard)
	}
}

func TestAnUnknownDefectNamesTheNearest(t *testing.T) {
	board := fault.NewBoard([]fault.Defect{{Name: "par/accepts-missing-exp", Kind: fault.Off, Rule: "X"}, {Name: "token/reusable-code", Kind: fault.State}})
	err := board.Arm("par/accept-missing-exp")
	if err == nil || err.Error() != `no defect "par/accept-missing-exp"; did you mean "par/accepts-missing-exp"?` {
		t.Fatalf("got %v", err)
	}
}
