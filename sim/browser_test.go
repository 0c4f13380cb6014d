package sim

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/sim/pki"
)

// browserPatience bounds what a person waits for one thing to appear.
const browserPatience = 15 * time.Second

// browser is the program a person would use, or a reason to skip.
func browser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium or Chrome is installed: nobody can play the customer's part in a browser here")
	return ""
}

// visitor is somebody in front of a browser's window.
type visitor struct {
	t   *testing.T
	ctx context.Context
	eco *Ecosystem
}

// openBrowser opens a browser on an ecosystem. It verifies certificates as always, but for the keys of our own
// two servers, which it is told of: no authority has to be imported anywhere.
func openBrowser(t *testing.T, e *Ecosystem, width, height int64) *visitor {
	t.Helper()
	var keys []string
	for _, id := range []pki.Identity{e.secrets.bank, e.secrets.others} {
		keys = append(keys, pin(id.Certificate))
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(keys, ",")))
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatalf("the browser does not open: %v", err)
	}
	return &visitor{t: t, ctx: ctx, eco: e}
}

func pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// does acts, and tells where it was when something did not happen.
func (v *visitor) does(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		at, _ := chromedp.Run(v.ctx, chromedp.Location())
		page, _ := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		at, _, _ = strings.Cut(at, "#")
		v.t.Fatalf("%v, at %s:\n%s", err, at, page)
	}
}

// sees waits for an element of a page, by its stable name.
func (v *visitor) sees(name string) {
	v.t.Helper()
	v.does(chromedp.WaitVisible(hooked(name)))
	if wide, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)); err != nil || wide {
		v.t.Errorf("the page that shows %s is wider than its window", name)
	}
}

func hooked(name string) string { return "[data-ofb=" + name + "]" }

func (v *visitor) reads(name string) string {
	v.t.Helper()
	v.sees(name)
	text, err := chromedp.Run(v.ctx, chromedp.Text(hooked(name)))
	if err != nil {
		v.t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func (v *visitor) counts(name string) int {
	v.t.Helper()
	n, err := chromedp.Run(v.ctx, chromedp.Evaluate[int](`document.querySelectorAll('`+hooked(name)+`').length`))
	if err != nil {
		v.t.Fatal(err)
	}
	return n
}

func (v *visitor) goes(address string) { v.t.Helper(); v.does(chromedp.Navigate(address)) }
func (v *visitor) clicks(name string)  { v.t.Helper(); v.does(chromedp.Click(hooked(name))) }
func (v *visitor) types(into, s string) {
	v.t.Helper()
	v.does(chromedp.Clear(into), chromedp.SendKeys(into, s))
}

// signsIn waits until the bank opens by itself, and signs in there.
func (v *visitor) signsIn(as ReadyCustomer) {
	v.t.Helper()
	v.does(chromedp.WaitVisible("#login"), chromedp.SendKeys("#username", as.Username), chromedp.SendKeys("#password", as.Password),
		chromedp.Click("#login button[value=continue]"), chromedp.WaitVisible("#consent"))
	if at, _ := chromedp.Run(v.ctx, chromedp.Location()); !strings.HasPrefix(at, v.eco.net.url(nameIssuer)) {
		v.t.Errorf("the password was asked for at %s", at)
	}
}

func (e *Ecosystem) customer(t *testing.T, trait people.Trait, place int) ReadyCustomer {
	t.Helper()
	for _, c := range e.ready.Customers {
		if slices.Contains(c.Traits, string(trait)) {
			if place == 0 {
				return c
			}
			place--
		}
	}
	t.Fatalf("nobody is %s", trait)
	return ReadyCustomer{}
}

// A person shares data, pays and changes their mind in a real browser, through the pages alone: what the
// robot cannot see is whether a human gets through.
func TestAPersonPlaysTheJourneysInABrowser(t *testing.T) {
	browser(t)
	e, err := Start(t.Context(), Options{Seed: 21})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() }) // after those who look at it have left
	who := e.customer(t, people.Ordinary, 1)
	aurora, boreal := e.net.url(e.cast.software[0].host), e.net.url(e.cast.software[1].host)
	v := openBrowser(t, e, 360, 640) // the smallest window the guide speaks of

	t.Run("sharing data", func(t *testing.T) {
		v.t = t
		v.goes(aurora)
		v.clicks("share")
		v.sees("purpose")
		v.types("#cpf", "111.111.111-12")
		v.clicks("continue")
		v.sees("form-problem")
		v.types("#cpf", who.CPF)
		v.clicks("continue")
		v.sees("transition")
		v.signsIn(who)
		if got := v.reads("receiver"); got != "Receptora Aurora" {
			t.Errorf("the bank names %q as receiver", got)
		}
		accounts := v.counts("account")
		v.does(chromedp.Click("#consent label.pick:has(input[name=account]:checked)"))
		v.clicks("confirm")
		v.sees("result")
		if got := v.counts("account"); got != accounts-1 || v.counts("balance") != got {
			t.Errorf("of %d accounts one was held back, and %d are shown with %d balances", accounts, got, v.counts("balance"))
		}
		if got := v.reads("term"); got != "12 meses" {
			t.Errorf("agreed for %q", got)
		}
		v.clicks("story")
		v.sees("consent-id")
		story, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{"a token": "eyJ", "the CPF": who.CPF, "a key": "PRIVATE KEY"} {
			if strings.Contains(story, secret) {
				t.Errorf("the story shows %s", what)
			}
		}
	})

	t.Run("ending the sharing", func(t *testing.T) {
		v.t = t
		v.goes(aurora)
		v.does(chromedp.Click("[data-ofb=management] a"))
		v.clicks("end")
		v.sees("ended")
		if got := v.reads("what"); got != "O compartilhamento foi encerrado" {
			t.Errorf("told %q", got)
		}
	})

	t.Run("cancelling at the bank", func(t *testing.T) {
		v.t = t
		v.goes(aurora + "/compartilhar?quem=" + who.Username)
		v.clicks("continue")
		v.signsIn(who)
		v.clicks("cancel")
		v.sees("not-done")
		v.sees("do")
	})

	t.Run("paying", func(t *testing.T) {
		v.t = t
		v.goes(boreal)
		v.clicks("pay-of")
		v.types("#valor", "1.234,5")
		v.types("#cpf", who.CPF)
		v.clicks("continue")
		if got := v.reads("time-limit"); got != "5 minutos" {
			t.Errorf("told to confirm within %q", got)
		}
		v.signsIn(who)
		if got := v.reads("amount"); got != "R$ 1.234,50" {
			t.Errorf("the bank asks to confirm %q", got)
		}
		v.clicks("confirm")
		v.does(chromedp.WaitVisible("[data-ofb=result][data-status=ACSC]"))
		if got := v.reads("amount"); got != "R$ 1.234,50" {
			t.Errorf("the receipt says %q", got)
		}
		if got := v.reads("end-to-end-id"); len(got) != 32 || got[0] != 'E' {
			t.Errorf("the receipt's identifier is %q", got)
		}
	})

	t.Run("without scripts", func(t *testing.T) {
		v.t = t
		scripts := func(off bool) {
			if _, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
				t.Fatal(err)
			}
		}
		scripts(true)
		defer scripts(false)
		v.goes(boreal + "/pagar?quem=" + who.Username)
		v.clicks("continue")
		v.signsIn(who)
		v.clicks("confirm")
		v.does(chromedp.WaitVisible("#endereco"))
		address, err := chromedp.Run(v.ctx, chromedp.Location())
		if err != nil {
			t.Fatal(err)
		}
		v.does(chromedp.Focus("#endereco"))
		if _, err := chromedp.Call(v.ctx, input.InsertText, input.InsertTextParams{Text: address}); err != nil { // as pasting does
			t.Fatal(err)
		}
		v.does(chromedp.Click("noscript button"), chromedp.WaitVisible("[data-ofb=result][data-status=ACSC]"))
	})

	t.Run("the console steps the clock and breaks things", func(t *testing.T) {
		v.t = t
		v.goes(e.console)
		v.does(chromedp.Click("button[name=avancar][value='1d']"))
		if got := v.reads("stepped"); got != "1 dia" {
			t.Errorf("the clock is %q ahead", got)
		}
		v.does(chromedp.SendKeys("#busca", "missing-exp"), chromedp.Submit("#busca"), chromedp.Click("button[name=ligar][value='par/accepts-missing-exp']"))
		v.sees("armed")
		v.goes(aurora)
		if got := v.reads("defects"); !strings.Contains(got, "par/accepts-missing-exp") {
			t.Errorf("the bar says %q", got)
		}
		v.goes(e.console)
		v.does(chromedp.Click("button[name=desligar]"), chromedp.WaitNotPresent(hooked("armed")))
		if armed := e.board.Seams().Armed(); len(armed) > 0 {
			t.Errorf("still armed: %v", armed)
		}
	})
}
