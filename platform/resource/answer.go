package resource

import (
	"context"
	"net/http"
	"slices"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/sim/spec"
)

// The states of a resource (resources v3).
const (
	available = "AVAILABLE"
	pending   = "PENDING_AUTHORISATION"
)

// chunk is how many records are asked of a source at once when all are wanted.
const chunk = 1000

func (p *plan) answer(ctx context.Context, r *read) (*call.Answer, error) {
	switch {
	case p.op.Source == "resources":
		return r.resources(ctx)
	case p.op.Shape == spec.One:
		return r.one(ctx)
	case p.nested:
		return r.below(ctx)
	}
	return r.products(ctx)
}

// one answers a single record.
func (r *read) one(ctx context.Context) (*call.Answer, error) {
	rec, err := r.server.cfg.Source.Get(ctx, connector.Key{Source: r.lookup.Source, Customer: r.lookup.Customer, ID: r.lookup.ID})
	if err != nil {
		return nil, err
	}
	if r.top != "" {
		if err := r.usable(ctx, r.top, rec.Status); err != nil {
			return nil, err
		}
	}
	body := r.plan.shape.apply(r.plan.op, rec.Body)
	b := make([]byte, 0, len(body)+320)
	b = append(append(b, `{"data":`...), body...)
	b = append(b, `,"links":{"self":"`...)
	b = append(append(b, r.Base...), r.Request.URL.EscapedPath()...)
	b = append(b, `"},"meta":`...)
	b = r.AppendMeta(b, call.Listing{Page: call.Page{Number: 1, Size: 1}, Total: 1, Totals: r.plan.totals})
	return &call.Answer{Status: http.StatusOK, Body: append(b, '}')}, nil
}

// below answers a page of what belongs to a resource; the source pages.
func (r *read) below(ctx context.Context) (*call.Answer, error) {
	rec, err := r.server.cfg.Source.Get(ctx, connector.Key{Source: "resources", Customer: r.lookup.Customer, ID: r.top})
	if err != nil {
		return nil, err
	}
	if err := r.usable(ctx, r.top, rec.Status); err != nil {
		return nil, err
	}
	found, err := r.server.cfg.Source.List(ctx, connector.Query{
		Source: r.lookup.Source, Customer: r.lookup.Customer, Parent: r.lookup.Parent, From: r.lookup.From, To: r.lookup.To,
		Filters: r.filters(), Offset: r.page.Offset(), Limit: r.page.Size,
	})
	if err != nil {
		return nil, err
	}
	return r.list(ctx, found.Records, found.Total)
}

// products answers a page of resources of one product, or of records about the customer. Only what is
// available shows.
func (r *read) products(ctx context.Context) (*call.Answer, error) {
	all, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	kept := all[:0:0]
	for _, rec := range all {
		state, err := r.state(ctx, rec.ID, rec.Status)
		if err != nil {
			return nil, err
		}
		if state == "" || state == available {
			kept = append(kept, rec)
		}
	}
	return r.slice(ctx, kept)
}

// resources answers a page of the consent's resources: those chosen, and everything of grouped products.
func (r *read) resources(ctx context.Context) (*call.Answer, error) {
	if prepare := r.server.cfg.Preparing; prepare != nil && prepare(r.consent) {
		return &call.Answer{Status: http.StatusAccepted}, nil
	}
	consented := r.lookup.Consented
	r.lookup.Consented = nil // grouped products are not chosen one by one
	all, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	kept := all[:0:0]
	for _, rec := range all {
		if byResource(rec.Type) && consented != nil && !slices.Contains(consented, rec.ID) || !slices.Contains(r.consent.Permissions, types[rec.Type]) {
			continue
		}
		state, err := r.state(ctx, rec.ID, rec.Status)
		if err != nil {
			return nil, err
		}
		if state == "" {
			state = available
		}
		b := append(make([]byte, 0, 128), `{"resourceId":"`...)
		b = append(append(b, rec.ID...), `","type":"`...)
		b = append(append(b, rec.Type...), `","status":"`...)
		rec.Body = append(append(b, state...), `"}`...)
		kept = append(kept, rec)
	}
	return r.slice(ctx, kept)
}

// all asks the source for every record of the question.
func (r *read) all(ctx context.Context) ([]connector.Record, error) {
	q := connector.Query{Source: r.lookup.Source, Customer: r.lookup.Customer, Filters: r.filters(), Only: r.lookup.Consented, Limit: chunk}
	var all []connector.Record
	for {
		found, err := r.server.cfg.Source.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Records...)
		q.Offset += len(found.Records)
		if len(found.Records) == 0 || q.Offset >= found.Total {
			return all, nil
		}
	}
}

func (r *read) slice(ctx context.Context, all []connector.Record) (*call.Answer, error) {
	from := min(r.page.Offset(), len(all))
	return r.list(ctx, all[from:min(from+r.page.Size, len(all))], len(all))
}

// list writes a page.
func (r *read) list(ctx context.Context, records []connector.Record, total int) (*call.Answer, error) {
	if err := r.page.Exists(ctx, r.server.cfg.Seams, total); err != nil {
		return nil, err
	}
	size := 1024
	for i := range records {
		size += len(records[i].Body) + 1
	}
	b := append(make([]byte, 0, size), `{"data":[`...)
	for i := range records {
		if i > 0 {
			b = append(b, ',')
		}
		body := []byte(records[i].Body)
		if r.plan.op.Source != "resources" {
			body = r.plan.shape.apply(r.plan.op, body)
		}
		b = append(b, body...)
	}
	l := call.Listing{Page: r.page, Total: total, Totals: r.plan.totals, Last: r.plan.last, Key: r.PageKey}
	b = append(r.AppendLinks(append(b, `],"links":`...), l), `,"meta":`...)
	return &call.Answer{Status: http.StatusOK, Body: append(r.AppendMeta(b, l), '}')}, nil
}

// usable refuses a resource that is not available.
func (r *read) usable(ctx context.Context, id, status string) error {
	var err error
	if r.status, err = r.state(ctx, id, status); err != nil {
		return err
	}
	return statusRules.Check(ctx, r.server.cfg.Seams, r)
}

// state is the resource's own state, except that one that needs further approvers is pending until they
// all have approved the consent.
func (r *read) state(ctx context.Context, id, status string) (string, error) {
	if len(r.consent.Approvals) == 0 || !r.plan.chosen || status != "" && status != available {
		return status, nil
	}
	others, err := r.server.cfg.Source.List(ctx, connector.Query{Source: "approvers", Customer: r.lookup.Customer, Parent: id, Limit: 1})
	if err != nil {
		return "", err
	}
	if others.Total > 0 {
		return pending, nil
	}
	return status, nil
}
