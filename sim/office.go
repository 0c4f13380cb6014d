package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/platform/event"
)

// office is what the programs of a third party share: its register of consents, its outbox to the metrics
// platform, and who tells the stock of each day.
type office struct {
	of        *organisation
	inventory *tpp.Inventory
	client    *tpp.Client // reports for all of them
	steward   *tpp.Steward
}

// openOffices opens that of every third party.
func (e *Ecosystem) openOffices(c *control) error {
	e.offices = map[string]*office{}
	for _, o := range e.cast.parties {
		one, err := e.openOffice(o)
		if err != nil {
			return fmt.Errorf("office of %s: %w", o.name, err)
		}
		e.offices[o.id] = one
	}
	c.mount("parties", e.partyControl())
	return nil
}

func (e *Ecosystem) openOffice(o *organisation) (*office, error) {
	one := &office{of: o}
	var err error
	if one.inventory, err = tpp.OpenInventory(tpp.InventoryConfig{Organisation: o.id, Clock: e.clock, Dir: e.sub("consents-" + o.id), Log: e.log}); err != nil {
		return nil, err
	}
	e.closing("register of consents", one.inventory.Close)
	cfg := e.partyConfig(e.cast.firstOf(o))
	if e.options.Dir != "" {
		box, err := event.OpenOutbox(e.sub("outbox-" + o.id))
		if err != nil {
			return nil, err
		}
		e.closing("outbox", box.Close)
		cfg.Outbox = kept{box}
	}
	if one.client, err = tpp.New(cfg); err != nil {
		return nil, err
	}
	e.after(one.client.Close)
	if one.steward, err = tpp.Employ(one.inventory, one.client); err != nil {
		return nil, err
	}
	e.after(one.steward.Close)
	return one, nil
}

// flushOffices writes what is due and sends what waits.
func (e *Ecosystem) flushOffices(ctx context.Context) error {
	for _, o := range e.cast.parties {
		one := e.offices[o.id]
		if one == nil {
			continue // a start that failed
		}
		if err := one.steward.Write(); err != nil {
			return err
		}
		if err := one.client.FlushReports(ctx); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
	}
	return nil
}

// partyControl takes what programs of the third parties elsewhere learn about consents, and tells how the
// offices fare.
func (e *Ecosystem) partyControl() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /consents", func(w http.ResponseWriter, r *http.Request) {
		var list []tpp.Sighting
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			say(w, http.StatusBadRequest, map[string]string{"error": "the body is no list of sightings: " + err.Error()})
			return
		}
		for _, s := range list {
			one := e.offices[s.Organisation]
			if one == nil {
				say(w, http.StatusUnprocessableEntity, map[string]string{"error": "no third party here is the organisation " + s.Organisation})
				return
			}
			one.inventory.Note(s)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, e.officeStats()) })
	mux.HandleFunc("POST /flush", func(w http.ResponseWriter, q *http.Request) {
		if err := e.flushOffices(q.Context()); err != nil {
			say(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		say(w, http.StatusOK, e.officeStats())
	})
	return mux
}

// officeStats tells how each fares, by organisation.
func (e *Ecosystem) officeStats() map[string]any {
	all := map[string]any{}
	for id, one := range e.offices {
		all[id] = map[string]any{"name": one.of.name, "consents": one.inventory.Stats(), "reports": one.client.ReportStats()}
	}
	return all
}

// kept is an outbox on the disk for the reports of a third party.
type kept struct{ *event.Outbox }

// Next waits for reports.
func (k kept) Next(ctx context.Context, most int) ([]tpp.Kept, error) {
	list, err := k.Outbox.Next(ctx, most)
	all := make([]tpp.Kept, len(list))
	for i, e := range list {
		all[i] = tpp.Kept(e)
	}
	return all, err
}
