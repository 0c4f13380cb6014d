package corebank

import (
	"context"
	"slices"
)

// The other institution, where the payees from outside bank.
const (
	otherISPB = "99999012"
	otherCNPJ = "99999012000139"
	employer  = "99999012000139"
)

// outside are payees of the other institution, the same in every ecosystem.
var outside = []PixKey{
	{"loja@externa.example.com", "Loja Externa Sintética Ltda", otherCNPJ, Account{otherISPB, "0001", "40000011", "CACC"}},
	{otherCNPJ, "Loja Externa Sintética Ltda", otherCNPJ, Account{otherISPB, "0001", "40000011", "CACC"}},
	{"+5511988880001", "Amiga Externa Sintética", "52998224725", Account{otherISPB, "0002", "40000022", "SVGS"}},
	{"52998224725", "Amiga Externa Sintética", "52998224725", Account{otherISPB, "0002", "40000022", "SVGS"}},
	{"7d9f0335-8dcc-4054-9bf9-0dbd61d36906", "Amigo Externo Sintético", "11144477735", Account{otherISPB, "", "40000033", "TRAN"}},
}

// Payees lists payees of the other institution with their keys, the same in every ecosystem.
func Payees() []PixKey { return slices.Clone(outside) }

// Resolve looks a key up in the key directory.
func (b *Bank) Resolve(_ context.Context, key string) (PixKey, error) {
	if b.away.Load() {
		return PixKey{}, ErrUnavailable
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	k, ok := b.keys[key]
	if !ok {
		return PixKey{}, ErrUnknown
	}
	return k, nil
}

// mismatch compares an order with what the directory knows of its key, and returns the reason to refuse.
func (b *Bank) mismatch(o *order) (reason, detail string) {
	if o.Proxy != "" {
		k, ok := b.keys[o.Proxy]
		switch {
		case !ok:
			return "PAGAMENTO_RECUSADO_DETENTORA", "A chave Pix não está registrada."
		case k.Account.Number != o.Creditor.Number || k.Account.ISPB != o.Creditor.ISPB, o.CreditorDoc != "" && k.Document != o.CreditorDoc:
			return "DETALHE_PAGAMENTO_INVALIDO", "O recebedor informado difere do titular da chave Pix."
		}
	}
	if o.Creditor.ISPB == b.cfg.ISPB {
		if a := b.numbers[o.Creditor.Number]; a == nil || a.status == Unavailable {
			return "PAGAMENTO_RECUSADO_SPI", "AC03: a conta do recebedor não existe ou está encerrada."
		}
	}
	return "", ""
}
