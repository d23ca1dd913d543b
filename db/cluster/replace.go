package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// DropDatabase removes a database, whoever is connected to it, if it is there.
func (s *Server) DropDatabase(ctx context.Context, name string) (err error) {
	db, err := s.connect(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `DROP DATABASE IF EXISTS `+pq.QuoteIdentifier(name)+` WITH (FORCE)`); err != nil {
		return fmt.Errorf("dropping database %s: %w", name, err)
	}
	return nil
}

// ReplaceDatabase puts a database in the place of another, which is dropped. It
// fails, and changes nothing, while anybody is connected to either.
func (s *Server) ReplaceDatabase(ctx context.Context, name, with string) (err error) {
	db, err := s.connect(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	old := name + "_replaced"
	if _, err := db.ExecContext(ctx, `DROP DATABASE IF EXISTS `+pq.QuoteIdentifier(old)); err != nil {
		return fmt.Errorf("dropping database %s: %w", old, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("replacing database %s: %w", name, err)
	}
	for _, move := range [][2]string{{name, old}, {with, name}} {
		_, err := tx.ExecContext(ctx, `ALTER DATABASE `+pq.QuoteIdentifier(move[0])+` RENAME TO `+pq.QuoteIdentifier(move[1]))
		if err != nil {
			return errors.Join(fmt.Errorf("replacing database %s: %w", name, err), tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("replacing database %s: %w", name, err)
	}
	if _, err := db.ExecContext(ctx, `DROP DATABASE `+pq.QuoteIdentifier(old)); err != nil {
		return fmt.Errorf("replaced database %s; dropping what it was: %w", name, err)
	}
	return nil
}
