package screen

import "slices"

// Group is one group of data in the names of the standard's data table (DS-14), with what it contains,
// folded until asked for (CF-09).
type Group struct {
	Category string
	Name     string
	Contents []string
	Grows    bool // new contracts join by themselves (CF-08)
}

type groupRow struct {
	Group
	any []string // the permissions that bring the group onto the page
}

// Groups names what a list of permissions shares, in the order of the data table and each group once
// (CF-04). RESOURCES_READ names nothing a customer could see.
func Groups(permissions []string) []Group {
	var shown []Group
	for _, row := range table {
		if slices.ContainsFunc(row.any, func(p string) bool { return slices.Contains(permissions, p) }) {
			shown = append(shown, row.Group)
		}
	}
	return shown
}

// SelectsAccounts says whether the permissions reach data that the customer chooses by account or card;
// registration, credit, investments and exchange are shared whole (CF-07).
func SelectsAccounts(permissions []string) (accounts, cards bool) {
	return slices.Contains(permissions, "ACCOUNTS_READ"), slices.Contains(permissions, "CREDIT_CARDS_ACCOUNTS_READ")
}

const (
	registration = "Cadastro"
	account      = "Conta"
	card         = "Cartão de crédito"
	credit       = "Operações de crédito"
	investment   = "Investimentos"
	exchange     = "Câmbio"
)

var table = []groupRow{
	{Group{registration, "Dados cadastrais", []string{"Nome completo", "Documentos", "Endereço e contatos", "Filiação"}, false}, []string{"CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ"}},
	{Group{registration, "Informações complementares", []string{"Data de início do relacionamento", "Produtos contratados", "Renda e patrimônio", "Procuradores"}, false}, []string{"CUSTOMERS_PERSONAL_ADITTIONALINFO_READ"}},
	{Group{registration, "Dados cadastrais da empresa", []string{"Razão social", "CNPJ", "Endereço e contatos", "Sócios e administradores"}, false}, []string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ"}},
	{Group{registration, "Informações complementares da empresa", []string{"Ramo de atuação", "Faturamento", "Patrimônio", "Relacionamento"}, false}, []string{"CUSTOMERS_BUSINESS_ADITTIONALINFO_READ"}},
	{Group{account, "Saldos", []string{"Saldo disponível", "Saldo bloqueado", "Saldo aplicado automaticamente"}, false}, []string{"ACCOUNTS_BALANCES_READ"}},
	{Group{account, "Limites", []string{"Limite contratado", "Limite utilizado"}, false}, []string{"ACCOUNTS_OVERDRAFT_LIMITS_READ"}},
	{Group{account, "Extratos", []string{"Lançamentos", "Valores e datas", "Contraparte"}, false}, []string{"ACCOUNTS_TRANSACTIONS_READ"}},
	{Group{card, "Limites", []string{"Limite total", "Limite utilizado", "Limite disponível"}, false}, []string{"CREDIT_CARDS_ACCOUNTS_LIMITS_READ"}},
	{Group{card, "Transações", []string{"Compras", "Parcelas", "Valores e datas"}, false}, []string{"CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ"}},
	{Group{card, "Faturas", []string{"Faturas fechadas", "Encargos", "Pagamentos"}, false}, []string{"CREDIT_CARDS_ACCOUNTS_BILLS_READ", "CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ"}},
	{Group{credit, "Contratos de empréstimos", contract, true}, []string{"LOANS_READ"}},
	{Group{credit, "Contratos de financiamentos", contract, true}, []string{"FINANCINGS_READ"}},
	{Group{credit, "Contratos de adiantamento a depositantes", contract, true}, []string{"UNARRANGED_ACCOUNTS_OVERDRAFT_READ"}},
	{Group{credit, "Contratos de direitos creditórios descontados", contract, true}, []string{"INVOICE_FINANCINGS_READ"}},
	{Group{investment, "Renda fixa bancária", operation, true}, []string{"BANK_FIXED_INCOMES_READ"}},
	{Group{investment, "Renda fixa crédito", operation, true}, []string{"CREDIT_FIXED_INCOMES_READ"}},
	{Group{investment, "Fundos de investimento", operation, true}, []string{"FUNDS_READ"}},
	{Group{investment, "Renda variável", append([]string{"Notas de negociação"}, operation...), true}, []string{"VARIABLE_INCOMES_READ"}},
	{Group{investment, "Títulos do Tesouro Direto", operation, true}, []string{"TREASURE_TITLES_READ"}},
	{Group{exchange, "Operações de câmbio", []string{"Identificação da operação", "Moeda e taxa", "Eventos"}, true}, []string{"EXCHANGES_READ"}},
}

var (
	contract  = []string{"Dados do contrato", "Garantias", "Parcelas", "Pagamentos"}
	operation = []string{"Identificação do produto", "Posição", "Movimentações"}
)
