package psu

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Form is the form of a page, filled in as a browser would find it. Hooks maps the page's data-ofb
// names to their text, in the order of the page.
type Form struct {
	ID      string
	Action  *url.URL
	Values  url.Values
	Choices []Choice
	Buttons []string // values of the "action" buttons
	Hooks   map[string][]string
}

// Choice is one box or button of choice.
type Choice struct {
	Name, Value, Label string
	Radio              bool
	Checked, Disabled  bool
}

// findForm reads the login or consent form of a page; a page with another form is taken by its first.
func findForm(page string, base *url.URL) (*Form, bool) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil, false
	}
	var chosen *html.Node
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		id := attr(n, "id")
		if chosen == nil || id == "login" || id == "consent" {
			chosen = n
		}
	}
	if chosen == nil {
		return nil, false
	}
	action, err := base.Parse(attr(chosen, "action"))
	if err != nil {
		return nil, false
	}
	f := &Form{ID: attr(chosen, "id"), Action: action, Values: url.Values{}, Hooks: hooks(doc)}
	for n := range chosen.Descendants() {
		if n.Type == html.ElementNode {
			f.control(n)
		}
	}
	return f, true
}

func (f *Form) control(n *html.Node) {
	name, value := attr(n, "name"), attr(n, "value")
	if name == "" {
		return
	}
	kind := strings.ToLower(attr(n, "type"))
	switch {
	case n.Data == "button" || (n.Data == "input" && kind == "submit"):
		if name == "action" {
			f.Buttons = append(f.Buttons, value)
		}
	case n.Data == "input" && (kind == "checkbox" || kind == "radio"):
		f.Choices = append(f.Choices, Choice{name, value, label(n), kind == "radio", has(n, "checked"), has(n, "disabled")})
	case n.Data == "input" && !has(n, "disabled"):
		f.Values.Add(name, value)
	}
}

// Choose keeps, of the choices of a name, those whose value is one of want or whose label holds it. A
// disabled choice cannot be chosen.
func (f *Form) Choose(name string, want ...string) error {
	found := 0
	for i, c := range f.Choices {
		if c.Name != name {
			continue
		}
		wanted := slices.ContainsFunc(want, func(w string) bool { return w == c.Value || (w != "" && strings.Contains(c.Label, w)) })
		if wanted && c.Disabled {
			return fmt.Errorf("the page does not let the customer choose that %s", name)
		}
		f.Choices[i].Checked = wanted
		if wanted {
			found++
		}
	}
	if found == 0 && len(want) > 0 {
		return fmt.Errorf("the page offers no such %s", name)
	}
	return nil
}

// settle chooses the first possible one of a name when nothing is chosen yet, as a customer would who
// has no preference.
func (f *Form) settle(name string) {
	first := -1
	for i, c := range f.Choices {
		if c.Name != name || c.Disabled {
			continue
		}
		if c.Checked {
			return
		}
		if first < 0 {
			first = i
		}
	}
	if first >= 0 {
		f.Choices[first].Checked = true
	}
}

// Press is what the browser sends when a button is pressed.
func (f *Form) Press(action string) url.Values {
	v := url.Values{}
	for name, values := range f.Values {
		v[name] = slices.Clone(values)
	}
	for _, c := range f.Choices {
		if c.Checked && !c.Disabled {
			v.Add(c.Name, c.Value)
		}
	}
	v.Set("action", action)
	return v
}

// Hook is the first text under a data-ofb name, or "".
func (f *Form) Hook(name string) string {
	if texts := f.Hooks[name]; len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// Hooks reads the data-ofb names of a page and their texts: what the customer was shown.
func Hooks(page string) map[string][]string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	return hooks(doc)
}

func hooks(doc *html.Node) map[string][]string {
	m := map[string][]string{}
	for n := range doc.Descendants() {
		if name := attr(n, "data-ofb"); n.Type == html.ElementNode && name != "" {
			m[name] = append(m[name], text(n))
		}
	}
	return m
}

// label is the text of the label around a control.
func label(n *html.Node) string {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && p.Data == "label" {
			return text(p)
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
