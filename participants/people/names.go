package people

import "strings"

var given = []string{
	"Ana", "Bruno", "Carla", "Davi", "Elisa", "Fábio", "Gabriela", "Hugo", "Isabel", "João",
	"Karina", "Lucas", "Marina", "Nelson", "Olívia", "Paulo", "Quitéria", "Rafael", "Sílvia", "Tiago",
	"Úrsula", "Vítor", "Wanda", "Xavier", "Yara", "Zeca", "Beatriz", "Caio", "Denise", "Edson",
	"Flávia", "Gustavo", "Helena", "Ivo", "Júlia", "Kleber", "Lívia", "Mateus", "Nádia", "Otávio",
}

var families = []string{
	"Almeida", "Barbosa", "Cardoso", "Dias", "Esteves", "Ferreira", "Gomes", "Henriques", "Junqueira", "Lopes",
	"Moraes", "Nogueira", "Oliveira", "Pereira", "Queiroz", "Ribeiro", "Santana", "Teixeira", "Vasconcelos", "Xavier",
}

var accents = strings.NewReplacer("á", "a", "í", "i", "é", "e", "ã", "a", "ú", "u", "Ú", "u", "ó", "o")

// plain makes a username of a name.
func plain(name string) string { return strings.ToLower(accents.Replace(name)) }
