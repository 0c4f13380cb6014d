package tpp

import (
	"errors"
	"fmt"
	"strings"
)

// BRCode is a Pix code before it is text: the EMV merchant-presented form that Brazil uses.
type BRCode struct {
	Key           string // static: the Pix key
	Info          string // static: free text
	URL           string // dynamic: address of the charge, without scheme
	Withdrawal    string // static: ISPB of the withdrawal facilitator
	Amount        string // "" leaves it open
	Name, City    string
	TransactionID string // "" is none
}

// Text encodes the code, its CRC last. It refuses what does not fit the format.
func (b BRCode) Text() (string, error) {
	if (b.Key == "") == (b.URL == "") {
		return "", errors.New("pix code: exactly one of key and address is needed")
	}
	account := &field{}
	account.add("00", "br.gov.bcb.pix")
	initiation := ""
	if b.URL != "" {
		initiation = "12"
		account.add("25", b.URL)
	} else {
		account.add("01", b.Key)
		account.add("02", b.Info)
		account.add("03", b.Withdrawal)
	}
	id := b.TransactionID
	if id == "" {
		id = "***"
	}
	extra := &field{}
	extra.add("05", id)
	code := &field{}
	code.add("00", "01")
	code.add("01", initiation)
	code.nest("26", account)
	code.add("52", "0000")
	code.add("53", "986")
	code.add("54", b.Amount)
	code.add("58", "BR")
	code.add("59", clip(b.Name, 25))
	code.add("60", clip(b.City, 15))
	code.nest("62", extra)
	if code.err != nil {
		return "", fmt.Errorf("pix code: %w", code.err)
	}
	text := code.String() + "6304"
	return text + fmt.Sprintf("%04X", CRC(text)), nil
}

// CRC is the CRC-16/CCITT-FALSE that ends a code.
func CRC(text string) uint16 {
	sum := uint16(0xFFFF)
	for _, b := range []byte(text) {
		sum ^= uint16(b) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// field is a run of tag, length, value.
type field struct {
	strings.Builder
	err error
}

func (f *field) add(tag, value string) {
	if value == "" {
		return
	}
	if len(value) > 99 {
		f.err = fmt.Errorf("field %s has %d characters, at most 99 fit", tag, len(value))
		return
	}
	_, _ = fmt.Fprintf(f, "%s%02d%s", tag, len(value), value)
}

func (f *field) nest(tag string, inner *field) {
	if inner.err != nil {
		f.err = inner.err
	}
	f.add(tag, inner.String())
}

func clip(s string, n int) string { return s[:min(n, len(s))] }
