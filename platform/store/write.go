package store

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	putRow    = `INSERT INTO records (kind, id, body) VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`
	deleteRow = `DELETE FROM records WHERE kind = $1 AND id = $2`
	emitRow   = `INSERT INTO events (seq, type, id, at, data) VALUES ($1, $2, $3, $4, $5)`

	putArrays    = `INSERT INTO records (kind, id, body) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`
	deleteArrays = `DELETE FROM records r USING unnest($1::text[], $2::text[]) AS gone(kind, id) WHERE r.kind = gone.kind AND r.id = gone.id`
	emitArrays   = `INSERT INTO events (seq, type, id, at, data) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[])`
)

// writeRows writes one row per statement: right for a database in the same process.
func writeRows(ctx context.Context, tx *sql.Tx, g *group) error {
	if len(g.order) > 0 {
		put, err := tx.PrepareContext(ctx, putRow)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		defer put.Close()
		for _, k := range g.order {
			if body := g.records[k]; body != nil {
				_, err = put.ExecContext(ctx, k.Kind, k.ID, string(body))
			} else {
				_, err = tx.ExecContext(ctx, deleteRow, k.Kind, k.ID)
			}
			if err != nil {
				return fmt.Errorf("write %s %s: %w", k.Kind, k.ID, err)
			}
		}
	}
	if len(g.events) == 0 {
		return nil
	}
	emit, err := tx.PrepareContext(ctx, emitRow)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer emit.Close()
	for _, e := range g.events {
		if _, err := emit.ExecContext(ctx, e.Seq, e.Type, e.ID, e.At, string(e.Data)); err != nil {
			return fmt.Errorf("tell %s of %s: %w", e.Type, e.ID, err)
		}
	}
	return nil
}

// writeArrays writes a whole group in at most three round trips: right for a database over a network.
func writeArrays(ctx context.Context, tx *sql.Tx, g *group) error {
	var put, gone struct{ kinds, ids, bodies []string }
	for _, k := range g.order {
		if body := g.records[k]; body != nil {
			put.kinds, put.ids, put.bodies = append(put.kinds, k.Kind), append(put.ids, k.ID), append(put.bodies, string(body))
		} else {
			gone.kinds, gone.ids = append(gone.kinds, k.Kind), append(gone.ids, k.ID)
		}
	}
	if len(put.ids) > 0 {
		if _, err := tx.ExecContext(ctx, putArrays, put.kinds, put.ids, put.bodies); err != nil {
			return fmt.Errorf("write %d records: %w", len(put.ids), err)
		}
	}
	if len(gone.ids) > 0 {
		if _, err := tx.ExecContext(ctx, deleteArrays, gone.kinds, gone.ids); err != nil {
			return fmt.Errorf("delete %d records: %w", len(gone.ids), err)
		}
	}
	if len(g.events) == 0 {
		return nil
	}
	var seqs, ats []int64
	var types, ids, data []string
	for _, e := range g.events {
		seqs, ats = append(seqs, e.Seq), append(ats, e.At)
		types, ids, data = append(types, e.Type), append(ids, e.ID), append(data, string(e.Data))
	}
	if _, err := tx.ExecContext(ctx, emitArrays, seqs, types, ids, ats, data); err != nil {
		return fmt.Errorf("tell %d events: %w", len(seqs), err)
	}
	return nil
}
