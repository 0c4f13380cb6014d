package payment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pixGUI names the Pix arrangement inside a merchant account of a code.
const pixGUI = "br.gov.bcb.pix"

// Code is a Pix QR code (EMV merchant-presented mode, Pix standards manual 2.6).
type Code struct {
	Static      bool   // the key is in the code; otherwise the charge is at URL
	Key         string // static only
	URL         string // dynamic only, without scheme
	Facilitator string // ISPB of a withdrawal's facilitator, static only
	Amount      string // decimal text, or "" when the payer chooses
	TxID        string // "" when there is none
	Name, City  string
}

// ErrCode says that a text is not a Pix code.
var ErrCode = errors.New("not a Pix code")

// ReadCode reads a Pix code and proves its checksum.
func ReadCode(text string) (Code, error) {
	if !utf8.ValidString(text) || len(text) > 512 || len(text) < 12 {
		return Code{}, fmt.Errorf("%w: %d bytes", ErrCode, len(text))
	}
	cut := len(text) - 8
	if text[cut:cut+4] != "6304" || !strings.EqualFold(text[cut+4:], fmt.Sprintf("%04X", crc16(text[:cut+4]))) {
		return Code{}, fmt.Errorf("%w: checksum", ErrCode)
	}
	fields, err := objects(text[:cut])
	if err != nil {
		return Code{}, err
	}
	if fields["00"] != "01" || fields["58"] != "BR" || fields["53"] != "986" {
		return Code{}, fmt.Errorf("%w: format, country or currency", ErrCode)
	}
	c := Code{Amount: fields["54"], Name: fields["59"], City: fields["60"]}
	for id := 26; id <= 51; id++ {
		account, err := objects(fields[strconv.Itoa(id)])
		if err != nil || !strings.EqualFold(account["00"], pixGUI) {
			continue
		}
		c.Key, c.URL, c.Facilitator = account["01"], account["25"], account["03"]
		c.Static = c.Key != ""
	}
	if (c.Key == "") == (c.URL == "") {
		return Code{}, fmt.Errorf("%w: neither key nor address, or both", ErrCode)
	}
	more, err := objects(fields["62"])
	if err != nil {
		return Code{}, err
	}
	if more["05"] != "***" {
		c.TxID = more["05"]
	}
	if c.Amount != "" {
		if c.Amount, err = decimal(c.Amount); err != nil {
			return Code{}, err
		}
	}
	return c, nil
}

// objects splits a run of EMV data objects: two digits of id, two of length, the value. Lengths count
// characters.
func objects(s string) (map[string]string, error) {
	out := map[string]string{}
	for s != "" {
		if len(s) < 4 {
			return nil, fmt.Errorf("%w: torn object", ErrCode)
		}
		n, err := strconv.ParseUint(s[2:4], 10, 8)
		if err != nil {
			return nil, fmt.Errorf("%w: length of %q", ErrCode, s[:2])
		}
		id := s[:2]
		s = s[4:]
		end := 0
		for ; n > 0; n-- {
			if end >= len(s) {
				return nil, fmt.Errorf("%w: object %q is short", ErrCode, id)
			}
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
		}
		if _, twice := out[id]; twice {
			return nil, fmt.Errorf("%w: object %q twice", ErrCode, id)
		}
		out[id], s = s[:end], s[end:]
	}
	return out, nil
}

// decimal writes an amount of a code with two decimals: EMV allows fewer.
func decimal(s string) (string, error) {
	whole, part, _ := strings.Cut(s, ".")
	for _, digits := range []string{whole, part} {
		if strings.Trim(digits, "0123456789") != "" {
			return "", fmt.Errorf("%w: amount %q", ErrCode, s)
		}
	}
	if whole == "" || len(whole) > 13 || len(part) > 2 {
		return "", fmt.Errorf("%w: amount %q", ErrCode, s)
	}
	return whole + "." + (part + "00")[:2], nil
}

// crc16 is CRC-16/CCITT-FALSE, as ISO/IEC 13239 is used in EMV codes.
func crc16(s string) uint16 {
	crc := uint16(0xFFFF)
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
