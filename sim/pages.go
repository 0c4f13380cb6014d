package sim

import (
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"time"
)

//go:embed pages.gohtml
var pageText string

var pageTemplates = template.Must(template.New("pages").Parse(pageText))

// pages serves the third parties' addresses that a browser meets: where the customer comes back, and
// where notifications arrive.
func (e *Ecosystem) pages() http.Handler {
	mux := http.NewServeMux()
	back := func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		for _, sw := range e.cast.software {
			if sw.host == host {
				e.show(w, "back", map[string]any{"Name": sw.name, "Bank": e.cast.bank.name, "Defects": e.board.Seams().Armed()})
				return
			}
		}
		http.NotFound(w, r)
	}
	mux.HandleFunc("GET /cb", back)
	mux.HandleFunc("GET /cb2", back)
	mux.HandleFunc("POST /webhook/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return mux
}

// home is the first page of the ecosystem: what is running, which day it is there, what is broken on
// purpose, and what to do next.
func (e *Ecosystem) home() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		customers := e.ready.Customers
		if len(customers) > 12 {
			customers = customers[:12]
		}
		e.show(w, "home", map[string]any{"Ready": e.ready, "Customers": customers, "Software": e.cast.software,
			"Now": e.clock.Now().Format(time.RFC1123), "Stepped": e.clock.Offset().Round(time.Second), "Defects": e.board.Seams().Armed()})
	})
	return mux
}

func (e *Ecosystem) show(w http.ResponseWriter, name string, view any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := pageTemplates.ExecuteTemplate(w, name, view); err != nil {
		e.log.Error("a page could not be shown", "page", name, "error", err)
	}
}
