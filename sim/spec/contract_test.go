package spec

import "testing"

func TestContractsLoad(t *testing.T) {
	for name, get := range contracts {
		doc, err := get()
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(name, len(doc.Paths.Map()))
	}
}
