package corebank

import (
	"context"
	"crypto/subtle"
	"strings"
)

// Authenticate proves a person by username and password. The whole password, secret and card code, proves
// two kinds of factor; the secret alone proves one.
func (b *Bank) Authenticate(_ context.Context, username, password string) (Customer, error) {
	if b.away.Load() {
		return Customer{}, ErrUnavailable
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	who := b.login[username]
	if who == nil {
		return Customer{}, ErrCredentials
	}
	secret, _, _ := strings.Cut(who.Password, "+")
	whole := subtle.ConstantTimeCompare([]byte(password), []byte(who.Password))
	part := subtle.ConstantTimeCompare([]byte(password), []byte(secret))
	switch {
	case whole == 1:
		return who.customer(2), nil
	case part == 1:
		return who.customer(1), nil
	default:
		return Customer{}, ErrCredentials
	}
}

// Find returns the customer of a CPF; it proves nothing, so no factor is counted.
func (b *Bank) Find(_ context.Context, cpf string) (Customer, error) {
	if b.away.Load() {
		return Customer{}, ErrUnavailable
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	who := b.byCPF[cpf]
	if who == nil {
		return Customer{}, ErrUnknown
	}
	return who.customer(0), nil
}

func (p *person) customer(factors int) Customer {
	return Customer{Key: p.Key, Name: p.Name, CPF: p.CPF, Companies: p.Companies, Factors: factors}
}

// about returns the registration records of a person or company by source, encoded once.
func (b *Bank) about(p *person) map[string]Record {
	p.once.Do(func() {
		if p.company != nil {
			p.records = b.firm(p)
		} else {
			p.records = b.individual(p)
		}
	})
	return p.records
}

func (b *Bank) individual(p *person) map[string]Record {
	s := b.cfg.Seed.Stream("customer/" + p.Key)
	at := b.opened.Format("2006-01-02T15:04:05Z")
	id := s.UUID()
	identification := map[string]any{
		"updateDateTime": at, "personalId": id, "brandName": b.cfg.Brand, "civilName": p.Name, "birthDate": p.Birth,
		"maritalStatusCode": []string{"SOLTEIRO", "CASADO", "DIVORCIADO", "VIUVO"}[s.IntN(4)], "sex": []string{"FEMININO", "MASCULINO"}[s.IntN(2)],
		"companiesCnpj": []string{b.cfg.CNPJ}, "documents": map[string]any{"cpfNumber": p.CPF}, "hasBrazilianNationality": true,
		"filiation": []any{map[string]any{"type": "MAE", "civilName": "Mãe Sintética de " + p.Name}},
		"contacts":  contacts(p.Email, p.Phone),
	}
	qualification := map[string]any{
		"updateDateTime": at, "companyCnpj": b.cfg.CNPJ, "occupationCode": "OUTRO", "occupationDescription": "Personagem de simulação",
		"informedIncome":    map[string]any{"frequency": "MENSAL", "amount": brl(300_000 + int64(s.IntN(1_500_000))), "date": b.opened.In(Brasilia).AddDate(0, -2, 0).Format("2006-01-02")},
		"informedPatrimony": map[string]any{"amount": brl(5_000_000 + int64(s.IntN(90_000_000))), "year": b.opened.Year() - 1},
		"employers":         []any{map[string]any{"name": "Empregadora Sintética SA", "cnpjCpf": employer}},
	}
	products, accounts := []string{}, []any{}
	for _, a := range p.accounts {
		products = appendOnce(products, a.kind)
		subtype := "INDIVIDUAL"
		if len(a.holders) > 1 {
			subtype = "CONJUNTA_SIMPLES"
		}
		row := b.relation(a)
		row["subtype"] = subtype
		accounts = append(accounts, row)
	}
	relation := map[string]any{
		"updateDateTime": at, "startDate": "2019-03-11T12:00:00Z", "procurators": []any{}, "accounts": accounts,
		"paychecksBankLink": []any{map[string]any{
			"employerName": "Empregadora Sintética SA", "employerCnpjCpf": employer, "paycheckBankCnpj": b.cfg.CNPJ, "paycheckBankIspb": b.cfg.ISPB, "accountOpeningDate": "2019-03-11",
		}},
		"portabilitiesReceived": []any{map[string]any{
			"employerName": "Empregadora Sintética SA", "employerCnpjCpf": employer, "paycheckBankDetainerCnpj": otherCNPJ, "paycheckBankDetainerIspb": otherISPB, "portabilityApprovalDate": "2020-06-01",
		}},
	}
	if len(products) == 0 {
		products = append(products, "OUTROS")
		relation["productsServicesTypeAdditionalInfo"] = "Cadastro sem produto"
	}
	relation["productsServicesType"] = products
	return map[string]Record{
		"personal-identifications":     {ID: id, Body: encode(identification)},
		"personal-qualifications":      {ID: p.Key, Body: encode(qualification)},
		"personal-financial-relations": {ID: p.Key, Body: encode(relation)},
	}
}

func (b *Bank) firm(p *person) map[string]Record {
	s := b.cfg.Seed.Stream("customer/" + p.Key)
	at := b.opened.Format("2006-01-02T15:04:05Z")
	id := s.UUID()
	parties, procurators, accounts, products := []any{}, []any{}, []any{}, []string{}
	for i := range b.cfg.People {
		m := &b.cfg.People[i]
		for _, c := range m.Companies {
			if c.Key == p.Key {
				parties = append(parties, map[string]any{
					"personType": "PESSOA_NATURAL", "type": "SOCIO", "civilName": m.Name, "startDate": "2018-05-02T12:00:00Z", "shareholding": "0.500000",
					"documentType": "CPF", "documentNumber": m.CPF, "documentCountry": "BRA",
				})
				procurators = append(procurators, map[string]any{"type": "REPRESENTANTE_LEGAL", "cnpjCpfNumber": m.CPF, "civilName": m.Name})
			}
		}
	}
	for _, a := range p.accounts {
		products = appendOnce(products, a.kind)
		accounts = append(accounts, b.relation(a))
	}
	identification := map[string]any{
		"updateDateTime": at, "businessId": id, "brandName": b.cfg.Brand, "companyName": p.company.Name, "tradeName": "Comércio Sintético",
		"incorporationDate": "2018-05-02T12:00:00Z", "cnpjNumber": p.company.CNPJ, "companiesCnpj": []string{b.cfg.CNPJ}, "parties": parties,
		"contacts": contacts("contato@"+p.Key+".example.com", p.owner.Phone),
	}
	qualification := map[string]any{
		"updateDateTime": at, "economicActivities": []any{map[string]any{"code": "4711302", "isMain": true}},
		"informedRevenue":   map[string]any{"frequency": "ANUAL", "amount": brl(90_000_000 + int64(s.IntN(900_000_000))), "year": b.opened.Year() - 1},
		"informedPatrimony": map[string]any{"amount": brl(50_000_000 + int64(s.IntN(500_000_000))), "date": b.opened.In(Brasilia).AddDate(0, -3, 0).Format("2006-01-02")},
	}
	relation := map[string]any{
		"updateDateTime": at, "startDate": "2018-06-04T12:00:00Z", "productsServicesType": products, "procurators": procurators, "accounts": accounts,
	}
	return map[string]Record{
		"business-identifications":     {ID: id, Body: encode(identification)},
		"business-qualifications":      {ID: p.Key, Body: encode(qualification)},
		"business-financial-relations": {ID: p.Key, Body: encode(relation)},
	}
}

func (b *Bank) relation(a *account) map[string]any {
	row := map[string]any{"compeCode": b.cfg.Compe, "number": a.number, "checkDigit": a.digit, "type": a.kind}
	if a.kind != prepaid {
		row["branchCode"] = a.branch
	}
	return row
}

func contacts(email, phone string) map[string]any {
	return map[string]any{
		"postalAddresses": []any{map[string]any{
			"isMain": true, "address": "Rua Sintética, 100", "districtName": "Centro", "townName": "São Paulo", "ibgeTownCode": "3550308",
			"countrySubDivision": "SP", "postCode": "01001000", "country": "Brasil", "countryCode": "BRA",
		}},
		"phones": []any{map[string]any{"isMain": true, "type": "MOVEL", "countryCallingCode": "55", "areaCode": phone[3:5], "number": phone[5:]}},
		"emails": []any{map[string]any{"isMain": true, "email": email}},
	}
}

func brl(cents int64) map[string]string {
	return map[string]string{"amount": string(money(nil, cents)), "currency": "BRL"}
}

func appendOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
