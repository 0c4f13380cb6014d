package payment

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// emv writes one data object.
func emv(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len([]rune(value)), value) }

// codeOf writes a Pix code with its checksum.
func codeOf(parts ...string) string {
	body := strings.Join(parts, "") + "6304"
	return body + fmt.Sprintf("%04X", crc16(body))
}

func staticCode(key, amount, txid string) string {
	parts := []string{emv("00", "01"), emv("26", emv("00", "br.gov.bcb.pix")+emv("01", key)), emv("52", "0000"), emv("53", "986")}
	if amount != "" {
		parts = append(parts, emv("54", amount))
	}
	if txid == "" {
		txid = "***"
	}
	return codeOf(append(parts, emv("58", "BR"), emv("59", "Loja Sintética"), emv("60", "BRASILIA"), emv("62", emv("05", txid)))...)
}

func dynamicCode(url string) string {
	return codeOf(emv("00", "01"), emv("01", "12"), emv("26", emv("00", "BR.GOV.BCB.PIX")+emv("25", url)), emv("52", "0000"), emv("53", "986"), emv("58", "BR"), emv("59", "Loja"), emv("60", "BRASILIA"), emv("62", emv("05", "***")))
}

func TestCodesAreRead(t *testing.T) {
	// The central bank's own example of a static code (Pix initiation manual).
	c, err := ReadCode("00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D")
	if err != nil || !c.Static || c.Key != "123e4567-e12b-12d1-a456-426655440000" || c.Name != "Fulano de Tal" || c.TxID != "" || c.Amount != "" {
		t.Errorf("%+v %v", c, err)
	}
	c, err = ReadCode(staticCode("loja@example.com", "12.5", "PEDIDO1"))
	if err != nil || c.Amount != "12.50" || c.TxID != "PEDIDO1" || c.Name != "Loja Sintética" {
		t.Errorf("%+v %v", c, err)
	}
	c, err = ReadCode(dynamicCode("pix.example.com/qr/v2/abc"))
	if err != nil || c.Static || c.URL != "pix.example.com/qr/v2/abc" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	good := staticCode("loja@example.com", "12.50", "")
	for name, bad := range map[string]string{
		"empty": "", "no checksum": good[:len(good)-8], "other checksum": good[:len(good)-4] + "0000", "torn": good[:20],
		"changed": strings.Replace(good, "12.50", "99.50", 1), "no pix": codeOf(emv("00", "01"), emv("53", "986"), emv("58", "BR")),
		"dollars":         codeOf(emv("00", "01"), emv("26", emv("00", "br.gov.bcb.pix")+emv("01", "k")), emv("53", "840"), emv("58", "BR")),
		"key and address": codeOf(emv("00", "01"), emv("26", emv("00", "br.gov.bcb.pix")+emv("01", "k")+emv("25", "u")), emv("53", "986"), emv("58", "BR")),
		"twice":           codeOf(emv("00", "01"), emv("00", "01"), emv("26", emv("00", "br.gov.bcb.pix")+emv("01", "k")), emv("53", "986"), emv("58", "BR")),
		"no amount":       staticCode("k", "1,00", ""), "long": good + strings.Repeat("0", 600),
	} {
		if c, err := ReadCode(bad); !errors.Is(err, ErrCode) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	for _, seed := range []string{staticCode("loja@example.com", "12.50", "A1"), dynamicCode("u.example.com/1"), "", "6304", "0099", staticCode("é", "", "")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ReadCode(text)
		if err != nil {
			return
		}
		if (c.Key == "") == (c.URL == "") || c.Amount != "" && centavos(c.Amount) < 0 {
			t.Fatalf("%q reads as %+v", text, c)
		}
		// A code stands only with its checksum: any other last character breaks it.
		if _, err := ReadCode(text[:len(text)-1] + "Z"); err == nil {
			t.Fatalf("%q is accepted with another checksum", text)
		}
		// Whatever the length, a body with a right checksum must not be read differently twice.
		if again, _ := ReadCode(text); again != c {
			t.Fatal("not repeatable")
		}
	})
}

func FuzzObjects(f *testing.F) {
	f.Add("000201")
	f.Add(emv("26", emv("00", "br.gov.bcb.pix")))
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = ReadCode(codeOf(text))
		_, _ = readCharge(text)
	})
}
