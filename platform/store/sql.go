package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the "sqlite" driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// errUnknownOutcome marks an error that came while committing: the group may have been kept.
var errUnknownOutcome = errors.New("the database did not confirm the commit")

// The sizes of the connection pool. One connection writes; the others read at start-up, for the relay
// and for control questions, so a handful is plenty and never exhausts a shared server.
const (
	poolSize = 4
	idleTime = 5 * time.Minute
	lifeTime = time.Hour
	// applyTimeout bounds one transaction, so that a hung server becomes an error.
	applyTimeout = 15 * time.Second
)

// database is the engine over database/sql. The statements are the same for both databases but for the
// way to write many records at once.
type database struct {
	db *sql.DB
	// order sorts ids by their bytes, which PostgreSQL does only when told.
	order string
	write func(ctx context.Context, tx *sql.Tx, g *group) error
}

func openSQLite(ctx context.Context, path string) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// SQLite would create the file readable to all; its journal files inherit these permissions.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	pragmas := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, err
	}
	return opened(ctx, goose.DialectSQLite3, &database{db: db, order: "id", write: writeRows})
}

func openPostgres(ctx context.Context, dsn string) (*database, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	return opened(ctx, goose.DialectPostgres, &database{db: db, order: `id COLLATE "C"`, write: writeArrays})
}

func opened(ctx context.Context, dialect goose.Dialect, d *database) (*database, error) {
	d.db.SetMaxOpenConns(poolSize)
	d.db.SetMaxIdleConns(poolSize)
	d.db.SetConnMaxIdleTime(idleTime)
	d.db.SetConnMaxLifetime(lifeTime)
	if err := migrate(ctx, d.db, dialect); err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	return d, nil
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

func (d *database) apply(ctx context.Context, g *group) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := d.fill(ctx, tx, g); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", errUnknownOutcome, err)
	}
	return nil
}

// ignoreDone drops the complaint that a failed transaction was already rolled back.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (d *database) fill(ctx context.Context, tx *sql.Tx, g *group) error {
	if n := int64(len(g.events)); n > 0 {
		var last int64
		err := tx.QueryRowContext(ctx, `UPDATE counters SET value = value + $1 WHERE name = 'events' RETURNING value`, n).Scan(&last)
		if err != nil {
			return fmt.Errorf("number events: %w", err)
		}
		for i := range g.events {
			g.events[i].Seq = last - n + int64(i) + 1
		}
	}
	return d.write(ctx, tx, g)
}

func (d *database) each(ctx context.Context, kind string, fn func(Record) error) error {
	rows, err := d.db.QueryContext(ctx, `SELECT id, body FROM records WHERE kind = $1 ORDER BY `+d.order, kind) //nolint:gosec // a column of ours, one for each database
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		if err := fn(Record{Key{kind, id}, json.RawMessage(body)}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d *database) events(ctx context.Context, after int64, limit int) ([]Event, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT seq, type, id, at, data FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, after, max(limit, 0))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Event
	for rows.Next() {
		var e Event
		var data string
		if err := rows.Scan(&e.Seq, &e.Type, &e.ID, &e.At, &data); err != nil {
			return nil, err
		}
		if data != "" {
			e.Data = json.RawMessage(data)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func (d *database) prune(ctx context.Context, upTo int64) error {
	_, err := d.db.ExecContext(ctx, `DELETE FROM events WHERE seq <= $1`, upTo)
	return err
}

func (d *database) close() error { return d.db.Close() }
